"""What computes where."""

import pytest
import torch

from bertnotes.devices import autocast, best_device, training_attention


def test_best_device_is_there():
    assert torch.ones(1, device=best_device()).sum().item() == 1


@pytest.mark.parametrize(("device", "attention"), [("cpu", "bertnotes"), ("cuda", "sdpa"), ("cuda:1", "sdpa"), ("mps", "sdpa")])
def test_attention_to_train_with(device, attention):
    assert training_attention(device) == attention


def test_matrix_products_go_by_the_precision():
    one = torch.rand(4, 4)
    with autocast("cpu", "bf16"):
        assert (one @ one).dtype == torch.bfloat16
    with autocast("cpu", "fp32"):
        assert (one @ one).dtype == torch.float32


@pytest.mark.parametrize("precision", ["fp16", "", None])
def test_a_precision_that_is_none(precision):
    with pytest.raises(ValueError, match="precision is"):
        autocast("cpu", precision)
