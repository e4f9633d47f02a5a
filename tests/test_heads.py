"""What a head does: closed forms on heads that are made up, then properties, then a model."""

import copy
import math

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bertnotes.heads import (
    attention_moved,
    attention_rollout,
    is_content,
    is_participle,
    measure_heads,
    merge_pieces,
    nearest_before,
    ordinary,
    relations,
    row_sums,
    word_numbers,
)
from bertnotes.models import load_encoder


class Elsewhere(torch.nn.Module):
    """Stands for an encoder on another device, which here holds no numbers: what it is given has to be there too."""

    def __init__(self, encoder):
        super().__init__()
        self.config, self.weight = encoder.config, torch.nn.Parameter(torch.empty(1, device="meta"))
        self.encoder = [encoder]  # no part of this module

    def forward(self, input_ids, attention_mask, **options):
        assert input_ids.device.type == attention_mask.device.type == "meta", "the ids were left on the CPU"
        ids = torch.ones(input_ids.shape, dtype=torch.long)
        return self.encoder[0](input_ids=ids, attention_mask=torch.ones_like(ids), output_attentions=True)


TEXT = "the film is not loved , the cast is"


@pytest.fixture(scope="module")
def batch(tokenizer):
    return tokenizer([TEXT, "a film"], padding=True, return_tensors="pt")


def means(weights, batch, tokenizer):
    """{measure: (head,)} of made-up weights on a batch."""
    places, asked = relations(batch["input_ids"], tokenizer), ordinary(batch["input_ids"], tokenizer)
    sums = row_sums(weights, places, asked)
    counts = [asked.sum(), asked.sum(), *((place.any(-1) & asked).sum() for place in places.values())]
    return {name: sums[:, index] / max(1, counts[index]) for index, name in enumerate(["entropy", "distance", *places])}


def test_a_head_that_looks_back_by_one(batch, tokenizer):
    length = batch["input_ids"].shape[1]
    back = torch.eye(length).roll(-1, dims=-1)[None, None].repeat(2, 1, 1, 1)
    found = means(back, batch, tokenizer)
    assert found["token before"].item() == 1 and found["distance"].item() == 1 and found["entropy"].item() == 0
    assert found["token after"].item() == found["itself"].item() == 0
    assert found["[CLS]"].item() == pytest.approx(2 / 11), "the first of nine tokens, and the first of two"


def test_an_even_head(batch, tokenizer):
    mask = batch["attention_mask"].float()
    even = (mask / mask.sum(-1, keepdim=True))[:, None, None, :].repeat(1, 1, mask.shape[1], 1)
    found = means(even, batch, tokenizer)
    assert found["entropy"].item() == pytest.approx(1, abs=1e-6)
    expected = (9 / 11 + 2 / 4) / 11  # nine tokens that see eleven, two that see four
    for name in ("[CLS]", "[SEP]", "itself", "token before", "token after"):
        assert found[name].item() == pytest.approx(expected), name
    assert found["punctuation"].item() == pytest.approx(1 / 11), "asked only where there is any, and not of itself"


def test_relations_of_a_sentence(batch, tokenizer):
    tokens = tokenizer.convert_ids_to_tokens(batch["input_ids"][0])
    assert tokens == ["[CLS]", *"the film is not loved , the cast is".split(), "[SEP]"]
    places = {name: place[0].nonzero().tolist() for name, place in relations(batch["input_ids"], tokenizer).items()}
    assert places["same word elsewhere"] == [[1, 7], [3, 9], [7, 1], [9, 3]]
    assert places["its auxiliary"] == [[5, 3]]
    assert places["its article"] == [[2, 1], [8, 7]]
    assert places["its negation"] == [[5, 4]]
    assert places["punctuation"] == [[place, 6] for place in (1, 2, 3, 4, 5, 7, 8, 9)]
    assert places["rest of its word"] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("was loved", [[1, 0]]),
        ("was so very loved", [[3, 0]]),
        ("was not so very loved", []),
        ("is was loved", [[2, 1]]),
        ("was , loved", []),
        ("loved was", []),
        ("was ##ed", []),
        ("has been", []),
    ],
)
def test_auxiliaries_by_rule(text, expected):
    assert nearest_before(text.split(), is_participle, {"was", "is", "has", "been"}, reach=3).nonzero().tolist() == expected


@pytest.mark.parametrize(
    ("token", "expected"), [("film", True), ("##ing", False), (",", False), ("the", False), ("[CLS]", False)]
)
def test_what_counts_as_a_word_of_content(token, expected):
    assert is_content(token) == expected


def test_pieces_share_the_number_of_their_word():
    assert word_numbers("great act ##ing ##ly done".split()) == [0, 1, 1, 1, 2]


def test_measures_of_a_model_do_not_depend_on_the_batch_or_its_padding(encoder, tokenizer):
    texts = [TEXT, "a film", "good , good , good", "i loved it"]
    together = measure_heads(encoder, tokenizer, texts, max_length=16)
    one_by_one = measure_heads(encoder, tokenizer, texts, max_length=16, batch_size=1)
    for name, values in together.items():
        assert values.shape == (2, 3)
        assert torch.allclose(values, one_by_one[name], atol=1e-5), name


def test_measures_agree_with_a_slow_count(encoder, tokenizer):
    ids = tokenizer(TEXT, return_tensors="pt")
    with torch.inference_mode():
        weights = torch.cat(encoder(**ids, output_attentions=True).attentions)  # (layer, head, query, key)
    found = measure_heads(encoder, tokenizer, [TEXT], max_length=16)
    asked = range(1, 10)
    before = sum(weights[..., place, place - 1] for place in asked) / 9
    distance = sum(weights[..., a, b] * abs(a - b) for a in asked for b in range(11)) / 9
    entropy = sum(-(row * row.log()).sum(-1) for row in weights[..., 1:10, :].unbind(-2)) / 9 / math.log(11)
    for name, expected in {"token before": before, "distance": distance, "entropy": entropy}.items():
        assert torch.allclose(found[name], expected, atol=1e-5), name


