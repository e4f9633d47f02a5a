"""The training loop: show a batch, measure the error, follow its gradient, again. Page 10.

`train` is the loop, one pass over the data. `fit` repeats it, judges every epoch on validation reviews and keeps the best one.
Neither knows of files or of other processes: who wants to look on, or to stop and go on, hands in callbacks, as
experiments/engine.py does.

Devlin et al. 2019, "BERT", appendix A.3 (the recipe); Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization"
(AdamW).
"""

import math
import time
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.metrics import accuracy_score, classification_report, f1_score
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, StackDataset
from tqdm import tqdm
from transformers import get_linear_schedule_with_warmup

from bertnotes.batching import (
    BucketedBatches,
    TextClassificationDataset,
    check_max_length,
    check_truncation,
    evaluation_loader,
    mean_by_text,
    most_tokens,
    seed_of,
    training_loader,
)
from bertnotes.data import default_names, majority_accuracy
from bertnotes.devices import autocast, give_back_memory, is_first
from bertnotes.lora import add_lora, check_base
from bertnotes.tables import as_pairs

HEAD_RATE = 1e-2  # learning rate of a new layer that is trained alone


@dataclass
class TrainConfig:
    """What a training may choose; the commands show what stands beside each setting."""

    epochs: int = 3  # how often all reviews are seen
    batch_size: int = 16  # reviews a step, over all processes
    learning_rate: float = 1e-4  # the highest learning rate of the run; 2e-5 to 5e-5 suits a BERT-base
    max_length: int = 256  # tokens a review is cut to
    # what is read of a longer review: its head, tail or head+tail; or all of it, in overlapping windows
    truncation: str = "head"
    seed: int = 42  # fixes the order of the reviews and what dropout leaves out
    # fp32, or bf16: half the bytes, about three digits; for the commands auto: bf16 where the device is fast at it
    precision: str = "fp32"
    warmup: float = 0.1  # share of all steps on which the learning rate climbs to its highest
    weight_decay: float = 0.01  # how fast weights shrink, but for biases and LayerNorm
    patience: int | None = None  # stop after so many epochs in a row that were no better on validation
    frozen: bool = False  # leave the encoder as it is and train the new layer only
    # first train the new layer alone, so many epochs, at a rate of 1e-2, then all: for few texts (Kumar et al. 2022, "LP-FT")
    head_epochs: int | None = None
    # leave the encoder as it is and train a change of it, of this rank, such as 8 (LoRA); it bears a higher learning rate
    lora: int | None = None
    # balanced: a class counts for as much as any other, however rare it is, in training and in what the best epoch is chosen by
    class_weights: str | None = None

    @property
    def measure(self):
        """The score that the best epoch is chosen by."""
        return "macro_f1" if self.class_weights else "accuracy"


class Callback:
    """Looks on while a model is trained. `fit` tells each of its callbacks when something has happened."""

    def begin(self, run):
        """A training begins. run: a Run, which a callback may keep, and take further before the first step."""

    def step(self, loss, count):
        """The weights moved once. loss: mean loss of the batch, in nats; count: reviews in it."""

    def epoch(self, entry):
        """An epoch was judged. entry: its line of the history, a dict, which a callback may add to."""


# --- the loop ----------------------------------------------------------------------------------------------------------------


def backward(model, batch, device, precision="fp32", weights=None):
    """Work out the gradient of a batch's mean loss, into the weights' grad. Returns that loss, in nats.

    weights: of the classes (class,), for a mean in which each review counts for as much as its class says.
    """
    with autocast(device, precision):
        logits = model(**inputs_of(batch, device))
    loss = cross_entropy(logits.float(), batch["label"].to(device), weights if weights is None else weights.to(device))
    loss.backward()
    return loss.item()


def balanced_weights(labels, num_classes) -> Float[Tensor, " num_classes"]:
    """A weight for each class, so that all count for as much in sum: reviews / (classes * reviews of the class), of the classes
    that occur (King & Zeng 2001, "Logistic Regression in Rare Events Data"; scikit-learn's "balanced"). 1 for the others.

    >>> balanced_weights([0, 0, 0, 1], 2).tolist()
    [0.6666666865348816, 2.0]
    """
    there, weights = sorted(set(labels)), torch.ones(num_classes)
    weights[there] = torch.from_numpy(compute_class_weight("balanced", classes=np.array(there), y=labels)).float()
    return weights


def inputs_of(batch, device):
    """What a model reads of a batch, all but the labels and the numbers of texts, on a device."""
    return {name: tensor.to(device) for name, tensor in batch.items() if name not in ("label", "text")}


