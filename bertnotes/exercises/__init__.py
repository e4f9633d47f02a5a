"""Exercises: `check` says what is wrong and why, `hint` helps on by a step, `solution` shows one and its reason.

A learner works in notebooks/my/. What passes is kept there in my_bert.py, so that the functions of one page run on the next.
"""

import functools
import importlib
import json
import os
import re
import tempfile
from pathlib import Path

from bertnotes.exercises.judging import Number, Verdict
from bertnotes.exercises.program import CannotFollowError, ForeignError, Program, is_stub, parse, program_of
from bertnotes.exercises.worker import EndedError, Worker
from bertnotes.files import write_whole

__all__ = ["Text", "check", "hint", "list_exercises", "solution"]

FILE = "my_bert.py"
runner = Worker()
attempts: dict[str, int] = {}  # how often each exercise was checked: the seed of its random inputs
hinted: dict[str, int] = {}


class Text(str):
    """A text that a notebook shows as Markdown."""

    def _repr_markdown_(self):
        return str(self)

    __repr__ = str.__str__


@functools.cache
def texts():
    """{name: title, difficulty, minutes, hints, solution, reason, stub, page} of every exercise, from the pages' sources."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("page*.json")):
        for name, text in json.loads(path.read_text(encoding="utf-8")).items():
            found[name] = text | {"page": path.stem}
    return found


def exercise_of(name):
    """The cases and the judge of an exercise."""
    return importlib.import_module(f"bertnotes.exercises.{texts()[name]['page']}").EXERCISES[name]


def unknown(name):
    """What to say of a name that no exercise has."""
    return f"There is no exercise {name!r}; there are {', '.join(texts())}."


def check(name, answer) -> Verdict:
    """Look at an answer to an exercise: a function, or a number. Never raises; what is kept, or why not, is in the message."""
    if name not in texts():
        return Verdict("not attempted", unknown(name))
    exercise, text = exercise_of(name), texts()[name]
    if answer is None or answer is ...:
        return Verdict("not attempted", f'For help: `hint("{name}")`.')
    if isinstance(exercise, Number):
        return exercise.judge([], [answer])
    try:
        kept, trouble = read_kept(), ""
    except ForeignError as error:
        kept, trouble = Program(), f"It is not kept: {FILE} stays as it is, because {error}. Mend that, or move the file away."
    try:
        function, program = program_of(answer, kept)
    except CannotFollowError as error:
        return Verdict("wrong", f"{error} {trouble}".strip())
    if is_stub(program.pieces[function], text["stub"]):
        return Verdict("not attempted", f'For help: `hint("{name}")`.')
    attempts[name] = attempts.get(name, 0) + 1
    verdict = verdict_on(exercise, program, function, attempts[name])
    if not verdict.passed and trouble:
        return verdict.and_say(f"What {FILE} holds is not known here. {trouble}")
    if not verdict.passed or not exercise.function:
        return verdict
    return verdict.and_say(trouble or keep(exercise, function, program, kept))


def verdict_on(exercise, program, function, seed):
    """Run a learner's function in the other process and judge what it returned."""
    cases = exercise.cases(seed)
    try:
        outputs = runner.ask(program.text(), function, cases)
    except EndedError as ended:
        if ended.timed_out:
            return Verdict(
                "wrong", f"It ran for more than {runner.limit} seconds and was stopped. Is there a loop that never ends?"
            )
        return Verdict("wrong", "It ended the process that it ran in, as too much memory does.")
    verdict = exercise.judge(cases, outputs, seed)
    if verdict.state == "right" and (remark := remark_on(exercise, program)):
        verdict = Verdict("right but", remark)
    printed = outputs[0].get("printed", "").rstrip()
    return verdict.and_say("It printed:\n\n" + re.sub("^", "    ", printed, flags=re.MULTILINE)) if printed else verdict


def remark_on(exercise, program):
    """What to watch out for in a right answer, going by the names that its code uses."""
    if any("bertnotes" in line for line in program.imports):
        return "The course's library does the work here. Write it yourself: that is what the exercise is for."
    code = "\n".join(program.pieces.values())
    return next((remark for name, remark in exercise.remarks.items() if re.search(rf"\.{name}\b", code)), "")


def keep(exercise, function, program, kept):
    """Put a function that passed into my_bert.py, once the whole file has passed in a fresh process. Returns what to tell."""
    if function != exercise.function:
        return f"It is not kept: in {FILE} it has to be called `{exercise.function}`, yours is `{function}`."
    merged = kept.with_those_of(program)
    if folder() != temporary():
        runner.stop()
    for other in map(exercise_of, texts()):
        name = other.function
        if name == function or name not in kept.pieces or verdict_on(other, merged, name, 0).passed:
            continue
        earlier = Program(merged.imports, merged.pieces | {name: kept.pieces[name]})
        if verdict_on(other, earlier, name, 0).passed:
            merged = earlier  # the notebook still has a version that does less
        elif verdict_on(other, kept, name, 0).passed:
            return f"It is not kept: `{name}` in {FILE} would fail with it. Give each helper function a name of its own."
    if not verdict_on(exercise, merged, function, 0).passed:
        return f"It is not kept: together with the rest of {FILE} it does not pass."
    try:
        write_whole(folder() / FILE, merged.text())
    except OSError as error:
        return f"It is not kept: {FILE} could not be written ({error.strerror})."
    lasts = "" if folder() != temporary() else " for this session (to keep it for good, work in notebooks/my: `make lab`)"
    return f"`{function}` is in {FILE}{lasts}."


@functools.cache
def temporary():
    """A folder for this session."""
    made = tempfile.TemporaryDirectory(prefix="bertnotes-", ignore_cleanup_errors=True)
    temporary.made = made  # it goes with this process
    return Path(made.name)


def folder():
    """Where my_bert.py lies: BERTNOTES_MY, or the folder of the notebook if it is called my, or one for this session."""
    if named := os.environ.get("BERTNOTES_MY"):
        return Path(named)
    return Path.cwd() if Path.cwd().name == "my" else temporary()


def read_kept():
    """The program in my_bert.py, an empty one where there is none. Raises ForeignError."""
    path = folder() / FILE
    try:
        return parse(path.read_text(encoding="utf-8")) if path.exists() else Program()
    except UnicodeDecodeError:
        raise ForeignError("it is not a text in UTF-8") from None
    except OSError as error:
        raise ForeignError(f"it could not be read ({error.strerror})") from None


def hint(name) -> Text:
    """The hints of an exercise so far, and one more each time; after the last one, where to look."""
    if name not in texts():
        return Text(unknown(name))
    hints = texts()[name]["hints"]
    hinted[name] = hinted.get(name, 0) + 1
    shown = [f"**Hint {number} of {len(hints)}.** {text}" for number, text in enumerate(hints, 1) if number <= hinted[name]]
    if hinted[name] > len(hints):
        shown.append(f'There are no more hints. To see a solution: `solution("{name}")`.')
    return Text("\n\n".join(shown))


def solution(name) -> Text:
    """A solution of an exercise, with its reason."""
    if name not in texts():
        return Text(unknown(name))
    text = texts()[name]
    return Text(f"```python\n{text['solution']}\n```\n\n{text['reason']}")


def list_exercises() -> Text:
    """All exercises, with page, difficulty and minutes."""
    rows = [
        f"| {text['page'][4:]} | `{name}` | {text['title']} | {text['difficulty']} | {text['minutes']} |"
        for name, text in texts().items()
    ]
    return Text("\n".join(["| page | name | exercise | difficulty | minutes |", "| --- | --- | --- | --- | --- |", *rows]))
