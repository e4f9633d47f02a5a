"""A language of 1,152 sentences about films, of which everything is known: also how well anybody can guess a hidden word.

*a critic loves the film but an actor hates it*: a / an goes by the noun after it, it / them by film / films before it, and
and / but by the two verbs, *and* if they are the same. People love films three times as often as they hate them. Page 04.
"""

from itertools import product

import torch
from torch import Tensor

from bertnotes.readers import VIEWS, AllButNextReader, BertReader, ElmoReader, GptReader, LeakyReader, MaskedGptReader

NOUNS = {
    "a": "critic painter singer student teacher writer".split(),
    "an": "actor artist author editor engineer usher".split(),
}
PRONOUNS = {"film": "it", "films": "them"}
HIDES_WORDS = {"BERT": BertReader, "hybrid": MaskedGptReader, "leaky": LeakyReader, "all but the next": AllButNextReader}


class TinyLanguage:
    """words: its vocabulary; ids: every sentence, (sentence, position); times: how often each is written; reading and exam:
    sentences as often as they are written, none of them in both.

    Half of the 36 sentences that have the same articles, verbs and thing are in the exam, drawn by seed. So the exam has
    exactly the language's shares of articles, verbs, links, things and pronouns.
    """

    def __init__(self, seed: int = 0):
        people = [(article, noun) for article, nouns in NOUNS.items() for noun in nouns]
        parts = list(product(people, ("loves", "hates"), PRONOUNS, people, ("loves", "hates")))
        texts = [sentence(*part) for part in parts]
        self.words = ["[CLS]", "[SEP]", "[MASK]", *sorted({word for text in texts for word in text[1:-1]})]
        self.number = {word: index for index, word in enumerate(self.words)}
        self.ids = torch.stack([self.encode(text) for text in texts])
        self.times = 3 ** (self.ids == self.number["loves"]).sum(dim=1)
        kinds = [(who[0], verb, thing, other[0], other_verb) for who, verb, thing, other, other_verb in parts]
        in_exam = half_of_each(kinds, seed)
        self.reading, self.exam = self.written(~in_exam), self.written(in_exam)

    def written(self, chosen: Tensor) -> Tensor:
        """The chosen sentences, each as often as it is written."""
        return self.ids[chosen].repeat_interleave(self.times[chosen], dim=0)

    def encode(self, words) -> Tensor:
        """The ids (position,) of a text or a list of words, between [CLS] and [SEP]. Raises ValueError at an unknown word."""
        words = words.split() if isinstance(words, str) else list(words)
        words = words if words[:1] == ["[CLS]"] else ["[CLS]", *words, "[SEP]"]
        if unknown := [word for word in words if word not in self.number]:
            raise ValueError(f"these words are not in the language: {', '.join(unknown)}; it has {', '.join(self.words[3:])}")
        return torch.tensor([self.number[word] for word in words])

    def decode(self, ids) -> str:
        """The text of ids (position,), without [CLS] and [SEP]."""
        return " ".join(word for word in (self.words[index] for index in ids) if word not in ("[CLS]", "[SEP]"))

    def alike(self, positions) -> Tensor:
        """A number for each sentence (sentence,): the same for two that have the same words at these positions."""
        key = self.ids[:, list(positions)] @ len(self.words) ** torch.arange(len(positions))
        return key.unique(return_inverse=True)[1]

    def written_like(self, positions) -> Tensor:
        """For each sentence, how often sentences with the same words at these positions are written: (sentence,)."""
        alike = self.alike(positions)
        return torch.zeros_like(alike).index_add(0, alike, self.times)[alike]

    def best_score(self, position: int, view: str) -> float:
        """The share of words at a position that the best possible guesser names: in each context, the most frequent one.
        view: "left" or "both", the side whose words are seen. Raises ValueError at another view."""
        if view not in VIEWS:
            raise ValueError(f'view is "left" or "both"; got {view!r}')
        seen = [at for at in range(self.ids.shape[1]) if at < position or (at > position and view == "both")]
        most = torch.zeros_like(self.times).scatter_reduce(0, self.alike(seen), self.written_like([*seen, position]), "amax")
        return most.sum().item() / self.times.sum().item()

    def surprise(self, position: int, seen) -> float:
        """The lowest loss, in nats, that one can expect at a position from the words seen: the mean of -ln p(word | them)."""
        p = self.written_like([*seen, position]) / self.written_like(seen)
        return -(self.times * p.double().log()).sum().item() / self.times.sum().item()

    def best_loss(self) -> float:
        """The lowest loss, in nats a word, that a reader of the words before can expect."""
        length = self.ids.shape[1]
        return sum(self.surprise(position, range(position)) for position in range(1, length)) / (length - 1)


def sentence(who, verb, thing, other, other_verb) -> list[str]:
    """The words of a sentence. who, other: article and noun."""
    link = "and" if verb == other_verb else "but"
    return ["[CLS]", *who, verb, "the", thing, link, *other, other_verb, PRONOUNS[thing], "[SEP]"]


def half_of_each(kinds, seed: int) -> Tensor:
    """A choice (sentence,) of bool: True for half of the sentences of each kind, drawn by seed."""
    generator, chosen = torch.Generator().manual_seed(seed), torch.zeros(len(kinds), dtype=torch.bool)
    for kind in sorted(set(kinds)):
        members = torch.tensor([index for index, other in enumerate(kinds) if other == kind])
        chosen[members[torch.randperm(len(members), generator=generator)[: len(members) // 2]]] = True
    return chosen


def new_reader(kind: str, language: TinyLanguage, seed: int = 0, num_layers: int = 2):
    """A reader of the language that has learned nothing yet: its parameters are random, drawn by seed; 32 numbers a word.

    kind: "ELMo", "GPT", "BERT", "hybrid" (GPT's attention mask, BERT's objective), "leaky" (no attention mask, GPT's objective)
    or "all but the next" (the same, each position blind to the next word alone). Raises ValueError at another kind.
    """
    torch.manual_seed(seed)
    count, sizes = len(language.words), {"hidden_size": 32, "num_layers": num_layers}
    if kind == "ELMo":
        return ElmoReader(count, **sizes)
    if kind == "GPT":
        return GptReader(count, **sizes, max_length=12)
    if kind not in HIDES_WORDS:
        raise ValueError(f"a reader is ELMo, GPT, {', '.join(HIDES_WORDS)}; got {kind!r}")
    return HIDES_WORDS[kind](count, language.number["[MASK]"], mask_rate=0.2, **sizes, max_length=12)
