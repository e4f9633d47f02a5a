# %% [markdown] question="What do the heads of a pre-trained BERT look at?"
# # 07 · Seeing attention
#
# **The question:** where does a BERT look while it reads, and what may we conclude from a picture of it?
#
# ![Three pictures. One row: loved looks at she with a weight of 1.00. One head: a diagonal in a table of 14 rows. All 72 heads: in most of them a column at the left](figures/07_zoom.svg)
#
# We begin with one row of one head and go on to all 72 heads of mini. Then we test a picture that many talks show: a pronoun that finds its noun.
#
# **You need:** pages 01 to 06. **Time:** about 45 minutes, and 44 more for the exercises. Where a cell says `guess = None`, type your
# guess in place of `None`.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # Seeing attention
#
# ![Three pictures. One row: loved looks at she with a weight of 1.00. One head: a diagonal in a table of 14 rows. All 72 heads: in most of them a column at the left](figures/07_zoom.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** From left to right: a row is part of a head, a head is one of 72. Say what is coming: pictures first, then a test of the most famous one.
#
# The deck takes 44 minutes: 25 on how to look, 13 for the pronoun, 6 for the rest. With less time, leave out padding and play less. bertviz is on the page, not in the deck: its letters are too small for a wall.

# %% [markdown]
# ## 1. One row
#
# `attend` does three things in one call: it cuts a text into tokens, runs a model on them, and collects the attention weights of all heads.

# %%
import matplotlib.pyplot as plt
import torch

from bertnotes import attend
from bertnotes.models import load_encoder, load_tokenizer
from bertnotes.pictures.attention import attention_heatmap, head_grid, weight_bars

SENTENCE = "My sister cried at the end because she loved the dog."
tokenizer, encoder = load_tokenizer(), load_encoder()  # mini
read = attend(SENTENCE, model=encoder, tokenizer=tokenizer)
print(len(read.tokens), "tokens:", *read.tokens)
print("layer, head, token that looks, token looked at:", tuple(read.weights.shape))

# %% [markdown]
# So there are 6 · 12 tables of 14 rows and 14 columns. As on page 01, a row is what one token's softmax gives: it adds up to 1.
#
# Take head 3 of layer 1. Which token does *loved* look at most?

# %%
guess = None  # a token

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## *My sister cried at the end because she loved the dog.*
#
# Layer 1, head 3: which token does *loved* look at most?

# %% slideshow={"slide_type": "fragment"}
row = read.weights[0, 2, read.tokens.index("loved")]  # layer 1, head 3: Python counts from 0
_, ax = plt.subplots(figsize=(9, 3.4), layout="constrained")
ax = weight_bars(row, read.tokens, ax=ax, title="layer 1, head 3: where loved looks")
ax.tick_params(axis="x", rotation=50, labelsize=15)
if guess is not None:
    print("your guess:", guess)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Take guesses first: *dog*? *sister*? *she*? Then ask why *she*. Someone will say: because she is the one who loves. Leave it at that for one slide.

# %% [markdown]
# *She*, with nearly all of its one unit of attention. Because *she* is the one who loves? Or only because *she* stands right before *loved*? One row cannot tell.
#
# ## 2. One head
#
# So we look at all rows of that head, one below the other. Page 01 called such a picture a heatmap. This is how to read one, with made-up numbers:
#
# ![A table of four rows and columns, with the row of barked framed, where barked looks, and the column of dog framed, who looks at dog. Rows add up to 1; columns to 1.2, 1.9, 0.7 and 0.2](figures/07_anatomy.svg)
#
# What will the heatmap of our head look like if it goes by grammar, and what if it goes by position?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### What does a row add up to? And a column?
#
# ![A table of four rows and columns, with the row of barked framed, where barked looks, and the column of dog framed, who looks at dog. Rows add up to 1; columns to 1.2, 1.9, 0.7 and 0.2](figures/07_anatomy.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Read one row and one column aloud. Rows look; columns are looked at. Each row spends one unit. Ask what a column adds up to: anything from 0 to the number of tokens.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### All rows of that head: grammar or position?

# %% slideshow={"slide_type": "-"}
ax = attention_heatmap(read, layer=1, head=3)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Find the row of *loved* and the bar of the last picture in it. Then the shape: a diagonal, one step to the left. *Because* looks at *end*. So it is position, in this sentence.

# %% tags=["check:previous-token"]
# checked: in this head each token but the first looks at the token before, in this sentence and in six others
OTHERS = """The film was long, but I never looked at my watch.
Nobody in the cast seems to know what the story is about.
The music is lovely; the pictures are even better.
It is not the worst sequel ever made, only the laziest.
The director trusts his actors, so they trust him.
A slow, strange and quite wonderful little thriller.""".splitlines()
for text in [SENTENCE, *OTHERS]:
    met = attend(text, model=encoder, tokenizer=tokenizer).weights
    assert met[0, 2].diagonal(-1).min() > 0.95 and met[0, 2, 0, 0] > 0.95
    assert met.sum(dim=-1).allclose(torch.ones(met.shape[:3]), atol=1e-4)
assert row.argmax() == read.tokens.index("she") and row.max() > 0.99 and read.weights.shape == (6, 12, 14, 14)

# %% tags=["check:zoom"]
# checked: the numbers of the two drawings
from bertnotes.pictures.drawings.page07 import Anatomy, Zoom

assert tuple(read.tokens) == Zoom.tokens and all(abs(sum(one) - 1) < 1e-9 for one in Anatomy.weights)
steps = torch.stack([read.weights[:, :, 1:-1, 1:-1].diagonal(step, -2, -1).mean(-1) for step in (-1, 1)]).amax(0)
first = read.weights[..., 0].mean(dim=-1)  # to [CLS]: (layer, head)
rows = ["".join("c" if first[a, b] > 0.5 else "d" if steps[a, b] > 0.5 else "." for b in range(12)) for a in range(6)]
assert tuple(rows) == Zoom.kinds and (first > 0.5).sum() == 52 and (steps - 0.5).abs().min() > 0.02

