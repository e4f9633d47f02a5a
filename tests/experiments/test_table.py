"""The table of results: its order, its commands, and a whole small one, stopped and gone on with."""

import json
import math
import os
import shlex
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from threading import Event
from time import sleep
from types import SimpleNamespace

import pandas as pd
import pytest
from toy import LABELS, TEXTS

from bertnotes.data import LABELS as NAMES
from bertnotes.experiments import table as reproduce_command
from bertnotes.experiments.records import unpack_probabilities
from bertnotes.experiments.table import MINILM, ROWS, name_row, plan, train_words


def test_a_first_seed_of_all_comes_before_a_second_of_any():
    rows = ["majority", "mini-128", "mini-256"]
    assert plan(rows, 2) == [("majority", 0), ("mini-128", 0), ("mini-256", 0), ("mini-128", 1), ("mini-256", 1)]


def test_rows_differ_in_what_their_names_say():
    """Those of one comparison share every other word."""
    words = {row: set(ROWS[row].split()) for row in ROWS}
    assert words["mini-256"] ^ words["mini-128"] == {"256", "128"}
    assert words["mini-256-head+tail"] ^ words["mini-256"] == {"--truncation", "head+tail"}
    assert words["mini-256-head+tail"] ^ words["mini-random"] == {"--random-init"}
    assert words["mini-512"] ^ words["minilm-512"] == {"--model", "{minilm}"}
    assert words["mini-random"] ^ words["gpt-random"] == {"--attention", "sdpa", "--model", "{readers}/gpt"}
    assert words["mini-256-head+tail"] ^ words["mini-frozen"] == {"--frozen", "1e-4", "1e-2"}


