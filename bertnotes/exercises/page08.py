"""Exercises on measuring heads: the luck of the best of many, a habit, an interval, a control, a contribution, an ablation.

Each mistake is one that people make.
"""

import torch
from torch import Tensor

from bertnotes.exercises.judging import Case, Exercise, Mistake, Number

# --- the best of many -------------------------------------------------------------------------------------------------

ALL_SIX = 1 / 2**6
BEST_BY_LUCK = Number(
    right=1 - (1 - ALL_SIX) ** 72,
    tolerance=0.006,
    mistakes={
        ALL_SIX: "That is the probability for *one* head. There are 72.",
        72 * ALL_SIX: "That is how many heads get all six right on average. A probability is never above 1.",
        (1 - ALL_SIX) ** 72: "That is the probability that *none* does. Subtract it from 1.",
        1 - ALL_SIX: "That is the probability that one head makes at least one mistake.",
        0.5: "0.5 is one question and one head.",
        1.0: "It is likely, but not certain.",
        1 - (1 - 1 / 72) ** 6: "You have 72 and 6 the wrong way round.",
        1 - (1 - 6 / 2**6) ** 72: "6 / 64 is the probability of exactly *one* right answer in six. All six: 1 / 64.",
    },
)

# --- a habit ----------------------------------------------------------------------------------------------------------


def looks_before(weights: Tensor) -> Tensor:
    """The mean weight on the token before, of the tokens from position 2 to the last but one: (sentence, head)."""
    return weights.diagonal(-1, -2, -1)[..., 1:-1].mean(dim=-1)


def rows_of(weights: Tensor, generator=None) -> Tensor:
    """Numbers made into rows of weights, each of which sums to 1."""
    return weights / weights.sum(dim=-1, keepdim=True)


def habit_cases(seed):
    """One sentence of five tokens by hand, whose first rows and last row look back as well; then drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    hand = torch.tensor(
        [
            [
                [
                    [0.6, 0.1, 0.1, 0.1, 0.1],
                    [0.9, 0.1, 0.0, 0.0, 0.0],
                    [0.1, 0.5, 0.2, 0.1, 0.1],
                    [0.0, 0.2, 0.7, 0.1, 0.0],
                    [0.0, 0.1, 0.1, 0.4, 0.4],
                ]
            ]
        ]
    )
    drawn = rows_of(torch.rand(3, 2, 7, 7, generator=generator))
    return [Case({"weights": hand}, shown=True), Case({"weights": drawn})]


def diagonal(offset, start=None, end=None):
    """A formula that averages another stretch of a diagonal."""
    return lambda weights: weights.diagonal(offset, -2, -1)[..., start:end].mean(dim=-1)


LOOKS_BEFORE = Exercise(
    function="",
    cases=habit_cases,
    right=looks_before,
    mistakes=(
        Mistake(
            "That is the weight on the token *after*. The first of the last two axes is the token that looks, the second the "
            "one that is looked at.",
            (diagonal(1, 1, -1), diagonal(1), diagonal(1, 2), diagonal(1, None, -2)),
        ),
        Mistake("That is the weight on the token itself.", (diagonal(0, 1, -1), diagonal(0), diagonal(0, 2, -1))),
        Mistake(
            "You ask all tokens. Position 1 has `[CLS]` before it, and the last one is `[SEP]`: leave out both.",
            (diagonal(-1),),
        ),
        Mistake(
            "You ask position 1, too, whose token before is `[CLS]`. Begin with position 2.",
            (diagonal(-1, None, -1),),
        ),
        Mistake("You ask `[SEP]`, too, the last token. Ask up to the last but one.", (diagonal(-1, 1),)),
        Mistake(
            "One position too many is left out: position 2 is asked, and so is the last but one.",
            (diagonal(-1, 2, -1), diagonal(-1, 1, -2)),
        ),
        Mistake("That is the sum. Take the mean.", (lambda weights: weights.diagonal(-1, -2, -1)[..., 1:-1].sum(dim=-1),)),
        Mistake(
            "These are the weights one by one. Average them over the positions.",
            (lambda weights: weights.diagonal(-1, -2, -1)[..., 1:-1],),
        ),
        Mistake(
            "You averaged over the sentences, too. Each sentence keeps its own number, or there can be no interval.",
            (lambda weights: looks_before(weights).mean(dim=0), lambda weights: looks_before(weights).mean()),
        ),
    ),
)

# --- an interval ------------------------------------------------------------------------------------------------------


def with_error(values: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of a number for each sentence, and its standard error."""
    return values.mean(), values.std() / len(values) ** 0.5


