"""Exercises on pre-training: how many tokens, the loss of counting, masking, a loss, a view, and a loop with bugs.

Each mistake is one that people make.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from bertnotes.exercises.judging import Case, Exercise, Mistake, Number

IGNORED = -100

# --- numbers ----------------------------------------------------------------------------------------------------------

HOW_MANY = Number(
    right=126 * 0.15 * 0.1,
    tolerance=0.006,
    mistakes={
        126 * 0.15: "That is how many are chosen. Of these a tenth becomes a random piece.",
        126 * 0.15 * 0.8: "That is how many become `[MASK]`, eight tenths of the chosen ones.",
        126 * 0.1: "That is a tenth of all tokens. It is a tenth of the *chosen* ones.",
        126 * 0.15 * 0.2: "You counted those that stay as well. They are not wrong.",
        126 * 0.15 * 0.9: "Those are the chosen ones that are visibly changed or hidden. Only random pieces are asked for.",
        128 * 0.15 * 0.1: "`[CLS]` and `[SEP]` are never chosen: 126 tokens may be.",
        126 * 0.1 * 0.9 * 0.15: "A tenth of the chosen ones: 126 · 0.15 · 0.1.",
        126 * 0.85: "That is how many are not chosen.",
    },
)
BITS = 0.5 * 1 + 0.25 * 2 + 0.25 * 3
BY_COUNTING = Number(
    right=BITS * math.log(2),
    tolerance=0.006,
    mistakes={
        math.log(4): "That is the loss of someone who gives each of the four tokens the same. *The* is half of the text.",
        BITS: "That is in bits, with the logarithm to base 2. In nats it is ln.",
        math.log(2): "That is the loss where *the* is hidden. Average over all eight tokens.",
        (math.log(2) + math.log(4) + 2 * math.log(8)) / 4: "You averaged over the four *kinds*. *The* is hidden four times in "
        "eight, so its loss counts four times.",
        math.log(2) + math.log(4) + 2 * math.log(8): "That is the sum of the four losses. Average over all eight tokens.",
        8 * BITS * math.log(2): "That is the sum over the eight tokens. Divide by 8.",
        math.exp(BITS * math.log(2)): "That is the perplexity. Take its natural logarithm.",
        -BITS * math.log(2): "The sign: the loss is *minus* the logarithm.",
        math.log(8): "That is the loss where *good* or *bad* is hidden. Average over all eight tokens.",
        BITS * math.log10(2): "That is the logarithm to base 10. Take `ln`.",
    },
)

# --- masking ----------------------------------------------------------------------------------------------------------


def hide(
    ids: Tensor, chance: Tensor, fate: Tensor, pieces: Tensor, ordinary: Tensor, mask_id: int, kept: float = 0.9
) -> tuple[Tensor, Tensor]:
    """What the model reads and what it is asked. kept: up to where a fate means that a token stays."""
    chosen = (chance < 0.15) & ordinary
    masked = ids.masked_fill(chosen & (fate < 0.8), mask_id)
    return torch.where(chosen & (fate >= kept), pieces, masked), ids.masked_fill(~chosen, IGNORED)


def hide_cases(seed):
    """The sentence of the page, one whose special tokens have low numbers, and drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    page = {
        "ids": torch.tensor([[2, 11, 12, 13, 14, 15, 16, 17, 3]]),
        "chance": torch.tensor([[0.64, 0.29, 0.04, 0.28, 0.96, 0.08, 0.09, 0.69, 0.94]]),
        "fate": torch.tensor([[0.10, 0.95, 0.50, 0.20, 0.85, 0.91, 0.89, 0.40, 0.30]]),
        "pieces": torch.tensor([[21, 22, 23, 24, 25, 26, 27, 28, 29]]),
        "ordinary": torch.tensor([[False] + [True] * 7 + [False]]),
        "mask_id": 4,
    }
    low = page | {"chance": torch.tensor([[0.02, 0.40, 0.11, 0.50, 0.03, 0.70, 0.14, 0.15, 0.01]])}
    chance, fate = torch.rand(2, 4, 40, generator=generator)
    ids, pieces = torch.randint(5, 100, (2, 4, 40), generator=generator)
    ordinary = torch.ones(4, 40, dtype=torch.bool)
    ordinary[:, 0] = ordinary[:, -1] = False
    chance[0, :8] = torch.tensor([0.01, 0.02, 0.14, 0.14, 0.02, 0.5, 0.6, 0.7])
    fate[0, :8] = torch.tensor([0.3, 0.1, 0.85, 0.95, 0.82, 0.1, 0.85, 0.97])
    drawn = {"ids": ids, "chance": chance, "fate": fate, "pieces": pieces, "ordinary": ordinary, "mask_id": 4}
    return [Case(page, shown=True), Case(low, shown=True), Case(drawn)]


