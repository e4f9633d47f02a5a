"""Exercises on fine-tuning: cutting, a batch, batches of like length, a classifier, its accuracy, a training step, two bugs.

Each mistake is one that people make.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from bertnotes.exercises.judging import Case, Exercise, Mistake
from bertnotes.exercises.page05 import ERRORS as EARLIER
from bertnotes.exercises.page05 import encoder, encoder_weights

# --- cutting ----------------------------------------------------------------------------------------------------------


def truncate(ids: Tensor, max_length: int) -> Tensor:
    """The ids of one review, cut to max_length: the two ends, a quarter of the room for the beginning, the rest for the end."""
    return kept(ids, max_length, (max_length - 2) // 4)


def kept(ids, max_length, head, room=None):
    """The two ends, so many tokens of the beginning, and as many of the end as fit."""
    if len(ids) <= max_length:
        return ids
    tail = (max_length - 2 if room is None else room) - head
    return torch.cat([ids[: 1 + head], ids[len(ids) - 1 - tail :]])


def truncate_cases(seed):
    """A review of ten tokens cut to six, one that fits, and a drawn one."""
    drawn = torch.randint(5, 100, (40,), generator=torch.Generator().manual_seed(seed))
    drawn[0], drawn[-1] = 2, 3
    hand = torch.tensor([2, 11, 12, 13, 14, 15, 16, 17, 18, 3])
    given = [(hand, 6), (hand, 10), (drawn, 22), (drawn, 64)]
    return [Case({"ids": ids, "max_length": length}, shown=ids is hand) for ids, length in given]


TRUNCATE = Exercise(
    function="truncate",
    cases=truncate_cases,
    right=truncate,
    mistakes=(
        Mistake("That is the head alone, and `[SEP]` is cut off as well.", (lambda ids, max_length: ids[:max_length],)),
        Mistake(
            "That is the head alone. A quarter of the room is for the beginning, the rest for the end.",
            (lambda ids, max_length: kept(ids, max_length, max_length - 2),),
        ),
        Mistake(
            "That is the tail alone. A quarter of the room is for the beginning.",
            (lambda ids, max_length: kept(ids, max_length, 0), lambda ids, max_length: ids[-max_length:]),
        ),
        Mistake(
            "Beginning and end get half of the room each. A quarter is for the beginning.",
            (lambda ids, max_length: kept(ids, max_length, (max_length - 2) // 2),),
        ),
        Mistake(
            "The shares have traded places: the *end* gets three quarters.",
            (lambda ids, max_length: kept(ids, max_length, max_length - 2 - (max_length - 2) // 4),),
        ),
        Mistake(
            "It is two tokens too long: `[CLS]` and `[SEP]` count, too, so there is room for `max_length - 2` others.",
            (lambda ids, max_length: kept(ids, max_length, max_length // 4, max_length),),
        ),
        Mistake("Nothing is cut.", (lambda ids, max_length: ids,)),
    ),
)

# --- a batch ----------------------------------------------------------------------------------------------------------


def make_batch(rows: tuple, labels: Tensor) -> dict:
    """Reviews of different lengths as one batch, padded to the longest."""
    return {**padded(rows, max(map(len, rows))), "label": labels}


def padded(rows, width, left=False):
    """Rows filled up with 0, and the mask that says so."""
    ids, mask = torch.zeros(2, len(rows), width, dtype=torch.long)
    for number, row in enumerate(rows):
        row = row[:width]
        place = slice(width - len(row), width) if left else slice(len(row))
        ids[number, place], mask[number, place] = row, 1
    return {"input_ids": ids, "attention_mask": mask}


def batch_cases(seed):
    """Three short reviews; drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randperm(9, generator=generator)[:4] + 3
    drawn = tuple(torch.randint(5, 100, (int(length),), generator=generator) for length in lengths)
    hand = (torch.tensor([2, 11, 3]), torch.tensor([2, 12, 13, 14, 3]), torch.tensor([2, 15, 16, 3]))
    return [
        Case({"rows": hand, "labels": torch.tensor([1, 0, 1])}, shown=True),
        Case({"rows": drawn, "labels": torch.tensor([0, 1, 1, 0])}),
    ]


def batched(change):
    """A formula that makes the right batch and changes something in it."""
    return lambda rows, labels: {**(right := make_batch(rows, labels)), **change(rows, right)}


