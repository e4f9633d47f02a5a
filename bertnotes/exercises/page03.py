"""Exercises on many heads: split, merge, multi-head attention, a head switched off, and a reshape that mixes words and heads.

Each mistake is one that people make.
"""

import math

import torch
from torch import Tensor

from bertnotes.attention import scaled_dot_product_attention
from bertnotes.exercises.judging import Case, Exercise, Mistake, Number
from bertnotes.exercises.page01 import drawn, drawn_mask

NAMES = ("query", "key", "value", "output")
RESHAPED = (
    "The shape is right, but words and heads are mixed: `view` and `reshape` keep the order in which the axes are read, "
    "and only cut it into another shape. "
)
ERRORS = {
    "is invalid for input of size": "The parts do not multiply to as many numbers as there are; -1 in one place lets "
    "PyTorch work it out.",
    "view size is not compatible": "After `transpose` the axes have another order than the memory, which `view` cannot do "
    "without a copy; `reshape` or `flatten` can.",
    "too many values to unpack": "The shape has another number of axes than names on the left.",
    "not enough values to unpack": "The shape has another number of axes than names on the left.",
    "shapes cannot be multiplied": "A matrix of the dict is used from the right side: `hidden @ weight.T + bias`.",
    "'float' object cannot be interpreted": "`/` makes a float, and a shape needs whole numbers: `//`.",
    "must be tuple of ints": "`/` makes a float, and a shape needs whole numbers: `//`.",
    "is not defined": "Does your notebook have it? `split_heads`, `merge_heads` and `attention` are kept once they passed.",
}


# --- split and merge ----------------------------------------------------------------------------------------------------


def split_heads(hidden: Tensor, num_heads: int) -> Tensor:
    """(batch, position, size) -> (batch, head, position, head size)."""
    return hidden.unflatten(-1, (num_heads, -1)).transpose(1, 2)


def merge_heads(heads: Tensor) -> Tensor:
    """(batch, head, position, head size) -> (batch, position, size)."""
    return heads.transpose(1, 2).flatten(2)


def counted(*shape):
    """The numbers from 0 on, so that each can be followed."""
    return torch.arange(float(math.prod(shape))).view(shape)


def split_cases(seed):
    """Numbers to follow, with more positions than heads; one head; random ones with several texts."""
    return [
        Case({"hidden": counted(1, 3, 4), "num_heads": 2}, shown=True),
        Case({"hidden": counted(1, 2, 6), "num_heads": 3}, shown=True),
        Case({"hidden": drawn(seed, (2, 4, 12))[0], "num_heads": 4}),
        Case({"hidden": drawn(seed, (3, 4, 6))[0], "num_heads": 1}),
    ]


def size_of(hidden, num_heads):
    return hidden.shape[-1] // num_heads


SPLIT_HEADS = Exercise(
    function="split_heads",
    cases=split_cases,
    right=split_heads,
    mistakes=(
        Mistake(
            RESHAPED + "Head 1 has the first numbers of a text, instead of its columns of every word. "
            "Cut the last axis first, (batch, position, head, head size), then swap.",
            (lambda hidden, num_heads: hidden.reshape(len(hidden), num_heads, hidden.shape[1], -1),),
        ),
        Mistake(
            "You cut, but the axes of positions and heads have not traded places: it is (batch, position, head, head size). "
            "`transpose(1, 2)` is missing.",
            (lambda hidden, num_heads: hidden.unflatten(-1, (num_heads, -1)),),
        ),
        Mistake(
            "You cut the last axis into (head size, head) instead of (head, head size): each head gets columns that lie apart "
            "instead of neighbouring ones.",
            (
                lambda hidden, num_heads: hidden.unflatten(-1, (-1, num_heads)).permute(0, 3, 1, 2),
                lambda hidden, num_heads: hidden.unflatten(-1, (-1, num_heads)).transpose(1, 2).transpose(1, 3),
            ),
        ),
        Mistake(
            "Position and number are turned round: expected (batch, head, position, head size), yours is (batch, "
            "head, head size, "
            "position).",
            (lambda hidden, num_heads: split_heads(hidden, num_heads).transpose(2, 3),),
        ),
        Mistake(
            "The heads stand in front of the batch: `torch.stack(hidden.chunk(...))` needs `dim=1`, and `transpose(0, "
            "1)` is no "
            "help. Expected (batch, head, position, head size).",
            (lambda hidden, num_heads: torch.stack(hidden.chunk(num_heads, dim=-1)),),
        ),
        Mistake(
            "You cut the positions instead of the numbers: each head would see only some of the words.",
            (lambda hidden, num_heads: hidden.unflatten(1, (num_heads, -1)),),
        ),
        Mistake("Nothing is split: this is `hidden`.", (lambda hidden, num_heads: hidden,)),
    ),
    errors=ERRORS,
)


