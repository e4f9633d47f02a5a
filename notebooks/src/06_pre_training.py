# %% [markdown] question="What does a model learn by filling gaps?"
# # 06 · Pre-training: where the weights come from
#
# **The question:** a BERT is millions of numbers. Where do they come from?
#
# ![A circle of four steps. A word of a text is hidden; BERT gives every piece of its vocabulary a probability; the text says what stood there; every parameter is changed a little, so that this gets more probable](figures/06_gap.svg)
#
# They begin as random numbers. Words are hidden, the model guesses them, and after each round all numbers are changed a little: **pre-training**. On this page you hide words, measure guesses, train a small BERT, and compare it with mini, our trained one.
#
# **You need:** pages 01 to 05. **Time:** about 64 minutes, and 48 more for the exercises. All cells together take about a minute to run. Where a
# cell says `guess = None`, type your guess in place of `None`.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # Pre-training
#
# ![A circle of four steps. A word of a text is hidden; BERT gives every piece of its vocabulary a probability; the text says what stood there; every parameter is changed a little, so that this gets more probable](figures/06_gap.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Go round once, 1 to 4. Ask: who wrote the labels for this training? The author of the text, without knowing it.
#
# The deck takes 40 minutes: 24 up to the model that gets past counting, 16 for mini, the tokens that help and the second task. Run the notebook before class; section 4 is the one to run live.

# %%
import json
import math
import random
from collections import Counter

import torch
from torch.nn.functional import cross_entropy

from bertnotes.encoder import BertEncoder
from bertnotes.masked_lm import IGNORED, mask_tokens, word_probabilities
from bertnotes.models import load_tokenizer

# %% [markdown]
# ## 1. The text is the question and the answer
#
# *I had read the book, so I knew how the ___ would end.* Which word stands in the gap? Write one down, then see mini's five best. (A word that mini's vocabulary lacks gets no number.)

# %%
guess = None  # a word, in quotes

# %% tags=["timing", "nbval-ignore-output"]
tokenizer, model = load_tokenizer(), BertEncoder.from_pretrained()  # mini
chances = word_probabilities("I had read the book, so I knew how the [MASK] would end.", model, tokenizer)
for number in chances.topk(5).indices.tolist():
    print(f"{tokenizer.convert_ids_to_tokens(number):10} {chances[number]:4.0%}")
mine = tokenizer.vocab.get((guess or "").lower())  # the number of your word, if it is a piece of the vocabulary
print("your guess:", guess, "" if mine is None else f"{chances[mine]:.1%}")

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
# **2 minutes.** Collect words before you show mini's. Ask what each of them needed: grammar (a noun), the topic (books and films), how the world goes.

# %% [markdown]
# *Movie*, with nearly a half. A good guess here uses grammar (a noun fits), the topic, and what one knows of books and films.
#
# Such gaps make a training task out of any text: the text itself holds the right answer, and nobody has to label anything. This is called **self-supervised** learning. (As a test of human readers it dates from 1953: Taylor's *cloze*.)
#
# ## 2. Hide words
#
# BERT's recipe has four steps. We go through them on one sentence.
#
# **Step 1: choose 15 %.** BERT took a fixed share of each row. We draw for each token by itself: a random number between 0 and 1, and where it is below 0.15, the token is chosen. (`[CLS]` and `[SEP]` never are.)
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
# **1 minute.** Three of nine is more than 15 %. Ask: is that a mistake? No: here each token has its own draw. BERT itself took a fixed share of each row. (We searched for a seed that shows all cases.)

# %% [markdown]
# Three of nine are more than 15 %: we looked for a seed that shows all cases.
#
# **Step 2: a second number for each chosen token.** Below 0.8: the model will read `[MASK]` there. From 0.8 to 0.9: the token stays as it is. From 0.9 on: a random piece of the vocabulary. Work out what becomes of *last*, *laugh* and *and*, then run the cell.
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
# **1 minute.** Let the class say what becomes of each, before the next slide. *last* becomes [MASK], *and* stays, *laugh* becomes a random piece.

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
# **1 minute.** Ask: looking at this line alone, which tokens will the model be asked about? *[MASK]* for sure, *specially* perhaps. Nothing in the line betrays *and*.

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
# checked: the drawing has the numbers of the cells; over 2,000 sentences 15 % are chosen, of these 80 % hidden, 10 % kept, 10 % random
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
random_ones = hidden[(hidden != tokenizer.mask_token_id) & (hidden != many)]
assert abs(len(random_ones) / asked.sum() - 0.1) < 0.02 and len(random_ones.unique()) > 0.9 * len(random_ones)

