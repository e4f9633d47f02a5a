"""Charts of results: what is drawn is what was given, at its place."""

import numpy as np
import pytest

from bertnotes.evaluation import Estimate, reliability
from bertnotes.pictures.charts import (
    deletion_chart,
    dependence_grid,
    dot_rows,
    estimate_chart,
    reliability_chart,
    score_chart,
    similarity_grid,
)


def test_an_estimate_stands_at_its_per_cent_with_its_interval_a_mark_for_each_seed():
    longer = [Estimate(0.02, 0.01, 0.04), Estimate(0.03, 0.02, 0.04)]
    groups = {"one thing": {"longer": longer, "both": longer[:1]}, "bounds": {"frozen": [Estimate(-0.1, -0.12, -0.09)]}}
    figure = estimate_chart(groups, "points", "choices", {"none": 0})
    one, bounds = figure.axes
    assert [text.get_text() for text in one.get_yticklabels()] == ["longer", "both"]
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["one thing", "bounds"] and bounds.get_xlabel() == "points"
    seeds, frozen = one.containers[0].lines[0], bounds.containers[0].lines[0]
    assert seeds.get_xdata().tolist() == pytest.approx([2, 3]) and frozen.get_xdata().tolist() == pytest.approx([-10])
    assert seeds.get_ydata().tolist() == pytest.approx([-0.12, 0.12]) and frozen.get_ydata().tolist() == [0]
    ends = [segment[:, 0].tolist() for bars in one.containers for segment in bars.lines[2][0].get_segments()]
    assert ends == [pytest.approx([1, 4]), pytest.approx([2, 4]), pytest.approx([1, 4])]
    assert all([0, 0] in [list(line.get_xdata()) for line in ax.lines] for ax in figure.axes), "the mark, in each panel"
    assert one.get_ylim()[0] > one.get_ylim()[1], "the first is at the top"


def test_sure_and_right_and_how_many():
    table = reliability([1, 0, 1, 1, 1], np.array([[0.4, 0.6], [0.4, 0.6], [0.05, 0.95], [0.05, 0.95], [0.05, 0.95]]))
    figure = reliability_chart({"mini": table, "other": table}, "sure")
    above, other, below, _ = figure.axes
    assert list(above.lines[0].get_xdata()) == list(above.lines[0].get_ydata()) == [0.5, 1]
    assert above.lines[1].get_xdata().tolist() == pytest.approx([0.6, 0.95]) and above.lines[1].get_ydata().tolist() == [0.5, 1]
    assert [bar.get_height() for bar in below.patches] == pytest.approx([0.4, 0.6])
    assert [bar.get_x() + bar.get_width() / 2 for bar in below.patches] == pytest.approx([0.65, 0.95])
    assert [text.get_text().strip() for text in below.texts] == ["40%", "60%"] and other.get_title(loc="left") == "other"


def test_a_curve_is_the_mean_over_texts():
    ax = deletion_chart((0, 0.5), {"occlusion": [[1.0, 0.2], [0.8, 0.4]], "random": [[1.0, 1.0]]})
    assert ax.lines[0].get_ydata().tolist() == pytest.approx([0.9, 0.3])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["occlusion", "random"]


def test_a_grid_of_likeness_has_its_numbers_and_its_names():
    ax = similarity_grid([[1, 0.72], [0.72, 1]], ["A: scene", "B: leg"], least=0.5, title="cast")
    assert [text.get_text() for text in ax.texts] == ["1.00", "0.72", "0.72", "1.00"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["A: scene", "B: leg"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["A", "B"]
    assert ax.images[0].get_clim() == (0.5, 1) and ax.get_title(loc="left") == "cast"


def test_every_value_is_a_dot_in_its_row_and_every_mark_a_line():
    values = list(range(40))
    ax = dot_rows({"positive": values, "negative": [-1.0, 2.0]}, {"0": 0, "border": 1.9}, "leaning")
    first, second = ax.lines[:2]
    assert first.get_xdata().tolist() == values and second.get_xdata().tolist() == [-1, 2]
    assert all(abs(first.get_ydata()) < 0.5) and all(abs(second.get_ydata() - 1) < 0.5), "rows do not mix"
    assert len(set(first.get_ydata().round(3))) == len(values), "dots at one value could be told apart"
    assert [line.get_xdata()[0] for line in ax.lines[2:]] == [0, 1.9] and ax.get_xlabel() == "leaning"
    assert [text.get_text() for text in ax.get_yticklabels()] == ["positive", "negative"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the first is at the top"


def test_a_cell_is_dark_where_there_is_a_dependence_and_those_asked_for_are_outlined():
    tables = {"one": [[2.0, 0.0], [1e-9, 5.0]], "other": [[1.0, 1.0], [1.0, 1.0]]}
    first, other = dependence_grid(tables, ["a", "b"], outlined=1).axes
    assert first.images[0].get_array().tolist() == [[True, False], [True, True]]
    assert [(patch.get_x(), patch.get_y()) for patch in first.patches] == [(0.5, -0.5)]
    assert [ax.get_title(loc="left") for ax in (first, other)] == ["one", "other"]
    assert [text.get_text() for text in first.get_yticklabels()] == ["a", "b"] and not other.get_yticklabels()
    assert not dependence_grid(tables, ["a", "b"]).axes[0].patches
    with pytest.raises(ValueError, match="a row and a column for each of 3 words"):
        dependence_grid({"one": [[1.0]]}, ["a", "b", "c"])


def test_each_run_has_its_mark_and_each_reader_its_best():
    runs, best = {"GPT": [0.5, 0.4], "BERT": [1.0]}, {"GPT": 0.5, "BERT": 1.0}
    figure = score_chart({"a / an": runs, "it": runs}, {"a / an": best, "it": best})
    for ax in figure.axes:
        assert [list(line.get_ydata()) for line in ax.lines] == [[0.5, 0.4], [1.0]]
        assert [lines.get_segments()[0][:, 1].tolist() for lines in ax.collections] == [[0.5, 0.5], [1.0, 1.0]]
        assert [list(line.get_xdata()) for line in ax.lines] == [pytest.approx([-0.1, 0.1]), [1.0]]
    assert [text.get_text() for text in figure.axes[-1].get_legend().get_texts()] == ["best possible", "a run"]
    (ax,) = score_chart({"it": runs}, {"it": best}, floor={"it": 0.45}).axes
    assert list(ax.lines[-1].get_ydata()) == [0.45, 0.45]
    (ax,) = score_chart({"it": runs}, {"it": best}, rule={"it": {"BERT": 0.9}}).axes
    assert [lines.get_segments()[0][0, 1] for lines in ax.collections] == [0.5, 1.0, 0.9]
    assert [text.get_text() for text in ax.texts] == ["best under\nour rule"]
    with pytest.raises(ValueError, match="there is none for BERT, it"):
        score_chart({"it": runs}, {"it": {"GPT": 0.5}})
