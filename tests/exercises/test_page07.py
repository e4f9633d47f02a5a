"""The proof of page 07's checks: a named wrong answer gets its own message, a right one written in another way is right."""

from proof import Proof

from bertnotes.exercises.page07 import EXERCISES

NAMES = {"by_luck": "answer"}
IMPORTS = "import torch\n"
ENTROPY = "logs = weights.clamp(min=1e-12).log()\nreturn -(weights * logs).sum(dim=-1)"
AWAY = "position = torch.arange(weights.shape[-1])\naway = (position[:, None] - position).abs()\n"
FAR = AWAY + "return (weights * away).sum(dim=-1).mean(dim=-1)"
LOOKS = "return weights.masked_fill(~ordinary, -1).argmax(dim=-1)"
MEMBER = "member = torch.nn.functional.one_hot(word_of).to(weights.dtype)\nshare = member / member.sum(dim=0)\n"
MERGE = MEMBER + "return share.T @ weights @ member"

WRONG = {
    "entropy": {
        ENTROPY.replace("return -", "return "): "The sign",
        ENTROPY.replace(".log()", ".log2()"): "in bits",
        ENTROPY.replace(".clamp(min=1e-12)", ""): "`nan`",
        ENTROPY.replace(".sum(dim=-1)", ".mean(dim=-1)"): "mean over the tokens",
        ENTROPY + " / torch.tensor(float(weights.shape[-1])).log()": "ln n",
        ENTROPY.replace("dim=-1", "dim=0"): "sum over the rows",
        ENTROPY.replace("dim=-1", ""): "sum over everything",
    },
    "mean_distance": {
        FAR.replace(".abs()", ""): "cancel each other",
        FAR.replace(".mean(dim=-1)", ".sum(dim=-1)"): "sum over the rows",
        AWAY + "return (weights * away).mean(dim=(-2, -1))": "twice",
        "position = torch.arange(weights.shape[-1])\n"
        "return (weights.argmax(dim=-1) - position).abs().float().mean(dim=-1)": "*most*",
        FAR.replace("* away", "* away**2"): "square",
        FAR.replace(".mean(dim=-1)", ""): "number for each row",
        FAR.replace(".mean(dim=-1)", ".mean()"): "all heads",
    },
    "received": {
        "return weights.mean(dim=(1, 2))": "You ask all tokens",
        "return weights[..., ordinary].mean(dim=(1, 2))": "*columns* of ordinary",
        "return weights[:, :, ~ordinary].mean(dim=(1, 2))": "inverted",
        "return weights[:, :, ordinary].mean(dim=(1, 3))": "along the rows",
        "return weights[:, :, ordinary].mean(dim=1).sum(dim=1)": "more than 1 to give",
        "return weights[:, :, ordinary].mean(dim=2)": "number for each head",
        "return weights[:, :, ordinary].mean(dim=(0, 1, 2))": "over the layers",
    },
    "looks_at": {
        "return weights.argmax(dim=-1)": "can still win",
        "return weights[..., ordinary].argmax(dim=-1)": "shifted",
        LOOKS.replace("~", ""): "inverted",
        LOOKS.replace("dim=-1", "dim=-2"): "along a column",
        LOOKS.replace("argmax", "amax"): "These are the weights",
        "return weights.masked_fill(~ordinary, 2).argmin(dim=-1)": "*least*",
    },
    "merge": {
        MEMBER + "return share.T @ weights @ share": "pieces that are looked at",
        MEMBER + "return member.T @ weights @ member": "pieces that look",
        MEMBER + "return member.T @ weights @ share": "traded places",
        "first = [word_of.tolist().index(w) for w in range(int(word_of.max()) + 1)]\n"
        "return weights[first][:, first]": "only the first piece of each word",
        MEMBER + "return (share.T @ weights @ member).T": "transposed",
        MEMBER + "return weights @ member": "the rows are not",
        "member = torch.nn.functional.one_hot(word_of)\nreturn member.T @ weights @ member": "`one_hot` gives whole numbers",
    },
    "by_luck": {
        "1 / 16": "*one* head",
        "0.275": "*no* head",
        "1.25": "at most 1",
        "1 - (1 / 16) ** 20": "fails with 15/16",
        "0.9308": "three cases",
        "0.5": "no usual slip",
    },
}
RIGHT = {
    "entropy": [
        ENTROPY,
        "return torch.special.entr(weights).sum(-1)",
        "return -torch.where(weights > 0, weights * weights.log(), 0.0).sum(dim=-1)",
    ],
    "mean_distance": [FAR, AWAY + "return torch.einsum('...qk,qk->...q', weights, away.float()).mean(-1)"],
    "received": [
        "return weights[:, :, ordinary].mean(dim=(1, 2))",
        "total = (weights * ordinary[:, None]).sum(dim=(1, 2))\nreturn total / total.sum(dim=-1, keepdim=True)",
    ],
    "looks_at": [LOOKS, "return (weights * ordinary).argmax(dim=-1)", "return torch.where(ordinary, weights, -1.0).argmax(-1)"],
    "merge": [
        MERGE,
        "count = int(word_of.max()) + 1\nout = torch.zeros(count, count)\nfor a in range(count):\n    for b in range(count):\n"
        "        out[a, b] = weights[word_of == a][:, word_of == b].sum(dim=1).mean()\nreturn out",
    ],
    "by_luck": ["0.725", "1 - (15 / 16) ** 20", "0.72"],
}


class TestPage07(Proof):
    page, exercises, names, wrong, right, before = "page07", EXERCISES, NAMES, WRONG, RIGHT, {"": IMPORTS}
