"""Texts become tensors, and reviews of like length travel together; none is lost and none comes twice."""

import copy
from itertools import pairwise

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers.processors import ByteLevel
from torch.utils.data import DataLoader

from bertnotes.batching import (
    BucketedBatches,
    TextClassificationDataset,
    evaluation_loader,
    foreign,
    mean_by_text,
    notices,
    shorten,
    token_rows,
    training_loader,
    unreadable,
    windows,
)
from bertnotes.models import load_tokenizer
from bertnotes.tables import well_formed

TEXTS = ["great film", "a", "it is not too bad , is it ?", "bad bad bad", "the worst of the worst film " * 5]
LABELS = [1, 1, 1, 0, 0]
TOKENS = [4, 3, 11, 5, 16]  # with [CLS] and [SEP], cut at 16


@pytest.fixture(scope="module")
def tokenizer(tiny_checkpoint):
    return load_tokenizer(tiny_checkpoint)


@pytest.fixture
def dataset(tokenizer):
    return TextClassificationDataset(TEXTS, LABELS, tokenizer, 16)


# ---- one review ----


def test_an_item_is_padded_to_max_length(dataset, tokenizer):
    """[CLS] and [SEP] around it, [PAD] behind it, the mask 1 on what is no padding; the label a scalar."""
    item = dataset[0]
    assert {name: (tuple(value.shape), value.dtype) for name, value in item.items()} == {
        "input_ids": ((16,), torch.int64),
        "attention_mask": ((16,), torch.int64),
        "label": ((), torch.int64),
    }
    assert tokenizer.convert_ids_to_tokens(item["input_ids"]) == ["[CLS]", "great", "film", "[SEP]"] + ["[PAD]"] * 12
    assert item["attention_mask"].tolist() == [1] * 4 + [0] * 12
    assert item["label"] == 1 and dataset[-2]["label"] == 0


def test_a_long_review_is_cut_and_closed(dataset, tokenizer):
    """max_length counts [CLS] and [SEP]."""
    ids = dataset[4]["input_ids"].tolist()
    assert len(ids) == 16 and ids[0] == tokenizer.cls_token_id and ids[-1] == tokenizer.sep_token_id
    assert dataset.lengths() == TOKENS


@pytest.mark.parametrize(
    ("truncation", "kept"),
    [("head", [0, 1, 2, 3, 4, 9]), ("tail", [0, 5, 6, 7, 8, 9]), ("head+tail", [0, 1, 6, 7, 8, 9])],
)
def test_which_part_of_a_long_review_stays(truncation, kept):
    """Between the two ends: the beginning, the end, or a quarter of the room for the one and the rest for the other."""
    assert shorten(list(range(10)), 6, truncation) == kept
    assert shorten(list(range(6)), 6, truncation) == list(range(6))


@given(st.integers(2, 40), st.integers(3, 40), st.sampled_from(["head", "tail", "head+tail"]))
def test_what_stays_is_as_long_as_it_may_be_and_in_order(length, max_length, truncation):
    ids = list(range(length))
    kept = shorten(ids, max_length, truncation)
    assert len(kept) == min(length, max_length) and kept == sorted(set(kept)) and set(kept) <= set(ids)
    assert (kept[0], kept[-1]) == (0, length - 1)


def test_the_head_is_what_the_tokenizer_itself_would_leave(tokenizer):
    dataset = TextClassificationDataset(TEXTS, LABELS, tokenizer, 7)
    assert dataset.ids == tokenizer(TEXTS, truncation=True, max_length=7)["input_ids"]


def test_a_dataset_keeps_the_part_that_was_asked_for(tokenizer):
    text = "great film " + "bad " * 60 + "good cast ."  # longer than the model can read
    for truncation, first, last in (("head", "great", "bad"), ("tail", "bad", "."), ("head+tail", "great", ".")):
        ids = TextClassificationDataset([text], [1], tokenizer, 14, truncation).ids[0]
        tokens = tokenizer.convert_ids_to_tokens(ids)
        assert (len(tokens), tokens[1], tokens[-2]) == (14, first, last)


def test_no_such_part(tokenizer):
    with pytest.raises(ValueError, match='"head", "tail" or "head\\+tail", or all of it in "windows"; got \'middle\''):
        TextClassificationDataset(["good"], [1], tokenizer, 16, truncation="middle")


