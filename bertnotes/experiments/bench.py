"""The command `bertnotes bench`: ours against the others, honestly: in one process, on the same reviews and weights, taking
turns. Page 13."""

import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import pandas as pd
import torch
from scipy import stats
from torch import nn

from bertnotes import devices
from bertnotes.batching import TextClassificationDataset, evaluation_loader
from bertnotes.classifier import BERTClassifier
from bertnotes.data import load_imdb_data
from bertnotes.experiments import rivals
from bertnotes.experiments.meter import matrix_rate
from bertnotes.experiments.records import command_of, read_record, write_record
from bertnotes.files import hash_of
from bertnotes.models import load_tokenizer
from bertnotes.training import evaluate

ORIGINAL, OURS, FUSED = "the original loop", "bertnotes", "bertnotes, no attention dropout"
TRAINING = {
    ORIGINAL: rivals.original_loop,
    "Trainer, defaults": rivals.transformers_trainer,
    "Trainer, best": partial(rivals.transformers_trainer, best=True),
    OURS: rivals.ours,
    FUSED: partial(rivals.ours, attention="sdpa", attention_dropout=0.0),  # torch's fused attention can do it, also on a CPU
}
PREDICTION = {
    "pipeline": rivals.transformers_pipeline,
    "bertnotes, fp32": partial(rivals.our_prediction, wanted="fp32"),
    OURS: rivals.our_prediction,
}


@dataclass(kw_only=True)
class Bench:
    """Hold the original loop, transformers' own tools and bertnotes against each other: in one process, taking turns."""

    data: Path  # CSV with the columns review and sentiment
    task: Literal["training", "prediction", "accuracy"] = "training"  # what is compared; accuracy: whether ours learns as well
    model: str = "mini"  # "mini", a checkpoint folder, or a hub id such as bert-base-uncased
    layers: int | None = None  # use the model's first layers only, which is quicker, unless all
    sample: int = 3200  # reviews to draw from; Trainer groups by length well from 3,200 on
    rounds: int = 3  # how often each side takes its turn; of accuracy: how many seeds
    steps: int = 50  # training steps of each side in each round
    record: Path | None = None  # JSON file for the result, written after each round
    held_out: int = 2000  # more reviews to draw, for accuracy to be measured on
    max_length: int = 512  # tokens a review is cut to
    batch_size: int = 16  # reviews a step
    learning_rate: float = 1e-4  # the peak
    seed: int = 0  # what the first round goes by; the next goes by the next


def bench(settings: Bench):
    """Compare, print what came out, and note it after each round. Raises ValueError where something does not fit."""
    counts = settings.rounds, settings.steps, settings.batch_size
    if min(counts) < 1:
        raise ValueError(f"rounds, steps and batch size are at least 1; got {counts[0]}, {counts[1]} and {counts[2]}")
    accuracy, sample = settings.task == "accuracy", settings.sample
    texts, labels = load_imdb_data(settings.data, sample + (settings.held_out if accuracy else 0), settings.seed)
    with tempfile.TemporaryDirectory() as folder:
        cut_classifier(settings.model, settings.layers, folder, settings.seed)
        same = {name: getattr(settings, name) for name in ("max_length", "batch_size", "steps", "seed", "learning_rate")}
        job = rivals.Job(folder, texts[:sample], labels[:sample], device=devices.best_device(), **same)
        held_out = texts[sample:], labels[sample:]
        for record in compare_accuracy(settings, job, held_out) if accuracy else compare_speed(settings, job):
            if settings.record:
                write_record(settings.record, command=command_of("bench", settings), **record)


def about(settings, *more):
    """What a record of these settings says before its results, a dict. more: settings that matter to its task."""
    names = ("task", "model", "layers", "sample", "max_length", "batch_size", "seed", *more)
    return {name: getattr(settings, name) for name in names} | {"data": hash_of(settings.data)}


def cut_classifier(name, layers, folder, seed=0):
    """Write a classifier on the first `layers` layers of a model to a folder (None: all), so that a round takes minutes. Raises
    ValueError where the model has not so many layers, or does not keep them in one list."""
    torch.manual_seed(seed)
    model = BERTClassifier(name, 2, "sdpa")
    has = getattr(model.bert.config, "num_hidden_layers", None)
    if layers is not None:
        lists = [part for part in model.bert.modules() if isinstance(part, nn.ModuleList) and len(part) == has]
        if len(lists) != 1:
            raise ValueError(f"{name} keeps no list of its layers that could be cut, as BERT and GPT do; leave out --layers")
        if not 1 <= layers <= has:
            raise ValueError(f"{name} has {has} layers; got layers={layers}, expected 1 to {has}")
        del lists[0][layers:]
        model.bert.config.num_hidden_layers = layers
    model.save_pretrained(folder, load_tokenizer(name))


