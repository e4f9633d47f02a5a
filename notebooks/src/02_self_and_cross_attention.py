# %% [markdown] question="What changes when a sentence looks at itself, or at another one?"
# # 02 · Self-attention and cross-attention
#
# **The question:** what changes when a sentence looks at itself, or at another one? And how does a network learn where to look?
#
# ![One function, fed in two ways. Left: queries, keys and values from cats chase mice, with 3 by 3 weights. Right: queries from Katzen jagen, keys and values from cats chase mice, with 2 by 3 weights](figures/02_two_ways.svg)
#
# In the function nothing changes. All that changes is what we put in. That small step is how attention began, in machine translation.
# On this page you train two small translators that differ in one thing, and you see what attention is worth to them. Nothing
# was learned on page 01. Here learning starts, so we also take it apart: loss, gradient, training loop.
#
# **You need:** page 01. **Time:** about 45 minutes, and 44 more for the exercises. Training takes about 20 seconds.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # Self-attention and cross-attention
#
# ![One function, fed in two ways. Left: queries, keys and values from cats chase mice, with 3 by 3 weights. Right: queries from Katzen jagen, keys and values from cats chase mice, with 2 by 3 weights](figures/02_two_ways.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The deck takes 45 minutes. Ask: what is the same on both sides? The box in the middle. What differs? Where the blue arrow starts.
# Blue is the query, orange the key, green the value, as on page 01.

# %%
import math

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
# the same meaning point the same way. To keep it short we leave the matrices out: each vector is its own query, key and value.
# The German words ask, the English ones are asked. How many rows and columns do the attention weights have?

# %%
guess = None  # (rows, columns)

# %%
english, E = ["cats", "chase", "mice"], torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, -1.0]])
german, G = ["Katzen", "jagen"], torch.tensor([[2.0, 0.5], [0.0, 2.5]])
itself, self_weights = scaled_dot_product_attention(E, E, E)
across, cross_weights = scaled_dot_product_attention(G, E, E)
print("self:  weights", tuple(self_weights.shape), " output", tuple(itself.shape))
print("cross: weights", tuple(cross_weights.shape), " output", tuple(across.shape), "  your guess:", guess)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Two German words ask three English ones
#
# How many rows and columns do the weights have? How many outputs are there?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | | rows: who asks | columns: who is asked | outputs |
# | --- | --- | --- | --- |
# | self | 3 | 3 | 3 |
# | cross | **2** | **3** | **2** |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** A row for each word that asks, a column for each word that is asked, and an output for each row. Then ask: what if the German sentence had 50 words?

# %% [markdown]
# Two rows, three columns: **a row for each word that asks, a column for each word that is asked.** There is one output for each row.

# %% slideshow={"slide_type": "slide"}
ax = attention_heatmap(cross_weights, german, english, title="German words look at English words")

# %% tags=["check:two-ways"]
# checked: the shapes, the numbers and the tie that the text and the drawing give
assert self_weights.shape == (3, 3) and cross_weights.shape == (2, 3) and itself.shape == (3, 2) and across.shape == (2, 2)
assert [round(weight, 2) for weight in cross_weights.flatten().tolist()] == [0.77, 0.09, 0.13, 0.03, 0.97, 0.00]
assert self_weights[2, 0].isclose(self_weights[2, 2]) and round(self_weights[2, 0].item(), 2) == 0.49
assert across[0].isclose(cross_weights[0] @ E).all()

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let the class read the rows aloud: "Katzen looks at cats with 0.77". Rows add up to 1, but for rounding. The output of *Katzen* is made of English values alone.

# %% [markdown]
# *Katzen* looks most at *cats*, *jagen* at *chase*, as we arranged it. (The 0.00 is rounded. In the opening drawing *mice* look at *cats* as much as at
# themselves, 0.49: page 01 met this tie.) The output of *Katzen* is an average of **English** vectors only. Its own vector decided where to look,
# and nothing of it is in the result.
#
# The two sentences may differ in length. What must they have in common? Think of the dot product of a query with a key.

# %%
try:
    scaled_dot_product_attention(torch.ones(2, 3), E, E)  # queries of 3 numbers, keys of 2
except ValueError as error:
    print(error)