def everyone(ids, chance, fate, pieces, ordinary, mask_id):
    """The fate of every token counts, chosen or not."""
    masked = torch.where(fate >= 0.9, pieces, ids.masked_fill(fate < 0.8, mask_id))
    return masked, hide(ids, chance, fate, pieces, ordinary, mask_id)[1]


def with_labels(labels):
    """A formula that masks well and has these labels: a function of (ids, masked, chosen)."""

    def formula(**given):
        masked, right = hide(**given)
        return masked, labels(given["ids"], masked, right != IGNORED)

    return formula


def others(chance, **given):
    """Those are chosen that should not be."""
    return hide(chance=torch.where(chance < 0.15, 1.0, 0.0), **given)


HIDE = Exercise(
    function="hide",
    cases=hide_cases,
    right=hide,
    parts=("masked", "labels"),
    mistakes=(
        Mistake(
            "`[CLS]` and `[SEP]` can be chosen here. Only where `ordinary` is True may a token be chosen: `& ordinary`.",
            (lambda ordinary, **given: hide(ordinary=torch.ones_like(ordinary), **given),),
        ),
        Mistake("You chose the wrong ones: chosen is where `chance` is *below* 0.15.", (others,)),
        Mistake(
            "The second number decides for the *chosen* tokens alone: `chosen & (fate < 0.8)`.",
            (everyone,),
        ),
        Mistake(
            "From 0.8 to 0.9 a chosen token stays as it is. You replace it by a random piece: use `fate >= 0.9`.",
            (lambda **given: hide(**given, kept=0.8),),
        ),
        Mistake(
            "Random pieces are missing: where `fate` is 0.9 or more, the model reads `pieces`.",
            (lambda **given: hide(**given, kept=2.0),),
        ),
        Mistake(
            "The labels hold what the model *reads*. They should hold what stood there before: take them from `ids`.",
            (with_labels(lambda ids, masked, chosen: masked.masked_fill(~chosen, IGNORED)),),
        ),
        Mistake(
            "Every position has a label, so the model is asked about tokens that it can read. Not chosen: −100.",
            (with_labels(lambda ids, masked, chosen: ids),),
        ),
        Mistake(
            "Where nothing is asked you write 0, and 0 is a token. Cross-entropy passes over −100.",
            (with_labels(lambda ids, masked, chosen: ids.masked_fill(~chosen, 0)),),
        ),
        Mistake(
            "Only tokens that became `[MASK]` have a label. All chosen ones are asked, the kept and the random ones too.",
            (with_labels(lambda ids, masked, chosen: ids.masked_fill(~chosen | (masked != 4), IGNORED)),),
        ),
        Mistake(
            "You ask only about tokens that changed. One that was chosen and stays is asked about as well.",
            (with_labels(lambda ids, masked, chosen: ids.masked_fill(~chosen | (masked == ids), IGNORED)),),
        ),
        Mistake(
            "The labels are the wrong way round: the ids where a token was chosen, −100 elsewhere (`~chosen`).",
            (with_labels(lambda ids, masked, chosen: ids.masked_fill(chosen, IGNORED)),),
        ),
    ),
    errors={
        "bitwise_and": "Put brackets around each comparison: `(chance < 0.15) & ordinary`.",
        "unsupported operand type(s) for &": "Put brackets around each comparison: `(chance < 0.15) & ordinary`.",
        "ambiguous": "`and` does not work on tensors: use `&`, with brackets around each comparison.",
    },
)

# --- the loss ---------------------------------------------------------------------------------------------------------


def masked_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """The mean of -ln p over the positions that are asked."""
    return cross_entropy(scores[labels != IGNORED], labels[labels != IGNORED])


