# %% [markdown] question="What does a head do, and how would we know?"
# # 08 · Measuring heads
#
# **The question:** what does a head do, and how would we know?
#
# ![A claim about a head, and four questions: how much, over many sentences; more than what, beside controls; does it add much, weight times value; is it missed, cut it and see](figures/08_claim.svg)
#
# One picture of one head on one sentence is easy to find and easy to believe. On this page a claim about a head has to answer four questions, one a section. Layer 2, head 10, which looks at the token before, gets all four. A head that seems to know grammar, and the heads that look at `[CLS]`, get some.
#
# **You need:** pages 01 to 07. **Time:** about 69 minutes, and 49 more for the exercises. Where a cell says `guess = None`, type your guess in place of `None`.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # Measuring heads
#
# ![A claim about a head, and four questions: how much, over many sentences; more than what, beside controls; does it add much, weight times value; is it missed, cut it and see](figures/08_claim.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Ask for a claim from page 07, such as *this head looks at the token before*. Then: which of the four questions did our pictures answer? None of them. The deck takes 34 minutes, votes included. Run the notebook before class.

# %%
import json
import random
import re

import torch
from torch.nn.functional import cross_entropy

from bertnotes.data import read_reviews
from bertnotes.encoder import BertEncoder
from bertnotes.files import REVIEWS
from bertnotes.models import load_tokenizer

_ = torch.set_grad_enabled(False)  # nothing is trained on this page

# %% [markdown]
# ## 1. How much, over many sentences?
#
# The claim to begin with: *layer 2, head 10 looks at the token before.* On page 03 it did so with 0.73 of its attention on average.
#
# From each of the course's reviews we take the first sentence that has exactly 24 tokens, `[CLS]` and `[SEP]` included, if there is one. At most one from a review, because sentences of the same review may be alike. All of one length, because then we need no padding.

# %%
tokenizer, model = load_tokenizer(), BertEncoder.from_pretrained()  # mini
reviews = list(dict.fromkeys(read_reviews(REVIEWS, columns=("review",))["review"]))  # each text once
random.Random(0).shuffle(reviews)  # in section 4 the order decides which tokens are hidden
rows = []
for review in reviews:
    sentences = tokenizer(re.split(r"(?<=[.!?])\s+", review)).input_ids
    rows += [ids for ids in sentences if len(ids) == 24][:1]  # the first that fits, if any
rows = torch.tensor(rows)
print("sentences, tokens:", tuple(rows.shape))
print(tokenizer.decode(rows[1], skip_special_tokens=True))

# %% [markdown]
# Now all attention weights of all sentences, and from them the share that a head gives to the token before, sentence by sentence. We ask the tokens 2 to 21 (`[CLS]` is 0), whose neighbours on both sides are ordinary tokens. How far do the sentences lie apart, for layer 2, head 10?


# %%
guess = None  # the lowest and the highest share, such as (0.2, 0.9)


# %% tags=["timing", "nbval-ignore-output"]
weights = torch.stack(model(rows).attentions).transpose(0, 1)  # (sentence, layer, head, looks, is looked at)
place = torch.arange(24)
apart = place - place[:, None]  # -1: the token before


def share_on(target, weights):
    """How much of its attention each head gives to a target: (sentence, layer, head)."""
    return (weights * target)[..., 2:-2, :].sum(dim=-1).mean(dim=-1)


before = share_on(apart == -1, weights)
one = before[:, 1, 9]  # layer 2, head 10: we count from 1, Python from 0
print(f"lowest {one.min():.2f}   mean {one.mean():.2f}   highest {one.max():.2f}   your guess: {guess}")

# %% tags=["check:sentences-apart"]
# checked: 147 sentences from as many reviews; what the text says of layer 2, head 10
assert rows.shape == (147, 24) and len({tuple(row) for row in rows.tolist()}) == 147
assert (
    abs(before[:, 0, 2].min() - 0.948) < 0.001
    and 0.5 < one.min() < 0.52
    and 0.72 < one.mean() < 0.75
    and 0.85 < one.max() < 0.91
)
assert (rows[:, 0] == tokenizer.cls_token_id).all() and (rows[:, -1] == tokenizer.sep_token_id).all()


# %%
def interval(values):
    """The mean of some values, and twice its standard error."""
    return f"{values.mean():.2f} ± {2 * values.std() / len(values) ** 0.5:.2f}"


# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## 147 sentences, three heads
#
# A dot is a sentence. To the right: how much of its attention the head gives to the token before.

# %% slideshow={"slide_type": "-"}
from bertnotes.pictures.charts import dot_rows

dots = {}
for layer, head in ((1, 3), (2, 10), (3, 12)):
    values = before[:, layer - 1, head - 1]
    dots[f"layer {layer}, head {head}\n{interval(values)}"] = values.tolist()
ax = dot_rows(dots, {}, "share of its attention on the token before")

# %% tags=["check:three-rows"]
# checked: the three means and intervals
assert [name.split("\n")[1] for name in dots] == ["1.00 ± 0.00", "0.73 ± 0.01", "0.33 ± 0.01"]

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Each row is one head. Which of the three would you call *the head that looks at the token before*? Had you drawn one sentence of the middle row, which number would you have told?

# %% [markdown]
# Layer 1, head 3 does it in every sentence, with 0.948 at the least. Layer 2, head 10 does it too, but how much depends on the sentence: from 0.51 to 0.88. Layer 3, head 12 gives the token before a third on average. One picture would have shown one dot.
#
# How sure is a mean? With other sentences it would come out a little different. About how much, the **standard error** says (page 03): the standard deviation of the values (how far they typically lie from their mean), divided by the root of their number. Mean ± 2 errors is roughly a **95 % interval**: of a hundred such samples, about 95 give one that holds the true mean. It stands under the names in the picture.
#
# Other **habits** may be looking at the token after, at oneself, at `[CLS]` or at `[SEP]`. Which of all 72 heads has most of each? One more habit, **width**, says how widely a head spreads its attention. The **entropy** of a row of weights is $-\sum w \ln w$, and width is $e^{\text{entropy}}$. A row that looks at three tokens equally has $w = 1/3$ three times: entropy $\ln 3$, width 3. An even row has width 24.

# %%
targets = {"before": apart == -1, "after": apart == 1, "itself": apart == 0, "[CLS]": place == 0, "[SEP]": place == 23}


def habits_of(weights):
    """How much each head has of each habit: {habit: (sentence, layer, head)}."""
    habits = {name: share_on(target, weights) for name, target in targets.items()}
    return habits | {"width": torch.special.entr(weights)[..., 1:-1, :].sum(dim=-1).exp().mean(dim=-1)}


habits = habits_of(weights)
for name, share in habits.items():
    layer, head = divmod(share.mean(dim=0).argmax().item(), 12)
    print(f"{name:7} layer {layer + 1}, head {head + 1:2}   {interval(share[:, layer, head])}")

# %% tags=["check:habit-table"]
# checked: which head has most of each habit, and how much
most = {name: share.mean(dim=0) for name, share in habits.items()}
best_heads = {name: divmod(share.argmax().item(), 12) for name, share in most.items()}
assert best_heads == {"before": (0, 2), "after": (1, 8), "itself": (2, 9), "[CLS]": (4, 5), "[SEP]": (3, 0), "width": (0, 0)}
wanted = {"before": 1.00, "after": 0.98, "itself": 0.36, "[CLS]": 0.96, "[SEP]": 0.15}
assert all(abs(most[name].max() - share) < 0.01 for name, share in wanted.items()) and 17 < most["width"].max() < 17.5
assert abs(torch.special.entr(torch.tensor([1 / 3] * 3)).sum().exp() - 3) < 1e-5

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Five habits: the strongest head of 72
#
# | looks at | layer, head | share ± 2 errors |
# | --- | --- | --- |
# | the token before | 1, 3 | 1.00 ± 0.00 |
# | the token after | 2, 9 | 0.98 ± 0.00 |
# | itself | 3, 10 | 0.36 ± 0.02 |
# | `[CLS]` | 5, 6 | 0.96 ± 0.00 |
# | `[SEP]` | 4, 1 | 0.15 ± 0.00 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Which habit is strongest? Then the question of the next slide: is that much? It is the best of 72, so it had 72 chances.

