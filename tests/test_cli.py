"""The command from its first review to its last line, and one line on stderr for everything that the user can mend."""

import json
import os
import re
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import f1_score

from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.cli import COMMANDS
from bertnotes.data import LABELS, load_imdb_data
from bertnotes.experiments import doctor
from bertnotes.experiments.records import pack_probabilities, unpack_flags, unpack_probabilities
from bertnotes.models import load_tokenizer
from bertnotes.names import model_name

OPENINGS = ["film", "a film", "the cast is", "you watch", "i watch it once"]
WORDS = {"negative": ["bad", "worst", "dull", "poor"], "positive": ["good", "great", "best", "wonderful"]}


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    """Forty reviews as a CSV."""
    rows = [(f"{opening} {word}!<br />", label) for opening in OPENINGS for label in WORDS for word in WORDS[label]]
    path = tmp_path_factory.mktemp("reviews") / "reviews.csv"
    pd.DataFrame(rows, columns=["review", "sentiment"]).to_csv(path, index=False)
    return path


@pytest.fixture
def run(bertnotes):
    """The command."""
    return bertnotes


SMALL = ["--max-length", 16, "--epochs", 2, "--batch-size", 8, "--learning-rate", 0.004]


@pytest.fixture
def trained(run, reviews, tiny_checkpoint, tmp_path):
    """The folder of a fine-tuned model, and what the command printed while it was made."""
    status, out, err = run("train", "--data", reviews, "--model", tiny_checkpoint, "--out", tmp_path / "run", *SMALL)
    assert (status, err) == (0, "")
    return tmp_path / "run", out


# ---- from reviews to predictions ----


def test_train_says_what_it_does(trained):
    """How many reviews, the majority class beside the accuracy, a line for each epoch, and where the model is."""
    folder, out = trained
    lines = out.splitlines()
    assert lines[0] == "2 classes: negative 20, positive 20"
    assert lines[1] == "32 reviews to train on, 8 to validate on; majority class on validation 0.5000"
    assert [line.split(":")[0] for line in lines[2:4]] == ["epoch 1", "epoch 2"]
    assert all(word in lines[2] for word in ("train loss", "validation loss", "accuracy", "macro-F1"))
    assert lines[4] == f"saved the best epoch to {folder}"
    assert json.loads((folder / "train_config.json").read_text())["max_length"] == 16


def test_train_goes_by_its_seed(run, reviews, tiny_checkpoint, trained, tmp_path):
    """The same command gives the same weights, another seed others."""
    weights = {}
    for seed in (42, 43):
        run("train", "--data", reviews, "--model", tiny_checkpoint, "--out", tmp_path / f"{seed}", *SMALL, "--seed", seed)
        weights[seed] = (tmp_path / f"{seed}/model.safetensors").read_bytes()
    assert weights[42] == (trained[0] / "model.safetensors").read_bytes() != weights[43]


def test_evaluate(run, reviews, trained):
    """Accuracy and majority class in the first line, the report under it: those of the saved model."""
    status, out, err = run("evaluate", "--data", reviews, "--model", trained[0], "--max-length", 16)
    texts, labels = load_imdb_data(reviews)
    predicted = predict_probabilities(texts, *BERTClassifier.from_pretrained(trained[0]), max_length=16).argmax(-1)
    accuracy = (predicted == torch.tensor(labels)).float().mean().item()
    assert (status, err) == (0, "")
    score = f1_score(labels, predicted, average="macro")
    assert out.splitlines()[0] == f"accuracy {accuracy:.4f}, macro-F1 {score:.4f}, majority class 0.5000, 40 reviews"
    assert "f1-score" in out


def test_evaluate_a_sample(run, reviews, trained):
    """As many as asked for."""
    out = run("evaluate", "--data", reviews, "--model", trained[0], "--max-length", 16, "--sample", 30)[1]
    assert out.splitlines()[0].endswith("30 reviews")


def test_predict_a_text_and_a_file(run, reviews, trained, tmp_path):
    """A line for each review, in the file's order: the word, and how probable it is."""
    texts = pd.read_csv(reviews)["review"].tolist()
    status, out, err = run("predict", "--file", reviews, "--model", trained[0], "--max-length", 16)
    assert (status, err) == (0, "")
    probabilities = predict_probabilities(texts, *BERTClassifier.from_pretrained(trained[0]), max_length=16)
    lines = [line.split("\t") for line in out.splitlines()]
    assert [label for label, _ in lines] == [LABELS[best] for best in probabilities.argmax(-1)]
    assert [float(share) for _, share in lines] == pytest.approx(probabilities.amax(-1).tolist(), abs=1e-4)
    for number in (0, 5):
        assert run("predict", texts[number], "--model", trained[0], "--max-length", 16)[1].split("\t")[0] == lines[number][0]


