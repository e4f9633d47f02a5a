"""The things to drag: their numbers are torch's, a mouse and a keyboard move them, and they fit a phone and a deck."""

import json
import re

import nbformat
import numpy as np
import pytest
import slides
import torch
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from transformers import BertConfig, BertModel

from bertnotes.attention import MultiHeadAttention, causal_mask, scaled_dot_product_attention
from bertnotes.blockwise import use_blockwise_in_transformers
from bertnotes.evaluation import best_temperature, calibration_error, negative_log_likelihood, probabilities_of, wilson_interval
from bertnotes.experiments.records import read_record, unpack_flags, unpack_probabilities
from bertnotes.files import REVIEWS
from bertnotes.pictures.drawings.page01 import Chase
from bertnotes.pictures.play import MAKERS, activation_bytes, cut, play, random_dot_products
from bertnotes.pictures.style import DARK, LIGHT

RESULTS = REVIEWS.parent / "results"
NASTY = "</script><img src=x onerror=alert(1)>__DATA__"
FETCHED = re.compile(r"""<(?:script|img|iframe)[^>]*\ssrc=(?!["']?data:)|<link|@import|url\((?!["']?(?:data:|#))""")


@pytest.fixture
def opened(chromium, tmp_path):
    """A function that opens a toy in a browser; anything that it asks for or complains of fails the test."""
    context = chromium.new_context(viewport={"width": 1000, "height": 700}, has_touch=True)
    complaints = []

    def open_toy(name, width=1000, **given):
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith("file:") else complaints.append(request.url))
        page.set_viewport_size({"width": width, "height": 700})
        page.goto(play(name, **given).save(tmp_path / f"{name}.html").as_uri())
        return page

    yield open_toy
    context.close()
    assert complaints == []


def near(found, expected):
    assert torch.allclose(torch.tensor(found, dtype=torch.float), torch.as_tensor(expected, dtype=torch.float), atol=1e-6)


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])


@pytest.mark.parametrize("name", MAKERS)
def test_a_toy_is_a_sandboxed_page_over_a_picture_the_same_every_time(name):
    toy = play(name)
    bundle = toy._repr_mimebundle_()
    assert bundle == play(name)._repr_mimebundle_()
    assert re.search(r'<img alt="[^"]{40,}" src="data:image/png;base64,iVBOR', bundle["text/html"])
    assert 'sandbox="allow-scripts" srcdoc="' in bundle["text/html"] and "allow-same-origin" not in bundle["text/html"]
    assert not FETCHED.search(toy.page) and "default-src 'none'" in toy.page and len(toy.page) < 20_000
    for palette in (LIGHT, DARK):
        assert f"--query: {palette['query']}; --key: {palette['key']}; --value: {palette['value']};" in toy.page


