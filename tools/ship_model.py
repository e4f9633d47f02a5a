"""Put a pre-trained model in place as the one that comes with the course.

    python tools/ship_model.py RUN [RUN ...] [--to data/mini]

RUN: folders that `bertnotes pretrain` wrote, each started from the one before it; an earlier data/mini may be the first.
Weights and tokenizer come from the last one. The learning curves are laid end to end in one log.jsonl: minutes and tokens
go on from run to run, and each line says which run it belongs to. The model card, README.md, is written by hand.
"""

import argparse
import shutil
import sys
from pathlib import Path

from bertnotes.files import MINI, lines_of, read_lines

MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")


def joined(logs):
    """Lay learning curves end to end. Returns entries with a number for the run, and minutes and tokens from the first start.

    What a later run measured before its first step is left out: it is the model with which the run before it ended.
    """
    whole = []
    for log in logs:
        last = whole[-1] if whole else {"run": 0, "minutes": 0, "tokens": 0}
        for entry in log[1:] if whole else log:
            run = last["run"] + entry.get("run", 1)
            sums = {name: round(last[name] + entry[name], 2) for name in ("minutes", "tokens")}
            whole.append({"run": run} | entry | {"run": run} | sums)
    return whole


def ship(runs, folder):
    """Copy the last run's model to a folder, with the joined log of all. ValueError, before anything is written, where a
    run's folder lacks a file."""
    missing = [f"{runs[-1]}/{name}" for name in MODEL_FILES if not (runs[-1] / name).is_file()]
    missing += [f"{run}/log.jsonl" for run in runs if not read_lines(run / "log.jsonl")]
    if missing:
        raise ValueError(f"not there: {', '.join(missing)}; is the run finished?")
    lines = lines_of(joined([read_lines(run / "log.jsonl") for run in runs]))
    folder.mkdir(parents=True, exist_ok=True)
    for name in MODEL_FILES:
        shutil.copyfile(runs[-1] / name, folder / name)
    (folder / "log.jsonl").write_text(lines, encoding="utf-8")


def main(words=None):
    """Read the command line and do what it says; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--to", type=Path, default=MINI)
    options = parser.parse_args(words)
    try:
        ship(options.runs, options.to)
    except (OSError, ValueError) as error:
        print(f"ship_model: {error}", file=sys.stderr)
        return 2
    print(f"{options.to}: model of {options.runs[-1]}, log of {len(options.runs)} runs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
