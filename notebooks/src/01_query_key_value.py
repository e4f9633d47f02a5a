# %% [markdown]
# # 01 · Query, key, value
#
# **The question:** how can a word collect information from the other words of its sentence, and decide how much to
# take from each?
#
# ![The word chase compares its query with the key of each word. The scores 4, 0 and 2 become weights, and the output moves to its place between the three values](figures/01_attention.png)
#
# (The film plays once; [open it alone](figures/01_attention.png) to see it again.) The answer is called **attention**. It is the central part of BERT, and this page is the film in slow motion. We work it
# out for three words, with numbers that you can check on paper. Then we ask what each part is good for, and at the end you write it
# yourself.
#
# **You need:** Python and school algebra. **Time:** about 50 minutes, and 53 more for the exercises. Run the cells in order. Where a cell
# says `guess = None`, type your guess in place of `None`. With `None` the page runs, too, but a guess makes the answer easier to remember.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # Query, key, value
#
# How can a word collect information from the other words of its sentence?
#
# ![The word chase compares its query with the key of each word. The scores 4, 0 and 2 become weights, and the output moves to its place between the three values](figures/01_attention.png)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The film plays once; turn one slide forth and back to see it again. Do not explain it yet. Ask: what moves, and where does it end?
#
# The deck is two lessons. Up to the formula and its code it takes 45 minutes; the rest, why to divide and masks, takes another 18. Most slides
# with a question show the answer one step later.

# %%
import math

import matplotlib.pyplot as plt
import torch

from bertnotes.pictures.attention import attention_heatmap, vector_arrows, weight_bars
from bertnotes.pictures.charts import line_chart
from bertnotes.pictures.play import play
from bertnotes.pictures.style import KEY, QUERY, VALUE

torch.set_printoptions(precision=3, sci_mode=False)

# %% [markdown]
# ## 1. A look-up that need not be exact
#
# You have used queries, keys and values before: a Python dictionary has them. You ask with a **query**. It is compared with
# the **keys**. Where a key is equal to it, you get the **value** that belongs to that key. This dictionary knows how
# long three films are, in minutes.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## A look-up that must be exact
#
# You ask with a **query**. It is compared with the **keys**. Where one is equal, you get its **value**.

# %% slideshow={"slide_type": "-"} tags=["show-code"]
minutes = {"comedy": 90, "thriller": 120, "black comedy": 105}
print(minutes.get("comedy"))
print(minutes.get("something funny"))

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Type it live. *Something funny* gets nothing, though two of the films are funny. What would a better look-up answer?

# %% [markdown]
# *Something funny* gets nothing, though two of the films are funny. For a dictionary a key is equal or it is not.
#
# To say that a key is *nearly* right, we need numbers. Let us describe each film by two: how funny it is, and how
# frightening. We describe the wish in the same way: very funny, and how frightening does not matter, $(2, 0)$. Now keys and query are
# **vectors**, and we can draw them as arrows.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## A wish is a query, a film is a key: arrows

# %% slideshow={"slide_type": "-"}
films = ["comedy", "thriller", "black comedy"]
film_keys = torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]])  # a tensor: PyTorch's table of numbers, here a row for each film
wish = torch.tensor([2.0, 0.0])  # very funny; how frightening does not matter
ax = vector_arrows([wish.tolist()], ["the wish"], color=QUERY, wide=True)
ax = vector_arrows(film_keys, films, color=KEY, ax=ax, title="across: funny, up: frightening")
_ = ax.set(xlim=(-0.3, 2.7), ylim=(-0.3, 2.5))

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Blue is the query, orange are the keys, on every slide. Ask which film fits best before you compute anything.

# %% [markdown]
# The wish is the wide blue arrow, the three keys are orange. (In a key a 0 means *not frightening*, in the wish it means *I do not mind*: a
# query and a key are read differently.) The key of *comedy* lies exactly on the wish. *Black comedy* points
# halfway between the other two.
#
# To measure how well two arrows fit, we use the **dot product**: multiply number by number, then add up. For *comedy* that is
# $2 \times 2 + 0 \times 0 = 4$. It is large where two arrows point the same way and are long. It is 0 where they stand at a right
# angle, and below 0 where they point away from each other. What does *black comedy* get? Its key is $(1, 1)$.

# %%
guess = None  # the score of black comedy

# %%
film_scores = film_keys @ wish  # @: the dot product of each row with the wish
print(dict(zip(films, film_scores.tolist(), strict=True)))
print("your guess for black comedy:", guess)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## How well do they fit? The dot product
#
# Multiply number by number, then add up. The wish is $(2, 0)$, the keys are $(2, 0)$, $(0, 2)$ and $(1, 1)$.

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | film | key | score | share |
# | --- | --- | --- | --- |
# | comedy | (2, 0) | 2 · 2 + 0 · 0 = **4** | 4/6 = 0.67 |
# | thriller | (0, 2) | 2 · 0 + 0 · 2 = **0** | 0 |
# | black comedy | (1, 1) | 2 · 1 + 0 · 1 = **2** | 2/6 = 0.33 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Do the first film on the board, let the class do the other two, then show the table. Same direction: high; right angle: 0; opposite: below 0.

# %% [markdown]
# $2 \times 1 + 0 \times 1 = 2$. These numbers are called **scores**.
#
# A dictionary would now hand over one value. We can do better: *mix* the values, with more of one where the score is
# higher. So we turn the scores into shares that add up to 1. The simplest way is to divide them by their sum.

# %%
film_minutes = torch.tensor([90.0, 120.0, 105.0])
shares = film_scores / film_scores.sum()
print(f"shares: {shares}")
print(f"answer: {shares @ film_minutes:.0f} minutes")

# %% [markdown]
# ### Where it goes wrong
#
# Two thirds of 90 and one third of 105 make 95: a compromise between the two funny films, nearer to the funnier one. But try another wish:
# $(2, -1)$, very funny, and
# please *not* frightening. The scores are now 4, $-2$ and 1. What share does the *thriller* get?

# %%
guess = None  # the share of the thriller

# %%
picky_scores = film_keys @ torch.tensor([2.0, -1.0])
picky_shares = picky_scores / picky_scores.sum()
print(f"scores: {picky_scores}")
print(f"shares: {picky_shares}    your guess for the thriller: {guess}")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## A wish with a minus
#
# Very funny, and please *not* frightening: $(2, -1)$
#
# The scores are 4, $-2$ and 1. Divide them by their sum, 3: what share does the *thriller* get?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# 1.33, **−0.67**, 0.33: minus two thirds of a thriller.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The question to wait for: "can I not just cut off at 0?" One can, and some models do something like it. But then a film with a score
# of −2 and one with −5 get the same share, 0, and a small change of either score changes nothing.

