"""The proof of page 04's checks: a named wrong answer gets its own message, a right one written in another way is right."""

import torch
from proof import Proof

from bertnotes.exercises import page04
from bertnotes.exercises.page04 import EXERCISES
from bertnotes.exercises.worker import Other, pack, unpack
from bertnotes.readers import who_sees_whom

NAMES = {"whose_mask": "answer", "best_possible": "answer", "surer": "answer"}
JACOBIAN = "j = torch.autograd.functional.jacobian(read, vectors)\n"
PRODUCT = "p = left * right / share\n"


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
    "surer": {
        "0.94": "the page's number",
        "0.9": "one half's guess",
        "0.988": "did not divide",
        "4.5": "Make a share of it",
        "0.81": "0.9 times 0.9",
        "0.0027": "the probability of *and*",
        "99.7": "As a percentage",
    },
    "join": {
        "p = left * right\nreturn p / p.sum(-1, keepdim=True)": "do not divide by `share`",
        "p = left * right * share\nreturn p / p.sum(-1, keepdim=True)": "You multiply by `share`",
        "return left * right / share": "does not sum to 1 yet",
        "return (left + right) / 2": "the average",
        PRODUCT + "return p / p.sum()": "over the whole batch",
        PRODUCT + "return p / p.sum(dim=0)": "the sum of a column",
        PRODUCT + "return p.softmax(dim=-1)": "softmax of the products",
        PRODUCT + "return p / p.sum(-1)": "An axis was lost|over the whole batch|numbers are not",
        "left * right / share": "returns None",
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
        "return torch.ones(len(vectors), len(vectors), dtype=torch.bool).tril()": "the causal mask, whatever",
        JACOBIAN + "return j.abs().sum(dim=(1, 3)).T > 0": "turned round",
        JACOBIAN + "return j.abs().sum(dim=(1, 3)) >= 0": "everyone sees everyone",
        JACOBIAN + "return j.abs().sum(dim=(1, 3)) == 0": "inverted",
        JACOBIAN + "return (j.abs().sum(dim=(1, 3)) > 0).float()": "numbers, not yes or no",
        JACOBIAN + "return j.abs().sum(dim=(1, 3))": "numbers, not yes or no",
        JACOBIAN
        + "return (j.abs().sum(dim=(1, 3)) > 0) & ~torch.eye(len(vectors), dtype=torch.bool)": "leave the diagonal out",
        JACOBIAN + "return j.abs().sum(dim=1) > 0": "returns the shape",
        JACOBIAN + "return j.sum(dim=(1, 3)) != 0": "cancel in your sum",
        JACOBIAN + "return j.sum(dim=(1, 3)) > 0": "above 0. Some are negative",
        "v = vectors.clone().requires_grad_()\nrows = []\nfor i in range(len(v)):\n"
        "    rows.append((torch.autograd.grad(read(v)[i].sum(), v)[0] != 0).any(dim=1))\n"
        "return torch.stack(rows)": "cancel in your sum",
        "mask = torch.ones(len(vectors), len(vectors)).tril() > 0\nreturn mask @ mask": "raises",
        "return (vectors @ vectors.T) > 0": "the numbers are not",
        "out = read(vectors, vectors)\nreturn out": "takes the vectors and nothing else",
    },
    "leaks": {
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
    "surer": ["0.997", "0.9973", "4.5 / (4.5 + 0.01 / 0.82)"],
    "join": [
        "p = (left.log() + right.log() - share.log()).exp()\nreturn p / p.sum(-1, keepdim=True)",
        "return (left.log() + right.log() - share.log()).softmax(dim=-1)",
        "p = torch.einsum('bw,bw,w->bw', left, right, 1 / share)\nreturn p / p.sum(-1)[:, None]",
    ],
    "reach": [
        "return torch.linalg.matrix_power(mask.double(), layers) > 0",
        "seen = mask\nfor _ in range(layers - 1): seen = (mask[:, :, None] & seen[None]).any(dim=1)\nreturn seen",
        "n = len(mask)\nseen = [{i} for i in range(n)]\nfor _ in range(layers):\n"
        "    seen = [set().union(*(seen[j] for j in range(n) if mask[i, j])) for i in range(n)]\n"
        "return torch.tensor([[k in seen[i] for k in range(n)] for i in range(n)])",
    ],
    "sees": [
        JACOBIAN + "return (j != 0).any(dim=3).any(dim=1)",
        JACOBIAN + "return j.pow(2).sum(dim=(1, 3)).sqrt() > 0",
        "v = vectors.clone().requires_grad_()\nout = read(v)\nrows = []\nfor i in range(len(v)):\n"
        "    g = [torch.autograd.grad(one, v, retain_graph=True)[0] for one in out[i]]\n"
        "    rows.append(torch.stack(g).abs().sum(dim=(0, 2)) > 0)\n"
        "return torch.stack(rows)",
        "columns = []\nfor j in range(len(vectors)):\n"
        "    moved = vectors.clone()\n    moved[j] += torch.randn(vectors.shape[1])\n"
        "    columns.append((read(moved) != read(vectors)).any(dim=1))\n"
        "return torch.stack(columns, dim=1)",
    ],
    "leaks": [
        "return torch.diagonal(table, offset=1) != 0",
        "return torch.tensor([bool(table[i, i + 1] > 0) for i in range(len(table) - 1)])",
    ],
}


class TestPage04(Proof):
    page, exercises, names, wrong, right = "page04", EXERCISES, NAMES, WRONG, RIGHT


def test_the_readers_of_the_exercise_see_what_they_are_made_to_see():
    """Each connection is known without a derivative, and the course's own measure agrees with it."""
    rows, columns = torch.arange(7)[:, None], torch.arange(7)
    made = {
        "average_back": columns <= rows,
        "mirror": (columns == rows) | (columns == 6 - rows),
        "two_hops": (columns <= rows) & (columns >= rows - 2),
        "centred": (columns == rows) | (columns == (rows + 1) % 7),
    }
    vectors = torch.randn(7, 4, generator=torch.Generator().manual_seed(1))
    for name, expected in made.items():
        read = getattr(page04, name)
        assert torch.equal(page04.sees(read, vectors), expected), name
        assert torch.equal(who_sees_whom(lambda one, read=read: read(one[0])[None], vectors) > 0, expected), name


def test_of_functions_only_those_of_the_exercises_are_sent():
    sent = pack({"read": page04.mirror}, {})
    assert unpack(sent, {}) == {"read": page04.mirror}
    assert unpack(pack(who_sees_whom, {}), {}) == Other("function")
    assert unpack({"function": ["os", "getcwd"]}, {}) == Other("function")


def test_a_verdict_names_the_reader_and_no_address(notebook):
    said = TestPage04.verdict(notebook, "sees", JACOBIAN + "return j.abs().sum(dim=(1, 3)) == 0")
    assert "a function: Each word adds the average" in said.message and " at 0x" not in said.message
