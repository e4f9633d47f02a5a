# %% [markdown] slideshow={"slide_type": "slide"} question="What do the heads of a pre-trained BERT look at?"
# # 07 · Seeing attention
#
# **The question:** where does a real, pre-trained BERT look while it reads, and what may we conclude from that?
#
# In notebook 01 you wrote attention for a handful of numbers. Here the same function runs inside a BERT, and we draw what it
# does: first one row, then one head, then every head at once. Then we stop admiring pictures and *measure*.
#
# **You need:** notebooks 01 to 03. **Time:** about 40 minutes to read; nothing is downloaded, and the page itself runs in seconds.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A model and a sentence
#
# `"mini"` is the small BERT that comes with the course. To look into another one, set the environment variable
# `BERTNOTES_MODEL` to a checkpoint folder or a hub id before you start Jupyter: everything below is computed, so it
# follows.

# %%
import torch

from bertnotes.models import load_encoder, load_tokenizer

tokenizer, encoder = load_tokenizer("mini"), load_encoder("mini")
config = encoder.config
print(f"{config.num_hidden_layers} layers, {config.num_attention_heads} heads in each, hidden size {config.hidden_size}")

# %% [markdown]
# BERT reads tokens, not words. Two of them are in no sentence: `[CLS]` stands in front, `[SEP]` behind. Remember these two;
# they will turn out to matter more than anyone expects.

# %%
SENTENCE = "My sister cried at the end because she loved the dog."
ids = tokenizer(SENTENCE, return_tensors="pt")
tokens = tokenizer.convert_ids_to_tokens(ids["input_ids"][0])
print(len(tokens), "tokens:", *tokens)

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## All the weights, in one go
#
# Asked with `output_attentions=True`, the model returns its weights, one tensor for each layer. We stack them: layer, head,
# the token that looks (query), the token looked at (key).


# %%
@torch.no_grad()
def attention_of(model, inputs):
    """All weights for one sentence: (layer, head, query_pos, key_pos)."""
    return torch.cat(model(**inputs, output_attentions=True).attentions)


attention = attention_of(encoder, ids)
print("layer, head, query, key:", tuple(attention.shape))

# %% [markdown]
# Each row is a softmax, as in notebook 01: no weight is negative, and a row sums to 1. A token has one unit of attention to
# spend, in each head.

