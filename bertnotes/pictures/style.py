"""One quiet style for a laptop, a projector and paper: the colours, and what every picture does at its end.

Dark ink on an opaque white ground, so that a dark JupyterLab shows it as well; one blue for amounts (light = little, dark =
much, in grey print too); blue and orange for two kinds, which colour-blind readers tell apart. Query, key and value have one
colour each, the same in every picture, drawing and page to play with; the one that looks is blue in the views, too.
"""

import io
import math
import warnings
from collections import Counter
from contextlib import contextmanager
from functools import cache, partial, wraps

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager, get_font
from PIL import Image

OURS = "DejaVu Sans"  # comes with matplotlib
DRAWING = tuple(
    "axes. errorbar. figure.constrained figure.edge figure.face figure.label figure.title font. grid. image.".split()
)
DRAWING += tuple("legend. lines. markers. mathtext. patch. path. text. xaxis. xtick. yaxis. ytick.".split())
OWN = {name: value for name, value in plt.rcParamsDefault.items() if name.startswith(DRAWING)}  # how a picture looks
OWN |= {"savefig.facecolor": "auto", "savefig.transparent": False}
INK, GRID, BLUE, ORANGE = "#1b1f24", "#d0d7de", "#0b5394", "#c55a11"
QUERY, KEY, VALUE = BLUE, ORANGE, "#007a5e"
LIGHT = {"ground": "#ffffff", "ink": INK, "faint": GRID, "query": QUERY, "key": KEY, "value": VALUE}
DARK = {"ground": "#0d1117", "ink": "#e6edf3", "faint": "#373e47", "query": "#79b8ff", "key": "#ffa657", "value": "#56d4a0"}
AMOUNT = LinearSegmentedColormap.from_list("amount", ["#ffffff", "#c6dbef", "#6baed6", "#2171b5", "#08306b"])


def small_png(data: bytes) -> bytes:
    """A PNG of at most 256 colours, which shows flat pictures such as ours in a third of the bytes; animated, if that was."""
    image = Image.open(io.BytesIO(data))
    frames, durations = [], []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        frames.append(image.convert("RGB"))
        durations.append(image.info.get("duration", 0))
    return png_of(frames, durations, image.info.get("loop", 1))


def png_of(frames, durations, loop: int = 1) -> bytes:
    """A PNG of one frame, or an animated one of several, of at most 256 colours in all.

    frames: RGB images of one size; durations: of each, in milliseconds; loop: how often it plays, 0 for without end.
    """
    buffer = io.BytesIO()
    if len(frames) == 1:
        frames[0].quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
        return buffer.getvalue()
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for color in common_colours(frames, 256) for part in color])
    first, *others = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    first.save(buffer, "PNG", save_all=True, append_images=others, duration=durations, loop=loop, optimize=True)
    return buffer.getvalue()


