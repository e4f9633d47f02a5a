"""The record of what mini loses without some of its heads, and the tool that writes it."""

import json

import heads_switched_off as tool
import torch
from check import ROOT

RECORD = json.loads((ROOT / "data" / "results" / "heads-switched-off.json").read_text(encoding="utf-8"))


def test_the_record_is_whole():
    assert [torch.tensor(part[key]).shape for part in RECORD["alone"] for key in ("change", "error")] == [(6, 12)] * 4
    for name in ("random", "spared"):
        assert torch.tensor([order["change"] for order in RECORD[name]]).shape == (12, 3)
    assert RECORD["counts"] == list(tool.COUNTS) and len(RECORD["replaced by its mean"]) == tool.SPARED
    assert {"date", "device", "torch"} <= RECORD["environment"].keys()


def test_the_tool_measures_heads_alone_and_together(tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "COUNTS", (1,))
    monkeypatch.setattr(tool, "change_without_each", lambda model, exam: torch.arange(72.0).view(6, 12, 1).expand(6, 12, 10))
    monkeypatch.setattr(tool, "mean_and_error", lambda values, exam: (values.mean(-1), values.std(-1)))
    out = tmp_path / "heads.json"
    tool.main(["--rows", "1", "--orders", "2", "--out", str(out)])
    found = json.loads(out.read_text())
    assert [len(found[name]) for name in ("random", "spared")] == [2, 2] and found["exams"]["rows"] == 1
    assert list(found["replaced by its mean"]) == [f"layer 6, head {head}" for head in (12, 11, 10, 9, 8)]
    assert found["alone"][0]["change"][0][:3] == [0.0, 1.0, 2.0] and "--orders 2" in found["command"]
    assert found["without any"] > 5 and 5 < found["by counting"] < 9.3
