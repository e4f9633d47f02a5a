"""The classifier: its logits do not depend on padding, and come back identical from the disk."""

import copy
import json
import os
import re
import shutil
from contextlib import nullcontext

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from bertnotes import classifier as module
from bertnotes.classifier import BERTClassifier, predict_probabilities, predict_sentiment, read_texts
from bertnotes.models import load_encoder, load_tokenizer

TEXTS = ["great film", "a", "it is not too bad , is it ?", "bad bad bad", "the worst of the worst film " * 3, "I loved it !"]


@pytest.fixture(scope="module")
def tokenizer(tiny_checkpoint):
    return load_tokenizer(tiny_checkpoint)


@pytest.fixture(scope="module")
def model(tiny_checkpoint):
    """A classifier with a head that has an opinion on each text; do not train it."""
    torch.manual_seed(1)
    model = BERTClassifier(str(tiny_checkpoint), 2).eval()
    torch.nn.init.normal_(model.classifier.weight)
    torch.nn.init.normal_(model.classifier.bias)
    return model


@pytest.fixture
def batch(tokenizer):
    """All texts, padded."""
    encoded = tokenizer(TEXTS, padding=True, return_tensors="pt")
    return {"input_ids": encoded["input_ids"], "attention_mask": encoded["attention_mask"]}


@pytest.fixture
def saved(model, tokenizer, tmp_path):
    """The folder that save_pretrained wrote, two levels below what is there."""
    model.save_pretrained(tmp_path / "new/run", tokenizer)
    return tmp_path / "new/run"


# ---- forward ----


@pytest.mark.parametrize("num_classes", [2, 5])
def test_logits_have_a_column_for_each_class(tiny_checkpoint, batch, num_classes):
    """(batch, num_classes), float32."""
    logits = BERTClassifier(str(tiny_checkpoint), num_classes)(**batch)
    assert logits.shape == (len(TEXTS), num_classes) and logits.dtype == torch.float32


def test_logits_are_a_linear_layer_on_the_pooled_output(model, batch):
    """Devlin et al. 2019, section 4.1: nothing else stands between."""
    with torch.inference_mode():
        assert torch.equal(model(**batch), model.classifier(model.bert(**batch).pooler_output))


def test_dropout_acts_in_training_only(model, batch):
    """On the pooled output too."""
    with torch.inference_mode():
        assert torch.equal(model(**batch), model(**batch))
        model.train()
        model.bert.eval()
        try:
            assert not torch.equal(model(**batch), model(**batch))
        finally:
            model.eval()


@pytest.mark.parametrize("attention", ["bertnotes", "blockwise", "sdpa", "eager"])
def test_logits_do_not_depend_on_padding_or_attention(model, saved, tokenizer, batch, attention):
    """Each text alone gives what it gives among longer ones, on every way to attend."""
    other, _ = BERTClassifier.from_pretrained(saved, attention)
    with torch.inference_mode():
        assert_close(other(**batch), model(**batch), atol=1e-5, rtol=0)
        for text, expected in zip(TEXTS, model(**batch), strict=True):
            alone = tokenizer(text, return_tensors="pt")
            assert_close(other(alone["input_ids"], alone["attention_mask"])[0], expected, atol=1e-5, rtol=0)


def test_logits_are_the_head_of_the_features(model, batch):
    """(batch, hidden_size) between the halves; in training the head drops some of them."""
    with torch.inference_mode():
        features = model.features(**batch)
        assert features.shape == (len(TEXTS), 24) and torch.equal(model.head(features), model(**batch))


def test_the_head_shares_the_weights_of_the_classifier_and_their_names(model):
    """So that what is trained is the classifier, and a checkpoint of the one has the names of the other."""
    assert dict(model.head.named_parameters()).keys() == {"classifier.weight", "classifier.bias"}
    assert all(model.get_parameter(name) is weight for name, weight in model.head.named_parameters())
    assert model.head.dropout is model.dropout


