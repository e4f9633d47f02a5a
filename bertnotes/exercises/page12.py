"""Exercises on what made a verdict: covers, a slope times a way, slopes averaged, tokens hidden in order, a control, a trap.

Each mistake is one that people make.
"""

import torch
from torch import Tensor

from bertnotes.exercises.judging import Case, Exercise, Mistake, Number

# --- counted twice ----------------------------------------------------------------------------------------------------

COUNTED_TWICE = Number(
    right=18,
    tolerance=1e-6,
    mistakes={
        6: "That is what the three words change together, and what each occlusion is *alone*. Now add up the three occlusions.",
        2: "That is a fair share for one word. Occlusion does not share: hide one word and look how far the logit falls.",
        0: "That is right where *one* of the words would be enough. Here all three are needed: hide one, and the logit is 0.",
        3: "That is the number of words. By how much does the logit fall when one is hidden?",
        12: "That would be two words. There are three.",
        -18: "A fall counts as positive: the logit with the word, less the logit without it.",
    },
)

# --- covers -----------------------------------------------------------------------------------------------------------


def covers(ids: Tensor, mask_id: int) -> Tensor:
    """The text once for each token but the first and the last, with that token hidden: (cover, position)."""
    rows = ids.repeat(len(ids) - 2, 1)
    inside = torch.arange(len(ids) - 2)
    rows[inside, inside + 1] = mask_id
    return rows


def covers_cases(seed):
    """Five tokens by hand, then drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    hand = torch.tensor([101, 11, 12, 13, 102])
    return [
        Case({"ids": hand, "mask_id": 103}, shown=True),
        Case({"ids": torch.randint(200, 900, (9,), generator=generator), "mask_id": 103}),
    ]


def all_covered(ids, mask_id):
    """Each token hidden once, the ends as well."""
    return torch.where(torch.eye(len(ids), dtype=torch.bool), mask_id, ids)


def ends_kept(ids, mask_id):
    """A text with everything hidden but its ends."""
    rows = torch.full_like(ids, mask_id)
    rows[[0, -1]] = ids[[0, -1]]
    return rows


COVERS = Exercise(
    function="",
    cases=covers_cases,
    right=covers,
    mistakes=(
        Mistake(
            "You hide the ends, too. `[CLS]` and `[SEP]` are in every text: leave out the first and the last row.",
            (all_covered,),
        ),
        Mistake(
            "Shifted: row 0 should hide position 1. Yours hides `[CLS]`.",
            (lambda ids, mask_id: all_covered(ids, mask_id)[:-2],),
        ),
        Mistake(
            "Shifted: the last row should hide the last token before `[SEP]`, and yours hides `[SEP]`.",
            (lambda ids, mask_id: all_covered(ids, mask_id)[2:],),
        ),
        Mistake(
            "Each row hides all that were hidden before, too. One token a row: begin each from the whole text.",
            (
                lambda ids, mask_id: torch.stack(
                    [torch.cat([ids[:1], torch.full_like(ids[1:at], mask_id), ids[at:]]) for at in range(2, len(ids))]
                ),
            ),
        ),
        Mistake(
            "Each row *keeps* one token and hides the others. Hide one and keep the others.",
            (lambda ids, mask_id: torch.where(torch.eye(len(ids), dtype=torch.bool)[1:-1], ids, ends_kept(ids, mask_id)),),
        ),
        Mistake(
            "The token is left out, so the row is shorter and all later tokens move. Put the mask in its place.",
            (lambda ids, mask_id: torch.stack([torch.cat([ids[:at], ids[at + 1 :]]) for at in range(1, len(ids) - 1)]),),
        ),
        Mistake(
            "Every row hides all tokens. It should hide one a row.",
            (lambda ids, mask_id: ends_kept(ids, mask_id).repeat(len(ids) - 2, 1),),
        ),
        Mistake("Nothing is hidden.", (lambda ids, mask_id: ids.repeat(len(ids) - 2, 1),)),
    ),
)

# --- gradient times input ---------------------------------------------------------------------------------------------


def gradient_times_way(slopes: Tensor, own: Tensor, hidden: Tensor) -> Tensor:
    """The slope along the way from the hidden token's vector to the word's own: (token,)."""
    return (slopes * (own - hidden)).sum(dim=-1)


def way_cases(seed):
    """Two tokens of two numbers by hand, then drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    hand = {
        "slopes": torch.tensor([[1.0, 2.0], [3.0, 0.0]]),
        "own": torch.tensor([[2.0, 1.0], [1.0, 5.0]]),
        "hidden": torch.tensor([[1.0, 2.0], [2.0, 3.0]]),
    }
    drawn = {name: torch.randn(12, 6, generator=generator) for name in hand}
    return [Case(hand, shown=True), Case(drawn)]


