# %% [markdown] question="What is BERT, what will we build, and does this machine have what it takes?"
# # 00 · Start here
#
# **The question:** what is BERT, what will we build, and does this machine have what it takes?
#
# ![The words of a text go into BERT, in which every word looks at every other one. A vector for each word comes out, and serves to fill a gap, to see where it looks, or to judge the text](figures/00_bert.svg)
#
# BERT is a program that turns each word of a text into a **vector**, a list of a few hundred numbers. They depend on the whole text, and much can be
# done with them. On this page you meet a small BERT and see it do three things: fill a gap, show where it looks, judge a film review.
#
# **You need:** some Python, and algebra as at school. **Time:** about 30 minutes. Nothing is downloaded, and no account is needed.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # Start here: a BERT that runs on this machine
#
# ![The words of a text go into BERT, in which every word looks at every other one. A vector for each word comes out, and serves to fill a gap, to see where it looks, or to judge the text](figures/00_bert.svg)

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
# - A line of grey text with three dots is a folded **check**. It makes sure that what the text says is true, on this machine too. You need not open it.
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
# *Cinematography* is in the list, since this BERT has read many film reviews; *unforgettable* is not and comes in four pieces. Two crosses say that a piece continues a word. A piece
# is called a **token**, and what cuts a text into them is the **tokenizer** (page 05).
#
# ## Is this machine ready?
#
# The next cell looks at packages, memory, disk and model. Where something is missing, it says what to do.

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
# The name is a program: **B**idirectional **E**ncoder **R**epresentations from **T**ransformers.
#
# - **Transformers**: it is built of *attention*. Each word looks at the others and takes from each what it needs (page 01).
# - **Encoder Representations**: it does not write. It *encodes* a text: what comes out are vectors, which stand for (*represent*) the words in this text.
# - **Bidirectional**: a word looks both ways, to the left and to the right (page 04).

# %% [markdown]
# How does it learn that? In two steps. First it reads masses of plain text in which some words are hidden, and guesses them: **pre-training** (page 06). That takes long and
# needs no labels. Then it is trained a little further on a task, such as telling praise from blame, with texts that somebody has labelled: **fine-tuning** (page 10).
#
# Before BERT, a model for a task began with little or nothing. With it one begins with a model that has already read. It was one of three models of 2018 with this idea:
#
# ![ELMo, February 2018, is built of LSTMs and reads both ways, each by itself. GPT, June 2018, is a Transformer and reads from left to right. BERT, October 2018, is a Transformer and reads both ways at once](figures/00_family.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![ELMo, February 2018, is built of LSTMs and reads both ways, each by itself. GPT, June 2018, is a Transformer and reads from left to right. BERT, October 2018, is a Transformer and reads both ways at once](figures/00_family.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Ask who has used one of the three today. Search engines and spam filters use BERT's kind, chatbots GPT's. The dates are those of the preprints; BERT was printed in 2019.

# %% [markdown]
# Read the rows. **ELMo** has two readers, one from each side, built of LSTMs (a network that reads word by word); their vectors are then handed to another model. **GPT** is a Transformer, but each word sees only those before it.
# **BERT** is a Transformer in which each word sees both sides at once. GPT's descendants write; BERT's read: they search, sort and tag. (The months are those in which the papers came out as preprints. BERT was printed in 2019, as
# *Devlin et al. 2019*.)
#
# ## It fills a gap
#
# Now load the course's own BERT. It is small, 15 million numbers, and it is called **mini**.

# %%
from bertnotes.encoder import BertEncoder
from bertnotes.masked_lm import word_probabilities

model = BertEncoder.from_pretrained()
print(f"{sum(weight.numel() for weight in model.parameters()):,} numbers")

# %% [markdown]
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

# %% [markdown]
# *Effects*, of course: this is about a film. Try a sentence of your own.
#
# One sentence proves little. Here are eight, each with the word that most people would write. In how many is it mini's first guess?