# %% [markdown]
# Before, after and `[CLS]` have heads that give them nearly everything; the token itself and `[SEP]` have none. Layer 1, head 1 looks as widely as over 17 tokens. (± 0.00 is rounded; `entr` in the code is $-w \ln w$.)
#
# ## 2. More than what?
#
# A number says something beside others. What would heads get that have not learned to look where mini's do? Three controls, three draws of each:
#
# - **fresh**: a BERT of the same build as it starts its training, with small random weights and biases of 0;
# - **shuffled**: mini's own parameters, but the numbers of each of its matrices and vectors in random order: the values stay, their arrangement goes;
# - **moved**: mini's own attention, with the columns of each sentence in random order: rows as sharp as mini's, but on random tokens.
#
# What will be the best of 72 *fresh* heads on the token before?

# %%
from copy import deepcopy


def fresh():
    """A BERT as it starts its training."""
    bert = BertEncoder(model.config, head=True).eval()
    for name, parameter in bert.named_parameters():
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=0.02)
        elif name.endswith("bias"):
            parameter.zero_()
    return bert


# %%
def shuffled():
    bert = deepcopy(model)  # mini, with the numbers of each parameter in random order
    for parameter in bert.parameters():
        parameter.copy_(parameter.flatten()[torch.randperm(parameter.numel())].view_as(parameter))
    return bert


torch.manual_seed(0)
controls = {"fresh": lambda: torch.stack(fresh()(rows).attentions).transpose(0, 1)}
controls["shuffled"] = lambda: torch.stack(shuffled()(rows).attentions).transpose(0, 1)
controls["moved"] = lambda: torch.stack([tables[..., torch.randperm(24)] for tables in weights])  # each in its own

# %%
guess = None  # a share

# %% tags=["timing", "nbval-ignore-output"]
others, best_of = {"mini": weights}, {"mini": {name: share.mean(dim=0).max().item() for name, share in habits.items()}}
for which, draw in controls.items():
    best_of[which] = dict.fromkeys(habits, 0.0)
    for _ in range(3):
        others[which] = draw()  # the last one is in the picture below
        for name, share in habits_of(others[which]).items():
            best_of[which][name] = max(best_of[which][name], share.mean(dim=0).max().item())
for which, best in best_of.items():
    print(f"best of 72, {which:8}", "  ".join(f"{name} {share:.2f}" for name, share in best.items()))
print("your guess for fresh, before:", guess)

# %% tags=["check:controls"]
# checked: on each habit but [SEP] and width the best of mini is more than three times the best of each control
for name in ("before", "after", "itself", "[CLS]"):
    assert best_of["mini"][name] > 3 * max(best_of[which][name] for which in ("fresh", "shuffled", "moved"))
assert 0.12 < best_of["shuffled"]["[SEP]"] < 0.14 < best_of["mini"]["[SEP]"] < 0.155 and best_of["fresh"]["before"] < 0.05
assert 0.13 < best_of["shuffled"]["[CLS]"] < 0.16 and (most["before"] < 1 / 24).sum() == 57
assert ((before / (1 - share_on(place == 0, weights))).mean(dim=0) < 1 / 23).sum() == 22  # without [CLS]
assert 23.8 < best_of["fresh"]["width"] < 24 and abs(best_of["moved"]["width"] - best_of["mini"]["width"]) < 0.01
assert max(best_of["moved"][name] for name in targets) < 0.1

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## mini's heads beside three controls
#
# A dot is a head, averaged over 147 sentences. *even*: 1/24, the same for each token.

# %% slideshow={"slide_type": "-"}
from bertnotes.pictures.style import new_axes

shares = {name: share_on(targets["before"], table).mean(dim=0).flatten().tolist() for name, table in others.items()}
ax = dot_rows(shares, {"even": 1 / 24}, "share of its attention on the token before", ax=new_axes(9, 3.8))

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Upper row: mini's 72 heads. Most of them have no more of this habit than chance; a few have much. Ask what each control speaks against: that the build alone does it, the size of the numbers, the sharpness of the rows.

# %% [markdown]
# An even row gives each token 1/24 = 0.04, and fresh heads are hardly above it: small numbers make small scores, and so nearly even rows. Shuffled heads come up to 0.15 on `[CLS]` and to 0.13 on `[SEP]`. So mini has more of *before*, *after*, *itself* and `[CLS]` than our controls. (Moved columns give every token 1/24 on average, whatever the head does: a yardstick more than a rival.) For `[SEP]` we would not say so: three draws are too few to tell 0.15 from 0.13. In width fresh heads win, with nearly 24: a wide head needs no learning.
#
# Of mini's 72 heads, 57 lie *below* even. Much of their attention goes to `[CLS]`, as section 3 will show: leave `[CLS]` out of the rows, and 22 do.
#
# **A control for the words.** Does a head look at the token before because of what the words say, or because of where they stand? We put the 22 ordinary tokens of each sentence into random order, and measure again.

# %% tags=["timing", "nbval-ignore-output"]
scrambled = rows.clone()
for row in scrambled:
    row[1:-1] = row[1:-1][torch.randperm(22)]
in_disorder = share_on(apart == -1, torch.stack(model(scrambled).attentions).transpose(0, 1))
for layer, head in ((1, 3), (2, 10)):
    as_written, mixed = before[:, layer - 1, head - 1], in_disorder[:, layer - 1, head - 1]
    print(f"layer {layer}, head {head:2}   words in random order {mixed.mean():.2f}   change {interval(mixed - as_written)}")

# %% tags=["check:disorder"]
# checked: disorder takes nothing from the head of layer 1, and gives layer 2, head 10 more
gained = in_disorder[:, 1, 9] - one
assert in_disorder[:, 0, 2].mean() > 0.99 and 0.045 < gained.mean() < 0.085 and 2 * gained.std() / 147**0.5 < 0.015

# %% [markdown]
# Neither needs sentences that make sense. Layer 1, head 3 keeps its 1.00. Layer 2, head 10 even gains 0.06 ± 0.01; why, this does not tell. It does not go by position alone: then each sentence would get the same share, and it had 0.51 to 0.88.
#
# **The best of many.** We looked for the best of 72, and that alone makes a number look good: on page 07 the best of 72 *coins* had 12 or 13 of 16. Two remedies: let the controls have their best of 72, too, and **choose the head on some sentences, measure it on others**. In the table above we did only the first. Luck adds little there: the errors of those shares are about 0.01 at most.
#
# ### A bar for grammar
#
# Now a claim that would be worth more: *this head finds the noun that a determiner belongs to*. (*The*, *a*, *this* are determiners; in *the old boat*, *the* belongs to *boat*.) In real text the noun often stands right behind *the*. So a head that always looks one ahead, and knows no grammar, would do well. Clark et al. (2019) set a bar for that: the best **fixed offset**, always looking so many words ahead, or back. In their test of BERT-base on news text the best fixed offset is right for about 52 % of the determiners, and the best head for about 94 %.
#
# We *write* sentences in which the answer is known, and no fixed offset or position is right in more than a quarter: 256 of them, with four positions of *the* and four distances, each of the 16 combinations equally often. In the code, `?` marks the word that asks and `!` the answer.
#
# ![The dark child found the quiet lovely house and so on: the second the asks, house is the answer, three tokens further on; both move from sentence to sentence](figures/08_offsets.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## A test into which closeness is not built
#
# ![The dark child found the quiet lovely house and so on: the second the asks, house is the answer, three tokens further on; both move from sentence to sentence](figures/08_offsets.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** In real text the noun often stands right behind *the*: a head that looks one ahead would do well without any grammar. Clark et al. 2019, BERT-base: the best fixed offset is right for about 52 % of determiners, the best head for about 94 %. Here the best fixed offset is right in 25 %, and so is the best fixed position.

# %%
NOUNS = "dog boat house girl car horse tree king teacher doctor bird table garden letter child bridge river door".split()
ADJECTIVES = "old green small young big dark strange lovely quiet tall little red poor happy".split()
ADVERBS = "never really often quickly badly slowly almost clearly finally soon quietly always".split()
PARTICIPLES = "found seen taken killed sold lost caught saved loved used broken forgotten".split()
drawn = random.Random(0)  # draws the same words each time


