"""A toy translator, from digits to German number words, that looks back at what it read or makes do with one vector. Page 02.

An encoder reads the digits, a decoder says the words: `2 1 4 7` is *ein und zwanzig sieben und vierzig*, one and twenty, seven
and forty. Sutskever, Vinyals & Le 2014 and Cho et al. 2014 (encoder and decoder); Bahdanau, Cho & Bengio 2014 (looking back).

Axes: batch, then position. A row is up to LONGEST numbers of two digits, filled up with PADDING.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bertnotes.attention import MultiHeadAttention

ONES = "ein zwei drei vier fünf sechs sieben acht neun".split()  # 1 to 9
TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()  # 2 to 9
VOCABULARY = ["<pad>", "<go>", "und", *ONES, *TENS]
PADDING, GO, UND = 0, 1, 2
LONGEST = 6  # numbers in a row
KINDS = ("ones", "und", "tens")  # of words, in the order in which they are said
CHANGES = ("nothing", "cut", "even weights", "next number")  # of a decoder: `by_kind`

Digits = Int[Tensor, "batch digit"]  # 1 to 9, then PADDING
Words = Int[Tensor, "batch word"]  # places in VOCABULARY, then PADDING


def say(numbers) -> list[str]:
    """Numbers of two digits, none of them 0 or below 21, as German words.

    >>> say([21, 47])
    ['ein', 'und', 'zwanzig', 'sieben', 'und', 'vierzig']
    """
    for number in numbers:
        if not 21 <= number <= 99 or number % 10 == 0:
            raise ValueError(f"a number is from 21 to 99 and does not end in 0; got {number}")
    return [word for number in numbers for word in (ONES[number % 10 - 1], "und", TENS[number // 10 - 2])]


def make_rows(count: int, seed: int, length: int | None = None) -> tuple[Digits, Words]:
    """Random rows of 1 to LONGEST numbers, or of `length`: digits (count, 2 LONGEST) and their words (count, 3 LONGEST)."""
    generator = torch.Generator().manual_seed(seed)
    tens = torch.randint(2, 10, (count, LONGEST), generator=generator)
    ones = torch.randint(1, 10, (count, LONGEST), generator=generator)
    lengths = torch.randint(1, LONGEST + 1, (count, 1), generator=generator) if length is None else torch.tensor([[length]])
    there = torch.arange(LONGEST) < lengths
    words = torch.stack([ones + UND, torch.full_like(ones, UND), tens + UND + len(ONES) - 1], dim=-1)
    return (torch.stack([tens, ones], dim=-1) * there[..., None]).flatten(1), (words * there[..., None]).flatten(1)


def new_rows(count: int, seed: int, length: int | None, known: Digits) -> tuple[Digits, Words]:
    """Rows of so many numbers (None: of 1 to LONGEST), as many of `count` as are not among the known ones."""
    digits, words = make_rows(count, seed, length)
    seen = {tuple(row) for row in known.tolist()}
    new = [tuple(row) not in seen for row in digits.tolist()]
    return digits[new], words[new]


def batches(digits: Digits, words: Words, size: int, seed: int) -> Iterator[tuple[Digits, Words]]:
    """All rows once, shuffled, `size` at a time: one epoch."""
    order = torch.randperm(len(digits), generator=torch.Generator().manual_seed(seed))
    for chosen in order.split(size):
        yield digits[chosen], words[chosen]


def shifted(words: Words) -> Words:
    """The words that stand before each word: GO in front, the last one away."""
    return torch.cat([torch.full_like(words[:, :1], GO), words[:, :-1]], dim=1)


class Translator(nn.Module):
    """An encoder, a decoder, and cross-attention from the decoder's states to the encoder's memories.

    looks_at: "all" memories, one for each digit, or the "last" alone: its weight is always 1, and the same vector is found at
    every word. As in the plain variant of Luong, Pham & Manning 2015, the state after the word before asks for the next.
    forward: scores for the word that comes after each of `said`, and how each looked at the digits.
    change: what is done to the decoder, one of CHANGES. The weights that come back are the model's own all the same.
    """

    def __init__(self, looks_at: str = "all", size: int = 64):
        super().__init__()
        if looks_at not in ("all", "last"):
            raise ValueError(f'the decoder looks at "all" memories or at the "last"; got {looks_at!r}')
        self.looks_at = looks_at
        self.digit, self.word = nn.Embedding(10, size), nn.Embedding(len(VOCABULARY), size)
        self.encoder, self.decoder = nn.GRU(size, size, batch_first=True), nn.GRU(size, size, batch_first=True)
        self.cross_attention = MultiHeadAttention(size, num_heads=1)
        self.score = nn.Linear(size, len(VOCABULARY))

    def encode(self, digits: Digits) -> tuple[Float[Tensor, "batch digit size"], Float[Tensor, "batch size"]]:
        """A memory after each digit, and the last one of each row."""
        memories, _ = self.encoder(self.digit(digits))
        return memories, memories[torch.arange(len(digits)), (digits != PADDING).sum(dim=1) - 1]

    def decode(self, said: Words, start: Float[Tensor, "batch size"]) -> Float[Tensor, "batch word size"]:
        """A state after each word that was said. start: the vector that the decoder begins with."""
        return self.decoder(self.word(said), start[None])[0]

    def forward(
        self, digits: Digits, said: Words, change: str = "nothing"
    ) -> tuple[Float[Tensor, "batch word vocabulary"], Float[Tensor, "batch word digit"]]:
        if change not in CHANGES:
            raise ValueError(f"a decoder can be changed in {', '.join(CHANGES)}; got {change!r}")
        memories, last = self.encode(digits)
        states = self.decode(said, start=last)
        found, weights = self.cross_attention(states, memories, mask=self.mask(digits))
        if change == "cut":
            found = torch.zeros_like(found)
        elif change in ("even weights", "next number"):
            there = (digits != PADDING)[:, None].to(weights.dtype)
            even = (there / there.sum(dim=-1, keepdim=True)).expand_as(weights[:, 0])
            values = self.cross_attention.value(memories)
            found = self.cross_attention.output((even if change == "even weights" else weights[:, 0].roll(2, dims=-1)) @ values)
        return self.score(states + found), weights[:, 0]

    def mask(self, digits: Digits) -> Bool[Tensor, "batch 1 1 digit"]:
        """What the decoder may look at: True where a memory may be seen."""
        place, end = torch.arange(digits.shape[1]), (digits != PADDING).sum(dim=1, keepdim=True) - 1
        return (place <= end if self.looks_at == "all" else place == end)[:, None, None]


def word_loss(model: Translator, digits: Digits, words: Words) -> Float[Tensor, ""]:
    """The mean cross-entropy of the right words, in nats, with teacher forcing; padding does not count."""
    scores, _ = model(digits, shifted(words))
    return cross_entropy(scores.flatten(0, 1), words.flatten(), ignore_index=PADDING)


def train(model: Translator, digits: Digits, words: Words, epochs: int = 4) -> list[float]:
    """Train with teacher forcing, 64 rows a step, at a learning rate that falls to 0: the loss of every step."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    steps = [batch for epoch in range(epochs) for batch in batches(digits, words, 64, seed=epoch)]
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=len(steps))
    losses = []
    for some_digits, some_words in steps:
        loss = word_loss(model, some_digits, some_words)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses


