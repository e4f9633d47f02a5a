# %% [markdown] question="Who may see whom, and what follows from it?"
# # 04 · ELMo, GPT, BERT: who may see whom
#
# **The question:** three famous models learn from plain text. Each turns a word into a vector, and other words go into it. Which words
# may each word see, and what follows from it?
#
# ![Arrows from words to outputs. ELMo: a chain to the right and a chain to the left, which do not meet before the top. GPT: each word looks at itself and back. BERT: each word looks at all words](figures/04_panels.svg)
#
# We build a small reader of each kind, look at who sees whom, train them all on one small language, and give them an exam whose best
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
# **2 minutes.** Do not explain yet. Ask: which circles at the bottom reach the black circle at the top, and by which way? The next three slides take the
# panels one by one.
#
# The deck takes about 42 minutes. The slide behind the summary is for the question why ELMo stops at 0.94.

# %%
import torch

from bertnotes.pictures.charts import dependence_grid, score_chart
from bertnotes.pictures.play import play

# %% [markdown]
# ## 1. Three ways to read
#
# Follow the strong arrows from the bottom to the black circle at the top, the output of *critic*. We start with the oldest of the three, **ELMo** (Peters et al. 2018).
#
# ![ELMo lit: one chain carries a and critic to the right, another carries films, loves and critic to the left; the output of critic takes both](figures/04_panels_elmo.svg)
#
# ELMo's layers are **LSTMs**, a kind of recurrent network (page 02): an LSTM reads word by word and carries along a
# memory of what came so far. One chain (slate) reads forwards, the other (magenta) backwards. We draw one layer of each; ELMo has two. Where do the chains meet?
# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## ELMo: two chains
#
# ![ELMo lit: one chain carries a and critic to the right, another carries films, loves and critic to the left; the output of critic takes both](figures/04_panels_elmo.svg)
# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Trace *films* to the output of *critic* with a finger, then *a*. Ask: where could something that knows both *a* and *films* be computed?
# Only above the two chains. (The magenta chain stands above the slate one to keep the arrows apart; it is no second layer.)
# %% [markdown]
# Not inside the chains: no state of either chain knows both sides. Only afterwards the two states of a layer are laid end to end. (The real ELMo does so in each layer, and the model
# that uses it takes a weighted sum of the layers. We keep the top layer.) Devlin et al. (2019) call this a **shallow concatenation** of two **language models**: models that name the next word of a text, or here also the word before. ELMo's vectors are then fed to another model, which is trained for a task.
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
# **BERT** (Devlin et al. 2019) is a Transformer without that mask: every word looks at every word, in every layer.
#
# ![BERT lit: in each of two layers critic takes from all four words](figures/04_panels_bert.svg)
#
# In these two panels a colour says where an arrow starts: slate at *critic* or left of it, magenta right of it. In BERT left and right meet in the first layer already, and each arrow of the second layer, slate or magenta, can carry some of both. Hence
# **B**idirectional **E**ncoder **R**epresentations from **T**ransformers. But how do you *train* a model that sees every word? Section 7 runs into that wall.
#
# Two words look alike here. An **attention mask** says who may look at whom. `[MASK]` is a token that stands in the text for a hidden word: BERT has it, and no causal attention mask.
#
# GPT and BERT differ in more than the arrows. GPT learns to name the next word. BERT learns to name hidden words, and to say whether one sentence follows another. BERT also read more text, in
# larger batches (Devlin et al. 2019, appendix A.4). Our small copies share text, vocabulary and batches, and leave the two-sentence task out. So two things differ between our GPT and our BERT: the direction, and
# the **objective**, what a model is trained to do. Section 5 pulls those two apart as well.
# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## BERT: all, in every layer
#
# ![BERT lit: in each of two layers critic takes from all four words](figures/04_panels_bert.svg)
# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Left and right meet in the first layer. Ask: if every word sees every word, what can you ask such a model in training that it cannot
# simply copy? Leave the question open.
# %% [markdown]
# ## 2. A language that we know all about
#
# To judge readers we want an exam whose best possible score is known. For English nobody knows it. So we make up a language of sentences
# like *a critic loves the films but an actor hates them*. A sentence has two people, each one of twelve, two verbs, each one of two, and *film* or *films*:
# $12 \cdot 2 \cdot 2 \cdot 12 \cdot 2 = 1152$ sentences. Three rules decide the other words:
#
# - **a / an** depends on the noun after it;
# - **it / them** depends on *film* or *films*, before it;
# - **and / but** depends on two words, one on each side: *and* if the two verbs are the same, *but* if they differ.
#
# People here love films three times as often as they hate them. So a sentence is written once, and three times as often for each *loves* in it: 1, 3 or 9 times.
# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## A language that we know all about
#
# *a critic loves the films but an actor hates them*
#
# | blank | depends on |
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
from bertnotes.tiny_language import TinyLanguage, new_reader

language = TinyLanguage()
for number in (2, 37, 727):  # one sentence of each kind
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
# Half of the sentences are set aside for the exam, and no reader trains on them. Articles, verbs and links are as frequent there as in
# the language.
#
# How often can *anybody* name a hidden word? We know every sentence and how often it is written. So for each **context**, the words that are seen around the blank, we count which words
# stand in the blank. The best anyone can do is to say the word that is most frequent in this context. Take **and / but**, seen from the left: the first verb is
# *loves* or *hates*. In what share of all sentences can the link be named at best?

