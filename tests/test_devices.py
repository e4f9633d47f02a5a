"""What computes where."""

import json

import pytest
import torch

from bertnotes.devices import autocast, best_device, choose_precision, fast_precision, training_attention


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


@pytest.mark.parametrize(("units", "fast"), [([], "fp32"), (["avx512_bf16"], "bf16")])
def test_auto_is_fast_in_a_new_folder_and_goes_on_as_it_began(units, fast, cpu_with, tmp_path):
    cpu_with(*units)
    settings = tmp_path / "train_config.json"
    assert choose_precision("auto", "cpu", settings) == fast
    for begun in ("fp32", "bf16"):
        settings.write_text(json.dumps({"precision": begun}), encoding="utf-8")
        assert choose_precision("auto", "cpu", settings) == begun
        assert choose_precision("bf16", "cpu", settings) == "bf16", "what was asked for by name"


@pytest.mark.parametrize("asked", ["bf16", "auto"])
def test_slow_bf16_is_said(asked, cpu_with, tmp_path, capsys):
    (tmp_path / "run.json").write_text('{"precision": "bf16"}', encoding="utf-8")
    cpu_with("avx512_bf16")
    choose_precision(asked, "cpu", tmp_path / "run.json")
    assert capsys.readouterr().err == ""
    cpu_with()
    choose_precision(asked, "cpu", tmp_path / "run.json")
    assert "no units for bf16; a run with --precision fp32" in capsys.readouterr().err
