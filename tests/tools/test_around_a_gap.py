"""The record of what the words around a gap are worth, and the tool that writes it."""

import json

import around_a_gap as tool
import pytest
from check import ROOT

from bertnotes.pictures.drawings.page06 import REACH, SIGHTS

RECORD = json.loads((ROOT / "data" / "results" / "around-a-gap.json").read_text(encoding="utf-8"))


def test_the_record_is_whole():
    assert RECORD["losses"].keys() == {*SIGHTS, "cut", "cut, [SEP]"}
    assert {len(values) for values in RECORD["losses"].values()} == {len(RECORD["gaps"])} == {len(RECORD["after"])} == {1276}
    assert {"date", "device", "torch"} <= RECORD["environment"].keys()


def test_views_of_twelve_show_twelve():
    """At the distances that their names say."""
    twelve = ("12 before", "12 after", "11 + 1", "6 + 6", "touching, holes", "not touching")
    assert [len(SIGHTS[name]) for name in twelve] == [12] * 6 and all(len(set(seen)) == len(seen) for seen in SIGHTS.values())
    assert {1, -1} <= set(SIGHTS["touching, holes"]) and not {1, -1} & set(SIGHTS["not touching"])
    assert all(set(SIGHTS["6 + 6"]) - set(SIGHTS[f"6 + 6 without {far}"]) == {-far, far} for far in (1, 2))
    assert set(SIGHTS["12 before"]) ^ set(SIGHTS["11 + 1"]) == {-REACH, 1}


def test_the_tool_measures_as_the_record_has_it(tmp_path):
    tool.main(["--reviews", "3", "--out", str(tmp_path / "gaps.json")])
    found = json.loads((tmp_path / "gaps.json").read_text(encoding="utf-8"))
    assert all(found[name] == RECORD[name][:3] for name in ("gaps", "after")) and "--reviews 3" in found["command"]
    for name, losses in found["losses"].items():
        assert losses == pytest.approx(RECORD["losses"][name][:3], abs=0.02)
