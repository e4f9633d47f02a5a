# %% [markdown] slideshow={"slide_type": "slide"} question="How does a pre-trained BERT become a sentiment classifier?"
# # 10 · Fine-tuning: from guessing words to judging films
#
# **The question.** A pre-trained BERT can guess a hidden word. How does it learn to say whether a review is positive, and how do
# we know that it learned more than which class is commoner?
#
# **You need:** notebooks 01, 05 and 06. **Time:** about 25 minutes to read; the training cell takes half a minute to a minute on two
# cores.

# %%
from bertnotes.data import FIRST_REVIEWS as REVIEWS
from bertnotes.data import LABELS, read_reviews, split_validation

frame = read_reviews(REVIEWS, ("review", "sentiment", "note"))
print(f"{len(frame)} reviews, {frame['sentiment'].eq('positive').sum()} of them positive")
print(frame["note"].replace("", "(none)").value_counts().to_string())

# %% [markdown] slideshow={"slide_type": "subslide"}
# The column `note` marks hard cases: a verdict that is only implied, an ironic one, one that turns in the last sentence. They are put
# aside for later. The others say plainly what their author thought, but in words that hardly recur from one review to the next.

# %%
plain = frame[frame["note"] == ""]
texts, labels = plain["review"].tolist(), [LABELS.index(name) for name in plain["sentiment"]]
print(f"{len(texts)} plain reviews, {sum(labels)} of them positive; the first:")
print(texts[0])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three piles
#
# Three in ten reviews are put aside as the **test** set: it is scored once, at the end. Of the rest a part is the **validation**
# set, which chooses among epochs. The model learns from what remains. Choosing by the test set would be studying the exam paper.
# The piles are *stratified* (as many positive ones in each) and *seeded* (the same for you and me).

# %%
rest_texts, test_texts, rest_labels, test_labels = split_validation(texts, labels, size=0.3, seed=0)
train_texts, held_texts, train_labels, held_labels = split_validation(rest_texts, rest_labels, size=0.15, seed=0)
print(f"train {len(train_texts)}, validation {len(held_texts)}, test {len(test_texts)}")
assert not set(train_texts) & set(test_texts) and not set(held_texts) & set(test_texts)

# %% [markdown]
# ## Two bars to clear
#
# The lower bar: always name the commonest class. The higher one: TF-IDF counts words and pairs of words, and a logistic
# regression weighs the counts. It trains in a blink, knows nothing of order beyond two neighbours, and is hard to beat.

# %%
from bertnotes.baselines import tfidf_logistic_regression
from bertnotes.data import majority_accuracy

