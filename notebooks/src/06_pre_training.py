# %% [markdown] question="What does a model learn by filling gaps?"
# # 06 · Pre-training: where the weights come from
#
# **The question:** a BERT is millions of numbers. Where do they come from?
#
# ![A circle of four steps. A word of a text is hidden; BERT gives every piece of its vocabulary a probability; the text says what stood there; every parameter is changed a little, so that this gets more probable](figures/06_gap.svg)
#
# BERT's began as random numbers. Then words were hidden from it, it guessed them, and after each round of guesses all numbers were changed a little.
# This is **pre-training**. On this page you hide words, measure guesses, train a small BERT from random numbers, and find out what mini, our trained one,
# can do that the small one cannot. At the end you write the main steps yourself.
#
# **You need:** pages 01 to 05. **Time:** about 50 minutes, and 48 more for the exercises. All cells together take about a minute to run. Where a
# cell says `guess = None`, type your guess in place of `None`.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # Pre-training
#
# ![A circle of four steps. A word of a text is hidden; BERT gives every piece of its vocabulary a probability; the text says what stood there; every parameter is changed a little, so that this gets more probable](figures/06_gap.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Go round once, 1 to 4. Ask: who wrote the labels for this training? The author of the text, without knowing it.
#
# The deck takes 48 minutes: 23 up to what the small BERT has learned, 25 for mini, the two sides and the second task. In 45, leave out the trap. Run the notebook before class.

# %%
import json
import math
import random

import torch
from torch.nn.functional import cross_entropy, pad

from bertnotes.data import read_reviews
from bertnotes.encoder import BertEncoder
from bertnotes.files import MINI, RESULTS, REVIEWS
from bertnotes.masked_lm import IGNORED, mask_tokens, pack, word_probabilities
from bertnotes.models import load_tokenizer

# %% [markdown]
# ## 1. The text is the question and the answer
#
# *I had read the book, so I knew how the ___ would end.* Which word stands in the gap? Write one down, then see mini's five best.

# %%
guess = None  # a word, in quotes

# %% tags=["timing", "nbval-ignore-output"]
tokenizer, model = load_tokenizer(), BertEncoder.from_pretrained()  # mini
chances = word_probabilities("I had read the book, so I knew how the [MASK] would end.", model, tokenizer)
for number in chances.topk(5).indices.tolist():
    print(f"{tokenizer.convert_ids_to_tokens(number):10} {chances[number]:4.0%}")
print("your guess:", guess)

# %% tags=["check:movie"]
# checked: mini says movie, with nearly a half; film comes next, at about a twentieth
assert tokenizer.convert_ids_to_tokens(chances.topk(2).indices.tolist()) == ["movie", "film"]
assert 0.4 < chances.max() < 0.5 and 0.03 < chances.topk(2).values[1] < 0.06

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Which word is missing?
#
# *I had read the book, so I knew how the ___ would end.*

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | mini says | **movie** | film | ending | end | hell |
# | --- | --- | --- | --- | --- | --- |
# | | **46 %** | 4 % | 4 % | 4 % | 2 % |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Collect words, then ask what each of them needed: grammar (a noun), the topic (books and films), how the world goes. mini has read film reviews, and says *movie*.

# %% [markdown]
# *Movie*, with nearly a half: mini has read film reviews. You may have said *story* or *film*. (*Hell* would fit after *how the*, but not before *would end*.) A good guess here uses grammar (a noun fits), the topic, and what one knows of books and films.
#
# Taylor (1953) measured with such gaps how readable a text is, and called it the **cloze** procedure. For a model they make a training task out of any text: hide a word, and the text itself holds
# the right answer. Nobody has to label anything. (This is called **self-supervised** learning.) Our texts are the course's 1,276 film reviews; we make no use of the column with their verdicts.

# %% [markdown]
# ## 2. Hide words
#
# BERT's recipe has four steps. We do them on one short sentence.
#
# **Step 1: choose.** Each token gets a random number between 0 and 1. Where it is below 0.15, the token is chosen. So each token is chosen with a probability of 15 %. (`[CLS]` and `[SEP]` never are.)
#
# ![Each token of the sentence has a random number. Those of last, laugh and and are below 0.15](figures/06_masking_1.svg)

