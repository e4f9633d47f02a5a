"""Switch off heads of a trained BERT, alone and together, and see how much worse it names hidden tokens.

Pages 03, 06 and 08. Michel, Levy & Neubig 2019, "Are Sixteen Heads Really Better than One?"
"""

from collections.abc import Iterable
from contextlib import contextmanager

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from bertnotes.data import REVIEWS, load_imdb_data
from bertnotes.encoder import BertEncoder
from bertnotes.masked_lm import IGNORED, mask_tokens

Ids = Int[Tensor, "row position"]
Exam = tuple[Ids, Ids]  # ids with some tokens hidden, and labels: what stood there, IGNORED elsewhere
Losses = Float[Tensor, " hidden_token"]
Head = tuple[int, int]  # layer and head, both counted from 0
Results = Float[Tensor, "layer hidden_size"]


def hidden_token_exams(tokenizer, rows: int = 16, length: int = 64) -> tuple[Exam, Exam]:
    """Two exams of so many rows, each the beginning of another of the course's reviews, with 15 % of its tokens [MASK]."""
    ids = tokenizer(load_imdb_data(REVIEWS, voice="various")[0], truncation=True, max_length=length)["input_ids"]
    long = torch.tensor([row for row in ids if len(row) == length])
    if len(long) < 2 * rows:
        raise ValueError(f"only {len(long)} of the reviews have {length} tokens; ask for {len(long) // 2} rows or fewer")
    generator = torch.Generator().manual_seed(0)
    chosen = long[torch.randperm(len(long), generator=generator)[: 2 * rows]]
    labels = mask_tokens(chosen, tokenizer, 0.15, generator)[1]
    masked = torch.where(labels == IGNORED, chosen, tokenizer.mask_token_id)
    return (masked[:rows], labels[:rows]), (masked[rows:], labels[rows:])


@torch.inference_mode()
def losses(model: BertEncoder, exam: Exam) -> Losses:
    """The loss at each hidden token, -ln of the probability that the model gave to what stood there."""
    masked, labels = exam
    asked = labels != IGNORED
    hidden = model(masked).last_hidden_state[asked]
    return cross_entropy(model.word_logits(hidden), labels[asked], reduction="none")


@contextmanager
def heads_off(model: BertEncoder, heads: Iterable[Head], instead: Results | None = None):
    """Inside the block these heads are silent, after it they are back, also after an error.

    What a head found reaches the others through its rows of W_O alone: those are set to 0. (They are columns of `weight`, which
    PyTorch keeps transposed.) instead: a constant that is put in the place of what it found, as `mean_results` gives it.
    """
    size = model.config.hidden_size // model.config.num_attention_heads
    outputs = [layer.attention.output for layer in model.layers]
    before = [(output.weight.data.clone(), output.bias.data.clone()) for output in outputs]
    try:
        for layer, head in heads:
            own = slice(head * size, (head + 1) * size)
            if instead is not None:
                outputs[layer].bias.data += outputs[layer].weight.data[:, own] @ instead[layer, own]
            outputs[layer].weight.data[:, own] = 0
        yield
    finally:
        for output, (weight, bias) in zip(outputs, before, strict=True):
            output.weight.data.copy_(weight)
            output.bias.data.copy_(bias)


@torch.inference_mode()
def mean_results(model: BertEncoder, ids: Ids) -> Results:
    """What each head finds on average over all positions of some rows, the heads of a layer side by side."""
    found = []

    def note(_, given):
        found.append(given[0].mean(dim=(0, 1)))

    hooks = [layer.attention.output.register_forward_pre_hook(note) for layer in model.layers]
    model(ids)
    for hook in hooks:
        hook.remove()
    return torch.stack(found)


@torch.inference_mode()
def change_without_each(model: BertEncoder, exam: Exam) -> Float[Tensor, "layer head hidden_token"]:
    """By how much the loss at each hidden token changes where one head is silent; above 0: the head is missed.

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


def mean_and_error(values: Float[Tensor, "*heads hidden_token"], exam: Exam) -> tuple[Tensor, Tensor]:
    """The mean over the hidden tokens, and its standard error. Rows count as independent, tokens of the same row do not.

    >>> labels = torch.tensor([[1, 1], [1, 1]])
    >>> mean_and_error(torch.tensor([0.0, 0.0, 2.0, 2.0]), (labels, labels))  # two rows: 0 and 2
    (tensor(1.), tensor(1.))
    """
    row = torch.where(exam[1] != IGNORED)[0]
    mean = values.mean(dim=-1)
    sums = torch.zeros(*mean.shape, len(exam[1])).index_add(-1, row, values - mean[..., None])
    rows = len(row.unique())
    return mean, sums.square().sum(dim=-1).mul(rows / (rows - 1)).sqrt() / len(row)
