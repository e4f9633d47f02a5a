"""The map of the library in README.md: each module in its place, what it holds, and which pages import it."""

import ast
import re
from pathlib import Path

import bertnotes

ORDER = (  # a module imports only what stands before it
    "files devices dropout attention blockwise names checkpoint encoder neighbours readers translator tiny_language models "
    "tables data batching lora classifier attend training masked_lm pruning baselines evaluation heads attribution "
    "exercises pictures "
    "experiments cli __main__"
).split()
FLOORS = {"": "the course", "pictures": "its pictures", "experiments": "its experiments"}


def module(path):
    """The dotted name of a source, bertnotes/x.py or bertnotes/x/y.py."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(source, modules):
    """The modules of the package that a source imports, anywhere in it. modules: their dotted names."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                if node.module == "bertnotes" and name.name in bertnotes.__all__:
                    found.add(getattr(bertnotes, name.name).__module__)
                else:
                    found.add(whole if whole in modules else node.module)
    return found & modules


def map_of_modules(root):
    """The tables of the map, as Markdown. root: of the clone."""
    sources = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in root.glob("bertnotes/**/*.py")}
    sources = {path: source for path, source in sources.items() if not Path(path).name.startswith("__")}
    modules = {module(path) for path in sources}
    pages = {path.name[:2]: path.read_text(encoding="utf-8") for path in sorted((root / "notebooks" / "src").glob("[0-9]*.py"))}
    users = {number: imported(source, modules) for number, source in pages.items()}
    rows = {}
    for path in sorted(sources, key=lambda path: (place(path), path)):
        used = ", ".join(number for number, uses in users.items() if module(path) in uses)
        row = f"| [`{path.removeprefix('bertnotes/')}`]({path}) | {summary(sources[path])} | {used} |"
        rows.setdefault(path.split("/")[1] if path.count("/") == 2 else "", []).append(row)
    return "\n\n".join(
        f"| `bertnotes/{name}`: {FLOORS[name]} | what it holds | pages |\n| --- | --- | --- |\n" + "\n".join(rows.get(name, []))
        for name in FLOORS
    )


def place(path):
    """Where a module stands in the order."""
    name = path.split("/")[1].removesuffix(".py")
    return ORDER.index(name) if name in ORDER else len(ORDER)


def summary(source):
    """The first sentence of a module's docstring."""
    text = " ".join((ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.?!])\s", text)[0].replace("|", "\\|")
