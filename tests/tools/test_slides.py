"""The decks: one file each, nothing to fetch, formulas as MathML, slides where the source says."""

import re
import shutil

import nbformat
import pytest
import slides
from bs4 import BeautifulSoup
from build_notebooks import NOTEBOOKS, sources, target
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

FETCHED = re.compile(r"""<(?:script|img|iframe)[^>]*\ssrc=(?!["']?data:)|<link[^>]*\shref|@import|url\((?!["']?(?:data:|#))""")


def slide(kind, cell):
    """Give a cell its place in the deck."""
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


@pytest.fixture
def notebook(tmp_path):
    """A stored notebook of two slides, with a formula, a printed tag and a cell that is to be left out."""
    cells = [
        slide("slide", new_markdown_cell("# 99 · A title & more\n\nIt is $\\sqrt{d_k}$.")),
        slide("skip", new_code_cell("import secret_of_the_page")),
        slide("slide", new_markdown_cell("$$\n\\frac{1}{2}\n$$")),
        new_code_cell("shown = 1", outputs=[new_output("stream", text="</script><img src=x onerror=alert(1)>")]),
    ]
    path = tmp_path / "99_page.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_a_deck_has_the_slides_of_its_notebook_and_leaves_out_what_is_to_be_skipped(notebook):
    text = slides.deck(notebook)
    assert text.count("<section") == 4, "two slides, each in a stack of its own"
    assert "<title>99 · A title &amp; more</title>" in text
    assert "shown" in text and "secret_of_the_page" not in text


def test_formulas_become_mathml_and_keep_their_latex(notebook):
    text = slides.deck(notebook)
    assert re.search(r'<math alttext="\\sqrt\{d_k\}".*?<msqrt>.*?<mi>d</mi><mi>k</mi>.*?</math>', text)
    assert re.search(r'<math alttext="\\frac\{1\}\{2\}"[^>]* display="block"', text)
    assert "$" not in re.sub(r"<(script|style).*?</\1>", "", text, flags=re.DOTALL)


def test_a_formula_that_cannot_be_shown_is_an_error():
    with pytest.raises(ValueError, match=r"no MathML for the formula .*nosuchthing"):
        slides.formula(r"\nosuchthing{x}", "inline")


def test_what_a_cell_printed_stays_text(notebook):
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in slides.deck(notebook)


def test_a_picture_keeps_its_alternative_text(tmp_path):
    metadata = {"image/png": {"alt": 'A <head>: cats look most at "mice"'}}
    output = new_output("display_data", {"image/png": "aGk="}, metadata=metadata)
    cells = [slide("slide", new_markdown_cell("# Page")), new_code_cell("draw()", outputs=[output])]
    nbformat.write(new_notebook(cells=cells), tmp_path / "99_page.ipynb")
    image = BeautifulSoup(slides.deck(tmp_path / "99_page.ipynb"), "html.parser").select_one(".slides img")
    assert image["alt"] == 'A <head>: cats look most at "mice"' and image["src"] == "data:image/png;base64,aGk="


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.stem)
def test_no_deck_of_the_course_fetches_anything(source):
    text = slides.deck(target(source))
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
