"""The rivals do the work that they are said to do, on the same reviews and weights; ratios by hand; the command, whole."""

import json
import statistics
import threading
from contextlib import contextmanager
from dataclasses import asdict, replace

import pandas as pd
import pytest
import torch
from toy import LABELS, TEXTS
from tqdm import TMonitor
from transformers import AutoModelForSequenceClassification, DistilBertConfig, DistilBertModel

from bertnotes import __version__
from bertnotes.batching import TextClassificationDataset
from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.data import LABELS as NAMES
from bertnotes.devices import fast_precision
from bertnotes.experiments import bench as benchmark
from bertnotes.experiments import meter, rivals
from bertnotes.experiments.meter import Reading
from bertnotes.experiments.reader_model import write_reader
from bertnotes.experiments.records import read_record
from bertnotes.files import RESULTS
from bertnotes.models import load_encoder, load_tokenizer
from bertnotes.training import TrainConfig, fit


@pytest.fixture(scope="module")
def job(tiny_checkpoint, tmp_path_factory):
    """Four steps of eight reviews, some of them short."""
    folder = tmp_path_factory.mktemp("classifier")
    benchmark.cut_classifier(str(tiny_checkpoint), None, folder)
    texts = [text if number % 3 else "film" for number, text in enumerate(TEXTS * 2)]
    return rivals.Job(str(folder), texts, LABELS * 2, max_length=20, batch_size=8, steps=4, learning_rate=0.006)


def test_a_cut_keeps_the_first_layers(tiny_checkpoint, tmp_path):
    benchmark.cut_classifier(str(tiny_checkpoint), 1, tmp_path)
    whole, cut = BERTClassifier(str(tiny_checkpoint), 2), BERTClassifier.from_pretrained(tmp_path)[0]
    assert (len(whole.bert.encoder.layer), len(cut.bert.encoder.layer), cut.bert.config.num_hidden_layers) == (2, 1, 1)
    kept = whole.bert.encoder.layer[0].state_dict()
    assert all(torch.equal(weight, kept[name]) for name, weight in cut.bert.encoder.layer[0].state_dict().items())


@pytest.mark.parametrize("kind", ["distilbert", "gpt", "elmo"])
@pytest.mark.parametrize("layers", [None, 1])
def test_another_model_is_cut_where_its_layers_stand_in_a_list(kind, layers, tiny_checkpoint, tmp_path):
    """An ELMo keeps its LSTMs in none: one sentence says so, and whole it can be measured as any."""
    folder = tmp_path / "model"
    if kind == "distilbert":
        sizes = {"vocab_size": 100, "dim": 24, "n_heads": 3, "n_layers": 2, "hidden_dim": 40, "max_position_embeddings": 48}
        DistilBertModel(DistilBertConfig(**sizes)).save_pretrained(folder)
        load_tokenizer(tiny_checkpoint).save_pretrained(folder)
    else:
        write_reader(folder, kind, tiny_checkpoint)
        load_encoder(folder, "sdpa", random_init=True).save_pretrained(folder)
    if kind == "elmo" and layers:
        with pytest.raises(ValueError, match=r"keeps no list of its layers that could be cut, .*leave out --layers"):
            benchmark.cut_classifier(str(folder), layers, tmp_path / "cut")
        return
    benchmark.cut_classifier(str(folder), layers, tmp_path / "cut")
    whole, cut = load_encoder(folder, "sdpa").state_dict(), load_encoder(tmp_path / "cut", "sdpa").state_dict()
    assert cut.keys() <= whole.keys() and (len(cut) < len(whole)) == bool(layers)
    assert all(torch.equal(weight, whole[name]) for name, weight in cut.items())


@pytest.mark.parametrize("layers", [-1, 0, 3])
def test_a_cut_that_cannot_be(tiny_checkpoint, tmp_path, layers):
    with pytest.raises(ValueError, match=rf"has 2 layers; got layers={layers}, expected 1 to 2"):
        benchmark.cut_classifier(str(tiny_checkpoint), layers, tmp_path)


@pytest.mark.parametrize("name", benchmark.TRAINING)
def test_each_side_trains_so_many_steps(job, name, monkeypatch):
    """Each position three times: forth, and back at twice the price."""
    monkeypatch.setattr(meter, "operations", lambda config, batch, length: batch * length)
    reading, _ = benchmark.TRAINING[name](job)
    assert reading.reviews == 4 * 8 and 0 < reading.tokens <= reading.positions and reading.seconds > 0
    assert reading.operations == 3 * reading.positions


