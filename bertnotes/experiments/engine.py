"""What a training needs that runs for hours: a folder of its own, checkpoints, several processes, a batch in parts.

All of it is callbacks for the loop in training.py, so that fine-tuning (`fit_in`) and pre-training (pretrain.py) share it. A
run that was stopped goes on as if it never had been. A checkpoint is safetensors and JSON, never a pickle: loading one of those
can run code.

accelerate launch --num_processes 8 -m bertnotes train ...                       on eight GPUs
python -m torch.distributed.run --nproc-per-node 2 -m bertnotes train ...        on a CPU, where accelerate starts only one
"""

import atexit
import hashlib
import json
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, gather_object
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy
from tyro.conf import arg

from bertnotes.devices import autocast, give_back_memory, is_launched
from bertnotes.experiments.meter import peak_memory
from bertnotes.files import append_line, lines_of, read_lines, whole, write_whole
from bertnotes.masked_lm import IGNORED
from bertnotes.tables import as_pairs
from bertnotes.training import Callback, check_run, collect_logits, collect_rows, fit, inputs_of, join_rows, merge_windows


@dataclass
class Machine:
    """How a machine does the work; but for rounding, nothing of it changes what is learned."""

    # reviews in memory at a time, where a batch does not fit: its parts give the same gradient
    micro_batch_size: int | None = None
    compiled: Annotated[bool, arg(name="compile")] = False  # have torch.compile write the encoder's code
    save_every: float = 120.0  # seconds between checkpoints


def fit_in(
    folder, model, tokenizer, train_data, validation_data, config, machine=None, device=None, resume=False, callbacks=()
):
    """`fit` in a folder, from which it goes on after it was stopped. Processes that were launched together share each batch.

    The folder gets the model of the best epoch with its tokenizer, train_config.json, a line in history.jsonl for each epoch
    and in steps.jsonl for each step and, every so many seconds and after each epoch, a checkpoint. resume: go on from that, or
    begin where there is none yet; the weights at the end are those of a run that was never stopped.
    Returns the history; its entries have memory_mb, the most that was held since the run began, as well.
    Raises ValueError as `fit` does, and where `Folder` does not take the folder.
    """
    machine = machine or Machine()
    if machine.micro_batch_size is not None and machine.micro_batch_size < 1:
        raise ValueError(f"micro_batch_size is at least 1; got {machine.micro_batch_size}")
    train_data, validation_data = as_pairs(*train_data), as_pairs(*validation_data)
    check_run(config, model, train_data[1], validation_data[1])  # before anything is written
    team = Team(device or next(model.parameters()).device, machine.micro_batch_size)
    settings = asdict(config) | {"micro_batch_size": machine.micro_batch_size, "compiled": machine.compiled}
    origin = {"data": fingerprint(train_data, validation_data)}
    if machine.compiled:
        model.bert.compile(dynamic=True)
    with Folder(folder, settings, origin, resume, team, machine.save_every, keeps=(model, tokenizer)) as kept:
        return fit(
            model, tokenizer, train_data, validation_data, config, team.device,
            [kept, team, *callbacks], team.backward, team.collect, team.rank,
        )  # fmt: skip


# --- several processes, and a batch in parts ---------------------------------------------------------------------------------


