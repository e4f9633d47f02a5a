# %% [markdown] question="How do I train on texts and labels of my own?"
# # 14 · Your own data
#
# **The question:** how do I train on texts and labels of my own?
#
# ![Seven steps from a file to a service: look, clean, split, count, train, choose, serve; only train has BERT in it](figures/14_way.svg)
#
# You have a table: texts in one column, labels in another. On this page such a table goes all the way to a service that sorts new messages. The idea of the page: **most of the result is decided before the training, by the labels and the split, and after it, by what you let the model answer alone.**
#
# Each step is done in Python, so that you see what happens. Where a command does the same, it stands under it: reading, training, scoring, predicting. Cleaning, the split by customers and the choice of a threshold remain yours.
#
# **You need:** page 10. **Time:** about 55 minutes, and 45 more for the exercises. Where a cell says `guess = None`, type your guess in place of `None`.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # Your own data
#
# ![Seven steps from a file to a service: look, clean, split, count, train, choose, serve; only train has BERT in it](figures/14_way.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Ask who has a table of texts and labels at work, and what is wrong with it. Write the answers on the board: at the end, tick those that the page has answered. The deck takes about 35 minutes. Run the notebook before class.

# %%
import tempfile
from pathlib import Path

import pandas as pd
import torch

from bertnotes.data import read_table, split_validation
from bertnotes.files import DATA

folder = Path(tempfile.mkdtemp())  # what this page writes goes here

# %% [markdown]
# ## 1. Look
#
# The file holds messages to a cinema. (We wrote them for this course; the cinema does not exist.) Today somebody reads each one and forwards it: refunds to the accountant, a broken projector to the technician. A model should do that. `data/README.md` says that there are eight topics.
#
# First we read the file as it is, every field as text.

# %%
raw = pd.read_csv(DATA / "messages.csv", sep=";", dtype=str, keep_default_na=False, encoding="utf-8-sig")
print(len(raw), "rows, columns:", *raw.columns)
for _, row in raw.iloc[4:10].iterrows():
    print(f"{row['topic']:20} {row['message'][:90]}")

# %% [markdown]
# Short, hasty, in several voices. Could you name the topic of each without the left column? Mostly; but that a sign language interpreter belongs to *access*, and the projectionist to *private hire*, somebody has decided. Labels are decisions.
#
# Eight topics, says the README. How many different entries does the column `topic` have?

# %%
guess = None  # a number

# %%
counts = raw["topic"].value_counts()
for label, count in counts.items():
    print(f"{label!r:22} {count}")
print("different entries that are not empty:", (counts.index != "").sum(), "  your guess:", guess)

# %% tags=["check:entries"]
# checked: 649 rows, 14 entries for eight topics
assert len(raw) == 649 and (counts.index != "").sum() == 14 and counts[""] == 10
assert counts["programme"] == 126 and counts["private hire"] == 26 and counts["lost proprety"] == 9 and counts["booking "] == 8

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Eight topics. How many entries has the column?
#
# | as they stand there | | |
# | --- | --- | --- |
# | refund | Refund | refunds |
# | lost property | Lost property | lost proprety |
# | booking | Booking | *booking, and a blank* |

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# **14.** With *programme*, *access*, *private hire*, *picture and sound*, *building and staff*. And ten rows have none.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** To a program, *Refund* and *refund* are two classes. A model would learn eight topics as fourteen and be marked wrong for *refund* where the file says *Refund*.

# %% [markdown]
# Fourteen: `Refund`, `refunds`, `lost proprety`, `booking` with a blank at its end. To a program each is a class of its own. Ten rows have none.
#
# Nobody finds all of this by eye. `read_table` is what the commands read with. It finds separator and encoding, and says what looks wrong:

# %%
_ = read_table(DATA / "messages.csv", "message", "topic", drop_bad_rows=True)

# %% [markdown]
# Read it line by line. Fields are separated by semicolons, as Excel writes them where decimals have a comma. 13 rows lack a text or a label. 3 texts stand there twice with two different labels. And three groups of labels look like one class each. (13 classes, not 14: blanks at the ends of a label are cut off.)
#
# Without `drop_bad_rows` the first such row ends the reading, with its number: rows should not disappear in silence. By command, the same report and an estimate of time and memory, and nothing is trained (`--dry-run`):
#
# ```sh
# bertnotes train --data data/messages.csv --text-column message --label-column topic \
#     --drop-bad-rows --dry-run --out runs/first
# ```
#
# ## 2. Clean
#
# ![649 rows, without empty rows 643, without those that lack a message 640, without those that lack a topic 636, without copies 621; 14 spellings become 8 topics](figures/14_rows.svg)
#
# The file stays as it is. We write a cleaned copy, by code, so that next month's export can be cleaned the same way.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![649 rows, without empty rows 643, without those that lack a message 640, without those that lack a topic 636, without copies 621; 14 spellings become 8 topics](figures/14_rows.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Why by code and not by hand in Excel? Because the next export has the same dirt, and because somebody will ask what was done.

# %%
filled = raw[(raw["message"].str.strip() != "") & (raw["topic"].str.strip() != "")].copy()
one_spelling = {"refunds": "refund", "lost proprety": "lost property"}
filled["topic"] = filled["topic"].str.strip().str.lower().replace(one_spelling)
print(len(filled), "rows with a text and a topic,", filled["topic"].nunique(), "topics; texts with two topics:\n")
topics_of = filled.groupby("message")["topic"].nunique()
for message in topics_of[topics_of > 1].index:
    rows = filled[filled["message"] == message]
    print(*rows["id"], " or ".join(rows["topic"]), "\n   ", message)

# %% tags=["check:two-topics"]
# checked: three texts with two topics, and how many rows are left
empty = raw.drop(columns="id").apply(lambda row: not "".join(row).strip(), axis=1)
assert topics_of[topics_of > 1].shape == (3,) and len(filled) == 636 and filled["topic"].nunique() == 8 and empty.sum() == 6

# %% [markdown]
# 636 rows and eight topics. Most copies are harmless: somebody pressed *send* twice. Three texts have two topics. A seat that has come off is *building and staff*; a film that skipped is *picture and sound*; to rent the whole cinema is *private hire*. All three are easy for who reads them, and no program can decide them. **Ask whoever will use the answers**; where two people cannot agree, no model can be right.
#
# We drop the three wrong rows by their number, then all other copies.

# %%
clean = filled[~filled["id"].isin(["1286", "1766", "1866"])].drop_duplicates("message")
clean = clean.assign(message=clean["message"].str.strip())
print(len(clean), "messages")
print(clean["topic"].value_counts().to_string())

# %% tags=["check:clean"]
# checked: the drawing's numbers are the file's; the counts are those of data/README.md
from bertnotes.pictures.drawings.page14 import Rows

assert Rows.at_first == len(raw) and Rows.left[-2:] == (len(filled), len(clean)) == (636, 621)
assert [many for _, many in Rows.dropped] == [6, 3, 4, 15] and Rows.left[:2] == (643, 640)
without_topic = raw[(raw["topic"].str.strip() == "") & (raw["message"].str.strip() != "")]
assert len(without_topic) == 4 and ((raw["message"].str.strip() == "") & (raw["topic"].str.strip() != "")).sum() == 3
assert clean["topic"].value_counts().to_dict() == {
    "programme": 119, "booking": 116, "refund": 103, "building and staff": 91,
    "picture and sound": 68, "lost property": 59, "access": 39, "private hire": 26,
}  # fmt: skip
assert (clean["message"].str.split().str.len().median(), (clean["message"].str.split().str.len() > 400).sum()) == (15, 6)

