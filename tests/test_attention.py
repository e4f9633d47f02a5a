"""Attention against paper and pencil, against NumPy, against torch, and against transformers.

A test that takes `module=attention` can be called with another module in its place: test_attention_mutations.py
calls it with broken copies of attention.py and shows that it notices.
"""

import doctest
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn
from torch.nn import functional
from torch.testing import assert_close
from transformers import AttentionInterface, AutoTokenizer, BertConfig, BertModel, Gemma2Config, Gemma2Model
from transformers.models.bert.modeling_bert import BertAttention

from bertnotes import attention
from bertnotes.attention import MultiHeadAttention, attention_weights, causal_mask, padding_mask, scaled_dot_product_attention

BATCH, HEADS, HEAD_DIM = 2, 3, 4
HIDDEN = HEADS * HEAD_DIM
FP32 = {"atol": 1e-5, "rtol": 1e-5}
FP64 = {"atol": 1e-12, "rtol": 1e-12}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """With matrices this small threads do little but wait for each other: several times as long on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


# ---- 1. By hand: two tokens, and the softmax of their two scores on paper ----

QUERY = torch.tensor([[2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
KEY = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
VALUE = torch.tensor([[10.0], [20.0]])


def test_two_tokens_by_hand(module=attention):
    """Query 1 scores 2 / √4 = 1 and 0; query 2 scores 0 and 0."""
    first = math.exp(1) / (math.exp(1) + math.exp(0))
    output, weights = module.scaled_dot_product_attention(QUERY, KEY, VALUE)
    assert_close(weights, torch.tensor([[first, 1 - first], [0.5, 0.5]]))
    assert_close(output, torch.tensor([[first * 10 + (1 - first) * 20], [15.0]]))
    assert_close(module.attention_weights(QUERY, KEY), weights)


def test_two_tokens_with_a_mask_by_hand(module=attention):
    """Query 1 may look at key 1 only and query 2 at both; then query 1 at nothing and query 2 at key 2 only."""
    output, weights = module.scaled_dot_product_attention(QUERY, KEY, VALUE, torch.tensor([[True, False], [True, True]]))
    assert_close(weights, torch.tensor([[1.0, 0.0], [0.5, 0.5]]))
    assert_close(output, torch.tensor([[10.0], [15.0]]))
    output, weights = module.scaled_dot_product_attention(QUERY, KEY, VALUE, torch.tensor([[False, False], [False, True]]))
    assert_close(weights, torch.tensor([[0.0, 0.0], [0.0, 1.0]]))
    assert_close(output, torch.tensor([[0.0], [20.0]]))


@pytest.mark.parametrize("d_k", [1, 4, 16, 64])
def test_scores_are_divided_by_the_root_of_d_k(d_k, module=attention):
    """The dot product stays 6 however many zeros are appended; the score is 6 / √d_k."""
    query, key = torch.zeros(1, d_k), torch.zeros(2, d_k)
    query[0, 0], key[0, 0] = 2.0, 3.0
    first = math.exp(6 / math.sqrt(d_k)) / (math.exp(6 / math.sqrt(d_k)) + 1)
    assert_close(module.attention_weights(query, key), torch.tensor([[first, 1 - first]]))


def test_weights_are_those_before_dropout(module=attention):
    """With the identity as values the output is the weights as dropout left them: each one dropped, or doubled."""
    torch.manual_seed(0)
    query, key = torch.randn(8, HEAD_DIM), torch.randn(10, HEAD_DIM)
    dropped, weights = module.scaled_dot_product_attention(query, key, torch.eye(10), dropout=0.5)
    assert_close(weights, module.attention_weights(query, key))
    assert_close(weights.sum(-1), torch.ones(8))
    assert 0 < (dropped == 0).sum() < 80
    assert_close(dropped, torch.where(dropped == 0, 0.0, 2 * weights))


def test_a_layer_drops_in_training_only(module=attention):
    torch.manual_seed(0)
    layer, hidden = module.MultiHeadAttention(HIDDEN, HEADS, dropout=0.5), torch.randn(BATCH, 5, HIDDEN)
    in_training, training_weights = layer.train()(hidden)
    output, weights = layer.eval()(hidden)
    assert_close(training_weights, weights)
    assert not torch.allclose(in_training, output, atol=0.01)
    assert_close(layer(hidden)[0], output)


# ---- 2. Parity: six cases against NumPy and torch's function, then against torch's and BERT's layer ----

FIRST_BLOCKED = torch.ones(5, 5, dtype=torch.bool)
FIRST_BLOCKED[2] = False
EACH_ITS_OWN = torch.rand(BATCH, HEADS, 5, 5, generator=torch.Generator().manual_seed(0)) > 0.5
EACH_ITS_OWN |= torch.eye(5, dtype=torch.bool)

CASES = {  # name: (query_pos, key_pos, mask); the batch has two sentences and every layer three heads
    "no mask": (5, 5, None),
    "causal": (5, 5, torch.arange(5)[:, None] >= torch.arange(5)),
    "padding": (5, 5, torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]).bool()[:, None, None, :]),
    "cross": (3, 7, None),
    "cross with padding": (3, 7, (torch.arange(7) < torch.tensor([[7], [4]]))[:, None, None, :]),
    "fully masked row": (5, 5, FIRST_BLOCKED),
    "batched heads": (5, 5, EACH_ITS_OWN),  # a mask for each sentence and head
}
each_case = pytest.mark.parametrize("case", CASES)


def everywhere(mask, query_pos, key_pos):
    """The mask spelled out: (batch, head, query_pos, key_pos)"""
    mask = torch.tensor(True) if mask is None else mask
    return mask.expand(BATCH, HEADS, query_pos, key_pos)


def heads_of(case, dtype=torch.float32):
    """Random query, key and value of a case, (batch, head, position, head_dim), and its mask."""
    torch.manual_seed(0)
    query_pos, key_pos, mask = CASES[case]
    query, key, value = (torch.randn(BATCH, HEADS, n, HEAD_DIM, dtype=dtype) for n in (query_pos, key_pos, key_pos))
    return query, key, value, mask


def numpy_attention(query, key, value, mask):
    """The formula once more, without torch and in float64. A row that may attend to nothing is zero."""
    query, key, value = (tensor.numpy().astype(np.float64) for tensor in (query, key, value))
    scores = np.einsum("...qd,...kd->...qk", query, key) / np.sqrt(query.shape[-1])
    allowed = np.exp(scores) * (1.0 if mask is None else mask.numpy())
    total = allowed.sum(-1, keepdims=True)
    weights = np.divide(allowed, total, out=np.zeros_like(allowed), where=total > 0)
    return torch.from_numpy(weights @ value).float(), torch.from_numpy(weights).float()


def torch_attention(query, key, value, mask):
    """torch returns no weights; with the identity as values its output is the weights."""
    identity = torch.eye(key.shape[-2], dtype=key.dtype).expand(*key.shape[:-2], -1, -1)
    return tuple(functional.scaled_dot_product_attention(query, key, values, mask) for values in (value, identity))


@each_case
@pytest.mark.parametrize("reference", [numpy_attention, torch_attention])
def test_function_equals(reference, case, module=attention):
    """A row that may attend to nothing is zero with us, and is left out of the comparison: torch promises nothing there."""
    query, key, value, mask = heads_of(case)
    output, weights = module.scaled_dot_product_attention(query, key, value, mask)
    expected_output, expected_weights = reference(query, key, value, mask)
    attends = everywhere(mask, *weights.shape[-2:]).any(-1)
    assert_close(weights[attends], expected_weights[attends], **FP32)
    assert_close(output[attends], expected_output[attends], **FP32)
    assert (weights[~attends] == 0).all() and (output[~attends] == 0).all()


def torch_layer(ours, query, source, mask):
    """nn.MultiheadAttention with our weights. Its boolean masks are ours turned over: there, True = may NOT attend."""
    theirs = nn.MultiheadAttention(HIDDEN, HEADS, batch_first=True)
    projections = [ours.query, ours.key, ours.value]
    theirs.load_state_dict(
        {
            "in_proj_weight": torch.cat([projection.weight for projection in projections]),
            "in_proj_bias": torch.cat([projection.bias for projection in projections]),
            "out_proj.weight": ours.output.weight,
            "out_proj.bias": ours.output.bias,
        }
    )
    may_not = ~everywhere(mask, query.shape[1], source.shape[1]).flatten(0, 1)  # (batch * head, query_pos, key_pos)
    return theirs(query, source, source, attn_mask=may_not, average_attn_weights=False)


def bert_layer(ours, query, source, mask):
    """transformers' eager BertAttention with our weights, cross-attention where the source is another sentence.

    Its masks are numbers added to the scores: 0 = may attend, the lowest float = may not. It adds its input to its
    output and normalises the sum: the first is taken off again, the second replaced by nothing.
    """
    config = BertConfig(hidden_size=HIDDEN, num_attention_heads=HEADS, attn_implementation="eager")
    theirs = BertAttention(config, is_cross_attention=source is not query).eval()
    theirs.output.LayerNorm = nn.Identity()
    places = {"query": "self.query", "key": "self.key", "value": "self.value", "output": "output.dense"}
    weights = ((*name.split("."), tensor) for name, tensor in ours.state_dict().items())
    theirs.load_state_dict({f"{places[layer]}.{kind}": tensor for layer, kind, tensor in weights})
    added = torch.where(everywhere(mask, query.shape[1], source.shape[1]), 0.0, torch.finfo(torch.float32).min)
    output, weights = theirs(query, added, encoder_hidden_states=source, encoder_attention_mask=added)
    return output - query, weights


@each_case
@pytest.mark.parametrize("reference", [torch_layer, bert_layer])
@torch.no_grad()
def test_layer_equals(reference, case, module=attention):
    """Where a query may attend to nothing torch's layer gives NaN and BERT the mean of everything; ours its bias alone."""
    torch.manual_seed(0)
    query_pos, key_pos, mask = CASES[case]
    layer = module.MultiHeadAttention(HIDDEN, HEADS).eval()
    query = torch.randn(BATCH, query_pos, HIDDEN)
    source = torch.randn(BATCH, key_pos, HIDDEN) if "cross" in case else query
    output, weights = layer(query, source, mask=mask)
    expected_output, expected_weights = reference(layer, query, source, mask)
    attends = everywhere(mask, query_pos, key_pos).any(-1)
    assert_close(weights[attends], expected_weights[attends], **FP32)
    assert (weights[~attends] == 0).all()
    attends = attends.all(1)  # (batch, query_pos): in every head
    assert_close(output[attends], expected_output[attends], **FP32)
    assert_close(output[~attends], layer.output.bias.expand_as(output[~attends]))


