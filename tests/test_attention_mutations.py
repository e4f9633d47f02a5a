"""Would the tests notice? attention.py is broken in one place at a time, and named tests must fail on the broken copy.

The tests are those of test_attention.py, called with the broken module. Each mutation is a replacement of text that
must occur exactly so often, so that a change to attention.py cannot turn a mutation into nothing without anybody noticing.
"""

import importlib.util
import types
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest

from bertnotes import attention

SOURCE = Path(attention.__file__).read_text(encoding="utf-8")

spec = importlib.util.spec_from_file_location("attention_tests", Path(__file__).with_name("test_attention.py"))
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
one_thread = tests.one_thread

CHECKS = {  # name: function of a module like attention.py and the folder of a small BERT
    "by hand": lambda module, _: tests.test_two_tokens_by_hand(module),
    "mask by hand": lambda module, _: tests.test_two_tokens_with_a_mask_by_hand(module),
    "root of d_k": lambda module, _: [tests.test_scores_are_divided_by_the_root_of_d_k(d_k, module) for d_k in (4, 64)],
    "dropout": lambda module, _: tests.test_weights_are_those_before_dropout(module),
    "training only": lambda module, _: tests.test_a_layer_drops_in_training_only(module),
    "NumPy and torch": lambda module, _: [
        tests.test_function_equals(reference, case, module)
        for reference, case in product([tests.numpy_attention, tests.torch_attention], tests.CASES)
    ],
    "torch's layer": lambda module, _: [tests.test_layer_equals(tests.torch_layer, case, module) for case in tests.CASES],
    "BERT's layer": lambda module, _: [tests.test_layer_equals(tests.bert_layer, case, module) for case in tests.CASES],
    "gradients": lambda module, _: [tests.test_gradients_equal_those_of_torch(case, module) for case in tests.CASES],
    "row without keys": lambda module, _: tests.test_a_row_without_keys_has_no_gradient(module),
    "split and merge": lambda module, _: tests.test_split_gives_each_head_its_slice_and_merge_puts_them_back(module),
    "defaults": lambda module, _: tests.test_key_is_the_query_and_value_the_key_by_default(module),
    "causal mask": lambda module, _: tests.test_causal_mask(module),
    "padding mask": lambda module, _: tests.test_padding_mask(tests.torch.int64, module),
    "BERT": lambda module, folder: tests.test_bert_on_our_function_equals_eager(folder, True, module),
    "BERT in training": lambda module, folder: tests.test_bert_in_training_returns_weights_before_dropout(folder, module),
    "decoder": lambda module, folder: tests.test_a_decoder_looks_back_only(folder, None, module),
}


class Mutation(NamedTuple):
    old: str
    new: str
    caught_by: list
    times: int = 1


PARITY = ["NumPy and torch", "torch's layer", "BERT's layer", "gradients"]
MASK = ["mask by hand", *PARITY, "row without keys", "BERT", "decoder"]
BLOCK_SCORES = "scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)"
BLOCK_WEIGHTS = "return scores.softmax(dim=-1).masked_fill(~mask, 0.0)"
TO_HEADS = "hidden.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)"
FROM_HEADS = "heads.transpose(1, 2).flatten(2)"