def test_what_a_model_keeps_of_a_long_review_stays_its_own(run, reviews, tiny_checkpoint, tmp_path):
    """Trained on the ends of reviews, it is scored and asked on the ends, at the length of its training."""
    arguments = ["--data", reviews, "--model", tiny_checkpoint, "--out", tmp_path / "run", *SMALL, "--truncation", "tail"]
    assert run("train", *arguments)[0] == 0
    text = "bad worst dull poor " * 8 + "good great best wonderful " * 4  # 48 words; the last 14 of them are praise
    said = run("predict", text, "--model", tmp_path / "run")[1]
    assert said == run("predict", " ".join(text.split()[-14:]), "--model", tmp_path / "run")[1]
    assert said != run("predict", " ".join(text.split()[:14]), "--model", tmp_path / "run")[1]
    (tmp_path / "long.csv").write_text(f"review,sentiment\n{text},positive\n{text[::-1]},negative\n")
    model, tokenizer = BERTClassifier.from_pretrained(tmp_path / "run")
    said = predict_probabilities([text, text[::-1]], model, tokenizer, max_length=16, truncation="tail").argmax(-1)
    right = said == torch.tensor([1, 0])
    out = run("evaluate", "--data", tmp_path / "long.csv", "--model", tmp_path / "run")[1]
    assert out.startswith(f"accuracy {right.float().mean():.4f}")


def test_a_delta_is_read_by_every_command(run, reviews, tiny_checkpoint, tmp_path):
    """What train --lora saved: a small file, with which predict, evaluate and view do what they do with a whole model."""
    made = run("train", "--data", reviews, "--model", tiny_checkpoint, "--out", tmp_path / "delta", *SMALL, "--lora", 2)
    assert made[::2] == (0, "") and (tmp_path / "delta/adapter_model.safetensors").stat().st_size < 20_000
    model, tokenizer = BERTClassifier.from_pretrained(tmp_path / "delta")
    model.save_pretrained(tmp_path / "whole", tokenizer)
    for words in (["predict", "a great film"], ["predict", "--file", reviews], ["evaluate", "--data", reviews]):
        answers = [run(*words, "--model", tmp_path / folder) for folder in ("delta", "whole")]
        assert answers[0] == answers[1] and answers[0][::2] == (0, "")
    assert run("view", "a great film", "--model", tmp_path / "delta", "--out", tmp_path / "heads.html")[::2] == (0, "")
    status, _, error = run(
        "train", "--data", reviews, "--model", tmp_path / "delta", "--out", tmp_path / "two", *SMALL, "--lora", 2
    )
    assert status == 2 and "save this model whole" in error and not (tmp_path / "two").exists()


def test_the_shipped_classifier_may_be_another(run, trained, monkeypatch):
    """The name mini-imdb means the one that comes along, or what BERTNOTES_CLASSIFIER says; an empty one says nothing."""
    monkeypatch.setenv("BERTNOTES_CLASSIFIER", str(trained[0]))
    assert run("predict", "a great film", "--model", "mini-imdb") == run("predict", "a great film", "--model", trained[0])


def test_a_model_of_windows_reads_all_of_a_text_in_every_command(run, reviews, tiny_checkpoint, tmp_path):
    """Verdicts are those of the mean over the windows; rivals are fitted on what stands beside."""
    arguments = ["--data", reviews, "--model", tiny_checkpoint, "--out", tmp_path / "run", *SMALL, "--truncation", "windows"]
    assert run("train", *arguments)[0] == 0
    long = ["bad worst dull poor " * 8 + "good great best wonderful " * 4, "good film " * 20, "a film"]
    pd.DataFrame({"review": long, "sentiment": ["positive", "negative", "positive"]}).to_csv(tmp_path / "long.csv", index=False)
    model, tokenizer = BERTClassifier.from_pretrained(tmp_path / "run")
    said = predict_probabilities(long, model, tokenizer, max_length=16, truncation="windows")
    assert not said[0].allclose(predict_probabilities(long[:1], model, tokenizer, truncation="head")[0], atol=1e-4)
    words = ["--model", tmp_path / "run"]
    assert run("predict", "--file", tmp_path / "long.csv", "--out", tmp_path / "out.csv", *words)[0] == 0
    found = pd.read_csv(tmp_path / "out.csv")
    assert found["label"].tolist() == [model.class_names[best] for best in said.argmax(-1)]
    assert found["probability"].tolist() == pytest.approx(said.amax(-1).tolist(), abs=1e-4)
    status, out, _ = run("evaluate", "--data", tmp_path / "long.csv", "--beside", reviews, *words)
    right = (said.argmax(-1) == torch.tensor([1, 0, 1])).float().mean()
    lines = out.splitlines()
    assert status == 0 and lines[0].startswith(f"accuracy {right:.4f}, macro-F1 ") and lines[0].endswith(" 3 reviews")
    assert [line.split(":")[0] for line in lines[1:4]] == ["  TF-IDF", "  NBSVM", "  majority class"]
    check_one_line(*run("evaluate", "--data", reviews, "--beside", reviews, *words)[::2], "are also among those to train on")


