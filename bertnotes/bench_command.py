"""The command `bertnotes bench`: how fast ours is on this machine, beside the other ways to do the same."""

import json
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from bertnotes.train_command import Model

TASKS = ("training", "prediction", "accuracy")


def bench(
    data: Annotated[Path, typer.Option(help="CSV with the columns review and sentiment")],
    task: Annotated[str, typer.Option(help="training, prediction, or accuracy: whether ours learns as well")] = "training",
    model: Model = "mini",
    layers: Annotated[int | None, typer.Option(help="use the model's first layers only: quicker [default: all]")] = None,
    sample: Annotated[int, typer.Option(help="reviews to draw from; Trainer groups by length well from 3,200 on")] = 3200,
    held_out: Annotated[int, typer.Option(help="more reviews to draw, for accuracy to be measured on")] = 2000,
    max_length: Annotated[int, typer.Option(help="tokens a review is cut to")] = 512,
    batch_size: int = 16,
    steps: Annotated[int, typer.Option(help="training steps of each side in each round")] = 50,
    rounds: Annotated[int, typer.Option(help="how often each side takes its turn; of accuracy: how many seeds")] = 3,
    learning_rate: float = 1e-4,
    seed: int = 0,
    record: Annotated[Path | None, typer.Option(help="JSON file for the result, written after each round")] = None,
):
    """Hold the original loop, transformers' own tools and bertnotes against each other: in one process, taking turns."""
    from bertnotes.benchmark import cut_classifier
    from bertnotes.data import load_imdb_data
    from bertnotes.devices import best_device
    from bertnotes.files import hash_of
    from bertnotes.rivals import Job

    if task not in TASKS:
        raise ValueError(f"there is no task {task!r}; expected one of {', '.join(TASKS)}")
    if min(rounds, steps, batch_size) < 1:
        raise ValueError(f"rounds, steps and batch size are at least 1; got {rounds}, {steps} and {batch_size}")
    extra = held_out if task == "accuracy" else 0
    texts, labels = load_imdb_data(data, sample + extra, seed)
    with tempfile.TemporaryDirectory() as folder:
        cut_classifier(model, layers, folder, seed)
        choices = (max_length, batch_size, steps, seed, best_device(), learning_rate)
        job = Job(Path(folder), texts[:sample], labels[:sample], *choices)
        settings = {"model": model, "layers": layers, "sample": sample, "max_length": max_length, "batch_size": batch_size}
        note = Note(record, task=task, **settings, seed=seed, data=hash_of(data))
        if task == "accuracy":
            note.values |= {"held_out": held_out, "learning_rate": learning_rate}
            compare_accuracy(job, (texts[sample:], labels[sample:]), rounds, note)
        else:
            compare_speed(job, task, rounds, note)


class Note:
    """Keeps a record up to date, if one was asked for: `note(...)` adds to it and writes it."""

    def __init__(self, path, **values):
        self.path, self.values = path, {"command": shlex.join(["bertnotes", *sys.argv[1:]]), **values}

    def kept(self, name):
        """What an earlier run with the same settings wrote of this name: a list, empty where there is none."""
        try:
            old = json.loads(self.path.read_text(encoding="utf-8"))
        except (AttributeError, OSError, ValueError):  # no record asked for, none there yet, or a damaged one
            return []
        old.setdefault("data", self.values.get("data"))  # records of earlier versions do not name it
        same = all(old.get(key) == value for key, value in self.values.items() if key != "command")
        return old.get(name, []) if same else []

    def __call__(self, **values):
        from bertnotes.record import write_record

        self.values.update(values)
        if self.path:
            write_record(self.path, **self.values)


def compare_speed(job, task, rounds, note):
    """Let the sides take turns, print what they took, and note it after each round."""
    from bertnotes.benchmark import PREDICTION, TRAINING, readings_as_json, report, summary, take_turns
    from bertnotes.meter import matrix_rate

    training, readings = task == "training", []
    rates = {precision: round(matrix_rate(job.device, precision) / 1e9) for precision in ("fp32", "bf16")}
    note.values |= {"steps": job.steps if training else None, "matrix_gigaflops": rates}
    sides = TRAINING if training else PREDICTION
    for reading in take_turns(sides, job, rounds, training):
        readings.append(reading)
        typer.echo(f"round {reading[0] + 1}: {reading[1]} {reading[2].seconds:.1f} s", err=True)
        if len(readings) % len(sides) == 0:
            note(summary=summary(readings), readings=readings_as_json(readings))
    typer.echo(report(summary(readings)))
    typer.echo(f"large matrix products here: {rates['fp32']:,} billion operations a second in fp32, {rates['bf16']:,} in bf16")


def compare_accuracy(job, held_out, rounds, note):
    """Train with the original loop and with ours, seed after seed, and say which learned more. Seeds that the record has
    already, from the same settings, are not done again."""
    from bertnotes.benchmark import accuracies, accuracy_report

    rows = note.kept("rows")[:rounds]
    for seed in range(job.seed + len(rows), job.seed + rounds):
        rows.append(accuracies(job, held_out, seed))
        typer.echo(", ".join(f"{name} {value:.4g}" for name, value in rows[-1].items()), err=True)
        note(rows=rows)
    typer.echo(accuracy_report(rows))
