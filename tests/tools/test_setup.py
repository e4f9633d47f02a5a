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

import check
import nbformat
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
    extras = PROJECT["optional-dependencies"]
    lines = [line for name in ("lab", "attribution", "onnx", "tables", "test") for line in extras[name]]
    asked = [Requirement(line) for line in PROJECT["dependencies"] + lines + PYPROJECT["build-system"]["requires"]]
    return [requirement for requirement in asked if requirement.name != PROJECT["name"]]  # an extra that holds another one


def test_what_reads_tables_is_there_to_be_tested():
    assert "bertnotes[tables]" in PROJECT["optional-dependencies"]["test"]


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
    assert load_yaml("environment.yml")["variables"] == {"JUPYTER_CONFIG_PATH": ".jupyter"} and (ROOT / ".jupyter").is_dir()
    (python,) = [line for line in dependencies if str(line).startswith("python=")]
    assert python.removeprefix("python=") in SpecifierSet(PROJECT["requires-python"])


def test_workflow_runs_the_checks_on_three_systems():
    job = load_yaml(".github/workflows/test.yml")["jobs"]["test"]
    matrix = job["strategy"]["matrix"]
    assert {system.split("-")[0] for system in matrix["system"]} == {"ubuntu", "macos", "windows"}
    assert all(version in SpecifierSet(PROJECT["requires-python"]) for version in matrix["python"])
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    assert "make test " in commands and "make test-long " in commands and "python tools/check.py" in commands


def test_a_clone_has_one_line_end_everywhere(tmp_path):
    """Also where git is told to write Windows' own: what tests compare and hash is the same on every machine."""
    subprocess.run(["git", "init", "-q", tmp_path / "origin"], check=True)
    git = ["git", "-C", str(tmp_path / "origin"), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for name in (
        ".gitattributes",
        "Makefile",
        "data/reviews-1.csv",
        "data/reviews.csv",
        "notebooks/01_query_key_value.ipynb",
        "data/mini/tokenizer.json",
    ):
        (tmp_path / "origin" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "origin" / name)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "x"], check=True)
    clone = ["git", "clone", "-q", "-c", "core.autocrlf=true", "-c", "core.eol=crlf", tmp_path / "origin", tmp_path / "clone"]
    subprocess.run(clone, check=True)
    files = [path for path in (tmp_path / "clone").rglob("*") if path.is_file() and ".git" not in path.parts]
    assert len(files) == 6 and [path.name for path in files if b"\r\n" in path.read_bytes()] == []


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
@pytest.mark.parametrize(
    ("there", "asked", "status"),
    [(True, False, 0), (False, True, 2)],  # all pins are met; some are not, and the index cannot be reached
)
def test_make_asks_the_network_only_for_what_is_not_there(make, there, asked, status):
    """So a pull that touches pyproject.toml breaks no target offline."""
    index = """*"pip install"*"-r requirements.txt"*) echo "asked the index"; exit 1;;"""
    found = make(f"*--no-index*) exit {0 if there else 1};;\n{index}")
    assert ("asked the index" in found.stdout) == asked and found.returncode == status
    assert ("All of them are there already" in found.stdout) == make.ready.exists() == there


@needs_make
def test_make_check_without_a_page_says_how_it_is_used():
    for numbers in ([], ["77"], ["01", "02"]):
        run = subprocess.run([sys.executable, "tools/check.py", "page", *numbers], cwd=ROOT, capture_output=True, text=True)
        assert run.returncode == 2 and run.stderr.startswith("make check ONLY=NN checks one page; met ")
        assert (" ".join(numbers) or "none") in run.stderr and "there are 00, 01" in run.stderr


