"""Exercises on how sure one may be: twenty slices, McNemar's test, a difference in pairs, calibration, a temperature.

Each mistake is one that people make.
"""

import torch
from torch import Tensor

from bertnotes.exercises.judging import Case, Exercise, Mistake, Number

# --- twenty slices ----------------------------------------------------------------------------------------------------

TWENTY_SLICES = Number(
    right=1 - 0.95**20,
    tolerance=0.006,
    mistakes={
        0.05: "That is the probability for *one* slice. There are twenty.",
        20 * 0.05: "That is how many such slices there are on average. A probability of 1 would be a certainty.",
        0.95**20: "That is the probability that *none* does. Subtract it from 1.",
        0.95: "That is the probability that one slice does not.",
        20 * 0.05 * 0.95**19: "That is the probability of *exactly* one. Asked is at least one.",
        0.05**20: "That is the probability that *all* twenty do.",
    },
)

# --- McNemar ----------------------------------------------------------------------------------------------------------


def mcnemar(ours: Tensor, theirs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """How many only we have right, how many only they, and (b − c)² / (b + c)."""
    b, c = (ours & ~theirs).sum(), (~ours & theirs).sum()
    return b, c, (b - c) ** 2 / (b + c)


def drawn_pairs(generator, count=60):
    """Verdicts of two systems, whether right: (review,) twice. They differ somewhere in both directions."""
    ours = torch.rand(count, generator=generator) < 0.8
    theirs = ours ^ (torch.rand(count, generator=generator) < 0.3)
    ours[:3], theirs[:3] = torch.tensor([True, True, False]), torch.tensor([False, False, True])
    return ours, theirs


def pair_cases(seed):
    """Ten reviews by hand, 4 to 1; then drawn ones."""
    ours = torch.tensor([1, 1, 1, 1, 0, 1, 1, 1, 0, 0]).bool()
    theirs = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1, 0, 0]).bool()
    drawn = drawn_pairs(torch.Generator().manual_seed(seed))
    return [
        Case({"ours": ours, "theirs": theirs}, shown=True),
        Case({"ours": drawn[0], "theirs": drawn[1]}),
    ]


def statistic(formula):
    """The right counts, and something else made of b, c and the number of reviews."""

    def found(ours, theirs):
        b, c = mcnemar(ours, theirs)[:2]
        return b, c, formula(b, c, len(ours))

    return found


def of_counts(b, c):
    """The statistic of two other counts."""
    return b, c, (b - c) ** 2 / (b + c)


MCNEMAR = Exercise(
    function="",
    cases=pair_cases,
    right=mcnemar,
    parts=("b", "c", "statistic"),
    mistakes=(
        Mistake(
            "Your counts are of all that each has right. Those that *both* have right say nothing of who is better: count "
            "where just one is right, `ours & ~theirs`.",
            (lambda ours, theirs: of_counts(ours.sum(), theirs.sum()),),
        ),
        Mistake(
            "You counted what both have right, and what both have wrong. The test looks at the other two fields.",
            (lambda ours, theirs: of_counts((ours & theirs).sum(), (~ours & ~theirs).sum()),),
        ),
        Mistake(
            "`b` and `c` have traded places: b is where only *ours* is right.",
            (lambda ours, theirs: of_counts(*mcnemar(ours, theirs)[1::-1]),),
        ),
        Mistake(
            "The difference is not squared.",
            (statistic(lambda b, c, n: (b - c) / (b + c)), statistic(lambda b, c, n: (b - c).abs() / (b + c))),
        ),
        Mistake(
            "That is its root, how many standard deviations b lies from a fair split. Square it.",
            (statistic(lambda b, c, n: (b - c) / (b + c) ** 0.5), statistic(lambda b, c, n: (b - c).abs() / (b + c) ** 0.5)),
        ),
        Mistake(
            "You divided by the number of all reviews. Divide by those on which just one is right: b + c.",
            (statistic(lambda b, c, n: (b - c) ** 2 / n),),
        ),
        Mistake("The division by b + c is missing.", (statistic(lambda b, c, n: (b - c) ** 2),)),
        Mistake(
            "That is the version with a *continuity correction*, |b − c| − 1. Asked is McNemar's own, without it.",
            (statistic(lambda b, c, n: ((b - c).abs() - 1) ** 2 / (b + c)),),
        ),
        Mistake("Return three things: b, c and the statistic.", (lambda ours, theirs: mcnemar(ours, theirs)[2],)),
    ),
    errors={"Subtraction, the `-` operator": "True and False cannot be subtracted: count first, with `.sum()`."},
)

# --- a difference in pairs --------------------------------------------------------------------------------------------