def loss_cases(seed):
    """One asked position of two, three words; then drawn ones. Position 0's label is never the token 0."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(3, 6, 9, generator=generator)
    labels = torch.randint(1, 9, (3, 6), generator=generator).masked_fill(torch.rand(3, 6, generator=generator) < 0.5, IGNORED)
    labels[0, :2], labels[1, :2] = torch.tensor([IGNORED, 5]), torch.tensor([3, IGNORED])
    one = torch.tensor([[[2.0, 1.0, -1.0], [0.0, 0.0, 3.0]]])
    return [
        Case({"scores": one, "labels": torch.tensor([[0, IGNORED]])}, shown=True),
        Case({"scores": one, "labels": torch.tensor([[2, 2]])}, shown=True),
        Case({"scores": scores, "labels": labels}),
    ]


def each(scores, labels, dim=-1):
    """The loss at every position; 0 where nothing is asked."""
    logs = scores.log_softmax(dim=dim).gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    return -logs.masked_fill(labels == IGNORED, 0.0)


MASKED_LOSS = Exercise(
    function="masked_loss",
    cases=loss_cases,
    right=masked_loss,
    mistakes=(
        Mistake(
            "You divide by all positions. Divide by those that are asked: the mean is over labels that are not −100.",
            (lambda scores, labels: each(scores, labels).mean(),),
        ),
        Mistake(
            "That is the sum. The mean over the asked positions is wanted.",
            (lambda scores, labels: each(scores, labels).sum(),),
        ),
        Mistake(
            "Where the label is −100 nothing is asked. You count a loss there, too, as if the token 0 stood there.",
            (lambda scores, labels: cross_entropy(scores.flatten(0, 1), labels.clamp(min=0).flatten()),),
        ),
        Mistake("The sign: the loss is *minus* the logarithm.", (lambda scores, labels: -masked_loss(scores, labels),)),
        Mistake(
            "These are probabilities. The loss is minus their logarithm.",
            (
                lambda scores, labels: (
                    scores.softmax(-1)[labels != IGNORED].gather(-1, labels[labels != IGNORED][:, None]).mean()
                ),
            ),
        ),
        Mistake(
            "Softmax is along the wrong axis. The probabilities of the *pieces* add up to 1: `dim=-1`.",
            (lambda scores, labels: each(scores, labels, 1).sum() / (labels != IGNORED).sum(),),
        ),
        Mistake(
            "You average the probabilities first and take the logarithm then. Each position has its own logarithm.",
            (
                lambda scores, labels: (
                    -scores.softmax(-1)[labels != IGNORED].gather(-1, labels[labels != IGNORED][:, None]).mean().log()
                ),
            ),
        ),
        Mistake(
            "These are the losses one by one. Return their mean.",
            (
                lambda scores, labels: each(scores, labels)[labels != IGNORED],
                each,
            ),
        ),
    ),
    errors={
        "Expected target size": "`cross_entropy` wants (n, vocabulary) and (n,): choose the asked positions first.",
        "is out of bounds": "−100 is no token. Choose the asked positions first: `labels != -100`.",
        "index out of range": "−100 is no token. Choose the asked positions first: `labels != -100`.",
        "out of bounds for": "−100 is no token. Choose the asked positions first: `labels != -100`.",
    },
)

# --- a view -----------------------------------------------------------------------------------------------------------


def around(ids: Tensor, gap: int, before: int, after: int, mask_id: int) -> Tensor:
    """Only so many tokens on each side of the gap are seen; the others are mask_id, and the gap is."""
    offset = torch.arange(len(ids)) - gap
    seen = (offset >= -before) & (offset <= after) & (offset != 0)
    return ids.where(seen, mask_id)


def around_cases(seed):
    """By hand: one on each side, two before, none; more than there are; a drawn one."""
    generator = torch.Generator().manual_seed(seed)
    row, drawn = torch.tensor([11, 12, 13, 14, 15, 16, 17]), torch.randint(5, 100, (20,), generator=generator)
    names = ("ids", "gap", "before", "after", "mask_id")
    given = [(row, 3, 1, 1, 4), (row, 3, 2, 0, 4), (row, 4, 0, 2, 4), (row, 1, 3, 2, 4), (drawn, 8, 5, 3, 4)]
    return [Case(dict(zip(names, one, strict=True)), shown=one[0] is row) for one in given]


def sliced(ids, gap, before, after, mask_id):
    """By slices, whose start may fall below 0."""
    shown = torch.full_like(ids, mask_id)
    shown[gap - before : gap] = ids[gap - before : gap]
    shown[gap + 1 : gap + 1 + after] = ids[gap + 1 : gap + 1 + after]
    return shown


AROUND = Exercise(
    function="",
    cases=around_cases,
    right=around,
    mistakes=(
        Mistake(
            "The gap itself can be read. It has to be `mask_id`, too.",
            (
                lambda ids, gap, before, after, mask_id: around(ids, gap, before, after, mask_id).index_fill(
                    0, torch.tensor(gap), int(ids[gap])
                ),
            ),
        ),
        Mistake(
            "`before` and `after` have traded places.",
            (lambda ids, gap, before, after, mask_id: around(ids, gap, after, before, mask_id),),
        ),
        Mistake(
            "Before the gap one token too few is seen: `before` of them should be.",
            (lambda ids, gap, before, after, mask_id: around(ids, gap, before - 1, after, mask_id),),
        ),
        Mistake(
            "After the gap one token too few is seen. The last one is `gap + after`, and a slice ends before its end.",
            (lambda ids, gap, before, after, mask_id: around(ids, gap, before, after - 1, mask_id),),
        ),
        Mistake(
            "One token too many is seen on each side.",
            (lambda ids, gap, before, after, mask_id: around(ids, gap, before + 1, after + 1, mask_id),),
        ),
        Mistake(
            "It is inverted: you hide what should be seen.",
            (
                lambda ids, gap, before, after, mask_id: ids.where(around(ids, gap, before, after, -1) == -1, mask_id),
                lambda ids, gap, before, after, mask_id: ids.where(
                    (around(ids, gap, before, after, -1) == -1) & (torch.arange(len(ids)) != gap), mask_id
                ),
            ),
        ),
        Mistake(
            "You cut the row off. Its length stays: what may not be seen becomes `mask_id`.",
            (
                lambda ids, gap, before, after, mask_id: around(ids, gap, before, after, mask_id)[
                    max(0, gap - before) : gap + after + 1
                ],
            ),
        ),
        Mistake(
            "Near the beginning it goes wrong: `gap - before` is negative, and a slice counts that from the end. "
            "`max(0, gap - before)` helps.",
            (sliced,),
        ),
        Mistake(
            "All but the gap is seen. Hide what is further away than `before` and `after`.",
            (lambda ids, gap, before, after, mask_id: around(ids, gap, 99, 99, mask_id),),
        ),
    ),
)

# --- a loop with bugs -------------------------------------------------------------------------------------------------


def learn(ids: Tensor, labels: Tensor, size: int, rate: float, every: bool = False, forget: bool = True) -> Tensor:
    """Steps of gradient descent on one score a piece. every: the loss is on all tokens; forget: zero_grad is called."""
    scores, kept = torch.zeros(size), torch.zeros(size)
    for row in ids if every else labels:
        asked = row[row != IGNORED]
        gradient = scores.softmax(-1) - torch.bincount(asked, minlength=size) / len(asked)
        kept = gradient if forget else kept + gradient
        scores = scores - rate * kept
    return scores


def learn_cases(seed):
    """One step, two steps, drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, 6, (7, 12), generator=generator)
    labels = ids.masked_fill(torch.rand(7, 12, generator=generator) < 0.6, IGNORED)
    labels[:, 0] = ids[:, 0]
    two = torch.tensor([[0, 1, 2, 1], [2, 2, 0, 1]])
    asked = torch.tensor([[IGNORED, 1, IGNORED, IGNORED], [2, IGNORED, 0, IGNORED]])
    return [
        Case({"ids": two[:1], "labels": asked[:1], "size": 3, "rate": 0.3}, shown=True),
        Case({"ids": two, "labels": asked, "size": 3, "rate": 0.3}, shown=True),
        Case({"ids": ids, "labels": labels, "size": 6, "rate": 0.5}),
    ]