def common_colours(frames, most: int) -> list[tuple[int, int, int]]:
    """The colours that most pixels have, in the first, the last and a few frames between them.

    Of colours that are nearly the same only the most frequent: Pillow, which looks at the upper bits, would confuse them.
    """
    counts: Counter = Counter()
    for frame in frames[:: -(-len(frames) // 8)] + frames[-1:]:
        counts.update({color: count for count, color in frame.getcolors(frame.width * frame.height)})
    found: list[tuple[int, int, int]] = []
    for color, _ in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        if len(found) < most and all(max(abs(a - b) for a, b in zip(color, other, strict=True)) >= 8 for other in found):
            found.append(color)
    return found


def numbers(values) -> np.ndarray:
    """Values of a picture, from a tensor, an array or lists. Raises ValueError where they are no numbers."""
    try:
        return np.asarray(values.detach().cpu().float() if hasattr(values, "detach") else values, dtype=float)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"a picture needs numbers, such as attentions[layer][0, head]; got {type(values).__name__}") from None


def matrix(values) -> np.ndarray:
    """Values of one picture as an array (row, column). Raises ValueError where they are of another number of axes."""
    values = numbers(values)
    if values.ndim != 2:
        raise ValueError(f"one picture shows one matrix, such as attentions[layer][0, head]; got shape {values.shape}")
    return values


def write_numbers(ax: Axes, values: np.ndarray, dark: float, size: float, least: float = -math.inf):
    """Write the numbers of a heatmap into its cells, white on cells above `dark`, exact zeros as "0", none below `least`."""
    for (row, column), value in np.ndenumerate(values):
        if value >= least:
            text, color = f"{value:.2f}" if value else "0", "white" if value > dark else INK
            ax.text(column, row, text, ha="center", va="center", color=color, fontsize=size)


def vector(values, names) -> np.ndarray:
    """Values of one picture as an array with a finite number for each name. Raises ValueError where they are something else."""
    values = numbers(values)
    if values.shape != (len(names),) or not np.isfinite(values).all():
        raise ValueError(f"each token needs one finite value; got {len(names)} tokens and values {values.shape}")
    return values


@contextmanager
def our_style():
    """Let matplotlib draw in its own style for a while. Nothing else is put back afterwards: the first picture loads what shows
    pictures in a notebook, which has settings of its own."""
    before = {name: plt.rcParams[name] for name in OWN}
    plt.rcParams.update(OWN)
    try:
        yield
    finally:
        plt.rcParams.update(before)


def own_style(make):
    """Let a function make its picture in matplotlib's own style, on white, and have it drawn and saved so."""

    @wraps(make)
    def made(*inputs, **options):
        with our_style():
            picture = make(*inputs, **options)
        figure = picture if isinstance(picture, Figure) else picture.get_figure(root=True)
        figure.set(facecolor="white")
        for name in ("draw", "savefig"):
            setattr(figure, name, partial(in_own_style, figure, name))
        return picture

    return made


def in_own_style(figure, name, *inputs, **options):
    """Call a method of a figure: while it draws, matplotlib makes more of it, such as ticks."""
    with our_style():
        return getattr(type(figure), name)(figure, *inputs, **options)


def plain(names, longest: int = 18) -> list[str]:
    """Tokens as `written`, the end of a long one cut off."""
    if isinstance(names, str):
        raise ValueError(f"a picture names its tokens one by one; got one text, {names[:40]!r}: give a list")
    short = [name if len(name) <= longest else f"{name[: longest - 1]}…" for name in map(str, names)]
    return written(*short)


def written(*texts) -> list[str]:
    """Texts as matplotlib shall write them: a `$` starts no formula, and a letter that our font lacks is taken from one that
    has it. Where none has, a warning says so once, and the sign for an unknown letter stands in its place."""
    letters = set("".join(map(str, texts))) - {"\n"}
    fonts = {letter: font_of(letter) for letter in sorted(letters)}
    plt.rcParams["font.family"] = list(dict.fromkeys([*plt.rcParams["font.family"], *filter(None, fonts.values())]))
    unknown = [letter for letter, font in fonts.items() if font is None]
    if shown := "".join(letter for letter in unknown if letter.isprintable())[:8]:
        warnings.warn(f"no font here has the letters {shown}: install one, such as those of Noto", stacklevel=2)
    return [str(text).translate(dict.fromkeys(map(ord, unknown), "\ufffd")).replace("$", r"\$") for text in texts]


@cache
def font_of(letter: str) -> str | None:
    """The name of the first font here that has a letter, our own if it can be; None where none has."""
    fonts = {font.name: font.fname for font in fontManager.ttflist if not font.name.startswith("Last Resort")}  # draws boxes
    ordered = [OURS, *(name for name in fonts if name != OURS)]
    return next((name for name in ordered if name in fonts and ord(letter) in letters_of(fonts[name])), None)


@cache
def letters_of(path: str) -> frozenset[int]:
    """The numbers of all letters in a font."""
    return frozenset(get_font(path).get_charmap())


def new_axes(width: float, height: float) -> Axes:
    """Axes in a figure of their own, inches wide and high."""
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def finish(ax: Axes, xlabel: str | None = None, title: str | None = None) -> Axes:
    """The Axes with its labels, on our ground, and with no more lines than needed."""
    ax.set_facecolor("white")
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GRID)
    ax.tick_params(colors=INK, length=0, labelfontfamily=plt.rcParams["font.family"])
    ax.grid(color=GRID, linewidth=0.5)
    ax.set_axisbelow(True)
    if xlabel:
        ax.set_xlabel(xlabel, color=INK)
    if title:
        ax.set_title(written(title)[0], fontfamily=plt.rcParams["font.family"], loc="left", fontsize=12, color=INK)
    return ax
