"""The tables of speed in README.md, from the records that `bertnotes bench --record` writes to data/results/bench-*.json."""

from pathlib import Path

from results_table import markdown_row as row

from bertnotes.experiments.records import read_record

TASKS = ("training", "accuracy", "prediction")  # in the order of the page
HEADINGS = ("", "tokens of the reviews a second", "bertnotes is so many times as fast (worst and best round)")
HEADINGS += ("positions computed for a token", "memory")


def speed_tables(folder):
    """A heading line and a table for each record of a comparison in a folder, as Markdown; a line for each of accuracy.

    Raises ValueError, naming the file, where a record lacks what the table needs.
    """
    parts = []
    for path in sorted(Path(folder).glob("bench-*.json")):
        try:
            record = read_record(path)
            made = accuracy_line(path.name, record) if record["task"] == "accuracy" else speed_table(path.name, record)
            parts.append((TASKS.index(record["task"]), path.name, made))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path.name} is no record of `bertnotes bench` ({error!r})") from None
    return "\n\n".join(made for *_, made in sorted(parts)) or "no measurements yet"


def about(name, record, work):
    """What was measured, and where: one line."""
    layers = f"the first {record['layers']} layers of {record['model']}" if record["layers"] else f"all of {record['model']}"
    where, rates = record["environment"], record.get("matrix_gigaflops")
    units = "" if rates is None else ", bf16" if rates["bf16"] > rates["fp32"] else ", fp32: it has no units for bf16"
    return (
        f"**{work}** with {layers} at {record['max_length']} tokens, batches of {record['batch_size']} "
        f"([record](data/results/{name}): {where['device']}{units}, {where['date']}"
    )


def speed_table(name, record):
    """A comparison of speed."""
    rounds = len({reading["round"] for reading in record["readings"]})
    lines = [f"{about(name, record, record['task'].capitalize())}, {rounds} round{'s' * (rounds > 1)}):", ""]
    lines += [row(HEADINGS), row(["---", *["---:"] * (len(HEADINGS) - 1)])]
    for side, found in record["summary"].items():
        ratio = f"{found['ratio']:.2f} ({found['least']:.2f} to {found['most']:.2f})" if side != "bertnotes" else ""
        ratio = ratio if rounds > 1 else ratio.partition(" ")[0]
        padding = f"{found['positions_per_token']:.2f}"
        lines.append(row([side, f"{found['tokens_per_second']:,}", ratio, padding, f"{found['memory_mb'] / 1000:.1f} GB"]))
    return "\n".join(lines)


def accuracy_line(name, record):
    """A comparison of what was learned."""
    rows = record["rows"]
    sides = [f"{side} {', '.join(f'{row[side]:.1%}' for row in rows)}" for side in rows[0] if side != "seed"]
    return (
        f"{about(name, record, 'As good?')}): after one epoch on {record['sample']:,} reviews, {len(rows)} "
        f"seed{'s' * (len(rows) > 1)}, of {record['held_out']:,} held-out training reviews each has so many right: "
        f"{'; '.join(sides)}."
    )
