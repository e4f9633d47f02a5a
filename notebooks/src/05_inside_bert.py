# %% [markdown] question="What else is in there, and can we rebuild it to the last digit?"
# # 05 · Inside BERT
#
# **The question:** what is in a BERT besides attention, and do its numbers come out if we run each part ourselves?
#
# ![The whole model from left to right: the text, 9 word pieces, 9 ids, a table of 9 by 384 numbers, six layers that keep this shape, and at the end the pooler on CLS and the head on MASK](figures/05_model.svg)
#
# On this page a sentence goes through mini, the BERT that comes with the course, from its letters to the last layer. (Pooler
# and head: section 4.) In the exercises you write the parts yourself.
#
# **You need:** pages 01 to 04. **Time:** about 67 minutes, and 59 more for the exercises. Where a cell says `guess = None`, type your
# guess in place of `None`.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # Inside BERT
#
# ![The whole model from left to right: the text, 9 word pieces, 9 ids, a table of 9 by 384 numbers, six layers that keep this shape, and at the end the pooler on CLS and the head on MASK](figures/05_model.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Read the shapes aloud from left to right: 9 ids, then 9 vectors of 384, and they stay so through all six
# layers. Ask: which part have we built already? Attention, pages 01 and 03. Say what the marks are for: [CLS] begins each text, [SEP] ends it, [MASK] hides a word.
#
# The deck takes 38 minutes: 29 up to the whole model and its parameters, 9 for what is odd about it and the end. Short of time? Leave out *playeth*, the positions and section 7.

# %%
from collections import Counter

import matplotlib.pyplot as plt
import torch
from torch.nn.functional import cosine_similarity, gelu, layer_norm, normalize

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
# A BERT has a fixed list of pieces of words, its **vocabulary**. A word that is not in the list is put together from pieces that are, if that can be done. A piece that does not begin a word is
# written with `##` in front. Into how many pieces does mini cut *whodunnit*?

# %%
guess = None  # a number of pieces

# %%
tokenizer = load_tokenizer()
for word in ("film", "soundtrack", "unforgettable", "whodunnit"):
    print(f"{word:14}", *tokenizer.tokenize(word))
print("your guess for whodunnit:", guess)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## *whodunnit*: how many pieces?
#
# A piece that does not begin a word has `##` in front.

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# - `who` `##dun` `##ni` `##t`
# - `un` `##for` `##get` `##table`
# - `soundtrack`

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Take guesses, then show the pieces. Ask where a person would cut *unforgettable*: un, forgett, able. The list does not know what a piece means.

# %% [markdown]
# Four, as many as *unforgettable*. A person would cut that one *un, forgett, able*. So who chose these pieces?
#
# A program, by counting. In its simplest form it begins with single letters. The two that stand side by side most often become a new piece. Then it counts again, until the list is long enough. A library, `tokenizers`, does it for us on 300 of the course's reviews, up to 3,000 pieces.
#
# How is a word cut with such a list? BERT's rule is **greedy**: take the longest piece that the word begins with, then the longest that the rest begins with, and so on. We cut *unforgettable* with more and more of the list. It begins with 100: 50 characters, with and without `##`.

# %%
from bertnotes.data import REVIEWS, load_imdb_data

cleaner = tokenizer.backend_tokenizer  # makes small letters, and cuts at spaces and punctuation
text = cleaner.normalizer.normalize_str(" ".join(load_imdb_data(REVIEWS)[0][:300]))
letters = sorted(set(text) - {" "})
singles = letters + ["##" + letter for letter in letters]  # the list begins with these

# %%
from tokenizers import Tokenizer, models, trainers

learner = Tokenizer(models.WordPiece())
learner.pre_tokenizer = cleaner.pre_tokenizer  # cuts the text into words
trainer = trainers.WordPieceTrainer(vocab_size=3000, special_tokens=singles, show_progress=False)
learner.train_from_iterator([text], trainer)
grown = sorted(learner.get_vocab(), key=learner.get_vocab().get)  # the pieces in the order in which they were made
print("the first new pieces:", *grown[len(singles) : len(singles) + 8])


# %%
def read_with(pieces, word):
    """Cut a word greedily with a list of pieces."""
    numbered = {piece: number for number, piece in enumerate([*pieces, "[UNK]"])}
    return [token.value for token in models.WordPiece(numbered, unk_token="[UNK]").tokenize(word)]


for size in (len(singles), 150, 600, 3000):
    print(f"{size:5,} pieces:", *read_with(grown[:size], "unforgettable"))

# %% tags=["check:first-pair"]
# checked: t and ##h are the most frequent neighbours in the 300 reviews
from itertools import pairwise

words, pairs = Counter(word for word, _ in cleaner.pre_tokenizer.pre_tokenize_str(text)), Counter()
for word, times in words.items():
    for pair in pairwise([word[0], *("##" + letter for letter in word[1:])]):
        pairs[pair] += times
assert pairs.most_common(1)[0][0] == ("t", "##h") and sum(words.values()) > 20_000

# %% tags=["check:grown"]
# checked: the first piece that the library makes; the rows of the drawing; what gets stuck and what cannot
from bertnotes.pictures.drawings.page05 import MERGES

vocabulary = tokenizer.get_vocab()
assert grown[len(singles)] == "th" and len(grown) == 3000 and len(singles) == 100 and len(vocabulary) == 10_000
lists = [grown[:size] for size in (100, 150, 600, 3000)] + [list(vocabulary)]
assert [" ".join(read_with(one, "unforgettable")) for one in lists] == [pieces for _, pieces in MERGES]
assert read_with(["play", "##eth"], "playeth") == ["play", "##eth"]
assert read_with(["play", "playe", "##eth"], "playeth") == ["[UNK]"]
assert all({letter, "##" + letter} <= vocabulary.keys() for letter in "abcdefghijklmnopqrstuvwxyz")
assert tokenizer.tokenize("😀") == tokenizer.tokenize("a" * 101) == ["[UNK]"] and len(tokenizer.tokenize("a" * 100)) > 1
assert tokenizer.tokenize("Café") == tokenizer.tokenize("cafe") and tokenizer.tokenize("łódź") == ["[UNK]"]
assert "ł" not in vocabulary and cleaner.normalizer.normalize_str("łódź") == "łodz"
assert len(letters) == 50
assert tokenizer.tokenize("whodunnit") == ["who", "##dun", "##ni", "##t"] and tokenizer.tokenize("soundtrack") == ["soundtrack"]

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The list grows by counting
#
# ![Thirteen letters of unforgettable; the longer the list of pieces, the fewer pieces the word has here, and 4 with mini's own list](figures/05_merges.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Which two letters stand side by side most often in English text? In our reviews it is t and h. They become a piece; count again. The list that grows is made of 300 of our reviews; below the line is mini's own, another list.

# %% [markdown]
# ![Thirteen letters of unforgettable; the longer the list of pieces, the fewer pieces the word has here, and 4 with mini's own list](figures/05_merges.svg)
#
# The longer our list, the fewer pieces this word needs. That is not always nearer to a person's cut: `un` with 600 pieces becomes `unf` with 3,000.
#
# <details><summary>Where mini's list comes from</summary>
#
# Its 10,000 pieces were selected from the 30,522 of Google's BERT, above all those that film reviews use. Google's program, **WordPiece** (Schuster and Nakajima 2012), was not published with BERT; it adds the pair that makes the text most probable. The library here adds the most frequent pair, as **byte-pair encoding** does (Sennrich et al. 2016).
#
# </details>
#
# **Play with it**: the pieces are our 3,000, and green ones are longer than a letter. Type a word, and let the list grow.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Which words are whole early?

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
play("pieces", pieces=grown, letters=len(singles))

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let the class name words. Ask for one that stays in pieces to the end, then for one that is whole early.