def test_a_word_stays_text(opened):
    toy = play("temperature", words=[NASTY, "b"], scores=[1.0, 2.0])
    assert "<img src=x" not in toy.page and data_of(toy.page)["words"] == [NASTY, "b"]
    page = opened("temperature", words=[NASTY, "b"], scores=[1.0, 2.0])
    assert page.locator("td").first.inner_text() == NASTY and page.locator("img").count() == 0


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        (
            "dice",
            {},
            "there are query_and_keys, temperature, scaling, heads, mask, learning_rate, leak, "
            "pieces, masking, sight, sink, apart, calibration, luck, padding, budget, cover, threshold",
        ),
        ("temperature", {"words": [], "scores": []}, "room for 1 to 6 words; got 0"),
        ("temperature", {"words": ["a"] * 7, "scores": [0.0] * 7}, "room for 1 to 6 words; got 7"),
        ("temperature", {"words": ["a", "b"], "scores": [1.0]}, "2 tokens and values"),
        ("temperature", {"temperature": 0}, "0.05 to 50; got 0"),
        ("query_and_keys", {"query": [1.0, 2.0, 3.0]}, r"values \(3,\)"),
        ("query_and_keys", {"keys": [[1.0, 2.0]]}, r"keys must be finite numbers \(3, 2\); got shape \(1, 2\)"),
        ("query_and_keys", {"values": [[1.0, float("nan")]] * 3}, "values must be finite"),
        ("heads", {"size": 65}, "1 to 64 numbers and 1 to 512 words; got 65 and 5"),
        ("mask", {"mask": [[1, 0, 1]] * 3}, r"True and False \(3, 3\), True = may look; got int64"),
        ("learning_rate", {"rate": 2}, "0.01 to 1.2; got 2"),
        ("pieces", {"pieces": ["a"]}, "more than the letters; got 1 and 22 letters"),
        ("leak", {"target": 0}, "the target 1 to 4; got 'all but the next', 0"),
        ("leak", {"rule": "forwards"}, "only back, hidden in the text, the target 1 to 4; got 'forwards', 2"),
        ("masking", {"rate": 15}, "from 0 to 1, such as 0.15; got 15"),
        ("sight", {"before": 4}, "0 to 3 words before and 0 to 5 after may be seen; got 4, 0"),
        ("sink", {"factor": 3}, "factors 0, 0.25, .* 2; got 3"),
        ("apart", {"count": 7}, "count one of .* and 7"),
        ("apart", {"shares": (0.9, 1.0)}, r"from 0.5 to 0.99.*got \(0.9, 1.0\)"),
        ("calibration", {"temperature": 4}, "0.5 to 3; got 4"),
        ("luck", {"heads": 7}, "cases one of .*; got 7 and 16"),
        ("threshold", {"confidence": [1.2], "right": [True]}, r"from 0 to 1; got \[1.2\] and 0.5"),
        ("padding", {"size": 3}, "got 64, 3 and 384"),
        ("budget", {"model": "GPT"}, "got 'GPT', 16 and 256"),
        ("mask", {"scores": [[1.0]]}, r"scores must be finite numbers \(3, 3\); got shape \(1, 1\)"),
    ],
)
def test_what_does_not_fit_is_named(name, given, message):
    with pytest.raises(ValueError, match=message):
        play(name, **given)


def test_query_and_keys_count_as_torch_does_by_mouse_and_by_keyboard(opened):
    page = opened("query_and_keys")
    first = page.evaluate("attend()")
    near(first["weights"], Chase.weights[1])
    near(first["output"], Chase.output[1])
    assert "output (1.53, 3.45)" in page.inner_text("#toy") and "0.768" in page.inner_text("#toy")
    page.keyboard.press("Tab")
    assert "query (2.0, 0.0)" in page.evaluate("document.activeElement.getAttribute('aria-label')")
    for key in ("ArrowUp", "ArrowUp", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    near(page.evaluate("data.query"), [1.5, 0.2])
    ring = page.locator("circle.handle").nth(2).bounding_box()  # the key of chase
    x, y = ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40)
    page.mouse.up()
    query, keys = page.evaluate("[data.query, data.keys]")
    assert keys[1][0] > 0.3 and keys[1][1] < 1.8, "the key was dragged"
    output, weights = scaled_dot_product_attention(torch.tensor([query]), torch.tensor(keys), Chase.V)
    moved = page.evaluate("attend()")
    near(moved["weights"], weights[0])
    near(moved["output"], output[0])
    assert all(f"{weight:.3f}" in page.inner_text("table") for weight in moved["weights"])
    page.get_by_text("back to the start").click()
    near(page.evaluate("attend()")["weights"], Chase.weights[1])


def test_where_a_key_lies_on_the_query_the_query_is_dragged(opened):
    page = opened("query_and_keys")
    ring = page.locator("circle.handle").nth(1).bounding_box()  # the key of cats, which is where the query is
    x, y = ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 90, y + 60)
    page.mouse.up()
    assert page.evaluate("data.keys[0]") == [2, 0] and page.evaluate("data.query[0]") < 1.8
    page.get_by_text("back to the start").click()
    page.evaluate("data.query.splice(0, 2, 0, 0); show()")
    assert page.inner_text("#words") == "All words get the same: 0.333."


