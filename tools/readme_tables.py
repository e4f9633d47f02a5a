"""Keep the generated parts of README.md in step with the files that they tell of.

    python tools/readme_tables.py [--check]

The results come from data/results/imdb-*.json (results_table.py), those of speed from bench-*.json (speed_table.py); the table
of the course comes from the sources of its pages (course.py); the map of the library is module_map.py's.
With --check nothing is written, and the exit status is 1 where README.md is stale.
"""

import argparse
import sys
from pathlib import Path

from course import course_table
from module_map import map_of_modules
from results_table import not_measured, read_records, results_table
from speed_table import speed_tables

ROOT = Path(__file__).resolve().parent.parent


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
    rows = read_records(root / "data" / "results")
    results = f"{results_table(rows)}\n\n{not_measured(rows)}".strip()
    readme = between(readme, "results", lambda _: results)
    readme = between(readme, "modules", lambda _: map_of_modules(root))
    readme = between(readme, "speed", lambda _: speed_tables(root / "data" / "results"))
    return between(readme, "course", lambda _: course_table(root / "notebooks" / "src", "notebooks/"))


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
