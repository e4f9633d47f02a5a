"""BERT from scratch equals transformers' BERT, layer by layer, and refuses what is not a BERT."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM, BertModel

import bertnotes.encoder
from bertnotes.checkpoint import our_name, read_checkpoint, rename_weights
from bertnotes.encoder import BertEncoder
from bertnotes.files import MINI

ODD = BertConfig(
    vocab_size=53,
    hidden_size=21,
    num_hidden_layers=3,
    num_attention_heads=7,
    intermediate_size=37,
    max_position_embeddings=19,
    type_vocab_size=3,
    layer_norm_eps=1e-5,
)

SENTENCES = [
    "The plot is thin, but the acting is superb, and I would gladly sit through it twice.",
    "A slog.",
    "My grandmother, who has walked out of better films than this one, stayed for the credits and asked who wrote it.",
]


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A checkpoint with sizes that fit nothing by luck; biases and norms are not left at 0 and 1."""
    torch.manual_seed(0)
    model = BertForMaskedLM(ODD)
    model.bert = BertModel(ODD)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
    model.tie_weights()
    folder = tmp_path_factory.mktemp("odd")
    model.save_pretrained(folder)
    return folder


def batch(config, lengths, seed=0):
    """Random ids for texts of such lengths, padded, with token types."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(lengths), max(lengths))
    attention_mask = (torch.arange(shape[1]) < torch.tensor(lengths)[:, None]).long()
    input_ids = torch.randint(1, config.vocab_size, shape, generator=generator) * attention_mask
    types = torch.randint(config.type_vocab_size, shape, generator=generator)
    return {"input_ids": input_ids, "attention_mask": attention_mask, "token_type_ids": types}


def reference(folder):
    return BertModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()


def outputs(output, attention_mask):
    """Every number of an output that stands at a token. Padding is left out: nobody reads the vectors there, and in the
    shipped model LayerNorm magnifies rounding there, ours and transformers' alike (both stray 1e-4 from float64)."""
    tokens = attention_mask.bool()
    hidden = [state[tokens] for state in output.hidden_states]
    attention = [weights.transpose(1, 2)[tokens] for weights in output.attentions]
    return [*hidden, *attention, output.last_hidden_state[tokens], output.pooler_output]


def differs(one, other):
    """Whether any number of two outputs lies further apart than 1e-5, absolute and relative (hidden states reach 10)."""
    return any(not torch.allclose(ours, theirs, rtol=1e-5, atol=1e-5) for ours, theirs in zip(one, other, strict=True))


def run_both(ours, theirs, inputs):
    with torch.no_grad():
        expected = theirs(**inputs, output_hidden_states=True, output_attentions=True)
        return outputs(ours(**inputs), inputs["attention_mask"]), outputs(expected, inputs["attention_mask"])


