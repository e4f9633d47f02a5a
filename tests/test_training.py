"""The training loop: it learns, it scores as scikit-learn does, it keeps the best epoch, and its seed decides all."""

import json
import math
import re
import shutil
from contextlib import nullcontext, suppress
from dataclasses import asdict, replace

import pytest
import torch
from sklearn.metrics import accuracy_score, classification_report
from torch import nn
from torch.utils.data import DataLoader
from toy import LABELS, TEXTS

from bertnotes import training
from bertnotes.batching import TextClassificationDataset, evaluation_loader, training_loader
from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.models import load_tokenizer
from bertnotes.training import (
    TrainConfig,
    add_gradient,
    collect_logits,
    evaluate,
    fit,
    train,
    trained_config,
)

CONFIG = TrainConfig(epochs=3, batch_size=8, learning_rate=1e-3, max_length=16, seed=5)


@pytest.fixture(scope="module")
def tokenizer(tiny_checkpoint):
    return load_tokenizer(tiny_checkpoint)


@pytest.fixture
def model(tiny_checkpoint):
    """A fresh classifier, the same for every test."""
    return BERTClassifier(str(tiny_checkpoint), 2)


@pytest.fixture
def dataset(tokenizer):
    return TextClassificationDataset(TEXTS, LABELS, tokenizer, 16)


class Echo(nn.Module):
    """Stands in for a model: logits (batch, classes) are the one-hot of what it is told to say, review by review."""

    def __init__(self, said, num_classes=2):
        super().__init__()
        self.logits, self.at = nn.functional.one_hot(torch.tensor(said), num_classes).float(), 0

    def forward(self, input_ids, attention_mask):
        self.at += len(input_ids)
        return self.logits[self.at - len(input_ids) : self.at]


def loader_of(labels, batch_size=4):
    """A loader of items in which nothing but the labels counts."""
    items = [{"input_ids": torch.ones(3), "attention_mask": torch.ones(3), "label": torch.tensor(label)} for label in labels]
    return DataLoader(items, batch_size=batch_size)


# ---- one pass to learn, one to score ----


def test_train_lowers_the_loss(model, dataset):
    """Sixteen passes over forty sentences that one word decides."""
    loader = DataLoader(dataset, batch_size=8)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1)
    losses = [train(model, loader, optimizer, scheduler, "cpu") for _ in range(16)]
    assert losses[-1] < 0.35 < losses[0] and all(isinstance(loss, float) for loss in losses)
    assert evaluate(model, loader, "cpu")[0] > 0.9


def test_train_returns_the_mean_over_reviews(model, dataset):
    """A short last batch counts for as much as it holds; a learning rate of 0 leaves the model as it was."""
    model.dropout.p = 0.0
    for module in model.bert.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    mean = train(model, DataLoader(dataset, batch_size=16), optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer), "cpu")
    logits, labels = collect_logits(model, DataLoader(dataset, batch_size=16), "cpu")
    assert mean == pytest.approx(nn.functional.cross_entropy(logits, labels).item(), abs=1e-5)


def test_train_steps_the_schedule_once_a_batch(model, dataset):
    """In training mode, gradients cut at length 1 and cleared for the next batch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    rates, lengths, modes = [], [], set()

    def before_step(*_):
        rates.append(optimizer.param_groups[0]["lr"])
        lengths.append(nn.utils.get_total_norm([weight.grad for weight in model.parameters()]).item())
        modes.add(model.training)

    optimizer.register_step_pre_hook(before_step)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1e-3 * (5 - step))
    train(model.eval(), DataLoader(dataset, batch_size=8), optimizer, scheduler, "cpu")
    assert rates == pytest.approx([5e-3, 4e-3, 3e-3, 2e-3, 1e-3])
    assert max(lengths) < 1 + 1e-4 and modes == {True}
    assert all(weight.grad is None for weight in model.parameters())


def test_a_loss_that_is_no_number_stops_before_it_does_harm(model, dataset):
    """The error names the batch; the weights are those before it."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    with torch.no_grad():
        model.classifier.bias[0] = math.nan
    before = {name: weight.clone() for name, weight in model.named_parameters() if name != "classifier.bias"}
    scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer)
    with pytest.raises(ValueError, match="the loss is nan at batch 0; try a lower learning rate"):
        train(model, DataLoader(dataset, batch_size=8), optimizer, scheduler, "cpu")
    assert all(torch.equal(weight, before[name]) for name, weight in model.named_parameters() if name in before)


