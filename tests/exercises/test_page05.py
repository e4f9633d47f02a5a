"""The proof of page 05's checks; and the seven functions together are BERT: with mini's parameters they give its numbers."""

from proof import Proof

from bertnotes.exercises.page05 import EXERCISES, RENAMED

EARLIER = """
def padding_mask(attention_mask):
    return attention_mask[:, None, None, :].bool()

def multi_head(hidden, weights, mask=None):
    heads = {}
    for name in ("query", "key", "value"):
        made = hidden @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        heads[name] = made.unflatten(-1, (weights["num_heads"], -1)).transpose(1, 2)
    scores = heads["query"] @ heads["key"].mT / math.sqrt(heads["key"].shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    found = (scores.softmax(dim=-1) @ heads["value"]).transpose(1, 2).flatten(2)
    return found @ weights["output.weight"].T + weights["output.bias"], scores.softmax(dim=-1)

def part(weights, prefix):
    found = {name.removeprefix(prefix): table for name, table in weights.items() if name.startswith(prefix)}
    return found | {"num_heads": weights["num_heads"]}
"""
NORM = """
def layer_norm(hidden, gain, bias, eps=1e-12):
    distance = hidden - hidden.mean(dim=-1, keepdim=True)
    return distance / ((distance**2).mean(dim=-1, keepdim=True) + eps).sqrt() * gain + bias
"""
FORWARD = """
def gelu(x):
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2

def feed_forward(hidden, weights):
    wide = gelu(hidden @ weights["expand.weight"].T + weights["expand.bias"])
    return wide @ weights["contract.weight"].T + weights["contract.bias"]
"""
GELU = FORWARD[: FORWARD.index("def feed_forward")]
EMBED = """
def embed(input_ids, token_type_ids, weights):
    summed = weights["word.weight"][input_ids] + weights["position.weight"][: input_ids.shape[1]]
    return layer_norm(summed + weights["token_type.weight"][token_type_ids], weights["norm.weight"], weights["norm.bias"])
"""
LAYER = """
def layer(hidden, weights, mask=None):
    found, _ = multi_head(hidden, part(weights, "attention."), mask)
    seen = layer_norm(hidden + found, weights["attention_norm.weight"], weights["attention_norm.bias"])
    return layer_norm(seen + feed_forward(seen, weights), weights["output_norm.weight"], weights["output_norm.bias"])
"""
NAMES_ON_DISK = f"\nRENAMED = {list(RENAMED)!r}\n"

CUT = """pieces, start = [], 0
while start < len(word):
    mark = "##" if start else ""
    ends = [end for end in range(len(word), start, -1) if mark + word[start:end] in vocabulary]
    if not ends:
        return torch.tensor([], dtype=torch.long)
    pieces.append(ends[0] - start)
    start = ends[0]
return torch.tensor(pieces)"""
D = "d = hidden - hidden.mean(dim=-1, keepdim=True)\n"
SUM = 'w, p = weights["word.weight"][input_ids], weights["position.weight"][: input_ids.shape[1]]\n'
SUM += 't = weights["token_type.weight"][token_type_ids]\n'
ENDS = 'layer_norm({}, weights["norm.weight"], weights["norm.bias"])'
WIDE = 'wide = hidden @ weights["expand.weight"].T + weights["expand.bias"]\n'
THIN = ' @ weights["contract.weight"].T + weights["contract.bias"]'
FOUND = 'found, _ = multi_head(hidden, part(weights, "attention."), mask)\n'
SEEN = 'seen = layer_norm(hidden + found, weights["attention_norm.weight"], weights["attention_norm.bias"])\n'
OUT = 'return layer_norm(seen + feed_forward(seen, weights), weights["output_norm.weight"], weights["output_norm.bias"])'
RENAME = """found = {}
for name, table in stored.items():
    if not name.startswith("cls."):
        name = name.removeprefix("bert.")
        for theirs, ours in RENAMED:
            name = name.replace(theirs, ours)
        found[name] = table
return found"""
STOPS = "if theirs in name:\n                name = name.replace(theirs, ours)\n                break"
START = 'hidden = embed(input_ids, torch.zeros_like(input_ids), part(weights, "embeddings."))\n'
START += "mask = padding_mask(attention_mask)\n"
LOOP = """for number in range(sum(name.endswith("expand.weight") for name in weights)):
    hidden = layer(hidden, part(weights, f"layers.{number}."), mask)
return hidden"""

