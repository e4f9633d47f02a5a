"""The proof of page 15's checks: a named wrong answer gets its own message, a right one written in another way is right."""

from proof import Proof

from bertnotes.exercises.page15 import EXERCISES

NAMES = {"flat_log": "answer", "good_log": "answer", "service_log": "answer"}
IMPORTS = "import torch\nfrom torch.nn.functional import cross_entropy\n"
BATCH = (
    "losses = []\nfor _ in range(steps):\n    loss, weight = step(weight, inputs, labels)\n    losses.append(loss)\n"
    "return torch.stack(losses)"
)
CORE = "def core(text):\n    return ''.join(a for a in text.lower() if a.isalnum())\n"
COPIES = CORE + "known = {core(text) for text in train}\nreturn torch.tensor([core(text) in known for text in held])"
TWICE = "return (run(seed) - run(seed)).abs().max()"
LOOP = """
weight = torch.zeros(inputs.shape[1], 2, requires_grad=True)
optimizer = torch.optim.SGD([weight], lr=rate)
losses = []
for epoch in range(epochs):
    batches, total = torch.arange(len(labels)).split(4), 0
    for rows in batches:
        loss = cross_entropy(inputs[rows] @ weight, labels[rows])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total += loss.detach() * len(rows)
    losses.append(total / len(labels))
return torch.stack(losses), weight.detach()
"""
ORDER = "        optimizer.step()\n        optimizer.zero_grad()\n"
LABELS, MEAN = ("labels[rows]", "labels[: len(rows)]"), "losses.append(total / len(labels))"


def of_batches(loop):
    """The loop that reports the mean of its batches."""
    return loop.replace("loss.detach() * len(rows)", "loss.detach()").replace("total / len(labels)", "total / len(batches)")


WRONG = {
    "flat_log": {"1": "same rate", "2": "Ten times", "3": "no step would change", "5": "jumps at the next", "6": "lowers the"},
    "good_log": {
        "4": "on purpose",
        "6": "only fresh reviews",
        "1": "falls evenly",
        "8": "from call to call",
        "9": "no usual slip",
    },
    "service_log": {"6": "same way", "7": "three answers", "3": "nothing would have been", "5": "would fall and jump"},
    "one_batch": {
        BATCH.replace("loss, weight =", "loss, _ ="): "first weights again",
        BATCH.replace("torch.stack(losses)", "losses[-1]"): "last loss alone",
        BATCH.replace("torch.stack(losses)", "torch.stack(losses[1:])"): "first loss is missing",
        BATCH.replace("range(steps)", "range(steps + 1)"): "too many",
        BATCH.replace("torch.stack(losses)", "torch.stack(losses).mean()"): "That is the mean",
        BATCH.replace("range(steps)", "range(steps)").replace(
            "step(weight, inputs, labels)", "step(weight, inputs[_ % len(labels)][None], labels[_ % len(labels)][None])"
        ): "sees one review",
    },
    "copies": {
        "return torch.tensor([text in train for text in held])": "equal to the letter",
        COPIES.replace("''.join(a for a in text.lower() if a.isalnum())", "text.lower()"): "Case is taken care of",
        COPIES.replace(
            "''.join(a for a in text.lower() if a.isalnum())", "' '.join(text.lower().split())"
        ): "Punctuation is still",
        COPIES.replace("text.lower()", "text"): "Case is still",
        CORE + "return torch.tensor([core(one) in {core(text) for text in held} for one in train])": "each *training* text",
        COPIES.replace("core(text) in known", "core(text) not in known"): "wrong way round",
        COPIES + ".sum()": "how many",
        COPIES.replace(
            "''.join(a for a in text.lower() if a.isalnum())", "tuple(sorted(a for a in text.lower() if a.isalnum()))"
        ): ("another order"),
    },
    "same_twice": {
        TWICE.replace("run(seed))", "run(seed + 1))"): "different seeds",
        "one = run(seed)\nreturn (one - one).abs().max()": "0 whatever happens",
        "return (run(seed).mean() - run(seed).mean()).abs()": "compare the means",
        TWICE.replace("max()", "mean()"): "mean difference",
        TWICE.replace("max()", "sum()"): "sum of the differences",
        TWICE.replace(".abs()", ""): "negative difference",
        TWICE.replace(".max()", ""): "step by step",
    },
    "mended": {
        LOOP.replace(ORDER, "        optimizer.zero_grad()\n        optimizer.step()\n"): "still all 0",
        of_batches(LOOP.replace(*LABELS)): "Two bugs are left",
        LOOP.replace(*LABELS): "labels of the first one",
        of_batches(LOOP): "reported loss is still wrong",
        LOOP.replace("        optimizer.zero_grad()\n", ""): "add up",
        LOOP.replace("loss.backward()", "(-loss).backward()"): "uphill",
    },
}
RIGHT = {
    "flat_log": ["4", "4.0"],
    "good_log": ["7"],
    "service_log": ["8"],
    "one_batch": [
        BATCH,
        "losses = torch.zeros(steps)\nfor at in range(steps):\n    losses[at], weight = step(weight, inputs, labels)\n"
        "return losses",
    ],
    "copies": [
        COPIES,
        "import re\nknown = [re.sub(r'[^a-z0-9]', '', one.lower()) for one in train]\n"
        "return torch.tensor([re.sub(r'[^a-z0-9]', '', one.lower()) in known for one in held])",
    ],
    "same_twice": [TWICE, "first, second = run(seed), run(seed)\nreturn torch.maximum(first - second, second - first).amax()"],
    "mended": [
        LOOP,
        LOOP.replace(ORDER, "        optimizer.step()\n").replace(
            "        loss = cross", "        optimizer.zero_grad()\n        loss = cross"
        ),
    ],
}


class TestPage15(Proof):
    page, exercises, names, wrong, right, before = "page15", EXERCISES, NAMES, WRONG, RIGHT, {"": IMPORTS}
