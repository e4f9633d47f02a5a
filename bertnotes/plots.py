"""Pictures: each function draws one and returns its Axes (or its Figure, where it fills one).

One quiet style for a laptop, a projector and paper: dark ink on an opaque white ground, so that a dark JupyterLab shows it
as well; one blue for amounts (light = little, dark = much, in grey print too); blue and orange for two kinds, which
colour-blind readers tell apart. Used in every notebook.
"""

import io

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.colors import LinearSegmentedColormap
from PIL import Image

from bertnotes.heads import merge_pieces

INK, GRID, BLUE, ORANGE = "#1b1f24", "#d0d7de", "#0b5394", "#c55a11"
AMOUNT = LinearSegmentedColormap.from_list("amount", ["#ffffff", "#c6dbef", "#6baed6", "#2171b5", "#08306b"])


def attention_heatmap(weights, query_tokens, key_tokens=None, ax=None, vmax=1.0, numbers=None, title=None, words=False):
    """Draw one head's weights: a row for each query token, a column for each key token, darker = looks there more.

    weights: (query_pos, key_pos), a tensor or array; key_tokens: the query's by default (self-attention).
    vmax: the weight that is drawn darkest, the same on every picture unless said otherwise, so that pictures compare.
    numbers: write each weight into its cell (default: where there are at most 8 tokens a side).
    words: merge the pieces of a word, for self-attention (`bertnotes.heads.merge_pieces`).
    Returns the Axes. Raises ValueError where weights and tokens do not fit.
    """
    weights = _matrix(weights)
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
    rows, columns = weights.shape
    numbers = max(rows, columns) <= 8 if numbers is None else numbers
    query_tokens, key_tokens = _plain(query_tokens), _plain(key_tokens)
    ax = ax or _heatmap_axes(query_tokens, key_tokens, numbers)
    image = ax.imshow(weights, cmap=AMOUNT, vmin=0, vmax=vmax, aspect="equal")
    size = _label_size(ax, rows, columns)
    rotation, align = (90, "center") if columns > 6 or max(map(len, key_tokens)) > 10 else (40, "left")
    ax.set_xticks(range(columns), key_tokens, rotation=rotation, ha=align)
    ax.set_yticks(range(rows), query_tokens)
    ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0, labelsize=size, colors=INK)
    ax.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    ax.grid(which="minor", color=GRID, linewidth=0.5)
    ax.tick_params(which="minor", length=0)
    ax.spines[:].set_visible(False)
    if numbers:
        for (row, column), weight in np.ndenumerate(weights):
            ax.text(column, row, f"{weight:.2f}", ha="center", va="center", color="white" if weight > 0.55 * vmax else INK)
    bar = ax.figure.colorbar(image, ax=ax, fraction=0.04, pad=0.03, extend="max" if weights.max() > vmax + 1e-6 else "neither")
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=max(9, size - 3), colors=INK)
    ax.set_ylabel("this token …", fontsize=size, color=INK)
    ax.set_xlabel("… looks at", fontsize=size, color=INK, labelpad=8)
    ax.xaxis.set_label_position("top")
    if title:
        ax.set_title(title, fontsize=size + 2, color=INK, loc="left", pad=12)
    return ax


def _heatmap_axes(query_tokens, key_tokens, numbers):
    """Axes for a heatmap, with room for numbers in the cells and for long labels beside them."""
    rows, columns = len(query_tokens), len(key_tokens)
    cell = 0.62 if numbers else max(0.2, min(0.52, 9 / max(rows, columns)))
    wide, high = (0.15 * max(0, max(map(len, names)) - 8) for names in (query_tokens, key_tokens))
    size = (max(3.2, cell * columns + 1.9) + wide, max(2.6, cell * rows + 1.3) + high)
    return plt.subplots(figsize=size, layout="constrained")[1]


