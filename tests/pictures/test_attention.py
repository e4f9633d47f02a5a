"""Each picture can be drawn without a warning and shows what it was given; no picture is compared."""

import io
import re
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from PIL import Image

from bertnotes.attention import Attention
from bertnotes.pictures.attention import attention_heatmap, head_grid, token_strip, vector_arrows, weight_bars
from bertnotes.pictures.charts import LiveCurve, learning_curve, line_chart, pretraining_curve
from bertnotes.pictures.style import font_of, letters_of, png_of, small_png

TOKENS = ["[CLS]", "good", "film", "[SEP]"]


@pytest.fixture(autouse=True)
def closed_figures():
    """Nothing stays open behind a test."""
    yield
    plt.close("all")


def weights_of(rows, columns):
    return torch.randn(rows, columns).softmax(-1)


def draw(picture):
    """Draw the whole canvas, which is when text is laid out; any warning fails the test."""
    figure = picture if isinstance(picture, Figure) else picture.figure
    figure.canvas.draw()
    return picture


def texts(ax):
    return [text.get_text() for text in ax.texts]


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_heatmap_has_a_cell_for_each_pair():
    """Rows are queries from the top down, columns keys; each weight stands in its cell."""
    weights = weights_of(4, 3)
    ax = draw(attention_heatmap(weights, TOKENS, ["a", "b", "c"], title="head 1"))
    assert isinstance(ax, Axes) and ax.get_title(loc="left") == "head 1"
    assert np.allclose(ax.images[0].get_array(), weights) and ax.yaxis_inverted()
    assert labels(ax.yaxis) == TOKENS and labels(ax.xaxis) == ["a", "b", "c"]
    assert texts(ax) == [f"{weight:.2f}" for weight in weights.flatten()]
    assert [text.get_position() for text in ax.texts][:4] == [(0, 0), (1, 0), (2, 0), (0, 1)]
    assert ax.get_xlabel() and ax.get_ylabel()


def test_heatmap_cuts_the_end_of_a_long_token():
    """One token of a hundred letters must not push the picture off the page."""
    ax = draw(attention_heatmap(weights_of(2, 2), ["x" * 18, "y" * 100]))
    assert labels(ax.yaxis) == ["x" * 18, "y" * 17 + "…"]


def test_heatmap_looks_at_itself_by_default():
    """Self-attention: the same tokens on both sides."""
    ax = draw(attention_heatmap(weights_of(4, 4), TOKENS))
    assert labels(ax.xaxis) == labels(ax.yaxis) == TOKENS


def test_heatmaps_share_one_scale():
    """Flat weights look pale: 0 to 1 on every picture, unless said otherwise."""
    assert attention_heatmap(torch.full((4, 4), 0.25), TOKENS).images[0].get_clim() == (0, 1)
    assert draw(attention_heatmap(weights_of(4, 4), TOKENS, vmax=0.5)).images[0].get_clim() == (0, 0.5)


@pytest.mark.parametrize(("count", "numbers", "shown"), [(8, None, 64), (9, None, 0), (9, True, 81), (3, False, 0)])
def test_heatmap_writes_numbers_where_they_can_be_read(count, numbers, shown):
    """Up to 8 tokens a side, unless said otherwise."""
    assert len(draw(attention_heatmap(weights_of(count, count), ["word"] * count, numbers=numbers)).texts) == shown


def test_numbers_stand_out_from_their_cells():
    """White on dark, ink on light."""
    ax = attention_heatmap([[1.0, 0.0], [0.5, 0.5]], ["a", "b"])
    assert [text.get_color() == "white" for text in ax.texts] == [True, False, False, False]


def test_heatmap_into_given_axes():
    """Side by side with another."""
    _, (left, right) = plt.subplots(1, 2, layout="constrained")
    assert draw(attention_heatmap(weights_of(4, 4), TOKENS, ax=right)) is right
    assert not left.images and len(plt.get_fignums()) == 1


def test_sixty_four_tokens():
    """Every one is named."""
    names = [f"token{number}" for number in range(64)]
    assert labels(draw(attention_heatmap(weights_of(64, 64), names)).xaxis) == names