# %% [markdown]
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
# At 90 % little is left to find the answers by; at a low rate a text teaches little. BERT's 15 % is a compromise: Wettig et al. (2022) found that a large model can do better with 40 %. mini was trained with 20 %.
#
# </details>
#
# ### Why not always `[MASK]`?
#
# Once it is trained, BERT is given ordinary text, to judge a review for instance. There is no `[MASK]` in it. A model that was only ever asked at `[MASK]` need not work out anything at the positions where it can read a word.
#
# With 80 / 10 / 10 it may be asked about any token, and any token may be a wrong one. So it pays to work out, at *every* position, what should stand there (Devlin et al. 2018, appendix A.1). How much does it matter? Not much: in their table 8 always `[MASK]` is as good at MNLI (does one sentence follow from another?), and 0.5 to 0.9 points of 100 worse at finding names (F1). Wettig et al. (2022) found always `[MASK]` at least as good on most tasks.
#
# ## 3. What does a guess cost?
#
# You know the measure: the **loss** of a guess is $-\ln p$, where $p$ is the probability that the model gave to the right token (page 02). We average it over all hidden tokens. And $e^{\text{loss}}$ is the **perplexity**: at 50 a model is as unsure as among 50 equally likely tokens (page 03).
#
# To compare models we need the same exam for all. The course has 1,276 film reviews. (mini was trained on others.) We set 150 aside. The exam is the first 64 tokens of 100 of these. About 15 % of the tokens are asked, and all of them become `[MASK]`, so that nobody can copy.

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

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# The text that it is used on has no `[MASK]`. It was never asked about a word that it can read.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Collect answers before the last line. How much it matters: in the paper's table 8 nothing on one task (MNLI), 0.5 to 0.9 points of 100 on the other (finding names). Later work (Wettig et al. 2022) found always [MASK] at least as good on most tasks.

# %%
from transformers import BertConfig

from bertnotes.data import read_reviews
from bertnotes.files import MINI, RESULTS, REVIEWS
from bertnotes.masked_lm import pack
from bertnotes.pruning import losses, mean_and_error  # the loss at each hidden token of an exam; a mean and its error

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
# The first candidate knows nothing: a BERT of random numbers. What will its loss be? The vocabulary has 10,000 pieces. (Page 02 asked this for 20 words.)

# %%
guess = None  # a loss, in nats

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Three candidates, one exam
#
# A BERT of random numbers, 10,000 pieces: which loss, in nats? And someone who only knows how frequent each piece is?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# ![A scale of losses: knows nothing at 9.21, perplexity 10,000; counts and never looks at 6.53, perplexity 683; mini at 4.26, perplexity 71](figures/06_ladder.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Collect both guesses before the scale. For random numbers: ln 20 on page 02, so ln 10,000 here. A loss of 6.53 is a perplexity of 683: as unsure as among so many equally likely pieces. Counting is the bar; mini is another 2.3 nats below it.

# %% tags=["timing", "nbval-ignore-output"]
no_dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
sizes = {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 512}
torch.manual_seed(0)
small = BertEncoder(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **sizes, **no_dropout), head=True)
as_made = losses(small, exam).mean()
for parameter in small.parameters():
    if parameter.ndim == 2:  # the matrices
        torch.nn.init.normal_(parameter, std=0.02)  # small random numbers, about as in BERT
print(f"small random numbers: loss {losses(small, exam).mean():.2f}   your guess: {guess}")
print(f"with PyTorch's usual random numbers: loss {as_made:.1f}")

# %% tags=["check:knows-nothing-yet"]
# checked: ln of the vocabulary, and far above it without small numbers; the exam and the rows to train on share no review and no row
assert 38 < as_made < 48
assert abs(losses(small, exam).mean() - math.log(10_000)) < 0.03 and len(tokenizer) == 10_000
assert not set(reviews[:150]) & set(reviews[150:]) and len(reviews) == 1276 and len(rows) == 100
assert not {tuple(row) for row in rows.tolist()} & {tuple(row) for row in train_rows.tolist()}

# %% [markdown]
# With small random numbers it is very nearly $\ln 10{,}000 = 9.21$: all pieces get nearly the same probability, one in 10,000. PyTorch by itself draws the word vectors 50 times as large. They are also the output layer: the score of a piece is a dot product with its vector (page 05). So the scores lie far apart, and the loss is 43, far worse than knowing nothing.
#
# This is `small`, the BERT that we will train: 2 layers, 128 numbers a token, no dropout.
#
# The second candidate never looks at the sentence. It only knows how frequent each piece is, and gives each piece its share of the text as probability. How far down does that bring the perplexity, from 10,000?

# %%
guess = None  # a perplexity

# %%
counts = torch.bincount(train_rows.flatten(), minlength=len(tokenizer)).float()
counts[tokenizer.all_special_ids] = 0
frequency = (counts + 1) / (counts + 1).sum()  # + 1, so that no piece is impossible
counting = -frequency.log()[answers]  # the loss of each hidden token of the exam
counted, error = mean_and_error(counting, exam)  # the exam says which tokens are of one review
print(f"counting: loss {counted:.2f}, with an error of {error:.2f}; perplexity {counted.exp():.0f}   your guess: {guess}")
print("most frequent:", tokenizer.convert_ids_to_tokens(frequency.topk(8).indices))

# %% tags=["check:counting"]
# checked: what counting scores, and how often the most frequent piece is right
assert 6.45 < counted < 6.6 and 0.07 < error < 0.1 and 640 < counted.exp() < 720
assert 0.04 < (answers == frequency.argmax()).float().mean() < 0.06

# %% [markdown]
# A perplexity of 683, without looking at the sentence. So a loss of 7 would be no sign of understanding. **Counting is the bar**: what is well below it must come from the tokens around the gap, or from where in the text it stands. (**Error**: the standard error of page 03, over reviews.)
#
# The third candidate is mini.

# %% tags=["timing", "nbval-ignore-output"]
parts = zip(exam[0].split(20), exam[1].split(20), strict=True)  # 20 rows at a time take less memory
losses_of_mini = torch.cat([losses(model, part) for part in parts])
of_mini, error = mean_and_error(losses_of_mini, exam)
print(f"mini: loss {of_mini:.2f}, with an error of {error:.2f}; perplexity {of_mini.exp():.0f}")

