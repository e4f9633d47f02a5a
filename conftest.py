"""What holds for the tests and for `pytest --nbval notebooks` alike: no network, no progress bars, the shipped model."""

import os
from pathlib import Path

# read when transformers is imported and when a kernel starts, so before either
os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "TQDM_DISABLE": "1"}
for name in ("BERTNOTES_MODEL", "BERTNOTES_MY"):  # the shipped model; nothing goes into a folder of the learner's
    os.environ.pop(name, None)

collect_ignore = ["notebooks/src", "notebooks/my"]  # texts that notebooks are made from; what a learner wrote


def pytest_configure(config):
    """Let nbval replace what differs from run to run, whichever folder pytest was started in."""
    if getattr(config.option, "nbval_sanitize_with", "") is None:
        config.option.nbval_sanitize_with = str(Path(__file__).parent / "notebooks" / "nbval-sanitize.cfg")
