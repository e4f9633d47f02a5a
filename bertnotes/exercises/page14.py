"""Exercises on data of one's own: macro-F1 and class weights by hand, a split that keeps copies together, windows, a threshold.

Each mistake is one that people make.
"""

import torch
from torch import Tensor

from bertnotes.exercises.judging import Case, Exercise, Mistake, Number

# --- macro-F1 on paper ------------------------------------------------------------------------------------------------

ALWAYS_ONE = Number(
    right=2 * 0.2 * 1 / 1.2 / 8,
    tolerance=0.002,
    mistakes={
        2 * 0.2 / 1.2: "That is the F1 of the one class that is named. Now the mean over all eight.",
        0.2: "That is the accuracy.",
        0.2 / 8: "You took the precision of the one class, divided by 8. Its F1 also knows the recall, which is 1.",
        1 / 8: "That is the mean *recall* of the eight classes: 1 for one, 0 for seven.",
        0.6 / 8: "F1 is not (precision + recall) / 2. It is 2 · precision · recall / (precision + recall).",
        0.0: "Seven classes have an F1 of 0, but one has more.",
    },
)

# --- macro-F1 ---------------------------------------------------------------------------------------------------------


def f1_of_each(labels: Tensor, predictions: Tensor, num_classes: int) -> Tensor:
    """The F1 of each class: (class,)."""
    hits, there, named = counts_of(labels, predictions, num_classes)
    return 2 * hits / (there + named)


def counts_of(labels, predictions, num_classes):
    """Of each class how often it is named rightly, how often it is there, and how often it is named: (class,) each."""
    truly, named = (torch.nn.functional.one_hot(column, num_classes) for column in (labels, predictions))
    return (truly * named).sum(dim=0), truly.sum(dim=0), named.sum(dim=0)


def macro_f1(labels: Tensor, predictions: Tensor, num_classes: int) -> Tensor:
    """The mean of the classes' F1."""
    return f1_of_each(labels, predictions, num_classes).mean()


def macro_cases(seed):
    """Six texts of two classes by hand; then drawn ones of four classes, each of which is there and is named."""
    generator = torch.Generator().manual_seed(seed)
    hand = {"labels": torch.tensor([0, 0, 0, 0, 1, 1]), "predictions": torch.tensor([0, 0, 0, 0, 0, 1]), "num_classes": 2}
    labels = torch.cat([torch.tensor([0] * 20 + [1] * 12 + [2] * 5 + [3] * 3)])
    other = torch.randint(4, (40,), generator=generator)
    predictions = labels.where(torch.rand(40, generator=generator) < 0.6, other)
    predictions[[0, 20, 32, 37]] = labels[[0, 20, 32, 37]]
    return [Case(hand, shown=True), Case({"labels": labels, "predictions": predictions, "num_classes": 4})]


def of_counts(formula):
    """A formula of hits, of how often a class is there and of how often it is named."""
    return lambda labels, predictions, num_classes: formula(*counts_of(labels, predictions, num_classes))


def harmonic(one, other):
    """The harmonic mean of two numbers."""
    return 2 * one * other / (one + other)


MACRO_F1 = Exercise(
    function="",
    cases=macro_cases,
    right=macro_f1,
    mistakes=(
        Mistake(
            "That is the accuracy: each *text* counts as much as any other. Here each *class* does.",
            (of_counts(lambda hits, there, named: hits.sum() / there.sum()),),
        ),
        Mistake(
            "You weighted each class by how many texts it has, so that a rare class counts for little. Take the plain mean.",
            (of_counts(lambda hits, there, named: (2 * hits / (there + named) * there).sum() / there.sum()),),
        ),
        Mistake(
            "That is the mean *recall*: hits divided by how often a class is there. F1 also knows how often it is named.",
            (of_counts(lambda hits, there, named: (hits / there).mean()),),
        ),
        Mistake(
            "That is the mean *precision*: hits divided by how often a class is named. F1 also knows how often it is there.",
            (of_counts(lambda hits, there, named: (hits / named).mean()),),
        ),
        Mistake(
            "You took the F1 of mean precision and mean recall. First the F1 of each class, then the mean.",
            (of_counts(lambda hits, there, named: harmonic((hits / there).mean(), (hits / named).mean())),),
        ),
        Mistake(
            "The factor 2 is missing: a class that is always named rightly would get only 0.5.",
            (of_counts(lambda hits, there, named: (hits / (there + named)).mean()),),
        ),
        Mistake("These are the F1 of the classes one by one. Return their mean.", (f1_of_each,)),
        Mistake("That is the sum over the classes. Take the mean.", (lambda **given: f1_of_each(**given).sum(),)),
    ),
    errors={"mean(): could not infer": "Whole numbers have no mean: divide first, or call `.double()`."},
)

