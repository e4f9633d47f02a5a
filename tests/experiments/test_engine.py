"""A run on disk: whole or not at all, its own, and after any interruption what it would have been without."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import nullcontext, suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch.utils.data import DataLoader
from trainings import CONFIG, DATA, HELD_OUT, ON_WINDOWS, TRAININGS, StopAfter, Stopped, fine_tune

from bertnotes.batching import TextClassificationDataset, seed_of
from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.experiments import engine as runs
from bertnotes.experiments.engine import (
    Folder,
    Machine,
    Team,
    append_line,
    check_same,
    fingerprint,
    fit_in,
    load_checkpoint,
    read_lines,
    restore_state,
    save_checkpoint,
    state_of,
)
from bertnotes.files import whole, write_whole
from bertnotes.models import load_tokenizer
from bertnotes.training import backward, fit


@pytest.fixture
def make_model(tiny_checkpoint):
    """A function that makes a classifier, the same each time."""

    def make():
        torch.manual_seed(0)
        return BERTClassifier(str(tiny_checkpoint), 2)

    return make


def weights_of(model):
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def without_costs(entries):
    """All but what a run takes, which differs from one time to the next."""
    return [
        {name: value for name, value in entry.items() if name not in ("seconds", "minutes", "memory_mb")} for entry in entries
    ]


# ---- files ----


def test_a_file_is_replaced_in_one_step_or_stays(tmp_path):
    """What fails half-way leaves the old text and nothing beside it."""
    path = write_whole(tmp_path / "new" / "a.txt", "old")
    with pytest.raises(RuntimeError, match="half-way"), whole(path) as partial:
        partial.write_text("half of the n")
        raise RuntimeError("half-way")
    assert path.read_text() == "old" and list(path.parent.iterdir()) == [path]
    write_whole(path, "new")
    assert path.read_text() == "new" and list(path.parent.iterdir()) == [path]


def test_a_file_is_on_the_disk_before_it_takes_the_place_of_the_old_one(tmp_path, monkeypatch):
    """fsync of the file, rename, fsync of the folder: in this order, or a power cut leaves an empty file."""
    events, replace_file = [], os.replace
    monkeypatch.setattr("bertnotes.files.sync", lambda path: events.append(f"sync {path.name}"))
    monkeypatch.setattr(os, "replace", lambda *paths: events.append("replace") or replace_file(*paths))
    write_whole(tmp_path / "a.txt", "text")
    assert events[:2] == ["sync a.txt.partial", "replace"]
    assert os.name == "nt" or events[2:] == [f"sync {tmp_path.name}"]


def test_lines_survive_a_torn_end(tmp_path):
    """A process that dies while it writes a line costs that line."""
    for step in range(3):
        append_line(tmp_path / "log.jsonl", {"step": step})
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 3, "lo')
    assert read_lines(tmp_path / "log.jsonl") == [{"step": 0}, {"step": 1}, {"step": 2}]
    append_line(tmp_path / "log.jsonl", {"step": 4})
    assert read_lines(tmp_path / "log.jsonl") == [{"step": 0}, {"step": 1}, {"step": 2}, {"step": 4}]
    assert read_lines(tmp_path / "none.jsonl") == []


# ---- checkpoints ----

TENSORS = {"a": torch.arange(6.0).view(2, 3), "b/c": torch.tensor(3.0), "d": torch.ones(5, dtype=torch.bfloat16)}
RECORD = {"step": 7, "loss": 0.1 + 0.2, "history": [{"epoch": 1}], "none": None}


def test_a_checkpoint_comes_back_to_the_last_bit(tmp_path):
    save_checkpoint(tmp_path / "s.safetensors", TENSORS, RECORD)
    tensors, record = load_checkpoint(tmp_path / "s.safetensors")
    assert record == RECORD and tensors.keys() == TENSORS.keys()
    assert all(tensors[name].dtype == one.dtype and torch.equal(tensors[name], one) for name, one in TENSORS.items())


def test_whoever_may_read_the_folder_may_read_a_checkpoint(tmp_path):
    """As any file: a class shares its models."""
    save_checkpoint(tmp_path / "s.safetensors", TENSORS, RECORD)
    (tmp_path / "ordinary").touch()
    assert (tmp_path / "s.safetensors").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["cut", "flip", "more"]))
def test_a_checkpoint_that_is_not_what_was_written_is_refused(tmp_path, data, kind):
    """Cut short anywhere, one bit turned anywhere, or with something behind it."""
    path = tmp_path / "s.safetensors"
    save_checkpoint(path, TENSORS, RECORD)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if kind == "flip":
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes({"cut": content[:place], "flip": content, "more": content + b"\0"}[kind])
    with pytest.raises(ValueError, match=r"s\.safetensors is (truncated or damaged|not what was written).*begin the run anew"):
        load_checkpoint(path)


def test_a_checkpoint_without_a_checksum_is_refused(tmp_path):
    save_file({"a": torch.ones(2)}, tmp_path / "s.safetensors")
    with pytest.raises(ValueError, match="its checksum differs"):
        load_checkpoint(tmp_path / "s.safetensors")


def test_another_models_state_leaves_this_one_as_it_is(make_model):
    """A missing weight, one too many, another shape, a moment of nothing: the error names one, and nothing is half-loaded."""
    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters())
    model.classifier.weight.sum().backward()
    optimizer.step()
    before, state = weights_of(model), {name: tensor.clone() for name, tensor in state_of(model, optimizer).items()}
    assert {name.split("/")[1] for name in state if name.startswith("optimizer/")} == {"step", "exp_avg", "exp_avg_sq"}
    changed = {name: tensor + 1 for name, tensor in state.items()}
    wrong = [
        {name: tensor for name, tensor in changed.items() if name != "model/classifier.bias"},
        changed | {"model/extra": torch.ones(1)},
        changed | {"model/classifier.bias": torch.ones(3)},
        changed | {"optimizer/exp_avg/extra": torch.ones(1)},
    ]
    for tensors in wrong:
        with pytest.raises(ValueError, match=r"state\.safetensors holds another model"):
            restore_state(tensors, model, optimizer, "state.safetensors")
        assert torch.equal(weights_of(model), before)
    restore_state(changed, model, optimizer, "state.safetensors")
    assert torch.equal(weights_of(model), before + 1)
    assert all(torch.equal(tensor, changed[name]) for name, tensor in state_of(model, optimizer).items())


def test_settings_that_differ_are_named():
    check_same({"epochs": 3, "more": 1}, {"epochs": 3}, "run")
    with pytest.raises(ValueError, match=r"run holds another run \(there, here\): \{'epochs': \(3, 4\)\}"):
        check_same({"epochs": 3}, {"epochs": 4}, "run")


def test_a_fingerprint_changes_with_texts_labels_and_their_order():
    same = fingerprint((["a", "b"], [0, 1]), (["c"], [1]))
    assert same == fingerprint((("a", "b"), torch.tensor([0, 1])), (["c"], [1]))
    others = [((["b", "a"], [0, 1]), (["c"], [1])), ((["a", "b"], [1, 1]), (["c"], [1])), ((["a", "b"], [0, 1]),)]
    assert len({same, *(fingerprint(*data) for data in others)}) == 4


# ---- a folder is one run's ----


def test_a_folder_has_one_process(tmp_path):
    """Another one is refused while it runs, and let in once it is gone, even if it was killed."""
    code = "from bertnotes.experiments.engine import Folder, Team\n"
    code += f"with Folder({str(tmp_path)!r}, {{}}, {{}}, True, Team('cpu')):\n    print('in', flush=True)\n    input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "in\n"
        with pytest.raises(ValueError, match="another process is training in"), Folder(tmp_path, {}, {}, True, Team("cpu")):
            pass
        other.kill()
    for _ in range(2):  # also one after the other in one process
        with Folder(tmp_path, {}, {}, True, Team("cpu")):
            pass


def test_a_run_is_not_overwritten_nor_continued_as_another(tiny_checkpoint, tmp_path):
    """Without resume, with another setting, with other reviews: refused, and every file stays as it is."""
    one = replace(CONFIG, epochs=1)
    fine_tune(tiny_checkpoint, tmp_path, config=one, resume=False)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    attempts = [
        ("holds a run; to go on with it, resume it", {"config": one, "resume": False}),
        (r"holds another run \(there, here\): \{'epochs': \(1, 3\)\}", {"config": CONFIG}),
        (r"holds another run \(there, here\): \{'micro_batch_size': \(None, 2\)\}", {"config": one, "micro_batch_size": 2}),
        (r"holds another run \(there, here\): \{'data': ", {"config": one, "data": (DATA[0], DATA[1][::-1])}),
    ]
    for message, changed in attempts:
        with pytest.raises(ValueError, match=message):
            fine_tune(tiny_checkpoint, tmp_path, **changed)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


# ---- a batch in parts ----


@pytest.mark.parametrize("size", [1, 2, 3, 5, None])
def test_parts_of_a_batch_weigh_classes_as_the_whole(make_model, size):
    """The mean is over the weights of the whole batch: loss and gradient are torch's on all of it, whichever classes meet in a
    part. Parts of which each had its own mean would give something else."""
    weights, labels, model = torch.tensor([0.25, 3.0]), [0, 0, 0, 1, 0], make_model().eval()
    dataset = TextClassificationDataset(DATA[0][:5], labels, load_tokenizer(model.bert.config.name_or_path), 16)
    batch = next(iter(DataLoader(dataset, batch_size=5)))
    loss = Team("cpu", size).backward(model, batch, "cpu", weights=weights)
    found = [weight.grad.clone() for weight in model.parameters()]
    model.zero_grad()
    assert loss == pytest.approx(backward(model, batch, "cpu", weights=weights), abs=1e-6)
    logits = model(batch["input_ids"], batch["attention_mask"])
    assert loss == pytest.approx(torch.nn.functional.cross_entropy(logits, batch["label"], weights).item(), abs=1e-6)
    assert all(torch.allclose(one, weight.grad, atol=1e-5) for one, weight in zip(found, model.parameters(), strict=True))


# ---- interrupted ----


def test_a_run_with_weights_and_windows_goes_on_as_if_it_never_was_stopped(tiny_checkpoint, tmp_path):
    """Its settings say both; with others it is refused."""
    whole_model, whole_history = fine_tune(tiny_checkpoint, tmp_path / "whole", **ON_WINDOWS)
    with pytest.raises(Stopped):
        fine_tune(tiny_checkpoint, tmp_path / "cut", [StopAfter(11)], save_every=0, **ON_WINDOWS)
    with pytest.raises(ValueError, match=r"another run \(there, here\): \{'class_weights': \('balanced', None\)\}"):
        fine_tune(
            tiny_checkpoint, tmp_path / "cut", **ON_WINDOWS | {"config": replace(ON_WINDOWS["config"], class_weights=None)}
        )
    model, history = fine_tune(tiny_checkpoint, tmp_path / "cut", **ON_WINDOWS)
    assert torch.equal(weights_of(model), weights_of(whole_model)) and without_costs(history) == without_costs(whole_history)


@pytest.fixture(params=TRAININGS)
def training(request, tiny_checkpoint):
    """Either training, as a function of a folder, callbacks and the seconds between checkpoints."""
    return partial(TRAININGS[request.param], tiny_checkpoint)


@pytest.fixture
def whole_run(training, tmp_path):
    """A run that was never stopped: its weights, the state of its last checkpoint, its history and its lines."""
    model, history = training(tmp_path / "whole")
    return model, load_file(tmp_path / "whole/state.safetensors"), history, read_lines(tmp_path / "whole/steps.jsonl")


def check_equal(run, folder, model, history):
    """To the last bit: the model that is left, the last state with its optimizer, and all that was written."""
    whole_model, state, whole_history, steps = run
    assert torch.equal(weights_of(model), weights_of(whole_model))
    found = load_file(folder / "state.safetensors")
    assert found.keys() == state.keys() and all(torch.equal(found[name], state[name]) for name in state)
    assert without_costs(history) == without_costs(whole_history)
    assert without_costs(read_lines(folder / "steps.jsonl")) == without_costs(steps) and len(steps) == 18
    lines = next(path for path in (folder / "history.jsonl", folder / "log.jsonl") if path.exists())
    assert read_lines(lines) == history


@pytest.mark.parametrize("stops", [[1], [6], [7], [8], [20], [3, 5, 6, 4]])
def test_a_run_that_was_stopped_ends_as_if_it_never_had_been(training, tmp_path, whole_run, stops):
    """Stopped after the first checkpoint, at the end of an epoch, after it, at the last one, again and again."""
    for count in stops:
        with pytest.raises(Stopped):
            training(tmp_path / "cut", callbacks=[StopAfter(count)], save_every=0)
    check_equal(whole_run, tmp_path / "cut", *training(tmp_path / "cut"))


def test_a_run_that_was_stopped_before_its_first_checkpoint_begins_anew(training, tmp_path, whole_run):
    """Its lines, too."""
    with pytest.raises(Stopped):
        training(tmp_path / "cut", callbacks=[StopAfter(4)])
    assert len(read_lines(tmp_path / "cut/steps.jsonl")) == 4 and not (tmp_path / "cut/state.safetensors").exists()
    check_equal(whole_run, tmp_path / "cut", *training(tmp_path / "cut"))


def test_a_run_killed_between_checkpoint_and_line_writes_the_line_later(training, tmp_path, whole_run, monkeypatch):
    """At the end of the second epoch: the line is in the checkpoint."""
    write, calls = Folder.write_history, []

    def dies(folder):
        calls.append(folder)
        if len(folder.run.history) == len(whole_run[2]) - 1:
            raise Stopped
        write(folder)

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(Folder, "write_history", dies)
        training(tmp_path / "cut")
    check_equal(whole_run, tmp_path / "cut", *training(tmp_path / "cut"))


@pytest.mark.parametrize(("first", "second", "most"), [(3000, 1000, 3000), (1000, 3000, 3000), (None, None, None)])
def test_a_run_knows_the_most_memory_that_any_of_its_processes_held(training, tmp_path, monkeypatch, first, second, most):
    """Stopped in the middle of an epoch, and gone on in a process that held more, or less, or cannot say (Windows)."""
    monkeypatch.setattr(runs, "peak_memory", lambda device: first)
    with pytest.raises(Stopped):
        training(tmp_path / "cut", callbacks=[StopAfter(3)], save_every=0)
    monkeypatch.setattr(runs, "peak_memory", lambda device: second)
    _, history = training(tmp_path / "cut")
    assert [entry["memory_mb"] for entry in history if entry["epoch"]] == [most] * 3


def test_a_run_that_is_finished_takes_no_step(training, tmp_path, whole_run):
    """It loads what it came to."""
    check_equal(whole_run, tmp_path / "whole", *training(tmp_path / "whole", callbacks=[StopAfter(1)]))


def test_the_checkpoint_of_another_model_is_refused(training, tmp_path, whole_run, monkeypatch):
    """And of a run that began with something else."""
    tensors, record = load_checkpoint(tmp_path / "whole/state.safetensors")
    name = next(name for name in tensors if name.startswith("model/"))
    save_checkpoint(tmp_path / "whole/state.safetensors", {**tensors, name: torch.ones(2)}, record)
    with pytest.raises(ValueError, match="holds another model than this one"):
        training(tmp_path / "whole")
    save_checkpoint(tmp_path / "whole/state.safetensors", tensors, record | {"origin": {}})
    with pytest.raises(ValueError, match=r"holds another run \(there, here\)"):
        training(tmp_path / "whole")


KILLED = """
import os, random, signal, sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
sys.path[:0] = {tests!r}
from trainings import TRAININGS

