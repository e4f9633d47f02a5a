"""One call from a sentence to its attention: what it gives is what a model gives that is asked step by step."""

import copy
import subprocess
import sys

import pytest
import torch
from transformers import AutoModel, BertConfig, BertModel, DistilBertConfig, DistilBertModel, RobertaConfig, RobertaModel

import bertnotes
from bertnotes import Attention, attend
from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.encoder import BertEncoder
from bertnotes.lora import add_lora
from bertnotes.models import load_encoder

TEXT, PAIR = "the film is not loved", "a good cast !"
SIZES = {"vocab_size": 80, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 3, "hidden_size": 24}


def step_by_step(model, tokenizer, *sentences):
    """The long form, as page 07 writes it: weights (layer, head, query_pos, key_pos)."""
    with torch.no_grad():
        return torch.cat(model(**tokenizer(*sentences, return_tensors="pt"), output_attentions=True).attentions)


@pytest.fixture
def classifier(tiny_checkpoint):
    """A classifier with three classes on the tiny checkpoint, with a head that decides."""
    classifier = BERTClassifier(str(tiny_checkpoint), num_classes=3).eval()
    torch.nn.init.normal_(classifier.classifier.weight)
    return classifier


@pytest.fixture
def eager():
    """A function that makes a tiny BERT of transformers, changed as its arguments say."""
    return lambda **changes: BertModel(BertConfig(**SIZES | changes, attn_implementation="eager")).eval()


def test_an_encoder_gives_what_it_gives_step_by_step(encoder, tokenizer):
    found = attend(TEXT, model=encoder, tokenizer=tokenizer)
    assert torch.equal(found.weights, step_by_step(encoder, tokenizer, TEXT)) and found.weights.shape == (2, 3, 7, 7)
    assert found.tokens == ["[CLS]", *TEXT.split(), "[SEP]"]
    assert found.pair_start is None and found.logits is None


def test_two_sentences_are_told_apart_by_token_types(encoder, tokenizer):
    found = attend(TEXT, PAIR, encoder, tokenizer)
    assert torch.equal(found.weights, step_by_step(encoder, tokenizer, TEXT, PAIR))
    assert found.tokens[found.pair_start :] == [*PAIR.split(), "[SEP]"]


def test_a_name_is_a_model_and_its_tokenizer(tiny_checkpoint, encoder, tokenizer, monkeypatch):
    expected = attend(TEXT, model=encoder, tokenizer=tokenizer).weights
    assert torch.equal(attend(TEXT, model=tiny_checkpoint).weights, expected)
    assert torch.equal(attend(TEXT, model=str(tiny_checkpoint)).weights, expected)
    monkeypatch.setenv("BERTNOTES_MODEL", str(tiny_checkpoint))
    assert torch.equal(attend(TEXT).weights, expected)


def test_the_name_of_a_saved_classifier_gives_its_verdict(tiny_checkpoint, tokenizer, tmp_path, monkeypatch):
    """Saved whole or as a delta; under the name of the one that comes along, too. It reads as in a prediction."""
    for folder, lora in ((tmp_path / "whole", None), (tmp_path / "delta", 2)):
        classifier = BERTClassifier(str(tiny_checkpoint), num_classes=3)
        if lora:
            add_lora(classifier.bert, lora)
            torch.nn.init.normal_(next(weight for name, weight in classifier.named_parameters() if ".lora_B." in name))
        classifier.save_pretrained(folder, tokenizer)
        expected = predict_probabilities([TEXT], classifier, tokenizer, max_length=48)[0]
        monkeypatch.setenv("BERTNOTES_CLASSIFIER", str(folder))
        for name in (folder, str(folder), "mini-imdb"):
            found = attend(f"{TEXT}<br />", model=name)
            assert torch.allclose(found.logits.softmax(-1), expected, atol=1e-5)
            assert torch.allclose(found.weights, step_by_step(load_encoder(folder), tokenizer, TEXT), atol=1e-6)


def test_our_encoder_and_our_attention_give_the_same(tiny_checkpoint, encoder, tokenizer):
    expected = attend(TEXT, PAIR, encoder, tokenizer)
    for model in (BertEncoder.from_pretrained(str(tiny_checkpoint)), load_encoder(tiny_checkpoint, "bertnotes")):
        found = attend(TEXT, PAIR, model, tokenizer)
        assert torch.allclose(found.weights, expected.weights, atol=1e-5)
        assert (found.tokens, found.pair_start) == (expected.tokens, expected.pair_start)