@pytest.mark.parametrize("broken", ["", "guard", "deck"])
def test_a_page_is_checked_in_steps_each_with_its_time(monkeypatch, capsys, broken):
    """All of them, whatever one says."""
    seen, steps = [], check.steps_of_page("01", "out")
    monkeypatch.setattr(check, "go_offline", lambda: seen.append("offline"))

    def outcome(command, **_):
        step = next(step for step, line in check.steps_of_page("01", command[-1]).items() if line == command)
        seen.append(step)
        return subprocess.CompletedProcess(command, int(step == broken))

    monkeypatch.setattr(subprocess, "run", outcome)
    assert check.main(["page", "01"]) == int(bool(broken))
    assert seen == ["offline", *steps] and list(steps)[:3] == ["ruff check", "ruff format --check", "mypy"]
    last = capsys.readouterr().out.splitlines()[-len(steps) :]
    assert [line.partition(":")[0] for line in last] == list(steps)
    assert [line.partition(":")[0] for line in last if "failed" in line] == [broken] * bool(broken)
    assert [Path(word).name for word in steps["cells"][-2:]] == ["01_query_key_value.ipynb", "01.ipynb"]


def test_a_link_named_venv_is_ignored_too(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    shutil.copy(ROOT / ".gitignore", tmp_path)
    (tmp_path / ".venv").symlink_to(tmp_path)
    assert subprocess.run(["git", "check-ignore", "-q", ".venv"], cwd=tmp_path).returncode == 0


@needs_make
def test_make_sets_up_once(make):
    assert "Installing" in make("").stdout
    assert make.ready.exists()
    assert "Installing" not in make("").stdout


@needs_make
def test_make_help_lists_every_target(make):
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[1].split()
    listed = re.findall(r"^make ([\w-]+)", make("", "help").stdout, re.MULTILINE)
    assert sorted(["help", *listed]) == sorted(targets)
    assert not make.ready.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no executable bit")
@pytest.mark.parametrize("broken", ["", "test", "test-long"])
def test_ci_runs_both_suites_and_says_which_failed(tmp_path, broken):
    """The quick one first; the long one too where that failed."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    for name, code in {"make": f'echo "$@" >> log\n[ "$1" != "{broken}" ]', "chromium": "", "apt-get": ""}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{code}\n")
        (tmp_path / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([tmp_path / ".ci" / "run"], env=environment, capture_output=True, text=True, timeout=60)
    assert (tmp_path / "log").read_text().split() == ["test", "test-long"]
    assert (done.returncode, done.stderr.strip()) == ((1, f"failed: make {broken}") if broken else (0, ""))


@needs_make
def test_make_lab_starts_with_the_clones_settings():
    """Those of whoever starts it hold too, where the clone says nothing."""
    environment = os.environ | {"JUPYTER_CONFIG_PATH": "/mine"}
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    line = (
        re.search(r"^\tcd .*?JUPYTER_CONFIG_PATH=(\S+)", text, re.MULTILINE)[1]
        .replace("$(CURDIR)", "/clone")
        .replace("$$", "$")
    )
    for before, expected in (("/mine", "/clone/.jupyter:/mine"), ("", "/clone/.jupyter")):
        environment["JUPYTER_CONFIG_PATH"] = before
        said = subprocess.run(["sh", "-c", f"echo {line}"], env=environment, capture_output=True, text=True, check=True).stdout
        assert said.strip() == expected


@needs_make
def test_make_lab_copies_the_exercises_for_the_learner_and_overwrites_nothing(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in (
        "requirements.txt",
        "pyproject.toml",
        ".venv/ready",
        "notebooks/exercises/01.ipynb",
        "notebooks/exercises/02.ipynb",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{name}, as it comes")
    lab = tmp_path / ".venv" / "bin" / "python"
    lab.parent.mkdir()
    lab.write_text("#!/bin/sh\n")
    lab.chmod(0o755)
    mine = tmp_path / "notebooks" / "my"
    mine.mkdir()
    (mine / "02.ipynb").write_text("my own work")
    for _ in range(2):
        subprocess.run(["make", "lab"], cwd=tmp_path, check=True, capture_output=True, timeout=60)
        texts = {path.name: path.read_text() for path in mine.iterdir()}
        assert texts == {"01.ipynb": "notebooks/exercises/01.ipynb, as it comes", "02.ipynb": "my own work"}
    shutil.rmtree(tmp_path / "notebooks" / "exercises")  # a clone without any
    subprocess.run(["make", "lab"], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    assert len(list(mine.iterdir())) == 2


def test_an_unknown_check_is_named(capsys):
    assert check.main(["unit", "lint", "links"]) == 2
    assert capsys.readouterr().err == "unknown check: links; there are lint, unit, notebooks, stale, long\n"


@pytest.mark.parametrize(
    "names, ran, offline",
    [
        ([], ["lint", "unit", "notebooks", "stale"], True),
        (["long"], ["long"], False),
        (["long", "lint"], ["long", "lint"], True),
    ],
)
def test_checks_that_run(monkeypatch, capsys, names, ran, offline):
    """Without names, all but the long one; every one, whatever those before it said; the long one alone keeps the network."""
    seen = []
    monkeypatch.setattr(check, "go_offline", lambda: seen.append("offline"))
    monkeypatch.setattr(check, "run", lambda name: seen.append(name) or name != "lint")
    assert check.main(names) == (1 if "lint" in ran else 0)
    assert seen == ["offline"] * offline + ran
    assert ("failed: lint" in capsys.readouterr().err) == ("lint" in ran)


def test_a_check_runs_all_its_commands_and_passes_if_each_does(monkeypatch):
    codes, seen = iter([0, 1, 0, 0, 0, 0]), []

    def outcome(command, **_):
        seen.append(command)
        return subprocess.CompletedProcess(command, next(codes))

    monkeypatch.setattr(subprocess, "run", outcome)
    assert check.run("lint") is False and check.run("lint") is True
    assert seen == check.CHECKS["lint"] * 2
    assert [command[2:4] for command in seen[:3]] == [["ruff", "check"], ["ruff", "format"], ["mypy"]]


def test_checks_run_without_network_where_the_machine_allows_it():
    script = "import check, socket; check.go_offline(); print(socket.if_nameindex()); socket.create_server(('127.0.0.1', 0))"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT / "tools", capture_output=True, text=True, check=True)
    if "network: still there" in run.stdout:
        pytest.skip("this machine allows no network namespace")
    assert run.stdout.splitlines() == ["network: none, but for loopback", "[(1, 'lo')]"]


# --- pytest ---------------------------------------------------------------------------------------------------------


def pytest_on(*arguments, cwd=ROOT):
    """Run pytest in a process of its own, as a reader would type it; returns (exit status, what it printed)."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    ours = ("PYTEST_", "TQDM_", "HF_HUB_", "MPLBACKEND")  # what these tests run under, and a reader does not
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment["OMP_NUM_THREADS"] = "1"  # two would wait for each other where other tests run beside
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=280)
    return done.returncode, done.stdout + done.stderr


