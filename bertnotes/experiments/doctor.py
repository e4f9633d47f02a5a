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
    looks = (check_packages, check_memory, check_disk, check_device, check_model, check_attention, check_reviews)
    return [attempt(look) for look in looks]


def attempt(look):
    """A look that cannot even be taken, because a package is missing or of another version, is one that failed."""
    try:
        return look()
    except Exception as error:
        return Check(look.__name__.removeprefix("check_"), False, " ".join(f"{type(error).__name__}: {error}".split()), SETUP)


def check_packages(name="bertnotes"):
    """Python and every package that the course asks for are there, in a version that it was tested with."""
    wrong = []
    try:
        wanted = [Requirement(line) for line in metadata.requires(name) or []]
    except metadata.PackageNotFoundError:
        return Check("packages", False, f"{name} itself is not installed", f"{SETUP}, and start Jupyter from there")
    for requirement in wanted:
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in EXTRAS):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            version = "missing"
        if version == "missing" or not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} {version} (needs {requirement.specifier})")
    versions = f"Python {platform.python_version()}, torch {metadata.version('torch')}" if not wrong else ", ".join(wrong)
    return Check("packages", not wrong, versions, SETUP)


def check_memory(needed=MEMORY):
    """There is memory for one notebook. needed: GB."""
    free = psutil.virtual_memory().available / 1e9
    return Check("memory", free >= needed, f"{free:.1f} GB free, {needed} needed", "close other programs and notebooks")


def check_disk(folder=".", needed=DISK):
    """There is room on disk for a fine-tuned model. needed: GB."""
    free = shutil.disk_usage(folder).free / 1e9
    return Check(
        "disk", free >= needed, f"{free:.1f} GB free, {needed} needed", "delete old runs (the folder runs/) or other files"
    )


def check_device():
    """What the models will run on: a GPU is used if there is one, and none is needed."""
    import torch  # noqa: F401  (whether it is there at all)

    from bertnotes.devices import best_device, device_name

    device = best_device()
    return Check("device", True, f"{device}: {device_name(device)}")


def check_model():
    """The model that the notebooks run on is found and is whole."""
    from bertnotes.models import load_encoder, load_tokenizer
    from bertnotes.names import find_model

    try:
        load_tokenizer()
        encoder = load_encoder()
    except (OSError, ValueError) as error:
        return Check(
            "model", False, " ".join(str(error).split()), "unset BERTNOTES_MODEL to use the one that comes with a clone"
        )
    count = sum(weight.numel() for weight in encoder.parameters()) / 1e6
    return Check("model", True, f"{Path(find_model()).name}, {count:.1f} million parameters")


def check_attention():
    """The model gives its attention weights, and their rows sum to 1: else every heatmap would be empty or wrong."""
    import torch

    from bertnotes.models import load_encoder, load_tokenizer

    remedy = "unset BERTNOTES_MODEL; if that is no help, " + SETUP
    try:
        with torch.inference_mode():
            attentions = load_encoder()(**load_tokenizer()("A film.", return_tensors="pt"), output_attentions=True).attentions
        error = max((weights.sum(-1) - 1).abs().max().item() for weights in attentions)
    except (OSError, ValueError) as problem:
        return Check("attention", False, " ".join(str(problem).split()), remedy)
    shape = f"{len(attentions)} layers of {attentions[0].shape[1]} heads"
    return Check("attention", error < 1e-4, f"{shape}, rows sum to 1 within {error:.0e}", remedy)


def check_reviews():
    """The course's reviews can be read."""
    from bertnotes.data import REVIEWS, load_imdb_data

    try:
        texts, _ = load_imdb_data(REVIEWS)
    except (OSError, ValueError) as error:
        return Check(
            "reviews", False, " ".join(str(error).split()), "get data/reviews.csv again: git checkout data/reviews.csv"
        )
    return Check("reviews", True, f"{len(texts)} of them")
