"""What `pip install .` brings: all that the library reads, with its licences, so that it works with no clone around."""

import ast
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import bertnotes

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CARRIERS = packages_distributions()  # {module: packages}
MOST = 40e6  # bytes of the wheel
NOTEBOOKS_ONLY = (
    "beartype",
    "bertviz",
    "captum",
    "hypothesis",
    "IPython",
    "ipykernel",
    "jupyterlab",
    "mpld3",
    "nbformat",
    "pytest",
    "xstatic",
)

SCRIPT = """
import bertnotes, matplotlib
matplotlib.use("Agg")
from bertnotes import attention_heatmap, load_encoder, load_imdb_data, load_tokenizer
from bertnotes.files import REVIEWS
from bertnotes.experiments.imdb import FINGERPRINTS
tokenizer, encoder = load_tokenizer(), load_encoder()
inputs = tokenizer("A good film.", return_tensors="pt")
weights = encoder(**inputs, output_attentions=True).attentions[0][0, 2]
attention_heatmap(weights, tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])).figure.savefig("heads.png")
texts, labels = load_imdb_data(REVIEWS)
if hasattr(bertnotes, "attend"):
    assert bertnotes.attend("A good film.").weights.shape[:2] == (6, 12)
from bertnotes.exercises import check, hint
assert hint("softmax").startswith("**Hint 1") and check("root", 16).passed
print(len(texts) == len(labels) > 900, FINGERPRINTS.stat().st_size, bertnotes.__file__)
print(REVIEWS)
"""
EVERY_MODULE = f"""
import sys
for name in {NOTEBOOKS_ONLY}:
    sys.modules[name] = None  # as if it were not installed
import importlib, pkgutil, bertnotes
names = [found.name for found in pkgutil.walk_packages(bertnotes.__path__, "bertnotes.") if "__main__" not in found.name]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def build(target, folder):
    """Build one thing with the backend itself, which fetches nothing. Returns its path."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The path of the wheel."""
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def run(wheel, tmp_path_factory):
    """A function that runs Python in an empty folder, with the wheel installed beside the packages that are here."""
    site, empty = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("empty")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run(pip, check=True, timeout=120)
    return runner([sys.executable], empty, site)