@pytest.mark.parametrize("names", [["$", "x", "$", "y"], ["$x_2$", "a", "b", "c"], ["_", "\\", "^", "%"]])
def test_tokens_are_no_formulas(names):
    """Money is not mathematics: no label is parsed as a formula, and what is drawn is the token."""
    for ax in (attention_heatmap(weights_of(4, 4), names), weight_bars([0.25] * 4, names)):
        draw(ax)
        for label, name in zip(ax.get_xticklabels(), names, strict=True):
            drawn, is_formula = label._preprocess_math(label.get_text())
            assert not is_formula and drawn == name


@pytest.mark.parametrize(
    ("shape", "queries", "keys"),
    [((4, 4), TOKENS[:3], None), ((4, 3), TOKENS, None), ((4, 3), TOKENS[:3], TOKENS), ((3, 4), TOKENS, TOKENS)],
)
def test_tokens_that_do_not_fit(shape, queries, keys):
    """The error shows the shape and both counts."""
    counts = f"got {len(queries)} and {len(queries if keys is None else keys)}"
    with pytest.raises(ValueError, match=rf"weights {re.escape(str(shape))} need .*; {counts}"):
        attention_heatmap(weights_of(*shape), queries, keys)


def test_one_picture_shows_one_matrix():
    """All heads at once are not one; the error says how to take one."""
    with pytest.raises(ValueError, match=r"such as attentions\[layer\]\[0, head\]; got shape \(1, 3, 4, 4\)"):
        attention_heatmap(torch.rand(1, 3, 4, 4), TOKENS)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64])
def test_weights_in_any_precision_with_a_graph_on_them(kind):
    """As a model in training gives them; lists and arrays too."""
    weights = weights_of(4, 4).to(kind).requires_grad_()
    draw(attention_heatmap(weights, TOKENS))
    draw(attention_heatmap(weights.tolist(), TOKENS))
    assert weights.requires_grad


