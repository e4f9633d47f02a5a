"""Interactive views of attention: for a notebook, and as one file that opens anywhere with no network.

A view is a page of its own (`view.html`: the weights as bytes, a little script, nothing to fetch) inside a sandboxed frame,
over a picture: where a notebook is not trusted, and no script may run, the picture is what a reader sees. Page 07.
"""

import base64
import html
import io
import json
from pathlib import Path

import numpy as np
import torch

from bertnotes.batching import check_max_length
from bertnotes.files import write_whole
from bertnotes.pictures.attention import attention_heatmap, plt
from bertnotes.pictures.style import small_png

PAGE = Path(__file__).with_name("view.html")
LARGEST = 4_000_000  # weights in one view, a byte each


class View:
    """A page with a picture in its place where scripts may not run. Shown by a notebook; `save` writes the page."""

    def __init__(self, page, picture, height, alt):
        self.page, self.picture, self.height, self.alt = page, picture, height, alt

    def save(self, path):
        """Write the page to a file, whole or not at all; it opens in any browser, offline. Returns the path."""
        return write_whole(path, self.page)

    def _repr_mimebundle_(self, include=None, exclude=None):
        alt = html.escape(self.alt)
        picture = base64.b64encode(self.picture).decode()
        return {
            "text/plain": self.alt,
            "text/html": (
                f'<div style="position: relative; height: {self.height}px; background: #ffffff">'
                f'<img alt="{alt}" src="data:image/png;base64,{picture}" style="max-width: 100%; max-height: 100%">'
                f'<iframe title="{alt}" sandbox="allow-scripts" srcdoc="{html.escape(self.page)}" '
                f'style="position: absolute; left: 0; top: 0; width: 100%; height: 100%; border: 0"></iframe></div>'
            ),
        }


def attention_view(attentions, tokens, pair_start=None, layer=1, head=1):
    """Show where each token looks and who looks at it, in any head of any layer; at first in the one named, counted from 1.

    attentions: as a model returns them for one text, a (1, head, query_pos, key_pos) for each layer; tokens: their names.
    pair_start: with two sentences, the index of the second one's first token; the view can then show one direction only.
    Returns a View. Raises ValueError where the weights are missing, are of several texts, do not fit the tokens, or are too
    many for a page.
    """
    text = page_data(attentions, tokens, pair_start)
    layers, heads = text["layers"], text["heads"]
    page = fill_page([text], layer, head)
    rows = len(tokens) * (22 if len(tokens) <= 32 else 16)  # as in the page
    height = 110 + max(rows, 26 * layers)
    picture = heatmap_png(stack_attentions(attentions)[layer - 1, head - 1], tokens, f"layer {layer}, head {head}")
    alt = f"attention of {layers} layers with {heads} heads each over {len(tokens)} tokens: {' '.join(map(str, tokens))}"
    return View(page, picture, height, alt)


def presenter_page(texts, layer=1, head=1):
    """A page for a wall: large type, arrow keys for heads and layers, Page Up and Page Down for the texts.

    texts: for each its (name, attentions, tokens, pair_start), as `attention_view` takes them. Returns the page, HTML.
    Raises ValueError as `attention_view` does.
    """
    items = [page_data(attentions, tokens, pair_start) | {"name": name} for name, attentions, tokens, pair_start in texts]
    return fill_page(items, layer, head, presenting=True)


@torch.inference_mode()
def read_text(encoder, tokenizer, text, pair=None):
    """Run a BERT on one text, or on two sentences: (attentions, tokens, pair_start), as the views take them.

    Raises ValueError where the text is empty or has more tokens than the model has positions.
    """
    for sentence in (text, pair):
        if sentence is not None and not sentence.strip():
            raise ValueError(f"there is nothing to read in {sentence!r}; give a sentence")
    ids = tokenizer(text, pair, return_tensors="pt", verbose=False)
    check_max_length(ids["input_ids"].shape[1], encoder.config.max_position_embeddings)
    tokens = tokenizer.convert_ids_to_tokens(ids["input_ids"][0])
    pair_start = tokens.index(tokenizer.sep_token) + 1 if pair else None
    return encoder(**ids, output_attentions=True).attentions, tokens, pair_start


