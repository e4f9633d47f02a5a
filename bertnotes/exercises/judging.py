"""What a check says of an answer: words that name the mistake, and numbers that can be followed by hand."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from bertnotes.exercises.worker import Other, gradient_of

OPENINGS = {"not attempted": "Not attempted yet.", "wrong": "Not yet.", "right": "Right.", "right but": "Right, but watch out."}


@dataclass(frozen=True)
class Verdict:
    """One of four states, and what there is to say. A notebook shows it as Markdown, which an untrusted one shows too."""

    state: str
    message: str = ""

    @property
    def passed(self):
        """Whether the answer is right, with or without a caution."""
        return self.state.startswith("right")

    def and_say(self, message):
        """The same verdict with one paragraph more."""
        return Verdict(self.state, f"{self.message}\n\n{message}".strip())

    def _repr_markdown_(self):
        return f"**{OPENINGS[self.state]}** {self.message}".strip()

    def __repr__(self):
        return f"{OPENINGS[self.state]} {self.message}".strip()


@dataclass(frozen=True)
class Case:
    """The arguments of one call, by name.

    shown: chosen by hand, so that a message may hold its numbers. watch: what to say of an answer that fails here alone, which
    makes it right, but. gradient: what is compared is the gradient of the first argument.
    """

    inputs: dict[str, Any]
    shown: bool = False
    watch: str = ""
    gradient: bool = False


@dataclass(frozen=True)
class Mistake:
    """A mistake that people make: what to say, and what an answer returns that makes it (each a function of the arguments)."""

    message: str
    formulas: tuple[Callable, ...]
    state: str = "wrong"


@dataclass(frozen=True)
class Exercise:
    """A function to write: cases(seed) gives the calls, judge(...) says what the outputs are worth. See `page01`.

    remarks: by a name that the code uses, what to watch out for. errors: by a part of an exception's message, its usual cause.
    function: the name under which it is kept in my_bert.py, "" where it is not.
    """

    function: str
    cases: Callable[[int], list[Case]]
    right: Callable
    mistakes: tuple[Mistake, ...] = ()
    parts: tuple[str, ...] = ()  # names of the outputs, where there are several
    remarks: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    def judge(self, cases: list[Case], outputs: list[dict], seed: int = 0) -> Verdict:
        """The verdict on what the learner's function returned: outputs as `worker.answer` gives them, one for each case."""
        wanted = [
            gradient_of(self.right, list(case.inputs.values())) if case.gradient else self.right(**case.inputs)
            for case in cases
        ]
        failed = [index for index, output in enumerate(outputs) if not same(output.get("value", Other("")), wanted[index])]
        for index in failed:
            if not cases[index].watch:
                return self.wrong(cases, outputs, wanted, index, seed)
        cautions = [
            self.of_error(outputs[index]["error"]) if "error" in outputs[index] else cases[index].watch for index in failed
        ]
        changed = sorted({name for output in outputs for name in output.get("changed", [])})
        if changed:
            cautions.append(f"It changes `{'`, `'.join(changed)}`, which belongs to the caller. Work on a new tensor instead.")
        return Verdict("right but", " ".join(dict.fromkeys(cautions))) if cautions else Verdict("right")

    def wrong(self, cases, outputs, wanted, index, seed):
        """The verdict on an answer that first fails at a case."""
        case, output, expected = cases[index], outputs[index], wanted[index]
        state, rows = "wrong", shapes(case.inputs)
        if "error" in output:
            message = self.of_error(output["error"])
        elif mistake := self.named(cases, outputs):
            state, message = mistake.state, mistake.message
        else:
            message = differs(output["value"], expected, self.parts)
        if not case.shown:
            message += f" This was on random inputs (seed {seed}); the small examples before them came out right."
        elif "value" in output:
            rows = {name: shown(value) for name, value in case.inputs.items()}
            rows |= compared(output["value"], expected, self.parts)
        return Verdict(state, f"{message}\n\n{listed(rows)}")

    def of_error(self, error):
        """What to say of an exception. error: its type, message and line."""
        cause = next((text for part, text in self.errors.items() if part in error["message"]), "")
        where = f"The line {code(error['line'])}" if error["line"] else "Calling it"
        return f"{where} raises {code(error['type'] + ': ' + error['message'])}. {cause}".strip()

    def named(self, cases, outputs):
        """The mistake that explains every output, or None."""
        told = [(case, output) for case, output in zip(cases, outputs, strict=True) if not case.watch]
        pairs = [(case, output["value"]) for case, output in told if "value" in output]
        for mistake in self.mistakes:
            if mistake.state != "wrong" and len(pairs) < len(told):
                continue  # what raises an exception somewhere is not right
            if any(all(same(met, tried(formula, case.inputs)) for case, met in pairs) for formula in mistake.formulas):
                return mistake
        return None


@dataclass(frozen=True)
class Number:
    """A number to type. mistakes: what to say of other numbers. tolerance: how far off still counts, for those who round."""

    right: float
    mistakes: Mapping[float, str]
    tolerance: float
    function = ""  # nothing to keep

    def cases(self, seed: int) -> list[Case]:
        """None: there is nothing to call."""
        return []

    def judge(self, cases: list[Case], outputs: list, seed: int = 0) -> Verdict:
        """The verdict on the number. outputs: what was typed, alone in a list."""
        try:
            met = float(outputs[0])
        except (TypeError, ValueError, RuntimeError):
            comma = " A decimal has a point in Python: 0.5, not 0,5." if isinstance(outputs[0], tuple) else ""
            return Verdict("wrong", f"Expected a number, met {kind(outputs[0])}.{comma}")
        if math.isclose(met, self.right, abs_tol=self.tolerance):
            return Verdict("right", f"It is {self.right:.3g}." if self.right % 1 else f"It is {self.right:.0f}.")
        near = [
            text for number, text in self.mistakes.items() if math.isclose(met, number, rel_tol=0.004, abs_tol=self.tolerance)
        ]
        return Verdict(
            "wrong",
            near[0] if near else f"{met:g} is not it, and no usual slip either. Do it again step by step, or ask for a hint.",
        )


