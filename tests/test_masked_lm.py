"""Rows without padding, masks 80/10/10, whole words, and the score of a guess."""

import math

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional
from torch.testing import assert_close

from bertnotes.encoder import BertEncoder
from bertnotes.files import MINI
from bertnotes.masked_lm import IGNORED, choose_texts, evaluate_guesses, guess, mask_tokens, pack, word_probabilities
from bertnotes.models import load_tokenizer

TEXTS = ["good film , good cast", "a good bad film", "bad bad bad"]

# ---- rows ----


def test_pack_lays_texts_end_to_end(tokenizer):
    """[CLS] and [SEP] at the edges of each row, [SEP] between texts, order kept, a rest that fills no row dropped."""
    rows = pack(tokenizer, TEXTS, length=8)
    assert rows.dtype == torch.int32
    assert [tokenizer.decode(row) for row in rows] == [
        "[CLS] good film, good cast [SEP] [SEP]",  # the first [SEP] ends the text, the second the row
        "[CLS] a good bad film [SEP] bad [SEP]",
    ]


def test_pack_does_not_depend_on_its_portions(tokenizer):
    """Texts are read a thousand at a time; the seam does not show."""
    texts = [f"{'good' if number % 3 else 'bad'} film" for number in range(2001)]
    stream = [token for text in texts for token in [*text.split(), "[SEP]"]]
    found = tokenizer.convert_ids_to_tokens(pack(tokenizer, texts, length=12)[:, 1:-1].flatten())
    assert found == stream[: len(found)] and len(stream) - len(found) < 10


def test_pack_too_few_texts(tokenizer):
    """The error counts what there is."""
    with pytest.raises(ValueError, match="1 texts give 3 tokens: too few for one row of 128"):
        pack(tokenizer, ["good film"])


# ---- masks ----


def test_masks_are_80_10_10(tokenizer):
    """Within five standard deviations, on forty thousand tokens."""
    ids = torch.randint(5, len(tokenizer), (400, 100))
    masked, labels = mask_tokens(ids, tokenizer, generator=torch.Generator().manual_seed(1))
    chosen = labels != IGNORED
    same, hidden = masked == ids, masked == tokenizer.mask_token_id
    by_chance = 0.1 / len(tokenizer)  # a random piece may be [MASK], or the one that stood there

    def near(found, total, share):
        return abs(found.sum().item() - share * total) < 5 * math.sqrt(total * share * (1 - share))

    total = chosen.sum().item()
    assert near(chosen, ids.numel(), 0.15)
    assert near(hidden & chosen, total, 0.8 + by_chance)
    assert near(same & chosen, total, 0.1 + by_chance)
    assert near(~hidden & ~same & chosen, total, 0.1 - 2 * by_chance)
    assert same[~chosen].all() and torch.equal(labels[chosen], ids[chosen])
    assert len(masked[chosen & ~hidden & ~same].unique()) > 0.9 * len(tokenizer)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), rate=st.floats(0.05, 0.95))
def test_special_tokens_are_never_chosen(tokenizer, seed, rate):
    """Whatever the rate; the ids that came in stay as they are."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(len(tokenizer), (4, 30), generator=generator)
    before = ids.clone()
    masked, labels = mask_tokens(ids, tokenizer, rate, generator)
    special = torch.isin(ids, torch.tensor(tokenizer.all_special_ids))
    assert (labels[special] == IGNORED).all() and torch.equal(masked[special], ids[special])
    assert torch.equal(ids, before) and masked.shape == labels.shape == ids.shape


def test_masks_go_by_the_generator(tokenizer):
    """The same seed hides the same tokens; another seed others."""
    ids = torch.randint(5, len(tokenizer), (4, 30))
    first, again, other = (mask_tokens(ids, tokenizer, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[1], other[1])


@pytest.mark.parametrize("rate", [0, 1, -0.1, 15])
def test_a_rate_that_is_no_share(tokenizer, rate):
    """15 is 15 %, but not a share."""
    with pytest.raises(ValueError, match=f"a share between 0 and 1, such as 0.15; got {rate}"):
        mask_tokens(torch.ones(1, 3, dtype=torch.long), tokenizer, rate)


def test_whole_words_are_hidden_whole(tokenizer):
    """All pieces of a word or none, about as many tokens as asked for, and never a special one."""
    generator = torch.Generator().manual_seed(0)
    words = ["good", "bad ##ly", "film ##s", "lov ##ing ##ly", "cast"]
    pieces = " ".join(["[CLS]", *words * 12, "[SEP]"]).replace("lov", "dull").split()
    ids = torch.tensor([tokenizer.convert_tokens_to_ids(pieces)] * 300)
    _, labels = mask_tokens(ids, tokenizer, 0.3, generator, whole_words=True)
    chosen = labels != IGNORED
    continues = torch.tensor([piece.startswith("##") for piece in pieces])
    assert (chosen[:, 1:] == chosen[:, :-1])[:, continues[1:]].all()
    share = chosen[:, 1:-1].float().mean().item()
    assert abs(share - 0.3) < 0.02 and not chosen[:, [0, -1]].any()
    assert not (chosen[:, 1:] == chosen[:, :-1])[:, ~continues[1:]].all()
    pieces_alone = mask_tokens(ids, tokenizer, 0.3, generator)[1] != IGNORED
    assert not (pieces_alone[:, 1:] == pieces_alone[:, :-1])[:, continues[1:]].all()


def test_a_row_may_begin_inside_a_word(tokenizer):
    """Its first piece is then a word of its own."""
    ids = torch.tensor([tokenizer.convert_tokens_to_ids(["##ly", "##ly", "good"])] * 50)
    chosen = mask_tokens(ids, tokenizer, 0.5, torch.Generator().manual_seed(0), whole_words=True)[1] != IGNORED
    assert torch.equal(chosen[:, 0], chosen[:, 1]) and not torch.equal(chosen[:, 1], chosen[:, 2])


# ---- guesses ----


def test_guess_gives_the_logits_of_chosen_positions_alone(masked_model, trimmed):
    """The same as the whole model's at those positions, in reading order."""
    ids = torch.randint(5, len(trimmed[0]), (3, 9))
    labels = torch.full_like(ids, IGNORED)
    labels[0, 4], labels[2, 1], labels[2, 8] = ids[0, 4], ids[2, 1], ids[2, 8]
    with torch.inference_mode():
        logits, targets = guess(masked_model, ids, labels)
        assert_close(logits, masked_model(ids).logits[[0, 2, 2], [4, 1, 8]])
    assert targets.tolist() == [ids[0, 4], ids[2, 1], ids[2, 8]]


