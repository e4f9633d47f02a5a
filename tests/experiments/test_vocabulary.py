"""A vocabulary cut to what texts need, and an encoder that keeps only the rows of those pieces."""

from collections import Counter

import pytest
import torch
from tokenizers import Tokenizer
from torch.testing import assert_close

from bertnotes.experiments.vocabulary import choose_pieces, count_pieces, trim_tokenizer
from bertnotes.models import load_tokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CHARACTERS = [*"ai.,!?'-bcdefg", "##s", "##a", "##b", "##c", "##d", "##e"]  # of the tiny vocabulary
TEXTS = ["good film , good cast", "a good bad film", "bad bad bad"]  # those that the fixture `trimmed` counted


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


def test_a_trimmed_tokenizer_reads_capitals_as_before(tokenizer, tmp_path):
    """Also once it was saved: that of a cased model keeps them."""
    pieces = {piece: number for number, piece in enumerate([*SPECIAL, "Good", "good"])}
    cased = type(tokenizer)(vocab=pieces, do_lower_case=False, model_max_length=48)
    trim_tokenizer(cased, range(len(pieces))).save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    assert load_tokenizer(tmp_path).tokenize("Good good") == ["Good", "good"]


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
