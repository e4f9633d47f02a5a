"""The toy translator: rows said as German says them, one mask between the two kinds, and a loss by hand."""

import math

import pytest
import torch

from bertnotes import translator
from bertnotes.translator import GO, LONGEST, PADDING, VOCABULARY, Translator


def test_rows_are_said_as_german_says_them():
    digits, words = translator.make_rows(300, seed=0)
    assert digits.shape == (300, 2 * LONGEST) and words.shape == (300, 3 * LONGEST)
    for row, spoken in zip(digits.tolist(), words.tolist(), strict=True):
        numbers = [10 * tens + ones for tens, ones in zip(row[::2], row[1::2], strict=True) if tens]
        assert translator.say(numbers) == [VOCABULARY[word] for word in spoken if word != PADDING]
        assert row == [*(int(digit) for number in numbers for digit in str(number)), *[PADDING] * (len(row) - 2 * len(numbers))]
    lengths = (digits != PADDING).sum(dim=1)
    assert set(lengths.tolist()) == set(range(2, 2 * LONGEST + 1, 2))
    assert (translator.make_rows(9, seed=1, length=3)[0] != PADDING).sum(dim=1).eq(6).all()


@pytest.mark.parametrize("number", [20, 7, 30, 100])
def test_a_number_that_cannot_be_said_is_named(number):
    with pytest.raises(ValueError, match=f"got {number}"):
        translator.say([21, number])


@pytest.mark.parametrize("number", [20, 17])
def test_what_cannot_be_said_is_not_translated_either(number):
    with pytest.raises(ValueError, match=f"got {number}"):
        translator.translate(Translator(size=16), torch.tensor([[2, 1, *divmod(number, 10)]]))


def test_an_epoch_has_every_row_once_in_another_order():
    digits, words = translator.make_rows(100, seed=0)
    parts = list(translator.batches(digits, words, size=32, seed=1))
    assert [len(part) for part, _ in parts] == [32, 32, 32, 4]
    met = torch.cat([torch.cat(part, dim=1) for part in parts])
    assert sorted(met.tolist()) == sorted(torch.cat([digits, words], dim=1).tolist()) and not met[:, :12].equal(digits)


def test_new_rows_are_new():
    known, _ = translator.make_rows(60, seed=0, length=1)
    digits, words = translator.new_rows(200, seed=1, length=1, known=known)
    assert 0 < len(digits) < 200 and len(digits) == len(words)
    assert not {tuple(row) for row in digits.tolist()} & {tuple(row) for row in known.tolist()}


def test_shifted_by_hand():
    assert translator.shifted(torch.tensor([[3, 2, 12], [4, 2, 13]])).tolist() == [[GO, 3, 2], [GO, 4, 2]]


def test_both_kinds_start_alike_and_differ_in_what_they_see():
    torch.manual_seed(0)
    every = Translator("all")
    last = Translator("last")
    last.load_state_dict(every.state_dict())
    digits, words = translator.make_rows(20, seed=0)
    for model, seen in ((every, (digits != PADDING).sum(dim=1)), (last, torch.ones(20))):
        _, weights = model(digits, translator.shifted(words))
        assert weights.shape == (20, 18, 12) and torch.allclose(weights.sum(dim=-1), torch.ones(20, 18))
        assert (weights[:, 0] > 0).sum(dim=-1).equal(seen.long()) and weights[
            digits[:, None].expand_as(weights) == 0
        ].sum() == 0
    one_number = digits[:, 1:2]  # one digit: there is one memory, so all and last are the same
    assert torch.allclose(every(one_number, words)[0], last(one_number, words)[0], atol=1e-6)
    with pytest.raises(ValueError, match="got 'none'"):
        Translator("none")


@pytest.mark.parametrize("looks_at", ["all", "last"])
def test_padding_changes_nothing(looks_at):
    torch.manual_seed(0)
    model, (digits, words) = Translator(looks_at), translator.make_rows(5, seed=0, length=2)
    short = model(digits[:, :4], words[:, :6])[0]
    assert torch.allclose(short, model(digits, words)[0][:, :6], atol=1e-6)


def test_the_loss_of_a_model_that_knows_nothing():
    model, (digits, words) = Translator(), translator.make_rows(5, seed=0)
    torch.nn.init.zeros_(model.score.weight)
    torch.nn.init.zeros_(model.score.bias)
    assert translator.word_loss(model, digits, words).item() == pytest.approx(math.log(len(VOCABULARY)), rel=1e-5)


def test_a_word_is_not_told_what_it_is():
    """Teacher forcing shows the words before: scores for a word do not change with the word itself."""
    torch.manual_seed(0)
    model, (digits, words) = Translator(), translator.make_rows(5, seed=0, length=6)
    other = words.clone()
    other[:, 7] = VOCABULARY.index("acht")
    before, after = (model(digits, translator.shifted(spoken))[0] for spoken in (words, other))
    assert torch.equal(before[:, :8], after[:, :8]) and not torch.allclose(before[:, 8], after[:, 8])