# %% [markdown]
# A diagonal: *each* token looks at the one before it, *dog* at *the*, *because* at *end*. Only `[CLS]`, which has none before it, looks at itself. So this head goes by position, not by who loves whom. (It does so in six other sentences that we tried, too.)
#
# That is the first lesson about such pictures: a single row suggests a story, and the next rows can take it back.
#
# ## 3. Is that what the model uses?
#
# Does a picture show what the model computes with? We load mini once more, with page 01's `scaled_dot_product_attention`, which multiplies the values with such weights, in place of the attention of `transformers`. Do the same numbers come out?

# %%
_ = torch.set_grad_enabled(False)  # nothing is trained on this page
ours = load_encoder(attention="bertnotes")  # mini, with the function of page 01 inside
inputs = tokenizer(SENTENCE, return_tensors="pt")
theirs_out, ours_out = (model(**inputs, output_attentions=True) for model in (encoder, ours))
apart = (torch.cat(theirs_out.attentions) - torch.cat(ours_out.attentions)).abs().max()
print(f"{read.weights.numel():,} weights: largest difference {apart:.4f}")
apart = (theirs_out.last_hidden_state - ours_out.last_hidden_state).abs().max()
print(f"the vectors after the last layer: largest difference {apart:.4f}")

# %% tags=["check:weights-used"]
# checked: the weights drawn are those of both ways, and both ways give the same vectors
assert torch.cat(ours_out.attentions).allclose(read.weights, atol=1e-5) and read.weights.numel() == 14_112
assert theirs_out.last_hidden_state.allclose(ours_out.last_hidden_state, atol=1e-4)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Is that what the model uses?
#
# mini, once with the attention of `transformers`, once with the function of page 01:
#
# | | largest difference |
# | --- | --- |
# | 14,112 weights | **0.0000** |
# | the vectors after the last layer | **0.0000** |

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Our own function multiplies the values with these weights, and the result is the same. So the pictures show what was computed with. What they do not show comes at the end.

# %% [markdown]
# To four digits, the weights are the same, and so are the vectors that come out. What we draw is what goes into the sum.
#
# ## 4. All heads
#
# Now all 72 tables, small and without labels. Kovaleva et al. (2019) looked at many such pictures of BERT and sorted them into five kinds:
#
# ![Five small pictures: diagonal, to a neighbour; column, all to one token; both; blocks, within a sentence; mixed, no simple shape](figures/07_kinds.svg)
#
# Look for columns: in how many of mini's 72 heads does more than half of the attention go to `[CLS]`, in our sentence?

# %%
guess = None  # a number of heads

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## In how many of 72 heads does more than half go to `[CLS]`?
#
# ![Five small pictures: diagonal, to a neighbour; column, all to one token; both; blocks, within a sentence; mixed, no simple shape](figures/07_kinds.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### A row of pictures for each layer

# %% slideshow={"slide_type": "-"}
figure = head_grid(read)
to_cls = read.weights[..., 0].mean(dim=-1)  # (layer, head): how much goes to [CLS], on average over the rows
print(f"more than half of the attention goes to [CLS] in {(to_cls > 0.5).sum()} of {to_cls.numel()} heads")
if guess is not None:
    print("your guess:", guess)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Vote before you turn the slide. A row of pictures is a layer, the first at the top. Find the diagonal of layer 1, head 3. Find another one (layer 2, head 9). Then: what is the dark stripe at the left of nearly all the others?

# %% [markdown]
# The dark stripe at the left edge is the column of `[CLS]`. In 52 of the 72 heads more than half of the attention goes there. In layer 1 no head does it; in layers 5 and 6 all do. (Some are *both*. All this is one sentence.)
#
# How much is it over all heads together? Each row adds up to 1. If all tokens were looked at alike, each would receive 1/14 of the attention, or 0.07. How much does `[CLS]` receive?

# %%
guess = None  # a share between 0 and 1

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Who is looked at most?
#
# If all 14 tokens were looked at alike, each would receive 0.07 of the attention of all heads. How much does `[CLS]` receive?

# %% slideshow={"slide_type": "fragment"}
received = read.weights.mean(dim=(0, 1, 2))  # over layers, heads and the tokens that look
_, ax = plt.subplots(figsize=(9, 3.4), layout="constrained")
ax = weight_bars(received, read.tokens, ax=ax, title="share of all attention that each token receives")
ax.tick_params(axis="x", rotation=50, labelsize=15)
if guess is not None:
    print("your guess:", guess)

# %% tags=["check:received"]
# checked: [CLS] receives more than half, in this sentence and in six others; no other token a tenth; which layers rest on it
assert (
    0.625 < received[0] < 0.635
    and received[1:].max() < 0.1
    and 0.035 < received[-1] < 0.045
    and received.sum().isclose(torch.tensor(1.0), atol=1e-4)
)
for text in OTHERS:
    share = attend(text, model=encoder, tokenizer=tokenizer).weights.mean(dim=(0, 1, 2))
    assert share[0] > 0.5 and share[1:].max() < 0.1
assert (to_cls > 0.5).sum() == 52 and not (to_cls[0] > 0.5).any() and (to_cls[4:] > 0.5).all()

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Guesses first. A token that is the same in every text gets 0.63. It has a name: attention sink. Ask what it might be good for: a row must add up to 1, so attention that is not needed has to go somewhere.

# %% [markdown]
# 0.63, nearly nine times as much. Not because it is the same in every text: so is `[SEP]`, which gets 0.04.
#
# Xiao et al. (2023) named such a token an **attention sink**. They met it in large language models of the GPT kind, where much attention goes to the first few tokens, whatever they are. Their explanation: a row must add up to 1, so attention that is not needed has to go somewhere, and every later token can see the first ones (in BERT each sees all). In BERT-base, Clark et al. (2019) had found that much of it goes to `[SEP]`. In mini it is `[CLS]`, and mostly because it comes first: page 05 put *film* there, and *film* got nearly as much. (There, one number of that vector, set to 0, took most of this attention away in layer 3, mainly because the vector became shorter.)
#
# Does all this attention *do* anything? The picture cannot say. Page 08 measures it.
#
# ## 5. A view to click through
#
# Here you can go through all heads yourself. Point at a token on the left: where does it look? On the right: who looks at it? A click holds it. Small squares choose a head, and so do the arrow keys.
#
# Two things to find:
#
# - a head in which each token but the first looks at the one *after* it,
# - the head in which *she* looks at *sister* most. Click *she* on the left and *sister* on the right: it says how much goes from one to the other, and the small squares show it for every head.
#
# (`view.save("view.html")` writes a file for a talk. Where no script may run, as on GitHub, you see a heatmap.)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Find: who looks at the token *after*? In which head does *she* look at *sister*?

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
from bertnotes import attention_view

