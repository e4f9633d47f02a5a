"""A name becomes a tokenizer and an encoder, or one sentence that says why not and what to do."""

import json
import os
import re
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import ByteLevelBPETokenizer
from torch.testing import assert_close
from transformers import AutoConfig, AutoModel, BertModel, DistilBertConfig, DistilBertModel

from bertnotes import attention as attention_module
from bertnotes import models, names
from bertnotes.encoder import BertEncoder
from bertnotes.models import check_pieces, load_encoder, load_fast, load_tokenizer
from bertnotes.names import find_model

LOADERS = pytest.mark.parametrize("load", [load_encoder, load_tokenizer])


@pytest.fixture
def folder(tiny_checkpoint, tmp_path):
    """A copy of the tiny checkpoint, to be damaged."""
    return shutil.copytree(tiny_checkpoint, tmp_path / "checkpoint")


@pytest.fixture
def ids():
    """Two rows of token ids for the tiny checkpoint."""
    return torch.randint(5, 60, (2, 7))


# ---- where a name leads ----


def test_mini_is_the_folder_in_the_clone(monkeypatch, tiny_checkpoint):
    """By default, and by its name."""
    monkeypatch.setitem(names.SHIPPED, "mini", (tiny_checkpoint, "BERTNOTES_MODEL"))
    assert find_model() == find_model("mini") == tiny_checkpoint
    assert load_encoder().config.hidden_size == 24


def test_environment_says_otherwise_for_mini_alone(monkeypatch, tiny_checkpoint, folder):
    """BERTNOTES_MODEL stands for "mini" in a whole session; another name keeps its meaning."""
    monkeypatch.setenv("BERTNOTES_MODEL", str(tiny_checkpoint))
    assert find_model() == find_model("mini") == tiny_checkpoint
    assert find_model(str(folder)) == folder
    assert load_tokenizer().name_or_path == str(tiny_checkpoint)
    monkeypatch.setenv("BERTNOTES_MODEL", "bert-base-uncased")
    assert find_model() == "bert-base-uncased"


def test_a_folder_as_path_as_text_and_from_home(monkeypatch, folder):
    """All three name the same folder."""
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("USERPROFILE", str(folder.parent))  # Windows
    assert find_model(folder) == find_model(str(folder)) == find_model("~/checkpoint") == folder


@pytest.mark.parametrize("name", ["bert-base-uncased", "google/bert_uncased_L-2_H-128_A-2"])
def test_a_hub_id_stays_a_name(name):
    """It is no path."""
    assert find_model(name) == name


@LOADERS
@pytest.mark.parametrize("name", ["bert-base-nobody-has", "nobody/nothing"])
def test_offline_and_not_cached(load, name):
    """The error names the id and the two ways out."""
    with pytest.raises(
        FileNotFoundError, match=rf"'{name}' .* cache.* Two ways out: .* network .*; or copy .*\. What was met: .+"
    ):
        load(name)