# %% [markdown]
# The greedy rule has a weakness. Suppose the list is `play`, `playe`, `##eth`, and the word is *playeth*. It could be `play` + `##eth`. But the rule takes `playe`, is stuck with *th*, and never goes back. So the whole word becomes `[UNK]`, *unknown*. With mini's list that cannot happen to a plain word, as each single letter is in it, with and without `##`. It does happen to an emoji, which the list lacks.
#
# Before the cutting, an *uncased* model such as mini makes all letters small and takes off accents: *Café* and *cafe* become the same. Five tokens are no part of any word:
#
# | token | what it is for |
# | --- | --- |
# | `[CLS]` | stands before the text; section 6 looks into it |
# | `[SEP]` | stands after the text, or after each of two |
# | `[PAD]` | fills up the shorter texts of a batch; masked, so that no real token looks at it (page 01) |
# | `[UNK]` | a word that the greedy rule cannot finish |
# | `[MASK]` | a hidden word, to be guessed |
#
# ## 2. Three tables, added
#
# ![The whole model, its second part lit: 9 ids become 9 vectors of 384 numbers](figures/05_model_embeddings.svg)
#
# Our sentence is *The cast saved a thin plot.* Its **ids** are the row numbers of its pieces in the vocabulary. A network computes with vectors. So each token gets one, from a table with a row for each piece: an **embedding**. BERT has three such tables and adds what it finds in them (the box *LayerNorm* comes next):
#
# ![Three tables: word embeddings with 10,000 rows, positions with 512, token types with 2. For cast rows 1,514, 2 and 0 are taken and added; LayerNorm makes x of the sum](figures/05_embeddings.svg)
#
# - **word**: which piece is it?
# - **position**: where in the text does it stand, counted from 0? There are 512 rows, so a longer text has to be cut.
# - **token type**: is it in the first text (0) or in the second (1)?
#
# Do they not get mixed up? The tables are trained together with the layers that read the sum.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Greedy: what becomes of *playeth*?
#
# This small list is `play`, `playe`, `##eth`. Always take the longest piece that fits.

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# `playe`, then *th*: stuck. The whole word is `[UNK]`, though `play` + `##eth` would have worked.
#
# mini's list has every single letter, so a plain word such as this one cannot get stuck there.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Let someone do it at the board. The rule never goes back. An emoji does become [UNK] with mini's list.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## From an id to a vector
#
# ![Three tables: word embeddings with 10,000 rows, positions with 512, token types with 2. For cast rows 1,514, 2 and 0 are taken and added; LayerNorm makes x of the sum](figures/05_embeddings.svg)
#
# Rows are counted from 0.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Row number in, vector out: no more than a look-up. Ask which two rows would be the same if *cast* stood at the end of the text: the word's and the type's.

# %%
inputs = tokenizer("The cast saved a thin plot.", return_tensors="pt")
ids, types = inputs["input_ids"], inputs["token_type_ids"]
print("ids:", *ids[0].tolist())
bert = BertEncoder.from_pretrained()
tables, positions = bert.embeddings, torch.arange(ids.shape[1])  # positions: 0, 1, 2, ...
summed = tables.word(ids) + tables.position(positions) + tables.token_type(types)  # a row for each number
print("text, token, number:", tuple(summed.shape))
print("lengths of the vectors:", *(f"{length:.1f}" for length in summed[0].norm(dim=-1)))  # norm: here, the length

# %% [markdown]
# The first vector, that of `[CLS]`, is twice as long as the longest of the others. Next comes a **LayerNorm** (Ba et al. 2016). It brings each vector to mean 0 and standard deviation 1 (page 01):
#
# $$\mathrm{LayerNorm}(x) = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} \cdot g + b$$
#
# Here $\mu$ is the mean of the vector's own numbers and $\sigma^2$ their variance; $\varepsilon$ is tiny, and keeps us from dividing by 0. The gain $g$ and the bias $b$ are learned, one of each for each of the 384 numbers.
#
# Why do it? Whatever was added before, the next part gets numbers of a size that it is used to. Ba et al. found that their networks trained faster with it.
#
# On paper, with $(9, 3, 3, 1)$, $g = 1$ and $b = 0$: the mean is 4, and the differences from it are 5, −1, −1, −3. The variance is $(25 + 1 + 1 + 9) / 4 = 9$, its root 3. What comes out? And what if all four numbers were 100 times as large?

# %%
guess = None  # the first of the four numbers, for (900, 300, 300, 100)

# %%
for numbers in ([9.0, 3.0, 3.0, 1.0], [900.0, 300.0, 300.0, 100.0]):
    print([f"{number:.2f}" for number in layer_norm(torch.tensor(numbers), (4,))])  # PyTorch's; you write your own below
print("your guess:", guess)
x = tables.norm(summed)  # LayerNorm with mini's gain and bias
print("lengths of the vectors now:", *(f"{length:.1f}" for length in x[0].norm(dim=-1)))
output = bert(**inputs)  # the whole model, to compare with; hidden_states[0] is what its first layer gets

# %% tags=["check:embeddings"]
# checked: LayerNorm on paper, on any scale; the sum and LayerNorm are what the encoder has; lengths, ids and tables
small = torch.tensor([9.0, 3.0, 3.0, 1.0])
assert layer_norm(small, (4,)).allclose(torch.tensor([5 / 3, -1 / 3, -1 / 3, -1.0]), atol=1e-5)
assert layer_norm(100 * small, (4,)).allclose(layer_norm(small, (4,)), atol=1e-5)
scaled = layer_norm(summed, (384,), eps=1e-12)
assert x.allclose(scaled * tables.norm.weight + tables.norm.bias, atol=1e-5)
assert torch.allclose(x, output.hidden_states[0], rtol=1e-5, atol=1e-5)
lengths = summed[0].norm(dim=-1)
assert lengths.argmax() == 0 and lengths[0] > 2 * lengths[1:].max() and x[0].norm(dim=-1).argmin() == 0
assert scaled[0].norm(dim=-1).allclose(torch.tensor(384**0.5), atol=1e-3) and tables.norm.weight.min() > 0
assert tables.norm.weight.max() < 1 and [f"{one:.1f}" for one in x[0].norm(dim=-1).aminmax()] == ["7.2", "11.3"]
assert inputs.tokens() == "[CLS] the cast saved a thin plot . [SEP]".split() and ids[0, 2] == 1514
shapes = [tuple(table.weight.shape) for table in (tables.word, tables.position, tables.token_type)]
assert shapes == [(10_000, 384), (512, 384), (2, 384)]

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## LayerNorm
#
# $\mathrm{LayerNorm}(x) = \dfrac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} \cdot g + b$
#
# Take $(9, 3, 3, 1)$: the mean is 4. What comes out, with $g = 1$ and $b = 0$?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# ![LayerNorm of 9, 3, 3, 1: minus the mean, 4, and divided by the standard deviation, 3, makes 1.67, −0.33, −0.33, −1](figures/05_layer_norm.svg)
#
# $(900, 300, 300, 100)$ gives the same four numbers.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let the class do it on paper. Then: what if all four are 100 times as large? The same comes out. What is lost is how large the numbers were; g and b are learned.

# %% [markdown]
# ![LayerNorm of 9, 3, 3, 1: minus the mean, 4, and divided by the standard deviation, 3, makes 1.67, −0.33, −0.33, −1](figures/05_layer_norm.svg)
#
# 1.67, −0.33, −0.33, −1, both times: LayerNorm forgets how large the numbers were. Without gain and bias each vector would be $\sqrt{384} = 19.6$ long: 384 squares, on average 1. The gains of this LayerNorm are all below 1 in mini, and the lengths come out as 7.2 to 11.3. `[CLS]`, once the longest, is now the shortest (section 6 says why).
#
# ### What positions are for
#
# What if we set the table of positions to 0? How alike are then, after all six layers, the vectors of *chase* in *dogs chase cats* and in *cats chase dogs*? We measure it by their **cosine**: the dot product of two vectors, divided by both their lengths (page 00 called it *similarity*). 1 is the same direction, 0 a right angle, −1 the opposite.

# %%
guess = None  # the cosine without positions

# %%
without = BertEncoder.from_pretrained()
without.embeddings.position.weight.zero_()
orders = ("dogs chase cats", "cats chase dogs")
for name, model in (("with positions", bert), ("without", without)):
    one, other = (model(**tokenizer(order, return_tensors="pt")).last_hidden_state[0, 2] for order in orders)
    print(f"{name:14}  cosine {cosine_similarity(one, other, dim=0):.2f}")
