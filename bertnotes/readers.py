"""Three small readers with one interface, in the manner of ELMo, GPT and BERT, and a measure of who can see whom.

They differ in what a position may see, and in what they are trained to name: the next word, the word before, or a hidden one.
A text is a row of ids that begins and ends with a special token. Page 04. Peters et al. 2018, "Deep Contextualized Word
Representations" (ELMo); Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training" (GPT); Devlin et
al. 2019, "BERT".
"""

from itertools import count
from types import SimpleNamespace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear

from bertnotes.attention import causal_mask
from bertnotes.encoder import Hidden, Ids, Layer

Loss = Float[Tensor, ""]
Scores = Float[Tensor, "batch vocabulary"]
VIEWS = ("left", "both")  # what may be seen around a blank: the words before it, or the words on both sides


class Reader(nn.Module):
    """What the three have in common. vectors = reader.embed(ids); reader.read(vectors) puts each word into its context.

    loss: the cross-entropy, in nats, of the reader's own objective. guess: scores for the word at `place`, which is hidden from
    the reader; view "left" hides all words behind it as well. A reader that cannot look to the right guesses the same for both.
    """

    def __init__(self, vocab_size, hidden_size):
        super().__init__()
        self.word = nn.Embedding(vocab_size, hidden_size)
        self.bias = nn.Parameter(torch.zeros(vocab_size))
        nn.init.normal_(self.word.weight, std=hidden_size**-0.5)  # a vector of about length 1

    def forward(self, ids: Ids) -> Hidden:
        return self.read(self.embed(ids))

    def embed(self, ids: Ids) -> Hidden:
        """Word vectors that know nothing of each other."""
        return self.word(ids)

    def scores(self, hidden: Float[Tensor, "*any hidden_size"]) -> Float[Tensor, "*any vocabulary"]:
        """Scores for each word: the dot product with its vector."""
        return linear(hidden, self.word.weight, self.bias)


class TransformerReader(Reader):
    """BERT's layers (encoder.py) with a mask. Its two kinds differ in who may see whom, and in nothing else.

    num_layers, num_heads: of the Transformer; max_length: the longest text, in tokens; dropout: share of hidden units and of
    attention weights dropped in training.
    """

    def __init__(self, vocab_size, hidden_size=48, num_layers=2, num_heads=4, max_length=64, dropout=0.0):
        super().__init__(vocab_size, hidden_size)
        config = SimpleNamespace(
            hidden_size=hidden_size,
            num_attention_heads=num_heads,
            intermediate_size=4 * hidden_size,
            layer_norm_eps=1e-12,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
        )
        self.position = nn.Embedding(max_length, hidden_size)
        nn.init.normal_(self.position.weight, std=hidden_size**-0.5)
        self.layers = nn.ModuleList(Layer(config) for _ in range(num_layers))

    def read(self, vectors: Hidden) -> Hidden:
        length = vectors.shape[1]
        if length > len(self.position.weight):
            raise ValueError(f"this reader was made for at most {len(self.position.weight)} tokens; got {length}")
        hidden, mask = vectors + self.position.weight[:length], self.mask(length)
        if mask is not None:
            mask = mask.to(hidden.device)
        for layer in self.layers:
            hidden, _ = layer(hidden, mask)
        return hidden


class GptReader(TransformerReader):
    """Reads from left to right. Its objective: at each word, name the next one."""

    def mask(self, length):
        return causal_mask(length)

    def loss(self, ids: Ids, generator=None) -> Loss:
        return cross_entropy(self.scores(self(ids[:, :-1])).flatten(0, 1), ids[:, 1:].flatten())

    def guess(self, ids: Ids, place: int, view="both") -> Scores:
        check_blank(ids, place, view)
        return self.next_word(ids[:, :place])

    def next_word(self, ids: Ids) -> Scores:
        """Scores for the word that comes after each text."""
        return self.scores(self(ids)[:, -1])

    def log_probability(self, ids: Ids) -> Float[Tensor, " batch"]:
        """The logarithm of how probable each whole text is: the sum over its words, each seen from those before, in nats."""
        scores = self.scores(self(ids[:, :-1])).log_softmax(dim=-1)
        return scores.gather(-1, ids[:, 1:, None]).squeeze(-1).sum(dim=-1)


