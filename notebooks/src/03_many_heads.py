# %% [markdown] question="Why look several times at once?"
# # 03 · Many heads
#
# **The question:** BERT-base looks at a sentence twelve times at once in each layer. Why is once not enough?
#
# ![X becomes Q, K and V, each 3 by 8. Split: head 1 gets the first four columns of each, head 2 the last four. Each head attends. Merge puts the results side by side, and W_O mixes them](figures/03_strips.svg)
#
# Each of these looks is called a **head**. On this page you see what two heads can keep apart and one cannot, what they cost (surprisingly little),
# and where the usual argument for them is too strong. Then we switch off the heads of a trained BERT, one by one and together. At the end you write multi-head attention yourself.
#
# **You need:** pages 01 and 02. **Time:** about 40 minutes, and 46 more for the exercises. Where a cell says `guess = None`, type your guess in place of `None`.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # Many heads
#
# BERT-base looks at a sentence twelve times at once in each layer. Why is once not enough?
#
# ![X becomes Q, K and V, each 3 by 8. Split: head 1 gets the first four columns of each, head 2 the last four. Each head attends. Merge puts the results side by side, and W_O mixes them](figures/03_strips.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The deck takes about 45 minutes. Do not explain the drawing yet. Ask: what is light, what is dark, and where do they meet again?

# %%
import matplotlib.pyplot as plt
import torch

from bertnotes.attention import MultiHeadAttention, scaled_dot_product_attention
from bertnotes.pictures.attention import attention_heatmap
from bertnotes.pictures.charts import head_map, line_chart
from bertnotes.pictures.play import play

torch.set_printoptions(precision=2, sci_mode=False)

# %% [markdown]
# ## 1. One look, one average
#
# *The sister cried because the dog died.* Say that *cried* needs two things: **who** cried, and **why**. Attention gives it one row of weights,
# which add up to 1 (page 01). So *cried* has to share them out between *sister* and *died*, and what it gets is an average of their values.
#
# We make up values of two numbers: *sister* has $(8, 0)$, *dog* has $(4, 3)$ and *died* has $(0, 6)$. *cried* looks at *sister* and *died*, with weight 0.5 each.
# What does it get?

# %%
guess = None  # two numbers, such as (1, 2)

# %%
values = torch.tensor([[8.0, 0.0], [4.0, 3.0], [0.0, 6.0]])  # sister, dog, died
one_row = torch.tensor([0.5, 0.0, 0.5])
print("one head:", one_row @ values, "   your guess:", guess)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## One look, one average
#
# *The sister cried because the dog died.* The values are *sister* $(8, 0)$, *dog* $(4, 3)$, *died* $(0, 6)$.
#
# *cried* looks at *sister* and *died*, half and half. What does it get?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# $(4, 3)$, which is the value of *dog*.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let them add it up: half of 8 and half of 6. Then ask whose value that is. Nobody looked at the dog.

# %% [markdown]
# $(4, 3)$: that is exactly the value of *dog*, at which nobody looked. Half *sister* and half *died*, or all of *dog*: from the result you cannot tell.
#
# Now cut each value in two. A first head of one number gets the first numbers, 8, 4 and 0; a second head gets 0, 3 and 6. Each has a row of weights of its own.
# The first looks at *sister* alone, the second at *died* alone:

# %%
first_head = torch.tensor([1.0, 0.0, 0.0]) @ values[:, 0]  # all of sister's first number
second_head = torch.tensor([0.0, 0.0, 1.0]) @ values[:, 1]  # all of died's second number
print("two heads:", torch.stack([first_head, second_head]))

