# %% [markdown] question="What changes when a sentence looks at itself, or at another one?"
# # 02 · Self-attention and cross-attention
#
# **The question:** what changes when a sentence looks at itself, or at another one? And how does a network learn where to look?
#
# ![One function, fed in two ways. Left: queries, keys and values from cats chase mice, with 3 by 3 weights. Right: queries from Katzen jagen, keys and values from cats chase mice, with 2 by 3 weights. Comparing Q with K gives the weights; each row of them averages V to one output](figures/02_two_ways.svg)
#
# The function is the same both times. Only what goes in differs. On this page you train two small translators. One may look back at all that it has read, the other gets one vector.
#
# **You need:** page 01. **Time:** about 55 minutes, and 54 more for the exercises. Training takes about 20 seconds.
#
# Sections 1 to 7 are about attention. Sections 8 to 10 show how the translators learn, and can wait for another day.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Self- and cross-attention
#
# ![One function, fed in two ways. Left: queries, keys and values from cats chase mice, with 3 by 3 weights. Right: queries from Katzen jagen, keys and values from cats chase mice, with 2 by 3 weights. Comparing Q with K gives the weights; each row of them averages V to one output](figures/02_two_ways.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The deck is two lessons. By these notes the first, about attention, takes 43 minutes and ends with the slide *What to remember: attention*. The second, about learning, takes 20. It begins with *Learning: what is the new w?* and can be left out. For time to ask and to run the notebook, skip *One word, inside the decoder* and *Where do 300 rows look most?*
#
# Ask: what is the same on both sides? All that happens to Q, K and V. What differs? Where the blue arrow starts. Blue is the query, orange the key, green the value, as on page 01.

# %%
import math

import matplotlib.pyplot as plt
import torch
from torch.nn.functional import cross_entropy

from bertnotes.attention import scaled_dot_product_attention
from bertnotes.pictures.attention import attention_heatmap
from bertnotes.pictures.charts import line_chart
from bertnotes.pictures.play import play

torch.set_printoptions(precision=2, sci_mode=False)

# %% [markdown]
# ## 1. One function, fed in two ways
#
# On page 01 we wrote `attention(query, key, value)`. It never asks where the three come from. There are two usual ways:
#
# - **Self-attention**: queries, keys and values all come from *one* sentence. Each word looks at its own sentence.
# - **Cross-attention**: the queries come from one sentence, keys and values from *another*. Each word of the first looks at the second.
#
# We take three English words and two German ones: *Katzen jagen* means *cats chase*. The vectors are made up, so that words with
# the same meaning point nearly the same way. There are no matrices here: each vector is its own query, key and value.
#
# In the drawing the German words ask. Turn it around: the **English** words ask, the **German** ones are asked. How many rows and columns do the
# weights have then?

# %%
guess = None  # (rows, columns)

# %%
english, E = ["cats", "chase", "mice"], torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, -1.0]])
german, G = ["Katzen", "jagen"], torch.tensor([[2.0, 0.5], [0.0, 2.5]])
itself, self_weights = scaled_dot_product_attention(E, E, E)
across, cross_weights = scaled_dot_product_attention(G, E, E)
turned, turned_weights = scaled_dot_product_attention(E, G, G)
print("self:                weights", tuple(self_weights.shape), " output", tuple(itself.shape))
print("German asks English: weights", tuple(cross_weights.shape), " output", tuple(across.shape))
print("English asks German: weights", tuple(turned_weights.shape), " output", tuple(turned.shape), "  your guess:", guess)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Who asks, who is asked?
#
# Three English words ask, two German ones are asked. How many rows and columns do the weights have? How many outputs are there?
#
# And if the German sentence had 50 words?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | | rows | columns | outputs |
# | --- | --- | --- | --- |
# | English asks itself | 3 | 3 | 3 |
# | German asks English | 2 | 3 | 2 |
# | English asks German | **3** | **2** | **3** |
# | ... of 50 words | **3** | **50** | **3** |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** A row for each word that asks, a column for each word that is asked, and an output for each row.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Turned around: who looks at whom?

# %% slideshow={"slide_type": "-"}
_, axes = plt.subplots(1, 2, figsize=(9.5, 3.4), layout="constrained")
_ = attention_heatmap(cross_weights, german, english, ax=axes[0], title="German asks English")
_ = attention_heatmap(turned_weights, english, german, ax=axes[1], title="English asks German")
for ax in axes:
    _ = ax.set_ylabel("this word …")

# %% tags=["check:two-ways"]
# checked: the shapes, the numbers and the ties that the text and the drawing give
assert self_weights.shape == (3, 3) and cross_weights.shape == (2, 3) and itself.shape == (3, 2) and across.shape == (2, 2)
assert turned_weights.shape == (3, 2) and turned.shape == (3, 2)
assert [round(weight, 2) for weight in cross_weights.flatten().tolist()] == [0.77, 0.09, 0.13, 0.03, 0.97, 0.00]
assert not torch.allclose(turned_weights, cross_weights.T, atol=0.02) and turned_weights.sum(dim=1).allclose(torch.ones(3))
assert across[0].isclose(cross_weights[0] @ E).all()
assert (E @ G.T)[[0, 2]].tolist() == [[4.0, 0.0], [1.5, -2.5]] and [f"{row[0]:.2f}" for row in turned_weights[[0, 2]]] == [
    "0.94"
] * 2

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let the class read the rows aloud: "Katzen looks at cats with 0.77". Each row adds up to 1, but for rounding. So the right table is not the left one turned on its side: even *mice*, which has no German partner, spends its whole 1. Why 0.94, as *cats* does? The dot products are 4 and 0 for *cats*, 1.5 and −2.5 for *mice*: both times 4 apart, and softmax sees no more. The output of *Katzen* is an average of English values alone.
# Warn them: between two sentences of three words cross-attention would be a square, too. What makes it cross-attention is where the queries come from.

# %% [markdown]
# **A row of weights for each word that asks, a column for each word that is asked**, and one output for each row. On the left, *Katzen* looks most at *cats*, *jagen* at *chase*, as we arranged it. On the right *mice* has no German partner, and still its
# weights add up to 1. (In print, rows may add up to 0.99 or 1.01: rounding.) Why is it 0.94 for *Katzen*, just as in the row of *cats*? Softmax sees only how far scores are apart, here 4 both times: the dot products are 4 and 0 for *cats*, 1.5 and −2.5 for *mice*.
#
# The output of *Katzen* is an average of **English** vectors only. Its own vector decided where to look, but it is not among the vectors that are averaged.
#
# The two sentences may differ in length. What must they have in common? Think of the dot product of a query with a key.
#
# <details><summary>Answer</summary>
#
# A query and a key need equally many numbers, or they have no dot product. In a model the matrices $W_Q$ and $W_K$ see to that. And each
# key needs its value, so these two come from the same sentence.
#
# </details>

# %% tags=["check:cross-shapes"]
# checked: lengths may differ, sizes of query and key may not; as many values as keys are needed
for queries, keys in ((1, 7), (50, 3)):
    output, weights = scaled_dot_product_attention(torch.randn(queries, 4), torch.randn(keys, 4), torch.randn(keys, 6))
    assert output.shape == (queries, 6) and weights.shape == (queries, keys)
try:
    scaled_dot_product_attention(torch.ones(2, 3), E, E)  # queries of 3 numbers, keys of 2
except ValueError as error:
    assert "must be equal" in str(error)
else:
    raise AssertionError("queries and keys of different sizes have no dot product")