# %% [markdown]
# Minus two thirds of a thriller: that makes no sense. And had the scores added up to 0, we would have divided by 0.
#
# So every score must first become positive, and a higher score must stay a higher one. Squaring does not do it: the square of $-2$
# is 4, and the least wanted film would be in demand. Nor does cutting off at 0: then −2 and −5 would be the same. The exponential function does: $e^{s}$ is positive for every $s$, and it
# grows with $s$ ($e$ is the number 2.718...). Each step of 1 in the score makes $e^{s}$ larger by the same factor, 2.7. Exponentiate, then divide by the
# sum: this is the **softmax** of the scores.
#
# $$\mathrm{softmax}(s)_i = \frac{e^{s_i}}{e^{s_1} + e^{s_2} + \dots + e^{s_n}}$$
#
# Only differences between scores count: add 5 to every score, and each $e^{s}$ grows by the same factor, which cancels.

# %%
powers = torch.exp(picky_scores)
film_weights = powers / powers.sum()
print(f"e to the scores: {powers}")
print(f"weights:         {film_weights}")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Softmax: from scores to weights
#
# $\mathrm{softmax}(s)_i = \dfrac{e^{s_i}}{e^{s_1} + e^{s_2} + \dots + e^{s_n}}$ &nbsp; &nbsp; here $e^{4}, e^{-2}, e^{1}$: 54.6, 0.14, 2.72

# %% slideshow={"slide_type": "-"}
ax = weight_bars(film_weights, films, title="how much of each film")

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let the class check the first weight: 54.6 / (54.6 + 0.14 + 2.72) = 0.95. The thriller is not at 0 but at 0.002. Ask what happens if
# 5 is added to all scores: nothing.

# %% tags=["check:softmax-positive"]
# checked: ours is PyTorch's softmax; the weights are positive and add up to 1
assert torch.allclose(film_weights, picky_scores.softmax(dim=0))
assert torch.allclose(film_weights, (picky_scores + 5).softmax(dim=0))
assert [round(power, 2) for power in powers.tolist()] == [54.6, 0.14, 2.72]
assert [round(share, 3) for share in film_scores.softmax(dim=0).tolist()] == [0.867, 0.016, 0.117]
assert film_weights.min() > 0 and film_weights.sum().isclose(torch.tensor(1.0))
assert shares.tolist() == film_scores.div(6).tolist() and picky_shares.min() < -0.6

# %% [markdown]
# The results are called **weights**. All are positive, and they add up to 1. The thriller's bar says 0.00, but its weight is not
# zero: the line above has it with three digits, 0.002. On paper softmax never gives exactly 0.
#
# The next picture puts it together, now again for our first wish, $(2, 0)$: a dictionary on the left; on the right an average of all values,
# with softmax weights. It is a dictionary whose keys may fit *more or less*, a **soft look-up**.
#
# ![Left: a dictionary finds nothing for "something funny". Right: the query (2, 0) takes 0.867 of the comedy, 0.016 of the thriller and 0.117 of the black comedy, which makes 92.2 minutes](figures/01_soft_lookup.svg)
#
# Follow one row: *black comedy* has the key $(1, 1)$ and so the score 2. Softmax gives it the weight 0.117, and so 0.117 of its 105
# minutes go into the answer. It is an estimate: a film such as we wish for takes about 92 minutes.
#
# Three differences to a dictionary remain. The answer may be the value of no film. A soft look-up never answers *nothing*. And since it goes by the dot product, a
# long key can win over one that points in a better direction.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## A soft look-up, for the first wish: $(2, 0)$
#
# ![Left: a dictionary finds nothing for "something funny". Right: the query (2, 0) takes 0.867 of the comedy, 0.016 of the thriller and 0.117 of the black comedy, which makes 92.2 minutes](figures/01_soft_lookup.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Left: all or nothing. Right: something of everything, arrows as wide as the weights. Follow one row aloud: key, score, weight, minutes.

# %% [markdown]
# ## 2. Three words, by hand
#
# Now words in the place of films. Our sentence is *cats chase mice*, and each word is a vector of two numbers: how much of a *thing* it
# is, and how much it *acts* (below 0: it is rather acted upon). We made them up: *mice* are small, and prey. A word has the same vector in every
# sentence. In BERT it has hundreds of numbers, and they are learned.
#
# A film was only looked up, and only the wish looked for something. Here every word does both. Each word
#
# - **asks**: its *query* says what it is looking for,
# - **can be found**: its *key* says what it has to offer,
# - **gives**: its *value* is what others take from it.
#
# So each word needs three vectors. This is what becomes of the word *chase*, from left to right:
#
# ![Data flow for chase: its vector becomes a query; each word's vector becomes a key and a value. Query times key gives the scores 4, 0, 2; divided by the root of 2 and put through softmax they are the weights 0.768, 0.045, 0.187; the weighted values add up to (1.53, 3.45)](figures/01_flow.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Cats chase mice: three words, two numbers each
#
# | word | thing | acts |
# | --- | --- | --- |
# | cats | 2 | 0 |
# | chase | 0 | 2 |
# | mice | 1 | −1 |

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# Each word **asks** (query), **can be found** (key) and **gives** (value).

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The numbers are made up, and *mice* get −1 because they are prey, in every sentence. A film was only found; a word asks, is found, and gives.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Data flow for chase: its vector becomes a query; each word's vector becomes a key and a value. Query times key gives the scores 4, 0, 2; divided by the root of 2 and put through softmax they are the weights 0.768, 0.045, 0.187; the weighted values add up to (1.53, 3.45)](figures/01_flow.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Go through it once from left to right, pointing: chase asks; three keys are compared; scores, weights; three values; their sum. The next
# slides take the steps one by one.

