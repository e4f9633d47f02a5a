"""Several processes on one run: which one this is, and how they find each other. Hugging Face accelerate does the work.

accelerate launch --num_processes 8 -m bertnotes train ...                       on eight GPUs
python -m torch.distributed.run --nproc-per-node 2 -m bertnotes train ...        on a CPU, where accelerate starts only one
"""

import os

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState


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
