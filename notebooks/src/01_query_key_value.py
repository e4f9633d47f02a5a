# %% [markdown] slideshow={"slide_type": "slide"}
# # 01 · Query, key, value
#
# **The question:** how can a word look at other words and take from each just as much as it needs?
#
# The answer is one formula, called *attention*. It is the heart of BERT. Here we work it out by hand for three
# words, with numbers that you can check on paper, and then see why each of its parts is there.
#
# **You need:** Python and school algebra. **Time:** about 30 minutes. The cells build on each other: run them in order.

# %% slideshow={"slide_type": "skip"}
import math

import matplotlib.pyplot as plt
import torch

from bertnotes.pictures.attention import attention_heatmap, vector_arrows, weight_bars
from bertnotes.pictures.charts import line_chart
from bertnotes.pictures.style import BLUE, ORANGE

torch.manual_seed(0)
torch.set_printoptions(precision=2, sci_mode=False)
print("ready")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1. From a search engine to a soft look-up
#
# A search engine has three things in it:
#
# - the **query**: what you typed,
# - the **keys**: what each page says that it is about,
# - the **values**: the pages themselves, which is what you get.
#
# It compares the query with every key and hands you the values whose keys fit best. Query, key and value mean the same
# in BERT; only the comparing is done with numbers.

# %% [markdown]
# A Python dictionary is the simplest search engine: keys, values, and a query that must fit **exactly**.
# Here it keeps the length of three films, in minutes.

# %%
minutes = {"comedy": 90, "thriller": 120, "black comedy": 105}
print(minutes["comedy"])
print(minutes.get("something funny"))

# %% [markdown]
# Nearly right is no use to a dictionary: "something funny" gets nothing at all.
#
# So let us describe each film by two numbers, *how funny* and *how frightening*, and describe what we want in the
# same way. Then query and keys are **vectors**, and we can measure how well they fit.

# %% slideshow={"slide_type": "subslide"}
films = ["comedy", "thriller", "black comedy"]
film_keys = torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
film_values = torch.tensor([90.0, 120.0, 105.0])
wish = torch.tensor([2.0, 0.0])  # very funny, not frightening
ax = vector_arrows(film_keys, films, title="keys (blue); query (orange, drawn shorter)")
ax = vector_arrows(wish[None] * 0.6, [""], color=ORANGE, ax=ax)
print(film_keys)

# %% [markdown] slideshow={"slide_type": "subslide"}
# The measure is the **dot product**: multiply number by number, then add up. Vectors that point the same way
# score high, vectors at a right angle score 0, opposite ones score below 0.
#
# For the black comedy: $2 \times 1 + 0 \times 1 = 2$.

# %%
film_scores = film_keys @ wish
print(film_scores)
assert film_scores[2] == 2 * 1 + 0 * 1

# %% [markdown]
# The comedy fits best, but the black comedy fits a little, too. So we take **something of each value**: we turn the
# scores into shares that add up to 1 and take the average with these shares.

# %%
shares = film_scores / film_scores.sum()
answer = (shares * film_values).sum()
print("shares:", shares, "answer:", answer)
assert answer == 2 / 3 * 90 + 1 / 3 * 105

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A question
#
# Sharing out by simple division worked here. **For which query does it go wrong?**
#
# Think of a wish with a number below 0 in it, such as $(2, -1)$: very funny, and please *not* frightening. What
# are its three scores, and what are its shares? Write them down before you run the next cell.

# %%
picky = film_keys @ torch.tensor([2.0, -1.0])
print("scores:", picky, "shares:", picky / picky.sum())
assert (picky / picky.sum()).min() < 0

# %% [markdown]
# A share below 0 makes no sense: minus 67 % of a thriller. And had the scores added up to 0, we would have
# divided by 0.
#
# The remedy: before sharing out, make every score positive with the exponential function, $e^{\text{score}}$. It is
# never 0 or below, and it keeps the order: a larger score stays larger. This is the **softmax**:
#
# $$\mathrm{softmax}(s)_i = \frac{e^{s_i}}{e^{s_1} + e^{s_2} + \dots + e^{s_n}}$$

# %% slideshow={"slide_type": "subslide"}
positive = torch.exp(picky)
film_weights = positive / positive.sum()
print("e to the scores:", positive)
print("weights:", film_weights)
assert torch.allclose(film_weights, picky.softmax(dim=0))  # torch has it built in
ax = weight_bars(film_weights, films, title="how much of each film, by softmax")

# %% [markdown]
# All weights are above 0 and they add up to 1. Largest score, largest weight. The answer is the weighted average
# of the values: a soft look-up in a dictionary.