def runner(python, folder, site=""):
    """A function that runs Python with arguments in a folder, offline, and returns what it printed."""
    environment = os.environ | {"PYTHONPATH": str(site), "HF_HUB_OFFLINE": "1", "MPLBACKEND": "Agg"}

    def call(*arguments):
        command = [*python, "-W", "error::DeprecationWarning:bertnotes", *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    call.folder = folder
    return call


def use_it(run):
    """Do with an installed package what its reader does: a script, then train, predict and view from the command line."""
    said, reviews = run("-c", SCRIPT).splitlines()[-2:]
    assert said.startswith("True 150000") and str(ROOT / "bertnotes") not in said
    assert Path(reviews).parent.name == "shipped"
    train = ["--data", reviews, "--plain", "--sample", "40", "--epochs", "1", "--max-length", "16", "--out", "runs/first"]
    run("-m", "bertnotes", "train", *train)
    assert "negative" in (said := run("-m", "bertnotes", "predict", "--model", "runs/first", "Dull.")) or "positive" in said
    run("-m", "bertnotes", "view", "The cat sat.", "--out", "heads.html")
    assert (run.folder / "heads.html").stat().st_size > 10_000 and (run.folder / "heads.png").exists()


def tracked(*paths):
    """The files under paths that git does not ignore; the test is skipped where there is no git."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip("this is no git clone")
    return {name for name in done.stdout.split("\0") if name and (ROOT / name).exists()}


# ---- what travels ----


def test_the_wheel_holds_all_that_the_library_reads_and_no_more(wheel):
    """Every file of data/ but the results, which only notebooks read; IMDB, should it lie there, stays there."""
    names = set(zipfile.ZipFile(wheel).namelist())
    library, data = tracked("bertnotes"), tracked("data")
    shipped = {f"bertnotes/shipped/{name.removeprefix('data/')}" for name in data if not name.startswith("data/results/")}
    assert names == library | shipped | {name for name in names if ".dist-info/" in name}
    assert "bertnotes/py.typed" in names and "bertnotes/shipped/mini/LICENSE" in names
    assert wheel.stat().st_size <= MOST, f"{wheel.stat().st_size / 1e6:.0f} MB, at most {MOST / 1e6:.0f}"


def test_every_licence_travels(wheel):
    """MIT for the code, Apache-2.0 for the model, CC0 for the reviews: each text, and which holds for what."""
    archive = zipfile.ZipFile(wheel)
    texts = [archive.read(name).decode() for name in archive.namelist() if "/licenses/" in name]
    for words in ("MIT License", "Apache License", "CC0 1.0 Universal"):
        assert sum(words in text for text in texts) == 1, words
    metadata = archive.read(f"bertnotes-{bertnotes.__version__}.dist-info/METADATA").decode()
    assert "License-Expression: MIT AND Apache-2.0 AND CC0-1.0" in metadata
    told = archive.read("bertnotes/shipped/README.md").decode()
    assert all(words in told for words in ("| MIT", "| Apache-2.0", "| CC0"))


def test_the_source_distribution_is_whole(tmp_path):
    """Whoever unpacks it can build the wheel and run the course."""
    with tarfile.open(build("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert tracked() - names == set()
    assert [name for name in names if name.startswith(("data/imdb/", "runs/", ".venv/"))] == []


def test_an_editable_install_copies_nothing(tmp_path):
    """It points at the clone, whose data/ it reads."""
    names = zipfile.ZipFile(build("wheel:editable", tmp_path)).namelist()
    assert [name for name in names if ".dist-info/" not in name] == ["_bertnotes.pth"]


# ---- that it works ----


def test_the_wheel_works_in_an_empty_folder(run):
    use_it(run)


def test_a_script_needs_nothing_of_the_extras(run):
    """Each module is imported where neither Jupyter nor IPython, bertviz, captum or pytest are installed."""
    assert int(run("-c", EVERY_MODULE)) > 30


@pytest.mark.parametrize(
    "code, module, extra",
    [
        ("from bertnotes.pictures.charts import LiveCurve; LiveCurve().step(1.0)", "IPython", "lab"),
        ("from bertnotes import bertviz_head_view as v; v([[[[1.0]]]], ['a'])", "bertviz", "lab"),
    ],
)
def test_what_needs_an_extra_names_it(run, code, module, extra):
    hide = "import importlib.util as u, sys; find = u.find_spec; sys.modules[{0!r}] = None\n"
    hide += "u.find_spec = lambda name, *more: None if name == {0!r} else find(name, *more)\n"
    catch = f"try:\n    {code}\nexcept ModuleNotFoundError as error:\n    print(error)\n"
    assert f"bertnotes[{extra}]" in run("-c", hide.format(module) + catch)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_full_install_works(wheel):
    """With all that it asks for, and nothing else, in an environment of its own; the pins say which versions."""
    if [name for _, name in socket.if_nameindex()] == ["lo"]:
        pytest.skip("there is no network here to install from: make test-long runs this")
    with tempfile.TemporaryDirectory() as folder:  # gigabytes, which pytest would keep
        python = Path(folder) / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
        pins = ["--constraint", str(ROOT / "requirements.txt")]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *pins, str(wheel)], check=True, timeout=1200)
        (empty := Path(folder) / "empty").mkdir()
        run = runner([str(python)], empty)
        assert (
            run("-c", "import importlib.util as u; print(u.find_spec('jupyterlab'), u.find_spec('IPython'))") == "None None\n"
        )
        use_it(run)


# ---- what it asks for ----


def imports(path):
    """The modules that a file imports from outside: {name: whether only inside a function}."""
    found = {}

    def visit(node, lazy):
        if isinstance(node, ast.Import | ast.ImportFrom) and not getattr(node, "level", 0):
            for name in [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]:
                found[name.partition(".")[0]] = lazy and found.get(name.partition(".")[0], True)
        for child in ast.iter_child_nodes(node):
            visit(child, lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))

    visit(ast.parse(path.read_text(encoding="utf-8")), False)
    return {name: lazy for name, lazy in found.items() if name not in sys.stdlib_module_names and name != "bertnotes"}


def names_of(requirements):
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def distributions(module):
    """The packages that carry a module."""
    return {canonicalize_name(name) for name in CARRIERS.get(module, [module])}


def test_imports_are_found(tmp_path):
    """At the top, in a function, in both; what belongs to Python or to us is left out."""
    text = "import os, numpy.linalg\nfrom . import x\nfrom bertnotes import y\nif 1:\n    import torch.nn as nn\n"
    text += "def f():\n    import captum\n    from torch import z\n"
    (tmp_path / "a.py").write_text(text)
    assert imports(tmp_path / "a.py") == {"numpy": False, "torch": False, "captum": True}


@pytest.mark.parametrize("path", sorted((ROOT / "bertnotes").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_import_is_declared(path):
    """Among the dependencies, or in an extra if it is imported only where it is needed."""
    base = names_of(PROJECT["dependencies"])
    extras = names_of(line for name in ("lab", "attribution", "onnx") for line in PROJECT["optional-dependencies"][name])
    for module, lazy in imports(path).items():
        declared = distributions(module)
        assert declared & (base | extras if lazy else base), f"{path.name} imports {module}: name it in pyproject.toml"


def test_every_dependency_is_imported():
    """What nothing imports need not be installed."""
    modules = {module for path in (ROOT / "bertnotes").rglob("*.py") for module in imports(path)}
    used = {name for module in modules for name in distributions(module)}
    assert names_of(PROJECT["dependencies"]) - used == set()


def test_there_is_one_version(wheel):
    """That of the package; the citation and the newest heading of the changelog say the same."""
    assert wheel.name == f"bertnotes-{bertnotes.__version__}-py3-none-any.whl"
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == bertnotes.__version__
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines() if line.startswith("## ")]
    assert headings[0].split()[1] == bertnotes.__version__
