"""The proof of page 14's checks: a named wrong answer gets its own message, a right one written in another way is right."""

from proof import Proof

from bertnotes.exercises.page14 import EXERCISES

NAMES = {"always_one": "answer"}
IMPORTS = "import torch\n"
COUNTS = (
    "classes = torch.arange(num_classes)\n"
    "hits = ((labels[:, None] == classes) & (predictions[:, None] == classes)).sum(dim=0)\n"
    "there, named = labels.bincount(minlength=num_classes), predictions.bincount(minlength=num_classes)\n"
)
MACRO = COUNTS + "return (2 * hits / (there + named)).mean()"
WEIGHTS = "sizes = labels.bincount(minlength=num_classes)\nreturn len(labels) / (num_classes * sizes)"
HELD = "return torch.isin(text, order[:count])"
WINDOWS = (
    "starts = [*range(0, len(ids) - room, room // 2), len(ids) - room]\n"
    "return torch.stack([ids[start : start + room] for start in starts])"
)
THRESHOLD = (
    "order = confidence.argsort(descending=True)\n"
    "share = right[order].double().cumsum(dim=0) / torch.arange(1, len(right) + 1)\n"
    "return confidence[order][share >= wanted][-1]"
)

WRONG = {
    "always_one": {
        "1 / 3": "the one class that is named",
        "0.2": "That is the accuracy",
        "0.2 / 8": "precision of the one class",
        "1 / 8": "mean *recall*",
        "0.6 / 8": "F1 is not",
        "0.5": "no usual slip",
    },
    "macro_f1": {
        "return (labels == predictions).double().mean()": "That is the accuracy",
        COUNTS + "return (2 * hits / (there + named) * there).sum() / there.sum()": "weighted each class",
        COUNTS + "return (hits / there).mean()": "mean *recall*",
        COUNTS + "return (hits / named).mean()": "mean *precision*",
        COUNTS
        + "r, p = (hits / there).mean(), (hits / named).mean()\nreturn 2 * r * p / (r + p)": "First the F1 of each class",
        MACRO.replace("2 * ", ""): "factor 2",
        MACRO.removesuffix(".mean()"): "one by one",
        MACRO.replace(".mean()", ".sum()"): "sum over the classes",
    },
    "class_weights": {
        "return labels.bincount(minlength=num_classes) / len(labels)": "common classes weigh most",
        WEIGHTS.replace("(num_classes * sizes)", "sizes"): "divide by the number of classes",
        WEIGHTS.replace("len(labels) / (num_classes * sizes)", "1 / sizes"): "and nothing more",
        WEIGHTS.replace("len(labels) / (num_classes * sizes)", "1 / sizes / (1 / sizes).sum()"): "sum to 1",
        WEIGHTS.replace("len(labels) / (num_classes * sizes)", "num_classes / sizes / (1 / sizes).sum()"): "number of classes",
        WEIGHTS + " ** 0.5": "numbers are not",
        WEIGHTS.replace("return len(labels) / (num_classes * sizes)", "return (len(labels) / (num_classes * sizes)).sqrt()"): (
            "You took the root"
        ),
        WEIGHTS.replace("return len(labels) / (num_classes * sizes)", "return (len(labels) / (num_classes * sizes))[labels]"): (
            "for each *text*"
        ),
    },
    "held_out": {
        "found = torch.zeros(len(text), dtype=torch.bool)\nfound[order[:count]] = True\nreturn found": "numbers of *rows*",
        HELD.replace("return ", "return ~"): "traded places",
        HELD.replace("[:count]", "[-count:]"): "*last* texts",
        "return text < count": "smallest numbers",
        "return torch.arange(len(text)) < count": "first rows of the table",
        "found = torch.zeros(len(text), dtype=torch.bool)\nfor one in order[:count].tolist():\n"
        "    found[text.tolist().index(one)] = True\nreturn found": "one row only",
        HELD + ".nonzero().flatten()": "numbers of the rows",
    },
    "windows": {
        WINDOWS.replace("room // 2)", "room)"): "do not overlap",
        WINDOWS.replace(", len(ids) - room]", "]"): "in no window",
        "return ids.unfold(0, room, room // 2)": "in no window",
        WINDOWS.replace("range(0, len(ids) - room,", "range(0, len(ids) - room + 1,"): "stands there twice",
        "return ids.unfold(0, room, 1)": "step by one token",
        "return ids[:room]": "first window alone",
        "return torch.stack([ids[at : at + room] for at in range(0, len(ids), room // 2)])": "begin too late",
    },
    "threshold": {
        THRESHOLD.replace("return confidence[order][share >= wanted][-1]", "first = (share < wanted).nonzero()[0, 0]\n")
        + "return confidence[order][first - 1]": "first falls below",
        THRESHOLD.replace("[-1]", "[0]"): "*highest* confidence",
        "return torch.tensor(wanted)": "at its word",
        "return confidence.quantile(1 - wanted)": "share of the *texts*",
        "return confidence[right].min()": "each answer alone",
        THRESHOLD.replace("descending=True", ""): "least sure answers",
        THRESHOLD.replace("return ", "found = ") + "\nreturn (confidence >= found).double().mean()": "share of texts",
    },
}
RIGHT = {
    "always_one": ["0.0417", "2 * 0.2 / (0.2 + 1) / 8"],
    "macro_f1": [
        MACRO,
        "found = []\nfor name in range(num_classes):\n    right = ((labels == name) & (predictions == name)).sum()\n"
        "    recall, precision = right / (labels == name).sum(), right / (predictions == name).sum()\n"
        "    found.append(2 * precision * recall / (precision + recall))\nreturn sum(found) / num_classes",
    ],
    "class_weights": [
        WEIGHTS,
        "return torch.stack([len(labels) / num_classes / (labels == name).sum() for name in range(num_classes)])",
    ],
    "held_out": [HELD, "return (text[:, None] == order[:count]).any(dim=1)"],
    "windows": [
        WINDOWS,
        "found, start = [], 0\nwhile start + room < len(ids):\n    found.append(ids[start : start + room])\n"
        "    start += room // 2\nreturn torch.stack([*found, ids[-room:]])",
    ],
    "threshold": [
        THRESHOLD,
        "good = [one for one in confidence if right[confidence >= one].double().mean() >= wanted]\nreturn min(good)",
    ],
}


class TestPage14(Proof):
    page, exercises, names, wrong, right, before = "page14", EXERCISES, NAMES, WRONG, RIGHT, {"": IMPORTS}