def test_a_gradient_that_is_no_number_stops_before_it_does_harm(model, dataset):
    """The loss may be finite all the same; clipping would make NaN of every weight."""
    model.classifier.weight.register_hook(lambda gradient: gradient * math.inf)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer)
    with pytest.raises(ValueError, match=r"the gradient is (inf|nan) at batch 0; try a lower learning rate"):
        train(model, DataLoader(dataset, batch_size=8), optimizer, scheduler, "cpu")
    assert all(torch.equal(weight, before[name]) for name, weight in model.named_parameters())


def test_evaluate_equals_scikit_learn():
    """Accuracy and report of the same labels and predictions, the last batch shorter than the others."""
    labels, said = [0, 1, 1, 0, 1, 1, 0, 1, 1], [0, 1, 0, 0, 1, 1, 1, 1, 0]
    accuracy, text = evaluate(Echo(said), loader_of(labels), "cpu")
    assert accuracy == accuracy_score(labels, said)
    assert text.startswith(classification_report(labels, said, target_names=["negative", "positive"]))


@pytest.mark.parametrize(("labels", "said"), [([0, 1, 1], [1, 1, 1]), ([1, 1, 1], [1, 0, 1]), ([1, 1], [1, 1])])
def test_a_class_that_is_never_named_or_never_there(labels, said, capfd):
    """No warning (here each would be an error), and its row is in the report all the same."""
    accuracy, text = evaluate(Echo(said), loader_of(labels), "cpu")
    assert accuracy == accuracy_score(labels, said) and "negative" in text and "positive" in text
    assert capfd.readouterr() == ("", "")


def test_report_of_more_classes():
    """Numbered, as there are no words for them."""
    text = evaluate(Echo([0, 2, 2, 1], 3), loader_of([0, 1, 2, 2]), "cpu")[1]
    assert [line.split()[0] for line in text.splitlines() if line.strip()][1:4] == ["0", "1", "2"]


def test_collected_logits_are_in_the_loaders_order(model, dataset):
    """In evaluation mode, float32, without a graph."""
    logits, labels = collect_logits(model.train(), evaluation_loader(dataset, 7), "cpu")
    again, _ = collect_logits(model, DataLoader(dataset, batch_size=40), "cpu")
    order = sorted(range(len(dataset)), key=dataset.lengths().__getitem__, reverse=True)
    assert labels.tolist() == [LABELS[index] for index in order]
    assert torch.allclose(logits, again[order], atol=1e-5) and not logits.requires_grad and not model.training