def test_columns_of_a_table_will_do(tokenizer):
    """pandas counts its rows otherwise after a split."""
    table = pd.DataFrame({"text": TEXTS, "label": LABELS}).iloc[[4, 0]]
    dataset = TextClassificationDataset(table["text"], table["label"], tokenizer, 16)
    assert [item["label"].item() for item in (dataset[0], dataset[1])] == [0, 1] and dataset.lengths() == [16, 4]


def test_tokenising_is_silent(tokenizer, capfd):
    """No advice from transformers on the page."""
    texts = [*TEXTS[:-1], "bad " * 60]  # one of them longer than the model can read
    next(iter(DataLoader(TextClassificationDataset(texts, LABELS, tokenizer, 16), batch_size=2)))
    assert capfd.readouterr() == ("", "")


# ---- windows ----


def test_windows_by_hand():
    """Room for six words, three of which the next window has too; the last window ends where the text does."""
    text = ["[CLS]", *"abcdefghijk", "[SEP]"]
    assert ["".join(window[1:-1]) for window in windows(text, 8)] == ["abcdef", "defghi", "fghijk"]
    assert {(window[0], window[-1]) for window in windows(text, 8)} == {("[CLS]", "[SEP]")}


@pytest.mark.parametrize(
    ("text", "max_length", "expected"),
    [
        ("abcdefghi", 8, ["abcdef", "defghi"]),  # the second begins at half and ends with the text
        ("abcdefg", 8, ["abcdef", "bcdefg"]),  # one word too many
        ("abcdef", 8, ["abcdef"]),  # it fits
        ("abcd", 3, ["a", "b", "c", "d"]),  # half of one word is none, so that windows of one do not overlap
        ("abcdefgh", 7, ["abcde", "cdefg", "defgh"]),  # half of five is two
    ],
)
def test_windows_of_a_known_text(text, max_length, expected):
    assert ["".join(window[1:-1]) for window in windows(["<", *text, ">"], max_length)] == expected


@given(st.integers(2, 90), st.integers(3, 40))
def test_windows_lose_no_word_and_overlap_by_half(length, max_length):
    """Every word is in one; each window is full and begins after the one before, by half a window at most."""
    ids = list(range(length))
    found = windows(ids, max_length)
    assert sorted({word for window in found for word in window}) == ids
    assert all((len(window), window[0], window[-1]) == (min(length, max_length), 0, length - 1) for window in found)
    starts, room = [window[1] for window in found], max_length - 2
    assert all(0 < later - earlier <= max(1, room // 2) for earlier, later in pairwise(starts))


LONG = "great film " + "bad " * 19 + "good cast ."  # 24 words: windows of 12 begin at 0, 6 and 12


def test_a_dataset_of_windows(tokenizer):
    """A row a window, with the label of its text and the text's number; of texts that fit nothing changes but that number."""
    texts, labels = [TEXTS[0], LONG, TEXTS[1], LONG], [1, 0, 1, 1]
    dataset = TextClassificationDataset(texts, labels, tokenizer, 14, "windows")
    whole = tokenizer(LONG)["input_ids"]
    assert dataset.ids == [
        tokenizer(TEXTS[0])["input_ids"],
        *windows(whole, 14),
        tokenizer("a")["input_ids"],
        *windows(whole, 14),
    ]
    assert dataset.text_of == [0, 1, 1, 1, 2, 3, 3, 3] and dataset.labels == [1, 0, 0, 0, 1, 1, 1, 1] and len(dataset) == 8
    batch = next(iter(DataLoader(dataset, batch_size=8)))
    assert batch["text"].tolist() == dataset.text_of and batch["label"].tolist() == dataset.labels
    assert dataset[2]["text"] == 1 and dataset[2]["input_ids"].shape == (14,)


def test_where_all_fits_windows_are_heads(tokenizer):
    one, other = (TextClassificationDataset(TEXTS, LABELS, tokenizer, 48, truncation) for truncation in ("windows", "head"))
    assert (one.ids, one.labels, one.text_of) == (other.ids, other.labels, list(range(5)))
    assert "text" not in other[0]


def test_the_mean_over_the_rows_of_a_text():
    """Texts in the order in which they first appear; one with a single row keeps it to the last bit."""
    values = torch.tensor([[1.0, 2.0], [0.1, 0.3], [3.0, 4.0], [8.0, 0.0]])
    found = mean_by_text(values, torch.tensor([5, 2, 5, 5]))
    assert torch.equal(found, torch.tensor([[4.0, 2.0], [0.1, 0.3]]))


# ---- batches ----


def test_a_batch_is_padded_to_its_longest(dataset):
    """A plain DataLoader, as in the original script, gets no more padding than it needs, and the same rows."""
    batches = list(DataLoader(dataset, batch_size=2))
    assert [tuple(batch["input_ids"].shape) for batch in batches] == [(2, 4), (2, 11), (1, 16)]
    for number, batch in enumerate(batches):
        for row in range(len(batch["label"])):
            item, width = dataset[2 * number + row], batch["input_ids"].shape[1]
            assert torch.equal(batch["input_ids"][row], item["input_ids"][:width])
            assert torch.equal(batch["attention_mask"][row], item["attention_mask"][:width])
            assert not item["attention_mask"][width:].any() and batch["label"][row] == item["label"]


def test_evaluation_goes_from_long_to_short(dataset):
    """Every review once; the sampler says which came where."""
    loader = evaluation_loader(dataset, 2)
    order, batches = loader.sampler, list(loader)
    assert order == [4, 2, 3, 0, 1] and len(loader) == 3
    assert [batch["input_ids"].shape[1] for batch in batches] == [16, 5, 3]
    assert torch.cat([batch["label"] for batch in batches]).tolist() == [LABELS[index] for index in order]


LENGTHS = st.lists(st.integers(1, 60), max_size=200)


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 9), st.integers(1, 5), st.integers(0, 3), st.integers(0, 3))
def test_every_review_is_in_one_batch(lengths, batch_size, pool, seed, epoch):
    """As many batches as announced, none too large, and the same again for the same seed and epoch."""
    batches = BucketedBatches(lengths, batch_size, seed, pool)
    batches.set_epoch(epoch)
    found = list(batches)
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    assert len(found) == len(batches) and all(0 < len(batch) <= batch_size for batch in found)
    again = BucketedBatches(lengths, batch_size, seed, pool)
    again.set_epoch(epoch)
    assert list(batches) == list(again) == found


