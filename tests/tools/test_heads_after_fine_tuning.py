"""The record of what fine-tuning changed in the heads, and the tool that writes it."""

import json
import shutil

import heads_after_fine_tuning as tool
import pytest
from check import ROOT

RECORD = json.loads((ROOT / "data" / "results" / "heads-after-imdb.json").read_text(encoding="utf-8"))


def test_the_record_is_of_the_run_that_it_names():
    run = json.loads((ROOT / "data" / "results" / RECORD["run"]).read_text(encoding="utf-8"))
    assert {key: RECORD[key] for key in ("train_reviews", "accuracy")} == {
        key: run[key] for key in ("train_reviews", "accuracy")
    }
    assert [len(row) for row in RECORD["moved"]] == [12] * 6 and {"date", "torch"} <= RECORD["environment"].keys()


def test_the_tool_writes_what_moved(tiny_checkpoint, tmp_path, capsys):
    run, out = tmp_path / "run.json", tmp_path / "heads.json"
    run.write_text(json.dumps({"train_reviews": 7, "accuracy": 0.5, "history": [{"train_loss": 0.7}]}))
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "run")
    (folder / "history.jsonl").write_text('{"train_loss": 0.7}\n')
    options = {"--record-of": run, "--before": tiny_checkpoint, "--reviews": 3, "--tokens": 32, "--out": out}
    assert tool.main([str(folder), *(str(word) for option in options.items() for word in option)]) == 0
    found = json.loads(out.read_text())
    assert found["moved"] == [[0.0] * 3] * 2 and found["before"] == found["after"] and found["run"] == "run.json"
    assert set(found["before"]) == set(tool.MEASURES) and "--record-of" in found["command"]


@pytest.mark.parametrize(("folder", "record"), [("nowhere", "run.json"), (".", "missing.json"), (".", "broken.json")])
def test_the_tool_names_what_is_missing(tmp_path, monkeypatch, capsys, folder, record):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.json").write_text('{"train_reviews": 7, "accuracy": 0.5}')
    (tmp_path / "broken.json").write_text("{")
    assert tool.main([f"./{folder}", "--record-of", record, "--out", "x.json"]) == 2
    assert "heads_after_fine_tuning: " in capsys.readouterr().err and not (tmp_path / "x.json").exists()
