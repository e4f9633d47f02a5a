"""The three readers: who sees whom, their losses, their guesses at a blank, and the join of ELMo's halves."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from bertnotes.readers import (
    AllButNextReader,
    BertReader,
    ElmoReader,
    GptReader,
    LeakyReader,
    MaskedGptReader,
    accuracy,
    accuracy_of_finished,
    lstm_width,
    train_reader,
    who_sees_whom,
)

VOCABULARY, MASK = 9, 8
READERS = {
    "elmo": lambda size=12, layers=2: ElmoReader(VOCABULARY, size, layers),
    "gpt": lambda size=12, layers=2: GptReader(VOCABULARY, size, layers, num_heads=3),
    "bert": lambda size=12, layers=2: BertReader(VOCABULARY, MASK, hidden_size=size, num_layers=layers, num_heads=3),
}
every_reader = pytest.mark.parametrize("name", READERS)


@pytest.fixture
def ids():
    """Four texts of seven words: 0 at the front, 1 at the end, between them words from 2 to 7."""
    inner = torch.randint(2, MASK, (4, 5))
    return torch.cat([torch.zeros(4, 1, dtype=torch.long), inner, torch.ones(4, 1, dtype=torch.long)], dim=1)


# ---- who sees whom ----


def test_the_jacobian_of_a_known_map():
    """Output i = sum over j of M[i, j] times input j: its Jacobian is M[i, j] times the identity, of length |M[i, j]| √size."""
    mixing = torch.tensor([[1.0, 0.0, 0.0], [-2.0, 3.0, 0.0], [0.0, 0.5, 0.0]])
    seen = who_sees_whom(lambda vectors: mixing @ vectors, torch.randn(3, 4))
    assert_close(seen, mixing.abs() * 2)


def test_the_jacobian_is_of_one_text():
    with pytest.raises(ValueError, match=r"of one text, \(position, size\); got \(1, 3, 4\)"):
        who_sees_whom(lambda vectors: vectors, torch.randn(1, 3, 4))


@pytest.mark.parametrize("layers", [1, 3])
def test_zero_exactly_where_the_architecture_says(ids, layers):
    """GPT and ELMo's first half see nothing ahead, ELMo's second half nothing behind, BERT everything."""
    ahead = torch.ones(7, 7, dtype=torch.bool).triu(1)
    readers = {name: make(12, layers) for name, make in READERS.items()}
    seen = {name: who_sees_whom(reader.read, reader.embed(ids[0])) for name, reader in readers.items()}
    assert torch.equal(seen["gpt"] == 0, ahead)
    assert (seen["bert"] > 0).all() and (seen["elmo"] > 0).all()
    elmo = readers["elmo"]
    for read, hidden in ((elmo.read_forwards, ahead), (elmo.read_backwards, ahead.T)):
        assert torch.equal(who_sees_whom(read, elmo.embed(ids[0])) == 0, hidden)


def test_all_but_the_next_hides_it_for_one_layer_and_no_longer(ids):
    following = torch.eye(7, dtype=torch.bool).roll(1, dims=1).triu(1)
    for layers in (1, 2, 3):
        reader = AllButNextReader(VOCABULARY, MASK, hidden_size=12, num_layers=layers, num_heads=3)
        assert torch.equal(~reader.mask(7), following)
        hidden = who_sees_whom(reader.read, reader.embed(ids[0])) == 0
        assert torch.equal(hidden, following if layers == 1 else torch.zeros_like(following))


def test_one_part_is_swapped_at_a_time(ids):
    """GPT's mask with BERT's objective; BERT's mask with GPT's, which then is the loss of the next words."""
    sizes = {"hidden_size": 12, "num_heads": 3}
    masked, leaky = MaskedGptReader(VOCABULARY, MASK, **sizes), LeakyReader(VOCABULARY, MASK, **sizes)
    gpt, bert = GptReader(VOCABULARY, **sizes), BertReader(VOCABULARY, MASK, **sizes)
    assert torch.equal(masked.mask(5), gpt.mask(5)) and leaky.mask(5) is None
    for one, other in ((masked, bert), (leaky, gpt)):
        one.load_state_dict(other.state_dict())
    gpt.mask = masked.mask = lambda length: None
    assert_close(masked.loss(ids, torch.Generator().manual_seed(1)), bert.loss(ids, torch.Generator().manual_seed(1)))
    expected = torch.nn.functional.cross_entropy(gpt.scores(gpt(ids))[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    assert_close(leaky.loss(ids), expected)


# ---- size ----


@pytest.mark.parametrize(("size", "layers"), [(24, 1), (48, 2), (96, 3), (384, 6)])
def test_all_three_have_as_many_parameters_within_a_tenth(size, layers):
    """Else a comparison would be one of sizes."""
    gpt = GptReader(1000, size, layers, num_heads=4)
    bert = BertReader(1000, MASK, hidden_size=size, num_layers=layers, num_heads=4)
    counts = [sum(weight.numel() for weight in reader.parameters()) for reader in (gpt, bert, ElmoReader(1000, size, layers))]
    assert counts[0] == counts[1] and abs(counts[2] / counts[0] - 1) < 0.1
    assert lstm_width(size, layers, layers) > size / 2


# ---- guesses ----


@every_reader
@settings(max_examples=20, deadline=None)
@given(place=st.integers(1, 5), view=st.sampled_from(["left", "both"]), data=st.data())
def test_what_is_hidden_does_not_count(name, place, view, data):
    """Whatever stands at the blank, and for "left" whatever stands behind it, the guess is the same."""
    torch.manual_seed(0)
    reader, ids = READERS[name](), torch.tensor([[0, 2, 3, 4, 5, 6, 1]])
    other = ids.clone()
    end = 6 if view == "left" else place + 1
    for position in range(place, end):
        other[0, position] = data.draw(st.integers(2, 7))
    assert_close(reader.guess(ids, place, view), reader.guess(other, place, view), rtol=0, atol=0)


@every_reader
def test_what_is_shown_counts(name, ids):
    """A word before the blank changes the guess; one behind it does in the view of both sides, but for GPT."""
    reader = READERS[name]()
    for changed, view, counts in ((2, "left", True), (2, "both", True), (4, "both", name != "gpt")):
        other = ids.clone()
        other[:, changed] = 2 + (ids[:, changed] - 1) % 6
        same = torch.allclose(reader.guess(ids, 3, view), reader.guess(other, 3, view))
        assert same != counts, (changed, view)


def test_elmo_joins_its_guesses_by_a_product(ids):
    """p(word | left) p(word | right) / p(word), in logarithms, with p(word) as the training had it."""
    reader = READERS["elmo"]()
    reader.loss(ids)
    states = reader(ids)
    left = reader.scores(reader.to_word(states[:, 2].chunk(2, -1)[0])).log_softmax(-1)
    right = reader.scores(reader.to_word(states[:, 4].chunk(2, -1)[1])).log_softmax(-1)
    seen = 1 + ids.flatten().bincount(minlength=VOCABULARY)
    assert_close(reader.guess(ids, 3), left + right - (seen / seen.sum()).log())
    assert_close(reader.guess(ids, 3, "left"), left)


def test_a_text_is_as_probable_as_its_words_together(ids):
    """Its loss is the mean over six words, each seen from those before; a longer look at one text changes no other."""
    gpt = READERS["gpt"]()
    for number, text in enumerate(ids):
        assert_close(gpt.log_probability(ids)[number], -6 * gpt.loss(text[None]))


def test_among_finished_texts_the_most_probable_one_counts():
    """Of a reader that finds two equal words at places 3 and 4 more probable, and so looks to the right of the place."""

    class Doubles:
        def log_probability(self, texts):
            return (texts[:, 3] == texts[:, 4]).double()

    texts = torch.tensor([[0, 2, 2, 5, 5, 2, 1], [0, 2, 2, 5, 6, 2, 1], [0, 2, 2, 6, 6, 2, 1]])
    before = texts.clone()
    assert accuracy_of_finished(Doubles(), texts, 3, [5, 6]) == pytest.approx(2 / 3)
    assert accuracy_of_finished(Doubles(), texts, 3, [6, 5]) == pytest.approx(2 / 3) and torch.equal(texts, before)


def test_the_next_word_is_the_guess_after_a_text(ids):
    reader = READERS["gpt"]()
    assert_close(reader.next_word(ids[:, :3]), reader.guess(ids, 3))


def test_accuracy_counts_what_is_named_right(ids):
    """A reader that always says the word of the first text is right where the others have it, too."""
    reader = GptReader(VOCABULARY, 12, num_heads=3)
    reader.guess = lambda texts, place, view: torch.eye(VOCABULARY)[ids[0, place]].expand(len(texts), -1)
    assert accuracy(reader, ids, 2) == (ids[:, 2] == ids[0, 2]).double().mean().item()


@every_reader
@pytest.mark.parametrize("place", [0, 6, -1])
def test_a_blank_with_no_neighbour(name, ids, place):
    with pytest.raises(ValueError, match=rf"between the first and the last of 7 tokens; got place {place}"):
        READERS[name]().guess(ids, place)


@every_reader
def test_an_unknown_view(name, ids):
    with pytest.raises(ValueError, match='"left" or "both"; got \'right\''):
        READERS[name]().guess(ids, 2, "right")


def test_a_text_longer_than_the_positions(ids):
    with pytest.raises(ValueError, match="at most 4 tokens; got 7"):
        GptReader(VOCABULARY, 12, num_heads=3, max_length=4)(ids)


# ---- training ----


@every_reader
def test_training_teaches_and_can_be_repeated(name):
    """Words that always follow each other are learned; the same seed gives the same losses, another one others."""
    texts = torch.tensor([[0, 2, 3, 4, 1], [0, 5, 6, 7, 1]]).repeat(8, 1)
    runs = []
    for seed in (0, 0, 1):
        torch.manual_seed(0)
        reader = READERS[name](24)
        runs.append(train_reader(reader, texts, steps=60, batch_size=16, learning_rate=2e-2, seed=seed))
    assert runs[0] == runs[1] != runs[2]
    assert runs[0][-1] < 0.5 * runs[0][0]
    assert reader.guess(texts[:2], 2, "left").argmax(-1).tolist() == [3, 6]
    assert reader.guess(texts[:2], 3).argmax(-1).tolist() == [4, 7]


def test_training_needs_steps_and_texts(ids):
    for texts, steps in ((ids, 0), (ids[:0], 1)):
        with pytest.raises(ValueError, match=f"got {steps} steps, {len(texts)} texts"):
            train_reader(READERS["gpt"](), texts, steps)


def test_bert_is_never_asked_for_the_ends(ids):
    """What is hidden lies between the first and the last token: with all of it hidden, their words change nothing."""
    reader = BertReader(VOCABULARY, MASK, mask_rate=1.0, hidden_size=12, num_heads=3)
    targets = []
    reader.scores = lambda hidden: targets.append(len(hidden)) or torch.zeros(len(hidden), VOCABULARY, requires_grad=True)
    reader.loss(ids)
    assert targets == [4 * 5]