def merge_cases(seed):
    """Numbers to follow; random ones, also with as many heads as positions."""
    return [
        Case({"heads": split_heads(counted(1, 3, 4), 2)}, shown=True),
        Case({"heads": split_heads(counted(1, 2, 6), 2)}, shown=True),
        Case({"heads": drawn(seed, (2, 4, 5, 3))[0]}),
        Case({"heads": drawn(seed, (3, 1, 4, 6))[0]}),
    ]


MERGE_HEADS = Exercise(
    function="merge_heads",
    cases=merge_cases,
    right=merge_heads,
    mistakes=(
        Mistake(
            RESHAPED + "Let the axes of heads and positions trade places first, `transpose(1, 2)`.",
            (lambda heads: heads.reshape(len(heads), heads.shape[2], -1),),
        ),
        Mistake(
            "The axes are swapped, but heads and their numbers are still two axes: make one of them, `flatten(2)`.",
            (lambda heads: heads.transpose(1, 2),),
        ),
        Mistake(
            "The heads' numbers are shuffled like cards: first number of each head, second of each. They have to stand head by "
            "head, (position, head, number).",
            (lambda heads: heads.permute(0, 2, 3, 1).flatten(2),),
        ),
        Mistake(
            "You make one axis of heads and positions: the words of all heads, one below the other. The *numbers* "
            "stand side by side.",
            (lambda heads: heads.flatten(1, 2), lambda heads: heads.transpose(1, 2).flatten(1, 2)),
        ),
        Mistake(
            "You add or average the heads. They are kept side by side: (batch, position, size).",
            (lambda heads: heads.sum(dim=1), lambda heads: heads.mean(dim=1)),
        ),
        Mistake(
            "You make one axis of positions and numbers, so each head keeps a long row of its own. Let heads and positions "
            "trade places first, `transpose(1, 2)`; then the last two axes are head and number.",
            (lambda heads: heads.flatten(2),),
        ),
        Mistake("You flatten too much: only the last two axes become one.", (lambda heads: heads.transpose(1, 2).flatten(1),)),
        Mistake("Nothing is merged: this is `heads`.", (lambda heads: heads,)),
    ),
    errors=ERRORS,
)


# --- multi-head attention -----------------------------------------------------------------------------------------------


def multi_head(
    hidden,
    weights,
    mask=None,
    *,
    split=split_heads,
    merge=merge_heads,
    turned=True,
    biased=NAMES,
    mixed=True,
    masked=True,
    roles=("query", "key", "value"),
    scale=1.0,
):
    """Multi-head attention, with one of its parts replaced: what an answer with that mistake gives."""

    def linear(numbers, name):
        matrix = weights[f"{name}.weight"]
        return numbers @ (matrix.T if turned else matrix) + (weights[f"{name}.bias"] if name in biased else 0)

    query, key, value = (split(linear(hidden, name), weights["num_heads"]) for name in roles)
    found, looks = scaled_dot_product_attention(query * scale, key, value, mask if masked else None)
    together = merge(found)
    return (linear(together, "output") if mixed else together), looks


def parameters(seed, size, num_heads):
    """Random parameters of an attention, as a dict."""
    drawn_ones = drawn(seed, *[(size, size)] * 4, *[(size,)] * 4)
    matrices = {f"{name}.weight": one / math.sqrt(size) for name, one in zip(NAMES, drawn_ones[:4], strict=True)}
    return matrices | {f"{name}.bias": one for name, one in zip(NAMES, drawn_ones[4:], strict=True)} | {"num_heads": num_heads}


def multi_head_cases(seed):
    """A text without a mask, two with one of fillers, as many positions as heads, one head."""
    padding = drawn_mask(seed, 2, 1, 1, 5)
    return [
        Case({"hidden": drawn(7, (1, 3, 8))[0], "weights": parameters(7, 8, 2), "mask": None}, shown=True),
        Case({"hidden": drawn(seed, (2, 5, 12))[0], "weights": parameters(seed, 12, 3), "mask": padding}),
        Case({"hidden": drawn(seed + 1, (2, 4, 8))[0], "weights": parameters(seed + 1, 8, 4), "mask": None}),
        Case({"hidden": drawn(seed + 2, (2, 4, 6))[0], "weights": parameters(seed + 2, 6, 1), "mask": None}),
    ]


def part(**parts):
    """A formula of multi-head attention with a part replaced."""
    return lambda hidden, weights, mask: multi_head(hidden, weights, mask, **parts)