MAKE_BATCH = Exercise(
    function="make_batch",
    cases=batch_cases,
    right=make_batch,
    mistakes=(
        Mistake(
            "`attention_mask` is 1 everywhere, so the model would read the padding. It is 0 where you filled up.",
            (batched(lambda rows, right: {"attention_mask": torch.ones_like(right["input_ids"])}),),
        ),
        Mistake(
            "`attention_mask` is inverted: 1 for a token, 0 for padding.",
            (batched(lambda rows, right: {"attention_mask": 1 - right["attention_mask"]}),),
        ),
        Mistake(
            "You padded on the left. BERT's positions count from the left, and `[CLS]` belongs to position 0.",
            (batched(lambda rows, right: padded(rows, max(map(len, rows)), left=True)),),
        ),
        Mistake(
            "You cut all to the *shortest* review. Fill them up to the longest.",
            (batched(lambda rows, right: padded(rows, min(map(len, rows)))),),
        ),
        Mistake(
            "You padded to 512. It is right and slow: pad to the longest of *these* reviews.",
            (batched(lambda rows, right: padded(rows, 512)),),
        ),
        Mistake(
            "`input_ids` holds the mask. Fill both, one with the ids and one with 1.",
            (batched(lambda rows, right: {"input_ids": right["attention_mask"]}),),
        ),
    ),
    errors={
        "stack expects each tensor": "The reviews have different lengths: fill them up first.",
        "is not defined": "Does your notebook have the imports? Run the cell with them first.",
    },
)

# --- batches of like length -------------------------------------------------------------------------------------------


def bucketed(lengths: Tensor, batch_size: int) -> tuple[Tensor, ...]:
    """The numbers of the reviews of each batch, from the shortest reviews to the longest."""
    return lengths.argsort().split(batch_size)


def bucket_cases(seed):
    """Five reviews in batches of two; drawn ones, all of different lengths."""
    drawn = torch.randperm(60, generator=torch.Generator().manual_seed(seed))[:11] + 5
    hand = torch.tensor([40, 12, 70, 9, 33])
    return [
        Case({"lengths": hand, "batch_size": 2}, shown=True),
        Case({"lengths": drawn, "batch_size": 4}),
    ]


def full_only(lengths, batch_size):
    """The last batch is left out where it is not full."""
    return tuple(batch for batch in bucketed(lengths, batch_size) if len(batch) == batch_size)


BUCKETED = Exercise(
    function="bucketed",
    cases=bucket_cases,
    right=bucketed,
    parts=("first batch", "second batch", "third batch"),
    mistakes=(
        Mistake(
            "These are the lengths. Return the *numbers* of the reviews, counted from 0: `argsort`.",
            (lambda lengths, batch_size: lengths.sort().values.split(batch_size),),
        ),
        Mistake(
            "The reviews are in batches as they came. Sort them by length first.",
            (lambda lengths, batch_size: torch.arange(len(lengths)).split(batch_size),),
        ),
        Mistake(
            "You sorted inside each batch. That saves nothing: which reviews meet has to depend on their lengths.",
            (
                lambda lengths, batch_size: tuple(
                    batch[lengths[batch].argsort()] for batch in torch.arange(len(lengths)).split(batch_size)
                ),
            ),
        ),
        Mistake(
            "The longest come first. Begin with the shortest.",
            (lambda lengths, batch_size: lengths.argsort(descending=True).split(batch_size),),
        ),
        Mistake("The last batch is missing: it is smaller, but its reviews belong to the data.", (full_only,)),
        Mistake(
            "You cut the reviews into `batch_size` batches. Each batch should *hold* so many.",
            (lambda lengths, batch_size: lengths.argsort().chunk(batch_size),),
        ),
        Mistake("That is one row of all reviews. Cut it into batches.", (lambda lengths, batch_size: lengths.argsort(),)),
        Mistake(
            "`argsort` twice gives ranks: at which place each review would stand. Once is enough.",
            (lambda lengths, batch_size: lengths.argsort().argsort().split(batch_size),),
        ),
    ),
)

# --- a classifier -----------------------------------------------------------------------------------------------------


def classify(input_ids, attention_mask, weights, *, pool=True, tanh=True, masked=True, first="cls", new=True):
    """Two numbers a review; with a part done otherwise, what an answer with that mistake gives."""
    hidden = encoder(input_ids, attention_mask, weights, masked=masked)
    vector = {"cls": hidden[:, 0], "mean": hidden.mean(dim=1), "last": hidden[:, -1]}[first]
    if pool:
        vector = vector @ weights["pooler.weight"].T + weights["pooler.bias"]
    vector = vector.tanh() if tanh else vector
    return vector @ weights["classifier.weight"].T + weights["classifier.bias"] if new else vector


