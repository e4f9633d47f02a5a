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


class Meter:
    """Measures an encoder at work: `with meter(encoder) as reading:` gives a Reading, which is complete after the block.

    passes: 3 where each batch goes forth and back (back costs twice as much), 1 where it only goes forth.
    """

    def __init__(self, passes=1):
        self.passes = passes

    @contextmanager
    def __call__(self, encoder):
        """Measure, with memory tidied up first so that what others left behind does not count."""
        reading, device = Reading(), next(encoder.parameters()).device
        # added up on the device and fetched once: asking a GPU at each step would make it wait
        tokens = torch.zeros((), dtype=torch.long, device=device)

        def count(encoder, arguments, named):
            ids = named["input_ids"] if "input_ids" in named else arguments[0]
            tokens.add_(named["attention_mask"].sum())
            reading.reviews += ids.shape[0]
            reading.positions += ids.numel()
            reading.operations += self.passes * operations(encoder.config, *ids.shape)

        gc.collect()
        give_back_memory()
        hook = encoder.register_forward_pre_hook(count, with_kwargs=True)
        try:
            with MemoryWatch(device) as memory:
                started = time.perf_counter()
                yield reading
                if device.type == "cuda":
                    torch.cuda.synchronize()
                reading.seconds = time.perf_counter() - started
        finally:
            hook.remove()
        reading.memory_mb, reading.tokens = memory.most_mb, tokens.item()


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


class MemoryWatch:
    """Follows the memory of this process, or of the GPU where the work is done there, while a `with` block lasts.

    most_mb: the most that was held meanwhile beyond what was held at first, in MB, once the block has ended.
    """

    def __init__(self, device, every=0.02):
        self.cuda, self.every, self.done = device.type == "cuda", every, threading.Event()
        self.process = psutil.Process()

    def __enter__(self):
        if self.cuda:
            torch.cuda.reset_peak_memory_stats()
        self.first = self.most = self.held()
        self.thread = threading.Thread(target=self.follow, daemon=True)
        if not self.cuda:  # torch keeps the peak itself
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        if not self.cuda:
            self.thread.join()
        self.most = torch.cuda.max_memory_allocated() if self.cuda else max(self.most, self.held())
        self.most_mb = round((self.most - self.first) / 1e6)

    def held(self):
        """What is held now, in bytes."""
        return torch.cuda.memory_allocated() if self.cuda else self.process.memory_info().rss

    def follow(self):
        """Look again and again until all is done."""
        while not self.done.wait(self.every):
            self.most = max(self.most, self.held())


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