def laid_out(hidden, num_heads):
    """Split without a swap of axes."""
    return hidden.reshape(len(hidden), num_heads, hidden.shape[1], -1)


def laid_back(heads):
    """Merge without a swap of axes."""
    return heads.reshape(len(heads), heads.shape[2], -1)


def whole_root(hidden, weights, mask):
    """Scores divided by the root of the hidden size."""
    return multi_head(hidden, weights, mask, scale=weights["num_heads"] ** -0.5)


def unsplit(hidden, weights, mask):
    """One head that sees all."""
    output, looks = multi_head(hidden, weights | {"num_heads": 1}, mask)
    return output, looks


MULTI_HEAD = Exercise(
    function="multi_head",
    cases=multi_head_cases,
    right=multi_head,
    parts=("output", "attention weights"),
    mistakes=(
        Mistake(
            "You use the matrices as they are. PyTorch stores them transposed: `hidden @ weight.T + bias`. Without "
            "`.T` the shapes "
            "fit as well, as the matrices are square.",
            (part(turned=False),),
        ),
        Mistake("The output is not mixed: `output.weight` and `output.bias` come last.", (part(mixed=False),)),
        Mistake("The biases are missing: `hidden @ weight.T + bias`.", (part(biased=()), part(biased=("output",)))),
        Mistake("The bias of the output is missing.", (part(biased=NAMES[:3]),)),
        Mistake(
            "The numbers are not split into heads: this is one head that sees all columns.",
            (unsplit,),
        ),
        Mistake(
            "On the way in words and heads are mixed: `reshape` alone does not split. Use your `split_heads`.",
            (part(split=laid_out), part(split=laid_out, merge=laid_back)),
        ),
        Mistake(
            "On the way back words and heads are mixed: `reshape` alone does not merge. Use your `merge_heads`.",
            (part(merge=laid_back),),
        ),
        Mistake("It pays no attention to the mask: pass it on to `attention`.", (part(masked=False),)),
        Mistake("Query and key are swapped: the one that looks is the query.", (part(roles=("key", "query", "value")),)),
        Mistake("The values are made with the matrix of the keys.", (part(roles=("query", "key", "key")),)),
        Mistake(
            "You divide by the root of the whole size. Each head compares with its own columns: divide by the root of "
            "the head size, "
            "as your `attention` does once heads are split.",
            (whole_root,),
        ),
        Mistake("Only the output comes back; return the attention weights, too.", (lambda **inputs: multi_head(**inputs)[0],)),
        Mistake("The two come back in the wrong order: first the output.", (lambda **inputs: multi_head(**inputs)[::-1],)),
    ),
    errors=ERRORS,
)


# --- switch off a head --------------------------------------------------------------------------------------------------


def without_head_cases(seed):
    """The second of two heads, the first of three, the third of four."""
    return [
        Case({"hidden": drawn(7, (1, 3, 8))[0], "weights": parameters(7, 8, 2), "head": 1}, shown=True),
        Case({"hidden": drawn(seed, (2, 5, 12))[0], "weights": parameters(seed, 12, 3), "head": 0}),
        Case({"hidden": drawn(seed + 1, (2, 4, 8))[0], "weights": parameters(seed + 1, 8, 4), "head": 2}),
    ]


def own_columns(weights, head):
    """The columns of a head."""
    size = len(weights["output.bias"]) // weights["num_heads"]
    return slice(head * size, (head + 1) * size)


def zeroed(weights, *places):
    """A copy of the parameters in which some places, (name, index), are 0."""
    changed = weights | {name: weights[name].clone() for name, _ in places}
    for name, index in places:
        changed[name][index] = 0
    return changed


def silenced(*places):
    """Multi-head attention with 0 in these places; each says what it is of a head's columns: (name, index)."""

    def formula(hidden, weights, head):
        own = own_columns(weights, head)
        return multi_head(hidden, zeroed(weights, *((name, index(own)) for name, index in places)))[0]

    return formula


def rows_of(own):
    return own


def columns_of(own):
    return slice(None), own


def all_of(own):
    return slice(None)


def only_head(hidden, weights, head):
    """What one head adds, and the bias of the output."""
    others = [other for other in range(weights["num_heads"]) if other != head]
    return multi_head(hidden, zeroed(weights, *(("output.weight", columns_of(own_columns(weights, one))) for one in others)))[0]


without_head = silenced(("output.weight", columns_of))