# %% tags=["check:cross-shapes"]
# checked: lengths may differ, sizes of query and key may not; as many values as keys are needed
for queries, keys in ((1, 7), (50, 3)):
    output, weights = scaled_dot_product_attention(torch.randn(queries, 4), torch.randn(keys, 4), torch.randn(keys, 6))
    assert output.shape == (queries, 6) and weights.shape == (queries, keys)

# %% [markdown]
# A query and a key need equally many numbers, or they have no dot product. In a model the matrices $W_Q$ and $W_K$ see to that. And each
# key needs its value, so these two come from the same sentence.
#
# ## 2. Why look at another sentence? The bottleneck
#
# In 2014 two groups built networks of two parts for translation (Sutskever, Vinyals and Le; Cho and others). Both parts are **recurrent networks**: they take in one word after
# another and carry a vector along. The **encoder** reads the sentence. Its vector after each word is its **memory** so far.
#
# ![The encoder reads the digits 2 1 4 7, and has a memory after each one; the decoder is faint](figures/02_encoder.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The encoder reads the digits 2 1 4 7, and has a memory after each one; the decoder is faint](figures/02_encoder.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Our toy translates digits into German number words: 21 is *ein und zwanzig*, one and twenty. A memory is a vector of 64 numbers. Ask: what does the last memory have to hold?

# %% [markdown]
# The **decoder** says the translation, one word at a time. Our example is small: German says *21* as *ein und zwanzig*, one and twenty,
# the second digit first. So `2 1 4 7` becomes *ein und zwanzig sieben und vierzig*. (We write the words apart. Real German writes them as one.)
#
# ![Without attention: only the last memory, one vector, reaches the decoder, at its start and at every word](figures/02_bottleneck.svg)
#
# All that the decoder gets is the encoder's last memory: one vector, of the same size for two digits or for twelve. This is the **bottleneck**.
# In 2014 Cho, van Merriënboer, Bahdanau and Bengio measured that their translations got worse as sentences got longer.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Without attention: only the last memory, one vector, reaches the decoder, at its start and at every word](figures/02_bottleneck.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** One vector of the same size for two digits or for twelve. What would you do, if you had to translate a long sentence and had the original on the table? Look again.

# %% [markdown]
# What would a person do? Look at the original again. Bahdanau, Cho and Bengio let the decoder do so (2015): keep *all* memories, and let each word of
# the translation look for what it needs.
#
# ![With attention: the state of the decoder is the query, all memories of the encoder are keys and values; what is found helps to say zwanzig](figures/02_looks_back.svg)
#
# This is cross-attention. The decoder's **state** asks: it is the query. The encoder's memories are keys and values. (Their scores came from a small network. Ours are dot
# products, as on page 01.)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![With attention: the state of the decoder is the query, all memories of the encoder are keys and values; what is found helps to say zwanzig](figures/02_looks_back.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Which of the two sentences asks? The translation. Keys and values come from the original. This is how attention came into neural translation: Bahdanau, Cho and Bengio, 2015.

# %% [markdown]
# Our data: rows of one to six numbers, none with a 0 in it, and their words. Digits and words enter as whole numbers; 0 is **padding**, the filler that makes all rows
# equally long. Each digit and each word gets a vector, which is learned too.

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
# differ in a *mask* (page 01, section 6): one decoder may look at all memories, the other at the last one alone. With one memory to look at, its
# weight is always 1, so this decoder gets the same vector at every word: the bottleneck drawing.

# %%
from bertnotes.translator import Translator, shifted

torch.manual_seed(0)
with_attention = Translator("all")
without = Translator("last")
without.load_state_dict(with_attention.state_dict())  # the same first numbers
for name, model in (("with attention", with_attention), ("without", without)):
    print(f"{name:14} {sum(p.numel() for p in model.parameters()):,} numbers to learn")
    _, weights = model(digits[:1, :6], shifted(words[:1]))  # the first row and two places of padding
    print("    the first word looks:", weights[0, 0].detach())

# %% tags=["check:equal-models"]
# checked: both models have the same parameters; without attention, all weight is on the last memory
pairs = zip(with_attention.state_dict().values(), without.state_dict().values(), strict=True)
assert all(torch.equal(one, other) for one, other in pairs)
several = digits[(digits > 0).sum(dim=1) > 2]
some, last = (model(several[:50], shifted(words[:50]))[1] for model in (with_attention, without))
assert last.amax(dim=-1).eq(1).all() and some[:, 0].amax(dim=-1).max() < 0.9 and len(VOCABULARY) == 20
assert (
    sum(part.weight.numel() + part.bias.numel() for part in (without.cross_attention.query, without.cross_attention.key))
    == 8320
)

