"""Exercises on baselines: the size of a leak, the commonest class, Wilson's interval, films on both sides, a ratio, a z-test.

Each mistake is one that people make.
"""

import torch
from torch import Tensor

from bertnotes.exercises.judging import Case, Exercise, Mistake, Number

# --- the size of a leak -----------------------------------------------------------------------------------------------

COPIES, RIGHT = 123 / 25_000, 0.914
LEAK_SIZE = Number(
    right=100 * COPIES * (1 - RIGHT),
    tolerance=0.003,
    mistakes={
        100 * COPIES: "That is the share of the copies. Most of them would have been right anyway: 91.4 %.",
        100 * COPIES * RIGHT: "That is what the copies give *with or without* memory. What does memory add?",
        COPIES * (1 - RIGHT): "That is a share. In points of accuracy, of which 100 are all: times 100.",
        100 * (1 - RIGHT): "That would be so if *every* test review were a copy. It is 123 of 25,000.",
        123 * (1 - RIGHT): "That is how many more reviews are right, about 11. Of 25,000 they are how many per cent?",
    },
)

# --- the commonest class ----------------------------------------------------------------------------------------------


def majority_bar(train_labels: Tensor, test_labels: Tensor) -> Tensor:
    """The accuracy on the test reviews of always naming the class that is commonest in training."""
    return (test_labels == train_labels.mode().values).double().mean()


def bar_cases(seed):
    """Five and four reviews of three classes by hand; then drawn ones, whose commonest classes differ."""
    generator = torch.Generator().manual_seed(seed)
    hand = {"train_labels": torch.tensor([2, 2, 0, 1, 2]), "test_labels": torch.tensor([1, 1, 2, 0])}
    drawn = {
        name: torch.cat([torch.full((often,), most), torch.randint(0, 4, (10,), generator=generator)])
        for name, most, often in (("train_labels", 3, 12), ("test_labels", 2, 15))
    }
    return [Case(hand, shown=True), Case(drawn)]


MAJORITY_BAR = Exercise(
    function="",
    cases=bar_cases,
    right=majority_bar,
    mistakes=(
        Mistake(
            "You chose the class by the *test* labels. A classifier has not seen those: take the commonest of training.",
            (lambda train_labels, test_labels: (test_labels == test_labels.mode().values).double().mean(),),
        ),
        Mistake(
            "That is its share in *training*. How often is it the right answer in the test?",
            (lambda train_labels, test_labels: (train_labels == train_labels.mode().values).double().mean(),),
        ),
        Mistake(
            "That is the accuracy of always saying 1. Which class is commonest in training?",
            (lambda train_labels, test_labels: (test_labels == 1).double().mean(),),
        ),
        Mistake(
            "You counted. Divide by the number of test reviews.",
            (lambda train_labels, test_labels: (test_labels == train_labels.mode().values).sum(),),
        ),
        Mistake(
            "You divided by the number of *training* reviews. It is the test reviews that are judged.",
            (lambda train_labels, test_labels: (test_labels == train_labels.mode().values).sum() / len(train_labels),),
        ),
        Mistake(
            "That is the commonest class. How often is it right?",
            (lambda train_labels, test_labels: train_labels.mode().values,),
        ),
    ),
    errors={"mean(): could not infer": "True and False have no mean: make numbers of them first, with `.double()`."},
)

# --- Wilson's interval ------------------------------------------------------------------------------------------------

Z = 1.96