def test_a_frozen_encoder_gives_the_same_features_in_training(tiny_checkpoint, batch):
    """So that they can be computed once; the head goes on dropping, and an encoder that learns again drops again."""
    model = BERTClassifier(str(tiny_checkpoint), 2)
    model.bert.requires_grad_(False)
    expected = model.eval().features(**batch)
    assert model.train() is model and model.training and model.dropout.training and not model.bert.training
    assert torch.equal(model.features(**batch), expected)
    assert not torch.equal(model.head(expected), model.head(expected))
    next(model.bert.parameters()).requires_grad_()
    assert model.train().bert.training and not torch.equal(model.features(**batch), expected)
    assert not model.eval().bert.training


def test_the_head_starts_small_and_seeded(tiny_checkpoint):
    """As in transformers: normal with the model's own spread, bias zero, the same for the same seed."""
    heads = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        heads.append(BERTClassifier(str(tiny_checkpoint), 2).classifier)
    assert torch.equal(heads[0].weight, heads[1].weight) and not torch.equal(heads[0].weight, heads[2].weight)
    assert not heads[0].bias.any() and 0.15 < heads[0].weight.std() < 0.45  # initializer_range is 0.3


# ---- saved and loaded ----


def test_reloaded_logits_are_identical(model, saved, batch, tokenizer):
    """To the last bit, in evaluation mode, with the tokenizer that belongs to it."""
    again, its_tokenizer = BERTClassifier.from_pretrained(saved)
    assert not again.training and its_tokenizer.get_vocab() == tokenizer.get_vocab()
    with torch.inference_mode():
        assert torch.equal(again(**batch), model(**batch))
    assert its_tokenizer(TEXTS)["input_ids"] == tokenizer(TEXTS)["input_ids"]
    assert its_tokenizer.model_max_length == tokenizer.model_max_length


def test_transformers_reads_it_too(model, saved, batch):
    """AutoModelForSequenceClassification gives the same logits and knows the names of the classes."""
    theirs, report = AutoModelForSequenceClassification.from_pretrained(saved, output_loading_info=True)
    assert not any(report.values())
    assert theirs.config.id2label == {0: "negative", 1: "positive"}
    with torch.inference_mode():
        assert_close(theirs.eval()(**batch).logits, model(**batch), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["distilbert", "roberta", "electra", "mpnet"])
def test_an_encoder_that_is_no_bert_comes_back_too(kind, tokenizer, batch, tmp_path):
    sizes = {"hidden_size": 24, "num_attention_heads": 3, "num_hidden_layers": 2, "max_position_embeddings": 64}
    encoder = AutoModel.from_config(AutoConfig.for_model(kind, vocab_size=len(tokenizer), **sizes))
    encoder.save_pretrained(tmp_path / "new")
    tokenizer.save_pretrained(tmp_path / "new")
    model = BERTClassifier(str(tmp_path / "new"), 2, "eager").eval()
    model.save_pretrained(tmp_path / "run", tokenizer)
    again, _ = BERTClassifier.from_pretrained(tmp_path / "run", "eager")
    assert torch.equal(again(**batch), model(**batch))
    with torch.no_grad():
        again.classifier.weight.zero_()
        next(again.bert.parameters()).zero_()
    again.load_weights(tmp_path / "run")
    assert torch.equal(again(**batch), model(**batch))


def test_load_encoder_reads_it_for_its_attention(model, saved, batch):
    """Notebook 10 draws the fine-tuned model's heads this way."""
    with torch.inference_mode():
        assert_close(load_encoder(saved)(**batch).last_hidden_state, model.bert(**batch).last_hidden_state, atol=1e-5, rtol=0)


def test_more_than_two_classes(tiny_checkpoint, tokenizer, batch, tmp_path):
    """Their number is saved with the model."""
    model = BERTClassifier(str(tiny_checkpoint), 4).eval()
    model.save_pretrained(tmp_path / "four", tokenizer)
    with torch.inference_mode():
        assert torch.equal(BERTClassifier.from_pretrained(tmp_path / "four")[0](**batch), model(**batch))


def test_the_folder_holds_no_pickle(saved):
    """Weights as safetensors, everything else as JSON."""
    assert {path.suffix for path in saved.iterdir()} == {".json", ".safetensors"}
    assert json.loads((saved / "config.json").read_text())["architectures"] == ["BertForSequenceClassification"]


