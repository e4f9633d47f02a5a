"""The readers in an encoder's place: what they know of a text, padding or not, and all that is done with a model."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from toy import LABELS, TEXTS

from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.experiments.engine import fit_in
from bertnotes.experiments.reader_model import KINDS, ReaderConfig, ReaderModel, read_elmo, turned, write_reader
from bertnotes.models import load_encoder, load_tokenizer
from bertnotes.readers import ElmoReader
from bertnotes.training import TrainConfig

SIZES = {"vocab_size": 50, "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3, "max_position_embeddings": 20}


def reader(kind):
    """A small reader that is not being trained."""
    torch.manual_seed(0)
    return ReaderModel(ReaderConfig(kind=kind, **SIZES)).eval()


def test_rows_turned_by_hand():
    vectors = torch.tensor([[1.0, 2, 3, 0], [1, 2, 3, 4], [1, 0, 0, 0]])[..., None]
    expected = [[3, 2, 1, 0], [4, 3, 2, 1], [1, 0, 0, 0]]
    assert turned(vectors, torch.tensor([3, 4, 1]))[..., 0].tolist() == expected


@settings(deadline=None)
@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_turned_twice_is_as_before(lengths):
    vectors, lengths = torch.rand(len(lengths), 6, 2), torch.tensor(lengths)
    assert torch.equal(turned(turned(vectors, lengths), lengths), vectors)


def test_elmo_knows_what_torchs_bidirectional_lstm_knows():
    """With one layer: torch's own LSTM in both directions over packed rows, on average over the tokens."""
    torch.manual_seed(0)
    elmo, lengths = ElmoReader(50, 8, num_layers=1), torch.tensor([5, 2, 3])
    ids, width = torch.randint(1, 50, (3, 5)), elmo.forwards.hidden_size
    theirs = torch.nn.LSTM(8, width, bidirectional=True, batch_first=True)
    weights = {name: weight for name, weight in elmo.forwards.state_dict().items()}
    weights |= {f"{name}_reverse": weight for name, weight in elmo.backwards.state_dict().items()}
    theirs.load_state_dict(weights)
    packed = pack_padded_sequence(elmo.embed(ids), lengths, batch_first=True, enforce_sorted=False)
    states, _ = pad_packed_sequence(theirs(packed)[0], batch_first=True)  # zero behind each text
    assert torch.allclose(read_elmo(elmo, ids, lengths), states.sum(dim=1) / lengths[:, None], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_token_counts_and_padding_does_not(kind, data):
    model, length = reader(kind), data.draw(st.integers(2, 8))
    ids = torch.tensor([data.draw(st.lists(st.integers(1, 49), min_size=length, max_size=length))])
    padded = torch.cat([ids, torch.zeros(1, 5, dtype=torch.long)], dim=1)
    with torch.inference_mode():
        alone = model(ids, torch.ones_like(ids)).pooler_output
        beside = model(padded, (padded > 0).long()).pooler_output
        assert torch.allclose(alone, beside, atol=1e-5) and alone.shape == (1, 12)
        place = data.draw(st.integers(0, length - 1))
        ids[0, place] = ids[0, place] % 49 + 1
        assert not torch.allclose(alone, model(ids, torch.ones_like(ids)).pooler_output, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_as_large_as_the_bert_whose_size_it_has(kind, tmp_path):
    write_reader(tmp_path, kind)
    mini, ours = (load_encoder(name, "sdpa", random_init=True) for name in ("mini", tmp_path))
    sizes = [sum(weight.numel() for weight in model.parameters()) for model in (mini, ours)]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_learns_is_saved_and_judges_again(kind, tmp_path, tiny_checkpoint):
    write_reader(tmp_path / "new", kind, like=str(tiny_checkpoint))
    torch.manual_seed(0)
    model, tokenizer = BERTClassifier(str(tmp_path / "new"), 2, "sdpa", random_init=True), load_tokenizer(str(tmp_path / "new"))
    data = TEXTS, LABELS
    config = TrainConfig(epochs=4, batch_size=8, learning_rate=1e-2, max_length=16)
    history = fit_in(tmp_path / "run", model, tokenizer, data, data, config)
    assert history[-1]["accuracy"] > 0.9
    again, its_tokenizer = BERTClassifier.from_pretrained(tmp_path / "run", "sdpa")
    judged = [predict_probabilities(TEXTS, *pair, max_length=16) for pair in ((model, tokenizer), (again, its_tokenizer))]
    assert torch.equal(*judged)


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_without_weights_has_to_start_from_zero(kind, tmp_path, tiny_checkpoint):
    write_reader(tmp_path, kind, like=str(tiny_checkpoint))
    with pytest.raises(ValueError, match="is not a whole checkpoint folder"):
        load_encoder(tmp_path, "sdpa")


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_runs_where_its_weights_lie(kind):
    """The device "meta" stands for a GPU."""
    ids = torch.ones(2, 5, dtype=torch.long, device="meta")
    assert reader(kind).to("meta")(ids).pooler_output.device.type == "meta"


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_has_no_attention_weights_to_show(kind, tmp_path, tiny_checkpoint):
    write_reader(tmp_path, kind, like=str(tiny_checkpoint))
    with pytest.raises(ValueError, match=r'ReaderModel gives no attention weights with attention="bertnotes"; try .* "sdpa"'):
        load_encoder(tmp_path, "bertnotes", random_init=True)


def test_no_such_reader():
    with pytest.raises(ValueError, match="a reader is one of elmo, gpt; got 'bert'"):
        ReaderModel(ReaderConfig(kind="bert", **SIZES))
