"""The command `bertnotes train`: from a CSV to a fine-tuned model, its score on a test set, and a record of both."""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

import bertnotes.experiments.reader_model  # noqa: F401  (so that transformers knows ELMo- and GPT-style readers)
from bertnotes import devices
from bertnotes.baselines import tfidf_logistic_regression
from bertnotes.checkpoint import weights_file
from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.data import LABELS, draw, load_imdb_data, majority_accuracy, read_table, split_validation
from bertnotes.evaluation import accuracy
from bertnotes.experiments.card import model_card
from bertnotes.experiments.costs import cost_report, estimate_cost
from bertnotes.experiments.engine import Machine, fit_in
from bertnotes.experiments.exam import SHARED, check_look, check_unseen, looks, note_look, official_among
from bertnotes.experiments.records import choose_precision, command_of, pack_flags, pack_probabilities, write_record
from bertnotes.files import hash_of, write_whole
from bertnotes.models import check_pieces, load_tokenizer
from bertnotes.names import model_name
from bertnotes.tables import Columns
from bertnotes.training import TrainConfig, report

EPOCH = (
    "epoch {epoch}: train loss {train_loss:.4f}, validation loss {validation_loss:.4f}, "
    "accuracy {accuracy:.4f}, {seconds:.0f} s"
)
SCORES = "test: accuracy {accuracy:.4f}, TF-IDF {tfidf}, majority class {majority_accuracy:.4f}"


@dataclass
class Special:
    """What few runs need: those on the course's own reviews, and those whose result is to be kept."""

    plain: bool = False  # leave out reviews that a column note marks as hard
    record: Path | None = None  # JSON file for the result; needs --test
    another_look: str | None = None  # why a test set is scored again with other settings: a row of a table that is shown whole


@dataclass
class Variant:
    """Another form of the model: a control, or a faster one."""

    random_init: bool = False  # random weights in the architecture of --model: a control
    # bertnotes, blockwise, sdpa (fused) or eager; unless said, the one to train with on this device
    attention: str | None = None
    # share of attention weights dropped, unless said the model's; 0 lets sdpa be fast on a CPU
    attention_dropout: float | None = None


@dataclass
class Entry:
    """A run's place in the table of results: `bertnotes reproduce` fills this in, and the run writes it into its record."""

    row: str | None = None  # the row that the run belongs to
    name: str | None = None  # what the table calls the system, unless by its model
    copy_of: str | None = None  # the name of the model that lies in the folder --model
    jobs: int = 1  # how many runs share the machine


@dataclass(kw_only=True)
class Finetune:
    """Fine-tune a model on reviews, keep the epoch that does best on validation, and save it.

    On several GPUs: accelerate launch --num_processes N -m bertnotes train ...
    """

    data: Path  # table of texts and labels: CSV, TSV, Excel, Parquet or JSON lines
    out: Path  # folder for the run and its model
    model: str = "mini"  # the model to begin with: "mini", a checkpoint folder, or a hub id such as bert-base-uncased
    sample: int | None = None  # how many reviews to draw from the CSV, unless all
    validation: float = 0.2  # part held out for validation: a fraction, or a count
    test: Path | None = None  # table to score once at the end, beside TF-IDF on the same reviews
    resume: bool = False  # go on with the run in --out where it was stopped
    dry_run: bool = False  # say what the run would cost, from ten steps, and stop
    columns: Columns = field(default_factory=Columns)
    config: TrainConfig = field(default_factory=TrainConfig)
    special: Special = field(default_factory=Special)
    variant: Variant = field(default_factory=Variant)
    machine: Machine = field(default_factory=Machine)
    entry: Entry = field(default_factory=Entry)


