"""The proof of page 10's checks; and the learner's functions together fine-tune mini."""

import re

from proof import Proof

from bertnotes.exercises.page10 import EXERCISES
from bertnotes.files import PACKAGE

SOURCE = PACKAGE.parent / "notebooks" / "src" / "10_fine_tuning.py"
IMPORTS = "import torch\nfrom torch.nn.functional import cross_entropy, layer_norm\n"
TEXT = SOURCE.read_text(encoding="utf-8")
PARTS = re.sub(r"# %%.*", "", re.search(r"def lent_linear\(.*?(?=\n# %% [^\n]*\ntry:)", TEXT, re.DOTALL)[0])
LENT = re.search(r"\n    def encoder\(.*?        return hidden\n", TEXT, re.DOTALL)[0]
ENCODER = PARTS + re.sub(r"^    ", "", LENT, flags=re.MULTILINE)  # what the page lends

CUT = """if len(ids) <= max_length:
    return ids
room = max_length - 2
head = room // 4
return torch.cat([ids[: 1 + head], ids[len(ids) - 1 - (room - head) :]])"""
BATCH = """width = max(len(row) for row in rows)
ids, mask = torch.zeros(2, len(rows), width, dtype=torch.long)
for number, row in enumerate(rows):
    ids[number, : len(row)] = row[:width]
    mask[number, : len(row)] = 1
return {"input_ids": ids, "attention_mask": mask, "label": labels}"""
CLASSIFY = """hidden = encoder(input_ids, attention_mask, weights)
vector = (hidden[:, 0] @ weights["pooler.weight"].T + weights["pooler.bias"]).tanh()
return vector @ weights["classifier.weight"].T + weights["classifier.bias"]"""
STEP = """tables = {name: table.clone().requires_grad_() for name, table in weights.items() if name != "num_heads"}
loss = cross_entropy(classify(batch["input_ids"], batch["attention_mask"], weights | tables), batch["label"])
loss.backward()
return loss.detach(), {name: (table - rate * table.grad).detach() for name, table in tables.items()}"""
RIGHT_ONES = "right = [(a.argmax(-1) == b).double() for a, b in zip(logits, labels)]\n"
TUNE = """weight = torch.zeros(2, features.shape[1], requires_grad=True)
batches = len(features) // 4
for step in range(epochs * batches):
    rows = slice(4 * (step % batches), 4 * (step % batches) + 4)
    loss = cross_entropy(features[rows] @ weight.T, labels[rows])
    weight.grad = None
    loss.backward()
    with torch.no_grad():
        weight -= rate * max(0, 1 - step / (epochs * batches)) * weight.grad
return weight.detach()"""
TWICE = TUNE.replace("features[rows] @ weight.T,", "(features[rows] @ weight.T).softmax(-1),")

