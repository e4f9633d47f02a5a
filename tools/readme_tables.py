"""Keep the generated parts of README.md in step with the files that they tell of.

    python tools/readme_tables.py [--check]

The results come from data/results/imdb-*.json, which `bertnotes train --record` writes, those of speed from bench-*.json
(speed_table.py); in the map of the course, each notebook that exists is linked and the others are marked. With --check
nothing is written, and the exit status is 1 where README.md is stale.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from speed_table import speed_tables

ROOT = Path(__file__).resolve().parent.parent
HEADINGS = (
    "model",
    "parameters",
    "training reviews",
    "tokens",
    "epochs",
    "seed",
    "accuracy on the official test split",
    "TF-IDF on the same reviews",
    "majority class",
    "training time",
    "peak memory",
    "hardware",
    "date",
)
NUMBERS = range(1, 11)  # the columns that are aligned right
OFFICIAL_TEST = 25_000  # reviews in the official test split
COMING = " (in preparation)"


def read_records(folder):
    """Read the IMDB records of a folder, in the order of the table. Returns a list of (path, record).

    Raises ValueError, with the file's name, where a file holds no record.
    """
    records = []
    for path in sorted(Path(folder).glob("imdb-*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path.name} is not JSON: {error}") from None
        if not isinstance(record, dict):
            raise ValueError(f"{path.name} holds a {type(record).__name__}; a record is an object with named fields")
        records.append((path, record))
    return sorted(records, key=lambda entry: (field(*entry, "train_reviews"), field(*entry, "parameters"), entry[0].name))


def field(path, record, name, kind=int):
    """Return one field of a record; a dot in the name leads into an inner object.

    Raises ValueError, naming file and field, where the field is missing or is not of the kind (a type, or several).
    """
    value = record
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            raise ValueError(f"{path.name} has no field {name!r}; `bertnotes train --record` writes it")
        value = value[part]
    if not isinstance(value, kind):
        raise ValueError(f"{path.name}: field {name!r} is {value!r}, which the table cannot show")
    return value


def table_row(path, record):
    """Return the cells of one record, as text."""

    def get(name, kind=int):
        return field(path, record, name, kind)

    name = get("name", str) if "name" in record else get("model", str)
    percent = [f"{100 * get(key, (int, float)):.1f} %" for key in ("accuracy", "tfidf_accuracy", "majority_accuracy")]
    keep = get("config.keep", str) if "keep" in record.get("config", ()) else "head"
    if get("test_reviews") != OFFICIAL_TEST:
        percent[0] += f" (of {get('test_reviews'):,} reviews only)"
    return [
        f"[{name}](data/results/{path.name})",
        f"{get('parameters') / 1e6:.1f} M",
        f"{get('train_reviews'):,}",
        str(get("config.max_length")) + (f", {keep}" if keep != "head" else ""),
        str(get("config.epochs")),
        str(get("config.seed")),
        *percent,
        duration(get("train_seconds", (int, float))),
        memory(get("train_peak_memory_mb", (int, float, type(None)))),
        f"{get('environment.device', str)}, {get('config.precision', str)}",
        get("environment.date", str),
    ]


def duration(seconds):
    """Say how long: "42 s", "12 min", "1 h 05 min"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def memory(megabytes):
    """Say how much memory; Windows does not tell, and the record then holds null."""
    return "not measured" if megabytes is None else f"{megabytes / 1000:.1f} GB"


def results_table(records):
    """Return the table of all records, as Markdown; with no records, one row that says so."""
    rows = [table_row(*entry) for entry in records] or [["no measured results yet", *[""] * (len(HEADINGS) - 1)]]
    rule = ["---:" if column in NUMBERS else "---" for column in range(len(HEADINGS))]
    return "\n".join(markdown_row(cells) for cells in (HEADINGS, rule, *rows))


def markdown_row(cells):
    """Return one row of a Markdown table; a line break or a bar in a cell cannot end it."""
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def course_map(rows, folder):
    """Return the rows of the map of the course, `| NN | title | question |`, each title linked where its notebook exists."""

    def with_state(match):
        number, title = match["number"], match["link"] or match["title"]
        found = sorted(Path(folder).glob(f"{number}_*.ipynb"))
        return f"| {number} | " + (f"[{title}](notebooks/{found[0].name})" if found else title + COMING) + " |"

    row = rf"^\| (?P<number>\d\d) \| (?:\[(?P<link>.+?)\]\(.*?\)|(?P<title>.+?)(?:{re.escape(COMING)})?) \|"
    return re.sub(row, with_state, rows, flags=re.MULTILINE)


def between(text, name, change):
    """Return the text with what stands between the markers of a name changed; ValueError where they are not there once."""
    begin, end = f"<!-- {name}:begin -->\n", f"\n<!-- {name}:end -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"README.md needs the lines {begin.strip()} and {end.strip()}, once each and in this order")
    head, rest = text.split(begin)
    middle, tail = rest.split(end)
    return head + begin + change(middle) + end + tail


def updated(readme, root=ROOT):
    """Return the text of README.md with its generated parts as the files under root have them."""
    table = results_table(read_records(root / "data" / "results"))
    readme = between(readme, "results", lambda _: table)
    readme = between(readme, "speed", lambda _: speed_tables(root / "data" / "results"))
    return between(readme, "course", lambda rows: course_map(rows, root / "notebooks"))


def main(words=None, root=ROOT):
    """Rewrite README.md, or check it; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 where README.md is stale")
    check, path = parser.parse_args(words).check, root / "README.md"
    try:
        old = path.read_text(encoding="utf-8")
        new = updated(old, root)
    except (OSError, ValueError) as error:
        print(f"readme_tables: {error}", file=sys.stderr)
        return 2
    if new == old:
        print("README.md agrees with data/results and notebooks")
    elif check:
        print("README.md is stale: python tools/readme_tables.py", file=sys.stderr)
    else:
        path.write_text(new, encoding="utf-8", newline="\n")
        print("README.md rewritten")
    return int(check and new != old)


if __name__ == "__main__":
    sys.exit(main())
