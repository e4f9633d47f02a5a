# %% [markdown] question="Why look several times at once?"
# # 03 · Many heads
#
# **The question:** BERT-base looks at a sentence twelve times at once in each layer. What is that good for?
#
# ![The sentence The sister cried because the dog died, with an arrow from cried to sister, who?, and one from cried to died, why?](figures/03_cried.svg)
#
# Each of these looks is called a **head**. You see what more heads make easier, what they cost, and which are missed in a trained BERT. Then you write your own.
#
# **You need:** pages 01 and 02. **Time:** about 55 minutes, and 49 more for the exercises. What is folded is for the curious. Where a cell says `guess = None`, type your guess in place of `None`. All cells together take one to five minutes to run.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # Many heads
#
# BERT-base looks at a sentence twelve times at once in each layer. Each look is a **head**. What is that good for?
#
# ![The sentence The sister cried because the dog died, with an arrow from cried to sister, who?, and one from cried to died, why?](figures/03_cried.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** The notes add up to 38 minutes; the rest is for questions and a live cell. The exercises are a second lesson. Before class, run the notebook to the end: the cells that train may take a minute each.

# %%
import json
import math

import matplotlib.pyplot as plt
import torch

from bertnotes.attention import MultiHeadAttention, scaled_dot_product_attention
from bertnotes.files import RESULTS
from bertnotes.pictures.attention import attention_heatmap
from bertnotes.pictures.charts import dot_chart, line_chart
from bertnotes.pictures.play import play

_ = torch.set_printoptions(precision=2, sci_mode=False)

# %% [markdown]
# ## 1. One look, one average
#
# Say that *cried* needs two things from its sentence: **who** cried, and **why**. Attention gives it one row of weights, which add up to 1 (page 01). If it looks at *sister* and at *died*, it gets an average of their values.
#
# We make up values of two numbers: *sister* has $(8, 2)$ and *died* has $(4, 6)$. *cried* looks at the word before it and at the last word, with weight 0.5 each. It gets $(6, 4)$.
#
# Now swap *sister* and *died* and leave the weights where they are. (Nonsense, but does it show?) What does *cried* get?

# %%
guess = None  # two numbers, such as (1, 2)

# %%
values = torch.tensor([[8.0, 2.0], [4.0, 6.0]])  # the word before: sister; the last word: died
turned = values.flip(0)  # the two swapped
one_row = torch.tensor([0.5, 0.5])
print("one head:         ", one_row @ values)
print("one head, swapped:", one_row @ turned, "   your guess:", guess)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## One look gives one average
#
# *cried* looks at the word before it and at the last word, half and half. What does it get, and what if the two are swapped?
#
# | | word before | last word |
# | --- | --- | --- |
# | weight | 0.5 | 0.5 |
# | value | sister (8, 2) | died (4, 6) |
# | swapped | died (4, 6) | sister (8, 2) |

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# **(6, 4)**, both times. The result does not tell who was where.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let them add it up: half of 8 and half of 4, half of 2 and half of 6. Then swap: the same sums. The weights stay at their places.

# %% [markdown]
# Again $(6, 4)$: an even average does not tell who was where.
#
# Now let two heads look, each with its own row of weights. Head 1 passes on the first number of a value and looks at the word before alone. Head 2 passes on the second number and looks at the last word alone:

# %%
row1, row2 = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])  # head 1: all on the word before; head 2: on the last
print("two heads:         ", row1 @ values[:, 0], row2 @ values[:, 1])
print("two heads, swapped:", row1 @ turned[:, 0], row2 @ turned[:, 1])

# %% tags=["check:average"]
# checked: one even average is the same when the words are swapped; two heads give (8, 6), then (4, 2)
assert (one_row @ values).tolist() == (one_row @ turned).tolist() == [6, 4] and one_row.sum() == row1.sum() == row2.sum() == 1
assert [(row1 @ words[:, 0], row2 @ words[:, 1]) for words in (values, turned)] == [(8, 6), (4, 2)]

# %% [markdown]
# ![sister and died before and after a swap. One head, half of each: (6, 4) both times, the same. Two heads: 8 and 6, then 4 and 2, different](figures/03_average.svg)
#
# $(8, 6)$ became $(4, 2)$: with two heads the swap shows. That has a price: of each word only one number arrives. **Two heads choose twice, and each passes on half as many numbers.**
#
# Head 1 does not see half a word: each number of a value is made from *all* numbers of the word (page 01). What is cut in two is the value.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Two heads choose twice
#
# ![sister and died before and after a swap. One head, half of each: (6, 4) both times, the same. Two heads: 8 and 6, then 4 and 2, different](figures/03_average.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Two numbers arrive either way. What do two heads give up? Of each word only one number arrives. Careful: head 1 does not see half a word. Each number of a value is made from all numbers of the word.

# %% [markdown]
# ## 2. Split, attend, merge, mix
#
# ![X becomes Q, K and V. Split: each head gets half of the columns. Each attends. Merge puts the results side by side, and W_O mixes them](figures/03_strips.svg)
#
# This is **multi-head attention**, in five steps. The first is that of page 01: $X$ times three matrices makes $Q$, $K$ and $V$. Then come *split*, *attend*, *merge* and *mix*, one after the other below.
#
# ![Step 2 lit: each head gets half of the columns of Q, K and V](figures/03_strips_2.svg)
#
# **Split.** Each head gets its own columns of $Q$, $K$ and $V$. In the drawing there are 8 columns and two heads: head 1 (lighter) gets the first four, head 2 (darker) the last four.
#
# We try it with fewer: a sentence of three words, *sister cried died*, and four numbers for each. Here is a $V$ that you can follow. Its shape is (batch, word, number) = (1, 3, 4): a batch of one sentence. *cried* has the numbers 4, 5, 6, 7. Which of them will head 1 get, and which head 2?

# %%
V = torch.arange(12.0).view(1, 3, 4)  # the numbers 0 to 11, laid out as 1 sentence of 3 words of 4 numbers
print("V:", V)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## First: queries, keys, values
#
# ![The first step lit: X times three matrices becomes Q, K and V, each 3 by 8](figures/03_strips_1.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** As on page 01: three matrices, three results. Each number of Q is made from all 8 numbers of a word: the word is not cut. Ask for the shape of W_Q: 8 by 8.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Split: each head gets its own columns
#
# ![Step 2 lit: each head gets half of the columns of Q, K and V](figures/03_strips_2.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Cut columns, not rows: each head has all three words. Ask for the shape of one head's Q: 3 by 4.

# %%
V1, V2 = V[..., :2], V[..., 2:]  # of every word: head 1 gets the first two columns, head 2 the last two
print("head 1:", V1, "head 2:", V2, sep="\n")
print("cried:", V1[0, 1], V2[0, 1])

# %% tags=["check:split"]
# checked: head 1 has 4 and 5 of cried, head 2 has 6 and 7
assert V1[0, 1].tolist() == [4, 5] and V2[0, 1].tolist() == [6, 7] and V1.shape == V2.shape == (1, 3, 2)

# %% [markdown]
# Head 1 gets 4 and 5, head 2 gets 6 and 7. Each head has its columns of *all* words.
#
# **Attend.** Each head now does what page 01 does, on its own columns. Its scores are divided by the root of *its* number of columns.
#
# ![Step 3 lit: each head makes weights, 3 by 3, and a result, 3 by 4](figures/03_strips_3.svg)
#
# We choose queries and keys so that *cried* looks for *sister* with head 1 and for *died* with head 2:

# %%
Q = torch.tensor([[[0.0, 0, 0, 0], [6, 0, 6, 0], [0, 0, 0, 0]]])  # only cried asks, loudly: 6
K = torch.tensor([[[1.0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]]])  # sister answers head 1, died answers head 2
result1, weights1 = scaled_dot_product_attention(Q[..., :2], K[..., :2], V1)
result2, weights2 = scaled_dot_product_attention(Q[..., 2:], K[..., 2:], V2)
print("head 1: cried gives the weights", weights1[0, 1], "and gets", result1[0, 1])
print("head 2: cried gives the weights", weights2[0, 1], "and gets", result2[0, 1])

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Attend: each has its own weights
#
# ![Step 3 lit: each head makes weights, 3 by 3, and a result, 3 by 4](figures/03_strips_3.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Two tables of weights, each with rows that add up to 1. This is what two heads have and one has not. By which root is divided? Of 4, not of 8.

# %% [markdown]
# Head 1 puts 0.97 of its weight on *sister* and gets nearly the first two numbers of *sister*, 0 and 1. Head 2 puts as much on *died* and gets nearly its last two, 10 and 11. (The printed weights are rounded; before that, they add up to 1.)
#
# **Merge.** The results of the heads are laid side by side, so that each word has four numbers again.
#
# ![Step 4 lit: the two results, light and dark, side by side are 3 by 8 again](figures/03_strips_4.svg)

# %%
merged = torch.cat([result1, result2], dim=-1)  # side by side
print("cried:", merged[0, 1])

# %% tags=["check:merge"]
# checked: where cried looks, and that it gets nearly sister's first two numbers and died's last two
assert 0.965 < weights1[0, 1, 0] < 0.975 and 0.965 < weights2[0, 1, 2] < 0.975
assert torch.allclose(merged[0, 1, 2:], torch.tensor([9.83, 10.83]), atol=0.01) and merged.shape == V.shape
assert torch.allclose(merged[0, 1, :2], torch.tensor([0.17, 1.17]), atol=0.01)
assert all(torch.allclose(one[0, 1].sum(), torch.tensor(1.0)) for one in (weights1, weights2))

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Merge: the results side by side
#
# ![Step 4 lit: the two results, light and dark, side by side are 3 by 8 again](figures/03_strips_4.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Same shape as X. Ask: has a light number been mixed with a dark one? Not yet.

# %% [markdown]
# **Mix.** So far the two results only lie side by side. A last learned matrix, $W_O$, mixes them.
#
# ![Step 5 lit: the merged result times W_O is the output, 3 by 8, in which the heads are mixed](figures/03_strips_5.svg)
#
# Take the $(8, 6)$ of section 1, where each head gave one number, and say that the rows of $W_O$ are $(1, 0.5)$ and $(1, -0.5)$. Then the output is
#
# $$8 \cdot (1, 0.5) + 6 \cdot (1, -0.5) = (8, 4) + (6, -3) = (14, 1).$$
#
# Each head meets its own rows of $W_O$, and what comes out is **added up**. With *sister* and *died* swapped, $(4, 2)$ becomes $(4, 2) + (2, -1) = (6, 1)$: the swap still shows. Without head 2, the output is what head 1 adds, $(8, 4)$. As a formula, with
# $Q_i$, $K_i$, $V_i$ for the columns of head $i$ and $W_O^i$ for its rows of $W_O$ (this $i$ is the number of a head, and no power):
#
# $$\mathrm{head}_i = \mathrm{Attention}(Q_i, K_i, V_i) \qquad \mathrm{output} = \mathrm{Concat}(\mathrm{head}_1, \dots, \mathrm{head}_h)\, W_O = \mathrm{head}_1 W_O^1 + \dots + \mathrm{head}_h W_O^h$$
#
# *Concat* stands for laying side by side (`torch.cat`). (Vaswani et al., 2017, section 3.2.2, write it so, and give each head matrices of its own: the column blocks of our $W_Q$, $W_K$ and $W_V$. In a BERT each matrix also has a **bias**, a learned vector that is added.)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Mix: times one more matrix
#
# ![Step 5 lit: the merged result times W_O is the output, 3 by 8, in which the heads are mixed](figures/03_strips_5.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Only here do the heads meet: each number of the output is made of all numbers of both heads.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## What does each head add?
#
# | head | gives | its row of $W_O$ | adds |
# | --- | --- | --- | --- |
# | 1 | 8 | (1, 0.5) | (8, 4) |
# | 2 | 6 | (1, −0.5) | (6, −3) |
#
# And the output?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# **(14, 1)**: what the heads add is added up. *sister* and *died* swapped: (4, 2) + (2, −1) = **(6, 1)**. It still shows.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** The (8, 6) of the second drawing. Each head meets its own rows of W_O, so adding up does not undo the difference. Without head 2: (8, 4). This is how we will switch off a head: its rows become 0.

# %% [markdown]
# Does the library's module compute this? Its `attention.query`, `.key`, `.value` and `.output` are the four matrices with their biases. We do it
# the slow way, one head after the other, and compare on random numbers: 2 sentences, 5 words, 24 numbers a word, 4 heads.


# %%
def one_after_the_other(attention, X):
    Q, K, V = attention.query(X), attention.key(X), attention.value(X)
    size = X.shape[-1] // attention.num_heads  # how many columns a head has
    results = []
    for start in range(0, X.shape[-1], size):
        own = slice(start, start + size)  # this head's columns
        results.append(scaled_dot_product_attention(Q[..., own], K[..., own], V[..., own])[0])
    return attention.output(torch.cat(results, dim=-1))  # side by side, then W_O


# %% tags=["teaches"]
torch.manual_seed(0)
attention = MultiHeadAttention(hidden_size=24, num_heads=4)
X = torch.randn(2, 5, 24)
ours, library = one_after_the_other(attention, X), attention(X)[0]
print(f"{ours.numel()} numbers, the largest difference is {(ours - library).abs().max():.4f}")
assert torch.allclose(ours, library, atol=1e-6)

# %% tags=["check:three-agree"]
# checked: PyTorch's own nn.MultiheadAttention, given the same parameters, computes the same; the example of W_O
official = torch.nn.MultiheadAttention(24, 4, batch_first=True)
with torch.no_grad():
    three = attention.query, attention.key, attention.value
    official.in_proj_weight.copy_(torch.cat([part.weight for part in three]))
    official.in_proj_bias.copy_(torch.cat([part.bias for part in three]))
    official.out_proj.load_state_dict(attention.output.state_dict())
    theirs, their_weights = official(X, X, X, average_attn_weights=False)
assert torch.allclose(ours, theirs, atol=1e-6) and torch.allclose(attention(X)[1], their_weights, atol=1e-6)
assert (torch.tensor([[8.0, 6.0], [4, 2]]) @ torch.tensor([[1, 0.5], [1, -0.5]])).tolist() == [[14, 1], [6, 1]]

# %% [markdown]
# It does, but for rounding, and so does PyTorch's own `nn.MultiheadAttention`, given the same parameters. The library does all heads at once; you will write it that way in the exercises.
#
# ## 3. What do more heads cost?
#
# A **parameter** is a learned number. (Many call parameters *weights*; here *weights* are those of attention.) With 24 numbers a word, each of the four matrices has
# $24 \times 24$ parameters and 24 for its bias: $4 \times (576 + 24) = 2{,}400$ for one head. How many for 8 heads?

# %%
guess = None  # parameters with 8 heads

# %%
for count in (1, 2, 4, 8, 24):
    parameters = sum(matrix.numel() for matrix in MultiHeadAttention(24, count).parameters())
    print(
        f"heads: {count:2}   columns each: {24 // count:2}   parameters: {parameters:,}   weights for 5 words: {count * 5 * 5:3}"
    )
print("your guess for 8 heads:", guess)

# %% tags=["check:cost-of-heads"]
# checked: as many parameters and multiplications, however many heads share out the columns, and a table of weights for each
from torch.utils.flop_counter import FlopCounterMode