WRONG = {
    "truncate": {
        "return ids[:max_length]": "`[SEP]` is cut off",
        CUT.replace("room // 4", "room"): "head alone",
        CUT.replace("room // 4", "0"): "tail alone",
        CUT.replace("room // 4", "room // 2"): "half of the room",
        CUT.replace("room // 4", "room - room // 4"): "traded places",
        CUT.replace("max_length - 2", "max_length"): "two tokens too long",
        "return ids": "Nothing is cut",
    },
    "make_batch": {
        BATCH.replace("mask[number, : len(row)]", "mask[number]"): "1 everywhere",
        BATCH.replace('"attention_mask": mask', '"attention_mask": 1 - mask'): "inverted",
        BATCH.replace(", : len(row)]", ", width - len(row) :]"): "on the left",
        BATCH.replace("max(", "min("): "*shortest*",
        BATCH.replace("width = max(len(row) for row in rows)", "width = 512"): "padded to 512",
        "return {'input_ids': torch.stack(rows), 'attention_mask': 0, 'label': labels}": "fill them up first",
        BATCH.replace(', "label": labels', ""): "Missing: `label`",
    },
    "bucketed": {
        "return lengths.sort().values.split(batch_size)": "These are the lengths",
        "return torch.arange(len(lengths)).split(batch_size)": "as they came",
        "return [one[lengths[one].argsort()] for one in torch.arange(len(lengths)).split(batch_size)]": "inside each batch",
        "return lengths.argsort(descending=True).split(batch_size)": "longest come first",
        "return [one for one in lengths.argsort().split(batch_size) if len(one) == batch_size]": "last batch is missing",
        "return lengths.argsort()": "one row of all reviews",
        "return lengths.argsort().argsort().split(batch_size)": "twice gives ranks",
    },
    "classify": {
        CLASSIFY.replace(
            '(hidden[:, 0] @ weights["pooler.weight"].T + weights["pooler.bias"]).tanh()', "hidden[:, 0]"
        ): "pooler is",
        CLASSIFY.replace(
            '(hidden[:, 0] @ weights["pooler.weight"].T + weights["pooler.bias"])', "hidden[:, 0]"
        ): "matrix is missing",
        CLASSIFY.replace(".tanh()", ""): "`tanh` is missing",
        CLASSIFY.replace("hidden[:, 0]", "hidden.mean(dim=1)"): "averaged over all positions",
        CLASSIFY.replace("hidden[:, 0]", "hidden[:, -1]"): "last position",
        CLASSIFY.replace("attention_mask, weights", "torch.ones_like(input_ids), weights"): "mask is not used",
        CLASSIFY.replace("return ", "return (") + ").softmax(-1)": "These are probabilities",
    },
    "accuracy": {
        RIGHT_ONES + "return torch.stack([one.mean() for one in right]).mean()": "accuracies of the *batches*",
        RIGHT_ONES + "return right[-1].mean()": "last batch alone",
        RIGHT_ONES + "return torch.cat(right).sum()": "You counted",
        RIGHT_ONES + "return 1 - torch.cat(right).mean()": "share of *wrong*",
        RIGHT_ONES + "return torch.cat(right).sum() / len(right)": "number of batches",
        RIGHT_ONES + "return torch.cat(right)": "review by review",
        "return (torch.cat(logits).argmax(-1) == torch.cat(labels)).mean()": "no mean",
    },
    "train_step": {
        STEP.replace("table - rate", "table + rate"): "uphill",
        STEP.replace(
            "table - rate * table.grad", "table - rate * table.grad * name.startswith('classifier')"
        ): "Only the classifier",
        STEP.replace('["label"])', '["label"], reduction="sum")'): "sum of the losses",
        STEP.replace("rate * ", ""): "learning rate is missing",
        STEP.replace(" - rate * table.grad", ""): "no step was taken",
        STEP.replace("(table - rate * table.grad).detach()", "table.grad"): "These are the gradients",
        STEP.replace("loss.detach(), ", ""): "Return two things",
        STEP.replace(".requires_grad_()", ""): "*before* the model runs",
    },
    "fine_tune": {
        TWICE.replace("(epochs * batches)) *", "epochs) *"): "Both bugs",
        TWICE: "still applied twice",
        TUNE.replace("(epochs * batches)) *", "epochs) *"): "counts *steps*",
        TUNE.replace("max(0, 1 - step / (epochs * batches)) * ", ""): "never falls",
        TUNE.replace("    weight.grad = None\n", ""): "add up from step to step",
        TUNE.replace("loss.backward()", "(-loss).backward()"): "uphill",
    },
}
RIGHT = {
    "truncate": [
        CUT,
        "if len(ids) <= max_length:\n    return ids\nhead = (max_length - 2) // 4\n"
        "inside = ids[1:-1]\ntail = inside[len(inside) - (max_length - 2 - head):]\n"
        "return torch.cat([ids[:1], inside[:head], tail, ids[-1:]])",
    ],
    "make_batch": [
        BATCH,
        "ids = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)\n"
        "return {'input_ids': ids, 'attention_mask': (ids != 0).long(), 'label': labels}",
    ],
    "bucketed": [
        "order = sorted(range(len(lengths)), key=lambda at: int(lengths[at]))\n"
        "return [torch.tensor(order[at : at + batch_size]) for at in range(0, len(order), batch_size)]",
    ],
    "classify": [
        CLASSIFY,
        "from torch.nn.functional import linear\nfirst = encoder(input_ids, attention_mask, weights)[:, 0]\n"
        "pooled = torch.tanh(linear(first, weights['pooler.weight'], weights['pooler.bias']))\n"
        "return linear(pooled, weights['classifier.weight'], weights['classifier.bias'])",
    ],
    "accuracy": [
        RIGHT_ONES + "return torch.cat(right).mean()",
        RIGHT_ONES + "return sum(one.sum() for one in right) / sum(map(len, labels))",
    ],
    "train_step": [
        STEP,
        "tables = {n: t.detach().clone().requires_grad_() for n, t in weights.items() if n != 'num_heads'}\n"
        "loss = cross_entropy(classify(batch['input_ids'], batch['attention_mask'], {**weights, **tables}), batch['label'])\n"
        "found = torch.autograd.grad(loss, [*tables.values()])\n"
        "return loss.detach(), {n: t.detach() - rate * g for (n, t), g in zip(tables.items(), found)}",
    ],
    "fine_tune": [
        TUNE,
        TUNE.replace(
            "    weight.grad = None\n    loss.backward()\n", "    (slope,) = torch.autograd.grad(loss, weight)\n"
        ).replace("weight.grad", "slope"),
    ],
}
CLASSIFIER = "def classify(input_ids, attention_mask, weights):\n" + "".join(f"    {line}\n" for line in CLASSIFY.split("\n"))
BEFORE = {"": IMPORTS + ENCODER, "train_step": CLASSIFIER}


class TestPage10(Proof):
    page, exercises, wrong, right, before = "page10", EXERCISES, WRONG, RIGHT, BEFORE


def test_the_solutions_fine_tune_mini(notebook, capsys):
    """As the exercise of the step says: the loss of eight reviews falls."""
    notebook.run(IMPORTS + ENCODER)
    for text in TestPage10.texts().values():
        notebook.run(text["solution"])
    notebook.run("from bertnotes.exercises.page10 import with_mini\nwith_mini(make_batch, classify, train_step)")
    losses = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines() if line.startswith("step")]
    assert len(losses) == 12 and 0.6 < losses[0] < 0.8 and losses[-1] < losses[0] - 0.02
