"""Files that are there whole or not at all: a run that is killed leaves the old one."""

import os
from pathlib import Path


def write_whole(path, text):
    """Write a text file, whole or not at all, in a folder that is made if need be. Returns the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
    return path
