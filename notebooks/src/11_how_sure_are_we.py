# %% [markdown] question="How sure may we be of a score, and where does a model fail?"
# # 11 · How sure are we?
#
# **The question:** how sure may we be of a score, and where does a model fail?
#
# ![mini is right on 91.83 % of 25,000 reviews, and four questions: other reviews? another run? which reviews? does it know? The answers are question marks](figures/11_score.svg)
#
# Other reviews would have given another score, and so would another run. And one number hides where the model fails, and how sure it is of itself.
#
# **You need:** pages 06, 08, 09 and 10. **Time:** about 56 minutes, and 47 more for the exercises. Where a cell says `guess = None`, type your guess in place of `None`.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # How sure are we?
#
# ![mini is right on 91.83 % of 25,000 reviews, and four questions: other reviews? another run? which reviews? does it know? The answers are question marks](figures/11_score.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Read the score aloud and ask: what would you have to know before you believe it? Collect, then show that the four boxes cover it. The deck takes 40 minutes, votes included. Run the notebook before class.

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
# ## Who is right how often?
#
# | system | reads | correct on 25,000 test reviews |
# | --- | --- | --- |
# | mini, seed 0 | 256 tokens | 91.83 % |
# | NBSVM | everything | 91.42 % |
# | TF-IDF | everything | 90.63 % |
#
# Would you bet that mini is better than NBSVM? And that its next run will be?

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Who would bet that mini is better than NBSVM? Note the votes; the class comes back to them.

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
# ![Ten reviews, eight judged correctly; three draws of ten from them give 8, 6 and 10 of 10](figures/11_bootstrap.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Made-up numbers. Which review comes twice in draw 1? Which never? Then: with 25,000 instead of 10, how far will the scores spread? Take guesses before the next cell.

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
# A third of a point either way. That is a **95 % interval**: a recipe which, used on many samples, contains the true value in about 95 % of them. (Reviews of one film may be alike, so ours is perhaps too narrow.) For an accuracy Wilson's formula (page 09) gives the same in one line. The width shrinks with the square root of the number of reviews: of 100 reviews it would be about 16 times as wide, 85 to 96 %.
#
# Another 25,000 reviews would have an error of their own. So *their* score lies within √2 times as much: ± 0.48.
#
# ## 2. Another run?
#
# The interval knows nothing of the training. Another **seed** holds out other reviews for validation, draws other numbers for the new layer, shuffles the reviews into another order, and sets other numbers to 0 by dropout. We trained with three seeds. But something else differs, too: the first two minis ran on two CPU threads, the third on a GPU with another version of PyTorch. What the third does differently may be its seed *or* its machine. How far do the best and the worst of mini's three runs lie apart?

# %%
guess = None  # points

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Every run is a dot
#
# Bars: 95 % intervals over the 25,000 reviews. Seed and machine differ together: the third run of each plain mini was on a GPU.

# %% slideshow={"slide_type": "-"}
from bertnotes.pictures.charts import estimate_chart, line_chart

ROWS = {"MiniLM, first 512": "minilm-512", "MiniLM, both ends": "minilm-256-head+tail"}
ROWS |= {"mini by LoRA, both ends": "mini-imdb", "mini, first 512": "mini-512"}
ROWS |= {"mini, both ends": MINI, "mini, first 256": "mini-256"}
runs = {name: [wilson_interval(found.sum(), 25_000) for found in right(row)] for name, row in ROWS.items()}
figure = estimate_chart(
    {"": runs}, "correct in %", "every run, with its interval over reviews", {"TF-IDF": tfidf.mean(), "NBSVM": nbsvm.mean()}
)
print("mini, both ends:", *(f"{100 * found.mean():.2f}" for found in mini), "" if guess is None else f"  your guess: {guess}")

# %% tags=["check:seeds-apart"]
# checked: the runs of each row that the text names; the worst lies outside another's interval
found = {row: right(row).mean(axis=1) for row in ROWS.values()}
assert np.allclose(found[MINI], [0.9183, 0.9181, 0.9219], atol=1e-4)
assert np.allclose(found["mini-512"], [0.9278, 0.9240, 0.9119], atol=1e-4)
assert np.ptp(found["minilm-512"]) < 0.0005 and len(found["mini-imdb"]) in (2, 3)
assert found["mini-512"][2] < runs["mini, first 512"][0].low and abs(np.ptp(found[MINI]) - 0.0038) < 5e-5

# %% tags=["check:seed-and-machine"]
# checked: seed and machine are confounded, row by row


def machines(row):
    """G: on the GPU, C: on two CPU threads, in the order of seeds. Each machine has its own version of PyTorch."""
    environments = [run["environment"] for run in runs_of(row)]
    assert all(("NVIDIA" in one["device"]) == (one["torch"] == "2.11.0") for one in environments)
    return "".join("G" if "NVIDIA" in one["device"] else "C" for one in environments)


assert {machines(row) for row in (MINI, "mini-256", "mini-512", "mini-128")} == {"CCG"} and machines("mini-imdb")[:2] == "CC"
assert {machines(row) for row in ("minilm-512", "minilm-256-head+tail", "mini-random", "gpt-random", "elmo-random")} == {"CGG"}
assert {machines(row) for row in ("mini-frozen", "mini-250", "mini-1000", "mini-4000")} == {"CCC"}

# %% tags=["check:two-good-runs"]
# checked: the two runs of mini, first 512, that did not stumble differ by McNemar's test
from bertnotes.evaluation import mcnemar

said = [unpack_probabilities(run["positive"]) > 0.5 for run in runs_of("mini-512")]
assert mcnemar(labels, said[0], said[1])[:2] == (497, 404) and abs(mcnemar(labels, said[0], said[1])[2] - 0.002) < 5e-4
mean, spread = found["mini-512"].mean(), found["mini-512"].std(ddof=1)
assert abs(mean - 0.921) < 5e-4 and abs(4.303 * spread / 3**0.5 - 0.021) < 5e-4  # "92.1 ± 2.1"
assert {run["config"]["max_length"] for row in ROWS.values() for run in runs_of(row)} == {256, 512}

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Which row would you trust after one run? The three MiniLM runs at 512 tokens lie close together; of mini at 512 tokens one is far behind. Ask what may have happened, then show the next slide.

