# %% [markdown] slideshow={"slide_type": "slide"} question="What do more reviews, longer ones and a GPU change?"
# # 13 · Scaling up: the same training, in less time
#
# **The question.** Fine-tuning on a few hundred short reviews took a minute. What does it take for 25,000 long ones, for a larger
# model, for a whole class, and what can be had for nothing?
#
# We start from the loop that most tutorials show and change one thing a cell, each with what it gains on this machine.
#
# **You need:** notebook 10. **Time:** about 30 minutes to read; the page runs in under a minute on two cores.

# %%
import json
import time
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch.utils.data import DataLoader

from bertnotes import BERTClassifier, TextClassificationDataset, load_imdb_data, load_tokenizer
from bertnotes.data import REVIEWS

texts, labels = load_imdb_data(REVIEWS, sample=80, seed=0, voice="various")
tokenizer = load_tokenizer()
print(len(texts), "reviews to measure with")

# %% [markdown] slideshow={"slide_type": "subslide"}
# So that each measurement takes seconds, the model is cut to the first two of its layers. What counts is how many tokens **of the
# reviews** it learns from in a second. Padding does not count: it is work, but nothing is learned from it.


# %%
def two_layers(attention):
    """The shipped model cut to two layers."""
    torch.manual_seed(0)
    model = BERTClassifier("mini", 2, attention)
    model.bert.encoder.layer = model.bert.encoder.layer[:2]
    model.bert.config.num_hidden_layers = 2
    return model


# %%
from bertnotes.experiments.costs import Clock
from bertnotes.training import TrainConfig, optimizer_and_schedule, train


def seconds_of_an_epoch(loader, attention="sdpa", precision="fp32"):
    """Train for one epoch. Returns how long the steps took, without the first, which also sets things up."""
    model = two_layers(attention)
    optimizer, scheduler = optimizer_and_schedule(model, TrainConfig(), steps=10)
    clock = Clock()
    train(model, loader, optimizer, scheduler, "cpu", precision, callbacks=[clock])
    return clock.moments[-1] - clock.moments[0]


# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1. Where we start
#
# The loop that most tutorials show: each review is tokenised when its turn comes and padded to 256 tokens, whatever its length. Batches
# of 8, all numbers in 32 bits.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.experiments.rivals import PaddedReviews

LENGTH, BATCH = 256, 8
padded = DataLoader(PaddedReviews(texts, labels, tokenizer, LENGTH), BATCH)
times = {"padded to 256": seconds_of_an_epoch(padded)}
print(f"{times['padded to 256']:.1f} s")

# %% [markdown]
# How much of that was padding?

# %%
dataset = TextClassificationDataset(texts, labels, tokenizer, LENGTH)
tokens = sum(dataset.lengths())
print(f"{tokens / (len(texts) * LENGTH):.0%} of all positions hold a token")
assert tokens / (len(texts) * LENGTH) < 0.6

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## 2. Tokenise once
#
# Three epochs need the same tokens three times. `TextClassificationDataset` makes them once, all reviews in one call, and keeps those
# of large data sets on disk. That is tidy, but how much time was it?

# %% tags=["timing", "nbval-ignore-output"]
started = time.perf_counter()
for row in range(len(texts)):
    padded.dataset[row]
one_by_one = time.perf_counter() - started
started = time.perf_counter()
TextClassificationDataset(texts, labels, tokenizer, LENGTH)
print(
    f"one by one {one_by_one:.3f} s, together {time.perf_counter() - started:.3f} s, the epoch {times['padded to 256']:.1f} s"
)

# %% [markdown]
# Little, beside the training. **Measure before you change**: an idea that sounds good may be about a hundredth of the time.

# %%
print("tokenising is a small part of the epoch:", one_by_one < 0.25 * times["padded to 256"])
assert one_by_one < 0.25 * times["padded to 256"]

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3. Pad to the longest of the batch
#
# A batch has to be a rectangle, but it need not be wider than its longest review. Our data set pads that way when a loader asks it for a
# batch.

# %% tags=["timing", "nbval-ignore-output"]
plain = DataLoader(dataset, BATCH)
times["padded to the longest"] = seconds_of_an_epoch(plain)
print(f"{times['padded to the longest']:.1f} s")


