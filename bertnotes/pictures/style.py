"""One quiet style for a laptop, a projector and paper: the colours, and what every picture does at its end.

Dark ink on an opaque white ground, so that a dark JupyterLab shows it as well; one blue for amounts (light = little, dark =
much, in grey print too); blue and orange for two kinds, which colour-blind readers tell apart.
"""

import io

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from PIL import Image

INK, GRID, BLUE, ORANGE = "#1b1f24", "#d0d7de", "#0b5394", "#c55a11"
AMOUNT = LinearSegmentedColormap.from_list("amount", ["#ffffff", "#c6dbef", "#6baed6", "#2171b5", "#08306b"])


def small_png(data):
    """A PNG of at most 256 colours, which shows flat pictures such as ours in a third of the bytes. Takes and returns bytes."""
    buffer = io.BytesIO()
    colours = Image.open(io.BytesIO(data)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    colours.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def matrix(values):
    """Values of one picture as an array (row, column). Raises ValueError where they are of another number of axes."""
    values = np.asarray(values.detach().cpu().float() if hasattr(values, "detach") else values, dtype=float)
    if values.ndim != 2:
        raise ValueError(f"one picture shows one matrix, such as attentions[layer][0, head]; got shape {values.shape}")
    return values


def plain(names, longest=18):
    """Tokens as they are, the end of a long one cut off: a `$` would start a formula for matplotlib."""
    short = [name if len(name) <= longest else f"{name[: longest - 1]}…" for name in map(str, names)]
    return [name.replace("$", r"\$") for name in short]


def quieten(ax):
    """Take from axes all lines that are not needed."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GRID)
    ax.tick_params(colors=INK, length=0)
    ax.grid(color=GRID, linewidth=0.5)
    ax.set_axisbelow(True)