# %% tags=["check:mini-loss"]
# checked: mini's loss, and by how much it beats counting, review by review
assert 4.2 < of_mini < 4.32 and 0.1 < error < 0.13
better, its_error = mean_and_error(counting - losses_of_mini, exam)
assert 2.2 < better < 2.35 and its_error < 0.12
from bertnotes.pictures.drawings.page06 import LADDER

assert all(abs(loss - met) < 0.01 for (_, loss, _), met in zip(LADDER, (math.log(10_000), counted, of_mini), strict=True))

# %% [markdown]
# ![A scale of losses: knows nothing at 9.21, perplexity 10,000; counts and never looks at 6.53, perplexity 683; mini at 4.26, perplexity 71](figures/06_ladder.svg)
#
# Counting gains 2.7 nats, and mini another 2.3.
#
# ## 4. Watch one learn
#
# Now we train `small`. A **training step** is that of page 02: guess, loss, gradient, a small step against it. What is new is the first line, which hides tokens.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## A training step


# %% slideshow={"slide_type": "-"} tags=["show-code"]
def training_step(model, optimizer, rows, generator):
    """Hide tokens, guess them, change every parameter a little."""
    masked, labels = mask_tokens(rows, tokenizer, 0.15, generator)
    asked = labels != IGNORED  # the chosen positions
    vectors = model(masked).last_hidden_state[asked]
    loss = cross_entropy(model.word_logits(vectors), labels[asked])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Before you read it out: which line would page 02 not have? The first. Go through it with the circle of the first slide: hide, guess, compare, change. Only chosen positions get scores.

# %% [markdown]
# 200 steps of 16 rows, with AdamW (Adam, and all parameters shrink a little at each step: Loshchilov and Hutter 2017). Masks are drawn anew at each step, as in RoBERTa (Liu et al. 2019); BERT's were drawn before training, in ten versions. The exam is taken every 20 steps. Where will the loss be after 200 steps?

# %%
guess = None  # a loss

# %% tags=["timing", "nbval-ignore-output"]
optimizer = torch.optim.AdamW(small.parameters(), lr=1e-3)
generator = torch.Generator().manual_seed(1)
curve = [losses(small, exam).mean().item()]
for step in range(1, 201):
    batch = train_rows[torch.randint(len(train_rows), (16,), generator=generator)]
    training_step(small, optimizer, batch, generator)
    if step % 20 == 0:
        curve.append(losses(small, exam).mean().item())
        print(f"after {step:3} steps: loss in the exam {curve[-1]:.2f}")
print("your guess:", guess)

# %% tags=["check:small-learns"]
# checked: the loss falls fast and then stays near that of counting, which it does not get below; mini is far away
assert abs(curve[0] - 9.21) < 0.03 and curve[2] < 7.1 and 6.55 < curve[-1] < 6.8 and min(curve) > counted
assert curve[0] - curve[2] > 7 * (curve[2] - curve[-1]) and len(curve) == 11
above, its_error = mean_and_error(losses(small, exam) - counting, exam)
assert 0.1 < above < 0.15 and 0.015 < its_error < 0.03

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## 200 steps: where will the loss be?
#
# It begins at **9.21**, with random numbers. mini has **4.26**.
#
# A step: 16 rows of 64 tokens, about 150 guesses.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Collect numbers, then run the training (20 seconds on two free cores): it prints a loss every 20 steps.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## A small BERT learns


# %% slideshow={"slide_type": "-"}
from bertnotes.pictures.charts import line_chart, pretraining_curve

steps = list(range(0, 201, 20))
ax = line_chart(steps, {"small BERT": curve}, "steps of 16 rows", "loss in the exam", logarithmic="")
for name, loss in (("counting", counted.item()), ("mini", of_mini.item())):
    ax.axhline(loss, color="black", linestyle=":")
    ax.text(-7, loss + 0.05, name, va="bottom", fontsize=11)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** It falls fast, then lies along the line of counting. Ask what the model may have learned. The next slide tests it.

# %% [markdown]
# It falls by more than two nats in 40 steps, and then lies a little above the line of counting (by 0.12 in the end, error 0.02). What has it learned?
#
# ### Does it use the sentence at all?
#
# Take the *average* of its predictions over all gaps of the exam: one list of 10,000 probabilities, the same for every gap. If a model makes good use of the sentence, its own predictions are better than this list. By how much does the loss rise with the list, for mini and for `small`?

# %%
guess = None  # two numbers, for mini and for small, such as (1, 1)

# %% tags=["timing", "nbval-ignore-output"]
context = {}
for name, bert, own in [("mini", model, of_mini), ("small", small, curve[-1])]:
    with torch.inference_mode():
        vectors = torch.cat([bert(part).last_hidden_state for part in exam[0].split(20)])
        predictions = bert.word_logits(vectors[asked]).softmax(dim=-1)  # (gap, vocabulary)
    average = predictions.mean(dim=0)  # one list, the same for every gap
    context[name] = own, -average[answers].log().mean()
    first = Counter(tokenizer.convert_ids_to_tokens(predictions.argmax(dim=-1))).most_common(3)
    print("{:5}  own {:.2f}, average for all {:.2f}".format(name, *context[name]), "  first guesses:", first)
print("your guess:", guess)