def code(text):
    """A text as Markdown shows code, whatever is in it."""
    return "`" + text.replace("`", "'") + "`"


def tried(formula, inputs):
    """What a formula gives; where it cannot be computed, something that equals nothing."""
    try:
        return formula(**inputs)
    except (RuntimeError, IndexError, TypeError, ValueError):
        return Other("nothing")


def same(met, expected):
    """Whether two outputs agree but for rounding: kind, shape, numbers."""
    if isinstance(expected, tuple):
        fits = isinstance(met, list | tuple) and len(met) == len(expected)
        return fits and all(same(one, other) for one, other in zip(met, expected, strict=True))
    if isinstance(expected, dict):
        fits = isinstance(met, dict) and met.keys() == expected.keys()
        return fits and all(same(met[name], one) for name, one in expected.items())
    if not (isinstance(met, torch.Tensor) and isinstance(expected, torch.Tensor)):
        return False
    if met.shape != expected.shape or (met.dtype == torch.bool) != (expected.dtype == torch.bool):
        return False
    return torch.allclose(met.double(), expected.double(), rtol=1e-4, atol=1e-5, equal_nan=True)


def differs(met, expected, parts=()):
    """Say in general how an output departs from the expected one: kind, then shape, then numbers."""
    if met is None:
        return "It returns None: is there a `return`, and is every `...` gone?"
    if isinstance(expected, tuple):
        if not isinstance(met, list | tuple) or len(met) != len(expected):
            return f"It returns {kind(met)}; expected {len(expected)} tensors: ({', '.join(parts)})."
        found = [
            f"{differs(one, other)} (This is about the {part}.)"
            for one, other, part in zip(met, expected, parts, strict=True)
            if not same(one, other)
        ]
        return found[-1]
    if isinstance(expected, dict):
        return differs_in_names(met, expected)
    if not isinstance(met, torch.Tensor):
        return f"It returns {kind(met)}; expected a tensor."
    if met.shape != expected.shape:
        return f"It returns the shape {tuple(met.shape)}; expected {tuple(expected.shape)}."
    if (met.dtype == torch.bool) != (expected.dtype == torch.bool):
        return f"It returns {met.dtype}; expected {expected.dtype}."
    if met.isnan().any() and not expected.isnan().any():
        return "There is a `nan` (not a number) in what it returns: somewhere 0 was divided by 0, or infinity met infinity."
    return "The shape is right, the numbers are not."


def differs_in_names(met, expected):
    """Say how a dict of tensors departs from the expected one: names first."""
    if not isinstance(met, dict):
        return f"It returns {kind(met)}; expected a dict, {{name: table}}."
    missing, unknown = sorted(expected.keys() - met.keys()), sorted(met.keys() - expected.keys())
    if missing or unknown:
        return " ".join(f"{word}: `{names[0]}`." for word, names in (("Missing", missing), ("Unknown", unknown)) if names)
    return f"`{next(name for name, one in expected.items() if not same(met[name], one))}` has the wrong table."


def kind(value):
    """What something is, in words."""
    if isinstance(value, torch.Tensor):
        return "one tensor"
    name = value.name if isinstance(value, Other) else type(value).__name__
    size = f" of {len(value)}" if isinstance(value, list | tuple) else ""
    return f"{'an' if name[:1].lower() in 'aeio' else 'a'} {name}{size}"


def compared(met, expected, parts):
    """The rows that show what was met and expected; of several outputs the last that is wrong, on which the others rest."""
    if isinstance(expected, tuple):
        if not isinstance(met, list | tuple) or len(met) != len(expected):
            return {}
        index = max(index for index, (one, other) in enumerate(zip(met, expected, strict=True)) if not same(one, other))
        return {f"your {parts[index]}": shown(met[index]), "expected": shown(expected[index])}
    return {"yours": shown(met), "expected": shown(expected)}


def shown(value):
    """A value in few digits."""
    if isinstance(value, torch.Tensor):
        return shown(value.tolist()) if value.numel() <= 40 else f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, dict) or callable(value):
        return shape_of(value)
    if isinstance(value, float):
        return (
            f"{value + 0:.3f}".rstrip("0").rstrip(".").replace("-0", "0")
            if abs(value) < 5e-4
            else f"{value:.3f}".rstrip("0").rstrip(".")
        )
    return kind(value) if isinstance(value, Other) else str(value)


def shapes(inputs):
    """The shape of each argument, in words."""
    return {name: shape_of(value) for name, value in inputs.items()}


def shape_of(value):
    """The shape of one argument, in words; of a dict of them only how many."""
    if isinstance(value, dict):
        return f"a dict of {len(value)}: {', '.join(value)}"
    if callable(value):
        return f"a function: {(value.__doc__ or value.__name__).strip().rstrip('.')}"
    return f"shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else str(value)


def listed(rows):
    """Rows of a name and a text, laid out as code."""
    width = max(map(len, rows), default=0)
    return "\n".join(f"    {name:{width}} = {text}" for name, text in rows.items())
