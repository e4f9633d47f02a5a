"""Make slides/NN_name.html from a page's source and the outputs of its lesson: one file a deck, which opens in any browser with
no network.

    python tools/slides.py [--only 04] [--out slides]

nbconvert knows which cell begins a slide (the source says so: form.py); reveal.js, copied into the file, shows them. Formulas
become MathML, which browsers draw themselves.
"""

import argparse
import html
import re
import sys
from pathlib import Path

import pyreveal
from build_notebooks import NOTEBOOKS, deck_of, sources, target
from check import ROOT
from jinja2 import pass_context
from latex2mathml.converter import convert
from nbconvert import SlidesExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from bertnotes.files import write_whole

TEMPLATE = Path(__file__).with_name("slides.html.j2")
REVEAL = Path(pyreveal.__file__).parent / "revealjs" / "dist"  # the package carries them; its own Python is not used


class Renderer(IPythonRenderer):
    """Markdown to HTML with the formulas as MathML, each with its LaTeX beside it for who listens or copies."""

    def inline_math(self, text):
        return formula(text, "inline")

    def block_math(self, text):
        return formula(text, "block")

    multiline_math = block_math


class DeckExporter(SlidesExporter):
    """nbconvert's slides, in our template and with nothing that a browser would have to fetch."""

    def __init__(self, **options):
        super().__init__(template_file=str(TEMPLATE), **options)
        self.register_filter("markdown2html", markdown_to_html)
        self.register_filter("reveal_file", lambda name: (REVEAL / name).read_text(encoding="utf-8"))


@pass_context
def markdown_to_html(context, source):
    """Markdown to HTML with its pictures inside. Raises FileNotFoundError where one is not there."""
    folder = context["resources"]["metadata"]["path"]
    text = MarkdownWithMath(renderer=Renderer(escape=False, embed_images=True, path=folder)).render(source)
    if missing := re.search(r"""<img[^>]*\ssrc=["'](?!data:)([^"']*)""", text):
        raise FileNotFoundError(f"no picture {missing[1]} in {folder}; draw it: python tools/figures.py")
    return text


def formula(latex, display):
    """LaTeX to MathML. Raises ValueError at a command that the converter does not know (it would print it as it stands)."""
    latex = latex.strip().strip("$").strip()
    mathml = convert(latex, display=display)
    if "\\" in mathml:
        raise ValueError(f"no MathML for the formula {latex!r}")
    return mathml.replace("<math ", f'<math alttext="{html.escape(latex)}" ', 1)


def deck(source):
    """The slides of the page with this source, as the text of one HTML file. ValueError where its lesson is out of step."""
    return as_html(deck_of(source), target(source).parent)


def as_html(notebook, folder):
    """The slides of a notebook, whose pictures are named from a folder, as the text of one HTML file."""
    title = next(cell.source for cell in notebook.cells if cell.cell_type == "markdown").splitlines()[0].lstrip("# ")
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if page := output.get("data", {}).get("text/html"):
                output["data"]["text/html"] = in_light("".join(page))
    notebook.metadata["title"] = title
    return DeckExporter().from_notebook_node(notebook, {"metadata": {"path": str(folder)}})[0]


def in_light(page):
    """What can be dragged is light on a slide, whose ground is white, also where the laptop is set to dark."""
    return page.replace("(prefers-color-scheme: dark)", "not all").replace("color-scheme: light dark", "color-scheme: light")


def main(arguments=None, notebooks=NOTEBOOKS):
    """Read the command line and do what it says; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="NN", help="only the notebooks whose names begin so")
    parser.add_argument("--out", type=Path, default=ROOT / "slides", help="the folder for the decks")
    options = parser.parse_args(arguments)
    paths = sources(notebooks, options.only)
    if not paths:
        print(f"no notebook begins with {' or '.join(options.only) or 'a number'}", file=sys.stderr)
        return 2
    for path in paths:
        try:
            made = write_whole(options.out / f"{path.stem}.html", deck(path))
        except (FileNotFoundError, ValueError) as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            return 2
        print(f"{made}: {made.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
