"""Exercises on what goes wrong in training: three logs to diagnose, one batch by heart, copies, one seed twice, a loop to mend.

Each mistake is one that people make.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from bertnotes.exercises.judging import Case, Exercise, Mistake, Number

# --- three logs -------------------------------------------------------------------------------------------------------

FLAT_LOG = Number(
    right=4,
    tolerance=0,
    mistakes={
        1: "With the same rate one batch was learned by heart. A rate that is too high would have broken that as well.",
        2: "Ten times the rate changes nothing. And with this rate one batch was learned by heart.",
        3: "Then no step would change a weight, and one batch could not be learned by heart. It was.",
        5: "With sorted batches the loss falls within a class and jumps at the next one. This one does neither.",
        6: "Overfitting lowers the training loss. This one stays where it began.",
        7: "Copies make validation look too good. Here it is a coin's 0.51.",
        8: "A forgotten eval() changes answers, not training.",
    },
)

GOOD_LOG = Number(
    right=7,
    tolerance=0,
    mistakes={
        1: "The loss falls evenly, in training and in validation. A rate that is too high makes it jump.",
        2: "The loss falls fast. And no rate lets a model learn labels that say nothing about *other* reviews.",
        3: "Then no step would change a weight, and no loss would fall.",
        4: "With wrong labels in the *first* run, validation would be near 0.50. Only the second run has them, on purpose.",
        5: "With sorted batches the training loss falls and jumps, and validation suffers.",
        6: "Overfitting makes validation worse than training. Here both look splendid; only fresh reviews disagree.",
        8: "A forgotten eval() makes scores lower, and different from call to call.",
    },
)

SERVICE_LOG = Number(
    right=8,
    tolerance=0,
    mistakes={
        1: "Training and validation look healthy. What differs is the *same* text, from call to call.",
        2: "With too low a rate there would be no 0.86 on validation. What differs is the *same* text, from call to call.",
        3: "Then nothing would have been learned, and validation would be near 0.50.",
        4: "Then validation would be near 0.50.",
        5: "That shows in the training loss, which would fall and jump.",
        6: "Validation is as good in the last epoch as before. And an overfitted model answers the same text the same way.",
        7: "Copies make validation too good. They do not let the same text get three answers.",
    },
)

# --- one batch by heart -----------------------------------------------------------------------------------------------


def careful_step(weight, inputs, labels):
    """A step of gradient descent."""
    logits = inputs @ weight
    gradient = inputs.T @ (logits.softmax(dim=-1) - one_hot(labels, weight.shape[1])) / len(labels)
    return cross_entropy(logits, labels), weight - gradient


def idle_step(weight, inputs, labels):
    """A step that forgets to change the weights."""
    return cross_entropy(inputs @ weight, labels), weight.clone()


def one_batch(step, weight: Tensor, inputs: Tensor, labels: Tensor, steps: int) -> Tensor:
    """The loss of each of some steps on one and the same batch: (step,)."""
    losses = []
    for _ in range(steps):
        loss, weight = step(weight, inputs, labels)
        losses.append(loss)
    return torch.stack(losses)


def batch_cases(seed):
    """Two reviews by hand, with a step that learns; drawn ones, with one that learns and one that does not."""
    generator = torch.Generator().manual_seed(seed)
    hand = {"weight": torch.zeros(2, 2), "inputs": torch.tensor([[2.0, 0.0], [0.0, 2.0]]), "labels": torch.tensor([0, 1])}
    drawn = {"weight": 0.1 * torch.randn(5, 3, generator=generator), "inputs": torch.randn(6, 5, generator=generator)}
    drawn["labels"] = torch.randint(3, (6,), generator=generator)
    return [
        Case({"step": careful_step, **hand, "steps": 3}, shown=True),
        Case({"step": careful_step, **drawn, "steps": 8}),
        Case({"step": idle_step, **drawn, "steps": 4}),
    ]


def forgetful(step, weight, inputs, labels, steps):
    """Every step begins with the first weights."""
    return torch.stack([step(weight, inputs, labels)[0] for _ in range(steps)])


def review_by_review(step, weight, inputs, labels, steps):
    """Every step sees one review."""
    losses = []
    for at in range(steps):
        row = at % len(labels)
        loss, weight = step(weight, inputs[row : row + 1], labels[row : row + 1])
        losses.append(loss)
    return torch.stack(losses)


ONE_BATCH = Exercise(
    function="",
    cases=batch_cases,
    right=one_batch,
    mistakes=(
        Mistake("Each step begins with the first weights again. Go on with the ones that `step` returns.", (forgetful,)),
        Mistake(
            "That is the last loss alone. Return that of each step, so that one sees it fall.",
            (lambda **given: one_batch(**given)[-1], lambda **given: one_batch(**given)[-1:]),
        ),
        Mistake(
            "The first loss is missing, before any step. It should be near the logarithm of the number of classes.",
            (lambda steps, **given: one_batch(steps=steps + 1, **given)[1:], lambda **given: one_batch(**given)[1:]),
        ),
        Mistake("One step too many.", (lambda steps, **given: one_batch(steps=steps + 1, **given),)),
        Mistake("That is the mean. Whether the loss falls, it cannot tell.", (lambda **given: one_batch(**given).mean(),)),
        Mistake("Each step sees one review. Give it the whole batch, and the same one each time.", (review_by_review,)),
    ),
    errors={"expected Tensor as element": "`step` returns two things: `loss, weight = step(weight, inputs, labels)`."},
)

# --- copies -----------------------------------------------------------------------------------------------------------

WORDS = "film plot dull bright actor scene music slow funny ending camera story cast long short".split()


def core(text: str) -> str:
    """A text without case, spaces and punctuation."""
    return "".join(letter for letter in text.lower() if letter.isalnum())


def copies(train: list, held: list) -> Tensor:
    """Which validation texts have a copy among the training texts: (held,), True or False."""
    known = {core(text) for text in train}
    return torch.tensor([core(text) in known for text in held])


def copy_cases(seed):
    """Texts by hand, copied in five ways, and drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    train = ["A dull film.", "Bright and funny!", "The plot is slow, the cast is not.", "Long. Too long."]
    held = ["A dull film.", "bright and funny!", "The plot is slow,  the cast is not. ", "Long, too long", "A bright film."]

    def drawn():
        return " ".join(WORDS[at] for at in torch.randint(len(WORDS), (5,), generator=generator))

    more = [drawn().capitalize() + "." for _ in range(6)]
    words = more[3].lower().rstrip(".").split()
    others = [more[0], more[1].upper(), more[2].replace(" ", "  "), more[4][:-1] + "!", drawn(), drawn() + "?"]
    return [
        Case({"train": train, "held": held}, shown=True),
        Case({"train": more, "held": [*others, " ".join([*words[1:], words[0], "x"]), " ".join([*words, "x"])]}),
        Case({"train": ["dog bites man", "so so"], "held": ["Man bites dog", "so", "So, so."]}),
    ]