# ---- 3. Gradients, in float64 ----


def gradients(attend, query, key, value, mask):
    """d(output * fixed random numbers).sum() / d(query, key, value)"""
    inputs = [tensor.clone().requires_grad_() for tensor in (query, key, value)]
    output = attend(*inputs, mask)[0]
    torch.manual_seed(1)
    return torch.autograd.grad(output, inputs, torch.randn_like(output))


@each_case
def test_gradients_equal_those_of_torch(case, module=attention):
    query, key, value, mask = heads_of(case, torch.float64)
    ours = gradients(module.scaled_dot_product_attention, query, key, value, mask)
    theirs = gradients(torch_attention, query, key, value, mask)
    for actual, expected in zip(ours, theirs, strict=True):
        assert_close(actual, expected, **FP64)


def test_a_row_without_keys_has_no_gradient(module=attention):
    """Neither its own nor, through key and value, anybody else's. Anomaly mode stops at a NaN anywhere on the way back."""
    query, key, value, _ = heads_of("no mask", torch.float64)
    with torch.autograd.set_detect_anomaly(True):
        of_query, _, _ = gradients(module.scaled_dot_product_attention, query, key, value, FIRST_BLOCKED)
        of_nothing = gradients(module.scaled_dot_product_attention, query, key, value, torch.tensor(False))
    assert (of_query[:, :, 2] == 0).all() and (of_query[:, :, 3] != 0).all()
    assert all((gradient == 0).all() for gradient in of_nothing)


