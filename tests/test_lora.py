"""Low-rank changes: by hand, against peft, and out of a folder again."""

import json
import shutil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn
from torch.testing import assert_close
from toy import LABELS, TEXTS
from transformers import AutoModelForSequenceClassification

from bertnotes import fit
from bertnotes.attend import attend
from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.encoder import BertEncoder
from bertnotes.lora import LowRank, add_lora, low_rank_layers, merge_lora
from bertnotes.models import load_encoder, load_tokenizer
from bertnotes.training import TrainConfig

DATA = TEXTS[8:], LABELS[8:]
HELD_OUT = TEXTS[:8], LABELS[:8]
CONFIG = TrainConfig(epochs=8, batch_size=8, learning_rate=1e-2, max_length=16, lora=3)


def changed(checkpoint, rank=3):
    """A classifier whose low-rank changes, pooler and head are far from what they begin with."""
    model = BERTClassifier(str(checkpoint), 2).eval()
    add_lora(model.bert, rank)
    for weight in filter(lambda weight: weight.requires_grad, model.parameters()):
        nn.init.normal_(weight, std=0.3)
    return model


@pytest.fixture
def delta(tiny_checkpoint, tokenizer, tmp_path):
    """(model, folder): a classifier with low-rank changes, and where its delta was saved."""
    model = changed(tiny_checkpoint)
    model.save_pretrained(tmp_path / "delta", tokenizer)
    return model, tmp_path / "delta"


# ---- a layer ----


def test_a_change_of_rank_one_by_hand():
    """W = identity, A = (1, 2), B = (10, 0), scale 2: (1, 1) becomes (1, 1) + 2 * 3 * (10, 0)."""
    layer = LowRank(nn.Linear(2, 2), rank=1, scale=2)
    with torch.no_grad():
        layer.base.weight.copy_(torch.eye(2))
        layer.base.bias.zero_()
        layer.lora_A.weight.copy_(torch.tensor([[1.0, 2.0]]))
        layer.lora_B.weight.copy_(torch.tensor([[10.0], [0.0]]))
    assert layer(torch.ones(2)).tolist() == [61.0, 1.0]
    assert layer.merged().weight.tolist() == [[21.0, 40.0], [0.0, 1.0]]


@settings(max_examples=20, deadline=None)
@given(inside=st.integers(1, 9), outside=st.integers(1, 9), rank=st.integers(1, 4), seed=st.integers(0, 99))
def test_merged_does_the_same(inside, outside, rank, seed):
    """For any sizes; and the change has the rank that it says, at most."""
    torch.manual_seed(seed)
    layer = LowRank(nn.Linear(inside, outside), rank).double()
    nn.init.normal_(layer.lora_B.weight)
    before, hidden = layer.base.weight.detach().clone(), torch.randn(5, inside, dtype=torch.double)
    expected = layer(hidden)
    merged = layer.merged()
    assert_close(merged(hidden), expected)
    assert torch.linalg.matrix_rank(merged.weight - before) <= rank


# ---- an encoder ----


def test_it_begins_where_the_encoder_is(tiny_checkpoint, tokenizer):
    """B is zero: at first not one number changes."""
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    encoder = load_encoder(tiny_checkpoint)
    before = encoder(**inputs).last_hidden_state
    add_lora(encoder, 4)
    assert encoder(**inputs).last_hidden_state.equal(before)


def test_what_is_trained(tiny_checkpoint):
    """A and B of each linear layer and the pooler: for two layers of 24 and 40, four of 24 x 24 and two of 24 x 40 each."""
    encoder = load_encoder(tiny_checkpoint)
    add_lora(encoder, 3)
    trained = sum(weight.numel() for weight in encoder.parameters() if weight.requires_grad)
    assert trained == 2 * 3 * (4 * (24 + 24) + 2 * (24 + 40)) + (24 * 24 + 24)
    assert len(low_rank_layers(encoder)) == 12


def test_fit_moves_the_change_and_nothing_else(tiny_checkpoint, tokenizer):
    """The frozen weights are the base's to the last bit, the others have moved, and the loss has fallen."""
    model = BERTClassifier(str(tiny_checkpoint), 2)
    history = fit(model, tokenizer, DATA, HELD_OUT, CONFIG)
    assert history[-1]["train_loss"] < 0.8 * history[0]["train_loss"]
    base = load_encoder(tiny_checkpoint).state_dict()
    for name, weight in model.bert.state_dict().items():
        if ".lora_B." in name:
            assert weight.count_nonzero() > 0, name
        elif ".lora_A." not in name:
            assert weight.equal(base[name.replace(".base.", ".")]) == (not name.startswith("pooler.")), name


