"""What computes fastest here: the device, the precision of its matrix products, and the form of attention. Page 13."""

import ctypes
import os
from contextlib import contextmanager, suppress

import torch

BF16_UNITS = "avx512_bf16", "amx_bf16", "bf16", "sve_bf16"  # instructions of CPUs: the first two of x86, the others of ARM


def best_device():
    """The name of the fastest device here: "cuda", "mps" or "cpu"."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def device_name(device):
    """What a device is called: a GPU by its maker's name, a CPU by how many threads compute here."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    return "Apple GPU" if device == "mps" else f"{torch.get_num_threads()} CPU threads"


@contextmanager
def inference(model, device=None):
    """Have a model judge, without dropout or gradients, while a `with` block lasts: on a device, which is given; None leaves it
    where it is. Afterwards it is there again, each part in the mode in which it was: a training may look between two steps."""
    home, modes = next(model.parameters()).device, {part: part.training for part in model.modules()}
    device = home if device is None else torch.device(device)
    model.eval()
    try:
        if device != home:
            model.to(device)
        with torch.no_grad():
            yield device
    finally:
        if device != home:
            model.to(home)
        for part, mode in modes.items():
            part.training = mode


def training_attention(device):
    """The name of the attention that trains fastest: on a GPU the fused one of torch, "sdpa"; on a CPU, where torch has none
    with dropout, the same as ours a slice at a time, "blockwise"."""
    return "blockwise" if torch.device(device).type == "cpu" else "sdpa"


def fast_precision(device, wanted="bf16"):
    """The precision wanted where the device has units for it; otherwise "fp32".

    A CPU without them is slower in bf16 than in fp32, by how much `meter.matrix_rate` measures. Apple's GPUs stay at fp32.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        has_units = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has_units = kind == "cpu" and any(torch.cpu.get_capabilities().get(unit) for unit in BF16_UNITS)
    return wanted if has_units else "fp32"


def autocast(device, precision):
    """A context in which matrix products run in bfloat16 if precision is "bf16", and in float32 if it is "fp32"."""
    if precision not in ("fp32", "bf16"):
        raise ValueError(f'precision is "fp32" or "bf16"; got {precision!r}')
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bf16")


LAUNCHED = "WORLD_SIZE", "RANK", "LOCAL_RANK"  # what a launcher tells each of the processes that it starts


def is_launched():
    """Whether this is one of several processes that a launcher started together, which tells each its number."""
    return os.environ.get("WORLD_SIZE", "1") not in ("", "1") and all(os.environ.get(name) for name in LAUNCHED)


def is_first():
    """Whether this is the first of the processes that were launched together, or the only one: the one that speaks."""
    return not is_launched() or os.environ["RANK"] == "0"


def give_back_memory():
    """Have the C library give back to the system what is free, where it can (glibc); elsewhere nothing happens."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
