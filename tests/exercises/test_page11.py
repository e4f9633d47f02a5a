"""The proof of page 11's checks: a named wrong answer gets its own message, a right one written in another way is right."""

from proof import Proof

from bertnotes.exercises.page11 import EXERCISES

NAMES = {"twenty_slices": "answer"}
IMPORTS = "import torch\nfrom torch.nn.functional import cross_entropy\n"
COUNTS = "b, c = (ours & ~theirs).sum(), (~ours & theirs).sum()\n"
TEST = COUNTS + "return b, c, (b - c) ** 2 / (b + c)"
LEAD = "each = ours.double() - theirs.double()\nreturn each.mean(), each.std() / len(each) ** 0.5"
BINS = "bins = (confidence * 10).long().clamp(max=9)\n"
ECE = (
    BINS + "total = 0\nfor at in range(10):\n    inside = bins == at\n    if inside.any():\n"
    "        gap = confidence[inside].mean() - right[inside].double().mean()\n"
    "        total = total + inside.sum() * gap.abs()\nreturn total / len(confidence)"
)
BEST = "losses = [cross_entropy(logits / at, labels) for at in tried]\nreturn tried[torch.stack(losses).argmin()]"

WRONG = {
    "twenty_slices": {
        "0.05": "for *one* slice",
        "20 * 0.05": "on average",
        "0.95 ** 20": "*none* does",
        "20 * 0.05 * 0.95 ** 19": "*exactly* one",
        "0.95": "one slice does not",
        "0.2": "no usual slip",
    },
    "mcnemar": {
        TEST.replace("(ours & ~theirs).sum(), (~ours & theirs).sum()", "ours.sum(), theirs.sum()"): "*both* have right",
        TEST.replace("(ours & ~theirs)", "(ours & theirs)").replace(
            "(~ours & theirs)", "(~ours & ~theirs)"
        ): "other two fields",
        TEST.replace("b, c =", "c, b ="): "traded places",
        TEST.replace("(b - c) ** 2", "(b - c).abs()"): "not squared",
        COUNTS + "return b, c, (b - c).abs() / (b + c) ** 0.5": "That is its root",
        TEST.replace("/ (b + c)", "/ len(ours)"): "number of all reviews",
        TEST.replace(" / (b + c)", ""): "division by b + c is missing",
        TEST.replace("(b - c) ** 2", "((b - c).abs() - 1) ** 2"): "continuity correction",
        COUNTS + "return (b - c) ** 2 / (b + c)": "Return three things",
    },
    "paired_lead": {
        "a, b = ours.double(), theirs.double()\n"
        "return a.mean() - b.mean(), ((a.var() + b.var()) / len(a)) ** 0.5": "*different* reviews",
        LEAD.replace(" / len(each) ** 0.5", ""): "how far *one* review",
        LEAD.replace(" ** 0.5", ""): "*root* of the number",
        LEAD.replace("std()", "var()"): "variance",
        LEAD.replace("each.std()", "2 * each.std()"): "half the width",
        LEAD.replace("ours.double() - theirs.double()", "theirs.double() - ours.double()"): "sign is turned",
        "differ = ours != theirs\nours, theirs = ours[differ], theirs[differ]\n" + LEAD: "count as 0",
        "return (ours.double() - theirs.double()).mean()": "Return two things",
    },
    "calibration_error": {
        ECE.replace("inside.sum() * gap.abs()", "gap.abs()").replace("len(confidence)", "len(bins.unique())"): "same say",
        "return (confidence.mean() - right.double().mean()).abs()": "cancel",
        "return (confidence - right.double()).abs().mean()": "answer by answer",
        ECE.replace("total + inside.sum() * gap.abs()", "max(total, gap.abs())").replace(
            " / len(confidence)", ""
        ): "largest gap",
        ECE.replace("gap.abs()", "gap**2"): "squared the gaps",
        ECE.replace(" / len(confidence)", ""): "did not divide",
        ECE.replace("if inside.any():", "if True:"): "bin without an answer",
    },
    "best_temperature": {
        BEST.replace("logits / at", "logits * at"): "You *multiplied*",
        BEST.replace("argmin", "argmax"): "*largest* loss",
        BEST.replace(
            "cross_entropy(logits / at, labels)", "-((logits / at).argmax(-1) == labels).double().mean()"
        ): "by accuracy",
        BEST.replace("logits / at, labels", "(logits / at).softmax(-1), labels"): "softmax yourself",
        BEST.replace("tried[torch.stack(losses).argmin()]", "torch.stack(losses).argmin()"): "*where* in `tried`",
        BEST.replace("tried[torch.stack(losses).argmin()]", "torch.stack(losses).min()"): "That is the loss",
        BEST.replace("tried[torch.stack(losses).argmin()]", "torch.stack(losses)"): "all losses",
    },
}
RIGHT = {
    "twenty_slices": ["0.64", "1 - (1 - 1 / 20) ** 20"],
    "mcnemar": [
        TEST,
        "b = (ours.int() > theirs.int()).sum()\nc = (ours.int() < theirs.int()).sum()\nreturn b, c, (b - c).square() / (b + c)",
    ],
    "paired_lead": [
        LEAD,
        "n = len(ours)\nb, c = (ours & ~theirs).sum(), (~ours & theirs).sum()\nlead = (b - c) / n\n"
        "return lead, ((b + c - (b - c) ** 2 / n) / (n - 1) / n) ** 0.5",
    ],
    "calibration_error": [
        ECE,
        "found = 0\nfor low in range(10):\n"
        "    inside = (confidence >= low / 10) & ((confidence < (low + 1) / 10) | (low == 9))\n"
        "    found = found + (confidence[inside].sum() - right[inside].sum()).abs()\nreturn found / len(right)",
    ],
    "best_temperature": [
        BEST,
        "def loss(at):\n    chances = (logits / at).log_softmax(-1)\n"
        "    return -chances[range(len(labels)), labels].mean().item()\n"
        "return min(tried, key=loss)",
    ],
}


class TestPage11(Proof):
    page, exercises, names, wrong, right, before = "page11", EXERCISES, NAMES, WRONG, RIGHT, {"": IMPORTS}
