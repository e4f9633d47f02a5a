"""Exercises on pictures of attention: how spread out a row is, how far a head looks, who looks at whom, pieces, luck.

Each mistake is one that people make.
"""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from bertnotes.exercises.judging import Case, Exercise, Mistake, Number


def drawn_weights(generator, *shape):
    """Rows of attention, each with the sum 1."""
    return (2 * torch.randn(*shape, generator=generator)).softmax(dim=-1)


BY_HAND = torch.tensor([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.0, 0.5, 0.5]])

# --- how spread out a row is ------------------------------------------------------------------------------------------


def entropy(weights: Tensor) -> Tensor:
    """The entropy of each row, in nats."""
    return torch.special.entr(weights).sum(dim=-1)


def entropy_cases(seed):
    """A row on one token, an even one, one between; a head; all heads of a layer."""
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.tensor([1.0, 0.0, 0.0, 0.0]), torch.full((4,), 0.25), torch.tensor([0.5, 0.25, 0.25, 0.0])]
    drawn = [drawn_weights(generator, 5, 7), drawn_weights(generator, 3, 6, 6)]
    return [Case({"weights": row}, shown=True) for row in [*rows, BY_HAND]] + [Case({"weights": one}) for one in drawn]


ENTROPY = Exercise(
    function="",
    cases=entropy_cases,
    right=entropy,
    mistakes=(
        Mistake("The sign: entropy is *minus* the sum of $w \\ln w$.", (lambda weights: -entropy(weights),)),
        Mistake(
            "That is in bits, with the logarithm to base 2. In nats it is `log`.",
            (lambda weights: entropy(weights) / torch.tensor(2.0).log(),),
        ),
        Mistake(
            "Where a weight is 0 you get `nan`: 0 times the logarithm of 0. Such a token adds nothing, so put 0 there.",
            (lambda weights: -(weights * weights.log()).sum(dim=-1),),
        ),
        Mistake(
            "You take the mean over the tokens looked at. The entropy of a row is their sum.",
            (lambda weights: torch.special.entr(weights).mean(dim=-1),),
        ),
        Mistake(
            "You divide by the highest possible entropy, ln n. That measures evenness, from 0 to 1. Asked is the entropy.",
            (lambda weights: entropy(weights) / torch.tensor(float(weights.shape[-1])).log(),),
        ),
        Mistake(
            "You sum over the rows. A row is along the *last* axis: `sum(dim=-1)`.",
            (lambda weights: torch.special.entr(weights).sum(dim=0),),
        ),
        Mistake(
            "You sum over everything. Each row has an entropy of its own: `sum(dim=-1)`.",
            (lambda weights: torch.special.entr(weights).sum(),),
        ),
    ),
)

# --- how far a head looks ---------------------------------------------------------------------------------------------


def distances(count: int) -> Tensor:
    """How many tokens each is from each: (query_pos, key_pos)."""
    position = torch.arange(count)
    return (position[:, None] - position).abs().float()


def mean_distance(weights: Tensor) -> Tensor:
    """How many tokens away a head looks, on average over its rows."""
    return (weights * distances(weights.shape[-1])).sum(dim=-1).mean(dim=-1)


def distance_cases(seed):
    """A head that looks back by one, a head by hand; a drawn head; the heads of two layers."""
    generator = torch.Generator().manual_seed(seed)
    back = torch.eye(4).roll(-1, dims=-1)
    back[0] = torch.tensor([1.0, 0.0, 0.0, 0.0])
    drawn = [drawn_weights(generator, 6, 6), drawn_weights(generator, 2, 3, 5, 5)]
    return [Case({"weights": one}, shown=True) for one in (back, BY_HAND)] + [Case({"weights": one}) for one in drawn]