def some(words, count):
    """So many different words, drawn at random."""
    return " ".join(drawn.sample(words, count))


# %%
questions = []
for number in range(256):
    gap, first = number % 4, number // 4 % 4  # how many adjectives stand before the answer, and before the first noun
    thing, noun, last = drawn.sample(NOUNS, 3)
    start = f"the {some(ADJECTIVES, first)} {thing} found ?the {some(ADJECTIVES, gap)} !{noun}"
    end = f"and was {some(ADVERBS, 3 - gap)} {some(PARTICIPLES, 1)} by the {some(ADJECTIVES, 3 - first)} {last} ."
    questions.append(" ".join(f"{start} {end}".split()))  # one space between two words


# %%
def where(questions):
    """At which position the asking word stands, and at which the answer."""
    words = [["[CLS]", *question.split()] for question in questions]
    return [torch.tensor([[word[0] for word in row].index(mark) for row in words]) for mark in "?!"]


asks, answers = where(questions)
for name, stands in {"offset": answers - asks, "position": answers}.items():
    print(f"the best fixed {name} is right in {(stands == stands.mode().values).double().mean():.2f}")


# %%
def correct(looks, questions):
    """1 where a head looks most at the answer, else 0: (question, layer, head)."""
    asks, answers = where(questions)
    looks = looks.clone()
    for look, at in zip(looks, asks.tolist(), strict=True):
        look[..., [0, at, -1]] = 0  # [CLS], the asking word and [SEP] are out of the contest
    return (looks.argmax(dim=-1) == answers[:, None, None]).double()


# %%
def looks_of(bert, questions):
    """Where each head looks from the word that asks: (question, layer, head, is looked at)."""
    words = [["[CLS]", *re.sub("[?!]", "", question).split(), "[SEP]"] for question in questions]
    ids = torch.tensor([tokenizer.convert_tokens_to_ids(row) for row in words])
    tables = torch.stack(bert(ids).attentions, dim=1)  # (question, layer, head, looks, is looked at)
    return torch.stack([table[:, :, at] for table, at in zip(tables, where(questions)[0], strict=True)])


def best_head(bert):  # its place, and 1 or 0 for each question that it was not chosen on
    hits = correct(looks_of(bert, questions), questions)
    layer, head = divmod(hits[:128].mean(dim=0).argmax().item(), 12)  # chosen here
    return layer, head, hits[128:, layer, head]  # measured there


# %% [markdown]
# A head is right where, of all ordinary tokens but the asking one, it looks most at the answer. We choose the best head on the first 128 sentences, and count on the other 128. How often is mini's best head right?

# %%
guess = None  # a share


# %% tags=["timing", "nbval-ignore-output"]
torch.manual_seed(0)
by_chance = {}
for name, draw in {"fresh": fresh, "shuffled": shuffled}.items():
    by_chance[name] = [best_head(draw())[2].mean().item() for _ in range(3)]
    print(f"{name:8}  three draws:", *(f"{share:.2f}" for share in by_chance[name]))
layer, head, right = best_head(model)
print(f"mini      layer {layer + 1}, head {head + 1}: {interval(right)}")
print("your guess:", guess)

# %% tags=["check:grammar"]
# checked: mini's best head is far above both bars and the controls
assert (layer, head) == (4, 6) and abs(right.mean() - 0.875) < 0.02
assert all(0.14 < share < 0.25 for shares in by_chance.values() for share in shares)

# %% tags=["check:grammar-test"]
# checked: no fixed offset or position is right in more than a quarter, in all sentences and in each half
for some_of in (questions, questions[:128], questions[128:]):
    asks, answers = where(some_of)
    for stands, count in ((answers - asks, 4), (answers, 7), (asks, 4)):
        times = stands.unique(return_counts=True)[1]
        assert len(times) == count and times.max() == len(some_of) / 4
asks, answers = where(questions)
# checked: of the nouns of each sentence, the one that was the answer most often in the first half is right in about a third
nouns = [[word.strip("?!") for word in question.split() if word.strip("?!") in NOUNS] for question in questions]
assert all(len(three) == 3 for three in nouns)
was = [question.split("!")[1].split()[0] for question in questions]
liked = {noun: was[:128].count(noun) / sum(noun in three for three in nouns[:128]) for noun in NOUNS}
picked = torch.tensor([max(three, key=liked.get) == noun for three, noun in zip(nouns, was, strict=True)]).double()
assert abs(picked[128:].mean() - 1 / 3) < 2 * picked[128:].std() / 128**0.5 and picked[:128].mean() < 0.5

# %% tags=["check:grammar-words"]
# checked: the words are of the right kind, each a single piece, all sentences of one length; the one that is drawn
from bertnotes.pictures.drawings.page08 import SENTENCE

plain = [[word.strip("?!") for word in question.split()] for question in questions]
assert len({len(row) for row in plain}) == 1 and all(tokenizer.tokenize(" ".join(row)) == row for row in plain)
assert all(
    row[a - 1] == "the" and row[b - 1] in NOUNS for row, a, b in zip(plain, asks.tolist(), answers.tolist(), strict=True)
)
assert plain[6] == SENTENCE and (asks[6], answers[6]) == (5, 8)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Does a head find the noun?
#
# Chosen on 128 sentences, counted on 128 others. Bars: best fixed offset 0.25, best fixed position 0.25, favourite nouns 0.33.

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | best head of 72 | right |
# | --- | --- |
# | mini: layer 5, head 7 | **0.88 ± 0.06** |
# | fresh, three draws | 0.20 to 0.23 |
# | shuffled, three draws | 0.16 to 0.18 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Guess first. Then ask what else than grammar would get this right: *look at the next noun*. How could one test that? *The village doctor*: the next noun is village, the noun of *the* is doctor.

# %% [markdown]
# 0.88 ± 0.06: far above both bars, and above the controls, 0.16 to 0.23 in six draws. There is a third bar, **favourite words**. Each sentence has three nouns, drawn at random, and the answer is one of them. So a head that likes *bird* best and *king* least, wherever they stand, would be right in a third. No control passes that bar either.
#
# Is layer 5, head 7 right at each distance? And how much attention does the noun get from it, beside `[CLS]`, which we left out?

# %% tags=["timing", "nbval-ignore-output"]
looks = looks_of(model, questions)
hits, on_noun = correct(looks, questions), looks[range(256), layer, head, answers]
for gap in range(4):
    these = slice(128 + gap, None, 4)  # every fourth of those not chosen on
    print(f"distance {gap + 1}:  right {interval(hits[these, layer, head])}", end="   weight on ")
    print(f"the noun {on_noun[these].mean():.2f}, on [CLS] {looks[these, layer, head, 0].mean():.2f}")

# %% tags=["check:by-distance"]
# checked: right in every sentence at distances 1 and 2, in three of four at 3 and 4; [CLS] gets more than the noun
by_distance = hits[128:, layer, head].view(-1, 4).mean(dim=0)
assert by_distance[:2].min() > 0.96 and (by_distance[2:] - 0.75).abs().max() < 0.04
assert abs(on_noun[128:].mean() - 0.29) < 0.02 and abs(looks[128:, layer, head, 0].mean() - 0.56) < 0.02

# %% [markdown]
# In all 32 sentences at distances 1 and 2, and in 0.75 ± 0.16 at 3 and at 4: right less often further away, but no fixed offset. (± 0.00 says only that all 32 agree. A true share of 0.9 would give that in one sample of 30.) "Looks at the noun" means: more than at any other *word*. On average the noun gets 0.29 of the attention, `[CLS]` 0.56.
#
# What else than grammar would do as well? *Look at the next noun*: in our sentences it is always the right one. In *the village doctor* the two rules part: the noun of *the* is *doctor*, the next noun is *village*. So we put one more noun before each answer. That also moves the answer one word further away; as a control we put in one more *adjective* instead. Which of the two nouns will the head look at most?

# %%
drawn, longer, found = random.Random(1), {}, {}
for name, words in {"adjective": ADJECTIVES, "noun": NOUNS}.items():
    new = [drawn.choice([word for word in words if word not in re.split("[ ?!]", row)]) for row in questions]
    longer[name] = [row.replace("!", f"{word} !") for row, word in zip(questions, new, strict=True)][128:]
    print(f"one more {name:9}  {longer[name][6]}")
