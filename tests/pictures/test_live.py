"""The curve that grows: what it draws is what it was told, and each picture takes the place of the one before."""

import pytest

from bertnotes.pictures import charts as live
from bertnotes.pictures.charts import LiveCurve, smoothed


class Screen:
    """Stands in for a notebook: what was shown first, and what took its place."""

    def __init__(self):
        self.shown = []

    def display(self, figure, display_id):
        assert display_id
        self.shown.append(figure)
        return self

    def update(self, figure):
        self.shown.append(figure)


@pytest.fixture
def screen(monkeypatch):
    screen = Screen()
    monkeypatch.setattr(live, "display", screen.display)
    return screen


def step(loss):
    return {"epoch": 1, "batch": 1, "reviews": 8, "loss": loss, "seconds": 0.1}


EPOCH = {"epoch": 1, "train_loss": 0.5, "validation_loss": 0.4, "accuracy": 0.75, "seconds": 1.0}


def test_it_draws_what_it_was_told(screen):
    curve = LiveCurve(every=0)
    for entry in (step(0.7), step(0.3), EPOCH):
        curve(entry)
    assert len(screen.shown) == 3
    (ax,) = screen.shown[-1].axes
    raw, smooth, validation = (line.get_xydata().tolist() for line in ax.lines)
    assert raw == [[1, 0.7], [2, 0.3]] and validation == [[2, 0.4]]
    assert [place for place, _ in smooth] == [1, 2] and [text.get_text() for text in ax.texts] == ["75% right"]


def test_a_step_and_an_epoch_can_be_told_apart_from_a_callback(screen):
    told, called = LiveCurve(every=0), LiveCurve(every=0)
    told.step(0.7)
    told.epoch(EPOCH)
    for entry in (step(0.7), EPOCH):
        called(entry)
    assert (told.losses, told.epochs) == (called.losses, called.epochs) == ([0.7], [(1, EPOCH)])
    assert len(screen.shown) == 4


def test_it_draws_no_more_often_than_asked_but_every_epoch(screen):
    curve = LiveCurve(every=1000)
    for entry in [step(0.5)] * 50 + [EPOCH]:
        curve(entry)
    assert len(screen.shown) == 2


def test_smoothing_by_hand():
    assert smoothed([1.0, 0.0]) == pytest.approx([1.0, 0.9 / 1.9]) and smoothed([]) == []
