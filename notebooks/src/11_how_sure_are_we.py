# %% [markdown] question="How sure may we be of a score, and where does a model fail?"
# # 11 · How sure are we?
#
# **The question:** how sure may we be of a score, and where does a model fail?
#
# ![mini is right on 91.83 % of 25,000 reviews, and four questions: other reviews? another run? which reviews? does it know? The answers are question marks](figures/11_score.svg)
#
# Other reviews would have given another score, and so would another run. And one number hides where the model fails, and how sure it is of itself.
# **You need:** pages 06, 08, 09 and 10. **Time:** about 52 minutes of reading (plan 80), and 54 more for the exercises. Where a cell says `guess = None`, type your guess in place of `None`.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # How sure are we?
#
# ![mini is right on 91.83 % of 25,000 reviews, and four questions: other reviews? another run? which reviews? does it know? The answers are question marks](figures/11_score.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Read the score aloud and ask: what would you have to know before you believe it? Collect, then show that the four boxes cover it. The deck takes 44 minutes, votes included; without slides 9 and 15 it takes 39. Run the notebook before class.

# %% [markdown]
# Nothing is trained here. For each of IMDB's 25,000 test reviews we have stored how probable each run held *positive*, the label, and some traits. The texts belong to their authors and are not here.

# %%
import json

import numpy as np

from bertnotes.evaluation import mean_interval, slices, wilson_interval
from bertnotes.experiments.records import read_record, unpack_flags, unpack_probabilities
from bertnotes.files import RESULTS

stored = json.loads((RESULTS / "imdb_test_traits.json").read_text(encoding="utf-8"))
labels = unpack_flags(stored["labels"], 25_000)  # True: positive


# %%
def runs_of(row):
    """The stored runs of a system, one for each seed."""
    return [read_record(path) for path in sorted(RESULTS.glob(f"imdb-{row}-seed*.json"))]


def right(row):
    """Which reviews each run judges correctly: (run, review)."""
    positive = np.array([unpack_probabilities(run["positive"]) for run in runs_of(row)])
    return (positive > 0.5) == labels


# %% [markdown]
# Three systems to begin with. **mini** reads 256 tokens of a review at most: 64 from its beginning and the rest from its end (page 10). **TF-IDF** and **NBSVM** count words and pairs of words, and read everything (page 09). They learned from 25,000 reviews; mini from 23,000 of them, as 2,000 were held out for validation.

# %%
MINI = "mini-256-head+tail"
mini, tfidf, nbsvm = right(MINI), right("tfidf")[0], right("nbsvm")[0]  # mini: three runs
print(f"{len(labels):,} test reviews, {labels.mean():.0%} of them positive")
for name, found in {"mini, seed 0": mini[0], "NBSVM": nbsvm, "TF-IDF": tfidf}.items():
    print(f"{name:13} correct on {found.mean():.2%}")

# %% tags=["check:stored-verdicts"]
# checked: the verdicts are those that were scored; how much each system learned from
for row, found in {MINI: mini, "tfidf": [tfidf], "nbsvm": [nbsvm]}.items():
    for run, judged in zip(runs_of(row), found, strict=True):
        assert abs(run["accuracy"] - judged.mean()) < 2e-4
assert [runs_of(row)[0]["train_reviews"] for row in (MINI, "tfidf", "nbsvm")] == [22_992, 25_000, 25_000]
assert labels.mean() == 0.5 and [run["config"]["seed"] for run in runs_of(MINI)] == [0, 1, 2]
from bertnotes.batching import shorten

read = np.array(shorten(list(range(1_000)), 256, truncation="head+tail"))
assert len(read) == 256 and (read < 500).sum() == 64

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Three bets
#
# | system | reads | correct on 25,000 test reviews |
# | --- | --- | --- |
# | mini, seed 0 | 256 tokens | 91.83 % |
# | NBSVM | everything | 91.42 % |
# | TF-IDF | everything | 90.63 % |
#
# 1. On *all* reviews of this kind, how far from 91.83 % may mini be?
# 2. Is mini better than NBSVM?
# 3. Will mini's next run beat NBSVM, too?

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Take a number for the first bet and votes for the others. Note them; the class comes back to them on slides 3 and 8.

# %% [markdown]
# ## 1. Other reviews?
#
# Take our 25,000 as a random sample of many such reviews. (Such: at most 30 of one film, half of them positive, none of five or six stars.) How far may the score lie from that on *all* of them? We draw 25,000 from those that we have, **with replacement**: some come twice, some never. This is the **bootstrap** (Efron 1979).
#
# ![Ten reviews, eight judged correctly; three draws of ten from them give 8, 6 and 10 of 10](figures/11_bootstrap.svg)
#
# We do it 1,000 times. Within how many points of 91.83 % lie the middle 95 % of the scores?

# %%
guess = None  # ± so many points

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Other reviews? The bootstrap
#
# ![Ten reviews, eight judged correctly; three draws of ten from them give 8, 6 and 10 of 10](figures/11_bootstrap.svg)

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# The same with 25,000 reviews, 1,000 times: the middle 95 % of the scores are **91.8 ± 0.3 %**.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Made-up numbers. Which review comes twice in draw 1? Which never? Then: with 25,000 instead of 10, how far will the scores spread? Guesses first, then the line below. If the notebook is open, change 25,000 to 100 and run it.

# %%
random = np.random.default_rng(0)
draws = [random.integers(25_000, size=25_000) for _ in range(1_000)]
scores = [100 * mini[0][draw].mean() for draw in draws]
low, high = np.quantile(scores, [0.025, 0.975])
print(f"the middle 95 %: {low:.2f} to {high:.2f}, about ± {(high - low) / 2:.2f}   your guess: ± {guess}")

# %% tags=["check:bootstrap-of-a-score"]
# checked: the interval by the bootstrap; Wilson's formula agrees
wilson = wilson_interval(mini[0].sum(), 25_000)
assert abs((high - low) / 2 - 0.34) < 0.015 and abs(100 * wilson.low - low) < 0.03 and abs(100 * wilson.high - high) < 0.03
from bertnotes.pictures.drawings.page11 import DRAWN, RIGHT, Stored

assert [sum(RIGHT[at] for at in draw) for draw in DRAWN] == [8, 6, 10] and sum(RIGHT) == 8
hundred, many = (wilson_interval(round(0.92 * count), count) for count in (100, 25_000))
assert 15 < (hundred.high - hundred.low) / (many.high - many.low) < 17 and Stored.score == round(100 * mini[0].mean(), 2)
assert 0.845 < hundred.low < 0.855 and 0.955 < hundred.high < 0.965
once, other = np.random.default_rng(1).binomial(25_000, 0.9183, (2, 20_000)) / 25_000
assert 0.94 < (abs(once - other) < 0.0048).mean() < 0.96 and 0.82 < (abs(once - other) < 0.0034).mean() < 0.86

# %% [markdown]
# A third of a point either way. That is a **95 % interval**: a recipe which, used on many samples, contains the true value in about 95 % of them. (Reviews of one film may be alike, so ours is perhaps too narrow.) For an accuracy Wilson's formula (page 09) gives the same in one line, ± 0.34. The width shrinks with the square root of the number of reviews. With 92 of 100 correct it would be 85 to 96 %, wider below than above, as no score exceeds 100.
#
# Another 25,000 reviews have an error of their own. In 95 % of cases *their* score lies within √2 times as much of ours: ± 0.48.
#
# ## 2. Another run?
#
# The interval knows nothing of the training. Another **seed** holds out other reviews for validation, draws other numbers for the new layer, shuffles the reviews anew, and sets other numbers to 0 by dropout. We trained with three seeds. But seed 2 of each plain mini ran on a GPU with another version of PyTorch, the other two on CPU threads.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Another run? Every run is a dot

# %% slideshow={"slide_type": "-"}
from bertnotes.pictures.charts import estimate_chart, line_chart

ROWS = {"MiniLM, first 512": "minilm-512", "MiniLM, both ends": "minilm-256-head+tail"}
ROWS |= {"mini, first 512": "mini-512", "mini, both ends": MINI, "mini, first 256": "mini-256"}
runs = {name: [wilson_interval(found.sum(), 25_000) for found in right(row)] for name, row in ROWS.items()}
others = {"TF-IDF": tfidf.mean(), "NBSVM": nbsvm.mean()}
figure = estimate_chart({"": runs}, "correct in %; bars: 95 % interval over reviews", "seeds 0, 1, 2, from above", others)

