"""What must hold for a page in the new form (form.py): `complaints` says where its lesson or its deck departs from it."""

import ast
import re
from collections import Counter

from exercises import tagged
from form import in_view, is_new, slide_type, tags

CELLS, MOST_LINES, MOST_ASSERTS, MOST_WORDS = range(40, 61), 10, 6, 60  # of a page, a cell of code, a page, a slide
WORDS_A_MINUTE = 150
EXERCISE = re.compile(r"^\| .* \| ●+ \| (\d+) \|$", re.MULTILINE)
VERDICT = re.compile(r"^(.*[:=]\s*)?(True|False)\.?$|^\[?<.* at 0x|^Text\(", re.MULTILINE)
GUESS = re.compile(r"^(guess\w*)\s*=\s*None\b", re.MULTILINE)
IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<path>[^)]*)\)")
NOT_PROSE = re.compile(r"!\[[^\]]*\]\([^)]*\)|\$\$.*?\$\$|\$[^$]*\$|\]\([^)]*\)|<[^>]*>", re.DOTALL)
LISTS = re.compile(r"^\s*([-*|]|\d+\.) .*(\n {2,}\S.*)*$", re.MULTILINE)  # and tables


def complaints(lesson, deck):
    """All complaints about a page: its lesson, with outputs, and what its deck is made of. None about one in the old form."""
    if not is_new(lesson):
        return []
    checks = [(number, cell) for number, cell in enumerate(lesson.cells, start=1) if tagged(cell, "check")]
    found = [f"cell {number}: {fault}" for number, cell in checks for fault in faults_of_check(cell)]
    found += [f"cell {number}: {fault}" for number, cell in in_view(lesson) for fault in faults_of_cell(cell)]
    found += faults_of_page(lesson) + forgotten_guesses(lesson) + unchecked(lesson) + borrowed(lesson)
    for place, cells in enumerate(grouped(deck), start=1):
        found += [f"slide {place}, {cells[0].source[:30]!r}: {fault}" for fault in faults_of_slide(cells, place == 1)]
    return found


def repeated(notebooks):
    """Complain of checks with the same name: questions refer to a fact of the course by it."""
    counts = Counter(name for notebook in notebooks for cell in notebook.cells if (name := tagged(cell, "check")))
    return [f"check:{name} stands {count} times in the course" for name, count in counts.items() if count > 1]


def met(faults):
    """The names of the faults that are there."""
    return [fault for fault, is_there in faults.items() if is_there]


def faults_of_check(check):
    """A check says what it checks, asserts it, and is silent."""
    return met(
        {
            "a check's first line is for readers: # checked: what holds": not check.source.startswith("# checked: "),
            "a check that asserts nothing": not count(check, ast.Assert),
            "a check that prints": check.get("outputs"),
        }
    )


def faults_of_cell(cell):
    """In view, code is short and shows numbers or a picture; a picture says what it shows to who does not see it."""
    asserts, outputs = count(cell, ast.Assert), cell.get("outputs", [])
    lines = sum(bool(line.strip()) for line in cell.source.splitlines()) if cell.cell_type == "code" else 0
    printed = [output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs]
    return met(
        {
            "it prints a verdict or an object; show the number": any(VERDICT.search(text) for text in printed),
            "it draws and asserts; assert in a check": asserts and draws(cell),
            "it prints and asserts; assert in a check, or tag it `teaches`": asserts
            and outputs
            and "teaches" not in tags(cell),
            f"{lines} lines of code in view, at most {MOST_LINES}": lines > MOST_LINES,
            "a picture without alternative text": not all(image["alt"].strip() for image in IMAGE.finditer(cell.source)),
        }
    )


def faults_of_page(lesson):
    """A page has a drawing, is read in one sitting, and says honestly how long it takes."""
    cells = [cell for _, cell in in_view(lesson)]
    asserts, right = sum(count(cell, ast.Assert) for cell in cells), minutes(lesson)
    said = re.search(r"\*\*Time:\*\* about (\d+) minutes", lesson.cells[0].source)
    listed = [int(row) for cell in lesson.cells if "exercises" in tags(cell) for row in EXERCISE.findall(cell.source)]
    return met(
        {
            f"{asserts} asserts in view, at most {MOST_ASSERTS}; the others belong in checks": asserts > MOST_ASSERTS,
            "it has no drawing from figures/": not any("](figures/" in cell.source for cell in cells),
            f"{len(cells)} cells in view, {CELLS[0]} to {CELLS[-1]}; a longer page is two": len(cells) not in CELLS,
            f"write **Time:** about {right} minutes": not said or abs(int(said[1]) - right) > 0.2 * right,
            f"write: {sum(listed)} more for the exercises": listed
            and f" {sum(listed)} more for the ex" not in lesson.cells[0].source,
        }
    )