# %%
def positions(loader):
    """How many positions of all batches are computed, padding included."""
    return sum(batch["input_ids"].numel() for batch in loader)


print(f"positions for each token: {positions(padded) / tokens:.2f} before, {positions(plain) / tokens:.2f} now")
assert positions(plain) < positions(padded)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Does the model learn the same? Padding is masked, so the logits of a review do not depend on it, up to rounding.

# %%
model = two_layers("sdpa").eval()
wide, narrow = (next(iter(loader)) for loader in (padded, plain))
with torch.inference_mode():
    difference = model(wide["input_ids"], wide["attention_mask"]) - model(narrow["input_ids"], narrow["attention_mask"])
print(
    "same logits:", difference.abs().max().item() < 1e-4, "- widths", wide["input_ids"].shape[1], narrow["input_ids"].shape[1]
)
assert difference.abs().max() < 1e-4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4. Let reviews of like length travel together
#
# One long review makes seven short ones wide. `BucketedBatches` shuffles all reviews, sorts them by length within pools of some
# batches, and shuffles the batches. `fit` takes pools of 50 batches. Here one such pool would hold all 80 reviews, and the same ones would
# meet in nearly every epoch; so we take pools of 2.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.batching import BucketedBatches

sampler = BucketedBatches(dataset.lengths(), BATCH, seed=0, pool=2)
bucketed = DataLoader(dataset, batch_sampler=sampler)
times["like lengths together"] = seconds_of_an_epoch(bucketed)
print(f"{times['like lengths together']:.1f} s")

# %%
print(f"positions for each token: {positions(bucketed) / tokens:.2f} (on IMDB, with 3,200 reviews and pools of 50: 1.02)")
assert positions(bucketed) < positions(plain)
rows = sorted(row for batch in sampler.batches() for row in batch)
print("every review once:", rows == list(range(len(texts))))
assert rows == list(range(len(texts)))

# %% [markdown] slideshow={"slide_type": "subslide"}
# Which reviews meet changes from epoch to epoch. We count the pairs that share a batch in two epochs running:

# %%
from itertools import combinations


def met_again(first, second):
    """The share of pairs that meet in a batch of one epoch and do so in the next one, too."""
    met, then = ({frozenset(pair) for batch in batches for pair in combinations(batch, 2)} for batches in (first, second))
    return len(met & then) / len(met)


def two_epochs(pool):
    """The batches of the first two epochs."""
    first, second = (BucketedBatches(dataset.lengths(), BATCH, seed=0, pool=pool) for _ in range(2))
    second.set_epoch(1)
    return first.batches(), second.batches()


# %%
again = {pool: met_again(*two_epochs(pool)) for pool in (2, 50)}
print(f"pairs that meet again: {again[2]:.0%} with pools of 2, {again[50]:.0%} with one pool of all")
assert again[2] < 0.25 and again[50] > 0.75

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5. Fewer bits
#
# In **bf16** a number takes 16 bits instead of 32: as large a range, but only two or three decimal digits. Matrix products run in it, and on
# a CPU what follows them does too, softmax and LayerNorm included (on a GPU torch takes these back to 32 bits); the weights and the
# optimizer's sums stay in 32 bits (Micikevicius et al. 2018). Processors and GPUs that have units for it gain. Others would *lose* a lot:
# `fast_precision`, like `bertnotes train --precision auto`, stays at fp32 there, and so does this cell.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.devices import fast_precision

fewer_bits = fast_precision("cpu")
times[f"products in {fewer_bits}"] = seconds_of_an_epoch(bucketed, precision=fewer_bits)
print(f"{times[f'products in {fewer_bits}']:.1f} s in {fewer_bits}")

# %%
from bertnotes.devices import autocast

linear, norm = torch.nn.Linear(8, 8), torch.nn.LayerNorm(8)
optimizer = torch.optim.AdamW(linear.parameters())
with autocast("cpu", "bf16"):
    product = linear(torch.randn(2, 8))
    short = {"a product": product, "its softmax": product.softmax(-1), "its LayerNorm": norm(product)}
