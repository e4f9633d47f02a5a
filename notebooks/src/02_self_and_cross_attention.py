# %% [markdown] question="What changes when a sentence looks at itself, or at another one?"
# # 02 · Self-attention and cross-attention
#
# **The question:** what changes when a sentence looks at itself, or at another one? And how does a network learn where to look?
#
# ![One function, fed in two ways. Left: queries, keys and values from cats chase mice, with 3 by 3 weights. Right: queries from Katzen jagen, keys and values from cats chase mice, with 2 by 3 weights. Each row of weights gives one output](figures/02_two_ways.svg)
#
# In the function nothing changes. All that changes is what we put in. The right-hand way came first: in September 2014 attention was added to machine
# translation, so that a translation could look at its original. On this page you train two small translators that differ in one thing, and you see
# what attention is worth to them. On page 01 we chose all numbers by hand. Here a network learns them, so we also take learning apart: loss, gradient, training loop.
#
# **You need:** page 01. **Time:** about 60 minutes, and 54 more for the exercises. Training takes about 20 seconds. The page is two lessons: sections 1 to 4 and
# sections 5 to 8.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Self- and cross-attention
#
# ![One function, fed in two ways. Left: queries, keys and values from cats chase mice, with 3 by 3 weights. Right: queries from Katzen jagen, keys and values from cats chase mice, with 2 by 3 weights. Each row of weights gives one output](figures/02_two_ways.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The deck is two lessons of about 30 minutes each: stop after *The loss of a guessed word*. For a single lesson leave out everything from *Learning: what is the new w?*
# to *The training loop*, and say only that training lowers a number called loss.
#
# Ask: what is the same on both sides? The box in the middle. What differs? Where the blue arrow starts. Blue is the query, orange the key, green the value, as on page 01.

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
# Page 01 ended with `attention(query, key, value)`. It never asks where the three come from. There are two usual ways:
#
# - **Self-attention**: queries, keys and values all come from *one* sentence. Each word looks at its own sentence.
# - **Cross-attention**: the queries come from one sentence, keys and values from *another*. Each word of the first looks at the second.
#
# We take three English words and two German ones: *Katzen jagen* means *cats chase*. The vectors are made up, so that words with
# the same meaning point nearly the same way. To keep it short we leave the matrices out: each vector is its own query, key and value.
#
# In the drawing the German words ask and the English ones are asked. Turn it around: the **English** words ask, the **German** ones are asked. How many rows and columns do the
# attention weights have then?

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
# Now three English words ask, and two German ones are asked. How many rows and columns do the weights have? How many outputs are there?
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
# ## A square and a rectangle

# %% slideshow={"slide_type": "-"}
_, axes = plt.subplots(1, 2, figsize=(9.5, 3.4), layout="constrained")
_ = attention_heatmap(self_weights, english, ax=axes[0], title="self-attention")
_ = attention_heatmap(cross_weights, german, english, ax=axes[1], title="cross-attention")

# %% tags=["check:two-ways"]
# checked: the shapes, the numbers and the ties that the text and the drawing give
assert self_weights.shape == (3, 3) and cross_weights.shape == (2, 3) and itself.shape == (3, 2) and across.shape == (2, 2)
assert turned_weights.shape == (3, 2) and turned.shape == (3, 2)
assert [round(weight, 2) for weight in cross_weights.flatten().tolist()] == [0.77, 0.09, 0.13, 0.03, 0.97, 0.00]
assert self_weights[2, 0].isclose(self_weights[2, 2]) and round(self_weights[2, 0].item(), 2) == 0.49
assert across[0].isclose(cross_weights[0] @ E).all()

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let the class read the rows aloud: "Katzen looks at cats with 0.77". Rows add up to 1, but for rounding. The output of *Katzen* is an average of English values alone. Between two sentences of three words cross-attention would be a square, too: what makes it cross-attention is where the queries come from.

# %% [markdown]
# **A row for each word that asks, a column for each word that is asked**, and one output for each row. On the right, *Katzen* looks most at *cats*, *jagen* at *chase*, as we arranged it. (A 0.00 is rounded. On the left *mice* looks at *cats* as much as at
# itself, 0.49: page 01 met this tie.) The output of *Katzen* is an average of **English** vectors only. Its own vector decided where to look, but it is not
# among the vectors that are averaged. (Between two sentences of three words each, cross-attention would be a square, too. What makes it cross-attention is where the queries come from.)
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
# In 2013 and 2014 three groups built networks of two parts for translation. Sutskever, Vinyals and Le (2014) translated whole sentences with theirs, Cho and others (2014) mainly scored pairs of phrases for an older kind of system, and Kalchbrenner and Blunsom (2013) came before both. The first part, the **encoder**, reads the sentence. Our example is small: its sentences are digits.
#
# ![The encoder reads the digits 2 1 4 7, one after another. After each digit it has a memory, made from the memory before and the digit](figures/02_encoder.svg)
#
# The encoder is a **recurrent network**: it takes in one digit after another and carries a vector along. At each step it makes a new vector from the old one and the new digit. We use a **GRU** (gated recurrent unit, Cho and others 2014). For each number in the vector, learned *gates* decide how much of the old stays and how much is replaced. We call the encoder's vector after each digit a **memory**. Ours has 64 numbers.
#
# The second part, the **decoder**, says the translation, one word at a time. It is a GRU, too, and its vector is called its **state**. German says *21* as *ein und zwanzig*, one and twenty, the second digit first. So `2 1 4 7` becomes *ein und zwanzig sieben und vierzig*. (We write the words apart. Real German writes them as one.)
#
# ![Only the last memory, one vector, reaches the decoder, at its start and at every word](figures/02_bottleneck.svg)
#
# All that this decoder gets of the original is the encoder's last memory: one vector, of the same size for two digits or for twelve. This is the **bottleneck**. In 2014 Cho, van Merriënboer, Bahdanau and Bengio measured that their translations got worse as sentences got longer.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The encoder reads the digits 2 1 4 7, one after another. After each digit it has a memory, made from the memory before and the digit](figures/02_encoder.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Our toy translates digits into German number words: 21 is *ein und zwanzig*, one and twenty. A memory is a vector of 64 numbers. Ask: what does the last memory have to hold?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Only the last memory, one vector, reaches the decoder, at its start and at every word](figures/02_bottleneck.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** One vector of the same size for two digits or for twelve. What would you do, if you had to translate a long sentence and had the original on the table? Look again.