def test_nbval_needs_no_option_to_find_the_pages_and_nothing_else(tmp_path):
    """What pages are made from and what a learner wrote is left alone: neither is imported."""
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("src", "my"):
        (tmp_path / "notebooks" / name).mkdir(parents=True)
        (tmp_path / "notebooks" / name / "00_start_here.py").write_text("raise RuntimeError('this was imported')\n")
        shutil.copy(ROOT / "notebooks" / "00_start_here.ipynb", tmp_path / "notebooks" / name)
    shutil.copy(ROOT / "notebooks" / "00_start_here.ipynb", tmp_path / "notebooks")
    status, said = pytest_on("--nbval", "notebooks", "--collect-only", "-q", cwd=tmp_path)
    assert status == 0, said
    assert {line.split("::")[0] for line in said.splitlines() if "::" in line} == {"notebooks/00_start_here.ipynb"}


def test_a_page_passes_under_nbval_with_no_option():
    status, said = pytest_on("--nbval", "notebooks/00_start_here.ipynb")
    assert status == 0, said


@pytest.mark.parametrize("folder", [".", "notebooks"])
def test_outputs_are_sanitized_with_no_option(tmp_path, folder):
    """An address in memory, which is another one in each run, does not fail a page, whichever folder pytest is started in."""
    for name in ("conftest.py", "pyproject.toml", "notebooks/nbval-sanitize.cfg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    stored = nbformat.v4.new_output("stream", name="stdout", text="<object object at 0x7f0000000000>\n")
    cell = nbformat.v4.new_code_cell("print(object())", outputs=[stored], execution_count=1)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "notebooks" / "a.ipynb")
    command = ["--nbval", str(tmp_path / "notebooks")]
    status, said = pytest_on(*command, cwd=tmp_path / folder)
    assert status == 0, said
    (tmp_path / "notebooks" / "nbval-sanitize.cfg").write_text("")
    assert pytest_on(*command, cwd=tmp_path / folder)[0] == 1


