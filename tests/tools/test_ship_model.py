"""Putting a model in place: the files of the last run, and one learning curve of all of them."""

import json

import pytest
import ship_model


def entry(minutes, tokens, loss, **more):
    return {**more, "minutes": minutes, "tokens": tokens, "held_out_loss": loss}


FIRST = [entry(0, 0, 9.0), entry(5, 100, 4.0)]
SECOND = [entry(0, 0, 4.0), entry(2.5, 60, 4.2), entry(5, 120, 3.5)]


def test_curves_go_on_where_the_one_before_ended():
    """Minutes and tokens add up, and the start of a later run, measured already, is left out."""
    whole = ship_model.joined([FIRST, SECOND])
    assert [(e["run"], e["minutes"], e["tokens"], e["held_out_loss"]) for e in whole] == [
        (1, 0, 0, 9.0),
        (1, 5, 100, 4.0),
        (2, 7.5, 160, 4.2),
        (2, 10, 220, 3.5),
    ]
    assert whole == ship_model.joined([ship_model.joined([FIRST]), SECOND])  # joined before, or now
    third = ship_model.joined([whole, SECOND])
    assert third[-1]["run"] == 3 and third[-1]["tokens"] == 340 and third[: len(whole)] == whole


@pytest.fixture
def runs(tmp_path):
    """Two finished runs."""
    for name, log in (("one", FIRST), ("two", SECOND)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log))
        for file in ship_model.MODEL_FILES:
            (tmp_path / name / file).write_text(f"{file} of {name}")
    return [tmp_path / "one", tmp_path / "two"]


def test_the_last_model_and_the_whole_log(runs, tmp_path):
    assert ship_model.main([*map(str, runs), "--to", str(tmp_path / "mini")]) == 0
    assert {path.name for path in (tmp_path / "mini").iterdir()} == {*ship_model.MODEL_FILES, "log.jsonl"}
    assert (tmp_path / "mini" / "config.json").read_text() == "config.json of two"
    assert len((tmp_path / "mini" / "log.jsonl").read_text().splitlines()) == 4


def test_an_unfinished_run_writes_nothing(runs, tmp_path, capsys):
    """One line says what is missing, and the model that was there stays."""
    (runs[1] / "model.safetensors").unlink()
    assert ship_model.main([*map(str, runs), "--to", str(tmp_path / "mini")]) == 2
    assert "two/model.safetensors; is the run finished?" in capsys.readouterr().err
    assert not (tmp_path / "mini").exists()
