"""my_bert.py: what passes is kept, runs by itself, survives a restart; what is not ours in it is left alone."""

import subprocess
import sys

import pytest
from learner import Notebook

from bertnotes import exercises
from bertnotes.exercises import texts
from bertnotes.exercises.program import ForeignError, Program, names_in, parse

SOFTMAX = "def softmax(scores):\n    e = torch.exp(scores - scores.amax(-1, True))\n    return e / e.sum(-1, True)"
ATTENTION = """def attention(query, key, value, mask=None):
    scores = query @ key.mT / key.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = softmax(scores)
    return weights @ value, weights"""


def kept(folder):
    """The text of my_bert.py."""
    return (folder / "my_bert.py").read_text(encoding="utf-8")


def test_what_passes_is_kept_with_what_it_needs_and_told(notebook, folder):
    notebook.run("HALF = 0.5\ndef root(x):  # of anything\n    # nothing to it\n    return x ** HALF\n    # the end")
    notebook.run(SOFTMAX)
    said = notebook.check("attention", "attention", ATTENTION.replace("key.shape[-1] ** 0.5", "root(key.shape[-1])"))
    assert said.state == "right" and "`attention` is in my_bert.py" in said.message
    text = kept(folder)
    assert [name for name in parse(text).pieces] == ["HALF", "root", "softmax", "attention"]
    assert "import math\nimport torch\n" in text and "# nothing to it" in text
    code = "import torch, my_bert\nprint(my_bert.attention(*torch.ones(3, 2, 2))[0].tolist())"
    run = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120)
    assert run.stdout == "[[1.0, 1.0], [1.0, 1.0]]\n", run.stderr


def test_what_does_not_pass_is_not_kept(notebook, folder):
    notebook.check("softmax", "softmax", "def softmax(scores):\n    return scores")
    notebook.check("root", "answer", "answer = 16")
    notebook.check("find_the_bug", "masked_attention", texts()["find_the_bug"]["solution"])
    assert list(folder.iterdir()) == []
    said = notebook.check("softmax", "mine", SOFTMAX.replace("softmax", "mine"))
    assert said.state == "right" and "has to be called `softmax`, yours is `mine`" in said.message
    assert list(folder.iterdir()) == []


def test_what_passes_again_takes_the_place_of_what_did(notebook, folder):
    notebook.check("softmax", "softmax", SOFTMAX)
    notebook.check("causal_mask", "causal_mask", texts()["causal_mask"]["solution"])
    notebook.check("softmax", "softmax", SOFTMAX.replace("e = ", "# better\n    e = "))
    assert list(parse(kept(folder)).pieces) == ["softmax", "causal_mask"] and kept(folder).count("# better") == 1


def test_after_a_restart_names_are_found_in_the_file(notebook, folder):
    notebook.check("softmax", "softmax", SOFTMAX.replace("torch.exp", "torch.exp"))
    again = Notebook()
    assert "softmax" not in again.names
    assert again.check("attention", "attention", ATTENTION).state == "right"
    assert list(parse(kept(folder)).pieces) == ["softmax", "attention"]


def test_functions_imported_from_the_file_are_followed(notebook, folder, monkeypatch):
    notebook.check("softmax", "softmax", SOFTMAX)
    monkeypatch.syspath_prepend(folder)
    again = Notebook()
    again.run("from my_bert import softmax")
    assert again.check("attention", "attention", ATTENTION).state == "right"
    del sys.modules["my_bert"]


def test_what_the_file_says_counts_where_it_has_changed_since_it_was_imported(notebook, folder, monkeypatch):
    """Python finds the lines of a function where they stood at import; `check` itself moves them."""
    notebook.check("softmax", "softmax", SOFTMAX)
    monkeypatch.syspath_prepend(folder)
    again = Notebook()
    again.run("from my_bert import softmax")
    path = folder / "my_bert.py"
    path.write_text(path.read_text(encoding="utf-8").replace("import torch\n", "import math\nimport torch\n"), encoding="utf-8")
    assert again.check("attention", "attention", ATTENTION).state == "right"
    assert again.check("attention", "attention", ATTENTION).state == "right", "again, once more lines have moved"
    assert exercises.check("softmax", again.names["softmax"]).state == "right"
    path.write_text(
        path.read_text(encoding="utf-8").replace("def softmax(scores):", "def softmax(scores):\n    (("), encoding="utf-8"
    )
    said = again.check("attention", "attention", ATTENTION)
    assert said.state == "wrong" and "because it has a syntax error" in said.message
    del sys.modules["my_bert"]