def test_evaluate_guesses_equals_a_direct_computation(masked_model, trimmed):
    """Mean over all hidden tokens, not over batches, on the same masks at every call."""
    small = trimmed[1]
    rows = torch.randint(5, len(small), (7, 20), dtype=torch.int32)
    generator = torch.Generator().manual_seed(3)
    masked, labels = zip(*[mask_tokens(batch.long(), small, 0.3, generator) for batch in rows.split(2)], strict=True)
    with torch.inference_mode():
        logits = masked_model(torch.cat(masked)).logits.flatten(0, 1)
    labels = torch.cat(labels).flatten()
    expected = functional.cross_entropy(logits, labels, ignore_index=IGNORED).item()
    chosen = labels != IGNORED
    right = (logits.argmax(-1) == labels)[chosen].float().mean().item()
    for _ in range(2):
        loss, top1 = evaluate_guesses(masked_model, rows, small, rate=0.3, seed=3, batch_size=2)
        assert loss == pytest.approx(expected, abs=1e-4) and top1 == pytest.approx(right)


@pytest.mark.parametrize("training", [True, False])
def test_evaluate_guesses_leaves_the_mode_as_it_was(masked_model, trimmed, training):
    """And scores without dropout in either."""
    rows = torch.randint(5, len(trimmed[0]), (4, 20))
    expected = evaluate_guesses(masked_model.eval(), rows, trimmed[1])
    assert evaluate_guesses(masked_model.train(training), rows, trimmed[1]) == expected
    assert masked_model.training == training
    masked_model.eval()


# ---- texts ----


def test_texts_are_held_out_cleanly():
    """Nothing held out is trained on, not even as a copy or with a label; every other text is there once."""
    labelled, unlabelled = ["a", "b", "a"], ["c", "b", "d", "c", "e", "f"]
    texts, held_out = choose_texts(labelled, unlabelled, held_out=2)
    assert len(held_out) == 2 and set(held_out) <= {"c", "d", "e", "f"}
    assert sorted(texts + held_out) == ["a", "b", "c", "d", "e", "f"]
    assert choose_texts(labelled, unlabelled, held_out=2) == (texts, held_out)
    with pytest.raises(ValueError, match="hold out 4 of 4"):
        choose_texts(labelled, unlabelled, held_out=4)


def test_words_for_a_gap_have_probabilities_that_sum_to_one():
    tokenizer, model = load_tokenizer(), BertEncoder.from_pretrained()
    chances = word_probabilities("The special [MASK] are great.", model, tokenizer)
    assert chances.shape == (len(tokenizer),) and chances.sum().item() == pytest.approx(1, abs=1e-4)
    assert tokenizer.convert_ids_to_tokens(chances.argmax().item()) == "effects"
    theirs = transformers.AutoModelForMaskedLM.from_pretrained(MINI, dtype=torch.float32).eval()
    inputs = tokenizer("The special [MASK] are great.", return_tensors="pt")
    with torch.no_grad():
        logits = theirs(**inputs).logits[0, inputs["input_ids"][0] == tokenizer.mask_token_id][0]
    assert_close(chances, logits.softmax(dim=-1), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("text", ["no gap", "a [MASK] and a [MASK]", "a [mask]"])
def test_a_text_has_one_gap(text):
    with pytest.raises(ValueError, match="write one"):
        word_probabilities(text, BertEncoder.from_pretrained(), load_tokenizer())