# %%
guess = None  # a share between 0 and 1

# %%
counts = {"loves": {"and": 0, "but": 0}, "hates": {"and": 0, "but": 0}}
for ids, times in zip(language.ids, language.times.tolist(), strict=True):
    text = language.decode(ids).split()
    counts[text[2]][text[5]] += times  # text[2]: the first verb, text[5]: the link
print(counts)
right = counts["loves"]["and"] + counts["hates"]["but"]  # the larger number after each verb
total = language.times.sum().item()
print(f"best from the left: {right:,} of {total:,} = {right / total:.2f}    your guess: {guess}")

# %% [markdown]
# After *loves* it is best to say *and*, after *hates* to say *but*: both mean "the other one will love the film", and three in four do. Nobody who has seen only the left can
# expect more than 0.75 of the links, however clever. The same count for each blank, from the left and from both sides (*a / an* is the first word of the sentence):

# %%
BLANKS = {"a / an": 1, "and / but": 6, "it / them": 10}  # positions among the 12 tokens: [CLS] is at 0, [SEP] at 11
best = {}
for blank, position in BLANKS.items():
    best[blank] = {side: language.best_score(position, side) for side in ("left", "both")}
    print(f"{blank:10} best from the left {best[blank]['left']:.2f}, from both sides {best[blank]['both']:.2f}")

# %% tags=["check:best-scores"]
# checked: the best scores, by the count in view and by the whole left side; in the exam they are the same, also by the whole left side
assert [list(scores.values()) for scores in best.values()] == [[0.5, 1.0], [0.75, 1.0], [1.0, 1.0]]
assert right / total == 0.75 and counts["loves"]["and"] == 3 * counts["loves"]["but"]
assert counts["hates"]["but"] == 3 * counts["hates"]["and"]
for blank, position in BLANKS.items():
    lefts, contexts = language.exam[:, : position + 1].unique(dim=0, return_counts=True)
    most = {}
    for left, times in zip(lefts[:, :-1].tolist(), contexts.tolist(), strict=True):
        most[tuple(left)] = max(times, most.get(tuple(left), 0))
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
# *it / them* is decided on the left. *a / an* is a coin toss from the left, and certain once the noun is seen. *and / but* is certain only
# with both verbs. Three blanks, three kinds of sight: now we need readers.
#
# ## 3. Three readers
#
# They are in `bertnotes/readers.py`. GPT's and BERT's reader are two Transformer layers on the attention of page 01. ELMo's is two LSTMs of two layers. All have nearly the same number of parameters, so that size is not the obvious explanation. Every text begins with `[CLS]` and ends with `[SEP]`, for all three.

# %%
readers = {name: new_reader(name, language) for name in ("ELMo", "GPT", "BERT")}  # not trained yet
for name, reader in readers.items():
    print(f"{name:5} {sum(parameter.numel() for parameter in reader.parameters()):,} parameters")

# %% tags=["check:sizes"]
# checked: the readers have as many parameters, within a tenth
sizes = [sum(parameter.numel() for parameter in reader.parameters()) for reader in readers.values()]
assert max(sizes) < 1.1 * min(sizes) and sizes[1] == sizes[2]

# %% [markdown]
# ## 4. Who sees whom, measured
#
# "GPT does not see the future" is a claim, and one can measure it. Change the vector of one word a tiny bit, and look at which outputs
# change. That is a **derivative**. PyTorch can compute it without changing anything, as it does in training (page 02). All of
# them together are called the **Jacobian**. Output and input are vectors, so each pair of words has many derivatives; their overall size, the root of the sum of their squares, is one cell of a table.
#
# Follow arrows upwards, from one to the next: that is a **path**. Where no path leads from an input to an output, the cell is 0: not small, but exactly 0. (The other way round a 0 proves nothing: two effects may cancel.) Our sentence has 12 tokens, `[CLS]` and `[SEP]` counted. In how many of
# the 144 cells of GPT's table will there be a 0?

# %%
guess = None  # a number of cells, of 144

# %%
from bertnotes.readers import who_sees_whom

sentence = language.encode("a critic loves the film but an actor hates it")
seen = {}
for name, reader in readers.items():
    vectors = reader.embed(sentence)  # a vector for each word, which does not know the others yet
    seen[name] = who_sees_whom(reader.read, vectors)  # a row for each output, a column for each input
    print(f"{name:5} {(seen[name] == 0).sum().item():3} of 144 cells are 0")
print("your guess for GPT:", guess)

# %% tags=["check:zeros"]
# checked: GPT's zeros are the cells above the diagonal; the others have none
above = torch.ones(12, 12, dtype=torch.bool).triu(1)
assert torch.equal(seen["GPT"] == 0, above) and above.sum() == 66
assert (seen["BERT"] > 0).all() and (seen["ELMo"] > 0).all()

# %% [markdown]
# 66: half of the 132 cells off the diagonal. ELMo and BERT have none. That seems to make them equal, until we look at the two halves of
# ELMo's vectors, one from each chain.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Who depends on whom, by derivatives