# %% [markdown]
# mini's runs lie 0.38 points apart. They all judged the same reviews, so the bars do not say whether they differ (section 3 does): a bar is about other *reviews*, not about another *run*. A report needs both.
#
# Some rows lie closer together (MiniLM at 512 tokens), one far apart: mini at 512 tokens scored 92.78, 92.40 and **91.19**. What happened in that last run? We trained it once more, with the same settings and the same seed. (We looked at validation only.)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## A run that stumbled
#
# Same settings, same seed, twice on the same kind of GPU.

# %% slideshow={"slide_type": "-"}
again = json.loads((RESULTS / "same-seed-again.json").read_text(encoding="utf-8"))["runs"]
stumbled = next(run for run in again if (run["row"], run["seed"]) == ("mini-512", 2))
steps = list(range(100, 1_100, 100))
losses = {"once more": stumbled["loss"][:10], "in the table": stumbled["loss_before"][:10]}
ax = line_chart(steps, losses, "steps of training", "mini, first 512, seed 2: training loss", logarithmic="")

# %% tags=["check:stumbled"]
# checked: one run stumbled after 300 steps, the other did not; validation of both; who else was run again
before, after = losses["in the table"], losses["once more"]
assert max(before[3:5]) > before[2] + 0.05 and min(before[3:]) > 0.34 and max(after[3:]) < 0.37 and after[4] < 0.32
table = runs_of("mini-512")[2]
assert "NVIDIA" in table["environment"]["device"] and abs(table["history"][-1]["accuracy"] - 0.920) < 5e-4
assert abs(stumbled["history"][-1]["accuracy"] - 0.927) < 5e-4
lstm = next(run for run in again if (run["row"], run["seed"]) == ("elmo-random", 2))
assert lstm["history"][-1]["accuracy"] == runs_of("elmo-random")[2]["history"][-1]["accuracy"]

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** After 300 steps one loss jumps. Why are two runs of one seed different at all? Perhaps because a GPU may add up in another order; nobody tested it. May we drop the bad run? No: that would be choosing by the result.

# %% [markdown]
# After 300 steps the loss of one run jumps from 0.46 to 0.53; the other goes on falling. On about 2,000 validation reviews they end at 92.0 % and 92.7 %. Why do they differ, with one seed? A GPU may add up numbers in another order, and tiny differences grow. We did not test that: an LSTM trained twice on this GPU gave the same validation accuracy to the last digit. On small sets such stumbles are known (Mosbach et al. 2021).
#
# The run stays in the table: dropping it would be choosing by the result. So we show every seed. "92.1 ± 2.1" would be correct, too (a 95 % interval of the mean over three seeds), but it would not tell you that one run stumbled. (The other two, 0.37 apart, differ as well: p = 0.002 by the test of section 3.)
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
# ![A table of 25,000 reviews: both right 21,648, only mini right 1,310, only TF-IDF right 1,009, neither 1,033](figures/11_pairs.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** The two white fields say nothing of who is better. Why? Would you call 1,310 to 1,009 the work of a coin?

# %% [markdown]
# ![A table of 25,000 reviews: both right 21,648, only mini right 1,310, only TF-IDF right 1,009, neither 1,033](figures/11_pairs.svg)
#
# Where both are right, or both wrong, we learn nothing about who is better. If both were equally good, each of the other 2,319 reviews would be the toss of a coin. How often would coins fall at least as unevenly as 1,310 to 1,009? That is the **p-value** of **McNemar's test** (1947; here in its exact form).

# %%
from scipy.stats import binomtest

p = binomtest(only_mini, only_mini + only_tfidf).pvalue
difference = mini[0].astype(float) - tfidf  # 1: only mini is right, -1: only TF-IDF, 0: no difference
paired = difference.std() / 25_000**0.5
unpaired = (mini[0].var() / 25_000 + tfidf.var() / 25_000) ** 0.5
print(f"p = {p:.0e}")
print(f"lead {100 * difference.mean():.2f} points: ± {196 * paired:.2f} in pairs, ± {196 * unpaired:.2f} if not in pairs")

# %% tags=["check:pairs"]
# checked: the four fields of the drawing; p; pairs make the interval narrower, as 1.7 times as many reviews would
from bertnotes.evaluation import mcnemar

neither = int((~mini[0] & ~tfidf).sum())
assert Stored.pairs == (int((mini[0] & tfidf).sum()), only_mini, only_tfidf, neither)
said = unpack_probabilities(runs_of(MINI)[0]["positive"]) > 0.5
assert mcnemar(labels, said, tfidf == labels) == (only_mini, only_tfidf, p) and 4e-10 < p < 5e-10
assert abs(difference.mean() - 0.0120) < 1e-4 and 1.65 < (unpaired / paired) ** 2 < 1.8

# %% [markdown]
# About 4 in 10 billion: chance in the choice of reviews does not explain this lead. In pairs the interval of the lead is ± 0.38 points, not ± 0.50, because most reviews are easy or hard for both, and that cancels. (1.96 standard errors make a 95 % interval.)
#
# Would we have seen it with fewer reviews? We draw 100 (then 1,000, and 5,000) of the 25,000, 300 times each. How often is p below 0.05, the usual line, with 100 reviews?

# %%
guess = None  # a percentage

# %%
power = dict.fromkeys((100, 1_000, 5_000), 0)
for count in power:
    for _ in range(300):
        sample = random.choice(difference, count, replace=False)
        ahead, behind = int((sample == 1).sum()), int((sample == -1).sum())
        power[count] += (binomtest(ahead, max(ahead + behind, 1)).pvalue < 0.05) / 300
    print(f"{count:5,} reviews: p < 0.05 in {power[count]:.0%} of the draws")
print("your guess for 100:", guess)

# %% tags=["check:power"]
# checked: the share of draws in which the lead is seen
assert power[100] < 0.06 and 0.18 < power[1_000] < 0.28 and 0.75 < power[5_000] < 0.85

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Would fewer reviews have shown it?
#
# A lead of 1.2 points. We draw 100, 1,000 or 5,000 of the 25,000 reviews. How often is p below 0.05?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | reviews | p < 0.05 |
# | --- | --- |
# | 100 | about 1 in 25 |
# | 1,000 | about 1 in 4 |
# | 5,000 | about 4 in 5 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** That share is called the power of a test. So "no significant difference" on a hundred reviews means nothing. Ask: how many test reviews does your own project have?

