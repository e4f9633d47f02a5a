"""A checkpoint on disk: the names that BERT's weights have there, and those that they have in encoder.py.

Nothing is taken over by position or by luck: every weight is matched by name and shape, both ways. Page 05 uses it.

A folder may also hold a delta: what a training changed of another model, its base (lora.py).
"""

import json
import re
from hashlib import sha256
from pathlib import Path

from safetensors.torch import load_file
from transformers import AutoConfig
from transformers.utils import cached_file

from bertnotes.files import MINI, hash_of
from bertnotes.names import explained, find_model, quiet

DELTA, DELTA_CONFIG, DELTA_PREFIX = "adapter_model.safetensors", "adapter_config.json", "base_model.model."  # as peft has them
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
    """The paths of the files that hold a checkpoint's weights: one or, of a large model, all that its index names."""
    if is_delta(source):
        return [source / DELTA]
    whole = cached_file(source, "model.safetensors", _raise_exceptions_for_missing_entries=False)
    index = cached_file(source, "model.safetensors.index.json", _raise_exceptions_for_missing_entries=False)
    if whole or not index:
        return [cached_file(source, "model.safetensors")]
    places = json.loads(Path(index).read_text(encoding="utf-8"))["weight_map"]
    return [cached_file(source, file) for file in sorted(set(places.values()))]


def hash_of_weights(source):
    """SHA-256 of the weights of a model, by name or place: of their file or, of several, of the hashes of all."""
    hashes = [hash_of(file) for file in weight_files(find_model(source))]
    return hashes[0] if len(hashes) == 1 else sha256("".join(hashes).encode()).hexdigest()


def read_weights(source):
    """What the files of a folder or hub id hold: a dict from the names that transformers has to tensors."""
    weights = {name: weight for file in weight_files(source) for name, weight in load_file(file).items()}
    return {name.removeprefix(DELTA_PREFIX): weight for name, weight in weights.items()}


def read_checkpoint(name="mini"):
    """Read a checkpoint: (config, weights), transformers' configuration and a dict from the names on disk to tensors.

    name: "mini", a folder, or a hub id. Only safetensors are read: a pickle can run code.
    Raises FileNotFoundError or ValueError, as `load_encoder` does, where there is no whole checkpoint.
    """
    source = find_model(name)
    with quiet(), explained(source):
        return AutoConfig.from_pretrained(source), with_delta(read_weights(base_of(source)), source)


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


# --- a delta: what a training changed of another model -----------------------------------------------------------------------


def is_delta(source):
    """Whether a place, a folder or a hub id, holds a delta and not a whole model."""
    return isinstance(source, Path) and (source / DELTA_CONFIG).is_file()


def base_of(source):
    """Where the model lies that a delta changes; of a whole model, its own place.

    Raises ValueError where the base is another model than the one that the delta was trained on, FileNotFoundError where it is
    gone.
    """
    if not is_delta(source):
        return source
    try:
        name = json.loads((source / DELTA_CONFIG).read_text(encoding="utf-8"))["base_model_name_or_path"]
        wanted = json.loads((source / "config.json").read_text(encoding="utf-8"))["bertnotes"]["base_sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"the delta in {source} does not say what its base is ({error!r}); copy or train it again") from None
    base = MINI if name == "mini" else find_model(name)  # whatever BERTNOTES_MODEL says
    if (met := hash_of_weights(base)) != wanted:
        raise ValueError(
            f"the delta in {source} belongs to another {name}: it was trained on weights with SHA-256 {wanted[:12]}..., and "
            f"those in {base} have {met[:12]}...; get that model, or train the delta again"
        )
    return base


def with_delta(weights, source):
    """The weights of a base, a dict by their names on disk or in its encoder, with what a delta changes, in float32; where the
    source is no delta, as they are. Hu et al. 2021, "LoRA": W + alpha / rank · B A."""
    if not is_delta(source):
        return weights
    config = json.loads((source / DELTA_CONFIG).read_text(encoding="utf-8"))
    delta = read_weights(source)
    prefix = f"{next(name for name in delta if '.lora_A.' in name).split('.')[0]}."
    if not any(name.startswith(prefix) for name in weights):  # the encoder's own names have no "bert." before them
        delta = {name.removeprefix(prefix): tensor for name, tensor in delta.items()}
    changed = {name: tensor.float() for name, tensor in weights.items()}
    for name, tensor in delta.items():
        if ".lora_A." in name:
            update = delta[name.replace(".lora_A.", ".lora_B.")] @ tensor
            target = name.replace(".lora_A.", ".")
            changed[target] = changed[target] + config["lora_alpha"] / config["r"] * update
        elif ".lora_B." not in name:
            changed[name] = tensor  # a layer that was trained whole
    return changed
