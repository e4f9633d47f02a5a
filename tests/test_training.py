"""The training loop: it learns, it scores as scikit-learn does, it keeps the best epoch, and its seed decides all."""

import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import accuracy_score, classification_report, f1_score
from sklearn.utils.class_weight import compute_class_weight
from torch import nn
from torch.utils.data import DataLoader
from toy import LABELS, TEXTS

from bertnotes import training
from bertnotes.batching import TextClassificationDataset, evaluation_loader, training_loader
from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.models import load_tokenizer
from bertnotes.training import (
    Callback,
    TrainConfig,
    backward,
    balanced_weights,
    collect_logits,
    evaluate,
    features_of,
    fit,
    macro_f1,
    optimizer_and_schedule,
    report,
    train,
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


def test_the_report_ends_with_the_majority_class():
    """Under the accuracies, in their columns, with two digits like theirs."""
    text = report([1, 1, 1, 0], [1, 0, 1, 0], ("negative", "positive"))
    lines = text.splitlines()
    assert lines[-1].split() == ["majority", "class", "0.75", "4"] and text.endswith("\n")
    assert len(lines[-1]) == len(lines[-2]) and lines[-1].index("0.75") == lines[-2].rindex("0.")
    assert lines[2].split()[0] == "negative" and lines[3].split()[0] == "positive"


def test_a_report_names_each_class():
    """Also one that does not occur."""
    lines = report([0, 1, 0], [0, 1, 1], ("bad", "fine", "great")).splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["bad", "fine", "great"] and lines[4].split()[-1] == "0"


@pytest.mark.parametrize(("labels", "said"), [([0, 1, 1], [1, 1, 1]), ([1, 1, 1], [1, 0, 1]), ([1, 1], [1, 1])])
def test_a_class_that_is_never_named_or_never_there(labels, said, capfd):
    """No warning (here each would be an error), and its row is in the report all the same."""
    accuracy, text = evaluate(Echo(said), loader_of(labels), "cpu")
    assert accuracy == accuracy_score(labels, said) and "negative" in text and "positive" in text
    assert capfd.readouterr() == ("", "")


def test_report_of_more_classes():
    """As transformers calls those that have no names."""
    text = evaluate(Echo([0, 2, 2, 1], 3), loader_of([0, 1, 2, 2]), "cpu")[1]
    assert [line.split()[0] for line in text.splitlines() if line.strip()][1:4] == ["LABEL_0", "LABEL_1", "LABEL_2"]


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


def test_macro_f1_by_hand():
    """0 is found twice of three and never named wrongly: 4/5; 1 once of one, named twice: 2/3; 2 never named: 0."""
    labels, said = [0, 0, 0, 1, 2], [0, 0, 1, 1, 0]
    assert macro_f1(labels, [0, 0, 1, 1, 1]) == pytest.approx((4 / 5 + 1 / 2 + 0) / 3)
    assert macro_f1(labels, said) == pytest.approx((4 / 6 + 2 / 3 + 0) / 3) == f1_score(labels, said, average="macro")


def test_macro_f1_stands_in_the_report_of_classes_that_all_occur():
    labels, said = [0, 0, 0, 1, 2], [0, 0, 1, 1, 0]
    (line,) = [line for line in report(labels, said, ("bad", "fine", "great")).splitlines() if "macro avg" in line]
    assert line.split()[-2] == f"{macro_f1(labels, said):.2f}"


def test_a_class_that_is_neither_there_nor_named_is_no_part_of_macro_f1():
    """Nothing can be said of class 2; class 3, wrongly named, counts as 0."""
    assert macro_f1([0, 1, 1], [0, 1, 3]) == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert macro_f1(torch.tensor([0, 1]), torch.tensor([0, 1])) == 1.0


# ---- weights of classes ----


def test_balanced_weights_by_hand():
    """Six reviews of three classes: 6 / (3 * 3), 6 / (3 * 2), 6 / (3 * 1); one class of four has none, and weighs 1."""
    labels = [0, 0, 0, 1, 1, 3]
    assert balanced_weights(labels, 4).tolist() == pytest.approx([2 / 3, 1, 1, 2])
    expected = compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=labels)
    assert balanced_weights(labels, 4)[[0, 1, 3]].tolist() == pytest.approx(expected.tolist())