def child(out):
    TRAININGS[{name!r}]({checkpoint!r}, out, save_every=0)

def written(out):
    path = Path(out) / "steps.jsonl"
    return path.stat().st_size if path.exists() else 0

def live(out, seconds, first_step=False, watch=lambda: None):
    # a life of at most so many seconds, from its birth or its first step: the status it ended with, below 0 if killed
    before, since, pid = written(out), None if first_step else time.monotonic(), os.fork()
    if pid == 0:
        child(out)
        os._exit(0)
    while (ended := os.waitpid(pid, os.WNOHANG))[0] == 0:
        watch()
        if since is None and written(out) > before:
            since = time.monotonic()
        if since is not None and time.monotonic() - since > seconds:
            os.kill(pid, signal.SIGKILL)
            ended = os.waitpid(pid, 0)
            break
        time.sleep(0.001)
    return os.waitstatus_to_exitcode(ended[1])

# how long it takes here until the first step, and for one step with its checkpoint
spared, moments, born = {out!r} + "-spared", [], time.monotonic()
assert live(spared, float("inf"), watch=lambda: moments.append(time.monotonic()) if written(spared) else None) == 0
steps = len((Path(spared) / "steps.jsonl").read_text().splitlines())
start, step = moments[0] - born, (moments[-1] - moments[0]) / steps