MEAN_DISTANCE = Exercise(
    function="",
    cases=distance_cases,
    right=mean_distance,
    mistakes=(
        Mistake(
            "Looks to the left and to the right cancel each other. A distance has no sign: take `abs()`.",
            (
                lambda weights: (
                    (weights * (torch.arange(weights.shape[-1]) - torch.arange(weights.shape[-1])[:, None])).sum(-1).mean(-1)
                ),
                lambda weights: (
                    (weights * (torch.arange(weights.shape[-1])[:, None] - torch.arange(weights.shape[-1]))).sum(-1).mean(-1)
                ),
            ),
        ),
        Mistake(
            "That is the sum over the rows. The mean over them is asked.",
            (lambda weights: mean_distance(weights) * weights.shape[-1],),
        ),
        Mistake(
            "You divide by the number of tokens twice. Within a row the weights already add up to 1: sum there, then take the "
            "mean over the rows.",
            (lambda weights: (weights * distances(weights.shape[-1])).mean(dim=(-2, -1)),),
        ),
        Mistake(
            "That is how far away the token is that is looked at *most*. Every token counts, by its weight.",
            (lambda weights: (weights.argmax(dim=-1) - torch.arange(weights.shape[-1])).abs().float().mean(dim=-1),),
        ),
        Mistake(
            "You square the distance. Far looks then count more than they should.",
            (lambda weights: (weights * distances(weights.shape[-1]) ** 2).sum(-1).mean(-1),),
        ),
        Mistake(
            "There is a number for each row. Take the mean over them, the last axis that is left: `mean(dim=-1)`.",
            (lambda weights: (weights * distances(weights.shape[-1])).sum(dim=-1),),
        ),
        Mistake(
            "You average over all heads. Each head has a number of its own: `mean(dim=-1)`, and no more.",
            (lambda weights: mean_distance(weights).mean(),),
        ),
    ),
)

# --- pieces of words --------------------------------------------------------------------------------------------------


def merge(weights: Tensor, word_of: Tensor, columns: str = "sum", rows: str = "mean") -> Tensor:
    """Weights between words: the pieces looked at summed, the pieces that look averaged."""
    member = one_hot(word_of).to(weights.dtype)  # (piece, word)
    share = member / member.sum(dim=0)
    return (share if rows == "mean" else member).T @ weights @ (member if columns == "sum" else share)


def merge_cases(seed):
    """By hand; two words in pieces; drawn ones; where each word is one piece."""
    generator = torch.Generator().manual_seed(seed)
    four = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], [0.0, 0.4, 0.2, 0.4], [0.1, 0.2, 0.3, 0.4]])
    words = torch.tensor([0, 1, 1, 1, 2, 3, 3, 4])
    return [
        Case({"weights": BY_HAND, "word_of": torch.tensor([0, 1, 1])}, shown=True),
        Case({"weights": four, "word_of": torch.tensor([0, 0, 1, 2])}, shown=True),
        Case({"weights": drawn_weights(generator, 8, 8), "word_of": words}),
        Case({"weights": drawn_weights(generator, 5, 5), "word_of": torch.arange(5)}),
    ]


MERGE = Exercise(
    function="",
    cases=merge_cases,
    right=merge,
    mistakes=(
        Mistake(
            "You average over the pieces that are looked at, so rows no longer add up to 1. A word gets what its pieces get "
            "*together*: sum over the columns.",
            (lambda weights, word_of: merge(weights, word_of, columns="mean"),),
        ),
        Mistake(
            "You sum over the pieces that look, so a word of three pieces spends 3 instead of 1. Average over the rows.",
            (lambda weights, word_of: merge(weights, word_of, rows="sum"),),
        ),
        Mistake(
            "Rows and columns have traded places: sum over the *columns* of a word, average over its *rows*.",
            (lambda weights, word_of: merge(weights, word_of, columns="mean", rows="sum"),),
        ),
        Mistake(
            "You keep only the first piece of each word, in rows and columns. What the other pieces get and give is lost.",
            (lambda weights, word_of: first_pieces(weights, word_of),),
        ),
        Mistake(
            "The sums over the columns are right. But of the rows you keep only each word's first piece: average over them.",
            (lambda weights, word_of: first_rows(weights, word_of),),
        ),
        Mistake(
            "It is transposed: a row is the word that *looks*.",
            (lambda weights, word_of: merge(weights, word_of).T,),
        ),
        Mistake(
            "The columns are merged, the rows are not. Now average over the rows of each word.",
            (lambda weights, word_of: weights @ one_hot(word_of).to(weights.dtype),),
        ),
    ),
    errors={
        "expected m1 and m2 to have the same dtype": "`one_hot` gives whole numbers: `.to(weights.dtype)` or `.float()` helps.",
    },
)