# %% [markdown]
# What would a person do? Look at the original again. Bahdanau, Cho and Bengio let the decoder do so (2014): keep *all* memories, and let each word of
# the translation look for what it needs.
#
# ![With attention: the state of the decoder is the query, all memories of the encoder are keys and values; what is found helps to say zwanzig](figures/02_looks_back.svg)
#
# This is cross-attention. The decoder's state asks: it is the query. The encoder's memories give keys and values, which are worked out once and serve all words. Only the query is new at each word. The thin black arrow is still there: the decoder starts from the last memory.
#
# Our data: rows of one to six numbers from 21 to 99 that do not end in 0, and their words. (Other numbers are said in another way: *elf*, *zwanzig*. These all have exactly three words.) There are 20 "words": 9 for ones, 8 for tens, *und*, `<go>`, which tells the decoder to begin,
# and `<pad>`. Digits and words enter as whole numbers; 0 is **padding**, the filler that makes all rows equally long. Each digit and each word gets a vector, which is learned too.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![With attention: the state of the decoder is the query, all memories of the encoder are keys and values; what is found helps to say zwanzig](figures/02_looks_back.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Which of the two sentences asks? The translation. Keys and values come from the original. This is how attention came into neural translation: Bahdanau, Cho and Bengio, September 2014.

# %%
from bertnotes.translator import VOCABULARY, make_rows, say

print(*say([21, 47]))
digits, words = make_rows(6400, seed=0)
print("digits:", digits[0].tolist())
print("words: ", words[0].tolist())
print("that is:", *(VOCABULARY[word] for word in words[0] if word != 0))

# %% [markdown]
# ### Two translators that differ in one thing
#
# To learn what attention is worth, we need two models that are equal in all else. So both are the same network with the same first numbers in it. They
# differ in a *mask* (page 01, section 6): one decoder may look at all memories, the other at the last one alone. What does the second one's softmax do? Softmax of a single score is
# $e^s / e^s = 1$. So its weight is always 1, and it finds the same vector at every word: the bottleneck drawing.

# %%
from bertnotes.translator import Translator, shifted

torch.manual_seed(0)
with_attention = Translator("all")
without = Translator("last")
without.load_state_dict(with_attention.state_dict())  # the same first numbers
print(f"each has {sum(table.numel() for table in without.parameters()):,} numbers to learn")
for name, model in (("with attention", with_attention), ("without", without)):
    _, weights = model(digits[:1, :6], shifted(words[:1]))  # the first row and two places of padding
    print(f"{name:14} looks:", *(f"{weight:.2f}" if weight else "0" for weight in weights[0, 0].tolist()))  # of the first word

# %% tags=["check:equal-models"]
# checked: the same parameters; without attention, all weight is on the last memory, and W_Q and W_K learn nothing
pairs = zip(with_attention.state_dict().values(), without.state_dict().values(), strict=True)
assert all(torch.equal(one, other) for one, other in pairs)
several = (digits > 0).sum(dim=1) > 2
some, last = (model(digits[several][:50], shifted(words[several][:50]))[1] for model in (with_attention, without))
ends = (digits[several][:50] > 0).sum(dim=1, keepdim=True) - 1
assert last.argmax(dim=-1).eq(ends).all() and last.amax(dim=-1).eq(1).all() and some[:, 0].amax(dim=-1).max() < 0.9
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
# | numbers to learn | 69,780 | 69,780 |
# | first numbers, training data | the same | the same |
# | **may look at** | **all memories** | **the last memory alone** |
#
# What are the weights of the right-hand one? And what does it find at each word?

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Softmax of one score is 1. So the weight is 1 at every word, and what is found is the same vector at every word: the bottleneck.

# %% [markdown]
# Both have the same numbers to learn, 69,780 each, also called **parameters**. The first model spreads its weight over the four digits of the row. The second puts all of it on the
# fourth, the last one. Padding gets exactly 0 from both, written without digits.
#
# ### One word, inside the decoder
#
# What happens when the decoder says a word? It has read the words up to *und*, and *sechzig* comes next.
#
# ![Four steps. Encode: the digits become memories. Decode: the words become states. Cross-attention: the state after und asks the keys of all memories, and finds the weighted average of their values. Score: state and found are added and scored, and sechzig comes out](figures/02_one_word.svg)
#
# The code takes the same four steps, for all words of a row at once. `cross_attention` holds the matrices $W_Q$, $W_K$ and $W_V$, and one more, through which the average goes (page 03).
# `score` is one more matrix: 64 numbers in, 20 out. (The drawing is made up. Our model has learned nothing yet.)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Four steps. Encode: the digits become memories. Decode: the words become states. Cross-attention: the state after und asks the keys of all memories, and finds the weighted average of their values. Score: state and found are added and scored, and sechzig comes out](figures/02_one_word.svg)

# %%
one, said = digits[:1, :4], shifted(words[:1, :6])  # 6 1 9 2, and: <go> ein und sechzig zwei und
memories, last = with_attention.encode(one)  # 1: a memory after each digit, and the last of them
states = with_attention.decode(said, start=last)  # 2: a state after each word
found, weights = with_attention.cross_attention(states, memories)  # 3: states ask, memories are asked
scores = with_attention.score(states + found)  # 4: for each of 20 words
print("memories", tuple(memories[0].shape), "  states", tuple(states[0].shape))
# weights are (row, head, word, digit), with one head here
print("weights ", tuple(weights[0, 0].shape), "   found ", tuple(found[0].shape), "  scores", tuple(scores[0].shape))

# %% tags=["check:one-word"]
# checked: these four lines are the model; without attention it finds the same vector at every word
assert torch.allclose(scores, with_attention(one, said)[0], atol=1e-6) and weights.shape == (1, 1, 6, 4)
same, _ = without.cross_attention(states, memories, mask=without.mask(one))
assert torch.allclose(same[:, :1].expand_as(same), same, atol=1e-6) and not torch.allclose(found[:, 0], found[:, 2], atol=1e-6)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Follow the numbers 1 to 4. Ask: where does *found* go? Into this word's scores, and nowhere else.

# %% [markdown]
# Six states ask four memories, so the weights are 6 by 4. Note where *found* goes: into the scores of this one word. The next state does not get it.
#
# <details><summary>For the curious: what the papers do</summary>
#
# - Our order of things follows the plain variant of Luong, Pham and Manning (2015), simplified. In their best one the next step gets what was found as well (*input feeding*).
# - Bahdanau and others ask with the state *before* the last word is read. What is found enters the next state, a small network gives the scores, and the original is read in both directions.
# - Our model without attention gets its vector at the start. The same vector is also added to every state, after the GRU. In Cho and others (2014) it enters the GRU at every word, too. That is probably a stronger rival than ours.
#
# </details>
#
# Both models are ready, but their numbers are random. They have to learn. What that means is best seen on something much smaller, so we leave the translators for two sections. Section 5 trains them.

