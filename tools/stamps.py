"""What a stored page rests on, as short hashes in its metadata: the code of the library that it runs, mini, reviews, records.

nbval compares the text of outputs and no picture. A page whose hashes are no longer true may show old ones: stale.py lists it.
"""

import ast
import hashlib
import re
from functools import cache

from check import ROOT
from module_map import imported, module

import bertnotes.files
from bertnotes.files import hash_of


def shape(node):
    """A syntax tree as nested lists that neither a comment nor a docstring changes, nor the release of Python."""
    if isinstance(node, ast.AST):
        fields = [[name, shape(value)] for name, value in ast.iter_fields(node)]
        return [type(node).__name__, *[field for field in fields if field[1] not in (None, [])]]
    if isinstance(node, list):
        return [shape(part) for part in node if not is_text(part)]
    return node


def is_text(node):
    """Whether a statement is a text alone, such as a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def bare(code):
    """Code as what it does: without comments, docstrings and layout; as it stands, where it is not Python alone."""
    try:
        return repr(shape(ast.parse(code)))
    except SyntaxError:
        return code


@cache
def library(root=ROOT):
    """{dotted name: path} of the modules of the library, without the package's own list of names."""
    paths = sorted(root.glob("bertnotes/**/*.py"))
    return {name: path for path in paths if "." in (name := module(path.relative_to(root).as_posix()))}


@cache
def uses(name, root):
    """(what a module of the library does, the files that it names, the modules that it imports)."""
    path = library(root)[name]
    source = path.read_text(encoding="utf-8")
    files = [file for file in named(source, path.parent) if file.suffix != ".json"]  # those are made from pages
    return bare(source), files, imported(source, set(library(root)))


def closure(code, root=ROOT):
    """The modules of the library that code imports, directly and through them, in order."""
    waiting, found = imported(code, set(library(root))), set()
    while waiting:
        found.add(name := waiting.pop())
        waiting |= uses(name, root)[2] - found
    return sorted(found)


def named(code, folder):
    """The files under a folder that code names, in quotes; what it fills in, as in f"imdb-{name}.json", may be anything."""
    names = re.findall(r"""["']([^"'\s/]+\.(?:jsonl?|html|js|css))["']""", code)
    return sorted({path for name in names for path in folder.rglob(re.sub(r"\{.*?\}", "*", name))})


def digest(parts):
    """A short hash of texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def stamp(code, root=ROOT):
    """What code of a page rests on: {"code", and "mini", "reviews" and "records" where it reads them: short hash}."""
    modules = closure(code, root)
    files = {
        "mini": [root / "data" / "mini" / "model.safetensors"] * ("bertnotes.names" in modules),  # which finds models
        "reviews": reviews_in(code, root),
        "records": named(code, root / "data" / "results"),
    }
    read = [path for name in modules for path in uses(name, root)[1]]
    rests = {"code": digest([*[uses(name, root)[0] for name in modules], *map(hash_of, read)])}
    return rests | {name: digest(map(hash_of, paths)) for name, paths in files.items() if paths}


def reviews_in(code, root):
    """The files of reviews that code names."""
    constants = [getattr(bertnotes.files, name, None) for name in re.findall(r"\b\w*REVIEWS\b", code)]
    names = {constant.name for constant in constants if constant}
    return [path for path in sorted((root / "data").glob("*.csv")) if path.name in names or path.name in code]


def code_of(notebook):
    """The code of a notebook, without lines for IPython alone."""
    lines = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code").splitlines()
    return "\n".join(line for line in lines if not re.match(r"\s*[%!]", line))
