"""Ours against the others, honestly: in one process, on the same reviews and weights, taking turns. Page 13."""

import json
import shlex
import statistics
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import torch
import typer
from scipy import stats

from bertnotes.batching import TextClassificationDataset, evaluation_loader
from bertnotes.classifier import BERTClassifier
from bertnotes.devices import fast_precision, training_attention
from bertnotes.experiments import rivals
from bertnotes.experiments.finetune import Model
from bertnotes.experiments.meter import Meter
from bertnotes.models import load_tokenizer
from bertnotes.training import TrainConfig, evaluate, fit

ORIGINAL, OURS, FUSED = "the original loop", "bertnotes", "bertnotes, no attention dropout"
TRAINING = {
    ORIGINAL: rivals.original_loop,
    "Trainer, defaults": rivals.trainer_defaults,
    "Trainer, best": rivals.trainer_best,
    OURS: rivals.ours,
    FUSED: rivals.ours_without_attention_dropout,
}
PREDICTION = {
    "pipeline": rivals.transformers_pipeline,
    "bertnotes, fp32": rivals.our_prediction_fp32,
    OURS: rivals.our_prediction,
}


def cut_classifier(name, layers, folder, seed=0):
    """Write a classifier on the first `layers` layers of a model to a folder (None: all), so that a round takes minutes.

    Raises ValueError where the model has not so many layers.
    """
    torch.manual_seed(seed)
    model = BERTClassifier(name, 2, "sdpa")
    has = model.bert.config.num_hidden_layers
    if not 1 <= (layers or has) <= has:
        raise ValueError(f"{name} has {has} layers; got layers={layers}, expected 1 to {has}")
    model.bert.encoder.layer = model.bert.encoder.layer[: layers or has]
    model.bert.config.num_hidden_layers = layers or has
    model.save_pretrained(folder, load_tokenizer(name))


def take_turns(sides, job, rounds=3, training=True):
    """Let each side do the job, round after round, another draw of reviews each round. Yields (round, side, Reading).

    Before the first round each side does two steps (of a prediction: two batches) that do not count: what is set up once is.
    """
    for side in sides.values():
        side(replace(job, texts=job.texts[: 2 * job.batch_size], labels=job.labels[: 2 * job.batch_size], steps=2), Meter())
    for number in range(rounds):
        for name, side in sides.items():
            yield number, name, side(replace(job, seed=job.seed + number), Meter(passes=3 if training else 1))


def summary(readings):
    """What the readings of several rounds come to, for each side: a dict.

    readings: (round, side, Reading) as `take_turns` yields them. Rates count the tokens of the reviews, not padding. ratio: our
    rate over that side's, in the median round; least and most: in the worst and the best round.
    """
    by_round = {}
    for number, name, reading in readings:
        by_round.setdefault(number, {})[name] = reading
    whole = [sides for sides in by_round.values() if OURS in sides]
    rates = [{name: one.tokens / one.seconds for name, one in sides.items()} for sides in whole]
    found = {}
    for name in whole[0] if whole else ():
        ratios = [rate[OURS] / rate[name] for rate in rates]
        of_side = [sides[name] for sides in whole]
        found[name] = {
            "seconds": round(statistics.median(one.seconds for one in of_side), 1),
            "tokens_per_second": round(statistics.median(rate[name] for rate in rates)),
            "positions_per_token": round(statistics.median(one.positions / one.tokens for one in of_side), 2),
            "gigaflops": round(statistics.median(one.operations / one.seconds for one in of_side) / 1e9),
            "memory_mb": round(statistics.median(one.memory_mb for one in of_side)),
            "ratio": round(statistics.median(ratios), 2),
            "least": round(min(ratios), 2),
            "most": round(max(ratios), 2),
        }
    return found