@pytest.mark.parametrize("units", [[], ["avx512_bf16"]])
def test_our_sides_and_the_best_trainer_take_bf16_where_it_is_fast(job, units, cpu_with, monkeypatch):
    """A layer's product is a bfloat16 under autocast, and a float32 otherwise."""
    kinds = []

    def measure_and_watch(encoder):
        encoder.encoder.layer[0].output.dense.register_forward_hook(lambda *passed: kinds.append(passed[-1].dtype))
        return meter.measure(encoder)

    monkeypatch.setattr(rivals, "measure", measure_and_watch)
    cpu_with(*units)
    expected = torch.bfloat16 if units else torch.float32
    for side in (rivals.ours, benchmark.TRAINING["Trainer, best"], rivals.our_prediction):
        kinds.clear()
        side(job)
        assert set(kinds) == {expected}


@pytest.mark.parametrize("name", benchmark.TRAINING | benchmark.PREDICTION)
def test_a_side_that_fails_leaves_no_meter_behind(job, name, monkeypatch):
    """Else what comes after it would be measured twice."""
    encoders, before = [], set(threading.enumerate())

    def fail(*_):
        raise KeyError("no such word")

    def measure_and_fail(encoder):
        encoders.append(encoder)
        encoder.encoder.register_forward_pre_hook(fail)
        return meter.measure(encoder)

    monkeypatch.setattr(rivals, "measure", measure_and_fail)
    with pytest.raises(KeyError, match="no such word"):
        (benchmark.TRAINING | benchmark.PREDICTION)[name](job)
    assert len(encoders) == 1 and not encoders[0]._forward_pre_hooks
    left = [thread for thread in threading.enumerate() if thread not in before]
    assert all(isinstance(thread, TMonitor) for thread in left), "tqdm's, which comes with the first bar and stays"


def test_only_the_original_loop_pads_everything(job):
    padding = {}
    for name, side in benchmark.TRAINING.items():
        reading, _ = side(job)
        padding[name] = reading.positions / reading.reviews
    assert padding["the original loop"] == job.max_length
    assert padding["bertnotes"] <= padding["Trainer, defaults"] < job.max_length


def test_the_original_loop_learns(job):
    """It is no straw man."""
    before = rivals.new_classifier(job, "sdpa").parameters()
    reading, model = rivals.original_loop(replace(job, steps=None))
    moved = [not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True)]
    assert statistics.mean(moved) > 0.95 and reading.reviews == len(job.texts)


def test_ours_is_what_fit_does_in_an_epoch(job):
    """To the last bit."""
    model = rivals.new_classifier(job, "blockwise")
    config = TrainConfig(1, job.batch_size, job.learning_rate, max_length=job.max_length, seed=job.seed)
    config.precision = fast_precision("cpu")
    fit(model, load_tokenizer(job.folder), (job.texts, job.labels), (TEXTS[:4], LABELS[:4]), config)
    ours = rivals.ours(replace(job, steps=None))[1].state_dict()
    assert all(torch.equal(ours[name], weight) for name, weight in model.state_dict().items())


def test_padded_reviews_are_those_of_our_data_set(job):
    tokenizer = load_tokenizer(job.folder)
    theirs = rivals.PaddedReviews(job.texts, job.labels, tokenizer, job.max_length)
    ours = TextClassificationDataset(job.texts, job.labels, tokenizer, job.max_length)
    for index in range(len(ours)):
        assert all(torch.equal(theirs[index][key], ours[index][key]) for key in ours[index])


@pytest.mark.parametrize("name", benchmark.PREDICTION)
def test_each_side_judges_every_review(job, name, monkeypatch):
    monkeypatch.setattr(meter, "operations", lambda config, batch, length: batch * length)
    lengths = TextClassificationDataset(job.texts, job.labels, load_tokenizer(job.folder), job.max_length).lengths()
    reading, verdicts = benchmark.PREDICTION[name](job)
    assert (reading.reviews, reading.tokens) == (len(job.texts), sum(lengths)) and len(verdicts) == len(job.texts)
    assert reading.operations == reading.positions


@pytest.mark.parametrize("name", ["bertnotes", "bertnotes, fp32"])
def test_the_model_is_on_its_device_before_the_clock_starts(job, monkeypatch, name):
    """Else on a GPU the way there would count, and the CPU's memory be watched. "meta" stands for any device but the CPU."""
    monkeypatch.setattr(rivals, "predict_probabilities", lambda *given, **options: None)
    devices = []

    @contextmanager
    def measure(encoder):
        devices.append(next(encoder.parameters()).device.type)
        yield Reading()

    monkeypatch.setattr(rivals, "measure", measure)
    benchmark.PREDICTION[name](replace(job, device="meta"))
    assert devices == ["meta"]


