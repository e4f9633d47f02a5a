# %% [markdown] question="What is BERT, what will we build, and does this machine have what it takes?"
# # 00 · Start here
#
# **The question:** what is BERT, what will we build, and does this machine have what it takes?
#
# ![The words of a text go into BERT, in which every word looks at every word. A vector for each word comes out; with them one fills a gap or judges the text. One can also look into BERT, at who looks at whom](figures/00_bert.svg)
#
# BERT is a program that turns each word of a text into a **vector**, a list of a few hundred numbers. They depend on the whole text, and much can be
# done with them. On this page you meet a small BERT and see three things: it fills a gap, one can see where it looks, it judges a film review.
#
# **You need:** some Python, and algebra as at school. **Time:** about 40 minutes. Nothing is downloaded, and no account is needed.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # Start here: a BERT that runs on this machine
#
# ![The words of a text go into BERT, in which every word looks at every word. A vector for each word comes out; with them one fills a gap or judges the text. One can also look into BERT, at who looks at whom](figures/00_bert.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The deck takes about 20. A text goes in on the left, a vector for each word comes out on the right. The three boxes are the three things that we try now.

# %% [markdown]
# ## How to read a page
#
# A page is text and **cells** of code. Click into a cell and press Shift + Enter: it runs, and what it prints appears below. Run them from top to bottom.
#
# - Where a cell says *change me*, change it and run it again. You cannot break anything: *Kernel > Restart Kernel and Run All Cells* brings the results back, and
#   *Edit > Undo* what you typed over.
# - Where a cell says `guess = None`, type your guess in place of `None`. The next cell shows it beside the result.
# - A line of grey text with three dots is a folded **check**. It makes sure that what the text says is true, on this machine too, as long as you have changed nothing. You need not open it.
#
# You need not understand the code of this page yet. Try a first cell:

# %%
SENTENCE = "The plot makes no sense, but I laughed."  # change me
print(len(SENTENCE.split()), "words")

# %% [markdown]
# ## Words, and pieces of words
#
# A BERT does not know every word. It has a fixed list of **word pieces**, and what is not in the list is put together from pieces. How long is the list of
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
# *Cinematography* is in the list: it stood in that of the original BERT, of which the pieces that film reviews use most were kept; *unforgettable* is not and comes in four pieces. Two hash signs say that a piece continues a word.
# (Capitals are gone: this BERT reads everything in lower case.) A piece is called a **token**, and what cuts a text into them is the **tokenizer** (page 05).
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
# - **Transformers**: it is built around *attention*. Each word looks at all words of the text and takes from each what it needs (page 01).
# - **Encoder Representations**: it does not write. It *encodes* a text: what comes out are vectors, which stand for (*represent*) the words in this text.
# - **Bidirectional**: a word looks both ways, to the left and to the right (page 04).

# %% [markdown]
# How does it learn that? In two steps. First it reads masses of plain text in which some words are hidden, and guesses them: **pre-training** (page 06, where there is one more task). That takes long and
# needs no labels. Then it is trained a little further on a task, such as telling praise from blame, with texts that somebody has labelled: **fine-tuning** (page 10).
#
# Until then, a program for such a task began with little or nothing. In 2018 several programs, *models* of language, changed that: they have read before they are given a task. Here are three (ULMFiT, by Howard and Ruder, was a fourth):
#
# ![ELMo, February 2018, is built of LSTMs and reads both ways, each by itself. GPT, June 2018, is a Transformer and reads from left to right. BERT, October 2018, is a Transformer and reads both ways at once](figures/00_family.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![ELMo, February 2018, is built of LSTMs and reads both ways, each by itself. GPT, June 2018, is a Transformer and reads from left to right. BERT, October 2018, is a Transformer and reads both ways at once](figures/00_family.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Ask who has used one of the three today. Search engines and spam filters use BERT's kind, chatbots GPT's. The months are those in which they came out; BERT's paper was printed in 2019.

# %% [markdown]
# Read the rows. **ELMo** has two readers, one from each side, built of LSTMs (a network that reads word by word); their vectors are then handed to another model. **GPT** is a Transformer, but each word sees only those before it.
# **BERT** is a Transformer in which each word sees both sides at once. GPT's descendants write; BERT's read: they search, sort and tag. (The months are those in which they came out. BERT's paper was printed in 2019, as
# *Devlin et al. 2019*.)
#
# ## A BERT of our own
#
# Now load the course's own BERT, **mini**. What a model has learned are numbers, its **parameters**. mini has 15 million, BERT-base, the original, 110 million. (The look at the machine counted without the layer that guesses words.)