def test_auto_precision_is_written_down_and_goes_on(run, reviews, tiny_checkpoint, cpu_with, tmp_path):
    """A run that began in bf16 goes on in it where it would now begin in fp32, and says that this is slow; its model is then
    read in fp32."""
    words = ["train", "--data", reviews, "--model", tiny_checkpoint, "--out", tmp_path / "run", *SMALL, "--precision", "auto"]
    cpu_with("avx512_bf16")
    assert run(*words)[::2] == (0, "")
    config = json.loads((tmp_path / "run/train_config.json").read_text())
    assert config["precision"] == "bf16"
    in_bf16 = run("predict", OPENINGS[0], "--model", tmp_path / "run")[1]
    cpu_with()
    status, _, err = run(*words, "--resume")
    assert status == 0 and "no units for bf16" in err and json.loads((tmp_path / "run/train_config.json").read_text()) == config
    model, tokenizer = BERTClassifier.from_pretrained(tmp_path / "run")
    in_fp32 = predict_probabilities([OPENINGS[0]], model, tokenizer, max_length=16).max().item()
    said = run("predict", OPENINGS[0], "--model", tmp_path / "run")[1]
    assert said.split("\t")[1] == f"{in_fp32:.4f}\n" and said != in_bf16


def test_predict_needs_no_labels(run, trained, tmp_path):
    """A file with a column review will do."""
    (tmp_path / "new.csv").write_text('review\n"good, good"\nbad\n')
    status, out, _ = run("predict", "--file", tmp_path / "new.csv", "--model", trained[0], "--max-length", 16)
    assert status == 0 and len(out.splitlines()) == 2


def test_record(run, reviews, tiny_checkpoint, tmp_path):
    """The score on the test set, TF-IDF and the majority class beside it, and what made them."""
    test, path = tmp_path / "test.csv", tmp_path / "results/run.json"
    test.write_text("review,sentiment\ngood!,positive\ngreat!,negative\nbad!,positive\ndull!,positive\n")  # words that mislead
    arguments = ["--data", reviews, "--model", tiny_checkpoint, "--out", tmp_path / "run", "--test", test, "--record", path]
    status, out, err = run("train", *arguments, *SMALL, "--attention", "bertnotes")
    assert (status, err) == (0, "")
    record = json.loads(path.read_text())
    texts, labels = load_imdb_data(test)
    predicted = predict_probabilities(texts, *BERTClassifier.from_pretrained(tmp_path / "run"), max_length=16).argmax(-1)
    expected = [(predicted == torch.tensor(labels)).float().mean().item(), 0.25, 0.75]
    assert [record[name] for name in ("accuracy", "tfidf_accuracy", "majority_accuracy")] == expected
    assert record["macro_f1"] == round(f1_score(labels, predicted, average="macro"), 4)
    assert record["tfidf_macro_f1"] == round(f1_score(labels, [1, 1, 0, 0], average="macro"), 4)
    assert record["majority_macro_f1"] == round(f1_score(labels, [1] * 4, average="macro"), 4)
    assert f"test: accuracy {expected[0]:.4f}, macro-F1 {record['macro_f1']:.4f}" in out.splitlines()
    for rival in ("tfidf", "nbsvm", "majority"):
        name = {"tfidf": "TF-IDF", "nbsvm": "NBSVM", "majority": "majority class"}[rival]
        scores = [record[f"{rival}_{measure}"] for measure in ("accuracy", "macro_f1")]
        assert f"  {name}: accuracy {scores[0]:.4f}, macro-F1 {scores[1]:.4f}" in out.splitlines()
    assert record["command"].startswith(f"bertnotes train --data {reviews} --out {tmp_path / 'run'} --model {tiny_checkpoint}")
    assert {"date", "device", "python", "torch", "transformers", "scikit-learn"} <= set(record["environment"])
    assert record["environment"]["torch"] == torch.__version__
    assert (record["train_reviews"], record["test_reviews"], record["config"]["epochs"]) == (32, 4, 2)
    assert len(record["history"]) == 2
    assert record["parameters"] == sum(weight.numel() for weight in BERTClassifier(str(tiny_checkpoint), 2).parameters())


def test_a_record_counts_the_time_and_the_memory_of_all_stretches(run, reviews, tiny_checkpoint, tmp_path, monkeypatch):
    """Here the second stretch finds the training done."""
    spend = lambda run: vars(run).update(took=100.0, seconds=run.seconds + 100)  # noqa: E731  (each of 4 steps, and validation)
    monkeypatch.setattr("bertnotes.training.Run.lap", spend)
    monkeypatch.setattr("bertnotes.experiments.engine.peak_memory", lambda device: 3000)
    arguments = ["--data", reviews, "--model", tiny_checkpoint, "--out", tmp_path / "run", *SMALL]
    assert run("train", *arguments)[0] == 0
    (tmp_path / "test.csv").write_text("review,sentiment\ngood!,positive\nbad!,negative\n")
    monkeypatch.setattr("bertnotes.experiments.engine.peak_memory", lambda device: 2000)
    status, _, err = run("train", *arguments, "--resume", "--test", tmp_path / "test.csv", "--record", tmp_path / "run.json")
    assert (status, err) == (0, "")
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["train_seconds"] == 2 * 500
    assert record["train_peak_memory_mb"] == 3000


