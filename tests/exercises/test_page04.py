"""The proof of page 04's checks: a named wrong answer gets its own message, a right one written in another way is right."""

import torch
from proof import Proof

from bertnotes.exercises import page04
from bertnotes.exercises.page04 import EXERCISES
from bertnotes.exercises.worker import Other, pack, unpack
from bertnotes.readers import who_sees_whom

NAMES = {"whose_mask": "answer", "best_possible": "answer", "hidden_too": "answer"}
TRIES = """tried = []
for word in words:
    filled = texts.clone()
    filled[:, at] = word
    tried.append(log_probability(filled))
tried = torch.stack(tried)
"""
SWAPS = """n = len(ids)
found = torch.zeros(count, n, n, dtype=torch.bool)
for word in range(count):
    for column in range(n):
        swapped = ids.clone()
        swapped[column] = word
        found[word, :, column] = (read(swapped) != read(ids)).any(dim=1)
"""


WRONG = {
    "whose_mask": {
        "4132": "B and D for each other",
        "3241": "A and C for each other",
        "3142": "A and C are swapped, and so are",
        "4213": "BERT has every cell",
        "1234": "the example of how to write it",
        "1111": "no usual slip",
    },
    "best_possible": {
        "0.67": "from the left alone",
        "1": "nobody can be right each time",
        "0.8": "You counted sentences",
        "10": "The share of all 12",
        "83.3": "As a percentage",
        "0.5": "no usual slip",
    },
    "hidden_too": {
        "0.64": "both verbs are in view",
        "0.9": "You rounded",
        "0.785": "the first or the second",
        "0.88": "With no verb in view",
        "0.95": "There are two verbs",
        "0.128": "Suppose that the link is hidden",
        "0.181": "Suppose that it is",
        "0.96": "at least one verb",
        "90.5": "As a percentage",
    },
    "finish": {
        TRIES + "return tried.argmax(dim=0)": "which of the words tried is best",
        TRIES + "return torch.tensor(words)[tried.argmin(dim=0)]": "the *least* probable",
        TRIES + "return tried.max(dim=0).values": "how probable the best text is",
        TRIES + "return torch.tensor(words)[tried.sum(dim=1).argmax()]": "one word for all texts",
        TRIES + "return tried.argmax(dim=1)": "for each text: `dim=0`",
        TRIES + "texts = texts.clone()\ntexts[:, at] = torch.tensor(words)[tried.argmax(dim=0)]\nreturn texts": "whole texts",
        TRIES + "return words[tried.argmax(dim=0)]": "`words` is a list",
        "return log_probability(texts, at)": "takes the texts and nothing else",
    },
    "reach": {
        "return mask": "after *one* layer",
        "return mask.float() ** layers": "number by number",
        "return torch.linalg.matrix_power(mask.float(), layers + 1) > 0": "one hop too many",
        "return mask.float() @ mask.float() > 0": "two hops, whatever",
        "return (torch.linalg.matrix_power(mask.float(), layers) > 0).T": "turned round",
        "return torch.linalg.matrix_power(mask.float(), layers)": "how many ways",
        "return torch.linalg.matrix_power(mask.float(), layers) == 1": "exactly one way",
    },
    "sees": {
        "return torch.ones(len(ids), len(ids), dtype=torch.bool).tril()": "the causal mask, whatever",
        SWAPS + "return found.any(dim=0).T": "turned round",
        SWAPS + "return ~found.any(dim=0)": "inverted",
        SWAPS + "return found.any(dim=0) & ~torch.eye(n, dtype=torch.bool)": "leave the diagonal out",
        SWAPS.replace("read(swapped) != read(ids)", "(read(swapped) - read(ids)).abs() > 0.05")
        + "return found.any(dim=0)": "with no threshold",
        SWAPS + "return found[0]": "You try one word",
        SWAPS + "return found.all(dim=0)": "*every* word",
        SWAPS.replace("(read(swapped) != read(ids)).any(dim=1)", "(read(swapped) - read(ids)).sum(dim=1) != 0")
        + "return found.any(dim=0)": "cancel in your sum",
        SWAPS + "return found.sum(dim=0)": "numbers, not yes or no",
        "out = read(ids, ids)\nreturn out": "takes the ids and nothing else",
        "return torch.autograd.functional.jacobian(read, ids.float()) != 0": "raises|returns the shape",
    },
    "leaks": {
        "return table.diagonal(1) > 0.05": "A tiny one is a leak",
        "return table.diagonal(1) > 1e-6": "A tiny one is a leak",
        "return table.diagonal(-1) > 0": "one *left* of the diagonal",
        "return table.diagonal() > 0": "That is the diagonal",
        "return table.diagonal(1) == 0": "inverted",
        "return table.diagonal(1)": "These are the numbers",
        "return (table.triu(1) > 0).any(dim=1)[:-1]": "everything right of the diagonal",
        "return (table.diagonal(1) > 0).any()": "one answer for the whole reader",
    },
}
RIGHT = {
    "whose_mask": ["4231", "4231.0"],
    "best_possible": ["0.83", "10 / 12", "5 / 6"],
    "hidden_too": ["0.905", "0.8 ** 2 + 2 * 0.8 * 0.2 * 0.75 + 0.2 ** 2 * 5 / 8"],
    "finish": [
        TRIES + "return torch.tensor([words[best] for best in tried.argmax(dim=0)])",
        TRIES + "return torch.tensor(words).gather(0, tried.argmax(dim=0))",
        "best = []\nfor text in texts:\n    said = []\n    for word in words:\n"
        "        one = text.clone()\n        one[at] = word\n"
        "        said.append(float(log_probability(one[None])[0]))\n    best.append(words[said.index(max(said))])\n"
        "return torch.tensor(best)",
    ],
    "reach": [
        "return torch.linalg.matrix_power(mask.double(), layers) > 0",
        "seen = mask\nfor _ in range(layers - 1): seen = (mask[:, :, None] & seen[None]).any(dim=1)\nreturn seen",
        "n = len(mask)\nseen = [{i} for i in range(n)]\nfor _ in range(layers):\n"
        "    seen = [set().union(*(seen[j] for j in range(n) if mask[i, j])) for i in range(n)]\n"
        "return torch.tensor([[k in seen[i] for k in range(n)] for i in range(n)])",
    ],
    "sees": [
        SWAPS + "return found.any(dim=0)",
        SWAPS.replace("read(swapped) != read(ids)", "(read(swapped) - read(ids)).abs() > 0") + "return found.any(dim=0)",
        "columns = []\nfor column in range(len(ids)):\n    outputs = []\n    for word in range(count):\n"
        "        one = ids.clone()\n        one[column] = word\n        outputs.append(read(one))\n"
        "    columns.append((torch.stack(outputs) != read(ids)).any(dim=2).any(dim=0))\nreturn torch.stack(columns, dim=1)",
    ],
    "leaks": [
        "return torch.diagonal(table, offset=1) != 0",
        "return torch.tensor([bool(table[i, i + 1] > 0) for i in range(len(table) - 1)])",
    ],
}