# %%
sentence = tokenizer("The last scene made me laugh and cry.", return_tensors="pt").input_ids  # (batch, position) = (1, 11)
tokens = tokenizer.convert_ids_to_tokens(sentence[0])
ordinary = ~torch.isin(sentence, torch.tensor(tokenizer.all_special_ids))  # not [CLS], not [SEP]
generator = torch.Generator().manual_seed(7665)
chance = torch.rand(sentence.shape, generator=generator)
chosen = (chance < 0.15) & ordinary
print("chosen:", [tokens[at] for at in chosen[0].nonzero().flatten()])

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Each token of the sentence has a random number. Those of last, laugh and and are below 0.15](figures/06_masking_1.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Three of nine is more than 15 %. Ask: is that a mistake? No: each token has its own draw, and in a short sentence the number chosen varies a lot. (We searched for a seed that shows all cases.)

# %% [markdown]
# Three of nine are more than 15 %. In a short sentence the share varies a lot, and we looked for a seed that shows all three cases of the next step. (Devlin's own code draws differently: it takes 15 % of each sequence, rounded.)
#
# **Step 2: a second number for each chosen token.** Below 0.8: the model will read `[MASK]` there. From 0.8 to 0.9: the token stays as it is. From 0.9 on: a random piece of the vocabulary. What will happen to *last*, *laugh* and *and*?
#
# ![Second numbers: last 0.50, laugh 0.91, and 0.89](figures/06_masking_2.svg)

# %%
fate = torch.rand(sentence.shape, generator=generator)
for at in chosen[0].nonzero().flatten():
    number = fate[0, at]
    print(f"{tokens[at]:6} {number:.2f}", "[MASK]" if number < 0.8 else "stays" if number < 0.9 else "a random piece")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Second numbers: last 0.50, laugh 0.91, and 0.89](figures/06_masking_2.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let the class say what becomes of each: last is hidden, and stays, laugh becomes a random piece.

# %% [markdown]
# **Step 3: what the model reads.**
#
# ![The model reads: the MASK scene made me specially and cry](figures/06_masking_3.svg)

# %%
pieces = torch.randint(len(tokenizer), sentence.shape, generator=generator)  # random pieces, most of them never used
masked = sentence.masked_fill(chosen & (fate < 0.8), tokenizer.mask_token_id)
masked = torch.where(chosen & (fate >= 0.9), pieces, masked)
print(tokenizer.decode(masked[0, 1:-1]))

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The model reads: the MASK scene made me specially and cry](figures/06_masking_3.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Ask: looking at this line alone, which tokens will the model be asked about? *[MASK]* for sure, *specially* perhaps. Nothing in the line betrays *and*. Next: the labels.

# %% [markdown]
# **Step 4: the labels.** At the chosen positions the label is the token that stood there. Everywhere else it is −100, which PyTorch's cross-entropy passes over: the loss counts the chosen tokens alone.
#
# ![The labels are last, laugh and and; everywhere else minus 100](figures/06_masking.svg)

# %% tags=["teaches"]
labels = sentence.masked_fill(~chosen, IGNORED)  # IGNORED is −100
print("asked:", tokenizer.convert_ids_to_tokens(labels[chosen]))
theirs = mask_tokens(sentence, tokenizer, rate=0.15, generator=torch.Generator().manual_seed(7665))
assert theirs[0].equal(masked) and theirs[1].equal(labels)  # the library's function does the same

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The labels are last, laugh and and; everywhere else minus 100](figures/06_masking.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** *And* has a label though nothing was changed. The other tokens are read, and help; the loss does not ask about them.

# %% tags=["check:masking-steps"]
# checked: the drawing has the numbers of the cells; shares of 15 %, 80, 10 and 10 over 2,000 sentences
from bertnotes.pictures.drawings.page06 import Masked

assert tuple(tokens[1:-1]) == Masked.tokens and IGNORED == -100
assert tuple(round(x, 2) for x in chance[0, 1:-1].tolist()) == Masked.chance
assert tuple(round(x, 2) if c else None for x, c in zip(fate[0, 1:-1].tolist(), chosen[0, 1:-1], strict=True)) == Masked.fate
assert tuple(tokenizer.convert_ids_to_tokens(masked[0, 1:-1])) == Masked.reads
many = sentence.repeat(2000, 1)
hidden, key = mask_tokens(many, tokenizer, 0.15, torch.Generator().manual_seed(0))
asked = key != IGNORED
mask_share, stay_share = ((hidden == other)[asked].float().mean() for other in (torch.tensor(tokenizer.mask_token_id), many))
assert abs(asked[:, 1:-1].float().mean() - 0.15) < 0.01 and abs(mask_share - 0.8) < 0.03 and abs(stay_share - 0.1) < 0.02

# %% [markdown]
# The library's `mask_tokens` does these four steps, and with the same random numbers it gives the same result.
#
# **Play with it.** Draw new random numbers a few times. Then move the slider: what happens to the sentence at 40 %, and what at 90 %? What would be bad about a very low rate?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Hide more, hide less

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
from bertnotes.pictures.play import play

play("masking")

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Press the button a few times at 15 %, then go to 40 % and 90 %. Ask what is bad about 1 %: the model is asked hardly anything, so a text teaches it little.

# %% [markdown]
# <details><summary>What we found</summary>
#
# The more is hidden, the more answers a text gives, and the less is left to find them by. At 90 % hardly a word is left. At a low rate almost nothing is asked, so a text teaches little. BERT's 15 % is a compromise, and not the only good one: Wettig et al. (2022) found
# that a large model can do better with 40 %. mini was trained with 20 %.
#
# </details>
#
# ### Why not always `[MASK]`?
#
# Who uses a trained BERT, to judge a review for instance, hands it ordinary text, in which there is no `[MASK]`. A model that is only ever asked at `[MASK]` uses the other positions as context for the gaps. It is never asked what should stand at those positions themselves, and in use there are no others.
#
# With 80 / 10 / 10 any token may be one that the model is asked about, or a wrong one. So it pays to work out, at *every* position, what should stand there (Devlin et al. 2018, appendix A.1). That is the idea. How much does it matter? In
# their table 8, always `[MASK]` is as good on one task (MNLI, 84.3 against 84.2) and somewhat worse on the other (NER, finding names in a text: 94.9 against 95.4, or 94.0 against 94.9 where BERT's own numbers stay fixed).

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Why not always [MASK]?
#
# Of the chosen tokens
#
# - **80 %** become `[MASK]`,
# - **10 %** stay as they are,
# - **10 %** become a random piece.
#
# What would a model miss that was only ever asked at `[MASK]`?

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** In use there is no [MASK]. A model that is asked only at gaps uses the other words as context, but is never asked what should stand in *their* place. How much it matters: in the paper's table 8 nothing on one task, half a point to a point on the other.

# %% [markdown]
# ## 3. What does a guess cost?
#
# You know the measure: the **loss** of a guess is $-\ln p$, where $p$ is the probability that the model gave to the right token (page 02), averaged over all hidden tokens. And $e^{\text{loss}}$ is the **perplexity**: a model with perplexity 50 has the same loss as
# one that picks blindly among 50 equally likely tokens (page 03).
#
# To compare models we need an exam that is the same for all. We set 150 reviews aside, which are not trained on, and take the first 64 tokens of 100 of them. Of their tokens we hide about 15 %. In the exam all of them become `[MASK]`, so that nobody can copy.

# %%
reviews = list(dict.fromkeys(read_reviews(REVIEWS, columns=("review",))["review"]))  # each text once
random.Random(0).shuffle(reviews)
held_out = tokenizer(reviews[:150], truncation=True, max_length=64).input_ids
rows = torch.tensor([row for row in held_out if len(row) == 64][:100])
labels = mask_tokens(rows, tokenizer, 0.15, torch.Generator().manual_seed(0))[1]
asked, answers = labels != IGNORED, labels[labels != IGNORED]
exam = rows.where(~asked, tokenizer.mask_token_id), labels
train_rows = pack(tokenizer, reviews[150:], length=64).long()  # the other reviews, end to end, cut into rows of 64 tokens
print(f"exam: {len(rows)} rows, {len(answers)} hidden tokens;   to train on: {len(train_rows):,} rows")

# %% [markdown]
# The first candidate knows nothing: a BERT of random numbers. What will its loss be? The vocabulary has 10,000 pieces. (Page 02 had the same question for 20 words.)

# %%
guess = None  # a loss, in nats

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Who knows nothing, who counts, and mini
#
# A BERT of random numbers, 10,000 pieces: which loss, in nats? And someone who only knows how frequent each piece is?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# ![A scale of losses: knows nothing at 9.21, perplexity 10,000; counts and never looks at 6.53, perplexity about 680; mini at 4.26, perplexity about 70](figures/06_ladder.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** First the guess for random numbers: ln 20 on page 02, so ln 10,000 here. Then ask: can one do better without looking at the sentence at all? How much? Counting is the bar; mini is another 2.3 nats below it.

# %% tags=["timing", "nbval-ignore-output"]
from transformers import BertConfig

from bertnotes.pruning import losses, mean_and_error

no_dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
sizes = {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 512}
torch.manual_seed(0)
small = BertEncoder(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **sizes, **no_dropout), head=True)
for parameter in small.parameters():
    if parameter.ndim == 2:
        torch.nn.init.normal_(parameter, std=0.02)  # small random numbers, as BERT's authors chose them