def test_a_record_keeps_every_verdict(run, reviews, tiny_checkpoint, tmp_path):
    """In the order of the file, so that two systems can be compared review by review."""
    test, path = tmp_path / "test.csv", tmp_path / "run.json"
    test.write_text("review,sentiment\ngood! it is great,positive\ngreat!,negative\nbad!,positive\ndull!,positive\n")
    arguments = ["--data", reviews, "--model", tiny_checkpoint, "--out", tmp_path / "run", "--test", test, "--record", path]
    assert run("train", *arguments, *SMALL, "--frozen", "--random-init")[0] == 0
    record = json.loads(path.read_text())
    expected = predict_probabilities(load_imdb_data(test)[0], *BERTClassifier.from_pretrained(tmp_path / "run"), max_length=16)
    assert unpack_probabilities(record["positive"]) == pytest.approx(expected[:, 1].tolist(), abs=1e-3)
    assert record["config"]["frozen"] is True
    right = np.array(unpack_probabilities(record["validation_positive"])) > 0.5
    share = (right == unpack_flags(record["validation_labels"], 8)).mean()
    assert share == max(entry["accuracy"] for entry in record["history"]), "of the epoch that was kept"


@pytest.mark.parametrize("value", [0.0, 1e-5, 0.25, 0.4999, 0.5, 0.5 + 1e-7, 0.75, 0.9999, 1.0])
def test_a_packed_probability_names_the_same_class_as_surely(value):
    (again,) = unpack_probabilities(pack_probabilities([value]))
    assert (again > 0.5) == (value > 0.5)
    assert again == pytest.approx(value, rel=0.01, abs=2e-7) and 1 - again == pytest.approx(1 - value, rel=0.01, abs=2e-7)


def test_data_from_a_copy(run, tmp_path):
    """The official split, written where --out says and readable by `bertnotes train`."""
    for name, text in {"train/pos/0_9.txt": "Good.", "train/neg/0_2.txt": "Bad.", "test/pos/0_8.txt": "Great."}.items():
        (tmp_path / "aclImdb" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "aclImdb" / name).write_text(text)
    status, out, err = run("data", "--from", tmp_path / "aclImdb", "--out", tmp_path / "imdb")
    assert status == 0 and "IMDB has 25000 of each to train and to test on: this copy is another, or not whole" in err
    assert out.splitlines() == [
        f"{split}: {count} reviews, {tmp_path / 'imdb' / split}.csv.xz" for split, count in {"train": 2, "test": 1}.items()
    ]
    assert load_imdb_data(tmp_path / "imdb/train.csv.xz") == (["Bad.", "Good."], [0, 1])


# ---- what the user can mend ----


def check_one_line(status, err, message):
    """Exit status 2, and on stderr one line that says what is wrong."""
    assert status == 2, err
    assert len(err.splitlines()) == 1 and err.startswith("bertnotes: ") and message in err, err


TRAIN = ["train", "--data", "{reviews}", "--model", "{tiny}", "--out", "{new}", "--max-length", "16"]
BAD_INPUT = {
    "no file": ([*TRAIN, "--data", "{new}.csv"], "no file"),
    "an empty file": ([*TRAIN, "--data", "{empty}"], "is empty"),
    "another file": (
        [*TRAIN, "--data", "{other}"],
        "has the columns 'name', 'price'; say which of them is the text: --text-column",
    ),
    "a sample too large": ([*TRAIN, "--sample", "41"], "a sample of 41 was asked for"),
    "a sample of none": ([*TRAIN, "--sample", "0"], "sample is a count"),
    "no such test set": ([*TRAIN, "--test", "{new}.csv"], "no file"),
    "a record of no test": ([*TRAIN, "--record", "{new}.json"], "give that set with --test"),
    "a record in a folder's place": (
        [*TRAIN, "--test", "{reviews}", "--record", "{folder}"],
        "give the name of a file in it",
    ),
    "a validation set too large": ([*TRAIN, "--validation", "40"], "cannot carve a validation set of 40"),
    "a negative validation set": ([*TRAIN, "--validation", "-1"], "cannot carve a validation set of -1"),
    "too many tokens": ([*TRAIN, "--max-length", "49"], "this model has 48 positions; got 49"),
    "a precision that is none": ([*TRAIN, "--precision", "fp8"], 'precision is "fp32" or "bf16"'),
    "an attention that is none": ([*TRAIN, "--attention", "nonsense"], "nonsense"),
    "no epochs": ([*TRAIN, "--epochs", "0"], "epochs"),
    "batches of none": ([*TRAIN, "--batch-size", "0"], "batch_size"),
    "an uncached model": ([*TRAIN, "--model", "nobody/nothing"], "Two ways out"),
    "a model that is none": ([*TRAIN, "--model", "{folder}"], "holds no config.json"),
    "an unknown command": (["finetune"], "there is no command 'finetune', only train, evaluate"),
    "output into a file": ([*TRAIN, "--out", "{reviews}"], "reviews.csv"),
    "evaluate an encoder": (["evaluate", "--data", "{reviews}", "--model", "{tiny}"], "holds an encoder but no classifier"),
    "evaluate nothing": (["evaluate", "--data", "{reviews}", "--model", "{new}"], "no model folder at"),
    "predict nothing": (["predict", "--model", "{tiny}"], "give either one review"),
    "predict twice": (["predict", "good", "--file", "{reviews}", "--model", "{tiny}"], "give either one review"),
    "predict an empty file": (["predict", "--file", "{empty}", "--model", "{tiny}"], "is empty"),
    "data from nowhere": (["data", "--from", "{new}", "--out", "{folder}"], "no archive and no folder at"),
    "data from something else": (["data", "--from", "{config}", "--out", "{folder}"], "is no whole tar archive"),
}
USAGE = {
    "a missing option": (["train", "--data", "{reviews}"], "--out"),
    "another missing option": (["view", "good"], "--out"),
    "a word for a number": ([*TRAIN, "--epochs", "three"], "--epochs"),
    "an unknown option": ([*TRAIN, "--optimiser", "sgd"], "--optimiser"),
}