def error_cases(seed):
    """Four numbers by hand, and drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    hand = torch.tensor([0.0, 2.0, 2.0, 4.0])
    return [Case({"values": hand}, shown=True), Case({"values": torch.rand(30, generator=generator)})]


def error(formula):
    """A formula with the right mean and this error."""
    return lambda values: (values.mean(), formula(values))


WITH_ERROR = Exercise(
    function="",
    cases=error_cases,
    right=with_error,
    parts=("mean", "error"),
    mistakes=(
        Mistake(
            "That is the standard deviation: how far one sentence lies from the mean. The *mean* of n sentences is surer, by "
            "the root of n.",
            (error(lambda values: values.std()), error(lambda values: values.std(correction=0))),
        ),
        Mistake("Divide by the *root* of the number of sentences.", (error(lambda values: values.std() / len(values)),)),
        Mistake("That is the square of it. Take the root.", (error(lambda values: values.var() / len(values)),)),
        Mistake(
            "You took the variance, the square of the standard deviation.",
            (error(lambda values: values.var() / len(values) ** 0.5),),
        ),
        Mistake(
            "Very near. `std` should divide by n − 1, as the mean was worked out from the same numbers.",
            (error(lambda values: values.std(correction=0) / len(values) ** 0.5),),
        ),
        Mistake(
            "That is twice the error, half the width of the interval. Return the error.",
            (error(lambda values: 2 * values.std() / len(values) ** 0.5),),
        ),
        Mistake("Return two things: the mean, and the error.", (lambda values: values.std() / len(values) ** 0.5,)),
        Mistake("The two have traded places: first the mean.", (lambda values: with_error(values)[::-1],)),
    ),
)

# --- a control --------------------------------------------------------------------------------------------------------


def against_others(looks: Tensor, answers: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
    """How often each head looks most at the answer, and at the answer of another sentence: (head,) twice."""
    most = looks.argmax(dim=-1)
    share = [(most == asked[:, None]).double().mean(dim=0) for asked in (answers, answers[order])]
    return share[0], share[1]


def control_cases(seed):
    """Three sentences and two heads by hand; then drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    hand = torch.tensor(
        [[[0.1, 0.8, 0.1], [0.1, 0.2, 0.7]], [[0.1, 0.2, 0.7], [0.2, 0.1, 0.7]], [[0.6, 0.3, 0.1], [0.2, 0.1, 0.7]]]
    )
    drawn = rows_of(torch.rand(40, 3, 6, generator=generator) ** 4)
    answers = drawn[:, 0].argmax(dim=-1).where(torch.rand(40, generator=generator) < 0.7, torch.tensor(2))
    order = torch.randperm(40, generator=generator).roll(1)
    return [
        Case({"looks": hand, "answers": torch.tensor([1, 2, 2]), "order": torch.tensor([1, 2, 0])}, shown=True),
        Case({"looks": drawn, "answers": answers, "order": order}),
    ]


def of_most(looks, answers):
    """The share of sentences in which a head looks most at the answer."""
    return (looks.argmax(dim=-1) == answers[:, None]).double().mean(dim=0)


def mass(looks, answers):
    """The mean weight on the answer."""
    return looks.gather(-1, answers[:, None, None].expand(-1, looks.shape[1], 1))[..., 0].mean(dim=0)


AGAINST_OTHERS = Exercise(
    function="",
    cases=control_cases,
    right=against_others,
    parts=("share", "control"),
    mistakes=(
        Mistake(
            "The control is the same as the share. Is `order` used? And are only the answers shuffled? Shuffled alike, each "
            "sentence has its own answer again.",
            (lambda looks, answers, order: (of_most(looks, answers), of_most(looks[order], answers[order])),),
        ),
        Mistake(
            "You averaged the weights on the answers. Count how often the answer has the *largest* weight.",
            (lambda looks, answers, order: (mass(looks, answers), mass(looks, answers[order])),),
        ),
        Mistake(
            "You counted. Divide by the number of sentences.",
            (
                lambda looks, answers, order: (
                    of_most(looks, answers) * len(looks),
                    of_most(looks, answers[order]) * len(looks),
                ),
            ),
        ),
        Mistake(
            "You averaged over the heads, too. Each head has a share of its own.",
            (lambda looks, answers, order: (of_most(looks, answers).mean(), of_most(looks, answers[order]).mean()),),
        ),
        Mistake(
            "The two have traded places: first the share with the right answers.",
            (lambda looks, answers, order: against_others(looks, answers, order)[::-1],),
        ),
    ),
    errors={
        "must match the size": "`most` is (sentence, head), the answers (sentence,). Give them an axis: `answers[:, None]`.",
        "mean(): could not infer": "True and False have no mean: make numbers of them first, with `.double()`.",
        "Input dtype must be": "True and False have no mean: make numbers of them first, with `.double()`.",
    },
)

# --- a contribution ---------------------------------------------------------------------------------------------------


def contributions(weights: Tensor, value: Tensor, output: Tensor) -> Tensor:
    """Weight times the length of the value after W^O: (head, query, key)."""
    return weights * (value @ output).norm(dim=-1)[:, None, :]


