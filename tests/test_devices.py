"""What computes where."""

import pytest
import torch

from bertnotes.devices import autocast, best_device, device_name, fast_precision, inference, training_attention


def test_best_device_is_there():
    assert torch.ones(1, device=best_device()).sum().item() == 1


@pytest.mark.parametrize(("device", "attention"), [("cpu", "blockwise"), ("cuda", "sdpa"), ("cuda:1", "sdpa"), ("mps", "sdpa")])
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


@pytest.mark.parametrize(
    ("units", "fast"),
    [([], "fp32"), (["avx512_f"], "fp32"), (["avx512_bf16"], "bf16"), (["amx_bf16"], "bf16"), (["neon", "bf16"], "bf16")],
)
def test_bf16_is_for_a_cpu_that_has_units_for_it(units, fast, cpu_with):
    cpu_with(*units)
    assert fast_precision("cpu") == fast and fast_precision("cpu", "fp32") == fast_precision("mps") == "fp32"


@pytest.mark.parametrize(("supported", "fast"), [(True, "bf16"), (False, "fp32")])
def test_bf16_is_for_a_gpu_that_need_not_emulate_it(supported, fast, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported or including_emulation)
    assert fast_precision("cuda:1") == fast


@pytest.mark.parametrize("device", ["cpu", "mps", "cuda"])
def test_a_device_has_a_name(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert device_name(device) == {"cpu": "2 CPU threads", "mps": "Apple GPU", "cuda": "NVIDIA H100"}[device]


@pytest.fixture
def moves(monkeypatch):
    """Where models are sent, in order; "cpu:0" is another name than "cpu", and the only other device that is everywhere."""
    sent = []
    monkeypatch.setattr(torch.nn.Linear, "to", lambda model, device: sent.append(str(device)))
    return sent


@pytest.mark.parametrize("device", [None, "cpu", torch.device("cpu")])
def test_a_model_stays_where_it_is(moves, device):
    model = torch.nn.Linear(1, 1)
    with inference(model, device) as found:
        assert found == torch.device("cpu") and not model.training and not torch.is_grad_enabled()
    assert moves == [] and torch.is_grad_enabled()


def test_a_model_that_is_elsewhere_comes_back_whatever_happens(moves):
    with pytest.raises(KeyError), inference(torch.nn.Linear(1, 1), "cpu:0") as found:
        assert found == torch.device("cpu:0") and moves == ["cpu:0"]
        raise KeyError
    assert moves == ["cpu:0", "cpu"]


def test_each_part_is_again_in_the_mode_in_which_it_was():
    """Also where the judging fails."""
    model = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Dropout())
    model[0].eval()
    with pytest.raises(KeyError), inference(model):
        assert not any(part.training for part in model.modules())
        raise KeyError
    assert [part.training for part in model.modules()] == [True, False, True]