@pytest.mark.parametrize("case", BAD_INPUT | USAGE)
def test_bad_input_is_one_line(run, reviews, tiny_checkpoint, tmp_path, case):
    """Whatever is wrong, and nothing is written. Of an option that is misspelt, a box that names it."""
    arguments, message = (BAD_INPUT | USAGE)[case]
    (tmp_path / "empty.csv").touch()
    (tmp_path / "other.csv").write_text("name,price\ntea,3\n")
    (tmp_path / "folder").mkdir()
    names = {
        "reviews": reviews,
        "tiny": tiny_checkpoint,
        "config": tiny_checkpoint / "config.json",
        "other": tmp_path / "other.csv",
        "empty": tmp_path / "empty.csv",
        "folder": tmp_path / "folder",
        "new": tmp_path / "new",
    }
    status, _, err = run(*[argument.format(**names) for argument in arguments])
    if case in USAGE:
        assert status == 2 and message in err and "Traceback" not in err
    else:
        check_one_line(status, err, message)
    assert not (tmp_path / "new").exists()


def test_an_empty_review_has_no_sentiment(run, trained):
    """Nor has one of blanks."""
    for text in ("", "  ", "<br />"):
        status, out, err = run("predict", text, "--model", trained[0], "--max-length", 16)
        check_one_line(status, err, "is no review")
        assert out == ""


def test_an_earlier_run_is_not_overwritten(run, reviews, tiny_checkpoint, trained):
    """The refusal comes before any work, and the folder stays as it is."""
    before = {path.name: path.read_bytes() for path in trained[0].iterdir()}
    status, _, err = run("train", "--data", reviews, "--model", tiny_checkpoint, "--out", trained[0], *SMALL)
    check_one_line(status, err, "is not empty; give a new folder")
    assert {path.name: path.read_bytes() for path in trained[0].iterdir()} == before


def test_a_dry_run_says_what_it_would_cost_and_writes_nothing(run, reviews, tiny_checkpoint, tmp_path):
    """And finds what is wrong as a real one would."""
    words = ["train", "--data", reviews, "--model", tiny_checkpoint, "--out", tmp_path / "run", *SMALL, "--dry-run"]
    status, out, err = run(*words)
    assert (status, err) == (0, "") and "\n32 reviews, " in out and "8 steps in all" in out and "tokens a second" in out
    assert not (tmp_path / "run").exists()
    check_one_line(*run(*words, "--epochs", 0)[::2], "epochs is at least 1; got 0")


def test_a_run_is_resumed(run, reviews, tiny_checkpoint, trained):
    """One that is done has nothing left to do: the same lines again, and no step more. With another setting it is refused."""
    words = ["train", "--data", reviews, "--model", tiny_checkpoint, "--out", trained[0], *SMALL, "--resume"]
    steps = (trained[0] / "steps.jsonl").read_text()
    assert run(*words) == (0, trained[1], "")
    assert (trained[0] / "steps.jsonl").read_text() == steps and len(steps.splitlines()) == 8
    check_one_line(*run(*words, "--seed", 7)[::2], "another run (there, here): {'seed': (42, 7)}")


def test_a_tilde_is_the_home_folder_wherever_it_stands(run, reviews, tiny_checkpoint, tmp_path, monkeypatch):
    """A shell leaves it in --out=~/run. The model reads alike under both names of its folder, and no folder is called ~."""
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir(), here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    (home / "r.csv").write_bytes(reviews.read_bytes())
    arguments = ["--data=~/r.csv", "--model", tiny_checkpoint, "--out=~/run", *SMALL, "--truncation", "tail"]
    assert run("train", *arguments)[::2] == (0, "") and (home / "run" / "model.safetensors").exists()
    text = "a dull film that was at last, to the surprise of all who had seen it, great and good fun"
    assert run("predict", "--model=~/run", text) == run("predict", "--model", home / "run", text)
    assert run("evaluate", "--model=~/run", "--data=~/r.csv")[0] == 0
    assert run("view", "a film", "--model=~/run", "--out=~/heads.html")[0] == 0 and (home / "heads.html").exists()
    assert list(here.iterdir()) == []


