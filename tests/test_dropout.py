"""Dropout by hand-countable laws: how many numbers go, what becomes of the rest, and that no draw leans on another."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bertnotes.classifier import BERTClassifier
from bertnotes.dropout import Dropout, drop, random_bytes, use_drop


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5, 0.9])
def test_a_share_of_the_numbers_goes_and_the_mean_stays(rate):
    dropped = drop(torch.ones(1_000_000), rate)
    assert (dropped == 0).float().mean().item() == pytest.approx(rate, abs=1 / 512 + 0.002)
    assert dropped.mean().item() == pytest.approx(1, abs=0.01)
    assert len(dropped.unique()) == 2, "each is gone, or enlarged like the others"


def test_an_exact_rate_enlarges_exactly():
    assert set(drop(torch.ones(100), 0.5).tolist()) == {0.0, 2.0}


@pytest.mark.parametrize(("rate", "left"), [(0, 3.0), (1, 0.0)])
def test_nothing_or_everything_goes(rate, left):
    assert drop(torch.full((9,), 3.0), rate).eq(left).all()


@pytest.mark.parametrize("rate", [0.0001, 0.9999])
def test_a_tiny_rate_still_drops_and_a_huge_one_still_keeps(rate):
    gone = (drop(torch.ones(100_000), rate) == 0).float().mean()
    assert 0 < gone < 1 and gone.item() == pytest.approx(rate, abs=0.01)


def test_the_gradient_goes_the_way_of_the_numbers():
    numbers = torch.rand(50, 7, requires_grad=True)
    dropped = drop(numbers, 0.5)
    dropped.sum().backward()
    assert torch.equal(numbers.grad, (dropped != 0) * 2.0)


@pytest.mark.parametrize("apart", range(1, 10))
def test_neighbours_are_drawn_apart(apart):
    """Eight numbers come out of one draw: that must not show."""
    kept = (drop(torch.ones(400_000), 0.5) > 0).float()
    together = (kept[apart:] * kept[:-apart]).mean().item()
    assert together == pytest.approx(0.25, abs=0.004)


def test_every_byte_is_as_likely():
    counts = torch.bincount(random_bytes((2_560_000,)).int(), minlength=256)
    chi_squared = ((counts - 10_000) ** 2 / 10_000).sum().item()
    assert chi_squared < 350, "255 degrees of freedom: above 350 once in ten thousand times"


def test_the_seed_decides_and_each_call_draws_anew():
    torch.manual_seed(3)
    first, second = drop(torch.ones(64), 0.5), drop(torch.ones(64), 0.5)
    torch.manual_seed(3)
    assert torch.equal(first, drop(torch.ones(64), 0.5)) and not torch.equal(first, second)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 5), max_size=4),
    st.floats(0, 1),
    st.sampled_from([torch.float32, torch.bfloat16, torch.float64]),
)
def test_shape_and_type_stay(shape, rate, dtype):
    dropped = drop(torch.ones(shape, dtype=dtype), rate)
    assert dropped.shape == torch.Size(shape) and dropped.dtype == dtype and dropped.isfinite().all()


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_that_is_none(rate):
    with pytest.raises(ValueError, match="from 0 to 1; got"):
        drop(torch.ones(3), rate)


def test_the_layer_drops_in_training_only():
    layer = Dropout(0.5)
    assert set(layer(torch.ones(100)).tolist()) == {0.0, 2.0}
    assert layer.eval()(torch.ones(100)).eq(1).all()


def test_all_layers_of_a_model_are_changed_and_none_of_its_weights():
    inner = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(0.3))
    model = torch.nn.Sequential(torch.nn.Dropout(0.1), inner)
    weights = model.state_dict()
    use_drop(model)
    assert [type(layer) for layer in (model[0], inner[1])] == [Dropout, Dropout] and (model[0].p, inner[1].p) == (0.1, 0.3)
    assert list(model.state_dict()) == list(weights)


def test_a_classifier_draws_with_it(tiny_checkpoint):
    layers = [layer for layer in BERTClassifier(str(tiny_checkpoint), 2).modules() if isinstance(layer, torch.nn.Dropout)]
    assert len(layers) > 5 and all(type(layer) is Dropout for layer in layers)