def with_key(key):
    """Copies are texts with the same key."""
    return lambda train, held: torch.tensor([key(text) in {key(one) for one in train} for text in held])


COPIES = Exercise(
    function="",
    cases=copy_cases,
    right=copies,
    mistakes=(
        Mistake("Only texts that are equal to the letter are found. What of case, spaces and punctuation?", (with_key(str),)),
        Mistake(
            "Case is taken care of. Spaces and punctuation are not.",
            (with_key(str.lower), with_key(lambda text: text.lower().strip())),
        ),
        Mistake(
            "Punctuation is still in the way.",
            (with_key(lambda text: " ".join(text.lower().split())), with_key(lambda text: "".join(text.lower().split()))),
        ),
        Mistake(
            "Case is still in the way: `.lower()`.",
            (with_key(lambda text: "".join(letter for letter in text if letter.isalnum())),),
        ),
        Mistake(
            "Texts with the same words in another order are taken for copies. *Dog bites man* is other news.",
            (
                with_key(lambda text: frozenset("".join(a if a.isalnum() else " " for a in text.lower()).split())),
                with_key(lambda text: tuple(sorted("".join(a if a.isalnum() else " " for a in text.lower()).split()))),
                with_key(lambda text: tuple(sorted(core(text)))),
            ),
        ),
        Mistake(
            "There is an answer for each *training* text. Ask for each validation text.",
            (lambda train, held: copies(held, train),),
        ),
        Mistake("The answers are the wrong way round: True should mark a copy.", (lambda train, held: ~copies(train, held),)),
        Mistake("That is how many there are. Say which ones.", (lambda train, held: copies(train, held).sum(),)),
    ),
)

