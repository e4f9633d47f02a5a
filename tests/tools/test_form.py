"""The form of a page: checks are folded, and what the deck alone says is not in the lesson."""

import json
import subprocess
import sys

import build_notebooks
import form
import jupytext
import nbformat
import pytest
from build_notebooks import ROOT, complaints_about, read_source, target
from form import in_view, is_new, slide_type, tags

NEW = """\
# %% [markdown] slideshow={"slide_type": "slide"}
# # 07 · A toy
#
# How much is a sum? **Time:** about 3 minutes.

# %% [markdown] slideshow={"slide_type": "notes"}
# Let them *guess* first.

# %%
guess = None  # your number

# %% [markdown] tags=["slide-only"] slideshow={"slide_type": "subslide"}
# ## Two and two
#
# ![Two dots and two dots make four](figures/07_dots.svg)

# %% slideshow={"slide_type": "-"}
print("your guess:", guess, " the sum:", 2 + 2)

# %% [markdown]
# The sum is **4**.

# %% tags=["check:sum"]
# checked: the sum is 4
assert 2 + 2 == 4

# %% [markdown] tags=["questions"]
# <!-- questions -->

# %% [markdown] tags=["explorer"]
# <!-- explorer -->
"""
DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 180" width="320" height="180"><circle r="80"/></svg>'


@pytest.fixture
def page(tmp_path):
    """The source of a page in the new form."""
    source = tmp_path / "notebooks" / "src" / "07_toy.py"
    source.parent.mkdir(parents=True)
    source.write_text(NEW, encoding="utf-8")
    (tmp_path / "notebooks" / "figures").mkdir()
    (tmp_path / "notebooks" / "figures" / "07_dots.svg").write_text(DRAWING, encoding="utf-8")
    return source


def test_a_check_is_folded_and_off_the_slides(page):
    check = read_source(page).cells[-1]
    assert check.source.startswith("# checked: ") and check.metadata.jupyter == {"source_hidden": True}
    assert check.metadata.tags == ["check:sum", "check"] and slide_type(check) == "skip"


def test_notes_are_in_the_deck_alone(page):
    lesson, deck = (read_source(page, edition).cells for edition in ("lesson", "slides"))
    assert [cell.source for cell in deck if slide_type(cell) == "notes"] == ["Let them *guess* first."]
    assert not any(slide_type(cell) == "notes" for cell in lesson)


def test_the_lesson_shows_neither_what_is_for_slides_nor_what_is_yet_to_come(page):
    lesson, deck = (read_source(page, edition) for edition in ("lesson", "slides"))
    assert [cell.source for cell in deck.cells if cell not in lesson.cells] == [
        "Let them *guess* first.",
        "## Two and two\n\n![Two dots and two dots make four](figures/07_dots.svg)",
    ]
    assert not any({"slide-only", "questions", "explorer"} & {*tags(cell)} for cell in lesson.cells)
    assert [number for number, _ in in_view(lesson)] == [1, 2, 3, 4], "no checks"


def test_the_questions_of_a_page_have_their_place_once_there_are_any(page):
    questions = page.parents[2] / "data" / "questions" / "07.yaml"
    questions.parent.mkdir(parents=True)
    questions.touch()
    assert [cell.source for cell in read_source(page).cells if "questions" in tags(cell)] == ["<!-- questions -->"]


def test_what_says_nothing_of_slides_is_on_none_in_the_new_form_alone(page):
    new = read_source(page)
    assert is_new(new) and [slide_type(cell) for cell in new.cells] == ["slide", "skip", "-", "skip", "skip"]
    page.write_text(NEW.replace('tags=["check:sum"]', ""), encoding="utf-8")
    old = read_source(page)
    assert not is_new(old) and [slide_type(cell) for cell in old.cells] == ["slide", "-", "-", "-", "-"]


def test_a_page_in_the_new_form_is_built_if_the_guard_lets_it(page, monkeypatch, capsys):
    monkeypatch.setattr(build_notebooks, "go_offline", lambda: None)
    assert build_notebooks.main([], folder=page.parents[1]) == 1 and not target(page).exists()
    assert "it has no drawing from figures/" in capsys.readouterr().err
    monkeypatch.setattr(build_notebooks.guard, "complaints", lambda lesson, deck: [])  # a toy is no whole page
    assert build_notebooks.main([], folder=page.parents[1]) == 0
    assert complaints_about(page) == []
    stored = nbformat.read(target(page), as_version=4)
    assert stored.cells[-1].execution_count == 3 and stored.cells[-1].outputs == []
    assert stored.cells[2].outputs[0].text == "your guess: None  the sum: 4\n"


def test_an_export_to_html_leaves_checks_out(page):
    """With the settings that this clone ships, which Lab and `jupyter nbconvert` read."""
    nbformat.write(read_source(page), target(page))
    settings = ROOT / ".jupyter" / "jupyter_nbconvert_config.json"
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--config", str(settings), target(page).name]
    subprocess.run(command, cwd=target(page).parent, check=True, capture_output=True, timeout=120)
    text = target(page).with_suffix(".html").read_text(encoding="utf-8")
    assert "your guess" in text and "# checked" not in text
    lab = (ROOT / ".jupyter" / "jupyter_lab_config.py").read_text(encoding="utf-8")
    assert json.loads(settings.read_text())["TagRemovePreprocessor"]["remove_cell_tags"] == ["check"]
    assert 'c.TagRemovePreprocessor.remove_cell_tags = {"check"}' in lab


def test_the_table_of_tags_has_every_tag_of_the_course():
    """So that an author finds what a tag means, and a tag with a slip in it is found."""
    cells = [cell for path in build_notebooks.sources() for cell in jupytext.read(path).cells]
    used = {tag.partition(":")[0] for cell in cells for tag in tags(cell)}
    assert [tag for tag in sorted(used) if f"`{tag}" not in form.__doc__] == []
