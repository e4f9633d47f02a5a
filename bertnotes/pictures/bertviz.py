"""bertviz's three views, offline, small and safe. Vig 2019, "A Multiscale Visualization of Attention in the Transformer Model".

bertviz's own drawing code is taken from its package as it is; its d3 and jQuery, which it would fetch from a network, from two
others (mpld3, XStatic-jQuery). What it draws comes as bytes and not as two copies of long decimals. Page 07.
"""

import base64
import gzip
import importlib.util
import json
from pathlib import Path

import numpy as np
import torch

from bertnotes.attention import Attention
from bertnotes.pictures.attention import as_attention, check_place
from bertnotes.pictures.view import View, heatmap_png, page_data, script_json

PAGE = Path(__file__).with_name("bertviz.html")
LIBRARIES = (("xstatic", "pkg/jquery/data/jquery.slim.min.js", "XStatic-jQuery"), ("mpld3", "js/d3.v5.min.js", "mpld3"))
MOST_TOKENS = 64  # beyond, a browser takes seconds for a line


def bertviz_head_view(attention, tokens=None, pair_start: int | None = None, layer: int = 1) -> View:
    """Show one layer, all its heads in colours: where each token looks, as lines.

    attention, tokens, pair_start: as in `attention_view`; layer: the first one shown, counted from 1.
    Raises ValueError as `attention_view` does, and where there are more than 64 tokens.
    """
    attention = as_attention(attention, tokens, pair_start)
    data = bertviz_data("head", attention) | {"layer": layer}
    return bertviz_view(data, attention, height=110 + 23 * len(data["tokens"]))


def bertviz_model_view(attention, tokens=None, pair_start: int | None = None) -> View:
    """Show every head of every layer as a small picture; a click enlarges it. Arguments and errors as above."""
    attention = as_attention(attention, tokens, pair_start)
    data = bertviz_data("model", attention)
    count = len(data["tokens"])
    small = 7 * 12 / data["heads"] * count + 10  # as in bertviz
    return bertviz_view(data, attention, height=round(110 + max(data["layers"] * small, 18 * count + 60)))


def bertviz_neuron_view(encoder, tokenizer, text: str, pair: str | None = None, layer: int = 1, head: int = 1) -> View:
    """Show how a query meets the keys, number by number: a click on the + beside a token opens its row.

    encoder, tokenizer: a BERT and its tokenizer (`load_encoder`, `load_tokenizer`); pair: a second sentence.
    Raises ValueError as above, as `attend` does, and where the encoder has no queries and keys such as BERT's.
    """
    queries, keys, attention = queries_and_keys(encoder, tokenizer, text, pair)
    data = bertviz_data("neuron", attention) | {"layer": layer, "head": head, "size": queries.shape[-1]}
    reach = float(np.abs([queries, keys]).max())
    for name, vectors in (("queries", queries), ("keys", keys)):
        data[name] = base64.b64encode(np.rint(127 * vectors / reach + 128).astype(np.uint8).tobytes()).decode()
    return bertviz_view(data | {"reach": reach}, attention, height=190 + 26 * len(data["tokens"]))


def queries_and_keys(encoder, tokenizer, text: str, pair: str | None = None) -> tuple[np.ndarray, np.ndarray, Attention]:
    """Run a BERT on one text: (queries, keys, Attention), the first two (layer, head, position, head_dim)."""
    from bertnotes.attend import attend  # loads transformers, which the two other views do without

    found: dict[str, list] = {"query": [], "key": []}
    if not any(name.endswith(("self.query", "attention.query")) for name, _ in getattr(encoder, "named_modules", tuple)()):
        raise ValueError(
            f"the neuron view needs the queries and keys of a BERT; {type(encoder).__name__} has none by these names: pass a "
            f"BERT, such as load_encoder(), or use bertviz_head_view"
        )
    hooks = [
        module.register_forward_hook(lambda _module, _inputs, output, kept=kept: kept.append(output.float().cpu()))
        for part, kept in found.items()
        for name, module in encoder.named_modules()
        if name.endswith((f"attention.self.{part}", f"attention.{part}"))  # transformers' names and ours
    ]
    try:
        attention = attend(text, pair, encoder, tokenizer)
    finally:
        for hook in hooks:
            hook.remove()
    heads = attention.weights.shape[1]
    return *(torch.cat(kept).unflatten(-1, (heads, -1)).transpose(1, 2).numpy() for kept in found.values()), attention


def bertviz_data(kind: str, attention: Attention) -> dict:
    """`page_data` for bertviz's page. Raises ValueError where there are too many tokens for it."""
    data = page_data(attention)
    if len(data["tokens"]) > MOST_TOKENS:
        raise ValueError(
            f"bertviz draws a line for each pair of tokens, and {len(data['tokens'])} tokens are too many: pass at most "
            f"{MOST_TOKENS} (ids cut with max_length={MOST_TOKENS}), or use attention_view"
        )
    kinds = ["head", "model", "neuron"] if kind == "neuron" else ["head", "model"]  # a reader may switch between these
    return data | {"kind": kind, "kinds": kinds, "layer": 1, "head": 1}


def bertviz_view(data: dict, attention: Attention, height: int) -> View:
    """Fill bertviz's page, with the heatmap of the first head shown as the picture under it."""
    layer, head = data["layer"], data["head"]
    check_place(layer, head, data["layers"], data["heads"])
    page = PAGE.read_text(encoding="utf-8").replace("__LIBRARIES__", packed_scripts(data["kinds"]))
    page = page.replace("__DATA__", script_json(data))
    kept = f"attention over {len(data['tokens'])} tokens: {' '.join(data['tokens'])}"
    alt = f"layer {layer}, head {head}, in place of bertviz's {data['kind']} view of {kept}"
    return View(page, heatmap_png(attention, layer, head), height, alt)


def packed_scripts(kinds):
    """bertviz's drawing code for each kind of view, and the libraries that it uses, as JSON, gzip and base64."""
    scripts = {"libraries": "\n;".join(package_file(*file) for file in LIBRARIES)}
    for kind in kinds:
        text = package_file("bertviz", f"{kind}_view.js", "bertviz")
        scripts[kind] = text.replace("PYTHON_PARAMS", "window.bertviz_params")
    return base64.b64encode(gzip.compress(json.dumps(scripts).encode(), mtime=0)).decode()


def package_file(module, path, package):
    """Read a file of an installed package without importing it. Raises ModuleNotFoundError where it is not installed."""
    found = importlib.util.find_spec(module)
    if found is None:
        raise ModuleNotFoundError(f"bertviz's views need the package {package}: pip install 'bertnotes[lab]'")
    return (Path(found.submodule_search_locations[0]) / path).read_text(encoding="utf-8")
