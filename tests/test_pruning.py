"""Heads that are switched off: nobody hears them, they come back, and what lies before them need not be computed again."""

from types import SimpleNamespace

import pytest
import torch

from bertnotes.encoder import BertEncoder
from bertnotes.masked_lm import IGNORED
from bertnotes.models import load_tokenizer
from bertnotes.pruning import change_without_each, heads_off, hidden_token_exams, losses, mean_and_error, mean_results


@pytest.fixture
def model():
    torch.manual_seed(0)
    sizes = {"vocab_size": 30, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    rest = {"max_position_embeddings": 12, "type_vocab_size": 2, "layer_norm_eps": 1e-12}
    dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return BertEncoder(SimpleNamespace(**sizes, **rest, **dropout), head=True).eval()


@pytest.fixture
def exam():
    ids = torch.randint(30, (3, 10), generator=torch.Generator().manual_seed(1))
    return ids, torch.where(torch.arange(10) % 3 == 1, ids, IGNORED)


def test_a_silent_head_is_heard_by_nobody_and_comes_back(model, exam):
    before, state = losses(model, exam), {name: one.clone() for name, one in model.state_dict().items()}
    layer = model.layers[1].attention
    with pytest.raises(RuntimeError), heads_off(model, [(1, 1)]):
        first = losses(model, exam)
        torch.nn.init.normal_(layer.value.weight[4:])  # whatever the head finds
        assert torch.equal(losses(model, exam), first) and not torch.allclose(first, before)
        raise RuntimeError
    assert torch.equal(layer.output.weight, state["layers.1.attention.output.weight"])


def test_each_head_alone_is_what_switching_it_off_gives(model, exam):
    changes, whole = change_without_each(model, exam), losses(model, exam)
    assert changes.shape == (2, 2, 9)
    for layer, head in ((0, 0), (0, 1), (1, 0), (1, 1)):
        with heads_off(model, [(layer, head)]):
            assert torch.allclose(losses(model, exam) - whole, changes[layer, head], atol=1e-5)


def test_a_head_whose_result_is_a_constant_loses_nothing_when_its_mean_takes_its_place(model, exam):
    attention = model.layers[0].attention
    torch.nn.init.zeros_(attention.value.weight[4:])  # the second head finds its bias, wherever it looks
    torch.nn.init.normal_(attention.value.bias)
    before, bias = losses(model, exam), attention.output.bias.clone()
    with heads_off(model, [(0, 1)], mean_results(model, exam[0])):
        assert torch.allclose(losses(model, exam), before, atol=1e-5)
    with heads_off(model, [(0, 1)]):
        assert not torch.allclose(losses(model, exam), before, atol=1e-3)
    assert torch.equal(attention.output.bias, bias)


def test_the_error_counts_rows_and_not_their_tokens():
    labels = torch.tensor([[5, IGNORED, 5], [IGNORED, IGNORED, IGNORED], [5, 5, IGNORED]])
    mean, error = mean_and_error(torch.tensor([[1.0, 1.0, 3.0, 3.0], [1.0, 3.0, 1.0, 3.0]]), (labels, labels))
    assert mean.tolist() == [2, 2] and error.tolist() == [1, 0]  # rows of 1 and 3; rows that are alike


def test_the_exams_are_of_other_reviews_and_all_hidden_tokens_are_masks():
    tokenizer = load_tokenizer()
    (first, labels), (second, _) = hidden_token_exams(tokenizer, rows=4)
    whole = torch.where(labels == IGNORED, first, labels)
    assert first.shape == second.shape == (4, 64) and not set(map(tuple, whole.tolist())) & set(map(tuple, second.tolist()))
    assert (first[labels != IGNORED] == tokenizer.mask_token_id).all() and (labels != IGNORED).sum() > 20
    assert (whole[:, 0] == tokenizer.cls_token_id).all() and (whole[:, -1] == tokenizer.sep_token_id).all()
    with pytest.raises(ValueError, match="ask for"):
        hidden_token_exams(tokenizer, rows=1000)
