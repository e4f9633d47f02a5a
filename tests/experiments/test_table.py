"""The table of results: its order, its commands, and a whole small one, stopped and gone on with."""

import json
import math
import shlex
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from time import sleep

import pandas as pd
import pytest
import tyro
from hypothesis import given
from hypothesis import strategies as st
from toy import LABELS, TEXTS

from bertnotes.cli import STYLE
from bertnotes.data import LABELS as NAMES
from bertnotes.experiments import table
from bertnotes.experiments.engine import Machine
from bertnotes.experiments.finetune import Entry, Finetune, Special, Variant
from bertnotes.experiments.records import command_of, options_of, read_record, unpack_probabilities
from bertnotes.experiments.table import MINILM, ROWS, Reproduce, Row, plan, run_of
from bertnotes.files import RESULTS
from bertnotes.training import TrainConfig


def test_a_first_seed_of_all_comes_before_a_second_of_any():
    rows = [ROWS[name] for name in ("majority", "mini-128", "mini-256")]
    order = [("majority", 0), ("mini-128", 0), ("mini-256", 0), ("mini-128", 1), ("mini-256", 1)]
    assert [(row.name, seed) for row, seed in plan(rows, 2)] == order


def flat(row):
    """All that a row sets, but for what it is called."""
    return {**vars(row.config), **vars(row.variant), "model": row.model, "sample": row.sample, "validation": row.validation}


@pytest.mark.parametrize(
    ("row", "other", "differences"),
    [
        ("mini-256", "mini-128", {"max_length"}),
        ("mini-256", "mini-512", {"max_length"}),
        ("mini-256-head+tail", "mini-256", {"truncation"}),
        ("mini-256-head+tail", "mini-random", {"random_init"}),
        ("mini-512", "minilm-512", {"model"}),
        ("mini-256-head+tail", "minilm-256-head+tail", {"model"}),
        ("mini-random", "gpt-random", {"attention", "model"}),
        ("gpt-random", "elmo-random", {"learning_rate", "model"}),
        ("mini-256-head+tail", "mini-frozen", {"frozen", "learning_rate"}),
        ("mini-1000", "mini-4000", {"sample", "epochs"}),
        ("mini-1000", "mini-250", {"sample", "epochs"}),
    ],
)
def test_rows_differ_in_what_their_names_say(row, other, differences):
    """Those of one comparison share every other setting."""
    one, another = flat(ROWS[row]), flat(ROWS[other])
    assert {name for name in one if one[name] != another[name]} == differences


def test_a_row_s_settings_are_those_of_its_records():
    """Whichever version wrote them."""
    for path in RESULTS.glob("imdb-*-seed[0-9].json"):
        record, row = read_record(path), ROWS[path.stem[5:-6]]
        assert record["row"] == row.name
        if row.config:
            told = {name: value for name, value in record["config"].items() if name in vars(row.config)}
            differ = {name for name, value in told.items() if getattr(row.config, name) != value}
            assert differ <= {"seed", "precision"} and record["random_init"] == row.variant.random_init


@pytest.mark.parametrize("name", [row.name for row in ROWS.values() if row.config])
def test_the_options_of_a_run_give_its_settings_back(name, tmp_path):
    """From row to words and, by the command line, to the same row."""
    table = Reproduce(out=tmp_path / "a folder", minilm="/models/my minilm", jobs=4)
    run = run_of(ROWS[name], 2, table, tmp_path / "r.json")
    assert tyro.cli(Finetune, args=options_of(run), config=STYLE) == run
    assert shlex.split(command_of("train", run)) == ["bertnotes", "train", *options_of(run)]
    assert run.config.seed == 2 and run.resume and run.special.another_look and run.test and run.entry.row == name


@given(
    st.builds(
        Finetune,
        data=st.just(Path("a b.csv")),
        out=st.just(Path("out")),
        sample=st.none() | st.integers(1),
        validation=st.floats(0, 1) | st.integers(1, 10**6).map(float),
        config=st.builds(
            TrainConfig,
            learning_rate=st.floats(0, 1),
            patience=st.none() | st.integers(1),
            frozen=st.booleans(),
        ),
        special=st.builds(
            Special,
            plain=st.booleans(),
            record=st.none() | st.just(Path("r.json")),
            another_look=st.none() | st.from_regex(r"[A-Za-z' ]+", fullmatch=True),
        ),
        variant=st.builds(Variant, attention=st.none() | st.sampled_from(["sdpa", "blockwise"])),
        entry=st.builds(Entry, name=st.none() | st.from_regex(r"[A-Za-z' ]+", fullmatch=True), jobs=st.integers(1, 99)),
        machine=st.builds(Machine, micro_batch_size=st.none() | st.integers(1), save_every=st.floats(0, 1e6)),
    )
)
def test_any_settings_survive_the_command_line(settings):
    assert tyro.cli(Finetune, args=options_of(settings), config=STYLE) == settings


