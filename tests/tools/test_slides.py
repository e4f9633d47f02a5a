"""The decks: one file each, nothing to fetch, formulas as MathML, slides where the source says, pictures as large as may be."""

import re
import shutil

import build_notebooks
import pytest
import slides
from bs4 import BeautifulSoup
from build_notebooks import NOTEBOOKS, sources
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from bertnotes.pictures.play import play

FETCHED = re.compile(r"""<(?:script|img|iframe)[^>]*\ssrc=(?!["']?data:)|<link[^>]*\shref|@import|url\((?!["']?(?:data:|#))""")


def slide(kind, cell):
    """Give a cell its place in the deck."""
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


@pytest.fixture
def notebook():
    """A notebook of two slides, with a formula, a printed tag and a cell that is to be left out."""
    cells = [
        slide("slide", new_markdown_cell("# 99 · A title & more\n\nIt is $\\sqrt{d_k}$.")),
        slide("skip", new_code_cell("import secret_of_the_page")),
        slide("slide", new_markdown_cell("$$\n\\frac{1}{2}\n$$")),
        new_code_cell("shown = 1", outputs=[new_output("stream", text="</script><img src=x onerror=alert(1)>")]),
    ]
    return new_notebook(cells=cells)


def test_a_deck_has_the_slides_of_its_notebook_and_leaves_out_what_is_to_be_skipped(notebook):
    text = slides.as_html(notebook, NOTEBOOKS)
    assert text.count("<section") == 4, "two slides, each in a stack of its own"
    assert "<title>99 · A title &amp; more</title>" in text
    assert "shown" in text and "secret_of_the_page" not in text


def test_formulas_become_mathml_and_keep_their_latex(notebook):
    text = slides.as_html(notebook, NOTEBOOKS)
    assert re.search(r'<math alttext="\\sqrt\{d_k\}".*?<msqrt>.*?<mi>d</mi><mi>k</mi>.*?</math>', text)
    assert re.search(r'<math alttext="\\frac\{1\}\{2\}"[^>]* display="block"', text)
    assert "$" not in re.sub(r"<(script|style).*?</\1>", "", text, flags=re.DOTALL)


def test_a_formula_that_cannot_be_shown_is_an_error():
    with pytest.raises(ValueError, match=r"no MathML for the formula .*nosuchthing"):
        slides.formula(r"\nosuchthing{x}", "inline")


def test_what_can_be_dragged_is_light_on_a_slide(notebook):
    """A toy follows the laptop's dark mode; a slide is white."""
    frame = play("learning_rate")._repr_mimebundle_()["text/html"]
    assert "prefers-color-scheme" in frame
    notebook.cells.append(slide("slide", new_code_cell("play()", outputs=[new_output("display_data", {"text/html": frame})])))
    text = slides.as_html(notebook, NOTEBOOKS)
    assert "prefers-color-scheme" not in text and "color-scheme: light dark" not in text and "@media not all" in text


def test_what_a_cell_printed_stays_text(notebook):
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in slides.as_html(notebook, NOTEBOOKS)


def test_a_picture_keeps_its_alternative_text():
    metadata = {"image/png": {"alt": 'A <head>: cats look most at "mice"'}}
    output = new_output("display_data", {"image/png": "aGk="}, metadata=metadata)
    cells = [slide("slide", new_markdown_cell("# Page")), new_code_cell("draw()", outputs=[output])]
    image = BeautifulSoup(slides.as_html(new_notebook(cells=cells), NOTEBOOKS), "html.parser").select_one(".slides img")
    assert image["alt"] == 'A <head>: cats look most at "mice"' and image["src"] == "data:image/png;base64,aGk="


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.stem)
def test_no_deck_of_the_course_fetches_anything(source):
    text = slides.deck(source)
    assert FETCHED.findall(text.partition("<body>")[2].partition("<script>")[0]) == []
    assert FETCHED.findall("".join(re.findall(r"<style>.*?</style>|<head>.*?<style>", text, flags=re.DOTALL))) == []
    assert text.rstrip().endswith("</html>") and "Reveal(" in text


@pytest.mark.parametrize("html", ['<script src="https://x.org/a.js">', "<link rel=x href=y>", "@import 'a'", "url(a.woff)"])
def test_the_search_for_what_is_fetched_finds_it(html):
    assert FETCHED.search(html)


def test_the_command_writes_one_file_for_each_notebook_asked_for(tmp_path, capsys):
    assert slides.main(["--only", "00", "--out", str(tmp_path / "decks")]) == 0
    assert [path.name for path in (tmp_path / "decks").iterdir()] == ["00_start_here.html"]
    assert "00_start_here.html" in capsys.readouterr().out


def test_a_notebook_that_does_not_exist_is_named(tmp_path, capsys):
    assert slides.main(["--only", "77", "--out", str(tmp_path)]) == 2
    assert "no notebook begins with 77" in capsys.readouterr().err


