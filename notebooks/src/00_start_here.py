# %% [markdown] question="What is BERT, what will we build, and does this machine have what it takes?"
# # 00 · Start here
#
# **The question:** what is BERT, what will we build, and does this machine have what it takes?
#
# ![The words of a text go into BERT, in which every word looks at every word. A vector for each word comes out: with them one can compare words, or fill a gap. One can also look into BERT, at who looks at whom](figures/00_bert.svg)
#
# BERT is a program that turns each word of a text into a **vector**, a list of a few hundred numbers. The numbers depend on the whole text, and much can be
# done with them. On this page you meet a small BERT and see four things: one can compare words by their vectors, BERT fills a gap, one can see where it
# looks, and it judges a film review.
#
# **You need:** some Python, and algebra as at school; one logarithm. **Time:** about 51 minutes. Nothing is downloaded, and no account is needed.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # Start here
#
# ![The words of a text go into BERT, in which every word looks at every word. A vector for each word comes out: with them one can compare words, or fill a gap. One can also look into BERT, at who looks at whom](figures/00_bert.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The deck takes about 40; with the class's own sentences, typed into the notebook, it fills 45. Run the notebook once before class: the eighty and the
# two hundred and eighty reviews take a while. A text goes in on the left, a vector for each word comes out. The boxes on the right are what we try now.

# %% [markdown]
# ## How to read a page
#
# A page is text and **cells** of code. Click into a cell and press Shift + Enter: it runs, and what it prints appears below. Run them from top to bottom.
#
# - Where a cell says *change me*, change it and run it again. *Edit > Undo* brings back what you typed over.
# - Where a cell says `guess = None`, type your guess in place of `None`. The next cell shows it beside the result. (The results of an earlier run stand there already. Cover them,
#   or clear them first: *Edit > Clear Outputs of All Cells*.)
# - A line of grey text with three dots is a folded **check**. It works out again, on this machine, the numbers that the text quotes. You need not open it.
#
# You need not understand the code of this page yet. Try a first cell:

# %%
SENTENCE = "The plot makes no sense, but I laughed."  # change me
print(len(SENTENCE.split()), "words")

# %% [markdown]
# ## Words, and pieces of words
#
# A BERT does not know every word. It has a fixed list of **word pieces**, and nearly everything else is put together from pieces. How long is the list of
# the small BERT that comes with this course?

# %%
guess = None  # how many word pieces

# %%
from bertnotes import load_tokenizer

tokenizer = load_tokenizer()
print("word pieces:", len(tokenizer), "   your guess:", guess)
print(tokenizer.tokenize("The cinematography is unforgettable."))

# %% tags=["check:pieces"]
# checked: 10,000 word pieces, and a rare word in several of them
assert len(tokenizer) == 10_000
assert tokenizer.tokenize("The cinematography is unforgettable.") == [
    "the",
    "cinematography",
    "is",
    "un",
    "##for",
    "##get",
    "##table",
    ".",
]

# %% [markdown]
# *Cinematography* is in the list. (The list was cut from that of the original BERT: the pieces that film reviews use most were kept.) *Unforgettable* is not, and comes in four pieces, which need not mean anything by
# themselves. Two hash signs say that a piece continues a word. Capitals are gone, for this BERT reads everything in lower case. A piece is called a **token**, and what cuts a text into them is the **tokenizer** (page 05).
#
# ## Is this machine ready?
#
# The next cell looks at packages, memory, disk and model. Where something is missing, it says what to do. You need not understand the words.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.experiments.doctor import examine

findings = examine()
for finding in findings:
    print(finding)

# %% tags=["check:ready"]
# checked: this machine has what the course needs
assert all(finding.ok for finding in findings), "something is missing: see what to do above"

# %% [markdown]
# (The same in a terminal: `bertnotes doctor`.)
#
# ## What BERT is
#
# The name says what it is: **B**idirectional **E**ncoder **R**epresentations from **T**ransformers.
#
# - **Transformers**: it belongs to a family of networks that are built around *attention*, in which words look at other words of the text and take something from each (page 01).
# - **Encoder Representations**: it does not write. It *encodes* a text: what comes out are vectors, which stand for (*represent*) the words in this text.
# - **Bidirectional**: a word looks both ways, at every word to the left and to the right (page 04).