view = attention_view(read, layer=1, head=1)
view

# %% [markdown] slideshow={"slide_type": "notes"}
# **4 minutes.** Click into the view, then use the arrow keys. (To turn slides again, click the title first.) Let the class call out heads. Click *she* on the left and *sister* on the right: the line of text names the head, and the squares show it. The two answers are layer 2, head 9, and layer 2, head 4. Say how you found the second one: by a search through 72 heads.

# %% tags=["check:to-find"]
# checked: the head of the next token, and the head with most weight from she to sister
assert (steps > 0.6).nonzero().tolist() == [[0, 2], [1, 8]] and read.weights[1, 8].diagonal(1)[1:].min() > 0.9
assert read.weights[1, 8, 0, 0] > 0.8 and read.weights[1, 8, -1, -1] > 0.55
to_sister = read.weights[:, :, read.tokens.index("she"), read.tokens.index("sister")]
assert to_sister.argmax() == 15 and 0.6 < to_sister.max() < 0.62 and to_sister.flatten().sort().values[-2] < 0.3

# %% [markdown]
# <details><summary>What we found</summary>
#
# In layer 2, head 9 tokens look at the one after (`[CLS]` and `[SEP]`, mostly at themselves). In layer 2, head 4, *she* gives 0.61 of its attention to *sister*; in no other head is it more than 0.28. We come back to it in section 9.
#
# </details>
#
# ## 6. Two sentences
#
# BERT can read two sentences at once (page 05). A head can look across, or stay within its own; the menu *Show* picks one of these. Is there a block, a square on the diagonal, as in the drawing of section 4?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Two sentences: who looks across?

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
FIRST, SECOND = "The story is thin.", "The actors save it."
pair = attend(FIRST, SECOND, model=encoder, tokenizer=tokenizer)
attention_view(pair, layer=2, head=3)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** The second sentence is in italics. Choose *A to B*: little is left in most heads. Layer 2, head 3 shows something of a block at the lower right.

# %% [markdown]
# For this pair we saw none as clean as in the drawing. Kovaleva et al. (2019) saw blocks in BERT-base in tasks with two sentences.
#
# ## 7. Padding
#
# In a batch, shorter texts are filled up with `[PAD]`, and the mask of page 01 keeps everybody from looking there. Here *A lovely film.* gets four of them. How much attention do its six real tokens give to `[PAD]`, with the mask and without it?

# %%
batch = tokenizer(["Nobody laughed, and I know why.", "A lovely film."], padding=True, return_tensors="pt")
masked = torch.stack(encoder(**batch, output_attentions=True).attentions)[:, 1]  # of the short text
everyone = torch.ones_like(batch["attention_mask"])  # a mask that hides nobody
unmasked = torch.stack(encoder(batch["input_ids"], everyone, output_attentions=True).attentions)[:, 1]
for name, weights in {"with the mask": masked, "without": unmasked}.items():
    print(f"{name:14} {weights[:, :, :6, 6:].sum(dim=-1).mean():.2f} of the attention goes to [PAD]")
alone = attend("A lovely film.", model=encoder, tokenizer=tokenizer)
print(f"with the mask, or without padding: largest difference {(masked[..., :6, :6] - alone.weights).abs().max():.4f}")

# %% tags=["check:padded-columns"]
# checked: with the mask exactly nothing goes to [PAD] and the real rows are those of the text alone; without it something does
assert masked[..., 6:].max() == 0 and masked[..., :6, :6].allclose(alone.weights, atol=1e-5) and masked.shape[-1] == 10
assert 0.08 < unmasked[:, :, :6, 6:].sum(-1).mean() < 0.11 and unmasked[:, :, :6, 6:].sum(-1).max() > 0.9
assert masked[:, :, 6:, :6].sum(-1).min() > 0.99

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Padding: the columns must be empty, the rows need not be

# %% slideshow={"slide_type": "-"}
names = tokenizer.convert_ids_to_tokens(batch["input_ids"][1])
ax = attention_heatmap(masked[0, 0], names, numbers=False, vmax=0.5, title="layer 1, head 1, with the mask")

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Four columns are empty: nobody looks at [PAD]. Four rows are not: [PAD] looks at the real tokens, and no head looks at the result. If your own picture has something in the columns of [PAD], the mask is missing.

# %% [markdown]
# With the mask nothing at all goes to `[PAD]`, and the rows of the real tokens are as without padding. Without it a tenth of their attention goes there, and in single rows nearly all of it. So this is a check for your own code: in a picture the columns of `[PAD]` must be empty. (The *rows* of `[PAD]` are not. They are computed like others, but no head looks at them.)
#
# ## 8. Pieces of words
#
# People want pictures of words, and BERT has pieces. *Unforgettable* is four of them. We need one row and one column for the word, and a row must still add up to 1. Clark et al. (2019) do it like this:
#
# - attention **to** a word: the *sum* over its pieces,
# - attention **from** a word: the *mean* over its pieces.
#
# Take our head, layer 1, head 3. Each piece looks at the token before it. How much does *unforgettable*, as a word, look at itself?

# %%
guess = None  # a weight

# %%
from bertnotes.heads import merge_pieces

long_word = attend("The soundtrack is unforgettable.", model=encoder, tokenizer=tokenizer)
print(*long_word.tokens)
merged, words = merge_pieces(long_word.weights, long_word.tokens)
for word, row in zip(words, merged[0, 2], strict=True):
    print(f"{word:14}", ", ".join(f"{other} {weight:.2f}" for other, weight in zip(words, row, strict=True) if weight > 0.01))
print("your guess:", guess)

# %% tags=["check:merging"]
# checked: rows still add up to 1; the word looks at itself with 3/4; the drawing has the same numbers
from bertnotes.pictures.drawings.page07 import Pieces

