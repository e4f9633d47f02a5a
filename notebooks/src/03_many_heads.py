# %% [markdown] question="Why look several times at once?"
# # 03 · Many heads
#
# **The question:** BERT-base looks at a sentence twelve times at once in each layer. Why is once not enough?
#
# ![X becomes Q, K and V, each 3 by 8. Split: head 1 gets the first four columns of each, head 2 the last four. Each head attends. Merge puts the results side by side, and W_O mixes them](figures/03_strips.svg)
#
# Each of these looks is called a **head**. On this page you see what two heads keep apart more easily than one, what they cost,
# and where the usual argument for them is too strong. Then we switch off the heads of a trained BERT, one by one and together. At the end you write multi-head attention yourself.
#
# **You need:** pages 01 and 02. **Time:** about 50 minutes, and 46 more for the exercises. What is folded is for the curious, and you may skip it. Where a cell says `guess = None`, type your guess in place of `None`. All cells together take one to five minutes to run.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # Many heads
#
# *The sister cried because the dog died.*
#
# *cried* needs two things from this sentence: **who** cried, and **why**.
#
# BERT-base looks at a sentence twelve times at once in each layer. Each look is a **head**. Why is once not enough?

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The notes add up to 43 minutes; the exercises are a second lesson. Before class, run the notebook up to the end: the cells that train and the one that switches off heads may take a minute each.

# %%
import json
import math

import matplotlib.pyplot as plt
import torch

from bertnotes.attention import MultiHeadAttention, scaled_dot_product_attention
from bertnotes.files import RESULTS
from bertnotes.pictures.attention import attention_heatmap
from bertnotes.pictures.charts import head_map, line_chart
from bertnotes.pictures.play import play

_ = torch.set_printoptions(precision=2, sci_mode=False)

# %% [markdown]
# ## 1. One look, one average
#
# *The sister cried because the dog died.* Say that *cried* needs two things: **who** cried, and **why**. Attention gives it one row of weights,
# which add up to 1 (page 01). So *cried* has to share them out between *sister* and *died*, and what it gets is an average of their values.
#
# We make up values of two numbers: *sister* has $(8, 2)$, *dog* has $(6, 4)$ and *died* has $(4, 6)$. *cried* looks at *sister* and *died*, with weight 0.5 each.
# What does it get?

# %%
guess = None  # two numbers, such as (1, 2)

# %%
values = torch.tensor([[8.0, 2.0], [6.0, 4.0], [4.0, 6.0]])  # sister, dog, died
one_row = torch.tensor([0.5, 0.0, 0.5])
print("one head:", one_row @ values, "   your guess:", guess)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## One look, one average
#
# *cried* looks at *sister* and at *died*, half and half. What does it get?
#
# | word | value | weight |
# | --- | --- | --- |
# | sister | (8, 2) | 0.5 |
# | dog | (6, 4) | 0 |
# | died | (4, 6) | 0.5 |

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# **(6, 4)**, which is the value of *dog*.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let them add it up: half of 8 and half of 4, half of 2 and half of 6. Then ask whose value that is. Nobody looked at the dog.

# %% [markdown]
# $(6, 4)$: that is exactly the value of *dog*, at which nobody looked. Half *sister* and half *died*, or all of *dog*: from the result you cannot tell, for both words write into the same two numbers.
# (We put *dog* exactly halfway, so that you see it. With 0.6 for *sister* and 0.4 for *died* the result would be another one, $(6.4, 3.6)$. But *dog* lies on the line from *sister* to *died*, so that a mixture of *sister* and *dog* gives this, too. Section 4 comes back to this.)
#
# Now let two heads look. Each has a row of weights of its own, and each passes on one of the two numbers of a value. Head 1 passes on the first number
# and looks at *sister* alone. Head 2 passes on the second number and looks at *died* alone:

# %%
first_head = torch.tensor([1.0, 0.0, 0.0]) @ values[:, 0]  # all of sister's first number
second_head = torch.tensor([0.0, 0.0, 1.0]) @ values[:, 1]  # all of died's second number
print("two heads:", torch.stack([first_head, second_head]))

# %% tags=["check:average"]
# checked: half of sister and half of died is the value of dog; 0.6 and 0.4 is nobody's value, but a mixture of sister and dog, too; two heads give (8, 6)
assert torch.equal(one_row @ values, values[1]) and not torch.equal(one_row @ values, values[0])
uneven = torch.tensor([0.6, 0.0, 0.4]) @ values
assert (
    torch.allclose(uneven, torch.tensor([6.4, 3.6]))
    and torch.allclose(uneven, torch.tensor([0.2, 0.8, 0.0]) @ values)
    and not any(torch.allclose(uneven, value) for value in values)
)
assert (first_head, second_head) == (8, 6)

# %% [markdown]
# ![Left: half of sister and half of died is (6, 4), the same as dog. Right: head 1 takes all of sister's 8, head 2 all of died's 6, and (8, 6) is kept apart](figures/03_average.svg)
#
# $(8, 6)$ is again two numbers, but now each comes from one word. That has a price: of *sister* only one number arrives, and of *died* only one. **Two heads choose twice, and each passes on half as many numbers.**
#
# Does head 1 then see only half of each word? No. Remember where values come from (page 01): each number of a value is made from *all* numbers of the word, by a learned matrix. So
# training decides what the one number of *sister* says about the sister. What is cut in two is the value and not the word.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Left: half of sister and half of died is (6, 4), the same as dog. Right: head 1 takes all of sister's 8, head 2 all of died's 6, and (8, 6) is kept apart](figures/03_average.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Two numbers arrive on both sides. What does the right side give up? Of each word only one number arrives. Careful: head 1 does not see half a word. Each number of a value is made from all numbers of the word.