# %% [markdown]
# How does it learn that? In two steps. First it reads masses of plain text in which some words are hidden, and guesses them: **pre-training** (page 06, where there is one more task). That takes long, and
# nobody has to label anything. Then it is trained a little further on a task, such as telling praise from blame, with texts that somebody has labelled: **fine-tuning** (page 10).
#
# ![Two steps. Pre-training: plain text with hidden words goes into BERT, which guesses them. Fine-tuning: texts go into the same BERT, which learns their labels](figures/00_steps.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## How it learns
#
# ![Two steps. Pre-training: plain text with hidden words goes into BERT, which guesses them. Fine-tuning: texts go into the same BERT, which learns their labels](figures/00_steps.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The first step takes masses of text and days or weeks of computing, and it is done once. The second takes minutes to hours, and everyone can do it: page 10.

# %% [markdown]
# Before that, a program for such a task usually began with one ready-made vector for each word, the same in every sentence (word2vec, 2013), and learned all else from the labels. From 2018 on it became usual that the whole
# program, a *model* of language, has read before it is given a task. Here are three models of that year that learn from plain text (ULMFiT, by Howard and Ruder, was a fourth):
#
# ![ELMo, February 2018, is built of LSTMs and reads both ways, each by itself. GPT, June 2018, is a Transformer and reads from left to right. BERT, October 2018, is a Transformer and reads both ways at once](figures/00_family.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![ELMo, February 2018, is built of LSTMs and reads both ways, each by itself. GPT, June 2018, is a Transformer and reads from left to right. BERT, October 2018, is a Transformer and reads both ways at once](figures/00_family.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Ask who has used one of the three today. Search engines and spam filters use BERT's kind, chatbots GPT's. The months are those in which they came out; BERT's paper was printed in 2019.

# %% [markdown]
# Read the rows. **ELMo** has two readers, one from each side, built of LSTMs (a network that reads word by word); their vectors are then handed to another model. **GPT** is a Transformer in which each word sees itself and those before it.
# **BERT** is a Transformer in which each word sees both sides at once. GPT's descendants write; BERT's read: they search, sort and tag. (The months are those in which they came out. BERT's paper was printed in 2019, as
# *Devlin et al. 2019*.)
#
# ## A BERT of our own
#
# Now load the course's own BERT, **mini**. What a model learns are numbers, its **parameters**. mini has 15 million, BERT-base, the original, 110 million. (The look at the machine left out the layer that guesses words.)

# %%
from bertnotes.encoder import BertEncoder
from bertnotes.masked_lm import word_probabilities

model = BertEncoder.from_pretrained()
print(f"{sum(part.numel() for part in model.parameters()):,} parameters")

# %% [markdown]
# ## Compare words by their vectors
#
# *Cast* can mean the actors of a film, as in A, B and C, or the plaster around a broken bone, as in D, E and F. We take the vector of *cast* from each sentence and compare them, two at a time. **Similarity** 1 means that two
# vectors point the same way, 0 that they stand at a right angle (page 01 works it out).
#
# Of how many of the six is the most similar vector, among the other five, one of the same kind? Read the sentences, then guess.

# %%
WORD = "cast"  # change me, and the sentences
SENTENCES = {
    "A": "The cast was brilliant in every scene.",
    "B": "The director thanked the whole cast.",
    "C": "A strong cast saves this weak film.",
    "D": "The doctor put a cast on her broken arm.",
    "E": "He broke his leg and wore a cast for weeks.",
    "F": "The cast on my wrist itches.",
}

# %%
import torch


@torch.inference_mode()
def vector_of(word, text):
    """The vector of a word in a text, where it stands first."""
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    pieces = tokenizer.convert_ids_to_tokens(ids[0])
    if word not in pieces:
        raise ValueError(f"write a word, in lower case, that is one of the pieces of each sentence; here they are {pieces}")
    return model(ids).last_hidden_state[0][pieces.index(word)]


# %%
guess = None  # of six

# %%
from torch.nn.functional import cosine_similarity