# %%
rows = attention.sum(dim=-1)
assert torch.allclose(rows, torch.ones_like(rows), atol=1e-5) and attention.min() >= 0
print(f"{rows.numel()} rows, each sums to {rows.mean():.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One row of one head
#
# Pick a layer and a head, counted from 1, and one token. Its row says how it spreads its one unit.

# %% slideshow={"slide_type": "fragment"}
import matplotlib.pyplot as plt

from bertnotes.pictures.attention import attention_heatmap, head_grid, weight_bars

LAYER, HEAD, WORD = 1, 6, "loved"
row = attention[LAYER - 1, HEAD - 1, tokens.index(WORD)]
figure, ax = plt.subplots(figsize=(10, 3), layout="constrained")
ax = weight_bars(row, tokens, ax=ax, title=f'where "{WORD}" looks: layer {LAYER}, head {HEAD}')
print(f'"{WORD}" looks most at "{tokens[row.argmax()]}", with {row.max():.2f} of its attention')

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One head
#
# All rows of that head, one under another, make a picture: each row is a token that looks, each column a token that is looked
# at, and darker is more. Read it row by row. Find the bars of the last picture in it.

# %% slideshow={"slide_type": "fragment"}
ax = attention_heatmap(attention[LAYER - 1, HEAD - 1], tokens, title=f"layer {LAYER}, head {HEAD}")
for token, row in zip(tokens, attention[LAYER - 1, HEAD - 1], strict=True):
    print(f"{token:>8} looks most at {tokens[row.argmax()]:8} {row.max():.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Are these the weights that the model used?
#
# A picture of attention is worth something only if it shows what really happened. So we load the same model again, and put the
# function of notebook 01 in the place of the one it came with. If its weights and its results are the same, layer by layer,
# then what we draw *is* what the model computes with.

# %% slideshow={"slide_type": "fragment"}
ours = load_encoder("mini", attention="bertnotes")
with torch.no_grad():
    theirs_out = encoder(**ids, output_attentions=True, output_hidden_states=True)
    ours_out = ours(**ids, output_attentions=True, output_hidden_states=True)
for name in ("hidden_states", "attentions"):
    apart = max((a - b).abs().max() for a, b in zip(theirs_out[name], ours_out[name], strict=True))
    assert apart < 1e-5, apart
    print(f"{name}: {len(ours_out[name])} tensors, the same to five decimals")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Every head of every layer
#
# One small picture for each head: a row of pictures for each layer, the first layer at the top. Kovaleva et al. (2019) sorted
# such pictures into a few kinds. Look for them: **diagonals** (each token looks at a neighbour or at itself), **columns**
# (everyone looks at one token), **blocks**, and mixed ones.

# %% slideshow={"slide_type": "fragment"}
figure = head_grid(attention[:, None], title=SENTENCE)
print(len(figure.axes), "pictures, the mean of the largest weight in a row:", f"{attention.amax(dim=-1).mean():.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## All of it, to play with
#
# A page of its own in the page, and nothing in it is fetched. Point at a token on the left: where does it look? On the right: who
# looks at it? Click to keep it. The small squares choose a head, and so do the arrow keys. `view.save("view.html")` writes it as
# a file; `bertnotes view "a sentence" --out view.html`, in a terminal, makes one for a wall.

# %% tags=["nbval-ignore-output"]
from bertnotes import attention_view

view = attention_view(attention, tokens, layer=LAYER, head=HEAD)
view

# %% slideshow={"slide_type": "subslide"}
from bertnotes import Attention
from bertnotes.pictures.view import page_data

sent = page_data(Attention(attention, tokens))
assert sent["tokens"] == tokens and f'"weights": "{sent["weights"]}"' in view.page
print(
    f"the page holds {len(tokens)} tokens and {attention.numel():,} weights, in {len(view.page) / 1000:.0f} kB; it fetches nothing"
)

# %% [markdown] slideshow={"slide_type": "subslide"}
# **A question.** Each *row* sums to 1. What do the *columns* sum to? Guess before you run the next cell: which token would you
# expect to be looked at most, taking all heads together?

# %%
received = attention.mean(dim=(0, 1)).sum(dim=0)
figure, ax = plt.subplots(figsize=(10, 3), layout="constrained")
ax = weight_bars(received / len(tokens), tokens, ax=ax, title="share of all attention that each token receives")
print(f"the columns sum to {received.min():.2f} up to {received.max():.2f}; together {received.sum():.2f}, one for each row")
print(f'looked at most: "{tokens[received.argmax()]}"')

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From looking to measuring
#
# One sentence and one pretty head prove nothing: among so many, some head looks like anything you wish. So: a dozen sentences,
# and for each head one number per habit, averaged over all of them.

# %%
SENTENCES = """The film was long, but I never looked at my watch.
My sister cried at the end because she loved the dog.
Nobody in the cast seems to know what the story is about.
He wrote the script in a week, and it shows.
The music is lovely; the pictures are even better.
I wanted to like this movie, and I could not.
After the first hour the plot falls apart.
She plays the old teacher with warmth and humour.
It is not the worst sequel ever made, only the laziest.
The director trusts his actors, so they trust him.
We laughed at every joke that the trailer had not spoiled.
A slow, strange and quite wonderful little thriller.""".splitlines()
print(len(SENTENCES), "sentences, the longest", max(len(tokenizer(text)["input_ids"]) for text in SENTENCES), "tokens")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Five habits. Only ordinary tokens are asked (not `[CLS]`, not `[SEP]`). The first two count looks from an ordinary token to
# its neighbour, which in a matrix is a diagonal beside the main one. The last one is **entropy**: 1 where a row is spread
# evenly over all tokens, 0 where it sits on a single one.


# %%
def habits(weights):
    """weights: (layer, head, query_pos, key_pos) of one sentence -> (layer, head, 5 habits)."""
    asked = weights[:, :, 1:-1]
    inner = asked[..., 1:-1]
    before, after = inner.diagonal(-1, -2, -1).mean(-1), inner.diagonal(1, -2, -1).mean(-1)
    entropy = torch.special.entr(asked).sum(-1).mean(-1) / torch.tensor(asked.shape[-1]).log()
    return torch.stack([before, after, asked[..., 0].mean(-1), asked[..., -1].mean(-1), entropy], dim=-1)


# %% [markdown]
# Try the measures on two heads that we make up, over five tokens: one looks back by exactly one token, the other is perfectly
# even. What must come out can be said beforehand (the third number is 1/3: one of three ordinary tokens has `[CLS]` before it).

# %%
back = torch.eye(5).roll(-1, dims=-1)  # each token looks one to the left
even = torch.full((5, 5), 1 / 5)
measured = habits(torch.stack([back, even])[None])[0]
assert torch.allclose(measured[0], torch.tensor([1.0, 0.0, 1 / 3, 0.0, 0.0]))
assert torch.allclose(measured[1], torch.tensor([0.2, 0.2, 0.2, 0.2, 1.0]))
print("before, after, [CLS], [SEP], evenness:", *[f"{value:.2f}" for value in measured[0]])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Heads, named by what they do
#
# Now the model. For each habit, which head has most of it? From here on, `attend` takes the three steps for us: make tokens, run the
# model, stack the weights.

# %% slideshow={"slide_type": "fragment"}
from bertnotes import attend

NAMES = [f"attention on {place}" for place in ("the token before", "the token after", "[CLS]", "[SEP]")] + ["evenness"]


def average_habits(model):
    return torch.stack([habits(attend(text, model=model, tokenizer=tokenizer).weights) for text in SENTENCES]).mean(0)


trained = average_habits(encoder)
champions = [divmod(int(scores.argmax()), trained.shape[1]) for scores in trained.flatten(0, 1).T]
for name, (layer, head), best in zip(NAMES, champions, trained.amax((0, 1)), strict=True):
    print(f"layer {layer + 1}, head {head + 1:2} has the most {name}: {best:.2f}")

# %% [markdown] slideshow={"slide_type": "subslide"}
# Numbers first, pictures second. The two that look at neighbours:


# %%
def show(habit, vmax=1.0):
    """Draw the head that has most of a habit."""
    layer, head = champions[habit]
    title = f"layer {layer + 1}, head {head + 1}: {NAMES[habit]}"
    return attention_heatmap(attention[layer, head], tokens, vmax=vmax, title=title)


ax = show(0)

# %% slideshow={"slide_type": "subslide"}
ax = show(1)

# %% [markdown] slideshow={"slide_type": "subslide"}
# Is one good picture luck? In the best of them, how many tokens really look most at the neighbour that the head is named for?

# %%
for habit, step in ((0, -1), (1, 1)):
    layer, head = champions[habit]
    looks_at = attention[layer, head, 2:-2].argmax(dim=-1)
    hits = int((looks_at == torch.arange(2, len(tokens) - 2) + step).sum())
    print(f"layer {layer + 1}, head {head + 1}: {hits} of {len(looks_at)} tokens look most at {NAMES[habit][13:]}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Heads that look at nothing in particular
#
# The head that looks most at one of the two special tokens, whichever of them this model prefers. A token that draws so much
# attention, from everywhere, whatever the sentence says, is called a **sink**.

# %% slideshow={"slide_type": "fragment"}
sink = 2 + int(trained.amax((0, 1))[2:4].argmax())
SINK, place = ("[CLS]", 0) if sink == 2 else ("[SEP]", -1)
ax = show(sink)
print(f"the sink of this model is {SINK}; here it gets {attention[*champions[sink], :, place].mean():.2f} of the attention")

# %% [markdown] slideshow={"slide_type": "subslide"}
# And the most even one: what comes nearest, in this model, to an average over the whole sentence. Mind the scale: here the
# darkest blue is a weight of 0.25, or the picture would be nearly white.

# %%
ax = show(4, vmax=0.25)
layer, head = champions[4]
print(f"largest weight in an ordinary token's row: {attention[layer, head, 1:-1].max():.2f}; even: {1 / len(tokens):.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The control: a BERT that has learned nothing
#
# The best of many is always better than the average, by chance alone. So we ask the same of two models of the same build that have
# learned nothing. One has **fresh** random weights, as training would begin with. They are small, so softmax gets scores that hardly
# differ, and spreads evenly. The other has the trained numbers, but **shuffled** within each tensor: as large, in no order. Whatever
# these two score comes for free; only what stands above both was learned.

# %% slideshow={"slide_type": "subslide"}
from copy import deepcopy

from transformers import AutoModel

torch.manual_seed(0)
untrained, shuffled = AutoModel.from_config(config, attn_implementation="eager").eval(), deepcopy(encoder)
with torch.no_grad():
    for numbers in shuffled.parameters():
        numbers.copy_(numbers.flatten()[torch.randperm(numbers.numel())].view_as(numbers))
control, disorder = average_habits(untrained), average_habits(shuffled)
print(f"{'':35}trained   fresh   shuffled")
for name, *most in zip(NAMES, *[scores.amax((0, 1)) for scores in (trained, control, disorder)], strict=True):
    print(f"most {name:30}", "     ".join(f"{value:.2f}" for value in most))

# %% slideshow={"slide_type": "subslide"}
spread_of = [model.encoder.layer[0].attention.self.query.weight.std() for model in (untrained, encoder, shuffled)]
print("spread of the query weights of layer 1: fresh {:.3f}, trained {:.3f}, shuffled {:.3f}".format(*spread_of))
print(f"least evenness of a head: fresh {control[..., 4].min():.2f}, shuffled {disorder[..., 4].min():.2f}")
best, chance = trained.amax((0, 1)), torch.stack([control, disorder]).amax((0, 1, 2))
assert (best[:2] > 3 * chance[:2]).all()  # the neighbours
assert best[2:4].max() > 3 * chance[2:4].max()  # the sink
assert control[..., 4].min() > 0.95 > 0.8 > disorder[..., 4].min()  # even because small, not because random
print("neighbours and sink: more than three times what either control gives")

# %% [markdown] slideshow={"slide_type": "subslide"}
# All heads, not only the winners: a dot is a head. The fresh model's dots lie in a heap, close to what even attention gives.
# The trained model's heads have gone different ways: **they have specialised**, and nobody told them to.

# %%
figure, ax = plt.subplots(figsize=(9, 3.6), layout="constrained")
spread = torch.linspace(-0.12, 0.12, trained[..., 0].numel())
for scores, shift, colour, name in ((control, -0.18, "#c55a11", "fresh"), (trained, 0.18, "#0b5394", "trained")):
    for habit in range(5):
        label = name if habit == 0 else None
        ax.scatter(scores[..., habit].flatten(), habit + shift + spread, s=14, color=colour, label=label)
ax.set_yticks(range(5), NAMES, fontsize=12)
ax.set(xlim=(-0.02, 1.02), ylim=(4.6, -0.6), xlabel="each dot: one head, averaged over the sentences")
legend = ax.legend(fontsize=12, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)

# %%
for name, scores in (("trained", trained), ("fresh", control), ("shuffled", disorder)):
    low, high = scores.amin((0, 1)), scores.amax((0, 1))
    print(f"{name:8}", "   ".join(f"{a:.2f} to {b:.2f}" for a, b in zip(low, high, strict=True)))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Over many texts
#
# A dozen sentences were enough to see it. `measure_heads` does the same over as many texts as you like, for more habits: here 200
# reviews of the course's own, their first 64 tokens. Some of the places are found by rule: *the same word elsewhere*, *the other
# pieces of its word*, from a word such as *loved* to the *was* before it, from a word to its *the* or its *not*. (Clark et al. 2019
# used a parser and found heads for this and more.)

# %% slideshow={"slide_type": "subslide"}
from bertnotes.data import FIRST_REVIEWS as REVIEWS
from bertnotes.data import load_imdb_data
from bertnotes.heads import fixed_distance, measure_heads

reviews, _ = load_imdb_data(REVIEWS, sample=200, seed=7)
measured = measure_heads(encoder, tokenizer, reviews, max_length=64)
without = measure_heads(untrained, tokenizer, reviews, max_length=64)
bars = fixed_distance(tokenizer, reviews, max_length=64)
print(f"{'attention on':20} most in      that head   fresh, at most  fixed distance")
for name, (distance, share) in bars.items():
    layer, head = divmod(int(measured[name].argmax()), measured[name].shape[1])
    print(f"{name:20} layer {layer + 1}, head {head + 1:2} {measured[name].max():5.2f} {without[name].max():12.2f}", end="")
    print(f"{share:14.2f} ({distance:+})")

# %% [markdown] slideshow={"slide_type": "subslide"}
# The last column is the bar of Clark et al. (2019): what a head would get that knew nothing, and always looked at one distance, the
# best one for the purpose. *was loved* are neighbours most of the time. A head that looks back by one finds the auxiliary, too, and
# knows nothing of grammar. **Beating random weights is not enough.**

# %%
for name in ("token before", "token after", "same word elsewhere", "rest of its word", "its auxiliary"):
    assert measured[name].max() > 2 * without[name].max(), name
print("for each of these, some trained head does it more than twice as much as any fresh one")
beyond = [name for name, (_, share) in bars.items() if measured[name].max() > 1.5 * share]
print("but clearly more than a fixed distance would give:", " · ".join(beyond))
assert "same word elsewhere" in beyond and "its article" not in beyond and "its auxiliary" not in beyond

# %% [markdown]
# So what passes for grammar here may be mere closeness. Looking for *the same word elsewhere* may not: there is no distance at which
# it stands.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does looking at `[SEP]` mean?
#
# Clark et al. (2019) found that in BERT-base more than half of the attention in layers 6 to 10 goes to `[SEP]`, and that it
# changes the result little: they read it as a **no-op**, what a head does when its own question has no answer in this sentence.
# A row must sum to 1, so what is not wanted has to go somewhere.
#
# Where does it go here, layer by layer? We also count full stop and comma, which are in nearly every sentence too.


# %%
def landing(text):
    """Share of attention, per layer, from ordinary tokens to [CLS], [SEP] and punctuation."""
    read = attend(text, model=encoder, tokenizer=tokenizer)
    layers = read.weights.mean(dim=1)[:, 1:-1].mean(dim=1)  # (layer, key_pos)
    stops = torch.tensor([token in {".", ",", ";"} for token in read.tokens])
    return torch.stack([layers[:, 0], layers[:, -1], layers[:, stops].sum(-1)], dim=-1)


shares = torch.stack([landing(text) for text in SENTENCES]).mean(0)
print("layer  [CLS]  [SEP]  . , ;  all else")
for layer, (cls, sep, stops) in enumerate(shares.tolist(), start=1):
    print(f"{layer:5}  {cls:5.2f}  {sep:5.2f}  {stops:5.2f}  {1 - cls - sep - stops:8.2f}")

# %% slideshow={"slide_type": "subslide"}
from bertnotes.pictures.attention import layer_mix

ax = layer_mix(torch.cat([shares, 1 - shares.sum(-1, keepdim=True)], dim=-1), ["[CLS]", "[SEP]", ". , ;", "all else"])

# %% [markdown]
# Which of the two is the sink depends on the model and its training; in the table you see it for the one that you loaded.
# What such models share is *that* there is one: a token which is always there, and has little to say of its own.

# %%
special = shares[:, :2].sum(-1)
even_share = torch.tensor([2 / len(tokenizer(text)["input_ids"]) for text in SENTENCES]).mean()
assert special[-1] > 2 * even_share
print(f"[CLS] and [SEP] together: {special[0]:.2f} in the first layer, {special[-1]:.2f} in the last")
print(f"if all tokens were looked at alike: {even_share:.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it a no-op? Look at the value
#
# A head adds up *values*, weighted. If the value of the sink is a short vector, then attention on it adds far less than its colour
# in the picture says, and a head that rests there says little (Kobayashi et al. 2020 showed this for BERT-base). We measure how
# long the sink's value is, compared with those of the ordinary tokens, in each head.


# %% slideshow={"slide_type": "fragment"}
@torch.no_grad()
def value_lengths(layer):
    """Length of each token's value in each head of a layer: (key_pos, head)."""
    value = encoder.encoder.layer[layer].attention.self.value(theirs_out.hidden_states[layer])
    return value[0].unflatten(-1, (config.num_attention_heads, -1)).norm(dim=-1)


lengths = torch.stack([value_lengths(layer) for layer in range(config.num_hidden_layers)])
ratio = lengths[:, place] / lengths[:, 1:-1].mean(dim=1)  # (layer, head)
print(f"length of {SINK}'s value, as a share of an ordinary token's; the middle head of each layer:")
print(*[f"{middle:.2f}" for middle in ratio.median(dim=-1).values])

# %% slideshow={"slide_type": "subslide"}
figure, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
dots = ax.scatter(trained[..., sink].flatten(), ratio.flatten(), color="#0b5394", s=28)
ax.set(xlim=(0, 1), ylim=(0, None))
ax.set_xlabel(f"attention that the head puts on {SINK}", fontsize=12)
ax.set_ylabel(f"length of {SINK}'s value\n(1 = an ordinary token's)", fontsize=12)
layer, head = champions[sink]
print(f"the strongest sink, layer {layer + 1}, head {head + 1}: {SINK}'s value is {ratio[layer, head]:.2f} of an ordinary one")

# %% [markdown]
# How much of what a head adds up comes from the sink, then? For each token of our sentence we multiply weight and length of value,
# and take the heads that put more than half of their weight on the sink.

# %%
part = (attention * lengths.transpose(1, 2)[:, :, None])[:, :, 1:-1].mean(2)  # (layer, head, key_pos)
weight, share = attention[:, :, 1:-1, place].mean(-1), part[..., place] / part.sum(-1)
resting = weight > 0.5
print(f"{resting.sum()} heads: {weight[resting].mean():.2f} of the weight, {share[resting].mean():.2f} of what is added up")
here = place % len(tokens)
most, least = ((found[resting] == here).sum() for found in (part.argmax(-1), part.argmin(-1)))
print(f"{SINK} adds most of all tokens in {most} of them, least in {least}")
print(f"the strongest sink: {weight[layer, head]:.2f} of the weight, {share[layer, head]:.2f} of what is added up")
assert 0.7 < weight[resting].mean() < 0.8 and 0.2 < share[resting].mean() < 0.3
assert least == 0 and share[layer, head] > 0.5

# %% [markdown]
# Where the value is short, the column adds far less than its colour says: in the heads that put more than half of their weight on it,
# three quarters of the weight, about a quarter of what is added up. Not nothing: the rest of such a row has hardly any weight
# either. A first warning: **a weight is not a contribution.** To know what a token contributed you need the weight *and* the value.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Through all layers: rollout
#
# From layer 2 on, a token looks at vectors that are mixed already. **Attention rollout** (Abnar & Zuidema 2020) follows the
# mixing: multiply the layers' matrices, each half attention and half residual. It says how much of each input token could have
# reached `[CLS]`, as far as weights alone can say it (they leave out the values, see above).

# %% slideshow={"slide_type": "subslide"}
from bertnotes.heads import attention_rollout
from bertnotes.pictures.attention import token_strip

rolled = attention_rollout(attention[:, None])[:, 0]  # (layer, query_pos, key_pos)
assert torch.allclose(rolled.sum(-1), torch.ones(rolled.shape[:2]), atol=1e-5)
_, axes = plt.subplots(2, 1, figsize=(10, 2.4), layout="constrained")
last = attention[-1].mean(0)[0]
for ax, row, title in zip(axes, (last, rolled[-1, 0]), ("last layer alone", "through all layers"), strict=True):
    token_strip(tokens[1:-1], row[1:-1] - row[1:-1].min(), ax=ax, title=f"[CLS], {title}: the darker, the more")
print(f"from [CLS] to itself: {last[0]:.2f} in the last layer alone, {rolled[-1, 0, 0]:.2f} through all of them")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Before and after fine-tuning
#
# Notebook 10 teaches the model to tell praise from blame. Does that change where it looks? On all of IMDB this takes a laptop an
# hour and more, so it was done once: the result comes along under the name `mini-imdb`, a small change of each of mini's weights.
# `attention_moved` gives for each head how much of a row has moved elsewhere (0 is nothing, 1 is all), on the reviews of above. The record holds the command that does it again.

# %%
import json

path = REVIEWS.parent / "results" / "heads-after-imdb.json"
record = json.loads(path.read_text(encoding="utf-8"))
moved = torch.tensor(record["moved"])  # (layer, head)
print(f"fine-tuned on {record['train_reviews']:,} reviews; {record['accuracy']:.1%} of the official test reviews right")
print("share of a row that has moved, by layer:", *[f"{share:.2f}" for share in moved.mean(1)])

# %% slideshow={"slide_type": "subslide"}
names = [[str(number + 1) for number in range(size)] for size in moved.shape]
ax = attention_heatmap(moved, *names, numbers=True, title="share of a row that has moved")
text = ax.set(xlabel="head", ylabel="layer")

# %% [markdown]
# The first two layers change least, here and in the BERT-base of Kovaleva et al. (2019). There the last two changed most; here it is the fourth, by little.
# **Question.** Many heads rested on a sink before. Do they still?

# %% slideshow={"slide_type": "subslide"}
layers = moved.mean(1)
assert layers[:2].max() < layers[2:].min() and layers.argmax() == 3
for name in ("[CLS]", "entropy"):
    before, after = (torch.tensor(record[when][name]).mean(1) for when in ("before", "after"))
    print(f"{name:8} before", *[f"{share:.2f}" for share in before], "  after", *[f"{share:.2f}" for share in after])
    assert ((after < before) if name == "[CLS]" else (after[1:] > before[1:])).all()

# %% [markdown]
# They rest a little less on `[CLS]`, in every layer, and from the second layer on their rows are spread wider (an even row has entropy 1). Whether they do more, weights
# alone do not tell.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Padding: the columns that must stay empty
#
# In a batch, shorter sentences are filled up with `[PAD]`. The mask of notebook 01 keeps them out: weight zero, and what the
# real tokens do must not change at all.

# %% slideshow={"slide_type": "fragment"}
LONG, SHORT = "Nobody laughed, and I know why.", "A lovely film."
batch = tokenizer([LONG, SHORT], padding=True, return_tensors="pt")
with torch.no_grad():
    padded = torch.stack(encoder(**batch, output_attentions=True).attentions)[:, 1]  # the short one: (layer, head, ...)
alone = attend(SHORT, model=encoder, tokenizer=tokenizer).weights
real = alone.shape[-1]
assert padded[..., real:].max() == 0
assert torch.allclose(padded[..., :real, :real], alone, atol=1e-5)
print(f"{padded.shape[-1] - real} columns of [PAD]: weight {padded[..., real:].max():.2f}; the {real} real rows: unchanged")

# %% slideshow={"slide_type": "subslide"}
names = tokenizer.convert_ids_to_tokens(batch["input_ids"][1])
layer, head = champions[4]
ax = attention_heatmap(padded[layer, head], names, vmax=0.5, title=f"layer {layer + 1}, head {head + 1}, padded")

# %% [markdown]
# The rows of `[PAD]` are not empty: they are computed like the others, and then nobody looks at them. That is why leaving out
# the *columns* is enough.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Whom does "she" look at?
#
# The favourite picture of every talk on attention: a pronoun, and the noun that it stands for. Let us be careful. In each
# sentence below only one of two nouns fits, and each is asked twice, with *he* and with *she*: a head that only goes by
# position gets exactly half of them right.

# %%
PAIRS = """The mother called the boy because {} was worried.
The girl watched the boy while {} ate.
The actor left the actress because {} was bored.
The king thanked the queen because {} was grateful.
The man told the woman that {} was late.
The father met the girl when {} came home.
The woman followed the man until {} fell.
The son asked the mother if {} was tired.""".splitlines()
NOUNS = {"he": {"boy", "actor", "king", "man", "father", "son"}, "she": {"mother", "girl", "actress", "queen", "woman"}}
print(PAIRS[0].format("she"), "/", PAIRS[0].format("he"))


# %% slideshow={"slide_type": "subslide"}
def fitting(model, text, pronoun):
    """Weight from the pronoun to the noun that fits, and to the one that does not: (2, layer, head)."""
    read = attend(text.format(pronoun), model=model, tokenizer=tokenizer)
    row = read.weights[:, :, read.tokens.index(pronoun)]
    right = next(place for place, word in enumerate(read.tokens) if word in NOUNS[pronoun])
    wrong = next(place for place, word in enumerate(read.tokens) if word in NOUNS["she" if pronoun == "he" else "he"])
    return torch.stack([row[..., right], row[..., wrong]])


# %% slideshow={"slide_type": "subslide"}
CASES = [(text, pronoun) for text in PAIRS for pronoun in ("he", "she")]
for name, model in (("fresh", untrained), ("trained", encoder)):
    right, wrong = torch.stack([fitting(model, *case) for case in CASES]).unbind(1)  # (case, layer, head)
    hits = (right > wrong).sum(0)
    layer, head = divmod(int((right - wrong).mean(0).argmax()), hits.shape[1])
    print(f"{name}: best head right in {hits.max()} of {len(CASES)}, the average head in {hits.float().mean():.1f}")
    fits, other = right[:, layer, head].mean(), wrong[:, layer, head].mean()
    print(f"  head with the widest gap: right in {hits[layer, head]}, weight {fits:.2f} where it fits, {other:.2f} where not")

# %% [markdown]
# Read both lines of both models. The **best** of many heads stands well above half even where nothing was learned, so its score
# means something only beside the control. The **average** head is right about half of the time: whatever is there sits in a few
# heads. The gap says whether a heatmap would show it at all. And this test cannot tell understanding from "*he* goes with
# *king*": the words alone are enough to pass it.

# %% slideshow={"slide_type": "subslide"}
figure, axes = plt.subplots(2, 1, figsize=(9, 5), layout="constrained")
for ax, pronoun in zip(axes, ("she", "he"), strict=True):
    read = attend(PAIRS[0].format(pronoun), model=encoder, tokenizer=tokenizer)
    row = read.weights[layer, head, read.tokens.index(pronoun)]
    ax = weight_bars(row, read.tokens, ax=ax, title=f'where "{pronoun}" looks: layer {layer + 1}, head {head + 1}')
    print(f'"{pronoun}":', ", ".join(f"{word} {weight:.2f}" for word, weight in zip(read.tokens, row, strict=True)))
boy, mother = fitting(encoder, PAIRS[0], "he")[:, layer, head]
assert mother > boy + 0.02 and hits[layer, head] == len(CASES) - 1

# %% [markdown]
# For *he* the head looks more at *mother* than at *boy*: this is the one of the 16 that it misses. A single picture would have shown
# whichever you picked.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same with bertviz
#
# **bertviz** (Vig 2019) is the tool that most talks show. Its own drawing code runs here, with no network. The **head view**: one
# layer, a colour for each head; point at a token. At the top you can change to the **model view**: all heads, a row for each
# layer; click one to enlarge it.

# %% tags=["nbval-ignore-output"]
from bertnotes import bertviz_head_view, bertviz_neuron_view

head_view = bertviz_head_view(attention, tokens, layer=LAYER)
head_view

# %% [markdown] slideshow={"slide_type": "slide"}
# The **neuron view**: why a weight is what it is. Point at a token and click its **+**: its query, number by number, times each
# key. Blue is above 0, orange below; the row sums are the scores that go into the softmax.

# %% tags=["nbval-ignore-output"]
neuron_view = bertviz_neuron_view(encoder, tokenizer, SENTENCE, layer=LAYER, head=HEAD)
neuron_view

# %% slideshow={"slide_type": "subslide"}
from bertnotes.pictures.bertviz import queries_and_keys

queries, keys, same = queries_and_keys(encoder, tokenizer, SENTENCE)
scores = torch.tensor(queries @ keys.swapaxes(-1, -2)) / queries.shape[-1] ** 0.5
assert torch.allclose(scores.softmax(-1), attention, atol=1e-5) and torch.equal(same.weights, attention)
print("softmax of query times key, over the root of", queries.shape[-1], "numbers: the attention above, in every head")

# %% [markdown] slideshow={"slide_type": "slide"}
# > ### What attention is not evidence of
# >
# > That a token gets much weight does **not** show that the model decided *because of* it. Jain & Wallace (2019) found quite
# > different weights that lead to the same prediction. Wiegreffe & Pinter (2019) answered that it depends on what you ask of an
# > explanation, and how you test it. Both were about weights in other models; the caution carries over.
# >
# > And a vector in layer 5 is no longer "its" word: every layer below has mixed the others in. What you may say: *this head,
# > on these sentences, puts so much weight there.* A later notebook holds attention against methods that ask what a token
# > changes in the answer.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Try it: your sentence
#
# Change the sentence, the layer and the head, and run the cell. Does the head that you saw above keep its habit?

# %%
MY_SENTENCE, MY_LAYER, MY_HEAD = "The old dog slept while the rain fell on the roof.", 2, 9
mine = attend(MY_SENTENCE, model=encoder, tokenizer=tokenizer)
assert len(mine.tokens) <= 24, "more than 24 tokens get small on a wall: take a shorter sentence"
ax = attention_heatmap(mine, layer=MY_LAYER, head=MY_HEAD)
print(f"mean of the largest weight in a row: {mine.weights[MY_LAYER - 1, MY_HEAD - 1].amax(dim=-1).mean():.2f}")

# %% [markdown]
# ## Try it: find a head
#
# Which head puts most attention on **the token itself**? Work it out from `attention`, for our sentence, ordinary tokens only
# (the main diagonal: `.diagonal(0, -2, -1)`), and write your answer as `(layer, head)`, counted from 1.

# %%
MY_ANSWER = None  # for example (2, 3)

# %%
self_share = attention.diagonal(0, -2, -1)[..., 1:-1].mean(-1)
if MY_ANSWER is None:
    print("no answer yet: set MY_ANSWER above and run both cells")
else:
    layer, head = MY_ANSWER
    found = self_share[layer - 1, head - 1]
    hint = f"that head has {found:.2f}; one has {self_share.max():.2f}. Did you count from 1?"
    print("right" if found > self_share.max() - 0.01 else hint)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Try it: two sentences
#
# BERT also reads pairs: `tokenizer(a, b)` puts a `[SEP]` between them and marks the second with token type 1. Change the two
# sentences. Do they look across to each other, and in which layers?

# %%
FIRST, SECOND = "The story is thin.", "The actors save it."
pair = tokenizer(FIRST, SECOND, return_tensors="pt")
pair_tokens = tokenizer.convert_ids_to_tokens(pair["input_ids"][0])
second = pair["token_type_ids"][0].bool()
words = torch.tensor([token not in {"[CLS]", "[SEP]"} for token in pair_tokens])
print(*pair_tokens)
print(*pair["token_type_ids"][0].tolist())

# %%
both = attention_of(encoder, pair)
across = both[:, :, words & ~second][..., words & second].sum(-1).mean(-1)  # (layer, head): from the first to the second
assert pair_tokens.count("[SEP]") == 2 and across.shape == attention.shape[:2]
print("from the first sentence to words of the second, per layer:", *[f"{share:.2f}" for share in across.mean(dim=1)])
layer, head = divmod(int(across.argmax()), across.shape[1])
ax = attention_heatmap(both[layer, head], pair_tokens, title=f"layer {layer + 1}, head {head + 1} looks across most")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap
#
# - The weights that we draw are those the model computes with: our own function gives the same results.
# - Heads specialise. Some look at a neighbour, some spread out, many rest on a special token. Freshly drawn weights spread evenly;
#   weights as large as the trained ones, but shuffled, do not quite, and still make no neighbour heads.
# - Name a head by a measure over many sentences and beside a control, never by one picture.
# - A dark column on `[CLS]` or `[SEP]` often adds far less than its colour says: a weight is not a contribution.
# - Padding gets no weight and changes nothing.
#
# Next: 09 meets the reviews, and the plain methods that a BERT has to beat.

# %% [markdown]
# **Sources.** Vaswani et al. 2017, *Attention Is All You Need* · Devlin et al. 2019, *BERT* · Clark et al. 2019, *What Does
# BERT Look At?* · Abnar & Zuidema 2020, *Quantifying Attention Flow in Transformers* · Vig 2019, *A Multiscale Visualization of
# Attention in the Transformer Model* · Kovaleva et al. 2019, *Revealing the Dark Secrets of BERT* · Jain & Wallace 2019, *Attention is not
# Explanation* · Wiegreffe & Pinter 2019, *Attention is not not Explanation* · Kobayashi et al. 2020, *Attention is Not Only a
# Weight*