# %% tags=["check:average"]
# checked: half of sister and half of died is the value of dog; with two heads the nine pairs of words give nine results
assert torch.equal(one_row @ values, values[1])
pairs = {(who[0], why[1]) for who in values.tolist() for why in values.tolist()}
assert len(pairs) == 9 and (8, 6) in pairs and values.tolist().count([8, 6]) == 0
half = {((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a in values.tolist() for b in values.tolist()}
assert len(half) == 5

# %% [markdown]
# ![Left: half of died and half of sister is (4, 3), the same as dog. Right: head 1 takes 8 of sister, head 2 takes 6 of died, and (8, 6) is kept apart](figures/03_average.svg)
#
# $(8, 6)$, again two numbers, but now each has its own source. Any of the nine pairs *who* and *why* gives a result of its own here; half and half,
# they give five different ones. The price is paid in the values: head 2 never sees the first number of *died*. Two heads see
# half as much of each word, and choose twice.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Left: half of died and half of sister is (4, 3), the same as dog. Right: head 1 takes 8 of sister, head 2 takes 6 of died, and (8, 6) is kept apart](figures/03_average.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Same room on both sides: two numbers. What does the right side give up? Head 2 sees only the second number of each word.

# %% [markdown]
# ## 2. Split, attend, merge, mix
#
# That is all there is to multi-head attention; the drawing at the top has it step by step. It begins as on page 01: $X$ times three matrices makes $Q$, $K$ and $V$.
#
# ![Step 2 lit: the columns of Q, K and V are cut in two, and each head gets its half of all three](figures/03_strips_2.svg)
#
# **Split.** Each head gets its own columns of all three: with 8 numbers and two heads, the first four and the last four. Lighter is head 1, darker is head 2. We try it with fewer: one
# sentence of three words, four numbers each, so each head gets two. The tensor has the shape (batch, word, number) = (1, 3, 4).

# %%
hidden = torch.arange(12.0).view(1, 3, 4)  # the numbers 0 to 11, so that you can follow each
print(hidden)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The first step lit: X times three matrices becomes Q, K and V, each 3 by 8](figures/03_strips_1.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** As on page 01, nothing new: three matrices, three results. Ask for the shape of W_Q: 8 by 8.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Step 2 lit: the columns of Q, K and V are cut in two, and each head gets its half of all three](figures/03_strips_2.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Cut columns, not rows: each head sees every word, but only some of its numbers. Ask for the shape of one head's Q: 3 by 4.

# %% [markdown]
# Two operations do it. `unflatten` cuts the last axis, 4 numbers, into 2 heads of 2: (1, 3, 4) becomes (1, 3, 2, 2). Then
# `transpose(1, 2)` lets the axes of words and heads trade places, so that a head comes first and has its table of words.
# What are the first head's numbers of the second word, 4, 5, 6, 7?

# %%
guess = None  # two numbers

# %%
cut = hidden.unflatten(-1, (2, 2))  # (batch, word, head, number)
heads = cut.transpose(1, 2)  # (batch, head, word, number)
print("head 1:", heads[0, 0], "head 2:", heads[0, 1], sep="\n")
print("second word, head 1:", heads[0, 0, 1], "   your guess:", guess)

# %% tags=["check:split"]
# checked: a head has its columns of every word, and a plain change of shape would not do that
assert torch.equal(heads[0, 0], hidden[0, :, :2]) and torch.equal(heads[0, 1], hidden[0, :, 2:])
assert heads.shape == (1, 2, 3, 2) and not torch.equal(hidden.reshape(1, 2, 3, 2), heads)

# %% [markdown]
# 4 and 5: its first two. Head 1 has the first two columns, head 2 the last two. (Going from (1, 3, 4) to (1, 2, 3, 2) in a single step of `view` also runs, but it mixes words and heads. It is a
# classic bug, and an exercise below.)
#
# **Attend.** Each head now does what page 01 does, with no knowledge of the other: its queries meet its keys, softmax gives its weights, and it averages its values.
# Scores are divided by the root of *its* number of columns.
#
# ![Step 3 lit: head 1 and head 2 each have a table of weights, 3 by 3, and a result, 3 by 4](figures/03_strips_3.svg)
#
# The function of page 01 works on the last two axes, whatever stands in front. So it does all heads at once:

# %%
result, weights = scaled_dot_product_attention(heads, heads, heads)  # query, key and value are the same here
print("result: ", tuple(result.shape), "  batch, head, word, number")
print("weights:", tuple(weights.shape), "  batch, head, word that looks, word that is looked at")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Step 3 lit: head 1 and head 2 each have a table of weights, 3 by 3, and a result, 3 by 4](figures/03_strips_3.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Two tables of weights, each with rows that add up to 1. This is what two heads have and one has not. By which root is divided? Of 4, not of 8.

# %% [markdown]
# **Merge.** The same steps backwards: words first again, then lay the heads' results side by side. `flatten(2)` makes one axis of all axes from number 2 on: 2 heads of 2 numbers become 4.
#
# ![Step 4 lit: the two results, light and dark, side by side are 3 by 8 again](figures/03_strips_4.svg)

# %%
merged = result.transpose(1, 2).flatten(2)
print("merged: ", tuple(merged.shape), "  batch, word, number")

# %% tags=["check:merge"]
# checked: merging undoes splitting, and each part of the merged result is attention on that part of the numbers
assert torch.equal(heads.transpose(1, 2).flatten(2), hidden)
for columns in (slice(0, 2), slice(2, 4)):
    part = hidden[..., columns]
    assert torch.allclose(merged[..., columns], scaled_dot_product_attention(part, part, part)[0])

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Step 4 lit: the two results, light and dark, side by side are 3 by 8 again](figures/03_strips_4.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Same shape as X. Ask: can a light number depend on what the dark head saw? Not yet.

# %% [markdown]
# **Mix.** So far no number of head 1's result knows anything of head 2. A last matrix, $W_O$, changes that: every number of the output is made of all numbers of both heads.
#
# ![Step 5 lit: the merged result times W_O is the output, 3 by 8, in which the heads are mixed](figures/03_strips_5.svg)
#
# As a formula (Vaswani et al. 2017, section 3.2.2), with $Q_i$, $K_i$, $V_i$ for the columns of head $i$:
#
# $$\mathrm{head}_i = \mathrm{Attention}(Q_i, K_i, V_i) \qquad \mathrm{output} = \mathrm{Concat}(\mathrm{head}_1, \dots, \mathrm{head}_h)\, W_O$$

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Step 5 lit: the merged result times W_O is the output, 3 by 8, in which the heads are mixed](figures/03_strips_5.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Only here do the heads meet. Ask what would be lost without W_O: each number would know of one head alone.

# %% [markdown]
# Is this what the library's module computes? It has four learned maps: `attention.query`, `.key`, `.value` and `.output`, each a matrix and a bias. We do it
# the slow way, one head after the other, and compare. The numbers are random: 2 sentences, 5 words, 24 numbers, 4 heads.

# %% tags=["teaches"]
torch.manual_seed(0)
attention = MultiHeadAttention(hidden_size=24, num_heads=4)
words = torch.randn(2, 5, 24)
Q, K, V = attention.query(words), attention.key(words), attention.value(words)
results = []
for start in range(0, 24, 6):  # the first column of each head
    own = slice(start, start + 6)
    results.append(scaled_dot_product_attention(Q[..., own], K[..., own], V[..., own])[0])
output = attention.output(torch.cat(results, dim=-1))  # side by side, then W_O
assert torch.allclose(output, attention(words)[0], atol=1e-6)

# %% tags=["check:three-agree"]
# checked: PyTorch's own nn.MultiheadAttention, given the same parameters, computes the same
official = torch.nn.MultiheadAttention(24, 4, batch_first=True)
with torch.no_grad():
    three = attention.query, attention.key, attention.value
    official.in_proj_weight.copy_(torch.cat([part.weight for part in three]))
    official.in_proj_bias.copy_(torch.cat([part.bias for part in three]))
    official.out_proj.load_state_dict(attention.output.state_dict())
    theirs, their_weights = official(words, words, words, average_attn_weights=False)
assert torch.allclose(output, theirs, atol=1e-6) and torch.allclose(attention(words)[1], their_weights, atol=1e-6)

# %% [markdown]
# It is (the `assert` would stop the page otherwise), and so is PyTorch's own `nn.MultiheadAttention`, given the same parameters. The library cuts and attends at once, which is faster; you will write it that way in the exercises.
#
# ## 3. What do more heads cost?
#
# A **parameter** is a learned number. (They are often called *weights*, too; on this page *weights* are those of attention.) With 24 numbers a word, each of the four matrices has
# $24 \times 24$ parameters and 24 for its bias: $4 \times (576 + 24) = 2{,}400$ for one head. How many for 8 heads?

# %%
guess = None  # parameters with 8 heads

# %%
for num_heads in (1, 2, 4, 8, 24):
    parameters = sum(matrix.numel() for matrix in MultiHeadAttention(24, num_heads).parameters())
    weights = num_heads * 5 * 5  # of five words
    print(f"{num_heads:2} heads of {24 // num_heads:2} numbers: {parameters:,} parameters, {weights:3} attention weights")
print("your guess for 8 heads:", guess)

# %% tags=["check:cost-of-heads"]
# checked: the multiplications are as many; heads of a fixed size would need more parameters
from torch.utils.flop_counter import FlopCounterMode

operations = []
for num_heads in (1, 8):
    with FlopCounterMode(display=False) as counter:
        MultiHeadAttention(24, num_heads)(words)
    operations.append(counter.get_total_flops())
assert operations[0] == operations[1] and 4 * (24**2 + 24) == 2400
assert all(sum(one.numel() for one in MultiHeadAttention(24, heads).parameters()) == 2400 for heads in (1, 2, 4, 8, 24))

# %% [markdown]
# The same 2,400, however many heads: they share out the columns of the same matrices. The multiplications in matrix products are as many, too. What grows is the number of attention weights, a table for each head.
#
# This holds where heads share out the hidden size, as in BERT: 768 numbers, 12 heads of 64. Had each new head 24 numbers of its own, the matrices would grow with every head.
# The free choice has a price, too: more heads are *narrower* heads. With 24 heads a query and a key are compared by a single number.
#
# **Play with it.** Move the slider. What changes, what stays?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### More heads, narrower heads

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
play("heads")

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Before you touch it: how many parameters with 24 heads? As many as with one. What grows? The attention weights. What shrinks? The numbers by which a head compares.

# %% [markdown]
# ## 4. A task with two answers
#
# Is section 1 more than a nice example? We test it on a task in which each position needs two things. Rows of random letters, and at each position a model has to name
# **two** letters: the one before and the one after. Letters are random, so nothing helps but looking.
#
# ![A row of random letters; at the h both neighbours, a and c, are to be named. Below: letters and positions become vectors, one attention with 1 or 2 heads, nothing or a network, scores for before and after](figures/03_task.svg)
#
# The model is one attention. From what it found, one matrix reads off the scores for both letters: a **linear read-out**. We train it with one head and with two; all else is equal, also the number of
# parameters. There are 10 letters and 8 positions. (The first position has no letter before it, the last none after it: these are not asked.)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![A row of random letters; at the h both neighbours, a and c, are to be named. Below: letters and positions become vectors, one attention with 1 or 2 heads, nothing or a network, scores for before and after](figures/03_task.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let the class vote: in what share of positions will one head name both letters right? Whoever knows one side and guesses the other gets 1 in 10.

# %% [markdown]
# Whoever knows one neighbour and guesses the other names both in 1 of 10 cases. Whoever knows both letters but not their order is right about every second time. After 300 training
# steps (page 02), in what share of the positions does one head name both?

# %%
guess = None  # a share between 0 and 1

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.neighbours import mean_weights, train_neighbours

plain = {heads: train_neighbours(heads) for heads in (1, 2)}  # three models each, from three random starts
for heads, trained in plain.items():
    print(f"{heads} head{'s' * (heads > 1)}: both right", [round(share, 2) for share in trained.both[-1].tolist()])
    print("    the letter before, the letter after", [[round(x, 2) for x in pair] for pair in trained.sides.tolist()])
print("your guess for one head:", guess)

# %% tags=["check:one-linear"]
# checked: two heads name both nearly always; one head names one side well and the other hardly better than by chance
assert plain[2].both[-1].min() > 0.97
assert plain[1].both[-1].min() > 0.05 and plain[1].both[-1].max() < 0.4
assert plain[1].sides.amax(dim=1).min() > 0.8 and plain[1].sides.amin(dim=1).max() < 0.45
sizes = {sum(one.numel() for one in trained.models[0].parameters()) for trained in plain.values()}
assert len(sizes) == 1

# %% [markdown]
# Each list has three numbers, from three random starts: a result of one start could be luck. With two heads, both letters are right practically always. With one head, they are right in about a fifth of
# the positions or less. And look at the sides: one of the two letters comes out right more than nine times in ten, the other in about a fifth of the cases; guessing gives a tenth. Which side it is, differs from start to start.
#
# Where do the heads look? We average the weights over 500 rows and draw them, of the first start: the only head, and the two heads.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Where do they look?

# %% slideshow={"slide_type": "-"} tags=["timing", "nbval-ignore-output"]
only, pair = mean_weights(plain[1].models[0]), mean_weights(plain[2].models[0])
_, axes = plt.subplots(1, 3, figsize=(13, 4.6), layout="constrained")
positions = [str(position) for position in range(1, 9)]
for ax, table, title in zip(axes, (only[0], pair[0], pair[1]), ("the only head", "two: head 1", "two: head 2"), strict=True):
    ax = attention_heatmap(table, positions, ax=ax, numbers=False, title=title)

# %% tags=["check:where-heads-look"]
# checked: the only head looks both ways; of two, one looks back and one ahead; the only head names the side at which it looks more
back, ahead = ([float(table.diagonal(step).mean()) for table in (only[0], pair[0], pair[1])] for step in (-1, 1))
assert min(back[0], ahead[0]) > 0.25 and min(max(back[1:]), max(ahead[1:])) > 0.7 and min(back[1:] + ahead[1:]) < 0.1
for model, sides in zip(plain[1].models, plain[1].sides, strict=True):
    table = mean_weights(model)[0]
    assert (table.diagonal(-1).mean() > table.diagonal(1).mean()) == (sides[0] > sides[1])

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Left: two stripes, both neighbours at once. Right: one stripe each. Corners: the first position has nothing before it, the last nothing behind it, and nobody asks them.

# %% [markdown]
# The only head has two stripes: it looks at both neighbours at once, and so gets a mixture of two letters. It can name the one that it mixes in a little more strongly. Of the two heads one looks
# back, the other ahead, and nothing gets mixed. (The first row and the last look odd: these positions are not asked, so nothing taught them where to look.)
#
# ### Is it impossible, then, with one head?
#
# That would be too strong. Say it mixes 0.6 of *a* with 0.4 of *c*. No other pair of letters gives exactly this mixture, so the information *is* there. Only the read-out is too simple to undo the mixing: it is linear.
# So we give it a small network to think with, two layers with a bend between them (page 05), and train both again. Equal, as before: everything but the number of heads.
# How many of the positions will one head with a network get right?

# %%
guess = None  # a share between 0 and 1

# %% tags=["timing", "nbval-ignore-output"]
thinking = {heads: train_neighbours(heads, network=True) for heads in (1, 2)}
print("steps            ", *[f"{step:5}" for step in plain[1].steps])
for name, trained in (("plain", plain), ("network", thinking)):
    for heads in (1, 2):
        shares = trained[heads].both.mean(dim=1).tolist()  # of the three starts
        print(f"{heads} head{'s' * (heads > 1):1}, {name:8}", *[f"{share:5.2f}" for share in shares])
print("your guess for one head with a network:", guess)

# %% tags=["check:one-with-network"]
# checked: with a network one head gets there, too, but later than two heads without one
assert thinking[1].both[-1].min() > 0.9 and thinking[2].both[-1].min() > 0.9
mean = {name: trained.both.mean(dim=1) for name, trained in (("one", thinking[1]), ("two", plain[2]), ("both", thinking[2]))}
when = {
    name: next(step for step, share in zip(plain[1].steps, shares, strict=True) if share > 0.9) for name, shares in mean.items()
}
assert when["two"] < when["both"] < when["one"]
with torch.no_grad():
    uneven = [mean_weights(model)[0] for model in thinking[1].models]
assert all(abs(table.diagonal(-1).mean() - table.diagonal(1).mean()) > 0.1 for table in uneven)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## One head and a network
#
# Share of positions at which both letters are right, mean of three starts:
#
# | steps | 60 | 120 | 180 | 240 | 300 |
# | --- | --- | --- | --- | --- | --- |
# | 1 head | 0.14 | 0.16 | 0.15 | 0.17 | 0.17 |
# | 2 heads | **1.00** | 1.00 | 1.00 | 1.00 | 1.00 |
# | 1 head, network | 0.18 | 0.67 | **0.99** | 1.00 | 1.00 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** The honest slide. One head is not too few to *hold* both letters: 0.6 of one and 0.4 of the other can be undone, but not by a linear read-out. Who sees how BERT differs? It has such a network behind each attention.

# %% [markdown]
# Read the third line: one head with a network gets there, too, in all three starts. So one head *can* hold both letters, mixed unevenly, and a network can take them apart again. What remains of our claim is smaller and still useful:
# **with a head for each answer there is nothing to undo**, and it is learned in fewer steps. Two heads pass 0.9 after 60 steps, or after 90 with the network; one head with the network passes it after 180.
#
# Even the plain head is not stuck for ever. Let it train three times as long:

# %% tags=["timing", "nbval-ignore-output"]
longer = train_neighbours(1, steps=900, every=100)
print("steps        ", *[f"{step:5}" for step in longer.steps])
for number, shares in enumerate(longer.both.T.tolist(), start=1):
    print(f"1 head, start {number}", *[f"{share:4.2f}" for share in shares])

# %% tags=["check:one-for-longer"]
# checked: trained for longer the plain head improves; its weights then depend on the letters, and with fixed weights it fails
from bertnotes.neighbours import right_with_fixed_weights

assert longer.both[-1].mean() > plain[1].both[-1].mean() + 0.03
best = longer.models[int(longer.both[-1].argmax())]
assert right_with_fixed_weights(best) < 0.6 * longer.both[-1].max()
assert all(right_with_fixed_weights(model) > 0.9 for model in thinking[1].models)

# %% [markdown]
# It goes on learning, in some starts faster than in others. The best one has found another way: its weights now depend on the letters. If we fix them at their average, it falls back to about
# what it had before. (The head with a network does not need that trick: with its weights fixed it is as good as before.)
#
# <details><summary>For the curious: what a linear read-out cannot do</summary>
#
# Suppose the head always takes the share $w$ of the letter before and $u < w$ of the letter after. Then no linear read-out names the letter after every time, if there are three letters or more.
# Let $M_{xy}$ be the score that a share of 1 of letter $y$ gives to the answer $x$. After $a$ and before $b$, the answer $b$ must beat $a$: $w M_{ba} + u M_{bb} > w M_{aa} + u M_{ab}$. The same with $a$ and $b$ swapped.
# The two together give $M_{ab} > M_{bb}$ for any two letters. And $b$ must beat a third letter $x$: $w (M_{ba} - M_{xa}) > u (M_{xb} - M_{bb}) > 0$, so $M_{ba} > M_{xa}$. With $x$ and $b$ swapped it must be the other way round, too: impossible.
# (A constant that is added to each answer changes nothing: it can be made part of $M$.) With equal shares even a network could not tell the order.
#
# </details>

# %% [markdown]
# In BERT such a network follows every attention. So from this toy alone it does not follow that BERT *needs* twelve heads. It shows what several heads make easy. How much a trained BERT uses them is a
# question for a trained BERT.
#
# ## 5. The same in a real BERT
#
# mini, the small BERT that comes with the course, has 6 layers of 12 heads. Does the loop of section 2, with the parameters of its first layer, compute what BERT computes?

# %%
from bertnotes import load_encoder, load_tokenizer
from bertnotes.encoder import BertEncoder

tokenizer, model = load_tokenizer(), BertEncoder.from_pretrained()
inputs = tokenizer("The sister cried because the dog died.", return_tensors="pt")
tokens = tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
print(f"{layers} layers, {heads} heads of {model.config.hidden_size // heads} numbers each")

# %% tags=["teaches"]
with torch.no_grad():
    outputs = model(**inputs)
    bert, words = model.layers[0].attention, outputs.hidden_states[0]  # the first layer, and what goes into it
    Q, K, V = bert.query(words), bert.key(words), bert.value(words)
    rows = []
    for start in range(0, 384, 32):
        own = slice(start, start + 32)
        rows.append(scaled_dot_product_attention(Q[..., own], K[..., own], V[..., own])[1])
assert torch.allclose(torch.stack(rows, dim=1), outputs.attentions[0], atol=1e-5)

# %% tags=["check:bert-is-the-loop"]
# checked: transformers' BERT has the same attention weights in its first layer, and mini has 6 layers of 12 heads of 32
with torch.no_grad():
    theirs = load_encoder()(**inputs, output_attentions=True).attentions[0]
assert torch.allclose(torch.stack(rows, dim=1), theirs, atol=1e-5)
assert (layers, heads, model.config.hidden_size) == (6, 12, 384)

# %% [markdown]
# It does, and `transformers` agrees. Here are four of the twelve heads of this layer, on one sentence: same words, same layer, four different looks.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Four heads of one layer

# %% slideshow={"slide_type": "-"}
_, axes = plt.subplots(2, 2, figsize=(12, 11.5), layout="constrained")
for head, ax in zip((3, 4, 6, 10), axes.flat, strict=True):
    ax = attention_heatmap(outputs.attentions[0][0, head - 1], tokens, ax=ax, numbers=False, title=f"layer 1, head {head}")

# %% tags=["check:four-heads"]
# checked: head 3 looks at the token before; head 10 at [CLS] with more than half; head 4 hardly there; head 6 more back than ahead
first = outputs.attentions[0][0]
asked = slice(1, -1)  # the words and the full stop
assert first[2].diagonal(-1)[:-1].min() > 0.9
to_cls = first[:, asked, 0].mean(dim=-1)
assert 0.5 < to_cls[9] < 0.65 and to_cls[3] < 0.05 and first[9].max() < 0.95
assert first[5].diagonal(-1)[:-1].mean() > 3 * first[5].diagonal(1)[1:].mean()

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Head 3 always looks at the token before. Head 10 looks mostly at [CLS]. Ask what that could be good for; page 07 has an answer, so leave it open.

# %% [markdown]
# *Head 3* looks at the token before, with nearly all of its weight: what the first of our two toy heads had to learn, a head of BERT has learned, too. *Head 6* looks more
# back than ahead. *Head 4* looks at several words. *Head 10* puts more than half of its weight on `[CLS]`, the special token at the beginning, which is no word at all. Many heads do that. A
# head that finds nothing to look for still has to put its 1 somewhere; page 07 measures what such heads add.
#
# ## 6. Which heads would be missed?
#
# To find out whether a head is needed, we can switch it off. We set the rows of $W_O$ that its result meets to 0: then what it found reaches nobody. And we let mini do what it was trained for: name hidden words
# (page 06), in texts from the course's reviews.
#
# How good is a guess? mini gives each word a probability. The **loss** is $-\ln p$, where $p$ is the probability it gave to the right word: 0 if it was sure, and larger the more it is surprised. We average it over
# all hidden words. $e^{\text{loss}}$ is the **perplexity**: a model with perplexity 50 is, on average, as unsure as if it had to pick among 50 equally likely words.

# %%
import math

from bertnotes.pruning import change_without_each, hidden_word_exam, loss_without, losses

choosing, measuring = hidden_word_exam(tokenizer)  # two exams of hidden words, on different reviews
loss = losses(model, choosing).mean().item()
print(f"{len(losses(model, choosing))} hidden words, loss {loss:.1f}, perplexity about {math.exp(loss):.0f}")

# %% [markdown]
# Now switch off each of the 72 heads, one at a time. Most people expect that each is missed a little. What do you expect: in how many of the 72 cases does the loss go *down*, so that mini is better
# without the head?

# %%
guess = None  # a number from 0 to 72

# %% tags=["timing", "nbval-ignore-output"]
changes = change_without_each(model, choosing)  # (layer, head, hidden word)
change = changes.mean(dim=-1)
worst, typical = change.max().item(), change.abs().median().item()
print(f"most missed: layer {1 + int(change.argmax()) // heads}, head {1 + int(change.argmax()) % heads}: loss {worst:+.3f}")
print(f"a typical head changes the loss by {typical:.3f}, up or down: the first is {worst / typical:.0f} times as much")
print(f"better without it: {(change < 0).sum()} of {change.numel()} heads, at most {change.min():+.3f}; your guess: {guess}")

# %% tags=["check:each-head"]
# checked: one head, layer 2 head 9, is missed far more than a typical one; without many heads the loss goes down
assert divmod(int(change.argmax()), heads) == (1, 8) and worst > 10 * typical
assert 12 < (change < 0).sum() < 40
errors = changes.std(dim=-1) / changes.shape[-1] ** 0.5  # how far a change may be off by the luck of these words
helps, needed = (change < -2 * errors).sum(), (change > 2 * errors).sum()
assert helps <= 6 < 10 + needed

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Switch off one head: how does the loss change?

# %% slideshow={"slide_type": "-"} tags=["timing", "nbval-ignore-output"]
strongest = change.abs().max().item()  # layer 2, head 9
ax = head_map(change, title="loss without the head, minus loss with all, in thousandths")

# %% tags=["check:head-map"]
# checked: the strongest change is that of the most missed head
assert strongest == worst

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** One head stands out: layer 2, head 9. Nearly white means: hardly any change. Slate means: better without it. Ask whether these heads are harmful. With so few words, most of them are chance.

# %% [markdown]
# Magenta heads are missed: without them the loss rises. Slate ones are not: without them it falls. White is a change near 0. (From 0.05 on the colour is full, so that one head does not make all others white; the numbers
# in the cells are thousandths.) One head stands out, layer 2, head 9. Most others change the loss by less than 0.02 in either direction.
#
# Is mini really better off without the slate ones? Careful: we have asked only some 150 words, and each change has an error of its own. Few of the slate heads lie below 0
# by more than twice their error, and among 72 heads one or two would by chance alone. So these heads are *not needed here*; that they do harm, this exam does not show. Michel et al.
# (2019) did the same with a translator and with BERT: most heads could be removed one at a time with hardly any loss, and some made the result better.

# %% [markdown]
# ### Together
#
# Each of these heads was switched off *alone*, while all others were there to fill in. Can many go at once? We sort the heads by the map and switch off the 18 least missed, then 36, then 54. Beside it, three random orders.
# We measure on the second exam: an order that was chosen on the first looks better there than it is. With all heads the loss is about 4.3 on this exam, and with none it is nearly 7. What is it without the 36 that are missed least?

# %%
guess = None  # the loss without the 36 least missed heads

# %% tags=["timing", "nbval-ignore-output"]
counts = [0, 18, 36, 54]
places = [divmod(number, heads) for number in range(layers * heads)]  # (layer, head) of each
order = [places[number] for number in change.flatten().argsort().tolist()]  # the least missed first
curves = {"least missed first": loss_without(model, measuring, order, counts)}
for seed in range(3):
    shuffled = torch.randperm(len(places), generator=torch.Generator().manual_seed(seed)).tolist()
    curves[f"random order {seed + 1}"] = loss_without(model, measuring, [places[number] for number in shuffled], counts)
for name, curve in curves.items():
    print(f"{name:18}", *[f"{value:5.2f}" for value in curve], "" if name[0] == "r" else f"   your guess for 36: {guess}")

# %% tags=["check:together"]
# checked: the heads that are missed least can go with less harm than random ones, and half of them not for nothing
chosen, *random = curves.values()
assert all(chosen[2] < other[2] and chosen[3] < other[3] for other in random) and 0.02 < chosen[2] - chosen[0] < 0.3
nobody = loss_without(model, measuring, order, [72])[0]
assert all(0.5 < other[2] - other[0] < 2 for other in random) and abs(chosen[3] - chosen[0] - 0.28) < 0.1
assert 4.2 < chosen[0] < 4.5 and 6 < nobody < 7.2

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Switch off many: which order?

# %% slideshow={"slide_type": "-"} tags=["timing", "nbval-ignore-output"]
means = [sum(at) / 3 for at in zip(*random, strict=True)]
lines = {"least missed": chosen, "random": means}
ax = line_chart(counts, lines, xlabel="heads switched off, of 72", title="loss at hidden words, second exam", logarithmic="")

# %% tags=["check:mean-of-random"]
# checked: the drawn line of the random orders is their mean
assert means[0] == chosen[0] and abs(means[2] - sum(other[2] for other in random) / 3) < 1e-9

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Both lines start at the same point. Half of the heads, well chosen, cost about a tenth; chosen by chance, 0.8 to 1.6. Ask what one would have to do to remove them for good: train again.

# %% [markdown]
# Sorted, the heads can go in numbers. Without the 18 least missed the loss rises by 0.05, without 36 by about 0.1, without 54 by 0.3. A random half costs 0.8 to 1.6. As perplexity: +0.1 multiplies it by $e^{0.1} \approx 1.1$, +0.8 by 2.2.
# So mini could do its task almost as well with half of its heads, if they are chosen well. One at a time, though, is not enough to know: alone, the least missed 36 seem to cost nothing or less; together they do cost a little.
#
# Michel et al. removed heads together, too. In the order of an importance that they computed from gradients, about 20 % of the heads of a translator and 40 % of those of a fine-tuned BERT could go without a noticeable
# loss; beyond that, quality fell sharply. Their measures are BLEU and accuracy, ours is the loss, and they did not train again. Voita et al. (2019) did: with gates that learn which heads to close, 38 of the 48 encoder heads
# of a translator went, for 0.15 BLEU.
#
# (What we switch off is a head's result. mini keeps computing it, so nothing becomes faster. To save time one would cut its columns out of all four matrices.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A head has one row of weights for each word, so it gives one average. Two heads give two.
# - Split, attend, merge, mix: heads share out the columns, and more heads cost no parameters.
# - One head *can* carry two things in an uneven mix, if a network un-mixes them. Two heads make it easy.
# - In mini most heads are hardly missed. Half of them can go for about +0.1 of loss if well chosen; a random half costs far more.
#
# **Next:** who may look at whom? Page 04 compares readers that look to one side with those that look to both.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Close the lid: what is the shape of one head's weights? And why do more heads cost no parameters?

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
# `hidden` is (batch, position, size). Cut the last axis into `num_heads` equal parts, head 1 getting the first columns, and return (batch, head, position, head size).

# %% [markdown] tags=["hint:split_heads"]
# Two steps: cut the last axis in two, which gives (batch, position, head, head size); then let two axes trade places.

# %% [markdown] tags=["hint:split_heads"]
# `hidden.unflatten(-1, (num_heads, -1))` cuts; -1 stands for "as many as are left". `transpose(1, 2)` swaps.


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
# Undo the last step first: let the axes of heads and positions trade places.

# %% [markdown] tags=["hint:merge_heads"]
# Then make one axis of the last two: `flatten(2)`, or `reshape(batch, position, -1)`. (`view` raises an error after `transpose`, as the numbers lie in another order in memory.)


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
# Put it together. `hidden` is (batch, position, size), `mask` is None or True where a position may look. `weights` is a dict of parameters: `"query.weight"` and `"query.bias"`, the same for `key`, `value` and `output`,
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
# is what swaps axes. Nothing raises an error, and a model even trains like this, only worse.

# %% [markdown]
# ## Sources
#
# - Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin (2017). *Attention Is All You Need.* Section 3.2.2. arXiv:1706.03762
# - Michel, Levy, Neubig (2019). *Are Sixteen Heads Really Better than One?* arXiv:1905.10650
# - Voita, Talbot, Moiseev, Sennrich, Titov (2019). *Analyzing Multi-Head Self-Attention: Specialized Heads Do the Heavy Lifting, the Rest Can Be Pruned.* arXiv:1905.09418
# - Devlin, Chang, Lee, Toutanova (2019). *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* arXiv:1810.04805