def test_nothing_moves_between_a_model_and_itself_and_a_changed_layer_moves_what_is_above_it(encoder, tokenizer):
    texts = [TEXT, "i loved it"]
    assert attention_moved(encoder, encoder, tokenizer, texts).abs().max() == 0
    changed = copy.deepcopy(encoder)
    query = changed.encoder.layer[1].attention.self.query
    with torch.no_grad():
        query.weight[:8] = 0  # the first head of the second layer
        query.bias[:8] = 0
    moved = attention_moved(encoder, changed, tokenizer, texts)
    assert moved[1, 0] > 0.01 and torch.equal(moved.flatten()[[0, 1, 2, 4, 5]], torch.zeros(5))
    with torch.inference_mode():
        old = encoder(**tokenizer(TEXT, return_tensors="pt"), output_attentions=True).attentions[1][0, 0]
    expected = (old[1:-1] - 1 / 11).abs().sum(-1).mean() / 2  # without a query, a row is even
    assert attention_moved(encoder, changed, tokenizer, [TEXT])[1, 0].item() == pytest.approx(expected.item(), abs=1e-5)


def test_models_of_different_build_have_not_moved(encoder, tokenizer):
    other = copy.deepcopy(encoder)
    other.config.num_hidden_layers = 1
    with pytest.raises(ValueError, match=r"got \(2, 3\) and \(1, 3\)"):
        attention_moved(encoder, other, tokenizer, [TEXT])


@pytest.mark.parametrize(("texts", "length", "message"), [([], 16, "no texts"), (["a"], 99, "48 positions; got 99")])
def test_nothing_to_measure_and_too_long_are_named(encoder, tokenizer, texts, length, message):
    with pytest.raises(ValueError, match=message):
        measure_heads(encoder, tokenizer, texts, max_length=length)


def test_a_model_that_gives_no_weights(encoder, tokenizer):
    fused = copy.deepcopy(encoder)
    fused.set_attn_implementation("sdpa")
    with pytest.raises(ValueError, match='no attention weights: load the model with attention="eager"'):
        measure_heads(fused, tokenizer, [TEXT], max_length=16)
    for nothing in (None, (), (None, None)):
        with pytest.raises(ValueError, match="no attention weights"):
            attention_rollout(nothing)


def test_rollout_of_two_tokens_by_hand():
    swap = torch.tensor([[0.0, 1.0], [1.0, 0.0]])[None, None]
    rolled = attention_rollout([swap, swap])
    assert torch.equal(rolled[0, 0], torch.full((2, 2), 0.5)) and torch.equal(rolled[1, 0], torch.full((2, 2), 0.5))
    first = torch.tensor([[1.0, 0.0], [1.0, 0.0]])[None, None]
    assert torch.allclose(attention_rollout([first, first])[1, 0], torch.tensor([[1.0, 0.0], [0.75, 0.25]]))


def test_rollout_goes_where_attention_lies():
    """On another device than the default one, and in its precision: "meta" stands for a GPU."""
    attentions = torch.ones(1, 1, 2, 2, device="meta", dtype=torch.bfloat16)
    rolled = attention_rollout([attentions, attentions])
    assert rolled.device.type == "meta" and rolled.dtype == torch.bfloat16


@given(st.integers(1, 4), st.integers(1, 3), st.integers(2, 6))
def test_rollout_shares_out_one_unit(layers, heads, length):
    attentions = [torch.randn(2, heads, length, length).softmax(-1) for _ in range(layers)]
    rolled = attention_rollout(attentions)
    assert rolled.shape == (layers, 2, length, length)
    assert torch.allclose(rolled.sum(-1), torch.ones(layers, 2, length), atol=1e-5) and rolled.min() >= 0


@given(st.lists(st.sampled_from(["a", "##b", "[SEP]"]), min_size=1, max_size=8))
def test_merged_rows_still_sum_to_one(tokens):
    weights = torch.randn(2, len(tokens), len(tokens)).softmax(-1)
    merged, words = merge_pieces(weights, tokens)
    assert merged.shape == (2, len(words), len(words)) and "".join(words).replace("##", "") == "".join(tokens).replace("##", "")
    assert torch.allclose(merged.sum(-1), torch.ones(2, len(words)), atol=1e-5)


def test_ids_follow_the_model(encoder, tokenizer):
    elsewhere = Elsewhere(encoder)
    measure_heads(elsewhere, tokenizer, [TEXT, "a film"], 48)
    moved = attention_moved(elsewhere, elsewhere, tokenizer, [TEXT], 48)
    assert moved.tolist() == [[0.0] * 3] * 2


def test_texts_of_any_sequence_but_no_single_one(encoder, tokenizer):
    column = pd.Series([TEXT, "a film"], index=[1, 0])
    lists, columns = (measure_heads(encoder, tokenizer, texts, 48) for texts in (list(column), column))
    assert all(torch.equal(lists[name], columns[name]) for name in lists)
    for measure in (
        lambda texts: measure_heads(encoder, tokenizer, texts),
        lambda texts: attention_moved(encoder, encoder, tokenizer, texts),
    ):
        with pytest.raises(ValueError, match=r"texts come in a list.*give \[text\]"):
            measure("a film")


def test_two_encoders_that_give_no_weights(tiny_checkpoint, tokenizer):
    fused = load_encoder(str(tiny_checkpoint), "sdpa")
    with pytest.raises(ValueError, match="there are no attention weights"):
        attention_moved(fused, fused, tokenizer, [TEXT])