def beginnings(word_of):
    """The position of each word's first piece."""
    return [word_of.tolist().index(word) for word in range(int(word_of.max()) + 1)]


def first_pieces(weights, word_of):
    """Only first pieces look and are looked at."""
    return weights[beginnings(word_of)][:, beginnings(word_of)]


def first_rows(weights, word_of):
    """Only first pieces look."""
    return (weights @ one_hot(word_of).to(weights.dtype))[beginnings(word_of)]


# --- whom a token looks at most ---------------------------------------------------------------------------------------


def looks_at(weights: Tensor, ordinary: Tensor) -> Tensor:
    """For each token the position of the ordinary token that it looks at most."""
    return weights.masked_fill(~ordinary, -1.0).argmax(dim=-1)


def looks_cases(seed):
    """By hand, with [CLS] in front and [SEP] behind; a special token in the middle; drawn ones, and two layers of heads."""
    generator = torch.Generator().manual_seed(seed)
    hand = torch.tensor([[0.7, 0.2, 0.1, 0.0], [0.6, 0.1, 0.3, 0.0], [0.5, 0.4, 0.0, 0.1], [0.1, 0.05, 0.15, 0.7]])
    inside = torch.tensor([False, True, True, False])
    middle = torch.tensor([False, True, True, False, True, True, False])
    resting = drawn_weights(generator, 7, 7) * 0.3
    resting[:, 0] += 0.7
    return [
        Case({"weights": hand, "ordinary": inside}, shown=True),
        Case({"weights": hand[:, [0, 3, 1, 2]], "ordinary": torch.tensor([False, False, True, True])}, shown=True),
        Case({"weights": resting, "ordinary": middle}),
        Case({"weights": drawn_weights(generator, 2, 3, 7, 7), "ordinary": middle}),
    ]


LOOKS_AT = Exercise(
    function="",
    cases=looks_cases,
    right=looks_at,
    mistakes=(
        Mistake(
            "`[CLS]` and `[SEP]` can still win. Only positions where `ordinary` is True may: fill the others with −1 first.",
            (lambda weights, ordinary: weights.argmax(dim=-1),),
        ),
        Mistake(
            "You cut the special tokens out, so positions have shifted. Return positions in the whole row.",
            (lambda weights, ordinary: weights[..., ordinary].argmax(dim=-1),),
        ),
        Mistake(
            "It is inverted: you leave the ordinary tokens out and keep the special ones. `~ordinary` is where to fill.",
            (lambda weights, ordinary: weights.masked_fill(ordinary, -1.0).argmax(dim=-1),),
        ),
        Mistake(
            "That is who looks at *it* most, along a column. A row is along the last axis: `argmax(dim=-1)`.",
            (lambda weights, ordinary: weights.masked_fill(~ordinary, -1.0).argmax(dim=-2),),
        ),
        Mistake(
            "These are the weights. Asked are the positions: `argmax`.",
            (lambda weights, ordinary: weights.masked_fill(~ordinary, -1.0).amax(dim=-1),),
        ),
        Mistake(
            "That is whom it looks at *least*.",
            (lambda weights, ordinary: weights.masked_fill(~ordinary, 2.0).argmin(dim=-1),),
        ),
    ),
)

# --- the shares of the columns ----------------------------------------------------------------------------------------