LEARN = Exercise(
    function="",
    cases=learn_cases,
    right=learn,
    mistakes=(
        Mistake(
            "Both bugs are still there. Which tokens does the loss ask about? And what does `backward` add to?",
            (lambda **given: learn(**given, every=True, forget=False),),
        ),
        Mistake(
            "The gradient is forgotten now. But the loss still asks about every token, and not only about the chosen ones.",
            (lambda **given: learn(**given, every=True),),
        ),
        Mistake(
            "The loss asks about the right tokens now. From the second step on the last gradient is not forgotten.",
            (lambda **given: learn(**given, forget=False),),
        ),
        Mistake("That goes uphill: the scores of the right tokens fall.", (lambda rate, **given: learn(rate=-rate, **given),)),
        Mistake(
            "Nothing is learned: the scores are still 0. Is `zero_grad` between `backward` and `step`?",
            (lambda ids, labels, size, rate: torch.zeros(size),),
        ),
        Mistake(
            "These are probabilities, or their logarithms. Return the scores themselves.",
            (lambda **given: learn(**given).softmax(-1), lambda **given: learn(**given).log_softmax(-1)),
        ),
    ),
    errors={"is not defined": "Does your notebook have the imports? Run the cell with them first."},
)

EXERCISES = {
    "how_many": HOW_MANY,
    "by_counting": BY_COUNTING,
    "hide": HIDE,
    "masked_loss": MASKED_LOSS,
    "around": AROUND,
    "learn": LEARN,
}
