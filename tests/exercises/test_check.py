"""`check`, `hint` and `solution`: every state, and answers of every kind, also those that would end a process or never end."""

import json
import re
import subprocess
import sys

import psutil
import pytest
import torch

from bertnotes import exercises
from bertnotes.exercises import check, hint, list_exercises, solution, texts, worker
from bertnotes.exercises.judging import Case, Exercise, Mistake, Number, Verdict
from bertnotes.exercises.worker import EndedError, Other, Worker, pack, unpack

SOFTMAX = "def softmax(scores):\n    e = torch.exp(scores - scores.amax(-1, True))\n    return e / e.sum(-1, True)"


def softmax(*lines):
    """A function softmax with these lines."""
    return "def softmax(scores):" + "".join(f"\n    {line}" for line in lines)


# --- kinds of answers -------------------------------------------------------------------------------------------------


def test_the_four_states(notebook):
    """Each looks different from the others, as Markdown and as text."""
    said = [
        notebook.check("softmax", "softmax", softmax(*lines))
        for lines in (["..."], ["return scores"], ["return scores.softmax(-1)"], SOFTMAX.splitlines()[1:])
    ]
    assert [one.state for one in said] == ["not attempted", "wrong", "right but", "right"]
    assert len({one._repr_markdown_().split("**")[1] for one in said}) == 4
    assert [one.passed for one in said] == [False, False, True, True]
    assert all(repr(one) == one._repr_markdown_().replace("**", "") for one in said)


@pytest.mark.parametrize("answer", [None, ...])
def test_nothing_is_not_attempted(answer):
    assert check("softmax", answer).state == check("root", answer).state == "not attempted"


def test_an_untouched_stub_is_known_whatever_is_written_around_it(notebook):
    source = texts()["softmax"]["stub"].replace("...  # your code", "# I do not know how\n    ...")
    assert notebook.check("softmax", "softmax", source).state == "not attempted"
    assert exercises.attempts == {}, "and is no attempt"


@pytest.mark.parametrize("answer", [torch.ones(2), 3, "softmax", torch.softmax, torch.nn.Softmax(-1), print, dict, [1]])
def test_what_is_no_function_of_the_learners(answer):
    said = check("softmax", answer)
    assert said.state == "wrong" and "the function that you wrote, by its name and without brackets" in said.message


def test_an_exercise_that_there_is_not():
    for said in (check("sofmax", 1).message, hint("sofmax"), solution("sofmax")):
        assert "no exercise 'sofmax'" in said and "softmax" in said


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["scores.exp()"], "returns None: is there a `return`"),
        (["return scores.exp(), 1"], "returns a tuple of 2; expected a tensor"),
        (["return scores.numpy()"], "returns a ndarray; expected a tensor"),
        (["return float(scores.sum())"], "returns a float"),
        (["return (lambda: 1)"], "returns a function"),
        (["return {'a': scores}"], "returns a dict"),
        (["return scores.to_sparse()"], "returns a Tensor"),
        (["return scores[:1]"], "returns the shape (1, 2); expected (2, 2)"),
        (["return scores > 0"], "returns torch.bool; expected torch.float32"),
        (["a = []", "a.append(a)", "return a"], "RecursionError"),
        (["return softmax(scores)"], "RecursionError"),
        (["b = scores + 1", "return a"], "The line `return a` raises `NameError: name 'a' is not defined`."),
        (["return scores @ scores[:, :1].T"], "raises `RuntimeError: "),
        (["return scores.expp()"], "The line `return scores.expp()` raises `AttributeError: "),
        (["exit()"], "SystemExit"),
        (["raise SystemExit(3)"], "SystemExit"),
        (["raise KeyboardInterrupt"], "KeyboardInterrupt"),
        (["raise ValueError"], "ValueError: (no message)"),
        (["raise ValueError('<b>`x`</b>')"], "`ValueError: <b>'x'</b>`"),
        (["import os", "os._exit(3)"], "ended the process that it ran in"),
        (["import os", "os.kill(os.getpid(), 9)"], "ended the process that it ran in"),
        (["import os", "os.write(1, b'x' * 100)", "os.read(0, 10)", "return scores"], "the numbers are not"),
        (["import sys", "sys.__stdout__.write('x')", "sys.__stdout__.flush()", "return scores"], "the numbers are not"),
    ],
)
def test_what_an_answer_does_is_told_in_a_sentence_and_the_next_one_is_checked(notebook, lines, message):
    said = notebook.check("softmax", "softmax", softmax(*lines))
    assert said.state == "wrong" and message in said.message, said
    assert "Traceback" not in said.message
    assert notebook.check("softmax", "softmax", SOFTMAX).state == "right"


