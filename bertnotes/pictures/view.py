"""Interactive views of attention: for a notebook, and as one file that opens anywhere with no network.

A view is a page of its own (`view.html`: the weights as bytes, a little script, nothing to fetch) inside a sandboxed frame,
over a picture: where a notebook is not trusted, and no script may run, the picture is what a reader sees. Page 07.
"""

import base64
import html
import io
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from bertnotes.attention import Attention
from bertnotes.files import write_whole
from bertnotes.heads import word_numbers
from bertnotes.pictures.attention import as_attention, attention_heatmap, check_place
from bertnotes.pictures.style import small_png
from bertnotes.tables import well_formed

PAGE = Path(__file__).with_name("view.html")
LARGEST = 4_000_000  # weights in one view, a byte each


class View:
    """A page with a picture in its place where scripts may not run. Shown by a notebook; `save` writes the page."""

    def __init__(self, page, picture, height, alt, may="allow-scripts"):
        self.page, self.picture, self.height, self.alt, self.may = page, picture, height, alt, may

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
                f'<iframe title="{alt}" sandbox="{self.may}" srcdoc="{html.escape(self.page)}" '
                f'style="position: absolute; left: 0; top: 0; width: 100%; height: 100%; border: 0"></iframe></div>'
            ),
        }


def attention_view(attention, tokens=None, pair_start: int | None = None, layer: int = 1, head: int = 1) -> View:
    """Show where each token looks and who looks at it, in any head of any layer; at first in the one named, counted from 1.

    attention: what `bertnotes.attend` gives; or what a model returns as `attentions` for one text, a (1, head, query_pos,
    key_pos) for each layer, with the names of its tokens and, of two sentences, the index of the second one's first token: the
    view can then show one direction only.
    Raises ValueError where the weights are missing, are of several texts, do not fit the tokens, or are too many for a page.
    """
    attention = as_attention(attention, tokens, pair_start)
    text = page_data(attention)
    layers, heads, tokens = text["layers"], text["heads"], text["tokens"]
    rows = len(tokens) * (22 if len(tokens) <= 32 else 18)  # what the page fills; its rows are at least 18 high
    alt = f"attention of {layers} layers with {heads} heads each over {len(tokens)} tokens: {' '.join(tokens)}"
    picture, height = heatmap_png(attention, layer, head), 110 + max(rows, 26 * layers)
    return View(fill_page([text], layer, head), picture, height, alt, may="allow-scripts allow-downloads")


def presenter_page(texts, layer: int = 1, head: int = 1) -> str:
    """A page for a wall: large type, arrow keys for heads and layers, Page Up and Page Down for the texts. Returns HTML.

    texts: for each its name and what `attention_view` takes: (name, attention) or (name, attentions, tokens, pair_start).
    Raises ValueError as `attention_view` does.
    """
    items = [page_data(as_attention(*given)) | {"name": name} for name, *given in texts]
    return fill_page(items, layer, head, presenting=True)


def page_data(attention: Attention) -> dict:
    """What the page needs to know of one text: tokens, words, second, layers, heads, weights (base64 of bytes)."""
    weights, pair_start = attention.weights.numpy(), attention.pair_start
    if attention.tokens is None:
        raise ValueError("bare weights need the names of their tokens: attention_view(attentions, tokens)")
    layers, heads, queries, keys = weights.shape
    tokens = [str(token) for token in attention.tokens]
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
    shape = {"second": pair_start, "layers": layers, "heads": heads}
    return {"name": "", "tokens": tokens, "words": word_numbers(tokens), **shape, "weights": data}


def fill_page(items, layer, head, presenting=False):
    """Put data into the page. Whatever a token holds, it cannot end the script element that it stands in."""
    for item in items:
        check_place(layer, head, item["layers"], item["heads"])
    data = {"items": items, "layer": layer - 1, "head": head - 1, "presenting": presenting}
    return PAGE.read_text(encoding="utf-8").replace("__DATA__", script_json(data))


def script_json(data):
    """JSON that is safe inside a <script> element."""
    text = well_formed(json.dumps(data, ensure_ascii=False))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def heatmap_png(attention: Attention, layer: int, head: int) -> bytes:
    """The picture under a view, a PNG; the same weights give the same bytes."""
    attention_heatmap(attention, numbers=False, layer=layer, head=head)
    buffer = io.BytesIO()
    plt.savefig(buffer, format="png", dpi=80)
    plt.close()
    return small_png(buffer.getvalue())
