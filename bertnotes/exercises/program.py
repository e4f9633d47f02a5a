"""A learner's function as a text that runs anywhere: with the imports, constants and functions of the notebook that it uses.

The same text is what `my_bert.py` holds: the learner's own BERT, function by function.
"""

import ast
import builtins
import dis
import inspect
import math
import textwrap
import tokenize
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType
from typing import Any

ALLOWED = "torch math numpy einops bertnotes jaxtyping functools itertools operator collections typing".split()
OPENING = '"""Your own BERT. `check` writes this file: what passes is put in, or takes the place of what passed before."""\n'


class CannotFollowError(ValueError):
    """The learner's function cannot be taken out of its notebook; the message tells the learner why."""


class ForeignError(ValueError):
    """A file holds what `check` did not write; the message tells the learner where."""


@dataclass
class Program:
    """Imports, one a line, and pieces of code by the name that each defines."""

    imports: set[str] = field(default_factory=set)
    pieces: dict[str, str] = field(default_factory=dict)

    def text(self):
        """The program as a file."""
        parts = [OPENING, *(["\n".join(sorted(self.imports)) + "\n"] if self.imports else [])]
        return "\n".join(parts) + "".join(f"\n\n{piece}\n" for piece in self.pieces.values())

    def with_those_of(self, other):
        """This program with the imports and pieces of another one, which replace pieces of the same name."""
        return Program(self.imports | other.imports, self.pieces | other.pieces)

    def needs(self, name):
        """The pieces that a piece uses, directly or not, itself the last; and all imports."""
        found: dict[str, str] = {}

        def add(one):
            if one in self.pieces and one not in found:
                found[one] = ""  # so that a function may call itself
                for other in names_in(self.pieces[one]):
                    add(other)
                found[one] = self.pieces[one]

        add(name)
        return Program(set(self.imports), found)


def parse(text):
    """The program that a file holds. Raises ForeignError where it is not one that `text` made."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError) as error:
        raise ForeignError(f"it has a syntax error in line {getattr(error, 'lineno', None) or 1}") from None
    program, lines = Program(), text.split("\n")
    for node in body:
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        source = "\n".join(lines[first - 1 : node.end_lineno])
        if isinstance(node, ast.Import | ast.ImportFrom):
            program.imports.add(ast.unparse(node))
        elif name := defined(node):
            program.pieces[name] = source
    made = program.text().split("\n")
    if lines != made:
        line = next((number for number, pair in enumerate(zip(lines, made, strict=False)) if pair[0] != pair[1]), len(made))
        raise ForeignError(f"from line {line + 1} on it holds what check did not write")
    return program


def defined(node):
    """The name that a statement defines, "" where it is neither a function nor a plain assignment."""
    if isinstance(node, ast.FunctionDef):
        return node.name
    plain = isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    return node.targets[0].id if plain else ""


def names_in(source):
    """The names from outside that a piece of code uses when it runs, its own locals and attributes not among them."""
    found: dict[str, None] = {}

    def walk(code):
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                found[step.argval] = None
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                walk(constant)

    walk(compile(source, "<piece>", "exec"))
    return list(found)


def program_of(function, kept=None):
    """(name, Program) of a function that was written in a notebook. kept: where names are found that the notebook lacks.

    Raises CannotFollowError where the answer is no such function, or where it rests on what cannot be taken along.
    """
    kept = kept or Program()
    if (name := is_kept(function, kept)) is not None:
        return name, kept.needs(name)
    if not isinstance(function, FunctionType) or own(function) is None:
        met = (
            f"`{getattr(function, '__name__', '')}`, which is not yours"
            if callable(function)
            else f"a {type(function).__name__}"
        )
        raise CannotFollowError(f"The check needs the function that you wrote, by its name and without brackets; it met {met}.")
    name, source = own(function)
    program = Program()
    add_piece(program, name, source, function.__globals__, kept)
    return name, program


def is_kept(value, kept):
    """The name of a function that was imported from my_bert.py, None of another: what the file says now is what counts, for
    Python looks up the lines of a function where they stood when it was imported."""
    name = getattr(value, "__name__", None)
    return name if getattr(value, "__module__", None) == "my_bert" and name in kept.pieces else None


def own(function):
    """(name, source) of a learner's function, None where it is not one: of a library, or with no source."""
    if (function.__module__ or "").split(".")[0] in ALLOWED:
        return None
    try:
        lines = textwrap.dedent(inspect.getsource(function)).strip().split("\n")
        (node,) = ast.parse("\n".join(lines)).body
    except (OSError, TypeError, SyntaxError, ValueError, tokenize.TokenError):
        return None
    return (defined(node), "\n".join(lines[: node.end_lineno])) if defined(node) else None