def paired_lead(ours: Tensor, theirs: Tensor) -> tuple[Tensor, Tensor]:
    """By how much ours is right more often, and the standard error of that, in pairs."""
    each = ours.double() - theirs.double()
    return each.mean(), each.std() / len(each) ** 0.5


def error(formula):
    """The right lead with another error."""
    return lambda ours, theirs: (paired_lead(ours, theirs)[0], formula(ours.double(), theirs.double(), len(ours)))


PAIRED_LEAD = Exercise(
    function="",
    cases=pair_cases,
    right=paired_lead,
    parts=("lead", "error"),
    mistakes=(
        Mistake(
            "That is the error for two systems that judged *different* reviews. Here both judged the same: take the "
            "difference review by review first, then its standard deviation.",
            (
                error(lambda a, b, n: ((a.var() + b.var()) / n) ** 0.5),
                error(lambda a, b, n: ((a.var(correction=0) + b.var(correction=0)) / n) ** 0.5),
                error(lambda a, b, n: a.std() / n**0.5 + b.std() / n**0.5),
            ),
        ),
        Mistake(
            "The standard deviation says how far *one* review lies from the mean. Divide it by the root of their number.",
            (error(lambda a, b, n: (a - b).std()),),
        ),
        Mistake("Divide by the *root* of the number of reviews.", (error(lambda a, b, n: (a - b).std() / n),)),
        Mistake(
            "You took the variance, the square of the standard deviation.",
            (error(lambda a, b, n: (a - b).var() / n**0.5), error(lambda a, b, n: (a - b).var() / n)),
        ),
        Mistake(
            "That is half the width of a 95 % interval, about twice the error. Return the error.",
            (error(lambda a, b, n: 2 * (a - b).std() / n**0.5), error(lambda a, b, n: 1.96 * (a - b).std() / n**0.5)),
        ),
        Mistake(
            "You looked only at the reviews on which they differ. In the mean and in its error, the others count as 0.",
            (lambda ours, theirs: paired_lead(ours[ours ^ theirs], theirs[ours ^ theirs]),),
        ),
        Mistake("The sign is turned: ours minus theirs.", (lambda ours, theirs: paired_lead(theirs, ours),)),
        Mistake("Return two things: the lead, and its error.", (lambda ours, theirs: paired_lead(ours, theirs)[0],)),
    ),
    errors={
        "Subtraction, the `-` operator": "True and False cannot be subtracted: make numbers of them first, with `.double()`.",
        "mean(): could not infer": "True and False have no mean: make numbers of them first, with `.double()`.",
    },
)

# --- calibration error ------------------------------------------------------------------------------------------------


def calibration_error(confidence: Tensor, right: Tensor) -> Tensor:
    """Expected calibration error over ten bins of equal width."""
    bins = (confidence * 10).long().clamp(max=9)
    gaps = [(confidence - right.double())[bins == at].sum().abs() for at in range(10)]
    return sum(gaps) / len(confidence)


def sure_cases(seed):
    """Four answers by hand in two bins, of three and one; then drawn ones, in five bins that hold not equally many."""
    generator = torch.Generator().manual_seed(seed)
    hand = {"confidence": torch.tensor([0.92, 0.94, 0.96, 0.6]).double(), "right": torch.tensor([1, 1, 0, 1]).bool()}
    confidence = 1 - 0.5 * torch.rand(80, generator=generator).double() ** 2
    right = torch.rand(80, generator=generator) < confidence - 0.12
    confidence[0], right[:2] = 1.0, torch.tensor([True, False])
    return [Case(hand, shown=True), Case({"confidence": confidence, "right": right})]


def over_bins(formula):
    """What a formula makes of (count, mean confidence, accuracy) of the bins that hold any: three tensors."""

    def found(confidence, right):
        bins = (confidence * 10).long().clamp(max=9)
        held = [bins == at for at in range(10) if (bins == at).any()]
        counts = torch.stack([one.sum() for one in held]).double()
        sure = torch.stack([confidence[one].mean() for one in held])
        share = torch.stack([right[one].double().mean() for one in held])
        return formula(counts, sure, share)

    return found