for heads in (1, 2, 4, 8, 24):
    module = MultiHeadAttention(24, heads)
    with FlopCounterMode(display=False) as counter:
        tables = module(torch.ones(1, 5, 24))[1]
    assert counter.get_total_flops() == 2 * 5 * 24 * (4 * 24 + 2 * 5) and tables.shape == (1, heads, 5, 5)
    assert sum(one.numel() for one in module.parameters()) == 2400

# %% [markdown]
# The same 2,400, however many heads: they share out the columns of the same matrices. The matrix products need as many multiplications, too. What grows is the number of attention weights, a table for each head.
# And more heads are *narrower* heads: if 24 heads share 24 columns, a query and a key are compared by a single number.
#
# BERT-base shares out its columns like this, too. It has 768 numbers a token (its **hidden size**) and 12 heads of 64 columns each.
#
# **Play with it.** Move the slider: parameters stay, weights grow, heads get narrower.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## What do more heads cost?
#
# A word has 24 numbers. $W_Q$, $W_K$, $W_V$ and $W_O$ with their biases have 4 × (24 × 24 + 24) = 2,400 parameters for one head.
#
# How many for **8** heads that share out the columns?
#
# - 300
# - 2,400
# - 19,200

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Let them vote; the next slide has the answer.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The same 2,400, in narrower heads

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
play("heads")

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Start with one head, then go to 8. Shades: which head a column belongs to. Parameters: as many as with one. What grows? The attention weights. What shrinks? The numbers by which a head compares.

# %% [markdown]
# ## 4. One mix, two questions
#
# Section 1 had made-up numbers. What happens when a head is *trained* to find two things? At each position of a row of random letters, a model has to name
# **two** letters: the one before and the one after.
#
# ![A row of random letters; at the f both neighbours, h and g, are to be named. Below, the model: one attention with 1 or 2 heads, nothing or a network](figures/03_task.svg)
#
# There are 10 letters and 8 positions. Each letter and each position has a learned vector; the model adds the two. Then comes one attention. From what it found, a last matrix makes ten scores for the letter before and ten for the letter after. This matrix is called the **read-out**. The letter with the highest score is the answer. (A BERT layer also adds its input to what it found, page 05; the toy does not.)
#
# We train it with one head and with two, which have as many parameters. (The first and the last position lack a neighbour and are not asked.)
# A model that knows one neighbour and guesses the other would name both in 1 of 10 cases. After 300 training
# steps (page 02), in what share of the positions does **one head** name both?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Vote: does one head name both?
#
# ![A row of random letters; at the f both neighbours, h and g, are to be named. Below, the model: one attention with 1 or 2 heads, nothing or a network](figures/03_task.svg)
#
# After 300 training steps: at **0.1**, **0.5** or **1.0** of the positions?

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Without the network first. Knowing one side and guessing the other would give 1 in 10. Keep the votes for the next slide.

# %%
guess = None  # a share between 0 and 1

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.neighbours import draw_letters, mean_weights, neighbours, train_neighbours

one_head, two_heads = train_neighbours(1), train_neighbours(2)  # three models each, from three random starts
print("two heads, both letters right:", two_heads.both[-1])
print("one head, both letters right: ", one_head.both[-1], "   your guess:", guess)
print("one head, the letter before:  ", one_head.sides[:, 0])
print("one head, the letter after:   ", one_head.sides[:, 1])

# %% tags=["check:one-linear"]
# checked: two heads name both nearly always; one head one side well, the other in about a fifth; equally many parameters
weak_side, strong_side = one_head.sides.amin(dim=1), one_head.sides.amax(dim=1)
assert two_heads.both[-1].min() > 0.99
assert one_head.both[-1].min() > 0.13 and one_head.both[-1].max() < 0.22 and 0.14 < one_head.both[-1].mean() < 0.2
assert strong_side.min() > 0.93 and weak_side.min() > 0.14 and weak_side.max() < 0.25 and 0.16 < weak_side.mean() < 0.22
assert len({int(side) for side in one_head.sides.argmax(dim=1)}) == 2
sizes = [sum(one.numel() for one in found.models[0].parameters()) for found in (one_head, two_heads)]
assert sizes == [5460, 5460]

# %% [markdown]
# Each line has three numbers, from three random starts: one result could be luck. Two heads name both letters practically always, one head in about a sixth of
# the positions. It names one side nearly always and the other in about a fifth of the cases. Which side is the good one differs from start to start.
#
# What did the one head find? Look at the *f* in *b e h f g a c d*: *h* stands before it, *g* after it. Here are the scores of the first start. (Each picture has its own scale.)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## What did the one head find?
#
# Both letters right: one head **0.17**, two heads **1.00**. The scores of one head at the *f* in *h f g*:

# %% slideshow={"slide_type": "-"} tags=["timing", "nbval-ignore-output"]
from bertnotes.pictures.style import GRID

colors = {"h": "#7b3294", "g": "#9a6700"}  # as in the drawing
names, rows = list("abcdefghij"), draw_letters(500, seed=5)
before, after = one_head.models[0](rows[:1])[0][0, 3].detach()  # of the first row, at the f: two times ten scores
_, axes = plt.subplots(1, 2, figsize=(9.6, 3), layout="constrained")
for ax, scores, question in zip(axes, (before, after), ("before? (right: h)", "after? (right: g)"), strict=True):
    ax.bar(names, scores, color=[colors.get(name, GRID) for name in names])
    ax.set_title(f"letter {question}", loc="left", fontsize=18)
    ax.set_ylabel("score", fontsize=16)
    ax.tick_params(labelsize=16)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Left: which letter has the highest score, which one the second? Right: the same two. The model answers g and g; only the second is right.

# %% tags=["check:both-in-the-mix"]
# checked: the position; one head: both right letters score highest for both questions, the same one first; two heads: h, then g
assert "".join(names[letter] for letter in rows[0]) == "behfgacd" and neighbours(rows)[0, 2].tolist() == [7, 6]
with torch.no_grad():
    alike, apart = (found.models[0](rows[:1])[0][0, 3].topk(2).indices for found in (one_head, two_heads))
assert alike.tolist() == [[6, 7], [6, 7]] and apart[:, 0].tolist() == [7, 6] and before.argmin() == after.argmin() == 5  # f

# %% [markdown]
# *g* and *h* have the two highest scores, **for both questions**. So the model finds both letters. But *g* comes first both times, and the letter before is *h*. (The *f* itself scores lowest; why, we have not looked into.)
#
# It is the rule. At the positions whose two neighbours differ, one head names the same letter twice in about 9 of 10 cases, over 500 rows. (Where both neighbours *are* the same letter, 1 case in 10, naming it twice is right. The rest of its sixth comes from the other positions.)

# %% tags=["check:same-letter-twice"]
# checked: in each start both letters lead for both questions nearly always, mostly in the same order; with two heads, each is right
pairs = neighbours(rows)
differ = pairs[..., 0] != pairs[..., 1]
for model_ in one_head.models:
    best = model_(rows)[0][:, 1:-1].topk(2).indices[differ]
    assert (best.sort().values == pairs[differ].sort().values[:, None]).all(-1).all(-1).float().mean() > 0.985
    assert 0.87 < (best[:, 0, 0] == best[:, 1, 0]).float().mean() < 0.94
for model_ in two_heads.models:
    assert (model_(rows)[0][:, 1:-1].argmax(-1)[differ] == pairs[differ]).float().mean() > 0.99

# %% [markdown]
# ### Why the same letter twice?
#
# First see where the heads look. These are the weights of the first start, averaged over the 500 rows. The dots mark the position itself.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Where do they look?
#
# Mean weights over 500 rows; the dot is the position itself.