# %% [markdown]
# Both have the same numbers to learn, 69,780 each, also called **parameters**. The first model spreads its weight over the four digits of the row. The second puts all of it on the
# fourth, the last one. Padding gets exactly 0 from both. (Before the comparison convinces you, see "what else could it be?" in section 6.)
#
# So far both know nothing: their numbers are random. How do they learn?
#
# ## 3. Learning in small steps: one number
#
# Start as small as it gets. A model has one parameter, $w$, and its guess is $w$. The right answer is 3. How wrong is it? We need a number for
# that, the **loss**: 0 where the guess is right, larger the further it is off. A common choice is the square of the error, $(w - 3)^2$.
#
# The model starts at $w = 0$, where the loss is 9. Which way should $w$ go, and how do we know? Change it a little: at $w = 0.01$ the loss is 8.94.
# It fell by 0.06, about six times as much as $w$ rose. This is the slope at this point, $-6$. Its name is the **gradient**.

# %% [markdown]
# The gradient says which way is up. So take a step *against* it: subtract the gradient, times a small number, the **learning rate**. Here
# it is 0.1. From $w = 0$, where the gradient is $-6$: what is the new $w$?

# %%
guess = None  # the new w

# %%
w = torch.tensor(0.0, requires_grad=True)  # requires_grad: note every step of the computation, so that slopes can be worked out
loss = (w - 3) ** 2
loss.backward()  # works out the gradient of the loss and puts it into w.grad
print("loss", loss.item(), "  gradient", w.grad.item())
print(f"new w: {w.item() - 0.1 * w.grad.item():.2f}   your guess: {guess}")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Learning: one number
#
# The guess is $w = 0$, the right answer is 3. The **loss** is $(w - 3)^2 = 9$.
#
# The slope there, the **gradient**, is $-6$. The **learning rate** is 0.1. What is the new $w$?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# $0 - 0.1 \times (-6) = 0.6$

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The usual slip is −0.6: the gradient points uphill, so we subtract it. Ask for the next step before you show the next slide: the gradient at 0.6 is −4.8.

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
assert abs(0.0 - 3) * abs(1 - 2 * 1.1) ** 4 > 3

# %% [markdown]
# $0 - 0.1 \times (-6) = 0.6$: minus a negative number, so $w$ rises. `backward` found the gradient by the rules of calculus, going back through the computation step by step.
# Here calculus gives $2(w - 3)$. Then the same again from 0.6:
#
# ![The loss is a valley with its lowest point at 3. From 0, steps lead to 0.60, 1.08, 1.46 and 1.77](figures/02_descent.svg)
#
# The steps get shorter by themselves: the flatter the valley, the smaller the gradient. This is **gradient descent**. A real model has thousands or millions
# of parameters. The gradient then has a number for each of them, and all take their step at once.
#
# **Play with it.** Find a learning rate that reaches 3 in one step. What happens at 1? And above 1?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Set the learning rate

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
play("learning_rate")

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let the class predict 0.5, 1 and 1.1 before you press the button. 0.5 is there in one step, 1 jumps from side to side for ever, above 1 it climbs out of the valley.

# %% [markdown]
# <details><summary>What we found</summary>
#
# At 0.5 one step is exactly right. At 1 the number jumps from 0 to 6 and back, for ever. Above 1 each jump lands further away, and the loss grows: the training **diverges**. Below 0.5 it approaches from one
# side, at 0.01 very slowly. The numbers hold for this valley. The pattern (too slow, good, too large) holds in most trainings, and the rate has to be found by trying.
#
# </details>
#
# ## 4. The loss of a guessed word
#
# Our translators do not guess a number. They give a score for each of 20 words, and softmax turns scores into probabilities (page 01, section 1). How wrong is
# that? Look at the probability $p$ of the **right** word, and take $-\ln p$. This loss is called **cross-entropy**.

# %%
scores = torch.tensor([2.0, 1.0, -1.0])  # of three words; the first one is right
p = scores.softmax(dim=0)
print("probabilities:", p)
print(f"loss if the first is right: {-math.log(p[0]):.2f}, if the third is: {-math.log(p[2]):.2f}")
print(
    f"PyTorch's cross_entropy:    {cross_entropy(scores, torch.tensor(0)):.2f}, {cross_entropy(scores, torch.tensor(2)):17.2f}"
)