at = words.index("unforgettable")
assert merged.sum(dim=-1).allclose(torch.ones(merged.shape[:3]), atol=1e-4) and len(words) == 7
assert abs(merged[0, 2, at, at] - 0.75) < 0.01 and abs(merged[0, 2, at, at - 1] - 0.25) < 0.01
assert tuple(long_word.tokens[3:9]) == Pieces.tokens
back = long_word.weights[0, 2].diagonal(-1)
assert back.argmin() == long_word.tokens.index("##table") - 1 and 0.8 < back.min() < 0.87 and back.sort().values[1] > 0.97
assert 0.13 < long_word.weights[0, 2, 7, 7] < 0.17 and sum(Pieces.back[4]) == 1

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## From pieces to words
#
# Each piece looks at the token before it. How much does *unforgettable* look at itself?
#
# ![A table of six tokens with a diagonal; the columns of un, for, get and table are framed](figures/07_pieces_1.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### First: sum the columns
#
# ![First the four columns are summed: three pieces give the word 1 each, un gives it 0](figures/07_pieces_2.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Then: average the rows
#
# ![Then the four rows are averaged: unforgettable gives 0.25 to is and 0.75 to itself](figures/07_pieces.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let the class do it. *un* looks at *is*; the other three look inside the word. Ask what goes wrong the other way round: with a mean over the columns the full stop's row adds up to 0.25, with a sum over the rows the word spends 4.

# %% [markdown]
# ![A table of six tokens with a diagonal; the four columns of unforgettable are summed, then its four rows averaged: 0.25 to is and 0.75 to itself](figures/07_pieces.svg)
#
# 0.75. *Un* looks at *is*, the three other pieces look inside the word: three of four. (`attention_heatmap(..., words=True)` draws words.)
#
# (The drawing is of a perfect such head. In mini `##table` also gives itself 0.15, which is inside the word, too.)
#
# Note what the merged picture says: *unforgettable* looks at itself. Its pieces hardly do. So a picture of words can show something that the head does not do.
#
# ## 9. Whom does *she* look at?
#
# Back to section 5: in layer 2, head 4, *she* looks at *sister*. Here is the picture for a talk.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The picture for a talk: *she* finds her noun

# %% slideshow={"slide_type": "-"}
row = read.weights[1, 3, read.tokens.index("she")]
_, ax = plt.subplots(figsize=(9, 3.8), layout="constrained")
ax = weight_bars(row, read.tokens, ax=ax, title="layer 2, head 4: where she looks")
ax.tick_params(axis="x", rotation=50, labelsize=15)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let it work on the class: does BERT know whom *she* means? Ask for doubts. There are three: we searched 72 heads for it; it is one sentence; and *sister* is the only woman in it.

# %% [markdown]
# Has mini found out whom *she* means? There are three doubts. We searched 72 heads for this one, with two clicks. It is a single sentence. And *sister* is the only noun for a person in it.
#
# So let us test it. In each of eight sentences there are two nouns, and only one fits a pronoun. We ask each sentence twice, with *she* and with *he*. That makes 16 cases.
#
# ![The mother called the boy because she was worried: she fits mother. With he, it is boy](figures/07_pronoun.svg)
#
# Why twice? A head that goes by position alone, to the first noun say, is right with one of the two pronouns and wrong with the other. So it gets exactly 8 of 16.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Eight sentences, with *she* and *he*: 16 cases
#
# ![The mother called the boy because she was worried: she fits mother. With he, it is boy](figures/07_pronoun.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Eight sentences, each asked with *she* and with *he*: 16 cases. Ask: in how many is a head right that always looks at the first noun? In exactly 8: that is why each is asked twice.

# %%
pairs = """The mother called the boy because {} was worried. / The girl watched the boy while {} ate.
The actor left the actress because {} was bored. / The king thanked the queen because {} was grateful.
The man told the woman that {} was late. / The father met the girl when {} came home.
The woman followed the man until {} fell. / The son asked the mother if {} was tired."""
FRAMES = pairs.replace(" / ", "\n").splitlines()
NOUNS = {  # those of a later test, too
    "she": "mother girl actress queen woman sister wife aunt daughter princess lady girlfriend mom".split(),
    "he": "boy actor king man father son brother husband uncle dad prince guy boyfriend gentleman".split(),
}

# %% [markdown]
# For each case we take two weights: from the pronoun to the noun that fits, and to the other one. A head is right where the first is larger. How many of 16 will the best of mini's 72 heads have, and how many a head on average?


# %%
def examine(model, frames=FRAMES):
    """The weights from the pronoun to the noun that fits and to the other one: (case, 2, layer, head)."""
    cases = []
    for text, pronoun in [(text, one) for text in frames for one in NOUNS if one in text.format(one).split()]:
        read = attend(text.format(pronoun), model=model, tokenizer=tokenizer)
        row = read.weights[:, :, read.tokens.index(pronoun)]
        nouns = [at for at, token in enumerate(read.tokens) if token in NOUNS["she"] + NOUNS["he"]]
        nouns.sort(key=lambda at: read.tokens[at] not in NOUNS[pronoun])  # False, so the one that fits, comes first
        cases.append(row[..., nouns].movedim(-1, 0))
    return torch.stack(cases)


# %%
guess = None  # best of 72, average

# %%
weights = examine(encoder)
hits = (weights[:, 0] > weights[:, 1]).sum(dim=0)  # (layer, head)
print(f"the best head: right in {hits.max()} of 16;  a head on average: {hits.float().mean():.1f};  your guess: {guess}")
print(f"layer 2, head 4: right in {hits[1, 3]}, the least of all heads: {hits.min()}")

# %% [markdown]
# The best head, head 10 of layer 1, is right in all 16; ours in 15. A head on average is right in 8. But these are not 72 coins: 21 heads choose the same noun for *she* and for *he* in all eight sentences, so they have exactly 8. Of the others some are high, some low. (One head is right in *none*: it looks at the noun that does not fit, every time. To do that it must tell the two apart as well.)
#
# That looks strong. But we took the best of 72. How good is the best of 72 that know nothing? Find out: here are 72 coins, each thrown 16 times.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Best of 72: right in 16 of 16. But what do 72 coins do?

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
from bertnotes.pictures.play import play

play("luck")

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Tell the result first: best head 16 of 16, average 8. Then throw a few times. The best of 72 coins has about 13 of 16. Move the first slider to 1 coin, then to 360: more candidates, a better winner. Then more throws: the winner comes down in percent.

