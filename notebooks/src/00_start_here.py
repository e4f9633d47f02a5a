# %% [markdown] slideshow={"slide_type": "slide"}
# # 00 · Start here
#
# **The question.** What is BERT, what will we build, and does this machine have what it takes?
#
# Run the cells from top to bottom: click into one and press Shift + Enter. Nothing is downloaded, and no account is needed.
#
# **You need:** some Python, and algebra as at school. **Time:** about 10 minutes.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## BERT on one page
#
# BERT is a program that turns a text into numbers which mean something: for each word a list of a few hundred numbers, a *vector*.
# Its name says how.
#
# - **Encoder Representations.** It *encodes* text: its product is the vectors, not more text. It learned to make them by reading
#   masses of plain text and guessing words that were hidden from it (**pre-training**, notebook 06). With a few labelled
#   examples one then makes of it whatever one needs, such as a judge of film reviews (**fine-tuning**, notebook 10).
# - **from Transformers.** It is built of *attention*: each word looks at all others and takes from each what it needs (notebook 01).
# - **Bidirectional.** A word looks both ways, to the left and to the right (notebook 04).

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The family
#
# In 2018 three models changed how computers read. Each has one more of the three things that make a BERT:
#
# | | learns from plain text | built of | reads |
# | --- | --- | --- | --- |
# | **ELMo** (Peters et al. 2018) | yes, its vectors then serve another model | LSTMs, which read word by word | both ways, but each by itself |
# | **GPT** (Radford et al. 2018) | yes, then fine-tuned | a Transformer | from left to right |
# | **BERT** (Devlin et al. 2019) | yes, then fine-tuned | a Transformer | both ways at once |
#
# GPT's grandchildren write, and chat. BERT's read: they search, sort and tag.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is this machine ready?
#
# This looks at packages, memory, disk, the model, and whether its attention weights come out. Where something is missing, it says
# what to do. (The same in a terminal: `bertnotes doctor`.)

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.experiments.doctor import examine

checks = examine()
for check in checks:
    print(check)

# %%
assert all(check.ok for check in checks), "something is missing: see what to do above"
print("this machine is ready")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A first taste: it guesses
#
# The course brings its own small BERT. It has read film reviews, with some words replaced by `[MASK]`, until it was good at naming
# them. Write a sentence of your own below, with one `[MASK]` in it, and run the cell again.

# %%
import torch

from bertnotes import load_tokenizer
from bertnotes.encoder import BertEncoder

tokenizer, model = load_tokenizer(), BertEncoder.from_pretrained()
print("ready")


# %%
@torch.inference_mode()
def guesses(text):
    """The model's probability (vocabulary,) of each word for the [MASK] in a text."""
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    assert (ids == tokenizer.mask_token_id).sum() == 1, "one [MASK], please, in capitals and square brackets"
    hidden = model(ids).last_hidden_state[ids == tokenizer.mask_token_id]
    return model.word_logits(hidden)[0].softmax(dim=-1)


# %% tags=["timing", "nbval-ignore-output"] slideshow={"slide_type": "subslide"}
MY_TEXT = "The acting was so bad that we [MASK] all the way home."  # change me

likeliest = guesses(MY_TEXT).topk(5)
for share, index in zip(*likeliest, strict=True):
    print(f"{share:4.0%}  {tokenizer.convert_ids_to_tokens(index.item())}")

# %% [markdown]
# Not always what you had in mind, but words that could stand there. Nobody gave it a grammar. Is it more than luck? The full
# answer is in notebook 06. Here is a small one:

# %%
FITTING = {
    "The plot [MASK] no sense.": {"makes", "made"},
    "One of the [MASK] films I have ever seen.": {"best", "worst", "greatest", "finest"},
}
for text, fitting in FITTING.items():
    word = tokenizer.convert_ids_to_tokens(guesses(text).argmax().item())
    print(f"{text:42} {word}")
    assert word in fitting

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A first taste: it looks
#
# While it reads, each word looks at the others, several times at once, with *heads*. Here is one of them. A row is a word that
# looks, a column is a word that is looked at, and dark is much. The code picks the head in which words look most at the word
# before them. Can you see it?

# %%
from bertnotes import attend, attention_heatmap

MY_SENTENCE = "I laughed twice, both times at the wrong film."  # change me