def forgotten_guesses(lesson):
    """A guess that is asked for stands beside the result in the code that follows."""
    code = [cell.source for _, cell in in_view(lesson) if cell.cell_type == "code"]
    asked = [(name, following) for cell, following in zip(code, [*code[1:], ""], strict=True) for name in GUESS.findall(cell)]
    return [
        f"the code in view after {name} = None does not use it" for name, code in asked if not re.search(rf"\b{name}\b", code)
    ]


def unchecked(lesson):
    """What a cell prints that nbval ignores, as it differs between processors, is held by the next check: it names a variable
    of that cell. A view, which is HTML, is tested elsewhere."""
    code = [(number, cell) for number, cell in enumerate(lesson.cells, start=1) if cell.cell_type == "code"]
    ignored = [at for at, (_, cell) in enumerate(code) if "timing" in tags(cell)]
    checks = {at: code[at + 1][1].source for at in ignored if at + 1 < len(code) and tagged(code[at + 1][1], "check")}
    return [
        f"cell {code[at][0]}: what it prints differs from run to run; let a check follow that names a variable of it"
        for at in ignored
        if not names(code[at][1].source, ast.Store) & names(checks.get(at, ""), ast.Load)
    ]


def borrowed(lesson):
    """Code in view rests on nothing that only a folded check made: a reader who passes the checks over must get on, too."""
    found, in_checks, seen = [], set(), set()
    for number, cell in enumerate(lesson.cells, start=1):
        if tagged(cell, "check"):
            in_checks |= made(cell.source)
        elif cell.cell_type == "code":
            seen |= made(cell.source)
            lent = sorted(names(cell.source, ast.Load) & in_checks - seen)
            found += [f"cell {number}: {', '.join(lent)} comes out of a check; make it in view"] if lent else []
    return found


def made(code):
    """The names that code gives a meaning: variables, functions and what they take, classes, imports."""
    nodes = list(ast.walk(ast.parse(code)))
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    imported = {(node.asname or node.name).split(".")[0] for node in nodes if isinstance(node, ast.alias)}
    return names(code, ast.Store) | defined | imported | {node.arg for node in nodes if isinstance(node, ast.arg)}


def names(code, use):
    """The names that code gives a value (use: ast.Store) or reads (ast.Load)."""
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name) and isinstance(node.ctx, use)}


def count(cell, *kinds):
    """How many statements of these kinds the code of a cell has."""
    code = re.sub(r"^[%!].*$", "", cell.source, flags=re.MULTILINE) if cell.cell_type == "code" else ""
    return sum(isinstance(node, kinds) for node in ast.walk(ast.parse(code)))


def draws(cell):
    """Whether a cell shows a picture or a view."""
    return any(
        {"image/png", "image/svg+xml", "text/html"} & output.get("data", {}).keys() for output in cell.get("outputs", [])
    )


def words(markdown):
    """How many words of prose a text has: no pictures, formulas, addresses and tags."""
    return len(re.findall(r"\w[\w'’-]*", NOT_PROSE.sub(" ", markdown)))


def minutes(lesson):
    """How long a page takes without its exercises: 150 words of prose a minute, and a minute for each cell of code in view."""
    cells = [cell for _, cell in in_view(lesson)]
    prose = sum(words(cell.source) for cell in cells if cell.cell_type == "markdown")
    return round(prose / WORDS_A_MINUTE + sum(cell.cell_type == "code" for cell in cells))


def grouped(deck):
    """[[cell of a slide]], without notes and what is skipped. The first cell that is shown begins one, as nbconvert has it."""
    found = []
    for cell in deck.cells:
        if slide_type(cell) not in ("notes", "skip"):
            if slide_type(cell) in ("slide", "subslide") or not found:
                found.append([])
            found[-1].append(cell)
    return found


def faults_of_slide(cells, is_first):
    """A slide says what it is about, shows something, and little of it is prose or code. Lists are no prose."""
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    code = [cell for cell in cells if cell.cell_type == "code"]
    body = re.sub(r"^#.*$", "", text, flags=re.MULTILINE).strip()
    length = words(LISTS.sub("", body))
    shown = [cell for cell in code if "show-code" in tags(cell)]
    return met(
        {
            "neither a heading nor a picture": not re.search(r"^#|!\[|<img", text, re.MULTILINE) and not any(map(draws, code)),
            "a title alone": not (is_first or body or code),
            "more than one cell of code": len(code) > 1,
            "code with an assert or an import": any(count(cell, ast.Assert, ast.Import, ast.ImportFrom) for cell in shown),
            "a picture without alternative text": not all(image["alt"].strip() for image in IMAGE.finditer(text)),
            f"{length} words of prose, at most {MOST_WORDS}": length > MOST_WORDS,
        }
    )