def train(model, data_loader, optimizer, scheduler, device, precision="fp32", backward=backward, seed=None, callbacks=()):
    """Train for one epoch: every batch of the loader once. Returns the mean loss per review, in nats.

    seed: what dropout goes by, together with the number of the step, so that a run can be taken up anywhere [default: torch's
    generator as it is]. backward: works out the gradient of a batch and returns its mean loss, in place of the one above.
    Raises ValueError at the first batch whose loss or gradient is not a finite number, before it touches the weights.
    """
    model.train()
    total = count = 0
    for number, batch in enumerate(progress_bar(data_loader, "training")):
        if seed is not None:
            torch.manual_seed(seed_of(seed, "dropout", scheduler.last_epoch))
        loss = backward(model, batch, device, precision)
        norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        check_finite(loss, norm, data_loader, number)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        total, count = total + loss * len(batch["label"]), count + len(batch["label"])
        for callback in callbacks:
            callback.step(loss, len(batch["label"]))
    return total / max(1, count)  # of a run that was stopped behind the last batch there may be none left


def check_finite(loss, norm, data_loader, number):
    """Raise ValueError, naming the batch, where the loss or the norm of its gradient is not a finite number."""
    for name, value in (("loss", loss), ("gradient", norm)):
        if not math.isfinite(value):
            batches = getattr(getattr(data_loader, "batch_sampler", None), "batches", None)
            which = f"batch {number}" + (f", which holds the reviews {batches()[number]} (from 0)" if batches else "")
            raise ValueError(f"the {name} is {value} at {which}; try a lower learning rate, or fp32")


def progress_bar(data_loader, name):
    """A loader that shows how far it is, in the first process alone. TQDM_DISABLE=1 keeps it quiet."""
    return tqdm(data_loader, desc=name, leave=False, mininterval=0.5) if is_first() else data_loader


def optimizer_and_schedule(model, config, steps):
    """AdamW, and a learning rate that climbs to its peak over the warm-up and falls in a straight line to zero."""
    groups = decay_groups((weight for weight in model.parameters() if weight.requires_grad), config.weight_decay)
    optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)  # one kernel for all weights
    return optimizer, get_linear_schedule_with_warmup(optimizer, round(config.warmup * steps), steps)


