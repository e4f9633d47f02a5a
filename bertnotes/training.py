"""The training loop: show a batch, measure the error, follow its gradient, again.

`train` and `evaluate` are one pass over the data each; `fit` repeats them and keeps the best epoch. Notebook 09.
Devlin et al. 2019, appendix A.3 (the recipe); Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization" (AdamW).
"""

import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from sklearn.metrics import accuracy_score, classification_report
from torch.nn import functional
from tqdm import tqdm
from transformers import get_linear_schedule_with_warmup

from bertnotes.batching import TextClassificationDataset, check_max_length, evaluation_loader, training_loader
from bertnotes.data import LABELS
from bertnotes.files import write_whole


@dataclass
class TrainConfig:
    """What a run may choose. learning_rate is the peak; warmup the share of all steps on the way up to it; keep the part of a
    longer review that stays when it is cut to max_length: "head", "tail" or "head+tail"."""

    epochs: int = 3
    batch_size: int = 16
    learning_rate: float = 2e-4
    warmup: float = 0.1
    weight_decay: float = 0.01
    max_length: int = 256
    seed: int = 42
    precision: str = "fp32"  # or "bf16": half the bytes, about three decimal digits
    keep: str = "head"


def train(model, data_loader, optimizer, scheduler, device, precision="fp32"):
    """Train for one epoch: every batch of the loader once. Returns the mean loss per review, in nats.

    Raises ValueError at the first batch whose loss is not a finite number, before it touches the weights.
    """
    model.train()
    total = count = 0
    for number, batch in enumerate(tqdm(data_loader, desc="training", leave=False)):
        labels = batch["label"].to(device)
        with autocast(device, precision):
            logits = model(batch["input_ids"].to(device), batch["attention_mask"].to(device))
            loss = functional.cross_entropy(logits.float(), labels)
        if not math.isfinite(loss.item()):
            raise ValueError(f"the loss is {loss.item()} at batch {number}; try a lower learning rate, or fp32")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        total += loss.item() * len(labels)
        count += len(labels)
    return total / count


def evaluate(model, data_loader, device, precision="fp32"):
    """Score a model. Returns (accuracy, report): the share of right labels, and scikit-learn's text with precision, recall
    and F1 of each class, under it the accuracy of always naming the commonest class."""
    logits, labels = collect_logits(model, data_loader, device, precision)
    predictions = logits.argmax(-1)
    return accuracy_score(labels, predictions), report(labels, predictions, logits.shape[-1])


@torch.inference_mode()
def collect_logits(model, data_loader, device, precision="fp32"):
    """Run a model over a loader. Returns (logits (review, class), labels (review,)), on the CPU, in the loader's order."""
    model.eval()
    logits, labels = [], []
    for batch in tqdm(data_loader, desc="evaluating", leave=False):
        with autocast(device, precision):
            logits.append(model(batch["input_ids"].to(device), batch["attention_mask"].to(device)).float().cpu())
        labels.append(batch["label"])
    return torch.cat(logits), torch.cat(labels)


def report(labels, predictions, num_classes=2):
    """Precision, recall and F1 of each class, and the majority class beside the accuracy, as text."""
    names = list(LABELS) if num_classes == 2 else [str(label) for label in range(num_classes)]
    text = classification_report(labels, predictions, labels=range(num_classes), target_names=names, zero_division=0)
    share = majority_accuracy(labels)
    return f"{text}{'majority class':>14}{share:>29.2f}{len(labels):>10}\n"


def majority_accuracy(labels):
    """The accuracy of always naming the commonest class: what any model has to beat."""
    return torch.bincount(torch.as_tensor(labels)).max().item() / len(labels)


def fit(model, tokenizer, train_data, validation_data, config=None, device="cpu", out=None):
    """Fine-tune a model for some epochs and leave it with the weights of the epoch that did best on validation.

    train_data, validation_data: (texts, labels) each. out: a folder, which then gets the best weights, the tokenizer,
    train_config.json and history.jsonl while training goes on.
    Returns the history, a dict an epoch: epoch, train_loss, validation_loss, accuracy, seconds.
    Raises ValueError where the training labels are all of one class, or max_length is over the model's.
    """
    config = config or TrainConfig()
    check_run(config, model, train_data[1])
    torch.manual_seed(config.seed)
    model.to(device)
    training = TextClassificationDataset(*train_data, tokenizer, config.max_length, config.keep)
    loader = training_loader(training, config.batch_size, config.seed)
    held_out = TextClassificationDataset(*validation_data, tokenizer, config.max_length, config.keep)
    validation = evaluation_loader(held_out, 32)
    optimizer, scheduler = optimizer_and_schedule(model, config, steps=len(loader) * config.epochs)
    history, best = [], (-1.0, 0.0)
    for epoch in range(1, config.epochs + 1):
        loader.batch_sampler.set_epoch(epoch)
        started = time.perf_counter()
        entry = {"epoch": epoch, "train_loss": train(model, loader, optimizer, scheduler, device, config.precision)}
        entry |= validation_scores(model, validation, device, config.precision)
        history.append(entry | {"seconds": time.perf_counter() - started})
        if (entry["accuracy"], -entry["validation_loss"]) > best:
            best = (entry["accuracy"], -entry["validation_loss"])
            weights = {name: weight.detach().cpu().clone() for name, weight in model.state_dict().items()}
            if out:
                model.save_pretrained(out, tokenizer)
        if out:
            write_history(out, history, config)
    model.load_state_dict(weights)
    model.eval()
    return history


def check_run(config, model, labels):
    """Raise ValueError where a run cannot work: no epochs, empty batches, too long reviews, one class only."""
    for name in ("epochs", "batch_size"):
        if getattr(config, name) < 1:
            raise ValueError(f"{name} is at least 1; got {getattr(config, name)}")
    check_max_length(config.max_length, model.bert.config.max_position_embeddings)
    if len(set(labels)) < 2:
        raise ValueError(f"all {len(labels)} training reviews have the label {labels[0]}: nothing to tell apart")


def optimizer_and_schedule(model, config, steps):
    """AdamW, and a learning rate that climbs to its peak over the warm-up and falls in a straight line to zero."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    return optimizer, get_linear_schedule_with_warmup(optimizer, round(config.warmup * steps), steps)


def validation_scores(model, loader, device, precision="fp32"):
    """The mean loss (nats) and the accuracy of a model over a loader, as a dict."""
    logits, labels = collect_logits(model, loader, device, precision)
    loss = functional.cross_entropy(logits, labels).item()
    return {"validation_loss": loss, "accuracy": accuracy_score(labels, logits.argmax(-1))}


def write_history(out, history, config):
    """Write train_config.json and history.jsonl to the run's folder, each whole or not at all."""
    lines = "".join(json.dumps(entry) + "\n" for entry in history)
    for name, text in (("train_config.json", json.dumps(asdict(config), indent=2) + "\n"), ("history.jsonl", lines)):
        write_whole(Path(out) / name, text)


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


def autocast(device, precision):
    """A context in which matrix products run in bfloat16 if precision is "bf16", and in float32 if it is "fp32"."""
    if precision not in ("fp32", "bf16"):
        raise ValueError(f'precision is "fp32" or "bf16"; got {precision!r}')
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bf16")


def best_device():
    """The name of the fastest device here: "cuda", "mps" or "cpu"."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