# %% tags=["check:uses-the-sentence"]
# checked: for mini the average is much worse, and about what counting is; for small it makes no difference, and its lists are nearly the same
assert context["mini"][1] - context["mini"][0] > 2.1 and abs(context["small"][1] - context["small"][0]) < 0.02
apart = (predictions - average).abs().sum(dim=-1).max() / 2  # how far any list is from the average, 0 to 1
assert bert is small and apart < 0.12
assert first[0][1] > 0.9 * len(answers) and first[0][0] == "." == tokenizer.convert_ids_to_tokens(frequency.topk(2).indices)[1]
assert abs(context["mini"][1] - counted) < 0.15
own_losses, average_losses = -predictions[torch.arange(len(answers)), answers].log(), -average[answers].log()
cost, its_error = mean_and_error(average_losses - own_losses, exam)  # gap by gap
assert abs(cost) < 0.02 and its_error < 0.02
assert abs(frequency[tokenizer.vocab["the"]] - frequency[tokenizer.vocab["."]]) < 0.001
del predictions, average  # they are large

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Does it use the sentence?
#
# Give every gap the *average* of a model's predictions. By how much does the loss rise?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | | own predictions | the average for all gaps |
# | --- | --- | --- |
# | mini | 4.26 | **6.56** |
# | small BERT, 200 steps | 6.65 | **6.65** |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let them guess both numbers of the right column: they know 4.26 and 6.65 of the left one. The small BERT gives every gap nearly the same list: it has learned frequencies, and we find no use of the words around. That mini's average is no better than counting was to be expected of any single list.

# %% [markdown]
# For mini the average costs 2.3 nats, all of its lead. One list for all gaps can do little more than count. For `small` it costs less than 0.02. It gives every gap nearly the same list, and its first guess is practically always the full stop, about as frequent as *the*. So after 200 steps it has learned
# **how frequent pieces are**. We find no use of the words around the gap. This is one run of one size, at one learning rate.
#
# ### One that gets past counting
#
# Page 04's tiny language can be learned in seconds. It has 23 words and strict rules: *it* goes with *film*, *them* with *films*. We train page 04's BERT reader on it, by the same kind of step, and look at its five best guesses at one gap:
#
# *a critic loves the films but an actor hates ___*
#
# We also repeat the test above, on the last word of 231 sentences that it does not train on. Half of them end in *it*, half in *them*. What will its first guess be after 10 steps, and after 100?

# %%
from bertnotes.tiny_language import TinyLanguage, new_reader

language = TinyLanguage()
reader = new_reader("BERT", language)  # two layers of random numbers
sentence = language.encode("a critic loves the films but an actor hates them")[None]
sentences = language.exam[::10]
last_words = sentences[:, 10]
optimizer = torch.optim.Adam(reader.parameters(), lr=3e-3)
generator = torch.Generator().manual_seed(0)


# %%
def look(step):
    """Print the five best guesses at the gap, and keep what the test needs."""
    with torch.inference_mode():
        chances = reader.guess(sentence, 10)[0].softmax(dim=-1)
        lists = reader.guess(sentences, 10).softmax(dim=-1)  # (sentence, word)
    own = -lists[torch.arange(len(lists)), last_words].log().mean()
    seen[step] = chances[sentence[0, 10]], own, -lists.mean(dim=0)[last_words].log().mean()
    best = "  ".join(f"{language.words[word]} {chances[word]:.0%}" for word in chances.topk(5).indices)
    print("{:3} steps: own {:.2f}, average {:.2f}   ".format(step, *seen[step][1:]), best)


# %%
guess = None  # two words

# %% tags=["timing", "nbval-ignore-output"]
seen = {}  # for each step: how probable "them" is, the loss with its own lists and with their average
for step in range(101):
    if step in (0, 10, 40, 60, 100):
        look(step)
    batch = language.reading[torch.randint(len(language.reading), (64,), generator=generator)]
    loss = reader.loss(batch, generator)  # hides a fifth of the words and guesses them
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("your guess:", guess)

# %% tags=["check:past-counting"]
# checked: first the two words of this position, about as likely as they are frequent; then the right one, and the average lags behind
assert all(abs(seen[step][1] - seen[step][2]) < 0.08 for step in (0, 10, 40)) and seen[10][1] < seen[0][1] - 1
assert seen[100][0] > 0.9 and seen[100][1] < 0.1 and 0.65 < seen[100][2] < 0.8 and 0.2 < seen[40][0] < 0.8
assert (
    len(language.words) == 26 and len(sentences) == 231 and 0.47 < (last_words == language.number["it"]).float().mean() < 0.53
)
assert not {tuple(row) for row in sentences.tolist()} & {tuple(row) for row in language.reading.tolist()}

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## One that gets past counting
#
# *a critic loves the films but an actor hates ___*
#
# | steps | best guesses | own loss | average |
# | --- | --- | --- | --- |
# | 0 | \[MASK\] 44 % · it 10 % | 3.67 | 3.68 |
# | 10 | it 29 % · them 10 % | 1.74 | 1.75 |
# | 40 | it 61 % · them 32 % | 0.78 | 0.82 |
# | 100 | **them 96 %** | **0.04** | 0.72 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Cover the table below its first row and ask for the next. At 40 steps it knows what may stand at the end, *it* or *them*, and tosses a coin. Then it finds *films*: its own loss falls, that of the average stays near ln 2 = 0.69.