guess = None  # "first" or "second"

# %% tags=["timing", "nbval-ignore-output"]
for name, rows_of_words in longer.items():
    looks = looks_of(model, rows_of_words)
    found[name] = correct(looks, rows_of_words)[:, layer, head]
    print(f"right with one more {name:9}   {interval(found[name])}")
first = [re.sub(r"(\w+) !", r"!\1 ", row) for row in longer["noun"]]  # the mark moves to the first of the two nouns
found["first"] = correct(looks, first)[:, layer, head]
print(f"looks most at the first noun   {interval(found['first'])}   your guess: {guess}")
print(f"adjective minus noun           {interval(found['adjective'] - found['noun'])}")

# %% tags=["check:two-nouns"]
# checked: which of two nouns the head looks at, where no fixed offset or position is right in more than a quarter
less = found["adjective"] - found["noun"]
for stands in (where(longer["noun"])[1] - asks[128:], where(longer["noun"])[1], where(first)[1]):
    assert stands.unique(return_counts=True)[1].max() == 32
assert abs(found["noun"].mean() - 0.69) < 0.02 and abs(found["first"].mean() - 0.17) < 0.02
assert abs(found["adjective"].mean() - 0.8125) < 0.02 and 0.1 < less.mean() < 0.135 and 0.06 < 2 * less.std() / 128**0.5 < 0.085
assert 0 < (right - found["adjective"]).mean() < 0.08

# %% tags=["check:often-and-yesterday"]
# checked: with *often* for *the* that asks, and with *yesterday* behind the answer
for old, new in ((r"\?the", "?often"), (r"(!\w+) and", r"\1 yesterday and")):
    changed_rows = [re.sub(old, new, row) for row in questions[128:]]
    still = correct(looks_of(model, changed_rows), changed_rows)[:, 4, 6]
    assert abs(still.mean() - 0.84) < 0.02 and abs(2 * still.std() / 128**0.5 - 0.065) < 0.006
asks, answers = where(questions)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Is it simply the next noun?
#
# | layer 5, head 7 looks most at | share |
# | --- | --- |
# | the noun, as in the test | 0.88 |
# | the noun, one more adjective before it | 0.81 |
# | the *second* of two nouns, the right one | **0.69** |
# | the first of two nouns | 0.17 |
# | the noun, with *often* in place of *the* | 0.84 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Line by line: which rule does it speak against? *Look at the next noun*: two nouns. *A determiner asks for its noun*: it hardly needs *the*. So: it looks ahead to the noun that ends the phrase, in sentences of this one form.

# %% [markdown]
# At the second, the right one, in 0.69 ± 0.08, and at the first in 0.17 ± 0.07. So it does not simply look for the next noun. With one more adjective, which moves the answer as far, it is right in 0.81; the noun costs 0.12 ± 0.07 more than that.
#
# Does it need the determiner, *the*? We put an adverb in its place, *often*: 0.84 ± 0.06, hardly less than 0.88. And in all our sentences the answer stands right before *and*. With *yesterday* between the two it is 0.84 ± 0.06 as well. So it does not look for *and*, and it hardly needs *the*: it looks ahead, to the noun that ends the phrase.
#
# Does it know grammar, then? Other rules fit as well, such as *the last of the next nouns in a row*. And our sentences have one form and few words: the intervals speak of more sentences like these. Each rule that fits needs a test of its own.
#
# ## 3. Does it add much?
#
# Many heads look at `[CLS]`, in which there is no word. How much of all attention does it get, by layer?

# %%
to_cls = weights[..., 1:-1, 0].mean(dim=(0, 3))  # (layer, head), of the 22 ordinary tokens
to_sep = weights[..., 1:-1, -1].mean(dim=(0, 3))
print("to [CLS], by layer:", *(f"{share:.2f}" for share in to_cls.mean(dim=1)))
print("to [SEP], by layer:", *(f"{share:.2f}" for share in to_sep.mean(dim=1)))
print("heads with more than half on [CLS], by layer:", *(to_cls > 0.5).sum(dim=1).tolist())

# %% tags=["check:to-cls"]
# checked: how much attention [CLS] and [SEP] get
assert to_sep.mean() < 0.03 and 0.2 < to_cls[0].mean() < 0.22 and 0.71 < to_cls[4].mean() < 0.74
assert (to_cls > 0.5).sum(dim=1).tolist() == [0, 7, 7, 10, 10, 11]
assert to_cls.mean(dim=1).argmax() == 4 and 0.54 < to_cls.mean() < 0.57

# %% [markdown]
# Nearly three quarters in layer 5. And 45 heads put more than half on it. Page 07 found 52 in a single sentence, all of layers 5 and 6 among them; over 147 sentences it is 10 and 11 of 12. `[CLS]` is mini's **attention sink** (page 07).
#
# Does so much attention do much? What a head adds up is weight times *value*, and each value goes through the head's rows of $W_O$ first (page 03). Kobayashi et al. (2020) measure a token's **contribution** by the length of that: $\lVert w \cdot v W_O^h \rVert$.
#
# ![the with weight 0.8 and a value 0.5 long adds 0.4, as much as good with weight 0.1 and a value 4 long](figures/08_contribution.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![the with weight 0.8 and a value 0.5 long adds 0.4, as much as good with weight 0.1 and a value 4 long](figures/08_contribution.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Made-up numbers. Cover the right column and ask: who adds most? Two tie, with 0.4. A heatmap shows the left column alone.

# %%
states, parts, sums, measured = model(rows).hidden_states, [], [], []
for number, layer in enumerate(model.layers):
    values = layer.attention.value(states[number]).unflatten(-1, (12, 32))  # (sentence, token, head, 32)
    rows_of_output = layer.attention.output.weight.T.unflatten(0, (12, 32))  # (head, 32, 384), as on page 03
    lengths = torch.einsum("sthd,hdo->stho", values, rows_of_output).norm(dim=-1)  # (sentence, token, head)
    measured.append(lengths.mean(dim=0))  # of each token's value, after W_O
    parts.append(weights[:, number] * lengths.transpose(1, 2)[:, :, None])  # weight times length
    found_there = weights[:, number] @ values.transpose(1, 2)  # the sum over the tokens: (sentence, head, looks, 32)
    sums.append((found_there @ rows_of_output).norm(dim=-1)[..., 1:-1].mean(dim=(0, 2)))  # how long a head's result is
parts, sums = torch.stack(parts, dim=1), torch.stack(sums)  # in the shape of `weights`; (layer, head)

# %%
parts = parts / parts.sum(dim=-1, keepdim=True)  # shares of a row: each sums to 1, as weights do
shares = parts[..., 1:-1, :].mean(dim=(0, 3))  # (layer, head, is looked at)
print(f"token before, (2, 10): weight {one.mean():.2f}, lengths {share_on(apart == -1, parts)[:, 1, 9].mean():.2f}")
print(f"what (2, 10) adds is {sums[1, 9]:.2f} long, of the 12 heads of layer 2 the median {sums[1].median():.2f}")
print(f"the vectors to which layer 2 adds are {states[1][:, 1:-1].norm(dim=-1).mean():.2f} long")

# %% [markdown]
# ((2, 10) is short for layer 2, head 10. `einsum` multiplies the value of each head, `h`, with that head's rows.) From the token before comes even more, 0.81, than its weight of 0.73. That says *from where* the head gets what it adds. Is it much? The sum is 2.80 long on average: the second longest of the 12 in its layer (median 1.43), added to vectors of length 12.0. Much beside most heads of its layer; beside these vectors, a quarter.
#
# Now the heads that put more than half of their attention on `[CLS]`. What is `[CLS]`'s share of the summed lengths there?

# %%
guess = None  # a share

