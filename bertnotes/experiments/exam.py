"""A test set is an exam: whoever looks at the marks and tries again is no longer being examined. Page 09.

What was scored on which test set is noted, so that choosing among settings by their test scores does not happen by accident.
Choosing belongs to validation reviews, which are carved from the training ones. Dwork et al. 2015, "The reusable holdout".
"""

from datetime import UTC, datetime

from bertnotes.experiments.engine import append_line, fingerprint, read_lines
from bertnotes.experiments.imdb import fingerprint as mark_of
from bertnotes.experiments.imdb import official_marks
from bertnotes.files import cache_root

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


def ledger():
    """The file that remembers what was scored, a line of JSON each. Deleting it forgets how often one looked."""
    return cache_root() / "exams.jsonl"


def looks(test_data):
    """What was scored so far on a test set, (texts, labels): a list of dicts with date, settings, seed, accuracy, reason."""
    exam = fingerprint(test_data)
    return [entry for entry in read_lines(ledger()) if entry["exam"] == exam]


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
            f"this test set was scored before with other settings ({', '.join(changed)} differed; on {last['date']}, accuracy "
            f"{last['accuracy']:.4f}). Who chooses settings by test scores fools himself: choose by validation. For one more "
            f'row of a table that is shown whole, say so: --another-look "why"'
        )


def same_system(entry, settings):
    """Whether a look was one at the system with these settings: they are the same, or so are the weights and how they read."""
    if entry["settings"] == settings:
        return True
    if entry["weights"] is None or entry["weights"] != settings.get("weights"):
        return False
    return all(entry["settings"].get(name) == value for name, value in settings.items() if name != "weights")


def note_look(test_data, settings, accuracy, seed=None, weights=None, reason=None):
    """Remember a score, with the hash of the weights that it belongs to. Returns how many were noted before it.

    A finished model that was scored before goes by the settings it had then, so that these may be run again.
    """
    before = looks(test_data)
    settings = next((entry["settings"] for entry in before if same_system(entry, settings)), settings)
    entry = {"exam": fingerprint(test_data), "date": datetime.now(UTC).date().isoformat(), "settings": settings}
    ledger().parent.mkdir(parents=True, exist_ok=True)
    append_line(ledger(), entry | {"seed": seed, "weights": weights, "accuracy": round(accuracy, 4), "reason": reason})
    return len(before)


def is_exam(test_data):
    """Whether reviews, (texts, labels), are a test set: one that was scored as such, or most of IMDB's official one."""
    return official_among(test_data[0]) > len(test_data[0]) / 2 or bool(looks(test_data))


def official_among(texts):
    """How many of these texts stand in IMDB's official test split."""
    marks = set(official_marks())
    return sum(mark_of(text) in marks for text in texts)
