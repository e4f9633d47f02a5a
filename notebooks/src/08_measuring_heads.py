# %% [markdown] question="What does a head do, and how would we know?"
# # 08 · Measuring heads
#
# **The question:** what does a head do, and how would we know?
#
# ![A claim about a head, and four questions: how much, over many sentences; more than what, beside controls; does it add much, weight times value; is it missed, cut it and see](figures/08_claim.svg)
#
# One picture of one head on one sentence is easy to find and easy to believe. On this page a claim about a head has to answer four questions. We put them to mini: first to a simple habit, then to a head that seems to know grammar, then to
# the heads that look at `[CLS]`. At the end you write the measures yourself.
#
# **You need:** pages 01 to 07. **Time:** about 54 minutes, and 49 more for the exercises. Where a cell says `guess = None`, type your guess in place of `None`.

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
from bertnotes.files import RESULTS, REVIEWS
from bertnotes.models import load_tokenizer

_ = torch.set_grad_enabled(False)  # nothing is trained on this page

# %% [markdown]
# ## 1. How much, over many sentences?
#
# The claim to begin with: *layer 2, head 10 looks at the token before.*
#
# From each of the course's reviews we take the first sentence that has exactly 24 tokens, `[CLS]` and `[SEP]` included, if there is one. At most one from a review, because sentences of the same review may be alike. All of one length, because then we need no padding.

# %%
tokenizer, model = load_tokenizer(), BertEncoder.from_pretrained()  # mini
reviews = list(dict.fromkeys(read_reviews(REVIEWS, columns=("review",))["review"]))  # each text once
random.Random(0).shuffle(reviews)
rows = []
for review in reviews:
    sentences = tokenizer(re.split(r"(?<=[.!?])\s+", review)).input_ids
    rows += [ids for ids in sentences if len(ids) == 24][:1]  # the first that fits, if any
rows = torch.tensor(rows)
print("sentences, tokens:", tuple(rows.shape))
print(tokenizer.decode(rows[1], skip_special_tokens=True))

# %% [markdown]
# Now all attention weights of all sentences, and from them the share that a head gives to the token before, sentence by sentence. We ask the tokens 2 to 21, whose neighbours on both sides are ordinary tokens. How far do the sentences lie apart, for layer 2, head 10?

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
assert 0.45 < one.min() < 0.55 and 0.72 < one.mean() < 0.75 and 0.85 < one.max() < 0.91
assert (rows[:, 0] == tokenizer.cls_token_id).all() and (rows[:, -1] == tokenizer.sep_token_id).all()

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## 147 sentences, three heads
#
# A dot is a sentence. To the right: how much of its attention the head gives to the token before.

# %% slideshow={"slide_type": "-"}
from bertnotes.pictures.charts import dot_rows, line_chart

dots = {}
for layer, head in ((1, 3), (2, 10), (3, 12)):
    values = before[:, layer - 1, head - 1]
    error = values.std() / len(values) ** 0.5
    dots[f"layer {layer}, head {head}\n{values.mean():.3f} ± {2 * error:.3f}"] = values.tolist()
ax = dot_rows(dots, {}, "share of its attention on the token before")

# %% tags=["check:three-rows"]
# checked: the three means and intervals
assert [name.split("\n")[1] for name in dots] == ["0.997 ± 0.001", "0.735 ± 0.011", "0.334 ± 0.014"]

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Each row is one head. Which of the three would you call *the head that looks at the token before*? Had you drawn one sentence of the middle row, which number would you have told?

# %% [markdown]
# Layer 1, head 3 does it in every sentence, with nearly all of its attention. Layer 2, head 10 does it too, but how much depends on the sentence: from 0.51 to 0.88. Layer 3, head 12 gives the token before a third on average. One picture would have shown one dot.
#
# How sure is a mean? With other sentences it would come out a little different. About how much, the **standard error** says (page 03): the standard deviation of the values, divided by the root of their number. Mean ± 2 errors is roughly a **95 % interval**: those stand under the names in the picture. It is about the *mean* over sentences like ours, not about a single sentence: those are the dots.
#
# The same for other habits: of all 72 heads, which has most of each? The last one, **width**, says how widely a head spreads its attention. It is $e^{\text{entropy}}$, with the **entropy** of a row of weights, $-\sum w \ln w$: a row that looks at three tokens alike has width 3, an even row 24.

# %%
targets = {"before": apart == -1, "after": apart == 1, "itself": apart == 0, "[CLS]": place == 0, "[SEP]": place == 23}
habits = {name: share_on(target, weights) for name, target in targets.items()}
habits["width"] = torch.special.entr(weights)[..., 1:-1, :].sum(dim=-1).exp().mean(dim=-1)
for name, share in habits.items():
    layer, head = divmod(share.mean(dim=0).argmax().item(), 12)
    values = share[:, layer, head]
    print(f"{name:7} layer {layer + 1}, head {head + 1:2}   {values.mean():.2f} ± {2 * values.std() / 147**0.5:.2f}")

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
# Before, after and `[CLS]` have heads that give them nearly everything; the token itself and `[SEP]` have none. Layer 1, head 1 looks as widely as over 17 tokens. (± 0.00 is rounded.)
#
# ## 2. More than what?
#
# A number says something beside others. What would heads get that have learned nothing? Two controls:
#
# - **fresh**: a BERT of the same build with small random numbers, as before training;
# - **shuffled**: mini's own parameters, but the numbers of each of its matrices and vectors in random order. They are as large as mini's, and nothing else is left.
#
# The next cell makes them. What will be the best of 72 *fresh* heads on the token before?