def classifier_weights(seed, count=2, classes=2):
    """Random parameters of a small BERT with pooler and classifier."""
    generator = torch.Generator().manual_seed(seed + 500)
    shapes = {"pooler.weight": (8, 8), "pooler.bias": (8,), "classifier.weight": (classes, 8), "classifier.bias": (classes,)}
    made = {name: 0.5 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    return encoder_weights(seed, count) | made


def drawn_reviews(seed, count=3, length=6):
    """Ids and masks of reviews, the last of which ends with padding."""
    generator = torch.Generator().manual_seed(seed)
    mask = torch.ones(count, length, dtype=torch.long)
    mask[-1, length // 2 :] = 0
    return {"input_ids": torch.randint(9, (count, length), generator=generator), "attention_mask": mask}


def classify_cases(seed):
    """A review; three reviews with padding; three classes."""
    return [
        Case(
            {"input_ids": torch.tensor([[2, 7, 3]]), "attention_mask": torch.ones(1, 3), "weights": classifier_weights(7)},
            shown=True,
        ),
        Case(drawn_reviews(seed) | {"weights": classifier_weights(seed)}),
        Case(drawn_reviews(seed + 1, 4) | {"weights": classifier_weights(seed + 1, classes=3)}),
    ]


def classified(**parts):
    """A formula of the classifier with a part done otherwise."""
    return lambda input_ids, attention_mask, weights: classify(input_ids, attention_mask, weights, **parts)


CLASSIFY = Exercise(
    function="classify",
    cases=classify_cases,
    right=classify,
    mistakes=(
        Mistake("The pooler is missing: its matrix, its bias, and tanh.", (classified(pool=False, tanh=False),)),
        Mistake(
            "The pooler's matrix is missing. With mini you would not notice: there it is the identity.",
            (classified(pool=False),),
        ),
        Mistake("The pooler's `tanh` is missing.", (classified(tanh=False),)),
        Mistake(
            "You averaged over all positions, padding included. This classifier reads the vector of `[CLS]`, position 0.",
            (classified(first="mean"),),
        ),
        Mistake("That is the vector of the last position. `[CLS]` stands at position 0.", (classified(first="last"),)),
        Mistake("The mask is not used: the encoder reads the padding.", (classified(masked=False),)),
        Mistake(
            "These are probabilities. Return the logits: `cross_entropy` applies softmax itself.",
            (lambda **given: classify(**given).softmax(-1), lambda **given: classify(**given).log_softmax(-1)),
        ),
        Mistake("That is what the pooler gives. The classifier's matrix and bias come after it.", (classified(new=False),)),
    ),
    errors=EARLIER,
)

# --- accuracy ---------------------------------------------------------------------------------------------------------


def accuracy(logits: tuple, labels: tuple) -> Tensor:
    """The share of all reviews that is right. logits, labels: of the batches, of which the last may be smaller."""
    return torch.cat([right_of(*batch) for batch in zip(logits, labels, strict=True)]).mean()


def right_of(logits, labels):
    """1 for each review that is right, 0 for the others."""
    return (logits.argmax(dim=-1) == labels).double()


def accuracy_cases(seed):
    """A batch of two and one of one; drawn ones, the last of which is small and wrong."""
    generator = torch.Generator().manual_seed(seed)
    hand = {
        "logits": (torch.tensor([[0.2, 1.9], [0.1, 0.4]]), torch.tensor([[0.3, 2.0]])),
        "labels": (torch.tensor([1, 1]), torch.tensor([0])),
    }
    logits = tuple(torch.randn(size, 3, generator=generator) for size in (7, 7, 2))
    labels = [one.argmax(dim=-1) for one in logits]
    labels[0] = labels[0].clone()
    labels[0][:2] = (labels[0][:2] + 1) % 3
    labels[2] = (labels[2] + 1) % 3
    return [Case(hand, shown=True), Case({"logits": logits, "labels": tuple(labels)})]


def over_batches(reduce):
    """A formula of the batches, each a tensor of 0 and 1."""
    return lambda logits, labels: reduce([right_of(*batch) for batch in zip(logits, labels, strict=True)])


ACCURACY = Exercise(
    function="accuracy",
    cases=accuracy_cases,
    right=accuracy,
    mistakes=(
        Mistake(
            "You averaged the accuracies of the *batches*. The last batch is smaller, so its reviews count for too much. "
            "Divide all right answers by all reviews.",
            (over_batches(lambda right: torch.stack([one.mean() for one in right]).mean()),),
        ),
        Mistake("That is the last batch alone.", (over_batches(lambda right: right[-1].mean()),)),
        Mistake("That is the first batch alone.", (over_batches(lambda right: right[0].mean()),)),
        Mistake("You counted. Divide by the number of reviews.", (over_batches(lambda right: torch.cat(right).sum()),)),
        Mistake("That is the share of *wrong* answers.", (over_batches(lambda right: 1 - torch.cat(right).mean()),)),
        Mistake(
            "You divided by the number of batches. Divide by the number of reviews.",
            (over_batches(lambda right: torch.cat(right).sum() / len(right)),),
        ),
        Mistake("That is 1 and 0, review by review. Take the mean.", (over_batches(torch.cat),)),
    ),
    errors={
        "could not infer output dtype": "True and False have no mean: make numbers of them first, with `.double()`.",
        "must match the size": "`argmax` is over the classes, the last axis: `dim=-1`.",
    },
)

# --- a training step --------------------------------------------------------------------------------------------------


def train_step(batch: dict, weights: dict, rate: float, *, up=False, only="", total=False) -> tuple[Tensor, dict]:
    """The loss before the step and the tables after it; with a part done otherwise, what an answer with that mistake gives."""
    loss, gradients = loss_and_gradients(batch, weights, total)
    sign = 1 if up else -1
    stepped = {
        name: weights[name] + sign * rate * gradient if name.startswith(only) else weights[name]
        for name, gradient in gradients.items()
    }
    return loss, stepped


def loss_and_gradients(batch, weights, total=False):
    """The loss of a batch, and its gradient for each table."""
    tables = {name: table.detach().clone().requires_grad_() for name, table in weights.items() if name != "num_heads"}
    logits = classify(batch["input_ids"], batch["attention_mask"], weights | tables)
    loss = cross_entropy(logits, batch["label"], reduction="sum" if total else "mean")
    found = torch.autograd.grad(loss, list(tables.values()))
    return loss.detach(), dict(zip(tables, found, strict=True))


def step_cases(seed):
    """Two reviews and one layer; three with padding and two layers."""
    first = drawn_reviews(7, 2, 4) | {"label": torch.tensor([1, 0])}
    second = drawn_reviews(seed) | {"label": torch.tensor([0, 1, 1])}
    return [
        Case({"batch": first, "weights": classifier_weights(7, 1), "rate": 0.5}, shown=True),
        Case({"batch": second, "weights": classifier_weights(seed), "rate": 0.25}),
    ]


def stepped(**parts):
    """A formula of the step with a part done otherwise."""
    return lambda batch, weights, rate: train_step(batch, weights, rate, **parts)


def unmoved(batch, weights, rate):
    """The loss, and the tables as they were."""
    return train_step(batch, weights, 0.0)


def loss_after(batch, weights, rate):
    """The loss after the step."""
    _, after = train_step(batch, weights, rate)
    return loss_and_gradients(batch, weights | after)[0], after


TRAIN_STEP = Exercise(
    function="train_step",
    cases=step_cases,
    right=train_step,
    parts=("loss", "tables"),
    mistakes=(
        Mistake("That goes uphill. *Subtract* the gradient.", (stepped(up=True),)),
        Mistake(
            "Only the classifier moves. That is a frozen encoder; in fine-tuning all tables move.",
            (stepped(only="classifier."),),
        ),
        Mistake(
            "That is the sum of the losses, so the step depends on the size of the batch. Take the mean.",
            (stepped(total=True),),
        ),
        Mistake(
            "The learning rate is missing: a step is `rate` times the gradient.",
            (lambda batch, weights, rate: train_step(batch, weights, 1.0),),
        ),
        Mistake("The tables are as they were: no step was taken.", (unmoved,)),
        Mistake("That is the loss *after* the step. Return the one that the gradient belongs to.", (loss_after,)),
        Mistake(
            "These are the gradients. Return the tables after the step: each table minus `rate` times its gradient.",
            (lambda batch, weights, rate: loss_and_gradients(batch, weights),),
        ),
        Mistake(
            "The loss is missing. Return two things: the loss and the tables.",
            (lambda batch, weights, rate: train_step(batch, weights, rate)[1],),
        ),
        Mistake(
            "The two have traded places: first the loss.",
            (lambda batch, weights, rate: train_step(batch, weights, rate)[::-1],),
        ),
    ),
    errors=EARLIER
    | {
        "does not require grad": "A table needs `.requires_grad_()` *before* the model runs, or no gradient is kept.",
        "a leaf Variable that requires grad": "Do not change a table in place: make new ones.",
        "int' object has no attribute": '`"num_heads"` is a number, no table: leave it out.',
        "appears to not have been used": "Give the tables with gradients to `classify`: `weights | tables`.",
        "is not defined": "Does your notebook have it? Functions that passed are kept; run the first cells again.",
    },
)

# --- a loop with bugs -------------------------------------------------------------------------------------------------


def fine_tune(features: Tensor, labels: Tensor, epochs: int, rate: float, *, twice=False, short=False, flat=False, keep=False):
    """The weights of a new layer on a frozen encoder; with a part done otherwise, what an answer with that mistake gives."""
    batches = len(features) // 4
    steps = epochs if short else epochs * batches
    weight, kept_gradient = torch.zeros(2, features.shape[1]), torch.zeros(2, features.shape[1])
    for step in range(epochs * batches):
        rows = slice(4 * (step % batches), 4 * (step % batches) + 4)
        asked = weight.clone().requires_grad_()
        logits = features[rows] @ asked.T
        loss = cross_entropy(logits.softmax(dim=-1) if twice else logits, labels[rows])
        (gradient,) = torch.autograd.grad(loss, asked)
        kept_gradient = kept_gradient + gradient if keep else gradient
        weight = weight - rate * (1 if flat else max(0.0, 1 - step / steps)) * kept_gradient
    return weight


def tune_cases(seed):
    """One epoch of two batches; three epochs of three."""
    generator = torch.Generator().manual_seed(seed)
    hand = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0], [1.0, 2.0], [1.0, 1.0], [0.0, 2.0], [2.0, 0.0], [1.0, 0.0]])
    first = {"features": hand, "labels": torch.tensor([0, 1, 0, 1, 1, 1, 0, 0]), "epochs": 1, "rate": 0.5}
    labels = torch.randint(2, (12,), generator=generator)
    second = {"features": torch.randn(12, 5, generator=generator), "labels": labels, "epochs": 3, "rate": 0.8}
    return [Case(first, shown=True), Case(second)]


