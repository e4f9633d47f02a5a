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

from bertnotes import attention
from bertnotes.attention import Key, Mask, Output, Query, Value
from bertnotes.dropout import byte_limit, check_rate, enlargement, random_bytes

SLICE = 2**20  # how many weights at a time: 4 MB in float32. Three such blocks are in memory at once


def blockwise_attention(
    query: Query, key: Key, value: Value, mask: Mask | None = None, dropout: float = 0.0, slice_size: int = SLICE
) -> Output:
    """Attend as `scaled_dot_product_attention` does: softmax(Q Kᵀ / √d_k) V. The weights do not come back.

    dropout: share of weights dropped at random, rounded to 256ths; slice_size: how many weights to compute at a time, though
    never fewer than those of one head. Half precision is computed in float32; only the output is rounded.
    Raises ValueError where shapes do not fit, the mask is not boolean, or dropout is not from 0 to 1.

    >>> query, key = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> blockwise_attention(query, key, value=torch.tensor([[10.0], [20.0]]))  # 0.6698 * 10 + 0.3302 * 20
    tensor([[13.3024]])
    """
    attention.check_shapes(query, key, value)
    check_rate(dropout)
    leading = torch.broadcast_shapes(query.shape[:-2], key.shape[:-2])
    if mask is not None:
        attention.check_mask(mask, (*leading, query.shape[-2], key.shape[-2]))
        mask = torch.atleast_2d(mask)
        if mask.stride(-2) == 0:  # one row of memory for all queries, as transformers gives padding
            mask = mask[..., :1, :]
    leading = torch.broadcast_shapes(leading, value.shape[:-2])
    heads = [_flat(tensor, leading) for tensor in (query, key, value)]
    output = _Blockwise.apply(heads[0] / math.sqrt(query.shape[-1]), *heads[1:], mask, leading, dropout, slice_size)
    output = (output * enlargement(dropout)).view(*leading, *output.shape[1:])
    if mask is not None:  # a query that may attend to nothing gets zeros, and no gradient comes back through it
        output = output.masked_fill(~mask.any(-1, keepdim=True), 0.0)
    product = query.new_empty(0, 0) @ query.new_empty(0, 0)  # has the type of any product here; autocast chooses it
    return output.to(product.dtype)


def use_blockwise_in_transformers():
    """Teach transformers this attention, as `bertnotes.attention.use_in_transformers` does; returns "blockwise", its name.

    A model that runs on it has no attention weights to give: with output_attentions=True, `attentions` is empty.
    """
    return attention.use_in_transformers("blockwise", lambda *inputs: (blockwise_attention(*inputs), None))


class _Blockwise(torch.autograd.Function):
    """softmax(Q Kᵀ) V for query (head, query_pos, head_dim), key (head, key_pos, head_dim) and value (head, key_pos, any),
    where "head" counts the heads of all texts. Dropped weights are zero; the others are not enlarged yet. Each product is
    written to its place with out=, which spares memory, and which autocast leaves in float32."""

    @staticmethod
    def forward(ctx, query, key, value, mask, leading, dropout, slice_size):
        seed = int(torch.randint(2**62, ())) if dropout else 0
        ctx.save_for_backward(query, key, value, mask)
        ctx.settings = leading, dropout, seed, slice_size
        output = value.new_empty(len(query), query.shape[1], value.shape[2])
        for heads, _, dropped, _ in _slices(query, key, mask, *ctx.settings):
            torch.bmm(dropped, value[heads], out=output[heads])
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        query, key, value, mask = ctx.saved_tensors
        of_query, of_key, of_value = (torch.empty_like(tensor) for tensor in (query, key, value))
        for heads, weights, dropped, of_scores in _slices(query, key, mask, *ctx.settings):
            torch.bmm(dropped.mT, gradient[heads], out=of_value[heads])
            torch.bmm(gradient[heads], value[heads].mT, out=of_scores).mul_(dropped)
            # softmax: what raises one weight lowers the others of its row
            of_scores.addcmul_(weights, of_scores.sum(-1, keepdim=True), value=-1)
            torch.bmm(of_scores, key[heads], out=of_query[heads])
            torch.bmm(of_scores.mT, query[heads], out=of_key[heads])
        return of_query, of_key, of_value, None, None, None, None


def _slices(query, key, mask, leading, dropout, seed, slice_size):
    """Yield, for a few heads at a time: which heads, their weights (head, query_pos, key_pos), what dropout leaves of the
    weights, and room for as many numbers more. The same seed drops the same weights. Each slice overwrites the one before."""
    positions = query.shape[1], key.shape[1]
    step = max(1, min(len(query), slice_size // max(1, math.prod(positions))))
    blocks = query.new_empty(3, step, *positions)
    generator = torch.Generator().manual_seed(seed)
    for start in range(0, len(query), step):
        heads = slice(start, min(start + step, len(query)))
        scores, weights, room = blocks[:, : heads.stop - start]
        torch.bmm(query[heads], key[heads].mT, out=scores)
        if mask is not None:  # adding the lowest number to a score leaves a weight of 0
            places = torch.unravel_index(torch.arange(start, heads.stop), leading)
            blocked = ~mask.expand(*leading, -1, -1)[places]
            scores += scores.new_zeros(blocked.shape).masked_fill_(blocked, torch.finfo(scores.dtype).min)
        torch.softmax(scores, dim=-1, out=weights)
        dropped = weights
        if dropout:
            dropped = scores.copy_(random_bytes(scores.shape, generator).ge_(byte_limit(dropout))).mul_(weights)
        yield heads, weights, dropped, room


def _flat(tensor, leading):
    """(..., position, size) -> (head, position, size), at least in float32"""
    tensor = tensor.to(torch.promote_types(tensor.dtype, torch.float32))
    return tensor.expand(*leading, -1, -1).reshape(math.prod(leading), *tensor.shape[-2:])