# %%
from bertnotes.encoder import BertEncoder
from bertnotes.masked_lm import word_probabilities

model = BertEncoder.from_pretrained()
print(f"{sum(weight.numel() for weight in model.parameters()):,} parameters")

# %% [markdown]
# First a look at vectors. The word *cast* stands in two sentences that begin alike. Will its vector be the same in both, or different?

# %%
guess = None  # "the same" or "different"

# %% tags=["timing", "nbval-ignore-output"]
import torch

vectors = {}
for text in ("The cast was brilliant in every scene.", "The cast was on her broken arm."):
    with torch.inference_mode():
        hidden = model(tokenizer(text, return_tensors="pt")["input_ids"]).last_hidden_state[0]  # a row for each token
    vectors[text] = hidden[2]  # [CLS], the, cast
    print(f"{text:40} {' '.join(f'{number:5.2f}' for number in vectors[text][:8])} ... {len(vectors[text])} numbers")
print("your guess:", guess)

# %% tags=["check:vectors"]
# checked: 384 numbers, which differ between the sentences
one, other = vectors.values()
assert len(one) == 384 and 0.7 < torch.cosine_similarity(one, other, dim=0) < 0.78 and (one - other).abs().max() > 0.05

# %% [markdown]
# Different: the vector depends on the other words of the sentence, so it can tell actors from plaster. What such numbers can and cannot tell is measured on page 05. Now the first
# of three things that one can do with them.

# %% [markdown]
# ### It fills a gap
#
# In the next cell, `[MASK]` stands for a hidden word. mini gives a probability to every piece of its list; we print the five that it finds likeliest.

# %% tags=["timing", "nbval-ignore-output"]
MY_TEXT = "The special [MASK] are great."  # change me, and keep one [MASK]

best = word_probabilities(MY_TEXT, model, tokenizer).topk(5)
for probability, piece in zip(*best, strict=True):
    print(f"{probability:4.0%}  {tokenizer.convert_ids_to_tokens(piece.item())}")

# %% tags=["check:first-guess"]
# checked: mini fills the gap with "effects", and is sure of it
if MY_TEXT == "The special [MASK] are great.":
    assert tokenizer.convert_ids_to_tokens(best.indices[0].item()) == "effects" and 0.9 < best.values[0] < 0.96
elsewhere = word_probabilities("The special [MASK] at this restaurant are great.", model, tokenizer)
assert tokenizer.convert_ids_to_tokens(elsewhere.argmax().item()) == "effects"

# %% [markdown]
# *Effects*, of course: this is about a film. (In *The special `[MASK]` at this restaurant are great*, too: that is what it has read.) (The piece `##s` would make *specials*.) Try a sentence of your own.
#
# One sentence proves little. Here are eight, each with the word that most people would write. In how many is it mini's first guess?