WITHOUT_HEAD = Exercise(
    function="without_head",
    cases=without_head_cases,
    right=without_head,
    mistakes=(
        Mistake(
            "You set *rows* of `output.weight` to 0: numbers of the output, to which all heads add. PyTorch stores $W_O$ "
            "transposed, so the head's rows of $W_O$ are columns of `weight`: `[:, start:end]`.",
            (silenced(("output.weight", rows_of)),),
        ),
        Mistake(
            "You set the head's queries or keys to 0. Then all its scores are alike, so it looks everywhere, and still adds an "
            "average of its values.",
            (
                silenced(("query.weight", rows_of), ("query.bias", rows_of)),
                silenced(("key.weight", rows_of), ("key.bias", rows_of)),
            ),
        ),
        Mistake(
            "The head still adds its bias: with `value.weight` at 0 its values are `value.bias`.",
            (silenced(("value.weight", rows_of)),),
        ),
        Mistake(
            "`output.bias` belongs to no head, and stays when one is off.",
            (
                silenced(("output.weight", columns_of), ("output.bias", rows_of)),
                silenced(("output.weight", columns_of), ("output.bias", all_of)),
            ),
        ),
        Mistake(
            "Another head is off. `head` counts from 0: its columns begin at `head * size`.",
            (lambda hidden, weights, head: without_head(hidden, weights, head - 1),),
        ),
        Mistake(
            "This is the output of that head alone. It is the one to be left out.",
            (only_head,),
        ),
        Mistake(
            "All heads are still there: this is the whole output.",
            (lambda hidden, weights, head: multi_head(hidden, weights)[0],),
        ),
        Mistake(
            "`multi_head` returns two things. Return the first, the output.",
            (lambda **inputs: (without_head(**inputs), multi_head(inputs["hidden"], inputs["weights"])[1]),),
        ),
    ),
    errors=ERRORS,
)


# --- find the bug -------------------------------------------------------------------------------------------------------


def mixed_up_cases(seed):
    """Numbers to follow, and random ones."""
    return [
        Case({"hidden": counted(1, 3, 4) / 4, "num_heads": 2}, shown=True),
        Case({"hidden": drawn(seed, (2, 5, 12))[0], "num_heads": 3}),
        Case({"hidden": drawn(seed + 1, (2, 4, 8))[0], "num_heads": 2}),
    ]


def around(split=split_heads, merge=merge_heads):
    """Self-attention of heads without matrices, with its ways in and back."""

    def formula(hidden, num_heads):
        heads = split(hidden, num_heads)
        return merge(scaled_dot_product_attention(heads, heads, heads)[0])

    return formula


MIXED_UP = Exercise(
    function="",
    cases=mixed_up_cases,
    right=around(),
    mistakes=(
        Mistake(
            "The bug is still there. Print `heads[0, 0]`: which words and which columns has head 1?",
            (around(laid_out, laid_back),),
        ),
        Mistake(
            "The way in is right. The way back still mixes words and heads: swap the axes before `reshape`.",
            (around(merge=laid_back),),
        ),
        Mistake(
            "The way back is right. The way in still mixes words and heads: reshape to (batch, position, head, head "
            "size), then swap.",
            (around(split=laid_out),),
        ),
        Mistake(
            "The axes of words and heads are not swapped, so each word's heads look at one another instead of the words.",
            (
                lambda hidden, num_heads: around(lambda x, n: x.unflatten(-1, (n, -1)), lambda x: x.flatten(2))(
                    hidden, num_heads
                ),
            ),
        ),
        Mistake(
            "The bug is gone, but so are the heads: this is one head with all columns.",
            (lambda hidden, num_heads: scaled_dot_product_attention(hidden, hidden, hidden)[0],),
        ),
    ),
    errors=ERRORS,
)

# --- numbers ------------------------------------------------------------------------------------------------------------

SIZE_OF_A_HEAD = Number(
    right=64.0,
    tolerance=0.01,
    mistakes={
        768.0: "768 is the hidden size of BERT-base. Here it is 1,024, and the heads share it out.",
        64 / 3 * 4: "12 heads are those of BERT-base. BERT-large has 16.",
        1024.0: "Each head would have all columns. They share them out.",
        16.0: "16 is how many heads there are.",
        16384.0: "You multiplied. The heads share out the 1,024 columns.",
        32.0: "32 it would be with 32 heads, or with half the hidden size.",
        8.0: "8 is the root of 64, by which the scores are divided.",
        192.0: "Query, key and value together have 192. The question is about the query.",
        256.0: "256 are the columns of four heads.",
    },
)
EXERCISES = {
    "size_of_a_head": SIZE_OF_A_HEAD,
    "split_heads": SPLIT_HEADS,
    "merge_heads": MERGE_HEADS,
    "multi_head": MULTI_HEAD,
    "without_head": WITHOUT_HEAD,
    "mixed_up": MIXED_UP,
}
