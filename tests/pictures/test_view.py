"""The views: what is on the page is what the model computed, nothing is fetched, no token can run, and bad input is named."""

import base64
import json
import re

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel

from bertnotes import Attention, attend, attention_view, bertviz_head_view, bertviz_model_view, bertviz_neuron_view
from bertnotes.encoder import BertEncoder
from bertnotes.pictures.attention import stack_attentions
from bertnotes.pictures.bertviz import package_file, queries_and_keys
from bertnotes.pictures.view import presenter_page, script_json

NASTY = ["</script><img src=x onerror=alert(1)>", "<!--<script>", "&lt;b&gt;", "\"quoted'", "]]>", "\u2028"]
FETCHED = re.compile(r"""(?:src|href)=(?!["']?data:)["']?(?:https?:)?//|@import|url\((?!["']?data:)""")


def attentions_of(layers=2, heads=3, length=4, batch=1):
    return tuple(torch.randn(batch, heads, length, length).softmax(-1) for _ in range(layers))


def data_of(page):
    """What the page was given, from its JSON."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])


def weights_of(item, shape):
    return np.frombuffer(base64.b64decode(item["weights"]), np.uint8).reshape(shape) / 255


@pytest.fixture(scope="module")
def sentence(encoder, tokenizer):
    """A sentence pair as the tiny checkpoint reads it."""
    return attend("a good film .", "is it not ?", encoder, tokenizer)


VIEWS = {
    "ours": attention_view,
    "head": bertviz_head_view,
    "model": bertviz_model_view,
}


def test_two_tokens_come_out_as_the_bytes_that_they_are():
    weights = torch.tensor([[[[1.0, 0.0], [0.2, 0.8]]]])
    (item,) = data_of(attention_view([weights], ["a", "b"]).page)["items"]
    assert list(base64.b64decode(item["weights"])) == [255, 0, 51, 204]
    assert (item["layers"], item["heads"], item["second"], item["words"]) == (1, 1, None, [0, 1])
    (pieces,) = data_of(attention_view([weights], ["act", "##ed"]).page)["items"]
    assert pieces["words"] == [0, 0]


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_the_page_holds_the_weights_of_the_model(view, sentence):
    data = data_of(view(sentence).page)
    item = data["items"][0] if "items" in data else data
    expected = sentence.weights.numpy()
    assert np.abs(weights_of(item, expected.shape) - expected).max() <= 0.5 / 255 + 1e-6
    assert item["tokens"] == sentence.tokens and item["second"] == sentence.pair_start == sentence.tokens.index("[SEP]") + 1


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_bare_weights_with_their_tokens_give_the_same_page(view, sentence):
    """As a model returns them, stacked, and as arrays; an Attention's tokens may be given other names."""
    layers = tuple(sentence.weights[:, None])
    for weights in (layers, sentence.weights, [layer.numpy() for layer in layers]):
        assert view(weights, sentence.tokens, sentence.pair_start).page == view(sentence).page
    names = [f"token{place}" for place in range(len(sentence.tokens))]
    assert view(sentence, names).page == view(layers, names, sentence.pair_start).page


def test_neuron_view_holds_queries_and_keys_whose_products_are_the_attention(encoder, tokenizer):
    hooks = sum(len(module._forward_hooks) for module in encoder.modules())
    queries, keys, attention = queries_and_keys(encoder, tokenizer, "a good film .")
    scores = torch.tensor(queries @ keys.swapaxes(-1, -2)) / queries.shape[-1] ** 0.5
    assert torch.allclose(scores.softmax(-1), attention.weights, atol=1e-6)
    data = data_of(bertviz_neuron_view(encoder, tokenizer, "a good film .", layer=2, head=3).page)
    sent = (np.frombuffer(base64.b64decode(data["queries"]), np.uint8).reshape(queries.shape) - 128.0) / 127 * data["reach"]
    assert np.abs(sent - queries).max() <= 0.5 / 127 * data["reach"] + 1e-6
    assert (data["layer"], data["head"], data["size"]) == (2, 3, 8)
    assert sum(len(module._forward_hooks) for module in encoder.modules()) == hooks


def test_neuron_view_of_our_own_encoder(tiny_checkpoint, encoder, tokenizer):
    """Its queries and keys have other names; no other model's are taken for them."""
    ours = queries_and_keys(BertEncoder.from_pretrained(str(tiny_checkpoint)), tokenizer, "a good film .")
    theirs = queries_and_keys(encoder, tokenizer, "a good film .")
    for one, other in zip(ours[:2], theirs[:2], strict=True):
        assert one.shape == (2, 3, 6, 8) and np.abs(one - other).max() < 1e-4
    config = DistilBertConfig(
        vocab_size=len(tokenizer), dim=24, hidden_dim=8, n_layers=1, n_heads=3, attn_implementation="eager"
    )
    message = (
        r"queries and keys of a BERT; (DistilBertModel|str) has none by these names: pass a BERT, such as load_encoder\(\)"
    )
    for other in (DistilBertModel(config).eval(), "mini"):
        with pytest.raises(ValueError, match=message):
            bertviz_neuron_view(other, tokenizer, "a good film .")


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_view_is_the_same_every_time(view, sentence):
    assert view(sentence)._repr_mimebundle_() == view(sentence)._repr_mimebundle_()


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_view_shows_a_picture_under_a_sandboxed_page_that_fetches_nothing(view, sentence):
    shown = view(sentence)
    bundle = shown._repr_mimebundle_()
    text = bundle["text/html"]
    assert re.search(r'<img alt="[^"]+" src="data:image/png;base64,iVBOR', text)
    may = "allow-scripts allow-downloads" if view is attention_view else "allow-scripts"  # ours saves a drawing
    assert '<iframe title="' in text and f'sandbox="{may}" srcdoc="' in text
    assert text.index("<img") < text.index("<iframe") and "film" in bundle["text/plain"]
    assert not FETCHED.search(shown.page) and "default-src 'none'" in shown.page


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_no_token_leaves_the_json_that_it_stands_in(view):
    attentions = attentions_of(length=len(NASTY))
    page = view(attentions, NASTY).page
    data = data_of(page)
    assert (data["items"][0] if "items" in data else data)["tokens"] == NASTY
    assert "<img src=x" not in page and "<!--<script>" not in page
    assert "<img src=x" not in view(attentions, NASTY)._repr_mimebundle_()["text/html"]