def test_gradients_of_output_and_weights_numerically():
    torch.manual_seed(0)
    query, key, value = (torch.randn(3, 2, dtype=torch.float64, requires_grad=True) for _ in range(3))
    mask = torch.tensor([[True, True, False], [False, False, False], [True, True, True]])
    assert torch.autograd.gradcheck(scaled_dot_product_attention, (query, key, value))
    assert torch.autograd.gradcheck(scaled_dot_product_attention, (query, key, value, mask))


# ---- 4. Properties, on inputs that hypothesis looks for ----

# No deadline: on a busy machine a first call takes long and says nothing. Derandomised: CI sees the same examples every time.
properties = settings(deadline=None, derandomize=True, max_examples=40, database=None)
sizes = st.integers(1, 4)


def tensors(*shape, most=4.0, dtype=np.float64):
    return arrays(dtype, shape, elements=st.floats(-most, most, width=np.finfo(dtype).bits)).map(torch.from_numpy)


def masks(*shape):
    return arrays(np.bool_, shape).map(torch.from_numpy)


@st.composite
def sentences(draw):
    """query (query_pos, 3), key (key_pos, 3), value (key_pos, 2), mask (query_pos, key_pos)"""
    query_pos, key_pos = draw(sizes), draw(sizes)
    return draw(tensors(query_pos, 3)), draw(tensors(key_pos, 3)), draw(tensors(key_pos, 2)), draw(masks(query_pos, key_pos))


