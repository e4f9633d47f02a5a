"""The command `bertnotes train`: from a CSV to a fine-tuned model, a score and a record of both."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[str, typer.Option(help='"mini", a checkpoint folder, or a hub id such as bert-base-uncased')]
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
    keep: Annotated[str, typer.Option(help="the part of a longer review that stays: head, tail or head+tail")] = "head",
    seed: int = 42,
    precision: Annotated[str, typer.Option(help="fp32 or bf16")] = "fp32",
    attention: Annotated[
        str | None,
        typer.Option(help="bertnotes, sdpa (fused) or eager [default: sdpa on a GPU, else bertnotes]"),
    ] = None,
    attention_dropout: Annotated[
        float | None,
        typer.Option(help="share of attention weights dropped; 0 lets sdpa be fast on a CPU [default: the model's]"),
    ] = None,
    patience: Annotated[int | None, typer.Option(help="stop after so many epochs that were no better on validation")] = None,
    at_once: Annotated[int | None, typer.Option(help="reviews in memory at a time, where a batch does not fit")] = None,
    compiled: Annotated[bool, typer.Option("--compile", help="have torch.compile write the encoder")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in --out where it was stopped")] = False,
    save_every: Annotated[float, typer.Option(help="seconds between checkpoints")] = 120,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what it would cost, from ten steps, and stop")] = False,
    test: Annotated[Path | None, typer.Option(help="CSV to score once at the end, beside TF-IDF on the same reviews")] = None,
    record: Annotated[Path | None, typer.Option(help="JSON file for the result; needs --test")] = None,
    plain: Plain = False,
):
    """Fine-tune a model on reviews, keep the epoch that does best on validation, and save it.

    On several GPUs: accelerate launch --num_processes N -m bertnotes train ...
    """
    import torch

    from bertnotes.classifier import BERTClassifier
    from bertnotes.data import load_imdb_data, split_validation
    from bertnotes.devices import best_device, training_attention
    from bertnotes.models import load_tokenizer
    from bertnotes.processes import is_first
    from bertnotes.training import TrainConfig, fit

    check_folders(out, resume, test, record)
    texts, labels = load_imdb_data(data, sample, seed, plain)
    test_data = load_imdb_data(test) if test else None
    size = int(validation) if validation >= 1 else validation
    train_texts, held_texts, train_labels, held_labels = split_validation(texts, labels, size, seed)
    reviews = (train_texts, train_labels), (held_texts, held_labels)
    config = TrainConfig(
        epochs, batch_size, learning_rate, max_length=max_length, seed=seed, precision=precision, keep=keep,
        patience=patience, at_once=at_once, compiled=compiled,
    )  # fmt: skip
    torch.manual_seed(seed)
    device = best_device()
    classifier = BERTClassifier(model, 2, attention or training_attention(device), attention_dropout)
    tokenizer = load_tokenizer(model)
    if dry_run:
        return report_cost(classifier, tokenizer, reviews, config, device)
    say_start(reviews)
    started = time.perf_counter()
    history = fit(classifier, tokenizer, *reviews, config, device, out, resume, save_every=save_every)
    seconds = time.perf_counter() - started
    say_end(history, out)
    if test_data and is_first():
        score(classifier, tokenizer, test_data, reviews[0], config, record, model, history, seconds)


def check_folders(out, resume, test, record):
    """Raise ValueError where a run would overwrite another one, or a record have nothing to say."""
    if record and not test:
        raise ValueError("--record writes the score on a test set; give that set with --test")
    if not resume and out.exists() and any(out.iterdir()):
        raise ValueError(f"{out} is not empty; give a new folder, or go on with the run in it: --resume")


def report_cost(classifier, tokenizer, reviews, config, device):
    """Print what the run would cost."""
    from bertnotes.costs import cost_report, estimate_cost

    typer.echo(cost_report(estimate_cost(classifier, tokenizer, *reviews, config, device)))


def say_start(reviews):
    """Print how many reviews there are, and what naming the commonest class would score."""
    from bertnotes.processes import is_first
    from bertnotes.training import majority_accuracy

    (texts, _), (held_texts, held_labels) = reviews
    if is_first():
        typer.echo(
            f"{len(texts)} reviews to train on, {len(held_texts)} to validate on; "
            f"majority class on validation {majority_accuracy(held_labels):.4f}"
        )


def say_end(history, out):
    """Print a line for each epoch."""
    from bertnotes.processes import is_first

    if is_first():
        for entry in history:
            typer.echo(
                f"epoch {entry['epoch']}: train loss {entry['train_loss']:.4f}, "
                f"validation loss {entry['validation_loss']:.4f}, accuracy {entry['accuracy']:.4f}, {entry['seconds']:.0f} s"
            )
        typer.echo(f"saved the best epoch to {out}")


def score(classifier, tokenizer, test_data, train_data, config, record, model, history, seconds):
    """Score on the test set once, with TF-IDF fitted on the same reviews beside it; print and record both."""
    from bertnotes.baselines import tfidf_logistic_regression
    from bertnotes.batching import TextClassificationDataset, evaluation_loader
    from bertnotes.record import peak_memory, write_record
    from bertnotes.training import evaluate, majority_accuracy

    memory, device = peak_memory(), next(classifier.parameters()).device
    loader = evaluation_loader(TextClassificationDataset(*test_data, tokenizer, config.max_length, config.keep), 32)
    accuracy, report = evaluate(classifier, loader, device, config.precision)
    baseline = tfidf_logistic_regression().fit(*train_data).score(*test_data)
    majority = majority_accuracy(test_data[1])
    typer.echo(f"test: accuracy {accuracy:.4f}, TF-IDF {baseline:.4f}, majority class {majority:.4f}\n\n{report}")
    if record:
        write_record(
            record,
            command=" ".join(["bertnotes", *sys.argv[1:]]),
            model=model,
            parameters=sum(weight.numel() for weight in classifier.parameters()),
            train_reviews=len(train_data[0]),
            test_reviews=len(test_data[0]),
            config=vars(config),
            accuracy=round(accuracy, 4),
            tfidf_accuracy=round(baseline, 4),
            majority_accuracy=round(majority, 4),
            train_seconds=round(seconds),
            train_peak_memory_mb=memory,
            history=history,
        )