def test_saving_that_fails_leaves_the_earlier_weights_whole(saved, tiny_checkpoint, tokenizer, model, batch, monkeypatch):
    """A full disk or a killed run costs only the save that it broke off."""

    def full(weights, path, **_):
        with open(path, "wb") as file:
            file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        BERTClassifier(str(tiny_checkpoint), 2).save_pretrained(saved, tokenizer)
    with torch.inference_mode():
        assert torch.equal(BERTClassifier.from_pretrained(saved)[0](**batch), model(**batch))


# ---- the names of its classes ----


@pytest.mark.parametrize(
    ("num_classes", "names", "expected"),
    [
        (2, None, ("negative", "positive")),
        (3, None, ("LABEL_0", "LABEL_1", "LABEL_2")),
        (2, ["dull", "gripping"], ("dull", "gripping")),
        (3, ["bad", "so so", "good"], ("bad", "so so", "good")),
    ],
)
def test_names_of_classes_are_saved_with_the_model(tiny_checkpoint, tokenizer, tmp_path, num_classes, names, expected):
    """In transformers' own place; and they are what is predicted."""
    model = BERTClassifier(str(tiny_checkpoint), num_classes, class_names=names)
    model.save_pretrained(tmp_path, tokenizer)
    again, _ = BERTClassifier.from_pretrained(tmp_path)
    assert model.class_names == again.class_names == expected
    assert AutoConfig.from_pretrained(tmp_path).label2id == {name: label for label, name in enumerate(expected)}
    with torch.no_grad():
        again.classifier.bias[num_classes - 1] = 100
    assert predict_sentiment("a film", again, tokenizer) == expected[-1]


def test_names_of_classes_that_transformers_wrote(saved):
    """The order is that of the labels, whatever that of the file."""
    config = json.loads((saved / "config.json").read_text())
    names = {"1": "NEGATIVE", "0": "POSITIVE"}
    (saved / "config.json").write_text(json.dumps(config | {"id2label": names}))
    assert BERTClassifier.from_pretrained(saved)[0].class_names == ("POSITIVE", "NEGATIVE")


def test_a_new_head_has_names_of_its_own(saved):
    """Those of the model that it is put on belonged to the old one."""
    assert BERTClassifier(str(saved), 3).class_names == ("LABEL_0", "LABEL_1", "LABEL_2")


@pytest.mark.parametrize("names", [["one"], ["one", "two", "three"], ["same", "same"]])
def test_names_that_do_not_fit(tiny_checkpoint, names):
    with pytest.raises(ValueError, match="2 classes have as many different names; got class_names="):
        BERTClassifier(str(tiny_checkpoint), 2, class_names=names)


def test_a_word_is_no_list_of_names(tiny_checkpoint):
    with pytest.raises(ValueError, match=r"class names come in a list.*got 'no'"):
        BERTClassifier(str(tiny_checkpoint), 2, class_names="no")


# ---- how it reads ----

LONG = " ".join(["bad"] * 20 + ["good"] * 20)


def read_tokens(model, tokenizer):
    (ids,), _ = read_texts([LONG], model, tokenizer)
    return tokenizer.decode(ids).split()


def test_a_saved_model_reads_as_it_was_trained(model, tokenizer, tmp_path):
    """Its prediction is that of the arguments spelt out, and not that of a text read otherwise."""
    model = copy.deepcopy(model)
    model.read_as(10, "head+tail", "fp32")
    model.save_pretrained(tmp_path, tokenizer)
    again, its_tokenizer = BERTClassifier.from_pretrained(tmp_path)
    assert (again.max_length, again.truncation, again.precision) == (10, "head+tail", "fp32")
    assert read_tokens(again, tokenizer) == ["[CLS]", *["bad"] * 2, *["good"] * 6, "[SEP]"]
    spelt_out = predict_probabilities([LONG], model, tokenizer, "cpu", 10, truncation="head+tail")
    assert_close(predict_probabilities([LONG], again, its_tokenizer), spelt_out)
    assert predict_sentiment(LONG, again, its_tokenizer) == again.class_names[spelt_out.argmax()]
    for otherwise in ({"truncation": "head"}, {"max_length": 11}):
        assert not predict_probabilities([LONG], again, its_tokenizer, **otherwise).allclose(spelt_out, atol=1e-4)


