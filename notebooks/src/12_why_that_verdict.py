# %% [markdown] question="Which words made the verdict, and how would we know?"
# # 12 · Why that verdict?
#
# **The question:** a classifier says *positive*. Which words made it say so, and how would we know?
#
# ![A dull story, saved by a wonderful cast: negative, 91 %. Attention marks dull and wonderful, occlusion dull and story, gradient times input saved and cast. Which of them is right?](figures/12_why.svg)
#
# Three methods each mark the two words that they put first, and they disagree. So an explanation is a claim, and a claim needs a test. We meet five methods, try them where the right answer is known, and then put them to a test on a real classifier, beside a random control.
#
# **You need:** pages 01 to 11. **Time:** about 57 minutes, and 49 more for the exercises. Where a cell says `guess = None`, type your guess in place of `None`.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # Why that verdict?
#
# ![A dull story, saved by a wonderful cast: negative, 91 %. Attention marks dull and wonderful, occlusion dull and story, gradient times input saved and cast. Which of them is right?](figures/12_why.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let the class vote for one of the three rows before anything else, and write the votes down. At the end, ask again. The deck takes 38 minutes. Run the notebook before class.

# %% [markdown]
# ## 1. One verdict
#
# The classifier is `mini-imdb`, which comes with the course: mini, fine-tuned on film reviews from IMDB. It is right in 92 % of the 25,000 test reviews. Here is our sentence: *The plot is thin, but the acting is superb.* How likely does it find it that this is praise?

# %%
import json
from copy import deepcopy

import torch

from bertnotes.attribution import read
from bertnotes.classifier import BERTClassifier

SENTENCE, SWAPPED = "The plot is thin, but the acting is superb.", "The acting is superb, but the plot is thin."
model, tokenizer = BERTClassifier.from_pretrained("mini-imdb")

# %%
guess = None  # the probability of "positive", from 0 to 1

# %% tags=["timing", "nbval-ignore-output"]
ids, logits, target = read(model, tokenizer, SENTENCE)  # target: the class with the highest logit
tokens = tokenizer.convert_ids_to_tokens(ids[0])
for name, logit, share in zip(model.class_names, logits, logits.softmax(dim=-1), strict=True):
    print(f"{name:9} logit {logit:5.2f}   probability {share:.2f}")
print("your guess:", guess)

# %% tags=["check:one-verdict"]
# checked: the verdict on the sentence, the accuracy, and the numbers of the drawings
from bertnotes.files import RESULTS
from bertnotes.pictures.drawings.page12 import Verdict

assert target == 1 and abs(logits[1] - 1.41) < 0.01 and abs(logits[0] + 1.29) < 0.01
assert round(100 * logits.softmax(dim=-1)[1].item()) == Verdict.percent and tuple(tokens[1:-1]) == Verdict.words
assert abs(json.loads((RESULTS / "imdb-mini-imdb-seed0.json").read_text(encoding="utf-8"))["accuracy"] - 0.92) < 0.005

# %% [markdown]
# 0.94 for *positive*. The last layer computes one number for each class, its **logit**, and softmax turns both into probabilities. We explain the logit of the class that was named, 1.41: unlike a probability, it is not squeezed near 0 and 1. The verdict hangs on the *difference* of both logits. In this model the other one falls as this one rises, so one will do.
#
# Now the same words in another order: *The acting is superb, but the plot is thin.* How likely is praise now?

# %%
guess = None  # the probability of "positive", from 0 to 1

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The same words, the other way round
#
# *The plot is thin, but the acting is superb.* Positive: 0.94
#
# *The acting is superb, but the plot is thin.* Positive: **?**

# %% slideshow={"slide_type": "fragment"} tags=["timing", "nbval-ignore-output"]
swapped = read(model, tokenizer, SWAPPED)[1].softmax(dim=-1)[1]
print(f"positive: {swapped:.3f}   your guess: {guess}")

# %% tags=["check:swapped-inputs"]
# checked: the same eleven tokens in another order are negative
assert 0.002 < swapped < 0.004
assert sorted(tokenizer(SENTENCE).input_ids) == sorted(tokenizer(SWAPPED).input_ids)

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# The same eleven tokens. Could a list of points, one for each word, say that?

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** From 0.94 to 0.003 with the same eleven tokens. Ask: can a list of points for single words do this? No: the sum would be the same. The pairs of page 09 could.

# %% [markdown]
# From 0.94 to 0.003, with the same eleven tokens. A sum of points for single words would give both sentences the same score. (The pairs of words of page 09 would not.) What a word does here depends on the others. That makes *which word did it?* a hard question.
#
# ## 2. Ask attention
#
# The verdict is computed from the vector of `[CLS]` after the last layer. So the first idea of many people is to look at where `[CLS]` looks there, on average over the 12 heads (page 07). Which word will get most?

# %%
guess = None  # a word

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Where [CLS] looks in the last layer
#
# Mean of 12 heads. Which word gets most?

# %% slideshow={"slide_type": "fragment"} tags=["timing", "nbval-ignore-output"]
from bertnotes import attend
from bertnotes.pictures.attention import token_strip
from bertnotes.pictures.style import new_axes

looks = attend(SENTENCE, model=model, tokenizer=tokenizer).weights[-1, :, 0].mean(dim=0)  # last layer, row of [CLS]
print("  ".join(f"{token} {weight:.2f}" for token, weight in zip(tokens, looks, strict=True)))
if guess is not None:
    print("your guess:", guess)
ax = token_strip(tokens[1:-1], looks[1:-1], ax=new_axes(6.4, 0.8), wide=58)

# %% tags=["check:cls-looks"]
# checked: what [CLS] looks at, and how little but gets
assert tokens[looks[1:-1].argmax() + 1] == "superb" and abs(looks[10] - 0.24) < 0.01
assert abs(looks[tokens.index("but")] - 0.05) < 0.01 and abs(looks[[0, -1]].sum() - 0.30) < 0.02
assert looks[1:-1].topk(3).indices.tolist() == [9, 1, 3] and looks[2:10].max() < 0.075

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** It looks right, because it is what we would have marked. That is the trap of this page: *plausible* is not *true of the model*.

# %% [markdown]
# *superb*, with 0.24, and the next, *plot*, has 0.07. (The rest, 0.29, goes to `[CLS]` and `[SEP]`, which the picture leaves out.) It is convincing, because it is the word that *we* would have marked.
#
# But a picture that pleases us may still be wrong about the model. Jacovi & Goldberg (2020) give the two things two names: **plausible** is an explanation that convinces people, **faithful** is one that says what the model really did. Only a test can tell whether it is faithful. And page 08 has warned us: a weight is not yet an effect.
#
# ## 3. Cover a word
#
# The plainest test: cover a word and see what happens. To cover is to put `[MASK]` in its place, so that all other words keep their positions. Without *superb*:


# %% tags=["timing", "nbval-ignore-output"]
@torch.no_grad()
def logit_of(rows):
    """The logit of "positive" for each row of ids."""
    return model(rows, torch.ones_like(rows))[:, target]


covered = ids.clone()
covered[0, tokens.index("superb")] = tokenizer.mask_token_id
without_superb = logit_of(covered).item()
print(f"as it is {logit_of(ids).item():.2f}   without superb {without_superb:.2f}")