product.sum().backward()
optimizer.step()
long = {"weights": linear.weight, "AdamW's sums": optimizer.state[linear.weight]["exp_avg"]}
for name, tensor in (short | long).items():
    print(f"{name:14}{tensor.dtype}")
assert all(tensor.dtype == torch.bfloat16 for tensor in short.values())
assert all(tensor.dtype == torch.float32 for tensor in long.values())

# %% [markdown]
# One step in bf16 moves 1 by so much or not at all:

# %%
one = torch.tensor(1.0, dtype=torch.bfloat16)
print([(one + step).item() for step in (0.001, 0.004, 0.008)])
assert (one + 0.001).item() == 1.0

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6. The attention, and the dice
#
# So far attention was torch's fused one, *sdpa*. For a CPU it has no fused form with dropout, and dropout there is dear: each weight of each
# head gets a random number of its own. Our `scaled_dot_product_attention` of notebook 01 draws eight of them at a time.

# %% tags=["timing", "nbval-ignore-output"]
times["our attention"] = seconds_of_an_epoch(bucketed, "bertnotes", fewer_bits)
print(f"{times['our attention']:.1f} s")

# %% tags=["timing", "nbval-ignore-output"]
from torch.nn.functional import dropout

from bertnotes.dropout import drop

weights = torch.rand(BATCH, 12, LENGTH, LENGTH)
for name, function in {"torch": dropout, "ours": drop}.items():
    started = time.perf_counter()
    function(weights, 0.1)
    print(f"{name}: {time.perf_counter() - started:.2f} s to drop a tenth of {weights.numel():,} weights")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## All steps side by side

# %% tags=["timing", "nbval-ignore-output"]
speeds = {name: tokens / seconds for name, seconds in times.items()}
figure, ax = plt.subplots(figsize=(9, 3), layout="constrained", facecolor="white")
bars = ax.barh(list(speeds)[::-1], list(speeds.values())[::-1], color="#0072B2")
ax.bar_label(bars, [f"{speed / speeds['padded to 256']:.1f}x" for speed in list(speeds.values())[::-1]], padding=4)
ax.set_title("tokens of the reviews a second, this machine, two layers", loc="left")
ax.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# Bars waver from run to run, more so where other work runs beside. What must hold on any machine is the work saved:

# %%
saved = 1 - positions(bucketed) / positions(padded)
print(f"positions that need not be computed any more: {saved:.0%}")
print("faster than at the start:", speeds["like lengths together"] > speeds["padded to 256"])
assert speeds["like lengths together"] > speeds["padded to 256"]

# %% [markdown] slideshow={"slide_type": "slide"}
# ## On real IMDB
#
# The same comparison on IMDB reviews cut at 512 tokens, taking turns in one process: `bertnotes bench`. *The original loop* is the one of
# section 1 (each review tokenised when its turn comes and padded to the full length, in random order, all in fp32, on torch's
# attention); beside it transformers' Trainer. Stored with its command, hardware and date. *Best* means batches of like length, and bf16
# where the processor has units for it; *no attention dropout* drops no attention weights, so that torch's fused attention can do it
# (`--attention-dropout 0 --attention sdpa`).

# %% [markdown] slideshow={"slide_type": "subslide"}
# The two records come from two processors. In the first, which has no units for bf16, ours worked attention a slice at a time
# (`blockwise.py`); the second is older, in bf16, on the function of page 01.
#
# Each ratio is that of the median round, with the least and the most of all rounds behind it. The rates are medians, too, and need not
# come from one round: two of them do not give the ratio exactly.

# %%
results = REVIEWS.parent / "results"


def stored_benchmark(name):
    """A stored comparison."""
    return json.loads((results / f"bench-{name}.json").read_text(encoding="utf-8"))


# %% slideshow={"slide_type": "subslide"}
for name in ("training-2-layers", "training-full"):
    record = stored_benchmark(name)
    rounds = len({reading["round"] for reading in record["readings"]})
    print(
        f"{record['layers'] or 'all'} layers, {record['environment']['device']}, tokens of the reviews a second, rounds: {rounds}"
    )
    for side, found in record["summary"].items():
        spread = f"{found['least']:.2f} to {found['most']:.2f}"
        print(f"  {side:32}{found['tokens_per_second']:>6,}   bertnotes does {found['ratio']:.2f} times as many ({spread})")