def real_inputs(folder, texts):
    """Sentences as the checkpoint's own tokenizer gives them, padded, the second half of each as a second sentence."""
    inputs = dict(AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt"))
    inputs["token_type_ids"][:, 10:] = 1
    return inputs


@pytest.mark.parametrize("lengths", [[7], [11, 11], [13, 4, 1]])
def test_odd_sizes_equal_transformers(odd, lengths):
    ours, theirs = BertEncoder.from_pretrained(str(odd)), reference(odd)
    assert not differs(*run_both(ours, theirs, batch(ODD, lengths)))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", ["mini", "MiniLM"])
def test_real_weights_equal_transformers(name, count, request):
    folder = MINI if name == "mini" else request.getfixturevalue("minilm_folder")
    ours, theirs = BertEncoder.from_pretrained(str(folder)), reference(folder)
    assert not differs(*run_both(ours, theirs, real_inputs(folder, SENTENCES[:count])))


@pytest.mark.parametrize("name", ["odd", "mini"])
def test_masked_word_logits_equal_transformers(odd, name):
    folder = odd if name == "odd" else MINI
    ours = BertEncoder.from_pretrained(str(folder))
    theirs = BertForMaskedLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    inputs = batch(ODD, [13, 6]) if name == "odd" else real_inputs(folder, SENTENCES)
    tokens = inputs["attention_mask"].bool()
    with torch.inference_mode():
        logits = ours.word_logits(ours(**inputs).last_hidden_state)
        torch.testing.assert_close(logits[tokens], theirs(**inputs).logits[tokens], rtol=1e-5, atol=1e-5)


def test_mask_and_token_types_may_be_left_out(odd):
    ours = BertEncoder.from_pretrained(str(odd))
    ids = batch(ODD, [9])["input_ids"]
    spelled_out = ours(ids, torch.ones_like(ids), torch.zeros_like(ids))
    assert ours(ids).last_hidden_state.equal(spelled_out.last_hidden_state)


def test_padding_does_not_change_the_tokens(odd):
    ours = BertEncoder.from_pretrained(str(odd))
    inputs = batch(ODD, [12, 5])
    alone = ours(inputs["input_ids"][1:, :5], token_type_ids=inputs["token_type_ids"][1:, :5])
    torch.testing.assert_close(ours(**inputs).last_hidden_state[1:, :5], alone.last_hidden_state, rtol=1e-5, atol=1e-5)


def test_gradients_reach_every_weight(odd):
    ours = BertEncoder.from_pretrained(str(odd)).train()
    output = ours(**batch(ODD, [12, 5]))
    (ours.word_logits(output.last_hidden_state).sum() + output.pooler_output.sum()).backward()
    assert [name for name, weight in ours.named_parameters() if weight.grad is None] == []


def test_training_mode_keeps_attention_rows_whole(odd):
    torch.manual_seed(0)
    output = BertEncoder.from_pretrained(str(odd)).train()(**batch(ODD, [12]))
    torch.testing.assert_close(output.attentions[0].sum(-1), torch.ones(1, 7, 12))


def test_encoder_fits_the_page():
    assert len(Path(bertnotes.encoder.__file__).read_text(encoding="utf-8").splitlines()) <= 200


@pytest.mark.parametrize("broken", ["residual", "norm", "gelu", "position", "types", "mask", "pooler"])
def test_a_broken_encoder_is_seen(odd, broken, monkeypatch):
    """The parity test can fail: each part of the encoder is taken out in turn."""
    layer_forward = bertnotes.encoder.Layer.forward

    def no_residual(self, hidden, mask=None):
        attended, weights = self.attention(hidden, mask=mask)
        hidden = self.attention_norm(attended)
        return self.output_norm(hidden + self.contract(bertnotes.encoder.gelu(self.expand(hidden)))), weights

    if broken == "residual":
        monkeypatch.setattr(bertnotes.encoder.Layer, "forward", no_residual)
    elif broken == "gelu":
        monkeypatch.setattr(bertnotes.encoder, "gelu", torch.relu)
    elif broken == "mask":
        monkeypatch.setattr(bertnotes.encoder.Layer, "forward", lambda self, hidden, mask: layer_forward(self, hidden))
    ours, theirs = BertEncoder.from_pretrained(str(odd)), reference(odd)
    with torch.no_grad():
        if broken == "norm":
            ours.layers[1].output_norm.eps = 1e-2
        elif broken == "position":
            ours.embeddings.position.weight.zero_()
        elif broken == "types":
            ours.embeddings.token_type.weight.zero_()
        elif broken == "pooler":
            ours.pooler.bias.zero_()
    assert differs(*run_both(ours, theirs, batch(ODD, [13, 4])))


# --- checkpoints: names and shapes, both ways -------------------------------------------------------------------------------


def rewritten(odd, tmp_path, change):
    """A copy of the odd checkpoint with its weights changed by a function on the dict."""
    weights = load_file(odd / "model.safetensors")
    change(weights)
    (tmp_path / "config.json").write_text((odd / "config.json").read_text())
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    return str(tmp_path)


def test_every_weight_is_matched_by_name_both_ways(odd):
    config, weights = read_checkpoint(str(odd))
    ours = BertEncoder(config, head=True).state_dict()
    assert rename_weights(weights, odd).keys() == ours.keys()
    assert len({our_name(name) for name in weights}) == len(weights)


def test_oldest_names_are_read(odd, tmp_path):
    """bert-base-uncased on the hub calls LayerNorm's weights gamma and beta, and brings heads that are not built here."""

    def age(weights):
        for name in list(weights):
            old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
            weights[old] = weights.pop(name)
        weights["cls.seq_relationship.weight"] = torch.zeros(2, 21)
        weights["bert.embeddings.position_ids"] = torch.arange(19)[None]
        weights["cls.predictions.decoder.weight"] = weights["bert.embeddings.word_embeddings.weight"].clone()

    old = BertEncoder.from_pretrained(rewritten(odd, tmp_path, age))
    new = BertEncoder.from_pretrained(str(odd))
    assert all(old.state_dict()[name].equal(weight) for name, weight in new.state_dict().items())


def test_checkpoint_without_pooler_and_head(odd, tmp_path):
    def strip(weights):
        for name in [name for name in weights if name.startswith(("cls.", "bert.pooler."))]:
            del weights[name]

    encoder = BertEncoder.from_pretrained(rewritten(odd, tmp_path, strip))
    output = encoder(**batch(ODD, [5]))
    assert output.pooler_output is None
    with pytest.raises(ValueError, match="without its head"):
        encoder.word_logits(output.last_hidden_state)


def drop(weights):
    del weights["bert.encoder.layer.1.intermediate.dense.bias"]


def add(weights):
    weights["bert.encoder.layer.0.adapter.weight"] = torch.zeros(2)


def reshape(weights):
    weights["bert.encoder.layer.2.output.dense.weight"] = torch.zeros(21, 36)


def untie(weights):
    weights["cls.predictions.decoder.weight"] = weights["bert.embeddings.word_embeddings.weight"] + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop, r"missing \['layers.1.expand.bias'\]"),
        (add, r"unknown \['layers.0.adapter.weight'\]"),
        (reshape, r"layers.2.contract.weight has shape \(21, 36\), expected \(21, 37\)"),
        (untie, "head.decoder.weight differs from embeddings.word.weight"),
    ],
)
def test_damaged_checkpoint_is_refused(odd, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        BertEncoder.from_pretrained(rewritten(odd, tmp_path, change))


def test_truncated_weights_are_refused(odd, tmp_path):
    folder = Path(rewritten(odd, tmp_path, lambda weights: None))
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="truncated or damaged"):
        BertEncoder.from_pretrained(str(folder))


