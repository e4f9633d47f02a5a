"""Classifiers that others trained: read as they are, with transformers' numbers, or refused in a sentence."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoModelForTokenClassification, pipeline

from bertnotes import attend, load_encoder
from bertnotes.attribution import METHODS, explain
from bertnotes.batching import FOREIGN, most_tokens
from bertnotes.checkpoint import hash_of_weights
from bertnotes.classifier import BERTClassifier, WholeClassifier, predict_probabilities
from bertnotes.encoder import BertEncoder
from bertnotes.files import hash_of
from bertnotes.models import load_fast
from bertnotes.training import TrainConfig, fit

TEXTS = ["a great film", "dull , dull and long", "not bad", "the worst of the worst " * 20]
NAMES = {0: "POSITIVE", 1: "so so", 2: "NEGATIVE"}
SIZES = {"hidden_size": 24, "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 40}
SIZES |= {"max_position_embeddings": 64, "pad_token_id": 0, "initializer_range": 0.2}
MORE = {
    "distilbert": {"hidden_dim": 40},
    "albert": {"embedding_size": 24},
    "modernbert": {"local_attention": 8, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3},
    "gpt2": {"bos_token_id": 2, "eos_token_id": 3},
    "bart": {"d_model": 24, "bos_token_id": 2, "eos_token_id": 3, "decoder_start_token_id": 3}
    | {f"{side}_{what}": 2 for side in ("encoder", "decoder") for what in ("layers", "attention_heads")},
}


@pytest.fixture
def make(tokenizer, tmp_path):
    """A function that makes a tiny model of a kind, saved as transformers does: (folder, model)."""

    def build(kind, auto=AutoModelForSequenceClassification, shards=None, **changes):
        torch.manual_seed(0)
        config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), **SIZES | MORE.get(kind, {}) | changes)
        model, folder = auto.from_config(config, attn_implementation="eager").eval(), tmp_path / kind
        with torch.no_grad():
            for weight in model.parameters():
                if weight.ndim == 1:  # biases begin at zero, and a head's would not be missed
                    weight.add_(0.2 * torch.randn_like(weight))
        model.save_pretrained(folder, **{"max_shard_size": shards} if shards else {})
        tokenizer.save_pretrained(folder)
        return folder, model

    return build


def by_pipeline(folder, texts):
    """What transformers' own pipeline says: (text, class)."""
    judge = pipeline("text-classification", model=str(folder), top_k=None, device="cpu")
    found = [{one["label"]: one["score"] for one in said} for said in judge(texts, truncation=True)]
    return torch.tensor([[scores[name] for name in NAMES.values()] for scores in found])


# ---- as it is ----