def test_a_verdict_on_windows_is_that_of_their_mean_logits(model, tokenizer, tmp_path):
    """Of texts of any length, in their order, whichever batches the windows are in; and a saved model reads so, too."""
    model = copy.deepcopy(model)
    torch.nn.init.normal_(model.classifier.weight, std=1.0)
    model.read_as(10, "windows")
    model.save_pretrained(tmp_path, tokenizer)
    again, its_tokenizer = BERTClassifier.from_pretrained(tmp_path)
    assert again.truncation == "windows"
    parts = [" ".join(LONG.split()[start : start + 8]) for start in range(0, 33, 4)]  # of 40 words, each half in the next
    logits = torch.stack([model(**tokenizer(part, return_tensors="pt"))[0] for part in parts]).detach()
    for size in (1, 4, 32):
        found = predict_probabilities(["good film", LONG, "bad"], again, its_tokenizer, batch_size=size)
        assert_close(found[1], logits.mean(dim=0).softmax(-1))
        assert_close(found[[0, 2]], predict_probabilities(["good film", "bad"], model, tokenizer, truncation="head"))
    assert not found[1].allclose(predict_probabilities([LONG], model, tokenizer, truncation="head")[0], atol=1e-3)


def test_a_text_that_fits_is_read_in_windows_as_its_head(model, tokenizer):
    """To the last bit."""
    texts = ["good film", LONG, "bad"]
    one, other = (predict_probabilities(texts, model, tokenizer, max_length=48, truncation=how) for how in ("head", "windows"))
    assert torch.equal(one, other)


def test_a_model_that_nobody_trained_reads_128_tokens_or_what_it_can(model, tokenizer):
    assert (model.max_length, model.truncation, model.precision) == (48, "head", "fp32")
    assert BERTClassifier().max_length == 128


def test_a_new_head_reads_in_its_own_way(model, tokenizer, tmp_path):
    model = copy.deepcopy(model)
    model.read_as(10, "tail")
    model.save_pretrained(tmp_path, tokenizer)
    fresh = BERTClassifier(str(tmp_path), 2)
    assert (fresh.max_length, fresh.truncation) == (48, "head")


@pytest.mark.parametrize("name", ["keep", "truncation"])
def test_a_run_of_the_first_edition_says_beside_the_model_how_it_reads(saved, name):
    """Its config.json has no word of it, and its settings may bear their first names."""
    forget(saved)
    assert BERTClassifier.from_pretrained(saved)[0].max_length == 48, "nothing tells"
    settings = {"epochs": 3, "max_length": 12, "precision": "bf16", name: "tail", "at_once": None}
    (saved / "train_config.json").write_text(json.dumps(settings))
    again, _ = BERTClassifier.from_pretrained(saved)
    assert (again.max_length, again.truncation, again.precision) == (12, "tail", "bf16")


def test_the_first_runs_knew_the_head_only(saved):
    forget(saved)
    (saved / "train_config.json").write_text('{"max_length": 12}')
    again, _ = BERTClassifier.from_pretrained(saved)
    assert (again.max_length, again.truncation, again.precision) == (12, "head", "fp32")


def test_what_the_model_says_counts_more_than_the_run_beside_it(saved):
    """As where a run goes on in the folder."""
    (saved / "train_config.json").write_text('{"max_length": 12}')
    assert BERTClassifier.from_pretrained(saved)[0].max_length == 48


def forget(folder):
    """Take out of config.json how the model reads, as if the first edition had written it."""
    config = json.loads((folder / "config.json").read_text())
    assert config.pop("bertnotes") == {"max_length": 48, "truncation": "head", "precision": "fp32"}
    (folder / "config.json").write_text(json.dumps(config))


WRONG_READINGS = [
    ("[]", "has no attribute"),
    ('{"max_length": 12', "delimiter"),
    ("{}", "max_length"),
    ('{"max_length": "many"}', "not supported"),
    ('{"max_length": 4096}', "this model has 48 positions; got 4096"),
    ('{"max_length": 12, "truncation": "middle"}', 'one keeps "head", "tail"'),
    ('{"max_length": 12, "precision": "fp8"}', "fp8"),
]


