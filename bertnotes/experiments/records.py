"""Results that can be checked later: a number together with what made it. They lie in data/results."""

import base64
import json
import platform
import shlex
import sys
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import get_type_hints

import numpy as np
import torch
from scipy.special import expit, logit

from bertnotes import __version__
from bertnotes.checkpoint import hash_of_weights
from bertnotes.devices import best_device, device_name, fast_precision
from bertnotes.files import write_whole


def environment():
    """Hardware, versions and date, for a record: a dict."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "bertnotes": __version__,
        "device": f"{device_name(best_device())}, {processor()}",
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "transformers", "scikit-learn")},
    }


def processor():
    """The processor's name as the system gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def pack_probabilities(probabilities):
    """Probabilities of the positive class as text: their log-odds, two bytes each, so that 0.999 and 0.9999 stay apart and so
    does which class is the likelier. 25,000 take 67 KB. Nothing is held to be surer than log-odds of 16."""
    odds = logit(np.asarray(probabilities, dtype=float)).clip(-16, 16)
    return base64.b64encode(odds.astype("<f2").tobytes()).decode()


def unpack_probabilities(text):
    """What `pack_probabilities` made a text of: an array, to three digits of the log-odds."""
    return expit(np.frombuffer(base64.b64decode(text), "<f2").astype(float))


def pack_flags(flags):
    """Booleans as text, eight to a byte."""
    return base64.b64encode(np.packbits(np.asarray(flags, dtype=bool)).tobytes()).decode()


def unpack_flags(text, count):
    """What `pack_flags` made a text of: an array of so many bool."""
    return np.unpackbits(np.frombuffer(base64.b64decode(text), np.uint8), count=count).astype(bool)


RENAMED = {"keep": "truncation", "at_once": "micro_batch_size", "from_zero": "random_init"}  # earlier names of settings


def read_record(path):
    """Read a record, whichever version wrote it, which its environment names as `bertnotes`: its settings have today's names,
    and `random_init` says whether a run began with random weights. Raises ValueError, with the file's name, where the file
    holds no record."""
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{Path(path).name} is not JSON: {error}") from None
    if not isinstance(record, dict):
        raise ValueError(f"{Path(path).name} holds a {type(record).__name__}; a record is an object with named fields")
    if isinstance(record.get("config"), dict):
        record["config"] = {RENAMED.get(name, name): value for name, value in record["config"].items()}
        words = str(record.get("command", "")).split()
        record.setdefault("random_init", "--from-zero" in words or "--random-init" in words)
    if isinstance(record.get("environment"), dict):
        record["environment"].setdefault("bertnotes", "0.1")  # which did not say
    return record


def command_of(name, settings):
    """The command that gives these settings, a dataclass: `bertnotes NAME` and an option for each that is not the default."""
    return shlex.join(["bertnotes", name, *options_of(settings)])


def options_of(settings, usual=None):
    """The words of the options that give these settings, a dataclass, other dataclasses in it. usual: what needs no option,
    of the same kind [the defaults]."""
    words, hints = [], get_type_hints(type(settings), include_extras=True)
    for field in fields(settings):
        value = getattr(settings, field.name)
        default = field.default if field.default_factory is MISSING else field.default_factory()
        default = getattr(usual, field.name, default)
        names = [mark.name for mark in getattr(hints[field.name], "__metadata__", ()) if getattr(mark, "name", None)]
        option = "--" + (names or [field.name])[0].replace("_", "-")
        if is_dataclass(value):
            words += options_of(value, default)
        elif value != default:
            words += [option] if value is True else [option, str(value)]
    return words


def write_record(path, **values):
    """Write the values, the environment and, where the model is mini, its hash to a JSON file, whole or not at all."""
    mini = {"mini": hash_of_weights("mini")} if values.get("model") == "mini" else {}  # so that stale.py can tell
    write_whole(path, json.dumps({**values, **mini, "environment": environment()}, indent=2) + "\n")


def choose_precision(asked, device, settings):
    """The precision for a run: the one asked for or, for "auto", the one in the run's file of settings, so that a run goes on
    as it began on whatever machine; where there is no such file, the fast one. Says on stderr where bf16 will be slow."""
    precision = asked
    if asked == "auto":
        path = Path(settings)
        begun = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        precision = begun.get("precision") or fast_precision(device)
    if precision == "bf16" and torch.device(device).type == "cpu" and fast_precision(device) == "fp32":
        print(
            "this processor has no units for bf16; a run with --precision fp32 in a new folder is far faster", file=sys.stderr
        )
    return precision