@properties
@given(st.data(), sizes, sizes, sizes)
def test_rows_sum_to_one_or_to_zero(data, heads, query_pos, key_pos):
    """In float32 and with scores up to 10,000, where the softmax has long become a choice of one."""
    query = data.draw(tensors(heads, query_pos, 2, most=100.0, dtype=np.float32))
    key = data.draw(tensors(heads, key_pos, 2, most=100.0, dtype=np.float32))
    mask = data.draw(masks(query_pos, key_pos))
    weights = attention_weights(query, key, mask)
    assert (weights >= 0).all() and (weights <= 1).all()
    assert (weights.masked_select(~mask) == 0).all()
    assert_close(weights.sum(-1), mask.any(-1).float().expand(heads, -1), **FP32)


@properties
@given(sentences(), st.randoms(use_true_random=False))
def test_order_does_not_matter(sentence, random):
    """Keys reordered with their values: the same output. Queries reordered: the same rows in that order."""
    query, key, value, mask = sentence
    output, weights = scaled_dot_product_attention(query, key, value, mask)
    keys, queries = (random.sample(range(n), n) for n in (len(key), len(query)))
    reordered = scaled_dot_product_attention(query, key[keys], value[keys], mask[:, keys])
    assert_close(reordered, (output, weights[:, keys]), **FP64)
    reordered = scaled_dot_product_attention(query[queries], key, value, mask[queries])
    assert_close(reordered, (output[queries], weights[queries]), **FP64)


@properties
@given(sentences(), tensors(3), st.sampled_from([0.25, 0.5, 2.0]))
def test_only_differences_between_scores_matter(sentence, everyone, factor):
    """The same vector added to every key adds one number to a query's scores. Query times c and key over c: no change."""
    query, key, _, mask = sentence
    weights = attention_weights(query, key, mask)
    assert_close(attention_weights(query, key + everyone, mask), weights, **FP64)
    assert_close(attention_weights(query * factor, key / factor, mask), weights, **FP64)


@properties
@given(sentences(), tensors(2, 3, most=1e6), tensors(2, 2, most=1e6))
def test_padding_changes_nothing_for_the_function(sentence, more_keys, more_values):
    query, key, value, mask = sentence
    output, weights = scaled_dot_product_attention(query, key, value, mask)
    padded = torch.cat([key, more_keys]), torch.cat([value, more_values]), functional.pad(mask, (0, 2), value=False)
    assert_close(scaled_dot_product_attention(query, *padded), (output, functional.pad(weights, (0, 2))), **FP64)


@properties
@given(st.data(), sizes, sizes)
def test_padding_changes_nothing_for_a_layer(data, length, padding):
    torch.manual_seed(0)
    layer = MultiHeadAttention(HIDDEN, HEADS).double()
    hidden = data.draw(tensors(1, length + padding, HIDDEN))
    output, _ = layer(hidden[:, :length])
    padded, weights = layer(hidden, mask=padding_mask((torch.arange(length + padding) < length)[None]))
    assert_close(padded[:, :length], output, **FP64)
    assert (weights[..., length:] == 0).all()


@pytest.fixture(scope="module")
def tiny_bert(tiny_checkpoint):
    return load(tiny_checkpoint, attention.use_in_transformers())


