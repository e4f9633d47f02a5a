"""The set-up: its files agree with each other, `make` says what is missing, and what README tells a reader to type works."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
CUDA = ("nvidia-", "cuda-", "triton")  # some builds of torch bring these; torch itself names their versions

needs_make = pytest.mark.skipif(sys.platform == "win32" or not shutil.which("make"), reason="make is not installed")


def load_yaml(path):
    """Read a YAML file of the repository."""
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


# --- requirements.txt, pyproject.toml, environment.yml, the workflow, CITATION.cff ------------------------------------


def pins():
    """Return {canonical name: the pins of requirements.txt}; a name has several where markers tell them apart."""
    found = {}
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def asked_for():
    """Return what pyproject.toml asks for: to run, to test, to build."""
    lines = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"] + PYPROJECT["build-system"]["requires"]
    return [Requirement(line) for line in lines]


def test_every_pin_names_one_public_version():
    wrong = [str(pin) for same in pins().values() for pin in same if not re.fullmatch(r"==[0-9a-z.]+", str(pin.specifier))]
    assert wrong == []


@pytest.mark.parametrize("requirement", asked_for(), ids=str)
def test_requirement_is_pinned_inside_its_range(requirement):
    found = pins().get(canonicalize_name(requirement.name), [])
    assert found, f"{requirement.name} is not in requirements.txt: make pins"
    for pin in found:
        version = str(pin.specifier).removeprefix("==")
        assert requirement.specifier.contains(version), f"{pin} is outside {requirement.specifier}: make pins"


def needed_by(requirement):
    """Return what the installed distribution of a requirement needs on this machine."""
    lines = metadata.requires(requirement.name) or []
    extras = requirement.extras or {""}
    needs = [Requirement(line) for line in lines]
    return [need for need in needs if not need.marker or any(need.marker.evaluate({"extra": extra}) for extra in extras)]


def test_what_the_requirements_need_is_pinned_too():
    pinned, seen, waiting = pins(), set(), asked_for()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if str(requirement) not in seen and not name.startswith(CUDA):
            seen.add(str(requirement))
            assert name in pinned, f"{name} is needed and not in requirements.txt: make pins"
            waiting += needed_by(requirement)
    assert len(seen) > len(asked_for())


def test_conda_environment_takes_the_pins_and_this_package():
    dependencies = load_yaml("environment.yml")["dependencies"]
    assert {"pip": ["-r requirements.txt", "-e ."]} in dependencies
    (python,) = [line for line in dependencies if str(line).startswith("python=")]
    assert python.removeprefix("python=") in SpecifierSet(PROJECT["requires-python"])


def test_workflow_runs_the_checks_on_three_systems():
    job = load_yaml(".github/workflows/test.yml")["jobs"]["test"]
    matrix = job["strategy"]["matrix"]
    assert {system.split("-")[0] for system in matrix["system"]} == {"ubuntu", "macos", "windows"}
    assert all(version in SpecifierSet(PROJECT["requires-python"]) for version in matrix["python"])
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    assert "make test" in commands and "python tools/check.py" in commands


def test_citation_names_this_version():
    assert load_yaml("CITATION.cff")["version"] == PROJECT["version"]


# --- make ------------------------------------------------------------------------------------------------------------

# Stands for a Python, and for the one in .venv that it makes: answers as the cases say, and succeeds at all else.
FAKE = """#!/bin/sh
case "$*" in
{cases}
*platform*) echo "Python 3.13.0";;
*"-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python;;
esac
"""


@pytest.fixture
def make(tmp_path):
    """A function that runs make in a fresh folder with a Python that answers as the given cases say."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)

    def run(cases, target="lint"):
        (tmp_path / "fake").write_text(FAKE.format(cases=cases))
        (tmp_path / "fake").chmod(0o755)
        command = ["make", "PYTHON=./fake", target]
        outer = {"MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL"}  # of the `make test` that runs this, maybe with its own PYTHON
        environment = {key: value for key, value in os.environ.items() if key not in outer}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)

    run.ready = tmp_path / ".venv" / "ready"
    return run


@needs_make
@pytest.mark.parametrize(
    "cases, said",
    [
        ('*platform*) echo "Python 3.9.2";; *version_info*) exit 1;;', ["needs Python 3.11", ": ./fake: Python 3.9.2;"]),
        ("*) exit 1;;", ["needs Python 3.11", "./fake: not found", "make PYTHON="]),
        ("*ensurepip*) exit 1;;", ["./fake (Python 3.13.0) lacks venv or ensurepip", "apt install python3-venv"]),
        ('*"pip install"*) exit 1;;', ["The set-up did not finish", "make clean"]),
        ('*"-e ."*) exit 1;;', []),
    ],
)
def test_make_says_why_the_set_up_stopped_and_takes_it_for_unfinished(make, cases, said):
    run = make(cases)
    assert run.returncode != 0
    assert all(words in run.stderr for words in said), run.stderr
    assert not make.ready.exists()