print("your guess for without:", guess)

# %% tags=["check:order"]
# checked: without positions the two come out the same but for rounding, with them not; mice for cats changes as much
assert (one - other).abs().max() < 1e-5
chases = (*orders, "dogs chase mice", "dogs chase her")
one, other, mice, her = (bert(**tokenizer(order, return_tensors="pt")).last_hidden_state[0, 2] for order in chases)
assert (one - other).abs().max() > 0.1
assert (
    all(abs(cosine_similarity(one, vector, dim=0) - 0.92) < 0.006 for vector in (other, mice))
    and abs(cosine_similarity(one, her, dim=0) - 0.67) < 0.006
)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## *dogs chase cats*, *cats chase dogs*
#
# How alike are the two vectors of *chase* after six layers, if we set the table of positions to 0?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | | cosine |
# | --- | --- |
# | with positions | 0.92 |
# | without | 1.00: the same |
# | with positions, *mice* for *cats* | 0.92 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Vote first. Without positions BERT cannot tell who chases whom. For scale: *dogs chase mice* against *dogs chase cats* gives 0.92, too.

# %% [markdown]
# Without positions the two are the same, but for rounding. Attention is a weighted sum over all tokens, and a sum does not know its order. Who chases whom is lost: only which words are there and how often is left, a **bag of words**. (Is 0.92 high? For *dogs chase mice* against *dogs chase cats* it is 0.92, too; for *dogs chase her* 0.67.)
#
# Nothing in the code ties row 6 of the table to row 5. Is there an order in what training made of them? For each distance we average the cosines of all pairs of positions that far apart. As a control, we do the same with mini's rows in random order.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## How alike are the rows of two positions?

# %% slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
lines, distances = {}, list(range(1, 49))
rows = tables.position.weight
for name, table in {"mini": rows, "mini, shuffled": rows[torch.randperm(512)]}.items():
    unit = normalize(table, dim=-1)  # each row made 1 long, so that a dot product is a cosine
    alike = unit @ unit.T  # (position, position)
    lines[name] = [alike.diagonal(distance).mean().item() for distance in distances]
ax = line_chart(distances, lines, "positions apart", "mean cosine", logarithmic="")  # "": no axis by doubling
_ = ax.set_xticks(range(0, 49, 6), range(0, 49, 6))

# %% tags=["check:positions"]
# checked: neighbours are most alike; then it falls in waves to 26, with peaks at 6, 12 and 17; shuffled rows give about 0.1
curve = torch.tensor(lines["mini"])
assert curve.argmax() == 0 and 0.82 < curve[0] < 0.84 and all(0.07 < value < 0.15 for value in lines["mini, shuffled"])
assert curve.argmin() == 25 and 0.085 < curve[25] < 0.095 and curve[26:].max() > 0.3
peaks = [at + 1 for at in range(1, 47) if curve[at] > max(curve[at - 1], curve[at + 1])]
centred = normalize((rows - rows.mean(dim=0))[torch.randperm(512)], dim=-1)  # without what all rows have in common
assert all(abs((centred @ centred.T).diagonal(distance).mean()) < 0.05 for distance in distances)
power = torch.fft.rfft(rows - rows.mean(dim=0), dim=0).abs()  # of each number, how much it swings with each period
periods = 512 / (power[1:].argmax(dim=0) + 1)  # the strongest
assert abs(((periods > 5) & (periods < 7)).float().mean() - 0.18) < 0.006
assert peaks[:3] == [6, 12, 17] and abs(curve[2] - 0.42) < 0.006 and curve[5] > curve[2] + 0.2

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Ask for neighbours first, then show it. Every mark is an average over all pairs that far apart. Rows in random order give about 0.1. Neighbours are most alike, and then there are waves: in 18 % of the 384 numbers the strongest swing has a period of 5 to 7 positions. What mini uses them for we do not know.

# %% [markdown]
# There is one. Neighbours are most alike, 0.83; at 26 positions 0.09 is left, a little less than in random order (0.1, not 0, since all rows share a part). The curve, 48 distances of 511, goes in waves: in 18 % of the 384 numbers the strongest swing has a period of 5 to 7 positions. What for, we do not know.
#
# ## 3. A layer, grown
#
# ![The whole model, its third part lit: six layers, each of which takes and gives 9 vectors of 384 numbers](figures/05_model_layers.svg)
#
# In a layer two things happen. First the tokens look at one another: attention. Then each token is worked on by itself, by a network of two matrices. Both times, what comes out is *added* to what was there, and a LayerNorm follows. As a formula
# (Vaswani et al. 2017), where a *sublayer* is the attention or the network:
#
# $$x \leftarrow \mathrm{LayerNorm}(x + \mathrm{Sublayer}(x))$$
#
# ![One layer in two halves with the shape on every arrow. First: x, attention, plus, LayerNorm. Second: expand to 1,536, GELU, contract to 384, plus, LayerNorm](figures/05_layer.svg)
#
# ### The first half: look around, add, norm
#
# What attention (page 03) found does not replace the token's vector. It is added to it: a **residual connection** (He et al. 2016). So a layer need only say what should *change*. LayerNorm after the addition is called **post-norm**; most later models put LayerNorm before the sublayer.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## First half: $x \leftarrow \mathrm{LayerNorm}(x + \mathrm{Attention}(x))$
#
# ![The layer with its first half lit: attention takes x and gives 9 vectors of 384, which are added to x; LayerNorm follows](figures/05_layer_1.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** All of page 03 is in the left box. Follow the line that goes over the top: x itself comes along, up to the addition. Ask what this half would do if attention found nothing, all zeros: only a LayerNorm.

# %%
first = bert.layers[0]
found, weights = first.attention(x)
seen = first.attention_norm(x + found)
print("x", tuple(x.shape), "  weights", tuple(weights.shape), "  found", tuple(found.shape), "  seen", tuple(seen.shape))
ratio = found[0].norm(dim=-1) / x[0].norm(dim=-1)
print(f"what is added is {ratio.min():.1f} to {ratio.max():.1f} times as long as what it is added to")

# %% [markdown]
# ### The second half: think, add, norm
#
# Now each token by itself. A matrix makes 1,536 numbers of its 384 (*expand*), a curve bends each of them, and a second matrix makes 384 again (*contract*). This is the **feed-forward network**. What is it for? Attention brings numbers from other tokens; here a token can work on what it has gathered.
#
# The curve matters. Without it the two matrices could be multiplied into one, $(xA)B = x(AB)$, and expanding would gain nothing. An older curve, **ReLU**, makes every number below 0 a 0 and leaves the others. BERT's is **GELU** (Hendrycks and Gimpel 2016): $\mathrm{GELU}(x) = x \cdot \Phi(x)$. Here $\Phi(x)$ is the share of the area under a bell curve (the normal distribution with mean 0 and variance 1) that lies left of $x$. Far above 0 GELU lets a number through, far below 0 it gives nearly 0. In between it dips, to −0.17 near −0.75. At −1, where $\Phi(-1) = 0.16$, it is −0.16: the dot in the next picture.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The curve: $\mathrm{GELU}(x) = x \cdot \Phi(x)$
#
# $\Phi(-1) = 0.16$. What is $\mathrm{GELU}(-1)$?

# %% slideshow={"slide_type": "fragment"}
across = torch.linspace(-3, 2, 101)
_, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
_ = ax.plot(across, gelu(across), color="#a8326e", linewidth=4, label="GELU")
_ = ax.plot(across, across.relu(), "--", color="#44546a", linewidth=3, label="ReLU")
_ = ax.plot(-1, gelu(torch.tensor(-1.0)), "o", color="#a8326e", markersize=13), ax.text(-1.2, -0.5, "−0.16", fontsize=18)
_ = ax.set_ylim(-0.6, 2.1), ax.set_xlabel("a number", fontsize=17), ax.set_ylabel("after the curve", fontsize=17)
_ = ax.legend(fontsize=18, frameon=False)
ax.tick_params(labelsize=15)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Ask before you show it. Φ(x) is the share of a bell curve below x: at −1 it is 0.16. So GELU(−1) is −0.16, the dot. The older curve, ReLU, is 0 below 0 and has a corner there; GELU is smooth, and dips a little below 0.

