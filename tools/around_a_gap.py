"""Write data/results/around-a-gap.json: how much mini is surprised by a hidden token, by which tokens around it may be seen.

    python tools/around_a_gap.py [--reviews 1276]

From each of the course's reviews one stretch of 25 tokens, whose middle one is hidden; "cut": the text ends there. Page 06.
"""

import argparse
import shlex
import sys
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy, pad

from bertnotes.data import read_reviews
from bertnotes.encoder import BertEncoder
from bertnotes.experiments.records import write_record
from bertnotes.files import RESULTS, REVIEWS
from bertnotes.models import load_tokenizer
from bertnotes.pictures.drawings.page06 import REACH, SIGHTS


def stretches(tokenizer, count=None, seed=0):
    """Of so many reviews, in their order, a stretch each: (review, 25). Where it begins is drawn."""
    generator, found = torch.Generator().manual_seed(seed), []
    for ids in tokenizer(read_reviews(REVIEWS)["review"].tolist()[:count], add_special_tokens=False)["input_ids"]:
        start = int(torch.randint(len(ids) - 2 * REACH, (), generator=generator))
        found.append(ids[start : start + 2 * REACH + 1])
    return torch.tensor(found)


@torch.inference_mode()
def surprise(model, tokenizer, rows, sight, sep=True):
    """The losses for the middle of each row, only tokens at these distances seen, others [MASK]; sep: whether [SEP] ends it."""
    seen = torch.isin(torch.arange(-REACH, rows.shape[1] - REACH), torch.tensor(sight))
    shown = pad(rows.where(seen, tokenizer.mask_token_id), (1, int(sep)), value=tokenizer.sep_token_id)
    shown[:, 0] = tokenizer.cls_token_id
    scores = [model.word_logits(model(part).last_hidden_state[:, REACH + 1]) for part in shown.split(100)]
    return [round(x, 2) for x in cross_entropy(torch.cat(scores), rows[:, REACH], reduction="none").tolist()]


def main(words=None):
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reviews", type=int, default=None, help="so many; all without it")
    parser.add_argument("--out", type=Path, default=RESULTS / "around-a-gap.json")
    options = parser.parse_args(words)
    tokenizer, model = load_tokenizer(), BertEncoder.from_pretrained()
    rows = stretches(tokenizer, options.reviews)
    losses = {name: surprise(model, tokenizer, rows, sight) for name, sight in SIGHTS.items()}
    for name, sep in (("cut", False), ("cut, [SEP]", True)):
        losses[name] = surprise(model, tokenizer, rows[:, : REACH + 1], SIGHTS["12 before"], sep)
    command = shlex.join(["python", "tools/around_a_gap.py", *(sys.argv[1:] if words is None else words)])
    gaps, after = rows[:, REACH : REACH + 2].T.tolist()  # after: the token to the right of each gap
    write_record(options.out, command=command, seed=0, gaps=gaps, after=after, losses=losses)


if __name__ == "__main__":
    main()