# %% [markdown]
# The best of 72 coins has 12 or 13 of 16 most of the time. So a *best* head means little: the more heads one searches, and the fewer the cases, the better the winner.
#
# Heads are not coins, though. A fairer comparison is a model of the same build that has learned nothing: a **fresh** one, with random numbers. We take ten of them, and look for each one's best head. How many of 16?

# %%
guess = None  # the best head of a fresh model, of 16

# %% tags=["timing", "nbval-ignore-output"]
from transformers import AutoModel


def fresh_model(seed):
    """A BERT of mini's build that has learned nothing."""
    _ = torch.manual_seed(seed)
    return AutoModel.from_config(encoder.config, attn_implementation="eager").eval()


def hits_of(found):
    return (found[:, 0] > found[:, 1]).sum(dim=0)  # (layer, head): right in so many cases


best = [hits_of(examine(fresh_model(seed))).max().item() for seed in range(10)]
print("best heads of ten fresh models:", *sorted(best), "  your guess:", guess)

# %% tags=["check:fresh"]
# checked: the best heads of ten fresh models
assert max(best) == 15 and min(best) >= 10 and sorted(best)[8] <= 13 and sum(one in (11, 12) for one in best) >= 6

# %% [markdown]
# Mostly 11 or 12. But one fresh model has a head that is right in 15 of 16! It has learned nothing at all. If somebody had drawn *its* picture, would we have noticed?
#
# Two things may give it away. One is how large the weights are. The other is new sentences: the head was *chosen* on these 16 cases, so it must show what it can on others. We wrote eight more, with nouns that the first eight do not have. How many of 16 will the lucky head have there?

# %%
pairs = """The sister blamed the brother when {} lost the keys. / The wife left the husband after {} lied.
The uncle thanked the aunt because {} paid for everything. / The daughter followed the dad until {} stopped.
The prince kissed the princess before {} died. / The lady watched the guy while {} danced.
The boyfriend forgave the girlfriend because {} was sorry. / The gentleman heard the mom although {} was far away."""
NEW = pairs.replace(" / ", "\n").splitlines()
guess = None  # the lucky head, of 16 new cases

# %% tags=["timing", "nbval-ignore-output"]
lucky = fresh_model(best.index(max(best)))
layer, head = divmod(hits_of(examine(lucky)).argmax().item(), 12)
both = {}
for name, model, at in (("fresh, the lucky head", lucky, (layer, head)), ("mini, layer 2, head 4", encoder, (1, 3))):
    both[name] = [examine(model, frames)[:, :, *at] for frames in (FRAMES, NEW)]  # two of (case, 2)
    right = [hits_of(found).item() for found in both[name]]
    fits, other = both[name][0].mean(dim=0)
    print(f"{name}: right in {right[0]}, weight to the noun that fits {fits:.3f}, to the other {other:.3f}; new: {right[1]}")
print("your guess:", guess)

# %% tags=["check:pronoun"]
# checked: the two heads on both sets; what mini's heads have; the same noun is in no two sets
narrow, wide = both.values()
assert hits_of(narrow[0]) == 15 and hits_of(narrow[1]) == 7 and hits_of(wide[0]) == hits_of(wide[1]) == 15
assert 0 < narrow[0][:, 0].mean() - narrow[0][:, 1].mean() < 0.01 and narrow[0].mean() < 0.1
assert 0.35 < wide[0][:, 0].mean() < 0.39 and wide[0][:, 1].mean() < 0.08
assert (weights[:, 1] > weights[:, 0]).sum(dim=0).max() == 16 and best.index(15) == 7
assert hits[0, 9] == hits.max() == 16 and hits[1, 3] == 15 and hits.min() == 0 and 7.95 < hits.float().mean() < 8.05
at_one = (weights[0::2, 0] > weights[0::2, 1]) != (weights[1::2, 0] > weights[1::2, 1])  # the same noun for she and he
assert at_one.all(dim=0).sum() == 21 and (hits[at_one.all(dim=0)] == 8).all()
assert hits_of(examine(encoder, NEW))[0, 9] == 15
old, new = (
    {noun for noun in NOUNS["she"] + NOUNS["he"] for text in frames if noun in text.split()} for frames in (FRAMES, NEW)
)
assert not old & new and len(new) == 16

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The lucky head
#
# | | right in 16 cases | weight to the noun that fits, to the other | right in 16 new ones |
# | --- | --- | --- | --- |
# | best head of ten fresh models | **15** | 0.088, 0.082 | ? |
# | mini, layer 2, head 4 | **15** | 0.370, 0.063 | ? |

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# New cases: the fresh head **7**, mini's head **15**.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Ten models of random numbers, the best of each: 11 to 13, and once 15. Ask: what would its picture have looked like in a talk? Then: how do we unmask it? By the weights, and by new sentences.

# %% [markdown]
# The lucky head spreads its attention almost evenly, is right by a hair, and falls to 7. In mini's head the difference is large, and it keeps its 15. (So does head 10 of layer 1, nearly: 15.) That is hardly luck: we had picked our head on *My sister cried*, and in 30 of 32 other cases it looks more at the noun with the gender of the pronoun. (Not independent ones: two share each sentence, some nouns return, and *sister* is among them.)
#
# ### Is that understanding?
#
# So far only one noun has the right gender. Whom a pronoun means often depends on more: *The mother comforted the girl because she was kind*, or *because she was crying*. Now both nouns fit, and with the ending a reader changes from *mother* to *girl*.
#
# We wrote eight such pairs. A head that ignores the ending is right in exactly 8 of 16. How many has ours?

# %%
pairs = """The mother comforted the girl because she was kind / crying
The woman thanked the lady because she was grateful / helpful
The queen punished the princess because she was furious / guilty
The aunt carried the daughter because she was strong / tired
The man chased the boy because he was angry / escaping
The king rewarded the prince because he was generous / brave
The father searched for the son because he was worried / lost
The uncle forgave the brother because he was generous / sorry""".splitlines()
SAME = [f"{start} was {end}." for start, ends in (pair.split(" was ") for pair in pairs) for end in ends.split(" / ")]
guess = None  # mini, layer 2, head 4, of 16