# %%
padding = 1 - 1 / stored_benchmark("training-2-layers")["summary"]["the original loop"]["positions_per_token"]
ours = 1 - tokens / positions(padded)
print(f"padding: {padding:.0%} of all positions in the original loop here, {ours:.0%} in section 1, on our short reviews")
assert padding < 0.5 < ours

# %% [markdown] slideshow={"slide_type": "subslide"}
# Faster is worth nothing if the model is worse. One epoch on 4,000 reviews, from the same two layers with a new layer on top, several seeds,
# scored on reviews whose labels none of them saw (mini's pre-training had read their text):

# %%
from bertnotes.experiments.bench import FUSED, ORIGINAL, OURS, accuracy_report

rows = stored_benchmark("accuracy")["rows"]
print(accuracy_report(rows))
gains = {name: [100 * (row[name] - row[ORIGINAL]) for row in rows] for name in (OURS, FUSED)}
for name, points in gains.items():
    print(f"{name}, seed by seed: {', '.join(f'{gain:+.2f}' for gain in points)}")
assert max(abs(gain) for gain in gains[OURS]) < 1 and stored_benchmark("accuracy")["layers"] == 2
assert min(gains[FUSED]) < -1 and max(gains[FUSED]) > 1

# %% [markdown]
# Ours is never a point away from the original loop, and the interval of its difference holds zero. Without attention dropout the seeds scatter by
# more than a point to either side: three of them tell nothing, so it stays an option.

# %% [markdown] slideshow={"slide_type": "subslide"}
# And judging, which needs no way back: 25,000 reviews at 256 tokens, two layers again, against transformers' pipeline with the same batch
# size, one round. The pipeline computes in fp32, ours in bf16 where the processor is fast at it. So we also ask what is left at equal precision.

# %%
record = stored_benchmark("prediction-2-layers")
for side, found in record["summary"].items():
    print(f"{side:18}{found['seconds']:>6.0f} s   {found['positions_per_token']:.2f} positions for each token")
seconds = {side: found["seconds"] for side, found in record["summary"].items()}
for ours in ("bertnotes", "bertnotes, fp32"):
    print(f"{ours} is {seconds['pipeline'] / seconds[ours]:.2f} times as fast as the pipeline")
assert seconds["bertnotes"] < seconds["bertnotes, fp32"] < seconds["pipeline"] and record["layers"] == 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7. Memory: where it goes
#
# Four things need room. For each weight: the **weight** itself, its **gradient**, and two running means that **AdamW** keeps. That is four
# numbers of four bytes, however long the reviews are.

# %%
whole = BERTClassifier("mini", 2)
parameters = sum(weight.numel() for weight in whole.parameters())
print(f"{parameters:,} parameters: {parameters * 16 / 1e6:.0f} MB for weights, gradients and AdamW")

# %% [markdown] slideshow={"slide_type": "subslide"}
# And the **activations**: what the way forth leaves behind for the way back. torch tells of each tensor that it keeps.

# %%
from torch.autograd.graph import saved_tensors_hooks as hooks


def activations(model, batch, length):
    """MB that a step keeps for the way back, the weights themselves left out."""
    kept, weights = {}, {weight.untyped_storage().data_ptr() for weight in model.parameters()}

    def note(tensor):
        place, size = tensor.untyped_storage().data_ptr(), tensor.untyped_storage().nbytes()
        kept[place] = 0 if place in weights else size
        return tensor.detach()  # the tensor itself would hold on to the step that holds on to it, for good

    with hooks(note, lambda tensor: tensor):  # the logits hold on to all that was kept
        logits = model.train()(*[torch.ones(batch, length, dtype=torch.long)] * 2)
    return sum(kept.values()) / 1e6 if logits.requires_grad else 0


# %%
sizes = {(batch, length): activations(whole, batch, length) for batch, length in [(2, 64), (4, 64), (2, 128), (2, 256)]}
for (batch, length), size in sizes.items():
    print(f"{batch} reviews of {length:3} tokens: {size:5.0f} MB")
