"""The `bertnotes` command. Each subcommand is a function of one dataclass, whose fields are its options; bad input ends in one
line and status 2."""

import os
import sys
from dataclasses import dataclass, field, fields, is_dataclass, replace
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Annotated, get_type_hints

import tyro
from tyro.conf import DisallowNone, FlagCreatePairsOff, OmitArgPrefixes, Positional, UseAppendAction

from bertnotes.files import IMDB
from bertnotes.tables import Columns

COMMANDS = {  # its module and function, which are loaded when it is asked for, and what it is for
    "train": ("experiments.finetune", "finetune", "fine-tune a model on reviews, and score it"),
    "evaluate": ("cli", "evaluate", "score a fine-tuned model"),
    "predict": ("cli", "predict", "say of reviews whether they are positive or negative"),
    "export": ("experiments.export", "export", "write a fine-tuned model for use elsewhere: a whole folder, or ONNX"),
    "data": ("cli", "data", "fetch full IMDB, or take a copy"),
    "pretrain": ("experiments.pretrain", "pretrain_on_reviews", "train a small BERT on masked words: how data/mini was made"),
    "bench": ("experiments.bench", "bench", "hold bertnotes against other ways to do the same"),
    "reproduce": ("experiments.table", "reproduce", "run the table of results on full IMDB"),
    "view": ("cli", "view", "write a page that shows a model's attention on a wall"),
    "doctor": ("cli", "doctor", "look whether this machine has what the course needs"),
}
STYLE = FlagCreatePairsOff, OmitArgPrefixes, DisallowNone  # --frozen and no --no-frozen; --epochs, not --config.epochs


@dataclass(kw_only=True)
class Finished:
    """A fine-tuned model, and how it reads."""

    model: str = "mini-imdb"  # what comes along, a folder that `bertnotes train --out` wrote, or a classifier of transformers
    max_length: int | None = None  # tokens a review is cut to, unless as the model was trained

    def load(self):
        """(classifier, tokenizer, device): the model as it was trained to read, but for `max_length`."""
        import bertnotes.experiments.reader_model  # noqa: F401  (so that transformers knows ELMo- and GPT-style readers)
        from bertnotes import devices
        from bertnotes.classifier import BERTClassifier
        from bertnotes.models import load_fast

        classifier, tokenizer = load_fast("sdpa", lambda form: BERTClassifier.from_pretrained(self.model, form))
        device = devices.best_device()
        length = self.max_length or classifier.max_length
        classifier.read_as(length, classifier.truncation, devices.fast_precision(device, classifier.precision))
        return classifier.to(device), tokenizer, device


@dataclass(kw_only=True)
class Evaluate(Finished):
    """Score a fine-tuned model on reviews. That a test set was scored is noted."""

    data: Path  # table of texts and labels: CSV, TSV, Excel, Parquet or JSON lines
    sample: int | None = None  # how many reviews to draw, unless all
    seed: int = 42  # what the sample is drawn by
    columns: Columns = field(default_factory=Columns)
    plain: bool = False  # leave out reviews that a column note marks as hard
    beside: Path | None = None  # table that the model learned from: TF-IDF and NBSVM are fitted on it, and scored beside it
    another_look: str | None = None  # why a test set is scored again with other settings: a row of a table that is shown whole


def evaluate(settings: Evaluate):
    """Print accuracy, macro-F1 and report. Raises ValueError where a test set was scored before with another system."""
    from bertnotes.batching import TextClassificationDataset, evaluation_loader
    from bertnotes.checkpoint import hash_of_weights
    from bertnotes.data import majority_accuracy
    from bertnotes.experiments.exam import check_look, check_unseen, is_exam, note_look
    from bertnotes.experiments.finetune import marks, read_labelled, say_rivals, score_rivals
    from bertnotes.training import collect_logits, report

    classifier, tokenizer, device = settings.load()
    choice = settings.columns, settings.sample, settings.seed, settings.plain, classifier.class_names
    texts, labels = reviews = read_labelled(settings.data, *choice)[:2]
    learned = read_labelled(settings.beside, settings.columns, class_names=classifier.class_names) if settings.beside else None
    if learned:
        check_unseen(learned[0], texts)
    exam, weights = is_exam(reviews), hash_of_weights(settings.model)
    reading = {"max_length": classifier.max_length, "truncation": classifier.truncation}
    if exam:
        check_look(reviews, {"weights": weights, **reading}, settings.another_look)
    loader = evaluation_loader(TextClassificationDataset(texts, labels, tokenizer, **reading), 32)
    logits, labels_read = collect_logits(classifier, loader, device, classifier.precision)
    verdicts, majority = logits.argmax(-1), majority_accuracy(labels)
    found = marks(labels_read, verdicts)
    scores = "accuracy {accuracy:.4f}, macro-F1 {macro_f1:.4f}".format(**found)
    beside = say_rivals(score_rivals(reviews, learned[:2])) if learned else ""
    told = report(labels_read, verdicts, classifier.class_names)
    print(f"{scores}, majority class {majority:.4f}, {len(labels)} reviews\n{beside}\n{told}")
    if exam:
        note_look(reviews, {"weights": weights, **reading}, found["accuracy"], None, weights, settings.another_look)