def test_weighted_loss_by_hand(model, dataset):
    """Each review's surprise counts for the weight of its class, and the mean is over the weights; torch says the same, and
    its gradient is ours."""
    weights, batch = torch.tensor([0.25, 3.0]), next(iter(DataLoader(dataset, batch_size=7)))
    model.eval()
    loss = backward(model, batch, "cpu", weights=weights)
    found = [weight.grad.clone() for weight in model.parameters()]
    model.zero_grad()
    logits = model(batch["input_ids"], batch["attention_mask"])
    surprise, each = -logits.log_softmax(-1)[range(7), batch["label"]], weights[batch["label"]]
    by_hand = (surprise * each).sum() / each.sum()
    by_hand.backward()
    assert loss == pytest.approx(by_hand.item(), abs=1e-6)
    assert loss == pytest.approx(nn.CrossEntropyLoss(weights)(logits, batch["label"]).item(), abs=1e-6)
    assert all(torch.allclose(one, weight.grad, atol=1e-5) for one, weight in zip(found, model.parameters(), strict=True))
    assert loss != pytest.approx(surprise.mean().item(), abs=1e-2)


RARE = [0] * 5 + [1] * 3  # of eight reviews, all in one batch


@pytest.mark.parametrize("frozen", [False, True])
def test_fit_weighs_classes_in_training_alone(model, tokenizer, frozen):
    """The training loss is the weighted mean, the validation loss the plain one, and without weights both are plain."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    texts, before = TEXTS[:8], model.state_dict()
    logits = torch.cat([model(**tokenizer(text, return_tensors="pt")) for text in texts]).detach()
    config = TrainConfig(epochs=1, batch_size=8, max_length=16, learning_rate=1e-9, frozen=frozen)
    for choice, weights in (("balanced", torch.tensor([8 / 10, 8 / 6])), (None, None)):
        model.load_state_dict(before)
        (entry,) = fit(model, tokenizer, (texts, RARE), (texts, RARE), replace(config, class_weights=choice))
        expected = nn.functional.cross_entropy(logits, torch.tensor(RARE), weights).item()
        assert entry["train_loss"] == pytest.approx(expected, abs=1e-5)
        assert entry["validation_loss"] == pytest.approx(
            nn.functional.cross_entropy(logits, torch.tensor(RARE)).item(), abs=1e-5
        )


# ---- windows ----

LONG = "bad dull film , " * 9 + "great , wonderful best cast !"


def test_logits_of_windows_are_averaged_by_text(model, tokenizer):
    """By hand, whatever batches the windows are in; each text once, with its label, where its first window stands."""
    texts, labels = ["a film", LONG, "dull", LONG + LONG], [0, 1, 0, 1]
    dataset = TextClassificationDataset(texts, labels, tokenizer, 14, "windows")
    model.eval()
    with torch.no_grad():
        each = [model(torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.long))[0] for ids in dataset.ids]
    rows = [[logits for logits, text in zip(each, dataset.text_of, strict=True) if text == number] for number in range(4)]
    assert [len(some) for some in rows] == [1, 6, 1, 13]
    by_hand = torch.stack([torch.stack(some).mean(dim=0) for some in rows])
    for size in (1, 3, 32):
        found, its_labels = collect_logits(model, DataLoader(dataset, batch_size=size), "cpu")
        assert torch.allclose(found, by_hand, atol=1e-5) and its_labels.tolist() == labels
        found, its_labels = collect_logits(model, evaluation_loader(dataset, size), "cpu")
        assert torch.allclose(found, by_hand[[1, 3, 0, 2]], atol=1e-5) and its_labels.tolist() == [1, 1, 0, 0]
    assert (
        evaluate(model, evaluation_loader(dataset, 3), "cpu")[0] == (by_hand.argmax(-1) == torch.tensor(labels)).float().mean()
    )


@pytest.mark.parametrize("frozen", [False, True])
def test_fit_trains_on_windows_and_judges_texts(model, tokenizer, frozen):
    """Nine windows with the label of their text each, all in one batch; three texts to judge by."""
    told, data = Told(), (["a film", LONG, "dull", LONG[:60]], [0, 1, 0, 1])
    config = replace(CONFIG, epochs=1, batch_size=64, max_length=14, truncation="windows", frozen=frozen)
    count = len(TextClassificationDataset(*data, tokenizer, 14, "windows"))
    seen = []

    def note(model, batch, *rest):
        seen.append(batch["label"].sum().item())
        return backward(model, batch, *rest)

    held = (["a film", LONG, LONG + LONG], [0, 1, 1])
    (entry,) = fit(model, tokenizer, data, held, config, callbacks=[told], backward=note)
    assert [one[1] for one in told.seen if isinstance(one, tuple)] == [count] and seen == [count - 2] and count > 7
    loader = evaluation_loader(TextClassificationDataset(*held, tokenizer, 14, "windows"), 32)
    logits, labels = collect_logits(model, loader, "cpu")
    assert len(labels) == 3 and model.truncation == "windows"
    assert entry["validation_loss"] == pytest.approx(nn.functional.cross_entropy(logits, labels).item(), abs=1e-5)
    assert entry["accuracy"] == accuracy_score(labels, logits.argmax(-1))


@pytest.mark.parametrize("frozen", [False, True])
def test_weights_count_windows(model, tokenizer, frozen):
    """The loss is over these: a class with long texts has more of them."""
    seen, data = [], (["a film", LONG, "dull"], [0, 1, 0])

    def note(model, batch, *rest, weights):
        seen.append(weights.tolist())
        return backward(model, batch, *rest, weights=weights)

    config = replace(CONFIG, epochs=1, max_length=14, truncation="windows", class_weights="balanced", frozen=frozen)
    fit(model, tokenizer, data, data, config, backward=note)
    assert seen[0] == pytest.approx([8 / 4, 8 / 12])  # two windows of class 0, six of class 1


def test_where_all_fits_windows_learn_what_heads_do(tiny_checkpoint, tokenizer):
    """To the last bit."""
    found = []
    for truncation in ("head", "windows"):
        torch.manual_seed(0)
        model = BERTClassifier(str(tiny_checkpoint), 2)
        history = fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:8], LABELS[:8]), replace(CONFIG, truncation=truncation))
        scores = [(entry["train_loss"], entry["validation_loss"]) for entry in history]
        found.append((scores, predict_probabilities(TEXTS, model, tokenizer)))
    assert found[0][0] == found[1][0] and torch.equal(found[0][1], found[1][1])


# ---- several epochs ----


class Told(Callback):
    """Notes all that a callback is told."""

    def __init__(self):
        self.seen = []

    def begin(self, run):
        self.seen.append(run)

    def step(self, loss, count):
        self.seen.append((loss, count))

    def epoch(self, entry):
        self.seen.append(entry)


@pytest.mark.parametrize(
    ("scores", "best"),
    [([(1, 1), (4, 1), (2, 1)], 2), ([(3, 5), (2, 0.1)], 1), ([(1, 0.7), (1, 0.4), (1, 0.6)], 2), ([(3, 1), (3, 1)], 1)],
    ids=["accuracy", "accuracy before loss", "then loss", "then the earlier"],
)
def test_fit_keeps_the_best_epoch(model, tokenizer, scores, best):
    """Each made-up epoch writes its number into the head; (2, 0.1) stands for 2 right answers of 4, each given so surely."""
    numbers = []

    class MadeUp(Callback):
        def step(self, loss, count):
            nn.init.constant_(model.classifier.bias, len(numbers) + 1)

        def epoch(self, entry):
            numbers.append(entry["epoch"])

    def made_up_logits(model, *_):
        right, margin = scores[int(model.classifier.bias[0]) - 1]
        labels = torch.tensor([0, 1, 0, 1])
        said = torch.where(torch.arange(4) < right, labels, 1 - labels)
        return float(margin) * nn.functional.one_hot(said).float(), labels

    config = TrainConfig(epochs=len(scores), batch_size=40, max_length=16)
    told = {"callbacks": [MadeUp()], "collect": made_up_logits}
    history = fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:4], LABELS[:4]), config, **told)
    assert [entry["accuracy"] for entry in history] == [right / 4 for right, _ in scores]
    assert model.classifier.bias.tolist() == [best, best] and not model.training


@pytest.mark.parametrize(("class_weights", "best"), [(None, 1), ("balanced", 2)])
def test_with_class_weights_the_epoch_with_the_best_macro_f1_is_kept(model, tokenizer, class_weights, best):
    """Naming the commonest class alone is right 3 times of 4; finding the rare one costs accuracy and raises macro-F1."""
    said = [torch.tensor([0, 0, 0, 0]), torch.tensor([0, 1, 1, 1])]  # accuracy 0.75 and 0.5, macro-F1 0.43 and 0.5
    epochs = []

    class MadeUp(Callback):
        def step(self, loss, count):
            nn.init.constant_(model.classifier.bias, len(epochs) + 1)

        def epoch(self, entry):
            epochs.append(entry)

    def made_up_logits(model, *_):
        return nn.functional.one_hot(said[int(model.classifier.bias[0]) - 1], 2).float(), torch.tensor([0, 0, 0, 1])

    config = TrainConfig(epochs=2, batch_size=40, max_length=16, class_weights=class_weights)
    told = {"callbacks": [MadeUp()], "collect": made_up_logits}
    fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:4], LABELS[:4]), config, **told)
    assert [entry["accuracy"] for entry in epochs] == [0.75, 0.5] and epochs[0]["macro_f1"] < epochs[1]["macro_f1"]
    assert model.classifier.bias.tolist() == [best, best]


def test_each_epoch_has_its_own_batches(model, tokenizer):
    """Which reviews meet changes from epoch to epoch."""
    seen = []

    def note(model, batch, device, precision):
        seen.append(frozenset(map(tuple, batch["input_ids"].tolist())))
        return backward(model, batch, device, precision)

    fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:4], LABELS[:4]), CONFIG, backward=note)
    epochs = [set(seen[at : at + 5]) for at in (0, 5, 10)]
    assert len(seen) == 15 and epochs[0] != epochs[1] != epochs[2] != epochs[0]


def test_the_schedule_warms_up_and_falls_to_nothing(model, tokenizer):
    """A tenth of all steps up to the peak, then down in a line to 0."""
    rates, told = [], Told()

    def note(model, batch, device, precision):
        rates.append(told.seen[0].optimizer.param_groups[0]["lr"])
        return backward(model, batch, device, precision)

    config = TrainConfig(4, 8, 1e-3, warmup=0.1, max_length=16)
    fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:4], LABELS[:4]), config, callbacks=[told], backward=note)
    assert rates == pytest.approx([0, 5e-4] + [1e-3 * (20 - step) / 18 for step in range(2, 20)])


def test_only_matrices_decay(model):
    """Biases and LayerNorm keep theirs, as in BERT's recipe: with no gradient a step shrinks the others alone."""
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(1.0)
            weight.grad = torch.zeros_like(weight)
    optimizer, scheduler = optimizer_and_schedule(model, replace(CONFIG, weight_decay=0.5, warmup=0.1), steps=20)
    for _ in range(2):  # at the first the rate is 0
        optimizer.step()
        scheduler.step()
    for name, weight in model.named_parameters():
        kept = name.endswith("bias") or "LayerNorm" in name
        assert weight.unique().tolist() == pytest.approx([1.0 if kept else 1 - 0.5 * CONFIG.learning_rate / 2]), name


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 6), (3, 7), (None, 7)])
def test_patience_runs_out(model, tokenizer, patience, epochs):
    """After so many epochs in a row that were no better than the best; the weights are the best epoch's."""
    losses = iter([0.5, 0.4, 0.6, 0.3, 0.7, 0.8, 0.9])

    def logits_of_loss(*_):
        margin = -math.log(math.expm1(next(losses)))  # of the right class: a wrong or right answer each, this loss
        return torch.tensor([[margin, 0.0], [margin, 0.0]]), torch.tensor([0, 0])

    config = replace(CONFIG, epochs=7, patience=patience)
    data = (TEXTS, LABELS), (TEXTS[:4], LABELS[:4])
    history = fit(model, tokenizer, *data, config, collect=logits_of_loss)
    assert len(history) == epochs