KINDS = ["bert", "distilbert", "albert", "roberta", "electra", "deberta", "deberta-v2", "modernbert", "mpnet", "bart"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_classifier_of_any_kind_gives_what_transformers_gives(make, kind):
    """Names and probabilities, of a text cut to the model's length too, and again after it was saved here."""
    folder, _ = make(kind, id2label=NAMES)
    expected = by_pipeline(folder, TEXTS)
    assert len(expected[:, 0].unique()) == len(TEXTS)
    model, tokenizer = load_fast("sdpa", lambda form: BERTClassifier.from_pretrained(folder, form))
    assert model.class_names == tuple(NAMES.values()) and model.max_length == tokenizer.model_max_length == 48
    assert_close(predict_probabilities(TEXTS, model, tokenizer), expected, atol=1e-5, rtol=0)
    model.read_as(10, "tail")
    model.save_pretrained(folder.parent / "again", tokenizer)
    again, _ = load_fast("sdpa", lambda form: BERTClassifier.from_pretrained(folder.parent / "again", form))
    assert (again.max_length, again.truncation) == (10, "tail")
    assert_close(predict_probabilities(TEXTS, again, tokenizer, max_length=48, truncation="head"), expected, atol=1e-5, rtol=0)
    assert_close(by_pipeline(folder.parent / "again", TEXTS), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["distilbert", "roberta"])
def test_its_attention_and_its_words_can_be_asked(make, kind):
    folder, _ = make(kind)
    model, tokenizer = BERTClassifier.from_pretrained(folder)
    assert isinstance(model, WholeClassifier) and model.bert.config._attn_implementation == "bertnotes"
    found = attend(TEXTS[1], model=model, tokenizer=tokenizer)
    verdict = predict_probabilities(TEXTS[1:2], model, tokenizer)[0]
    assert found.weights.shape == (2, 2, 7, 7) and torch.allclose(found.logits.softmax(-1), verdict, atol=1e-5)
    (said,) = explain(model, tokenizer, TEXTS[1:2])
    assert said.values.keys() == {"random", *METHODS} and all(values[1:-1].any() for values in said.values.values())


def test_it_can_be_trained_on_and_its_weights_put_back(make, tmp_path):
    folder, _ = make("distilbert")
    model, tokenizer = BERTClassifier.from_pretrained(folder)
    fit(model, tokenizer, (TEXTS, [1, 0, 1, 0]), (TEXTS, [1, 0, 1, 0]), TrainConfig(epochs=1, max_length=16))
    expected = predict_probabilities(TEXTS, model, tokenizer)
    model.save_pretrained(tmp_path / "run", tokenizer)
    other, _ = BERTClassifier.from_pretrained(folder)
    assert not torch.allclose(predict_probabilities(TEXTS, other, tokenizer, max_length=16), expected)
    other.load_weights(tmp_path / "run")
    assert torch.equal(predict_probabilities(TEXTS, other, tokenizer, max_length=16), expected)
    with pytest.raises(ValueError, match="DistilBertForSequenceClassification has a head of its own and is trained whole"):
        fit(model, tokenizer, (TEXTS, [1, 0, 1, 0]), (TEXTS, [1, 0, 1, 0]), TrainConfig(max_length=16, frozen=True))


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod.", "model.module."])
@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_names_that_a_trainer_wrapped(make, prefix, kind):
    folder, theirs = make(kind)
    weights = load_file(folder / "model.safetensors")
    save_file({prefix + name: weight for name, weight in weights.items()}, folder / "model.safetensors")
    same_numbers(folder, theirs)


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_weights_in_several_files(make, kind):
    folder, theirs = make(kind, shards="8KB")
    assert not (folder / "model.safetensors").exists() and len(list(folder.glob("*.safetensors"))) > 2
    same_numbers(folder, theirs)
    before = hash_of_weights(folder)
    part = max(folder.glob("*.safetensors"))
    save_file({name: weight + 1 for name, weight in load_file(part).items()}, part)
    assert hash_of_weights(folder) != before


def same_numbers(folder, theirs):
    """Classifier, encoder and, of a BERT, the encoder from scratch give what transformers' model does."""
    ids = torch.tensor([[2, 30, 40, 50, 3]])
    model, _ = BERTClassifier.from_pretrained(folder)
    with torch.inference_mode():
        assert_close(model(ids, torch.ones_like(ids)), theirs(ids).logits, atol=1e-5, rtol=0)
        hidden = theirs.base_model(ids).last_hidden_state
        for load in [load_encoder, *([BertEncoder.from_pretrained] if theirs.config.model_type == "bert" else [])]:
            assert_close(load(folder)(ids).last_hidden_state, hidden, atol=1e-5, rtol=0)


def test_the_hash_of_one_file_is_its_own(make):
    folder, _ = make("bert")
    assert hash_of_weights(folder) == hash_of(folder / "model.safetensors")


def test_a_layer_that_is_called_model_keeps_its_name(make):
    """ModernBERT's encoder is; the wrapper of Lightning has the same name."""
    folder, theirs = make("modernbert")
    assert any(name.startswith("model.") for name in load_file(folder / "model.safetensors"))
    same_numbers(folder, theirs)


# ---- what cannot be ----


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"problem_type": "multi_label_classification"}, "may give a text several labels at once, or none; bertnotes reads"),
        ({"function_to_apply": "sigmoid"}, "may give a text several labels at once"),
        ({"problem_type": "regression"}, "gives a text a number; bertnotes reads models that name one of at least 2 classes"),
        ({"num_labels": 1}, "gives a text a number"),
        ({"id2label": {1: "bad", 2: "good"}}, r"does not name its classes 0, 1, .*\{1: 'bad', 2: 'good'\}"),
        ({"id2label": {0: "good", 1: "good"}}, "does not name its classes 0, 1, ..., each by another name"),
    ],
)
@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_a_model_that_does_not_name_one_class(make, kind, changes, message):
    folder, _ = make(kind)
    config = AutoConfig.from_pretrained(folder)
    for name, value in changes.items():
        setattr(config, name, value)
    config.save_pretrained(folder)
    with pytest.raises(ValueError, match=f"{kind} {message}") as caught:
        BERTClassifier.from_pretrained(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
@pytest.mark.parametrize("auto", [AutoModel, AutoModelForTokenClassification])
def test_a_model_for_another_task(make, kind, auto):
    """A tagger of words has a layer of the same name as a classifier of texts."""
    folder, theirs = make(kind, auto)
    with pytest.raises(ValueError, match=rf"holds an encoder but no classifier; .*\(it is a {type(theirs).__name__}\)"):
        BERTClassifier.from_pretrained(folder)


def test_a_head_that_nobody_names(make):
    """Without its name, DistilBERT's looks like ours with a layer too many."""
    folder, _ = make("distilbert")
    config = json.loads((folder / "config.json").read_text())
    del config["architectures"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"has a head of its own, with pre_classifier\.bias: its config.json has to name it"):
        BERTClassifier.from_pretrained(folder)


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("distilbert.transformer", "12 weights are missing|weights are missing, such as distilbert"),
        ("pre_class", "no classifier"),
    ],
)
def test_weights_that_are_missing(make, lost, message):
    folder, _ = make("distilbert")
    weights = load_file(folder / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if not name.startswith(lost)}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=message):
        BERTClassifier.from_pretrained(folder)