def test_merging_keeps_the_verdicts(tiny_checkpoint, tokenizer):
    """To rounding; afterwards every layer is a plain one, and all of it can be trained on."""
    model = changed(tiny_checkpoint)
    before = predict_probabilities(TEXTS, model, tokenizer)
    merge_lora(model.bert)
    assert_close(predict_probabilities(TEXTS, model, tokenizer), before)
    assert not low_rank_layers(model.bert) and all(weight.requires_grad for weight in model.parameters())


@pytest.mark.parametrize("rank", [0, -1, 25])
def test_a_rank_that_is_none(tiny_checkpoint, rank):
    """Named, with those that there are."""
    with pytest.raises(ValueError, match=f"from 1 to 24, what the smallest layer has; got {rank}"):
        add_lora(load_encoder(tiny_checkpoint), rank)


def test_twice_is_refused(tiny_checkpoint):
    """A change of a change: which base would it be of?"""
    encoder = load_encoder(tiny_checkpoint)
    add_lora(encoder, 2)
    with pytest.raises(ValueError, match="merge them first"):
        add_lora(encoder, 2)


def test_frozen_and_changed_is_refused(tiny_checkpoint, tokenizer):
    """Before anything is trained."""
    model = BERTClassifier(str(tiny_checkpoint), 2)
    with pytest.raises(ValueError, match="choose one"):
        fit(model, tokenizer, DATA, HELD_OUT, TrainConfig(lora=2, frozen=True))


# ---- beside peft ----


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # peft asks transformers by an old name
def test_a_step_is_that_of_peft(tiny_checkpoint, tokenizer):
    """The same A and B: the same logits, the same gradients, and so the same weights after a step."""
    peft = pytest.importorskip("peft")
    model = changed(tiny_checkpoint).train()
    model.bert.eval()  # no dropout
    theirs = AutoModelForSequenceClassification.from_pretrained(tiny_checkpoint, attn_implementation="eager")
    targets = sorted({name.split(".")[-1] for name in low_rank_layers(model.bert)})
    kind = {"exclude_modules": ["pooler.dense"], "modules_to_save": ["pooler", "classifier"]}
    theirs = peft.get_peft_model(theirs, peft.LoraConfig("SEQ_CLS", r=3, lora_alpha=6, target_modules=targets, **kind)).eval()
    names = {name_in_peft(name): weight for name, weight in model.named_parameters() if weight.requires_grad}
    own = {name: weight for name, weight in theirs.named_parameters() if weight.requires_grad}
    assert own.keys() == names.keys()
    with torch.no_grad():
        for name, weight in own.items():
            weight.copy_(names[name])
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    model.eval()
    logits, expected = model(batch["input_ids"], batch["attention_mask"]), theirs(**batch).logits
    assert_close(logits, expected)
    for found in (logits, expected):
        nn.functional.cross_entropy(found, torch.tensor(LABELS)).backward()
    for name, weight in own.items():
        assert_close(names[name].grad, weight.grad, rtol=1e-4, atol=1e-6)


def name_in_peft(name):
    """The name that a weight of a classifier with low-rank changes has in a model of peft's."""
    name = name.replace(".lora_A.", ".lora_A.default.").replace(".lora_B.", ".lora_B.default.")
    for whole in ("pooler.", "classifier."):
        name = name.replace(whole, f"{whole}modules_to_save.default.")
    return f"base_model.model.{name}"


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")
def test_peft_opens_what_was_saved(delta, tiny_checkpoint, tokenizer):
    """On the base, without a word, and with the same verdicts."""
    peft = pytest.importorskip("peft")
    model, folder = delta
    base = AutoModelForSequenceClassification.from_pretrained(tiny_checkpoint)
    theirs = peft.PeftModel.from_pretrained(base, folder).eval()
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    assert_close(theirs(**batch).logits.softmax(-1), predict_probabilities(TEXTS, model, tokenizer, max_length=48))


# ---- a folder ----


