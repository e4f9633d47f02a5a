"""The proof of page 06's checks: a named wrong answer gets its own message, a right one written in another way is right."""

from proof import Proof

from bertnotes.exercises.page06 import EXERCISES

NAMES = {"how_many": "answer", "by_counting": "answer"}
IMPORTS = "import torch\nfrom torch.nn.functional import cross_entropy\n"
CHOSEN = "chosen = (chance < 0.15) & ordinary\n"
MASKED = "masked = ids.clone()\nmasked[chosen & (fate < 0.8)] = mask_id\n"
RANDOM = "masked[chosen & (fate >= 0.9)] = pieces[chosen & (fate >= 0.9)]\n"
LABELS = "labels = ids.clone()\nlabels[~chosen] = -100\n"
HIDE = CHOSEN + MASKED + RANDOM + LABELS + "return masked, labels"
ASKED = "asked = labels != -100\n"
SEEN = "offset = torch.arange(len(ids)) - gap\nseen = (offset >= -before) & (offset <= after) & (offset != 0)\n"
START = "scores = torch.zeros(size, requires_grad=True)\noptimizer = torch.optim.SGD([scores], lr=rate)\n"
LOOP = "for row in labels:\n    loss = cross_entropy(scores.expand(len(row), -1), row)\n"
STEP = "    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()\n"
LEARN = START + LOOP + STEP + "return scores.detach()"

WRONG = {
    "how_many": {
        "18.9": "how many are chosen",
        "15.12": "become `[MASK]`",
        "12.6": "tenth of all tokens",
        "3.78": "those that stay",
        "1.92": "never chosen",
        "50": "no usual slip",
    },
    "by_counting": {
        "1.386": "gives each of the four",
        "1.75": "in bits",
        "0.693": "where *the* is hidden",
        "1.5596": "four *kinds*",
        "3.364": "perplexity",
        "-1.213": "The sign",
    },
    "hide": {
        HIDE.replace(" & ordinary", ""): "can be chosen here",
        HIDE.replace("chance <", "chance >="): "wrong ones",
        HIDE.replace("chosen & (fate", "(fate"): "*chosen* tokens alone",
        HIDE.replace("fate >= 0.9", "fate >= 0.8"): "stays as it is",
        HIDE.replace(RANDOM, ""): "Random pieces are missing",
        HIDE.replace("labels = ids", "labels = masked"): "what the model *reads*",
        HIDE.replace("labels[~chosen] = -100\n", ""): "Every position has a label",
        HIDE.replace("= -100", "= 0"): "0 is a token",
        HIDE.replace("labels[~chosen]", "labels[masked != mask_id]"): "Only tokens that became",
        HIDE.replace("labels[~chosen]", "labels[masked == ids]"): "only about tokens that changed",
        HIDE.replace("labels[~chosen]", "labels[chosen]"): "wrong way round",
        HIDE.replace("(chance < 0.15) & ordinary", "chance < 0.15 & ordinary"): "brackets",
    },
    "masked_loss": {
        "logs = scores.log_softmax(-1).gather(-1, labels.clamp(min=0)[..., None])[..., 0]\n"
        "return -(logs * (labels != -100)).mean()": "divide by all positions",
        ASKED + "return cross_entropy(scores[asked], labels[asked], reduction='sum')": "That is the sum",
        "return cross_entropy(scores.flatten(0, 1), labels.clamp(min=0).flatten())": "nothing is asked",
        ASKED + "return -cross_entropy(scores[asked], labels[asked])": "The sign",
        ASKED + "return cross_entropy(scores[asked], labels[asked], reduction='none')": "one by one",
        "return cross_entropy(scores, labels)": "choose the asked positions first",
    },
    "around": {
        SEEN.replace(" & (offset != 0)", "") + "return ids.where(seen, mask_id)": "gap itself",
        SEEN.replace("-before", "-after").replace("<= after", "<= before") + "return ids.where(seen, mask_id)": "traded places",
        SEEN.replace(">=", ">") + "return ids.where(seen, mask_id)": "Before the gap one token too few",
        SEEN.replace("<= after", "< after") + "return ids.where(seen, mask_id)": "After the gap one token too few",
        SEEN + "return ids.where(~seen, mask_id)": "inverted",
        "out = torch.full_like(ids, mask_id)\nout[gap - before : gap] = ids[gap - before : gap]\n"
        "out[gap + 1 : gap + 1 + after] = ids[gap + 1 : gap + 1 + after]\nreturn out": "Near the beginning",
    },
    "learn": {
        LEARN.replace("    optimizer.zero_grad()\n", "").replace("in labels", "in ids"): "Both bugs",
        LEARN.replace("in labels", "in ids"): "every token",
        LEARN.replace("    optimizer.zero_grad()\n", ""): "From the second step on",
        LEARN.replace("loss.backward()", "(-loss).backward()"): "uphill",
        START
        + LOOP
        + "    loss.backward()\n    optimizer.zero_grad()\n    optimizer.step()\nreturn scores.detach()": "Nothing is learned",
    },
}
RIGHT = {
    "how_many": ["1.89", "126 * 0.015"],
    "by_counting": ["1.213", "1.75 * math.log(2)"],
    "hide": [
        HIDE,
        CHOSEN
        + "masked = torch.where(chosen & (fate < 0.8), mask_id, ids)\n"
        + "masked = torch.where(chosen & (fate >= 0.9), pieces, masked)\nreturn masked, torch.where(chosen, ids, -100)",
    ],
    "masked_loss": [
        "return cross_entropy(scores.flatten(0, 1), labels.flatten())",
        ASKED + "p = scores[asked].softmax(-1)\nreturn -p[torch.arange(len(p)), labels[asked]].log().mean()",
        "return torch.nn.functional.cross_entropy(scores.transpose(1, 2), labels)",
    ],
    "around": [
        SEEN + "return ids.where(seen, mask_id)",
        "out = torch.full_like(ids, mask_id)\nfor at in range(max(0, gap - before), min(len(ids), gap + after + 1)):\n"
        "    if at != gap:\n        out[at] = ids[at]\nreturn out",
    ],
    "learn": [
        LEARN,
        START + LOOP + "    scores.grad = None\n    loss.backward()\n    optimizer.step()\nreturn scores.detach()",
    ],
}


class TestPage06(Proof):
    page, exercises, names, wrong, right, before = "page06", EXERCISES, NAMES, WRONG, RIGHT, {"": IMPORTS}