class Team(Callback):
    """The processes that were launched together, if any, and this one's place among them. accelerate does the work.

    device: "cpu", "cuda" or "mps"; on a CPU processes speak through gloo, on GPUs through NCCL. micro_batch_size: how much of a
    batch goes through the model at a time.
    """

    def __init__(self, device, micro_batch_size=None):
        self.micro_batch_size = micro_batch_size
        self.device, self.rank, self.size = torch.device(device), 0, 1
        self.accelerator = self.shared = None
        if is_launched():
            on_cpu = self.device.type == "cpu"
            self.accelerator = Accelerator(cpu=on_cpu, device_placement=False, mixed_precision="no")
            self.rank, self.size = self.accelerator.process_index, self.accelerator.num_processes
            self.device = self.accelerator.device
            atexit.register(self.leave)

    def leave(self):
        """Part from the other processes, before Python ends: a group that outlives it now and then aborts a process whose work
        is done (https://github.com/pytorch/pytorch/issues/190489). What holds on to the group has to go first."""
        self.shared = None
        self.accelerator.end_training()

    def begin(self, run):
        """Let the processes share the gradients of the run's model."""
        self.shared = self.accelerator.prepare(run.model) if self.accelerator else None

    def backward(self, model, batch, device, precision="fp32", weights=None):
        """Work out the gradient of a batch's mean loss, as training.backward does. Returns that loss, in nats.

        The mean is over the whole batch, so what it is divided by is, too: a count or, with weights of classes, their sum. With
        n processes each takes every n-th row of the batch; of these, at most micro_batch_size go through at a time. The model
        gives logits for each label that is not IGNORED, in their order.
        """
        model = self.shared if self.accelerator else model
        counted = batch["label"][batch["label"] != IGNORED]  # what the mean is over: reviews, or hidden words
        count = len(counted) if weights is None else weights[counted].sum().item()
        weights = None if weights is None else weights.to(device)
        rows = torch.arange(len(batch["label"]))
        mine = rows[self.rank :: self.size]
        share = self.size if len(mine) else 0  # a process without a row goes through the motions with another's
        parts = (mine if len(mine) else rows[:1]).split(self.micro_batch_size or len(rows))
        total = torch.zeros((), device=device)
        for number, chosen in enumerate(parts, start=1):
            part = {name: tensor[chosen] for name, tensor in batch.items()}
            labels = part["label"][part["label"] != IGNORED].to(device)
            wait = self.accelerator and number < len(parts)
            with self.accelerator.no_sync(model) if wait else nullcontext():
                with autocast(device, precision):
                    logits = model(**inputs_of(part, device))
                loss = cross_entropy(logits.float(), labels, weights, reduction="sum") / count * share
                loss.backward()
            total += loss.detach()
        return (self.accelerator.reduce(total, "mean") if self.accelerator else total).item()  # as it is with gradients

    def collect(self, model, data_loader, device, precision="fp32"):
        """training.collect_logits, the batches shared out; each process gets the results of all, in the same order."""
        if self.size == 1:
            return collect_logits(model, data_loader, device, precision)
        mine = islice(data_loader, self.rank, None, self.size)
        found = gather_object([collect_rows(model, [batch], device, precision) for batch in mine])
        return merge_windows(join_rows(found))  # windows of one text may be in several batches

    def agree(self, value):
        """The first process's value, in all of them, which wait for it."""
        return broadcast_object_list([value])[0] if self.accelerator else value


# --- a run in a folder -------------------------------------------------------------------------------------------------------


