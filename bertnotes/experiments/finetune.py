"""The command `bertnotes train`: from a CSV to a fine-tuned model, a score and a record of both."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[str, typer.Option(help='"mini", a checkpoint folder, or a hub id such as bert-base-uncased')]
AnotherLook = Annotated[
    str | None, typer.Option(help="why a test set is scored again with other settings: a row of a table that is shown whole")
]
Plain = Annotated[bool, typer.Option("--plain", help="leave out reviews that a column note marks as hard")]


def train(
    data: Annotated[Path, typer.Option(help="CSV with the columns review and sentiment")],
    out: Annotated[Path, typer.Option(help="folder for the run and its model")],
    model: Model = "mini",
    sample: Annotated[int | None, typer.Option(help="how many reviews to draw from the CSV [default: all]")] = None,
    validation: Annotated[float, typer.Option(help="part held out for validation: a fraction, or a count")] = 0.2,
    epochs: int = 3,
    batch_size: Annotated[int, typer.Option(help="reviews a step, over all processes")] = 16,
    learning_rate: Annotated[float, typer.Option(help="the peak; 2e-5 to 5e-5 suits a BERT-base")] = 1e-4,
    max_length: Annotated[int, typer.Option(help="tokens a review is cut to")] = 256,
    truncation: Annotated[str, typer.Option(help="the part of a longer review that stays: head, tail or head+tail")] = "head",
    seed: int = 42,
    precision: Annotated[str, typer.Option(help="fp32, bf16, or auto: bf16 where the device is fast at it")] = "fp32",
    attention: Annotated[
        str | None,
        typer.Option(help="bertnotes, sdpa (fused) or eager [default: sdpa on a GPU, else bertnotes]"),
    ] = None,
    attention_dropout: Annotated[
        float | None,
        typer.Option(help="share of attention weights dropped; 0 lets sdpa be fast on a CPU [default: the model's]"),
    ] = None,
    frozen: Annotated[bool, typer.Option("--frozen", help="train the new layer only, the encoder stays as it is")] = False,
    random_init: Annotated[
        bool, typer.Option("--random-init", help="random weights in the architecture of --model: a control")
    ] = False,
    patience: Annotated[int | None, typer.Option(help="stop after so many epochs that were no better on validation")] = None,
    micro_batch_size: Annotated[
        int | None, typer.Option(help="reviews in memory at a time, where a batch does not fit")
    ] = None,
    compiled: Annotated[bool, typer.Option("--compile", help="have torch.compile write the encoder")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in --out where it was stopped")] = False,
    save_every: Annotated[float, typer.Option(help="seconds between checkpoints")] = 120,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what it would cost, from ten steps, and stop")] = False,
    test: Annotated[Path | None, typer.Option(help="CSV to score once at the end, beside TF-IDF on the same reviews")] = None,
    record: Annotated[Path | None, typer.Option(help="JSON file for the result; needs --test")] = None,
    another_look: AnotherLook = None,
    plain: Plain = False,
):
    """Fine-tune a model on reviews, keep the epoch that does best on validation, and save it.

    On several GPUs: accelerate launch --num_processes N -m bertnotes train ...
    """
    import torch

    import bertnotes.experiments.reader_model  # noqa: F401  (so that transformers knows the readers of page 04)
    from bertnotes.classifier import BERTClassifier
    from bertnotes.data import load_imdb_data, split_validation
    from bertnotes.devices import best_device, choose_precision, is_first, training_attention
    from bertnotes.experiments.engine import Machine, fit_in
    from bertnotes.experiments.exam import check_look, check_unseen, note_look
    from bertnotes.files import hash_of
    from bertnotes.models import load_tokenizer
    from bertnotes.names import model_name
    from bertnotes.training import TrainConfig

    check_folders(out, resume, test, record)
    model = model_name(model)
    texts, labels = load_imdb_data(data, sample, seed, plain)
    test_data = load_imdb_data(test) if test else None
    size = int(validation) if validation >= 1 else validation
    train_texts, held_texts, train_labels, held_labels = split_validation(texts, labels, size, seed)
    reviews = (train_texts, train_labels), (held_texts, held_labels)
    device = best_device()
    config = TrainConfig(
        epochs, batch_size, learning_rate, max_length=max_length, seed=seed, truncation=truncation, patience=patience,
        precision=choose_precision(precision, device, out / "train_config.json"), frozen=frozen,
    )  # fmt: skip
    torch.manual_seed(seed)
    options = {"attention_dropout": attention_dropout, "random_init": random_init}
    classifier = BERTClassifier(model, 2, attention or training_attention(device), **options)
    tokenizer = load_tokenizer(model)
    drawn = {"data": hash_of(data), "sample": sample, "validation": size, "plain": plain}
    settings = settings_of(config, model=model, **options, **drawn)
    if test_data:
        check_unseen(texts, test_data[0])
        check_look(test_data, settings, another_look)
    if dry_run:
        return report_cost(classifier, tokenizer, reviews, config, device)
    say_start(reviews)
    machine = Machine(micro_batch_size, compiled, save_every)
    history = fit_in(out, classifier, tokenizer, *reviews, config, machine, device, resume)
    say_end(history, out)
    if test_data and is_first():
        facts = score(classifier, tokenizer, test_data, reviews, config)
        looks = note_look(test_data, settings, facts["accuracy"], seed, hash_of(out / "model.safetensors"), another_look)
        if record:
            record_run(record, classifier, model, config, facts, looks=looks, **spent(history), history=history)


def check_folders(out, resume, test, record):
    """Raise ValueError where a run would overwrite another one, or a record have nothing to say or no place."""
    if record and not test:
        raise ValueError("--record writes the score on a test set; give that set with --test")
    if record and record.is_dir():
        raise ValueError(f"--record {record} is a folder; give the name of a file in it, such as {record / 'result.json'}")
    if not resume and out.exists() and any(out.iterdir()):
        raise ValueError(f"{out} is not empty; give a new folder, or go on with the run in it: --resume")


def report_cost(classifier, tokenizer, reviews, config, device):
    """Print what the run would cost."""
    from bertnotes.experiments.costs import cost_report, estimate_cost

    typer.echo(cost_report(estimate_cost(classifier, tokenizer, *reviews, config, device)))


def say_start(reviews):
    """Print how many reviews there are, and what naming the commonest class would score; on stderr, whether test reviews are
    among them."""
    from bertnotes.data import majority_accuracy
    from bertnotes.devices import is_first
    from bertnotes.experiments.exam import SHARED, official_among

    (texts, _), (held_texts, held_labels) = reviews
    if not is_first():
        return
    typer.echo(
        f"{len(texts)} reviews to train on, {len(held_texts)} to validate on; "
        f"majority class on validation {majority_accuracy(held_labels):.4f}"
    )
    if (official := official_among(texts)) > SHARED * len(texts):
        typer.echo(
            f"{official} of those to train on belong to IMDB's official test split: what this model scores on that split says "
            f"little. `bertnotes data` tells the splits apart",
            err=True,
        )


def say_end(history, out):
    """Print a line for each epoch."""
    from bertnotes.devices import is_first

    if is_first():
        for entry in history:
            typer.echo(
                f"epoch {entry['epoch']}: train loss {entry['train_loss']:.4f}, "
                f"validation loss {entry['validation_loss']:.4f}, accuracy {entry['accuracy']:.4f}, {entry['seconds']:.0f} s"
            )
        typer.echo(f"saved the best epoch to {out}")


def settings_of(config, **more):
    """All that may be chosen, the seed not among it: what an exam is sat with."""
    return {name: value for name, value in vars(config).items() if name != "seed"} | more


def score(classifier, tokenizer, test_data, reviews, config):
    """Score on the test set, with TF-IDF fitted on the same reviews beside it; print both.

    reviews: those to train and those to validate on. Returns what was found, a dict, with every verdict on test and validation.
    """
    from bertnotes.baselines import tfidf_logistic_regression
    from bertnotes.data import LABELS, majority_accuracy
    from bertnotes.evaluation import accuracy
    from bertnotes.experiments.records import pack_flags, pack_probabilities
    from bertnotes.training import report

    (texts, labels), (held_texts, held_labels) = test_data, reviews[1]
    positive = positive_probabilities(classifier, tokenizer, texts, config)
    predictions = (positive > 0.5).long()
    share = float(accuracy(labels, predictions))
    baseline = tfidf_logistic_regression().fit(*reviews[0]).score(*test_data)
    majority = majority_accuracy(labels)
    typer.echo(
        f"test: accuracy {share:.4f}, TF-IDF {baseline:.4f}, majority class {majority:.4f}\n\n"
        f"{report(labels, predictions, LABELS)}"
    )
    return {
        "train_reviews": len(reviews[0][0]),
        "test_reviews": len(labels),
        "accuracy": round(share, 4),
        "tfidf_accuracy": round(baseline, 4),
        "majority_accuracy": round(majority, 4),
        "positive": pack_probabilities(positive.tolist()),
        "validation_positive": pack_probabilities(positive_probabilities(classifier, tokenizer, held_texts, config).tolist()),
        "validation_labels": pack_flags(held_labels),
    }


def spent(history):
    """What a run took, over all stretches where it was stopped meanwhile: a dict of seconds and MB; no MB where the folder
    holds a run of an earlier version, which did not note them."""
    return {
        "train_seconds": round(sum(entry["seconds"] for entry in history)),
        "train_peak_memory_mb": history[-1].get("memory_mb"),
    }


def positive_probabilities(classifier, tokenizer, texts, config):
    """The probability of "positive" for each text, read as in training: (text,)."""
    from bertnotes.classifier import predict_probabilities

    choice = {"truncation": config.truncation, "precision": config.precision}
    device = next(classifier.parameters()).device
    return predict_probabilities(texts, classifier, tokenizer, device, config.max_length, **choice)[:, 1]


def record_run(path, classifier, model, config, facts, **more):
    """Write what a run was and what it scored to a JSON file. looks: how often the test set had been scored before."""
    from bertnotes.experiments.records import write_record

    parameters = sum(weight.numel() for weight in classifier.parameters())
    command = shlex.join(["bertnotes", *sys.argv[1:]])
    write_record(path, command=command, model=model, parameters=parameters, config=vars(config), **facts, **more)