vectors = torch.stack([vector_of(WORD, text) for text in SENTENCES.values()])  # (6, 384)
similarity = cosine_similarity(vectors[:, None], vectors[None, :], dim=-1)  # each with each
for letter, row in zip(SENTENCES, similarity, strict=True):
    second = row.argsort()[-2]  # the most similar is the vector itself
    print(f"{letter} is most like {'ABCDEF'[second]}, {row[second]:.2f}")
print("your guess:", guess)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Which *cast* is like which? Actors or plaster?
#
# - **A** The cast was brilliant in every scene.
# - **B** The director thanked the whole cast.
# - **C** A strong cast saves this weak film.
# - **D** The doctor put a cast on her broken arm.
# - **E** He broke his leg and wore a cast for weeks.
# - **F** The cast on my wrist itches.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** *Cast* is the actors in A to C, and the plaster in D to F. Take a vote: of how many is the most similar one of the same kind?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Five keep to their kind, and F does not

# %% slideshow={"slide_type": "-"}
from bertnotes.pictures.charts import similarity_grid

picture = similarity_grid(similarity, [f"{letter}: {text}" for letter, text in SENTENCES.items()], least=0.2)

# %% tags=["check:vectors"]
# checked: five of six are most like one of their kind, F is most like A; a dog in the words of A (unless you have changed something)
if WORD == "cast" and sum(map(len, SENTENCES.values())) == 220:
    nearest = similarity.fill_diagonal_(0).argmax(dim=1)
    assert nearest.tolist() == [1, 0, 0, 4, 3, 0] and vectors.shape == (6, 384)
    assert similarity[5, 0] > similarity[5, 3] + 0.15 and similarity[:3, 3:5].max() < 0.45
    dog = vector_of("dog", "The dog was brilliant in every scene.")
    assert 0.3 < cosine_similarity(vectors[0], dog, dim=0) < 0.38

# %% [markdown] slideshow={"slide_type": "notes"}
# **4 minutes.** Darker is more alike. F is plaster, but begins like A. Let the class make sentences, and type them into the notebook: *The cast was itchy in every place* is nearly A (0.92).

# %% [markdown]
# Five. (Darker is more alike.) The same word, but in *doctor*, *arm* and *leg* it has quite another vector than in *scene*, *director* and *film*. F goes astray: it is about plaster, but most like A, and it begins like A. So a vector depends on **the whole text**: on what is meant, and on
# the very words around, too. (On the word itself as well: *dog* in *The dog was brilliant in every scene.* is unlike A's *cast*, 0.34.) Six sentences prove little; page 05 measures it. Try sentences of your own, or another word.

# %% [markdown]
# ## It fills a gap
#
# In the next cell, `[MASK]` stands for a hidden word. mini gives a probability to every piece of its list; we print the five that it finds likeliest.

# %% tags=["timing", "nbval-ignore-output"]
MY_TEXT = "The special [MASK] are great."  # change me, and keep one [MASK]

best = word_probabilities(MY_TEXT, model, tokenizer).topk(5)
for probability, piece in zip(*best, strict=True):
    print(f"{probability:6.1%}  {tokenizer.convert_ids_to_tokens(piece.item())}")

# %% tags=["check:first-guess"]
# checked: mini fills the gap with "effects", and is sure of it (unless you have changed the text)
if MY_TEXT == "The special [MASK] are great.":
    assert tokenizer.convert_ids_to_tokens(best.indices[0].item()) == "effects" and 0.9 < best.values[0] < 0.96

# %% [markdown]
# *Effects*, of course: this is about a film. (The piece `##s`, with its hash signs, would continue the word before it: *specials*.) Now we say that it is not about a film: *The special `[MASK]` on the menu are great.* Will it
# notice?

# %%
guess = None  # its first word

# %% tags=["timing", "nbval-ignore-output"]
elsewhere = word_probabilities("The special [MASK] on the menu are great.", model, tokenizer)
print(f"{elsewhere.max():4.0%}  {tokenizer.convert_ids_to_tokens(elsewhere.argmax().item())}    your guess: {guess}")

# %% tags=["check:menu"]
# checked: it says effects there, too, and is sure of it
assert tokenizer.convert_ids_to_tokens(elsewhere.argmax().item()) == "effects" and elsewhere.max() > 0.85

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## It fills a gap
#
# What does mini, which has read film reviews, say?
#
# - The special [MASK] are great.
# - The special [MASK] on the menu are great.

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# *effects*, 93 %, and *effects* again, 90 %: **being sure is not being right**.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Bet on both. Then let the class propose sentences, and type them live into the notebook.

