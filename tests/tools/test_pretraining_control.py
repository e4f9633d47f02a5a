"""The control beside the shipped model: its record, and the tool that writes it."""

import json

import pretraining_control as tool
import pytest
from check import ROOT

RECORD = json.loads((ROOT / "data" / "results" / "pretraining-from-zero.json").read_text(encoding="utf-8"))


def test_the_control_read_as_many_tokens_as_the_first_run_of_the_shipped_model():
    lines = (ROOT / "data" / "mini" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    first = [entry for entry in map(json.loads, lines) if entry["run"] == 1]
    assert RECORD["log"][-1]["tokens"] == first[-1]["tokens"] == 3965 * 16 * 128
    assert RECORD["log"][0]["tokens"] == 0 and {"date", "device", "torch"} <= RECORD["environment"].keys()


def test_the_tool_keeps_recipe_and_curve(tmp_path):
    recipe = {"steps": 2, "batch_size": 3, "length": 4}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    (tmp_path / "log.jsonl").write_text('{"tokens": 0}\n{"tokens": 24}\n')
    assert tool.main([str(tmp_path), "--out", str(tmp_path / "out.json")]) == 0
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["recipe"] == recipe and found["log"] == [{"tokens": 0}, {"tokens": 24}]
    assert found["command"].startswith("bertnotes pretrain --start mini --out runs/zero --random-init --steps 2 --batch-size 3")


@pytest.mark.parametrize(("lines", "message"), [("", "holds no run"), ('{"tokens": 12}\n', "is not finished")])
def test_what_is_no_finished_run_is_refused(tmp_path, capsys, lines, message):
    (tmp_path / "recipe.json").write_text('{"steps": 2, "batch_size": 3, "length": 4}')
    (tmp_path / "log.jsonl").write_text(lines)
    assert tool.main([str(tmp_path), "--out", str(tmp_path / "out.json")]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "out.json").exists()