def test_what_a_file_manager_leaves_in_a_folder_is_no_content(run, reviews, tiny_checkpoint, tmp_path):
    out = tmp_path / "run"
    (out / ".ipynb_checkpoints").mkdir(parents=True)
    (out / ".DS_Store").write_bytes(b"Bud1")
    words = ["train", "--data", reviews, "--model", tiny_checkpoint, "--out", out, *SMALL]
    assert run(*words)[::2] == (0, "")
    check_one_line(*run(*words)[::2], "is not empty; give a new folder")


@pytest.mark.parametrize(
    "error", [IndexError("index out of range in self"), RuntimeError("out of memory"), MemoryError("no room")]
)
def test_an_error_of_the_model_is_one_line(run, trained, monkeypatch, error):
    """With its kind, and how to see where it came from."""

    def fail(*_):
        raise error

    monkeypatch.setattr(BERTClassifier, "forward", fail)
    words = ["predict", "good", "--model", trained[0]]
    check_one_line(*run(*words)[::2], f"{type(error).__name__}: {error} (BERTNOTES_TRACEBACK=1 shows where)")
    monkeypatch.setenv("BERTNOTES_TRACEBACK", "1")
    with pytest.raises(type(error)):
        run(*words)


@pytest.mark.parametrize("console", ["cp1252", "ascii"])
def test_a_console_that_lacks_a_letter(tiny_checkpoint, tmp_path, console):
    """The name of a class is printed as well as the console can, and an argument in another encoding is read."""
    model = BERTClassifier(str(tiny_checkpoint), class_names=["très", "良い"])
    torch.nn.init.constant_(model.classifier.bias[1:], 9.0)
    model.save_pretrained(tmp_path / "model", load_tokenizer(str(tiny_checkpoint)))
    text = os.fsdecode(b"caf\xe9 was great")
    command = [sys.executable, "-m", "bertnotes", "predict", text, "--model", tmp_path / "model"]
    done = subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONIOENCODING": console, "PYTHONUTF8": "0"})
    assert done.returncode == 0 and done.stdout.split(b"\t")[0] == b"??" and done.stderr == b""


def test_a_name_that_is_set_to_nothing_is_not_set(monkeypatch):
    monkeypatch.setenv("BERTNOTES_MODEL", "")
    assert model_name() == "mini" and model_name("other") == "other"


@pytest.mark.parametrize(
    "words", [["--file", "~nobody-here/r.csv", "--model", "mini"], ["good", "--model", "~nobody-here/run"]]
)
def test_the_home_of_nobody(run, words):
    check_one_line(*run("predict", *words)[::2], "~nobody-here/r")


def test_the_copy_that_circulates_may_be_zipped(run, tmp_path):
    """As it is downloaded; it is refused here for its reviews, not as an archive that is none of tar."""
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("IMDB Dataset.csv", "review,sentiment\nGood,positive\n")
    status, _, err = run("data", "--from", tmp_path / "archive.zip", "--out", tmp_path / "imdb")
    check_one_line(status, err, "archive.zip holds 0 of the 25000 reviews of IMDB's official test split")


def test_pieces_that_the_model_does_not_know(run, reviews, tiny_checkpoint, tmp_path):
    """Each command says so in one line, and train writes nothing."""
    model, tokenizer = BERTClassifier(str(tiny_checkpoint)), load_tokenizer(str(tiny_checkpoint))
    tokenizer.add_tokens([f"piece{number}" for number in range(10_000)])
    model.save_pretrained(tmp_path / "model", tokenizer)
    for words in (
        ["train", "--data", reviews, "--out", tmp_path / "run", *SMALL],
        ["predict", "so piece3"],
        ["evaluate", "--data", reviews],
        ["view", "so piece3", "--out", tmp_path / "view.html"],
    ):
        status, _, err = run(*words, "--model", tmp_path / "model")
        check_one_line(status, err, "the tokenizer knows pieces up to id")
    assert not (tmp_path / "run").exists() and not (tmp_path / "view.html").exists()


@pytest.fixture
def own(tmp_path):
    """A table of one's own: three classes, columns of other names, semicolons, letters of Windows."""
    texts = {"sport": "she won the café cup", "money": "shares fell again", "politics": "the minister resigned"}
    rows = [f"{number};{text} {number};{name}" for number in range(8) for name, text in texts.items()]
    path = tmp_path / "own.csv"
    path.write_bytes("\r\n".join(["id;comment;topic", *rows]).encode("cp1252"))
    return path


