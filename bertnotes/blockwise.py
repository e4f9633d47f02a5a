"""Attention a slice at a time: the numbers of attention.py, without ever having all attention weights in memory.

With 16 texts of 512 tokens and 12 heads, a layer has 50 million attention weights. Training usually keeps them until the
backward pass, before and after dropout. Here the forward pass works on a few heads at a time, so few that their weights fit
the processor's cache, and then forgets them; the backward pass computes them again. That is more arithmetic but less waiting
for memory, and waiting is most of the cost.

Forget and compute again: Rabe & Staats 2021, "Self-attention Does Not Need O(n²) Memory". Slices that fit the fast memory:
Dao et al. 2022, "FlashAttention". Both also cut the rows of the weights into pieces; our slices hold whole rows.
"""

import math

import torch
from torch.autograd.function import once_differentiable

from bertnotes.attention import _check_mask, _check_shapes, _check_value, register_in_transformers
from bertnotes.dropout import byte_limit, check_rate, random_bytes

SLICE = 2**20  # how many weights at a time: 4 MB in float32. Three such blocks are in memory at once


def blockwise_attention(query, key, value, mask=None, dropout=0.0, slice_size=SLICE):
    """Attend as `scaled_dot_product_attention` does: softmax(Q Kᵀ / √d_k) V. The weights do not come back.

    query: (..., query_pos, head_dim); key: (..., key_pos, head_dim); value: (..., key_pos, any); mask: boolean, broadcasts to
    (..., query_pos, key_pos), True = may attend; dropout: share of weights dropped at random, on a CPU rounded to 256ths;
    slice_size: how many weights to compute at a time, though never fewer than those of one head.
    Returns output (..., query_pos, any). Half precision is computed in float32; only the output is rounded.
    Raises ValueError where shapes do not fit, the mask is not boolean, or dropout is not from 0 to 1.

    >>> query, key = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> blockwise_attention(query, key, value=torch.tensor([[10.0], [20.0]]))  # 0.6698 * 10 + 0.3302 * 20
    tensor([[13.3024]])
    """
    _check_shapes(query, key)
    _check_value(key, value)
    check_rate(dropout)
    leading, device = torch.broadcast_shapes(query.shape[:-2], key.shape[:-2]), query.device
    if mask is not None:
        _check_mask(mask, (*leading, query.shape[-2], key.shape[-2]))
        mask = _unrepeated(mask)
    leading = torch.broadcast_shapes(leading, value.shape[:-2])
    heads = [_flat(tensor, leading) for tensor in (query, key, value)]
    masks = (None, None) if mask is None else _flat_mask(mask, leading)
    output = _Blockwise.apply(heads[0] / math.sqrt(query.shape[-1]), *heads[1:], *masks, dropout, slice_size)
    output = (output * _enlargement(dropout, device)).view(*leading, *output.shape[1:])
    if mask is not None:  # a query that may attend to nothing gets zeros, and no gradient comes back through it
        output = output.masked_fill(~mask.any(-1, keepdim=True), 0.0)
    return output.to(_output_dtype(query))


def use_blockwise_in_transformers():
    """Teach transformers this attention, as `bertnotes.attention.use_in_transformers` does; returns "blockwise", its name.

    A model that runs on it has no attention weights to give: with output_attentions=True, `attentions` is empty.
    """
    return register_in_transformers("blockwise", lambda *inputs: (blockwise_attention(*inputs), None))


