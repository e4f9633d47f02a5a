"""Attention: every position asks a question of all others and takes a weighted average of their answers.

Pages 01, 02 and 03 build it; with `use_in_transformers` BERT itself runs on it. Vaswani et al. 2017, "Attention Is All You
Need", sections 3.2.1 and 3.2.2.

Axes, always in this order: batch, head, query_pos, key_pos, head_dim. "..." stands for any leading axes.
Masks are boolean and True means "may attend".
"""

import math
from dataclasses import dataclass

import torch
from torch import nn

from bertnotes.dropout import drop


def attention_weights(query, key, mask=None):
    """How much each query looks at each key: softmax(Q Kᵀ / √d_k), the paper's equation 1 without V.

    query: (..., query_pos, head_dim); key: (..., key_pos, head_dim); mask: boolean, broadcasts to the result.
    Returns weights (..., query_pos, key_pos). Each row sums to 1; a row that may attend to nothing is all zeros.
    Raises ValueError where shapes do not fit or the mask is not boolean.

    >>> query = torch.tensor([[1.0, 0.0]])
    >>> key = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> attention_weights(query, key)  # scores 1/√2 and 0
    tensor([[0.6698, 0.3302]])
    """
    _check_shapes(query, key)
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is None:
        return scores.softmax(dim=-1)
    _check_mask(mask, scores.shape)
    # The lowest finite number, not -inf: softmax over a row of -inf alone would be NaN inside, and its gradient too.
    scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return scores.softmax(dim=-1).masked_fill(~mask, 0.0)


def scaled_dot_product_attention(query, key, value, mask=None, dropout=0.0):
    """Attend: softmax(Q Kᵀ / √d_k) V, the paper's equation 1. The weights come back beside the output.

    query: (..., query_pos, head_dim); key: (..., key_pos, head_dim); value: (..., key_pos, any);
    mask: boolean, broadcasts to the weights, True = may attend; dropout: share of weights dropped at random (0: none).
    Returns (output (..., query_pos, any), weights (..., query_pos, key_pos)); the weights are those before dropout.
    Raises ValueError where shapes do not fit or the mask is not boolean.

    >>> query = torch.tensor([[1.0, 0.0]])
    >>> key = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> value = torch.tensor([[10.0], [20.0]])
    >>> output, weights = scaled_dot_product_attention(query, key, value)
    >>> output  # 0.6698 * 10 + 0.3302 * 20
    tensor([[13.3024]])
    """
    weights = attention_weights(query, key, mask)
    _check_value(key, value)
    output = drop(weights, dropout) @ value
    return output, weights


def causal_mask(length):
    """Each position may look at itself and back, never ahead: how a GPT reads. Returns bool (query_pos, key_pos).

    >>> causal_mask(3)
    tensor([[ True, False, False],
            [ True,  True, False],
            [ True,  True,  True]])
    """
    return torch.ones(length, length, dtype=torch.bool).tril()