def test_temperature_counts_as_torch_does(opened):
    page = opened("temperature")
    near(page.evaluate("attend()")["weights"], Chase.weights[1])
    for text in ("cold: 0.05", "hot: 50"):
        page.get_by_text(text).click()
        weights = (Chase.scores[1] / page.evaluate("temperature")).softmax(dim=0)
        near(page.evaluate("attend()")["weights"], weights)
    page.focus("#temperature")
    page.keyboard.press("ArrowLeft")
    moved = page.evaluate("temperature")
    assert 45 < moved < 50 and page.get_attribute("#temperature", "aria-valuetext") == f"temperature {moved:.2f}"


def test_scaling_counts_as_torch_does(opened):
    page = opened("scaling")
    page.focus("#size")
    page.keyboard.press("End")
    assert "d = 1,024" in page.inner_text("#toy")
    sample = random_dot_products()[-1]
    scores, found = torch.tensor(sample["example"]), page.evaluate("attend()")
    near(found["plain"], scores.softmax(dim=0))
    near(found["scaled"], (scores / 32).softmax(dim=0))
    assert "one word takes nearly all" in page.inner_text("#words")
    page.keyboard.press("Home")
    assert "d = 2" in page.inner_text("#toy") and "still shared out" in page.inner_text("#words")


