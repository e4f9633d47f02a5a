# %% [markdown] question="How does a pre-trained BERT become a sentiment classifier?"
# # 10 · Fine-tuning
#
# **The question:** how does a BERT that can guess hidden words learn to say whether a review is positive, and how do we know that it did?
#
# ![From left to right: four tokens, six pre-trained layers, the vector of CLS, the pooler, the new layer with two outputs, and softmax, which makes 15 % negative and 85 % positive of them](figures/10_classifier.svg)
#
# One new layer goes on top of the pre-trained ones, and then the layers, or the upper ones, are trained a little further on labelled reviews. This is called **fine-tuning**. On this page it is written out in four short definitions; in the exercises you write its parts yourself. Then we train twice: as it is often shown, and so that one can trust the result.
#
# **You need:** pages 01, 02, 05 and 06; page 09 for the rivals. **Time:** about 66 minutes, and 62 more for the exercises. Where a cell says `guess = None`, type your guess in place of `None`.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # Fine-tuning
#
# ![From left to right: four tokens, six pre-trained layers, the vector of CLS, the pooler, the new layer with two outputs, and softmax, which makes 15 % negative and 85 % positive of them](figures/10_classifier.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** What is new, and what was there before? Ask how many numbers the new layer has: 384 for each of two outputs, and two biases, so 770. The deck takes about 50 minutes, votes included; padding may go. Run the notebook before class: the training cell takes up to a minute.

# %%
import gc
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset

import bertnotes
from bertnotes.classifier import predict_probabilities
from bertnotes.data import LABELS, REVIEWS, read_reviews, split_validation

# %% [markdown]
# ## 1. Three piles
#
# The course has 1,276 film reviews of its own. The column `note` marks the hard ones: ironic, or with a verdict that is only implied, or that turns in the last sentence. We put those aside for later.

# %%
frame = read_reviews(REVIEWS, ("review", "sentiment", "note"))
frame["label"] = frame["sentiment"].map(LABELS.index)  # negative 0, positive 1
plain, hard = frame[frame["note"] == ""], frame[frame["note"] != ""]
print(len(plain), "plain reviews,", len(hard), "hard ones; the first plain one:")
print(plain["review"].iloc[0])

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Three piles
#
# ![Three piles of reviews: train, 365, learn from these; validation, 122, choose by these; test, 209, behind a door, look once](figures/10_piles.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Ask what goes wrong if one chooses the best of ten models by the test reviews: the winner is partly the luckiest, so its score is too good. Page 07 had the best of 72 coins.

# %% [markdown]
# ![Three piles of reviews: train, 365, learn from these; validation, 122, choose by these; test, 209, behind a door, look once](figures/10_piles.svg)
#
# The model learns from the **training set**. The **validation set** tells us, after each round, how it does on reviews that it has not learned from; by that we choose. The **test set** stays behind a door until everything is chosen. Who chooses by the test set reports luck as skill: that was the best of 72 coins on page 07.
#
# The split is *stratified*, with as many positive reviews in each pile as in the whole, and *seeded*: you get the same piles as we do.

# %%
rest, test_texts, rest_labels, test_labels = split_validation(plain["review"], plain["label"], size=0.3, seed=0)
train_texts, held_texts, train_labels, held_labels = split_validation(rest, rest_labels, size=0.25, seed=0)
for name, found in {"train": train_labels, "validation": held_labels, "test": test_labels}.items():
    print(f"{name:10} {len(found):3} reviews, {sum(found):3} positive")

# %% tags=["check:three-piles"]
# checked: the sizes of the piles, and that no review is in two of them
piles = [set(train_texts), set(held_texts), set(test_texts)]
assert [len(pile) for pile in piles] == [365, 122, 209] and len(set.union(*piles)) == len(plain) == 696
assert len(frame) == 1276 and len(hard) == 580

# %% [markdown]
# What should a BERT beat? At least someone who always names the more frequent class. And the two that count words on page 09: **TF-IDF** with logistic regression, and **NBSVM**. They learn in a second, so let us ask them first. (On validation: the test set has to wait.)

# %%
from bertnotes.baselines import nbsvm, tfidf_logistic_regression
from bertnotes.data import majority_accuracy

counters = {"TF-IDF": tfidf_logistic_regression(), "NBSVM": nbsvm()}
print(f"more frequent class {majority_accuracy(held_labels):.2f}")
for name, counter in counters.items():
    counter.fit(train_texts, train_labels)
    print(f"{name:19} {counter.score(held_texts, held_labels):.2f}")

# %% tags=["check:bars-on-validation"]
# checked: both are far above the more frequent class on validation
assert all(counter.score(held_texts, held_labels) > 0.8 for counter in counters.values())

# %% [markdown]
# ## 2. The model
#
# The first definition. `BERTClassifier` is the encoder of page 05, and on its pooled output, one vector for the whole review, a single linear layer with a number for each class. (If you know the notebook that many have learned this from: the four definitions have its names. Section 5 lays it beside ours.)


# %%
class BERTClassifier(nn.Module):
    def __init__(self, bert_model_name, num_classes):
        super().__init__()
        self.bert = bertnotes.load_encoder(bert_model_name, attention="bertnotes")  # page 01's attention in all layers
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(self.bert.config.hidden_size, num_classes)

    def forward(self, input_ids, attention_mask):
        pooled = self.bert(input_ids=input_ids, attention_mask=attention_mask).pooler_output
        return self.classifier(self.dropout(pooled))


# %%
torch.manual_seed(0)  # the new layer starts with random numbers
model = BERTClassifier("mini", num_classes=2)
for name, part in {"encoder": model.bert, "new layer": model.classifier}.items():
    print(f"{name:10} {sum(weight.numel() for weight in part.parameters()):12,} numbers")

# %% tags=["check:new-numbers"]
# checked: 770 of 15 million numbers are new, and the encoder runs on page 01's attention
counts = [sum(weight.numel() for weight in part.parameters()) for part in (model.classifier, model)]
assert counts[0] == 770 and 14_700_000 < counts[1] < 14_900_000 and model.bert.config._attn_implementation == "bertnotes"

# %% [markdown]
# The two outputs are **logits** (page 08). Softmax makes probabilities of them. **Dropout** sets a tenth of the pooled vector to 0, at random, while it trains, so that no single number becomes too important.
#
# ## 3. Batches
#
# A model reads several reviews at once, a **batch**. But a batch is a table, and reviews have different lengths. So the short ones are filled up with `[PAD]`, and `attention_mask` says which tokens are real: the padding mask of page 01.
#
# ![Eight reviews in two batches. Padded to a maximum of 256 tokens, 68 % is padding; to the longest of the batch, 52 %; in batches of like length, 42 %](figures/10_padding.svg)
#
# Dark is text, pale is padding. On padding the model works as hard as on text, for nothing. Left: every review is filled up to a maximum. Middle: to the longest of its batch. Right: first we put reviews of like length together, which is called **bucketing**. How much it saves depends on the batches. Drag the sliders: here are 64 of the training reviews. Under them all 365, in batches of 16.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## How much of a batch is padding?
#
# ![Eight reviews in two batches. Padded to a maximum of 256 tokens, 68 % is padding; to the longest of the batch, 52 %; in batches of like length, 42 %](figures/10_padding.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** These are eight reviews, in twos of four. With all 365 in batches of 16 it is 34 % as they come and 6 % in buckets. The model computes on padding as on anything else; the mask only keeps others from looking at it. So the pale area is time. Ask: do the three ways give different verdicts? No, only different waiting. Then play with it.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## How much of a batch is padding? Drag

# %% slideshow={"slide_type": "-"}
from bertnotes.pictures.play import play

tokenizer = bertnotes.load_tokenizer("mini")
lengths = [len(ids) for ids in tokenizer(train_texts)["input_ids"]]
play("padding", lengths=lengths[:64])

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** These are 64 of the training reviews. Make the batch larger first: the share of padding grows. Then put like to like. Ask what the cut saves, and what it costs: the ends of long reviews.

