"""Pictures of attention: each function draws one and returns its Axes, or its Figure where it fills one.

Each takes what `bertnotes.attend` gives, an Attention, or the bare weights. Pages 00 to 03, 07 and 12.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from bertnotes.attention import Attention, check_attentions
from bertnotes.heads import merge_pieces
from bertnotes.pictures.style import (
    AMOUNT,
    BLUE,
    GRID,
    INK,
    ORANGE,
    finish,
    matrix,
    new_axes,
    own_style,
    plain,
    vector,
    write_numbers,
    written,
)


@own_style
def attention_heatmap(
    weights,
    query_tokens=None,
    key_tokens=None,
    ax: Axes | None = None,
    vmax: float = 1.0,
    numbers: bool | None = None,
    title: str | None = None,
    words: bool = False,
    layer: int = 1,
    head: int = 1,
    least: float = 0.0,
) -> Axes:
    """Draw one head's weights: a row for each query token, a column for each key token, darker = looks there more.

    weights: an Attention, of which the head named by layer and head is drawn, counted from 1; or one head's weights
    (query_pos, key_pos), a tensor or array, with query_tokens; key_tokens: the query's by default (self-attention).
    vmax: the weight that is drawn darkest, the same on every picture unless said otherwise, so that pictures compare.
    numbers: write each weight into its cell, one of exactly 0 as "0", and leave the colour bar out (default: where there are at
    most 8 tokens a side).
    least: smaller weights are drawn and not written, where a table of many zeros would hide the others.
    words: merge the pieces of a word, for self-attention (`bertnotes.heads.merge_pieces`).
    title: of an Attention by default the layer and the head.
    Raises ValueError where there are no weights, no such head, or weights and tokens do not fit.
    """
    if isinstance(weights, Attention):
        query_tokens = weights.tokens if query_tokens is None else query_tokens
        title = f"layer {layer}, head {head}" if title is None else title
        weights = one_head(weights, layer, head)
    weights, query_tokens, key_tokens = _fitting(weights, query_tokens, key_tokens, words)
    rows, columns = weights.shape
    numbers = max(rows, columns) <= 8 if numbers is None else numbers
    ax = ax or _heatmap_axes(query_tokens, key_tokens, numbers)
    image = ax.imshow(weights, cmap=AMOUNT, vmin=0, vmax=vmax, aspect="equal")
    size = _label_size(ax, rows, columns)
    _name_tokens(ax, query_tokens, key_tokens, size)
    if numbers:
        write_numbers(ax, weights, 0.55 * vmax, min(size, 14), least)
    else:
        bar = ax.figure.colorbar(
            image, ax=ax, fraction=0.04, pad=0.03, extend="max" if weights.max() > vmax + 1e-6 else "neither"
        )
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0, labelsize=max(9, size - 3), colors=INK)
    if title:
        ax.set_title(
            written(title)[0], fontfamily=plt.rcParams["font.family"], fontsize=size + 2, color=INK, loc="left", pad=12
        )
    return ax


def as_attention(attention, tokens=None, pair_start: int | None = None) -> Attention:
    """What a picture is given, as one Attention: weights (layer, head, query_pos, key_pos) in fp32 on the CPU.

    attention: an Attention, whose tokens and pair_start those given replace; or the attentions of one text as a model returns
    them, one (1, head, query_pos, key_pos) a layer. Raises ValueError as `stack_attentions` does.
    """
    if isinstance(attention, Attention):
        tokens = attention.tokens if tokens is None else tokens
        pair_start = attention.pair_start if pair_start is None else pair_start
        attention = attention.weights
    return Attention(stack_attentions(attention), tokens, pair_start)


def stack_attentions(attentions) -> torch.Tensor:
    """Bring a model's attentions for one text to one tensor, (layer, head, query_pos, key_pos).

    Raises ValueError where there are none, they are of several texts, or they are no weights.
    """
    check_attentions(attentions)
    layers = [torch.as_tensor(layer).detach().cpu().float() for layer in attentions]
    shapes = sorted({tuple(layer.shape) for layer in layers})
    if len(shapes[0]) == 4 and shapes[0][0] != 1:
        raise ValueError(
            f"a view shows one text, not {shapes[0][0]} of them: pass [layer[:1] for layer in attentions] for the first"
        )
    if len(shapes) != 1 or len(shapes[0]) not in (3, 4):
        raise ValueError(f"expected one (1, head, query_pos, key_pos) for each layer, all alike; got the shapes {shapes}")
    weights = torch.stack([layer.reshape(layer.shape[-3:]) for layer in layers])
    if not (weights.isfinite().all() and weights.min() >= -1e-4 and weights.max() <= 1 + 1e-4):
        raise ValueError(f"attention weights are between 0 and 1; these go from {weights.min():.3g} to {weights.max():.3g}")
    return weights.clip(0, 1)


def one_head(attention: Attention, layer: int, head: int) -> torch.Tensor:
    """The weights (query_pos, key_pos) of a head, layer and head counted from 1. Raises ValueError where there is none."""
    check_place(layer, head, *attention.weights.shape[:2])
    return attention.weights[layer - 1, head - 1]


def check_place(layer, head, layers, heads):
    """Raise ValueError where there is no such layer or head; both count from 1."""
    if not (1 <= layer <= layers and 1 <= head <= heads):
        raise ValueError(f"layer and head count from 1; got {layer} and {head}, there are {layers} layers of {heads} heads")


def _fitting(weights, query_tokens, key_tokens, words):
    """One head's weights as an array, and the names of its rows and columns. Raises ValueError where they do not fit."""
    check_attentions(weights)
    weights = matrix(weights)
    if query_tokens is None:
        raise ValueError("bare weights need the names of their tokens: attention_heatmap(weights, tokens)")
    key_tokens = query_tokens if key_tokens is None else key_tokens
    if weights.shape != (len(query_tokens), len(key_tokens)):
        raise ValueError(
            f"weights {weights.shape} need as many query and key tokens; got {len(query_tokens)} and {len(key_tokens)}"
        )
    if words:
        if key_tokens is not query_tokens:
            raise ValueError("words=True merges the pieces of one sequence; leave key_tokens out, or merge before")
        merged, query_tokens = merge_pieces(torch.as_tensor(weights), list(query_tokens))
        weights, key_tokens = merged.numpy(), query_tokens
    return weights, plain(query_tokens), plain(key_tokens)