@dataclass(kw_only=True)
class Predict(Finished):
    """Say of one text, or of each in a file, which class it is, of a review positive or negative, and how probable that is."""

    text: Positional[str | None] = None  # one text
    file: Path | None = None  # table of texts: CSV, TSV, Excel, Parquet or JSON lines
    text_column: str | None = None  # the column of texts, unless well known (review, text, ...) or the only one
    encoding: str | None = None  # such as cp1252, unless it can be told
    out: Path | None = None  # CSV to write: all columns of --file, and label and probability; what was stopped goes on


def predict(settings: Predict):
    """Print a line for each text, class and probability, or write them to a file. Raises ValueError where there is no text, or
    two sources."""
    from bertnotes.batching import FOREIGN, foreign, unreadable
    from bertnotes.checkpoint import hash_of_weights
    from bertnotes.classifier import predict_probabilities
    from bertnotes.data import clean_review, find_texts
    from bertnotes.experiments.predictions import predict_table
    from bertnotes.files import hash_of
    from bertnotes.tables import open_table

    if (settings.text is None) == (settings.file is None):
        raise ValueError('give either one review, bertnotes predict "...", or a CSV, bertnotes predict --file reviews.csv')
    if settings.out and settings.file is None:
        raise ValueError("--out is written from a table; give that with --file")
    if settings.out and settings.out.exists():
        raise ValueError(f"{settings.out} is there; give the name of a new file")
    texts = [clean_review(settings.text or "")]
    if settings.file is not None:
        table = open_table(settings.file, settings.encoding, [settings.text_column])
        column = find_texts(table, settings.text_column)
        texts = [] if settings.out else [clean_review(row[column]) for _, row in table]
    classifier, tokenizer, device = settings.load()
    if settings.file is not None and (bad := unreadable(texts, tokenizer)):
        raise ValueError(f"{table.path}: row {bad[0] + 1} has no text; --out writes such rows without a verdict")
    if settings.out:
        # named by what the verdicts hang on: what another model, or another table, left unfinished is not gone on with
        read = column, classifier.max_length, classifier.truncation
        made_of = hash_of_weights(settings.model), hash_of(table.path), *read
        part = settings.out.with_name(f".{settings.out.name}.{sha256(repr(made_of).encode()).hexdigest()[:12]}.part")
        count = predict_table(table, column, classifier, tokenizer, part, tell=complain)
        os.replace(part, settings.out)
        return print(f"{settings.out}: {count} rows judged")
    probabilities = predict_probabilities(texts, classifier, tokenizer, device)
    if strange := foreign(texts, tokenizer):
        complain(FOREIGN.format(len(strange)))
    for row in probabilities:
        best = row.argmax().item()
        print(f"{classifier.class_names[best]}\t{row[best]:.4f}")


@dataclass
class Data:
    """Fetch the full IMDB data set (84 MB, checksum verified), or take a copy, and write its official split as CSV."""

    source: Annotated[Path | None, tyro.conf.arg(name="from")] = None  # a copy: archive, folder or `IMDB Dataset.csv`
    out: Path = IMDB  # folder to write train, test and unsup to


def data(settings: Data):
    """Write the splits, and say so. Raises ValueError or FileNotFoundError where the copy is none."""
    from bertnotes.experiments.imdb import REVIEWS_A_SPLIT, fetch_archive, read_original, restore_split, write_splits

    source, out = settings.source, settings.out
    one_file = source is not None and (source.suffix == ".zip" or ".csv" in source.suffixes)  # which Kaggle gives zipped
    frames = restore_split(source) if one_file else read_original(source or fetch_archive(out))
    for split, path in write_splits(frames, out).items():
        print(f"{split}: {len(frames[split])} reviews, {path}")
    if any(len(frames[split]) != REVIEWS_A_SPLIT for split in ("train", "test")):
        complain(f"IMDB has {REVIEWS_A_SPLIT} of each to train and to test on: this copy is another, or not whole")


