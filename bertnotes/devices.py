"""What computes fastest here: the device, the precision of its matrix products, and the form of attention. Notebook 11."""

import torch


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


def autocast(device, precision):
    """A context in which matrix products run in bfloat16 if precision is "bf16", and in float32 if it is "fp32"."""
    if precision not in ("fp32", "bf16"):
        raise ValueError(f'precision is "fp32" or "bf16"; got {precision!r}')
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bf16")