# %% [markdown]
# ## 2. Why look at another sentence? The bottleneck
#
# In 2014 networks of two parts came up for translation (Cho and others; Sutskever, Vinyals and Le). The first part, the **encoder**, reads the sentence. The second, the **decoder**, says the translation, one word at a time.
#
# Our example is small: from digits to German number words. German says *21* as *ein und zwanzig*, one and twenty, the second digit first. So `2 1 4 7` becomes *ein und zwanzig sieben und vierzig*. (In real German each number is one word.) These are all the words that you need:
#
# | | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 |
# | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
# | second digit: ones | ein | zwei | drei | vier | fünf | sechs | sieben | acht | neun |
# | first digit: tens | | zwanzig | dreißig | vierzig | fünfzig | sechzig | siebzig | achtzig | neunzig |
#
# ![The encoder reads the digits 2 1 4 7, one after another. After each digit it has a memory, made from the memory before and the digit](figures/02_encoder.svg)
#
# The encoder is a **recurrent network**: it takes in one digit after another and carries a vector along. At each step it makes a new vector from the old one and the new digit. Ours is a **GRU** (gated recurrent unit; the idea is from Cho and others 2014): it learns how much of the old vector to keep. We call the vector after each digit a **memory**; it has 64 numbers. The decoder is a GRU, too, and its vector is its **state**.
#
# ![Only the last memory, one vector, reaches the decoder, at its start and at every word](figures/02_bottleneck.svg)
#
# Here the decoder gets one vector from the encoder, its last memory. It uses that twice: as its first state, and again in choosing each word. Whether the encoder read two digits or twelve, this is all: a **bottleneck**. In the same year Cho, van Merriënboer, Bahdanau and Bengio measured that the translations of such networks got worse as sentences got longer.
#
# What would a person do? Look at the original again. In September 2014 Bahdanau, Cho and Bengio let the decoder do so: keep *all* memories, and let each word of the translation look for what it needs.
#
# ![With attention: the state of the decoder is the query, all memories of the encoder are keys and values; what is found helps to say ein](figures/02_looks_back.svg)
#
# Today this is called cross-attention. The decoder's state asks: it is the query. The encoder's memories give keys and values. At each word the query is a new one, while keys and values stay the same. The decoder still starts from the last memory. (Bahdanau's encoder read in both directions, what was found also entered the next state, and the scores came from a small network. Ours are dot products.)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The task: digits in, German words out
#
# 2 1 4 7 becomes *ein und zwanzig sieben und vierzig*: the second digit first
#
# | digit | second | first | digit | second | first |
# | --- | --- | --- | --- | --- | --- |
# | 1 | ein | | 6 | sechs | sechzig |
# | 2 | zwei | zwanzig | 7 | sieben | siebzig |
# | 3 | drei | dreißig | 8 | acht | achtzig |
# | 4 | vier | vierzig | 9 | neun | neunzig |
# | 5 | fünf | fünfzig | | | |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Write this key on the board: the maps need it. Let the class say 95: *fünf und neunzig*, five and ninety.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The encoder reads, one digit at a time
#
# ![The encoder reads the digits 2 1 4 7, one after another. After each digit it has a memory, made from the memory before and the digit](figures/02_encoder.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Ask: what does the last memory have to hold, if it is all that the decoder gets?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The bottleneck
#
# ![Only the last memory, one vector, reaches the decoder, at its start and at every word](figures/02_bottleneck.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** One vector of the same size for two digits or for twelve. What would you do, if you had to translate a long sentence and had the original on the table? Look again.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The decoder looks back
#
# ![With attention: the state of the decoder is the query, all memories of the encoder are keys and values; what is found helps to say ein](figures/02_looks_back.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Which of the two sentences asks? The translation. Keys and values come from the original. The idea is from Bahdanau, Cho and Bengio, September 2014; the names query, key and value are later.

# %% [markdown]
# ## 3. Two translators that differ in one thing
#
# Our data: rows of one to six numbers. (From here on a *row* is such a row of digits or words.) Each number is from 21 to 99 and does not end in 0, so each has exactly three words. There are 20 "words": 9 for ones, 8 for tens, *und*, `<go>`, which tells the decoder to begin,
# and `<pad>`. Digits and words enter as whole numbers; 0 is **padding**, the filler that makes all rows equally long. Each digit and each word gets a vector, which is learned too.
#
# The rows are random. A **seed** fixes which random numbers are drawn, so yours are the same as ours. We stop the decoder after three words for each number, so that every mistake on this page is a wrong word.

# %%
from bertnotes.translator import VOCABULARY, make_rows, say

print(*say([21, 47]))
digits, words = make_rows(6400, seed=0)
print("digits:", digits[0].tolist())
print("words: ", words[0].tolist())
print("that is:", *(VOCABULARY[word] for word in words[0] if word != 0))

# %% [markdown]
# ### What does the decoder read?
#
# Before each guess it reads the word before. On its own, that is the word that it said. While it learns, it is the *right* word, whatever it would have said: **teacher forcing**.
#
# ![In training, after a wrong guess vierzig, the decoder reads the right word zwanzig next. On its own it reads its own word, vierzig, and a second mistake follows](figures/02_teacher_forcing.svg)
#
# So what goes in is the row of right words, moved by one: `<go>` in front, the last one away. `shifted` does that. Unmoved, the decoder would read the word that it has to guess.
#
# ### Two models
#
# Both are the same network, and the same seed gives them the same random numbers at the start. They
# differ in a *mask* (page 01, section 6): one decoder may look at all memories, the other at the last one alone. Softmax of a single score is
# $e^s / e^s = 1$. So the second one's weight is always 1.

# %%
from bertnotes.translator import Translator, shifted

torch.manual_seed(0)
with_attention = Translator("all")
torch.manual_seed(0)  # once more: the same random numbers
without = Translator("last")
models = {"with attention": with_attention, "without": without}
print(f"each has {sum(table.numel() for table in without.parameters()):,} parameters")
for name, model in models.items():
    _, weights = model(digits[:1, :6], shifted(words[:1]))  # (row, word, digit), of four digits and two fillers
    print(f"{name:14} looks:", *(f"{weight:.2f}" if weight else "0" for weight in weights[0, 0].tolist()))

# %% tags=["check:equal-models"]
# checked: the same parameters; without attention, all weight is on the last memory, and W_Q and W_K learn nothing
pairs = zip(with_attention.state_dict().values(), without.state_dict().values(), strict=True)
assert all(torch.equal(one, other) for one, other in pairs)
several = (digits > 0).sum(dim=1) > 2
some, last = (model(digits[several][:50], shifted(words[several][:50]))[1] for model in (with_attention, without))
ends = (digits[several][:50] > 0).sum(dim=1, keepdim=True) - 1
assert last.argmax(dim=-1).eq(ends).all() and last.amax(dim=-1).eq(1).all()
evenly = (some * (ends + 1)[..., None])[some > 0]  # 1 where a word looks everywhere alike
assert evenly.min() > 0.5 and evenly.max() < 1.5
scores, _ = without(digits[:50], shifted(words[:50]))
cross_entropy(scores.flatten(0, 1), words[:50].flatten(), ignore_index=0).backward()
idle = [table for part in (without.cross_attention.query, without.cross_attention.key) for table in part.parameters()]
assert all(table.grad.abs().max() < 1e-9 for table in idle) and sum(table.numel() for table in idle) == 8320
assert without.cross_attention.value.weight.grad.abs().max() > 1e-6 and len(VOCABULARY) == 20
without.zero_grad()

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Two translators, one difference
#
# | | with attention | without |
# | --- | --- | --- |
# | network | the same | the same |
# | parameters | 69,780 | 69,780 |
# | their start, training data | the same | the same |
# | **may look at** | **all memories** | **the last memory alone** |
#
# What are the weights of the model without attention? And what does it find at each word?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# One weight, always 1. So it finds the same vector at every word.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Softmax of one score is 1. So attention adds the same 20 numbers, a fixed bonus, to the scores at every word of a row. Which digit comes when, the state must remember by itself.

# %% [markdown]
# **Parameters** are the numbers that training changes. The first model spreads its weight over the memories of all four digits. The second puts all of it on the
# fourth, the last one. Padding gets exactly 0 from both, written without digits.
#
# So what the second model finds is the same at every word of a row: a fixed bonus for the score of each of the 20 words. It cannot tell which digit comes now; that the state must remember by itself.
#
# ### One word, inside the decoder
#
# The model with attention has read the words up to *und*, and *sechzig* comes next.
#
# ![Four steps. Encode: the digits become memories. Decode: the words become states. Cross-attention: the state after und asks the keys of all memories, and finds the weighted average of their values. Score: state and found are added and scored, and sechzig comes out](figures/02_one_word.svg)
#
# The code takes the same four steps, for all words of a row at once. `cross_attention` holds the matrices $W_Q$, $W_K$ and $W_V$, and one more, through which the average goes (page 03).
# `score` turns 64 numbers into 20, a score for each word.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## One word, inside the decoder
#
# ![Four steps. Encode: the digits become memories. Decode: the words become states. Cross-attention: the state after und asks the keys of all memories, and finds the weighted average of their values. Score: state and found are added and scored, and sechzig comes out](figures/02_one_word.svg)

# %%
one, said = digits[:1, :4], shifted(words[:1, :6])  # 6 1 9 2, and: <go> ein und sechzig zwei und
memories, last = with_attention.encode(one)  # 1: a memory after each digit, and the last of them
states = with_attention.decode(said, start=last)  # 2: a state after each word
found, by_head = with_attention.cross_attention(states, memories)  # 3: states ask, memories are asked
weights = by_head[:, 0]  # (row, word, digit): there is one head only (page 03)
scores = with_attention.score(states + found)  # 4: for each of 20 words
print("memories", tuple(memories[0].shape), "  states", tuple(states[0].shape))
print("weights ", tuple(weights[0].shape), "   found ", tuple(found[0].shape), "  scores", tuple(scores[0].shape))

# %% tags=["check:one-word"]
# checked: these four lines are the model; without attention it finds the same vector at every word
assert torch.allclose(scores, with_attention(one, said)[0], atol=1e-6) and weights.shape == (1, 6, 4)
same, _ = without.cross_attention(states, memories, mask=without.mask(one))
added = without.score(states + same) - without.score(states)  # the same 20 numbers at every word
assert torch.allclose(added[:, :1].expand_as(added), added, atol=1e-5) and added.abs().max() > 0.01
assert torch.allclose(same[:, :1].expand_as(same), same, atol=1e-6) and not torch.allclose(found[:, 0], found[:, 2], atol=1e-6)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Follow the numbers 1 to 4. Ask: where does *found* go? Into this word's scores. The next state does not get it: it is made from this state and the next word read. In training that is the right word, on its own the one that it chose.
#
# Then say that both models are trained: their numbers are changed in small steps, so that the right words get more probability. How that is done is the second lesson.