# --- class weights ----------------------------------------------------------------------------------------------------


def class_weights(labels: Tensor, num_classes: int) -> Tensor:
    """Texts divided by (classes times texts of the class): (class,)."""
    return len(labels) / (num_classes * labels.bincount(minlength=num_classes))


def weight_cases(seed):
    """Four texts of two classes by hand; then drawn ones of five classes."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.cat([torch.arange(5), torch.rand(40, generator=generator).square().mul(5).long()])
    return [
        Case({"labels": torch.tensor([0, 0, 0, 1]), "num_classes": 2}, shown=True),
        Case({"labels": drawn, "num_classes": 5}),
    ]


def of_sizes(formula):
    """A formula of the number of texts of each class."""
    return lambda labels, num_classes: formula(labels.bincount(minlength=num_classes).double())


CLASS_WEIGHTS = Exercise(
    function="",
    cases=weight_cases,
    right=class_weights,
    mistakes=(
        Mistake(
            "Your common classes weigh most. It has to be the other way round: divide *by* the number of texts of a class.",
            (
                of_sizes(lambda sizes: sizes * len(sizes) / sizes.sum()),
                of_sizes(lambda sizes: sizes / sizes.sum()),
                of_sizes(lambda sizes: sizes),
            ),
        ),
        Mistake(
            "Each class weighs the same in sum, but the mean weight of a text is not 1: divide by the number of classes, too.",
            (of_sizes(lambda sizes: sizes.sum() / sizes),),
        ),
        Mistake(
            "You divided by the size of a class, and nothing more. The losses would be tiny: multiply by texts / classes.",
            (of_sizes(lambda sizes: 1 / sizes),),
        ),
        Mistake(
            "Your weights sum to 1 over the *classes*. Their mean over the *texts* should be 1.",
            (of_sizes(lambda sizes: 1 / sizes / (1 / sizes).sum()),),
        ),
        Mistake(
            "Your weights sum to the number of classes. Their mean over the *texts* should be 1.",
            (of_sizes(lambda sizes: len(sizes) / sizes / (1 / sizes).sum()),),
        ),
        Mistake(
            "You took the root. That is a milder weighting, which some use, but here all classes should weigh the same in sum.",
            (of_sizes(lambda sizes: (sizes.sum() / len(sizes) / sizes).sqrt()),),
        ),
        Mistake(
            "That is a weight for each *text*. `cross_entropy` wants one for each class.",
            (lambda labels, num_classes: class_weights(labels, num_classes)[labels],),
        ),
    ),
)

# --- a split that keeps copies together -------------------------------------------------------------------------------


def held_out(text: Tensor, order: Tensor, count: int) -> Tensor:
    """Which rows are held out: all rows of the first texts in the order, (row,) of bool."""
    return torch.isin(text, order[:count])


def split_cases(seed):
    """Seven rows of five texts by hand; then drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    hand = {"text": torch.tensor([0, 1, 0, 2, 3, 1, 4]), "order": torch.tensor([1, 2, 0, 4, 3]), "count": 2}
    drawn = torch.cat([torch.arange(12), torch.randint(12, (8,), generator=generator)])[torch.randperm(20, generator=generator)]
    order = torch.randperm(12, generator=generator)
    twice = drawn.bincount(minlength=12).argmax()  # a text that has copies is among the first
    order = torch.cat([twice[None], order[order != twice]])
    return [Case(hand, shown=True), Case({"text": drawn, "order": order, "count": 4})]


def rows_marked(rows, length):
    """(row,) of bool, True at these rows."""
    return torch.isin(torch.arange(length), rows)


