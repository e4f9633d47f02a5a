# %% [markdown] question="What else is in there, and can we rebuild it to the last digit?"
# # 05 · Inside BERT
#
# **The question:** what is in a BERT besides attention, and can we build it so that the same numbers come out?
#
# ![The whole model from left to right: the text, 9 word pieces, 9 ids, a table of 9 by 384 numbers, six layers that keep this shape, and at the end the pooler on CLS and the head on MASK](figures/05_model.svg)
#
# On this page a sentence goes through mini, the BERT that comes with the course, from its letters to the last layer. Each part grows
# in a few lines of code, with mini's own parameters in it. At the end we compare with `transformers`, a library that is widely used. In the exercises you write the parts yourself.
#
# **You need:** pages 01 to 04. **Time:** about 50 minutes, and 59 more for the exercises. Where a cell says `guess = None`, type your
# guess in place of `None`.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # Inside BERT
#
# ![The whole model from left to right: the text, 9 word pieces, 9 ids, a table of 9 by 384 numbers, six layers that keep this shape, and at the end the pooler on CLS and the head on MASK](figures/05_model.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** This picture comes back before each part, with that part lit. Read the shapes aloud from left to right: 9 ids, then 9 vectors of 384, and they stay so through all six
# layers. Ask: which part have we built already? Attention, pages 01 and 03.
#
# The deck takes 48 minutes: 32 up to the whole model, 16 for what is odd about it.

# %%
from collections import Counter

import matplotlib.pyplot as plt
import torch
from torch.nn.functional import cosine_similarity, normalize

from bertnotes.encoder import BertEncoder
from bertnotes.models import load_encoder, load_tokenizer
from bertnotes.pictures.attention import weight_bars
from bertnotes.pictures.charts import line_chart
from bertnotes.pictures.play import play

_ = torch.set_grad_enabled(False)  # nothing is trained on this page

# %% [markdown]
# ## 1. From letters to pieces
#
# ![The whole model, its first part lit: the text becomes 9 word pieces, and these become 9 ids](figures/05_model_pieces.svg)
#
# A BERT has a fixed list of pieces of words, its **vocabulary**. A word that is not in the list is put together from pieces that are. A piece that does not begin a word is
# written with `##` in front. Into how many pieces does mini cut *unforgettable*?

# %%
guess = None  # a number of pieces

# %%
tokenizer = load_tokenizer()
for word in ("film", "soundtrack", "unforgettable", "whodunnit"):
    print(f"{word:14}", *tokenizer.tokenize(word))
print("your guess for unforgettable:", guess)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## *unforgettable*: how many pieces?
#
# ![The whole model, its first part lit: the text becomes 9 word pieces, and these become 9 ids](figures/05_model_pieces.svg)

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# `un` `##for` `##get` `##table`

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Take guesses. Then ask where a person would cut it: un, forget, able. There is no table in it: pieces are chosen by how often they occur, not by what they mean.

# %% [markdown]
# Four: *un, for, get, table*. A person would cut *un, forget, able*. So who chose these pieces?
#
# A program, by counting. In its simplest form it begins with single letters and looks for the two neighbours that stand side by side most often. These two become a new piece. Then it counts again. Here is the first
# count, over 300 of the course's own reviews.

# %%
from itertools import pairwise

from bertnotes.data import REVIEWS, load_imdb_data

cleaner = tokenizer.backend_tokenizer  # makes small letters, and cuts at spaces and punctuation
text = cleaner.normalizer.normalize_str(" ".join(load_imdb_data(REVIEWS)[0][:300]))
words = Counter(word for word, _ in cleaner.pre_tokenizer.pre_tokenize_str(text))
pairs = Counter()
for word, times in words.items():
    for pair in pairwise([word[0], *("##" + letter for letter in word[1:])]):
        pairs[pair] += times
print(pairs.most_common(3))

# %% tags=["check:first-pair"]
# checked: t and ##h are the most frequent neighbours in the 300 reviews
assert pairs.most_common(1)[0][0] == ("t", "##h") and sum(words.values()) > 20_000

# %% [markdown]
# So the first new piece is `th`. Before we let it count on: how does one *read* with a list of pieces? BERT's rule is to take the longest piece that the word begins with, then the longest that the rest begins with, and so on.


# %%
def word_pieces(word, vocabulary):
    """Cut a word: always the longest piece that fits."""
    pieces, rest, mark = [], word, ""
    while rest:
        ends = [end for end in range(len(rest), 0, -1) if mark + rest[:end] in vocabulary]
        if not ends:
            return ["[UNK]"]  # unknown: no piece fits
        pieces.append(mark + rest[: ends[0]])
        rest, mark = rest[ends[0] :], "##"
    return pieces


# %% [markdown]
# To count thousands of times is work for a library, `tokenizers`. We let it go on until there are 3,000 pieces. Then we read *unforgettable* with the beginning of the list, and with more and more of it.

# %%
from tokenizers import Tokenizer, models, trainers

letters = sorted(set(text) - {" "})
singles = letters + ["##" + letter for letter in letters]  # where the list begins
learner = Tokenizer(models.WordPiece())
learner.pre_tokenizer = cleaner.pre_tokenizer
trainer = trainers.WordPieceTrainer(vocab_size=3000, special_tokens=singles, show_progress=False)
learner.train_from_iterator([text], trainer)
grown = sorted(learner.get_vocab(), key=learner.get_vocab().get)  # the pieces in the order in which they were made
for size in (len(singles), 150, 600, 3000):
    print(f"{size:5,} pieces:", *word_pieces("unforgettable", set(grown[:size])))

# %% tags=["check:grown"]
# checked: the first piece that the library makes; the rows of the drawing; our reader cuts every word of the reviews as mini's does
from bertnotes.pictures.drawings.page05 import MERGES

vocabulary = tokenizer.get_vocab()
assert grown[len(singles)] == "th" and len(grown) == 3000 and len(singles) == 100 and len(vocabulary) == 10_000
lists = [set(grown[:size]) for size in (100, 150, 600, 3000)] + [set(vocabulary)]
assert [" ".join(word_pieces("unforgettable", one)) for one in lists] == [pieces for _, pieces in MERGES]
assert all(word_pieces(word, vocabulary) == tokenizer.tokenize(word) for word in words) and len(words) > 3000
assert word_pieces("playeth", {"play", "playe", "##eth"}) == ["[UNK]"]
assert word_pieces("playeth", {"play", "##eth"}) == ["play", "##eth"]
assert all({letter, "##" + letter} <= vocabulary.keys() for letter in "abcdefghijklmnopqrstuvwxyz")
assert tokenizer.tokenize("😀") == tokenizer.tokenize("a" * 101) == ["[UNK]"] and len(tokenizer.tokenize("a" * 100)) > 1
assert tokenizer.tokenize("Polish café") == tokenizer.tokenize("polish cafe")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Thirteen letters of unforgettable; the longer the list of pieces, the fewer pieces the word has here, and 4 with mini's own list](figures/05_merges.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Play the program with the class: which two letters stand side by side most often in English? t and h. They become a piece; count again. The list that grows is made of 300 of our reviews; the last row is mini's own list, made from other text.

# %% [markdown]
# ![Thirteen letters of unforgettable; the longer the list of pieces, the fewer pieces the word has here, and 4 with mini's own list](figures/05_merges.svg)
#
# The longer the list, the fewer pieces a word tends to need. Frequent words become whole first, rare ones stay in pieces. (Our function cuts all the different words of these reviews as mini's own tokenizer does, if it is given mini's list.)
#
# mini's list was made from other text, by a program that we do not have, and cut to the pieces that film reviews use most. The library takes the pair that is most frequent, as in **byte-pair encoding** (Sennrich et al. 2016). Google's **WordPiece** (Schuster and Nakajima
# 2012) takes the pair that raises the probability of the text most. The program that made BERT's list of 30,522 was not published. mini's 10,000 are a selection of them, above all of those frequent in film reviews.
#
# **Play with it**: the pieces are our 3,000. Type a word, and let the list grow.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Which words are whole early?

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
play("pieces", pieces=grown, letters=len(singles))

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let the class name words. Ask for one that stays in pieces to the end, then for one that is whole early. Then a name, or a word in another language.