# %% [markdown]
# Up to 40 steps its own lists are hardly better than their average: by then it knows that *it* or *them* comes last, and not which. That is counting again, at this position. Then it finds *films*: its own loss falls to nearly 0, and the average stays at 0.72, a coin toss (ln 2 = 0.69). **This is what getting past counting looks like.**
#
# ## 5. Where mini's numbers come from
#
# English takes more than 100 steps. BERT-base trained for four days on 16 chips (Devlin et al. 2018, appendix A.2). mini did not begin with random numbers. Page 00 showed its ancestors:
#
# ![mini's ancestors: a teacher; MiniLM, which learned to look where the teacher looks; every second layer of it; all-MiniLM-L6-v2, trained on pairs of sentences that belong together; and mini, with 10,000 word pieces, which then read reviews](figures/00_ancestry.svg)
#
# MiniLM was made by **distillation**. On the same text, a small student learns to have attention weights like those of a teacher's last layer: where to look (Wang et al. 2020; a second table is imitated as well).
#
# ![The same text goes into a teacher, which stays as it is, and into a smaller student. The student is changed so that the attention weights of its last layer become more like the teacher's](figures/06_distillation.svg)
#
# Of this student every second layer was kept. The rest learned to give similar vectors to sentences that belong together (Reimers and Gurevych 2019). Last, we cut its vocabulary to 10,000 pieces and trained it with masking, on IMDB's film reviews (Maas et al. 2011) without their verdicts.
#
# What is such a start worth? A **control**, built like mini, began with random numbers. It read as many tokens of these reviews as mini in the first of its three runs. Both took an exam on rows of IMDB with 80 / 10 / 10, so that every fifth asked token is kept or replaced. The dotted line is someone who counts, and copies as well as one can.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The same text goes into a teacher, which stays as it is, and into a smaller student. The student is changed so that the attention weights of its last layer become more like the teacher's](figures/06_distillation.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** mini did not start from random numbers. Ask what the student is told that no text holds: where to look. Of the student every second layer was kept; then it was trained on pairs of sentences that belong together, and last on film reviews, with masking. (Most BERTs were not distilled.)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## mini, and a random start

# %% slideshow={"slide_type": "-"}
lines = (MINI / "log.jsonl").read_text(encoding="utf-8").splitlines()
first_run = [entry for entry in map(json.loads, lines) if entry["run"] == 1]
control = json.loads((RESULTS / "pretraining-from-zero.json").read_text(encoding="utf-8"))["log"]
figure = pretraining_curve(first_run, control=control)
figure.axes[0].axhline(5.94, color="black", linestyle=":")
figure.axes[0].text(8.1, 5.85, "counts, copies", ha="right", va="top", fontsize=14)

# %% tags=["check:start-is-worth"]
# checked: where mini's first run and the control begin and end, and the line of counting and copying
last, the_last = first_run[-1], control[-1]
assert last["tokens"] == the_last["tokens"] and 8.1e6 < last["tokens"] < 8.2e6
assert (round(the_last["held_out_loss"], 2), round(last["held_out_loss"], 2)) == (6.13, 3.54)
assert round(json.loads(lines[-1])["held_out_loss"], 2) == 3.09 and json.loads(lines[-1])["run"] == 3
assert the_last["held_out_loss"] == min(entry["held_out_loss"] for entry in control)  # it still falls
assert next(entry["tokens"] for entry in first_run if entry["held_out_loss"] < the_last["held_out_loss"]) < 600_000
kept = frequency / (frequency + 1 / len(frequency))  # Bayes' rule: how probable it is that a piece was kept, not drawn
right_piece = -(kept + (1 - kept) * frequency).log()[answers].mean()
random_piece = counted - (1 - kept).log().mean()
assert round((0.8 * counted + 0.1 * right_piece + 0.1 * random_piece).item(), 2) == 5.94

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Slate is mini's first run, magenta a random start. Does magenta get below the dotted line? No, but that line was counted on other reviews. Ask what differs besides the start: the optimizer, the learning rate, perhaps the exam's reviews. So we cannot say how much of the gap is due to the start.

# %% [markdown]
# - The control ends at 6.13, still falling. The line is at 5.94, but counted on our reviews, not on IMDB's. So whether the control got past counting **cannot be decided** here: its weights were not kept.
# - mini passes 6.13 before it has read 0.6 million tokens, and is at 3.54 after 8.1 million.
# - Not all of that gap need be due to the start. The optimizer, the learning rate and perhaps the reviews of the exam differed, too.
#
# Do not compare this with section 3. There mini, after all three runs, has 4.26: on other reviews, in shorter rows, with every asked token hidden. In the exam of this chart it ends at 3.09.
#
# ## 6. Which tokens help?
#
# GPT looks only back (page 04). BERT sees both sides of a gap: the B is for *bidirectional*.
#
# ![Three rows of squares around a gap: 2 before, 1 plus 1, 12 before](figures/06_sights.svg)
#
# Which helps mini more: **twelve tokens before** the gap, or **one on each side**? The tool `tools/around_a_gap.py` took 25 tokens from each of the 1,276 reviews, hid the middle one, and showed mini only those that are dark. All else was `[MASK]`. Where the gap is part of a word that was cut into pieces, the rest of the word nearly gives it away. So we use the 998 gaps that are no part of such a word. (A sixth of them are punctuation marks or figures.)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Three rows of squares around a gap: 2 before, 1 plus 1, 12 before](figures/06_sights.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Vote: in which row does mini guess best, in which worst?

