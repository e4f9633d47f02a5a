"""What BERT has to beat: the commonest class, and words counted without order. Pages 09 and 10.

Each function gives an unfitted scikit-learn classifier of texts: fit(texts, labels), then predict(texts), score(texts, labels).
"""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from bertnotes.tables import as_pairs, as_texts


class TextPipeline(Pipeline):
    """Steps of scikit-learn, behind one that reads texts as everything here does, in any sequence (`data.as_texts`)."""

    @classmethod
    def of(cls, *steps):
        """A pipeline of these steps, each under the name of its kind."""
        return cls([(type(step).__name__.lower(), step) for step in (FunctionTransformer(as_texts), *steps)])

    def fit(self, X, y):  # noqa: N803 (scikit-learn's name)
        """Fit all steps to texts and labels. Returns itself. Raises ValueError as `data.as_pairs` does."""
        return super().fit(*as_pairs(X, y, or_names=True))


def majority_class():
    """Always names the class that is commonest in training: what knowing nothing scores."""
    return TextPipeline.of(DummyClassifier(strategy="most_frequent"))


def tfidf_logistic_regression():
    """TF-IDF over single words and pairs, and logistic regression on it: a strong, fast, classical classifier.

    What it reaches on IMDB's official test split stands in data/results/imdb-tfidf-seed0.json.
    """
    return TextPipeline.of(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True), LogisticRegression(C=10, max_iter=1000)
    )


def strongest_words(model, class_names=("negative", "positive"), count=12):
    """The words and pairs that speak most for each class of a fitted `tfidf_logistic_regression`: {class: heaviest first}."""
    words, weights = model[-2].get_feature_names_out(), model[-1].coef_
    if len(weights) == 1:  # of two classes, the weights for the second speak against the first
        weights = np.concatenate([-weights, weights])
    return {name: words[row.argsort()[::-1][:count]].tolist() for name, row in zip(class_names, weights, strict=True)}


def nbsvm():
    """Naive Bayes and a support vector machine in one, on whether single words and pairs occur.

    Wang & Manning 2012, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification", who report 91.22 % on IMDB.
    Not theirs to the letter: punctuation marks count as words in pairs too, and C, what an error costs, is 0.1, not 1.
    """
    return TextPipeline.of(CountVectorizer(ngram_range=(1, 2), binary=True, token_pattern=r"\w+|[^\w\s]+"), NaiveBayesSVM())


class NaiveBayesSVM(ClassifierMixin, BaseEstimator):
    """A linear support vector machine on counts that are scaled by how much each speaks for a class.

    r = log((p / |p|) / (q / |q|)), where p and q count a feature in the positive and the negative class, plus alpha.
    The machine's weights are drawn towards their mean size: w' = (1 - beta) * mean|w| + beta * w (the paper's equation 4).
    Of more than two classes each has a machine of its own against the rest, and the surest one decides.
    fit(counts, labels): counts a sparse (review, feature) matrix. Raises ValueError where there is but one class.
    """

    def __init__(self, alpha=1.0, beta=0.25, C=0.1):  # noqa: N803 (scikit-learn's name)
        self.alpha, self.beta, self.C = alpha, beta, C

    def fit(self, counts, labels):
        """Fit the ratio and the machine. Returns itself."""
        if len(np.unique(labels)) > 2:
            self.machines_ = OneVsRestClassifier(clone(self)).fit(counts, labels)
            self.classes_ = self.machines_.classes_
            return self
        bayes = MultinomialNB(alpha=self.alpha).fit(counts, labels)
        self.classes_ = bayes.classes_
        if len(self.classes_) != 2:
            raise ValueError(f"NBSVM tells classes apart; got one alone: {list(self.classes_)}")
        self.ratio_ = bayes.feature_log_prob_[1] - bayes.feature_log_prob_[0]
        machine = LinearSVC(C=self.C).fit(counts.multiply(self.ratio_).tocsr(), labels)
        weights = machine.coef_.ravel()
        self.weights_ = (1 - self.beta) * np.abs(weights).mean() + self.beta * weights
        self.intercept_ = self.beta * machine.intercept_[0]
        return self

    def decision_function(self, counts):
        """How far on the positive side each review is: (review,); of more classes, on the side of each: (review, class)."""
        if len(self.classes_) > 2:
            return self.machines_.decision_function(counts)
        return counts.multiply(self.ratio_).tocsr() @ self.weights_ + self.intercept_

    def predict(self, counts):
        """The class of each review: (review,)."""
        sides = self.decision_function(counts)
        return self.classes_[sides.argmax(axis=1) if sides.ndim == 2 else (sides > 0).astype(int)]