# %% tags=["check:without-superb"]
# checked: what is left without superb
assert abs(without_superb + 2.49) < 0.01

# %% [markdown]
# The logit falls by 3.90, from 1.41 to −2.49. To do this for each word in turn is called **occlusion** (Zeiler & Fergus 2013, who covered parts of pictures). The library does it with captum, a collection of such methods; you write it in the exercises.
#
# Which word comes *second* after *superb*?

# %%
guess = None  # a word

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.attribution import occlusion

falls = occlusion(model, tokenizer, ids, target)[1:-1]  # without [CLS] and [SEP], which are never covered
for at in falls.argsort(descending=True).tolist():
    print(f"without {tokens[at + 1]:7} the logit falls by {falls[at]:5.2f}")
print("your guess:", guess)

# %% tags=["check:falls"]
# checked: superb, then but; thin speaks against; captum's numbers are those of the definition
rows = ids.repeat(11, 1)
rows[torch.arange(11), torch.arange(1, 12)] = tokenizer.mask_token_id
assert torch.allclose(falls, logit_of(ids) - logit_of(rows), atol=1e-4)
assert (
    abs(falls.sum() - 0.08) < 0.02
    and falls.argsort(descending=True)[:2].tolist() == [9, 5]
    and (falls > 0).sum() == 2
    and falls.argmin() == 3
)
assert all(abs(one - other) < 0.006 for one, other in zip(falls.tolist(), Verdict.values["occlusion"], strict=True))
with torch.no_grad():  # one logit falls as the other rises
    assert torch.corrcoef(model(rows, torch.ones_like(rows)).T)[0, 1] < -0.99

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Cover one word
#
# | covered | the logit falls by |
# | --- | --- |
# | superb | 3.90 |
# | but | 2.44 |
# | the full stop | −0.21 |
# | plot | −0.69 |
# | acting | −0.96 |
# | thin | −1.49 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Before this slide, ask who comes second. Nobody says *but*. A negative fall: without *thin* the model is surer that this is praise.

# %% [markdown]
# *but*! It is no word of praise, and `[CLS]` gave it 0.05, as little as *is*. Still the verdict hangs on it. The falls of all other words are negative: with them covered, mini-imdb is surer. By this measure they speak against praise, *thin* most. Even the full stop does, so part of a fall may come from the cover itself. Attention cannot say such a thing, as a weight is never negative.
#
# **Play with it.** Press words to cover them. First *but*. Then *thin* as well. What happens?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Cover *but*. Then *thin* as well

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
from bertnotes.pictures.play import play

play("cover")


# %% tags=["check:but-and-thin"]
# checked: but alone turns the verdict, thin as well turns it back
def positive(words, hidden):
    row = ids.clone()
    row[0, 1:-1] = torch.tensor(tokenizer.convert_tokens_to_ids(words))
    row[0, [at + 1 for at in hidden]] = tokenizer.mask_token_id
    with torch.no_grad():
        return 100 * model(row, torch.ones_like(row)).softmax(dim=-1)[0, 1].item()


assert 11.5 < positive(tokens[1:-1], [5]) < 12.5 and 99.7 < positive(tokens[1:-1], [5, 3]) < 99.9
assert positive(tokens[1:-1], [3]) > 99.4

# %% tags=["check:stored-covers"]
# checked: of each sentence, 24 drawn covers are mini-imdb's
from bertnotes.pictures.play import TOYS as PLAYS

drawn_covers = torch.randint(2048, (24,), generator=torch.Generator().manual_seed(0)).tolist()
for stored in json.loads((PLAYS / "cover.json").read_text(encoding="utf-8")):
    for code in drawn_covers:
        percent = positive(stored["words"], [at for at in range(11) if code >> at & 1])
        assert abs(int(stored["percents"][2 * code : 2 * code + 2]) - min(99, percent)) < 0.6

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Without *but*: 12 %. Without *but* and *thin*: 99 %. Let someone say why. Then take the other sentence, and find one word that turns its verdict.

# %% [markdown]
# Without *but*, 12 % is left. Without *but* and *thin*, it is above 99 % (the display ends at 99). So *but* does not praise anything. Its work seems to be to take away the power of *thin*. Words act together, and a method that covers one at a time sees only part of that.
#
# ## 4. A dimmer instead of a switch
#
# A cover is a switch: a word is there or hidden. But a model reads a word as a vector (page 05), and vectors can be mixed. So we give each word a **dimmer**. At 0 the model gets the vector of `[MASK]`, at 1 the word's own, at 0.5 half of each.
#
# How does the logit go as *superb* is turned up, with all other words at 1?

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.attribution import blank

with torch.no_grad():
    embed = model.bert.get_input_embeddings()
    own, hidden = embed(ids), embed(blank(ids, tokenizer))  # blank: [CLS], eleven times [MASK], [SEP]


def logit_at(dimmers):
    """The logit of "positive" with each token's dimmer from 0 (hidden) to 1 (there): (row, token) -> (row,)."""
    vectors = hidden + dimmers[..., None] * (own - hidden)
    return model.run({"inputs_embeds": vectors})[0][:, target]


change = (logit_at(torch.ones(1, 13)) - logit_at(torch.zeros(1, 13))).item()
print(f"all at 1: {logit_at(torch.ones(1, 13)).item():.2f}   all at 0: {logit_at(torch.zeros(1, 13)).item():.2f}")

# %% tags=["check:dimmer-ends"]
# checked: the dimmers at their ends are the sentence and the blank one
assert abs(logit_at(torch.ones(1, 13)).item() - logit_of(ids).item()) < 1e-4 and abs(change - 1.58) < 0.01
assert abs(logit_at(torch.zeros(1, 13)).item() - logit_of(blank(ids, tokenizer)).item()) < 1e-4
assert abs(logit_of(blank(ids, tokenizer)).item() + 0.17) < 0.01

# %%
guess = None  # "straight", "early" (most of the rise near 0), "middle" or "late"

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Turn up *superb*
#
# All other words at 1. Where does the logit rise: early, in the middle, late?

# %% slideshow={"slide_type": "fragment"} tags=["timing", "nbval-ignore-output"]
from bertnotes.pictures.charts import line_chart

dimmers = torch.ones(11, 13)
dimmers[:, tokens.index("superb")] = torch.linspace(0, 1, 11)
with torch.no_grad():
    curve = logit_at(dimmers)
ax = line_chart([step / 10 for step in range(11)], {"logit": curve.tolist()}, "dimmer of superb", logarithmic="")
if guess is not None:
    print("your guess:", guess)

# %% tags=["check:curve-of-superb"]
# checked: the curve is that of the drawing; most of its rise is in the middle
from bertnotes.pictures.drawings.page12 import Dimmed

assert all(abs(one - other) < 0.06 for one, other in zip(curve.tolist(), Dimmed.curve, strict=True))
assert (curve[7] - curve[3]) / (curve[-1] - curve[0]) > 0.6

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** An S: little at first, then all at once, then little again. Ask: which single number would you tell for this curve? The rise? The slope at the end?