def padding_mask(attention_mask):
    """Nobody may look at padding. attention_mask: (batch, key_pos), 1 for a token, 0 for padding, as tokenizers give it.

    Returns bool (batch, 1, 1, key_pos), which broadcasts over heads and queries.

    >>> padding_mask(torch.tensor([[1, 1, 0]]))
    tensor([[[[ True,  True, False]]]])
    """
    if attention_mask.ndim != 2:
        raise ValueError(f"attention_mask is (batch, key_pos), as a tokenizer gives it; got {_shape(attention_mask)}")
    return attention_mask[:, None, None, :].bool()


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each on its own slice of the hidden vector, then mixed (Vaswani et al. 2017, 3.2.2).

    forward(query, key=None, value=None, mask=None): query (batch, query_pos, hidden_size); key and value
    (batch, key_pos, hidden_size), by default the query itself (self-attention), value by default the key.
    mask: boolean, broadcasts to (batch, head, query_pos, key_pos), True = may attend.
    Returns (output (batch, query_pos, hidden_size), weights (batch, head, query_pos, key_pos)).

    >>> attention = MultiHeadAttention(hidden_size=8, num_heads=2)
    >>> output, weights = attention(torch.randn(1, 5, 8))
    >>> tuple(output.shape), tuple(weights.shape)
    ((1, 5, 8), (1, 2, 5, 5))
    """

    def __init__(self, hidden_size, num_heads, dropout=0.0):
        super().__init__()
        if num_heads < 1 or hidden_size % num_heads:
            raise ValueError(f"hidden_size must be a multiple of num_heads, at least 1; got {hidden_size} and {num_heads}")
        self.num_heads = num_heads
        self.dropout = dropout
        self.query = nn.Linear(hidden_size, hidden_size)
        self.key = nn.Linear(hidden_size, hidden_size)
        self.value = nn.Linear(hidden_size, hidden_size)
        self.output = nn.Linear(hidden_size, hidden_size)

    def forward(self, query, key=None, value=None, mask=None):
        key = query if key is None else key
        value = key if value is None else value
        for hidden in (query, key, value):
            if hidden.ndim != 3 or hidden.shape[-1] != self.query.in_features:
                raise ValueError(f"expected (batch, position, hidden_size={self.query.in_features}); got {_shape(hidden)}")
        heads, weights = scaled_dot_product_attention(
            self.split(self.query(query)),
            self.split(self.key(key)),
            self.split(self.value(value)),
            mask,
            self.dropout if self.training else 0.0,
        )
        return self.output(self.merge(heads)), weights

    def split(self, hidden):
        """(batch, position, hidden_size) -> (batch, head, position, head_dim)"""
        return hidden.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def merge(self, heads):
        """(batch, head, position, head_dim) -> (batch, position, hidden_size)"""
        return heads.transpose(1, 2).flatten(2)


@dataclass(frozen=True, eq=False)
class Attention:
    """Where a model looked in one text: what `bertnotes.attend` returns and every picture takes.

    weights: (layer, head, query_pos, key_pos); tokens: the name of each position; pair_start: with two sentences, the position
    of the second one's first token; logits: (class,), where the model is a classifier.
    """

    weights: torch.Tensor
    tokens: list[str]
    pair_start: int | None = None
    logits: torch.Tensor | None = None

    def __repr__(self):
        layers, heads = self.weights.shape[:2]
        return f"Attention({layers} layers, {heads} heads, {len(self.tokens)} tokens: {' '.join(self.tokens)})"


def check_attentions(attentions):
    """Raise ValueError where a model gave no attention weights. attentions: what it returned, one tensor a layer."""
    if attentions is None or len(attentions) == 0 or any(layer is None for layer in attentions):
        raise ValueError(
            'there are no attention weights: load the model with attention="eager" or "bertnotes" ("sdpa" and "blockwise" give '
            "none), and call it with output_attentions=True or by attend(text, model=...)"
        )


def use_in_transformers():
    """Teach transformers our attention; returns the name to ask for it by.

    BertModel.from_pretrained(folder, attn_implementation=use_in_transformers()) then runs on
    `scaled_dot_product_attention`, and the weights that it returns as `attentions` are ours: those before dropout.
    For BERT and its like, which scale by √d_k and have a key head for each query head; running any other model raises
    ValueError.
    """
    return register_in_transformers("bertnotes", scaled_dot_product_attention)


def register_in_transformers(name, attend):
    """Teach transformers an attention under a name, which comes back. attend: (query, key, value, mask, dropout) ->
    (output, weights), as `scaled_dot_product_attention`; its weights may be None."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    def attention(module, query, key, value, attention_mask, dropout=0.0, scaling=None, **_):
        _check_scaling(query, key, scaling)
        output, weights = attend(query, key, value, attention_mask, dropout)
        return output.transpose(1, 2), weights  # transformers merges heads from (batch, query_pos, head, head_dim)

    def mask(*args, **options):  # boolean, True = may attend, and always spelled out where one is needed
        return sdpa_mask(*args, **{**options, "allow_is_causal_skip": False})

    AttentionInterface.register(name, attention)
    AttentionMaskInterface.register(name, mask)
    return name


def _check_scaling(query, key, scaling):
    """query and key as transformers passes them, (batch, head, position, head_dim); scaling: None means 1/√head_dim."""
    head_dim = query.shape[-1]
    if scaling is not None and abs(scaling - head_dim**-0.5) > 1e-6:
        raise ValueError(
            f"our attention multiplies scores by 1/√{head_dim} = {head_dim**-0.5:.4g}, but this model wants {scaling:.4g}: "
            f'load it with attn_implementation="eager"'
        )
    if query.shape[1] != key.shape[1]:
        raise ValueError(
            f"our attention has a key head for each query head; this model has {query.shape[1]} query heads and "
            f'{key.shape[1]} key heads: load it with attn_implementation="eager"'
        )


def _check_shapes(query, key):
    if query.ndim < 2 or key.ndim < 2:
        raise ValueError(f"query and key are (..., position, head_dim); got {_shape(query)} and {_shape(key)}")
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(
            f"a query and a key are compared number by number, so their last axes must be equal; "
            f"got query {_shape(query)} and key {_shape(key)}"
        )
    try:
        torch.broadcast_shapes(query.shape[:-2], key.shape[:-2])
    except RuntimeError:
        raise ValueError(
            f"the leading axes of query and key must fit; got query {_shape(query)} and key {_shape(key)}"
        ) from None


def _check_value(key, value):
    if value.ndim < 2:
        raise ValueError(f"key and value are (..., key_pos, any); got key {_shape(key)} and value {_shape(value)}")
    if key.shape[-2] != value.shape[-2]:
        positions = f"key {_shape(key)} has {key.shape[-2]} positions, value {_shape(value)} has {value.shape[-2]}"
        raise ValueError(f"each key needs its value: {positions}")
    try:
        torch.broadcast_shapes(key.shape[:-2], value.shape[:-2])
    except RuntimeError:
        raise ValueError(f"the leading axes of key and value must fit; got {_shape(key)} and {_shape(value)}") from None


def _check_mask(mask, shape):
    """shape: that of the weights."""
    if mask.dtype != torch.bool:
        raise ValueError(
            f"a mask is boolean, True = may attend; got {mask.dtype} of shape {_shape(mask)} for weights {tuple(shape)}. "
            f"For 1 and 0 from a tokenizer use padding_mask(attention_mask)"
        )
    try:
        fits = torch.broadcast_shapes(mask.shape, shape) == shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(f"the mask {_shape(mask)} does not broadcast to the weights {tuple(shape)}")


def _shape(tensor):
    return str(tuple(tensor.shape))