# %% tags=["check:seeds-apart"]
# checked: the runs of each row that the text names; the worst lies outside another's interval
found = {row: right(row).mean(axis=1) for row in ROWS.values()}
assert np.allclose(found[MINI], [0.9183, 0.9181, 0.9219], atol=1e-4)
assert np.allclose(found["mini-512"], [0.9278, 0.9240, 0.9119], atol=1e-4)
assert np.ptp(found["minilm-512"]) < 0.0005 and {len(one) for one in found.values()} == {3}
assert found["mini-512"][2] < runs["mini, first 512"][0].low and abs(np.ptp(found[MINI]) - 0.0038) < 5e-5
mean, spread = found["mini-512"].mean(), found["mini-512"].std(ddof=1)
assert abs(mean - 0.921) < 5e-4 and abs(4.303 * spread / 3**0.5 - 0.021) < 5e-4  # "92.1 ± 2.1"
assert {run["config"]["max_length"] for row in ROWS.values() for run in runs_of(row)} == {256, 512}

# %% tags=["check:seed-and-machine"]
# checked: seed and machine are confounded, row by row


def machines(row):
    """G: on the GPU, C: on two CPU threads, in the order of seeds. Each machine has its own version of PyTorch."""
    environments = [run["environment"] for run in runs_of(row)]
    assert all(("NVIDIA" in one["device"]) == (one["torch"] == "2.11.0") for one in environments)
    return "".join("G" if "NVIDIA" in one["device"] else "C" for one in environments)


assert {machines(row) for row in (MINI, "mini-256", "mini-512", "mini-128")} == {"CCG"}
assert {machines(row) for row in ("minilm-512", "minilm-256-head+tail", "mini-random", "gpt-random", "elmo-random")} == {"CGG"}
assert {machines(row) for row in ("mini-frozen", "mini-250", "mini-1000", "mini-4000")} == {"CCC"}

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# mini, both ends: 91.83, 91.81, 92.19. mini, first 512: 92.78, 92.40, **91.19**.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Which row would you trust after one run? The three MiniLM runs at 512 tokens lie close together; of mini at 512 tokens one is far behind. Seed 2 of each mini ran on another machine. Ask: was it the seed, the machine, or chance? Overlapping bars do not say that two runs are equal: all judged the same reviews.

# %% [markdown]
# mini's runs lie 0.38 points apart. Overlapping bars do not make them equal: all judged the same reviews, and a bar is about *other* ones.
#
# One row lies far apart: mini at 512 tokens scored 92.78, 92.40 and **91.19**. Is it the seed or the machine? We trained six runs once more with their seed, all on the GPU, and looked at validation only. By how many points does the accuracy of a run change when only its machine does?

# %%
guess = None  # points, up or down

# %%
again = json.loads((RESULTS / "same-seed-again.json").read_text(encoding="utf-8"))["runs"]
print("correct on about 2,000 validation reviews, in %", "" if guess is None else f"  your guess: {guess}")
for run in again:
    first = runs_of(run["row"])[run["seed"]]
    before, after = (100 * one["history"][-1]["accuracy"] for one in (first, run))
    machine = "GPU" if "NVIDIA" in first["environment"]["device"] else "CPU"
    print(f"{run['row']:18} seed {run['seed']}: {machine} {before:.2f}, then GPU {after:.2f}")

# %% tags=["check:same-seed-again"]
# checked: four runs moved from the CPU to the GPU, three gain and one loses; the mean shift with its interval over runs
from scipy.stats import t as student

moved = {"CPU": [], "GPU": []}
for run in again:
    first = runs_of(run["row"])[run["seed"]]
    change = 100 * (run["history"][-1]["accuracy"] - first["history"][-1]["accuracy"])
    moved["GPU" if "NVIDIA" in first["environment"]["device"] else "CPU"].append(change)
assert np.round(moved["CPU"], 2).tolist() == [-0.3, 0.3, 0.45, 0.35] and np.round(moved["GPU"], 2).tolist() == [0.75, 0]
shift = student.ppf(0.975, 3) * np.std(moved["CPU"], ddof=1) / 2
assert abs(np.mean(moved["CPU"]) - 0.20) < 0.005 and abs(shift - 0.54) < 0.005

# %% [markdown]
# The four that moved from CPU to GPU change by 0.30 to 0.45 points, three up and one down: on average by 0.20 ± 0.54. So a new machine alone moves a run by about as much as three seeds lie apart. Whether one machine is better, four runs do not say.
#
# Two runs were on a GPU both times. The LSTM (`elmo-random`, page 04) failed twice alike: 49.93 % after the first epoch, 76.48 % in the end. Our outlier did *not* fail again:

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The same seed on the same kind of GPU, twice

# %% slideshow={"slide_type": "-"}
stumbled = next(run for run in again if (run["row"], run["seed"]) == ("mini-512", 2))
steps = list(range(100, 1_100, 100))
losses = {"once more": stumbled["loss"][:10], "in the table": stumbled["loss_before"][:10]}
ax = line_chart(steps, losses, "steps of training", "mini, first 512, seed 2: training loss", logarithmic="")

# %% tags=["check:stumbled"]
# checked: one run stumbled after 300 steps, the other did not; validation of both, not resolved; the LSTM failed twice alike
before, after = losses["in the table"], losses["once more"]
assert (round(before[2], 2), round(before[3], 2)) == (0.46, 0.53) and after[3] < after[2] and after[4] < 0.32
assert min(before[3:]) > 0.34
table = runs_of("mini-512")[2]
shares = [run["history"][-1]["accuracy"] for run in (table, stumbled)]
error = 196 * sum(share * (1 - share) / 2_011 for share in shares) ** 0.5  # not in pairs
assert np.round(shares, 3).tolist() == [0.920, 0.927] and abs(error - 1.6) < 0.05 and "validation_positive" not in stumbled
lstm = next(run for run in again if (run["row"], run["seed"]) == ("elmo-random", 2))
for run in (lstm, runs_of("elmo-random")[2]):
    assert [round(100 * epoch["accuracy"], 2) for epoch in run["history"]] == [49.93, 76.48]

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# On validation 92.0 and 92.7 %. The difference, 0.7 ± 1.6 points, may be chance.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** After 300 steps one loss jumps. Why are two runs of one seed different at all? Perhaps because a GPU may add up in another order; nobody tested it. Four other runs moved from CPU to GPU with their seed: three gained, one lost, by 0.3 to 0.45 points. May we drop the bad run? No: that would be choosing by the result.

# %% [markdown]
# After 300 steps the loss of one run jumps from 0.46 to 0.53; the other goes on falling. They end at 92.0 % and 92.7 % on validation. Not in pairs (the second's verdicts were not stored) that is 0.7 ± 1.6: the stumble need not have cost accuracy. Why do they differ? A GPU may add up numbers in another order, and tiny differences grow; we did not test it. Unstable fine-tuning is well known. Mosbach et al. (2021) blame optimisation, not small data.
#
# The run stays in the table: dropping it would be choosing by the result. So we show every seed. "92.1 ± 2.1", an interval of the mean, takes for granted that runs scatter like a bell curve. These three do not look like it.
#
# ## 3. Is it better?
#
# mini is ahead of TF-IDF by 1.2 points, 91.83 against 90.63. Both judged *the same* reviews. On how many of the 25,000 is only one of them right?

# %%
guess = None  # a number of reviews

# %%
only_mini = int((mini[0] & ~tfidf).sum())  # & is "and", ~ is "not"
only_tfidf = int((tfidf & ~mini[0]).sum())
print(f"only mini correct: {only_mini:,}   only TF-IDF: {only_tfidf:,}   together {only_mini + only_tfidf:,}")
print("your guess:", guess)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Is it better? Count where they differ
#
# ![A table of 25,000 reviews: both right 21,648, only mini right 1,310, only TF-IDF right 1,009, neither 1,033](figures/11_pairs.svg)

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# **McNemar's test**: coins fall so unevenly in 4 of 10 billion tries (p = 4 · 10⁻¹⁰). The lead: **1.20 ± 0.38 points**.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** The two white fields say nothing of who is better. Why? Would you call 1,310 to 1,009 the work of a coin? Vote, then show p. Not in pairs the interval of the lead would be ± 0.50.

# %% [markdown]
# ![A table of 25,000 reviews: both right 21,648, only mini right 1,310, only TF-IDF right 1,009, neither 1,033](figures/11_pairs.svg)
#
# Where both are right, or both wrong, we learn nothing about who is better. If both were equally good, each of the other 2,319 reviews would be the toss of a coin. How often would coins fall at least as unevenly as 1,310 to 1,009? That is the **p-value** of McNemar's test (page 09), here from the exact probabilities of coins.