def wilson(right: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The 95 % interval of a share, for each system: low and high."""
    share = right / count
    middle = share + Z**2 / (2 * count)
    half = Z * (share * (1 - share) / count + Z**2 / (4 * count**2)).sqrt()
    return (middle - half) / (1 + Z**2 / count), (middle + half) / (1 + Z**2 / count)


def wilson_cases(seed):
    """7 and 10 of 10, then drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    return [
        Case({"right": torch.tensor([7.0, 10.0]), "count": 10}, shown=True),
        Case({"right": torch.randint(20, 60, (4,), generator=generator).double(), "count": 60}),
    ]


def around(middle, half):
    """An interval by two formulas, each of the share and the count."""

    def formula(right, count):
        share = right / count
        return middle(share, count) - half(share, count), middle(share, count) + half(share, count)

    return formula


def plain(share, count):
    """The standard error of a share."""
    return (share * (1 - share) / count).sqrt()


def root(share, count):
    """The root in Wilson's formula."""
    return (share * (1 - share) / count + Z**2 / (4 * count**2)).sqrt()


def moved(share, count):
    """The numerator's first part in Wilson's formula."""
    return share + Z**2 / (2 * count)


def grown(count):
    """The denominator in Wilson's formula."""
    return 1 + Z**2 / count


WILSON = Exercise(
    function="",
    cases=wilson_cases,
    right=wilson,
    parts=("low", "high"),
    mistakes=(
        Mistake(
            "That is the plain interval, share ± 1.96 standard errors. With 10 of 10 it has no width at all. Wilson's has "
            "three more terms.",
            (around(lambda share, count: share, lambda share, count: Z * plain(share, count)),),
        ),
        Mistake(
            "The division by 1 + z²/n is missing.",
            (around(moved, lambda share, count: Z * root(share, count)),),
        ),
        Mistake(
            "Divide *both* by 1 + z²/n, the middle and the half width.",
            (
                around(lambda share, count: moved(share, count) / grown(count), lambda share, count: Z * root(share, count)),
                around(moved, lambda share, count: Z * root(share, count) / grown(count)),
            ),
        ),
        Mistake(
            "Under the root z²/(4n²) is missing.",
            (
                around(
                    lambda share, count: moved(share, count) / grown(count),
                    lambda share, count: Z * plain(share, count) / grown(count),
                ),
            ),
        ),
        Mistake(
            "Under the root the last term has n *squared*: z²/(4n²).",
            (
                around(
                    lambda share, count: moved(share, count) / grown(count),
                    lambda share, count: Z * (share * (1 - share) / count + Z**2 / (4 * count)).sqrt() / grown(count),
                ),
            ),
        ),
        Mistake(
            "The factor z in front of the root is missing.",
            (
                around(
                    lambda share, count: moved(share, count) / grown(count),
                    lambda share, count: root(share, count) / grown(count),
                ),
            ),
        ),
        Mistake("The two have traded places: first the lower end.", (lambda right, count: wilson(right, count)[::-1],)),
        Mistake("Return two things: the lower and the upper end.", (lambda right, count: wilson(right, count)[0],)),
    ),
)

# --- films on both sides ----------------------------------------------------------------------------------------------


def leaked(train_films: Tensor, test_films: Tensor) -> Tensor:
    """Which test reviews are of a film that training knows: (test review,), bool."""
    return torch.isin(test_films, train_films)


def film_cases(seed):
    """Four and three reviews by hand; then drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    hand = {"train_films": torch.tensor([7, 7, 3, 5]), "test_films": torch.tensor([5, 8, 7])}
    train = torch.randint(0, 30, (25,), generator=generator)
    test = torch.cat([torch.randint(0, 40, (12,), generator=generator), torch.tensor([50, 51]), train[:2]])
    return [Case(hand, shown=True), Case({"train_films": train, "test_films": test})]


LEAKED = Exercise(
    function="",
    cases=film_cases,
    right=leaked,
    mistakes=(
        Mistake(
            "You looked for the *training* reviews whose film is in the test. Asked are the test reviews.",
            (lambda train_films, test_films: torch.isin(train_films, test_films),),
        ),
        Mistake(
            "That is the opposite: these are the test reviews of *unknown* films.",
            (lambda train_films, test_films: ~torch.isin(test_films, train_films),),
        ),
        Mistake(
            "That is the share. Say it for each test review: True or False.",
            (lambda train_films, test_films: torch.isin(test_films, train_films).double().mean(),),
        ),
        Mistake(
            "That is how many there are. Say it for each test review: True or False.",
            (lambda train_films, test_films: torch.isin(test_films, train_films).sum(),),
        ),
        Mistake(
            "That is how many reviews of its film training has. Say whether there is one: True or False.",
            (lambda train_films, test_films: (test_films[:, None] == train_films).sum(dim=1),),
        ),
        Mistake(
            "These are the films. Say it for each test review: True or False.",
            (lambda train_films, test_films: test_films[torch.isin(test_films, train_films)],),
        ),
        Mistake(
            "0 and 1 are right as numbers, but give True and False, so that one can select with it: `films[leaked]`.",
            (lambda train_films, test_films: torch.isin(test_films, train_films).long(),),
        ),
    ),
    errors={
        "must match the size": "The two have different lengths. Compare each with each: `test_films[:, None] == train_films`."
    },
)

# --- a ratio ----------------------------------------------------------------------------------------------------------


def log_ratio(counts: Tensor, labels: Tensor) -> Tensor:
    """NBSVM's r: for each word, how much it speaks for class 1. (word,)"""
    present = (counts > 0).double()
    p, q = 1 + present[labels == 1].sum(dim=0), 1 + present[labels == 0].sum(dim=0)
    return ((p / p.sum()) / (q / q.sum())).log()


def ratio_cases(seed):
    """Three reviews of three words by hand; then drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    hand = {"counts": torch.tensor([[1.0, 0, 0], [3, 1, 1], [1, 0, 2]]), "labels": torch.tensor([1, 1, 0])}
    drawn = torch.randint(-3, 4, (12, 5), generator=generator).clamp(min=0).double()
    return [Case(hand, shown=True), Case({"counts": drawn, "labels": torch.tensor([1] * 7 + [0] * 5)})]


def of_classes(counts, labels, add=1, binary=True):
    """What stands in the reviews of each class: (word,) twice."""
    present = (counts > 0).double() if binary else counts.double()
    return add + present[labels == 1].sum(dim=0), add + present[labels == 0].sum(dim=0)


def ratio_with(formula, **given):
    """A ratio by a formula of p and q."""
    return lambda counts, labels: formula(*of_classes(counts, labels, **given))


def usual(p, q):
    """NBSVM's formula."""
    return ((p / p.sum()) / (q / q.sum())).log()


LOG_RATIO = Exercise(
    function="",
    cases=ratio_cases,
    right=log_ratio,
    mistakes=(
        Mistake(
            "You added up how *often* the words stand there. Asked is in how many reviews: `counts > 0` first.",
            (ratio_with(usual, binary=False),),
        ),
        Mistake(
            "The 1 is missing that is added to each count. Without it a word that one class never uses gets infinity.",
            (ratio_with(usual, add=0),),
        ),
        Mistake(
            "Divide p and q by their *sums* first. A class with more words has larger counts throughout.",
            (ratio_with(lambda p, q: (p / q).log()),),
        ),
        Mistake(
            "You divided by the number of reviews of each class. Divide by the sum of p, and of q, over all words.",
            (
                lambda counts, labels: (
                    (of_classes(counts, labels)[0] / (labels == 1).sum()).log()
                    - (of_classes(counts, labels)[1] / (labels == 0).sum()).log()
                ),
            ),
        ),
        Mistake(
            "The two classes have traded places: above 0 should speak for class 1.", (ratio_with(lambda p, q: usual(q, p)),)
        ),
        Mistake("That is the ratio. Take its logarithm.", (ratio_with(lambda p, q: (p / p.sum()) / (q / q.sum())),)),
        Mistake(
            "That is another logarithm. `log` has the base e.",
            (
                ratio_with(lambda p, q: usual(p, q) / torch.tensor(2.0).log()),
                ratio_with(lambda p, q: usual(p, q) / torch.tensor(10.0).log()),
            ),
        ),
        Mistake(
            "That is the difference of the shares. Divide, and take the logarithm.",
            (ratio_with(lambda p, q: p / p.sum() - q / q.sum()),),
        ),
    ),
)

# --- a z-test ---------------------------------------------------------------------------------------------------------


def z_score(first: Tensor, second: Tensor, count: int) -> Tensor:
    """How many standard errors two shares lie apart, each of so many answers: (pair,)."""
    return (first - second) / ((first * (1 - first) + second * (1 - second)) / count).sqrt()


def score_cases(seed):
    """Two pairs by hand; then drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    hand = {"first": torch.tensor([0.9, 0.5]), "second": torch.tensor([0.8, 0.6]), "count": 100}
    first, second = 0.55 + 0.4 * torch.rand(2, 5, generator=generator).double()
    return [Case(hand, shown=True), Case({"first": first, "second": second, "count": 400})]


def variances(first, second, count):
    """The squared standard error of each share."""
    return first * (1 - first) / count, second * (1 - second) / count


def apart(error, over=lambda first, second: first - second):
    """A difference divided by an error, a formula of the two variances."""
    return lambda first, second, count: over(first, second) / error(*variances(first, second, count))


Z_SCORE = Exercise(
    function="",
    cases=score_cases,
    right=z_score,
    mistakes=(
        Mistake(
            "Very nearly: you took *one* variance for both, of the mean share (the pooled test). It is a usual form too, and "
            "differs little. Here each share has its own.",
            (
                lambda first, second, count: (
                    (first - second) / (2 * (first + second) / 2 * (1 - (first + second) / 2) / count).sqrt()
                ),
            ),
            state="right but",
        ),
        Mistake(
            "You added the two standard *errors*. That asks whether the intervals overlap, and is too strict. Add the "
            "variances, then take the root.",
            (apart(lambda one, other: one.sqrt() + other.sqrt()),),
        ),
        Mistake("The root is missing: that is the variance of the difference.", (apart(lambda one, other: one + other),)),
        Mistake(
            "Only one of the shares has an error in yours. Both were measured.",
            (apart(lambda one, other: one.sqrt()), apart(lambda one, other: other.sqrt())),
        ),
        Mistake(
            "Where is the number of answers? Each variance is p(1 − p) / n.",
            (lambda first, second, count: z_score(first, second, 1),),
        ),
        Mistake(
            "The variances are to be *added*, although the shares are subtracted: both make the difference unsure.",
            (apart(lambda one, other: (one - other).sqrt()), apart(lambda one, other: (one - other).abs().sqrt())),
        ),
        Mistake(
            "The sign is lost, or turned: above 0 says that the first is better.",
            (
                lambda first, second, count: z_score(first, second, count).abs(),
                lambda first, second, count: -z_score(first, second, count),
            ),
        ),
        Mistake(
            "That is the standard error of the difference. Divide the difference by it.",
            (lambda first, second, count: sum(variances(first, second, count)).sqrt(),),
        ),
    ),
)

EXERCISES = {
    "leak_size": LEAK_SIZE,
    "majority_bar": MAJORITY_BAR,
    "wilson": WILSON,
    "leaked": LEAKED,
    "log_ratio": LOG_RATIO,
    "z_score": Z_SCORE,
}
