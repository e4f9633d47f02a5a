"""Where things lie, and files that are there whole or not at all: a run that is killed, or a disk that is full, leaves the old
one."""

import hashlib
import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_cache_path

PACKAGE = Path(__file__).resolve().parent
DATA = PACKAGE / "shipped" if (PACKAGE / "shipped").is_dir() else PACKAGE.parent / "data"  # in a wheel; in a clone
IMDB = Path("data/imdb")  # full IMDB, where `bertnotes data` puts it: in the folder that one works in
MINI, REVIEWS, RESULTS = DATA / "mini", DATA / "reviews.csv", DATA / "results"
MINI_IMDB = MINI / "imdb"  # what it learned from IMDB's reviews: a delta


def cache_root():
    """Where bertnotes keeps what it found out, for all runs: BERTNOTES_CACHE, or its place in the system's cache folder.

    Raises OSError where that is in a home folder, and there is none.
    """
    try:
        return Path(os.path.expanduser(os.environ.get("BERTNOTES_CACHE") or user_cache_path("bertnotes")))
    except RuntimeError as error:
        raise OSError(f"there is no cache folder: {error}") from None


@contextmanager
def whole(path):
    """Give a path to write to; once that is safe on the disk, it takes the place of `path` in one step.

    The folder is made if need be. Where the writing fails, the file that was there stays and the unfinished one goes.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.touch()
        rights = partial.stat().st_mode  # those of an ordinary file; safetensors would let no one else read
        yield partial
        partial.chmod(rights)
        sync(partial)
        os.replace(partial, path)
        if os.name != "nt":  # Windows cannot open a folder
            sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def sync(path):
    """Wait until what was written to a file or folder is on the disk and not only on its way there."""
    handle = os.open(path, os.O_RDONLY if Path(path).is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def hash_of(path):
    """SHA-256 of a file."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_whole(path, text):
    """Write a text file, whole or not at all, in a folder that is made if need be. Returns the path."""
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return Path(path)


def append_line(path, entry):
    """Add an entry to a file of JSON lines, on a line of its own even where the last one was cut off."""
    with Path(path).open("ab+") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read() != b"\n":
                file.write(b"\n")
        file.write(json.dumps(entry).encode() + b"\n")


def read_lines(path):
    """The entries of a file of JSON lines, none where it is not there. A line that was cut off is left out."""
    path, entries = Path(path), []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        with suppress(ValueError):
            entries.append(json.loads(line))
    return entries


def lines_of(entries):
    """The text of a file of JSON lines."""
    return "".join(json.dumps(entry) + "\n" for entry in entries)