# %% [markdown]
# It does not. **Being sure is not being right.** Film reviews are the last thing that mini has read, and *special effects* is frequent in them.
#
# Two sentences prove little. Here are eight, each with the word that we would write. In how many is it mini's first guess?

# %%
GAPS = {
    "I fell [MASK] after twenty minutes.": "asleep",
    "Two plus two is [MASK].": "four",
    "It kept me on the [MASK] of my seat.": "edge",
    "The ending took me by [MASK].": "surprise",
    "It is [MASK] the money.": "worth",
    "Once [MASK] a time there was a king.": "upon",
    "The film is based on a true [MASK].": "story",
    "The capital of France is [MASK].": "paris",
}

# %%
guess = None  # of eight

# %% tags=["timing", "nbval-ignore-output"]
right = 0
for text, wanted in GAPS.items():
    chances = word_probabilities(text, model, tokenizer)
    word = tokenizer.convert_ids_to_tokens(chances.argmax().item())
    right += word == wanted
    print(f"{text:40} {word:9} {chances.max():4.0%}  {'' if word == wanted else 'not ' + wanted}")
print("right:", right, "of 8    your guess:", guess)

# %% tags=["check:eight"]
# checked: four of eight
found = [
    word_probabilities(text, model, tokenizer).argmax() == tokenizer.convert_tokens_to_ids(word) for text, word in GAPS.items()
]
assert [bool(one) for one in found] == [True, False] * 4 and right == 4
sure = [word_probabilities(text, model, tokenizer).max() for text in GAPS]
assert max(sure[1], sure[3], sure[7]) < 0.25 and 0.6 < sure[5] < 0.7

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Which of these does it get?
#
# - I fell [MASK] after twenty minutes.
# - It kept me on the [MASK] of my seat.
# - Once [MASK] a time there was a king.
# - Two plus two is [MASK].
# - The capital of France is [MASK].

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let the class bet on each.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## It knows some phrases of reviewers
#
# | | we would write | mini |
# | --- | --- | --- |
# | I fell ... | asleep | **asleep**, 76 % |
# | on the ... of my seat | edge | **edge**, 88 % |
# | Once ... a time | upon | in, 64 % |
# | Two plus two is ... | four | one, 17 % |
# | The capital of France | Paris | not, 3 % |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** These are five of the page's eight. *One* and *not* have low percentages, *in* has not. What such percentages are worth over many texts is tested on page 11.

# %% [markdown]
# Four of eight: mini knows some phrases that reviewers use. Look at the percentages, too. In three of its four mistakes it is not sure; in the fourth, *Once **in** a time*, it gives 64 %. What such percentages are worth is tested on page 11. Why it misses *four* and *Paris*,
# eight sentences cannot tell: its ancestors, at the end of this page, had read about much else.
#
# ## You can see where it looks
#
# While BERT reads, each word looks at all words, itself included: it gives each of them a **weight**, and the weights that it gives add up to 1. This happens in 12 **heads** side by side, each with weights of its own. What comes out is worked
# on (page 05) and goes on to 12 more heads, in the next **layer**; mini has 6 layers. A text of 9 tokens has 9 times 9 weights in each head. How many is that in all heads together?

# %%
guess = None  # weights

# %%
from bertnotes import attend, attention_heatmap

attention = attend("I laughed at the wrong film.", model=model, tokenizer=tokenizer)
layers, heads, tokens, _ = attention.weights.shape
print(f"{layers} x {heads} x {tokens} x {tokens} = {attention.weights.numel():,} weights    your guess: {guess}")

# %% [markdown]
# 72 heads with 81 weights each. We let the computer look for one that is easy to read: the head in which words look most at the word just before them. (The code takes, of each table of weights, the line
# just below the diagonal.)

# %%
# (layer, head): the average weight on the word before
looks_back = attention.weights.diagonal(offset=-1, dim1=-2, dim2=-1).mean(dim=-1)
layer, head = divmod(looks_back.argmax().item(), heads)
print(f"layer {layer + 1}, head {head + 1}: {looks_back.max():.2f} of the weight goes to the word before, on average")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## This head looks at the word before

