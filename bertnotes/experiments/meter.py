"""What a piece of work took: seconds, tokens, arithmetic and memory, read off the encoder while it works. Page 13."""

import gc
import os
import re
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from torch.utils.benchmark import Timer

from bertnotes.devices import autocast, fast_precision, give_back_memory


@dataclass
class Reading:
    """What was measured: seconds; reviews; their tokens, and all positions computed, padding included; the floating point
    operations of their matrix products; and the memory held at the most beyond what was held at the start, in MB."""

    seconds: float = 0.0
    reviews: int = 0
    tokens: int = 0
    positions: int = 0
    operations: float = 0.0
    memory_mb: int = 0


@contextmanager
def measure(encoder):
    """Measure an encoder at work: gives a Reading, which is complete after the `with` block.

    Memory is tidied up first, so that what others left behind does not count.
    """
    reading, device = Reading(), next(encoder.parameters()).device
    # added up on the device and fetched once: asking a GPU at each step would make it wait
    tokens = torch.zeros((), dtype=torch.long, device=device)

    def count(encoder, arguments, named):
        ids = named["input_ids"] if "input_ids" in named else arguments[0]
        passes = 3 if torch.is_grad_enabled() else 1  # the way back, if there is one, costs twice as much as the way forth
        tokens.add_(named["attention_mask"].sum())
        reading.reviews += ids.shape[0]
        reading.positions += ids.numel()
        reading.operations += passes * operations(encoder.config, *ids.shape)

    gc.collect()
    give_back_memory()
    with encoder.register_forward_pre_hook(count, with_kwargs=True), watch_memory(reading, device):
        started = time.perf_counter()
        yield reading
        if device.type == "cuda":
            torch.cuda.synchronize()
        reading.seconds = time.perf_counter() - started
    reading.tokens = tokens.item()


@contextmanager
def watch_memory(reading, device, every=0.02):
    """Note in a reading the most memory that is held while a `with` block lasts, beyond what was held at first: by this process
    or, where the work is done on a GPU, by the tensors there."""
    if device.type == "cuda":  # torch keeps the peak itself
        torch.cuda.reset_peak_memory_stats()
        first = torch.cuda.memory_allocated()
        yield
        reading.memory_mb = round((torch.cuda.max_memory_allocated() - first) / 1e6)
        return
    held, over = psutil.Process().memory_info, threading.Event()
    first = held().rss

    def follow():
        done = False
        while not done:
            done = over.wait(every)
            reading.memory_mb = max(reading.memory_mb, round((held().rss - first) / 1e6))

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def operations(config, batch, length):
    """Floating point operations of the matrix products of one pass forth: in each layer four squares of the hidden size and the
    two of the feed-forward part for each position, and attention's two products for each pair of positions."""
    hidden = config.hidden_size
    for_a_position = 4 * hidden**2 + 2 * hidden * config.intermediate_size + 2 * length * hidden
    return 2.0 * batch * length * config.num_hidden_layers * for_a_position


def matrix_rate(device="cpu", precision="fp32", seconds=1.0):
    """Measure how many floating point operations a second this machine does in large matrix products: its honest ceiling."""
    size = 8192 if torch.device(device).type == "cuda" else 2048
    if fast_precision(device, precision) != precision:
        size = 512  # large enough to see how slow it is
    matrix = torch.randn(size, size, device=device)
    product = Timer("(matrix @ matrix)[0, 0].item()", globals={"matrix": matrix}, num_threads=torch.get_num_threads())
    with torch.inference_mode(), autocast(device, precision):  # .item() waits for the device
        return 2 * size**3 / product.blocked_autorange(min_run_time=seconds).mean


def peak_memory(device="cpu"):
    """The most memory that this process has held so far, in MB: on a GPU the tensors there, else all that the process held;
    None where the system does not say (Windows)."""
    if torch.device(device).type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 1e6)
    held = peak_of_process()
    if held is not None or os.name == "nt":
        return held
    import resource  # Windows has none

    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, others kilobytes
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def peak_of_process(process="self"):
    """The most memory that a process, given by its number, has held so far, in MB; None where the system is not Linux or has
    no such process. Unlike getrusage's, this peak is of its program alone, and not of the one that started it."""
    with suppress(OSError):
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
        if held := re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE):
            return round(int(held[1]) * 1024 / 1e6)
    return None