def test_a_wrong_number_of_arguments(notebook):
    said = notebook.check("softmax", "softmax", "def softmax():\n    return 1")
    assert "Calling it raises `TypeError: softmax() takes 0 positional arguments but 1 was given`." in said.message


def test_a_loop_without_end_is_stopped(notebook, monkeypatch, restarted):
    monkeypatch.setattr(exercises.runner, "limit", 1)
    for lines in (["while True: pass"], ["import time", "time.sleep(100)"], ["return sum(range(10**15))"]):
        said = notebook.check("softmax", "softmax", softmax(*lines))
        assert said.state == "wrong" and "more than 1 seconds" in said.message
        assert exercises.runner.process is None
    with pytest.raises(EndedError):  # also before it is called
        exercises.runner.ask("import time\ndef f(x=time.sleep(100)): pass", "f", [])
    monkeypatch.setattr(exercises.runner, "limit", 10)
    assert notebook.check("softmax", "softmax", SOFTMAX).state == "right"


def test_an_interrupt_ends_the_process_and_the_next_check_works(notebook, monkeypatch, restarted):
    def interrupted(stream):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(worker, "receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            notebook.check("softmax", "softmax", SOFTMAX)
    assert exercises.runner.process is None
    assert notebook.check("softmax", "softmax", SOFTMAX).state == "right"


def test_the_process_is_kept(notebook):
    notebook.check("softmax", "softmax", SOFTMAX)
    first = exercises.runner.process.pid
    notebook.check("softmax", "softmax", softmax("return scores"))
    assert exercises.runner.process.pid == first


def test_a_process_that_is_left_alone_ends():
    """Even where nobody is left to end it and its call never does."""
    code = """if True:
        from types import SimpleNamespace
        from bertnotes.exercises.worker import Worker
        runner = Worker(limit=2)
        runner.start()
        print(runner.process.pid, flush=True)
        runner.ask("def f():\\n    while True: pass", "f", [SimpleNamespace(inputs={}, gradient=False)])
    """
    killed = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    left = psutil.Process(int(killed.stdout.readline()))
    killed.kill()
    killed.communicate()
    left.wait(60)


# --- what an answer may use -------------------------------------------------------------------------------------------


def test_helpers_constants_and_imports_of_the_notebook_are_followed(notebook):
    notebook.run(
        "import numpy as np\nfrom math import inf, sqrt\nfrom torch import exp as power\nimport torch.nn.functional as F"
    )
    notebook.run("ONE = 1\nLIMITS = [-inf, (2, 'x')]\nlargest = lambda x: x.amax(-1, keepdim=True)")
    notebook.run("def share(x, one=ONE):\n    assert LIMITS[0] == -inf and sqrt(4) == 2 and np.pi > 3 and F.relu(x).min() >= 0")
    notebook.run(
        "def share(x: torch.Tensor, one=ONE):\n    return one * x / x.sum(-1, keepdim=True) if LIMITS[0] == -inf else np.e"
    )
    said = notebook.check(
        "softmax", "softmax", softmax("return share(power(scores - largest(scores))) * F.relu(scores).isfinite()")
    )
    assert said.state == "right", said


def test_a_lambda_is_a_function_too(notebook):
    notebook.run("power = lambda scores: torch.exp(scores - scores.amax(-1, True))")
    source = "softmax = lambda scores: power(scores) / power(scores).sum(-1, True)"
    assert notebook.check("softmax", "softmax", source).state == "right"


@pytest.mark.parametrize(
    ("before", "line", "message"),
    [
        ("Q = torch.ones(2, 2)", "return Q", "It uses `Q`, a tensor of the notebook"),
        ("rows = {1: 2}", "return rows", "It uses `rows`, a dict of the notebook"),
        ("import os", "return os.getcwd()", "It uses the module `os`"),
        ("class Soft:\n    pass", "return Soft()", "It uses `Soft`, a type of the notebook"),
        ("def f(x):\n    return x\ng = f", "return g(scores)", "`g` is another name of your function `f`"),
        ("Q = torch.ones(2)\ndef f(x):\n    return x + Q", "return f(scores)", "It uses `Q`"),
    ],
)
def test_what_cannot_be_taken_along_is_named(notebook, before, line, message):
    notebook.run(before)
    said = notebook.check("softmax", "softmax", softmax(line))
    assert said.state == "wrong" and message in said.message


def test_names_that_are_only_attributes_or_locals_are_not_followed(notebook):
    notebook.run("exp = torch.ones(3)\nscores = torch.ones(3)\ne = torch.ones(2)")
    assert notebook.check("softmax", "softmax", SOFTMAX).state == "right"


def test_what_it_prints_is_shown_once(notebook):
    said = notebook.check("softmax", "softmax", SOFTMAX.replace("return", "print('sum', e.sum(-1))\n    return"))
    assert said.state == "right" and said.message.count("    sum tensor([1.3679, 1.1353])") == 1


def test_an_answer_does_not_see_what_the_one_before_left_behind(notebook):
    notebook.check(
        "softmax", "softmax", softmax("global seen", "seen = 1", "torch.set_default_dtype(torch.float32)", "return scores")
    )
    assert "name 'seen' is not defined" in notebook.check("softmax", "softmax", softmax("return seen")).message


# --- inputs -----------------------------------------------------------------------------------------------------------


def test_an_answer_that_knows_the_examples_by_heart_is_found_out_and_told_the_seed(notebook):
    known = [
        "known = {2: [[0.26894143, 0.73105860], [0.88079709, 0.11920292]], 1000: [[1.0, 0.0], [0.26894143, 0.73105860]]}",
        "if scores.shape == (2, 2): return torch.tensor(known[int(scores.max())])",
        "if scores.shape == (1, 3): return torch.tensor([[0.66524094, 0.24472848, 0.09003057]])",
        "return torch.zeros_like(scores)",
    ]
    said = [notebook.check("softmax", "softmax", softmax(*known)) for _ in range(2)]
    assert [f"random inputs (seed {seed})" in one.message for seed, one in enumerate(said, start=1)] == [True, True]
    assert [one.message.replace(f"seed {seed}", "") for seed, one in enumerate(said, start=1)] == [
        said[0].message.replace("seed 1", "")
    ] * 2, "only the seed differs: no random number is shown"


def test_a_verdict_is_the_same_in_another_process(notebook, restarted):
    first = notebook.check("softmax", "softmax", softmax("return scores"))
    exercises.runner.stop()
    exercises.attempts.clear()
    assert notebook.check("softmax", "softmax", softmax("return scores")) == first


def test_the_first_wrong_case_is_the_one_that_is_told():
    """An exception in a later one does not hide it; a mistake has to explain all that came back."""
    double = Exercise(
        function="double",
        cases=lambda seed: [],
        right=lambda x: 2 * x,
        mistakes=(Mistake("You square.", (lambda x: x * x,)), Mistake("You add 1.", (lambda x: x + 1,))),
    )
    cases = [Case({"x": torch.tensor([number])}, shown=True) for number in (2.0, 3.0, 0.5)]
    error = {"error": {"type": "E", "message": "m", "line": "x"}}

    def judge(*values):
        return double.judge(cases, [error if value is None else {"value": torch.tensor([value])} for value in values])

    assert judge(4.0, 9.0, None).message.startswith("You square.") and "[9]" in judge(4.0, 9.0, None).message
    assert judge(3.0, None, 1.5).message.startswith("You add 1.")
    assert judge(4.0, None, 9.0).message.startswith("The line `x` raises `E: m`.")
    assert judge(4.0, 6.0, 9.0).message.startswith("The shape is right, the numbers are not.")
    assert judge(4.0, 6.0, 1.0) == Verdict("right")


def test_what_is_nearly_right_is_not_where_it_raises_an_exception():
    wide = Mistake("It is wide.", (lambda x: x.expand(2, 1),), state="right but")
    exercise = Exercise("f", lambda seed: [], right=lambda x: x, mistakes=(wide,))
    cases = [Case({"x": torch.tensor([number])}, shown=True) for number in (2.0, 3.0)]
    outputs = [{"value": case.inputs["x"].expand(2, 1)} for case in cases]
    assert exercise.judge(cases, outputs).state == "right but"
    outputs[1] = {"error": {"type": "E", "message": "m", "line": ""}}
    assert exercise.judge(cases, outputs).message.startswith("It returns the shape (2, 1); expected (1,).")


@pytest.mark.parametrize("met", [3.3, torch.tensor(3.3), torch.tensor([3.3]), 3.29])
def test_a_number_may_be_rounded_and_come_as_a_tensor(met):
    third = Number(right=10 / 3, tolerance=0.05, mistakes={0.3: "Upside down."})
    assert third.judge([], [met]).state == "right"
    assert third.judge([], [0.3]).message == "Upside down."
    assert "no usual slip" in third.judge([], [float("nan")]).message
    assert third.judge([], [3.333]).message == "It is 3.33."
    assert Number(right=4231, tolerance=0, mistakes={}).judge([], [4231]).message == "It is 4231."


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        1,
        2.5,
        "a",
        [1, (2, None)],
        {"a": [torch.ones(2, 0)]},
        torch.tensor([True]),
        torch.ones(3, 2).T,
        torch.arange(3),
    ],
)
def test_what_is_sent_arrives(value):
    tensors = {}
    sent = json.loads(json.dumps(pack(value, tensors)))
    assert str(unpack(sent, tensors)) == str(value)
    assert unpack(pack(object(), {}), {}) == Other("object")