# %%
same = examine(encoder, SAME)  # both nouns fit: the first of the sentence comes first
chosen = same[:, 0] > same[:, 1]  # (case, layer, head): is it the first noun?
right = chosen[0::2].sum(dim=0) + (~chosen[1::2]).sum(dim=0)  # each first ending is about the first noun
print(f"right of 16: layer 2, head 4 in {right[1, 3]}, layer 1, head 10 in {right[0, 9]}; your guess: {guess}")
print("the best of all 72 heads:", right.max().item())
for text, weight in zip(SAME[:2], same[:2, :, 1, 3], strict=True):
    print("layer 2, head 4: to the first noun {:.2f}, to the second {:.2f}".format(*weight), " ", text)

# %% tags=["check:same-gender"]
# checked: with two nouns of one gender neither head ever changes its noun, and no head of layer 1 does; which case was missed
changed = (chosen[0::2] != chosen[1::2]).sum(dim=0)
assert same.shape == (16, 2, 6, 12) and right[1, 3] == right[0, 9] == 8 and right.max() == 10
assert changed[1, 3] == 0 and not changed[0].any() and changed.max() > 0
assert 0.44 < same[0, 0, 1, 3] < 0.46 and 0.40 < same[1, 0, 1, 3] < 0.42 and same[:2, 1, 1, 3].max() < 0.25
assert ((weights[:, 0] > weights[:, 1])[:, 1, 3]).tolist() == [True, False] + 14 * [True]
assert all(sum(word in NOUNS[kind] for word in text.split()) in (0, 2) for kind in NOUNS for text in SAME)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Is that understanding?
#
# *The mother comforted the girl because she was kind.*
#
# *The mother comforted the girl because she was crying.*
#
# Eight such pairs. In how many of 16 is layer 2, head 4 right?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | weight to | mother | girl | right |
# | --- | --- | --- | --- |
# | ... she was kind | **0.45** | 0.24 | yes |
# | ... she was crying | **0.41** | 0.21 | no |
#
# **8 of 16**: it never changes its noun. Nor does layer 1, head 10.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Whom does *she* mean, in the first sentence and in the second? Everybody changes from *mother* to *girl*. Then vote: 8, 12, or 16? Both heads have exactly 8, as they never change. So they match gender. To know whom *she* means one also needs the ending.

# %% [markdown]
# 8, and so has head 10 of layer 1. Neither of the two changes its noun in any of the eight pairs: kind or crying, our head looks more at *mother*.
#
# In layer 1 it cannot be otherwise. Queries and keys are made there of each token's own word, position and token type (page 05); no token has seen another one yet. So the ending cannot change which noun gets the higher score. In layer 2 it could, but here it does not. What mini's head has learned is that *she* goes with *mother* and with *queen*. Our first test asked for no more.
#
# (These are two heads and eight pairs; the best of all 72 heads has 10. In BERT-base, Clark et al. (2019) tested a head on real texts, against simple rules: it did better than *take the nearest*. And the one case that our head missed in the first eight sentences was the first of them, with *he*. Had we drawn that one, it would be a picture of a failure.)
#
# ## 10. The same with bertviz
#
# Many pictures of attention are made with **bertviz** (Vig 2019). This is its *head view*: one layer, its heads in colours (ten for twelve heads, so two return). Point at *she*. A double click on a coloured square keeps this head alone.
#
# The *neuron view* below it (its neurons are the 32 numbers of a query or key) shows why a weight is what it is. Click the **+** beside *she* on the left: its query, number by number, times each key. Blue is above 0, orange below. The sum of a row, divided by the root of 32, is the score that goes into softmax (page 01).

# %% tags=["nbval-ignore-output"]
from bertnotes import bertviz_head_view, bertviz_neuron_view

bertviz_head_view(read, layer=2)

# %% tags=["nbval-ignore-output"]
bertviz_neuron_view(encoder, tokenizer, SENTENCE, layer=2, head=4)

# %% [markdown]
# ## 11. Before and after fine-tuning
#
# `mini-imdb` is mini after it has learned to tell praise from blame on 25,000 film reviews (page 10 shows how). It gives its verdict from the last vector of `[CLS]`. What will `[CLS]` look at in *The plot is thin, but the acting is superb.*, before and after? We take layer 6, head 6: of all heads it is the one in which the weight from `[CLS]` to a single word grows most.

# %%
guess = None  # the token that [CLS] looks at most after fine-tuning, besides itself

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Where does `[CLS]` look, before and after fine-tuning on reviews?

# %% slideshow={"slide_type": "fragment"}
tuned = load_encoder("mini-imdb")
REVIEW = "The plot is thin, but the acting is superb."
_, axes = plt.subplots(2, 1, figsize=(10, 4.6), layout="constrained")
for ax, (name, model) in zip(axes, {"mini": encoder, "mini-imdb": tuned}.items(), strict=True):
    seen = attend(REVIEW, model=model, tokenizer=tokenizer)
    ax = weight_bars(seen.weights[5, 5, 0], seen.tokens, ax=ax, title=f"{name}, layer 6, head 6: where [CLS] looks")
    ax.tick_params(axis="x", rotation=30, labelsize=13)
if guess is not None:
    print("your guess:", guess)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Guess first: *plot*, *thin*, *but*, *superb*? Before: a third to itself, little to any other. After: half to *superb*. Ask at once: does this show that the verdict comes from *superb*? No; that is the next slide.

# %% [markdown]
# Before, `[CLS]` gives 0.33 to itself and at most 0.10 to any other token. After, half goes to *superb*. But once more we picked the head for what it does in this sentence. So we look at it in five others that we wrote. Here is the word that `[CLS]` looks at most, before and after:


# %%
def most(text, model):
    """The token that [CLS] looks at most, without [CLS] and [SEP], and its weight."""
    seen = attend(text, model=model, tokenizer=tokenizer)
    weight, at = seen.weights[5, 5, 0, 1:-1].max(dim=-1)
    return seen.tokens[at + 1], weight.item()


# %%
REVIEWS = """The film is not bad at all, it is brilliant.
I laughed at the jokes, but the story was awful.
A dull film with one superb scene.
The story is not good, and the jokes are not funny.
The camera follows a man who repairs clocks.""".splitlines()
for text in REVIEWS:
    print("{:5} {:.2f} -> {:9} {:.2f}".format(*most(text, encoder), *most(text, tuned)), " ", text)