def test_head_grid_has_a_picture_for_each_head():
    """A row for each layer, a column for each head, all on one scale, in the model's order."""
    attentions = [torch.randn(1, 3, 5, 5).softmax(-1) for _ in range(2)]
    figure = draw(head_grid(attentions, title="all heads"))
    assert isinstance(figure, Figure) and len(figure.axes) == 6
    for number, ax in enumerate(figure.axes):
        assert np.allclose(ax.images[0].get_array(), attentions[number // 3][0, number % 3])
        assert ax.images[0].get_clim() == (0, 1)
    assert [ax.get_title() for ax in figure.axes] == ["1", "2", "3", "", "", ""]
    assert [ax.get_ylabel() for ax in figure.axes] == ["1", "", "", "2", "", ""]


def attention_of(layers=2, heads=3):
    return Attention(torch.randn(layers, heads, 4, 4).softmax(-1), TOKENS)


def test_an_attention_knows_its_tokens_and_names_its_head():
    """Layer and head count from 1; a title or names of one's own come first."""
    attention = attention_of()
    for options, layer, head in (({}, 0, 0), ({"layer": 2, "head": 3}, 1, 2)):
        ax = draw(attention_heatmap(attention, **options))
        assert np.allclose(ax.images[0].get_array(), attention.weights[layer, head])
        assert ax.get_title(loc="left") == f"layer {layer + 1}, head {head + 1}" and labels(ax.yaxis) == TOKENS
    ax = draw(attention_heatmap(attention, list("abcd"), title="mine"))
    assert ax.get_title(loc="left") == "mine" and labels(ax.xaxis) == list("abcd")
    figure = draw(head_grid(attention))
    assert np.allclose(figure.axes[5].images[0].get_array(), attention.weights[1, 2])


@pytest.mark.parametrize(("layer", "head"), [(3, 1), (0, 1), (1, 4), (1, -1)])
def test_a_layer_or_head_that_does_not_exist(layer, head):
    with pytest.raises(ValueError, match=f"count from 1; got {layer} and {head}, there are 2 layers of 3 heads"):
        attention_heatmap(attention_of(), layer=layer, head=head)


@pytest.mark.parametrize("nothing", [None, (), (None, None)])
def test_forgotten_weights_are_named_by_every_picture(nothing):
    for picture in (lambda: attention_heatmap(nothing, TOKENS), lambda: attention_heatmap(nothing), lambda: head_grid(nothing)):
        with pytest.raises(
            ValueError, match=r'no attention weights: load the model with attention="eager".*output_attentions=True'
        ):
            picture()
    for picture in (weight_bars, vector_arrows, lambda values, names: token_strip(names, values)):
        with pytest.raises(ValueError, match=r"one matrix, such as|one finite value"):
            picture(nothing, ["a"])


def test_what_is_no_matrix_is_named():
    """All layers with a graph on them, an Attention where shares are asked for, and weights without names."""
    layers = tuple(torch.rand(1, 3, 4, 4, requires_grad=True) for _ in range(2))
    with pytest.raises(ValueError, match=r"needs numbers, such as attentions\[layer\]\[0, head\]; got tuple"):
        attention_heatmap(layers, TOKENS)
    with pytest.raises(ValueError, match=r"needs numbers, .*; got Attention"):
        weight_bars(attention_of(), ["a"])
    with pytest.raises(ValueError, match="need the names of their tokens"):
        attention_heatmap(weights_of(4, 4))
    with pytest.raises(ValueError, match="one finite value; got 2 tokens and values"):
        weight_bars([0.1, 0.2, 0.7], ["a", "b"])


HISTORY = [{"epoch": n, "train_loss": 1 / n, "validation_loss": 1.1 / n, "accuracy": 1 - 0.4 / n} for n in (1, 2, 3)]


@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("majority", [None, 0.5])
def test_learning_curve(epochs, majority):
    """Both losses and the accuracy at each epoch, and the line that is to be beaten."""
    figure = draw(learning_curve(HISTORY[:epochs], majority))
    left, right = figure.axes
    assert [line.get_xydata().tolist() for line in left.lines] == [
        [[entry["epoch"], entry[key]] for entry in HISTORY[:epochs]] for key in ("train_loss", "validation_loss")
    ]
    assert texts(left) == ["training", "validation"]
    assert right.lines[0].get_ydata().tolist() == [entry["accuracy"] for entry in HISTORY[:epochs]]
    assert len(right.lines) == (1 if majority is None else 2) and right.get_ylim()[1] == 1


def test_vector_arrows():
    """An arrow and a name for each, all of them inside; more can be added to the same axes."""
    ax = vector_arrows([[1.0, 2.0], [-3.0, 0.5]], ["q", "k"], title="two vectors")
    assert isinstance(ax, Axes) and [text for text in texts(ax) if text] == ["q", "k"]
    assert vector_arrows(torch.tensor([[0.0, 5.0]]), ["v"], color="black", ax=ax) is ax
    draw(ax)
    assert ax.get_xlim() == ax.get_ylim() and ax.get_ylim()[1] >= 5 and ax.get_aspect() == 1
    draw(vector_arrows([[0.0, 0.0]], ["nothing"]))


@pytest.mark.parametrize(("vectors", "names"), [([[1.0, 2.0, 3.0]], ["q"]), ([[1.0, 2.0]], ["q", "k"])])
def test_vectors_that_do_not_fit(vectors, names):
    """The error shows the shape and the count."""
    with pytest.raises(ValueError, match=rf"arrows need vectors .*; got \(1, {len(vectors[0])}\) and {len(names)} names"):
        vector_arrows(vectors, names)


def test_weight_bars():
    """A bar and its value for each name, 1 in reach on every picture."""
    ax = draw(weight_bars(torch.tensor([0.1, 0.2, 0.7]), ["a", "b", "c"], title="weights"))
    assert isinstance(ax, Axes) and [bar.get_height() for bar in ax.patches] == pytest.approx([0.1, 0.2, 0.7])
    assert texts(ax) == ["0.10", "0.20", "0.70"] and labels(ax.xaxis) == ["a", "b", "c"]
    assert ax.get_ylim()[0] == 0 and ax.get_ylim()[1] > 1


def test_pretraining_curve_shows_loss_and_top1_against_tokens():
    """Both panels have a point for each entry of the log; a reference is a line with its name."""
    log = [{"tokens": 1_000_000 * step, "held_out_loss": 5.0 - step, "held_out_top1": 0.1 * step} for step in range(4)]
    figure = pretraining_curve(log, {"counts only": 4.5})
    left, right = figure.axes
    assert left.lines[0].get_ydata().tolist() == [5, 4, 3, 2] and left.lines[0].get_xdata().tolist() == [0, 1, 2, 3]
    assert right.lines[0].get_ydata().tolist() == pytest.approx([0, 10, 20, 30])
    assert left.lines[1].get_ydata()[0] == 4.5 and [text.get_text() for text in left.texts] == ["counts only"]
    assert len(right.lines) == 1


def test_pretraining_curve_marks_where_a_run_took_over():
    """At the last measure of the run before it."""
    log = [
        {"run": run, "tokens": tokens, "held_out_loss": 4.0, "held_out_top1": 0.3}
        for run, tokens in [(1, 0), (1, 2e6), (2, 3e6), (3, 5e6)]
    ]
    for ax in pretraining_curve(log).axes:
        assert [line.get_xdata()[0] for line in ax.lines[1:]] == [2, 3]


def test_pretraining_curve_draws_a_control_beside_the_run():
    """In both panels, with its name at its end."""
    log = [{"tokens": 1_000_000 * step, "held_out_loss": 5.0 - step, "held_out_top1": 0.1 * step} for step in range(4)]
    left, right = pretraining_curve(log, control=log[:2]).axes
    assert left.lines[1].get_ydata().tolist() == [5, 4] and right.lines[1].get_ydata().tolist() == pytest.approx([0, 10])
    assert [text.get_text() for ax in (left, right) for text in ax.texts] == [" random start", "mini"] * 2


def test_heatmap_merges_the_pieces_of_a_word():
    """Attention to the pieces is added up, attention from them averaged."""
    weights = torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    ax = draw(attention_heatmap(weights, ["we", "act", "##ed"], words=True))
    assert labels(ax.yaxis) == labels(ax.xaxis) == ["we", "acted"]
    assert texts(ax) == ["0.50"] * 4
    with pytest.raises(ValueError, match="leave key_tokens out"):
        attention_heatmap(weights, list("abc"), list("abd"), words=True)


def test_token_strip_colours_each_token_by_its_value():
    """The largest is darkest, below 0 is orange, 0 is white; lines break."""
    ax = draw(token_strip(["good", "and", "bad"] * 12, [1.0, 0.0, -1.0] * 12, title="$ is no formula"))
    assert texts(ax) == ["good", "and", "bad"] * 12
    good, none, bad = (text.get_bbox_patch().get_facecolor()[:3] for text in ax.texts[:3])
    assert none == (1, 1, 1) and good[2] > good[0] and bad[0] > bad[2]
    assert len({text.get_position()[1] for text in ax.texts}) == 3
    assert draw(token_strip(["a"], [0.0])) is not None
    for values in ([1.0], [1.0, float("nan")]):
        with pytest.raises(ValueError, match="one finite value; got 2 tokens"):
            token_strip(["a", "b"], values)


def test_a_small_png_looks_the_same():
    """A third of the bytes, and no pixel that an eye would tell apart."""
    buffer = io.BytesIO()
    ax = attention_heatmap(weights_of(12, 12), [f"token{index}" for index in range(12)], title="x")
    ax.figure.savefig(buffer, format="png")
    pictures = [Image.open(io.BytesIO(data)).convert("RGB") for data in (buffer.getvalue(), small_png(buffer.getvalue()))]
    before, after = (np.asarray(picture).astype(int) for picture in pictures)
    assert len(small_png(buffer.getvalue())) < 0.5 * len(buffer.getvalue())
    assert np.abs(before - after).mean() < 0.1 and np.abs(before - after).max() < 40 and (after[0, 0] == 255).all()


def test_a_small_animation_moves_on():
    """Its frames, its times and how often it plays stay; Pillow joins frames that are the same."""
    frames = [Image.new("RGB", (40, 30), "white") for _ in range(3)]
    for place, frame in enumerate(frames):
        frame.paste((200, 80 * place, 0), (10 * place, 0, 10 * place + 10, 30))
    buffer = io.BytesIO()
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:], duration=[100, 200, 300], loop=2)
    after = Image.open(io.BytesIO(small_png(buffer.getvalue())))
    assert (after.n_frames, after.info["loop"], after.mode) == (3, 2, "P")
    for number, frame in enumerate(frames):
        after.seek(number)
        assert after.info["duration"] == 100 * (number + 1) and np.array_equal(after.convert("RGB"), frame)
    once = small_png(png_of(frames, [1, 2, 3]))
    assert Image.open(io.BytesIO(once)).info["loop"] == 1


