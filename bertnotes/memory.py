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
    if (held := re.search(r"^VmHWM:\s*(\d+) kB$", linux_status(), re.MULTILINE)) is not None:
        return round(int(held[1]) * 1024 / 1e6)
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, others kilobytes
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def linux_status():
    """What Linux says of this process; "" elsewhere. Unlike getrusage's, the peak in it is of this program alone, and not of
    the one that started it."""
    status = Path("/proc/self/status")
    return status.read_text(encoding="utf-8") if status.exists() else ""


def give_back_memory():
    """Have the C library give back to the system what is free, where it can (glibc); elsewhere nothing happens."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