def test_heads_share_out_the_numbers_and_cost_no_parameters(opened):
    page = opened("heads")
    assert data_of(play("heads").page)["counts"] == [1, 2, 3, 4, 6, 8, 12, 24]
    page.focus("#heads")
    for key, heads in (("Home", 1), ("End", 24)):
        page.keyboard.press(key)
        found, attention = page.evaluate("count()"), MultiHeadAttention(24, heads)
        _, weights = attention(torch.randn(1, 5, 24))
        parameters = sum(one.numel() for one in attention.parameters())
        assert found == {"heads": heads, "size": 24 // heads, "parameters": parameters, "weights": weights.numel()}
        assert page.locator(".strip.query i.cut").count() == heads - 1 and "2,400" in page.inner_text("table")
    assert "by a single number" in page.inner_text("#words")


def test_dot_products_have_the_size_that_theory_says():
    """Variance d; divided, 1. Every product is counted."""
    for power, sample in enumerate(random_dot_products(), start=1):
        assert sample["typical"][0] == pytest.approx(2 ** (power / 2), rel=0.05)
        assert sample["typical"][1] == pytest.approx(1, abs=0.05)
        assert sum(sample["divided"]) == 16_000 and 0.997 * 16_000 < sum(sample["counts"]) <= 16_000
        shown = torch.tensor(sample["example"]).softmax(dim=0).max()
        assert shown == pytest.approx(sample["largest"][0], abs=0.12), "the query that is shown is a typical one"
    assert sample["largest"][0] > 0.9 and sample["largest"][1] < 0.5


def test_a_mask_counts_as_the_library_does_and_walks_by_keyboard(opened):
    page = opened("mask")
    page.get_by_text("causal").click()
    output, weights = scaled_dot_product_attention(Chase.Q, Chase.K, Chase.V, causal_mask(3))
    near(page.evaluate("attend()")["weights"], weights)
    near(page.evaluate("attend()")["outputs"], output)
    page.locator(".grid button").first.focus()
    page.keyboard.press("Space")  # cats may look at nothing now
    assert page.locator(".grid button").first.get_attribute("aria-pressed") == "false"
    assert "cats may look at nothing" in page.inner_text("#words") and "NaN" in page.inner_text("#words")
    output, weights = scaled_dot_product_attention(Chase.Q, Chase.K, Chase.V, torch.tensor(page.evaluate("mask")))
    near(page.evaluate("attend()")["weights"], weights)
    near(page.evaluate("attend()")["outputs"], output)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.evaluate("mask")[0] == [False, True, False]
    assert page.evaluate("cells.flat().filter((cell) => cell.tabIndex === 0).length") == 1


def test_a_learning_rate_steps_as_torch_does(opened):
    page = opened("learning_rate")
    page.get_by_role("button", name="5 steps").click()
    w = torch.zeros((), dtype=torch.double, requires_grad=True)
    path = page.evaluate("path")
    for met in path:
        near(met, w.detach())
        ((w - 3) ** 2).backward()
        with torch.no_grad():
            w -= 0.1 * w.grad
        w.grad = None
    assert len(path) == 6 and "After 5 steps: w = 2.02, loss 0.97." in page.inner_text("#words")
    for rate, steps, said in (("0.5", "1 step", "There."), ("1", "5 steps", "side to side"), ("1.1", "5 steps", "it diverges")):
        page.locator("#rate").fill(rate)
        assert page.evaluate("path") == [0] and page.inner_text("#words") == "Press a button to take steps."
        page.get_by_role("button", name=steps).click()
        assert said in page.inner_text("#words"), rate
    for _ in range(5):
        page.get_by_role("button", name="5 steps").click()
    assert page.evaluate("path.length") == 21 and "No more steps" in page.inner_text("#words")
    page.get_by_text("back to the start").click()
    page.focus("#rate")
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute("#rate", "aria-valuetext") == "learning rate 1.09" and page.evaluate("path.length") == 1


@pytest.mark.parametrize("target", [1, 2, 4])
def test_a_word_sees_itself_in_two_hops_or_never(opened, target):
    """What the page fills is what the mask, once and times itself, says; by mouse and by keyboard."""
    page = opened("leak")
    if target == 4:
        page.locator(".choose").nth(3).focus()
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    else:
        page.locator(".choose").nth(target - 1).click()
    rows, columns = torch.arange(5)[:, None], torch.arange(5)
    for rule, mask, leaks in (("all but the next", columns != rows + 1, True), ("only back", columns <= rows, False)):
        page.get_by_text(rule, exact=True).click()
        reached = torch.eye(5)
        for layer in (1, 2):
            page.get_by_text("next layer").click()
            reached = (mask.float() @ reached > 0).float()
            assert page.evaluate(f"carriers()[{layer}]") == reached[:, target].bool().tolist()
            assert page.locator(".holds").count() == page.evaluate(
                f"carriers().slice(0, {layer + 1}).flat().filter(Boolean).length"
            )
        assert ("sees itself" in page.inner_text("#words")) == leaks
        assert page.get_attribute(".names", "cx") == str(70 + 110 * (target - 1)), "the position before has to name it"
    page.get_by_text("hidden in the text").click()
    page.get_by_text("next layer").click()
    assert page.locator(".holds").count() == 0 and "[MASK]" in page.text_content("svg")
    assert page.get_attribute(".names", "cx") == str(70 + 110 * target), "its own position has to name it"


def test_masking_chooses_more_tokens_at_a_higher_rate(opened):
    page = opened("masking")
    chance = page.evaluate("data.chance")
    for rate in (15, 0, 40):
        page.evaluate(f"slider.value = {rate}; slider.oninput()")
        assert page.locator(".chosen").count() == sum(number < rate / 100 for number in chance)
    page.evaluate("data.fate = data.fate.map((_, at) => [0.79, 0.8, 0.9][at % 3]); data.rate = 1; show()")
    done = [chip.split("\n")[-1] for chip in page.locator(".chip").all_inner_texts()]
    assert done[:3] == ["hidden", "stays", "random"]
    page.get_by_text("new random numbers").click()
    assert page.evaluate("data.chance") != chance


def test_luck_throws_every_coin_and_marks_the_best(opened):
    page = opened("luck")
    for heads, cases in ((72, 16), (360, 64), (1, 2)):
        page.evaluate(
            f"coins.value = data.limits.heads.indexOf({heads}); throws.value = data.limits.cases.indexOf({cases}); change()"
        )
        hits = page.evaluate("data.hits")
        assert len(hits) == heads and 0 <= min(hits) <= max(hits) <= cases
        assert f"The best of {heads} is right in {max(hits)} of {cases} " in page.inner_text("#words")
    page.evaluate("data.heads = 3; data.cases = 4; data.hits = [1, 4, 2]; show()")
    assert "right in 2.3." in page.inner_text("#words")
    bars = page.locator(".bar-of")
    assert [bars.nth(at).get_attribute("fill") == "var(--key)" for at in range(5)] == [False] * 4 + [True]
    before = page.evaluate("data.hits.length")
    page.get_by_text("throw again").click()
    assert page.evaluate("data.hits.length") == 1 != before  # as the sliders say


def kept_by(layers, hidden, heads, length, attention):
    """Bytes that the forward pass of a BERT keeps for the backward pass, as PyTorch tells, for one text."""
    config = BertConfig(hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=4 * hidden)
    config._attn_implementation = attention
    model, kept = BertModel(config).train(), {}

    def note(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor.detach()

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        _output = model(torch.ones(1, length, dtype=torch.long))
    own = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    return sum(size for place, size in kept.items() if place not in own)


def test_the_budget_is_what_pytorch_keeps(opened):
    """Parameters of mini, of its LoRA change, and activations of another size of BERT than page 13 measures."""
    page = opened("budget", model="mini", size=1, length=128)
    assert page.evaluate("bytes().slice(0, 3)") == [4 * 14_833_538, 4 * 14_833_538, 8 * 14_833_538]
    page.locator("#lora").click()
    assert page.evaluate("bytes().slice(1, 3)") == [4 * 480_386, 8 * 480_386]
    for way, kept in enumerate(activation_bytes("mini", 1, 128)):  # the picture under the toy
        assert page.evaluate(f"data.way = {way}, bytes()[3]") == kept
    use_blockwise_in_transformers()
    page.evaluate("data.models.small = [1, 2, 96, 4]; data.model = 'small'")
    for way, attention in enumerate(("eager", "blockwise")):
        page.evaluate(f"data.way = {way}; show()")
        assert page.evaluate("bytes()[3]") == pytest.approx(kept_by(2, 96, 4, 128, attention), rel=0.03)
    page.get_by_text("BERT-large").click()
    page.evaluate("size.value = 6; size.oninput(); length.value = 3; length.oninput()")
    assert "It does not fit a T4" in page.inner_text("#words") and page.locator(".part").count() == 4
    assert page.evaluate("[1e9, 6e9, 17e9].map(fits).map((said) => said.slice(0, 12))") == [
        "It should fi",
        "It may not f",
        "It does not ",
    ]


def test_padding_counts_what_a_batch_holds(opened):
    """As many positions as a batch has reviews, times its longest; sorted, fewer."""
    page = opened("padding", lengths=[10, 40, 20, 90], size=2, most=64)
    assert page.evaluate("counted()") == [134, 2 * 40 + 2 * 64]
    page.locator("#sort").click()
    assert page.evaluate("counted()") == [134, 2 * 20 + 2 * 64] and "20 % is padding" in page.inner_text("#words")
    page.evaluate("size.value = 0; size.oninput(); most.value = 3; most.oninput()")
    assert page.evaluate("counted()") == [160, 160] and page.locator(".row").count() == 4
    assert page.get_attribute("#sort", "aria-pressed") == "true" and page.locator(".padded").count() == 4


def test_apart_counts_as_the_library_and_by_hand(opened):
    page = opened("apart")
    for count, shares, overlap, beyond in (
        (4_000, (0.92, 0.91), True, False),
        (8_000, (0.92, 0.91), True, True),
        (15_000, (0.92, 0.91), False, True),
        (100, (0.6, 0.9), False, True),
    ):
        page.evaluate(f"data.count = {count}; data.shares = {list(shares)}; show()")
        for share in shares:
            low, high = page.evaluate(f"wilson({share})")
            found = wilson_interval(round(share * count), count)
            assert abs(low - found.low) < 1e-5 and abs(high - found.high) < 1e-5
        z = (shares[0] - shares[1]) / (sum(share * (1 - share) for share in shares) / count) ** 0.5
        near([page.evaluate("compared().z")], [z])
        said = page.inner_text("#words")
        assert ("overlap" in said, "beyond 1.96" in said) == (overlap, beyond)
    page.get_by_label("reviews each").fill("0")
    assert page.evaluate("data.count") == 100


def test_calibration_counts_as_the_library_does(opened):
    """The verdicts are gathered by how sure they are, so error and loss differ in the third digit."""
    record = read_record(RESULTS / "imdb-mini-256-head+tail-seed0.json")
    positive = unpack_probabilities(record["validation_positive"])
    labels = unpack_flags(record["validation_labels"], len(positive)).astype(int)
    logits = np.log(np.stack([1 - positive, positive], axis=1))
    page = opened("calibration")
    for temperature in (1, 1.5, 3):
        page.evaluate(f"slider.value = {100 * temperature}; slider.oninput()")
        found = page.evaluate("scaled(data.temperature)")
        assert found["error"] == pytest.approx(calibration_error(labels, probabilities_of(logits, temperature)), abs=0.003)
        assert found["loss"] == pytest.approx(negative_log_likelihood(labels, logits, temperature), abs=0.001)
        assert sum(one["count"] for one in found["bins"]) == len(labels) == 2008
    assert "less sure" in page.inner_text("#words") and page.locator(".dot").count() == 4, "at 3 none is above 0.9"
    page.get_by_text("least loss").click()
    assert page.evaluate("data.temperature") == pytest.approx(best_temperature(labels, logits), abs=0.02)
    page.get_by_text("as it is").click()
    assert page.get_attribute("#temperature", "aria-valuetext") == "temperature 1.00" and "0.043" in page.inner_text("#words")


def test_the_threshold_counts_who_is_answered_and_who_is_right(opened):
    page = opened("threshold", confidence=[0.95, 0.8, 0.8, 0.3, 0.99], right=[True, True, False, False, True], at=0.8)
    assert "From 0.80 on: 4 of 5 are answered, 3 of them right (75 %). 1 go to a person." in page.inner_text("#words")
    page.evaluate("slider.value = 81; slider.oninput()")
    assert page.evaluate("counted(81)") == [2, 2] and page.evaluate("counted(0)") == [5, 3]
    assert "2 of 5 are answered, 2 of them right (100 %). 3 go to a person." in page.inner_text("#words")
    highs = [page.locator(f".{kind}").nth(16).get_attribute("height") for kind in ("right", "wrong")]
    assert highs == ["22", "22"] and page.evaluate("counted(100)") == [0, 0]


def test_sight_shows_the_stored_guesses(opened):
    page = opened("sight")
    first = page.evaluate("data.sentences[0]")
    page.evaluate("sliders[0].value = 3; sliders[0].oninput(); sliders[1].value = 5; sliders[1].oninput()")
    assert page.evaluate("guesses()")[0][0] == "based" and page.locator(".hidden").count() == 0
    assert page.evaluate("guesses().map((one) => one.join(' '))") == first["guesses"][-1]
    page.locator("button").nth(2).click()
    assert page.locator(".gap").count() == 1 and "edge" in page.inner_text("#words")


def test_sink_shows_the_stored_guesses_and_losses(opened):
    page = opened("sink")
    assert page.get_attribute("#factor", "aria-valuetext") == "times 1" and "as it is" in page.inner_text("#words")
    page.evaluate("slider.value = 0; slider.oninput()")
    assert page.evaluate("guesses().map((one) => one.join(' '))") == page.evaluate("data.sentences[0].guesses[0]")
    assert f"{page.evaluate('data.losses[0]'):.2f}" in page.inner_text("#words")
    page.locator("button").nth(2).click()
    assert page.locator(".gap").count() == 1 and page.evaluate("chosen") == 2
    page.locator("#forbid").click()
    assert page.evaluate("guesses().map((one) => one.join(' '))") == page.evaluate("data.sentences[2].guesses.at(-1)")
    assert page.locator("#factor").is_disabled() and "more than as it is" in page.inner_text("#words")


def test_cover_shows_the_stored_verdict_of_the_words_that_are_left(opened):
    page = opened("cover")
    sentences = page.evaluate("data.sentences")
    assert [len(one["percents"]) for one in sentences] == [2 * 2 ** len(one["words"]) for one in sentences]
    for chosen, covered in ((0, [5]), (0, [5, 9]), (1, [0, 3, 10])):
        page.locator(".buttons button").nth(chosen).click()
        for at in covered:
            page.locator(".line button").nth(at).click()
        place = 2 * sum(1 << at for at in covered)
        percent = int(sentences[chosen]["percents"][place : place + 2])
        assert page.locator(".line button").all_inner_texts().count("[MASK]") == len(covered)
        assert page.inner_text(".result b") == f"{percent} %" and f"{percent} % instead of" in page.inner_text("#words")
        whole = int(sentences[chosen]["percents"][:2])
        assert ("turned round" in page.inner_text("#words")) == ((percent < 50) != (whole < 50))
    page.locator("#uncover").click()
    assert "Nothing is covered" in page.inner_text("#words")
    assert play("cover", covered=[5]).page != play("cover").page
    with pytest.raises(ValueError, match="0 to 10"):
        play("cover", covered=[11])


@pytest.mark.parametrize("name", MAKERS)
def test_a_toy_fits_a_phone_and_its_height_in_a_page(opened, name):
    page = opened(name, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1180, "height": play(name).height})
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), "a slide shows it whole"
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 18
    lowest = "Math.max(...[...toy.querySelectorAll('*')].map((one) => one.getBoundingClientRect().bottom))"
    assert page.evaluate(f"document.getElementById('words').getBoundingClientRect().top >= {lowest} - 1"), (
        "nothing lies on the text"
    )


