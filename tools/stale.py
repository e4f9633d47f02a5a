"""List what is out of step with what it rests on, in the order in which to rebuild it, each with the command that does so:
records, drawings, pages, the tables in README.md.

    python tools/stale.py [--warn]

The exit status is 1 where something is, 0 with --warn.
"""

import argparse
import json
import sys

import figures
import readme_tables
from build_notebooks import NOTEBOOKS, complaints_about, label, out_of_step, sources, target, that_are_run

from bertnotes.files import MINI, MINI_IMDB, RESULTS, REVIEWS, hash_of

KINDS = {"code": "the library's code", "mini": "mini", "reviews": "the reviews", "records": "the records that it reads"}


def stale_records(folder=RESULTS, delta=MINI_IMDB):
    """Records, and the delta, that hold a hash of mini or of the reviews which is no longer true: {what: command}."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(record, dict) and (changed := changed_since(record)):
            found[f"{path.name}: was measured with other {' and '.join(changed)}"] = record.get("command", "")
    config = delta / "config.json"
    if config.exists() and json.loads(config.read_text(encoding="utf-8"))["bertnotes"]["base_sha256"] != hash_of_mini():
        found[f"{delta.name}: was trained on another mini"] = "train it anew, or put back the mini that it was trained on"
    return found


def changed_since(record):
    """Which of mini and the reviews are not those whose hash a record holds. Under "data" stands that of the reviews, but where
    the command names another table."""
    data = None if "--data" in record.get("command", "") else record.get("data")
    reviews = [hash_of(path) for path in sorted(REVIEWS.parent.glob("reviews*.csv"))]  # also the frozen ones
    held = {"mini": (record.get("mini"), [hash_of_mini()]), "reviews": (data, reviews)}
    return [name for name, (then, now) in held.items() if isinstance(then, str) and then not in now]


def hash_of_mini():
    """SHA-256 of mini's weights."""
    return hash_of(MINI / "model.safetensors")


def stale_drawings():
    """Drawings that are not what the code draws: {what: command}."""
    return dict.fromkeys(figures.complaints(), "python tools/figures.py")


def stale_pages(folder=NOTEBOOKS):
    """Pages that are not what their sources make, or that ran on something else than what is there: {what: command}."""
    found = {}
    for source, edition in that_are_run(sources(folder)):
        name, number = label(source, edition), source.name[:2]
        if complaints_about(source, edition):
            found[f"{name}: not what its source makes"] = f"make notebooks ONLY={number}"
        elif changed := out_of_step(source, edition):
            holds = f"; where its outputs still hold: python tools/build_notebooks.py --stamp --only {number}"
            what = f"{name}: ran on other {', '.join(KINDS[kind] for kind in changed)}"
            found[what] = f"make notebooks ONLY={number} FORCE=1{holds}"
    return found


def unstamped(folder=NOTEBOOKS):
    """Names of stored pages that do not say what they rest on."""
    made = that_are_run(sources(folder))
    return [label(*one) for one in made if '"bertnotes": {' not in target(*one).read_text(encoding="utf-8")]


def stale_tables():
    """The tables in README.md and docs/, where they are not what the files say: {what: command}."""
    return {f"{file}: its tables": "python tools/readme_tables.py" for file in readme_tables.stale()}


def main(arguments=None):
    """Print the list; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--warn", action="store_true", help="exit status 0, whatever there is")
    warn = parser.parse_args(arguments).warn
    found = stale_records() | stale_drawings() | stale_pages() | stale_tables()
    for what, command in found.items():
        print(f"{what}\n    {command}")
    print(f"{len(found)} out of step, in the order in which to rebuild them" if found else "nothing is out of step")
    return int(bool(found) and not warn)


if __name__ == "__main__":
    sys.exit(main())
