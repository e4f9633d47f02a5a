"""The steps before pre-training: a smaller vocabulary, rows without padding, masks, and the score of a guess."""

import json
import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from torch.nn import functional
from torch.testing import assert_close

from bertnotes.models import load_encoder, load_tokenizer
from bertnotes.pretraining import (
    IGNORED,
    batches,
    choose_pieces,
    choose_texts,
    count_pieces,
    evaluate_guesses,
    guess,
    learning_rate_factor,
    load_state,
    mask_tokens,
    pack,
    pretrain,
    pretraining_optimizer,
    save_masked_language_model,
    save_state,
    training_step,
    trim_encoder,
    trim_tokenizer,
)

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CHARACTERS = [*"ai.,!?'-bcdefg", "##s", "##a", "##b", "##c", "##d", "##e"]  # of the tiny vocabulary
TEXTS = ["good film , good cast", "a good bad film", "bad bad bad"]


@pytest.fixture(scope="module")
def tokenizer(tiny_checkpoint):
    return load_tokenizer(tiny_checkpoint)


@pytest.fixture(scope="module")
def trimmed(tokenizer):
    """(kept ids, tokenizer) with the special tokens, the characters and seven words."""
    counts = count_pieces(tokenizer, TEXTS)
    kept = choose_pieces(tokenizer, counts, len(SPECIAL) + len(CHARACTERS) + 7, keep_words=["the", "is", "story", "unknown"])
    return kept, trim_tokenizer(tokenizer, kept)


@pytest.fixture(scope="module")
def encoder(tiny_checkpoint):
    return load_encoder(tiny_checkpoint)


@pytest.fixture(scope="module")
def masked_model(encoder, trimmed):
    """A masked language model on the trimmed vocabulary."""
    torch.manual_seed(0)
    return trim_encoder(encoder, trimmed[0]).eval()


# ---- a smaller vocabulary ----


def test_count_pieces(tokenizer):
    """Every piece of every text, special tokens left out, however many texts go at once."""
    expected = Counter("good film , good cast a good bad film bad bad bad".split())
    for batch_size in (1, 2, 1000):
        counts = count_pieces(tokenizer, TEXTS, batch_size)
        assert {tokenizer.convert_ids_to_tokens(piece): count for piece, count in counts.items()} == expected


def test_choose_pieces_keeps_what_must_stay_then_the_frequent(tokenizer, trimmed):
    """Special tokens, characters and asked-for words whatever their count; then bad (4 times), good (3), film (2), cast (1)."""
    kept = trimmed[0]
    assert kept == sorted(set(kept))
    words = set(tokenizer.convert_ids_to_tokens(kept)) - set(SPECIAL) - set(CHARACTERS)
    assert words == {"the", "is", "story", "bad", "good", "film", "cast"} and len(kept) == len(SPECIAL + CHARACTERS) + 7
    fewer = choose_pieces(tokenizer, count_pieces(tokenizer, TEXTS), len(SPECIAL) + len(CHARACTERS) + 2)
    assert set(tokenizer.convert_ids_to_tokens(fewer)) == {*SPECIAL, *CHARACTERS, "bad", "good"}


@pytest.mark.parametrize(("size", "given"), [(10, 25), (60, 29)])
def test_choose_pieces_of_an_impossible_size(tokenizer, size, given):
    """Fewer than must stay, or more than the texts have."""
    with pytest.raises(ValueError, match=f"a vocabulary of {size} pieces was asked for, but .* give {given}"):
        choose_pieces(tokenizer, count_pieces(tokenizer, TEXTS), size)


def test_trimmed_ids_are_contiguous_and_in_order(tokenizer, trimmed):
    """The new id of a piece is its place among the kept ones."""
    kept, small = trimmed
    assert small.convert_ids_to_tokens(range(len(kept))) == tokenizer.convert_ids_to_tokens(kept)
    assert len(small) == len(kept) == len(small.get_vocab())


def test_trimmed_special_tokens_have_their_new_ids(trimmed, tokenizer):
    """Also those that are put around every text, by a template that holds ids of its own."""
    kept, small = trimmed
    assert small.all_special_tokens == tokenizer.all_special_tokens
    for token in SPECIAL:
        assert small.convert_tokens_to_ids(token) == kept.index(tokenizer.convert_tokens_to_ids(token))
    assert small.convert_ids_to_tokens(small("good", "bad")["input_ids"]) == ["[CLS]", "good", "[SEP]", "bad", "[SEP]"]
    assert small("good", "bad")["token_type_ids"] == [0, 0, 0, 1, 1]
    assert small.model_max_length == tokenizer.model_max_length


