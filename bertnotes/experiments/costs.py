"""What a run will cost, before it starts: tokens, time and memory, from a few steps of a copy. Page 13."""

import copy
import time

from torch.utils.data import DataLoader

from bertnotes.batching import training_loader
from bertnotes.experiments.meter import peak_memory
from bertnotes.training import Callback, check_run, collect_logits, datasets, optimizer_and_schedule, train


def estimate_cost(model, tokenizer, train_data, validation_data, config, device="cpu", steps=10):
    """Estimate what `fit` would take with the same arguments. The model stays as it is.

    Returns a dict: reviews, tokens (of an epoch, after truncation) and computed_tokens (with padding), steps,
    tokens_per_second (measured, padding counted), seconds (of all epochs, validation included), and memory_mb, the most that
    was held. Raises ValueError as `fit` does. What torch.compile would gain is not in it.
    """
    check_run(config, model, train_data[1], validation_data[1])
    model = copy.deepcopy(model).to(device)
    training, held_out = datasets(tokenizer, train_data, validation_data, config)
    lengths, batches = training.lengths(), training_loader(training, config.batch_size, config.seed).batch_sampler.batches()
    sizes = [len(batch) * max(lengths[index] for index in batch) for batch in batches]
    probe = [batches[sizes.index(max(sizes))], *batches[:steps]]  # the first warms up; as the largest it shows the most memory
    started = time.perf_counter()
    collect_logits(model, DataLoader(training, batch_sampler=probe[1:]), device, config.precision)
    reading = sum(sizes[:steps]) / (time.perf_counter() - started)
    rate, passes = reading, 1  # of a frozen encoder: each review goes through once, whatever the number of epochs
    if not config.frozen:
        work = model, DataLoader(training, batch_sampler=probe), *optimizer_and_schedule(model, config, len(probe)), device
        rate, passes = sum(sizes[:steps]) / seconds_to_train(*work, config.precision), config.epochs
    return {
        "reviews": len(train_data[0]),
        "tokens": sum(lengths),
        "computed_tokens": sum(sizes),
        "steps": len(batches) * config.epochs,
        "tokens_per_second": round(rate),
        "seconds": round(passes * (sum(sizes) / rate + sum(held_out.lengths()) / reading)),
        "memory_mb": peak_memory(device),
    }


def seconds_to_train(*arguments):
    """How long it takes to train on all batches but the first, which only warms up. arguments: those of `train`."""
    clock = Clock()
    train(*arguments, callbacks=[clock])
    return clock.moments[-1] - clock.moments[0]


class Clock(Callback):
    """Notes the moment at which each step ends."""

    def __init__(self):
        self.moments = []

    def step(self, loss, count):
        """A step has ended."""
        self.moments.append(time.perf_counter())


def cost_report(cost):
    """Say in three lines what `estimate_cost` found."""
    memory = "unknown here" if cost["memory_mb"] is None else f"{cost['memory_mb']:,} MB"
    return (
        f"{cost['reviews']:,} reviews, {cost['tokens']:,} tokens an epoch ({cost['computed_tokens']:,} with padding), "
        f"{cost['steps']:,} steps in all\n"
        f"about {duration(cost['seconds'])} at {cost['tokens_per_second']:,} tokens a second, measured just now\n"
        f"most memory held: {memory}"
    )


def duration(seconds):
    """A time as one reads it aloud.

    >>> duration(1), duration(40), duration(600), duration(9000)
    ('1 second', '40 seconds', '10 minutes', '2 h 30 min')
    """
    if seconds < 120:
        return f"{seconds:.0f} second{'s' * (round(seconds) != 1)}"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02} min"