print(f"random numbers: loss {losses(small, exam).mean():.2f}   your guess: {guess}")

# %% tags=["check:knows-nothing-yet"]
# checked: ln of the vocabulary; the exam and the rows to train on share no review and no row
assert abs(losses(small, exam).mean() - math.log(10_000)) < 0.03 and len(tokenizer) == 10_000
assert not set(reviews[:150]) & set(reviews[150:]) and len(reviews) == 1276 and len(rows) == 100
assert not {tuple(row) for row in rows.tolist()} & {tuple(row) for row in train_rows.tolist()}

# %% [markdown]
# Very nearly $\ln 10{,}000 = 9.21$: it gives all pieces nearly the same, one in 10,000. This is `small`, the BERT that we will train: the parts of page 05, but 2 layers and 128 numbers a token.
#
# The second candidate never looks at the sentence. It only knows how frequent each piece is, and gives each piece its share of the text as probability. How far down does that bring the perplexity, from 10,000?

# %%
guess = None  # a perplexity

# %%
counts = torch.bincount(train_rows.flatten(), minlength=len(tokenizer)).float()
counts[tokenizer.all_special_ids] = 0
frequency = (counts + 1) / (counts + 1).sum()  # + 1, so that no piece is impossible
counting = -frequency.log()[answers]  # the loss of each hidden token of the exam
counted, error = mean_and_error(counting, exam)
print(f"counting: loss {counted:.2f}, with an error of {error:.2f}; perplexity {counted.exp():.0f}   your guess: {guess}")
print("most frequent:", tokenizer.convert_ids_to_tokens(frequency.topk(8).indices))

# %% tags=["check:counting"]
# checked: what counting scores, and how often the most frequent piece is right
assert 6.45 < counted < 6.6 and 0.07 < error < 0.1 and 640 < counted.exp() < 720
assert 0.04 < (answers == frequency.argmax()).float().mean() < 0.06

# %% [markdown]
# About 680, without looking at the sentence. So a loss of 7 would be no sign of understanding. **Counting is the bar**: a model that has learned enough from the words around a gap gets below it. (The **error** is the standard error over reviews, as on page 03.)
#
# The third candidate is mini.

# %% tags=["timing", "nbval-ignore-output"]
of_mini, error = mean_and_error(losses(model, exam), exam)
print(f"mini: loss {of_mini:.2f}, with an error of {error:.2f}; perplexity {of_mini.exp():.0f}")

# %% tags=["check:mini-loss"]
# checked: mini's loss, and by how much it beats counting, review by review
assert 4.2 < of_mini < 4.32 and 0.1 < error < 0.13
better, its_error = mean_and_error(counting - losses(model, exam), exam)
assert 2.2 < better < 2.35 and its_error < 0.12
from bertnotes.pictures.drawings.page06 import LADDER

assert all(abs(loss - met) < 0.01 for (_, loss, _), met in zip(LADDER, (math.log(10_000), counted, of_mini), strict=True))

# %% [markdown]
# ![A scale of losses: knows nothing at 9.21, perplexity 10,000; counts and never looks at 6.53, perplexity about 680; mini at 4.26, perplexity about 70](figures/06_ladder.svg)
#
# Below the scale stand the perplexities. From *knows nothing* to *counts* is 2.7 nats, from there to mini another 2.3. mini did not train on these reviews.
#
# ## 4. Watch one learn
#
# Now we train `small`. A **training step** is that of page 02: guess, loss, gradient, a small step against it. What is new is the first line, which hides tokens.


# %%
def training_step(model, optimizer, rows, generator):
    """Hide tokens of rows (batch, position), guess them, change every parameter a little. Returns the loss."""
    masked, labels = mask_tokens(rows, tokenizer, 0.15, generator)
    asked = labels != IGNORED
    scores = model.word_logits(model(masked).last_hidden_state[asked])  # a score for each piece, at the chosen positions
    loss = cross_entropy(scores, labels[asked])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


# %% [markdown]
# 200 steps of 16 rows, with AdamW (Adam, and all parameters shrink a little at each step: Loshchilov and Hutter 2017). Masks are drawn anew each time, so a row that comes again is a new exercise. The exam is taken every 20 steps. Where will the loss be after 200 steps:
# near 9.2, near 6.5, or near 4.3?

# %%
guess = None  # a loss

# %% tags=["timing", "nbval-ignore-output"]
optimizer = torch.optim.AdamW(small.parameters(), lr=1e-3)
generator = torch.Generator().manual_seed(1)
steps, curve = list(range(0, 201, 20)), []
for step in range(201):
    if step in steps:
        curve.append(losses(small, exam).mean().item())
    batch = train_rows[torch.randint(len(train_rows), (16,), generator=generator)]
    training_step(small, optimizer, batch, generator)
print("loss in the exam:", *(f"{loss:.2f}" for loss in curve), "  your guess:", guess)

# %% tags=["check:small-learns"]
# checked: the loss falls fast and then stays near that of counting, which it does not get below; mini is far away
assert abs(curve[0] - 9.21) < 0.03 and curve[2] < 7.1 and 6.55 < curve[-1] < 6.8 and min(curve) > counted
assert curve[0] - curve[2] > 7 * (curve[2] - curve[-1])

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## A small BERT learns, from random numbers


# %% slideshow={"slide_type": "-"}
from bertnotes.pictures.charts import line_chart, pretraining_curve

lines = {"small BERT": curve, "counting": [counted.item()] * len(steps), "mini": [of_mini.item()] * len(steps)}
ax = line_chart(steps, lines, "steps of 16 rows", "loss in the exam", logarithmic="")

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Before you show it: near 9.2, near 6.5 or near 4.3? It falls fast, then lies along the line of counting. Ask what the model may have learned in those 20 seconds. The next slide tests it.

# %% [markdown]
# It falls fast, by more than two nats in 40 steps, and then lies along the line of counting, a little above it. That looks as if it had learned to count, and no more. Can we test that?
#
# ### Does it use the sentence at all?
#
# Take the *average* of its predictions over all gaps of the exam: one list of 10,000 probabilities, the same for every gap. If a model makes good use of the sentence, its own predictions are better than this list. If it takes no notice of the sentence, there is no difference. By how much does the loss rise with the list, for mini and for `small`?

# %%
guess = None  # two numbers, for mini and for small, such as (1, 1)

# %% tags=["timing", "nbval-ignore-output"]
from collections import Counter

