# %% [markdown] question="Who may see whom, and what follows from it?"
# # 04 · ELMo, GPT, BERT: who may see whom
#
# **The question:** three famous models learn from plain text, and each gives a word a vector that depends on its sentence. Which words may
# each word see, and what follows from it?
#
# ![Arrows from words to outputs. ELMo: a chain to the right and a chain to the left, which meet only at the top. GPT: each word looks back. BERT: each word looks at all words](figures/04_panels.svg)
#
# On this page we build a small reader of each kind, measure who sees whom, train all on one small language, and give them an exam
# whose perfect score is known. Then we find out why BERT needs its hidden words.
#
# **You need:** notebooks 01 to 03. **Time:** about 44 minutes, and 44 more for the exercises. The training takes about a minute.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # ELMo, GPT, BERT
#
# Which words may each word see, and what follows from it?
#
# ![Arrows from words to outputs. ELMo: a chain to the right and a chain to the left, which meet only at the top. GPT: each word looks back. BERT: each word looks at all words](figures/04_panels.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Do not explain yet. Ask: which circles at the bottom reach the black circle at the top, and by which way? The next three slides take the
# panels one by one.
#
# The deck takes 40 minutes: 23 up to the join of two guesses, and another 17 for the leak and the ways out of it.

# %%
import torch

from bertnotes.pictures.charts import dependence_grid, score_chart
from bertnotes.pictures.play import play

# %% [markdown]
# ## 1. Three ways to read
#
# Follow the strong arrows from the bottom to the black circle, the output of *critic*. Slate brings what comes from the left (or from the
# word itself), magenta what comes from the right. We start with the oldest of the three, **ELMo** (Peters et al. 2018).
#
# ![ELMo lit: one chain carries a and critic to the right, another carries films, loves and critic to the left; the output of critic takes both](figures/04_panels_elmo.svg)
#
# ELMo has no attention. It is built of **LSTMs**: an LSTM reads word by word and carries a vector along, its memory of what came so far. One
# chain reads forwards, the other backwards. (We draw one layer each; ELMo has two.) Where do they meet?
# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## ELMo: two chains
#
# ![ELMo lit: one chain carries a and critic to the right, another carries films, loves and critic to the left; the output of critic takes both](figures/04_panels_elmo.svg)
# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Trace *films* to the output of *critic* with a finger, then *a*. Ask: where could something that knows both *a* and *films* be computed?
# Only above the black circle.
# %% [markdown]
# Only at the very top, where the two states are laid end to end. No part of ELMo's own computation has both sides before it. Devlin et al.
# (2019) call this a **shallow concatenation** of two language models that were trained apart. (Not wholly apart: the two share their word
# vectors and their last step, the softmax.) Whoever uses ELMo takes the vectors of all its layers, mixed by weights that are learned for the task,
# and trains another model on top.
#
# **GPT** (Radford et al. 2018) is a Transformer with page 01's causal mask: look at yourself and back, in every layer.
#
# ![GPT lit: in each of two layers critic takes from a and critic alone](figures/04_panels_gpt.svg)
# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## GPT: only back
#
# ![GPT lit: in each of two layers critic takes from a and critic alone](figures/04_panels_gpt.svg)
# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Ask for the mask of page 01 that belongs to it: the causal one. How many words does the output of *films* see? All four.
# %% [markdown]
# **BERT** (Devlin et al. 2019) is a Transformer without that mask: everyone looks at everyone, in every layer.
#
# ![BERT lit: in each of two layers critic takes from all four words](figures/04_panels_bert.svg)
#
# Here left and right meet already in the first layer, and what was found there can be used in the second. Hence its name,
# **B**idirectional **E**ncoder **R**epresentations from **T**ransformers. It seems that more sight can only help. But then, how do you *train* such a model? We will run into
# that wall in section 7.
# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## BERT: all, in every layer
#
# ![BERT lit: in each of two layers critic takes from all four words](figures/04_panels_bert.svg)
# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Left and right meet in the first layer. Ask: if everybody sees everything, what can you ask such a model in training that it cannot
# simply copy? Leave the question open.
# %% [markdown]
# GPT and BERT differ in more than the arrows. Before we compare anything, let us list it, and say what our small copies keep:
#
# | | GPT | BERT | here |
# | --- | --- | --- | --- |
# | may look | back | everywhere | the same difference |
# | is trained to | name the next word | name hidden words | the same difference |
# | second objective | none | do two sentences follow each other? | left out |
# | tokens | 40,000 merges of byte pairs | 30,000 word pieces | the same 20 words for all |
# | [CLS] and [SEP] | only in fine-tuning | from the start | from the start, for all |
# | text | 800 million words of books | the same and 2,500 million of Wikipedia | the same sentences for all |
#
# So two things differ between our GPT and our BERT: the direction and the objective. Section 5 will pull those two apart as well.
# %% [markdown]
# ## 2. A language that we know all about
#
# To judge readers we want an exam whose perfect score is known. For English nobody knows it. So we make up a language of 288 sentences
# like *a critic loves the films but an actor hates them*. There are six people, two verbs, *film* or *films*, and three rules:
#
# - **a / an** goes by the noun after it;
# - **it / them** goes by *film* or *films*, before it;
# - **and / but** goes by two words at once, one on each side: *and* if the two verbs are the same, *but* if they differ.
#
# People here love films three times as often as they hate them, so a sentence is written three times as often for each *loves* in it.
# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## A language that we know all about
#
# *a critic loves the films but an actor hates them*
#
# | blank | goes by |
# | --- | --- |
# | **a** / **an** | the noun after it |
# | **it** / **them** | *film* or *films*, before it |
# | **and** / **but** | both verbs: the same, or not |
#
# *loves* is three times as frequent as *hates*.
# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let the class fill three blanks: "___ actor loves ...", "... the films but a critic hates ___", "a critic hates the film ___ an artist hates it". Which of
# them could you fill from the left alone?
# %%
from bertnotes.tiny_language import TinyLanguage