# %% tags=["timing", "nbval-ignore-output"]
resting = to_cls > 0.5
of_cls, of_sep = shares[..., 0], shares[..., -1]  # of the contributions
print(f"[CLS] in {resting.sum()} heads: {to_cls[resting].mean():.2f} of the weight,", end=" ")
print(f"{of_cls[resting].mean():.2f} of the lengths")
for name, weight, length in (("[CLS]", to_cls, of_cls), ("[SEP]", to_sep, of_sep)):
    print(f"{name} in all 72 heads: {weight.mean():.3f} of the weight, {length.mean():.3f} of the lengths")
print("your guess:", guess)

# %% tags=["check:contribution-of-cls"]
# checked: share of weight and of contributions; the drawing's numbers
assert abs(to_cls[resting].mean() - 0.72) < 0.01 and abs(shares[..., 0][resting].mean() - 0.33) < 0.01
assert abs(to_sep.mean() - 0.024) < 0.002 and abs(shares[..., -1].mean() - 0.046) < 0.003 and shares[..., 0].max() > 0.6
assert abs(share_on(apart == -1, parts)[:, 1, 9].mean() - 0.81) < 0.01 and (sums[1] > sums[1, 9]).sum() == 1
assert abs(sums[1, 9] - 2.80) < 0.02 and abs(sums[1].median() - 1.43) < 0.02 and abs(of_cls.mean() - 0.26) < 0.005
assert shares.sum(dim=-1).allclose(torch.ones(6, 12), atol=1e-4) and (shares[..., 0] < to_cls).sum() == 72
assert all((long[0] < long[1:-1].mean(dim=0)).all() for long in measured)  # the value of [CLS] beside those of words
from bertnotes.pictures.drawings.page08 import Contributed

assert [weight * length for weight, length in zip(Contributed.weights, Contributed.lengths, strict=True)] == [0.4, 0.4, 0.2]
assert abs(sum(Contributed.weights) - 1) < 1e-9

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Weight and contribution of [CLS]
#
# A dot is a head. Above: its weight on `[CLS]`. Below: `[CLS]`'s share of the contributions, their lengths summed.

# %% slideshow={"slide_type": "-"}
ax = dot_rows({"weight": to_cls.flatten().tolist(), "contribution": of_cls.flatten().tolist()}, {}, "share of [CLS]")

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The dots move to the left, and most of them far. **A weight is not a contribution.** But not all: some heads still get much from [CLS].

# %% [markdown]
# **A weight is not a contribution.** In these 45 heads `[CLS]` has 72 % of the weight and 33 % of the summed lengths: its values are shorter than those of words in all of them. Over all 72 heads it has 55 % and 26 %. `[SEP]` is the other way round in mini, with 2.4 % and 4.6 %. (In BERT-base, Kobayashi et al. found that little comes from either.)
#
# One of the 45 is (5, 7), which found nouns: `[CLS]` got 0.56 of its attention there, the noun 0.29. What do the two *add*?

# %%
plain_rows = tokenizer([re.sub("[?!]", "", question) for question in questions[128:]], return_tensors="pt").input_ids
layer_5, before_it = model.layers[4].attention, model(plain_rows).hidden_states[4]
values = layer_5.value(before_it).unflatten(-1, (12, 32))[:, :, 6]  # head 7: (sentence, token, 32)
lengths = (values @ layer_5.output.weight.T.unflatten(0, (12, 32))[6]).norm(dim=-1)
added = looks_of(model, questions[128:])[:, 4, 6] * lengths
added = added / added.sum(dim=-1, keepdim=True)
print(f"(5, 7): the noun {added[range(128), answers[128:]].mean():.2f} of the lengths, [CLS] {added[:, 0].mean():.2f}")

# %% tags=["check:noun-adds"]
# checked: what the noun and [CLS] add in layer 5, head 7, one of the 45
assert resting[4, 6] and abs(added[range(128), where(questions)[1][128:]].mean() - 0.54) < 0.02
assert abs(added[:, 0].mean() - 0.18) < 0.02 and plain_rows.shape == (128, len(questions[0].split()) + 2)

# %% [markdown]
# The order turns round: the noun adds 0.54, `[CLS]` 0.18. **A head can rest and work in one row**: most of the attention is parked, most of what arrives comes from the noun.
#
# But lengths do not add up like numbers: long vectors may cancel. And does the model need what is added? So:
#
# ## 4. Is it missed?
#
# We take something away and look how much worse mini guesses hidden tokens. This is called an **ablation**. As on page 03, about 15 % of the tokens of our sentences become `[MASK]`.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.masked_lm import IGNORED, mask_tokens

labels = mask_tokens(rows, tokenizer, 0.15, torch.Generator().manual_seed(0))[1]
asked, answers = labels != IGNORED, labels[labels != IGNORED]
exam = rows.where(~asked, tokenizer.mask_token_id), labels


def losses(may_look=None):
    """mini's loss at each hidden token. may_look: 1 where tokens may look, 0 where not: (sentence, token)."""
    hidden = model(exam[0], may_look).last_hidden_state[asked]
    return cross_entropy(model.word_logits(hidden), answers, reduction="none")


whole = losses()  # mini as it is
print(f"{len(answers)} hidden tokens, loss {whole.mean():.2f}")

# %% tags=["check:exam-of-sentences"]
# checked: how many tokens are hidden, and mini's loss
assert len(answers) == 484 and abs(whole.mean() - 4.11) < 0.02 and not asked[:, [0, -1]].any()

# %% [markdown]
# `[CLS]` first. There are three ways to take it away, and they are not the same:
#
# ![Value to 0 and the mean: the weights stay, and 0 or a constant comes from CLS. No looking: the weight has to go to the others](figures/08_cuts.svg)
#
# - **value to 0**, in all heads: the attention stays where it is, and what rests on `[CLS]` adds nothing;
# - **the mean**: its value becomes the mean over all our sentences, the same in each;
# - **no looking**: `[CLS]` is masked like padding (page 01), so the attention must go to other tokens.
#
# By how much does the loss rise in each?
#
# (`value_at` does the first two by a **hook**, a function that PyTorch calls with what a part has computed, and that may change it. Where it says `yield`, the lines inside the `with` run; after them, the hooks go.)


# %%
from contextlib import ExitStack, contextmanager


@contextmanager
def value_at(position, change):
    """Inside the block every layer gets another value at a position: change(value)."""

    def changed(module, given, value):
        value[:, position] = change(value[:, position])

    with ExitStack() as hooks:  # at its end, also after an error, the hooks go
        for layer in model.layers:
            hooks.enter_context(layer.attention.value.register_forward_hook(changed))
        yield


