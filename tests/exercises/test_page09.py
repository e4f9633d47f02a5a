"""The proof of page 09's checks: a named wrong answer gets its own message, a right one written in another way is right."""

from proof import Proof

from bertnotes.exercises.page09 import EXERCISES

NAMES = {"leak_size": "answer"}
IMPORTS = "import torch\n"
BAR = "return (test_labels == train_labels.mode().values).double().mean()"
WILSON = (
    "z, share = 1.96, right / count\n"
    "middle = share + z**2 / (2 * count)\n"
    "half = z * (share * (1 - share) / count + z**2 / (4 * count**2)).sqrt()\n"
    "return (middle - half) / (1 + z**2 / count), (middle + half) / (1 + z**2 / count)"
)
ISIN = "return torch.isin(test_films, train_films)"
RATIO = (
    "present = (counts > 0).double()\n"
    "p = 1 + present[labels == 1].sum(dim=0)\n"
    "q = 1 + present[labels == 0].sum(dim=0)\n"
    "return ((p / p.sum()) / (q / q.sum())).log()"
)
SCORE = "return (first - second) / ((first * (1 - first) + second * (1 - second)) / count) ** 0.5"

WRONG = {
    "leak_size": {
        "100 * 123 / 25_000": "share of the copies",
        "100 * 123 / 25_000 * 0.914": "*with or without*",
        "8.6": "*every* test review",
        "123 * 0.086": "how many more reviews",
        "0.2": "no usual slip",
    },
    "majority_bar": {
        BAR.replace("train_labels", "test_labels"): "*test* labels",
        BAR.replace("test_labels", "train_labels"): "share in *training*",
        "return (test_labels == 1).double().mean()": "always saying 1",
        BAR.replace("double().mean", "sum"): "You counted",
        BAR.replace("double().mean()", "sum() / len(train_labels)"): "number of *training*",
        "return train_labels.mode().values": "How often is it right",
        BAR.replace(".double()", ""): "have no mean",
    },
    "wilson": {
        "z, share = 1.96, right / count\nhalf = z * (share * (1 - share) / count) ** 0.5\n"
        "return share - half, share + half": "plain interval",
        WILSON.replace(" / (1 + z**2 / count)", ""): "1 + z²/n is missing",
        WILSON.replace(" + z**2 / (4 * count**2)", ""): "z²/(4n²) is missing",
        WILSON.replace("count**2", "count"): "n *squared*",
        WILSON.replace("half = z *", "half ="): "factor z",
        WILSON.replace("middle - half", "middle + half", 1).replace(", (middle + half)", ", (middle - half)"): "traded places",
        WILSON.rpartition(",")[0]: "Return two things",
    },
    "leaked": {
        "return torch.isin(train_films, test_films)": "You looked for the *training*",
        "return ~torch.isin(test_films, train_films)": "the opposite",
        ISIN + ".double().mean()": "the share",
        ISIN + ".sum()": "how many there are",
        "return (test_films[:, None] == train_films).sum(dim=1)": "how many reviews of its film",
        "return test_films[torch.isin(test_films, train_films)]": "These are the films",
        "return test_films == train_films": "Compare each with each",
    },
    "log_ratio": {
        RATIO.replace("(counts > 0)", "counts"): "how *often*",
        RATIO.replace("1 + ", ""): "The 1 is missing",
        RATIO.replace(" / p.sum()", "").replace(" / q.sum()", ""): "their *sums*",
        RATIO.replace("p.sum()", "(labels == 1).sum()").replace("q.sum()", "(labels == 0).sum()"): "number of reviews of each",
        RATIO.replace("== 1", "== 2").replace("== 0", "== 1").replace("== 2", "== 0"): "traded places",
        RATIO.replace(".log()", ""): "Take its logarithm",
        RATIO.replace(".log()", ".log2()"): "another logarithm",
    },
    "z_score": {
        "a = (first * (1 - first) / count) ** 0.5\nb = (second * (1 - second) / count) ** 0.5\n"
        "return (first - second) / (a + b)": "intervals overlap",
        SCORE.replace(" ** 0.5", ""): "The root is missing",
        SCORE.replace(" + second * (1 - second)", ""): "Only one of the shares",
        SCORE.replace(" / count", ""): "number of answers",
        SCORE.replace("first) + second", "first) - second"): "*added*|numbers are not",
        SCORE.replace("(first - second) /", "(first - second).abs() /"): "The sign",
        SCORE.replace("(first - second) / (", "("): "standard error of the difference",
    },
}
RIGHT = {
    "leak_size": ["0.042", "100 * ((123 + 24_877 * 0.914) / 25_000 - 0.914)"],
    "majority_bar": [
        BAR,
        "most = torch.bincount(train_labels).argmax()\nreturn (test_labels == most).sum() / len(test_labels)",
    ],
    "wilson": [
        WILSON,
        "z = 1.96\nmiddle = (right + z**2 / 2) / (count + z**2)\n"
        "half = z / (count + z**2) * torch.sqrt(right * (count - right) / count + z**2 / 4)\n"
        "return middle - half, middle + half",
    ],
    "leaked": [
        ISIN,
        "return (test_films[:, None] == train_films).any(dim=1)",
        "known = set(train_films.tolist())\nreturn torch.tensor([film in known for film in test_films.tolist()])",
    ],
    "log_ratio": [
        RATIO,
        "there = counts.clamp(max=1)\np, q = (there[labels == one].sum(0) + 1 for one in (1, 0))\n"
        "return p.log() - p.sum().log() - q.log() + q.sum().log()",
    ],
    "z_score": [
        SCORE,
        "variance = first * (1 - first) / count + second * (1 - second) / count\nreturn (first - second) / variance.sqrt()",
    ],
}


class TestPage09(Proof):
    page, exercises, names, wrong, right, before = "page09", EXERCISES, NAMES, WRONG, RIGHT, {"": IMPORTS}