# %%
from bertnotes.batching import BucketedBatches

as_they_come = [range(start, min(start + 16, 365)) for start in range(0, 365, 16)]
for name, rows in {"as they come": as_they_come, "bucketed": BucketedBatches(lengths, 16, seed=0).batches()}.items():
    computed = sum(len(row) * max(lengths[number] for number in row) for row in rows)
    print(f"{name:13} {computed:6,} positions for {sum(lengths):,} tokens: {1 - sum(lengths) / computed:.0%} padding")

# %% tags=["check:padding-share"]
# checked: in buckets less than a tenth of all positions is padding; the drawing's shares
shares = [sum(row) for row in ([40, 62, 48, 230, 55, 110, 44, 70],)]
assert shares[0] == 659 and [round(100 * (1 - 659 / (4 * wide))) for wide in (2 * 256, 230 + 110, 55 + 230)] == [68, 52, 42]
assert round(1 - sum(lengths) / (365 * 512), 2) == 0.85 and round(1 - sum(lengths) / computed, 2) == 0.06
assert sorted(number for row in rows for number in row) == list(range(365))

# %% [markdown]
# As the reviews come, a third of the work is on padding; in buckets 6 %. Filled up to 512 tokens each, it would be 85 %.
#
# The second definition keeps the tokens of each review, cut at `max_length`, and its label. It does not pad: only when a batch is put together do we know its longest review.


# %%
class TextClassificationDataset(Dataset):
    def __init__(self, texts, labels, tokenizer, max_length):
        self.ids = tokenizer(texts, truncation=True, max_length=max_length)["input_ids"]
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return {"input_ids": self.ids[index], "label": self.labels[index]}


# %%
def batches(texts, labels, size=16, shuffle=False, max_length=128):
    """Batches of so many reviews, each padded to its longest one."""
    dataset = TextClassificationDataset(texts, labels, tokenizer, max_length)
    return DataLoader(dataset, size, shuffle, collate_fn=partial(tokenizer.pad, return_tensors="pt"))


batch = next(iter(batches(train_texts, train_labels, size=4)))
print({name: tuple(tensor.shape) for name, tensor in batch.items()})
print("real tokens:", batch["attention_mask"].sum(dim=1).tolist())

# %% tags=["check:batch"]
# checked: a batch is as wide as its longest review; the longest review of the course, and how many plain ones are cut
assert batch["input_ids"].shape[1] == batch["attention_mask"].sum(dim=1).max()
assert max(len(ids) for ids in tokenizer(frame["review"].tolist())["input_ids"]) == 352
assert round(np.mean([len(ids) > 128 for ids in tokenizer(plain["review"].tolist())["input_ids"]]), 2) == 0.05
import json

facts = json.loads((bertnotes.files.RESULTS / "imdb_facts.json").read_text(encoding="utf-8"))
assert facts["tokens"]["99%"] == 1207

# %% [markdown]
# For training and validation we cut at 128 tokens, which shortens one plain review in twenty. From the exam on mini reads everything: the longest review of ours has 352 tokens. (On IMDB one in a hundred has over 1,200, and BERT reads at most 512.)
#
# ## 4. Score and train
#
# The third definition scores a model: the **accuracy**, which is the share of right answers, and a report on each class. `model.eval()` switches dropout off, and `no_grad` saves the work that only training needs.

# %%
from sklearn.metrics import accuracy_score, classification_report


@torch.no_grad()
def evaluate(model, data_loader, device):
    model.eval()
    answers, labels = [], []
    for batch in data_loader:
        batch = batch.to(device)
        answers += model(batch["input_ids"], batch["attention_mask"]).argmax(dim=-1).tolist()
        labels += batch["label"].tolist()
    return accuracy_score(labels, answers), classification_report(labels, answers, zero_division=0)


# %% [markdown]
# The new layer is random, nothing has been trained. Which accuracy do you expect on 40 validation reviews? One random layer may be lucky, so we draw three.

# %%
guess = None  # a share, such as 0.3

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.devices import best_device, give_back_memory

device = best_device()  # "cuda", "mps" or "cpu": found, not typed
model.to(device)
before = []
for _ in range(3):
    model.classifier.reset_parameters()  # new random numbers
    before.append(evaluate(model, batches(held_texts[:40], held_labels[:40]), device)[0])
print("three random layers:", [round(share, 2) for share in before], f"  mean {sum(before) / 3:.2f}   your guess: {guess}")

# %% tags=["check:before-training"]
# checked: on average no better than a coin
assert abs(sum(before) / 3 - 0.5) < 0.13

# %% [markdown]
# About a half, as a coin. The encoder knows something of language, but the new layer cannot read it yet.
#
# Training repeats four steps, the same ones as on page 02:
#
# ![Four boxes and an arrow back to the first: predict, two numbers a review; measure, the loss; trace back, a gradient for each weight; step, all weights a little](figures/10_step.svg)
#
# 1. **Predict:** the logits of a batch.
# 2. **Measure:** the **loss** is the cross-entropy of page 06, minus the logarithm of the probability that the true class got. Of two classes, someone who knows nothing has a loss of $\ln 2 = 0.69$.
# 3. **Trace back:** `loss.backward()` works out the **gradient**: for each of the 15 million numbers, how the loss would change with it.
# 4. **Step:** the **optimizer** moves every number a little, downhill. Ours is **AdamW**, which gives each number a step size of its own.
#
# The fourth definition does this for all batches once: one **epoch**. Very large gradients are shortened first (*clipping*), and the **scheduler** changes the learning rate from step to step.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## One training step
#
# ![Four boxes and an arrow back to the first: predict, two numbers a review; measure, the loss; trace back, a gradient for each weight; step, all weights a little](figures/10_step.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let someone explain each box. What goes wrong without `zero_grad`? The gradients of all batches so far add up. One of the exercises is a loop with two bugs.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The fourth definition


# %% slideshow={"slide_type": "-"} tags=["show-code"]
def train(model, data_loader, optimizer, scheduler, device):
    model.train()
    total = 0
    for batch in (batch.to(device) for batch in data_loader):
        loss = cross_entropy(model(batch["input_ids"], batch["attention_mask"]), batch["label"])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step(), scheduler.step(), optimizer.zero_grad()
        total += loss.item() * len(batch["label"])
    return total / len(data_loader.dataset)


# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Find the four boxes in the code: which line predicts and measures, which traces back, which steps? And what would happen without `zero_grad`?

# %% [markdown]
# That is all there is to fine-tuning: four definitions, 40 lines.
#
# ## 5. As it is often shown
#
# The notebook that many have learned this from draws 50 reviews and trains on 40 of them for four epochs, at a learning rate of 2e-5 (0.00002). It validates on the other 10, and reports an accuracy of **0.70**. We do the same with mini. Seven of ten of our fifty are positive, as in its validation set.
#
# (We cut at 64 tokens, to be quick.)
#
# Is our code right? The library has the same four definitions. So we train twins: one by our definitions, one by the library's, from the same numbers and on the same reviews. For the library's two epochs are enough.

# %%
good, bad = ([text for text, label in zip(train_texts, train_labels, strict=True) if label == wanted] for wanted in (1, 0))
forty = batches(good[:28] + bad[:12], [1] * 28 + [0] * 12, shuffle=True, max_length=64)
ten = batches(good[28:35] + bad[12:15], [1] * 7 + [0] * 3)
print(len(forty.dataset), "reviews to learn from, in", len(forty), "batches;", len(ten.dataset), "to validate")

# %%
from transformers import get_linear_schedule_with_warmup


def as_shown(model, train, epochs=4):
    """Train as that notebook does. Returns the loss of each epoch."""
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    scheduler = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=0, num_training_steps=4 * len(forty))
    return [train(model, forty, optimizer, scheduler, device) for epoch in range(epochs)]


# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.dropout import use_drop

