"""What made the verdict: sums and slopes by definition, curves at both ends, and a model that can be seen through."""

import copy
from types import SimpleNamespace

import pytest
import torch

from bertnotes.attribution import (
    METHODS,
    Explained,
    agreement,
    area_under,
    blank,
    deletion_curves,
    explain,
    gradient_x_input,
    integrated_gradients,
    occlusion,
    read,
    rollout,
)
from bertnotes.classifier import BERTClassifier, predict_probabilities, read_texts
from bertnotes.heads import attention_rollout
from bertnotes.models import load_tokenizer

TEXT = "the cast is good , the ending is bad"


@pytest.fixture(scope="module")
def tokenizer(tiny_checkpoint):
    return load_tokenizer(tiny_checkpoint)


@pytest.fixture(scope="module")
def model(tiny_checkpoint):
    """A classifier with a head that speaks up: the tiny one's logits are near 0 otherwise."""
    torch.manual_seed(0)
    model = BERTClassifier(str(tiny_checkpoint), 2).eval()
    with torch.no_grad():
        model.classifier.weight.mul_(20)
    return model


@pytest.fixture
def case(model, tokenizer):
    """(ids, logits, the class that was named)"""
    return read(model, tokenizer, TEXT)


def logit(model, ids, target):
    with torch.inference_mode():
        return model(ids, torch.ones_like(ids))[0, target].item()


def test_a_text_is_read_as_the_model_reads_it(model, tokenizer, case):
    ids, logits, target = case
    assert tokenizer.convert_ids_to_tokens(ids[0]) == ["[CLS]", *TEXT.split(), "[SEP]"]
    assert logits[target].item() == pytest.approx(logit(model, ids, target)) and logits.argmax() == target
    assert read(model, tokenizer, TEXT, max_length=5)[0].shape == (1, 5)


@pytest.mark.parametrize("text", ["bad<br /><br />film . ", "bad " * 20 + "good " * 20])
@pytest.mark.parametrize("truncation", ["head", "tail", "head+tail"])
def test_the_text_explained_is_the_text_predicted(model, tokenizer, text, truncation):
    """The same ids and probabilities: `<br />` is not read as letters, and of a long text the same part stays."""
    model = copy.deepcopy(model)
    model.read_as(12, truncation)
    ids, logits, target = read(model, tokenizer, text)
    expected = predict_probabilities([text], model, tokenizer)[0]
    assert torch.allclose(logits.softmax(-1), expected, atol=1e-6) and target == expected.argmax()
    assert [ids[0].tolist()] == read_texts([text], model, tokenizer)[0]
    (explained,) = explain(model, tokenizer, [text], methods={})
    assert torch.equal(explained.ids, ids)
    assert read(model, tokenizer, text, 8, "tail")[0][0].tolist() == read_texts([text], model, tokenizer, 8, "tail")[0][0]


def test_of_a_text_in_windows_the_first_is_explained_and_that_is_said(model, tokenizer):
    model = copy.deepcopy(model)
    model.read_as(8, "windows")
    with pytest.warns(UserWarning, match="reads this text in 5 windows; shown is the first of them alone"):
        ids, _, _ = read(model, tokenizer, "a good film " * 6)
    assert torch.equal(ids, read(model, tokenizer, "a good film a good film")[0])


def test_a_blank_text_keeps_its_ends(tokenizer, case):
    tokens = tokenizer.convert_ids_to_tokens(blank(case[0], tokenizer)[0])
    assert tokens[0] == "[CLS]" and tokens[-1] == "[SEP]" and set(tokens[1:-1]) == {"[MASK]"} and len(tokens) == 11


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_number_for_each_token_and_none_for_the_ends(model, tokenizer, case, method):
    ids, _, target = case
    values = method(model, tokenizer, ids, target)
    assert values.shape == (ids.shape[1],) and values.isfinite().all() and not values.requires_grad
    assert values[0] == values[-1] == 0 and values[1:-1].abs().max() > 0
    assert not any(weight.grad is not None for weight in model.parameters()), "the model is left as it was"


