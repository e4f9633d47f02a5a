"""The training loop: show a batch, measure the error, follow its gradient, again.

`training_steps` is the loop, `train` and `evaluate` are one pass over the data each; `fit` repeats them, keeps the best epoch,
and goes on from where it was stopped (runs.py). Notebook 10.
Devlin et al. 2019, appendix A.3 (the recipe); Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization" (AdamW).
"""

import json
import math
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from accelerate.utils import gather_object
from sklearn.metrics import accuracy_score
from torch.nn import functional
from tqdm import tqdm
from transformers import get_linear_schedule_with_warmup

from bertnotes.batching import TextClassificationDataset, check_max_length, evaluation_loader, training_loader
from bertnotes.devices import autocast
from bertnotes.evaluation import report
from bertnotes.experiments.engine import Run, fingerprint, join_processes, process
from bertnotes.experiments.meter import give_back_memory, peak_memory


@dataclass
class TrainConfig:
    """What a run may choose. learning_rate is the peak; warmup the share of all steps on the way up to it; truncation the part
    of a longer review that stays when it is cut to max_length: "head", "tail" or "head+tail". patience: stop after so many
    epochs in a row that were no better on validation. micro_batch_size: a batch goes through the model in parts of at most so many
    reviews, which takes less memory and gives the same gradient. compiled: have torch.compile write the encoder's code. frozen:
    leave the encoder as it is and train the new layer only."""

    epochs: int = 3
    batch_size: int = 16
    learning_rate: float = 1e-4
    warmup: float = 0.1
    weight_decay: float = 0.01
    max_length: int = 256
    seed: int = 42
    precision: str = "fp32"  # or "bf16": half the bytes, about three decimal digits
    truncation: str = "head"
    patience: int | None = None
    micro_batch_size: int | None = None
    compiled: bool = False
    frozen: bool = False


# --- one epoch ---------------------------------------------------------------------------------------------------------------


def training_steps(model, data_loader, optimizer, scheduler, device, config, accelerator=None, seed=None):
    """Train: for each batch of the loader measure the error, and follow its gradient a little.

    Yields (loss, reviews) after each step: the mean loss per review, in nats, and how many reviews there were. With a seed,
    dropout goes by it and the number of the step, so that a run can be taken up anywhere.
    Raises ValueError at the first batch whose loss or gradient is not a finite number, before it touches the weights.
    """
    model.train()
    for number, batch in enumerate(progress_bar(data_loader, "training", accelerator)):
        if seed is not None:
            torch.manual_seed((seed * 1_000_003 + scheduler.last_epoch) * 1024 + process(accelerator)[0])
        loss = add_gradient(model, batch, device, config, accelerator)
        if not math.isfinite(loss):
            raise ValueError(f"the loss is {loss} at {name_batch(data_loader, number)}; try a lower learning rate, or fp32")
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        if not math.isfinite(norm):
            raise ValueError(f"the gradient is {norm} at {name_batch(data_loader, number)}; try a lower learning rate, or fp32")
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        yield loss, len(batch["label"])


def add_gradient(model, batch, device, config, accelerator=None):
    """Work out the gradient of a batch's mean loss, into the weights' grad. Returns that loss, in nats.

    With n processes each takes every n-th review of the batch; of these, at most config.micro_batch_size go through
    the model at a time.
    """
    labels, (rank, processes) = batch["label"], process(accelerator)
    mine = torch.arange(len(labels))[rank::processes]
    share = 1 / len(labels) if len(mine) else 0.0  # a process without a review goes through the motions with another's
    parts = (mine if len(mine) else torch.tensor([0])).split(config.micro_batch_size or len(labels))
    total = torch.zeros((), device=device)
    for number, part in enumerate(parts, start=1):
        with accelerator.no_sync(model) if accelerator and number < len(parts) else nullcontext():
            with autocast(device, config.precision):
                logits = model(batch["input_ids"][part].to(device), batch["attention_mask"][part].to(device))
            loss = share * functional.cross_entropy(logits.float(), labels[part].to(device), reduction="sum")
            (loss * processes).backward()  # processes average their gradients
        total += loss.detach()
    return (accelerator.reduce(total) if accelerator else total).item()


def train(model, data_loader, optimizer, scheduler, device, precision="fp32"):
    """Train for one epoch: every batch of the loader once. Returns the mean loss per review, in nats.

    Raises ValueError at the first batch whose loss or gradient is not a finite number, before it touches the weights.
    """
    total = count = 0
    for loss, reviews in training_steps(model, data_loader, optimizer, scheduler, device, TrainConfig(precision=precision)):
        total, count = total + loss * reviews, count + reviews
    return total / count