# %%
guess = None  # "12 before" or "1 + 1"

# %%
record = json.loads((RESULTS / "around-a-gap.json").read_text(encoding="utf-8"))
pieces, after = (tokenizer.convert_ids_to_tokens(record[name]) for name in ("gaps", "after"))  # after: to the right of the gap
whole = torch.tensor([not (a.startswith("##") or b.startswith("##")) for a, b in zip(pieces, after, strict=True)])
losses_of = {name: torch.tensor(values)[whole] for name, values in record["losses"].items()}  # of each gap, in each view
print(f"gaps that are whole words: {whole.sum()} of {len(whole)}   your guess: {guess}")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## One on each side beats twelve before

# %% slideshow={"slide_type": "-"}
from bertnotes.pictures.drawings.page06 import sight_chart

figure = sight_chart({name: losses_of[name] for name in ("1 before", "2 before", "1 + 1", "12 before")})

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Read from the top: one token before the gap. A second one on the same side gains little, on the other side a lot. Ask what else is different between *12 before* and *1 + 1*, besides the sides.

# %% tags=["check:both-sides"]
# checked: what the text says of the first views, each difference beyond three times its error
means = {name: values.mean().item() for name, values in losses_of.items()}
assert [round(means[name], 2) for name in ("1 before", "2 before", "1 + 1", "12 before")] == [5.54, 5.22, 4.56, 4.92]
assert len(record["gaps"]) == 1276 and whole.sum() == 998
for one, other in (("1 before", "2 before"), ("1 before", "1 + 1"), ("12 before", "1 + 1")):
    difference = losses_of[one] - losses_of[other]
    assert difference.mean() > 3 * difference.std() / len(difference) ** 0.5
assert round((losses_of["1 + 1"] < losses_of["12 before"]).float().mean().item(), 2) == 0.59
assert round((losses_of["12 before"] - losses_of["1 + 1"]).mean().item(), 2) == 0.36

# %% [markdown]
# On average two tokens beat twelve, by 0.36; they do so at 59 % of the gaps. A second token on the same side lowers the loss from 5.54 to 5.22, one on the other side to 4.56. (The bars are those of single views. Differences are taken gap by gap, and each that we name is beyond three times its error.)
#
# But *1 + 1* sees two sides, and also two tokens that **touch** the gap; on one side only one token can. So let each view have twelve tokens. Which is best, which is worst?
#
# ![Six rows of squares, twelve tokens each: 12 before, 12 after, 11 plus 1, 6 plus 6, every second token on both sides beginning beside the gap, and six on each side of which none touches the gap](figures/06_twelve.svg)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Six rows of squares, twelve tokens each: 12 before, 12 after, 11 plus 1, 6 plus 6, every second token on both sides beginning beside the gap, and six on each side of which none touches the gap](figures/06_twelve.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Vote for the best and for the worst, before the next slide.

# %%
guess = None  # the best and the worst, such as ("12 before", "12 after")

# %%
twelve = ("12 before", "12 after", "11 + 1", "6 + 6", "touching, holes", "not touching")
ranked = sorted(twelve, key=lambda name: losses_of[name].mean())
print(f"best {ranked[0]}, worst {ranked[-1]}   your guess: {guess}")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The tokens that touch the gap

# %% slideshow={"slide_type": "-"}
figure = sight_chart({name: losses_of[name] for name in twelve})

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** From *12 before* to *11 + 1* a single token was exchanged. *Touching, holes* has both neighbours, and *not touching* has neither, though it is near and on both sides. A direct test: hide the two neighbours in *6 + 6*, and the loss rises by 1.80; hide the two at distance 2, and it rises by 0.45. All this is of mini, which was trained with both sides.

# %% tags=["check:touching"]
# checked: the losses and differences that the text names, each beyond three times its error
assert [round(means[name], 2) for name in twelve] == [4.92, 4.89, 3.98, 3.59, 4.17, 5.34]
falls = []
for other, better in (
    ("12 before", "11 + 1"),
    ("11 + 1", "6 + 6"),
    ("not touching", "12 before"),
    ("12 before", "touching, holes"),
):
    difference = losses_of[other] - losses_of[better]
    falls.append(round(difference.mean().item(), 2))
    assert difference.mean() > 3 * difference.std() / len(difference) ** 0.5
assert falls == [0.94, 0.4, 0.42, 0.76]

# %% [markdown]
# - From *12 before* to *11 + 1* one far token is exchanged for the one that touches the gap on the other side. The loss falls by 0.94.
# - *Touching, holes* has both neighbours, and of the others only every second: 4.17.
# - *Not touching* has neither. At 5.34 it is 0.42 worse than one side. Its twelve tokens, one step away, are worth little more than the single one of *1 before* (5.54).
#
# So do the two tokens that touch the gap count most? The views differ in more than that. A direct test takes *6 + 6*, and hides the two tokens at one distance.

# %%
for far in (1, 2):
    rise = losses_of[f"6 + 6 without {far}"] - losses_of["6 + 6"]
    print(f"without distance {far}: loss +{rise.mean():.2f}, with an error of {rise.std() / len(rise) ** 0.5:.2f}")