def test_bf16(model, dataset):
    """Runs, comes near fp32, and leaves the weights in float32."""
    logits, _ = collect_logits(model, DataLoader(dataset, batch_size=8), "cpu")
    half, _ = collect_logits(model, DataLoader(dataset, batch_size=8), "cpu", "bf16")
    assert half.dtype == torch.float32
    assert not torch.equal(half, logits) and torch.allclose(half, logits, atol=0.15)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer)
    loss = train(model, DataLoader(dataset, batch_size=8), optimizer, scheduler, "cpu", "bf16")
    assert math.isfinite(loss) and {weight.dtype for weight in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("precision", ["fp16", "", None])
def test_an_unknown_precision(model, dataset, precision):
    """The error names the two that there are."""
    with pytest.raises(ValueError, match='precision is "fp32" or "bf16"; got'):
        evaluate(model, DataLoader(dataset), "cpu", precision)


# ---- a batch in parts ----


def still(model):
    """Take out all dropout."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model


class TwoOf:
    """Stands in for accelerate in one of so many processes: no other process answers."""

    def __init__(self, rank, processes):
        self.process_index, self.num_processes = rank, processes

    def no_sync(self, _):
        return nullcontext()

    def reduce(self, total):
        return total


@pytest.mark.parametrize("micro_batch_size", [1, 3, 8, 100])
def test_a_batch_in_parts_has_the_same_gradient(model, dataset, micro_batch_size):
    """And the same loss, whatever goes through the model at a time."""
    batch = next(iter(DataLoader(dataset, batch_size=8)))
    still(model).train()
    whole_loss = add_gradient(model, batch, "cpu", CONFIG)
    expected = [weight.grad.clone() for weight in model.parameters()]
    model.zero_grad()
    widths = []
    model.register_forward_pre_hook(lambda _, inputs: widths.append(len(inputs[0])))
    assert add_gradient(model, batch, "cpu", replace(CONFIG, micro_batch_size=micro_batch_size)) == pytest.approx(
        whole_loss, abs=1e-6
    )
    assert max(widths) <= micro_batch_size and sum(widths) == 8
    for weight, gradient in zip(model.parameters(), expected, strict=True):
        assert torch.allclose(weight.grad, gradient, atol=1e-6)


@pytest.mark.parametrize(("reviews", "processes"), [(8, 2), (7, 3), (2, 4), (1, 8)])
def test_processes_share_a_batch_out(model, dataset, reviews, processes):
    """Their gradients, averaged as DDP does it, are those of the whole batch; one without a review adds nothing."""
    batch = next(iter(DataLoader(dataset, batch_size=reviews)))
    still(model).train()
    whole_loss = add_gradient(model, batch, "cpu", CONFIG)
    expected = [weight.grad.clone() for weight in model.parameters()]
    losses, sums = [], [torch.zeros_like(weight) for weight in model.parameters()]
    for rank in range(processes):
        model.zero_grad()
        losses.append(add_gradient(model, batch, "cpu", CONFIG, TwoOf(rank, processes)))
        sums = [one + weight.grad for one, weight in zip(sums, model.parameters(), strict=True)]
    assert sum(losses) == pytest.approx(whole_loss, abs=1e-6)
    for one, gradient in zip(sums, expected, strict=True):
        assert torch.allclose(one / processes, gradient, atol=1e-6)


# ---- several epochs ----


def test_fit_learns_and_leaves_the_model_ready(model, tokenizer):
    """The history has an entry for each epoch, and the model scores what its best epoch says."""
    config = TrainConfig(epochs=16, batch_size=8, learning_rate=4e-3, max_length=16)
    history = fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[::3], LABELS[::3]), config)
    assert [entry["epoch"] for entry in history] == list(range(1, 17))
    assert set(history[0]) == {"epoch", "train_loss", "validation_loss", "accuracy", "seconds", "memory_mb"}
    assert history[-1]["train_loss"] < 0.5 < history[0]["train_loss"]
    assert not model.training
    predicted = predict_probabilities(TEXTS[::3], model, tokenizer, max_length=16).argmax(-1)
    assert accuracy_score(LABELS[::3], predicted) == max(entry["accuracy"] for entry in history) > 0.9


@pytest.mark.parametrize(
    ("scores", "best"),
    [([(1, 1), (4, 1), (2, 1)], 2), ([(3, 5), (2, 0.1)], 1), ([(1, 0.7), (1, 0.4), (1, 0.6)], 2), ([(3, 1), (3, 1)], 1)],
    ids=["accuracy", "accuracy before loss", "then loss", "then the earlier"],
)
def test_fit_keeps_the_best_epoch(model, tokenizer, monkeypatch, tmp_path, scores, best):
    """Each made-up epoch writes its number into the head; (2, 0.1) stands for 2 right answers of 4, each given so surely."""
    numbers = iter(range(1, 9))

    def made_up_epoch(model, *_, **__):
        nn.init.constant_(model.classifier.bias, next(numbers))
        yield 0.1, 8

    def made_up_logits(model, *_):
        right, margin = scores[int(model.classifier.bias[0]) - 1]
        labels = torch.tensor([0, 1, 0, 1])
        said = torch.where(torch.arange(4) < right, labels, 1 - labels)
        return float(margin) * nn.functional.one_hot(said).float(), labels

    monkeypatch.setattr(training, "training_steps", made_up_epoch)
    monkeypatch.setattr(training, "collect_logits", made_up_logits)
    config = TrainConfig(epochs=len(scores), max_length=16)
    history = fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:4], LABELS[:4]), config, out=tmp_path)
    assert [entry["accuracy"] for entry in history] == [right / 4 for right, _ in scores]
    assert model.classifier.bias.tolist() == [best, best]
    assert BERTClassifier.from_pretrained(tmp_path)[0].classifier.bias.tolist() == [best, best]


def test_fit_writes_its_folder(model, tokenizer, tmp_path):
    """Model, tokenizer, configuration and one line an epoch: what is needed to read the run again."""
    history = fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:8], LABELS[:8]), CONFIG, out=tmp_path / "runs/first")
    folder = tmp_path / "runs/first"
    assert json.loads((folder / "train_config.json").read_text()) == asdict(CONFIG)
    assert [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()] == history
    again, its_tokenizer = BERTClassifier.from_pretrained(folder)
    expected = predict_probabilities(TEXTS, model, tokenizer, max_length=16)
    assert torch.equal(predict_probabilities(TEXTS, again, its_tokenizer, max_length=16), expected)


def test_the_configuration_of_a_run_can_be_read_again(model, tokenizer, tmp_path):
    """What fit wrote; the defaults where a folder says nothing; one clear error where what it says is broken."""
    config = replace(CONFIG, epochs=1, truncation="tail")
    fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:8], LABELS[:8]), config, out=tmp_path)
    assert trained_config(tmp_path) == config
    assert trained_config(tmp_path / "elsewhere") == TrainConfig()
    for broken in ("{", '{"epochs": 1, "colour": "blue"}', "[]"):
        (tmp_path / "train_config.json").write_text(broken)
        with pytest.raises(ValueError, match=r"train_config.json is damaged"):
            trained_config(tmp_path)


def run(tiny_checkpoint, tokenizer, seed, drawn_before):
    """The weights after one epoch, dropout and order of batches drawn with the seed."""
    torch.manual_seed(0)
    model = BERTClassifier(str(tiny_checkpoint), 2)
    torch.rand(drawn_before)
    config = TrainConfig(epochs=1, batch_size=8, learning_rate=1e-3, max_length=16, seed=seed)
    fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:8], LABELS[:8]), config)
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def test_the_seed_decides_all(tiny_checkpoint, tokenizer):
    """The same seed gives the same weights to the last bit, whatever was drawn before; another seed others."""
    first = run(tiny_checkpoint, tokenizer, 1, drawn_before=0)
    assert torch.equal(run(tiny_checkpoint, tokenizer, 1, drawn_before=3), first)
    assert not torch.equal(run(tiny_checkpoint, tokenizer, 2, drawn_before=0), first)


def test_each_epoch_has_its_own_batches(model, tokenizer, monkeypatch):
    """Which reviews meet changes from epoch to epoch."""
    seen = []

    def note_batches(model, loader, *_, **__):
        seen.append({frozenset(map(tuple, batch["input_ids"].tolist())) for batch in loader})
        yield 0.1, 8

    monkeypatch.setattr(training, "training_steps", note_batches)
    fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:4], LABELS[:4]), CONFIG)
    assert [len(batches) for batches in seen] == [5, 5, 5] and seen[0] != seen[1] != seen[2] != seen[0]


def test_the_schedule_warms_up_and_falls_to_nothing(model, tokenizer, monkeypatch):
    """A tenth of all steps up to the peak, then down in a line to 0."""
    rates = []

    def note_rates(model, loader, optimizer, scheduler, *_, **__):
        for _ in loader:
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
            yield 0.1, 8

    monkeypatch.setattr(training, "training_steps", note_rates)
    fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:4], LABELS[:4]), TrainConfig(4, 8, 1e-3, warmup=0.1, max_length=16))
    assert rates == pytest.approx([0, 5e-4] + [1e-3 * (20 - step) / 18 for step in range(2, 20)])


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 6), (3, 7), (None, 7)])
def test_patience_runs_out(model, tokenizer, monkeypatch, patience, epochs):
    """After so many epochs in a row that were no better than the best; the weights are the best epoch's."""
    losses = iter([0.5, 0.4, 0.6, 0.3, 0.7, 0.8, 0.9])
    scores = lambda *_: {"validation_loss": next(losses), "accuracy": 0.5}  # noqa: E731
    monkeypatch.setattr(training, "validation_scores", scores)
    config = replace(CONFIG, epochs=7, patience=patience)
    assert len(fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:4], LABELS[:4]), config)) == epochs