def head_grid(attentions, title=None, vmax=1.0):
    """Draw every head of every layer as a small picture without labels: a row for each layer, a column for each head.

    attentions: as a model returns them, one (1, head, query_pos, key_pos) a layer. Returns the Figure.
    """
    layers, heads = len(attentions), attentions[0].shape[1]
    size = (0.95 * heads + 0.7, 0.95 * layers + 0.6)
    figure, axes = plt.subplots(layers, heads, figsize=size, squeeze=False, layout="constrained")
    for layer, row in enumerate(axes):
        for head, ax in enumerate(row):
            ax.imshow(_matrix(attentions[layer][0, head]), cmap=AMOUNT, vmin=0, vmax=vmax, aspect="equal")
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set(color=GRID, linewidth=0.6)
            if layer == 0:
                ax.set_title(f"{head + 1}", fontsize=10, color=INK)
        row[0].set_ylabel(f"{layer + 1}", rotation=0, ha="right", va="center", fontsize=10, color=INK)
    figure.supxlabel("head", fontsize=11, color=INK)
    figure.supylabel("layer", fontsize=11, color=INK)
    if title:
        figure.suptitle(title, fontsize=13, color=INK)
    return figure


def layer_mix(shares, names, ax=None, title=None):
    """Draw what each layer's attention is made up of: a bar for each layer, the first at the top, a colour for each part.

    shares: (layer, part), from 0 to 1, at most four parts; names: one for each part. Returns the Axes.
    """
    shares = _matrix(shares)
    if not shares.shape[1] == len(names) <= 4:
        raise ValueError(f"a bar has one to four parts, each with a name; got {shares.shape[1]} parts and {len(names)} names")
    if ax is None:
        _, ax = plt.subplots(figsize=(9, 1.2 + 0.42 * len(shares)), layout="constrained")
    layers, left = range(1, len(shares) + 1), np.zeros(len(shares))
    for part, name, color in zip(shares.T, names, ("#08306b", ORANGE, "#6baed6", GRID), strict=False):
        ax.barh(layers, part, left=left, color=color, label=name, edgecolor="white")
        left = left + part
    ax.set(xlim=(0, 1), ylim=(len(shares) + 0.6, 0.4), yticks=layers)
    ax.set_xlabel("share of the attention", fontsize=12, color=INK)
    ax.set_ylabel("layer", fontsize=12, color=INK)
    ax.legend(fontsize=12, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(names), frameon=False, labelcolor=INK)
    if title:
        ax.set_title(title, loc="left", fontsize=12, color=INK, pad=32)
    ax.spines[:].set_visible(False)
    ax.tick_params(colors=INK, length=0)
    return ax


def token_strip(tokens, values, ax=None, title=None, wide=76):
    """Draw a sentence whose tokens are coloured by a value: blue above 0, orange below, the more the darker.

    values: a number for each token; the largest, on either side, is drawn darkest. Lines break after `wide` letters.
    Returns the Axes. Raises ValueError where tokens and values differ in number, or a value is not finite.
    """
    values, names = np.asarray(values, dtype=float), _plain(tokens)
    if values.shape != (len(names),) or not np.isfinite(values).all():
        raise ValueError(f"each token needs one finite value; got {len(names)} tokens and values {values.shape}")
    places, line, column = [], 0, 0
    for name in names:
        if column and column + len(name) > wide:
            line, column = line + 1, 0
        places.append((column, line))
        column += len(name) + 1.4
    if ax is None:
        _, ax = plt.subplots(figsize=(10, 0.5 + 0.42 * (line + 1) + (0.3 if title else 0)), layout="constrained")
    shades = (AMOUNT, LinearSegmentedColormap.from_list("below", ["#ffffff", "#fdd0a2", ORANGE, "#7f2704"]))
    most = np.abs(values).max() or 1
    for name, value, (column, line) in zip(names, values, places, strict=True):
        share = abs(value) / most
        box = {"boxstyle": "square,pad=0.25", "facecolor": shades[int(value < 0)](0.85 * share), "edgecolor": "none"}
        color = "white" if share > 0.6 else INK
        ax.text(column, -line, name, fontsize=12, family="monospace", va="center", color=color, bbox=box)
    ax.set(xlim=(-0.5, wide + 3), ylim=(-line - 0.6, 0.6))
    ax.axis("off")
    if title:
        ax.set_title(title, loc="left", fontsize=12, color=INK)
    return ax