# %% slideshow={"slide_type": "-"}
elmo = readers["ELMo"]
forwards = who_sees_whom(elmo.read_forwards, elmo.embed(sentence))
backwards = who_sees_whom(elmo.read_backwards, elmo.embed(sentence))
tables = {"GPT": seen["GPT"], "ELMo, forwards": forwards, "ELMo, backwards": backwards, "BERT": seen["BERT"]}
picture = dependence_grid(tables, [language.words[number] for number in sentence])

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Rows are outputs, columns are inputs, the same twelve words. Light is exactly 0. Ask which two tables look the same (GPT and ELMo's forward chain), and which is their mirror image. Then: in which row does the forward chain
# depend on all words? Only in the last. And the backward chain? Only in the first.

# %% tags=["check:halves"]
# checked: ELMo's halves have the zeros of GPT and their mirror image
assert torch.equal(forwards == 0, above) and torch.equal(backwards == 0, above.T)

# %% [markdown]
# A row is an output, a column an input. Dark: the output depends on the input. Light: the cell is exactly 0. GPT and ELMo's forward chain are light right of the diagonal,
# the backward chain is light left of it, and BERT is dark everywhere. These readers are untrained. Training changes how large the dark cells are, but opens no path: the light cells stay 0.
#
# And ELMo: each cell is dark in one chain or the other, but **neither chain knows both sides**.

# %% [markdown]
# ## 5. What may be seen decides what can be asked
#
# A reader learns from its objective: it names words at many positions, and the cross-entropy of what it says is the loss (page 02).
#
# - **GPT** names the next word at every position. In a text of 12 tokens that makes 11 words to name.
# - **ELMo** does so twice: 11 next words, 11 previous words.
# - **BERT** sees every word. So some words are replaced by `[MASK]`, and it has to name those.
#
# In BERT's paper 15 % of the tokens are chosen. So 100 tokens ask BERT for 15, and GPT for about 100. Hiding more would ask more, and leave less to answer by.
# In the paper BERT learns a little more slowly than the same model trained from left to right; but when both are then trained on a task (MNLI, about pairs of sentences), BERT is the more accurate one almost from the start (appendix C.1). In our short
# sentences we hide 20 %: two of the ten words, on average.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## What each is trained to name
#
# | | names | in a text of 12 tokens |
# | --- | --- | --- |
# | GPT | the next word | 11 words |
# | ELMo | the next, and the one before | 22 |
# | BERT | hidden words (here 20 %) | about 2 |
#
# The real BERT chooses 15 % of its tokens.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** A trade-off: hide more words and there are more to name in a text, but fewer to find them by. Ask what would happen at 90 %: one word in ten is left to answer by.

# %% [markdown]
# GPT and BERT differ in two things, the attention mask and the objective. To change one at a time, we add a fourth reader, the **hybrid**: GPT's attention mask with BERT's objective. It looks only back, and
# is trained on hidden words.
#
# Now we train. A step is that of page 02: the loss of a batch, its gradient, a small step against it (`train_reader` in
# `bertnotes/readers.py`). All take 500 steps, at the same learning rate. Each kind is trained twice, from another **seed**, from which the random numbers come.
# Readers with the same seed read the same batches in the same order.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.readers import train_reader

RUNS = {"ELMo": 2, "GPT": 2, "hybrid": 2, "BERT": 2}
trained, losses = {}, {}
for kind, runs in RUNS.items():
    for seed in range(runs):
        reader = new_reader(kind, language, seed)
        losses[kind, seed] = train_reader(reader, language.reading, steps=500, learning_rate=0.01, seed=seed)
        trained[kind, seed] = reader
    print(f"{kind:6} loss {losses[kind, seed][0]:.1f} at first, {sum(losses[kind, seed][-20:]) / 20:.1f} at the end")

# %% tags=["check:trained"]
# checked: every run learned, and more than which words stand at a position
by_position = sum(torch.distributions.Categorical(language.reading[:, at].bincount().double()).entropy() for at in range(1, 12))
for (kind, _), run in losses.items():
    assert sum(run[-20:]) / 20 < 0.93 * by_position / (11 if kind in ("ELMo", "GPT") else 10)
assert len(losses) == 8

# %% [markdown]
# The losses of GPT and ELMo are about other words than those of BERT and the hybrid, so do not compare these two pairs with each other. BERT and the hybrid have the same task, and BERT's loss is lower. We come back to
# that in section 7. The exam is the same for all.
#
# ## 6. The exam
#
# One word of each exam sentence is hidden. Each reader may read once: that is one **pass**. Here is what each gets to name the link in *a critic loves the film ___ an actor hates it*:
#
# - **GPT**: *a critic loves the film*. It names the next word.
# - **BERT**: the whole sentence, with `[MASK]` in the blank. It names the hidden word.
# - **hybrid**: the same as BERT, but the position of `[MASK]` looks only back.
# - **ELMo**: *a critic loves the film* for the forward chain, *an actor hates it* for the backward chain. Each gives a probability to each word. We multiply the two probabilities, and divide by how frequent the word is. (That rule is ours. The
#   optional last section looks into it.)
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
        print(f"{blank:10} {kind:7}", *(f"{score:.4f}" for score in scores[blank][kind]))
print("your guess:", guess)

# %% tags=["check:exam"]
# checked: who is how good at which blank, in each run; one run of BERT may not be done after 500 steps
link = scores["and / but"]
assert min(min(runs) for runs in scores["it / them"].values()) > 0.98
assert min(scores["a / an"]["ELMo"] + scores["a / an"]["BERT"]) > 0.98
for name in ("GPT", "hybrid"):
    assert max(abs(score - 0.5) for score in scores["a / an"][name]) < 0.02
    assert max(abs(score - 0.75) for score in link[name]) < 0.02
assert max(abs(score - 15 / 16) for score in link["ELMo"]) < 0.02
assert max(link["BERT"]) > 0.985 and min(link["BERT"]) > 0.92

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The exam: what each reader gets
#
# *a critic loves the film* ___ *an actor hates it*
#
# | | is given |
# | --- | --- |
# | GPT | *a critic loves the film* |
# | BERT | *a critic loves the film* `[MASK]` *an actor hates it* |
# | hybrid | the same, but it looks only back |
# | ELMo | a chain for each side |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Vote: who will name the link? The hybrid has GPT's attention mask and BERT's objective. ELMo's two chains guess one by one; we multiply their probabilities, and divide by how frequent the word is.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The exam's results

# %% slideshow={"slide_type": "-"}
SIGHT = {"ELMo": "both", "GPT": "left", "hybrid": "left", "BERT": "both"}
limits, floor = {}, {}
for blank, position in BLANKS.items():
    limits[blank] = {kind: best[blank][side] for kind, side in SIGHT.items()}
    floor[blank] = language.exam[:, position].bincount().max().item() / len(language.exam)
picture = score_chart(scores, limits, floor=floor)

# %% tags=["check:floor"]
# checked: what always the more frequent word gets
assert floor == {"a / an": 0.5, "and / but": 0.625, "it / them": 0.5}

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Magenta lines: the best possible in one pass, for what a reader may see. Dots: its runs. Dotted: always the more frequent word. Go blank by blank. *it / them*: only the left is needed. *a / an*: readers that look only back toss a coin. *and / but*: ELMo stops at 0.94; the
# slide behind the summary says why. The hybrid is the control: with BERT's objective it scores like GPT.

# %% [markdown]
# Each dot is a run. The magenta line is the best that is possible in one pass for what this reader may see. The dotted line is what you get by always saying the more frequent word. Blank by blank:
#
# - *it / them* needs only the left, and every reader has it.
# - *a / an* needs the right. Readers that look back get 0.50, and for them nothing better is possible: they know that *a* or *an* stands here, and not which. ELMo and BERT get 1.00.
# - *and / but* needs both. Readers that look back reach 0.75, their best possible. BERT reaches 1.00 in both runs. ELMo stops at 0.94, and our way of joining its two guesses lets it get no further (the section behind the summary).
#
# The hybrid scores like GPT, though it was trained on hidden words. The attention mask sets the ceiling; the other objective only had to reach it, and in both runs it did.
#
# Not every run of BERT gets to 1.00. We also tried the seeds 2 to 7, and with seed 2 it was at 0.94 after its 500 steps. It was wrong in all sentences with two *hates*, the rarest kind, one in 16, and right in all others. Trained anew for 1,000 steps, with a learning rate that falls
# half as fast, it got 1.00, too.

# %% [markdown]
# ## 7. Why not train BERT on the next word?
#
# Nothing would be hidden, and there would be eleven words to name instead of two. So we let every word look at every word, and ask for the next one. We call this reader *leaky*. What loss can a reader that sees only the words before expect at best on a sentence of the language? We know the language, so we can say: the
# average of $-\ln p(\text{next word} \mid \text{words so far})$. It is 0.62, a perplexity (page 03) of 1.85. Where will the leaky reader's loss end?

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
assert leaky_loss < 0.005 and language.best_loss() < gpt_loss < 1.3 * language.best_loss()
assert [round(number, 2) for number in (language.best_loss(), 2.718281828 ** language.best_loss())] == [0.62, 1.85]

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
# | GPT | 0.64 |
# | this one | **0.00** |
#
# Change *loves* to *hates* in the text: it names *hates*.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Too good to be true is a finding, too. Ask how one could show that it cheats: change the next word, and see whether the answer changes with it. On the page it does; GPT names *loves* both times.

# %% [markdown]
# Far better than the words before allow: it **leaks**. The answer stands one position to the right, where it may look. We can catch it in the act. Change the first verb, and nothing else, and ask the output of *critic* for the next word:

# %% tags=["timing", "nbval-ignore-output"]
named = {}
for verb in ("loves", "hates"):
    text = language.encode(f"a critic {verb} the film but an actor hates it")
    for name, reader in {"GPT": trained["GPT", 0], "leaky": leaky}.items():
        at_critic = reader.scores(reader(text[None]))[0, 2]  # the scores at position 2, critic, for the next word
        named[name, verb] = language.words[at_critic.argmax()]
    print(f"a critic {verb}: GPT names {named['GPT', verb]}, leaky names {named['leaky', verb]}")

# %% tags=["check:caught-naming"]
# checked: what the leaky reader names goes with the word that it has to name; what GPT names does not
assert named["GPT", "loves"] == named["GPT", "hates"] == "loves"
assert named["leaky", "loves"] == "loves" and named["leaky", "hates"] == "hates"

# %% [markdown]
# GPT says *loves* both times, the more frequent verb. The leaky reader says what is written there. It does so even where the rest of the sentence speaks against it: with *but* and *hates* behind, the first verb should be *loves*. And derivatives show which outputs depend on the very word that they have to name.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Which output depends on the word that it has to name?

# %% tags=["nbval-ignore-output", "timing"] slideshow={"slide_type": "-"}
caught = {}
for name, reader in {"GPT, trained": trained["GPT", 0], "leaky, trained": leaky}.items():
    caught[name] = who_sees_whom(reader.read, reader.embed(sentence))
picture = dependence_grid(caught, [language.words[number] for number in sentence], outlined=1)  # 1: one right of the diagonal

# %% tags=["check:caught"]
# checked: a trained GPT has the zeros of an untrained one; all outputs of the leaky reader, trained or not, depend on the next word
assert torch.equal(caught["GPT, trained"] == 0, above) and (caught["leaky, trained"].diagonal(1) > 0).all()
fresh = new_reader("leaky", language)
assert (who_sees_whom(fresh.read, fresh.embed(sentence)).diagonal(1) > 0).all()

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The outlined cells are each output and the word that it has to name, such as the output at *critic* and the input *loves*. Light on the left, dark on the right. That is the leak.

# %% [markdown]
# The outlined cells, one right of the diagonal, are each output and the word that it has to name. In GPT these 11 cells are light, after training as before. In the leaky reader all are dark, also before training: what *can* be seen is a matter of how a model is built.
#
# ### Four readers in one table
#
# Two attention masks, two objectives: that makes four readers, and all four are trained now. So we can change one thing at a time. Their losses on the exam sentences (each taken four times, as each time other words are hidden), each at its own task:

# %% tags=["timing", "nbval-ignore-output"]
four = {"GPT": trained["GPT", 0], "leaky": leaky, "hybrid": trained["hybrid", 0], "BERT": trained["BERT", 0]}
own_loss = {}
for name, reader in four.items():
    with torch.inference_mode():  # the seed hides the same words from both
        own_loss[name] = reader.loss(language.exam.repeat(4, 1), torch.Generator().manual_seed(0)).item()
    print(f"{name:6} loss {own_loss[name]:.2f}")

# %% tags=["check:four"]
# checked: the losses of the drawing, nearly, and its shares of the links
from bertnotes.pictures.drawings.page04 import FOUR

for name, said, loss in FOUR.values():
    assert abs(own_loss[name] - float(loss.split(": ")[1])) < 0.04
    assert name == "leaky" or abs(max(link[name]) - float(said.split(": ")[1])) < 0.02

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Four readers in one table
#
# ![A table. Rows: looks only back, looks at all words. Columns: names the next word, names hidden words. GPT: 0.75 of the links, loss 0.64. Hybrid: 0.75, loss 0.76. Leaky: copies the answer, loss 0.00. BERT: 1.00, loss 0.51](figures/04_four.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** One thing at a time. Right column, downwards: the same hidden words, but the right side may be seen: 0.76 becomes 0.51. Left column, downwards: the answer may be seen, and is copied. Upper row: another objective, the same ceiling. Leaky takes no exam: what it learned is to copy the
# word, and in the exam that word is hidden.

# %% [markdown]
# ![A table. Rows: looks only back, looks at all words. Columns: names the next word, names hidden words. GPT: 0.75 of the links, loss 0.64. Hybrid: 0.75, loss 0.76. Leaky: copies the answer, loss 0.00. BERT: 1.00, loss 0.51](figures/04_four.svg)
#
# Read it one step at a time:
#
# - **Right column.** The hybrid and BERT name the same hidden words. BERT also sees the words on the right, and in these runs its loss is 0.51 nats instead of 0.76.
# - **Left column.** Without GPT's attention mask the loss falls to nearly nothing, since the answer is among the words that may be seen.
# - **Upper row.** With the same attention mask the other objective gives the same score in the exam, 0.75.
#
# So BERT, which sees both sides, is trained on words that are hidden. On real text Devlin et al. (2019, table 5) compare BERT with a left-to-right model, both without the task of two sentences: the latter is worse on all five tasks in the table. There the attention mask and the objective change at once.
#
# ### All but the next word?

#
# Then forbid just that. Each position may look everywhere, only not at the next word:
#
# ![Five words, two layers. Step 1: critic has to name loves and may not look at it](figures/04_leak_1.svg)
#
# We build it with one layer and with two. In how many of the 11 outputs is there a leak?

# %%
guess = None  # two numbers of outputs, such as (3, 7)

# %%
for layers in (1, 2):
    blind = new_reader("all but the next", language, num_layers=layers)
    next_cells = who_sees_whom(blind.read, blind.embed(sentence)).diagonal(1)  # the cells one right of the diagonal
    print(f"layers: {layers}   {(next_cells > 0).sum().item():2} of 11 depend on the word to be named")
print("your guess:", guess)

# %% tags=["check:two-hops"]
# checked: all leak with two layers and none with one; the mask times itself is full
assert (next_cells > 0).all()
one = new_reader("all but the next", language, num_layers=1)
assert torch.equal(who_sees_whom(one.read, one.embed(sentence)) == 0, ~one.mask(12))
assert ((one.mask(12).double() @ one.mask(12).double()) > 0).all()

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Forbid only the next word?
#
# ![Five words, two layers. Step 1: critic has to name loves and may not look at it](figures/04_leak_1.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** First ask: in how many of 11 outputs is a leak with one layer, and with two? None, and all. Then let somebody come to the board and find the way. There are three: over *a*, over *the*, over *film*. Not over *loves*: *critic* may not look there in the second layer either.

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
# **2 minutes.** Two hops, from *loves* to *the* and from *the* to *critic*. The BERT paper says (section 3.1): looking both ways "would allow each word to indirectly 'see itself'".

# %% [markdown]
# None with one layer, all with two. Can you find the way from *loves* to the output of *critic*?
#
# <details><summary>A way</summary>
#
# ![All steps: loves reaches critic over the, in two hops](figures/04_leak.svg)
#
# In the first layer *the* looks at *loves*, which nothing forbids. In the second *critic* looks at *the*, and finds some of *loves* there.
#
# </details>
#
# Devlin et al. (2019, section 3.1): looking both ways
# "would allow each word to indirectly 'see itself'".

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Click it through: choose a word and a rule

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
play("leak")

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** First *all but the next*, step by step. Then *only back*: the word never arrives. Then *hidden in the text*: there is nothing to carry. Ask for a word that
# *all but the next* keeps secret for two layers: in a sentence of five there is none.

# %% [markdown]
# **Play with it.** Click the word that is to be named, then go step by step. Which positions hold some of it after one layer, which after two? Change the rule: when does it never
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
# - **Look back only**, in every layer (GPT). Costs: in one pass, the right side.
# - **Take the word out of the text** (BERT). What is not there cannot be copied. (The real BERT takes only most of the chosen words out: page 06.) Costs: few words to name in a text, and training on texts with `[MASK]`, a token that the texts of later tasks do not have.
# - **Go by another order** (XLNet, Yang et al. 2019). For each text an order of its positions is drawn, and a word is named from those that come
#   earlier *in that order*, wherever they stand. Costs: few words to name here, too, since in the paper only the last ones of each order are named (our drawing names three of four); and a second set of vectors in each layer. The usual vector of a position holds the word that stands there, so it cannot be asked to name it.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Three ways out
#
# ![Three tables of who looks at whom. GPT: look back only. BERT: all look at all, but the word is replaced by MASK in the text. XLNet: another order of the words](figures/04_ways.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Ask of each table: can the word to be named reach the row that names it, in any number of layers? Mind which word a row names: it stands under each table. In the first and third no path leads against the order; in the second there is nothing to
# carry. The costs: GPT does not see the right side in one pass; BERT names few words in a text, and meets `[MASK]` only in training; XLNet names few words, too, and computes a second set of vectors.

# %% [markdown]
# Is GPT blind to the right, then? Only in one pass that stops at the blank. It can also compare **finished** sentences: we fill in *and*, we fill in *but*, and GPT works out how probable each whole sentence is, the product of the probabilities of its words. We take the more probable one. That takes a pass for each word that we try, two in all.
# What share of the links does it get right?

# %%
guess = None  # a share between 0 and 1

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.readers import accuracy_of_finished

LINKS = [language.number["and"], language.number["but"]]
gpt = trained["GPT", 0]
with torch.inference_mode():
    single = gpt.guess(language.exam, 6)[:, LINKS].argmax(dim=-1)  # one pass up to the blank; 6: the link's position
one_pass = (torch.tensor(LINKS)[single] == language.exam[:, 6]).double().mean().item()
finished = [accuracy_of_finished(trained["GPT", seed], language.exam, 6, LINKS) for seed in range(2)]
print(f"one pass, the more probable of and, but: {one_pass:.2f}")
print("finished sentences:", *(f"{share:.2f}" for share in finished), "  your guess:", guess)

# %% tags=["check:finished"]
# checked: with finished sentences GPT gets nearly all links, far more than the 0.75 of a single pass
assert min(finished) > 0.985 and abs(one_pass - 0.75) < 0.02

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Is GPT blind to the right?
#
# We fill in both links. Which of the two sentences does GPT find more probable?
#
# - *a critic hates the film* **and** *an actor hates it*
# - *a critic hates the film* **but** *an actor hates it*

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | *and* or *but*? | named right |
# | --- | --- |
# | one pass, up to the blank | 0.75 |
# | a pass for each finished sentence | **1.00** |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** After *but* GPT does not expect a second *hates*, so the wrong sentence gets a low probability. The attention mask limits one pass, not what can be done with a model.

# %% [markdown]
# After a wrong link the second verb is one that GPT does not expect, and so the wrong sentence is the less probable one. An attention mask limits what is seen in **one pass**; with several passes more can be done.
#
# And GPT can **write**. It gives a probability to each next word, we draw one, add it, and go on. Our trained GPT writes 200
# sentences:

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## GPT writes
#
# Draw the next word by its probabilities, add it, go on. Three of 200 texts:

# %% tags=["timing", "nbval-ignore-output"] slideshow={"slide_type": "-"}
texts = torch.zeros(200, 1, dtype=torch.long)  # 200 texts that so far are only [CLS], which is word number 0
torch.manual_seed(0)
with torch.inference_mode():
    for _ in range(11):  # ten words and [SEP]
        chances = trained["GPT", 0].next_word(texts).softmax(dim=-1)  # a row for each text, a column for each word
        drawn = torch.multinomial(chances, 1)  # one word for each text, drawn by these probabilities
        texts = torch.cat([texts, drawn], dim=1)
written = [language.decode(text) for text in texts]
print(*written[:3], sep="\n")

# %% tags=["check:written"]
# checked: it writes 200 texts of the language's own words
assert len(written) == 200 and {word for text in written for word in text.split()} <= set(language.words[3:])

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# How many of the 200 are sentences of the language? How many of these did it never read?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | of 200 texts | |
# | --- | --- |
# | sentences of the language | 195 |
# | of these new | 79 |
# | new from a perfect writer | about half |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** A reader that had only learned its sentences by heart would write nothing new. A perfect writer would be new in half of its sentences, as half of the language was set aside. GPT is between: it leans towards what it read.

# %% [markdown]
# How many of the 200 are sentences of the language? And how many of these are *new*, sentences that it never read?

# %%
guess = None  # two numbers, such as (100, 10)

# %% tags=["timing", "nbval-ignore-output"]
belong = {language.decode(ids) for ids in language.ids}
read = {language.decode(ids) for ids in language.reading}
correct = [text for text in written if text in belong]
new = [text for text in correct if text not in read]
print(f"in the language: {len(correct)} of 200; of these new: {len(new)};   your guess: {guess}")
print("not in the language:", *(text for text in written if text not in belong), sep="\n")

# %% tags=["check:writes"]
# checked: nearly all that it writes is in the language, and of that more than a fifth, but less than half, it had not read
assert len(correct) > 180 and 0.2 < len(new) / len(correct) < 0.5

# %% [markdown]
# How many new ones should we expect? Half of what people write in this language was set aside for the exam. So of a perfect writer's sentences about one half would be new, and of one that had only learned by heart none. GPT lies between: 79 of 195. It has learned rules, and it leans towards
# what it read.
#
# Last come the texts that are wrong. What is wrong in each?
#
# <details><summary>What we found</summary>
#
# In three the link does not go with the two verbs. One has *loves* in place of a person. One has no link.
#
# </details>
#
# Chatbots write like this, piece by piece. BERT was not trained to: it names hidden words, with both sides given. The film reviews of this course need no writing: there BERT reads.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - ELMo, GPT and BERT differ in **who may see whom**. Derivatives measure it: where no path leads, they are 0.
# - ELMo has both sides, in two halves. Its pre-training never asks to combine them.
# - A reader that sees all words can copy the next one; with *all but the next* it still can, in two hops. So BERT's words are hidden.
# - In our language the right side is worth a loss of 0.51 instead of 0.76 in our runs, at the same task.
# - An attention mask limits one pass. GPT can compare finished sentences, and write.
#
# **Next:** page 05 opens the real BERT, layer by layer.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Close the lid: who can draw the two hops from memory? The exercises begin with four masks on paper.

# %% [markdown]
# ## Optional: why does ELMo stop at 0.94?
#
# *a critic **hates** the film ___ an actor **hates** it.* The link is *and*. But a chain that sees one *hates* expects that the other verb is *loves*, and so says *but*, with a
# probability of about 3/4. Both chains do so. Our rule multiplies them, and divides by the shares of all links, 5/8 and 3/8:
#
# ![Bars. The left half: and 1/4, but 3/4. The right half the same. Multiplied and divided by the shares 5/8 and 3/8: and 0.1, but 1.5. So but is 15 times as likely, though and is right](figures/04_product.svg)
#
# The two results are not probabilities yet: they do not sum to 1, and one is above 1. Only their ratio counts: *but*, 15 to 1. So ELMo is wrong in every sentence with two *hates*. These are $1/4 \cdot 1/4 = 1/16$ of all, and all others come out
# right: 15/16 = 0.94 of the links. (Two different things: 15 to 1 is how sure the rule is in these sentences, 15/16 is its score over all sentences.)
#
# Is the rule right at all? It would be, if the two sides had nothing more to do with each other once the link is known. Here they have: given *and*, the first verb tells you the second. What do the two guesses together still tell? We count:

# %% tags=["timing", "nbval-ignore-output"]
from collections import Counter

left, right = trained["ELMo", 0].two_guesses(language.exam, 6)  # 6: the link's position
three = zip(left.argmax(dim=-1), right.argmax(dim=-1), language.exam[:, 6], strict=True)
found = Counter(tuple(language.words[number] for number in row) for row in three)
for (from_left, from_right, link_is), times in sorted(found.items()):
    print(f"left says {from_left}, right says {from_right}: the link is {link_is} {times} times")

# %% tags=["check:product"]
# checked: the sum on paper, all four cases of the product, and of both runs what the halves say and that their pair tells the link
from bertnotes.pictures.drawings.page04 import product_of

assert (3 / 4) ** 2 + (1 / 4) ** 2 == 5 / 8 and abs(product_of("but", "but")["but"] - 15 / 16) < 1e-9
assert min(product_of("and", "and")["and"], product_of("and", "but")["but"], product_of("but", "and")["but"]) > 0.5
for seed in range(RUNS["ELMo"]):
    said = trained["ELMo", seed].guess(language.exam[hate], 6).argmax(dim=-1)
    halves = trained["ELMo", seed].two_guesses(language.exam[hate], 6)
    assert (said == language.number["but"]).double().mean() > 0.9
    assert all(0.65 < half.exp()[:, language.number["but"]].mean() < 0.85 for half in halves)
    one, other = (half.argmax(dim=-1) for half in trained["ELMo", seed].two_guesses(language.exam, 6))
    assert ((one == other) == (language.exam[:, 6] == language.number["and"])).double().mean() > 0.99
assert sum(times for (one, other, link_is), times in found.items() if (one == other) == (link_is == "and")) > 0.99 * len(
    language.exam
)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Extra: why ELMo stops at 0.94
#
# ![Bars. The left half: and 1/4, but 3/4. The right half the same. Multiplied and divided by the shares 5/8 and 3/8: and 0.1, but 1.5. So but is 15 times as likely, though and is right](figures/04_product.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **0 minutes.** Only if asked. The rule: left times right, divided by how frequent the word is. The results are not normalised, hence 1.5; the ratio is 15 to 1. Sentences with two *hates* are 1 in 16, so 15 in 16 are right. The two guesses together would still tell the link: both *but* means *and*.

# %% [markdown]
# The same guess twice, and the link is *and*; two different guesses, and it is *but*. In this language, then, **the information is in the two halves, and the rule that joins them loses it**. The rule was ours, not ELMo's. What is true of ELMo is this: its pre-training never asks for
# anything that needs both sides at once. A model on top of it has to learn to combine them. BERT's pre-training asks for it whenever a hidden word depends on both sides.

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
# The last position has no next word, so there is one answer fewer than positions. If any is True, a low loss on the next word proves nothing.

# %% [markdown] tags=["exercise:surer"]
# ### Surer, and wrong · ● · 5 minutes
#
# Suppose nine verbs in ten are *loves*, and the two verbs of a sentence have nothing to do with each other. The link is hidden in *hates ... hates*. Each half sees one *hates*. How much probability does the
# product of the optional section give to *but*, once the two results are made to sum to 1? On the page it was 15 to 1, so 15/16. First predict: more or less? Then work it out, with three digits after the point.

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
# *and*: $0.01 / 0.82 = 0.0122$. *but*: $0.81 / 0.18 = 4.5$. The share of *but* is $4.5 / 4.5122 = 0.997$. Two *hates* are rarer here than on the page, 1 in 100 and not 1 in 16, and the product is surer. It is wrong each time.

# %% [markdown] tags=["exercise:join"]
# ### Join two guesses · ●● · 7 minutes
#
# Write the product rule of the optional section. `left` and `right` are the probabilities of each word from either side, (batch, words), `share` is how frequent each word is, (words,). Return probabilities,
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
# The product of the mask with itself counts, for each pair, the ways of two hops. With *all but the next*, and three words or more, it is full: that is the leak. The product of the causal mask with itself is causal again, however often you
# multiply.

# %% [markdown] tags=["exercise:sees"]
# ### Who sees whom, by gradients · ●●● · 10 minutes
#
# `read` is a reader: a function that takes vectors, (position, size), and returns as many of the same size. Find out who sees whom in it: return (position, position) of bool, True where the
# output of the row depends on the input of the column. Your function has to work for any `read`: the check hands in readers that you do not know. One is given here to try it on. `torch.autograd.functional.jacobian(read, vectors)` may help.

# %% [markdown] tags=["hint:sees"]
# `torch.autograd.functional.jacobian(read, vectors)` has the shape (position, size, position, size): each number of the output by each number of the input.

# %% [markdown] tags=["hint:sees"]
# A pair of positions is connected if *any* of its size × size numbers is not 0. Take `.abs()`, and sum over the two axes of size, `dim=(1, 3)`.


# %% tags=["exercise:sees"]
def read(vectors):
    """A reader to try: each word adds the average of itself and the words before it. What will sees(read, ...) say?"""
    counts = torch.arange(1, len(vectors) + 1)[:, None]
    return vectors + vectors.cumsum(dim=0) / counts


def sees(read, vectors):
    """True where the output of the row depends on the input of the column: (position, position)."""
    # solution
    jacobian = torch.autograd.functional.jacobian(read, vectors)
    return jacobian.abs().sum(dim=(1, 3)) > 0
    # end of solution


check("sees", sees)

# %% [markdown] tags=["reason:sees"]
# Where no path leads from an input to an output, the derivative is 0. (A 0 alone does not prove that there is no path: softmax can round a weight to 0, and a reader may happen to be flat at these vectors.) Without the absolute values, numbers of
# different sign can cancel. To look for a leak in a reader that names the next word: `leaks(sees(read, vectors))`.

# %% [markdown]
# ## Sources
#
# - Peters, Neumann, Iyyer, Gardner, Clark, Lee, Zettlemoyer (2018). *Deep Contextualized Word Representations.* ELMo. arXiv:1802.05365
# - Radford, Narasimhan, Salimans, Sutskever (2018). *Improving Language Understanding by Generative Pre-Training.* GPT.
# - Devlin, Chang, Lee, Toutanova (2019). *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* Section 3.1; appendix A.4 compares the three, C.1 the steps that BERT needs. arXiv:1810.04805
# - Yang, Dai, Yang, Carbonell, Salakhutdinov, Le (2019). *XLNet: Generalized Autoregressive Pretraining for Language Understanding.* arXiv:1906.08237
# - Hochreiter, Schmidhuber (1997). *Long Short-Term Memory.* Neural Computation 9(8)
