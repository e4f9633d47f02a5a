# %% [markdown] slideshow={"slide_type": "slide"} question="Why look several times at once?"
# # 03 · Many heads
#
# **The question.** BERT looks at a sentence twelve times at once in each layer. Why is once not enough?
#
# First on paper, then with a task that one look cannot solve and eight looks can. Then we take a real BERT layer apart and rebuild
# it, count where the weights are, and switch off the heads of a trained BERT one by one to see which of them it would miss.
#
# **You need:** notebooks 01 and 02. **Time:** about 30 minutes to read; the page runs in under a minute on two cores.

# %% slideshow={"slide_type": "skip"}
import math
import time

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from bertnotes.attention import MultiHeadAttention, scaled_dot_product_attention
from bertnotes.pictures.attention import attention_heatmap, weight_bars
from bertnotes.pictures.style import AMOUNT, INK

torch.manual_seed(0)
torch.set_printoptions(precision=2, sci_mode=False)
print("ready")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1. One look gives one mixture
#
# The weights of a row sum to 1: a word has *one* unit of attention. If it needs two things, from two places, it must share out,
# and gets the average of both. Say *cried* wants to know **who** and **why**:

# %%
words = ["sister", "cried", "because", "dog", "died"]
values = torch.tensor([[8.0, 0.0], [0.0, 0.0], [0.0, 0.0], [4.0, 0.0], [0.0, 6.0]])
one_look = torch.tensor([0.5, 0.0, 0.0, 0.0, 0.5])  # half for sister, half for died
print("sister:", values[0], " died:", values[4])
print("one look at both:", one_look @ values)
assert (one_look @ values).tolist() == [4, 3]

# %% [markdown]
# The first number, 4, could be half a *sister* or a whole *dog*. **An average forgets what it was made of.** Two looks, each with
# its own unit of attention, keep apart what one look mixes:

# %%
two_looks = torch.tensor([[1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0]])
print((two_looks @ values).flatten(), "two results, laid end to end")
assert (two_looks @ values).flatten().tolist() == [8, 0, 0, 6]

# %% [markdown]
# Each such look is a **head**. It has its own queries, keys and values, so each can search for something else (Vaswani et al. 2017,
# section 3.2.2):
#
# $$\mathrm{head}_i = \mathrm{Attention}(Q W_i^Q,\; K W_i^K,\; V W_i^V) \qquad
# \mathrm{MultiHead} = \mathrm{Concat}(\mathrm{head}_1, \dots, \mathrm{head}_h)\, W^O$$

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2. Split, attend, merge
#
# Eight looks need as many parameters and multiplications as one, since each head works with an eighth of the numbers; only the
# tables of attention weights are eight times as many. A vector of 4 and two heads: the first head gets the first two numbers of
# query, key and value, the second the last two.
#
# **Split.** From (batch, position, hidden size) to (batch, head, position, head size):

# %%
hidden = torch.arange(12.0).view(1, 3, 4)  # one sentence of three words, four numbers each
heads = hidden.view(1, 3, 2, 2).transpose(1, 2)
print(hidden[0], "split:", heads[0], sep="\n")
assert heads[0, 0].equal(hidden[0, :, :2]) and heads[0, 1].equal(hidden[0, :, 2:])

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Attend.** The function of notebook 01 does not care how many axes stand in front: it works for each head by itself.
# **Merge.** Back to one vector a word, the heads' results end to end:

# %%
output, weights = scaled_dot_product_attention(heads, heads, heads)
merged = output.transpose(1, 2).reshape(1, 3, 4)
print("output:", tuple(output.shape), " weights:", tuple(weights.shape), " merged:", tuple(merged.shape))
for head in (0, 1):
    part = hidden[..., 2 * head : 2 * head + 2]
    assert torch.allclose(merged[..., 2 * head : 2 * head + 2], scaled_dot_product_attention(part, part, part)[0])
print("each head's part of the result is attention on its part of the numbers, and nothing else")

# %% [markdown] slideshow={"slide_type": "subslide"}
# And the price? We count as in notebook 01, for ten words of 64 numbers (section 5 counts the parameters):

# %%
from torch.utils.flop_counter import FlopCounterMode

