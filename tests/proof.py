"""The proof of a page's checks, which the tests of every page share: a named wrong answer gets its own message, a right one
written in another way is right, the stub is not attempted, the solutions are right.

A page's test makes a subclass of Proof with its answers; conftest.py hands them to the tests one by one.
"""

import itertools
import re
from typing import ClassVar

import torch

from bertnotes import exercises


class Proof:
    """What must hold for the exercises of a page."""

    page: ClassVar[str]  # such as page01
    exercises: ClassVar[dict]
    wrong: ClassVar[dict]  # {exercise: {answer: a part of what check says, or several with | between}}
    right: ClassVar[dict]  # {exercise: [answer]}
    names: ClassVar[dict] = {}  # what an exercise has its answer in: "answer" for a number, or a function of another name
    before: ClassVar[dict] = {}  # {exercise: code of the notebook that it needs}; "": of all of them

    @classmethod
    def texts(cls):
        """The texts of the page's exercises."""
        return {name: text for name, text in exercises.texts().items() if text["page"] == cls.page}

    @classmethod
    def functions(cls):
        """The exercises that ask for a function."""
        return [name for name in cls.exercises if cls.names.get(name) != "answer"]

    @classmethod
    def of(cls, name, body):
        """A function with the signature of an exercise."""
        signature = re.search(rf"def {cls.names.get(name, name)}\(.*\):", cls.texts()[name]["stub"])[0]
        return signature + "".join(f"\n    {line}" for line in body.strip("\n").split("\n"))

    @classmethod
    def verdict(cls, notebook, name, answer):
        """What check says of an answer: of the body of a function, or of an expression for a number."""
        if cls.names.get(name) == "answer":
            return notebook.check(name, "answer", f"answer = {answer}")
        notebook.run(cls.before.get("", "") + cls.before.get(name, ""))
        return notebook.check(name, cls.names.get(name, name), cls.of(name, answer))

    def test_a_wrong_answer_is_told_its_mistake(self, notebook, wrong_answer):
        name, answer, message = wrong_answer
        said = self.verdict(notebook, name, answer)
        assert said.state == "wrong", said
        assert any(part in said.message for part in message.split("|")), said

    def test_a_right_answer_written_differently_is_right(self, notebook, right_answer):
        said = self.verdict(notebook, *right_answer)
        assert said.state == "right", said

    def test_the_stub_is_not_attempted(self, notebook, exercise):
        stub = self.texts()[exercise]["stub"]
        assert notebook.check(exercise, self.names.get(exercise, exercise), stub).state == "not attempted"

    def test_the_solutions_are_right_one_after_the_other(self, notebook):
        notebook.run(self.before.get("", ""))
        for name, text in self.texts().items():
            said = notebook.check(name, self.names.get(name, name), text["solution"])
            assert said.state == "right", said

    def test_there_are_four_wrong_answers_at_least_and_every_mistake_has_its_own_message(self, exercise):
        mistakes = self.exercises[exercise].mistakes
        messages = [mistake.message for mistake in mistakes] if isinstance(mistakes, tuple) else list(mistakes.values())
        assert len(set(self.wrong[exercise].values())) >= 4
        assert len(set(messages)) == len(messages)

    def test_every_mistake_is_one_and_none_is_taken_for_another(self, function):
        """A formula of a mistake is wrong, and the first that fits what it gives is of the same mistake."""
        exercise = self.exercises[function]
        for seed, mistake in itertools.product(range(1, 9), exercise.mistakes):
            cases = exercise.cases(seed)
            for formula in mistake.formulas:
                outputs = [output_of(formula, case) for case in cases]
                assert exercise.named(cases, outputs) is mistake, mistake.message
                assert exercise.judge(cases, outputs).state == mistake.state

    def test_inputs_are_drawn_afresh_and_the_same_for_the_same_seed(self, function):
        first, again, second = (flat(self.exercises[function].cases(seed)) for seed in (1, 1, 2))
        assert first == again != second


def output_of(formula, case):
    """What comes back from a function that computes a formula."""
    try:
        return {"value": formula(**case.inputs)}
    except (RuntimeError, IndexError, TypeError, ValueError):
        return {"error": {"type": "E", "message": "", "line": ""}}


def flat(cases):
    """The inputs of calls, to be compared."""
    values = [value for case in cases for value in case.inputs.values()]
    return [str(value.tolist() if isinstance(value, torch.Tensor) else value) for value in values]


def answers(table):
    """(exercise, answer, message) for each entry of a table."""
    return [(name, answer, message) for name, rows in table.items() for answer, message in rows.items()]


def arguments(proof):
    """What the tests of a proof are called with, by the name of the argument."""
    return {
        "wrong_answer": answers(proof.wrong),
        "right_answer": [(name, answer) for name, rows in proof.right.items() for answer in rows],
        "exercise": list(proof.exercises),
        "function": proof.functions(),
    }
