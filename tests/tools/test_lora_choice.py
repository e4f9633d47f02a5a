"""The tool that measures which low-rank change suits mini."""

import json

import lora_choice as tool
import pandas as pd
import pytest


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A table of a few short reviews, and one setting to try on them, of the queries and values alone."""
    monkeypatch.setattr(tool, "REVIEWS", 4)
    monkeypatch.setattr(tool, "SETTINGS", {"small": (2, (".query", ".value"), 1e-3)})
    rows = {"review": [f"a film number {n}" for n in range(8)], "sentiment": ["positive", "negative"] * 4}
    pd.DataFrame(rows).to_csv(tmp_path / "reviews.csv", index=False)
    return tmp_path / "reviews.csv"


def test_only_the_layers_that_a_setting_names_are_changed(data, tmp_path):
    """12 layers of 384 by 384 with 2 + 2 vectors each; the pooler, and two classes. What is measured is not measured again."""
    out = tmp_path / "found.json"
    tool.main(["--data", str(data), "--out", str(out)])
    found = json.loads(out.read_text())
    assert found["settings"]["small"]["trained"] == 12 * 2 * 2 * 384 + 384 * 385 + 2 * 385
    assert len(found["settings"]["small"]["history"]) == 2 and found["settings"]["small"]["layers"] == [".query", ".value"]
    found["settings"]["small"]["trained"] = 7
    out.write_text(json.dumps(found))
    tool.main(["--data", str(data), "--out", str(out)])
    assert json.loads(out.read_text())["settings"]["small"]["trained"] == 7