for count in (1, 8):
    parts = torch.ones(1, 10, count, 64 // count).transpose(1, 2)
    with FlopCounterMode(display=False) as counter:
        tables = scaled_dot_product_attention(parts, parts, parts)[1]
    print(f"heads: {count}, multiplications and additions: {counter.get_total_flops():,}, attention weights: {tables.numel()}")

# %% [markdown]
# So far the heads know nothing of each other. The last matrix, $W^O$, mixes what they found. All together, in a dozen lines:


# %%
class OurMultiHeadAttention(nn.Module):
    def __init__(self, hidden_size, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.query, self.key, self.value, self.output = (nn.Linear(hidden_size, hidden_size) for _ in range(4))

    def forward(self, hidden):
        batch, length, size = hidden.shape
        q, k, v = (
            part(hidden).view(batch, length, self.num_heads, -1).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        output, weights = scaled_dot_product_attention(q, k, v)
        return self.output(output.transpose(1, 2).reshape(batch, length, size)), weights


# %% [markdown] slideshow={"slide_type": "subslide"}
# Is it the same as the library's, and as PyTorch's own `nn.MultiheadAttention`? We give all three the same weights. (PyTorch keeps
# the three matrices for query, key and value in one, stacked.)

# %% slideshow={"slide_type": "subslide"}
ours, library = OurMultiHeadAttention(24, 4), MultiHeadAttention(hidden_size=24, num_heads=4)
official = nn.MultiheadAttention(24, 4, batch_first=True)
library.load_state_dict(ours.state_dict())
with torch.no_grad():
    official.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
    official.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key.bias, ours.value.bias]))
    official.out_proj.load_state_dict(ours.output.state_dict())
    hidden = torch.randn(2, 7, 24)
    results = [ours(hidden), library(hidden), official(hidden, hidden, hidden, average_attn_weights=False)]
for output, weights in results[1:]:
    assert torch.allclose(output, results[0][0], atol=1e-6) and torch.allclose(weights, results[0][1], atol=1e-6)
print("all three agree: output", tuple(results[0][0].shape), "weights", tuple(results[0][1].shape))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 3. A task that needs two looks
#
# Rows of random letters. At each place, name **two** letters: the one before and the one after. Letters are random, so nothing helps
# but looking there.
#
# We give this to one layer of attention, once with one head and once with eight. Both have exactly as many weights.
#
# **Question.** How well can *one* head do? It may look at one neighbour only, or at both by halves.

# %%
LETTERS, LENGTH, SIZE = 26, 12, 64


class Neighbours(nn.Module):
    """Embeddings, one multi-head attention, and two answers at each place: the letter before and the letter after."""

    def __init__(self, num_heads):
        super().__init__()
        self.letter, self.place = nn.Embedding(LETTERS, SIZE), nn.Embedding(LENGTH, SIZE)
        self.attention = MultiHeadAttention(SIZE, num_heads)
        self.before, self.after = nn.Linear(SIZE, LETTERS), nn.Linear(SIZE, LETTERS)

    def forward(self, letters):
        found, weights = self.attention(self.letter(letters) + self.place.weight)
        return torch.stack([self.before(found), self.after(found)], dim=1), weights  # (batch, 2, place, letter)


# %%
sizes = [sum(weight.numel() for weight in Neighbours(heads).parameters()) for heads in (1, 8)]
print(f"one head: {sizes[0]:,} weights; eight heads: {sizes[1]:,}")
assert sizes[0] == sizes[1]

# %% [markdown]
# The first place has no letter before it and the last none after it: these two are not asked.


# %% slideshow={"slide_type": "subslide"}
def answers(letters):
    return torch.stack([letters[:, :-2], letters[:, 2:]], dim=1)  # (batch, 2, place): before and after


