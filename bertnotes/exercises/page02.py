"""Exercises on cross-attention and on learning: shapes, a step, a loss, what the decoder reads, digits changed, a loop.

Each mistake is one that people make; where it was met in public, a comment says where.
"""

import math
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from bertnotes.attention import scaled_dot_product_attention
from bertnotes.exercises.judging import Case, Exercise, Mistake, Number
from bertnotes.exercises.page01 import drawn, drawn_mask
from bertnotes.translator import Translator

# --- numbers ----------------------------------------------------------------------------------------------------------

CROSS_WEIGHTS = Number(
    right=3 * 4 * 5 * 8,
    tolerance=0.01,
    mistakes={
        3 * 4 * 8 * 8: "That is self-attention of the original, 8 by 8. Here the 5 words of the translation ask.",
        3 * 4 * 5 * 5: "That is self-attention of the translation, 5 by 5. Here the 8 words of the original are asked.",
        3 * 4 * 13 * 13: "You let all 13 words look at all 13. Only the 5 ask, and only the 8 are asked.",
        5 * 8: "That is one head and one pair of sentences. There are 4 heads and 3 pairs.",
        3 * 5 * 8: "That is one head for 3 pairs. There are 4 heads.",
        4 * 5 * 8: "That is one pair with 4 heads. There are 3 pairs.",
        3 * 4 * (5 + 8): "You added 5 and 8. Every word that asks has a weight for every word that is asked: multiply.",
        3 * 4 * 5: "That is the number of rows, one for each word that asks. Each row has a weight for each of 8 words.",
        3 * 4 * 8: "That is the number of columns. Each of 5 words that ask has a weight in each column.",
    },
)
ONE_STEP = Number(  # the gradient at w = 1 is -16
    right=2.6,
    tolerance=0.005,
    mistakes={
        -0.6: "You went uphill: the gradient, −16, has to be *subtracted*.",
        1.8: "The gradient you used is −8. Nudge w from 1 to 1.01: the loss falls from 16 to 15.84, so the slope is −16.",
        1.4: "The gradient you used is −4, which is the error, 2w − 6. By how much does the *loss* change when w is nudged?",
        0.2: "You went uphill, and with the gradient −8. Subtract it; and nudge w to see that the slope is −16.",
        17.0: "You subtracted the whole gradient. The learning rate, 0.1, makes the step smaller.",
        -16.0: "That is the gradient. Now take the step: subtract 0.1 times it from w = 1.",
        16.0: "That is the loss at w = 1, or the gradient without its sign. What is w after the step?",
        1.6: "That is the length of the step. The model was at w = 1.",
        3.0: "That is where the loss is lowest. One step does not get there.",
        0.64: "That is the loss after the step. What is w?",
    },
)
P = 1 / (math.exp(2) + 2)
SURPRISE = Number(
    right=-math.log(P),
    tolerance=0.006,
    mistakes={
        P: "That is the probability of the second word. The loss is minus its logarithm.",
        math.log(P): "The sign: a logarithm of a number below 1 is negative, and the loss is *minus* that.",
        -math.log(P * math.exp(2)): "That is the loss if the *first* word were right.",
        -math.log2(P): "That is the logarithm to base 2, so the loss in bits. A nat belongs to ln.",
        -math.log10(P): "That is the logarithm to base 10 (`log` on many pocket calculators). Take `ln`.",
        math.log(3): "ln 3 is the loss if all three words were equally likely. Their scores differ.",
        1 - P: "That is 1 minus the probability. The loss is minus the logarithm of it.",
        -math.log(math.exp(2) * P) - math.log(P) * 2: "That adds up the losses of all three words. Only the right word counts.",
        math.exp(2) + 2: "That is the sum of the powers, 1 divided by the probability. Take its natural logarithm.",
        0.0: "A score of 0 is no probability of 0 and no loss of 0. First softmax, then minus the logarithm.",
    },
)

# --- cross-attention --------------------------------------------------------------------------------------------------