# %%
from scipy.stats import binomtest


def p_value(ours, theirs):
    """McNemar's test: the probability that coins would fall at least so unevenly."""
    only_ours, only_theirs = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    return binomtest(only_ours, only_ours + only_theirs).pvalue


difference = mini[0].astype(float) - tfidf  # 1: only mini is right, -1: only TF-IDF, 0: no difference
print(f"p = {p_value(mini[0], tfidf):.0e}; lead {100 * difference.mean():.2f} points")

# %%
paired = difference.std(ddof=1) / 25_000**0.5  # the standard error of the lead
unpaired = (mini[0].var(ddof=1) / 25_000 + tfidf.var(ddof=1) / 25_000) ** 0.5
print(f"± {196 * paired:.2f} points in pairs, ± {196 * unpaired:.2f} if not in pairs")  # 1.96 errors, in %

# %% tags=["check:pairs"]
# checked: the four fields of the drawing; p; pairs make the interval narrower
from bertnotes.evaluation import mcnemar

neither = int((~mini[0] & ~tfidf).sum())
assert Stored.pairs == (int((mini[0] & tfidf).sum()), only_mini, only_tfidf, neither)
said = unpack_probabilities(runs_of(MINI)[0]["positive"]) > 0.5
p = p_value(mini[0], tfidf)
assert mcnemar(labels, said, tfidf == labels) == (only_mini, only_tfidf, p) and 4e-10 < p < 5e-10
assert abs(difference.mean() - 0.0120) < 1e-4 and abs(196 * paired - 0.38) < 0.005 and abs(196 * unpaired - 0.50) < 0.005

# %% [markdown]
# About 4 in 10 billion: chance in the choice of reviews does not explain this lead. In pairs the interval is ± 0.38 points, not ± 0.50, because most reviews are easy or hard for both, and that cancels. (1.96 standard errors make a 95 % interval.)
#
# Would we have seen it with fewer reviews? As in the bootstrap we draw 100 (then 1,000, and 5,000) of the 25,000, 300 times each. How often is p below 0.05, the usual line, with 100 reviews?

# %%
guess = None  # a percentage

# %%
for count in (100, 1_000, 5_000):
    seen = 0
    for _ in range(300):
        draw = random.integers(25_000, size=count)
        seen += p_value(mini[0][draw], tfidf[draw]) < 0.05
    print(f"{count:5,} reviews: p < 0.05 in {seen / 300:.0%} of the draws")
print("your guess for 100:", guess)

# %% tags=["check:power"]
# checked: the power by more draws; with no difference at all the exact test of 100 reviews says p < 0.05 in 2 %, not 5
shares = np.array([only_mini, only_tfidf]) / 25_000
crossed = np.random.default_rng(2)


def below(count, shares, draws=20_000):
    """How often p is below 0.05, when a review is only ours, or only theirs, with these probabilities."""
    pairs, times = np.unique(crossed.multinomial(count, [*shares, 1 - sum(shares)], draws)[:, :2], axis=0, return_counts=True)
    small = [binomtest(int(a), int(a + b)).pvalue < 0.05 if a + b else False for a, b in pairs]
    return np.average(small, weights=times)


known = {100: below(100, shares), 1_000: below(1_000, shares, 1_000), 5_000: below(5_000, shares, 400)}
assert 0.025 < known[100] < 0.04 and 0.16 < known[1_000] < 0.25 and 0.72 < known[5_000] < 0.85
assert 0.015 < below(100, [shares.mean()] * 2) < 0.03 and 9 < 100 * shares.sum() < 9.5 and 0.70 < seen / 300 < 0.86

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Would fewer reviews have shown it?
#
# The lead is 1.2 points. We draw 100, 1,000 or 5,000 of the 25,000 reviews. How often is p below 0.05?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | reviews | p < 0.05: the **power** of the test |
# | --- | --- |
# | 100 | about 1 in 30 |
# | 1,000 | about 1 in 5 |
# | 5,000 | about 4 in 5 |
#
# So "no significant difference" on 100 reviews says nearly nothing.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Numbers first, then the table. Ask: how many test reviews does your own project have?

# %% [markdown]
# This share is the **power** of the test, if the lead is as large as it looks here. (300 draws give it to within 5 points.) Among 100 reviews they differ on about nine. There the exact test is so cautious that two equal systems get p below 0.05 in 2 % of draws, not in 5. So "no significant difference" on a small test set says little.
#
# ### And NBSVM?
#
# For *other reviews* we take the mean of the three runs, review by review. For *other runs* we have three leads; with so few, **Student's t** replaces 1.96 by 4.30. To combine both errors, add their squares. How many numbers stand behind each part decides the factor of the sum (**Welch–Satterthwaite**, the line with `t`).

# %%
from scipy.stats import t as student

for name, rival in {"TF-IDF": tfidf, "NBSVM": nbsvm}.items():
    each = 100 * (mini.mean(axis=1) - rival.mean())  # a lead for each run
    reviews = (100 * (mini.mean(axis=0) - rival)).std(ddof=1) / 25_000**0.5
    seeds = each.std(ddof=1) / 3**0.5
    both = (reviews**2 + seeds**2) ** 0.5
    t = student.ppf(0.975, both**4 / (reviews**4 / 24_999 + seeds**4 / 2))
    print(f"over {name}: {each.round(2)}, p", *(f"{p_value(run, rival):.1g}" for run in mini))
    print(f"  {each.mean():.2f} ± {1.96 * reviews:.2f} reviews, ± {4.30 * seeds:.2f} runs, ± {t * both:.2f} both")

# %% tags=["check:leads-in-pairs"]
# checked: leads over TF-IDF and NBSVM, with each interval; the recipe for both errors, simulated; runs against each other
assert abs(student.ppf(0.975, 2) - 4.30) < 0.01 and abs(t - 2.12) < 0.005 and len(mini) == 3
assert np.allclose(each, [0.41, 0.39, 0.77], atol=0.006) and np.round([reviews, seeds], 2).tolist() == [0.17, 0.12]
assert np.round([1.96 * reviews, 4.30 * seeds, t * both], 2).tolist() == [0.33, 0.53, 0.44] and abs(both - 0.207) < 5e-4
assert each.mean() - t * both > 0.05 and abs(4.30 * seeds - each.mean()) < 0.01