def test_transformers_reads_the_weights_that_ours_reads(job):
    ours, tokenizer = BERTClassifier.from_pretrained(job.folder)
    theirs = AutoModelForSequenceClassification.from_pretrained(job.folder).eval()
    encoded = tokenizer(TEXTS[:4], return_tensors="pt", padding=True)
    probabilities = predict_probabilities(TEXTS[:4], ours, tokenizer, max_length=20)
    assert torch.allclose(theirs(**encoded).logits.softmax(-1), probabilities, atol=1e-6)


# ---- turns and sums ----


def test_sides_take_turns_and_the_first_round_is_warm(job):
    seen = []

    def side(name):
        return lambda job: seen.append((name, job.seed, job.steps, len(job.texts))) or (Reading(), None)

    sides = {"a": side("a"), "b": side("b")}
    told = [[(one["round"], one["side"]) for one in readings] for readings in benchmark.take_turns(sides, job, rounds=2)]
    assert told == [[(0, "a"), (0, "b")], [(0, "a"), (0, "b"), (1, "a"), (1, "b")]], "after each round all that there is"
    warm, turns = [("a", 0, 2, 16), ("b", 0, 2, 16)], [("a", 0, 4, 80), ("b", 0, 4, 80), ("a", 1, 4, 80), ("b", 1, 4, 80)]
    assert seen == warm + turns


def rounds(*seconds):
    """Readings of two sides, 100 tokens each."""
    readings = []
    for number, (theirs, ours) in enumerate(seconds):
        readings.append({"round": number, "side": "slow", **asdict(Reading(theirs, 1, 100, 200, 3e9, 10))})
        readings.append({"round": number, "side": "bertnotes", **asdict(Reading(ours, 1, 100, 110, 3e9, 5))})
    return readings


def test_ratios_by_hand():
    slow = benchmark.summary(rounds((8, 2), (6, 2), (10, 2)))["slow"]
    assert (slow["ratio"], slow["least"], slow["most"]) == (4, 3, 5)
    assert (slow["seconds"], slow["tokens_per_second"], slow["positions_per_token"], slow["memory_mb"]) == (8, 12, 2, 10)
    assert slow["gigaflops"] == 0, "3e9 in 8 seconds is 0.4"


def test_ratios_go_by_tokens_where_the_draws_differ():
    readings = rounds((8, 2))
    readings[0]["tokens"] = 200
    assert benchmark.summary(readings)["slow"]["ratio"] == 2


@pytest.mark.parametrize("path", sorted(RESULTS.glob("bench-[!a]*.json")), ids=lambda path: path.stem)
def test_a_stored_summary_follows_from_its_readings(path):
    """Number by number, in the same order, and whole numbers where they are whole."""
    record = read_record(path)
    assert json.dumps(benchmark.summary(record["readings"])) == json.dumps(record["summary"])


def test_the_report_says_by_how_much():
    text = benchmark.report(benchmark.summary(rounds((8, 2), (6, 2), (10, 2))))
    assert "4.00 times as fast (3.00 to 5.00)" in text and "2.00x" in text and text.count("times as fast") == 1


# ---- accuracy ----


def test_all_learn_the_same_task(job):
    """Forty toy reviews that a word decides, thirty times in an epoch."""
    many = rivals.Job(job.folder, TEXTS * 30, LABELS * 30, 20, 8, learning_rate=0.003)
    row = benchmark.accuracies(many, (TEXTS, LABELS), seed=1)
    assert row.pop("seed") == 1 and list(row) == ["the original loop", "bertnotes", "bertnotes, no attention dropout"]
    assert min(row.values()) > 0.8


def test_all_sides_learn_from_the_same_weights(job, monkeypatch):
    """Encoder and head, to the last bit, although the head is drawn anew for each side; another seed draws another."""
    begun = []

    def build(*given, **options):
        model = BERTClassifier(*given, **options)
        begun.append({name: weight.clone() for name, weight in model.state_dict().items()})
        return model

    monkeypatch.setattr(rivals, "BERTClassifier", build)
    for seed in (1, 2):
        benchmark.accuracies(job, (TEXTS[:4], LABELS[:4]), seed)
    first, *others = begun[:3]
    assert len(begun) == 6 and all(weights.keys() == first.keys() for weights in others)
    for name, weight in first.items():
        assert all(torch.equal(weights[name], weight) for weights in others), name
    assert not torch.equal(begun[3]["classifier.weight"], first["classifier.weight"])