def _name_tokens(ax, query_tokens, key_tokens, size):
    """Write the tokens beside a heatmap's rows and over its columns, and part its cells by thin lines. size: in points."""
    rows, columns = len(query_tokens), len(key_tokens)
    longest = max(map(len, key_tokens))
    rotation, align = (90, "center") if columns > 6 or longest > 10 else (40, "left")
    if longest == 1:
        rotation, align = 0, "center"
    ax.set_xticks(range(columns), key_tokens, rotation=rotation, ha=align)
    ax.set_yticks(range(rows), query_tokens)
    ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0, labelsize=size, colors=INK)
    ax.tick_params(labelfontfamily=plt.rcParams["font.family"])
    ax.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    ax.grid(False)
    ax.grid(which="minor", color=GRID, linewidth=0.5)
    ax.tick_params(which="minor", length=0)
    ax.spines[:].set_visible(False)
    ax.set_ylabel("this token …", fontsize=size, color=INK)
    ax.set_xlabel("… looks at", fontsize=size, color=INK, labelpad=8)
    ax.xaxis.set_label_position("top")


def _heatmap_axes(query_tokens, key_tokens, numbers):
    """Axes for a heatmap, with room for numbers in the cells and for long labels beside them."""
    rows, columns = len(query_tokens), len(key_tokens)
    cell = 0.62 if numbers else max(0.2, min(0.52, 9 / max(rows, columns)))
    wide, high = (0.15 * max(0, max(map(len, names)) - 8) for names in (query_tokens, key_tokens))
    return new_axes(max(3.2, cell * columns + 1.9) + wide, max(2.6, cell * rows + 1.3) + high)


def _label_size(ax, rows, columns):
    """As large as a row of the heatmap allows, so that a wall can be read from the last bench; 8 to 16 points."""
    box = ax.get_window_extent()
    cell = min(box.height / rows, box.width / columns) / ax.figure.dpi * 72
    return max(8, min(16, round(0.5 * cell)))


@own_style
def head_grid(attentions, title: str | None = None, vmax: float = 1.0) -> Figure:
    """Draw every head of every layer as a small picture without labels: a row for each layer, a column for each head.

    attentions: an Attention, or what a model returns for one text, one (1, head, query_pos, key_pos) a layer.
    Raises ValueError where there are none, or they are of several texts.
    """
    weights = as_attention(attentions).weights
    layers, heads = weights.shape[:2]
    size = (0.95 * heads + 0.7, 0.95 * layers + 0.6)
    figure, axes = plt.subplots(layers, heads, figsize=size, squeeze=False, layout="constrained")
    for (layer, head), ax in np.ndenumerate(axes):
        ax.imshow(matrix(weights[layer, head]), cmap=AMOUNT, vmin=0, vmax=vmax, aspect="equal")
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(color=GRID, linewidth=0.6)
        if layer == 0:
            ax.set_title(f"{head + 1}", fontsize=10, color=INK)
        if head == 0:
            ax.set_ylabel(f"{layer + 1}", rotation=0, ha="right", va="center", fontsize=10, color=INK)
    figure.supxlabel("head", fontsize=11, color=INK)
    figure.supylabel("layer", fontsize=11, color=INK)
    if title:
        figure.suptitle(written(title)[0], fontfamily=plt.rcParams["font.family"], fontsize=13, color=INK)
    return figure