# %% tags=["check:before-after"]
# checked: what [CLS] looks at before and after, in the sentence of the picture and in five others; it is the verdict's vector
old, new = (attend(REVIEW, model=model, tokenizer=tokenizer).weights[5, 5, 0] for model in (encoder, tuned))
superb = seen.tokens.index("superb")
assert old[superb] < 0.12 and 0.45 < new[superb] < 0.55 and new.argmax() == superb and old.argmax() == 0
assert old[1:].max() < 0.105 and 0.32 < old[0] < 0.34
gains = torch.stack([attend(REVIEW, model=model, tokenizer=tokenizer).weights[:, :, 0, 1:-1] for model in (encoder, tuned)])
assert (gains[1] - gains[0]).argmax() == (5 * 12 + 5) * (len(seen.tokens) - 2) + superb - 1
old, new = ([most(text, model) for text in REVIEWS] for model in (encoder, tuned))
assert max(weight for _, weight in old) < 0.135 and min(weight for _, weight in new) > 0.2
assert [token for token, _ in new] == ["brilliant", "awful", "dull", "not", "man"]

# %% [markdown]
# *Brilliant*, *awful*, *dull* are words that judge. In the fourth sentence it is *not*, and in the last, which judges nothing, *man*. So with *superb* this head looks most at a judging word in four of six sentences; before, it gave no word in them more than 0.13. But whether the verdict comes *from* these words the weights do not say.
#
# ## 12. What a picture does not show
#
# A weight is the first step of many:
#
# ![From the weight, which we see, times the value, all heads and a matrix, plus what was there, feed-forward, later layers, to the answer](figures/07_limits.svg)
#
# So before you put a heatmap on a slide, four warnings:
#
# - **A weight is not a contribution.** What reaches the sum is weight times value, and a value can be short (Kobayashi et al. 2020). Page 08 measures it.
# - **After layer 1 a token is no longer just its word.** Each layer mixes others in. Weight on *superb* in layer 6 is weight on the vector at that position.
# - **A weight is not a reason.** Jain and Wallace (2019) found, in models other than BERT, that quite different weights can lead to the same prediction. Wiegreffe and Pinter (2019) answered that it depends on what one expects of an explanation, and how one tests it.
# - **One picture was chosen.** Ask among how many, on how many sentences, and what a model has that learned nothing.

# %% [markdown]
# And a fifth, about mini. It is tempting to say: its heads have specialised, and nobody told them to. Of its last layer that is false: mini was cut from MiniLM, whose last layer was trained to have attention weights like those of a larger model (page 06). The heads of sections 2, 5 and 9 are in layers 1 and 2, which were given no such weights to imitate.
#
# What you may say: *this head, in this model, on these sentences, puts so much of its weight there.*

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### From a weight to the answer: what does the picture show?
#
# ![From the weight, which we see, times the value, all heads and a matrix, plus what was there, feed-forward, later layers, to the answer](figures/07_limits.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Go along the boxes. Which of them does a heatmap show? The first. Then the warnings: not a contribution, not a reason, no longer just its word, and chosen among many. About mini: do not say that nobody told its heads where to look. Its last layer comes from one that was trained to imitate a teacher's attention.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A row looks, and adds up to 1. A column is looked at; with n tokens it adds up to anything from 0 to n.
# - In mini most heads rest on `[CLS]`, an attention sink. Few have another clear shape.
# - Pieces become words by a sum over columns and a mean over rows. Columns of `[PAD]` are empty.
# - The best of many heads can look good by luck. Compare it with fresh models, and test it on new sentences.
# - Two heads match pronouns with nouns by gender. With two nouns of one gender they ignore how the sentence ends.
# - A weight is not a contribution, and not a reason.
#
# **Next:** page 08 measures heads over many texts, and switches them off.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Someone shows you a heatmap in which a word looks at the right one. Which three questions do you ask?

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# Work in the copy of the [exercises](exercises/07.ipynb) in `notebooks/my`. Five are functions of a few lines that measure what one sees in a picture. The last is for paper.

# %% tags=["exercises"]
import torch

from bertnotes.exercises import check, hint, solution  # noqa: F401

# %% [markdown] tags=["exercise:entropy"]
# ### How spread out is a row? · ● · 6 minutes
#
# The **entropy** of a row of weights $w$ is $-\sum_i w_i \ln w_i$: 0 where all weight is on one token, $\ln n$ where $n$ tokens have the same. `weights` is (..., key_pos), with any axes before the last one. Return the entropy of each row, in nats. Beware of weights that are exactly 0, such as those of `[PAD]`: they add nothing.

# %% [markdown] tags=["hint:entropy"]
# $0 \cdot \ln 0$ counts as 0. But a computer takes $\ln 0 = -\infty$, and $0 \cdot (-\infty)$ is `nan`.

# %% [markdown] tags=["hint:entropy"]
# `weights.clamp(min=1e-12).log()` is no longer infinite. Times a weight of 0 it gives 0.

# %% [markdown] tags=["hint:entropy"]
# Multiply by the weights, sum over the last axis with `sum(dim=-1)`, and put a minus in front.


# %% tags=["exercise:entropy"]
def entropy(weights):
    """The entropy of each row, in nats: the shape of weights without its last axis."""
    # solution
    logs = weights.clamp(min=1e-12).log()
    return -(weights * logs).sum(dim=-1)
    # end of solution


check("entropy", entropy)

# %% [markdown] tags=["reason:entropy"]
# `torch.special.entr` does the same: $-w \ln w$, and 0 at 0. With $e^{\text{entropy}}$ you get a number of tokens, as with perplexity on page 03: a row with an entropy of 1.39 is as spread out as one over 4 tokens.

# %% [markdown] tags=["exercise:mean_distance"]
# ### How far does a head look? · ● · 8 minutes
#
# `weights` is (..., query_pos, key_pos). A look from position $i$ to $j$ has the distance $|i - j|$. Return how far away each head looks: in each row the mean distance, each token counted by its weight; then the mean over the rows.

# %% [markdown] tags=["hint:mean_distance"]
# Make a table of distances first, (query_pos, key_pos): `position[:, None] - position`, where `position = torch.arange(n)`.

# %% [markdown] tags=["hint:mean_distance"]
# The weights of a row add up to 1, so its mean distance is the *sum* of weight times distance.

# %% [markdown] tags=["hint:mean_distance"]
# `(weights * distance).sum(dim=-1)` is a number for each row. `mean(dim=-1)` averages over them.