class Folder(Callback):
    """The folder of a run, held while a `with` block lasts: its settings, a line for each step and epoch, its checkpoint.

    settings, origin: of the run, and what it began with, two dicts by which it is known; resume: go on with what the folder
    holds; team: of whose processes only the first writes; keeps: (model, tokenizer) to save whenever an epoch was the best;
    names: of the files for the settings and for the lines of epochs.
    Raises ValueError where the folder holds a run and resume is not set, where settings or origin are not those of the run
    there, and where another process is at work in it.
    """

    def __init__(
        self, path, settings, origin, resume, team, save_every=120.0, keeps=None, names=("train_config.json", "history.jsonl")
    ):
        self.path, self.settings, self.origin, self.resume, self.team = Path(path), settings, origin, resume, team
        self.save_every, self.keeps = save_every, keeps
        self.known, self.lines = (self.path / name for name in names)
        self.state, self.held, self.saved = self.path / "state.safetensors", None, time.monotonic()
        self.lock = FileLock(self.path / ".lock", blocking=False)

    def __enter__(self):
        if self.team.rank == 0:
            if self.known.exists():
                if not self.resume:
                    raise ValueError(f"{self.path} holds a run; to go on with it, resume it, or give a new folder")
                check_same(json.loads(self.known.read_text(encoding="utf-8")), self.settings, self.path)
            try:
                self.lock.acquire()
            except Timeout:
                message = f"another process is training in {self.path}; wait for it, or give another folder"
                raise ValueError(message) from None
            write_whole(self.known, json.dumps(self.settings, indent=2) + "\n")
        return self

    def __exit__(self, *error):
        if not any(error):
            self.team.agree("done")  # until then the first may be writing what all are to read
        self.lock.release()

    def begin(self, run):
        """Take the run to where the checkpoint left it, if there is one; drop the lines behind it, which will come again."""
        self.run = run
        if self.state.exists():
            tensors, record = load_checkpoint(self.state)
            check_same(record["origin"], self.origin, self.path)
            if self.keeps and record["progress"]["history"]:
                self.keeps[0].load_weights(self.path)
                run.keep_best()
            restore_state(tensors, run.model, run.optimizer, self.state)
            run.scheduler.load_state_dict(record["scheduler"])
            for group, rate in zip(run.optimizer.param_groups, run.scheduler.get_last_lr(), strict=True):
                group["lr"] = rate
            vars(run).update(record["progress"])
            self.held = record["held"]
        if self.team.rank == 0:
            done = run.epoch_number, run.batches
            steps = [line for line in read_lines(self.path / "steps.jsonl") if (line["epoch"], line["batch"]) <= done]
            write_whole(self.path / "steps.jsonl", lines_of(steps))
            self.write_history()

    def step(self, loss, count):
        """Write a line and, if it is time, a checkpoint."""
        if self.team.rank == 0:
            entry = {"epoch": self.run.epoch_number, "batch": self.run.batches, "reviews": count, "loss": loss}
            append_line(self.path / "steps.jsonl", entry | {"seconds": round(self.run.took, 4)})
            if time.monotonic() - self.saved >= self.save_every:
                self.save()
                give_back_memory()  # writing it left gaps

    def epoch(self, entry):
        """Keep the model if it is the best so far, and write a checkpoint and the line of the epoch."""
        self.held = max(filter(None, (self.held, peak_memory(self.team.device))), default=None)
        entry["memory_mb"] = self.held
        if self.team.rank == 0:
            if self.keeps and self.run.best_epoch() == entry["epoch"]:
                self.keeps[0].save_pretrained(self.path, self.keeps[1])
            self.save()
            self.write_history()

    def save(self):
        """Write a checkpoint."""
        self.held = max(filter(None, (self.held, peak_memory(self.team.device))), default=None)
        run, names = self.run, ("epoch_number", "batches", "count", "loss_sum", "seconds", "history")
        record = {"origin": self.origin, "scheduler": run.scheduler.state_dict(), "held": self.held}
        record["progress"] = {name: getattr(run, name) for name in names}
        save_checkpoint(self.state, state_of(run.model, run.optimizer), record)
        self.saved = time.monotonic()

    def write_history(self):
        """Write the lines of all epochs so far."""
        write_whole(self.lines, lines_of(self.run.history))


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
    """Read what `save_checkpoint` wrote: (tensors, record), on the CPU. Raises ValueError where it is not what was written."""
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


def state_of(model, optimizer):
    """All that a training step changes, as named tensors: "model/NAME" and "optimizer/KEY/NAME"."""
    names = names_of(model)
    tensors = {f"model/{name}": tensor for tensor, name in names.items()}
    for weight, moments in optimizer.state.items():
        tensors |= {f"optimizer/{key}/{names[weight]}": value for key, value in moments.items()}
    return tensors


def names_of(model):
    """The weights and buffers that a model saves: a dict from each to its name, the first where it has several."""
    return {tensor: name for name, tensor in reversed(model.state_dict(keep_vars=True).items())}


def restore_state(tensors, model, optimizer, path):
    """Put what `state_of` gave into model and optimizer, all of it or, where it does not fit, nothing. Raises ValueError where
    names or shapes are not the model's. path: the file that it came from, for the error."""
    own = {name: tensor for tensor, name in names_of(model).items()}
    kept = {name.removeprefix("model/"): tensor for name, tensor in tensors.items() if name.startswith("model/")}
    moments = [(*name.split("/")[1:], value) for name, value in tensors.items() if name.startswith("optimizer/")]
    there, here = ({(name, tensor.shape) for name, tensor in one.items()} for one in (kept, own))
    different = {name for name, _ in there ^ here} | ({name for _, name, _ in moments} - own.keys())
    if different:
        raise ValueError(f"{path} holds another model than this one; they differ in {sorted(different)[:3]}")
    model.load_state_dict(kept, strict=False)  # of a tensor with several names the first is kept
    for key, name, value in moments:
        optimizer.state[own[name]][key] = value.clone().to(own[name].device)


def check_same(found, wanted, path):
    """Raise ValueError where a run's settings, two dicts, differ: naming what, with the value there and the one given."""
    different = {name: (found.get(name), value) for name, value in wanted.items() if found.get(name) != value}
    if different:
        raise ValueError(f"{path} holds another run (there, here): {different}; give the same settings, or a new folder")


def fingerprint(*data):
    """SHA-256 of texts and labels, by which a run knows the data that it began with. data: any number of (texts, labels)."""
    each = [json.dumps([list(texts), [int(label) for label in labels]]) for texts, labels in data]
    return hashlib.sha256("".join(each).encode()).hexdigest()