def test_weights_that_are_not_there(odd, tmp_path):
    (tmp_path / "config.json").write_text((odd / "config.json").read_text())
    with pytest.raises(ValueError, match="not a whole checkpoint"):
        BertEncoder.from_pretrained(str(tmp_path))


def test_hub_id_without_network_names_the_ways_out(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(FileNotFoundError, match="Two ways out"):
        BertEncoder.from_pretrained("bertnotes/not-there")


@pytest.mark.parametrize(
    ("field", "value"), [("model_type", "roberta"), ("hidden_act", "relu"), ("is_decoder", True), ("hidden_size", 22)]
)
def test_other_architectures_are_refused(field, value):
    config = BertConfig(**ODD.to_dict())
    setattr(config, field, value)
    with pytest.raises(ValueError, match=str(value)):
        BertEncoder(config)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input_ids": torch.ones(5, dtype=torch.long)}, "each \\(batch, position\\)"),
        ({"attention_mask": torch.ones(1, 4, dtype=torch.long)}, "of one shape"),
        ({"input_ids": torch.full((1, 5), 53)}, "input_ids run from 0 to 52; got 53"),
        ({"token_type_ids": torch.full((1, 5), 3)}, "types run from 0 to 2; got 3"),
    ],
)
def test_bad_input_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        BertEncoder(ODD)(**{**batch(ODD, [5]), **change})


def test_too_long_text_is_refused():
    with pytest.raises(ValueError, match="19 positions; got 20 tokens"):
        BertEncoder(ODD)(torch.ones(1, 20, dtype=torch.long))


def test_bert_model_names_a_folder_of_another_architecture_can_take_over(odd, monkeypatch):
    """BERTNOTES_MODEL swaps the model that "mini" means, here as everywhere."""
    monkeypatch.setenv("BERTNOTES_MODEL", str(odd))
    assert BertEncoder.from_pretrained("mini").config.hidden_size == 21
