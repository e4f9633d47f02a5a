"""The memory of this process: how much it came to hold, and giving back what lies idle."""

import ctypes
import re
import sys
from contextlib import suppress
from pathlib import Path

import torch


def peak_memory(device="cpu"):
    """The most memory that this process has held so far, in MB: on a GPU the tensors there, else all that the process held;
    None where the system does not say (Windows)."""
    if torch.device(device).type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 1e6)
    if (held := peak_of_process()) is not None:
        return held
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, others kilobytes
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def peak_of_process(process="self"):
    """The most memory that a process, given by its number, has held so far, in MB; None where the system is not Linux or has
    no such process. Unlike getrusage's, this peak is of its program alone, and not of the one that started it."""
    held = re.search(r"^VmHWM:\s*(\d+) kB$", linux_status(process), re.MULTILINE)
    return held and round(int(held[1]) * 1024 / 1e6)


def linux_status(process):
    """What Linux says of a process, given by its number; "" elsewhere, or where there is none."""
    with suppress(OSError):
        return Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return ""


def give_back_memory():
    """Have the C library give back to the system what is free, where it can (glibc); elsewhere nothing happens."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