def test_attention_is_what_cls_looks_at_in_the_last_layer(model, tokenizer, case):
    ids, _, target = case
    with torch.inference_mode():
        weights = model.bert(ids, torch.ones_like(ids), output_attentions=True).attentions[-1]
    values = METHODS["attention"](model, tokenizer, ids, target)
    torch.testing.assert_close(values[1:-1], weights[0, :, 0, 1:-1].mean(dim=0))


@pytest.mark.parametrize("target", [0, 1])
def test_integrated_gradients_are_complete(model, tokenizer, case, target):
    """They sum to what the text adds to the logit of the blank one; more steps come closer."""
    ids, _, _ = case
    whole = logit(model, ids, target) - logit(model, blank(ids, tokenizer), target)
    rough, fine = (integrated_gradients(model, tokenizer, ids, target, steps).sum().item() - whole for steps in (4, 64))
    assert abs(fine) < 0.02 * abs(whole) and abs(fine) < abs(rough)


def test_gradient_by_autograd(model, tokenizer, case):
    ids, _, target = case
    words = model.bert.get_input_embeddings()
    vectors = words(ids).detach().requires_grad_()
    hidden = model.bert(inputs_embeds=vectors, attention_mask=torch.ones_like(ids)).pooler_output
    (slope,) = torch.autograd.grad(model.classifier(hidden)[0, target], vectors)
    expected = (slope * (vectors - words(blank(ids, tokenizer)))).sum(-1)[0]
    found = gradient_x_input(model, tokenizer, ids, target)
    assert torch.allclose(found[1:-1], expected[1:-1], atol=1e-4)


def test_occlusion_by_a_loop(model, tokenizer, case):
    ids, _, target = case
    found, whole = occlusion(model, tokenizer, ids, target), logit(model, ids, target)
    for place in range(1, ids.shape[1] - 1):
        without = ids.clone()
        without[0, place] = tokenizer.mask_token_id
        assert found[place].item() == pytest.approx(whole - logit(model, without, target), abs=1e-4)


def test_rollout_is_that_of_heads(model, tokenizer, case):
    ids, _, target = case
    with torch.inference_mode():
        attentions = model.bert(ids, torch.ones_like(ids), output_attentions=True).attentions
    assert torch.allclose(rollout(model, tokenizer, ids, target)[1:-1], attention_rollout(attentions)[-1, 0, 0, 1:-1])


def test_no_attention_weights_to_be_had(tiny_checkpoint, tokenizer, case):
    with pytest.raises(ValueError, match='load the model with attention="eager" or "bertnotes"'):
        METHODS["attention"](BERTClassifier(str(tiny_checkpoint), 2, "sdpa"), tokenizer, case[0], 0)


# ---- deletion curves ----


def ranked(ids, target, **values):
    """A text whose tokens have been given values by hand."""
    return Explained(ids, target, values)


def test_a_curve_begins_at_the_text_and_ends_at_the_blank_one(model, tokenizer, case):
    ids, logits, target = case
    (curve,) = deletion_curves(model, tokenizer, [ranked(ids, target, any=torch.rand(ids.shape[1]))], (0, 0.5, 1))["any"]
    nothing_left = torch.tensor([[logit(model, blank(ids, tokenizer), name) for name in (0, 1)]]).softmax(-1)[0, target]
    assert curve[0].item() == pytest.approx(logits.softmax(-1)[target].item(), abs=1e-5)
    assert curve[-1].item() == pytest.approx(nothing_left.item(), abs=1e-5) and curve.shape == (3,)