# %% [markdown]
# An S: little at first, most of the rise in the middle, and little at the end. Each method asks this curve something else.
#
# ![A dimmer between MASK and superb, and the curve of the logit: occlusion is the whole rise, the gradient is the slope at 1, where the curve is far flatter](figures/12_dimmer.svg)
#
# **Gradient × input** (Simonyan et al. 2013 used the gradient, Shrikumar et al. 2016 the product) takes the *slope at 1*: by how much would the logit change if we turned the word down a tiny bit? (The product is inside the dimmer: its slope is that of the vector, times the way from `[MASK]`. Many take the way from 0 instead, which can give another order.) PyTorch's backward pass gives the slopes of all words at once, which is why the method is so cheap.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![A dimmer between MASK and superb, and the curve of the logit: occlusion is the whole rise, the gradient is the slope at 1, where the curve is far flatter](figures/12_dimmer.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Read the drawing from left to right. Three questions to one curve: the rise, the slope at the end, the mean slope.

# %%
guess = None  # the word with the highest slope

# %% tags=["timing", "nbval-ignore-output"]
dimmers = torch.ones(1, 13, requires_grad=True)  # every word is there
logit_at(dimmers).sum().backward()
slopes = dimmers.grad[0, 1:-1]  # one forward pass and one backward pass
print("  ".join(f"{token} {slope:.2f}" for token, slope in zip(tokens[1:-1], slopes, strict=True)))
print("your guess:", guess)

# %% tags=["check:slopes"]
# checked: plot has the highest slope; the slopes are those of captum, and of the drawing
from bertnotes.attribution import gradient_x_input

assert torch.allclose(slopes, gradient_x_input(model, tokenizer, ids, target)[1:-1], atol=2e-3)
dimmed = torch.ones(11, 13)
dimmed[:, tokens.index("plot")] = torch.linspace(0, 1, 11)
with torch.no_grad():
    of_plot = logit_at(dimmed)
assert of_plot[0] - of_plot[10] > 0.6 and of_plot.argmin() in (6, 7, 8) and of_plot[10] - of_plot.min() > 0.15
assert slopes.argmax() == 1 and abs(slopes[9] - Dimmed.slope) < 0.03
assert all(abs(one - other) < 0.03 for one, other in zip(slopes.tolist(), Verdict.values["gradient × input"], strict=True))

# %% [markdown]
# *plot*, with 1.30, before *superb* with 0.96. Yet without *plot* the logit *rises*, by 0.69. Turned up from 0, *plot* lowers the logit, and only near 1 does it raise it a little. The slope at the end knows nothing of the way before it, and may even have the wrong sign.
#
# So use many slopes. **Integrated gradients** (Sundararajan et al. 2017) turn up *all* words together, from 0 to 1, and average each word's slope on the way:
#
# $$\text{value of word } i = \int_0^1 \frac{\partial\,\text{logit}}{\partial\,\text{dimmer}_i}(t, t, \ldots, t)\; dt$$
#
# ($\partial$ is the slope for one word alone, and $\int$ adds up along the way; the code takes the mean over 64 steps.) On this way the logit goes from −0.17 (all hidden) to 1.41 (all there). What will the eleven values sum to?

# %%
guess = None  # a number

# %% tags=["timing", "nbval-ignore-output"]
way = (torch.arange(64) + 0.5) / 64  # 64 steps from hidden to there
dimmers = way[:, None].repeat(1, 13).requires_grad_()  # in each row all words are equally bright
logit_at(dimmers).sum().backward()
integrated = dimmers.grad.mean(dim=0)[1:-1]
print("  ".join(f"{token} {value:.2f}" for token, value in zip(tokens[1:-1], integrated, strict=True)))
print(f"sum {integrated.sum():.2f}   change of the logit {change:.2f}   your guess: {guess}")

# %% tags=["check:completeness"]
# checked: the values sum to the change; they are those of captum, and of the drawing
from bertnotes.attribution import integrated_gradients

assert abs(integrated.sum() - change) < 0.03 and integrated.argsort(descending=True)[:2].tolist() == [9, 5]
assert torch.allclose(integrated, integrated_gradients(model, tokenizer, ids, target, steps=64)[1:-1], atol=0.05)
pairs = zip(integrated.tolist(), Verdict.values["integrated gradients"], strict=True)
assert all(abs(one - other) < 0.06 for one, other in pairs)

# %% [markdown]
# 1.58, the whole change: small slopes along a way add up to the height that one has climbed. This is called **completeness**. It is a test of the *computation*, which you can run on any text: if the sum is off, there were too few steps. (For occlusion nothing of the kind holds: its falls sum to 0.08.)
#
# Here too *superb* comes first and *but* second. That every word must start at `[MASK]`, the **baseline**, was our choice. Another baseline gives other values.
#
# ## 5. Five answers
#
# One method is missing. Attention in the last layer looks at vectors that are already mixed: *but* may have reached `[CLS]` on a detour, through other tokens. **Attention rollout** (Abnar & Zuidema 2020) follows attention through all layers. It counts each layer as half attention, half residual connection, and multiplies: $\left(\tfrac12 A_6 + \tfrac12 I\right) \cdots \left(\tfrac12 A_1 + \tfrac12 I\right)$, where $A_l$ is the mean over the heads of layer $l$. `explain` asks all five.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.attribution import METHODS, explain

(one,) = explain(model, tokenizer, [SENTENCE])
for name in METHODS:
    values = one.values[name][1:-1]
    best = [f"{tokens[at + 1]} {values[at]:.2f}" for at in values.topk(3).indices.tolist()]
    print(f"{name:21} {'   '.join(best)}")

# %% tags=["check:five-answers"]
# checked: what each of the five puts first, three of them superb; rollout and attention as drawn
first = [tokens[one.values[name].argmax()] for name in METHODS]
assert first == ["superb", ".", "plot", "superb", "superb"]
for name, drawn in {"attention": "attention", "attention rollout": "rollout"}.items():
    found = one.values[name][1:-1].tolist()
    assert all(abs(value - other) < 0.006 for value, other in zip(found, Verdict.values[drawn], strict=True))
assert one.values["attention rollout"].max() < 0.06 and one.values["attention rollout"].sum() < 0.3

# %% tags=["check:first-drawing"]
# checked: the verdict on the sentence of the first drawing, and the two words that each method puts first
from bertnotes.pictures.drawings.page12 import Claims

(dull,) = explain(model, tokenizer, ["A dull story, saved by a wonderful cast."])
share = read(model, tokenizer, "A dull story, saved by a wonderful cast.")[1].softmax(dim=-1)[0]
assert dull.target == 0 and round(100 * share.item()) == Claims.percent
assert tuple(tokenizer.convert_ids_to_tokens(dull.ids[0])[1:-1]) == Claims.words
for name, marked in Claims.first.items():
    assert {*dull.values[name.replace("×", "x")][1:-1].topk(2).indices.tolist()} == {*marked}

# %% [markdown]
# ![A table of five methods and eleven words with bars: attention has superb alone, rollout is nearly even, occlusion and integrated gradients have superb and but, gradient times input has plot, superb and acting](figures/12_five.svg)
#
# Read it by rows: three methods put *superb* first, one *plot*, and rollout the full stop. Rollout is nearly even: no word gets more than 0.05. Half of each layer stays where it is, so most is left on `[CLS]`, which is not drawn, and the rest is spread over all. Only occlusion and integrated gradients give *but* the second rank.
#
# All five were computed correctly. Which one is *right*?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![A table of five methods and eleven words with bars: attention has superb alone, rollout is nearly even, occlusion and integrated gradients have superb and but, gradient times input has plot, superb and acting](figures/12_five.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let the class find two rows that contradict each other. Then ask what would settle it. A person who marks the right words? That would test whether it is plausible.