def report(found):
    """The summary as a table to print."""
    lines = [f"{'':33}{'seconds':>9}{'tokens/s':>10}{'padded to':>11}{'memory':>10}   bertnotes is"]
    for name, side in found.items():
        ratio = "" if name == OURS else f"{side['ratio']:.2f} times as fast ({side['least']:.2f} to {side['most']:.2f})"
        lines.append(
            f"{name:33}{side['seconds']:>9.1f}{side['tokens_per_second']:>10,}{side['positions_per_token']:>10.2f}x"
            f"{side['memory_mb']:>7,} MB   {ratio}"
        )
    return "\n".join(line.rstrip() for line in lines)


def readings_as_json(readings):
    """The single readings, for a record."""
    return [{"round": number, "side": name, **asdict(reading)} for number, name, reading in readings]


# --- is it as good? ----------------------------------------------------------------------------------------------------------


def accuracies(job, held_out, seed):
    """Train for one epoch with the original loop, with ours, and with ours without dropout of attention weights, each from the
    same weights. Returns their accuracies on held_out, (texts, labels) that none of them trains on."""
    job = replace(job, seed=seed)
    tokenizer = load_tokenizer(str(job.folder))
    loader = evaluation_loader(TextClassificationDataset(*held_out, tokenizer, job.max_length), 32)
    torch.manual_seed(seed)  # the head is drawn: with the same numbers on every side
    theirs = BERTClassifier(str(job.folder), 2, "sdpa").to(job.device)
    for _ in rivals.original_steps(theirs, job):
        pass
    row = {"seed": seed, ORIGINAL: evaluate(theirs, loader, job.device)[0]}
    precision = fast_precision(job.device)
    config = TrainConfig(1, job.batch_size, job.learning_rate, max_length=job.max_length, seed=seed, precision=precision)
    choices = {OURS: {"attention": training_attention(job.device)}, FUSED: {"attention": "sdpa", "attention_dropout": 0.0}}
    for name, choice in choices.items():
        torch.manual_seed(seed)
        model = BERTClassifier(str(job.folder), 2, **choice)
        row[name] = fit(model, tokenizer, (job.texts, job.labels), held_out, config, job.device)[0]["accuracy"]
    return row


def accuracy_report(rows):
    """Say how the accuracies compare: for each way their mean, and the 95 % interval of its difference from the original loop
    over the seeds (Student's t, paired by seed)."""
    base = statistics.mean(row[ORIGINAL] for row in rows)
    lines = [f"after one epoch, {len(rows)} seed{'s' * (len(rows) > 1)}: {ORIGINAL} {base:.2%}"]
    for name in (OURS, FUSED):
        gains = [row[name] - row[ORIGINAL] for row in rows]
        lines.append(f"{name} {statistics.mean(row[name] for row in rows):.2%}, {100 * statistics.mean(gains):+.2f} points")
        if len(rows) > 1:
            band = stats.t.ppf(0.975, len(rows) - 1) * statistics.stdev(gains) / len(rows) ** 0.5
            lines[-1] += f" (95 % interval ± {100 * band:.2f})"
    return "\n".join(lines)


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
    from bertnotes.data import load_imdb_data
    from bertnotes.devices import best_device
    from bertnotes.experiments.bench import cut_classifier
    from bertnotes.experiments.rivals import Job
    from bertnotes.files import hash_of

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
        from bertnotes.experiments.records import write_record

        self.values.update(values)
        if self.path:
            write_record(self.path, **self.values)


def compare_speed(job, task, rounds, note):
    """Let the sides take turns, print what they took, and note it after each round."""
    from bertnotes.experiments.bench import PREDICTION, TRAINING, readings_as_json, report, summary, take_turns
    from bertnotes.experiments.meter import matrix_rate

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
    from bertnotes.experiments.bench import accuracies, accuracy_report

    rows = note.kept("rows")[:rounds]
    for seed in range(job.seed + len(rows), job.seed + rounds):
        rows.append(accuracies(job, held_out, seed))
        typer.echo(", ".join(f"{name} {value:.4g}" for name, value in rows[-1].items()), err=True)
        note(rows=rows)
    typer.echo(accuracy_report(rows))