@settings(properties, max_examples=20)
@given(words=st.lists(st.integers(0), min_size=2, max_size=6), padding=st.lists(st.integers(0), min_size=1, max_size=6))
def test_padding_changes_nothing_for_bert(tiny_bert, words, padding):
    """Whatever words stand in the padding, and with hidden states of every layer."""
    ids = torch.tensor([[number % tiny_bert.config.vocab_size for number in words + padding]])
    tokens = torch.arange(ids.shape[1]) < len(words)
    alone = run(tiny_bert, {"input_ids": ids[:, tokens]}).hidden_states
    padded = run(tiny_bert, {"input_ids": ids, "attention_mask": tokens[None].long()}).hidden_states
    assert_close(tuple(hidden[:, tokens] for hidden in padded), alone, **FP32)


# ---- 5. Half precision ----


@each_case
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype, case):
    """As close to float32 as rounding allows, and never NaN.

    Let u be the largest relative error of one rounding and S the largest |score|. A score is rounded twice, after the
    product and after the division (the sum inside the product runs in float32), so it is off by at most e = (2u + u²)S.
    That multiplies exp(score) by at most exp(e), and the sum below it by as much, so a weight is off by a factor of at
    most exp(2e), then rounded once more: w ± share w. The output Σ w v is off by at most Σ share w |v|, then rounded
    once more. 1e-6 on top is for float32's own rounding and for float16's weights below its smallest normal number.
    """
    query, key, value, mask = heads_of(case)
    query, key, value = (tensor.to(dtype) for tensor in (query, key, value))
    output, weights = scaled_dot_product_attention(query, key, value, mask)
    assert output.dtype == weights.dtype == dtype
    query, key, value = query.float(), key.float(), value.float()
    exact_output, exact_weights = scaled_dot_product_attention(query, key, value, mask)
    u = torch.finfo(dtype).eps / 2
    e = (2 * u + u * u) * (query @ key.mT / math.sqrt(HEAD_DIM)).abs().max().item()
    share = math.exp(2 * e) * (1 + u) - 1
    assert_close(weights.float(), exact_weights, rtol=share, atol=1e-6)
    most = (share * (1 + u) + u) * (exact_weights @ value.abs()) + 1e-6
    assert ((output.float() - exact_output).abs() <= most).all()


@each_case
def test_mixed_precision_training(case):
    """Under autocast the products run in bfloat16 and the softmax in float32: finite forth and back, rows still sum to 1."""
    query, key, value, mask = heads_of(case)
    query.requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        output, weights = scaled_dot_product_attention(query, key, value, mask)
    output.float().sum().backward()
    assert output.isfinite().all() and query.grad.isfinite().all()
    attends = everywhere(mask, *weights.shape[-2:]).any(-1)
    assert_close(weights.float().sum(-1), attends.float(), atol=0.01, rtol=0)


# ---- 6. Errors name what was met ----

