# %% [markdown] question="Who may see whom, and what follows from it?"
# # 04 · ELMo, GPT, BERT: who may see whom
#
# **The question:** three famous models learn from plain text. Each turns a word into a vector, and other words go into it. Which words
# may each word see, and what follows from it?
#
# ![Arrows from words to outputs. ELMo: a chain to the right and a chain to the left, which do not meet before the top. GPT: each word looks at itself and back. BERT: each word looks at all words](figures/04_panels.svg)
#
# We take a small model in the manner of each, a **reader**. We measure who sees whom in it, train it on a small language, and give it an exam whose best
# possible score is known. Then we find out why BERT hides words in training.
#
# **You need:** pages 01 to 03. **Time:** about 50 minutes, and 44 more for the exercises. The training takes about a minute. Where a
# cell says `guess = None`, type your guess in place of `None`.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # ELMo, GPT, BERT
#
# Which words may each word see, and what follows from it?
#
# ![Arrows from words to outputs. ELMo: a chain to the right and a chain to the left, which do not meet before the top. GPT: each word looks at itself and back. BERT: each word looks at all words](figures/04_panels.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Do not explain yet. Ask: which circles at the bottom reach the black circle at the top, and by which way? The next three slides take the
# panels one by one.
#
# The notes add up to 38 minutes. The slide behind the summary is for the question why ELMo stops at 0.94.

# %%
from collections import Counter

import torch
from torch.nn.functional import cross_entropy

from bertnotes.pictures.charts import dependence_grid, score_chart
from bertnotes.pictures.play import play

# %% [markdown]
# ## 1. Three ways to read
#
# Follow the strong arrows from the bottom to the black circle at the top, the output of *critic*. We start with the oldest of the three, **ELMo** (Peters et al. 2018).
#
# ![ELMo alone: one chain carries a and critic to the right, another carries films, loves and critic to the left; the output of critic takes both](figures/04_panels_elmo.svg)
#
# Its layers are **LSTMs**, a kind of recurrent network (page 02): an LSTM reads word by word and carries along a
# memory of what came so far. One chain reads forwards, the other backwards. (We draw one layer of each; ELMo has two. The magenta chain stands higher only to keep the arrows apart.) Is there a place where a word from the left and a word from the right come together?
# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## ELMo: two chains
#
# ![ELMo alone: one chain carries a and critic to the right, another carries films, loves and critic to the left; the output of critic takes both](figures/04_panels_elmo.svg)
# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Trace *films* to the output of *critic* with a finger, then *a*. Ask: where could something that knows both *a* and *films* be computed?
# Only above the two chains. (The magenta chain stands above the slate one to keep the arrows apart; it is no second layer.)
# %% [markdown]
# Not inside the chains. Only afterwards the two states of a position are laid end to end. (ELMo does so in each layer, and a task then learns how to add up the layers.) Devlin et al. (2019) call this a "shallow concatenation" of two **language models**: one names the next word of a text, the other the word before.
#
# **GPT** (Radford et al. 2018) is a Transformer with page 01's causal mask: look at yourself and back, in every layer.
#
# ![GPT alone: in each of two layers critic takes from a and critic only](figures/04_panels_gpt.svg)
# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## GPT: only back
#
# ![GPT alone: in each of two layers critic takes from a and critic only](figures/04_panels_gpt.svg)
# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Ask for the mask of page 01 that belongs to it: the causal one. How many words does the output of *films* see? All four.
# %% [markdown]
# **BERT** (Devlin et al. 2019) is a Transformer without that mask: every word looks at every word, in every layer.
#
# ![BERT alone: in each of two layers critic takes from all four words; the arrows of the second layer bring words from both sides](figures/04_panels_bert.svg)
#
# Left and right meet in the first layer already, and each arrow of the second can bring some of both. Hence
# **B**idirectional **E**ncoder **R**epresentations from **T**ransformers. But how do you *train* a model that sees every word? Section 7 runs into that wall.
#
# Two names look alike. An **attention mask** says who may look at whom. `[MASK]` is a token that stands in the text for a hidden word.
#
# The real models differ in more than the arrows, also in their texts and sizes. Our small copies share text, vocabulary and batches. Our GPT and our BERT differ in the attention mask, and
# in the **objective**: what a model is trained to name, and so how many words of a text it learns from. Section 5 pulls these two apart.
# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## BERT: all, in every layer
#
# ![BERT alone: in each of two layers critic takes from all four words; the arrows of the second layer bring words from both sides](figures/04_panels_bert.svg)
# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Left and right meet in the first layer. Ask: if every word sees every word, what can you ask such a model in training that it cannot
# simply copy? Leave the question open.
# %% [markdown]
# ## 2. A language that we know all about
#
# To judge readers we want an exam whose best possible score is known. For English nobody knows it. So we make up a language. A sentence has two people, each one of twelve, two verbs, each one of two, and *film* or *films*:
# $12 \cdot 2 \cdot 2 \cdot 12 \cdot 2 = 1152$ sentences. Three rules decide the other words:
#
# ![A sentence with arrows: a and an need the noun on their right, them needs films on its left, but needs both verbs, one on each side](figures/04_rules.svg)
#
# - **a / an** depends on the noun after it;
# - **it / them** depends on *film* or *films*, before it;
# - **and / but**, the **link**, depends on both verbs: *and* if they are the same, *but* if they differ.
#
# People here love films three times as often as they hate them. So a sentence is written once, and three times as often for each *loves* in it: 1, 3 or 9 times.
# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## A language that we know all about
#
# *loves* is written three times as often as *hates*. The same verbs: *and*. Two different ones: *but*.
#
# ![A sentence with arrows: a and an need the noun on their right, them needs films on its left, but needs both verbs, one on each side](figures/04_rules.svg)
# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let the class fill three blanks: "___ actor loves ...", "... the films but a critic hates ___", "a critic hates the film ___ an artist hates it". Which of
# them could you fill from the left alone?
# %%
from bertnotes.tiny_language import TinyLanguage, new_reader

language = TinyLanguage()
for number in (2, 37, 727):  # sentences that are written 9 times, 3 times, once
    print(f"{language.times[number]} × {language.decode(language.ids[number])}")
print(f"repeats counted: {len(language.reading):,} sentences to read, {len(language.exam):,} in the exam")

# %% tags=["check:tiny-language"]
# checked: the size of the language, its rules, how often sentences are written, and that no exam sentence is read
sentences = [language.decode(row).split() for row in language.ids.tolist()]
assert len({tuple(text) for text in sentences}) == 1152 and len(language.words) - 3 == 23
assert all((text[5] == "and") == (text[2] == text[8]) and (text[9] == "it") == (text[4] == "film") for text in sentences)
assert all((text[at] == "an") == (text[at + 1][0] in "aeiou") for text in sentences for at in (0, 6))
assert all(3 ** text.count("loves") == times for text, times in zip(sentences, language.times, strict=True))
assert len({text[1] for text in sentences}) == 12
halves = [{tuple(row) for row in part.tolist()} for part in (language.reading, language.exam)]
assert not halves[0] & halves[1] and len(halves[0]) == len(halves[1]) == 576
for position in range(12):  # the same articles, verbs, links, things and pronouns, as often; only the nouns were drawn
    if position not in (2, 8):
        assert torch.equal(*(part[:, position].sort().values for part in (language.reading, language.exam)))

