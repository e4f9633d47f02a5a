"""The budgets: how large each thing may be that a clone, a page or a wheel carries. The tools hold the same numbers."""

import re

import cells
import figures
import pytest

ROOT = figures.ROOT
WHEEL = re.search(r"^MOST = (\S+)", (ROOT / "tests/tools/test_package.py").read_text(encoding="utf-8"), re.MULTILINE)[1]
BUDGETS = {  # what: (its files, whether each or all of them, bytes, what the tools hold)
    "a page": ("notebooks/*.ipynb", max, 1_500_000, cells.LARGEST_FILE),
    "its exercises and solutions": ("notebooks/[es]*s/*.ipynb", max, 1_500_000, cells.LARGEST_FILE),
    "an animated PNG": ("notebooks/figures/*.png", max, 400_000, figures.MOST_OF_ONE),
    "all figures": ("notebooks/figures/*", sum, 6_000_000, figures.MOST_OF_ALL),
    "what a wheel carries": ("data/mini/*", sum, 40_000_000, int(float(WHEEL))),
}


@pytest.mark.parametrize("what", BUDGETS)
def test_budget(what):
    pattern, together, most, held = BUDGETS[what]
    sizes = {path.name: path.stat().st_size for path in ROOT.glob(pattern) if path.is_file()}
    assert sizes, f"no {pattern}: is the table out of date?"
    assert held == most, f"the tools hold {held:,} for {what}, this table {most:,}"
    found = together(sizes.values())
    assert found <= most, f"{what}: {found:,} bytes, at most {most:,}; largest: {max(sizes, key=sizes.get)}"
