# %% [markdown] question="What is wrong with my training run, and which test finds it?"
# # 15 · When training goes wrong
#
# **The question:** what is wrong with my training run, and which test finds it?
#
# ![Nine sketched loss curves, A to I: one falls and levels off; one stays at ln 2; one hardly moves; one jumps and then stays at ln 2; one ends in the middle; one falls, jumps and falls; in one validation turns up; in one validation is lower than training; in one both go to 0](figures/15_curves.svg)
#
# Training code with a bug rarely stops with an error. It runs, and gives you a bad model, or one that only looks good. Above are nine sketched runs. Which one is healthy? Write down your guesses. At the end you will have a test for each.
#
# We break training in more than a dozen ways, one change at a time. A curve is only a **symptom**, and several faults share it. So for each fault we look for the smallest **test** that tells it from the others, and then for the cure. Everything here is one tiny model on a few short reviews: the numbers are its own, the tests are for yours.
#
# **You need:** page 10; of the others 01, 05 and 09. **Time:** about 55 minutes, and 57 more for the exercises. Where a cell says `guess = None`, type your guess in place of `None`.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # When training goes wrong
#
# ![Nine sketched loss curves, A to I: one falls and levels off; one stays at ln 2; one hardly moves; one jumps and then stays at ln 2; one ends in the middle; one falls, jumps and falls; in one validation turns up; in one validation is lower than training; in one both go to 0](figures/15_curves.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** In pairs: which of the nine is healthy, and what would you look at first in the others? Collect guesses on the board and come back to them at the end. The deck takes about 39 minutes. Run the notebook before class.

# %%
import random
from functools import partial
from math import log
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import bertnotes
from bertnotes.data import REVIEWS, read_reviews

# %% [markdown]
# ## 1. A healthy run
#
# To break many runs in a minute, we need small ones. We take the short, plain reviews of the course, at most 64 tokens each: 128 to learn from and 80 for validation. (No test set is touched on this page.)

# %%
tokenizer = bertnotes.load_tokenizer("mini")
frame = read_reviews(REVIEWS, ("review", "sentiment", "note"))
frame["tokens"] = [len(ids) for ids in tokenizer(frame["review"].tolist())["input_ids"]]
frame = frame[(frame["note"] == "") & (frame["tokens"] <= 64)].sample(frac=1, random_state=0)  # shuffled
texts, labels = frame["review"].tolist(), (frame["sentiment"] == "positive").astype(int).tolist()
print(len(texts), "short plain reviews;", sum(labels[128:208]), "of the 80 for validation are positive")


# %%
def make_batches(texts, labels, size=8, tokenizer=tokenizer):
    """A list of batches, each padded to its longest review."""
    batches = []
    for start in range(0, len(texts), size):
        batch = tokenizer(texts[start : start + size], padding=True, return_tensors="pt")
        batch["label"] = torch.tensor(labels[start : start + size])
        batches.append(batch)
    return batches


learn, held = make_batches(texts[:128], labels[:128]), make_batches(texts[128:208], labels[128:208])

# %% tags=["check:two-piles-of-short-reviews"]
# checked: 289 short plain reviews, two piles without a text in common, both classes in each about as often
assert len(texts) == len(set(texts)) == 289 and sum(labels) == 145 and len(learn) == 16 and len(held) == 10
assert 0.4 < sum(labels[:128]) / 128 < 0.6 and sum(labels[128:208]) == 44

# %% [markdown]
# Remember the 44 of 80: whoever always says *positive* has an accuracy of 0.55 here.
#
# The model is small, too: mini's first two layers, and a new layer on the *mean* of their token vectors. (The pooler of page 10 was made for the output of layer six.)
#
# The loop does what page 10's does, cut in two: one **step**, and a run of many. Each fault below changes one line of them, or the data that they get.


# %%
class Small(nn.Module):
    def __init__(self, num_classes=2):
        super().__init__()
        self.bert = bertnotes.load_encoder("mini", attention="bertnotes")
        self.bert.encoder.layer, self.bert.pooler = self.bert.encoder.layer[:2], None
        self.dropout, self.new = nn.Dropout(0.1), nn.Linear(384, num_classes)

    def forward(self, input_ids, attention_mask):
        vectors = self.bert(input_ids, attention_mask).last_hidden_state * attention_mask[..., None]
        mean = vectors.sum(dim=1) / attention_mask.sum(dim=1, keepdim=True)  # over the real tokens
        return self.new(self.dropout(mean))


# %%
def step(model, batch, optimizer):
    loss = cross_entropy(model(batch["input_ids"], batch["attention_mask"]), batch["label"])
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


# %%
from transformers import get_linear_schedule_with_warmup