GRADIENT_TIMES_WAY = Exercise(
    function="",
    cases=way_cases,
    right=gradient_times_way,
    mistakes=(
        Mistake(
            "You multiply with the word's own vector. A token at full strength is held against a *hidden* one: the way is "
            "`own - hidden`.",
            (lambda slopes, own, hidden: (slopes * own).sum(dim=-1),),
        ),
        Mistake(
            "The sign is turned round: the way goes from the hidden vector to the word's own.",
            (lambda slopes, own, hidden: (slopes * (hidden - own)).sum(dim=-1),),
        ),
        Mistake(
            "These are products number by number. Each token gets one: add them up over the last axis.",
            (lambda slopes, own, hidden: slopes * (own - hidden),),
        ),
        Mistake(
            "You added up over the tokens. Each token keeps a number of its own: `sum(dim=-1)`.",
            (
                lambda slopes, own, hidden: (slopes * (own - hidden)).sum(dim=0),
                lambda slopes, own, hidden: (slopes * (own - hidden)).sum(),
            ),
        ),
        Mistake(
            "That is the mean over the numbers of a vector. A step along the way changes all of them at once, so their effects "
            "add up.",
            (lambda slopes, own, hidden: (slopes * (own - hidden)).mean(dim=-1),),
        ),
        Mistake(
            "You took the size away from the sign. A word that speaks against the verdict has a negative number.",
            (
                lambda slopes, own, hidden: (slopes * (own - hidden)).sum(dim=-1).abs(),
                lambda slopes, own, hidden: (slopes * (own - hidden)).abs().sum(dim=-1),
                lambda slopes, own, hidden: (slopes * (own - hidden)).norm(dim=-1),
            ),
        ),
        Mistake(
            "That is the length of the slope. It says how steep the steepest way is, not the way to this word.",
            (lambda slopes, own, hidden: slopes.norm(dim=-1),),
        ),
        Mistake(
            "The way is missing: that is the sum of the slopes.",
            (lambda slopes, own, hidden: slopes.sum(dim=-1),),
        ),
    ),
)

# --- integrated gradients ---------------------------------------------------------------------------------------------


def integrated(slopes: Tensor, way: Tensor, change: Tensor) -> tuple[Tensor, Tensor]:
    """Integrated gradients from the slopes at each step, and what is missing of the change: (token,) and a number."""
    values = (slopes.mean(dim=0) * way).sum(dim=-1)
    return values, change - values.sum()


