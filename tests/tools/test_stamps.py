"""What a page rests on: changes that can alter a picture change its stamp, all others leave it."""

import pytest
from stamps import bare, closure, digest, named, stamp

PAGE = "from bertnotes.pictures.view import show\nshow('imdb-facts.json')\n"
VIEW = '''
PAGE = "view.html"

def show(x):
    """Show it."""
    from bertnotes.deep import LIMIT
'''
FILES = {
    "bertnotes/__init__.py": "__version__ = '1'\n",
    "bertnotes/names.py": "def find(name):\n    return name\n",
    "bertnotes/deep.py": "LIMIT = 0.5  # of the weight\n",
    "bertnotes/other.py": "from bertnotes.names import find\n",
    "bertnotes/pictures/view.py": VIEW,
    "bertnotes/pictures/view.html": "<p>",
    "data/mini/model.safetensors": "weights",
    "data/reviews.csv": "review,sentiment",
    "data/results/imdb-facts.json": "{}",
    "data/results/bench.json": "{}",
}


@pytest.fixture
def root(tmp_path_factory):
    """A function that makes a clone with some files changed, and returns its folder."""

    def make(**changes):
        folder = tmp_path_factory.mktemp("clone")
        for name, text in (FILES | changes).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    return make


def changed(make, name, text, page=PAGE):
    """Which hashes of a page change with a file."""
    before, after = stamp(page, make()), stamp(page, make(**{name: text}))
    assert before.keys() == after.keys()
    return [kind for kind in before if before[kind] != after[kind]]


def test_a_page_rests_on_what_it_imports_directly_and_through_others(root):
    assert closure(PAGE, root()) == ["bertnotes.deep", "bertnotes.pictures.view"]
    assert closure("import torch", root()) == [] and stamp("import torch", root()) == {"code": digest([])}


@pytest.mark.parametrize(
    ("name", "text", "kinds"),
    [
        ("bertnotes/deep.py", "LIMIT = 0.6\n", ["code"]),
        ("bertnotes/deep.py", '"""Limits."""\n\nLIMIT = (0.5)\n', []),
        ("bertnotes/pictures/view.html", "<b>", ["code"]),
        ("bertnotes/other.py", "", []),
        ("bertnotes/__init__.py", "__version__ = '2'\n", []),
        ("data/results/imdb-facts.json", "[]", ["records"]),
        ("data/results/bench.json", "[]", []),
        ("data/mini/model.safetensors", "other", []),
    ],
)
def test_a_stamp_changes_with_what_the_page_rests_on_and_with_nothing_else(root, name, text, kinds):
    assert changed(root, name, text) == kinds


def test_a_page_that_finds_models_rests_on_mini_and_one_that_reads_reviews_on_them(root):
    page = "from bertnotes.other import find\nread(REVIEWS)\n"
    assert stamp(page, root()).keys() == {"code", "mini", "reviews"}
    assert changed(root, "data/mini/model.safetensors", "other", page) == ["mini"]
    assert changed(root, "data/reviews.csv", "other", page) == ["reviews"]


def test_names_that_a_page_fills_in_may_be_anything(root):
    folder = root() / "data" / "results"
    assert [path.name for path in named('open(f"imdb-{row}.json")', folder)] == ["imdb-facts.json"]
    assert [path.name for path in named("glob('*.json')", folder)] == ["bench.json", "imdb-facts.json"]


def test_what_code_does_is_all_that_counts():
    assert bare("def f(x):\n    return x  # it\n") == bare('def f( x ):\n    """It."""\n    return (x)\n')
    assert bare("x = None") != bare("x = 0") != bare("x = False") != bare("x: int = False")
    assert bare("%matplotlib inline") == "%matplotlib inline"
