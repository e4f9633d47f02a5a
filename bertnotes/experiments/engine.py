"""A run on disk: a folder that belongs to one run at a time, and a checkpoint from which it goes on as if never stopped.

Fine-tuning and pre-training share it. A checkpoint is safetensors and JSON, never a pickle: loading one of those can run code.
"""

import hashlib
import json
import os
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from bertnotes.files import whole, write_whole


@contextmanager
def claimed(folder):
    """Hold a folder for this process, until it ends in whatever way. Raises ValueError where another process has it."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise ValueError(f"another process is training in {folder}; wait for it, or give another folder") from None
    try:
        yield
    finally:
        lock.release()


def save_checkpoint(path, tensors, record):
    """Write named tensors and a JSON-able record to one file, whole or not at all, with a checksum over both.

    Raises OSError where the disk does not take it; the checkpoint that was there stays.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(record)
    with whole(path) as partial:
        try:
            save_file(tensors, partial, metadata={"record": text, "sha256": checksum(tensors, text)})
        except SafetensorError as error:
            raise OSError(f"{path} could not be written ({error}); the checkpoint before it is whole") from None


def load_checkpoint(path):
    """Read what `save_checkpoint` wrote: (tensors, record), on the CPU.

    Raises FileNotFoundError where there is none, ValueError where it is truncated or differs from what was written.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (a file, not a dict)
    except (SafetensorError, OSError, ValueError) as error:
        raise ValueError(f"{path} is truncated or damaged ({error}); begin the run anew in another folder") from None
    text = metadata.get("record", "")
    if metadata.get("sha256") != checksum(tensors, text):
        raise ValueError(f"{path} is not what was written: its checksum differs; begin the run anew in another folder")
    return tensors, json.loads(text)


def checksum(tensors, text):
    """SHA-256 over a text and over names, types, shapes and bytes of tensors."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def state_of(model, optimizers):
    """All that a training step changes, as named tensors: "model/NAME" and "optimizer/KEY/NAME"."""
    tensors = {f"model/{name}": weight for name, weight in model.named_parameters()}
    for name, weight in model.named_parameters():
        for optimizer in optimizers:
            for key, value in optimizer.state.get(weight, {}).items():
                tensors[f"optimizer/{key}/{name}"] = value
    return tensors


def restore_state(tensors, model, optimizers, path):
    """Put what `state_of` gave into model and optimizers, all of it or, where it does not fit, nothing.

    path: the file that it came from, for the error. Raises ValueError where names or shapes are not the model's.
    """
    weights = dict(model.named_parameters())
    found = {name.removeprefix("model/"): tensor for name, tensor in tensors.items() if name.startswith("model/")}
    shapes, expected = ({name: tuple(tensor.shape) for name, tensor in one.items()} for one in (found, weights))
    moments = [name.split("/", 2)[1:] for name in tensors if name.startswith("optimizer/")]
    if shapes != expected or not {name for _, name in moments} <= weights.keys():
        different = sorted(name for name in shapes.keys() | expected.keys() if shapes.get(name) != expected.get(name))
        raise ValueError(f"{path} holds another model than this one; they differ in {different[:3]}")
    owner = {
        id(weight): optimizer for optimizer in optimizers for group in optimizer.param_groups for weight in group["params"]
    }
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(found[name])
        for key, name in moments:
            value = tensors[f"optimizer/{key}/{name}"]
            owner[id(weights[name])].state[weights[name]][key] = value.clone().to(weights[name].device)


def check_same(found, wanted, path):
    """Raise ValueError where a run's settings, two dicts, differ: naming what, with the value there and the one given."""
    different = {name: (found.get(name), value) for name, value in wanted.items() if found.get(name) != value}
    if different:
        raise ValueError(f"{path} holds another run (there, here): {different}; give the same settings, or a new folder")


def append_line(path, entry):
    """Add an entry to a file of JSON lines, on a line of its own even where the last one was cut off."""
    with Path(path).open("ab+") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read() != b"\n":
                file.write(b"\n")
        file.write(json.dumps(entry).encode() + b"\n")


def read_lines(path):
    """The entries of a file of JSON lines, none where it is not there. A line that was cut off is left out."""
    path, entries = Path(path), []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        with suppress(ValueError):
            entries.append(json.loads(line))
    return entries


def lines_of(entries):
    """The text of a file of JSON lines."""
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def fingerprint(*data):
    """SHA-256 of texts and labels, by which a run knows the data that it began with. data: any number of (texts, labels)."""
    digest = hashlib.sha256()
    for texts, labels in data:
        digest.update(json.dumps([list(texts), [int(label) for label in labels]]).encode())
    return digest.hexdigest()