def first_rows(text, order, count):
    """Only the first row of each text that is held out."""
    firsts = torch.tensor([text.tolist().index(one) for one in order[:count].tolist()])
    return rows_marked(firsts, len(text))


HELD_OUT = Exercise(
    function="",
    cases=split_cases,
    right=held_out,
    mistakes=(
        Mistake(
            "You used the numbers in `order` as numbers of *rows*. They are numbers of texts: hold out each row whose text is "
            "among them, so that copies come along.",
            (lambda text, order, count: rows_marked(order[:count], len(text)),),
        ),
        Mistake(
            "The two sides have traded places: True is for the rows to hold out.",
            (lambda text, order, count: ~held_out(text, order, count),),
        ),
        Mistake(
            "You took the *last* texts of `order`. Take the first.",
            (lambda text, order, count: torch.isin(text, order[-count:]),),
        ),
        Mistake(
            "You held out the texts with the smallest numbers. Which come first, `order` says: it is the random part.",
            (lambda text, order, count: text < count,),
        ),
        Mistake(
            "You held out the first rows of the table. In an export, these are the oldest, and copies fall on both sides.",
            (lambda text, order, count: torch.arange(len(text)) < count,),
        ),
        Mistake(
            "Of each text you held out one row only. Its copies stayed on the other side: the leak is still there.",
            (first_rows,),
        ),
        Mistake(
            "These are the numbers of the rows. Return True or False for each row.",
            (lambda text, order, count: held_out(text, order, count).nonzero()[:, 0],),
        ),
    ),
)

# --- windows ----------------------------------------------------------------------------------------------------------


