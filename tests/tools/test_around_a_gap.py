"""The record of what the words around a gap are worth, and the tool that writes it."""

import json

import around_a_gap as tool
import pytest
from check import ROOT

from bertnotes.pictures.drawings.page06 import REACH, SIGHTS

RECORD = json.loads((ROOT / "data" / "results" / "around-a-gap.json").read_text(encoding="utf-8"))


def test_the_record_is_whole():
    assert RECORD["losses"].keys() == SIGHTS.keys() and {len(values) for values in RECORD["losses"].values()} == {1276}
    assert len(RECORD["gaps"]) == 1276 and {"date", "device", "torch"} <= RECORD["environment"].keys()


def test_the_two_pairs_of_views_show_the_same_positions():
    for one, other in (("12 before", "12 after"), ("alternating", "mirrored")):
        assert sorted(SIGHTS[one] + SIGHTS[other]) == sorted(SIGHTS["12 + 12"])
    assert sorted(map(abs, SIGHTS["alternating"])) == list(range(1, REACH + 1))


def test_the_tool_measures_as_the_record_has_it(tmp_path):
    tool.main(["--reviews", "3", "--out", str(tmp_path / "gaps.json")])
    found = json.loads((tmp_path / "gaps.json").read_text(encoding="utf-8"))
    assert found["gaps"] == RECORD["gaps"][:3] and "--reviews 3" in found["command"]
    for name, losses in found["losses"].items():
        assert losses == pytest.approx(RECORD["losses"][name][:3], abs=0.02)