# %% slideshow={"slide_type": "-"}
ax = attention_heatmap(attention, layer=layer + 1, head=head + 1)

# %% tags=["check:looks-back"]
# checked: 72 heads, the one that looks back most puts nearly all of its weight there, in another sentence too; weights add up to 1
assert layers * heads == 72 and (layer, head) == (0, 2) and looks_back.max() > 0.98
assert attend("Nobody in the cinema dared to leave.").weights[0, 2].diagonal(offset=-1).mean() > 0.95
assert abs(attention.weights.sum(dim=-1) - 1).max() < 1e-4

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Rows look, columns are looked at, dark is much. Ask what the dark stripe below the diagonal means. Then ask about [CLS] and [SEP]: BERT puts them at both ends of every text. This is the tidiest of 72: say so, and turn to the next slide.

# %% [markdown]
# A **row** is a word that looks, a **column** a word that is looked at, and dark is much. The dark stripe just below the diagonal is the word before. The first token has none before it and looks at itself. (`[CLS]` and `[SEP]` are marks that
# BERT puts at both ends of a text.) Nobody programmed this head; it was learned, by mini or by one of its ancestors. But it is the tidiest of 72. Let us look at another: the head whose table is most like the average of all 72 tables.

# %%
difference = (attention.weights - attention.weights.mean(dim=(0, 1))).square().sum(dim=(2, 3))  # of each head from the average
layer, head = divmod(difference.argmin().item(), heads)
to_first = attention.weights[layer, head, :, 0].mean()
print(f"layer {layer + 1}, head {head + 1}: {to_first:.2f} of the weight goes to [CLS], on average")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Another head: much goes to [CLS]

# %% slideshow={"slide_type": "-"}
ax = attention_heatmap(attention, layer=layer + 1, head=head + 1)

# %% tags=["check:ordinary"]
# checked: the head nearest to the average and its weight on the first mark; that of all heads in this sentence
assert (layer, head) == (1, 5) and 0.65 < to_first < 0.75
assert 0.62 < attention.weights[..., 0].mean() < 0.68

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Little that one could read: most of the weight goes to [CLS], the mark at the beginning, and the rest is spread thinly. Page 07 asks why.

# %% [markdown]
# There is little to read here: 0.70 of the weight goes to `[CLS]`, and the rest is spread thinly. In this sentence, all 72 heads together send 65 % of their weight there. (In BERT-base much goes to `[SEP]`: Clark et al. 2019.) What heads mean, and what they do not, is tested on page 07, and why they
# look at such marks, too.
#
# ## It judges, with hardly any teaching
#
# No label of praise or blame was ever shown to mini. But it knows how reviews go on. So we write *It was* `[MASK].` behind a review and ask: which is likelier there, a word of praise or
# a word of blame (Schick and Schütze 2021)? Here are five of each, chosen by us:

# %%
GOOD, BAD = "good great wonderful excellent brilliant".split(), "bad terrible awful boring poor".split()


def leaning(review):
    """How much likelier words of praise are behind a review than words of blame: the logarithm of their ratio."""
    chances = word_probabilities(f"{review} It was [MASK].", model, tokenizer)
    praise, blame = (chances[tokenizer.convert_tokens_to_ids(words)].sum() for words in (GOOD, BAD))
    return (praise / blame).log().item()


# %% [markdown]
# The **leaning** of a review is the natural logarithm of the ratio: 0 where praise and blame are equally likely, above 0 where praise is likelier. How does *I hated it.* lean?

# %%
guess = None  # above 0 or below 0?

# %% tags=["timing", "nbval-ignore-output"]
leans = {text: leaning(text) for text in ("", "The chair is made of wood.", "I hated it.", "I loved it.")}
for text, value in leans.items():
    print(f"{value:5.2f}  {text or '(nothing)'}")
print("your guess:", guess)

# %% tags=["check:leanings"]
# checked: nothing leans to praise, a chair does more, "I hated it." too, but far less than "I loved it."
nothing, chair, hated, loved = leans.values()
assert 0.7 < nothing < 1 and 1.9 < chair < 2.5 and 0.5 < hated < 1 and 3.5 < loved < 4.2

