"""What knowing a film is worth is measured rightly, on films that are easy to count."""

import pandas as pd
import validation_gap as tool

FILMS = {"train": ["alpha", "beta", "gamma"], "test": ["one", "two", "three"]}


def reviews_of(films):
    """Ten reviews of each film in each class, in which nothing but a word of that film's own gives the opinion away."""
    rows = [
        {"review": f"{film}{sentiment} seen {number}", "sentiment": sentiment}
        for film in films
        for sentiment in ("negative", "positive")
        for number in range(10)
    ]
    return pd.DataFrame(rows)


def test_films_on_both_sides_give_the_verdict_away():
    found = tool.gaps(*tool.without_copies(*(reviews_of(films) for films in FILMS.values())))
    for row in found.values():
        assert row["own"] == 1 and row["other"] == row["difference"] == 0.5 and 0.3 < row["low"] < 0.5 < row["high"] < 0.7


def test_films_that_both_splits_know_are_no_advantage():
    train, test = (
        reviews_of(FILMS["train"]).assign(review=lambda frame, end=end: frame["review"] + end) for end in (" a", " b")
    )
    found = tool.gaps(*tool.without_copies(train, test))
    assert all(row["own"] == row["other"] == 1 and row["low"] == row["high"] == 0 for row in found.values())


def test_copies_are_left_out_of_both():
    train = pd.DataFrame({"review": ["a", "b", "c"], "sentiment": "negative"})
    test = pd.DataFrame({"review": ["c", "d", "d"], "sentiment": "negative"})
    left, none = tool.without_copies(train, test)
    assert left["review"].tolist() == ["a", "b"] and none.empty
