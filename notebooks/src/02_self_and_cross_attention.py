# %% [markdown] slideshow={"slide_type": "slide"} question="What changes when a sentence looks at itself, or at another one?"
# # 02 · Self-attention and cross-attention
#
# **The question.** What changes when a sentence looks at itself, and what when it looks at another one?
#
# The answer is short: nothing in the function, everything in what we put into it. First we see that in small numbers. Then we train
# a translator in seconds, watch it look from its translation back to the original, and take that look away from it.
#
# **You need:** notebook 01. **Time:** about 30 minutes to read; the training takes some 15 seconds on two cores.

# %% slideshow={"slide_type": "skip"}
import time

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from bertnotes.attention import MultiHeadAttention, padding_mask, scaled_dot_product_attention
from bertnotes.pictures.attention import attention_heatmap
from bertnotes.pictures.charts import line_chart

torch.manual_seed(0)
torch.set_printoptions(precision=2, sci_mode=False)
print("ready")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1. One sequence or two
#
# The function of notebook 01 takes queries, keys and values. It never asks where they come from.
#
# - **Self-attention**: all three come from *one* sequence. Each word looks at its own sentence.
# - **Cross-attention**: the queries come from one sequence, the keys and values from *another*. Each word of the one looks at the
#   words of the other.
#
# Three English words and two German ones, as vectors of two numbers that we make up: *an animal*, *eats*.

# %%
english, ENGLISH = ["cats", "eat", "mice"], torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.5, -0.5]])
german, GERMAN = ["Katzen", "fressen"], torch.tensor([[2.0, 0.5], [0.0, 2.5]])

itself, self_weights = scaled_dot_product_attention(ENGLISH, ENGLISH, ENGLISH)
across, cross_weights = scaled_dot_product_attention(GERMAN, ENGLISH, ENGLISH)
print("self: ", tuple(self_weights.shape), "weights,", tuple(itself.shape), "output")
print("cross:", tuple(cross_weights.shape), "weights,", tuple(across.shape), "output")

# %% [markdown]
# The weights of self-attention are a square: as many rows as columns. Those of cross-attention are a rectangle: **a row for
# each word that asks, a column for each word that is asked**. And there are as many outputs as there were queries.

# %% slideshow={"slide_type": "subslide"}
figure, axes = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
ax = attention_heatmap(self_weights, english, ax=axes[0], title="self: English looks at English")
ax = attention_heatmap(cross_weights, german, english, ax=axes[1], title="cross: German looks at English")
assert self_weights.shape == (3, 3) and cross_weights.shape == (2, 3)
assert english[cross_weights[0].argmax()] == "cats" and english[cross_weights[1].argmax()] == "eat"
print("Katzen looks most at cats, fressen most at eat")

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** The two sequences may differ in length. What must they have in common? Think of the first step, the dot product of a
# query with a key.

# %%
try:
    scaled_dot_product_attention(torch.ones(2, 3), ENGLISH, ENGLISH)
except ValueError as error:
    print(error)

# %% [markdown] slideshow={"slide_type": "subslide"}
# The vectors must be equally long, else there is no dot product. In a real model the matrices $W_Q$ and $W_K$ see to that.
# `MultiHeadAttention`, the module of the next page, has them inside, and works both ways too: give it one sequence, and it looks
# at itself; give it two, and the first looks at the second.

# %%
attention = MultiHeadAttention(hidden_size=2, num_heads=1)
with torch.no_grad():
    same, _ = attention(ENGLISH[None])  # [None]: a batch of one
    spelled_out, _ = attention(ENGLISH[None], ENGLISH[None], ENGLISH[None])
    other, weights = attention(GERMAN[None], ENGLISH[None])
assert torch.equal(same, spelled_out)
print("one sequence:", tuple(same.shape), "  two:", tuple(other.shape), "with weights", tuple(weights.shape))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2. A translator
#
# Cross-attention was invented for translation (Bahdanau et al. 2015). In German, *21* is *ein und zwanzig*, one and twenty: the
# second digit is spoken first. Our translator turns rows of two-digit numbers into German words:
#
# `2 1 4 7` becomes *ein und zwanzig sieben und vierzig*
#
# We know which digit each word comes from, so we can check whether the translator looks there.