of, boolean = torch.zeros, torch.ones
WRONG = {  # what is wrong: (call, what the message must contain)
    "a query without positions": (
        lambda: attention_weights(of(4), of(2, 4)),
        ["(4,)", "(2, 4)", "(..., position, head_dim)"],
    ),
    "a key without positions": (lambda: attention_weights(of(2, 4), of(4)), ["(2, 4)", "(4,)"]),
    "other head_dim": (lambda: attention_weights(of(2, 4), of(3, 5)), ["query (2, 4)", "key (3, 5)", "last axes"]),
    "other batch": (lambda: attention_weights(of(2, 3, 4), of(5, 3, 4)), ["query (2, 3, 4)", "key (5, 3, 4)", "leading"]),
    "a value too few": (
        lambda: scaled_dot_product_attention(of(2, 4), of(3, 4), of(2, 6)),
        ["key (3, 4) has 3", "value (2, 6) has 2"],
    ),
    "a value for another batch": (
        lambda: scaled_dot_product_attention(of(3, 2, 4), of(1, 3, 4), of(2, 3, 4)),
        ["query (3, 2, 4)", "value (2, 3, 4)", "leading"],
    ),
    "a mask of 1 and 0": (
        lambda: attention_weights(of(2, 4), of(3, 4), torch.ones(7, 3, dtype=torch.int64)),
        ["torch.int64", "(7, 3)", "(2, 3)", "True = may attend", "padding_mask"],
    ),
    "a mask to add": (lambda: attention_weights(of(2, 4), of(3, 4), of(2, 3)), ["boolean", "torch.float32", "(2, 3)"]),
    "a mask of other lengths": (
        lambda: attention_weights(of(2, 4), of(3, 4), torch.ones(3, 2).bool()),
        ["mask (3, 2)", "weights (2, 3)"],
    ),
    "a mask with more axes": (
        lambda: attention_weights(of(2, 4), of(3, 4), torch.ones(5, 2, 3).bool()),
        ["mask (5, 2, 3)", "weights (2, 3)"],
    ),
    "a mask for another batch": (
        lambda: MultiHeadAttention(8, 2)(of(3, 5, 8), mask=padding_mask(torch.ones(2, 5))),
        ["mask (2, 1, 1, 5)", "weights (3, 2, 5, 5)"],
    ),
    "a padding mask of one axis": (lambda: padding_mask(torch.ones(5)), ["(batch, key_pos)", "(5,)"]),
    "heads that do not fit": (lambda: MultiHeadAttention(10, 3), ["10", "3", "hidden_size", "num_heads"]),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_errors_name_both_shapes(wrong):
    call, words = WRONG[wrong]
    with pytest.raises(ValueError) as error:
        call()
    assert all(word in str(error.value) for word in words), error.value


# ---- 7. BERT on our function ----

SENTENCES = ["The film was good.", "I loved the cast, but the story was dull and the ending not great!"]
MINI = Path(__file__).parents[1] / "data" / "mini"


def load(folder, attn_implementation, **options):
    return BertModel.from_pretrained(folder, attn_implementation=attn_implementation, dtype=torch.float32, **options).eval()


@torch.no_grad()
def run(bert, inputs):
    return bert(**inputs, output_hidden_states=True, output_attentions=True)


def encode(folder, padded):
    """Both sentences as a padded batch, or the longer one alone."""
    return AutoTokenizer.from_pretrained(folder)(SENTENCES if padded else SENTENCES[1:], padding=True, return_tensors="pt")


@pytest.fixture(scope="module", params=["tiny", "MiniLM", "mini"])
def checkpoint(request):
    if request.param == "mini":
        return MINI
    return request.getfixturevalue({"tiny": "tiny_checkpoint", "MiniLM": "minilm_folder"}[request.param])


@pytest.mark.parametrize("padded", [True, False], ids=["padded", "unpadded"])
def test_bert_on_our_function_equals_eager(checkpoint, padded, module=attention):
    inputs = encode(checkpoint, padded)
    ours = run(load(checkpoint, module.use_in_transformers()), inputs)
    eager = run(load(checkpoint, "eager"), inputs)
    assert len(ours.attentions) == len(ours.hidden_states) - 1 == len(eager.attentions) > 0
    assert_close(ours.hidden_states, eager.hidden_states, **FP32)
    assert_close(ours.attentions, eager.attentions, **FP32)
    padding = inputs["attention_mask"] == 0
    assert padding.any() == padded
    for weights in ours.attentions:
        assert (weights.movedim(-1, 1)[padding] == 0).all()


def test_bert_in_training_returns_weights_before_dropout(tiny_checkpoint, module=attention):
    torch.manual_seed(0)
    dropout = {"attention_probs_dropout_prob": 0.5, "hidden_dropout_prob": 0.0}
    inputs = encode(tiny_checkpoint, padded=True)
    bert = load(tiny_checkpoint, module.use_in_transformers(), **dropout)
    calm, once, again = run(bert, inputs), run(bert.train(), inputs), run(bert, inputs)
    assert_close(once.attentions[0], calm.attentions[0])
    assert not torch.allclose(once.last_hidden_state, again.last_hidden_state, atol=0.01)
    for weights in once.attentions:
        assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))


@pytest.mark.parametrize("padding_side", [None, "right", "left"])
def test_a_decoder_looks_back_only(tiny_checkpoint, padding_side, module=attention):
    """is_decoder=True makes a GPT of BERT. Where padding is on the left, its first queries may attend to nothing:
    eager averages over everything there, ours is zero, and nobody looks at either."""
    inputs = encode(tiny_checkpoint, padded=padding_side is not None)
    if padding_side == "left":
        inputs = {name: tensor.flip(1) for name, tensor in inputs.items()}
    tokens = inputs["attention_mask"].bool()
    ours = run(load(tiny_checkpoint, module.use_in_transformers(), is_decoder=True), inputs)
    eager = run(load(tiny_checkpoint, "eager", is_decoder=True), inputs)
    for actual, expected in zip(ours.hidden_states, eager.hidden_states, strict=True):
        assert_close(actual[tokens], expected[tokens], **FP32)
    may_attend = tokens[:, None, :] & causal_mask(tokens.shape[1])
    for actual, expected in zip(ours.attentions, eager.attentions, strict=True):
        assert (actual.movedim(1, -1)[~may_attend] == 0).all()
        assert_close(actual.transpose(1, 2)[tokens], expected.transpose(1, 2)[tokens], **FP32)


