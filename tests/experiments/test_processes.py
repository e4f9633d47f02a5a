"""Several processes on one run: what they learn together is what one learns, and any number can take over from any other."""

import os
import subprocess
import sys

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from transformers import AutoConfig

from bertnotes.experiments.engine import join_processes, read_lines
from bertnotes.models import load_tokenizer

TOY = """
import os
import sys
import torch
from test_engine import DATA, Stopped, stop_after
from bertnotes.classifier import BERTClassifier
from bertnotes.models import load_tokenizer
from bertnotes.training import TrainConfig, fit

checkpoint, out, stop = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.manual_seed(0)
model = BERTClassifier(checkpoint, 2)
held_out = DATA[0] * 2, DATA[1] * 2
config = TrainConfig(epochs=3, batch_size=13, learning_rate=1e-3, max_length=16, seed=5, micro_batch_size=4)
try:
    history = fit(
        model, load_tokenizer(checkpoint), DATA, held_out, config, out=out, resume=sys.argv[4:] == ["resume"], save_every=0,
        watch=stop_after(stop) if stop else None,
    )
    print(len(history), "epochs on", os.environ.get("WORLD_SIZE", "1"), flush=True)
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


@pytest.fixture
def train(calm_checkpoint, tmp_path, request):
    """A function that trains the toy in a folder on so many processes, and stops it after so many lines."""
    (tmp_path / "train.py").write_text(TOY)

    def train(folder, processes, stop=0, more=()):
        start = [] if processes == 1 else ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
        command = [sys.executable, *start, tmp_path / "train.py", calm_checkpoint, tmp_path / folder, stop, *more]
        environment = os.environ | {
            "PYTHONPATH": f"{request.path.parent}{os.pathsep}{request.path.parents[1]}",
            "OMP_NUM_THREADS": "1",
        }
        run = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=240, env=environment)
        assert run.returncode == 0, run.stderr[-3000:]
        assert ("stopped" if stop else f"3 epochs on {processes}") in run.stdout
        return read_lines(tmp_path / folder / "steps.jsonl"), read_lines(tmp_path / folder / "history.jsonl")

    return train


def test_two_processes_and_a_change_of_their_number(train):
    """40 reviews in batches of 13, 13, 13 and 1: the last leaves one process without a review. 80 to validate on, in batches of
    32, 32 and 16: one process has two. Loss for loss the same, validation scores too, and so is a run that began on one process
    and went on with two."""
    steps, history = train("one", 1)
    assert sorted(entry["reviews"] for entry in steps[:4]) == [1, 13, 13, 13] and len(steps) == 12 and len(history) == 3
    train("both", 1, stop=7)
    for name, more in (("two", []), ("both", ["resume"])):
        its_steps, its_history = train(name, 2, more=more)
        assert [entry["loss"] for entry in its_steps] == pytest.approx([entry["loss"] for entry in steps], abs=1e-4)
        assert [entry["accuracy"] for entry in its_history] == [entry["accuracy"] for entry in history]
        losses = [[entry["validation_loss"] for entry in entries] for entries in (its_history, history)]
        assert losses[0] == pytest.approx(losses[1], abs=1e-4)


@pytest.mark.parametrize("before", ["a Trainer", "a variable"])
def test_precision_is_not_what_another_tool_asked_for(before, monkeypatch):
    """accelerate's settings outlive whoever made them: after a Trainer with bf16 in the same notebook, fp32 is still fp32."""
    AcceleratorState._reset_state()
    if before == "a Trainer":
        Accelerator(mixed_precision="bf16")
    else:
        monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    model = join_processes("cpu").prepare(torch.nn.Linear(4, 4))
    assert model(torch.rand(2, 4)).dtype == torch.float32
    exact = torch.nn.functional.linear(torch.ones(1, 4) / 3, model.weight, model.bias)
    assert torch.equal(model(torch.ones(1, 4) / 3), exact)