def decay_groups(weights, weight_decay):
    """Weights in two groups, as an optimizer takes them: matrices decay, biases and LayerNorm do not."""
    weights = list(weights)
    return [
        {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": weight_decay},
        {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
    ]


# --- judging -----------------------------------------------------------------------------------------------------------------


def evaluate(model, data_loader, device, precision="fp32"):
    """Score a model. Returns (accuracy, report): the share of right labels, and scikit-learn's text with precision, recall
    and F1 of each class, under it the accuracy of always naming the commonest class."""
    logits, labels = collect_logits(model, data_loader, device, precision)
    predictions = logits.argmax(-1)
    names = getattr(model, "class_names", None) or default_names(logits.shape[-1])
    return accuracy_score(labels, predictions), report(labels, predictions, names)


def collect_logits(
    model, data_loader, device, precision="fp32"
) -> tuple[Float[Tensor, "review num_classes"], Int[Tensor, " review"]]:
    """Run a model over a loader. Returns logits and labels, on the CPU, in the loader's order. Of a review that is read in
    windows, the logits are the mean over these, and it stands where its first window does."""
    return merge_windows(collect_rows(model, data_loader, device, precision))


@torch.no_grad()
def collect_rows(model, data_loader, device, precision="fp32", forward=None):
    """Run a model over a loader. Returns its rows, reviews or windows of them, on the CPU and in the loader's order, as a dict:
    input (row, num_classes), the logits; label (row,) and, of windows, text (row,).

    forward: what to take from the model instead of its logits, such as model.features.
    """
    model.eval()
    batches = []
    for batch in progress_bar(data_loader, "evaluating"):
        with autocast(device, precision):
            found = (forward or model)(**inputs_of(batch, device)).float().cpu()
        batches.append({"input": found} | {name: batch[name] for name in ("label", "text") if name in batch})
    return join_rows(batches)


def join_rows(batches):
    """The rows of several batches, dicts of tensors, as one."""
    return {name: torch.cat([batch[name] for batch in batches]) for name in batches[0]}


def merge_windows(rows) -> tuple[Float[Tensor, "review num_classes"], Int[Tensor, " review"]]:
    """Logits and labels of reviews, from the rows that `collect_rows` gives."""
    if "text" not in rows:
        return rows["input"], rows["label"]
    labels = dict(zip(rows["text"].tolist(), rows["label"].tolist(), strict=True))  # in the order of the first windows
    return mean_by_text(rows["input"], rows["text"]), torch.tensor(list(labels.values()))


def macro_f1(labels, predictions):
    """The mean of the classes' F1, a rare class counting for as much as a common one: of those that occur, or were named."""
    return float(f1_score(labels, predictions, average="macro"))


def report(labels, predictions, names):
    """Precision, recall and F1 of each class, their means (the macro average is over all names, also of classes that do not
    occur), and the majority class beside the accuracy, as text. names: of the classes."""
    text = classification_report(labels, predictions, labels=range(len(names)), target_names=names, zero_division=0)
    return f"{text}{'majority class':>14}{majority_accuracy(labels):>29.2f}{len(labels):>10}\n"


# --- several epochs ----------------------------------------------------------------------------------------------------------


@dataclass
class Run(Callback):
    """A training under way: what is trained on what, and how far it is."""

    model: nn.Module
    loader: object  # its batch_sampler has set_epoch(epoch, start)
    optimizer: torch.optim.Optimizer
    scheduler: object
    epochs: int
    patience: int | None = None
    measure: str = "accuracy"  # what the best epoch is chosen by
    epoch_number: int = 1  # the one under way
    batches: int = 0  # done in it
    count: int = 0  # of reviews in these
    loss_sum: float = 0.0
    seconds: float = 0.0  # since the epoch began
    took: float = 0.0  # what passed last, a step or judging
    moment: float = 0.0  # at which that ended
    history: list = field(default_factory=list)
    best: dict | None = None  # the weights of the best epoch so far

    def lap(self):
        """Count the time since the last lap."""
        self.took = time.perf_counter() - self.moment
        self.moment += self.took
        self.seconds += self.took

    def step(self, loss, count):
        """Count a step."""
        self.lap()
        self.batches, self.count, self.loss_sum = self.batches + 1, self.count + count, self.loss_sum + loss * count

    def close_epoch(self, scores):
        """End the epoch with its scores, a dict. Returns its line of the history."""
        self.lap()
        entry = {"epoch": self.epoch_number, "train_loss": self.loss_sum / self.count, **scores, "seconds": self.seconds}
        self.history.append(entry)
        self.epoch_number, self.batches, self.count, self.loss_sum, self.seconds = self.epoch_number + 1, 0, 0, 0.0, 0.0
        return entry

    def keep_best(self):
        """Remember the weights as they are now."""
        self.best = {name: weight.detach().cpu().clone() for name, weight in self.model.state_dict().items()}

    def best_epoch(self):
        """The number of the epoch that did best on validation: by its measure, then by loss, then the earlier. 0 before any."""
        best = max(self.history, key=lambda entry: (entry[self.measure], -entry["validation_loss"]), default={"epoch": 0})
        return best["epoch"]

    def is_over(self):
        """Whether all epochs are done, or patience has run out."""
        if self.epoch_number > self.epochs:
            return True
        return self.patience is not None and len(self.history) - self.best_epoch() >= self.patience


def repeat(run, judge, device, precision="fp32", backward=backward, seed=None, callbacks=()):
    """Train epoch after epoch until the run is over, and judge each: judge(model) gives scores, a dict.

    The other arguments are those of `train`. The run is left with its history.
    """
    for callback in callbacks:
        callback.begin(run)
    while not run.is_over():
        run.loader.batch_sampler.set_epoch(run.epoch_number, run.batches)
        run.moment = time.perf_counter()
        give_back_memory()  # batches of many lengths leave gaps that the next ones do not fit into
        train(run.model, run.loader, run.optimizer, run.scheduler, device, precision, backward, seed, [run, *callbacks])
        entry = run.close_epoch(judge(run.model))
        if "accuracy" in entry and run.best_epoch() == entry["epoch"]:
            run.keep_best()
        for callback in callbacks:
            callback.epoch(entry)


def fit(
    model, tokenizer, train_data, validation_data, config=None, device=None, callbacks=(),
    backward=backward, collect=collect_logits, rank=0,
):  # fmt: skip
    """Fine-tune a classifier for some epochs and leave it with the weights of the epoch that did best on validation.

    train_data, validation_data: (texts, labels) each. device: where to train [default: where the model is]. callbacks: see
    `Callback`. backward, collect, rank: how several processes share the work (experiments/engine.py) [default: one does all].
    Returns the history, a dict an epoch: epoch, train_loss, validation_loss, accuracy, macro_f1, and what callbacks add. Where
    config.class_weights weighs classes, it does so in train_loss, and the best epoch is the one with the best macro_f1. The
    model knows from then on how it reads: to how many tokens a review is cut, and which part of it stays.
    Raises ValueError where `as_pairs` or `check_run` finds that it cannot work, or loss or gradient is no finite number.
    """
    config = config or TrainConfig()
    train_data, validation_data = as_pairs(*train_data), as_pairs(*validation_data)
    check_run(config, model, train_data[1], validation_data[1])
    device = torch.device(device) if device else next(model.parameters()).device
    if config.head_epochs:
        first = {"head_epochs": None, "frozen": True, "lora": None, "epochs": config.head_epochs, "learning_rate": HEAD_RATE}
        fit(model, tokenizer, train_data, validation_data, replace(config, **first), device)
    if config.lora:
        add_lora(model.bert, config.lora)
    model.to(device).read_as(config.max_length, config.truncation, config.precision)
    learner, loader, held_out, labels = learner_and_loaders(model, tokenizer, train_data, validation_data, config, device)
    optimizer, scheduler = optimizer_and_schedule(learner, config, steps=len(loader) * config.epochs)
    if config.class_weights:
        backward = partial(backward, weights=balanced_weights(labels, len(model.class_names)))

    def judge(learner):
        logits, labels = collect(learner, held_out, device, config.precision)
        scores = {"accuracy": accuracy_score(labels, logits.argmax(-1)), "macro_f1": macro_f1(labels, logits.argmax(-1))}
        return {"validation_loss": cross_entropy(logits, labels).item(), **scores}

    run = Run(learner, loader, optimizer, scheduler, config.epochs, config.patience, config.measure)
    repeat(run, judge, device, config.precision, backward, (config.seed, rank), callbacks)
    learner.load_state_dict(run.best)
    model.eval()
    return run.history


def learner_and_loaders(model, tokenizer, train_data, validation_data, config, device):
    """What is trained, batches to train it on, and batches to judge it by: the whole model on tokens or, where the encoder is
    frozen, its last layer on the vectors that the encoder makes of each review, worked out once. And the labels of all that it
    is trained on, of each window where there are any."""
    training, held_out = datasets(tokenizer, train_data, validation_data, config)
    if not config.frozen:
        loaders = training_loader(training, config.batch_size, config.seed), evaluation_loader(held_out, 32)
        return model, *loaders, training.labels
    labels = training.labels
    training, held_out = (features_of(model, dataset, device, config.precision) for dataset in (training, held_out))
    batches = BucketedBatches([1] * len(training), config.batch_size, config.seed)  # all are as long as each other
    return model.head, DataLoader(training, batch_sampler=batches), DataLoader(held_out, 32), labels


def datasets(tokenizer, train_data, validation_data, config):
    """Reviews to train on and reviews to judge by, tokenised once: two datasets."""
    reading = tokenizer, config.max_length, config.truncation
    return [TextClassificationDataset(*data, *reading) for data in (train_data, validation_data)]


def features_of(model, dataset, device, precision="fp32"):
    """What the encoder makes of each review, or window, without dropout, as what the head is trained on: a dataset whose items
    are dicts, input (hidden_size,), label and, of windows, text, in the order of `evaluation_loader`."""
    return StackDataset(**collect_rows(model, evaluation_loader(dataset, 32), device, precision, model.features))


def check_run(config, model, labels, held_labels):
    """Raise ValueError where a run cannot work: no epochs, empty batches, too long reviews, one class only, a label that the
    model has no class for, nothing to validate on."""
    for name in ("epochs", "batch_size", "patience", "head_epochs"):
        if (value := getattr(config, name)) is not None and value < 1:
            raise ValueError(f"{name} is at least 1; got {value}")
    if not config.learning_rate > 0:
        raise ValueError(f"a learning rate is above 0; got {config.learning_rate}")
    if config.frozen and config.lora is not None:
        raise ValueError("frozen leaves the encoder as it is, lora changes it; choose one of them")
    if config.lora is not None:
        check_base(model.bert, model.base)
    if config.class_weights not in (None, "balanced"):
        raise ValueError(f'class weights are "balanced", or there are none; got {config.class_weights!r}')
    autocast("cpu", config.precision)
    check_truncation(config.truncation)
    check_max_length(config.max_length, most_tokens(model.bert))
    if not held_labels:
        raise ValueError("there is no review to validate on: the best epoch could not be told")
    if strange := sorted({*labels, *held_labels} - set(range(classes := len(model.class_names)))):
        raise ValueError(f"the labels of a model with {classes} classes are 0 to {classes - 1}; got {strange[0]}")
    if len(set(labels)) < 2:
        raise ValueError(f"all {len(labels)} training reviews have the label {labels[0]}: nothing to tell apart")
