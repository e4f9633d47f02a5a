"""A checkpoint on disk: the names that BERT's weights have there, and those that they have in encoder.py.

Nothing is taken over by position or by luck: every weight is matched by name and shape, both ways. Page 05 uses it.
"""

import json
import re
from hashlib import sha256
from pathlib import Path

from safetensors.torch import load_file
from transformers import AutoConfig
from transformers.utils import cached_file

from bertnotes.files import hash_of
from bertnotes.names import explained, find_model, quiet

# what trainers put before a name: DataParallel, torch.compile, and Lightning, whose "model." is a name of its own in others
WRAPPED = r"^((module|_orig_mod)\.|model\.(?=(module|_orig_mod|\w*bert\w*|electra|\w*classifier|pooler|cls)\.))+"

RENAMED = (  # theirs, ours; in this order
    ("cls.predictions.transform.dense", "head.transform"),
    ("cls.predictions.transform.LayerNorm", "head.norm"),
    ("cls.predictions.", "head."),
    ("encoder.layer.", "layers."),
    ("attention.self.", "attention."),
    ("attention.output.LayerNorm", "attention_norm"),
    ("attention.output.dense", "attention.output"),
    ("intermediate.dense", "expand"),
    (".output.LayerNorm", ".output_norm"),
    (".output.dense", ".contract"),
    ("_embeddings.", "."),
    ("embeddings.LayerNorm", "embeddings.norm"),
    ("pooler.dense", "pooler"),
)
LEFT_OUT = ("cls.seq_relationship.", "classifier.", "embeddings.position_ids")  # heads for other tasks; a row 0, 1, 2, ...
TWINS = {"head.decoder.weight": "embeddings.word.weight", "head.decoder.bias": "head.bias"}  # one weight under two names


def modern_name(name):
    """The name of a weight as it is today: the oldest checkpoints call LayerNorm's two gamma and beta, and some trainers leave
    the name of their wrapper before it.

    >>> modern_name("module.cls.predictions.transform.LayerNorm.gamma")
    'cls.predictions.transform.LayerNorm.weight'
    """
    return re.sub(WRAPPED, "", name).replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")


def our_name(name):
    """The name that a weight of a checkpoint has in encoder.py.

    >>> our_name("bert.encoder.layer.0.attention.self.query.weight")
    'layers.0.attention.query.weight'
    """
    name = modern_name(name).removeprefix("bert.")
    for theirs, ours in RENAMED:
        name = name.replace(theirs, ours)
    return name


def weight_files(source):
    """The files that hold a checkpoint's weights, paths: model.safetensors or, of a large model, those that its index names."""
    whole = cached_file(source, "model.safetensors", _raise_exceptions_for_missing_entries=False)
    index = cached_file(source, "model.safetensors.index.json", _raise_exceptions_for_missing_entries=False)
    if whole or not index:
        return [cached_file(source, "model.safetensors")]
    places = json.loads(Path(index).read_text(encoding="utf-8"))["weight_map"]
    return [cached_file(source, file) for file in sorted(set(places.values()))]


def hash_of_weights(source):
    """SHA-256 of a checkpoint's weights: of their file or, where there are several, of the hashes of all."""
    hashes = [hash_of(file) for file in weight_files(source)]
    return hashes[0] if len(hashes) == 1 else sha256("".join(hashes).encode()).hexdigest()


def read_checkpoint(name="mini"):
    """Read a checkpoint: (config, weights), transformers' configuration and a dict from the names on disk to tensors.

    name: "mini", a folder, or a hub id. Only safetensors are read: a pickle can run code.
    Raises FileNotFoundError or ValueError, as `load_encoder` does, where there is no whole checkpoint.
    """
    source = find_model(name)
    with quiet(), explained(source):
        files = [load_file(file) for file in weight_files(source)]
        return AutoConfig.from_pretrained(source), {name: weight for file in files for name, weight in file.items()}


def rename_weights(weights, source):
    """Give a checkpoint's weights our names, in float32; heads that are not built here are left out.

    Raises ValueError where a weight that is stored twice (the head's decoder is the word embedding) differs from its twin.
    """
    renamed = {our_name(name): weight.float() for name, weight in weights.items()}
    renamed = {name: weight for name, weight in renamed.items() if not name.startswith(LEFT_OUT)}
    for twin, name in TWINS.items():
        copy = renamed.pop(twin, None)
        if copy is not None and not copy.equal(renamed.setdefault(name, copy)):
            raise ValueError(f"{source}: {twin} differs from {name}; in BERT they are one and the same")
    return renamed


def check_weights(found, expected, source):
    """Raise ValueError unless both have the same names with the same shapes."""
    missing, unknown = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if missing or unknown:
        raise ValueError(f"{source} does not hold exactly BERT's weights: missing {missing[:3]}, unknown {unknown[:3]}")
    for name, weight in found.items():
        if weight.shape != expected[name].shape:
            raise ValueError(f"{source}: {name} has shape {tuple(weight.shape)}, expected {tuple(expected[name].shape)}")