# %% [markdown]
# ## 6. Where the answer is known
#
# We do not know mini-imdb's reasons. So we build models whose reasons we know: toys of two words, each a formula of two dimmers.
#
# ![Five toy models: sum, either, both, block and look, each with its rule and the fair share of its two words](figures/12_toys.svg)
#
# What is *right* where two words act together, as in *either* and *both*? A fair split keeps these rules: equal parts get equal shares, a word that does nothing gets 0, and the shares sum to the whole change. A fourth: if a model is the sum of two others, its shares are the sums of theirs. For words that are there or not, only one split keeps all four, the **Shapley value** (Shapley 1953): turn the words on one after the other, in every order, and average what each one adds.
#
# Which method gets most toys right: occlusion, gradient × input or integrated gradients? And how many of five?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Five toy models: sum, either, both, block and look, each with its rule and the fair share of its two words](figures/12_toys.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Take *either* by hand. Cover great: superb is still there, so nothing falls. Cover superb: the same. So what will occlusion say? Then *both*. Then let them guess who gets most toys right.

# %%
TOYS = {
    "sum": lambda x, y: 3 * x - 2 * y,
    "either": lambda x, y: 3 * (1 - (1 - x) * (1 - y)),  # nothing only where both are hidden
    "both": lambda x, y: 3 * x * y,
    "block": lambda x, y: 3 * torch.relu(x - y),  # relu: nothing below 0
    "look": lambda x, y: 0.8 * 0 * x + 0.2 * 15 * y,  # attention times value: film has 0, great has 15
}
# %%
off, on = torch.tensor(0.0), torch.tensor(1.0)


def fair(toy):
    """Each word turned on first and second: the mean of what it adds."""
    x = (toy(on, off) - toy(off, off) + toy(on, on) - toy(off, on)) / 2
    y = (toy(off, on) - toy(off, off) + toy(on, on) - toy(on, off)) / 2
    return torch.stack([x, y])


def covering(toy):
    """Occlusion."""
    return torch.stack([toy(on, on) - toy(off, on), toy(on, on) - toy(on, off)])


# %%
from torch.func import grad


def slope_at(toy, t):
    """The slopes for both words where both dimmers are at t."""
    return torch.stack(grad(toy, argnums=(0, 1))(t, t))


def mean_slope(toy):
    """Integrated gradients, in 100 steps."""
    return torch.stack([slope_at(toy, (step + 0.5) / 100 * on) for step in range(100)]).mean(dim=0)


# %%
guess = None  # the best method, and in how many of five toys it is right, such as ("occlusion", 4)

# %%
asked = {"fair share": fair, "occlusion": covering, "gradient x input": lambda toy: slope_at(toy, on)}
asked["integrated gradients"] = mean_slope
print("".join(f"{name:>22}" for name in ["", *asked]))
for name, toy in TOYS.items():
    answers = [method(toy).tolist() for method in asked.values()]
    print(f"{name:>22}" + "".join(f"{x + 0:14.1f} {y + 0:7.1f}" for x, y in answers))
print("your guess:", guess)

# %% tags=["check:toys"]
# checked: who is right on which toy; the shares that the drawing shows; look's attention is not its effect
from bertnotes.pictures.drawings.page12 import TOYS as DRAWN

right = {name: [] for name in asked}
for name, toy in TOYS.items():
    for method, function in asked.items():
        right[method] += [name] if torch.allclose(function(toy), fair(toy), atol=0.01) else []
assert right["occlusion"] == right["gradient x input"] == ["sum", "look"]
assert right["integrated gradients"] == ["sum", "either", "both", "look"]
assert all(torch.allclose(fair(TOYS[name]), torch.tensor(shares, dtype=torch.float), atol=1e-5) for name, *_, shares in DRAWN)
assert covering(TOYS["both"]).sum() == 6 and covering(TOYS["either"]).sum() == 0
smooth = lambda x, y: 3 * torch.nn.functional.softplus(x - y)  # noqa: E731
assert all(torch.allclose(f(smooth), torch.tensor([1.5, -1.5]), atol=1e-4) for f in (fair, mean_slope))
assert mean_slope(TOYS["block"]).abs().max() == 0 and covering(TOYS["block"]).tolist() == [0, -3]

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Who gets which toy right?
#
# | toy | fair | occlusion | gradient × input | integrated gradients |
# | --- | --- | --- | --- | --- |
# | sum | 3, −2 | **3, −2** | **3, −2** | **3, −2** |
# | either | 1.5, 1.5 | 0, 0 | 0, 0 | **1.5, 1.5** |
# | both | 1.5, 1.5 | 3, 3 | 3, 3 | **1.5, 1.5** |
# | block | 1.5, −1.5 | 0, −3 | 0, 0 | 0, 0 |
# | look | 0, 3 | **0, 3** | **0, 3** | **0, 3** |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Bold is right. Occlusion: nobody in *either*, everybody twice in *both*. Integrated gradients miss *block*: turned up together, the two stay on the kink of relu, where PyTorch sets the slope to 0. With softplus in its place they are right. The attention of *look* says film, 0.8, which does nothing.

# %% [markdown]
# With relu as PyTorch has it, nobody gets all five. Read the table by rows:
#
# - **sum**: all three agree. This toy is a straight line in each word, and there they must.
# - **either**: occlusion and the slope find *nobody*, since each word stands in for the other. So 0 does not mean that a word plays no part.
# - **both**: each word gets the whole 3, so occlusion counts everything twice.
# - **block**: turned up together, the two words stay on the kink of relu. There the slope is a *choice*, PyTorch's is 0, and integrated gradients find nobody. With softplus, a relu without kink, they find the fair 1.5 and −1.5. So it hangs on the formula *between* 0 and 1, which covers never see.
# - **look**: attention would say *film*, with 0.8 against 0.2, though it adds nothing (page 08 again). The others see that.
#
# Integrated gradients are right in four of five. That is a count over toys that *we* chose, and no grade.
#
# ### Fair shares of our sentence
#
# The fair shares of eleven words need every choice of which words are covered: $2^{11}$ = 2,048 forward passes. For one short sentence we can afford that. Which of the five methods will come nearest?

# %% tags=["timing", "nbval-ignore-output"]
covers = torch.arange(2048)[:, None] >> torch.arange(11) & 1  # row by row: 1 where a word is covered
rows = ids.repeat(2048, 1)
rows[:, 1:-1] = torch.where(covers == 1, tokenizer.mask_token_id, rows[:, 1:-1])
every = torch.cat([logit_of(part) for part in rows.split(64)])  # the logit for every set of covers


def fair_share(word):
    """What a word adds, on average over how many others are covered, and over all sets of so many."""
    there, count = covers[:, word] == 0, covers.sum(dim=1)
    added = [every[there & (count == k)].mean() - every[~there & (count == k + 1)].mean() for k in range(11)]
    return sum(added) / 11