# %%
ONES = "ein zwei drei vier fünf sechs sieben acht neun".split()  # 1 to 9
TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()  # 2 to 9
WORDS = ["<pad>", "<go>", "und", *ONES, *TENS]  # what the translator can say


def say(digits):
    """21 47 as a row of digits to German words."""
    pairs = zip(digits[::2], digits[1::2], strict=True)
    return [word for tens, ones in pairs for word in (ONES[ones - 1], "und", TENS[tens - 2])]


print(*say([2, 1, 4, 7]))
assert say([2, 1]) == ["ein", "und", "zwanzig"]

# %% [markdown] slideshow={"slide_type": "subslide"}
# A batch for training: rows of one to six numbers, at random. The shorter rows are filled up with 0, which is not a digit of
# ours: **padding**. `to_say` are the words as numbers, filled up too.

# %%
LONGEST = 6  # numbers in a row


def make_batch(count, generator, length=None):
    """Returns digits (count, 2 LONGEST) and the words to say (count, 3 LONGEST), both padded with 0."""
    digits = torch.randint(1, 10, (count, LONGEST, 2), generator=generator)
    digits[..., 0].clamp_(min=2)
    lengths = torch.randint(1, LONGEST + 1, (count,), generator=generator) if length is None else torch.full((count,), length)
    digits[torch.arange(LONGEST) >= lengths[:, None]] = 0
    und = torch.where(digits[..., 0] > 0, WORDS.index("und"), 0)
    ones = torch.where(digits[..., 1] > 0, digits[..., 1] + WORDS.index("ein") - 1, 0)
    tens = torch.where(digits[..., 0] > 0, digits[..., 0] + WORDS.index("zwanzig") - 2, 0)
    return digits.flatten(1), torch.stack([ones, und, tens], dim=-1).flatten(1)


# %%
digits, to_say = make_batch(500, torch.Generator().manual_seed(0))
for row, said in zip(digits.tolist(), to_say.tolist(), strict=True):
    assert say([digit for digit in row if digit]) == [WORDS[word] for word in said if word]
print("500 rows, each said as the function above says it; the first:", *digits[0].tolist())

# %% [markdown] slideshow={"slide_type": "slide"}
# ### An encoder and a decoder
#
# The **encoder** reads the digits. The **decoder** writes the words, one after another: from the words so far it works out the
# next. Both are GRUs, small networks that read a row from left to right and carry along one vector, their memory (Cho et al.
# 2014a). The encoder's last memory is handed to the decoder, which starts from it.
#
# One line makes the difference: with `looks_back`, each decoder state is a **query**, and the digits' vectors are **keys and values**.
# We take these vectors (digit and place) from before the encoder, so that each stands for one digit alone and the picture of the
# weights is easy to read; Bahdanau et al. (2015) and Vaswani et al. (2017) take the encoder's outputs.

# %% slideshow={"slide_type": "subslide"}
SIZE = 64


class Translator(nn.Module):
    def __init__(self, looks_back):
        super().__init__()
        self.digit, self.place = nn.Embedding(10, SIZE), nn.Embedding(2 * LONGEST, SIZE)
        self.word = nn.Embedding(len(WORDS), SIZE)
        self.encoder, self.decoder = nn.GRU(SIZE, SIZE, batch_first=True), nn.GRU(SIZE, SIZE, batch_first=True)
        self.cross_attention = MultiHeadAttention(SIZE, num_heads=1) if looks_back else None
        self.answer = nn.Linear(SIZE, len(WORDS))


for name, looks_back in (("with", True), ("without", False)):
    print(f"{name} cross-attention: {sum(weight.numel() for weight in Translator(looks_back).parameters()):,} weights")

# %% [markdown] slideshow={"slide_type": "subslide"}
# What it does with a batch. `said` are the words said so far, `<go>` in front; the result has scores for the next word at each
# of them.


# %%
def forward(self, digits, said, mask=True):
    """(batch, 2 LONGEST) and (batch, words) to scores (batch, words, vocabulary) and weights (batch, words, digits)."""
    source = self.digit(digits) + self.place.weight[: digits.shape[1]]
    steps, _ = self.encoder(source)
    last = steps[torch.arange(len(digits)), (digits > 0).sum(1) - 1]  # the memory after the last digit, not after the padding
    states, _ = self.decoder(self.word(said), last[None].contiguous())
    if self.cross_attention is None:
        return self.answer(states), None
    found, weights = self.cross_attention(states, source, mask=padding_mask(digits > 0) if mask else None)
    return self.answer(states + found), weights[:, 0]