def cross_cases(seed):
    """A small pair by hand, the same with a mask, and random batches: as long as each other, and not."""
    small = {
        "asking": torch.tensor([[1.0, 0.0], [0.0, 2.0]]),
        "asked": torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]]),
        "W_Q": torch.tensor([[0.0, 1.0], [1.0, 0.0]]),
        "W_K": torch.tensor([[1.0, 1.0], [0.0, 1.0]]),
        "W_V": torch.tensor([[2.0, 0.0], [0.0, 3.0]]),
    }
    names = ("W_Q", "W_K", "W_V")
    matrices = dict(zip(names, drawn(seed, (6, 6), (6, 6), (6, 6)), strict=True))
    query, key, same = drawn(seed + 1, (2, 3, 6), (2, 5, 6), (2, 3, 6))
    return [
        Case(small | {"mask": None}, shown=True),
        Case(small | {"mask": torch.tensor([[True, False, True], [True, True, False]])}, shown=True),
        Case({"asking": query, "asked": key} | matrices | {"mask": drawn_mask(seed, 2, 3, 5)}),
        Case({"asking": query, "asked": same} | matrices | {"mask": None}),
    ]


def from_where(query="asking", key="asked", value="asked", q="W_Q", k="W_K", v="W_V", masked=True) -> Callable:
    """A formula of attention that takes its three tables from these sentences, by these matrices."""

    def formula(**given):
        mask = given["mask"] if masked else None
        return scaled_dot_product_attention(given[query] @ given[q], given[key] @ given[k], given[value] @ given[v], mask)

    return formula


CROSS = from_where()


def bare(**given):
    """No matrices."""
    return scaled_dot_product_attention(given["asking"], given["asked"], given["asked"], given["mask"])


def turned(**given):
    """The matrices from the wrong side."""
    return CROSS(**{name: x.mT if name.startswith("W") else x for name, x in given.items()})


def unscaled(**given):
    """Scores that are not divided."""
    size = given["W_Q"].shape[-1]
    return CROSS(**(given | {"W_Q": given["W_Q"] * size**0.5}))


CROSS_ATTENTION = Exercise(
    function="cross_attention",
    cases=cross_cases,
    right=CROSS,
    parts=("output", "weights"),
    mistakes=(
        Mistake(
            "The two sentences have traded places: the one that is asked asks. Queries come from `asking`, keys and values "
            "from `asked`.",
            (from_where("asked", "asking", "asking", masked=False), from_where("asked", "asking", "asking")),
        ),
        Mistake(
            "All three come from `asking`: that is self-attention. Keys and values come from `asked`.",
            (from_where("asking", "asking", "asking", masked=False), from_where("asking", "asking", "asking")),
        ),
        Mistake(
            "All three come from `asked`: that is self-attention of the other sentence. The queries come from `asking`.",
            (from_where("asked", masked=False), from_where("asked")),
        ),
        Mistake(
            "The keys come from `asked`, the values from `asking`. A value belongs to its key: both come from `asked`.",
            (from_where(value="asking"), from_where(value="asking", masked=False)),
        ),
        Mistake(
            "The values come from `asked`, the keys from `asking`. What is looked through is `asked`: its words need the keys.",
            (from_where(key="asking"), from_where(key="asking", masked=False)),
        ),
        Mistake("The mask is not handed on to `attention`.", (from_where(masked=False),)),
        Mistake(
            "`W_Q` and `W_K` have traded places: queries are `asking @ W_Q`, keys `asked @ W_K`.",
            (from_where(q="W_K", k="W_Q"),),
        ),
        Mistake(
            "Keys and values are made by the same matrix. The values need `W_V`, the keys `W_K`.",
            (from_where(v="W_K"), from_where(k="W_V"), from_where(k="W_V", v="W_K")),
        ),
        Mistake(
            "The values are `asked` as it came in. Multiply by `W_V`.",
            (
                lambda **given: scaled_dot_product_attention(
                    given["asking"] @ given["W_Q"], given["asked"] @ given["W_K"], given["asked"], given["mask"]
                ),
            ),
        ),
        Mistake("The matrices are missing: the vectors themselves are compared. Make Q, K and V of them first.", (bare,)),
        Mistake("The matrices are transposed. A row times a matrix is `asking @ W_Q`, without `.T`.", (turned,)),
        Mistake("The scores are not divided by the root of $d_k$: the `attention` that is given does that.", (unscaled,)),
        Mistake(
            "The two come back in the wrong order: first the output, then the weights.", (lambda **given: CROSS(**given)[::-1],)
        ),
        Mistake(
            "Only the output comes back; `attention` gives two things, output and weights. Return both.",
            (lambda **given: CROSS(**given)[0],),
        ),
        Mistake("Only the weights come back; return the output and the weights.", (lambda **given: CROSS(**given)[1],)),
    ),
    errors={
        "shapes cannot be multiplied": (
            "There are as many values as keys, both from `asked`. And a table of words stands left of its matrix: "
            "`asking @ W_Q`."
        ),
        "Expected size for first two dimensions": "Keys and values come from the same sentence, `asked`, so there are as many.",
        "must match the size of tensor": (
            "The mask is (query, key): a row for each word of `asking`, a column for each of `asked`. Do queries come from "
            "`asking`, keys from `asked`?"
        ),
        "masked_fill": "There may be no mask: `mask` is None then. Hand it on as it is.",
        "bad operand type for unary ~": "There may be no mask: `mask` is None then. Hand it on as it is.",
    },
)