def test_the_highest_values_go_first(model, tokenizer, case):
    """A third of nine tokens: the three that we name; the others of another way, which goes through the model with it."""
    ids, _, target = case
    ways = {"ours": (2, 5, 9), "theirs": (1, 3, 4)}
    values = {name: torch.zeros(ids.shape[1]) for name in ways}
    for name, places in ways.items():
        values[name][list(places)] = torch.tensor([3.0, 2.0, 1.0])
    curves = deletion_curves(model, tokenizer, [ranked(ids, target, **values)], shares=(1 / 3,))
    for name, places in ways.items():
        expected = ids.clone()
        expected[0, list(places)] = tokenizer.mask_token_id
        with torch.inference_mode():
            named = model(expected, torch.ones_like(ids)).softmax(-1)[0, target].item()
        assert curves[name].item() == pytest.approx(named, abs=1e-5)


def test_the_ends_are_never_hidden(model, tokenizer, case):
    ids, _, target = case
    low, high = torch.zeros(ids.shape[1]), torch.zeros(ids.shape[1])
    high[[0, -1]] = 100
    low[4] = high[4] = 1
    curves = deletion_curves(model, tokenizer, [ranked(ids, target, low=low, high=high)])
    assert torch.allclose(curves["low"], curves["high"], atol=1e-6)


def test_area_by_hand():
    """1 down to 0 in a straight line, then 0: half of the first half."""
    assert area_under((0, 0.5, 1), torch.tensor([1.0, 0.0, 0.0])).item() == pytest.approx(0.25)
    assert area_under((0, 0.25, 0.5), torch.ones(3, 3)).tolist() == [1, 1, 1]


def test_all_ways_are_asked_on_all_texts(model, tokenizer):
    texts = [TEXT, "a great film"]
    curves = deletion_curves(model, tokenizer, explain(model, tokenizer, texts), shares=(0, 0.5))
    assert list(curves) == ["random", *METHODS] and all(rows.shape == (2, 2) for rows in curves.values())
    assert all(torch.allclose(rows[:, 0], curves["random"][:, 0]) for rows in curves.values()), "all begin at the text"
    again = deletion_curves(model, tokenizer, explain(model, tokenizer, texts, methods={}), shares=(0, 0.5))
    assert torch.allclose(again["random"], curves["random"], atol=1e-6), "the seed decides"


def test_agreement_by_hand():
    """Kendall's tau of three tokens: all pairs in the same order, all the other way round, one of three pairs swapped."""
    first, last = torch.tensor([0, 1.0, 2.0, 3.0, 0]), torch.tensor([0, 3.0, 2.0, 1.0, 0])
    swapped = torch.tensor([0, 2.0, 1.0, 3.0, 0])
    texts = [ranked(None, 0, a=first, b=other) for other in (first, last, swapped)]
    assert agreement(texts, "a", "b").tolist() == pytest.approx([1, -1, 1 / 3])


class Counts(torch.nn.Module):
    """Sees through: the logit of class 1 is how often "good" occurs, that of class 0 how often "bad" does."""

    max_length, truncation, config = 48, "head", SimpleNamespace(max_position_embeddings=48)

    def __init__(self, tokenizer):
        super().__init__()
        self.words = torch.nn.Embedding(len(tokenizer), 2)
        with torch.no_grad():
            self.words.weight.zero_()
            self.words.weight[tokenizer.convert_tokens_to_ids("bad"), 0] = 4
            self.words.weight[tokenizer.convert_tokens_to_ids("good"), 1] = 3

    @property
    def bert(self):
        return self

    def get_input_embeddings(self):
        return self.words

    def forward(self, ids, mask):
        return self.words(ids).sum(dim=1)


@pytest.mark.parametrize("name", ["gradient x input", "integrated gradients", "occlusion"])
def test_all_agree_on_a_model_that_only_counts(tokenizer, name):
    model = Counts(tokenizer)
    ids, _, target = read(model, tokenizer, "good , bad and good")
    assert target == 1, "two times 3 against 4"
    assert METHODS[name](model, tokenizer, ids, target).tolist() == pytest.approx([0, 3, 0, 0, 0, 3, 0])