# %% [markdown]
# The rule has a weakness. Suppose the list is `play`, `playe`, `##eth`. What becomes of *playeth*? It could be `play` + `##eth`. But the rule is **greedy**: it takes the longest, `playe`, is stuck with *th*, and never goes back. The whole word becomes `[UNK]`, *unknown*. With mini's list that cannot happen to a word of up to 100 plain small letters, as each single letter is in it, with and without `##`. It does happen to a sign that the list lacks, such as an emoji.
#
# Before the cutting, the text is cleaned. An *uncased* model such as mini makes all letters small and takes off accents, so *Polish* and *polish* become the same. And five pieces are no part of any word:
#
# | token | what it is for |
# | --- | --- |
# | `[CLS]` | stands before the text; section 6 looks into it |
# | `[SEP]` | ends a text, or each of two |
# | `[PAD]` | fills up the shorter texts of a batch; masked, so that no real token looks at it (page 01) |
# | `[UNK]` | a word that no pieces fit |
# | `[MASK]` | a hidden word, to be guessed |
#
# Here is the sentence of this page. Its **ids** are the row numbers of its pieces in the vocabulary. From here on BERT sees only numbers.

# %%
inputs = tokenizer("The cast saved a thin plot.", return_tensors="pt")
ids, types = inputs["input_ids"], inputs["token_type_ids"]
print("tokens:", *inputs.tokens())
print("ids:   ", *ids[0].tolist())

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Greedy: what becomes of *playeth*?
#
# The list is `play`, `playe`, `##eth`. Always take the longest piece that fits.

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# `playe`, then *th*: stuck. The whole word is `[UNK]`, though `play` + `##eth` would have worked.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let someone do it at the board. The rule never goes back. In mini's list every letter is there alone, so a word of plain letters cannot get stuck. An emoji can: it becomes [UNK].

# %% [markdown]
# ## 2. Three tables, added
#
# ![The whole model, its second part lit: 9 ids become 9 vectors of 384 numbers](figures/05_model_embeddings.svg)
#
# A network computes with vectors. So each token gets one, from a table with a row for each piece: an **embedding**. BERT has three such tables and adds what it finds in them:
#
# ![Three tables: word embeddings with 10,000 rows, positions with 512, token types with 2. For cast rows 1,514, 2 and 0 are taken and added; LayerNorm makes x of the sum](figures/05_embeddings.svg)
#
# - **word**: which piece is it?
# - **position**: at which place of the text does it stand, counted from 0?
# - **token type**: is it in the first text (0) or in the second (1)? Some tasks give BERT two.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Three tables: word embeddings with 10,000 rows, positions with 512, token types with 2. For cast rows 1,514, 2 and 0 are taken and added; LayerNorm makes x of the sum](figures/05_embeddings.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Row number in, vector out: no more than a look-up. Ask which two rows would be the same if *cast* stood at the end of the text: the word's and the type's.

# %%
bert = BertEncoder.from_pretrained()
tables, positions = bert.embeddings, torch.arange(ids.shape[1])  # positions: 0, 1, 2, ...
summed = tables.word.weight[ids] + tables.position.weight[positions] + tables.token_type.weight[types]
print("text, token, number:", tuple(summed.shape))
print("lengths of the vectors:", *(f"{length:.1f}" for length in summed[0].norm(dim=-1)))

# %% [markdown]
# The vectors have different lengths, and that of `[CLS]` is twice as long as the next. (Section 6 comes back to it.) Next comes a **LayerNorm** (Ba et al. 2016). It brings each vector to mean 0 and standard deviation 1:
#
# $$\mathrm{LayerNorm}(x) = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} \cdot g + b$$
#
# Here $\mu$ is the mean of the vector's own numbers and $\sigma^2$ their variance; $\varepsilon$ is tiny, and keeps us from dividing by 0. The gain $g$ and the bias $b$ are learned, one of each for each of the 384 numbers. They may change mean and size again.
#
# On paper, with $(9, 3, 3, 1)$, $g = 1$ and $b = 0$: the mean is 4, and the distances from it are 5, −1, −1, −3. The variance is $(25 + 1 + 1 + 9) / 4 = 9$, its root 3. So what comes out? And what if all four numbers were 100 times as large?


# %%
def layer_norm(x, gain=1.0, bias=0.0, eps=1e-12):
    distance = x - x.mean(dim=-1, keepdim=True)
    variance = (distance**2).mean(dim=-1, keepdim=True)
    return distance / (variance + eps).sqrt() * gain + bias


for numbers in ([9.0, 3.0, 3.0, 1.0], [900.0, 300.0, 300.0, 100.0]):
    print([f"{number:.2f}" for number in layer_norm(torch.tensor(numbers))])
x = layer_norm(summed, tables.norm.weight, tables.norm.bias)  # now with mini's gain and bias
output = bert(**inputs)  # the whole model of the library, to compare with
print(f"embeddings, largest difference: {(x - output.hidden_states[0]).abs().max():.4f}")

# %% tags=["check:embeddings"]
# checked: LayerNorm by hand, on any scale, is PyTorch's; the sum and LayerNorm are what the encoder has
small = torch.tensor([9.0, 3.0, 3.0, 1.0])
assert layer_norm(small).allclose(torch.tensor([5 / 3, -1 / 3, -1 / 3, -1.0]))
assert layer_norm(100 * small).allclose(layer_norm(small))
assert layer_norm(summed).allclose(torch.nn.functional.layer_norm(summed, (384,), eps=1e-12), atol=1e-5)
assert torch.allclose(x, output.hidden_states[0], rtol=1e-5, atol=1e-5)
lengths = summed[0].norm(dim=-1)
assert lengths.argmax() == 0 and lengths[0] > 2 * lengths[1:].max()
assert inputs.tokens() == "[CLS] the cast saved a thin plot . [SEP]".split() and ids[0, 2] == 1514
assert [tuple(table.weight.shape) for table in (tables.word, tables.position, tables.token_type)] == [
    (10_000, 384),
    (512, 384),
    (2, 384),
]

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## LayerNorm
#
# $\mathrm{LayerNorm}(x) = \dfrac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} \cdot g + b$
#
# Take $(9, 3, 3, 1)$: the mean is 4. What comes out, with $g = 1$ and $b = 0$?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# ![LayerNorm of 9, 3, 3, 1: minus the mean, 4, and divided by the standard deviation, 3, makes 1.67, −0.33, −0.33, −1](figures/05_layer_norm.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let the class do it on paper. Then: what if all four are 100 times as large? The same comes out. What is lost is how large the numbers were; g and b are learned.

# %% [markdown]
# ![LayerNorm of 9, 3, 3, 1: minus the mean, 4, and divided by the standard deviation, 3, makes 1.67, −0.33, −0.33, −1](figures/05_layer_norm.svg)
#
# 1.67, −0.33, −0.33, −1, both times: LayerNorm forgets how large the numbers were. And our sum with LayerNorm is what the library's encoder has before its first layer; the difference is 0 to four digits.
#
# ### What positions are for
#
# Attention is a weighted sum, and a sum does not know its order. So let us take the positions away: we set that table to 0. How far apart are then the vectors of *chase* in *dogs chase cats* and in *cats chase dogs*, after all six layers?

# %%
guess = None  # the largest difference of their numbers

# %%
without = BertEncoder.from_pretrained()
without.embeddings.position.weight.zero_()
orders = ("dogs chase cats", "cats chase dogs")
for name, model in (("with positions", bert), ("without", without)):
    one, other = (model(**tokenizer(order, return_tensors="pt")).last_hidden_state[0, 2] for order in orders)
    print(f"{name:14}  largest difference {(one - other).abs().max():.4f}")
print("your guess for without:", guess)

# %% tags=["check:order"]
# checked: without positions the two come out the same but for rounding, with them not
assert (one - other).abs().max() < 1e-5
one, other = (bert(**tokenizer(order, return_tensors="pt")).last_hidden_state[0, 2] for order in orders)
assert (one - other).abs().max() > 0.1