def finetune(settings: Finetune):
    """Fine-tune a model as the settings say and, where they name a test set, score it.

    Returns the record, a dict, which is also written where they name a file; None without a test set, after a dry run, and in
    all processes but the first. Raises ValueError or FileNotFoundError where something does not fit, before it writes.
    """
    check_places(settings)
    asked, settings, device = settings, settle(settings), devices.best_device()
    training, validation, test, names = read_data(settings)
    torch.manual_seed(settings.config.seed)
    classifier = BERTClassifier(settings.model, len(names), class_names=names, **vars(settings.variant))
    tokenizer, exam = load_tokenizer(settings.model), test and what_was_chosen(settings)
    check_pieces(tokenizer, classifier.bert)
    if test:
        check_unseen(training[0] + validation[0], test[0])
        check_look(test, exam, settings.special.another_look)
    run = classifier, tokenizer, training, validation
    if settings.dry_run:
        return say(cost_report(estimate_cost(*run, settings.config, device)))
    say_sizes(training, validation)
    history = fit_in(settings.out, *run, settings.config, settings.machine, device, settings.resume)
    for entry in history:
        say(EPOCH.format(**entry))
    say(f"saved the best epoch to {settings.out}")
    if not devices.is_first():
        return None
    known = settings, classifier, training, validation, history
    write_whole(settings.out / "README.md", model_card(*known))
    if not test:
        return None
    found, told = score(classifier, tokenizer, test, training, validation)
    print(told)
    weights = hash_of(weights_file(settings.out))
    record = {**about(asked, settings, classifier, history), **found, "looks": len(looks(test)), "history": history}
    try:
        if settings.special.record:
            write_record(settings.special.record, **record)
        write_whole(settings.out / "README.md", model_card(*known, found))
    finally:  # it was printed, whatever became of the files
        note_look(test, exam, found["accuracy"], settings.config.seed, weights, settings.special.another_look)
    return record


# --- before ------------------------------------------------------------------------------------------------------------------


def check_places(settings):
    """Raise ValueError where a run would overwrite another one, or a record have nothing to say or no place."""
    record, out = settings.special.record, settings.out
    if record and not settings.test:
        raise ValueError("--record writes the score on a test set; give that set with --test")
    if record and record.is_dir():
        raise ValueError(f"--record {record} is a folder; give the name of a file in it, such as {record / 'result.json'}")
    if not settings.resume and out.exists() and content_of(out):
        raise ValueError(f"{out} is not empty; give a new folder, or go on with the run in it: --resume")


def content_of(folder):
    """What is in a folder, without what systems and editors leave there, whose names begin with a dot."""
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def settle(settings):
    """The same settings with what was left open: the model's name, the precision, the form of attention."""
    device, count = devices.best_device(), settings.validation
    precision = choose_precision(settings.config.precision, device, settings.out / "train_config.json")
    attention = settings.variant.attention or devices.training_attention(device)
    return replace(
        settings,
        model=model_name(settings.model),
        validation=int(count) if count >= 1 else count,
        config=replace(settings.config, precision=precision),
        variant=replace(settings.variant, attention=attention),
    )


def read_data(settings):
    """The reviews to train on, to validate on and to test on, (texts, labels) each, or None where there is no test set; and the
    names of the classes."""
    seed = settings.config.seed
    texts, labels, names = read_labelled(settings.data, settings.columns, settings.sample, seed, settings.special.plain)
    test = read_labelled(settings.test, settings.columns, class_names=names)[:2] if settings.test else None
    texts, held_texts, labels, held_labels = split_validation(texts, labels, settings.validation, seed, settings.data, names)
    return (texts, labels), (held_texts, held_labels), test, names


def read_labelled(path, columns, sample=None, seed=42, plain=False, class_names=None):
    """Texts, labels and class names of a table. plain: of the course's own reviews, all but those that are marked as hard."""
    if plain:
        return *load_imdb_data(path, sample, seed, plain), LABELS
    texts, labels, names = read_table(path, **vars(columns), class_names=class_names, tell=say)
    return *(draw(texts, labels, sample, seed, path) if sample is not None else (texts, labels)), names


