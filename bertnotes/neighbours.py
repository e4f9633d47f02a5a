"""A toy task with two answers at once: rows of random letters; at each position, name the letter before and the one after.

Page 03. One attention with one head or several, all else equal, and between attention and answer nothing or a small network.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state
from torch.nn.functional import cross_entropy

from bertnotes.attention import MultiHeadAttention

LETTERS, LENGTH, SIZE, ROWS = 10, 8, 32, 32  # how many letters there are, letters a row, numbers a vector, rows a step

Letters = Int[Tensor, "row position"]


class NeighbourModel(nn.Module):
    """Vectors of letters and positions, one attention, and scores for two letters: the one before and the one after.

    network: whether two linear layers with a GELU between them work on what attention found, before the scores are read off.
    """

    def __init__(self, num_heads: int, network: bool = False):
        super().__init__()
        self.letter, self.position = nn.Embedding(LETTERS, SIZE), nn.Embedding(LENGTH, SIZE)
        self.attention = MultiHeadAttention(SIZE, num_heads)
        layers = (nn.Linear(SIZE, 4 * SIZE), nn.GELU(), nn.Linear(4 * SIZE, SIZE)) if network else ()
        self.network = nn.Sequential(*layers)
        self.read_out = nn.Linear(SIZE, 2 * LETTERS)

    def forward(
        self, letters: Letters
    ) -> tuple[Float[Tensor, "row position 2 letter"], Float[Tensor, "row head query_pos key_pos"]]:
        found, weights = self.attention(self.letter(letters) + self.position.weight)
        return self.read_out(self.network(found)).unflatten(-1, (2, LETTERS)), weights


def draw_letters(rows: int, seed: int) -> Letters:
    """Rows of random letters, each a number from 0 to LETTERS - 1; the same for the same seed."""
    return torch.randint(LETTERS, (rows, LENGTH), generator=torch.Generator().manual_seed(seed))


def neighbours(letters: Letters) -> Int[Tensor, "row inner_position 2"]:
    """The letter before and the letter after each position; the first and the last, which lack one, are left out.

    >>> neighbours(torch.tensor([[3, 1, 4, 1]]))
    tensor([[[3, 4],
             [1, 1]]])
    """
    return torch.stack([letters[:, :-2], letters[:, 2:]], dim=-1)


@dataclass
class Trained:
    """Models that were trained side by side, and how well each did on the way."""

    models: list[NeighbourModel]
    steps: list[int]  # after how many steps they were measured
    both: Float[Tensor, "measured model"]  # the share of positions at which both letters were named right
    sides: Float[Tensor, "model 2"]  # at the end: the share right for the letter before and for the one after


def train_neighbours(num_heads: int, network: bool = False, seeds=range(3), steps: int = 300, every: int = 30) -> Trained:
    """Train a model for each seed, all at once, which is faster than one after the other and gives the same.

    A seed says with which numbers a model begins and which letters it sees; every: after how many steps to measure.
    """
    models = []
    for seed in seeds:
        torch.manual_seed(seed)
        models.append(NeighbourModel(num_heads, network))
    parameters, _ = stack_module_state(models)
    streams = [torch.Generator().manual_seed(1000 + seed) for seed in seeds]
    optimizer = torch.optim.Adam(parameters.values(), lr=3e-3)
    together = torch.vmap(lambda state, letters: functional_call(models[0], state, letters)[0])
    measured, shares = [], []
    for step in range(1, steps + 1):
        letters = torch.stack([torch.randint(LETTERS, (ROWS, LENGTH), generator=stream) for stream in streams])
        scores = together(parameters, letters)[:, :, 1:-1]  # (model, row, position, 2, letter)
        wanted = torch.stack([neighbours(rows) for rows in letters])
        loss = cross_entropy(scores.flatten(0, 3), wanted.flatten()) * len(models)  # the sum of each model's mean loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % every == 0:
            measured.append(step)
            shares.append(named_right(together, parameters))
    for number, model in enumerate(models):
        model.load_state_dict({name: value[number].detach() for name, value in parameters.items()})
        model.eval()
    return Trained(models, measured, torch.stack([right.all(-1).float().mean((1, 2)) for right in shares]),
                   shares[-1].float().mean((1, 2)))  # fmt: skip


@torch.no_grad()
def named_right(together, parameters):
    """Where each model names a letter right, on rows that none was trained on: bool (model, row, position, 2)."""
    letters = draw_letters(500, seed=5)
    count = len(next(iter(parameters.values())))
    return together(parameters, letters.expand(count, -1, -1))[:, :, 1:-1].argmax(-1) == neighbours(letters)


@torch.no_grad()
def mean_weights(model: NeighbourModel) -> Float[Tensor, "head query_pos key_pos"]:
    """Where the heads look, on average over fresh rows."""
    return model(draw_letters(500, seed=5))[1].mean(0)