# %% tags=["check:every-cover"]
# checked: the fair shares sum to the change; the first and the last set are the sentence and the blank one
assert abs(every[0] - logit_of(ids)) < 1e-4 and abs(every[-1] - logit_of(blank(ids, tokenizer))) < 1e-4
assert abs(sum(fair_share(word) for word in range(11)) - change) < 1e-3

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Fair shares of our sentence
#
# 2,048 sets of covers. Blue speaks for *positive*, orange against it. Which method will come nearest?

# %% slideshow={"slide_type": "fragment"} tags=["timing", "nbval-ignore-output"]
shares = torch.stack([fair_share(word) for word in range(11)])
print("  ".join(f"{token} {share:.2f}" for token, share in zip(tokens[1:-1], shares, strict=True)))
ax = token_strip(tokens[1:-1], shares, ax=new_axes(6.4, 0.8), wide=58)

# %% tags=["check:shares-of-words"]
# checked: the fair shares that the text names
assert abs(shares[9] - 4.18) < 0.02 and abs(shares[5] - 0.92) < 0.02 and abs(shares[3] + 1.27) < 0.02
assert shares.argsort(descending=True)[:2].tolist() == [9, 5] and (shares > 0).sum() == 2

# %%
guess = None  # which of the five methods comes nearest

# %% tags=["timing", "nbval-ignore-output"]
alike = {name: torch.corrcoef(torch.stack([one.values[name][1:-1], shares]))[0, 1].item() for name in METHODS}
for name, correlation in alike.items():
    print(f"{name:21} correlation with the fair shares {correlation:5.2f}")
print("your guess:", guess)

# %% tags=["check:fair-shares"]
# checked: how near the five methods come to the fair shares
assert max(alike, key=alike.get) == "integrated gradients" and alike["integrated gradients"] > 0.97
assert alike["attention"] > 0.8 and alike["gradient x input"] < 0.6

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Blue speaks for the verdict, orange against it. A review of 200 words has 2 to the power of 200 sets of covers: out of reach. So for real texts we need another test.

# %% [markdown]
# *superb* 4.18, *but* 0.92, *thin* −1.27. The **correlation** of two rows of numbers is 1 where they rise and fall together, and near 0 where they have nothing in common. By it, integrated gradients come nearest on this sentence. Attention's high number is the work of *one* word: without *superb* it is about −0.4, and that of integrated gradients still 0.94.
#
# Two cautions. It is one sentence. And the covered sentences are texts of a kind that mini-imdb never met in training: what it says of them need not be what it does with whole ones. Occlusion shares this weakness, and so do integrated gradients on their way.
#
# ## 7. A test without answers
#
# A review of 200 words has $2^{200}$ sets of covers, and nobody knows the true reasons. But a *ranking* of words can be put to a test. Hide the words that it puts first, a tenth of the text, two tenths and so on. If they carried the verdict, its probability falls fast. This is a **deletion curve** (Samek et al. 2015).
#
# ![Words hidden in the order of a ranking and in random order; the mean gap between the two curves is the lead](figures/12_deletion.svg)
#
# How fast is fast? Any verdict falls when enough words are gone. So we need a **control**: a random ranking, one for each review. The mean gap between its curve and that of a method is the method's **lead**: the area between them, divided by the width, 0.5. A ranking without a lead has not shown that it finds the words *for* the verdict.
#
# We ask 100 IMDB reviews that mini-imdb did not learn from, of at most 256 tokens. This takes too long for a page, so the curves are stored. Does attention beat random? And which method leads most?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Words hidden in the order of a ranking and in random order; the mean gap between the two curves is the lead](figures/12_deletion.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Why a random control? Because every verdict falls if one hides enough. Vote: does attention beat random? Who leads?

# %%
guess = None  # does attention beat random, and who leads most: such as ("no", "occlusion")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## 100 reviews, five rankings and a random one
#
# Does attention beat random? Who leads?

# %% slideshow={"slide_type": "fragment"}
from bertnotes.files import RESULTS
from bertnotes.pictures.charts import deletion_chart

record = json.loads((RESULTS / "attribution-imdb.json").read_text(encoding="utf-8"))
ax = deletion_chart(record["shares"], record["curves"])
if guess is not None:
    print("your guess:", guess)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Begin with random: with half of the words gone, the verdict still has 0.88. Then the two lowest curves: with a tenth hidden, they are below a half.

# %%
from bertnotes.attribution import area_under
from bertnotes.evaluation import bootstrap_mean


def lead_of(name, record):
    """By how much the curve of a method lies under the random one, review by review."""
    areas = [area_under(record["shares"], torch.tensor(record["curves"][which])) for which in ("random", name)]
    return (areas[0] - areas[1]).numpy()


# %%
for name in METHODS:
    print(f"{name:21} lead over random {bootstrap_mean(lead_of(name, record))}")

# %% tags=["check:leads"]
# checked: the leads that the text names; all beat random; the two best are apart from the others
leads = {name: bootstrap_mean(lead_of(name, record)) for name in METHODS}
means = {name: [sum(column) / 100 for column in zip(*rows, strict=True)] for name, rows in record["curves"].items()}
assert record["reviews"] == 100 and max(record["tokens"]) <= 256 and record["shares"] == [0, 0.1, 0.2, 0.3, 0.5]
assert all(lead.low > 0 for lead in leads.values()) and abs(leads["attention"].value - 0.164) < 0.0006
assert abs(leads["integrated gradients"].value - 0.689) < 0.001 and abs(leads["occlusion"].value - 0.580) < 0.001
weak = max(leads[name].high for name in ("attention", "attention rollout", "gradient x input"))
assert min(leads[name].low for name in ("integrated gradients", "occlusion")) > 1.5 * weak
assert abs(means["integrated gradients"][1] - 0.38) < 0.005 and abs(means["occlusion"][1] - 0.45) < 0.005
assert (
    abs(means["random"][1] - 0.96) < 0.005
    and abs(means["random"][-1] - 0.88) < 0.005
    and abs(means["random"][0] - 0.97) < 0.005
)

# %% tags=["check:lead-is-mean-gap"]
# checked: the lead is the area divided by the width of 0.5
gap = torch.tensor(record["curves"]["random"]) - torch.tensor(record["curves"]["integrated gradients"])
area = torch.trapezoid(gap.mean(dim=0), torch.tensor(record["shares"])).item()
assert abs(area - 0.344) < 0.001 and abs(area / 0.5 - leads["integrated gradients"].value) < 1e-4

# %% [markdown]
# All five beat random, and by very different amounts. (In brackets: the bootstrap interval over reviews, page 11.) With a tenth of the tokens hidden by integrated gradients, the mean probability falls from 0.97 to 0.38; hidden at random, only to 0.96. Integrated gradients lead by 0.69 and occlusion by 0.58. Attention leads by 0.164, with an interval from 0.13 to 0.20: it knows something of the verdict, and much less.
#
# Is the test fair? **It has favourites.** It hides with `[MASK]`, and so does occlusion; integrated gradients start at `[MASK]`, and gradient × input takes its slope in that direction. They know the class, too. Attention knows neither. And a ranking that reaches for words without which any text turns strange would also do well. Hooker et al. (2018) train the model anew without the hidden parts: then a text with gaps is no longer strange.
#
# ## 8. Another classifier, nearly as good
#
# So attention says *something*, one would think. In mini-imdb mini's own weights stayed as they were, and small changes were learned beside them (LoRA). In another classifier of ours *all* weights of mini were trained. Both read the same 22,992 reviews twice. It is right in 91.8 % of the 25,000 test reviews, mini-imdb in 92.4 %: a small difference, and too large for chance. We gave it the same test on the same 100 reviews. What is attention's lead there?