def progress_bar(data_loader, name, accelerator=None):
    """A loader that shows how far it is, one bar for all processes. TQDM_DISABLE=1 keeps it quiet."""
    return tqdm(data_loader, desc=name, leave=False, mininterval=0.5, **({"disable": True} if process(accelerator)[0] else {}))


def name_batch(data_loader, number):
    """Say which batch of a loader it is, and which reviews it holds where that can be told."""
    batches = getattr(data_loader.batch_sampler, "batches", None)
    return f"batch {number}" if batches is None else f"batch {number}, which holds the reviews {batches()[number]} (from 0)"


def evaluate(model, data_loader, device, precision="fp32"):
    """Score a model. Returns (accuracy, report): the share of right labels, and scikit-learn's text with precision, recall
    and F1 of each class, under it the accuracy of always naming the commonest class."""
    logits, labels = collect_logits(model, data_loader, device, precision)
    predictions = logits.argmax(-1)
    return accuracy_score(labels, predictions), report(labels, predictions, logits.shape[-1])


@torch.inference_mode()
def collect_logits(model, data_loader, device, precision="fp32", accelerator=None):
    """Run a model over a loader. Returns (logits (review, class), labels (review,)), on the CPU, in the loader's order.

    Several processes share the batches out, and each gets the results of all.
    """
    model.eval()
    found, (rank, processes) = [], process(accelerator)
    for number, batch in enumerate(progress_bar(data_loader, "evaluating", accelerator)):
        if number % processes == rank:
            with autocast(device, precision):
                logits = model(batch["input_ids"].to(device), batch["attention_mask"].to(device)).float().cpu()
            found.append((number, logits, batch["label"]))
    found = sorted(gather_object(found) if processes > 1 else found, key=lambda one: one[0])
    return torch.cat([logits for _, logits, _ in found]), torch.cat([labels for _, _, labels in found])


# --- several epochs ----------------------------------------------------------------------------------------------------------


@dataclass
class Progress:
    """How far a run is: the epoch, counted from 1; how many of its batches are done, the reviews in them, the sum of their
    losses, the seconds they took; the most memory that was held, in MB, None where the system does not say; and the entries of
    the epochs before."""

    epoch: int = 1
    batches: int = 0
    reviews: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0
    memory_mb: int | None = None
    history: list = field(default_factory=list)

    def spend(self, seconds, memory_mb):
        """Count the seconds that passed, and the most memory that this process has held."""
        self.seconds += seconds
        self.memory_mb = max(filter(None, (self.memory_mb, memory_mb)), default=None)

    def add_step(self, loss, reviews, seconds, memory_mb):
        """Count a step. Returns what there is to say of it."""
        self.spend(seconds, memory_mb)
        self.batches, self.reviews, self.loss_sum = self.batches + 1, self.reviews + reviews, self.loss_sum + loss * reviews
        return {"epoch": self.epoch, "batch": self.batches, "reviews": reviews, "loss": loss, "seconds": round(seconds, 4)}

    def close_epoch(self, scores, seconds, memory_mb):
        """End the epoch with its scores on validation. Returns what there is to say of it."""
        self.spend(seconds, memory_mb)
        spent = {"seconds": self.seconds, "memory_mb": self.memory_mb}
        entry = {"epoch": self.epoch, "train_loss": self.loss_sum / self.reviews, **scores, **spent}
        self.history.append(entry)
        self.epoch, self.batches, self.reviews, self.loss_sum, self.seconds = self.epoch + 1, 0, 0, 0.0, 0.0
        return entry

    def best_epoch(self):
        """The number of the epoch that did best on validation: by accuracy, then by loss, then the earlier. 0 before any."""
        return max(self.history, key=lambda entry: (entry["accuracy"], -entry["validation_loss"]), default={"epoch": 0})[
            "epoch"
        ]

    def is_over(self, config):
        """Whether all epochs are done, or patience has run out."""
        idle = len(self.history) - self.best_epoch()
        return self.epoch > config.epochs or (config.patience is not None and idle >= config.patience)


