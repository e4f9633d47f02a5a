# %% [markdown] question="How far do simple methods get?"
# # 09 · Reviews and baselines: how high is the bar?
#
# **The question:** a model is right on 91 % of some film reviews. Is that good?
#
# ![BERT before three hurdles, each higher than the one before: always the same answer, TF-IDF, NBSVM. Behind them: by how much, and how sure?](figures/09_hurdles.svg)
#
# From here on BERT has a job: it reads a film review and says *positive* or *negative*. A score says nothing alone. It needs the score of simpler methods on the same reviews, and an answer to *how sure is that?* Such a simple method is called a **baseline**. On this page you meet three, and some ways to fool yourself.
#
# **You need:** page 06 for the loss, page 08 for the standard error. **Time:** about 65 minutes, and 49 more for the exercises. Where a cell says `guess = None`, type your guess in place of `None`.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# # How high is the bar?
#
# ![BERT before three hurdles, each higher than the one before: always the same answer, TF-IDF, NBSVM. Behind them: by how much, and how sure?](figures/09_hurdles.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Ask: a model is right on 91 % of film reviews, is that good? Collect what one would have to know: how often is always the same answer right, what do simple methods get, on how many reviews was it counted? The deck takes 40 minutes, votes included. Run the notebook before class.

# %%
import json

import numpy as np
import pandas as pd

from bertnotes.data import LABELS, read_reviews
from bertnotes.files import RESULTS, REVIEWS

frame = read_reviews(REVIEWS, columns=("review", "sentiment", "note", "voice"))
texts = frame["review"].to_numpy()
labels = frame["sentiment"].map(LABELS.index).to_numpy()  # 1 = positive, 0 = negative
facts = json.loads((RESULTS / "imdb_facts.json").read_text(encoding="utf-8"))  # what was counted of IMDB
print(len(texts), "reviews came with the course,", (labels == 1).sum(), "of them positive")

# %% [markdown]
# ## 1. What is in a review?
#
# You first. This is one of ours:
#
# > Great cast. Fantastic house, I'd move in tomorrow, ghosts and all. Speaking tubes in every room is a brilliant idea, and the first time one of them whispers I took my feet up off the rug. I counted forty-one more, having nothing else to do.
#
# Is it positive or negative?

# %%
guess = None  # "positive" or "negative"

# %%
house = next(row for row, text in enumerate(texts) if text.startswith("Great cast. Fantastic house"))
print("the label:", LABELS[labels[house]], "   your guess:", guess)

# %% tags=["check:the-house"]
# checked: how many reviews there are, and the label of this one
assert len(texts) == len(set(texts)) == 1276 and labels.sum() == 638 and labels[house] == 0
assert frame["note"][house] == "turn" and texts[house].endswith("having nothing else to do.")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Positive or negative?
#
# > Great cast. Fantastic house, I'd move in tomorrow, ghosts and all. Speaking tubes in every room is a brilliant idea, and the first time one of them whispers I took my feet up off the rug. I counted forty-one more, having nothing else to do.
#
# - Which words praise?
# - Which words blame?
# - What will a method say that only counts words?

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Nearly everybody says negative. Ask for the words that praise: great, fantastic, brilliant. And for those that blame: there is none. Keep this review in mind, it comes back.

# %% [markdown]
# The last sentence turns it round. But no single word in it blames, and above it stand *great*, *fantastic* and *brilliant*. Keep this review in mind.
#
# We use two collections:
#
# - **Ours**, `data/reviews.csv`: 1,276 reviews of invented films, written for this course. The column `note` marks hard cases, such as this one, a **turn**. The column `voice` says who speaks: rambling, misspelt, young, old ...
# - **IMDB** (Maas et al. 2011): 50,000 reviews from a film website, half for training and half for testing, half positive and half negative. No film is in both halves. Negative means at most 4 of 10 stars, positive at least 7: the undecided ones were left out, which makes it easier.
#
# IMDB's reviews belong to their authors, so you fetch them yourself: `bertnotes data` in a terminal, 84 MB, or `bertnotes data --from FILE` if you have them. **This page needs none of them.** What it says of IMDB was measured once and stored in `data/results`.
#
# The first thing to do with data is to look at it. Reviews from a website bring marks for line breaks along, and a tokenizer makes words of them:

# %%
from bertnotes.data import clean_review
from bertnotes.models import load_tokenizer

tokenizer = load_tokenizer()
raw = "I laughed twice.<br /><br />Both times at the wrong film."
print(tokenizer.tokenize(raw))
print(tokenizer.tokenize(clean_review(raw)))
print(f"IMDB's training reviews with such marks: {facts['with_br']:.0%}")

# %% tags=["check:marks-of-a-page"]
# checked: the marks become tokens, and are gone from a clean review
assert "br" in tokenizer.tokenize(raw) and "br" not in tokenizer.tokenize(clean_review(raw))
assert 0.58 < facts["with_br"] < 0.6 and facts["reviews"] == {"train": 25000, "test": 25000}

# %% [markdown]
# More than half have them. `read_reviews` cleans them away.
#
# The second thing: **length**. BERT reads at most 512 tokens, and time and memory grow with length, so people cut reviews short. mini's tokenizer makes these lengths of IMDB's training reviews:
#
# ![Half of IMDB's reviews have at most 230 tokens, nine tenths at most 610; lines mark cuts at 128, 256 and 512](figures/09_lengths.svg)
#
# If every review is cut after 128 tokens: which share of their text is never read?

# %%
guess = None  # a share

# %%
for cut in ("128", "256", "512"):
    lost, touched = facts["tokens_lost"][cut], facts["reviews_cut"][cut]
    print(f"cut at {cut}: {touched:.0%} of the reviews are shortened, {lost:.0%} of the text is never read")
ours = [len(ids) for ids in tokenizer(texts.tolist())["input_ids"]]
print(f"half of ours have at most {np.median(ours):.0f} tokens   your guess: {guess}")

# %% tags=["check:cuts-of-imdb"]
# checked: what a cut throws away, and the numbers of the drawing
from bertnotes.pictures.drawings.page09 import Lengths

assert all(facts["tokens"][share] == count for share, count in Lengths.tokens.items())
assert all(facts["tokens_lost"][cut] == lost for cut, lost in Lengths.lost.items()) and facts["tokens_lost"]["128"] > 0.59
assert 80 < np.median(ours) < facts["tokens"]["50%"] / 2 and 0.3 < facts["tokens_lost"]["256"] < 0.34

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Half of IMDB's reviews have at most 230 tokens, nine tenths at most 610; lines mark cuts at 128, 256 and 512](figures/09_lengths.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Guess: cut every review after 128 tokens, which share of all text is never read? 60 %. At 256 a third, at 512 an eighth. Counting words reads everything; remember that when BERT is compared with it.

# %% [markdown]
# 60 %, as nearly nine reviews in ten are shortened. At 256 tokens a third is lost, at 512 an eighth. A method that counts words reads all of it: remember that at the end.
#
# ## 2. The bar that costs nothing
#
# The simplest classifier always gives the same answer: the commonest class of its training reviews. If seven of ten test reviews are positive, *always positive* has an **accuracy** (share of right answers) of 0.70.
#
# Nothing was learned. With a rare class, 20 of 1,000, never naming it is right on 0.98. So never report an accuracy without the share of the commonest class, the **majority baseline**. Ours and IMDB are balanced: there it is 0.50.
#
# ## 3. How sure is a score?
#
# A notebook that grew from a tutorial draws fifty of IMDB's reviews, fine-tunes BERT on forty and scores it on the other **ten**. It gets seven right: 70 %. How often does a coin get seven or more of ten right?