context = {}
for name, bert in {"mini": model, "small": small}.items():
    with torch.inference_mode():
        predictions = bert.word_logits(bert(exam[0]).last_hidden_state[asked]).softmax(dim=-1)  # (gap, vocabulary)
    average = predictions.mean(dim=0)  # the same for every gap
    own, same = -predictions[range(len(answers)), answers].log().mean(), -average[answers].log().mean()
    context[name] = own, same, Counter(tokenizer.convert_ids_to_tokens(predictions.argmax(dim=-1))).most_common(3)
    print(f"{name:5}  own {own:.2f}, average for all {same:.2f}   first guesses: {context[name][2]}")
print("your guess:", guess)

# %% tags=["check:uses-the-sentence"]
# checked: for mini the average is much worse; for small it makes no difference, and its lists are nearly the same
assert context["mini"][1] - context["mini"][0] > 2.1 and abs(context["small"][1] - context["small"][0]) < 0.02
assert (
    bert is small and (predictions - average).abs().sum(dim=-1).max() / 2 < 0.12
)  # how far any list is from the average, 0 to 1
assert sum(count for _, count in context["small"][2][:2]) > 0.97 * len(answers)
assert sum(count for _, count in context["mini"][2]) < 0.3 * len(answers) and abs(context["mini"][1] - counted) < 0.15

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Does it use the sentence?
#
# Give every gap the *average* of a model's predictions. By how much does the loss rise?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | | own predictions | the average for all gaps |
# | --- | --- | --- |
# | mini | 4.26 | **6.56** |
# | small BERT, 200 steps | 6.66 | **6.65** |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let them guess the right column. The small BERT gives every gap nearly the same list: it has learned frequencies, and hardly anything yet of the words around. Nearly all that mini is ahead, it gets from the sentence: its average list is no better than counting.

# %% [markdown]
# For mini the average costs 2.3 nats: that is what it gets from the sentence. For `small` it costs nothing. It gives every gap nearly the same list, and its first guess is the same one or two pieces practically every time. So after 200 steps it has learned **how frequent pieces are**, and nothing yet of the words around that would help it.
#
# Why does frequency come first? Because it is the easiest, we think. A list of probabilities that is the same for every gap is enough, and every hidden token of every batch helps to set it. (You will train such a model in the exercises.) To use a neighbour, the model needs
# vectors that tell words apart and attention that finds the neighbour, and a given pair of words comes rarely. It is not that there would be nothing else to gain: below counting, mini has got another 2.3 nats.
#
# This is one run of one size for 20 seconds. What does it take to get on?

# %% [markdown]
# ## 5. Where mini's numbers come from
#
# BERT-base read a text of 3.3 billion words about forty times, by the authors' count; four days on 16 chips (Devlin et al. 2018, section 3.1 and appendix A.2). mini took a short cut: it did not begin with random numbers. Page 00 showed its ancestors:
#
# ![mini's ancestors: a teacher; MiniLM, which learned to look where the teacher looks; every second layer of it; all-MiniLM-L6-v2, trained on pairs of sentences that belong together; and mini, with 10,000 word pieces, which then read reviews](figures/00_ancestry.svg)
#
# The second step is a kind of training that we have not met, **distillation**:
#
# ![The same text goes into a teacher, which stays as it is, and into a smaller student. The student is changed so that the attention weights of its last layer become more like the teacher's](figures/06_distillation.svg)
#
# The student is not asked for words. It is asked to have, on the same text, attention weights like those of the teacher's last layer (Wang et al. 2020; how alike its values are to each other is imitated as well). So it learns from the teacher where to look.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The same text goes into a teacher, which stays as it is, and into a smaller student. The student is changed so that the attention weights of its last layer become more like the teacher's](figures/06_distillation.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** mini did not start from random numbers. Teacher: a model of BERT-base's size. Student: MiniLM; every second of its layers was kept. Then it was trained on pairs of sentences that belong together, and last on film reviews, with masking. Ask: who told mini where to look?

# %% [markdown]
# After that, every second layer was kept, and the rest was trained on pairs of sentences that belong together, such as a question and its answer. These pairs are a kind of label. So it is not true of mini that nobody told it anything.
#
# Last, we cut its vocabulary to the 10,000 pieces that reviews use most, put a new layer for guessing on top, and trained all of it with masking, on IMDB's film reviews (Maas et al. 2011) without their verdicts. Is this last training what counts, or the start? There is a control: the same
# architecture from random numbers, which read as many tokens of the same reviews as mini in its first run. Both were measured on reviews that were held out. (Here a tenth of the asked tokens is visible, as in training.)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## mini, and the same size from random numbers

# %% slideshow={"slide_type": "-"}
mini_log = [json.loads(line) for line in (MINI / "log.jsonl").read_text(encoding="utf-8").splitlines()]
control = json.loads((RESULTS / "pretraining-from-zero.json").read_text(encoding="utf-8"))["log"]
figure = pretraining_curve(mini_log, {"knows nothing": math.log(10_000)}, control)
_ = figure.axes[0].text(16, 3.7, "mini", fontsize=16), figure.axes[1].text(16, 37, "mini", fontsize=16)

# %% tags=["check:start-is-worth"]
# checked: what the text says of the three runs and of the control
runs = {number: [entry for entry in mini_log if entry["run"] == number] for number in (1, 2, 3)}
loss_of = {number: [entry["held_out_loss"] for entry in run] for number, run in runs.items()}
first_run = runs[1]
assert first_run[-1]["tokens"] == control[-1]["tokens"] and 8.1e6 < control[-1]["tokens"] < 8.2e6
assert round(control[-1]["held_out_loss"], 2) == 6.13 and round(loss_of[1][-1], 2) == 3.54
assert loss_of[2][0] > loss_of[1][-1] and loss_of[3][0] > loss_of[2][-1] and loss_of[1][0] > math.log(10_000)
assert round(loss_of[2][-1], 2) == 3.07 and round(loss_of[3][-1], 2) == 3.09
assert next(entry["tokens"] for entry in mini_log if entry["held_out_loss"] < control[-1]["held_out_loss"]) < 600_000

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Slate is mini, magenta is random numbers. At each dashed line a new run began, with a high learning rate again. Ask what differs besides the start: the optimizer and the learning rate. So we cannot say how much of the gap is due to the start.

# %% [markdown]
# Slate is mini, in three runs (a dashed line where a new one began), magenta is the control. Three things to see:
#
# - mini starts *above* $\ln 10{,}000$. With a new layer on top its guesses cost more than not knowing; we think that it is too sure of wrong ones.
# - After 8.1 million tokens mini is at 3.54, the control at 6.13. mini was past that before it had read 0.6 million.
# - At each dashed line the loss jumps up. There the learning rate rises again, and large steps probably undo a little. (From the second run on, the exam is another one, too, and the first run had read some of its reviews.) The third run ends where the second did, at 3.09 against 3.07. It read rows of 512 tokens, and in rows of that length it is better than before (46.5 % right against 38.6 %: `data/mini/README.md`).
#
# Is the gap due to the start? Not for certain: the control was trained with another optimizer and another learning rate: the better of two optimizers, each tried for a short time and at one rate. Either way, nearly everyone who uses a BERT begins where others have ended: pre-training is done once.