# %% [markdown]
# Nothing is left of the difference. Without positions, who chases whom is lost on a BERT: it reads a bag of words.
#
# Nothing in the code ties row 6 of the table to row 5: a row does not know its neighbours. What the rows hold comes from training. Is there an order in it? For each distance we take all pairs of positions that far apart, and average how alike their vectors are, by their **cosine** (page 00): 1 is
# the same direction, 0 a right angle.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## How alike are two positions?

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
lines, distances = {}, list(range(1, 49))
for name, table in {"mini": tables.position.weight, "random": torch.randn(512, 384)}.items():
    unit = normalize(table, dim=-1)
    alike = unit @ unit.T  # (position, position)
    lines[name] = [alike.diagonal(distance).mean().item() for distance in distances]
ax = line_chart(distances, lines, "positions apart", "mean cosine", logarithmic="")
_ = ax.set_xticks(range(0, 49, 6), range(0, 49, 6))

# %% tags=["check:positions"]
# checked: neighbours are most alike; then it falls in waves to 26, with peaks at 6, 12 and 17; far off it goes below 0
curve = torch.tensor(lines["mini"])
assert curve.argmax() == 0 and 0.82 < curve[0] < 0.84 and max(map(abs, lines["random"])) < 0.02
assert curve.argmin() == 25 and 0.085 < curve[25] < 0.095 and curve[26:].max() > 0.3
peaks = [at + 1 for at in range(1, 47) if curve[at] > max(curve[at - 1], curve[at + 1])]
assert peaks[:3] == [6, 12, 17] and curve[5] > curve[2] + 0.2
unit = normalize(tables.position.weight, dim=-1)
assert min((unit @ unit.T).diagonal(distance).mean() for distance in range(49, 400)) < -0.3

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Every mark is an average over all pairs that far apart. Ask what a table of random numbers gives: near 0. Neighbours are most alike, and then there are waves. Say honestly that we have not looked into why they are 6 long.

# %% [markdown]
# Neighbours are most alike, 0.83. From there the likeness falls, to 0.09 at 26 positions, but in waves about 6 positions long: 6 apart are more alike than 3 apart. Then it rises a little again. (Beyond the picture it goes below 0.) In a table of random numbers nothing of this is seen. So there is an order in mini's table: neighbours are alike, and positions a wave apart more than those between. We have not looked into why it has waves.
#
# ## 3. A layer, grown
#
# ![The whole model, its third part lit: six layers, each of which takes and gives 9 vectors of 384 numbers](figures/05_model_layers.svg)
#
# A layer takes a vector for each token and gives back one for each, of the same size. Two things happen in it. First the tokens look at one another: attention. Then each token is worked on by itself, by a network of two matrices. Both times, what is found is *added* to what was there, and a LayerNorm follows. As a formula
# (Vaswani et al. 2017), where a *sublayer* is the attention or the network:
#
# $$x \leftarrow \mathrm{LayerNorm}(x + \mathrm{Sublayer}(x))$$
#
# ![One layer in two halves with the shape on every arrow. First: x, attention, plus, LayerNorm. Second: expand to 1,536, GELU, contract to 384, plus, LayerNorm](figures/05_layer.svg)
#
# ### The first half: look around, add, norm
#
# Attention is that of page 03: split into 12 heads, attend, merge, mix. We take the parameters of mini's first layer.
#
# What attention found does not replace the token's vector. It is added to it: a **residual connection** (He et al. 2016). So a layer need only say what should *change*. He et al. introduced it for networks that look at pictures: very deep ones were easier to train with it.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## $x \leftarrow \mathrm{LayerNorm}(x + \mathrm{Sublayer}(x))$, twice
#
# ![One layer in two halves with the shape on every arrow. First: x, attention, plus, LayerNorm. Second: expand to 1,536, GELU, contract to 384, plus, LayerNorm](figures/05_layer.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Go through it once with a finger. What goes in and what comes out has the same shape, so one can stack as many as one likes. Ask: in which box do tokens exchange anything? Only in attention.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The layer with its first step lit: attention takes x and gives 9 vectors of 384; its weights are 12 tables of 9 by 9](figures/05_layer_1.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** All of page 03 is in this box. Why 12 tables of 9 by 9? A table for each head, a row and a column for each token.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The layer with its second step lit: what attention found is added to x, and LayerNorm follows](figures/05_layer_2.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Follow the line that goes over the top: x itself comes along, up to the addition. Ask what this half would do if attention found nothing, all zeros: only a LayerNorm.

# %%
first = bert.layers[0]
found, weights = first.attention(x)
seen = layer_norm(x + found, first.attention_norm.weight, first.attention_norm.bias)
print("x", tuple(x.shape), "  weights", tuple(weights.shape), "  found", tuple(found.shape), "  seen", tuple(seen.shape))
ratio = found[0].norm(dim=-1) / x[0].norm(dim=-1)
print(f"what is added is {ratio.min():.1f} to {ratio.max():.1f} times as long as what it is added to")

# %% [markdown]
# ### The second half: think, add, norm
#
# Now each token by itself. A matrix makes 1,536 numbers of its 384 (*expand*), a curve bends each of them, and a second matrix makes 384 again (*contract*). This is the **feed-forward network**. The curve matters: without it the two matrices could be multiplied into one, $(xA)B = x(AB)$, and expanding would gain nothing.
#
# BERT's curve is **GELU** (Hendrycks and Gimpel 2016): $\mathrm{GELU}(x) = x \cdot \Phi(x)$. Here $\Phi(x)$ is the share of a bell curve (the normal distribution with mean 0 and variance 1) that lies below $x$. Far above 0 it lets a number through, far below 0 it gives nearly 0. What does it make of −1, where $\Phi(-1) = 0.16$?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The curve: $\mathrm{GELU}(x) = x \cdot \Phi(x)$


# %% slideshow={"slide_type": "-"}
def gelu(x):
    return x * (1 + torch.erf(x / 2**0.5)) / 2  # the second factor, halved, is Φ(x)


print(f"GELU(-1) = {gelu(torch.tensor(-1.0)):.2f}")
across = torch.linspace(-3, 2, 101)
_, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
_ = ax.plot(across, gelu(across), color="#a8326e", linewidth=4, label="GELU")
_ = ax.plot(across, across.relu(), "--", color="#44546a", linewidth=3, label="ReLU")
_ = ax.legend(fontsize=18, frameon=False)
ax.tick_params(labelsize=15)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Φ(x) is the share of a bell curve below x: at −1 it is 0.16. So GELU(−1) is −0.16. The older curve, ReLU, is 0 below 0 and has a corner there; GELU is smooth, and dips a little below 0.

# %% [markdown]
# $-1 \cdot 0.16 = -0.16$. The second curve is **ReLU**, which is older: 0 below 0, with a corner where GELU is smooth. Now the second half:

# %%
wide = seen @ first.expand.weight.T + first.expand.bias
thought = gelu(wide) @ first.contract.weight.T + first.contract.bias
out = layer_norm(seen + thought, first.output_norm.weight, first.output_norm.bias)
print("seen", tuple(seen.shape), "  wide", tuple(wide.shape), "  thought", tuple(thought.shape))
print(f"below 0 before the curve: {(wide < 0).float().mean():.0%}")
print(f"first layer, largest difference: {(out - output.hidden_states[1]).abs().max():.4f}")