def fit(
    model, tokenizer, train_data, validation_data, config=None, device="cpu", out=None, resume=False, watch=None, save_every=120
):
    """Fine-tune a model for some epochs and leave it with the weights of the epoch that did best on validation.

    train_data, validation_data: (texts, labels) each. out: a folder, which while training goes on gets the best weights, the
    tokenizer, train_config.json, a line in history.jsonl for each epoch and in steps.jsonl for each step and, every save_every
    seconds and after each epoch, a checkpoint. resume: go on from that checkpoint, or begin where there is none yet; the
    weights at the end are those of a run that was never stopped. watch: a function that is given each line, as a dict.
    Processes that were launched together share each batch (processes.py).
    Returns the history, a dict an epoch: epoch, train_loss, validation_loss, accuracy, seconds, and memory_mb, the most that
    was held since the run began.
    Raises ValueError where `check_run` finds that it cannot work, the loss or its gradient is no finite number, or `Run` does
    not take the folder.
    """
    config = config or TrainConfig()
    check_run(config, model, train_data[1], validation_data[1])
    accelerator = join_processes(device)
    device = accelerator.device if accelerator.num_processes > 1 else torch.device(device)
    model.to(device).bert.requires_grad_(not config.frozen)
    loader, validation = loaders(tokenizer, train_data, validation_data, config)
    optimizer, scheduler = optimizer_and_schedule(model, config, steps=len(loader) * config.epochs)
    if config.compiled:
        model.bert.compile(dynamic=True)
    with Run(out, asdict(config), fingerprint(train_data, validation_data), resume, accelerator.is_main_process) as run:
        progress = Progress(**run.load(model, optimizer, scheduler))
        shared = accelerator.prepare(model)
        while not progress.is_over(config):
            loader.batch_sampler.set_epoch(progress.epoch, progress.batches)
            give_back_memory()  # what came before left gaps as well
            gauge = Gauge(device)
            for loss, reviews in training_steps(
                shared, loader, optimizer, scheduler, device, config, accelerator, seed=config.seed
            ):
                run.note("steps", progress.add_step(loss, reviews, *gauge.lap()), watch)
                if run.is_due(save_every):
                    run.save(model, optimizer, scheduler, asdict(progress))
                    give_back_memory()  # batches of many lengths leave gaps that the next does not fit into
            scores = validation_scores(model, validation, device, config.precision, accelerator)
            run.note("history", progress.close_epoch(scores, *gauge.lap()), watch)
            if progress.best_epoch() == len(progress.history):
                run.keep_best(model, tokenizer)
            run.save(model, optimizer, scheduler, asdict(progress))
        accelerator.wait_for_everyone()  # the first may still be writing what all are to read
        run.load_best(model)
    model.eval()
    return progress.history


class Gauge:
    """What a run takes: seconds from lap to lap, and the most memory that this process has held so far, in MB."""

    def __init__(self, device):
        self.device, self.last = device, time.perf_counter()

    def lap(self):
        """(seconds since the last lap, MB)."""
        before, self.last = self.last, time.perf_counter()
        return self.last - before, peak_memory(self.device)


def loaders(tokenizer, train_data, validation_data, config):
    """Tokenise once; batches to train on, and batches to validate on."""
    training, held_out = (
        TextClassificationDataset(*data, tokenizer, config.max_length, config.truncation)
        for data in (train_data, validation_data)
    )
    return training_loader(training, config.batch_size, config.seed), evaluation_loader(held_out, 32)


def check_run(config, model, labels, held_labels):
    """Raise ValueError where a run cannot work: no epochs, empty batches, too long reviews, one class only, a label that the
    model has no class for, nothing to validate on."""
    for name in ("epochs", "batch_size", "patience", "micro_batch_size"):
        if (value := getattr(config, name)) is not None and value < 1:
            raise ValueError(f"{name} is at least 1; got {value}")
    autocast("cpu", config.precision)
    check_max_length(config.max_length, model.bert.config.max_position_embeddings)
    if not held_labels:
        raise ValueError("there is no review to validate on: the best epoch could not be told")
    if strange := sorted({*labels, *held_labels} - set(range(classes := model.classifier.out_features))):
        raise ValueError(f"the labels of a model with {classes} classes are 0 to {classes - 1}; got {strange[0]}")
    if len(set(labels)) < 2:
        raise ValueError(f"all {len(labels)} training reviews have the label {labels[0]}: nothing to tell apart")


def optimizer_and_schedule(model, config, steps):
    """AdamW, and a learning rate that climbs to its peak over the warm-up and falls in a straight line to zero."""
    rates = {"lr": config.learning_rate, "weight_decay": config.weight_decay}
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, **rates, fused=True)  # one kernel for all weights
    return optimizer, get_linear_schedule_with_warmup(optimizer, round(config.warmup * steps), steps)


def validation_scores(model, loader, device, precision="fp32", accelerator=None):
    """The mean loss (nats) and the accuracy of a model over a loader, as a dict."""
    logits, labels = collect_logits(model, loader, device, precision, accelerator)
    loss = functional.cross_entropy(logits, labels).item()
    return {"validation_loss": loss, "accuracy": accuracy_score(labels, logits.argmax(-1))}


def trained_config(folder):
    """The TrainConfig that the run in a folder was trained with; the default one where the folder does not tell.

    Raises ValueError where the file is damaged.
    """
    path = Path(folder) / "train_config.json"
    try:
        return TrainConfig(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return TrainConfig()
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}); copy or train the model again") from None
