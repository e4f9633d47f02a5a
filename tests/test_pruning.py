"""Heads that are switched off: nobody hears them, they come back, and what lies before them need not be computed again."""

from types import SimpleNamespace

import pytest
import torch

from bertnotes.encoder import BertEncoder
from bertnotes.masked_lm import IGNORED
from bertnotes.models import load_tokenizer
from bertnotes.pruning import change_without_each, heads_off, hidden_word_exam, loss_without, losses


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
    together = loss_without(model, exam, [(0, 1), (1, 0)], [0, 1, 2])
    assert together[0] == pytest.approx(whole.mean().item(), abs=1e-6)
    assert together[1] == pytest.approx((whole + changes[0, 1]).mean().item(), abs=1e-5)


def test_the_two_exams_share_no_row():
    (first, labels), (second, _) = hidden_word_exam(load_tokenizer(), rows=4)
    assert first.shape == second.shape == (4, 64) and not set(map(tuple, first.tolist())) & set(map(tuple, second.tolist()))
    assert (labels != IGNORED).sum() > 10