PICTURES = {
    "heatmap": lambda: attention_heatmap(torch.full((5, 5), 0.2), list("abcde"), title="weights"),
    "large heatmap": lambda: attention_heatmap(torch.full((9, 9), 0.2), ["word"] * 9, vmax=0.1),
    "grid": lambda: head_grid(torch.full((2, 2, 4, 4), 0.25), title="heads"),
    "strip": lambda: token_strip(list("abc"), [1.0, -0.5, 0.0], title="strip"),
    "bars": lambda: weight_bars([0.5, 0.5], ["a", "b"], title="bars"),
    "arrows": lambda: vector_arrows([[1.0, 2.0]], ["q"], title="arrows"),
    "line": lambda: line_chart([1, 2], {"a": [1, 2]}, "x", "line", "xy"),
    "learning": lambda: learning_curve(HISTORY, 0.5),
    "pre-training": lambda: pretraining_curve(
        [{"tokens": 1e6 * step, "held_out_loss": 5.0 - step, "held_out_top1": 0.1 * step} for step in range(3)], {"c": 4.5}
    ),
    "live": lambda: live_curve().draw(),
    "side by side": lambda: side_by_side(),
}
DARK = {"none": {"figure.facecolor": "none", "axes.facecolor": "none", "text.color": "yellow", "axes.grid": True}}