# %% [markdown]
# This share is the **power** of the test, if the lead is as large as it looks here. With 100 reviews we would miss it nearly every time: "no significant difference" on a small test set says little.
#
# ### And NBSVM?
#
# mini leads NBSVM by less. For other reviews we take the mean of the three runs, review by review. For seeds we have three leads, and three numbers are few: instead of 1.96 standard errors, **Student's t** takes 4.30.

# %%
for name, rival in {"TF-IDF": tfidf, "NBSVM": nbsvm}.items():
    each = 100 * (mini.mean(axis=1) - rival.mean())  # a lead for each seed
    over_reviews = mean_interval(100 * (mini.mean(axis=0) - rival))
    over_seeds = 4.30 * each.std(ddof=1) / 3**0.5
    next_run = 4.30 * each.std(ddof=1) * (1 + 1 / 3) ** 0.5
    print(
        f"{name}: seeds {each.round(2)}, mean {each.mean():+.2f}, ± {over_reviews.high - over_reviews.value:.2f} over reviews"
    )
    print(f"    over seeds: ± {over_seeds:.2f} for the mean, ± {next_run:.2f} for the next run")

# %% tags=["check:leads-in-pairs"]
# checked: leads over TF-IDF and NBSVM, with all three intervals; McNemar's p against NBSVM seed by seed
from scipy import stats

assert abs(stats.t.ppf(0.975, 2) - 4.30) < 0.01 and len(mini) == 3
assert np.allclose(each, [0.41, 0.39, 0.77], atol=0.006) and abs(over_reviews.high - over_reviews.value - 0.33) < 0.006
assert over_reviews.low > 0 and 0 < over_seeds - each.mean() < 0.02 and abs(over_seeds - 0.53) < 0.01
assert abs(next_run - 1.06) < 0.006 and abs(next_run - 2 * over_seeds) < 1e-9 and abs((0.33**2 + 0.53**2) ** 0.5 - 0.62) < 0.005
against = [mcnemar(labels, unpack_probabilities(run["positive"]) > 0.5, nbsvm == labels)[2] for run in runs_of(MINI)]
assert [round(one, 3) for one in against[:2]] == [0.028, 0.036] and against[2] < 1e-4
lead_tfidf = mini.mean(axis=1) - tfidf.mean()
assert abs(lead_tfidf.mean() - 0.0132) < 1e-4 and 100 * lead_tfidf.mean() > next_run

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## mini's lead: two kinds of error
#
# | mini's lead over | mean of 3 seeds | over reviews | over seeds | next run |
# | --- | --- | --- | --- | --- |
# | TF-IDF | +1.32 | ± 0.34 | ± 0.53 | ± 1.06 |
# | NBSVM | +0.53 | ± 0.33 | ± 0.53 | ± 1.06 |
#
# Ahead of NBSVM in all three runs, by 0.41, 0.39 and 0.77 points. Will the fourth be?

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Back to the votes of the second slide. Each seed is ahead of NBSVM with p below 0.05. But would a fourth be? The interval of the mean over seeds just reaches zero, that of the next run goes well below. What would you write in a report? "Ahead in all three runs, by 0.4 to 0.8 points".

# %% [markdown]
# Over TF-IDF: ahead, whichever interval you take. Over NBSVM: each seed is ahead with p below 0.05 (0.028, 0.036, and below 0.0001). But p speaks of other reviews, not of other runs. Over seeds the interval of the *mean* is 0.53 ± 0.53: it just reaches zero. A single next run scatters more, and its **prediction interval** is twice as wide with three seeds: 0.53 ± 1.06. (For the mean, both errors together, as the root of the sum of their squares: about ± 0.62.) A fair report: *ahead in all three runs, by 0.4 to 0.8 points; whether the next run will be, three runs do not settle.*
#
# ## 4. On which reviews?
#
# Where does the lead over TF-IDF come from? Of each review a few traits are stored: its length in tokens, whether it holds a negation (*not, never, nothing* ...) or a contrast (*but, although* ...), and how many stars its author gave. A part of the reviews that share a trait is called a **slice**. mini reads at most 256 tokens. On which lengths is it ahead, and by how much on the longest?

# %%
GROUPS = {"length": ["1 to 128 tokens", "129 to 256 tokens", "257 to 512 tokens", "over 512 tokens"]}
GROUPS["wording"] = ["with negation", "without negation", "with contrast", "without contrast"]
GROUPS["stars"] = [f"rated {stars}" for stars in (1, 2, 3, 4, 7, 8, 9, 10)]
traits = {name: unpack_flags(text, 25_000) for name, text in stored["slices"].items()}
lead = mini.mean(axis=0) - tfidf  # for each review: the mean of three runs, minus TF-IDF
leads = slices(lead, traits)

# %%
guess = None  # points ahead of TF-IDF, over 512 tokens

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Where is mini ahead of TF-IDF?

# %% slideshow={"slide_type": "-"}
shown = {}
for group in ("length", "wording"):
    shown[group] = {f"{name} ({traits[name].sum():,})": [leads[name]] for name in GROUPS[group]}
longest = leads["over 512 tokens"]
figure = estimate_chart(shown, "points ahead of TF-IDF, in pairs, with the 95 % interval", marks={"no lead": 0})
told = "" if guess is None else f"your guess: {guess}"
print(f"over 512 tokens: {100 * longest.value:+.1f} ± {100 * (longest.high - longest.value):.1f}  ", told)