# %% [markdown]
# ## 3. Learning in small steps: one number
#
# Start as small as it gets. A model has one parameter, $w$, and its guess is $w$. The right answer is 3. How wrong is it? We need a number for that, the **loss**: 0 where the guess is right, larger the further it is off. A common choice is the square of the error, $(w - 3)^2$.
#
# ![The loss is a valley with its lowest point at 3. The model stands at 0, where the loss is 9 and the slope is minus 6](figures/02_valley.svg)
#
# The model starts at $w = 0$, where the loss is 9. Which way should $w$ go, and how do we know? Change it a little: at $w = 0.01$ the loss is 8.94. It fell by 0.06, about six times as much as $w$ rose. This is the slope at this point, $-6$. Its name is the **gradient**.
#
# The gradient says which way is up. So take a step *against* it: subtract the gradient, times a small number, the **learning rate**. Here it is 0.1. From $w = 0$, where the gradient is $-6$: what is the new $w$?

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
# ![The loss is a valley with its lowest point at 3. The model stands at 0, where the loss is 9 and the slope is minus 6](figures/02_valley.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** The loss says how wrong the guess is. Go against the gradient, times the learning rate: $0 - 0.1 \times (-6) = 0.6$. The usual slip is −0.6: the gradient points uphill, so we subtract it.
# Ask for the next step before you show the next slide: the gradient at 0.6 is −4.8.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The loss is a valley with its lowest point at 3. From 0, steps lead to 0.60, 1.08, 1.46 and 1.77](figures/02_descent.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The steps get shorter by themselves, as the slope gets flatter. Ask: what happens with a learning rate of 1? Next slide.

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
assert (
    abs(0.0 - 3) * abs(1 - 2 * 1.1) ** 4 > 3 and -1 < 1 - 2 * 0.8 < 0
)  # above 1 it grows; between 0.5 and 1 it shrinks, side to side

# %% [markdown]
# $0 - 0.1 \times (-6) = 0.6$: minus a negative number, so $w$ rises. `backward` found the gradient by the rules of calculus, going back through the computation step by step.
# Here calculus gives $2(w - 3)$. Then the same again from 0.6:
#
# ![The loss is a valley with its lowest point at 3. From 0, steps lead to 0.60, 1.08, 1.46 and 1.77](figures/02_descent.svg)
#
# The steps get shorter by themselves: the flatter the valley, the smaller the gradient. This is **gradient descent**. A real model has thousands or millions
# of parameters. The gradient then has a number for each of them, and all take their step at once.
#
# **Play with it.** Find a learning rate that reaches 3 in one step. What happens at 0.8? At 1? And above 1?

# %% slideshow={"slide_type": "slide"} tags=["nbval-ignore-output"]
play("learning_rate")

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let the class predict 0.5, 0.8, 1 and 1.1 before you press the button. 0.5 is there in one step, 0.8 jumps past 3 and still arrives, 1 jumps from side to side for ever, above 1 it climbs out of the valley.

# %% [markdown]
# <details><summary>What we found</summary>
#
# At 0.5 one step is exactly right. Between 0.5 and 1 each step jumps past 3, but lands nearer, so it still arrives. At 1 the number jumps from 0 to 6 and back, for ever. Above 1 each jump lands further away, and the loss grows: the training **diverges**.
# Below 0.5 it approaches from one side, at 0.01 very slowly. The numbers hold for this valley. The pattern (too slow, good, too large) holds in most trainings, and the rate has to be found by trying.
#
# </details>

# %% [markdown]
# ## 4. The loss of a guessed word
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
# checked: cross-entropy is minus the logarithm of the right word's probability; its gradient is p, minus 1 at the right word
assert third.isclose(-p[2].log())
learned = scores.clone().requires_grad_()
cross_entropy(learned, torch.tensor(0)).backward()
assert torch.allclose(learned.grad, p - torch.tensor([1.0, 0.0, 0.0]))
assert [round(-math.log(share), 2) for share in (1, 0.5, 0.1, 0.01)] == [0, 0.69, 2.3, 4.61]

# %% [markdown]
# The gradient of this loss is simple: for each score it is the probability of that word, minus 1 for the right one. So a step on the scores raises the right one and lowers all others.
#
# Our translators still have random numbers in them, small ones, which give all 20 words nearly equal scores. What is their loss, roughly?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The loss of a guessed word: $-\ln(p)$
#
# ![The loss over the probability of the right word: 0 at 1, 0.69 at 0.5, 2.30 at 0.1 and 4.61 at 0.01, and ever steeper towards 0](figures/02_surprise.svg)
#
# An untrained model gives 20 words nearly equal scores. What is its loss?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# Each word has a probability of about $\frac{1}{20}$, so the loss is $\ln(20) = 3.00$

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Why a logarithm? Being sure and wrong must hurt much more than being unsure. Then the question: all 20 words nearly alike, so 1/20.
#
# **A first lesson can stop here.** The second one begins with the question what the decoder reads while it learns.

# %%
guess = None  # the loss of an untrained translator

# %%
from bertnotes.translator import word_loss

fresh = word_loss(with_attention, digits[:500], words[:500])
print(f"loss before training: {fresh.item():.1f}   your guess: {guess}")
print(f"ln 20 = {math.log(20):.2f}")

# %% tags=["check:knows-nothing"]
# checked: an untrained model's loss is near ln 20, and not when its scores are ten times as large; one that knows the pattern of words alone has 1.43
assert abs(fresh.item() - math.log(20)) < 0.05
with torch.inference_mode():
    unequal = 10 * with_attention(digits[:500], shifted(words[:500]))[0]  # random numbers that do not give nearly equal scores
assert cross_entropy(unequal.flatten(0, 1), words[:500].flatten(), ignore_index=0) > 3.5
assert [round(number, 2) for number in (math.log(9), math.log(8), (math.log(9) + 0 + math.log(8)) / 3)] == [2.2, 2.08, 1.43]

# %% [markdown]
# Nearly $\ln 20 = 3.00$: about as unsure as if it picked among 20 equally likely words. (Random numbers alone do not ensure this. With scores ten times as large, it would be sure of wrong words, and its loss higher.)
#
# Another number to keep in mind is **1.43**. Imagine somebody who knows how German numbers are built and cannot see a single digit. They pick among 9 words for ones, which costs
# $\ln 9 = 2.20$. Then comes *und*, which costs 0. Then they pick among 8 words for tens, at $\ln 8 = 2.08$. The average of these three is $(2.20 + 0 + 2.08) / 3 = 1.43$.
# On rows that it has not met before, a model gets below this, on average, only by using the digits.

