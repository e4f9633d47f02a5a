"""The pages of the course as their sources tell of them, for the table in README.md and the map on page 00.

A source begins with the title, the question and the minutes of its page. Where its question needs the sentences before it, a
shorter one for the tables stands in its first line, and in no notebook:

    # %% [markdown] slideshow={"slide_type": "slide"} question="Why look several times at once?"
"""

import re
from typing import NamedTuple

MARK = "<!-- the pages of the course -->"  # where the source of page 00 has the map
SHORTER = re.compile(r'\A# %% .*\bquestion="(?P<question>[^"\n]+)"')
TITLE = re.compile(r"^# # (?P<number>\d\d) · (?P<title>[^:\n]+)", re.MULTILINE)
QUESTION = re.compile(r"^# \*\*The question[.:]\*\* (?P<question>.+(?:\n# .+)*)", re.MULTILINE)
MINUTES = re.compile(r"\*\*Time:\*\* about (?P<minutes>\d+) minutes")


class Page(NamedTuple):
    """What the tables say of a page. file: the name of its notebook."""

    number: str
    title: str
    question: str
    minutes: str
    file: str


def page_of(path):
    """The page of a source. ValueError where it lacks a part."""
    text = path.read_text(encoding="utf-8")
    found = {name: pattern.search(text) for name, pattern in {"title": TITLE, "question": QUESTION, "minutes": MINUTES}.items()}
    forms = {"title": "# NN · Title", "question": "**The question.** ...?", "minutes": "**Time:** about NN minutes"}
    if missing := [forms[name] for name, match in found.items() if not match]:
        raise ValueError(f"{path.name} lacks {' and '.join(map(repr, missing))}; write it into the first cell")
    shorter = SHORTER.match(text)
    question = shorter["question"] if shorter else last_question(found["question"]["question"])
    title = re.split(r"(?<=\?) ", found["title"]["title"].strip())[0]
    return Page(found["title"]["number"], title, question, found["minutes"]["minutes"], f"{path.stem}.ipynb")


def last_question(paragraph):
    """The last sentence of a paragraph of a source."""
    sentence = re.split(r"(?<=[.?!])\s", " ".join(paragraph.replace("\n#", " ").split()))[-1]
    return sentence[0].upper() + sentence[1:]


def pages(folder):
    """The pages whose sources lie in a folder, in order."""
    return [page_of(path) for path in sorted(folder.glob("[0-9]*.py"))]


def course_table(folder, links="", skip=()):
    """The pages as a table in Markdown. links: what stands before the name of a notebook; skip: numbers of pages."""
    rows = [
        f"| {page.number} | [{page.title}]({links}{page.file}) | {page.minutes} | {page.question} |"
        for page in pages(folder)
        if page.number not in skip
    ]
    return "\n".join(["| | page | minutes | its question |", "| --- | --- | ---: | --- |", *rows])