def test_pytest_leaves_the_long_tests_to_those_who_ask_for_them(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    text = "import pytest\n@pytest.mark.long\ndef test_slow(): pass\ndef test_quick(): pass\n"
    (tmp_path / "test_a.py").write_text(text)
    assert "1 passed, 1 deselected" in pytest_on("test_a.py", cwd=tmp_path)[1]
    status, said = pytest_on("test_a.py", "-m", "long", "-v", cwd=tmp_path)
    assert status == 0 and "test_slow PASSED" in said and "test_quick" not in said


# --- README and docs ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def readme():
    """The text of README.md, and of docs after it."""
    return "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))))


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


def unknown_words(call, help_of):
    """Return the subcommand or the options of a call that the command line does not know. help_of: a function that gives the
    help of a subcommand, "" where there is none such."""
    name = call[0] if call else ""
    if not (told := help_of("" if name.startswith("-") else name)):
        return [name]
    options = {word.partition("=")[0] for word in call if re.match(r"--?[A-Za-z]", word)}
    return sorted(options - set(re.findall(r"(?<!\S)--?[A-Za-z][\w-]*", told)))


def test_commands_are_found_in_shell_blocks():
    text = '```sh\ncd x && make lab # now\nA=1 bertnotes train --out "a b" \\\n  --epochs 2\n```\n'
    text += "make prose\n```console\n$ python -m bertnotes data\nmake output\n```\n```text\nmake nothing\n```\n"
    found = commands(text)
    assert found[0] == ["cd", "x"]
    assert make_targets(found) == {"lab"}
    assert bertnotes_calls(found) == [["train", "--out", "a b", "--epochs", "2"], ["data"]]


def test_unknown_words_are_noticed():
    def help_of(name):
        return {"": "-h, --help", "train": "│ --epochs INT  passes │\n│ --dry-run     stop │"}.get(name, "")

    assert unknown_words(["train", "--epochs=2", "--dry-run"], help_of) == unknown_words(["--help"], help_of) == []
    assert unknown_words(["train", "--epoch", "2"], help_of) == ["--epoch"]
    assert unknown_words(["trian"], help_of) == ["trian"]


@needs_make
def test_readme_make_targets_exist(readme):
    targets = make_targets(commands(readme))
    assert targets >= {"lab", "test"}, "README.md names the two commands, make lab and make test, in a shell block"
    for target in sorted(targets):
        run = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr


def test_readme_bertnotes_commands_exist(readme, bertnotes):
    calls = bertnotes_calls(commands(readme))
    assert calls, "README.md shows no bertnotes command in a shell block"

    def help_of(name):
        return bertnotes(*[name] * bool(name), "--help")[1]

    unknown = {shlex.join(call): unknown_words(call, help_of) for call in calls}
    assert not any(unknown.values()), unknown


def test_readme_python_runs(readme, tmp_path):
    script = "\n".join(blocks(readme, "python", "py"))
    assert script, "README.md shows no Python"
    shutil.copytree(ROOT / "data", tmp_path / "data", ignore=shutil.ignore_patterns("imdb"))  # what it writes stays here
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=280)
    assert run.returncode == 0, run.stderr