def teach(num_heads, steps=600):
    torch.manual_seed(0)
    model = Neighbours(num_heads)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(steps):
        letters = torch.randint(LETTERS, (64, LENGTH))
        loss = cross_entropy(model(letters)[0][:, :, 1:-1].flatten(0, 2), answers(letters).flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


# %% tags=["timing", "nbval-ignore-output"]
started = time.perf_counter()
models = {1: teach(1), 8: teach(8)}
print(f"{time.perf_counter() - started:.1f} s")

# %%
letters = torch.randint(LETTERS, (1000, LENGTH), generator=torch.Generator().manual_seed(5))
scores = {}
with torch.no_grad():
    for heads, model in models.items():
        right = model(letters)[0][:, :, 1:-1].argmax(-1) == answers(letters)
        scores[heads] = {"both": right.all(dim=1).float().mean().item(), "each": right.float().mean(dim=(0, 2)).tolist()}
assert scores[8]["both"] > 0.97 and scores[1]["both"] < 0.5
print("both neighbours named right: eight heads above 0.97, one head below 0.5")

# %% tags=["timing", "nbval-ignore-output"] slideshow={"slide_type": "subslide"}
for heads, score in scores.items():
    before, after = score["each"]
    print(f"{heads} head{'s' * (heads > 1)}: before {before:.2f}, after {after:.2f}, both {score['both']:.2f}")

# %% [markdown]
# One of the two sides it gets right, the other not. Why? We look at where the heads look. For the eight, the code picks out the one
# that puts most on the place before, and the one that puts most on the place after.

# %% slideshow={"slide_type": "subslide"}
with torch.no_grad():
    weights = {heads: model(letters)[1].mean(0) for heads, model in models.items()}  # (head, query, key), on average
offsets = {heads: torch.stack([w.diagonal(step, -2, -1).mean(-1) for step in (-1, 1)], dim=-1) for heads, w in weights.items()}
back, ahead = offsets[8].argmax(dim=0).tolist()
_, axes = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
places = [str(place + 1) for place in range(LENGTH)]
for ax, matrix, title in (
    (axes[0], weights[1][0], "the only head"),
    (axes[1], weights[8][back], "of eight: looks back"),
    (axes[2], weights[8][ahead], "of eight: looks ahead"),
):
    attention_heatmap(matrix, places, ax=ax, numbers=False, title=title)
assert back != ahead and offsets[1].min() > 0.25 and offsets[8].amax(0).min() > 0.75
print("the only head looks both ways, with more than a quarter each; among the eight one looks back and another one ahead")

# %% [markdown]
# The only head looks at both neighbours at once and gets a mixture of two letters. Whichever side it mixes in more strongly it
# can name; the other it must guess. Eight heads need no such compromise.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 4. The same in a real BERT
#
# Now the trained model that comes with the course. In its first layer: does *our* dozen lines of section 2, with BERT's
# matrices in them, compute what BERT computes?

# %%
from bertnotes import load_encoder, load_tokenizer

tokenizer, encoder = load_tokenizer(), load_encoder()
config = encoder.config
inputs = tokenizer("She said that she had never seen a film like this.", return_tensors="pt")
tokens = tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
with torch.no_grad():
    bert = encoder(**inputs, output_attentions=True)
    hidden = encoder.embeddings(inputs["input_ids"])
layer = encoder.encoder.layer[0].attention
print(f"{config.num_attention_heads} heads of {config.hidden_size // config.num_attention_heads} numbers each")

# %% slideshow={"slide_type": "subslide"}
ours = OurMultiHeadAttention(config.hidden_size, config.num_attention_heads)
ours.query.load_state_dict(layer.self.query.state_dict())
ours.key.load_state_dict(layer.self.key.state_dict())
ours.value.load_state_dict(layer.self.value.state_dict())
ours.output.load_state_dict(layer.output.dense.state_dict())
with torch.no_grad():
    output, weights = ours(hidden)
    expected = layer.output.dense(layer.self(hidden)[0])
assert torch.allclose(weights, bert.attentions[0], atol=1e-5)
assert torch.allclose(output, expected, atol=1e-4)
print("weights and output are BERT's")

# %% [markdown]
# Four of its heads side by side, on one sentence: same words, same moment, four different looks. Notebook 07 has all of them.

# %% slideshow={"slide_type": "subslide"}
figure, axes = plt.subplots(2, 2, figsize=(12, 11), layout="constrained")
for head, ax in enumerate(axes.flat):
    attention_heatmap(weights[0, head], tokens, ax=ax, numbers=False, title=f"layer 1, head {head + 1}")
apart = [(weights[0, a] - weights[0, b]).abs().sum(-1).mean().item() / 2 for a in range(4) for b in range(a)]
print(f"any two of these place at least {min(apart):.0%} of their attention differently")
assert min(apart) > 0.05

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 5. Where the weights are
#
# Four matrices of hidden size × hidden size, and a bias each: $4 (d^2 + d)$. **The number of heads is not in it.** More heads
# are smaller heads.
#
# In BERT attention is the smaller part of a layer: the two linear maps behind it (notebook 05) have twice as many.

# %%
d = config.hidden_size
for heads in (1, 2, config.num_attention_heads):
    assert sum(weight.numel() for weight in MultiHeadAttention(d, heads).parameters()) == 4 * (d**2 + d)
parts = {"embeddings": encoder.embeddings, "attention": [], "feed-forward": [], "pooler": encoder.pooler}
for block in encoder.encoder.layer:
    parts["attention"].append(block.attention)
    parts["feed-forward"].extend([block.intermediate, block.output])
counts = {name: sum(w.numel() for w in nn.ModuleList(part if isinstance(part, list) else [part]).parameters())
          for name, part in parts.items()}  # fmt: skip
assert sum(counts.values()) == sum(weight.numel() for weight in encoder.parameters())
total = sum(counts.values())
print(", ".join(f"{name} {count / total:.0%}" for name, count in counts.items()), f"of {total / 1e6:.1f} million")

# %% slideshow={"slide_type": "subslide"}
figure, ax = plt.subplots(figsize=(7, 2.8), layout="constrained")
ax = weight_bars([count / total for count in counts.values()], counts, ax=ax, title="where the weights are, as a share")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 6. Which heads would be missed?
#
# We switch heads off, one at a time, and let the model guess hidden words (notebook 06). If the guesses get worse, the head was
# needed. To switch a head off it is enough to set to zero the rows of $W^O$ that its result meets: what it found then reaches
# nobody. (In the code they are columns: PyTorch keeps $W^O$ transposed, as `weight`.)
#
# The measure is the loss: the average of $-\ln p$ of the right word, lower is better. The text is from the course's reviews.

# %%
from bertnotes.data import FIRST_REVIEWS as REVIEWS
from bertnotes.data import load_imdb_data
from bertnotes.encoder import BertEncoder
from bertnotes.masked_lm import IGNORED, mask_tokens, pack

model = BertEncoder.from_pretrained()
rows = pack(tokenizer, load_imdb_data(REVIEWS, sample=80, seed=0)[0], length=64)[:64].long()
masked, labels = mask_tokens(rows, tokenizer, 0.15, torch.Generator().manual_seed(0))
CHOOSING, MEASURING = slice(0, 32), slice(32, 64)  # rows to choose heads by, and others to measure the choice on


# %%
from contextlib import contextmanager


@torch.inference_mode()
def loss_of(model, part=CHOOSING):
    """The mean loss at the hidden words of some rows, in nats."""
    asked = labels[part] != IGNORED
    hidden = model(masked[part]).last_hidden_state[asked]
    return cross_entropy(model.word_logits(hidden), labels[part][asked]).item()


whole = loss_of(model)
print(f"with all heads it wavers as among fewer than 150 words: {math.exp(whole) < 150}")
assert math.exp(whole) < 150


# %% slideshow={"slide_type": "subslide"}
@contextmanager
def heads_off(model, heads):
    """Inside the block these heads, [(layer, head), ...], are silent; after it they are back."""
    size = model.config.hidden_size // model.config.num_attention_heads
    outputs = [layer.attention.output.weight.data for layer in model.layers]
    before = [output.clone() for output in outputs]
    try:
        for layer, head in heads:
            outputs[layer][:, head * size : (head + 1) * size] = 0
        yield
    finally:  # even after an error or an interrupt
        for output, kept in zip(outputs, before, strict=True):
            output.copy_(kept)


# %%
with heads_off(model, [(0, 0)]):
    without_first = loss_of(model)
assert loss_of(model) == whole and without_first != whole
print("switched off and on again, the model is as before")

# %% slideshow={"slide_type": "subslide"}
layers, heads = config.num_hidden_layers, config.num_attention_heads
missed = torch.zeros(layers, heads)
for layer in range(layers):
    for head in range(heads):
        with heads_off(model, [(layer, head)]):
            missed[layer, head] = loss_of(model) - whole

# %% tags=["timing", "nbval-ignore-output"]
figure, ax = plt.subplots(figsize=(9, 4.4), layout="constrained")
image = ax.imshow(missed.clamp(min=0), cmap=AMOUNT, vmin=0)
ax.set_xticks(range(heads), range(1, heads + 1), fontsize=12)
ax.set_yticks(range(layers), range(1, layers + 1), fontsize=12)
ax.set_xlabel("head", fontsize=13, color=INK)
ax.set_ylabel("layer", fontsize=13, color=INK)
bar = figure.colorbar(image, ax=ax)
text = bar.ax.set_title("nats", fontsize=11)
layer, head = divmod(int(missed.argmax()), heads)
print(
    f"missed most: layer {layer + 1}, head {head + 1}, {missed.max():.3f} nats; half of the heads: below {missed.median():.3f}"
)

# %%
assert missed.max() > 4 * missed.median() and missed.quantile(0.75) < 0.005 * whole
print("one head alone costs more than four times what a middling one costs,")
print("but three heads in four cost, each alone, less than half a per cent of the loss")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Most heads can go alone with little harm; a few are missed. Michel et al. (2019) removed heads one at a time, from a large
# translator and from BERT, and found the same. But *alone* is the word: can half of the heads go **together**? We switch off the
# half that was missed least, and for comparison a half drawn at random, five times. The half was chosen on some rows, so we
# measure on others: a choice looks better than it is on the text by which it was made.

# %% slideshow={"slide_type": "subslide"}
order = missed.flatten().argsort()
half = len(order) // 2
generator = torch.Generator().manual_seed(0)
halves = [order[:half], *(torch.randperm(len(order), generator=generator)[:half] for _ in range(5))]
whole_there, costs = loss_of(model, MEASURING), []
for chosen in halves:
    with heads_off(model, [divmod(int(index), heads) for index in chosen]):
        costs.append(loss_of(model, MEASURING) - whole_there)
assert costs[0] < min(costs[1:]) and costs[0] < 0.6 * sorted(costs[1:])[2]
assert 0.2 < costs[0] < 0.4
print("the half that was missed least costs less than each random half, and less than 0.6 of the middle one,")
print("but 0.2 to 0.4 nats it does cost")

# %% tags=["timing", "nbval-ignore-output"]
print(f"nats lost without the half that was missed least: {costs[0]:.2f}")
print("without a random half:", *[f"{cost:.2f}" for cost in costs[1:]])

# %% [markdown]
# So the work is not spread evenly, but half of the heads together are another matter than one at a time. Even the half that was
# missed least costs about 0.3 nats: the model wavers as among a third more words, $e^{0.3} \approx 1.35$.
#
# A model that is to be made smaller for good is trained further. Voita et al. (2019) removed most heads of the encoder of a
# translator (6 layers of 8 heads) together, with gates that learned in training which to close.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap
#
# - A head has one unit of attention and gives one mixture. What one mixture cannot keep apart, two heads can.
# - Split, attend, merge, mix with $W^O$. The heads share the numbers out, so many cost no more weights than one.
# - Our dozen lines, PyTorch's module and a layer of BERT compute the same.
# - In a trained model a few heads do much of the work, and most can be switched off *one at a time* at hardly any cost.
#
# Next: 04 asks who may look at whom.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Try it: how many heads does it need?
#
# Two neighbours, so two heads should do. Do they? And three, for `SIZE` = 64? Read the error.

# %% tags=["timing", "nbval-ignore-output"]
MY_HEADS = 2  # change me: 1, 2, 4, 8, 16, ...

mine = teach(MY_HEADS)
with torch.no_grad():
    right = (mine(letters)[0][:, :, 1:-1].argmax(-1) == answers(letters)).all(dim=1).float().mean().item()
print(f"{MY_HEADS} heads of {SIZE // MY_HEADS} numbers: both neighbours right in {right:.0%}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Try it: silence a layer
#
# Switch off all heads of a layer. Which layer is missed most: the first, a middle one, the last? Guess before you run it.

# %% tags=["timing", "nbval-ignore-output"]
MY_LAYER = 1  # change me

assert 1 <= MY_LAYER <= layers, f"this model has the layers 1 to {layers}"
with heads_off(model, [(MY_LAYER - 1, head) for head in range(heads)]):
    print(f"without the heads of layer {MY_LAYER}: loss {loss_of(model):.2f}, with all {whole:.2f}")
assert loss_of(model) == whole

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Try it: how many numbers has a head?
#
# BERT-large has a hidden size of 1,024 and 16 heads. How many numbers has each head, and how many weights (with biases) has the
# attention of one of its layers?

# %%
MY_HEAD_SIZE, MY_WEIGHTS = None, None  # for example 32, 1_000_000

# %%
if MY_HEAD_SIZE is None or MY_WEIGHTS is None:
    print("no answer yet: set both above and run both cells")
else:
    large = MultiHeadAttention(1024, 16)
    right = MY_HEAD_SIZE == 1024 // 16 and sum(weight.numel() for weight in large.parameters()) == MY_WEIGHTS
    print("right" if right else "not yet: the heads share the numbers out; four matrices, each with a bias")

# %% [markdown]
# **Sources.** Vaswani et al. 2017, *Attention Is All You Need*, section 3.2.2 · Devlin et al. 2019, *BERT* · Michel, Levy & Neubig 2019, *Are
# Sixteen Heads Really Better than One?* · Voita et al. 2019, *Analyzing Multi-Head Self-Attention: Specialized Heads Do the Heavy
# Lifting, the Rest Can Be Pruned*
