"""What must hold for the cells of every notebook, in the old form or the new: each function returns complaints, none where all
is well. The build calls them before it runs a page and before it replaces one; the tests, on what is stored.
"""

import re

from form import tags

FOLDER = re.compile(r"(?<![\w.])/(?:home|Users|root|tmp|usr|opt|work|mnt)/[\w./-]+|[A-Z]:\\Users")
LARGEST_FILE, LONGEST_CODE, LONGEST_PROSE = 1_500_000, 15, 10  # bytes of a page; lines of a cell


def of_source(notebook):
    """What can be told before a notebook is run."""
    return long_cells(notebook) + skipped(notebook)


def of_outputs(notebook, size, solutions=False):
    """What can be told once it was run. size: of its file, in bytes."""
    found = bad_outputs(notebook) + not_compared(notebook) + (unsolved(notebook) if solutions else [])
    if size > LARGEST_FILE:
        found.append(f"{size:,} bytes, at most {LARGEST_FILE:,}; draw smaller pictures, or show a view once")
    if "widgets" in notebook.metadata:
        found.append("widgets in the metadata, which are blank offline; print or draw instead")
    return found


def bad_outputs(notebook):
    """Complain of errors, but where the cell is meant to raise one, and of warnings (all that went to stderr)."""
    complaints = []
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            if output.output_type == "error" and "raises-exception" not in tags(cell):
                complaints.append(f"cell {number}: its output is an error, {output.ename}: {output.evalue}")
            if output.get("name") == "stderr":
                complaints.append(f"cell {number}: its output is a warning: {output.text.strip()}")
            if "image/png" in output.get("data", {}) and not output.metadata.get("image/png", {}).get("alt"):
                complaints.append(f"cell {number}: its picture has no alternative text; put it under a heading")
            words = [output.get("text", ""), output.get("data", {}).get("text/plain", ""), *output.get("traceback", [])]
            if found := FOLDER.search(" ".join(words)):
                complaints.append(f"cell {number}: its output names a folder of the machine that made it: {found[0]}")
    return complaints


def prose_lines(markdown):
    """Count the non-blank lines, without tables and without formulas that stand between $$ and $$."""
    text = re.sub(r"\$\$.*?\$\$", "", markdown, flags=re.DOTALL)
    return sum(1 for line in text.splitlines() if line.strip() and not line.lstrip().startswith("|"))


def long_cells(notebook):
    """Complain of cells that hold more than one idea, going by their length."""
    complaints = []
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code" and (lines := len(cell.source.splitlines())) > LONGEST_CODE:
            complaints.append(f"cell {number}: {lines} lines of code, at most {LONGEST_CODE}; make two cells of it")
        if cell.cell_type == "markdown" and (lines := prose_lines(cell.source)) > LONGEST_PROSE:
            complaints.append(f"cell {number}: {lines} lines of prose, at most {LONGEST_PROSE}; make two cells of it")
    return complaints


def not_compared(notebook):
    """Complain of cells whose output nbval ignores: it may only where that is HTML or a timing."""
    complaints = []
    for number, cell in enumerate(notebook.cells, start=1):
        html = any("text/html" in output.get("data", {}) for output in cell.get("outputs", []))
        if "nbval-ignore-output" in tags(cell) and not html and "timing" not in tags(cell):
            complaints.append(f"cell {number}: tagged nbval-ignore-output, but neither HTML nor tagged timing")
    return complaints


def skipped(notebook):
    """Complain of cells that nbval would not run or compare, by a tag or a comment."""
    return [
        f"cell {number}: nbval may not be told to skip it, nor by a comment to ignore its output"
        for number, cell in enumerate(notebook.cells, start=1)
        if "nbval-skip" in tags(cell) or (cell.cell_type == "code" and re.search(r"#\s*(NBVAL_|PYTEST_VALIDATE)", cell.source))
    ]


def unsolved(notebook):
    """Complain of checks that do not call a solution right."""
    return [
        f"cell {number}: its check does not say that it is right"
        for number, cell in enumerate(notebook.cells, start=1)
        if cell.source.rpartition("\n")[2].startswith("check(")
        and [output.get("data", {}).get("text/plain", "").split(" ")[0] for output in cell.outputs] != ["Right."]
    ]
