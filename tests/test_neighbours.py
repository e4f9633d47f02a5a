"""The toy task of two neighbours: what is asked, and that models trained side by side are those trained alone."""

import torch
from torch.nn.functional import cross_entropy

from bertnotes.neighbours import (
    LETTERS,
    NeighbourModel,
    draw_letters,
    mean_weights,
    neighbours,
    train_neighbours,
)


def test_neighbours_are_those_beside():
    letters = draw_letters(3, seed=1)
    assert torch.equal(letters, draw_letters(3, seed=1)) and letters.max() < LETTERS
    found = neighbours(letters)
    assert found[2, 0].tolist() == [letters[2, 0], letters[2, 2]] and found.shape == (3, 6, 2)


def test_the_number_of_heads_changes_no_number_of_parameters():
    for network in (False, True):
        sizes = {sum(one.numel() for one in NeighbourModel(heads, network).parameters()) for heads in (1, 2, 8)}
        assert len(sizes) == 1


def test_training_side_by_side_is_training_alone():
    """One step by hand, of the second of two models."""
    trained = train_neighbours(2, seeds=(3, 4), steps=2, every=1)
    torch.manual_seed(4)
    model, stream = NeighbourModel(2), torch.Generator().manual_seed(1004)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(2):
        letters = torch.randint(LETTERS, (32, 8), generator=stream)
        optimizer.zero_grad()
        cross_entropy(model(letters)[0][:, 1:-1].flatten(0, 2), neighbours(letters).flatten()).backward()
        optimizer.step()
    for one, other in zip(model.parameters(), trained.models[1].parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-4)
    assert trained.steps == [1, 2] and trained.both.shape == (2, 2) and trained.sides.shape == (2, 2)


def test_weights_are_a_mean():
    assert torch.allclose(mean_weights(NeighbourModel(2)).sum(dim=-1), torch.ones(2, 8), atol=1e-5)
