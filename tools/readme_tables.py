"""Keep the generated parts of README.md and docs/ in step with the files that they tell of.

    python tools/readme_tables.py [--check]

The results come from data/results/imdb-*.json (results_table.py), those of speed from bench-*.json (speed_table.py); the table
of the course comes from the sources of its pages (course.py); the map of the library is module_map.py's.
With --check nothing is written, and the exit status is 1 where a file is stale.
"""

import argparse
import sys
from pathlib import Path

from course import course_table
from module_map import map_of_modules
from results_table import all_results, five_results
from speed_table import speed_tables

ROOT = Path(__file__).resolve().parent.parent
PARTS = {  # file: what of it is generated, and by what from the root
    "README.md": {
        "course": lambda root: course_table(root / "notebooks" / "src", "notebooks/"),
        "five": lambda root: five_results(root / "data" / "results"),
    },
    "docs/library.md": {"modules": map_of_modules},
    "docs/results.md": {"results": lambda root: all_results(root / "data" / "results")},
    "docs/benchmarks.md": {"speed": lambda root: speed_tables(root / "data" / "results")},
}


def between(text, name, new, file):
    """Return the text with what stands between the markers of a name replaced; ValueError where they are not there once."""
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"{file} needs the lines {begin.strip()} and {end}, once each and in this order")
    return text.partition(begin)[0] + begin + new + "\n" + end + text.partition(end)[2]


def updated(file, root=ROOT):
    """Return the text of a file with its generated parts as the files under root have them. file: one of PARTS."""
    text = (root / file).read_text(encoding="utf-8")
    for name, make in PARTS[file].items():
        text = between(text, name, make(root).replace("](", "](" + "../" * file.count("/")), file)  # links are from the root
    return text


def stale(root=ROOT):
    """The files whose generated parts are not what they should be: {file: its new text}."""
    return {file: new for file in PARTS if (new := updated(file, root)) != (root / file).read_text(encoding="utf-8")}


def main(words=None, root=ROOT):
    """Rewrite the files, or check them; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 where a file is stale")
    check = parser.parse_args(words).check
    try:
        found = stale(root)
    except (OSError, ValueError) as error:
        print(f"readme_tables: {error}", file=sys.stderr)
        return 2
    for file, text in found.items():
        if check:
            print(f"{file} is stale: python tools/readme_tables.py", file=sys.stderr)
        else:
            (root / file).write_text(text, encoding="utf-8", newline="\n")
            print(f"{file} rewritten")
    if not found:
        print(f"{', '.join(PARTS)} agree with data/results and notebooks")
    return int(check and bool(found))


if __name__ == "__main__":
    sys.exit(main())