WRONG = {
    "word_pieces": {
        CUT.replace("range(len(word), start, -1)", "range(start + 1, len(word) + 1)"): "shortest piece",
        CUT.replace('"##" if start else ""', '""'): "`##` in front",
        CUT.replace("torch.tensor([], dtype=torch.long)", "torch.tensor(pieces, dtype=torch.long)"): "do not count",
        CUT.replace("return torch.tensor(pieces)", "return torch.tensor(len(pieces))"): "how many pieces there are",
        CUT.replace("return torch.tensor(pieces)", "return pieces"): "expected a tensor",
    },
    "layer_norm": {
        D + "return d / (hidden.var(-1, keepdim=True) + eps).sqrt() * gain + bias": "one less than the size",
        D + "return d / ((d**2).mean(-1, keepdim=True) + eps) * gain + bias": "divide by the variance",
        D + "return hidden / ((d**2).mean(-1, keepdim=True) + eps).sqrt() * gain + bias": "not taken off",
        D + "return d / ((d**2).mean(-1, keepdim=True).sqrt() + eps) * gain + bias": "under the root",
        D + "return (d / ((d**2).mean(-1, keepdim=True) + eps).sqrt() + bias) * gain": "before the gain",
        D + "return d / ((d**2).mean(-1, keepdim=True) + eps).sqrt()": "Gain and bias",
        "d = hidden - hidden.mean(dim=1, keepdim=True)\nreturn d": "numbers are not",
    },
    "embed": {
        SUM + f"return {ENDS.format('w + t')}": "positions are missing",
        SUM + f"return {ENDS.format('w + p')}": "token types are missing",
        SUM + f"return {ENDS.format('w')}": "Positions and token types",
        SUM + f"return {ENDS.format('w + t + p[:1]')}": "vector of position 0",
        SUM + "return w + p + t": "LayerNorm at the end",
        SUM + f"return {ENDS.format('w')} + {ENDS.format('p')} + {ENDS.format('t')}": "norm each of the three",
    },
    "feed_forward": {
        WIDE + "return wide" + THIN: "no curve",
        WIDE + "return wide.relu()" + THIN: "That is ReLU",
        WIDE + "return (gelu(wide) / wide)" + THIN: "bell curve alone",
        WIDE + "return (wide * (1 + torch.erf(wide)) / 2)" + THIN: "root of 2",
        WIDE + "return (2 * gelu(wide))" + THIN: "not halved",
        WIDE + "return gelu(gelu(wide)" + THIN + ")": "second GELU",
        WIDE + "return hidden + gelu(wide)" + THIN: "layer's job",
        'return gelu(hidden @ weights["expand.weight"].T) @ weights["contract.weight"].T': "biases are missing",
        'return gelu(hidden @ weights["expand.weight"]) @ weights["contract.weight"]': "from the right side",
    },
    "layer": {
        FOUND + SEEN.replace("hidden + found", "found") + OUT: "first addition",
        FOUND + SEEN + OUT.replace("seen + feed", "feed"): "second addition",
        FOUND + SEEN.replace("hidden + found", "found") + OUT.replace("seen + feed", "feed"): "Both additions",
        FOUND + SEEN + OUT.replace("seen + feed", "hidden + feed"): "adds to `hidden`",
        FOUND + "seen = hidden + found\n" + OUT: "first LayerNorm is missing",
        FOUND + SEEN + "return seen + feed_forward(seen, weights)": "last LayerNorm is missing",
        FOUND + SEEN + OUT.replace("output_norm", "attention_norm"): "`attention_norm` twice",
        FOUND.replace(", mask", "") + SEEN + OUT: "no attention to the mask",
        FOUND + SEEN + "return seen": "first half",
        FOUND.replace("found, _", "found") + SEEN + OUT: "returns two things",
    },
    "load_weights": {
        RENAME.replace('name = name.removeprefix("bert.")', "pass"): "still stands before",
        RENAME.replace('if not name.startswith("cls."):', "if True:"): "left out",
        RENAME.replace("name = name.replace", "name.replace"): "strings do not change",
        RENAME.replace("name = name.replace(theirs, ours)", STOPS): "Only the first replacement",
        RENAME.replace("return found", "return list(found)"): "expected a dict",
        "return dict(stored)": "as they were",
        RENAME.replace("removeprefix", "strip"): "Missing: ",
    },
    "encoder": {
        START + "return hidden": "no layer",
        START + 'return layer(hidden, part(weights, "layers.0."), mask)': "Only the first layer",
        START + LOOP.replace("{number}", "0"): "parameters of layer 0",
        START + LOOP.replace('sum(name.endswith("expand.weight") for name in weights)', "2"): "Two layers",
        START + LOOP.replace(", mask)", ")"): "no attention to the mask",
        START + LOOP.replace("return hidden", "return hidden[:, 0]"): "vector of [CLS]",
        START + LOOP.replace("layers.{number}.", "layers.{number}"): "raises",
    },
}
RIGHT = {
    "word_pieces": [
        CUT,
        "lengths, rest, mark = [], word, ''\nwhile rest:\n    fit = max((n for n in range(1, len(rest) + 1) if mark + rest[:n] "
        "in vocabulary), default=0)\n    if not fit:\n        return torch.tensor([]).long()\n    lengths.append(fit)\n"
        "    rest, mark = rest[fit:], '##'\nreturn torch.tensor(lengths)",
    ],
    "layer_norm": [
        D + "return d / (hidden.var(-1, keepdim=True, correction=0) + eps).sqrt() * gain + bias",
        "m = hidden.mean(-1)[..., None]\nv = (hidden * hidden).mean(-1)[..., None] - m * m\n"
        "return gain * (hidden - m) * (v.clamp(min=0) + eps).rsqrt() + bias",
    ],
    "embed": [
        SUM + f"return {ENDS.format('t + p + w')}",
        "from torch.nn.functional import embedding\nplaces = torch.arange(input_ids.shape[1]).expand(input_ids.shape)\n"
        "x = embedding(input_ids, weights['word.weight']) + embedding(places, weights['position.weight'])\n"
        "return layer_norm(x + weights['token_type.weight'][token_type_ids], weights['norm.weight'], weights['norm.bias'])",
    ],
    "feed_forward": [
        WIDE + "return gelu(wide)" + THIN,
        WIDE + "return (0.5 * wide * (1 + torch.erf(wide * 0.5**0.5)))" + THIN,
    ],
    "layer": [
        FOUND + SEEN + OUT,
        'found = multi_head(hidden, part(weights, "attention."), mask)[0]\nfor name, step in (("attention_norm", None), '
        '("output_norm", feed_forward)):\n    found = found if step is None else step(hidden, weights)\n'
        '    hidden = layer_norm(hidden + found, weights[f"{name}.weight"], weights[f"{name}.bias"])\nreturn hidden',
    ],
    "load_weights": [
        RENAME,
        "from functools import reduce\nkept = {n: t for n, t in stored.items() if n[:4] != 'cls.'}\n"
        "return {reduce(lambda name, pair: name.replace(*pair), RENAMED, n.removeprefix('bert.')): t for n, t in kept.items()}",
    ],
    "encoder": [
        START + LOOP,
        "hidden, number = embed(input_ids, 0 * input_ids, part(weights, 'embeddings.')), 0\n"
        "while f'layers.{number}.expand.bias' in weights:\n"
        "    hidden = layer(hidden, part(weights, f'layers.{number}.'), padding_mask(attention_mask))\n    number += 1\n"
        "return hidden",
    ],
}


BEFORE = {
    "": EARLIER + NAMES_ON_DISK,
    "embed": NORM,
    "feed_forward": GELU,
    "layer": NORM + FORWARD,
    "encoder": NORM + FORWARD + EMBED + LAYER,
}


class TestPage05(Proof):
    page, exercises, wrong, right, before = "page05", EXERCISES, WRONG, RIGHT, BEFORE


def test_the_seven_solutions_read_as_mini_does(notebook, capsys):
    """As the last exercise says."""
    notebook.run(EARLIER + NAMES_ON_DISK)
    for text in TestPage05.texts().values():
        notebook.run(text["solution"])
    notebook.run("from bertnotes.exercises.page05 import with_mini\nwith_mini(load_weights, encoder)")
    assert capsys.readouterr().out == "largest difference to the library's encoder: 0.0000\n"
