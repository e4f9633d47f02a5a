"""The drawings: readable, named, in the colours that stand for query, key and value everywhere, and with the right numbers."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
import torch
from figures import ANIMATIONS, DRAWINGS

from bertnotes.pictures import style
from bertnotes.pictures.drawings import TINTS, Drawing, number, tuple_of
from bertnotes.pictures.drawings.page01 import Chase, Films
from bertnotes.pictures.style import DARK, INK, KEY, LIGHT, QUERY, VALUE
from bertnotes.pictures.view import PAGE

SVG = "{http://www.w3.org/2000/svg}"
PROTAN = [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]  # Machado et al. 2009, no red cones
DEUTAN = [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]  # no green cones
TRITAN = [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]  # no blue cones


def linear(color):
    """Red, green and blue of a colour such as #0b5394, as amounts of light."""
    parts = torch.tensor([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return torch.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """The contrast of two colours, 1 to 21 (WCAG 2)."""
    light = sorted(float(linear(color) @ torch.tensor([0.2126, 0.7152, 0.0722])) + 0.05 for color in (one, other))
    return light[1] / light[0]


def lab(light):
    """Amounts of light as a point of CIELAB, in which distances are about what one sees."""
    matrix = torch.tensor([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = (matrix @ light.clamp(0, 1) / torch.tensor([0.9505, 1, 1.089])).clamp(min=1e-4) ** (1 / 3)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def parsed(name):
    return ElementTree.fromstring(DRAWINGS[name]())


def test_contrast_and_distance_by_known_values():
    assert contrast("#000000", "#ffffff") == pytest.approx(21) and contrast("#777777", "#ffffff") == pytest.approx(
        4.48, abs=0.01
    )
    assert lab(linear("#ffffff")).tolist() == pytest.approx([100, 0, 0], abs=0.1)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_three_colours_are_told_apart_and_legible(palette):
    """Also by who lacks the cones for red or green; who lacks those for blue has the letters Q, K and V beside the colours."""
    colors = [palette[name] for name in ("query", "key", "value")]
    assert (
        min(contrast(color, palette["ground"]) for color in colors) > 4.3 and contrast(palette["ink"], palette["ground"]) > 12
    )
    for seen, least in ((torch.eye(3), 50), (torch.tensor(PROTAN), 25), (torch.tensor(DEUTAN), 40), (torch.tensor(TRITAN), 12)):
        points = [lab(seen @ linear(color)) for color in colors]
        pairs = [(points[a] - points[b]).norm() for a, b in ((0, 1), (0, 2), (1, 2))]
        assert min(pairs) > least


def test_the_views_use_the_same_colours():
    """The token that looks is the query, the one looked at the key; the first palette of the page is the light one."""
    page = PAGE.read_text(encoding="utf-8")
    for name, part in (("--from", "query"), ("--to", "key"), ("--ground", "ground"), ("--ink", "ink")):
        assert re.findall(rf"{name}: (#\w+);", page)[:2] == [LIGHT[part], DARK[part]]


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_named_described_and_large_enough(name):
    root = parsed(name)
    assert root.find(f"{SVG}title").text and len(root.find(f"{SVG}desc").text) > 80 and root.get("role") == "img"
    assert root.get("viewBox") == f"0 0 1280 {root.get('height')}" and 400 <= int(root.get("height")) <= 720
    ground = root.find(f"{SVG}rect")
    assert ground.get("fill") == LIGHT["ground"] and ground.get("width") == "1278"
    for text in root.iter(f"{SVG}text"):
        size = float(text.get("font-size")) * (0.85 if text.find(f"{SVG}tspan") is not None else 1)
        assert size >= 18, text.text
        large = size >= 24 or text.get("font-weight") == "600"
        assert contrast(text.get("fill"), LIGHT["ground"]) > (3 if large else 4.5), text.text


def test_what_stands_in_a_box_is_legible():
    assert min(contrast(INK, tint) for tint in TINTS.values()) > 12


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_the_same_every_time_and_rounded(name):
    text = DRAWINGS[name]()
    assert text == DRAWINGS[name]() and text.endswith("</svg>\n") and len(text) < 40_000
    assert not re.search(r"=\"[^\"]*\d\.\d\d+", re.sub(r"<(title|desc)>.*?</\1>", "", text)), "one digit behind the point"


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_fetches_and_runs_nothing(name):
    assert not re.search(r"<script|<foreignObject|<image|<style|href=|url\(|@import", DRAWINGS[name]())


def test_the_numbers_of_chase_by_hand():
    e = torch.tensor([4.0, 0.0, 2.0]).div(2**0.5).exp()
    assert (
        Chase.Q[1].tolist() == [2, 0] and Chase.K.tolist() == Chase.X.tolist() and Chase.V.tolist() == [[2, 4], [4, 0], [-1, 2]]
    )
    assert torch.allclose(Chase.weights[1], e / e.sum()) and torch.allclose(Chase.output, Chase.weights @ Chase.V)
    assert float(Films.answer) == pytest.approx((90 * 54.598 + 120 + 105 * 7.389) / (54.598 + 1 + 7.389), abs=1e-3)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("01_flow.svg", "(2, 0) 4 0 2 2.83 1.41 0.768 0.045 0.187 (−0.19, 0.37) (1.53, 3.45)"),
        ("01_values_triangle.svg", "cats (2, 4)|output of chase (1.53, 3.45)"),
        ("01_matrices.svg", "0.768 0.734 0.093 0.5 3 × 2 2 × 3 3 × 3 1.53 3.45"),
        ("01_cost.svg", "10% 18% 31% 47% 512 4,096 16 weights 64 weights"),
        ("01_soft_lookup.svg", "0.867 0.016 0.117 92.2 minutes"),
    ],
)
def test_the_numbers_that_a_drawing_shows(name, shown):
    """The cost by hand: the square's share is n / (n + 6 d), a tenth at 512 tokens of 768 numbers."""
    texts = ["".join(text.itertext()).replace("\u200b", "") for text in parsed(name).iter(f"{SVG}text")]
    joined = " ".join(texts)
    for one in shown.split("|") if "|" in shown else re.findall(r"\([^)]*\)|\d+ × \d+|\d+ weights|[\d.]+ minutes|\S+", shown):
        assert one in joined, (one, texts)


def test_numbers_as_drawings_show_them():
    assert [number(-0.001, 2), number(-1.5, 1), number(2)] == ["0.00", "−1.5", "2"] and tuple_of([2, -1]) == "(2, −1)"


def test_what_a_text_holds_is_escaped_and_letters_go_up_and_down():
    svg = str(Drawing(400, "a < b", "c & d").write(1, 1, "<d_k & K^T>").box(-0.04, 2.25, 4, 2, "x"))
    root = ElementTree.fromstring(svg)
    assert root.find(f"{SVG}title").text == "a < b" and root.find(f"{SVG}desc").text == "c & d"
    first = root.find(f"{SVG}text")
    assert "".join(first.itertext()).replace("\u200b", "") == "<dk & KT>"
    assert [float(part.get("dy")) for part in first] == [6, -6, -8, 8]
    assert "-0.0" not in svg and 'x="-2"' in svg


OVERLAPS = """() => {
    const boxes = [...document.querySelectorAll("text")].map((one) => [one.textContent, one.getBBox()]);
    const [, , wide, high] = document.documentElement.getAttribute("viewBox").split(" ").map(Number);
    const cut = (b) => b.x < 8 || b.y < 4 || b.x + b.width > wide - 8 || b.y + b.height > high - 4;
    const out = boxes.filter(([, b]) => cut(b)).map(([name]) => name);
    const beside = (a, b) => a.x + a.width < b.x + 2 || a.y + a.height < b.y + 6;
    const meet = (a, b) => !beside(a, b) && !beside(b, a);
    boxes.forEach(([name, a], at) => {
        for (const [other, b] of boxes.slice(at + 1)) if (meet(a, b)) out.push(`${name} on ${other}`);
    });
    for (const box of document.querySelectorAll("rect[rx='8']")) {
        const r = box.getBBox(), middle = [r.x + r.width / 2, r.y + r.height / 2];
        for (const [name, b] of boxes) {
            const inside = Math.abs(b.x + b.width / 2 - middle[0]) < 2 && Math.abs(b.y + b.height / 2 - middle[1]) < 8;
            if (inside && b.width > r.width - 4) out.push(`${name} is wider than its box`);
        }
    }
    return out;
}"""


def test_no_text_is_cut_or_lies_on_another(chromium, tmp_path):
    page = chromium.new_page()
    for name, draw in DRAWINGS.items():
        (tmp_path / name).write_text(draw(), encoding="utf-8")
        page.goto((tmp_path / name).as_uri())
        assert page.evaluate(OVERLAPS) == [], name
    broken = str(
        Drawing(400, "t", "d").write(100, 100, "one text").write(120, 104, "another").box(1270, 200, 20, 20, "wide text")
    )
    (tmp_path / "broken.svg").write_text(broken, encoding="utf-8")
    page.goto((tmp_path / "broken.svg").as_uri())
    assert len(page.evaluate(OVERLAPS)) == 3, "it would be noticed"
    page.close()


@pytest.mark.parametrize("name", ANIMATIONS)
def test_an_animation_is_short_enough_to_watch_and_long_enough_to_follow(name):
    moments = ANIMATIONS[name][0]()
    assert 8_000 <= sum(moment.milliseconds for moment in moments) <= 12_000
    still = [moment for moment in moments if moment.milliseconds >= 700]
    assert all(moment.words for moment in moments) and len(still) >= 5 and moments[-1].milliseconds >= 1000


def test_the_animation_comes_to_the_numbers_of_chase():
    """Its last moments: all scores known, all weights filled, all values added; each step follows the one before."""
    moments = ANIMATIONS["01_attention.png"][0]()
    assert (moments[-1].scores, moments[-1].filled, moments[-1].added) == (3, 1, 3)
    assert any("2 · 1 + 0 · (−1) = 2" in moment.words for moment in moments)
    for before, after in pairwise(moments):
        assert after.scores >= before.scores and after.filled >= before.filled and after.added >= before.added


def test_query_key_and_value_are_the_light_palette():
    assert (LIGHT["query"], LIGHT["key"], LIGHT["value"]) == (QUERY, KEY, VALUE) == (style.QUERY, style.KEY, style.VALUE)