@pytest.mark.parametrize(("text", "what"), WRONG_READINGS)
def test_a_way_to_read_that_is_damaged(saved, text, what):
    """The error names the folder."""
    forget(saved)
    (saved / "train_config.json").write_text(text)
    with pytest.raises(ValueError, match=rf"how the model in {re.escape(str(saved))} reads is damaged .*{re.escape(what)}"):
        BERTClassifier.from_pretrained(saved)


@pytest.mark.parametrize(("units", "precise"), [([], True), (["avx512_bf16"], False)])
def test_bf16_of_a_run_is_used_again_where_it_is_fast(model, tokenizer, cpu_with, units, precise):
    cpu_with(*units)
    exact = predict_probabilities(TEXTS, model, tokenizer)
    model = copy.deepcopy(model)
    model.read_as(48, "head", "bf16")
    assert predict_probabilities(TEXTS, model, tokenizer).allclose(exact, atol=1e-6) == precise
    assert_close(predict_probabilities(TEXTS, model, tokenizer, precision="fp32"), exact)  # what was asked for by name


# ---- predictions ----


@pytest.mark.parametrize(("device", "moves"), [((), []), (("cpu",), []), (("cpu:0",), ["cpu:0", "cpu"])])
def test_a_prediction_leaves_the_model_where_it_is(model, tokenizer, monkeypatch, device, moves):
    """A model on a GPU stays there; one that is taken to another device comes back, and not as tensors that cannot be trained.

    "cpu:0" is another name than "cpu", and the only other device that is everywhere.
    """
    sent = []

    def to(self, device):
        sent.append(str(device))
        return self

    monkeypatch.setattr(BERTClassifier, "to", to)
    predict_sentiment("good", model, tokenizer, *device)
    assert sent == moves


def test_each_batch_goes_where_the_model_is(model, tokenizer, monkeypatch):
    """ "meta" stands for a GPU: there is nothing to see on it, but the model gets there what it is asked."""
    there = copy.deepcopy(model).to("meta")
    seen = []

    def forward(self, input_ids, attention_mask):
        seen.append((input_ids.device.type, attention_mask.device.type))
        return torch.zeros(len(input_ids), 2)

    monkeypatch.setattr(BERTClassifier, "forward", forward)
    monkeypatch.setattr(module, "autocast", lambda device, precision: nullcontext())  # it knows no "meta"
    predict_probabilities(TEXTS, there, tokenizer, batch_size=4)
    assert seen == [("meta", "meta")] * 2 and {weight.device.type for weight in there.parameters()} == {"meta"}


def test_probabilities_keep_the_order_of_the_texts(model, tokenizer):
    """Whatever the batches: each row is that of the text alone, and sums to 1."""
    alone = torch.cat([predict_probabilities([text], model, tokenizer, max_length=32) for text in TEXTS])
    for batch_size in (1, 2, 32):
        rows = predict_probabilities(TEXTS, model, tokenizer, "cpu", 32, batch_size)
        assert_close(rows, alone, atol=1e-5, rtol=0)
    assert_close(alone.sum(-1), torch.ones(len(TEXTS)))
    assert len({round(row, 4) for row in alone[:, 0].tolist()}) == len(TEXTS)  # else their order would not show


def test_predictions_are_made_without_dropout(model, tokenizer):
    """Also in the middle of a training, which then goes on with it."""
    before = predict_probabilities(TEXTS, model.eval(), tokenizer, max_length=32)
    assert torch.equal(predict_probabilities(TEXTS, model.train(), tokenizer, max_length=32), before)
    assert not before.requires_grad and model.training
    model.eval()


def test_predictions_in_half_the_bytes(model, tokenizer):
    """bf16 gives about the same probabilities, and not the same digits."""
    exact = predict_probabilities(TEXTS, model, tokenizer, max_length=32)
    rough = predict_probabilities(TEXTS, model, tokenizer, max_length=32, precision="bf16")
    assert torch.allclose(rough, exact, atol=0.02) and not torch.equal(rough, exact)
    assert rough.dtype == torch.float32