# %% [markdown]
# *Programme* has 119 messages, *private hire* 26: the classes are **imbalanced**, as they nearly always are. The median message has 15 words, and six have more than 400.
#
# Before you go on with data of your own: these texts were written by people. Names, telephone numbers and addresses go into the model's training file, and a copy of that file lies wherever you train. Remove what the task does not need, and ask whether the data may leave the machine at all.
#
# ## 3. Split
#
# Three sets, three jobs. **Training**: the model learns from it. **Validation**: we look at it as often as we like, and choose by it. **Test**: the exam, looked at once, at the end. (Pages 09 and 11 say why.)
#
# ![Split by rows, one copy of text A is trained on and the other is in the exam; split by texts, both are on one side](figures/14_copies.svg)
#
# Why did we hunt for copies first? Suppose we had split the 636 rows as they were: 80 % to train on, 20 % for the exam. How many of the 128 questions of the exam would have been in the training data, word by word?

# %%
guess = None  # a number

# %%
from sklearn.model_selection import train_test_split

seen = []
for seed in range(20):
    to_train, exam = train_test_split(filled["message"], test_size=0.2, random_state=seed)
    seen.append(exam.isin(to_train).sum())
print(
    f"seen before: {sum(seen) / 20:.1f} of {len(exam)}, between {min(seen)} and {max(seen)} in 20 splits   your guess: {guess}"
)