# %% tags=["check:slices"]
# checked: leads by length, wording and stars, as the text tells them; the drawing's numbers
points = {name: (round(100 * one.value, 1), round(100 * (one.high - one.value), 1)) for name, one in leads.items()}
assert points["read whole"] == (2.2, 0.4) and points["257 to 512 tokens"] == (0.7, 0.7)
assert points["over 512 tokens"] == (-1.3, 1.1) and len(leads) == len(traits) == 18
assert abs(points["with negation"][0] - points["without negation"][0]) < 0.5 and traits["with negation"].mean() > 0.89
assert abs(points["with contrast"][0] - points["without contrast"][0]) < 0.5 and traits["with contrast"].mean() > 0.83
assert abs(leads["rated 4"].value - 0.0315) < 1e-3 and abs(leads["rated 7"].value - 0.0435) < 1e-3
assert {"rated 4", "rated 7"} == {name for name in GROUPS["stars"] if points[name][0] > 3}
assert not {"rated 5", "rated 6"} & traits.keys() and sum(map(len, GROUPS.values())) == 16
long = [slices(one.astype(float) - tfidf, traits)["over 512 tokens"] for one in mini]
assert [one.high < 0 for one in long] == [False, True, False] and max(one.value for one in long) < 0
shares = [traits["read whole"][traits[name]].mean() for name in ("without negation", "with negation")]
assert np.allclose(shares, [0.88, 0.54], atol=0.005)
against_nbsvm = 100 * np.array(slices(mini.mean(axis=0) - nbsvm, traits)["over 512 tokens"])
assert np.allclose(against_nbsvm, [-1.72, -2.82, -0.62], atol=0.02)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Ask for one sentence about each panel. Length: ahead where it reads everything, behind where most is cut. Wording: nothing to see.

# %% [markdown]
# **Length:** on reviews that mini reads whole, up to 256 tokens, it leads by 2.2 ± 0.4 points. From 257 to 512 hardly, 0.7 ± 0.7. Over 512 tokens the mean of three runs *trails*, by 1.3 ± 1.1, and NBSVM by 1.7 ± 1.1. (The intervals of seeds 0 and 2 alone include zero.) So the lead is earned where mini sees all of a review. (Long reviews may differ otherwise, too.)
#
# **Wording:** no visible difference. But nearly nine of ten reviews hold a negation, and the others are shorter: mini reads 88 % of them whole, against 54 %.
#
# **Stars** need a closer look, because all reviews of one star count belong to *one class*. A run that names more reviews positive gains on 7 to 10 and loses on 1 to 4. So here is every seed:

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## By stars, seed by seed

# %% slideshow={"slide_type": "-"}
positive = np.array([unpack_probabilities(run["positive"]) for run in runs_of(MINI)])
by_seed = [slices(one.astype(float) - tfidf, traits) for one in mini]
chart = {f"{name} ({traits[name].sum():,})": [one[name] for one in by_seed] for name in GROUPS["stars"]}
figure = estimate_chart({"stars": chart}, "points ahead of TF-IDF, in pairs; a dot is a seed", marks={"no lead": 0})
print("named positive, seed by seed:", *(f"{share:.1%}" for share in (positive > 0.5).mean(axis=1)))

# %% tags=["check:stars-by-seed"]
# checked: seed 1 names more positive, gains on 7 and loses on 3 and 4, beside the other two
assert (positive[1] > 0.5).mean() > 0.51 > 0.5 > max((positive[seed] > 0.5).mean() for seed in (0, 2))
assert all(by_seed[1][name].value > max(by_seed[seed][name].value for seed in (0, 2)) for name in ("rated 7", "rated 8"))
assert all(by_seed[1][name].value < min(by_seed[seed][name].value for seed in (0, 2)) for name in ("rated 3", "rated 4"))
assert 0.55 < 1 - 0.95**16 < 0.57

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The middle dot of each row is seed 1. What does it do from four stars to seven? It names more reviews positive, and all reviews with seven stars are.

# %% [markdown]
# At the lukewarm four and seven stars mini leads most, on average by about 3 and 4 points. But seed 1, the middle dot, names 51.6 % positive, and its lead moves from four stars to seven. The mean hides that.
#
# We looked at 16 slices. Were mini and TF-IDF equally good everywhere, and the slices independent, one or more of 16 intervals would still miss zero with a probability of 56 % (1 − 0.95¹⁶). So confirm on *other* reviews a slice that you found by looking.
#
# ### What is the rest of a review worth?
#
# What if mini reads more? We compare with the mini that reads the first 256 tokens, run by run. Reviews of up to 256 tokens are the control: there all read the same.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## What is the rest of a review worth?

# %% slideshow={"slide_type": "-"}
LENGTHS = {"read whole": "up to 256 tokens", "257 to 512 tokens": "257 to 512", "over 512 tokens": "over 512"}
gains = {}
for name, row in {"first 512 instead of first 256": "mini-512", "both ends instead of first 256": MINI}.items():
    each = [slices(one.astype(float) - other, traits) for one, other in zip(right(row), right("mini-256"), strict=True)]
    gains[name] = {said: [seed[part] for seed in each] for part, said in LENGTHS.items()}
figure = estimate_chart(gains, "points gained, in pairs; a dot is a seed", marks={"no gain": 0})
both_ends = [100 * one.value for one in gains["both ends instead of first 256"]["over 512"]]
print("both ends, over 512 tokens:", *(f"{one:+.1f}" for one in both_ends))

# %% tags=["check:rest-of-a-review"]
# checked: both gain on long reviews with every seed; on the control five of six runs are not above zero, and none clearly
control = [one for rows in gains.values() for one in rows["up to 256 tokens"]]
assert all(one.low > 0.01 for rows in gains.values() for said in ("257 to 512", "over 512") for one in rows[said])
assert max(one.value for one in control) < 0.002 and sum(one.value < 0 for one in control) == 5
assert sum(one.high < 0 for one in control) == 3 and min(one.value for one in control) > -0.0135
assert [round(one, 1) for one in both_ends] == [5.3, 5.7, 6.2]
over, middle = ([100 * one.value for rows in gains.values() for one in rows[said]] for said in ("over 512", "257 to 512"))
assert [round(one, 1) for one in over] == [5.8, 6.4, 4.6, 5.3, 5.7, 6.2] and (min(middle) > 2.1, max(middle) < 4.05) == (
    True,
    True,
)
assert [at for at, one in enumerate(control) if one.high < 0] == [0, 2, 3]  # seeds 0, 2 (the stumbled run) and 0
on_whole = [right(row)[:, traits["read whole"]].mean(axis=1) for row in ("mini-256", "mini-512", MINI)]
assert on_whole[0][0] == np.max(on_whole) and stored["max_length"] == 256
assert [round(100 * one.value, 1) for one in gains["first 512 instead of first 256"]["257 to 512"]] == [4.0, 4.0, 2.6]

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Which rows are the control? On them all read the same, and still the seeds scatter. Point at the lowest dot of the control: that is the run that stumbled.