def what_was_chosen(settings):
    """All that may be chosen, a dict: what an exam is sat with. Another seed or form of attention chooses nothing."""
    chosen = {name: getattr(settings, name) for name in ("model", "sample", "validation")}
    chosen |= {"data": hash_of(settings.data), "plain": settings.special.plain}
    chosen |= vars(settings.config) | vars(settings.variant)
    return {name: value for name, value in chosen.items() if name not in ("seed", "attention")}


# --- what is said and written ------------------------------------------------------------------------------------------------


def say(text, **options):
    """Print, in the first of several processes."""
    if devices.is_first():
        print(text, **options)


def say_sizes(training, validation):
    """Print how many reviews there are, and what naming the commonest class would score; on stderr, whether test reviews are
    among them."""
    texts, (held_texts, held_labels) = training[0], validation
    say(
        f"{len(texts)} reviews to train on, {len(held_texts)} to validate on; "
        f"majority class on validation {majority_accuracy(held_labels):.4f}"
    )
    if (official := official_among(texts)) > SHARED * len(texts):
        say(
            f"{official} of those to train on belong to IMDB's official test split: what this model scores on that split says "
            f"little. `bertnotes data` tells the splits apart",
            file=sys.stderr,
        )


def score(classifier, tokenizer, test, training, validation):
    """Score a classifier on a test set, beside TF-IDF fitted on the same reviews. test, training, validation: (texts, labels).

    Returns (found, report): a dict that JSON can hold, with every verdict on test and validation, and the same in words.
    """
    probabilities, held = (predict_probabilities(texts, classifier, tokenizer) for texts in (test[0], validation[0]))
    verdicts = probabilities.argmax(-1).numpy()
    found = {
        "train_reviews": len(training[0]),
        "test_reviews": len(test[0]),
        "accuracy": round(float(accuracy(test[1], verdicts)), 4),
        "tfidf_accuracy": rival_accuracy(training, test),
        "majority_accuracy": round(majority_accuracy(test[1]), 4),
    }
    if len(classifier.class_names) == 2:
        found["positive"] = pack_probabilities(probabilities[:, 1].numpy())
        found["validation_positive"] = pack_probabilities(held[:, 1].numpy())
        found["validation_labels"] = pack_flags(validation[1])
    else:
        found["class_names"], found["verdicts"] = list(classifier.class_names), verdicts.tolist()
    rival = "none" if found["tfidf_accuracy"] is None else f"{found['tfidf_accuracy']:.4f}"
    return found, f"{SCORES.format(**found, tfidf=rival)}\n\n{report(test[1], verdicts, classifier.class_names)}"


def rival_accuracy(training, test):
    """The accuracy of TF-IDF; None, said on stderr, where it cannot learn from so few words: the score of BERT stands."""
    try:
        return round(tfidf_logistic_regression().fit(*training).score(*test), 4)
    except ValueError as error:
        say(f"TF-IDF cannot learn from these texts: {str(error)[:80]}", file=sys.stderr)
        return None


def about(asked, settings, classifier, history):
    """What a record says of a run beside its score: its place in the table, its command, the model, all that was set, and what
    it took, seconds and MB, over all stretches where it was stopped meanwhile. asked, settings: as they were given, and as they
    were settled."""
    entry = settings.entry
    place = {"row": entry.row, "name": entry.name, "jobs": entry.jobs if entry.jobs > 1 else None}
    return {
        **{name: value for name, value in place.items() if value is not None},
        "command": command_of("train", replace(asked, model=entry.copy_of or asked.model, entry=Entry())),
        "model": entry.copy_of or settings.model,
        "parameters": sum(weight.numel() for weight in classifier.parameters()),
        "config": vars(settings.config),
        "machine": vars(settings.machine),
        **vars(settings.variant),
        "train_seconds": round(sum(entry["seconds"] for entry in history)),
        "train_peak_memory_mb": history[-1].get("memory_mb"),  # a folder that an earlier version wrote may not have it
    }