@torch.inference_mode()
def by_kind(model: Translator, digits: Digits, words: Words, change: str = "nothing") -> list[float]:
    """The share of `words` that the model says, with teacher forcing, for each of KINDS. All rows are LONGEST numbers long.

    change: "cut": zeros in place of what attention finds; "even weights": the same for every digit; "next number": weights
    moved on by one number (the last gets the first).
    """
    return _by_kind((model(digits, shifted(words), change)[0].argmax(dim=-1) == words).float())


def looked_at(weights: Float[Tensor, "batch word digit"]) -> dict[str, list[float]]:
    """For each of KINDS, the share of words that look most at: own first digit, own second digit, next number, elsewhere."""
    most = weights.argmax(dim=-1)  # a digit for each word: 0 to 11
    away = most - 2 * (torch.arange(most.shape[1]) // 3)  # counted from the first digit of the word's own number
    places = (away == 0, away == 1, (away == 2) | (away == 3), (away < 0) | (away > 3))
    shares = [_by_kind(place.float()) for place in places]
    return {kind: [share[at] for share in shares] for at, kind in enumerate(KINDS)}


def _by_kind(of_words: Float[Tensor, "batch word"]) -> list[float]:
    """The mean for words for ones, for und, for tens: they take turns."""
    return of_words.unflatten(1, (-1, len(KINDS))).mean(dim=(0, 1)).tolist()


@torch.inference_mode()
def translate(model: Translator, digits: Digits) -> tuple[Words, Float[Tensor, "batch word digit"]]:
    """The words that the model says on its own, each time the likeliest one, and where it looked.

    All rows must have as many numbers as the longest, each one that `say` says. The model does not say when it has finished.
    """
    for row in digits.tolist():
        say(10 * tens + ones for tens, ones in zip(row[::2], row[1::2], strict=True) if (tens, ones) != (PADDING, PADDING))
    said = torch.full((len(digits), 1), GO)
    for _ in range(3 * int((digits != PADDING).sum(dim=1).max()) // 2):
        scores, weights = model(digits, said)
        said = torch.cat([said, scores[:, -1:].argmax(dim=-1)], dim=1)
    return said[:, 1:], weights


@torch.inference_mode()
def right_numbers(model: Translator, digits: Digits, words: Words, feed_right: bool = False) -> Bool[Tensor, "batch number"]:
    """In rows of one length, which numbers have all three words right. feed_right: with teacher forcing, else on its own."""
    length = int((digits != PADDING).sum(dim=1).max()) // 2
    words = words[:, : 3 * length]
    said = model(digits, shifted(words))[0].argmax(dim=-1) if feed_right else translate(model, digits)[0]
    return (said == words).unflatten(1, (length, 3)).all(dim=-1)