# %% [markdown]
# ## 5. The training loop
#
# Back to the translators. What does the decoder read while it learns? It says word after word, and each word depends on those before. In training we feed it the *right* words before each guess, whatever it would have said. This is called **teacher forcing**.
#
# ![In training, after a wrong guess vierzig, the decoder reads the right word zwanzig next. On its own it reads its own word, vierzig, and a second mistake follows](figures/02_teacher_forcing.svg)
#
# So what goes in is the row of right words, moved by one: `<go>` in front, the last one away. If we forgot to move it, the decoder would read the word that it has to guess, and its loss would tell us nothing. (One of the exercises is about this.)
#
# Now the loop. It takes 64 rows at a time, a **batch**: the gradient of 64 rows is a better guide than that of one, and costs less than 64 times as much. Five lines make one **training step** (the last line only keeps the loss for the chart):
#
# - `word_loss` runs the model, with teacher forcing, and returns the mean cross-entropy of all words of the batch. Padding does not count.
# - `zero_grad` forgets the last gradient. PyTorch *adds* new ones to what is there.
# - `backward` works out the gradient for every parameter.
# - `optimizer.step` changes every parameter a little, so that the loss should fall.
# - `scheduler.step` makes the learning rate smaller, so that the steps get finer towards the end.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![In training, after a wrong guess vierzig, the decoder reads the right word zwanzig next. On its own it reads its own word, vierzig, and a second mistake follows](figures/02_teacher_forcing.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Above: one mistake stays one mistake, and all words can be worked out at once. Below: the test. Ask what would happen if the decoder read the word that it is to guess: it would copy, and learn nothing.

# %% tags=["check:teacher-forcing"]
# checked: a guess does not depend on the word to be guessed, nor on later ones; all guesses at once are as one after the other
changed = words[:20].clone()
changed[:, 3:] = VOCABULARY.index("acht")
both = [with_attention(digits[:20], shifted(spoken))[0] for spoken in (words[:20], changed)]
assert torch.allclose(both[0][:, :4], both[1][:, :4], atol=1e-6) and not torch.allclose(both[0][:, 4], both[1][:, 4])
said = shifted(words[:20])
for place in range(1, 19):  # one after the other: what was said so far, and no more
    assert torch.allclose(with_attention(digits[:20], said[:, :place])[0][:, -1], both[0][:, place - 1], atol=1e-6)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The training loop


# %% slideshow={"slide_type": "-"} tags=["show-code"]
def train(model, data, optimizer, scheduler):
    losses = []
    for digits, words in data:  # a batch
        loss = word_loss(model, digits, words)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses


# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Go through the lines and ask what each would break if it were missing. Loss, `zero_grad`, `backward`, `step`: these four are at the heart of every training loop, also of the one that trains BERT on page 10.

# %% [markdown]
# All of these but the scheduler come back on page 10, where BERT is fine-tuned. One pass over all data is an **epoch**. We train both models for 4 epochs: 6,400 rows are
# 100 batches, so 400 steps each. Both get the same batches in the same order.
#
# The **optimizer** is Adam (Kingma and Ba 2014). It does not step against the latest gradient alone. For each parameter it keeps a running mean of the gradients, divides it by their
# typical size, and steps against that. The learning rate starts at 0.005 and falls to 0.
#
# Will both get below 1.43, the loss of somebody who sees no digit? Guess before you run it.

# %%
guess = None  # "both", "one" or "none"

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.translator import batches

losses = {"with attention": [], "without": []}
for model, name in ((with_attention, "with attention"), (without, "without")):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=400)  # from 1 to 0 times that rate
    for epoch in range(4):
        losses[name] += train(model, batches(digits, words, 64, seed=epoch), optimizer, scheduler)
        print(f"{name:14} epoch {epoch + 1}: loss {sum(losses[name][-100:]) / 100:.2f}")
print("your guess:", guess)

# %% tags=["check:both-learn"]
# checked: both start near ln 20 and are alike for 50 steps; both end below the loss of who sees no digit, one far below
ends = {name: sum(found[-50:]) / 50 for name, found in losses.items()}
assert ends["with attention"] < 0.1 and 0.5 < ends["without"] < 1.0
assert len(losses["without"]) == 400 and all(abs(found[0] - 3) < 0.1 for found in losses.values())
early = [sum(found[:50]) / 50 for found in losses.values()]
assert abs(early[0] - early[1]) < 0.05 and all(1.43 < mean < 1.6 for mean in early)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Both learn. One learns much faster

# %% slideshow={"slide_type": "-"}
lines = {name: [found[0], *(sum(found[at : at + 50]) / 50 for at in range(0, 400, 50))] for name, found in losses.items()}
lines["sees no digit"] = [(math.log(9) + math.log(8)) / 3] * 9
ax = line_chart(range(0, 401, 50), lines, xlabel="training steps", title="training loss, in nats", logarithmic="")
_ = ax.set_ylim(0, 3.2)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Both start at 3, picking among 20 words. Dotted, at 1.43: who knows how German numbers are built and sees no digit. Solid goes to nearly 0. For the first 50 steps the two are alike: probably both learn the pattern of the words first. Dashed is far from 0 when we stop.

# %% [markdown]
# (The first point is the loss before the first step, each further point the mean of the 50 steps before it.) Over the first 50 steps the two cannot be told apart. Probably both first learn the pattern of the words
# (ones, *und*, tens), for which nobody needs a digit. Then both get below 1.43. With attention the loss falls to nearly 0. Without, it is still 0.72 when we stop. Where it would end we cannot say: by then our learning rate has fallen to 0. This is one run of each.
#
# But this is the loss on rows that the models train on. They could have learned rows by heart. So measure it on **held-out** rows: new ones, which were not in the training data.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.translator import new_rows

held_out, held_out_words = new_rows(1600, seed=1, length=None, known=digits)  # less those that are in the training data
print(len(held_out), "new rows")
held = {}
for model, name in ((with_attention, "with attention"), (without, "without")):
    held[name] = word_loss(model, held_out, held_out_words).item()
    print(f"{name:14} last 50 training steps {sum(losses[name][-50:]) / 50:.2f}, new rows {held[name]:.2f}")

# %% tags=["check:held-out"]
# checked: on new rows both are about as good as on those they trained on, so below the loss of who sees no digit
assert held["with attention"] < 0.1 and 0.5 < held["without"] < 1.0 and len(held_out) > 1200
assert all(abs(held[name] - ends[name]) < 0.15 for name in held)

# %% [markdown]
# On new rows the losses are nearly the same. So what the models have learned, little or much, carries over to new rows. (Without attention it is slightly higher. One reason: the new rows are longer on average, as all rows of one number, the easiest, and some of two were in the training data.)
# Both are below 1.43 on new rows, so **both use the digits**.

# %% [markdown]
# ## 6. What attention is worth
#
# A loss is hard to picture. So let both translate new rows word by word, each reading the words that it has said itself. We only tell them how many words to say. (That is a help. Real translators have a word for the end, and must learn when to say it.)
# We count the rows in which **every** word is right. We draw 300 rows of each length and leave out those that were in the training data. (Rows of one number are left out altogether. There are only 72, and training had them all.)
#
# The model *without* attention translates about half of the rows of 2 numbers. What share of the rows of 4 numbers, do you think?

