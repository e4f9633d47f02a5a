"""The curve that grows: what it draws is what it was told, and each picture takes the place of the one before."""

import pytest

from bertnotes.pictures import charts as live
from bertnotes.pictures.charts import LiveCurve, smoothed
from bertnotes.training import Callback


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


EPOCH = {"epoch": 1, "train_loss": 0.5, "validation_loss": 0.4, "accuracy": 0.75, "seconds": 1.0}


def test_it_draws_what_it_was_told(screen):
    curve = LiveCurve(every=0)
    curve.begin(None)
    curve.step(0.7, 8)
    curve.step(0.3, 8)
    curve.epoch(EPOCH)
    assert len(screen.shown) == 3
    (ax,) = screen.shown[-1].axes
    raw, smooth, validation = (line.get_xydata().tolist() for line in ax.lines)
    assert raw == [[1, 0.7], [2, 0.3]] and validation == [[2, 0.4]]
    assert [place for place, _ in smooth] == [1, 2] and [text.get_text() for text in ax.texts] == ["75% right"]


def test_it_draws_no_more_often_than_asked_but_every_epoch(screen):
    curve = LiveCurve(every=1000)
    for _ in range(50):
        curve.step(0.5, 8)
    curve.epoch(EPOCH)
    assert len(screen.shown) == 2


def test_smoothing_by_hand():
    assert smoothed([1.0, 0.0]) == pytest.approx([1.0, 0.9 / 1.9]) and smoothed([]) == []


def test_it_is_a_callback():
    """It has all that `fit` tells its callbacks."""
    assert all(hasattr(LiveCurve, name) for name in vars(Callback) if not name.startswith("_"))