# %% slideshow={"slide_type": "-"} tags=["timing", "nbval-ignore-output"]
only, pair = mean_weights(one_head.models[0]), mean_weights(two_heads.models[0])
_, axes = plt.subplots(1, 3, figsize=(13, 5), layout="constrained")
positions = list("12345678")
for ax, table, title in zip(axes, (only[0], pair[0], pair[1]), ("the only head", "two: head 1", "two: head 2"), strict=True):
    table[[0, -1]] = 0  # the first and the last position are not asked
    ax = attention_heatmap(table, positions, positions, ax=ax, numbers=True, least=0.1, title=title)
    _ = ax.plot(range(8), range(8), "o", color="grey", markersize=4)  # the position itself
    _ = ax.set_ylabel("at position" if title == "the only head" else "", fontsize=16)
    _ = ax.set_xlabel("looks at position", fontsize=16)


# %% tags=["check:where-heads-look"]
# checked: in each start the only head looks both ways and names the side at which it looks more; of two, one looks back, one ahead
def back_and_ahead(table):
    return torch.stack([table.diagonal(-1)[:-1].mean(), table.diagonal(1)[1:].mean()])


assert abs(only[0, 3, 2] - 0.4) < 0.05 and abs(only[0, 3, 4] - 0.5) < 0.05
for trained, sides in zip(one_head.models, one_head.sides, strict=True):
    both_ways = back_and_ahead(mean_weights(trained)[0])
    assert 0.38 < both_ways.min() < 0.47 < both_ways.max() < 0.56 and both_ways.argmax() == sides.argmax()
orders = []
for trained in two_heads.models:
    both_ways = torch.stack([back_and_ahead(table) for table in mean_weights(trained)])
    assert both_ways.amax(dim=1).min() > 0.9 and both_ways.amin(dim=1).max() < 0.1
    orders.append(both_ways.argmax(dim=1).tolist())
assert {tuple(order) for order in orders} == {(0, 1), (1, 0)}

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Rows 1 and 8 are not asked and left white. Left: about 0.4 before, 0.5 after. Middle and right: one side each. Who told them? Nobody: they start with different random numbers. In another start the two are swapped.

# %% [markdown]
# The only head looks at both neighbours at once. Of the two heads one looks back, the other ahead; in another start they are swapped.
#
# At position 4, that of the *f*, the only head gives on average about 0.4 to the letter before and 0.5 to the letter after. (The rest goes elsewhere; weights below 0.1 are not printed.) With these weights it gets $0.4\,h + 0.5\,g$ from *h f g*. What would it get from *g f h*?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## What arrives at the *f*?
#
# On average, one head gives 0.4 to the letter before and 0.5 to the letter after.
#
# | row | what arrives |
# | --- | --- |
# | h **f** g | 0.4 h + 0.5 g |
# | g **f** h | ? |
#
# Could you tell the two apart?

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Let them write the second mix down before you go on.

# %%
guess = None  # the second mix, such as "0.1 g + 0.9 h"

# %% [markdown]
# ![Left, one head: h f g gives 0.5 g + 0.4 h, g f h gives 0.4 g + 0.5 h, nearly the same. Right, two heads: g and h side by side against h and g, different](figures/03_swap.svg)
#
# $0.4\,g + 0.5\,h$: **nearly the same mix**. It tells which two letters went in, but hardly which stood before. The two results of two heads come in columns of their own, and there *h f g* and *g f h* are different.
#
# We can measure it on the trained models. With one head, a swap of the two neighbours moves the result of the attention only 0.1 to 0.2 times as far as two other letters do; with two heads, about 0.9 times.
#
# Why does the read-out not use the small difference? It only multiplies and adds; it is **linear**. In the one-head models each letter in the mix raises its own score most, for both questions. If the weights stay 0.4 and 0.5, and all letters score alike, the letter with 0.5 wins for both. To name the other one, a score would have to be higher at 0.4 than at 0 *and* at 0.5:
#
# ![Score against share in the mix. Needed: up to 0.4, down at 0.5. A straight line rises on](figures/03_line.svg)
#
# A straight line cannot rise and then fall. But weights can also depend on the letters: after 900 steps the plain head, too, names both in more than half of the positions, in one of three starts.


# %% tags=["check:swapped"]
# checked: at the f's position, a swap of the neighbours moves one head's mix little, against two other letters; two heads' much
def moved(model, others):
    """How far what arrives there moves, on average over rows whose neighbours there become others."""
    changed = rows.clone()
    changed[:, [2, 4]] = others
    found = [model.attention(model.letter(one) + model.position.weight)[0][:, 3] for one in (rows, changed)]
    return (found[1] - found[0])[(others != rows[:, [2, 4]]).all(-1)].norm(dim=-1).mean()


swapped, fresh = rows[:, [4, 2]], draw_letters(500, seed=6)[:, :2]
for trained, least, most in ((one_head, 0.1, 0.2), (two_heads, 0.85, 1.0)):
    assert all(least < moved(one, swapped) / moved(one, fresh) < most for one in trained.models)

# %% tags=["check:own-score"]
# checked: with one head, each letter in the mix raises its own score most, for both questions
with torch.no_grad():
    for one in one_head.models:
        values = one.attention.output.weight @ one.attention.value.weight @ one.letter.weight.T
        raised = (one.read_out.weight @ values).view(2, 10, 10)  # (question, score of a letter, letter in the mix)
        own = torch.arange(10)
        assert all((table.argmax(dim=0) == own).all() and table.diagonal().min() > 0 for table in raised)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## One mix hardly tells who was where
#
# ![Left, one head: h f g gives 0.5 g + 0.4 h, g f h gives 0.4 g + 0.5 h, nearly the same. Right, two heads: g and h side by side against h and g, different](figures/03_swap.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Left: both letters are there, in nearly the same amounts. The read-out is linear: more of a letter, higher score, for both questions. To name the letter with 0.4, its score would have to be higher at 0.4 than at 0 and at 0.5; a straight line cannot, as long as the weights stay as they are. Right: each letter has columns of its own.

# %% [markdown]
# ### With a small network behind it
#
# What if the scores need not be straight lines? We put a small network between attention and read-out: a matrix, then a curve that bends each number, then another matrix (page 05). It adds 8,352 parameters to the 5,460.
# In what share of the positions will one head with a network name both letters after 300 steps?

# %%
guess = None  # a share between 0 and 1

# %% tags=["timing", "nbval-ignore-output"]
one_network, two_network = train_neighbours(1, network=True), train_neighbours(2, network=True)
four = {"1 head": one_head, "2 heads": two_heads, "2 heads + network": two_network, "1 head + network": one_network}
lines = {name: found.both.mean(dim=1).tolist() for name, found in four.items()}  # means of three starts
for name, shares in lines.items():
    parameters = sum(one.numel() for one in four[name].models[0].parameters())
    print(f"{name:17} {parameters:6,} parameters   after 90 steps {shares[2]:.2f}   after 300 steps {shares[-1]:.2f}")
print("your guess for one head with a network:", guess)

# %% tags=["check:one-with-network"]
# checked: with a network one head gets there in each start, later than two heads with or without; it looks less evenly than without
assert one_network.both[-1].min() > 0.97 and two_network.both[-1].min() > 0.97 and one_head.steps[2] == 90
assert lines["2 heads"][2] > 0.95 and lines["2 heads + network"][2] > 0.9 and 0.25 < lines["1 head + network"][2] < 0.45
passed = [
    next(step for step, share in zip(one_head.steps, lines[name], strict=True) if share > 0.9) for name in list(lines)[1:]
]
assert passed[0] <= passed[1] < passed[2] and max(lines["1 head"]) < 0.2
assert [sum(one.numel() for one in four[name].models[0].parameters()) - 5460 for name in lines] == [0, 0, 8352, 8352]
for model in one_network.models:
    less, more = back_and_ahead(mean_weights(model)[0]).sort().values
    assert 0.25 < less < 0.34 and 0.63 < more < 0.73 and 0.4 < moved(model, swapped) / moved(model, fresh) < 0.65

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Vote: one head with a network behind it
#
# One head alone named both letters at 0.17 of the positions. A network is no straight line. With one between attention and scores, after 300 steps:
#
# - still about 0.2
# - about half
# - nearly all

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Let them vote and give a reason. The network has a matrix, a curve and a matrix; it adds 8,352 parameters to the 5,460.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## With a network, one head does it, later
#
# Means of three starts. Parameters: 5,460; with network 13,812.