def test_an_earlier_version_that_does_more_is_not_replaced(notebook, folder):
    """The attention of one exercise brings the weights of that one along; those of the next exercise are better."""
    better = texts()["empty_row"]["solution"]
    notebook.check("softmax", "softmax", SOFTMAX)
    assert notebook.check("attention", "attention", texts()["attention"]["solution"]).passed
    assert notebook.check("empty_row", "attention_weights", better).passed
    assert notebook.check("attention", "attention", texts()["attention"]["solution"]).passed
    assert parse(kept(folder)).pieces["attention_weights"] == better.strip()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def softmax(:\n", "it has a syntax error in line 1"),
        ("print('mine')\n", "from line 1 on it holds what check did not write"),
        ("\0", "it has a syntax error in line 1"),
        ("", "from line 1 on it holds what check did not write"),
        (None, "from line 12 on it holds what check did not write"),
    ],
)
def test_a_file_that_is_not_ours_is_left_alone_and_told_in_a_sentence(notebook, folder, text, why):
    notebook.check("causal_mask", "causal_mask", texts()["causal_mask"]["solution"])
    text = kept(folder) + "\n\nx = softmax(3)  # mine\nprint(x)\n" if text is None else text
    (folder / "my_bert.py").write_text(text, encoding="utf-8")
    said = notebook.check("softmax", "softmax", SOFTMAX)
    assert said.state == "right" and f"It is not kept: my_bert.py stays as it is, because {why}." in said.message
    assert kept(folder) == text


def test_a_file_that_is_no_text(notebook, folder):
    (folder / "my_bert.py").write_bytes(b"\xff\xfe\x00")
    said = notebook.check("softmax", "softmax", SOFTMAX)
    assert said.state == "right" and "it is not a text in UTF-8" in said.message
    assert (folder / "my_bert.py").read_bytes() == b"\xff\xfe\x00"


def test_a_file_that_cannot_be_written(notebook, folder):
    (folder / "my_bert.py.partial").mkdir()
    said = notebook.check("softmax", "softmax", SOFTMAX)
    assert said.state == "right" and "It is not kept: my_bert.py could not be written" in said.message


def test_a_helper_that_another_function_there_needs_differently_is_not_replaced(notebook, folder):
    notebook.run("def move(scores):\n    return scores - scores.amax(-1, True)")
    mine = "def softmax(scores):\n    e = torch.exp(move(scores))\n    return e / e.sum(-1, True)"
    assert notebook.check("softmax", "softmax", mine).state == "right"
    before = kept(folder)
    notebook.run("def move(table):\n    return table.tril()")
    said = notebook.check("causal_mask", "causal_mask", "def causal_mask(n):\n    return move(torch.ones(n, n)).bool()")
    assert said.state == "right" and "`softmax` in my_bert.py would fail with it" in said.message
    assert kept(folder) == before


def test_the_file_is_checked_in_a_fresh_process(notebook, tmp_path, monkeypatch, restarted):
    monkeypatch.setenv("BERTNOTES_MY", str(tmp_path / "learner"))
    notebook.check("softmax", "softmax", "def softmax(scores):\n    return scores")
    first = exercises.runner.process.pid
    said = notebook.check("softmax", "softmax", SOFTMAX)
    assert said.message == "`softmax` is in my_bert.py." and exercises.runner.process.pid != first
    assert "def softmax" in kept(tmp_path / "learner")


def test_where_the_file_lies(tmp_path, monkeypatch):
    assert exercises.folder() == exercises.temporary()
    (tmp_path / "my").mkdir()
    monkeypatch.chdir(tmp_path / "my")
    assert exercises.folder() == tmp_path / "my"
    monkeypatch.setenv("BERTNOTES_MY", str(tmp_path / "other"))
    assert exercises.folder() == tmp_path / "other"


def test_a_program_is_read_as_it_was_written():
    program = Program(
        {"import math", "import torch"}, {"A": 'A = "x"', "f": "@torch.no_grad()\ndef f(x):\n\n    # why\n    return x"}
    )
    assert parse(program.text()) == program
    assert parse(Program().text()) == Program()
    with pytest.raises(ForeignError, match="from line 4 on"):
        parse(program.text().replace("import torch\n", "import torch  # mine\n"))


def test_names_in_code():
    source = "@d\ndef f(a: T, b=B) -> R:\n    c = G\n    return [h(x.y) for x in a if c], lambda z: z + W, f, len"
    assert set(names_in(source)) == {"d", "T", "B", "R", "G", "h", "W", "f", "len"}