language = TinyLanguage()
for row in (0, 19, 217):
    print(f"{language.decode(language.ids[row])}   (written {language.times[row]} times)")
print(
    f"to read: {len(language.reading):,}, in the exam: {len(language.exam):,} sentences, counted as often as they are written"
)

# %% tags=["check:tiny-language"]
# checked: the size of the language, its rules, and that no exam sentence is read
sentences = [language.decode(row).split() for row in language.ids.tolist()]
assert len({tuple(text) for text in sentences}) == 288 and len(language.words) == 20
assert all((text[5] == "and") == (text[2] == text[8]) and (text[9] == "it") == (text[4] == "film") for text in sentences)
assert all((text[0] == "an") == (text[1][0] in "aeiou") for text in sentences)
assert not {tuple(row) for row in language.reading.tolist()} & {tuple(row) for row in language.exam.tolist()}

# %% [markdown]
# Four of every nine sentences are set aside for the exam, drawn so that each kind has the same share there as in the language.
#
# How often can *anybody* name a hidden word? We know every sentence and how often it is written. So for each context we count which words
# stand there, and the best anyone can do is to say the most frequent one. Take **and / but**, seen from the left: there are
# contexts with *loves* and contexts with *hates*. What share can be right at best?

# %%
guess = None  # a share between 0 and 1

# %%
texts = [language.decode(row).split() for row in language.ids.tolist()]
counts = {"loves": {"and": 0, "but": 0}, "hates": {"and": 0, "but": 0}}
for text, times in zip(texts, language.times.tolist(), strict=True):
    counts[text[2]][text[5]] += times  # the first verb, the link
print(counts)
right = sum(max(links.values()) for links in counts.values())
total = sum(sum(links.values()) for links in counts.values())
print(f"best from the left: {right} of {total} = {right / total:.2f}    your guess: {guess}")

# %% [markdown]
# After *loves* it is best to say *and*, after *hates* to say *but*: both mean "the other one will love the film", and three in four do. Nobody who sees only the left can
# name more than 0.75 of the links, however clever. The same count for each blank, from the left and from both sides:

# %%
BLANKS = {"a / an": 1, "and / but": 6, "it / them": 10}  # the position of each; [CLS] is at 0
best = {name: {view: language.best_score(at, view) for view in ("left", "both")} for name, at in BLANKS.items()}
for name, scores in best.items():
    print(f"{name:10} best from the left {scores['left']:.2f}, from both sides {scores['both']:.2f}")

# %% tags=["check:best-scores"]
# checked: the best scores, and the count of and / but from the left
assert [list(scores.values()) for scores in best.values()] == [[0.5, 1.0], [0.75, 1.0], [1.0, 1.0]]
assert (
    right / total == 0.75
    and counts["loves"]["and"] > counts["loves"]["but"]
    and counts["hates"]["and"] < counts["hates"]["but"]
)
exam_hates = (language.exam[:, [3, 9]] == language.number["hates"]).all(dim=1)
assert exam_hates.double().mean() == 1 / 16

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The best possible score
#
# From the left, how often can anybody name the link, *and* or *but*?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | blank | from the left | from both sides |
# | --- | --- | --- |
# | a / an | 0.50 | 1.00 |
# | and / but | **0.75** | 1.00 |
# | it / them | 1.00 | 1.00 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Collect guesses for *and / but* first. After *loves* say *and*, after *hates* say *but*: right whenever the second person loves the film, three times in four.

# %% [markdown]
# *it / them* is decided on the left. *a / an* is a coin toss from the left, and certain once the noun is seen. *and / but* is certain only
# with both verbs. Three blanks, three kinds of sight: now we need readers.
#
# ## 3. Three readers
#
# They are in `bertnotes/readers.py`. GPT's and BERT's reader are two Transformer layers on the attention of page 01 (what else is
# in a layer: page 05). ELMo's is two LSTMs of two layers. All have nearly the same number of **parameters**, the numbers that are learned,
# so that no one wins by size.

# %%
from bertnotes.readers import BertReader, ElmoReader, GptReader

count, mask_id = len(language.words), language.number["[MASK]"]
MAKERS = {
    "ELMo": lambda: ElmoReader(count, hidden_size=32),
    "GPT": lambda: GptReader(count, hidden_size=32, max_length=12),
    "BERT": lambda: BertReader(count, mask_id, mask_rate=0.3, hidden_size=32, max_length=12),
}
for name, make in MAKERS.items():
    print(f"{name:5} {sum(parameter.numel() for parameter in make().parameters()):,} parameters")

# %% tags=["check:sizes"]
# checked: the readers have as many parameters, within a tenth
sizes = [sum(parameter.numel() for parameter in make().parameters()) for make in MAKERS.values()]
assert max(sizes) < 1.1 * min(sizes) and sizes[1] == sizes[2]

# %% [markdown]
# ## 4. Who sees whom, measured
#
# "GPT does not see the future" is a claim, and one can measure it. Change the vector of one word a tiny bit, and look at which outputs
# move, and how much. That is a **derivative**, and PyTorch works it out exactly, as it does in training. All pairs of output and input
# make a table, the **Jacobian**. (Each pair has many numbers, 32 times 32 here; we take the root of the sum of their squares, so that one number remains.)
#
# Where no path leads from an input to an output, the entry is 0: not small, but exactly 0. Our sentence has 12 tokens. In how many of
# the 144 cells of GPT's table will there be a 0?

