"""The editions of a page's exercises, all from the one master in its source: what the lesson shows of them, a notebook of
stubs to fill in, a notebook of solutions, and the texts that `hint` and `solution` show.

In the source, cells tagged `exercise:NAME` are a task (Markdown, headed "### title · ●● · 8 minutes") and its code; the lines
from `# solution` to `# end of solution` are what the learner writes. After `# instead:` stands, as a comment, what the stub has
in their place (`...  # your code`, if nothing). Cells tagged `hint:NAME` and `reason:NAME` are what their names say. Of the
cells tagged `exercises`, the Markdown goes into the lesson, with a list of the exercises; the code opens both notebooks.
"""

import json
import re

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

HEADING = re.compile(r"### (?P<title>.+) · (?P<difficulty>●{1,3}) · (?P<minutes>\d+) minutes\n")
SOLUTION = re.compile(r"^( *)# solution\n(.*?)(?:^ *# instead:\n(.*?))?^ *# end of solution\n", re.MULTILINE | re.DOTALL)
CHECK = re.compile(r"\n*^check\(\"(\w+)\", .+\)\s*\Z", re.MULTILINE)
STUBS = """\
# {title}: exercises

Write what is missing, then run the cell: `check` says what is right, or what is wrong and why. Try as often as you like.
`hint("{first}")` helps you on by a step, each time you run it; `solution("{first}")` shows a solution and its reason.

Work in the copy of this notebook in `notebooks/my`, which `make lab` puts there. What passes is kept beside it in
`my_bert.py`, the beginning of a BERT of your own. The lesson is [{lesson}](../{lesson})."""
SOLUTIONS = """\
# {title}: solutions

One way to write each, run and checked. Yours may look different and be just as right. The exercises:
[{file}](../exercises/{file})."""


def tagged(cell, kind):
    """The name in a cell's tag `kind:name`, "" where it has none."""
    return next((tag.partition(":")[2] for tag in cell.metadata.get("tags", []) if tag.startswith(f"{kind}:")), "")


def belongs(cell):
    """Whether a cell is of the exercises and no cell of the lesson."""
    kinds = [tag.partition(":")[0] for tag in cell.metadata.get("tags", [])]
    return bool({"exercise", "hint", "reason"} & set(kinds)) or ("exercises" in kinds and cell.cell_type == "code")


def has_exercises(master):
    """Whether a source has any."""
    return any(tagged(cell, "exercise") for cell in master.cells)


def filled(source):
    """The code of an exercise as a solution."""
    return SOLUTION.sub(lambda found: found[2], source)


def emptied(source):
    """The code of an exercise as a stub."""

    def stub(found):
        if found[3]:
            return re.sub(r"^( *)# ?", r"\1", found[3], flags=re.MULTILINE)
        return f"{found[1]}...  # your code\n"

    return SOLUTION.sub(stub, source)


def texts(master):
    """{name: title, difficulty, minutes, hints, solution, reason, stub} of each exercise in a source. Raises ValueError where a
    part is missing or the code has not its marks."""
    found: dict = {}
    for cell in master.cells:
        if (name := tagged(cell, "exercise")) and cell.cell_type == "markdown":
            heading = HEADING.match(cell.source)
            if not heading:
                raise ValueError(f"exercise {name}: its first line is not '### title · ●● · 8 minutes'")
            found[name] = {**heading.groupdict(), "minutes": int(heading["minutes"]), "hints": [], "reason": ""}
        elif name:
            found[name] |= code_of(name, cell.source)
        elif name := tagged(cell, "hint"):
            found[name]["hints"].append(cell.source)
        elif name := tagged(cell, "reason"):
            found[name]["reason"] = cell.source
    for name, text in found.items():
        if not ("solution" in text and text["reason"] and 1 <= len(text["hints"]) <= 3):
            raise ValueError(f"exercise {name}: it needs code, one to three hints and a reason")
    return found


def code_of(name, source):
    """The solution and the stub in the code of an exercise, without the check that ends it."""
    check = CHECK.search(source)
    if not check or check[1] != name or not SOLUTION.search(source):
        marks = f'"# solution", "# end of solution" and, as its last line, check("{name}", ...)'
        raise ValueError(f"exercise {name}: its code has {marks}")
    code = source[: check.start()] + "\n"
    return {"solution": filled(code).strip(), "stub": emptied(code).strip()}


def lesson(master):
    """A source as the lesson: of its exercises only the list."""
    if not has_exercises(master):
        return master
    rows = [f"| {text['title']} | {text['difficulty']} | {text['minutes']} |" for text in texts(master).values()]
    table = "\n".join(["| exercise | difficulty | minutes |", "| --- | --- | --- |", *rows])
    shown = master.copy()
    shown.cells = [cell.copy() for cell in master.cells if not belongs(cell)]
    for cell in shown.cells:
        if "exercises" in cell.metadata.get("tags", []):
            cell.source = f"{cell.source}\n\n{table}"
    return shown


def edition(master, source, solved):
    """The notebook of stubs, or of solutions, without outputs. source: the path of the source."""
    title = next(cell.source for cell in master.cells if cell.cell_type == "markdown").splitlines()[0].lstrip("# ")
    names = {"first": next(iter(texts(master))), "lesson": f"{source.stem}.ipynb", "file": f"{source.stem[:2]}.ipynb"}
    cells = [new_markdown_cell((SOLUTIONS if solved else STUBS).format(title=title, **names))]
    for cell in master.cells:
        name = tagged(cell, "exercise")
        if cell.cell_type == "code" and (name or "exercises" in cell.metadata.get("tags", [])):
            code = re.sub("  # noqa: .*", "", cell.source)
            cells.append(new_code_cell((filled if solved else emptied)(code)))
        elif name or (solved and tagged(cell, "reason")):
            cells.append(new_markdown_cell(cell.source))
    return new_notebook(cells=cells, metadata=master.metadata)


def stored_texts(master):
    """The texts of a page's exercises as the library keeps them, in JSON."""
    return json.dumps(texts(master), ensure_ascii=False, indent=1) + "\n"
