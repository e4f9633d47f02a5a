"""Attention a slice at a time against paper and pencil, against the function of notebook 01, and inside BERT."""

import doctest
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd.graph import saved_tensors_hooks
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AttentionInterface, BertModel

from bertnotes import blockwise
from bertnotes.attention import attention_weights, causal_mask, padding_mask, scaled_dot_product_attention
from bertnotes.blockwise import blockwise_attention, use_blockwise_in_transformers
from bertnotes.classifier import BERTClassifier
from bertnotes.models import load_encoder, load_tokenizer
from bertnotes.pictures.view import attention_view

BATCH, HEADS, HEAD_DIM = 2, 3, 4
CLOSE = {torch.float32: {"atol": 1e-5, "rtol": 1e-5}, torch.float64: {"atol": 1e-10, "rtol": 1e-10}}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """With matrices this small threads do little but wait for each other: several times as long on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


# ---- 1. By hand: two tokens ----

QUERY = torch.tensor([[2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
KEY = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
VALUE = torch.tensor([[10.0], [20.0]])


def test_two_tokens_by_hand():
    """Query 1 scores 2 / √4 = 1 and 0; query 2 scores 0 and 0."""
    first = math.e / (math.e + 1)
    assert_close(blockwise_attention(QUERY, KEY, VALUE), torch.tensor([[first * 10 + (1 - first) * 20], [15.0]]))


def test_gradients_of_two_tokens_by_hand():
    """The output is 20 - 10 w, w = sigmoid(score 1 - score 2), whose slope is w (1 - w); each score is query · key / 2."""
    query, key, value = (tensor[:2].clone().requires_grad_() for tensor in (QUERY[:1], KEY, VALUE))
    blockwise_attention(query, key, value).sum().backward()
    w = math.e / (math.e + 1)
    slope = -10 * w * (1 - w) / 2
    assert_close(value.grad, torch.tensor([[w], [1 - w]]))
    assert_close(query.grad, torch.tensor([[slope, -slope, 0.0, 0.0]]))
    assert_close(key.grad, torch.tensor([[2 * slope, 0.0, 0.0, 0.0], [-2 * slope, 0.0, 0.0, 0.0]]))


def test_a_mask_by_hand():
    """Query 1 may look at nothing, query 2 at key 2 only."""
    assert blockwise_attention(QUERY, KEY, VALUE, torch.tensor([[False, False], [False, True]])).tolist() == [[0.0], [20.0]]


# ---- 2. Parity with notebook 01, forward and backward ----

BLOCKED_ROW = torch.ones(5, 5, dtype=torch.bool)
BLOCKED_ROW[2] = False
PER_HEAD = torch.rand(BATCH, HEADS, 5, 5, generator=torch.Generator().manual_seed(0)) > 0.5
PADDING = padding_mask(torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]))

CASES = {  # name: (query_pos, key_pos, mask)
    "no mask": (5, 5, None),
    "causal": (5, 5, causal_mask(5)),
    "padding": (5, 5, PADDING),
    "padding, repeated for each query": (5, 5, PADDING.expand(BATCH, 1, 5, 5)),
    "causal and padding": (5, 5, causal_mask(5) & PADDING),
    "cross": (3, 7, None),
    "cross with padding": (3, 7, padding_mask((torch.arange(7) < torch.tensor([[7], [4]])).long())),
    "one query": (1, 7, None),
    "fully masked row": (5, 5, BLOCKED_ROW),
    "a sentence without tokens": (5, 5, padding_mask(torch.tensor([[1, 1, 1, 1, 1], [0, 0, 0, 0, 0]]))),
    "nobody may attend": (5, 5, torch.tensor(False)),
    "a mask over keys alone": (5, 5, torch.tensor([True, False, True, True, False])),
    "per head": (5, 5, PER_HEAD),
    "per head, one for all queries": (5, 5, PER_HEAD[:, :, :1]),
    "per head, one for both sentences": (5, 5, PER_HEAD[0]),
}
each_case = pytest.mark.parametrize("case", CASES)


def heads_of(case, dtype=torch.float64):
    """Random query, key and value of a case, (batch, head, position, head_dim), and its mask."""
    torch.manual_seed(0)
    query_pos, key_pos, mask = CASES[case]
    return *(torch.randn(BATCH, HEADS, n, HEAD_DIM, dtype=dtype) for n in (query_pos, key_pos, key_pos)), mask


def of_output(output):
    """Fixed numbers in the place of the gradient that a loss would send back, exact in half precision too."""
    return torch.randint(-8, 9, output.shape, generator=torch.Generator().manual_seed(1)).to(output) / 4


def output_and_gradients(attend, *inputs):
    """attend(*inputs) and d(output * fixed random numbers).sum() / d(each input)"""
    inputs = [tensor.detach().clone().requires_grad_() for tensor in inputs]
    output = attend(*inputs)
    return output.detach(), *torch.autograd.grad(output, inputs, of_output(output))


@each_case
@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("slice_size", [1, 100, 2**20])  # one head, a few heads with a rest, everything
def test_output_and_gradients_equal_those_of_notebook_01(case, dtype, slice_size):
    *inputs, mask = heads_of(case, dtype)
    with torch.autograd.set_detect_anomaly(True):  # stops at a NaN anywhere on the way back
        ours = output_and_gradients(lambda *heads: blockwise_attention(*heads, mask, slice_size=slice_size), *inputs)
    known = output_and_gradients(lambda *heads: scaled_dot_product_attention(*heads, mask)[0], *inputs)
    for actual, expected in zip(ours, known, strict=True):
        assert_close(actual, expected, **CLOSE[dtype])


def test_a_row_without_keys_gives_nothing_and_takes_nothing():
    *inputs, mask = heads_of("fully masked row")
    output, of_query, _, _ = output_and_gradients(lambda *heads: blockwise_attention(*heads, mask), *inputs)
    assert (output[:, :, 2] == 0).all() and (of_query[:, :, 2] == 0).all() and (of_query[:, :, 3] != 0).all()
    for numbers in output_and_gradients(lambda *heads: blockwise_attention(*heads, torch.tensor(False)), *inputs):
        assert (numbers == 0).all()


def test_leading_axes_broadcast():
    """One sentence of keys for a whole batch, any number of axes in front, values as wide as they like."""
    inputs = torch.randn(6, BATCH, HEADS, 5, 4), torch.randn(HEADS, 7, 4), torch.randn(HEADS, 7, 9)
    mask = torch.rand(BATCH, 1, 1, 7) > 0.3
    ours = output_and_gradients(lambda *heads: blockwise_attention(*heads, mask, slice_size=70), *inputs)
    known = output_and_gradients(lambda *heads: scaled_dot_product_attention(*heads, mask)[0], *inputs)
    assert ours[0].shape == (6, BATCH, HEADS, 5, 9)
    assert_close(ours, known, **CLOSE[torch.float32])


@pytest.mark.parametrize("shape", [(0, 3, 5, 4), (2, 0, 5, 4), (2, 3, 0, 4)])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_an_empty_batch(shape, dropout):
    heads = torch.randn(shape, requires_grad=True)
    output = blockwise_attention(heads, heads, heads, torch.ones(shape[2], shape[2]).bool(), dropout)
    output.sum().backward()
    assert output.shape == heads.grad.shape == shape


def test_no_keys_at_all_give_zeros():
    assert (
        blockwise_attention(torch.randn(2, 5, 4), torch.randn(2, 0, 4), torch.randn(2, 0, 3)).tolist() == [[[0.0] * 3] * 5] * 2
    )


@settings(deadline=None, derandomize=True, max_examples=60, database=None)
@given(
    slice_size=st.integers(1, 200),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 5), st.integers(1, 5)),
    masked=st.booleans(),
)
def test_slices_of_any_size_give_the_same(slice_size, shape, masked):
    *leading, query_pos, key_pos = shape
    torch.manual_seed(0)
    heads = [torch.randn(*leading, n, 4, dtype=torch.float64) for n in (query_pos, key_pos, key_pos)]
    mask = torch.rand(shape) > 0.4 if masked else None
    sliced = output_and_gradients(lambda *heads: blockwise_attention(*heads, mask, slice_size=slice_size), *heads)
    assert_close(sliced, output_and_gradients(lambda *heads: blockwise_attention(*heads, mask), *heads))


# ---- 3. Gradients, numerically ----


@pytest.mark.parametrize("case", ["causal and padding", "cross", "fully masked row", "per head"])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_gradients_numerically(case, dropout):
    *inputs, mask = heads_of(case)
    inputs = [tensor[..., :2].clone().requires_grad_() for tensor in inputs]

    def attend(*heads):
        torch.manual_seed(3)
        return blockwise_attention(*heads, mask, dropout, slice_size=40)

    assert torch.autograd.gradcheck(attend, inputs)


@pytest.mark.parametrize("learns", range(3))
def test_only_one_of_the_three_learns(learns):
    inputs = list(heads_of("padding")[:3])
    known = output_and_gradients(lambda *heads: scaled_dot_product_attention(*heads)[0], *inputs)
    inputs[learns].requires_grad_()
    output = blockwise_attention(*inputs)
    output.backward(of_output(output))
    assert_close(inputs[learns].grad, known[1 + learns])
    assert all(tensor.grad is None for place, tensor in enumerate(inputs) if place != learns)


@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_without_gradients(off):
    inputs = [tensor.requires_grad_() for tensor in heads_of("padding")[:3]]
    with off():
        output = blockwise_attention(*inputs, PADDING)
        assert not output.requires_grad
        assert_close(output, scaled_dot_product_attention(*inputs, PADDING)[0])


def test_a_gradient_of_the_gradient_is_refused():
    """It would be wrong in silence otherwise."""
    inputs = [tensor.requires_grad_() for tensor in heads_of("no mask")[:3]]
    (gradient,) = torch.autograd.grad(blockwise_attention(*inputs).square().sum(), inputs[0], create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


# ---- 4. Dropout ----


def kept(query, key, mask=None, dropout=0.3, seed=7, slice_size=100):
    """Which weights a call with this seed keeps: with the identity as values, the output is what dropout leaves of them."""
    torch.manual_seed(seed)
    identity = torch.eye(key.shape[-2], dtype=key.dtype).expand(*key.shape[:-1], key.shape[-2])
    return blockwise_attention(query, key, identity, mask, dropout, slice_size) != 0


@each_case
def test_the_backward_pass_drops_what_the_forward_pass_dropped(case):
    """Against an explicit computation with the same weights dropped. 0.3 is 77/256, as in drop."""
    *inputs, mask = heads_of(case)
    stays = kept(*inputs[:2], mask)

    def explicit(query, key, value):
        return (attention_weights(query, key, mask) * stays * (256 / (256 - 77))) @ value

    def ours(*heads):
        torch.manual_seed(7)
        return blockwise_attention(*heads, mask, 0.3, slice_size=100)

    assert_close(output_and_gradients(ours, *inputs), output_and_gradients(explicit, *inputs), **CLOSE[torch.float64])


def test_a_draw_between_the_passes_changes_nothing():
    """The backward pass has a generator of its own, and leaves torch's alone."""
    inputs = [tensor.requires_grad_() for tensor in heads_of("no mask")[:3]]
    gradients = []
    for draws in (0, 5):
        torch.manual_seed(7)
        output = blockwise_attention(*inputs, dropout=0.3)
        torch.rand(draws)
        before = torch.get_rng_state()
        gradients.append(torch.autograd.grad(output.sum(), inputs))
        assert torch.equal(torch.get_rng_state(), before)
    assert_close(*gradients, rtol=0, atol=0)


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5, 0.9])
def test_a_share_of_the_weights_goes_and_the_mean_stays(rate):
    query, key = torch.randn(4, 200, HEAD_DIM), torch.randn(4, 250, HEAD_DIM)
    gone = (~kept(query, key, dropout=rate, slice_size=60_000)).float()
    assert gone.mean().item() == pytest.approx(rate, abs=1 / 512 + 0.004)
    heads = [head.flatten() for head in gone]
    assert all(not torch.equal(head, heads[0]) for head in heads[1:]), "each slice draws anew"
    total = blockwise_attention(query, key, torch.ones(4, 250, 1), dropout=rate)  # the sum of what is left of each row
    assert total.mean().item() == pytest.approx(1, abs=0.03)