@needs_make
def test_make_sets_up_once(make):
    assert "Installing" in make("").stdout
    assert make.ready.exists()
    assert "Installing" not in make("").stdout


@needs_make
def test_make_help_lists_every_target(make):
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[1].split()
    listed = re.findall(r"^make (\w+)", make("", "help").stdout, re.MULTILINE)
    assert sorted(["help", *listed]) == sorted(targets)
    assert not make.ready.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no executable bit")
def test_ci_runs_make_test():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_checks_run_without_network_where_the_machine_allows_it():
    script = "import check, socket; check.go_offline(); print(socket.if_nameindex()); socket.create_server(('127.0.0.1', 0))"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT / "tools", capture_output=True, text=True, check=True)
    if "network: still there" in run.stdout:
        pytest.skip("this machine allows no network namespace")
    assert run.stdout.splitlines() == ["network: none, but for loopback", "[(1, 'lo')]"]


# --- README ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def readme():
    """The text of README.md."""
    path = ROOT / "README.md"
    assert path.exists(), "README.md is missing"
    return path.read_text(encoding="utf-8")


def blocks(text, *languages):
    """Return the contents of the fenced blocks in one of the languages."""
    return re.findall(rf"^```(?:{'|'.join(languages)})\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text):
    """Return the commands in the shell blocks, each as a list of words; of a console block only what follows a prompt."""
    typed = "".join(blocks(text, "sh", "bash", "shell"))
    typed += "\n".join(re.findall(r"^\$ (.*(?:\\\n.*)*)", "".join(blocks(text, "console")), re.MULTILINE))
    found = []
    for line in typed.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = next((place for place, word in enumerate(words) if word in {"&&", "|", ";"}), len(words))
            command, words = words[:end], words[end + 1 :]
            while command and re.match(r"[A-Z_]+=", command[0]):  # BERTNOTES_MODEL=... bertnotes ...
                del command[0]
            found += [command] if command else []
    return found


def make_targets(found):
    """Return the targets that the commands make."""
    return {word for name, *words in found if name == "make" for word in words if "=" not in word and word[0] != "-"}


def bertnotes_calls(found):
    """Return the arguments of each call of the bertnotes command."""
    calls = [words for name, *words in found if Path(name).name == "bertnotes"]
    return calls + [words[2:] for name, *words in found if words[:2] == ["-m", "bertnotes"]]


def unknown_words(call, command):
    """Return the subcommand or the options of a call that the command line does not know."""
    name = call[0] if call else ""
    if not name.startswith("-"):
        command = getattr(command, "commands", {}).get(name)
        if command is None:
            return [name]
    known = {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]} | {"--help"}
    options = {word.partition("=")[0] for word in call if re.match(r"--?[A-Za-z]", word)}
    return sorted(options - known)


def test_commands_are_found_in_shell_blocks():
    text = '```sh\ncd x && make lab # now\nA=1 bertnotes train --out "a b" \\\n  --epochs 2\n```\n'
    text += "make prose\n```console\n$ python -m bertnotes data\nmake output\n```\n```text\nmake nothing\n```\n"
    found = commands(text)
    assert found[0] == ["cd", "x"]
    assert make_targets(found) == {"lab"}
    assert bertnotes_calls(found) == [["train", "--out", "a b", "--epochs", "2"], ["data"]]


def test_unknown_words_are_noticed():
    import typer

    app = typer.Typer()
    app.command("train")(lambda epochs=1: None)
    app.callback()(lambda: None)
    command = typer.main.get_command(app)
    assert unknown_words(["train", "--epochs=2"], command) == []
    assert unknown_words(["train", "--epoch", "2"], command) == ["--epoch"]
    assert unknown_words(["trian"], command) == ["trian"]


@needs_make
def test_readme_make_targets_exist(readme):
    targets = make_targets(commands(readme))
    assert targets >= {"lab", "test"}, "README.md names the two commands, make lab and make test, in a shell block"
    for target in sorted(targets):
        run = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr


def test_readme_bertnotes_commands_exist(readme):
    from typer.main import get_command

    from bertnotes.cli import app

    calls = bertnotes_calls(commands(readme))
    assert calls, "README.md shows no bertnotes command in a shell block"
    unknown = {shlex.join(call): wrong for call in calls if (wrong := unknown_words(call, get_command(app)))}
    assert unknown == {}


def test_readme_python_runs(readme, tmp_path):
    script = "\n".join(blocks(readme, "python", "py"))
    assert script, "README.md shows no Python"
    shutil.copytree(ROOT / "data", tmp_path / "data", ignore=shutil.ignore_patterns("imdb"))  # what it writes stays here
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=280)
    assert run.returncode == 0, run.stderr