CALIBRATION_ERROR = Exercise(
    function="",
    cases=sure_cases,
    right=calibration_error,
    mistakes=(
        Mistake(
            "Each bin has the same say here. A bin counts for as many answers as it holds.",
            (
                over_bins(lambda n, sure, share: (sure - share).abs().mean()),
                over_bins(lambda n, sure, share: (sure - share).abs().sum() / 10),
            ),
        ),
        Mistake(
            "That is the difference of the two means over all answers. Bins too sure and bins not sure enough cancel: take the "
            "absolute value in each bin.",
            (
                lambda confidence, right: confidence.mean() - right.double().mean(),
                lambda confidence, right: (confidence.mean() - right.double().mean()).abs(),
            ),
        ),
        Mistake(
            "You took the absolute value answer by answer, where right is 0 or 1. First the means of a bin, then the gap.",
            (lambda confidence, right: (confidence - right.double()).abs().mean(),),
        ),
        Mistake(
            "That is the largest gap of a bin. Asked is their average.",
            (over_bins(lambda n, sure, share: (sure - share).abs().max()),),
        ),
        Mistake(
            "You squared the gaps. Take their absolute value.",
            (over_bins(lambda n, sure, share: (n * (sure - share) ** 2).sum() / n.sum()),),
        ),
        Mistake(
            "You counted the answers, but did not divide by their number in the end.",
            (over_bins(lambda n, sure, share: (n * (sure - share).abs()).sum()),),
        ),
        Mistake(
            "There is a `nan`: a bin without an answer has no mean. Leave such bins out.",
            (lambda confidence, right: torch.tensor(float("nan")).double(),),
        ),
    ),
    errors={"mean(): could not infer": "True and False have no mean: make numbers of them first, with `.double()`."},
)

# --- a temperature ----------------------------------------------------------------------------------------------------


def best_temperature(logits: Tensor, labels: Tensor, tried: Tensor) -> Tensor:
    """The temperature, of those tried, with the least validation loss."""
    losses = [torch.nn.functional.cross_entropy(logits / at, labels) for at in tried]
    return tried[torch.stack(losses).argmin()]


def temperature_cases(seed):
    """Four reviews by hand, of which the surest is wrong; then drawn ones, whose logits are too large, and far too small."""
    generator = torch.Generator().manual_seed(seed)
    tried = torch.tensor([1.0, 0.25, 4.0, 0.5, 2.0])
    hand = {
        "logits": torch.tensor([[0.0, 3.0], [3.0, 0.0], [0.0, 3.0], [0.0, 4.0]]),
        "labels": torch.tensor([1, 0, 1, 0]),
        "tried": tried,
    }
    logits = 1.5 * torch.randn(600, 2, generator=generator)
    labels = (torch.rand(600, generator=generator) < logits.softmax(dim=-1)[:, 1]).long()
    others = {"labels": labels, "tried": tried}
    return [Case(hand, shown=True), Case({"logits": 2 * logits, **others}), Case({"logits": logits / 4, **others})]


def chosen(score, best=torch.argmin):
    """The temperature with the best score(logits, labels, temperature)."""
    return lambda logits, labels, tried: tried[best(torch.stack([score(logits, labels, at) for at in tried]))]


def loss_of(logits, labels):
    """Cross-entropy."""
    return torch.nn.functional.cross_entropy(logits, labels)


BEST_TEMPERATURE = Exercise(
    function="",
    cases=temperature_cases,
    right=best_temperature,
    mistakes=(
        Mistake(
            "You *multiplied* the logits. A temperature divides: above 1 it makes the model less sure.",
            (chosen(lambda logits, labels, at: loss_of(logits * at, labels)),),
        ),
        Mistake(
            "That is the temperature with the *largest* loss. Use argmin.",
            (chosen(lambda logits, labels, at: loss_of(logits / at, labels), torch.argmax),),
        ),
        Mistake(
            "You chose by accuracy, which no temperature changes, so the first one is as good as any. Choose by the loss.",
            (chosen(lambda logits, labels, at: ((logits / at).argmax(dim=-1) == labels).double().mean(), torch.argmax),),
        ),
        Mistake(
            "That is where the model is surest. Did you take the softmax yourself? `cross_entropy` expects logits and does it.",
            (chosen(lambda logits, labels, at: loss_of((logits / at).softmax(dim=-1), labels)),),
        ),
        Mistake(
            "That is *where* in `tried` the best one stands. Return the temperature itself: `tried[...]`.",
            (
                lambda logits, labels, tried: torch.stack([loss_of(logits / at, labels) for at in tried]).argmin(),
                lambda logits, labels, tried: torch.stack([loss_of(logits / at, labels) for at in tried]).argmin().float(),
            ),
        ),
        Mistake(
            "That is the loss. Return the temperature that has it.",
            (lambda logits, labels, tried: torch.stack([loss_of(logits / at, labels) for at in tried]).min(),),
        ),
        Mistake(
            "Those are all losses. Return the temperature with the least.",
            (lambda logits, labels, tried: torch.stack([loss_of(logits / at, labels) for at in tried]),),
        ),
    ),
)

EXERCISES = {
    "twenty_slices": TWENTY_SLICES,
    "mcnemar": MCNEMAR,
    "paired_lead": PAIRED_LEAD,
    "calibration_error": CALIBRATION_ERROR,
    "best_temperature": BEST_TEMPERATURE,
}