# %% [markdown]
# Above 0, and so do a chair and nothing at all. Where 0 lies hangs on the ten words that we chose, on *It was*, and on what stands before it. So 0 is no good border between praise and blame (Zhao et al. 2021 met the same with large models). We measure one: we take eighty short reviews,
# half of them positive, and put the border in the middle of their leanings, so that forty lie on each side. That is a little teaching: we use that half of the eighty are positive, but not which ones.
#
# Then we try it on **280 others**, half of them positive. A coin would get half of them right. And mini? (To read all 360 may take half a minute.)

# %%
from bertnotes.data import load_imdb_data
from bertnotes.files import REVIEWS

texts, labels = load_imdb_data(REVIEWS, plain=True)  # the course's own reviews, without irony and other hard cases
short = [(text, label) for text, label in zip(texts, labels, strict=True) if len(text.split()) <= 45]
positive, negative = ([text for text, label in short if label == wanted] for wanted in (1, 0))
print(f"{len(positive)} short positive reviews, {len(negative)} negative ones; the first:\n\n{positive[0]}")

# %%
guess = None  # a share of the 280, in percent

# %% tags=["timing", "nbval-ignore-output"]
from statistics import median

leanings = {"positive": [leaning(text) for text in positive], "negative": [leaning(text) for text in negative]}
border = median(leanings["positive"][:40] + leanings["negative"][:40])
others = {name: values[40:] for name, values in leanings.items()}
right = sum(value > border for value in others["positive"]) + sum(value <= border for value in others["negative"])
print(f"border {border:.2f}: {right} of 280 right, {right / 280:.0%}    your guess: {guess}")

# %% tags=["check:judged"]
# checked: about eight of ten, on reviews that did not set the border; with 0 as the border hardly more than half
assert 215 <= right <= 231 and 1.8 < border < 2 and len(others["positive"]) == len(others["negative"]) == 140
words = [set(text.lower().replace(".", " ").replace(",", " ").split()) for text in positive + negative]
assert sum(bool(found & {*GOOD, *BAD}) for found in words) <= 12 and len(words) == 360
at_zero = sum(value > 0 for value in others["positive"]) + sum(value <= 0 for value in others["negative"])
assert 140 <= at_zero < 160

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## It judges, with hardly any teaching
#
# A review, then *It was* [MASK]: is a word of praise likelier there, or one of blame?
#
# How do these lean?
#
# - I hated it.
# - The chair is made of wood.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let them vote: to praise or to blame? Then show the next step.

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# Both to praise, by +0.75 and +2.18. So the border between praise and blame cannot be at 0.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## 280 short reviews: 80 % on the correct side of the border

# %% slideshow={"slide_type": "-"}
from bertnotes.pictures.charts import dot_rows

picture = dot_rows(others, {"0": 0, "border": border}, "leaning to praise")

# %% [markdown] slideshow={"slide_type": "notes"}
# **4 minutes.** A dot is a review. The border was measured on eighty others, half of them positive: forty of their leanings lie on each side of it. To the right of it mini says *positive*. Ask for a review that fools it, and type it in: *Not bad at all.* is called negative,
# *Not good at all.* positive.

# %% [markdown]
# A dot is a review; its height within the row means nothing. Eight of ten lie on the correct side of the border; with 0 as the border nearly all would be called positive. (With 280 reviews, chance may move that by five points either way.) Does mini only look for our ten words? No: only about 11 of the 360 reviews have
# any of them (it may look for others, such as *loved* or *dull*). But do not make too much of it: these reviews are short and clear, their films are invented, and the authors of this course wrote them. Now one of your own: *Not bad at all.*, or *I want my money back.*, or *The chair is made of wood.*

# %% tags=["timing", "nbval-ignore-output"]
MY_REVIEW = "Not bad at all."  # change me

mine = leaning(MY_REVIEW)
print(f"leaning {mine:.2f}, border {border:.2f}: {'positive' if mine > border else 'negative'}")

# %% tags=["check:own-review"]
# checked: "Not bad at all." is called negative, and "I want my money back." positive
assert (mine < border or MY_REVIEW != "Not bad at all.") and leaning("I want my money back.") > border