# --- what the decoder reads -------------------------------------------------------------------------------------------


def shifted(words: Tensor, go: int) -> Tensor:
    """The words moved by one, go in front."""
    return torch.cat([torch.full_like(words[:, :1], go), words[:, :-1]], dim=1)


def shifted_cases(seed):
    """Two short rows by hand, one row of one word, and random ones."""
    random = torch.randint(2, 20, (3, 6), generator=torch.Generator().manual_seed(seed))
    return [
        Case({"words": torch.tensor([[3, 2, 12], [4, 2, 13]]), "go": 1}, shown=True),
        Case({"words": torch.tensor([[5]]), "go": 7}, shown=True),
        Case({"words": random, "go": 1}),
    ]


def column(words, number):
    """A column of one number."""
    return torch.full_like(words[:, :1], number)


SHIFTED = Exercise(
    function="shifted",
    cases=shifted_cases,
    right=shifted,
    mistakes=(
        Mistake(
            "The words go in as they are: the decoder reads each word that it has to guess. Move them by one.",
            (lambda words, go: words,),
        ),
        Mistake(
            "They are moved the wrong way: at each place stands the word *after* it. The first word goes to the second place.",
            (
                lambda words, go: torch.cat([words[:, 1:], column(words, go)], dim=1),
                lambda words, go: words.roll(-1, dims=1),
            ),
        ),
        Mistake(
            "`go` stands in front, but the last word is still there, so the row is one longer. Leave the last one out: "
            "`words[:, :-1]`.",
            (lambda words, go: torch.cat([column(words, go), words], dim=1),),
        ),
        Mistake(
            "The last word has come round to the front. The first place belongs to `go`.",
            (lambda words, go: words.roll(1, dims=1), lambda words, go: words.roll(1)),
        ),
        Mistake(
            "In front stands 0 or 1, whatever `go` is. Use `go`.",
            (
                lambda words, go: shifted(words, 0),
                lambda words, go: shifted(words, 1),
            ),
        ),
        Mistake(
            "The rows are moved, not the words: the words stand along the second axis, `dim=1`.",
            (
                lambda words, go: torch.cat([torch.full_like(words[:1], go), words[:-1]]),
                lambda words, go: words.roll(1, dims=0),
            ),
        ),
        Mistake(
            "The last word is left out, but nothing stands in front: the row is one shorter.",
            (lambda words, go: words[:, :-1],),
        ),
        Mistake(
            "`go` has taken the place of the first word, and the others are where they were. Move them by one.",
            (lambda words, go: torch.cat([column(words, go), words[:, 1:]], dim=1),),
        ),
    ),
    errors={
        "Sizes of tensors must match": "`torch.cat` puts them side by side along `dim=1`; both need as many rows.",
        "Dimension out of range": (
            "The column of `go` needs two axes: `torch.full_like(words[:, :1], go)`; `words[:, 0]` would lose one."
        ),
        "expected Tensor as element": "`torch.cat` joins tensors: a column of `go` is `torch.full_like(words[:, :1], go)`.",
    },
)

