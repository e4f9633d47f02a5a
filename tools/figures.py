"""Draw the pictures that the pages embed: notebooks/figures, from bertnotes/pictures/drawings.

    python tools/figures.py [--only 01] [--check]

A drawing is an SVG, the same text each time; where motion is the idea, an animated PNG.
"""

import argparse
import pkgutil
import sys
from importlib import import_module
from itertools import accumulate

import numpy as np
from check import ROOT
from PIL import Image

from bertnotes.files import whole
from bertnotes.pictures import drawings
from bertnotes.pictures.drawings import film

FOLDER = ROOT / "notebooks" / "figures"
MOST_OF_ALL, MOST_OF_ONE = 6_000_000, 400_000  # bytes
PAGES = [import_module(f"{drawings.__name__}.{module.name}") for module in pkgutil.iter_modules(drawings.__path__)]
DRAWINGS = {name: draw for page in PAGES for name, draw in page.DRAWINGS.items()}
ANIMATIONS = {name: made for page in PAGES for name, made in page.ANIMATIONS.items()}
NAMES = sorted(DRAWINGS | ANIMATIONS)


def draw(name):
    """What belongs into a file, as bytes."""
    if name in DRAWINGS:
        return DRAWINGS[name]().encode()
    moments, frame = ANIMATIONS[name]
    return film(moments(), frame)


def played(path):
    """An animated PNG as what one sees: [(milliseconds from the start to its end, RGB image)]."""
    frames, end = [], 0
    with Image.open(path) as image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            end += image.info.get("duration", 0)
            frames.append((end, image.convert("RGB")))
    return frames


def is_played(name, path, moments=3):
    """Whether a file shows an animation: its time, and what one sees at a few moments (to draw all of them takes a minute)."""
    expected, frame = ANIMATIONS[name][0](), ANIMATIONS[name][1]
    stored, ends = played(path), list(accumulate(moment.milliseconds for moment in expected))
    if stored[-1][0] != ends[-1]:
        return False
    for number in np.linspace(len(expected) - 1, 0, moments).round().astype(int):
        seen = next(image for end, image in stored if end >= ends[number])
        wanted = frame(expected[number])
        # a palette changes colours a little, and so may another processor's rounding
        if seen.size != wanted.size or np.abs(np.asarray(seen, int) - np.asarray(wanted, int)).max() > 40:
            return False
    return True


def agrees(name, path):
    """Whether a file holds what the code draws."""
    return path.read_bytes() == draw(name) if name in DRAWINGS else is_played(name, path)


def complaints(folder=FOLDER, only=("",)):
    """Say which files are missing, too many, too large, or not what the code draws. only: beginnings of their names."""
    stored = {path.name: path for path in folder.glob("*") if path.name.startswith(tuple(only))}
    sizes = {name: path.stat().st_size for name, path in stored.items()}
    names = [name for name in NAMES if name.startswith(tuple(only))]
    found = [f"{name}: no function draws it" for name in sorted(stored.keys() - set(names))]
    found += [f"{name} does not exist; make it: python tools/figures.py" for name in names if name not in stored]
    found += [f"{name}: {size:,} bytes, at most {MOST_OF_ONE:,}" for name, size in sizes.items() if size > MOST_OF_ONE]
    if sum(sizes.values()) > MOST_OF_ALL:
        found.append(f"all figures have {sum(sizes.values()):,} bytes, at most {MOST_OF_ALL:,}")
    old = [name for name in names if name in stored and not agrees(name, stored[name])]
    return found + [f"{name} is not what the code draws; make it anew: python tools/figures.py" for name in old]


def main(arguments=None, folder=FOLDER):
    """Read the command line and do what it says; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="NN", help="only the figures whose names begin so")
    parser.add_argument("--check", action="store_true", help="draw nothing: say whether the files are what the code draws")
    options = parser.parse_args(arguments)
    if options.check:
        wrong = complaints(folder, options.only or [""])
        print("\n".join(wrong) or "the figures are what the code draws", file=sys.stderr if wrong else sys.stdout)
        return 1 if wrong else 0
    names = [name for name in NAMES if not options.only or name.startswith(tuple(options.only))]
    if not names:
        print(f"no figure begins with {' or '.join(options.only)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in names:
        with whole(folder / name) as partial:
            partial.write_bytes(draw(name))
        print(f"{name}: {(folder / name).stat().st_size:,} bytes", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