def integrated_cases(seed):
    """Two steps, two tokens of two numbers by hand, then drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    hand = {
        "slopes": torch.tensor([[[4.0, 0.0], [1.0, 1.0]], [[0.0, 2.0], [3.0, 1.0]]]),
        "way": torch.tensor([[1.0, 1.0], [0.5, -1.0]]),
        "change": torch.tensor(3.5),
    }
    drawn = {
        "slopes": torch.randn(8, 5, 6, generator=generator),
        "way": torch.randn(5, 6, generator=generator),
        "change": torch.randn((), generator=generator),
    }
    return [Case(hand, shown=True), Case(drawn)]


def with_missing(values):
    """A formula with these values and what is missing of the change beside them."""

    def formula(slopes, way, change):
        found = values(slopes, way)
        return found, change - found.sum()

    return formula


INTEGRATED = Exercise(
    function="",
    cases=integrated_cases,
    right=integrated,
    parts=("values", "missing"),
    mistakes=(
        Mistake(
            "You added up the slopes of all steps. Each step is only one of many parts of the way: take the mean.",
            (with_missing(lambda slopes, way: (slopes.sum(dim=0) * way).sum(dim=-1)),),
        ),
        Mistake(
            "That is the slope of the last step alone: gradient × input.",
            (with_missing(lambda slopes, way: (slopes[-1] * way).sum(dim=-1)),),
        ),
        Mistake(
            "That is the slope of the first step alone, where everything is nearly hidden.",
            (with_missing(lambda slopes, way: (slopes[0] * way).sum(dim=-1)),),
        ),
        Mistake(
            "The way is missing. A slope says how much a step of length 1 does; multiply it with `way`.",
            (with_missing(lambda slopes, way: slopes.mean(dim=0).sum(dim=-1)),),
        ),
        Mistake(
            "You dropped the signs. What speaks for and what speaks against must be able to cancel, or the "
            "sum is no longer the change.",
            (
                with_missing(lambda slopes, way: (slopes.mean(dim=0) * way).sum(dim=-1).abs()),
                with_missing(lambda slopes, way: (slopes.abs().mean(dim=0) * way).sum(dim=-1)),
            ),
        ),
        Mistake(
            "You averaged over the numbers of a vector as well. Add those up, `sum(dim=-1)`; the mean is over the steps.",
            (with_missing(lambda slopes, way: (slopes.mean(dim=0) * way).mean(dim=-1)),),
        ),
        Mistake(
            "`missing` has the wrong sign: what the logit changed by, less what the values add up to.",
            (lambda slopes, way, change: (integrated(slopes, way, change)[0], -integrated(slopes, way, change)[1]),),
        ),
        Mistake(
            "`missing` should be one number: the change, less the *sum* of the values.",
            (lambda slopes, way, change: (integrated(slopes, way, change)[0], change - integrated(slopes, way, change)[0]),),
        ),
        Mistake(
            "Return two things: the values, and what is missing.",
            (lambda slopes, way, change: integrated(slopes, way, change)[0],),
        ),
    ),
)

# --- hide the first ---------------------------------------------------------------------------------------------------


def hide_first(ids: Tensor, values: Tensor, count: int, mask_id: int) -> Tensor:
    """The text with so many tokens hidden, those with the highest values, never the ends: (position,)."""
    rows, inside = ids.clone(), values[1:-1]
    rows[1 + inside.argsort(descending=True)[:count]] = mask_id
    return rows


def hide_cases(seed):
    """Six tokens by hand, whose ends have the highest values and one of which speaks strongly against; then drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    hand = {"ids": torch.tensor([101, 11, 12, 13, 14, 102]), "values": torch.tensor([9.0, 1.0, -5.0, 3.0, 2.0, 8.0])}
    values = torch.randn(12, generator=generator)
    values[[0, -1]] = 9.0
    values[1 + torch.randint(10, (1,), generator=generator)] = -6.0
    drawn = {"ids": torch.randint(200, 900, (12,), generator=generator), "values": values}
    return [Case(hand | {"count": 2, "mask_id": 103}, shown=True), Case(drawn | {"count": 4, "mask_id": 103})]


def hidden_at(choose):
    """A formula that hides the positions which `choose` finds."""

    def formula(ids, values, count, mask_id):
        rows = ids.clone()
        rows[choose(values, count)] = mask_id
        return rows

    return formula


HIDE_FIRST = Exercise(
    function="",
    cases=hide_cases,
    right=hide_first,
    mistakes=(
        Mistake(
            "You hide the *lowest* values. `argsort` begins with the smallest: `descending=True`.",
            (
                hidden_at(lambda values, count: 1 + values[1:-1].argsort()[:count]),
                hidden_at(lambda values, count: values.argsort()[:count]),
            ),
        ),
        Mistake(
            "You hide `[CLS]` or `[SEP]`. They are no words: rank what lies between them.",
            (hidden_at(lambda values, count: values.argsort(descending=True)[:count]),),
        ),
        Mistake(
            "The ranking of `values[1:-1]` begins at position 1. Your positions are one too small: add 1.",
            (hidden_at(lambda values, count: values[1:-1].argsort(descending=True)[:count]),),
        ),
        Mistake(
            "You rank by size without the sign. Hiding a word that speaks *against* the verdict makes it surer.",
            (hidden_at(lambda values, count: 1 + values[1:-1].abs().argsort(descending=True)[:count]),),
        ),
        Mistake(
            "You hide the first `count` tokens of the *text*. It should be those with the highest values.",
            (hidden_at(lambda values, count: torch.arange(1, 1 + count)),),
        ),
        Mistake(
            "You keep the first ones and hide all the others.",
            (hidden_at(lambda values, count: 1 + values[1:-1].argsort(descending=True)[count:]),),
        ),
        Mistake(
            "You hide all tokens with a value above 0. Hide `count` of them.",
            (hidden_at(lambda values, count: 1 + (values[1:-1] > 0).nonzero()[:, 0]),),
        ),
        Mistake("Nothing is hidden.", (lambda ids, values, count, mask_id: ids,)),
    ),
)

