"""The command `bertnotes train`: from a CSV to a fine-tuned model, its score on a test set, and a record of both."""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from sklearn.metrics import accuracy_score

import bertnotes.experiments.reader_model  # noqa: F401  (so that transformers knows ELMo- and GPT-style readers)
from bertnotes import devices
from bertnotes.baselines import majority_class, nbsvm, tfidf_logistic_regression
from bertnotes.batching import check_max_length, most_tokens, notices, unreadable
from bertnotes.checkpoint import hash_of_weights
from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.data import LABELS, draw, load_imdb_data, majority_accuracy, read_table, split_validation
from bertnotes.experiments.card import model_card
from bertnotes.experiments.costs import cost_report, estimate_cost
from bertnotes.experiments.engine import Machine, fit_in
from bertnotes.experiments.exam import SHARED, check_look, check_unseen, looks, note_look, official_among
from bertnotes.experiments.records import choose_precision, command_of, pack_flags, pack_probabilities, write_record
from bertnotes.files import hash_of, write_whole
from bertnotes.models import check_pieces, load_fast, load_tokenizer
from bertnotes.names import model_name
from bertnotes.tables import Columns, shown
from bertnotes.training import TrainConfig, macro_f1, report

EPOCH = (
    "epoch {epoch}: train loss {train_loss:.4f}, validation loss {validation_loss:.4f}, "
    "accuracy {accuracy:.4f}, macro-F1 {macro_f1:.4f}, {seconds:.0f} s"
)
RIVALS = {  # what a record calls them, what a reader does, and what makes them
    "tfidf": ("TF-IDF", tfidf_logistic_regression),
    "nbsvm": ("NBSVM", nbsvm),
    "majority": ("majority class", majority_class),
}


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
    classifier, tokenizer = load(settings, names)
    variant = replace(settings.variant, attention=classifier.bert.config._attn_implementation)
    settings = replace(settings, variant=variant)
    exam = test and what_was_chosen(settings)
    check_reading(settings.config, classifier, tokenizer, training[0] + validation[0] + (test[0] if test else []))
    if test:
        check_unseen(training[0] + validation[0], test[0])
        check_look(test, exam, settings.special.another_look)
    run = classifier, tokenizer, training, validation
    if settings.dry_run:
        return say(cost_report(estimate_cost(*run, settings.config, device)))
    say_sizes(training, validation)
    history = fit_in(settings.out, *run, settings.config, settings.machine, device, settings.resume)
    for entry in history:
        say(EPOCH.format(**{"macro_f1": float("nan")} | entry))  # an earlier version did not write it
    say(f"saved the best epoch to {settings.out}")
    if not devices.is_first():
        return None
    known = settings, classifier, training, validation, history
    write_whole(settings.out / "README.md", model_card(*known))
    if not test:
        return None
    found, told = score(classifier, tokenizer, test, training, validation)
    print(told)
    weights = hash_of_weights(settings.out)
    record = {**about(asked, settings, classifier, history), **found, "looks": len(looks(test)), "history": history}
    try:
        if settings.special.record:
            write_record(settings.special.record, **record)
        write_whole(settings.out / "README.md", model_card(*known, found, say_rivals(found)))
    finally:  # it was printed, whatever became of the files
        note_look(test, exam, found["accuracy"], settings.config.seed, weights, settings.special.another_look)
    return record


# --- before ------------------------------------------------------------------------------------------------------------------


def load(settings, names):
    """A classifier of some classes, with random numbers by the seed, and its tokenizer. An attention that nobody asked for and
    that does not suit the model is "eager" instead, and the command says so."""

    def build(attention):
        torch.manual_seed(settings.config.seed)
        options = vars(settings.variant) | {"attention": attention}
        return BERTClassifier(settings.model, len(names), class_names=names, **options)

    asked, fastest = settings.variant.attention, devices.training_attention(devices.best_device())
    classifier = build(asked) if asked else load_fast(fastest, build)
    if (used := classifier.bert.config._attn_implementation) != (asked or fastest):
        say(f"{type(classifier.bert).__name__} has an attention of its own; trained with {used}", file=sys.stderr)
    return classifier, load_tokenizer(settings.model)


def check_reading(config, classifier, tokenizer, texts):
    """Raise ValueError where the model cannot read the texts as the run would have it, before anything is written."""
    check_pieces(tokenizer, classifier.bert)
    check_max_length(config.max_length, min(most_tokens(classifier.bert), tokenizer.model_max_length))
    if bad := unreadable(texts, tokenizer):
        raise ValueError(f"of the review {texts[bad[0]]!r} the tokenizer leaves nothing; take it out of the table")
    for notice in notices(texts, tokenizer, config.max_length, config.truncation):
        say(notice, file=sys.stderr)


