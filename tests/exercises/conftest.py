"""What the tests of exercises share: a learner's notebook whose folder is empty, and one process for the answers of all."""

import pytest
from learner import Notebook
from proof import Proof, arguments

from bertnotes import exercises


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The folder of my_bert.py, empty; nothing was tried or hinted before."""
    monkeypatch.setattr(exercises, "temporary", lambda: tmp_path)
    monkeypatch.setattr(exercises, "attempts", {})
    monkeypatch.setattr(exercises, "hinted", {})
    return tmp_path


@pytest.fixture
def notebook():
    """A notebook of a learner's."""
    return Notebook()


@pytest.fixture
def restarted():
    """The process is not left to the next test."""
    exercises.runner.stop()
    yield
    exercises.runner.stop()


def pytest_generate_tests(metafunc):
    """Hand the answers of a page's proof to its tests."""
    if metafunc.cls is not None and issubclass(metafunc.cls, Proof):
        for name, values in arguments(metafunc.cls).items():
            if name in metafunc.fixturenames:
                metafunc.parametrize(
                    name, values, ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple) else value
                )