# %%
guess = None  # from 0 to 1

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.translator import share_right

right = {"with attention": [], "without": []}
for length in range(2, 7):
    new_digits, new_words = new_rows(300, 100 + length, length, known=digits)
    for model, name in ((with_attention, "with attention"), (without, "without")):
        right[name].append(share_right(model, new_digits, new_words))
    found = [(shares[-1], shares[-1] ** (1 / length)) for shares in right.values()]  # of rows, and of numbers
    print(f"{length} numbers:", *(f"{name} {rows:.2f} ({each:.3f})  " for name, (rows, each) in zip(right, found, strict=True)))
print("your guess for 4 numbers, without:", guess)

# %% tags=["check:worth"]
# checked: with attention nearly all rows are right, a number less often in long rows; without it half of the short rows, and practically none from 4 on
assert min(right["with attention"]) > 0.85 and min(right["with attention"][:3]) > 0.95
assert 0.35 < right["without"][0] < 0.7 and right["without"][1] < 0.25 and max(right["without"][2:]) < 0.05
assert len({tuple(row) for row in digits.tolist() if row[2] == 0}) == 72
rates = {name: [share ** (1 / at) for at, share in enumerate(shares, start=2)] for name, shares in right.items()}
assert rates["with attention"][2] > rates["with attention"][4] > 0.97 and rates["without"][0] > rates["without"][2] + 0.3

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## New rows: is *every* word right?
#
# | numbers in a row | 2 | 3 | 4 | 6 |
# | --- | --- | --- | --- | --- |
# | without attention | 0.52 | ? | ? | ? |
# | with attention | 1.00 | ? | ? | ? |

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | numbers in a row | 2 | 3 | 4 | 6 |
# | --- | --- | --- | --- | --- |
# | without attention | 0.52 | **0.10** | **0.00** | **0.00** |
# | with attention | 1.00 | **1.00** | **1.00** | **0.94** |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Collect guesses. If each number were right with the same chance, 0.72, then two would be right with 0.52 and four with 0.27. The numbers differ by a hundredth or two from machine to machine.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Without attention: practically none right from four numbers on

# %% slideshow={"slide_type": "-"}
ax = line_chart(range(2, 7), right, xlabel="numbers in a row", title="share of rows without a mistake", logarithmic="")
_ = ax.set_ylim(-0.03, 1.08)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Of four numbers about one row of 300 is right. With attention, too, long rows are harder, only far less. Three times the training helps: 0.98 of the rows of 2 numbers, 0.29 of 4. So part of the gap is time. A disadvantage, and no law: Sutskever, Vinyals and Le got long sentences right, with a much larger network.

# %% [markdown]
# Practically none: about one row of 300. With attention, nearly all rows are right, also the long ones.
#
# Part of the fall is arithmetic. In a longer row more can go wrong. If every number were right with the same chance, 0.72, two numbers would be right with $0.72^2 = 0.52$ and four with
# $0.72^4 = 0.27$. The brackets in the output give this chance for each length. Without attention it falls from 0.72 to 0.24 for four numbers (roughly, as that is from one row). So the average number gets much worse in longer rows. With attention, too, it gets worse, only far less: from 1.000
# to 0.990 for six. Which numbers are they? Look at each number of a row, twice: the model reads its own words, or the right words are fed in.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.translator import by_number

print("without attention, right:      1st   2nd   3rd ... number")
each = {}
for length in (2, 4, 6):
    rows = new_rows(300, 100 + length, length, known=digits)
    for fed, name in ((False, "own words"), (True, "right words fed in")):
        each[length, fed] = by_number(without, *rows, feed_right=fed)
        print(f"rows of {length}, {name:18} ", *(f"{share:5.2f}" for share in each[length, fed]))

# %% tags=["check:first-number"]
# checked: without attention the first number is wrong more often in longer rows; right words help each later number; the last is better than the one before
assert each[2, False][0] > each[4, False][0] + 0.1 and each[4, False][0] > each[6, False][0]
for length in (2, 4, 6):
    alone, helped = each[length, False], each[length, True]
    assert abs(alone[0] - helped[0]) < 0.001 and helped[-1] > helped[-2]
    assert all(fed > own for own, fed in zip(alone[1:], helped[1:], strict=True))

# %% [markdown]
# The first number is right in 0.62, 0.40 and 0.32 of the rows: the same task gets harder as the row gets longer. Why, we cannot tell here. The vector has more to hold, it must keep the first digits for more steps, and the model may just need longer to learn it.
#
# Later numbers suffer from mistakes as well. Each of them is more often right when the right words are fed in: in rows of two 0.86 instead of 0.60. And then the last number is right more often than the one before it. Its digits were read last, so this hints at distance, and is no proof.
#
# **What else could it be?** Both models have the same parameters, start and batches. But there is more to weigh:
#
# - *Training time.* In one run with three times the training (not part of this page) the model without attention had 0.98 of the rows of 2 numbers right, 0.29 of 4 and 0.01 of 6. With attention it was 1.00 for all. So a good part of the gap is how fast each learns.
# - *Short paths.* Without attention a gradient has to go back through every step of the encoder to reach the first digit. With attention it gets there at once, which probably helps it to learn faster.
# - *Practice.* A fifth number stands in only a third of the training rows, a sixth one in a sixth. This holds for both models.
# - *Idle parameters.* Without attention $W_Q$ and $W_K$ learn nothing (8,320 of 69,780 parameters): with one memory there is nothing to choose.
#
# And this is one run of one size, one kind of network, one task. The bottleneck is a disadvantage and no law. Sutskever, Vinyals and Le (2014) had a much larger network and read the sentence backwards, and their long sentences came out well. They believe that reading backwards helped because the first words of both sentences come closer together.

# %% [markdown]
# ## 7. Where does it look?
#
# Nobody told the model where to look. It only learned to name the next word. Let us see what it found, for 47, 21 and 95. It translates on its own again. A row is the decoder's state *before* a word, with that word beside it. A column is the memory after a digit. For the words that name a digit we know the right column: second digit first, then the first one. What about *und*?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Where does it look, word by word?

# %% slideshow={"slide_type": "-"}
from bertnotes.translator import translate

said, weights = translate(with_attention, torch.tensor([[4, 7, 2, 1, 9, 5]]))
before = [f"before {VOCABULARY[word]}" for word in said[0]]
ax = attention_heatmap(weights[0], before, list("472195"), numbers=True, least=0.05, title="47, 21 and 95")
_ = ax.set(ylabel="the state …", xlabel="… looks at the memory after")

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Follow *sieben*, then *vierzig*: crosswise, the second digit first. Nobody told it. Then ask about the rows of *und*: is there a rule? In this row each looks at its own number.