# %% tags=["check:leave-one-out"]
# checked: hiding the two neighbours costs several times as much as hiding the two tokens at distance 2
rises = [losses_of[f"6 + 6 without {far}"] - losses_of["6 + 6"] for far in (1, 2)]
assert [round(rise.mean().item(), 2) for rise in rises] == [1.8, 0.45]
assert [round((rise.std() / len(rise) ** 0.5).item(), 2) for rise in rises] == [0.06, 0.04]

# %% [markdown]
# Without the two neighbours the loss rises by 1.80, without the two tokens at distance 2 by 0.45. So it is **the two tokens that touch the gap** that help mini most.
#
# All this is of mini, which was trained with both sides, and hardly ever met so many `[MASK]`s: 13 in *12 before*, 23 in *1 + 1*. So it does not tell what a model could do that was trained to look only back. Devlin et al. (2018, table 5) trained one. Fine-tuned, it was worse in all five tasks, least in SST-2 (verdicts on films, 92.6 → 92.1) and most in SQuAD (answers found in a text, 87.9 → 77.8). An extra layer that sees both sides brought SQuAD back to 84.9.
#
# **Play with it.** Choose a sentence, and uncover tokens before and after the gap. When does mini find the word?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Uncover the words around a gap

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
play("sight")

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let them say how many words they need. *Based*: with all that stands before, and nothing after, it is not among the five; with *on* it comes first. *Asleep*: the two words before are enough for the first place. *Edge*: *the* before and *of my seat* after, 71 %.

# %% tags=["check:stored-guesses"]
# checked: the stored guesses of the toy are mini's, all of them
from bertnotes.pictures.play import TOYS

