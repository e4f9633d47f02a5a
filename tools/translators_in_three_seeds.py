"""Write data/results/translators-in-three-seeds.json: which numbers of a row two small translators get right. Page 02.

    python tools/translators_in_three_seeds.py [--seeds 3] [--rows 1000] [--epochs 4 12]

Each seed draws parameters and training rows. Both translators of a seed start from the same, and all meet the same new rows
of each length. `numbers` holds the share right of each number of a row, `rows` that of rows without a mistake.
"""

import argparse
import shlex
import sys
from pathlib import Path

import torch
from of_a_run import rounded

from bertnotes.experiments.records import write_record
from bertnotes.files import RESULTS
from bertnotes.translator import LONGEST, Translator, make_rows, new_rows, right_numbers, train

MODELS = {"with attention": "all", "without": "last"}
READS = {"own words": False, "right words": True}  # what the decoder reads


def measure(seed, epochs, rows):
    """Both translators of a seed: {model: {what it reads: {length: numbers}}}, with the rows and the last losses."""
    data, found = make_rows(6400, seed), {}
    exams = {length: new_rows(rows, 100 + length, length, known=data[0]) for length in range(2, LONGEST + 1)}
    for name, looks_at in MODELS.items():
        torch.manual_seed(seed)
        model = Translator(looks_at)
        loss = sum(train(model, *data, epochs)[-50:]) / 50
        hits = {
            reads: {n: right_numbers(model, *exam, right).float() for n, exam in exams.items()}
            for reads, right in READS.items()
        }
        found[name] = {
            "numbers": {reads: {n: rounded(hit.mean(dim=0)) for n, hit in of.items()} for reads, of in hits.items()},
            "rows": {n: round(hit.prod(dim=1).mean().item(), 4) for n, hit in hits["own words"].items()},
            "loss": round(loss, 4),
        }
        print(seed, epochs, name, found[name]["rows"], flush=True)
    return found


def main(words=None):
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="how many; they count from 0")
    parser.add_argument("--rows", type=int, default=1000, help="new rows of each length, less those that were trained on")
    parser.add_argument("--epochs", type=int, nargs="+", default=[4, 12], help="how long to train, each in a run of its own")
    parser.add_argument("--out", type=Path, default=RESULTS / "translators-in-three-seeds.json")
    options = parser.parse_args(words)
    runs = {str(epochs): [measure(seed, epochs, options.rows) for seed in range(options.seeds)] for epochs in options.epochs}
    command = shlex.join(["python", "tools/translators_in_three_seeds.py", *(sys.argv[1:] if words is None else words)])
    write_record(options.out, command=command, seeds=list(range(options.seeds)), rows=options.rows, epochs=runs)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
