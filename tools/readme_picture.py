"""Draw docs/attention.png, the picture in README.md, from the shipped model.

    python tools/readme_picture.py

Two heads are found by code and drawn side by side: the one that looks back one token most, and the one that sends most
of its attention from "it" to the word that "it" stands for.
"""

import os
from pathlib import Path

import matplotlib
import matplotlib.patches
import matplotlib.pyplot

from bertnotes import attend, attention_heatmap

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "attention.png"
SENTENCE = "The cat sat on the mat because it was tired."
WORD, MEANT = "it", "cat"


def strongest(scores):
    """Return the place (layer, head), from 0, of the highest score. scores: (layer, head)."""
    return divmod(scores.argmax().item(), scores.shape[1])


def draw(sentence):
    """Draw the two heads. Returns the Figure."""
    attention = attend(sentence)
    tokens, weights = attention.tokens, attention.weights
    word, meant = tokens.index(WORD), tokens.index(MEANT)
    found = {
        "looks back one token": strongest(weights.diagonal(-1, -2, -1).mean(-1)),
        f"“{WORD}” looks at “{MEANT}”": strongest(weights[:, :, word, meant]),
    }
    figure, axes = matplotlib.pyplot.subplots(1, 2, figsize=(11.5, 5.6), layout="constrained")
    for ax, (what, (layer, head)) in zip(axes, found.items(), strict=True):
        attention_heatmap(weights[layer, head], tokens, ax=ax, title=f"layer {layer + 1}, head {head + 1}: {what}")
    cell = {"xy": (meant - 0.5, word - 0.5), "width": 1, "height": 1, "fill": False, "edgecolor": "#c55a11", "linewidth": 2}
    axes[1].add_patch(matplotlib.patches.Rectangle(**cell))
    return figure


def main():
    """Draw the picture and write it, the same bytes each time."""
    os.environ.pop("BERTNOTES_MODEL", None)  # the picture is of the shipped model
    matplotlib.use("Agg")
    PICTURE.parent.mkdir(exist_ok=True)
    draw(SENTENCE).savefig(PICTURE, dpi=110, facecolor="white", metadata={"Software": None})
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