def test_a_notebook_that_was_not_made_yet_says_how_to_make_it(tmp_path, capsys):
    (tmp_path / "src").mkdir()
    shutil.copy(NOTEBOOKS / "src" / "00_start_here.py", tmp_path / "src")
    assert slides.main(["--out", str(tmp_path / "decks")], notebooks=tmp_path) == 2
    assert "make notebooks" in capsys.readouterr().err


# --- decks of pages in the new form ----------------------------------------------------------------------------------

DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 180" width="320" height="180"><circle r="80"/></svg>'
COMPOSED = """\
# %% [markdown] slideshow={"slide_type": "slide"}
# # 07 · A toy

# %% [markdown] tags=["slide-only"] slideshow={"slide_type": "slide"}
# ## Dots
#
# Two and *two* make four.
#
# ![Four dots](figures/07_dots.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# Let them *guess*, and write $\\sqrt{4}$.

# %% [markdown]
# What the lesson alone says.

# %%
hidden_line = 2 + 2

# %% slideshow={"slide_type": "slide"}
print("the sum:", hidden_line)

# %% tags=["show-code"] slideshow={"slide_type": "slide"}
print("shown by", "its code")

# %% tags=["check:sum"]
# checked: the sum is four
assert hidden_line == 4
"""


@pytest.fixture
def page(tmp_path):
    """The source of a page in the new form, with its notebook stored."""
    source = tmp_path / "src" / "07_toy.py"
    source.parent.mkdir()
    source.write_text(COMPOSED, encoding="utf-8")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "07_dots.svg").write_text(DRAWING, encoding="utf-8")
    notebook = build_notebooks.read_source(source)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for count, (cell, text) in enumerate(zip(code, ["", "the sum: 4", "shown by its code", ""], strict=True), start=1):
        cell.execution_count = count
        cell.outputs = [new_output("stream", text=text)] if text else []
    build_notebooks.put_in_place(notebook, source)
    return source


def test_a_deck_says_what_is_for_slides_alone_with_the_outputs_of_the_lesson(page):
    text = BeautifulSoup(slides.deck(page), "html.parser").select_one(".slides").get_text()
    assert "Two and two make four." in text and "the sum: 4" in text
    assert "What the lesson alone says" not in text and "# checked" not in text and "hidden_line = 2" not in text


@pytest.mark.parametrize("change", [lambda text: text.replace("2 + 2", "2 + 3"), lambda text: text + "\n# %%\n1\n"])
def test_a_deck_is_not_made_with_the_outputs_of_other_code(page, capsys, change):
    page.write_text(change(COMPOSED), encoding="utf-8")
    assert slides.main(["--out", str(page.parent / "decks")], notebooks=page.parents[1]) == 2
    assert "07_toy.ipynb was not made from 07_toy.py as it is; first: make notebooks" in capsys.readouterr().err


@pytest.fixture
def shown(chromium, page):
    """The deck of the page on a projector with no network."""
    path = page.with_suffix(".html")
    path.write_text(slides.deck(page), encoding="utf-8")
    context = chromium.new_context(viewport={"width": 1920, "height": 1080}, offline=True)
    tab = context.new_page()
    tab.goto(path.as_uri() + "#/1")
    tab.wait_for_selector(".reveal.ready")
    yield tab
    context.close()


def test_a_picture_has_the_room_that_a_slide_leaves_it(shown):
    picture, text = (shown.locator(f"section.present {name}").first.bounding_box() for name in ("img", "p:not(:has(img))"))
    assert picture["y"] < text["y"] + text["height"] + 60 and picture["y"] + picture["height"] > 1020
    assert picture["width"] > 1700 and text["height"] > 60, "and what it says is large"
    shown.goto(shown.url.partition("#")[0] + "?view=print")
    shown.wait_for_selector(".pdf-page")
    page, picture = (shown.locator(".pdf-page").nth(1).locator(name).bounding_box() for name in ("section", "img"))
    assert picture["height"] > 0.5 * page["height"], "on paper, too"


def test_a_slide_shows_what_code_printed_and_the_code_where_it_is_meant_to(shown):
    for number, is_code_shown in ((2, False), (3, True)):
        shown.evaluate(f"deck.slide({number})")
        code = shown.locator("section.present .highlight")
        assert code.is_visible() == is_code_shown and shown.locator("section.present .jp-OutputArea pre").is_visible()
    shown.evaluate("deck.slide(2)")
    shown.keyboard.press("c")
    assert shown.locator("section.present .highlight").is_visible()


def test_the_speaker_view_opens_offline_with_the_notes(shown):
    with shown.expect_popup() as opened:
        shown.keyboard.press("s")
    notes = opened.value.locator(".speaker-controls-notes .value")
    notes.get_by_text("Let them guess").wait_for(timeout=10_000)
    assert notes.locator("em").inner_text() == "guess" and notes.locator("msqrt").count() == 1
    assert notes.locator("details").count() == 0