# %%
from copy import deepcopy

torch.manual_seed(0)
fresh, shuffled = BertEncoder(model.config, head=True).eval(), deepcopy(model)
for parameter in fresh.parameters():
    if parameter.ndim == 2:
        torch.nn.init.normal_(parameter, std=0.02)
for parameter in shuffled.parameters():
    parameter.copy_(parameter.flatten()[torch.randperm(parameter.numel())].view_as(parameter))

# %%
guess = None  # a share

# %% tags=["timing", "nbval-ignore-output"]
others = {"mini": weights}
for name, control in {"fresh": fresh, "shuffled": shuffled}.items():
    others[name] = torch.stack(control(rows).attentions).transpose(0, 1)
for name, target in targets.items():
    best = {which: share_on(target, table).mean(dim=0).max().item() for which, table in others.items()}
    print(f"best of 72 on {name:7}", "   ".join(f"{which} {share:.2f}" for which, share in best.items()))
print("your guess for fresh, before:", guess)

# %% tags=["check:controls"]
# checked: on each habit but [SEP] the best of mini is more than three times the best of both controls
best_of = {
    name: {which: share_on(target, table).mean(dim=0).max().item() for which, table in others.items()}
    for name, target in targets.items()
}
assert all(best["mini"] > 3 * max(best["fresh"], best["shuffled"]) for name, best in best_of.items() if name != "[SEP]")
assert 0.1 < best_of["[SEP]"]["shuffled"] < 0.125 < best_of["[SEP]"]["mini"] and best_of["before"]["fresh"] < 0.05
assert 0.1 < best_of["[CLS]"]["shuffled"] < 0.12 and (most["before"] > 0.1).sum() < 20

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Controls: heads that have learned nothing
#
# A dot is a head, averaged over 147 sentences.

# %% slideshow={"slide_type": "-"}
shares = {name: share_on(targets["before"], table).mean(dim=0).flatten().tolist() for name, table in others.items()}
ax = dot_rows(shares, {"even": 1 / 24}, "share of its attention on the token before")

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Upper row: mini's 72 heads. Most of them have no more of this habit than chance; a few have much. Ask what *fresh* and *shuffled* rule out: that any network of this build looks like that, and that the size of the numbers does it.

# %% [markdown]
# An even row gives each token 1/24 = 0.04, and fresh heads are hardly above it: their numbers are small, so their rows are nearly even. Shuffled heads come up to 0.11 on the marks. So mini's heads for *before*, *after*, *itself* and `[CLS]` are not something that any network of this build has. For `[SEP]` we would not say so: 0.15 against 0.11.
#
# **A control for the words.** Does layer 1, head 3 look at the token before because of what the words say, or because of where they stand? We put the 22 ordinary tokens of each sentence into random order, and measure again. Its share was 1.00.

# %% tags=["timing", "nbval-ignore-output"]
scrambled = rows.clone()
for row in scrambled:
    row[1:-1] = row[1:-1][torch.randperm(22)]
in_disorder = share_on(apart == -1, torch.stack(model(scrambled).attentions).transpose(0, 1)).mean(dim=0)
for layer, head in ((1, 3), (2, 10)):
    ordered = before[:, layer - 1, head - 1].mean()
    print(
        f"layer {layer}, head {head:2}   sentences {ordered:.2f}   words in random order {in_disorder[layer - 1, head - 1]:.2f}"
    )

# %% tags=["check:disorder"]
# checked: the head of layer 1 goes by position
assert in_disorder[0, 2] > 0.99 and 0.76 < in_disorder[1, 9] < 0.84

# %% [markdown]
# As before; layer 2, head 10 even gives it a little more. So neither needs sentences that make sense: they seem to go by position.
#
# ### The best of many
#
# *We looked for the best of 72 heads.* That alone makes a number look good. Say that 72 heads answer 16 yes/no questions, each by tossing a coin. Each gets 8 right on average. How many does the **best** of the 72 get right?

# %%
guess = None  # a number of questions, of 16

# %%
tosses = torch.rand(1000, 72, 16, generator=torch.Generator().manual_seed(0)) < 0.5  # 1,000 times
best = tosses.sum(dim=-1).amax(dim=-1)  # the best of the 72, each time
print(
    f"the best of 72: {best.double().mean():.1f} of 16 on average; 12 or more in {(best >= 12).double().mean():.0%}   your guess: {guess}"
)

# %% tags=["check:coins"]
# checked: the best of 72 coins
assert 12.2 < best.double().mean() < 13.2 and (best >= 12).double().mean() > 0.9

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## 72 heads toss coins
#
# 16 yes/no questions, each answered by a coin. The average head gets 8 right.
#
# How many does the **best** of the 72 get?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# **12.7 of 16**, on average. So choose the head on some sentences, and measure it on others.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Have everyone toss a coin 16 times if there is time, and ask for the best of the class. Remedy: choose on one half, measure on the other, and let the controls have their best of 72, too.