def test_a_classifier_gives_verdict_and_attention_in_one_pass(classifier, tokenizer):
    calls = []
    classifier.bert.register_forward_hook(lambda *_: calls.append(1))
    found = attend("a good <br /> film ", model=classifier, tokenizer=tokenizer)
    assert len(calls) == 1 and found.tokens == ["[CLS]", "a", "good", "film", "[SEP]"], "<br /> is read as in a prediction"
    assert found.logits.shape == (3,)
    expected = predict_probabilities(["a good film"], classifier, tokenizer, max_length=48)[0]
    assert torch.allclose(found.logits.softmax(-1), expected, atol=1e-5)
    assert torch.allclose(found.weights, step_by_step(classifier.bert, tokenizer, "a good film"), atol=1e-6)


def test_a_classifier_reads_a_long_text_as_in_a_prediction(classifier, tokenizer):
    classifier.read_as(8, "tail")
    found = attend("bad " * 60 + "a good film", model=classifier, tokenizer=tokenizer)
    assert found.tokens == ["[CLS]", "bad", "bad", "bad", "a", "good", "film", "[SEP]"]
    expected = predict_probabilities(["bad " * 60 + "a good film"], classifier, tokenizer)[0]
    assert torch.allclose(found.logits.softmax(-1), expected, atol=1e-5)


def test_of_a_text_in_windows_the_first_is_shown_and_that_is_said(classifier, tokenizer):
    """Those of a text that fits need no word."""
    classifier.read_as(8, "windows")
    with pytest.warns(UserWarning, match="reads this text in 5 windows; shown is the first of them alone"):
        found = attend("a good film " * 6, model=classifier, tokenizer=tokenizer)
    assert found.tokens == ["[CLS]", *"a good film a good film".split(), "[SEP]"]
    assert attend("a good film", model=classifier, tokenizer=tokenizer).tokens == ["[CLS]", "a", "good", "film", "[SEP]"]


def test_a_classifier_tells_two_sentences_apart(classifier, tokenizer):
    found = attend(TEXT, PAIR, classifier, tokenizer)
    assert torch.allclose(found.weights, step_by_step(classifier.bert, tokenizer, TEXT, PAIR), atol=1e-6)


def test_a_classifier_called_as_ever_gives_logits_alone(classifier, tokenizer):
    ids = tokenizer([TEXT, PAIR], padding=True, return_tensors="pt")
    logits = classifier(ids["input_ids"], ids["attention_mask"])
    same, attentions = classifier(ids["input_ids"], ids["attention_mask"], output_attentions=True)
    assert torch.equal(logits, same) and [tuple(layer.shape) for layer in attentions] == [(2, 3, 7, 7)] * 2
    assert torch.equal(classifier(**ids), logits), "what a tokenizer gives can be passed on as it is"


def test_a_model_keeps_the_mode_of_each_of_its_parts(classifier, tokenizer):
    classifier.train()
    classifier.bert.eval()
    modes = [part.training for part in classifier.modules()]
    found = attend(TEXT, model=classifier, tokenizer=tokenizer)
    assert [part.training for part in classifier.modules()] == modes
    assert torch.equal(found.logits, attend(TEXT, model=classifier, tokenizer=tokenizer).logits), "no dropout meanwhile"
    with pytest.raises(ValueError, match="no attention weights"):
        classifier.bert.set_attn_implementation("sdpa")
        attend(TEXT, model=classifier, tokenizer=tokenizer)
    assert [part.training for part in classifier.modules()] == modes


def test_what_comes_back_is_fp32_on_the_cpu_and_has_no_graph(classifier, tokenizer):
    found = attend(TEXT, model=copy.deepcopy(classifier).to(torch.bfloat16), tokenizer=tokenizer)
    for tensor in (found.weights, found.logits):
        assert tensor.dtype == torch.float32 and tensor.device.type == "cpu" and not tensor.requires_grad
        assert not tensor.is_inference(), "it may be trained on"