# --- change a digit ---------------------------------------------------------------------------------------------------


@cache
def untrained() -> Translator:
    """A small translator, the same in every process; its scores are ten times as large, so that moves can be read."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Translator(size=8)
    with torch.no_grad():
        model.score.weight *= 10
    return model


def translator(digits: Tensor, said: Tensor):
    """an untrained translator: scores and weights."""
    with torch.no_grad():
        return untrained()(digits, said)


def swayed(translator, digits, said, new, after="softmax", axis=-1, piles_up=False, move="largest") -> Tensor:
    """By how much the next word's probabilities move, at most, when one digit becomes `new`. The rest are slips."""

    def answers(asked):
        scores = translator(asked, said)[0]
        return scores.softmax(dim=axis) if after == "softmax" else scores

    before, columns, other = answers(digits), [], digits
    for at in range(digits.shape[1]):
        other = (other if piles_up else digits).clone()
        other[:, at] = new
        columns.append(MOVES[move](answers(other), before)[0])
    return torch.stack(columns, dim=-1)


MOVES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "largest": lambda new, old: (new - old).abs().amax(dim=-1),
    "up": lambda new, old: (new - old).amax(dim=-1),
    "sum": lambda new, old: (new - old).abs().sum(dim=-1),
    "mean": lambda new, old: (new - old).abs().mean(dim=-1),
    "length": lambda new, old: torch.linalg.vector_norm(new - old, dim=-1),
    "maximum": lambda new, old: new.amax(dim=-1),
}


def swayed_cases(seed):
    """A row of two numbers by hand, and a random row of three."""
    random = torch.Generator().manual_seed(seed)
    digits, said = torch.randint(3, 10, (1, 6), generator=random), torch.randint(2, 20, (1, 8), generator=random)
    small = {"digits": torch.tensor([[2, 1, 4, 7]]), "said": torch.tensor([[1, 3, 2]])}
    return [
        Case({"translator": translator} | small | {"new": 5}, shown=True),
        Case({"translator": translator, "digits": digits, "said": said, "new": 2}),
    ]


def with_choice(**choice):
    """A formula of changing digits with a mistake."""
    return lambda **given: swayed(**given, **choice)


SWAYED = Exercise(
    function="",
    cases=swayed_cases,
    right=swayed,
    mistakes=(
        Mistake(
            "The changes pile up: when the second digit is changed, the first one still is. Begin each time with a copy of the "
            "digits as they came in.",
            (with_choice(piles_up=True),),
        ),
        Mistake(
            "Those are moves of the *scores*. Make probabilities of them first: `.softmax(dim=-1)`.", (with_choice(after=""),)
        ),
        Mistake(
            "The softmax runs over the wrong axis. The 20 words of the language are the last one: `dim=-1`.",
            (with_choice(axis=1),),
        ),
        Mistake(
            "Only moves up are seen. A probability that falls has moved, too: take `.abs()` first.", (with_choice(move="up"),)
        ),
        Mistake("All 20 moves are added up. Asked is the largest: `.amax(dim=-1)`.", (with_choice(move="sum"),)),
        Mistake("That is the mean of the 20 moves. Asked is the largest: `.amax(dim=-1)`.", (with_choice(move="mean"),)),
        Mistake(
            "That is the length of the difference. Asked is the largest move of one probability.",
            (with_choice(move="length"),),
        ),
        Mistake(
            "That is the largest new probability. By how much did it *move*? Subtract the old ones.",
            (with_choice(move="maximum"),),
        ),
        Mistake(
            "Those are the weights: where a word looked. Asked is by how much its *answer* moves: take the scores, `[0]`.",
            (lambda translator, digits, said, new: translator(digits, said)[1][0],),
        ),
        Mistake(
            "The table is turned round: a row for each word, a column for each digit.",
            (lambda **given: swayed(**given).T,),
        ),
    ),
    errors={
        "'tuple' object has no attribute": "`translator` returns two things, scores and weights. The scores are `[0]`.",
    },
)