# %%
assert film_weights.min() > 0 and film_weights.sum().isclose(torch.tensor(1.0))
print(f"{(film_weights * film_values).sum():.1f} minutes")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2. The formula
#
# Attention is this look-up for many queries at once. Put all queries into the rows of one matrix $Q$, all
# keys into the rows of $K$, all values into the rows of $V$ (Vaswani et al. 2017, equation 1):
#
# $$\mathrm{Attention}(Q, K, V) = \mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V$$
#
# - $Q K^\top$: every query's dot product with every key; row = query, column = key;
# - $d_k$: how many numbers a key has. Why we divide by its root comes in section 5;
# - softmax, row by row: scores become weights. Times $V$: the weighted average of the values.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3. Three words, by hand
#
# Our sentence is *cats chase mice*. Each word is a vector of two numbers. In BERT they are learned, and there are
# hundreds; we make two up: the first says *how much of a thing* the word is, the second *how much it acts*.

# %%
words = ["cats", "chase", "mice"]
X = torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, -1.0]])
ax = vector_arrows(X, words, title="the three words: across = thing, up = acts")
print(X)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Step 1: project
#
# Each word plays three parts. It **asks** (query), it **says what it has** (key), and it **gives** (value). For each
# part there is a matrix, and $Q = X W_Q$, $K = X W_K$, $V = X W_V$. BERT learns the matrices. Ours:
#
# - $W_Q$ swaps the two numbers: an action asks for things, a thing asks for an action;
# - $W_K$ changes nothing, to keep the sums short;
# - $W_V$ turns $(a, b)$ into $(a + 2b,\; 2a)$: what is given need not look like what is asked for.

# %%
W_Q = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
W_K = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
W_V = torch.tensor([[1.0, 2.0], [2.0, 0.0]])
Q, K, V = X @ W_Q, X @ W_K, X @ W_V
print("Q", Q, "K", K, "V", V, sep="\n")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Check one of each on paper. *chase* is $(0, 2)$, so its query is $(2, 0)$, its key is $(0, 2)$ and its value is
# $(0 + 2 \times 2,\; 2 \times 0) = (4, 0)$.

# %%
assert Q[1].tolist() == [2, 0] and K[1].tolist() == [0, 2] and V[1].tolist() == [4, 0]
_, axes = plt.subplots(1, 3, figsize=(11, 3.8), layout="constrained")
for ax, vectors, name in zip(axes, (Q, K, V), ("queries: asks", "keys: has", "values: gives"), strict=True):
    vector_arrows(vectors, words, color=ORANGE if name[0] == "q" else BLUE, ax=ax, title=name)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Step 2: dot product
#
# Every query with every key. Row *chase*, column *mice*: the query $(2, 0)$ and the key $(1, -1)$ give
# $2 \times 1 + 0 \times (-1) = 2$.

# %%
scores = Q @ K.T
print(scores)
assert scores[1].tolist() == [4, 0, 2]
ax = vector_arrows(K, [f"{word}: {score:.0f}" for word, score in zip(words, scores[1], strict=True)])
ax = vector_arrows(Q[1:2] * 0.6, [""], color=ORANGE, ax=ax, title="query of chase (orange), scores of keys")

# %% [markdown]
# The orange arrow is drawn shorter than it is, so that it does not hide *cats*, which points the same way. *chase* asks
# for things: *cats* scores 4, *mice* 2, and *chase* itself, at a right angle to its own query, 0.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Step 3: scale
#
# Divide by $\sqrt{d_k}$. Our keys have two numbers, so $d_k = 2$ and $\sqrt{d_k} \approx 1.41$. Nothing changes its
# place; the scores only come closer together.

# %%
d_k = K.shape[-1]
scaled = scores / math.sqrt(d_k)
print(f"d_k = {d_k}, its root = {math.sqrt(d_k):.2f}")
print(scaled)
assert (scaled.argsort(dim=-1, stable=True) == scores.argsort(dim=-1, stable=True)).all()

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Step 4: softmax
#
# Row by row. For *chase*: $e^{2.83} \approx 16.9$, $e^{0} = 1$ and $e^{1.41} \approx 4.1$, together $22.0$. So *cats* gets
# $16.9 / 22.0 \approx 0.77$.

# %%
weights = scaled.softmax(dim=-1)
print(torch.exp(scaled[1]), f"together {torch.exp(scaled[1]).sum():.1f}")
print(weights)
assert torch.allclose(weights.sum(dim=-1), torch.ones(3))
ax = weight_bars(weights[1], words, title="where chase looks")

# %% [markdown]
# All three rows at once make a **heatmap**, the picture that you will meet all through this course. A row is the word
# that looks, a column is the word that it looks at; the darker, the more. Each row adds up to 1.

