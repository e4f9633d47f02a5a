"""The proof of page 12's checks: a named wrong answer gets its own message, a right one written in another way is right."""

from proof import Proof

from bertnotes.exercises.page12 import EXERCISES

NAMES = {"counted_twice": "answer"}
IMPORTS = "import torch\n"
COVERS = "rows = ids.repeat(len(ids) - 2, 1)\nfor row in range(len(rows)):\n    rows[row, row + 1] = mask_id\nreturn rows"
WAY = "return (slopes * (own - hidden)).sum(dim=-1)"
MEAN = "values = (slopes.mean(dim=0) * way).sum(dim=-1)\nreturn values, change - values.sum()"
HIDE = "hidden = ids.clone()\nhidden[1 + values[1:-1].argsort(descending=True)[:count]] = mask_id\nreturn hidden"
LEAD = "lead = (random - ours).mean(dim=1)\nreturn lead.mean(), lead.std() / len(lead) ** 0.5"

WRONG = {
    "counted_twice": {
        "6": "*alone*",
        "2": "fair share",
        "0": "*one* of the words",
        "3": "number of words",
        "12": "two words",
        "-18": "counts as positive",
        "7.5": "no usual slip",
    },
    "covers": {
        "return torch.where(torch.eye(len(ids), dtype=torch.bool), mask_id, ids)": "hide the ends",
        COVERS.replace("row + 1", "row"): "Yours hides `[CLS]`",
        COVERS.replace("row + 1", "row + 2"): "yours hides `[SEP]`",
        COVERS.replace("row, row + 1", "row, 1:row + 2"): "One token a row",
        COVERS.replace("row, row + 1", "row, [at for at in range(1, len(ids) - 1) if at != row + 1]"): "*keeps* one",
        "return torch.stack([torch.cat([ids[:at], ids[at + 1:]]) for at in range(1, len(ids) - 1)])": "left out",
        COVERS.replace("row, row + 1", "row, 1:-1"): "Every row hides all",
        "return ids.repeat(len(ids) - 2, 1)": "Nothing is hidden",
    },
    "gradient_times_way": {
        "return (slopes * own).sum(dim=-1)": "`own - hidden`",
        "return (slopes * (hidden - own)).sum(dim=-1)": "turned round",
        "return slopes * (own - hidden)": "number by number",
        "return (slopes * (own - hidden)).sum(dim=0)": "over the tokens",
        "return (slopes * (own - hidden)).mean(dim=-1)": "That is the mean",
        WAY + ".abs()": "from the sign",
        "return slopes.norm(dim=-1)": "length of the slope",
        "return slopes.sum(dim=-1)": "The way is missing",
    },
    "integrated": {
        MEAN.replace("mean(dim=0)", "sum(dim=0)"): "slopes of all steps",
        MEAN.replace("slopes.mean(dim=0)", "slopes[-1]"): "last step alone",
        MEAN.replace("slopes.mean(dim=0)", "slopes[0]"): "first step alone",
        MEAN.replace("(slopes.mean(dim=0) * way)", "slopes.mean(dim=0)"): "The way is missing",
        MEAN.replace(".sum(dim=-1)", ".sum(dim=-1).abs()"): "dropped the signs",
        MEAN.replace(".sum(dim=-1)", ".mean(dim=-1)"): "numbers of a vector",
        MEAN.replace("change - values.sum()", "values.sum() - change"): "wrong sign",
        MEAN.replace("change - values.sum()", "change - values"): "should be one number",
        MEAN.replace(", change - values.sum()", ""): "Return two things",
    },
    "hide_first": {
        HIDE.replace("descending=True", ""): "*lowest*",
        HIDE.replace("1 + values[1:-1]", "values"): "They are no words",
        HIDE.replace("1 + values", "values"): "one too small",
        HIDE.replace("values[1:-1]", "values[1:-1].abs()"): "without the sign",
        "hidden = ids.clone()\nhidden[1:count + 1] = mask_id\nreturn hidden": "tokens of the *text*",
        HIDE.replace("[:count]", "[count:]"): "hide all the others",
        "inside = torch.arange(len(ids)) % (len(ids) - 1) > 0\n"
        "return torch.where(inside & (values > 0), mask_id, ids)": "value above 0",
        "return ids": "Nothing is hidden",
    },
    "lead_over_random": {
        LEAD.replace("random - ours", "ours - random"): "turned round",
        "a, b = ours.mean(dim=1), random.mean(dim=1)\n"
        "return (b - a).mean(), (a.var() / len(a) + b.var() / len(b)) ** 0.5": "two separate sets",
        LEAD.replace(".mean(dim=1)", ".flatten()"): "every point of a curve",
        LEAD.replace(" / len(lead) ** 0.5", ""): "standard deviation",
        LEAD.replace("lead.std()", "2 * lead.std()"): "twice the error",
        LEAD.replace("dim=1", "dim=0"): "averaged over the texts",
        LEAD.replace(", lead.std() / len(lead) ** 0.5", ""): "Return two things",
        "lead = (random - ours).mean(dim=1)\nreturn lead.std() / len(lead) ** 0.5, lead.mean()": "traded places",
    },
}
RIGHT = {
    "counted_twice": ["18.0", "3 * (6 - 0)"],
    "covers": [
        COVERS,
        "rows = torch.where(torch.eye(len(ids)) > 0, mask_id, ids)\nreturn rows[1:-1]",
        "return torch.stack([torch.where(torch.arange(len(ids)) == at, mask_id, ids) for at in range(1, len(ids) - 1)])",
    ],
    "gradient_times_way": [
        WAY,
        "return torch.einsum('td,td->t', slopes, own - hidden)",
        "return (slopes * own).sum(-1) - (slopes * hidden).sum(-1)",
    ],
    "integrated": [
        MEAN,
        "values = torch.einsum('std,td->st', slopes, way).mean(0)\nreturn values, change - values.sum()",
        "steps = [(one * way).sum(dim=-1) for one in slopes]\nvalues = sum(steps) / len(steps)\n"
        "return values, change - sum(values)",
    ],
    "hide_first": [
        HIDE,
        "at = values[1:-1].topk(count).indices + 1\nreturn ids.scatter(0, at, mask_id)",
        "inside = sorted(range(1, len(ids) - 1), key=lambda at: -values[at])[:count]\n"
        "return torch.tensor([mask_id if at in inside else one for at, one in enumerate(ids.tolist())])",
    ],
    "lead_over_random": [
        LEAD,
        "each = random.mean(dim=1) - ours.mean(dim=1)\nreturn each.mean(), (each.var() / len(each)).sqrt()",
    ],
}


class TestPage12(Proof):
    page, exercises, names, wrong, right, before = "page12", EXERCISES, NAMES, WRONG, RIGHT, {"": IMPORTS}