class _Blockwise(torch.autograd.Function):
    """softmax(Q Kᵀ) V for query (head, query_pos, head_dim), key (head, key_pos, head_dim) and value (head, key_pos, any),
    where "head" counts the heads of all texts. Dropped weights are zero; the others are not enlarged yet. Each product is
    written to its place with out=, which spares memory, and which autocast leaves in float32."""

    @staticmethod
    def forward(ctx, query, key, value, mask, mask_of, dropout, slice_size):
        seed = int(torch.randint(2**62, ())) if dropout else 0
        ctx.save_for_backward(query, key, value, mask, mask_of)
        ctx.settings = dropout, seed, slice_size
        output = value.new_empty(len(query), query.shape[1], value.shape[2])
        for heads, _, dropped, _ in _slices(query, key, mask, mask_of, *ctx.settings):
            torch.bmm(dropped, value[heads], out=output[heads])
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        query, key, value, mask, mask_of = ctx.saved_tensors
        of_query, of_key, of_value = (torch.empty_like(tensor) for tensor in (query, key, value))
        for heads, weights, dropped, of_scores in _slices(query, key, mask, mask_of, *ctx.settings):
            torch.bmm(dropped.mT, gradient[heads], out=of_value[heads])
            torch.bmm(gradient[heads], value[heads].mT, out=of_scores).mul_(dropped)
            # softmax: what raises one weight lowers the others of its row
            of_scores.addcmul_(weights, of_scores.sum(-1, keepdim=True), value=-1)
            torch.bmm(of_scores, key[heads], out=of_query[heads])
            torch.bmm(of_scores.mT, query[heads], out=of_key[heads])
        return of_query, of_key, of_value, None, None, None, None


def _slices(query, key, mask, mask_of, dropout, seed, slice_size):
    """Yield, for a few heads at a time: which heads, their weights (head, query_pos, key_pos), what dropout leaves of the
    weights, and room for as many numbers more. The same seed drops the same weights. Each slice overwrites the one before."""
    positions = query.shape[1], key.shape[1]
    step = max(1, min(len(query), slice_size // max(1, math.prod(positions))))
    blocks = query.new_empty(3, step, *positions)
    generator = torch.Generator(query.device).manual_seed(seed)
    for start in range(0, len(query), step):
        heads = slice(start, min(start + step, len(query)))
        scores, weights, room = blocks[:, : heads.stop - start]
        torch.bmm(query[heads], key[heads].mT, out=scores)
        if mask is not None:  # adding the lowest number to a score leaves a weight of 0
            blocked = ~mask[mask_of[heads]]
            scores += scores.new_zeros(blocked.shape).masked_fill_(blocked, torch.finfo(scores.dtype).min)
        torch.softmax(scores, dim=-1, out=weights)
        dropped = scores.copy_(_kept(scores, dropout, generator)).mul_(weights) if dropout else weights
        yield heads, weights, dropped, room


def _kept(weights, dropout, generator):
    """Which weights stay, as 1 and 0: drawn as `bertnotes.dropout.drop` draws, but from the generator given."""
    if weights.device.type == "cpu":
        return random_bytes(weights.shape, generator).ge_(byte_limit(dropout))
    return torch.rand(weights.shape, generator=generator, device=weights.device) >= dropout


def _enlargement(dropout, device):
    """By how much to multiply the weights that stay, so that the mean stays."""
    if dropout in (0, 1):
        return 1.0 - dropout
    return 256 / (256 - byte_limit(dropout)) if device.type == "cpu" else 1 / (1 - dropout)


def _flat(tensor, leading):
    """(..., position, size) -> (head, position, size), at least in float32"""
    tensor = tensor.to(torch.promote_types(tensor.dtype, torch.float32))
    return tensor.expand(*leading, -1, -1).reshape(math.prod(leading), *tensor.shape[-2:])


def _unrepeated(mask):
    """The mask with at least two axes, and only one query_pos where all are the same memory, as transformers gives padding."""
    mask = mask.expand(torch.broadcast_shapes(mask.shape, (1, 1)))
    return mask[..., :1, :] if mask.stride(-2) == 0 else mask


def _flat_mask(mask, leading):
    """The masks that there are, (mask, query_pos or 1, key_pos or 1), and which of them each head has, (head,)."""
    count = torch.arange(math.prod(mask.shape[:-2]), device=mask.device)
    return mask.reshape(len(count), *mask.shape[-2:]), count.view(mask.shape[:-2]).expand(leading).flatten()


def _output_dtype(query):
    """The type of a matrix product: under autocast the half precision, except of float64."""
    kind = query.device.type
    autocast = torch.is_autocast_enabled(kind) and query.dtype != torch.float64
    return torch.get_autocast_dtype(kind) if autocast else query.dtype