# %% slideshow={"slide_type": "-"} tags=["timing", "nbval-ignore-output"]
ax = line_chart(one_head.steps, lines, "training steps", "share of positions with both letters right", logarithmic="")
ax.lines[3].set_color(colors["h"])  # a colour of its own
_ = ax.legend(frameon=False, fontsize=11)

# %% tags=["check:three-times-as-long"]
# checked: the lowest line of the chart is the plain head; trained for 900 steps, it passes a half in one of its three starts
assert min(ax.lines, key=lambda line: line.get_ydata()[-1]).get_label() == "1 head" and len(ax.lines) == 4
longer = train_neighbours(1, steps=900, every=900)
assert int((longer.both[-1] > 0.5).sum()) == 1

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** One task, one learning rate, three starts. BERT has such a network behind each attention. In a translator (Vaswani et al. 2017) 1 head got 24.9 BLEU, 8 heads 25.8, 32 heads 25.4.

# %% [markdown]
# One head with a network gets there, too, in all three starts. So one head *can* carry both letters. But it took more steps: after 90 steps it names both at about a third of the positions, two heads at nearly all, with the network or without. Here, two heads made the task **easier**.
#
# This is one task, at one learning rate. With the network, the one head's weights are less even, about 0.3 and 0.7, so attention and network do it together. In BERT a network follows every attention, so it does not show that BERT *needs* twelve heads.
#
# What did more heads do for a real model? Vaswani et al. (2017, table 3) trained translators with 1 to 32 heads that share out the same number of columns. Their **BLEU** on a development set (higher if a translation shares more with a human's): 24.9 with 1 head, 25.8 with 8, 25.4 with 32.
#
# ## 5. Similar heads in a real BERT
#
# mini, the small BERT that comes with the course, has 6 layers of 12 heads.

# %%
from bertnotes import load_encoder, load_tokenizer
from bertnotes.encoder import BertEncoder

tokenizer, model = load_tokenizer(), BertEncoder.from_pretrained()
inputs = tokenizer("The sister cried because the dog died.", return_tensors="pt")
tokens = tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
with torch.no_grad():
    bert = model(**inputs)
print("layers:", model.config.num_hidden_layers, "  heads in each:", model.config.num_attention_heads)
print("hidden size:", model.config.hidden_size, "  columns of a head:", model.config.hidden_size // 12)

# %% tags=["check:bert-is-the-loop"]
# checked: the loop, the library and transformers' BERT have the same output of the first attention, before X is added
seen, encoder = [], load_encoder()
dense = encoder.encoder.layer[0].attention.output.dense
with torch.no_grad():
    X, first_layer = bert.hidden_states[0], model.layers[0].attention  # what goes into the first layer
    ours, library = one_after_the_other(first_layer, X), first_layer(X)[0]
    hook = dense.register_forward_hook(lambda module, given, output: seen.append(output))
    theirs = encoder(**inputs, output_attentions=True)
    hook.remove()
assert torch.allclose(ours, library, atol=1e-5) and torch.allclose(ours, seen[0], atol=1e-4)
assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(bert.attentions, theirs.attentions, strict=True))
assert (model.config.num_hidden_layers, model.config.num_attention_heads, model.config.hidden_size) == (6, 12, 384)

# %% [markdown]
# Here are three of mini's 72 heads on our sentence, picked by hand because they are easy to describe. Each row shows where one token looks; darker is more. The text counts layers and heads from 1. Python counts from 0: *layer 1, head 3* is `bert.attentions[0][0, 2]`.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Three of mini's 72 heads
#
# Each row shows where one token looks; darker is more.

# %% slideshow={"slide_type": "-"}
picked = {"layer 1, head 3: before": (1, 3), "layer 2, head 9: after": (2, 9), "layer 5, head 3: [CLS]": (5, 3)}
_, axes = plt.subplots(1, 3, figsize=(13, 5.2), layout="constrained")
for ax, (title, (layer, head)) in zip(axes, picked.items(), strict=True):
    table = bert.attentions[layer - 1][0, head - 1]  # Python counts from 0
    ax = attention_heatmap(table, tokens, ax=ax, numbers=True, least=1.01)  # no weight is above 1: no number is written
    _ = ax.set_ylabel("this token" if layer == 1 else "", fontsize=16)
    _ = ax.set_xlabel("looks at", fontsize=16)
    ax.tick_params(labelsize=14)
    _ = ax.set_title(title, loc="left", fontsize=15)

# %% tags=["check:three-heads"]
# checked: layer 1 head 3 looks at the token before, layer 2 head 9 at the one after, layer 5 head 3 at [CLS]; the marks
before, after, special = bert.attentions[0][0, 2], bert.attentions[1][0, 8], bert.attentions[4][0, 2]
assert before.diagonal(-1)[:-1].min() > 0.94 and after.diagonal(1)[1:].min() > 0.94 and special[1:-1, 0].min() > 0.9
assert min(before[0, 0], after[0, 0], after[-1, -1]) > 0.6  # the marks look mostly at themselves

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Left: the token before. Middle: the token after. Together they look like the two toy heads, but in two layers. Right: [CLS], the mark at the beginning.

# %% [markdown]
# *Layer 1, head 3* looks at the token before, *layer 2, head 9* at the token after, both with more than 0.94 of the weight of each word. They look like the two stripes of our toy, but sit in two layers: one head a layer could do that, too. (And an ancestor of mini was taught where to look, page 00.)
#
# *Layer 5, head 3* puts more than 0.9 of each word's
# weight on `[CLS]`, the mark at the beginning. (The marks are exceptions: in the first two heads `[CLS]` looks mostly at itself, and in the second so does `[SEP]`. Why look at a mark? Page 07.)
#
# And our *cried*, which needs *who* and *why*? What is the largest weight that it gives to *sister*, and to *died*, in any of the 72 heads?

# %%
guess = None  # two weights from 0 to 1, such as (0.1, 0.2)

# %%
from_cried = torch.cat(bert.attentions)[:, :, tokens.index("cried")]  # (layer, head, token that is looked at)
for word in ("sister", "died"):
    most = from_cried[:, :, tokens.index(word)].flatten().topk(2).values
    print(f"the two largest of 72 weights on {word}: {most[0]:.2f} and {most[1]:.2f}")
print("your guess:", guess)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## A *who* head? A *why* head?
#
# Each of the 72 heads has a row of weights for *cried*. What is the largest weight on *sister*? And on *died*?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | to | most | next |
# | --- | --- | --- |
# | sister | 1.00 | 0.84 |
# | died | 0.26 | 0.26 |
#
# The two that look at *sister* look at the token before, and here that is *sister*. No head shows *why* on this sentence.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** So this sentence cannot tell a *who* head from one that looks back. In *The sister with the red hat cried because the dog died* no head gives *sister* more than 0.18, but one gives *died* 0.69: do not read too much into one sentence.

# %% tags=["check:who-and-why"]
# checked: cried gives sister most by two heads that look at the token before, and died little by any
to_sister, to_died = (from_cried[:, :, tokens.index(word)] for word in ("sister", "died"))
to_her, to_it = to_sister.flatten().topk(3), to_died.flatten().topk(2).values
assert to_her.indices[:2].tolist() == [2, 12 + 9] and torch.allclose(to_her.values[:2], torch.tensor([1.00, 0.84]), atol=0.006)
assert to_it.min() > 0.25 and to_it.max() < 0.265 and abs(to_her.values[2] - 0.26) < 0.005
red_hat = tokenizer("The sister with the red hat cried because the dog died.", return_tensors="pt")
pieces = tokenizer.convert_ids_to_tokens(red_hat["input_ids"][0])
with torch.no_grad():
    from_her = torch.cat(model(**red_hat).attentions)[:, :, pieces.index("cried")]
