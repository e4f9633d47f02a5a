"""Which BERT? A name becomes the place where a model lies.

A name is "mini" (the small pre-trained BERT that comes with the course), a checkpoint folder, or an id on the Hugging Face
hub such as "bert-base-uncased". "mini-imdb" is mini with what it learned from IMDB's reviews: a classifier. Where code says
"mini" or "mini-imdb", the environment variables BERTNOTES_MODEL and BERTNOTES_CLASSIFIER may say otherwise.
"""

import os
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError
from transformers.utils import logging

from bertnotes.files import MINI, MINI_IMDB

SHIPPED = {"mini": (MINI, "BERTNOTES_MODEL"), "mini-imdb": (MINI_IMDB, "BERTNOTES_CLASSIFIER")}


def model_name(name="mini"):
    """The name that counts: instead of one that is shipped, what its environment variable says."""
    return os.environ.get(SHIPPED[name][1]) or name if name in SHIPPED else name


def find_model(name="mini"):
    """Say where a model is to be loaded from: a folder as Path, or a hub id as str.

    Raises FileNotFoundError where the name is a path without a folder, ValueError where the folder holds no config.json.
    """
    name = model_name(name)
    folder = SHIPPED[name][0] if name in SHIPPED else Path(os.path.expanduser(name))
    if not folder.is_dir():
        if name in SHIPPED or folder.is_absolute() or str(name).startswith((".", "~")) or str(name).count("/") > 1:
            raise FileNotFoundError(f"no model folder at {folder}. {_WAYS}")
        return str(name)
    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder} is not a checkpoint folder: it holds no config.json. {_WAYS}")
    return folder


_WAYS = (
    'A model is "mini" or "mini-imdb" (they come with a clone), a folder that save_pretrained wrote, or a hub id such as '
    "bert-base-uncased"
)


@contextmanager
def quiet():
    """Keep transformers' progress bars and load report off the page; what matters in them is checked here."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def explained(source):
    """Turn what loading may raise into one sentence that says what to do."""
    try:
        yield
    except SafetensorError as error:
        raise ValueError(f"the weights in {source} are truncated or damaged ({error}); copy or train them again") from None
    except RuntimeError as error:
        if "size mismatch" not in str(error) and "mismatched_sizes" not in str(error):
            raise
        raise ValueError(f"the weights in {source} do not have the shapes that its config.json says; copy it again") from None
    except (OSError, ValueError) as error:
        met = (str(error).strip() or type(error).__name__).splitlines()[0]
        if "does not support an attention" in met:
            raise ValueError(f'{met.split()[0]} has no fused attention, as "sdpa" is: use attention="eager"') from None
        if isinstance(source, Path):
            raise ValueError(f"{source} is not a whole checkpoint folder: {met}") from None
        raise FileNotFoundError(
            f"'{source}' is no folder here, is not in this machine's cache, and the Hugging Face hub could not give it. "
            f"Two ways out: load it once with network (and HF_HUB_OFFLINE unset), it then stays cached; or copy its folder "
            f"(config.json, model.safetensors, tokenizer.json) from a machine that has it, and give that folder as the name. "
            f"What was met: {met}"
        ) from error