# %% tags=["check:next-run-and-pairs-of-runs"]
# checked: the interval of the next run, and what five would do; p against NBSVM and of the runs among each other
next_run = 4.30 * each.std(ddof=1) * (1 + 1 / 3) ** 0.5
assert abs(next_run - 1.06) < 0.006 and abs(4.30 / 3**0.5 / (student.ppf(0.975, 4) / 5**0.5) - 2) < 0.01
against = [p_value(run, nbsvm) for run in mini]
assert [round(one, 2) for one in against[:2]] == [0.03, 0.04] and against[2] < 1e-4
among = [p_value(mini[a], mini[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
assert [round(one, 3) for one in among] == [0.911, 0.005, 0.007] and (mini[0] ^ mini[1]).sum() == 1_291
ahead = 100 * (mini.mean(axis=1) - tfidf.mean())
assert abs(ahead.mean() - 1.32) < 0.005 and ahead.mean() > next_run

# %% tags=["check:both-errors-covered"]
# checked: how often the interval of both errors contains the truth, in a simulation
draw = np.random.default_rng(3)
for ratio, share in ((0.74, 0.947), (2, 0.924)):  # the error over runs, as a share of that over reviews
    by_run = draw.normal(size=(20_000, 3)) * ratio * 3**0.5
    error, seen = by_run.mean(axis=1) + draw.normal(size=20_000), by_run.std(axis=1, ddof=1) / 3**0.5
    factor = student.ppf(0.975, (1 + seen**2) ** 2 / (seen**4 / 2 + 1 / 24_999))
    assert abs((abs(error) < factor * (1 + seen**2) ** 0.5).mean() - share) < 0.006
assert abs(seeds / reviews - 0.74) < 0.005

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## mini's lead: which error do you mean?
#
# | question | over TF-IDF | over NBSVM |
# | --- | --- | --- |
# | these runs, other reviews | 1.32 ± 0.34 | 0.53 ± 0.33 |
# | these reviews, mean of many runs | 1.32 ± 0.53 | 0.53 ± 0.53 |
# | other reviews and runs | 1.32 ± 0.45 | 0.53 ± 0.44 |
# | these reviews, the next run | 1.32 ± 1.06 | 0.53 ± 1.06 |

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# Over NBSVM: ahead in all three runs, by 0.4 to 0.8 points. The next run? Three do not settle it.

# %% [markdown] slideshow={"slide_type": "notes"}
# **4 minutes.** Back to bets 2 and 3. Each run is ahead of NBSVM with p below 0.05. On average over many runs, too: 0.53 ± 0.44, just above zero. But the next run may fall behind: ± 1.06. Why is *both* narrower than *runs*? Its larger part, over reviews, is known from 25,000 numbers, so the factor is 2.12 and not 4.30. The spread over runs is nearly all the third run, on another machine.

# %% [markdown]
# | question | over TF-IDF | over NBSVM |
# | --- | --- | --- |
# | these runs, other reviews | 1.32 ± 0.34 | 0.53 ± 0.33 |
# | these reviews, mean of many runs | 1.32 ± 0.53 | 0.53 ± 0.53 |
# | other reviews, mean of many runs | 1.32 ± 0.45 | 0.53 ± 0.44 |
# | these reviews, the next run | 1.32 ± 1.06 | 0.53 ± 1.06 |
#
# Over TF-IDF mini is ahead in every row. Over NBSVM each run is ahead with p below 0.05, but p speaks of other reviews only. Why is the third row narrower than the second? The larger error, 0.17 over reviews, is known from 25,000 numbers. Only the 0.12 rests on three, so the factor falls from 4.30 to 2.12. (Simulated with these errors, such intervals contain the truth in 94.7 % of cases; were runs twice as uncertain as reviews, in 92.)
#
# A single next run scatters more: its **prediction interval** is ± 1.06. Five runs that scatter as much would halve the second row.
#
# Two cautions. The spread is nearly all seed 2, from another machine: against each other, seeds 0 and 1 have p = 0.9, seed 2 and either of them p below 0.01. And no row holds a third error: all learned from *one* sample of training reviews (Dietterich 1998). A fair report: *ahead in all three runs, by 0.4 to 0.8 points; whether the next run will be, three runs do not settle.*
#
# ## 4. On which reviews?
#
# Where does the lead over TF-IDF come from? We group the reviews by length; such a part is called a **slice**. mini reads at most 256 tokens. On which lengths is it ahead, and by how much on the longest?

# %%
traits = {name: unpack_flags(text, 25_000) for name, text in stored["slices"].items()}
lead = mini.mean(axis=0) - tfidf  # for each review: mean of three runs, minus TF-IDF
leads = slices(lead, traits)

# %%
guess = None  # points ahead of TF-IDF, over 512 tokens

# %%
longest = leads["over 512 tokens"]
print(f"over 512 tokens: {100 * longest.value:+.1f} ± {100 * (longest.high - longest.value):.1f}; your guess: {guess}")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Where is mini ahead of TF-IDF?

# %% slideshow={"slide_type": "-"}
LENGTHS = ["1 to 128 tokens", "129 to 256 tokens", "257 to 512 tokens", "over 512 tokens"]
shown = {f"{name} ({traits[name].sum():,})": [leads[name]] for name in LENGTHS}
figure = estimate_chart({"": shown}, "points ahead of TF-IDF, in pairs; mean of 3 runs", marks={"no lead": 0})

# %% tags=["check:slices"]
# checked: leads by length; that the lead falls survives 18 looks, that it turns round does not; what others lead by there
points = {name: (round(100 * one.value, 1), round(100 * (one.high - one.value), 1)) for name, one in leads.items()}
assert points["read whole"] == (2.2, 0.4) and points["257 to 512 tokens"] == (0.7, 0.7)
assert points["over 512 tokens"] == (-1.3, 1.1) and len(leads) == len(traits) == 18
assert points["1 to 128 tokens"] == (1.5, 0.9) and points["129 to 256 tokens"] == (2.4, 0.5)
parts = [lead[traits[name]] for name in ("read whole", "over 512 tokens")]
errors = [part.std(ddof=1) / len(part) ** 0.5 for part in parts]
looks = 100 * student.ppf(1 - 0.025 / 18, 1e6)  # 0.05 shared among 18 looks
assert abs(looks / 100 - 2.99) < 0.005 and abs(looks * errors[1] - 1.7) < 0.05
fall, both_parts = 100 * (parts[0].mean() - parts[1].mean()), (errors[0] ** 2 + errors[1] ** 2) ** 0.5
assert abs(fall - 3.6) < 0.05 and abs(looks * both_parts - 1.8) < 0.05

# %% tags=["check:slices-run-by-run"]
# checked: the lead falls with every run; on 257 to 512 tokens the mini that reads all is ahead, that of the first 256 behind
by_run = [slices(one.astype(float) - tfidf, traits) for one in mini]
falls = [100 * (one["read whole"].value - one["over 512 tokens"].value) for one in by_run]
assert np.round(falls, 1).tolist() == [3.2, 4.1, 3.4] and [one["over 512 tokens"].high < 0 for one in by_run] == [0, 1, 0]
middle = [100 * (right(row).mean(axis=0) - tfidf)[traits["257 to 512 tokens"]] for row in ("mini-512", MINI, "mini-256")]
middle = [mean_interval(one) for one in middle]
assert [round(one.value, 1) for one in middle] == [1.8, 0.7, -1.7]
assert [round(one.high - one.value, 1) for one in middle] == [0.6, 0.7, 0.7]

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# From short to long the lead falls by 3.6 ± 1.8 points, even after 18 looks. That mini *trails* on the longest is not shown.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Hide the chart and take guesses for each length. The record holds 18 slices, and we looked at all: so each gets 0.05 / 18. On the longest, −1.3 ± 1.1 becomes ± 1.7. The *fall* of 3.6 ± 1.2 becomes ± 1.8 and stays.

# %% [markdown]
# On reviews that mini reads whole, up to 256 tokens, it leads by 2.2 ± 0.4 points; from 257 to 512 by 0.7 ± 0.7; over 512 tokens by −1.3 ± 1.1. May we say that it trails there? Our record holds 18 slices, by length, wording and stars, and we looked at all of them. Share 0.05 among the looks (page 09), and −1.3 gets ± 1.7: zero is inside. That the lead *falls* from short to long is safer: by 3.6 ± 1.8 after 18 looks, and by 3.2, 4.1 and 3.4 run by run.
#
# Long reviews may differ otherwise, too. So a control: on 257 to 512 tokens the mini that reads all of them, the first 512, leads by 1.8 ± 0.6. The one that reads the first 256 trails by 1.7 ± 0.7.
#
# ### What is the rest of a review worth?
#
# Against the mini that reads the first 256 tokens we set two others. One reads the first 512, one both ends: 256 as before, only *others*. Reviews of up to 256 tokens are the control: there all read the same.

# %%
SPANS = {"read whole": "up to 256 tokens", "257 to 512 tokens": "257 to 512", "over 512 tokens": "over 512"}
gains = {}
for name, row in {"first 512 instead of first 256": "mini-512", "both ends instead of first 256": MINI}.items():
    each = [slices(one.astype(float) - other, traits) for one, other in zip(right(row), right("mini-256"), strict=True)]
    gains[name] = {said: [run[part] for run in each] for part, said in SPANS.items()}
figure = estimate_chart(gains, "points gained, in pairs; dots: seeds 0, 1, 2, from above", marks={"no gain": 0})

# %% tags=["check:rest-of-a-review"]
# checked: both gain on long reviews with every seed; on the control five of six runs are not above zero, and none clearly
assert all(one.low > 0.01 for rows in gains.values() for said in ("257 to 512", "over 512") for one in rows[said])
over = [[round(100 * one.value, 1) for one in rows["over 512"]] for rows in gains.values()]
assert over == [[5.8, 6.4, 4.6], [5.3, 5.7, 6.2]]
middle = [[round(100 * one.value, 1) for one in rows["257 to 512"]] for rows in gains.values()]
assert middle[0] == [4.0, 4.0, 2.6] and (min(middle[1]), max(middle[1])) == (2.1, 2.6), middle
control = [one for rows in gains.values() for one in rows["up to 256 tokens"]]
assert sum(one.value < 0 for one in control) == 5 and [at for at, one in enumerate(control) if one.high < 0] == [0, 2, 3]
on_whole = [right(row)[:, traits["read whole"]].mean(axis=1) for row in ("mini-256", "mini-512", MINI)]
assert on_whole[0][0] == np.max(on_whole) and stored["max_length"] == 256

# %% [markdown]
# On the longest reviews *twice as many* tokens from the front gain 4.6 to 6.4 points. *No more than before*, but 64 from the beginning and 192 from the end, gain 5.3 to 6.2. So there the end of a review is worth about as much as another 256 tokens.
#
# The control is odd: five of six dots lie below zero, three with their intervals. One of the three is the run that stumbled. The other two share an opponent, seed 0 of the first 256: the best of all nine runs on short reviews, perhaps by luck. But the runs *learned* from other input, too. Three seeds cannot tell luck from a price.
#
# ## 5. Does it know when it is wrong?
#
# A classifier also says *how sure* it is: the probability of the class that it names, its **confidence**. Of 1,000 answers at 90 %, about 900 should be right. Then it is **calibrated**.
#
# ![1,000 answers, each 90 % sure: 900 right is calibrated, 700 right is overconfident, all right is underconfident](figures/11_ninety.svg)
#
# mini, seed 0, is right on 91.8 %. How sure is it, on average?

# %%
guess = None  # a percentage

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Does it know when it is wrong?
#
# ![1,000 answers, each 90 % sure: 900 right is calibrated, 700 right is overconfident, all right is underconfident](figures/11_ninety.svg)

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# mini, seed 0: right on 91.8 %, but **96.3 % sure**. TF-IDF: right on 90.6 %, but 86.5 % sure.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Made-up numbers in the drawing. mini is right on 91.8 % of the test reviews. How sure is it on average? Vote: less than 92 %, about 92 %, more? Then show the line below.

# %%
from bertnotes.evaluation import best_temperature, calibration_error, probabilities_of, reliability

positive = np.array([unpack_probabilities(run["positive"]) for run in runs_of(MINI)])
positive = dict(zip(("mini, seed 0", "mini, seed 1", "mini, seed 2"), positive, strict=True))
positive["TF-IDF"] = unpack_probabilities(runs_of("tfidf")[0]["positive"])
chances = {name: np.stack([1 - one, one], axis=1) for name, one in positive.items()}
for name, found in chances.items():
    sure, correct = found.max(axis=1).mean(), (found.argmax(axis=1) == labels).mean()
    print(f"{name:13} {sure:.1%} sure, {correct:.1%} correct, calibration error {calibration_error(labels, found):.3f}")
print("your guess for mini, seed 0:", guess)

# %% tags=["check:calibration"]
# checked: how sure and how right; the calibration error of each, its interval by the bootstrap, and that of perfect answers
errors = {name: calibration_error(labels, probabilities) for name, probabilities in chances.items()}
assert [round(error, 3) for error in errors.values()] == [0.045, 0.016, 0.047, 0.041]
sure = {name: round(100 * found.max(axis=1).mean(), 1) for name, found in chances.items()}
assert list(sure.values()) == [96.3, 93.3, 96.9, 86.5] and abs(mini[0].mean() - 0.918) < 5e-4
random = np.random.default_rng(4)
again_drawn = [calibration_error(labels[at], chances["mini, seed 0"][at]) for at in random.integers(25_000, size=(100, 25_000))]
assert np.allclose(np.quantile(again_drawn, [0.025, 0.975]), [0.0425, 0.048], atol=1e-3)
perfect = [calibration_error(random.random(25_000) < found[:, 1], found) for found in [chances["mini, seed 0"]] * 8]
assert 0.0015 < np.mean(perfect) < 0.0025

# %% [markdown]
# 96.3 %: **overconfident**. TF-IDF, with a logistic regression, is **underconfident**. The **expected calibration error** (ECE) says by how much: sort the answers into ten bins by confidence, take in each bin the distance between mean confidence and accuracy, and average over answers. By the bootstrap, seed 0 lies between about 0.042 and 0.048. (Chance alone makes it positive: perfect answers would get 0.002.) A picture shows more:

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## As sure as right?

# %% slideshow={"slide_type": "-"}
from bertnotes.pictures.charts import reliability_chart

tables = {name: reliability(labels, chances[name]) for name in ("mini, seed 0", "TF-IDF")}
figure = reliability_chart(tables)

# %% tags=["check:reliability"]
# checked: how many answers lie in the last bin, how right the others are; the runs that kept their first epoch
zero, tf = tables.values()
assert abs(zero["count"][9] / 25_000 - 0.90) < 0.005 and zero["count"][8] == 1_015 and zero["count"][6] == 227
assert abs(zero["accuracy"][8] - 0.66) < 0.005 and abs(zero["confidence"][8] - 0.86) < 0.005 and tf["accuracy"][8] > 0.92
edge = wilson_interval(round(zero["accuracy"][8] * 1_015), 1_015)
assert abs(edge.low - 0.63) < 0.005 and abs(edge.high - 0.69) < 0.005
assert abs(zero["accuracy"][9] - 0.952) < 5e-4 and abs(zero["confidence"][9] - 0.989) < 5e-4
assert zero["count"][9] / 25_000 * (zero["confidence"][9] - zero["accuracy"][9]) > 0.7 * errors["mini, seed 0"]
assert "validation_positive" not in runs_of("tfidf")[0]

# %% tags=["check:first-epoch-kept"]
# checked: the runs that kept their first epoch have the smallest calibration error, of mini and of a random start
for row, epochs, gaps in ((MINI, [2, 1, 2], [0.045, 0.016, 0.047]), ("mini-random", [2, 2, 1], [0.045, 0.051, 0.025])):
    kept = [max(run["history"], key=lambda entry: entry["accuracy"]) for run in runs_of(row)]
    assert [entry["epoch"] for entry in kept] == epochs
    for run, entry, gap in zip(runs_of(row), kept, gaps, strict=True):
        held, found = unpack_probabilities(run["validation_positive"]), unpack_probabilities(run["positive"])
        truth = unpack_flags(run["validation_labels"], len(held))
        assert abs(((held > 0.5) == truth).mean() - entry["accuracy"]) < 1e-3
        assert round(calibration_error(labels, np.stack([1 - found, found], axis=1)), 3) == gap

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Points under the diagonal are too sure, points above not sure enough. Then the bars: nine of ten answers of seed 0 lie in the last bin. So the eye-catching points in the middle stand for few answers. Where does most of the error of 0.045 come from? From 0.99 sure and 0.95 right, in the last bin.

# %% [markdown]
# Above, a point is a bin: under the diagonal means too sure. When mini, seed 0, says about 86 %, it is right in 66 % (63 to 69). But look at the bars below: 90 % of its answers lie in the last bin. There it is 98.9 % sure and 95.2 % right, and so this bin makes most of the error.
#
# Seed 1 is odd: its error is only 0.016. The epoch is chosen on validation, and seed 1 kept its *first*, the others their second. So with three minis of random start: 0.025 with the first epoch, 0.045 and 0.051 with the second. Perhaps a second pass makes mini too sure; six runs only suggest it.
#
# **Temperature scaling** (Guo et al. 2017) is the simplest remedy: divide the logits by one number, the **temperature** $T$, before the softmax. Above 1 makes everything softer (page 01). No verdict changes.
#
# **Play with it.** These are the 2,008 *validation* reviews of seed 0. At which temperature is the loss lowest, and do the points then lie on the diagonal?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## One number makes mini less sure

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
from bertnotes.pictures.play import play

play("calibration")

# %% tags=["check:stored-odds"]
# checked: what the thing to drag holds are the validation verdicts of seed 0
from bertnotes.pictures.play import TOYS

bins = json.loads((TOYS / "calibration.json").read_text(encoding="utf-8"))
held = unpack_probabilities(runs_of(MINI)[0]["validation_positive"])
truth = unpack_flags(runs_of(MINI)[0]["validation_labels"], len(held))
assert sum(bins["count"]) == len(held) == 2_008 and sum(bins["right"]) == ((held > 0.5) == truth).sum()
assert abs(np.average(bins["odds"], weights=bins["count"]) - np.abs(np.log(held / (1 - held))).mean()) < 0.01

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# Chosen on validation (1.53), used on test: calibration error **0.045 → 0.014**.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Drag to 3: now it is not sure enough. Press *least loss*. Does any verdict change? No. Do the points reach the diagonal? The last one does; those in the middle stay below, but few answers lie there. Why choose on validation and not on test? Because a temperature, too, can be overfitted, if only a little.

# %% [markdown]
# The last point, with most answers, reaches the diagonal; those at 0.65 to 0.85 stay below. We take the temperature with the lowest *validation* loss and use it on the test reviews.

# %%
scaled = {}
for name, run in zip(("mini, seed 0", "mini, seed 1", "mini, seed 2"), runs_of(MINI), strict=True):
    held = unpack_probabilities(run["validation_positive"])
    truth = unpack_flags(run["validation_labels"], len(held)).astype(int)
    temperature = best_temperature(truth, np.log(np.stack([1 - held, held], axis=1)))  # chosen on validation
    scaled[name] = probabilities_of(np.log(chances[name]), temperature)
    before, after = (calibration_error(labels, found[name]) for found in (chances, scaled))
    print(f"{name}: temperature {temperature:.2f}, calibration error on test {before:.3f} -> {after:.3f}")

# %% tags=["check:best-temperature"]
# checked: no verdict changes, and the error on test falls to less than a half; what stays under the diagonal
after = [calibration_error(labels, found) for found in scaled.values()]
assert [round(error, 3) for error in after] == [0.014, 0.005, 0.018]
assert all((found.argmax(axis=1) == (positive[name] > 0.5)).all() for name, found in scaled.items())
assert all(error < errors[name] / 2 for name, error in zip(scaled, after, strict=True)) and 1.41 < temperature < 1.44
run = runs_of(MINI)[0]
held = unpack_probabilities(run["validation_positive"])
truth = unpack_flags(run["validation_labels"], len(held)).astype(int)
logits = np.log(np.stack([1 - held, held], axis=1))
softer = reliability(truth, probabilities_of(logits, best_temperature(truth, logits)))
assert 1.52 < best_temperature(truth, logits) < 1.54 and (softer["confidence"] - softer["accuracy"])[[6, 7, 8]].min() > 0.03
assert abs(softer["confidence"][9] - softer["accuracy"][9]) < 0.015, softer

# %% [markdown]
# From 0.045 to 0.014, with one number and no verdict changed. (Logarithms of probabilities serve as logits: softmax does not see the constant between them.)
#
# ## 6. Errors that may be shown
#
# IMDB's reviews may not be shown, ours may. `mini-imdb` (page 07), *one* run, learned from 22,992 reviews of IMDB and then judged reviews that were written for this course; here are the 968 in no one voice (page 09). 551 are *plain*; the others are marked with what makes them hard (page 09): a *turn* in the last sentence, a *concession*, a verdict only *implied* ... How many of its ten surest errors are plain ones?

# %%
guess = None  # of ten

# %%
from bertnotes.data import LABELS, REVIEWS, read_reviews

own = json.loads((RESULTS / "verdicts-on-reviews.json").read_text(encoding="utf-8"))
frame = read_reviews(REVIEWS, ("review", "sentiment", "note", "voice")).replace({"note": {"": "plain"}})
frame = frame.assign(positive=unpack_probabilities(own["positive"])).query("voice == 'various'").copy()  # in no one voice
named_positive = frame["positive"].to_numpy()
frame["sure"] = np.maximum(named_positive, 1 - named_positive)
frame["correct"] = (named_positive > 0.5) == (frame["sentiment"] == LABELS[1])
surest = frame[~frame["correct"]].nlargest(10, "sure")
print(surest["note"].value_counts().to_string(), "\nyour guess for plain:", guess)
print(f"\n{surest['sure'].iloc[5]:.1%} sure, but {surest['sentiment'].iloc[5]}: {surest['review'].iloc[5]}")

# %% tags=["check:surest-errors"]
# checked: the verdicts are of these reviews; the ten surest errors
from bertnotes.files import hash_of

assert own["data"] == hash_of(REVIEWS) and len(frame) == 968 and (frame["note"] == "plain").sum() == 551
assert "plain" not in set(surest["note"]) and surest["sure"].min() > 0.99
from scipy.stats import hypergeom

missed = frame.loc[~frame["correct"], "note"] == "plain"
assert (missed.sum(), len(missed)) == (66, 355) and abs(hypergeom.pmf(0, 355, 66, 10) - 0.12) < 0.005
assert own["run"] == "imdb-mini-imdb-seed0.json" and surest["note"].iloc[5] == "turn"

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## On the course's own reviews: worse than a coin?

# %% slideshow={"slide_type": "-"}
chart = {}
for kind in ("plain", "negation", "plot", "implied", "irony", "turn", "concession"):
    part = frame[frame["note"] == kind]
    by_class = [part.loc[part["sentiment"] == said, "correct"] for said in reversed(LABELS)]
    chart[f"{kind} ({len(part)})"] = [wilson_interval(one.sum(), len(one)) for one in by_class]
title = "one run; upper dot: positive reviews, lower: negative"
figure = estimate_chart({"": chart}, "correct in %, with the 95 % interval", title, {"coin": 0.5})

# %% tags=["check:kinds-of-reviews"]
# checked: accuracy by kind and class
assert tuple(LABELS) == ("negative", "positive") and own["run"] == "imdb-mini-imdb-seed0.json"
assert runs_of("mini-imdb")[0]["train_reviews"] == 22_992
share = frame.groupby("note")["correct"].mean()
assert abs(share["plain"] - 0.88) < 0.002 and abs(frame["correct"].mean() - 0.633) < 1e-3 and share["negation"] == 0.5
below = {name.split(" (")[0] for name, both in chart.items() if max(one.high for one in both) < 0.5}
assert below == {"turn", "concession", "implied"}
by_class = frame.groupby(["note", "sentiment"])["correct"].agg(["sum", "count"])
assert by_class.loc["negation"].to_numpy().tolist() == [[23, 24], [1, 24]] and by_class.loc["irony", "sum"].sum() == 5
assert by_class.loc["plot"].to_numpy().tolist() == [[5, 24], [14, 24]] and len(frame[frame["note"] == "irony"]) == 24
assert np.allclose(by_class.loc["plain"].eval("sum / count"), [0.83, 0.93], atol=0.006)
assert abs(share["implied"] - 0.36) < 0.005

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# *negation* is right on half, but no coin: it calls 46 of 48 negative. *turn*, *concession*, *implied*: below 50 % on both classes.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** *turn*: the last sentence turns round. *concession*: much is granted to the other side. *implied*: the verdict is never said. First the lower dots alone: is *negation* solved? Then the upper ones. Read aloud: "Gorgeous costumes, a tap number on a moving escalator ... What a pity I am describing the trailer." Ask what the class would say, then: mini-imdb is 99.7 % sure that it is positive.

# %% [markdown]
# None of the ten is plain. That alone proves little: ten of its 355 errors picked blindly would hold none in 12 % of cases. By class we see more. *negation* is right on half, and yet no coin: it names 46 of 48 negative, so it finds 23 of 24 negative reviews and 1 of 24 positive ones. *plot* leans the other way, with 14 of 24 positive and 5 of 24 negative.
#
# *turn*, *concession* and *implied* are worse than a coin on both classes. In the first two the words lean one way, and the verdict the other. For *implied*, no word says the verdict. That alone would give 50 %, not 36, so something there misleads, too; we did not look what.
#
# Is it as sure of them as it should be, compared with IMDB? And are its surer verdicts at least the better ones? We split each group into a surer and a less sure half.

# %%
plain = frame["note"] == "plain"
imdb = unpack_probabilities(runs_of("mini-imdb")[0]["positive"])
print(f"IMDB    {np.maximum(imdb, 1 - imdb).mean():.0%} sure, {((imdb > 0.5) == labels).mean():.0%} correct")
for name, part in {"plain": frame[plain], "marked": frame[~plain], "all": frame}.items():
    surer = part.nlargest(len(part) // 2, "sure")
    other = part.drop(surer.index)
    print(f"{name:7} {part['sure'].mean():.0%} sure, {part['correct'].mean():.0%} correct", end=";   ")
    print(f"less sure half {other['correct'].mean():.0%}, surer half {surer['correct'].mean():.0%} correct")

# %% tags=["check:interaction"]
# checked: on plain reviews the surer half is better, on marked ones worse, beyond the error; the drawing's numbers
for name, part in {"plain": frame[plain], "marked": frame[~plain], "all": frame}.items():
    surer = part.nlargest(len(part) // 2, "sure")
    rest = part.drop(surer.index)
    assert Stored.halves[name] == (round(100 * rest["correct"].mean()), round(100 * surer["correct"].mean()))
    intervals = [wilson_interval(half["correct"].sum(), len(half)) for half in (rest, surer)]
    assert (intervals[0].low > intervals[1].high) if name == "marked" else (intervals[0].high < intervals[1].low)

# %% tags=["check:calibrated-elsewhere"]
# checked: calibration errors of mini-imdb on IMDB, plain and marked reviews, with intervals
gaps = {"IMDB": (labels, imdb)}
for name, part in {"plain": plain, "marked": ~plain}.items():
    gaps[name] = ((frame["sentiment"] == LABELS[1])[part].to_numpy(), named_positive[part.to_numpy()])
truth, held = gaps["plain"]
gaps = {name: calibration_error(truth, np.stack([1 - one, one], axis=1)) for name, (truth, one) in gaps.items()}
assert {name: round(gap, 2) for name, gap in gaps.items()} == {"IMDB": 0.03, "plain": 0.03, "marked": 0.51}
both_ways = np.stack([1 - held, held], axis=1)
drawn = [calibration_error(truth[at], both_ways[at]) for at in random.integers(551, size=(400, 551))]
assert np.allclose(np.quantile(drawn, [0.025, 0.975]), [0.016, 0.058], atol=3e-3)
perfect = [calibration_error(random.random(551) < held, both_ways) for _ in range(300)]
assert abs(np.mean(perfect) - 0.021) < 2e-3

# %% tags=["check:length-is-not-all"]
# checked: plain and marked reviews by length; the drawing's sketch is Simpson's paradox
words = frame["review"].str.split().str.len()
short = frame[~plain & (words <= 60)]
assert (words[plain].median(), words[~plain].median(), len(short)) == (41, 106, 107)
assert abs(short["correct"].mean() - 0.38) < 0.005
surer = short.nlargest(53, "sure")["correct"]
rest = short.drop(surer.index)["correct"]
assert (round(rest.mean(), 2), round(surer.mean(), 2)) == (0.44, 0.32)
assert wilson_interval(rest.sum(), 54).low < wilson_interval(surer.sum(), 53).high
assert abs(frame[plain & (words <= 60)]["correct"].mean() - 0.88) < 0.005
from bertnotes.pictures.drawings.page11 import SKETCH

(a, b), (c, d), (low, high) = SKETCH.values()
assert b < a and d < c and low < high  # Simpson's paradox: down, down, together up

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Are surer verdicts better?
#
# ![Left, ours: plain reviews rise from 77 to 99 %, marked fall from 41 to 21 %, all rise from 54 to 73 %, an interaction. Right, a sketch of Simpson's paradox: both groups fall, all together rise](figures/11_interaction.svg)

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# Marked reviews: 82 % sure, 31 % right. Plain: 89 % sure, 88 % right.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Vote first. Left: what sureness means depends on the kind of review. Right: in Simpson's paradox both groups would go down, and all together up. Ask for the difference in one sentence. Would a temperature help? No: confidence cannot fall below 50 %, and 31 % are right.

# %% [markdown]
# ![Left, ours: plain reviews rise from 77 to 99 %, marked fall from 41 to 21 %, all rise from 54 to 73 %, an interaction. Right, a sketch of Simpson's paradox: both groups fall, all together rise](figures/11_interaction.svg)
#
# On plain reviews, yes: 77 % against 99 %. On marked ones it is the other way round: the surer, the more often wrong. This is an **interaction**: what sureness is worth depends on the group. (It is not *Simpson's paradox*. There, *all* groups go one way and the whole goes the other.) The marked are longer, too, with a median of 106 words, not 41. Length is not all: up to 60 words, mini-imdb is right on 88 % of plain and on 38 % of 107 marked ones. (Whether those turn round, too, 107 do not say: 44 and 32 %.)
#
# On the marked ones it is 82 % sure and 31 % right, a calibration error of 0.51. No temperature mends that: confidence cannot fall below 50 %. On plain ones it is 0.03, as on IMDB, but 551 reviews only say 0.016 to 0.058. Perfect answers would get 0.021 on average: we cannot tell the two apart.
#
# ## 7. How many labels does it take?
#
# mini and TF-IDF learned from the same 200, 800, 3,200 and 23,000 reviews, three seeds each. With 200, mini leads by 2.9, 5.5 and 8.1 points: on average by 5.5. How wide is the 95 % interval of this mean, over seeds?

# %%
guess = None  # ± points

# %%
SIZES = {200: "mini-250", 800: "mini-1000", 3_200: "mini-4000", 23_000: MINI}
scores = {"mini": [], "TF-IDF": []}
for size, row in SIZES.items():
    for name, key in {"mini": "accuracy", "TF-IDF": "tfidf_accuracy"}.items():
        scores[name].append(np.array([100 * run[key] for run in runs_of(row)]))
    each = scores["mini"][-1] - scores["TF-IDF"][-1]  # the lead, seed by seed
    half = 4.30 * each.std(ddof=1) / 3**0.5
    print(f"{size:6,} reviews: {each.mean():.1f} ± {half:.1f}  ", *each.round(1))
print("your guess for 200: ±", guess)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Fewer labels

# %% slideshow={"slide_type": "-"}
means = {name: np.mean(found, axis=1) for name, found in scores.items()}
bands = {name: (np.min(found, axis=1), np.max(found, axis=1)) for name, found in scores.items()}
ax = line_chart(list(SIZES), means, "reviews to learn from (log axis)", "correct on test, in %; shaded: all seeds", bands=bands)

# %% tags=["check:fewer-labels"]
# checked: mini's lead by number of reviews, seed by seed, its interval over seeds; how each was trained
ahead = np.array(scores["mini"]) - np.array(scores["TF-IDF"])
assert ahead[0].round(1).tolist() == [2.9, 5.5, 8.1] and ahead.mean(axis=1).round(1).tolist() == [5.5, 2.6, 2.0, 1.4]
half = 4.30 * ahead.std(axis=1, ddof=1) / 3**0.5
assert half.round(1).tolist() == [6.5, 0.5, 0.7, 0.7]
saved = 100 * ahead.mean(axis=1) / (100 - np.mean(scores["TF-IDF"], axis=1))
assert 21.5 < saved[0] < 22.5 and all(14.5 < share < 16.5 for share in saved[1:]) and ahead.min() > 1
for size, row in SIZES.items():
    assert all(abs(run["train_reviews"] - size) < 12 for run in runs_of(row))
held = [len(unpack_probabilities(runs_of(row)[0]["validation_positive"])) for row in SIZES.values()]
assert held == [50, 200, 801, 2008] and [runs_of(row)[0]["config"]["epochs"] for row in SIZES.values()] == [8, 5, 3, 2]

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# mini's lead with 200 reviews: 2.9, 5.5, 8.1, so **5.5 ± 6.5**. With 23,000: 1.4 ± 0.7.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The fewer labels, the wider the band: with 200 reviews three seeds lead by 2.9, 5.5 and 8.1. Which single number would you have reported? Guess the interval of their mean before you show it.

# %% [markdown]
# 5.5 ± 6.5: with 200 reviews three seeds, though all ahead, do not even settle the sign of the mean. From 800 on they agree to within a point, and the lead falls to 1.4 ± 0.7. (1.3 in section 3, where TF-IDF had all 25,000.) As a share of TF-IDF's errors it is 22 % with 200 and 15 to 16 % from 800 on. Smaller sets got more epochs (8, 5, 3 and 2), and mini also used labels for validation (50 to 2,000) that TF-IDF never saw.
#
# ## 8. What may you say?
#
# | you have | you may say | you may not say |
# | --- | --- | --- |
# | one score, its interval | on all reviews like these it is near that | another run would be |
# | three seeds | so far apart they were | the fourth will be in between |
# | McNemar's p | on such reviews, these two *runs* differ | this method is better |
# | no significant difference | these reviews do not show one | they are equally good |
# | a slice, found by looking | look there again, with other reviews | it is better there |
# | half of a slice right | right on each class: look | it guesses |
# | a calibration error on IMDB | so far off it is on IMDB | 90 % means 90 % on my texts |

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## What may you say?
#
# | you have | you may say | you may not say |
# | --- | --- | --- |
# | a score, its interval | all such reviews: near it | another run: near it |
# | three seeds | so far apart they were | the fourth is between |
# | McNemar's p < 0.05 | these *runs* differ | the method is better |
# | no significant difference | not shown here | equally good |
# | a slice, found by looking | look at other reviews | it is better there |
# | calibration on IMDB | so far off on IMDB | the same on my texts |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** For each line let someone give an example from today.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A score has at least three errors: other test reviews, another run, other training reviews. We measured the first two. Show every seed.
# - Compare two systems on the same reviews in pairs: only those count on which just one is right.
# - Ask where, and by class. Share 0.05 among all your looks, and ask what else differed.
# - Confidence is not the chance of being right until it is calibrated; check that on texts of your own kind.
#
# **Next:** page 12 asks which words made a verdict, and whether attention shows them.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Close the lid: who can say the four questions?

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# Work in the copy of the [exercises](exercises/11.ipynb) in `notebooks/my`. The first is for paper, the others are functions of two to eight lines.

# %% tags=["exercises"]
import torch
from torch.nn.functional import cross_entropy

from bertnotes.exercises import check, hint, solution  # noqa: F401

# %% [markdown] tags=["exercise:two_errors"]
# ### Two errors · ●● · 7 minutes
#
# A lead has a standard error of 0.3 points over reviews, and one of 0.4 points over runs. For both together, Welch–Satterthwaite says: 1.96 is too small, take 2.5. How wide is the 95 % interval of the lead, ± how many points?

# %% [markdown] tags=["hint:two_errors"]
# Independent errors do not add, their squares do.

# %% [markdown] tags=["hint:two_errors"]
# $0.3^2 + 0.4^2 = 0.25$. This is the square of the error of both.

# %% [markdown] tags=["hint:two_errors"]
# The root is 0.5. Multiply by 2.5.

# %% tags=["exercise:two_errors"]
# solution
answer = 2.5 * (0.3**2 + 0.4**2) ** 0.5
# instead:
# answer = None  # ± so many points
# end of solution

check("two_errors", answer)

# %% [markdown] tags=["reason:two_errors"]
# $2.5 \cdot \sqrt{0.3^2 + 0.4^2} = 1.25$. Combine the errors first, and multiply once. Two half-widths with factors of their own, 1.96 and 4.30, do not combine to a 95 % interval.

# %% [markdown] tags=["exercise:mcnemar"]
# ### McNemar's test · ●● · 10 minutes
#
# `ours` and `theirs` are tensors of True and False, one for each review: who was right. Return three things: `b`, on how many only ours was right; `c`, on how many only theirs; and McNemar's statistic of 1947, $(b - c)^2 / (b + c)$, each as a tensor. If both were equally good, it would be above 3.84 in 5 % of cases.

# %% [markdown] tags=["hint:mcnemar"]
# `ours & ~theirs` is True where ours was right and theirs was not. `.sum()` counts.

# %% [markdown] tags=["hint:mcnemar"]
# For `c` the other way round: `~ours & theirs`.

# %% [markdown] tags=["hint:mcnemar"]
# `(b - c) ** 2 / (b + c)`: neither the reviews that both had right, nor those that both had wrong, come in.


# %% tags=["exercise:mcnemar"]
def mcnemar(ours, theirs):
    """Only ours right, only theirs right, and McNemar's statistic."""
    # solution
    b, c = (ours & ~theirs).sum(), (~ours & theirs).sum()
    return b, c, (b - c) ** 2 / (b + c)
    # end of solution


check("mcnemar", mcnemar)

# %% [markdown] tags=["reason:mcnemar"]
# If each of the b + c were a fair coin, b − c would have mean 0 and variance b + c. So the statistic is a squared number of standard deviations, and $1.96^2 = 3.84$. With few reviews take the exact form, as the lesson does.

# %% [markdown] tags=["exercise:paired_lead"]
# ### A lead and its error · ●● · 10 minutes
#
# `ours` and `theirs` as before. Return the lead, by how much the accuracy of ours is higher (a share, such as 0.012), and its standard error in pairs, with the standard deviation that divides by n − 1 (torch's `.std()`), both as tensors.

# %% [markdown] tags=["hint:paired_lead"]
# First a number for each review: 1 where only ours is right, −1 where only theirs, 0 else. Numbers out of True and False: `.double()`.

# %% [markdown] tags=["hint:paired_lead"]
# `ours.double() - theirs.double()` is that. Its mean is the lead.

# %% [markdown] tags=["hint:paired_lead"]
# The error of a mean is the standard deviation, `.std()`, divided by the root of the number of reviews.


# %% tags=["exercise:paired_lead"]
def paired_lead(ours, theirs):
    """The lead, and its standard error in pairs."""
    # solution
    each = ours.double() - theirs.double()
    return each.mean(), each.std() / len(each) ** 0.5
    # end of solution


check("paired_lead", paired_lead)

# %% [markdown] tags=["reason:paired_lead"]
# Reviews that are easy or hard for both give 0, whichever they are: their differences in difficulty are gone before the error is worked out. Two errors of two accuracies, put together, would contain them twice.

# %% [markdown] tags=["exercise:calibration_error"]
# ### Calibration error · ●●● · 17 minutes
#
# `confidence` holds for each answer how sure it was, from 0.5 to 1, `right` whether it was right. Sort the answers into ten bins of equal width: 0 to 0.1, 0.1 to 0.2, and so on; 1.0 belongs to the last. In each bin, take the distance between mean confidence and accuracy. Return the average of these distances over *answers*.

# %% [markdown] tags=["hint:calibration_error"]
# The number of the bin: `(confidence * 10).long().clamp(max=9)`.

# %% [markdown] tags=["hint:calibration_error"]
# In a loop over the ten bins: `inside = bins == at`. In `confidence[inside]` are the answers of that bin. Skip it if `inside.any()` is false.

# %% [markdown] tags=["hint:calibration_error"]
# Each bin counts as often as it has answers: add up `inside.sum() * distance`, and divide by `len(confidence)` at the end.


# %% tags=["exercise:calibration_error"]
def calibration_error(confidence, right):
    """Expected calibration error, over ten bins."""
    # solution
    bins = (confidence * 10).long().clamp(max=9)
    total = torch.zeros((), dtype=torch.double)
    for at in range(10):
        inside = bins == at
        if inside.any():
            gap = confidence[inside].mean() - right[inside].double().mean()
            total += inside.sum() * gap.abs()
    return total / len(confidence)
    # end of solution


check("calibration_error", calibration_error)

# %% [markdown] tags=["reason:calibration_error"]
# Inside a bin, too sure and not sure enough cancel; between bins they do not. So the number depends on the bins: with a single one it would be the distance of the two means, and with a bin for each answer it would say nothing of calibration.

# %% [markdown] tags=["exercise:best_temperature"]
# ### A temperature · ●● · 10 minutes
#
# `logits` are (review, class), `labels` (review,), and `tried` some temperatures. Return the one of `tried` with which the logits, divided by it, have the lowest loss.

# %% [markdown] tags=["hint:best_temperature"]
# `cross_entropy(logits / 2, labels)` is the loss at temperature 2. It takes the softmax itself.

# %% [markdown] tags=["hint:best_temperature"]
# A loss for each temperature: a list, and `torch.stack` makes a tensor of it.

# %% [markdown] tags=["hint:best_temperature"]
# `.argmin()` says at which position the lowest stands. `tried[...]` is the temperature there.


# %% tags=["exercise:best_temperature"]
def best_temperature(logits, labels, tried):
    """The temperature, of those tried, with the lowest loss."""
    # solution
    losses = [cross_entropy(logits / at, labels) for at in tried]
    return tried[torch.stack(losses).argmin()]
    # end of solution


check("best_temperature", best_temperature)

# %% [markdown] tags=["reason:best_temperature"]
# Accuracy cannot choose a temperature: no verdict changes. The loss can, as it asks for the probability of the right class. Use validation reviews: on the training reviews the model is nearly always right, so they would say that it may be as sure as it likes.

# %% [markdown]
# ## Sources
#
# - Efron (1979). *Bootstrap Methods: Another Look at the Jackknife.* The Annals of Statistics 7(1)
# - Satterthwaite (1946). *An Approximate Distribution of Estimates of Variance Components.* Biometrics Bulletin 2(6)
# - Dietterich (1998). *Approximate Statistical Tests for Comparing Supervised Classification Learning Algorithms.* Neural Computation 10(7)
# - Mosbach, Andriushchenko, Klakow (2020). *On the Stability of Fine-tuning BERT.* arXiv:2006.04884 (ICLR 2021)
# - Naeini, Cooper, Hauskrecht (2015). *Obtaining Well Calibrated Probabilities Using Bayesian Binning.* AAAI 29 (where the ECE comes from)
# - Guo, Pleiss, Sun, Weinberger (2017). *On Calibration of Modern Neural Networks.* arXiv:1706.04599
# - Simpson (1951). *The Interpretation of Interaction in Contingency Tables.* Journal of the Royal Statistical Society B 13(2)