# %% tags=["check:cross-entropy"]
# checked: cross-entropy is minus the logarithm of the right word's probability; its gradient is p, minus 1 at the right word
assert cross_entropy(scores, torch.tensor(2)).isclose(-p[2].log())
learned = scores.clone().requires_grad_()
cross_entropy(learned, torch.tensor(0)).backward()
assert torch.allclose(learned.grad, p - torch.tensor([1.0, 0.0, 0.0]))
assert [round(-math.log(share), 2) for share in (1, 0.5, 0.05, 0.01)] == [0, 0.69, 3.0, 4.61]

# %% [markdown]
# | probability of the right word | 1 | 0.5 | 0.05 | 0.01 |
# | --- | --- | --- | --- | --- |
# | loss | 0 | 0.69 | 3.00 | 4.61 |
#
# Sure and right costs nothing. The less probable the right word was, the more it costs, without limit. (The unit is the **nat**, as $\ln$ is the natural logarithm.) And the gradient
# of this loss is simple: for each score it is the probability of that word, minus 1 for the right one. So a step on the scores raises the right one and lowers all others.
#
# Our translators still have random numbers in them. They have 20 words to choose from. What is their loss, roughly?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The loss of a guessed word: $-\ln p$
#
# | probability $p$ of the right word | 1 | 0.5 | 0.05 | 0.01 |
# | --- | --- | --- | --- | --- |
# | loss (cross-entropy) | 0 | 0.69 | 3.00 | 4.61 |
#
# A model that knows nothing picks among 20 words. What is its loss?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# $-\ln \frac{1}{20} = \ln 20 = 3.00$

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Why a logarithm? Being sure and wrong must hurt much more than being unsure. Then the question: all 20 words alike, so 1/20 = 0.05, the third column.

# %%
guess = None  # the loss of an untrained translator

# %%
from bertnotes.translator import word_loss

fresh = word_loss(with_attention, digits[:500], words[:500])
print(f"loss before training: {fresh.item():.1f}   your guess: {guess}")
print(f"ln 20 = {math.log(20):.2f}")

# %% tags=["check:knows-nothing"]
# checked: an untrained model's loss is near ln 20; one that knows the pattern of words alone has 1.43
assert abs(fresh.item() - math.log(20)) < 0.05
pattern = (math.log(9) + 0 + math.log(8)) / 3
assert round(pattern, 2) == 1.43

# %% [markdown]
# Nearly $\ln 20 = 3.00$: about as unsure as if it picked among 20 equally likely words. Another number to keep in mind is 1.43. This is the loss of somebody who knows how
# German numbers are built and cannot see a single digit: they pick among 9 words for ones ($\ln 9 = 2.20$), know that *und* follows (0), and pick
# among 8 words for tens ($\ln 8 = 2.08$). On average that is 1.43. To get below it, a model must use the digits.
#
# ## 5. The training loop
#
# What does the decoder read while it learns? It says word after word, and each word depends on those before. In training we feed it the
# *right* words before each guess, whatever it would have said. This is called **teacher forcing**.

# %% [markdown]
# ![In training, after a wrong guess vierzig, the decoder reads the right word zwanzig next. On its own it reads its own word, vierzig](figures/02_teacher_forcing.svg)
#
# So what goes in is the row of right words, moved by one: `<go>` in front, the last one away. If we forgot to move it, the decoder would read the word that
# it has to guess, and its loss would tell us nothing. (One of the exercises is about this.)

