"""A test set is an exam: whoever looks at the marks and tries again is no longer being examined. Page 09.

What was scored on which test set is noted, so that choosing among settings by their test scores does not happen by accident.
Choosing belongs to validation reviews, which are carved from the training ones. Dwork et al. 2015, "The reusable holdout".

An exam is known by its reviews, in any order: another sample of them, or some among others, is the same exam.
"""

import base64
import sys
from contextlib import suppress
from datetime import UTC, datetime

from bertnotes.experiments.imdb import fingerprint as mark_of
from bertnotes.experiments.imdb import official_marks, unpack_marks
from bertnotes.files import append_line, cache_root, read_lines

NEW = {"class_weights": None, "head_epochs": None}  # settings that earlier versions did not have, and what they did
SHARED = 0.02  # copies in both splits: full IMDB has 1 in 200


def check_unseen(texts, test_texts):
    """Raise ValueError where test reviews are among those that a model is trained on or chosen by: more than `SHARED` of these,
    or of the test reviews."""
    seen = set(texts)
    shared = sum(text in seen for text in test_texts)
    if shared > SHARED * min(len(texts), len(test_texts)):
        raise ValueError(
            f"{shared} of the {len(test_texts)} test reviews are also among those to train on, so that a score on them says "
            f"little; take them from another file, or split this one"
        )


def marks_of(test_data):
    """The reviews of a test set, (texts, labels), as a set of bytes: a fingerprint each."""
    return {mark_of(text) for text in test_data[0]}


def same_exam(marks, others):
    """Whether two sets of reviews are of one exam: the same, or more than `SHARED` of the smaller one, and one, in common."""
    return marks == others or len(marks & others) > max(1, SHARED * min(len(marks), len(others)))


def is_exam(test_data):
    """Whether reviews, (texts, labels), are a test set: one that was scored as such, or of IMDB's official one."""
    return same_exam(marks_of(test_data), set(official_marks())) or bool(looks(test_data))


def official_among(texts):
    """How many of these texts stand in IMDB's official test split."""
    marks = set(official_marks())
    return sum(mark_of(text) in marks for text in texts)


def ledger():
    """The file that remembers what was scored, a line of JSON each. Deleting it forgets how often one looked."""
    return cache_root() / "exams.jsonl"


def looks(test_data):
    """What was scored so far on a test set, (texts, labels), or on some of its reviews: a list of dicts with exam (the
    fingerprints, in base64), date, settings, seed, weights, accuracy, reason.

    Empty where the ledger is not there or cannot be read.
    """
    entries, marks = [], marks_of(test_data)
    with suppress(OSError, UnicodeDecodeError):
        entries = [entry for entry in read_lines(ledger()) if {"exam", "settings", "weights"} <= set(entry)]
    exams = {entry["exam"] for entry in entries}
    same = {exam for exam in exams if same_exam(marks, set(unpack_marks(base64.b64decode(exam))))}
    return [entry for entry in entries if entry["exam"] in same]


def check_look(test_data, settings, reason=None):
    """Raise ValueError where a test set was scored before with other settings, and no reason is given for doing so again.

    settings: a JSON-able dict of all that may be chosen, the seed not among it: another seed chooses nothing. Of a finished
    model: the hash of its "weights", and how it reads.
    """
    others = [entry for entry in looks(test_data) if not same_system(entry, settings)]
    if others and not reason:
        last = others[-1]
        changed = sorted(
            name for name in settings.keys() | last["settings"].keys() if settings.get(name) != last["settings"].get(name)
        )
        raise ValueError(
            f"this test set, or reviews of it, was scored before with other settings ({', '.join(changed)} differed; on "
            f"{last['date']}, accuracy {last['accuracy']:.4f}). Who chooses settings by test scores fools himself: choose by "
            f'validation. For one more row of a table that is shown whole, say so: --another-look "why"'
        )


def same_system(entry, settings):
    """Whether a look was one at the system with these settings: all that was chosen, or the weights and how they read."""
    return settings.items() <= (NEW | entry["settings"] | {"weights": entry["weights"]}).items()


def note_look(test_data, settings, accuracy, seed=None, weights=None, reason=None):
    """Remember a score, with the hash of the weights that it belongs to. Returns how many were noted before it.

    A finished model that was scored before goes by the settings it had then, so that these may be run again. Where the look
    cannot be noted, a line on stderr says so, and the score stands.
    """
    before, marks = looks(test_data), sorted(marks_of(test_data))
    settings = next((entry["settings"] for entry in before if same_system(entry, settings)), settings)
    entry = {"exam": base64.b64encode(b"".join(marks)).decode(), "date": datetime.now(UTC).date().isoformat()}
    entry |= {"settings": settings, "seed": seed, "weights": weights, "accuracy": round(accuracy, 4), "reason": reason}
    try:
        ledger().parent.mkdir(parents=True, exist_ok=True)
        append_line(ledger(), entry)
    except OSError as error:
        print(f"this look at the test set could not be noted, so that it will not be counted: {error}", file=sys.stderr)
    return len(before)