FINE_TUNE = Exercise(
    function="",
    cases=tune_cases,
    right=fine_tune,
    mistakes=(
        Mistake(
            "Both bugs are still there. What does `cross_entropy` expect? And after how many steps is the learning rate 0?",
            (lambda **given: fine_tune(**given, twice=True, short=True),),
        ),
        Mistake(
            "The schedule is right now. But softmax is still applied twice: `cross_entropy` takes logits and does it itself.",
            (lambda **given: fine_tune(**given, twice=True),),
        ),
        Mistake(
            "The loss is right now. But the learning rate is 0 long before the end: the schedule counts *steps*, not epochs.",
            (lambda **given: fine_tune(**given, short=True),),
        ),
        Mistake(
            "The learning rate never falls: multiply `rate` by what is left of the way.",
            (lambda **given: fine_tune(**given, flat=True), lambda **given: fine_tune(**given, flat=True, twice=True)),
        ),
        Mistake(
            "The gradients add up from step to step: the old ones are not forgotten.",
            (lambda **given: fine_tune(**given, keep=True),),
        ),
        Mistake("That goes uphill.", (lambda rate, **given: fine_tune(rate=-rate, **given),)),
    ),
    errors={"is not defined": "Does your notebook have the imports? Run the cell with them first."},
)

