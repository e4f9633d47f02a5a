"""The proof of page 01's checks: a named wrong answer gets its own message, a right one written in another way is right.

The wrong answers are mistakes that people make, collected before the checks were written. Where one was met in published code
or in a thread, page01.py says where.
"""

from importlib.util import find_spec

import pytest
from proof import Proof, answers

from bertnotes import exercises
from bertnotes.exercises.page01 import EXERCISES

NAMES = {"one_weight": "answer", "root": "answer", "empty_row": "attention_weights", "find_the_bug": "masked_attention"}
SCORES = "scores = query @ key.transpose(-2, -1) / math.sqrt(key.shape[-1])\n"
SHARE = "\nreturn e / e.sum(-1, keepdim=True)"
TABLE = "attention_mask[:, None, :] * attention_mask[:, :, None]"
SOFT = "weights = scores.softmax(dim=-1)\n"
BOTH = "\nreturn weights @ value, weights"
HIDE = "if mask is not None: scores = scores.masked_fill(~mask, -math.inf)\n"
ADD = SCORES + "if mask is not None: scores = scores + torch.zeros(mask.shape).masked_fill(~mask, -math.inf)\n"
END = "weights = scores.softmax(dim=-1)\nreturn weights @ value, weights"


WRONG = {
    "one_weight": {
        "0.88": "did not scale",
        "0.55": "divided by $d_k$",
        "0.26": "the *first* key",
        "0.035": "the *third* key",
        "7.39": "$e$ to the score. Divide",
        "4": "the dot product",
        "2": "the scaled score",
        "70.5": "As a percentage",
        "0.333": "no usual slip",
        "'0.7, I think'": "Expected a number, met a str",
        "[0.7, 0.3]": "Expected a number, met a list",
    },
    "root": {
        "256": "the *variance*",
        "1 / 16": "*multiply*",
        "65536": "256 squared",
        "1": "*after* dividing",
        "8": "64 numbers",
        "512 ** 0.5": "a sum of 256 products",
        "128": "half of 256",
        "17": "no usual slip",
    },
    "softmax": {
        "return torch.exp(scores) / torch.exp(scores).sum(dim=-1, keepdim=True)": "Large scores give `nan`",
        "e = torch.exp(scores - scores.max())\nreturn e / e.sum(dim=-1, keepdim=True)": "the largest score of all rows",
        "e = torch.exp(scores - scores.max())\nreturn e / torch.sum(e)": "the sum over everything",
        "e = torch.exp(scores)\nreturn e / e.sum()": "the sum over everything",
        "e = torch.exp(scores - scores.amax(0))\nreturn e / e.sum(dim=0)": "along the first axis",
        "return torch.softmax(scores, dim=0)": "along the first axis",
        "e = torch.exp(scores)\nreturn e / e.sum(dim=0)": "along the first axis",
        "return torch.softmax(scores, -1).amax(-1)": "returns the shape (2,); expected (2, 2)",
        "e = torch.exp(scores - scores.amax())\nreturn e / e.sum(dim=1, keepdim=True)": "`dim=1` is the last axis only",
        "return torch.softmax(scores, dim=1)": "`dim=1` is the last axis only",
        "e = torch.exp(scores - scores.amax(-1, keepdim=True))\nreturn e / e.sum(-1)": "The sums have lost their axis",
        "e = torch.exp(scores - scores.amin(-1, keepdim=True))" + SHARE: "such as the smallest or the mean",
        "e = torch.exp(scores.clamp(max=80))" + SHARE: "cut large scores off",
        "e = torch.exp(scores / scores.amax(-1, keepdim=True))" + SHARE: "divide by the largest score",
        "return torch.log_softmax(scores, dim=-1)": "the logarithm of softmax",
        "return scores / scores.sum(-1, keepdim=True)": "share out the scores themselves",
        "return torch.exp(scores - scores.amax(-1, keepdim=True))": "These are the exponentials",
        "e = torch.exp(scores - scores.max(-1, keepdim=True))" + SHARE: "`max(dim=...)` gives two things",
        "e = torch.exp(scores - scores.amax(-1))" + SHARE: "An axis was lost|the numbers are not",
        "return [[0.5, 0.5]]": "returns a list of 1",
        "torch.exp(scores)": "returns None",
    },
    "causal_mask": {
        "return torch.ones(length, length, dtype=torch.bool).triu()": "the wrong way round",
        "return torch.ones(length, length, dtype=torch.bool).tril(-1)": "A word may see itself too",
        "return torch.ones(length, length, dtype=torch.bool).tril(1)": "one word ahead",
        "return torch.triu(torch.ones(length, length), diagonal=1).bool()": "True marks what is hidden",
        "return torch.triu(torch.ones(length, length), diagonal=1)": "True marks what is hidden",
        "return torch.tril(torch.ones(length, length))": "these are numbers",
        "return torch.triu(torch.full((length, length), float('-inf')), diagonal=1)": "a mask to be added",
        "return torch.ones(length, length).bool()": "Everything may be seen",
        "return torch.eye(length).bool()": "only itself",
        "return torch.ones(3, 3, dtype=torch.bool).tril()": "returns the shape (3, 3); expected (1, 1)",
        "return torch.ones(1, 1, length, length).bool().tril()": "returns the shape (1, 1, 3, 3); expected (3, 3)",
    },
    "padding_mask": {
        "return (attention_mask == 0)[:, None, None, :]": "It is inverted",
        "return attention_mask == 0": "It is inverted",
        "return attention_mask.bool()": "the shape is not",
        "return attention_mask.bool().unsqueeze(1)": "One axis is missing",
        "return attention_mask[:, None, :, None].bool()": "stand on the wrong axis",
        f"return ({TABLE}).bool().unsqueeze(1)": "keeps the fillers from looking",
        "return attention_mask[:, None, None, :]": "these are numbers",
        "return attention_mask.unsqueeze(1).unsqueeze(2).float()": "these are numbers",
        "return attention_mask": "as they came in",
        "return ~attention_mask[:, None, None, :].bool()": "It is inverted",
    },
    "attention": {
        SCORES.replace(" / math.sqrt(key.shape[-1])", "") + HIDE + END: "do not scale",
        SCORES.replace("math.sqrt(key.shape[-1])", "key.shape[-1]") + HIDE + END: "by $d_k$, not by its root",
        SCORES.replace(" / ", " * ") + HIDE + END: "multiply by the root",
        SCORES.replace("key.shape[-1]", "key.shape[-2]") + HIDE + END: "the number of *words*",
        SCORES.replace("key.shape[-1]", "query.shape[-2]") + HIDE + END: "the number of *words*",
        SCORES.replace("key.shape[-1]", "key.shape[0]") + HIDE + END: "|".join(["its first axis", "the number of *words*"]),
        SCORES.replace("key.shape[-1]", "key.numel()") + HIDE + END: "of a whole tensor",
        "scores = query @ key.transpose(-2, -1)\n"
        + HIDE
        + "weights = scores.softmax(dim=-1) / math.sqrt(key.shape[-1])\nreturn weights @ value, weights": "scale after softmax",
        SCORES + HIDE + END.replace("-1", "-2"): "runs down the columns",
        SCORES + HIDE + END.replace("-1", "1"): "counted from the front",
        SCORES + HIDE + "return scores @ value, scores": "no softmax",
        SCORES + HIDE.replace("~", "") + END: "The mask is inverted",
        SCORES + HIDE.replace("~mask, -math.inf", "mask == 1, -1e9") + END: "The mask is inverted",
        SCORES + END: "no attention to the mask",
        SCORES + SOFT + "if mask is not None: weights = weights * mask" + BOTH: "mask after softmax",
        SCORES + SOFT + "if mask is not None: weights = weights.masked_fill(~mask, 0)" + BOTH: ("mask after softmax"),
        SCORES + "if mask is not None: scores = scores * mask\n" + END: "A score of 0 is still a score",
        SCORES + HIDE.replace("-math.inf", "-1e-9") + END: "A score of 0 is still a score",
        SCORES + "if mask is not None: scores = scores + mask\n" + END: "You add the mask to the scores",
        SCORES + HIDE.replace("-math.inf", "1e9") + END: "*plus* infinity",
        SCORES + HIDE.replace("-math.inf", "-10") + END: "too close to 0",
        SCORES + HIDE + END.replace("weights @ value, weights", "weights, weights @ value"): "in the wrong order",
        SCORES + HIDE + END.replace("weights @ value, weights", "weights @ value"): "Only the output",
        SCORES + HIDE + END.replace("weights @ value, weights", "weights"): "only the weights",
        SCORES + HIDE + END.replace("@ value", "@ key"): "average the *keys*",
        SCORES.replace(".transpose(-2, -1)", "") + HIDE + END: "the last two axes of the key trade places",
        SCORES.replace(".transpose(-2, -1)", ".T") + HIDE + END: "`.T` turns all axes round|axes of the key trade places",
        SCORES + HIDE.replace("is not None", "") + END: "asks a whole table",
        SCORES + HIDE.removeprefix("if mask is not None: ") + END: "`mask` is None then",
        "weights = (lambda: None)()\nreturn weights @ value, weights": "is a `...` left",
    },
    "empty_row": {
        SCORES + HIDE + "return scores.softmax(-1)": "is `nan`",
        SCORES + HIDE.replace("-math.inf", "-1e9") + "return scores.softmax(-1)": "looks at all words alike",
        SCORES + HIDE.replace("~mask", "~mask & mask.any(-1, keepdim=True)") + "return scores.softmax(-1)": ("see everything"),
        "if mask is not None:\n    mask = mask.clone()\n    mask[..., 0] |= ~mask.any(-1)\n"
        + SCORES
        + HIDE
        + "return scores.softmax(-1)": ("look at one word"),
        SCORES
        + "if mask is not None and not mask.any(-1).all(): return torch.zeros_like(scores)\n"
        + HIDE
        + "return scores.softmax(-1)": ("makes all rows zero"),
        SCORES
        + "if mask is not None and not mask.any(): return torch.zeros_like(scores)\n"
        + HIDE
        + "return scores.softmax(-1)": ("is `nan`"),
        SCORES + "weights = scores.softmax(-1)\nreturn weights if mask is None else weights * mask": "mask after softmax",
        SCORES + HIDE.replace("~", "") + "return scores.softmax(-1).nan_to_num(0)": "The mask is inverted",
        SCORES + "return scores.softmax(-1)": "no attention to the mask",
        SCORES.replace(" / math.sqrt(key.shape[-1])", "") + HIDE + "return scores.softmax(-1).nan_to_num(0)": "do not scale",
    },
    "find_the_bug": {
        SCORES + "scores = scores.masked_fill(~mask, -math.inf)\nreturn scores.softmax(dim=-2) @ value": "the mask is right",
        SCORES
        + "scores = scores.masked_fill(mask, -math.inf)\nreturn scores.softmax(dim=-1) @ value": "the axis is right. One",
        SCORES + "return scores.softmax(dim=-1) @ value": "the mask is gone. It was inverted",
        SCORES + "return scores.softmax(dim=-2) @ value": "the axis is still wrong",
        SCORES + "scores = scores.masked_fill(mask == 1, -math.inf)\nreturn scores.softmax(dim=-2) @ value": "Both bugs",
        SCORES
        + "scores = scores.masked_fill(~mask, -math.inf)\nreturn scores.softmax(dim=1) @ value": "counted from the front",
        SCORES + "return (scores.softmax(dim=-1) * mask) @ value": "mask after softmax",
    },
}
LIBRARY = "return torch.nn.functional.scaled_dot_product_attention(query, key, value, mask), None"
CAUTIONS = {
    "softmax": {
        "return scores.softmax(dim=-1)": "`softmax` does the work",
        "return torch.softmax(scores, -1)": "`softmax` does the work",
        "from bertnotes.attention import attention_weights\nreturn torch.nn.functional.softmax(scores, -1)": "does the work",
        "scores -= scores.amax(-1, keepdim=True)\ne = torch.exp(scores)" + SHARE: "changes `scores`",
    },
    "padding_mask": {
        "n = len(attention_mask[0])\nreturn attention_mask.bool()[:, None, None].expand(-1, 1, n, n)": "longer than it need be",
    },
    "attention": {
        SCORES + HIDE.replace("-math.inf", "-1e4") + END: "far below 0",
        SCORES + HIDE + "value *= 1.0\nvalue += 1\n" + END.replace("@ value", "@ (value - 1)"): "changes `value`",
    },
    "empty_row": {
        ADD + "return scores.softmax(-1).nan_to_num(0)": "their gradient is `nan`",
        ADD + "w = scores.softmax(-1)\nreturn torch.where(w.isnan(), 0.0, w)": "their gradient is `nan`",
    },
}
RIGHT = {
    "one_weight": ["0.7", "0.71", "0.7054", "torch.tensor(0.705)", "math.e**2 / (math.e + math.e**2 + 1 / math.e)"],
    "root": ["16", "16.0", "math.sqrt(256)"],
    "softmax": [
        "return (scores - scores.logsumexp(dim=-1, keepdim=True)).exp()",
        "e = torch.exp(scores - scores.max(dim=-1, keepdim=True).values)\nreturn e / e.sum(-1).unsqueeze(-1)",
        "d = scores[..., None, :] - scores[..., :, None]\nreturn 1 / d.exp().sum(-1)",
        "e = (scores - scores.amax(-1, True)).double().exp()\nreturn torch.einsum('...i,...->...i', e, 1 / e.sum(-1)).float()",
        "import numpy as np\nx = scores.numpy()\ne = np.exp(x - x.max(-1, keepdims=True))\n"
        "return torch.from_numpy(e / e.sum(-1, keepdims=True))",
    ],
    "causal_mask": [
        "place = torch.arange(length)\nreturn place[None, :] <= place[:, None]",
        "return ~torch.triu(torch.ones(length, length), diagonal=1).bool()",
        "return torch.tensor([[column <= row for column in range(length)] for row in range(length)])",
    ],
    "padding_mask": [
        "return (attention_mask == 1).unsqueeze(1).unsqueeze(2)",
        "return attention_mask.view(len(attention_mask), 1, 1, -1) > 0",
        "from torch import logical_not\nreturn logical_not(attention_mask == 0)[:, None, None]",
    ],
    "attention": [
        SCORES + HIDE + END,
        SCORES + HIDE.replace("-math.inf", "-1e9") + END,
        SCORES.replace(" / math.sqrt(key.shape[-1])", "").replace("query @", "(query * key.shape[-1] ** -0.5) @") + HIDE + END,
        "scores = torch.einsum('...qd,...kd->...qk', query, key) / query.size(-1) ** 0.5\n"
        + HIDE
        + "weights = torch.softmax(scores, -1)\nreturn torch.einsum('...qk,...kv->...qv', weights, value), weights",
        SCORES.replace("scores", "s")
        + "if mask is not None: s = s + torch.zeros(mask.shape).masked_fill(~mask, -torch.inf)\n"
        + "p = (s - s.amax(-1, True)).exp()\nreturn (p @ value) / p.sum(-1, True), p / p.sum(-1, True)",
        SCORES
        + "e = scores.exp() if mask is None else scores.exp() * mask\ne = e / e.sum(-1, keepdim=True)\nreturn [e @ value, e]",
        "from math import sqrt\nfrom torch.nn import functional as F\nfrom torch import matmul\n"
        "scores = matmul(query, key.mT) / sqrt(key.shape[-1])\n"
        "if mask is not None: scores[~mask.expand_as(scores)] = float('-inf')\n"
        "weights = F.softmax(scores, dim=-1)\nreturn matmul(weights, value), weights",
    ],
    "empty_row": [
        SCORES + HIDE + "return scores.softmax(-1).nan_to_num(0)",  # the gradient of masked_fill is 0 where it filled
        SCORES + "if mask is None: return scores.softmax(-1)\n"
        "e = (scores - scores.amax(-1, keepdim=True)).exp() * mask\nreturn e / e.sum(-1, keepdim=True).clamp(min=1e-30)",
        SCORES + "if mask is None: return scores.softmax(-1)\nsome = mask.any(-1, keepdim=True)\n"
        "return scores.masked_fill(~mask & some, -math.inf).softmax(-1) * some",
        SCORES
        + "if mask is None: return scores.softmax(-1)\nreturn torch.where(mask, scores, torch.tensor(-1e9)).softmax(-1) * mask",
    ],
    "find_the_bug": [
        SCORES + "scores = torch.where(mask, scores, -torch.inf)\nreturn torch.softmax(scores, -1) @ value",
        "return torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)",
    ],
}
# the e of scores that are all very large is 0 / 0, so that this one is right but
CAUTIONS["attention"][RIGHT["attention"].pop(5)] = "far below 0"