@pytest.fixture
def run(bertnotes, monkeypatch, tmp_path, tiny_checkpoint):
    """A function that runs `bertnotes reproduce` on toy reviews with a tiny model; returns (status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BERTNOTES_MODEL", str(tiny_checkpoint))
    small = "--validation 8 --epochs 1 --max-length 16"
    rows = {"majority": "majority_class", "nbsvm": "nbsvm", "tfidf": ROWS["tfidf"], "mini-small": small}
    monkeypatch.setattr(reproduce_command, "ROWS", rows)
    for split, ending in (("train", "."), ("test", "!")):
        frame = pd.DataFrame({"review": [text + ending for text in TEXTS], "sentiment": [NAMES[label] for label in LABELS]})
        (tmp_path / "imdb").mkdir(exist_ok=True)
        frame.to_csv(tmp_path / f"imdb/{split}.csv.xz", index=False)

    return lambda *words: bertnotes("reproduce", "--data", "imdb", "--results", "results", *words)


def records(tmp_path):
    return {path.stem: json.loads(path.read_text()) for path in (tmp_path / "results").glob("*.json")}


def test_a_table_from_nothing_and_again(run, tmp_path):
    status, out, _ = run("--seeds", "2")
    found = records(tmp_path)
    assert status == 0, out
    names = ["imdb-majority-seed0", "imdb-mini-small-seed0", "imdb-mini-small-seed1", "imdb-nbsvm-seed0", "imdb-tfidf-seed0"]
    assert sorted(found) == names and {record["row"] for record in found.values()} == set(reproduce_command.ROWS)
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


def test_a_copy_of_minilm_goes_by_its_name(tmp_path):
    """In the command and as the model, and nowhere else."""
    words = train_words("minilm-512", 0, Path("imdb"), Path("runs"), Path("r.json"), "minilm")
    path = tmp_path / "r.json"
    path.write_text(json.dumps({"model": "minilm", "command": shlex.join(["bertnotes", *words]), "positive": "minilm"}))
    name_row(path, "minilm-512", "minilm")
    record = json.loads(path.read_text())
    assert record["model"] == MINILM and record["positive"] == "minilm" and record["row"] == "minilm-512"
    assert f"--model {MINILM}" in record["command"] and "--out runs/minilm-512-seed0" in record["command"]


def test_a_reader_is_written_trained_and_called_by_its_name(run, tmp_path, monkeypatch):
    small = "--validation 8 --epochs 1 --max-length 16 --random-init --attention sdpa --model {readers}/elmo"
    monkeypatch.setitem(reproduce_command.ROWS, "elmo-random", small)
    status, _, _ = run("--seeds", "1", "--row", "elmo-random")
    record = records(tmp_path)["imdb-elmo-random-seed0"]
    assert status == 0 and record["row"] == "elmo-random" and record["name"] == "ELMo-style reader of mini's size"
    assert record["model"] == "runs/table/readers/elmo" and (tmp_path / record["model"] / "tokenizer.json").exists()


def test_a_row_that_fails_stops_the_table_and_keeps_the_others(run, tmp_path, monkeypatch):
    monkeypatch.setitem(reproduce_command.ROWS, "mini-small", "--validation 8 --max-length 9999")
    status, _, err = run("--seeds", "1")
    assert status == 2 and "mini-small, seed 0, ended with status 2" in err and "48 positions" in err
    assert "imdb-nbsvm-seed0" in records(tmp_path)


@pytest.mark.parametrize(("free", "kept"), [(21e9, str(2**34)), (8e9, None)])
def test_training_keeps_its_memory_where_there_is_much(run, monkeypatch, free, kept):
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "7")  # what the user says goes first
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=free))
    seen = {}
    monkeypatch.setattr(
        reproduce_command.subprocess, "run", lambda words, env, **_: seen.update(env) or CompletedProcess(words, 1)
    )
    assert run("--row", "mini-small")[0] == 2
    assert seen["MALLOC_MMAP_MAX_"] == "7" and seen.get("MALLOC_TRIM_THRESHOLD_") == kept
    assert seen["BERTNOTES_MODEL"] == os.environ["BERTNOTES_MODEL"]


def test_runs_at_a_time_are_told_apart_and_say_that_they_shared_the_machine(run, tmp_path):
    status, out, _ = run("--seeds", "2", "--row", "mini-small", "--jobs", "2")
    assert status == 0 and "reviews to train on" not in out
    for seed, record in enumerate(records(tmp_path)[f"imdb-mini-small-seed{seed}"] for seed in (0, 1)):
        log = (tmp_path / f"runs/table/mini-small-seed{seed}.log").read_text()
        assert record["jobs"] == 2 and record["config"]["seed"] == seed
        assert f"test: accuracy {record['accuracy']:.4f}" in log


def test_one_of_several_fails_and_those_at_work_end(run, tmp_path, monkeypatch):
    monkeypatch.setitem(reproduce_command.ROWS, "mini-long", "--validation 8 --max-length 9999")
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
        reproduce_command.run_all([*beside, fail, *(partial(begun.append, number) for number in range(50))], jobs)
    assert begun == ["beside"] * len(beside)


def test_what_was_trained_once_more_is_what_stands_in_the_table():
    """The same settings, and losses of each hundred steps that have the mean of those of the epochs."""
    results = Path(__file__).resolve().parents[2] / "data/results"
    for run in json.loads((results / "same-seed-again.json").read_text(encoding="utf-8"))["runs"]:
        record = json.loads((results / f"imdb-{run['row']}-seed{run['seed']}.json").read_text(encoding="utf-8"))
        words = [*ROWS[run["row"]].format(readers="runs/table/readers").split(), "--seed", str(run["seed"])]
        assert set(words) <= set(run["command"].split()) and "--test" not in run["command"]
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


def test_each_command_names_its_seed_and_goes_on(tmp_path):
    words = train_words("minilm-512", 2, tmp_path, tmp_path, tmp_path / "r.json", "/models/my minilm")
    assert words[words.index("--model") + 1] == "/models/my minilm" and words[words.index("--seed") + 1] == "2"
    assert "--resume" in words and "--another-look" in words
