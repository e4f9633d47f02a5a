"""What a run will cost, before it starts: tokens, time and memory, from a few steps of a copy. Notebook 13."""

import copy
import time

from torch.utils.data import DataLoader

from bertnotes.experiments.meter import peak_memory
from bertnotes.training import check_run, collect_logits, loaders, optimizer_and_schedule, training_steps


def estimate_cost(model, tokenizer, train_data, validation_data, config, device="cpu", steps=10):
    """Estimate what `fit` would take with the same arguments. The model stays as it is.

    Returns a dict: reviews, tokens (of an epoch, after truncation) and computed_tokens (with padding), steps,
    tokens_per_second (measured, padding counted), seconds (of all epochs, validation included), and memory_mb, the most that
    was held. Raises ValueError as `fit` does. What torch.compile would gain is not in it.
    """
    check_run(config, model, train_data[1], validation_data[1])
    model = copy.deepcopy(model).to(device)
    model.bert.requires_grad_(not config.frozen)
    loader, validation = loaders(tokenizer, train_data, validation_data, config)
    training, lengths, batches = loader.dataset, loader.dataset.lengths(), loader.batch_sampler.batches()
    sizes = [len(batch) * max(lengths[index] for index in batch) for batch in batches]
    probe = [batches[sizes.index(max(sizes))], *batches[:steps]]  # the first warms up; as the largest it shows the most memory
    optimizer, scheduler = optimizer_and_schedule(model, config, steps=len(batches) * config.epochs)
    probe_loader = DataLoader(training, batch_sampler=probe)
    moments = [time.perf_counter() for _ in training_steps(model, probe_loader, optimizer, scheduler, device, config)]
    rate = sum(sizes[:steps]) / (moments[-1] - moments[0])
    started = time.perf_counter()
    collect_logits(model, DataLoader(training, batch_sampler=probe[1:]), device, config.precision)
    reading_rate = sum(sizes[:steps]) / (time.perf_counter() - started)
    return {
        "reviews": len(training),
        "tokens": sum(lengths),
        "computed_tokens": sum(sizes),
        "steps": len(batches) * config.epochs,
        "tokens_per_second": round(rate),
        "seconds": round(config.epochs * (sum(sizes) / rate + sum(validation.dataset.lengths()) / reading_rate)),
        "memory_mb": peak_memory(device),
    }


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