# %% [markdown]
# 12.7 of 16, and nobody knew anything. There are two remedies, and we use both. Let the controls have their best of 72, too, as above. And **choose the head on some sentences, measure it on others**.
#
# ## 3. A bar for grammar
#
# Now a claim that would be worth more: *this head finds the noun that a determiner belongs to*. (*The*, *a*, *this* are determiners; in *the old boat*, *the* belongs to *boat*.) In real text the noun often stands right behind *the*. So a head that always looks one ahead, and knows no grammar, would do well. Clark et al. (2019) set a bar for that: the best **fixed offset**, always looking so many words ahead, or back.
#
# In their test (BERT-base; the Penn Treebank, a collection of sentences with their grammar marked, as Stanford Dependencies) the best fixed offset is right for about 52 % of the determiners, and the best head for about 94 %.
#
# We have no such collection. But we can *write* sentences in which the answer is known, and in which the distance says nothing:
#
# ![Four phrases, from the boat to the big old green boat; the noun stands one to four tokens after the](figures/08_offsets.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## A test into which closeness is not built
#
# ![Four phrases, from the boat to the big old green boat; the noun stands one to four tokens after the](figures/08_offsets.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** In real text the noun often stands right behind *the*: a head that looks one ahead would do well without any grammar. Clark et al. 2019, BERT-base: the best fixed offset is right for about 52 % of determiners, the best head for about 94 %. Here the best fixed offset is right in 25 %.

# %%
NOUNS = "dog boat house girl car horse tree king teacher doctor bird table garden letter child bridge river door".split()
ADJECTIVES = "old green small young big dark strange lovely quiet tall little red poor happy".split()
ADVERBS = "never really often quickly badly slowly almost clearly finally soon quietly always".split()
PARTICIPLES = "found seen taken killed sold lost caught saved loved used broken forgotten".split()
drawn = random.Random(0)


def some(words, count):
    """So many different words, drawn at random."""
    return " ".join(drawn.sample(words, count))


# %% [markdown]
# Three relations, 240 sentences for each. *The* asks for its noun; *was* asks for its verb, with up to three adverbs between; a noun asks for the same noun further up. Our own rule: within a relation, all sentences have the same length, all distances are equally frequent, and the answer is not always at the same place.
#
# | relation | an example |
# | --- | --- |
# | *the* → noun | the strange doctor found **the** tall poor **tree** . |
# | *was* → verb | the dark tree **was** soon quickly **saved** and was badly seen by the small young doctor . |
# | noun → same | the dark **tree** was soon quickly saved so the **tree** was badly seen by the small young doctor . |
#
# A head is right where, of all ordinary tokens but the asking one, it looks most at the answer. (Heads put much of their attention on `[CLS]`; we leave it and `[SEP]` out of this contest.)
#
# In the code, `?` marks the word that asks and `!` the answer.

# %%
relations = {"the -> noun": [], "was -> verb": [], "noun -> same": []}
for number in range(240):
    gap, first = number % 4, number // 4 % 4  # how many words stand between the two, and at the beginning
    noun, thing, verb, other = *drawn.sample(NOUNS, 2), *drawn.sample(PARTICIPLES, 2)
    asked, left = f"?the {some(ADJECTIVES, gap)} !{noun}", f"the {some(ADJECTIVES, 3 - gap)} {thing}"
    relations["the -> noun"].append(f"{asked} found {left} ." if number % 8 < 4 else f"{left} found {asked} .")
    start, between = f"the {some(ADJECTIVES, first)}", some(ADVERBS, gap)
    end = f"was {some(ADVERBS, 3 - gap)} {other} by the {some(ADJECTIVES, 3 - first)} {thing} ."
    relations["was -> verb"].append(f"{start} {noun} ?was {between} !{verb} and {end}")
    relations["noun -> same"].append(f"{start} !{noun} was {between} {verb} so the ?{noun} {end}")


# %%
def correct(bert, questions):
    """Whether each head looks most at the answer: (question, layer, head)."""
    words = [["[CLS]", *question.split(), "[SEP]"] for question in questions]
    asks, answers = (torch.tensor([[word[0] for word in row].index(mark) for row in words]) for mark in "?!")
    ids = [tokenizer.convert_tokens_to_ids([word.strip("?!") for word in row]) for row in words]
    tables = torch.stack(bert(torch.tensor(ids)).attentions).transpose(0, 1)
    looks = tables[range(len(asks)), :, :, asks].clone()  # the rows of those that ask: (question, layer, head, is looked at)
    looks[..., [0, -1]] = 0
    looks[range(len(asks)), :, :, asks] = 0
    return looks.argmax(dim=-1) == answers[:, None, None]


# %% [markdown]
# We choose the best head on the first 120 sentences, and count on the other 120. A fixed offset is right in a quarter. How often is mini's best head right, for the determiners?

# %%
guess = None  # a share

# %% tags=["timing", "nbval-ignore-output"]
found = {}
for relation, questions in relations.items():
    for name, bert in {"mini": model, "fresh": fresh, "shuffled": shuffled}.items():
        hits = correct(bert, questions).double()
        layer, head = divmod(hits[:120].mean(dim=0).argmax().item(), 12)  # chosen here
        share = hits[120:, layer, head].mean().item()  # measured there
        found[relation, name] = share, (layer + 1, head + 1), hits
        by_distance = [f"{hits[gap::4, layer, head].mean():.2f}" for gap in range(4)]  # in all 240, the shortest first
        print(f"{relation:12}  {name:8}  layer {layer + 1}, head {head + 1:2}  {share:.2f}   by distance", *by_distance)