# ten times while starting and loading, and ten times in a step or while it is written
kills, draw = 0, random.Random(0)
while kills < 20 and live({out!r}, draw.uniform(0, (start, 1.5 * step)[kills % 2]), first_step=kills % 2 == 1) < 0:
    kills += 1
print(kills, live({out!r}, float("inf")))
"""


@pytest.fixture
def one_thread():
    """Sums in one order: what is forked runs on one thread, and what it is held against has to as well."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the killer forks; there is no fork here")
def test_a_run_that_is_killed_twenty_times(one_thread, training, request, tiny_checkpoint, tmp_path, whole_run):
    """kill -9 at random moments, in a step, while writing or loading; the one that is let live ends with the same weights."""
    choice = {"tests": [str(folder) for folder in Path(__file__).parents[:2]], "out": str(tmp_path / "killed")}
    code = KILLED.format(checkpoint=str(tiny_checkpoint), name=request.node.callspec.params["training"], **choice)
    killer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=280)
    assert killer.returncode == 0, killer.stderr[-2000:]
    kills, status = map(int, killer.stdout.split())
    assert status == 0 and kills >= 10, "most of the runs were killed before they ended"
    check_equal(whole_run, tmp_path / "killed", *training(tmp_path / "killed"))


def test_a_full_disk_leaves_the_last_checkpoint(training, tmp_path, whole_run, monkeypatch):
    """The disk takes four checkpoints and no more. The error says so; with room again the run goes on from the fourth."""
    save, written = runs.save_file, []

    def full(tensors, path, metadata):
        if len(written) == 4:
            Path(path).write_bytes(b"half a checkpoint")
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        save(tensors, path, metadata)

    monkeypatch.setattr(runs, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        training(tmp_path / "full", save_every=0)
    assert load_checkpoint(tmp_path / "full/state.safetensors")[1]["progress"]["batches"] == 4
    assert not list((tmp_path / "full").glob("*.partial"))
    monkeypatch.setattr(runs, "save_file", save)
    check_equal(whole_run, tmp_path / "full", *training(tmp_path / "full"))


def test_the_folder_of_a_run_has_what_is_needed_to_use_it(tiny_checkpoint, tmp_path):
    """Model, tokenizer, settings and a line an epoch."""
    model, history = fine_tune(tiny_checkpoint, tmp_path / "runs/first")
    folder = tmp_path / "runs/first"
    settings = asdict(CONFIG) | {"micro_batch_size": None, "compiled": False}
    assert json.loads((folder / "train_config.json").read_text()) == settings
    assert read_lines(folder / "history.jsonl") == history
    again, tokenizer = BERTClassifier.from_pretrained(folder)
    expected = predict_probabilities(DATA[0], model, tokenizer, max_length=16)
    assert torch.equal(predict_probabilities(DATA[0], again, tokenizer, max_length=16), expected)


def test_in_a_folder_or_not_the_weights_are_the_same(make_model, tiny_checkpoint, tmp_path):
    """To the last bit: `fit_in` is `fit`, kept."""
    model = make_model()
    fit(model, load_tokenizer(str(tiny_checkpoint)), DATA, HELD_OUT, CONFIG)
    assert torch.equal(weights_of(model), weights_of(fine_tune(tiny_checkpoint, tmp_path)[0]))


def test_a_frozen_run_is_taken_up_again(tiny_checkpoint, tmp_path):
    """Its checkpoint holds the new layer alone."""
    config, ends = replace(CONFIG, frozen=True, learning_rate=0.01), []
    for stop in (None, 3):
        for count in filter(None, (stop, 99)):
            with suppress(Stopped):
                choice = {"callbacks": [StopAfter(count)], "save_every": 0, "config": config}
                model, _ = fine_tune(tiny_checkpoint, tmp_path / str(stop), **choice)
        ends.append(model.classifier.weight)
    assert torch.equal(*ends)
    names = {name for name in load_file(tmp_path / "3/state.safetensors") if name.startswith("model/")}
    assert names == {"model/classifier.weight", "model/classifier.bias"}


@pytest.mark.parametrize("stop", [3, 8])  # in the first epoch, and behind one whose model was saved as the best
def test_a_run_of_low_rank_changes_is_taken_up_again(tiny_checkpoint, tmp_path, stop):
    """What it saved of its best epoch is a delta: it goes on from that, to the same weights."""
    config, ends = replace(CONFIG, lora=2, learning_rate=0.01), []
    for folder, counts in (("whole", [99]), ("stopped", [stop, 99])):
        for count in counts:
            with suppress(Stopped):
                choice = {"callbacks": [StopAfter(count)], "save_every": 0, "config": config}
                model, _ = fine_tune(tiny_checkpoint, tmp_path / folder, **choice)
        ends.append(weights_of(model))
    assert torch.equal(*ends)
    assert (tmp_path / "stopped/adapter_model.safetensors").exists() and not (tmp_path / "stopped/model.safetensors").exists()


@pytest.mark.parametrize(
    ("name", "value"), [("epochs", 0), ("learning_rate", -1.0), ("truncation", "rest"), ("precision", "fp8")]
)
def test_settings_that_cannot_be_run_are_told_before_anything_is_written(tiny_checkpoint, tmp_path, name, value):
    with pytest.raises(ValueError, match=str(value)):
        fine_tune(tiny_checkpoint, tmp_path / "out", config=replace(CONFIG, **{name: value}))
    with pytest.raises(ValueError, match="micro_batch_size is at least 1; got 0"):
        fine_tune(tiny_checkpoint, tmp_path / "out", micro_batch_size=0)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not any(map(shutil.which, ("g++", "c++", "clang++", "cl"))), reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch's own, on the first import of its compiler
def test_compiled_it_learns_the_same(make_model, tiny_checkpoint, tmp_path):
    """torch.compile changes the time, not the curve: without dropout, the same losses up to rounding."""
    curves = []
    for compiled in (False, True):
        model, out = still(make_model()), tmp_path / str(compiled)
        data, config = (DATA, (DATA[0][:8], DATA[1][:8])), replace(CONFIG, epochs=1, batch_size=8)
        fit_in(out, model, load_tokenizer(str(tiny_checkpoint)), *data, config, Machine(compiled=compiled))
        assert bool(model.bert._compiled_call_impl) == compiled
        curves.append([line["loss"] for line in read_lines(out / "steps.jsonl")])
    assert len(curves[0]) == 5 and curves[1] == pytest.approx(curves[0], abs=1e-4)


# ---- a batch in parts, and for several processes ----


def still(model):
    """Take out all dropout."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


@pytest.fixture
def batch_of(tiny_checkpoint):
    """A function that gives a batch of so many sentences."""

    def batch_of(count):
        dataset = TextClassificationDataset(*DATA, load_tokenizer(str(tiny_checkpoint)), 16)
        return next(iter(DataLoader(dataset, batch_size=count)))

    return batch_of


class Together:
    """Stands in for accelerate in one of several processes: no other process answers."""

    def no_sync(self, _):
        return nullcontext()

    def reduce(self, total, how):
        assert how == "mean"
        return total


def team_of(model, rank=0, size=1, micro_batch_size=None):
    """The team of one of so many processes."""
    team = Team("cpu", micro_batch_size)
    team.shared, team.rank, team.size = model, rank, size
    team.accelerator = Together() if size > 1 else None
    return team


@pytest.mark.parametrize("micro_batch_size", [1, 3, 8, 100])
def test_a_batch_in_parts_has_the_same_gradient(make_model, batch_of, micro_batch_size):
    """That of the loop, and the same loss, whatever goes through the model at a time."""
    model, batch, widths = still(make_model()).train(), batch_of(8), []
    whole_loss = backward(model, batch, "cpu")
    expected = [weight.grad.clone() for weight in model.parameters()]
    model.zero_grad()
    model.register_forward_pre_hook(lambda _, args, named: widths.append(len(named["input_ids"])), with_kwargs=True)
    loss = team_of(model, micro_batch_size=micro_batch_size).backward(model, batch, "cpu")
    assert loss == pytest.approx(whole_loss, abs=1e-6)
    assert max(widths) <= micro_batch_size and sum(widths) == 8
    for weight, gradient in zip(model.parameters(), expected, strict=True):
        assert torch.allclose(weight.grad, gradient, atol=1e-6)


@pytest.mark.parametrize(("reviews", "processes"), [(8, 2), (7, 3), (2, 4), (1, 8)])
def test_processes_share_a_batch_out(make_model, batch_of, reviews, processes):
    """Their gradients, averaged as DDP does it, are those of the whole batch; one without a review adds nothing."""
    model, batch = still(make_model()).train(), batch_of(reviews)
    whole_loss = backward(model, batch, "cpu")
    expected = [weight.grad.clone() for weight in model.parameters()]
    losses, sums = [], [torch.zeros_like(weight) for weight in model.parameters()]
    for rank in range(processes):
        model.zero_grad()
        losses.append(team_of(model, rank, processes).backward(model, batch, "cpu"))
        sums = [one + weight.grad for one, weight in zip(sums, model.parameters(), strict=True)]
    assert sum(losses) / processes == pytest.approx(whole_loss, abs=1e-6)
    for one, gradient in zip(sums, expected, strict=True):
        assert torch.allclose(one / processes, gradient, atol=1e-6)


def test_seeds_of_steps_and_processes_never_meet():
    """Of any run, step and process: sums of them would, as 1 + 2 and 2 + 1."""
    parts = [((seed, rank), "dropout", step) for seed in range(8) for rank in range(8) for step in range(300)]
    parts += [(seed, kind, number) for seed in range(8) for kind in ("order", "mask") for number in range(300)]
    assert len({seed_of(*one) for one in parts}) == len(parts)


LIMITED = """
import resource, signal, sys
import torch
from bertnotes.experiments.engine import save_checkpoint
save_checkpoint(sys.argv[1], {"a": torch.ones(10)}, {})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    save_checkpoint(sys.argv[1], {"a": torch.ones(100_000)}, {})
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a process's files")
def test_a_disk_that_really_takes_no_more(tmp_path):
    """The system refuses to write on: one clear error, and the checkpoint before is there."""
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "s.safetensors")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "s.safetensors could not be written" in run.stdout and "the checkpoint before it is whole" in run.stdout, run.stderr
    assert load_checkpoint(tmp_path / "s.safetensors")[0]["a"].shape == (10,)
    assert [path.name for path in tmp_path.iterdir()] == ["s.safetensors"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_control_c_says_how_to_go_on(tiny_checkpoint, tmp_path):
    """One line and status 130; the run goes on from its checkpoint."""
    rows = [f"{text},{'positive' if label else 'negative'}" for text, label in zip(DATA[0], DATA[1], strict=True)]
    lines = [f'"{row.rpartition(",")[0]}",{row.rpartition(",")[2]}' for row in rows]
    (tmp_path / "reviews.csv").write_text("review,sentiment\n" + "\n".join(lines) + "\n")
    command = [sys.executable, "-m", "bertnotes", "train", "--data", tmp_path / "reviews.csv", "--model", tiny_checkpoint]
    command += ["--out", tmp_path / "run", "--max-length", "16", "--batch-size", "2", "--save-every", "0"]
    heed = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}  # what runs in the background ignores it
    with subprocess.Popen([*map(str, command), "--epochs", "2000"], stderr=subprocess.PIPE, text=True, **heed) as process:
        while not (tmp_path / "run/state.safetensors").exists():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and "goes on with --resume" in error and "Traceback" not in error
    record = load_checkpoint(tmp_path / "run/state.safetensors")[1]
    assert (
        json.loads((tmp_path / "run/train_config.json").read_text())["epochs"] == 2000
        and record["progress"]["epoch_number"] >= 1
    )