# --- a lead over chance -----------------------------------------------------------------------------------------------


def lead_over_random(ours: Tensor, random: Tensor) -> tuple[Tensor, Tensor]:
    """By how much our curves lie under the random ones, the mean over texts and its standard error."""
    lead = (random - ours).mean(dim=1)
    return lead.mean(), lead.std() / len(lead) ** 0.5


def lead_cases(seed):
    """Three texts and two shares by hand; then drawn ones, whose two curves go up and down together."""
    generator = torch.Generator().manual_seed(seed)
    hand = {
        "ours": torch.tensor([[0.5, 0.3], [0.6, 0.2], [0.3, 0.1]]),
        "random": torch.tensor([[0.9, 0.9], [0.7, 0.5], [0.5, 0.3]]),
    }
    level = torch.rand(30, 1, generator=generator)
    drawn = {"ours": 0.2 * torch.rand(30, 4, generator=generator) + 0.4 * level}
    drawn["random"] = drawn["ours"] + 0.1 + 0.3 * torch.rand(30, 4, generator=generator)
    return [Case(hand, shown=True), Case(drawn)]


def heights(curves):
    """The mean height of each curve."""
    return curves.mean(dim=1)


LEAD_OVER_RANDOM = Exercise(
    function="",
    cases=lead_cases,
    right=lead_over_random,
    parts=("lead", "error"),
    mistakes=(
        Mistake(
            "The sign is turned round. A good ranking lets the probability fall *faster* than chance: "
            "a lead is random less ours.",
            (lambda ours, random: (-lead_over_random(ours, random)[0], lead_over_random(ours, random)[1]),),
        ),
        Mistake(
            "The error is that of two separate sets of texts. Both rankings saw the same texts: "
            "take the difference text by text first, then its spread.",
            (
                lambda ours, random: (
                    (heights(random) - heights(ours)).mean(),
                    ((heights(ours).var() + heights(random).var()) / len(ours)) ** 0.5,
                ),
            ),
        ),
        Mistake(
            "You took every point of a curve for a text of its own. Points of one curve are no independent "
            "measurements: average over the shares first.",
            (
                lambda ours, random: (
                    (random - ours).mean(),
                    (random - ours).std() / (random - ours).numel() ** 0.5,
                ),
            ),
        ),
        Mistake(
            "That is the standard deviation: how far one text lies from the mean. Divide by the root of the number of texts.",
            (lambda ours, random: (lead_over_random(ours, random)[0], (heights(random) - heights(ours)).std()),),
        ),
        Mistake(
            "That is twice the error. Return the error.",
            (lambda ours, random: (lead_over_random(ours, random)[0], 2 * lead_over_random(ours, random)[1]),),
        ),
        Mistake(
            "You have averaged over the texts, so that the error says how far the *shares* lie apart. Average over `dim=1`.",
            (
                lambda ours, random: (
                    (random - ours).mean(),
                    (random - ours).mean(dim=0).std() / ours.shape[1] ** 0.5,
                ),
            ),
        ),
        Mistake("Return two things: the lead, and its error.", (lambda ours, random: lead_over_random(ours, random)[0],)),
        Mistake("The two have traded places: first the lead.", (lambda ours, random: lead_over_random(ours, random)[::-1],)),
    ),
)

EXERCISES = {
    "counted_twice": COUNTED_TWICE,
    "covers": COVERS,
    "gradient_times_way": GRADIENT_TIMES_WAY,
    "integrated": INTEGRATED,
    "hide_first": HIDE_FIRST,
    "lead_over_random": LEAD_OVER_RANDOM,
}
