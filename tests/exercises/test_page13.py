"""The proof of page 13's checks: a named wrong answer gets its own message, a right one written in another way is right."""

from proof import Proof

from bertnotes.exercises.page13 import EXERCISES

NAMES = {"minutes_on_a_t4": "answer"}
IMPORTS = "import torch\n"
LAYER = "return tokens * (24 * h**2 + 4 * tokens * h)"
RATE = "return tokens[1:].sum() / (moments[-1] - moments[0])"
BYTES = "return 4 * parameters + 12 * trained"
TOP = "largest = torch.maximum(first[0], second[0])\n"
TOGETHER = (
    TOP + "a, b = (first[0] - largest).exp(), (second[0] - largest).exp()\n"
    "return largest, first[1] * a + second[1] * b, first[2] * a + second[2] * b"
)
STEP = "whole = (x @ (W + B @ A).T - target).T @ x\nreturn A - rate * B.T @ whole, B - rate * whole @ A.T"

WRONG = {
    "layer_flops": {
        "return tokens * (12 * h**2 + 2 * tokens * h)": "multiplications only",
        LAYER.replace("tokens * (", "(", 1): "for one token",
        LAYER.replace("return", "return 3 *"): "training step",
        "return tokens * 24 * h**2": "two products are missing",
        LAYER.replace("4 * tokens", "2 * tokens"): "one of attention's two",
        LAYER.replace("24", "8"): "without feed-forward",
        LAYER.replace("4 * tokens * h", "4 * h"): "*square*",
    },
    "tokens_per_second": {
        RATE.replace("[1:]", ""): "tokens of all steps",
        RATE.replace("[1:]", "[:-1]"): "left out the *last* step",
        "return tokens.sum() / moments[-1]": "did not start at 0",
        "return tokens[1:].sum() / moments[-1]": "did not start at 0",
        "return (tokens[1:] / moments.diff()).mean()": "mean of the steps' rates",
        "return tokens[1:] / moments.diff()": "one rate for all",
        "return (moments[-1] - moments[0]) / tokens[1:].sum()": "seconds for a token",
        RATE.replace("sum()", "mean()"): "*sum* of the tokens",
    },
    "training_bytes": {
        "return 16 * parameters": "Frozen weights have no gradient",
        "return 16 * trained": "frozen weights need their 4 bytes",
        BYTES.replace("12", "8"): "*two* means",
        BYTES.replace("12", "4"): "gradients are missing",
        "return parameters + 3 * trained": "how many numbers",
        BYTES.replace("12", "16"): "count them twice",
        BYTES.replace("4 * parameters + 12 * trained", "8 * (4 * parameters + 12 * trained)"): "bits",
    },
    "put_together": {
        TOP + "return largest, first[1] + second[1], first[2] + second[2]": "relative to different scores",
        TOGETHER.replace("first[2] * a + second[2] * b", "first[2] + second[2]"): "The total is right",
        TOGETHER.replace("first[1] * a + second[1] * b", "first[1] + second[1]"): "The mix is right",
        TOGETHER.replace("first[0] - largest", "largest - first[0]").replace(
            "second[0] - largest", "largest - second[0]"
        ): "turned over",
        TOGETHER.replace("(second[0] - largest).exp()", "1"): "Only the first half",
        TOGETHER.replace("a, b =", "b, a ="): "other one's factor",
        TOGETHER.replace("first[2] * a + second[2] * b", "(first[2] * a + second[2] * b) / (first[1] * a + second[1] * b)"): (
            "divided by total already"
        ),
    },
    "lora_step": {
        STEP.replace("- rate", "+ rate"): "uphill",
        STEP.replace("A - rate * B.T @ whole", "A"): "$A$ has not moved",
        STEP.replace("B - rate * whole @ A.T", "B"): "$B$ has not moved",
        "error = x @ (W + B @ A).T - target\nA = A - rate * B.T @ (error.T @ x)\n"
        "error = x @ (W + B @ A).T - target\nreturn A, B - rate * error.T @ x @ A.T": "after the first had been applied",
        STEP.replace("(W + B @ A)", "(B @ A)"): "error is that of the whole layer",
        STEP.replace(".T @ x\n", ".T @ x * 2 / target.numel()\n"): "mean of the squared errors",
        STEP.replace(".T @ x\n", ".T @ x * 2\n"): "divided by 2",
        STEP.replace("A - rate * B.T @ whole, B - rate * whole @ A.T", "B.T @ whole, whole @ A.T"): "returned the gradients",
        STEP.replace("A - rate * B.T @ whole, B - rate * whole @ A.T", "B - rate * whole @ A.T, A - rate * B.T @ whole"): (
            "returned $B$ first"
        ),
    },
    "minutes_on_a_t4": {
        "0.86": "no fp16",
        "2.76": "full peak",
        "2.3": "forward pass alone",
        "3.45": "one epoch",
        "8.69": "looked up",
        "413.9": "seconds",
        "50": "no usual slip",
    },
}
RIGHT = {
    "layer_flops": [LAYER, "return 24 * tokens * h * h + 4 * tokens * tokens * h"],
    "tokens_per_second": [RATE, "return tokens[1:].sum() / moments.diff().sum()"],
    "training_bytes": [BYTES, "return 16 * trained + 4 * (parameters - trained)"],
    "put_together": [
        TOGETHER,
        TOP + "parts = [[one * (part[0] - largest).exp() for one in part[1:]] for part in (first, second)]\n"
        "return largest, *[a + b for a, b in zip(*parts)]",
    ],
    "lora_step": [
        STEP,
        "A, B = A.clone().requires_grad_(), B.clone().requires_grad_()\n"
        "loss = ((x @ (W + B @ A).T - target) ** 2).sum() / 2\nloss.backward()\n"
        "return (A - rate * A.grad).detach(), (B - rate * B.grad).detach()",
    ],
    "minutes_on_a_t4": ["6.9", "6.7", "414 / 60"],
}


class TestPage13(Proof):
    page, exercises, names, wrong, right, before = "page13", EXERCISES, NAMES, WRONG, RIGHT, {"": IMPORTS}
