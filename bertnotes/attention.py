"""Attention: every position asks a question of all others and takes a weighted average of their answers.

Pages 01, 02 and 03 build it; with `use_in_transformers` BERT itself runs on it. Vaswani et al. 2017, "Attention Is All You
Need", sections 3.2.1 and 3.2.2.

Axes, always in this order: batch, head, query_pos, key_pos, head_dim. "..." stands for any leading axes.
Masks are boolean and True means "may attend".
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from bertnotes.dropout import drop

Query = Float[Tensor, "... query_pos head_dim"]
Key = Float[Tensor, "... key_pos head_dim"]
Value = Float[Tensor, "... key_pos value_dim"]
Mask = Bool[Tensor, "..."]  # broadcasts to the weights
Weights = Float[Tensor, "... query_pos key_pos"]
Output = Float[Tensor, "... query_pos value_dim"]


def attention_weights(query: Query, key: Key, mask: Mask | None = None) -> Weights:
    """How much each query looks at each key: softmax(Q Kᵀ / √d_k), the paper's equation 1 without V.

    Each row of the weights sums to 1; a row that may attend to nothing is all zeros.
    Raises ValueError where shapes do not fit or the mask is not boolean.

    >>> query = torch.tensor([[1.0, 0.0]])
    >>> key = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> attention_weights(query, key)  # scores 1/√2 and 0
    tensor([[0.6698, 0.3302]])
    """
    check_shapes(query, key)
    if query.dtype in (torch.float16, torch.bfloat16):  # float16 ends at 65,504, and a dot product may be larger
        return attention_weights(query.float(), key.float(), mask).to(query.dtype)
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is None:
        return scores.softmax(dim=-1)
    check_mask(mask, scores.shape)
    # The lowest finite number, not -inf: softmax over a row of -inf alone is 0 / 0, NaN.
    scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return scores.softmax(dim=-1).masked_fill(~mask, 0.0)


def scaled_dot_product_attention(
    query: Query, key: Key, value: Value, mask: Mask | None = None, dropout: float = 0.0
) -> tuple[Output, Weights]:
    """Attend: softmax(Q Kᵀ / √d_k) V, the paper's equation 1. The weights come back beside the output.

    dropout: share of weights dropped at random (0: none); the weights that come back are those before dropout.
    Raises ValueError where shapes do not fit or the mask is not boolean.

    >>> query = torch.tensor([[1.0, 0.0]])
    >>> key = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> value = torch.tensor([[10.0], [20.0]])
    >>> output, weights = scaled_dot_product_attention(query, key, value)
    >>> output  # 0.6698 * 10 + 0.3302 * 20
    tensor([[13.3024]])
    """
    check_shapes(query, key, value)
    weights = attention_weights(query, key, mask)
    output = drop(weights, dropout) @ value
    return output, weights


def causal_mask(length: int) -> Bool[Tensor, "query_pos key_pos"]:
    """Each position may look at itself and back, never ahead: how a GPT reads.

    >>> causal_mask(3)
    tensor([[ True, False, False],
            [ True,  True, False],
            [ True,  True,  True]])
    """
    return torch.ones(length, length, dtype=torch.bool).tril()


def padding_mask(attention_mask: Shaped[Tensor, "batch key_pos"]) -> Bool[Tensor, "batch 1 1 key_pos"]:
    """Nobody may look at padding. attention_mask: 1 for a token, 0 for padding, as tokenizers give it.

    The mask broadcasts over heads and queries.

    >>> padding_mask(torch.tensor([[1, 1, 0]]))
    tensor([[[[ True,  True, False]]]])
    """
    if attention_mask.ndim != 2:
        raise ValueError(f"attention_mask is (batch, key_pos), as a tokenizer gives it; got {tuple(attention_mask.shape)}")
    return attention_mask[:, None, None, :].bool()


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each on its own slice of the hidden vector, then mixed (Vaswani et al. 2017, 3.2.2).

    forward: the key is by default the query itself (self-attention), and the value the key. Returns output and weights.

    >>> attention = MultiHeadAttention(hidden_size=8, num_heads=2)
    >>> output, weights = attention(torch.randn(1, 5, 8))
    >>> tuple(output.shape), tuple(weights.shape)
    ((1, 5, 8), (1, 2, 5, 5))
    """

    def __init__(self, hidden_size: int, num_heads: int, dropout: float = 0.0):
        super().__init__()
        if num_heads < 1 or hidden_size % num_heads:
            raise ValueError(f"hidden_size must be a multiple of num_heads, at least 1; got {hidden_size} and {num_heads}")
        self.num_heads = num_heads
        self.dropout = dropout
        self.query = nn.Linear(hidden_size, hidden_size)
        self.key = nn.Linear(hidden_size, hidden_size)
        self.value = nn.Linear(hidden_size, hidden_size)
        self.output = nn.Linear(hidden_size, hidden_size)

    def forward(
        self,
        query: Float[Tensor, "batch query_pos hidden_size"],
        key: Float[Tensor, "batch key_pos hidden_size"] | None = None,
        value: Float[Tensor, "batch key_pos hidden_size"] | None = None,
        mask: Mask | None = None,
    ) -> tuple[Float[Tensor, "batch query_pos hidden_size"], Float[Tensor, "batch head query_pos key_pos"]]:
        key = query if key is None else key
        value = key if value is None else value
        for hidden in (query, key, value):
            if hidden.ndim != 3 or hidden.shape[-1] != self.query.in_features:
                raise ValueError(f"expected (batch, position, hidden_size={self.query.in_features}); got {tuple(hidden.shape)}")
        heads, weights = scaled_dot_product_attention(
            self.split(self.query(query)),
            self.split(self.key(key)),
            self.split(self.value(value)),
            mask,
            self.dropout if self.training else 0.0,
        )
        return self.output(self.merge(heads)), weights

    def split(self, hidden: Float[Tensor, "batch position hidden_size"]) -> Float[Tensor, "batch head position head_dim"]:
        """Give each head its slice of the hidden vectors."""
        return hidden.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def merge(self, heads: Float[Tensor, "batch head position head_dim"]) -> Float[Tensor, "batch position hidden_size"]:
        """Put the slices side by side again."""
        return heads.transpose(1, 2).flatten(2)