# %% [markdown]
# Six states ask four memories, so the weights are 6 by 4. What is found goes into the scores of this one word. The next state is made from this state and the next word read, without what was found. (A simplified form of Luong, Pham and Manning 2015.)
#
# ### Train both
#
# So far the parameters are random. **Training** changes them in small steps that lower the **loss**: a number that is high when the right next word gets little probability. Sections 8 to 10 take it apart.
# Both models get the same 6,400 rows four times, shuffled anew each time, and alike for both.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.translator import train

losses = {}
for name, model in models.items():
    losses[name] = train(model, digits, words)
    start, end = losses[name][0], sum(losses[name][-50:]) / 50
    print(f"{name:14} {len(losses[name])} steps, loss {start:.2f} at first, {end:.2f} over the last 50")

# %% tags=["check:both-learn"]
# checked: both start near ln 20, their means over 50 steps are alike, those of the next 50 below 1.43; both end below the loss of who sees no digit, one far below
ends = {name: sum(found[-50:]) / 50 for name, found in losses.items()}
assert ends["with attention"] < 0.1 and 0.5 < ends["without"] < 1.0
assert len(losses["without"]) == 400 and all(abs(found[0] - 3) < 0.1 for found in losses.values())
early = [sum(found[:50]) / 50 for found in losses.values()]
assert abs(early[0] - early[1]) < 0.05 and all(1.43 < mean < 1.6 for mean in early)
assert all(sum(found[50:100]) / 50 < 1.43 for found in losses.values())

# %% [markdown]
# ## 4. What is attention worth?
#
# Now both translate **held-out** rows: new ones, which were not in the training data. Each model reads the words that it has said itself.
# We count the rows in which **every** word is right, of up to 300 new rows of each length. (Rows of one number are left out. There are only 72, and training had them all.)
#
# In this run the model *without* attention gets about half of the rows of 2 numbers right. What share of the rows of 4 numbers, do you think?

# %%
guess = None  # from 0 to 1

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.translator import new_rows, right_numbers, translate

right = {name: [] for name in models}
for length in range(2, 7):
    rows = new_rows(300, 100 + length, length, known=digits)
    for name, model in models.items():
        numbers = right_numbers(model, *rows)  # (row, number): whether all three words are right
        whole = numbers.all(dim=1)  # (row): whether all numbers are right
        right[name].append(whole.float().mean().item())  # the share of such rows
    print(f"{len(whole)} rows of {length} numbers:", *(f"  {name} {shares[-1]:.2f}" for name, shares in right.items()))
print("your guess for 4 numbers, without:", guess)

# %% tags=["check:worth"]
# checked: with attention nearly all rows are right; without it about half of the short rows, and practically none from 4 on
assert min(right["with attention"]) > 0.85 and min(right["with attention"][:3]) > 0.95
assert 0.35 < right["without"][0] < 0.7 and right["without"][1] < 0.25 and max(right["without"][2:]) < 0.02
assert len({tuple(row) for row in digits.tolist() if row[2] == 0}) == 72

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## New rows: is *every* word right?
#
# In one run, of the rows of **2** numbers the model without attention has 0.52 right, the model with attention 1.00.
#
# And of the rows of 3, 4 and 6 numbers?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | numbers in a row | 2 | 3 | 4 | 6 |
# | --- | --- | --- | --- | --- |
# | without attention | 0.52 | **0.10** | **0.00** | **0.00** |
# | with attention | 1.00 | **1.00** | **1.00** | **0.94** |
# | without, 12 epochs | 0.96–0.99 | **0.65–0.80** | **0.19–0.30** | **0.00** |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Collect guesses. The first two lines are one run of 4 epochs, tested on up to 300 rows of each length; the third, lowest and highest of three runs trained three times as long, is a record, tested on up to 1,000. Longer training helps, and whole rows of 6 do not show it: their *first* number is right in 0.32 after 4 epochs and in 0.84 after 12 (means of three runs).

# %% [markdown]
# With attention nearly all rows are right; of six numbers, 0.94 in our run. Without it, practically none are from four numbers on. An unlucky run, or too short a training? A record holds runs with three seeds (yours is the first) and 4 or 12 **epochs** (passes over the training rows), tested on up to 1,000 new rows of each length. Without attention, these shares of whole rows are right:
#
# | | rows of 2 numbers | of 4 | of 6 |
# | --- | --- | --- | --- |
# | 4 epochs | 0.50, 0.46, 0.33 | 0.01, 0.00, 0.00 | 0.00, 0.00, 0.00 |
# | 12 epochs | 0.98, 0.99, 0.96 | 0.30, 0.30, 0.19 | 0.00, 0.00, 0.00 |
#
# Did longer training not help with 6 numbers? One mistake spoils a whole row. So look at each *number* by itself:
#
# ![The share of numbers that are right, by their place in rows of 2, 4 and 6. Without attention the first number falls as rows get longer, from 0.60 to 0.32 after 4 epochs, from 0.98 to 0.84 after 12. With attention all are 0.97 or more](figures/02_three_seeds.svg)
#
# Points are means of three runs. In rows of 6 the *first number*, before which no mistake was made, rises from 0.32 to 0.84 with 12 epochs. The last one is at 0.07 both times. (Guessing gives 1 in 72, 0.01. Why full circles rise a little at the end, we do not know.) The longer runs also take large steps for longer: the learning rate (section 8) falls to 0 within each run. And we do not know where still longer training would end.
#
# **How much is attention worth, then?** As much as shown here, against *this* model without it. Three causes are mixed: in a longer row one vector has more to hold, digits have to be kept for more steps, and after the start the vector reaches the scores alone. (Cho and others fed it into every state.) Sutskever, Vinyals and Le (2014) had a much larger model without attention, read the sentence backwards, and reported no difficulty with long sentences.

# %% tags=["check:seeds-and-epochs"]
# checked: what the text says of whole rows and of longer training; the run here is near the first of the record
import json

from bertnotes.files import RESULTS

record = json.loads((RESULTS / "translators-in-three-seeds.json").read_text(encoding="utf-8"))
of_rows, longer = ([[run["without"][what] for run in runs] for runs in record["epochs"].values()] for what in ("rows", "loss"))
table = [[", ".join(f"{rows[length]:.2f}" for rows in of) for length in "246"] for of in of_rows]
assert table[0] == ["0.50, 0.46, 0.33", "0.01, 0.00, 0.00", "0.00, 0.00, 0.00"]
assert table[1] == ["0.98, 0.99, 0.96", "0.30, 0.30, 0.19", "0.00, 0.00, 0.00"]
assert [f"{share:.2f}" for share in (min(longer[1]), max(longer[1]))] == ["0.29", "0.37"]
assert abs(right["without"][0] - of_rows[0][0]["2"]) < 0.1
ranges = [[f"{of(rows[length] for rows in of_rows[1]):.2f}" for of in (min, max)] for length in "2346"]
assert ranges == [["0.96", "0.99"], ["0.65", "0.80"], ["0.19", "0.30"], ["0.00", "0.00"]]  # of a slide


# %% tags=["check:three-seeds"]
# checked: what the text and the chart say of the record
def shares(name, epochs, length):
    """(run, number): the share right, the model reading its own words."""
    return torch.tensor([run[name]["numbers"]["own words"][str(length)] for run in record["epochs"][epochs]])


for epochs, told in (("4", ["0.60", "0.32", "0.07"]), ("12", ["0.98", "0.84", "0.07"])):
    alone = {length: shares("without", epochs, length) for length in range(2, 7)}
    ends = [alone[length].mean(dim=0)[at].item() for length, at in ((2, 0), (6, 0), (6, -1))]
    assert [f"{share:.2f}" for share in ends] == told
    for length in range(2, 7):
        assert shares("with attention", epochs, length).min() > 0.97
        if length > 2:  # in each run the first number is right less often than in rows that are shorter by one
            assert (alone[length][:, 0] < alone[length - 1][:, 0]).all()
assert (shares("without", "12", 6)[:, 0] > 2 * shares("without", "4", 6)[:, 0]).all()

# %% [markdown]
# ## 5. Where does it look?
#
# Nobody told the model where to look. It only learned to name the next word. Sections 5 and 6 look at one trained model, yours; with another seed it may look elsewhere.
#
# Let it translate 47, 21 and 95 on its own, and draw a map. A row of weights belongs to the decoder's state *before* a word, with that word beside it. A column is the memory after a digit; weights below 0.05 are not written. Frames mark the digits of the number that is being said. Where does it look most before *sieben*?