def add_piece(program, name, source, namespace, kept):
    """Add a piece of code to a program, after all that it uses."""
    program.pieces[name] = ""
    for used in names_in(source):
        if used in namespace:
            add_name(program, used, namespace[used], kept)
        elif used in kept.pieces and used not in program.pieces:
            add_kept(program, used, kept)
    del program.pieces[name]  # so that it comes after them
    program.pieces[name] = source


def add_kept(program, name, kept):
    """Add a piece of my_bert.py with all that it uses."""
    needed = kept.needs(name)
    program.imports |= needed.imports
    program.pieces |= {one: text for one, text in needed.pieces.items() if one not in program.pieces}


def add_name(program, name, value: Any, kept):
    """Add what a name of the notebook stands for."""
    if name in program.pieces or value is getattr(builtins, name, program):
        return
    if is_kept(value, kept) == name:
        add_kept(program, name, kept)
    elif line := import_of(name, value):
        program.imports.add(line)
    elif isinstance(value, FunctionType) and (found := own(value)):
        if found[0] != name:
            raise CannotFollowError(f"`{name}` is another name of your function `{found[0]}`; use that one.")
        add_piece(program, name, found[1], value.__globals__, kept)
    elif (constant := constant_of(value)) is not None:
        program.pieces[name] = f"{name} = {constant}"
    elif isinstance(value, ModuleType):
        raise CannotFollowError(f"It uses the module `{value.__name__}`; what your functions may use is {', '.join(ALLOWED)}.")
    else:
        met = "tensor" if type(value).__name__ == "Tensor" else type(value).__name__
        raise CannotFollowError(
            f"It uses `{name}`, a {met} of the notebook, so it would give an answer about that one whatever it is called with. "
            "Use the arguments alone."
        )


def import_of(name, value):
    """The line that imports what a name stands for, "" where that is not of an allowed module."""
    if isinstance(value, ModuleType):
        allowed = value.__name__.split(".")[0] in ALLOWED
        return (f"import {value.__name__}" + ("" if value.__name__ == name else f" as {name}")) if allowed else ""
    origin, there = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if not isinstance(there, str):
        return ""
    if origin is None or origin.startswith("torch._"):  # built-in functions of torch do not say where they are from
        origin = "torch"
    if origin.split(".")[0] not in ALLOWED:
        return ""
    return f"from {origin} import {there}" + ("" if there == name else f" as {name}")


def constant_of(value):
    """The source of a plain constant, None where it is not one."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if value is None or type(value) in (bool, int, float, str):
        return repr(value)
    if type(value) in (list, tuple) and all(constant_of(one) is not None for one in value):
        inside = ", ".join(str(constant_of(one)) for one in value)
        return f"[{inside}]" if type(value) is list else f"({inside}{',' * (len(value) == 1)})"
    return None


def is_stub(source, stub):
    """Whether a function's code is still that in the stub, comments and docstrings apart."""
    return bool(bare(source) & bare(stub))


def bare(source):
    """What each function in a source says, without comments and docstrings."""
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    for node in functions:
        if ast.get_docstring(node) is not None:
            del node.body[0]
    return {ast.dump(node) for node in functions}