# %% [markdown]
# Two more piles of the course's reviews. In 31 hard ones, as short as these, the verdict is mostly implied: *We took Nan for her ninetieth because she'd read the book. Nan loves everything. She loved her hip operation. At the end she did up her coat, top button to bottom, had a think, and said that
# the chairs were very good.* That is a negative one. The other pile has 145 reviews with a plain verdict, by writers of other kinds: dry ones, hasty ones, old ones. A coin would get half of each right. Of how many of the 145 is mini right?

# %%
guess = None  # of 145

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.data import read_reviews

frame = read_reviews(REVIEWS, ("review", "sentiment", "note", "voice"))
is_short, plain = frame["review"].str.split().str.len() <= 45, frame["note"] == ""
piles = {"hard": frame[is_short & ~plain], "plain, other voices": frame[plain & (frame["voice"] != "various")]}
hits = {}
for name, pile in piles.items():
    hits[name] = sum((leaning(text) > border) == (verdict == "positive") for text, verdict in pile.to_numpy()[:, :2])
    print(f"{name}: right {hits[name]} of {len(pile)}")
print("your guess:", guess)

# %% tags=["check:piles"]
# checked: both piles are far from eight in ten, beyond what chance explains
from scipy.stats import binomtest

assert (
    [len(pile) for pile in piles.values()] == [31, 145] and 10 <= hits["hard"] <= 14 and 71 <= hits["plain, other voices"] <= 83
)
assert all(binomtest(hits[name], len(pile)).proportion_ci(0.95).high < 0.66 for name, pile in piles.items())
nan = leaning(piles["hard"]["review"].iloc[3])
assert "Nan loves everything" in piles["hard"]["review"].iloc[3] and nan > border

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Eight of ten, of what?
#
# | | right |
# | --- | --- |
# | short, clear, like those that set the border | **80 %** |
# | plain verdict, writers of other kinds | ? |
# | hard: irony, negation, verdict only implied | ? |

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# Writers of other kinds: **53 %**. Hard ones: **12 of 31**.
#
# *Nan loves everything. She loved her hip operation. (...) She said that the chairs were very good.* mini says: positive.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let them guess both. The 280 were by the same hands, in the same manner, as the eighty that set the border. *Loves*, *loved*, *very good*: Nan's words praise, the review does not. Page 10 trains mini on labelled reviews. Ask what one would want to know before trusting it.

# %% [markdown]
# 77 of 145, hardly more than a coin, and 12 of the 31 hard ones. (*Loves*, *loved*, *very good*: Nan's words praise, the review does not, and mini calls it positive.) So *eight of ten* was true of reviews in the manner of those that set the border, and of no others. **A score holds for texts like those on which it was measured.** A verdict that can
# be trusted needs labels, a fair test, and a look at what goes wrong: pages 09 to 11.
#
# ## Where mini comes from
#
# It would be a good story if mini had learned all this from reviews alone. It did not. Here is its ancestry:
#
# ![mini's ancestors: a teacher; MiniLM, which learned to look where the teacher looks; every second layer of it; all-MiniLM-L6-v2, trained on pairs of sentences that belong together; and mini, with 10,000 word pieces, which then read reviews](figures/00_ancestry.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![mini's ancestors: a teacher; MiniLM, which learned to look where the teacher looks; every second layer of it; all-MiniLM-L6-v2, trained on pairs of sentences that belong together; and mini, with 10,000 word pieces, which then read reviews](figures/00_ancestry.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## How much came from where?
#
# | tokens of reviews guessed right (a tenth of them stays visible) | at the start | after 8 million tokens |
# | --- | --- | --- |
# | mini, with its ancestors | 6 % | **40 %** |
# | the same size, from random numbers | 0 % | 14 % |
#
# (Each was trained by a recipe of its own.)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes for both slides.** BERT's own training took four days on many special chips (Devlin et al., appendix A.2). So nearly everyone begins with what others have trained. Ask: of what mini does well, what came from reviews, and what from its ancestors?

