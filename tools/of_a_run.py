"""What tools share that look into a fine-tuned model: its folder, the record of its run, and a record of their own."""

import argparse
import shlex
import sys
from pathlib import Path

from results_table import field

from bertnotes.experiments.engine import read_lines
from bertnotes.experiments.records import read_record, write_record
from bertnotes.files import RESULTS


def parser_of(about, record):
    """A parser with what all of them take. about: the tool's docstring; record: the name of the file that it writes."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the fine-tuned model")
    parser.add_argument("--record-of", type=Path, required=True, help="the record of the run that made it")
    parser.add_argument("--out", type=Path, default=RESULTS / record)
    return parser


def check_run(folder, path, run):
    """Raise ValueError where the losses of a run, epoch by epoch, are not those that its record tells of."""
    histories = read_lines(folder / "history.jsonl"), field(path, run, "history", list)
    noted, told = ([epoch.get("train_loss") for epoch in history] for history in histories)
    if not noted or noted != told:
        raise ValueError(f"{folder} is not the run that {path.name} tells of: their losses differ, epoch by epoch")


def rounded(values):
    """Numbers for a record, four digits behind the point: a tensor, or a list of such, of whatever shape as lists."""
    if isinstance(values, float):
        return round(values, 4)
    return [rounded(value) for value in (values if isinstance(values, list) else values.tolist())]


def carry_out(tool, parser, arguments, find):
    """Write a record of what find(options, run) returns, a dict. Returns the exit status: 2, and one line, for bad input."""
    options = parser.parse_args(arguments)
    try:
        run = read_record(options.record_of)
        told = {name: field(options.record_of, run, name, (int, float)) for name in ("train_reviews", "accuracy")}
        check_run(options.folder, options.record_of, run)
        found = find(options, run)
    except (OSError, ValueError) as error:
        print(f"{tool}: {error}", file=sys.stderr)
        return 2
    command = shlex.join(["python", f"tools/{tool}.py", *(sys.argv[1:] if arguments is None else arguments)])
    write_record(options.out, command=command, run=options.record_of.name, **told, **found)
    print(f"wrote {options.out}")
    return 0
