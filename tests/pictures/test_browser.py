"""What a reader's browser makes of the views and the slides: drawn, answering, silent, and with nothing fetched.

Needs a Chromium on the machine (Debian, Ubuntu: apt install chromium; elsewhere: python -m playwright install chromium).
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from xml.etree import ElementTree

import nbformat
import numpy as np
import pytest
import slides
import torch
from build_notebooks import sources
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output

from bertnotes import attend, attention_view, bertviz_head_view, bertviz_model_view, bertviz_neuron_view
from bertnotes.heads import merge_pieces
from bertnotes.pictures.view import presenter_page

NASTY = ["</script><img src=x onerror=alert(1)>", "<img src=x onerror=alert(2)>", "&lt;b&gt;", '"><svg onload=alert(3)>']
LIVE = "import numpy as np\nfrom bertnotes import attention_view\nattention_view(np.full((1, 2, 3, 3), 1 / 3), list('abc'))"


@contextmanager
def watched(browser, own=("file:", "data:", "blob:", "about:"), **options):
    """A page with no network: what it asks for elsewhere, its errors and its dialogs fail the test."""
    context = browser.new_context(viewport={"width": 1000, "height": 700}, **options)
    page, complaints = context.new_page(), []

    def answer(route):
        if route.request.url.startswith(own):
            return route.continue_()
        complaints.append(f"asked for {route.request.url}")
        return route.abort()

    context.route("**/*", answer)
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append(f"a dialog: {dialog.message}"), dialog.dismiss()))
    yield page, complaints
    context.close()


@pytest.fixture(scope="module")
def sentence():
    """A sentence pair as the shipped model reads it."""
    from bertnotes import load_encoder, load_tokenizer

    encoder, tokenizer = load_encoder(), load_tokenizer()
    return encoder, tokenizer, attend("The cat sat down.", "It was warm.", encoder, tokenizer)


def nasty(sentence):
    """The same weights under tokens that try to break out."""
    attention = sentence[2]
    return attention, [*NASTY, *attention.tokens[len(NASTY) :]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_our_view_is_drawn_and_answers(chromium, sentence, tmp_path, scheme):
    path = attention_view(*nasty(sentence), layer=2, head=3).save(tmp_path / "view.html")
    with watched(chromium, color_scheme=scheme) as (page, complaints):
        page.goto(path.as_uri())
        first = page.locator("#lines").screenshot()
        assert len(set(pixels(first))) > 20, "the lines are drawn"
        page.select_option("#layer", index=4)
        second = page.locator("#lines").screenshot()
        assert second != first, "another layer is another picture"
        page.hover("#from li:nth-child(7) button")
        assert page.locator("#lines").screenshot() != second, "pointing at a token draws its lines alone"
        assert "“cat”" not in page.inner_text("#words") and "looks at" in page.inner_text("#words")
        page.hover("#to li:nth-child(1) button")
        assert "is looked at by" in page.inner_text("#words") and NASTY[0] in page.inner_text("#words")
        page.mouse.move(5, 5)
        page.keyboard.press("ArrowRight")
        assert page.evaluate("[state.layer, state.head]") == [4, 3]
        page.keyboard.press("ArrowUp")
        assert page.locator("#layer").input_value() == "3"
        page.select_option("#part", label="A to B")
        assert page.evaluate("shown(1, 1)") is False and page.evaluate("shown(1, current().second)") is True
        page.locator("#map").click(position=page.evaluate("({ x: 1.5 * mapCell(), y: 0.5 * mapCell() })"))
        assert page.evaluate("[state.layer, state.head]") == [0, 1]
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") in ("SELECT", "BUTTON")
        assert complaints == []


PIECES = ["we", "act", "##ed", "well"]
HEADS = torch.tensor(  # two layers of two heads between those four, all of whose numbers a byte holds nearly
    [
        [[[0.4, 0.2, 0.2, 0.2], [0, 0.6, 0.4, 0], [0.2, 0, 0, 0.8], [1, 0, 0, 0]], [[0, 1, 0, 0]] * 4],
        [[[0.2, 0.4, 0.2, 0.2]] * 4, [[0, 0, 0, 1]] * 4],
    ],
    dtype=torch.float32,
)


def test_a_view_brings_the_pieces_of_words_together(chromium):
    """As `merge_pieces` does, in every head; of a sentence without pieces there is nothing to ask for."""
    merged, words = merge_pieces(HEADS, PIECES)
    with watched(chromium) as (page, complaints):
        page.set_content(presenter_page([("in pieces", HEADS, PIECES, 3), ("whole", HEADS, list("abcd"), None)]))
        page.click("#from li:nth-child(1) button")
        page.check("#whole")
        assert page.locator("#from button").all_inner_texts() == words == ["we", "acted", "well"]
        assert page.evaluate("[current().second, state.kept.length]") == [2, 0]
        seen = page.evaluate(
            "[0, 1].map((l) => [0, 1].map((h) => [0, 1, 2].map((f) => [0, 1, 2].map((t) => weight(l, h, f, t)))))"
        )
        assert np.abs(np.array(seen) - merged.numpy()).max() < 2.5 / 255
        page.keyboard.press("PageDown")
        assert page.locator("#from button").all_inner_texts() == list("abcd") and not page.is_visible("#whole")
        page.keyboard.press("PageUp")
        page.uncheck("#whole")
        assert page.locator("#from button").all_inner_texts() == PIECES and complaints == []


def test_a_view_holds_several_tokens_and_sums_what_goes_between_them(chromium):
    click = "#{} li:nth-child({}) button".format
    with watched(chromium) as (page, complaints):
        page.set_content(attention_view(HEADS, PIECES).page)
        page.click(click("from", 1))
        page.click(click("from", 4))
        assert page.inner_text("#words") == (
            "Layer 1, head 1: “we”, “well” look, on average, at we 0.70, act 0.10, ##ed 0.10, well 0.10"
        )
        whole = page.locator("#map").screenshot()
        page.click(click("to", 2))
        page.click(click("to", 3))  # from the 1st and 4th to both pieces: 0.4 and 0 in this head; 1 in the next; 0.6, 0
        assert page.inner_text("#words") == (
            "Layer 1, head 1: “we”, “well” to “act”, “##ed” 0.20; "
            "1.20 in the 2 heads of the layer together, 1.80 in all 4. "
            "The squares show each head’s: most 1.00, in layer 1, head 2."
        )
        assert page.evaluate("lines().map(([from, to]) => [from, to])") == [[0, 1], [0, 2]]
        alpha = (
            "((l, h) => $('map').plain.data[4 * ($('map').width * Math.round((l + 0.5) * k) + Math.round((h + 0.5) * k)) + 3])"
        )
        seen = page.evaluate(
            f"(() => {{ const k = mapCell(), at = {alpha}; return [at(0, 0), at(0, 1), at(1, 0), at(1, 1)]; }})()"
        )
        assert np.abs(np.array(seen) / 255 - [0.2, 1, 0.6, 0]).max() < 0.02 and page.locator("#map").screenshot() != whole
        page.click(click("from", 1))
        page.click(click("from", 4))
        assert page.inner_text("#words") == ("Layer 1, head 1: “act”, “##ed” together are looked at by act 1.00, we 0.40")
        page.hover(click("from", 3))
        assert "are looked at" in page.inner_text("#words"), "what is kept stays"
        page.keyboard.press("Escape")
        page.mouse.move(5, 5)
        assert page.inner_text("#words").startswith("Point at a token") and complaints == []


def test_a_view_saves_its_lines_as_a_drawing(chromium, tmp_path):
    """Also from within the frame of a notebook; what a token holds stays text."""
    tokens = [*NASTY[:3], "caf\u00e9"]
    (tmp_path / "page.html").write_text(attention_view(HEADS, tokens)._repr_mimebundle_()["text/html"], encoding="utf-8")
    with watched(chromium, accept_downloads=True) as (page, complaints):
        page.goto((tmp_path / "page.html").as_uri())
        frame = page.query_selector("iframe").content_frame()
        frame.wait_for_selector("#from button")
        frame.click("#from li:nth-child(3) button")
        with page.expect_download() as download:
            frame.click("#svg")
        assert download.value.suggested_filename == "layer-1-head-1.svg"
        drawing = ElementTree.parse(download.value.path()).getroot()
        named = [one.text for one in drawing.iter("{http://www.w3.org/2000/svg}text")]
        assert named == [*tokens, *tokens]
        paths = list(drawing.iter("{http://www.w3.org/2000/svg}path"))
        assert [path.get("stroke-opacity") for path in paths] == ["0.200", "0.800"], "of the third token alone"
        assert complaints == []


def test_a_view_on_a_slide_lets_a_clicker_turn_the_slides(chromium):
    """Page Up and Page Down reach the deck from a view of one sentence; the arrows stay its own."""
    with watched(chromium) as (page, complaints):
        page.set_content(attention_view(HEADS, PIECES)._repr_mimebundle_()["text/html"])
        page.evaluate("window.told = []; addEventListener('message', ({ data }) => told.push(data.toy))")
        frame = page.query_selector("iframe").content_frame()
        frame.wait_for_selector("#from button").click()
        for key in ("PageDown", "ArrowRight", "PageUp"):
            page.keyboard.press(key)
        assert frame.evaluate("state.head") == 1
        page.wait_for_timeout(100)
        assert page.evaluate("told") == ["PageDown", "PageUp"] and complaints == []


def pixels(png):
    """The pixels of a screenshot, as tuples."""
    import io

    from matplotlib.image import imread

    return [tuple(pixel) for row in (imread(io.BytesIO(png)) * 255).astype(int)[::3, ::3] for pixel in row]


@pytest.mark.parametrize("kind", ["head", "model", "neuron"])
def test_bertviz_is_drawn_and_answers(chromium, sentence, tmp_path, kind):
    encoder, tokenizer, _ = sentence
    if kind == "neuron":
        view = bertviz_neuron_view(encoder, tokenizer, "The cat <b>sat</b> down.", "It was warm.", layer=2, head=3)
    else:
        view = {"head": bertviz_head_view, "model": bertviz_model_view}[kind](*nasty(sentence))
    with watched(chromium) as (page, complaints):
        page.goto(view.save(tmp_path / "view.html").as_uri())
        page.wait_for_selector("html[data-ready]")
        assert page.locator("#vis svg line").count() > 50
        before = page.screenshot()
        if kind == "head":
            page.select_option("#layer", index=3)
        elif kind == "model":
            page.mouse.click(300, 120)
            assert page.get_by_text("Layer 1, Head").count() > 0
        else:
            page.select_option("#layer", index=0)
            assert page.locator("#layer option").all_inner_texts() == ["1", "2", "3", "4", "5", "6"]
        page.select_option("#filter", index=2)
        assert page.screenshot() != before
        for other in page.locator("#kind option").all_inner_texts():
            page.select_option("#kind", other)
            assert page.locator("#vis svg line").count() > 50, other
        page.select_option("#kind", kind)
        if kind == "head":
            page.mouse.move(50, 90)
            page.wait_for_timeout(100)
            assert page.locator("#vis .background").evaluate_all("all => all.some(one => one.style.opacity > 0)")
        assert complaints == []


def resize(page, width, holds):
    """Give the page another width and wait until what must hold does: it draws itself anew only with its next frame."""
    page.set_viewport_size({"width": width, "height": 700})
    deadline = time.monotonic() + 10
    while not page.evaluate(f"innerWidth === {width} && {holds}"):  # the page forbids eval, which wait_for_function needs
        assert time.monotonic() < deadline, f"at a width of {width}: {holds}"
        page.wait_for_timeout(50)


def test_a_presenter_page_walks_heads_layers_and_sentences(chromium, sentence, tmp_path):
    texts = [("one", sentence[2]), ("two", attend("A film to see.", None, *sentence[:2]))]
    (tmp_path / "page.html").write_text(presenter_page(texts), encoding="utf-8")
    with watched(chromium) as (page, complaints):
        page.goto((tmp_path / "page.html").as_uri())
        assert page.inner_text("h1") == "Layer 1 of 6, head 1"
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowLeft")
        assert page.inner_text("h1") == "Layer 2 of 6, mean of all heads"
        page.keyboard.press("PageDown")
        assert page.locator("#from button").all_inner_texts()[1:-1] == ["a", "film", "to", "see", "."]
        assert page.evaluate("document.body.scrollHeight <= innerHeight"), "it fits the screen"
        assert float(page.evaluate("getComputedStyle(document.querySelector('#from button')).fontSize").removesuffix("px")) > 20
        page.emulate_media(media="print")
        assert not page.is_visible("#layer") and page.is_visible("h1")
        for width in (500, 1000):  # the lines stay between the tokens on paper, too
            resize(page, width, "$('lines').getBoundingClientRect().right <= $('to').getBoundingClientRect().left + 1")
        page.emulate_media(media="screen")
        resize(page, 390, "document.body.scrollWidth <= innerWidth")  # a phone
        assert complaints == []


WORDS = "the cat sat on mat because it was warm and she told him that film long stranger ##ing , .".split()
SIZES = """() => {
    const box = (id) => $(id).getBoundingClientRect(), [map, from, to, lines] = ["map", "from", "to", "lines"].map(box);
    const buttons = [...document.querySelectorAll("li button")], boxes = buttons.map((one) => one.getBoundingClientRect());
    const last = boxes[boxes.length - 1], page = document.documentElement, all = [map, from, to];
    const reach = (low, high) => Math.max(...all.map((one) => one[high])) - Math.min(...all.map((one) => one[low]));
    return {
        letters: Math.min(...buttons.map((one) => parseFloat(getComputedStyle(one).fontSize))),
        cell: Math.min(map.width / current().heads, map.height / current().layers),
        share: Math.min(reach("left", "right") / innerWidth, reach("top", "bottom") / innerHeight),
        cut: buttons.filter((one) => one.scrollWidth > one.clientWidth).length,
        beside: from.right <= lines.left + 1 && lines.right <= to.left + 1 && lines.width >= 80,
        level: Math.abs(lines.top - boxes[0].top) < 2 && Math.abs(lines.bottom - last.bottom) < 2,
        wide: page.scrollWidth > innerWidth || $("stage").scrollWidth > $("stage").clientWidth,
        long: page.scrollHeight > innerHeight,
        scrolls: $("stage").scrollHeight > $("stage").clientHeight,
        seen: map.right <= innerWidth && Math.max(map.bottom, box("words").bottom) <= innerHeight,
    };
}"""


def some_view(tokens, layers=6, pair_start=None):
    """Our view of random weights between so many tokens, in layers of 12 heads."""
    weights = np.random.default_rng(0).dirichlet(np.full(tokens, 0.1), (layers, 12, tokens)).astype(np.float32)
    return weights, [WORDS[place % len(WORDS)] for place in range(tokens)], pair_start


def sizes_of(browser, html, width, height, **options):
    """What SIZES measures on a page in a window of this size, once a token is pointed at; and that this moves nothing."""
    with watched(browser, **options) as (page, complaints):
        page.set_viewport_size({"width": width, "height": height})
        page.set_content(html)
        before = page.evaluate(SIZES)
        page.hover("#to li:nth-child(2) button")
        assert page.evaluate(SIZES) == before and complaints == []
    return before


@pytest.mark.parametrize(("tokens", "layers", "pair_start"), [(6, 6, None), (14, 6, None), (14, 12, None), (22, 6, 11)])
@pytest.mark.parametrize(("width", "height", "letters", "presenting"), [(1920, 1080, 28, True), (1366, 768, 19, False)])
def test_a_view_fills_a_screen(chromium, tokens, layers, pair_start, width, height, letters, presenting):
    shown = some_view(tokens, layers, pair_start)
    html = presenter_page([("one", *shown), ("two", *shown)]) if presenting else attention_view(*shown).page
    sizes = sizes_of(chromium, html, width, height)
    assert sizes["share"] >= 0.8 and sizes["letters"] >= letters and sizes["cell"] >= 40
    assert sizes["cut"] == 0 and sizes["beside"] and sizes["level"] and sizes["seen"]
    assert not (sizes["wide"] or sizes["long"] or sizes["scrolls"])


@pytest.mark.parametrize("tokens", [60, 128])
def test_of_a_long_text_the_tokens_scroll_and_the_map_stays(chromium, tokens):
    for width, height in [(1920, 1080), (1366, 768), (1000, 600)]:
        sizes = sizes_of(chromium, presenter_page([("long", *some_view(tokens))]), width, height)
        assert sizes["letters"] >= 14 and sizes["scrolls"] and sizes["seen"] and sizes["level"] and sizes["cut"] == 0
        assert not (sizes["wide"] or sizes["long"])


@pytest.mark.parametrize(("tokens", "pair_start"), [(6, None), (14, None), (22, 11), (60, None)])
def test_on_a_phone_the_map_stands_under_the_tokens(chromium, tokens, pair_start):
    sizes = sizes_of(chromium, presenter_page([("one", *some_view(tokens, 6, pair_start))]), 390, 844)
    assert sizes["letters"] >= 14 and sizes["cell"] >= 24 and sizes["cut"] == 0 and sizes["beside"] and sizes["level"]
    assert not (sizes["wide"] or sizes["scrolls"]) and sizes["seen"] == (tokens < 60)


@pytest.mark.parametrize(
    ("tokens", "layers", "pair_start"), [(3, 1, None), (3, 12, None), (14, 6, None), (22, 6, 11), (64, 12, None)]
)
@pytest.mark.parametrize("width", [760, 1000])
def test_a_view_fits_its_frame_in_a_notebook(chromium, tokens, layers, pair_start, width):
    view = attention_view(*some_view(tokens, layers, pair_start))
    assert view.height <= 110 + max(22 * tokens, 26 * layers), "no higher than its rows"
    sizes = sizes_of(chromium, view.page, width, view.height)
    assert sizes["letters"] >= 14 and 12 <= sizes["cell"] < 40 and sizes["seen"] and sizes["cut"] == 0 and sizes["level"]
    assert not (sizes["wide"] or sizes["long"] or sizes["scrolls"])


def test_a_view_that_was_hidden_is_drawn_once_it_is_shown_and_keeps_the_token_in_focus(chromium):
    with watched(chromium) as (page, complaints):
        page.set_content(attention_view(*some_view(6))._repr_mimebundle_()["text/html"].replace("<div", "<div hidden", 1))
        page.evaluate("document.querySelector('div').hidden = false")
        frame = page.query_selector("iframe").content_frame()
        frame.wait_for_selector("#from button").focus()
        page.set_viewport_size({"width": 700, "height": 700})
        deadline = time.monotonic() + 10
        while not frame.evaluate("innerWidth < 700 && $('map').width === Math.round($('map').getBoundingClientRect().width)"):
            assert time.monotonic() < deadline, "the map is drawn at its new size"
            page.wait_for_timeout(50)
        assert frame.evaluate("document.activeElement.textContent") == WORDS[0] and "looks at" in frame.inner_text("#words")
        assert complaints == []


def test_every_view_of_a_page_is_drawn_whenever_its_frame_gets_its_size(chromium, tmp_path):
    """A browser may run a frame's script before the frame has a size, and then tells it of none."""
    shown = attention_view(*some_view(6))._repr_mimebundle_()["text/html"]
    (tmp_path / "page.html").write_text(12 * shown, encoding="utf-8")
    with watched(chromium) as (page, complaints):
        page.set_viewport_size({"width": 1000, "height": 4000})
        page.goto((tmp_path / "page.html").as_uri())
        page.wait_for_timeout(500)
        drawn = [frame.evaluate("$('map').width > 100 && $('lines').height > 100") for frame in page.frames[1:]]
        assert drawn == [True] * 12 and complaints == []