# --- one seed, twice --------------------------------------------------------------------------------------------------

calls = {"falls": 0, "rises": 0, "trades": 0}


def of_seed(seed):
    """Losses that depend on the seed alone."""
    return torch.rand(6, generator=torch.Generator().manual_seed(int(seed)))


def steady_run(seed):
    """A training run; here its losses depend on the seed alone."""
    return of_seed(seed)


def falling_run(seed):
    """A training run; here its third loss is lower by 0.25 each time."""
    calls["falls"] += 1
    return of_seed(seed) - 0.25 * calls["falls"] * (torch.arange(6) == 2)


def rising_run(seed):
    """A training run; here its fourth loss is higher by 0.5 each time."""
    calls["rises"] += 1
    return of_seed(seed) + 0.5 * calls["rises"] * (torch.arange(6) == 3)


def trading_run(seed):
    """A training run; here its second loss is lower by 0.25 each time and its fifth higher, so that the mean stays."""
    calls["trades"] += 1
    return of_seed(seed) + 0.25 * calls["trades"] * torch.tensor([0.0, -1.0, 0.0, 0.0, 1.0, 0.0])


def same_twice(run, seed: int) -> Tensor:
    """The largest difference between the losses of two runs with the same seed."""
    return (run(seed) - run(seed)).abs().max()


def seed_cases(seed):
    """A run that is the same each time, and three that are not."""
    first = int(torch.randint(1000, (1,), generator=torch.Generator().manual_seed(seed)))
    runs = (falling_run, rising_run, trading_run)
    return [Case({"run": steady_run, "seed": 7}, shown=True), *(Case({"run": run, "seed": first}) for run in runs)]


def of_two(measure):
    """Something else made of two runs with the same seed."""
    return lambda run, seed: measure(run(seed), run(seed))


SAME_TWICE = Exercise(
    function="",
    cases=seed_cases,
    right=same_twice,
    mistakes=(
        Mistake(
            "The two runs have different seeds. They *should* differ.",
            (lambda run, seed: (run(seed) - run(seed + 1)).abs().max(), lambda run, seed: (run(0) - run(1)).abs().max()),
        ),
        Mistake(
            "That is 0 whatever happens. Call `run` twice, and compare the second result with the first.",
            (lambda run, seed: torch.zeros(()),),
        ),
        Mistake(
            "You compare the means, or the sums. One loss may be higher and another lower: compare step by step.",
            (of_two(lambda one, two: (one.mean() - two.mean()).abs()), of_two(lambda one, two: (one.sum() - two.sum()).abs())),
        ),
        Mistake(
            "That is the mean difference. A single step that differs nearly vanishes in it: take the largest.",
            (of_two(lambda one, two: (one - two).abs().mean()),),
        ),
        Mistake("That is the sum of the differences. Take the largest.", (of_two(lambda one, two: (one - two).abs().sum()),)),
        Mistake(
            "A negative difference is lost: take `.abs()` before the largest.",
            (of_two(lambda one, two: (one - two).max()), of_two(lambda one, two: (two - one).max())),
        ),
        Mistake(
            "These are the differences step by step. Return the largest.",
            (of_two(lambda one, two: (one - two).abs()), of_two(lambda one, two: one - two)),
        ),
    ),
)