@pytest.mark.parametrize("changes", [{"problem_type": "multi_label_classification"}, {"function_to_apply": "sigmoid"}])
def test_a_new_head_has_a_task_of_its_own(make, tokenizer, tmp_path, changes):
    """What the old one was made for is not what train writes."""
    folder, _ = make("distilbert", **changes)
    model = BERTClassifier(str(folder), 2).eval()
    model.read_as(16)
    model.save_pretrained(tmp_path / "run", tokenizer)
    again, _ = BERTClassifier.from_pretrained(tmp_path / "run")
    assert torch.equal(*(predict_probabilities(TEXTS, one, tokenizer) for one in (model, again)))


def test_an_encoder_whose_first_vector_knows_nothing(make):
    folder, _ = make("gpt2", AutoModel)
    with pytest.raises(
        ValueError, match=r"GPT2Model reads from left to right: its first vector, .* take an encoder such as BERT"
    ):
        BERTClassifier(str(folder), 2)


# ---- positions and token types ----


def test_positions_that_begin_behind_that_of_padding(make):
    """RoBERTa with 64 of them and padding at 0 reads 63 tokens; to MPNet, padding is always 1."""
    for kind, most in (("bert", 64), ("roberta", 63), ("mpnet", 62), ("deberta", 64), ("distilbert", 64)):
        folder, _ = make(kind)
        model = BERTClassifier(str(folder), 2, "eager").eval()
        assert most_tokens(model.bert) == most
        ids = torch.full((1, most + 1), 7)
        assert model(ids[:, 1:], torch.ones_like(ids[:, 1:])).shape == (1, 2)
        with pytest.raises(ValueError, match=f"this model has {most} positions; got {most + 1}"):
            model(ids, torch.ones_like(ids))
        with pytest.raises(ValueError, match=f"this model has {most} positions"):
            model.read_as(most + 1)
        if kind == "roberta":
            with pytest.raises(ValueError, match="the model has 63 positions: shorten the text"):
                attend("bad " * 62, model=model.bert, tokenizer=load_tokenizer_of(folder))


def load_tokenizer_of(folder):
    """The tokenizer in a folder, which does not know the length of the model."""
    from bertnotes.models import load_tokenizer

    tokenizer = load_tokenizer(folder)
    tokenizer.model_max_length = 10**30
    return tokenizer


@pytest.mark.parametrize("kind", ["distilbert", "roberta", "bert"])
def test_token_types_go_to_models_that_have_them(make, tokenizer, kind):
    """A tokenizer of BERT's kind gives them to every model."""
    folder, _ = make(kind, **({"type_vocab_size": 1} if kind == "roberta" else {}))
    model, _ = BERTClassifier.from_pretrained(folder)
    batch = tokenizer("a film", "a cast", return_tensors="pt")
    alone = model(batch["input_ids"], batch["attention_mask"])
    assert torch.equal(model(**batch), alone) == (kind != "bert")


# ---- the commands ----


@pytest.fixture
def table(tmp_path):
    """A table of reviews and classes."""
    rows = [f"a {word} film number {number},{label}" for number in range(6) for word, label in (("bad", "no"), ("good", "yes"))]
    path = tmp_path / "reviews.csv"
    path.write_text("\n".join(["review,sentiment", *rows]) + "\n")
    return path


TRAIN = ["--epochs", "1", "--max-length", "16", "--batch-size", "8"]