# %% [markdown]
# Half of the sentences are set aside for the exam, and no reader trains on them. A text has 12 tokens: `[CLS]` at position 0, ten words, and `[SEP]` at 11.
#
# How often can *anybody* name a hidden word? The words that are seen around the blank are its **context**. The best anyone can do is to say the word that is most frequent in this context. Take the link, seen from the left: the first verb is
# *loves* or *hates*. In what share of all sentences can the link be named at best?

# %%
guess = None  # a share between 0 and 1

# %%
counts = Counter()
for ids, times in zip(language.ids.tolist(), language.times.tolist(), strict=True):
    verb, link = language.words[ids[3]], language.words[ids[6]]  # the first verb is at position 3, the link at 6
    counts[verb, link] += times
print(*(f"{verb} ... {link}: {times:,}" for (verb, link), times in counts.items()), sep="\n")
named, total = counts["loves", "and"] + counts["hates", "but"], sum(counts.values())
print(f"best from the left: {named:,} of {total:,} = {named / total:.2f}    your guess: {guess}")

# %% [markdown]
# After *loves* it is best to say *and*, after *hates* to say *but*: both mean "the other one will love the film", and three in four do. Nobody who has seen only the left can
# expect more than 0.75, however clever. The same count for each blank (*a / an* is the first word of the sentence):

# %%
BLANKS = {"a / an": 1, "and / but": 6, "it / them": 10}  # their positions
best = {}
for blank, position in BLANKS.items():
    best[blank] = {side: language.best_score(position, side) for side in ("left", "both")}
    print(f"{blank:10} best from the left {best[blank]['left']:.2f}, from both sides {best[blank]['both']:.2f}")

# %% tags=["check:best-scores"]
# checked: the best scores, by the count in view and by the whole left side; in the exam they are the same, also by the whole left side
assert [list(scores.values()) for scores in best.values()] == [[0.5, 1.0], [0.75, 1.0], [1.0, 1.0]]
assert named / total == 0.75 and counts["loves", "and"] == 3 * counts["loves", "but"]
assert counts["hates", "but"] == 3 * counts["hates", "and"]
for blank, position in BLANKS.items():
    lefts, contexts = language.exam[:, : position + 1].unique(dim=0, return_counts=True)
    most = {}
    for words_before, times in zip(lefts[:, :-1].tolist(), contexts.tolist(), strict=True):
        most[tuple(words_before)] = max(times, most.get(tuple(words_before), 0))
    assert abs(sum(most.values()) / len(language.exam) - best[blank]["left"]) < 1e-9
hate = (language.exam[:, [3, 9]] == language.number["hates"]).all(dim=1)
assert hate.double().mean() == 1 / 16
assert (language.exam[:, 6] == language.number["and"]).double().mean() == 5 / 8

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The best possible score
#
# Of 4,608 sentences:
#
# | | and | but |
# | --- | --- | --- |
# | after *loves* | 2,592 | 864 |
# | after *hates* | 288 | 864 |
#
# From the left, how often can anybody name the link?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | blank | from the left | from both sides |
# | --- | --- | --- |
# | a / an | 0.50 | 1.00 |
# | and / but | **0.75** | 1.00 |
# | it / them | 1.00 | 1.00 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Collect guesses for *and / but* first. After *loves* say *and*, after *hates* say *but*: (2,592 + 864) of 4,608, three in four.

# %% [markdown]
# *it / them* is decided on the left. *a / an* is a coin toss from the left, and certain once the noun is seen. The link is certain only
# with both verbs. Three blanks, three kinds of sight: now we need readers.
#
# ## 3. Three readers
#
# GPT's and BERT's reader are two **Transformer layers** each: the attention of page 03, with four heads, and a small network (page 05). Where a word stands they learn from a vector for each position, which is added to the word's. ELMo's reader is two LSTMs of two layers. Each reader has about 26,000 parameters. Before training, GPT's and BERT's differ in the attention mask alone, one line each. Position $i$ looks, position $j$ is looked at, and 1 means "may":

# %%
readers = {name: new_reader(name, language) for name in ("ELMo", "GPT", "BERT")}  # not trained yet
i, j = torch.arange(12)[:, None], torch.arange(12)
masks = {"GPT": j <= i, "BERT": j <= i + 11}  # GPT: itself and back. BERT: everywhere
for name, mask in masks.items():
    print(f"{name}, the first four positions:\n{mask[:4, :4].int()}")

# %% tags=["check:reader-masks"]
# checked: these are the masks of the readers (BERT's has none, which is the same as one that allows everything); their sizes
sizes = [sum(parameter.numel() for parameter in reader.parameters()) for reader in readers.values()]
assert 25_000 < min(sizes) <= max(sizes) < 27_000 and sizes[1] == sizes[2]
assert torch.equal(readers["GPT"].mask(12), masks["GPT"]) and readers["BERT"].mask(12) is None and masks["BERT"].all()
for name, mask in masks.items():
    layer, some = readers[name].layers[0], torch.randn(1, 12, 32)
    assert torch.allclose(layer(some, readers[name].mask(12))[0], layer(some, mask)[0], atol=1e-5)

# %% [markdown]
# ## 4. Who sees whom, measured
#
# "GPT does not see the future" is a claim, and one can measure it. Change the vector of one word a tiny bit, and look how much each output
# changes, per size of the change. That is a **derivative**. PyTorch can compute it without changing anything, as it does in training (page 02). All derivatives
# together are called the **Jacobian**. Output and input are vectors, so each pair of words has many derivatives. Their overall size, the root of the sum of their squares, is one cell of our table.
#
# Follow arrows upwards, from one to the next: that is a **path**, and each arrow is a **hop**. Where no path leads from an input to an output, the cell is 0: not small, but exactly 0. (A 0 alone does not prove that there is no path: two effects may cancel.) In how many of
# the $12 \cdot 12 = 144$ cells of GPT's table will there be a 0?

# %%
guess = None  # a number of cells, of 144


# %%
def who_sees_whom(read, vectors):
    """How much each output depends on each input: a row for each output, a column for each input."""
    jacobian = torch.autograd.functional.jacobian(lambda text: read(text[None])[0], vectors)  # [None]: a batch of one text
    return jacobian.pow(2).sum(dim=(1, 3)).sqrt()  # sums over the numbers of an output, and over those of an input


sentence, seen = language.encode("a critic loves the film but an actor hates it"), {}
for name, reader in readers.items():
    seen[name] = who_sees_whom(reader.read, reader.embed(sentence).detach())  # embed: vectors that do not know each other yet
    print(f"{name:5} {(seen[name] == 0).sum().item():3} of 144 cells are 0")
print("your guess for GPT:", guess)

# %% tags=["check:zeros"]
# checked: GPT's zeros are the cells above the diagonal, the others have none; the measure is the library's
from bertnotes import readers as library

above = torch.ones(12, 12, dtype=torch.bool).triu(1)
assert torch.equal(seen["GPT"] == 0, above) and above.sum() == 66
assert (seen["BERT"] > 0).all() and (seen["ELMo"] > 0).all()
for name, reader in readers.items():
    assert torch.equal(seen[name], library.who_sees_whom(reader.read, reader.embed(sentence)))

# %% [markdown]
# 66: half of the 132 cells off the diagonal. ELMo and BERT have none. That seems to make them equal, until we look at the two halves of
# ELMo's vectors, one from each chain.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Untrained readers: who can see whom?


