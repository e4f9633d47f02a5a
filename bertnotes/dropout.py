"""Dropout: numbers left out at random, so that no later step comes to lean on one of them.

On a CPU, torch's own takes a third of a training step with long reviews, most of it to draw the random numbers; this one draws
them eight at a time. Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting".
"""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional


def drop(numbers: Float[Tensor, "*shape"], rate: float) -> Float[Tensor, "*shape"]:
    """Set each number to 0 with probability rate, and enlarge the others by 1 / (1 - rate), so that the mean stays.

    On a CPU a byte is drawn for each number, and rate rounded to 256ths. Raises ValueError where rate is not from 0 to 1.
    """
    check_rate(rate)
    if rate in (0, 1) or numbers.device.type != "cpu" or torch.compiler.is_compiling():
        return functional.dropout(numbers, rate)
    kept = random_bytes(numbers.shape) >= byte_limit(rate)
    return numbers * (kept * numbers.new_tensor(enlargement(rate)))


def check_rate(rate):
    """Raise ValueError where rate is not from 0 to 1."""
    if not 0 <= rate <= 1:
        raise ValueError(f"a dropout rate is a probability, from 0 to 1; got {rate}")


def byte_limit(rate):
    """rate in 256ths, at least one and not all: numbers whose byte is below it are dropped."""
    return min(max(round(256 * rate), 1), 255)


def enlargement(rate):
    """By how much the numbers that stay are multiplied, so that the mean stays."""
    return 1.0 - rate if rate in (0, 1) else 256 / (256 - byte_limit(rate))


def random_bytes(shape, generator=None) -> UInt8[Tensor, "..."]:
    """Numbers from 0 to 255, each as likely: eight out of each 64 bits that a generator draws [default: torch's own]."""
    count = torch.Size(shape).numel()
    words = torch.empty(-(-count // 8), dtype=torch.int64).random_(-(2**63), None, generator=generator)
    return words.view(torch.uint8)[:count].view(shape)


class Dropout(nn.Dropout):
    """torch's layer, drawing with `drop`."""

    def forward(self, numbers: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Numbers stay as they are in evaluation mode."""
        return drop(numbers, self.p) if self.training else numbers


def use_drop(model):
    """Let all dropout layers of a model draw with `drop`."""
    for module in list(model.modules()):
        for name, layer in module.named_children():
            if type(layer) is nn.Dropout:
                setattr(module, name, Dropout(layer.p))