# --- find the bugs ----------------------------------------------------------------------------------------------------


def descent(start, target, rate, steps, sign=-1.0, adds=False, factor=2.0):
    """Gradient descent on the squared error. adds: gradients pile up. factor: of the gradient, 2 for a square."""
    w, gradient = start.clone(), torch.zeros_like(start)
    for _ in range(steps):
        gradient = factor * (w - target) + (gradient if adds else 0)
        w = w + sign * rate * gradient
    return w


def with_slip(**slip):
    """A formula of descent with a mistake."""
    return lambda start, target, rate, steps: descent(start, target, rate, steps, **slip)


def descend_cases(seed):
    """One step and three, by hand; then random numbers, several at once."""
    start, target = drawn(seed, (4,), (4,))
    zero, three = torch.tensor([0.0]), torch.tensor([3.0])
    return [
        Case({"start": zero, "target": three, "rate": 0.1, "steps": 1}, shown=True),
        Case({"start": zero, "target": three, "rate": 0.1, "steps": 3}, shown=True),
        Case({"start": start, "target": target, "rate": 0.2, "steps": 4}),
    ]


DESCEND = Exercise(
    function="",
    cases=descend_cases,
    right=descent,
    mistakes=(
        Mistake(
            "Both bugs are still there. Try one step: should w go up or down? Then two: what is in `w.grad` at the second?",
            (with_slip(sign=1.0, adds=True),),
        ),
        Mistake(
            "One bug is gone: it goes downhill, and one step is right. Two are not: `backward` *adds* to the gradient that is "
            "already there.",
            (with_slip(adds=True),),
        ),
        Mistake(
            "One bug is gone: each gradient is a fresh one. But the step goes uphill: subtract it.",
            (with_slip(sign=1.0),),
        ),
        Mistake(
            "Only the last step counts: w starts anew in every round, or the loop ends after its first.",
            (lambda start, target, rate, steps: descent(start, target, rate, 1),),
        ),
        Mistake(
            "w has not moved. Is the gradient forgotten *after* `backward` and before the step? Forget it before `backward`.",
            (lambda start, target, rate, steps: start,),
        ),
        Mistake(
            "The gradient is that of another loss: the slope of $(w - 3)^2$ is $2(w - 3)$. `backward` works it out.",
            (with_slip(factor=1.0), with_slip(factor=0.2)),
        ),
        Mistake(
            "The learning rate is gone: w jumps by the whole gradient.",
            (lambda start, target, rate, steps: descent(start, target, 1.0, steps),),
        ),
    ),
    errors={
        "leaf Variable that requires grad": "The step has to stand inside `with torch.no_grad():`.",
        "unsupported operand type(s) for *: 'float' and 'NoneType'": (
            "`w.grad` is None there: forgotten after `backward`, or w is a new tensor. Forget it *before* `backward`, and "
            "change w in place: `w -= ...`."
        ),
        "does not require grad": "`w` is a new tensor after `w = w - ...` inside `no_grad`; change it in place: `w -= ...`.",
        "'NoneType' object has no attribute": "`w.grad` is None before the first `backward`. Write `w.grad = None`.",
    },
)

EXERCISES = {
    "cross_weights": CROSS_WEIGHTS,
    "one_step": ONE_STEP,
    "surprise": SURPRISE,
    "cross_attention": CROSS_ATTENTION,
    "shifted": SHIFTED,
    "swayed": SWAYED,
    "descend": DESCEND,
}