twin = bertnotes.BERTClassifier("mini", 2).to(device)
twin.load_state_dict(model.state_dict())  # the same numbers
use_drop(model)  # the library draws the random numbers of dropout in a faster way: so do we, to draw the same ones
its_losses = as_shown(twin, bertnotes.train, epochs=2)
its_accuracy = [score(twin, ten, device)[0] for score in (evaluate, bertnotes.evaluate)]
losses = as_shown(model, train)
accuracy, report = evaluate(model, ten, device)
print("loss, library's:", *(f"{loss:.6f}" for loss in its_losses), "  its accuracy by both definitions:", its_accuracy)
print("loss, ours:     ", *(f"{loss:.6f}" for loss in losses), f"  accuracy {accuracy:.2f}")

# %% tags=["check:four-definitions"]
# checked: the page's definitions give the library's losses and accuracy
assert all(abs(one - other) < 1e-5 for one, other in zip(losses, its_losses, strict=False)) and accuracy == 0.7
assert its_accuracy[0] == its_accuracy[1] and len(its_losses) == 2
assert 0.68 < losses[0] < 0.70 and 0.62 < losses[-1] < 0.68

# %% [markdown]
# In the first two epochs the losses agree in all six digits, and both definitions of `evaluate` give one model the same accuracy: ours do what the library's do. After four epochs the accuracy is 0.70, as reported. Is mini a classifier now?
#
# The report tells, class by class. **Precision**: of those called so, how many are? **Recall**: of those that are, how many were found? And the **95 % interval** of page 09 tells what 7 of 10 says about *all* reviews of this kind.

# %%
from bertnotes.evaluation import wilson_interval

print(report)
print("7 of 10:    ", wilson_interval(7, 10))
print("146 of 209: ", wilson_interval(146, 209), "  0.70 on our test set")
print("steps of training:", 4 * len(forty))
del model, twin  # they have served
_ = gc.collect()  # with them go the optimizers, which hold two numbers for each weight
give_back_memory()

# %% tags=["check:one-class"]
# checked: every one of the ten is called positive
assert "0.00      0.00" in report and accuracy == 0.7 and "1.00" in report.split("\n")[3]

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## 0.70: is it a classifier?
#
# | | reviews | found |
# | --- | --- | --- |
# | positive | 7 | 7 |
# | negative | 3 | **0** |
#
# - 40 reviews, 12 steps at 2e-5
# - 10 to validate: 0.70 means 0.40 to 0.89

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# **No.** It calls every review positive, and seven of ten are.

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Ask before you show the rows what 0.70 may mean. Every review is called positive, and seven of the ten are. A model that had learned nothing but the more frequent class gets the same.

# %% tags=["check:seven-of-ten"]
# checked: a coin's 0.5 lies inside the interval of 7 of 10, outside that of 146 of 209
assert wilson_interval(7, 10).low < 0.41 and wilson_interval(7, 10).high > 0.89 and wilson_interval(146, 209).low > 0.62
assert 4 * len(forty) == 12 and abs(-0.7 * np.log(0.7) - 0.3 * np.log(0.3) - 0.61) < 0.002

# %% [markdown]
# Class 0, negative, has a recall of 0.00: all ten are called positive, and seven of them are. The loss says the same. It fell from 0.68 to 0.66, and a model that knows nothing but *seven in ten are positive* can reach 0.61. And the interval goes from 0.40 to 0.89, so a coin's 0.50 lies inside.
#
# So the 0.70 says nothing. Twelve steps at 2e-5 hardly move the new layer, ten reviews cannot see, and on an unbalanced sample a model looks good that has learned only which class is more frequent.
#
# If you come from that notebook, here are its cells:
#
# | your cell | what is wrong with it | what we do |
# | --- | --- | --- |
# | `load_imdb_data`, then 50 reviews by `sample` | no seed: other reviews, and another result, each time | `load_imdb_data(file, sample=..., seed=42)` |
# | `TextClassificationDataset`, `padding="max_length"` | each review is computed at full length | pad to the longest of the batch; bucket |
# | `BERTClassifier` | nothing | the same |
# | `from transformers import AdamW` | gone from today's transformers | `torch.optim.AdamW` |
# | `num_warmup_steps=0` | the first steps are the largest, on a random layer | a tenth of the steps to warm up |
# | `learning_rate = 2e-5`, 12 steps | too few; with thousands of reviews it suits a BERT-base | more steps; 1e-4 for all of mini |
# | warning from `_warn_prf` | it means: some class was *never* named | `zero_division=0`, and look at the recall |
# | accuracy on the set that one chose by | too good, if anything was chosen | a test set, used once |
# | `torch.save(model.state_dict(), ...)` | a pickle: loaded carelessly, it may run code; tokenizer and class names are missing | `model.save_pretrained(folder, tokenizer)` |
# | `predict_sentiment` | cuts at 128 tokens unless told otherwise | reads as the model was trained to |

# %% [markdown]
# ## 6. Done right
#
# More reviews, more steps. But the new layer is random at first, so what it sends back into the encoder is random, too. When we trained all layers from the start, the loss stayed near a coin's 0.69 for one epoch or longer, depending on the seed. Three remedies:
#
# - **First the new layer alone**, on vectors that the encoder has made once. This is called a **linear probe**, and it takes seconds.
# - **Freeze the lower layers.** Then only the upper two layers and the pooler learn with it. `requires_grad_(False)` says so, and no gradients are worked out below. That saves nearly half of the work. And with fewer numbers to set, a model learns 365 reviews less easily by heart: people with little data often do it.
# - **Warm-up**: for a tenth of the steps the learning rate climbs. After that it falls to 0.
#
# ![The learning rate climbs from 0 to 2e-4 in 9 steps, the warm-up, and falls in a straight line to 0 at step 92](figures/10_schedule.svg)
#
# The peak is 2e-4 here, for two small layers. For all of mini the library's default is 1e-4. **For a BERT-base take 2e-5 to 5e-5**, as Devlin et al. (2018) did.
#
# What do we give up? Training all six layers for three or four epochs took us minutes, and on 122 validation reviews we could see no difference. With thousands of reviews it is worth its time: section 11.
#
# The library's `fit` trains and scores for some epochs, in buckets, and keeps the weights of the epoch that did best on validation.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## From the notebook that many know to ours
#
# | there | here |
# | --- | --- |
# | 50 reviews, no seed | 365, seeded |
# | 10 to validate | 122, and 209 to test once |
# | padded to the maximum | to the longest, in buckets |
# | all layers at once, 12 steps | new layer first, then the upper two, 92 steps |
# | accuracy alone | recall of each class, interval, rivals |
# | `torch.save` | safetensors, with the tokenizer |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** For each row ask what could go wrong on the left. `AdamW` has moved from transformers to torch, so its import fails today; `_warn_prf` was scikit-learn saying that some class was never named.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The learning rate of a run
#
# ![The learning rate climbs from 0 to 2e-4 in 9 steps, the warm-up, and falls in a straight line to 0 at step 92](figures/10_schedule.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Why begin small? The new layer is random, so the first gradients say little about the old layers. Why end small? So that the last batches do not throw it about. For a BERT-base take 2e-5 to 5e-5 as the peak; 2e-4 suits two layers of mini, which is smaller.

# %% tags=["timing", "nbval-ignore-output"]
import copy

from bertnotes.training import TrainConfig, fit

torch.manual_seed(0)
model = bertnotes.BERTClassifier("mini", num_classes=2).to(device)
data = (train_texts, train_labels), (held_texts, held_labels)
probe = TrainConfig(epochs=20, learning_rate=1e-2, max_length=128, seed=0, frozen=True)
history = fit(model, tokenizer, *data, probe)
kept = max(history, key=lambda entry: (entry["accuracy"], -entry["validation_loss"]))  # whose weights fit kept
alone = copy.deepcopy(model)  # for the exam
print("the new layer alone, epoch {epoch}: accuracy {accuracy:.2f}, loss {validation_loss:.2f}".format(**kept))

