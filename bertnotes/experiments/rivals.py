"""The same work done in other ways, to be held against ours: the loop of the original tutorial, and transformers' own tools.

Each function takes a Job and a Meter, by which it works when everything is ready, and returns the meter's Reading. Page 13.
"""

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from transformers import (
    AutoModelForSequenceClassification,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    get_linear_schedule_with_warmup,
    pipeline,
)

from bertnotes.batching import TextClassificationDataset, training_loader
from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.devices import fast_precision, training_attention
from bertnotes.models import load_tokenizer
from bertnotes.names import quiet
from bertnotes.training import TrainConfig, optimizer_and_schedule, train


@dataclass
class Job:
    """Work to be done: a fine-tuned or fresh classifier in a folder, reviews with their labels, and how. To train: the first
    `steps` batches of an epoch over all reviews."""

    folder: Path
    texts: list
    labels: list
    max_length: int = 512
    batch_size: int = 16
    steps: int = 50
    seed: int = 0
    device: str = "cpu"
    learning_rate: float = 1e-4


# --- training ----------------------------------------------------------------------------------------------------------------


class PaddedReviews(Dataset):
    """As in the original tutorial: a review is tokenised each time that it is asked for, and padded to the full length."""

    def __init__(self, texts, labels, tokenizer, max_length):
        self.texts, self.labels, self.tokenizer, self.max_length = texts, labels, tokenizer, max_length

    def __len__(self):
        return len(self.texts)

    def __getitem__(self, index):
        encoded = self.tokenizer(
            self.texts[index], return_tensors="pt", max_length=self.max_length, padding="max_length", truncation=True
        )
        ids, mask = encoded["input_ids"].flatten(), encoded["attention_mask"].flatten()
        return {"input_ids": ids, "attention_mask": mask, "label": torch.tensor(self.labels[index])}


def original_steps(model, job):
    """The training loop of the original tutorial, in fp32; yields after each step."""
    torch.manual_seed(job.seed)
    dataset = PaddedReviews(job.texts, job.labels, load_tokenizer(str(job.folder)), job.max_length)
    loader = DataLoader(dataset, batch_size=job.batch_size, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=job.learning_rate)
    scheduler = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=0, num_training_steps=len(loader))
    model.train()
    for batch in loader:
        optimizer.zero_grad()
        logits = model(batch["input_ids"].to(job.device), batch["attention_mask"].to(job.device))
        nn.CrossEntropyLoss()(logits, batch["label"].to(job.device)).backward()
        optimizer.step()
        scheduler.step()
        yield


def original_loop(job, meter):
    """Train with the loop of the original tutorial, on attention as transformers chooses it.

    Its classifier is ours, and draws what hidden units to drop as quickly: to its advantage.
    """
    model = BERTClassifier(str(job.folder), 2, "sdpa").to(job.device)
    with meter(model.bert) as reading:
        for _ in islice(original_steps(model, job), job.steps):
            pass
    return reading


def trainer_defaults(job, meter, **choices):
    """Train with transformers' Trainer, as it comes: fp32, shuffled batches, each padded to its longest review."""
    with quiet():
        model = AutoModelForSequenceClassification.from_pretrained(job.folder)
    tokenizer = load_tokenizer(str(job.folder))
    encoded = tokenizer(job.texts, truncation=True, max_length=job.max_length)["input_ids"]
    items = [{"input_ids": ids, "label": label} for ids, label in zip(encoded, job.labels, strict=True)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        clock = TrainerClock(meter, stack)
        arguments = TrainingArguments(
            folder, per_device_train_batch_size=job.batch_size, max_steps=job.steps, learning_rate=job.learning_rate,
            seed=job.seed, use_cpu=job.device == "cpu", dataloader_pin_memory=job.device == "cuda", report_to="none",
            save_strategy="no", logging_strategy="no", disable_tqdm=True, **choices,
        )  # fmt: skip
        trainer = Trainer(model, arguments, train_dataset=items, processing_class=tokenizer, callbacks=[clock])
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return clock.reading


def trainer_best(job, meter):
    """Train with transformers' Trainer at its best: batches of like length, and bf16 where the device is fast at it."""
    bf16 = fast_precision(job.device) == "bf16"
    return trainer_defaults(job, meter, train_sampling_strategy="group_by_length", bf16=bf16)


class TrainerClock(TrainerCallback):
    """Has a meter measure from the begin of training to its end, or until a stack of contexts ends that is left with an error;
    `reading` is what it read."""

    def __init__(self, meter, stack):
        self.meter, self.stack, self.reading = meter, stack, None

    def on_train_begin(self, args, state, control, model=None, **_):
        self.reading = self.stack.enter_context(self.meter(model.base_model))

    def on_train_end(self, *_, **__):
        self.stack.close()


def ours(job, meter, attention=None, attention_dropout=None):
    """Train with `fit`'s loop: batches of like length, and the precision and attention that are fastest on the device."""
    model = BERTClassifier(
        str(job.folder), 2, attention or training_attention(job.device), attention_dropout=attention_dropout
    ).to(job.device)
    config = TrainConfig(
        batch_size=job.batch_size, learning_rate=job.learning_rate, max_length=job.max_length, seed=job.seed,
        precision=fast_precision(job.device),
    )  # fmt: skip
    dataset = TextClassificationDataset(job.texts, job.labels, load_tokenizer(str(job.folder)), job.max_length)
    batches = training_loader(dataset, job.batch_size, job.seed).batch_sampler.batches()
    optimizer, scheduler = optimizer_and_schedule(model, config, len(batches))
    loader = DataLoader(dataset, batch_sampler=batches[: job.steps])
    with meter(model.bert) as reading:
        train(model, loader, optimizer, scheduler, job.device, config.precision, seed=job.seed)
    return reading


def ours_without_attention_dropout(job, meter):
    """The same, but no attention weights are dropped: then torch's fused attention can do it, also on a CPU."""
    return ours(job, meter, "sdpa", attention_dropout=0.0)


# --- prediction --------------------------------------------------------------------------------------------------------------


def transformers_pipeline(job, meter):
    """Judge all reviews with transformers' pipeline, as it comes: fp32, in the order of the reviews."""
    with quiet():
        judge = pipeline("text-classification", model=str(job.folder), device=job.device)
    with meter(judge.model.base_model) as reading:
        judge(job.texts, batch_size=job.batch_size, truncation=True, max_length=job.max_length)
    return reading


def our_prediction(job, meter, wanted="bf16"):
    """Judge all reviews with `predict_probabilities`, longest first, in bf16 where the device is fast at it."""
    model, tokenizer = BERTClassifier.from_pretrained(job.folder, "sdpa")
    model.to(job.device)  # before the clock starts, as the pipeline does: it also watches the memory of the model's device
    precision = fast_precision(job.device, wanted)
    with meter(model.bert) as reading:
        predict_probabilities(job.texts, model, tokenizer, job.device, job.max_length, job.batch_size, precision=precision)
    return reading


def our_prediction_fp32(job, meter):
    """The same in fp32."""
    return our_prediction(job, meter, "fp32")