class TestPage04(Proof):
    page, exercises, names, wrong, right = "page04", EXERCISES, NAMES, WRONG, RIGHT


def test_the_readers_of_the_exercise_see_what_they_are_made_to_see():
    """Each connection is known without a swap."""
    rows, columns = torch.arange(7)[:, None], torch.arange(7)
    made = {
        "sums_back": columns <= rows,
        "mirror": (columns == rows) | (columns == 6 - rows),
        "two_back": (columns <= rows) & (columns >= rows - 2),
        "neighbours_only": columns == (rows + 1) % 7,
    }
    ids = torch.randint(2, 6, (7,), generator=torch.Generator().manual_seed(1))
    for name, expected in made.items():
        assert torch.equal(page04.sees(getattr(page04, name), ids, 6), expected), name


def test_of_functions_only_those_of_the_exercises_are_sent():
    sent = pack({"read": page04.mirror}, {})
    assert unpack(sent, {}) == {"read": page04.mirror}
    assert unpack(pack(who_sees_whom, {}), {}) == Other("function")
    assert unpack({"function": ["os", "getcwd"]}, {}) == Other("function")


def test_a_verdict_names_the_reader_and_no_address(notebook):
    said = TestPage04.verdict(notebook, "sees", SWAPS + "return ~found.any(dim=0)")
    assert "a function: Each output is the sum" in said.message and " at 0x" not in said.message