def check_places(settings):
    """Raise ValueError where a run would overwrite another one, or a record have nothing to say or no place."""
    record, out = settings.special.record, settings.out
    if record and not settings.test:
        raise ValueError("--record writes the score on a test set; give that set with --test")
    if record and record.is_dir():
        raise ValueError(f"--record {record} is a folder; give the name of a file in it, such as {record / 'result.json'}")
    there = out.iterdir() if out.exists() and not settings.resume else ()
    if any(not path.name.startswith(".") for path in there):  # but for what systems and editors leave there
        raise ValueError(f"{out} is not empty; give a new folder, or go on with the run in it: --resume")


def settle(settings):
    """The same settings with what was left open: the model's name and the precision."""
    device, count = devices.best_device(), settings.validation
    precision = choose_precision(settings.config.precision, device, settings.out / "train_config.json")
    return replace(
        settings,
        model=model_name(settings.model),
        validation=int(count) if count >= 1 else count,
        config=replace(settings.config, precision=precision),
    )


def read_data(settings):
    """The reviews to train on, to validate on and to test on, (texts, labels) each, or None where there is no test set; and the
    names of the classes."""
    seed = settings.config.seed
    texts, labels, names = read_labelled(settings.data, settings.columns, settings.sample, seed, settings.special.plain)
    test = read_labelled(settings.test, settings.columns, class_names=names)[:2] if settings.test else None
    if gone := [name for label, name in enumerate(names) if label not in set(labels)]:
        say(f"the sample has no text of {shown(gone)}: nothing is learned of them")
    texts, held_texts, labels, held_labels = split_validation(texts, labels, settings.validation, seed, settings.data, names)
    return (texts, labels), (held_texts, held_labels), test, names


def read_labelled(path, columns, sample=None, seed=42, plain=False, class_names=None):
    """Texts, labels and class names of a table. plain: of the course's own reviews, all but those that are marked as hard."""
    if plain:
        if class_names and class_names != LABELS:
            raise ValueError(f"{path} has the classes {shown(LABELS)}, in this order; this model has {shown(class_names)}")
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
    """Score a classifier on a test set, beside its rivals, fitted on the same reviews. test, training, validation:
    (texts, labels).

    Returns (found, report): a dict that JSON can hold, with every verdict on test and validation, and the same in words.
    """
    probabilities, held = (predict_probabilities(texts, classifier, tokenizer) for texts in (test[0], validation[0]))
    verdicts = probabilities.argmax(-1).numpy()
    found = {
        "train_reviews": len(training[0]),
        "test_reviews": len(test[0]),
        **marks(test[1], verdicts),
        **score_rivals(test, training),
    }
    if len(classifier.class_names) == 2:
        found["positive"] = pack_probabilities(probabilities[:, 1].numpy())
        found["validation_positive"] = pack_probabilities(held[:, 1].numpy())
        found["validation_labels"] = pack_flags(validation[1])
    else:
        found["class_names"], found["verdicts"] = list(classifier.class_names), verdicts.tolist()
    told = "test: accuracy {accuracy:.4f}, macro-F1 {macro_f1:.4f}\n".format(**found) + say_rivals(found)
    return found, f"{told}\n{report(test[1], verdicts, classifier.class_names)}"


def marks(labels, verdicts):
    """Accuracy and macro-F1 of verdicts, as a record holds them."""
    return {"accuracy": round(float(accuracy_score(labels, verdicts)), 4), "macro_f1": round(macro_f1(labels, verdicts), 4)}


def score_rivals(test, training):
    """What each of the rivals scores on a test set when it is fitted on some reviews, (texts, labels) both: a dict with
    tfidf_accuracy, tfidf_macro_f1 and so on; None where texts have no words in common that it could go by. Of the commonest
    class of the test set, whichever it is."""
    found = {}
    for rival, (_, make) in RIVALS.items():
        try:
            marked = marks(test[1], make().fit(*(test if rival == "majority" else training)).predict(test[0]))
        except ValueError:  # an empty vocabulary
            marked = {"accuracy": None, "macro_f1": None}
        found |= {f"{rival}_{name}": value for name, value in marked.items()}
    return found


def say_rivals(found):
    """What `score_rivals` found, a line each."""
    lines = []
    for rival, (name, _) in RIVALS.items():
        accuracy, mean = (found[f"{rival}_{measure}"] for measure in ("accuracy", "macro_f1"))
        scores = "no word is in several texts" if accuracy is None else f"accuracy {accuracy:.4f}, macro-F1 {mean:.4f}"
        lines.append(f"  {name}: {scores}\n")
    return "".join(lines)


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