def test_a_table_of_ones_own(run, own, tiny_checkpoint, tmp_path):
    """Trained on, scored, judged and written beside, with the names of its classes."""
    folder, out = tmp_path / "own", tmp_path / "judged.csv"
    status, told, err = run("train", "--data", own, "--model", tiny_checkpoint, "--out", folder, *SMALL, "--validation", "0.25")
    assert status == 0 and re.fullmatch(r"texts whose words the model does not know .*: 24; .*\n", err), (
        "its vocabulary is tiny"
    )
    assert told.splitlines()[:4] == [
        "own.csv: not UTF-8, so read as Windows-1252; where letters look wrong, say in which --encoding it is",
        "own.csv: fields are separated by semicolons",
        "own.csv: texts are in the column 'comment', labels in 'topic'",
        "3 classes: sport 8, money 8, politics 8",
    ]
    names = ["money", "politics", "sport"]
    status, told, _ = run("evaluate", "--data", own, "--model", folder)
    assert status == 0 and re.findall(r"^ +(\w+)  +[\d.]+ +[\d.]+ +[\d.]+ +8$", told, re.MULTILINE) == names
    status, told, _ = run("predict", "--file", own, "--model", folder)
    assert status == 0 and {line.split("\t")[0] for line in told.splitlines()} <= set(names)
    assert run("predict", "--file", own, "--model", folder, "--out", out)[:2] == (0, f"{out}: 24 rows judged\n")
    found = pd.read_csv(out)
    assert list(found) == ["id", "comment", "topic", "label", "probability"] and "café" in found["comment"][0]
    assert [line.split("\t")[0] for line in told.splitlines()] == found["label"].tolist()
    check_one_line(
        *run("predict", "--file", own, "--model", folder, "--out", out)[::2], "is there; give the name of a new file"
    )
    assert not list(tmp_path.glob(".*.part"))


def test_a_row_without_a_text_is_named_or_left_without_a_verdict(run, trained, tmp_path):
    table, out = tmp_path / "new.csv", tmp_path / "judged.csv"
    table.write_text("id,text\n1,a film\n2,\n")
    words = ["predict", "--model", trained[0], "--file", table]
    check_one_line(*run(*words)[::2], "new.csv: row 2 has no text; --out writes such rows without a verdict")
    assert run(*words, "--out", out)[0] == 0 and out.read_text().splitlines()[2] == "2,,,"


def test_what_another_model_left_unfinished_is_not_gone_on_with(run, trained, tmp_path, monkeypatch):
    """What the same model left is: a run that is stopped leaves a part, which the same command takes up."""
    from bertnotes.experiments import predictions

    other, table, out = tmp_path / "other", tmp_path / "new.csv", tmp_path / "judged.csv"
    model, tokenizer = BERTClassifier.from_pretrained(trained[0])
    torch.nn.init.normal_(model.classifier.weight, std=1.0)
    model.save_pretrained(other, tokenizer)
    table.write_text("id,text\n" + "".join(f"{number},film {number}\n" for number in range(4)))
    judge, judged = predictions.judge, []

    def stop(texts, *rest):
        if len(judged) == 2:
            raise KeyboardInterrupt
        judged.extend(texts)
        return judge(texts, *rest)

    monkeypatch.setattr(predictions, "judge", stop)
    monkeypatch.setattr(predictions.predict_table, "__defaults__", (1,))  # a row at a time
    words = ["predict", "--file", table, "--out", out, "--model"]
    assert run(*words, trained[0])[0] == 130 and not out.exists()
    monkeypatch.setattr(predictions, "judge", judge)
    assert run(*words, other)[:2] == (0, f"{out}: 4 rows judged\n")
    out.unlink()
    assert run(*words, trained[0])[:2] == (0, f"{out}: 2 rows judged\n")


def test_a_test_set_of_ones_own(run, own, tiny_checkpoint, tmp_path):
    """It has the classes of the reviews to train on; what another row says is told, or left out."""
    other, record = tmp_path / "test.csv", tmp_path / "record.json"
    other.write_text("topic,comment\nsport,a late goal\nmoney,rates rise\nweather,it rained\n")
    words = ["train", "--data", own, "--model", tiny_checkpoint, *SMALL, "--validation", "0.25", "--test", other]
    status, _, err = run(*words, "--out", tmp_path / "one")
    check_one_line(status, err, "test.csv: row 3 has the label 'weather'; known are 'money', 'politics', 'sport'")
    assert run(*words, "--out", tmp_path / "two", "--record", record, "--drop-bad-rows")[0] == 0
    found = json.loads(record.read_text())
    assert found["class_names"] == ["money", "politics", "sport"] and len(found["verdicts"]) == found["test_reviews"] == 2
    assert found["accuracy"] == sum(a == b for a, b in zip(found["verdicts"], [2, 0], strict=True)) / 2