# %%
guess = None  # a number of cells, of 144

# %%
from bertnotes.readers import who_sees_whom

torch.manual_seed(0)
readers = {name: make() for name, make in MAKERS.items()}  # not trained yet
sentence = language.encode("a critic loves the film but an actor hates it")[None]
seen = {name: who_sees_whom(reader.read, reader.embed(sentence)[0]) for name, reader in readers.items()}
print({name: int((table == 0).sum()) for name, table in seen.items()}, "cells are 0;   your guess for GPT:", guess)

# %% tags=["check:zeros"]
# checked: GPT's zeros are the cells above the diagonal, the others have none; a trained reader of each kind would have the same zeros
above = torch.ones(12, 12, dtype=torch.bool).triu(1)
assert torch.equal(seen["GPT"] == 0, above) and above.sum() == 66
assert (seen["BERT"] > 0).all() and (seen["ELMo"] > 0).all()

# %% [markdown]
# 66: half of the 132 cells off the diagonal. ELMo and BERT have none. That seems to make them equal, until we look at the two halves of
# ELMo's vectors, one from each chain.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Who depends on whom, by derivatives


# %% slideshow={"slide_type": "-"}
elmo, vectors = readers["ELMo"], readers["ELMo"].embed(sentence)[0]
forwards, backwards = (who_sees_whom(chain, vectors) for chain in (elmo.read_forwards, elmo.read_backwards))
tables = {"GPT": seen["GPT"], "ELMo, forwards": forwards, "ELMo, backwards": backwards, "BERT": seen["BERT"]}
picture = dependence_grid(tables, [language.words[index] for index in sentence[0]])

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Rows are outputs. Grey is exactly 0. Ask which two tables are mirror images; then: is there a row of either ELMo half without grey? Only the last, or the
# first. In GPT and BERT the diagonal is dark because each layer adds what it finds to the word's own vector. Say that the scale is logarithmic.

# %% tags=["check:halves"]
# checked: ELMo's halves have the zeros of GPT and their mirror image; the diagonal of GPT and BERT is the largest of its row
assert torch.equal(tables["ELMo, forwards"] == 0, above) and torch.equal(tables["ELMo, backwards"] == 0, above.T)
for name in ("GPT", "BERT"):
    shares = seen[name] / seen[name].amax(dim=1, keepdim=True)
    assert torch.equal(shares.diagonal(), torch.ones(12)) and shares[shares > 0].min() > 0.01
off = (seen["BERT"] / seen["BERT"].diagonal()[:, None])[~torch.eye(12, dtype=torch.bool)]
assert off.min() > 0.02 and off.max() < 0.1

# %% [markdown]
# How to read it: a row is an output, a column an input, grey is exactly 0. Each row is divided by its largest entry, and the scale is
# logarithmic: from one tick of the bar to the next it is ten times as much. GPT and ELMo's forward chain are grey to the right of the diagonal,
# the backward chain is its mirror image, and BERT has no grey at all.
#
# Why is the diagonal so dark in GPT and BERT? Each layer *adds* what attention found to the vector that a word already has (a **residual
# connection**, page 05). So in these untrained readers a word depends most on itself; in BERT on each other word about a twentieth as much. An LSTM has no such
# shortcut between its layers; its memory fades with distance.
#
# And ELMo: every cell is filled by one chain or the other, but **no chain knows both sides**.

# %% [markdown]
# ## 5. What may be seen decides what can be asked
#
# Each reader needs an **objective**, something to predict at many positions, whose cross-entropy is the loss (page 02).
#
# - **GPT** predicts the next word at every position. Of a text of 12 tokens it gets 11 answers.
# - **ELMo** does so twice: 11 next words, 11 previous words.
# - **BERT** sees every word. So some words are replaced by `[MASK]`, and it has to name those. (The real one does not always put `[MASK]` there: page 06.)
#
# In BERT's paper 15 % of the tokens are chosen. So per pass over a text BERT learns from 15 answers where GPT learns from 100; and hiding more would take away what
# the answers rest on. In the paper it does learn a little more slowly than the same model trained from left to right, but is soon the more accurate one (appendix C.1). On our short
# sentences we hide 30 %. How many of the ten words is that, on average?

# %%
guess = None  # answers per sentence, on average

# %%
print("GPT 11, ELMo 22, BERT", 0.3 * 10, "answers per sentence;   your guess for BERT:", guess)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## What may be seen decides what can be asked
#
# | | is trained to name | answers from 12 tokens |
# | --- | --- | --- |
# | GPT | the next word | 11 |
# | ELMo | the next word; the word before | 22 |
# | BERT, here | hidden words, 30 % of 10 | 3 |
#
# The real BERT chooses 15 % of its tokens.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** A trade-off: hide more words and there are more answers a pass, but less to find them by. Ask what would happen at 90 %.

# %% [markdown]
# Three to eleven: BERT gets the fewest answers from a sentence. Now we train. A step is that of page 02: the loss of a batch, its gradient, a small step against it (`train_reader` in
# `bertnotes/readers.py`, 15 lines). All read the same batches in the same order, as many steps, each kind three times from
# different random numbers (seeds).
#
# And we pull the two differences apart, with a fourth reader that is neither: **GPT's mask with BERT's objective**. It may only look back, but
# is trained on hidden words, as BERT is (once, with one seed). If the objective makes the difference, it should score like BERT. If the direction does, like GPT.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.readers import MaskedGptReader, train_reader

