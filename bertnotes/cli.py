"""The `bertnotes` command. Each subcommand is a few calls into the library; bad input ends in one line and status 2."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bertnotes.experiments.bench import bench
from bertnotes.experiments.finetune import AnotherLook, Model, Plain, train
from bertnotes.experiments.table import reproduce

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__.splitlines()[0])


MaxLength = Annotated[int | None, typer.Option(help="tokens a review is cut to [default: as the model was trained]")]


app.command()(train)
app.command()(bench)
app.command()(reproduce)


@app.command()
def evaluate(
    data: Annotated[Path, typer.Option(help="CSV with the columns review and sentiment")],
    model: Annotated[Path, typer.Option(help="folder that `bertnotes train --out` wrote")],
    sample: Annotated[int | None, typer.Option(help="how many reviews to draw [default: all]")] = None,
    max_length: MaxLength = None,
    seed: int = 42,
    another_look: AnotherLook = None,
    plain: Plain = False,
):
    """Score a fine-tuned model on reviews. That a test set was scored is noted."""
    import bertnotes.experiments.reader_model  # noqa: F401  (so that transformers knows ELMo- and GPT-style readers)
    from bertnotes.batching import TextClassificationDataset, evaluation_loader
    from bertnotes.classifier import BERTClassifier
    from bertnotes.data import load_imdb_data, majority_accuracy
    from bertnotes.devices import best_device, fast_precision
    from bertnotes.experiments.exam import check_look, is_exam, note_look
    from bertnotes.files import hash_of
    from bertnotes.training import evaluate as score
    from bertnotes.training import trained_config

    texts, labels = load_imdb_data(data, sample, seed, plain)
    classifier, tokenizer = BERTClassifier.from_pretrained(model, "sdpa")
    device, config = best_device(), trained_config(model)
    max_length = max_length or config.max_length
    exam, weights = is_exam((texts, labels)), hash_of(model / "model.safetensors")
    settings = {"weights": weights, "max_length": max_length, "truncation": config.truncation}
    if exam:
        check_look((texts, labels), settings, another_look)
    dataset = TextClassificationDataset(texts, labels, tokenizer, max_length, config.truncation)
    loader = evaluation_loader(dataset, 32)
    accuracy, report = score(classifier.to(device), loader, device, fast_precision(device, config.precision))
    if exam:
        note_look((texts, labels), settings, accuracy, config.seed, weights, another_look)
    typer.echo(f"accuracy {accuracy:.4f}, majority class {majority_accuracy(labels):.4f}, {len(labels)} reviews\n\n{report}")


@app.command()
def predict(
    model: Annotated[Path, typer.Option(help="folder that `bertnotes train --out` wrote")],
    text: Annotated[str | None, typer.Argument(help="one review")] = None,
    file: Annotated[Path | None, typer.Option(help="CSV with a column review")] = None,
    max_length: MaxLength = None,
):
    """Say of one review, or of each in a file, whether it is positive or negative, and how probable that is."""
    import bertnotes.experiments.reader_model  # noqa: F401  (so that transformers knows ELMo- and GPT-style readers)
    from bertnotes.classifier import BERTClassifier, predict_probabilities
    from bertnotes.data import read_reviews
    from bertnotes.devices import best_device, fast_precision
    from bertnotes.training import trained_config

    if (text is None) == (file is None):
        raise ValueError('give either one review, bertnotes predict "...", or a CSV, bertnotes predict --file reviews.csv')
    texts = [text] if file is None else read_reviews(file, ("review",))["review"].tolist()
    classifier, tokenizer = BERTClassifier.from_pretrained(model, "sdpa")
    device, config = best_device(), trained_config(model)
    length = max_length or config.max_length
    choice = {"truncation": config.truncation, "precision": fast_precision(device, config.precision)}
    for row in predict_probabilities(texts, classifier, tokenizer, device, length, **choice):
        best = row.argmax().item()
        typer.echo(f"{classifier.class_names[best]}\t{row[best]:.4f}")


@app.command()
def data(
    source: Annotated[Path | None, typer.Option("--from", help="a copy: archive, folder or `IMDB Dataset.csv`")] = None,
    out: Annotated[Path, typer.Option(help="folder to write train, test and unsup to")] = Path("data/imdb"),
):
    """Fetch the full IMDB data set (84 MB, checksum verified), or take a copy, and write its official split as CSV."""
    from bertnotes.experiments.imdb import REVIEWS_A_SPLIT, fetch_archive, read_original, restore_split, write_splits

    one_file = source is not None and source.suffix == ".csv"
    frames = restore_split(source) if one_file else read_original(source or fetch_archive(out))
    for split, path in write_splits(frames, out).items():
        typer.echo(f"{split}: {len(frames[split])} reviews, {path}")
    if any(len(frames[split]) != REVIEWS_A_SPLIT for split in ("train", "test")):
        typer.echo(f"IMDB has {REVIEWS_A_SPLIT} of each to train and to test on: this copy is another, or not whole", err=True)


@app.command()
def pretrain(
    start: Annotated[str, typer.Option(help='"mini", a checkpoint folder or a hub id to start from')],
    out: Annotated[Path, typer.Option(help="folder for the model; a run that was stopped goes on from it")],
    data: Annotated[Path, typer.Option(help="folder that `bertnotes data` wrote")] = Path("data/imdb"),
    steps: Annotated[int | None, typer.Option(help="how many steps to train")] = None,
    minutes: Annotated[float | None, typer.Option(help="instead of --steps: as many as this machine does in so long")] = None,
    vocabulary: Annotated[int, typer.Option(help="how many pieces to keep")] = 10_000,
    random_init: Annotated[bool, typer.Option(help="random weights in the architecture of --start: a control")] = False,
    batch_size: Annotated[int, typer.Option(help="rows a step, over all processes")] = 16,
    length: Annotated[int, typer.Option(help="tokens a row")] = 128,
    mask_rate: float = 0.2,
    whole_words: Annotated[bool, typer.Option(help="hide all pieces of a word or none")] = False,
    optimizer: Annotated[str, typer.Option(help="adamw or muon")] = "adamw",
    learning_rate: float = 3e-4,
    seed: int = 0,
    compiled: Annotated[bool, typer.Option("--compile", help="torch.compile: faster after a minute")] = False,
    precision: Annotated[str, typer.Option(help="fp32, bf16, or auto: bf16 where the device is fast at it")] = "auto",
):
    """Cut a BERT's vocabulary to what film reviews need and train it further on masked words: how data/mini was made.

    On several GPUs: accelerate launch --num_processes N -m bertnotes pretrain ...
    """
    from bertnotes.batching import check_max_length
    from bertnotes.devices import best_device, choose_precision
    from bertnotes.experiments import pretrain as pretraining
    from bertnotes.masked_lm import pack
    from bertnotes.names import model_name
    from bertnotes.pictures.charts import pretraining_curve

    if (steps is None) == (minutes is None):
        raise ValueError("say how long to train, with either --steps or --minutes")
    choice = (batch_size, length, mask_rate, whole_words, optimizer, learning_rate)
    precision = choose_precision(precision, best_device(), out / "recipe.json")
    recipe = pretraining.Recipe(steps or 1, *choice, seed=seed, compiled=compiled, precision=precision)
    texts, held_out = pretraining.read_texts(data, seed)
    model, tokenizer = pretraining.starting_model(start, texts, vocabulary, random_init, seed)
    positions = model.config.max_position_embeddings
    check_max_length(length, positions)
    rows, held_out = pack(tokenizer, texts, length), pack(tokenizer, held_out, min(128, positions))[:400]
    if minutes:
        recipe.steps = pretraining.steps_in(minutes, model, tokenizer, rows, recipe, out)
    began_as = {"start": model_name(start), "vocabulary": vocabulary, "random_init": random_init}
    entry = pretraining.pretrain(model, tokenizer, rows, held_out, out, recipe, began_as=began_as)
    if entry:  # the first of several processes
        pretraining.save_masked_language_model(model, tokenizer, out)
        pretraining_curve(pretraining.read_log(out)).savefig(out / "curve.png", dpi=150)
        typer.echo(f"held-out loss {entry['held_out_loss']}, top-1 {entry['held_out_top1']}; saved to {out}")


@app.command()
def view(
    texts: Annotated[list[str], typer.Argument(help="a sentence, or several to swap between", metavar="SENTENCE...")],
    out: Annotated[Path, typer.Option(help="the HTML file to write")],
    pair: Annotated[list[str] | None, typer.Option(help="second sentence of the first text; again: of the next")] = None,
    model: Model = "mini",
    layer: Annotated[int, typer.Option(help="the layer shown first, from 1")] = 1,
    head: Annotated[int, typer.Option(help="the head shown first, from 1")] = 1,
):
    """Write a page that shows a model's attention on a wall: large, offline, arrow keys for heads and layers."""
    from bertnotes.attend import attend
    from bertnotes.files import write_whole
    from bertnotes.models import load_encoder, load_tokenizer
    from bertnotes.pictures.view import presenter_page

    pairs: list[str | None] = list(pair or [])
    if len(pairs) > len(texts):
        raise ValueError(f"--pair gives the sentences their second ones; got {len(pairs)} for {len(texts)}")
    encoder, tokenizer = load_encoder(model), load_tokenizer(model)
    pairs = pairs + [None] * (len(texts) - len(pairs))
    items = [(text, attend(text, second, encoder, tokenizer)) for text, second in zip(texts, pairs, strict=True)]
    write_whole(out, presenter_page(items, layer, head))
    typer.echo(f"{out}: open it in a browser; arrow keys walk heads and layers, Page Up and Down the sentences")


@app.command()
def doctor():
    """Look whether this machine has what the course needs: packages, memory, disk, the model and its attention weights."""
    from bertnotes.experiments.doctor import examine

    checks = examine()
    for check in checks:
        typer.echo(check)
    if failed := [check.name for check in checks if not check.ok]:
        raise ValueError(f"not ready: {', '.join(failed)}; what to do stands above")
    typer.echo("ready")


def main():
    """Run the command; what the user can mend ends in one line on stderr and exit status 2, Ctrl-C in one and 130."""
    try:
        status = app(standalone_mode=False)
        if status == 130:
            typer.echo(
                "bertnotes: stopped; what was written is whole. train goes on with --resume, pretrain as it is", err=True
            )
        sys.exit(status)
    except typer.TyperException as error:  # a missing option, a word for a number
        message = f"{error.format_message()} Try --help"
    except (ValueError, OSError) as error:
        message = str(error)
    typer.echo(f"bertnotes: {' '.join(message.split())}", err=True)
    sys.exit(2)