toys, apart = json.loads((TOYS / "sight.json").read_text(encoding="utf-8")), []
for toy in toys:
    gap, width = toy["gap"], len(toy["words"]) - toy["gap"]
    where, ids = torch.arange(len(toy["words"])), torch.tensor(tokenizer.convert_tokens_to_ids(toy["words"]))
    for place, guesses in enumerate(toy["guesses"]):
        seen = (where - gap >= -(place // width)) & (where - gap <= place % width) & (where != gap)
        shown = [tokenizer.cls_token_id, *ids.where(seen, tokenizer.mask_token_id).tolist(), tokenizer.sep_token_id]
        found = model.word_logits(model(torch.tensor([shown])).last_hidden_state[0, gap + 1]).softmax(dim=-1)
        apart += [100 * found[tokenizer.vocab[one.split()[0]]].item() - int(one.split()[1]) for one in guesses]
assert len(apart) == 5 * (24 + 15 + 30) and max(map(abs, apart)) < 1

# %% tags=["check:first-of-five"]
# checked: what stands first in the toy, with how many tokens to be seen, as the text and the notes say
based, asleep, edge = (toy["guesses"] for toy in toys)
assert based[18][0].split()[0] == "a" and not any(one.startswith("based ") for one in based[18]) and based[19][0] == "based 21"
assert based[23][0] == "based 93" and asleep[10][0] == "asleep 22" and asleep[14][0] == "asleep 76"
assert edge[25][0] == "edge 37" and edge[3][0].startswith("out ") and edge[8][0] == "edge 71"

# %% [markdown]
# ### A trap
#
# In *12 before*, why did we not just cut the text off after the gap? `[SEP]` would follow there. What will mini guess just before it? And with more and more text put before, from eight stretches of reviews?

# %%
guess = None  # a piece

# %% tags=["timing", "nbval-ignore-output"]
ending = tokenizer("I had read the book, so I knew how [MASK]").input_ids[1:]  # without [CLS]
begun = pack(tokenizer, reviews[:150], length=512)[:8].tolist()  # reviews end to end, cut into rows that begin with [CLS]
full_stop = {}
for length in (64, 127, 128, 129, 511, 512):
    longer = torch.tensor([row[: length - len(ending)] + ending for row in begun])
    with torch.inference_mode():
        vectors = torch.cat([model(row).last_hidden_state[:, -2] for row in longer.split(1)])  # at the gap, just before [SEP]
        full_stop[length] = shares = model.word_logits(vectors).softmax(dim=-1)[:, tokenizer.vocab["."]]
    print(f"row of {length:3} tokens: full stop {shares.mean():4.0%} (from {shares.min():.0%} to {shares.max():.0%})")
print("your guess:", guess)

# %% tags=["check:sep-means"]
# checked: the full stop is gone at 128 and 512 tokens alone; most of the rise is due to [SEP]; the exam's gaps before a [SEP]
said = {64: 81, 127: 79, 128: 1, 129: 75, 511: 84, 512: 5}
assert all(abs(100 * full_stop[length].mean() - share) < 1 for length, share in said.items())
assert len(begun) == 8 and all(full_stop[length].max() < 0.12 < 0.3 < full_stop[length - 1].min() for length in (128, 512))
assert [round(means[name] - means["12 before"], 1) for name in ("cut", "cut, [SEP]")] == [0.2, 1.5]
last = asked.nonzero()[:, 1] == 62  # [SEP] is at position 63
assert last.sum() == 9 and round(losses_of_mini[last].mean().item(), 1) == 7.8
assert of_mini - 0.05 < losses_of_mini[~last].mean() < of_mini

# %% [markdown]
# A full stop, where *the* was right: `[SEP]` says that something ends. In the tool's record the loss is about 0.2 higher if we cut off instead of hiding, and 1.5 higher with `[SEP]`. **Ask of every comparison what else was changed.**
#
# But with exactly 128 or 512 tokens, and not with one fewer, the full stop is nearly gone. mini read reviews end to end, cut into rows of 128 in its first two runs and of 512 in the third, mostly in mid-sentence. `[SEP]` closed each row, whatever stood before it. So, we think, mini learned to ignore it at these two positions: to mini, **`[SEP]` means what training made it mean**. (One sentence, eight texts.)
#
# Our exam, with rows of 64, has the same fault: just before `[SEP]` mini's loss is 7.8. These 9 of 924 gaps raise the mean by less than 0.05.
#
# ## 7. The second task: next sentence
#
# The original BERT was trained on two tasks at once. In the second it read two passages, A and B, and had to say whether B really followed A, as in half of the pairs: **next-sentence prediction**. The answer was read from `[CLS]`.
#
# ![Two inputs, CLS A SEP B SEP. In the first B follows A, in the second it comes from elsewhere. Token types are 0 up to the first SEP, then 1](figures/06_pair.svg)
#
# That is what the token types of page 05 are for. Was the task worth it? The papers disagree. Without it, Devlin et al. (2018, table 5) were worse in all five tasks, most of all in QNLI (does a sentence hold the answer to a question?): 88.4 → 84.9 % right. Liu et al. (2019, RoBERTa, section 4.2) left it out and also put unbroken text in the place of pairs. Most tasks gained slightly (MNLI 84.0 → 84.7), one lost (SST-2, 92.9 → 92.5). mini's training on reviews had no second task.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### A trap
#
# *12 before*, but the text is cut off after the gap:
#
# `[CLS]` I had read the book, so I knew how `[MASK]` `[SEP]`
#
# What does mini guess?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# A full stop: here `[SEP]` says that something ends.

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# With review text before it, until the row has so many tokens:
#
# | tokens | 127 | **128** | 129 | 511 | **512** |
# | --- | --- | --- | --- | --- | --- |
# | full stop | 79 % | **1 %** | 75 % | 84 % | **5 %** |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Collect guesses first. This is how a comparison goes wrong: something else was changed, too. Then the table: mini trained on rows of 128 tokens, later of 512, cut anywhere and closed by [SEP]. At that position it says nothing. Its third run had rows of 512.

# %% tags=["check:token-types"]
# checked: token types are 0 up to the first [SEP], then 1; the drawing has the tokens that mini reads
from bertnotes.pictures.drawings.page06 import PAIRS

for _, drawn, _ in PAIRS:
    first_part, second_part, _ = drawn.removeprefix("[CLS] ").split(" [SEP]")
    pair = tokenizer(first_part, second_part, return_tensors="pt")
    assert tokenizer.convert_ids_to_tokens(pair.input_ids[0]) == drawn.split()
    end = pair.input_ids[0].tolist().index(tokenizer.sep_token_id)
    assert pair.token_type_ids[0].tolist() == [0] * (end + 1) + [1] * (len(pair.input_ids[0]) - end - 1)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The second task: next sentence
#
# ![Two inputs, CLS A SEP B SEP. In the first B follows A, in the second it comes from elsewhere. Token types are 0 up to the first SEP, then 1](figures/06_pair.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Ask: is this hard? If B comes from another document, its topic often gives it away. So a model may pass without knowing how sentences follow each other.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Pre-training hides tokens and lets the model guess them: the text is the question and the answer.
# - About 15 % are chosen; of these 80 % become `[MASK]`, 10 % stay, 10 % become a random piece.
# - With small random numbers the loss starts near $\ln$ of the number of pieces, here 9.2. Frequencies came first in our runs; the tiny language was learned beyond them. If every asked token is hidden, what is well below the bar of counting comes from the context.
# - mini began with weights that others had distilled and trained.
# - One token on each side told mini more than twelve before. Of the twelve around a gap, the two that touch it counted most.
# - To mini, `[SEP]` at the end of a row means something else where its training rows ended.
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
# A row has 128 tokens; `[CLS]` and `[SEP]` are two of them. It is masked as in section 2: each token with 15 %, of these 80 / 10 / 10. How many of its tokens become a **random piece**, on average? Two digits after the point will do.

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
# PyTorch's `cross_entropy` passes over −100 of its own accord, so `cross_entropy(scores.flatten(0, 1), labels.flatten())` is right as well. `training_step` chooses earlier, before the scores are made. That saves work: 10,000 numbers for each position, of which six in seven are not asked.

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
# - Taylor (1953). *"Cloze procedure": A new tool for measuring readability.* Journalism Quarterly.
# - Devlin, Chang, Lee, Toutanova (2018). *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* arXiv:1810.04805
# - Liu, Ott, Goyal, Du, Joshi, Chen, Levy, Lewis, Zettlemoyer, Stoyanov (2019). *RoBERTa: A Robustly Optimized BERT Pretraining Approach.* arXiv:1907.11692
# - Wang, Wei, Dong, Bao, Yang, Zhou (2020). *MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained Transformers.* arXiv:2002.10957
# - Reimers, Gurevych (2019). *Sentence-BERT.* arXiv:1908.10084
# - Wettig, Gao, Zhong, Chen (2022). *Should You Mask 15% in Masked Language Modeling?* arXiv:2202.08005
# - Loshchilov, Hutter (2017). *Decoupled Weight Decay Regularization.* AdamW. arXiv:1711.05101
# - Maas, Daly, Pham, Huang, Ng, Potts (2011). *Learning Word Vectors for Sentiment Analysis.* ACL.