print("twice the reviews:", round(sizes[4, 64] / sizes[2, 64], 1), "times the memory; twice the tokens: more than twice")
assert sizes[2, 256] > 2.2 * sizes[2, 128] > 2.2 * 2 * sizes[2, 64]

# %% [markdown] slideshow={"slide_type": "subslide"}
# Attention keeps a number for each *pair* of positions, so memory grows faster than length. Where a batch does not fit, let it go through in
# parts and add up the gradients (**gradient accumulation**): `bertnotes train --micro-batch-size 4`. The gradient is the same, the activations are
# those of a part.

# %%
from bertnotes.experiments.engine import Team

four = {name: rows[:4, :96] if rows.ndim == 2 else rows[:4] for name, rows in narrow.items()}


def gradient(micro_batch_size):
    """The gradient of four reviews, with dropout off, as one long vector."""
    model.zero_grad()
    Team("cpu", micro_batch_size).backward(model, four, "cpu")
    return torch.cat([weight.grad.flatten() for weight in model.parameters()])


same = torch.allclose(gradient(None), gradient(2), atol=1e-5)
print("same gradient:", same)
assert same

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8. What will it cost?
#
# Before a long run, ask: ten steps of a copy tell. In a terminal it is `bertnotes train ... --dry-run`.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.experiments.costs import cost_report, estimate_cost

config = TrainConfig(epochs=2, batch_size=8, max_length=64)
train_data, held_data = (texts[:64], labels[:64]), (texts[64:], labels[64:])
print(cost_report(estimate_cost(two_layers("bertnotes"), tokenizer, train_data, held_data, config)))

# %% [markdown] slideshow={"slide_type": "subslide"}
# `fit` tells its **callbacks** of every step and epoch. `LiveCurve` draws what it is told, while the run goes on.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.pictures.charts import LiveCurve
from bertnotes.training import fit

never_stopped = two_layers("bertnotes")
history = fit(never_stopped, tokenizer, train_data, held_data, config, callbacks=[LiveCurve()])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 9. When the lid closes
#
# A run of an hour gets stopped: a lid, a full disk, a colleague. `fit_in` is `fit` in a folder, where it leaves a **checkpoint** every two
# minutes: weights, AdamW's means, the place in the epoch. Here we stop it ourselves, in the middle of an epoch.

# %%
import tempfile

from bertnotes.experiments.engine import Machine, fit_in
from bertnotes.training import Callback


class PowerCut(Callback):
    """Stops the run at its sixth step."""

    seen = 0

    def step(self, loss, count):
        self.seen += 1
        if self.seen == 6:
            raise KeyboardInterrupt


# %%
folder = tempfile.TemporaryDirectory()
out, often = Path(folder.name) / "run", Machine(save_every=0)
data = tokenizer, train_data, held_data, config
try:
    fit_in(out, two_layers("bertnotes"), *data, often, callbacks=[PowerCut()])
except KeyboardInterrupt:
    print("stopped; in the folder:", *sorted(path.name for path in out.glob("*.json*")))

# %% [markdown] slideshow={"slide_type": "subslide"}
# `resume=True` goes on from there. Does it end where the run that was never stopped ended?

# %%
resumed = two_layers("bertnotes")
fit_in(out, resumed, *data, resume=True)
pairs = zip(never_stopped.parameters(), resumed.parameters(), strict=True)
same = all(torch.equal(one, other) for one, other in pairs)
print("the same weights, bit for bit:", same)
assert same
folder.cleanup()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 10. What a GPU changes
#
# Nearly all of the work is matrix products, so we can count it. torch counts on the *meta* device, where tensors have shapes but no
# numbers and any model fits.

# %%
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel, ModernBertConfig, ModernBertModel


def size_and_work(kind, config, length):
    """(parameters, floating point operations to read one review of so many tokens)"""
    config._attn_implementation = "eager"
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        model = kind(config).eval()
        model(input_ids=torch.zeros(1, length, dtype=torch.long))
    return sum(weight.numel() for weight in model.parameters()), counter.get_total_flops()


print("ready")

