"""Write data/results/heads-switched-off.json: how much worse mini names hidden tokens without some of its heads. Page 03.

    python tools/heads_switched_off.py [--rows 80] [--orders 12]

Each head alone, on two exams; then many heads together, on the second one: the least missed of the first exam first, random
orders, and random orders in which the five most missed of the first exam stay. All exams are of the course's own reviews.
"""

import argparse
import shlex
import sys
from collections import Counter
from pathlib import Path

import torch
from of_a_run import rounded

from bertnotes.data import REVIEWS, load_imdb_data
from bertnotes.encoder import BertEncoder
from bertnotes.experiments.records import write_record
from bertnotes.files import RESULTS
from bertnotes.masked_lm import IGNORED
from bertnotes.models import load_tokenizer
from bertnotes.pruning import change_without_each, heads_off, hidden_token_exams, losses, mean_and_error, mean_results

COUNTS, SPARED = (18, 36, 54), 5


def by_counting(exam, tokenizer):
    """The loss of one who only knows how often each token stands in the course's reviews, without those of the exam."""
    masked, labels = exam
    read = {tuple(row) for row in torch.where(labels == IGNORED, masked, labels).tolist()}
    texts = tokenizer(load_imdb_data(REVIEWS, voice="various")[0], add_special_tokens=False)["input_ids"]
    counts = Counter(token for text in texts if not any(tuple(text[:8]) == row[1:9] for row in read) for token in text)
    shares = torch.tensor([counts[token] + 1.0 for token in range(len(tokenizer))])
    shares[tokenizer.all_special_ids] = 1e-9
    return -(shares / shares.sum())[labels[labels != IGNORED]].log().mean().item()


def alone(model, exam):
    """Each head switched off: the changes of the loss, (layer, head), and their errors."""
    change, error = mean_and_error(change_without_each(model, exam), exam)
    return {"change": rounded(change), "error": rounded(error)}, change


def together(model, exam, orders, whole):
    """For each order and count: the change of the mean loss without the first so many heads, and its error."""
    found = []
    for order in orders:
        row = []
        for count in COUNTS:
            with heads_off(model, order[:count]):
                row.append([number.item() for number in mean_and_error(losses(model, exam) - whole, exam)])
        found.append(rounded([list(one) for one in zip(*row, strict=True)]))
        print(found[-1][0], flush=True)
    return [{"change": change, "error": error} for change, error in found]


def measure(model, tokenizer, rows, number):
    """All that the record says of the heads."""
    choosing, measuring = hidden_token_exams(tokenizer, rows)
    first, change = alone(model, choosing)
    second, _ = alone(model, measuring)
    heads = [divmod(at, change.shape[1]) for at in range(change.numel())]
    every = [heads[at] for at in change.flatten().argsort().tolist()]  # the least missed first
    draws = [torch.randperm(len(heads), generator=torch.Generator().manual_seed(seed)).tolist() for seed in range(number)]
    random = [[heads[at] for at in draw] for draw in draws]
    spared = [[head for head in order if head not in every[-SPARED:]] for order in random]
    whole, means = losses(model, measuring), mean_results(model, choosing[0])
    with heads_off(model, every):
        none = losses(model, measuring).mean().item()
    replaced = {}
    for head in every[-SPARED:][::-1]:
        with heads_off(model, [head], means):
            found = mean_and_error(losses(model, measuring) - whole, measuring)
        replaced[f"layer {1 + head[0]}, head {1 + head[1]}"] = [round(one.item(), 4) for one in found]
    return {
        "exams": {"rows": rows, "hidden": [len(losses(model, choosing)), len(whole)], "loss": round(whole.mean().item(), 4)},
        "alone": [first, second],
        "replaced by its mean": replaced,
        "without any": round(none, 4),
        "by counting": round(by_counting(measuring, tokenizer), 4),
        "counts": COUNTS,
        "least missed": together(model, measuring, [every], whole)[0],
        "random": together(model, measuring, random, whole),
        "spared": together(model, measuring, spared, whole),
    }


def main(words=None):
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=None, help="a model's folder; mini without it")
    parser.add_argument("--rows", type=int, default=80, help="of each exam, 64 tokens each")
    parser.add_argument("--orders", type=int, default=12, help="how many random orders")
    parser.add_argument("--out", type=Path, default=RESULTS / "heads-switched-off.json")
    options = parser.parse_args(words)
    model = BertEncoder.from_pretrained(*([options.model] if options.model else []))
    found = measure(model, load_tokenizer(*([options.model] if options.model else [])), options.rows, options.orders)
    command = shlex.join(["python", "tools/heads_switched_off.py", *(sys.argv[1:] if words is None else words)])
    write_record(options.out, command=command, **found)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