@pytest.mark.parametrize(
    ("kind", "told"), [("distilbert", ""), ("mpnet", "MPNetModel has an attention of its own; trained with")]
)
def test_what_train_writes_from_any_encoder_is_read(make, table, tmp_path, bertnotes, kind, told):
    """Its encoder is that of a classifier, whose own head stays behind."""
    folder, _ = make(kind, id2label=NAMES)
    status, _, err = bertnotes("train", "--data", table, "--model", folder, "--out", tmp_path / "run", *TRAIN)
    assert status == 0 and told in err, err
    status, out, err = bertnotes("predict", "--model", tmp_path / "run", "a good film")
    assert (status, err) == (0, "") and out.split()[0] in ("no", "yes")
    status, out, err = bertnotes("evaluate", "--model", tmp_path / "run", "--data", table)
    assert status == 0 and "accuracy" in out, err


def test_the_commands_read_a_classifier_of_another_trainer(make, tmp_path, bertnotes):
    folder, _ = make("electra", shards="8KB", id2label={0: "yes", 1: "no"})
    model, tokenizer = BERTClassifier.from_pretrained(folder)
    row = predict_probabilities(["a good film"], model, tokenizer)[0]
    name = model.class_names[row.argmax()]
    assert bertnotes("predict", "--model", folder, "a good film") == (0, f"{name}\t{row.max():.4f}\n", "")
    other = "yes" if name == "no" else "no"
    (tmp_path / "one.csv").write_text(f"review,sentiment\na good film,{name}\na good film,{other}\n")
    status, out, err = bertnotes("evaluate", "--model", folder, "--data", tmp_path / "one.csv")
    assert status == 0 and "\naccuracy 0.5000" in out and "1 texts stand there with two labels" in out, err
    status, out, err = bertnotes("predict", "--model", folder, "--file", tmp_path / "one.csv", "--out", tmp_path / "said.csv")
    assert status == 0 and f"a good film,{name},{name},{row.max():.4f}" in (tmp_path / "said.csv").read_text(), err
    assert bertnotes("view", "a good film", "--model", folder, "--out", tmp_path / "view.html")[0] == 0


def test_reviews_of_the_course_have_classes_of_their_own(make, tmp_path, bertnotes):
    """A model that names them the other way round is not scored on them in silence."""
    folder, _ = make("bert", id2label={0: "positive", 1: "negative"})
    (tmp_path / "r.csv").write_text("review,sentiment,note\na good film,positive,\na bad film,negative,\n")
    status, _, err = bertnotes("evaluate", "--model", folder, "--data", tmp_path / "r.csv", "--plain")
    assert status == 2 and "has the classes 'negative', 'positive', in this order; this model has 'positive', 'negative'" in err


def test_what_a_model_cannot_read_is_said_before_anything_is_written(make, table, tmp_path, bertnotes):
    folder, _ = make("roberta")
    run = ["train", "--data", table, "--model", folder, "--out", tmp_path / "run"]
    status, _, err = bertnotes(*run, "--max-length", "64")
    assert status == 2 and "this model has 48 positions; got 64" in err and len(err.splitlines()) == 1
    table.write_text(table.read_text() + "\u200b,yes\n", encoding="utf-8")
    status, _, err = bertnotes(*run, *TRAIN)
    assert status == 2 and r"of the review '\u200b' the tokenizer leaves nothing; take it out" in err
    assert not (tmp_path / "run").exists()


def test_a_text_of_which_nothing_is_left_or_known(make, tmp_path, bertnotes):
    """Of the one there is no verdict; that of the other says nothing, and the command says so."""
    folder, _ = make("distilbert")
    status, _, err = bertnotes("predict", "--model", folder, "\u200b")
    assert status == 2 and r"text 0 is no review: of '\u200b' the tokenizer leaves nothing" in err
    known = f"{FOREIGN.format(1)}\n"
    assert bertnotes("predict", "--model", folder, "\u6f22 \u5b57")[::2] == (0, known)
    table = tmp_path / "t.csv"
    table.write_text("review\na film\n\u200b\n\u6f22\n", encoding="utf-8")
    status, _, err = bertnotes("predict", "--model", folder, "--file", table)
    assert status == 2 and "row 2 has no text" in err
    status, _, err = bertnotes("predict", "--model", folder, "--file", table, "--out", tmp_path / "said.csv")
    rows = (tmp_path / "said.csv").read_text(encoding="utf-8").splitlines()
    assert status == 0 and err == known and rows[2] == "\u200b,," and not rows[1].endswith(",") and not rows[3].endswith(",")