EXERCISES = {
    "truncate": TRUNCATE,
    "make_batch": MAKE_BATCH,
    "bucketed": BUCKETED,
    "classify": CLASSIFY,
    "accuracy": ACCURACY,
    "train_step": TRAIN_STEP,
    "fine_tune": FINE_TUNE,
}


def with_mini(make_batch, classify, train_step, steps=12):
    """Let functions of the learner's fine-tune mini on eight reviews of the course; say what becomes of the loss."""
    from bertnotes.checkpoint import read_checkpoint
    from bertnotes.data import REVIEWS, load_imdb_data
    from bertnotes.exercises.page05 import load_weights
    from bertnotes.models import load_tokenizer

    weights = load_weights({name: table.float() for name, table in read_checkpoint()[1].items()}) | {"num_heads": 12}
    generator = torch.Generator().manual_seed(0)
    weights |= {"classifier.weight": 0.02 * torch.randn(2, 384, generator=generator), "classifier.bias": torch.zeros(2)}
    texts, labels = load_imdb_data(REVIEWS, sample=8, plain=True)
    rows = tuple(map(torch.tensor, load_tokenizer()(texts)["input_ids"]))
    batch = make_batch(rows, torch.tensor(labels))
    for step in range(1, steps + 1):
        loss, tables = train_step(batch, weights, 0.2)
        weights |= tables
        print(f"step {step}: loss {float(loss):.2f}")
    right = (classify(batch["input_ids"], batch["attention_mask"], weights).argmax(dim=-1) == batch["label"]).sum()
    print(f"then right on these {len(texts)} reviews: {right}")