# %% tags=["check:probe"]
# checked: the new layer alone is far above a coin, and far above where it began; later epochs are no better than the kept one
assert 0.77 < kept["accuracy"] < 0.83 and history[0]["validation_loss"] > 0.6 > history[-1]["validation_loss"]
assert kept["epoch"] < 20 and abs(kept["validation_loss"] - 0.5) < 0.05

# %%
for part in (model.bert.embeddings, *model.bert.encoder.layer[:4]):
    part.requires_grad_(False)  # frozen
learning = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
print(f"{learning:,} numbers learn from here on")

# %% tags=["timing", "nbval-ignore-output"]
config = TrainConfig(epochs=2, batch_size=8, learning_rate=2e-4, max_length=128, seed=0)
history = history[: kept["epoch"]]  # what came after it was thrown away
history += [entry | {"epoch": kept["epoch"] + entry["epoch"]} for entry in fit(model, tokenizer, *data, config)]
for entry in history[-3:]:
    losses = f"training {entry['train_loss']:.2f}, validation {entry['validation_loss']:.2f}"
    print(f"epoch {entry['epoch']}: loss in {losses}; accuracy {entry['accuracy']:.2f}")

# %% tags=["check:fit"]
# checked: 92 steps on 3.7 million numbers; the losses end below those of the new layer alone, accuracy where it was
assert -(-len(train_texts) // 8) * 2 == 92 and len(history) == kept["epoch"] + 2 and round(learning / 1e6, 1) == 3.7
assert history[-1]["train_loss"] < kept["train_loss"] and history[-1]["validation_loss"] < kept["validation_loss"]
assert abs(history[-1]["accuracy"] - kept["accuracy"]) < 0.03

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The new layer alone, then the upper two as well

# %% slideshow={"slide_type": "-"}
from bertnotes.pictures.charts import learning_curve

figure = learning_curve(history, majority_accuracy(held_labels))

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** In the last two epochs 3.7 million numbers learn, before them only 770. What happens to the losses, and what to the accuracy? Right: the dotted line is what always naming one class gets.

# %% [markdown]
# Left, the loss. In the last two epochs the upper layers learn, before them the new layer alone. (It went on to epoch 20, but `fit` took the epoch that did best on validation.) Both losses fall a little further. The training loss jumps up first: that epoch's mean holds the first steps, which disturb what the new layer had learned, and dropout now works in all layers.
#
# If the training loss falls and the validation loss *rises*, a model learns its reviews by heart. This is called **overfitting**. It happened to us when all layers learned for more epochs. Here both still fall.
#
# Right, the accuracy: 0.80 before, 0.80 after, 97 of 122 both times. So what mini knows here, the new layer alone has read from it. And NBSVM has 0.84 on these reviews.
#
# ## 7. The exam, once
#
# Everything is chosen now: the layers that learn, the epoch, the learning rate, the length. We open the door. (You look once. We were less strict: three earlier recipes, in which all layers learned, were scored on these reviews, too. This one was chosen by validation and by the clock.)
#
# We send mini twice, with the new layer alone and with the upper layers trained. To be fair, NBSVM gets a second chance: mini used the validation reviews to choose an epoch, so a second NBSVM may learn from them as well. And one more rival: `mini-imdb`, the same mini, fine-tuned on 22,992 reviews of IMDB, which comes with the course. How much will mini get, if TF-IDF gets 0.74?

# %%
guess = None  # a share
imdb_model, imdb_tokenizer = bertnotes.BERTClassifier.from_pretrained("mini-imdb")  # one more rival: it knows IMDB


def verdicts(reader, texts):
    return predict_probabilities(texts, reader, tokenizer, max_length=384, batch_size=8).argmax(dim=-1).numpy()


# %% tags=["timing", "nbval-ignore-output"]
systems = {name: counter.predict for name, counter in counters.items()}
systems["NBSVM, more reviews"] = nbsvm().fit(train_texts + held_texts, train_labels + held_labels).predict
readers = {"mini, new layer alone": alone, "mini": model, "mini-imdb": imdb_model}
systems |= {name: partial(verdicts, reader) for name, reader in readers.items()}
answers = {name: predict(test_texts) for name, predict in systems.items()}
right = {name: answer == np.array(test_labels) for name, answer in answers.items()}
for name, found in right.items():
    print(f"{name:21} {wilson_interval(found.sum(), len(found))}")
print("your guess for mini:", guess)

# %% tags=["check:exam-of-209"]
# checked: the scores of the counters, and where mini's lies
assert [round(float(right[name].mean()), 2) for name in counters] == [0.74, 0.79]
assert abs(right["mini"].mean() - 0.82) < 0.02
assert wilson_interval(right["TF-IDF"].sum(), 209).high > wilson_interval(right["mini"].sum(), 209).low
assert abs(right["mini, new layer alone"].mean() - 0.79) < 0.02
assert abs(right["NBSVM, more reviews"].mean() - 0.80) < 0.01 and abs(right["mini-imdb"].mean() - 0.81) < 0.01

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The exam: 209 reviews, once
#
# - TF-IDF, from 365 reviews: 0.74
# - NBSVM, from 365 reviews: 0.79; mini with its new layer alone: 0.79
# - NBSVM, from 487 reviews: 0.80
# - mini-imdb, from 22,992 reviews of IMDB, none of ours: 0.81
#
# And **mini**, its upper two layers trained as well?

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Take guesses, and let them give reasons: mini has met the words of praise in its pre-training, the counters have not. mini-imdb has seen many more reviews, but of real films by other people.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## The exam: 209 reviews, once

# %% slideshow={"slide_type": "-"}
from bertnotes.pictures.charts import estimate_chart

rows = {name: [wilson_interval(found.sum(), len(found))] for name, found in right.items()}
figure = estimate_chart({"": rows}, "correct in %, with the 95 % interval", marks={"coin": 0.5})

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Do the bars of mini and NBSVM overlap? They do, and still that is not the question: both read the same reviews. Ask who was right where only one was: next.

# %% [markdown]
# mini gets 0.82 from 365 reviews, its new layer alone 0.79, NBSVM 0.79, TF-IDF 0.74. mini-imdb, with 22,992 reviews of real films behind it, gets 0.81 on our invented ones: about as much as mini with 365 of ours. All these intervals overlap, which is no test (page 09).
#
# One thing is odd: TF-IDF had 0.84 on validation and has 0.74 here, NBSVM 0.84 and 0.79. Nothing was chosen by that, and these reviews are no harder for mini. So far can two samples of a hundred or two lie apart.
#
# All read the same reviews, so we may look closer: at those on which only one of two was right. If both were equally good, each of these would be the toss of a coin. McNemar's test (page 09) asks how often coins fall at least so unevenly; that probability is *p*.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.evaluation import mcnemar

for rival in ("mini, new layer alone", "TF-IDF", "NBSVM", "NBSVM, more reviews"):
    only_mini, only_rival, p = mcnemar(test_labels, answers["mini"], answers[rival])
    print(f"only mini right: {only_mini:2}   only {rival} right: {only_rival:2}   p = {p:.3f}")

# %% tags=["check:in-pairs"]
# checked: with NBSVM the reviews on which only one is right do not tell who is better
assert rival == "NBSVM, more reviews" and abs(only_mini - only_rival) < 15 and p > 0.2
only_mini, only_rival, p = mcnemar(test_labels, answers["mini"], answers["NBSVM"])
assert p > 0.2 and 0 < only_mini - only_rival < 14
by_layers, by_layer, p = mcnemar(test_labels, answers["mini"], answers["mini, new layer alone"])
assert p > 0.15 and 0 < by_layers - by_layer < 12
assert 0.01 < mcnemar(test_labels, answers["mini"], answers["TF-IDF"])[2] < 0.12

# %% [markdown]
# First mini against itself: with its upper layers trained it is right alone on about 16 reviews, with the new layer alone on 10. If they were equally good, coins would fall so unevenly one time in three. So the gain may be luck: from 365 reviews, one layer on frozen vectors learned nearly as much. Against NBSVM it is about 31 to 25: if both were equally good, coins would fall so unevenly half of the time. On the validation reviews NBSVM was even ahead. So with a few hundred reviews, mini and a method that counts words are **level**: this page cannot tell them apart. Against TF-IDF the p lies near the usual limit of 0.05. But we tested four rivals, and this is one run with one seed, so we would not lean on it. With more labels it looks different: section 11.
#
# ## 8. The hard ones
#
# mini has learned from plain reviews only. Now 240 of the 580 hard ones, drawn at random (all of them would take longer). All systems read them whole. A guess for mini, and one for NBSVM?

# %%
guess = None  # such as (0.7, 0.6)

# %% tags=["timing", "nbval-ignore-output"]
some, hard_right = hard.sample(240, random_state=0), {}
for name in ("TF-IDF", "NBSVM", "mini"):
    hard_right[name] = systems[name](some["review"].tolist()) == some["label"].to_numpy()
    print(f"{name:8} {wilson_interval(hard_right[name].sum(), len(some))}")
print("your guess:", guess)

# %% tags=["check:words-of-the-hard"]
# checked: how many words the training reviews hold, and how long hard reviews are
import re

from bertnotes.experiments.records import unpack_probabilities

words = [[re.findall(r"\w+", text.lower()) for text in some_texts] for some_texts in (train_texts, some["review"], test_texts)]
known = {word for text in words[0] for word in text}
shares = [np.mean([word in known for text in side for word in text]) for side in words[1:]]
assert [round(share, 2) for share in shares] == [0.89, 0.86] and 1.9 < np.mean([*map(len, words[1])]) / np.mean(
    [*map(len, words[2])]
) < 2.1

# %% tags=["check:hard"]
# checked: on the hard reviews the counters are near a coin, mini's interval ends below 0.5; mini-imdb; the review below
record = json.loads((bertnotes.files.RESULTS / "verdicts-on-reviews.json").read_text(encoding="utf-8"))
of_imdb = unpack_probabilities(record["positive"])[some.index] > 0.5
assert len(frame) == record["reviews"] and abs((of_imdb == some["label"]).mean() - 0.35) < 0.01
octopus = hard[hard["review"].str.startswith("By all means stay at home. Believe the poster")]
assert len(octopus) == 1 and octopus[["note", "sentiment"]].iloc[0].tolist() == ["irony", "positive"]
assert all(abs(hard_right[name].mean() - 0.5) < 0.05 for name in ("TF-IDF", "NBSVM"))
assert wilson_interval(hard_right["mini"].sum(), 240).high < 0.48 and abs(hard_right["mini"].mean() - 0.37) < 0.03

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## 240 hard reviews: irony, verdicts that turn at the end
#
# > Believe the poster, wait for the disc ... You'd hate the lighthouse. You'd be bored stiff ... There is nothing to see.
#
# A coin gets 0.50. And TF-IDF, NBSVM, mini?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | | correct |
# | --- | --- |
# | TF-IDF | 0.50 (0.43 to 0.56) |
# | NBSVM | 0.52 (0.46 to 0.58) |
# | mini | **0.37** (0.31 to 0.43) |

# %% [markdown] slideshow={"slide_type": "notes"}
# **4 minutes.** Read the octopus aloud from the page, then vote: positive or negative? Then the table: mini is *below* a coin. Who can explain how one can be worse than knowing nothing? It has learned which words praise, and here they are said for the other side.

# %% [markdown]
# mini gets 0.37. That is *below* a coin, and the interval does not come near 0.5. So it is not blind to these reviews, it is misled. Our guess at the reason: it has learned which words praise and which blame. In hard reviews these are often said for the other side: before a *but*, with a *not*, in irony. (That it has met only plain ones cannot be all: mini-imdb, with its real reviews, is no better here, 0.35.) The counters come out near a coin. It is not that they know fewer of the words: 89 % of the words in these hard reviews stand in the training reviews, 86 % of those in the test reviews. (Hard reviews are also twice as long.)
#
# What is so hard? Read one of them, marked *irony*. Is it positive or negative?
#
# > By all means stay at home. Believe the poster, wait for the disc, tell your friends it's a children's film about an octopus. The Rialto has sixty-two seats, I've had the same one since Monday, and we regulars don't need you coughing through the bit where the tide goes out and keeps on going. You'd hate the lighthouse. You'd be bored stiff by the old woman teaching the thing its letters, one arm at a time, and I certainly shouldn't want you getting to your feet alongside us when it reaches H. It closes on Thursday. There is nothing to see.
#
# Positive, of course, and its words say the opposite: *bored stiff*, *hate*, *nothing to see*. Plain reviews hardly teach that.
#
# ## 9. One review
#
# *The plot is thin, but the acting is superb.* What will our classifier say? And what `mini-imdb`?

# %%
guess = None  # two probabilities of "positive", such as (0.9, 0.9)

# %% tags=["timing", "nbval-ignore-output"]
TEXT = "The plot is thin, but the acting is superb."
readers = {"ours": model, "mini-imdb": imdb_model}
positive = {name: predict_probabilities([TEXT], reader, tokenizer)[0, 1].item() for name, reader in readers.items()}
print(*(f"{name}: {share:.2f} positive  " for name, share in positive.items()), " your guess:", guess)

# %% tags=["check:superb"]
# checked: mini-imdb calls it positive
assert positive["mini-imdb"] > 0.9

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## *The plot is thin, but the acting is superb.*
#
# - What will our classifier say, and what `mini-imdb`?
# - And if the two halves change places?

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Take guesses for all four. mini-imdb: 0.94 positive, and 0.00 when the halves change places: what stands after *but* counts. Run the page's cell for ours.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## *The plot is thin, but the acting is superb.*
#
# mini-imdb, last layer: the head whose `[CLS]` looks most at one word.

# %% slideshow={"slide_type": "-"}
read = bertnotes.attend(TEXT, model=imdb_model, tokenizer=imdb_tokenizer)
of_cls = read.weights[-1, :, 0]  # last layer: (head, is looked at)
head = of_cls[:, 1:-1].max(dim=-1).values.argmax().item()
ax = bertnotes.attention_heatmap(read, layer=6, head=head + 1)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Read the first row: where does [CLS] look? Then ask whether that is *why* the verdict is what it is, and let the class propose a change of one word that tests it.

# %% [markdown]
# We took the head of the last layer whose `[CLS]` looks most at a single word: one of twelve, chosen for this picture. The first row: it gives *superb* 0.53 of `[CLS]`'s attention, *thin* 0.04. So *superb* made the verdict? It is tempting. But page 08 warned us: looking is not causing. A picture of attention is a hypothesis, and a hypothesis can be tested. We change the text and look what becomes of the verdict. (Last column: the word at which the same head looks most.)

# %% tags=["timing", "nbval-ignore-output"]
turned = "The acting is superb, but the plot is thin."
changes = [TEXT, TEXT.replace("superb", "awful"), TEXT.replace("thin", "rich"), TEXT.replace(", but", " and"), turned]
table = {}
print("mini-imdb   ours   mini-imdb looks at")
for text in changes:
    read = bertnotes.attend(text, model=imdb_model, tokenizer=imdb_tokenizer)
    hottest = read.tokens[1 + read.weights[-1, head, 0, 1:-1].argmax()]
    chances = [predict_probabilities([text], reader, tokenizer)[0, 1].item() for reader in (imdb_model, model)]
    table[text] = (*chances, hottest)
    print(f"{chances[0]:9.2f} {chances[1]:6.2f}   {hottest:17} {text}")

# %% tags=["check:one-word-changed"]
# checked: what turns mini-imdb's verdict, and where the head looks; with the comma kept, and with the halves and *and*
others = TEXT.replace(", but", ", and"), turned.replace("but", "and")
more = predict_probabilities(list(others), imdb_model, tokenizer)[:, 1]
assert abs(more[0] - 0.54) < 0.05 and more[1] < 0.05
assert [round(table[text][0], 1) for text in changes] == [0.9, 0.0, 1.0, 0.2, 0.0]
assert [table[text][2] for text in changes] == ["superb", "awful", "superb", "superb", "thin"] and [
    table[text][1] > 0.85 for text in changes
] == [True, False, True, True, True]
read = bertnotes.attend(TEXT, model=imdb_model, tokenizer=imdb_tokenizer)
superb, thin = (read.weights[-1, head, 0, read.tokens.index(word)] for word in ("superb", "thin"))
assert abs(superb - 0.53) < 0.02 and abs(thin - 0.04) < 0.01

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Is *superb* the reason? Change a word
#
# | | mini-imdb | ours | the head looks at |
# | --- | --- | --- | --- |
# | The plot is thin, but the acting is superb. | 0.9 | 0.9 | superb |
# | ... is **awful** | 0.0 | 0.0 | awful |
# | The plot is **rich**, ... | 1.0 | 1.0 | superb |
# | ... thin **and** the acting ... | **0.2** | 1.0 | superb |
# | The acting is superb, but the plot is thin. | 0.0 | 1.0 | thin |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Probability of *positive*, rounded. Look at row four: the head still looks at *superb*, and the verdict is negative. Where a head looks most is not what the verdict says.

# %% [markdown]
# Read it row by row, first mini-imdb.
#
# 1. It says positive, and the head looks at *superb*.
# 2. *Awful* instead turns the verdict. So far the picture was right.
# 3. *Rich* instead of *thin* makes it surer. So it has read *thin* as well, which got 0.04 of this attention.
# 4. *And* instead of the comma and *but*: the head still looks at *superb*, but the verdict is negative. (With the comma kept it is undecided, 0.54.) **Where a head looks most is not what the verdict says.**
# 5. The halves change places: negative, and with *and* for *but* as well. So it need not be the *but*: perhaps the end counts more, or *thin* does at the end.
#
# And ours? It says 0.9 or more in every row but the second, also when the halves change places. It goes by *superb*, wherever that stands. Its 365 reviews were the plain ones, in which words of praise mean what they say. That fits our guess at the hard ones. Page 12 asks *why that verdict?* with better tools than a heatmap.
#
# ## 10. Keep it, and take it elsewhere
#
# `save_pretrained` writes weights, tokenizer, class names and how the model reads. What it writes is a folder that `transformers` knows: one line opens it as a *pipeline*, without the course.

# %%
del imdb_model, readers
from tempfile import TemporaryDirectory

from transformers import pipeline

with TemporaryDirectory() as folder:
    model.save_pretrained(folder, tokenizer)
    judge = pipeline("text-classification", model=folder, device="cpu")
verdict = judge(TEXT)[0]
print(verdict["label"], "by the pipeline and", bertnotes.predict_sentiment(TEXT, model, tokenizer), "by predict_sentiment")

# %% tags=["check:pipeline"]
# checked: transformers' pipeline gives the verdict and its probability
chance = predict_probabilities([TEXT], model, tokenizer).max().item()
assert verdict["label"] == bertnotes.predict_sentiment(TEXT, model, tokenizer) and abs(verdict["score"] - chance) < 1e-4

# %% [markdown]
# (Texts of more than 512 tokens are an error in a pipeline: `judge(text, truncation=True)` reads their beginning.)
#
# Could `transformers` have done the training as well? Yes. Its `Trainer` has such a loop inside, with AdamW, a linear schedule, clipping at 1, and batches padded to their longest review:

# %%
from transformers import AutoModelForSequenceClassification, Trainer, TrainingArguments


def with_trainer(texts, labels, folder, **settings):
    rows = tokenizer(texts, truncation=True, max_length=128)["input_ids"]
    items = [{"input_ids": ids, "label": label} for ids, label in zip(rows, labels, strict=True)]
    start = AutoModelForSequenceClassification.from_pretrained(bertnotes.files.MINI, dtype="float32")
    settings = {"learning_rate": 1e-4, "warmup_steps": 0.1, "num_train_epochs": 2, "report_to": "none"} | settings
    arguments = TrainingArguments(folder, per_device_train_batch_size=8, **settings)
    trainer = Trainer(start, arguments, train_dataset=items, processing_class=tokenizer)
    trainer.train()
    return trainer


# %% tags=["check:trainer"]
# checked: it trains; two steps on four reviews
import io
from contextlib import redirect_stdout

from bertnotes.names import quiet

with TemporaryDirectory() as folder, quiet(), redirect_stdout(io.StringIO()):
    short = {"max_steps": 2, "disable_tqdm": True, "save_strategy": "no", "logging_strategy": "no", "use_cpu": True}
    state = with_trainer(train_texts[:4], train_labels[:4], folder, **short).state
assert state.global_step == 2

# %% [markdown]
# (Run it with `with_trainer(train_texts, train_labels, "runs/trainer")`. With more than two classes, `from_pretrained` needs `num_labels`. It begins with a random layer, chooses no epoch, and shuffles without buckets. `dtype` matters: mini is stored in 16 bits, in which it should not be trained.)
#
# **And your own file?** `bertnotes train --data mine.csv --text-column text --label-column topic --head-epochs 20 --out runs/mine` trains on a table of texts and labels, the new layer first; `--dry-run` in front says what is wrong with the file and how long it will take; `bertnotes predict --model runs/mine --file new.csv --out judged.csv` uses it. With rare classes add `--class-weights balanced`, with long texts `--truncation head+tail`. For texts that are not English name another `--model`, and *with it* `--learning-rate 3e-5`: the default of 1e-4 suits mini. Put the test texts aside first: texts by one customer belong on one side. Page 14 goes through it step by step.
#
# ## 11. On full IMDB
#
# These are stored results on the 25,000 reviews of IMDB's official test set, each the mean of three runs with different seeds; TF-IDF and NBSVM need no seed. Some you know from page 09. What does training all layers add, with so many reviews? In this table *64 + 190* means: of a long review the first 64 tokens and the last 190, with `[CLS]` and `[SEP]` 256. In **LoRA** the encoder stays as it is, and a small change of each matrix is learned, here in 1.9 MB.

# %%
from bertnotes.experiments.records import read_record

named = {
    "TF-IDF": "tfidf", "NBSVM": "nbsvm", "mini, encoder frozen": "mini-frozen", "mini, first 128 tokens": "mini-128",
    "mini, first 256": "mini-256", "mini, 64 + 190 tokens": "mini-256-head+tail", "mini-imdb (LoRA), 64 + 190": "mini-imdb",
}  # fmt: skip
scores = {}
for name, row in named.items():
    records = [read_record(path) for path in sorted(bertnotes.files.RESULTS.glob(f"imdb-{row}-seed*.json"))]
    scores[row] = 100 * np.mean([record["accuracy"] for record in records])
    print(f"{name:27} {scores[row]:.1f}")

# %% tags=["check:full-imdb"]
# checked: what the text says of the rows, and the size of the delta
told = {"tfidf": 90.6, "nbsvm": 91.4, "mini-frozen": 84.0, "mini-128": 86.0, "mini-256": 90.7, "mini-256-head+tail": 91.9}
assert {row: round(float(score), 1) for row, score in scores.items()} == told | {"mini-imdb": 92.4}
assert round((bertnotes.files.MINI_IMDB / "adapter_model.safetensors").stat().st_size / 1e6, 1) == 1.9
assert len(records) == 3 and records[0]["train_reviews"] == 22_992
seconds = [
    read_record(bertnotes.files.RESULTS / f"imdb-{row}-seed0.json")["train_seconds"] for row in ("nbsvm", told.popitem()[0])
]
assert seconds[0] < 30 and 3_600 < seconds[1] < 4_000

# %% [markdown]
# Read it in pairs.
#
# - **All layers or the new one alone?** 91.9 against 84.0. With 365 reviews, of which the upper two layers learned, the gain may be luck; with 23,000 all layers together add 8 points.
# - **How much is read?** 86.0 with the first 128 tokens, 90.7 with 256, 91.9 with beginning and end. Many reviewers sum up at the end.
# - **BERT or counting words?** NBSVM reads everything, learns from all 25,000 in half a minute, and gets 91.4. mini has to read well to beat that, and takes an hour on two cores.
# - **LoRA or all weights?** 92.4 against 91.9, with fewer numbers that learn. But learning rate and machines differ, too: page 13.
#
# How sure such numbers are is the question of page 11.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Full IMDB
#
# | | correct on 25,000 test reviews |
# | --- | --- |
# | TF-IDF | 90.6 % |
# | NBSVM | 91.4 % |
# | mini, encoder frozen | 84.0 % |
# | mini, first 128 tokens | 86.0 % |
# | mini, first 256 tokens | 90.7 % |
# | mini, 64 + 190 tokens | 91.9 % |
# | mini-imdb, the same by LoRA | **92.4 %** |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Cover the right column first. How much does mini lose by reading 128 tokens? And who would have thought that counting words gets 91.4? Is 91.9 really more? Page 11.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Fine-tuning puts one layer on a pre-trained encoder and trains it together with all layers below, or some. It takes four short definitions.
# - Three piles: learn, choose, and look once. A score needs its interval, the more frequent class, and a plain method beside it.
# - Pad to the longest of the batch. Train the new layer first, warm up, and with few labels freeze the lower layers. A BERT-base takes a learning rate of 2e-5 to 5e-5.
# - With 365 reviews mini, its new layer alone and NBSVM are level; with 23,000 of IMDB all layers together gain 8 points, and mini is half a point ahead of NBSVM. A classifier knows the kind of reviews that it has learned from.
#
# **Next:** page 11 asks how sure all this is.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Close the lid: what are the three piles for?

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# Work in the copy of the [exercises](exercises/10.ipynb) in `notebooks/my`. Six of them are the parts of this page once more, but on *your own* BERT of page 05, down to a training step without any optimizer. The last one is a training loop with two bugs.

# %% tags=["exercises"]
import torch
from torch.nn.functional import cross_entropy, layer_norm

from bertnotes.exercises import check, hint, solution  # noqa: F401


# %% tags=["exercises"]
def lent_linear(x, weights, name):
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def lent_norm(x, weights, name):
    return layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-12)