print("your guess:", guess)

# %% tags=["check:grammar-test"]
# checked: distances are equally frequent and answers of the right kind; the examples of the table
assert (
    found["the -> noun", "mini"][0] > 0.5 and relations["the -> noun"][6] == "the strange doctor found ?the tall poor !tree ."
)
kinds = {"the -> noun": ({"the"}, NOUNS), "was -> verb": ({"was"}, PARTICIPLES), "noun -> same": (NOUNS, NOUNS)}
for name, questions in relations.items():
    words = [question.split() for question in questions]
    asks, answers = ([[word[0] for word in row].index(mark) for row in words] for mark in "?!")
    distances = [answer - ask for ask, answer in zip(asks, answers, strict=True)]
    assert sorted(map(distances.count, set(distances))) == [60] * 4 and len({len(row) for row in words}) == 1 < len(
        set(answers)
    )
    plain = [[word.strip("?!") for word in row] for row in words]
    assert all(tokenizer.tokenize(" ".join(row)) == row for row in plain)
    assert all(row[a] in kinds[name][0] and row[b] in kinds[name][1] for row, a, b in zip(plain, asks, answers, strict=True))

# %% tags=["check:grammar"]
# checked: mini's best heads are far above the bar and the controls, less so at the longest distance
wanted = {"the -> noun": (0.88, 0.26, 0.28), "was -> verb": (0.93, 0.14, 0.27), "noun -> same": (1.00, 0.15, 0.20)}
for name, shares in wanted.items():
    assert all(abs(found[name, which][0] - share) < 0.03 for which, share in zip(others, shares, strict=True))
assert 0.64 < found["the -> noun", "mini"][2][3::4, 4, 6].mean() < 0.73

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Does a head find the noun?
#
# Chosen on 120 sentences, counted on 120 others. Best fixed offset: 0.25.

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | best head of | *the* → noun | *was* → verb | noun → same noun |
# | --- | --- | --- | --- |
# | mini | **0.88** | **0.93** | **1.00** |
# | fresh | 0.26 | 0.14 | 0.15 |
# | shuffled | 0.28 | 0.27 | 0.20 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Guess first. Then ask what else than grammar would get this right: *look at the next noun*. How could one test that? *The garden door*: the next noun is garden, the noun of *the* is door. Layer 5, head 7 looks at the second of two nouns in 0.99 of 120 such sentences.

# %% [markdown]
# 0.88 and 0.93, by the same head, and 1.00 by another: far above the bar and above the best of 72 in both controls. (With 120 sentences, the interval of the first is about ± 0.06.)
#
# Controls also catch mistakes in the test. In our first draft the verb stood at the same position in all sentences, and a *fresh* head was right in 0.76: a head that happens to like that position needs no grammar.
#
# Is mini's head right at each distance? Less often at the longest, 0.68 for determiners at distance 4, but no fixed offset looks like that. So distance alone does not explain it. What else would? *Look at the next noun*, for the determiners: in our sentences the next noun is always the right one. Where two nouns follow each other, as in *the garden door*, the two rules part: the noun of *the* is *door*, the next noun is *garden*. Which of the two will layer 5, head 7 look at most?

# %%
guess = None  # "first" or "second"

# %% tags=["timing", "nbval-ignore-output"]
threes = [drawn.sample(NOUNS, 3) for _ in range(120)]
layer, head = found["the -> noun", "mini"][1]
for name, form in {"first": "?the !{} {} found the old {} .", "second": "?the {} !{} found the old {} ."}.items():
    questions = [form.format(*three) for three in threes]
    found[name] = correct(model, questions)[:, layer - 1, head - 1].double().mean().item()
    print(f"layer {layer}, head {head} looks most at the {name} of two nouns: {found[name]:.2f}   your guess: {guess}")

# %% tags=["check:two-nouns"]
# checked: which of two nouns the head looks at
assert found["second"] > 0.95 and found["first"] < 0.04 and (layer, head) == (5, 7)

# %% [markdown]
# The second, in 0.99. So the next noun is not what it looks for either. Does it know grammar, then? Other rules still fit: in our sentences a verb or a full stop follows the noun. And the sentences are made up, from few words. Each rule that fits needs a test of its own; so a claim grows.
#
# ## 4. Does it add much?
#
# Many heads look at `[CLS]`, in which there is no word. How much of all attention does it get, by layer?

# %%
to_cls = weights[..., 1:-1, 0].mean(dim=(0, 3))  # (layer, head), of the 22 ordinary tokens
to_sep = weights[..., 1:-1, -1].mean(dim=(0, 3))
print("to [CLS], by layer:", *(f"{share:.2f}" for share in to_cls.mean(dim=1)))
print("to [SEP], by layer:", *(f"{share:.2f}" for share in to_sep.mean(dim=1)))
print("heads with more than half on [CLS]:", (to_cls > 0.5).sum().item(), "of 72")