# %%
models = {
    "mini": (BertModel, BertConfig.from_dict(whole.bert.config.to_dict())),
    "DistilBERT": (DistilBertModel, DistilBertConfig()),
    "BERT-base": (BertModel, BertConfig()),
    "ModernBERT-base": (ModernBertModel, ModernBertConfig()),
}
counts = {name: size_and_work(*model, 256) for name, model in models.items()}
for name, (size, work) in counts.items():
    print(f"{name:16}{size / 1e6:6.0f} million parameters {work / counts['mini'][1]:6.1f} times the work of mini")
assert counts["BERT-base"][1] > 6 * counts["mini"][1]

# %% [markdown] slideshow={"slide_type": "subslide"}
# Learning from a review takes three times the work of reading it: once forth, twice back. An epoch of full IMDB is at most 25,000 × 256
# tokens. How many operations a second does this machine do, at its best?

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.experiments.meter import matrix_rate

here = {precision: matrix_rate("cpu", precision, seconds=0.5) for precision in ("fp32", "bf16")}
for precision, rate in here.items():
    print(f"large matrix products in {precision}: {rate / 1e9:,.0f} billion operations a second")

# %% [markdown] slideshow={"slide_type": "subslide"}
# No training reaches that rate all the time. On two cores ours kept this share of it (from the record above):

# %%
record = stored_benchmark("training-2-layers")
rate, best = record["summary"]["bertnotes"]["gigaflops"], max(record["matrix_gigaflops"].values())
print(f"{rate} of {best} billion a second: {rate / best:.0%}")
assert 0.1 < rate / best < 1

# %% [markdown]
# Our share says nothing of a GPU. For these an estimate from their makers' peak rates, at 40 % of them: a little less than the 46 % that
# PaLM's training is reported to have reached (Chowdhery et al. 2022), with a model 36,000 times as large as mini. **An estimate, not a
# measurement**, and a hopeful one: small models keep a large GPU waiting.
#
# The first row is a bound from above, not a measurement either: all reviews at full length, at the rate of two layers at 512 tokens in
# fp32.

# %%
from bertnotes.experiments.costs import duration

rates = {"two cores, at their measured rate": 1e9 * record["summary"]["bertnotes"]["gigaflops"]}
rates |= {name: 0.4 * peak for name, peak in {"T4": 65e12, "A100": 312e12, "H100": 989e12}.items()}
print(f"{'an epoch of full IMDB':33}" + "".join(f"{name:>17}" for name in counts))
for device, rate in rates.items():
    seconds = [3 * 25_000 * work / rate for _, work in counts.values()]
    print(f"{device:33}" + "".join(f"{duration(spent):>17}" for spent in seconds))

# %% [markdown]
# And an epoch as measured on two cores with bf16, mini at 256 tokens. Most reviews are shorter than that:

# %%
from bertnotes.experiments.records import read_record

record = read_record(results / "imdb-mini-256-seed0.json")
took = [entry["seconds"] for entry in record["history"]]
cut = json.loads((results / "imdb_facts.json").read_text(encoding="utf-8"))["reviews_cut"]["256"]
print(f"{record['train_reviews']:,} reviews, epoch by epoch:", " · ".join(duration(seconds) for seconds in took))
print(f"shorter than 256 tokens: {1 - cut:.0%}")
assert max(took) < 3 * 25_000 * counts["mini"][1] / rates["two cores, at their measured rate"] and cut < 0.5
assert 36_000 < 540e9 / counts["mini"][0] < 37_000  # PaLM has 540 billion parameters

# %% [markdown] slideshow={"slide_type": "subslide"}
# And as measured on an H100, the same with head+tail: runs of the table of results that shared the GPU with others of it.

# %%
repeated = json.loads((results / "same-seed-again.json").read_text(encoding="utf-8"))
(six,) = [run for run in repeated["runs"] if run["row"] == "mini-256-head+tail"]
paths = [results / f"imdb-mini-256-head+tail-seed{seed}.json" for seed in (0, 2)]
alone, sixteen = (read_record(path) for path in paths)
runs = {1: alone, repeated["jobs"]: six, sixteen["jobs"]: sixteen}
took = {jobs: [entry["seconds"] for entry in run["history"]] for jobs, run in runs.items()}
for (jobs, seconds), device in zip(took.items(), ("two cores", "H100", "H100"), strict=True):
    each = " · ".join(duration(spent) for spent in seconds)
    print(f"{device:9}  {jobs:2} at a time: {each} an epoch; divided by {jobs}: {seconds[-1] / jobs:.0f} s")
