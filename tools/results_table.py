"""The tables of results on IMDB in README.md and docs/results.md, from the records data/results/imdb-*.json.

Records of one row (the same settings, other seeds) make one line: their mean, and its interval.
"""

import statistics
from dataclasses import fields
from pathlib import Path

from scipy import stats

from bertnotes.evaluation import wilson_interval
from bertnotes.experiments.costs import duration
from bertnotes.experiments.engine import Machine
from bertnotes.experiments.records import read_record
from bertnotes.experiments.table import ROWS
from bertnotes.training import TrainConfig

HEADINGS = (
    "system",
    "parameters",
    "training reviews",
    "tokens",
    "accuracy on the official test split",
    "95 % interval",
    "seeds",
    "training time",
    "peak memory",
    "hardware",
    "date",
)
FEW_HEADINGS = ("system", "tokens", "accuracy on the official test split", "seeds", "date")
FIVE = ("tfidf", "nbsvm", "mini-random", "mini-imdb", "minilm-512")
NUMBERS = (1, 2, 4, 6, 7, 8)  # the columns that are aligned right
# the same in all runs of a row; how many reviews they trained on differs by a few, because copies stay on one side of a split
LEARNED = {setting.name for setting in fields(TrainConfig)} - {"seed", "precision"} - {part.name for part in fields(Machine)}
SETTINGS = {"model", "parameters", "test_reviews", *LEARNED}
OFFICIAL_TEST = 25_000  # reviews in the official test split


def read_records(folder):
    """Read the IMDB records of a folder. Returns {row: [(path, record), ...]}, in the order of the table.

    Raises ValueError, with the file's name, where a file holds no record.
    """
    rows = {}
    for path in sorted(Path(folder).glob("imdb-*.json")):
        record = read_record(path)
        rows.setdefault(record.get("row", path.stem), []).append((path, record))
    order = list(ROWS)
    return dict(
        sorted(rows.items(), key=lambda one: (one[0] not in ROWS, order.index(one[0]) if one[0] in ROWS else 0, *size(one[1])))
    )


def size(records):
    """What rows that are not in the plan are sorted by."""
    return (
        field(*records[0], "train_reviews"),
        field(*records[0], "parameters", (int, type(None)), None) or 0,
        records[0][0].name,
    )


def field(path, record, name, kind=int, *default):
    """Return one field of a record; a dot in the name leads into an inner object.

    Raises ValueError, naming file and field, where the field is missing and has no default, or is not of the kind (a type, or
    several).
    """
    value = record
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            if default:
                return default[0]
            raise ValueError(f"{path.name} has no field {name!r}; `bertnotes train --record` writes it")
        value = value[part]
    if not isinstance(value, kind):
        raise ValueError(f"{path.name}: field {name!r} is {value!r}, which the table cannot show")
    return value


def check_one_row(records):
    """Raise ValueError, naming two files, where runs that are to make one line differ in more than their seeds and machines.

    What a run of an earlier version does not say is not compared.
    """
    (first, known), seeds = records[0], {}
    for path, record in records:
        one, other = ({**told, **told.get("config", {})} for told in (known, record))
        different = sorted(name for name in SETTINGS & one.keys() & other.keys() if one[name] != other[name])
        if different:
            raise ValueError(f"{first.name} and {path.name} are of one row and differ in {', '.join(different)}")
        if (twin := seeds.setdefault(get_seed(path, record), path)) != path:
            raise ValueError(f"{twin.name} and {path.name} are of one row and of the same seed")


def table_row(records):
    """Return the cells of one line, as text. records: (path, record) of runs that differ in their seeds.

    Raises ValueError where they differ in more.
    """
    check_one_row(records)
    path, record = records[0]
    field(path, record, "model", str)

    def get(name, kind=int, *default):
        return field(path, record, name, kind, *default)

    def each(name, kind=(int, float)):
        return [field(*one, name, kind) for one in records]

    accuracies, parameters, machines = each("accuracy"), get("parameters", int, None), by_hardware(records)
    return [
        name_of(record),
        f"{parameters / 1e6:.1f} M" if parameters else "",
        f"{get('train_reviews'):,}",
        tokens(get),
        f"{100 * statistics.mean(accuracies):.2f} %"
        + (f" (of {get('test_reviews'):,} reviews only)" if get("test_reviews") != OFFICIAL_TEST else ""),
        interval(accuracies, get("test_reviews")),
        ", ".join(f"[{get_seed(*one)}: {100 * one[1]['accuracy']:.2f}](data/results/{one[0].name})" for one in records),
        "; ".join(training_time(runs) for runs in machines.values()),
        "; ".join(memory(runs) for runs in machines.values()),
        "; ".join(machines),
        max(each("environment.date", str)),
    ]