# %%
wide = first.expand(seen)
thought = first.contract(gelu(wide))
out = first.output_norm(seen + thought)
print("seen", tuple(seen.shape), "  wide", tuple(wide.shape), "  thought", tuple(thought.shape), "  out", tuple(out.shape))

# %% tags=["check:one-layer"]
# checked: the layer by steps is the encoder's; GELU is x times the normal distribution's share below x, also at -1
assert torch.allclose(out, output.hidden_states[1], rtol=1e-4, atol=1e-4) and weights.shape == (1, 12, 9, 9)
assert torch.allclose(weights, output.attentions[0], rtol=1e-5, atol=1e-5)
share_below = torch.distributions.Normal(0.0, 1.0).cdf
assert gelu(across).allclose(across * share_below(across), atol=1e-6) and abs(share_below(torch.tensor(-1.0)) - 0.16) < 0.005
assert first.expand.weight.shape == (1536, 384) and first.contract.weight.shape == (384, 1536)
assert abs(across[gelu(across).argmin()] + 0.75) < 0.03 and abs(gelu(across).min() + 0.17) < 0.001

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Second half: each token by itself
#
# ![The layer with its second half lit: expand to 1,536, GELU, contract to 384, add, LayerNorm](figures/05_layer_2.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Four times as wide, and back. Ask: why not leave out the curve? Then two matrices are one, and the wide part gains nothing. In which half do tokens exchange anything? Only in the first.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## A layer in four lines
#
# ```python
# attended, weights = self.attention(hidden, mask=mask)
# hidden = self.attention_norm(hidden + self.dropout(attended))
# thought = self.contract(gelu(self.expand(hidden)))
# return self.output_norm(hidden + self.dropout(thought)), weights
# ```
#
# ![One layer in two halves with the shape on every arrow. First: x, attention, plus, LayerNorm. Second: expand to 1,536, GELU, contract to 384, plus, LayerNorm](figures/05_layer.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** From `bertnotes/encoder.py`. Point at each line and ask for its box in the drawing. The one new word is dropout: in training it sets each number to 0 with probability 0.1, drawn anew each time. In use it does nothing.

# %% tags=["check:dropout"]
# checked: the four lines are the encoder's; dropout is on in training alone, with a tenth
import inspect

from bertnotes.encoder import Layer

shown = "attended, weights = self.attention(hidden, mask=mask)|hidden = self.attention_norm(hidden + self.dropout(attended))"
shown += "|thought = self.contract(gelu(self.expand(hidden)))|return self.output_norm(hidden + self.dropout(thought)), weights"
assert shown.split("|") == [line.strip() for line in inspect.getsource(Layer.forward).splitlines()[1:]]
assert bert.config.hidden_dropout_prob == bert.config.attention_probs_dropout_prob == 0.1
assert bert(**inputs).last_hidden_state.equal(output.last_hidden_state)
readings = [bert.train()(**inputs).last_hidden_state for _ in range(2)]
assert cosine_similarity(*readings, dim=-1).mean() < 0.95 and not bert.eval().training
dropped = torch.nn.functional.dropout(torch.ones(1000), 0.1)
assert set(dropped.unique().tolist()) == {0.0, torch.tensor(1 / 0.9).item()}

# %% [markdown]
# In `bertnotes/encoder.py` the layer is four lines. One word in them is new: **dropout** (Srivastava et al. 2014), for training. At each step it draws anew which numbers it sets to 0, here each with probability 0.1, and enlarges the rest to make up for it. So the network cannot lean on any single number. In use, dropout is off.
#
# ### How much does a layer change?
#
# Thanks to the additions a vector *can* stay near what it was. Does it? We measure the cosine of a token's vector before and after a layer, on average over the seven tokens between `[CLS]` and `[SEP]`. As a control, we take the two additions out. How high is the cosine with them, in layer 1?


# %%
def run_layer(layer, x, keep=1):
    """A layer of BERT; with keep=0 nothing is added to what was there."""
    seen = layer.attention_norm(keep * x + layer.attention(x)[0])
    thought = layer.contract(gelu(layer.expand(seen)))
    return layer.output_norm(keep * seen + thought)


def likeness(one, other):
    """The cosine of a token's vectors, on average over the tokens between [CLS] and [SEP]."""
    return cosine_similarity(one, other, dim=-1)[0, 1:-1].mean()


# %%
guess = None  # a cosine

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## What if nothing is added?
#
# ```python
# def run_layer(layer, x, keep=1):  # keep=0: nothing is added
#     seen = layer.attention_norm(keep * x + layer.attention(x)[0])
#     thought = layer.contract(gelu(layer.expand(seen)))
#     return layer.output_norm(keep * seen + thought)
# ```
#
# A token's vector before and after a layer: which cosine?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | layer | 1 | 2 | 3 | 4 | 5 | 6 |
# | --- | --- | --- | --- | --- | --- | --- |
# | with the additions | **0.76** | 0.80 | 0.86 | 0.86 | 0.84 | 0.77 |
# | without | **0.00** | 0.07 | 0.09 | 0.03 | 0.04 | −0.08 |
#
# Without the additions the nearness is gone.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Vote first. The cosine is 1 for the same direction, 0 for a right angle. The average is over the seven tokens between [CLS] and [SEP]. Ask what the table does not show: a BERT trained without the additions might be different.

# %%
before = x
for number, layer in enumerate(bert.layers, start=1):
    after, without_it = run_layer(layer, before), run_layer(layer, before, keep=0)
    line = f"layer {number}: with the additions {likeness(after, before):.2f}, without {likeness(without_it, before):z.2f}"
    print(f"{line};  with the token before it {likeness(after, before.roll(1, dims=1)):.2f}")
    before = after
print("your guess for layer 1:", guess)

# %% tags=["check:residual"]
# checked: with additions a layer keeps the direction, without them not; against other tokens' vectors; over six layers
for layer, before, after in zip(bert.layers, output.hidden_states[:6], output.hidden_states[1:], strict=True):
    assert torch.allclose(run_layer(layer, before), after, atol=1e-4)
    assert 0.75 < likeness(after, before) < 0.87 and abs(likeness(run_layer(layer, before, keep=0), before)) < 0.1
    between = normalize(after[0, 1:-1], dim=-1) @ normalize(before[0, 1:-1], dim=-1).T
    assert (between.sum() - between.trace()) / 42 < 0.35 and likeness(after, before.roll(1, dims=1)) < 0.36
told = torch.tensor([[0.76, 0.80, 0.86, 0.86, 0.84, 0.77], [0.00, 0.07, 0.09, 0.03, 0.04, -0.08]])  # on the slide
for keep, row in zip((1, 0), told, strict=True):
    cosines = [
        likeness(run_layer(bert.layers[at], output.hidden_states[at], keep), output.hidden_states[at]) for at in range(6)
    ]
    assert (torch.stack(cosines) - row).abs().max() < 0.006

# %% [markdown]
# About 0.8 in each layer: on this sentence a word's vector stays near what it was. With the vector of the token before it, the mean is at most 0.35. Without the additions the nearness is gone. (They all go at once, so each sublayer also reads vectors such as it never met in training. A BERT trained without additions might be different. `[CLS]`, left out here, is section 6.)
#
# ## 4. The whole model
#
# The rest is a loop: six layers, each with parameters of its own. We run it, and compare each layer with `transformers`, which has read the same file:

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The whole model is a loop

# %% slideshow={"slide_type": "-"} tags=["show-code"]
mine = [x]  # the embeddings
for layer in bert.layers:
    mine.append(run_layer(layer, mine[-1]))
reader = load_encoder()  # of transformers
theirs = reader(**inputs, output_hidden_states=True).hidden_states
for number, one in enumerate(mine):
    largest = (one - theirs[number]).abs().max()
    print(f"after layer {number}: largest difference {largest:.4f}")