def test_what_stays_is_enlarged_as_in_drop():
    """One half is 128/256: each weight is dropped or doubled."""
    query, key = torch.randn(8, HEAD_DIM), torch.randn(10, HEAD_DIM)
    dropped, weights = blockwise_attention(query, key, torch.eye(10), dropout=0.5), attention_weights(query, key)
    assert 0 < (dropped == 0).sum() < 80
    assert_close(dropped, torch.where(dropped == 0, 0.0, 2 * weights))


def test_everything_may_be_dropped():
    inputs = torch.randn(3, BATCH, 50, 4)
    for numbers in output_and_gradients(lambda *heads: blockwise_attention(*heads, dropout=1.0), *inputs):
        assert (numbers == 0).all()


def test_the_seed_decides_and_each_call_draws_anew():
    query, key, *_ = heads_of("no mask")
    first, same, other = kept(query, key), kept(query, key), kept(query, key, seed=8)
    assert torch.equal(first, same) and not torch.equal(first, other)
    torch.manual_seed(7)
    calls = [blockwise_attention(query, key, key, dropout=0.3) for _ in range(2)]
    assert not torch.allclose(*calls)


def test_nothing_is_drawn_without_dropout():
    inputs = heads_of("no mask")[:3]
    before = torch.get_rng_state()
    blockwise_attention(*inputs)
    assert torch.equal(torch.get_rng_state(), before)