def compare_speed(settings, job):
    """Let the sides take turns, and print what they took. Yields the record, a dict, after each round."""
    training = settings.task == "training"
    rates = {precision: round(matrix_rate(job.device, precision) / 1e9) for precision in ("fp32", "bf16")}
    attention = devices.training_attention(job.device) if training else "sdpa"
    known = {**about(settings), "steps": job.steps if training else None, "attention": attention, "matrix_gigaflops": rates}
    for readings in take_turns(TRAINING if training else PREDICTION, job, settings.rounds):
        yield known | {"summary": summary(readings), "readings": readings}
    print(report(summary(readings)))
    print(f"large matrix products here: {rates['fp32']:,} billion operations a second in fp32, {rates['bf16']:,} in bf16")


def take_turns(sides, job, rounds=3):
    """Let each side do the job, round after round, another draw of reviews each round. Yields the readings so far after each:
    dicts with the number of the round, the name of the side, and what the Reading says.

    Before the first round each side does two steps (of a prediction: two batches) that do not count: what is set up once is.
    """
    for side in sides.values():
        side(replace(job, texts=job.texts[: 2 * job.batch_size], labels=job.labels[: 2 * job.batch_size], steps=2))
    readings = []
    for number in range(rounds):
        for name, side in sides.items():
            reading = side(replace(job, seed=job.seed + number))[0]  # the model goes before the next side begins
            readings.append({"round": number, "side": name, **asdict(reading)})
            print(f"round {number + 1}: {name} {reading.seconds:.1f} s", file=sys.stderr)
        yield readings


def summary(readings):
    """What the readings of several rounds come to, for each side: a dict.

    readings: as `take_turns` yields them. Rates count the tokens of the reviews, not padding. ratio: our rate over that side's,
    in the median round; least and most: in the worst and the best round.
    """
    digits = {"seconds": 1, "tokens_per_second": None, "positions_per_token": 2, "gigaflops": None, "memory_mb": None}
    digits |= dict.fromkeys(("ratio", "least", "most"), 2)
    frame = pd.DataFrame(readings)
    frame["tokens_per_second"] = frame["tokens"] / frame["seconds"]
    frame["positions_per_token"] = frame["positions"] / frame["tokens"]
    frame["gigaflops"] = frame["operations"] / frame["seconds"] / 1e9
    ours = frame[frame["side"] == OURS].set_index("round")["tokens_per_second"]
    frame["ratio"] = frame["least"] = frame["most"] = frame["round"].map(ours) / frame["tokens_per_second"]
    come_to = dict.fromkeys(digits, "median") | {"least": "min", "most": "max"}
    found = frame.groupby("side", sort=False).agg(come_to).to_dict("index")
    return {side: {name: round(value, digits[name]) for name, value in row.items()} for side, row in found.items()}


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


def compare_accuracy(settings, job, held_out):
    """Train with the original loop and with ours, seed after seed, and say which learned more. Seeds that the record has
    already, from the same settings, are not done again. Yields the record, a dict, after each seed."""
    known = about(settings, "held_out", "learning_rate")
    rows = rows_so_far(settings.record, known)[: settings.rounds]
    for seed in range(job.seed + len(rows), job.seed + settings.rounds):
        rows.append(accuracies(job, held_out, seed))
        print(", ".join(f"{name} {value:.4g}" for name, value in rows[-1].items()), file=sys.stderr)
        yield known | {"attention": devices.training_attention(job.device), "rows": rows}
    print(accuracy_report(rows))


def rows_so_far(path, known):
    """The rows that an earlier run with the same settings noted: none where there is no whole record of it."""
    try:
        old = read_record(path)
    except (TypeError, OSError, ValueError):  # no record asked for, none there yet, or a damaged one
        return []
    old.setdefault("data", known["data"])  # records of earlier versions do not name it
    return old.get("rows", []) if all(old.get(name) == value for name, value in known.items()) else []


def accuracies(job, held_out, seed):
    """Train for one epoch with the original loop, with ours, and with ours without dropout of attention weights, each from the
    same weights. Returns their accuracies on held_out, (texts, labels) that none of them trains on."""
    job, row = replace(job, seed=seed, steps=None), {"seed": seed}
    loader = evaluation_loader(TextClassificationDataset(*held_out, load_tokenizer(job.folder), job.max_length), 32)
    for name in (ORIGINAL, OURS, FUSED):
        _, model = TRAINING[name](job)
        row[name] = evaluate(model, loader, job.device)[0]
    return row


def accuracy_report(rows):
    """Say how the accuracies compare: for each way their mean, and the 95 % interval of its difference from the original loop
    over the seeds (Student's t, paired by seed)."""
    frame = pd.DataFrame(rows)
    lines = [f"after one epoch, {len(rows)} seed{'s' * (len(rows) > 1)}: {ORIGINAL} {frame[ORIGINAL].mean():.2%}"]
    for name in (OURS, FUSED):
        gains = 100 * (frame[name] - frame[ORIGINAL])
        lines.append(f"{name} {frame[name].mean():.2%}, {gains.mean():+.2f} points")
        if len(rows) > 1:
            lines[-1] += f" (95 % interval ± {stats.t.ppf(0.975, len(rows) - 1) * gains.sem():.2f})"
    return "\n".join(lines)
