"""The proof of page 03's checks: a named wrong answer gets its own message, a right one written in another way is right."""

import pytest
import torch
from proof import Proof

from bertnotes.exercises.page03 import EXERCISES

NAMES = {"size_of_a_head": "answer", "mixed_up": "look_around"}
EARLIER = """
def attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(key.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(dim=-1)
    return weights @ value, weights
"""
OWN = """
def split_heads(hidden, num_heads):
    return hidden.unflatten(-1, (num_heads, -1)).transpose(1, 2)
"""
BACK = """
def merge_heads(heads):
    return heads.transpose(1, 2).flatten(2)
"""
LINEAR = "def linear(x, name): return x @ weights[name + '.weight'].T + weights[name + '.bias']\n"
THREE = "q, k, v = (split_heads(linear(hidden, name), weights['num_heads']) for name in ('query', 'key', 'value'))\n"
LOOK = "found, looks = attention(q, k, v, mask)\n"
END = "return linear(merge_heads(found), 'output'), looks"
B = "batch, positions, size = hidden.shape\n"
WHOLE = f"""
def multi_head(hidden, weights, mask=None):
    {LINEAR}    {THREE}    {LOOK}    {END}
"""
OFF = "size = hidden.shape[-1] // weights['num_heads']\nown = slice(head * size, (head + 1) * size)\nnew = dict(weights)\n"
ONE = "return multi_head(hidden, new)[0]"


def zero(name, place):
    """Code that puts 0 in a place of a copy."""
    return f"new['{name}'] = new['{name}'].clone()\nnew['{name}'][{place}] = 0\n"


WRONG = {
    "size_of_a_head": {
        "768": "hidden size of BERT-base",
        "1024 / 12": "BERT-large has 16",
        "1024": "all columns",
        "16": "how many heads",
        "16384": "You multiplied",
        "8": "the root of 64",
        "192": "about the query",
        "100": "no usual slip",
    },
    "split_heads": {
        "return hidden.reshape(hidden.shape[0], num_heads, hidden.shape[1], -1)": "words and heads are mixed",
        "return hidden.view(hidden.shape[0], num_heads, hidden.shape[1], hidden.shape[2] // num_heads)": "words and heads are",
        "return hidden.unflatten(-1, (num_heads, -1))": "traded places",
        "return hidden.unflatten(-1, (-1, num_heads)).permute(0, 3, 1, 2)": "neighbouring ones",
        "return hidden.unflatten(-1, (num_heads, -1)).permute(0, 2, 3, 1)": "turned round",
        "return torch.stack(hidden.chunk(num_heads, dim=-1))": "in front of the batch",
        "return hidden": "Nothing is split",
        "return hidden.view(1, 3, num_heads, hidden.shape[-1] / num_heads)": "whole numbers",
        "hidden.unflatten(-1, (num_heads, -1))": "returns None",
    },
    "merge_heads": {
        "return heads.reshape(heads.shape[0], heads.shape[2], -1)": "words and heads are mixed",
        "return heads.transpose(1, 2)": "still two axes",
        "return heads.permute(0, 2, 3, 1).flatten(2)": "shuffled like cards",
        "return heads.flatten(1, 2)": "one below the other",
        "return heads.flatten(2)": "a long row of its own",
        "return heads.mean(dim=1)": "add or average",
        "return heads": "Nothing is merged",
        "b, h, p, d = heads.shape\nreturn heads.transpose(1, 2).view(b, p, h * d)": "`view` cannot do",
    },
    "multi_head": {
        LINEAR.replace(".T", "") + THREE + LOOK + END: "stores them transposed",
        LINEAR + THREE + LOOK + "return merge_heads(found), looks": "not mixed",
        LINEAR.replace(" + weights[name + '.bias']", "") + THREE + LOOK + END: "biases are missing",
        LINEAR + THREE.replace("weights['num_heads']", "1") + LOOK + END: "not split into heads",
        LINEAR
        + "q, k, v = (linear(hidden, n).reshape(len(hidden), weights['num_heads'], hidden.shape[1], -1) "
        + "for n in ('query', 'key', 'value'))\n"
        + LOOK
        + END: "On the way in",
        LINEAR + THREE + LOOK + "return linear(found.reshape(hidden.shape), 'output'), looks": "On the way back",
        LINEAR + THREE + LOOK.replace(", mask", "") + END: "no attention to the mask",
        LINEAR + THREE.replace("q, k, v", "k, q, v") + LOOK + END: "Query and key are swapped",
        LINEAR + THREE.replace("'value')", "'key')") + LOOK + END: "matrix of the keys",
        LINEAR + THREE + LOOK + END.removesuffix(", looks"): "Only the output",
    },
    "without_head": {
        OFF + zero("output.weight", "own") + ONE: "You set *rows*",
        OFF + zero("query.weight", "own") + zero("query.bias", "own") + ONE: "looks everywhere",
        OFF + zero("value.weight", "own") + ONE: "still adds its bias",
        OFF + zero("output.weight", ":, own") + zero("output.bias", "own") + ONE: "belongs to no head",
        OFF.replace("head *", "(head - 1) *").replace("(head + 1)", "head") + zero("output.weight", ":, own") + ONE: (
            "counts from 0"
        ),
        "return multi_head(hidden, weights)[0]": "still there",
        OFF + zero("output.weight", ":, own") + "return multi_head(hidden, new)": "returns two things",
        OFF
        + "new['output.weight'] = torch.zeros_like(new['output.weight'])\n"
        + "new['output.weight'][:, own] = weights['output.weight'][:, own]\n"
        + ONE: "that head alone",
    },
    "mixed_up": {
        B + "h = hidden.reshape(batch, num_heads, positions, -1)\nreturn attention(h, h, h)[0].reshape(hidden.shape) + 0.0": (
            "still there"
        ),
        B
        + "h = hidden.reshape(batch, positions, num_heads, -1).transpose(1, 2)\n"
        + "return attention(h, h, h)[0].reshape(hidden.shape)": "The way in is right",
        B
        + "h = hidden.reshape(batch, num_heads, positions, -1)\n"
        + "return attention(h, h, h)[0].transpose(1, 2).reshape(hidden.shape)": "The way back is right",
        B
        + "h = hidden.reshape(batch, positions, num_heads, -1)\n"
        + "return attention(h, h, h)[0].reshape(hidden.shape)": "not swapped",
        "return attention(hidden, hidden, hidden)[0]": "so are the heads",
    },
}
RIGHT = {
    "size_of_a_head": ["64", "1024 / 16"],
    "split_heads": [
        "b, p, s = hidden.shape\nreturn hidden.view(b, p, num_heads, s // num_heads).permute(0, 2, 1, 3)",
        "return torch.stack(hidden.chunk(num_heads, dim=-1), dim=1)",
        "size = hidden.shape[-1] // num_heads\n"
        "return torch.stack([hidden[..., i * size : (i + 1) * size] for i in range(num_heads)], dim=1)",
    ],
    "merge_heads": [
        "b, h, p, d = heads.shape\nreturn heads.transpose(1, 2).contiguous().view(b, p, h * d)",
        "return torch.cat(list(heads.unbind(1)), dim=-1)",
        "return torch.cat([heads[:, i] for i in range(heads.shape[1])], -1)",
    ],
    "multi_head": [
        LINEAR + THREE + LOOK + END,
        "from torch.nn.functional import linear\n"
        "q, k, v = (split_heads(linear(hidden, weights[n + '.weight'], weights[n + '.bias']), weights['num_heads']) "
        "for n in ('query', 'key', 'value'))\n"
        + LOOK
        + "return linear(merge_heads(found), weights['output.weight'], weights['output.bias']), looks",
        LINEAR
        + "Q, K, V = (linear(hidden, n) for n in ('query', 'key', 'value'))\nsize = hidden.shape[-1] // weights['num_heads']\n"
        + "parts = [attention(*(x[..., i : i + size] for x in (Q, K, V)), None if mask is None else mask[:, 0])\n"
        + "         for i in range(0, hidden.shape[-1], size)]\n"
        + "return linear(torch.cat([o for o, _ in parts], -1), 'output'), torch.stack([w for _, w in parts], 1)",
    ],
    "without_head": [
        OFF + zero("output.weight", ":, own") + ONE,
        OFF + zero("value.weight", "own") + zero("value.bias", "own") + ONE,
        OFF
        + "whole, looks = multi_head(hidden, weights)\n"
        + "values = split_heads(hidden @ weights['value.weight'].T + weights['value.bias'], weights['num_heads'])[:, head]\n"
        + "return whole - looks[:, head] @ values @ weights['output.weight'][:, own].T",
    ],
    "mixed_up": [
        "h = split_heads(hidden, num_heads)\nreturn merge_heads(attention(h, h, h)[0])",
        "parts = hidden.chunk(num_heads, dim=-1)\nreturn torch.cat([attention(p, p, p)[0] for p in parts], dim=-1)",
    ],
}