# %% [markdown]
# ## 2. Split, attend, merge, mix
#
# That is all there is to **multi-head attention**; the drawing at the top has it step by step. It begins as on page 01: $X$ times three matrices makes $Q$, $K$ and $V$. Each of their numbers is made from all numbers of a word in $X$.
#
# ![Step 2 lit: the columns of Q, K and V are cut in two, and each head gets its half of all three](figures/03_strips_2.svg)
#
# **Split.** Each head gets its own columns of $Q$, $K$ and $V$: with 8 columns and two heads, the first four and the last four. Lighter is head 1, darker is head 2. We try it with fewer:
# a sentence of three words, *sister cried died*, and four numbers for each, so that each head gets two. Here is a $V$ that you can follow. Its shape is (batch, word, number) = (1, 3, 4). *cried* has the numbers 4, 5, 6, 7. Which of them will head 1 get, and which head 2?

# %%
V = torch.arange(12.0).view(1, 3, 4)  # the numbers 0 to 11, laid out as 1 sentence of 3 words of 4 numbers
print("V:", V)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The first step lit: X times three matrices becomes Q, K and V, each 3 by 8](figures/03_strips_1.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** As on page 01: three matrices, three results. Each number of Q is made from all 8 numbers of a word: the word is never cut. Ask for the shape of W_Q: 8 by 8.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Step 2 lit: the columns of Q, K and V are cut in two, and each head gets its half of all three](figures/03_strips_2.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Cut columns, not rows: each head has all three words. Ask for the shape of one head's Q: 3 by 4.

# %%
V1, V2 = V[..., :2], V[..., 2:]  # of every word: head 1 gets the first two columns, head 2 the last two
print("head 1:", V1, "head 2:", V2, sep="\n")
print("cried:", V1[0, 1], V2[0, 1])

# %% tags=["check:split"]
# checked: head 1 has 4 and 5 of cried, head 2 has 6 and 7
assert V1[0, 1].tolist() == [4, 5] and V2[0, 1].tolist() == [6, 7] and V1.shape == V2.shape == (1, 3, 2)

# %% [markdown]
# Head 1 gets 4 and 5, head 2 gets 6 and 7. Each head has its part of *all* words.
#
# **Attend.** Each head now does what page 01 does, and takes no notice of the other: its queries meet its keys, softmax gives its weights, and it averages its values.
# Scores are divided by the root of *its* number of columns.
#
# ![Step 3 lit: in each head the query and the key give a table of weights, 3 by 3, and with the values a result, 3 by 4](figures/03_strips_3.svg)
#
# We choose queries and keys so that *cried* looks for *sister* with head 1 and for *died* with head 2:

# %%
Q = torch.tensor([[[0.0, 0, 0, 0], [6, 0, 6, 0], [0, 0, 0, 0]]])  # only cried asks for something
K = torch.tensor([[[1.0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]]])  # sister answers head 1, died answers head 2
result1, weights1 = scaled_dot_product_attention(Q[..., :2], K[..., :2], V1)
result2, weights2 = scaled_dot_product_attention(Q[..., 2:], K[..., 2:], V2)
print("head 1: cried gives the weights", weights1[0, 1], "and gets", result1[0, 1])
print("head 2: cried gives the weights", weights2[0, 1], "and gets", result2[0, 1])

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Step 3 lit: in each head the query and the key give a table of weights, 3 by 3, and with the values a result, 3 by 4](figures/03_strips_3.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Two tables of weights, each with rows that add up to 1. This is what two heads have and one has not. By which root is divided? Of 4, not of 8.

# %% [markdown]
# Head 1 puts 0.97 of its weight on *sister* and gets nearly the first two numbers of *sister*, 0 and 1. Head 2 puts as much on *died* and gets nearly its last two, 10 and 11.
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

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Step 4 lit: the two results, light and dark, side by side are 3 by 8 again](figures/03_strips_4.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Same shape as X. Ask: can a light number depend on what the dark head saw? Not yet.

# %% [markdown]
# **Mix.** So far no number of head 1's result knows anything of head 2. A last learned matrix, $W_O$, changes that.
#
# ![Step 5 lit: the merged result times W_O is the output, 3 by 8, in which the heads are mixed](figures/03_strips_5.svg)
#
# Take the $(8, 6)$ of section 1, where each head gave one number, and say that the rows of $W_O$ are $(1, 0.5)$ and $(1, -0.5)$. Then the output is
#
# $$8 \cdot (1, 0.5) + 6 \cdot (1, -0.5) = (8, 4) + (6, -3) = (14, 1).$$
#
# Each head meets its own rows of $W_O$, and what comes out is **added up**. So without head 2, the output is what head 1 adds, $(8, 4)$. That is how we will switch off heads in section 6. As a formula (Vaswani et al. 2017, section 3.2.2), with
# $Q_i$, $K_i$, $V_i$ for the columns of head $i$ and $W_O^i$ for its rows:
#
# $$\mathrm{head}_i = \mathrm{Attention}(Q_i, K_i, V_i) \qquad \mathrm{output} = \mathrm{Concat}(\mathrm{head}_1, \dots, \mathrm{head}_h)\, W_O = \mathrm{head}_1 W_O^1 + \dots + \mathrm{head}_h W_O^h$$
#
# *Concat* stands for laying side by side (`torch.cat`). (A bias, a constant vector, is added, too. In a BERT the output is then added to $X$, so a word also keeps what it had before: page 05. Elhage et al. 2021 build on this view of heads as terms of a sum.)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Step 5 lit: the merged result times W_O is the output, 3 by 8, in which the heads are mixed](figures/03_strips_5.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Only here do the heads meet. On the board: heads 8 and 6, rows (1, 0.5) and (1, -0.5): (8, 4) + (6, -3) = (14, 1). What is left without head 2? (8, 4): heads are added up.

# %% [markdown]
# Is this what the library's module computes? It has four learned maps: `attention.query`, `.key`, `.value` and `.output`, each a matrix and a bias. We do it
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
assert torch.equal(torch.tensor([8.0, 6.0]) @ torch.tensor([[1, 0.5], [1, -0.5]]), torch.tensor([14.0, 1.0]))

# %% [markdown]
# It is, but for rounding (otherwise the `assert` would stop the page), and so is PyTorch's own `nn.MultiheadAttention`, given the same parameters. The library does all heads at once, which is faster; you will write it that way in the exercises.
#
# ## 3. What do more heads cost?
#
# A **parameter** is a learned number. (Parameters are often called *weights*, too; in the text of this page *weights* are those of attention.) With 24 numbers a word, each of the four matrices has
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
# checked: as many parameters, however many heads share out the columns; with 24 columns for each of 2 heads there are more
assert all(sum(one.numel() for one in MultiHeadAttention(24, heads).parameters()) == 2400 for heads in (1, 2, 4, 8, 24))
assert 3 * (24 * 48 + 48) + 48 * 24 + 24 > 2400

# %% [markdown]
# The same 2,400, however many heads: they share out the columns of the same matrices. The matrix products need as many multiplications, too. What grows is the number of attention weights, a table for each head.
#
# This holds where heads share out the columns, as in BERT: BERT-base has 768 numbers a token (its **hidden size**) and 12 heads of 64. If each head had 768 columns of its own, the matrices would grow with every head.
# And sharing out has a price: more heads are *narrower* heads. If 24 heads share 24 columns, each has one, and a query and a key are compared by a single number.
#
# **Play with it.** Move the slider. What changes, what stays?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### More heads, narrower heads
#
# A word has 24 numbers, $W_Q$, $W_K$, $W_V$ and $W_O$ have 2,400 parameters for one head. How many for 8 heads? (Shades: which head a column belongs to.)

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
play("heads")

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let them vote, then move the slider. Parameters: as many as with one. What grows? The attention weights. What shrinks? The numbers by which a head compares.

# %% [markdown]
# ## 4. A task with two answers
#
# Does it matter in practice that one head gives one average? We build a small task for it. At each position of a row of random letters, a model has to name
# **two** letters: the one before and the one after. Letters are random, so nothing helps but looking. The claim that we test: from one average of two letters it is hard to read off both.
#
# ![A row of random letters; at the h both neighbours, a and c, are to be named. Below: letters and positions become vectors, one attention with 1 or 2 heads, nothing or a network, scores for before and after](figures/03_task.svg)
#
# The model is one attention. From what it found, one matrix makes the scores for both letters, the highest score is the answer: a **linear** read-out, which only multiplies and adds. We train it with one head and with two; all else is equal, also the number of
# parameters. There are 10 letters and 8 positions. (The first position has no letter before it, the last none after it: these are not asked.)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![A row of random letters; at the h both neighbours, a and c, are to be named. Below: letters and positions become vectors, one attention with 1 or 2 heads, nothing or a network, scores for before and after](figures/03_task.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let the class vote: in what share of positions will one head name both letters right? Whoever knows one side and guesses the other gets 1 in 10.

# %% [markdown]
# Whoever knows one neighbour and guesses the other names both in 1 of 10 cases. After 300 training
# steps (page 02), in what share of the positions does one head name both?

# %%
guess = None  # a share between 0 and 1

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.neighbours import mean_weights, right_with_fixed_weights, train_neighbours

one_head, two_heads = train_neighbours(1), train_neighbours(2)  # three models each, from three random starts
print("two heads, both letters right:", two_heads.both[-1])
print("one head, both letters right: ", one_head.both[-1], "   your guess:", guess)
print("one head, the letter before:  ", one_head.sides[:, 0])
print("one head, the letter after:   ", one_head.sides[:, 1])

# %% tags=["check:one-linear"]
# checked: two heads name both nearly always; one head one side well, the other little better than by chance; equally many parameters
weak_side, strong_side = one_head.sides.amin(dim=1), one_head.sides.amax(dim=1)
assert two_heads.both[-1].min() > 0.97
assert one_head.both[-1].min() > 0.1 and one_head.both[-1].max() < 0.3
assert strong_side.min() > 0.9 and weak_side.min() > 0.1 and weak_side.max() < 0.3
assert len({int(side) for side in one_head.sides.argmax(dim=1)}) == 2
assert len({sum(one.numel() for one in found.models[0].parameters()) for found in (one_head, two_heads)}) == 1

# %% tags=["check:weak-side"]
# checked: for its weak side the one head mostly names the letter of the other side, which is right where both are the same
from bertnotes.neighbours import draw_letters, neighbours

letters = draw_letters(500, seed=5)
for trained, sides in zip(one_head.models, one_head.sides, strict=True):
    with torch.no_grad():
        named = trained(letters)[0][:, 1:-1].argmax(-1)[..., sides.argmin()]
    weak, strong = neighbours(letters)[..., sides.argmin()], neighbours(letters)[..., sides.argmax()]
    assert (named == strong).float().mean() > 0.75 and (named == weak)[weak == strong].float().mean() > 0.95
    assert 0.04 < (named == weak)[weak != strong].float().mean() < 0.2

# %% [markdown]
# Each line has three numbers, from three random starts: one result could be luck. With two heads, both letters are right practically always. With one head, after these 300 steps, in about a sixth of
# the positions. One of the two sides comes out right more than nine times in ten, the other in about a fifth of the cases. Which side it is, differs from start to start.
#
# Why a fifth, and not the tenth of blind guessing? For the weak side the model mostly names the *other* letter again, the stronger one. That is right where both neighbours happen to be the same letter, in a tenth of the cases. In about a tenth of the rest the balance tips, and the weaker letter is named.
#
# Where do the heads look? We average the weights over 500 rows and draw them, of the first start: the only head, and the two heads. The first and the last position are left out, as nobody asks them.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Where do they look?
#
# Both letters right: with two heads practically always, with one head, after 300 steps, in about a **sixth** of the positions.

# %% slideshow={"slide_type": "-"} tags=["timing", "nbval-ignore-output"]
only, pair = mean_weights(one_head.models[0]), mean_weights(two_heads.models[0])
_, axes = plt.subplots(1, 3, figsize=(13, 3.9), layout="constrained")
positions = list("12345678")
for ax, table, title in zip(axes, (only[0], pair[0], pair[1]), ("the only head", "two: head 1", "two: head 2"), strict=True):
    ax = attention_heatmap(table[1:-1], positions[1:-1], positions, ax=ax, numbers=False, title=title)


# %% tags=["check:where-heads-look"]
# checked: in each start the only head looks both ways and names the side at which it looks more; of two, one looks back, one ahead
def back_and_ahead(table):
    return torch.stack([table.diagonal(-1)[:-1].mean(), table.diagonal(1)[1:].mean()])


assert torch.equal(only, mean_weights(one_head.models[0]))
for trained, sides in zip(one_head.models, one_head.sides, strict=True):
    both_ways = back_and_ahead(mean_weights(trained)[0])
    assert both_ways.min() > 0.3 and both_ways.argmax() == sides.argmax()
for trained in two_heads.models:
    both_ways = torch.stack([back_and_ahead(table) for table in mean_weights(trained)])
    assert both_ways.amax(dim=1).min() > 0.9 and both_ways.amin(dim=1).max() < 0.1
    assert both_ways.argmax(dim=1).tolist() in ([0, 1], [1, 0])

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Left: two stripes, both neighbours at once. Right: one stripe each. Who told them? Nobody: they start with different random numbers, and the loss is lower when they differ. In another start the two are swapped.

# %% [markdown]
# The only head has two stripes: it looks at both neighbours at once, and so gets a mixture of two letters. It names the one to which it gives a little more weight. Of the two heads one looks
# back, the other ahead, and nothing gets mixed. Nobody told them who takes which side. They begin with different random numbers, and the loss falls furthest if they differ. In some starts head 1 looks back, in others head 2.
#
# ### The same with a network
#
# Is it impossible, then, with one head? Say a head mixes 0.6 of *a* with 0.4 of *c*. If the letters' vectors are not arranged in a special way, no other pair of letters gives exactly this mixture, so both letters are in it, and even their shares. But for each side the highest score is the answer, and the highest score goes to the letter with the larger share: so it names the larger one twice, and loses which is which.
# Now we put a small network in front of it: a matrix, then a curve that bends each number (GELU, page 05), then another matrix. We train both models again. They differ in the number of heads, and so in how wide a head is.
# How many of the positions will one head with a network get right?

# %%
guess = None  # a share between 0 and 1

# %% tags=["timing", "nbval-ignore-output"]
one_network, two_network = train_neighbours(1, network=True), train_neighbours(2, network=True)
print("steps              ", torch.tensor(one_head.steps))
print("1 head             ", one_head.both.mean(dim=1))  # the mean of three starts
print("2 heads            ", two_heads.both.mean(dim=1))
print("1 head + network   ", one_network.both.mean(dim=1), "   your guess for the end:", guess)
print("2 heads + network  ", two_network.both.mean(dim=1))

# %% tags=["check:one-with-network"]
# checked: with a network one head gets there in each start, with uneven weights, later than two heads with a network, in the mean
assert one_network.both[-1].min() > 0.97 and two_network.both[-1].min() > 0.97
when = [int((found.both.mean(dim=1) > 0.9).nonzero()[0]) for found in (two_heads, two_network, one_network)]
assert when[0] < when[1] < when[2] and when[0] <= 2 and 2 <= when[1] <= 3 and 4 <= when[2] <= 6
for trained in one_network.models:
    both_ways = back_and_ahead(mean_weights(trained)[0])
    assert (both_ways[0] - both_ways[1]).abs() > 0.15 and both_ways.min() > 0.1
    assert right_with_fixed_weights(trained) > 0.95

# %% tags=["check:one-for-longer"]
# checked: trained three times as long the plain head improves, in one start to more than half; there its weights depend on the letters
longer = train_neighbours(1, steps=900, every=300)
assert longer.both[-1].mean() > one_head.both[-1].mean() + 0.03 and longer.both[-1].min() < 0.5
best = longer.models[int(longer.both[-1].argmax())]
assert longer.both[-1].max() > 0.5 and 0.1 < right_with_fixed_weights(best) < 0.3

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## One head and a network
#
# One head mixes 0.6 of *a* with 0.4 of *c*. Can a small network take them apart again?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | both letters right, after steps | 30 | 60 | 90 | 180 | 300 |
# | --- | --- | --- | --- | --- | --- |
# | 1 head | 0.11 | 0.14 | 0.13 | 0.16 | 0.17 |
# | 2 heads | 0.18 | **1.00** | 1.00 | 1.00 | 1.00 |
# | 1 head + network | 0.13 | 0.18 | 0.35 | **0.99** | 1.00 |
# | 2 heads + network | 0.13 | 0.60 | **0.95** | 1.00 | 1.00 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **4 minutes.** Vote before the table comes. The fair pair are the last two rows. One head is not too few to *hold* both letters, but here it needs twice as many steps. BERT has such a network behind each attention. Means of three starts, one learning rate.

# %% [markdown]
# Read the third line: one head with a network gets there, too, in all three starts. So one head *can* hold both letters, mixed unevenly, and a network can take them apart again. What remains of our claim is smaller and still useful:
# **with a head for each answer there is nothing to undo**. The fair comparison is that of the last two lines: two heads with a network pass 0.9 within 90 to 120 steps, one head with a network needs about 150 to 210. This is one learning rate and three starts, measured every 30 steps, so do not trust the exact numbers.
#
# Odd: *two* heads are slower with the network than without. The network adds two matrices that have to be learned before the answer comes out right; nothing is mixed that it could undo. That is our explanation, which we did not test.
#
# In BERT such a network follows every attention. So from this toy it does not follow that BERT *needs* twelve heads. It shows what several heads make easy.
#
# %% [markdown]
# <details><summary>For the curious: what a linear read-out cannot do, and how the plain head gets round it</summary>
#
# Suppose the head always takes the share $w$ of the letter before and a smaller share $u$ of the letter after. Then no linear read-out names the letter after every time, even with two letters.
# Let $M_{xy}$ be the score that a share of 1 of letter $y$ gives to the answer $x$. (A constant that is added to the answer $x$ can be made part of $M_{xy}$, as the shares always have the same sum.) Put $p = M_{bb} - M_{ab}$ and $q = M_{aa} - M_{ba}$.
#
# With $b$ on both sides, $b$ must beat $a$: $p > 0$. With $a$ on both sides, $q > 0$. With $a$ before and $b$ after, $b$ must beat $a$: $u\,p > w\,q$. The other way round: $u\,q > w\,p$. Add the last two: $u\,(p + q) > w\,(p + q)$. As $p + q > 0$, this says $u > w$, but $u$ is the smaller one: impossible.
#
# If the shares are equal, not even a network can tell the order. The plain head has a way out, though: the shares need not always be the same. Trained for 900 steps in place of 300, one of our three starts named both letters in more than half of the positions, another in less than half. In the first, the weights depend on the letters: fixed at their average, they give it about a fifth, as before.
# The head with a network needs no such trick: with its weights fixed it names both letters as well as before.
#
# </details>

# %% [markdown]
# **What the inventors found.** Vaswani et al. (2017, table 3, rows A) trained a translator with 1 to 32 heads, all else equal, and scored its translations by BLEU, which is higher for translations that share more with a human's. With 1 head it got 24.9, with 4 heads 25.5, with 8 and with 16 heads 25.8, with 32 heads 25.4. So one head is worse by 0.9, not hopeless, and too many narrow heads lose, too.
# They took 8 heads of 64 columns. BERT-base has 12, also of 64 (Devlin et al. 2019).
#
# <details><summary>For the curious: narrow heads, and heads that share</summary>
#
# How narrow is too narrow? If a head has fewer columns than the text has tokens, there are tables of weights that it cannot make, however it is trained (Bhojanapalli et al. 2020). And in many of today's models that write text, several heads have queries of their own but share keys and values, which saves memory (*multi-query* attention, Shazeer 2019; *grouped-query* attention, Ainslie et al. 2023).
#
# </details>
#
# ## 5. The same in a real BERT
#
# mini, the small BERT that comes with the course, has 6 layers of 12 heads. Does our loop of section 2, with the parameters of mini's first layer, compute what mini computes?

# %%
from bertnotes import load_encoder, load_tokenizer
from bertnotes.encoder import BertEncoder

tokenizer, model = load_tokenizer(), BertEncoder.from_pretrained()
inputs = tokenizer("The sister cried because the dog died.", return_tensors="pt")
tokens = tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
print("layers:", model.config.num_hidden_layers, "  heads in each:", model.config.num_attention_heads)
print("hidden size:", model.config.hidden_size, "  columns of a head:", model.config.hidden_size // 12)

# %% tags=["teaches"]
with torch.no_grad():
    bert = model(**inputs)
    X, first_layer = bert.hidden_states[0], model.layers[0].attention  # what goes into the first layer
    ours, library = one_after_the_other(first_layer, X), first_layer(X)[0]
print(f"{ours.numel()} numbers, the largest difference is {(ours - library).abs().max():.4f}")
assert torch.allclose(ours, library, atol=1e-5)

# %% tags=["check:bert-is-the-loop"]
# checked: transformers' BERT has the same output of its first attention, before X is added, and the same weights in all layers
seen, encoder = [], load_encoder()
dense = encoder.encoder.layer[0].attention.output.dense
with torch.no_grad():
    hook = dense.register_forward_hook(lambda module, given, output: seen.append(output))
    theirs = encoder(**inputs, output_attentions=True)
    hook.remove()
assert torch.allclose(ours, seen[0], atol=1e-4)
assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(bert.attentions, theirs.attentions, strict=True))
assert (model.config.num_hidden_layers, model.config.num_attention_heads, model.config.hidden_size) == (6, 12, 384)

# %% [markdown]
# It does. The folded check compares with `transformers`, too, the library by which most people use a BERT: its first layer gives the same numbers.
#
# Here are three of mini's 72 heads on our sentence. We have picked them by hand, since they are easy to describe; most are not. Who reads a row finds out where that token looks.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Three of mini's 72 heads

# %% slideshow={"slide_type": "-"}
_, axes = plt.subplots(1, 3, figsize=(12, 4.6), layout="constrained")
for ax, (layer, head) in zip(axes, ((1, 3), (2, 9), (1, 10)), strict=True):
    table = bert.attentions[layer - 1][0, head - 1]
    ax = attention_heatmap(table, tokens, ax=ax, numbers=False, title=f"layer {layer}, head {head}")

# %% tags=["check:three-heads"]
# checked: layer 1 head 3 looks at the token before, layer 2 head 9 at the one after, layer 1 head 10 on average mostly at [CLS]
before, after, special = bert.attentions[0][0, 2], bert.attentions[1][0, 8], bert.attentions[0][0, 9]
assert before.diagonal(-1)[:-1].min() > 0.95 and after.diagonal(1)[1:].min() > 0.94
assert 0.5 < special[1:-1, 0].mean() < 0.65 and special[7, 0] > 0.6 and special[8, 0] < 0.25 and special[6, 0] < 0.45
from bertnotes.data import FIRST_REVIEWS, load_imdb_data
from bertnotes.heads import measure_heads

relations = measure_heads(encoder, tokenizer, load_imdb_data(FIRST_REVIEWS, sample=60, seed=3)[0], 64)
assert relations["token before"][0, 2] > 0.97 and relations["token after"][1, 8] > 0.95
assert relations["[CLS]"][0, 9] < 0.25 and relations["token before"][2, 11] > 0.25 and relations["token before"][4, 7] > 0.25
assert relations["token after"][2, 8] > 0.25 and all(relations["[CLS]"][at] > 0.35 for at in ((2, 11), (4, 7), (2, 8)))

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Left: the token before. Middle: the token after. Together what the two toy heads had to learn. Right: mostly [CLS], the mark at the beginning. Vote: without which of the three does mini guess worst? Keep the votes for the map.

# %% [markdown]
# *Layer 1, head 3* looks at the token before, with at least 0.95 of its weight in the row of each word. *Layer 2, head 9* looks at the token after. These are the two stripes of our toy, in a model that was trained for another task. *Layer 1, head 10* puts much of its
# weight on `[CLS]`, the mark at the beginning (0.86 in the row of *cried*, but only 0.34 in that of *dog*). Clark et al. (2019) saw many heads of BERT-base look at `[SEP]`, the mark at the end, and suspect that a head does so when it finds nothing to look for. (Its weights have to add up to 1, so it must look somewhere.) Page 07 looks into it.
#
# And our *cried*, which needs *who* and *why*? Which of the 72 heads look from *cried* to *sister*, and which to *died*?

# %%
from_cried = torch.cat(bert.attentions)[:, :, tokens.index("cried")]  # (layer, head, token that is looked at)
for word in ("sister", "died"):
    table = from_cried[:, :, tokens.index(word)]
    layer, head = divmod(int(table.argmax()), 12)
    print(f"most weight on {word}: {table.max():.2f}, layer {layer + 1}, head {head + 1}")

# %% tags=["check:who-and-why"]
# checked: cried gives sister nearly all of a head's weight, by the head that looks at the token before, and died little of any
to_sister, to_died = (from_cried[:, :, tokens.index(word)] for word in ("sister", "died"))
assert int(to_sister.argmax()) == 2 and to_sister.max() > 0.98 and 0.2 < to_died.max() < 0.35

# %% [markdown]
# *Sister* gets all the weight of layer 1, head 3. But that head would take *any* word that stands before *cried*; it does not look for who cried. And no head gives *died* more than about a quarter. So on this sentence we see no *who* head and no *why* head in mini: section 1 showed what two heads could keep apart, not what this BERT does.
# How important are the heads to mini, then? That we can measure.

# %% [markdown]
# ## 6. Which heads would be missed?
#
# To find out whether a head is needed, we switch it off: we set its rows of $W_O$ to 0, so that what it found is added to nothing. And we let mini do what it was trained for (page 06): some tokens of a text are
# replaced by `[MASK]`, and it names what stood there. The texts are the beginnings of the course's own reviews.
#
# How good is a guess? mini gives each token of its vocabulary a probability. The **loss** is $-\ln p$, where $p$ is the probability of the right one: 0 if mini was sure of it, and larger the more the right one surprises it. We average it over
# all hidden tokens. $e^{\text{loss}}$ is the **perplexity**: a model with perplexity 50 has the same loss as one that picks blindly among 50 equally likely tokens.

# %%
from bertnotes.pruning import change_without_each, hidden_token_exams, losses, mean_and_error

exam, _ = hidden_token_exams(tokenizer, rows=16)  # 16 reviews, 64 tokens each, 15 % of them hidden
loss = losses(model, exam).mean().item()
print(f"{len(losses(model, exam))} hidden tokens, loss {loss:.2f}, perplexity {math.exp(loss):.0f}")

# %% [markdown]
# As a yardstick: who guesses blindly among all 10,000 tokens of the vocabulary has a loss of $\ln 10{,}000 = 9.2$. Who knows how often each token occurs in reviews, and nothing else, has about 6.6.
#
# Now we switch off each of the 72 heads, one at a time. In how many of the 72 cases does the loss go *down*, so that mini guesses better without the head?

# %%
guess = None  # a number from 0 to 72

# %% tags=["timing", "nbval-ignore-output"]
changes = change_without_each(model, exam)  # (layer, head, hidden token); above 0: the loss is higher without this head
change, error = mean_and_error(changes, exam)
print("better without it:", (change < 0).sum().item(), "of 72 heads;   your guess:", guess)
print("    by more than twice the error:", (change < -2 * error).sum().item())
print("worse without it: ", (change > 0).sum().item())
print("    by more than twice the error:", (change > 2 * error).sum().item())
print("the largest rise:", f"{change.max():.2f}, with an error of {error.flatten()[change.argmax()]:.2f}")

# %% tags=["check:each-head"]
# checked: without about a fourth of the heads the loss goes down, without hardly one of them by more than twice its error
assert 12 <= (change < 0).sum() <= 26 and (change < -2 * error).sum() <= 1
assert 8 <= (change > 2 * error).sum() <= 14 and (change == 0).sum() <= 2
assert divmod(int(change.argmax()), 12) == (1, 8) and 0.17 < change.max() < 0.22 and 0.06 < error[1, 8] < 0.09
assert len(losses(model, exam)) == 156 and 4.2 < loss < 4.4

# %% [markdown]
# About a fourth of the heads seem to do harm. Do they? Each change is an average over only 156 tokens. The **standard error** says how far it may be off by the luck of these reviews, and a change within twice its error of 0 may as well be 0.
# (Our error compares reviews and not tokens, since tokens of the same review are alike in how hard they are.) Of the heads below 0, hardly one passes this test. So we *cannot say* that they do harm. But the test holds on the other side, too: of some fifty heads without which mini seems worse, only about ten pass. And of 72 heads that do nothing, one or two on each side
# would pass by luck.
#
# More tokens make smaller errors. The tool `tools/heads_switched_off.py` has done the same with 160 reviews and 1,485 hidden tokens, and the course keeps its record. Our 16 reviews are among them.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Switch off one head: by how much does the loss rise?

# %% slideshow={"slide_type": "-"}
record = json.loads((RESULTS / "heads-switched-off.json").read_text(encoding="utf-8"))
first, second = (torch.tensor(part["change"]) for part in record["alone"])  # two exams, each on its own reviews
alone = (first + second) / 2
error = sum(torch.tensor(part["error"]) ** 2 for part in record["alone"]).sqrt() / 2
ax = head_map(alone, clear=alone.abs() > 2 * error, title="loss without the head, minus loss with all, in thousandths")

# %% tags=["check:head-map"]
# checked: what the text says of the map
most_missed = alone.flatten().topk(5).indices.tolist()
assert most_missed == [12 + 8, 24 + 11, 48 + 7, 24 + 8, 2] and alone[1, 8] > 2.5 * alone[2, 11]
found = (alone < 0).sum(), (alone < -2 * error).sum(), (alone > 2 * error).sum(), sum(record["exams"]["hidden"])
assert found == (14, 3, 23, 1485) and 0.003 < alone.abs().median() < 0.005 and record["exams"]["rows"] == 80
assert abs(alone[0, 9]) < 2 * error[0, 9] and alone[0, 2] > 4 * error[0, 2] and 0.02 < error[1, 8] < 0.03
by_mean, zero = record["replaced by its mean"]["layer 2, head 9"], second[1, 8]
assert 0.19 < zero < 0.22 and 0.21 < by_mean[0] < 0.25 and 0.03 < by_mean[1] < 0.04
assert abs(record["by counting"] - 6.61) < 0.01 and abs(record["without any"] - 7.08) < 0.01

# %% [markdown] slideshow={"slide_type": "notes"}
# **4 minutes.** Magenta: the loss rises without the head. A frame: by more than twice the error; the others may be chance. Which one stands out? Layer 2, head 9, the one that looks at the token after. Compare the votes: layer 1 head 3 and head 10.

# %% [markdown]
# Read a cell as: without this head, mini's loss is so many thousandths higher (magenta) or lower (slate). A frame means that the change is more than twice its error. The colour is full from 0.1 on, up or down.
#
# One head stands out, *layer 2, head 9*: 0.229 with an error of 0.024, almost three times as much as the next. It is the head that looks at the token after. The one that looks at the token before, layer 1, head 3, is among the five most missed (+55), and layer 1, head 10 is not missed (−2). (That is not because of `[CLS]`: over many reviews it sends only about 0.15 of its weight there, less than most heads.)
# This would fit the task, since the neighbours of a hidden token tell much about it. The other three of the five (layer 3, head 12 and head 9; layer 5, head 8) put most of their weight on `[CLS]` and on a neighbour.
#
# The change of a typical head, 0.004, is no more than we can measure. 23 heads are missed by more than twice the error, and without 3 the loss falls by more than that. One or two would by luck, so we would not bet that these three do harm.
#
# <details><summary>One doubt: is it the look that is missed, or a constant?</summary>
#
# A 0 also removes what a head always adds, its average, and later layers may count on that. So the tool replaced the result of layer 2, head 9 by its average instead. On the second exam the loss then rises by 0.23, with an error of 0.04, and with 0 by 0.20. So it is not a constant that is missed.
#
# </details>

# %% [markdown]
# ### Together
#
# Each of these heads was switched off *alone*, while all others were there to fill in. Can many go at once? The record has a list of the 72 heads, the least missed of the first exam first. We switch off the first 18 of the list, then 36, then 54.
# We measure on the second exam, since a list looks best on the exam by which it was made. With all heads the loss there is 4.17, with none it is 7.08. By how much does it rise without the 36 least missed?

# %%
guess = None  # the rise of the loss without 36 heads

# %%
least_first = torch.tensor(record["least missed"]["change"])
random, spared = (torch.tensor([order["change"] for order in record[name]]) for name in ("random", "spared"))
print("heads switched off:     ", record["counts"], "  loss with all heads:", record["exams"]["loss"])
print("least missed first: rise", least_first, "  your guess:", guess)
print("             its error: ", torch.tensor(record["least missed"]["error"]))
for name, rises in (("random", random), ("random, 5 spared", spared)):
    print(f"{name:18}  median", rises.median(dim=0).values, "  from", rises.amin(dim=0), "to", rises.amax(dim=0))

# %% [markdown]
# The rise without 36 is the number in the middle. The row *random* has 12 random orders. *Random, 5 spared* is a control: the same random orders, but the five most missed heads of the first exam stay (four of the five above, and layer 5, head 10). If the whole list mattered, *least missed first* should be much better than this control.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Switch off many: which order?


# %% slideshow={"slide_type": "-"}
def from_zero(rises):  # before a head is switched off, nothing rises
    return [0, *rises.tolist()]


lines, bands = {"least missed first": from_zero(least_first)}, {}
for name, rises in (("random", random), ("random, 5 spared", spared)):
    lines[name] = from_zero(rises.median(dim=0).values)
    bands[name] = from_zero(rises.amin(dim=0)), from_zero(rises.amax(dim=0))
ax = line_chart([0, *record["counts"]], lines, "heads switched off, of 72", "rise of the loss", logarithmic="", bands=bands)

# %% tags=["check:together"]
# checked: what the text says of the curves, and of the two exams
middle, others = random.median(dim=0).values, spared.median(dim=0).values
assert all(least_first[at] < spared[:, at].min() for at in (1, 2)) and all(others[at] < middle[at] for at in range(3))
assert torch.allclose(least_first, torch.tensor([0.12, 0.18, 0.49]), atol=0.01) and record["counts"] == [18, 36, 54]
assert 1.1 < middle[1] < 1.2 and 0.6 < random[:, 1].min() < 0.65 and 1.9 < random[:, 1].max() < 2
assert 0.520 < others[1] < 0.540 and spared[:, 1].min() > 0.434 and spared[:, 1].max() < 0.843
order = first.flatten().argsort()
assert 0.07 < second.flatten()[order[:36]].sum() < 0.08 and set(order[-5:].tolist()) == {20, 35, 32, 57, 55}
ranks = torch.stack([part.flatten().argsort().argsort().float() for part in (first, second)])
assert 0.5 < torch.corrcoef(ranks)[0, 1] < 0.6

# %% [markdown] slideshow={"slide_type": "notes"}
# **5 minutes.** Vote on 36 before you show it. The lines are medians of 12 orders, the bands their whole range; *least missed first* is one order, chosen on other reviews. Triangles: random, but five heads stay. Ask: are half of the heads useless, then? Switched off is not trained without.

# %% [markdown]
# Sorted, many heads can go. Without the 18 least missed the loss rises by 0.12 (error 0.03), without 36 by 0.18 (0.03), without 54 by 0.49 (0.04). A random half costs 1.15 in the middle, and from 0.61 to 1.97. As perplexity: a rise of 0.18 multiplies it by $e^{0.18} \approx 1.2$, one of 1.15 by 3.2.
#
# How much of that is due to a few heads? With the five most missed spared, a random half costs 0.53 in the middle, 0.44 to 0.83. So keeping five heads of 72 saves about half of the damage, and choosing among the others saves more. But do not trust the list head by head: the list of the second exam agrees with the first by a rank correlation of 0.54, where 1 is the same order and 0 is none.
#
# Alone and together is not the same. On the second exam the changes of these 36 heads, each alone, add up to 0.08; together they cost 0.18. That would fit heads that can stand in for one another, as long as some of them are there.
#
# And with no head at all? Then each token sees only itself, and a `[MASK]` knows no more than that it is one, and where. Who knows only how often each token occurs has 6.61. Without heads mini has 7.08, somewhat more: the layers have never had to work without heads.
#
# So mini gets along without half of its heads, a fifth more perplexed; not even a quarter can go for nothing. Whether it needed them while it learned, none of this shows. Nor does it save time: mini still computes what we switch off. For that, the columns of a head have to be cut out of $W_Q$, $W_K$ and $W_V$, and its rows out of $W_O$.
#
# <details><summary>What others found</summary>
#
# Michel et al. (2019) removed each of the 96 heads in the encoder of a translator, the part that reads: only 8 changed its score significantly, and half of these for the better. Together, in an order of their own, about 20 % of the heads of the translator and 40 % of those of a BERT could go before the score fell noticeably.
# Voita et al. (2019) trained a translator further while heads were closed: 10 of the 48 heads of its encoder were enough for nearly the same BLEU (0.15 less).
#
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A head has one row of weights for each word, so it gives one average. Two heads give two.
# - Split, attend, merge, mix. If heads share out the columns, more heads cost no parameters, but each is narrower.
# - One head *can* carry two things in an uneven mix, if a network un-mixes them. Two heads make it easy.
# - In mini few heads are missed much, the most the one that looks at the token after. Half of them can go for a rise of 0.2 if well chosen; a random half costs 0.6 to 2.
#
# **Next:** who may look at whom? Page 04 compares readers that look to one side with those that look to both.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Close the lid: what is the shape of one head's weights? Why do more heads cost no parameters, and when would they?

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

# %% [markdown] tags=["exercise:perplexity"]
# ### Perplexity, by hand · ● · 5 minutes
#
# Three words are hidden. A model gives the right ones the probabilities 1/2, 1/4 and 1/8. What is its perplexity? Remember that $-\ln \frac{1}{2} = \ln 2$, $-\ln \frac{1}{4} = 2 \ln 2$ and so on.

# %% [markdown] tags=["hint:perplexity"]
# First the loss: the average of $-\ln p$ over the three words.

# %% [markdown] tags=["hint:perplexity"]
# The loss is $(\ln 2 + 2 \ln 2 + 3 \ln 2) / 3 = 2 \ln 2$. The perplexity is $e$ to the power of it.

# %% tags=["exercise:perplexity"]
# solution
answer = math.exp((math.log(2) + math.log(4) + math.log(8)) / 3)
# instead:
# answer = None  # your number
# end of solution

check("perplexity", answer)

# %% [markdown] tags=["reason:perplexity"]
# The loss is $2 \ln 2 = 1.39$, and $e^{2 \ln 2} = 2^2 = 4$. On average the model is as unsure as among four equally likely words. It is not the average of 2, 4 and 8: logarithms are averaged.

# %% [markdown] tags=["exercise:split_heads"]
# ### Split · ●● · 8 minutes
#
# The lesson cut out each head by hand. To do all heads at once, they need an axis of their own. `hidden` is (batch, position, size). Share out its last axis among `num_heads` heads, head 1 getting the first columns, and return (batch, head, position, head size), without a loop.

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
# First let the axes of heads and positions trade places. Then make one axis of the last two: `x.flatten(1)` would make one axis of axis 1 and all that follow. (`view` raises an error after `transpose`, as the numbers lie in another order in memory.)


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
# Put it together. `hidden` is (batch, position, size), `mask` is None or True where a position may look. `weights` is a dict of parameters, which PyTorch calls weights: `"query.weight"` and `"query.bias"`, the same for `key`, `value` and `output`,
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

# %% [markdown] tags=["exercise:mixed_up"]
# ### Find the bug · ●● · 10 minutes
#
# This one runs, and its shapes are right. But its heads do not get their columns. Find and mend it. Try it with `torch.arange(12.0).view(1, 3, 4)` and two heads, and look at what head 1 has.

# %% [markdown] tags=["hint:mixed_up"]
# `reshape` only reads the numbers in order and lays them out anew. In which order do the numbers of a text lie: position by position, or head by head?

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
# `reshape` and `view` never move a number; they only lay the same sequence out in another shape. (position, number) read as (head, position, ...) gives head 1 the first *words* instead of the first columns. `transpose`
# is what swaps axes. Nothing raises an error, neither here nor in training, so only numbers that you can follow show it.

# %% [markdown]
# ## Sources
#
# - Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin (2017). *Attention Is All You Need.* Section 3.2.2 and table 3. arXiv:1706.03762
# - Michel, Levy, Neubig (2019). *Are Sixteen Heads Really Better than One?* arXiv:1905.10650
# - Voita, Talbot, Moiseev, Sennrich, Titov (2019). *Analyzing Multi-Head Self-Attention: Specialized Heads Do the Heavy Lifting, the Rest Can Be Pruned.* arXiv:1905.09418
# - Devlin, Chang, Lee, Toutanova (2019). *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* arXiv:1810.04805
# - Clark, Khandelwal, Levy, Manning (2019). *What Does BERT Look At? An Analysis of BERT's Attention.* arXiv:1906.04341
# - Elhage, Nanda, Olsson and others (2021). *A Mathematical Framework for Transformer Circuits.* transformer-circuits.pub/2021/framework
# - Bhojanapalli, Yun, Rawat, Reddi, Kumar (2020). *Low-Rank Bottleneck in Multi-head Attention Models.* arXiv:2002.07028
# - Shazeer (2019). *Fast Transformer Decoding: One Write-Head is All You Need.* arXiv:1911.02150
# - Ainslie, Lee-Thorp, de Jong and others (2023). *GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints.* arXiv:2305.13245