# %% [markdown]
# 4.6 to 6.4 points on the longest reviews, whichever way mini reads more. On the control five of six dots lie below zero, three of them with their intervals, although all runs read the same there. One is the run that stumbled. The other two share seed 0 and one opponent, the best of all runs there. But the runs *learned* from different input: a small price of learning from more is possible.
#
# ## 5. What does each choice buy?
#
# The same for whole trainings, on all test reviews. How much accuracy do we lose if mini starts from random numbers instead of its pre-trained parameters?

# %%
PAIRS = {"one thing changed": {"512 tokens, not 256": ("mini-512", "mini-256"), "both ends, not the first": (MINI, "mini-256")}}
PAIRS["one thing changed"]["128 tokens, not 256"] = ("mini-128", "mini-256")
PAIRS["another model"] = {"MiniLM, not mini; both ends": ("minilm-256-head+tail", MINI)}
PAIRS["another model"]["MiniLM, not mini; 512"] = ("minilm-512", "mini-512")
PAIRS["controls that nobody tuned"] = {"random start": ("mini-random", MINI), "frozen encoder": ("mini-frozen", MINI)}
PAIRS["other readers, random start"] = {"GPT-style, not mini": ("gpt-random", "mini-random")}
PAIRS["other readers, random start"]["ELMo-style, not mini"] = ("elmo-random", "mini-random")

# %%
guess = None  # points

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## What does each choice buy?

# %% slideshow={"slide_type": "-"}
bought = {}
for group, pairs in PAIRS.items():
    for name, rows in pairs.items():
        seeds = zip(*(right(row).astype(float) for row in rows), strict=True)
        bought.setdefault(group, {})[name] = [mean_interval(one - other) for one, other in seeds]
figure = estimate_chart(bought, "points gained or lost, in pairs; a dot is a seed", marks={"no change": 0})
lost = [100 * one.value for one in bought["controls that nobody tuned"]["random start"]]
print("random start:", *(f"{one:+.1f}" for one in lost), "" if guess is None else f"  your guess: {guess}")

# %% tags=["check:choices"]
# checked: what was changed, by the records; in four rows one of three pairs ran on two machines
split = {
    rows: sum(one != other for one, other in zip(*map(machines, rows), strict=True))
    for one in PAIRS.values()
    for rows in one.values()
}
assert set(list(split.values())[3:7]) == {1} and set([*list(split.values())[:3], *list(split.values())[7:]]) == {0}
changed = {}
for rows in (rows for pairs in PAIRS.values() for rows in pairs.values()):
    ours, theirs = (runs_of(row)[0] for row in rows)
    changed[rows[0]] = {key for key, value in ours["config"].items() if value != theirs["config"].get(key)}
    changed[rows[0]] |= {key for key in ("random_init",) if ours[key] != theirs[key]}
assert [changed[row] for row in ("mini-512", MINI, "mini-128")] == [{"max_length"}, {"truncation"}, {"max_length"}]
assert changed["mini-frozen"] == {"learning_rate", "frozen"} and changed["mini-random"] == {"random_init"}
assert changed["minilm-512"] == changed["gpt-random"] == set() and changed["elmo-random"] == {"learning_rate"}

# %% tags=["check:bought"]
# checked: what each choice bought
value = {name: [round(100 * one.value, 1) for one in found] for rows in bought.values() for name, found in rows.items()}
assert value["random start"] == [-4.5, -4.5, -5.5] and value["frozen encoder"] == [-7.8, -7.9, -8.2]
assert value["ELMo-style, not mini"] == [2.2, 1.7, -10.0] and min(value["GPT-style, not mini"]) > -0.8
best = right("mini-imdb").mean(axis=1)[:2] - mini.mean(axis=1)[:2]
assert np.allclose(best, [0.0054, 0.0060], atol=1e-4)
assert abs(runs_of("elmo-random")[2]["history"][0]["accuracy"] - 0.5) < 0.01 and max(value["GPT-style, not mini"]) <= 0
assert min(value["MiniLM, not mini; both ends"]) == 0.5 and value["MiniLM, not mini; 512"] == [-0.1, 0.3, 1.5]
assert (max(value["128 tokens, not 256"]), min(value["128 tokens, not 256"])) == (-3.9, -5.1)
assert min(value["both ends, not the first"]) == 0.8

# %% [markdown] slideshow={"slide_type": "notes"}
# **4 minutes.** One panel at a time. Which rows are the same for every seed? What would tuning do to the third? Nobody looked for the best learning rate of a frozen encoder or of a random start, so tuned ones would probably lose less. The dot far to the left: an LSTM that still guessed after one epoch.

# %% [markdown]
# - **Reading less or more** matters with every seed: 128 tokens cost 3.9 to 5.1 points. Here one thing was changed. (In the two middle panels, one pair of each row ran on two machines.)
# - **MiniLM** is what mini was cut from: it has more word pieces, but was not trained further on film reviews (page 06). With both ends it is ahead by 0.5 to 0.8. At 512 tokens two seeds are about level; the 1.5 is against the run that stumbled.
# - **Random start:** 4.5 to 5.5 points lost. **Frozen encoder** (only a new layer learns, with a learning rate of its own): 7.8 to 8.2. Nobody tuned these two; a better learning rate or more epochs would narrow the gap. Nor is mini at its best: against mini by LoRA both lose half a point more. So the gaps probably overstate what pre-training, and fine-tuning all layers, buy, but they are no bounds.
# - **GPT-style**, reading from left to right only, is behind a mini of random start by 0.0 to 0.7 points.
# - **ELMo-style:** +2.2, +1.7 and −10.0. After an epoch the third still guessed, with 50 % on validation. An average would describe none of the three. Its learning rate was ten times mini's, too.
#
# ## 6. Does it know when it is wrong?
#
# A classifier also says *how sure* it is: the probability of the class that it names, its **confidence**. Of 1,000 answers at 90 %, about 900 should be right. Then it is **calibrated**.
#
# ![1,000 answers, each 90 % sure: 900 right is calibrated, 700 right is overconfident, all right is underconfident](figures/11_ninety.svg)
#
# mini, seed 0, is right on 91.8 %. How sure is it, on average?