# --- a loop to mend ---------------------------------------------------------------------------------------------------


def mended(inputs, labels, epochs, rate, order=False, first=False, batches=False, piled=False, up=False):
    """A loop, with the bugs that are asked for: the mean loss of each epoch, (epoch,), and the weights, (size, class)."""
    weight, gradient, losses = torch.zeros(inputs.shape[1], 2), torch.zeros(inputs.shape[1], 2), []
    for _ in range(epochs):
        found = []
        for rows in torch.arange(len(labels)).split(4):
            theirs = labels[: len(rows)] if first else labels[rows]
            logits = inputs[rows] @ weight
            found.append((cross_entropy(logits, theirs), len(rows)))
            new = inputs[rows].T @ (logits.softmax(dim=-1) - one_hot(theirs, 2)) / len(rows)
            gradient = gradient + new if piled else new
            weight = weight - (0 if order else -rate if up else rate) * gradient
        mean = sum(loss for loss, _ in found) / len(found)
        losses.append(mean if batches else sum(loss * count for loss, count in found) / len(labels))
    return torch.stack(losses), weight


def with_bugs(**bugs):
    """The loop with some bugs."""
    return lambda **given: mended(**given, **bugs)


def mended_right(inputs: Tensor, labels: Tensor, epochs: int, rate: float) -> tuple[Tensor, Tensor]:
    """The loop without bugs."""
    return mended(inputs, labels, epochs, rate)


def mended_cases(seed):
    """Six reviews, so that the last batch is smaller."""
    generator = torch.Generator().manual_seed(seed)
    hand = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 0.0], [0.0, 2.0], [0.0, 1.0]])
    labels = torch.tensor([0, 1, 0, 0, 1, 1])
    drawn = {"inputs": torch.randn(10, 3, generator=generator), "labels": torch.tensor([0, 1, 1, 0, 1, 0, 0, 1, 0, 0])}
    return [
        Case({"inputs": hand, "labels": labels, "epochs": 2, "rate": 0.5}, shown=True),
        Case(drawn | {"epochs": 3, "rate": 0.5}),
    ]


MENDED = Exercise(
    function="",
    cases=mended_cases,
    right=mended_right,
    parts=("losses", "weight"),
    mistakes=(
        Mistake(
            "The weights are still all 0: the gradients are thrown away before the step can use them.", (with_bugs(order=True),)
        ),
        Mistake(
            "It learns now. Two bugs are left: whose labels does the second batch get, and does a small batch count as much as "
            "a large one?",
            (with_bugs(first=True, batches=True),),
        ),
        Mistake(
            "Every batch still gets the labels of the first one: `labels[: len(rows)]`.",
            (with_bugs(first=True), with_bugs(first=True, piled=True)),
        ),
        Mistake(
            "Only the reported loss is still wrong: the last batch is smaller and should count for less. Weigh each loss by "
            "`len(rows)`.",
            (with_bugs(batches=True),),
        ),
        Mistake(
            "The gradients add up from step to step: `zero_grad` is gone.",
            (with_bugs(piled=True), with_bugs(piled=True, batches=True)),
        ),
        Mistake("That goes uphill.", (with_bugs(up=True),)),
    ),
    errors={"is not defined": "Does your notebook have the imports? Run the cell with them first."},
)

EXERCISES = {
    "flat_log": FLAT_LOG,
    "good_log": GOOD_LOG,
    "service_log": SERVICE_LOG,
    "one_batch": ONE_BATCH,
    "copies": COPIES,
    "same_twice": SAME_TWICE,
    "mended": MENDED,
}