def test_special_tokens_move_where_they_stood_last(tokenizer):
    """The ids of the tiny vocabulary begin with the special tokens, as BERT's do not: 101 is its [CLS]."""
    pieces = {piece: number for number, piece in enumerate(reversed(tokenizer.convert_ids_to_tokens(range(len(tokenizer)))))}
    turned = type(tokenizer)(vocab=pieces, do_lower_case=True, model_max_length=48)
    kept = sorted(pieces[piece] for piece in [*SPECIAL, "good", "bad"])
    small = trim_tokenizer(turned, kept)
    assert small.convert_ids_to_tokens(small("good [MASK]")["input_ids"]) == ["[CLS]", "good", "[MASK]", "[SEP]"]
    assert [small.pad_token_id, small.unk_token_id, small.cls_token_id, small.sep_token_id] == [6, 5, 4, 3]
    assert small.mask_token_id == 2 and small.convert_tokens_to_ids(SPECIAL) == [6, 5, 4, 3, 2]


def test_kept_words_stay_whole_and_dropped_ones_fall_to_pieces(tokenizer, trimmed):
    """What was tokenised into kept pieces still is; "dad" is spelled; what cannot be spelled is [UNK]."""
    small = trimmed[1]
    for text in ("The story is good, the cast is BAD!", "[CLS] good [MASK]"):
        assert small.tokenize(text) == tokenizer.tokenize(text)
    assert tokenizer.tokenize("dull bad") == ["dull", "bad"]
    assert small.tokenize("dull bad") == ["[UNK]", "bad"]  # the tiny vocabulary has no ##u
    assert small.tokenize("beds") == ["b", "##e", "##d", "##s"]


def test_trimming_a_real_vocabulary(minilm_folder):
    """Every English word can still be spelled, pieces keep their order, and kept words their single piece."""
    tokenizer = load_tokenizer(minilm_folder)
    texts = ["The film was preposterously long.", "Ein Café, naïve – 10/10!"]
    kept = choose_pieces(tokenizer, count_pieces(tokenizer, texts), 156, keep_words=["umbrella", "paris"])
    small = trim_tokenizer(tokenizer, kept)
    assert small.tokenize("The umbrella, in Paris.") == ["the", "umbrella", ",", "i", "##n", "paris", "."]
    assert "".join(small.tokenize("Quixotic!")).replace("##", "") == "quixotic!"
    for text in texts:
        assert small.tokenize(text) == tokenizer.tokenize(text)
        assert [kept[number] for number in small(text)["input_ids"]] == tokenizer(text)["input_ids"]


def test_trimmed_tokenizer_comes_back_from_the_disk(trimmed, tmp_path):
    """As load_tokenizer reads it."""
    small = trimmed[1]
    small.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    text = "the story is bad [MASK] xyz"
    assert load_tokenizer(tmp_path)(text)["input_ids"] == small(text)["input_ids"]
    assert load_tokenizer(tmp_path).all_special_ids == small.all_special_ids
    alone = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))  # as other programs read it
    assert alone.encode(text).ids == small(text)["input_ids"]


def test_trimmed_encoder_says_the_same_of_kept_ids(encoder, masked_model, trimmed):
    """Hidden states and pooled output are those of the whole encoder; the decoder is the word embedding itself."""
    kept = trimmed[0]
    ids = torch.randint(len(kept), (3, 9))
    with torch.inference_mode():
        ours, theirs = masked_model.bert(ids), encoder(torch.tensor(kept)[ids])
    assert_close(ours.last_hidden_state, theirs.last_hidden_state)
    assert_close(ours.pooler_output, theirs.pooler_output)
    embedding = masked_model.bert.embeddings.word_embeddings.weight
    assert masked_model.cls.predictions.decoder.weight is embedding and embedding.shape == (len(kept), 24)
    assert masked_model(ids).logits.shape == (3, 9, len(kept)) and masked_model.config.vocab_size == len(kept)


def test_trimming_leaves_the_encoder_alone(encoder, masked_model, trimmed):
    """The new model has its own weights, of which the head's transform is the identity."""
    assert encoder.config.vocab_size == encoder.embeddings.word_embeddings.weight.shape[0] > len(trimmed[0])
    theirs = {weight.data_ptr() for weight in encoder.parameters()}
    assert not theirs & {weight.data_ptr() for weight in masked_model.parameters()}
    transform = masked_model.cls.predictions.transform.dense
    assert torch.equal(transform.weight, torch.eye(24)) and not transform.bias.any()


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


