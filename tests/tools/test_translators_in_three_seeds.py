"""The record of which numbers two small translators get right, and the tool that writes it."""

import json

import translators_in_three_seeds as tool
from check import ROOT

RECORD = json.loads((ROOT / "data" / "results" / "translators-in-three-seeds.json").read_text(encoding="utf-8"))


def test_the_record_is_whole():
    assert RECORD["seeds"] == [0, 1, 2] and list(RECORD["epochs"]) == ["4", "12"]
    for runs in RECORD["epochs"].values():
        assert len(runs) == 3
        for run in runs:
            assert list(run) == list(tool.MODELS)
            for found in run.values():
                assert list(found["rows"]) == list("23456") and list(found["numbers"]) == list(tool.READS)
                assert all(len(shares) == int(length) for of in found["numbers"].values() for length, shares in of.items())
    assert {"date", "device", "torch"} <= RECORD["environment"].keys()


def test_the_tool_trains_both_on_the_same_rows(tmp_path, monkeypatch):
    met = []

    def train(model, digits, words, epochs):
        met.append((model.looks_at, digits.sum().item(), next(model.parameters()).sum().item(), epochs))
        return [1.0] * 60

    monkeypatch.setattr(tool, "train", train)
    out = tmp_path / "translators.json"
    tool.main(["--seeds", "2", "--rows", "3", "--epochs", "1", "--out", str(out)])
    found = json.loads(out.read_text(encoding="utf-8"))
    assert [one[0] for one in met] == ["all", "last"] * 2 and met[0][1:] == met[1][1:] != met[2][1:] == met[3][1:]
    assert found["rows"] == 3 and len(found["epochs"]["1"]) == 2 and "--seeds 2" in found["command"]
    assert found["epochs"]["1"][0]["without"]["loss"] == 1.0