MUTATIONS = {
    # the mask
    "mask flipped": Mutation("masked_fill(~mask", "masked_fill(mask", MASK, times=2),
    "mask flipped for scores": Mutation("scores.masked_fill(~mask", "scores.masked_fill(mask", MASK),
    "mask flipped for weights": Mutation(".masked_fill(~mask, 0.0)", ".masked_fill(mask, 0.0)", MASK),
    "row without keys left as an average": Mutation(
        BLOCK_WEIGHTS, "return scores.softmax(dim=-1)", ["mask by hand", *PARITY, "row without keys"]
    ),
    "row without keys left as NaN": Mutation(
        f"{BLOCK_SCORES}\n    {BLOCK_WEIGHTS}",
        "return scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)",
        ["mask by hand", *PARITY, "row without keys"],
    ),
    # the zeros put in afterwards hide the NaN from every result; only anomaly mode sees it on the way back
    "NaN on the way back": Mutation("torch.finfo(scores.dtype).min", "-torch.inf", ["row without keys"]),
    "blocked means a score of 0": Mutation(
        "torch.finfo(scores.dtype).min", "0.0", ["mask by hand", *PARITY, "BERT", "decoder"]
    ),
    "causal mask looks ahead": Mutation(".tril()", ".triu()", ["causal mask"]),
    "padding blocked as query": Mutation("[:, None, None, :]", "[:, None, :, None]", ["padding mask"]),
    # the formula
    "no scaling": Mutation(" / math.sqrt(query.shape[-1])", "", ["by hand", "root of d_k", *PARITY, "BERT", "decoder"]),
    "scaling by d_k": Mutation(
        "math.sqrt(query.shape[-1])", "query.shape[-1]", ["by hand", "root of d_k", *PARITY, "BERT", "decoder"]
    ),
    "no softmax": Mutation(
        ".softmax(dim=-1)", "", ["by hand", "mask by hand", "root of d_k", "dropout", *PARITY, "BERT", "decoder"], times=2
    ),
    "softmax over queries": Mutation(
        ".softmax(dim=-1)",
        ".softmax(dim=-2)",
        ["by hand", "mask by hand", "root of d_k", "dropout", *PARITY, "BERT", "decoder"],
        times=2,
    ),
    # dropout
    "weights after dropout": Mutation(
        "output = drop(weights, dropout) @ value",
        "weights = drop(weights, dropout)\n    output = weights @ value",
        ["dropout", "training only", "BERT in training"],
    ),
    "dropout outside training": Mutation(" if self.training else 0.0", "", ["training only"]),
    # the heads
    "key and value swapped": Mutation(
        "self.split(self.key(key)),\n            self.split(self.value(value)),",
        "self.split(self.value(value)),\n            self.split(self.key(key)),",
        ["torch's layer", "BERT's layer"],
    ),
    "merge without the transpose": Mutation(
        FROM_HEADS, "heads.reshape(len(heads), heads.shape[2], -1)", ["torch's layer", "BERT's layer", "split and merge"]
    ),
    "split without the transpose": Mutation(
        TO_HEADS,
        "hidden.reshape(len(hidden), self.num_heads, hidden.shape[1], -1)",
        ["torch's layer", "BERT's layer", "split and merge"],
    ),
    "each head takes every third number": Mutation(
        TO_HEADS,
        "hidden.unflatten(-1, (-1, self.num_heads)).movedim(-1, 1)",
        ["torch's layer", "BERT's layer", "split and merge"],
    ),
    "value argument ignored": Mutation("value = key if value is None else value", "value = key", ["defaults"]),
    # the bridge into transformers
    "mask lost in the bridge": Mutation("value, attention_mask, dropout)", "value, None, dropout)", ["BERT", "decoder"]),
    "dropout lost in the bridge": Mutation("value, attention_mask, dropout)", "value, attention_mask)", ["BERT in training"]),
    "heads not handed over as transformers wants": Mutation(
        "return output.transpose(1, 2), weights", "return output, weights", ["BERT", "decoder"]
    ),
    "causal mask left to the function": Mutation('"allow_is_causal_skip": False', '"allow_is_causal_skip": True', ["decoder"]),
}


def module_of(source):
    module = types.ModuleType("attention_copy")
    exec(compile(source, "attention_copy.py", "exec"), module.__dict__)
    return module


@pytest.fixture(autouse=True)
def put_the_right_function_back():
    """A broken copy registers itself with transformers under the same name."""
    yield
    attention.use_in_transformers()


@pytest.mark.parametrize("check", CHECKS)
def test_a_true_copy_passes(check, tiny_checkpoint):
    CHECKS[check](module_of(SOURCE), tiny_checkpoint)


def noticed(error):
    """An assertion failed, or anomaly mode met a NaN. Anything else is a crash, which any caller would notice."""
    return isinstance(error, AssertionError) or "nan" in str(error)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_copy_is_caught(name, tiny_checkpoint):
    old, new, caught_by, times = MUTATIONS[name]
    assert SOURCE.count(old) == times, f"attention.py has changed: {old!r} occurs {SOURCE.count(old)} times, not {times}"
    broken = module_of(SOURCE.replace(old, new))
    for check in caught_by:
        with pytest.raises((AssertionError, RuntimeError), check=noticed):
            CHECKS[check](broken, tiny_checkpoint)


def test_every_check_catches_something():
    assert set(CHECKS) == {check for mutation in MUTATIONS.values() for check in mutation.caught_by}