@dataclass(frozen=True, eq=False)
class Attention:
    """Where a model looked in one text: what `bertnotes.attend` returns and every picture takes."""

    weights: Float[Tensor, "layer head query_pos key_pos"]
    tokens: list[str]  # the name of each position
    pair_start: int | None = None  # with two sentences, the position of the second one's first token
    logits: Float[Tensor, " num_classes"] | None = None  # where the model is a classifier

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


def use_in_transformers(name="bertnotes", attend=scaled_dot_product_attention):
    """Teach transformers an attention, page 01's unless another is given; returns the name to ask for it by.

    BertModel.from_pretrained(folder, attn_implementation=use_in_transformers()) then runs on
    `scaled_dot_product_attention`, and the weights that it returns as `attentions` are ours: those before dropout.
    attend: (query, key, value, mask, dropout) -> (output, weights), where the weights may be None.
    For BERT and its like, whose scores are Q Kᵀ / √d_k, with a key head for each query head; running any other model raises
    ValueError.
    """
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    def attention(module, query, key, value, attention_mask, dropout=0.0, scaling=None, **options):
        check_scores(query, key, scaling, options)
        output, weights = attend(query, key, value, attention_mask, dropout)
        return output.transpose(1, 2), weights  # transformers merges heads from (batch, query_pos, head, head_dim)

    def mask(*args, **options):  # boolean, True = may attend, and always spelled out where one is needed
        return sdpa_mask(*args, **{**options, "allow_is_causal_skip": False})

    AttentionInterface.register(name, attention)
    AttentionMaskInterface.register(name, mask)
    return name


# what some models of transformers hand their attention beside query, key, value and mask, and what changes the weights:
# a bound for the scores, numbers added to them, keys that belong to no token, a choice of keys, keys kept elsewhere
CHANGE_WEIGHTS = ("softcap", "position_bias", "s_aux", "sinks", "indices", "block_indices", "cache")


def check_scores(query, key, scaling, options):
    """Raise ValueError where the attention of a model of transformers is not softmax(Q Kᵀ / √d_k), head by head.

    query, key: (batch, head, position, head_dim); scaling: None means 1/√head_dim; options: whatever else the model hands over.
    """
    head_dim, heads, key_heads = query.shape[-1], query.shape[1], key.shape[1]
    strange = [name for name in CHANGE_WEIGHTS if options.get(name) is not None]
    if scaling is not None and abs(scaling - head_dim**-0.5) > 1e-6:
        why = f"multiplies scores by 1/√{head_dim} = {head_dim**-0.5:.4g}, but this model wants {scaling:.4g}"
    elif heads != key_heads:
        why = f"has a key head for each query head; this model has {heads} query heads and {key_heads} key heads"
    elif strange:
        why = f"is softmax(Q Kᵀ / √d_k) and nothing more; this model also wants {' and '.join(strange)}"
    else:
        return
    raise ValueError(f'our attention {why}: load it with attn_implementation="eager"')


def check_shapes(query, key, value=None):
    """Raise ValueError where queries cannot be compared with keys or, if values are given, there is not one for each key."""
    heads = {"query": query, "key": key} | ({} if value is None else {"value": value})
    names = " and ".join(heads)
    if any(tensor.ndim < 2 for tensor in heads.values()):
        raise ValueError(f"{names} are (..., position, head_dim); got {_met(heads)}")
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(
            f"a query and a key are compared number by number, so their last axes must be equal; "
            f"got query {tuple(query.shape)} and key {tuple(key.shape)}"
        )
    if value is not None and key.shape[-2] != value.shape[-2]:
        positions = f"key {tuple(key.shape)} has {key.shape[-2]} positions, value {tuple(value.shape)} has {value.shape[-2]}"
        raise ValueError(f"each key needs its value: {positions}")
    try:
        torch.broadcast_shapes(*(tensor.shape[:-2] for tensor in heads.values()))
    except RuntimeError:
        raise ValueError(f"the leading axes of {names} must fit; got {_met(heads)}") from None


def _met(heads):  # only for an error: to write a shape down stops torch.compile
    return " and ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in heads.items())


def check_mask(mask, shape):
    """Raise ValueError where a mask is not boolean, or does not broadcast to weights of a shape."""
    if mask.dtype != torch.bool:
        raise ValueError(
            f"a mask is boolean, True = may attend; got {mask.dtype} of shape {tuple(mask.shape)} for weights {tuple(shape)}. "
            f"For 1 and 0 from a tokenizer use padding_mask(attention_mask)"
        )
    try:
        fits = torch.broadcast_shapes(mask.shape, shape) == shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(f"the mask {tuple(mask.shape)} does not broadcast to the weights {tuple(shape)}")