@LOADERS
@pytest.mark.parametrize("name", ["/no/such/folder", "./nothing", "~/nothing-here", "runs/of/mine"])
def test_no_such_folder(load, name, tmp_path, monkeypatch):
    """The error names the path and says what a model may be."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r'no model folder at .* A model is "mini"'):
        load(name)


@LOADERS
def test_no_mini(load, tmp_path, monkeypatch):
    """An installed package without the clone beside it."""
    monkeypatch.setitem(names.SHIPPED, "mini", (tmp_path / "mini", "BERTNOTES_MODEL"))
    with pytest.raises(FileNotFoundError, match=r"no model folder at .*mini"):
        load("mini")


# ---- what a folder must hold ----


@LOADERS
def test_a_folder_without_config(load, tmp_path):
    """Any folder is not a checkpoint."""
    with pytest.raises(ValueError, match=rf"{re.escape(str(tmp_path))} is not a checkpoint folder: it holds no config.json"):
        load(tmp_path)


def edit_config(folder, **values):
    """Change values in config.json."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def edit_weights(folder, edit):
    """Write the weights again, as `edit` leaves them."""
    weights = load_file(folder / "model.safetensors")
    edit(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


WEIGHTS = "model.safetensors"
DAMAGE = {
    "weights cut off in the header": (lambda folder: os.truncate(folder / WEIGHTS, 2000), "truncated or damaged"),
    "weights cut off": (lambda folder: os.truncate(folder / WEIGHTS, 20_000), "truncated or damaged"),
    "weights empty": (lambda folder: os.truncate(folder / WEIGHTS, 0), "truncated or damaged"),
    "weights missing": (lambda folder: (folder / "model.safetensors").unlink(), "no file named model.safetensors"),
    "one weight missing": (
        lambda folder: edit_weights(folder, lambda weights: weights.pop("encoder.layer.1.output.dense.weight")),
        "1 weights are missing, such as encoder.layer.1.output.dense.weight",
    ),
    "another size": (lambda folder: edit_config(folder, intermediate_size=41), "shape|not a whole checkpoint"),
    "config cut off": (lambda folder: (folder / "config.json").write_text('{"model_type": "be'), "not a whole checkpoint"),
    "unknown kind of model": (lambda folder: edit_config(folder, model_type="nonsense"), "not a whole checkpoint"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_folder(folder, case, capfd):
    """One line that names the folder and what is wrong; nothing else on the page."""
    damage, message = DAMAGE[case]
    damage(folder)
    with pytest.raises(ValueError, match=message) as caught:
        load_encoder(folder)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("damage", ["gone", "cut off"])
def test_a_damaged_tokenizer(folder, damage):
    """A folder without its vocabulary gives an error, not a tokenizer that knows no words."""
    if damage == "gone":
        (folder / "tokenizer.json").unlink()
    else:
        (folder / "tokenizer.json").write_text('{"version": "1.0"')
    with pytest.raises(ValueError, match=rf"{re.escape(str(folder))} is not a whole checkpoint folder"):
        load_tokenizer(folder)


def test_a_vocabulary_alone_will_do(folder):
    """Older checkpoints carry vocab.txt and no tokenizer.json."""
    tokens = load_tokenizer(folder).get_vocab()
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(sorted(tokens, key=tokens.get)) + "\n", encoding="utf-8")
    assert load_tokenizer(folder).get_vocab() == tokens


def test_no_pickle_is_loaded(folder):
    """A pytorch_model.bin in place of safetensors is left alone."""
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"no file named model\.safetensors"):
        load_encoder(folder)


def test_a_pooler_may_be_missing(folder, ids):
    """Checkpoints of masked language models come without; all else is as it was."""
    full = load_encoder(folder)(ids).last_hidden_state
    edit_weights(folder, lambda weights: [weights.pop(name) for name in list(weights) if name.startswith("pooler.")])
    assert torch.equal(load_encoder(folder)(ids).last_hidden_state, full)


# ---- what comes out ----


@pytest.mark.parametrize(("attention", "given"), [("eager", True), ("bertnotes", True), ("blockwise", False), ("sdpa", False)])
def test_attention_weights_come_out_or_do_not(tiny_checkpoint, ids, attention, given):
    """Under sdpa and blockwise there are none to give; under the others, one (batch, head, query_pos, key_pos) a layer."""
    outputs = load_encoder(tiny_checkpoint, attention)(ids, output_attentions=given)
    expected = BertModel.from_pretrained(tiny_checkpoint).eval()(ids).last_hidden_state
    assert_close(outputs.last_hidden_state, expected, atol=1e-5, rtol=0)
    if given:
        assert [tuple(weights.shape) for weights in outputs.attentions] == [(2, 3, 7, 7)] * 2
        assert_close(outputs.attentions[1].sum(-1), torch.ones(2, 3, 7))
    else:
        assert not outputs.attentions


def test_an_encoder_that_gives_no_weights_although_asked(tiny_checkpoint, monkeypatch):
    """The error names the way of attention."""
    monkeypatch.setattr(BertModel, "__call__", lambda *_, **__: type("Outputs", (), {"attentions": ()}))
    with pytest.raises(ValueError, match='BertModel gives no attention weights with attention="eager"'):
        load_encoder(tiny_checkpoint)


@pytest.mark.parametrize("attention", ["nonsense", "flash_attention_2"])
def test_an_attention_that_is_not_to_be_had(tiny_checkpoint, attention):
    """The error speaks of the attention, and does not blame the folder."""
    with pytest.raises(ValueError, match=attention) as caught:
        load_encoder(tiny_checkpoint, attention)
    assert "not a whole checkpoint" not in str(caught.value)


def test_half_precision_on_disk_is_float32_in_memory(folder, ids):
    """The shipped model is stored as fp16; what is computed is fp32 of the same numbers."""
    edit_weights(folder, lambda weights: weights.update({name: weight.half() for name, weight in weights.items()}))
    edit_config(folder, dtype="float16")
    encoder = load_encoder(folder)
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}
    stored = load_file(folder / "model.safetensors")
    assert all(torch.equal(weight, stored[name].float()) for name, weight in encoder.named_parameters())
    assert encoder(ids).last_hidden_state.dtype == torch.float32