# %% tags=["check:transformers"]
# checked: every number of every layer is that of transformers, and so it is for a batch with padding in the course's encoder
assert all(torch.allclose(one, other, rtol=1e-4, atol=1e-4) for one, other in zip(mine, theirs, strict=True)) and len(mine) == 7
spans = [one[0].norm(dim=-1).aminmax() for one in mine]
assert all(low > 7 and high < 14.5 for low, high in spans[:6]) and 0.7 < spans[6][0] < spans[6][1] < 1.5
assert reader(**inputs).pooler_output.allclose(bert(**inputs).pooler_output, atol=1e-4)
batch = tokenizer(["The cast saved a thin plot.", "A gem."], padding=True, return_tensors="pt")
real = batch["attention_mask"].bool()
states = zip(bert(**batch).hidden_states, load_encoder()(**batch, output_hidden_states=True).hidden_states, strict=True)
assert all(torch.allclose(one[real], other[real], rtol=1e-4, atol=1e-4) for one, other in states)

# %% tags=["check:loaded"]
# checked: every table on disk has a place of its own in the encoder, with the same shape; three of them, number by number
from bertnotes.checkpoint import our_name, read_checkpoint

_, stored = read_checkpoint()  # {name: table}
assert {our_name(name) for name in stored} == bert.state_dict().keys() and len(stored) == len(bert.state_dict()) == 108
assert all(bert.state_dict()[our_name(name)].shape == table.shape for name, table in stored.items())
assert our_name("bert.encoder.layer.0.attention.self.query.weight") == "layers.0.attention.query.weight"
ours = {"embeddings.word_embeddings": tables.word, "encoder.layer.0.attention.self.query": first.attention.query}
ours["encoder.layer.0.intermediate.dense"] = first.expand
assert all(stored[f"bert.{name}.weight"].float().equal(part.weight) for name, part in ours.items())
assert sum(table.shape == (384, 384) for table in stored.values()) == 26  # of the same shape

# %% tags=["check:slip"]
# checked: query and value of layer 1 swapped, with their biases, raise no error and change its output by more than 2
slip = BertEncoder.from_pretrained()
into = slip.layers[0].attention
for kind in ("weight", "bias"):
    getattr(into.query, kind).copy_(getattr(first.attention.value, kind))
    getattr(into.value, kind).copy_(getattr(first.attention.query, kind))
assert (slip(**inputs).hidden_states[1] - mine[1]).abs().max() > 2

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Run the cell live. run_layer is that of the slide before, with keep=1. *After layer 0* are the embeddings. Seven rows, 0.0000 in each: our BERT is that of transformers, to four decimals. Would a slip show? Swap query and value of layer 1: no error, and a difference of more than 2 after that layer.

# %% [markdown]
# Equal, to four decimals, where the vectors are 7 to 14 long, and about 1 after layer 6. (*After layer 0* are the embeddings.)
#
# A **checkpoint** is a file of named tables of numbers, and each library has names of its own. What is `bert.encoder.layer.0.attention.self.query.weight` in the file is `layers.0.attention.query.weight` in our encoder. A slip need not raise an error: 26 of mini's tables have the same shape. Swap query and value of layer 1, and its output differs by more than 2.
#
# ### The two ends
#
# ![The whole model, its last part lit: on the last vector of CLS the pooler, on the last vector of MASK the head with 10,000 scores](figures/05_model_ends.svg)
#
# The **head** here is no head of attention: it names hidden words. It takes the vector at a `[MASK]`, which can stand in place of any word (the bracket in the drawing), through one more matrix, GELU and LayerNorm. Then it takes the dot product with *every word embedding* and adds a bias: which of the 10,000 rows fits best? So one table is used at both ends (**tied weights**: *weights* is here another word for parameters). What would you put into *The [MASK] in this film is terrible*?

# %%
guess = None  # a word

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## *The [MASK] in this film is terrible.*
#
# Which word comes first?

# %% slideshow={"slide_type": "fragment"}
asked = tokenizer("The [MASK] in this film is terrible.", return_tensors="pt")
at_mask, head = bert(**asked).last_hidden_state[0, 2], bert.head  # at 0 is [CLS], at 1 The, at 2 [MASK]
asks = head.norm(gelu(head.transform(at_mask)))
scores = tables.word.weight @ asks + head.bias
chances = scores.softmax(dim=-1)
best = chances.topk(6)
title = f"probability   (your guess: {guess})" if guess else "probability"
ax = weight_bars(best.values, tokenizer.convert_ids_to_tokens(best.indices), title=title)
_ = ax.set_ylim(0, 0.6)

# %% tags=["check:head"]
# checked: the head by hand is the encoder's, and acting comes first by far
assert torch.allclose(scores, bert.word_logits(at_mask), atol=1e-3) and len(scores) == 10_000
assert tokenizer.convert_ids_to_tokens(best.indices[0].item()) == "acting" and 5 * best.values[1] < best.values[0] < 0.5
# checked: the pooler's matrix is the identity and its bias 0
assert bert.pooler.weight.equal(torch.eye(384)) and not bert.pooler.bias.any()
assert bert(**inputs).pooler_output.allclose(mine[-1][:, 0].tanh(), atol=1e-4)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Vote first: what would a film review have there? The scores are dot products with the 10,000 rows of the first table. *Acting* is far ahead, yet more than half of the probability is elsewhere.

# %% [markdown]
# *Acting* is far ahead, though more than half of the probability is spread over other words. (*rest*, the third, would go better with *of*.) How mini learned this is page 06.
#
# The other end is the **pooler**: a matrix and $\tanh$ (a curve from −1 to 1) on the last vector of `[CLS]`, made for tasks that ask about the whole text. In Google's BERT it was trained with a second task beside the hidden words: *do two texts follow each other?* mini's was not trained: its matrix changes nothing, so only the $\tanh$ is left.
#
# ## 5. Where the parameters are
#
# A matrix from $a$ to $b$ numbers has $ab$ parameters and $b$ biases. What has the largest share in mini: the word embeddings, attention, or the feed-forward networks?


# %%
guess = None  # "words", "attention" or "feed-forward"

# %%
size, inner, layers = 384, 1_536, 6
print(f"words        {10_000 * size:10,}")
print(f"attention    {layers * 4 * (size * size + size):10,}")  # query, key, value, and the output of page 03
print(f"feed-forward {layers * (2 * size * inner + inner + size):10,}")
print("your guess:", guess)


# %% tags=["check:count"]
# checked: the count on paper gives mini's number, and for BERT-base the known one
def parameters(vocabulary, size, layers, inner, positions=512):
    """How many each part has."""
    square = size * size + size  # a matrix from size to size, and its biases
    return {
        "words": vocabulary * size,
        "attention": layers * 4 * square,
        "feed-forward": layers * (2 * size * inner + inner + size),
        "the rest": (positions + 2) * size + (1 + 2 * layers) * 2 * size + square,
    }


mini, base = parameters(10_000, 384, 6, 1_536), parameters(30_522, 768, 12, 3_072)
assert sum(base.values()) == 109_482_240 and sum(mini.values()) == 14_832_768

# %% tags=["check:shares"]
# checked: the model's tensors, part by part, and the shares of the drawing
from bertnotes.pictures.drawings.page05 import SHARES

sums = Counter()
kinds = {"word": "words", ".attention.": "attention", "expand": "feed-forward", "contract": "feed-forward"}
for name, tensor in bert.named_parameters():
    if not name.startswith("head."):
        sums[next((kind for key, kind in kinds.items() if key in name), "the rest")] += tensor.numel()
assert sums == mini
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
#
# White: positions, token types, LayerNorms, pooler.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Vote first. In both it is the feed-forward networks, twice as many as attention: 8 d² against 4 d² a layer. In mini the words have a quarter, in BERT-base a fifth. The head is not counted here.

# %% [markdown]
# ![Strips of parameters. mini: words 26 %, attention 24 %, feed-forward 48 %. BERT-base: words 21 %, attention 26 %, feed-forward 52 %](figures/05_shares.svg)
#
# The feed-forward networks, in both models. (White is *the rest*, 2 % and 1 %; the head is not counted.) Without biases a layer has $4 d^2$ parameters in attention, where $d$ is the size of a vector. The network is here $4d$ wide, so it has $2 \cdot d \cdot 4d = 8 d^2$.
#
# ## 6. What is in [CLS]?
#
# `[CLS]` is the same piece at the same position in every text. What tells one text from another has to come through attention. We compare its vector in our sentence and in *Where is the station, please?* And which of its 384 numbers is the largest, with how much of the squared length (the sum of all squares)?

