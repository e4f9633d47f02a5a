"""Batches: texts become tensors, and reviews of like length travel together so that little padding is computed.

Page 10 uses it; 13 measures what it saves. Half of all positions are padding when every review is padded to 512.
"""

import hashlib
import re

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from bertnotes.tables import as_pairs, as_texts, well_formed

UNBOUNDED = 2**20  # tokens of a model that has no positions of its own
WORD = re.compile(r"[\u3040-\u9fff]|\w+|[^\w\s]")  # a sign of Chinese or Japanese is about a word
FOREIGN = "texts whose words the model does not know (another language?): {}; bert-base-multilingual-cased reads 104 languages"


class TextClassificationDataset(Dataset):
    """Reviews and their labels, tokenised once and cut to max_length tokens ([CLS] and [SEP] included).

    truncation: which part of a longer review stays, "head", "tail" or "head+tail", see `shorten`; or "windows": all of it, in
    overlapping parts, see `windows`. Each window is an item then, with the label of its review, and `len` counts windows.

    An item is a dict: input_ids and attention_mask, both (max_length,), and label, a scalar; with windows also text, the number
    of the review. A DataLoader gets whole batches instead, padded to the longest review in the batch only: the result is the
    same (padding is masked), the work is less. Raises ValueError as `as_pairs` and `token_rows` do.
    """

    def __init__(self, texts, labels, tokenizer, max_length, truncation="head"):
        texts, labels = as_pairs(texts, labels)
        self.ids, self.text_of = token_rows(texts, tokenizer, max_length, truncation)
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.labels = [labels[text] for text in self.text_of]
        self.windows = truncation == "windows"

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, index: int) -> dict[str, Int[Tensor, "..."]]:
        return self.__getitems__([index], padding="max_length", max_length=self.max_length)[0]

    def __getitems__(self, indices, **padding):
        batch = {"input_ids": [self.ids[index] for index in indices], "label": [self.labels[index] for index in indices]}
        if self.windows:
            batch["text"] = [self.text_of[index] for index in indices]
        padded = self.tokenizer.pad(batch, return_tensors="pt", **padding)  # to the longest, unless told otherwise
        return [{name: rows[row] for name, rows in padded.items()} for row in range(len(indices))]

    def lengths(self):
        """Token count of each review, or window, [CLS] and [SEP] included, after truncation."""
        return [len(ids) for ids in self.ids]


def token_rows(texts, tokenizer, max_length, truncation="head"):
    """What a model reads of some texts, a row at a time: a text, cut to max_length by `shorten`, or one of its `windows`.

    Returns (ids, text_of): the ids of each row, [CLS] and [SEP] included, a list of lists of int; and for each row the number
    of its text. Texts are in order, and so are the windows of each.
    Raises ValueError where a text is empty, has no token, or is no string, max_length is out of range, there is no such part
    of a text, or the tokenizer does not put one token before and one behind a text.
    """
    texts = as_texts(texts)
    check_max_length(max_length, tokenizer.model_max_length)
    check_truncation(truncation)
    if not texts:
        return [], []
    if len(ends := tokenizer("")["input_ids"]) != 2 or [tokenizer("a")["input_ids"][end] for end in (0, -1)] != ends:
        raise ValueError(f"a text stands between two tokens, such as [CLS] and [SEP]; {type(tokenizer).__name__} has {ends}")
    if bad := unreadable(texts, tokenizer):
        raise ValueError(f"text {bad[0]} is no review: of {texts[bad[0]]!r} the tokenizer leaves nothing")
    whole = tokenizer(texts, verbose=False)["input_ids"]
    read = [windows(ids, max_length) if truncation == "windows" else [shorten(ids, max_length, truncation)] for ids in whole]
    return [row for rows in read for row in rows], [text for text, rows in enumerate(read) for _ in rows]


def unreadable(texts, tokenizer):
    """The rows of those texts of which a tokenizer leaves nothing, such as one zero-width space."""
    doubtful = [row for row, text in enumerate(texts) if not any(map(str.isalnum, text))]
    return [row for row in doubtful if not tokenizer.tokenize(well_formed(texts[row]), verbose=False)]


def foreign(texts, tokenizer):
    """The rows of those texts whose words a tokenizer does not know: most pieces are unknown, or there are 1.8 or more for each
    word and mark, five at least beyond one each. Of English, mini's tokenizer makes 1.1 to 1.2, of German 2."""
    found = tokenizer(list(map(well_formed, texts)), add_special_tokens=False, verbose=False)["input_ids"]
    unknown = [2 * ids.count(tokenizer.unk_token_id) > len(ids) for ids in found]
    words = [len(WORD.findall(text)) for text in texts]
    return [row for row, ids in enumerate(found) if unknown[row] or len(ids) - words[row] >= max(5, 0.8 * words[row])]