@pytest.fixture(scope="module")
def notebook(sentence, tmp_path_factory):
    """A stored notebook with our view and one of bertviz's, and nasty tokens in both."""
    views = attention_view(*nasty(sentence)), bertviz_head_view(*nasty(sentence))
    outputs = [new_output("display_data", view._repr_mimebundle_()) for view in views]
    cells = [new_code_cell("", execution_count=count, outputs=[one]) for count, one in enumerate(outputs, start=1)]
    cells.append(new_code_cell(LIVE))
    folder = tmp_path_factory.mktemp("lab")
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), folder / "page.ipynb")
    return folder / "page.ipynb"


def check_frames(page):
    """The views of the page's frames are drawn."""
    frames = [frame for frame in page.frames if frame != page.main_frame]
    assert len(frames) == 2
    for frame in frames:
        frame.wait_for_selector("#from button, #vis svg line", state="attached")
    assert frames[0].locator("#from button").first.inner_text() == NASTY[0]
    assert frames[1].locator("#vis svg line").count() > 50


def test_an_html_export_shows_the_views_with_no_network(chromium, notebook):
    exported = notebook.with_suffix(".html")
    exported.write_text(HTMLExporter().from_filename(str(notebook))[0], encoding="utf-8")
    with watched(chromium) as (page, complaints):
        page.goto(exported.as_uri())
        check_frames(page)
    assert all("cdnjs" in text or "net::ERR_FAILED" in text for text in complaints), "only nbconvert's own page asks, in vain"