most = [from_her[:, :, pieces.index(word)].max().item() for word in ("sister", "died")]
assert abs(most[0] - 0.18) < 0.005 and abs(most[1] - 0.69) < 0.006

# %% [markdown]
# The two largest weights on *sister* are those of layer 1, head 3 and layer 2, head 10. Over 60 reviews, they give 1.00 and 0.73 of their weight to the token before, on average; here that token is *sister*. (The third largest is 0.26.) So this sentence cannot tell a *who* head from one that looks back. Nor does any head give *died* more than about a quarter here. Other sentences differ: in *The sister with the red hat cried because the dog died*, no head gives *sister* more than 0.18, but one gives *died* 0.69. Section 1 was made up to explain.
#
# ## 6. Which heads would be missed?
#
# To find out, we switch heads off: we set their rows of $W_O$ to 0, so that they add nothing to the output. Then mini sits an **exam**: in 80 of the course's own reviews, cut to 64 tokens, 15 % of the tokens, 745, are replaced by
# `[MASK]`. mini has to guess them: it gives each piece in its list a probability of having stood there (page 06).
#
# How good is a guess? The **loss** is $-\ln p$, where $p$ is the probability of the right token: 0 at $p = 1$, 0.69 at $p = 0.5$, and larger the smaller $p$ is. We average it over
# all hidden tokens. $e^{\text{loss}}$ is the **perplexity**: a model with perplexity 50 has the same loss as one that picks blindly among 50 equally likely tokens.
#
# For comparison, the course's record has the losses of mini without any head and of word counts alone: each token's probability is its share in the other reviews.

# %%
from statistics import median

from bertnotes.data import REVIEWS, load_imdb_data
from bertnotes.heads import measure_heads
from bertnotes.pruning import heads_off, hidden_token_exams, losses

record = json.loads((RESULTS / "heads-switched-off.json").read_text(encoding="utf-8"))
_, exam = hidden_token_exams(tokenizer, rows=80)  # it makes two exams of 80 reviews each; ours is the second
loss = losses(model, exam).mean().item()
print(f"mini with all its heads: loss {loss:.2f}, perplexity {math.exp(loss):.0f}")
print(f"word counts alone:       loss {record['by counting']:.2f}")
print(f"mini without any head:   loss {record['without any']:.2f}")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Vote: which head is missed most?
#
# 1. Hide some words of a review: *a great* `[MASK]` *with a weak end*.
# 2. mini guesses them. **Loss**: $-\ln p$ of the right word; lower is better.
# 3. Switch off a head: set its rows of $W_O$ to 0. Does the loss **rise**?
#
# | who guesses | loss |
# | --- | --- |
# | mini, all 72 heads on | 4.17 |
# | word counts alone | 6.61 |
# | mini without any head | 7.08 |
#
# Which one costs most: *before*, *after* or *[CLS]*?

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Perplexity is e to the power of the loss: 4.17 is like picking blindly among 65 words. A rise of 0.2 multiplies it by 1.2. A head that is off is still computed, so nothing gets faster. Keep the votes for the next slide.

# %% [markdown]
# Without which of the three heads of section 5 does mini guess worst?

# %%
guess = None  # "before", "after" or "[CLS]"

# %%
for title, (layer, head) in picked.items():
    with heads_off(model, [(layer - 1, head - 1)]):  # Python counts from 0; after the block the head is back
        print(f"without {title:24} loss {losses(model, exam).mean().item():.2f}")
print("your guess:", guess)

# %% tags=["check:off-and-on"]
# checked: heads_off is 0 in the head's rows of W_O, which are columns of `weight`; afterwards it is back; the numbers of the text
stored = model.layers[1].attention.output.weight.data
kept = stored.clone()
stored[:, 8 * 32 : 9 * 32] = 0
without = losses(model, exam).mean().item()
stored.copy_(kept)
with heads_off(model, [(1, 8)]):
    assert abs(losses(model, exam).mean().item() - without) < 1e-5
assert abs(losses(model, exam).mean().item() - loss) < 1e-5 and abs(without - loss - 0.20) < 0.005
for off, rise in (((0, 2), 0.065), ((4, 2), 0.0005)):
    with heads_off(model, [off]):
        assert abs(losses(model, exam).mean().item() - loss - rise) < 0.001
assert record["exams"] == {"rows": 80, "hidden": [740, 745], "loss": 4.1692} and abs(loss - 4.1692) < 0.001
assert (record["without any"], record["by counting"]) == (7.0779, 6.6069)
assert 64 < math.exp(loss) < 65.5 and abs(math.exp(0.2) - 1.2) < 0.03

# %% [markdown]
# Without *layer 2, head 9*, which looks at the token after, the loss rises by 0.20. The one that looks at the token before costs 0.06, and the one that looks at `[CLS]` next to nothing.
#
# Are heads that look at a neighbour missed more than others? Each dot below is one of the 72 heads. To the right is its share of weight on the token before or on the token after, whichever is larger, in 60 reviews. Upwards is the rise of the loss without it (from the record: the mean of two exams, this one and one of 80 other reviews).

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Neighbour heads tend to be missed more
#
# Rank correlation of all 72: 0.63. Rise without *before* (1, 3): 0.055, *after* (2, 9): 0.229, *[CLS]*: 0.00.

# %% slideshow={"slide_type": "-"}
shares = measure_heads(load_encoder(), tokenizer, load_imdb_data(REVIEWS, sample=60, seed=3, voice="various")[0], 64)
near = torch.maximum(shares["token before"], shares["token after"]).flatten()
first, second = (torch.tensor(part["change"]) for part in record["alone"])  # the rise without each head, in two exams
alone = ((first + second) / 2).flatten()
errors = [torch.tensor(part["error"]) for part in record["alone"]]
error = (sum(one**2 for one in errors).sqrt() / 2).flatten()  # of a mean of two
seven = {at: f"{at // 12 + 1}, {at % 12 + 1}" for at in alone.topk(7).indices.tolist()}  # layer, head
ax = dot_chart(near, alone, error, seven, "share of its weight on one neighbour", "rise of the loss without it")


# %% tags=["check:neighbour-heads"]
# checked: the rank correlations, also in each exam alone; the numbers of the text
def rank_correlation(one, other):
    return torch.corrcoef(torch.stack([part.argsort().argsort().double() for part in (one, other)]))[0, 1].item()


assert abs(rank_correlation(near, alone) - 0.63) < 0.005
assert all(rank_correlation(near, part.flatten()) > 0.5 for part in (first, second))
others, closest = near.argsort().split([65, 7])
for part, right in ((others, 0.50), (closest, -0.18)):
    assert abs(rank_correlation(near[part], alone[part]) - right) < 0.005
assert abs(alone[20] - 0.229) < 0.0005 and abs(error[20] - 0.024) < 0.0005 and abs(alone[2] - 0.055) < 0.0005
assert alone.argmax() == 20 and (alone.abs() < 0.01).sum() == 52 and abs(alone[50]) < 0.005
assert (alone < 0).sum() == 14 and -0.007 < alone.min() < -0.006
assert shares["token before"][0, 2] > 0.99 and abs(shares["token after"][1, 8] - 0.98) < 0.005
assert abs(shares["[CLS]"][4, 2] - 0.89) < 0.006 and abs(shares["token before"][1, 9] - 0.73) < 0.005

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** A dot is a head, a bar its standard error. Upper dot: layer 2, head 9, which looks at the token after. Compare the votes: before 0.055, after 0.229, [CLS] 0, as means of two exams. An association only: we did not test that the look at the neighbour is what is missed.