def test_a_few_steps_learn_one_number_and_translate_says_it():
    torch.manual_seed(0)
    model, (digits, words) = Translator(size=16), translator.make_rows(1, seed=0, length=2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(60):
        loss = translator.word_loss(model, digits, words)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    said, weights = translator.translate(model, digits)
    assert said.equal(words[:, :6]) and weights.shape == (1, 6, 12)
    assert translator.right_numbers(model, digits, words).tolist() == [[True, True]]
    wrong = words.clone()
    wrong[0, 5] = 5
    assert translator.right_numbers(model, digits, wrong).tolist() == [[True, False]]


def full_rows():
    """An untrained model and rows of LONGEST numbers with their words."""
    torch.manual_seed(0)
    return Translator(size=16), *translator.make_rows(8, seed=0, length=LONGEST)


def test_encode_decode_and_look_are_the_model():
    model, digits, words = full_rows()
    said = translator.shifted(words)
    memories, last = model.encode(digits)
    assert torch.equal(last, memories[:, -1])
    states = model.decode(said, start=last)
    found, weights = model.cross_attention(states, memories)
    scores, looked = model(digits, said)
    assert torch.allclose(model.score(states + found), scores) and torch.equal(weights[:, 0], looked)


def test_each_change_does_what_it_says_and_shows_the_own_weights():
    model, digits, words = full_rows()
    said = translator.shifted(words)
    memories, last = model.encode(digits)
    states, (plain, own) = model.decode(said, start=last), model(digits, said)
    mean = model.cross_attention.output(model.cross_attention.value(memories).mean(dim=1, keepdim=True))
    moved = model.cross_attention.output(own @ model.cross_attention.value(memories.roll(-2, dims=1)))
    for change, expected in (
        ("nothing", plain),
        ("cut", model.score(states)),
        ("even weights", model.score(states + mean)),
        ("next number", model.score(states + moved)),
    ):
        scores, weights = model(digits, said, change)
        assert torch.allclose(scores, expected, atol=1e-6) and torch.equal(weights, own)
    with pytest.raises(ValueError, match="got 'swap'"):
        model(digits, said, "swap")


def test_even_weights_leave_padding_out():
    torch.manual_seed(0)
    model, (digits, words) = Translator(size=16), translator.make_rows(5, seed=0, length=2)
    short = model(digits[:, :4], words[:, :6], "even weights")[0]
    assert torch.allclose(short, model(digits, words, "even weights")[0][:, :6], atol=1e-6)


def test_what_is_right_by_kind():
    model, digits, words = full_rows()
    scores = model(digits, translator.shifted(words))[0]
    right = (scores.argmax(dim=-1) == words).float().view(8, 6, 3).mean(dim=(0, 1))
    assert translator.by_kind(model, digits, words) == pytest.approx(right.tolist())


def test_training_takes_all_rows_in_steps_of_64_and_lowers_the_loss():
    torch.manual_seed(0)
    model, (digits, words) = Translator(size=16), translator.make_rows(100, seed=0)
    before = {name: table.clone() for name, table in model.state_dict().items()}
    losses = translator.train(model, digits, words, epochs=8)
    assert len(losses) == 8 * 2 and losses[-1] < losses[0] - 0.3
    model.load_state_dict(before)
    first = next(translator.batches(digits, words, 64, seed=0))
    assert losses[0] == pytest.approx(translator.word_loss(model, *first).item(), rel=1e-5)


def test_where_words_look_by_hand():
    weights = torch.zeros(1, 18, 12)
    at = [1, 0, 0] * 6  # ones at the second digit of their number, und and tens at the first
    for word, digit in enumerate(at):
        weights[0, word, 2 * (word // 3) + digit] = 1
    weights[0, 1] = torch.eye(12)[3]  # the first und: the next number
    weights[0, 7] = torch.eye(12)[0]  # the third: elsewhere
    looks = translator.looked_at(weights)
    assert looks["ones"] == [0, 1, 0, 0] and looks["tens"] == [1, 0, 0, 0]
    assert looks["und"] == pytest.approx([4 / 6, 0, 1 / 6, 1 / 6])


def test_each_number_is_right_or_not():
    model, digits, _ = full_rows()
    said, _ = translator.translate(model, digits)
    assert translator.right_numbers(model, digits, said).all() and translator.right_numbers(model, digits, said, True).all()
    wrong = said.clone()
    wrong[0, 5] = (wrong[0, 5] + 1) % 20  # the last word of the second number, in one row of eight
    right = translator.right_numbers(model, digits, wrong)
    assert right.shape == (8, 6) and right.sum() == 47 and not right[0, 1]
    scores = model(digits, translator.shifted(wrong))[0]
    fed = (scores.argmax(dim=-1) == wrong).view(8, 6, 3).all(dim=-1)
    assert translator.right_numbers(model, digits, wrong, feed_right=True).equal(fed)
    short, words = translator.make_rows(4, seed=0, length=2)
    assert translator.right_numbers(model, short, words).shape == (4, 2)
    assert translator.right_numbers(model, short, words, feed_right=True).shape == (4, 2)