def test_fit_learns_and_leaves_the_model_ready(model, tokenizer):
    """The history has an entry for each epoch, and the model scores what its best epoch says."""
    config = TrainConfig(epochs=16, batch_size=8, learning_rate=4e-3, max_length=16)
    history = fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[::3], LABELS[::3]), config)
    assert [entry["epoch"] for entry in history] == list(range(1, 17))
    assert set(history[0]) == {"epoch", "train_loss", "validation_loss", "accuracy", "macro_f1", "seconds"}
    assert history[-1]["train_loss"] < 0.5 < history[0]["train_loss"]
    assert not model.training
    predicted = predict_probabilities(TEXTS[::3], model, tokenizer, max_length=16).argmax(-1)
    assert accuracy_score(LABELS[::3], predicted) == max(entry["accuracy"] for entry in history) > 0.9


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
    told = Told()
    monkeypatch.setattr(training, "give_back_memory", lambda: told.seen.append("give back"))
    fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:4], LABELS[:4]), CONFIG, callbacks=[told])
    kinds = [one if one == "give back" else type(one).__name__ for one in told.seen]
    assert kinds == ["Run", *(["give back"] + ["tuple"] * 5 + ["dict"]) * CONFIG.epochs]


def test_a_callback_is_told_of_every_step_and_epoch(model, tokenizer):
    """As it happens: five steps, then what came of them, three times; what it adds to an entry stays there."""
    told = Told()
    told.epoch = lambda entry: told.seen.append(entry) or entry.update(more="added")
    history = fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:4], LABELS[:4]), CONFIG, callbacks=[told])
    assert told.seen[6::6] == history and {count for _, count in told.seen[1:6]} == {8}
    assert history[0]["train_loss"] == pytest.approx(sum(loss for loss, _ in told.seen[1:6]) / 5)
    assert {entry["more"] for entry in history} == {"added"}


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