@pytest.mark.parametrize(("label", "word"), [(0, "negative"), (1, "positive")])
def test_predict_sentiment_says_the_word(tiny_checkpoint, tokenizer, label, word):
    """0 is negative, 1 is positive; the text may come with the `<br />` of its web page."""
    model = BERTClassifier(str(tiny_checkpoint), 2)
    with torch.no_grad():
        model.classifier.bias[label] = 100
    assert predict_sentiment("good<br /><br />film", model, tokenizer, torch.device("cpu"), max_length=32) == word


def test_text_is_cleaned_like_training_text(model, tokenizer):
    """A `<br />` is not read as letters."""
    cleaned, raw = predict_probabilities(["bad\n\nfilm", "bad<br /><br />film"], model, tokenizer, max_length=32)
    assert_close(cleaned, raw)


# ---- what may be wrong ----


@pytest.mark.parametrize("num_classes", [1, 0, -1])
def test_too_few_classes(tiny_checkpoint, num_classes):
    """One class leaves nothing to tell apart."""
    with pytest.raises(ValueError, match=f"at least 2 classes apart; got num_classes={num_classes}"):
        BERTClassifier(str(tiny_checkpoint), num_classes)


def test_more_tokens_than_positions(model, tokenizer):
    """The error names the model's limit, not an index out of range."""
    ids = torch.ones(1, 49, dtype=torch.long)
    with pytest.raises(ValueError, match="this model has 48 positions; got 49, expected 3 to 48"):
        model(ids, ids)
    with pytest.raises(ValueError, match="this model has 48 positions; got 128, expected 3 to 48"):
        predict_sentiment("good", model, tokenizer, "cpu", 128)


@pytest.mark.parametrize("text", ["", "<br />"])
def test_no_text_to_predict(model, tokenizer, text):
    """An empty review has no sentiment."""
    with pytest.raises(ValueError, match="text 0 is no review"):
        predict_sentiment(text, model, tokenizer, "cpu", 32)


@pytest.mark.parametrize("name", ["/no/such/run", "run", "runs/run"])
def test_no_folder(name, tmp_path, monkeypatch):
    """Nor is the hub asked for it."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no (model )?folder .*run"):
        BERTClassifier.from_pretrained(name)


def test_an_encoder_is_no_classifier(tiny_checkpoint):
    """The error says how it becomes one."""
    with pytest.raises(ValueError, match="holds an encoder but no classifier; fine-tune it first: bertnotes train --model"):
        BERTClassifier.from_pretrained(tiny_checkpoint)


DAMAGE = {
    "weights cut off": lambda folder: os.truncate(folder / "model.safetensors", 9000),
    "weights gone": lambda folder: (folder / "model.safetensors").unlink(),
    "config gone": lambda folder: (folder / "config.json").unlink(),
    "config cut off": lambda folder: (folder / "config.json").write_text('{"model_type": "be'),
    "tokenizer gone": lambda folder: (folder / "tokenizer.json").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_folder(saved, tmp_path, damage):
    """The error names the folder, in one line."""
    folder = shutil.copytree(saved, tmp_path / "damaged")
    DAMAGE[damage](folder)
    with pytest.raises((ValueError, OSError), match=re.escape(str(folder))) as caught:
        BERTClassifier.from_pretrained(folder)
    assert "\n" not in str(caught.value)


def test_a_head_of_another_shape(saved):
    """Both shapes stand in the error."""
    weights = load_file(saved / "model.safetensors")
    weights["classifier.bias"] = torch.zeros(3)
    save_file(weights, saved / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"classifier.bias has shape \(3,\), expected \(2,\)"):
        BERTClassifier.from_pretrained(saved)


def test_one_text_is_not_read_letter_by_letter(model, tokenizer):
    with pytest.raises(ValueError, match=r"texts come in a list.*got 'good': give \[text\]"):
        predict_probabilities("good", model, tokenizer)
    column = pd.Series(["good", "a bad film"], index=[1, 0])
    assert torch.equal(predict_probabilities(column, model, tokenizer), predict_probabilities(list(column), model, tokenizer))


def test_predicting_nothing(model, tokenizer):
    """One clear error, not torch's."""
    with pytest.raises(ValueError, match="no text"):
        predict_probabilities([], model, tokenizer, max_length=16)
