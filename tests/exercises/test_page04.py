"""The proof of page 04's checks: a named wrong answer gets its own message, a right one written in another way is right."""

import itertools
import re

import pytest
import torch

from bertnotes import exercises
from bertnotes.exercises.page04 import EXERCISES
from bertnotes.readers import who_sees_whom

NAMES = {"whose_mask": "answer", "best_possible": "answer", "surer": "answer"}
TEXTS = {name: text for name, text in exercises.texts().items() if text["page"] == "page04"}
READ = TEXTS["sees"]["stub"].partition("def sees")[0]
JACOBIAN = "j = torch.autograd.functional.jacobian(lambda x: read(x, mask, layers), vectors)\n"
PRODUCT = "p = left * right / share\n"


def of(name, body):
    """A function with the signature of an exercise, after the functions that the exercise gives."""
    signature = re.search(rf"def {NAMES.get(name, name)}\(.*\):", TEXTS[name]["stub"])[0]
    given = READ if name == "sees" else ""
    return given + signature + "".join(f"\n    {line}" for line in body.strip().split("\n"))


WRONG = {
    "whose_mask": {
        "4132": "B and D for each other",
        "3241": "A and C for each other",
        "3142": "A and C are swapped, and so are",
        "4213": "BERT has every cell",
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
        "return mask": "This is the mask",
        JACOBIAN + "return j.abs().sum(dim=(1, 3)).T > 0": "turned round",
        JACOBIAN + "return j.abs().sum(dim=(1, 3)) >= 0": "everyone sees everyone",
        JACOBIAN + "return j.abs().sum(dim=(1, 3)) == 0": "inverted",
        JACOBIAN + "return (j.abs().sum(dim=(1, 3)) > 0).float()": "as numbers",
        JACOBIAN + "return (j.abs().sum(dim=(1, 3)) > 0) & ~torch.eye(len(mask), dtype=torch.bool)": "the diagonal is True",
        JACOBIAN + "return j.abs().sum(dim=1) > 0": "returns the shape",
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
        "v = vectors.clone().requires_grad_()\nout = read(v, mask, layers)\nrows = []\nfor i in range(len(v)):\n"
        "    g = torch.autograd.grad(out[i].pow(2).sum(), v, retain_graph=True)[0]\n    rows.append((g != 0).any(dim=1))\n"
        "return torch.stack(rows)",
    ],
    "leaks": [
        "return torch.diagonal(table, offset=1) != 0",
        "return torch.tensor([bool(table[i, i + 1] > 0) for i in range(len(table) - 1)])",
    ],
}


def test_the_reader_of_the_exercise_sees_what_its_mask_says():
    """The judge goes by the mask; the course's own measure agrees with it."""
    namespace = {"torch": torch}
    exec(READ, namespace)
    for seed, case in itertools.product((1, 2, 3), range(4)):
        inputs = EXERCISES["sees"].cases(seed)[case].inputs
        read = lambda x, i=inputs: namespace["read"](x[0], i["mask"], i["layers"])[None]  # noqa: E731
        assert torch.equal(who_sees_whom(read, inputs["vectors"]) > 0, EXERCISES["sees"].right(**inputs))


def answers(table):
    """(exercise, answer, message) for each entry of a table."""
    return [(name, answer, message) for name, rows in table.items() for answer, message in rows.items()]


def verdict(notebook, name, answer):
    """What check says of an answer: of the body of a function, or of an expression for a number."""
    if NAMES.get(name) == "answer":
        return notebook.check(name, "answer", f"answer = {answer}")
    return notebook.check(name, NAMES.get(name, name), of(name, answer))


@pytest.mark.parametrize(("name", "answer", "message"), answers(WRONG))
def test_a_wrong_answer_is_told_its_mistake(notebook, name, answer, message):
    said = verdict(notebook, name, answer)
    assert said.state == "wrong", said
    assert any(part in said.message for part in message.split("|")), said


@pytest.mark.parametrize(("name", "answer"), [(name, answer) for name, rows in RIGHT.items() for answer in rows])
def test_a_right_answer_written_differently_is_right(notebook, name, answer):
    said = verdict(notebook, name, answer)
    assert said.state == "right", said


@pytest.mark.parametrize("name", TEXTS)
def test_the_stub_is_not_attempted(notebook, name):
    assert notebook.check(name, NAMES.get(name, name), TEXTS[name]["stub"]).state == "not attempted"


def test_the_solutions_are_right_one_after_the_other(notebook):
    states = {name: notebook.check(name, NAMES.get(name, name), text["solution"]).state for name, text in TEXTS.items()}
    assert states == dict.fromkeys(TEXTS, "right")


@pytest.mark.parametrize("name", EXERCISES)
def test_there_are_four_wrong_answers_at_least_and_every_mistake_has_its_own_message(name):
    mistakes = EXERCISES[name].mistakes
    messages = [mistake.message for mistake in mistakes] if isinstance(mistakes, tuple) else list(mistakes.values())
    assert len(set(WRONG[name].values())) >= 4
    assert len(set(messages)) == len(messages)


@pytest.mark.parametrize("name", [name for name in EXERCISES if NAMES.get(name) != "answer"])
def test_every_mistake_is_one_and_none_is_taken_for_another(name):
    """A formula of a mistake is wrong, and the first that fits what it gives is of the same mistake."""
    exercise = EXERCISES[name]
    for seed, mistake in itertools.product(range(1, 9), exercise.mistakes):
        cases = exercise.cases(seed)
        for formula in mistake.formulas:
            outputs = [output_of(formula, case) for case in cases]
            assert exercise.named(cases, outputs) is mistake, mistake.message
            assert exercise.judge(cases, outputs).state == mistake.state


def output_of(formula, case):
    """What comes back from a function that computes a formula."""
    try:
        return {"value": formula(**case.inputs)}
    except (RuntimeError, IndexError, TypeError, ValueError):
        return {"error": {"type": "E", "message": "", "line": ""}}


@pytest.mark.parametrize("name", [name for name in EXERCISES if NAMES.get(name) != "answer"])
def test_inputs_are_drawn_afresh_and_the_same_for_the_same_seed(name):
    exercise = EXERCISES[name]
    first, again, second = (exercise.cases(seed) for seed in (1, 1, 2))

    def flat(cases):
        return [
            str(value.tolist() if isinstance(value, torch.Tensor) else value)
            for case in cases
            for value in case.inputs.values()
        ]

    assert flat(first) == flat(again) != flat(second)