def windows(ids: Tensor, room: int) -> Tensor:
    """Overlapping windows of a long text, each half a window after the one before, the last at its end: (window, room)."""
    return cut(ids, room, [*range(0, len(ids) - room, room // 2), len(ids) - room])


def cut(ids, room, starts):
    """The windows that begin at some positions."""
    return torch.stack([ids[start : start + room] for start in starts])


def window_cases(seed):
    """Seven tokens by hand, in windows of four; then drawn ones, of which one number is a multiple of half a window."""
    generator = torch.Generator().manual_seed(seed)
    hand = {"ids": torch.tensor([11, 12, 13, 14, 15, 16, 17]), "room": 4}
    drawn = [{"ids": torch.randint(1000, (long,), generator=generator), "room": 8} for long in (28, 27)]
    return [Case(hand, shown=True), *map(Case, drawn)]


def at(starts):
    """A formula whose windows begin elsewhere."""
    return lambda ids, room: cut(ids, room, starts(len(ids), room))


WINDOWS = Exercise(
    function="",
    cases=window_cases,
    right=windows,
    mistakes=(
        Mistake(
            "Your windows do not overlap. A word at the edge of one would never have its neighbours: step by `room // 2`.",
            (at(lambda long, room: [*range(0, long - room, room), long - room]),),
        ),
        Mistake(
            "The end of the text is in no window. Add a last one that ends with it, at `len(ids) - room`.",
            (
                at(lambda long, room: range(0, long - room, room // 2)),
                at(lambda long, room: range(0, long - room, room)),
                at(lambda long, room: range(0, long - room + 1, room)),
                at(lambda long, room: range(0, long - room + 1, room // 2)),
            ),
        ),
        Mistake(
            "The last window stands there twice where the steps end at it. Let `range` end before `len(ids) - room`.",
            (at(lambda long, room: [*range(0, long - room + 1, room // 2), long - room]),),
        ),
        Mistake(
            "You step by one token. That is right, and costs many times as much: step by `room // 2`.",
            (at(lambda long, room: range(long - room + 1)),),
        ),
        Mistake("That is the first window alone.", (at(lambda long, room: [0]), lambda ids, room: ids[:room])),
        Mistake(
            "The last window is filled up with zeros. Let it begin earlier instead, so that it ends with the text.",
            (
                lambda ids, room: torch.cat([ids, ids.new_zeros(room)]).unfold(0, room, room // 2)[
                    : -(-(len(ids) - room) // (room // 2)) + 1
                ],
            ),
        ),
    ),
    errors={
        "stack expects each tensor to be equal size": "The last windows are shorter than `room`: they begin too late. The last "
        "one begins at `len(ids) - room`.",
    },
)

# --- a threshold ------------------------------------------------------------------------------------------------------


def threshold(confidence: Tensor, right: Tensor, wanted: float) -> Tensor:
    """The lowest confidence from which on, upwards, at least a wanted share of answers is right."""
    confidence, share = shares_above(confidence, right)
    return confidence[share >= wanted][-1]


def shares_above(confidence, right):
    """Confidences from the highest down, and for each the share of right answers among those at least so sure."""
    order = confidence.argsort(descending=True)
    return confidence[order], right[order].double().cumsum(0) / torch.arange(1, len(right) + 1)


def threshold_cases(seed):
    """Six answers by hand; then drawn ones. In both the share dips under the wanted one and comes back."""
    generator = torch.Generator().manual_seed(seed)
    hand = {
        "confidence": torch.tensor([0.5, 0.9, 0.7, 0.4, 0.8, 0.6]),
        "right": torch.tensor([True, True, True, False, False, True]),
        "wanted": 0.75,
    }
    confidence = torch.linspace(0.95, 0.2, 60) + 0.01 * torch.rand(60, generator=generator)
    right = torch.tensor([True] * 3 + [False] * 2 + [True] * 25 + [False] * 3 + [True] * 2 + [False] * 25)
    order = torch.randperm(60, generator=generator)
    return [Case(hand, shown=True), Case({"confidence": confidence[order], "right": right[order], "wanted": 0.8})]


def stops_early(confidence, right, wanted):
    """The last confidence before the share first falls under the wanted one."""
    confidence, share = shares_above(confidence, right)
    return confidence[(share < wanted).nonzero()[0, 0] - 1]


def from_below(confidence, right, wanted):
    """What comes out where the answers are sorted the wrong way round."""
    order = confidence.argsort()
    share = right[order].double().cumsum(0) / torch.arange(1, len(right) + 1)
    return confidence[order][share >= wanted][-1]


THRESHOLD = Exercise(
    function="",
    cases=threshold_cases,
    right=threshold,
    mistakes=(
        Mistake(
            "You stop where the share first falls below the wanted one. It may come back further down, and then fewer "
            "texts go to a person: look at all thresholds, and take the lowest.",
            (stops_early,),
        ),
        Mistake(
            "That is the *highest* confidence at which the share holds, so that hardly any text is answered. Take the lowest.",
            (lambda confidence, right, wanted: confidence.max(),),
        ),
        Mistake(
            "You took the model at its word: a confidence of 0.8 need not mean that 80 % are right. Count with `right`.",
            (
                lambda confidence, right, wanted: torch.tensor(wanted),
                lambda confidence, right, wanted: confidence[confidence >= wanted].min(),
            ),
        ),
        Mistake(
            "That answers a wanted share of the *texts*. Wanted is a share of right ones among those answered.",
            (
                lambda confidence, right, wanted: confidence.quantile(1 - wanted),
                lambda confidence, right, wanted: confidence.sort(descending=True).values[round(wanted * len(right)) - 1],
                lambda confidence, right, wanted: confidence.sort(descending=True).values[int(wanted * len(right)) - 1],
            ),
        ),
        Mistake(
            "You count how often each answer alone is right. Count all that are *at least* so sure, together: `cumsum`.",
            (lambda confidence, right, wanted: confidence[right].min(),),
        ),
        Mistake(
            "You begin with the least sure answers. Sort the other way: `argsort(descending=True)`.",
            (from_below,),
        ),
        Mistake(
            "That is the share of texts that are answered. Return the threshold, a confidence.",
            (lambda confidence, right, wanted: (confidence >= threshold(confidence, right, wanted)).double().mean(),),
        ),
    ),
    errors={
        "index -1 is out of bounds": "No threshold reaches the wanted share here. Are confidences and `right` sorted alike?",
    },
)

EXERCISES = {
    "always_one": ALWAYS_ONE,
    "macro_f1": MACRO_F1,
    "class_weights": CLASS_WEIGHTS,
    "held_out": HELD_OUT,
    "windows": WINDOWS,
    "threshold": THRESHOLD,
}
