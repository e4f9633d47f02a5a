"""The look at the machine: it passes here, and each thing that may be wrong is named with a remedy."""

import shutil
import sys
from importlib import metadata

import pytest

from bertnotes.experiments import doctor


def attempt(name):
    """The Check that one of the looks gives."""
    return doctor.attempt(name, *doctor.LOOKS[name])


def test_this_machine_has_what_it_takes():
    """All checks, in order, and what they found."""
    checks = doctor.examine()
    assert [check.name for check in checks] == ["packages", "memory", "disk", "device", "model", "attention", "reviews"]
    assert all(check.ok for check in checks), [str(check) for check in checks]
    assert "torch" in checks[0].found and "6 layers of 12 heads" in checks[5].found
    assert all(str(check).startswith("✓") and "what to do" not in str(check) for check in checks)


def test_what_is_wrong_comes_with_what_to_do():
    check = doctor.Check("memory", False, "0.1 GB free", "close something")
    assert str(check) == "✗ memory       0.1 GB free\n  what to do: close something"


def test_too_little_memory_or_disk(monkeypatch):
    """No machine has a million GB."""
    monkeypatch.setattr(doctor, "MEMORY", 1e6)
    monkeypatch.setattr(doctor, "DISK", 1e6)
    for check in doctor.examine()[1:3]:
        assert not check.ok and "GB free, 1000000.0 needed" in check.found and check.remedy


def test_a_package_that_is_missing_or_too_old(monkeypatch):
    """Each is named, with the version that is there and the one that is needed; of extras, only those that notebooks use."""
    lines = ["torch>=99", "no-such-package>=1,<2", "also-absent; extra == 'test'", "no-lab; extra == 'lab'", "matplotlib"]
    monkeypatch.setattr(metadata, "requires", lambda name: lines)
    check = attempt("packages")
    assert not check.ok and "no-such-package missing (needs <2,>=1)" in check.found and "make lab" in check.remedy
    assert "torch" in check.found and ">=99" in check.found and "also-absent" not in check.found
    assert "matplotlib" not in check.found and "no-lab missing" in check.found


def test_a_package_that_cannot_be_imported_is_told_with_the_rest(monkeypatch):
    """The look goes on: this is what it is for."""
    monkeypatch.setitem(sys.modules, "torch", None)
    checks = {check.name: check for check in doctor.examine()}
    assert len(checks) == 7 and checks["memory"].ok
    assert not checks["device"].ok and "torch" in checks["device"].found and "make lab" in checks["device"].remedy


def test_the_course_itself_is_not_installed():
    """As when Jupyter runs in another environment."""
    assert doctor.check_packages("no-such-course") == (False, "no-such-course itself is not installed")


@pytest.mark.parametrize("name", ["model", "attention"])
def test_a_model_that_is_not_there(monkeypatch, tmp_path, name):
    monkeypatch.setenv("BERTNOTES_MODEL", str(tmp_path / "gone"))
    found = attempt(name)
    assert not found.ok and "gone" in found.found and "BERTNOTES_MODEL" in found.remedy


def test_reviews_that_are_not_there(monkeypatch, tmp_path):
    monkeypatch.setattr("bertnotes.data.REVIEWS", tmp_path / "none.csv")
    found = attempt("reviews")
    assert not found.ok and "none.csv" in found.found and "git checkout" in found.remedy


def test_another_model_is_named(monkeypatch, tiny_checkpoint, tmp_path):
    """What BERTNOTES_MODEL says is what is looked at."""
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "my-bert")
    monkeypatch.setenv("BERTNOTES_MODEL", str(folder))
    assert attempt("model").found.startswith("my-bert, ")