@pytest.fixture
def notebook(tmp_path):
    """A page that embeds a drawing, an animation and a toy."""
    (tmp_path / "figures").mkdir()
    for name in ("01_cost.svg", "01_attention.png"):
        (tmp_path / "figures" / name).write_bytes((slides.NOTEBOOKS / "figures" / name).read_bytes())
    text = "# 99 · Page\n\n![A drawing of what it costs](figures/01_cost.svg)\n\n![It moves](figures/01_attention.png)"
    output = new_output("display_data", play("mask")._repr_mimebundle_())
    cells = [new_markdown_cell(text), new_code_cell("play('mask')", outputs=[output])]
    for cell in cells:
        cell.metadata["slideshow"] = {"slide_type": "slide"}
    nbformat.write(new_notebook(cells=cells), tmp_path / "99_page.ipynb")
    return tmp_path / "99_page.ipynb"


def deck_of(notebook):
    """The deck of a stored notebook."""
    return slides.as_html(nbformat.read(notebook, as_version=4), notebook.parent)


@pytest.mark.parametrize("kind", ["deck", "html"])
def test_a_deck_and_an_export_carry_drawings_and_toys(chromium, notebook, tmp_path, kind):
    text = deck_of(notebook) if kind == "deck" else HTMLExporter(embed_images=True).from_filename(str(notebook))[0]
    body = text.partition("<body")[2].partition("Reveal")[0]  # without the script that shows slides
    sources = re.findall(r"""<img[^>]*\ssrc=["']([^"']*)""", body)
    assert len(sources) == 3 and all(source.startswith("data:image/") for source in sources)
    assert [source[11:14] for source in sources[:2]] == ["svg", "png"]
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "page.html").write_text(text, encoding="utf-8")
    page = chromium.new_page()
    page.goto((folder / "page.html").as_uri())
    assert page.evaluate("[...document.images].slice(0, 2).map((one) => one.naturalWidth)") == [1280, 1280]
    frame = next(frame for frame in page.frames if frame != page.main_frame)
    frame.wait_for_selector(".grid button", state="attached")
    assert frame.locator(".grid button").count() == 9
    page.close()