# %% [markdown]
# (Weights below 0.05 are not written.) Read the rows of *sieben* and *vierzig*. Before *sieben* most weight is on the second digit, before *vierzig* on the first, and so on in pairs.
#
# **How can a query find the right place?** Before *sieben* the decoder cannot ask for a 7: it does not know yet that a 7 is coming. It has to ask for a *place*, by counting or by looking for what follows the digits already said. Either way states and memories must keep track, and nobody told them to. How well it works shows in two tables below: where the words of 300 rows look, and what is said when all weights move on by one number.
#
# The rest of the weight goes mostly to the columns beside it, on average more to the right (counted in 300 rows, for the four numbers in the middle). There it makes sense: a memory tells of its digit *and* of those before it, so the memory after the 2 still knows
# something of the 7. (So looking at the memory after a digit does not prove that only this digit is used.) A memory to the left has not read the digit yet and brings no news of it. Does this weight help? We set it to 0 in those 300 rows, and scaled up the rest to 1: the loss got *smaller*, for ones from 0.04 to 0.01.
#
# And *und*? In this row all three look at their own number. Is that the rule? One row of three numbers proves little. Here are the six *und* of a longer row.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## And *und*, in a longer row?

# %% slideshow={"slide_type": "-"}
said, weights = translate(with_attention, torch.tensor([[4, 1, 9, 6, 2, 9, 7, 3, 6, 9, 3, 6]]))
numbers = [f"und of {number}" for number in (41, 96, 29, 73, 69, 36)]
ax = attention_heatmap(weights[0, 1::3], numbers, list("419629736936"), numbers=True, least=0.05, title="und, six times")
_ = ax.set(ylabel="the state before …", xlabel="… looks at the memory after")