Translator.forward = forward

# %% [markdown]
# The lesson: at each place, name the next word. The words before it are given, as they should have been. Both translators, with
# and without cross-attention, get the same lessons.


# %% slideshow={"slide_type": "subslide"}
def teach(looks_back, steps=400):
    torch.manual_seed(0)
    model, generator = Translator(looks_back), torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    for _ in range(steps):
        digits, to_say = make_batch(64, generator)
        scores, _ = model(digits, shifted(to_say))
        loss = cross_entropy(scores.flatten(0, 1), to_say.flatten(), ignore_index=0)  # 0: padding is no answer
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


# %% tags=["timing", "nbval-ignore-output"]
def shifted(to_say):
    """<go> in front, the last word away: what has been said before each word."""
    return torch.cat([torch.full((len(to_say), 1), WORDS.index("<go>")), to_say[:, :-1]], dim=1)


started = time.perf_counter()
with_attention, without = teach(True), teach(False)
print(f"both trained in {time.perf_counter() - started:.1f} s")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What it learned, and what is lost without
#
# Now they translate on their own, word by word, each on what it has said itself. 200 rows of each length: in how many is every
# word right? The short rows are no news to them: of one number there are only 72, and all were met in the lessons.


# %%
@torch.inference_mode()
def translate(model, digits, words, mask=True):
    """Say so many words, each time the likeliest one."""
    said = torch.full((len(digits), 1), WORDS.index("<go>"))
    for _ in range(words):
        scores, weights = model(digits, said, mask)
        said = torch.cat([said, scores[:, -1:].argmax(-1)], dim=1)
    return said[:, 1:], weights


# %%
def share_right(model, length):
    digits, to_say = make_batch(200, torch.Generator().manual_seed(100 + length), length)
    said, _ = translate(model, digits, 3 * length)
    return (said == to_say[:, : 3 * length]).all(dim=1).float().mean().item()


lessons, met = torch.Generator().manual_seed(1), set()  # the rows of teach again
for _ in range(400):
    met.update(tuple(row[:2]) for row in make_batch(64, lessons)[0].tolist() if not row[2])
print(f"rows of one number met in the lessons: {len(met)} of {len(TENS) * len(ONES)}")
lengths = list(range(1, LONGEST + 1))
right = {name: [share_right(model, n) for n in lengths] for name, model in (("with", with_attention), ("without", without))}

# %% slideshow={"slide_type": "subslide"}
ax = line_chart(lengths, right, xlabel="numbers in a row", title="rows translated without a mistake", logarithmic="")
_ = ax.set_ylim(-0.03, 1.08)
assert min(right["with"]) > 0.95 and right["without"][0] > 0.9 and right["without"][-1] < 0.5
print("with cross-attention: above 0.95 at every length")
print("without: above 0.9 for one number, below 0.5 for six")

# %% [markdown]
# Without cross-attention, everything about the digits must pass through **one vector**, the encoder's last memory. After 400
# lessons it carries few. Translation before attention often looked like this: worse the longer the sentences got (Cho et al. 2014b;
# Bahdanau et al. 2015, figure 2). Not always: Sutskever et al. (2014), with a deeper, larger LSTM and the source reversed, saw no
# such drop. With cross-attention, each word goes and looks for itself.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Where does it look?
#
# One row of three numbers. A row of the picture is a word that is about to be said, a column is a digit.
#
# **Question.** How should the picture look, if the translator looks at the digit that it needs?

# %%
digits = torch.tensor([[4, 7, 2, 1, 9, 5]])
said, weights = translate(with_attention, digits, 9)
spoken = [WORDS[word] for word in said[0]]
ax = attention_heatmap(weights[0], spoken, [str(digit) for digit in digits[0].tolist()], title="cross-attention")
print(*spoken)
assert spoken == say(digits[0].tolist())

# %% [markdown] slideshow={"slide_type": "subslide"}
# Pairs of crosswise steps: the second digit first. This is an **alignment**, and nobody showed it to the model. How good is it? We
# know the digit that each word comes from (all but *und*, which comes from none), so we count over 200 rows of six.