def test_a_loss_that_is_no_number_names_the_reviews(model, tokenizer):
    """Those of its batch, by their place in the training data."""
    with torch.no_grad():
        model.classifier.bias[0] = math.nan
    batch = training_loader(TextClassificationDataset(TEXTS, LABELS, tokenizer, 16), 8, CONFIG.seed).batch_sampler
    batch.set_epoch(1)
    with pytest.raises(
        ValueError, match=re.escape(f"the loss is nan at batch 0, which holds the reviews {batch.batches()[0]}")
    ):
        fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:4], LABELS[:4]), CONFIG)


def test_idle_memory_is_given_back_before_each_epoch(model, tokenizer, monkeypatch):
    calls = []
    monkeypatch.setattr(training, "give_back_memory", lambda: calls.append("give back"))
    fit(
        model,
        tokenizer,
        (TEXTS, LABELS),
        (TEXTS[:4], LABELS[:4]),
        CONFIG,
        watch=lambda entry: calls.append("train_loss" in entry),
    )
    assert [calls[at + 1] for at, call in enumerate(calls) if call == "give back"] == [False] * CONFIG.epochs
    assert calls.count(True) == CONFIG.epochs


def test_a_watcher_is_told_of_every_step_and_epoch(model, tokenizer):
    """As it happens: five steps, then what came of them, three times."""
    told = []
    history = fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:4], LABELS[:4]), CONFIG, watch=told.append)
    assert ["accuracy" in entry for entry in told] == ([False] * 5 + [True]) * 3
    assert told[5::6] == history and [entry["batch"] for entry in told[:5]] == [1, 2, 3, 4, 5]
    assert history[0]["train_loss"] == pytest.approx(sum(entry["loss"] for entry in told[:5]) / 5)