# %% tags=["exercises"]
def lent_layer(hidden, mask, weights, at):
    made = [lent_linear(hidden, weights, f"{at}attention.{name}") for name in ("query", "key", "value")]
    query, key, value = (one.unflatten(-1, (weights["num_heads"], -1)).transpose(1, 2) for one in made)
    scores = (query @ key.mT / key.shape[-1] ** 0.5).masked_fill(~mask, -torch.inf)
    found = (scores.softmax(dim=-1) @ value).transpose(1, 2).flatten(2)
    seen = lent_norm(hidden + lent_linear(found, weights, f"{at}attention.output"), weights, f"{at}attention_norm")
    wide = torch.nn.functional.gelu(lent_linear(seen, weights, f"{at}expand"))
    return lent_norm(seen + lent_linear(wide, weights, f"{at}contract"), weights, f"{at}output_norm")


# %% tags=["exercises"]
try:
    from my_bert import encoder  # yours, from page 05
except ImportError:  # it is not there yet: this one does until it is

    def encoder(input_ids, attention_mask, weights):
        hidden = weights["embeddings.word.weight"][input_ids] + weights["embeddings.token_type.weight"][0]
        places = weights["embeddings.position.weight"][: input_ids.shape[1]]
        hidden = lent_norm(hidden + places, weights, "embeddings.norm")
        mask, number = attention_mask[:, None, None, :].bool(), 0
        while f"layers.{number}.expand.weight" in weights:
            hidden, number = lent_layer(hidden, mask, weights, f"layers.{number}."), number + 1
        return hidden