def test_the_interval_by_hand():
    """Gains of 1, 2 and 3 points: mean 2, standard error 1 / √3, and Student's t with 2 degrees of freedom is 4.303."""
    rows = [{"seed": n, benchmark.ORIGINAL: 0.8, benchmark.OURS: 0.8 + n / 100, benchmark.FUSED: 0.8} for n in (1, 2, 3)]
    rows[0][benchmark.FUSED] = 0.81
    text = benchmark.accuracy_report(rows)
    assert "3 seeds: the original loop 80.00%\nbertnotes 82.00%, +2.00 points (95 % interval ± 2.48)\n" in text
    assert "no attention dropout 80.33%, +0.33 points" in text
    assert "interval" not in benchmark.accuracy_report(rows[:1])


# ---- the command ----


@pytest.fixture
def bench(bertnotes, tmp_path, tiny_checkpoint):
    """A function that runs `bertnotes bench` on forty reviews; returns (status, stdout, stderr)."""
    names = [NAMES[label] for label in LABELS]
    pd.DataFrame({"review": TEXTS, "sentiment": names}).to_csv(tmp_path / "reviews.csv", index=False)

    small = ["--model", tiny_checkpoint, "--max-length", 20, "--batch-size", 8, "--steps", 2, "--rounds", 2]
    return lambda *words: bertnotes("bench", "--data", tmp_path / "reviews.csv", *small, *words)


@pytest.mark.parametrize(("task", "sides"), [("training", benchmark.TRAINING), ("prediction", benchmark.PREDICTION)])
def test_speed_from_command_to_record(bench, tmp_path, task, sides):
    status, out, _ = bench("--task", task, "--sample", 40, "--layers", 1, "--record", tmp_path / "bench.json")
    record = json.loads((tmp_path / "bench.json").read_text())
    assert status == 0 and all(name in out for name in sides) and "billion operations a second" in out
    assert list(record["summary"]) == list(sides) and record["summary"]["bertnotes"]["ratio"] == 1
    assert len(record["readings"]) == 2 * len(sides) and record["layers"] == 1 and record["environment"]["torch"]
    assert record["command"].startswith("bertnotes bench --data") and record["environment"]["bertnotes"] == __version__
    assert record["attention"] == ("blockwise" if task == "training" else "sdpa")


def test_accuracy_from_command_to_record(bench, tmp_path):
    record = tmp_path / "accuracy.json"
    command = ["--task", "accuracy", "--sample", 32, "--held-out", 8, "--record", record]
    status, out, _ = bench(*command)
    found = json.loads(record.read_text())
    assert status == 0 and "interval" in out
    assert found["held_out"] == 8 and [row["seed"] for row in found["rows"]] == [0, 1]
    found["rows"][0]["bertnotes"] = 0.123  # done: not again
    record.write_text(json.dumps(found))
    assert bench(*command, "--rounds", 3)[0] == 0
    assert [row["bertnotes"] for row in json.loads(record.read_text())["rows"]][:2] == [0.123, found["rows"][1]["bertnotes"]]
    assert bench(*command, "--rounds", 1, "--learning-rate", 0.001)[0] == 0, "other settings begin anew"
    assert json.loads(record.read_text())["rows"][0]["bertnotes"] != 0.123


def test_results_of_other_data_are_not_taken_over(bench, tmp_path):
    """Not even where the file has kept its name; a record of an earlier version, which does not name its data, goes on."""
    record = tmp_path / "accuracy.json"
    command = ["--task", "accuracy", "--sample", 32, "--held-out", 8, "--record", record, "--rounds", 1]

    def taken_over(*left_out):
        found = {name: value for name, value in json.loads(record.read_text()).items() if name not in left_out}
        found["rows"][0]["bertnotes"] = 0.123
        record.write_text(json.dumps(found))
        assert bench(*command)[0] == 0
        return json.loads(record.read_text())["rows"][0]["bertnotes"] == 0.123

    assert bench(*command)[0] == 0 and taken_over()
    pd.read_csv(tmp_path / "reviews.csv")[::-1].to_csv(tmp_path / "reviews.csv", index=False)
    assert not taken_over() and taken_over("data")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--sample", 41], "only 40 reviews"),
        (["--sample", 40, "--layers", 9], "has 2 layers"),
        (["--sample", 40, "--rounds", 0], "at least 1"),
        (["--sample", 40, "--max-length", 4000], "48 positions"),
    ],
)
def test_what_the_command_refuses(bench, words, message):
    status, _, err = bench(*words)
    assert status == 2 and message in err and err.count("\n") == 1


def test_a_task_that_is_none(bench):
    """The box names those that there are."""
    status, _, err = bench("--task", "swimming")
    assert status == 2 and "swimming" in err and all(task in err for task in ("training", "prediction", "accuracy"))