def live_curve():
    curve = LiveCurve()
    curve.losses, curve.epochs = [0.7, 0.5], [(2, HISTORY[0])]
    return curve


def side_by_side():
    """Two pictures in a figure that the reader has made, on the ground of the style that is set."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    attention_heatmap(weights := torch.full((4, 4), 0.25), TOKENS, ax=left)
    weight_bars(weights[0], TOKENS, ax=right)
    return figure


def pixels(picture, **options):
    buffer = io.BytesIO()
    (picture if isinstance(picture, Figure) else picture.figure).savefig(buffer, format="png", dpi=60, **options)
    return np.asarray(Image.open(buffer).convert("RGBA"))


@pytest.mark.parametrize("style", ["dark_background", "none"])
@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_a_picture_brings_its_own_ground_and_ink(picture, style):
    """In a dark style every picture is the same to the pixel, also cropped, as a notebook shows it."""
    expected, cropped = pixels(picture()), pixels(picture(), bbox_inches="tight")
    assert (expected[0, 0] == 255).all()
    with plt.style.context(DARK.get(style, style)):
        assert np.array_equal(pixels(picture()), expected)
        assert np.array_equal(pixels(picture(), bbox_inches="tight"), cropped)


HEAVY = ("pandas", "pooch", "transformers", "sklearn", "tokenizers")


@pytest.mark.parametrize(
    "drawing",
    [
        "from bertnotes import attention_heatmap as draw; draw(np.eye(3), list('abc'))",
        "from bertnotes import attention_view as draw; draw(np.ones((1, 2, 3, 3)) / 3, list('abc')).page",
        "from bertnotes import Attention, bertviz_head_view as draw; draw(np.ones((1, 2, 3, 3)) / 3, list('abc')).page",
        "from bertnotes.pictures.charts import line_chart as draw; draw([1, 2], {'a': [1, 2]}, 'x')",
    ],
    ids=["heatmap", "view", "bertviz", "line"],
)
def test_a_picture_of_weights_loads_no_model_and_no_tables(drawing):
    """In a fresh interpreter: what a picture of numbers does not need, it does not wait for."""
    script = f"import sys, numpy as np; {drawing}; print(sorted(set({HEAVY}) & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_a_picture_is_saved_on_its_own_ground(picture):
    """Whatever the user's style says of saved figures, of letters and of lines; asked for here, it may be another one."""
    expected = pixels(picture())
    loud = {
        "savefig.facecolor": "black",
        "font.size": 20,
        "font.family": "DejaVu Serif",
        "lines.linewidth": 9,
        "hatch.color": "red",
    }
    with plt.style.context([loud, {"savefig.transparent": True, "text.parse_math": False, "axes.titlecolor": "red"}]):
        shown = picture()
        if picture is PICTURES["side by side"]:  # in a figure of the user's own, whose letters are the user's
            *_, expected = [pixels(shown) for _ in range(7)]  # matplotlib's layout settles as it draws
        assert np.array_equal(pixels(shown), expected) and (expected[0, 0] == 255).all()
        assert (pixels(shown, facecolor="red")[0, 0] == [255, 0, 0, 255]).all()
        assert pixels(shown, transparent=True)[0, 0, 3] == 0
        assert plt.rcParams["font.size"] == 20 and plt.rcParams["font.family"] == ["DejaVu Serif"]