@pytest.mark.parametrize(("progress", "factor"), [(0, 0), (0.05, 0.5), (0.1, 1), (0.55, 0.5), (1, 0), (1.2, 0)])
def test_learning_rate_goes_up_and_down_in_lines(progress, factor):
    """Also past the end it is never negative."""
    assert learning_rate_factor(progress, warmup=0.1) == pytest.approx(factor)


# ---- the run ----


def test_texts_are_held_out_cleanly():
    """Nothing held out is trained on, not even as a copy or with a label; every other text is there once."""
    labelled, unlabelled = ["a", "b", "a"], ["c", "b", "d", "c", "e", "f"]
    texts, held_out = choose_texts(labelled, unlabelled, held_out=2)
    assert len(held_out) == 2 and set(held_out) <= {"c", "d", "e", "f"}
    assert sorted(texts + held_out) == ["a", "b", "c", "d", "e", "f"]
    assert choose_texts(labelled, unlabelled, held_out=2) == (texts, held_out)
    with pytest.raises(ValueError, match="hold out 4 of 4"):
        choose_texts(labelled, unlabelled, held_out=4)


def test_batches_can_be_taken_up_anywhere():
    """From any step on they are those of the uninterrupted run, and each pass shows every row once."""
    rows = torch.arange(12).view(6, 2)
    stream = batches(rows, 2, seed=0)
    whole = [next(stream) for _ in range(9)]
    for start in (0, 2, 3, 7):
        for expected, (step, batch, generator) in zip(whole[start:], batches(rows, 2, 0, start), strict=False):
            assert step == expected[0] and torch.equal(batch, expected[1])
            assert generator.initial_seed() == expected[2].initial_seed()
    for first in (0, 3, 6):
        assert sorted(torch.cat([batch for _, batch, _ in whole[first : first + 3]])[:, 0].tolist()) == rows[:, 0].tolist()
    assert not torch.equal(whole[0][1], whole[3][1]) or not torch.equal(whole[1][1], whole[4][1])


def test_a_state_comes_back_whole(encoder, trimmed, tmp_path):
    """A step after saving and loading gives the same weights, to the last bit, as the step without."""
    rows = torch.randint(5, len(trimmed[1]), (4, 12))
    models = [trim_encoder(encoder, trimmed[0]).eval() for _ in range(2)]
    optimizers = [pretraining_optimizer(model, 1e-2) for model in models]

    def step(which, seed):
        training_step(models[which], optimizers[which], rows, trimmed[1], 0.5, torch.Generator().manual_seed(seed))

    step(0, 1)
    save_state(tmp_path / "state.safetensors", models[0], optimizers[0], {"step": 1})
    assert load_state(tmp_path / "state.safetensors", models[1], optimizers[1]) == {"step": 1}
    step(0, 2)
    step(1, 2)
    for name, weight in models[0].named_parameters():
        assert torch.equal(weight, models[1].get_parameter(name)), name


def test_a_gradient_that_is_no_number_stops_before_the_weights(masked_model, trimmed):
    """One clear error, and the weights as they were."""
    optimizer = pretraining_optimizer(masked_model, 1e-2)
    rows = torch.randint(5, len(trimmed[1]), (4, 12))
    bias = masked_model.cls.predictions.bias
    with torch.no_grad():
        before = bias.clone()
        bias.fill_(float("nan"))
    with pytest.raises(ValueError, match="norm is nan"):
        training_step(masked_model, optimizer, rows, trimmed[1], 0.5, torch.Generator().manual_seed(0))
    with torch.no_grad():
        bias.copy_(before)
    masked_model.zero_grad()


def test_pretraining_learns_and_goes_on(encoder, trimmed, tmp_path):
    """Held-out loss falls; a second call goes on where the first one stopped; what is saved loads as an encoder."""
    rows = pack(trimmed[1], ["bad good film , cast a"] * 40, length=12)
    model = trim_encoder(encoder, trimmed[0]).eval()
    first = pretrain(model, trimmed[1], rows, rows[:4], tmp_path, minutes=0.02, learning_rate=1e-2, batch_size=4)
    start = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])
    assert first["held_out_loss"] < start["held_out_loss"] and start["tokens"] == 0
    second = pretrain(model, trimmed[1], rows, rows[:4], tmp_path, minutes=0.03, learning_rate=1e-2, batch_size=4)
    assert second["tokens"] > first["tokens"] and second["minutes"] >= 0.03
    save_masked_language_model(model, trimmed[1], tmp_path)
    loaded = load_encoder(tmp_path)
    assert loaded.config.hidden_dropout_prob == 0.1 and loaded.dtype == torch.float32
    assert_close(loaded.get_input_embeddings().weight, model.bert.get_input_embeddings().weight.float())