def test_loading_is_silent_and_ready_to_run(tiny_checkpoint, capfd):
    """No bars, no load report; evaluation mode, so that dropout does not blur what is shown."""
    encoder, tokenizer = load_encoder(tiny_checkpoint), load_tokenizer(tiny_checkpoint)
    assert not encoder.training
    assert tokenizer("Great film!")["input_ids"][0] == tokenizer.cls_token_id
    assert capfd.readouterr() == ("", "")


def test_loading_is_quiet_inside_and_changes_nothing_outside(tiny_checkpoint, monkeypatch):
    """Bars and messages of transformers are off while it loads and as they were behind it, even after an error."""
    logging, bars, seen = names.logging, [True], []
    monkeypatch.setattr(logging, "is_progress_bar_enabled", lambda: bars[-1])
    monkeypatch.setattr(logging, "enable_progress_bar", lambda: bars.append(True))
    monkeypatch.setattr(logging, "disable_progress_bar", lambda: bars.append(False))

    def load(_):
        seen.append((logging.get_verbosity(), bars[-1]))
        raise OSError("not here")

    monkeypatch.setattr(models.AutoTokenizer, "from_pretrained", load)
    level = logging.get_verbosity()
    logging.set_verbosity_info()
    try:
        with pytest.raises(ValueError, match="not here"):
            load_tokenizer(tiny_checkpoint)
        assert seen == [(logging.ERROR, False)]
        assert (logging.get_verbosity(), bars[-1]) == (logging.INFO, True)
    finally:
        logging.set_verbosity(level)


def test_a_real_checkpoint(minilm_folder, capfd):
    """Six layers of twelve heads each, every row of attention a whole."""
    tokenizer, encoder = load_tokenizer(minilm_folder), load_encoder(minilm_folder)
    with torch.inference_mode():
        attentions = encoder(**tokenizer("Not a dull film.", return_tensors="pt"), output_attentions=True).attentions
    assert [tuple(weights.shape) for weights in attentions] == [(1, 12, 7, 7)] * 6
    assert_close(attentions[-1].sum(-1), torch.ones(1, 12, 7))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("attention", ["eager", "bertnotes", "blockwise", "sdpa"])
@pytest.mark.parametrize(("asked", "met"), [(None, 0.1), (0.0, 0.0), (0.4, 0.4)])
def test_attention_dropout_as_asked_or_as_the_model_says(tiny_checkpoint, attention, asked, met):
    encoder = load_encoder(tiny_checkpoint, attention, attention_dropout=asked)
    assert {layer.attention.self.dropout.p for layer in encoder.encoder.layer} == {met}
    assert encoder.config.hidden_dropout_prob == 0.1


@pytest.mark.parametrize("rate", [-0.1, 1, 2])
def test_an_attention_dropout_that_cannot_be(tiny_checkpoint, rate):
    with pytest.raises(ValueError, match=r"^attention_dropout is a share, from 0 to below 1; got"):
        load_encoder(tiny_checkpoint, attention_dropout=rate)


def test_attention_dropout_of_a_model_that_calls_it_otherwise(tmp_path):
    config = DistilBertConfig(vocab_size=20, dim=8, n_heads=2, n_layers=1, hidden_dim=8)
    DistilBertModel(config).save_pretrained(tmp_path)
    assert load_encoder(tmp_path, attention_dropout=0.0).config.attention_dropout == 0


def test_from_zero_is_the_architecture_with_other_weights(tiny_checkpoint):
    torch.manual_seed(1)  # the checkpoint was drawn with another one
    own, control = load_encoder(tiny_checkpoint), load_encoder(tiny_checkpoint, random_init=True)
    assert {name: weight.shape for name, weight in own.state_dict().items()} == {
        name: weight.shape for name, weight in control.state_dict().items()
    }
    name = "encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(own.get_parameter(name), control.get_parameter(name)) and not control.training


# ---- an attention that suits the model ----

SIZES = {"vocab_size": 60, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 40}
SIZES |= {"max_position_embeddings": 32, "pad_token_id": 0}
GRANITE = {"attention_multiplier": 1.0, "num_key_value_heads": 2, "bos_token_id": 2, "eos_token_id": 3}