def test_fit_takes_what_pandas_numpy_and_torch_give(tiny_checkpoint, tokenizer):
    """A column whose index is shuffled, an array, a tensor: the weights are those that lists give."""
    texts, labels = pd.Series(TEXTS[:8], index=range(8, 0, -1)), pd.Series(LABELS[:8], index=range(8, 0, -1))
    found = []
    for data in (
        (TEXTS[:8], LABELS[:8]),
        (texts, labels),
        (texts.to_numpy(), labels.to_numpy()),
        (tuple(texts), torch.tensor(LABELS[:8])),
    ):
        torch.manual_seed(0)
        model = BERTClassifier(str(tiny_checkpoint), 2)
        fit(model, tokenizer, data, data, TrainConfig(epochs=1, max_length=8))
        found.append(model.classifier.weight.detach())
    assert all(torch.equal(weight, found[0]) for weight in found)


@pytest.mark.parametrize("side", [0, 1])
def test_fit_refuses_what_is_no_text_or_label(model, tokenizer, side):
    good = TEXTS[:4], LABELS[:4]
    for bad, said in (((TEXTS[0], [0]), "texts come in a list"), ((TEXTS[:2], [0, 0.5]), "label 1 is 0.5; a label is a whole")):
        with pytest.raises(ValueError, match=said):
            fit(model, tokenizer, *((bad, good) if side == 0 else (good, bad)), CONFIG)