def test_a_delta_comes_back(delta, tokenizer):
    """The same verdicts, classes and way of reading; the folder holds what was learned and neither base nor tokenizer."""
    model, folder = delta
    model.read_as(20, "tail")
    model.save_pretrained(folder, tokenizer)
    again, words = BERTClassifier.from_pretrained(folder)
    assert_close(predict_probabilities(TEXTS, again, words), predict_probabilities(TEXTS, model, tokenizer))
    assert (again.max_length, again.truncation, again.class_names) == (20, "tail", model.class_names)
    assert sorted(path.name for path in folder.iterdir()) == ["adapter_config.json", "adapter_model.safetensors", "config.json"]
    saved = load_file(folder / "adapter_model.safetensors")
    assert sum(weight.numel() for weight in saved.values()) == sum(w.numel() for w in model.parameters() if w.requires_grad)


def test_its_encoder_is_the_merged_one(delta, tokenizer):
    """For transformers' encoder, for ours, and for attend."""
    model, folder = delta
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    expected = model.bert(**inputs).last_hidden_state
    assert_close(load_encoder(folder)(**inputs).last_hidden_state, expected)
    assert_close(BertEncoder.from_pretrained(folder)(**inputs).last_hidden_state, expected)
    found = attend(TEXTS[0], model=folder)
    assert_close(found.weights, attend(TEXTS[0], model=model.bert, tokenizer=tokenizer).weights)


def test_merged_it_opens_in_transformers(delta, tokenizer, tmp_path):
    """As any classifier, with nothing of ours."""
    model, folder = delta
    whole, words = BERTClassifier.from_pretrained(folder)
    whole.save_pretrained(tmp_path / "whole", words)
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path / "whole").eval()
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    assert_close(theirs(**batch).logits.softmax(-1), predict_probabilities(TEXTS, model, tokenizer, max_length=48))


def test_another_base_is_refused(tiny_checkpoint, tokenizer, tmp_path):
    """The delta knows its base by the SHA-256 of its weights: one number more, and it does not load."""
    base = shutil.copytree(tiny_checkpoint, tmp_path / "base")
    changed(base).save_pretrained(tmp_path / "delta", tokenizer)
    BERTClassifier.from_pretrained(tmp_path / "delta")
    weights = load_file(base / "model.safetensors")
    weights["embeddings.word_embeddings.weight"][3, 3] += 1e-3
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    for load in (BERTClassifier.from_pretrained, load_encoder, BertEncoder.from_pretrained, load_tokenizer):
        with pytest.raises(ValueError, match=r"belongs to another .*base.*; get that model, or train the delta again"):
            load(tmp_path / "delta")


def test_changes_to_weights_that_are_not_the_bases(tiny_checkpoint, tokenizer, tmp_path):
    """Saved alone they would give another model: refused, before a file is written."""
    model = BERTClassifier(str(tiny_checkpoint), 2)
    model.bert.encoder.layer[0].output.dense.bias.data += 1
    add_lora(model.bert, 2)
    with pytest.raises(ValueError, match="save this model whole"):
        model.save_pretrained(tmp_path / "delta", tokenizer)
    assert not list((tmp_path / "delta").glob("*"))


def test_a_delta_of_a_delta(delta, tokenizer, tmp_path):
    """Refused before it trains: whoever loads it would need three models. Merged, it can be trained on."""
    _, folder = delta
    model = BERTClassifier(str(folder), 2)
    with pytest.raises(ValueError, match="save this model whole"):
        fit(model, tokenizer, DATA, HELD_OUT, CONFIG)


DAMAGES = {
    "config.json": (
        lambda folder: (folder / "config.json").write_text('{"model_type": "bert"}'),
        "does not say what its base is",
    ),
    "adapter_config.json": (lambda folder: (folder / "adapter_config.json").write_text("{"), "does not say what its base is"),
    "weights": (lambda folder: (folder / "adapter_model.safetensors").write_bytes(b"12345678"), "truncated or damaged"),
    "no weights": (lambda folder: (folder / "adapter_model.safetensors").unlink(), "missing|truncated|not a whole checkpoint"),
    "base gone": (
        lambda folder: (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "/no/such/base"})),
        "no model folder at /no/such/base",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_folder(delta, name):
    """One sentence, never a model that is half the base."""
    damage, message = DAMAGES[name]
    damage(delta[1])
    for load in (BERTClassifier.from_pretrained, load_encoder):
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            load(delta[1])
