"""Every stored record is readable, whichever version wrote it; a command says of its settings what is not the default."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest
from tyro.conf import arg

from bertnotes import __version__
from bertnotes.experiments.records import choose_precision, command_of, read_record, write_record
from bertnotes.files import MINI, RESULTS, hash_of
from bertnotes.training import TrainConfig


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_stored_records_are_readable(path):
    """And say which version made them: before 0.1.0 was written down, 0.1."""
    record = read_record(path)
    if path.name != "same-seed-again.json":  # a collection of runs
        assert re.match(r"0\.[12]\b", record["environment"]["bertnotes"])
    if "config" in record:
        assert record["config"].keys() <= {*TrainConfig.__dataclass_fields__, "micro_batch_size", "compiled"}
        assert isinstance(record["random_init"], bool)


def test_an_old_record_has_today_s_names(tmp_path):
    old = {"command": "bertnotes train --from-zero", "config": {"keep": "tail", "at_once": 4}, "environment": {}}
    (tmp_path / "r.json").write_text(json.dumps(old))
    record = read_record(tmp_path / "r.json")
    assert record["config"] == {"truncation": "tail", "micro_batch_size": 4} and record["random_init"] is True
    assert record["environment"] == {"bertnotes": "0.1"}


def test_a_new_record_names_its_version(tmp_path):
    write_record(tmp_path / "r.json", accuracy=0.5)
    record = read_record(tmp_path / "r.json")
    assert record["accuracy"] == 0.5 and record["environment"]["bertnotes"] == __version__ and "mini" not in record


def test_a_new_record_of_mini_names_its_weights(tmp_path):
    write_record(tmp_path / "r.json", model="mini", accuracy=0.5)
    assert read_record(tmp_path / "r.json")["mini"] == hash_of(MINI / "model.safetensors")


@dataclass
class Inner:
    rate: float = 0.5
    compiled: Annotated[bool, arg(name="compile")] = False


@dataclass(kw_only=True)
class Outer:
    data: Path
    dry_run: bool = False
    inner: Inner = field(default_factory=lambda: Inner(rate=0.25))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Outer(data=Path("a b")), "--data 'a b'"),
        (Outer(data=Path("a"), dry_run=True), "--data a --dry-run"),
        (Outer(data=Path("a"), inner=Inner(0.5, True)), "--data a --rate 0.5 --compile"),
        (Outer(data=Path("a"), inner=Inner(0.25)), "--data a"),
    ],
)
def test_a_command_says_what_is_not_the_default(settings, words):
    """The default of a dataclass in another is that which the outer one gives it."""
    assert command_of("go", settings) == f"bertnotes go {words}"


@pytest.mark.parametrize(("units", "fast"), [([], "fp32"), (["avx512_bf16"], "bf16")])
def test_auto_is_fast_in_a_new_folder_and_goes_on_as_it_began(units, fast, cpu_with, tmp_path):
    cpu_with(*units)
    settings = tmp_path / "train_config.json"
    assert choose_precision("auto", "cpu", settings) == fast
    for begun in ("fp32", "bf16"):
        settings.write_text(json.dumps({"precision": begun}), encoding="utf-8")
        assert choose_precision("auto", "cpu", settings) == begun
        assert choose_precision("bf16", "cpu", settings) == "bf16", "what was asked for by name"


@pytest.mark.parametrize("asked", ["bf16", "auto"])
def test_slow_bf16_is_said(asked, cpu_with, tmp_path, capsys):
    (tmp_path / "run.json").write_text('{"precision": "bf16"}', encoding="utf-8")
    cpu_with("avx512_bf16")
    choose_precision(asked, "cpu", tmp_path / "run.json")
    assert capsys.readouterr().err == ""
    cpu_with()
    choose_precision(asked, "cpu", tmp_path / "run.json")
    assert "no units for bf16; a run with --precision fp32" in capsys.readouterr().err