# %%
guess = None  # a share

# %%
from scipy.stats import binom, norm

chances = {right: binom.pmf(right, n=10, p=0.5) for right in range(7, 11)}  # of exactly so many
print("  ".join(f"{right} right: {chance:.3f}" for right, chance in chances.items()))
print(f"seven or more: {sum(chances.values()):.2f}   your guess: {guess}")

# %% tags=["check:commonest-class"]
# checked: always the same answer
from bertnotes.data import majority_accuracy

assert (majority_accuracy([1] * 7 + [0] * 3), majority_accuracy(labels)) == (0.7, 0.5)
assert majority_accuracy([1] * 20 + [0] * 980) == 0.98

# %% tags=["check:coin-of-ten"]
# checked: 176 of the 1,024 ways in which ten coins fall
assert abs(sum(chances.values()) - 176 / 1024) < 1e-9

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Ten test reviews, seven right
#
# A notebook fine-tunes BERT on 40 reviews, scores it on 10, and reports 70 %.
#
# How often does a **coin** get seven or more of ten?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# **17 %** of the time: 176 of 1,024.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Let everybody toss a coin ten times if there is time, and count the hands with seven heads or more. In a class of thirty about five go up.

# %% [markdown]
# In 17 % of all cases, one time in six. So 70 % of ten reviews is only weak evidence of learning. (If seven of the ten were positive, *always positive* gets it, too.)
#
# How far can we trust a share? Page 08 gave a mean ± 2 standard errors. For a share $p$ of $n$ answers the standard error is $\sqrt{p(1-p)/n}$. For few answers, and near 0 and 1, this simple interval goes wrong: ten of ten right would be 1.00 ± 0.00. **Wilson's interval** (1927) turns the question round: from which true accuracies is our share not too far? It holds all that lie at most $z = 1.96$ of *their* standard errors away:
#
# $$\frac{p + \frac{z^2}{2n} \pm z\sqrt{\frac{p(1-p)}{n} + \frac{z^2}{4n^2}}}{1 + \frac{z^2}{n}}$$
#
# Measured again and again on new reviews, about 95 % of such **confidence intervals** hold the true accuracy. `wilson_interval(right, count)` works it out. (Before you run it: where does it begin for ten of ten?)

# %%
from bertnotes.evaluation import wilson_interval

for right, count in ((7, 10), (10, 10), (70, 100), (700, 1_000), (17_500, 25_000)):
    share, low, high = wilson_interval(right, count)
    print(f"{right:6,} of {count:6,}: {share:.2f}   95 % interval {low:.3f} to {high:.3f}")

# %% tags=["check:wilson"]
# checked: the intervals of the text and of the drawing
from bertnotes.pictures.drawings.page09 import COUNTS, wilson

found = {count: wilson_interval(round(0.7 * count), count) for count in COUNTS}
assert all(np.allclose(wilson(0.7, count), interval[1:], atol=1e-4) for count, interval in found.items())
assert [round(end, 2) for end in (*found[10][1:], *found[100][1:], *found[1000][1:])] == [0.40, 0.89, 0.60, 0.78, 0.67, 0.73]
assert round(wilson_interval(10, 10).low, 2) == 0.72 and wilson_interval(10, 10).high == 1 and found[25_000].low > 0.694
widths = [interval.high - interval.low for interval in found.values()]
assert abs(widths[1] / widths[2] - 10**0.5) < 0.1

# %% [markdown]
# ![70 % of 10, 100, 1,000 and 25,000 reviews: the interval shrinks from 0.40 to 0.89 down to hardly wider than its dot](figures/09_intervals.svg)
#
# Seven of ten: anything from 0.40 to 0.89. Even ten of ten would say no more than 0.72 to 1.00. Ten times as many reviews make the interval about a third as wide, because the error falls with the root of their number. IMDB's 25,000 leave about half a point on either side.
#
# ## 4. Counting words
#
# Now a method that learns. It throws the words of a review into a bag, so that their order is lost, and counts them (**bag of words**). Each word has a weight: positive if it speaks for *positive*. Weights times counts are added up, and the sign of the sum is the verdict.
#
# ![The review a dull start but a superb film: counts, times weights, add up to 0.2, above 0, so positive](figures/09_counting.svg)
#
# **Logistic regression** learns the weights. It turns the sum into a probability by $1/(1+e^{-\text{sum}})$ and makes the cross-entropy loss of page 06 small. A penalty keeps weights small unless a word earns more.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![70 % of 10, 100, 1,000 and 25,000 reviews: the interval shrinks from 0.40 to 0.89 down to hardly wider than its dot](figures/09_intervals.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Read from the top. Then ask: had all ten been right, where would the interval begin? At 0.72. How many reviews for an interval a tenth as wide? A hundred times as many.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![The review a dull start but a superb film: counts, times weights, add up to 0.2, above 0, so positive](figures/09_counting.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The weights are made up; learning finds them. Ask: what would it say of *a superb start but a dull film*? The same, word for word.

# %% [markdown]
# A bare count is as large for *the* as for *superb*; the weights must do all the rest. **TF-IDF** weighs a count (term frequency, tf) the less, the more texts have the word (document frequency, df, of $n$ texts). As scikit-learn does it:
#
# $$\text{tf} \cdot \left(\ln\frac{1+n}{1+\text{df}} + 1\right)$$
#
# Then each row is divided by the root of the sum of its squares, so that long reviews are not louder. Three texts by hand, then beside scikit-learn's. A row is a text, a column a word:

# %% tags=["teaches"]
from sklearn.feature_extraction.text import TfidfVectorizer

three, words = ["good film", "bad film", "good good end"], ["bad", "end", "film", "good"]
counts = np.array([[text.split().count(word) for word in words] for text in three])
texts_with = (counts > 0).sum(axis=0)  # df: in how many texts each word stands
rows = counts * (np.log((1 + len(three)) / (1 + texts_with)) + 1)
rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
print(words, counts, rows.round(2), sep="\n")
assert np.allclose(rows, TfidfVectorizer().fit_transform(three).toarray())

# %% [markdown]
# In the last row *good* stands twice and *end* once, but *end* is rarer: 0.84 against 0.55, not two to one.
#
# Our baseline takes single words and pairs of neighbours, such as *not good*, if two reviews or more have them. (And 1 + ln tf in place of tf: the tenth *good* adds little.) It trains in a second.
#
# On which reviews shall we test it? Learned reviews do not count, and 1,276 are few. So we do **five-fold cross-validation**:
#
# ![Five rounds; in each another fifth of the reviews is judged by a model that learned from the other four fifths](figures/09_folds.svg)
#
# `judged` does that for any method. Always the same answer gets 0.50. What does counting words get on our reviews?

# %%
from sklearn.model_selection import StratifiedKFold

