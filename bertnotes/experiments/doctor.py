"""A look at this machine before class: does it have what the course needs, and if not, what is to be done?

`bertnotes doctor` and the first cells of page 00.
"""

import platform
import shutil
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil
from packaging.requirements import Requirement

MEMORY, DISK = 1.5, 1.0  # GB: a notebook's share, and room for a fine-tuned model with its checkpoints
EXTRAS = ("", "lab", "attribution")  # what notebooks need beside what the library itself does
SETUP = "run the set-up again: make lab, or conda env update -f environment.yml"


@dataclass
class Check:
    """One thing that was looked at: what was found, and what to do where it is not `ok`."""

    name: str
    ok: bool
    found: str
    remedy: str = ""

    def __str__(self):
        return f"{'✓' if self.ok else '✗'} {self.name:12} {self.found}" + ("" if self.ok else f"\n  what to do: {self.remedy}")


def examine():
    """Look at everything that the notebooks need. Returns a list of Checks; none of them raises."""
    return [attempt(name, *look) for name, look in LOOKS.items()]


def attempt(name, look, remedy):
    """Take a look, and make a Check of what it returns: whether all is well, and what was found. A look that cannot be taken
    has failed: something is damaged or, as any other kind of error shows, a package is missing or of another version."""
    try:
        return Check(name, *look(), remedy)
    except (OSError, ValueError) as error:
        found = str(error)
    except Exception as error:
        found, remedy = f"{type(error).__name__}: {error}", SETUP
    return Check(name, False, " ".join(found.split()), remedy)


def check_packages(name="bertnotes"):
    """Python and every package that the course asks for are there, in a version that it was tested with."""
    wrong = []
    try:
        wanted = [Requirement(line) for line in metadata.requires(name) or []]
    except metadata.PackageNotFoundError:
        return False, f"{name} itself is not installed"
    for requirement in wanted:
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in EXTRAS):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            version = "missing"
        if version == "missing" or not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} {version} (needs {requirement.specifier})")
    return not wrong, ", ".join(wrong) or f"Python {platform.python_version()}, torch {metadata.version('torch')}"


def enough(free, needed):
    """Whether so many bytes are as much as is needed, in GB."""
    return free / 1e9 >= needed, f"{free / 1e9:.1f} GB free, {needed} needed"


def check_device():
    """What the models will run on: a GPU is used if there is one, and none is needed."""
    import torch  # noqa: F401  (whether it is there at all)

    from bertnotes.devices import best_device, device_name

    return True, f"{best_device()}: {device_name(best_device())}"


def check_model():
    """The model that the notebooks run on is found and is whole."""
    from bertnotes.models import load_encoder, load_tokenizer
    from bertnotes.names import find_model

    load_tokenizer()
    count = sum(weight.numel() for weight in load_encoder().parameters()) / 1e6
    return True, f"{Path(find_model()).name}, {count:.1f} million parameters"


def check_attention():
    """The model gives its attention weights, and their rows sum to 1: else every heatmap would be empty or wrong."""
    import torch

    from bertnotes.models import load_encoder, load_tokenizer

    with torch.inference_mode():
        attentions = load_encoder()(**load_tokenizer()("A film.", return_tensors="pt"), output_attentions=True).attentions
    error = max((weights.sum(-1) - 1).abs().max().item() for weights in attentions)
    return error < 1e-4, f"{len(attentions)} layers of {attentions[0].shape[1]} heads, rows sum to 1 within {error:.0e}"


def check_reviews():
    """The course's reviews can be read."""
    from bertnotes.data import REVIEWS, load_imdb_data

    return True, f"{len(load_imdb_data(REVIEWS)[0])} of them"


LOOKS = {  # the name of each, and what to do where it fails
    "packages": (check_packages, f"{SETUP}, and start Jupyter from there"),
    "memory": (lambda: enough(psutil.virtual_memory().available, MEMORY), "close other programs and notebooks"),
    "disk": (lambda: enough(shutil.disk_usage(".").free, DISK), "delete old runs (the folder runs/) or other files"),
    "device": (check_device, SETUP),
    "model": (check_model, "unset BERTNOTES_MODEL to use the one that comes with a clone"),
    "attention": (check_attention, f"unset BERTNOTES_MODEL; if that is no help, {SETUP}"),
    "reviews": (check_reviews, "get data/reviews.csv again: git checkout data/reviews.csv"),
}