# %%
station = bert(**tokenizer("Where is the station, please?", return_tensors="pt"))
for number, (states, other_states) in enumerate(zip(output.hidden_states, station.hidden_states, strict=True)):
    cls = states[0, 0]
    share = cls.square() / cls.square().sum()  # of the squared length, for each number
    cosine = cosine_similarity(cls, other_states[0, 0], dim=0)
    print(f"after layer {number}: cosine {cosine:.2f};  number {share.argmax()} has {share.max():.0%} of the squared length")

# %% tags=["check:cls"]
# checked: in 40 reviews [CLS] is nearly the same up to layer 5, not after layer 6; no number of another token has so much
shares = []
for review in load_imdb_data(REVIEWS)[0][:40]:
    read = torch.cat(bert(**tokenizer(review, return_tensors="pt", truncation=True, max_length=64)).hidden_states)[:, 0]
    cosines = cosine_similarity(read, torch.cat(output.hidden_states)[:, 0], dim=-1)
    assert (cosines[1:6] > 0.995).all() and 0.69 < cosines[6] < 0.87
    shares.append(read[:, 99] ** 2 / read.square().sum(dim=-1))
shares = torch.stack(shares)  # (review, layer)
assert (shares[:, 1:5] > 0.955).all() and (shares[:, 5] > 0.75).all() and (shares[:, 6] < 0.35).all()
squares = torch.cat(output.hidden_states)[:, 1:].square()
assert (squares.amax(dim=-1) / squares.sum(dim=-1)).max() < 0.34
assert 0.7 < cosine_similarity(output.hidden_states[6][0, 0], station.hidden_states[6][0, 0], dim=0) < 0.9

# %% [markdown]
# Up to layer 5 the cosine is 1.00; after the last layer it is 0.82. (Against 40 reviews, cut at 64 tokens: above 0.995, then 0.70 to 0.86. Even 1.00 leaves room for a small difference.) And after layers 1 to 4 one number, number 99 (counted from 0), has more than 95 % of the squared length. Here is `[CLS]` beside *cast*:

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## One number of [CLS] stands out

# %% slideshow={"slide_type": "-"}
_, axes = plt.subplots(1, 2, figsize=(10, 3.4), sharey=True, layout="constrained")
for ax, position in zip(axes, (0, 2), strict=True):
    vector = output.hidden_states[3][0, position]
    _ = ax.vlines(range(384), 0, vector, linewidth=1.5, color="#44546a")
    _ = ax.vlines(99, 0, vector[99], linewidth=4, color="#a8326e")
    _ = ax.set_title(f"{inputs.tokens()[position]} after layer 3", fontsize=20), ax.set_xticks((0, 99, 200, 300, 383))
    _ = ax.set_xlabel("which of the 384 numbers", fontsize=17)
    ax.tick_params(labelsize=15)
_ = axes[0].text(115, 7.2, "number 99", fontsize=18, color="#a8326e")
_ = axes[0].set_ylabel("how large it is", fontsize=17)

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# In mini number 99 has 98 % of the squared length of `[CLS]` after layer 3, in every text that we tried about as much.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** After layer 3: left [CLS], right *cast*, on the same scale. The vector of [CLS] is nearly the same in every text that we tried. Ask: where does that number come from?

# %% [markdown]
# It has 62 % even after layer 0, before any attention. So it comes from the tables:

# %%
print("number 99 in rows 0 to 5 of the positions:", *(f"{row[99]:.2f}" for row in tables.position.weight[:6]))
film = tokenizer.convert_tokens_to_ids("film")
print(f"in the word rows of [CLS]: {tables.word.weight[ids[0, 0], 99]:.2f}, of film: {tables.word.weight[film, 99]:.2f}")
print(f"gain of the first LayerNorm: {tables.norm.weight[99]:.2f}, of that in layer 1: {first.attention_norm.weight[99]:.2f}")
print("what the network of layer 1 adds to number 99:", *(f"{one:.0f}" for one in thought[0, :, 99].round() + 0.0))

# %% tags=["check:number-99"]
# checked: number 99 in both tables, the gains, and what layer 1 adds
assert tables.position.weight[0].abs().argmax() == 99 and tables.position.weight[1:, 99].abs().max() < 0.08
assert tables.word.weight[:, 99].argmax() == ids[0, 0] and tables.word.weight[:, 99].sort().values[-2] < 0.3
assert (
    abs(first.attention_norm.weight.mean() - 0.60) < 0.006
    and 7 < thought[0, 1:].norm(dim=-1).min() < thought[0, 1:].norm(dim=-1).max() < 14
)
assert abs(summed[0, 0, 99] ** 2 / summed[0, 0].square().sum() - 0.68) < 0.006 and 300 < thought[0, 0, 99] < 350

# %% [markdown]
# Row 0 of the position table has it, 1.88, and `[CLS]` brings another 1.04. The first LayerNorm has a small gain at this number (so `[CLS]` came out shortest); the one in layer 1 has a large one. Then the network of layer 1 adds 336. To the other tokens it adds vectors of length 7 to 14. The LayerNorm after it brings `[CLS]` back to a usual length, now nearly all of it in number 99. Sun et al. (2024) met numbers akin to this one in large language models, and call them **massive activations**.
#
# The seven tokens in between give `[CLS]` 0.73 of their attention in layer 3, on average over all heads; an even share of nine would be 0.11. Now we put *film* in its place. And as a test of row 0, we exchange rows 0 and 4 of the position table; at position 4 is *a*. How much does *film* get, before the exchange?

# %%
guess = None  # a share between 0 and 1

# %%
moved, film_first = BertEncoder.from_pretrained(), ids.clone()
moved.embeddings.position.weight[[0, 4]] = tables.position.weight[[4, 0]]
film_first[0, 0] = film
for rows_are, model in {"as they are": bert, "exchanged": moved}.items():
    for token, pieces in {"[CLS]": ids, "film": film_first}.items():
        looks = model(input_ids=pieces).attentions[2][0].mean(dim=0)  # layer 3, mean over the heads: (token, token)
        at = looks[1:-1].mean(dim=0)  # what the tokens between the first and [SEP] give to each
        print(f"{token:5} first, rows {rows_are:11}: {at[0]:.2f} to position 0, {at[4]:.2f} to position 4")
print("your guess:", guess)


# %% tags=["check:first-place"]
# checked: the look goes with row 0, in layer 3 and in ten reviews
def looked(model, pieces, place=0):
    """What the tokens between the first and the last, but for that at the place, give to it in layer 3."""
    looks = model(input_ids=pieces).attentions[2][0].mean(dim=0)[1:-1, place]
    return looks.mean() if place == 0 else (looks.sum() - looks[place - 1]) / (len(looks) - 1)


assert abs(looked(bert, ids) - 0.73) < 0.006 and abs(looked(bert, film_first) - 0.70) < 0.006
assert abs(looked(moved, film_first) - 0.03) < 0.006 and abs(looked(moved, ids) - 0.22) < 0.006
assert abs(at[4] - 0.73) < 0.006 and looked(moved, film_first, 4) > 0.6  # at: of the last line above
for review in load_imdb_data(REVIEWS)[0][:10]:
    pieces = tokenizer(review, return_tensors="pt", truncation=True, max_length=64)["input_ids"]
    changed = torch.cat([film_first[:, :1], pieces[:, 1:]], dim=1)
    plain = looked(bert, pieces)
    assert max(abs(looked(bert, changed) - plain), abs(looked(moved, changed, 4) - plain)) < 0.05 > 2 * looked(moved, changed)