folds = list(StratifiedKFold(n_splits=5, shuffle=True, random_state=0).split(texts, labels))


def judged(method, read=texts):
    """What a method says of each review, having learned from the other four fifths."""
    answers = np.zeros(len(texts), dtype=int)
    for rest, fifth in folds:
        answers[fifth] = method().fit(texts[rest], labels[rest]).predict(read[fifth])
    return answers


# %%
guess = None  # a share

# %%
from bertnotes.baselines import tfidf_logistic_regression

says = {"TF-IDF": judged(tfidf_logistic_regression)}
right = (says["TF-IDF"] == labels).sum()
share, low, high = wilson_interval(right, len(labels))
print(f"TF-IDF and logistic regression: {share:.2f} ({low:.2f} to {high:.2f})   your guess: {guess}")

# %% tags=["check:tfidf-on-ours"]
# checked: each review is judged once, by a model that did not learn from it; how often TF-IDF is right
assert sorted(np.concatenate([fifth for _, fifth in folds])) == list(range(1276))
assert all(not set(rest) & set(fifth) for rest, fifth in folds) and abs(share - 0.734) < 0.004
assert rows[2].round(2).tolist() == [0, 0.55, 0, 0.84]

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Five rounds; in each another fifth of the reviews is judged by a model that learned from the other four fifths](figures/09_folds.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Why not test on what was learned? Then the guess: always the same gets 0.50, what does counting words get on our reviews? 0.73. And on IMDB, with 20 times as many to learn from? 0.91.

# %% [markdown]
# 0.73: well above 0.50, far from good. (The interval may be too narrow: each review also trains the models that judge others.) What has it learned? The words and pairs with the largest weights, fitted on our reviews and, by a stored run, on the 25,000 of IMDB:

# %%
from bertnotes.baselines import strongest_words

on_imdb = json.loads((RESULTS / "imdb-tfidf-seed0.json").read_text(encoding="utf-8"))
on_ours = strongest_words(tfidf_logistic_regression().fit(texts, labels))
for side in LABELS:
    print(f"{side}, ours: {', '.join(on_ours[side][:8])}")
    print(f"{side}, IMDB: {', '.join(on_imdb['strongest'][side][:8])}")

# %% tags=["check:strongest"]
# checked: on IMDB the strongest words praise and blame, on ours nice speaks for negative
assert on_imdb["strongest"]["negative"][:2] == ["bad", "worst"] and "excellent" in on_imdb["strongest"]["positive"]
assert "nice" in on_ours["negative"][:8] and not {"bad", "worst", "awful", "boring"} & set(on_ours["negative"])

# %% [markdown]
# IMDB's make sense: *worst*, *awful*; *great*, *excellent*. Ours look odd: *they*, *was*, *when*, and *nice* speaks for *negative*. Two reasons. Our authors used the common words of praise and blame sparingly, on purpose. And with a thousand reviews many words lean to one side by luck. A count knows nothing of a word that it has not met; there pre-training should help.
#
# ## 5. A stronger counter: NBSVM
#
# Logistic regression starts from nothing: it must find out for each word which side it is on. Why not tell it? Count in how many reviews of each class a word stands, and take the logarithm of the ratio:
#
# ![Made-up counts: superb speaks for positive, dull and asleep for negative, film for neither](figures/09_ratio.svg)
#
# Read *asleep*: no positive review has it. Without the 1 that is added to each count, the ratio would be 0 and its logarithm minus infinity, from three reviews.
#
# **NBSVM** (Wang & Manning 2012) does it in two steps. With $p$ and $q$, for each word 1 plus the number of positive and of negative reviews that have it:
#
# $$r = \ln\frac{p / \sum p}{q / \sum q}$$
#
# This is the **NB**, naive Bayes: it takes the words of a class for independent of each other, which they are not. Then the **SVM**, a support vector machine, corrects it. It too learns weights $w$, on features that are $r$ where a word is there and 0 where not. Its loss looks at reviews on the wrong side or near the border, and leaves alone what is safely right. At last all weights are drawn towards their mean size: $w' = (1-\beta)\,\overline{|w|} + \beta w$, with $\beta = 0.25$. So a word about which the SVM knows little keeps the say that its ratio gives it.
#
# We judge with the same five folds. Its words are single words and pairs, too, and punctuation marks count as words. (That, and C = 0.1 in place of 1, which charges less for an error, is not as in the paper. Our TF-IDF has C = 10.)
#
# TF-IDF got 0.73, but it leaves out punctuation marks, single letters and words of one review only. So we also give it the words that NBSVM counts. What does each get?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![Made-up counts: superb speaks for positive, dull and asleep for negative, film for neither](figures/09_ratio.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Ask what *film* tells: nothing. Then *asleep*, 0 against 3: how sure is one of that? Why is 1 added? Otherwise three reviews would be worth infinitely much.

# %%
from bertnotes.baselines import nbsvm

SAME = {"tfidfvectorizer__token_pattern": r"\w+|[^\w\s]+", "tfidfvectorizer__min_df": 1}  # what NBSVM counts
same_words = judged(lambda: tfidf_logistic_regression().set_params(**SAME))
says["NBSVM"] = judged(nbsvm)
for name, answers in {**says, "TF-IDF on NBSVM's words": same_words}.items():
    share, low, high = wilson_interval((answers == labels).sum(), len(labels))
    print(f"{name:24} {share:.2f} ({low:.2f} to {high:.2f})")

# %% tags=["check:nbsvm-on-ours"]
# checked: the three shares, NBSVM on TF-IDF's words, and that the two intervals overlap
ends = [wilson_interval((answers == labels).sum(), len(labels)) for answers in says.values()]
assert abs(ends[1].value - 0.762) < 0.004 and ends[1].low < ends[0].high and abs((same_words == labels).mean() - 0.781) < 0.004
THEIRS = {"countvectorizer__token_pattern": r"(?u)\b\w\w+\b", "countvectorizer__min_df": 2}  # what TF-IDF counts
nbsvm_on_theirs = judged(lambda: nbsvm().set_params(**THEIRS))
assert abs((nbsvm_on_theirs == labels).mean() - 0.737) < 0.004

# %% [markdown]
# NBSVM gets 0.76, three points more. But TF-IDF on the same words gets 0.78. So on our reviews the words bring the gain, not the method. (NBSVM on TF-IDF's words gets 0.74.) On IMDB the paper reports 91.22 %, six years before BERT; there we have not taken the two apart. A comparison with the lower bar alone flatters BERT. So from here on NBSVM, with its words, stands beside TF-IDF with its own.
#
# ## 6. Is it really better?
#
# 0.73 (0.71 to 0.76) and 0.76 (0.74 to 0.78): the intervals overlap. Many conclude *so there is no difference*. That is wrong, and an easy mistake: **overlap is no test**. Two intervals just touch when the shares are as far apart as their two half-widths *together*, $h_1 + h_2$. But for two separate samples such widths add up like the sides of a right-angled triangle: the half-width of the difference is only $\sqrt{h_1^2 + h_2^2}$.
#
# ![8,000 reviews each, 0.92 and 0.91: the two intervals overlap, but the interval of the difference leaves out 0](figures/09_overlap.svg)
#
# So test the difference itself. How many of its standard errors is it away from 0?
#
# $$z = \frac{p_1 - p_2}{\sqrt{p_1(1-p_1)/n + p_2(1-p_2)/n}}$$
#
# If each system has judged reviews *of its own* and there is no difference, $|z|$ is above 1.96 in only 5 % of all measurements. This is the **two-sample z-test**.
#
# Ours judged *the same* reviews, and mostly agree. A review on which both are right, or both wrong, cannot say which is better. So we count those on which only one is right:

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![8,000 reviews each, 0.92 and 0.91: the two intervals overlap, but the interval of the difference leaves out 0](figures/09_overlap.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Cover the lower half and ask: do the two differ? Most say no, because the intervals overlap. Then the lower half: the interval of the difference leaves out 0. The two judged separate samples of 8,000. Errors add up like the sides of a right-angled triangle.


# %%
from bertnotes.evaluation import mcnemar


def z_of(first, second, count):
    """By how many standard errors two shares differ, each of so many answers."""
    variance = first * (1 - first) / count + second * (1 - second) / count
    return (first - second) / variance**0.5


shares = {name: (answers == labels).mean() for name, answers in says.items()}
print(f"as if each had judged reviews of its own: z = {z_of(shares['NBSVM'], shares['TF-IDF'], len(labels)):.1f}")
only_nbsvm, only_tfidf, p = mcnemar(labels, says["NBSVM"], says["TF-IDF"])
print(f"only NBSVM is right: {only_nbsvm} reviews, only TF-IDF: {only_tfidf}   p = {p:.3f}")

# %% tags=["check:pairs-on-ours"]
# checked: the four kinds of pairs, and that they show what the test for separate samples does not
both = ((says["NBSVM"] == labels) & (says["TF-IDF"] == labels)).sum()
assert np.allclose([both, only_nbsvm, only_tfidf], [855, 117, 81], atol=4) and 0.005 < p < 0.03
assert 1.5 < z_of(shares["NBSVM"], shares["TF-IDF"], 1276) < 1.8
assert 0.03 < mcnemar(labels, same_words, says["NBSVM"])[2] < 0.1 and mcnemar(labels, same_words, says["TF-IDF"])[2] < 0.001
assert mcnemar(labels, nbsvm_on_theirs, says["TF-IDF"])[2] > 0.5

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### The same reviews: count in pairs
#
# | our 1,276 reviews | TF-IDF right | TF-IDF wrong |
# | --- | --- | --- |
# | **NBSVM right** | 855 | **117** |
# | **NBSVM wrong** | **81** | 223 |

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Ask which of the four numbers say who is better: only 117 and 81. If both were equally good, each of these 198 reviews would be the toss of a coin. Coins fall so unevenly in 1.3 % of all cases. The z for two separate samples, 1.6, would have missed it.

# %% [markdown]
# $z$ would be 1.6, not beyond 1.96. But it is the wrong test here. Only one is right on 198 reviews, 117 against 81. If both were equally good, each of these would be the toss of a coin. **McNemar's test** asks how often coins fall at least so unevenly, to either side. That probability is called **p**: here 1.3 %. Below 5 %, people usually say that a difference shows. So it does; that it comes from the words we saw above.
#
# **The rule:** the same reviews, count in pairs; two separate samples, z.
#
# How many reviews does z take? Say that two systems judged *different* reviews, as many each, and got 0.92 and 0.91. From how many on is $z$ above 1.96?

# %%
guess = None  # a number of reviews

# %%
for count in (1_000, 4_000, 5_900, 6_000, 8_000, 11_900, 12_000):
    better, worse = (wilson_interval(round(share * count), count) for share in (0.92, 0.91))
    overlap = "overlap" if worse.high > better.low else "apart"
    print(f"{count:6,} reviews: z = {z_of(0.92, 0.91, count):.2f}   intervals: {overlap}")
print("your guess:", guess)

# %% tags=["check:z-and-overlap"]
# checked: z passes 1.96 near 6,000 reviews, the intervals part near 12,000; 80 % power near 12,000; numbers of the drawing
assert z_of(0.92, 0.91, 5_900) < 1.96 < z_of(0.92, 0.91, 6_000)
for count, overlaps in ((11_800, True), (12_000, False)):
    better, worse = (wilson_interval(round(share * count), count) for share in (0.92, 0.91))
    assert (worse.high > better.low) == overlaps
assert abs((1.96 + 0.8416) ** 2 * (0.92 * 0.08 + 0.91 * 0.09) / 0.01**2 - 12_200) < 50
from bertnotes.pictures.drawings.page09 import Two

assert Two.half() < 0.01 < z_of(Two.better, Two.worse, Two.count) and wilson(Two.worse, 8_000)[1] > wilson(Two.better, 8_000)[0]

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## 0.92 against 0.91
#
# Each judged reviews of its own. How many until $z$ is above 1.96?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# | reviews each | z | intervals |
# | --- | --- | --- |
# | 1,000 | 0.80 | overlap |
# | **6,000** | **1.96** | overlap |
# | 12,000 | 2.78 | apart |

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** About 6,000. Waiting for the intervals to part takes 12,000. And a warning: with 6,000 a true difference of one point is seen only every second time, as the measured one may come out smaller. For four times in five, 12,200.

# %% [markdown]
# About 6,000. Who waits until the intervals part needs 12,000, twice as many.
#
# One thing more. With 6,000 reviews and a *true* difference of one point, the measured one is as often smaller as larger. So the test sees it only every second time: its **power** is 50 %. For 80 % power it takes about 12,200 reviews each.
#
# **Play with it.** Move the number of reviews to 6,000, then to 12,000, and watch the words below the picture.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ### When are two systems apart?

# %% slideshow={"slide_type": "-"} tags=["nbval-ignore-output"]
from bertnotes.pictures.play import play

play("apart")

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** Set the reviews to 8,000: overlap, and z beyond 1.96. Then move both accuracies to the middle, 0.60 and 0.59: now even 8,000 are too few, because shares near one half have larger errors.

# %% [markdown]
# ## 7. Two ways to leak
#
# **Leakage** is when the test tells what training already knew. It makes a score too good, and no interval shows it.
#
# ![A copy stands in training and in test; two different reviews of one film stand on either side](figures/09_leak.svg)
#
# First, **copies**. Here is a caricature: every review of ours twice, and a "model" that looks reviews up. Where it does not find one, it says *positive*. We split at random, four fifths to learn from, twenty times. What accuracy does it get on average?

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ![A copy stands in training and in test; two different reviews of one film stand on either side](figures/09_leak.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** A caricature first: every review twice, split at random, a model that only looks up. It gets 0.90. Then IMDB: 123 of 25,000 test reviews are also in training. By how much does that lift a model that is right on 91.4 % of the others? By about 0.04 points, if copies are as hard as others; by 0.49 at the very most. Films: no film is in both halves of IMDB, but a validation set drawn from training shares films.

# %%
guess = None  # a share

# %%
from sklearn.model_selection import train_test_split

twice, labels_twice, found = [*texts, *texts], [*labels, *labels], []
for seed in range(20):
    split = train_test_split(twice, labels_twice, test_size=0.2, random_state=seed)
    train_texts, test_texts, train_labels, test_labels = split
    known = dict(zip(train_texts, train_labels, strict=True))
    found.append(np.mean([known.get(text, 1) == label for text, label in zip(test_texts, test_labels, strict=True)]))
print(f"{np.mean(found):.2f} ({min(found):.2f} to {max(found):.2f})   your guess: {guess}")

# %% tags=["check:lookup"]
# checked: looking up gets 0.90 where copies may stand on either side, 0.5 where they may not
from bertnotes.data import split_validation

assert 0.89 < np.mean(found) < 0.91 and 0.86 < min(found) < max(found) < 0.94
train_texts, test_texts, _, test_labels = split_validation(twice, labels_twice)
assert not set(train_texts) & set(test_texts) and abs(np.mean(test_labels) - 0.5) < 0.01

# %% [markdown]
# It understands nothing, and gets 0.90: four fifths have their copy in training, and of the last fifth *positive* is right for half. With copies kept on one side, as `split_validation` does, it gets 0.5.
#
# That was a caricature. In IMDB, 123 of the 25,000 test reviews also stand in training, half a per cent. (No film does; presumably people post one text under two films.) NBSVM gets 0.9142 there. By about how many points of accuracy have the copies lifted it, if they are as hard as the other reviews?

# %%
guess = None  # points: 1 is one per cent of the test reviews

# %%
nbsvm_on_imdb = json.loads((RESULTS / "imdb-nbsvm-seed0.json").read_text(encoding="utf-8"))["accuracy"]
copies, test_size = facts["test_reviews_in_train"], facts["reviews"]["test"]
others_right = (nbsvm_on_imdb * test_size - copies) / (test_size - copies)  # if it gets all copies right
print(f"{copies} copies, {copies / test_size:.2%} of the test reviews")
print(f"with them {nbsvm_on_imdb:.4f}, without them {others_right:.4f}")
print(f"lift: {100 * (nbsvm_on_imdb - others_right):.2f} points, if copies are as hard as others   your guess: {guess}")
print(f"if all copies would have been wrong: {100 * copies / test_size:.2f} points")

# %% tags=["check:true-size"]
# checked: the estimate for NBSVM and TF-IDF, and the bound: all copies right with memory, all wrong without
assert copies == 123 and 0.0004 < nbsvm_on_imdb - others_right < 0.00045
assert on_imdb["accuracy"] - (on_imdb["accuracy"] * test_size - copies) / (test_size - copies) < 0.0005
best, worst = nbsvm_on_imdb, (nbsvm_on_imdb * test_size - copies) / test_size
assert round(100 * (best - worst), 2) == 0.49 and facts["copies_within_test"] == 199

# %% [markdown]
# By about 0.04 points: if copies are as hard as others, nine in ten would have been right anyway. At the very most it is 0.49 points, if all would have been wrong. Only training without them would tell. So the size of a leak is not the number of copies. It is what they can change. For comparison: the interval of 25,000 reviews reaches 0.35 points to either side. So we leave the official test set as it is, and our numbers can be compared with others'.
#
# Second, **films**. Two reviews of one film are no copies, but they share names, and often the verdict. IMDB's halves share no film. A **validation set**, drawn from the training reviews in order to choose settings, does share films with them. What is that worth? In a stored run TF-IDF judged each review twice: once by a model that learned from other reviews of the *same* half, so that it knew the films. And once by one that learned from as many of the *other* half.

# %%
gaps = json.loads((RESULTS / "validation-gap.json").read_text(encoding="utf-8"))["gaps"]
for half, gap in gaps.items():
    print(f"{half:5} reviews: films known {gap['own']:.3f}, unknown {gap['other']:.3f}, ", end="")
    print(f"difference {100 * gap['difference']:.1f} points ({100 * gap['low']:.1f} to {100 * gap['high']:.1f})")

# %% tags=["check:films-known"]
# checked: knowing the films is worth about a point in either half
assert all(0.005 < gap["low"] < gap["difference"] < gap["high"] < 0.014 for gap in gaps.values())
assert [round(100 * gap["difference"], 1) for gap in gaps.values()] == [0.9, 1.1]

# %% [markdown]
# About one point, some twenty times our estimate for the copies. So choose by validation, but do not report it as the score. For data of your own: keep what belongs together on *one* side, whether a film, a customer or an author.
#
# ## 8. Where counting fails
#
# The column `note` says what is hard about a review. On which kind does counting do worst: **concession** (much granted to the other side), **implied** (the verdict is never said), **irony**, **negation** (*not bad*), mostly **plot**, or a **turn** in the last sentence? The rest is **plain**.

# %%
guess = None  # one of the six

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Where does counting fail?
#
# Our 1,276 reviews by what is hard about them, each judged by a model that has not learned from it.

# %% slideshow={"slide_type": "-"}
from bertnotes.pictures.charts import estimate_chart

notes = frame["note"].replace("", "plain").to_numpy()
kinds = {kind: notes == kind for kind in ("plain", "plot", "implied", "irony", "negation", "concession", "turn")}
right = says["NBSVM"] == labels
by_kind = {f"{kind} ({rows.sum()})": [wilson_interval(right[rows].sum(), rows.sum())] for kind, rows in kinds.items()}
print("" if guess is None else f"your guess: {guess}")
figure = estimate_chart({"": by_kind}, "NBSVM: correct in %, with the 95 % interval", marks={"coin": 0.5})


# %% tags=["check:kinds"]
# checked: plain reviews are the easiest for both, a turn the hardest, where both intervals hold the coin
def share_right(chosen, name="NBSVM"):
    """How often a counter is right on the chosen reviews, with the interval."""
    return wilson_interval((says[name] == labels)[chosen].sum(), chosen.sum())


for name in says:
    found = {kind: share_right(chosen, name) for kind, chosen in kinds.items()}
    assert (
        max(found, key=lambda kind: found[kind].value) == "plain" and min(found, key=lambda kind: found[kind].value) == "turn"
    )
    assert found["turn"].low < 0.5 < found["turn"].high < found["plain"].low
    assert abs(found["turn"].value - {"NBSVM": 0.41, "TF-IDF": 0.49}[name]) < 0.02
assert abs(found["plain"].value - 0.84) < 0.01
assert all(found[kind].high < found["plain"].low for kind in ("implied", "negation", "concession", "turn"))

# %% tags=["check:turns-by-label"]
# checked: how many of some kinds there are; the turns that end in blame and in praise
assert [kinds[kind].sum() for kind in ("plain", "irony", "turn")] == [696, 35, 63]
ends = {label: kinds["turn"] & (labels == label) for label in (0, 1)}
assert [chosen.sum() for chosen in ends.values()] == [31, 32]
assert np.allclose([share_right(chosen).value for chosen in ends.values()], [9 / 31, 17 / 32], atol=0.04)

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** Numbers in brackets are reviews. A turn in the last sentence is worst: 0.41, no better than a coin (TF-IDF: 0.49). Ask why: the end says the opposite of what stands before it, and a bag has no end. Then ask why the bar of irony is so long: it has 35 reviews.

# %% [markdown]
# A *turn*: NBSVM 0.41, TF-IDF 0.49, and a coin's 0.5 lies in both intervals. The end says the opposite of what stands before it, and a bag has no end. Half of the turns end in blame: of those 31 NBSVM gets 9 right. Of the 32 that end in praise it gets 17. Plain reviews are the easiest, with 0.84.
#
# And the house of section 1? We look at what TF-IDF adds up, in the fold that judges it:

# %%
rest = next(rest for rest, fifth in folds if house in fifth)
counter = tfidf_logistic_regression().fit(texts[rest], labels[rest])
parts = counter[:-1].transform([texts[house]]).toarray()[0] * counter[-1].coef_[0]  # each word's part of the sum
part_of = pd.Series(parts, index=counter[-2].get_feature_names_out()).round(2)
for name, answers in says.items():
    print(f"{name}: {LABELS[answers[house]]}   the label: {LABELS[labels[house]]}")
print("these praise: ", part_of[["great", "fantastic", "brilliant"]].to_dict())
print("the largest:  ", part_of.nlargest(4).to_dict())

# %% tags=["check:voices"]
# checked: both counters take the house for positive, and not by its words of praise; the voices and the two far apart
assert all(answers[house] == 1 for answers in says.values()) and parts.argmin() == counter[-2].vocabulary_["great"]
assert -0.25 < part_of[["great", "fantastic", "brilliant"]].sum() < -0.17
assert set(part_of.nlargest(4).index) > {"every", "tomorrow", "first time"}
has_great = frame["review"].str.contains(r"\bgreat\b", case=False).to_numpy()
assert (has_great.sum(), labels[has_great].sum()) == (53, 17)
voices = {voice: share_right((frame["voice"] == voice).to_numpy()) for voice in set(frame["voice"]) - {"various"}}
ranked = sorted(voices, key=lambda voice: voices[voice].value)
assert len(voices) == 7 and (ranked[0], ranked[-1]) == ("not British", "old") and (frame["voice"] == "old").sum() == 44
low, high = voices[ranked[0]].value, voices[ranked[-1]].value
assert (round(low, 2), round(high, 2), round(z_of(high, low, 44), 1)) == (0.59, 0.84, 2.7)
assert round(-norm.ppf(0.05 / 21 / 2), 2) == 3.04

# %% [markdown]
# Both say *positive*, but not because of the praise. *great* speaks for *negative* here: of our 53 reviews with that word only 17 are positive. *great*, *fantastic* and *brilliant* together are at −0.21. What tips it are *every*, *tomorrow*, *first time*: words from which nobody would expect it.
#
# By the column `voice`, NBSVM gets from 0.59 (*not British*) to 0.84 (*old*), 44 reviews each. These are separate samples: $z = 2.7$. May we say that those two differ? No. Seven voices make 21 pairs, and we picked the two furthest apart. Whoever looks 21 times should ask for $p$ below 0.05 / 21, which is $|z|$ above 3.04. That is the best of many, as on page 08.
#
# Last: how much does the order of words help? All that NBSVM knows of it are its pairs. Without them, trained on single words alone, what does it get? With them it was 0.76. (Guess first.)

# %%
from bertnotes.evaluation import mean_interval

single_words = judged(lambda: nbsvm().set_params(countvectorizer__ngram_range=(1, 1)))
lead = mean_interval((says["NBSVM"] == labels) * 1.0 - (single_words == labels))  # review by review: 1, 0 or -1
print(f"single words alone: {(single_words == labels).mean():.2f}")
print(f"the pairs bring {100 * lead.value:.1f} points ({100 * lead.low:.1f} to {100 * lead.high:.1f})")

# %% tags=["check:order-of-words"]
# checked: what pairs of neighbours bring NBSVM
assert abs((single_words == labels).mean() - 0.730) < 0.004 and abs(lead.value - 0.032) < 0.004
assert 0.005 < lead.low < lead.high < 0.06 and mcnemar(labels, says["NBSVM"], single_words)[2] < 0.02

# %% [markdown]
# 0.73. The single words carry most of it; the pairs bring about three points.
#
# ## 9. The exam is sat once
#
# Try fifty settings, score each on the test set, report the best. What is wrong with that? Here are fifty settings that have learned nothing: each tosses a coin for each of 100 test reviews. What accuracy does the *best* of the fifty get?

# %%
guess = None  # a share

# %%
generator = np.random.default_rng(0)
scores = generator.integers(0, 2, size=(50, 100)).mean(axis=1)  # 50 settings, 100 reviews
again = generator.integers(0, 2, size=100).mean()  # the best one, on 100 new reviews
print(f"fifty coins: mean {scores.mean():.2f}, best {scores.max():.2f}   your guess: {guess}")
print(f"the best one on 100 new reviews: {again:.2f}")

# %% tags=["check:fifty-coins"]
# checked: the best of fifty coins
assert scores.max() == 0.62 and abs(scores.mean() - 0.5) < 0.02 and abs(again - 0.5) < 0.1

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## Fifty settings, one test set
#
# Each of fifty "settings" tosses a coin for 100 test reviews.
#
# What accuracy does the **best** of them get?

# %% [markdown] slideshow={"slide_type": "fragment"} tags=["slide-only"]
# **0.62.** On new reviews it is back at about 0.5.
#
# Choose on validation. Score the test set once.

# %% [markdown] slideshow={"slide_type": "notes"}
# **2 minutes.** The more one tries, the better the best looks. So three sets: train to learn, validation to choose, test once at the end. The course notes each look at a test set and refuses a second one with other settings, unless one says why.

# %% [markdown]
# 0.62 looks like a little skill, and is luck. So there are three sets: **training** to learn from, **validation** to choose settings by, **test** to score once, at the end. `bertnotes train --test` notes what was scored on which test set, and refuses a second look with other settings unless you say why.
#
# An honest word on this course: for its table of results IMDB's test set was scored once for each of some forty runs. No setting was chosen by those scores. But whoever picks the best row of such a table chooses on the test set.
#
# ## 10. The bar on IMDB
#
# Now full IMDB, from stored runs: the baselines learned from 25,000 reviews and were scored on the official 25,000. Beside them *mini*, the BERT of this course, fine-tuned as page 10 shows, three times with different random numbers (**seeds**). One version reads the first 256 tokens of a review, one 256 tokens from both ends, one the first 512. Which of the three are ahead of NBSVM?

# %%
from bertnotes.experiments.records import unpack_flags, unpack_probabilities

stored = json.loads((RESULTS / "imdb_test_traits.json").read_text(encoding="utf-8"))
imdb_labels = unpack_flags(stored["labels"], 25_000)  # True: positive
runs = {"TF-IDF": "tfidf", "NBSVM": "nbsvm", "mini, first 256": "mini-256"}
runs |= {"mini, both ends": "mini-256-head+tail", "mini, first 512": "mini-512"}
records, said = {}, {}  # of each: a list, a seed each
for name, row in runs.items():
    paths = sorted(RESULTS.glob(f"imdb-{row}-seed*.json"))
    records[name] = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    said[name] = [unpack_probabilities(record["positive"]) > 0.5 for record in records[name]]

# %%
guess = None  # "first 256", "both ends", "first 512", several of them, or "none"

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-only"]
# ## IMDB's official test: who is ahead of NBSVM?

# %% slideshow={"slide_type": "-"}
nbsvm_right = said["NBSVM"][0] == imdb_labels
leads = {
    name: [mean_interval((answers == imdb_labels) * 1.0 - nbsvm_right) for answers in seeds]
    for name, seeds in said.items()
    if name != "NBSVM"
}
if guess is not None:
    print("your guess:", guess)
figure = estimate_chart({"": leads}, "points ahead of NBSVM, in pairs; a dot is a seed", marks={"NBSVM: 91.4 %": 0})

# %% [markdown] slideshow={"slide_type": "notes"}
# **3 minutes.** All 25,000 reviews in pairs, with 95 % intervals. The first 256 tokens: three of three runs behind NBSVM, which trains in half a minute. Both ends, as many tokens: three of three ahead. 512: two ahead, of the third one cannot say. Ask: what else differs? mini learned from about 22,990 reviews, as the others were for validation; seed 2 of 512 ran on another machine.

# %%
whole = unpack_flags(stored["slices"]["read whole"], 25_000)  # reviews of at most 256 tokens
print("                  all     short   long    ahead behind p")
for name, seeds in said.items():
    for answers in seeds:
        right = answers == imdb_labels
        ahead, behind, p = mcnemar(imdb_labels, answers, said["NBSVM"][0])
        print(
            f"{name:16} {right.mean():.4f}  {right[whole].mean():.3f}   {right[~whole].mean():.3f}  {ahead:6,} {behind:6,} {p:.2g}"
        )

# %% tags=["check:bar-on-imdb"]
# checked: who is ahead of NBSVM, in pairs; from the numbers of pairs
assert json.loads((RESULTS / "imdb-majority-seed0.json").read_text())["accuracy"] == 0.5
for name, sign in {"TF-IDF": -1, "mini, first 256": -1, "mini, both ends": 1}.items():
    assert all(mcnemar(imdb_labels, answers, said["NBSVM"][0])[2] < 0.05 for answers in said[name])
    assert all(sign * lead.value > 0 for lead in leads[name])
p_of_512 = [mcnemar(imdb_labels, answers, said["NBSVM"][0])[2] for answers in said["mini, first 512"]]
assert [p < 0.05 for p in p_of_512] == [True, True, False] and round(p_of_512[2], 2) == 0.21
assert mcnemar(imdb_labels, said["mini, first 256"][0], said["NBSVM"][0])[:2] == (1120, 1222)
assert [lead.value > 0 for lead in leads["mini, first 512"]] == [True, True, False] and round(
    leads["TF-IDF"][0].value, 3
) == -0.008

# %% tags=["check:short-and-long"]
# checked: mini and NBSVM on reviews that are read whole, and on longer ones; what the runs learned from, on what machine
right = said["mini, first 256"][0] == imdb_labels
found = [one[part].mean() for part in (whole, ~whole) for one in (right, nbsvm_right)]
assert np.round(found, 3).tolist() == [0.938, 0.919, 0.872, 0.908] and round(whole.mean(), 2) == 0.58
assert all((answers == imdb_labels)[whole].mean() > 0.93 for answers in said["mini, first 256"])
fewer = [(record["train_reviews"], round(record["tfidf_accuracy"], 3)) for record in records["mini, first 256"]]
assert fewer == [(22_992, 0.907), (22_991, 0.905), (22_989, 0.905)] and records["NBSVM"][0]["train_seconds"] < 30
environments = [record["environment"] for record in records["mini, first 512"]]
assert "H100" in environments[2]["device"] and environments[2]["torch"] != environments[0]["torch"]
assert all(record["config"]["max_length"] == 256 for record in records["mini, both ends"])

# %% [markdown]
# All judged the same 25,000 reviews, so all is counted in pairs. NBSVM, trained in less than half a minute, is 0.8 points ahead of TF-IDF. (Again the words differ, too.)
#
# Three of three runs of mini on the *first* 256 tokens are behind NBSVM. On 256 tokens from *both ends*, three of three are ahead. So it matters which part is read. Look at short and long reviews: where mini reads all of a review, at most 256 tokens, its seed 0 gets 0.938 and NBSVM 0.919. On the longer ones, which mini reads in part and NBSVM whole, it is 0.872 and 0.908. With 512 tokens two runs are ahead. For the third the test shows no difference, $p = 0.21$, which is no proof that there is none.
#
# What else differs? mini learned from about 22,990 reviews, because the others were its validation set. TF-IDF on those gets 0.905 to 0.907, beside 0.906 on all; for NBSVM we have not measured it. Seed 2 of 512 ran on a GPU with another version of PyTorch, so that seed and machine are mixed. And $p$ knows one kind of luck only, *which reviews* were in the test. The three seeds show another. Three are too few to measure it.
#
# **So is 91 % good?** On our reviews, where counting gets 0.76 to 0.78, it would be. On IMDB it is what counting words gets in half a minute.
#
# All this is about mini, a small BERT. BERT-base with 512 tokens gets about 94.1 % (a published reproduction with three seeds). The bar stays the same.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to remember
#
# - An accuracy comes with three companions: the commonest class, a strong baseline, an interval.
# - Ten of ten right says 0.72 to 1.00. To halve an interval takes four times as many reviews.
# - Overlapping intervals are no test. Test the difference: in pairs if the reviews are the same, by z if they are not.
# - A comparison changes one thing: the same words gave TF-IDF 0.78, more than NBSVM.
# - The size of a leak is what it can change: 123 copies in IMDB, about 0.04 points; known films, one point.
# - Choose on validation, score the test set once.
# - The bar on IMDB is NBSVM's 0.914, not TF-IDF's 0.906.
#
# **Next:** page 10 fine-tunes a BERT.

# %% [markdown] slideshow={"slide_type": "notes"}
# **1 minute.** Close the lid: which three companions does an accuracy need?

# %% [markdown] tags=["questions"]
# ## Questions

# %% [markdown] tags=["exercises"]
# ## Exercises
#
# Work in the copy of the [exercises](exercises/09.ipynb) in `notebooks/my`. The first is for paper, the others are functions of one to four lines: the commonest class, Wilson's interval, a leak that is found, NBSVM's ratio, a z-test.

# %% tags=["exercises"]
import torch

from bertnotes.exercises import check, hint, solution  # noqa: F401

# %% [markdown] tags=["exercise:leak_size"]
# ### The size of a leak · ● · 6 minutes
#
# 123 of 25,000 test reviews also stand in the training reviews. A model is right on 91.4 % of test reviews that it has never seen, and has learned all 123 copies by heart. By how many **points** of accuracy do they lift its score? Two digits after the point.

# %% [markdown] tags=["hint:leak_size"]
# How many of the 123 would it have got right without knowing them?

# %% [markdown] tags=["hint:leak_size"]
# Only 8.6 % of the 123 change from wrong to right. How many per cent of 25,000 are they?

# %% tags=["exercise:leak_size"]
# solution
answer = 100 * 123 * (1 - 0.914) / 25_000
# instead:
# answer = None  # your number
# end of solution

check("leak_size", answer)

# %% [markdown] tags=["reason:leak_size"]
# $123 \cdot 0.086 = 10.6$ reviews more, of 25,000: 0.04 points. Copies matter where there are many of them, or where the model is often wrong without them.

# %% [markdown] tags=["exercise:majority_bar"]
# ### Always the same · ● · 6 minutes
#
# `train_labels` and `test_labels` are tensors of class numbers, (review,). Return the accuracy on the *test* reviews of always naming the class that is commonest in *training*.

# %% [markdown] tags=["hint:majority_bar"]
# `labels.mode().values` is the commonest number. Of which labels?

# %% [markdown] tags=["hint:majority_bar"]
# `test_labels == ...` gives True and False. They have a mean once they are numbers: `.double().mean()`.


# %% tags=["exercise:majority_bar"]
def majority_bar(train_labels, test_labels):
    """The accuracy of always naming the class that is commonest in training."""
    # solution
    return (test_labels == train_labels.mode().values).double().mean()
    # end of solution


check("majority_bar", majority_bar)

# %% [markdown] tags=["reason:majority_bar"]
# A classifier may not look at the test labels, not even this one. Where another class is commonest in the test than in training, the bar is lower than the share of the test's commonest class.

# %% [markdown] tags=["exercise:wilson"]
# ### Wilson's interval · ●● · 12 minutes
#
# `right`, (system,), says how many of `count` answers each system got right. Return the lower and the upper end of Wilson's interval for each, with z = 1.96:
#
# $$\frac{p + \frac{z^2}{2n} \pm z\sqrt{\frac{p(1-p)}{n} + \frac{z^2}{4n^2}}}{1 + \frac{z^2}{n}}$$

# %% [markdown] tags=["hint:wilson"]
# Give names to three parts: the middle (before the ±), the half width (after it), and what both are divided by.

# %% [markdown] tags=["hint:wilson"]
# `share = right / count`, `middle = share + z**2 / (2 * count)`. In Python `z**2 / 4 * count**2` is something else than `z**2 / (4 * count**2)`.

# %% [markdown] tags=["hint:wilson"]
# `half = z * (share * (1 - share) / count + z**2 / (4 * count**2)).sqrt()`. Then `(middle - half) / (1 + z**2 / count)`, and the same with +.


# %% tags=["exercise:wilson"]
def wilson(right, count):
    """The lower and the upper end of the 95 % interval: (system,) and (system,)."""
    # solution
    z, share = 1.96, right / count
    middle = share + z**2 / (2 * count)
    half = z * (share * (1 - share) / count + z**2 / (4 * count**2)).sqrt()
    return (middle - half) / (1 + z**2 / count), (middle + half) / (1 + z**2 / count)
    # end of solution


check("wilson", wilson)

# %% [markdown] tags=["reason:wilson"]
# For large n all terms with z² vanish, and the plain interval remains, share ± 1.96 standard errors. For ten of ten the plain one has no width; Wilson's goes from 0.72 to 1.

# %% [markdown] tags=["exercise:leaked"]
# ### Find the leak · ● · 6 minutes
#
# `train_films` and `test_films` say of which film each review is, by its number. Return, for each *test* review, whether training knows its film: True or False, (test review,).

# %% [markdown] tags=["hint:leaked"]
# The two have different lengths, so `==` alone does not do it. Each has to be compared with each.

# %% [markdown] tags=["hint:leaked"]
# `test_films[:, None] == train_films` is (test review, training review). Is *any* of a row True? Or look up `torch.isin`.


# %% tags=["exercise:leaked"]
def leaked(train_films, test_films):
    """Which test reviews are of a film that training knows: (test review,), True or False."""
    # solution
    return torch.isin(test_films, train_films)
    # end of solution


check("leaked", leaked)

# %% [markdown] tags=["reason:leaked"]
# With it you can score both groups apart: `right[leaked]` and `right[~leaked]`. The difference says how much the leak is worth, if the groups are alike in all else.

# %% [markdown] tags=["exercise:log_ratio"]
# ### NBSVM's ratio · ●● · 10 minutes
#
# `counts`, (review, word), says how often each word stands in each review; `labels`, (review,), are 1 or 0. Return $r$, (word,): above 0 where a word speaks for class 1.
#
# $$r = \ln\frac{p / \sum p}{q / \sum q}$$
#
# $p$ and $q$: 1 plus the number of reviews of class 1, and of class 0, that have the word.

# %% [markdown] tags=["hint:log_ratio"]
# In how many reviews, not how often: `present = (counts > 0)`.

# %% [markdown] tags=["hint:log_ratio"]
# `present[labels == 1]` are the rows of class 1. Their sum over the reviews, `.sum(dim=0)`, has a number for each word.

# %% [markdown] tags=["hint:log_ratio"]
# `p = 1 + present[labels == 1].sum(dim=0)`, and q with `labels == 0`. Then `((p / p.sum()) / (q / q.sum())).log()`.


# %% tags=["exercise:log_ratio"]
def log_ratio(counts, labels):
    """For each word, how much it speaks for class 1: (word,)."""
    # solution
    present = (counts > 0).double()
    p = 1 + present[labels == 1].sum(dim=0)
    q = 1 + present[labels == 0].sum(dim=0)
    return ((p / p.sum()) / (q / q.sum())).log()
    # end of solution


check("log_ratio", log_ratio)

# %% [markdown] tags=["reason:log_ratio"]
# The sums are over all words, so $p / \sum p$ is a word's part of what class 1 says. A class with more reviews, or longer ones, is not favoured by that.

# %% [markdown] tags=["exercise:z_score"]
# ### Are they apart? · ●● · 9 minutes
#
# `first` and `second`, (pair,), are accuracies, each measured on `count` reviews of its own. Return $z$, (pair,): above 0 where the first is better.

# %% [markdown] tags=["hint:z_score"]
# The variance of a share, its squared standard error, is p(1 − p) / n. Both shares have one.

# %% [markdown] tags=["hint:z_score"]
# Variances add up, also where shares are subtracted. The standard error of the difference is the root of their sum.


# %% tags=["exercise:z_score"]
def z_score(first, second, count):
    """By how many standard errors the first is better than the second: (pair,)."""
    # solution
    variance = first * (1 - first) / count + second * (1 - second) / count
    return (first - second) / variance.sqrt()
    # end of solution


check("z_score", z_score)

# %% [markdown] tags=["reason:z_score"]
# Another usual form, the pooled test, takes one share for both, as if there were no difference; the two differ little. Both are for *different* reviews. On the same ones, count in pairs, with `mcnemar`.

# %% [markdown]
# ## Sources
#
# - Maas, Daly, Pham, Huang, Ng, Potts (2011). *Learning Word Vectors for Sentiment Analysis.* ACL. (IMDB)
# - Wang, Manning (2012). *Baselines and Bigrams: Simple, Good Sentiment and Topic Classification.* ACL. (NBSVM)
# - Wilson (1927). *Probable Inference, the Law of Succession, and Statistical Inference.* Journal of the American Statistical Association 22
# - McNemar (1947). *Note on the Sampling Error of the Difference Between Correlated Proportions or Percentages.* Psychometrika 12
# - Schenker, Gentleman (2001). *On Judging the Significance of Differences by Examining the Overlap Between Confidence Intervals.* The American Statistician 55
# - Dwork, Feldman, Hardt, Pitassi, Reingold, Roth (2015). *The Reusable Holdout: Preserving Validity in Adaptive Data Analysis.* Science 349
# - BERT-base on IMDB with three seeds: github.com/qinhanmin2014/fine-tune-bert-for-text-classification
