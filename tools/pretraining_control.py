"""Keep the learning curve of a model that was pre-trained from zero: the control beside data/mini.

    bertnotes pretrain --start mini --random-init --steps 3965 --optimizer muon --learning-rate 1e-3 --compile --out runs/zero
    python tools/pretraining_control.py runs/zero

Writes data/results/pretraining-from-zero.json: the recipe and what was measured on the way. Notebook 06 shows it.
"""

import argparse
import json
import sys
from pathlib import Path

from check import ROOT

from bertnotes.experiments.pretrain import read_log
from bertnotes.experiments.records import write_record

RESULT = ROOT / "data" / "results" / "pretraining-from-zero.json"


def main(words=None):
    """Read the command line and do what it says; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="the folder that `bertnotes pretrain --random-init` wrote")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args(words)
    log = read_log(options.run)
    if not log or not (options.run / "recipe.json").exists():
        print(f"pretraining_control: {options.run} holds no run; expected a folder of `bertnotes pretrain`", file=sys.stderr)
        return 2
    recipe = json.loads((options.run / "recipe.json").read_text(encoding="utf-8"))
    if log[-1]["tokens"] != recipe["steps"] * recipe["batch_size"] * recipe["length"]:
        print(f"pretraining_control: the run in {options.run} is not finished; go on with it first", file=sys.stderr)
        return 2
    write_record(options.out, command=command_of(recipe), recipe=recipe, log=log)
    return 0


def command_of(recipe):
    """The command that a recipe comes from; what it does not name are the defaults."""
    choice = {name: recipe[name] for name in ("steps", "optimizer", "learning_rate") if name in recipe}
    words = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in choice.items())
    return f"bertnotes pretrain --start mini --random-init {words} --compile --out runs/zero"


if __name__ == "__main__":
    sys.exit(main())