def test_slides_turn_while_a_toy_has_the_keyboard(chromium, notebook, tmp_path):
    """As a presenter's clicker does it, which sends Page Up and Page Down."""
    (tmp_path / "deck.html").write_text(deck_of(notebook), encoding="utf-8")
    page = chromium.new_page()
    page.goto((tmp_path / "deck.html").as_uri() + "#/1")
    frame = next(frame for frame in page.frames if frame != page.main_frame)
    frame.locator(".grid button").first.click()
    page.wait_for_function("document.hasFocus() && document.activeElement.tagName !== 'IFRAME'")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("deck.getIndices().h === 0")
    page.evaluate("deck.slide(1)")
    frame.locator(".grid button").first.focus()
    page.keyboard.press("PageUp")
    page.wait_for_function("deck.getIndices().h === 0")
    page.close()


def test_a_word_is_typed_on_a_slide(chromium, notebook, tmp_path):
    """Who has clicked into the field keeps the keyboard, and the deck stays where it is."""
    stored = nbformat.read(notebook, as_version=4)
    stored.cells[1].outputs = [new_output("display_data", play("pieces")._repr_mimebundle_())]
    nbformat.write(stored, notebook)
    (tmp_path / "deck.html").write_text(deck_of(notebook), encoding="utf-8")
    page = chromium.new_page()
    page.goto((tmp_path / "deck.html").as_uri() + "#/1")
    frame = next(frame for frame in page.frames if frame != page.main_frame)
    frame.locator("#word").click(click_count=3)
    page.wait_for_timeout(200)
    page.keyboard.type("open")  # O alone would show all slides, N turn to the next
    assert frame.locator("#word").input_value() == "open" and page.evaluate("deck.getIndices().h === 1 && !deck.isOverview()")
    page.close()