# %%
def draw_map(weights, said, digits, title=None, ax=None):
    ax = ax or plt.subplots(figsize=(9, 1.2 + 0.31 * len(said)), layout="constrained")[1]
    names, high = [VOCABULARY[word] for word in said], 2 * len(said) // len(digits)  # high: the rows of each number
    attention_heatmap(weights, names, list(map(str, digits)), ax=ax, numbers=True, least=0.05)
    for number in range(len(digits) // 2):
        ax.add_patch(plt.Rectangle((2 * number - 0.46, high * number - 0.44), 1.92, high - 0.12, fill=False, linewidth=3))
    ax.set(aspect="auto", ylabel="the state before …", xlabel="… looks at the memory after", title=title)


def look(*digits, rows=slice(None), guess=None):  # rows: of the words to be drawn
    said, weights = translate(with_attention, torch.tensor([digits]))
    draw_map(weights[0, rows], said[0, rows], digits, guess and f"your guess: {guess}")


# %%
guess = None  # the column, from 1 to 6

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Where does it look, word by word?
#
# Before *sieben*: after which digit? (Frame: the number being said)

# %% slideshow={"slide_type": "fragment"}
look(4, 7, 2, 1, 9, 5, guess=guess)

# %% tags=["check:one-row"]
# checked: the row is translated without a mistake, each word for a digit looks most at that digit, and each und at its own number
said, weights = translate(with_attention, torch.tensor([[4, 7, 2, 1, 9, 5]]))
assert [VOCABULARY[word] for word in said[0]] == say([47, 21, 95])
assert weights[0].argmax(dim=-1)[torch.tensor([0, 2, 3, 5, 6, 8])].tolist() == [1, 0, 3, 2, 5, 4]
assert (weights[0, 1::3].argmax(dim=-1) // 2 == torch.arange(3)).all()

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Guesses first, then the map. Follow *sieben*, then *vierzig*: crosswise, the second digit first. Nobody told it. In this row each *und* looks at its own number.

# %% [markdown]
# Before *sieben* it looks most at the second column, before *vierzig* at the first, and so on in pairs. In this row all three *und* look most into their own frame, though not all at the same digit of it.
#
# A column is a memory, not a digit: the memory after the 2 was made from the 4 and the 7, too. So looking at it does not mean using the 2 alone.
#
# ### How does the query find the place?
#
# The query before *sieben* need not know that a 7 comes; it could ask for a place. To see whether it does, we make the numbers the same each time. Let it translate 41, 41 and 41. Before the second and the third *ein* the state has read the same word last, *vierzig*. Do these two look most at the same column?

# %%
guess = None  # "yes" or "no"

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## How does it know the place? 41, 41, 41
#
# Before the 2nd and 3rd *ein* it read *vierzig*. The same place?

# %% slideshow={"slide_type": "fragment"}
look(4, 1, 4, 1, 4, 1, guess=guess)

# %% tags=["check:same-number"]
# checked: the same digits at different places are told apart, and so are the states before the same words
said, weights = translate(with_attention, torch.tensor([[4, 1, 4, 1, 4, 1]]))
assert [VOCABULARY[word] for word in said[0]] == say([41, 41, 41])
assert weights[0].argmax(dim=-1)[torch.tensor([0, 2, 3, 5, 6, 8])].tolist() == [1, 0, 3, 2, 5, 4]
assert all(weights[0, 3 * at, 2 * at : 2 * at + 2].sum() > 0.5 for at in range(3))  # each ein
assert (weights[0, 1::3].argmax(dim=-1) // 2 == torch.arange(3)).all()  # each und
assert (weights[0, 3] - weights[0, 6]).abs().max() > 0.3 and (weights[0, 6, 3] - weights[0, 6, 5]).abs() > 0.3

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let the class argue first. Compare the second and the third *ein*: before both, *vierzig* was read. (The first has read `<go>`.) They look at different places. So a state holds more than the last word, and a memory more than its digit. Both are recurrent, so both *can* keep track of what came before. The Transformer has no recurrence: there positions are added to the vectors (page 05).

# %% [markdown]
# No: each looks mostly into its own frame. (The first *ein* does, too, but it has read `<go>`.) What follows from the other two?
#
# - Their rows of weights differ. So their queries differ, after the same last word: a state holds more than the word read last.
# - The memories after the second and the third 1 get different weights from the same query. So their keys differ: a memory holds more than its digit.
#
# All that differs between the two is *how much came before*. Memories and states are made step by step, so they can hold that.
#
# ### And *und*?
#
# Each *und* in these two rows looks most into its own frame. Here are the six *und* of a longer row: 41, 96, 29, 73, 69, 36. How many of them do so there?

# %%
guess = None  # from 0 to 6

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## And *und*, in a longer row?
#
# Six numbers, six *und*. Does each look at its own number?

# %% slideshow={"slide_type": "fragment"}
look(4, 1, 9, 6, 2, 9, 7, 3, 6, 9, 3, 6, rows=slice(1, None, 3), guess=guess)  # every third word, from the second

# %% tags=["check:six-und"]
# checked: the row is translated without a mistake; the first and the last und look most at their own number, the others at a later number
said, weights = translate(with_attention, torch.tensor([[4, 1, 9, 6, 2, 9, 7, 3, 6, 9, 3, 6]]))
assert [VOCABULARY[word] for word in said[0]] == say([41, 96, 29, 73, 69, 36])
assert (weights[0, 1::3].argmax(dim=-1) // 2).tolist() == [0, 2, 3, 5, 5, 5]

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Guesses first. Only the first and the last *und* look most into their own frame. The others look ahead, at digits of a number that is not being said. Let the class argue: what does the model need to know in order to say *und*?

# %% [markdown]
# The first *und* and the last one look most into their own frame. The other four look ahead, at a later number; the fourth even skips one. So a row or two prove no rule. We count in 300 new rows of six numbers:
# at which digit does each kind of word look *most*? From here on the right words are fed in, so that in every row the first word is one for ones, the second is *und*, and so on.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.translator import looked_at

many_digits, many_words = new_rows(300, seed=7, length=6, known=digits)
_, weights = with_attention(many_digits, shifted(many_words))
looks = looked_at(weights)
print("      own first digit   own second digit   next number   elsewhere")
for kind, shares in looks.items():
    print(f"{kind:5} {shares[0]:15.2f} {shares[1]:18.2f} {shares[2]:13.2f} {shares[3]:11.2f}")

# %% tags=["check:alignment"]
# checked: words for ones and tens look at their own digit; und at its own number or the next, as its place in the row is
assert looks["ones"][1] > 0.9 and looks["tens"][0] > 0.8
assert 0.5 < sum(looks["und"][:2]) < 0.65 and 0.3 < looks["und"][2] < 0.45 and looks["und"][3] < 0.1
ahead = weights[:, 1::3].argmax(dim=-1) // 2 - torch.arange(6)  # of each und: 0 is its own number, 1 the next
own, coming = (ahead == 0).float().mean(dim=0), (ahead == 1).float().mean(dim=0)
assert 0.35 < own[:5].mean() < 0.65 and 0.3 < coming[:5].mean() < 0.6 and min(own[0], own[5], coming[4]) > 0.7

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Where do 300 rows look most?
#
# Words for ones: at the first digit of their number or at the second? Words for tens? And *und*?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | | own first digit | own second | next number | elsewhere |
# | --- | --- | --- | --- | --- |
# | ones | 0.00 | **0.99** | 0.01 | 0.00 |
# | *und* | 0.21 | 0.36 | 0.38 | 0.05 |
# | tens | **0.93** | 0.07 | 0.00 | 0.00 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The numbers may differ a little from machine to machine. Ask: does it matter that *und* looks elsewhere? Do not answer; the next slide tests it.

# %% [markdown]
# Words for ones nearly always look most at the second digit of their number, words for tens at the first. Such a matching of words and places is called an **alignment**. *und* is different: more than half of them look most at their own number, more than a third at the next.
#
# ## 6. Does it matter where a word looks?
#
# To say *und* no digit is needed: after a word for ones, *und* always follows. Does the model use one all the same? We leave the model as it is and change what attention gives it:
#
# - **even weights**: every digit gets the same weight, $\frac{1}{12}$.
# - **next number**: each word gets its own weights, moved on by one number. (The last number gets the first.)
# - **cut**: what attention found is replaced by zeros. The state is left alone.
#
# In training the model never met any of these.
#
# After the cut, what share of each kind of word is still right?

# %%
guess = None  # for ones, und and tens, such as [0.9, 0.5, 0.9]

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.translator import by_kind

changed = {}
print("right:          ones   und  tens")
for change in ("nothing", "even weights", "next number", "cut"):
    changed[change] = by_kind(with_attention, many_digits, many_words, change)
    print(f"{change:14}", *(f"{share:5.2f}" for share in changed[change]))
print("your guess:", guess)

# %% tags=["check:cut"]
# checked: changing what attention gives hurts the words for digits, and und not at all; cut, they are right as by chance
assert min(changed["nothing"]) > 0.95
for change in ("even weights", "next number", "cut"):
    assert max(changed[change][0], changed[change][2]) < 0.45 and changed[change][1] > 0.995
assert abs(changed["cut"][0] - 1 / 9) < 0.025 and abs(changed["cut"][2] - 1 / 8) < 0.025
assert changed["even weights"][0] > 1.3 * changed["cut"][0] and changed["even weights"][2] > 1.3 * changed["cut"][2]

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Change something: what is still right?
#
# **even weights**: all twelve digits alike
#
# **cut**: zeros in place of what was found

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | share right | ones | *und* | tens |
# | --- | --- | --- | --- |
# | nothing changed | 0.99 | 1.00 | 1.00 |
# | even weights | 0.21 | **1.00** | 0.29 |
# | cut | 0.12 | **1.00** | 0.13 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Take guesses for both changes, then show the table. One in nine is chance: there are nine words for ones, eight for tens. *und* is right in every line of the table, wherever it looks. Rows of six numbers, right words fed in.

# %% [markdown]
# *und* is right in all of these tests: where it looks does not matter, as far as we have tested. After the cut, words for digits are right about as often as by
# chance, 1 in 9 and 1 in 8. (The cut also removes a constant that the model always had, which may do some of the harm.) With even weights they are right more often. (Perhaps the average still shows which digits occur; we did not test it.)
#
# *Next number* gives about as little as the cut. Does the model then guess at random? We draw 47, 21 and 95 twice, with its own weights and with the same weights moved on. Beside each row stands the word that it says. Frames mark the number that is due; the right words are fed in.

# %%
guess = None  # the first word, where sieben would be right


# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Weights moved on by one number
#
# To be said (frames): **47 21 95**. Right words fed in. What does it say?


# %% slideshow={"slide_type": "fragment"}
def move(*numbers, guess=None):  # its own weights, and the same moved on by one number, with the words that it says
    digits = [int(digit) for number in numbers for digit in str(number)]
    right_words = torch.tensor([[VOCABULARY.index(word) for word in say(numbers)]])
    _, axes = plt.subplots(1, 2, figsize=(11, 1.4 + 0.31 * 3 * len(numbers)), layout="constrained")
    titles = "its own weights", "moved on by one number" + (f" (your guess: {guess})" if guess else "")
    for change, columns, title, ax in zip(("nothing", "next number"), (0, 2), titles, axes, strict=True):
        scores, own = with_attention(torch.tensor([digits]), shifted(right_words), change)  # own: without the change
        draw_map(own[0].roll(columns, dims=1), scores[0].argmax(dim=-1), digits, title, ax)


move(47, 21, 95, guess=guess)

# %% [markdown] slideshow={"slide_type": "notes"}
# **4 minutes.** The best experiment of the lesson. Ask before you click: its own weights gave *sieben und vierzig, ein und zwanzig, fünf und neunzig*; move every weight on by two columns, the last ones to the front. What does it say? The words of the next number, each time; in 300 rows, 0.94 of the words for digits. Same network, same digits, right words fed in. So here the weights choose the place. In the notebook, let the class call out numbers: `move(38, 64, 27)`.

# %% tags=["timing", "nbval-ignore-output"]
scores, _ = with_attention(many_digits, shifted(many_words), "next number")
said = scores.argmax(dim=-1)
of_next = many_words.roll(-3, dims=1)  # in each word's place, the word three places on; in the last number's, the first's
for at, kind in ((0, "ones"), (2, "tens")):
    same = said[:, at::3] == of_next[:, at::3]  # every third word, from the first or from the third
    print(f"words for {kind} that are those of the next number: {same.float().mean():.2f}")

# %% tags=["check:moved"]
# checked: with weights moved on by one number it names the digits of the next number
three = torch.tensor([[4, 7, 2, 1, 9, 5]])
three_words = torch.tensor([[VOCABULARY.index(word) for word in say([47, 21, 95])]])
assert [VOCABULARY[word] for word in with_attention(three, shifted(three_words), "next number")[0][0].argmax(dim=-1)] == say(
    [21, 95, 47]
)
assert [VOCABULARY[word] for word in with_attention(three, shifted(three_words))[0][0].argmax(dim=-1)] == say([47, 21, 95])
assert min((scores.argmax(dim=-1) == of_next)[:, kind::3].float().mean() for kind in (0, 2)) > 0.9
same = (said == of_next)[many_words != VOCABULARY.index("und")]
assert len(same) == 12 * len(many_words) and 0.92 < same.float().mean() < 0.97  # 0.94 in the notes

# %% tags=["check:swayed-words"]
# checked: what an exercise says of the trained model: which word is swayed when one digit of 47 21 95 becomes a 3
from bertnotes.exercises.page02 import swayed

with torch.inference_mode():
    table = swayed(with_attention, three, shifted(three_words), 3)
own = torch.zeros(9, 6, dtype=torch.bool)
own[[0, 2, 3, 5, 6, 8], [1, 0, 3, 2, 5, 4]] = True
assert table[own].min() > 0.95 and table[~own].max() < 0.3 and table[1::3].max() < 0.05  # the bounds that it names

# %% [markdown]
# With its weights moved on, it says *ein und zwanzig* where *sieben und vierzig* is due: the words of the *next* number, in most of 300 rows, too. (Try `move(38, 64, 27)`.) So here the weights choose the place, and the values bring the digit. **Weights tell where a word looked. Whether it mattered is another question**: change something, as here.
#
# Why does *und* look anywhere at all? It must: a row of weights adds up to 1.
#
# Other models can differ: Jain and Wallace (2019) found classifiers that gave nearly the same answer with very different weights (page 07).
#
# ## 7. From here to BERT
#
# ![2014: a recurrent encoder and decoder; the decoder asks the encoder, by cross-attention. 2017, the Transformer: encoder with self-attention, decoder with masked self-attention, cross-attention between them. 2018, BERT: the encoder alone](figures/02_to_bert.svg)
#
# Bahdanau's translator added attention to recurrent networks. Vaswani and others (2017) left recurrence out. (The place of a word then comes from positions added to the vectors: page 05.) Their **Transformer** uses attention in three ways:
#
# - In the encoder the words of the original look at each other: self-attention. Without recurrence, nothing else lets a word know of the others.
# - In the decoder each word looks at itself and at the words before it: self-attention with page 01's causal mask.
# - The decoder's words also look at the encoder's outputs: cross-attention.
#
# **BERT is such an encoder alone, so it has no cross-attention.** How can it compare two sentences? They are laid end to end, and self-attention runs over both. We do it with our five words.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## From attention to BERT
#
# ![2014: a recurrent encoder and decoder; the decoder asks the encoder, by cross-attention. 2017, the Transformer: encoder with self-attention, decoder with masked self-attention, cross-attention between them. 2018, BERT: the encoder alone](figures/02_to_bert.svg)
#
# BERT has no cross-attention. How can it compare two sentences?

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The Transformer has all three: self-attention, masked self-attention, cross-attention. BERT keeps the first. Take answers to the question before the next slide: lay the sentences end to end.

# %%
both = torch.cat([E, G])  # cats chase mice Katzen jagen
_, pair_weights = scaled_dot_product_attention(both, both, both)
print("Katzen, over both sentences:      ", pair_weights[3])
print("its part for English, adds up to: ", f"{pair_weights[3, :3].sum():.2f}")
print("that part, divided by its sum:    ", pair_weights[3, :3] / pair_weights[3, :3].sum())
print("cross-attention from section 1:   ", cross_weights[0])

# %% tags=["check:pair"]
# checked: a quadrant, divided by the sums of its rows, is cross-attention; rows add up to 1 over both; what chase looks at
quadrant = pair_weights[3:, :3]
assert torch.allclose(quadrant / quadrant.sum(dim=-1, keepdim=True), cross_weights, atol=1e-6)
generator = torch.Generator().manual_seed(0)
for _ in range(20):  # for any vectors, also where queries and keys differ
    queries, keys = (torch.randn(5, 4, generator=generator) for _ in range(2))
    _, over_both = scaled_dot_product_attention(queries, keys, keys)
    _, over_one = scaled_dot_product_attention(queries[3:], keys[:3], keys[:3])
    assert torch.allclose(over_both[3:, :3] / over_both[3:, :3].sum(dim=-1, keepdim=True), over_one, atol=1e-5)
assert torch.allclose(pair_weights.sum(dim=-1), torch.ones(5)) and round(quadrant[0].sum().item(), 2) == 0.49
assert round(pair_weights[1, 4].item(), 2) == 0.63 and round(pair_weights[1, 1].item(), 2) == 0.31

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Two sentences, one table of weights
#
# ![Five words of two sentences in one table of weights, with frames around the two parts where a word looks at the other sentence. The row of Katzen sends 0.49 across and keeps 0.51](figures/02_pair.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The framed quadrants look like cross-attention, but one softmax runs over the whole row: what goes across is missing at home. Ask why *chase* looks more at *jagen* than at itself: its dot product with the longer vector is larger.

# %% [markdown]
# ![Five words of two sentences in one table of weights, with frames around the two parts where a word looks at the other sentence. The row of Katzen sends 0.49 across and keeps 0.51](figures/02_pair.svg)
#
# Is the lower left frame cross-attention? Not quite. One softmax runs over the whole row, so both sentences share one 1: *Katzen* sends 0.49 across and keeps 0.51. Divide its row in the frame
# by its sum, and you get the cross-attention of section 1, for any vectors. So here a word also decides *how much* to look across. (*chase* looks even more at *jagen*, 0.63, than at itself, 0.31: the vector of *jagen* is longer.)
#
# BERT does this in one layer after another. Only the first meets two separate sentences: after it, each word's vector can hold something of both.
# In BERT's input a vector added to each word tells the sentences apart, and `[SEP]` stands between them (page 05).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember: attention
#
# - One function. All from one sentence: **self-attention**. Queries from one, keys and values from another: **cross-attention**.
# - Cross-attention lets a decoder find something different at each word. Ours without it finds the same at every word, and gets fewer numbers right the longer the row is.
# - Weights say where a word looked. Whether it mattered shows when you change them.
# - The Transformer has both kinds of attention. **BERT** is an encoder: no cross-attention.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The first lesson ends here. Ask: why does *und* look somewhere at all? A row of weights must add up to 1. Exit ticket: a decoder has said 5 words, the original has 8. How many weights? 5 rows of 8, so 40.

# %% [markdown]
# # Part two: how a network learns
#
# ## 8. Learning in small steps: one number
#
# We called `train` and did not look inside. Now we do, and start as small as it gets. A model has one parameter, $w$, and its guess is $w$. The right answer is 3. How wrong is it? We need a number for that, the **loss**: 0 where the guess is right, larger the further it is off. We take the square of the error, $(w - 3)^2$.
#
# ![The loss is a valley with its lowest point at 3. The model stands at 0, where the loss is 9 and the slope is minus 6](figures/02_valley.svg)
#
# The model starts at $w = 0$, where the loss is 9. Which way should $w$ go, and how do we know? Change it a little: at $w = 0.01$ the loss is 8.94. It fell by 0.06, about six times as much as $w$ rose. So the slope at this point is $-6$. Its name is the **gradient**.
#
# The gradient points uphill; a negative one, to the left. So take a step *against* it: subtract the gradient, times a small number, the **learning rate**. Here it is 0.1. From $w = 0$, where the gradient is $-6$: what is the new $w$?

# %%
guess = None  # the new w

# %%
w = torch.tensor(0.0, requires_grad=True)  # requires_grad: note every step of the computation, so that slopes can be worked out
loss = (w - 3) ** 2
loss.backward()  # works out the gradient of the loss and puts it into w.grad
print("loss", loss.item(), "  gradient", w.grad.item())
print(f"new w: {w.item() - 0.1 * w.grad.item():.2f}   your guess: {guess}")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Learning: what is the new $w$?
#
# The loss is $(w - 3)^2$. Take one step against the gradient.
#
# ![The loss is a valley with its lowest point at 3. The model stands at 0, where the loss is 9 and the slope is minus 6](figures/02_valley.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** The second lesson begins here. The loss says how wrong the guess is. Go against the gradient, times the learning rate: $0 - 0.1 \times (-6) = 0.6$. A slip to look out for is −0.6: the gradient points uphill, so we subtract it.
# Ask for the next step before you show the next slide: the gradient at 0.6 is −4.8.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Downhill, step by step
#
# ![The loss is a valley with its lowest point at 3. From 0, steps lead to 0.60, 1.08, 1.46 and 1.77](figures/02_descent.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The learning rate stays the same, and yet the steps get shorter: the slope gets flatter. Ask: what happens with a learning rate of 1? Next slide.

# %% tags=["check:one-step"]
# checked: the loss, its slope and the steps of the text and the drawing; what the learning rate does
assert loss.item() == 9 and w.grad.item() == -6 and abs((0.01 - 3) ** 2 - 8.94) < 0.001
path = [0.0]
for _ in range(4):
    path.append(path[-1] - 0.1 * 2 * (path[-1] - 3))
assert [round(place, 2) for place in path] == [0.0, 0.6, 1.08, 1.46, 1.77] and round(2 * (path[3] - 3), 2) == -3.07
for rate, end in ((0.5, 3.0), (1.0, 0.0)):
    place = 0.0
    for _ in range(2):
        place -= rate * 2 * (place - 3)
    assert place == end
# above 1 each step ends further away; between 0.5 and 1 nearer, on the other side
assert abs(0.0 - 3) * abs(1 - 2 * 1.1) ** 4 > 3 and -1 < 1 - 2 * 0.8 < 0

# %% [markdown]
# $0 - 0.1 \times (-6) = 0.6$: minus a negative number, so $w$ rises. `backward` found the gradient by calculus, going back through the computation step by step.
# (Calculus gives $2(w - 3)$ here; nudging $w$ a little finds nearly the same.) Then the same again from 0.6:
#
# ![The loss is a valley with its lowest point at 3. From 0, steps lead to 0.60, 1.08, 1.46 and 1.77](figures/02_descent.svg)
#
# The steps get shorter, because the slope gets flatter. This is **gradient descent**. Our translators have 69,780 parameters: the gradient has a number for each, and all take their step at once.
#
# **Play with it.** Find a learning rate that reaches 3 in one step. What happens at 0.8? At 1? And above 1?
#
# <details><summary>What we found</summary>
#
# At 0.5 one step is exactly right. Between 0.5 and 1 each step jumps past 3, but lands nearer, so it still arrives. At 1 the number jumps from 0 to 6 and back, for ever. Above 1 each jump lands further away, and the loss grows: the training **diverges**.
# Below 0.5 it approaches from one side, at 0.01 very slowly. These numbers hold for this valley alone.
#
# </details>

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Which learning rate? The loss: (w − 3)²

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
play("learning_rate")

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let the class predict 0.5, 0.8, 1 and 1.1 before you press the button. 0.5 is there in one step, 0.8 jumps past 3 and still arrives, 1 jumps from side to side, above 1 each jump lands further away.

# %% [markdown]
# ## 9. The loss of a guessed word
#
# Our translators do not guess a number. They give a score for each of 20 words, and softmax turns scores into probabilities (page 01, section 1). How wrong is
# that? Look at the probability $p$ of the **right** word, and take $-\ln p$. This loss is called **cross-entropy**.
#
# ![The loss over the probability of the right word: 0 at 1, 0.69 at 0.5, 2.30 at 0.1 and 4.61 at 0.01, and ever steeper towards 0](figures/02_surprise.svg)
#
# Sure and right costs nothing. The less probable the right word was, the more it costs, without limit. (The unit is the **nat**, as $\ln$ is the natural logarithm.)

# %%
scores = torch.tensor([2.0, 1.0, -1.0])  # of three words; the first one is right
p = scores.softmax(dim=0)
first, third = cross_entropy(scores, torch.tensor(0)), cross_entropy(scores, torch.tensor(2))
print("probabilities:", p)
print(f"by hand: loss if the first is right {-math.log(p[0]):.2f}, if the third is {-math.log(p[2]):.2f}")
print(f"PyTorch: loss if the first is right {first:.2f}, if the third is {third:.2f}")

# %% tags=["check:cross-entropy"]
# checked: cross-entropy is minus the logarithm of the right word's probability, also at the points of the drawing
assert third.isclose(-p[2].log())
assert [round(-math.log(share), 2) for share in (1, 0.5, 0.1, 0.01)] == [0, 0.69, 2.3, 4.61]

# %% [markdown]
# Section 3 printed a loss of about 3 at first. Why 3? Before training, our translators know nothing of the right word.
#
# <details><summary>Answer</summary>
#
# If each word had exactly $\frac{1}{20}$, the loss would be $-\ln \frac{1}{20} = \ln 20 = 3.00$. The probabilities are not equal (from 0.02 to 0.10), but on average the right word costs about as much as if they were.
#
# </details>
#
# Another number to keep in mind is **1.43**. Imagine somebody who knows how German numbers are built and cannot see a single digit. They pick among 9 words for ones, which costs
# $\ln 9 = 2.20$. Then comes *und*, which costs 0. Then they pick among 8 words for tens, at $\ln 8 = 2.08$. The average of these three is $(2.20 + 0 + 2.08) / 3 = 1.43$.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The loss of a guessed word: $-\ln(p)$
#
# ![The loss over the probability of the right word: 0 at 1, 0.69 at 0.5, 2.30 at 0.1 and 4.61 at 0.01, and ever steeper towards 0](figures/02_surprise.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Why a logarithm? The probability of a whole row is a product, over its words. Logarithms make a sum of it: the lowest loss gives the right rows the most probability.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The loss of an untrained model
#
# 20 words to choose from, and it knows nothing of the right one. What is its loss, about?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# If each of 20 words had $\frac{1}{20}$: $\ln(20) = 3.00$. Measured: 3.01
#
# And who knows how German numbers are built, but sees no digit? ones $\ln(9)$, *und* 0, tens $\ln(8)$: the mean is **1.43**

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** If all 20 words were alike, each would have 1/20. The model's probabilities go from 0.02 to 0.10; its mean loss is all the same close to ln 20.

# %% tags=["check:knows-nothing"]
# checked: an untrained model's loss is near ln 20, with unequal probabilities; one that knows the pattern of words alone has 1.43
torch.manual_seed(0)
untrained = Translator("all")
assert all(abs(found[0] - math.log(20)) < 0.05 for found in losses.values())
with torch.inference_mode():
    moderate = untrained(digits[:500], shifted(words[:500]))[0]
assert [f"{of.item():.2f}" for of in moderate.softmax(dim=-1).aminmax()] == ["0.02", "0.10"]
assert [round(number, 2) for number in (math.log(9), math.log(8), (math.log(9) + 0 + math.log(8)) / 3)] == [2.2, 2.08, 1.43]

# %% [markdown]
# ## 10. The training loop
#
# The loop takes 64 rows at a time, a **batch**. Five lines make one **training step**:
#
# - `word_loss` runs the model, with teacher forcing (section 3), and returns the mean cross-entropy of all words of the batch. Padding does not count.
# - `zero_grad` forgets the last gradient. PyTorch *adds* new ones to what is there.
# - `backward` works out the gradient for every parameter.
# - `optimizer.step` changes the parameters a little, so that the loss should fall. The **optimizer** is the rule that turns gradients into steps.
# - `scheduler.step` makes the learning rate smaller, step by step. The **scheduler** is the plan for that.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## What does the decoder read?
#
# ![In training, after a wrong guess vierzig, the decoder reads the right word zwanzig next. On its own it reads its own word, vierzig, and a second mistake follows](figures/02_teacher_forcing.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Above: in training the right word goes in next, whatever was guessed. Below: on its own, the wrong word goes in. Ask what would happen if the decoder read the word that it is to guess: it could copy it.

# %% tags=["check:teacher-forcing"]
# checked: a guess does not depend on the word to be guessed, nor on later ones; all guesses at once are as one after the other
others = words[:20].clone()
others[:, 3:] = VOCABULARY.index("acht")
two = [with_attention(digits[:20], shifted(after))[0] for after in (words[:20], others)]
assert torch.allclose(two[0][:, :4], two[1][:, :4], atol=1e-4) and not torch.allclose(two[0][:, 4], two[1][:, 4], atol=1e-2)
read = shifted(words[:20])
for place in range(1, 19):  # one after the other: what was said so far, and no more
    assert torch.allclose(with_attention(digits[:20], read[:, :place])[0][:, -1], two[0][:, place - 1], atol=1e-4)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The training loop


# %% slideshow={"slide_type": "-"} tags=["show-code"]
def one_epoch(model, data, optimizer, scheduler):
    losses = []
    for digits, words in data:  # a batch
        loss = word_loss(model, digits, words)  # how wrong?
        optimizer.zero_grad()  # forget the last gradient
        loss.backward()  # which way is uphill?
        optimizer.step()  # a small step downhill
        scheduler.step()  # smaller steps later
        losses.append(loss.item())
    return losses


# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Go through the lines and ask what each would break if it were missing. Loss, `zero_grad`, `backward`, `step`: page 10 trains BERT with these four.

# %% [markdown]
# 6,400 rows are 100 batches, so an epoch is 100 steps. Is `train` of section 3 this loop? We run the first of its four epochs again, from the same parameters, and compare three of its losses.
#
# The optimizer is **Adam** (Kingma and Ba 2014): gradient descent that smooths the gradients over several steps and sets the length of the step for each parameter separately. The scheduler lets the learning rate fall from 0.005 to 0 in 400 steps.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.translator import batches, word_loss

torch.manual_seed(0)
untrained = Translator("all")  # the same parameters as at the start of section 3
optimizer = torch.optim.Adam(untrained.parameters(), lr=0.005)
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=400)  # from 1 to 0 times 0.005
again = one_epoch(untrained, batches(digits, words, 64, seed=0), optimizer, scheduler)
for step in (1, 10, 100):
    print(f"step {step:3}: loss {again[step - 1]:.2f}, in section 3 it was {losses['with attention'][step - 1]:.2f}")

# %% tags=["check:same-loop"]
# checked: the loop of the page is that of the library
assert (
    all(abs(ours - theirs) < 0.02 for ours, theirs in zip(again, losses["with attention"], strict=False)) and len(again) == 100
)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The training of both

# %% slideshow={"slide_type": "-"}
lines = {name: [found[0], *(sum(found[at : at + 50]) / 50 for at in range(0, 400, 50))] for name, found in losses.items()}
lines["sees no digit"] = [(math.log(9) + math.log(8)) / 3] * 9
ax = line_chart(range(0, 401, 50), lines, xlabel="training steps", title="training loss, in nats", logarithmic="")
_ = ax.set_ylim(-0.1, 3.2)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Both start at 3, picking among 20 words. Dotted, at 1.43: who knows how German numbers are built and sees no digit. Solid goes to nearly 0. Over the first 50 steps the two have nearly the same mean. Dashed is at 0.72 when we stop after 4 epochs. In other runs, of 12 epochs, it ended at 0.29 to 0.37.

# %% [markdown]
# The three losses are those of `train`. The chart shows the whole training of both models in your run. The first point is the loss of the first batch, before any step; each further point is the mean of the 50 steps before it, so it lags behind the losses printed above. The dotted line is 1.43, the loss of somebody who sees no digit.
#
# Over the first 50 steps the two means are nearly the same. Then both get below 1.43. With attention the loss falls to nearly 0. Without, it is 0.72 when we stop; the runs of 12 epochs in section 4 end at 0.29 to 0.37.
#
# All this is on rows that the models train on, and could learn by heart. So section 4 counted on new rows.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember: learning
#
# - A training step: loss, gradient, a small step downhill. An epoch: all data once.
# - The gradient points uphill; the step goes against it, and is the gradient times the learning rate. (Adam rescales it.)
# - Cross-entropy is $-\ln$ of the right word's probability.
# - Teacher forcing: in training the decoder reads the right words so far, whatever it guessed.
#
# **Next:** page 03 lets a word look in several ways at once.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Ask for the lines of the loop from memory.

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# `make lab` has put a copy of the [exercises](exercises/02.ipynb) into `notebooks/my`: work there. The first three need paper and a pocket calculator. `cross_attention`
# and `shifted` are kept in `my_bert.py` when they pass.

# %% tags=["exercises"]
import math

import torch

from bertnotes.exercises import check, hint, solution  # noqa: F401

# %% [markdown] tags=["exercise:cross_weights"]
# ### How many weights? · ● · 4 minutes
#
# A decoder has said 5 words of a translation. The original has 8 words. There are 3 such pairs in the batch. The cross-attention is done 4 times
# side by side, with other matrices each time (these are 4 *heads*, page 03). How many attention weights are worked out for this batch?

# %% [markdown] tags=["hint:cross_weights"]
# For one sentence and one head the weights are a rectangle. Who asks, and who is asked?

# %% [markdown] tags=["hint:cross_weights"]
# The 5 words of the translation ask, the 8 words of the original are asked. How often is such a rectangle worked out?

# %% tags=["exercise:cross_weights"]
# solution
answer = 3 * 4 * 5 * 8
# instead:
# answer = None  # your number
# end of solution

check("cross_weights", answer)

# %% [markdown] tags=["reason:cross_weights"]
# A row for each word that asks, a column for each word that is asked: 5 × 8 = 40. Each of 4 heads has such a rectangle for each of 3 pairs, in the order of the axes: 3 × 4 × 5 × 8 = 480.

# %% [markdown] tags=["exercise:one_step"]
# ### One step, by hand · ● · 6 minutes
#
# The loss is $(2w - 6)^2$, the model is at $w = 1$, the learning rate is 0.1. What is $w$ after one step of gradient descent?

# %% [markdown] tags=["hint:one_step"]
# You do not need calculus: nudge $w$, as in section 8. At $w = 1$ the loss is $(2 - 6)^2 = 16$. What is it at $w = 1.01$? By how many times 0.01 did it change, and which way?

# %% [markdown] tags=["hint:one_step"]
# At $w = 1.01$ it is $(2.02 - 6)^2 = 15.84$. It fell by 0.16, which is 16 times 0.01. So the gradient is −16. (With calculus: the loss is $4w^2 - 24w + 36$, its slope is $8w - 24$.) Now take the step against it.

# %% tags=["exercise:one_step"]
# solution
answer = 1 - 0.1 * (8 * 1 - 24)
# instead:
# answer = None  # your number
# end of solution

check("one_step", answer)

# %% [markdown] tags=["reason:one_step"]
# The gradient at $w = 1$ is −16: nudging $w$ to 1.01 lowers the loss from 16 to 15.84, and $8w - 24$ says the same. The step goes against it: $1 - 0.1 \times (-16) = 2.6$. The loss falls from 16 to
# $(5.2 - 6)^2 = 0.64$.

# %% [markdown] tags=["exercise:surprise"]
# ### The loss of one guess · ● · 5 minutes
#
# A model has three words and gives them the scores 2, 0 and 0. The **second** word is right. What is the cross-entropy, in nats? Two digits after the point will do.

# %% [markdown] tags=["hint:surprise"]
# First softmax: $e^2 = 7.39$ and $e^0 = 1$. What is the probability of the second word?

# %% [markdown] tags=["hint:surprise"]
# The probability is $1 / (7.39 + 1 + 1) = 0.107$. The loss is minus its natural logarithm.

# %% tags=["exercise:surprise"]
# solution
answer = -math.log(1 / (math.exp(2) + 1 + 1))
# instead:
# answer = None  # your number
# end of solution

check("surprise", answer)

# %% [markdown] tags=["reason:surprise"]
# The powers are 7.39, 1 and 1, together 9.39. The second word has the probability $1 / 9.39 = 0.107$, and $-\ln 0.107 = 2.24$. That is more than $\ln 3 = 1.10$, the loss of a model that knows nothing: being
# sure of a wrong word costs more than not knowing.

# %% [markdown] tags=["exercise:cross_attention"]
# ### Cross-attention · ●● · 7 minutes
#
# Write cross-attention with its matrices. `asking` is (..., query, d), the vectors of the sentence that asks. `asked` is (..., key, d), those of the sentence that is asked. `W_Q`, `W_K` and
# `W_V` are (d, d). `mask` is None, or True where a query may look at a key. Return the output, (..., query, d), and the weights, (..., query, key). The `attention` below is page 01's: put your own in its place.

# %% [markdown] tags=["hint:cross_attention"]
# On page 01 all three came from one table: `X @ W_Q`, `X @ W_K`, `X @ W_V`. Which of the two sentences takes the place of `X`, each time?

# %% [markdown] tags=["hint:cross_attention"]
# The queries are `asking @ W_Q`, the keys `asked @ W_K`, the values `asked @ W_V`. Hand them and the mask to `attention`.


# %% tags=["exercise:cross_attention"]
def attention(query, key, value, mask=None):
    """Page 01's attention: the output and the weights."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(key.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(dim=-1)
    return weights @ value, weights


def cross_attention(asking, asked, W_Q, W_K, W_V, mask=None):
    """One sentence looks at another: the output, (..., query, d), and the weights, (..., query, key)."""
    # solution
    return attention(asking @ W_Q, asked @ W_K, asked @ W_V, mask)
    # end of solution


check("cross_attention", cross_attention)

# %% [markdown] tags=["reason:cross_attention"]
# Only the query comes from the sentence that asks. Keys and values belong together: a key says where something can be found, its value is what is there. With `asking` and `asked` the same table, this is self-attention.

# %% [markdown] tags=["exercise:shifted"]
# ### What the decoder reads · ●● · 8 minutes
#
# For teacher forcing, write `shifted`. `words` is a table of whole numbers, (batch, word), the words that have to be guessed. `go` is the number of `<go>`. Return a table of the same shape: at each place, the word that stands *before* it, and `go` at the first.
# Two functions may help: `torch.full_like(part, 7)` has the shape of `part` and a 7 everywhere, and `torch.cat([left, right], dim=1)` puts two tables side by side.

# %% [markdown] tags=["hint:shifted"]
# The words 3, 2, 12 with `go` = 1 become 1, 3, 2. The last word goes nowhere: nothing is guessed after it.

# %% [markdown] tags=["hint:shifted"]
# All but the last: `words[:, :-1]`. A column of `go`: `torch.full_like(words[:, :1], go)`. `torch.cat([...], dim=1)` puts them side by side.


# %% tags=["exercise:shifted"]
def shifted(words, go):
    """What the decoder reads in training: (batch, word), the words moved by one, go in front."""
    # solution
    return torch.cat([torch.full_like(words[:, :1], go), words[:, :-1]], dim=1)
    # end of solution


check("shifted", shifted)

# %% [markdown] tags=["reason:shifted"]
# When the decoder guesses a word it may know those before it and not the word itself. If `words` went in as they are, it would read each word that it has to guess. It could be right by copying, and on its own it has nothing to copy.

# %% [markdown] tags=["exercise:swayed"]
# ### Change a digit and look again · ●● · 13 minutes
#
# A memory holds more than its digit, so a weight does not say which *digit* a word depends on. Change the digit, and see which words are swayed. `translator(digits, said)` returns the scores (1, word, 20) and
# the weights, as in section 3. `digits` is (1, digit), `said` (1, word). Write `swayed`: put `new` in the place of each digit in turn, and leave the others as they are. Softmax turns scores into probabilities. Of the 20
# probabilities of a word, take the one that moves most, up or down: how far does it move? Return a table (word, digit) of these numbers. (`check` uses a small, untrained translator.)

# %% [markdown] tags=["hint:swayed"]
# Loop over the digits. Work on a copy each time: `other = digits.clone()`, then `other[:, at] = new`.

# %% [markdown] tags=["hint:swayed"]
# `translator(other, said)[0].softmax(dim=-1)` are the new probabilities. Subtract the old ones. `.abs().amax(dim=-1)[0]` is the largest move of each word: column `at` of your table.


# %% tags=["exercise:swayed"]
def swayed(translator, digits, said, new):
    """By how much the next word's probabilities move, at most, when one digit becomes `new`: (word, digit)."""
    # solution
    before = translator(digits, said)[0].softmax(dim=-1)
    columns = []
    for at in range(digits.shape[1]):
        other = digits.clone()
        other[:, at] = new
        after = translator(other, said)[0].softmax(dim=-1)
        columns.append((after - before).abs().amax(dim=-1)[0])
    return torch.stack(columns, dim=-1)
    # end of solution


check("swayed", swayed)

# %% [markdown] tags=["reason:swayed"]
# Now ask the trained one. Copy your function into the lesson, after section 6: `swayed(with_attention, three, shifted(three_words), 3)`; `three` and `three_words` hold 47, 21 and 95. Compare the table with the map of section 5. In our run each word for ones is swayed by the second digit of its number, each word for tens by the first (all above 0.95), and *und* by none.
# Every other number is below 0.3. In this test a word depends on fewer digits than there are memories with weight.

# %% [markdown] tags=["exercise:descend"]
# ### Find the bugs: a training loop · ●●● · 11 minutes
#
# `descend` takes `steps` steps of gradient descent on the loss $(w - \text{target})^2$, added up over all numbers of `start`, and returns $w$. It runs without an error, but there are two mistakes: one line is wrong, and one line is missing. Both are common. Mend them.

# %% [markdown] tags=["hint:descend"]
# Try one step, then two: `descend(torch.tensor([0.0]), torch.tensor([3.0]), 0.1, 1)` should be 0.6, and with 2 steps 1.08.

# %% [markdown] tags=["hint:descend"]
# One step: does it go downhill or uphill? Two steps: what is in `w.grad` when `backward` is called a second time?

# %% [markdown] tags=["hint:descend"]
# The step has to be *subtracted*. And before each `backward`, `w.grad = None` forgets the last gradient.


# %% tags=["exercise:descend"]
def descend(start, target, rate, steps):
    """Where gradient descent on the squared error gets from `start`, after so many steps."""
    w = start.clone().requires_grad_()
    for _ in range(steps):
        loss = ((w - target) ** 2).sum()
        # solution
        w.grad = None
        loss.backward()
        with torch.no_grad():  # the step itself is not part of the computation
            w -= rate * w.grad
        # instead:
        # loss.backward()
        # with torch.no_grad():  # the step itself is not part of the computation
        #     w += rate * w.grad
        # end of solution
    return w.detach()


check("descend", descend)

# %% [markdown] tags=["reason:descend"]
# The gradient points uphill, so it is subtracted. And `backward` adds to what `w.grad` holds: without forgetting, the second step uses the sum of two gradients. An optimizer's `zero_grad` does the same
# for all parameters. The first bug is seen after one step, the second only after two.

# %% [markdown]
# ## Sources
#
# Years are those on arXiv, where a paper is there.
#
# - Sutskever, Vinyals, Le (2014). *Sequence to Sequence Learning with Neural Networks.* Encoder and decoder, the source read backwards. arXiv:1409.3215
# - Cho, van Merriënboer, Gulcehre, Bahdanau, Bougares, Schwenk, Bengio (2014). *Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation.* The vector enters every state; the recurrent unit that ours uses. arXiv:1406.1078. Cho, van Merriënboer, Bahdanau, Bengio (2014). *On the Properties of Neural Machine Translation: Encoder-Decoder Approaches.* Worse with length. arXiv:1409.1259
# - Bahdanau, Cho, Bengio (2014). *Neural Machine Translation by Jointly Learning to Align and Translate.* arXiv:1409.0473. Luong, Pham, Manning (2015). *Effective Approaches to Attention-based Neural Machine Translation.* Dot products; the state after the last word asks. arXiv:1508.04025
# - Vaswani and others (2017). *Attention Is All You Need.* The three uses of attention: section 3.2.3. arXiv:1706.03762. Devlin, Chang, Lee, Toutanova (2018). *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* arXiv:1810.04805
# - Kingma, Ba (2014). *Adam: A Method for Stochastic Optimization.* arXiv:1412.6980. Williams, Zipser (1989). *A Learning Algorithm for Continually Running Fully Recurrent Neural Networks.* Teacher forcing.
# - Jain, Wallace (2019). *Attention is not Explanation.* arXiv:1902.10186. The reply: Wiegreffe, Pinter (2019). *Attention is not not Explanation.* arXiv:1908.04626.
