"""The process in which a learner's function runs: it can be ended, and only JSON and tensors go in and out. A function of the
exercises that a learner's function is called with goes in by its name.

The process that checks sends the source of the function and the arguments of its calls; this one answers with what came back,
or with the exception and its line. A clock inside ends it where a call takes too long, also when nobody is left to ask for it.
"""

import atexit
import contextlib
import copy
import faulthandler
import importlib
import io
import json
import os
import struct
import subprocess
import sys
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType

import torch
from safetensors.torch import load, save

CODE = "<your code>"
PAGES = "bertnotes.exercises.page"  # the modules whose functions can be sent
HEADER = struct.Struct(">QQ")  # lengths of the JSON and of the tensors
TIMED_OUT = 1  # the exit status when faulthandler's clock ends a process


@dataclass(frozen=True)
class Other:
    """What cannot be sent: the name of its type stands for it."""

    name: str


class EndedError(Exception):
    """The process ended before it answered. timed_out: because the call took too long."""

    def __init__(self, timed_out):
        super().__init__(timed_out)
        self.timed_out = timed_out


def pack(value, tensors):
    """A value as JSON can hold it; its tensors are put into a dict, under the names by which the JSON calls them."""
    if isinstance(value, torch.Tensor) and value.layout == torch.strided and not value.is_complex():
        tensors[str(len(tensors))] = value.detach().cpu().contiguous().clone()
        return {"tensor": str(len(tensors) - 1)}
    if isinstance(value, dict):
        return {"dict": {str(key): pack(one, tensors) for key, one in value.items()}}
    if isinstance(value, list | tuple):
        return {type(value).__name__ if type(value) is list else "tuple": [pack(one, tensors) for one in value]}
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, FunctionType) and value.__module__.startswith(PAGES):
        return {"function": [value.__module__, value.__name__]}
    return {"other": type(value).__name__}


def unpack(value, tensors):
    """The value that was packed."""
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    if kind == "tensor":
        return tensors[held]
    if kind == "other":
        return Other(held)
    if kind == "function":
        return getattr(importlib.import_module(held[0]), held[1]) if held[0].startswith(PAGES) else Other(kind)
    if kind == "dict":
        return {key: unpack(one, tensors) for key, one in held.items()}
    return (tuple if kind == "tuple" else list)(unpack(one, tensors) for one in held)


def send(stream, value):
    """Write a value to a stream."""
    tensors: dict = {}
    text = json.dumps(pack(value, tensors)).encode()
    blob = save(tensors)
    stream.write(HEADER.pack(len(text), len(blob)) + text + blob)
    stream.flush()


def receive(stream):
    """Read a value from a stream; EOFError where it ends first."""
    lengths = HEADER.unpack(exactly(stream, HEADER.size))
    text, blob = (exactly(stream, length) for length in lengths)
    return unpack(json.loads(text), load(blob))


def exactly(stream, length):
    """Read so many bytes."""
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


def gradient_of(function, arguments):
    """The gradient of the sum of what a function returns (of its first output) for its first argument."""
    first = arguments[0].clone().requires_grad_()
    result = function(first, *arguments[1:])
    return torch.autograd.grad((result[0] if isinstance(result, list | tuple) else result).sum(), first)[0]


def answer(function, call, source):
    """Call the function once. Returns value, names of the arguments that it changed and what it printed, or the error."""
    names, arguments = list(call["inputs"]), list(call["inputs"].values())
    before = copy.deepcopy(arguments)  # also the tensors of a dict or a list
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            value = gradient_of(function, arguments) if call["gradient"] else function(*arguments)
            pack(value, {})  # what cannot be packed, such as a list that holds itself, fails here
    except BaseException as error:  # also exit()
        return {"error": described(error, source), "printed": printed.getvalue()[:500]}
    pairs = zip(names, before, arguments, strict=True)
    changed = [name for name, old, new in pairs if not unchanged(old, new)]
    return {"value": value, "changed": changed, "printed": printed.getvalue()[:500]}


def unchanged(old, new):
    """Whether an argument is what it was: a tensor, or all that a dict or a list holds."""
    if type(old) is not type(new):
        return False
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(unchanged(old[key], new[key]) for key in old)
    if isinstance(old, list | tuple):
        return len(old) == len(new) and all(unchanged(*pair) for pair in zip(old, new, strict=True))
    if not isinstance(old, torch.Tensor):
        return old is new or old == new
    return old.shape == new.shape and old.dtype == new.dtype and torch.equal(old.nan_to_num(7), new.nan_to_num(7))


def described(error, source):
    """An exception as JSON: its type, the first line of its message, and the line of the learner's code that it came from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == CODE]
    line = source.split("\n")[frames[-1].lineno - 1].strip() if frames else ""
    message = (str(error).strip().splitlines() or ["(no message)"])[0][:300].rstrip(".")
    return {"type": type(error).__name__, "message": message, "line": line}


@contextlib.contextmanager
def clock(seconds):
    """End this process where what is inside takes longer."""
    with Path(os.devnull).open("w") as nowhere:
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


def run(request):
    """Make the learner's function from its source and call it. Returns one answer a call."""
    source, namespace = request["source"], {"__name__": "my_bert"}
    try:
        with clock(request["limit"]):
            exec(compile(source, CODE, "exec"), namespace)
            function = namespace[request["function"]]
    except BaseException as error:
        return [{"error": described(error, source)}] * len(request["calls"])
    answers = []
    for call in request["calls"]:
        with clock(request["limit"]):
            answers.append(answer(function, call, source))
    return answers


def serve():
    """Answer requests until there are no more. What the learner's code prints past Python does not get into the answers."""
    reader, writer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("r+b") as nowhere:
        os.dup2(nowhere.fileno(), 0)
        os.dup2(nowhere.fileno(), 1)
    with contextlib.suppress(EOFError):
        while True:
            send(writer, run(receive(reader)))


class Worker:
    """The other end: starts the process when it is first asked, keeps it, and starts another where it ended."""

    def __init__(self, limit=10):
        """limit: seconds that one call may take."""
        self.limit = limit
        self.process = None
        atexit.register(self.stop)

    def start(self):
        """Start the process, without waiting for it."""
        path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
        command = [sys.executable, "-P", "-c", "from bertnotes.exercises.worker import serve; serve()"]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            start_new_session=True,  # an interrupt of the notebook's process is not one of this
        )

    def stop(self):
        """End the process, whatever it does."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def ask(self, source, function, cases):
        """Run a function on cases. Returns one answer for each; raises EndedError where the process ended instead."""
        if self.process is None or self.process.poll() is not None:
            self.start()
        calls = [{"inputs": case.inputs, "gradient": case.gradient} for case in cases]
        try:
            send(self.process.stdin, {"source": source, "function": function, "calls": calls, "limit": self.limit})
            return receive(self.process.stdout)
        except (EOFError, OSError):
            status = self.process.wait()
            self.stop()
            raise EndedError(status == TIMED_OUT) from None
        except BaseException:  # an interrupt: what the process will answer is not awaited any more
            self.stop()
            raise
