"""What is out of step is listed, each with the command that rebuilds it."""

import json

import pytest
import stale
from build_notebooks import NOTEBOOKS

from bertnotes.files import REVIEWS, hash_of


def test_every_stored_page_says_what_it_rests_on():
    if found := stale.unstamped():
        pytest.fail(f"{', '.join(found)}: no stamp; look at the outputs, then: python tools/build_notebooks.py --stamp")


def write(folder, **record):
    """Write a record."""
    (folder / "a.json").write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"data": hash_of(REVIEWS)}, ""),
        ({"data": "0" * 64}, "with other reviews"),
        ({"data": "0" * 64, "command": "bertnotes bench --data data/imdb/train.csv.xz"}, ""),
        ({"mini": "0" * 64, "command": "bertnotes x"}, "with other mini"),
        ({"mini": 0.5, "data": None}, ""),
    ],
)
def test_a_record_of_another_mini_or_other_reviews_is_listed_with_its_command(tmp_path, record, said):
    write(tmp_path, **record)
    found = stale.stale_records(tmp_path, tmp_path / "none")
    assert [said in what for what in found] == [True] * bool(said)
    assert list(found.values()) == [record.get("command", "")] * bool(said)


def test_a_delta_of_another_mini_is_listed(tmp_path):
    for then, count in ((stale.hash_of_mini(), 0), ("0" * 64, 1)):
        (tmp_path / "config.json").write_text(json.dumps({"bertnotes": {"base_sha256": then}}))
        assert len(stale.stale_records(tmp_path / "none", tmp_path)) == count


def test_the_records_that_are_there_are_in_step():
    assert stale.stale_records() == {}


@pytest.fixture
def toy(tmp_path):
    """The folder of a course with one page, never run."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "07_toy.py").write_text("# %% [markdown]\n# A toy.\n")
    return tmp_path


def test_pages_are_listed_by_what_must_be_done(toy):
    assert stale.stale_pages(toy) == {"07_toy.ipynb: not what its source makes": "make notebooks ONLY=07"}
    from build_notebooks import main, put_in_place, read_source

    put_in_place(read_source(toy / "src" / "07_toy.py"), toy / "src" / "07_toy.py")
    ((what, command),) = stale.stale_pages(toy).items()
    assert what == "07_toy.ipynb: ran on other the library's code" and command.startswith("make notebooks ONLY=07 FORCE=1; ")
    assert stale.unstamped(toy) == ["07_toy.ipynb"]
    assert main(["--stamp"], folder=toy) == 0
    assert stale.stale_pages(toy) == {} and stale.unstamped(toy) == []


@pytest.mark.parametrize(("options", "status"), [([], 1), (["--warn"], 0)])
def test_the_list_comes_in_the_order_of_rebuilding(monkeypatch, capsys, options, status):
    for kind in ("tables", "pages", "drawings", "records"):
        monkeypatch.setattr(stale, f"stale_{kind}", lambda kind=kind: {kind: f"make {kind}"})
    assert stale.main(options) == status
    said = capsys.readouterr().out.splitlines()
    assert said[:4] == ["records", "    make records", "drawings", "    make drawings"] and said[6] == "tables"
    for kind in ("tables", "pages", "drawings", "records"):
        monkeypatch.setattr(stale, f"stale_{kind}", dict)
    assert stale.main([]) == 0 and capsys.readouterr().out == "nothing is out of step\n"


def test_the_kinds_have_names():
    texts = [path.read_text(encoding="utf-8") for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
    held = {kind for text in texts for kind in json.loads(text)["metadata"].get("bertnotes", {})}
    assert held <= set(stale.KINDS)