@pytest.fixture(scope="module")
def lab(notebook):
    """The address of a JupyterLab on the notebook's folder, with settings of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = notebook.parent / "home"
    environment = os.environ | {f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces")}
    flags = ["--no-browser", f"--port={port}", "--IdentityProvider.token=", f"--ServerApp.root_dir={notebook.parent}"]
    flags += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--allow-root", "--log-level=ERROR"]
    server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *flags], env=environment, cwd=notebook.parent)
    address = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/api", timeout=2).close()
            break
        except OSError:
            time.sleep(0.5)
    yield address, environment
    server.terminate()
    server.wait(20)


def open_in_lab(page, address):
    page.goto(f"{address}/lab/tree/page.ipynb?reset")
    page.wait_for_selector(".jp-Notebook .jp-OutputArea-output", timeout=60_000)


def test_lab_shows_the_picture_untrusted_and_the_view_once_trusted(chromium, lab, notebook):
    address, environment = lab
    with watched(chromium, own=(address, address.replace("http", "ws"), "data:", "blob:", "about:")) as (page, complaints):
        open_in_lab(page, address)
        assert page.locator(".jp-OutputArea-output iframe").count() == 0
        picture = page.locator(".jp-OutputArea-output img").first
        assert picture.evaluate("one => one.naturalWidth") > 200 and "attention of 6 layers" in picture.get_attribute("alt")
        assert [text for text in complaints if "dialog" in text] == []
    subprocess.run([sys.executable, "-m", "jupyter", "trust", str(notebook)], env=environment, check=True, capture_output=True)
    with watched(chromium, own=(address, address.replace("http", "ws"), "data:", "blob:", "about:")) as (page, complaints):
        open_in_lab(page, address)
        page.wait_for_function("document.querySelectorAll('.jp-OutputArea-output iframe').length == 2")
        check_frames(page)
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)  # what is run before is lost
        page.get_by_text("Run", exact=True).first.click()  # and live: the cells are run, the last one makes a view now
        page.get_by_text("Run All Cells", exact=True).click()
        page.wait_for_function("document.querySelectorAll('.jp-OutputArea-output iframe').length === 1", timeout=60_000)
        frame = page.wait_for_selector(".jp-OutputArea-output iframe").content_frame()
        assert frame.locator("#from button").all_inner_texts() == list("abc")
        assert [text for text in complaints if "dialog" in text or "asked for" in text] == []


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.stem)
def test_every_slide_fits_and_is_legible(chromium, tmp_path, source):
    (tmp_path / "deck.html").write_text(slides.deck(source), encoding="utf-8")
    with watched(chromium) as (page, complaints):
        page.goto((tmp_path / "deck.html").as_uri())
        page.wait_for_selector(".reveal.ready")
        sizes = page.evaluate(
            """() => deck.getSlides().map((slide) => {
                const { h, v } = deck.getIndices(slide);
                deck.slide(h, v);
                fit(slide);
                return [Number(slide.dataset.size), slide.scrollHeight, slide.innerText.slice(0, 40)];
            })"""
        )
        assert [slide for slide in sizes if slide[0] < 0.6 or slide[1] > 720] == []
        assert complaints == []


def test_the_keys_of_a_deck_that_readme_names(chromium, tmp_path):
    """A slide shows what its code draws, and the code, too, once C is pressed."""
    (tmp_path / "deck.html").write_text(slides.deck(sources(only=["13"])[0]), encoding="utf-8")
    with watched(chromium) as (page, complaints):
        page.goto((tmp_path / "deck.html").as_uri())
        page.wait_for_selector(".reveal.ready")
        code = page.locator("section.present:not(.stack) .jp-CodeCell .highlight").first
        drawn = page.locator("section.present:not(.stack) .jp-CodeCell img").first
        for _ in range(12):  # to a slide that code has drawn
            if drawn.count() and drawn.is_visible():
                break
            page.keyboard.press("Space")
        assert code.count() and not code.is_visible()
        page.keyboard.press("c")
        assert code.is_visible()
        page.keyboard.press("c")
        assert not code.is_visible()
        past = page.evaluate("deck.getSlidePastCount()")
        page.keyboard.press("Space")
        assert page.evaluate("deck.getSlidePastCount()") == past + 1
        page.keyboard.press("Escape")
        assert page.evaluate("deck.isOverview()")
        total = page.evaluate("deck.getTotalSlides()")
        page.goto((tmp_path / "deck.html").as_uri() + "?view=print")
        page.wait_for_selector(".pdf-page", state="attached")
        assert page.locator(".pdf-page").count() == total
        assert complaints == []