# %% tags=["check:one-layer"]
# checked: the layer by steps is the library's; GELU is PyTorch's; two matrices without a curve are one; how many are below 0
assert torch.allclose(out, output.hidden_states[1], rtol=1e-4, atol=1e-4) and weights.shape == (1, 12, 9, 9)
assert torch.allclose(weights, output.attentions[0], rtol=1e-5, atol=1e-5)
assert gelu(across).allclose(torch.nn.functional.gelu(across), atol=1e-6)
assert abs(torch.distributions.Normal(0.0, 1.0).cdf(torch.tensor(-1.0)) - 0.16) < 0.005
a, b = first.expand.weight.T.double(), first.contract.weight.T.double()
assert torch.allclose(seen.double() @ a @ b, seen.double() @ (a @ b)) and 0.75 < (wide < 0).float().mean() < 0.87

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The layer with its third step lit: expand to 1,536, GELU, contract to 384, add, LayerNorm](figures/05_layer_3.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Each token by itself, four times as wide, and back. Ask: why not leave out the curve? Then two matrices are one, and the wide part gains nothing. In mini's first layer about four numbers in five are below 0 before the curve.

# %% [markdown]
# Most of the 1,536 numbers are below 0 before the curve. Of each of these at most 0.17 comes through. And with that the layer is whole. In the library it is written like this (`bertnotes/encoder.py`), and you know all of it but one word:
#
# ```python
# attended, weights = self.attention(hidden, mask=mask)
# hidden = self.attention_norm(hidden + self.dropout(attended))
# thought = self.contract(gelu(self.expand(hidden)))
# return self.output_norm(hidden + self.dropout(thought)), weights
# ```
#
# **Dropout** (Srivastava et al. 2014) is for training. Each time it sets other numbers to 0, here a tenth of them on average, and multiplies the rest by 10/9, so that the expected value stays the same. The idea is that the network should not lean on any single number. BERT does it with the embeddings, and in three places of each layer: with the attention weights and with what each sublayer found. When the model is used, dropout is off. We switch it on, and read the sentence twice:

# %% tags=["timing", "nbval-ignore-output"]
torch.manual_seed(0)
for name, training in (("in training", True), ("in use", False)):
    bert.train(training)
    one, other = (bert(**inputs).last_hidden_state for _ in range(2))
    print(f"{name:12} cosine of the two readings: {cosine_similarity(one, other, dim=-1).mean():.2f}")

# %% tags=["check:dropout"]
# checked: the four lines are the library's; dropout is on in training alone, with a tenth
import inspect

from bertnotes.encoder import Layer

shown = "attended, weights = self.attention(hidden, mask=mask)|hidden = self.attention_norm(hidden + self.dropout(attended))"
shown += "|thought = self.contract(gelu(self.expand(hidden)))|return self.output_norm(hidden + self.dropout(thought)), weights"
assert shown.split("|") == [line.strip() for line in inspect.getsource(Layer.forward).splitlines()[1:]]
assert torch.equal(one, other) and bert.config.hidden_dropout_prob == bert.config.attention_probs_dropout_prob == 0.1
readings = [bert.train()(**inputs).last_hidden_state for _ in range(2)]
assert cosine_similarity(*readings, dim=-1).mean() < 0.95 and not bert.eval().training
dropped = torch.nn.functional.dropout(torch.ones(1000), 0.1)
assert set(dropped.unique().tolist()) == {0.0, torch.tensor(1 / 0.9).item()}

# %% [markdown]
# In training the same sentence gives another result each time. (mini itself was trained on film reviews without dropout. On page 10 it is on.)
#
# ### How much does a layer change?
#
# Thanks to the additions a vector *can* stay near what it was. Does it? We measure the cosine between a token's vector before and after a layer, on average over the seven tokens between `[CLS]` and `[SEP]`. As a control, we do the same with the layer's two additions taken out. How high is the cosine with them, in layer 1?

# %%
guess = None  # a cosine


# %%
def run_layer(layer, x, keep=1):
    """A layer of BERT; with keep=0 nothing is added to what was there."""
    seen = layer.attention_norm(keep * x + layer.attention(x)[0])
    return layer.output_norm(keep * seen + layer.contract(gelu(layer.expand(seen))))


print("your guess for layer 1:", guess)
for layer, before in zip(bert.layers, output.hidden_states[:6], strict=True):
    with_it, without_it = (cosine_similarity(run_layer(layer, before, keep), before, dim=-1)[0, 1:-1].mean() for keep in (1, 0))
    print(f"with the additions {with_it:.2f}, without {without_it:z5.2f}")

# %% tags=["check:residual"]
# checked: with additions a layer keeps the direction, without them not, and each token is nearest to itself
for layer, before, after in zip(bert.layers, output.hidden_states[:6], output.hidden_states[1:], strict=True):
    assert torch.allclose(run_layer(layer, before), after, atol=1e-4)
    kept, cut = (cosine_similarity(run_layer(layer, before, keep), before, dim=-1)[0, 1:-1].mean() for keep in (1, 0))
    assert 0.7 < kept < 0.9 and cut < kept - 0.2
    nearest = (normalize(after[0], dim=-1) @ normalize(before[0], dim=-1).T).argmax(dim=-1)
    assert nearest.equal(torch.arange(9))

# %% [markdown]
# About 0.8 in each layer (the rows go from layer 1 to 6): on this sentence a token's vector stays near what it was before the layer. (Over six layers that adds up to more.) Of the nine vectors that go into a layer, the one most similar to what comes out is still the token's own. Without the additions that nearness is gone. (mini was not trained to work like that. So this shows by which way the old vector comes through, not how a BERT without additions would be.)
#
# ## 4. The whole model
#
# ![The whole model, its last part lit: on the last vector of CLS the pooler, on the last vector of MASK the head with 10,000 scores](figures/05_model_ends.svg)
#
# The rest is a loop: six layers, each with parameters of its own. We run it, and compare each layer with the library `transformers`, which has read the same file:

# %%
mine = [x]  # the embeddings
for layer in bert.layers:
    mine.append(run_layer(layer, mine[-1]))
theirs = load_encoder()(**inputs, output_hidden_states=True).hidden_states
for number, (one, other) in enumerate(zip(mine, theirs, strict=True)):
    print(f"after layer {number}: largest difference {(one - other).abs().max():.4f}")

# %% tags=["check:transformers"]
# checked: every number of every layer is that of transformers, and so it is for a batch with padding in the library's encoder
assert all(torch.allclose(one, other, rtol=1e-4, atol=1e-4) for one, other in zip(mine, theirs, strict=True)) and len(mine) == 7
batch = tokenizer(["The cast saved a thin plot.", "A gem."], padding=True, return_tensors="pt")
real = batch["attention_mask"].bool()
states = zip(bert(**batch).hidden_states, load_encoder()(**batch, output_hidden_states=True).hidden_states, strict=True)
assert all(torch.allclose(one[real], other[real], rtol=1e-4, atol=1e-4) for one, other in states)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The whole model is a loop
#
# ![The whole model, its last part lit: on the last vector of CLS the pooler, on the last vector of MASK the head with 10,000 scores](figures/05_model_ends.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Run the cell live: the difference to transformers is 0.0000 in each of the seven rows. At the end stand two small parts: the head, which names hidden words, and the pooler, which in mini nobody trained.

# %% [markdown]
# Equal, to four digits. (*After layer 0* are the embeddings.) So this is all of BERT that makes vectors.
#
# How did the parameters find their places? A **checkpoint** is a file of named tables of numbers. Each library has names of its own, so somebody has to say which is which. Shapes help to notice a slip: in mini a table of (1536, 384) can only be an *expand*. But many are (384, 384), and a query put where a key belongs raises no error. (The parameters in the file have a history: they were cut from MiniLM, which had learned to attend as a larger model does; they were then tuned on pairs of sentences and trained on film reviews. See `data/mini/README.md`.)

# %%
from bertnotes.checkpoint import our_name, read_checkpoint

_, stored = read_checkpoint()  # {name: table}
for name in ("embeddings.word_embeddings", "encoder.layer.0.attention.self.query", "encoder.layer.0.intermediate.dense"):
    name = f"bert.{name}.weight"
    print(f"{name} {tuple(stored[name].shape)}: {our_name(name)}")
print(f"{len(stored)} tables on disk, {len(bert.state_dict())} in our encoder")

# %% tags=["check:loaded"]
# checked: every table on disk has its place, and every place its table
from bertnotes.checkpoint import rename_weights

renamed = rename_weights(stored, "mini")
assert renamed.keys() == bert.state_dict().keys()
assert all(renamed[name].equal(table) for name, table in bert.state_dict().items())
expands = [name for name, table in bert.state_dict().items() if table.shape == (1536, 384)]
assert expands == [f"layers.{number}.expand.weight" for number in range(6)]

# %% [markdown]
# ### The two ends
#
# The **head** names hidden words. It takes the vector at `[MASK]` through one more matrix, GELU and LayerNorm. Then it takes the dot product with *every word embedding* and adds a bias: which of the 10,000 rows fits best? So the first table of the model is used again at its end (**tied weights**).

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## *The [MASK] in this film is terrible.*

# %% slideshow={"slide_type": "-"}
asked = tokenizer("The [MASK] in this film is terrible.", return_tensors="pt")
at_mask, head = bert(**asked).last_hidden_state[0, 2], bert.head  # at 0 is [CLS], at 1 The, at 2 [MASK]
asks = layer_norm(gelu(at_mask @ head.transform.weight.T + head.transform.bias), head.norm.weight, head.norm.bias)
chances = (tables.word.weight @ asks + head.bias).softmax(dim=-1)
best = chances.topk(6)
ax = weight_bars(best.values, tokenizer.convert_ids_to_tokens(best.indices), title="probability")

# %% tags=["check:head"]
# checked: the head by hand is the library's, and acting comes first by far
assert torch.allclose(chances, bert.word_logits(at_mask).softmax(dim=-1), atol=1e-4) and len(chances) == 10_000
assert tokenizer.convert_ids_to_tokens(best.indices[0].item()) == "acting" and best.values[0] > 5 * best.values[1]
# checked: the pooler's matrix is the identity and its bias 0
assert bert.pooler.weight.equal(torch.eye(384)) and not bert.pooler.bias.any()
assert bert(**inputs).pooler_output.allclose(mine[-1][:, 0].tanh(), atol=1e-4)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Vote before you show it: what would a film review have there? The scores are dot products with the 10,000 rows of the first table.

# %% [markdown]
# *Acting*, far ahead of all others. How mini learned this is page 06.
#
# The other end is the **pooler**: a matrix and $\tanh$ (a curve from −1 to 1) on the last vector of `[CLS]`, made for tasks that ask about the whole text. In Google's BERT it was trained with the second objective, *do two sentences follow each other?* mini was not trained with it. Its pooler's matrix has ones on the diagonal and zeros elsewhere, so all that is left of it is the $\tanh$. Nobody trained it: it was set like this, so that fine-tuning begins with the vector of `[CLS]`.
#
# ## 5. Where the parameters are
#
# How many parameters has a BERT, and where do they sit? One can count on paper. A matrix from $a$ to $b$ numbers has $ab$ parameters and $b$ biases; a LayerNorm has two for each number of a vector. What has the largest share in mini: the word embeddings, attention, or the feed-forward networks? Decide before you go on.


# %%
def parameters(vocabulary, size, layers, inner, positions):
    square = size * size + size  # a matrix from size to size, and its biases
    return {
        "words": vocabulary * size,
        "attention": layers * 4 * square,  # query, key, value, mix
        "feed-forward": layers * (2 * size * inner + inner + size),
        "the rest": (positions + 2) * size + (1 + 2 * layers) * 2 * size + square,  # positions, types, LayerNorms, pooler
    }


# %%
mini = parameters(vocabulary=10_000, size=384, layers=6, inner=1_536, positions=512)
base = parameters(vocabulary=30_522, size=768, layers=12, inner=3_072, positions=512)
for part, count in mini.items():
    print(f"{part:13} mini {count:10,}   BERT-base {base[part]:11,}")
print(f"{'together':13} mini {sum(mini.values()):10,}   BERT-base {sum(base.values()):11,}")

# %% tags=["check:count"]
# checked: the count on paper is that of the model's tensors, part by part, and for BERT-base the known number
from bertnotes.pictures.drawings.page05 import SHARES

sums = Counter()
kinds = {"word": "words", ".attention.": "attention", "expand": "feed-forward", "contract": "feed-forward"}
for name, tensor in bert.named_parameters():
    if not name.startswith("head."):
        sums[next((kind for key, kind in kinds.items() if key in name), "the rest")] += tensor.numel()
assert sums == mini and sum(base.values()) == 109_482_240 and sum(mini.values()) == 14_832_768
rounded = [{part: round(100 * count / sum(counts.values())) for part, count in counts.items()} for counts in (mini, base)]
assert rounded == list(SHARES.values())
assert max(mini, key=mini.get) == max(base, key=base.get) == "feed-forward"
assert all(round(2 * counts["attention"] / counts["feed-forward"], 2) == 1 for counts in (mini, base))

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Where are the parameters?
#
# Words, attention or feed-forward: which part has the most?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# ![Strips of parameters. mini: words 26 %, attention 24 %, feed-forward 48 %. BERT-base: words 21 %, attention 26 %, feed-forward 52 %](figures/05_shares.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Vote first. In both it is the feed-forward networks, twice as many as attention: 8 d² against 4 d² a layer. In mini the words have a quarter, in BERT-base a fifth. The head is not counted here.

# %% [markdown]
# ![Strips of parameters. mini: words 26 %, attention 24 %, feed-forward 48 %. BERT-base: words 21 %, attention 26 %, feed-forward 52 %](figures/05_shares.svg)
#
# The feed-forward networks, in both models. (White is *the rest*.) Besides the biases a layer has $4 d^2$ parameters in attention and $8 d^2$ in the network, where $d$ is the hidden size. (The head is not counted here. mini's pooler is, with 147,840, though nobody trained it.)
#
# ## 6. What is in [CLS]?
#
# In section 2 one vector was longer than all others. `[CLS]` is the same piece at the same position in every text, so before the first layer its vector is always the same. What tells one text from another has to come through attention. Let us follow it through the layers, in our sentence and in *Where is the station, please?* We also ask which of its 384 numbers is the largest, and how much of its squared length that number has.

# %%
station = bert(**tokenizer("Where is the station, please?", return_tensors="pt"))
for number, (states, other_states) in enumerate(zip(output.hidden_states, station.hidden_states, strict=True)):
    cls = states[0, 0]
    share = cls.square() / cls.square().sum()  # of the squared length, for each number
    cosine = cosine_similarity(cls, other_states[0, 0], dim=0)
    print(f"after layer {number}: cosine {cosine:.2f};  number {share.argmax()} has {share.max():.0%} of the squared length")

# %% tags=["check:cls"]
# checked: in 40 reviews [CLS] is nearly the same up to layer 5, and number 99 has so much of it; here no number of another token has
shares = []
for review in load_imdb_data(REVIEWS)[0][:40]:
    read = torch.cat(bert(**tokenizer(review, return_tensors="pt", truncation=True, max_length=64)).hidden_states)[:, 0]
    ours = torch.cat(output.hidden_states)[:, 0]
    assert (cosine_similarity(read, ours, dim=-1)[:6] > 0.995).all()
    shares.append(read[:, 99] ** 2 / read.square().sum(dim=-1))
shares = torch.stack(shares)  # (review, layer)
assert (shares[:, 1:5] > 0.955).all() and (shares[:, 5] > 0.75).all() and (shares[:, 6] < 0.35).all()
assert (shares[:, 0] - 0.62).abs().max() < 0.01
other = torch.cat(station.hidden_states)[:, 0].index_fill(1, torch.tensor([99]), 0)
assert (cosine_similarity(ours.index_fill(1, torch.tensor([99]), 0), other, dim=-1)[:6] > 0.99).all()
squares = torch.cat(output.hidden_states)[:, 1:].square()
assert (squares.amax(dim=-1) / squares.sum(dim=-1)).max() < 0.34
assert 0.7 < cosine_similarity(output.hidden_states[6][0, 0], station.hidden_states[6][0, 0], dim=0) < 0.9

# %% [markdown]
# The two sentences share no word but *the*. Yet up to layer 5 the cosine of their `[CLS]` is 1.00; only after the last layer do they clearly differ, 0.82. (In 40 reviews, too, `[CLS]` has a cosine of 1.00 with ours up to layer 5.) And after layers 1 to 4 a single number, number 99 (counted from 0), has more than 95 % of the squared length. (But also without it the cosine is above 0.99 up to layer 5.) In the other tokens of our sentence the largest number has about a third at most. Here is `[CLS]` beside *cast*:

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## One number of [CLS] stands out

# %% slideshow={"slide_type": "-"}
_, axes = plt.subplots(1, 2, figsize=(10, 3.4), sharey=True, layout="constrained")
for ax, position in zip(axes, (0, 2), strict=True):
    _ = ax.bar(range(384), output.hidden_states[3][0, position], width=3, color="#44546a")
    _ = ax.set_title(inputs.tokens()[position], fontsize=20)
    _ = ax.set_xlabel("which of the 384 numbers", fontsize=17)
    ax.tick_params(labelsize=15)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** After layer 3: left [CLS], right *cast*, on the same scale. Ask what such a number could be good for, when it is the same in every text. Then set it to 0, on the next slide.

# %% [markdown]
# What is it good for, if it is nearly the same in every text? Page 03 found heads that look much at `[CLS]`. Perhaps they find it by this number. That can be tested: we set it to 0 before each layer, and look how much attention the words still give to `[CLS]`, on average over the seven tokens and all heads. We do the same with the second largest number that `[CLS]` has after layer 3. It is far smaller, so this shows only that not just any number will do. With all its numbers in place, `[CLS]` gets 0.73 of the attention in layer 3. How much without number 99?


# %%
def attention_to_cls(number=None):
    """How much the words look at [CLS] in each layer, with one number of [CLS] set to 0 before each."""
    x, shares = output.hidden_states[0].clone(), []
    for layer in bert.layers:
        if number is not None:
            x[0, 0, number] = 0
        x, weights = layer(x)
        shares.append(weights[0, :, 1:-1, 0].mean().item())  # all heads, the tokens between [CLS] and [SEP]
    return shares


# %%
guess = None  # a share between 0 and 1

# %%
second = output.hidden_states[3][0, 0].abs().topk(2).indices[1].item()
silenced = {"as it is": None, "number 99 at 0": 99, f"number {second} at 0": second}
for name, number in silenced.items():
    print(f"{name:15}", *(f"{share:.2f}" for share in attention_to_cls(number)), "  in layers 1 to 6")
print("your guess for layer 3:", guess)

# %% tags=["check:sink"]
# checked: without number 99 the words hardly look at [CLS] from layer 2 on, without another one they do; also in other sentences
whole, hushed, control = (torch.tensor(attention_to_cls(number)) for number in silenced.values())
assert (whole[1:] > 0.45).all() and (hushed[1:] < 0.1).all() and (whole - control).abs().max() < 0.05
assert 0.725 < whole[2] < 0.735
kept = output
for text in ("A gem.", "Where is the station, please?", "I would not show this film to my worst enemy."):
    output = bert(**tokenizer(text, return_tensors="pt"))
    whole, hushed = torch.tensor(attention_to_cls()), torch.tensor(attention_to_cls(99))
    assert (whole[1:] > 0.4).all() and (hushed[1:] < 0.15).all()
output = kept

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Number 99 at 0: who looks at [CLS]?
#
# | layer | 1 | 2 | 3 | 4 | 5 | 6 |
# | --- | --- | --- | --- | --- | --- | --- |
# | as it is | 0.34 | 0.50 | 0.73 | 0.71 | 0.74 | 0.80 |

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | layer | 1 | 2 | 3 | 4 | 5 | 6 |
# | --- | --- | --- | --- | --- | --- | --- |
# | number 99 at 0 | 0.19 | **0.05** | **0.06** | **0.02** | **0.02** | **0.01** |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Guess before the second table. The numbers are the attention that the words give to [CLS], averaged over all heads. With one number of 384 at 0 nearly all of it is gone, from layer 2 on. Its second largest number after layer 3, far smaller, at 0: next to nothing changes. What the looking is good for is page 07.

# %% [markdown]
# From layer 2 on hardly any attention goes to `[CLS]`, and without the other number next to nothing changes. In three other sentences, too, little is left without number 99. So in these sentences the words hardly look at `[CLS]` once that number is 0. (Most of the vector's length is gone with it, and we have not told the two apart; nor do we know whether another token in the first place would be looked at as much.) Why should they look at a token whose vector is nearly the same in every text? Page 07 follows that up, under the name *attention sink*. Large numbers of this kind, often at the first token, have been found in many large
# language models (Sun et al. 2024).
#
# ## 7. One word, two meanings
#
# The table of words has one row for *score*, be it music or a game. Do the layers tell the two apart? We need pairs of sentences that differ in nothing but a hint. We wrote eight frames for each of three words, before anything was measured, and exchanged none afterwards. Two of them:
#
# - The [composer / coach] was proud of the **score**.
# - After the [concert / match] everyone talked about the **score**.
#
# In a frame the word has the same neighbours and the same position, whatever the hint. So before the first layer its two vectors are exactly equal, and what differs later has come from the hint, through attention.
#
# We ask of each of the 16 occurrences: which of the 14 in the *other* frames is most similar to it, and has that one the same meaning? By luck it would be so for 8. We do the same with the full stop at the end of the sentence, as a control. How many of 16 are right for *score*, after the last layer?


# %%
def read_all(frames, mark):
    """(frame, meaning, vector) of a token in both versions of all frames; the vectors have length 1."""
    found = []
    for frame, sentence in enumerate(frames):
        before, hints, after = sentence.replace("[", "]").split("]")
        for meaning, cue in enumerate(hints.split("/")):
            read = tokenizer(before + cue + after, return_tensors="pt")
            at = read.tokens().index(mark)
            found.append((frame, meaning, normalize(bert(**read).last_hidden_state[0, at], dim=0)))
    return found


# %%
guess = None  # a number from 0 to 16

# %%
from bertnotes.pictures.drawings.page05 import SENSES

for word, mark in (("cast", "cast"), ("cast", "."), ("score", "score"), ("score", "."), ("star", "star"), ("star", ".")):
    found, right, same, different = read_all(SENSES[word], mark), 0, [], []
    for frame, meaning, vector in found:
        others = [((vector @ v).item(), m) for f, m, v in found if f != frame]
        right += max(others)[1] == meaning
        same += [cosine for cosine, m in others if m == meaning]
        different += [cosine for cosine, m in others if m != meaning]
    print(f"{word:5} at {mark:5}: {right:2} of 16;  cosine same {sum(same) / 112:.2f}, different {sum(different) / 112:.2f}")
print("your guess for score:", guess)

# %% tags=["check:senses"]
# checked: the true sorting gives the largest gap of 128 for each word; how many are right
from itertools import product

gaps, hits = {}, {}
for word, mark in product(SENSES, (0, ".")):
    v = torch.stack([vector for _, _, vector in read_all(SENSES[word], mark or word)])
    change = v[0::2] - v[1::2]  # of each frame; the gap is half the mean of the products of two frames' changes
    signs = torch.tensor([(1, *rest) for rest in product((1, -1), repeat=7)], dtype=torch.float)
    gaps[word, mark] = (signs @ (change @ change.T).fill_diagonal_(0) * signs).sum(dim=1) / (2 * 56)
    cosines = (v @ v.T).masked_fill(torch.arange(16)[:, None] // 2 == torch.arange(16) // 2, -2)
    hits[word, mark] = (cosines.argmax(dim=1) % 2 == torch.arange(16) % 2).sum().item()
assert all(gaps[word, 0].argmax() == 0 and 0.001 < gaps[word, 0][0] < 0.03 for word in SENSES)
assert [[hits[word, mark] for word in SENSES] for mark in (0, ".")] == [[8, 13, 13], [11, 12, 12]]
assert sorted((gaps[word, "."] > gaps[word, "."][0]).sum().item() for word in SENSES) == [0, 0, 1]  # at the full stop, too

# %% tags=["check:frames"]
# checked: the two versions of a frame differ in one piece, and there are eight frames for each word
assert [len(frames) for frames in SENSES.values()] == [8, 8, 8]
for before, hints, after in (frame.replace("[", "]").split("]") for frames in SENSES.values() for frame in frames):
    both = [tokenizer(before + cue + after, return_tensors="pt")["input_ids"] for cue in hints.split("/")]
    assert both[0].shape == both[1].shape and (both[0] != both[1]).sum() == 1

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## *score*: music or a game?
#
# The [composer / coach] was proud of the **score**.
#
# After the [concert / match] everyone talked about the **score**.
#
# Is the most similar *score* of another sentence one with the same meaning? By luck: 8 of 16.

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | right, of 16 | cast | score | star |
# | --- | --- | --- | --- |
# | at the word | 8 | 13 | 13 |
# | at the full stop | 11 | 12 | 12 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **4 minutes.** The two sentences of a frame differ in one word only. Let the class guess for *score*. Then the control: at the full stop it works about as well. So what can we say? The hint gets into other vectors, too. Whether mini
# knows two meanings, this does not show.

# %% [markdown]
# For *score* and *star* 13 of 16 are right, for *cast* 8, no better than luck. The cosines hardly differ: by 0.02 at most. Small as that is, for these frames it does not look like luck. If we swap the two hints in some of the frames, there are 128 ways to sort the sentences; for each of the three words the true one gives the largest difference of all.
#
# But look at the control. At the full stop, which has no two meanings, it works about as well: 11, 12 and 12 of 16, and its true sorting, too, gives the largest difference of the 128 for two of the words and the second largest for the third. So the hint gets into other vectors, too. What we can say is this: after the last layer a vector depends on the text around it. That mini knows two meanings is not shown, here and by this test: we read the last layer only. In a larger BERT, on other data and by another test, Wiedemann et al. (2019) found meanings of a word in regions of their own.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Words are cut greedily into pieces; a program chose the pieces by counting.
# - Word + position + token type, then LayerNorm: one vector for each token.
# - A layer is $x \leftarrow \mathrm{LayerNorm}(x + \mathrm{Sublayer}(x))$, twice: attention, then a feed-forward network.
# - In our sentence a vector stays near what it was in each layer of mini. In the texts that we tried, `[CLS]` is nearly the same until the last layer.
#
# **Next:** page 06 shows how such parameters are learned.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Close the lid: who can draw a layer with all its shapes from memory? The exercises build each part anew.

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# Seven parts, seven functions: each short, together a BERT. Work in the copy of the [exercises](exercises/05.ipynb) in `notebooks/my`. What passes is kept in `my_bert.py`, beside your attention of
# pages 01 and 03. The last exercise puts them together, and then your own BERT reads with mini's parameters.

# %% tags=["exercises"]
import math

import torch

from bertnotes.exercises import check, hint, solution  # noqa: F401

try:
    from my_bert import padding_mask  # yours, from page 01
except ImportError:  # it is not there yet: this one does until it is

    def padding_mask(attention_mask):
        return attention_mask[:, None, None, :].bool()


# %% tags=["exercises"]
try:
    from my_bert import multi_head  # yours, from page 03
except ImportError:  # it is not there yet: this one does until it is

    def multi_head(hidden, weights, mask=None):
        names, made = ("query", "key", "value"), []
        for name in names:
            made.append(hidden @ weights[f"{name}.weight"].T + weights[f"{name}.bias"])
        query, key, value = (one.unflatten(-1, (weights["num_heads"], -1)).transpose(1, 2) for one in made)
        scores = query @ key.mT / math.sqrt(key.shape[-1])
        looks = (scores if mask is None else scores.masked_fill(~mask, -math.inf)).softmax(dim=-1)
        return (looks @ value).transpose(1, 2).flatten(2) @ weights["output.weight"].T + weights["output.bias"], looks


# %% tags=["exercises"]
def part(weights, prefix):
    """The parameters whose names begin so, without that beginning, and the number of heads."""
    found = {name.removeprefix(prefix): table for name, table in weights.items() if name.startswith(prefix)}
    return found | {"num_heads": weights["num_heads"]}


RENAMED = [  # theirs, ours
    *[("encoder.layer.", "layers."), ("attention.self.", "attention."), ("attention.output.LayerNorm", "attention_norm")],
    *[("attention.output.dense", "attention.output"), ("intermediate.dense", "expand"), ("output.LayerNorm", "output_norm")],
    *[("output.dense", "contract"), ("_embeddings.", "."), ("embeddings.LayerNorm", "embeddings.norm")],
    ("pooler.dense", "pooler"),
]


# %% [markdown] tags=["exercise:word_pieces"]
# ### Cut a word into pieces · ●● · 10 minutes
#
# `vocabulary` is a list of pieces; a piece that does not begin a word has `##` in front. Cut `word` greedily: always the longest piece that fits. Return how many **letters** of the word each piece covers, as a tensor of whole numbers: for
# *unhappy*, cut into `un` and `##happy`, that is `torch.tensor([2, 5])`. Where at some place no piece fits, return an empty tensor, `torch.tensor([], dtype=torch.long)`.

# %% [markdown] tags=["hint:word_pieces"]
# You need two loops: one goes on until the word is used up, the other tries ends, from the end of the word down to the place where you are.

# %% [markdown] tags=["hint:word_pieces"]
# With `start` and `end`, the piece to look for is `word[start:end]`, with `"##"` before it if `start` is above 0. The first `end` that fits is the longest.

# %% [markdown] tags=["hint:word_pieces"]
# `[end for end in range(len(word), start, -1) if ...]` is the list of all ends that fit, the longest piece first. If it is empty, the word cannot be cut.


# %% tags=["exercise:word_pieces"]
def word_pieces(word, vocabulary):
    """How many letters each piece of the word covers: (piece,); empty if the word cannot be cut."""
    # solution
    lengths, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        ends = [end for end in range(len(word), start, -1) if mark + word[start:end] in vocabulary]
        if not ends:
            return torch.tensor([], dtype=torch.long)
        lengths.append(ends[0] - start)
        start = ends[0]
    return torch.tensor(lengths, dtype=torch.long)
    # end of solution


check("word_pieces", word_pieces)

# %% [markdown] tags=["reason:word_pieces"]
# Trying ends from the back finds the longest piece first. The rule never goes back: once a piece is taken, it stays, even if the rest cannot be cut then. (With a `set` in place of the list, `in` is much faster.)

# %% [markdown] tags=["exercise:layer_norm"]
# ### LayerNorm · ● · 7 minutes
#
# `hidden` is (..., size); `gain` and `bias` are (size,). Bring each vector along the **last** axis to mean 0 and variance 1, with `eps` under the root; then times `gain`, plus `bias`. The variance is the mean of the squared distances from the mean.

# %% [markdown] tags=["hint:layer_norm"]
# `hidden.mean(dim=-1, keepdim=True)` has a last axis of length 1, so it can be subtracted.

# %% [markdown] tags=["hint:layer_norm"]
# `torch.var` divides by one less than the size, unless you say `correction=0`. The mean of the squared distances is as short.

# %% [markdown] tags=["hint:layer_norm"]
# `distance / (variance + eps).sqrt()`: eps is added to the variance, before the root.


# %% tags=["exercise:layer_norm"]
def layer_norm(hidden, gain, bias, eps=1e-12):
    """Vectors of mean 0 and variance 1, times gain, plus bias: the shape of hidden."""
    # solution
    distance = hidden - hidden.mean(dim=-1, keepdim=True)
    variance = (distance**2).mean(dim=-1, keepdim=True)
    return distance / (variance + eps).sqrt() * gain + bias
    # end of solution


check("layer_norm", layer_norm)

# %% [markdown] tags=["reason:layer_norm"]
# Each token is normed by its own numbers alone, so neither the other tokens nor the other texts of a batch matter. The variance divides by the size, not by one less: this is a norm, no estimate from a sample.

# %% [markdown] tags=["exercise:embed"]
# ### Embeddings · ● · 7 minutes
#
# `input_ids` and `token_type_ids` are (batch, position) of whole numbers. `weights` is a dict: `"word.weight"` (vocabulary, size), `"position.weight"` (positions, size), `"token_type.weight"` (2, size), `"norm.weight"` and `"norm.bias"` (size,), gain and bias of the LayerNorm. Return (batch, position, size). Your `layer_norm` is there to be used.

# %% [markdown] tags=["hint:embed"]
# `table[ids]` takes a row for each id, and keeps the shape of the ids: (batch, position, size).

# %% [markdown] tags=["hint:embed"]
# The positions are 0, 1, 2, ... in each text. So you need the first `input_ids.shape[1]` rows of that table; they are added to each text of the batch.

# %% [markdown] tags=["hint:embed"]
# Add the three, then `layer_norm(summed, weights["norm.weight"], weights["norm.bias"])`.


# %% tags=["exercise:embed"]
def embed(input_ids, token_type_ids, weights):
    """Word, position and token type, added and normed: (batch, position, size)."""
    # solution
    positions = weights["position.weight"][: input_ids.shape[1]]
    summed = weights["word.weight"][input_ids] + positions + weights["token_type.weight"][token_type_ids]
    return layer_norm(summed, weights["norm.weight"], weights["norm.bias"])
    # end of solution


check("embed", embed)

# %% [markdown] tags=["reason:embed"]
# A look-up is an index. The rows of the positions have no axis for the batch, and are used for each text (broadcasting). LayerNorm comes after the sum, once.

# %% [markdown] tags=["exercise:feed_forward"]
# ### GELU and the feed-forward network · ●● · 8 minutes
#
# `hidden` is (batch, position, size). `weights` has `"expand.weight"` (inner, size), `"expand.bias"`, `"contract.weight"` (size, inner) and `"contract.bias"`. Expand, GELU, contract. GELU is `x * (1 + torch.erf(x / math.sqrt(2))) / 2`. Nothing is added or normed here; that is the layer's job.

# %% [markdown] tags=["hint:feed_forward"]
# As on page 03 the matrices are stored transposed: `hidden @ weight.T + bias`.

# %% [markdown] tags=["hint:feed_forward"]
# GELU stands between the two matrices, and only there.


# %% tags=["exercise:feed_forward"]
def gelu(x):
    """x times the share of a bell curve below x."""
    # solution
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2
    # end of solution


def feed_forward(hidden, weights):
    """Expand, GELU, contract: (batch, position, size) in and out."""
    # solution
    wide = gelu(hidden @ weights["expand.weight"].T + weights["expand.bias"])
    return wide @ weights["contract.weight"].T + weights["contract.bias"]
    # end of solution


check("feed_forward", feed_forward)

# %% [markdown] tags=["reason:feed_forward"]
# `@` works on the last axis, so all tokens of all texts go through at once, each by itself. BERT's GELU is the one with `erf`; GPT-2 uses a formula with `tanh` that comes close to it.

# %% [markdown] tags=["exercise:layer"]
# ### One layer · ●● · 10 minutes
#
# Put it together: attention, add, LayerNorm; feed-forward, add, LayerNorm. `weights` has the names of the library: `"attention.query.weight"` and so on, `"attention_norm.weight"` and `.bias`, `"expand.weight"` and so on, `"output_norm.weight"` and `.bias`, and the number `"num_heads"`. `part(weights, "attention.")`, which stands above,
# makes the dict that `multi_head` wants. `mask` is None or True where a position may be looked at. Return (batch, position, size).

# %% [markdown] tags=["hint:layer"]
# `multi_head` returns two things: what was found, and the attention weights. You need the first.

# %% [markdown] tags=["hint:layer"]
# The first half: `seen = layer_norm(hidden + found, weights["attention_norm.weight"], weights["attention_norm.bias"])`.

# %% [markdown] tags=["hint:layer"]
# The second half adds `feed_forward(seen, weights)` to `seen`, not to `hidden`, and norms with `output_norm`.


# %% tags=["exercise:layer"]
def layer(hidden, weights, mask=None):
    """One layer of BERT: (batch, position, size) in and out."""
    # solution
    found, _ = multi_head(hidden, part(weights, "attention."), mask)
    seen = layer_norm(hidden + found, weights["attention_norm.weight"], weights["attention_norm.bias"])
    thought = feed_forward(seen, weights)
    return layer_norm(seen + thought, weights["output_norm.weight"], weights["output_norm.bias"])
    # end of solution


check("layer", layer)

# %% [markdown] tags=["reason:layer"]
# Twice LayerNorm(x + Sublayer(x)). The second time x is what the first half made. The norm comes after the addition, as in the first Transformer; GPT-2 and many later models norm *before* the sublayer instead.

# %% [markdown] tags=["exercise:load_weights"]
# ### Names on disk · ●● · 7 minutes
#
# A checkpoint names its tables in its own way. `stored` is a dict, {name: table}. `RENAMED`, which stands above, is a list of pairs. It says what has to be replaced by what, one after the other. Return a new dict with our names. `"bert."` at the beginning of a name goes. Tables whose name begins with `"cls."` belong to the head; leave them out.

# %% [markdown] tags=["hint:load_weights"]
# Go through `stored.items()`. Skip a name with `name.startswith("cls.")`.

# %% [markdown] tags=["hint:load_weights"]
# `name.removeprefix("bert.")` takes it off, and only at the beginning. Then, for each pair of `RENAMED`: `name = name.replace(theirs, ours)`.


# %% tags=["exercise:load_weights"]
def load_weights(stored):
    """The tables of a checkpoint under our names: {name: table}."""
    # solution
    renamed = {}
    for name, table in stored.items():
        if name.startswith("cls."):
            continue
        name = name.removeprefix("bert.")
        for theirs, ours in RENAMED:
            name = name.replace(theirs, ours)
        renamed[name] = table
    return renamed
    # end of solution


check("load_weights", load_weights)

# %% [markdown] tags=["reason:load_weights"]
# The order of the pairs matters: `attention.output.dense` has to be found before `output.dense`, or the two would get mixed up. That is why each library checks afterwards that no name is left over and none is missing.

# %% [markdown] tags=["exercise:encoder"]
# ### The encoder · ●●● · 10 minutes
#
# From ids to the last layer. `input_ids` and `attention_mask` are (batch, position); all token types are 0. `weights` has all names: those of the embeddings begin with `"embeddings."`, those of the layers with `"layers.0."`, `"layers.1."` and so on; `"num_heads"` is a number. Use `embed`, `padding_mask`, `layer` and `part`. How many layers there are
# shows in the names. Return (batch, position, size).
#
# When it passes, your BERT can read with mini's parameters: run `from bertnotes.exercises.page05 import with_mini` and then `with_mini(load_weights, encoder)`. The largest difference to the library's encoder should be 0.0000.

# %% [markdown] tags=["hint:encoder"]
# First the embeddings: `embed(input_ids, torch.zeros_like(input_ids), part(weights, "embeddings."))`.

# %% [markdown] tags=["hint:encoder"]
# A loop that goes on as long as there is a name: `while f"layers.{number}.expand.weight" in weights:`.

# %% [markdown] tags=["hint:encoder"]
# In the loop: `hidden = layer(hidden, part(weights, f"layers.{number}."), mask)`, with `mask = padding_mask(attention_mask)`. Mind the dot at the end of the prefix: `layers.1` is also the beginning of `layers.10`.


# %% tags=["exercise:encoder"]
def encoder(input_ids, attention_mask, weights):
    """BERT, from ids to the vectors of the last layer: (batch, position, size)."""
    # solution
    hidden = embed(input_ids, torch.zeros_like(input_ids), part(weights, "embeddings."))
    mask, number = padding_mask(attention_mask), 0
    while f"layers.{number}.expand.weight" in weights:
        hidden = layer(hidden, part(weights, f"layers.{number}."), mask)
        number += 1
    return hidden
    # end of solution


check("encoder", encoder)

# %% [markdown] tags=["reason:encoder"]
# A BERT is a loop over layers, each with its own parameters; what one gives, the next takes. The mask is the same in each layer, since fillers stay fillers.

# %% [markdown]
# ## Sources
#
# - Devlin, Chang, Lee, Toutanova (2019). *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* arXiv:1810.04805. The layer: Vaswani and others (2017). *Attention Is All You Need.* arXiv:1706.03762
# - Word pieces: Schuster, Nakajima (2012). *Japanese and Korean Voice Search.* ICASSP. Wu and others (2016). *Google's Neural Machine Translation System.* arXiv:1609.08144. Byte pairs: Sennrich, Haddow, Birch (2016). *Neural Machine Translation of Rare Words with Subword Units.* arXiv:1508.07909
# - Ba, Kiros, Hinton (2016). *Layer Normalization.* arXiv:1607.06450
# - He, Zhang, Ren, Sun (2016). *Deep Residual Learning for Image Recognition.* arXiv:1512.03385
# - Hendrycks, Gimpel (2016). *Gaussian Error Linear Units (GELUs).* arXiv:1606.08415
# - Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014). *Dropout: A Simple Way to Prevent Neural Networks from Overfitting.* JMLR 15
# - Where mini comes from: Wang, Wei, Dong, Bao, Yang, Zhou (2020). *MiniLM: Deep Self-Attention Distillation.* arXiv:2002.10957
# - Sun, Chen, Kolter, Liu (2024). *Massive Activations in Large Language Models.* arXiv:2402.17762
# - Wiedemann, Remus, Chawla, Biemann (2019). *Does BERT Make Any Sense? Interpretable Word Sense Disambiguation with Contextualized Embeddings.* arXiv:1909.10430