def test_a_decoder_remembers(tiny_checkpoint):
    """Word by word with a cache gives what the whole sentence gives at once: one query, many keys."""
    ids = encode(tiny_checkpoint, padded=False)["input_ids"]
    bert = load(tiny_checkpoint, attention.use_in_transformers(), is_decoder=True)
    with torch.no_grad():
        whole, step, memory = bert(ids).last_hidden_state, [], None
        for position in range(ids.shape[1]):
            result = bert(ids[:, position : position + 1], past_key_values=memory, use_cache=True)
            memory = result.past_key_values
            step.append(result.last_hidden_state)
    assert_close(torch.cat(step, dim=1), whole, **FP32)


def test_the_name_may_be_asked_for_twice(tiny_checkpoint):
    inputs = encode(tiny_checkpoint, padded=True)
    once = run(load(tiny_checkpoint, attention.use_in_transformers()), inputs)
    assert attention.use_in_transformers() == "bertnotes"
    twice = run(load(tiny_checkpoint, "bertnotes"), inputs)
    assert_close(twice.last_hidden_state, once.last_hidden_state)


def test_a_model_that_does_not_scale_by_the_root_of_d_k_is_refused(tiny_checkpoint):
    """Its numbers would be wrong, and nobody would notice."""
    bert = load(tiny_checkpoint, attention.use_in_transformers())
    bert.encoder.layer[1].attention.self.scaling = 1.0
    with pytest.raises(ValueError, match=r"1/√8 = 0\.3536, but this model wants 1: .*eager"):
        run(bert, encode(tiny_checkpoint, padded=False))


@pytest.mark.parametrize("key_heads", [1, 2])
def test_a_model_whose_query_heads_share_key_heads_is_refused(key_heads):
    attend = AttentionInterface()[attention.use_in_transformers()]
    query, key = torch.randn(2, 4, 5, 8), torch.randn(2, key_heads, 5, 8)
    with pytest.raises(ValueError, match=rf"4 query heads and {key_heads} key heads: .*eager"):
        attend(None, query, key, key, None, scaling=8**-0.5)
    output, _ = attend(None, query, query, query, None)  # no scaling named: 1/√head_dim is meant
    assert output.shape == (2, 5, 4, 8)