def test_fit_with_more_tokens_than_positions(model, tokenizer):
    """The error names the model's limit."""
    with pytest.raises(ValueError, match="this model has 48 positions; got 256"):
        fit(model, tokenizer, (TEXTS, LABELS), (TEXTS, LABELS))


BAD_VALUES = [
    ("epochs", 0),
    ("epochs", -1),
    ("batch_size", 0),
    ("learning_rate", -1.0),
    ("learning_rate", math.nan),
    ("precision", "fp8"),
    ("truncation", "rest"),
    ("patience", 0),
    ("head_epochs", 0),
    ("class_weights", "equal"),
]


@pytest.mark.parametrize(("name", "value"), BAD_VALUES)
def test_a_configuration_that_cannot_be_run(model, tokenizer, name, value):
    """One clear error that names the value."""
    with pytest.raises(ValueError, match=str(value)):
        fit(model, tokenizer, (TEXTS, LABELS), (TEXTS, LABELS), replace(CONFIG, **{name: value}))


# ---- frozen ----


def test_a_frozen_encoder_stays_and_the_new_layer_learns(model, tokenizer):
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    config = TrainConfig(epochs=1, batch_size=8, max_length=16, learning_rate=0.01, frozen=True)
    fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:8], LABELS[:8]), config)
    moved = {name for name, weight in model.named_parameters() if not torch.equal(weight, before[name])}
    assert moved == {"classifier.weight", "classifier.bias"}