# %% slideshow={"slide_type": "-"}
elmo = readers["ELMo"]
forwards = who_sees_whom(elmo.read_forwards, elmo.embed(sentence).detach())
backwards = who_sees_whom(elmo.read_backwards, elmo.embed(sentence).detach())
tables = {"GPT": seen["GPT"], "ELMo, forwards": forwards, "ELMo, backwards": backwards, "BERT": seen["BERT"]}
picture = dependence_grid(tables, [language.words[number] for number in sentence])

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Rows are outputs, columns are inputs, the same twelve tokens. Light is exactly 0. Ask which two tables look the same (GPT and ELMo's forward chain), and which is their mirror image. Then: in which row does the forward chain
# depend on all words? Only in the last. And the backward chain? Only in the first.

# %% tags=["check:halves"]
# checked: ELMo's halves have the zeros of GPT and their mirror image
assert torch.equal(forwards == 0, above) and torch.equal(backwards == 0, above.T)

# %% [markdown]
# A row is an output, a column an input. Light: the cell is exactly 0. Dark: it is not, however large. GPT and ELMo's forward chain are light right of the diagonal,
# the backward chain is light left of it, and BERT is dark everywhere. These readers are untrained. Training changes the sizes, but opens no path: the light cells stay 0.
#
# And ELMo: each cell is dark in one chain or the other, the diagonal in both. But **neither chain knows both sides**.

# %% [markdown]
# ## 5. What may be seen decides what can be asked
#
# A reader gives each word of the vocabulary a score, and is trained to name words: the cross-entropy of its scores is the loss (page 02). The readers differ in which words they have to name:


# %%
def name_next(scores, texts):  # GPT, and ELMo's forward chain: each position names the word after it
    return cross_entropy(scores[:, :-1].flatten(0, 1), texts[:, 1:].flatten())


def name_previous(scores, texts):  # ELMo's backward chain: each position names the word before it
    return cross_entropy(scores[:, 1:].flatten(0, 1), texts[:, :-1].flatten())


def name_hidden(scores, texts, hidden):  # BERT: only the positions where a word is hidden
    return cross_entropy(scores[hidden], texts[hidden])


# %% [markdown]
# So in a text of 12 tokens GPT has 11 tokens to name, and ELMo twice 11: its loss is the average of both. BERT sees every word, so some words are replaced by `[MASK]`, and it has to name those. The real BERT
# chooses 15 % of its tokens. We hide 20 % of the ten words, about two in a text. Hiding more would ask more, and leave less to answer by.
#
# GPT and BERT differ in attention mask and objective. To change one at a time, we add a fourth reader, the **hybrid**: GPT's attention mask with BERT's objective. It looks only back, and
# is trained on hidden words.
#
# Now we train. Each step takes a batch, works out its loss and the gradient, shortens the gradient where it is longer than 1, and changes the parameters with Adam (page 02). Every run has 500 steps, with the same learning rate, which falls from 0.01 almost to 0. Each kind is trained twice, and BERT four times, since its runs do not all end alike. Each run has another **seed**, from which the random numbers come.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.readers import train_reader

RUNS = {"ELMo": 2, "GPT": 2, "hybrid": 2, "BERT": 4}
trained, losses = {}, {}
for kind, runs in RUNS.items():
    for seed in range(runs):
        reader = new_reader(kind, language, seed)
        losses[kind, seed] = train_reader(reader, language.reading, steps=500, learning_rate=0.01, seed=seed)
        trained[kind, seed] = reader
    print(f"{kind:6} loss {losses[kind, seed][0]:.1f} at first, {sum(losses[kind, seed][-20:]) / 20:.1f} at the end")

# %% tags=["check:trained"]
# checked: every run ends near the best possible loss of its objective; ELMo's start at ln 26, all others far above it
from math import log

for (kind, _), run in losses.items():
    assert sum(run[-20:]) / 20 < 1.2 * {"ELMo": 0.62, "GPT": 0.62, "hybrid": 0.74, "BERT": 0.50}[kind]
    assert abs(run[0] - log(26)) < 0.01 if kind == "ELMo" else run[0] > 3.5
ahead, back = (
    sum(language.surprise(at, side(at)) for at in places) / 11
    for places, side in ((range(1, 12), lambda at: range(at)), (range(11), lambda at: range(at + 1, 12)))
)
assert len(losses) == 10 and round(ahead, 2) == round(back, 2) == 0.62

# %% tags=["check:losses-in-view"]
# checked: the losses in view are those that the readers train on
texts, draw = language.exam[:64], torch.Generator().manual_seed(3)
hidden = torch.rand(texts.shape, generator=draw) < 0.2
hidden[:, [0, 11]] = False
with torch.inference_mode():
    ours = {"GPT": name_next(readers["GPT"].scores(readers["GPT"](texts)), texts)}
    ours["BERT"] = name_hidden(readers["BERT"].scores(readers["BERT"](texts.masked_fill(hidden, 2))), texts, hidden)
    ahead, back = readers["ELMo"].directions(texts)
    ours["ELMo"] = (name_next(ahead, texts) + name_previous(back, texts)) / 2
    for name, loss in ours.items():
        assert torch.allclose(loss, readers[name].loss(texts, torch.Generator().manual_seed(3)), atol=1e-5)
assert language.number["[MASK]"] == 2

# %% [markdown]
# ELMo starts at $\ln 26 = 3.26$, the loss of equal guessing among 26 tokens. The others start far above it: an untrained reader can be sure of a wrong word. Do not compare GPT's and ELMo's losses with those of BERT and the hybrid: they are about other words. The exam is the same for all.
#
# ## 6. The exam
#
# One word of each exam sentence is hidden. Each reader may read once: that is one **pass**. Here is what each gets to name the link in *a critic loves the film ___ an actor hates it*:
#
# - **GPT**: *a critic loves the film*. It names the next word.
# - **BERT**: the whole sentence, with `[MASK]` in the blank. It names the hidden word.
# - **hybrid**: the same text as BERT, but every position looks only back.
# - **ELMo**: *a critic loves the film* for the forward chain, *an actor hates it* for the backward chain. Each gives a probability to each word. We multiply the two, and divide by how frequent the word is, since each of the two has counted that already. (This rule is ours. It is exact if left and right are **independent once the word is known**: then the left tells nothing more about the right. Is that so for each blank?)
#
# Take *and / but*, where the left alone allows 0.75. What share will ELMo get, and what share the hybrid?

# %%
guess = None  # two shares, such as (0.6, 0.7): ELMo, hybrid

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.readers import accuracy

scores = {}
for blank, position in BLANKS.items():
    scores[blank] = {}
    for kind, runs in RUNS.items():
        scores[blank][kind] = [accuracy(trained[kind, seed], language.exam, position) for seed in range(runs)]
        print(f"{blank:10} {kind:7}", *(f"{score:.3f}" for score in scores[blank][kind]))
print("your guess:", guess)

# %% tags=["check:exam"]
# checked: who is how good at which blank, in each run; of the four runs of BERT up to two may end below 1.00, on another machine
link_scores = scores["and / but"]
assert min(min(runs) for runs in scores["it / them"].values()) > 0.98
assert min(scores["a / an"]["ELMo"] + scores["a / an"]["BERT"]) > 0.98
for name in ("GPT", "hybrid"):
    assert max(abs(score - 0.5) for score in scores["a / an"][name]) < 0.02
    assert max(abs(score - 0.75) for score in link_scores[name]) < 0.02
assert max(abs(score - 15 / 16) for score in link_scores["ELMo"]) < 0.02
for seed, score in enumerate(link_scores["BERT"]):
    guessed = trained["BERT", seed].guess(language.exam, 6).argmax(dim=-1) == language.exam[:, 6]
    assert score > 0.985 or (guessed[~hate].double().mean() > 0.99 and guessed[hate].double().mean() < 0.2)
assert sum(score > 0.985 for score in link_scores["BERT"]) >= 2 and min(link_scores["BERT"]) > 0.92

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Two things differ, so we add a reader
#
# | attention mask | names the next word | names hidden words |
# | --- | --- | --- |
# | looks only back | GPT | **hybrid** |
# | looks at all words | later | BERT |
#
# An attention mask is not `[MASK]`: the one says who may look at whom, the other is a token in the text.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** The hybrid has GPT's attention mask and BERT's objective: against each of them one thing differs. Leave the empty corner open; it is the reader that leaks.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Vote: who will name the link?
#
# *a critic loves the film* ___ *an actor hates it*
#
# | | is trained to name | gets in the exam |
# | --- | --- | --- |
# | **GPT** | the next word | *a critic loves the film* |
# | **BERT** | hidden words | all, with `[MASK]` in the blank |
# | **hybrid** | hidden words | the same text, but looks only back |
# | **ELMo** | the next, and the one before | one side for each chain |
#
# ELMo's two guesses: multiplied, and divided by how frequent the word is. Exact if left and right are independent once the word is known.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** GPT has 11 tokens to name in a text of 12, ELMo twice 11, BERT about two. Then vote, for each reader: will it reach 1.00, stay at 0.75, or end between?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The exam's results

# %% slideshow={"slide_type": "-"}
SIGHT = {"ELMo": "both", "GPT": "left", "hybrid": "left", "BERT": "both"}
limits, floor = {}, {}
for blank, position in BLANKS.items():
    limits[blank] = {kind: best[blank][side] for kind, side in SIGHT.items()}
    floor[blank] = language.exam[:, position].bincount().max().item() / len(language.exam)
picture = score_chart(scores, limits, rule={"and / but": {"ELMo": 15 / 16}}, floor=floor)

# %% tags=["check:floor"]
# checked: what always the more frequent word gets; with chains that know the language our rule gets 15/16 of the links, and all of the other two
assert floor == {"a / an": 0.5, "and / but": 0.625, "it / them": 0.5}
for blank, position in BLANKS.items():
    word_is = torch.eye(26, dtype=torch.double)[language.ids[:, position]] * language.times[:, None]
    product_of_two = 1 / word_is.sum(dim=0).clamp(min=1)
    for side in (range(position), range(position + 1, 12)):
        context = language.alike(side)
        product_of_two = product_of_two * torch.zeros_like(word_is).index_add(0, context, word_is)[context]
    named_correctly = (product_of_two.argmax(dim=1) == language.ids[:, position]) * language.times
    assert named_correctly.sum() / language.times.sum() == (15 / 16 if blank == "and / but" else 1)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Grey bars: the best possible in one pass, for what a reader may see. Dots: its runs. Dotted: always the more frequent word. Go blank by blank. *it / them*: only the left is needed. *a / an*: readers that look only back toss a coin. *and / but*: ELMo stops at 0.94, the best that our rule allows; the
# slide behind the summary says why. The hybrid is the control: with BERT's objective it stops at GPT's ceiling. Of BERT's four runs three reach 1.00; why one does not, we do not know.

# %% [markdown]
# Each dot is a run. The grey bar is the best that is possible in one pass for what this reader may see. The dotted line is what you get by always saying the more frequent word. Blank by blank:
#
# - *it / them* needs only the left, and every reader has it.
# - *a / an* needs the right. Readers that look back get 0.50, their best possible: they know that *a* or *an* stands here, and not which. ELMo and BERT get 1.00.
# - *and / but* needs both. Readers that look back reach 0.75, their best possible. ELMo stops at 0.94, though it has seen both verbs. The dashed line is why: once the link is known, one verb tells the other. So our rule is not exact, and even chains that know the language get no more than 15/16 with it (the optional section at the end).
#
# In our run three of BERT's four reach 1.00, and one ends at 0.94. (On other hardware the number may differ; four runs give no rate.) It is wrong in the same sentences as ELMo, where both verbs are *hates*. For ELMo our rule forces that; for this BERT we do not know why.
#
# The hybrid stops where GPT stops, though it was trained on hidden words: the ceiling, counted in section 2, goes with what may be seen.

# %% [markdown]
# ## 7. Why not train BERT on the next word?
#
# Nothing would be hidden, and there would be eleven tokens to name instead of two. So we let every word look at every word, and ask for the next one. We call this reader *leaky*. What loss can a reader that sees only the words before expect at best? We know the language, so we can say: the
# average of $-\ln p(\text{next word} \mid \text{words so far})$ over the language, which is 0.62 nats. Where will the leaky reader's loss end?

# %%
guess = None  # the loss of the leaky reader

# %% tags=["timing", "nbval-ignore-output"]
leaky = new_reader("leaky", language)
train_reader(leaky, language.reading, steps=500, learning_rate=0.01)
with torch.inference_mode():
    leaky_loss, gpt_loss = leaky.loss(language.exam).item(), trained["GPT", 0].loss(language.exam).item()
print(f"best from the words before: {language.best_loss():.2f}")
print(f"GPT on the exam:            {gpt_loss:.2f}")
print(f"leaky on the exam:          {leaky_loss:.2f}   your guess: {guess}")

# %% tags=["check:leaky-loss"]
# checked: the leaky reader's loss is far below what is possible, GPT's is not
assert leaky_loss < 0.005 and language.best_loss() < gpt_loss < 1.1 * language.best_loss()
assert round(language.best_loss(), 2) == 0.62

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Every word sees every word, and names the next
#
# *a critic ___*: the next word is *loves* or *hates*.
#
# A reader that sees only the words before can expect a loss of 0.62 a word at best. What will this one get?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | | loss on the exam |
# | --- | --- |
# | best from the words before | 0.62 |
# | GPT | 0.65 |
# | this one | **0.00** |
#
# How could we show that it cheats?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# Change *loves* to *hates* in the text: now it names *hates*. GPT names *loves* both times.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Too good to be true is a finding, too. Collect ideas how to show that it cheats before the last click: change the next word, and see whether the answer changes with it.

# %% [markdown]
# Far better than the words before allow: it **leaks**. The answer stands one position to the right, where it may look. We can catch it in the act. Change the first verb, and nothing else, and ask the output of *critic*, position 2, for the next word:

# %% tags=["timing", "nbval-ignore-output"]
said = {}
for verb in ("loves", "hates"):
    text = language.encode(f"a critic {verb} the film but an actor hates it")
    for name, reader in {"GPT": trained["GPT", 0], "leaky": leaky}.items():
        vectors = reader(text[None])[0]  # a batch of one text, and of its result the first
        said[name, verb] = language.words[reader.scores(vectors[2]).argmax()]
    print(f"a critic {verb}: GPT names {said['GPT', verb]}, leaky names {said['leaky', verb]}")

# %% tags=["check:caught-naming"]
# checked: what the leaky reader names goes with the word that it has to name; what GPT names does not
assert said["GPT", "loves"] == said["GPT", "hates"] == "loves"
assert said["leaky", "loves"] == "loves" and said["leaky", "hates"] == "hates"

# %% [markdown]
# GPT says *loves* both times, the more frequent verb. The leaky reader says what is written there. (The second text breaks the rules, on purpose: from *but* and *hates* one would infer *loves*. Only who copies says *hates*.) And derivatives show which outputs depend on the very word that they have to name:

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The leak, by derivatives

# %% tags=["nbval-ignore-output", "timing"] slideshow={"slide_type": "-"}
caught = {}
for name, reader in {"GPT, trained": trained["GPT", 0], "leaky, trained": leaky}.items():
    caught[name] = who_sees_whom(reader.read, reader.embed(sentence).detach())
picture = dependence_grid(caught, [language.words[number] for number in sentence], outlined=1)  # 1: one right of the diagonal

# %% tags=["check:caught"]
# checked: a trained GPT has the zeros of an untrained one; all outputs of the leaky reader, trained or not, depend on the next word
assert torch.equal(caught["GPT, trained"] == 0, above) and (caught["leaky, trained"].diagonal(1) > 0).all()
fresh = new_reader("leaky", language)
assert (who_sees_whom(fresh.read, fresh.embed(sentence).detach()).diagonal(1) > 0).all()

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The outlined cells are each output and the word that it has to name, such as the output at *critic* and the input *loves*. Light on the left, dark on the right. That is the leak.

# %% [markdown]
# The outlined cells are each output and the word that it has to name. In GPT these 11 cells are light, after training as before. In the leaky reader all are dark.
#
# ### Four readers in one table
#
# Two attention masks, two objectives: that makes four readers, and all four are trained now. We compare the first run of each on the words that it is trained to name:


# %% tags=["timing", "nbval-ignore-output"]
four = {"GPT": trained["GPT", 0], "leaky": leaky, "hybrid": trained["hybrid", 0], "BERT": trained["BERT", 0]}
own_loss = {}
for name, reader in four.items():
    with torch.inference_mode():  # each exam sentence four times; the seed hides the same words from both
        own_loss[name] = reader.loss(language.exam.repeat(4, 1), torch.Generator().manual_seed(0)).item()
    print(f"{name:6} loss {own_loss[name]:.2f}")

# %% tags=["check:four"]
# checked: the losses of the drawing, nearly, and its shares of the links in all runs
from bertnotes.pictures.drawings.page04 import FOUR

for name, result, loss in FOUR.values():
    assert abs(own_loss[name] - float(loss.removeprefix("loss: ").split(",")[0])) < 0.02
    if name != "leaky":
        runs_there = sum(abs(one - float(result.split()[1])) < 0.02 for one in link_scores[name])
        assert abs(runs_there - (3 if "3 of 4" in result else RUNS[name])) <= (name == "BERT")
assert own_loss["hybrid"] - own_loss["BERT"] > 0.2

# %% tags=["check:best-hidden"]
# checked: the lowest losses that one can expect, for hidden words over all ways to hide them; they are those of the drawing
from itertools import product


def best_hidden(both_sides, rate=0.2, total=0.0):
    for at in range(1, 11):
        others = [other for other in range(1, 11) if other < at or (both_sides and other > at)]
        for hides in product((True, False), repeat=len(others)):
            seen_words = [other for other, is_hidden in zip(others, hides, strict=True) if not is_hidden]
            total += rate ** sum(hides) * (1 - rate) ** len(seen_words) * language.surprise(at, seen_words) / 10
    return total


at_best = {"GPT": language.best_loss(), "hybrid": best_hidden(False), "BERT": best_hidden(True)}
assert all(f"at best {at_best[name]:.2f}" in loss for name, _, loss in FOUR.values() if name != "leaky")

# %% tags=["check:best-by-hand"]
# checked: the same by hand, word by word
two, nouns = log(2), 2 * (0.8 * log(6) + 0.2 * log(12))
verb_cost, link_cost = -0.75 * log(0.75) - 0.25 * log(0.25), -5 / 8 * log(5 / 8) - 3 / 8 * log(3 / 8)
told_by_link = (
    0.16 * (2 * verb_cost - link_cost) + 0.2 * verb_cost
)  # a verb: its link seen and not the other verb; no link seen
from_both = 4 * 0.2 * two + nouns + 2 * told_by_link + 0.32 * verb_cost + 0.04 * link_cost
from_left = 2 * two + nouns + verb_cost + told_by_link + 0.8 * verb_cost + 0.2 * link_cost + two + 0.2 * two
assert abs(at_best["BERT"] - from_both / 10) < 1e-5 and abs(at_best["hybrid"] - from_left / 10) < 1e-5
assert [round(at_best[name], 2) for name in ("GPT", "hybrid", "BERT")] == [0.62, 0.74, 0.5]
assert 0.235 < at_best["hybrid"] - at_best["BERT"] < 0.245 and nouns / from_both > 0.7

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Four readers in one table
#
# ![Attention mask by objective. GPT: 0.75 of the links, loss 0.65, at best 0.62. Hybrid: 0.75, 0.76, 0.74. Leaky: copies the answer, loss 0.00. BERT: 1.00 in 3 of 4 runs, 0.51, 0.50](figures/04_four.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** One thing at a time. Right column, downwards: the same hidden words, but the right side may be seen: 0.76 becomes 0.51. Left column, downwards: the answer may be seen, and is copied. Upper row: another objective, the same ceiling, so the exam cannot tell the two apart. Leaky takes no exam: what it learned is to copy the
# word, and in the exam that word is hidden.

# %% [markdown]
# ![Attention mask by objective. GPT: 0.75 of the links, loss 0.65, at best 0.62. Hybrid: 0.75, 0.76, 0.74. Leaky: copies the answer, loss 0.00. BERT: 1.00 in 3 of 4 runs, 0.51, 0.50](figures/04_four.svg)
#
# "At best" is the lowest loss that one can expect; for hidden words, on average over all ways to hide them. One step at a time:
#
# - **Right column.** The hybrid and BERT name the same hidden words. BERT also sees the right side: its loss is 0.51 instead of 0.76. At best the right side is worth $0.74 - 0.50 = 0.24$ nats a hidden word.
# - **Left column.** Without GPT's attention mask the loss falls to nearly nothing, since the answer is among the words that may be seen. (Leaky takes no exam, where the word that it copies would be hidden.)
# - **Upper row.** With the same attention mask both objectives reach its ceiling, 0.75. So this exam cannot tell which objective is the better.
#
# BERT's 0.51 is mostly the nouns: with its article in view a person is still one of six, and no other word tells which.
#
# ### All but the next word?
#
# So the trouble is that each position can see the word that it has to name. Suppose that we forbid only that: each position may look everywhere, except at the next word.
#
# ![Five words, two layers. Step 1: critic has to name loves and may not look at it](figures/04_leak_1.svg)
#
# We build it with one layer and with two. In how many of the 11 outputs is there a leak?

# %%
guess = None  # two numbers of outputs, such as (3, 7)

# %%
all_but_next = j != i + 1  # the mask of section 3, with another line
for layers in (1, 2):
    blind = new_reader("all but the next", language, num_layers=layers)  # untrained: a path is there or not
    next_cells = who_sees_whom(blind.read, blind.embed(sentence).detach()).diagonal(1)  # one right of the diagonal
    print(f"layers: {layers}   {(next_cells > 0).sum().item():2} of 11 depend on the word to be named")
print("your guess:", guess)

# %% tags=["check:two-hops"]
# checked: all leak with two layers and none with one; the mask is the reader's, and times itself it is full
assert (next_cells > 0).all() and torch.equal(blind.mask(12), all_but_next)
one = new_reader("all but the next", language, num_layers=1)
assert torch.equal(who_sees_whom(one.read, one.embed(sentence).detach()) == 0, ~all_but_next)
assert ((all_but_next.double() @ all_but_next.double()) > 0).all()

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Vote: forbid only the next word?
#
# In how many of 11 outputs is a leak: with one layer? With two?
#
# ![Five words, two layers. Step 1: critic has to name loves and may not look at it](figures/04_leak_1.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Collect both numbers: none, and all 11. Then let somebody come to the board and find the way. There are three: over *a*, over *the*, over *film*. Not over *loves*: *critic* may not look there in the second layer either.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## First hop: *the* looks at *loves*
#
# ![Step 2: in the first layer the looks at loves and takes some of it along](figures/04_leak_2.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Nothing forbids *the* to look at *loves*: it has to name *film*.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Second hop: *critic* looks at *the*
#
# ![All steps: loves reaches critic over the, in two hops](figures/04_leak.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Two hops, from *loves* to *the* and from *the* to *critic*. One layer: no leak in any of the 11. Two layers: a leak in all.

# %% [markdown]
# None with one layer, all with two. Can you find the way from *loves* to the output of *critic*?
#
# <details><summary>A way</summary>
#
# ![All steps: loves reaches critic over the, in two hops](figures/04_leak.svg)
#
# In the first layer *the* looks at *loves*, which nothing forbids. In the second *critic* looks at *the*, and finds some of *loves* there. Devlin et al. (2019, section 3.1) put it like this: looking both ways
# "would allow each word to indirectly 'see itself'".
#
# </details>

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Click it through: choose a word and a rule

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
play("leak")

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** First *all but the next*, step by step. Then *only back*: the word never arrives. Then *hidden in the text*: there is nothing to carry. Ask for a word that
# *all but the next* keeps secret for two layers: in a sentence of five there is none.

# %% [markdown]
# **Play with it.** Click the word that is to be named (any but the first), then go step by step. Which positions hold some of it after one layer, which after two? Change the rule: when does it never
# arrive?
#
# <details><summary>What we found</summary>
#
# With *all but the next* only the position that has to name it is without it after the first layer, and none after the second. With *only back* the word moves to the right only. With *hidden in the text* there is nothing to carry.
#
# </details>

# %% [markdown]
# ## 8. Four ways out, and what each costs
#
# ![Four tables of who looks at whom, with costs. ELMo: two chains. GPT: look back only. BERT: MASK in the text. XLNet: another order](figures/04_ways.svg)
#
# - **Two chains, each scored on what it cannot see** (ELMo). All words reach the output of *critic*, and yet nothing leaks: the forward chain alone names the next word, the backward chain alone the one before. Costs: in pre-training the two sides never meet.
# - **Look back only**, in every layer (GPT, an *autoregressive* model). Costs: in one pass, the right side.
# - **Take the word out of the text** (BERT, a *masked* language model). What is not there cannot be copied. (The real BERT leaves some of the chosen words in: page 06.) Costs: few words to name in a text, each guessed without the others; and `[MASK]`, a token that the texts of later tasks do not have.
# - **Go by another order** (XLNet, Yang et al. 2019). For each text an order of its positions is drawn, and a word is named from those
#   earlier *in that order*, wherever they stand. The first is named from nothing but its position. Costs: more to compute. A second set of vectors must know each position, but not its word.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Four ways out, and what each costs
#
# ![Four tables of who looks at whom, with costs. ELMo: two chains. GPT: look back only. BERT: MASK in the text. XLNet: another order](figures/04_ways.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Ask of each table: can the word to be named reach the row that names it, in any number of layers? Mind which word a row names: it stands under each table. In ELMo each chain is scored alone, so it does not matter that both together have seen all. In GPT and XLNet no path leads against the order; in BERT there is nothing to
# carry. XLNet's row names its own word, so its diagonal is light; a second set of vectors makes that possible.

# %% [markdown]
# Is GPT blind to the right, then? Only in one pass that stops at the blank. It can also compare **finished** sentences: we fill in *and*, we fill in *but*, and GPT works out how probable each whole sentence is, the product of the probabilities of its words. We take the more probable one. That takes a pass for each word that we try, here two.
# What share of the links does it get right?

# %%
guess = None  # a share between 0 and 1

# %% tags=["timing", "nbval-ignore-output"]
gpt, links = trained["GPT", 0], [language.number["and"], language.number["but"]]
chances = []
for link in links:
    filled = language.exam.clone()
    filled[:, 6] = link  # the link's position
    with torch.inference_mode():
        chances.append(gpt.log_probability(filled))  # the logarithm of the product, for each sentence
more_probable = torch.where(chances[0] > chances[1], links[0], links[1])
finished = (more_probable == language.exam[:, 6]).double().mean().item()
print(f"one pass: {scores['and / but']['GPT'][0]:.2f}; finished sentences: {finished:.2f}; your guess: {guess}")

# %% tags=["check:finished"]
# checked: with finished sentences both GPTs get nearly all links, far more than the 0.75 of a single pass
shares = [library.accuracy_of_finished(trained["GPT", seed], language.exam, 6, links) for seed in (0, 1)]
assert min(shares) > 0.985 and shares[0] == finished and abs(scores["and / but"]["GPT"][0] - 0.75) < 0.02

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Is GPT blind to the right?
#
# We fill in both links. Which of the two sentences does GPT find more probable?
#
# - *a critic hates the film* **and** *an actor hates it*
# - *a critic hates the film* **but** *an actor hates it*
#
# In one pass it named 0.75 of the links. Vote: how many now?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | *and* or *but*? | named correctly |
# | --- | --- |
# | one pass, up to the blank | 0.75 |
# | a pass for each finished sentence | **1.00** |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** After *but* GPT does not expect a second *hates*, so the wrong sentence gets a low probability. The attention mask limits one pass, not what can be done with a model.

# %% [markdown]
# After a wrong link GPT does not expect the second verb, and so the wrong sentence is less probable. An attention mask limits what is seen in **one pass**.
#
# And GPT can **write**. It gives a probability to each next word, we draw one, add it, and go on. Our trained GPT writes 200
# texts:

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## GPT writes
#
# Draw the next word by its probabilities, add it, go on. Three of 200 texts:

# %% tags=["timing", "nbval-ignore-output"] slideshow={"slide_type": "-"}
written = torch.zeros(200, 1, dtype=torch.long)  # 200 texts that so far are only [CLS], which is word number 0
torch.manual_seed(0)
with torch.inference_mode():
    for _ in range(11):  # ten words and [SEP]
        probabilities = gpt.next_word(written).softmax(dim=-1)  # a row for each text, a column for each word
        drawn = torch.multinomial(probabilities, 1)  # one word for each text, drawn by these probabilities
        written = torch.cat([written, drawn], dim=1)
print(*(language.decode(text) for text in written[:3]), sep="\n")

# %% tags=["check:written"]
# checked: it writes 200 texts of the language's own words, and the three on the page are sentences of it
assert written.shape == (200, 12) and language.number["[MASK]"] not in written
assert all((language.ids == text).all(dim=1).any() for text in written[:3])

# %% [markdown] slideshow={"slide_type": "-"} tags=["slide-only"]
# How many of the 200 are sentences of the language? How many of these did it never read?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | of 200 texts | GPT | a perfect writer |
# | --- | --- | --- |
# | sentences of the language | 197 | all |
# | of these new | 73 of 197 | one half on average |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let the class guess both numbers before the next click. A reader that had only learned its sentences by heart would write nothing new. For a perfect writer half would be new on average, as half of the language, 2,304 of 4,608, was set aside. By its probabilities it is 41 % for this GPT.

# %% [markdown]
# How many of the 200 are sentences of the language? And how many of these are *new*, sentences that it never read?

# %%
guess = None  # two numbers, such as (100, 10)

# %% tags=["timing", "nbval-ignore-output"]
belong, read = ({tuple(ids) for ids in part.tolist()} for part in (language.ids, language.reading))
correct = [text for text in written.tolist() if tuple(text) in belong]
new = [text for text in correct if tuple(text) not in read]
print(f"in the language: {len(correct)} of 200; of these new: {len(new)};   your guess: {guess}")
unread = torch.tensor([tuple(ids) not in read for ids in language.ids.tolist()])
with torch.inference_mode():
    chance = gpt.log_probability(language.ids).exp()  # how probable each sentence of the language is
print(f"by probability: in the language {chance.sum():.2f}; of these new {chance[unread].sum() / chance.sum():.2f}")
wrong = [text for text in written.tolist() if tuple(text) not in belong]
print("not in the language:", *(" ".join(language.words[number] for number in text) for text in wrong), sep="\n")

# %% tags=["check:writes"]
# checked: nearly all that it writes is in the language, and in most of the rest (which differs between processors) the link is wrong, or [CLS] or [SEP] is inside; a perfect writer's sentences would be new in one half, this one's are less often;
# what it drew agrees with its probabilities, within three standard errors
share, p = len(new) / len(correct), (chance[unread].sum() / chance.sum()).item()
assert len(correct) > 180 and abs(len(correct) / 200 - chance.sum()) < 0.05 and 0.3 < p < 0.48
link_or_mark = [(language.words[text[6]] == "and") != (text[3] == text[9]) or bool({0, 1} & set(text[1:-1])) for text in wrong]
assert 2 * sum(link_or_mark) >= len(wrong)  # the verbs are at 3 and 9, the link at 6
assert abs(share - p) < 3 * (p * (1 - p) / len(correct)) ** 0.5 and len(language.exam) / language.times.sum() == 1 / 2

# %% [markdown]
# Half of what is written in this language, 2,304 of 4,608, was set aside. So half of a perfect writer's sentences would be new on average, and none of those of a reader that had only learned by heart. Ours are
# between. The line "by probability" weighs all sentences of the language by how probable GPT finds them: 41 % are new.
#
# Last come the texts that are wrong. What is wrong in each?
#
# <details><summary>What we found</summary>
#
# In two the link does not go with the two verbs. In one `[SEP]` stands where the link belongs. (On another processor it may write others.)
#
# </details>
#
# Chatbots write like this, piece by piece. BERT was trained for something else: to name hidden words, with both sides given. Our exam asks the same: it is BERT's home game.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - **What a word may see, along every path through the layers, decides what a model can be asked in training without copying the answer.**
# - Derivatives measure who sees whom: where no path leads, they are 0.
# - ELMo has both sides, in two halves. Its pre-training never asks to combine them.
# - A reader that sees all words copies the next one. With *all but the next*, a path is open again, in two hops. So BERT's words are hidden.
# - In our language the right side is worth 0.24 nats a hidden word: at best 0.50 instead of 0.74.
# - An attention mask limits one pass. GPT can compare finished sentences, and write.
#
# **Next:** page 05 opens the real BERT, layer by layer.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Close the lid: who can draw the two hops from memory? The exercises begin with four masks on paper.

# %% [markdown]
# ## Optional: why does ELMo stop at 0.94?
#
# *a critic **hates** the film ___ an actor **hates** it.* The link is *and*. But a chain that sees one *hates* expects that the other verb is *loves*, and so says *but*, with a
# probability of about 3/4. Both chains do so. Our rule multiplies them, and divides by the shares of all links, 5/8 and 3/8, as if the verbs were independent once the link is known. They are not: with *and*, one verb fixes the other.
#
# ![Bars. The left half: and 1/4, but 3/4. The right half the same. Multiplied and divided by the shares 5/8 and 3/8: and 0.1, but 1.5. So but is 15 times as likely, though and is the link](figures/04_product.svg)
#
# The two results are not probabilities yet: they do not sum to 1. Only their ratio counts: *but*, 15 to 1. So ELMo is wrong in every sentence with two *hates*. These are $1/4 \cdot 1/4 = 1/16$ of all, and all others come out
# correct: 15/16 = 0.94 of the links.
#
# Do the two guesses together still tell the link? We count:

# %% tags=["timing", "nbval-ignore-output"]
from_left, from_right = trained["ELMo", 0].two_guesses(language.exam, 6)
three = zip(from_left.argmax(dim=-1), from_right.argmax(dim=-1), language.exam[:, 6], strict=True)
found = Counter(tuple(language.words[number] for number in row) for row in three)
for (one_says, other_says, link_is), times in sorted(found.items()):
    print(f"forwards says {one_says}, backwards says {other_says}: the link is {link_is} {times} times")

# %% tags=["check:product"]
# checked: the sum on paper, all four cases of the product, and of both runs what the halves say and that their pair tells the link
from bertnotes.pictures.drawings.page04 import product_of

assert (3 / 4) ** 2 + (1 / 4) ** 2 == 5 / 8 and abs(product_of("but", "but")["but"] - 15 / 16) < 1e-9
assert min(product_of("and", "and")["and"], product_of("and", "but")["but"], product_of("but", "and")["but"]) > 0.5
for seed in range(RUNS["ELMo"]):
    guessed = trained["ELMo", seed].guess(language.exam[hate], 6).argmax(dim=-1)
    halves = trained["ELMo", seed].two_guesses(language.exam[hate], 6)
    assert (guessed == language.number["but"]).double().mean() > 0.9
    assert all(0.65 < half.exp()[:, language.number["but"]].mean() < 0.85 for half in halves)
    one, other = (half.argmax(dim=-1) for half in trained["ELMo", seed].two_guesses(language.exam, 6))
    assert ((one == other) == (language.exam[:, 6] == language.number["and"])).double().mean() > 0.99
assert sum(times for (one, other, link_is), times in found.items() if (one == other) == (link_is == "and")) > 0.99 * len(
    language.exam
)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Extra: why ELMo stops at 0.94
#
# Our rule takes left and right for independent once the link is known. But *and* makes the verbs the same.
#
# ![Bars. The left half: and 1/4, but 3/4. The right half the same. Multiplied and divided by the shares 5/8 and 3/8: and 0.1, but 1.5. So but is 15 times as likely, though and is the link](figures/04_product.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **0 minutes.** Only if asked. The rule: left times right, divided by how frequent the word is. The results are not normalised, hence 1.5; the ratio is 15 to 1. Sentences with two *hates* are 1 in 16, so 15 in 16 are named correctly. The two guesses together would still tell the link: both *but* means *and*.

# %% [markdown]
# The same guess twice, and the link is *and*; two different guesses, and it is *but*. In this language, then, **the information is in the two halves, and the rule that joins them loses it**. The rule was ours, not ELMo's. But ELMo's pre-training never asks for
# anything that needs both sides at once; a model on top of it has to learn to combine them. BERT's pre-training asks for it whenever a hidden word depends on both sides.

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# Work in the copy of the [exercises](exercises/04.ipynb) in `notebooks/my`. Three are for paper; the others are functions of a few lines.

# %% tags=["exercises"]
import torch

from bertnotes.exercises import check, hint, solution  # noqa: F401

# %% [markdown] tags=["exercise:whose_mask"]
# ### Whose mask is it? · ● · 4 minutes
#
# ![Four masks, A to D, of six words: which cells are dark is for you to read](../figures/04_whose.svg)
#
# Four masks: a dark cell means that the word of the row may look at that of the column. Whose is each? 1 = GPT, 2 = a reader that looks only
# forward (at itself and the words after it), 3 = BERT, 4 = all but the next word. Give the four digits for A, B, C and D as one number, such as 1234.

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

# %% [markdown] tags=["exercise:leaks"]
# ### A leaky reader found out · ● · 4 minutes
#
# `table` is (position, position) of numbers, how much the output of the row depends on the input of the column. A dependence can be tiny; 0 = not at all. The reader is trained to name the **next** word. Which
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
# The last position has no next word, so there is one answer fewer than positions. If any is True, a low loss on the next word proves nothing.

# %% [markdown] tags=["exercise:hidden_too"]
# ### Hidden, and its witnesses too · ● · 5 minutes
#
# In the exam one word is hidden. In the training of our BERT each word is hidden with a chance of 20 %, each by itself. Suppose that the link is hidden. How often can it be named at best? With both verbs in view: always. With
# one verb in view: 0.75. With none: say *and*, 5/8. What share of hidden links is that in all? Three digits after the point. First predict: above 0.9, or below?

# %% [markdown] tags=["hint:hidden_too"]
# Both verbs are in view with a chance of $0.8 \cdot 0.8$, none with $0.2 \cdot 0.2$.

# %% [markdown] tags=["hint:hidden_too"]
# Exactly one is in view with $2 \cdot 0.8 \cdot 0.2$: it can be the first or the second. Now multiply each chance by what can be named then, and add the three.

# %% tags=["exercise:hidden_too"]
# solution
answer = 0.64 * 1 + 0.32 * 0.75 + 0.04 * 5 / 8
# instead:
# answer = None  # your number
# end of solution

check("hidden_too", answer)

# %% [markdown] tags=["reason:hidden_too"]
# $0.64 \cdot 1 + 0.32 \cdot 0.75 + 0.04 \cdot 0.625 = 0.905$. So even a perfect BERT cannot name each hidden link in training: what it needs may be hidden, too. Hide 50 %, and it is $0.25 + 0.375 + 0.156 = 0.781$.

# %% [markdown] tags=["exercise:finish"]
# ### Fill in each word, keep the best · ●● · 7 minutes
#
# `log_probability` is a function such as that of the page's GPT: from texts, (batch, position) of ids, it makes the logarithm of the probability of each whole text, (batch,). The word at position `at` is
# unknown. Try each id of the list `words` there, and return for each text the id that makes the text most probable: (batch,). Leave `texts` as they are.

# %% [markdown] tags=["hint:finish"]
# `filled = texts.clone()` is a copy. `filled[:, at] = word` writes the same id into each text. One call of `log_probability` for each word that you try.

# %% [markdown] tags=["hint:finish"]
# `torch.stack` of the results has the shape (words, batch). `.argmax(dim=0)` says for each text *which of the words tried* is best: 0, 1, ... You need its id: `torch.tensor(words)[...]`.


# %% tags=["exercise:finish"]
def finish(log_probability, texts, at, words):
    """The id among words that makes each text most probable at this position: (batch,)."""
    # solution
    found = []
    for word in words:
        filled = texts.clone()
        filled[:, at] = word
        found.append(log_probability(filled))
    return torch.tensor(words)[torch.stack(found).argmax(dim=0)]
    # end of solution


check("finish", finish)

# %% [markdown] tags=["reason:finish"]
# A reader that looks only back can use what stands on the right in this way: a wrong word makes the words after it improbable. With 26 words to try it takes 26 passes, with a real vocabulary tens of thousands. BERT names a hidden word in one.

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
# The product of the mask with itself counts, for each pair, the ways of two hops. With *all but the next*, and three words or more, it is full: that is the leak. The product of the causal mask with itself is causal again, however often you
# multiply.

# %% [markdown] tags=["exercise:sees"]
# ### Who sees whom, without derivatives · ●●● · 10 minutes
#
# `read` takes the ids of a text, (position,), and returns a vector for each position, (position, size). Ids are whole numbers, so there is no derivative by them. Find out who sees whom by swapping words: return (position, position) of bool, True where *some* other word at the
# column's position changes the row's output, however little. The vocabulary has the ids 0 to `count - 1`. Your function has to work for any `read`: the check hands in readers that you do not know. One is given here to try it on.

# %% [markdown] tags=["hint:sees"]
# One swap: `swapped = ids.clone()`, then `swapped[column] = word`. Which outputs differ? `(read(swapped) != read(ids)).any(dim=1)`: one answer for each row.

# %% [markdown] tags=["hint:sees"]
# Two loops: over the columns, and over all words. A single swap can happen to change nothing. So for each column collect the rows that changed with *any* word, by `|` (or).


# %% tags=["exercise:sees"]
def read(ids):  # a reader to try: each output is the sum of the ids up to there. What will sees(read, ...) say?
    return ids.cumsum(dim=0)[:, None].float()


def sees(read, ids, count):
    """True where some other word at the column's position changes the output of the row: (position, position)."""
    # solution
    found = torch.zeros(len(ids), len(ids), dtype=torch.bool)
    for column in range(len(ids)):
        for word in range(count):
            swapped = torch.where(torch.arange(len(ids)) == column, word, ids)
            found[:, column] |= (read(swapped) != read(ids)).any(dim=1)
    return found
    # end of solution


check("sees", sees)

# %% [markdown] tags=["reason:sees"]
# Where no path leads from a position to an output, no swap changes it. Where no swap changes it there may still be a path: these are swaps in *one* text, and in another the word may matter. To look for a leak in a reader that names the next word: `leaks(sees(read, ids, count))`.

# %% [markdown]
# ## Sources
#
# - Peters, Neumann, Iyyer, Gardner, Clark, Lee, Zettlemoyer (2018). *Deep Contextualized Word Representations.* ELMo. arXiv:1802.05365
# - Radford, Narasimhan, Salimans, Sutskever (2018). *Improving Language Understanding by Generative Pre-Training.* GPT.
# - Devlin, Chang, Lee, Toutanova (2019). *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* Section 3.1; appendix A.4 compares the three. arXiv:1810.04805
# - Yang, Dai, Yang, Carbonell, Salakhutdinov, Le (2019). *XLNet: Generalized Autoregressive Pretraining for Language Understanding.* arXiv:1906.08237
# - Hochreiter, Schmidhuber (1997). *Long Short-Term Memory.* Neural Computation 9(8)
