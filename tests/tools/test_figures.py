"""The figures of the pages: each file is what its code draws, within its budget, and embedded with words beside it."""

import re
import shutil

import figures
import pytest
from build_notebooks import NOTEBOOKS, sources
from figures import FOLDER, NAMES
from PIL import Image

from bertnotes.pictures.drawings.page01 import Moment
from bertnotes.pictures.style import png_of

EMBEDDED = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")


@pytest.fixture
def folder(tmp_path):
    """A copy of the stored figures."""
    return shutil.copytree(FOLDER, tmp_path / "figures")


def test_every_file_is_what_its_code_draws_and_within_the_budget():
    assert figures.complaints() == []


def test_the_guard_notices_what_is_missing_too_much_old_or_large(folder, monkeypatch):
    (folder / "01_flow.svg").unlink()
    (folder / "99_stray.svg").write_text("<svg/>")
    text = (folder / "01_cost.svg").read_text(encoding="utf-8")
    (folder / "01_cost.svg").write_text(text.replace("47%", "48%"), encoding="utf-8")
    monkeypatch.setattr(figures, "ANIMATIONS", {})  # not drawn for this
    monkeypatch.setattr(figures, "NAMES", [name for name in NAMES if name.endswith("svg")])
    monkeypatch.setattr(figures, "MOST_OF_ONE", 15_000)
    monkeypatch.setattr(figures, "MOST_OF_ALL", 16_000)
    (folder / "01_attention.png").unlink()
    found = "\n".join(figures.complaints(folder))
    assert "99_stray.svg: no function draws it" in found and "01_flow.svg does not exist; make it" in found
    assert "01_cost.svg is not what the code draws" in found and "01_matrices.svg is not" not in found
    assert re.search(r"01_matrices.svg: 15,\d+ bytes, at most 15,000", found) and "all figures have" in found


def test_the_guard_notices_an_animation_of_another_end_or_another_length(tmp_path, monkeypatch):
    moments = [Moment("", 100 * place, added=place) for place in (1, 2, 3)]

    def frame(moment):
        return Image.new("RGB", (8, 8), (80 * int(moment.added), 0, 0))

    monkeypatch.setattr(figures, "ANIMATIONS", {"film.png": (lambda: moments, frame)})
    images, path = [frame(moment) for moment in moments], tmp_path / "film.png"
    for pictures, durations, right in (
        (images, [100, 200, 300], True),
        ([images[0], images[0], *images[1:]], [50, 50, 200, 300], True),  # the same to see
        ([*images[:2], images[0]], [100, 200, 300], False),
        (images, [100, 200, 400], False),
        (images, [300, 100, 200], False),
    ):
        path.write_bytes(png_of(pictures, durations))
        assert figures.is_played("film.png", path) == right


def test_the_animation_plays_once():
    with Image.open(FOLDER / "01_attention.png") as image:
        assert image.n_frames > 30 and image.info["loop"] == 1 and image.size == (1280, 580)


def test_the_command_draws_what_is_asked_for(tmp_path, capsys):
    assert figures.main(["--only", "01_m"], folder=tmp_path / "figures") == 0
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["01_matrices.svg"]
    assert (tmp_path / "figures" / "01_matrices.svg").read_bytes() == (FOLDER / "01_matrices.svg").read_bytes()
    assert figures.main(["--only", "77"], folder=tmp_path) == 2 and "no figure begins with 77" in capsys.readouterr().err
    assert figures.main(["--check"], folder=tmp_path) == 1 and "01_matrices.svg does not exist" in capsys.readouterr().err


def embedded(text):
    """The pictures that a page names by Markdown: [(alternative text, path)]."""
    lines = (line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#"))
    return EMBEDDED.findall("\n".join(lines))


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.stem)
def test_an_embedded_figure_exists_and_is_described(source):
    for alt, path in embedded(source.read_text(encoding="utf-8")):
        found = (NOTEBOOKS / "exercises" / path if path.startswith("../") else NOTEBOOKS / path).resolve()  # of an exercise
        assert found.parent == NOTEBOOKS.resolve() / "figures" and found.is_file(), f"{path} is no figure"
        assert len(alt) >= 30, f"{path}: say what it shows, for who cannot see it"


def test_embedded_figures_are_found():
    text = "# %% [markdown]\n# See:\n#\n# ![What it shows](figures/01_matrices.svg)\n\n# %%\nshown = '![no](x.svg)'\n"
    assert embedded(text) == [("What it shows", "figures/01_matrices.svg")]