# %%
guess = None  # a percentage

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![1,000 answers, each 90 % sure: 900 right is calibrated, 700 right is overconfident, all right is underconfident](figures/11_ninety.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Made-up numbers. mini is right on 91.8 % of the test reviews. How sure is it on average? Vote: less than 92 %, about 92 %, more?

# %%
from bertnotes.evaluation import best_temperature, calibration_error, probabilities_of, reliability

chances = {f"mini, seed {seed}": np.stack([1 - positive[seed], positive[seed]], axis=1) for seed in range(3)}
counted = unpack_probabilities(runs_of("tfidf")[0]["positive"])
chances["TF-IDF"] = np.stack([1 - counted, counted], axis=1)
for name, probabilities in chances.items():
    sure, correct = probabilities.max(axis=1).mean(), (probabilities.argmax(axis=1) == labels).mean()
    print(f"{name:13} {sure:.1%} sure, {correct:.1%} correct, calibration error {calibration_error(labels, probabilities):.3f}")
print("your guess for mini, seed 0:", guess)

# %% tags=["check:calibration"]
# checked: how sure and how right; the calibration error of each; the drawing's numbers
errors = {name: calibration_error(labels, probabilities) for name, probabilities in chances.items()}
assert [round(error, 3) for error in errors.values()] == [0.045, 0.016, 0.047, 0.041]
assert abs(chances["mini, seed 0"].max(axis=1).mean() - 0.963) < 5e-4 and abs(counted.mean() - 0.5) < 0.02
assert abs(mini[0].mean() - 0.918) < 5e-4
assert chances["TF-IDF"].max(axis=1).mean() < tfidf.mean() - 0.04

# %% [markdown]
# 96.3 %: **overconfident**. TF-IDF, with a logistic regression, is **underconfident**. The **expected calibration error** (ECE) says by how much: sort the answers into ten bins by confidence, take in each bin the distance between mean confidence and accuracy, and average over answers. (With two classes, five bins stay empty: the confidence is at least 50 %.) A picture shows more:

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## As sure as right?

# %% slideshow={"slide_type": "-"}
from bertnotes.pictures.charts import reliability_chart

tables = {name: reliability(labels, chances[name]) for name in ("mini, seed 0", "mini, seed 1", "TF-IDF")}
figure = reliability_chart(tables)

# %% tags=["check:reliability"]
# checked: how many answers lie in the last bin, how right the others are; which epoch each seed kept
zero, one, tf = tables.values()
assert abs(zero["count"][9] / 25_000 - 0.90) < 0.005 and abs(one["count"][9] / 25_000 - 0.81) < 0.005
assert abs(zero["accuracy"][8] - 0.66) < 0.005 and abs(zero["confidence"][8] - 0.86) < 0.005 and tf["accuracy"][8] > 0.92
assert abs(zero["accuracy"][9] - 0.952) < 5e-4 and abs(zero["confidence"][9] - 0.989) < 5e-4
kept = [max(run["history"], key=lambda entry: entry["accuracy"]) for run in runs_of(MINI)]
assert zero["count"][9] / 25_000 * (zero["confidence"][9] - zero["accuracy"][9]) > 0.7 * errors["mini, seed 0"]
assert [entry["epoch"] for entry in kept] == [2, 1, 2]
for run, entry in zip(runs_of(MINI), kept, strict=True):
    held = unpack_probabilities(run["validation_positive"])
    truth = unpack_flags(run["validation_labels"], len(held))
    assert abs(((held > 0.5) == truth).mean() - entry["accuracy"]) < 1e-3

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Points under the diagonal are too sure, points above not sure enough. Then the bars: nine of ten answers of seed 0 lie in the last bin. So the eye-catching points in the middle stand for few answers. Where does most of the error of 0.045 come from? From 0.99 sure and 0.95 right, in the last bin.

# %% [markdown]
# Above, a point is a bin: under the diagonal means too sure. When mini, seed 0, says about 86 %, it is right in 66 %. But look at the bars below: 90 % of its answers lie in the last bin. There it is 98.9 % sure and 95.2 % right, and with so many answers this bin alone makes most of the error.
#
# One thing is odd: seed 1 is nearly calibrated. The epoch is chosen on validation, and seed 1 kept the weights of its *first* epoch, the others those of the second. Perhaps a second time through the same reviews makes mini too sure. (Three runs do not prove it.)
#
# **Temperature scaling** (Guo et al. 2017) is the simplest remedy: divide the logits by one number, the **temperature** $T$, before the softmax. Above 1 makes everything softer (page 01). No verdict changes.
#
# **Play with it.** These are the 2,008 *validation* reviews of seed 0. At which temperature do the points meet the diagonal? Where is the loss lowest?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Divide the logits by a temperature

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

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Drag to 3: now it is not sure enough. Press *least loss*. Does any verdict change? No. Why choose on validation and not on test? Because a temperature, too, can be overfitted, if only a little.

# %% [markdown]
# We take the temperature with the lowest *validation* loss and use it on the test reviews.

# %%
scaled = {}
for seed, run in enumerate(runs_of(MINI)):
    held = unpack_probabilities(run["validation_positive"])
    truth = unpack_flags(run["validation_labels"], len(held)).astype(int)
    temperature = best_temperature(truth, np.log(np.stack([1 - held, held], axis=1)))  # chosen on validation
    scaled[seed] = probabilities_of(np.log(chances[f"mini, seed {seed}"]), temperature)
    before, after = (calibration_error(labels, found) for found in (chances[f"mini, seed {seed}"], scaled[seed]))
    print(f"seed {seed}: temperature {temperature:.2f}, calibration error on test {before:.3f} -> {after:.3f}")

# %% tags=["check:best-temperature"]
# checked: no verdict changes, and the error on test falls to less than a half
after = [calibration_error(labels, found) for found in scaled.values()]
assert [round(error, 3) for error in after] == [0.014, 0.005, 0.018]
assert all((found.argmax(axis=1) == (positive[seed] > 0.5)).all() for seed, found in scaled.items())
assert all(error < errors[f"mini, seed {seed}"] / 2 for seed, error in enumerate(after)) and 1.41 < temperature < 1.44

# %% [markdown]
# From 0.045 to 0.014, with one number and no verdict changed. (The logarithms of probabilities serve as logits: they differ by a constant in each row, which softmax does not see.)
#
# ## 7. Errors that may be shown
#
# IMDB's reviews may not be shown, ours may. `mini-imdb`, the delta that comes with the course, learned from IMDB and then judged 968 reviews that were written for this course. 551 are *plain*; the others are marked with what makes them hard: a *turn* at the end, a *concession*, *irony* ... How many of its ten surest errors are plain ones?

# %%
guess = None  # of ten

# %%
from bertnotes.data import FIRST_REVIEWS, LABELS, read_reviews

own = json.loads((RESULTS / "verdicts-on-reviews.json").read_text(encoding="utf-8"))
frame = read_reviews(FIRST_REVIEWS, ("review", "sentiment", "note")).replace({"note": {"": "plain"}})
named_positive = unpack_probabilities(own["positive"])
frame["sure"] = np.maximum(named_positive, 1 - named_positive)
frame["correct"] = (named_positive > 0.5) == (frame["sentiment"] == LABELS[1])
surest = frame[~frame["correct"]].nlargest(10, "sure")
print(surest["note"].value_counts().to_string(), "\nyour guess for plain:", guess)
print(f"\n{surest['sure'].iloc[5]:.1%} sure, but {surest['sentiment'].iloc[5]}: {surest['review'].iloc[5]}")

# %% tags=["check:surest-errors"]
# checked: the verdicts are of these reviews; the ten surest errors
from bertnotes.files import hash_of

assert own["data"] == hash_of(FIRST_REVIEWS) and len(frame) == 968 and (frame["note"] == "plain").sum() == 551
assert "plain" not in set(surest["note"]) and surest["sure"].min() > 0.99
from scipy.stats import hypergeom

missed = frame.loc[~frame["correct"], "note"] == "plain"
assert (missed.sum(), len(missed)) == (66, 355) and abs(hypergeom.pmf(0, 355, 66, 10) - 0.12) < 0.005
assert own["run"] == "imdb-mini-imdb-seed0.json" and surest["note"].iloc[5] == "turn"

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## On the course's own reviews, by kind

# %% slideshow={"slide_type": "-"}
kinds = frame.groupby("note")["correct"].agg(["sum", "count"]).assign(share=lambda one: one["sum"] / one["count"])
kinds = kinds.sort_values("share", ascending=False)
chart = {f"{name} ({row['count']:.0f})": [wilson_interval(row["sum"], row["count"])] for name, row in kinds.iterrows()}
figure = estimate_chart({"": chart}, "correct in %, with the 95 % interval", "mini-imdb, by kind of review", {"coin": 0.5})

# %% tags=["check:kinds-of-reviews"]
# checked: accuracy by kind
assert kinds.index[0] == "plain" and abs(kinds["share"]["plain"] - 0.88) < 0.002 and abs(frame["correct"].mean() - 0.633) < 1e-3
below = {name for name, row in kinds.iterrows() if wilson_interval(row["sum"], row["count"]).high < 0.5}
assert below == {"turn", "concession", "implied", "irony"} and kinds["share"]["concession"] < 0.07

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Which kinds are worse than a coin? What do they have in common? The words lean one way, the verdict the other. (They were written to be hard.) Read one of the ten aloud from the notebook.

# %% [markdown]
# None of the ten is plain. That alone proves little: only 66 of its 355 errors are, so ten picked blindly would hold none in 12 % of cases. On plain reviews mini-imdb is right on 88 %. On *turn*, *concession*, *irony* and *implied* it is worse than a coin: there the words lean one way and the verdict the other, or no word gives the verdict. How many of 968 it gets wrong says how many hard ones we wrote.
#
# Is it as sure of them as it should be, compared with IMDB? And are its surer verdicts at least the better ones? We split each group anew into a surer and a less sure half.

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
# checked: calibration errors of mini-imdb on IMDB, on plain reviews and on marked ones; the sketch is Simpson's paradox
gaps = {"IMDB": (labels, imdb)}
for name, part in {"plain": plain, "marked": ~plain}.items():
    gaps[name] = ((frame["sentiment"] == LABELS[1])[part].to_numpy(), named_positive[part.to_numpy()])
gaps = {name: calibration_error(truth, np.stack([1 - one, one], axis=1)) for name, (truth, one) in gaps.items()}
assert {name: round(gap, 2) for name, gap in gaps.items()} == {"IMDB": 0.03, "plain": 0.03, "marked": 0.51}
from bertnotes.pictures.drawings.page11 import SKETCH

(a, b), (c, d), (low, high) = SKETCH.values()
assert b < a and d < c and low < high  # Simpson's paradox: down, down, together up

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Left, ours: plain reviews rise from 77 to 99 %, marked fall from 41 to 21 %, all rise from 54 to 73 %, an interaction. Right, a sketch of Simpson's paradox: both groups fall, all together rise](figures/11_interaction.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Left: what sureness means depends on the kind of review. Right: in Simpson's paradox both groups would go down, and all together up. Ask for the difference in one sentence.

# %% [markdown]
# ![Left, ours: plain reviews rise from 77 to 99 %, marked fall from 41 to 21 %, all rise from 54 to 73 %, an interaction. Right, a sketch of Simpson's paradox: both groups fall, all together rise](figures/11_interaction.svg)
#
# On plain reviews, yes: 77 % against 99 %. On marked ones it is the other way round: the surer, the more often wrong. This is an **interaction**: what sureness is worth depends on the kind of review. (It is not *Simpson's paradox*. There, *all* groups go one way and the whole goes the other.)
#
# On IMDB it is 95 % sure and 92 % right, on plain reviews 89 and 88: a calibration error of 0.03 on both. On the marked ones it is 82 % sure and 31 % right, an error of 0.51. So calibration carried over to our plain reviews, but not to those written to be hard.
#
# ## 8. How many labels does it take?
#
# mini and TF-IDF learned from the same 200, 800, 3,200 and 23,000 reviews, three seeds each. With 23,000, mini leads by 1.4 points. And with 200?

# %%
guess = None  # points

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Fewer labels

# %% slideshow={"slide_type": "-"}
SIZES = {200: "mini-250", 800: "mini-1000", 3_200: "mini-4000", 23_000: MINI}
scores = {"mini": [], "TF-IDF": []}
print("mini's lead, seed by seed", "" if guess is None else f"  your guess for 200: {guess}")
for size, row in SIZES.items():
    for name, key in {"mini": "accuracy", "TF-IDF": "tfidf_accuracy"}.items():
        scores[name].append(np.array([100 * run[key] for run in runs_of(row)]))
    print(f"{size:6,} reviews:", *(scores["mini"][-1] - scores["TF-IDF"][-1]).round(1).tolist())
means = {name: np.mean(found, axis=1) for name, found in scores.items()}
bands = {name: (np.min(found, axis=1), np.max(found, axis=1)) for name, found in scores.items()}
ax = line_chart(list(SIZES), means, "reviews to learn from", "correct on test, in %; shaded: all seeds", bands=bands)

# %% tags=["check:fewer-labels"]
# checked: mini's lead by number of reviews, seed by seed; how each was trained
ahead = np.array(scores["mini"]) - np.array(scores["TF-IDF"])
assert ahead[0].round(1).tolist() == [2.9, 5.5, 8.1] and ahead.mean(axis=1).round(1).tolist() == [5.5, 2.6, 2.0, 1.4]
saved = ahead.mean(axis=1) / (100 - np.mean(scores["TF-IDF"], axis=1))
assert all(0.145 < share < 0.165 for share in saved[1:]) and np.ptp(ahead[1:], axis=1).max() < 1 and ahead.min() > 1
for size, row in SIZES.items():
    assert all(abs(run["train_reviews"] - size) < 12 for run in runs_of(row))
held = [len(unpack_probabilities(runs_of(row)[0]["validation_positive"])) for row in SIZES.values()]
assert held == [50, 200, 801, 2008] and [runs_of(row)[0]["config"]["epochs"] for row in SIZES.values()] == [8, 5, 3, 2]

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The fewer labels, the larger the lead, and the wider the band: with 200 reviews three seeds lead by 2.9, 5.5 and 8.1. Which single number would you have reported?

# %% [markdown]
# 5.5 points on average, and the seeds say 2.9, 5.5 and 8.1: with 200 reviews one run tells little. From 800 on, the seeds agree to within a point, and the lead shrinks from 2.6 to 1.4 points. (TF-IDF errs less there, too: the lead is 15 to 16 % of its errors each time.) Smaller sets got more epochs (8, 5, 3 and 2), and mini also used labels for validation (50 to 2,000) that TF-IDF never saw.
#
# ## 9. What may you say?
#
# | you have | you may say | you may not say |
# | --- | --- | --- |
# | one score, its interval | on all reviews like these it is near that | another run would be |
# | three seeds | so far apart they were | the fourth will be in between |
# | McNemar's p | on such reviews, these two *runs* differ | this method is better |
# | no significant difference | these reviews do not show one | they are equally good |
# | a slice, found by looking | look there again, with other reviews | it is better there |
# | an untuned control | so large was the gap | the choice buys so much |
# | a calibration error on IMDB | so far off it is on IMDB | 90 % means 90 % on my texts |

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## What may you say?
#
# | you have | you may say | not |
# | --- | --- | --- |
# | a score, an interval | all such reviews: near it | another run: near it |
# | three seeds | so far apart | the fourth between |
# | McNemar's p | these *runs* differ | the method wins |
# | a slice, by looking | look again | better there |
# | an untuned control | so large a gap | it buys so much |
# | calibration, IMDB | so far off there | so on my texts |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** For each line let someone give an example from today.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A score has two errors: other reviews, and another run. An interval over reviews knows nothing of seeds. Show every seed.
# - Compare two systems on the same reviews in pairs: only those count on which just one is right.
# - Ask where: slices, decided before looking. Ask of each control what else differed, and who tuned it.
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
# Work in the copy of the [exercises](exercises/11.ipynb) in `notebooks/my`. The first is for paper, the others are functions of two to six lines.

# %% tags=["exercises"]
import torch
from torch.nn.functional import cross_entropy

from bertnotes.exercises import check, hint, solution  # noqa: F401

# %% [markdown] tags=["exercise:twenty_slices"]
# ### Twenty slices · ● · 5 minutes
#
# Two systems are equally good on every kind of review. You look at twenty slices that have no reviews in common, each with a 95 % interval of the difference. What is the probability that **at least one** of these intervals misses zero? Two digits after the point.

# %% [markdown] tags=["hint:twenty_slices"]
# One interval misses zero with probability 0.05. With which does it not?

# %% [markdown] tags=["hint:twenty_slices"]
# That none of twenty misses it: $0.95^{20}$.

# %% [markdown] tags=["hint:twenty_slices"]
# At least one is everything but none: $1 - 0.95^{20}$.

# %% tags=["exercise:twenty_slices"]
# solution
answer = 1 - 0.95**20
# instead:
# answer = None  # your number
# end of solution

check("twenty_slices", answer)

# %% [markdown] tags=["reason:twenty_slices"]
# $1 - 0.95^{20} = 0.64$. In two cases of three, some slice looks different though nothing is. So decide which slices to look at before you look, and confirm what you find on other reviews.

# %% [markdown] tags=["exercise:mcnemar"]
# ### McNemar's test · ●● · 10 minutes
#
# `ours` and `theirs` are tensors of True and False, one for each review: who was right. Return three things: `b`, on how many only ours was right; `c`, on how many only theirs; and McNemar's statistic of 1947, $(b - c)^2 / (b + c)$. If both were equally good, it would be above 3.84 in 5 % of cases.

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
# `ours` and `theirs` as before. Return the lead, by how much the accuracy of ours is higher (a share, such as 0.012), and its standard error in pairs.

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
# ### Calibration error · ●●● · 12 minutes
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
# - Wilson (1927). *Probable Inference, the Law of Succession, and Statistical Inference.* Journal of the American Statistical Association 22
# - McNemar (1947). *Note on the Sampling Error of the Difference Between Correlated Proportions or Percentages.* Psychometrika 12
# - Dietterich (1998). *Approximate Statistical Tests for Comparing Supervised Classification Learning Algorithms.* Neural Computation 10(7)
# - Mosbach, Andriushchenko, Klakow (2020). *On the Stability of Fine-tuning BERT.* arXiv:2006.04884 (ICLR 2021)
# - Guo, Pleiss, Sun, Weinberger (2017). *On Calibration of Modern Neural Networks.* arXiv:1706.04599
# - Simpson (1951). *The Interpretation of Interaction in Contingency Tables.* Journal of the Royal Statistical Society B 13(2)