def test_one_class_teaches_nothing(model, tokenizer):
    """The error says which."""
    with pytest.raises(ValueError, match="all 8 training reviews have the label 1: nothing to tell apart"):
        fit(model, tokenizer, (TEXTS[:8], [1] * 8), (TEXTS, LABELS), CONFIG)


@pytest.mark.parametrize(
    ("train_labels", "held_labels", "said"),
    [
        ([1, 2] * 4, [0, 1], "labels of a model with 2 classes are 0 to 1; got 2"),
        ([0, 1] * 4, [0, -100], "labels of a model with 2 classes are 0 to 1; got -100"),
        ([0, 1] * 4, [], "no review to validate on"),
    ],
)
def test_labels_that_do_not_fit_are_told_before_it_begins(model, tokenizer, train_labels, held_labels, said):
    with pytest.raises(ValueError, match=said):
        fit(model, tokenizer, (TEXTS[:8], train_labels), (TEXTS[: len(held_labels)], held_labels), CONFIG)


def test_fit_with_more_tokens_than_positions(model, tokenizer):
    """The error names the model's limit."""
    with pytest.raises(ValueError, match="this model has 48 positions; got 256"):
        fit(model, tokenizer, (TEXTS, LABELS), (TEXTS, LABELS))


BAD_VALUES = [
    ("epochs", 0),
    ("epochs", -1),
    ("batch_size", 0),
    ("learning_rate", -1.0),
    ("precision", "fp8"),
    ("truncation", "rest"),
]
BAD_VALUES += [("patience", 0), ("micro_batch_size", 0)]


@pytest.mark.parametrize(("name", "value"), BAD_VALUES)
def test_a_configuration_that_cannot_be_run(model, tokenizer, name, value, tmp_path):
    """One clear error that names the value, before anything is written."""
    config = TrainConfig(**{**asdict(CONFIG), name: value})
    with pytest.raises(ValueError, match=str(value)):
        fit(model, tokenizer, (TEXTS, LABELS), (TEXTS, LABELS), config, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


# ---- frozen ----


def test_a_frozen_encoder_stays_and_the_new_layer_learns(model, tokenizer):
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    config = TrainConfig(epochs=1, batch_size=8, max_length=16, learning_rate=0.01, frozen=True)
    fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:8], LABELS[:8]), config)
    moved = {name for name, weight in model.named_parameters() if not torch.equal(weight, before[name])}
    assert moved == {"classifier.weight", "classifier.bias"}


def test_a_frozen_run_is_taken_up_again(tiny_checkpoint, tokenizer, tmp_path):
    """Its checkpoint holds no optimizer state of the encoder, and needs none."""
    config, ends = TrainConfig(epochs=2, batch_size=8, max_length=16, learning_rate=0.01, frozen=True), []
    for stop in (None, 3):
        out = tmp_path / str(stop)

        def interrupt(line, at=stop):
            if line.get("batch") == at:
                raise KeyboardInterrupt

        for resume in (False, True):
            torch.manual_seed(0)
            model = BERTClassifier(str(tiny_checkpoint), 2)
            with suppress(KeyboardInterrupt):
                watch = interrupt if stop and not resume else None
                fit(
                    model,
                    tokenizer,
                    (TEXTS, LABELS),
                    (TEXTS[:8], LABELS[:8]),
                    config,
                    out=out,
                    save_every=0,
                    resume=resume,
                    watch=watch,
                )
        ends.append(model.classifier.weight)
    assert torch.equal(*ends)


# ---- compiled ----


@pytest.mark.skipif(not any(map(shutil.which, ("g++", "c++", "clang++", "cl"))), reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch's own, on the first import of its compiler
def test_compiled_it_learns_the_same(tiny_checkpoint, tokenizer):
    """torch.compile changes the time, not the curve: without dropout, the same losses up to rounding."""
    curves = []
    for compiled in (False, True):
        torch.manual_seed(0)
        model, losses = still(BERTClassifier(str(tiny_checkpoint), 2)), []
        config = TrainConfig(epochs=1, batch_size=8, max_length=16, learning_rate=1e-3, compiled=compiled)
        fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:8], LABELS[:8]), config, watch=losses.append)
        assert bool(model.bert._compiled_call_impl) == compiled
        curves.append([line["loss"] for line in losses if "loss" in line])
    assert len(curves[0]) == len(TEXTS) // 8 and curves[1] == pytest.approx(curves[0], abs=1e-4)