expected = 3 * 25_000 * counts["mini"][1] / rates["H100"]
print(f"the H100 at 40 % of its peak: {expected:.1f} s")
assert took[16][-1] / 16 < took[6][-1] / 6 and 3 * expected < took[16][-1] / 16 and "H100" in sixteen["environment"]["device"]

# %% [markdown]
# Counting all that shared it as alike, sixteen at a time get more out of it than six: one mini does not fill such a GPU. Even so an epoch takes several
# times what the estimate says.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 11. Several GPUs
#
# Each process gets a part of every batch, works out the gradient of its part, and all take the **mean** of their gradients. Then all take
# the same step. By hand, with two "processes" one after the other:

# %%
from torch.nn.functional import cross_entropy


def gradient_of(part):
    """The gradient that one process works out, on its part of the batch."""
    loss = cross_entropy(model(four["input_ids"][part], four["attention_mask"][part]), four["label"][part])
    return torch.cat([gradient.flatten() for gradient in torch.autograd.grad(loss, list(model.parameters()))])


halves = gradient_of(slice(0, None, 2)) + gradient_of(slice(1, None, 2))
same = torch.allclose(halves / 2, gradient_of(slice(None)), atol=1e-5)
print("the mean of two halves is the gradient of the whole batch:", same)
assert same

# %% [markdown] slideshow={"slide_type": "subslide"}
# That is all that Hugging Face **accelerate** does for `fit`: it starts the processes, and averages the gradients while they are worked out. The
# batch of 16 stays a batch of 16, so the learning curve is that of one process. On eight GPUs:
#
# `accelerate launch --num_processes 8 -m bertnotes train --data data/imdb/train.csv.xz --out runs/eight`
#
# With eight parts a batch of 16 leaves two reviews to each GPU, far too few to keep it busy. So one takes a larger batch, and with it a higher
# learning rate and fewer steps: no longer the same training.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 12. A larger model: what it costs and gives
#
# Work at 256 tokens as counted above, accuracy on IMDB as published. The rows from one source compare with each other, not with the others: splits
# and lengths differ. *Head+tail* keeps a review's beginning and its end, the others its beginning.
#
# | model | accuracy | at | source |
# | --- | --- | --- | --- |
# | BERT-base | 92.39 ± 0.07 | 256 tokens, official split, three seeds | reproduction by qinhanmin2014, fine-tune-bert-for-text-classification |
# | BERT-base | 94.12 ± 0.05 | 512 tokens, the same | the same |
# | BERT-base | 93.98 ± 0.05 | 256 tokens, head+tail, the same | the same |
# | BERT-base | 90.89 | 256 tokens, own split, one seed | Raschka, LLMs-from-scratch, chapter 6 bonus |
# | DistilBERT | 91.40 | the same | the same |
# | ModernBERT-base | 93.79 | the same | the same |

# %%
for row, of_base in (("mini-256", 92.39), ("mini-256-head+tail", 93.98)):
    records = [read_record(path) for path in sorted(results.glob(f"imdb-{row}-seed*.json"))]
    part, accuracy = records[0]["config"]["truncation"], 100 * sum(record["accuracy"] for record in records) / len(records)
    print(
        f"mini, official split, 256 tokens, {part}, mean over seeds: {accuracy:.2f}, BERT-base {of_base - accuracy:.1f} points more"
    )
    assert 0.5 < of_base - accuracy < 3 and all(record["test_reviews"] == 25_000 for record in records)
print(f"BERT-base does {counts['BERT-base'][1] / counts['mini'][1]:.0f} times the work of mini at the same length")
print(f"DistilBERT does {counts['DistilBERT'][1] / counts['BERT-base'][1]:.2f} of the work of BERT-base")
assert round(counts["BERT-base"][1] / counts["mini"][1]) == 8