def varied_lengths(count=1000):
    return torch.randint(10, 250, (count,), generator=torch.Generator().manual_seed(1)).tolist()


def test_epoch_and_seed_change_the_batches():
    """Not their order alone: other reviews meet."""
    found = set()
    for seed, epoch in ((42, 0), (42, 1), (43, 0), (43, 1)):
        batches = BucketedBatches(varied_lengths(), 16, seed, pool=10)
        batches.set_epoch(epoch)
        found.add(frozenset(frozenset(batch) for batch in batches))
    assert len(found) == 4


def padded(batches, lengths):
    """Positions that are computed: each batch as wide as its longest review."""
    return sum(len(batch) * max(lengths[index] for index in batch) for batch in batches)


def test_bucketing_saves_padding():
    """Random batches of 16 compute at least 1.6 times the tokens here; bucketed ones at most 1.1 times."""
    lengths = varied_lengths()
    order = torch.randperm(len(lengths)).tolist()
    assert padded([order[at : at + 16] for at in range(0, len(order), 16)], lengths) > 1.6 * sum(lengths)
    assert padded(BucketedBatches(lengths, 16), lengths) < 1.1 * sum(lengths)


def test_batches_come_in_random_order():
    """From short to long would teach short reviews first."""
    lengths = varied_lengths()
    widths = torch.tensor([max(lengths[index] for index in batch) for batch in BucketedBatches(lengths, 16)], dtype=torch.float)
    assert torch.corrcoef(torch.stack([widths, torch.arange(len(widths)).float()]))[0, 1].abs() < 0.4


def test_training_loader(dataset):
    """Bucketed batches of the dataset's items."""
    loader = training_loader(dataset, 2, seed=1)
    batches = list(loader)
    assert len(batches) == len(loader) == 3
    assert sorted(torch.cat([batch["attention_mask"].sum(-1) for batch in batches]).tolist()) == sorted(TOKENS)


# ---- what may be wrong ----