# %% tags=["check:row-0"]
# checked: for film in front, number 99 of row 0 is enough, and so are its other numbers; row 4 is not
mixed = BertEncoder.from_pretrained()
mixed.embeddings.position.weight[0, 99] = tables.position.weight[4, 99]
assert abs(looked(mixed, film_first) - 0.69) < 0.02
mixed.embeddings.position.weight[0] = tables.position.weight[4]
assert looked(mixed, film_first) < 0.15
mixed.embeddings.position.weight[0, 99] = tables.position.weight[0, 99]
assert abs(looked(mixed, film_first) - 0.72) < 0.03

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Is it [CLS], or whatever has row 0?
#
# The words give `[CLS]` 0.73 of their attention in layer 3; an even share would be 0.11. How much do they give to *film* in its place? And if we exchange rows 0 and 4 of the position table?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | layer 3 | to position 0 | to position 4 |
# | --- | --- | --- |
# | [CLS] first | 0.73 | 0.02 |
# | *film* first | **0.70** | 0.02 |
# | *film* first, rows 0 and 4 exchanged | **0.03** | **0.73** |
#
# In mini the look goes with row 0, here to position 4.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Vote, then the table. Row 0 is looked at, not `[CLS]` alone: *film* gets nearly as much, and with the rows exchanged the look goes to position 4. So it was in ten reviews.

# %% [markdown]
# *film* gets 0.70. With the rows exchanged it gets 0.03, and position 4 gets what it had: the look goes with row 0, here and in ten reviews. (`[CLS]` keeps 0.22, by its word row. Is it number 99 of row 0? Row 4 with just this number of row 0 does as well, but so does row 0 without it: layer 1 makes number 99 large either way.)
#
# And in layer 3, do the heads find `[CLS]` by number 99? Softmax sees only how far scores are apart (page 02). So we measure the *lead*: how far is the score of `[CLS]` above the others'? Then we give its number 99 the mean of the other tokens'.

# %%
attention, before = bert.layers[2].attention, output.hidden_states[2]  # of layer 3, and what it gets
changed = before.clone()
changed[0, 0, 99] = before[0, 1:, 99].mean()
for name, vectors in {"as it is": before, "with the others' number 99": changed}.items():
    query, key = attention.query(vectors)[0, 1:-1], attention.key(vectors)[0]
    scores = query @ key.T / 32**0.5 / 12  # the mean over 12 heads of 32 numbers
    lead = scores[:, 0].mean() - scores[:, 1:].mean()
    drawn = attention(vectors)[1][0, :, 1:-1, 0].mean()
    print(f"[CLS] {name:26}: lead {lead:.2f}, attention to it {drawn:.2f}")


# %% tags=["check:sink"]
# checked: the lead is that of the heads, one after the other
def leads(states):
    """The lead of [CLS] in layer 3 as it is, and with the others' number 99; one head after the other."""
    found = []
    for number in (states[0, 0, 99], states[0, 1:, 99].mean()):
        states = states.clone()
        states[0, 0, 99] = number
        query, key = attention.split(attention.query(states)), attention.split(attention.key(states))
        each = (query @ key.mT / 32**0.5)[0, :, 1:-1]
        found.append((each[:, :, 0].mean() - each[:, :, 1:].mean()).item())
    return found


assert abs(leads(before)[0] - 5.06) < 0.006 and abs(leads(before)[1] - lead) < 1e-3


# %% tags=["check:lead"]
# checked: number 99 brings 82 % of the lead; in five reviews, cut at 64 tokens, 54 to 56 %
whole, left = leads(before)
assert abs(whole - 5.06) < 0.006 and abs(left - lead) < 1e-3 and abs(1 - left / whole - 0.82) < 0.006 and drawn < 0.2
for review in load_imdb_data(REVIEWS)[0][:5]:
    pieces = tokenizer(review, return_tensors="pt", truncation=True, max_length=64)
    whole, left = leads(bert(**pieces).hidden_states[2])
    assert 0.53 < 1 - left / whole < 0.565

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Do the heads find it by number 99?
#
# The lead: how far the score of `[CLS]` is above that of the other tokens. How much of it is left, if its number 99 becomes the mean of theirs?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | layer 3 | lead | attention to [CLS] |
# | --- | --- | --- |
# | [CLS] as it is | 5.06 | 0.73 |
# | with the others' number 99 | **0.92** | **0.16** |
#
# Mostly, in mini and in this sentence: 82 % of the lead.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Vote first. Softmax sees only how far scores are apart, so ask for the lead, not for the score. Number 99 brings 82 % of it. What the looking is good for is page 07.

# %% [markdown]
# In this sentence number 99 brings 82 % of the lead in layer 3, and most of the attention. (In five reviews, cut at 64 tokens, it brings 54 to 56 % of the lead.)
#
# Why look there? Page 07 follows that up, under the name *attention sink*.
#
# ## 7. One word, two meanings
#
# On page 00 we compared the vectors of *cast* in six sentences. For five of them, the most similar one was of the same kind: actors or plaster. As a control we take the full stop at the end, which has no two meanings. For how many of the six is the most similar one of the same kind?


# %%
import re

from bertnotes.pictures.drawings.page05 import SENSES


def vectors_of(token, sentences):
    """The vector of a token in each sentence, after each layer and made 1 long: (layer, sentence, 384)."""
    found = []
    for sentence in sentences:
        read = tokenizer(sentence, return_tensors="pt")
        found.append(torch.cat(bert(**read).hidden_states)[:, read.tokens().index(token)])
    return normalize(torch.stack(found, dim=1), dim=-1)


# %%
guess = None  # a number from 0 to 6

# %%
actors = ["The cast was brilliant in every scene.", "The director thanked the whole cast."]
actors += ["A strong cast saves this weak film."]
plaster = ["The doctor put a cast on her broken arm.", "He broke his leg and wore a cast for weeks."]
plaster += ["The cast on my wrist itches."]
for token in ("cast", "."):
    vectors = vectors_of(token, actors + plaster)[-1]
    nearest = (vectors @ vectors.T).fill_diagonal_(-1).argmax(dim=-1)  # the most similar of the other five
    print(f"{token:4}: {(nearest // 3 == torch.arange(6) // 3).sum()} of 6")  # 0 to 2 are actors, 3 to 5 plaster
print("your guess for the full stop:", guess)

# %% tags=["check:six"]
# checked: which one of six fails, at the word (as on page 00) and at the full stop
for token, failing in {"cast": 5, ".": 1}.items():
    one = vectors_of(token, actors + plaster)[-1]
    best = [max((one[at] @ one[other], other) for other in range(6) if other != at)[1] for at in range(6)]
    assert [at for at in range(6) if (best[at] < 3) != (at < 3)] == [failing]

# %% [markdown]
# Five, too. So page 00's five of six does not show that mini knows two meanings of *cast*. These sentences differ in many words. We need pairs that differ in one hint. We wrote eight frames for each of three words, such as:
#
# - The [director / doctor] was pleased with the **cast**.
# - After the [concert / match] everyone talked about the **score**.
#
# What differs in the word's two vectors has come from the hint. For each of the 16 sentences we take the most similar vector among the 14 of the *other* frames. Has it the same meaning? (A person might not get 16 either: a nurse can look at actors.) For luck, we swap the two meanings in some of the eight frames and count again, in all $2^8 = 256$ ways. **p** is the share of them that give as many or more.

# %%
frame = torch.arange(16) // 2  # two sentences a frame, one for each meaning
swaps = torch.cartesian_prod(*[torch.tensor([0, 1])] * 8)  # (way, frame): 1 where the meanings are swapped
meanings = (torch.arange(16) + swaps[:, frame]) % 2  # (way, sentence); the first way swaps nothing


def hits(vectors):
    """How many of 16 are right, with each way to swap the meanings: (way,)."""
    alike = (vectors @ vectors.T).masked_fill(frame[:, None] == frame, -1)  # the same frame does not count
    nearest = alike.argmax(dim=-1)
    return (meanings[:, nearest] == meanings).sum(dim=-1)


# %%
right, middle = {}, torch.tensor([0.05, 0.95])  # nine of ten ways lie between these
for word, frames in SENSES.items():
    parts = [re.split(r"[\[\]/]", one) for one in frames]  # before, one hint, the other hint, after
    sentences = [before + hint + after for before, *hints, after in parts for hint in hints]
    for token in (word, "."):
        counts = right[word, token] = torch.stack([hits(one) for one in vectors_of(token, sentences)])  # (layer, way)
        last = counts[-1].float()
        low, high = last.quantile(middle)
        chance = (last >= last[0]).float().mean()
        print(f"{word:5} at {token:5}: {last[0]:2.0f} of 16;  luck {low:2.0f} to {high:2.0f}, p = {chance:.3f}")