def contribution_cases(seed):
    """One head of two tokens by hand; then drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    hand = {
        "weights": torch.tensor([[[0.9, 0.1], [0.5, 0.5]]]),
        "value": torch.tensor([[[0.1, 0.0], [3.0, 4.0]]]),
        "output": torch.tensor([[[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]]),
    }
    drawn = {
        "weights": rows_of(torch.rand(2, 4, 4, generator=generator)),
        "value": torch.randn(2, 4, 3, generator=generator),
        "output": torch.randn(2, 3, 5, generator=generator),
    }
    return [Case(hand, shown=True), Case(drawn)]


CONTRIBUTIONS = Exercise(
    function="",
    cases=contribution_cases,
    right=contributions,
    mistakes=(
        Mistake(
            "That is the length of the value *before* the output matrix. What reaches the token is `value @ output`.",
            (lambda weights, value, output: weights * value.norm(dim=-1)[:, None, :],),
        ),
        Mistake(
            "The lengths belong to the tokens that are looked at, the last axis of `weights`. You put them on those that look.",
            (lambda weights, value, output: weights * (value @ output).norm(dim=-1)[:, :, None],),
        ),
        Mistake(
            "The weights are missing.",
            (
                lambda weights, value, output: (value @ output).norm(dim=-1)[:, None, :].expand_as(weights),
                lambda weights, value, output: (value @ output).norm(dim=-1),
            ),
        ),
        Mistake(
            "That is the length of the *sum*, what the head adds in all. Each token's part has a length of its own.",
            (lambda weights, value, output: (weights @ value @ output).norm(dim=-1),),
        ),
        Mistake(
            "You added up the numbers of each vector. Its length is the root of the sum of their squares: `.norm(dim=-1)`.",
            (lambda weights, value, output: weights * (value @ output).sum(dim=-1)[:, None, :],),
        ),
        Mistake(
            "That is the square of the length. Take the root.",
            (lambda weights, value, output: weights * (value @ output).square().sum(dim=-1)[:, None, :],),
        ),
        Mistake(
            "You made each row sum to 1. That is the *share*; the contribution itself is wanted.",
            (lambda weights, value, output: rows_of(contributions(weights, value, output)),),
        ),
        Mistake(
            "These are the vectors. Return their lengths, a number for each head, query and key.",
            (lambda weights, value, output: weights[..., None] * (value @ output)[:, None],),
        ),
    ),
)

# --- an ablation ------------------------------------------------------------------------------------------------------


def mean_instead(found: Tensor, head: int) -> Tensor:
    """What heads found, one of them replaced by its mean over sentences and positions."""
    changed = found.clone()
    changed[:, :, head] = found[:, :, head].mean(dim=(0, 1))
    return changed


def mean_cases(seed):
    """Two sentences, two positions, two heads of one number by hand; then drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    hand = torch.tensor([[[[1.0], [5.0]], [[3.0], [6.0]]], [[[5.0], [7.0]], [[7.0], [8.0]]]])
    drawn = torch.randn(3, 4, 5, 2, generator=generator)
    return [Case({"found": hand, "head": 0}, shown=True), Case({"found": drawn, "head": 3})]


def instead(values):
    """A formula that puts something else in the place of what the head found."""

    def formula(found, head):
        changed = found.clone()
        changed[:, :, head] = values(found, found[:, :, head])
        return changed

    return formula


MEAN_INSTEAD = Exercise(
    function="",
    cases=mean_cases,
    right=mean_instead,
    mistakes=(
        Mistake(
            "The head is silent: 0 is in its place. Put its mean there, so that only what differs from text to text is gone.",
            (instead(lambda found, own: torch.zeros_like(own)),),
        ),
        Mistake(
            "Each sentence has a mean of its own here, so the head still says something about the sentence. Average over the "
            "sentences, too.",
            (instead(lambda found, own: own.mean(dim=1, keepdim=True).expand_as(own)),),
        ),
        Mistake(
            "Each position has a mean of its own here. Average over sentences *and* positions.",
            (instead(lambda found, own: own.mean(dim=0, keepdim=True).expand_as(own)),),
        ),
        Mistake(
            "You averaged over the numbers of the head as well. Each of its numbers keeps a mean of its own: `dim=(0, 1)`.",
            (instead(lambda found, own: own.mean()),),
        ),
        Mistake(
            "You put in the mean of *all* heads. It should be that of this head.",
            (instead(lambda found, own: found.mean(dim=(0, 1, 2))),),
        ),
        Mistake(
            "All heads have become their means. Only the one called `head` should.",
            (lambda found, head: found.mean(dim=(0, 1), keepdim=True).expand_as(found),),
        ),
        Mistake(
            "You replaced a *position*. The heads are the third axis: `found[:, :, head]`.",
            (
                lambda found, head: found.index_copy(
                    1, torch.tensor([head]), found[:, head].mean(dim=(0, 1)).expand_as(found[:, [head]])
                ),
            ),
        ),
        Mistake("Nothing is replaced: this is what was given.", (lambda found, head: found.clone(),)),
    ),
)

EXERCISES = {
    "best_by_luck": BEST_BY_LUCK,
    "looks_before": LOOKS_BEFORE,
    "with_error": WITH_ERROR,
    "against_others": AGAINST_OTHERS,
    "contributions": CONTRIBUTIONS,
    "mean_instead": MEAN_INSTEAD,
}
