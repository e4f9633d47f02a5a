"""Counted work against work counted by hand and by torch, measured memory against memory that was taken."""

import os

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bertnotes.experiments import meter as memory
from bertnotes.experiments.meter import MemoryWatch, Meter, give_back_memory, matrix_rate, operations
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


def test_a_meter_counts_reviews_tokens_and_padding(encoder):
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    ids = torch.zeros_like(mask)
    meter = Meter(passes=3)
    meter.start(encoder)
    encoder(input_ids=ids, attention_mask=mask)
    encoder(ids, attention_mask=mask)
    reading = meter.stop()
    encoder(input_ids=ids, attention_mask=mask)  # after the end: not counted
    assert (reading.reviews, reading.tokens, reading.positions) == (4, 12, 16)
    assert reading.operations == 3 * 2 * operations(encoder.config, 2, 4)
    assert reading.seconds > 0 and reading.memory_mb >= 0


def test_memory_is_the_most_that_was_held_meanwhile():
    watch = MemoryWatch(torch.device("cpu"))
    block = torch.ones(50_000_000)  # 200 MB, really touched
    watch.done.wait(0.2)
    del block
    give_back_memory()
    assert 190 <= watch.stop() < 400


def test_the_peak_of_a_process_is_what_linux_says_of_this_program(monkeypatch):
    monkeypatch.setattr(memory, "linux_status", lambda process: "VmPeak:\t  9000 kB\nVmHWM:\t  500000 kB\nVmRSS:\t  4000 kB\n")
    assert memory.peak_memory() == 512
    monkeypatch.setattr(memory, "linux_status", lambda process: "")
    assert os.name == "nt" or memory.peak_memory() > 100, "elsewhere what getrusage says"


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