# %% [markdown]
# **On the whole, heads that look more at a neighbour are missed more.** Sort the 72 heads by either number: the **rank correlation** of the two orders is 0.63 (1: the same order; 0: no relation). It is 0.50 without the seven heads that look most at a neighbour; among those seven it is −0.18, too few to say anything.
#
# (The seven most missed have their layer and head. A bar is a **standard error**: about how far a rise may be off by the luck of these reviews.) Of the 72 heads, 52 change the loss by less than 0.01, 14 of these for the better.
#
# An association in one model does not show that this look is what is missed.
#
# ### Together
#
# Can many go at once? We list the 72 heads, the least missed first. The list was made on the *other* 80 reviews: on this exam, it would have marked its own homework. Then we switch off the first 18 of the list, the first 36, the first 54 and all.
# With all heads the loss is 4.17, with none 7.08. What is it without the 36 least missed?

# %%
guess = None  # a loss from 4.17 to 7.08

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Vote: 36 of the 72 heads off
#
# All heads on: loss 4.17. All off: 7.08. We switch off the 36 that are least missed, all at once. Then the loss is
#
# - 4.18
# - 4.35
# - 5.6

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Halfway would be 5.6. The next slide has the answer.


# %%
def curve(rises):
    return [loss, *(loss + rise for rise in rises), record["without any"]]  # 0, 18, 36, 54 and 72 heads off


least, orders = curve(record["least missed"]["change"]), [curve(order["change"]) for order in record["random"]]
print(f"without the 36 least missed: loss {least[2]:.2f}   your guess: {guess}")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Without the 36 least missed: 4.35
#
# Random order: the median of 12, and their range.

# %% slideshow={"slide_type": "-"}
columns = list(zip(*orders, strict=True))  # for each number of heads, the losses of the 12 orders
lines = {"random order": [median(column) for column in columns], "least missed first": least}
lines["word counts"] = [record["by counting"]] * 5
bands = {"random order": ([min(column) for column in columns], [max(column) for column in columns])}
ax = line_chart([0, 18, 36, 54, 72], lines, "heads switched off, of 72", "loss", logarithmic="", bands=bands)

# %% tags=["check:together"]
# checked: what the text says of the curves, and the median of the twelve
rises, middle = record["least missed"]["change"], lines["random order"]
assert record["counts"] == [18, 36, 54] and abs(least[2] - 4.35) < 0.005 and least[0] == loss and abs(middle[2] - 5.37) < 0.006
assert [round(one, 2) for one in rises] == [0.12, 0.18, 0.49] and abs(record["least missed"]["error"][0] - 0.03) < 0.005
assert 2.4 < least[4] - least[3] < 2.45 and record["replaced by its mean"]["layer 2, head 9"][0] == 0.2282
kept = median(order["change"][1] for order in record["spared"])
assert abs(middle[2] - loss - 1.20) < 0.005 and abs(kept - 0.56) < 0.005 and len(record["spared"]) == 12
assert 1.19 < math.exp(rises[1]) < 1.2 and all(least[at] < min(columns[at]) for at in (1, 2, 3)) and len(orders) == 12
assert middle[2] == sum(sorted(columns[2])[5:7]) / 2 and least[4] == middle[4] > record["by counting"]

# %% tags=["check:stand-in"]
# checked: what the folded text says: together more than twice the sum, and two that look back
added = second.flatten()[first.flatten().argsort()].cumsum(dim=0)[[17, 35, 53, 71]].tolist()
assert (
    all(one > 2 * apart_ for one, apart_ in zip([*rises, least[4] - loss], added, strict=True)) and abs(added[1] - 0.08) < 0.005
)
pair_off = []
for heads in ([(0, 2)], [(1, 9)], [(0, 2), (1, 9)]):
    with heads_off(model, heads):
        pair_off.append(losses(model, exam).mean().item() - loss)
assert torch.allclose(torch.tensor(pair_off), torch.tensor([0.065, 0.036, 0.194]), atol=0.002)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Dashed line: 4.35 with 36 heads off, a perplexity a fifth higher. A random half: 5.37 in the median. Are half of the heads useless? Not shown: even the 18 least missed cost something, mini learned with all heads, and nothing got faster.

# %% [markdown]
# Without the 36 least missed heads the loss is 4.35, a rise of 0.18. In this exam mini's perplexity is then about a fifth higher ($e^{0.18} \approx 1.2$). With a random half off it is 5.37 in the median of 12 random orders (the band is their range): a rise of 1.20, or of only 0.56 if the other exam's five most missed heads always stay.
#
# The first 54 of the list cost 0.49, the last 18 another 2.4. Without any head mini does worse than word counts; but it was never trained to do without.
#
# That does not make half of the heads useless: even the 18 least missed cost 0.12 (error 0.03). Nor does this show whether mini could have learned as well with fewer.
#
# <details><summary>More than the sum, a mean instead of 0, and what others found</summary>
#
# Together, the heads of the list cost more than twice what they cost alone, added up: 0.18 against 0.08 for 36. Perhaps one head stands in for another, or damage just adds to damage: layer 1, head 3 and layer 2, head 10 both look at the token before, and cost 0.065 and 0.036 alone, but 0.194 together.
#
# If the result of layer 2, head 9 is replaced by its mean instead of 0, the loss rises about as much: 0.23 against 0.20.
#
# Michel et al. (2019) removed the 96 heads in the encoder of a translator, one at a time: only 8 changed its score significantly, and half of these for the better. Voita et al. (2019) trained a translator further while they closed its heads: 10 of the 48 heads of its encoder were enough for nearly the same BLEU (0.15 less). Those closed last followed neighbours, grammar or rare words.
#
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A head gives each word one average. Narrower heads that share out the columns give several, for no more parameters.
# - In our toy, one head's mix hardly told which letter stood before. Two heads kept the letters apart; one head with a network got there, too, later.
# - In mini, the heads that looked most at *sister* look at whatever stands before. Heads that look more at a neighbour tend to be missed more.
#
# **Next:** who may look at whom? Page 04 compares readers that look to one side with those that look to both.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Close the lid: what is the shape of one head's weights? Why do more heads cost no parameters, and what grows? Did we find a *who* head in mini? Our sentence cannot tell.

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# Now write it yourself, on top of your attention from page 01. `make lab` has put a copy of the [exercises](exercises/03.ipynb) into `notebooks/my`: work there. What passes is kept in `my_bert.py`.

# %% tags=["exercises"]
import math

import torch

from bertnotes.exercises import check, hint, solution  # noqa: F401

try:
    from my_bert import attention  # yours, from page 01