# %%
guess = None  # a lead; for mini-imdb it was 0.164

# %% tags=["timing", "nbval-ignore-output"]
whole = json.loads((RESULTS / "attribution-imdb-whole.json").read_text(encoding="utf-8"))
for name in METHODS:
    print(f"{name:21} mini-imdb {bootstrap_mean(lead_of(name, record))}   whole {bootstrap_mean(lead_of(name, whole))}")
difference = lead_of("attention", record) - lead_of("attention", whole)  # review by review
print(f"attention, difference {bootstrap_mean(difference)}   your guess: {guess}")

# %% tags=["check:two-classifiers"]
# checked: attention's lead in both; the two runs differ in what was trained and how fast; same reviews
runs = [json.loads((RESULTS / one["run"]).read_text(encoding="utf-8")) for one in (record, whole)]
assert [round(100 * run["accuracy"], 1) for run in runs] == [92.4, 91.8] and record["tokens"] == whole["tokens"]
assert all(run["train_reviews"] == 22992 and run["config"]["epochs"] == 2 for run in runs)
assert [run["config"].get("lora") for run in runs] == [8, None] and [run["config"]["learning_rate"] for run in runs] == [
    1e-3,
    1e-4,
]
there = {name: bootstrap_mean(lead_of(name, whole)) for name in METHODS}
assert abs(there["attention"].value - 0.007) < 0.001 and there["attention"].low < 0 < there["attention"].high
ours, theirs = lead_of("attention", record), lead_of("attention", whole)
assert (ours > 0.02).sum() == 86 and (abs(theirs) < 0.02).sum() == 67 and (theirs > 0.02).sum() == 19
assert abs(there["attention rollout"].value - 0.153) < 0.001
assert bootstrap_mean(difference).low > 0.1 and min(there[name].low for name in ("integrated gradients", "occlusion")) > 0.65
assert abs(there["gradient x input"].value - 0.428) < 0.001 and abs(leads["gradient x input"].value - 0.206) < 0.001

# %% tags=["check:better-by-little"]
# checked: the two accuracies differ by more than three standard errors, review by review
from bertnotes.experiments.records import unpack_probabilities

said = [torch.tensor(unpack_probabilities(run["positive"])) > 0.5 for run in runs]
truth = torch.arange(25000) >= 12500
truth = truth if (said[0] == truth).float().mean() > 0.5 else ~truth
better = (said[0] == truth).float() - (said[1] == truth).float()
assert better.mean() / (better.std() / 25000**0.5) > 3

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Attention's lead over random, in two classifiers
#
# A dot is a review. Right of 0, attention is better than chance. In `mini-imdb` the mean is 0.164. And in the other?

# %% slideshow={"slide_type": "fragment"}
from bertnotes.pictures.charts import dot_rows

dots = {"mini-imdb": lead_of("attention", record).tolist(), "all weights": lead_of("attention", whole).tolist()}
ax = dot_rows(dots, {"random": 0}, "attention's lead over random")

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Above 0.164 on average, below 0.007, from −0.02 to 0.04. Same size, same training reviews, nearly the same accuracy. So what does *attention explains* mean, without the name of a model?

# %% [markdown]
# 0.007, and the interval reaches from below 0 to above it: no lead over chance can be shown. In mini-imdb it was 0.164. Each dot in the picture is a review. In mini-imdb 86 of 100 lie to the right of 0, by more than 0.02. In the other model 67 lie within 0.02 of it: there, neither what attention ranks first nor chance moves the verdict much. The rest lies on both sides.
#
# Other methods depend on the model, too: gradient × input leads by 0.21 in one and by 0.43 in the other. Rollout leads by 0.15 where the last layer's attention fails. The two best stay the two best.
#
# Same architecture, same training reviews, nearly the same accuracy. What differs is *which* weights were trained and, with that, the learning rate. One run of each, so we cannot say that LoRA is the reason. But we can say this: whether attention leads in this test is a property of a *trained model*. It cannot be read off the architecture, and has to be measured each time.
#
# ## 9. "Attention is not explanation"
#
# People have argued about this under just this title. Who found what?
#
# | paper | models | what they found |
# | --- | --- | --- |
# | Jain & Wallace 2019 | mostly LSTMs with one layer of attention | attention often ranks words unlike gradients do; quite other weights can give the same verdict |
# | Serrano & Smith 2019 | text classifiers with such layers | taking away the highest weights often leaves the decision; gradients rank better |
# | Wiegreffe & Pinter 2019 | LSTMs with one layer of attention | other weights must be *learned* with the whole model, and then they are not so easy to find; it depends on what *explanation* means |
# | Abnar & Zuidema 2020 | Transformers | raw attention says little in deep layers; rollout agrees better with occlusion and gradients |
#
# So the titles sound further apart than the findings. Jain & Wallace measured how alike two rankings are by **Kendall's tau**: 1 is the same order, 0 is no relation, −1 the reverse. Here it is for our two classifiers, each method against occlusion:

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## "Attention is not explanation"
#
# | paper | found |
# | --- | --- |
# | Jain & Wallace 2019 | ranks unlike gradients; other weights, same verdict |
# | Serrano & Smith 2019 | without the highest weights the decision often stays |
# | Wiegreffe & Pinter 2019 | other weights must be *learned*; what is an explanation? |
# | Abnar & Zuidema 2020 | rollout agrees better with occlusion and gradients |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The first three worked with LSTMs and a single layer of attention. Ask: does that carry over to a BERT? It has to be measured.

# %% tags=["timing", "nbval-ignore-output"]
taus = {}
for name in ("random", *list(METHODS)[:-1]):
    taus[name] = [bootstrap_mean(one_record["agreement with occlusion"][name]) for one_record in (record, whole)]
    print(f"{name:21} mini-imdb {taus[name][0]}   whole {taus[name][1]}")

# %% tags=["check:taus"]
# checked: attention hardly agrees with occlusion, integrated gradients do
assert all(-0.08 < tau.value < 0.08 for name in ("random", "attention") for tau in taus[name])
assert abs(taus["attention"][0].value - 0.06) < 0.005 and abs(taus["integrated gradients"][0].value - 0.42) < 0.005
assert abs(taus["integrated gradients"][1].value - 0.52) < 0.005 and taus["attention"][1].high < 0

