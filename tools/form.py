"""The form of a page: what the tags of a cell in notebooks/src mean, and what the lesson and the deck show of it.

| a cell tagged | is |
| --- | --- |
| `check:NAME` | code that asserts what the prose above says: folded, in no deck or export. A page with one is in the new form |
| `teaches` | code that prints and asserts, because the assert is a step of the page |
| `slide-only` | Markdown of the deck that the lesson does not show: what a slide says in ten words |
| `show-code` | code that its slide shows; of other code a slide shows the output, until C is pressed |
| `questions`, `explorer` | the place of something to come; left out until it is there |
| `timing`, `nbval-ignore-output` | code that prints how long something took; a view in HTML has the second alone |
| `exercises`, `exercise:NAME`, `hint:NAME`, `reason:NAME` | of the exercises: see exercises.py |

`slideshow={"slide_type": "slide"}`, or "subslide", begins a slide; "fragment" comes one step later, "-" goes on with the slide;
"skip" is not in the deck, nor, in the new form, a cell that says nothing of slides. "notes" is Markdown for the presenter,
in the speaker's view of the deck (S) and not in the lesson. Code that asks for a guess reads `guess = None  # your number`.
"""

from exercises import tagged
from nbformat import from_dict


def tags(cell):
    """Return the tags of a cell."""
    return cell.metadata.get("tags", [])


def slide_type(cell):
    """The part that a cell plays in a deck, "-" where it says nothing of it."""
    return cell.metadata.get("slideshow", {}).get("slide_type", "-")


def is_new(notebook):
    """Whether a page is in the new form."""
    return any(tagged(cell, "check") for cell in notebook.cells)


def in_view(notebook):
    """[(number, cell)] of the cells that make the page: no folded checks, no list of exercises."""
    return [
        (number, cell)
        for number, cell in enumerate(notebook.cells, start=1)
        if not (tagged(cell, "check") or "exercises" in tags(cell))
    ]


def fold(check):
    """Give a check what its source need not say: Lab shows its first line alone, and exports know it by one tag."""
    check.metadata |= from_dict({"jupyter": {"source_hidden": True}, "slideshow": {"slide_type": "skip"}})
    check.metadata.tags = [*check.metadata.tags, "check"]


def has_nothing_to_show(cell, source):
    """Whether a cell is the place of something to come."""
    questions = source.parents[2] / "data" / "questions" / f"{source.stem[:2]}.yaml"
    return "explorer" in tags(cell) or ("questions" in tags(cell) and not questions.exists())


def shaped(notebook, source, slides=False):
    """A page without its exercises as the lesson, or as what the deck is made of, from the source at a path."""
    new = is_new(notebook)
    notebook.cells = [cell for cell in notebook.cells if not has_nothing_to_show(cell, source)]
    if not slides:
        notebook.cells = [cell for cell in notebook.cells if "slide-only" not in tags(cell) and slide_type(cell) != "notes"]
    for cell in notebook.cells:
        if tagged(cell, "check"):
            fold(cell)
        elif new:
            cell.metadata.setdefault("slideshow", from_dict({"slide_type": "skip"}))
    return notebook