# ---- 5. Half precision ----


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_rounded_at_the_end_only(dtype):
    *inputs, mask = heads_of("causal and padding", dtype)
    ours = output_and_gradients(lambda *heads: blockwise_attention(*heads, mask), *inputs)
    exact = output_and_gradients(
        lambda *heads: scaled_dot_product_attention(*heads, mask)[0], *(tensor.float() for tensor in inputs)
    )
    for actual, expected in zip(ours, exact, strict=True):
        assert actual.dtype == dtype
        assert_close(actual, expected.to(dtype), rtol=torch.finfo(dtype).eps, atol=1e-4)


def test_large_scores_do_not_overflow_in_half_precision():
    """The score is 300 · 300 · 4 / 2 = 180,000, and the largest float16 is 65,504."""
    query = torch.full((1, 4), 300.0, dtype=torch.float16)
    output = blockwise_attention(query, torch.cat([query, -query]), torch.tensor([[1.0], [2.0]], dtype=torch.float16))
    assert output.tolist() == [[1.0]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_mixed_precision(dtype):
    """Under autocast the output has the type that notebook 01's has, in training a gradient comes back in the input's type."""
    *inputs, mask = heads_of("fully masked row", dtype)
    inputs = [tensor.requires_grad_() for tensor in inputs]
    exact, _ = scaled_dot_product_attention(*(tensor.float() for tensor in inputs), mask)
    with torch.autocast("cpu", torch.bfloat16):
        output, (known, _) = blockwise_attention(*inputs, mask, 0.0), scaled_dot_product_attention(*inputs, mask)
        output.float().sum().backward()
    assert output.dtype == known.dtype
    assert_close(output.float(), exact, atol=0.02, rtol=0.02)
    assert all(tensor.grad.dtype == dtype and tensor.grad.isfinite().all() for tensor in inputs)
    expected = torch.autograd.grad(exact.sum(), inputs)
    assert_close([tensor.grad for tensor in inputs], list(expected), atol=0.02, rtol=0.02)


# ---- 6. Memory ----

LONG = (2, 4, 64)  # batch, head, position
ALL_WEIGHTS = 2 * 4 * 64 * 64
LONG_MASKS = {
    "no mask": None,
    "causal": causal_mask(64),
    "padding as transformers gives it": padding_mask(torch.ones(2, 64)).expand(2, 1, 64, 64),
}


def saved_sizes(attend):
    """How many numbers each tensor has that is kept for the backward pass."""
    sizes = []
    with saved_tensors_hooks(lambda tensor: sizes.append(tensor.numel()) or tensor, lambda tensor: tensor):
        attend(*(torch.randn(*LONG, HEAD_DIM, requires_grad=True) for _ in range(3)))
    return sizes


@pytest.mark.parametrize("mask", LONG_MASKS)
def test_nothing_as_large_as_the_weights_is_kept(mask):
    """Not even the weights of one head; the function of notebook 01 keeps all of them."""
    sizes = saved_sizes(lambda *heads: blockwise_attention(*heads, LONG_MASKS[mask], 0.1))
    assert max(sizes) <= 64 * 64
    assert max(saved_sizes(lambda *heads: scaled_dot_product_attention(*heads, LONG_MASKS[mask], 0.1)[0])) == ALL_WEIGHTS


class Largest(TorchDispatchMode):
    """Watches every step of torch for the largest tensor that comes out of it."""

    numbers = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, torch.Tensor):
                self.numbers = max(self.numbers, tensor.untyped_storage().nbytes() // tensor.element_size())
        return result


@pytest.mark.parametrize("mask", LONG_MASKS)
def test_nothing_as_large_as_the_weights_is_ever_made(mask):
    """Three slices of one head each, forward and backward."""
    heads = [torch.randn(*LONG, HEAD_DIM, requires_grad=True) for _ in range(3)]
    with Largest() as largest:
        blockwise_attention(*heads, LONG_MASKS[mask], 0.1, slice_size=64 * 64).sum().backward()
    assert largest.numbers == 3 * 64 * 64
    with Largest() as largest:
        scaled_dot_product_attention(*heads, LONG_MASKS[mask], 0.1)[0].sum().backward()
    assert largest.numbers == ALL_WEIGHTS


# ---- 7. Errors ----

of = torch.zeros
WRONG = {  # what is wrong: (the arguments, what the message must contain)
    "a query without positions": ((of(4), of(2, 4), of(2, 4)), ["(4,)", "(..., position, head_dim)"]),
    "other head_dim": ((of(2, 4), of(3, 5), of(3, 5)), ["query (2, 4)", "key (3, 5)", "last axes"]),
    "other batch": ((of(2, 3, 4), of(5, 3, 4), of(5, 3, 4)), ["query (2, 3, 4)", "key (5, 3, 4)", "leading"]),
    "a value too few": ((of(2, 4), of(3, 4), of(2, 6)), ["key (3, 4) has 3", "value (2, 6) has 2"]),
    "a value without positions": ((of(2, 4), of(3, 4), of(3)), ["value (3,)"]),
    "values of another batch": ((of(2, 4), of(3, 3, 4), of(2, 3, 4)), ["(3, 3, 4)", "(2, 3, 4)", "leading"]),
    "a mask of 1 and 0": ((of(2, 4), of(3, 4), of(3, 4), of(2, 3).long()), ["torch.int64", "(2, 3)", "True = may attend"]),
    "a mask of other lengths": ((of(2, 4), of(3, 4), of(3, 4), of(3, 2).bool()), ["mask (3, 2)", "weights (2, 3)"]),
    "a mask with more axes": ((of(2, 4), of(3, 4), of(3, 4), of(5, 2, 3).bool()), ["mask (5, 2, 3)", "weights (2, 3)"]),
    "a dropout above 1": ((of(2, 4), of(3, 4), of(3, 4), None, 1.5), ["from 0 to 1; got 1.5"]),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_errors_name_what_was_met(wrong):
    arguments, words = WRONG[wrong]
    with pytest.raises(ValueError) as error:
        blockwise_attention(*arguments)
    assert all(word in str(error.value) for word in words), error.value


# ---- 8. BERT on it ----

SENTENCES = ["The film was good.", "I loved the cast, but the story was dull and the ending not great!"]


@pytest.fixture(scope="module")
def reviews():
    """Both sentences as mini reads them, the shorter one padded."""
    return load_tokenizer("mini")(SENTENCES, padding=True, return_tensors="pt")


@pytest.mark.parametrize("padded", [True, False])
@torch.inference_mode()
def test_mini_reads_as_with_eager(reviews, padded):
    inputs = reviews if padded else {name: ids[1:] for name, ids in reviews.items()}
    ours, eager = (
        load_encoder("mini", attention)(**inputs, output_hidden_states=True).hidden_states
        for attention in ("blockwise", "eager")
    )
    tokens = inputs["attention_mask"].bool()
    assert len(ours) == 7 and tokens.all() != padded
    for actual, expected in zip(ours, eager, strict=True):
        assert_close(actual[tokens], expected[tokens], atol=1e-4, rtol=0)


def test_a_training_step_of_mini_has_the_gradients_of_bertnotes(reviews):
    gradients = []
    for attention in ("blockwise", "bertnotes"):
        torch.manual_seed(0)
        model = BERTClassifier("mini", 2, attention).eval()
        logits = model(reviews["input_ids"], reviews["attention_mask"])
        torch.nn.functional.cross_entropy(logits, torch.tensor([1, 0])).backward()
        gradients.append({name: weight.grad for name, weight in model.named_parameters()})
    assert all(
        gradient.abs().sum() > 0 for name, gradient in gradients[0].items() if "word_embeddings" in name or "query" in name
    )
    assert_close(*gradients, atol=1e-5, rtol=1e-4)


def test_dropout_arrives_in_training_only(tiny_checkpoint):
    encoder = load_encoder(tiny_checkpoint, "blockwise", attention_dropout=0.5)
    for layer in encoder.modules():
        if isinstance(layer, torch.nn.Dropout) and layer.p == 0.1:
            layer.p = 0.0
    ids = torch.randint(5, 60, (2, 7))
    calm, again = (encoder.eval()(ids).last_hidden_state for _ in range(2))
    once, twice = (encoder.train()(ids).last_hidden_state for _ in range(2))
    assert torch.equal(calm, again) and not torch.allclose(once, calm, atol=0.01) and not torch.allclose(once, twice, atol=0.01)


@pytest.mark.parametrize("padding", [0, 2])
@torch.inference_mode()
def test_a_decoder_looks_back_only(tiny_checkpoint, padding):
    """Where padding is on the left, the first queries may attend to nothing, and nobody looks at them."""
    tokens = torch.ones(2, 6, dtype=torch.bool)
    tokens[0, :padding] = False
    ids, hidden = torch.randint(5, 60, (2, 6)), []
    for attention in (use_blockwise_in_transformers(), "eager"):
        bert = BertModel.from_pretrained(tiny_checkpoint, attn_implementation=attention, is_decoder=True).eval()
        hidden.append(bert(ids, attention_mask=tokens.long()).last_hidden_state[tokens])
    assert_close(*hidden, **CLOSE[torch.float32])


def test_there_are_no_weights_to_look_at(tiny_checkpoint):
    """`attentions` is empty, as with sdpa, and what needs weights says which attention to ask for."""
    outputs = load_encoder(tiny_checkpoint, "blockwise")(torch.randint(5, 60, (1, 3)), output_attentions=True)
    assert outputs.attentions == ()
    with pytest.raises(ValueError, match=r'attention="eager".*"sdpa" and "blockwise" give none'):
        attention_view(outputs.attentions, ["a", "b", "c"])


def test_a_model_with_other_scores_is_refused():
    attend = AttentionInterface()[use_blockwise_in_transformers()]
    query, key = torch.randn(2, 4, 5, 8), torch.randn(2, 2, 5, 8)
    with pytest.raises(ValueError, match=r"1/√8 = 0\.3536, but this model wants 1"):
        attend(None, query, query, query, None, scaling=1.0)
    with pytest.raises(ValueError, match=r"4 query heads and 2 key heads"):
        attend(None, query, key, key, None, scaling=8**-0.5)
    output, weights = attend(None, query, query, query, None, 0.0, scaling=8**-0.5)
    assert output.shape == (2, 5, 4, 8) and weights is None


# ---- 9. Elsewhere than on a CPU; examples ----


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_on_a_gpu():
    *inputs, mask = (tensor.cuda() for tensor in heads_of("causal and padding"))
    ours = output_and_gradients(lambda *heads: blockwise_attention(*heads, mask, slice_size=60), *inputs)
    assert_close(ours, output_and_gradients(lambda *heads: scaled_dot_product_attention(*heads, mask)[0], *inputs))

    def attend(*heads):
        torch.manual_seed(3)
        return blockwise_attention(*heads, mask, 0.3)

    assert torch.autograd.gradcheck(attend, [tensor.requires_grad_() for tensor in inputs])
    total = blockwise_attention(
        torch.randn(4, 300, 8).cuda(), torch.randn(4, 300, 8).cuda(), torch.ones(4, 300, 1).cuda(), None, 0.3
    )
    assert total.mean().item() == pytest.approx(1, abs=0.03)


def test_examples_in_the_docstrings():
    failed, tried = doctest.testmod(blockwise)
    assert tried >= 2 and failed == 0