except ImportError:  # it is not there yet: this one does until it is

    def attention(query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(key.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        return scores.softmax(dim=-1) @ value, scores.softmax(dim=-1)


# %% [markdown] tags=["exercise:size_of_a_head"]
# ### How many numbers has a head? · ● · 2 minutes
#
# BERT-large has a hidden size of 1,024 and 16 heads in each layer. How many numbers has the query of one head?

# %% [markdown] tags=["hint:size_of_a_head"]
# The heads share out the columns of $Q$ equally.

# %% tags=["exercise:size_of_a_head"]
# solution
answer = 1024 // 16
# instead:
# answer = None  # your number
# end of solution

check("size_of_a_head", answer)

# %% [markdown] tags=["reason:size_of_a_head"]
# 1,024 columns shared out among 16 heads are 64 for each. BERT-base has 64 as well: 768 / 12.

# %% [markdown] tags=["exercise:split_heads"]
# ### Split · ●● · 8 minutes
#
# The lesson cut out each head by hand. To do all heads at once, they need an axis of their own. `hidden` is (batch, position, size): texts, words of a text, numbers of a word. Share out its last axis among `num_heads` heads, head 1 getting the first columns, and return (batch, head, position, head size).

# %% [markdown] tags=["hint:split_heads"]
# Two steps: cut the last axis in two, which gives (batch, position, head, head size); then let two axes trade places.

# %% [markdown] tags=["hint:split_heads"]
# `x.unflatten(2, (3, 5))` makes two axes, of 3 and of 5, out of an axis 2 of 15 numbers; -1 stands for "as many as are left". `x.transpose(0, 3)` swaps the axes 0 and 3.


# %% tags=["exercise:split_heads"]
def split_heads(hidden, num_heads):
    """Each head's columns: (batch, position, size) becomes (batch, head, position, head size)."""
    # solution
    return hidden.unflatten(-1, (num_heads, -1)).transpose(1, 2)
    # end of solution


check("split_heads", split_heads)

# %% [markdown] tags=["reason:split_heads"]
# The order matters: cut first, then swap. The last axis is what the heads share out, so it is the one to cut. Swapping is needed since attention works on the last two axes, which have to be position and number.

# %% [markdown] tags=["exercise:merge_heads"]
# ### Merge · ●● · 6 minutes
#
# The way back: `heads` is (batch, head, position, head size). Return (batch, position, size), the heads' numbers side by side, head 1 first.

# %% [markdown] tags=["hint:merge_heads"]
# It is the way of *Split* backwards. Which of its two steps came last?

# %% [markdown] tags=["hint:merge_heads"]
# First let the axes of heads and positions trade places. Then make one axis of the last two: `x.flatten(1)` would make one axis of axis 1 and all that follow. (`view` raises an error after `transpose`: the axes have another order than the memory, and `view` never copies.)


# %% tags=["exercise:merge_heads"]
def merge_heads(heads):
    """The heads side by side: (batch, head, position, head size) becomes (batch, position, size)."""
    # solution
    return heads.transpose(1, 2).flatten(2)
    # end of solution


check("merge_heads", merge_heads)

# %% [markdown] tags=["reason:merge_heads"]
# `transpose` puts a position's heads next to each other; only then may the last two axes become one. A test that you can always make: `merge_heads(split_heads(x, 4))` has to be `x`.

# %% [markdown] tags=["exercise:multi_head"]
# ### Multi-head attention · ●●● · 15 minutes
#
# Put it together. `hidden` is (batch, position, size), `mask` is None or (batch, 1, 1, position), True at positions that may be looked at. `weights` is a dict of parameters, which PyTorch calls weights: `"query.weight"` and `"query.bias"`, the same for `key`, `value` and `output`,
# and the number `"num_heads"`. As PyTorch stores it, a matrix is *transposed*: the query is `hidden @ weight.T + bias`. Return the output, (batch, position, size), and the attention weights, (batch, head, position, position).
# Your `attention`, `split_heads` and `merge_heads` are there to be used.

# %% [markdown] tags=["hint:multi_head"]
# Make query, key and value first, each of the whole `hidden`. Split each. Then `attention` does all heads at once and returns two things.

# %% [markdown] tags=["hint:multi_head"]
# A helper saves writing it four times: `def linear(hidden, name): return hidden @ weights[name + ".weight"].T + weights[name + ".bias"]`.

# %% [markdown] tags=["hint:multi_head"]
# At the end: `merge_heads` of the result, then the map called `output`. The attention weights are returned as they are.


# %% tags=["exercise:multi_head"]
def multi_head(hidden, weights, mask=None):
    """The output, (batch, position, size), and the attention weights, (batch, head, position, position)."""

    # solution
    def linear(numbers, name):
        return numbers @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    query, key, value = (split_heads(linear(hidden, name), weights["num_heads"]) for name in ("query", "key", "value"))
    found, looks = attention(query, key, value, mask)
    return linear(merge_heads(found), "output"), looks
    # end of solution


check("multi_head", multi_head)

# %% [markdown] tags=["reason:multi_head"]
# Split, attend, merge, mix, in the order of the drawing. Since `attention` works on the last two axes, all heads of all texts are computed at once, and a mask of shape (batch, 1, 1, position) reaches all of them.

# %% [markdown] tags=["exercise:without_head"]
# ### Switch off a head · ●● · 8 minutes
#
# Return the output of multi-head attention, (batch, position, size), without the head numbered `head`, counted from 0. `weights` is the dict of the last exercise. Leave it as it is, so that the head can be switched on again.
# Your `multi_head` is there to be used.

# %% [markdown] tags=["hint:without_head"]
# What a head found reaches the output through its rows of $W_O$. If these are 0, it adds nothing. How many columns has a head, and where do those of `head` begin?

# %% [markdown] tags=["hint:without_head"]
# PyTorch stores $W_O$ transposed, so its rows are the *columns* of `weights["output.weight"]`. Work on a copy, `.clone()`; `weights | {"output.weight": copy}` is a new dict with the copy in it. `multi_head` returns two things.


# %% tags=["exercise:without_head"]
def without_head(hidden, weights, head):
    """The output of multi-head attention to which one head, counted from 0, adds nothing: (batch, position, size)."""
    # solution
    size = hidden.shape[-1] // weights["num_heads"]
    silent = weights["output.weight"].clone()
    silent[:, head * size : (head + 1) * size] = 0
    return multi_head(hidden, weights | {"output.weight": silent})[0]
    # end of solution


check("without_head", without_head)

# %% [markdown] tags=["reason:without_head"]
# The output is a sum over the heads, and this takes one term out of it. Setting the head's *queries* to 0 would not do: its scores would all be 0, so it would look everywhere alike and add an average of all values.

# %% [markdown] tags=["exercise:mixed_up"]
# ### Find the bug · ●● · 10 minutes
#
# This one runs, and its shapes are right. But its heads do not get their columns. Find and mend it. Try it with `torch.arange(12.0).view(1, 3, 4)` and two heads, and look at what head 1 has.

# %% [markdown] tags=["hint:mixed_up"]
# `reshape` reads the numbers in the order of the axes, row after row, and lays them out anew. In which order do the numbers of a text lie: position by position, or head by head?

# %% [markdown] tags=["hint:mixed_up"]
# With the 12 numbers above, head 1 should have 0, 1 of the first word, 4, 5 of the second, 8, 9 of the third. A swap of axes is missing in two places: where it splits and where it merges.


# %% tags=["exercise:mixed_up"]
def look_around(hidden, num_heads):
    """Self-attention with `num_heads` heads, without any matrices: (batch, position, size)."""
    batch, positions, size = hidden.shape
    # solution
    heads = hidden.reshape(batch, positions, num_heads, size // num_heads).transpose(1, 2)
    found, _ = attention(heads, heads, heads)
    return found.transpose(1, 2).reshape(batch, positions, size)
    # instead:
    # heads = hidden.reshape(batch, num_heads, positions, size // num_heads)
    # found, _ = attention(heads, heads, heads)
    # return found.reshape(batch, positions, size)
    # end of solution


check("mixed_up", look_around)

# %% [markdown] tags=["reason:mixed_up"]
# `reshape` and `view` keep the order in which the axes are read, and only cut it into another shape. (After `transpose`, `reshape` has to copy for that.) (position, number) read as (head, position, ...) gives head 1 the first numbers of a text, which are whole words or parts of them, instead of its columns of every word. `transpose`
# is what changes that order. Nothing raises an error, neither here nor in training, so only numbers that you can follow show it.

# %% [markdown]
# ## Sources
#
# - Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin (2017). *Attention Is All You Need.* Section 3.2.2 and table 3. arXiv:1706.03762
# - Michel, Levy, Neubig (2019). *Are Sixteen Heads Really Better than One?* arXiv:1905.10650
# - Voita, Talbot, Moiseev, Sennrich, Titov (2019). *Analyzing Multi-Head Self-Attention: Specialized Heads Do the Heavy Lifting, the Rest Can Be Pruned.* arXiv:1905.09418
# - Devlin, Chang, Lee, Toutanova (2019). *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* arXiv:1810.04805