# %% [markdown]
# Integrated gradients agree with occlusion, with 0.42 and 0.52. Attention hardly does: 0.06 in one, and slightly *against* it in the other, −0.04. The two best in the test find similar words, and attention others. But the yardstick is not quite fair: occlusion has signs, and attention has none. Jain & Wallace compared with *sizes*. On our sentence attention's tau with the falls is about 0, and with the sizes of the falls 0.6.
#
# This speaks of *one* way to use attention: the last layer, the mean over heads, as a ranking of words. Other layers and single heads we did not ask. And *where does a head look?*, the question of pages 07 and 08, is another question. For that one, attention is the answer itself.
#
# ## 10. Would it notice?
#
# A last test, which costs nothing. Break the model and see whether the explanation changes (Adebayo et al. 2018, **sanity checks**). We replace the classifier's own layer, which turns the vector of `[CLS]` into two logits, by random numbers. Its verdicts are worthless now. Which methods will draw *another picture* of the words?

# %%
guess = None  # the methods whose picture changes

# %% tags=["timing", "nbval-ignore-output"]
broken = deepcopy(model)
torch.manual_seed(0)
torch.nn.init.normal_(broken.classifier.weight, std=model.classifier.weight.std().item())
(other,) = explain(broken, tokenizer, [SENTENCE])
for name in METHODS:
    old, new = one.values[name][1:-1], other.values[name][1:-1]
    same = torch.corrcoef(torch.stack([old, new]))[0, 1]
    print(f"{name:21} correlation {same:.2f}   largest value {old.abs().max():.2f} -> {new.abs().max():.2f}")
print("your guess:", guess)

# %% tags=["check:broken-head"]
# checked: with three random layers attention stays, the others shrink and keep their picture; one turns the verdict
targets = []
for seed in range(3):
    torch.manual_seed(seed)
    torch.nn.init.normal_(broken.classifier.weight, std=model.classifier.weight.std().item())
    (other,) = explain(broken, tokenizer, [SENTENCE])
    targets.append(other.target)
    for name in METHODS:
        old, new = one.values[name][1:-1], other.values[name][1:-1]
        assert torch.corrcoef(torch.stack([old, new]))[0, 1] > 0.98
        assert torch.allclose(old, new, atol=1e-5) if "attention" in name else new.abs().max() < 0.14 * old.abs().max()
assert targets == [1, 1, 0]
assert all(other.values[name].argmax() == 10 for name in ("occlusion", "integrated gradients"))

# %% [markdown]
# None. Attention and rollout do not change at all: the layer that decides comes after them. The other three shrink to less than a tenth, and that is all. Their words stand to each other as before, correlation 1.00, and a picture that is scaled to its largest value looks the same.
#
# Two more draws of random numbers gave the same pictures (others may turn all signs round). One of them turned the verdict to *negative*, and for occlusion and integrated gradients *superb* was still first, now as the reason for *negative*. For a random layer still reads a *trained* vector: what moved that vector before moves it now.
#
# So a picture that pleases us does not show that the verdict is worth anything. We broke one layer, for one sentence. Broken deeper, the methods may differ.
#
# ## 11. What may you say?
#
# | you have | you may say | you may not say |
# | --- | --- | --- |
# | a picture of attention | here `[CLS]` looks in this layer | these words made the verdict |
# | occlusion | without this word alone, the logit is so much lower | this word plays no part, its value is 0 |
# | gradient × input | a tiny change here would do so much | all of it would do so much |
# | integrated gradients | on the way from *this baseline*, so much comes from each word | another baseline would say the same |
# | a deletion curve with a control | on texts like these, this ranking beats chance by so much | it is the true reason |
#
# And all of it about one model. An explanation that marks just the words you would have marked is the one to test first.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## What may you say?
#
# | you have | you may say | not |
# | --- | --- | --- |
# | attention | here `[CLS]` looks | these words did it |
# | occlusion | without this word alone, so much lower | 0: plays no part |
# | gradient × input | a tiny change does so much | all of it does |
# | integrated gradients | from *this baseline*, so much | any baseline says so |
# | a deletion curve | beats chance by so much | the true reason |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let someone find the toy that shows each *not*: look, either, the S of superb. Then repeat the vote of the first slide.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - An explanation is a claim. *Plausible* is what convinces us; *faithful* is what the model did. Only a test tells them apart.
# - Words act together: cover *but* and the verdict turns, cover *thin* as well and it is back. Each method misses some such case.
# - Test a ranking by hiding words, beside a random control. Attention's lead was 0.164 in one classifier and 0.007 in another.
#
# **Next:** page 13 makes all of this larger and faster.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Close the lid: which word of *The plot is thin, but the acting is superb* would you cover first, and what would you learn?

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# Work in the copy of the [exercises](exercises/12.ipynb) in `notebooks/my`. The first is for paper, the others are functions of one to three lines: occlusion, gradient × input, integrated gradients with their test, a deletion curve, and a lead over random with its error.

# %% tags=["exercises"]
import torch

from bertnotes.exercises import check, hint, solution  # noqa: F401

# %% [markdown] tags=["exercise:counted_twice"]
# ### When an explanation misleads · ● · 6 minutes
#
# A classifier's logit is 6 if *all three* of the words *not*, *bad* and *at all* are there (take *at all* as one word), and 0 otherwise. All three are there. Occlusion gives each a value. What do the three values **sum** to?

# %% [markdown] tags=["hint:counted_twice"]
# Hide *not* alone. What is the logit now, and by how much has it fallen?

# %% [markdown] tags=["hint:counted_twice"]
# Each of the three has the same fall. Hiding one is enough to lose everything.

# %% [markdown] tags=["hint:counted_twice"]
# Each falls by 6, and there are three of them.

# %% tags=["exercise:counted_twice"]
# solution
answer = 3 * 6
# instead:
# answer = None  # your number
# end of solution

check("counted_twice", answer)

# %% [markdown] tags=["reason:counted_twice"]
# 18, three times what there was to share out. With *either* in place of *all*, the sum would be 0. So the falls of occlusion are no shares: 6 and 0 can both belong to words that play the same part. The fair share here is 2 each.

# %% [markdown] tags=["exercise:covers"]
# ### Cover each word · ●● · 8 minutes
#
# `ids`, (position,), are the tokens of one text, the first of them `[CLS]`, the last `[SEP]`. Return a table (cover, position): the text once for each token between the two, in order, each time with that one token replaced by `mask_id`. This is all that occlusion needs besides the model.

# %% [markdown] tags=["hint:covers"]
# How many rows? As many as tokens, less the two ends. `ids.repeat(count, 1)` writes the text so many times.

# %% [markdown] tags=["hint:covers"]
# Row 0 hides position 1, row 1 hides position 2, and so on. A loop will do; or index with two lists of numbers at once, rows and positions.

# %% [markdown] tags=["hint:covers"]
# `inside = torch.arange(len(ids) - 2)`, and then `rows[inside, inside + 1] = mask_id`.


# %% tags=["exercise:covers"]
def covers(ids, mask_id):
    """The text with one token hidden in each row: (cover, position)."""
    # solution
    inside = torch.arange(len(ids) - 2)
    rows = ids.repeat(len(ids) - 2, 1)
    rows[inside, inside + 1] = mask_id
    return rows
    # end of solution


check("covers", covers)

# %% [markdown] tags=["reason:covers"]
# Occlusion is then the logit of the text, less the logits of these rows. The mask takes the place of the word: were the word left out, all later tokens would move, and a fall could come from their new positions.