# %% tags=["check:to-cls"]
# checked: how much attention [CLS] and [SEP] get
assert to_sep.mean() < 0.03 and 0.2 < to_cls[0].mean() < 0.22 and 0.71 < to_cls[4].mean() < 0.74 and (to_cls > 0.5).sum() == 45
assert to_cls.mean(dim=1).argmax() == 4 and 0.54 < to_cls.mean() < 0.57

# %% [markdown]
# Nearly three quarters in layer 5, and no word stands there. A token that gets much attention whatever the text says is called an **attention sink** (Xiao et al. 2023, of large language models, where the first tokens are one). In BERT-base it is above all `[SEP]`: Clark et al. (2019) found more than half of the attention of layers 6 to 10 there, and suspect that heads look there when they find nothing to look for. A row of weights must sum to 1, so attention that is not needed has to go somewhere.
#
# Does so much attention do much? What a head adds up is weight times *value*, and each value goes through the head's rows of $W_O$ first (page 03). Kobayashi et al. (2020) measure a token's **contribution** by the length of that: $\lVert w \cdot v W_O^h \rVert$.
#
# ![CLS with weight 0.8 and a value 0.5 long adds 0.4, as much as a token with weight 0.1 and a value 4 long](figures/08_contribution.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![CLS with weight 0.8 and a value 0.5 long adds 0.4, as much as a token with weight 0.1 and a value 4 long](figures/08_contribution.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Made-up numbers. Cover the right column and ask: who adds most? All three the same. A heatmap shows the left column alone.

# %%
states, shares = model(rows).hidden_states, []
for number, layer in enumerate(model.layers):
    values = layer.attention.value(states[number]).unflatten(-1, (12, 32))  # (sentence, token, head, 32)
    rows_of_output = layer.attention.output.weight.T.unflatten(0, (12, 32))  # (head, 32, 384), as on page 03
    lengths = torch.einsum("sthd,hdo->stho", values, rows_of_output).norm(dim=-1)  # (sentence, token, head)
    added = weights[:, number, :, 1:-1] * lengths.transpose(1, 2)[:, :, None]  # weight times length
    shares.append((added / added.sum(dim=-1, keepdim=True)).mean(dim=(0, 2)))  # (head, is looked at)
shares = torch.stack(shares)

# %% [markdown]
# (`einsum` multiplies the value of each head, `h`, with that head's rows. `to_cls` and `to_sep` were weights alone.) In the heads that put more than half of their attention on `[CLS]`: what share of the contributions is `[CLS]`'s?

# %%
guess = None  # a share

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Weight and contribution of [CLS]
#
# A dot is a head. Above: its weight on `[CLS]`. Below: `[CLS]`'s share of what the head adds up.

# %% slideshow={"slide_type": "-"} tags=["timing", "nbval-ignore-output"]
resting = to_cls > 0.5
of_cls, of_sep = shares[..., 0], shares[..., -1]  # of the contributions
print(
    f"[CLS] in {resting.sum()} heads: {to_cls[resting].mean():.2f} of the weight, {of_cls[resting].mean():.2f} of what is added"
)
print(f"[SEP] in all heads: {to_sep.mean():.3f} of the weight, {of_sep.mean():.3f} of what is added")
if guess is not None:
    print("your guess:", guess)
ax = dot_rows({"weight": to_cls.flatten().tolist(), "contribution": of_cls.flatten().tolist()}, {}, "share of [CLS]")

# %% tags=["check:contribution-of-cls"]
# checked: share of weight and of contributions; the drawing's numbers
assert abs(to_cls[resting].mean() - 0.72) < 0.01 and abs(shares[..., 0][resting].mean() - 0.33) < 0.01
assert abs(to_sep.mean() - 0.024) < 0.002 and abs(shares[..., -1].mean() - 0.046) < 0.003 and shares[..., 0].max() > 0.6
assert shares.sum(dim=-1).allclose(torch.ones(6, 12), atol=1e-4) and (shares[..., 0] < to_cls).sum() == 72
from bertnotes.pictures.drawings.page08 import Contributed

assert [weight * length for weight, length in zip(Contributed.weights, Contributed.lengths, strict=True)] == [0.4] * 3
assert abs(sum(Contributed.weights) - 1) < 1e-9

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The dots move to the left, and most of them far. **A weight is not a contribution.** But not all: some heads still get much from [CLS].

# %% [markdown]
# **A weight is not a contribution.** In these 45 heads `[CLS]` has 72 % of the weight and 33 % of the contributions: its values are short. `[SEP]` is the other way round, with 2.4 % and 4.6 % over all heads.
#
# A third is still much. But contributions are not the last word. Lengths do not add up like numbers: long vectors may cancel. And does the model need what is added? So:
#
# ## 5. Is it missed?
#
# We take something away and look how much worse mini guesses hidden tokens. This is called an **ablation**. The exam is like that of page 06: about 15 % of the tokens of our sentences become `[MASK]`.

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
# `[CLS]` first. There are two ways to take it away, and they are not the same:
#
# ![Value to 0: the weights stay, and nothing comes from CLS. No looking: the weight has to go to the others, which count five times as much](figures/08_cuts.svg)
#
# - **value to 0**, in all heads: the attention stays where it is, and what rests on `[CLS]` adds nothing;
# - **no looking**: `[CLS]` is masked like padding (page 01), so the attention must go to other tokens.
#
# A third one, in between: on page 05 the vector of `[CLS]` was nearly the same in every text, up to layer 5. So perhaps what comes from it is a **constant**. We replace its value by the **mean** over all our sentences; a constant would not notice. By how much does the loss rise in each?
#
# (`value_at` does it by a **hook**, a function that PyTorch calls with what a part has computed, and that may change it.)