def notices(texts, tokenizer, max_length, truncation):
    """What a model will not know of some texts, a sentence each: strange words, and what is cut off."""
    some = texts[:: 1 + len(texts) // 2000]  # enough to tell
    if rows := foreign(some, tokenizer):
        yield FOREIGN.format(len(rows))
    if truncation != "windows" and (long := sum(len(ids) > max_length for ids in tokenizer(some, verbose=False)["input_ids"])):
        yield f"{long} of {len(some)} texts have more than {max_length} tokens and are cut; --truncation windows reads all"


def shorten(ids, max_length, truncation="head"):
    """Cut the ids of one review, [CLS] and [SEP] included, to max_length; the two ends stay.

    truncation: "head" for the beginning, "tail" for the end, where reviewers tend to sum up, or "head+tail" for both: a quarter
    of the room for the beginning, the rest for the end (Sun et al. 2019, "How to Fine-Tune BERT for Text Classification?",
    section 5.3.1).

    >>> shorten([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], max_length=6, truncation="head+tail")
    [0, 1, 6, 7, 8, 9]
    """
    if len(ids) <= max_length:
        return ids
    room = max_length - 2
    head = {"head": room, "tail": 0, "head+tail": room // 4}[truncation]
    return [*ids[: 1 + head], *ids[len(ids) - 1 - (room - head) :]]


def windows(ids, max_length):
    """The ids of one review, [CLS] and [SEP] included, as overlapping windows of max_length; each has the two ends.

    A window begins half a window after the one before, so that a word at the edge of one stands well inside another and has
    its context there; the last one ends with the review. A review that fits is its only window.

    >>> windows([0, 1, 2, 3, 4, 5, 6, 7, 9], max_length=6)
    [[0, 1, 2, 3, 4, 9], [0, 3, 4, 5, 6, 9], [0, 4, 5, 6, 7, 9]]
    """
    if len(ids) <= max_length:
        return [ids]
    room = max_length - 2
    last = len(ids) - 1 - room
    return [[ids[0], *ids[start : start + room], ids[-1]] for start in [*range(1, last, max(1, room // 2)), last]]


def mean_by_text(values: Float[Tensor, "row value"], text_of: Int[Tensor, " row"]) -> Float[Tensor, "text value"]:
    """The mean over the rows of each text, in the order in which texts first appear. text_of: for each row the text's number.

    >>> mean_by_text(torch.tensor([[1.0], [2.0], [5.0]]), torch.tensor([7, 3, 7])).tolist()
    [[3.0], [2.0]]
    """
    places = {text: place for place, text in enumerate(dict.fromkeys(text_of.tolist()))}
    index = torch.tensor([places[text] for text in text_of.tolist()])
    return torch.zeros(len(places), values.shape[1]).index_add(0, index, values) / index.bincount()[:, None]


class BucketedBatches(Sampler):
    """Batches of reviews of like length, in an order that is random and the same for the same seed and epoch.

    All reviews are shuffled, cut into pools of 50 batches, sorted by length within each pool, cut into batches, and the
    batches shuffled again: lengths match inside a batch, and which reviews meet still changes from epoch to epoch.
    Give it to a DataLoader as batch_sampler; call set_epoch before each epoch.
    """

    def __init__(self, lengths, batch_size, seed=42, pool=50):
        self.lengths, self.batch_size, self.seed, self.pool = list(lengths), batch_size, seed, pool
        self.epoch = self.start = 0

    def set_epoch(self, epoch, start=0):
        """Choose the epoch, and how many of its batches to leave out because they are done."""
        self.epoch, self.start = epoch, start

    def __len__(self):
        return -(-len(self.lengths) // self.batch_size) - self.start

    def __iter__(self):
        return iter(self.batches())

    def batches(self):
        """The indices of each batch that is left of the epoch."""
        generator = torch.Generator().manual_seed(seed_of(self.seed, "order", self.epoch))
        order = torch.randperm(len(self.lengths), generator=generator).tolist()
        size = self.batch_size * self.pool
        pools = [sorted(order[start : start + size], key=self.lengths.__getitem__) for start in range(0, len(order), size)]
        batches = [pool[start : start + self.batch_size] for pool in pools for start in range(0, len(pool), self.batch_size)]
        return [batches[index] for index in torch.randperm(len(batches), generator=generator).tolist()[self.start :]]


def seed_of(*parts):
    """A seed of 63 bits that no other parts share, such as (seed, "order", epoch): sums of them would meet sooner or later."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1


def training_loader(dataset, batch_size, seed=42):
    """A DataLoader over bucketed, shuffled batches."""
    own = torch.Generator()  # a loader draws a number for each epoch; not from the numbers that dropout uses
    return DataLoader(dataset, batch_sampler=BucketedBatches(dataset.lengths(), batch_size, seed), generator=own)


def evaluation_loader(dataset, batch_size):
    """A DataLoader from the longest to the shortest review: every review once, least padding, and each batch fits into the
    memory that the one before has freed. The order is not that of the dataset; the loader's `sampler` gives it."""
    return DataLoader(dataset, batch_size, sampler=longest_first(dataset.lengths()))


def longest_first(lengths):
    """The indices of some lengths, from the longest to the shortest; of the same length, in their order."""
    return sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)


def check_max_length(max_length, limit):
    """Raise ValueError where a model with `limit` positions cannot take max_length tokens."""
    if not 3 <= max_length <= limit:
        raise ValueError(
            f"max_length counts tokens, [CLS] and [SEP] included, and this model has {limit} positions; got {max_length}, "
            f"expected 3 to {limit}"
        )


def most_tokens(encoder):
    """How many tokens an encoder, transformers' or ours, can read: one for each of its positions. RoBERTa and its like leave
    some unused: they count positions from behind the id of padding."""
    limit = getattr(encoder.config, "max_position_embeddings", None) or 0
    for name, part in encoder.named_modules():
        if name.endswith("position_embeddings") and getattr(part, "padding_idx", None) is not None:
            limit -= part.padding_idx + 1
    return limit if limit > 0 else UNBOUNDED


def check_truncation(truncation):
    """Raise ValueError where a long review cannot be read so."""
    if truncation not in ("head", "tail", "head+tail", "windows"):
        raise ValueError(f'of a review one keeps "head", "tail" or "head+tail", or all of it in "windows"; got {truncation!r}')