MONEY = "$5 and $6"
NAMED = {
    "heatmap": lambda name: attention_heatmap(torch.full((2, 2), 0.5), [name, "b"], title=name),
    "grid": lambda name: head_grid(torch.full((1, 1, 4, 4), 0.25), title=name),
    "strip": lambda name: token_strip([name], [1.0], title=name),
    "bars": lambda name: weight_bars([1.0], [name], title=name),
    "arrows": lambda name: vector_arrows([[1.0, 2.0]], [name], title=name),
    "line": lambda name: line_chart([1, 2], {name: [1, 2]}, "x", name),
    "pre-training": lambda name: pretraining_curve(
        [{"tokens": 1e6 * step, "held_out_loss": 5.0 - step, "held_out_top1": 0.1 * step} for step in range(3)], {name: 4.5}
    ),
}


def drawn_texts(picture):
    """Each text of a picture, as it is drawn, and whether it is a formula."""
    figure = picture if isinstance(picture, Figure) else picture.figure
    figure.canvas.draw()
    return [text._preprocess_math(text.get_text()) for text in figure.findobj(plt.Text) if text.get_text()]


@pytest.mark.parametrize("draw_named", NAMED.values(), ids=NAMED)
def test_titles_and_names_are_no_formulas(draw_named):
    found = drawn_texts(draw_named(MONEY))
    assert (MONEY, False) in found and not any(formula for text, formula in found if text == MONEY)
    assert not any("and" in text and formula for text, formula in found)


@pytest.mark.parametrize("draw_named", NAMED.values(), ids=NAMED)
def test_a_letter_is_drawn_in_a_font_that_has_it(draw_named):
    """Here one of those that come with matplotlib; a warning, as of a letter that is missing, would end the test."""
    fonts = {font.name: font.fname for font in fontManager.ttflist}
    letter = chr(min(letters_of(fonts["STIXGeneral"]) - letters_of(fonts["DejaVu Sans"])))
    assert letter.isprintable() and font_of(letter) not in (None, "DejaVu Sans")
    assert (letter, False) in drawn_texts(draw_named(letter))
    assert "STIXGeneral" not in plt.rcParams["font.family"]


def test_letters_that_no_font_has_are_told_once(monkeypatch):
    """One sentence for a picture, not one for each letter each time that it is drawn."""
    with pytest.warns(UserWarning, match="no font here has the letters 日本: install one") as told:
        assert ("a\ufffd\ufffd\ufffd", False) in drawn_texts(weight_bars([1.0], ["a日本\x07"]))
    assert len(told) == 1


def test_one_text_is_no_list_of_tokens():
    with pytest.raises(ValueError, match="names its tokens one by one; got one text, 'abcd'"):
        attention_heatmap(torch.full((4, 4), 0.25), "abcd")