def test_an_empty_folder_may_be_given(run, reviews, tiny_checkpoint, tmp_path):
    """There is nothing in it to lose."""
    arguments = ["--data", reviews, "--model", tiny_checkpoint, "--out", tmp_path, "--max-length", 16, "--epochs", 1]
    assert run("train", *arguments)[0] == 0 and (tmp_path / "model.safetensors").exists()


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_help(run, words):
    """Each subcommand is in it, with no error."""
    status, out, err = run(*words)
    assert (status, err) == (0, "") and all(f"\n  {command} " in out for command in COMMANDS)


def test_help_does_not_wait_for_torch():
    """Nor for anything else that takes seconds to load."""
    script = """
import sys
import zipfile
from bertnotes.cli import main
sys.argv = ["bertnotes", "--help"]
main()
assert not {"torch", "transformers", "pandas", "sklearn"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_has_a_line_of_help(run, name):
    """That of the field in its dataclass; a flag has no value and no opposite."""
    status, out, err = run(name, "--help")
    assert (status, err) == (0, "") and "--no-" not in out
    text = " ".join(out.replace("│", " ").split()).partition("show this help message and exit")[2]
    told = re.findall(r"(--[a-z-]+)(?: [A-Z]+| \{.*?\})?(.*?)\((?:default|required|repeatable)", text)
    assert len(told) == out.count("│ --") and all(len(line) > 5 for _, line in told), told


def test_what_people_use_comes_first_in_the_help(run, monkeypatch):
    """Files, the loop's numbers and what is cut, before controls and what only the machine cares for. There are no others."""
    monkeypatch.setenv("COLUMNS", "100")
    status, out, _ = run("train", "--help")
    first = "data out model sample validation test resume dry-run text-column label-column encoding drop-bad-rows epochs"
    first += " batch-size learning-rate max-length truncation seed"
    rarer = "precision warmup weight-decay patience frozen head-epochs lora class-weights plain record another-look random-init"
    machine = "attention attention-dropout micro-batch-size compile save-every row name copy-of jobs"
    assert status == 0 and re.findall(r"│ --([a-z-]+)", out) == f"{first} {rarer} {machine}".split()


def test_ctrl_c_is_one_line(run, reviews, tiny_checkpoint, tmp_path, monkeypatch):
    """Which says that the run can be gone on with."""

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("bertnotes.experiments.finetune.fit_in", interrupted)
    status, _, err = run("train", "--data", reviews, "--model", tiny_checkpoint, "--out", tmp_path / "run", *SMALL)
    assert status == 130 and err.startswith("bertnotes: stopped; ") and "--resume" in err and err.count("\n") == 1


def test_as_a_program(tmp_path):
    """`python -m bertnotes` in a process of its own: one line, status 2."""
    command = [sys.executable, "-m", "bertnotes", "predict", "good", "--model", str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONWARNINGS": "error"}, check=False)
    check_one_line(done.returncode, done.stderr, "no model folder at")


# ---- the look at the machine ----


def test_doctor_says_ready_or_what_to_do(run, monkeypatch):
    """Status 0 and a tick for everything; status 2 and the remedy where one thing is wrong."""
    status, out, err = run("doctor")
    assert (status, err) == (0, "") and out.count("✓") == 7 and out.endswith("ready\n")
    monkeypatch.setitem(doctor.LOOKS, "memory", (lambda: (False, "none left"), "buy some"))
    status, out, err = run("doctor")
    assert status == 2 and "✗ memory       none left\n  what to do: buy some" in out
    assert err == "bertnotes: not ready: memory; what to do stands above\n"


# ---- a page for a wall ----


def test_view_writes_one_page_with_all_sentences(run, tiny_checkpoint, tmp_path):
    page = tmp_path / "new" / "view.html"
    arguments = (
        "view",
        "a good film .",
        "bad cast",
        "--pair",
        "is it ?",
        "--model",
        tiny_checkpoint,
        "--head",
        3,
        "--out",
        page,
    )
    status, out, err = run(*arguments)
    assert (status, err) == (0, "") and "open it in a browser" in out
    data = json.loads(page.read_text(encoding="utf-8").split('id="data">')[1].split("</script>")[0])
    assert [item["tokens"][1:-1] for item in data["items"]] == ["a good film . [SEP] is it ?".split(), ["bad", "cast"]]
    assert [item["second"] for item in data["items"]] == [6, None] and data["head"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give at least one sentence"),
        ((" ",), "nothing to read in ' '"),
        (("good", "--pair", "a", "--pair", "b", "--out", "x.html"), "got 2 for 1"),
        (("good", "--layer", "9", "--out", "x.html"), "there are 2 layers of 3 heads"),
        (("good " * 60, "--out", "x.html"), "48 positions"),
        (("good", "--out", "no.txt/x.html"), "no.txt"),
    ],
)
def test_view_says_in_one_line_what_it_cannot_show(run, tiny_checkpoint, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "no.txt").touch()
    out = () if "--out" in arguments else ("--out", "x.html")
    status, _, err = run("view", *arguments, "--model", tiny_checkpoint, *out)
    assert status == 2 and message in err and err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["no.txt"]