class TestPage03(Proof):
    page, exercises, names, wrong, right = "page03", EXERCISES, NAMES, WRONG, RIGHT
    before = (
        {"": EARLIER}
        | {name: OWN + BACK for name in EXERCISES if name not in ("split_heads", "merge_heads")}
        | {"without_head": OWN + BACK + WHOLE}
    )


def test_what_was_kept_is_used_in_a_new_notebook(notebook):
    """As a learner comes back: attention of page 01, split and merge are in my_bert.py alone."""
    for name in ("split_heads", "merge_heads"):
        assert notebook.check(name, name, TestPage03.texts()[name]["solution"]).passed
    fresh = type(notebook)()
    fresh.run(EARLIER)
    assert fresh.check("multi_head", "multi_head", TestPage03.of("multi_head", LINEAR + THREE + LOOK + END)).state == "right"


@pytest.mark.parametrize("place", ["weights", "dict(weights)"])
def test_a_head_that_stays_off_is_noticed(notebook, place):
    """Zeroed in place: the dict, or a new dict that holds the caller's own tensors."""
    code = OFF.replace("dict(weights)", place) + "new['output.weight'][:, own] = 0\n" + ONE
    said = TestPage03.verdict(notebook, "without_head", code)
    assert said.state == "right but" and "It changes `weights`" in said.message


def test_a_tensor_put_into_the_callers_dict_is_noticed(notebook):
    code = OFF.replace("dict(weights)", "weights") + zero("output.weight", ":, own") + ONE
    assert "It changes `weights`" in TestPage03.verdict(notebook, "without_head", code).message


def test_a_dict_of_parameters_is_told_in_few_words(notebook):
    said = TestPage03.verdict(notebook, "multi_head", LINEAR.replace(".T", "") + THREE + LOOK + END)
    assert "a dict of 9: query.weight" in said.message and "tensor(" not in said.message
    assert torch.is_tensor(EXERCISES["multi_head"].cases(1)[0].inputs["weights"]["query.weight"])