# %% [markdown] slideshow={"slide_type": "subslide"}
# Mini is behind BERT-base whichever part of a review they read, for an eighth of the work. So before taking a larger model, ask what is
# cheaper: reading more of each review, more labels, or further pre-training on reviews (which is what mini got). To take one:
# `BERTNOTES_MODEL=distilbert-base-uncased make lab`, or `--model` on the command line; a learning rate of 2e-5 to 5e-5 suits them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 13. A whole class
#
# - **Everybody's laptop**: `make lab`. What a page needs at the most is measured below.
# - **Binder** builds `environment.yml` and gives each visitor 1 to 2 GB for a while: with 2 GB every page runs, with 1 GB not this one, and
#   full IMDB with neither.
# - **JupyterHub**: build the same environment into the image (repo2docker does), allow 2 GB and two cores a student, and set
#   `OMP_NUM_THREADS` to the cores each may use: otherwise torch starts a thread for every core of the server, for every student.
# - Let all share one read-only copy of the clone, of `data/imdb`, and of downloaded models (`HF_HOME`); `BERTNOTES_CACHE` names the folder
#   where looks at test sets are noted: give each student one of their own.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.experiments.meter import peak_memory

memory = peak_memory()
print("not told by this system" if memory is None else f"this page held {memory:,} MB at the most")

# %%
fits, too_large = memory is None or memory < 2000, memory is None or memory > 1000
print("fits where 2 GB are given:", fits, "- too large where 1 GB is given:", too_large)
assert fits and too_large

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## Try it
#
# 1. Sort the whole data set by length once and never shuffle: less padding than with pools of 2. How much less, and what would you lose?

# %%
in_order = [sorted(range(len(texts)), key=dataset.lengths().__getitem__)[at : at + BATCH] for at in range(0, len(texts), BATCH)]
sorted_once = DataLoader(dataset, batch_sampler=in_order)
print(f"positions for each token: {positions(sorted_once) / tokens:.2f}, with pools of 2: {positions(bucketed) / tokens:.2f}")
print(f"pairs that meet again in the next epoch: {met_again(in_order, in_order):.0%}, with pools of 2: {again[2]:.0%}")
assert positions(sorted_once) < positions(bucketed) and met_again(in_order, in_order) > again[2]

# %% [markdown]
# 2. Where does attention's work overtake the rest? At which length does BERT-base take more than twice the work *for each token* that it takes
#    at 64? In a layer each token costs 12 h² multiplications in the linear maps and 2 L h in attention, for L tokens of h numbers.


# %%
def per_token(length):
    """The work of BERT-base for each token of a text so long, had it so many positions."""
    return size_and_work(BertModel, BertConfig(max_position_embeddings=length), length)[1] / length


hidden = BertConfig().hidden_size
print({length: round(per_token(length) / per_token(64), 2) for length in (128, 256, 512)}, "times the work at 64")
overtakes, doubles = 6 * hidden, 6 * hidden + 128  # 2 L h = 12 h²; and 12 h² + 2 L h = 2 (12 h² + 2 · 64 h)
print(
    f"attention overtakes the rest at {overtakes:,} tokens; twice the work of 64 at {doubles:,}: both far beyond its 512 positions"
)
rest = 12 * 2 * 12 * hidden**2  # 12 layers; a multiplication and an addition each
assert abs(per_token(overtakes) / rest - 2) < 0.001
assert per_token(doubles - 8) < 2 * per_token(64) < per_token(doubles + 8)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap
#
# - Measure first: with the course's short reviews padding was most of the work (with IMDB's at 512 tokens 46 %), tokenising hardly any.
# - Pad to the batch, batch by length, halve the bits where the processor can: the same model, several times as fast.
# - Memory is 16 bytes a parameter, and activations that grow faster than length. Parts of a batch add up to the same gradient.
# - A checkpoint that holds everything makes a stopped run end like one that never stopped.
# - Several processes share a batch and average their gradients.
#
# **Sources.** Devlin et al. 2019 (BERT) · Sanh et al. 2019 (DistilBERT) · Warner et al. 2024 (ModernBERT) · Micikevicius et al. 2018 (mixed
# precision) · Srivastava et al. 2014 (dropout) · Chowdhery et al. 2022 (PaLM; share of the peak rate) · NVIDIA's data sheets of T4, A100 and H100
# (dense 16-bit peak).