# %% [markdown] tags=["exercise:gradient_times_way"]
# ### Gradient × input · ● · 6 minutes
#
# `slopes`, (token, size), are the gradient of a logit with respect to the word vectors, `own` these vectors, `hidden` the vectors of the text with all tokens hidden. Return, (token,), the slope along the way from `hidden` to `own`: for each token the sum of slope times way over the numbers of its vector.

# %% [markdown] tags=["hint:gradient_times_way"]
# The way is `own - hidden`: (token, size).

# %% [markdown] tags=["hint:gradient_times_way"]
# Multiply it with the slopes, number by number. Then add up over the last axis. Keep the signs.

# %% [markdown] tags=["hint:gradient_times_way"]
# `(slopes * (own - hidden)).sum(dim=-1)`


# %% tags=["exercise:gradient_times_way"]
def gradient_times_way(slopes, own, hidden):
    """The slope of each token along its way from hidden to there: (token,)."""
    # solution
    return (slopes * (own - hidden)).sum(dim=-1)
    # end of solution


check("gradient_times_way", gradient_times_way)

# %% [markdown] tags=["reason:gradient_times_way"]
# This is the slope of the token's dimmer at 1, by the chain rule: the dimmer moves the vector along `own - hidden`. "Input" in the name is short for "input, measured from the baseline". Where the baseline is a vector of zeros, it is the input itself.

# %% [markdown] tags=["exercise:integrated"]
# ### Integrated gradients, and their test · ●● · 10 minutes
#
# `slopes`, (step, token, size), are the gradients at each step of the way from all hidden to all there. `way`, (token, size), is `own - hidden`, and `change` the logit of the text less that of the hidden one. Return two things: the value of each token, (token,), and what is **missing**, the change less the sum of the values. Near 0, there were enough steps.

# %% [markdown] tags=["hint:integrated"]
# The integral over the way is the mean over the steps: `slopes.mean(dim=0)` is (token, size).

# %% [markdown] tags=["hint:integrated"]
# From there it is gradient × input: times `way`, summed over the last axis.

# %% [markdown] tags=["hint:integrated"]
# `missing` is one number: `change - values.sum()`.


# %% tags=["exercise:integrated"]
def integrated(slopes, way, change):
    """The value of each token, (token,), and what is missing of the change."""
    # solution
    values = (slopes.mean(dim=0) * way).sum(dim=-1)
    return values, change - values.sum()
    # end of solution


check("integrated", integrated)

# %% [markdown] tags=["reason:integrated"]
# A mean over steps of a way of length 1 is the integral, and an integral of a slope is the change: the fundamental theorem of calculus. So completeness holds for every model that is smooth enough, also for one that has learned nothing. It tests the arithmetic. Whether the words are the right ones, it does not test.

# %% [markdown] tags=["exercise:hide_first"]
# ### One point of a deletion curve · ●● · 9 minutes
#
# `ids` and `values`, (position,), are the tokens of a text and what a method says of each. Return a copy of `ids` in which the `count` tokens with the **highest** values are replaced by `mask_id`. The first and the last token are never hidden, whatever their values.

# %% [markdown] tags=["hint:hide_first"]
# Rank only what lies between the ends: `values[1:-1]`.

# %% [markdown] tags=["hint:hide_first"]
# `argsort(descending=True)` gives the places from the highest value to the lowest. They are counted from the first token *between* the ends, so add 1.

# %% [markdown] tags=["hint:hide_first"]
# `hidden = ids.clone()`, then `hidden[1 + values[1:-1].argsort(descending=True)[:count]] = mask_id`.


# %% tags=["exercise:hide_first"]
def hide_first(ids, values, count, mask_id):
    """The text with the tokens of the highest values hidden: (position,)."""
    # solution
    hidden = ids.clone()
    hidden[1 + values[1:-1].argsort(descending=True)[:count]] = mask_id
    return hidden
    # end of solution


check("hide_first", hide_first)

# %% [markdown] tags=["reason:hide_first"]
# The signs must stay. A word with a large negative value speaks against the verdict, and without it the model would be surer. With several counts you have a deletion curve. With `-values` you hide what speaks against: a second test of the same ranking, in which the probability should rise.

# %% [markdown] tags=["exercise:lead_over_random"]
# ### A lead and its error · ●●● · 10 minutes
#
# `ours` and `random`, (text, share), are probabilities of the verdict on the same texts, at the same shares of hidden tokens, by our ranking and by a random one. Take the shares as evenly spaced, so that the height of a curve is the mean of its row. Return the mean lead over random, and its standard error over the texts.

# %% [markdown] tags=["hint:lead_over_random"]
# First a number for each text: by how much our curve lies *under* the random one, `(random - ours).mean(dim=1)`.

# %% [markdown] tags=["hint:lead_over_random"]
# Both saw the same texts. So take the difference first, text by text, and then the mean and the spread of the differences.

# %% [markdown] tags=["hint:lead_over_random"]
# The error of a mean (page 08): `lead.std() / len(lead) ** 0.5`.


# %% tags=["exercise:lead_over_random"]
def lead_over_random(ours, random):
    """The mean lead over random, and its standard error."""
    # solution
    lead = (random - ours).mean(dim=1)
    return lead.mean(), lead.std() / len(lead) ** 0.5
    # end of solution


check("lead_over_random", lead_over_random)

# %% [markdown] tags=["reason:lead_over_random"]
# Some texts have verdicts that nothing can shake, and on those both curves stay high. In a difference text by text this cancels, so the error is smaller than that of two separate sets. The page uses the bootstrap (page 11) for the same purpose.

# %% [markdown]
# ## Sources
#
# Years are those on arXiv, where there is one.
#
# - Jain, Wallace (2019). *Attention is not Explanation.* arXiv:1902.10186
# - Wiegreffe, Pinter (2019). *Attention is not not Explanation.* arXiv:1908.04626
# - Serrano, Smith (2019). *Is Attention Interpretable?* arXiv:1906.03731
# - Abnar, Zuidema (2020). *Quantifying Attention Flow in Transformers.* arXiv:2005.00928
# - Sundararajan, Taly, Yan (2017). *Axiomatic Attribution for Deep Networks.* arXiv:1703.01365
# - Simonyan, Vedaldi, Zisserman (2013). *Deep Inside Convolutional Networks.* arXiv:1312.6034
# - Shrikumar, Greenside, Shcherbina, Kundaje (2016). *Not Just a Black Box.* arXiv:1605.01713
# - Zeiler, Fergus (2013). *Visualizing and Understanding Convolutional Networks.* arXiv:1311.2901

# %% [markdown]
# - Samek, Binder, Montavon, Bach, Müller (2015). *Evaluating the visualization of what a Deep Neural Network has learned.* arXiv:1509.06321
# - Hooker, Erhan, Kindermans, Kim (2018). *A Benchmark for Interpretability Methods in Deep Neural Networks.* arXiv:1806.10758
# - Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim (2018). *Sanity Checks for Saliency Maps.* arXiv:1810.03292
# - Jacovi, Goldberg (2020). *Towards Faithfully Interpretable NLP Systems.* arXiv:2004.03685
# - Shapley (1953). *A Value for n-Person Games.*
# - Kokhlikyan et al. (2020). *Captum: A unified and generic model interpretability library for PyTorch.* arXiv:2009.07896