def test_two_workers_are_two_processes():
    first, second = Worker(), Worker()
    try:
        case = Case({"x": torch.ones(1)})
        for one in (first, second):
            assert one.ask("def f(x): return x + 1", "f", [case])[0]["value"].item() == 2
        assert first.process.pid != second.process.pid
    finally:
        first.stop()
        second.stop()


# --- help -------------------------------------------------------------------------------------------------------------


def test_hints_come_one_by_one():
    hints = texts()["softmax"]["hints"]
    shown = [f"**Hint {number} of {len(hints)}.** {text}" for number, text in enumerate(hints, start=1)]
    for number in range(1, len(hints) + 1):
        assert hint("softmax")._repr_markdown_() == "\n\n".join(shown[:number])
    assert 'solution("softmax")' in hint("softmax") and 'solution("softmax")' in hint("softmax")
    assert hint("root").startswith("**Hint 1")


def test_a_solution_comes_with_its_reason():
    shown = solution("softmax")
    assert shown._repr_markdown_() == repr(shown) and "def softmax(scores):" in shown
    assert texts()["softmax"]["reason"] in shown and "check(" not in shown


def test_the_list_has_every_exercise_with_difficulty_and_minutes():
    rows = re.findall(r"^\| (\d\d) \| `(\w+)` \| .+ \| ●{1,3} \| \d+ \|$", list_exercises(), re.MULTILINE)
    assert [name for _, name in rows] == list(texts())
