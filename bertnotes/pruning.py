"""Switch off heads of a trained BERT, alone and together, and see how much worse it names hidden words.

Page 03. Michel, Levy & Neubig 2019, "Are Sixteen Heads Really Better than One?"
"""

from collections.abc import Iterable
from contextlib import contextmanager

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from bertnotes.data import FIRST_REVIEWS, load_imdb_data
from bertnotes.encoder import BertEncoder
from bertnotes.masked_lm import IGNORED, mask_tokens, pack

Ids = Int[Tensor, "row position"]
Losses = Float[Tensor, " hidden_word"]
Head = tuple[int, int]  # layer and head, both counted from 0


def hidden_word_exam(tokenizer, rows: int = 16, length: int = 64) -> tuple[tuple[Ids, Ids], tuple[Ids, Ids]]:
    """Two exams on the course's reviews, of so many rows each: (ids with words hidden, labels), twice, on different reviews."""
    texts = load_imdb_data(FIRST_REVIEWS, sample=120, seed=0)[0]
    packed = pack(tokenizer, texts, length)[: 2 * rows].long()
    masked, labels = mask_tokens(packed, tokenizer, 0.15, torch.Generator().manual_seed(0))
    return (masked[:rows], labels[:rows]), (masked[rows:], labels[rows:])


@torch.inference_mode()
def losses(model: BertEncoder, exam: tuple[Ids, Ids]) -> Losses:
    """The loss at each hidden word, -ln of the probability that the model gave to what stood there."""
    masked, labels = exam
    asked = labels != IGNORED
    hidden = model(masked).last_hidden_state[asked]
    return cross_entropy(model.word_logits(hidden), labels[asked], reduction="none")


@contextmanager
def heads_off(model: BertEncoder, heads: Iterable[Head]):
    """Inside the block these heads are silent, after it they are back, also after an error.

    What a head found reaches the others through its rows of W_O alone: those are set to 0. (They are columns of `weight`, which
    PyTorch keeps transposed.)
    """
    size = model.config.hidden_size // model.config.num_attention_heads
    outputs = [layer.attention.output.weight.data for layer in model.layers]
    before = [output.clone() for output in outputs]
    try:
        for layer, head in heads:
            outputs[layer][:, head * size : (head + 1) * size] = 0
        yield
    finally:
        for output, kept in zip(outputs, before, strict=True):
            output.copy_(kept)


@torch.inference_mode()
def change_without_each(model: BertEncoder, exam: tuple[Ids, Ids]) -> Float[Tensor, "layer head hidden_word"]:
    """By how much the loss at each hidden word changes where one head is silent; above 0: the head is missed.

    What lies before the head's layer stays the same and is computed once.
    """
    masked, labels = exam
    asked = labels != IGNORED
    states = model(masked).hidden_states
    whole = losses(model, exam)
    found = torch.zeros(len(model.layers), model.config.num_attention_heads, len(whole))
    for layer in range(len(model.layers)):
        for head in range(model.config.num_attention_heads):
            with heads_off(model, [(layer, head)]):
                hidden = states[layer]
                for later in model.layers[layer:]:
                    hidden, _ = later(hidden)
            found[layer, head] = cross_entropy(model.word_logits(hidden[asked]), labels[asked], reduction="none") - whole
    return found


def loss_without(model: BertEncoder, exam: tuple[Ids, Ids], order: Iterable[Head], counts: Iterable[int]) -> list[float]:
    """The mean loss without the first so many heads of an order, for each count."""
    order = list(order)
    found = []
    for count in counts:
        with heads_off(model, order[:count]):
            found.append(losses(model, exam).mean().item())
    return found