# %%
SENTENCES = {
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
for text, wanted in SENTENCES.items():
    chances = word_probabilities(text, model, tokenizer)
    word = tokenizer.convert_ids_to_tokens(chances.argmax().item())
    right += word == wanted
    print(f"{text:40} {word:9} {chances.max():4.0%}  {'' if word == wanted else 'not ' + wanted}")
print("right:", right, "of 8    your guess:", guess)

# %% tags=["check:eight"]
# checked: four of eight
found = [
    word_probabilities(text, model, tokenizer).argmax() == tokenizer.convert_tokens_to_ids(word)
    for text, word in SENTENCES.items()
]
assert [bool(one) for one in found] == [True, False] * 4 and right == 4

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## It fills a gap
#
# Which of these does it get?
#
# - I fell [MASK] after twenty minutes.
# - It kept me on the [MASK] of my seat.
# - Once [MASK] a time there was a king.
# - Two plus two is [MASK].
# - The capital of France is [MASK].

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | | most people | mini |
# | --- | --- | --- |
# | I fell ... | asleep | **asleep** |
# | on the ... of my seat | edge | **edge** |
# | Once ... a time | upon | in |
# | Two plus two is ... | four | one (17 %) |
# | The capital of France is ... | Paris | not (3 %) |

# %% [markdown] slideshow={"slide_type": "notes"}
# **4 minutes.** Let the class bet on each before the answer. Then let them propose sentences, and type them live into the notebook.

# %% [markdown]
# mini knows phrases that reviewers use, and neither arithmetic nor capitals: where it is wrong about *four* and *Paris*, it is not sure of anything (look at the percentages). **What a language model says
# depends on what it has read.** But that is not all: it also misses *took me by surprise*, which reviewers do write, and its ancestors, at the end of this page, had read about Paris. Eight sentences
# are too few to say why.
#
# ## You can see where it looks
#
# While BERT reads, each word looks at all words, itself included: it gives each of them a **weight**, and the weights that it gives add up to 1. It does so many times side by side, in **heads**, and again in the next **layer**, on what came out of the one before. mini has 6 layers of 12 heads. How many weights
# does it work out for a text of 13 tokens?

# %%
guess = None  # weights

# %%
from bertnotes import attend, attention_heatmap

attention = attend("I laughed twice, both times at the wrong film.", model=model, tokenizer=tokenizer)
layers, heads, tokens, _ = attention.weights.shape
print(f"{layers} x {heads} x {tokens} x {tokens} = {attention.weights.numel():,} weights    your guess: {guess}")

# %% [markdown]
# 72 heads with 169 weights each. Most heads are not easy to read. We let the computer look for one that is: the head in which words look most at the word just before them. (The code takes, of each table of weights, the line
# just below the diagonal.)

# %%
# (layer, head): the average weight on the word before
looks_back = attention.weights.diagonal(offset=-1, dim1=-2, dim2=-1).mean(dim=-1)
layer, head = divmod(looks_back.argmax().item(), heads)
print(f"layer {layer + 1}, head {head + 1}: {looks_back.max():.2f} of the weight goes to the word before, on average")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## You can see where it looks

# %% slideshow={"slide_type": "-"}
ax = attention_heatmap(attention, layer=layer + 1, head=head + 1)

# %% tags=["check:looks-back"]
# checked: 72 heads, the one that looks back most puts nearly all of its weight there, in another sentence too; weights add up to 1
assert layers * heads == 72 and (layer, head) == (0, 2) and looks_back.max() > 0.98
assert attend("Nobody in the cinema dared to leave.").weights[0, 2].diagonal(offset=-1).mean() > 0.95
assert abs(attention.weights.sum(dim=-1) - 1).max() < 1e-4

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Rows look, columns are looked at, dark is much. Ask what the dark stripe below the diagonal means. Then ask about [CLS] and [SEP]: BERT puts them at both ends of every text.

# %% [markdown]
# A **row** is a word that looks, a **column** a word that is looked at, and dark is much. The dark stripe just below the diagonal is the word before. The first token has none before it and looks at itself. (`[CLS]` and `[SEP]` are marks that
# BERT puts at both ends of a text. Why other words often look at them, too, is told on page 07.) Nobody programmed this head. What heads mean, and what they do not, is tested on page 07.
#
# ## It judges, with hardly any teaching
#
# mini has never been told what praise is. But it knows how reviews go on. So we write *It was* `[MASK].` behind a review and ask: which is likelier there, a word of praise or
# a word of blame? These are the words:

# %% tags=["timing", "nbval-ignore-output"]
GOOD, BAD = "good great wonderful excellent brilliant".split(), "bad terrible awful boring poor".split()
chances = word_probabilities("It was [MASK].", model, tokenizer)
for name, words in {"praise": GOOD, "blame": BAD}.items():
    print(f"{name:7} {chances[tokenizer.convert_tokens_to_ids(words)].sum():.0%}")

# %% tags=["check:praise"]
# checked: with no review before it, these words of praise are likelier than those of blame
praise, blame = (chances[tokenizer.convert_tokens_to_ids(words)].sum() for words in (GOOD, BAD))
assert 2 < praise / blame < 3

# %% [markdown]
# So even with no review, our five words of praise are likelier than our five of blame. The natural logarithm of the ratio is the **leaning** of a review: above 0, praise is likelier.


# %%
def leaning(review):
    """How much likelier words of praise are behind a review than words of blame: the logarithm of their ratio."""
    chances = word_probabilities(f"{review} It was [MASK].", model, tokenizer)
    praise, blame = (chances[tokenizer.convert_tokens_to_ids(words)].sum() for words in (GOOD, BAD))
    return (praise / blame).log().item()


# %% [markdown]
# Where should the border be? At 0, one would think. But look at a sentence that praises nothing:

# %% tags=["timing", "nbval-ignore-output"]
for text in ("", "The chair is made of wood.", "The story drags, the jokes are stale, and nobody seems to care."):
    print(f"{leaning(text):5.2f}  {text}")

# %% tags=["check:any-sentence"]
# checked: a sentence that praises nothing leans further to praise than no sentence at all; a plain bad review does not
assert (
    text.startswith("The story")
    and 1.9 < leaning("The chair is made of wood.") < 2.5
    and 0.7 < leaning("") < 1 > 0 > leaning(text)
)

# %% [markdown]
# Nearly anything in front raises the leaning. So we measure where the middle is: we take eighty short reviews, half of them positive, and put the border in the middle of their leanings. That is a
# little teaching: we use that half of them are positive. Then we try the border on **eighty others**. A coin would get 40 right. And mini?

# %%
from bertnotes.data import load_imdb_data
from bertnotes.files import REVIEWS

texts, labels = load_imdb_data(REVIEWS, plain=True)  # the course's own reviews, without irony and other hard cases
short = [(text, label) for text, label in zip(texts, labels, strict=True) if len(text.split()) <= 45]
positive, negative = ([pair for pair in short if pair[1] == label] for label in (1, 0))
print(f"{len(positive)} short positive reviews, {len(negative)} negative ones")

# %%
guess = None  # of 80

# %% tags=["timing", "nbval-ignore-output"]
border = sorted(leaning(text) for text, _ in positive[:40] + negative[:40])[40]
correct = sum((leaning(text) > border) == (label == 1) for text, label in positive[40:80] + negative[40:80])
at_zero = sum((leaning(text) > 0) == (label == 1) for text, label in positive[40:80] + negative[40:80])
print(f"border {border:.2f}: right {correct} of 80    your guess: {guess}")
print(f"border 0:    right {at_zero} of 80")

# %% tags=["check:eighty"]
# checked: far more than a coin, on reviews that did not set the border, and with 0 as the border hardly more
from scipy.stats import binom

assert round(1.96 * binom(80, correct / 80).std()) == 7
assert (
    61 <= correct <= 65
    and 41 <= at_zero <= 45
    and sum(leaning(text) > border for text, _ in positive[40:80]) in (35, 36, 37)
    and 1.8 < border < 2
    and min(len(positive), len(negative)) >= 80
)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## It judges, with hardly any teaching
#
# Review + *It was* [MASK]: which is likelier, *great* or *terrible*?
#
# Eighty short reviews, half of them positive. A coin gets 40 right. And mini?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | | right |
# | --- | --- |
# | border at 0 | 43 of 80 |
# | border in the middle of eighty others | **63 of 80** |
# | hard reviews, the verdict mostly implied | 12 of 31 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **4 minutes.** Let them write a review that fools it: irony works nearly always. Page 10 teaches it with labels.

# %% [markdown]
# Eight of ten, and with 0 as the border hardly more than a coin. (With only eighty reviews, chance alone may move that by seven either way.) It forgives too much: it gets 36 of the 40 positive ones and 27 of the 40 negative ones. And do not make too much of it: these reviews are short and clear, their films are invented, and the authors of this
# course wrote them. Now one of your own.

# %% tags=["timing", "nbval-ignore-output"]
MY_REVIEW = "The story drags, the jokes are stale, and nobody seems to care."  # change me

mine = leaning(MY_REVIEW)
print(f"leaning {mine:.2f}, border {border:.2f}: {'positive' if mine > border else 'negative'}")

# %% tags=["check:own-review"]
# checked: a plain bad review is called negative
assert mine < border or not MY_REVIEW.startswith("The story drags")

# %% [markdown]
# And the hard ones? There are 31 short ones: in 24 the verdict is only implied, in the others it is negated, turned round or ironic. How many does it get wrong?

# %%
guess = None  # of 31

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.data import read_reviews

frame = read_reviews(REVIEWS, ("review", "sentiment", "note"))
hard = frame[(frame["note"] != "") & (frame["review"].str.split().str.len() <= 45)]
fooled = sum(
    (leaning(text) > border) != (label == "positive") for text, label in zip(hard["review"], hard["sentiment"], strict=True)
)
print(f"wrong: {fooled} of {len(hard)}    your guess: {guess}")

# %% tags=["check:hard"]
# checked: 31 short hard reviews, 24 of them implied; on these mini is within what a coin gets
assert binom(31, 0.5).interval(0.95) == (10, 21)
assert len(hard) == 31 and (hard["note"] == "implied").sum() == 24 and 17 <= fooled <= 21

# %% [markdown]
# No better than a coin, which gets 10 to 21 of 31 wrong. A verdict that can be trusted needs labels, a fair test, and a look at what goes wrong: pages 09 to 11.
#
# ## Where mini comes from
#
# It would be a good story if mini had learned all this from reviews alone. It did not. Here is its ancestry:
#
# ![mini's ancestors: a teacher; MiniLM, which learned to look where the teacher looks; every second layer of it; all-MiniLM-L6-v2, which learned which sentences belong together; and mini, with 10,000 word pieces, which then read reviews](figures/00_ancestry.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![mini's ancestors: a teacher; MiniLM, which learned to look where the teacher looks; every second layer of it; all-MiniLM-L6-v2, which learned which sentences belong together; and mini, with 10,000 word pieces, which then read reviews](figures/00_ancestry.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## How much came from where?
#
# | hidden tokens of reviews, guessed right | at the start | after 8 million tokens of reviews |
# | --- | --- | --- |
# | mini, with its ancestors | 6 % | **40 %** |
# | the same size, from random numbers | 0 % | 14 % |
#
# (About 10 % come free: a tenth of the chosen tokens stays visible.)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes for both slides.** BERT's own training took four days on many special chips (Devlin et al., appendix A.2). So nearly everyone begins with what others have trained. Ask: of what mini does well, what came from reviews, and what from its ancestors?

# %% [markdown]
# A model of BERT-base's size was the **teacher**. MiniLM was trained to look where the teacher's last layer looks: it was **distilled** (Wang et al. 2020). Somebody kept every second layer. Others trained that further, on pairs of sentences that belong together. So where we find a head
# that does something clever, it may have inherited it. We shall say so where it matters.
#
# How much came from where? We chose 15 % of the tokens in reviews that were held out, and had them guessed. A tenth of them stays visible, as in BERT's own training, so about 10 % come free. At the start, with its list of pieces cut down and a new layer for guessing, mini got 6 %. After 8 million tokens of
# reviews it got 40 %; a model of the same size that began with random numbers got 14 % after as many, little more than copying. (Each had a recipe of its own. mini then read on, to 46 %; the other would have learned more, too.)

# %% tags=["check:ancestry"]
# checked: what the records of the three trainings say
import json

from bertnotes.files import MINI, RESULTS

curve = [json.loads(line) for line in (MINI / "log.jsonl").read_text(encoding="utf-8").splitlines()]
control = json.loads((RESULTS / "pretraining-from-zero.json").read_text(encoding="utf-8"))["log"][-1]
first = [entry for entry in curve if entry["run"] == 1]
assert [round(100 * entry["held_out_top1"]) for entry in (first[0], first[-1], curve[-1], control)] == [6, 40, 46, 14]
assert first[-1]["tokens"] == control["tokens"]

# %% [markdown]
# ## The course
#
# <!-- the pages of the course -->
#
# Each page runs by itself. In a hurry: 01, then 07, then 10.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - BERT turns each word of a text into a vector that depends on the whole text.
# - It learns from plain text (pre-training), then a task from labels (fine-tuning).
# - What it says depends on what it has read: mini knows how reviewers write, and no arithmetic.
# - What it can do comes from its ancestors, too.
#
# **Next:** on page 01 one word looks at the others, with numbers that you can check on paper.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Which of the three things surprised them? Page 01 begins with a dictionary and ends with four lines of Python.

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown]
# ## Sources
#
# - Peters et al. (2018). *Deep Contextualized Word Representations* (ELMo). arXiv:1802.05365
# - Radford, Narasimhan, Salimans, Sutskever (2018). *Improving Language Understanding by Generative Pre-Training* (GPT).
# - Devlin, Chang, Lee, Toutanova (2019). *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* arXiv:1810.04805
# - Vaswani et al. (2017). *Attention Is All You Need* (the Transformer). arXiv:1706.03762
# - Howard, Ruder (2018). *Universal Language Model Fine-tuning for Text Classification* (ULMFiT). arXiv:1801.06146
# - Reimers, Gurevych (2019). *Sentence-BERT.* arXiv:1908.10084
# - Wang et al. (2020). *MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained Transformers.* arXiv:2002.10957
# - Schick, Schütze (2021). *Exploiting Cloze Questions for Few-Shot Text Classification.* A verdict from the word in a gap. arXiv:2001.07676
# - Zhao, Wallace, Feng, Klein, Singh (2021). *Calibrate Before Use.* Why the border is not at 0. arXiv:2102.09690