def test_a_deck_without_its_picture_is_an_error(notebook):
    (notebook.parent / "figures" / "01_cost.svg").unlink()
    with pytest.raises(FileNotFoundError, match=r"no picture figures/01_cost.svg.*tools/figures.py"):
        deck_of(notebook)


def test_jupyter_is_told_to_embed_pictures():
    """For Lab's own export and for `jupyter nbconvert`, where JUPYTER_CONFIG_PATH names the folder."""
    folder = slides.ROOT / ".jupyter"
    assert json.loads((folder / "jupyter_nbconvert_config.json").read_text())["HTMLExporter"]["embed_images"] is True
    assert "c.HTMLExporter.embed_images = True" in (folder / "jupyter_lab_config.py").read_text(encoding="utf-8")


def test_a_word_is_read_with_a_growing_list(opened):
    page, pieces = opened("pieces"), data_of(play("pieces").page)["pieces"]
    page.focus("#size")
    for key in ("Home", "End"):
        page.keyboard.press(key)
        size = page.evaluate("data.sizes[slider.value]")
        for word in ("unforgettable", "playe", "x", "or"):
            page.fill("#word", word)
            expected = cut(word, set(pieces[:size]))
            assert (
                page.locator(".pieces span").all_inner_texts()
                == expected
                == page.evaluate("([w, n]) => cut(w, n)", [word, size])
            )
        page.focus("#size")
    page.fill("#word", "un")
    assert page.inner_text("#words").startswith("1 piece; with the shortest list 2")
    page.fill("#word", "x!")
    assert "unknown" in page.inner_text("#words")
    page.fill("#word", "Ünforgettáble")
    plain = page.locator(".pieces span").all_inner_texts()
    assert plain == cut("unforgettable", set(pieces[:size])) != ["[UNK]"]
    page.fill("#word", "")
    assert page.inner_text("#words") == "Type a word." and page.locator(".pieces span").count() == 0