@own_style
def token_strip(tokens, values, ax: Axes | None = None, title: str | None = None, wide: int = 76) -> Axes:
    """Draw a sentence whose tokens are coloured by a value: blue above 0, orange below, the more the darker.

    values: a number for each token; the largest, on either side, is drawn darkest. Lines break after `wide` letters.
    Raises ValueError where tokens and values differ in number, or a value is not finite.
    """
    values, names = vector(values, tokens), plain(tokens)
    places, line, column = [], 0, 0.0
    for name in names:
        if column and column + len(name) > wide:
            line, column = line + 1, 0
        places.append((column, line))
        column += len(name) + 1.4
    ax = finish(ax or new_axes(10, 0.5 + 0.42 * (line + 1) + (0.3 if title else 0)), title=title)
    shades = (AMOUNT, LinearSegmentedColormap.from_list("below", ["#ffffff", "#fdd0a2", ORANGE, "#7f2704"]))
    most = np.abs(values).max() or 1
    for name, value, (column, line) in zip(names, values, places, strict=True):
        share = abs(value) / most
        box = {"boxstyle": "square,pad=0.25", "facecolor": shades[int(value < 0)](0.85 * share), "edgecolor": "none"}
        color = "white" if share > 0.6 else INK
        ax.text(
            column,
            -line,
            name,
            fontsize=12,
            family=["monospace", *plt.rcParams["font.family"]],
            va="center",
            color=color,
            bbox=box,
        )
    ax.set(xlim=(-0.5, wide + 3), ylim=(-line - 0.6, 0.6))
    ax.axis("off")
    return ax


@own_style
def weight_bars(weights, names, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw one row of weights (key_pos,) as bars with their values, highest possible value 1.

    Raises ValueError where weights and names differ in number, or a weight is not finite.
    """
    weights = vector(weights, names)
    ax = ax or new_axes(1 + 0.9 * len(weights), 2.6)
    ax.bar(range(len(weights)), weights, color=INK, width=0.6)
    for index, weight in enumerate(weights):
        ax.annotate(f"{weight:.2f}", (index, weight), xytext=(0, 3), textcoords="offset points", ha="center", color=INK)
    ax.set_xticks(range(len(weights)), plain(names))
    ax.set_ylim(0, 1.12)
    return finish(ax, title=title)


@own_style
def vector_arrows(
    vectors, names, color: str = BLUE, ax: Axes | None = None, title: str | None = None, wide: bool = False
) -> Axes:
    """Draw two-dimensional vectors as arrows from the origin, each with its name.

    vectors: (count, 2); wide: broad and hollow, so that thin arrows drawn on them later can be seen.
    Raises ValueError where the vectors have another shape, or names are missing.
    """
    vectors = matrix(vectors)
    if vectors.shape[1] != 2 or len(vectors) != len(names):
        raise ValueError(f"arrows need vectors (count, 2) and a name each; got {vectors.shape} and {len(names)} names")
    ax = ax or new_axes(4, 4)
    arrow = {"arrowstyle": "-|>", "color": color, "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
    if wide:
        hollow = {"arrowstyle": "simple,tail_width=0.9,head_width=1.9,head_length=1.3", "mutation_scale": 13}
        arrow |= hollow | {"color": None, "facecolor": "white", "edgecolor": color, "linewidth": 1.6}
    for (x, y), name in zip(vectors, names, strict=True):
        ax.annotate("", (x, y), (0, 0), arrowprops=arrow)
        beside = (5, -15 if wide else 4)
        ax.annotate(written(name)[0], (x, y), xytext=beside, textcoords="offset points", color=color, fontsize=12)
    reach = max(np.abs(vectors).max() * 1.3, *np.abs(ax.dataLim.get_points()[np.isfinite(ax.dataLim.get_points())]), 0.5)
    ax.update_datalim([(-reach, -reach), (reach, reach)])
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.axhline(0, color=GRID, zorder=0)
    ax.axvline(0, color=GRID, zorder=0)
    return finish(ax, title=title)