@pytest.mark.parametrize(
    ("kind", "attention", "message"),
    [
        ("mpnet", "bertnotes", 'MPNetModel has an attention of its own, which attention="bertnotes" does not change: use'),
        ("mpnet", "sdpa", 'MPNetModel has no fused attention, as "sdpa" is: use attention="eager"'),
        ("megatron-bert", "blockwise", 'attention="blockwise" does not change: use attention="eager"'),
        ("roformer", "bertnotes", "RoFormerModel has an attention of its own"),
        ("deberta-v2", "blockwise", "DebertaV2Model has an attention of its own"),
        ("granite", "blockwise", "our attention multiplies scores by 1/√12 = 0.2887, but this model wants 1"),
        ("fnet", "eager", 'FNetModel gives no attention weights with attention="eager"; try "blockwise" or "sdpa"'),
        ("vit", "eager", "ViTModel does not read texts as an encoder such as BERT does"),
    ],
)
def test_an_attention_that_does_not_suit_the_model(tmp_path, kind, attention, message):
    """Refused with the form to use, before it gives other numbers."""
    AutoModel.from_config(AutoConfig.for_model(kind, **SIZES, **(GRANITE if kind == "granite" else {}))).save_pretrained(
        tmp_path
    )
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        load_encoder(tmp_path, attention)
    assert "\n" not in str(caught.value)
    if kind not in ("fnet", "vit"):
        assert load_encoder(tmp_path, "eager").config._attn_implementation == "eager"
        assert load_fast(attention, lambda form: load_encoder(tmp_path, form)).config._attn_implementation == "eager"


@pytest.mark.parametrize("attention", ["bertnotes", "eager"])
def test_a_model_that_reads_padding(tiny_checkpoint, monkeypatch, attention):
    """Whatever its reason."""
    forward = BertModel.forward
    monkeypatch.setattr(BertModel, "forward", lambda *args, attention_mask, **more: forward(*args, **more))
    with pytest.raises(ValueError, match=f'attention="{attention}", BertModel gives other numbers for a text with padding'):
        load_encoder(tiny_checkpoint, attention)


def test_an_attention_that_computes_something_else(tiny_checkpoint, monkeypatch):
    """The padding is right, the numbers are not those of transformers' own."""

    def twice(query, key, value, mask, dropout):
        return attention_module.scaled_dot_product_attention(2 * query, key, value, mask)

    monkeypatch.setattr(models, "use_in_transformers", lambda: attention_module.use_in_transformers(attend=twice))
    try:
        with pytest.raises(ValueError, match='attention="bertnotes", BertModel gives other numbers'):
            load_encoder(tiny_checkpoint, "bertnotes")
    finally:
        attention_module.use_in_transformers()


def test_checking_leaves_the_attention_as_it_was(tiny_checkpoint):
    for attention in models.ATTENTIONS:
        assert load_encoder(tiny_checkpoint, attention).config._attn_implementation == attention


def test_an_error_that_another_attention_does_not_mend(folder):
    """Is the one of the last try."""
    (folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"no file named model\.safetensors"):
        load_fast("sdpa", lambda form: load_encoder(folder, form))


# ---- vocabularies ----


def test_a_vocabulary_in_two_files(folder):
    """vocab.json and merges.txt, as GPT-2 and the first RoBERTa have them."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    edit_config(folder, model_type="roberta")
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(["a dull film"] * 9, vocab_size=280, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    bpe.save_model(str(folder))
    tokenizer = load_tokenizer(folder)
    assert tokenizer.convert_ids_to_tokens(tokenizer("a film")["input_ids"]) == ["<s>", "a", "Ġfilm", "</s>"]


def test_a_vocabulary_with_capitals_is_read_with_capitals(folder):
    """Unless the folder says otherwise; one without any is read without."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Dull", "dull", "film"]
    settings = folder / "tokenizer_config.json"
    for name in ("tokenizer.json", settings.name):
        (folder / name).unlink()
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n")
    assert load_tokenizer(folder).tokenize("Dull film") == ["Dull", "film"]
    (folder / "vocab.txt").write_text("\n".join(piece for piece in pieces if piece != "Dull") + "\n")
    assert load_tokenizer(folder).tokenize("Dull film") == ["dull", "film"]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n")
    settings.write_text('{"do_lower_case": true, "tokenizer_class": "BertTokenizer"}')
    assert load_tokenizer(folder).tokenize("Dull film") == ["dull", "film"]


def test_a_tokenizer_that_knows_more_than_the_model(tiny_checkpoint):
    """Pieces were added to it, and the model has no vectors for them."""
    tokenizer, encoder = load_tokenizer(str(tiny_checkpoint)), load_encoder(str(tiny_checkpoint))
    check_pieces(tokenizer, encoder)
    check_pieces(tokenizer, BertEncoder.from_pretrained(str(tiny_checkpoint)))
    rows = encoder.get_input_embeddings().num_embeddings
    tokenizer.add_tokens([f"piece{number}" for number in range(rows - len(tokenizer) + 1)])
    for model in (encoder, BertEncoder.from_pretrained(str(tiny_checkpoint))):
        with pytest.raises(ValueError, match=f"pieces up to id {rows}, the model has vectors for {rows}: is it another model"):
            check_pieces(tokenizer, model)
