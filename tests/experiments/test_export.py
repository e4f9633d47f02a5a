"""A model for use elsewhere: as a whole folder, and as ONNX, for any batch and length."""

import json

import pytest
import torch
from safetensors.torch import load_file
from torch.testing import assert_close
from toy import TEXTS
from transformers import AutoTokenizer, pipeline

from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.experiments.export import Export, check_onnx, export
from bertnotes.lora import add_lora


def make_model(checkpoint):
    """A classifier of three classes with a head that has an opinion."""
    model = BERTClassifier(str(checkpoint), 3, class_names=("dull", "fair", "great")).eval()
    torch.nn.init.normal_(model.classifier.weight)
    model.read_as(20, "head+tail")
    return model


@pytest.fixture
def whole(tiny_checkpoint, tokenizer, tmp_path):
    """(model, folder): a classifier, and where it was saved whole, with a card."""
    model = make_model(tiny_checkpoint)
    model.save_pretrained(tmp_path / "run", tokenizer)
    (tmp_path / "run/README.md").write_text("the card")
    return model, tmp_path / "run"


@pytest.fixture
def delta(tiny_checkpoint, tokenizer, tmp_path):
    """(model, folder): a classifier with low-rank changes, and where its delta was saved."""
    model = make_model(tiny_checkpoint)
    add_lora(model.bert, 2)
    for weight in filter(lambda weight: weight.requires_grad, model.parameters()):
        torch.nn.init.normal_(weight, std=0.3)
    model.save_pretrained(tmp_path / "delta", tokenizer)
    return model, tmp_path / "delta"


@pytest.mark.parametrize("kind", ["whole", "delta"])
def test_a_whole_folder_opens_without_us(request, kind, tokenizer, tmp_path, capsys):
    """In transformers' pipeline: the names of the classes and their probabilities."""
    model, folder = request.getfixturevalue(kind)
    export(Export(model=str(folder), out=tmp_path / "out"))
    expected = predict_probabilities(TEXTS, model, tokenizer)
    for text, row in zip(TEXTS, expected, strict=True):
        (told,) = pipeline("text-classification", str(tmp_path / "out"), top_k=None)([text])
        found = {one["label"]: one["score"] for one in told}
        assert found == pytest.approx(dict(zip(model.class_names, row.tolist(), strict=True)), abs=1e-5)
    assert (tmp_path / "out/README.md").exists() == (kind == "whole")  # the card comes along
    assert "model.safetensors" in capsys.readouterr().out


@pytest.mark.long
def test_onnx(whole, tokenizer, tmp_path):
    """Within 1e-4, for batches and lengths other than those it was written with; tokenizer and class names lie beside it. What
    gives other logits than the model is not passed off."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="no onnxruntime here: pip install 'bertnotes[onnx]'")
    model, folder = whole
    export(Export(model=str(folder), out=tmp_path / "out", onnx=True))
    words = AutoTokenizer.from_pretrained(tmp_path / "out")
    session = onnxruntime.InferenceSession(tmp_path / "out/model.onnx")
    for texts in (TEXTS[:1], TEXTS[:7], [TEXTS[0] * 6, "a"]):
        inputs = words(texts, padding=True, truncation=True, max_length=48, return_tensors="pt")
        inputs = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        (logits,) = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
        assert_close(torch.from_numpy(logits), model(**inputs), atol=1e-4, rtol=0)
    assert json.loads((tmp_path / "out/config.json").read_text())["id2label"] == {"0": "dull", "1": "fair", "2": "great"}
    assert not (tmp_path / "out/model.safetensors").exists()
    model.classifier.bias.data += 2e-4
    with pytest.raises(ValueError, match=r"computes other logits, by up to 0\.0002"):
        check_onnx(tmp_path / "out/model.onnx", model, inputs)


def test_a_folder_that_is_there(whole, tmp_path):
    """Is left as it is."""
    before = load_file(next(whole[1].glob("*.safetensors")))
    with pytest.raises(ValueError, match="is there already"):
        export(Export(model=str(whole[1]), out=whole[1]))
    assert load_file(next(whole[1].glob("*.safetensors"))).keys() == before.keys()
