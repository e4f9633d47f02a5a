"""The same work done in other ways, to be held against ours: the loop of the original tutorial, and transformers' own tools.

Each function takes a Job and gets everything ready. Then it works, and returns (Reading, what came of it): what the work took,
and the trained model or the verdicts. Page 13.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice

import torch
import transformers
from torch import nn
from torch.utils.data import DataLoader, Dataset

from bertnotes.batching import TextClassificationDataset, training_loader
from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.devices import fast_precision, training_attention
from bertnotes.experiments.meter import measure
from bertnotes.models import load_tokenizer
from bertnotes.names import quiet
from bertnotes.training import TrainConfig, optimizer_and_schedule, train


@dataclass
class Job:
    """Work to be done: a fine-tuned or fresh classifier in a folder, reviews with their labels, and how. To train: the first
    `steps` batches of an epoch over all reviews (None: all of them)."""

    folder: str
    texts: list
    labels: list
    max_length: int = 512
    batch_size: int = 16
    steps: int | None = 50
    seed: int = 0
    device: str = "cpu"
    learning_rate: float = 1e-4


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


def new_classifier(job, attention, attention_dropout=None):
    """A classifier of ours on the job's encoder; its last layer is new, and the same for the same seed."""
    torch.manual_seed(job.seed)
    return BERTClassifier(job.folder, 2, attention, attention_dropout=attention_dropout).to(job.device)


def original_loop(job):
    """Train with the loop of the original tutorial, in fp32, on attention as transformers chooses it.

    Its classifier is ours, and draws what hidden units to drop as quickly: to its advantage.
    """
    model = new_classifier(job, "sdpa")
    torch.manual_seed(job.seed)
    dataset = PaddedReviews(job.texts, job.labels, load_tokenizer(job.folder), job.max_length)
    loader = DataLoader(dataset, batch_size=job.batch_size, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=job.learning_rate)
    scheduler = transformers.get_linear_schedule_with_warmup(optimizer, num_warmup_steps=0, num_training_steps=len(loader))
    model.train()
    with measure(model.bert) as reading:
        for batch in islice(loader, job.steps):
            optimizer.zero_grad()
            logits = model(batch["input_ids"].to(job.device), batch["attention_mask"].to(job.device))
            nn.CrossEntropyLoss()(logits, batch["label"].to(job.device)).backward()
            optimizer.step()
            scheduler.step()
    return reading, model


def transformers_trainer(job, best=False):
    """Train with transformers' Trainer: as it comes, in fp32 on shuffled batches, each padded to its longest review. Or at its
    best: on batches of like length, and in bf16 where the device is fast at it."""
    with quiet():
        model = transformers.AutoModelForSequenceClassification.from_pretrained(job.folder)
    tokenizer = load_tokenizer(job.folder)
    encoded = tokenizer(job.texts, truncation=True, max_length=job.max_length)["input_ids"]
    items = [{"input_ids": ids, "label": label} for ids, label in zip(encoded, job.labels, strict=True)]
    choices = {"train_sampling_strategy": "group_by_length", "bf16": fast_precision(job.device) == "bf16"} if best else {}
    arguments = transformers.TrainingArguments(
        job.folder, per_device_train_batch_size=job.batch_size, max_steps=job.steps, learning_rate=job.learning_rate,
        seed=job.seed, use_cpu=job.device == "cpu", dataloader_pin_memory=job.device == "cuda", report_to="none",
        save_strategy="no", logging_strategy="no", disable_tqdm=True, **choices,
    )  # fmt: skip
    with ExitStack() as stack:
        clock = TrainerClock(stack)
        trainer = transformers.Trainer(model, arguments, train_dataset=items, processing_class=tokenizer, callbacks=[clock])
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    return clock.reading, model


class TrainerClock(transformers.TrainerCallback):
    """Has a stack of contexts measure from the first step on, without what Trainer does to get ready: about a second."""

    def __init__(self, stack):
        self.stack, self.reading = stack, None

    def on_train_begin(self, args, state, control, model=None, **_):
        self.reading = self.stack.enter_context(measure(model.base_model))


def ours(job, attention=None, attention_dropout=None):
    """Train as `fit` does in its first epoch: on batches of like length, in the precision that is fastest on the device.

    attention: "sdpa" or another [default: the one that is fastest on the device].
    """
    model = new_classifier(job, attention or training_attention(job.device), attention_dropout)
    dataset = TextClassificationDataset(job.texts, job.labels, load_tokenizer(job.folder), job.max_length)
    loader = training_loader(dataset, job.batch_size, job.seed)
    loader.batch_sampler.set_epoch(1)
    optimizer, scheduler = optimizer_and_schedule(model, TrainConfig(learning_rate=job.learning_rate), len(loader))
    batches, precision = islice(loader, job.steps), fast_precision(job.device)
    with measure(model.bert) as reading:
        train(model, batches, optimizer, scheduler, job.device, precision, seed=(job.seed, 0))
    return reading, model


def transformers_pipeline(job):
    """Judge all reviews with transformers' pipeline, as it comes: fp32, in the order of the reviews."""
    with quiet():
        judge = transformers.pipeline("text-classification", model=job.folder, device=job.device)
    with measure(judge.model.base_model) as reading:
        verdicts = judge(job.texts, batch_size=job.batch_size, truncation=True, max_length=job.max_length)
    return reading, verdicts


def our_prediction(job, wanted="bf16"):
    """Judge all reviews with `predict_probabilities`, longest first, in the precision wanted where the device is fast at it."""
    model, tokenizer = BERTClassifier.from_pretrained(job.folder, "sdpa")
    model.to(job.device)  # before the clock starts, as the pipeline does: it also watches the memory of the model's device
    precision = fast_precision(job.device, wanted)
    with measure(model.bert) as reading:
        verdicts = predict_probabilities(
            job.texts, model, tokenizer, job.device, job.max_length, job.batch_size, precision=precision
        )
    return reading, verdicts