def test_json_in_a_script_element_holds_none_of_its_letters():
    assert script_json({"</script>": "&"}) == '{"\\u003c/script\\u003e": "\\u0026"}'
    assert json.loads(script_json(NASTY)) == NASTY


def test_save_writes_the_page_and_leaves_nothing_beside_it(tmp_path, sentence):
    view = attention_view(sentence)
    assert view.save(tmp_path / "new" / "view.html").read_text(encoding="utf-8") == view.page
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["view.html"]


def test_sizes_of_a_144_head_view_at_64_tokens():
    attentions, tokens = attentions_of(12, 12, 64), [f"token{index}" for index in range(64)]
    assert len(attention_view(attentions, tokens).page) < 1_000_000
    for view in (bertviz_head_view, bertviz_model_view):
        assert len(view(attentions, tokens, 30).page) < 5_000_000


def test_size_of_a_neuron_view_as_wide_and_deep_as_bert_base(tokenizer):
    config = BertConfig(vocab_size=len(tokenizer), intermediate_size=8, max_position_embeddings=64)
    encoder = BertModel(config, add_pooling_layer=False).eval()
    encoder.set_attn_implementation("eager")
    page = bertviz_neuron_view(encoder, tokenizer, "film " * 62).page
    assert data_of(page)["layers"] * data_of(page)["heads"] == 144 and len(data_of(page)["tokens"]) == 64
    assert len(page) < 5_000_000


def test_presenter_page_holds_all_texts(sentence):
    data = data_of(presenter_page([("one", sentence), ("two", attentions_of(), list("abcd"), None)], head=2))
    assert [item["name"] for item in data["items"]] == ["one", "two"]
    assert data["presenting"] and (data["layer"], data["head"]) == (0, 1)


def test_stacked_attentions_are_taken_too():
    attentions = attentions_of()
    assert np.array_equal(stack_attentions(torch.cat(attentions)), stack_attentions(attentions))
    assert np.array_equal(stack_attentions(torch.cat(attentions)[:, None]), stack_attentions(attentions))


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize(
    ("attentions", "tokens", "message"),
    [
        ((), "abcd", "no attention weights.*eager.*output_attentions=True"),
        (None, "abcd", "no attention weights.*eager.*output_attentions=True"),
        ((None, None), "abcd", "no attention weights.*eager.*output_attentions=True"),
        (attentions_of(batch=2), "abcd", r"one text, not 2 of them: pass \[layer\[:1\]"),
        (attentions_of(length=5), "abcd", "between 5 and 5 tokens.*got 4"),
        ((torch.ones(4, 4),), "abcd", r"expected one \(1, head, query_pos, key_pos\).*\(4, 4\)"),
        ((attentions_of()[0], attentions_of(length=5)[0]), "abcd", "all alike"),
        ((torch.full((1, 1, 4, 4), float("nan")),), "abcd", "between 0 and 1; these go from nan"),
        ((torch.full((1, 1, 4, 4), 7.0),), "abcd", "between 0 and 1; these go from 7"),
    ],
    ids=["none", "forgotten", "sdpa", "batch", "tokens", "one matrix", "uneven", "nan", "scores"],
)
def test_what_is_no_attention_of_one_text_is_named(view, attentions, tokens, message):
    with pytest.raises(ValueError, match=message):
        view(attentions, list(tokens))


def test_too_many_tokens_are_refused_with_what_would_fit():
    long = attentions_of(1, 1, 65)
    with pytest.raises(ValueError, match=r"65 tokens are too many: pass at most 64.*attention_view"):
        bertviz_head_view(long, ["x"] * 65)
    attention_view(long, ["x"] * 65)
    with pytest.raises(ValueError, match=r"200 tokens in 144 heads are 5,760,000 weights.*at most 166 tokens"):
        attention_view([np.zeros((1, 12, 200, 200), np.float32)] * 12, ["x"] * 200)


@pytest.mark.parametrize(("wrong", "message"), [({"layer": 3}, "got 3 and 1, there are 2"), ({"head": 0}, "got 1 and 0")])
def test_a_layer_or_head_that_does_not_exist_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        attention_view(attentions_of(), list("abcd"), **wrong)


@pytest.mark.parametrize("start", [0, 4, -1])
def test_a_second_sentence_begins_inside(start):
    with pytest.raises(ValueError, match=f"1 to 3; got {start}"):
        attention_view(attentions_of(), list("abcd"), start)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_bare_weights_need_names(view):
    for weights in (attentions_of(), Attention(torch.cat(attentions_of()), None)):
        with pytest.raises(ValueError, match="need the names of their tokens"):
            view(weights)


def test_a_package_that_is_not_installed_is_named():
    with pytest.raises(ModuleNotFoundError, match="need the package Left-Pad: pip install"):
        package_file("no_such_module", "x.js", "Left-Pad")
