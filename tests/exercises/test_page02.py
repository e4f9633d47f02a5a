"""The proof of page 02's checks: a named wrong answer gets its own message, a right one written in another way is right."""

from typing import ClassVar

from proof import Proof

from bertnotes import exercises
from bertnotes.exercises.page02 import EXERCISES

NAMES = {"cross_weights": "answer", "one_step": "answer", "surprise": "answer"}
ATTENTION = exercises.texts()["cross_attention"]["stub"].partition("\n\n\ndef cross_attention")[0]
QUERY, KEY, VALUE = "asking @ W_Q", "asked @ W_K", "asked @ W_V"
LOOP = "w = start.clone().requires_grad_()\nfor _ in range(steps):\n    loss = ((w - target) ** 2).sum()\n"
STEP = "    loss.backward()\n    with torch.no_grad():\n        w -= rate * w.grad\nreturn w.detach()"
FORGET = "    w.grad = None\n"
SWAYED = (
    "before = translator(digits, said)[0].softmax(dim=-1)\ncolumns = []\nfor at in range(digits.shape[1]):\n"
    "    other = digits.clone()\n    other[:, at] = new\n    after = translator(other, said)[0].softmax(dim=-1)\n"
    "    columns.append((after - before).abs().amax(dim=-1)[0])\nreturn torch.stack(columns, dim=-1)"
)
GO = "torch.full_like(words[:, :1], go)"


def attending(query=QUERY, key=KEY, value=VALUE, mask=", mask"):
    """A call of page 01's attention."""
    return f"return attention({query}, {key}, {value}{mask})"


