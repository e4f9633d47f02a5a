"""Counted work against work counted by hand and by torch, measured memory against memory that was taken."""

import os
import threading
import time
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bertnotes.experiments.meter import (
    Reading,
    give_back_memory,
    matrix_rate,
    measure,
    operations,
    peak_memory,
    peak_of_process,
    watch_memory,
)
from bertnotes.models import load_encoder


def flops_without_pooler(encoder, batch, length, back=False):
    """What torch counts for the encoder's layers."""
    with FlopCounterMode(display=False) as counter:
        hidden = encoder(torch.zeros(batch, length, dtype=torch.long)).last_hidden_state
        if back:
            hidden.sum().backward()
    return counter.get_total_flops() - 2 * batch * encoder.config.hidden_size**2


@pytest.mark.parametrize(("batch", "length"), [(1, 1), (3, 7), (2, 48)])
def test_operations_are_those_that_torch_counts(tiny_checkpoint, batch, length):
    """`eager`, whose products torch can see."""
    encoder = load_encoder(tiny_checkpoint, "eager")
    assert operations(encoder.config, batch, length) == flops_without_pooler(encoder, batch, length)


def test_a_way_back_costs_twice_a_way_forth(tiny_checkpoint):
    encoder = load_encoder(tiny_checkpoint, "eager").train()
    encoder.embeddings.word_embeddings.weight.requires_grad_()
    forth, both = (flops_without_pooler(encoder, 2, 9, back) for back in (False, True))
    assert both == pytest.approx(3 * forth, rel=0.01)


@pytest.mark.parametrize(("context", "passes"), [(torch.enable_grad, 3), (torch.no_grad, 1), (torch.inference_mode, 1)])
def test_a_meter_counts_reviews_tokens_and_padding(encoder, context, passes):
    """And the way back, where there is one."""
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    ids = torch.zeros_like(mask)
    with measure(encoder) as reading, context():
        encoder(input_ids=ids, attention_mask=mask)
        encoder(ids, attention_mask=mask)
    encoder(input_ids=ids, attention_mask=mask)  # after the end: not counted
    assert (reading.reviews, reading.tokens, reading.positions) == (4, 12, 16)
    assert reading.operations == passes * 2 * operations(encoder.config, 2, 4)
    assert reading.seconds > 0 and reading.memory_mb >= 0


def test_tokens_are_fetched_once_at_the_end(encoder, monkeypatch):
    """A GPU that is asked for a number first has to finish all it was given: the meter would slow down what it measures."""
    mask, asked = torch.ones(2, 4, dtype=torch.long), []
    with measure(encoder) as reading:
        for name in ("item", "__int__", "__bool__", "tolist"):
            monkeypatch.setattr(torch.Tensor, name, lambda tensor, name=name: asked.append(name))
        for hook in encoder._forward_pre_hooks.values():
            hook(encoder, (torch.zeros_like(mask),), {"attention_mask": mask})
        assert reading.reviews == 2 and asked == []
        monkeypatch.undo()
    assert reading.tokens == 8


def test_nothing_is_left_of_a_meter_whose_work_fails(encoder):
    """Neither the hook, which would count on, nor the thread."""
    threads = threading.active_count()
    with pytest.raises(KeyError), measure(encoder):
        assert len(encoder._forward_pre_hooks) == 1 and threading.active_count() == threads + 1
        raise KeyError
    assert len(encoder._forward_pre_hooks) == 0 and threading.active_count() == threads


def test_memory_is_the_most_that_was_held_meanwhile():
    with watch_memory(reading := Reading(), torch.device("cpu")):
        block = torch.ones(50_000_000)  # 200 MB, really touched
        time.sleep(0.2)
        del block
        give_back_memory()
    assert 190 <= reading.memory_mb < 400


def test_memory_of_a_gpu_is_what_torch_counts(monkeypatch):
    """No thread is needed."""
    counts = {"reset_peak_memory_stats": None, "memory_allocated": 3_000_000, "max_memory_allocated": 10_000_000}
    for name, count in counts.items():
        monkeypatch.setattr(torch.cuda, name, lambda count=count: count)
    threads = threading.active_count()
    with watch_memory(reading := Reading(), torch.device("cuda")):
        assert threading.active_count() == threads
    assert reading.memory_mb == 7


def test_the_peak_of_a_process_is_what_linux_says_of_this_program(monkeypatch):
    status = "VmPeak:\t  9000 kB\nVmHWM:\t  500000 kB\nVmRSS:\t  4000 kB\n"
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: status)
    assert peak_memory() == 512
    status = ""
    assert peak_of_process() is None
    assert os.name == "nt" or peak_memory() > 100, "elsewhere what getrusage says"
    monkeypatch.undo()
    assert peak_of_process(2**30) is None, "there is no such process"


def test_matrix_rate_is_measured():
    """Any machine of this century does a billion a second."""
    assert matrix_rate(seconds=0.05) > 1e9


@pytest.mark.parametrize(("precision", "units", "size"), [("fp32", [], 2048), ("bf16", ["amx_bf16"], 2048), ("bf16", [], 512)])
def test_matrix_rate_does_not_wait_for_minutes_where_bf16_is_slow(precision, units, size, cpu_with, monkeypatch):
    drawn = []
    monkeypatch.setattr(torch, "randn", lambda *shape, device: drawn.append(shape) or torch.ones(4, 4))
    cpu_with(*units)
    matrix_rate("cpu", precision, seconds=0.001)
    assert drawn == [(size, size)]