def received(weights: Tensor, ordinary: Tensor) -> Tensor:
    """The share of the ordinary tokens' attention that each token receives, in each layer."""
    return weights[:, :, ordinary].mean(dim=(1, 2))


def received_cases(seed):
    """One head by hand, two heads; drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    four = torch.tensor([[0.9, 0.1, 0.0, 0.0], [0.5, 0.25, 0.25, 0.0], [0.5, 0.0, 0.25, 0.25], [0.2, 0.0, 0.0, 0.8]])
    inside = torch.tensor([False, True, True, False])
    return [
        Case({"weights": four[None, None], "ordinary": inside}, shown=True),
        Case({"weights": torch.stack([four, four[[3, 0, 1, 2]]])[None], "ordinary": inside}, shown=True),
        Case(
            {"weights": drawn_weights(generator, 3, 4, 6, 6), "ordinary": torch.tensor([False, True, True, True, True, False])}
        ),
    ]


RECEIVED = Exercise(
    function="",
    cases=received_cases,
    right=received,
    mistakes=(
        Mistake(
            "You ask all tokens, `[CLS]` and `[SEP]` too. Keep the rows of ordinary ones: `weights[:, :, ordinary]`.",
            (lambda weights, ordinary: weights.mean(dim=(1, 2)),),
        ),
        Mistake(
            "You keep the *columns* of ordinary tokens. Asked is who looks: keep the rows, `weights[:, :, ordinary]`.",
            (
                lambda weights, ordinary: weights[..., ordinary].mean(dim=(1, 3)),
                lambda weights, ordinary: weights[..., ordinary].mean(dim=(1, 2)),
            ),
        ),
        Mistake(
            "It is inverted: you ask the special tokens alone.",
            (lambda weights, ordinary: weights[:, :, ~ordinary].mean(dim=(1, 2)),),
        ),
        Mistake(
            "You average along the rows, and each row has the mean 1/n. Average over the tokens that *look*: axis 2.",
            (lambda weights, ordinary: weights[:, :, ordinary].mean(dim=(1, 3)),),
        ),
        Mistake(
            "That is a sum over the tokens that look, so a layer has more than 1 to give. Average over them.",
            (
                lambda weights, ordinary: weights[:, :, ordinary].mean(dim=1).sum(dim=1),
                lambda weights, ordinary: weights[:, :, ordinary].sum(dim=(1, 2)),
            ),
        ),
        Mistake(
            "There is a number for each head. Average over the heads, too: axis 1.",
            (lambda weights, ordinary: weights[:, :, ordinary].mean(dim=2),),
        ),
        Mistake(
            "You average over the layers, too. Each layer has a row of its own.",
            (lambda weights, ordinary: weights[:, :, ordinary].mean(dim=(0, 1, 2)),),
        ),
    ),
)

# --- luck -------------------------------------------------------------------------------------------------------------

BY_LUCK = Number(
    right=1 - (15 / 16) ** 20,
    tolerance=0.006,
    mistakes={
        1 / 16: "That is the probability for *one* head. There are 20 of them.",
        15 / 16: "That is the probability that one head fails.",
        (15 / 16) ** 20: "That is the probability that *no* head is right in all four. Asked is the opposite.",
        20 / 16: "A probability is at most 1. Twenty times 1/16 counts cases twice in which two heads succeed.",
        1 - (1 / 16) ** 20: "One head *succeeds* with 1/16 and fails with 15/16. All 20 have to fail for nobody to succeed.",
        (1 / 16) ** 20: "That is the probability that *all* heads are right in all four. One is enough.",
        1 - 0.5**20: "You let one case be enough. A head has to be right in all four, with probability 1/16.",
        1 - (7 / 8) ** 20: "You have three cases. There are four: (1/2)⁴ = 1/16.",
    },
)

EXERCISES = {
    "entropy": ENTROPY,
    "mean_distance": MEAN_DISTANCE,
    "received": RECEIVED,
    "looks_at": LOOKS_AT,
    "merge": MERGE,
    "by_luck": BY_LUCK,
}