# %% [markdown]
# ## 6. Why both sides?
#
# GPT looks only back (page 04). BERT sees both sides of a gap, hence its B: *bidirectional*. What is that worth? Imagine that you may uncover only some of the words around a gap.
#
# ![Three rows of squares around a gap: 2 before, 1 plus 1, 12 before](figures/06_sights.svg)
#
# Which helps mini more: **twelve tokens before** the gap, or **one on each side**? We take a stretch of 25 tokens from each of 200 reviews, hide the middle one, and show only what the row says. All else is `[MASK]`.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Three rows of squares around a gap: 2 before, 1 plus 1, 12 before](figures/06_sights.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Vote: in which row does mini guess best, in which worst? Most vote for twelve words.

# %%
generator, stretches = torch.Generator().manual_seed(0), []
for ids in tokenizer(read_reviews(REVIEWS)["review"].tolist()[:200], add_special_tokens=False).input_ids:
    start = int(torch.randint(len(ids) - 24, (), generator=generator))
    stretches.append(ids[start : start + 25])
stretches = torch.tensor(stretches)  # (review, 25)
print(tokenizer.decode(stretches[0]))


# %%
@torch.inference_mode()
def losses_of_middle(stretches, seen):
    """The loss of each middle token, where only the tokens at these distances from it may be seen: -1 is the one before."""
    allowed = torch.isin(torch.arange(-12, 13), torch.tensor(seen))
    shown = pad(stretches.where(allowed, tokenizer.mask_token_id), (1, 1))
    shown[:, 0], shown[:, -1] = tokenizer.cls_token_id, tokenizer.sep_token_id
    middle = model(shown).last_hidden_state[:, 13]
    return cross_entropy(model.word_logits(middle), stretches[:, 12], reduction="none")


# %%
guess = None  # "12 before" or "1 + 1"

# %% tags=["timing", "nbval-ignore-output"]
views = {"2 before": [-2, -1], "1 + 1": [-1, 1], "12 before": list(range(-12, 0))}
live = {name: losses_of_middle(stretches, seen) for name, seen in views.items()}
for name, found in live.items():
    print(f"{name:10} loss {found.mean():.2f}, perplexity {found.mean().exp():4.0f}")
print("your guess:", guess)

# %% tags=["check:sides-live"]
# checked: what is measured here is what the record has of these 200 reviews; one on each side beats twelve before
stored = json.loads((RESULTS / "around-a-gap.json").read_text(encoding="utf-8"))
assert stored["gaps"][:200] == stretches[:, 12].tolist() and len(stored["gaps"]) == 1276
assert all((found - torch.tensor(stored["losses"][name][:200])).abs().max() < 0.02 for name, found in live.items())
assert live["1 + 1"].mean() < live["12 before"].mean() < live["2 before"].mean()

# %% [markdown]
# Two tokens beat twelve. The tool `tools/around_a_gap.py` measured the same on all 1,276 reviews, a gap in each, and in more views. Each row shows what may be seen and the loss, with twice its error to either side:

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## One on each side beats twelve before

# %% slideshow={"slide_type": "-"}
from bertnotes.pictures.drawings.page06 import sight_chart

record = json.loads((RESULTS / "around-a-gap.json").read_text(encoding="utf-8"))
losses_of = {name: torch.tensor(values) for name, values in record["losses"].items()}
means = {name: values.mean().item() for name, values in losses_of.items()}
errors = {name: (values.std() / len(values) ** 0.5).item() for name, values in losses_of.items()}
figure = sight_chart(means, errors)

# %% [markdown] slideshow={"slide_type": "notes"}
# **4 minutes.** Read from the top. One before and one after are worth the same. Add a second token: on the same side little is gained, on the other side a lot. Then 12 before, 12 after. Ask what the rows *alternating* and *mirrored* are for: next slide.

# %% [markdown]
# The question behind the first rows is: you see one token before the gap, and may uncover **one more**. Which? The loss is 5.85 at first. We take the differences gap by gap, so that hard gaps do not blur them.


# %%
def compare(one, other):
    difference = losses_of[one] - losses_of[other]
    error = difference.std() / len(difference) ** 0.5
    print(f"{one:10} → {other:10} the loss falls by {difference.mean():.2f}, twice the error is {2 * error:.2f}")
    return difference.mean(), error


pairs = [("1 before", "2 before"), ("1 before", "1 + 1"), ("12 before", "1 + 1"), ("12 before", "6 + 6")]
fall = [compare(*pair) for pair in pairs]

# %% tags=["check:both-sides"]
# checked: what the text says of the record; all differences are beyond twice their error, except before against after
assert [round(mean.item(), 2) for mean, _ in fall] == [0.29, 1.13, 0.56, 1.44] and all(mean > 3 * error for mean, error in fall)
assert abs(means["1 before"] - means["1 after"]) < 0.02 and abs(means["12 before"] - means["12 after"]) < 0.02
assert round(means["1 before"], 2) == round(means["1 after"], 2) == 5.85 and 0.12 < means["6 + 6"] - means["12 + 12"] < 0.15
assert [round(math.exp(means[name])) for name in ("12 before", "1 + 1")] == [196, 111]

# %% [markdown]
# A second token on the same side lowers the loss by 0.29, one on the other side by 1.13. One on each side (perplexity 111) beats twelve before (196), and six on each side beat them by 1.44.
#
# Why? Two things are mixed here. *1 + 1* sees two sides; but it also sees two tokens that touch the gap, and on one side only one token can. So we make a second comparison: as many tokens, at the same distances.
#
# ![Four rows of squares: 12 before, 12 after, and two that take their twelve tokens from both sides in turn, one at each distance](figures/06_alternating.svg)
#
# *Alternating* and *mirrored* show twelve tokens, one at each distance from 1 to 12, but by turns on either side. Together these two show the same 24 positions as *12 before* and *12 after* together. By how much is their mean loss lower?

# %%
fair = (losses_of["12 before"] + losses_of["12 after"] - losses_of["alternating"] - losses_of["mirrored"]) / 2
print(f"the loss falls by {fair.mean():.2f}, twice the error is {2 * fair.std() / len(fair) ** 0.5:.2f}")