attention = attend(MY_SENTENCE, model=model, tokenizer=tokenizer)
weights = attention.weights  # (layer, head, the word that looks, the word that is looked at)
looks_back = weights.diagonal(-1, -2, -1).mean(-1)  # (layer, head): the average weight on the word before
layer, head = divmod(int(looks_back.argmax()), weights.shape[1])
ax = attention_heatmap(attention, layer=layer + 1, head=head + 1)
print(f"of {looks_back.numel()} heads, this one puts most on the word before: {looks_back.max():.2f} on average")
assert looks_back.max() > 3 / len(attention.tokens)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A first taste: it judges
#
# Nobody has taught this model yet what praise is. But it knows what reviewers write. So we put *It was* `[MASK]` behind a review
# and ask: how likely are words of praise there, how likely words of blame?


# %%
GOOD, BAD = "good great wonderful excellent brilliant".split(), "bad terrible awful boring poor".split()


def leaning(review):
    """How much likelier words of praise are behind a review than words of blame: the logarithm of their ratio."""
    chances = guesses(f"{review} It was [MASK].")
    good, bad = (chances[tokenizer.convert_tokens_to_ids(list_of_words)].sum() for list_of_words in (GOOD, BAD))
    return (good / bad).log().item()


print("even behind no review at all, praise is likelier than blame:", leaning("") > 0)
assert leaning("") > 0

# %% [markdown]
# A model that likes praising anyway would always say yes. So we compare reviews with each other: of eighty short ones from the course's own
# collection, half of them positive, we call those positive that lean further to praise than the middle one. Guessing would be right in half
# of them.

# %% slideshow={"slide_type": "subslide"}
from bertnotes.data import FIRST_REVIEWS as REVIEWS
from bertnotes.data import load_imdb_data

texts, labels = load_imdb_data(REVIEWS, plain=True)  # plain: without irony, turns at the end and other hard cases
short = [(text, label) for text, label in zip(texts, labels, strict=True) if len(text.split()) <= 45]
eighty = [pair for wanted in (1, 0) for pair in [pair for pair in short if pair[1] == wanted][:40]]
leanings = torch.tensor([leaning(text) for text, _ in eighty])
middle = leanings.median()
right = ((leanings > middle) == torch.tensor([label for _, label in eighty])).float().mean().item()
assert len(eighty) == 80 and right > 0.8
print("right in more than 80 % of 80 reviews, and nobody has told it what a verdict is:", right > 0.8)

# %% tags=["timing", "nbval-ignore-output"] slideshow={"slide_type": "subslide"}
MY_REVIEW = "The story drags, the jokes are stale, and nobody seems to care."  # change me

value = leaning(MY_REVIEW) - middle
print(f"leans to {'praise' if value > 0 else 'blame'} ({value:+.2f})")

# %% [markdown]
# It is easily led astray: of 25 short reviews that are ironic, or turn at their end, or grant much to the other side, it gets more than half wrong.
# What a classifier learns from labels is the subject of notebook 10.

# %%
from bertnotes.data import LABELS, read_reviews

frame = read_reviews(REVIEWS, ("review", "sentiment", "note"))
hard = frame[(frame["note"] != "") & (frame["review"].str.split().str.len() <= 45)]
found = [
    (leaning(text) > middle) == (label == LABELS[1]) for text, label in zip(hard["review"], hard["sentiment"], strict=True)
]
print(f"{len(hard)} hard ones; right in less than half:", sum(found) < len(hard) / 2)
assert len(hard) == 25 and sum(found) < len(hard) / 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The course
#
# <!-- the pages of the course -->
#
# Each page runs by itself. In a hurry: 01, then 07, then 10.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How to read a page
#
# - A thing is worked **by hand** first, with numbers that you can check on paper, then by the library, and a cell shows that both agree.
# - `assert` is a promise: if what we say were not so, the cell would stop there. All of them are run whenever the course changes.
# - At a **question**, think first, then run the next cell.
# - At **try it**, change what is marked with *change me*. You cannot break anything for good: *Kernel, Restart and run all* clears what the
#   cells have computed, and what you have typed comes back with *Undo*, or whole with `git checkout notebooks`.
#
# **Sources.** Peters et al. 2018, *Deep Contextualized Word Representations* · Radford et al. 2018, *Improving Language Understanding by
# Generative Pre-Training* · Devlin et al. 2019, *BERT* · Schick & Schütze 2021, *Exploiting Cloze Questions for Few Shot Text
# Classification and Natural Language Inference* (a verdict from the words in a gap)