# %% slideshow={"slide_type": "subslide"}
ax = attention_heatmap(weights, words, title="cats chase mice")
for word, row in zip(words, weights, strict=True):
    print(f"{word} looks most at {words[row.argmax()]}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Step 5: weighted sum
#
# Each word takes from each value as much as its row says. For *chase*, first number:
# $0.768 \times 2 + 0.045 \times 4 + 0.187 \times (-1) \approx 1.53$. The output lies between the values,
# nearest to that of *cats*.

# %%
output = weights @ V
print(output)
assert torch.allclose(output[1], weights[1, 0] * V[0] + weights[1, 1] * V[1] + weights[1, 2] * V[2])
ax = vector_arrows(V, words)
ax = vector_arrows(output[1:2], [""], color=ORANGE, ax=ax, title="values (blue), output of chase (orange)")

# %% [markdown] slideshow={"slide_type": "subslide"}
# That is all. *chase* went in as $(0, 2)$ and knows nothing of its neighbours; it comes out as a vector made of theirs.
# A word's vector now depends on the sentence that it stands in.
#
# Swap *mice* for something else, and the output of *chase* is another one, though *chase* is the same word:

# %%
changed = X.clone()
changed[2] = torch.tensor([2.0, 1.0])  # "dogs", say
other = (changed @ W_Q @ (changed @ W_K).T / math.sqrt(2)).softmax(dim=-1) @ changed @ W_V
print("chase with mice:", output[1])
print("chase with dogs:", other[1])
assert not torch.allclose(output[1], other[1], atol=0.1)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Try it: make a word look where you want
#
# Choose the word that shall be `wanted`, then find a query of two numbers that looks most at it. Try all three words.
# Before you start: which way must the query point? Mind that the dot product rewards length too: a long key can score
# high though it points a little aside.

# %%
wanted = "mice"  # change me: cats, chase or mice
query = torch.tensor([1.0, -3.0])  # change me

mine = (K @ query / math.sqrt(2)).softmax(dim=0)
ax = weight_bars(mine, words)
found = words[mine.argmax()]
longest = max((word for word in words if word != wanted), key=lambda word: K[words.index(word)].norm())
hint = f"the key of {wanted} is {K[words.index(wanted)].tolist()}: point that way, and away from the keys of the others: "
hint += f"a long key such as that of {longest} scores high even at an angle"
assert found == wanted, f"this query looks most at {found}; {hint}"
print("well asked: the largest weight is on", found)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4. The same, as a function
#
# The five steps, without the projection, are three lines of Python. We write them down once.


# %%
def attention(query, key, value):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    weights = scores.softmax(dim=-1)
    return weights @ value, weights


print(attention(Q, K, V)[0])
assert torch.equal(attention(Q, K, V)[0], output)

# %% [markdown]
# From here on we use the one in the course's library, `bertnotes`: the same lines, and a mask, which we come to below,
# and error messages that help. Later pages run BERT itself on it. Does it agree with ours, and with the one that
# comes with PyTorch? We ask with a larger example: 2 sentences, 4 heads (notebook 03), 5 words, 8 numbers each.

# %% slideshow={"slide_type": "subslide"}
from bertnotes import scaled_dot_product_attention

query, key, value = torch.randn(3, 2, 4, 5, 8)
ours, our_weights = attention(query, key, value)
library, library_weights = scaled_dot_product_attention(query, key, value)
pytorch = torch.nn.functional.scaled_dot_product_attention(query, key, value)
assert torch.allclose(ours, library, atol=1e-6) and torch.allclose(our_weights, library_weights, atol=1e-6)
assert torch.allclose(library, pytorch, atol=1e-5)
print("all three agree; output", tuple(library.shape), "weights", tuple(library_weights.shape))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5. Why divide by $\sqrt{d_k}$?
#
# A dot product is a sum of $d_k$ products. The more there are, the further the sum strays from 0. How far? Take random
# vectors whose numbers have mean 0 and variance 1. Each product then has variance 1 too, and variances of
# independent things add up: the dot product has variance $d_k$. We measure it, from 2 numbers a vector to 1,024.

# %%
sizes = [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
plain, divided = [], []
for size in sizes:
    q, k = torch.randn(2, 10_000, size)
    dots = (q * k).sum(dim=-1)
    plain.append(dots.var().item())
    divided.append((dots / math.sqrt(size)).var().item())
    print(f"d_k {size:5,}: variance {plain[-1]:5,.0f}, after division {divided[-1]:.2f}")

# %% slideshow={"slide_type": "subslide"}
ax = line_chart(
    sizes, {"dot product": plain, "divided": divided}, xlabel="$d_k$", title="variance of 10,000 dot products", logarithmic="xy"
)
for size, variance, after in zip(sizes, plain, divided, strict=True):
    assert abs(variance / size - 1) < 0.1 and abs(after - 1) < 0.1
print("the variance is d_k within 10 %; after the division it is 1 within 10 %")

# %% [markdown]
# The typical size of a score is the root of its variance, so $\sqrt{d_k}$ is just what brings it back to 1,
# however long the vectors are.
#
# And if we did not? Then one score is far above the others, and softmax gives it nearly all. Here are random
# queries before 8 random keys: the largest of the 8 weights, on average over 2,000 queries.

# %% slideshow={"slide_type": "subslide"}
without, with_scaling = [], []
for size in sizes:
    q, k = torch.randn(2_000, 1, size), torch.randn(2_000, 8, size)
    dots = (q * k).sum(dim=-1)
    without.append(dots.softmax(dim=-1).amax(dim=-1).mean().item())
    with_scaling.append((dots / math.sqrt(size)).softmax(dim=-1).amax(dim=-1).mean().item())
print(f"largest of 8 weights at d_k = 1,024: {without[-1]:.2f} without scaling, {with_scaling[-1]:.2f} with it")

# %%
lines = {"not scaled": without, "scaled": with_scaling}
ax = line_chart(sizes, lines, xlabel="$d_k$", title="largest of 8 weights, on average")
_ = ax.set_ylim(0, 1.05)
assert without[-1] > 0.9 and max(with_scaling) < 0.5

# %% [markdown] slideshow={"slide_type": "subslide"}
# Without scaling, attention turns back into the dictionary of section 1: all or nothing. That is bad for learning.
# Learning follows the slope: how much does a weight change when its score changes a little? For softmax
# the slope is $w(1 - w)$, which is nearly 0 where $w$ is nearly 0 or 1. First we check this slope with PyTorch's own
# derivative, for the weights of *chase*.

# %%
s = scaled[1].clone().requires_grad_()
w = s.softmax(dim=0)
(slope,) = torch.autograd.grad(w[0], s)
print(f"w = {w[0]:.3f}, w(1 - w) = {w[0] * (1 - w[0]):.3f}, slope by PyTorch = {slope[0]:.3f}")
assert torch.isclose(slope[0], w[0] * (1 - w[0]))

# %% [markdown]
# Now the slope of the largest weight for $d_k = 1{,}024$, on average over the 2,000 queries of above: without scaling,
# little is left to learn from.

# %%
w_without = dots.softmax(dim=-1).amax(dim=-1)
w_with = (dots / math.sqrt(1024)).softmax(dim=-1).amax(dim=-1)
slope_without, slope_with = ((w * (1 - w)).mean().item() for w in (w_without, w_with))
print(f"slope: {slope_without:.2f} without scaling, {slope_with:.2f} with it")
assert slope_with > 5 * slope_without

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6. Temperature
#
# Dividing the scores by some $T$ before softmax is a knob in its own right, called **temperature** ($\sqrt{d_k}$ is one
# choice of it). Cold: all goes to the best, as in a dictionary. Hot: everybody gets the same, a plain average.

# %%
_, axes = plt.subplots(1, 3, figsize=(10, 2.8), layout="constrained")
for ax, T in zip(axes, (0.2, 1.41, 20.0), strict=True):
    by_temperature = (scores[1] / T).softmax(dim=0)
    weight_bars(by_temperature, words, ax=ax, title=f"chase, T = {T}")
    print(f"T = {T:5.2f}:", by_temperature)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Both ends hold to the last digit that we care for: at $T = 0.01$ the answer is the value of the best key, at
# $T = 100{,}000$ it is the mean of all values.

# %%
cold = (scores[1] / 0.01).softmax(dim=0) @ V
hot = (scores[1] / 100_000).softmax(dim=0) @ V
print("cold:", cold, " value of cats:", V[0])
print("hot: ", hot, " mean of values:", V.mean(dim=0))
assert torch.allclose(cold, V[0]) and torch.allclose(hot, V.mean(dim=0), atol=1e-3)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Try it: set the temperature
#
# Find a temperature at which *chase* gives *cats* between 0.50 and 0.60. Must it be hotter or colder than 2?
# The line below starts inside the range; change the range, then find the temperature for yours.

# %%
low, high = 0.50, 0.60  # change me: anything between 0.34 and 1
T = 3.0  # change me

share = (scores[1] / T).softmax(dim=0)[0].item()
assert T > 0, "a temperature is above 0"
assert share >= low, f"cats get {share:.2f}, too little: make it colder (a smaller T)"
assert share <= high, f"cats get {share:.2f}, too much: make it hotter (a larger T)"
print(f"T = {T} gives cats {share:.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 7. Masks: who may look at whom
#
# Sometimes a word must not look at another one. A **mask** says so: a table of `True` and `False`, a row for each word
# that looks. In this course `True` always means **may look**. How it is done: a forbidden score becomes
# $-\infty$ before softmax, and $e^{-\infty} = 0$.
#
# The **causal mask** lets each word see itself and those before it, never those after it. GPT reads like this.

# %%
from bertnotes import causal_mask

print(causal_mask(3))
by_hand = scaled.masked_fill(~causal_mask(3), -math.inf)
print(by_hand)
print(by_hand.softmax(dim=-1))

# %% slideshow={"slide_type": "subslide"}
_, causal_weights = scaled_dot_product_attention(Q, K, V, causal_mask(3))
assert torch.allclose(causal_weights, by_hand.softmax(dim=-1))
ax = attention_heatmap(causal_weights, words, title="causal: only itself and back")
print(f"weight above the diagonal: {causal_weights.triu(1).sum():.0f}")
print("rows still sum to", causal_weights.sum(dim=-1))

# %% [markdown] slideshow={"slide_type": "subslide"}
# The weight that is taken away is not lost: softmax shares it out among the words that remain. *cats* may only look at
# itself now, so it does so with weight 1.
#
# BERT uses no causal mask: it looks both ways, and this is the *bidirectional* in its name. It does need the other
# mask, for **padding**. Sentences of one batch must be of one length, so the shorter ones are filled up with tokens
# that mean nothing. A tokenizer marks them with 0; `padding_mask` turns that into our `True` and `False`.

# %%
from bertnotes import padding_mask

marks = torch.tensor([[1, 1, 0]])  # cats, chase, and a filler in the place of mice
mask = padding_mask(marks)
print(mask, tuple(mask.shape), "= batch, head, query, key")

# %% [markdown]
# With the mask, the two real words come out just as if the sentence had never been filled up. Without it, the
# filler changes the answer. (Batch and head we do not have here yet, hence the `[0, 0]`.)

# %% slideshow={"slide_type": "subslide"}
short, _ = scaled_dot_product_attention(Q[:2], K[:2], V[:2])
masked, _ = scaled_dot_product_attention(Q, K, V, mask[0, 0])
unmasked, _ = scaled_dot_product_attention(Q, K, V)
print("chase, never filled up:  ", short[1])
print("chase, filler masked:    ", masked[1])
print("chase, filler not masked:", unmasked[1])
assert torch.allclose(short, masked[:2], atol=1e-6) and not torch.allclose(short, unmasked[:2], atol=0.1)

# %% [markdown]
# What if a word may look at **nothing**? Then all its scores are $-\infty$, softmax divides 0 by 0, and the result is
# `nan`, *not a number*, which spoils whatever it touches. Our library gives such a row weights of 0 instead, and
# an output of 0.

# %%
nobody = torch.tensor([[True, True, True], [False, False, False], [True, True, True]])
print("naive:  ", scaled.masked_fill(~nobody, -math.inf).softmax(dim=-1)[1])
safe_output, safe_weights = scaled_dot_product_attention(Q, K, V, nobody)
print("library:", safe_weights[1], "output", safe_output[1])
assert safe_weights[1].sum() == 0 and not safe_output.isnan().any()

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Try it: draw your own mask
#
# Set any of the nine to `True` or `False`. Can you make *mice* look only at *cats*? What does a row of three `False`
# look like in the heatmap?

# %%
yes, no = True, False
my_mask = torch.tensor([
    [yes, yes, no],  # cats may look at cats, chase, mice?
    [yes, yes, yes],  # chase
    [yes, no, yes],  # mice
])  # fmt: skip
_, my_weights = scaled_dot_product_attention(Q, K, V, my_mask)
ax = attention_heatmap(my_weights, words, title="my mask")
assert torch.allclose(my_weights.sum(dim=-1), my_mask.any(dim=-1).float()), "each row sums to 1, or to 0 if it may see nobody"
print(my_weights)
print("mice look only at cats:", my_weights[2].tolist() == [1, 0, 0])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 8. What it costs
#
# Every word looks at every word, so $n$ words have $n \times n$ weights: twice the words, **four times** the work.
# We count instead of using a clock: the weights, and the multiplications and additions in them, as PyTorch
# counts them in the matrix products.

# %%
from torch.utils.flop_counter import FlopCounterMode

lengths, weight_counts, operations = [16, 32, 64, 128, 256, 512, 1024], [], []
for length in lengths:
    x = torch.randn(length, 64)
    with FlopCounterMode(display=False) as counter:
        weight_counts.append(scaled_dot_product_attention(x, x, x)[1].numel())
    operations.append(counter.get_total_flops())
    print(f"{length:5,} words: {weight_counts[-1]:9,} weights, {operations[-1]:11,} operations")

# %% [markdown]
# The count is $4 n^2 d_k$: two matrix products, $Q K^\top$ and weights times $V$, each with $n^2 d_k$ multiplications and
# as many additions. On paper where a doubling is equally long everywhere along an axis, a square is a straight line:
# each doubling of the words takes it two doublings up.

# %% slideshow={"slide_type": "subslide"}
log_lengths, log_operations = torch.tensor(lengths).log(), torch.tensor(operations).log()
steps = (log_operations.diff() / log_lengths.diff()).mean()  # the slope of the line
fit = [operations[0] * (length / lengths[0]) ** steps.item() for length in lengths]
lines = {"counted": operations, "": fit}
ax = line_chart(lengths, lines, xlabel="words", title="operations of one attention (dashed: the fit)", logarithmic="xy")
assert weight_counts == [n**2 for n in lengths] and operations == [4 * n**2 * 64 for n in lengths]
print(f"each doubling of the words takes the line {steps:.2f} doublings up: words to the power of {steps:.2f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# This is a reason why BERT was trained on at most 512 tokens, and why long reviews are cut in notebook 10.
#
# ### Try it: how much memory?
#
# BERT-base has 12 layers with 12 heads each, and a weight takes 4 bytes. The first cell says how much the weights of one
# text of 512 words take. How much is it at 1,024 words? Guess before you compute.

# %%
MY_GUESS = None  # change me: so many MiB at 1,024 words


def mebibytes(words, layers=12, heads=12):
    return layers * heads * words**2 * 4 / 2**20


print(f"512 words: {mebibytes(512):,.1f} MiB of weights")

# %%
if MY_GUESS is None:
    print("no guess yet: set MY_GUESS above and run both cells")
else:
    right = math.isclose(MY_GUESS, mebibytes(1024), rel_tol=0.01)
    print("right" if right else "not yet: how many weights has a table with twice the rows and twice the columns?")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - **Query** = what I look for; **key** = what I can be found by; **value** = what I give.
# - Attention is a soft look-up: compare the query with all keys, softmax, average the values.
# - Five steps: project, dot product, scale, softmax, weighted sum.
# - $\sqrt{d_k}$ keeps the scores at one size for any $d_k$, so that softmax stays soft and has a slope to learn from.
# - A mask decides who may look; `True` = may. The cost grows with the square of the length.
#
# **Next:** 02, where the queries come from one sentence and the keys from another.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["exercises"]
# ## Exercises
#
# Now write it yourself: the [exercises](exercises/01.ipynb) say what is wrong and why, as often as you try. What you
# write there runs BERT on later pages.

# %% tags=["exercises"]
import math

import torch

from bertnotes.exercises import check, hint, solution  # noqa: F401

# %% [markdown] tags=["exercise:one_weight"]
# ### One weight, by hand · ● · 5 minutes
#
# A query $(1, 1, 0, 2)$ meets three keys: $(0, 0, 5, 1)$, $(2, 2, 1, 0)$ and $(-1, 1, 3, -1)$. How much weight does the
# **second** key get? Paper and a pocket calculator are enough. Two digits after the point will do.

# %% [markdown] tags=["hint:one_weight"]
# First the three dot products. The first one is $1 \times 0 + 1 \times 0 + 0 \times 5 + 2 \times 1 = 2$.

# %% [markdown] tags=["hint:one_weight"]
# The scores are 2, 4 and −2. A key has 4 numbers, so divide the scores by $\sqrt{4} = 2$.

# %% [markdown] tags=["hint:one_weight"]
# The scaled scores are 1, 2 and −1. Softmax: $e^2$ divided by $e^1 + e^2 + e^{-1}$.

# %% tags=["exercise:one_weight"]
# solution
answer = math.exp(2) / (math.exp(1) + math.exp(2) + math.exp(-1))
# instead:
# answer = None  # your number
# end of solution

check("one_weight", answer)

# %% [markdown] tags=["reason:one_weight"]
# The dot products are 2, 4 and −2; divided by $\sqrt{4} = 2$ they are 1, 2 and −1. To the power of $e$: 2.72, 7.39 and
# 0.37, together 10.47. So the second key gets $7.39 / 10.47 \approx 0.71$.

# %% [markdown] tags=["exercise:root"]
# ### The root · ● · 3 minutes
#
# Queries and keys have 256 numbers each. The numbers are random and independent, with mean 0 and variance 1. By which number
# do you have to divide a dot product, so that its variance is 1 again?

# %% [markdown] tags=["hint:root"]
# The dot product is a sum of 256 products. Each product has variance 1. What is the variance of the sum?

# %% [markdown] tags=["hint:root"]
# Dividing by $c$ divides the variance by $c^2$. Which $c^2$ brings 256 down to 1?

# %% tags=["exercise:root"]
# solution
answer = math.sqrt(256)
# instead:
# answer = None  # your number
# end of solution

check("root", answer)

# %% [markdown] tags=["reason:root"]
# Variances of independent things add up, so the dot product has variance 256. Dividing by $c$ divides the variance by $c^2$,
# so $c = \sqrt{256} = 16$. This is the $\sqrt{d_k}$ of the formula.

# %% [markdown] tags=["exercise:softmax"]
# ### A softmax that does not overflow · ●● · 8 minutes
#
# Write softmax with `exp`, `max` (or `amax`) and `sum`. `scores` may have any number of axes; the weights sum to 1 along the
# **last** one. Scores of 1000 must not give `nan`, though $e^{1000}$ is more than a float can hold.

# %% [markdown] tags=["hint:softmax"]
# If you add the same number to all scores of a row, the weights do not change: $e^{s + c} = e^s e^c$, and $e^c$ cancels. Which
# number would make overflow impossible?

# %% [markdown] tags=["hint:softmax"]
# Subtract the largest score of each row: then the largest power is $e^0 = 1$. `scores.amax(dim=-1, keepdim=True)` gives it, in
# a shape that can be subtracted.

# %% [markdown] tags=["hint:softmax"]
# Now the powers: `torch.exp(...)` of what is left. Divide them by their sum along `dim=-1`, again with `keepdim=True`.


# %% tags=["exercise:softmax"]
def softmax(scores):
    """Weights of the same shape as the scores; along the last axis they sum to 1."""
    # solution
    powers = torch.exp(scores - scores.amax(dim=-1, keepdim=True))
    return powers / powers.sum(dim=-1, keepdim=True)
    # end of solution


check("softmax", softmax)

# %% [markdown] tags=["reason:softmax"]
# Softmax depends only on the differences between scores, so each row may be moved by any number. We move it so that its
# largest score is 0. Then no power is above 1, and the sum is at least 1: nothing overflows, and nothing is divided by 0.

# %% [markdown] tags=["exercise:causal_mask"]
# ### The causal mask · ● · 4 minutes
#
# A table of True and False, `length` by `length`. Row = the word that looks, column = the word that it looks at, and True =
# may look. Each word may see itself and those before it.

# %% [markdown] tags=["hint:causal_mask"]
# For three words the rows are: True False False, True True False, True True True.

# %% [markdown] tags=["hint:causal_mask"]
# `torch.ones(length, length, dtype=torch.bool)` is a table of True. A method of tensors, `tril`, keeps the lower triangle.


# %% tags=["exercise:causal_mask"]
def causal_mask(length):
    """True where a word (row) may look at another one (column): (length, length)."""
    # solution
    return torch.ones(length, length, dtype=torch.bool).tril()
    # end of solution


check("causal_mask", causal_mask)

# %% [markdown] tags=["reason:causal_mask"]
# `tril` keeps the diagonal and what is below it, and sets the rest to 0, which is False. Below the diagonal the column is
# smaller than the row: the word that is looked at stands before the one that looks.

# %% [markdown] tags=["exercise:padding_mask"]
# ### The padding mask · ● · 4 minutes
#
# A tokenizer marks words with 1 and fillers with 0, in a table (batch, key). Make the mask of it that lets nobody look at a
# filler. Its shape is (batch, 1, 1, key), so that it fits the scores of all heads and queries: (batch, head, query, key).

# %% [markdown] tags=["hint:padding_mask"]
# `.bool()` turns 1 into True and 0 into False.

# %% [markdown] tags=["hint:padding_mask"]
# `None` in an index makes an axis of length 1: `table[:, None]` has the shape (batch, 1, key).


# %% tags=["exercise:padding_mask"]
def padding_mask(attention_mask):
    """True where there is a word: (batch, 1, 1, key) from (batch, key)."""
    # solution
    return attention_mask[:, None, None, :].bool()
    # end of solution


check("padding_mask", padding_mask)

# %% [markdown] tags=["reason:padding_mask"]
# The last axis of scores is the key, the word that is looked at, and there the fillers are hidden. The two axes of length 1
# stretch over all heads and queries (broadcasting), so the mask need not be copied.

# %% [markdown] tags=["exercise:attention"]
# ### Attention · ●● · 10 minutes
#
# The formula of section 2, for any leading axes: `query` is (..., query, d), `key` is (..., key, d) and `value` is
# (..., key, v). `mask` is None, or True where a query may look at a key. Return two things: the output and the weights. You
# may use your own softmax or PyTorch's.

# %% [markdown] tags=["hint:attention"]
# Scores first: `query @ key.transpose(-2, -1)`, divided by the root of how many numbers a key has, `key.shape[-1]`.

# %% [markdown] tags=["hint:attention"]
# If `mask` is not None: `scores.masked_fill(~mask, -math.inf)` hides what may not be seen. It comes before softmax.

# %% [markdown] tags=["hint:attention"]
# Softmax along the last axis gives the weights, and the output is `weights @ value`. Return `weights @ value, weights`.


# %% tags=["exercise:attention"]
def attention_weights(query, key, mask=None):
    """How much each query looks at each key: (..., query, key); each row sums to 1."""
    # solution
    scores = query @ key.transpose(-2, -1) / math.sqrt(key.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return softmax(scores)
    # end of solution


def attention(query, key, value, mask=None):
    """The output, (..., query, v), and the weights."""
    # solution
    weights = attention_weights(query, key, mask)
    return weights @ value, weights
    # end of solution


check("attention", attention)

# %% [markdown] tags=["reason:attention"]
# The weights are a function of their own, as a picture needs them and the next exercise improves them. Hidden scores become
# minus infinity *before* softmax: $e^{-\infty} = 0$, and the words that are left share everything among them.

# %% [markdown] tags=["exercise:empty_row"]
# ### The row that may see nothing · ●● · 8 minutes
#
# If a row of the mask is all False, its weights are `nan`. Write `attention_weights` again, so that such a row gets weights
# of 0, and all others what they had before. The gradient must not be `nan` either, or training would break.

# %% [markdown] tags=["hint:empty_row"]
# What gives `nan` is a row of minus infinity alone. Which other number hides a word nearly as well, and is finite?

# %% [markdown] tags=["hint:empty_row"]
# Fill with `torch.finfo(scores.dtype).min`, the lowest finite number. Then a row of it alone gives equal weights: finite, but
# not 0 yet.

# %% [markdown] tags=["hint:empty_row"]
# After softmax, set every hidden weight to 0: `weights.masked_fill(~mask, 0.0)`. In all other rows they are 0 already.


# %% tags=["exercise:empty_row"]
def attention_weights(query, key, mask=None):
    """How much each query looks at each key; a row that may see nothing is all zeros."""
    # solution
    scores = query @ key.transpose(-2, -1) / math.sqrt(key.shape[-1])
    if mask is None:
        return softmax(scores)
    scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return softmax(scores).masked_fill(~mask, 0.0)
    # end of solution


check("empty_row", attention_weights)

# %% [markdown] tags=["reason:empty_row"]
# With the lowest finite number, softmax never divides 0 by 0, so neither the weights nor their gradient are `nan`. The
# second `masked_fill` changes nothing but the rows that may see nothing: in the others hidden weights are 0 already.
# Replacing `nan` by 0 at the end (`nan_to_num`) gives the same weights; but where minus infinity was *added* to the scores,
# as much published code does it, the gradient stays `nan`.

# %% [markdown] tags=["exercise:find_the_bug"]
# ### Find the bugs · ●●● · 10 minutes
#
# This attention runs without an error, and both its bugs have been in published code. Find and mend them. Making a small
# example and printing `weights` is the quickest way.

# %% [markdown] tags=["hint:find_the_bug"]
# What has to sum to 1, and what does here? Print `weights.sum(dim=-1)`.

# %% [markdown] tags=["hint:find_the_bug"]
# For one row of the mask, compare: where is the mask True, and where are the weights 0?


# %% tags=["exercise:find_the_bug"]
def masked_attention(query, key, value, mask):
    """The output of attention: (..., query, v). mask: True where a query may look at a key."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(key.shape[-1])
    # solution
    scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(dim=-1)
    # instead:
    # scores = scores.masked_fill(mask, -math.inf)
    # weights = scores.softmax(dim=-2)
    # end of solution
    return weights @ value


check("find_the_bug", masked_attention)

# %% [markdown] tags=["reason:find_the_bug"]
# True means *may look*, so what is filled is `~mask`. The weights of one query are a row, along the last axis, `dim=-1`.
# Neither bug raises an error, and a model even learns something with them: only a small example shows them.

# %% [markdown]
# ## Sources
#
# - Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin (2017). *Attention Is All You Need.*
#   Sections 3.2.1 and 4; the argument of section 5 above is their footnote 4. arXiv:1706.03762
# - Bahdanau, Cho, Bengio (2015). *Neural Machine Translation by Jointly Learning to Align and Translate.* Attention
#   before the dot product: the scores came from a small network. arXiv:1409.0473
# - Phuong, Hutter (2022). *Formal Algorithms for Transformers.* All of it in exact pseudocode. arXiv:2207.09238