def learning_curve(history, majority=None, ax=None):
    """Draw a fine-tuning run: loss on training and validation reviews, and accuracy, epoch by epoch.

    history: as `fit` returns it; majority: the accuracy of always naming the commonest class, drawn as a line.
    Returns the Figure.
    """
    epochs = [entry["epoch"] for entry in history]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for key, color, name in (("train_loss", BLUE, "training"), ("validation_loss", ORANGE, "validation")):
        values = [entry[key] for entry in history]
        left.plot(epochs, values, color=color, marker="o", linewidth=2)
        left.annotate(name, (epochs[-1], values[-1]), xytext=(8, 0), textcoords="offset points", color=color, va="center")
    right.plot(epochs, [entry["accuracy"] for entry in history], color=ORANGE, marker="o", linewidth=2)
    if majority is not None:
        right.axhline(majority, color=INK, linestyle=":", linewidth=1.5)
        right.annotate("commonest class", (epochs[0], majority), xytext=(0, 5), textcoords="offset points", color=INK)
    right.set_ylim(min(0.4, right.get_ylim()[0]), 1)
    for ax, title in ((left, "loss (nats)"), (right, "accuracy on validation")):
        ax.set_title(title, loc="left", fontsize=12, color=INK)
        ax.set_xticks(epochs)
        ax.set_xlabel("epoch", color=INK)
        _quieten(ax)
    left.set_xlim(epochs[0] - 0.1, epochs[-1] + max(0.6, 0.3 * len(epochs)))
    return figure


def pretraining_curve(log, references=None, control=()):
    """Draw a pre-training run: loss and top-1 on held-out rows against the tokens read so far.

    log: entries as `bertnotes.pretraining.read_log` gives them; where their "run" changes, a line marks the new start.
    references: {name: loss}, dotted lines beside the loss; control: entries of a run from zero, drawn in orange. Returns the
    Figure.
    """
    tokens = [entry["tokens"] / 1e6 for entry in log]
    starts = [tokens[at - 1] for at in range(1, len(log)) if log[at].get("run") != log[at - 1].get("run")]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    left.plot(tokens, [entry["held_out_loss"] for entry in log], color=BLUE, linewidth=2)
    right.plot(tokens, [100 * entry["held_out_top1"] for entry in log], color=BLUE, linewidth=2)
    for ax, name, scale in ((left, "held_out_loss", 1), (right, "held_out_top1", 100)) if control else ():
        ax.plot([one["tokens"] / 1e6 for one in control], [scale * one[name] for one in control], color=ORANGE, linewidth=2)
        end = control[-1]["tokens"] / 1e6, scale * control[-1][name]
        ax.annotate("from zero", end, xytext=(6, 0), textcoords="offset points", va="center", color=ORANGE, fontsize=12)
    for name, loss in (references or {}).items():
        left.axhline(loss, color=INK, linestyle=":", linewidth=1.5)
        left.annotate(name, (tokens[-1], loss), xytext=(0, 4), textcoords="offset points", ha="right", color=INK)
    for ax, title in ((left, "loss on held-out rows (nats)"), (right, "hidden tokens guessed right (%)")):
        ax.set_title(title, loc="left", fontsize=12, color=INK)
        ax.set_xlabel("tokens read (millions)", color=INK)
        _quieten(ax)
        for start in starts:
            ax.axvline(start, color=ORANGE, linestyle="--", linewidth=1.2, zorder=0)
    return figure