# %%
SENTENCES = {
    "I fell [MASK] after twenty minutes.": "asleep",
    "It kept me on the [MASK] of my seat.": "edge",
    "It is [MASK] the money.": "worth",
    "The film is based on a true [MASK].": "story",
    "The ending took me by [MASK].": "surprise",
    "Once [MASK] a time there was a king.": "upon",
    "Two plus two is [MASK].": "four",
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
    print(f"{text:40} {word:10} {'' if word == wanted else 'not ' + wanted}")
print("right:", right, "of 8    your guess:", guess)

# %% tags=["check:eight"]
# checked: four of eight, those that reviewers write
found = [
    word_probabilities(text, model, tokenizer).argmax() == tokenizer.convert_tokens_to_ids(word)
    for text, word in SENTENCES.items()
]
assert [bool(one) for one in found] == [True] * 4 + [False] * 4 and right == 4

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
# *asleep* and *edge*; but *in*, *one* and *not*. It has read film reviews, and little else that it still knows.

# %% [markdown] slideshow={"slide_type": "notes"}
# **4 minutes.** Let the class bet on each before the answer. Then let them propose sentences, and type them live into the notebook.

# %% [markdown]
# The four that it gets are what reviewers write again and again. The other four it gets wrong, each time with a word that fits the grammar more or less and not the sense: *took me by laughing*, *two plus two is one*. **A language model knows what it has
# read.** The last thing that mini read was film reviews, and it has room for little. A larger model that read an encyclopedia would say *Paris*.
#
# ## You can see where it looks
#
# While BERT reads, each word looks at the others: it gives each of them a **weight**, and the weights of one word add up to 1. It does so many times side by side, in **heads**, and in several **layers**, one after the other. How many heads does mini have in all?

# %%
guess = None  # heads in all layers together

# %%
from bertnotes import attend, attention_heatmap

attention = attend("I laughed twice, both times at the wrong film.", model=model, tokenizer=tokenizer)
layers, heads, tokens, _ = attention.weights.shape
print(f"{layers} layers of {heads} heads are {layers * heads}    your guess: {guess}")

# %% [markdown]
# Most heads are not easy to read. We look for one that is: the head in which words look most at the word just before them.

# %%
looks_back = attention.weights.diagonal(offset=-1, dim1=-2, dim2=-1).mean(
    dim=-1
)  # (layer, head): average weight on the word before
layer, head = divmod(looks_back.argmax().item(), heads)
print(f"layer {layer + 1}, head {head + 1}: {looks_back.max():.2f} of the weight goes to the word before, on average")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## You can see where it looks

# %% slideshow={"slide_type": "-"}
ax = attention_heatmap(attention, layer=layer + 1, head=head + 1)

# %% tags=["check:looks-back"]
# checked: 72 heads, the one that looks back most puts nearly all of its weight there; the weights of a word add up to 1
assert layers * heads == 72 and (layer, head) == (0, 2) and looks_back.max() > 0.98
assert abs(attention.weights.sum(dim=-1) - 1).max() < 1e-4

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Rows look, columns are looked at, dark is much. Ask what the dark stripe below the diagonal means. Then ask about [CLS] and [SEP]: BERT puts them at both ends of every text.

# %% [markdown]
# A **row** is a word that looks, a **column** a word that is looked at, and dark is much. The dark stripe just below the diagonal is the word before. (The first token has none before it, so its row looks elsewhere.) (`[CLS]` and `[SEP]` are marks that
# BERT puts at both ends of a text. Why other words often look at them, too, is told on page 07.) Nobody programmed this head. Whether it means something is another question, and pages 07 and 08 test it.
#
# ## It judges, without having been taught to
#
# mini has never been told what praise is. But it knows how reviews go on. So we write *It was* `[MASK].` behind a review and ask: which is likelier there, a word of praise or
# a word of blame? These are the words:

# %% tags=["timing", "nbval-ignore-output"]
GOOD, BAD = "good great wonderful excellent brilliant".split(), "bad terrible awful boring poor".split()
chances = word_probabilities("It was [MASK].", model, tokenizer)
for word in GOOD[:2] + BAD[:2]:
    print(f"{word:10} {chances[tokenizer.convert_tokens_to_ids(word)]:.1%}")

# %% tags=["check:praise"]
# checked: with no review before it, "good" and "great" are likelier than "bad" and "terrible" together
assert (
    chances[tokenizer.convert_tokens_to_ids(["good", "great"])].sum()
    > chances[tokenizer.convert_tokens_to_ids(["bad", "terrible"])].sum()
)

# %% [markdown]
# So even with no review, words of praise are likelier. We add up each side. The logarithm of their ratio is the **leaning** of a review: above 0, praise is likelier.


# %%
def leaning(review):
    """How much likelier words of praise are behind a review than words of blame: the logarithm of their ratio."""
    chances = word_probabilities(f"{review} It was [MASK].", model, tokenizer)
    praise, blame = (chances[tokenizer.convert_tokens_to_ids(words)].sum() for words in (GOOD, BAD))
    return (praise / blame).log().item()


# %% tags=["timing", "nbval-ignore-output"]
MY_REVIEW = "The story drags, the jokes are stale, and nobody seems to care."  # change me

print(f"your review: {leaning(MY_REVIEW):.2f}")
print(f"no review:   {leaning(''):.2f}")

# %% tags=["check:leaning"]
# checked: with no review at all praise is likelier, and a bad review leans further to blame
empty = leaning("")
assert 0.7 < empty < 1
if MY_REVIEW.startswith("The story drags"):
    assert leaning(MY_REVIEW) < empty

# %% [markdown]
# mini leans to praise before it has read anything. So 0 is a bad border. We take the middle one of eighty leanings instead, of short reviews of which half are positive, and call *positive* what leans further to praise. Then we try the border on **eighty others**. A coin would get 40
# of them right. And mini?

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
print("right:", correct, "of 80    your guess:", guess)

# %% tags=["check:eighty"]
# checked: far more than a coin, on reviews that did not set the border
assert 60 <= correct <= 70 and min(len(positive), len(negative)) >= 80

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## It judges, without having been taught to
#
# Review + *It was* [MASK]: which is likelier, *great* or *terrible*?
#
# Eighty short reviews, half of them positive. A coin gets 40 right. And mini?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# About 63. But of 31 short reviews in which the verdict is implied, negated or ironic, it gets 12 right.

# %% [markdown] slideshow={"slide_type": "notes"}
# **4 minutes.** Let them write a review that fools it: irony works nearly always. Page 10 teaches it with labels.

# %% [markdown]
# Eight of ten. (The number may differ by one or two from machine to machine.) Do not make too much of it: these reviews are short and clear, and few writers wrote them. On the hard ones, where the verdict is only implied, or negated, or ironic, it is another story. There are 31 short ones of these.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.data import read_reviews

frame = read_reviews(REVIEWS, ("review", "sentiment", "note"))
hard = frame[(frame["note"] != "") & (frame["review"].str.split().str.len() <= 45)]
fooled = sum(
    (leaning(text) > border) != (label == "positive") for text, label in zip(hard["review"], hard["sentiment"], strict=True)
)
print(f"wrong: {fooled} of {len(hard)}")

# %% tags=["check:hard"]
# checked: on short hard reviews it is wrong more often than right
assert len(hard) == 31 and 17 <= fooled <= 21

# %% [markdown]
# More wrong than right. A verdict that can be trusted needs labels, a fair test, and a look at what goes wrong: pages 09 to 12.
#
# ## Where mini comes from
#
# It would be a good story if mini had learned all this from reviews alone. It did not. Here is its ancestry:
#
# ![mini's ancestors: a large teacher; MiniLM, which learned to look where the teacher looks; every second layer of it; all-MiniLM-L6-v2, which learned which sentences belong together; and mini, with 10,000 word pieces, which then read reviews](figures/00_ancestry.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![mini's ancestors: a large teacher; MiniLM, which learned to look where the teacher looks; every second layer of it; all-MiniLM-L6-v2, which learned which sentences belong together; and mini, with 10,000 word pieces, which then read reviews](figures/00_ancestry.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Training from nothing takes weeks on many machines. So nearly everyone begins with what others have trained. Ask: of what mini does well, what came from reviews, and what from its ancestors?

# %% [markdown]
# A large model was the **teacher**. MiniLM was trained to look where the teacher looks, word by word: it was **distilled** (Wang et al. 2020). Somebody kept every second layer. Others trained that on pairs of sentences, and so on. So when we find a head
# that does something clever, it may be the teacher's cleverness. We shall say so where it matters.
#
# How much did the ancestors give? We hid 15 % of the words in reviews that mini had not read. How many did it guess, before it read reviews and after? And how many did a model of the same size that began with random numbers?

# %%
import json

from bertnotes.files import MINI, RESULTS

curve = [json.loads(line) for line in (MINI / "log.jsonl").read_text(encoding="utf-8").splitlines()]
control = json.loads((RESULTS / "pretraining-from-zero.json").read_text(encoding="utf-8"))["log"]
until = [entry for entry in curve if entry["run"] == curve[0]["run"]]  # the first of three runs: as many tokens as the control
for name, entry in {"mini, at the start": until[0], "mini": until[-1], "from random numbers": control[-1]}.items():
    print(f"{name:20} {entry['tokens'] / 1e6:4.1f} million tokens of reviews: {entry['held_out_top1']:.0%} guessed right")

# %% tags=["check:ancestry"]
# checked: reading reviews brought mini from 6 to 40 percent; from random numbers the same reading brings 13 or 14
assert (
    0.05 < until[0]["held_out_top1"] < 0.06
    and 0.39 < until[-1]["held_out_top1"] < 0.41
    and 0.13 < control[-1]["held_out_top1"] < 0.14
)
assert abs(until[-1]["tokens"] - control[-1]["tokens"]) < 0.2e6

# %% [markdown]
# Both matter. At the start, with its list of pieces cut down and a new last layer for guessing, mini got 6 %. The same reading that brought mini to 40 % brought a model without ancestors to 14 %. (mini then read on, to 46 %. The model from random numbers had the
# better of two training recipes that we tried; a longer training would have brought it further.)
#
# ## The course
#
# <!-- the pages of the course -->
#
# Each page runs by itself. In a hurry: 01, then 07, then 10.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - BERT turns each word of a text into a vector that depends on the whole text.
# - It learns by guessing hidden words (pre-training), then a task from labels (fine-tuning).
# - It knows what it has read: mini knows how reviewers write, and not that two plus two is four.
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
# - Wang et al. (2020). *MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained Transformers.* arXiv:2002.10957
# - Schick, Schütze (2021). *Exploiting Cloze Questions for Few-Shot Text Classification.* A verdict from the word in a gap. arXiv:2001.07676