# %%
digits, to_say = make_batch(200, torch.Generator().manual_seed(7), LONGEST)
with torch.inference_mode():
    _, weights = with_attention(digits, shifted(to_say))
looks_at = weights.argmax(dim=-1).unflatten(1, (LONGEST, 3))  # (row, number, word of it)
first = 2 * torch.arange(LONGEST)
aligned = {"ones": looks_at[..., 0] == first + 1, "tens": looks_at[..., 2] == first}
for name, hits in aligned.items():
    print(f"the words for {name} look most at their own digit in more than 95 % of cases: {hits.float().mean().item() > 0.95}")
    assert hits.float().mean() > 0.95

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3. Padding: why a mask is not optional
#
# The rows of a batch are of one length, so short ones were padded, and the mask kept everybody from looking there. What if we
# forget it? We translate single numbers, padded to the length of six, with the mask and without. It is the same model.

# %%
digits, to_say = make_batch(200, torch.Generator().manual_seed(11), length=1)
short_digits = digits[:, :2]  # never padded
alone, _ = with_attention(short_digits, shifted(to_say[:, :3]))
masked, _ = with_attention(digits, shifted(to_say[:, :3]))
forgotten, forgotten_weights = with_attention(digits, shifted(to_say[:, :3]), mask=False)
assert torch.allclose(alone, masked, atol=1e-5) and not torch.allclose(alone, forgotten, atol=0.1)
wasted = forgotten_weights[..., 2:].sum(dim=-1).mean().item()
print("with the mask, the scores are those of the unpadded row; without, they are others")
print(f"without it some attention goes to places where nothing stands: {wasted > 0.01}")

# %% [markdown]
# The danger: **no error, no warning**. The numbers are off, in BERT by most of the vector's length (below), and it depends on who
# else is in the batch. Here is the same with the real BERT that comes with the course. Two sentences, one much longer; we look at
# the vector of `[CLS]` of the short one.

# %% slideshow={"slide_type": "subslide"}
from bertnotes import load_encoder, load_tokenizer

tokenizer, encoder = load_tokenizer(), load_encoder()
SHORT = "A fine film."
LONG = "I had not expected much of it, and for the first half hour I was right, but then the story finds its feet."
batch = tokenizer([SHORT, LONG], padding=True, return_tensors="pt")
with torch.inference_mode():
    alone = encoder(**tokenizer(SHORT, return_tensors="pt")).last_hidden_state[0, 0]
    masked = encoder(**batch).last_hidden_state[0, 0]
    forgotten = encoder(batch["input_ids"]).last_hidden_state[0, 0]  # everything may be looked at
for name, vector in (("masked", masked), ("not masked", forgotten)):
    apart = (vector - alone).norm() / alone.norm()
    print(f"{name:10} differs from the sentence alone by {'less than 0.1 %' if apart < 0.001 else 'more than 50 %'}")
    assert apart < 1e-3 if name == "masked" else apart > 0.5

# %% [markdown]
# So: whatever you compute in batches, give the mask along, and test it once as above: **alone and in a batch, the result is the
# same.** In this course `True` means *may look*. Other libraries have it the other way round, and a mask the wrong way round does not
# complain either: then the words look at the padding alone.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4. And BERT?
#
# BERT has **no cross-attention**. It is an encoder only, without a decoder that would have to look back. When it is to compare two
# sentences, they are laid end to end, and self-attention does both: each word looks at its own sentence *and* at the other.

# %%
A, B = "The film was made in France.", "It is a French film."
pair = tokenizer(A, B, return_tensors="pt")
tokens, kinds = tokenizer.convert_ids_to_tokens(pair["input_ids"][0]), pair["token_type_ids"][0]
with torch.inference_mode():
    weights = torch.stack(encoder(**pair, output_attentions=True).attentions)[:, 0]  # (layer, head, query_pos, key_pos)
print("token types:", *kinds.tolist())
print(f"self-attention over both: {tuple(weights.shape)}")

# %% [markdown]
# The square has four parts: A looks at A, A at B, B at A, B at B. The two off the diagonal are what cross-attention would be. We
# draw the head in which most attention crosses over, leaving out `[CLS]` and `[SEP]`, and let the code find it.