class Run:
    """The folder of a fine-tuning run, held while a `with` block lasts. With None for a folder, the best weights are kept in
    memory and nothing is written.

    config, data: the run's settings, a dict, and its data's fingerprint; resume: go on with what the folder holds; writes:
    False in all processes but one. Raises ValueError where the folder holds a run and resume is not set, where settings or
    data are not those of the run there, and where another process is at work in it.
    """

    def __init__(self, folder, config, data, resume=False, writes=True):
        self.folder, self.config, self.data = folder and Path(folder), config, data
        self.resume, self.writes = resume, writes and folder is not None
        self.best, self.saved, self.stack = None, time.monotonic(), ExitStack()

    def __enter__(self):
        if self.writes and (self.folder / "train_config.json").exists():  # the others may come when it has just been written
            if not self.resume:
                raise ValueError(f"{self.folder} holds a run; to go on with it, resume it, or give a new folder")
            check_same(json.loads((self.folder / "train_config.json").read_text(encoding="utf-8")), self.config, self.folder)
        if self.writes:
            self.stack.enter_context(claimed(self.folder))
            write_whole(self.folder / "train_config.json", json.dumps(self.config, indent=2) + "\n")
        return self

    def __exit__(self, *_):
        self.stack.close()

    def load(self, model, optimizer, scheduler):
        """Put the last checkpoint into all three. Returns the progress noted in it, a dict, empty where there is none yet."""
        path, progress = self.folder and self.folder / "state.safetensors", {}
        if path and path.exists():
            tensors, record = load_checkpoint(path)
            check_same({"data": record["data"]}, {"data": self.data}, self.folder)
            restore_state(tensors, model, [optimizer], path)
            scheduler.load_state_dict(record["scheduler"])
            for group, rate in zip(optimizer.param_groups, scheduler.get_last_lr(), strict=True):
                group["lr"] = rate
            progress = record["progress"]
        if self.writes:
            self.cut_lines(progress)
        return progress

    def cut_lines(self, progress):
        """Drop the lines of steps and epochs after the checkpoint: the run will come to them again."""
        done = progress.get("epoch", 1), progress.get("batches", 0)
        steps = [line for line in read_lines(self.folder / "steps.jsonl") if (line["epoch"], line["batch"]) <= done]
        write_whole(self.folder / "steps.jsonl", lines_of(steps))
        write_whole(self.folder / "history.jsonl", lines_of(progress.get("history", [])))

    def note(self, name, entry, watch=None):
        """Add a line to NAME.jsonl, and tell whoever watches."""
        if self.writes:
            append_line(self.folder / f"{name}.jsonl", entry)
        if watch:
            watch(entry)

    def is_due(self, seconds):
        """Whether the last checkpoint is so many seconds old."""
        return self.writes and time.monotonic() - self.saved >= seconds

    def save(self, model, optimizer, scheduler, progress):
        """Write a checkpoint."""
        if self.writes:
            record = {"data": self.data, "scheduler": scheduler.state_dict(), "progress": progress}
            save_checkpoint(self.folder / "state.safetensors", state_of(model, [optimizer]), record)
            self.saved = time.monotonic()

    def keep_best(self, model, tokenizer):
        """Keep the weights as they are now."""
        if self.writes:
            model.save_pretrained(self.folder, tokenizer)
        elif self.folder is None:
            self.best = {name: weight.detach().cpu().clone() for name, weight in model.state_dict().items()}

    def load_best(self, model):
        """Put the weights that were kept last into the model."""
        if self.folder:
            model.load_weights(self.folder)
        else:
            model.load_state_dict(self.best)


def join_processes(device):
    """Join the other processes that were launched with this one, if any: accelerate's Accelerator.

    device: "cpu", "cuda" or "mps"; on a CPU processes speak through gloo, on GPUs through NCCL.
    """
    launched = "LOCAL_RANK" in os.environ
    on_cpu = launched and torch.device(device).type == "cpu"  # one alone need not say, and could not change its mind later
    AcceleratorState._reset_state()  # accelerate keeps one for all: what a Trainer before asked for, such as bf16, is not ours
    return Accelerator(cpu=on_cpu, device_placement=False, mixed_precision="no")  # precision is for `devices.autocast` to set


def process(accelerator):
    """The number of this process, from 0, and how many there are."""
    return (accelerator.process_index, accelerator.num_processes) if accelerator else (0, 1)


def is_first():
    """Whether this is the first of the processes that were launched together, or the only one: the one that speaks."""
    return os.environ.get("RANK", "0") == "0"