# %% tags=["exercise:mean_distance"]
def mean_distance(weights):
    """How many tokens away each head looks: the shape of weights without its last two axes."""
    # solution
    position = torch.arange(weights.shape[-1])
    distance = (position[:, None] - position).abs()
    return (weights * distance).sum(dim=-1).mean(dim=-1)
    # end of solution


check("mean_distance", mean_distance)

# %% [markdown] tags=["reason:mean_distance"]
# Without `abs`, a head that looks one to the left and one to the right would have the distance 0. In real sentences the measure depends on their length, and on the sink: looking at `[CLS]` is far for a late token.

# %% [markdown] tags=["exercise:received"]
# ### What does each column receive? · ● · 6 minutes
#
# `weights` is (layer, head, query_pos, key_pos). `ordinary` is (query_pos,), True at tokens that are neither `[CLS]` nor `[SEP]`. Only these are asked. Return for each layer the share of their attention that each token receives: (layer, key_pos), where each row adds up to 1.

# %% [markdown] tags=["hint:received"]
# `weights[:, :, ordinary]` keeps the rows of ordinary tokens.

# %% [markdown] tags=["hint:received"]
# Average over the heads and over the tokens that look: axes 1 and 2.


# %% tags=["exercise:received"]
def received(weights, ordinary):
    """The share that each token receives from the ordinary ones, in each layer: (layer, key_pos)."""
    # solution
    return weights[:, :, ordinary].mean(dim=(1, 2))
    # end of solution


check("received", received)

# %% [markdown] tags=["reason:received"]
# A mean of rows that each add up to 1 adds up to 1 again. `[CLS]` itself is not asked: the question is what the others look at.

# %% [markdown] tags=["exercise:looks_at"]
# ### Whom does it look at, the sink left out? · ● · 6 minutes
#
# `weights` is (..., query_pos, key_pos), `ordinary` is (key_pos,), as above. Return for each token the *position* of the ordinary token that it looks at most: (..., query_pos).

# %% [markdown] tags=["hint:looks_at"]
# If you cut the special tokens out, the positions shift. Rather make sure that they cannot win.

# %% [markdown] tags=["hint:looks_at"]
# `weights.masked_fill(~ordinary, -1)` puts −1 into their columns. No weight is below 0.


# %% tags=["exercise:looks_at"]
def looks_at(weights, ordinary):
    """The position of the ordinary token that each token looks at most: (..., query_pos)."""
    # solution
    return weights.masked_fill(~ordinary, -1).argmax(dim=-1)
    # end of solution


check("looks_at", looks_at)

# %% [markdown] tags=["reason:looks_at"]
# A caution: where a row rests on `[CLS]` with 0.95, the "most" of the rest may be 0.01. An argmax always finds something. Look at the weight, too.

# %% [markdown] tags=["exercise:merge"]
# ### From pieces to words · ●● · 10 minutes
#
# `weights` is one head's (piece, piece). `word_of` is (piece,): the number of the word that each piece belongs to, such as `tensor([0, 1, 1, 2])`. Return the weights between words, (word, word), as in section 8.

# %% [markdown] tags=["hint:merge"]
# `member = torch.nn.functional.one_hot(word_of)` is (piece, word), with a 1 where a piece belongs to a word. `weights @ member` sums the columns of each word.

# %% [markdown] tags=["hint:merge"]
# For the rows you need a mean. Divide each column of `member` by the number of its pieces, `member.sum(dim=0)`.

# %% [markdown] tags=["hint:merge"]
# `(member / member.sum(dim=0)).T @ weights @ member`, with `member` as decimal numbers: `.to(weights.dtype)`.


# %% tags=["exercise:merge"]
def merge(weights, word_of):
    """The weights between words, whose rows add up to 1: (word, word)."""
    # solution
    member = torch.nn.functional.one_hot(word_of).to(weights.dtype)
    return (member / member.sum(dim=0)).T @ weights @ member
    # end of solution


check("merge", merge)

# %% [markdown] tags=["reason:merge"]
# A matrix product with 0 and 1 sums what belongs together. Two loops over words are just as right. The test to remember: rows still add up to 1.

# %% [markdown] tags=["exercise:by_luck"]
# ### The best of twenty · ●● · 8 minutes
#
# A model has 20 heads. In each of 4 cases each head is right with probability 1/2, like a coin, independently of all else. What is the probability that *at least one* head is right in all 4? Two digits after the point.

# %% [markdown] tags=["hint:by_luck"]
# What is the probability that one given head is right in all 4? And that it is not?

# %% [markdown] tags=["hint:by_luck"]
# 1/16, and 15/16. At least one succeeds unless all 20 fail.

# %% tags=["exercise:by_luck"]
# solution
answer = 1 - (15 / 16) ** 20
# instead:
# answer = None  # your number
# end of solution

check("by_luck", answer)

# %% [markdown] tags=["reason:by_luck"]
# $1 - (15/16)^{20} = 0.725$. In three of four such models that know nothing there is a head with a perfect score.

# %% [markdown]
# ## Sources
#
# Years are those on arXiv.
#
# - Kovaleva, Romanov, Rogers, Rumshisky (2019). *Revealing the Dark Secrets of BERT.* Five kinds of picture. arXiv:1908.08593
# - Clark, Khandelwal, Levy, Manning (2019). *What Does BERT Look At? An Analysis of BERT's Attention.* `[SEP]`; pieces and words; whom a pronoun means. arXiv:1906.04341
# - Xiao, Tian, Chen, Han, Lewis (2023). *Efficient Streaming Language Models with Attention Sinks.* arXiv:2309.17453
# - Vig (2019). *A Multiscale Visualization of Attention in the Transformer Model.* bertviz. arXiv:1906.05714
# - Jain, Wallace (2019). *Attention is not Explanation.* arXiv:1902.10186
# - Wiegreffe, Pinter (2019). *Attention is not not Explanation.* arXiv:1908.04626
# - Kobayashi, Kuribayashi, Yokoi, Inui (2020). *Attention is Not Only a Weight: Analyzing Transformers with Vector Norms.* arXiv:2004.10102
# - Wang, Wei, Dong, Bao, Yang, Zhou (2020). *MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained Transformers.* arXiv:2002.10957