# %% tags=["check:one-row"]
# checked: both rows are translated without a mistake, and in the longer one an und looks most at another number
spoken = [VOCABULARY[word] for word in said[0]]
assert spoken == say([41, 96, 29, 73, 69, 36]) and [row.removeprefix("before ") for row in before] == say([47, 21, 95])
assert (weights[0, 1::3].argmax(dim=-1) // 2 != torch.arange(6)).sum() >= 2 and weights.shape == (1, 18, 12)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Only the first and the last *und* look most at their own number. The others look ahead. So what is the rule? Let the class argue: what does the model need to know in order to say *und*?

# %% [markdown]
# The *und* of 41 and the last one look most at their own number. The other four look ahead, at digits of a number that is not being said at all. So we count, in 300 new rows of six numbers:
# at which digit does each kind of word look *most*? From here on the right words are fed in (teacher forcing), so that all rows have the same words in the same places.

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
assert 0.4 < sum(looks["und"][:2]) < 0.75 and 0.2 < looks["und"][2] < 0.55 and looks["und"][3] < 0.15
for kind, digit in ((0, 1), (2, 0)):  # beside the digit that is named, more weight is on the right than on the left
    parts = [weights[:, 3 * at + kind].split([2 * at + digit, 1, 11 - 2 * at - digit], dim=-1) for at in range(1, 5)]
    left, own, beyond = (torch.stack([part[side].sum(dim=-1) for part in parts]).mean() for side in range(3))
    assert left < beyond < own
ahead = weights[:, 1::3].argmax(dim=-1) // 2 - torch.arange(6)  # of each und: 0 is its own number, 1 the next
own, coming = (ahead == 0).float().mean(dim=0), (ahead == 1).float().mean(dim=0)
assert 0.35 < own[:5].mean() < 0.65 and 0.3 < coming[:5].mean() < 0.6 and min(own[0], own[5], coming[4]) > 0.7

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Where do 300 rows look most?
#
# | | own first digit | own second | next number | elsewhere |
# | --- | --- | --- | --- | --- |
# | ones | 0.00 | **0.99** | 0.01 | 0.00 |
# | *und* | 0.21 | 0.36 | 0.38 | 0.05 |
# | tens | **0.93** | 0.07 | 0.00 | 0.00 |
#
# Is the model wrong at *und*?

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The numbers may differ a little from machine to machine. What does the model need to know in order to say *und*? No digit. So does it matter where it looks? Do not answer; test it.

# %% [markdown]
# The words for ones look at the second digit of their number and the words for tens at the first. So their weights are an **alignment**: they say which word belongs to
# which digit. *und* is different. In 57 % of the cases it looks most at its own number, in 38 % at the next. The last *und* of a row has no next number; among the first five, it is 49 % and 45 %. It also depends on the place: the first and the last *und* look at their own number nearly always, the fifth nearly always at the next. Is the model wrong there?
#
# What does it need, to say *und*? No digit at all: after a word for ones, *und* always follows. We can test this. We leave the model as it is and change what attention gives it:
#
# - **even weights**: every digit gets the same weight, $\frac{1}{12}$.
# - **next number**: each word gets its own weights, moved on by one number. (The last number gets the first.)
# - **cut**: what attention found is replaced by zeros. The state is left alone.
#
# After the cut, what share of each kind of word is still right?

# %%
guess = None  # for ones, und and tens, such as [0.9, 0.5, 0.9]

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.translator import by_kind

changed = {}
print("               loss: ones   und  tens    right: ones   und  tens")
for change in ("nothing", "even weights", "next number", "cut"):
    changed[change] = by_kind(with_attention, many_digits, many_words, change)
    lost, share = (" ".join(f"{number:5.2f}" for number in row) for row in changed[change])
    print(f"{change:14}     {lost}          {share}")
print("your guess:", guess)

# %% tags=["check:cut"]
# checked: changing what attention gives hurts the words for digits, and und not at all; cut, they are right by chance alone
assert min(changed["nothing"][1]) > 0.95 and max(changed["nothing"][0]) < 0.2
for change in ("even weights", "next number", "cut"):
    lost, share = changed[change]
    assert min(lost[0], lost[2]) > 1.8 and max(share[0], share[2]) < 0.45 and share[1] > 0.99 and lost[1] < 0.0075
assert abs(changed["cut"][1][0] - 1 / 9) < 0.06 and abs(changed["cut"][1][2] - 1 / 8) < 0.06
assert min(changed["next number"][0][0], changed["next number"][0][2]) > 5
with torch.inference_mode():
    named = with_attention(many_digits, shifted(many_words), "next number")[0].argmax(dim=-1)
assert named.eq(many_words.roll(-3, dims=1)).float().mean() > 0.9  # the digits of the next number
assert changed["even weights"][1][0] > 1.3 * changed["cut"][1][0] and changed["even weights"][1][2] > 1.3 * changed["cut"][1][2]
assert changed["even weights"][0][0] > changed["cut"][0][0] > math.log(9) and changed["cut"][0][2] > math.log(8)

# %% tags=["check:left-weights"]
# checked: weight left of the digit that is named does not help: at 0, and the rest scaled up to 1, the loss falls
with torch.inference_mode():  # no weight left of the digit that is named
    memories, last = with_attention.encode(many_digits)
    states = with_attention.decode(shifted(many_words), last)
    kept, place = weights.clone(), torch.arange(12)
    for word in range(18):
        kept[:, word, place < 2 * (word // 3) + (word % 3 == 0)] *= word % 3 == 1  # und keeps its weights
    values = with_attention.cross_attention.value(memories)
    found = with_attention.cross_attention.output(kept / kept.sum(dim=-1, keepdim=True) @ values)
    pruned = cross_entropy(with_attention.score(states + found).flatten(0, 1), many_words.flatten(), reduction="none")
for kind, lost in enumerate(pruned.view(-1, 6, 3).mean(dim=(0, 1)).tolist()):
    assert lost < changed["nothing"][0][kind] - 0.005 or kind == 1

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Change something: what is still right?
#
# - **even weights**: the same for all twelve digits
# - **next number**: the model's own, moved on by one number
# - **cut**: what was found is replaced by zeros
# - **another start**: the decoder starts from the last memory of another row

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | share right (loss) | ones | *und* | tens |
# | --- | --- | --- | --- |
# | nothing changed | 0.99 (0.04) | 1.00 (0.00) | 1.00 (0.02) |
# | even weights | 0.21 (2.58) | **1.00 (0.00)** | 0.29 (2.37) |
# | next number | 0.12 (8.95) | **1.00 (0.00)** | 0.14 (8.93) |
# | cut | 0.12 (2.35) | **1.00 (0.00)** | 0.13 (2.23) |
# | another start | 0.99 (0.04) | 1.00 (0.00) | 1.00 (0.02) |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Take guesses for all four changes, then show the table. One in nine is chance: there are nine words for ones. The wrong number's digits are worse than none: the model is sure of a wrong word, 8.95 nats.
# *und* does not care: its loss is below 0.01 in every row. So its weights tell where it looked, and nothing about what it used.

# %% [markdown]
# Read the columns of *und* first: right every time, and the loss stays at 0.00, rounded, in all of these tests. So it does not matter to *und* where it looks, as far as we have tested it. The words for digits need their weights. Cut, they fall to
# chance, about 1 in 9 and 1 in 8. With even weights they are right about twice as often, probably because an average over all digits still says which digits occur in the row. Yet their loss is *higher* than after the cut: probably because the model never met such an average in training, and is too sure of its guesses. With the weights of the next number the loss of about 9 nats says that the model is sure of a wrong word: it names the digits of that number. So the weights say which place, and the values which digit.
#
# Why then does *und* not look everywhere about evenly, as all words did before training? It must look somewhere: a row of weights adds up to 1. And training did move its weights. $W_Q$ and $W_K$ are shared by all words, and the words for ones and tens pulled at them. The
# weights of *und* are most likely a by-product. **Weights tell where a word looked. Whether it mattered is another question**, and you answer it by changing something, as here.
#
# One thing in the table is odd. After the cut the decoder still starts from the last memory (the thin arrow in the drawing). Such a vector is all that the other model has, and it names some digits. Why does this one fall to chance? Give each row the last memory of *another* row as its
# start, and leave the rest alone. For comparison, the other model on the same rows:

# %% tags=["timing", "nbval-ignore-output"]
swapped = by_kind(with_attention, many_digits, many_words, "another start")
other = by_kind(without, many_digits, many_words)
print("                      loss: ones   und  tens    right: ones   und  tens")
tried = {"with attention": changed["nothing"], "with, another start": swapped, "without attention": other}
for name, result in tried.items():
    lost, share = (" ".join(f"{number:5.2f}" for number in row) for row in result)
    print(f"{name:21}     {lost}          {share}")

# %% tags=["check:start"]
# checked: with attention, another row's last memory as the start changes next to nothing; the model without names more than chance
pairs = zip(changed["nothing"][0], swapped[0], strict=True)
assert all(abs(own - another) < 0.005 for own, another in pairs) and min(swapped[1]) > 0.95
assert other[1][0] > 2 / 9 and other[1][2] > 2 / 8 and max(other[1][0], other[1][2]) < 0.7

# %% [markdown]
# Rounded, nothing changes. This model does not use what its start says about the digits. The other one has to, and names about 0.4 of the ones and 0.5 of the tens. (It gets its vector at every word as well, not at the start alone.) The model with attention can look at the memory after every digit, so training never had to make it use that vector. A path that could carry
# something need not carry it.
#
# How far this holds for other models was much debated. Jain and Wallace (2019) found that classifiers often give nearly the same answer with very different weights. Wiegreffe and Pinter (2019) replied that such weights do not simply turn up in training, and that it depends on the model and on what
# you call an explanation. (Our tests, too, change weights that the finished model would not have chosen.) And in recurrent translators the weights are not always an alignment: Koehn and Knowles (2017) compared the two and found cases where they differ a lot. Pages 07 and 12 come back to it.

# %% [markdown]
# ## 8. From here to BERT
#
# ![2014: a recurrent encoder and decoder; the decoder asks the encoder, by cross-attention. 2017, the Transformer: encoder with self-attention, decoder with masked self-attention, cross-attention between them. 2018, BERT: the encoder alone](figures/02_to_bert.svg)
#
# Attention began as an addition to recurrent networks. Then sentences were made to look at themselves, first inside recurrent networks (Cheng, Dong and Lapata 2016), soon without them (Parikh and others 2016).
# (Years here are those on arXiv.) Vaswani and others (2017) left out recurrence altogether. Their **Transformer** uses attention in three ways:
#
# - In the encoder the words of the original look at each other: self-attention.
# - In the decoder each word looks at itself and at the words before it: self-attention with page 01's causal mask.
# - The decoder's words also look at the encoder's outputs: cross-attention.
#
# **BERT is the encoder alone, so it has no cross-attention.** How can it compare two sentences? They are laid end to end, and self-attention runs over both. We do it with our five words.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
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
# checked: a quadrant, divided by the sums of its rows, is cross-attention; rows add up to 1 over both; what cats and chase look at
quadrant = pair_weights[3:, :3]
assert torch.allclose(quadrant / quadrant.sum(dim=-1, keepdim=True), cross_weights, atol=1e-6)
assert torch.allclose(pair_weights.sum(dim=-1), torch.ones(5)) and quadrant.sum(dim=-1).max() < 0.5
assert round(quadrant[0].sum().item(), 2) == 0.49
assert pair_weights[0, 0].isclose(pair_weights[0, 3]) and pair_weights[1, 4] > 2 * pair_weights[1, 1]

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Five words of two sentences in one table of weights with four quadrants. The row of Katzen sends 0.49 across and keeps 0.51](figures/02_pair.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The magenta quadrants look like cross-attention, but one softmax runs over the whole row: what goes across is missing at home. Ask why *chase* looks more at *jagen* than at itself: its dot product with the longer vector is larger.

# %% [markdown]
# ![Five words of two sentences in one table of weights with four quadrants. The row of Katzen sends 0.49 across and keeps 0.51](figures/02_pair.svg)
#
# Is the lower left quadrant cross-attention? Not quite. One softmax runs over the whole row, so both sentences share one 1: *Katzen* sends 0.49 across and keeps 0.51. Divide the quadrant's row
# by its sum, and you get exactly the cross-attention of section 1. So here a word also decides *how much* to look across. In a model, all of it is done with the same matrices. *cats* looks at *Katzen* as much as at itself, and *chase* even more at *jagen*
# (0.63) than at itself (0.31), because the vector of *jagen* is longer. (Rows may add up to 0.99 or 1.01: rounding.)
# In BERT the two sentences are also told apart by a vector added to each word, and `[SEP]` stands between them (page 05).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - One function. All from one sentence: **self-attention**. Queries from another: **cross-attention**, a row for each that asks, a column for each that is asked.
# - Cross-attention lets a decoder look at the original. Before it, one vector had to carry everything: the bottleneck.
# - A training step: loss, gradient, a small step downhill. An epoch: all data once.
# - Cross-entropy is $-\ln$ of the right word's probability. Teacher forcing feeds the right words before it.
# - Weights say where a word looked. Whether it mattered shows when you change them.
# - The Transformer has both kinds of attention. **BERT** is its encoder: self-attention alone.
#
# **Next:** page 03 lets a word look in several ways at once.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Ask for the five steps of the loop from memory. Then: why does *und* look somewhere at all? A row of weights must add up to 1.

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# `make lab` has put a copy of the [exercises](exercises/02.ipynb) into `notebooks/my`: work there. The first three need paper and a pocket calculator. What passes of the others
# is kept in `my_bert.py`.

# %% tags=["exercises"]
import math

import torch

from bertnotes.exercises import check, hint, solution  # noqa: F401

# %% [markdown] tags=["exercise:cross_weights"]
# ### How many weights? · ● · 4 minutes
#
# A decoder has said 5 words of a translation. The original has 8 words. There are 3 such pairs in the batch. The cross-attention is done 4 times
# side by side, with other matrices each time (4 *heads*, page 03). How many attention weights are worked out for this batch?

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
# You do not need calculus: nudge $w$, as in section 3. At $w = 1$ the loss is $(2 - 6)^2 = 16$. What is it at $w = 1.01$? By how many times 0.01 did it change, and which way?

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
# ### Cross-attention · ●● · 10 minutes
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
# When the decoder guesses a word it may know those before it and not the word itself. If `words` went in as they are, it would read each word that it has to guess. The training loss would fall to nearly 0,
# and on its own the model could say nothing.

# %% [markdown] tags=["exercise:aligned"]
# ### Does it look at its own number? · ●● · 10 minutes
#
# Section 7 counted where words look. Count it yourself: write `aligned`. `weights` is (row, word, digit), how each word of full rows looks at the digits. Each number has three words, for ones, *und* and tens, and two digits. So words 0, 1, 2 and digits 0, 1 belong
# to the first number. Return three shares, for ones, *und* and tens: of how many words is the largest weight on a digit of their **own** number?

# %% [markdown] tags=["hint:aligned"]
# `weights.argmax(dim=-1)` is the digit at which each word looks most, (row, word). Which number does digit 7 belong to? And word 7? Whole division, `//`, tells.

# %% [markdown] tags=["hint:aligned"]
# Digit $d$ belongs to number `d // 2`, word $w$ to number `w // 3`; `torch.arange(weights.shape[1])` counts the words. Compare, and you have (row, word) of True and False. Words 0, 3, 6, ... are for ones: `own[:, 0::3]`.


# %% tags=["exercise:aligned"]
def aligned(weights):
    """The share of words for ones, of und and of words for tens that look most at their own number: three numbers."""
    # solution
    own = weights.argmax(dim=-1) // 2 == torch.arange(weights.shape[1]) // 3
    return torch.stack([own[:, kind::3].float().mean() for kind in range(3)])
    # end of solution


check("aligned", aligned)

# %% [markdown] tags=["reason:aligned"]
# On the page's rows this gives about 0.99, 0.57 and 1.00: words for digits look at their own number, *und* often does not. A high share would not prove that a word *uses* its number, nor a low one that it does not. For that you have to change something.

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
# - Kalchbrenner, Blunsom (2013). *Recurrent Continuous Translation Models.* EMNLP 2013.
# - Sutskever, Vinyals, Le (2014). *Sequence to Sequence Learning with Neural Networks.* Encoder and decoder; the source reversed. arXiv:1409.3215
# - Cho, van Merriënboer, Gulcehre, Bahdanau, Bougares, Schwenk, Bengio (2014). *Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation.* The vector enters every state; the recurrent unit that ours uses. arXiv:1406.1078. Cho, van Merriënboer, Bahdanau, Bengio (2014). *On the Properties of Neural Machine Translation: Encoder-Decoder Approaches.* Worse with length. arXiv:1409.1259
# - Bahdanau, Cho, Bengio (2014). *Neural Machine Translation by Jointly Learning to Align and Translate.* arXiv:1409.0473. Luong, Pham, Manning (2015). *Effective Approaches to Attention-based Neural Machine Translation.* Dot products; the state after the last word asks. arXiv:1508.04025
# - Cheng, Dong, Lapata (2016). *Long Short-Term Memory-Networks for Machine Reading.* arXiv:1601.06733. Parikh, Täckström, Das, Uszkoreit (2016). *A Decomposable Attention Model for Natural Language Inference.* arXiv:1606.01933
# - Vaswani and others (2017). *Attention Is All You Need.* The three uses of attention: section 3.2.3. arXiv:1706.03762. Devlin, Chang, Lee, Toutanova (2018). *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* arXiv:1810.04805
# - Kingma, Ba (2014). *Adam: A Method for Stochastic Optimization.* arXiv:1412.6980. Williams, Zipser (1989). *A Learning Algorithm for Continually Running Fully Recurrent Neural Networks.* Teacher forcing.
# - Koehn, Knowles (2017). *Six Challenges for Neural Machine Translation.* Attention and alignment. arXiv:1706.03872. Jain, Wallace (2019). *Attention is not Explanation.* arXiv:1902.10186. Wiegreffe, Pinter (2019). *Attention is not not Explanation.* arXiv:1908.04626