majority = majority_accuracy(test_labels)
tfidf_model = tfidf_logistic_regression().fit(train_texts, train_labels)
tfidf = tfidf_model.score(test_texts, test_labels)
print(f"on the test reviews: commonest class {majority:.2f}, TF-IDF {tfidf:.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The model: an encoder and one layer more
#
# `BERTClassifier` is the pre-trained encoder, and on its pooled output (one vector for the whole review) a single linear layer
# with one output for each class. That layer starts with small random weights: it has everything to learn. Inside the encoder,
# attention is the function of notebook 01.

# %%
import torch

from bertnotes import BERTClassifier, load_tokenizer, predict_sentiment

torch.manual_seed(0)
model, tokenizer = BERTClassifier("mini", num_classes=2), load_tokenizer("mini")
new = sum(weight.numel() for weight in model.classifier.parameters())
everything = sum(weight.numel() for weight in model.parameters())
print(f"{new} of {everything:,} parameters are new")
assert model.bert.config._attn_implementation == "bertnotes"

# %% [markdown] slideshow={"slide_type": "subslide"}
# **Question.** Before any training, which accuracy do you expect on the validation reviews? One random layer may be lucky, so we
# draw five.

# %%
from bertnotes import TextClassificationDataset, evaluate
from bertnotes.batching import evaluation_loader

validation = evaluation_loader(TextClassificationDataset(held_texts, held_labels, tokenizer, max_length=64), batch_size=32)
before = []
for seed in range(5):
    torch.manual_seed(seed)  # five times the same encoder, each time with another random layer on it
    before.append(evaluate(BERTClassifier("mini", num_classes=2), validation, "cpu")[0])
print("on average no better than a coin:", abs(sum(before) / 5 - 0.5) < 0.1)
assert abs(sum(before) / 5 - 0.5) < 0.1

# %% [markdown] slideshow={"slide_type": "slide"}
# ## First, as it is often shown
#
# A tutorial that many have followed draws **fifty** reviews, keeps **ten** of them for validation, trains for four epochs at a rate of 2e-5,
# and reports an accuracy of 0.70. We do the same, with mini. Seven in ten of our fifty are positive, like its ten.

# %%
from torch.utils.data import DataLoader
from transformers import get_linear_schedule_with_warmup

from bertnotes import train

by_class = [[text for text, label in zip(texts, labels, strict=True) if label == wanted] for wanted in (0, 1)]
few_texts, few_labels = by_class[1][:28] + by_class[0][:12], [1] * 28 + [0] * 12
ten_texts, ten_labels = by_class[1][28:35] + by_class[0][12:15], [1] * 7 + [0] * 3
few = DataLoader(TextClassificationDataset(few_texts, few_labels, tokenizer, 128), batch_size=16, shuffle=True)
ten = DataLoader(TextClassificationDataset(ten_texts, ten_labels, tokenizer, 128), batch_size=16)
print(len(few_texts), "reviews to learn from,", len(ten_texts), "to validate")

# %% tags=["timing", "nbval-ignore-output"]
torch.manual_seed(0)
first = BERTClassifier("mini", num_classes=2)
optimizer = torch.optim.AdamW(first.parameters(), lr=2e-5)
scheduler = get_linear_schedule_with_warmup(optimizer, 0, 4 * len(few))
losses = [train(first, few, optimizer, scheduler, "cpu") for epoch in range(4)]
print("loss of each epoch:", [round(loss, 2) for loss in losses])
print(evaluate(first, ten, "cpu")[1])

# %% [markdown] slideshow={"slide_type": "subslide"}
# 0.70, as reported. But look at the row *negative*: not one was found. What did it learn?

# %%
from bertnotes.classifier import predict_probabilities
from bertnotes.evaluation import wilson_interval

positive = predict_probabilities(ten_texts, first, tokenizer)[:, 1]
print("every review is called positive:", bool((positive > 0.5).all()))
print("majority class on the ten:", majority_accuracy(ten_labels))
print("what seven right of ten tell of all reviews:", wilson_interval(7, 10))
print("steps of training:", 4 * len(few))
assert (positive > 0.5).all()
del first, optimizer, scheduler  # it has served; the memory is needed again

# %% [markdown]
# Nothing but which class is commoner. Three things are wrong, and each would be enough. **Twelve steps** at 2e-5 hardly move a new layer. **Ten**
# reviews cannot tell 0.70 from a coin. And on a **lopsided** sample a score looks good that the commonest class gets for nothing. So: more
# reviews of both classes, more and larger steps, and a validation set that can see.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Then done right: a few steps by hand
#
# For each batch: predict, measure the error (cross-entropy), follow its gradient one small step. Here are eight, by hand, on one batch and a copy of the model.

# %% tags=["timing", "nbval-ignore-output"]
import copy

from torch.nn.functional import cross_entropy

from bertnotes.batching import training_loader

pupil = copy.deepcopy(model).eval()  # without dropout, so that the numbers are the same everywhere
batch = next(iter(training_loader(TextClassificationDataset(train_texts, train_labels, tokenizer, 64), 16, seed=0)))
optimizer = torch.optim.AdamW(pupil.parameters(), lr=1e-4)
for step in range(8):
    loss = cross_entropy(pupil(batch["input_ids"], batch["attention_mask"]), batch["label"])  # predict, measure
    optimizer.zero_grad()
    loss.backward()  # the gradient of the error, for every weight
    optimizer.step()  # a small step downhill
    print(f"step {step + 1}: loss {loss.item():.2f}")

# %%
print("the error on these sixteen fell:", loss.item() < 0.6)
assert loss.item() < 0.6
del pupil, optimizer, loss  # with its gradient and AdamW's means the copy holds four times what the model does

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The loop
#
# The same over all batches, and over them again. The learning rate climbs for a tenth of the steps, then falls to zero. `fit` does this for
# three epochs and keeps the one that did best on validation; reviews are cut at 64 tokens here, so that it takes less than a minute. The loop
# itself is `train` in `bertnotes/training.py`, one short function.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.training import TrainConfig, fit

config = TrainConfig(epochs=3, learning_rate=1.5e-4, max_length=64, seed=0)
history = fit(model, tokenizer, (train_texts, train_labels), (held_texts, held_labels), config)
for entry in history:
    loss, right, seconds = entry["train_loss"], entry["accuracy"], entry["seconds"]
    print(f"epoch {entry['epoch']}: loss {loss:.2f}, validation {right:.2f}, {seconds:.0f} s")

# %% [markdown]
# The numbers above differ a little from one processor to the next: sums of thousands of roundings. What must hold everywhere is
# asserted here: the training loss fell from about ln 2 = 0.69, the loss of a coin.

# %%
losses = [entry["train_loss"] for entry in history]
print("epochs:", len(history), "- training loss fell each time:", losses == sorted(losses, reverse=True))
assert losses[-1] < 0.55 < losses[0]

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The learning curve
#
# Left, the loss. Where it goes on falling on training reviews but no longer on validation, the model has begun to learn its
# reviews by heart. Right, the accuracy on validation, above the line of the commonest class.

# %%
from bertnotes.pictures.charts import learning_curve

figure = learning_curve(history, majority_accuracy(held_labels))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The exam, once
#
# Precision: of those called positive, how many are? Recall: of the positive ones, how many were found? The last line is the lower
# bar again, so that no accuracy stands alone.

# %% tags=["timing", "nbval-ignore-output"]
test = evaluation_loader(TextClassificationDataset(test_texts, test_labels, tokenizer, max_length=64), batch_size=32)
accuracy, report = evaluate(model, test, "cpu")
print(report)

# %% [markdown]
# How sure is that number? With $n$ reviews, an accuracy $p$ wavers by about $2\sqrt{p(1-p)/n}$. A model that only guesses would land
# inside that band around one half; ours has to be above it.

# %%
band = 2 * (0.25 / len(test_labels)) ** 0.5
print(f"guessing lands within {band:.2f} of 0.50; above that band:", accuracy > 0.5 + band)
assert accuracy > 0.5 + band

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Against TF-IDF
#
# Both saw the same few hundred reviews. A word that praises in the test set may not occur in a single training review: TF-IDF then
# knows nothing of it, while BERT met it in pre-training, among its like. Both accuracies waver; but they are of the same reviews, so we look at
# those where only one of them is right. Were both as good, each of these would be a toss of a coin (McNemar's test, notebook 11): p says how often
# coins fall at least so unevenly. Above 0.05, so few test reviews do not show who is better, however large the lead looks.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes.evaluation import mcnemar

answers = predict_probabilities(test_texts, model, tokenizer, max_length=64).argmax(dim=1).numpy()
ours, theirs, p = mcnemar(test_labels, answers, tfidf_model.predict(test_texts))
print(f"mini {accuracy:.2f}, TF-IDF {tfidf:.2f}, commonest class {majority:.2f}")
print(f"only mini right: {ours}; only TF-IDF right: {theirs}; p = {p:.3f}")

# %%
print("better than TF-IDF on the same test reviews:", accuracy > tfidf)
assert accuracy > tfidf

# %% [markdown] slideshow={"slide_type": "subslide"}
# That it is pre-training that made the difference, this page does not show: the control would be the same network from random weights. The table below
# has one.
#
# **Question.** And on the hard cases that were put aside?

# %% tags=["timing", "nbval-ignore-output"]
hard = frame[frame["note"] != ""]
answers = hard["sentiment"].map(LABELS.index).tolist()
loader = evaluation_loader(TextClassificationDataset(hard["review"], answers, tokenizer, max_length=64), batch_size=32)
hard_accuracy, _ = evaluate(model, loader, "cpu")
print(f"hard cases: mini {hard_accuracy:.2f}, TF-IDF {tfidf_model.score(hard['review'], answers):.2f}")

# %%
print("the hard cases are harder:", hard_accuracy < accuracy - 0.1)
assert hard_accuracy < accuracy - 0.1

# %% [markdown] slideshow={"slide_type": "subslide"}
# Plain reviews teach nothing about irony or plot, and some hard ones lead a reader of words astray: they grant the other side all that
# they can, or turn in the last sentence, which a cut at 64 tokens may throw away. An accuracy always belongs to a kind of text.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## On full IMDB
#
# The same loop on up to 23,000 reviews instead of a few hundred: two minutes to two hours on two cores (some of the runs below had a GPU). Stored
# results of `bertnotes train` and `bertnotes reproduce`, scored on the 25,000 reviews of the official test split:

# %%
from bertnotes.experiments.records import read_record

lines = []
for path in sorted((REVIEWS.parent / "results").glob("imdb-*.json")):
    record = read_record(path)
    line = {"row": record.get("row", path.stem.removeprefix("imdb-")), "learned from": record["train_reviews"]}
    line |= {"tokens": "all", "keep": "", "TF-IDF": record.get("tfidf_accuracy"), "accuracy": record["accuracy"]}
    if config := record.get("config"):
        line |= {"tokens": config["max_length"], "keep": config.get("truncation", "head")}
    lines.append(line | {"seed by seed": f"{record['accuracy']:.4f}"})

# %% slideshow={"slide_type": "subslide"}
import pandas as pd

of_a_row = dict.fromkeys(lines[0], "first") | {"TF-IDF": "mean", "accuracy": "mean", "seed by seed": ", ".join}
table = pd.DataFrame(lines).groupby("row").agg(of_a_row).set_index("row").sort_values(["learned from", "accuracy"])
print(table.round(4).to_string(na_rep=""))
lead = table["accuracy"] - table["TF-IDF"]
assert abs(lead["5000-mini"]) < 0.005 and lead[["mini-250", "mini-1000", "mini-4000"]].min() > 0.015

# %% [markdown]
# Of a longer review, *head* keeps the beginning, *head+tail* the beginning and the end; *TF-IDF* read the same reviews whole. With 3,200 of them or
# fewer mini is ahead, with 5,000 of which it reads but the beginning it is level. *frozen* trains the new layer alone; *random* starts from random
# weights; *gpt* and *elmo* are the readers of notebook 04, of mini's size. A figure is the mean over seeds, and may hide one that failed, as in *elmo*;
# *25000-mini* and the two rows of *5000* are older runs, of seed 42. Notebook 11 asks how sure it is and what each choice buys; the README has times and
# memory. To repeat it: `bertnotes data`, then `bertnotes reproduce`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Verdicts, with their probability

# %%
examples = [
    "A wonderful film. The acting is superb, the story is moving and I loved every minute.",
    "A terrible film. The acting is awful, the story is stupid and I was bored to tears.",
]
for text, (_, positive) in zip(examples, predict_probabilities(examples, model, tokenizer), strict=True):
    print("positive" if positive > 0.5 else "negative", "-", text)
assert [predict_sentiment(text, model, tokenizer, "cpu") for text in examples] == ["positive", "negative"]

# %% [markdown]
# Each row of `predict_probabilities` sums to 1. Modern networks tend to be surer than they ought to be (Guo et al. 2017); Desai & Durrett 2020 found fine-tuned
# BERTs well calibrated on the kind of text that they were tuned on. Notebook 11 measures ours.

# %% tags=["timing", "nbval-ignore-output"]
probabilities = predict_probabilities(test_texts[:5], model, tokenizer, max_length=64)
for text, label, (_, positive) in zip(test_texts, test_labels, probabilities.tolist(), strict=False):
    print(f"{positive:.2f} positive (truly {label}): {text[:80]!r}")
assert torch.allclose(probabilities.sum(dim=1), torch.ones(5))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where does it look now?
#
# One head of the fine-tuned model, the one in the last layer whose [CLS] looks hardest at a single word. It is drawn from the
# forward pass that gave the verdict. What such a picture is *not* evidence of is taken up in notebooks 07 and 11.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes import attention_heatmap

text = "The plot is thin, but the acting is superb."
encoded = tokenizer(text, return_tensors="pt")
tokens = tokenizer.convert_ids_to_tokens(encoded.input_ids[0])
with torch.inference_mode():
    outputs = model.bert(**encoded, output_attentions=True)
    chances = model.classifier(outputs.pooler_output).softmax(dim=-1)
print(f"positive with a probability of {chances[0, 1]:.2f}")
assert torch.allclose(chances, predict_probabilities([text], model, tokenizer), atol=1e-4)

# %%
last = outputs.attentions[-1][0]
head = last[:, 0, 1:-1].max(dim=-1).values.argmax().item()
ax = attention_heatmap(last[head], tokens, title="last layer, one head, fine-tuned")

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## Keep it
#
# `save_pretrained` writes weights, tokenizer and configuration; what comes back gives the same logits, to the last bit.

# %%
import tempfile

with tempfile.TemporaryDirectory() as folder:
    model.save_pretrained(folder, tokenizer)
    again, its_tokenizer = BERTClassifier.from_pretrained(folder)
same = predict_probabilities(examples, again, its_tokenizer).equal(predict_probabilities(examples, model, tokenizer))
print("identical after reloading:", same)
assert same

# %% [markdown] slideshow={"slide_type": "subslide"}
# ## Try it
#
# 1. Write a review of your own and change one word until the verdict turns.

# %% tags=["timing", "nbval-ignore-output"]
mine = [f"I expected nothing and got a {word} evening out of it." for word in ("lovely", "dull")]
chances = predict_probabilities(mine, model, tokenizer)[:, 1]
for text, positive in zip(mine, chances, strict=True):
    print(f"{positive:.2f} positive: {text}")
assert chances[0] > 0.5 > chances[1]

# %% [markdown]
# 2. The hard reviews are marked in the file's third column. Choose a kind: how many of it are there? (Notebook 11 scores them.)

# %%
kind = "turn"  # or negation, concession, irony, plot, implied
print(frame["note"].eq(kind).sum(), "reviews; one of them ends:", frame.loc[frame["note"] == kind, "review"].iloc[0][-60:])

# %% [markdown]
# 3. Cut the reviews at other lengths. How many tokens are thrown away?

# %%
tokens_in = [len(ids) for ids in tokenizer(train_texts)["input_ids"]]
for length in (32, 64, 128):
    lost = 1 - sum(min(count, length) for count in tokens_in) / sum(tokens_in)
    print(f"cut at {length} tokens, {lost:.0%} of all tokens are lost")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Recap
#
# - Fine-tuning adds one layer to a pre-trained encoder and trains everything on labelled examples.
# - Three piles: learn, choose, and one exam. An accuracy needs the commonest class and a simple baseline beside it.
# - With few labels mini was ahead of counting words in every run; by how much, a single run does not tell. With more, the lead is smaller.
# - A few hundred test reviews leave a wide band; small differences inside it mean nothing.
#
# **Sources.** Devlin et al. 2019 (BERT) · Loshchilov & Hutter 2019 (AdamW) · Maas et al. 2011 (IMDB) · Guo et al. 2017,
# Desai & Durrett 2020 (calibration).