@pytest.fixture
def run(bertnotes, monkeypatch, tmp_path, tiny_checkpoint):
    """A function that runs `bertnotes reproduce` on toy reviews with a tiny model; returns (status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BERTNOTES_MODEL", str(tiny_checkpoint))
    monkeypatch.setattr(table, "ROWS", {name: ROWS[name] for name in ("majority", "nbsvm", "tfidf")})
    add(monkeypatch, "mini-small")
    for split, ending in (("train", "."), ("test", "!")):
        frame = pd.DataFrame({"review": [text + ending for text in TEXTS], "sentiment": [NAMES[label] for label in LABELS]})
        (tmp_path / "imdb").mkdir(exist_ok=True)
        frame.to_csv(tmp_path / f"imdb/{split}.csv.xz", index=False)

    return lambda *words: bertnotes("reproduce", "--data", "imdb", "--results", "results", *words)


def add(monkeypatch, name, max_length=16, **settings):
    """Put a row into the table that takes a second."""
    row = Row(name, config=TrainConfig(epochs=1, max_length=max_length), validation=8)
    monkeypatch.setitem(table.ROWS, name, replace(row, **settings))


def records(tmp_path):
    return {path.stem: json.loads(path.read_text()) for path in (tmp_path / "results").glob("*.json")}


def test_a_table_from_nothing_and_again(run, tmp_path):
    status, out, _ = run("--seeds", "2")
    found = records(tmp_path)
    assert status == 0, out
    names = ["imdb-majority-seed0", "imdb-mini-small-seed0", "imdb-mini-small-seed1", "imdb-nbsvm-seed0", "imdb-tfidf-seed0"]
    assert sorted(found) == names and {record["row"] for record in found.values()} == set(table.ROWS)
    assert found["imdb-majority-seed0"]["accuracy"] == 0.5 and found["imdb-nbsvm-seed0"]["accuracy"] == 1
    assert found["imdb-mini-small-seed1"]["config"]["seed"] == 1
    for record in found.values():
        right = [(p > 0.5) == label for p, label in zip(unpack_probabilities(record["positive"]), LABELS, strict=True)]
        assert sum(right) / len(right) == pytest.approx(record["accuracy"], abs=1e-4), "the verdicts that were scored"
        assert record["environment"]["date"] and record["train_seconds"] >= 0 and record["command"].startswith("bertnotes ")
    before = {path: path.read_bytes() for path in (tmp_path / "results").iterdir()}
    status, out, _ = run("--seeds", "2")
    assert status == 0 and out.count("done") == 5
    assert {path: path.read_bytes() for path in (tmp_path / "results").iterdir()} == before


@pytest.mark.parametrize("left", ["", '{"accuracy": 0.', '{"accuracy": 0.9}'], ids=["empty", "torn", "without its row"])
def test_a_row_whose_record_is_not_whole_is_run_again(run, tmp_path, left):
    """As where the machine stopped while it was written."""
    assert run("--row", "majority")[0] == 0
    record = tmp_path / "results/imdb-majority-seed0.json"
    record.write_text(left)
    assert "majority, seed 0: to do" in run("--list", "--row", "majority")[1]
    assert run("--row", "majority")[0] == 0 and json.loads(record.read_text())["row"] == "majority"


def test_a_copy_of_minilm_goes_by_its_name(run, tmp_path, monkeypatch, tiny_checkpoint):
    """In the command and as the model, and nowhere else."""
    add(monkeypatch, "minilm-small", model=MINILM)
    assert run("--row", "minilm-small", "--seeds", "1", "--minilm", tiny_checkpoint)[0] == 0
    record = records(tmp_path)["imdb-minilm-small-seed0"]
    assert record["model"] == MINILM and record["row"] == "minilm-small" and str(tiny_checkpoint) not in json.dumps(record)
    assert f"--model {MINILM} " in record["command"] and "--out runs/table/minilm-small-seed0" in record["command"]
    assert "--row" not in record["command"] and "copy_of" not in record


def test_a_reader_is_written_trained_and_called_by_its_name(run, tmp_path, monkeypatch):
    add(monkeypatch, "elmo-random", model="elmo", variant=table.READER, title=ROWS["elmo-random"].title)
    status, _, _ = run("--seeds", "1", "--row", "elmo-random")
    record = records(tmp_path)["imdb-elmo-random-seed0"]
    assert status == 0 and record["row"] == "elmo-random" and record["name"] == "ELMo-style reader of mini's size"
    assert record["model"] == "runs/table/readers/elmo" and (tmp_path / record["model"] / "tokenizer.json").exists()
    assert record["random_init"] and record["attention"] == "sdpa" and not (tmp_path / "runs/table/readers/gpt").exists()


def test_a_row_that_fails_stops_the_table_and_keeps_the_others(run, tmp_path, monkeypatch):
    add(monkeypatch, "mini-small", max_length=9999)
    status, _, err = run("--seeds", "1")
    assert status == 2 and "mini-small, seed 0, ended with status 2" in err and "48 positions" in err
    assert "imdb-nbsvm-seed0" in records(tmp_path)


def test_runs_at_a_time_are_told_apart_and_say_that_they_shared_the_machine(run, tmp_path):
    status, out, _ = run("--seeds", "2", "--row", "mini-small", "--jobs", "2")
    assert status == 0 and "reviews to train on" not in out
    for seed, record in enumerate(records(tmp_path)[f"imdb-mini-small-seed{seed}"] for seed in (0, 1)):
        log = (tmp_path / f"runs/table/mini-small-seed{seed}.log").read_text()
        assert record["jobs"] == 2 and record["config"]["seed"] == seed
        assert f"test: accuracy {record['accuracy']:.4f}" in log


def test_one_of_several_fails_and_those_at_work_end(run, tmp_path, monkeypatch):
    add(monkeypatch, "mini-long", max_length=9999)
    status, _, err = run("--seeds", "1", "--row", "mini-long", "--row", "mini-small", "--jobs", "2")
    assert status == 2 and "mini-long, seed 0, ended with status 2; what to do stands in runs/table/mini-long-seed0.log" in err
    assert "48 positions" in (tmp_path / "runs/table/mini-long-seed0.log").read_text()
    assert "imdb-mini-small-seed0" in records(tmp_path)


@pytest.mark.parametrize("jobs", [1, 2])
def test_no_run_begins_after_one_that_failed(jobs):
    """Two at a time, the other one at work ends; what it did is kept."""
    begun, failed = [], Event()

    def fail():
        failed.set()
        raise ValueError("no")

    def last_a_while():
        failed.wait(timeout=10)
        sleep(0.2)
        begun.append("beside")

    beside = [last_a_while] if jobs == 2 else []
    with pytest.raises(ValueError, match="no"):
        table.run_all([*beside, fail, *(partial(begun.append, number) for number in range(50))], jobs)
    assert begun == ["beside"] * len(beside)


def test_what_was_trained_once_more_is_what_stands_in_the_table():
    """The same settings, and losses of each hundred steps that have the mean of those of the epochs."""
    for run in json.loads((RESULTS / "same-seed-again.json").read_text(encoding="utf-8"))["runs"]:
        record = read_record(RESULTS / f"imdb-{run['row']}-seed{run['seed']}.json")
        renamed = {"--keep": "--truncation", "--from-zero": "--random-init"}
        words = [renamed.get(word, word) for word in shlex.split(run["command"])[2:]]
        again = tyro.cli(Finetune, args=words, config=STYLE)
        row = run_of(ROWS[run["row"]], run["seed"], Reproduce(), None)
        same = {name: getattr(again, name) for name in ("data", "model", "sample", "validation", "config", "variant")}
        assert replace(row, **same) == row and again.test is None
        for losses, history in ((run["loss"], run["history"]), (run.get("loss_before"), record["history"])):
            if losses:
                steps = 2 * math.ceil(record["train_reviews"] / record["config"]["batch_size"])
                counts = [100] * (len(losses) - 1) + [steps - 100 * (len(losses) - 1)]
                mean = sum(loss * count for loss, count in zip(losses, counts, strict=True)) / steps
                assert mean == pytest.approx(sum(entry["train_loss"] for entry in history) / 2, abs=5e-4)


def test_list_does_nothing(run, tmp_path):
    status, out, _ = run("--list", "--row", "mini-small", "--row", "nbsvm")
    assert (
        status == 0 and "mini-small, seed 2: bertnotes train --data imdb/train.csv.xz" in out and "nbsvm, seed 0: to do" in out
    )
    assert not (tmp_path / "results").exists() and "majority" not in out


def test_a_row_that_is_none(run):
    status, _, err = run("--row", "swimming")
    assert status == 2 and "no row 'swimming'; the table has majority" in err


def test_no_reviews(run, tmp_path):
    (tmp_path / "imdb/test.csv.xz").unlink()
    status, _, err = run()
    assert status == 2 and "fetch the reviews first: bertnotes data --out imdb" in err


def test_no_runs_at_a_time(run):
    status, _, err = run("--jobs", "0")
    assert status == 2 and "--jobs is at least 1; got 0" in err


def test_a_record_is_that_of_its_own_row(run, tmp_path):
    """A file that was copied to another row's name is no record of that row."""
    assert run("--row", "majority")[0] == 0
    (tmp_path / "results/imdb-majority-seed0.json").rename(tmp_path / "results/imdb-nbsvm-seed0.json")
    assert "nbsvm, seed 0: to do" in run("--list", "--row", "nbsvm")[1]