# %% tags=["check:equal-distances"]
# checked: the gain at equal distances is clear but small; six on each side are far better than the alternating rows
assert round(fair.mean().item(), 2) == 0.11 and fair.mean() > 3 * fair.std() / len(fair) ** 0.5
broken = (losses_of["alternating"] + losses_of["mirrored"]) / 2 - losses_of["6 + 6"]
assert round(broken.mean().item(), 1) == 1.3 and broken.mean() > 10 * broken.std() / len(broken) ** 0.5

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Four rows of squares: 12 before, 12 after, and two that take their twelve tokens from both sides in turn, one at each distance](figures/06_alternating.svg)

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# From one side to both, at equal distances: the loss falls by **0.11**. To *6 + 6*, near and without holes: by **1.44**. The alternating rows have holes.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Equal number, equal distances; only the side differs. The gain is 0.11, twice the error 0.05: little. So equal distances leave little of the gain. 6 + 6, also twelve tokens, is 1.3 better: near text on *both* sides helps, above all, it seems, a token that touches the gap on either side. Perhaps text with holes is hard to read for mini; then the comparison is not quite fair.

# %% [markdown]
# There, but small. So "two sides are better than one" is not the whole story. *6 + 6* shows twelve tokens on two sides, too, and its loss is 1.3 lower than that of the alternating rows. So what helps is **text near the gap, on both sides**: above all, it seems, a token that touches the gap on either side. These rows do not tell apart what touching, nearness and holes do. (Perhaps text with holes is hard for mini to read. Then
# the comparison is unfair to the alternating rows.)
#
# And a doubt that holds for all rows: mini was trained with both sides. It has hardly ever met so many `[MASK]`s, and a model trained to look only back might do better from the left. Devlin et al. (2018, table 5) trained and used one so. It is to be compared with a BERT without the second task of section 7, and is worse on all five tasks of the table: on MNLI
# 82.1 against 83.9, on SQuAD, where an answer has to be found in a passage, 77.8 against 87.9.
#
# **Play with it.** Choose a sentence, and uncover tokens before and after the gap. When does mini find the word?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Uncover the words around a gap

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
play("sight")

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** *Based*: with all that stands before, and nothing after, it is not among the five; with *on* it comes first. *Asleep*: the two words before are enough for the first place. *Edge*: *the* before and *of my seat* after, 71 %.

# %% tags=["check:stored-guesses"]
# checked: the stored guesses of the toy are mini's, all of them
from bertnotes.pictures.play import TOYS