class TestPage01(Proof):
    page, exercises, names, wrong, right = "page01", EXERCISES, NAMES, WRONG, RIGHT

    @pytest.mark.parametrize(("name", "answer", "message"), answers(CAUTIONS))
    def test_a_right_answer_with_a_snag_is_told_the_snag(self, notebook, name, answer, message):
        said = self.verdict(notebook, name, answer)
        assert said.state == "right but" and message in said.message, said


def test_einops_is_accepted(notebook):
    if find_spec("einops") is None:
        pytest.skip("einops is not installed: pip install einops")
    notebook.run("from einops import einsum, rearrange")
    body = "scores = einsum(query, key, '... q d, ... k d -> ... q k') / query.shape[-1] ** 0.5\n"
    said = TestPage01.verdict(notebook, "attention", body + HIDE + END)
    assert said.state == "right", said


SCALED = "s = query @ key.mT / key.shape[-1] ** 0.5\nif mask is not None: s = s.masked_fill(~mask, -math.inf)\n"
LOOPS = "rows = [[math.exp(x) for x in row] for row in scores.tolist()]\n"
LOOPS += "return torch.tensor([[x / sum(row) for x in row] for row in rows])"


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("softmax", "return exp(scores)", "For tensors it is `torch.exp`."),
        ("softmax", LOOPS, "Subtract the largest score of the row"),
        ("attention", "print('here')\nquery / None", "It printed:\n\n    here"),
        ("attention", "query @ key.mT", "It returns None"),
        ("empty_row", SCALED + "return s.softmax(-1).nan_to_num(0) * mask", "the mask, which may be None"),
        ("empty_row", SCALED + "return s.softmax(-1).nan_to_num(0).detach()", "cut the gradient off"),
        (
            "empty_row",
            SCALED + "e = s.exp()\nreturn e / (e.sum(-1, keepdim=True) + 1e-9)",
            "Scores in the thousands give `nan`",
        ),
    ],
)
def test_what_a_learner_met_in_a_notebook(notebook, name, body, said):
    """Answers of someone who did the exercises with mistakes on purpose, and what helps on."""
    assert said in TestPage01.verdict(notebook, name, body).message


def test_a_number_that_no_answer_can_be():
    assert "A decimal has a point in Python" in exercises.check("one_weight", (0, 71)).message
    assert "root of 2" in exercises.check("one_weight", 0.795).message
    assert "keys of 2 numbers" in exercises.check("root", 2**0.5).message