# %%
guess = None  # three rises: value to 0, the mean, no looking

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Value to 0 and the mean: the weights stay, and 0 or a constant comes from CLS. No looking: the weight has to go to the others](figures/08_cuts.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Vote: which hurts most? In the last, the other tokens suddenly count several times as much.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.pruning import heads_off, mean_and_error

rises = {}
for name, at in {"[CLS]": 0, "[SEP]": 23}.items():
    for cut, change in {"value to 0": lambda value: 0 * value, "the mean": lambda value: value.mean(dim=0)}.items():
        with value_at(at, change):
            rises[f"{name}, {cut}"] = mean_and_error(losses() - whole, exam)
    rises[f"{name}, no looking"] = mean_and_error(losses((place != at).long().expand_as(rows)) - whole, exam)
for name, (mean, error) in rises.items():
    print(f"{name:18} change of the loss {mean:+.3f} ± {2 * error:.3f}")
print("your guess for [CLS]:", guess)

# %% tags=["check:cuts"]
# checked: the value of [CLS] is not missed, to forbid looking at it costs much; [SEP] costs about the same either way
import math

risen = {name: mean.item() for name, (mean, _) in rises.items()}
assert abs(risen["[CLS], the mean"]) < 0.004 and abs(risen["[SEP], the mean"]) < 0.01
assert -0.06 < risen["[CLS], value to 0"] < 0 and 0.65 < risen["[CLS], no looking"] < 0.8
assert all(0.1 < risen[f"[SEP], {how}"] < 0.18 for how in ("value to 0", "no looking"))
assert 1.95 < math.exp(risen["[CLS], no looking"]) < 2.15
assert torch.allclose(losses(), whole, atol=1e-5)

# %% [markdown]
# (`mean_and_error` counts the 147 sentences as independent, not the 484 tokens.)
#
# The value of `[CLS]`, which gets more than half of all attention, is **not missed** in guessing words: −0.03 ± 0.04 is no rise. (With other tokens hidden it is −0.08 ± 0.04 and −0.05 ± 0.03: mini may even guess a little better without it.) Where nobody may look at it, the loss rises by 0.72, and perplexity (page 03) doubles. The two cuts differ in one thing: in the second, the other weights grow until they sum to 1. (In the 45 heads to about five times, in the median row.) So it is this growth that hurts. For mini, on these sentences, `[CLS]`, or rather the first position (page 05), seems to be a place for attention that is not wanted elsewhere.
#
# The mean in its place changes nothing. So what differs from sentence to sentence in the value of `[CLS]` does not matter in this exam.
#
# `[SEP]` has 2.4 % of the attention, and its value at 0 costs 0.14 ± 0.06. Its mean is enough, though: what is missed is a constant. And in rows of 64 tokens (page 03's exam) nothing is missed: −0.07 ± 0.04. One exam is like one picture: try a second.
#
# **Play with it.** The slider multiplies the value of `[CLS]`, in all heads: at 0 nothing comes from it, at 1 mini is as it is. With the button nobody may look at it. Which changes the guesses?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Turn the sink up and down

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
from bertnotes.pictures.play import play

play("sink")

# %% tags=["check:stored-guesses-sink"]
# checked: the stored guesses and losses are mini's; the numbers of *based*
from bertnotes.masked_lm import word_probabilities
from bertnotes.pictures.play import TOYS

stored = json.loads((TOYS / "sink.json").read_text(encoding="utf-8"))
met = ((0, risen["[CLS], value to 0"]), (4, 0), (-1, risen["[CLS], no looking"]))
assert all(abs(stored["losses"][at] - whole.mean() - rise) < 0.01 for at, rise in met)
assert [stored["sentences"][1]["guesses"][at][0] for at, _ in met] == ["based 92", "based 93", "based 6"]
for sentence in stored["sentences"]:
    text = " ".join("[MASK]" if at == sentence["gap"] else word for at, word in enumerate(sentence["words"]))
    for at, factor in enumerate(stored["factors"]):
        with value_at(0, lambda value, factor=factor: factor * value):
            chances = word_probabilities(text, model, tokenizer)
        for piece, percent in (guessed.rsplit(" ", 1) for guessed in sentence["guesses"][at]):
            assert abs(100 * chances[tokenizer.convert_tokens_to_ids(piece)] - int(percent)) < 0.7

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Go to 0: hardly anything happens; the loss falls by 0.03, within its error. (At 2 it rises by 0.16.) Then press the button, with *true story*: *based* falls from 93 % to 6 %.

# %% [markdown]
# It is the button. In *true story*, *based* falls from 93 % to 6 %; with the value at 0 it has 92 %. (Twice the value is not free: the loss rises by 0.16.)
#
# ### Whole heads
#
# We switch off heads, as on page 03. Again (1, 3) and (2, 10), which look at the token before, alone and together, and (2, 9), which looks at the token after. New are (5, 7), which found nouns, and all 45 heads that put more than half of their attention on `[CLS]`, (5, 7) among them. As a control for these, ten times, 45 heads drawn at random, as many in each layer.
#
# By how much does the loss rise without (5, 7)? Without the 45? Without 45 at random?

# %%
groups = {"(1, 3)": [(0, 2)], "(2, 10)": [(1, 9)], "both": [(0, 2), (1, 9)], "(2, 9)": [(1, 8)], "(5, 7)": [(4, 6)]}
groups |= {"45 on [CLS]": resting.nonzero().tolist()}
torch.manual_seed(0)
for number in range(10):  # each layer's choice in another order
    groups[f"45 at random, {number + 1}"] = resting.gather(1, torch.rand(6, 12).argsort(dim=1)).nonzero().tolist()
guess = None  # three rises

# %% tags=["timing", "nbval-ignore-output"]
changes = {}
for name, heads in groups.items():
    with heads_off(model, heads):  # their rows of W_O are 0
        changes[name] = losses() - whole  # at each hidden token
changes["both - sum"] = changes["both"] - changes["(1, 3)"] - changes["(2, 10)"]
rises |= {name: mean_and_error(change, exam) for name, change in changes.items()}
for name in ("(1, 3)", "(2, 10)", "both", "both - sum", "(2, 9)", "(5, 7)", "45 on [CLS]"):
    print(f"without {name:12} the loss rises by {rises[name][0]:.3f} ± {2 * rises[name][1]:.3f}")
at_random = [mean.item() for name, (mean, _) in rises.items() if "random" in name]
print(f"45 at random: lowest {min(at_random):.3f}, highest {max(at_random):.3f}   your guess: {guess}")

# %% tags=["check:heads-missed"]
# checked: the two heads for the token before cost more together than alone; the one for the token after is missed more; the 45 resting heads less than ten random groups of the same layers
by_layer = {name: [sum(at == layer for at, _ in heads) for layer in range(6)] for name, heads in groups.items()}
assert all(by_layer[name] == [0, 7, 7, 10, 10, 11] for name in groups if "45" in name) and len(at_random) == 10
assert 0.2 < rises["(2, 9)"][0] < 0.24 and 0.02 < rises["(5, 7)"][0] < 0.036 and rises["(5, 7)"][1] < 0.012
assert 0.036 < rises["(2, 10)"][0] < 0.046 and 0.034 < 2 * rises["(2, 10)"][1] < 0.04
assert 0.36 < rises["45 on [CLS]"][0] < 0.46 and 0.57 < min(at_random) < 0.63 and 1.07 < max(at_random) < 1.15
assert abs(rises["(1, 3)"][0] - 0.025) < 0.006 and abs(rises["both"][0] - 0.126) < 0.012
assert abs(2 * rises["both"][1] - 0.064) < 0.006 and (1, 8) not in map(tuple, groups["45 on [CLS]"])
assert abs(rises["both - sum"][0] - 0.059) < 0.006 and 0.019 < 2 * rises["both - sum"][1] < 0.026

# %% tags=["check:heads-shared"]
# checked: how much the other weights grow in the median row of the 45; what the random groups share with the 45, and how far above them they are
shared = [sum(resting[at].item() for at in map(tuple, heads)) for name, heads in groups.items() if "random" in name]
rests = torch.stack([weights[:, at, head, 1:-1, 0] for at, head in resting.nonzero().tolist()])
assert (min(shared), max(shared)) == (34, 39) and 5 < (1 / (1 - rests)).median() < 5.7
with_after = [[1, 8] in heads for name, heads in groups.items() if "random" in name]
assert sum(with_after) == 3 and max(r for r, has in zip(at_random, with_after, strict=True) if not has) < 0.82
others_apart = [mean_and_error(changes[name] - changes["45 on [CLS]"], exam) for name in groups if "random" in name]
least, its_error = min(others_apart)
assert abs(least - 0.184) < 0.02 and 0.07 < 2 * its_error < 0.105 and all(mean > 2 * error for mean, error in others_apart)

# %% tags=["check:other-exams"]
# checked: (5, 7) with other tokens hidden; both heads for the token before in the exam of page 03
from bertnotes.pruning import hidden_token_exams
from bertnotes.pruning import losses as losses_in

others_hidden = [mask_tokens(rows, tokenizer, 0.15, torch.Generator().manual_seed(seed))[1] for seed in (1, 2)]
exams = [(rows.where(hidden == IGNORED, tokenizer.mask_token_id), hidden) for hidden in others_hidden]
exams.append(hidden_token_exams(tokenizer, rows=80)[1])
as_it_is, costs = [losses_in(model, one_exam) for one_exam in exams], {}
for name in ("(5, 7)", "both"):
    with heads_off(model, groups[name]):
        costs[name] = [mean_and_error(losses_in(model, at) - loss, at) for at, loss in zip(exams, as_it_is, strict=True)]
assert all(0.005 < mean < 0.025 and mean < 2 * error for mean, error in costs["(5, 7)"][:2])
assert abs(costs["both"][2][0] - 0.194) < 0.003 and abs(2 * costs["both"][2][1] - 0.063) < 0.004

# %% tags=["check:values-in-other-exams"]
# checked: the value of [CLS] at 0 with other tokens hidden, that of [SEP] in rows of 64
for position, numbers in ((0, (0, 1)), (-1, (2,))):
    with value_at(position, lambda value: 0 * value):
        costs[position] = [mean_and_error(losses_in(model, exams[at]) - as_it_is[at], exams[at]) for at in numbers]
told = {0: [(-0.076, 0.04), (-0.052, 0.03)], -1: [(-0.068, 0.04)]}
for position, pairs in told.items():
    for (mean, error), (said, twice) in zip(costs[position], pairs, strict=True):
        assert abs(mean - said) < 0.006 and abs(2 * error - twice) < 0.004

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## What is missed?
#
# | taken away | rise of the loss |
# | --- | --- |
# | looking at `[CLS]` | 0.72 ± 0.15 |
# | value of `[CLS]` (55 % of attention) | −0.03 ± 0.04 |
# | value of `[SEP]` (2.4 %) | 0.14 ± 0.06 |
# | layer 1, head 3: the token before | 0.03 ± 0.04 |
# | layer 2, head 10: the token before | 0.04 ± 0.04 |
# | both (0.06 ± 0.02 more than the sum) | 0.13 ± 0.06 |
# | layer 2, head 9: the token after | 0.22 ± 0.08 |
# | layer 5, head 7: the noun | 0.03 ± 0.02 |
# | the 45 heads that rest on `[CLS]` | 0.41 ± 0.12 |
# | 45 at random in the same layers, ten times | 0.60 to 1.11 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Cover the right column and let them guess each line. Then compare the first two lines: nothing comes from [CLS] that is missed, but the room to look there is.

# %% [markdown]
# Read it line by line.
#
# - **The token before.** Cut alone, the two heads cost 0.025 ± 0.040 and 0.042 ± 0.037, both together 0.126 ± 0.064: 0.059 ± 0.023 more than the sum. Why stays open. Each may stand in for the other, or damage may just add to damage.
# - **The token after**, (2, 9), costs 0.22: more than those two.
# - **The noun**, (5, 7), costs 0.03 ± 0.02. With other tokens hidden it is 0.01 and 0.02, and neither is told from 0.
# - **The 45** cost 0.41 together: not nothing, but each of ten random groups costs more, the nearest 0.18 ± 0.09 more. (A group shares 34 to 39 heads with the 45, so 6 to 11 heads are compared with as many others. Three groups hold (2, 9). And heads that look elsewhere may also add longer vectors.)
#
# So is the claim true? Layer 2, head 10 has answered all four questions: *on sentences like these it gives the token before 0.73 of its attention, far more than controls do; 81 % of the lengths it adds come from there, and it adds more than most heads of its layer. Without it mini guesses hardly worse.* It does what we said. That mini needs it, we may not say.
#
# A mean over all hidden tokens does not ask for what a head was seen to do. A head may do something that guessing words hardly needs, or hardly needs from *that* head. (Michel et al. 2019 found most heads of a translator and of a fine-tuned BERT to cost little, one at a time.)
#
# **What ablations cannot say.** Where a part is taken away, the others get inputs that they have never met: some of the damage may be that. And a part that is not missed may have a substitute.
#
# ### The guess after each layer
#
# The vector at `[MASK]` goes through six layers, and only what the last one makes of it goes to the head for masked words. We hand that head the vectors *before*, too. This is called the **logit lens** (nostalgebraist 2020). (**Logits** are the scores that softmax turns into probabilities.)

# %% tags=["timing", "nbval-ignore-output"]
inputs = tokenizer("The film is [MASK] on a true story.", return_tensors="pt")
for number, hidden in enumerate(model(**inputs).hidden_states):
    chances = model.word_logits(hidden[0, 4]).softmax(dim=-1)
    best = [f"{tokenizer.convert_ids_to_tokens(at)!r} {chances[at]:.0%}" for at in chances.topk(3).indices.tolist()]
    print(f"after layer {number}:" if number else "embedding:    ", ", ".join(best))

# %% tags=["check:lens-of-one"]
# checked: the bare embedding is read as [MASK], in every gap of the exam; based comes after layer 5
early = model.word_logits(torch.stack(model(**inputs).hidden_states)[:, 0, 4]).softmax(dim=-1)
assert abs(early[5, tokenizer.convert_tokens_to_ids("based")] - 0.06) < 0.01 and early[:5].max(dim=-1).values.max() < 0.35
assert best[0].startswith("'based'") and inputs.input_ids[0, 4] == tokenizer.mask_token_id
bare = model.word_logits(model(exam[0]).hidden_states[0][asked]).argmax(dim=-1)
assert (bare == tokenizer.mask_token_id).all()

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The guess after each layer: “The film is [MASK] on a true story.”
#
# | after | first guess | second |
# | --- | --- | --- |
# | the embedding | ? | |
# | layer 1 | *a* 22 % | *the* 7 % |
# | layer 3 | *that* 10 % | *this* 7 % |
# | layer 5 | *based* 6 % | *made* 4 % |
# | layer 6 | *based* 93 % | *focused* 1 % |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** What stands for the question mark? `[MASK]`, with 30 %. Careful: the head for masked words was trained on the last layer alone. Earlier, the word may not be there yet, or be written in a way that this head cannot read.

# %% [markdown]
# Of the bare embedding it says `[MASK]`, here and at every gap of the exam: nothing of the sentence has come in. *Based* comes late, with 6 % after layer 5 and 93 % at the end. (All this is one sentence.)
#
# Careful: the head was trained on the *last* layer's vectors alone. Earlier, the word may be there in a form that it cannot read.
#
# ## 5. What may you say?
#
# | you measured | you may say | you may not say |
# | --- | --- | --- |
# | one heatmap | on this sentence the head looks there | this head does that |
# | a share over many sentences, with its interval | on sentences like these it looks there so much | it looks there *because of* ... |
# | more than controls, fixed offset, fixed position, favourite words | these do not give so much | it knows grammar |
# | weight times value | this is its share of the summed lengths | it matters |
# | an ablation | without it, mini guesses so much worse | this is what it is for |
#
# And all of it about *this* model, on the few kinds of sentences that we asked, most of them of 24 tokens. mini was cut from a MiniLM, whose last layer learned to copy a teacher's attention. So perhaps some of what its heads do was copied. Then it learned to guess words in film reviews, in rows of 128 tokens or more (page 06), where its heads may act differently.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## What may you say?
#
# | you measured | you may say | not |
# | --- | --- | --- |
# | one heatmap | on this sentence it looks there | this head does that |
# | a share | on such sentences, so much | it looks there *because* |
# | more than controls and bars | these do not give it | it knows grammar |
# | weight × value | its share of the lengths | it matters |
# | an ablation | guesses so much worse | this is what it is for |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** For each line let someone say what one *may* say. And: all of it about this one model, whose attention was distilled from a teacher.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## So is the claim true? *Layer 2, head 10 looks at the token before*
#
# | question | answer |
# | --- | --- |
# | how much, over many sentences? | 0.73, from 0.51 to 0.88 |
# | more than what? | controls have 0.05 |
# | does it add much? | 81 % of the lengths, second longest of its layer |
# | is it missed? | hardly: 0.042 ± 0.037 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** It does what we said. That mini needs it, we may not say.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A claim about a head needs many sentences with an interval, controls, and a head that was chosen on other sentences.
# - For a relation: fixed offsets, fixed positions and favourite words are bars; distances, positions and words must vary.
# - A weight is not a contribution, and a contribution is not yet an effect: in guessing words mini does not miss what comes from `[CLS]`.
#
# **Next:** page 09 meets the reviews, and the plain methods that a BERT has to beat.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Close the lid: who can say the four questions?

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# Work in the copy of the [exercises](exercises/08.ipynb) in `notebooks/my`. The first is for paper, the others are functions of one to three lines: a measure, its error, a control, a contribution, an ablation.

# %% tags=["exercises"]
import torch

from bertnotes.exercises import check, hint, solution  # noqa: F401

# %% [markdown] tags=["exercise:best_by_luck"]
# ### All six right · ● · 6 minutes
#
# 72 heads answer six yes/no questions, each answer by the toss of a coin. What is the probability that **at least one** head has all six right? Two digits after the point.

# %% [markdown] tags=["hint:best_by_luck"]
# What is the probability that one head has all six right? And that it has not?

# %% [markdown] tags=["hint:best_by_luck"]
# One head: $1/64$, so with $63/64$ it has not. That none of 72 has, is $(63/64)^{72}$.

# %% tags=["exercise:best_by_luck"]
# solution
answer = 1 - (63 / 64) ** 72
# instead:
# answer = None  # your number
# end of solution

check("best_by_luck", answer)

# %% [markdown] tags=["reason:best_by_luck"]
# $1 - (63/64)^{72} = 0.68$. With six questions, in two cases of three some head is perfect by luck alone. So few questions and many heads prove nothing.

# %% [markdown] tags=["exercise:looks_before"]
# ### The token before · ●● · 8 minutes
#
# `weights` are (sentence, head, looks, is looked at), all sentences of one length. Return, (sentence, head), how much each head gives to the token before. Ask the tokens from position 2 to the last but one, each with the same say: position 1 has `[CLS]` before it, and the last is `[SEP]`. (The lesson left out one more, so that the token *after* could be asked of the same tokens.)

# %% [markdown] tags=["hint:looks_before"]
# In a table, the weights on the token before lie side by side in a diagonal, just below the main one.

# %% [markdown] tags=["hint:looks_before"]
# `weights.diagonal(-1, -2, -1)` is that diagonal, along a new last axis. What is its first number: who looks at whom?

# %% [markdown] tags=["hint:looks_before"]
# It begins with position 1, which looks at 0, and ends with the last one. Leave out both ends, `[..., 1:-1]`, and take the mean over the last axis.


# %% tags=["exercise:looks_before"]
def looks_before(weights):
    """The mean weight on the token before: (sentence, head)."""
    # solution
    return weights.diagonal(-1, -2, -1)[..., 1:-1].mean(dim=-1)
    # end of solution


check("looks_before", looks_before)

# %% [markdown] tags=["reason:looks_before"]
# The lesson multiplies with a table of True and False and adds up, which works for any target. The diagonal is shorter. Either way: decide who is asked before you measure, and keep a number for each sentence, or there is nothing to work out an error from.

# %% [markdown] tags=["exercise:with_error"]
# ### A mean and its error · ● · 5 minutes
#
# `values` holds a number for each sentence, (sentence,). Return their mean and its standard error, two tensors with one number each.

# %% [markdown] tags=["hint:with_error"]
# The standard deviation, `values.std()`, says how far *one* sentence lies from the mean. The mean of n sentences is surer.

# %% [markdown] tags=["hint:with_error"]
# Divide the standard deviation by the root of n: `len(values) ** 0.5`.


# %% tags=["exercise:with_error"]
def with_error(values):
    """The mean, and its standard error."""
    # solution
    return values.mean(), values.std() / len(values) ** 0.5
    # end of solution


check("with_error", with_error)

# %% [markdown] tags=["reason:with_error"]
# Four times as many sentences make the error half as large. It counts only what differs from sentence to sentence: whether our sentences are like those that one wants to speak about, no formula tells. And they have to be independent: ten sentences of one review are not ten.

# %% [markdown] tags=["exercise:against_others"]
# ### A control of your own · ●● · 12 minutes
#
# `looks`, (sentence, head, position), holds for each sentence the row of the token that asks. `answers`, (sentence,), are the positions of the right answers. Return, (head,), how often each head looks most at the answer. And as a control the same with the answers of *other* sentences, `answers[order]`: a head that always likes the same positions scores there as well.

# %% [markdown] tags=["hint:against_others"]
# `looks.argmax(dim=-1)` is (sentence, head): at which position each head looks most.

# %% [markdown] tags=["hint:against_others"]
# To compare it with the answers, these need an axis for the heads: `answers[:, None]`. True and False have a mean once they are numbers: `.double().mean(dim=0)`.

# %% [markdown] tags=["hint:against_others"]
# Do it twice, the second time with `answers[order][:, None]`. `looks` stays as it is.


# %% tags=["exercise:against_others"]
def against_others(looks, answers, order):
    """How often each head is right, and how often it would be with the answers of other sentences: (head,) and (head,)."""
    # solution
    most = looks.argmax(dim=-1)
    share = (most == answers[:, None]).double().mean(dim=0)
    control = (most == answers[order][:, None]).double().mean(dim=0)
    return share, control
    # end of solution


check("against_others", against_others)

# %% [markdown] tags=["reason:against_others"]
# Shuffled, the answers are no longer those of their sentences; how often each position is an answer stays. What is left of the share comes from liked *positions*. This does not catch a head that likes a *distance*, such as always one ahead: shuffling breaks the distances, too. For those, shuffle `answers - asks`, and add it to the position that asks.

# %% [markdown] tags=["exercise:contributions"]
# ### What does a token add? · ●● · 10 minutes
#
# For one layer and one sentence: `weights` are (head, looks, is looked at), `value` (head, is looked at, size), and `output` (head, size, hidden), each head's rows of $W_O$. Return (head, looks, is looked at): each weight times the length of the value *after* $W_O$.

# %% [markdown] tags=["hint:contributions"]
# `value @ output` does all heads at once: (head, is looked at, hidden). The length of a vector is its `.norm(dim=-1)`.

# %% [markdown] tags=["hint:contributions"]
# The lengths are (head, is looked at). To multiply them with the weights they need an axis for the tokens that look, in the middle: `[:, None, :]`.


# %% tags=["exercise:contributions"]
def contributions(weights, value, output):
    """Weight times length of the value after W_O: (head, looks, is looked at)."""
    # solution
    return weights * (value @ output).norm(dim=-1)[:, None, :]
    # end of solution


check("contributions", contributions)

# %% [markdown] tags=["reason:contributions"]
# A weight is a number ≥ 0, so it may be taken out of the length: $\lVert w \cdot v W_O \rVert = w \lVert v W_O \rVert$. Before $W_O$ the lengths would be others: it may stretch one direction and shrink another.

# %% [markdown] tags=["exercise:mean_instead"]
# ### Cut without surprise · ●● · 8 minutes
#
# A head that is set to 0 gives the layers after it something that they may never have met. A gentler ablation puts the head's **mean** in its place: what it says on average stays, what differs from text to text is gone. `found` is (sentence, position, head, size). Return it with one head, counted from 0, replaced by its mean over all sentences and positions. Leave `found` as it is.

# %% [markdown] tags=["hint:mean_instead"]
# `found[:, :, head]` is (sentence, position, size). Its mean over the first two axes has a number for each of the head's columns.

# %% [markdown] tags=["hint:mean_instead"]
# Make a copy first: `changed = found.clone()`. Then `changed[:, :, head] = ...`, which spreads the mean over sentences and positions.


# %% tags=["exercise:mean_instead"]
def mean_instead(found, head):
    """The same with one head replaced by its mean: (sentence, position, head, size)."""
    # solution
    changed = found.clone()
    changed[:, :, head] = found[:, :, head].mean(dim=(0, 1))
    return changed
    # end of solution


check("mean_instead", mean_instead)

# %% [markdown] tags=["reason:mean_instead"]
# `mean(dim=(0, 1))` leaves a number for each column. Averaged over positions alone, each sentence would keep a mean of its own, and the head would still say something about the text.

# %% [markdown]
# ## Sources
#
# Years are those on arXiv.
#
# - Clark, Khandelwal, Levy, Manning (2019). *What Does BERT Look At? An Analysis of BERT's Attention.* arXiv:1906.04341
# - Kobayashi, Kuribayashi, Yokoi, Inui (2020). *Attention is Not Only a Weight: Analyzing Transformers with Vector Norms.* arXiv:2004.10102
# - Xiao, Tian, Chen, Han, Lewis (2023). *Efficient Streaming Language Models with Attention Sinks.* arXiv:2309.17453
# - Michel, Levy, Neubig (2019). *Are Sixteen Heads Really Better than One?* arXiv:1905.10650
# - Wang, Wei, Dong, Bao, Yang, Zhou (2020). *MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained Transformers.* arXiv:2002.10957
# - nostalgebraist (2020). *interpreting GPT: the logit lens.* A post on LessWrong.
