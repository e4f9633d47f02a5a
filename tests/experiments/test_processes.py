"""Several processes on one run: what they learn together is what one learns, and any number can take over from any other."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from trainings import CONFIG, ON_WINDOWS, TRAININGS, fine_tune
from transformers import AutoConfig

from bertnotes.devices import is_first, is_launched
from bertnotes.experiments.engine import Team, read_lines
from bertnotes.models import load_tokenizer

TOY = """
import atexit
import gc
import os
import sys
import torch
from dataclasses import replace
from trainings import CONFIG, DATA, ON_WINDOWS, TRAININGS, Stopped, StopAfter, fine_tune, pre_train
from bertnotes.training import Callback

@atexit.register  # what comes first is called last
def group_at_the_end():
    shared = [thing for thing in gc.get_objects() if isinstance(thing, torch.nn.parallel.DistributedDataParallel)]
    print("left its group" if not shared and not torch.distributed.is_initialized() else "still in its group", flush=True)

name, checkpoint, out, stop = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
choice = {"callbacks": [StopAfter(stop)] if stop else [], "save_every": 0}
if name == "fine-tuning":
    choice |= {"config": replace(CONFIG, batch_size=13), "micro_batch_size": 4}
if name == "on windows":
    choice |= ON_WINDOWS
try:
    _, history = TRAININGS.get(name, fine_tune)(checkpoint, out, **choice)
    print(len(history), "lines on", os.environ.get("WORLD_SIZE", "1"), flush=True)
except Stopped:
    print("stopped", flush=True)
"""


@pytest.fixture(scope="module")
def calm_checkpoint(tiny_checkpoint, tmp_path_factory):
    """The tiny checkpoint without dropout, whose random numbers each process draws for itself."""
    folder = tmp_path_factory.mktemp("calm")
    for path in tiny_checkpoint.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    config = AutoConfig.from_pretrained(folder)
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    config.save_pretrained(folder)
    assert load_tokenizer(folder)
    return folder


@pytest.fixture(params=TRAININGS)
def train(calm_checkpoint, tmp_path, request):
    """A function that trains a toy, either way, as `launcher` says."""
    return launcher(request.param, calm_checkpoint, tmp_path, request)


def launcher(kind, checkpoint, tmp_path, request):
    """A function that trains a toy, in one of the ways that TOY knows, in a folder on so many processes, and stops it after so
    many steps."""
    (tmp_path / "train.py").write_text(TOY)

    def train(folder, processes, stop=0):
        start = [] if processes == 1 else ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
        command = [sys.executable, *start, tmp_path / "train.py", kind, checkpoint, tmp_path / folder, stop]
        folders = os.pathsep.join(map(str, request.path.parents[:2]))
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([folders, *sys.path]), "OMP_NUM_THREADS": "1"}
        run = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=240, env=environment)
        assert run.returncode == 0, run.stderr[-3000:]
        assert run.stdout.count("left its group") == processes
        assert ("stopped" if stop else f"lines on {processes}") in run.stdout
        lines = next(path for path in (tmp_path / folder / name for name in ("history.jsonl", "log.jsonl")) if path.exists())
        return read_lines(tmp_path / folder / "steps.jsonl"), read_lines(lines)

    return train


def test_two_processes_and_a_change_of_their_number(train):
    """Loss for loss the same as one process, scores of the epochs too, and so is a run that began on one process and went on
    with two. In fine-tuning 40 reviews in batches of 13, 13, 13 and 1: the last leaves one process without a review."""
    steps, history = train("one", 1)
    assert len(steps) in (12, 18) and len(history) in (3, 4)
    train("both", 1, stop=7)
    for name in ("two", "both"):
        its_steps, its_history = train(name, 2)
        assert [entry["loss"] for entry in its_steps] == pytest.approx([entry["loss"] for entry in steps], abs=1e-4)
        assert len(its_history) == len(history)
        for score, close in (("accuracy", 0), ("validation_loss", 1e-4), ("held_out_loss", 2e-4), ("train_loss", 2e-4)):
            found, expected = ([entry[score] for entry in one if entry.get(score)] for one in (its_history, history))
            assert found == pytest.approx(expected, abs=close)


def test_two_processes_weigh_classes_and_merge_windows_as_one_does(calm_checkpoint, tmp_path, request):
    """Rows of a batch are of both classes, unevenly; each process reads every other batch, and windows of a text meet later."""
    train = launcher("on windows", calm_checkpoint, tmp_path, request)
    its_steps, its_history = train("two", 2)
    _, history = fine_tune(calm_checkpoint, tmp_path / "one", **ON_WINDOWS)
    steps = read_lines(tmp_path / "one/steps.jsonl")
    assert sum(line["reviews"] for line in steps) > 60
    assert [entry["loss"] for entry in its_steps] == pytest.approx([entry["loss"] for entry in steps], abs=1e-4)
    for score in ("accuracy", "validation_loss", "train_loss"):
        assert [entry[score] for entry in its_history] == pytest.approx([entry[score] for entry in history], abs=2e-4)


def test_fine_tuning_batches_leave_a_process_without_a_review(calm_checkpoint, tmp_path):
    """What the test above rests on."""
    _, history = fine_tune(calm_checkpoint, tmp_path, config=replace(CONFIG, batch_size=13))
    sizes = [line["reviews"] for line in read_lines(tmp_path / "steps.jsonl")]
    assert sorted(sizes[:4]) == [1, 13, 13, 13] and len(history) == 3


def test_a_variable_that_was_left_behind_makes_no_team(monkeypatch):
    """LOCAL_RANK alone, as some launchers leave it: one process does all, and says so."""
    monkeypatch.setenv("LOCAL_RANK", "1")
    team = Team("cpu")
    assert (team.rank, team.size, team.accelerator) == (0, 1, None) and is_first()


@pytest.mark.parametrize(
    "told",
    [{"WORLD_SIZE": "2"}, {"WORLD_SIZE": "2", "RANK": "1"}, {"RANK": "1"}, {"WORLD_SIZE": "", "RANK": "1", "LOCAL_RANK": "1"}],
)
def test_half_of_what_a_launcher_tells(monkeypatch, told):
    """A scheduler leaves some of it behind: one process does all, and is the one that speaks and keeps the record."""
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    team = Team("cpu")
    assert (team.rank, team.size, team.accelerator) == (0, 1, None) and is_first()


def test_all_that_a_launcher_tells(monkeypatch):
    for rank in "01":
        for name, value in {"WORLD_SIZE": "2", "RANK": rank, "LOCAL_RANK": rank}.items():
            monkeypatch.setenv(name, value)
        assert is_launched() and is_first() == (rank == "0")
