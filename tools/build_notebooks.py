"""Make notebooks/NN_name.ipynb from notebooks/src/NN_name.py (jupytext py:percent), with the outputs of a fresh kernel.

    python tools/build_notebooks.py [--only 07] [--force] [--check]

The same source gives the same file, byte for byte: nothing random and nothing about the time or the machine is kept. How long
a notebook took and how much memory its kernel held is printed; one that held too much is not built.
"""

import argparse
import base64
import hashlib
import os
import re
import sys
import time
from collections import Counter

import jupytext
import nbformat
from check import ROOT, go_offline
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from bertnotes.experiments.meter import peak_of_process
from bertnotes.pictures.style import small_png

NOTEBOOKS = ROOT / "notebooks"
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},  # no version: it would change with the machine
}
MOST_MEMORY = 1500  # MB that a kernel may hold; Binder gives 2 GB to JupyterLab and all its kernels
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def sources(folder=NOTEBOOKS, only=()):
    """Return the paths of the text sources, in order; `only` holds beginnings of their names, such as "07"."""
    found = sorted((folder / "src").glob("[0-9]*.py"))
    return [path for path in found if not only or path.name.startswith(tuple(only))]


def target(source):
    """Return the path of the notebook that a source makes."""
    return source.parent.parent / f"{source.stem}.ipynb"


def read_source(path):
    """Read a text source as a notebook with no outputs, whose cell ids come from what the cells say."""
    notebook = jupytext.read(path, fmt="py:percent")
    header = {key: value for key, value in notebook.metadata.items() if key not in {"jupytext", *KERNEL}}
    notebook.metadata = nbformat.from_dict({**header, **KERNEL})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen = Counter()
    for cell in notebook.cells:
        cell.source = cell.source.strip("\n")
        cell.metadata.pop("lines_to_next_cell", None)  # blank lines between cells of the source are no business of a reader's
        digest = hashlib.sha256(f"{cell.cell_type}:{cell.source}".encode()).hexdigest()[:8]
        cell.id = f"{digest}-{seen[digest]}"
        seen[digest] += 1
    return notebook


def differences(expected, stored):
    """Say where a stored notebook departs from its source: number, type, text and metadata of the cells. Returns complaints."""
    complaints = []
    if len(expected.cells) != len(stored.cells):
        complaints.append(f"{len(stored.cells)} cells, the source has {len(expected.cells)}")
    for number, (wanted, cell) in enumerate(zip(expected.cells, stored.cells, strict=False), start=1):
        complaints += [
            f"cell {number}: its {part} is not the source's"
            for part in ("cell_type", "source", "metadata")
            if wanted[part] != cell[part]
        ]
    return complaints


def not_run(notebook):
    """Say which code cells were not run in order 1, 2, 3, ... Returns complaints."""
    code = [(number, cell) for number, cell in enumerate(notebook.cells, start=1) if cell.cell_type == "code"]
    return [
        f"cell {number}: run as [{cell.execution_count or ' '}], expected [{count}]"
        for count, (number, cell) in enumerate(code, start=1)
        if cell.execution_count != count
    ]


def complaints_about(source):
    """Say what a stored notebook lacks to be what its source would make, as far as can be told without running it."""
    path = target(source)
    if not path.exists():
        return [f"{path.name} does not exist"]
    stored = nbformat.read(path, as_version=4)
    return differences(read_source(source), stored) + not_run(stored)


def execute(notebook, folder):
    """Run every cell in a fresh kernel whose working folder is `folder`; a RuntimeError names the cell that failed. Returns the
    most memory that the kernel held, in MB, None where the system does not say."""
    running, held = 0, None

    def begin(cell, cell_index):
        nonlocal running
        running = cell_index

    def end(cell, cell_index, execute_reply):
        nonlocal held
        held = peak_of_process(client.km.provisioner.pid)

    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],  # or each kernel warns that it listens on loopback
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        on_cell_start=begin,
        on_cell_executed=end,
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        message = COLOURS.sub("", str(error))
        raise RuntimeError(f"cell {running + 1}: {type(error).__name__}\n{message}") from None
    return held