@pytest.mark.parametrize("lora", [None, 2])
def test_the_new_layer_may_be_trained_first(model, tokenizer, lora):
    """As by a frozen run at 1e-2; then all of the model, or its low-rank changes, begin from that layer."""
    data, before = ((TEXTS, LABELS), (TEXTS[:8], LABELS[:8])), {name: one.clone() for name, one in model.state_dict().items()}
    alone = replace(CONFIG, epochs=4, learning_rate=0.01, frozen=True)
    fit(model, tokenizer, *data, alone)
    head = model.classifier.weight.clone()
    model.load_state_dict(before)
    (entry,) = fit(model, tokenizer, *data, replace(CONFIG, epochs=1, learning_rate=1e-9, head_epochs=4, lora=lora))
    assert entry["epoch"] == 1 and torch.allclose(model.classifier.weight, head, atol=1e-6)
    assert not torch.equal(head, before["classifier.weight"]) and model.bert.training is False


def test_a_frozen_encoder_has_no_dropout_and_reads_each_review_once(model, tokenizer):
    """Whatever the number of epochs; what a user froze stays frozen."""
    reads = []
    model.bert.register_forward_pre_hook(lambda bert, _: reads.append(bert.training))
    weight = model.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    config = TrainConfig(epochs=4, batch_size=8, max_length=16, learning_rate=0.01, frozen=True)
    fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:8], LABELS[:8]), config)
    assert reads == [False] * 3  # 40 reviews to train on and 8 to judge by, 32 at a time
    fit(model, tokenizer, (TEXTS, LABELS), (TEXTS[:8], LABELS[:8]), replace(config, frozen=False, epochs=1))
    assert [name for name, one in model.named_parameters() if not one.requires_grad] == [
        "bert.embeddings.word_embeddings.weight"
    ]
    assert not weight.requires_grad


def test_features_are_those_of_the_encoder(model, dataset):
    """Each with its label; in evaluation mode, and ready for a gradient to pass through what is made of them."""
    items = features_of(model.train(), dataset, "cpu")
    for item, index in zip(items, evaluation_loader(dataset, 32).sampler, strict=True):
        review = dataset[index]
        alone = model.features(review["input_ids"][None], review["attention_mask"][None])[0]
        assert torch.allclose(item["input"], alone, atol=1e-5) and item["label"] == LABELS[index]
    model.head(items[0]["input"]).sum().backward()