WRONG = {
    "cross_weights": {
        "768": "self-attention of the original",
        "300": "self-attention of the translation",
        "2028": "all 13 words",
        "40": "one head and one pair",
        "120": "one head for 3",
        "160": "one pair with 4 heads",
        "156": "added 5 and 8",
        "60": "number of rows",
        "96": "number of columns",
        "481": "no usual slip",
        "(3, 4, 5, 8)": "Expected a number, met a tuple",
    },
    "one_step": {
        "-0.6": "went uphill",
        "1.8": "used is −8. Nudge",
        "1.4": "the error",
        "0.2": "uphill, and with",
        "17": "the whole gradient",
        "-16": "That is the gradient",
        "16": "the loss at w = 1",
        "1.6": "the length of the step",
        "3": "where the loss is lowest",
        "0.64": "the loss after the step",
        "2": "no usual slip",
    },
    "surprise": {
        "0.107": "the probability of the second",
        "-2.24": "The sign",
        "0.24": "the *first* word",
        "3.23": "base 2",
        "0.97": "base 10",
        "1.1": "ln 3",
        "0.89": "1 minus",
        "9.39": "sum of the powers",
        "4.72": "all three words",
        "0": "A score of 0",
    },
    "cross_attention": {
        attending("asked @ W_Q", "asking @ W_K", "asking @ W_V", ""): "traded places: the one that is asked",
        attending("asking @ W_Q", "asking @ W_K", "asking @ W_V", ""): "All three come from `asking`",
        attending("asked @ W_Q", mask=""): "All three come from `asked`",
        attending("asked @ W_Q"): "All three come from `asked`|The mask is (query, key)",
        attending(value="asking @ W_V"): "A value belongs to its key|as many values as keys",
        attending(key="asking @ W_K", mask=""): "the keys from `asking`|as many values as keys",
        attending(mask=""): "not handed on",
        attending("asking @ W_K", "asked @ W_Q"): "`W_Q` and `W_K` have traded",
        attending(value="asked @ W_K"): "the same matrix",
        attending(value="asked"): "as it came in",
        attending("asking", "asked", "asked"): "The matrices are missing",
        attending("asking @ W_Q.T", "asked @ W_K.T", "asked @ W_V.T"): "The matrices are transposed",
        "q, k, v = asking @ W_Q, asked @ W_K, asked @ W_V\ns = q @ k.mT\n"
        "if mask is not None: s = s.masked_fill(~mask, -math.inf)\n"
        "return s.softmax(-1) @ v, s.softmax(-1)": "not divided by the root",
        "o, w = attention(asking @ W_Q, asked @ W_K, asked @ W_V, mask)\nreturn w, o": "in the wrong order",
        attending() + "[0]": "Only the output",
        attending() + "[1]": "Only the weights",
        attending("W_Q @ asking"): "left of its matrix|matrices are transposed|numbers are not",
        attending().replace("return ", ""): "It returns None",
        attending(mask=", ~mask"): "Hand it on as it is",
    },
    "shifted": {
        "return words": "go in as they are",
        f"return torch.cat([words[:, 1:], {GO}], dim=1)": "the wrong way",
        "return words.roll(-1, dims=1)": "the wrong way",
        f"return torch.cat([{GO}, words], dim=1)": "one longer",
        "return words.roll(1, dims=1)": "come round to the front",
        "return torch.cat([torch.zeros_like(words[:, :1]), words[:, :-1]], dim=1)": "whatever `go` is",
        "return torch.cat([torch.ones_like(words[:, :1]), words[:, :-1]], dim=1)": "whatever `go` is",
        "return torch.cat([torch.full_like(words[:1], go), words[:-1]])": "The rows are moved",
        "return words[:, :-1]": "one shorter",
        "new = words.clone()\nnew[:, 0] = go\nreturn new": "taken the place of the first word",
        "return torch.cat([go, words[:, :-1]], dim=1)": "joins tensors",
        "return torch.cat([torch.full_like(words[:, 0], go), words[:, :-1]], dim=1)": "two axes",
        f"return torch.cat([{GO}, words[:, :-1]])": "side by side|returns the shape",
    },
    "swayed": {
        SWAYED.replace("    other = digits.clone()\n", "").replace("columns = []", "columns, other = [], digits.clone()"): (
            "The changes pile up"
        ),
        SWAYED.replace("digits.clone()", "digits"): "The changes pile up",
        SWAYED.replace(".softmax(dim=-1)", ""): "moves of the *scores*",
        SWAYED.replace("softmax(dim=-1)", "softmax(dim=1)"): "over the wrong axis",
        SWAYED.replace(".abs()", ""): "Only moves up",
        SWAYED.replace("amax", "sum"): "All 20 moves",
        SWAYED.replace("amax", "mean"): "the mean of the 20",
        SWAYED.replace(".abs().amax(", ".norm("): "the length of the difference",
        SWAYED.replace("(after - before).abs()", "after"): "the largest new probability",
        "return translator(digits, said)[1][0]": "where a word looked",
        SWAYED + ".T": "turned round|returns the shape",
        SWAYED.replace("said)[0]", "said)"): "two things, scores and weights",
    },
    "descend": {
        LOOP + STEP.replace("-=", "+=").replace("return", "w = w * 1\nreturn"): "Both bugs",
        LOOP + STEP: "*adds* to the gradient",
        LOOP + FORGET + STEP.replace("-=", "+="): "the step goes uphill",
        LOOP + FORGET + STEP.replace("return", "    break\nreturn"): "Only the last step counts",
        "return start": "w has not moved",
        LOOP + FORGET + STEP.replace("rate", "0.5 * rate"): "another loss",
        LOOP + FORGET + STEP.replace("rate * ", ""): "the learning rate is gone|The learning rate is gone",
        LOOP + STEP.replace("    with torch.no_grad():\n        w -=", "    w -="): "inside `with torch.no_grad():`",
        LOOP + STEP.replace("    with", "    w.grad = None\n    with"): "*before* `backward`",
        LOOP + FORGET + STEP.replace("w -= rate * w.grad", "w = w - rate * w.grad"): "in place",
        LOOP + "    w.grad.zero_()\n" + STEP: "None before the first",
    },
}
RIGHT = {
    "cross_weights": ["480", "480.0", "3 * 4 * 5 * 8"],
    "one_step": ["2.6", "1 + 1.6", "torch.tensor(2.6)"],
    "surprise": ["2.24", "2.2395", "math.log(math.exp(2) + 2)"],
    "cross_attention": [
        attending(),
        "q, k, v = torch.matmul(asking, W_Q), torch.matmul(asked, W_K), torch.matmul(asked, W_V)\n"
        "return attention(q, k, v, mask=mask)",
        "s = torch.einsum('...qd,de,...ke->...qk', asking, W_Q @ W_K.T, asked) / W_K.shape[-1] ** 0.5\n"
        "if mask is not None: s = s.masked_fill(~mask, -1e9)\nreturn [s.softmax(-1) @ asked @ W_V, s.softmax(-1)]",
    ],
    "shifted": [
        f"return torch.cat([{GO}, words[:, :-1]], dim=1)",
        "new = words.roll(1, dims=1)\nnew[:, 0] = go\nreturn new",
        "return torch.tensor([[go, *row[:-1]] for row in words.tolist()])",
        "return torch.nn.functional.pad(words, (1, 0), value=go)[:, :-1]",
    ],
    "swayed": [
        SWAYED,
        "rows = digits.repeat(digits.shape[1] + 1, 1)\nfor at in range(digits.shape[1]):\n    rows[at, at] = new\n"
        "p = translator(rows, said.expand(len(rows), -1))[0].softmax(-1)\nreturn (p[:-1] - p[-1]).abs().amax(-1).T",
        "p = lambda d: translator(d, said)[0][0].softmax(-1)\nhere = torch.arange(digits.shape[1])\n"
        "return torch.stack([(p(digits.where(here != at, new)) - p(digits)).abs().max(-1).values for at in here], 1)",
    ],
    "descend": [
        LOOP + FORGET + STEP,
        "w = start\nfor _ in range(steps):\n    w = w - rate * 2 * (w - target)\nreturn w",
        LOOP + "    w.grad = torch.zeros_like(w)\n" + STEP,
        LOOP + "    (g,) = torch.autograd.grad(loss, w)\n    w = (w - rate * g).detach().requires_grad_()\nreturn w.detach()",
        "w = start.clone().requires_grad_()\no = torch.optim.SGD([w], lr=rate)\nfor _ in range(steps):\n    o.zero_grad()\n"
        "    ((w - target) ** 2).sum().backward()\n    o.step()\nreturn w.detach()",
    ],
}


class TestPage02(Proof):
    page, exercises, names, wrong, right = "page02", EXERCISES, NAMES, WRONG, RIGHT
    before: ClassVar[dict] = {"cross_attention": ATTENTION}