def shrink_pictures(notebook):
    """Store pictures in a third of the bytes; they look the same."""
    for data in (output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])):
        if "image/png" in data:
            data["image/png"] = base64.b64encode(small_png(base64.b64decode(data["image/png"]))).decode()


def describe_pictures(notebook):
    """Give each picture an alternative text, which an HTML export and a deck have beside it: the heading that it stands under
    and what its cell printed."""
    heading = ""
    for cell in notebook.cells:
        lines = [line for line in cell.source.splitlines() if line.startswith("#")] if cell.cell_type == "markdown" else []
        heading = lines[-1].lstrip("# ") if lines else heading
        outputs = cell.get("outputs", [])
        printed = " ".join("".join(output.get("text", "") for output in outputs).split())
        for output in outputs:
            if "image/png" in output.get("data", {}):
                output.metadata["image/png"] = {"alt": f"{heading}: {printed}" if printed else heading}


def take_over_outputs(notebook, path):
    """Give a notebook the outputs that are stored at a path, if its code is the code stored there. Returns whether it was."""
    stored = nbformat.read(path, as_version=4) if path.exists() else nbformat.v4.new_notebook()
    old, new = ([cell for cell in one.cells if cell.cell_type == "code"] for one in (stored, notebook))
    if not old or [cell.source for cell in old] != [cell.source for cell in new] or not_run(stored):
        return False
    for cell, run in zip(new, old, strict=True):
        cell.outputs, cell.execution_count = run.outputs, run.execution_count
    return True


def build(source):
    """Run a source and put the notebook in place in one step: a run that fails leaves the old one whole. Returns the most
    memory that it held, in MB, None where the system does not say; a RuntimeError where that is more than MOST_MEMORY."""
    notebook = read_source(source)
    held = execute(notebook, target(source).parent)
    if held is not None and held > MOST_MEMORY:
        raise RuntimeError(f"its kernel held {held:,} MB, at most {MOST_MEMORY:,}; let go of what it no longer needs")
    shrink_pictures(notebook)
    put_in_place(notebook, source)
    return held


def put_in_place(notebook, source):
    """Write a notebook with its outputs, in one step."""
    describe_pictures(notebook)
    notebook.metadata = read_source(source).metadata  # running it has put the interpreter's version there
    unfinished = target(source).with_suffix(".ipynb.new")
    unfinished.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
    os.replace(unfinished, target(source))


def check(paths):
    """Print where stored notebooks and sources disagree; returns the exit status."""
    wrong = [f"{target(path).name}: {complaint}" for path in paths for complaint in complaints_about(path)]
    print("\n".join(wrong) or f"{len(paths)} notebooks agree with their sources", file=sys.stderr if wrong else sys.stdout)
    return 1 if wrong else 0


def build_all(paths, force=False):
    """Build what is out of date, or everything by force; stops at the first cell that fails. Returns the exit status."""
    go_offline()
    for path in paths:
        if not force and not complaints_about(path):
            print(f"{target(path).name}: agrees with its source, skipped (after a change in the library: --force)")
            continue
        notebook = read_source(path)
        if not force and take_over_outputs(notebook, target(path)):
            put_in_place(notebook, path)
            print(f"{target(path).name}: only its prose has changed, so its outputs stay")
            continue
        print(f"{target(path).name}: running", flush=True)
        started = time.monotonic()
        try:
            held = build(path)
            memory = "" if held is None else f", {held:,} MB"
            print(f"{target(path).name}: {time.monotonic() - started:.0f} s{memory}", flush=True)
        except RuntimeError as error:
            print(f"{target(path).name}, {error}", file=sys.stderr)
            return 1
    return 0


def main(arguments=None, folder=NOTEBOOKS):
    """Read the command line and do what it says; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="NN", help="only the notebooks whose names begin so")
    parser.add_argument("--force", action="store_true", help="also run notebooks that agree with their sources")
    parser.add_argument("--check", action="store_true", help="run nothing: say whether notebooks and sources agree")
    options = parser.parse_args(arguments)
    paths = sources(folder, options.only)
    if not paths:
        print(f"no source in {folder / 'src'} begins with {' or '.join(options.only) or 'a number'}", file=sys.stderr)
        return 2
    return check(paths) if options.check else build_all(paths, options.force)


if __name__ == "__main__":
    sys.exit(main())