MAKERS["GPT's mask"] = lambda: MaskedGptReader(count, mask_id, mask_rate=0.3, hidden_size=32, max_length=12)
RATES, STEPS, SEEDS = {"ELMo": 1.5e-2}, 600, (0, 1, 2)  # the learning rate of the others is 0.01
trained = {}
for name, make in MAKERS.items():
    for seed in SEEDS if name != "GPT's mask" else (0,):
        torch.manual_seed(seed)
        trained[name, seed] = make()
        losses = train_reader(trained[name, seed], language.reading, STEPS, learning_rate=RATES.get(name, 1e-2), seed=seed)
    print(f"{name:10} loss {losses[0]:.1f} at first, {sum(losses[-20:]) / 20:.1f} at the end (last seed)")

# %% tags=["check:trained"]
# checked: the last reader, as all others, learned
assert sum(losses[-20:]) / 20 < 0.5 * losses[0] and len(trained) == 10

# %% [markdown]
# Do not compare these losses with each other: each is about another task. To name a hidden word between known neighbours is easier than
# to name the next one. The exam is the same for all.
#
# ## 6. The exam
#
# One word of each exam sentence is hidden, and the reader may use all it can see. ELMo then has two guesses, one from each chain. We join
# them by a **product**, $p(w \mid \text{left}) \cdot p(w \mid \text{right}) \, / \, p(w)$: both must find the word $w$ likely. Dividing by $p(w)$ keeps a frequent
# word from being counted twice. Which blank will separate ELMo from BERT?

# %%
guess = None  # "a / an", "and / but" or "it / them"


# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.readers import accuracy

scores = {blank: {name: [] for name in MAKERS} for blank in BLANKS}
for (name, _), reader in trained.items():
    for blank, position in BLANKS.items():
        scores[blank][name].append(accuracy(reader, language.exam, position))
for blank, rows in scores.items():
    print(f"{blank:10}", "  ".join(f"{name} {min(runs):.2f} to {max(runs):.2f}" for name, runs in rows.items()))
print("your guess:", guess)

# %% tags=["check:exam"]
# checked: who is how good at which blank, in each run
assert min(min(runs) for runs in scores["it / them"].values()) > 0.97
for name in ("GPT", "GPT's mask"):
    assert max(scores["a / an"][name]) <= 0.5 and min(scores["and / but"][name]) > 0.68
    assert max(scores["and / but"][name]) < 0.77
assert min(scores["a / an"]["ELMo"] + scores["a / an"]["BERT"]) > 0.97
assert min(scores["and / but"]["ELMo"]) > 0.9 and max(scores["and / but"]["ELMo"]) < 0.955
assert max(scores["and / but"]["BERT"]) > 0.97 and min(scores["and / but"]["BERT"]) > 0.9

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The exam: a mark for each run, dotted the best possible

# %% slideshow={"slide_type": "-"}
picture = score_chart(scores, {blank: both["both"] for blank, both in best.items()})

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Go blank by blank. *it / them*: all are perfect, only the left is needed. *a / an*: who only looks back tosses a coin. *and / but*: ask why ELMo stops at 0.94. The fourth
# column is the control: GPT's mask with BERT's objective scores like GPT.

# %% [markdown]
# Blank by blank (three runs are few, and *GPT's mask* has one; but they agree):
#
# - *it / them* needs only the left, and all are perfect. Who needs only the left loses nothing by looking only there.
# - *a / an* needs the right: readers that look back toss a coin. ELMo and BERT are perfect.
# - *and / but* needs both: those that look back reach 0.75, their best possible. ELMo stops at 0.94. BERT gets past it, to 1.00 in its best run. (It learns this blank last of the three: a run of it
#   that ends too early stands at 0.94, too.)
#
# *GPT's mask* scores like GPT, though it was trained on hidden words. So it is the direction that counts here, not the objective. The 0.94 of ELMo is stranger: each run has the same, though the best possible is 1. What holds it?

# %% [markdown]
# ### Two guesses, joined
#
# *a critic **hates** the film ___ an actor **hates** it.* Who sees one *hates* thinks that the other verb will be *loves*, so *but*, with
# probability 3/4. Both halves of ELMo think so. Now the product, where *and* is 5/8 of all links, $(3/4)^2 + (1/4)^2$:
#
# $$\text{and}: \frac{1/4 \cdot 1/4}{5/8} = 0.1 \qquad\qquad \text{but}: \frac{3/4 \cdot 3/4}{3/8} = 1.5$$
#
# It says *but*, with $1.5 / 1.6 = 0.94$, and it is wrong, in every such sentence. They are $1/4 \cdot 1/4 = 1/16$ of all, so the product gets $15/16 = 0.9375$. That is what ELMo
# scored.

# %% [markdown]
# Are the two guesses simply too poor? They are two words, one from each side. Suppose you may do with them what you like: you note for
# each pair of guesses, *(left says and, right says but)* and so on, which word was the true one most often, a table of four cells. What share is right now?

# %%
guess = None  # a share between 0 and 1

# %%
AND, BUT = language.number["and"], language.number["but"]


@torch.inference_mode()
def pairs(reader, texts):
    """For each text, 0 to 3: what the left and the right half of ELMo guess, 2 if the left says but, plus 1 if the right does."""
    left, right = reader.two_guesses(texts, 6)  # 6: the position of the link
    return 2 * (left[:, BUT] > left[:, AND]) + 1 * (right[:, BUT] > right[:, AND])