# %% tags=["check:senses"]
# checked: the six counts of the last layer, their luck; layer 0 knows no hint; the sums over the words, and luck's share
assert [counts[-1, 0].item() for counts in right.values()] == [8, 11, 13, 12, 14, 12]
ways = [(counts[-1] >= counts[-1, 0]).sum().item() for counts in right.values()]  # of 256
assert ways == [192, 16, 12, 4, 2, 48] and all(counts.float().mean(dim=1).eq(8).all() for counts in right.values())
for frames in SENSES.values():
    versions = [re.split(r"[\[\]/]", sentence) for sentence in frames]
    assert len(frames) == 8 and len({hint for _, *hints, _ in versions for hint in hints}) == 16
    for start, *hints, end in versions:
        one, other = (tokenizer(start + hint + end, return_tensors="pt")["input_ids"] for hint in hints)
        assert one.shape == other.shape and (one != other).sum() == 1
totals = [sum(right[word, token or word][:, 0] for word in SENSES) for token in ("", ".")]
told = torch.tensor([[24, 40, 35, 36, 33, 36, 35], [24, 28, 29, 30, 28, 30, 35]])
assert (torch.stack(totals) - told).abs().max() <= 1  # two of the vectors are nearly as near


# %% tags=["check:senses-luck"]
# checked: at the word each later layer is beyond luck; the full stop is in the last; so is the word's lead in layer 1 alone
def share_of_luck(tables, at_least):
    """The share of all ways to swap, in three words at once, that give so many or more."""
    one, two, three = (table.short() for table in tables)
    sums = one[:, None, None] + two[:, None] + three
    return (sums >= at_least).float().mean()


for layer in range(1, 7):
    at_word, at_stop = ([right[word, token or word][layer] for word in SENSES] for token in ("", "."))
    assert share_of_luck(at_word, sum(one[0] for one in at_word)) < 0.01
    ahead = [one - other for one, other in zip(at_word, at_stop, strict=True)]
    assert layer > 1 or abs(share_of_luck(ahead, sum(one[0] for one in ahead)) - 0.006) < 0.002
    assert layer in (1, 6) or 0.03 < share_of_luck(ahead, sum(one[0] for one in ahead)) < 0.25
assert share_of_luck(at_stop, sum(one[0] for one in at_stop)) < 0.001

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## *cast*: actors or plaster?
#
# Page 00: for 5 of 6 the most similar *cast* was of the same kind. And for the **full stop**?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# 5 of 6, too. Now only the hint differs: *The [director / doctor] was pleased with the cast.* Right, of 16 (luck, nine of ten):
#
# | | cast | score | star |
# | --- | --- | --- | --- |
# | at the word | 8 (7 to 9) | 13 (4 to 12) | 14 (4 to 12) |
# | at the full stop | 11 (6 to 11) | 12 (5 to 11) | 12 (3 to 12) |
#
# In mini's last layer the full stop does about as well: no proof of two meanings.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Guess for the full stop first. A full stop has no two meanings. So the hint gets into other vectors, too, and this test does not show that mini knows two meanings.

# %%
torch.manual_seed(0)
_, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True, layout="constrained")
for ax, place in zip(axes, ("the word", "the full stop"), strict=True):
    three = [counts for (word, token), counts in right.items() if (token == word) == (place == "the word")]
    swapped = sum(counts[:, torch.randint(256, (10_000,))] for counts in three).float()  # 10,000 ways drawn
    _ = ax.fill_between(range(7), *swapped.quantile(middle, dim=1), color="#d8d8d8", label="luck, nine of ten")
    _ = ax.plot(range(7), sum(counts[:, 0] for counts in three), "o-", color="#a8326e", linewidth=3, label="right, of 48")
    _ = ax.set_title(f"at {place}", fontsize=17), ax.set_xlabel("after layer", fontsize=15), ax.set_ylim(12, 48)
_ = ax.legend(fontsize=14, frameon=False, loc="upper left")

# %% [markdown]
# In the last layer *cast* is no better than luck: page 00's result does not carry over. (Nor could it: in none of the 256 ways has *cast* more than 9. The rest of the frame decides which sentences are alike.) Of six p-values one is easily low, so the chart adds up the three words. In layer 0 no token has seen the hint: 24. At the word 33 to 40 of 48 follow, above luck. At the full stop it is 28 to 30 in layers 1 to 5: less, but above luck in layers 1, 3 and 5, too. In the last layer both have 35. (The word's lead of 12 in layer 1 is beyond luck, p = 0.006; those of 5 or 6 in layers 2 to 5 are not.)
#
# So both take up the hint from layer 1 on, and at the word it shows more. But any vector that has taken up the topic, music or sport, passes this test. So it shows neither that mini knows two meanings of a word, nor that it knows none. (In a larger BERT Wiedemann et al. (2019) found meanings in regions of their own.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Words are cut greedily into pieces. A list of pieces can grow by counting.
# - Word + position + token type, then LayerNorm: one vector for each token.
# - A layer is $x \leftarrow \mathrm{LayerNorm}(x + \mathrm{Sublayer}(x))$, twice: attention, then expand, GELU, contract.
# - Expand and contract have about half of the parameters.
# - In mini much attention goes to the token that has row 0 of the positions, be it `[CLS]` or *film*.
# - Page 00's 5 of 6 for *cast* is no proof of two meanings: the full stop has it, too.
#
# **Next:** page 06 shows how such parameters are learned.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Close the lid: who can draw a layer with all its shapes from memory? The exercises build each part anew.

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# Seven parts, eight short functions. The last, `encoder`, joins `embed` and `layer`, and so your attention of pages 01 and 03; `load_weights` brings mini's parameters into it, and then your own BERT reads. Work in the copy of the [exercises](exercises/05.ipynb) in `notebooks/my`. What passes is kept in `my_bert.py`, beside your attention.

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


# %% tags=["exercises"]
RENAMED = [  # theirs, ours
    ("encoder.layer.", "layers."),
    ("attention.self.", "attention."),
    ("attention.output.LayerNorm", "attention_norm"),
    ("attention.output.dense", "attention.output"),
    ("intermediate.dense", "expand"),
    ("output.LayerNorm", "output_norm"),
    ("output.dense", "contract"),
    ("_embeddings.", "."),
    ("embeddings.LayerNorm", "embeddings.norm"),
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
# `hidden` is (batch, position, size). `weights` has `"expand.weight"` (inner, size), `"expand.bias"`, `"contract.weight"` (size, inner) and `"contract.bias"`. Expand, GELU, contract. GELU is x · Φ(x), and Φ(x), the share of a bell curve below x, is (1 + erf(x / √2)) / 2: the function erf is `torch.erf`. Nothing is added or normed here; that is the layer's job.

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
# `@` works on the last axis, so all tokens of all texts go through at once, each by itself. BERT's GELU is the one with `erf`.

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
# - Devlin, Chang, Lee, Toutanova (2019). *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* arXiv:1810.04805. Vaswani and others (2017). *Attention Is All You Need.* arXiv:1706.03762
# - Word pieces: Schuster, Nakajima (2012). *Japanese and Korean Voice Search.* ICASSP. Byte pairs: Sennrich, Haddow, Birch (2016). *Neural Machine Translation of Rare Words with Subword Units.* arXiv:1508.07909
# - Ba, Kiros, Hinton (2016). *Layer Normalization.* arXiv:1607.06450
# - He, Zhang, Ren, Sun (2016). *Deep Residual Learning for Image Recognition.* arXiv:1512.03385
# - Hendrycks, Gimpel (2016). *Gaussian Error Linear Units (GELUs).* arXiv:1606.08415
# - Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014). *Dropout: A Simple Way to Prevent Neural Networks from Overfitting.* JMLR 15
# - Sun, Chen, Kolter, Liu (2024). *Massive Activations in Large Language Models.* arXiv:2402.17762
# - Wiedemann, Remus, Chawla, Biemann (2019). *Does BERT Make Any Sense? Interpretable Word Sense Disambiguation with Contextualized Embeddings.* arXiv:1909.10430