def test_ids_go_where_the_model_is(tokenizer, eager):
    """ "meta" stands for a GPU: nothing can be taken back from it, but what was sent there is seen."""
    seen = []
    model = eager().to("meta")
    model.register_forward_pre_hook(
        lambda _, __, inputs: seen.append({value.device.type for value in inputs.values() if torch.is_tensor(value)}),
        with_kwargs=True,
    )
    with pytest.raises((NotImplementedError, RuntimeError), match="meta"):
        attend(TEXT, model=model, tokenizer=tokenizer)
    assert seen == [{"meta"}] and next(model.parameters()).device.type == "meta"


@pytest.mark.parametrize("first", ["a [SEP] film", "[SEP]", "a [SEP] [SEP] b"])
def test_a_sentence_may_speak_of_sep(encoder, tokenizer, first):
    found = attend(first, PAIR, encoder, tokenizer)
    assert found.tokens[found.pair_start :] == [*PAIR.split(), "[SEP]"]


def test_two_separators_between_the_sentences(tmp_path):
    """As RoBERTa has them: the second sentence begins at its first word."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import RobertaTokenizerFast

    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(
        ["the film was good"] * 9, vocab_size=300, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    )
    bpe.save(str(tmp_path / "tokenizer.json"))
    tokenizer = RobertaTokenizerFast.from_pretrained(tmp_path)
    model = RobertaModel(RobertaConfig(**SIZES | {"vocab_size": 400}, type_vocab_size=1, attn_implementation="eager")).eval()
    found = attend("the film", "was good", model, tokenizer)
    assert found.tokens[found.pair_start - 2 : found.pair_start] == ["</s>", "</s>"]
    assert found.tokens[found.pair_start].strip("Ġ")[0] == "w"


def test_models_that_know_no_second_sentence_read_two_all_the_same(tokenizer, eager):
    distil = DistilBertConfig(vocab_size=80, dim=24, hidden_dim=40, n_layers=2, n_heads=3, attn_implementation="eager")
    for model in (eager(type_vocab_size=1), DistilBertModel(distil).eval()):
        found = attend(TEXT, PAIR, model, tokenizer)
        assert found.weights.shape == (2, 3, 12, 12) and found.pair_start == 7


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        (("",), "nothing to read in ''"),
        ((" \n",), r"nothing to read in ' \\n'"),
        (("\u200b",), "nothing to read"),
        ((TEXT, " "), "nothing to read in ' '"),
        ((TEXT, "\u200b"), "nothing to read"),
        ((["a", "b"],), r"nothing to read in a list; give a sentence, or two: attend\(text, pair\)"),
        ((None,), "nothing to read in a NoneType"),
        (("good " * 100,), "102 tokens, special ones included; the model has 48 positions: shorten the text"),
        (("good " * 30, "bad " * 30), "63 tokens"),
    ],
)
def test_nothing_to_read_and_too_much_of_it(encoder, tokenizer, sentences, message):
    with pytest.raises(ValueError, match=message):
        attend(*sentences, model=encoder, tokenizer=tokenizer)


def test_a_model_without_its_tokenizer(encoder, classifier):
    for model in (encoder, classifier):
        with pytest.raises(ValueError, match=r"needs its tokenizer: attend\(text, model=model, tokenizer=tokenizer\)"):
            attend(TEXT, model=model)


def test_a_model_that_gives_no_weights(tiny_checkpoint, tokenizer, capfd, caplog):
    for model in (
        load_encoder(tiny_checkpoint, "sdpa"),
        BERTClassifier(str(tiny_checkpoint), attention="sdpa"),
        AutoModel.from_pretrained(tiny_checkpoint),
    ):
        with pytest.raises(ValueError, match='no attention weights: load the model with attention="eager" or "bertnotes"'):
            attend(TEXT, model=model, tokenizer=tokenizer)
    assert capfd.readouterr().err == "" and not caplog.records, "said once"


def test_an_attention_says_in_a_line_what_it_holds_and_stays_as_it_is():
    found = Attention(torch.rand(2, 3, 2, 2), ["a", "b"])
    assert repr(found) == "Attention(2 layers, 3 heads, 2 tokens: a b)"
    with pytest.raises(AttributeError):
        found.tokens = []


def test_the_function_is_what_the_package_gives_whichever_was_imported_first():
    """The module has the same name."""
    order = "import bertnotes.attend; from bertnotes import attend; import bertnotes; assert attend is bertnotes.attend; "
    order += "from bertnotes.attend import attend as again; assert callable(attend) and again is attend"
    subprocess.run([sys.executable, "-c", order], check=True)
    assert bertnotes.attend is attend
