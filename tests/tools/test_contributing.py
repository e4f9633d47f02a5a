"""CONTRIBUTING.md: what it tells a contributor to run is there, and it stays a page."""

import re
import shlex
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
OPTION = re.compile(r"(?<!\S)--?[a-z][\w-]*")


def commands(text):
    """The commands in backquotes, each as a list of words; a shell's `-c` text counts as one of its own."""
    found = [shlex.split(command) for command in re.findall(r"`([^`\n]+)`", text)]
    return [words for words in found if words and words[0] in ("make", "python", "git", "sh")]


def unknown(text):
    """The commands whose target, file, or option is not there."""
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[1].split()
    wrong = []
    for name, *words in commands(text):
        path = ROOT / words[0]
        if name == "make" and words[0] not in targets:
            wrong.append(f"make {words[0]}")
        elif name == "python" and words[0] != "-m" and not path.is_file():
            wrong.append(words[0])
        elif name == "python" and path.is_file():
            code = path.read_text(encoding="utf-8")
            wrong += [f"{words[0]} {option}" for option in OPTION.findall(" ".join(words)) if f'"{option}"' not in code]
    return wrong


def test_each_command_is_there():
    found = {" ".join(words[:2]) for words in commands(TEXT)}
    assert {"make notebooks", "make check", "make stale", "make test", "make format", "python tools/figures.py"} <= found
    assert unknown(TEXT) == []


def test_a_command_that_is_not_there_is_noticed():
    text = "`make tea`, `make test`, `python tools/tea.py`, `python tools/figures.py --only 01 --milk`"
    assert unknown(text) == ["make tea", "tools/tea.py", "tools/figures.py --milk"]


def test_files_and_links_are_there():
    named = re.findall(r"`((?:bertnotes|notebooks|data|tools)/[\w./-]+)`", TEXT) + re.findall(r"\]\(([^)#]+)\)", TEXT)
    missing = [path for path in named if "NN" not in path and "figures/14" not in path and not (ROOT / path).exists()]
    assert len(named) >= 8 and missing == []
    assert "(CONTRIBUTING.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_stays_a_page():
    assert len(TEXT.split()) < 1100


def test_hooks_are_local_and_run_what_is_there():
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert repo["repo"] == "local" and len(repo["hooks"]) == 3
    entries = [hook["entry"] for hook in repo["hooks"]]
    assert all(hook["language"] == "system" for hook in repo["hooks"])
    ends = ("-m ruff check'", "-m ruff format --check'", "tools/build_notebooks.py --check'")
    assert all(entry.endswith(end) for entry, end in zip(entries, ends, strict=True))