# %%
from contextlib import contextmanager


@contextmanager
def value_at(position, change):
    """Inside the block every layer gets another value at a position: change(value)."""

    def changed(module, given, value):
        value[:, position] = change(value[:, position])

    hooks = [layer.attention.value.register_forward_hook(changed) for layer in model.layers]  # called after each value
    yield
    for hook in hooks:
        hook.remove()


# %%
guess = None  # three rises: value to 0, no looking, the mean

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Value to 0: the weights stay, and nothing comes from CLS. No looking: the weight has to go to the others, which count five times as much](figures/08_cuts.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Vote: which hurts more? Ask why: in the second, the other tokens suddenly count several times as much.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.pruning import heads_off, mean_and_error

rises = {}
for name, at in {"[CLS]": 0, "[SEP]": 23}.items():
    for cut, change in {"value to 0": lambda value: 0 * value, "the mean": lambda value: value.mean(dim=0)}.items():
        with value_at(at, change):
            rises[f"{name}, {cut}"] = mean_and_error(losses() - whole, exam)
    rises[f"{name}, no looking"] = mean_and_error(losses((place != at).long().expand_as(rows)) - whole, exam)
for name, (mean, error) in rises.items():
    print(f"{name:18} the loss rises by {mean:.3f} ± {2 * error:.3f}")
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
# The value of `[CLS]`, which gets more than half of all attention, is **not missed**: −0.03 ± 0.04 is no rise. But mini needs to be *able to look* there. Where it may not, the loss rises by 0.72, and perplexity doubles: in the heads that rested there, the other tokens now add several times as much. So for mini, on these sentences, `[CLS]` seems to be a place to put attention that is not wanted elsewhere.
#
# The mean in its place changes next to nothing: what comes from `[CLS]` is the same for every sentence, as far as the exam can tell. So it tells mini next to nothing about the text.
#
# `[SEP]` has 2.4 % of the attention, and its value at 0 *is* missed: 0.14 ± 0.06. (Its mean would do, too.) How dark a column is does not tell how much it matters.
#
# **Play with it.** The slider multiplies the value of `[CLS]`, in all heads: at 0 nothing comes from it, at 1 mini is as it is. With the button nobody may look at it. Which changes the guesses?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Turn the sink up and down

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
from bertnotes.pictures.play import play

play("sink")

# %% tags=["check:stored-guesses-sink"]
# checked: the stored guesses and losses are mini's
from bertnotes.masked_lm import word_probabilities
from bertnotes.pictures.play import TOYS

stored = json.loads((TOYS / "sink.json").read_text(encoding="utf-8"))
met = [risen["[CLS], value to 0"], 0, risen["[CLS], no looking"]]
assert all(abs(stored["losses"][at] - whole.mean() - rise) < 0.01 for at, rise in zip((0, 4, -1), met, strict=True))
for sentence in stored["sentences"]:
    text = " ".join("[MASK]" if at == sentence["gap"] else word for at, word in enumerate(sentence["words"]))
    for at, factor in enumerate(stored["factors"]):
        with value_at(0, lambda value, factor=factor: factor * value):
            chances = word_probabilities(text, model, tokenizer)
        for guessed in sentence["guesses"][at]:
            piece, percent = guessed.rsplit(" ", 1)
            assert abs(100 * chances[tokenizer.convert_tokens_to_ids(piece)] - int(percent)) < 0.7

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Go to 0, then to 2: hardly anything happens. Then press the button, with *true story*: *based* falls from 93 % to 6 %.

# %% [markdown]
# ### Heads, and whole layers
#
# And whole heads? We switch off, as on page 03, one at a time: the head for the token after (2, 9), and the one that found nouns and verbs (5, 7). Then the 45 heads together that put more than half of their attention on `[CLS]`, and instead of them the other 27. By how much does the loss rise in each?

# %%
guess = None  # four rises

# %% tags=["timing", "nbval-ignore-output"]
groups = {"(2, 9)": [(1, 8)], "(5, 7)": [(4, 6)]}
groups |= {"45 on [CLS]": resting.nonzero().tolist(), "27 others": (~resting).nonzero().tolist()}
for name, heads in groups.items():
    with heads_off(model, heads):  # their rows of W_O are 0
        rises[name] = mean_and_error(losses() - whole, exam)
    print(f"without {name:12} the loss rises by {rises[name][0]:.3f} ± {2 * rises[name][1]:.3f}")
print("your guess:", guess)

# %% tags=["check:heads-missed"]
# checked: the head for the token after is missed more than the one for nouns and verbs; 45 resting heads less than the 27 others
assert [len(heads) for heads in groups.values()] == [1, 1, 45, 27]
assert 0.2 < rises["(2, 9)"][0] < 0.24 and 0.02 < rises["(5, 7)"][0] < 0.036 and rises["(5, 7)"][1] < 0.012
assert 0.36 < rises["45 on [CLS]"][0] < 0.46 and 1.6 < rises["27 others"][0] < 1.95

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## What is missed?
#
# | taken away | rise of the loss |
# | --- | --- |
# | value of `[CLS]` (55 % of attention) | −0.03 ± 0.04 |
# | value of `[SEP]` (2.4 %) | 0.14 ± 0.06 |
# | looking at `[CLS]` | 0.72 ± 0.15 |
# | layer 2, head 9: the token after | 0.22 ± 0.08 |
# | layer 5, head 7: noun and verb | 0.03 ± 0.02 |
# | the 45 heads that rest on `[CLS]` | 0.41 ± 0.12 |
# | the 27 others | 1.77 ± 0.18 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Cover the right column and let them guess each line. Then compare the first line with the third: nothing comes from [CLS] that is missed, but the room to look there is.

# %% [markdown]
# The head for the token after costs 0.22, the one that passed the bar of section 3 only 0.03. So a head may do something well that guessing words hardly needs. Or hardly needs of *that* head, because others do it, too.
#
# The 45 cost 0.41 together, far less than the 27. But not nothing, and more than the value of `[CLS]`. So it seems to be the *rest* of their attention that is missed.
#
# A whole layer can be skipped, too: what comes in goes out unchanged. Which of the six is missed most?

# %% tags=["timing", "nbval-ignore-output"]
skipped = {}
for gone in range(6):
    hidden = model.embeddings(exam[0], torch.zeros_like(exam[0]))
    for number, layer in enumerate(model.layers):
        if number != gone:
            hidden, _ = layer(hidden)
    loss = cross_entropy(model.word_logits(hidden[asked]), answers, reduction="none")
    skipped[gone + 1] = (loss - whole).mean().item()
print("without layer:", *(f"{number}: +{rise:.2f}" for number, rise in skipped.items()))

# %% tags=["check:layers-skipped"]
# checked: the first layer is missed most, then the last; the fourth least
order = sorted(skipped, key=skipped.get)
assert order[0] == 4 and order[-2:] == [6, 1] and 1.1 < skipped[1] < 1.25 and 0.08 < skipped[4] < 0.13

# %% [markdown]
# The first, with 1.18, then the last, with 0.57. The fourth costs 0.10.
#
# **What ablations cannot say.** mini learned with all its parts. Where one is taken away, the others get inputs that they have never met. Part of the damage may be that, and not what the part was for. And a part that is not missed may have a substitute, like the two heads of page 03.
#
# ## 6. The guess after each layer
#
# The vector at `[MASK]` goes through six layers, and only what the last one makes of it goes to the head for masked words. We hand that head the vectors *before*, too. This is called the **logit lens** (nostalgebraist 2020). What will it say of the bare embedding of `[MASK]`, before the first layer? (Below it, the mean over the whole exam.)

# %%
guess = None  # a token

# %% tags=["timing", "nbval-ignore-output"]
inputs = tokenizer("The film is [MASK] on a true story.", return_tensors="pt")
for number, hidden in enumerate(model(**inputs).hidden_states):
    chances = model.word_logits(hidden[0, 4]).softmax(dim=-1)
    best = [f"{tokenizer.convert_ids_to_tokens(at)} {chances[at]:.0%}" for at in chances.topk(3).indices.tolist()]
    print(f"after layer {number}:" if number else "embedding:    ", ", ".join(best))
print("your guess:", guess)

# %% tags=["check:lens-of-one"]
# checked: the bare embedding is read as [MASK], in every gap of the exam; based comes after layer 5
early = model.word_logits(torch.stack(model(**inputs).hidden_states)[:, 0, 4]).softmax(dim=-1)
assert abs(early[5, tokenizer.convert_tokens_to_ids("based")] - 0.06) < 0.01 and early[:5].max(dim=-1).values.max() < 0.35
assert best[0].startswith("based") and inputs.input_ids[0, 4] == tokenizer.mask_token_id
bare = model.word_logits(model(exam[0]).hidden_states[0][asked]).argmax(dim=-1)
assert (bare == tokenizer.mask_token_id).all()

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The guess after each layer

# %% slideshow={"slide_type": "-"} tags=["timing", "nbval-ignore-output"]
lens, right_first = [], []
for hidden in model(exam[0]).hidden_states:
    scores = model.word_logits(hidden[asked])
    lens.append(cross_entropy(scores, answers).item())
    right_first.append((scores.argmax(dim=-1) == answers).double().mean().item())
print("named correctly:", *(f"{share:.2f}" for share in right_first))
ax = line_chart(list(range(7)), {"loss": lens}, "after layer", "loss in the exam", logarithmic="")

# %% tags=["check:lens"]
# checked: the last loss is that of the exam; the curve as the text tells it
import itertools

assert abs(lens[-1] - whole.mean()) < 1e-3 and lens[1] > lens[0] > 8 and all(a > b for a, b in itertools.pairwise(lens[1:]))
assert torch.allclose(torch.tensor(lens), torch.tensor([8.10, 8.31, 6.16, 5.18, 5.02, 4.68, 4.11]), atol=0.03)
assert right_first[0] == 0 and 0.29 < right_first[-1] < 0.33 and right_first[3] > 0.22

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Careful: the head for masked words was trained on the last layer alone. A high loss in the middle may mean that the word is not there yet, or that it is written in a way that this head cannot read.

# %% [markdown]
# Of the bare embedding it says `[MASK]`, here and at every gap of the exam: nothing of the sentence has come in. *Based* comes late, with 6 % after layer 5 and 93 % at the end.
#
# Over the exam, the lens sees little up to the first layer; from the second on the loss falls layer by layer. After the third, a quarter of the hidden tokens is named correctly, of 31 % in the end.
#
# Careful: the head was trained on the *last* layer's vectors alone. A high loss in between may mean that the word is not there yet. Or it is there, in a form that this head cannot read.
#
# ## 7. Before and after fine-tuning
#
# Page 10 teaches mini to tell praise from blame. Does that move its attention? The course's `mini-imdb` was trained like that on IMDB. A record, made by `tools/heads_after_fine_tuning.py` on 200 of the course's own reviews, has for each head how much of a row has moved: 0 is nothing, 1 is all of it.

# %%
record = json.loads((RESULTS / "heads-after-imdb.json").read_text(encoding="utf-8"))
moved = torch.tensor(record["moved"]).mean(dim=1)  # by layer
print("moved, by layer:       ", *(f"{share:.2f}" for share in moved))
for when in ("before", "after"):
    print(f"to [CLS], {when:6}:      ", *(f"{share:.2f}" for share in torch.tensor(record[when]["[CLS]"]).mean(dim=1)))
for habit, layer, head in (("token before", 1, 3), ("token after", 2, 9)):
    print(
        f"{habit}, layer {layer}, head {head}:",
        *(f"{when} {record[when][habit][layer - 1][head - 1]:.2f}" for when in ("before", "after")),
    )

# %% tags=["check:fine-tuned-heads"]
# checked: the fourth layer moved most, the first least; less rests on [CLS] in every layer
was, is_now = (torch.tensor(record[when]["[CLS]"]).mean(dim=1) for when in ("before", "after"))
assert moved.argmax() == 3 and moved.argmin() == 0 and (is_now < was).all() and record["reviews"] == 200

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Before and after fine-tuning
#
# | layer | 1 | 2 | 3 | 4 | 5 | 6 |
# | --- | --- | --- | --- | --- | --- | --- |
# | moved, from 0 to 1 | 0.12 | 0.18 | 0.25 | **0.30** | 0.25 | 0.28 |
# | to `[CLS]`, before | 0.11 | 0.38 | 0.54 | 0.64 | 0.71 | 0.62 |
# | to `[CLS]`, after | 0.10 | 0.34 | 0.46 | 0.53 | 0.62 | 0.52 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** One training run, 200 reviews, weights alone. Ask what this table does not tell: whether the moves are what made it good at its task.

# %% [markdown]
# The fourth layer moved most, 0.30, the first least. In every layer less rests on `[CLS]`, and the two neighbour heads do what they did. It is one training run, seen through weights alone: whether the moves are what made it good at its task, they do not tell.
#
# ## 8. What may you say?
#
# | you measured | you may say | you may not say |
# | --- | --- | --- |
# | one heatmap | on this sentence the head looks there | this head does that |
# | a share over many sentences, with its interval | on sentences like these it looks there so much | it looks there *because of* ... |
# | more than controls and the fixed offset | it was learned, and distance is not enough | it knows grammar |
# | weight times value | so much is added up from there | it matters |
# | an ablation | without it, mini guesses so much worse | this is what it is for |
#
# And all of it about *this* model. mini was cut from a MiniLM, which was trained to copy the attention of a teacher's last layer (page 06). So perhaps some of what its heads do was not found while guessing words, but copied. Heads of another BERT have other numbers and may have other habits.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## What may you say?
#
# | you measured | you may not say |
# | --- | --- |
# | one heatmap | this head does that |
# | a share over many sentences | *because of* ... |
# | more than controls and fixed offset | it knows grammar |
# | weight times value | it matters |
# | an ablation | this is what it is for |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** For each line let someone say what one *may* say. And: all of it about this one model, whose attention was distilled from a teacher.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A claim about a head needs many sentences with an interval, controls that have learned nothing, and a head that was chosen on other sentences.
# - For a relation: the best fixed offset is the bar, and distances must vary.
# - A weight is not a contribution, and a contribution is not yet an effect: mini does not miss what comes from `[CLS]`.
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
# `weights` are (sentence, head, looks, is looked at), all sentences of one length. Return, (sentence, head), how much each head gives to the token before. Ask the tokens from position 2 to the last but one, each with the same say: position 1 has `[CLS]` before it, and the last is `[SEP]`.

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
# `looks`, (sentence, head, position), holds for each sentence the row of the token that asks. `answers`, (sentence,), are the positions of the right answers. Return, (head,), how often each head looks most at the answer. And as a control the same with the answers of *other* sentences, `answers[order]`: a head that always likes the same positions, or a frequent distance, scores there as well.

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
# Shuffling the answers breaks one thing alone, the link between a sentence and its answer. Heads, sentences and how often each position is an answer all stay. What is left of the share did not come from that link.

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
# - nostalgebraist (2020). *interpreting GPT: the logit lens.* A post on LessWrong.
# - Wang, Wei, Dong, Bao, Yang, Zhou (2020). *MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained Transformers.* arXiv:2002.10957