# %% [markdown]
# We take its steps one by one, from left to right. (Numbers are rounded, so a sum may be off by one in its last digit.)
#
# ### Step 1: three vectors for each word
#
# Let $X$ be the table of the words' vectors, a row for each word. Queries, keys and values are each $X$ times a matrix, a small table of numbers: $Q = X W_Q$,
# $K = X W_K$, $V = X W_V$. To multiply a vector by a matrix, take its dot product with each *column*:
# $(0, 2) \begin{pmatrix} 0 & 0.5 \\ 1 & 0 \end{pmatrix} = (0 \times 0 + 2 \times 1,\; 0 \times 0.5 + 2 \times 0) = (2, 0)$. BERT learns its matrices (page 06), and
# adds a *bias* to each result, a learned vector. We choose ours so that you can follow them:
#
# - $W_Q$ turns $(a, b)$ into $(b,\; a/2)$. So an action looks for things, and a thing looks for an action, half as keenly.
# - $W_K$ changes nothing, to keep the arithmetic short.
# - $W_V$ turns $(a, b)$ into $(a + 2b,\; 2a)$: how *lively* a word makes the scene, where acting counts double, and how much there is to *see*: only things give that.

# %%
words = ["cats", "chase", "mice"]
X = torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, -1.0]])
W_Q = torch.tensor([[0.0, 0.5], [1.0, 0.0]])
W_K = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
W_V = torch.tensor([[1.0, 2.0], [2.0, 0.0]])
Q, K, V = X @ W_Q, X @ W_K, X @ W_V
for word, query, key, value in zip(words, Q.tolist(), K.tolist(), V.tolist(), strict=True):
    print(f"{word:5}  query {query}  key {key}  value {value}")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The first step lit: the vector of chase becomes the query (2, 0); each word becomes a key and a value](figures/01_flow_1.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** On the board: $(0, 2)$ times the two columns of $W_Q$ is $(2, 0)$. $W_K$ changes nothing; $W_V$ makes $(4, 0)$ of *chase*.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Three vectors for each word
#
# - $W_Q$: $(a, b) \to (b,\, a/2)$, so an action looks for things
# - $W_V$: $(a, b) \to (a + 2b,\, 2a)$, how lively, how much to see

# %% slideshow={"slide_type": "-"}
_, axes = plt.subplots(1, 3, figsize=(11, 3.8), layout="constrained")
ax = vector_arrows(Q, words, color=QUERY, ax=axes[0], title="queries: what I look for")
ax = vector_arrows(K, words, color=KEY, ax=axes[1], title="keys: what I can be found by")
ax = vector_arrows(V, words, color=VALUE, ax=axes[2], title="values: what I give (smaller scale)")

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Where does the query of *chase* point, and whose key is there? *Cats*. And the query of *cats*? (The third picture has a larger scale.)

# %% tags=["check:projections"]
# checked: the vectors that the text and the drawings give
assert Q.tolist() == [[0, 1], [2, 0], [-1, 0.5]] and torch.equal(K, X) and V.tolist() == [[2, 4], [4, 0], [-1, 2]]

# %% [markdown]
# Check *chase* on paper. Its vector is $(0, 2)$, its query $(2, 0)$, its key $(0, 2)$, and its value is
# $(0 + 2 \times 2,\; 2 \times 0) = (4, 0)$: very lively, nothing to see. Now compare the first two. The query of *chase* points right, where the key of *cats* is. The query of *cats* points up, where
# the key of *chase* is. They should find each other.
#
# ### Step 2: scores
#
# ![The second step lit: the query of chase with the three keys gives the scores 4, 0 and 2](figures/01_flow_2.svg)
#
# Take the dot product of every query with every key. The row says who asks, the column who is asked. We do one by hand: *mice* ask
# *chase*. The query is $(-1, 0.5)$, the key is $(0, 2)$. Work out the score before you look at the third row, second column.

# %%
scores = Q @ K.T  # .T turns the rows of K into columns
print(scores)

# %% [markdown]
# $-1 \times 0 + 0.5 \times 2 = 1$. The row of *chase* is 4, 0, 2, as in the drawing: *cats* fit best, *mice* a little, and *chase*
# itself not at all.
#
# ### Step 3: scale
#
# Divide every score by $\sqrt{d_k}$, where $d_k$ is how many numbers a key has. Here it is 2, and $\sqrt 2 \approx 1.41$. The scores keep their
# order and come closer together. Why that helps is a question of its own, and section 4 answers it.
#
# ### Step 4: softmax
#
# ![The third step lit: the scores 4, 0 and 2 are divided by the root of 2, and softmax makes them the weights 0.768, 0.045 and 0.187](figures/01_flow_3.svg)
#
# Each row on its own goes through softmax. For *chase*: $e^{2.83} = 16.9$, $e^{0} = 1$ and $e^{1.41} = 4.1$. Together that is 22.0, so
# *cats* get $16.9 / 22.0 = 0.77$. (The films had the same scores and other weights: there we had not divided yet.)

# %%
d_k = K.shape[-1]
scaled = scores / math.sqrt(d_k)
weights = scaled.softmax(dim=-1)  # dim=-1: along the last axis, so each row adds up to 1
print(f"scaled scores of chase: {scaled[1]}")
print(f"weights of chase:       {weights[1]}")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The second step lit: the query of chase with the three keys gives the scores 4, 0 and 2](figures/01_flow_2.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** The blue line is the query of *chase*; it meets each key in turn. 2 · 2 + 0 · 0 = 4, and so on.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Scores: every query with every key
#
# *mice* ask *chase*: the query is $(-1, 0.5)$, the key is $(0, 2)$. What is the score?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# $-1 \times 0 + 0.5 \times 2 = 1$. Then every score is divided by $\sqrt{2}$.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The row asks, the column is asked. Let the class work out this one, and then *cats* ask *chase*: $(0, 1)$ with $(0, 2)$ is 2.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The third step lit: the scores 4, 0 and 2 are divided by the root of 2, and softmax makes them the weights 0.768, 0.045 and 0.187](figures/01_flow_3.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** The films had the same scores and other weights, 0.87 and 0.12: there nothing was divided.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Who looks at whom: the weights

# %% slideshow={"slide_type": "-"}
ax = attention_heatmap(weights, words, title="cats chase mice")

# %% tags=["check:weights"]
# checked: each row of weights adds up to 1; things look most at chase, chase at cats; scores are not mutual
assert torch.allclose(weights.sum(dim=-1), torch.ones(3))
assert weights.argmax(dim=-1).tolist() == [1, 0, 1] and scores[1, 2] == 2 and scores[2, 1] == 1
assert [round(share, 2) for share in (weights[2, 1].item(), weights[0, 1].item())] == [0.77, 0.73]
assert [round(share, 3) for share in weights[1].tolist()] == [0.768, 0.045, 0.187]

# %% [markdown]
# This picture is called a **heatmap**, and you will see many of them in this course. A row is the word that looks, a column is the word that
# it looks at, and darker means more. (It says *token*, since in BERT it may be a piece of a word.) Each row adds up to 1, but for rounding.
#
# Read the first row: *cats* look most at *chase*, with 0.73. The things look at the action, and the action at the things: that is what our
# $W_Q$ does. But looking is not mutual: *mice* look at *chase* with 0.77, and *chase* looks at *mice* with 0.19 only, although that score is the higher one, 2 against 1.
# Each row shares out its own 1: *mice* have nothing better to look at, *chase* has *cats*. So compare weights within a row, never scores across rows. And
# a weight is not yet an effect: 0.19 of a long value can change more than 0.77 of a short one (page 07).
#
# ### Step 5: the weighted average of the values
#
# ![The last step lit: each value times its weight, added up, is the output of chase, (1.53, 3.45)](figures/01_flow_4.svg)
#
# Each word now takes from every value as much as its row says. For *chase*, first number: $0.768 \times 2 + 0.045 \times 4 + 0.187 \times
# (-1) \approx 1.53$.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let the class read a row aloud: "cats look at ...". People mix up row and column at first; a minute spent here pays on every later
# page. Columns do not add up to 1.

# %%
output = weights @ V
for word, vector in zip(words, output.tolist(), strict=True):
    print(f"{word:5}  ({vector[0]:.2f}, {vector[1]:.2f})")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The last step lit: each value times its weight, added up, is the output of chase, (1.53, 3.45)](figures/01_flow_4.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Each value times its weight, then add up the column on the right: 1.54 + 0.18 − 0.19 = 1.53.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The three values are the corners of a triangle. The output of chase, (1.53, 3.45), lies inside it, near the value of cats](figures/01_values_triangle.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Ask: can the output ever leave the triangle? No: the weights are positive and add up to 1. Where is it if all
# weights are equal? In the middle.

# %% tags=["check:output"]
# checked: the output that the text and the drawings give, and that it is the weighted average
assert [round(number, 2) for number in output[1].tolist()] == [1.53, 3.45]
assert torch.allclose(output[1], weights[1, 0] * V[0] + weights[1, 1] * V[1] + weights[1, 2] * V[2])

# %% [markdown]
# ![The three values are the corners of a triangle. The output of chase, (1.53, 3.45), lies inside it, near the value of cats](figures/01_values_triangle.svg)
#
# The three values are the corners of a triangle. Positive weights that add up to 1 always lead to a point inside it. The output of *chase* lies near the corner of *cats*, because *cats* have the largest weight.
#
# That is the core of attention. *chase* went in as $(0, 2)$ and knew nothing of its neighbours. It came out as $(1.53, 3.45)$, made mostly of what they
# give: somewhat lively, much to see. (In BERT hardly any single number has a name; and the outputs of several
# attentions are mixed, and *added* to what the word was. Pages 03 and 05.) Now
# [play the film again](figures/01_attention.png): you know all its parts.
#
# So the same word can come out differently in another sentence. We replace *mice* by *dogs*, for which we make up the vector $(2, 1)$:
# as much of a thing as cats, and acting a little.

# %%
X_dogs = torch.tensor([[2.0, 0.0], [0.0, 2.0], [2.0, 1.0]])
dogs_weights = (X_dogs @ W_Q @ (X_dogs @ W_K).T / math.sqrt(2)).softmax(dim=-1)
dogs_output = dogs_weights @ X_dogs @ W_V
print(f"chase, with mice: {output[1]}")
print(f"chase, with dogs: {dogs_output[1]}")

# %% tags=["check:context"]
# checked: the output of chase changes with its neighbour, and not with the order of the words
assert [round(number, 2) for number in dogs_output[1].tolist()] == [3.03, 3.89] and round(dogs_weights[1, 2].item(), 2) == 0.49
turned = X[[2, 1, 0]]  # mice chase cats
assert torch.allclose((turned @ W_Q @ (turned @ W_K).T / math.sqrt(2)).softmax(dim=-1)[1] @ turned @ W_V, output[1])

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Two triangles of values. Beside mice, chase comes out as (1.53, 3.45); beside dogs as (3.03, 3.89)](figures/01_neighbours.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** This is the point of it all: a word's vector now depends on its sentence. The same (0, 2) goes in on both sides. This is how BERT
# can tell the *cast* of a film from the *cast* on an arm. Then ask: and in another order? The same: a sum does not care about order; page 05 adds positions.

# %% [markdown]
# ![Two triangles of values. Beside mice, chase comes out as (1.53, 3.45); beside dogs as (3.03, 3.89)](figures/01_neighbours.svg)
#
# Same word, other neighbour, other vector: with dogs the chase is livelier, 3.03 instead of 1.53. *dogs* have another key, so *chase* looks at them with 0.49, and another value, $(4, 4)$. Attention is the only way in which
# the other words of a sentence reach a word in BERT, so this is how it can tell the *cast* of a film from the *cast* on a broken arm. The *order*
# changes nothing yet: with the same three vectors in another order the output of *chase* is the same. BERT therefore adds a vector for each position (page 05).
#
# ### Why not one vector for all?
#
# Could a word not use its own vector for everything: as query, as key and as value? Then the scores would be $X X^\top$ ($^\top$ turns
# rows into columns, as `.T` does). Which word does *chase*
# look at most now?

# %%
guess = None  # "cats", "chase" or "mice"

# %%
alone = (X @ X.T / math.sqrt(2)).softmax(dim=-1)  # each word is its own query and its own key
print(alone)
print("your guess:", guess)

# %% tags=["check:one-vector"]
# checked: with one vector for all, chase looks at itself, no word looks more at another than at itself, and scores are mutual
assert [round(share, 2) for share in alone[1].tolist()] == [0.06, 0.93, 0.01] and torch.equal(X @ X.T, (X @ X.T).T)
assert torch.allclose(alone.diagonal(), alone.amax(dim=-1)) and alone[2, 0].isclose(alone[2, 2])
turn = torch.tensor([[0.6, 0.8], [-0.8, 0.6]])
assert torch.allclose((Q @ turn) @ (K @ turn).T, scores, atol=1e-6)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Why not one vector for all?
#
# The scores are $X X^\top$: each word is its own query and its own key. Which word does *chase* look at most?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | | cats | chase | mice |
# | --- | --- | --- | --- |
# | *chase* looks at | 0.06 | **0.93** | 0.01 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** At itself: of vectors of one length each fits itself best. Looking for something *else* needs a query that differs from the key.

# %% [markdown]
# At itself, with 0.93. Among vectors of the same length each fits itself best. With ours no word looks more at another one than at itself, though *mice* do so just barely: it is a
# tie with the longer *cats*. So each would learn little from the others, and scores would always be mutual. A query apart from the key lets a word look for what it is not; a value
# lets it give something else than what it is found by. ($W_K$ could stay out, as here. BERT has it because both matrices are narrow, from 768 numbers to 64. And only the *fit* counts: turn all
# queries and keys by the same angle, and no score changes.)
#
# **Play with it.** Drag the blue query and the orange keys, and watch scores, weights and output. Can you make *chase* look at *mice*? Where
# must the query be for all three to get the same weight? And what happens if you make the query longer and longer?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Drag the query: who gets the weight?

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
play("query_and_keys")

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Ask for the query that makes all weights equal before anyone touches it. It is the origin. Then let somebody make *chase* look at *mice*.

# %% [markdown]
# <details><summary>What we found</summary>
#
# A query of $(0, 0)$ has the dot product 0 with every key, so all weights are one third. For *mice* it is not enough to point along their
# key, $(1, -1)$: that is a tie with *cats*, whose key is longer. Point further down, to $(0, -2)$. A longer query widens the differences between scores, so the best key takes more.
#
# </details>
#
# ## 3. All words at once: the formula
#
# We followed one word. A computer does all at once, as products of matrices. The marked row is *chase*; you know all its numbers.
#
# ![X times the three matrices gives Q, K and V, each 3 by 2. Q times K transposed gives 3 by 3 scores, then weights; weights times V gives the 3 by 2 outputs](figures/01_matrices.svg)
#
# In one line, this is the formula of the paper that built a whole model on attention (Vaswani et al. 2017, equation 1):
#
# $$\mathrm{Attention}(Q, K, V) = \mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V$$
#
# Read it from the inside: $Q K^\top$ are the scores, divided by $\sqrt{d_k}$; softmax turns each row into weights; and times $V$ takes
# the average of the values. It is as short in Python:

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![X times the three matrices gives Q, K and V, each 3 by 2. Q times K transposed gives 3 by 3 scores, then weights; weights times V gives the 3 by 2 outputs](figures/01_matrices.svg)


# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The marked row is *chase*, all its numbers are known. Ask for the shapes before you point at them.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The formula, and Python
#
# $$\mathrm{Attention}(Q, K, V) = \mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V$$


# %% slideshow={"slide_type": "-"} tags=["show-code"]
def attention(query, key, value):
    scores = query @ key.transpose(-2, -1)  # swaps the last two axes
    scores = scores / math.sqrt(key.shape[-1])
    weights = scores.softmax(dim=-1)
    return weights @ value, weights


print(attention(Q, K, V)[0])

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Read it from the inside, the formula with the left hand and the code with the right. Each line is one of the steps.

# %% [markdown]
# From here on we take the function from the course's library, `bertnotes`. It does the same, and it also
# knows masks (section 6) and says what is wrong when shapes do not fit. Later pages run a whole BERT on it. Is it the same function as ours, and as the one that PyTorch brings along? We compare all
# three on random numbers: 2 sentences of 5 words, and 8 numbers for each word.

# %% tags=["teaches"]
from bertnotes import scaled_dot_product_attention

torch.manual_seed(0)
query, key, value = torch.randn(3, 2, 5, 8)  # three times 2 sentences, 5 words, 8 numbers
ours, _ = attention(query, key, value)
library, _ = scaled_dot_product_attention(query, key, value)
pytorch = torch.nn.functional.scaled_dot_product_attention(query, key, value)
assert torch.allclose(ours, library, atol=1e-5) and torch.allclose(library, pytorch, atol=1e-5)
print("equal, all numbers of", tuple(ours.shape))

# %% tags=["check:other-shapes"]
# checked: they are equal, too, where there are more keys than queries and values have another size
query, key, value = torch.randn(2, 3, 8), torch.randn(2, 5, 8), torch.randn(2, 5, 6)
ours, _ = attention(query, key, value)
assert torch.allclose(ours, torch.nn.functional.scaled_dot_product_attention(query, key, value), atol=1e-5)
assert torch.allclose(ours, scaled_dot_product_attention(query, key, value)[0], atol=1e-5)

# %% [markdown]
# The `assert` would stop the page with an error if they differed by more than about 0.00001. It does not: these few lines are the one step of
# BERT in which words exchange anything. What remains is to see why each part is there.
#
# ## 4. Why divide at all?
#
# Our keys have 2 numbers, those of BERT-base, the original model, have 64. What does a longer vector do to a dot product? We take random vectors, whose numbers lie
# around 0 and have the typical size 1, and look at the typical size of their dot products. (By *typical size* we mean the root of the mean square.) With 4 numbers in each vector it
# is 2, as you will see. And with 1,024 numbers, 256 times as many?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## How large is a dot product?
#
# A dot product of vectors with 4 random numbers is typically 2 in size. And with 1,024?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | numbers in a vector | 4 | 16 | 64 | 1,024 |
# | --- | --- | --- | --- | --- |
# | typical size of a dot product | 2 | 4 | 8 | **32** |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Most guess 512, 256 times as much. Positive and negative products cancel, so it grows with the root only: 16 times.

# %%
guess = None  # the typical size of a dot product of 1,024 numbers

# %%
sizes = [4, 16, 64, 1024]
typical = []
for size in sizes:
    q, k = torch.randn(2, 10_000, size)  # 10,000 queries and as many keys
    typical.append((q * k).sum(dim=-1).std().item())  # .std(): their typical size, as their mean is 0
    print(f"{size:5,} numbers: {typical[-1]:.0f}")
print("your guess for 1,024:", guess)

# %% tags=["check:typical-size"]
# checked: the typical size of a dot product is the root of the number of its terms, within 3 percent
assert all(abs(found / math.sqrt(size) - 1) < 0.03 for found, size in zip(typical, sizes, strict=True))

# %% [markdown]
# The size is the square root each time: $\sqrt{4} = 2$, $\sqrt{1024} = 32$. A dot product is a sum of $d_k$ products, some positive, some negative.
# Much of it cancels, and what typically remains grows with the root of the number of terms. So $\sqrt{d_k}$ is just the number that brings a
# typical score back to 1, however many numbers there are.
#
# (In the words of statistics: around a mean of 0 this typical size is the **standard deviation**, and its square is the **variance**. Each product has variance 1, variances of independent
# terms add up, so the dot product has variance $d_k$.)
#
# What would go wrong without it? We let random queries look at 8 random keys each, and note the largest of the 8 weights.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Without the root, one key takes nearly all

# %% slideshow={"slide_type": "-"}
plain, divided = [], []
for size in sizes:
    q, k = torch.randn(2_000, 1, size), torch.randn(2_000, 8, size)  # 2,000 queries with 8 keys each
    dots = (q * k).sum(dim=-1)
    plain.append(dots.softmax(dim=-1).amax(dim=-1).mean().item())
    divided.append((dots / math.sqrt(size)).softmax(dim=-1).amax(dim=-1).mean().item())
lines = {"not divided": plain, "divided": divided}
ax = line_chart(sizes, lines, xlabel="numbers in a key, $d_k$ (logarithmic axis)", title="largest of 8 weights, on average")
_ = ax.set_ylim(0, 1.05)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Dashed: divided, always a little over a third. Solid: one key takes nearly all, and then raising its score a little changes nothing, so
# nothing can be learned from it.

# %% tags=["check:largest-weight"]
# checked: at 64 numbers one of 8 keys gets most of the weight if the scores are not divided, and about a third if they are
dots = (torch.randn(2_000, 1, 64) * torch.randn(2_000, 8, 64)).sum(dim=-1)
assert (dots.softmax(dim=-1).amax(dim=-1) > 0.99).float().mean() > 1 / 3
assert ((dots / 8).softmax(dim=-1) < 0.99).all() and abs(plain[2] - 0.874) < 0.015
assert plain[-1] > 0.95 and min(divided) > 0.33 and max(divided) < 0.375
two = (torch.randn(20_000, 1, 2) * torch.randn(20_000, 8, 2)).sum(dim=-1) / math.sqrt(2)
assert 0.32 < two.softmax(dim=-1).amax(dim=-1).mean() < 0.34

# %% [markdown]
# The dashed line is nearly level: divided by the root, the largest of 8 weights is about a third, from 0.33 at 2 numbers to 0.36. (Not an eighth: of 8 random scores
# one is always ahead.) The solid line rises towards 1. At 64 numbers it is nearly 0.9 on average, and for more than a third of the queries one key gets over
# 0.99: it takes nearly all.
#
# That makes it hard to learn. $W_Q$ and $W_K$ are learned in small steps (page 02): would it help if this score were a little higher? That can only show if
# a small change of the score changes the weight. Raise a score by 0.1: a weight of 0.5 becomes 0.525, one of 0.99 becomes 0.991. Where one key takes nearly
# all, neither it nor the others can move. Try it: move the slider to more numbers, and compare both sides.

# %% tags=["check:slope"]
# checked: the slope of a softmax weight in its own score is w(1 - w); without the root slopes are larger on average and uneven
raised = [1 / (1 + (1 - share) / share * math.exp(-0.1)) for share in (0.5, 0.99)]
assert [round(share, 3) for share in raised] == [0.525, 0.991]
score = torch.tensor([4.0, 0.0, 2.0], requires_grad=True)
w = score.softmax(dim=0)[0]
(change,) = torch.autograd.grad(w, score)
assert torch.isclose(change[0], w * (1 - w))
dots = (torch.randn(10_000, 1, 64) * torch.randn(10_000, 8, 64)).sum(dim=-1)
without, with_root = dots.softmax(dim=-1), (dots / 8).softmax(dim=-1)
slopes, fair = without * (1 - without), with_root * (1 - with_root) / 8
leader, fair_leader = (each.gather(-1, dots.argmax(dim=-1, keepdim=True)) for each in (slopes, fair))
assert 2.5 < leader.mean() / fair_leader.mean() < 3.5 and 0.25 < (leader < fair_leader / 10).float().mean() < 0.32
assert 300 < fair.median() / slopes.median() < 1200

# %% tags=["check:bert-start"]
# checked: a new BERT-base begins with weights that are nearly even; without the root the largest of 8 would be about 0.6
from transformers import BertConfig, BertModel

bert = BertModel(BertConfig(vocab_size=1000, num_hidden_layers=1)).eval()
layer = bert.encoder.layer[0].attention.self
with torch.no_grad():
    words_of_bert = bert.embeddings(torch.randint(1000, (200, 8)))
    parts = (each(words_of_bert).view(200, 8, 12, 64).transpose(1, 2) for each in (layer.query, layer.key))
    dots = torch.matmul(next(parts), next(parts).mT)
assert 0.5 < dots.softmax(dim=-1).amax(dim=-1).mean() < 0.65 and 0.15 < (dots / 8).softmax(dim=-1).amax(dim=-1).mean() < 0.21

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## More numbers, wilder scores

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
play("scaling")

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes, may go.** From 2 numbers to 1,024. Left the scores spread and one word takes all; right nothing changes.

# %% [markdown]
# <details><summary>For the curious: how sure is this?</summary>
#
# Dot products do grow (Vaswani et al., footnote 4). That small changes are the reason to divide, they only *suspect* (section 3.2.1), citing Britz et al. (2017): for
# large $d_k$, unscaled dot products did worse than *additive* attention. Our experiment says *uneven*. A weight $w$ grows by $w(1 - w)$ times a small change of its score,
# the **slope** of softmax. Without the root (dividing by 8 costs a factor of 8) the slope of the leading key is three times as large on average, but below a tenth for more
# than one query in four; a typical one of all keys has a slope several hundred times smaller. A new BERT-base, though, has smaller numbers: its first weights are nearly
# even, and without the root the largest of 8 would be about 0.6.
#
# </details>
#
# ## 5. Temperature
#
# One may also divide by another number, the **temperature** $T$, to make weights sharper or softer. (Of a chatbot's next word it sets how adventurous the choice is.)
# Move the slider: at which temperature does *chase* look at *cats* with exactly half of its weight?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Temperature: from cold to hot

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
play("temperature")

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes, may go.** Where do cats get exactly half? At 4.16. Who has set the temperature of a chatbot?

# %% tags=["check:temperature"]
# checked: cold, the output is the value of the best key; hot, the mean of all; cats get half of the weight at 4.16
assert torch.allclose((scores[1] / 0.01).softmax(dim=0) @ V, V[0])
assert torch.allclose((scores[1] / 100_000).softmax(dim=0) @ V, V.mean(dim=0), atol=1e-3)
assert (scores[1] / 4.15).softmax(dim=0)[0] > 0.5 > (scores[1] / 4.17).softmax(dim=0)[0]
assert abs(math.exp(2 / 4.156) - (1 + math.sqrt(5)) / 2) < 1e-3

# %% [markdown]
# Where it is cold, the best key takes all. Where it is hot, all get nearly the same, and the output becomes the plain mean of the values.
#
# <details><summary>What we found</summary>
#
# At 4.16. The scores are 4, 0 and 2, so with $x = e^{2/T}$ *cats* get $x^2 / (x^2 + 1 + x)$. That is one half where $x^2 = x + 1$: at the golden ratio, 1.618.
#
# </details>
#
# ## 6. Masks: who may look at whom
#
# Sometimes a word must not look at another one. A **mask** says so: a table of `True` and `False`, one row for each word that looks. In this course `True` always
# means: **may look**. (In PyTorch's `nn.MultiheadAttention` it means *hidden*.) To forbid a look, set the score to $-\infty$ before softmax: $e^{-\infty} = 0$, so the weight is exactly 0.
#
# The first mask to know is the **causal mask**: each word may look at itself and at the words before it, as if later ones had not been said yet. A language model such
# as GPT reads like this: it has to guess the next word and must not see it. What is now the first row of the heatmap, that of *cats*?

# %%
guess = None  # three weights, such as [0.5, 0.3, 0.2]

# %%
from bertnotes import causal_mask

masked = scaled.masked_fill(~causal_mask(3), -math.inf)  # ~ turns True into False and False into True
print(masked)
causal_weights = masked.softmax(dim=-1)
print("cats:", causal_weights[0].tolist(), "   your guess:", guess)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Masks: who may look at whom
#
# Set the score of what is hidden to $-\infty$ before softmax: $e^{-\infty} = 0$. What is left of each row shares the weight.

# %% slideshow={"slide_type": "-"}
ax = attention_heatmap(causal_weights, words, title="causal: only itself and back")

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** A 0 without digits is exactly 0: hidden by the mask. Each row still adds up to 1. BERT itself uses no causal mask, but a padding mask.

# %% tags=["check:causal"]
# checked: the library's attention gives the same weights; nothing lies above the diagonal; rows add up to 1
assert torch.allclose(scaled_dot_product_attention(Q, K, V, causal_mask(3))[1], causal_weights)
assert causal_weights.triu(1).sum() == 0 and torch.allclose(causal_weights.sum(dim=-1), torch.ones(3))

# %% [markdown]
# A 0 without digits after the point is exactly 0. The weight that is taken away does not get lost: the rest of the row still adds up to 1. *cats* may look at nobody but themselves, and so
# they do, with weight 1. The last row is as before, since *mice* stand at the end and may see everything.
#
# **BERT uses no causal mask.** It looks in both directions; the B stands for *bidirectional*. What BERT needs is the **padding mask**. Sentences
# that are computed together must have the same length, so short ones are filled up with meaningless tokens. Nobody may look at those.

# %%
from bertnotes import padding_mask

X_padded = torch.cat([X, torch.tensor([[1.0, 1.0]])])  # cats chase mice, and a padding token with a vector of its own
padded = X_padded @ W_Q, X_padded @ W_K, X_padded @ W_V
mask = padding_mask(torch.tensor([[1, 1, 1, 0]]))[0, 0]  # 1 = word, 0 = padding; [0, 0]: of the only sentence and head
with_mask, _ = scaled_dot_product_attention(*padded, mask)
without_mask, _ = scaled_dot_product_attention(*padded)
print(f"chase, in cats chase mice:   {output[1]}")
print(f"chase, padded, masked:       {with_mask[1]}")
print(f"chase, padded, not masked:   {without_mask[1]}")

# %% tags=["check:padding"]
# checked: masked padding changes nothing, padding that is not masked does; a row that may look at nothing is nan by hand, 0 in the library
assert torch.allclose(output, with_mask[:3], atol=1e-6)
assert (output[1] - without_mask[1]).abs().max() > 0.1
nobody = torch.tensor([[True, True, True], [False, False, False], [True, True, True]])
assert scaled.masked_fill(~nobody, -math.inf).softmax(dim=-1)[1].isnan().all()
assert scaled_dot_product_attention(Q, K, V, nobody)[1][1].tolist() == [0, 0, 0]
assert torch.allclose((scaled - 10_000 * ~nobody).softmax(dim=-1)[1], weights[1], atol=1e-3)
assert torch.nn.functional.scaled_dot_product_attention(Q, K, V, nobody)[1].tolist() == [0, 0]

# %% [markdown]
# With the mask, *chase* comes out as if the sentence had never been filled up. Without it, the padding changes the answer, and no error tells you. It
# is a common bug. (The padding gets an output, too. It is thrown away.)
#
# One special case remains: a row that may look at **nothing**. Then every score is $-\infty$, softmax divides 0 by 0, and the result is `nan`, *not a
# number*. One `nan` spoils everything that it is added to, in training also the gradients (page 02). Our library, like PyTorch's function, gives such a
# row an output of 0. (The original BERT adds −10,000 instead of −∞: then such a row looks at everything, and nobody notices.) In the exercises you will do it yourself.
#
# **Play with it.** Click the cells of the mask. Make *mice* look at *cats* only. Make the causal mask. Then forbid a whole row.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Click a mask

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
play("mask")

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Make *mice* look at *cats* only, then the causal mask. Last, forbid a whole row: all weights are 0, and nothing is `nan`.

# %% [markdown]
# ## 7. What it costs
#
# Every word looks at every word, so $n$ words need $n \times n$ weights: twice the words, four times the weights. But that is only a part of the work in a
# BERT layer. The rest is done for each word on its own: twice the words, twice the work. Making $Q$, $K$ and $V$ and mixing the outputs belongs to it, and above all a network of two layers (page 05), which alone
# is 60 percent at 512 tokens.
#
# ![Left: 4 words have 16 weights, 8 words have 64. Right: the operations of one BERT-base layer at 512 to 4,096 tokens; the share of the quadratic part grows from 10 to 47 percent](figures/01_cost.svg)
#
# On the right, each bar is one layer of BERT-base, the original model, with $d = 768$ numbers for each token. Dark is the part that grows with
# the square of the length, grey is the rest. At 512 tokens, the most that BERT reads, the square is a tenth of the multiplications. At 4,096 tokens it would be almost half.
#
# In memory all weights of one text of 512 tokens take 144 MiB, and at 1,024 tokens 576 MiB, four times as much. Training keeps them, and with dropout (page 05) two to three times that. (BERT-base
# has 12 layers of 12 attentions, called *heads*, and a weight takes 4 bytes. Page 13 shows how to do without storing them.)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Left: 4 words have 16 weights, 8 words have 64. Right: the operations of one BERT-base layer at 512 to 4,096 tokens; the share of the quadratic part grows from 10 to 47 percent](figures/01_cost.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes, may go.** Left: the square. Right: in a real layer it is a tenth at first. "Attention is quadratic" is true, and at 512 tokens it is not what
# the time goes into.

# %% tags=["check:cost"]
# checked: attention needs 4 n² d operations, as PyTorch counts them; of a layer of BERT-base that is a tenth at 512 tokens
from torch.utils.flop_counter import FlopCounterMode

with FlopCounterMode(display=False) as counter:
    scaled_dot_product_attention(*torch.randn(3, 512, 768))
square, line = 4 * 512**2 * 768, 24 * 512 * 768**2
assert counter.get_total_flops() == square
with FlopCounterMode(display=False) as counter:  # a whole layer, with dropout, as BERT is trained
    torch.nn.TransformerEncoderLayer(768, 12, 3072, batch_first=True)(torch.randn(1, 512, 768))
assert counter.get_total_flops() == square + line and 0.095 < square / (square + line) < 0.105
assert 0.59 < 16 * 512 * 768**2 / (square + line) < 0.61  # the network of two layers

# %% tags=["check:memory"]
# checked: all weights of BERT-base, and that training with dropout keeps two to three times as many numbers
assert [12 * 12 * tokens**2 * 4 / 2**20 for tokens in (512, 1024)] == [144, 576]
kept, (query, key, value) = {}, torch.randn(3, 2, 64, 8, requires_grad=True)
with torch.autograd.graph.saved_tensors_hooks(lambda saved: kept.setdefault(saved.data_ptr(), saved), lambda saved: saved):
    _ = torch.dropout((query @ key.mT).softmax(dim=-1), 0.1, True) @ value
squares = [saved.numel() * saved.element_size() for saved in kept.values() if saved.shape == (2, 64, 64)]
assert 2 < sum(squares) / (4 * 2 * 64**2) <= 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - **Query**: what I look for. **Key**: what I can be found by. **Value**: what I give.
# - Attention is a soft look-up: score every key, softmax, average the values.
# - Dividing by $\sqrt{d_k}$ makes the size of random scores the same for any $d_k$, and so how sharp softmax starts.
# - A mask says who may look at whom; `True` = may look.
# - The number of weights grows with the square of the length.
#
# **Next:** on page 02 the queries come from one sentence and the keys and values from another. That is how attention came into translation, and from there into the Transformer.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Close the lid: who can say what a query, a key and a value is, in a sentence each? The exercises begin on paper.

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# Now write it yourself. `make lab` has put a copy of the [exercises](exercises/01.ipynb) into `notebooks/my`: work there. (Where you
# started Lab another way, copy it there yourself.) Each one says what is
# right, or what is wrong and why, as often as you try. What passes is kept in `my_bert.py`, the beginning of a BERT of your own.

# %% tags=["exercises"]
import math

import torch

from bertnotes.exercises import check, hint, solution  # noqa: F401

# %% [markdown] tags=["exercise:one_weight"]
# ### One weight, by hand · ● · 6 minutes
#
# A word's vector is $(1, 2)$, and $W_Q = \begin{pmatrix} 1 & 1 & 0 & 0 \\ 0 & 0 & 0 & 1 \end{pmatrix}$. Its query meets three keys: $(0, 0, 5, 1)$,
# $(2, 2, 1, 0)$ and $(-1, 1, 3, -1)$. How much weight does the **second** key get? (These keys have 4 numbers.) Paper and a pocket calculator with $e^x$
# are enough. Two digits after the point will do.

# %% [markdown] tags=["hint:one_weight"]
# First the query: $(1, 2)$ with each of the four columns of $W_Q$ is $(1, 1, 0, 2)$. Then its three dot products with the keys. The first one is $1 \times 0 + 1 \times 0 + 0 \times 5 + 2 \times 1 = 2$.

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
# The query is $(1, 1, 0, 2)$. The dot products are 2, 4 and −2; divided by $\sqrt{4} = 2$ they are 1, 2 and −1. $e$ to the power of each: 2.72, 7.39 and
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
# The formula of section 3, for any leading axes: `query` is (..., query, d), `key` is (..., key, d) and `value` is
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
# of 0, and all others what they had before. The gradient must not be `nan` either, or training would break: a gradient says how the
# result would change with each number, and one `nan` spoils whatever is learned from it. The check works it out for you.

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
# This attention runs without an error, and both its bugs are common. Find and mend them. Making a small
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
# Neither bug raises an error here; what comes out is wrong numbers, or `nan` where nothing is left to look at. A small example shows which.

# %% [markdown]
# ## Sources
#
# - Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin (2017). *Attention Is All You Need.* Sections 3.2.1 and 4;
#   the size of a dot product is their footnote 4. arXiv:1706.03762
# - Bahdanau, Cho, Bengio (2015). *Neural Machine Translation by Jointly Learning to Align and Translate.* Attention before the dot
#   product: a small network gave the scores. arXiv:1409.0473
# - Luong, Pham, Manning (2015). *Effective Approaches to Attention-based Neural Machine Translation.* Scores as dot products. arXiv:1508.04025
# - Miller, Fisch, Dodge, Karimi, Bordes, Weston (2016). *Key-Value Memory Networks for Directly Reading Documents.* Keys apart from values. arXiv:1606.03126
# - Britz, Goldie, Luong, Le (2017). *Massive Exploration of Neural Machine Translation Architectures.* arXiv:1703.03906
# - Phuong, Hutter (2022). *Formal Algorithms for Transformers.* All of it in exact pseudocode. arXiv:2207.09238
