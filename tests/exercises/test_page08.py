"""The proof of page 08's checks: a named wrong answer gets its own message, a right one written in another way is right."""

from proof import Proof

from bertnotes.exercises.page08 import EXERCISES

NAMES = {"best_by_luck": "answer"}
IMPORTS = "import torch\n"
BEFORE = "return weights.diagonal(-1, -2, -1)[..., 1:-1].mean(dim=-1)"
MOST = "most = looks.argmax(dim=-1)\n"
BOTH = "return (most == answers[:, None]).float().mean(dim=0), (most == answers[order][:, None]).float().mean(dim=0)"
CONTROL = MOST + BOTH
PART = "return weights * (value @ output).norm(dim=-1)[:, None, :]"
MEAN = "changed = found.clone()\nchanged[:, :, head] = found[:, :, head].mean(dim=(0, 1))\nreturn changed"

WRONG = {
    "best_by_luck": {
        "1 / 64": "for *one* head",
        "72 / 64": "on average",
        "(63 / 64) ** 72": "*none* does",
        "63 / 64": "at least one mistake",
        "0.25": "no usual slip",
    },
    "looks_before": {
        BEFORE.replace("(-1,", "(1,"): "token *after*",
        BEFORE.replace("(-1,", "(0,"): "token itself",
        BEFORE.replace("[..., 1:-1]", ""): "You ask all tokens",
        BEFORE.replace("1:-1", ":-1"): "You ask position 1",
        BEFORE.replace("1:-1", "1:"): "You ask `[SEP]`",
        BEFORE.replace("1:-1", "2:-1"): "One position too many",
        BEFORE.replace("mean(dim=-1)", "sum(dim=-1)"): "That is the sum",
        BEFORE + ".mean(dim=0)": "averaged over the sentences",
    },
    "with_error": {
        "return values.mean(), values.std()": "standard deviation",
        "return values.mean(), values.std() / len(values)": "*root* of the number",
        "return values.mean(), values.var() / len(values)": "Take the root",
        "return values.mean(), values.var() / len(values) ** 0.5": "variance",
        "return values.mean(), values.std(correction=0) / len(values) ** 0.5": "n − 1",
        "return values.mean(), 2 * values.std() / len(values) ** 0.5": "half the width",
        "return values.std() / len(values) ** 0.5": "Return two things",
    },
    "against_others": {
        "def share(a, b):\n    return (a.argmax(dim=-1) == b[:, None]).float().mean(dim=0)\n"
        "return share(looks, answers), share(looks[order], answers[order])": "Shuffled alike",
        CONTROL.replace("[order]", ""): "Is `order` used",
        CONTROL.replace("[order]", "").replace("answers", "answers[order]", 1): "have traded places",
        CONTROL.replace(".mean(dim=0)", ".mean()"): "averaged over the heads",
        CONTROL.replace(".float().mean(dim=0)", ".float().sum(dim=0)"): "Divide by the number",
        "each = torch.arange(len(looks))\nreturn looks[each, :, answers].mean(dim=0), "
        "looks[each, :, answers[order]].mean(dim=0)": "*largest* weight",
        CONTROL.replace("[:, None]", ""): "Give them an axis|numbers are not",
    },
    "contributions": {
        PART.replace("(value @ output)", "value"): "*before* the output matrix",
        PART.replace("[:, None, :]", "[:, :, None]"): "on those that look",
        "return (value @ output).norm(dim=-1)": "weights are missing",
        "return (weights @ value @ output).norm(dim=-1)": "length of the *sum*",
        PART.replace("norm(dim=-1)", "sum(dim=-1)"): "added up the numbers",
        PART.replace("norm(dim=-1)", "square().sum(dim=-1)"): "square of the length",
        PART.replace("return", "part =") + "\nreturn part / part.sum(dim=-1, keepdim=True)": "the *share*",
    },
    "mean_instead": {
        MEAN.replace("found[:, :, head].mean(dim=(0, 1))", "0"): "The head is silent",
        MEAN.replace("mean(dim=(0, 1))", "mean(dim=1, keepdim=True)"): "Each sentence has",
        MEAN.replace("mean(dim=(0, 1))", "mean(dim=0)"): "Each position has",
        MEAN.replace("mean(dim=(0, 1))", "mean()"): "numbers of the head as well",
        MEAN.replace("= found[:, :, head].mean(dim=(0, 1))", "= found.mean(dim=(0, 1, 2))"): "*all* heads",
        MEAN.replace("[:, :, head]", "[:, head]"): "replaced a *position*",
        "return found": "Nothing is replaced",
    },
}
RIGHT = {
    "best_by_luck": ["0.678", "1 - (1 - 0.5**6) ** 72"],
    "looks_before": [
        BEFORE,
        "n = weights.shape[-1]\nasked = torch.arange(2, n - 1)\nreturn weights[:, :, asked, asked - 1].mean(-1)",
        "return sum(weights[:, :, at, at - 1] for at in range(2, weights.shape[-1] - 1)) / (weights.shape[-1] - 3)",
    ],
    "with_error": [
        "return values.mean(), values.std() / len(values) ** 0.5",
        "n = len(values)\nmean = values.sum() / n\nreturn mean, (((values - mean) ** 2).sum() / (n - 1) / n).sqrt()",
    ],
    "against_others": [
        CONTROL,
        "hits = [(looks.argmax(-1) == a.unsqueeze(1)).double() for a in (answers, answers[order])]\n"
        "return tuple(one.mean(0) for one in hits)",
    ],
    "contributions": [
        PART,
        "return (weights[..., None] * (value @ output)[:, None]).norm(dim=-1)",
        "return torch.einsum('hqk,hk->hqk', weights, torch.einsum('hks,hso->hko', value, output).norm(dim=-1))",
    ],
    "mean_instead": [
        MEAN,
        "is_it = torch.arange(found.shape[2]) == head\n"
        "return torch.where(is_it[:, None], found.mean(dim=(0, 1), keepdim=True), found)",
    ],
}


class TestPage08(Proof):
    page, exercises, names, wrong, right, before = "page08", EXERCISES, NAMES, WRONG, RIGHT, {"": IMPORTS}