@pytest.mark.parametrize("text", ["", " \n", None, 3.5, ["good"]])
def test_a_text_that_is_no_review(tokenizer, text):
    """The error names its row and shows it."""
    with pytest.raises(ValueError, match=r"text 1 is no review: .*; expected a non-empty string"):
        TextClassificationDataset(["good", text], [1, 0], tokenizer, 16)


@pytest.mark.parametrize("label", [0.5, None, "1", float("nan")])
def test_a_label_that_is_no_whole_number(tokenizer, label):
    """Half a label would have been class 0."""
    with pytest.raises(ValueError, match=rf"label 1 is {label!r}; a label is a whole number, the place of its class, from 0"):
        TextClassificationDataset(["good", "bad"], [1, label], tokenizer, 16)


def test_one_text_is_no_list_of_letters(tokenizer):
    for read in (
        lambda text: TextClassificationDataset(text, [0] * 4, tokenizer, 16),
        lambda text: token_rows(text, tokenizer, 16),
    ):
        with pytest.raises(ValueError, match=r"got 'good': give \[text\]"):
            read("good")


def test_texts_and_labels_differ_in_number(tokenizer):
    """Both numbers stand in the error."""
    with pytest.raises(ValueError, match="got 2 texts and 3 labels"):
        TextClassificationDataset(["good", "bad"], [1, 0, 1], tokenizer, 16)


@pytest.mark.parametrize("max_length", [-1, 0, 2, 49, 512])
def test_max_length_out_of_range(tokenizer, max_length):
    """The error names the model's limit and what was asked."""
    with pytest.raises(ValueError, match=f"this model has 48 positions; got {max_length}, expected 3 to 48"):
        TextClassificationDataset(["good"], [1], tokenizer, max_length)


def test_half_of_a_surrogate_pair_is_replaced_and_a_whole_pair_is_a_letter(tiny_checkpoint):
    """As they come from JSON, PDF or a terminal in Latin-1."""
    assert well_formed("a \ud83d b \udce9 \ud83d\ude00") == "a \ufffd b \ufffd \U0001f600"
    tokenizer = load_tokenizer(str(tiny_checkpoint))
    assert token_rows(["a \ud83d film"], tokenizer, 16) == token_rows(["a \ufffd film"], tokenizer, 16)


def test_texts_of_which_nothing_is_left_and_texts_of_which_nothing_is_known(tokenizer):
    """A zero-width space, a lone accent; letters and signs that the vocabulary lacks. A sign that it has is read."""
    texts = ["a film", "\u200b", "\u0301 \ufeff", "\u6f22 \u5b57", "!", "\u2603", "a \u6f22", ""]
    assert unreadable(texts, tokenizer) == [1, 2, 7]
    assert foreign(texts, tokenizer) == [3, 5]
    with pytest.raises(ValueError, match=r"text 1 is no review: of '\\u200b' the tokenizer leaves nothing"):
        token_rows(texts[:-1], tokenizer, 16)


def test_words_of_another_language_and_what_is_cut_are_told():
    """By mini's tokenizer: German falls into two pieces a word, English into little more than one, and a name into several."""
    tokenizer = load_tokenizer()
    german = ["Ich hätte gern mein Geld zurück, die Vorstellung ist ausgefallen.", "Ist der Eingang barrierefrei?"]
    english = ["Is the thermos flask still there? Dented.", "can u refund klarna", "whens the next marathon", "Toshiro Mifune!"]
    assert foreign([*german, *english, "漢字仮名交じり文"], tokenizer) == [0, 1, 6]
    told = list(notices([*german, *english, "a long one " * 40], tokenizer, 64, "head"))
    assert "(another language?): 2; bert-base-multilingual-cased" in told[0]
    assert told[1] == "1 of 7 texts have more than 64 tokens and are cut; --truncation windows reads all"
    assert list(notices(["a long one " * 40], tokenizer, 64, "windows")) == list(notices(english, tokenizer, 64, "head")) == []


def test_a_tokenizer_that_puts_nothing_around_a_text(tokenizer):
    """As GPT-2's: what is cut would lose other tokens than transformers cuts."""
    bare = copy.deepcopy(tokenizer)
    bare.backend_tokenizer.post_processor = ByteLevel()
    with pytest.raises(
        ValueError, match=r"a text stands between two tokens, such as \[CLS\] and \[SEP\]; BertTokenizer has \[\]"
    ):
        token_rows(["a film"], bare, 16)