# %% [markdown] tags=["exercise:truncate"]
# ### The beginning and the end · ● · 8 minutes
#
# A review is too long, and its verdict may stand at the end. `ids`, (position,), begin with `[CLS]` and end with `[SEP]`. Cut them to `max_length`: the two ends stay, a quarter of the room that is left (rounded down) goes to the beginning, the rest to the end. A review that fits stays as it is.

# %% [markdown] tags=["hint:truncate"]
# Of `max_length` tokens two are `[CLS]` and `[SEP]`. So `room = max_length - 2`, and the beginning gets `room // 4` of it.

# %% [markdown] tags=["hint:truncate"]
# The beginning with `[CLS]` is `ids[: 1 + head]`. Where does the end begin, if it has `tail` tokens and `[SEP]`?

# %% [markdown] tags=["hint:truncate"]
# `ids[len(ids) - 1 - tail :]`, with `tail = room - head`. Join the two with `torch.cat`.


# %% tags=["exercise:truncate"]
def truncate(ids, max_length):
    """The ids of one review, cut to max_length."""
    # solution
    if len(ids) <= max_length:
        return ids
    head = (max_length - 2) // 4
    tail = max_length - 2 - head
    return torch.cat([ids[: 1 + head], ids[len(ids) - 1 - tail :]])
    # end of solution