# %% tags=["check:seen-before"]
# checked: how many questions of an exam were trained on, in a split by rows
assert len(exam) == 128 and 4 < sum(seen) / 20 < 4.5 and (min(seen), max(seen)) == (2, 8)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Split by rows, one copy of text A is trained on and the other is in the exam; split by texts, both are on one side](figures/14_copies.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Here 4 of 128 questions would have been seen, up to 3 points. In web data and in tickets with templates it is often far more. What else may be a copy in disguise? The same writer, the same thread, the same template.

# %% [markdown]
# About 4 of 128: they can add up to three points that no new message will give. That is little here; in exports with templates and forwarded mails it is often much more. We have dropped the copies, and `split_validation`, which the commands use, keeps equal texts on one side in any case.
#
# It cannot see copies in disguise: a mail with its answer below, ten messages of one writer. Then split by thread or by writer. And if the model will sort *next* month's messages, the fairest exam is the newest part of the file.
#
# The six long messages we put aside for section 8. The shorter ones are split so that each topic has its share on each side (**stratified**). A topic with two or three messages may still be missing on one: count, as below.

# %%
is_long = clean["message"].str.split().str.len() > 100
short, long = clean[~is_long], clean[is_long]
names = tuple(sorted(clean["topic"].unique()))
labels = [names.index(topic) for topic in short["topic"]]
rest, test_texts, rest_labels, test_labels = split_validation(short["message"].tolist(), labels, 0.2, seed=42)
texts, held_texts, labels, held_labels = split_validation(rest, rest_labels, 0.2, seed=42)
print("training", len(texts), "  validation", len(held_texts), "  test", len(test_texts), "  long", len(long))
for name, side in {"train": rest, "test": test_texts, "long": long["message"]}.items():
    clean[clean["message"].isin(side)][["message", "topic"]].to_csv(folder / f"{name}.csv", index=False)

# %% tags=["check:sides"]
# checked: the sizes of the sides; no text on two of them
assert (len(texts), len(held_texts), len(test_texts), len(long)) == (393, 99, 123, 6)
assert len({*texts, *held_texts, *test_texts, *long["message"]}) == len(clean)
assert [side.count(5) for side in (labels, held_labels, test_labels)] == [17, 4, 5] and names[5] == "private hire"

# %% [markdown]
# 17 messages about *private hire* to learn from, and 5 in the exam: whatever we measure of that class will be rough. With 5 questions, one more or less is 20 points. (As a rule of thumb collect at least ten messages for each class, or its validation is a lottery.)
#
# These files lie in the temporary `folder`; for your own data, put a folder in its place that stays. From now on the command reads `train.csv`. With `--validation 0.2` it takes the validation part out of it, by the same function and seed as we did. Give it `--test test.csv` in the last run only: a second score by `train` on the same test set, with other settings, is refused, so that nobody chooses by it. (So does `evaluate`, for a set that `train --test` has noted. A set that `evaluate` alone has scored nobody guards.)
#
# ## 4. What is good? Macro-F1
#
# A model that always says *programme* is right in 19 % and useless. With one common class it could be right in 90 % and be just as useless. So **accuracy** alone, the share of right answers, is not enough.
#
# ![Made-up numbers: a model that always names the common class has accuracy 0.90, F1 0.95 and 0 for the two classes, and macro-F1 0.47](figures/14_macro.svg)
#
# **Precision** of a class: of the texts that were given it, how many belong there? **Recall**: of the texts that belong there, how many were given it? **F1** is their harmonic mean, which is low as soon as one of the two is:
#
# $$F_1 = \frac{2 \cdot \text{precision} \cdot \text{recall}}{\text{precision} + \text{recall}}$$
#
# **Macro-F1** is the plain mean of F1 over the classes. Each class has the same say, however rare.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Made-up numbers: a model that always names the common class has accuracy 0.90, F1 0.95 and 0 for the two classes, and macro-F1 0.47](figures/14_macro.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Cover the right side. Which number would you show your boss? Which would the two customers of the rare class show? Macro-F1 is not always the right one either: say first what an error costs.

# %% [markdown]
# First the simple methods of page 09, which know words and no order. TF-IDF with logistic regression has 393 messages to learn from. How often is it right on the 99 of validation, with eight topics?

# %%
guess = None  # a share

# %%
from bertnotes.baselines import majority_class, nbsvm, tfidf_logistic_regression
from bertnotes.evaluation import accuracy, wilson_interval
from bertnotes.training import macro_f1

answers = {}
for name, make in {"commonest": majority_class, "TF-IDF": tfidf_logistic_regression, "NBSVM": nbsvm}.items():
    answers[name] = make().fit(texts, labels).predict(held_texts)
    marks = accuracy(held_labels, answers[name]), macro_f1(held_labels, answers[name])
    print("{:10} accuracy {:.2f}   macro-F1 {:.2f}".format(name, *marks))
print("your guess for TF-IDF:", guess)

# %% tags=["check:word-counts"]
# checked: accuracy and macro-F1 of the simple methods
wanted = {"commonest": (0.19, 0.04), "TF-IDF": (0.40, 0.31), "NBSVM": (0.49, 0.48)}
for name, marks in wanted.items():
    assert abs(accuracy(held_labels, answers[name]) - marks[0]) < 0.016, name
    assert abs(macro_f1(held_labels, answers[name]) - marks[1]) < 0.016, name
low, high = wilson_interval(40, 99)[1:]
assert (round(low, 2), round(high, 2)) == (0.31, 0.50)

# %% [markdown]
# This is hard: 0.40 for TF-IDF, 0.49 for NBSVM, and 0.19 for always naming the commonest. The messages are short, and hardly any word says the topic: *seat* may be booked, broken, refunded or reached by wheelchair.
#
# How sure are these? With 99 messages, the 95 % interval of 0.40 goes from 0.31 to 0.50. **Small validation sets decide little**: treat differences of a few points as none.
#
# ## 5. Which model, for which language?
#
# A pre-trained model knows the words that it has seen. mini's 10,000 word pieces were chosen by English film reviews. Nine of our messages are in German. The commands `train` and `predict` warn (on stderr) where texts fall into 1.8 pieces a word or more. Here is what they count:

# %%
from bertnotes.batching import foreign
from bertnotes.models import load_encoder, load_tokenizer

tokenizer = load_tokenizer()
for sentence in ("Does the film on Tuesday have German subtitles?", "Hat der Film am Dienstag deutsche Untertitel?"):
    print(f"{len(tokenizer.tokenize(sentence)):2} pieces:", *tokenizer.tokenize(sentence))
strange = foreign(clean["message"].tolist(), tokenizer)
print("1.8 pieces a word or more:", len(strange), "of", len(clean), "messages, such as:")
print(*clean["message"].iloc[strange[:3]], sep="\n")

# %% tags=["check:pieces-of-german"]
# checked: how many pieces the two sentences have
assert [len(tokenizer.tokenize(one)) for one in ("Does the film on Tuesday have German subtitles?", sentence)] == [10, 16]
assert len(sentence.split()) == 7

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Words that a model does not know
#
# | | pieces |
# | --- | --- |
# | *Does the film on Tuesday have German subtitles?* | 10 |
# | *Hat der Film am Dienstag deutsche Untertitel?* | 16 |
#
# die · ##nst · ##ag · de · ##ut · ##sch · ##e · un · ##ter · ##ti · ##tel
#
# | your texts | begin with |
# | --- | --- |
# | German | deepset/gbert-base |
# | German and English | bert-base-multilingual-cased |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Two pieces a word. No error appears: the model reads on, and gives an answer. Which pieces mean something? *film*, by luck. The warning on stderr is the thing to remember: 1.8 pieces a word or more, another model.

# %% tags=["check:foreign"]
# checked: six of the nine German messages are found, and no English one
found = clean["message"].iloc[strange]
german = clean[clean["message"].str.contains(r"[äöü]|\b(?:Ist der|Saal|Bitte|Hat der)\b")]
assert len(strange) == 6 and len(german) == 9 and found.isin(german["message"]).all()
assert 12 * 768**2 == 8 * 6 * 384**2  # layers and hidden size of a base model, and of mini

# %% [markdown]
# 16 pieces for 8 words and marks: two each, and `##nst ##ag` means nothing. No error appears; the model answers all the same. Six messages are found, all German; three more, whose words happen to be short, are not. Of mini expect little on these nine. What to take instead, where such texts are many:
#
# | your texts | a model to begin with | parameters |
# | --- | --- | ---: |
# | English | `bert-base-uncased` | 110 million |
# | German | `deepset/gbert-base` | 110 million |
# | German and English, mixed | `bert-base-multilingual-cased` (104 languages) | 178 million |
# | many languages, often better than the one above | `xlm-roberta-base` (100 languages) | 278 million |
#
# They come from the Hugging Face hub, once; read the licence on the model's page. Give them a smaller learning rate than mini. (We have not run this on our file; how many epochs you need, validation says.)
#
# ```sh
# bertnotes train --data train.csv --model bert-base-multilingual-cased \
#     --learning-rate 3e-5 --epochs 6 --max-length 128 --class-weights balanced --out runs/base
# ```
#
# One trap for services: what is trained from a BERT opens in transformers' `pipeline`. What is trained from XLM-R has bertnotes' own last layer; it opens with `bertnotes predict`, or as ONNX (section 10).
#
# Enough hardware? `--dry-run` measures ten steps and says time and memory. The layers of a base model are eight times as much work for each token as mini's: on a laptop, 5 minutes become 40. A GPU, such as the free T4 of Colab, is much faster: clone the course there, then `!pip install .`, and `!` before each command. (A T4 has no units for bf16; bertnotes computes in fp32 there by itself.)

# %% [markdown]
# ## 6. Train
#
# Before anything is trained, the cheapest way to use a BERT: leave it as it is (**frozen**), take the mean of its last vectors for each message, and let logistic regression learn the topics from these 384 numbers. (With `C=10`, as in the TF-IDF above: how large its weights may grow.)
#
# And **class weights**. In the loss, each message usually counts the same, so that 17 messages about *private hire* are hardly heard beside 76 about *programme*. With *balanced* weights a message counts the more, the rarer its class:
#
# $$w_c = \frac{\text{messages}}{\text{classes} \cdot \text{messages of class } c}$$
#
# Here $393 / (8 \cdot 17) = 2.9$ for *private hire* and $393 / (8 \cdot 76) = 0.6$ for *programme*. Four of the 99 validation messages are about *private hire*. How many of them will be found without weights, and how many with them?

# %%
encoder = load_encoder()


def mean_vectors(texts):
    """The mean of mini's last vectors for each text: (text, 384)."""
    found = []
    for start in range(0, len(texts), 32):
        batch = tokenizer(texts[start : start + 32], padding=True, truncation=True, max_length=64, return_tensors="pt")
        with torch.inference_mode():
            hidden, kept = encoder(**batch).last_hidden_state, batch["attention_mask"][..., None]
        found.append((hidden * kept).sum(dim=1) / kept.sum(dim=1))
    return torch.cat(found)


# %%
guess = None  # such as (2, 3)

# %%
from sklearn.linear_model import LogisticRegression

vectors, held_vectors, learners = mean_vectors(texts), mean_vectors(held_texts), {}
for name, class_weight in {"vectors": None, "vectors, weighted": "balanced"}.items():
    learners[name] = LogisticRegression(C=10, class_weight=class_weight, max_iter=2000).fit(vectors, labels)
    answers[name] = learners[name].predict(held_vectors)
    marks = accuracy(held_labels, answers[name]), macro_f1(held_labels, answers[name])
    found = sum(truly == named == 5 for truly, named in zip(held_labels, answers[name], strict=True))
    print("{:18} accuracy {:.2f}   macro-F1 {:.2f}   private hire found: {} of 4".format(name, *marks, found))
print("your guess:", guess)

# %% tags=["check:class-weights"]
# checked: weights raise macro-F1 by far and find the rarest class; accuracy stays; the two weights in the text
for name, wanted, found in (("vectors", (0.65, 0.53), 0), ("vectors, weighted", (0.67, 0.66), 4)):
    marks = accuracy(held_labels, answers[name]), macro_f1(held_labels, answers[name])
    assert all(abs(met - one) < 0.011 for met, one in zip(marks, wanted, strict=True))
    assert sum(truly == named == 5 for truly, named in zip(held_labels, answers[name], strict=True)) == found
assert sum(answers["vectors"] == 5) == 0 and labels.count(5) == 17 and labels.count(names.index("programme")) == 76
assert round(393 / (8 * 17), 1) == 2.9 and round(393 / (8 * 76), 1) == 0.6

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Class weights
#
# 17 messages about *private hire*, 76 about *programme*. Weighted, a message about *private hire* counts 2.9, one about *programme* 0.6.
#
# Four messages of the validation set are about *private hire*. How many are found?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | mini's vectors, frozen | accuracy | macro-F1 | private hire |
# | --- | --- | --- | --- |
# | plain | 0.65 | 0.53 | 0 of 4 |
# | weighted | 0.67 | 0.66 | 4 of 4 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Which number would have told you that a class is never named? Not the accuracy. Usually weights cost a little accuracy; here they do not.

# %% [markdown]
# Without weights *private hire* is never named, not once in 99. With them all four are found (and one more message is called so). Macro-F1 rises from 0.53 to 0.66, nearly all of it by these four messages. Accuracy, 0.65 and 0.67, hardly notices; often it even falls a little. Weights are no law: for TF-IDF they do nothing (0.38 and 0.29). Try them, and count.
#
# Look at the level, too. A model that has seen none of our labels gives vectors that reach 0.65; word counts reached 0.40 and 0.49. One reason: a third of the different words in the validation messages, such as *chewing* and *Hitchcock*, occur in no training message. To a word count these say nothing. About two thirds of them are whole words in mini's vocabulary. (mini has an advantage here: it was cut from a model trained for such use, page 00. With a plain BERT expect less.)
#
# ### First the new layer, then all
#
# Now all of mini: **fine-tuning**, as on page 10. With few texts there is a trap. The new last layer begins with random weights. It reads 384 numbers that are small in mini, about 0.04 each. An epoch is 50 steps of 8 messages, and in each AdamW moves a weight by about the learning rate, 1e-4. So this layer learns very slowly, and meanwhile the encoder is bent to suit random weights.
#
# ![Step one: only the new layer learns, at a rate of 1e-2, and the encoder stays; step two: all learns, at 1e-4](figures/14_head_first.svg)
#
# So we train the new layer alone first, at 100 times the rate. That is cheap: the encoder reads each message only once. Then we train all. This is known as **linear probing, then fine-tuning** (LP-FT, Kumar and others 2022). `head_epochs` sets how many epochs the first step has. Class weights as before, messages cut to 64 tokens; about half a minute on two cores.

# %% tags=["check:weights-on-words"]
# checked: weights do nothing for TF-IDF; how many of the validation's words are new
counter = tfidf_logistic_regression()
counter[-1].set_params(class_weight="balanced")
on_words = counter.fit(texts, labels).predict(held_texts)
assert abs(accuracy(held_labels, on_words) - 0.38) < 0.016 and abs(macro_f1(held_labels, on_words) - 0.29) < 0.016
assert sum(answers["vectors, weighted"] == 5) == 5
from sklearn.feature_extraction.text import CountVectorizer

word_lists = [set(CountVectorizer().fit(some).get_feature_names_out()) for some in (texts, held_texts)]
new_words = word_lists[1] - word_lists[0]
assert round(len(new_words) / len(word_lists[1]), 2) == 0.33 and {"chewing", "hitchcock"} < new_words
assert round(sum(len(tokenizer.tokenize(word)) == 1 for word in new_words) / len(new_words), 2) == 0.65

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Step one: only the new layer learns, at a rate of 1e-2, and the encoder stays; step two: all learns, at 1e-4](figures/14_head_first.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Why not at once? The new layer is random: its first gradients tell the encoder to move for nothing. With 25,000 reviews there is time to recover, with 393 messages there is not.

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes import BERTClassifier, TrainConfig, fit

torch.manual_seed(42)
model = BERTClassifier("mini", num_classes=8, attention="blockwise", class_names=names)
config = TrainConfig(head_epochs=20, epochs=3, batch_size=8, max_length=64, class_weights="balanced")
history = fit(model, tokenizer, (texts, labels), (held_texts, held_labels), config)
for entry in history:
    print("epoch {epoch}: loss {train_loss:.2f}   accuracy {accuracy:.2f}   macro-F1 {macro_f1:.2f}".format(**entry))

# %% tags=["check:fine-tuned"]
# checked: what the new layer reads is small; training takes hold; the loss on validation turns up; what the best epoch reaches
with torch.inference_mode():
    small = encoder(**tokenizer(texts[:32], padding=True, return_tensors="pt")).pooler_output.abs().mean().item()
assert 0.03 < small < 0.045 and -(-393 // 8) == 50 and (config.learning_rate, config.measure) == (1e-4, "macro_f1")
best = max(history, key=lambda entry: (entry["macro_f1"], -entry["validation_loss"]))
assert len(history) == 3 and history[-1]["train_loss"] < history[0]["train_loss"] / 2
assert best["macro_f1"] > 0.55 and best["accuracy"] > 0.6
assert history[-1]["validation_loss"] > min(entry["validation_loss"] for entry in history)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Fine-tuning, epoch by epoch

# %% slideshow={"slide_type": "-"}
from bertnotes.data import majority_accuracy
from bertnotes.pictures.charts import learning_curve

figure = learning_curve(history, majority_accuracy(held_labels))

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Left: which way does the validation loss go? Right: the dotted line is the commonest class. With class weights, the epoch that is kept is the one with the best macro-F1.

# %% [markdown]
# Left: the training loss falls and falls, while the validation loss rises. That is **overfitting**: the model learns these 393 messages by heart. Right: accuracy does not fall with it. The model has become too sure, of wrong answers too, and that costs loss but no accuracy. (Compare the shapes, not the heights: the training loss is weighted and has dropout.) `fit` keeps the epoch with the best macro-F1 on validation. By command, both steps:
#
# ```sh
# bertnotes train --data train.csv --validation 0.2 --class-weights balanced \
#     --head-epochs 20 --epochs 3 --batch-size 8 --max-length 64 --out runs/topics
# ```
#
# For your own data: `--epochs 20 --patience 4` goes on until four epochs in a row were no better. The learning rate is 1e-4 unless you say otherwise: right for mini, too high for a BERT-base (2e-5 to 5e-5). If the loss stays where it began: page 15. And try it without `--head-epochs`, at least once: its worth depends on how many texts you have, and we have tried it with mini only.
#
# All systems side by side, on the same 99 messages. The last column is the **lead** of fine-tuned mini, message by message (page 11), with its 95 % interval:

# %% tags=["timing", "nbval-ignore-output"]
from bertnotes import predict_probabilities
from bertnotes.evaluation import leads

probabilities = predict_probabilities(held_texts, model, tokenizer)
answers["mini, fine-tuned"] = probabilities.argmax(dim=1).numpy()
lead = leads(held_labels, answers, "mini, fine-tuned")
for name, named in answers.items():
    right = wilson_interval(sum(held_labels == named), len(held_labels))
    print(f"{name:18} {right}   macro-F1 {macro_f1(held_labels, named):.2f}   lead {lead.get(name, '')}")

# %% tags=["check:side-by-side"]
# checked: fine-tuned mini leads the commonest class and TF-IDF beyond the intervals, and not its own frozen vectors
assert leads(held_labels, answers, "vectors, weighted")["TF-IDF"].low > 0
assert lead["commonest"].low > 0.3 and lead["TF-IDF"].low > 0
assert lead["vectors, weighted"].low < 0 < lead["vectors, weighted"].high

# %% [markdown]
# Which of the three wins: word counts, frozen vectors, fine-tuning? Fine-tuned mini beats TF-IDF: the interval of its lead lies above 0. So do the frozen vectors, by a lead that is not in the table. Between the two of them it spans 0: 99 messages cannot say which is better. That is a result, too. With a few hundred labels, frozen vectors are a serious rival, and take seconds. Fine-tuning usually gains more from more labels. (One seed and one split. The two also differ in what their last layer reads: the mean of all vectors, or what BERT makes of [CLS]. And the epoch of the fine-tuned model, and the `C` of the others, were chosen with a look at these 99: all flatter themselves a little.)
#
# We go on with the fine-tuned model, because it is one folder that reads text and names a topic.
#
# ## 7. Read the errors
#
# One number says how often. Which topics does it mix up? A **confusion matrix** has a row for each true topic and a column for each answer. Right answers stand on the diagonal.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Which topics are mixed up?

# %% slideshow={"slide_type": "-"} tags=["timing", "nbval-ignore-output"]
from sklearn.metrics import ConfusionMatrixDisplay

named, look = answers["mini, fine-tuned"], {"colorbar": False, "cmap": "Blues", "text_kw": {"fontsize": 16}}
picture = ConfusionMatrixDisplay.from_predictions(
    held_labels, named, labels=range(8), display_labels=names, xticks_rotation=40, **look
)
picture.figure_.set_size_inches(10, 7)
picture.ax_.tick_params(labelsize=14)
picture.ax_.set_xlabel("the model's answer", fontsize=16)
_ = picture.ax_.set_ylabel("true topic", fontsize=16)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Read one row aloud: where did the true *programme* go? Then one column: what else is called *booking*? A row tells recall, a column precision.

# %% tags=["check:confusions"]
# checked: the matrix holds all 99, and its diagonal the right ones
assert picture.confusion_matrix.sum() == 99 and picture.confusion_matrix.trace() == (named == held_labels).sum()
assert picture.confusion_matrix.sum(axis=1)[[0, 5]].tolist() == [6, 4] and (names[1], names[7]) == ("booking", "refund")
mixed = torch.tensor(picture.confusion_matrix + picture.confusion_matrix.T).triu(1)
assert mixed.argmax() == 8 * 1 + 7 and picture.confusion_matrix[0, 0] <= 2

# %% [markdown]
# Look off the diagonal. *Booking* and *refund* are mixed up most, in both directions. And the first row: of six messages about *access* hardly any is found. (Six are few.) A pair that is mixed up may be hard, or it may be one class that somebody cut in two. Ask the people who label whether *they* keep the two apart. (*Private hire* has four messages here, so its recall can only be 0, 0.25, 0.5, 0.75 or 1.)
#
# Now read the errors of which the model was surest:

# %% tags=["timing", "nbval-ignore-output"]
surest = probabilities.max(dim=1).values
wrong = [row for row in surest.argsort(descending=True).tolist() if named[row] != held_labels[row]]
for row in wrong[:6]:
    print(f"{surest[row]:.2f} {names[named[row]]}, labelled {names[held_labels[row]]}:\n     {held_texts[row][:150]}")

# %% tags=["check:surest-mistakes"]
# checked: these are errors, the surest first
assert all(surest[a] >= surest[b] for a, b in zip(wrong, wrong[1:], strict=False)) and len(wrong) == sum(named != held_labels)

# %% [markdown]
# Sort each into one of three piles. **The label is wrong**: mend it, also in training, and train again. **The text is unclear**: two topics would do; perhaps a message needs two labels, or the rule needs a sentence more. **The model is wrong**: collect more messages like this one. An hour with this list is usually worth more than a week with learning rates.
#
# ## 8. Long texts
#
# ![Of a text of 558 tokens, head reads the first 62, tail the last 62, windows read all of it in 17 overlapping parts](figures/14_reading.svg)
#
# mini, like most BERTs, reads at most 512 tokens, and we cut at 64. What becomes of the six messages with more than 400 words? `truncation` says which part is read: the **head**, the **tail**, a bit of both, or all of it in overlapping **windows**, whose logits are averaged. How many of the six will it get right when it reads their first 64 tokens?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Of a text of 558 tokens, head reads the first 62, tail the last 62, windows read all of it in 17 overlapping parts](figures/14_reading.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** 62 and not 64: `[CLS]` and `[SEP]` take two. Ask: in a complaint, where does the point stand? Often at the end; in a mail with its history below, at the start.

# %%
guess = None  # a number, 0 to 6

# %% tags=["timing", "nbval-ignore-output"]
read = {}
for part in ("head", "tail", "head+tail", "windows"):
    found = predict_probabilities(long["message"].tolist(), model, tokenizer, truncation=part).argmax(dim=1)
    read[part] = [names[one] for one in found]
table = pd.DataFrame({"true": long["topic"].tolist()} | read)
print(table.to_string(index=False), "\n")
print({part: int((table[part] == table["true"]).sum()) for part in read}, "right of 6   your guess for head:", guess)

# %% tags=["check:long-texts"]
# checked: six long messages of six topics; the drawing's windows are those of the library
from bertnotes.batching import windows
from bertnotes.pictures.drawings.page14 import Long

lengths = [len(ids) for ids in tokenizer(long["message"].tolist(), verbose=False)["input_ids"]]
assert set(read) == {"head", "tail", "head+tail", "windows"} and min(lengths) > 512 and long["topic"].nunique() == 6
assert len(windows(list(range(Long.tokens + 2)), Long.room + 2)) == 17

# %% [markdown]
# One thing is odd: read from its head, nearly every text is called *booking*, and most answers in the table are. Probably these texts are strangers to the model: it has been trained on no message of more than 100 words, and of a long mail, 64 tokens are mostly introduction. Six messages decide nothing, and we do not choose by them. But all six are longer than 512 tokens, so no setting lets mini read one of them in one piece. If many of your texts are long, keep some for validation and choose there.
#
# For *judging*, windows are safe: short texts are read as before, and of long ones nothing is lost. They cost as many times more as there are windows. In *training* be careful: each window counts as a text of its own, with the label of the whole. Thirteen long texts in 244 may become half of all items. If you have many, compare with `--truncation head+tail` on validation. Without the option, the command cuts texts at `--max-length` and says on stderr how many.
#
# ```sh
# bertnotes train --data train.csv --truncation windows --max-length 256 --class-weights balanced \
#     --head-epochs 20 --batch-size 8 --out runs/windows
# ```
#
# ## 9. What goes to a person?
#
# No message has to be sorted by the model. Where it is unsure, a person can read it, as today. How sure the model is, its **confidence**, is the probability of the class that it names.
#
# ![Eighteen made-up answers by confidence: right of the threshold 0.6, ten are answered and nine are right; the eight to its left go to a person](figures/14_desk.svg)
#
# Drag the **threshold** to the right: fewer messages are answered, and by and large a greater share of the answers is right. (The 99 validation messages; blue is right, orange wrong.)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Eighteen made-up answers by confidence: right of the threshold 0.6, ten are answered and nine are right; the eight to its left go to a person](figures/14_desk.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** What does a wrong answer cost here? A refund that lies with the technician for a week. What does a message to a person cost? Half a minute. So how sure should the model be?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### Which answers go to a person?

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
from bertnotes.pictures.play import play

is_right = named == torch.tensor(held_labels).numpy()
play("threshold", confidence=surest.tolist(), right=is_right.tolist(), at=0.5)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Let the class choose: 8 of 10 right. Read off how many messages are answered then.

# %% [markdown]
# The tall bar at the right holds about half of all answers. The model is nearly certain of them, and some are wrong all the same.
#
# Say what you want first: *of what is answered, 8 in 10 shall be right*. Then take the lowest threshold that does it **on validation**: the lower it is, the more is answered. A confidence of 0.8 does not promise 80 %. Trained networks are often too sure of themselves (page 11, calibration), so we count.
#
# After that come, for the first and only time, the test messages: the threshold was chosen on validation, where it looks a little better than it is. Of what the model answers there, which share will be right?


# %% tags=["timing", "nbval-ignore-output"]
def answered(probabilities, labels, threshold):
    """How many are sure enough, and how many of these are right."""
    sure, named = probabilities.max(dim=1)
    return (sure >= threshold).sum().item(), (named == torch.tensor(labels))[sure >= threshold].sum().item()


marks = {one: answered(probabilities, held_labels, one) for one in sorted(surest.tolist())}
threshold = min((one for one, (count, right) in marks.items() if right >= 0.8 * count), default=1.0)
print(f"threshold {threshold:.2f}: answered and right on validation: {marks.get(threshold)} of 99")

# %% tags=["check:promise"]
# checked: on validation the threshold keeps its promise
kept = marks[threshold]
assert kept[1] >= 0.8 * kept[0] and 0 < kept[0] < 99 and threshold > 0.8
assert 0.4 < (surest > 0.95).double().mean() < 0.6 and (surest > 0.95).sum() > sum(is_right[(surest > 0.95).numpy()])

# %%
guess = None  # the share of right ones among the answered


# %% tags=["timing", "nbval-ignore-output"]
test_probabilities = predict_probabilities(test_texts, model, tokenizer)
test_named = test_probabilities.argmax(dim=1).numpy()
count, right = answered(test_probabilities, test_labels, threshold)
everything = wilson_interval(sum(test_labels == test_named), len(test_labels))
print(f"test, all answered: accuracy {everything}   macro-F1 {macro_f1(test_labels, test_named):.2f}")
print(f"test, from {threshold:.2f} on: {count} of {len(test_labels)} answered, {right} of them right")
print("interval of that share:", wilson_interval(right, count) if count else "none is answered", "  your guess:", guess)

# %% tags=["check:threshold"]
# checked: on the test those who are answered are right more often than all, and over half of access is found
assert sum(one == truly == 0 for one, truly in zip(test_named, test_labels, strict=True)) > test_labels.count(0) / 2
assert 0 < count < len(test_labels) and right / count > everything.value

# %% [markdown]
# To have 8 in 10 right on validation, we had to ask for a confidence above 0.8: this model, too, is more sure than it should be. On the test those who are answered are right more often than all together: confidence means something. Whether it is 8 in 10 again, the interval says: with so few answers it is wide. That is the price of a small file.
#
# While the exam is open: how do the rivals of section 6 do on it? Nothing is chosen any more, so the numbers flatter nobody.

# %% tags=["timing", "nbval-ignore-output"]
on_test = {"TF-IDF": tfidf_logistic_regression().fit(texts, labels).predict(test_texts)}
on_test["NBSVM"] = nbsvm().fit(texts, labels).predict(test_texts)
on_test["vectors, weighted"] = learners["vectors, weighted"].predict(mean_vectors(test_texts))
on_test["mini, fine-tuned"] = test_named
test_leads = leads(test_labels, on_test, "mini, fine-tuned")
for name, named in on_test.items():
    right = wilson_interval(sum(test_labels == named), len(test_labels))
    print(f"{name:18} {right}   macro-F1 {macro_f1(test_labels, named):.2f}   lead {test_leads.get(name, '')}")

# %% tags=["check:rivals-on-test"]
# checked: four systems on the same messages; the lead over TF-IDF is above 0, the one over frozen vectors is not told from 0
assert [len(named) for named in on_test.values()] == [123] * 4
assert all(abs(met - one) < 0.03 for met, one in zip(test_leads["TF-IDF"], (0.20, 0.10, 0.31), strict=True)) and all(
    abs(met - one) < 0.03 for met, one in zip(test_leads["vectors, weighted"], (0.06, -0.01, 0.13), strict=True)
)
assert abs(test_leads["NBSVM"].value - 0.16) < 0.03 and test_leads["NBSVM"].low > 0
assert test_leads["TF-IDF"].low > 0 and test_leads["vectors, weighted"].low < 0 < test_leads["vectors, weighted"].high

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Which of them wins?
#
# | test, 123 messages | accuracy | lead of fine-tuned mini |
# | --- | --- | --- |
# | TF-IDF | 0.47 | 0.20 (0.10 to 0.31) |
# | NBSVM | 0.51 | 0.16 (0.06 to 0.26) |
# | mini, frozen, weighted | 0.62 | 0.06 (−0.01 to 0.13) |
# | mini, fine-tuned | 0.67 | |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Which leads are more than chance? Frozen vectors took three seconds. When would you fine-tune all the same? With more labels, or where one folder that reads text is worth it.

# %% [markdown]
# By accuracy the order is the same as on validation, and so is the verdict. Fine-tuned mini leads TF-IDF by 20 points, from 10 to 31, and NBSVM by 16. Its lead over its own frozen vectors is 6 points, from −1 to 13: perhaps there is one, perhaps not. On 621 messages, BERT beats word counts; whether fine-tuning beats frozen vectors, this file is too small to say. By command, with precision, recall and F1 of each class, and with word counts that learned from all of `train.csv`:
#
# ```sh
# bertnotes evaluate --model runs/topics --data test.csv --beside train.csv
# ```
#
# Two kinds of message were in no set. The rows without a topic: *Test 123 please ignore*. And topics that nobody has thought of, or another language. **A classifier knows no "none of these"**: it spreads its probability over eight topics, whatever the text. How sure is it there?

# %% tags=["timing", "nbval-ignore-output"]
strangers = ["Test 123 please ignore", "Thanks.", "Do you sell bicycles?", "Gibt es sonntags etwas für Kinder?"]
for text, row in zip(strangers, predict_probabilities(strangers, model, tokenizer), strict=True):
    verdict = names[row.argmax()] if row.max() >= threshold else "to a person"
    print(f"{row.max():.2f}   {verdict:18} {text}")

# %% tags=["check:strangers"]
# checked: the four strangers lie below the threshold; the probabilities of a stranger sum to 1, too
assert predict_probabilities(strangers, model, tokenizer).max() < threshold
assert torch.allclose(predict_probabilities(strangers, model, tokenizer).sum(dim=1), torch.ones(4), atol=1e-4) and verdict

# %% [markdown]
# These four stay below the threshold. Do not rely on it: what lies above is sorted, whatever it is. If such messages matter, collect them and make *other* a ninth class, or ask a simple rule first (empty, too short, another language: `foreign`).
#
# ## 10. Serve
#
# A saved model is a folder of 60 MB: weights, tokenizer, the names of its classes, and how it reads. (A run of the command also keeps `state.safetensors`, 180 MB, with which it could go on: delete it before you copy the folder.)
#
# Any machine with transformers opens it, without bertnotes. Two things to say to a `pipeline`: to cut long texts (else a text of 600 tokens is an error), and where.

# %% tags=["timing", "nbval-ignore-output"]
from transformers import pipeline

from bertnotes.names import quiet

model.save_pretrained(folder / "model", tokenizer)
with quiet():
    judge = pipeline("text-classification", model=str(folder / "model"), device="cpu")
found = judge(held_texts[:3], truncation=True, max_length=64)
for text, verdict, ours in zip(held_texts, found, probabilities, strict=False):
    print(f"{verdict['label']:18} {verdict['score']:.4f}   ours {ours.max():.4f}   {text[:50]}")

# %% tags=["check:opened-by-transformers"]
# checked: transformers' pipeline names the same topics with the same probabilities; how large the folder is
assert round(sum(path.stat().st_size for path in (folder / "model").iterdir()) / 1e7) == 6
assert all(abs(one["score"] - ours.max()) < 1e-3 for one, ours in zip(found, probabilities, strict=False))
assert [one["label"] for one in found] == [names[row.argmax()] for row in probabilities[:3]]

# %% [markdown]
# The same to the fourth digit. (A pipeline reads no windows. For these use bertnotes.) The core of a small service: load once, when it starts; answer with a topic and a number, or pass on.

# %% tags=["timing", "nbval-ignore-output"]
loaded, its_tokenizer = BERTClassifier.from_pretrained(folder / "model", "sdpa")


def sort_message(text):
    """The topic of a message and how sure that is, or "to a person"."""
    if not text.strip():  # nothing to read is an error for the model
        return "to a person", 0.0
    row = predict_probabilities([text], loaded, its_tokenizer)[0]
    sure = row.max().item()
    return (loaded.class_names[row.argmax()] if sure >= threshold else "to a person"), round(sure, 2)


glove = sort_message("I found a red glove under seat F7. Shall I bring it?")
print(glove)

# %% tags=["check:service"]
# checked: the loaded model answers as the one in memory
again = predict_probabilities(["I found a red glove under seat F7. Shall I bring it?"], model, tokenizer).max().item()
assert abs(glove[1] - again) < 0.011

# %% [markdown]
# Behind a web address, with FastAPI (`pip install fastapi uvicorn`): put the cell above into `service.py`, with `runs/topics` as the folder, your threshold as a number and its import, `from bertnotes import BERTClassifier, predict_probabilities`. Add this, and start it with `uvicorn service:app`:
#
# ```python
# from fastapi import Body, FastAPI
# app = FastAPI()
# @app.post("/sort")
# def sort(text: str = Body(embed=True)):
#     return dict(zip(("topic", "confidence"), sort_message(text)))
# ```
#
# Keep with every answer the name of the model's folder and the confidence. You will want them when somebody complains. And whole files at night: `bertnotes predict --model runs/topics --file new.csv --out judged.csv` keeps all columns and adds two. Here it runs in this notebook:

# %% tags=["timing", "nbval-ignore-output"]
from contextlib import chdir

from bertnotes.cli import run

with chdir(folder):
    run(["predict", "--model", "model", "--file", "long.csv", "--out", "judged.csv"])
judged = pd.read_csv(folder / "judged.csv")
print(judged[["topic", "label", "probability"]].to_string(index=False))

# %% tags=["check:predicted-file"]
# checked: a row for each message, its own columns and two more; the saved model reads as with "head"
assert judged["label"].tolist() == read["head"]
assert judged.columns.tolist() == ["message", "topic", "label", "probability"] and len(judged) == 6

# %% [markdown]
# The saved model reads as it was trained, 64 tokens of the head: its answers on the long messages are those of *head* in section 8.
#
# Without PyTorch: ONNX, a format for models that many programs can run (`pip install ".[onnx]"` in the clone of the course). `bertnotes export --model runs/topics --onnx --out runs/topics-onnx` writes a folder, compares both on two texts, and refuses if they differ. Then, with the folder's tokenizer (which class a number is, `id2label` in its `config.json` says):
#
# ```python
# import onnxruntime
# session = onnxruntime.InferenceSession("runs/topics-onnx/model.onnx")
# inputs = tokenizer(texts, padding=True, truncation=True, max_length=64, return_tensors="np")
# (logits,) = session.run(["logits"], {name: inputs[name] for name in ("input_ids", "attention_mask")})
# ```
#
# After the start the work goes on. Count each week which share goes to a person: when it climbs, the messages have changed (**drift**). Label a random hundred each month, the answered ones too, and measure again. Then train again, on the old and the new, and compare on one test set before you swap the folders.
#
# | trouble | what helps | where |
# | --- | --- | --- |
# | labels spelled in several ways | the report of `read_table`; one mapping in code | 1, 2 |
# | rows without a text or label | `--drop-bad-rows`, which says how many | 1 |
# | copies, two labels for one text | decide, drop; `split_validation` | 2, 3 |
# | two languages | the warning; a multilingual BERT | 5 |
# | rare classes | `--class-weights balanced`; macro-F1; more examples | 4, 6 |
# | few labels | frozen vectors; `--head-epochs` | 6 |
# | texts of 900 words | `--truncation windows` | 8 |
# | wrong answers are expensive | a threshold chosen on validation | 9 |
# | no GPU, little time | `--dry-run`; vectors and logistic regression | 5, 6 |
# | a service without bertnotes | `pipeline` with `truncation=True`; ONNX | 10 |

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Trouble, and what helps
#
# | trouble | what helps |
# | --- | --- |
# | labels in several spellings | the report; one mapping in code |
# | copies, two labels for one text | decide, drop, split by text |
# | two languages | a multilingual BERT |
# | rare classes | class weights, macro-F1 |
# | long texts | windows |
# | expensive errors | a threshold chosen on validation |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Back to the board from the beginning: which troubles are ticked? For each that is not, who has an idea?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - Look at labels and copies first; clean by code, and let people decide what is unclear.
# - Train, choose and examine on three sets. Simple methods and frozen vectors are the bar.
# - With rare classes: class weights, and macro-F1 beside accuracy.
# - Choose a threshold on validation. What lies below it goes to a person.
#
# **Next:** page 15, when training goes wrong.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** One sentence each: what will you look at first in your own file?

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# Work in the copy of the [exercises](exercises/14.ipynb) in `notebooks/my`. The first is for paper, the others are functions of one to four lines, each of which you can use on your own data.

# %% tags=["exercises"]
import torch

from bertnotes.exercises import check, hint, solution  # noqa: F401

# %% [markdown] tags=["exercise:always_one"]
# ### Always the same answer · ● · 5 minutes
#
# A file has eight classes, and the commonest makes up a fifth of it. A model always names that one: its accuracy is 0.2. What is its **macro-F1**? (A class that is never named has F1 0.) Three digits after the point.

# %% [markdown] tags=["hint:always_one"]
# For the class that is named: which share of the texts that were given it belongs there? Which share of its texts was found?

# %% [markdown] tags=["hint:always_one"]
# Precision 0.2, recall 1. So $F_1 = 2 \cdot 0.2 \cdot 1 / 1.2$.

# %% [markdown] tags=["hint:always_one"]
# The other seven have 0. The mean of all eight is an eighth of that F1.

# %% tags=["exercise:always_one"]
# solution
answer = 2 * 0.2 * 1 / 1.2 / 8
# instead:
# answer = None  # your number
# end of solution

check("always_one", answer)

# %% [markdown] tags=["reason:always_one"]
# $0.333 / 8 = 0.042$. The more classes there are, the closer to 0 is the macro-F1 of a lazy model; its accuracy does not tell.

# %% [markdown] tags=["exercise:macro_f1"]
# ### Macro-F1 by hand · ●● · 10 minutes
#
# `labels` and `predictions` are whole numbers from 0 to `num_classes - 1`, (text,). Return macro-F1, a tensor with one number. Each class occurs at least once among the labels.

# %% [markdown] tags=["hint:macro_f1"]
# For one class: `hits = ((labels == name) & (predictions == name)).sum()`, and how often it is there, and how often it is named.

# %% [markdown] tags=["hint:macro_f1"]
# Precision is hits / named, recall is hits / there. Put into the formula, F1 becomes 2 · hits / (there + named), which is no problem where a class is never named.

# %% [markdown] tags=["hint:macro_f1"]
# A list of F1 for each `name in range(num_classes)`, then `torch.stack(found).mean()`.


# %% tags=["exercise:macro_f1"]
def macro_f1(labels, predictions, num_classes):
    """The mean of the classes' F1."""
    # solution
    found = []
    for name in range(num_classes):
        hits = ((labels == name) & (predictions == name)).sum()
        found.append(2 * hits / ((labels == name).sum() + (predictions == name).sum()))
    return torch.stack(found).mean()
    # end of solution


check("macro_f1", macro_f1)

# %% [markdown] tags=["reason:macro_f1"]
# First F1 for each class, then the mean: the order matters. The F1 of mean precision and mean recall is another number, and some papers report that one under the same name.

# %% [markdown] tags=["exercise:class_weights"]
# ### Class weights · ● · 5 minutes
#
# `labels` are whole numbers, (text,); each class occurs. Return the balanced weights, (class,): texts / (classes · texts of the class).

# %% [markdown] tags=["hint:class_weights"]
# `labels.bincount(minlength=num_classes)` says how many texts each class has.


# %% tags=["exercise:class_weights"]
def class_weights(labels, num_classes):
    """A weight for each class, so that all classes count the same in sum: (class,)."""
    # solution
    return len(labels) / (num_classes * labels.bincount(minlength=num_classes))
    # end of solution


check("class_weights", class_weights)

# %% [markdown] tags=["reason:class_weights"]
# Summed over its texts, each class weighs texts / classes. The mean weight of a text is 1, so that losses stay comparable. `cross_entropy(logits, labels, weight=...)` takes these.

# %% [markdown] tags=["exercise:held_out"]
# ### Copies on one side · ●● · 7 minutes
#
# `text` holds for each row the number of its text, (row,): rows with the same number are copies. `order`, (text,), holds the numbers of all texts in random order. Return for each row whether it is held out for validation, (row,) of True and False: all rows of the first `count` texts of `order`.

# %% [markdown] tags=["hint:held_out"]
# The texts to hold out are `order[:count]`. Which rows have one of these numbers?

# %% [markdown] tags=["hint:held_out"]
# `torch.isin(a, b)` says for each element of a whether it is in b.


# %% tags=["exercise:held_out"]
def held_out(text, order, count):
    """Which rows are held out: (row,) of bool."""
    # solution
    return torch.isin(text, order[:count])
    # end of solution


check("held_out", held_out)

# %% [markdown] tags=["reason:held_out"]
# Draw texts, not rows; then all rows of a text go where it goes. In place of the text you may number writers or threads: scikit-learn calls that `GroupShuffleSplit`.

# %% [markdown] tags=["exercise:windows"]
# ### Windows · ●● · 9 minutes
#
# `ids` are the tokens of a long text, (position,), without `[CLS]` and `[SEP]`; there are more than `room`, which is even. Return its windows, (window, room). Each begins half a window after the one before, the first at 0. The last one ends with the text, and comes only once.

# %% [markdown] tags=["hint:windows"]
# First the positions where windows begin: 0, room // 2, room, ..., as long as they lie before `len(ids) - room`. And then that one.

# %% [markdown] tags=["hint:windows"]
# `starts = [*range(0, len(ids) - room, room // 2), len(ids) - room]`

# %% [markdown] tags=["hint:windows"]
# `torch.stack([ids[start : start + room] for start in starts])`


# %% tags=["exercise:windows"]
def windows(ids, room):
    """Overlapping windows of a text: (window, room)."""
    # solution
    starts = [*range(0, len(ids) - room, room // 2), len(ids) - room]
    return torch.stack([ids[start : start + room] for start in starts])
    # end of solution


check("windows", windows)

# %% [markdown] tags=["reason:windows"]
# With half a window of overlap, a token near the edge of one window stands near the middle of another. The last window is moved back instead of filled up, so that each is full.

# %% [markdown] tags=["exercise:threshold"]
# ### A threshold chosen on validation · ●●● · 9 minutes
#
# `confidence`, (answer,), are all different; `right`, (answer,), are True and False. Return the lowest of the confidences such that, of all answers at least so sure, a share of at least `wanted` is right. The share may dip below it and come back: take the lowest threshold at which it holds.

# %% [markdown] tags=["hint:threshold"]
# Sort by confidence, the surest first: `order = confidence.argsort(descending=True)`.

# %% [markdown] tags=["hint:threshold"]
# `right[order].double().cumsum(dim=0)` counts the right ones among the first 1, 2, 3, ... answers. Divide by 1, 2, 3, ...

# %% [markdown] tags=["hint:threshold"]
# `confidence[order][share >= wanted]` are the thresholds that do it, from the highest to the lowest: take the last.


# %% tags=["exercise:threshold"]
def threshold(confidence, right, wanted):
    """The lowest confidence from which on a wanted share of answers is right."""
    # solution
    order = confidence.argsort(descending=True)
    share = right[order].double().cumsum(dim=0) / torch.arange(1, len(right) + 1)
    return confidence[order][share >= wanted][-1]
    # end of solution


check("threshold", threshold)

# %% [markdown] tags=["reason:threshold"]
# Chosen on the same answers that it is measured on, such a threshold flatters itself. That is why the lesson counts again on the test set. With few answers, ask for more than you need.

# %% [markdown]
# ## Sources
#
# - Devlin, Chang, Lee, Toutanova (2018). *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.* arXiv:1810.04805
# - Conneau, Khandelwal, Goyal, Chaudhary and others (2019). *Unsupervised Cross-lingual Representation Learning at Scale.* arXiv:1911.02116 (XLM-R)
# - Chan, Schweter, Möller (2020). *German's Next Language Model.* arXiv:2010.10906 (gbert)
# - Wang, Manning (2012). *Baselines and Bigrams: Simple, Good Sentiment and Topic Classification.* ACL
# - Kumar, Raghunathan, Jones, Ma, Liang (2022). *Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution.* arXiv:2202.10054 (LP-FT)
# - Opitz, Burst (2019). *Macro F1 and Macro F1.* arXiv:1911.03347
# - Guo, Pleiss, Sun, Weinberger (2017). *On Calibration of Modern Neural Networks.* arXiv:1706.04599
