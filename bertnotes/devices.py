"""What computes fastest here: the device, the precision of its matrix products, and the form of attention. Page 13."""

import ctypes
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

import torch

BF16_UNITS = "avx512_bf16", "amx_bf16", "bf16", "sve_bf16"  # instructions of CPUs: the first two of x86, the others of ARM


def best_device():
    """The name of the fastest device here: "cuda", "mps" or "cpu"."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def training_attention(device):
    """The name of the attention to train with: on a GPU the fused one of torch, "sdpa", on a CPU our own, "bertnotes".

    torch has no fused attention with dropout for a CPU; there ours draws what to drop four times as fast (dropout.py).
    """
    return "bertnotes" if torch.device(device).type == "cpu" else "sdpa"


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


def choose_precision(asked, device, settings):
    """The precision for a run: the one asked for or, for "auto", the one in the run's file of settings, so that a run goes on
    as it began on whatever machine; where there is no such file, the fast one. Says on stderr where bf16 will be slow."""
    precision = asked
    if asked == "auto":
        path = Path(settings)
        begun = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        precision = begun.get("precision") or fast_precision(device)
    if precision == "bf16" and torch.device(device).type == "cpu" and fast_precision(device) == "fp32":
        print(
            "this processor has no units for bf16; a run with --precision fp32 in a new folder is far faster", file=sys.stderr
        )
    return precision


def autocast(device, precision):
    """A context in which matrix products run in bfloat16 if precision is "bf16", and in float32 if it is "fp32"."""
    if precision not in ("fp32", "bf16"):
        raise ValueError(f'precision is "fp32" or "bf16"; got {precision!r}')
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bf16")


def is_first():
    """Whether this is the first of the processes that were launched together, or the only one: the one that speaks."""
    return os.environ.get("WORLD_SIZE", "1") == "1" or os.environ.get("RANK", "0") == "0"


def give_back_memory():
    """Have the C library give back to the system what is free, where it can (glibc); elsewhere nothing happens."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