OPTIONS = {  # what models of transformers hand their attention: what changes the weights, and what does not
    "softcap": 50.0,
    "position_bias": torch.zeros(1, 4, 5, 5),
    "s_aux": torch.zeros(4),
    "sinks": torch.zeros(4),
    "indices": torch.zeros(2, 5, 3),
    "block_indices": torch.zeros(2, 4, 5, 1),
    "cache": object(),
}
HARMLESS = {
    "is_causal": False,
    "output_attentions": True,
    "cache_position": torch.arange(5),
    "position_ids": None,
    "use_cache": True,
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_model_whose_scores_have_more_to_them_is_refused(name):
    """Its numbers would be wrong, and nobody would notice. Where the option is None, there is nothing to it."""
    attend, query = AttentionInterface()[attention.use_in_transformers()], torch.randn(2, 4, 5, 8)
    with pytest.raises(ValueError, match=rf"nothing more; this model also wants {name}: .*eager"):
        attend(None, query, query, query, None, **{name: OPTIONS[name]}, **HARMLESS)
    attend(None, query, query, query, None, **{name: None})


def test_options_that_change_no_weight_are_passed_over():
    attend, query = AttentionInterface()[attention.use_in_transformers()], torch.randn(2, 4, 5, 8)
    told, plain = attend(None, query, query, query, None, **HARMLESS), attend(None, query, query, query, None)
    assert_close(told, plain, rtol=0, atol=0)


def test_gemma_is_refused_for_its_bounded_scores():
    """A model that scales as BERT does, has as many key heads as query heads, and bounds its scores all the same."""
    sizes = {"vocab_size": 20, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    heads = {"num_key_value_heads": 2, "head_dim": 8, "query_pre_attn_scalar": 8}
    bounded = Gemma2Config(**sizes, **heads, attn_implementation=attention.use_in_transformers())
    with pytest.raises(ValueError, match="also wants softcap: "):
        Gemma2Model(bounded)(torch.ones(1, 3, dtype=torch.long))
    bounded.attn_logit_softcapping = None
    assert Gemma2Model(bounded)(torch.ones(1, 3, dtype=torch.long)).last_hidden_state.shape == (1, 3, 16)


# ---- 8. Shapes and defaults ----


def test_causal_mask(module=attention):
    expected = torch.tensor([[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]).bool()
    assert torch.equal(module.causal_mask(4), expected)
    assert module.causal_mask(1).tolist() == [[True]]


@pytest.mark.parametrize("dtype", [torch.int64, torch.float32, torch.bool])
def test_padding_mask(dtype, module=attention):
    mask = module.padding_mask(torch.tensor([[1, 1, 1], [1, 0, 0]]).to(dtype))
    assert mask.dtype == torch.bool and mask.shape == (2, 1, 1, 3)
    assert mask.squeeze().tolist() == [[True, True, True], [True, False, False]]


def test_masks_combine(module=attention):
    """& of both masks: look back, and not at padding."""
    both = module.causal_mask(3) & module.padding_mask(torch.tensor([[1, 1, 1], [1, 1, 0]]))
    assert both.shape == (2, 1, 3, 3)
    assert both[1, 0].int().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 0]]


def test_split_gives_each_head_its_slice_and_merge_puts_them_back(module=attention):
    """As many heads as positions: mixing the two axes up would not show in the shape."""
    layer, hidden = module.MultiHeadAttention(HIDDEN, HEADS), torch.randn(BATCH, HEADS, HIDDEN)
    heads = layer.split(hidden)
    assert heads.shape == (BATCH, HEADS, HEADS, HEAD_DIM)
    for head in range(HEADS):
        assert torch.equal(heads[:, head], hidden[:, :, head * HEAD_DIM : (head + 1) * HEAD_DIM])
    assert torch.equal(layer.merge(heads), hidden)
    assert torch.equal(layer.split(layer.merge(heads)), heads)


def test_key_is_the_query_and_value_the_key_by_default(module=attention):
    torch.manual_seed(0)
    layer = module.MultiHeadAttention(HIDDEN, HEADS)
    query, key, value = (torch.randn(BATCH, n, HIDDEN) for n in (3, 5, 5))
    assert_close(layer(query), layer(query, query, query))
    assert_close(layer(query, key), layer(query, key, key))
    assert not torch.allclose(layer(query, key, value)[0], layer(query, key)[0])
    output, weights = layer(query, key, value)
    assert output.shape == (BATCH, 3, HIDDEN) and weights.shape == (BATCH, HEADS, 3, 5)


def test_leading_axes_broadcast():
    """One sentence of keys for a whole batch, any number of axes in front, values as wide as they like."""
    query, key, value = torch.randn(6, BATCH, HEADS, 5, 4), torch.randn(HEADS, 7, 4), torch.randn(HEADS, 7, 9)
    output, weights = scaled_dot_product_attention(query, key, value)
    assert output.shape == (6, BATCH, HEADS, 5, 9) and weights.shape == (6, BATCH, HEADS, 5, 7)
    assert_close(output[4, 1, 2], scaled_dot_product_attention(query[4, 1, 2], key[2], value[2])[0])


def test_examples_in_the_docstrings():
    failed, tried = doctest.testmod(attention)
    assert tried >= 10 and failed == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("masked", [False, True])
def test_half_precision_holds_scores_that_it_could_not_write_down(dtype, masked):
    """A dot product of 100,000 is beyond float16; computed in float32 the weights are those of torch's own attention."""
    torch.manual_seed(0)
    query, key = ((40 + torch.randn(2, 3, 5, 64)).to(dtype) for _ in range(2))
    value, mask = torch.randn(2, 3, 5, 8).to(dtype), torch.ones(5, 5, dtype=torch.bool).tril() if masked else None
    output, weights = scaled_dot_product_attention(query, key, value, mask)
    exact = attention_weights(query.float(), key.float(), mask)
    assert weights.dtype == output.dtype == dtype and torch.equal(weights, exact.to(dtype))
    theirs = torch.nn.functional.scaled_dot_product_attention(query, key, value, mask)
    torch.testing.assert_close(output, theirs, atol=2e-2, rtol=2e-2)