# %% [markdown]
# The **teacher** was a UniLM v2, a model as large as BERT-base. MiniLM was trained to do what the teacher's last layer does: to look where it looks, and one thing more (Wang et al. 2020). This is called **distillation**. N. Reimers kept every second
# layer of it, and he and others trained that further, on pairs of sentences that belong together (as in Reimers and Gurevych 2019). We cut the list of pieces down, and let it read film reviews. So where we find a head that does something clever, it may have
# it from its ancestors. We shall say so where it matters.

# %% [markdown]
# How much came from where? We chose 15 % of the tokens of reviews that it did not train on, and had them guessed. As in BERT's own training, eight tenths of these are hidden, one tenth is replaced by random pieces, and one tenth stays visible.
#
# | guessed right | at the start | after 8 million tokens of reviews |
# | --- | --- | --- |
# | mini, with its ancestors | 6 % | 40 % |
# | the same size, from random numbers | 0 % | 14 % |

# %% [markdown]
# At the start mini's layer for guessing was new; it got fewer right than the tenth that stays visible. The other model, after 8 million tokens, got about what one gets by copying the visible ones and saying *the* for all others. mini learned far more from as many.
# The ancestors are one reason; but each had a recipe of its own, so that we cannot say how much is theirs. (Both would learn more from more text. mini did read on, to 31.5 million tokens.)

# %% tags=["check:ancestry"]
# checked: what the records of the three trainings say
import json

from bertnotes.files import MINI, RESULTS

curve = [json.loads(line) for line in (MINI / "log.jsonl").read_text(encoding="utf-8").splitlines()]
control = json.loads((RESULTS / "pretraining-from-zero.json").read_text(encoding="utf-8"))["log"][-1]
first = [entry for entry in curve if entry["run"] == 1]
assert [round(100 * entry["held_out_top1"]) for entry in (first[0], first[-1], control)] == [6, 40, 14]
assert first[-1]["tokens"] == control["tokens"]

# %% [markdown]
# ## The course
#
# <!-- the pages of the course -->
#
# What will we build? Attention (01 to 03), a whole BERT (05), which is trained to fill gaps (06), and from it a classifier of film reviews (10), which is put to the test (11). Each page runs by itself. In a hurry: 01 to 03 and
# 07 for attention; 01, 05, 06 and 10 for a classifier.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - BERT turns each word, or piece of a word, into a vector that depends on the whole text: on what is meant, and on the very words around.
# - It learns from plain text (pre-training), then a task from labels (fine-tuning).
# - It can be sure and wrong.
# - Its verdict from a gap is right for eight of ten clear reviews in one manner, and for half of those in other manners: a score holds for texts like those on which it was measured.
#
# **Next:** on page 01 one word looks at the others, with numbers that you can check on paper.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Which of the four things surprised them? Page 01 begins with a dictionary and ends with four lines of Python.

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown]
# ## Sources
#
# - Peters et al. (2018). *Deep Contextualized Word Representations* (ELMo). arXiv:1802.05365 Vaswani et al. (2017). *Attention Is All You Need* (the Transformer). arXiv:1706.03762
# - Radford, Narasimhan, Salimans, Sutskever (2018). *Improving Language Understanding by Generative Pre-Training* (GPT). Howard, Ruder (2018). *Universal Language Model Fine-tuning for Text Classification* (ULMFiT). arXiv:1801.06146
# - Devlin, Chang, Lee, Toutanova (2019). *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* arXiv:1810.04805
# - Mikolov, Chen, Corrado, Dean (2013). *Efficient Estimation of Word Representations in Vector Space* (word2vec). arXiv:1301.3781
# - Reimers, Gurevych (2019). *Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks.* arXiv:1908.10084
# - Wang et al. (2020). *MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained Transformers.* arXiv:2002.10957 Its teacher: Bao et al. (2020), *UniLMv2*, arXiv:2002.12804
# - Schick, Schütze (2021). *Exploiting Cloze Questions for Few-Shot Text Classification and Natural Language Inference.* A verdict from the word in a gap. arXiv:2001.07676
# - Clark, Khandelwal, Levy, Manning (2019). *What Does BERT Look At?* arXiv:1906.04341
# - Zhao, Wallace, Feng, Klein, Singh (2021). *Calibrate Before Use: Improving Few-Shot Performance of Language Models.* Why the border is not at 0. arXiv:2102.09690