@dataclass(kw_only=True)
class View:
    """Write a page that shows a model's attention on a wall: large, offline, arrow keys for heads and layers."""

    texts: Positional[list[str]]  # a sentence, or several to swap between
    out: Path  # the HTML file to write
    pair: UseAppendAction[list[str]] = field(default_factory=list)  # second sentence of the first text; again: of the next
    model: str = "mini"  # "mini", a checkpoint folder, or a hub id such as bert-base-uncased
    layer: int = 1  # the layer shown first, from 1
    head: int = 1  # the head shown first, from 1


def view(settings: View):
    """Write the page. Raises ValueError where there is nothing to show."""
    from itertools import zip_longest

    from bertnotes.attend import attend
    from bertnotes.files import write_whole
    from bertnotes.models import load_encoder, load_tokenizer
    from bertnotes.pictures.view import presenter_page

    texts, pairs, out = settings.texts, settings.pair, settings.out
    if not texts:
        raise ValueError('give at least one sentence: bertnotes view "..." --out heads.html')
    if len(pairs) > len(texts):
        raise ValueError(f"--pair gives the sentences their second ones; got {len(pairs)} for {len(texts)}")
    encoder, tokenizer = load_encoder(settings.model), load_tokenizer(settings.model)
    items = [(text, attend(text, second, encoder, tokenizer)) for text, second in zip_longest(texts, pairs)]
    write_whole(out, presenter_page(items, settings.layer, settings.head))
    print(f"{out}: open it in a browser; arrow keys walk heads and layers, Page Up and Down the sentences")


@dataclass
class Doctor:
    """Look whether this machine has what the course needs: packages, memory, disk, the model and its attention weights."""


def doctor(settings: Doctor):
    """Print what was found. Raises ValueError where something is missing."""
    from bertnotes.experiments.doctor import examine

    checks = examine()
    for check in checks:
        print(check)
    if failed := [check.name for check in checks if not check.ok]:
        raise ValueError(f"not ready: {', '.join(failed)}; what to do stands above")
    print("ready")


# --- from words to a call ----------------------------------------------------------------------------------------------------


def find_command(name):
    """A subcommand's function, and the dataclass of its settings. Raises ValueError where there is none."""
    if name not in COMMANDS:
        raise ValueError(f"there is no command {name!r}, only {', '.join(COMMANDS)}; try bertnotes --help")
    module, function, _ = COMMANDS[name]
    command = getattr(import_module(f"bertnotes.{module}"), function)
    return command, get_type_hints(command, include_extras=True)["settings"]


def overview():
    """What there is, a line each."""
    lines = [f"  {name:11}{purpose}" for name, (_, _, purpose) in COMMANDS.items()]
    return "\n".join(["usage: bertnotes COMMAND [options]", "", *lines, "", "bertnotes COMMAND --help lists its options"])


def run(words):
    """Do what the words of a command line say."""
    name, *words = words or ["--help"]
    if name in ("-h", "--help"):
        return print(overview())
    command, settings = find_command(name)
    command(at_home(tyro.cli(settings, prog=f"bertnotes {name}", args=words, config=STYLE)))


def at_home(settings):
    """Settings whose paths, and names of models, begin with the home folder where they were given with ~; a shell leaves it in
    --out=~/run."""
    changed = {}
    for one in fields(settings):
        value = getattr(settings, one.name)
        if is_dataclass(value):
            changed[one.name] = at_home(value)
        elif isinstance(value, Path) or (isinstance(value, str) and one.name in ("model", "start", "minilm")):
            changed[one.name] = type(value)(os.path.expanduser(value))
    return replace(settings, **changed)


def complain(message):
    """Print one line on stderr, which is not long."""
    line = " ".join(message.split())
    print(line if len(line) <= 2000 else f"{line[:2000]} ...", file=sys.stderr)


def main():
    """Run the command; what the user can mend ends in one line on stderr and exit status 2, Ctrl-C in one and 130.

    An error of the model or of the machine is one line too, with its kind; BERTNOTES_TRACEBACK=1 shows where it came from.
    """
    if hasattr(sys.stdout, "reconfigure"):  # a letter that the console lacks costs no result
        sys.stdout.reconfigure(errors="replace")
    try:
        return run(sys.argv[1:])
    except (ValueError, OSError) as error:
        status, message = 2, str(error)
    except (ImportError, IndexError, KeyError, MemoryError, RuntimeError) as error:
        if os.environ.get("BERTNOTES_TRACEBACK"):
            raise
        status, message = 2, f"{type(error).__name__}: {error} (BERTNOTES_TRACEBACK=1 shows where)"
    except KeyboardInterrupt:
        status, message = 130, "stopped; what was written is whole. train goes on with --resume, pretrain as it is"
    complain(f"bertnotes: {message}")
    sys.exit(status)