# %% slideshow={"slide_type": "subslide"}
ordinary = ~torch.isin(pair["input_ids"][0], torch.tensor(tokenizer.all_special_ids))
in_a, in_b = ordinary & (kinds == 0), ordinary & (kinds == 1)
crossing = weights[..., in_a, :][..., in_b].sum(-1).mean(-1) + weights[..., in_b, :][..., in_a].sum(-1).mean(-1)
layer, head = divmod(int(crossing.argmax()), weights.shape[1])
ax = attention_heatmap(weights[layer, head], tokens, vmax=0.5, title=f"layer {layer + 1}, head {head + 1}")
border = (kinds == 0).sum().item() - 0.5
lines = [draw(border, color="#c55a11", linewidth=2) for draw in (ax.axhline, ax.axvline)]
print("some head sends more than a quarter of its attention across:", crossing.max().item() / 2 > 0.25)
assert crossing.max() / 2 > 0.25

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap
#
# - One function. From one sequence: self-attention, a square. Queries from one and keys and values from another:
#   cross-attention, a rectangle.
# - Cross-attention lets a decoder look at the original instead of remembering all of it in one vector. What it looks at can be
#   read as an alignment, and here it is the right one.
# - In a batch, the mask is part of the answer. Without it nothing breaks, and the result is wrong.
# - BERT has self-attention only, over one text or over two laid end to end.
#
# Next: 03 looks several times at once.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Try it: your numbers
#
# One to six numbers from 21 to 99, no 0 in them. Does it translate yours, and where does it look?

# %% tags=["timing", "nbval-ignore-output"]
MY_NUMBERS = [21, 47, 98, 33]  # change me

assert 1 <= len(MY_NUMBERS) <= LONGEST, f"one to {LONGEST} numbers"
assert all(21 <= n <= 99 and n % 10 for n in MY_NUMBERS), "numbers from 21 to 99 that do not end in 0"
mine = torch.tensor([[digit for n in MY_NUMBERS for digit in divmod(n, 10)]])
said, weights = translate(with_attention, mine, 3 * len(MY_NUMBERS))
spoken = [WORDS[word] for word in said[0]]
ax = attention_heatmap(weights[0], spoken, [str(digit) for digit in mine[0].tolist()], numbers=False)
print(*spoken, "- right" if spoken == say(mine[0].tolist()) else "- wrong")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Try it: which shape?
#
# A decoder has said 5 words. The original has 8. There are 2 sentences in the batch and 4 heads. What shape do the weights of
# its cross-attention have? The order is batch, head, query, key.

# %%
MY_SHAPE = None  # for example (2, 4, 8, 8)

# %%
if MY_SHAPE is None:
    print("no answer yet: set MY_SHAPE above and run both cells")
else:
    _, weights = MultiHeadAttention(hidden_size=8, num_heads=4)(torch.ones(2, 5, 8), torch.ones(2, 8, 8))
    right = tuple(MY_SHAPE) == tuple(weights.shape)
    print("right" if right else "not yet: the words that ask are the rows, the words that are asked the columns")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Try it: the mask the wrong way round
#
# Below, `mine` is True where somebody may look. Turn it round with `~`. What do the weights of the two real words become, and
# where does their attention go?

# %%
three = torch.tensor([[1, 1, 0]])  # two words and one of padding
mine = padding_mask(three)  # change me: ~padding_mask(three)

_, weights = scaled_dot_product_attention(ENGLISH[None, None], ENGLISH[None, None], ENGLISH[None, None], mine)
print(weights[0, 0])
print("attention on padding:", f"{weights[0, 0, :, 2].sum():.2f} of {weights[0, 0].sum():.2f}")

# %% [markdown]
# **Sources.** Bahdanau, Cho & Bengio 2015, *Neural Machine Translation by Jointly Learning to Align and Translate* · Cho, van
# Merriënboer, Gulcehre et al. 2014a, *Learning Phrase Representations using RNN Encoder-Decoder* (the GRU) · Cho, van
# Merriënboer, Bahdanau & Bengio 2014b, *On the Properties of Neural Machine Translation* (the length of the sentences) ·
# Sutskever, Vinyals & Le 2014, *Sequence to Sequence Learning with Neural Networks* · Vaswani et al. 2017, *Attention Is All You
# Need*, section 3.2.3