def by_hardware(records):
    """The runs on each kind of machine: {what it is: [(path, record), ...]}."""
    machines = {}
    for one in records:
        machines.setdefault(hardware(*one), []).append(one)
    return machines


def hardware(path, record):
    """What a run ran on, in which precision, and how many of its kind at a time."""
    precision, jobs = field(path, record, "config.precision", str, None), field(path, record, "jobs", int, 1)
    words = [field(path, record, "environment.device", str), precision, f"{jobs} runs at a time" if jobs > 1 else None]
    return ", ".join(word for word in words if word)


def training_time(records):
    """The mean of what the runs took."""
    return duration(statistics.mean(field(*one, "train_seconds", (int, float)) for one in records))


def memory(records):
    """The most that one of the runs held."""
    held = [field(*one, "train_peak_memory_mb", (int, float, type(None))) for one in records]
    return f"{max(filter(None, held)) / 1000:.1f} GB" if any(held) else "not measured"


def get_seed(path, record):
    """The seed of a run, or the word "record" where there are no dice: what leads to the record."""
    return field(path, record, "config.seed", int, "record")


def name_of(record):
    """What a system is called: as its record or its row says, else by its model; with what is special about its run."""
    row = ROWS.get(record.get("row"))
    special = {
        "encoder frozen": record.get("config", {}).get("frozen"),
        "random weights instead of pre-trained ones": record.get("random_init"),
    }
    name = record.get("name") or (row and row.title) or record["model"]
    return ", ".join([name, *(words for words, holds in special.items() if holds)])


def tokens(get):
    """How much of a review a system reads."""
    if (length := get("config.max_length", int, None)) is None:
        return "all"
    truncation = get("config.truncation", str, "head")
    return str(length) + (f", {truncation}" if truncation != "head" else "")


def interval(accuracies, count):
    """The interval of a mean accuracy: over seeds (Student's t) where there are several, else that of one set of so many test
    reviews (Wilson's), in italics, which says nothing of other seeds. None where that of the mean would reach beyond 100 %."""
    if len(accuracies) == 1:
        found = wilson_interval(round(accuracies[0] * count), count)
        return f"*{100 * found.low:.2f} to {100 * found.high:.2f}*"
    middle, error = statistics.mean(accuracies), statistics.stdev(accuracies) / len(accuracies) ** 0.5
    band = stats.t.ppf(0.975, len(accuracies) - 1) * error
    return f"{100 * (middle - band):.2f} to {100 * (middle + band):.2f}" if middle + band <= 1 else "too far apart"


def results_table(rows, headings=HEADINGS):
    """Return the table of all records, as Markdown; with no records, one line that says so."""
    lines = [table_row(records) for records in rows.values()] or [["no measured results yet", *[""] * (len(HEADINGS) - 1)]]
    columns = [HEADINGS.index(heading) for heading in headings]
    rule = ["---:" if column in NUMBERS else "---" for column in columns]
    return "\n".join(markdown_row(cells) for cells in (headings, rule, *([line[at] for at in columns] for line in lines)))


def five_results(folder):
    """Return what the README shows: the rows of FIVE, in their order, with few columns."""
    rows = read_records(folder)
    return results_table({row: rows[row] for row in FIVE if row in rows}, FEW_HEADINGS)


def all_results(folder):
    """Return the table of a folder's records, and which rows of `bertnotes reproduce` have none yet."""
    rows = read_records(folder)
    names = ", ".join(f"`{row}`" for row in ROWS if row not in rows)
    return results_table(rows) + (f"\n\nNot measured yet: {names}. `bertnotes reproduce --row NAME` runs one." if names else "")


def markdown_row(cells):
    """Return one row of a Markdown table; a line break or a bar in a cell cannot end it."""
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