def vector_arrows(vectors, names, color=BLUE, ax=None, title=None):
    """Draw two-dimensional vectors as arrows from the origin, each with its name. vectors: (count, 2). Returns the Axes."""
    vectors = _matrix(vectors)
    if vectors.shape[1] != 2 or len(vectors) != len(names):
        raise ValueError(f"arrows need vectors (count, 2) and a name each; got {vectors.shape} and {len(names)} names")
    if ax is None:
        _, ax = plt.subplots(figsize=(4, 4), layout="constrained")
    for (x, y), name in zip(vectors, names, strict=True):
        arrow = {"arrowstyle": "-|>", "color": color, "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (x, y), (0, 0), arrowprops=arrow)
        ax.annotate(name, (x, y), xytext=(5, 4), textcoords="offset points", color=color, fontsize=12)
    reach = max(np.abs(vectors).max() * 1.3, *np.abs(ax.dataLim.get_points()[np.isfinite(ax.dataLim.get_points())]), 0.5)
    ax.update_datalim([(-reach, -reach), (reach, reach)])
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.axhline(0, color=GRID, zorder=0)
    ax.axvline(0, color=GRID, zorder=0)
    if title:
        ax.set_title(title, loc="left", fontsize=12, color=INK)
    _quieten(ax)
    return ax


def weight_bars(weights, names, ax=None, title=None):
    """Draw one row of weights as bars with their values, highest possible value 1. Returns the Axes."""
    weights = np.asarray(weights, dtype=float)
    if ax is None:
        _, ax = plt.subplots(figsize=(1 + 0.9 * len(weights), 2.6), layout="constrained")
    ax.bar(range(len(weights)), weights, color=BLUE, width=0.6)
    for index, weight in enumerate(weights):
        ax.annotate(f"{weight:.2f}", (index, weight), xytext=(0, 3), textcoords="offset points", ha="center", color=INK)
    ax.set_xticks(range(len(weights)), _plain(names))
    ax.set_ylim(0, 1.12)
    if title:
        ax.set_title(title, loc="left", fontsize=12, color=INK)
    _quieten(ax)
    return ax


def small_png(data):
    """A PNG of at most 256 colours, which shows flat pictures such as ours in a third of the bytes. Takes and returns bytes."""
    buffer = io.BytesIO()
    colours = Image.open(io.BytesIO(data)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    colours.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _label_size(ax, rows, columns):
    """As large as a row of the heatmap allows, so that a wall can be read from the last bench; 8 to 16 points."""
    box = ax.get_window_extent()
    cell = min(box.height / rows, box.width / columns) / ax.figure.dpi * 72
    return max(8, min(16, round(0.5 * cell)))


def _matrix(values):
    values = np.asarray(values.detach().cpu().float() if hasattr(values, "detach") else values, dtype=float)
    if values.ndim != 2:
        raise ValueError(f"one picture shows one matrix, such as attentions[layer][0, head]; got shape {values.shape}")
    return values


def _plain(names, longest=18):
    """Tokens as they are, the end of a long one cut off: a `$` would start a formula for matplotlib."""
    short = [name if len(name) <= longest else f"{name[: longest - 1]}…" for name in map(str, names)]
    return [name.replace("$", r"\$") for name in short]


def _quieten(ax):
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GRID)
    ax.tick_params(colors=INK, length=0)
    ax.grid(color=GRID, linewidth=0.5)
    ax.set_axisbelow(True)


def line_chart(x, lines, xlabel, title=None, logarithmic="x", ax=None):
    """Draw what a quantity does as x grows, each line with its name at its end.

    x: numbers, each a tick on the axis; lines: {name: values}, three at most; logarithmic: "x", "xy" or "" says which
    axes grow by doubling. Returns the Axes.
    """
    if not 1 <= len(lines) <= 3 or any(len(values) != len(x) for values in lines.values()):
        found = {name: len(values) for name, values in lines.items()}
        raise ValueError(f"a chart has one to three lines, each with a value for each of {len(x)} x; got {found}")
    if ax is None:
        _, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
    styles = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (INK, "^", ":"))
    for (name, values), (color, marker, style) in zip(lines.items(), styles, strict=False):
        ax.plot(x, values, color=color, marker=marker, linestyle=style, linewidth=2)
        ax.annotate(name, (x[-1], values[-1]), xytext=(9, 0), textcoords="offset points", color=color, fontsize=11, va="center")
    if "x" in logarithmic:
        ax.set_xscale("log", base=2)
    if "y" in logarithmic:
        ax.set_yscale("log", base=2)
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.set_xticks(x, [f"{value:,}" for value in x])
    ax.minorticks_off()
    ax.set_xlabel(xlabel, fontsize=11, color=INK)
    if title:
        ax.set_title(title, loc="left", fontsize=12, color=INK)
    _quieten(ax)
    return ax
