"""The memory of this process: how much it came to hold, and giving back what lies idle."""

import ctypes
import sys
from contextlib import suppress

import torch


def peak_memory(device="cpu"):
    """The most memory that this process has held so far, in MB: on a GPU the tensors there, else all that the process held;
    None where the system does not say (Windows)."""
    if torch.device(device).type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 1e6)
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kilobytes
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def give_back_memory():
    """Have the C library give back to the system what is free, where it can (glibc); elsewhere nothing happens."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