def train(model, batches, rate=5e-4, epochs=2, step=step):
    """Returns the loss of each step."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, fused=True)  # fused: the same, faster
    todo, losses = epochs * batches, []
    schedule = get_linear_schedule_with_warmup(optimizer, len(todo) // 10, len(todo))
    for batch in todo:
        losses.append(step(model.train(), batch, optimizer))
        schedule.step()
    return losses


# %%
@torch.no_grad()
def measure(model, batches):
    """Loss, accuracy, and how often each class is named."""
    model.eval()
    logits = torch.cat([model(batch["input_ids"], batch["attention_mask"]) for batch in batches])
    labels, named = torch.cat([batch["label"] for batch in batches]), logits.argmax(dim=-1)
    accuracy = (named == labels).double().mean().item()
    counts = named.bincount(minlength=logits.shape[1]).tolist()
    return {"loss": round(cross_entropy(logits, labels).item(), 2), "accuracy": round(accuracy, 2), "named": counts}


# %%
def new_model(seed=0, num_classes=2):
    torch.manual_seed(seed)
    return Small(num_classes)


def draw(runs):  # a panel for each run: the loss of each step; dotted: ln 2
    size, top = (max(6, 3.6 * len(runs)), 2.8), 1.05 * max(map(max, runs.values()))
    _, axes = plt.subplots(1, len(runs), figsize=size, squeeze=False, layout="constrained")
    for ax, (name, losses) in zip(axes[0], runs.items(), strict=True):
        ax.plot(losses, color="#44546a", linewidth=2.5)
        ax.axhline(log(2), color="black", linestyle=":")
        ax.set(title=name, xlabel="step", ylabel="loss", ylim=(0, top), xticks=range(0, len(losses), 8))


# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## A healthy run

# %% slideshow={"slide_type": "-"} tags=["timing", "nbval-ignore-output"]
healthy = new_model()
curve = train(healthy, learn, epochs=3)  # 48 steps
well = measure(healthy, held)
draw({"three epochs": curve})
print("validation:", well)

# %% tags=["check:a-healthy-run"]
# checked: the loss falls from about ln 2 to less than half of it, and validation is far above a coin, with both classes named
assert abs(sum(curve[:4]) / 4 - log(2)) < 0.1 and sum(curve[-8:]) / 8 < 0.3
assert well["accuracy"] > 0.72 and min(well["named"]) > 20

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Where does it begin, and why there? Why is it noisy? Each step sees eight other reviews. This is curve A.

# %% [markdown]
# This is curve A, the healthy one. It begins near the dotted line, $\ln 2 = 0.69$. It is noisy, because each step sees eight other reviews. In the first epoch, 16 steps, it hardly moves; then it falls. On validation more than seven of ten answers are right, and both classes are named: `named` counts the answers, negative ones first.
#
# ## 2. Before you train: three tests
#
# ![Three tests. Does it start at ln K: tests labels and new layer. Can it learn one batch by heart: tests loop and optimizer. Can you read its input: tests tokenizer, texts and order](figures/15_three_tests.svg)
#
# **Test 1: where does the loss start?** A new layer has no opinion, so it gives each of $K$ classes about $1/K$. The loss is minus the logarithm of that, $\ln K$. Where should it start with *eight* classes?

# %%
guess = None  # a loss

# %% tags=["timing", "nbval-ignore-output"]
starts = {classes: measure(new_model(num_classes=classes), held[:4])["loss"] for classes in (2, 8, 17)}
for classes, loss in starts.items():
    print(f"{classes} classes: loss {loss:.2f}   ln {classes} = {log(classes):.2f}")
print("your guess for 8:", guess)

# %% tags=["check:start-at-ln-k"]
# checked: the loss of an untrained model is near the logarithm of the number of classes, and e to that power tells the number
assert all(abs(loss - log(classes)) < 0.2 for classes, loss in starts.items())
assert 14 < 2.71828 ** starts[17] < 20

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Before you train
#
# ![Three tests. Does it start at ln K: tests labels and new layer. Can it learn one batch by heart: tests loop and optimizer. Can you read its input: tests tokenizer, texts and order](figures/15_three_tests.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Where does a loss start with eight classes? ln 8 = 2.08. What has to happen when one trains on the same eight reviews again and again? And which of the three tests finds a file whose labels have slipped by one row? Only the third: read text and label together.

# %% [markdown]
# Near 2.08. A start that is much higher? **Count the classes first.** Eight labels with typing errors (*Price*, *price*) easily make 17 classes, and then it starts near the last line, 2.83. Backwards: $e^{\text{loss}}$ is the number of classes. If the count is right, the numbers of the new layer are too large, or it is not as new as you think.
#
# **Test 2: can it learn one batch?** The same eight reviews, again and again. A model with millions of weights can learn eight labels by heart, so the loss has to go to about 0. If it does not, do not search your data yet. Look at the *code*, and at the learning rate.
#
# **Test 3: can you read what the model reads?** Not your file: the ids that go in, turned back into words by the tokenizer that *belongs to the model*. Read their end, too: long texts may be cut.

# %% tags=["timing", "nbval-ignore-output"]
by_heart = train(new_model(), learn[:1], epochs=15)
print(f"test 2: loss of step 1 {by_heart[0]:.2f}, of step 15 {by_heart[-1]:.3f}")
print("test 3:", tokenizer.decode(learn[0]["input_ids"][0]))
print("its label:", labels[0])

# %% tags=["check:one-batch-by-heart"]
# checked: fifteen steps on one batch; the text is the first review, in lower case
assert abs(by_heart[0] - log(2)) < 0.2 and by_heart[-1] < 0.1
assert tokenizer.decode(learn[0]["input_ids"][0]).startswith("[CLS] " + texts[0][:10].lower())

# %% [markdown]
# Both pass (mini reads everything in lower case). Now we break things.
#
# ## 3. The loss stays at ln 2
#
# This is curve B: the loss stays near that of somebody without an opinion. We get there in three ways. The first is in the loop. Which line is wrong? No error is raised. And what will test 2 give, the loss after ten steps on one batch?


# %%
def early(model, batch, optimizer):
    loss = cross_entropy(model(batch["input_ids"], batch["attention_mask"]), batch["label"])
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


# %%
guess = None  # a loss

# %% tags=["timing", "nbval-ignore-output"]
model = new_model()
before = model.new.weight.clone()
flat = {"zero_grad too early": train(model, learn[:1], epochs=10, step=early)}
print(f"step 1: {flat['zero_grad too early'][0]:.2f}   step 10: {flat['zero_grad too early'][-1]:.2f}   your guess: {guess}")
moved = (model.new.weight - before).abs().max().item()
print("largest change of a weight in the new layer:", moved)

# %% tags=["check:gradients-gone"]
# checked: no weight has moved, and the loss is where it began
assert moved == 0 and min(flat["zero_grad too early"]) > 0.55 and max(flat["zero_grad too early"]) < 0.85

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Three lines in three orders
#
# ![Three lines of the loop in three orders. Backward, step, zero_grad works; zero_grad, backward, step works as well; backward, zero_grad, step learns nothing: the gradients are gone before the step](figures/15_orders.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Why does the third learn nothing? And which test finds it without reading a line of code? One batch by heart.

# %% [markdown]
# ![Three lines of the loop in three orders. Backward, step, zero_grad works; zero_grad, backward, step works as well; backward, zero_grad, step learns nothing: the gradients are gone before the step](figures/15_orders.svg)
#
# `zero_grad` stands before `step`: the gradients are thrown away before they are used, and not one weight moved. (The loss still varies a little, because dropout leaves out other numbers each time.) An optimizer that was given the weights of *another* model has the same symptom. So has a schedule that keeps the rate at 0. Test 2 fails in all three, and *did a weight move?* shows why.
#
# **The second way is in the data.** Somebody sorted the texts and forgot the labels, so that each review has the label of another. Here we shuffle the labels. What will the loss of *one* such batch be after fifteen steps?

# %%
guess = None  # a loss

# %% tags=["timing", "nbval-ignore-output"]
strange = labels[:128]
random.Random(0).shuffle(strange)
print("labels that still fit:", sum(one == other for one, other in zip(strange, labels[:128], strict=True)), "of 128")
mixed, model = make_batches(texts[:128], strange), new_model()
flat["labels shuffled"] = train(model, mixed)  # 32 steps
late, mistaken = sum(flat["labels shuffled"][24:]) / 8, measure(model, held)
print(f"steps 25 to 32: {late:.2f}, healthy run {sum(curve[24:32]) / 8:.2f}; validation: {mistaken}")
by_heart = train(new_model(), mixed[:1], epochs=15)
print(f"one batch, step 15: {by_heart[-1]:.3f}   your guess: {guess}")

# %% tags=["check:labels-shuffled"]
# checked: 58 labels fit; the loss over all batches stays near ln 2, and still one batch is learned by heart
assert sum(one == other for one, other in zip(strange, labels[:128], strict=True)) == 58
assert sum(curve[24:32]) / 8 + 0.05 < late < 0.75 and by_heart[-1] < 0.15
assert mistaken["accuracy"] < 0.68

# %% [markdown]
# The curve hardly moves, and yet **test 2 passes**: eight labels drawn at random, most of them wrong, are learned by heart, too. So the code works, and the fault is in the data. (In the second epoch the loss creeps down to about 0.6: the model begins to learn wrong labels by heart. Validation does not follow.) Now read ten texts *with their labels*. If half of the labels are wrong, you will see it.
#
# **The third way is the tokenizer.** Suppose we make a vocabulary of our own from our reviews. But mini's vectors belong to mini's pieces: one and the same id is another piece in each of the two. Nothing complains, because mini has a vector for each of its ids.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## One symptom, three faults

# %% slideshow={"slide_type": "-"} tags=["timing", "nbval-ignore-output"]
stranger = tokenizer.train_new_from_iterator(texts, vocab_size=2000, show_progress=False)
learn_it, hold_it = (make_batches(texts[a:b], labels[a:b], tokenizer=stranger) for a, b in ((0, 128), (128, 208)))
ids = stranger("The film is dull.")["input_ids"]
print("our tokenizer reads:", stranger.decode(ids), "\n       mini reads:  ", tokenizer.decode(ids))
model = new_model()
flat["wrong tokenizer"] = train(model, learn_it)
worse = measure(model, hold_it)
print(f"wrong tokenizer, validation: accuracy {worse['accuracy']:.2f}, named {worse['named']}")
draw(flat)

# %% tags=["check:wrong-tokenizer"]
# checked: with a vocabulary of its own, mini reads another text, and validation is worse
assert worse["accuracy"] < 0.66 and len(stranger) <= 2000 < 10_000 == len(tokenizer)
assert tokenizer.tokenize("langweilig") == ["lang", "##we", "##ili", "##g"]
assert stranger.decode(stranger("The film is dull.")["input_ids"]) == "[CLS] the film is dull. [SEP]"
assert "dull" not in tokenizer.decode(stranger("The film is dull.")["input_ids"])

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Can you tell the three from their curves? Hardly. Which test tells them apart? One batch by heart finds the first; the ids turned back find the third; texts read beside labels the second.

# %% [markdown]
# So mini reads a row of unconnected words. Validation is no better than always saying *positive*, and that is mostly what the model does: see `named`. Turn ids back with the model's tokenizer: the wrong one reads its own ids without a fault. (mini, made for English, also cuts the German *langweilig*, boring, into *lang, ##we, ##ili, ##g*.)
#
# All three curves stay around the dotted line. They do not tell the faults apart. The tests do:
#
# | one batch by heart | ids turned back | texts beside labels | so it is |
# | --- | --- | --- | --- |
# | fails | | | the loop, the optimizer, or the rate |
# | passes | nonsense | | the tokenizer |
# | passes | readable | do not fit | the labels |
# | passes | readable | fit | the rate, or too few steps |
#
# ## 4. The learning rate
#
# C and D are the two ends of one setting. You know this valley from page 02. Drag the rate to 0.01, then above 1. Which of the two is broken, and which is only slow?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Which rate? Drag

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
from bertnotes.pictures.play import play

play("learning_rate")

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** At 0.01, press *5 steps*: is it broken, or only slow? Above 1 each step lands further away. What would the loss curves of these two look like?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Rate: a hundredth, and forty times

# %% slideshow={"slide_type": "-"} tags=["timing", "nbval-ignore-output"]
rates = {}
for rate in (5e-6, 2e-2):
    model = new_model()
    losses = rates[f"rate {rate:.6f}".rstrip("0")] = train(model, learn, rate, epochs=1)
    last, named = sum(losses[-4:]) / 4, measure(model, held)["named"]
    print(f"rate {rate:g}: highest loss {max(losses):.2f}, last four steps {last:.2f}, named {named}")
draw(rates)

# %% tags=["check:two-rates"]
# checked: the low rate stays near ln 2 without a jump; the high one jumps far above it, and learns nothing either
low, high = rates.values()
typical = new_model().bert.encoder.layer[0].intermediate.dense.weight.abs().mean().item()
assert 0.01 < typical < 0.06 and max(low) < 0.8 and sum(low[-4:]) / 4 > 0.6 and max(high) > 1.2 and sum(high[-4:]) / 4 > 0.5

# %% tags=["check:sketches-fit-the-runs"]
# checked: in each quarter the sketches A to C run near the page's own curves, and D jumps and ends near ln 2 like its run
from bertnotes.pictures.drawings.page15 import CURVES


def quarters(values):
    size = len(values) // 4
    return [sum(values[at * size : (at + 1) * size]) / size for at in range(4)]


sketches = {name[0]: [training(at / 48) for at in range(48)] for name, (training, _) in CURVES.items()}
for letter, run in (("A", curve), ("B", flat["labels shuffled"]), ("B", flat["wrong tokenizer"]), ("C", low)):
    assert all(abs(a - b) < 0.16 for a, b in zip(quarters(sketches[letter]), quarters(run), strict=True)), letter
assert max(sketches["D"]) > 1.2 and all(abs(quarters(run)[3] - log(2)) < 0.2 for run in (sketches["D"], high))
assert abs(sum(low[-4:]) / 4 - log(2)) < abs(late - log(2))  # shuffled labels sink further than the low rate does

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Which is broken, which is slow? What would you do next in each case? Multiply or divide by ten, not by 1.5, and look at thirty steps.

# %% [markdown]
# Too low: nothing jumps, and hardly anything moves. C looks like B; the shuffled labels even sank further. Too high: the loss jumps far above $\ln 2$ in the first steps, then comes back to it and stays. AdamW changes a weight by up to about the rate in one step, and 0.02 is about as large as a typical weight of mini. So little is left of what mini had learned: begin again from the checkpoint, at a lower rate.
#
# The test: some thirty steps at each of four rates, a factor of ten apart. Take the rate at which the loss falls fastest without a jump. For a BERT-base begin at 2e-5 to 5e-5; our two layers tolerate more. Does ten times the rate change nothing, while one batch is learned by heart? Then it is not the rate.
#
# ## 5. Always one class
#
# An accuracy of 0.5 on two classes need not be a coin. Many files are sorted: all negative reviews first, then all positive ones.
#
# ![Two rows of eight batches with eight reviews each. Sorted, as in the file: four batches of negative reviews, then four of positive ones. Shuffled: every batch has both](figures/15_batches.svg)
#
# Two epochs over sorted batches. Sketch what the loss will do in the middle of each.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Batches in the order of the file
#
# ![Two rows of eight batches with eight reviews each. Sorted, as in the file: four batches of negative reviews, then four of positive ones. Shuffled: every batch has both](figures/15_batches.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** What does a model learn from batches that are all negative? To say negative. Sketch the loss for two epochs before you go on.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Sorted: two epochs

# %% slideshow={"slide_type": "-"} tags=["timing", "nbval-ignore-output"]
order = sorted(range(128), key=labels.__getitem__)  # negative first
in_order = make_batches([texts[at] for at in order], [labels[at] for at in order])
model = new_model()
losses = train(model, in_order)
one_sided = measure(model, held)
print("validation:", one_sided)
print("positive labels in each batch:", *(int(batch["label"].sum()) for batch in in_order))
draw({"two epochs, sorted": losses})

# %% tags=["check:sorted-by-class"]
# checked: the loss jumps where the class changes, nearly all validation reviews get one class, and at most one batch has both
assert max(losses[8:10]) > 2 and max(losses[16:18]) > 2 and losses[24] < losses[23] and max(one_sided["named"]) > 70
assert (
    sum(0 < int(batch["label"].sum()) < 8 for batch in in_order)
    <= 1
    < sum(0 < int(batch["label"].sum()) < 8 for batch in learn)
)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Where are the jumps? Where the class changes. Each low stretch says: the model names the class of the moment. This is curve F.

# %% [markdown]
# Curve F. Within a class the loss falls quickly, because *say negative* is all that there is to learn. Where the class changes, it jumps to more than 2. At the last change, step 24, it oddly *falls*: the model had not yet unlearned *positive*. In the end nearly every review is named after the class that came last.
#
# Two tests find it: **count the classes that are named**, and **count the labels in a batch**. The cure is shuffling, before the split as well, or the validation set holds a single class.
#
# **Rare classes** share the symptom. Now 12 of the 128 reviews, drawn at random, get the label *positive*. There is nothing to learn. Where will the loss stay?

# %% tags=["timing", "nbval-ignore-output"]
rare = [1] * 12 + [0] * 116
random.Random(0).shuffle(rare)  # labels that have nothing to do with the texts
batches, model = make_batches(texts[:128], rare), new_model()
losses = train(model, batches)
entropy = -sum(share * log(share) for share in (12 / 128, 116 / 128))
print(f"mean loss of epoch 2: {sum(losses[16:]) / 16:.2f}   entropy: {entropy:.2f}")
print("the reviews that it learned from:", measure(model, batches))

# %% tags=["check:rare-classes"]
# checked: on random labels the loss falls from ln 2 to the entropy of the shares, and (nearly) all are given the common class
assert round(entropy, 2) == 0.31 and abs(sum(losses[16:]) / 16 - entropy) < 0.1 and abs(sum(losses[:2]) / 2 - log(2)) < 0.15
assert max(measure(model, batches)["named"]) > 122 and measure(model, batches)["accuracy"] > 0.88

# %% [markdown]
# It falls to about 0.31, and nine of ten are right: that looks healthy, and the labels mean nothing. The model has only learned how rare *positive* is. Knowing the class shares alone costs their **entropy**, $-\sum p \ln p$, which is $\ln K$ only where all $K$ classes are equally common. So compare with it, and look at `named`. If labels do fit, class weights help (`weight=` in `cross_entropy`), or more rare examples. Judge by macro-F1, not accuracy (page 14).
#
# ## 6. NaN
#
# Curve E ends in the middle. From there on the loss is `nan`, *not a number*: what comes out of 0 / 0, ∞ − ∞ or 0 · ∞. Here one of 80 reviews is empty, and the tokenizer was told to leave out `[CLS]` and `[SEP]`. So this review has no tokens, and its mean is 0 / 0. After its batch come four good ones. How many of their losses will be numbers?

# %%
guess = None  # of 4

# %% tags=["timing", "nbval-ignore-output"]
bare = partial(tokenizer, add_special_tokens=False)
with_gap = make_batches([*texts[:43], "", *texts[44:80]], labels[:80], tokenizer=bare)
model = new_model()
losses = train(model, with_gap, epochs=1)
print("losses:", *(f"{loss:.2f}" for loss in losses), "  your guess:", guess)
lost = sum(weight.isnan().sum().item() for weight in model.parameters())
print(f"weights that are nan: {lost:,} of {sum(weight.numel() for weight in model.parameters()):,}")

# %% tags=["check:nan-spreads"]
# checked: from the batch with the empty review on all is nan, every weight included
assert [loss != loss for loss in losses] == [False] * 5 + [True] * 5
assert lost == sum(weight.numel() for weight in model.parameters()) == 7_587_842

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## NaN: one empty review in 80
#
# - batch 6 of 10 holds a review without tokens
# - the mean of no vectors is 0 / 0: not a number
# - four good batches follow
#
# How many of their losses will be numbers?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# None. After one step, all 7,587,842 weights are NaN. So stop at the first.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Why *all* weights, when one review is empty? Clipping multiplies every gradient by one factor, and that factor is NaN. This is curve E.

# %% [markdown]
# None. One empty review, one step, and **all** weights are NaN. Many gradients were `nan` by then, and clipping multiplies *all* of them by one factor, which is `nan` as well. So stop at the **first** loss or gradient that is not a finite number, before the step, and look at *its* batch.


# %%
def careful(model, batch, optimizer):
    loss = cross_entropy(model(batch["input_ids"], batch["attention_mask"]), batch["label"])
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    if not (loss.isfinite() and norm.isfinite()):  # before the step
        raise ValueError(f"loss {loss.item()}; tokens of each review: {batch['attention_mask'].sum(dim=1).tolist()}")
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


# %%
try:
    train(new_model(), with_gap, epochs=1, step=careful)
except ValueError as error:
    print(error)

# %% tags=["check:first-bad-batch"]
# checked: the batch that is named has one review without tokens, the fourth; fp16 ends at 65,504, bf16 reaches as far as fp32
assert [batch["attention_mask"].sum(dim=1).tolist().count(0) for batch in with_gap] == [0] * 5 + [1] + [0] * 4
assert with_gap[5]["attention_mask"][3].sum() == 0 and torch.finfo(torch.float16).max == 65504
model = new_model()
model.new.weight.register_hook(lambda gradient: gradient * float("nan"))  # a finite loss with a gradient that is not
try:
    careful(model, learn[0], torch.optim.AdamW(model.parameters()))
    raise AssertionError("not stopped")
except ValueError as error:
    assert "nan" not in str(error) and not any(weight.isnan().any() for weight in model.parameters())
assert torch.finfo(torch.bfloat16).max > 1e38 and torch.tensor(60_000.0).bfloat16().item() != 60_000

# %% [markdown]
# The fourth review has 0 tokens. (`bertnotes.train` stops so, too, and numbers the reviews within the training part, not the file.) If the batch looks innocent, `torch.autograd.set_detect_anomaly(True)` (slow) names the operation behind the first `nan` of the backward pass.
#
# The other common source is **half precision**, 16 bits a number in place of 32. The largest number in `float16` is 65,504; above that comes infinity. Very small gradients become 0, so `float16` also needs a *gradient scaler* (`torch.amp.GradScaler`). `bfloat16` has the range of 32 bits with two to three digits. It is slow on older GPUs, such as a T4: stay with 32 bits there.
#
# ## 7. Two curves that do not fit
#
# **Validation is better than training** (curve H). How can a model do better on reviews that it has *not* learned from? We take one epoch apart. The same training reviews are measured in three ways.

# %% tags=["timing", "nbval-ignore-output"]
model = new_model()
during = train(model, learn, rate=1e-3, epochs=1)  # twice the rate, so that one epoch is enough
model.train()
with torch.no_grad():
    noisy = [cross_entropy(model(one["input_ids"], one["attention_mask"]), one["label"]).item() for one in learn]
after = {name: measure(model, batches)["loss"] for name, batches in {"training": learn, "validation": held}.items()}
print(f"training: mean of the steps {sum(during) / 16:.2f}   afterwards, with dropout {sum(noisy) / 16:.2f}")
print(f"training: afterwards, in eval() {after['training']:.2f}   validation, in eval() {after['validation']:.2f}")

# %% tags=["check:three-ways-to-measure"]
# checked: validation is lower than the mean of the steps, and higher than training measured afterwards in evaluation mode
found = [sum(during) / 16, sum(noisy) / 16, after["training"], after["validation"]]
assert found[2] < found[1] < found[0] and found[2] < found[3] < found[0]
assert all(abs(one - other) < 0.08 for one, other in zip(found, (0.70, 0.53, 0.50, 0.63), strict=True))

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Validation better than training?
#
# ![One epoch from left to right. The loss falls from step to step. The training loss is the mean of all steps, with dropout on; the validation loss is measured at the end, with dropout off, so it can be lower](figures/15_two_scores.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** What two things differ between the two numbers, apart from the reviews? When they are measured, and whether dropout is on. How would one compare them fairly? Both at the end, both in evaluation mode.

# %% [markdown]
# ![One epoch from left to right. The loss falls from step to step. The training loss is the mean of all steps, with dropout on; the validation loss is measured at the end, with dropout off, so it can be lower](figures/15_two_scores.svg)
#
# Validation, about 0.63, is lower than the 0.70 that the loop reports. But this 0.70 is a mean over the epoch, and the model began it knowing nothing. Afterwards the *same* training reviews have about 0.53, and 0.50 with dropout off. Measured alike, validation is the higher one.
#
# The test: measure the *training* reviews once more, after the epoch, in evaluation mode. If they are still worse than validation, the validation set is easier, very small, or it leaks.
#
# **Validation turns up** (curve G). Now 32 reviews only, and eight epochs at a rate of 2e-4 that does not fall. We measure after every second one. After which epoch will the *validation* loss be lowest?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## 32 reviews, eight epochs

# %% slideshow={"slide_type": "-"} tags=["timing", "nbval-ignore-output"]
from bertnotes.pictures.charts import line_chart

model, few = new_model(), learn[:4]
optimizer, history = torch.optim.AdamW(model.parameters(), lr=2e-4, fused=True), []
for _ in range(4):
    for batch in 2 * few:  # two epochs
        step(model.train(), batch, optimizer)
    history.append((measure(model, few), measure(model, held)))
both = {name: [scores[at]["loss"] for scores in history] for at, name in enumerate(("training", "validation"))}
print("validation accuracy:", *(f"{after['accuracy']:.2f}" for _, after in history))
ax = line_chart([2, 4, 6, 8], both, "epoch", "loss, both in evaluation mode", logarithmic="")

# %% tags=["check:overfitting"]
# checked: training goes to 0; validation has its lowest loss in between, rises again, and its accuracy falls
lowest, accuracies = min(both["validation"]), [after["accuracy"] for _, after in history]
assert both["training"][-1] < 0.05 and both["validation"][-1] > lowest + 0.3 and accuracies[-1] < max(accuracies)
assert 1 <= both["validation"].index(lowest) <= 3 and both["validation"][-1] > 0.9
from bertnotes.training import TrainConfig

assert TrainConfig().measure == "accuracy" and TrainConfig(class_weights="balanced").measure == "macro_f1"

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Where would you have stopped? What would help: more epochs, or more reviews? Note that a loss may rise while accuracy stays: the model becomes surer of its mistakes.

# %% [markdown]
# Here validation is best after about six epochs. The training loss goes to 0: all 32 reviews are known by heart. The validation loss turns, and rises above 1. The model becomes ever surer, also where it is wrong, and that costs more than not knowing. Here accuracy falls as well; often only the loss tells.
#
# The test is the second curve. The cure: keep the weights of the best epoch, train for fewer epochs, or get more labels. (`fit` keeps the epoch of best accuracy, or of best macro-F1 with `class_weights`; the loss only breaks ties.)
#
# **Too good** (curve I). Somebody enlarged the data: each review was written a second time, with *Review:* before it. *Then* all of it was shuffled and split.
#
# A test finds it without reading a text. Toss a coin for each label in the **raw** file, then run your *whole* pipeline: enlarge, shuffle, split, train. Now there is nothing to learn about new reviews. What will validation accuracy be?

# %%
guess = None  # a share

# %% tags=["timing", "nbval-ignore-output"]
coin = random.Random(0)
raw = [(text, coin.randrange(2)) for text in texts[:48]]  # labels by coin
doubled = raw + [(f"Review: {text}", label) for text, label in raw]  # enlarged, each copy with its label
coin.shuffle(doubled)
(first, its_labels), (second, other_labels) = (zip(*part, strict=True) for part in (doubled[:64], doubled[64:]))
model = new_model()
_ = train(model, make_batches(list(first), its_labels), epochs=4)
leaky = measure(model, make_batches(list(second), other_labels))
print("32 texts for validation, labels by the toss of a coin:", leaky, "  your guess:", guess)

# %% tags=["check:coin-labels"]
# checked: with labels that mean nothing, validation is far above a half
assert leaky["accuracy"] > 0.7 and (len(first), len(second)) == (64, 32) and round(2 * (0.25 / 32) ** 0.5, 2) == 0.18

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## A test for leaks: toss coins for labels
#
# - 48 reviews, labels by the toss of a coin
# - enlarged: each review a second time, with its label
# - then shuffled and split: 64 to learn from, 32 for validation
#
# What should validation accuracy be? What is it?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# Far above a half, and nobody *could* know anything: the answers came along with the copies.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Why is the toss of a coin the right control? It takes away all that can be learned honestly. Cure: split first, enlarge afterwards. What would this test not find? Copies that were in the raw file before the coin was tossed, and a word in the text that gives the label away.

# %% [markdown]
# Far above a half, although nobody could *know* anything. The model met the same reviews, with their labels, in training. What is left above chance has leaked, chance being a half give or take 0.18 with 32 texts. (Unequal classes? Shuffle the raw labels; chance is then at most the commonest share.)
#
# Cure: split first, enlarge afterwards; and keep texts of one author or film on one side (pages 09 and 14). The coin does not see every leak. Copies that were already in the raw file get coins of their own, so look for copies as well (an exercise). And if the *text* gives the answer away, such as *9/10* at its end, the coin hides that too. There, read the words to which TF-IDF gives the largest weights.
#
# ## 8. The model is fine, and its answers are not
#
# **Another answer each time.** We ask the healthy model for the same review five times, as a loop leaves it, and again after `eval()`. Then **a text alone, and the same text in a batch**: must the numbers be the same?


# %% tags=["check:copies-found"]
# checked: 28 texts have a copy on the other side, and none in the course's own two piles
def core(text):
    return "".join(letter for letter in text.lower().removeprefix("review:") if letter.isalnum())


known = {core(text) for text in first}
assert sum(core(text) in known for text in second) == 28
assert not {core(text) for text in texts[:128]} & {core(text) for text in texts[128:208]}

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## One review, asked five times
#
# The healthy model of section 1, after training: the probability of *positive*. Which row belongs in a service?


# %% slideshow={"slide_type": "-"} tags=["timing", "nbval-ignore-output"]
@torch.no_grad()
def positive(inputs):
    """The probability of positive for the last review of a batch."""
    return round(healthy(inputs["input_ids"], inputs["attention_mask"]).softmax(dim=-1)[-1, 1].item(), 3)


one = make_batches([texts[151], texts[184]], [0, 0])[0]  # a long review and a short one; their labels are not used
for mode in (healthy.train, healthy.eval):
    mode()
    answers = [positive(one) for _ in range(5)]
    print(f"after {mode.__name__ + '()':7}", *(f"{answer:.3f}" for answer in answers))

# %% tags=["check:eval-forgotten"]
# checked: in evaluation mode five answers are one, in training mode they differ
assert len(set(answers)) == 1 and not healthy.training
assert len({positive(one) for _ in range(5) if healthy.train()}) > 2 and not healthy.eval().training

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** One model and one review, five answers. What is random in a model that no longer learns? Dropout.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## One review, alone and in a batch
#
# A review of 44 tokens, then the same beside one of 64, so that it is padded. Which of the three numbers is wrong?

# %% slideshow={"slide_type": "-"} tags=["timing", "nbval-ignore-output"]
ids, mask = one["input_ids"], one["attention_mask"]
length = int(mask[-1].sum())
found = {
    "alone": positive({"input_ids": ids[-1:, :length], "attention_mask": mask[-1:, :length]}),
    "padded": positive(one),
    "padded, mask forgotten": positive({"input_ids": ids, "attention_mask": torch.ones_like(mask)}),
}
for name, probability in found.items():
    print(f"{name:22} {probability:.3f}")
print(length, "tokens,", len(mask[0]), "positions")

# %% tags=["check:padding-changes-nothing"]
# checked: padding changes nothing where the mask is given, and something where it is not
assert abs(found["alone"] - found["padded"]) < 0.0015 and (length, len(mask[0])) == (44, 64)
assert abs(found["alone"] - found["padded, mask forgotten"]) > 0.05

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Must a text have the same numbers alone and in a batch? It must; if not, the mask is missing. Both tests can run in a service every day.

# %% [markdown]
# `model.train()` switches dropout on, and our loop leaves it on; `model.eval()` switches it off, `no_grad` does *not*. The test: ask twice. And yes, the numbers must be the same: padding may change nothing (page 01). Without its mask, it does. The test: ask alone and in a batch.
#
# **"Some weights were not used."** transformers prints such a report when the names in the file and in the model differ. When is it harmless? We open mini, which comes with a head for masked words, as a classifier. Then the same file with *net.* before each name, as a training loop may save it that keeps BERT in an attribute `net`.

# %% tags=["timing", "nbval-ignore-output"]
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

MINI, quiet, reports = bertnotes.files.MINI, bertnotes.names.quiet, {}
with TemporaryDirectory() as folder, quiet():
    AutoConfig.from_pretrained(MINI).save_pretrained(folder)
    renamed = {f"net.{name}": weight for name, weight in load_file(MINI / "model.safetensors").items()}
    save_file(renamed, f"{folder}/model.safetensors", metadata={"format": "pt"})
    for name, path in {"mini": MINI, "other names": folder}.items():
        found = reports[name] = AutoModelForSequenceClassification.from_pretrained(path, output_loading_info=True)[1]
        print(f"{name:12} missing: {len(found['missing_keys']):3}   not used: {len(found['unexpected_keys']):3}")

# %% tags=["check:missing-weights"]
# checked: of mini only the new layer is missing and the old head is not used; under other names everything is missing
from bertnotes.experiments.records import read_record

paths = {row: bertnotes.files.RESULTS.glob(f"imdb-mini-{row}-seed?.json") for row in ("random", "256")}
rows = {row: [read_record(path)["accuracy"] for path in found] for row, found in paths.items()}
assert [round(100 * sum(found) / len(found)) for found in rows.values()] == [87, 91]
assert reports["mini"]["missing_keys"] == {"classifier.bias", "classifier.weight"}
assert (
    all(name.startswith("cls.") for name in reports["mini"]["unexpected_keys"])
    and len(reports["other names"]["missing_keys"]) > 100
)

# %% [markdown]
# The first report is right: only the new layer, `classifier`, is missing, and the old head is not used. In the second one *everything* is missing, so the **whole encoder is random**. Training then gives what a random start gives: on IMDB 87 % in place of 91, at 256 tokens. The test is one line: nothing may be missing but new layers, here `classifier` (in DistilBERT also `pre_classifier`). `bertnotes.load_encoder` refuses such a file.
#
# **Attentions that are None.** As it comes, transformers does not hand out attention weights. Ask for `attn_implementation="eager"`.
#
# ## 9. The machine
#
# **Out of memory.**
#
# ![What training keeps in memory. Weights, one part; gradients, as much again; AdamW's two running means, twice as much: these do not depend on the batch. Intermediate results for the backward pass: they grow with the size of the batch and the length of the texts](figures/15_memory.svg)
#
# (`bertnotes doctor` shows free RAM; for a GPU ask `nvidia-smi`.) Which part is too large? We count the bytes that the forward pass keeps for the backward pass, in batches of 4, 8 and 16 reviews. What share does a batch of 4 need, compared with one of 16?

# %% tags=["check:attentions-none"]
# checked: none as it comes, six layers with eager
with quiet():
    encoders = {"as it comes": AutoModel.from_pretrained(MINI)}
    encoders["eager"] = AutoModel.from_pretrained(MINI, attn_implementation="eager")
    inputs = tokenizer("The film is dull.", return_tensors="pt")
    shown = {name: one(**inputs, output_attentions=True).attentions for name, one in encoders.items()}
assert not shown["as it comes"] and len(shown["eager"]) == 6 and all(weights is not None for weights in shown["eager"])


# %%
def megabytes_kept(batch):
    sizes = {}  # of each tensor that is kept, once

    def note(tensor):  # PyTorch calls it for each tensor that it keeps
        sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        model(batch["input_ids"], batch["attention_mask"]).sum().backward()
    for weight in model.parameters():
        sizes.pop(weight.untyped_storage().data_ptr(), None)  # the weights are there anyway
    return sum(sizes.values()) / 1e6


# %% tags=["timing", "nbval-ignore-output"]
model.train()
sizes = {size: megabytes_kept(make_batches(texts[:16], labels[:16], size)[0]) for size in (4, 8, 16)}
print({f"batch of {size}": f"{megabytes:.0f} MB" for size, megabytes in sizes.items()})
fixed = 4 * 4 * sum(weight.numel() for weight in model.parameters()) / 1e6
print(f"weights, gradients and AdamW's two means: {fixed:.0f} MB, whatever the batch")

# %% tags=["check:memory-of-a-batch"]
# checked: a quarter of the batch keeps about a quarter of the bytes; the rest is 16 bytes a weight
assert 0.2 < sizes[4] / sizes[16] < 0.32 and sizes[4] < sizes[8] < sizes[16] and 115 < fixed < 125

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Out of memory: which part?
#
# ![What training keeps in memory. Weights, one part; gradients, as much again; AdamW's two running means, twice as much: these do not depend on the batch. Intermediate results for the backward pass: they grow with the size of the batch and the length of the texts](figures/15_memory.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** What do you change first? The batch, then the length. Does a smaller batch change what is learned? Not if the gradients of several small ones are added up before the step: gradient accumulation.

# %% [markdown]
# About a quarter: this part goes with the batch. So make batches smaller, then texts shorter: attention weights grow with the *square* of the length. LoRA shrinks the left part (page 13). For the gradient of 16 reviews, add up those of four batches of 4 before a step. This is **gradient accumulation**. Divide each mean loss by 4.
#
# **Different results each time.** The test: the same seed twice, compared to the last digit. Here two things draw random numbers, the new layer and dropout; in a real run also the order of the reviews.

# %% tags=["timing", "nbval-ignore-output"]
pairs = {}
for name, seeds in {"same seed": (0, 0), "two seeds": (0, 1)}.items():
    one, other = (torch.tensor(train(new_model(seed), learn[:2], epochs=1)) for seed in seeds)
    pairs[name] = (one - other).abs().max().item()
    print(f"{name}: largest difference of a loss {pairs[name]:.4f}")

# %% tags=["check:same-seed"]
# checked: the same seed gives the same losses to the last digit, another one does not; a wrong label and a long text
for reviews, label, message in (
    ("dull", 2, "Target 2 is out of bounds"),
    (600 * "dull ", 0, "(602) must match the existing size (512)"),
):
    try:
        with quiet():
            measure(new_model(), make_batches([reviews], [label]))
    except (IndexError, RuntimeError, ValueError) as error:
        assert message in str(error), error
    else:
        raise AssertionError(message)
assert pairs["same seed"] == 0 and pairs["two seeds"] > 0.001

# %% tags=["check:a-long-text-says"]
# checked: what the classifier of transformers says of a text of 602 tokens
with quiet():
    theirs = AutoModelForSequenceClassification.from_pretrained(MINI)
    try:
        theirs(**tokenizer(600 * "dull ", return_tensors="pt"))
        raise AssertionError("a long text was read")
    except (IndexError, RuntimeError, ValueError) as error:
        assert "must match" in str(error) and "602" in str(error) and "512" in str(error), error

# %% [markdown]
# With the same seed, no difference. Set it *before* the model is made, or the new layer is drawn unseeded. On a GPU some operations add up in changing order. `torch.use_deterministic_algorithms(True)` makes PyTorch use others, or raise an error. Compare on one machine: another may differ in the last digits. If *seeds* differ, that is no bug, but the noise that an interval is for (page 11).
#
# **An error that says little.** On a GPU, *device-side assert triggered* often names the wrong line. Run one batch on the CPU. There PyTorch says `Target 2 is out of bounds` if a label is not among 0 to K − 1. And for a text of more than 512 tokens, *the size of tensor* or *the expanded size of the tensor (602) must match … (512)*: switch `truncation` on. On Colab, restart the runtime after such an error.
#
# ## 10. Symptom, test, cure
#
# For your own run, `bertnotes train --out` writes the curve, the loss of each step, to `steps.jsonl`. `bertnotes evaluate` shows each class, and so those never named.
#
# | symptom | curve | the test that tells | cure |
# | --- | --- | --- | --- |
# | starts far above ln K | | count the classes | typing errors in labels |
# | loss stays at ln K, or at the entropy | B | one batch by heart fails; did a weight move? | order of the lines, optimizer, schedule |
# | | B | one batch passes; texts beside labels | mend the labels |
# | | B | turn the ids back into words | the model's own tokenizer |
# | hardly moves | C | ten times the rate helps | higher rate, more steps |
# | jumps far above ln K | D | a tenth of the rate helps | lower rate, warm-up |
# | NaN | E | stop at the first; look at its batch | empty texts, `float16`, rate |
# | always one class | F | count the classes named, the labels in a batch | shuffle; class weights |
# | validation turns up | G | two curves, in evaluation mode | best epoch, more labels |
# | validation is lower | H | measure training again, in `eval()` | often none; or find the leak |
# | too good | I | coins for labels in the raw file; look for copies | split before enlarging |
# | other answers each time | | ask twice; alone and in a batch | `eval()`, attention mask |
# | "weights not used" | | only new layers may be missing | the names in the file |
# | attentions None | | as many as layers | `eager` |
# | out of memory | | bytes kept, at half the batch | smaller batches, shorter texts, accumulation |
# | other results each time | | one seed, twice | seed before the model is made |
# | an error on the GPU that names no cause | | one batch on the CPU | labels from 0 to K − 1; texts cut |

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Symptom → test
#
# | | symptom | test |
# | --- | --- | --- |
# | B | stays at ln K | one batch by heart; read ids and labels |
# | C, D | hardly moves; jumps | ten times the rate, a tenth of it |
# | E | NaN | stop at the first; look at its batch |
# | F | one class | count the labels in a batch |
# | G | validation turns up | two curves, in evaluation mode |
# | H | validation is lower | measure training again |
# | I | too good | labels by coins; copies |

# %% [markdown] slideshow={"slide_type": "notes"}
# **4 minutes.** Back to the nine curves and the guesses on the board. For each letter: which test first? A is the healthy one, as far as a curve can tell.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - A curve is a symptom. Several faults share it, and a small test tells them apart.
# - Before training: does the loss start at ln K, can one batch be learned by heart, can you read the ids?
# - Too good is a symptom, too. Toss coins for the raw labels: what is left above chance has leaked.
# - After training: ask twice; alone and in a batch; the same seed twice.
#
# **Next:** your own run. Keep the three tests beside it.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Close the lid: what are the three tests before training, and what does each of them find?

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# Work in the copy of the [exercises](exercises/15.ipynb) in `notebooks/my`. First three logs: what is wrong? Then three tests to write and keep, and a loop with three bugs. In the logs, choose from this list:
#
# 1. the learning rate is too high
# 2. the learning rate is too low
# 3. `zero_grad` stands before `step`
# 4. the labels do not belong to the texts
# 5. the batches are sorted by class
# 6. overfitting
# 7. copies of validation texts are in training
# 8. `eval()` was forgotten

# %% tags=["exercises"]
import torch
from torch.nn.functional import cross_entropy

from bertnotes.exercises import check, hint, solution  # noqa: F401

# %% [markdown] tags=["exercise:flat_log"]
# ### First log · ●● · 6 minutes
#
# One epoch over 4,000 reviews of two classes, each seen once. What is wrong? Type the number: **1** rate too high, **2** rate too low, **3** `zero_grad` before `step`, **4** labels do not belong to the texts, **5** sorted by class, **6** overfitting, **7** copies in training, **8** `eval()` forgotten.
#
# ```
# one batch, 40 steps      loss 0.70 -> 0.01
# all, rate 5e-5           step 1: 0.70   100: 0.70   250: 0.69   validation 0.51
# all, rate 5e-4           step 1: 0.70   100: 0.69   250: 0.69   validation 0.51
# ids turned back          readable
# classes named            51 % and 49 %
# ```

# %% [markdown] tags=["hint:flat_log"]
# The first line tells you whether loop and optimizer work.

# %% [markdown] tags=["hint:flat_log"]
# They do, and the rate makes no difference. What can be wrong that one batch does not mind?

# %% [markdown] tags=["hint:flat_log"]
# Loop, rate and tokenizer are cleared. Of the list, what is left that keeps *all* reviews at ln 2?

# %% tags=["exercise:flat_log"]
# solution
answer = 4
# instead:
# answer = None  # a number of the list
# end of solution

check("flat_log", answer)

# %% [markdown] tags=["reason:flat_log"]
# One batch is learned by heart, whatever its labels say. Over reviews that are each seen once there is nothing to learn by heart, so the loss can only fall if the labels have to do with the texts.

# %% [markdown] tags=["exercise:good_log"]
# ### Second log · ●● · 6 minutes
#
# Two runs. For the second one, the labels of the raw file were shuffled, and then the whole pipeline ran again: enlarge, split, train. What is wrong? Type the number: **1** rate too high, **2** rate too low, **3** `zero_grad` before `step`, **4** labels do not belong to the texts, **5** sorted by class, **6** overfitting, **7** copies in training, **8** `eval()` forgotten.
#
# ```
# as it is          epoch 1: train 0.48  validation 0.31    epoch 5: train 0.03  validation 0.05   accuracy 0.97
# labels shuffled   epoch 1: train 0.71  validation 0.66    epoch 5: train 0.08  validation 0.15   accuracy 0.93
# 300 fresh reviews, first model                                                                  accuracy 0.81
# ```

# %% [markdown] tags=["hint:good_log"]
# What should validation be when the labels mean nothing?

# %% [markdown] tags=["hint:good_log"]
# Near 0.50. How can the model know labels by chance, of texts that it has not learned from?

# %% [markdown] tags=["hint:good_log"]
# Perhaps it *has* learned from them, in other spellings. What do the fresh reviews say?

# %% tags=["exercise:good_log"]
# solution
answer = 7
# instead:
# answer = None  # a number of the list
# end of solution

check("good_log", answer)

# %% [markdown] tags=["reason:good_log"]
# The model can only know chance labels of validation texts if it has met these texts in training. The fresh reviews show what it is really worth: 0.81.

# %% [markdown] tags=["exercise:service_log"]
# ### Third log · ● · 5 minutes
#
# A model was trained, and put into a service. What is wrong? Type the number: **1** rate too high, **2** rate too low, **3** `zero_grad` before `step`, **4** labels do not belong to the texts, **5** sorted by class, **6** overfitting, **7** copies in training, **8** `eval()` forgotten.
#
# ```
# epoch 3           train 0.24   validation 0.38   accuracy 0.86
# in the service    accuracy on the same validation reviews 0.82, then 0.83, then 0.81
# one review        positive 0.71, then 0.58, then 0.77
# ```

# %% [markdown] tags=["hint:service_log"]
# What is random in a model that no longer learns?

# %% [markdown] tags=["hint:service_log"]
# Dropout, if nobody switches it off.

# %% tags=["exercise:service_log"]
# solution
answer = 8
# instead:
# answer = None  # a number of the list
# end of solution

check("service_log", answer)

# %% [markdown] tags=["reason:service_log"]
# The same text has three answers: dropout is still on. Accuracy is a little lower, because each answer leaves out a tenth of the numbers. `from_pretrained` returns models in evaluation mode; one that was just trained is not.

# %% [markdown] tags=["exercise:one_batch"]
# ### One batch by heart · ● · 8 minutes
#
# A test to keep. `step(weight, inputs, labels)` takes one training step on a batch, and returns two things: the loss *before* the step, and the new weights. Take `steps` steps on this one batch. Return the loss of each: (step,). If the last is not far below the first, the step is broken.

# %% [markdown] tags=["hint:one_batch"]
# A loop, `for _ in range(steps)`, that calls `step` and keeps the loss in a list.

# %% [markdown] tags=["hint:one_batch"]
# The next step has to begin with the weights that this one returned: `loss, weight = step(weight, inputs, labels)`.

# %% [markdown] tags=["hint:one_batch"]
# In the end make one tensor of the list: `torch.stack(losses)`.


# %% tags=["exercise:one_batch"]
def one_batch(step, weight, inputs, labels, steps):
    """The loss of each step on one and the same batch: (step,)."""
    # solution
    losses = []
    for _ in range(steps):
        loss, weight = step(weight, inputs, labels)
        losses.append(loss)
    return torch.stack(losses)
    # end of solution


check("one_batch", one_batch)

# %% [markdown] tags=["reason:one_batch"]
# The test knows nothing of what may be wrong. That is its strength: a loop that throws its gradients away, an optimizer with the weights of another model, a rate of 0, they all leave the last loss where the first one was.

# %% [markdown] tags=["exercise:copies"]
# ### Which texts leak? · ●● · 10 minutes
#
# `train` and `held` are lists of texts. Two texts are copies if they are the same but for case, spaces and punctuation. Return a tensor with True for each text of `held` that has a copy in `train`: (held,).

# %% [markdown] tags=["hint:copies"]
# Make of each text what a copy has in common with it: small letters, and only letters and digits.

# %% [markdown] tags=["hint:copies"]
# `"".join(letter for letter in text.lower() if letter.isalnum())` is that.

# %% [markdown] tags=["hint:copies"]
# Put those of `train` into a set, which is asked quickly: `core in known`. `torch.tensor([...])` makes a tensor of the answers.


# %% tags=["exercise:copies"]
def copies(train, held):
    """Which validation texts have a copy among the training texts: (held,), True or False."""

    # solution
    def core(text):
        return "".join(letter for letter in text.lower() if letter.isalnum())

    known = {core(text) for text in train}
    return torch.tensor([core(text) in known for text in held])
    # end of solution


check("copies", copies)

# %% [markdown] tags=["reason:copies"]
# A set is asked in the same time whether it holds ten texts or a million. Copies in which a word was changed slip through: for those one compares stretches of words (page 09).

# %% [markdown] tags=["exercise:same_twice"]
# ### One seed, twice · ● · 6 minutes
#
# `run(seed)` trains, and returns the loss of each step, a tensor. Return the largest difference between two runs with the same seed: a tensor with one number. 0 means that the run can be repeated.

# %% [markdown] tags=["hint:same_twice"]
# Call `run(seed)` twice: what is done once cannot be compared.

# %% [markdown] tags=["hint:same_twice"]
# Subtract, make all differences positive with `.abs()`, and take the largest with `.max()`.

# %% [markdown] tags=["hint:same_twice"]
# In one line: `(run(seed) - run(seed)).abs().max()`. Why does the order of the last two matter?


# %% tags=["exercise:same_twice"]
def same_twice(run, seed):
    """The largest difference between the losses of two runs with the same seed."""
    # solution
    return (run(seed) - run(seed)).abs().max()
    # end of solution


check("same_twice", same_twice)

# %% [markdown] tags=["reason:same_twice"]
# The largest difference finds a single step that is off. A mean may hide it, and a difference of means is 0 where one loss rose and another fell.

# %% [markdown] tags=["exercise:mended"]
# ### A loop with three bugs · ●●● · 16 minutes
#
# `inputs` is (review, size), `labels` (review,). Four reviews are a batch; the last one may be smaller. The loop should return the mean loss over the *reviews* of each epoch, (epoch,), and the weights. It runs without an error. There are three bugs. Mend them.

# %% [markdown] tags=["hint:mended"]
# Which test would you do first? One batch by heart. It fails: in which order do the three lines of a step stand?

# %% [markdown] tags=["hint:mended"]
# Whose labels does the second batch get? Print `rows` and the labels beside them.

# %% [markdown] tags=["hint:mended"]
# With six reviews the second batch has two. In a mean over batches each of these counts twice as much as the others. Weigh each loss by `len(rows)`, and divide by `len(labels)`.


# %% tags=["exercise:mended"]
def mended(inputs, labels, epochs, rate):
    """The mean loss of each epoch, (epoch,), and the weights, (size, class)."""
    weight = torch.zeros(inputs.shape[1], 2, requires_grad=True)
    optimizer, losses = torch.optim.SGD([weight], lr=rate), []
    for _ in range(epochs):
        batches, total = torch.arange(len(labels)).split(4), 0
        for rows in batches:
            # solution
            loss = cross_entropy(inputs[rows] @ weight, labels[rows])
            loss.backward(), optimizer.step(), optimizer.zero_grad()
            total += loss.detach() * len(rows)
        losses.append(total / len(labels))
        # instead:
        #     loss = cross_entropy(inputs[rows] @ weight, labels[: len(rows)])
        #     loss.backward(), optimizer.zero_grad(), optimizer.step()
        #     total += loss.detach()
        # losses.append(total / len(batches))
        # end of solution
    return torch.stack(losses), weight.detach()


check("mended", mended)

# %% [markdown] tags=["reason:mended"]
# Each bug hides the next. Without a step all losses are ln 2, whatever the labels. With the labels of the first batch the loss falls, and only the weights are wrong. The last bug changes what is reported and nothing else.

# %% [markdown]
# ## Sources
#
# - Karpathy (2019). *A Recipe for Training Neural Networks.* A post on karpathy.github.io. Its checks of the first loss and of one batch are tests 1 and 2
# - Zhang, Bengio, Hardt, Recht, Vinyals (2016). *Understanding deep learning requires rethinking generalization.* arXiv:1611.03530. Networks learn labels by chance by heart
# - Smith (2015). *Cyclical Learning Rates for Training Neural Networks.* arXiv:1506.01186. Its section 3.3 tries rising rates to find one
# - Mosbach, Andriushchenko, Klakow (2020). *On the Stability of Fine-tuning BERT: Misconceptions, Explanations, and Strong Baselines.* arXiv:2006.04884. Why some seeds of a BERT fail, and what helps
# - Micikevicius and others (2017). *Mixed Precision Training.* arXiv:1710.03740. Half precision, and why small gradients need scaling