# %% tags=["timing", "nbval-ignore-output"]
joined = []
for seed in SEEDS:
    cell, truth = pairs(trained["ELMo", seed], language.reading), language.reading[:, 6]
    table = torch.stack(
        [truth[cell == number].mode().values for number in range(4)]
    )  # the most frequent true word of each cell
    exam_cell = pairs(trained["ELMo", seed], language.exam)
    joined.append((table[exam_cell] == language.exam[:, 6]).double().mean().item())
print("the four cells:", [language.words[word] for word in table])
print("product", [round(value, 4) for value in scores["and / but"]["ELMo"]], " table", joined, "  your guess:", guess)

# %% tags=["check:joined"]
# checked: the product gets 15/16, the table all, with the trained halves of each run; the sum on paper
assert min(joined) > 0.99 and [language.words[word] for word in table] == ["and", "but", "but", "and"]
assert max(abs(value - 15 / 16) for value in scores["and / but"]["ELMo"]) < 0.03
assert round(1.5 / 1.6, 2) == 0.94 and (3 / 4) ** 2 + (1 / 4) ** 2 == 5 / 8
said = trained["ELMo", 0].guess(language.exam[exam_hates], 6).softmax(-1)[:, BUT]
assert 0.8 < said.mean() < 1

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Two tables. The product says but where both halves say but, and is wrong there: 15/16. A table of what was met says and there: 16/16](figures/04_joins.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **4 minutes.** Before this slide do the sum on the board: *hates ... hates*, both halves say *but* with 3/4. Then ask: are the two guesses too poor? No: a half that says *but* has seen
# *hates*. The pair gives both verbs away. What loses them is the rule.

# %% [markdown]
# ![Two tables. The product says but where both halves say but, and is wrong there: 15/16. A table of what was met says and there: 16/16](figures/04_joins.svg)
#
# All of them. A half that says *but* has seen *hates*: its guess gives its verb away, and two guesses give away both verbs. **The information is there, in the
# two halves. The rule that joins them loses it**, and that rule was ours, not ELMo's. The product would be right if, the link being known, the left told nothing about the right. Here it tells everything:
# given *and*, both verbs are the same.
#
# What is true of ELMo is this: its pre-training never asks for anything that needs both sides at once, so nothing in it learns to combine
# them. The model on top has to learn it, from labelled examples, as our table did. BERT's pre-training does ask, at every hidden word.

# %% [markdown]
# <details><summary>For the curious: can a weighted sum join them?</summary>
#
# The product rule is a sum of logarithms, with weights of 1. Other weights would not help. The answer must be *and* for two equal guesses and *but* for two different ones: this is the
# *exclusive or*, and no weighted sum of two numbers with a threshold can do it. At best it fails in the rarest of the four cases, 1/16. A layer with a nonlinearity between can.
#
# </details>
#
# ## 7. Why not train BERT on the next word?
#
# It would save hiding words: eleven answers for three. So we take BERT's mask (none) and GPT's objective, the fourth way to pair the two. What loss can an honest reader reach at best? We know the language, so we can say: the
# average of $-\ln p(\text{next word} \mid \text{words so far})$. It is 0.49 nats a word, a perplexity (page 03) of 1.63. Where will this reader's loss end?

# %%
guess = None  # the leaky reader's loss

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.readers import LeakyReader

torch.manual_seed(0)
leaky = LeakyReader(count, mask_id, hidden_size=32, max_length=12)
train_reader(leaky, language.reading, STEPS, learning_rate=1e-2)
with torch.inference_mode():
    exam_loss = {"leaky": leaky.loss(language.exam).item(), "GPT": trained["GPT", 0].loss(language.exam).item()}
print(
    f"on the exam: leaky {exam_loss['leaky']:.2f}, GPT {exam_loss['GPT']:.2f}, lowest honest {language.best_loss():.2f};   your guess: {guess}"
)

# %% tags=["check:leaky-loss"]
# checked: the leaky reader's loss is far below what is possible, GPT's above it
assert exam_loss["leaky"] < 0.1 * language.best_loss() and exam_loss["GPT"] > language.best_loss()
assert [round(number, 2) for number in (language.best_loss(), 2.718281828 ** language.best_loss())] == [0.49, 1.63]

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## BERT's mask, GPT's objective
#
# Everyone sees everything, and is asked for the next word. An honest reader cannot get below a loss of 0.49. What will this one get?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | | loss on the exam |
# | --- | --- |
# | best honest reader | 0.49 |
# | this one | about **0.00** |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Too good to be true is a finding, too. In real projects a loss that falls below what is plausible is most often such a leak. Ask how one could *prove* it.

# %% [markdown]
# Better than possible: it **cheats**. To name the next word it need not understand anything. It looks one position to the right and copies. Can we catch it in the act, without
# knowing the best loss? The Jacobian can. If an output depends on the very word that it has to name, there is a leak.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Caught by derivatives: each output depends on the word that it has to name

# %% tags=["nbval-ignore-output", "timing"] slideshow={"slide_type": "-"}
caught = {}
for name, reader in {"GPT, trained": trained["GPT", 0], "leaky, trained": leaky}.items():
    caught[name] = who_sees_whom(reader.read, reader.embed(sentence)[0])
    next_word = caught[name].diagonal(1)  # the cells one right of the diagonal: output i, input i + 1
    print(f"{name}: {int((next_word > 0).sum())} of 11 outputs depend on the word that they have to name")
picture = dependence_grid(caught, [language.words[index] for index in sentence[0]])

# %% tags=["check:caught"]
# checked: no output of GPT depends on the word to be named, all of the leaky reader's do
assert not (caught["GPT, trained"].diagonal(1) > 0).any() and (caught["leaky, trained"].diagonal(1) > 0).all()

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Look one cell right of the diagonal: the output at *critic* and the input *loves*. Grey on the left, not grey on the right. That is the leak.

# %% [markdown]
# Look one cell right of the diagonal, at each output and the word that it has to name. In GPT these 11 cells are grey. In the leaky reader none is. A test like this takes a
# second, and needs no trained model: what *can* be seen is a matter of how a model is built.
#
# ### All but the next word?
#
# Then forbid just that. Each position may look everywhere, only not at the next word:
#
# ![Five words, two layers. Step 1: critic has to name loves and may not look at it](figures/04_leak_1.svg)
#
# One layer of this has no leak. And two layers? Try to find a way from *loves* to the output of *critic*, before you go on.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Everywhere but at the next word?
#
# ![Five words, two layers. Step 1: critic has to name loves and may not look at it](figures/04_leak_1.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let somebody come to the board and find the way. There are three: over *a*, over *the*, over *film*. Not over *loves*: *critic* may not look there in the second layer either.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Step 2: in the first layer the looks at loves and takes some of it along](figures/04_leak_2.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Nothing forbids *the* to look at *loves*: it has to name *film*.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![All steps: loves reaches critic over the, in two hops](figures/04_leak.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The two hops, $i \to j \to i + 1$. This is what the BERT paper means by "each word could indirectly see itself".

# %% [markdown]
# ![Step 2: in the first layer the looks at loves and takes some of it along](figures/04_leak_2.svg)
#
# ![All steps: loves reaches critic over the, in two hops](figures/04_leak.svg)
#
# In the first layer *the* looks at *loves*, which nothing forbids. In the second *critic* looks at *the*, and finds some of *loves* there. Devlin et al. (2019, section 3.1) say it like this: in several layers
# each word could *indirectly see itself*. The Jacobian agrees:

# %%
from bertnotes.readers import AllButNextReader

for layers in (1, 2):
    torch.manual_seed(0)
    reader = AllButNextReader(count, mask_id, hidden_size=32, num_layers=layers, max_length=12)
    next_word = who_sees_whom(reader.read, reader.embed(sentence)[0]).diagonal(1)
    print(
        f"{layers} layer{'s' if layers > 1 else ''}: {int((next_word > 0).sum())} of 11 outputs depend on the word that they have to name"
    )

# %% tags=["check:two-hops"]
# checked: all leak with two layers and none with one; the mask times itself is full
assert (next_word > 0).all()
one = AllButNextReader(count, mask_id, hidden_size=32, num_layers=1, max_length=12)
assert torch.equal(who_sees_whom(one.read, one.embed(sentence)[0]) == 0, ~one.mask(12))
assert ((one.mask(12).double() @ one.mask(12).double()) > 0).all()

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Click it through: choose a word and a rule

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
play("leak")

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** First *all but the next*, step by step. Then *only back*: the target never arrives. Then *hidden in the text*: there is nothing to carry. Ask for a sentence position where *all but the next*
# does not leak within two layers: there is none in a sentence of five.

# %% [markdown]
# **Play with it.** Click the word that is to be named, then go step by step. Which positions carry it after one layer, which after two? Change the rule: when does it never
# arrive?
#
# <details><summary>What we found</summary>
#
# With *all but the next* only one position is without it after the first layer: the one that has to name it. After the second, none is. With *only back* the word moves to the right only, and never reaches the
# position before it. With *hidden in the text* there is nothing to carry.
#
# </details>

# %% [markdown]
# ## 8. Three ways out, and what each costs
#
# ![Three tables of who looks at whom. GPT: look back only. BERT: all look at all, but the word is replaced by MASK in the text. XLNet: another order of the words](figures/04_ways.svg)
#
# - **Look back only**, in every layer (GPT). Costs: the right side.
# - **Take the word out of the input** (BERT). Nobody can copy what is not there. Costs: few answers per pass, and `[MASK]` is never seen in use (page 06).
# - **Go by another order** (XLNet, Yang et al. 2019). For each text a random order of its positions is drawn, and each word is named from those that come
#   earlier *in that order*, wherever they stand. So each side is seen at some time, without `[MASK]`. Costs: a second stream of attention, in which a position knows where it stands, but not which word is there.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Three tables of who looks at whom. GPT: look back only. BERT: all look at all, but the word is replaced by MASK in the text. XLNet: another order of the words](figures/04_ways.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Ask of each table: can the word to be named reach the row that names it, in any number of layers? In the first and third no path leads against the order; in the second there is nothing to
# carry. And what does each cost?

# %% [markdown]
# What does GPT get for the missing side? It can **write**. It names a next word, we draw one by its probabilities, add it, and go on. BERT has no such order to go by. Our trained GPT writes 200
# sentences. How many of them belong to the language, and are not among those that it read?

# %%
guess = None  # how many of 200 are in the language and new

# %% tags=["timing", "nbval-ignore-output"]
gpt, written = trained["GPT", 0], torch.zeros(200, 1, dtype=torch.long)  # 0 is [CLS]
torch.manual_seed(0)
with torch.inference_mode():
    for _ in range(11):
        chances = gpt.scores(gpt(written)[:, -1]).softmax(dim=-1)  # of the next word, for each of 200 beginnings
        written = torch.cat([written, torch.multinomial(chances, 1)], dim=1)
known, read = ({tuple(row) for row in part.tolist()} for part in (language.ids, language.reading))
correct, new = (sum(tuple(row) in part for row in written.tolist()) for part in (known, known - read))
print(f"in the language: {correct} of 200; of these new: {new};   your guess: {guess}")
print(*(language.decode(row) for row in written[:2].tolist()), sep="\n")

# %% tags=["check:writes"]
# checked: most of what it writes is in the language, and some of that it had not read
assert correct > 120 and new > 10

# %% [markdown]
# Most of what it writes is in the language, and some of that it has never read. It has learned the rules, not only the sentences. (Four ninths of the language were kept from it, so a
# writer that knew the rules, and favoured no sentence that it had read, would be new in four of nine.)
#
# This is why models that chat are of GPT's kind. Models that only read, to search, sort and label, were for years mostly of BERT's. Ours will read film reviews.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - ELMo, GPT and BERT differ in **who may see whom**; derivatives measure it, and are 0 exactly where no path leads.
# - ELMo has both sides, in two halves. Its pre-training never asks to combine them.
# - A reader that sees all cannot be trained on the next word: layer upon layer, the word sees itself.
# - Ways out: look back only, hide the word in the text, or go by another order.
#
# **Next:** page 05 opens the real BERT, layer by layer.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Close the lid: who can draw the two hops from memory? The exercises begin with four masks on paper.

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# Work in the copy of the [exercises](exercises/04.ipynb) in `notebooks/my`. Two are for paper, one is a prediction; the others are functions of a few lines. With
# `sees` and `leaks` you can find out any leaky reader.

# %% tags=["exercises"]
import torch

from bertnotes.exercises import check, hint, solution  # noqa: F401

# %% [markdown] tags=["exercise:whose_mask"]
# ### Whose mask is it? · ● · 4 minutes
#
# ![Four masks, A to D, of six words: which cells are dark is for you to read](../figures/04_whose.svg)
#
# Four masks: a dark cell means that the word of the row may look at that of the column. Whose is each? 1 = GPT, 2 = a reader that only looks
# forward (to the words after it), 3 = BERT, 4 = all but the next word. Give the four digits for A, B, C and D as one number, such as 1234.

# %% [markdown] tags=["hint:whose_mask"]
# Look at the first row: that is the first word. In which picture does it see only itself?

# %% [markdown] tags=["hint:whose_mask"]
# The first word sees only itself in D: nothing stands before it. So D looks back. In which picture is exactly one cell a row missing?

# %% tags=["exercise:whose_mask"]
# solution
answer = 4231
# instead:
# answer = None  # four digits
# end of solution

check("whose_mask", answer)

# %% [markdown] tags=["reason:whose_mask"]
# A lacks the cell one right of the diagonal: all but the next word, 4. B has nothing left of the diagonal: each word sees itself and what comes after it, 2. C has all, 3. D has
# nothing right of the diagonal: only back, GPT, 1.

# %% [markdown] tags=["exercise:best_possible"]
# ### The best possible score · ● · 6 minutes
#
# A language has five sentences. *cats chase mice* is written 4 times, *cats eat mice* 2 times, *cats chase dogs* once, *dogs chase cats* 3 times, and *dogs eat mice*
# 2 times. The verb is hidden. What share of all verbs can be named at best by who sees **both** other words? Two digits after the point will do.

# %% [markdown] tags=["hint:best_possible"]
# There are four contexts: *cats ___ mice*, *cats ___ dogs*, *dogs ___ cats*, *dogs ___ mice*. In only one of them is there a choice.

# %% [markdown] tags=["hint:best_possible"]
# In *cats ___ mice* say *chase*: right 4 times, wrong 2 times. How many of the 12 are right in all?

# %% tags=["exercise:best_possible"]
# solution
answer = (4 + 1 + 3 + 2) / 12
# instead:
# answer = None  # your number
# end of solution

check("best_possible", answer)

# %% [markdown] tags=["reason:best_possible"]
# *cats ___ mice*: say *chase*, right 4 of 6 times. The other three contexts have one verb each, so all 1 + 3 + 2 are right. That is 10 of 12, 0.83. From the left alone
# it is 5 of 7 after *cats* and 3 of 5 after *dogs*, 8 of 12.

# %% [markdown] tags=["exercise:surer"]
# ### Surer, and wrong · ● · 5 minutes
#
# Suppose nine verbs in ten are *loves*, and the two verbs of a sentence have nothing to do with each other. The link is hidden in *hates ... hates*. Each half sees one *hates*. How much probability does the
# product of section 6 give to *but*? First predict: more or less than the 0.94 of the page? Then work it out, with three digits after the point.

# %% [markdown] tags=["hint:surer"]
# Each half sees *hates*, and thinks that the other verb is *loves* with 0.9. So $p(\text{but} \mid \text{left}) = p(\text{but} \mid \text{right}) = 0.9$.

# %% [markdown] tags=["hint:surer"]
# Of all links, *and* has $0.9^2 + 0.1^2 = 0.82$ and *but* the rest, 0.18.

# %% [markdown] tags=["hint:surer"]
# *and*: $0.1 \cdot 0.1 / 0.82$. *but*: $0.9 \cdot 0.9 / 0.18$. Now make shares of the two numbers.

# %% tags=["exercise:surer"]
# solution
both_and, both_but = 0.1**2 / 0.82, 0.9**2 / 0.18
answer = both_but / (both_and + both_but)
# instead:
# answer = None  # your number
# end of solution

check("surer", answer)

# %% [markdown] tags=["reason:surer"]
# *and*: $0.01 / 0.82 = 0.0122$. *but*: $0.81 / 0.18 = 4.5$. The share of *but* is $4.5 / 4.5122 = 0.997$: the rarer the case, the surer the product is, and it is wrong each time.

# %% [markdown] tags=["exercise:join"]
# ### Join two guesses · ●● · 7 minutes
#
# Write the product rule. `left` and `right` are the probabilities of each word from either side, (batch, words), `share` is how frequent each word is, (words,). Return probabilities,
# (batch, words), in proportion to left times right divided by share; each row sums to 1.

# %% [markdown] tags=["hint:join"]
# `left * right / share` works number by number; the row of shares is used for each row of the batch (broadcasting).

# %% [markdown] tags=["hint:join"]
# To make each row sum to 1, divide by `.sum(dim=-1, keepdim=True)`.


# %% tags=["exercise:join"]
def join(left, right, share):
    """The product of two guesses: (batch, words); each row sums to 1."""
    # solution
    product = left * right / share
    return product / product.sum(dim=-1, keepdim=True)
    # end of solution


check("join", join)

# %% [markdown] tags=["reason:join"]
# If the left and the right told nothing about each other once the word is known, this would be $p(\text{word} \mid \text{left, right})$, by Bayes' rule. Each guess has the
# frequency of the word in it; dividing by `share` keeps it from being counted twice.

# %% [markdown] tags=["exercise:reach"]
# ### How far one sees through layers · ●● · 8 minutes
#
# `mask` is (position, position) of bool, True where the row may look at the column; each position may look at itself. Who has seen whom after a number of `layers` with this same
# mask? Return (position, position) of bool. `layers` is at least 1.

# %% [markdown] tags=["hint:reach"]
# After one layer it is the mask. After two: $i$ has seen $k$ if there is some $j$ that $i$ looks at and that has seen $k$.

# %% [markdown] tags=["hint:reach"]
# That sum over $j$ is a product of matrices. `mask.float() @ reached.float()` counts the ways; where there is one at least, it is above 0.


# %% tags=["exercise:reach"]
def reach(mask, layers):
    """True where the row has seen the column after so many layers: (position, position)."""
    # solution
    reached = mask
    for _ in range(layers - 1):
        reached = mask.float() @ reached.float() > 0
    return reached
    # end of solution


check("reach", reach)

# %% [markdown] tags=["reason:reach"]
# The product of the mask with itself counts, for each pair, the ways of two hops. With *all but the next* it is full: that is the leak. The product of the causal mask with itself is causal again, however often you
# multiply.

# %% [markdown] tags=["exercise:sees"]
# ### Who sees whom, by gradients · ●●● · 10 minutes
#
# `read` is a small reader: some layers of attention, each added to what was there. Find out who sees whom in it, from its gradients alone: return (position, position) of bool, True where the
# output of the row depends on the input of the column. `vectors` is (position, size). Do not look at the mask: your function should work for any `read`. `torch.autograd.functional.jacobian(f, x)` may help.

# %% [markdown] tags=["hint:sees"]
# `torch.autograd.functional.jacobian(lambda x: read(x, mask, layers), vectors)` has the shape (position, size, position, size): each number of the output by each number of the input.

# %% [markdown] tags=["hint:sees"]
# A pair of positions is connected if *any* of its size × size numbers is not 0. Take `.abs()`, and sum over the two axes of size, `dim=(1, 3)`.


# %% tags=["exercise:sees"]
def read(vectors, mask, layers):
    """A small reader: (position, size) in and out."""
    for _ in range(layers):
        scores = (vectors @ vectors.T).masked_fill(~mask, float("-inf"))
        vectors = vectors + scores.softmax(dim=-1) @ vectors
    return vectors


def sees(vectors, mask, layers):
    """True where the output of the row depends on the input of the column: (position, position)."""
    # solution
    jacobian = torch.autograd.functional.jacobian(lambda inputs: read(inputs, mask, layers), vectors)
    return jacobian.abs().sum(dim=(1, 3)) > 0
    # end of solution


check("sees", sees)

# %% [markdown] tags=["reason:sees"]
# The Jacobian of a reader is 0 exactly where no path leads from an input to an output: hidden scores are minus infinity, their weights exactly 0, and nothing passes. The absolute values keep numbers of
# different sign from cancelling.

# %% [markdown] tags=["exercise:leaks"]
# ### A leaky reader found out · ● · 4 minutes
#
# `table` is (position, position) of numbers, how much the output of the row depends on the input of the column, 0 = not at all. The reader is trained to name the **next** word. Which
# positions can see the word that they have to name? Return a bool for each position but the last: (position − 1,).

# %% [markdown] tags=["hint:leaks"]
# Position $i$ names word $i + 1$. In the table that is row $i$, column $i + 1$: one right of the diagonal.

# %% [markdown] tags=["hint:leaks"]
# `table.diagonal(1)` gives these cells.


# %% tags=["exercise:leaks"]
def leaks(table):
    """True where a position sees the word that it has to name: (position - 1,)."""
    # solution
    return table.diagonal(1) > 0
    # end of solution


check("leaks", leaks)

# %% [markdown] tags=["reason:leaks"]
# The last position has no next word, so there is one answer fewer than positions. If any is True, a loss on the next word means nothing.

# %% [markdown]
# ## Sources
#
# - Peters, Neumann, Iyyer, Gardner, Clark, Lee, Zettlemoyer (2018). *Deep Contextualized Word Representations.* ELMo; the learned mix of layers is section 3.2. arXiv:1802.05365
# - Radford, Narasimhan, Salimans, Sutskever (2018). *Improving Language Understanding by Generative Pre-Training.* GPT.
# - Devlin, Chang, Lee, Toutanova (2019). *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* Section 3.1; appendix A.4 compares the three. arXiv:1810.04805
# - Yang, Dai, Yang, Carbonell, Salakhutdinov, Le (2019). *XLNet: Generalized Autoregressive Pretraining for Language Understanding.* arXiv:1906.08237
# - Hochreiter, Schmidhuber (1997). *Long Short-Term Memory.* Neural Computation 9(8)