check("truncate", truncate)

# %% [markdown] tags=["reason:truncate"]
# On IMDB this is worth more than a point of accuracy at 256 tokens: the two rows of section 11. Sun et al. (2019) found it so for BERT-base at 512 tokens, with 128 for the beginning and 382 for the end.

# %% [markdown] tags=["exercise:make_batch"]
# ### A batch · ●● · 10 minutes
#
# `rows` are the ids of some reviews, tensors of different lengths; `labels` is (batch,). Return a dict: `"input_ids"`, (batch, position), filled up with 0 on the right to the longest review; `"attention_mask"`, of the same shape, 1 for a token and 0 for padding; `"label"`.

# %% [markdown] tags=["hint:make_batch"]
# How wide is the batch? `max(len(row) for row in rows)`.

# %% [markdown] tags=["hint:make_batch"]
# Begin with two tables of zeros, `torch.zeros(len(rows), width, dtype=torch.long)`, and fill them row by row.

# %% [markdown] tags=["hint:make_batch"]
# `ids[number, : len(row)] = row` and `mask[number, : len(row)] = 1`, for `number, row in enumerate(rows)`.


# %% tags=["exercise:make_batch"]
def make_batch(rows, labels):
    """Reviews of different lengths as one batch: a dict of input_ids, attention_mask and label."""
    # solution
    width = max(len(row) for row in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
        mask[number, : len(row)] = 1
    return {"input_ids": ids, "attention_mask": mask, "label": labels}
    # end of solution


check("make_batch", make_batch)

# %% [markdown] tags=["reason:make_batch"]
# 0 is the id of `[PAD]` in mini. Which id one takes does not matter for the verdict, as long as the mask says that nobody may look at it.

# %% [markdown] tags=["exercise:bucketed"]
# ### Batches of like length · ● · 6 minutes
#
# `lengths`, (review,), are the tokens of each review, all different. Return the batches, a tuple of tensors: each holds the *numbers* of `batch_size` reviews, counted from 0, beginning with the shortest. The last batch may be smaller.

# %% [markdown] tags=["hint:bucketed"]
# Which function gives not the sorted numbers, but their places?

# %% [markdown] tags=["hint:bucketed"]
# `lengths.argsort()`. Then cut it: `.split(batch_size)`.


# %% tags=["exercise:bucketed"]
def bucketed(lengths, batch_size):
    """The numbers of the reviews of each batch, the shortest reviews first."""
    # solution
    return lengths.argsort().split(batch_size)
    # end of solution


check("bucketed", bucketed)

# %% [markdown] tags=["reason:bucketed"]
# For scoring that is all. For training it would be too orderly: the same reviews would meet in each epoch, the short ones always first. So the library shuffles, sorts within pools of 50 batches, and shuffles the batches.

# %% [markdown] tags=["exercise:classify"]
# ### The classifier · ●● · 10 minutes
#
# `input_ids` and `attention_mask` are (batch, position), `weights` is a dict as on page 05, with four tables more: `"pooler.weight"`, `"pooler.bias"`, `"classifier.weight"`, `"classifier.bias"`. Return the logits, (batch, class). Use `encoder`. No dropout.

# %% [markdown] tags=["hint:classify"]
# `encoder(input_ids, attention_mask, weights)` is (batch, position, size). Of it you need the vector of `[CLS]`.

# %% [markdown] tags=["hint:classify"]
# The pooler is a matrix, a bias and tanh: `(vector @ weights["pooler.weight"].T + weights["pooler.bias"]).tanh()`.

# %% [markdown] tags=["hint:classify"]
# The vector is `encoder(...)[:, 0]`. The classifier is a matrix and a bias, and nothing after it.


# %% tags=["exercise:classify"]
def classify(input_ids, attention_mask, weights):
    """The logits of some reviews: (batch, class)."""
    # solution
    first = encoder(input_ids, attention_mask, weights)[:, 0]
    pooled = (first @ weights["pooler.weight"].T + weights["pooler.bias"]).tanh()
    return pooled @ weights["classifier.weight"].T + weights["classifier.bias"]
    # end of solution


check("classify", classify)

# %% [markdown] tags=["reason:classify"]
# Position 0 is `[CLS]` in every review, whatever its length, so it needs no mask here. Logits are returned without softmax, because the loss wants them so, and the largest logit is the largest probability anyway.

# %% [markdown] tags=["exercise:accuracy"]
# ### Accuracy, over batches · ● · 6 minutes
#
# `logits` and `labels` are tuples with a tensor for each batch, (batch, class) and (batch,). The last batch may be smaller. Return the share of *all* reviews whose largest logit belongs to the true class.

# %% [markdown] tags=["hint:accuracy"]
# `one.argmax(dim=-1) == labels_of_it` says for each review of a batch whether it is right.

# %% [markdown] tags=["hint:accuracy"]
# Add up the right answers of all batches, and divide by the number of all reviews. Or join the batches first, with `torch.cat`.


# %% tags=["exercise:accuracy"]
def accuracy(logits, labels):
    """The share of all reviews that is right."""
    # solution
    answers = torch.cat(logits).argmax(dim=-1)
    return (answers == torch.cat(labels)).double().mean()
    # end of solution


check("accuracy", accuracy)

# %% [markdown] tags=["reason:accuracy"]
# The mean of the batches' accuracies is a common slip. With 122 reviews in batches of 16 the last one holds 10: each of these would count 1.6 times as much as the others.

# %% [markdown] tags=["exercise:train_step"]
# ### A training step, without an optimizer · ●●● · 14 minutes
#
# `batch` is what `make_batch` gives, `weights` what `classify` takes, `rate` the learning rate. Take one step of gradient descent. Return two things: the mean cross-entropy of the batch *before* the step, and a dict of the tables after it: each table minus `rate` times its gradient. `"num_heads"` is a number and has no gradient: leave it out. Do not change `weights`.
#
# When it passes, your BERT can be fine-tuned: run `from bertnotes.exercises.page10 import with_mini` and then `with_mini(make_batch, classify, train_step)`.

# %% [markdown] tags=["hint:train_step"]
# Make new tables that keep track of gradients: `{name: table.clone().requires_grad_() for name, table in weights.items() if name != "num_heads"}`.

# %% [markdown] tags=["hint:train_step"]
# `classify(..., weights | tables)` runs on them, and finds `num_heads` as well. Then `cross_entropy(logits, batch["label"])`.

# %% [markdown] tags=["hint:train_step"]
# After `loss.backward()` each table has its gradient in `.grad`. Return `loss.detach()` and `{name: (table - rate * table.grad).detach() for name, table in tables.items()}`.


# %% tags=["exercise:train_step"]
def train_step(batch, weights, rate):
    """The loss before the step, and the tables after it."""
    # solution
    tables = {name: table.clone().requires_grad_() for name, table in weights.items() if name != "num_heads"}
    logits = classify(batch["input_ids"], batch["attention_mask"], weights | tables)
    loss = cross_entropy(logits, batch["label"])
    loss.backward()
    return loss.detach(), {name: (table - rate * table.grad).detach() for name, table in tables.items()}
    # end of solution


check("train_step", train_step)

# %% [markdown] tags=["reason:train_step"]
# This is what `loss.backward()`, `optimizer.step()` and `optimizer.zero_grad()` do together, for the simplest optimizer. AdamW divides each gradient by a running mean of its size, so that tables with small gradients learn as fast as others.

# %% [markdown] tags=["exercise:fine_tune"]
# ### A loop with two bugs · ●● · 8 minutes
#
# A new layer is trained on the vectors of a frozen encoder. `features` is (review, size), `labels` (review,); four reviews are a batch, and the learning rate is to fall in a straight line from `rate` to 0 over all steps. It runs without an error. There are two bugs, both common. Mend them.

# %% [markdown] tags=["hint:fine_tune"]
# What does `cross_entropy` do with the numbers that it gets, before it takes a logarithm?

# %% [markdown] tags=["hint:fine_tune"]
# After how many steps is the rate 0 here, and how many steps are there?

# %% [markdown] tags=["hint:fine_tune"]
# Give it the logits as they are, and let the rate fall over all `epochs * batches` steps.


# %% tags=["exercise:fine_tune"]
def fine_tune(features, labels, epochs, rate):
    """The weights of the new layer: (class, size)."""
    weight = torch.zeros(2, features.shape[1], requires_grad=True)
    batches = len(features) // 4
    for step in range(epochs * batches):
        rows = slice(4 * (step % batches), 4 * (step % batches) + 4)
        logits = features[rows] @ weight.T
        # solution
        loss = cross_entropy(logits, labels[rows])
        falling = rate * (1 - step / (epochs * batches))
        # instead:
        # loss = cross_entropy(logits.softmax(dim=-1), labels[rows])
        # falling = rate * max(0, 1 - step / epochs)
        # end of solution
        (gradient,) = torch.autograd.grad(loss, weight)
        weight = (weight - falling * gradient).detach().requires_grad_()
    return weight.detach()


check("fine_tune", fine_tune)

# %% [markdown] tags=["reason:fine_tune"]
# With softmax applied twice the loss still falls, but the probabilities that it sees lie between 0.27 and 0.73, so it can never get below 0.31. And a schedule that counts epochs reaches 0 within the first epoch: after that nothing is learned, and no error says so. Print the learning rate now and then.

# %% [markdown]
# ## Sources
#
# Years are those on arXiv, where there is one.
#
# - Devlin, Chang, Lee, Toutanova (2018). *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* arXiv:1810.04805. Its appendix A.3 has the recipe: learning rates of 5e-5, 3e-5 and 2e-5, and 2 to 4 epochs
# - Loshchilov, Hutter (2017). *Decoupled Weight Decay Regularization.* arXiv:1711.05101 (AdamW)
# - Kumar, Raghunathan, Jones, Ma, Liang (2022). *Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution.* arXiv:2202.10054 (first a probe, then everything)
# - Sun, Qiu, Xu, Huang (2019). *How to Fine-Tune BERT for Text Classification?* arXiv:1905.05583
# - Hu and others (2021). *LoRA: Low-Rank Adaptation of Large Language Models.* arXiv:2106.09685
# - Maas and others (2011). *Learning Word Vectors for Sentiment Analysis.* ACL (IMDB)
# - Wang, Manning (2012). *Baselines and Bigrams: Simple, Good Sentiment and Topic Classification.* ACL (NBSVM)
# - McNemar (1947). *Note on the sampling error of the difference between correlated proportions or percentages.* Psychometrika 12