toys, apart = json.loads((TOYS / "sight.json").read_text(encoding="utf-8")), []
for toy in toys:
    gap, width = toy["gap"], len(toy["words"]) - toy["gap"]
    where, ids = torch.arange(len(toy["words"])), torch.tensor(tokenizer.convert_tokens_to_ids(toy["words"]))
    for place, guesses in enumerate(toy["guesses"]):
        seen = (where - gap >= -(place // width)) & (where - gap <= place % width) & (where != gap)
        shown = pad(ids.where(seen, tokenizer.mask_token_id), (1, 1))[None]
        shown[0, 0], shown[0, -1] = tokenizer.cls_token_id, tokenizer.sep_token_id
        found = model.word_logits(model(shown).last_hidden_state[0, gap + 1]).softmax(dim=-1)
        apart += [100 * found[tokenizer.vocab[one.split()[0]]].item() - int(one.split()[1]) for one in guesses]
assert len(apart) == 5 * (24 + 15 + 30) and max(map(abs, apart)) < 1

# %% tags=["check:first-of-five"]
# checked: what stands first in the toy, with how many tokens to be seen, as the text and the notes say
based, asleep, edge = (toy["guesses"] for toy in toys)
assert based[18][0].split()[0] == "a" and not any(one.startswith("based ") for one in based[18]) and based[19][0] == "based 21"
assert based[23][0] == "based 93" and asleep[10][0] == "asleep 22" and asleep[14][0] == "asleep 76"
assert edge[25][0] == "edge 37" and edge[3][0].startswith("out ") and edge[8][0] == "edge 71"

# %% [markdown]
# <details><summary>What we found</summary>
#
# *based*: with *the film is* and nothing after, mini says *a*, and *based* is not among the five. With *on* as well it comes first, with 21 %; with everything it has 93 %. *asleep*: the two words before are enough for the first place (22 %), all together give 76 %.
# *edge*: all five words before give 37 %; *the* before and *of my seat* after give 71 %. Three sentences prove nothing, but show what the averages are made of.
#
# </details>
#
# ### A trap
#
# Why did we hide the tokens after the gap in *12 before*, and not just cut the text off there? `[CLS]`, twelve tokens, `[MASK]`, `[SEP]`: that seems simpler. What would you expect mini to guess just before `[SEP]`? Say it before you look.

# %% tags=["timing", "nbval-ignore-output"]
cut = pad(stretches[:, :13], (1, 1))
cut[:, 0], cut[:, 13], cut[:, 14] = tokenizer.cls_token_id, tokenizer.mask_token_id, tokenizer.sep_token_id
with torch.inference_mode():
    scores = model.word_logits(model(cut).last_hidden_state[:, 13])
cut_loss = cross_entropy(scores, stretches[:, 12])
favourites = Counter(tokenizer.convert_ids_to_tokens(scores.argmax(dim=-1))).most_common(3)
print(f"cut off: loss {cut_loss:.2f}, hidden: {live['12 before'].mean():.2f}   first guesses of 200: {favourites}")

# %% tags=["check:cut-off"]
# checked: cut off, more than half of the first guesses are full stops, and the loss is more than a nat higher
assert favourites[0][0] == "." and favourites[0][1] > 100 and cut_loss - live["12 before"].mean() > 1

# %% [markdown]
# A full stop, in more than half of the cases. `[SEP]` is information, too: here something ends. The loss is more than a nat higher than with hidden tokens. Had we compared like this, the left side would have looked much worse than it is. **Ask of every comparison what else was changed.**

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### A trap
#
# *12 before*, but the text is cut off after the gap:
#
# `[CLS]` twelve tokens `[MASK]` `[SEP]`
#
# What does mini guess?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# A full stop, in more than half of the cases. The loss is more than a nat higher: `[SEP]` tells that something ends here.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** This is how a comparison goes wrong: something else was changed, too. Ask for other examples from the course: recipes that differ, as in mini and its control.

# %% [markdown]
# ## 7. The second task: next sentence
#
# The original BERT was trained on two tasks at once. In the second it read two passages, A and B, and had to say whether B really followed A in the text, or came from elsewhere: **next-sentence prediction**. Half of the pairs were real. The answer was read from `[CLS]`.
#
# ![Two inputs, CLS A SEP B SEP. In the first B follows A, in the second it comes from elsewhere. Token types are 0 up to the first SEP, then 1](figures/06_pair.svg)
#
# That is what the token types of page 05 are for: 0 for A, 1 for B. Was the task worth it? The papers disagree.
#
# | left out in | result |
# | --- | --- |
# | Devlin et al. 2018, table 5 | worse: QNLI 88.4 → 84.9, MNLI 84.4 → 83.9, SQuAD 88.5 → 87.9 |
# | Liu et al. 2019 (RoBERTa), section 4.2 | as good or slightly better: MNLI 84.0 → 84.7, SQuAD 90.4 → 90.4 |
#
# (MNLI asks whether one sentence follows from another, QNLI whether a sentence holds the answer to a question; SQuAD has the answer found in a passage.) Liu et al. suspect that in the first experiment only the task was left out, and the input still came as pairs. In theirs it was unbroken text. Again: what else was changed? Several later models left the task out, and mini's training on reviews had none.

# %% tags=["check:token-types"]
# checked: token types are 0 up to the first [SEP], then 1; mini has no head for next sentences
pair = tokenizer("I read the book.", "So I knew the end.", return_tensors="pt")
end = pair.input_ids[0].tolist().index(tokenizer.sep_token_id)
assert pair.token_type_ids[0].tolist() == [0] * (end + 1) + [1] * (len(pair.input_ids[0]) - end - 1)
assert not any("seq" in name or "next" in name for name, _ in model.named_parameters())

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The second task: next sentence
#
# ![Two inputs, CLS A SEP B SEP. In the first B follows A, in the second it comes from elsewhere. Token types are 0 up to the first SEP, then 1](figures/06_pair.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Ask: is this hard? If B comes from another document, its topic often gives it away. So a model may pass without knowing how sentences follow each other.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Was the second task worth it?
#
# | left out in | result |
# | --- | --- |
# | Devlin et al. 2018, table 5 | worse: QNLI 88.4 → 84.9, MNLI 84.4 → 83.9 |
# | Liu et al. 2019 (RoBERTa), 4.2 | as good or slightly better: MNLI 84.0 → 84.7 |
#
# What else was different?

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Liu et al. suspect that in the first experiment only the task was dropped and the input still came as pairs. In theirs the input was unbroken text. So the two rows may not be about the same change.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Pre-training hides tokens and lets the model guess them: the text is the question and the answer.
# - 15 % are chosen; of these 80 % become `[MASK]`, 10 % stay, 10 % become a random piece.
# - With small random numbers the loss starts near $\ln$ of the number of pieces, here 9.2. Frequencies came first in our run; what is well below the bar of counting comes from the sentence, where every asked token is hidden.
# - mini began with weights that others had distilled and trained.
# - One token on each side told mini more than twelve before: near text on both sides.
#
# **Next:** page 07 looks at what the heads of such a model do.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Close the lid: who can say what the loss of a model is that only counts, and how one would find out whether a model does more?

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# Work in the copy of the [exercises](exercises/06.ipynb) in `notebooks/my`. Two are for paper, the others are functions of a few lines. The last one is a training loop with two bugs.

# %% tags=["exercises"]
import math

import torch
from torch.nn.functional import cross_entropy

from bertnotes.exercises import check, hint, solution  # noqa: F401

# %% [markdown] tags=["exercise:how_many"]
# ### How many wrong words? · ● · 4 minutes
#
# A row has 128 tokens; `[CLS]` and `[SEP]` are two of them. It is masked by BERT's recipe: 15 %, of these 80 / 10 / 10. How many of its tokens become a **random piece**, on average? Two digits after the point will do.

# %% [markdown] tags=["hint:how_many"]
# How many tokens may be chosen at all, and how many are chosen on average?

# %% [markdown] tags=["hint:how_many"]
# 126 may be chosen, so 18.9 are on average. A tenth of these becomes a random piece.

# %% tags=["exercise:how_many"]
# solution
answer = 126 * 0.15 * 0.1
# instead:
# answer = None  # your number
# end of solution

check("how_many", answer)

# %% [markdown] tags=["reason:how_many"]
# $126 \cdot 0.15 \cdot 0.1 = 1.89$. So in a row of 128 the model reads about two wrong words, and 15 gaps. (Now and then the random piece is by chance the right one.)

# %% [markdown] tags=["exercise:by_counting"]
# ### The loss of counting · ● · 6 minutes
#
# A text has eight tokens: *the* four times, *film* twice, *good* and *bad* once each. Someone gives each token its share of the text as probability, and never looks at the sentence. One of the eight tokens is hidden, each equally often. What is the mean loss, in nats? Two digits after the point.

# %% [markdown] tags=["hint:by_counting"]
# The probabilities are 1/2, 1/4, 1/8 and 1/8. What is the loss where *the* is hidden, where *film* is, where *good* is?

# %% [markdown] tags=["hint:by_counting"]
# $\ln 2$, $\ln 4$, $\ln 8$ and $\ln 8$. *The* is hidden in four of eight cases.

# %% [markdown] tags=["hint:by_counting"]
# $\frac{4}{8} \ln 2 + \frac{2}{8} \ln 4 + \frac{1}{8} \ln 8 + \frac{1}{8} \ln 8$.

# %% tags=["exercise:by_counting"]
# solution
answer = 4 / 8 * math.log(2) + 2 / 8 * math.log(4) + 2 / 8 * math.log(8)
# instead:
# answer = None  # your number
# end of solution

check("by_counting", answer)

# %% [markdown] tags=["reason:by_counting"]
# $0.5 \ln 2 + 0.25 \ln 4 + 0.25 \ln 8 = 1.75 \ln 2 = 1.21$, a perplexity of 3.4, less than the 4 of someone who gives each token the same. This is the **entropy** of the frequencies: without looking at the sentence nobody can have a lower mean loss on this text.

# %% [markdown] tags=["exercise:hide"]
# ### Hide tokens · ●● · 12 minutes
#
# Write the masking of section 2, for a whole batch, from random numbers that are given. All tensors are (batch, position): `ids`; `chance` and `fate`, between 0 and 1; `pieces`, random pieces; `ordinary`, True where a token may be chosen. Return what the model reads and the labels. Do not change `ids`.

# %% [markdown] tags=["hint:hide"]
# `chosen = (chance < 0.15) & ordinary`, with the brackets: in Python `&` binds tighter than `<`.

# %% [markdown] tags=["hint:hide"]
# `ids.masked_fill(where, number)` gives a copy with a number in some places, and `torch.where(where, a, b)` takes `a` where it is True, else `b`.

# %% [markdown] tags=["hint:hide"]
# Fill `mask_id` where `chosen & (fate < 0.8)`. Take `pieces` where `chosen & (fate >= 0.9)`. The labels are `ids` with −100 where `~chosen`.


# %% tags=["exercise:hide"]
def hide(ids, chance, fate, pieces, ordinary, mask_id):
    """(masked, labels), both (batch, position); labels hold -100 where nothing is asked."""
    # solution
    chosen = (chance < 0.15) & ordinary
    masked = ids.masked_fill(chosen & (fate < 0.8), mask_id)
    masked = torch.where(chosen & (fate >= 0.9), pieces, masked)
    return masked, ids.masked_fill(~chosen, -100)
    # end of solution


check("hide", hide)

# %% [markdown] tags=["reason:hide"]
# The labels come from `ids`, and not from what the model reads: they say what stood there. A chosen token that stays has a label, too. `masked_fill` and `where` make new tensors, so the caller's `ids` are as they were.

# %% [markdown] tags=["exercise:masked_loss"]
# ### The loss of the hidden tokens · ●● · 8 minutes
#
# `scores` are (batch, position, vocabulary), `labels` are (batch, position), with −100 where nothing is asked. Return the mean of $-\ln p$ over the positions that are asked, a single number. Softmax turns the scores of a position into probabilities.

# %% [markdown] tags=["hint:masked_loss"]
# `asked = labels != -100`. Then `scores[asked]` has a row for each asked position, and `labels[asked]` the right tokens.

# %% [markdown] tags=["hint:masked_loss"]
# By hand: `p = scores[asked].softmax(dim=-1)`, then the probability of the right token in each row: `p[torch.arange(len(p)), labels[asked]]`.

# %% [markdown] tags=["hint:masked_loss"]
# Minus the logarithm, then the mean. Or `cross_entropy(scores[asked], labels[asked])`, which does all of it.


# %% tags=["exercise:masked_loss"]
def masked_loss(scores, labels):
    """The mean cross-entropy over the asked positions: a tensor with one number."""
    # solution
    asked = labels != -100
    return cross_entropy(scores[asked], labels[asked])
    # end of solution


check("masked_loss", masked_loss)

# %% [markdown] tags=["reason:masked_loss"]
# PyTorch's `cross_entropy` passes over −100 of its own accord, so `cross_entropy(scores.flatten(0, 1), labels.flatten())` is right as well. Choosing first saves work where the scores are made: 10,000 numbers for each position, of which six in seven are not asked.

# %% [markdown] tags=["exercise:around"]
# ### What may be seen · ● · 8 minutes
#
# A row of `ids`, (position,), has a gap at position `gap`. Return the row as the model shall read it: `before` tokens before the gap and `after` tokens after it may be seen. All others are `mask_id`, and so is the gap. Near an end of the row there may be fewer tokens than that.

# %% [markdown] tags=["hint:around"]
# How far is each token from the gap? `torch.arange(len(ids)) - gap` is negative before it and positive after it.

# %% [markdown] tags=["hint:around"]
# Seen is where that distance is at least `-before`, at most `after`, and not 0.

# %% [markdown] tags=["hint:around"]
# `ids.where(seen, mask_id)` keeps the ids where `seen` is True and puts `mask_id` elsewhere.


# %% tags=["exercise:around"]
def around(ids, gap, before, after, mask_id):
    """The row with all tokens hidden that may not be seen: (position,)."""
    # solution
    distance = torch.arange(len(ids)) - gap
    seen = (distance >= -before) & (distance <= after) & (distance != 0)
    return ids.where(seen, mask_id)
    # end of solution


check("around", around)

# %% [markdown] tags=["reason:around"]
# With distances nothing special happens near the ends. With slices it does: `ids[gap - before : gap]` counts from the end where `gap - before` is negative, so it needs `max(0, gap - before)`.

# %% [markdown] tags=["exercise:learn"]
# ### The smallest language model, with two bugs · ●●● · 10 minutes
#
# This model sees nothing: it has one score for each piece, the same at every gap. `ids` and `labels` are (step, position), and it takes one training step on each row. Trained well, it learns how frequent the asked pieces are. It runs without an error, but there are two bugs, both common. Mend them.

# %% [markdown] tags=["hint:learn"]
# Which tokens should the loss ask about, and which does it ask about here?

# %% [markdown] tags=["hint:learn"]
# `backward` *adds* to the gradients that are there. After one step that does no harm. After two?

# %% [markdown] tags=["hint:learn"]
# The loss asks about `labels[step]`: `cross_entropy` passes over −100. And call `optimizer.zero_grad()` before `loss.backward()`.


# %% tags=["exercise:learn"]
def learn(ids, labels, size, rate):
    """The scores after a step for each row: (size,). size: of the vocabulary; rate: the learning rate."""
    scores = torch.zeros(size, requires_grad=True)
    optimizer = torch.optim.SGD([scores], lr=rate)
    for step in range(len(ids)):
        # solution
        loss = cross_entropy(scores.expand(ids.shape[1], -1), labels[step])  # the same scores at every position
        optimizer.zero_grad()
        # instead:
        # loss = cross_entropy(scores.expand(ids.shape[1], -1), ids[step])  # the same scores at every position
        # end of solution
        loss.backward()
        optimizer.step()
    return scores.detach()


check("learn", learn)

# %% [markdown] tags=["reason:learn"]
# With a loss on every token a real model is rewarded for copying what it can read, which is easy and teaches it little about gaps. Without `zero_grad` each step also goes along all earlier gradients. Neither raises an error: look at a small example, or at one step and then two.

# %% [markdown]
# ## Sources
#
# Years are those on arXiv, where a paper is there.
#
# - Taylor (1953). *“Cloze Procedure”: A New Tool for Measuring Readability.* Journalism Quarterly 30.
# - Devlin, Chang, Lee, Toutanova (2018). *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* Masking: section 3.1 and appendix A.1; without the second task, and from left to right: table 5; 80 / 10 / 10: table 8. arXiv:1810.04805
# - Liu, Ott, Goyal, Du, Joshi, Chen, Levy, Lewis, Zettlemoyer, Stoyanov (2019). *RoBERTa: A Robustly Optimized BERT Pretraining Approach.* Section 4.2. arXiv:1907.11692
# - Wang, Wei, Dong, Bao, Yang, Zhou (2020). *MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained Transformers.* arXiv:2002.10957
# - Reimers, Gurevych (2019). *Sentence-BERT.* Training on pairs of sentences. arXiv:1908.10084
# - Wettig, Gao, Zhong, Chen (2022). *Should You Mask 15% in Masked Language Modeling?* arXiv:2202.08005
# - Loshchilov, Hutter (2017). *Decoupled Weight Decay Regularization.* AdamW. arXiv:1711.05101
# - Maas, Daly, Pham, Huang, Ng, Potts (2011). *Learning Word Vectors for Sentiment Analysis.* The IMDB reviews; ACL.