# %%
print("to guess:", *(VOCABULARY[word] for word in words[0, :6]))
print("it reads:", *(VOCABULARY[word] for word in shifted(words)[0, :6]))

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![In training, after a wrong guess vierzig, the decoder reads the right word zwanzig next. On its own it reads its own word, vierzig](figures/02_teacher_forcing.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Above: every guess is a fresh task, and all can be worked out at once. Below: the test. Ask what would happen if the decoder read the word that it is to guess: it would copy, and learn nothing.

# %% tags=["check:teacher-forcing"]
# checked: a guess does not depend on the word to be guessed, nor on later ones; all guesses at once are as one after the other
changed = words[:20].clone()
changed[:, 3:] = VOCABULARY.index("acht")
both = [with_attention(digits[:20], shifted(said))[0] for said in (words[:20], changed)]
assert torch.allclose(both[0][:, :4], both[1][:, :4], atol=1e-6) and not torch.allclose(both[0][:, 4], both[1][:, 4])

# %% [markdown]
# Now the loop. It takes 64 rows at a time, a **batch**: the gradient of 64 rows is a better guide than that of one, and costs less than 64 times as much.
# Five lines make one **training step**:
#
# - `word_loss` runs the model, with teacher forcing, and returns the mean cross-entropy of all words of the batch. Padding does not count.
# - `zero_grad` forgets the last gradient. PyTorch *adds* new ones to what is there.
# - `backward` works out the gradient for every parameter.
# - `optimizer.step` moves each parameter a little against its gradient.
# - `scheduler.step` makes the learning rate smaller, so that the steps get finer towards the end.

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
# **3 minutes.** Go through the lines and ask what each would break if it were missing. The loop on page 10, which trains BERT, has the same five steps.

# %% [markdown]
# The loop that fine-tunes BERT on page 10 has the same five steps. One pass over all data is an **epoch**. We train both models for 4 epochs: 6,400 rows are
# 100 batches, so 400 steps each. Both get the same batches in the same order. The **optimizer** is Adam (Kingma and Ba 2015): gradient descent with
# a step size of its own for each parameter, from how its gradients have been. The learning rate starts at 0.005 and falls to 0.
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
# checked: both end below the loss of who sees no digit, the one with attention far below
ends = {name: sum(found[-50:]) / 50 for name, found in losses.items()}
assert ends["with attention"] < 0.1 and 0.5 < ends["without"] < 1.1
assert len(losses["without"]) == 400 and sum(losses["with attention"][:5]) / 5 > 2.2

# %% slideshow={"slide_type": "slide"}
means = {name: [sum(found[at : at + 50]) / 50 for at in range(0, 400, 50)] for name, found in losses.items()}
lines = means | {"sees no digit": [(math.log(9) + math.log(8)) / 3] * 8}
ax = line_chart(range(50, 401, 50), lines, xlabel="training steps", title="loss, mean of 50 steps", logarithmic="")
_ = ax.set_ylim(0, 2.5)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Both learn. Dotted, at 1.43: who knows how German numbers are built and sees no digit. Solid goes to nearly 0. Dashed is still falling when we stop.

# %% [markdown]
# Both get below 1.43, so both use the digits. (Every point is a mean of 50 batches.) With attention the loss falls to nearly 0. Without, it
# is still falling when we stop, and far from 0.

# %% [markdown]
# ## 6. What attention is worth
#
# A loss is hard to picture. So let both translate on their own, word by word, each reading what it has said itself. We count the rows in which **every** word is right. The rows
# are new ones: none was in the training data. (Rows of one number are left out. There are only 72, and training had them all.)
#
# The model *without* attention translates about half of the rows of 2 numbers. What share of the rows of 4 numbers, do you think?

# %%
guess = None  # from 0 to 1

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.translator import new_rows, share_right

right = {"with attention": [], "without": []}
for length in range(2, 7):
    new_digits, new_words = new_rows(300, 100 + length, length, known=digits)
    for model, name in ((with_attention, "with attention"), (without, "without")):
        right[name].append(share_right(model, new_digits, new_words))
    print(f"{length} numbers: with attention {right['with attention'][-1]:.2f}, without {right['without'][-1]:.2f}")
print("your guess for 4 numbers, without:", guess)

# %% tags=["check:worth"]
# checked: with attention nearly all rows are right at every length; without it half of the short ones, and none from 4 on
assert min(right["with attention"]) > 0.75 and min(right["with attention"][:3]) > 0.9
assert 0.25 < right["without"][0] < 0.8 and right["without"][1] < 0.35 and max(right["without"][2:]) < 0.06
assert len({tuple(row) for row in digits.tolist() if row[2] == 0}) == 72

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## New rows: in how many is every word right?
#
# The same network, the same training. One may look at all memories, the other at the last one. Without attention about half of the rows of 2 numbers are right. And of 4 numbers?

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Collect guesses. If each number were right with the same chance, 0.7, then four would be right with 0.7 to the fourth power, 0.25.

# %% slideshow={"slide_type": "slide"}
ax = line_chart(range(2, 7), right, xlabel="numbers in a row", title="share of rows without a mistake", logarithmic="")
_ = ax.set_ylim(-0.03, 1.08)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Practically none. This is one size and one length of training. A disadvantage, and no law: Sutskever, Vinyals and Le got long sentences right, with a much larger network.

# %% [markdown]
# Practically none. With attention, nearly all rows are right, also the long ones. After this training, what comes through one vector is enough for half of the rows of two numbers, and not for four. With attention a
# word need not rely on it: it looks where it wants.
#
# <details><summary>For the curious: what else could it be?</summary>
#
# Both models have the same parameters, start and batches. But without attention the parameters of $W_Q$ and $W_K$ are idle (8,320 of 69,780): with one memory there is nothing to choose.
# And this is one size, one kind of network, one task. In one run with three times the training (not part of this page) the model without attention had 0.98 of the rows of 2 numbers right, 0.29 of 4 and 0.01 of 6; with attention it was 1.00 for all. The bottleneck is a disadvantage and no law: Sutskever, Vinyals and Le (2014) had a much larger network
# and read the sentence backwards, and their long sentences came out well. That reading order matters shows that distance is part of the problem.
#
# </details>

# %% [markdown]
# ## 7. Where does it look?
#
# Nobody told the model where to look. It only learned to name the next word. Let us see what it found, for 47, 21 and 95. A row is a word that is about to be said. A column
# is a digit. For the words that name a digit we know the right column: second digit first, then the first one. What about *und*?

# %% slideshow={"slide_type": "slide"}
from bertnotes.translator import translate

row = torch.tensor([[4, 7, 2, 1, 9, 5]])
said, weights = translate(with_attention, row)
spoken = [VOCABULARY[word] for word in said[0]]
ax = attention_heatmap(weights[0], spoken, list("472195"), numbers=True, title="where it looks, word by word")

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Follow *sieben*, then *vierzig*: crosswise, the second digit first. Nobody told it. Then ask about the rows of *und*: is there a rule? The next slide counts.

# %% [markdown]
# Read the rows of *sieben* and *vierzig*: most weight is on the second digit, then on the first, and so on in pairs. Now look at the three rows of *und*. Do you see a rule?
# One example proves little, so we count over 300 new rows of six numbers: where does each kind of word look most?

# %% tags=["timing", "nbval-ignore-output"]
many_digits, many_words = new_rows(300, seed=7, length=6, known=digits)
_, weights = with_attention(many_digits, shifted(many_words))
most = weights.argmax(dim=-1).unflatten(1, (6, 3))  # (row, number, one of its three words): a place from 0 to 11
distance = most - 2 * torch.arange(6)[:, None]  # from the first digit of its own number: 0 and 1 are its own two digits
looks = {}
for at, kind in enumerate(("ones", "und", "tens")):
    looks[kind] = [(distance[..., at] == place).float().mean().item() for place in (0, 1)]
    print(
        f"{kind:5} first digit {looks[kind][0]:.2f}  second digit {looks[kind][1]:.2f}  another number {1 - sum(looks[kind]):.2f}"
    )

# %% tags=["check:alignment"]
# checked: words for ones and tens look at their own digit, und often at another number's
assert looks["ones"][1] > 0.85 and looks["tens"][0] > 0.75
assert 0.1 < 1 - sum(looks["und"]) < 0.9 and max(looks["und"]) < 0.75

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## And *und*?
#
# | 300 rows: looks most at | own first digit | own second digit | another number |
# | --- | --- | --- | --- |
# | words for ones | | **nearly all** | few |
# | words for tens | **most** | few | |
# | *und* | some | some | **many** |
#
# Is the model wrong there?

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The exact numbers are in the lesson; they differ a little from machine to machine. Let the class argue: what does the model need to know in order to say *und*?

# %% [markdown]
# The words for ones look at the second digit of their number and the words for tens at the first. So the weights are an **alignment**: they say which word belongs to
# which digit. But *und* often looks at a number that has nothing to do with it. Is the model wrong there?
#
# What does it need, to say *und*? No digit at all: after a word for ones, *und* always follows. We can test this. We **cut** the attention: what it found is replaced
# by zeros, and the model has its state alone. What share of each kind of word is still right?

# %%
guess = None  # for ones, und and tens, such as [0.9, 0.5, 0.9]

# %% tags=["timing", "nbval-ignore-output"]
kept = {}
for name, cut in (("whole", False), ("attention cut", True)):
    scores, _ = with_attention(many_digits, shifted(many_words), cut=cut)
    hits = (scores.argmax(dim=-1) == many_words).float().unflatten(1, (6, 3))  # (row, number, one of its three words)
    kept[name] = hits.mean(dim=(0, 1)).tolist()
    print(f"{name:14} ones {kept[name][0]:.2f}  und {kept[name][1]:.2f}  tens {kept[name][2]:.2f}")
print("your guess:", guess)

# %% tags=["check:cut"]
# checked: without attention the words for digits are right by chance alone, and und is always right
assert min(kept["whole"]) > 0.95 and kept["attention cut"][1] > 0.99
assert abs(kept["attention cut"][0] - 1 / 9) < 0.06 and abs(kept["attention cut"][2] - 1 / 8) < 0.06

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Cut the attention: what is still right?
#
# | | ones | *und* | tens |
# | --- | --- | --- | --- |
# | whole | nearly all | all | nearly all |
# | attention cut | about 1 in 9 | **all** | about 1 in 8 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** One in nine is chance: there are nine words for ones. For *und* the weights go somewhere because a row must add up to 1. They mean nothing there.

# %% [markdown]
# The words for digits fall to chance, 1 in 9 and 1 in 8. *und* does not suffer at all. A row of weights must add up to 1, so it has to look somewhere; nothing depends on where,
# so training had no reason to move it. **Weights tell where a word looked. Whether it mattered is another question**, and you answer it by changing something, as here.
#
# That holds for large models, too. Koehn and Knowles (2017) compared the weights of real translators with alignments and found cases where they differ dramatically. Pages 07 and 12 come back to it.
#
# (One more caution. A memory tells of its digit *and* of those before it. So looking at a digit's memory does not prove that only this digit is used.)

# %% [markdown]
# ## 8. From here to BERT
#
# Attention began as an addition to recurrent networks. Then sentences were made to look at themselves. Cheng, Dong and Lapata (2016) let a recurrent network look back at its own memories. Parikh
# and others (2016) compared two sentences with attention and no recurrent network. Vaswani and others (2017) left out recurrence altogether: in their **Transformer** the encoder's words
# look at each other (self-attention), the decoder's words look at those before them (self-attention with page 01's causal mask), and at the encoder's outputs (cross-attention).
#
# **BERT is the encoder alone, so it has no cross-attention.** How can it compare two sentences? They are laid end to end, and self-attention runs over both. We do it with our five words.

# %%
both = torch.cat([E, G])  # cats chase mice Katzen jagen
_, pair_weights = scaled_dot_product_attention(both, both, both)
print("Katzen, over both sentences:      ", pair_weights[3])
print("its part for English, adds up to: ", f"{pair_weights[3, :3].sum():.2f}")
print("that part, divided by its sum:    ", pair_weights[3, :3] / pair_weights[3, :3].sum())
print("cross-attention from section 1:   ", cross_weights[0])

# %% tags=["check:pair"]
# checked: a quadrant, divided by the sums of its rows, is cross-attention; the rows of the table add up to 1 over both sentences
quadrant = pair_weights[3:, :3]
assert torch.allclose(quadrant / quadrant.sum(dim=-1, keepdim=True), cross_weights, atol=1e-6)
assert torch.allclose(pair_weights.sum(dim=-1), torch.ones(5)) and quadrant.sum(dim=-1).max() < 0.5
assert round(quadrant[0].sum().item(), 2) == 0.49

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Five words of two sentences in one table of weights with four quadrants. The row of Katzen sends 0.49 across and keeps 0.51](figures/02_pair.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** BERT has no cross-attention. The red quadrants look like it, but one softmax runs over the whole row: what goes across is missing at home.

# %% [markdown]
# ![Five words of two sentences in one table of weights with four quadrants. The row of Katzen sends 0.49 across and keeps 0.51](figures/02_pair.svg)
#
# Is the lower left quadrant cross-attention? Not quite. One softmax runs over the whole row, so both sentences share one 1: *Katzen* sends 0.49 across and keeps 0.51. Divide the quadrant's row
# by its sum, and you get exactly the cross-attention of section 1. So a word of a pair has a choice that cross-attention does not offer: *how much* to look across at all. (Rows may add up to 0.99 or 1.01: rounding.)
# In BERT the two sentences are also told apart by a vector added to each word, and `[SEP]` stands between them (page 05).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - One function. All from one sentence: **self-attention**, a square. Queries from another: **cross-attention**, a rectangle.
# - Cross-attention lets a decoder look at the original. The alternative is one vector for all: the bottleneck.
# - A training step: loss, gradient, a small step against it. An epoch: all data once.
# - Cross-entropy is $-\ln$ of the right word's probability. Teacher forcing feeds the right words before it.
# - Weights say where a word looked. Whether it mattered shows when you cut it.
#
# **Next:** page 03 lets a word look in several ways at once.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Ask for the five steps of the loop from memory. Then: why does *und* look somewhere at all?

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
# A decoder has said 5 words of a translation. The original has 8 words. There are 2 sentences in the batch. The cross-attention is done 4 times
# side by side, with other matrices each time (4 *heads*, page 03). How many attention weights are worked out for this batch?

# %% [markdown] tags=["hint:cross_weights"]
# For one sentence and one head the weights are a rectangle. Who asks, and who is asked?

# %% [markdown] tags=["hint:cross_weights"]
# The 5 words of the translation ask, the 8 words of the original are asked. How often is such a rectangle worked out?

# %% tags=["exercise:cross_weights"]
# solution
answer = 2 * 4 * 5 * 8
# instead:
# answer = None  # your number
# end of solution

check("cross_weights", answer)

# %% [markdown] tags=["reason:cross_weights"]
# A row for each word that asks, a column for each word that is asked: 5 × 8 = 40. Each of 4 heads has such a rectangle for each of 2 sentences, in the order of the axes: 2 × 4 × 5 × 8 = 320.

# %% [markdown] tags=["exercise:one_step"]
# ### One step, by hand · ● · 6 minutes
#
# The loss is $(2w - 6)^2$, the model is at $w = 1$, the learning rate is 0.1. What is $w$ after one step of gradient descent?

# %% [markdown] tags=["hint:one_step"]
# The slope of a square $u^2$ is $2u$, times the slope of what is inside. Inside stands $u = 2w - 6$. How fast does it grow with $w$?

# %% [markdown] tags=["hint:one_step"]
# The gradient is $2 (2w - 6) \times 2$. At $w = 1$ that is −16.

# %% tags=["exercise:one_step"]
# solution
answer = 1 - 0.1 * 2 * (2 * 1 - 6) * 2
# instead:
# answer = None  # your number
# end of solution

check("one_step", answer)

# %% [markdown] tags=["reason:one_step"]
# The gradient at $w = 1$ is $2 \times (2 - 6) \times 2 = -16$ (chain rule: the slope of the square, times the slope of $2w - 6$). The step goes against it: $1 - 0.1 \times (-16) = 2.6$. The loss falls from 16 to
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

# %% [markdown] tags=["exercise:descend"]
# ### Find the bugs: a training loop · ●●● · 11 minutes
#
# `descend` takes `steps` steps of gradient descent on the loss $(w - \text{target})^2$, added up over all numbers of `start`, and returns $w$. It runs without an error, and two lines are wrong. Both mistakes are common. Mend them.

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
# - Sutskever, Vinyals, Le (2014). *Sequence to Sequence Learning with Neural Networks.* Encoder and decoder; the source reversed. arXiv:1409.3215
# - Cho, van Merriënboer, Gulcehre, Bahdanau, Bougares, Schwenk, Bengio (2014). *Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation.* The vector goes to every word; the recurrent unit that ours uses. arXiv:1406.1078
# - Cho, van Merriënboer, Bahdanau, Bengio (2014). *On the Properties of Neural Machine Translation: Encoder-Decoder Approaches.* Worse with length. arXiv:1409.1259
# - Bahdanau, Cho, Bengio (2015). *Neural Machine Translation by Jointly Learning to Align and Translate.* arXiv:1409.0473
# - Cheng, Dong, Lapata (2016). *Long Short-Term Memory-Networks for Machine Reading.* arXiv:1601.06733. Parikh, Täckström, Das, Uszkoreit (2016). *A Decomposable Attention Model for Natural Language Inference.* arXiv:1606.01933
# - Vaswani and others (2017). *Attention Is All You Need.* The three uses of attention: section 3.2.3. arXiv:1706.03762
# - Kingma, Ba (2015). *Adam: A Method for Stochastic Optimization.* arXiv:1412.6980. Williams, Zipser (1989). *A Learning Algorithm for Continually Running Fully Recurrent Neural Networks.* Teacher forcing.
# - Koehn, Knowles (2017). *Six Challenges for Neural Machine Translation.* Attention and alignment. arXiv:1706.03872
