"""Keep the learning curve of a model that was pre-trained from zero: the control beside data/mini.

    bertnotes pretrain --start mini --random-init --steps 3965 --optimizer muon --learning-rate 1e-3 --compile --out runs/zero
    python tools/pretraining_control.py runs/zero

Writes data/results/pretraining-from-zero.json: the recipe and what was measured on the way. Notebook 06 shows it.
"""

import argparse
import json
import sys
from pathlib import Path

from bertnotes.experiments.pretrain import Pretraining, Recipe
from bertnotes.experiments.records import command_of, write_record
from bertnotes.files import RESULTS, read_lines

RESULT = RESULTS / "pretraining-from-zero.json"


def main(words=None):
    """Read the command line and do what it says; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="the folder that `bertnotes pretrain --random-init` wrote")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args(words)
    log = read_lines(options.run / "log.jsonl")
    if not log or not (options.run / "recipe.json").exists():
        print(f"pretraining_control: {options.run} holds no run; expected a folder of `bertnotes pretrain`", file=sys.stderr)
        return 2
    recipe = json.loads((options.run / "recipe.json").read_text(encoding="utf-8"))
    if log[-1]["tokens"] != recipe["steps"] * recipe["batch_size"] * recipe["length"]:
        print(f"pretraining_control: the run in {options.run} is not finished; go on with it first", file=sys.stderr)
        return 2
    run = Pretraining(start="mini", out=Path("runs/zero"), random_init=True, recipe=Recipe(**recipe))
    write_record(options.out, command=command_of("pretrain", run), recipe=recipe, log=log)
    return 0


if __name__ == "__main__":
    sys.exit(main())
