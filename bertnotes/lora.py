"""LoRA: leave the weights as they are, and learn a small change of each.

A matrix W of 384 x 384 numbers stays frozen; what is learned is B A, the product of 384 x 8 and 8 x 384. Added to W once the
training is over, it costs nothing. Names and files are those of Hugging Face's peft, which can read them.

Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1.
"""

import json
from pathlib import Path

from jaxtyping import Float
from safetensors.torch import save_file
from torch import Tensor, nn

from bertnotes.checkpoint import DELTA, DELTA_CONFIG, DELTA_PREFIX, hash_of_weights, is_delta
from bertnotes.files import whole, write_whole
from bertnotes.models import load_encoder
from bertnotes.names import SHIPPED, find_model

SCALE = 2  # the paper's alpha / rank: a larger one learns as a higher learning rate would


class LowRank(nn.Module):
    """A frozen linear layer and a change of low rank, which is trained: W x + bias + scale · B A x.

    B begins at zero, so that at first the layer does what it did before.
    """

    def __init__(self, linear: nn.Linear, rank: int, scale: float = SCALE):
        super().__init__()
        self.base, self.scale = linear, scale
        self.lora_A = nn.Linear(linear.in_features, rank, bias=False)
        self.lora_B = nn.Linear(rank, linear.out_features, bias=False)
        nn.init.zeros_(self.lora_B.weight)

    def forward(self, hidden: Float[Tensor, "... in_features"]) -> Float[Tensor, "... out_features"]:
        return self.base(hidden) + self.lora_B(self.scale * self.lora_A(hidden))

    def merged(self) -> nn.Linear:
        """One linear layer that does the same: W + scale · B A."""
        self.base.weight.data += self.scale * self.lora_B.weight.data @ self.lora_A.weight.data
        return self.base.requires_grad_()


def add_lora(encoder, rank=8):
    """Freeze an encoder, and give each of its linear layers a change of some rank to learn.

    Its pooler, which many checkpoints lack, is trained whole. Raises ValueError where the rank is no rank of these layers, or
    the encoder has such changes already.
    """
    modules = encoder.named_modules()
    layers = {name: module for name, module in modules if isinstance(module, nn.Linear) and not name.startswith("pooler.")}
    smallest = min(min(layer.weight.shape) for layer in layers.values())
    if not 1 <= rank <= smallest:
        raise ValueError(f"the rank of a change is from 1 to {smallest}, what the smallest layer has; got {rank}")
    if low_rank_layers(encoder):
        raise ValueError("this encoder has low-rank changes already; merge them first: merge_lora(encoder)")
    for name, weight in encoder.named_parameters():
        weight.requires_grad_(name.startswith("pooler."))
    for name, layer in layers.items():
        replace_layer(encoder, name, LowRank(layer, rank).to(layer.weight.device))


def merge_lora(encoder):
    """Add its low-rank changes to the weights of an encoder: plain layers again, the same outputs, all of it trainable."""
    for name, layer in low_rank_layers(encoder).items():
        replace_layer(encoder, name, layer.merged())
    encoder.requires_grad_()


def low_rank_layers(encoder):
    """The layers of an encoder that have a low-rank change: a dict from names."""
    return {name: module for name, module in encoder.named_modules() if isinstance(module, LowRank)}


def replace_layer(encoder, name, layer):
    """Put a layer in the place of another."""
    parent, _, last = name.rpartition(".")
    setattr(encoder.get_submodule(parent), last, layer)


def is_learned(name):
    """Whether a weight of a classifier with low-rank changes, by its name, is one that is trained: what a delta holds."""
    return ".lora_" in name or name.startswith(("bert.pooler.", "classifier."))


def check_base(encoder, base):
    """The SHA-256 of the file that holds a base. encoder: one with low-rank changes; base: the name that it was loaded by.

    Raises ValueError where its frozen weights are not those of the base: the changes alone would not give the model back.
    """
    source = find_model(str(base))
    theirs = load_encoder(base).state_dict()
    ours = {
        name.replace(".base.", "."): weight for name, weight in encoder.state_dict().items() if not is_learned(f"bert.{name}")
    }
    if is_delta(source) or any(not weight.cpu().equal(theirs[name]) for name, weight in ours.items()):
        raise ValueError(
            f"low-rank changes are saved without the weights that they change, and those here are not the ones that {base} "
            f"holds whole; save this model whole (merge_lora, save_pretrained) and begin with that"
        )
    return hash_of_weights(source)


def save_delta(folder, weights, base):
    """Write adapter_model.safetensors and adapter_config.json, as peft does.

    weights: what was learned, a dict by the names that transformers has; base: the name that the base is loaded by.
    """
    changed = sorted(name.removesuffix(".lora_A.weight") for name in weights if name.endswith(".lora_A.weight"))
    rank = weights[f"{changed[0]}.lora_A.weight"].shape[0]
    place = find_model(base)
    config = {
        "peft_type": "LORA",
        "task_type": "SEQ_CLS",
        "base_model_name_or_path": base if base in SHIPPED or isinstance(place, str) else str(place.resolve()),
        "r": rank,
        "lora_alpha": rank * SCALE,
        "target_modules": changed,
        "modules_to_save": [name for name in ("pooler", "classifier") if any(f"{name}." in weight for weight in weights)],
        "inference_mode": True,
    }
    with whole(Path(folder) / DELTA) as partial:
        save_file({f"{DELTA_PREFIX}{name}": weight for name, weight in weights.items()}, partial)
    write_whole(Path(folder) / DELTA_CONFIG, json.dumps(config, indent=2) + "\n")
