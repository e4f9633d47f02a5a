"""BERTNOTES_MODEL swaps the model of every page: shown with a folder that looks like the hub's bert-base-uncased."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForPreTraining, BertTokenizer

from bertnotes import BERTClassifier, attention_heatmap, load_encoder, load_tokenizer, predict_sentiment
from bertnotes.encoder import BertEncoder
from bertnotes.files import MINI
from bertnotes.masked_lm import evaluate_guesses, pack
from bertnotes.training import TrainConfig, fit

TEXTS = ["A slog from end to end.", "I was gripped, and I laughed.", "Wooden, leaden, long.", "Tender and quick."]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Twelve layers, twelve heads, 30,522 pieces, LayerNorm's old names, a next-sentence head, vocab.txt: only narrower."""
    folder = tmp_path_factory.mktemp("bert-base-uncased")
    config = BertConfig(hidden_size=48, intermediate_size=192, initializer_range=0.2)
    assert (config.num_hidden_layers, config.num_attention_heads, config.vocab_size) == (12, 12, 30522)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertForPreTraining(config).save_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    for old, new in (("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")):
        weights = {name.replace(old, new): weight for name, weight in weights.items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    pieces = load_tokenizer(str(MINI)).convert_ids_to_tokens(range(10_000))
    pieces += [f"[unused{number}]" for number in range(30522 - len(pieces))]
    BertTokenizer(vocab={piece: row for row, piece in enumerate(pieces)}, do_lower_case=True).save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def swapped(base, monkeypatch):
    monkeypatch.setenv("BERTNOTES_MODEL", str(base))


def test_its_attention_can_be_drawn():
    """Notebook 07: twelve times twelve heads, and ours among the ways to compute them."""
    tokenizer = load_tokenizer()
    inputs = tokenizer(TEXTS[1], return_tensors="pt")
    with torch.inference_mode():
        eager, ours = (load_encoder(attention=name)(**inputs, output_attentions=True) for name in ("eager", "bertnotes"))
    assert len(eager.attentions) == 12 and eager.attentions[0].shape[1] == 12
    for one, other in zip(eager.attentions, ours.attentions, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    tokens = tokenizer.convert_ids_to_tokens(inputs.input_ids[0])
    assert len(attention_heatmap(ours.attentions[11][0, 11], tokens).get_xticklabels()) >= len(tokens)


def test_its_layers_are_equal_on_our_page():
    """Notebook 05: the encoder from scratch reads the old names and leaves the next-sentence head aside."""
    inputs = load_tokenizer()(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        ours = BertEncoder.from_pretrained()(**inputs)
        theirs = load_encoder()(**inputs, output_hidden_states=True)
    tokens = inputs.attention_mask.bool()
    for one, other in zip(ours.hidden_states, theirs.hidden_states, strict=True):
        torch.testing.assert_close(one[tokens], other[tokens], rtol=1e-5, atol=2e-5)


def test_it_guesses_hidden_words():
    """Notebook 06: its head is found."""
    from transformers import BertForMaskedLM

    from bertnotes.names import find_model, quiet

    tokenizer = load_tokenizer()
    with quiet():
        model = BertForMaskedLM.from_pretrained(find_model(), dtype=torch.float32)
    loss, right = evaluate_guesses(model, pack(tokenizer, TEXTS * 20, 32), tokenizer)
    assert loss > 5 and 0 <= right < 0.5


def test_it_can_be_fine_tuned(tmp_path):
    """Notebook 10: fit, save, load, predict."""
    model, tokenizer = BERTClassifier(), load_tokenizer()
    assert len(model.bert.encoder.layer) == 12
    fit(model, tokenizer, (TEXTS, [0, 1, 0, 1]), (TEXTS, [0, 1, 0, 1]), TrainConfig(epochs=1, max_length=16))
    model.save_pretrained(tmp_path, tokenizer)
    again, its_tokenizer = BERTClassifier.from_pretrained(tmp_path)
    assert predict_sentiment(TEXTS[0], again, its_tokenizer, "cpu") == predict_sentiment(TEXTS[0], model, tokenizer, "cpu")