class BertReader(TransformerReader):
    """Reads in both directions at once. Its objective: some words are hidden; name them.

    mask_id: the id that stands for a hidden word; mask_rate: the share of words that are hidden in training.
    """

    def __init__(self, vocab_size, mask_id, mask_rate=0.3, **sizes):
        super().__init__(vocab_size, **sizes)
        self.mask_id, self.mask_rate = mask_id, mask_rate

    def mask(self, length):
        return None

    def loss(self, ids: Ids, generator=None) -> Loss:
        hidden = torch.rand(ids.shape, generator=generator) < self.mask_rate
        hidden[:, [0, -1]] = False
        return cross_entropy(self.scores(self(ids.masked_fill(hidden, self.mask_id))[hidden]), ids[hidden])

    def guess(self, ids: Ids, place: int, view="both") -> Scores:
        check_blank(ids, place, view)
        masked = ids.clone()
        masked[:, place : -1 if view == "left" else place + 1] = self.mask_id
        return self.scores(self(masked)[:, place])


class MaskedGptReader(BertReader):
    """GPT's attention mask with BERT's objective, to change one thing at a time."""

    def mask(self, length):
        return causal_mask(length)


class LeakyReader(BertReader):
    """No attention mask, as in BERT, with GPT's objective: each word sees the next one, which it has to name."""

    def loss(self, ids: Ids, generator=None) -> Loss:
        return cross_entropy(self.scores(self(ids)[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())


class AllButNextReader(LeakyReader):
    """Each word may look everywhere but at the next one. One layer of this hides that word, two do not."""

    def mask(self, length):
        rows, columns = torch.arange(length)[:, None], torch.arange(length)
        return columns != rows + 1


class ElmoReader(Reader):
    """Two LSTMs that never meet: one reads forwards and learns to name the next word, one backwards and the word before.

    Their vectors are joined by laying them end to end. Their guesses are joined by a product, as if what stands on the left and
    what stands on the right were independent once the word is known: p(word | left) p(word | right) / p(word). That rule is
    ours, not ELMo's. Each is as wide as makes the reader as large as a TransformerReader of the same hidden_size and of
    `as_large_as` layers [default: as many as it has]. dropout: share of hidden units dropped between layers in training.
    """

    def __init__(self, vocab_size, hidden_size=48, num_layers=2, as_large_as=None, dropout=0.0):
        super().__init__(vocab_size, hidden_size)
        width = lstm_width(hidden_size, num_layers, as_large_as or num_layers)
        self.forwards = nn.LSTM(hidden_size, width, num_layers, batch_first=True, dropout=dropout)
        self.backwards = nn.LSTM(hidden_size, width, num_layers, batch_first=True, dropout=dropout)
        self.to_word = nn.Linear(width, hidden_size, bias=False)
        self.register_buffer("counts", torch.ones(vocab_size))  # how often each word was met in training, and once more

    def read(self, vectors: Hidden) -> Float[Tensor, "batch position two_widths"]:
        """What came so far, then what comes."""
        return torch.cat([self.read_forwards(vectors), self.read_backwards(vectors)], dim=-1)

    def read_forwards(self, vectors: Hidden) -> Float[Tensor, "batch position width"]:
        """The states of the chain that reads from the first word to the last."""
        return self.forwards(vectors)[0]

    def read_backwards(self, vectors: Hidden) -> Float[Tensor, "batch position width"]:
        """The states of the chain that reads from the last word to the first, in the order of the text."""
        return self.backwards(vectors.flip(1))[0].flip(1)

    def directions(self, ids: Ids) -> tuple[Float[Tensor, "batch position vocabulary"], ...]:
        """Scores for the word behind each position, and for the word before it."""
        ahead, back = self(ids).chunk(2, dim=-1)
        return self.scores(self.to_word(ahead)), self.scores(self.to_word(back))

    def loss(self, ids: Ids, generator=None) -> Loss:
        self.counts += ids.flatten().bincount(minlength=len(self.counts))
        following, preceding = self.directions(ids)
        return (
            cross_entropy(following[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
            + cross_entropy(preceding[:, 1:].flatten(0, 1), ids[:, :-1].flatten())
        ) / 2

    def guess(self, ids: Ids, place: int, view="both") -> Scores:
        check_blank(ids, place, view)
        from_left, from_right = self.two_guesses(ids, place)
        return from_left if view == "left" else from_left + from_right - (self.counts / self.counts.sum()).log()

    def two_guesses(self, ids: Ids, place: int) -> tuple[Scores, Scores]:
        """Log-probabilities for the word at `place`, from the words before it and from those behind it."""
        following, preceding = (scores.log_softmax(-1) for scores in self.directions(ids))
        return following[:, place - 1], preceding[:, place + 1]


def lstm_width(hidden_size, num_layers, as_large_as):
    """How wide two stacks of LSTMs must be to have the weights of `as_large_as` Transformer layers (12 hidden_size² each)."""

    def weights(width):
        inputs = hidden_size + (num_layers - 1) * width
        return 2 * 4 * (inputs * width + num_layers * width**2) + width * hidden_size

    return next(width for width in count(1) if weights(width + 1) > 12 * as_large_as * hidden_size**2)


def train_reader(reader, texts: Int[Tensor, "text position"], steps=300, batch_size=64, learning_rate=3e-3, seed=0):
    """Train a reader on batches drawn from texts, with Adam, whose learning rate falls from learning_rate to 0 in a straight
    line. Returns the losses, in nats a word: a list of floats, one a step.

    seed: draws the batches and, in a stream of its own, what is hidden. The same seed gives the same batches in the same order.
    Raises ValueError where steps is below 1, or there are no texts.
    """
    if steps < 1 or len(texts) < 1:
        raise ValueError(f"training needs a step and a text at least; got {steps} steps, {len(texts)} texts")
    generator, hides = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(-1 - seed)
    optimizer = torch.optim.Adam(reader.parameters(), lr=learning_rate, fused=True)  # fused: faster, all parameters at once
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    losses: list[float] = []
    for _ in range(steps):
        batch = texts[torch.randint(len(texts), (batch_size,), generator=generator)]
        loss = reader.loss(batch, hides)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


@torch.inference_mode()
def accuracy(reader, texts: Int[Tensor, "text position"], place: int, view="both") -> float:
    """The share of texts, from 0 to 1, in which a reader names the word at `place`, which is hidden from it.

    view: "left" or "both", the side of the place whose words it may use. Raises ValueError at another view, and where the place
    has no word on both sides.
    """
    texts, times = texts.unique(dim=0, return_counts=True)  # a text that comes often is read once
    right = reader.guess(texts, place, view).argmax(dim=-1) == texts[:, place]
    return (right * times).sum().item() / times.sum().item()


@torch.inference_mode()
def accuracy_of_finished(reader: GptReader, texts: Int[Tensor, "text position"], place: int, words) -> float:
    """The share of texts, from 0 to 1, that a reader finds more probable with their own word at `place` than with the others.

    words: the ids that are tried there. It takes a pass over the whole text for each of them.
    """
    found = [reader.log_probability(texts.index_fill(1, torch.tensor([place]), word)) for word in words]
    chosen = torch.tensor(words)[torch.stack(found).argmax(dim=0)]
    return (chosen == texts[:, place]).double().mean().item()


def who_sees_whom(read, vectors: Float[Tensor, "position size"]) -> Float[Tensor, "position position"]:
    """How much each output depends on each input: the length (Frobenius norm) of the Jacobian ∂ output_i / ∂ input_j.

    read: a function from (1, position, size) to (1, position, any), such as a reader's `read`; vectors: one text. Row = output,
    column = input. The unit is change of the output per change of the input; where no path leads from j to i it is 0.
    Raises ValueError where vectors have not two axes.
    """
    if vectors.ndim != 2:
        raise ValueError(f"vectors are those of one text, (position, size); got {tuple(vectors.shape)}")
    jacobian = torch.autograd.functional.jacobian(lambda inputs: read(inputs[None])[0], vectors.detach())
    return jacobian.pow(2).sum(dim=(1, 3)).sqrt()


def check_blank(ids, place, view):
    """Raise ValueError where there is no such view, or no word with a neighbour on each side at that place."""
    if view not in VIEWS:
        raise ValueError(f'view is "left" or "both"; got {view!r}')
    if not 0 < place < ids.shape[1] - 1:
        raise ValueError(f"a blank stands between the first and the last of {ids.shape[1]} tokens; got place {place}")