def page_data(attentions, tokens, pair_start=None):
    """What the page needs to know of one text, as a dict: tokens, second, layers, heads, weights (base64 of bytes)."""
    weights, tokens = stack_attentions(attentions), [str(token) for token in tokens]
    layers, heads, queries, keys = weights.shape
    if not len(tokens) == queries == keys:
        raise ValueError(
            f"weights between {queries} and {keys} tokens need as many names on both sides; got {len(tokens)} tokens"
        )
    if weights.size > LARGEST:
        most = int((LARGEST / layers / heads) ** 0.5)
        raise ValueError(
            f"{len(tokens)} tokens in {layers * heads} heads are {weights.size:,} weights, and a page holds {LARGEST:,}: "
            f"pass a text of at most {most} tokens, or fewer layers (attentions[:2])"
        )
    if pair_start is not None and not 0 < pair_start < len(tokens):
        raise ValueError(
            f"pair_start is the index of the second sentence's first token, 1 to {len(tokens) - 1}; got {pair_start}"
        )
    data = base64.b64encode(np.rint(255 * weights).astype(np.uint8).tobytes()).decode()
    return {"name": "", "tokens": tokens, "second": pair_start, "layers": layers, "heads": heads, "weights": data}


def stack_attentions(attentions):
    """Bring a model's attentions for one text to one array, (layer, head, query_pos, key_pos).

    Raises ValueError where there are none, they are of several texts, or they are no weights.
    """
    layers = [np.asarray(layer.detach().cpu().float() if hasattr(layer, "detach") else layer) for layer in attentions]
    if not layers:
        raise ValueError(
            'there are no attention weights: load the model with load_encoder(name, attention="eager"), and call it with '
            'output_attentions=True ("blockwise" and "sdpa" never give any)'
        )
    shapes = sorted({layer.shape for layer in layers})
    if shapes[0][0] != 1 and len(shapes[0]) == 4:
        raise ValueError(
            f"a view shows one text, not {shapes[0][0]} of them: pass [layer[:1] for layer in attentions] for the first"
        )
    if len(shapes) != 1 or len(shapes[0]) not in (3, 4):
        raise ValueError(f"expected one (1, head, query_pos, key_pos) for each layer, all alike; got the shapes {shapes}")
    weights = np.stack([layer.reshape(layer.shape[-3:]) for layer in layers])
    if not (np.isfinite(weights).all() and weights.min() >= -1e-4 and weights.max() <= 1 + 1e-4):
        raise ValueError(f"attention weights are between 0 and 1; these go from {weights.min():.3g} to {weights.max():.3g}")
    return weights.clip(0, 1)


def fill_page(items, layer, head, presenting=False):
    """Put data into the page. Whatever a token holds, it cannot end the script element that it stands in."""
    for item in items:
        check_place(layer, head, item["layers"], item["heads"])
    data = {"items": items, "layer": layer - 1, "head": head - 1, "presenting": presenting}
    return PAGE.read_text(encoding="utf-8").replace("__DATA__", script_json(data))


def check_place(layer, head, layers, heads):
    """Raise ValueError where there is no such layer or head; both count from 1."""
    if not (1 <= layer <= layers and 1 <= head <= heads):
        raise ValueError(f"layer and head count from 1; got {layer} and {head}, there are {layers} layers of {heads} heads")


def script_json(data):
    """JSON that is safe inside a <script> element."""
    text = json.dumps(data, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def heatmap_png(weights, tokens, title):
    """The picture under a view, as the bytes of a PNG; the same weights give the same bytes."""
    ax = attention_heatmap(weights, tokens, title=title, numbers=False)
    buffer = io.BytesIO()
    ax.figure.savefig(buffer, format="png", dpi=80)
    plt.close(ax.figure)
    return small_png(buffer.getvalue())
