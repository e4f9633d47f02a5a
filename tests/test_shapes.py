"""The shapes in signatures are true: small inputs go through the course while jaxtyping and beartype look at every call.

They look by way of an import hook, which the other tests must not have: what is wrong in shape should get our ValueError there.
So this file is also a script, which pytest runs in a process of its own. To have more looked at, write another walk, and add to
MODULES the name of each module whose annotated functions are all to be walked through.
"""

import importlib
import inspect
import json
import os
import subprocess
import sys
import traceback

import pytest
import torch
from toy import LABELS, TEXTS

MODULES = ("attend", "attention", "batching", "blockwise", "classifier", "dropout", "lora", "training")
WALKS = {}


def walk(function):
    """Have a function called in the process with the hook, with the folder of a small BERT; it imports what it needs itself."""
    WALKS[function.__name__] = function
    return function


@walk
def attention(folder):
    from bertnotes.attention import attention_weights, causal_mask, padding_mask, scaled_dot_product_attention

    query, key, value = torch.randn(2, 3, 5, 4), torch.randn(2, 3, 7, 4), torch.randn(2, 3, 7, 6)
    attention_weights(query[0, 0], key[0, 0])
    scaled_dot_product_attention(query, key, value, padding_mask(torch.ones(2, 7, dtype=torch.long)), 0.5)
    scaled_dot_product_attention(query, key[0, :, :5], value[0, :, :5], causal_mask(5))


@walk
def blockwise(folder):
    from bertnotes.blockwise import blockwise_attention

    query, key, value = torch.randn(2, 3, 5, 4), torch.randn(2, 3, 7, 4), torch.randn(2, 3, 7, 6, requires_grad=True)
    mask = torch.rand(2, 1, 5, 7) > 0.2
    blockwise_attention(query, key, value, mask, 0.5, slice_size=70).sum().backward()
    blockwise_attention(query[0, 0], key[0, 0], value[0, 0], mask[0, 0, 0])
    blockwise_attention(query.bfloat16(), key.bfloat16(), value.bfloat16())


@walk
def multi_head_attention(folder):
    from bertnotes.attention import MultiHeadAttention, padding_mask

    layer = MultiHeadAttention(12, 3, dropout=0.5)
    query, key = torch.randn(2, 5, 12), torch.randn(2, 7, 12)
    layer(query)
    layer(query, key, torch.randn(2, 7, 12), padding_mask(torch.ones(2, 7)))


@walk
def encoder(folder):
    from bertnotes.encoder import BertEncoder

    ids = torch.randint(5, 60, (2, 7))
    BertEncoder.from_pretrained(folder)(ids, torch.ones_like(ids), torch.zeros_like(ids))


@walk
def classifier(folder):
    from bertnotes.classifier import BERTClassifier

    ids = torch.randint(5, 60, (2, 7))
    for way in ("bertnotes", "blockwise", "sdpa", "eager"):
        model = BERTClassifier(folder, 3, way)
        model(ids, torch.ones_like(ids), token_type_ids=torch.zeros_like(ids)).sum().backward()
        model.head(model.features(ids, torch.ones_like(ids)))
    model(ids, torch.ones_like(ids), output_attentions=True)


@walk
def attend(folder):
    from bertnotes import attend
    from bertnotes.classifier import BERTClassifier
    from bertnotes.encoder import BertEncoder
    from bertnotes.models import load_tokenizer

    tokenizer = load_tokenizer(folder)
    attend("a good film", "a bad film", folder)
    attend("a good film", model=BertEncoder.from_pretrained(folder), tokenizer=tokenizer)
    attend("a good film", model=BERTClassifier(folder, 3), tokenizer=tokenizer)


@walk
def prediction(folder):
    from bertnotes.classifier import BERTClassifier, predict_probabilities
    from bertnotes.models import load_tokenizer

    model = BERTClassifier(folder, 3)
    for precision in ("fp32", "bf16"):
        predict_probabilities(TEXTS[:5], model, load_tokenizer(folder), batch_size=2, precision=precision)


@walk
def training(folder):
    from bertnotes.batching import TextClassificationDataset, evaluation_loader
    from bertnotes.classifier import BERTClassifier
    from bertnotes.models import load_tokenizer
    from bertnotes.training import TrainConfig, evaluate, fit

    tokenizer, data = load_tokenizer(folder), (TEXTS[:12], LABELS[:12])
    for attention, choice in (
        ("bertnotes", {}),
        ("blockwise", {"class_weights": "balanced", "lora": 2}),
        ("bertnotes", {"frozen": True}),
    ):
        model = BERTClassifier(folder, 2, attention)
        fit(model, tokenizer, data, data, TrainConfig(epochs=1, batch_size=5, max_length=16, **choice))
    dataset = TextClassificationDataset(*data, tokenizer, 16)
    assert len(dataset[0]) == 3
    evaluate(model, evaluation_loader(dataset, 5), "cpu", "bf16")


# ---- the tests ----


@pytest.fixture(scope="module")
def found(tiny_checkpoint):
    """What came of it: {walk: its traceback, if it failed}, and the functions that no walk has called."""
    quiet = os.environ | {"TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, __file__, str(tiny_checkpoint)]
    done = subprocess.run(command, env=quiet, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", WALKS)
def test_every_shape_is_the_one_that_its_signature_says(name, found):
    assert name not in found["failed"], found["failed"][name]


def test_nothing_that_states_a_shape_is_passed_by(found):
    assert found["passed by"] == []


@pytest.mark.parametrize("what", ["an argument", "what comes back", "a field"])
def test_a_wrong_shape_would_be_noticed(what, found):
    assert what in found["noticed"]


# ---- the script ----


def wrong():
    """Each thing that the hook must notice: {what: a call}."""
    from bertnotes.attention import Attention, attention_weights
    from bertnotes.classifier import pooled
    from bertnotes.encoder import EncoderOutput

    return {
        "an argument": lambda: attention_weights(torch.ones(2, 3).long(), torch.ones(2, 3).long()),
        "what comes back": lambda: pooled(EncoderOutput(torch.ones(1, 2, 3), torch.ones(3), (), ())),
        "a field": lambda: Attention(torch.ones(2, 2), ["a", "b"]),
    }


def failure(call, *arguments):
    """The traceback of a call that fails; None of one that does not."""
    try:
        call(*arguments)
    except Exception:
        return traceback.format_exc()


def state_shapes(modules):
    """The functions of modules that state a shape: {name: code}."""
    stated = {}
    for module in modules:
        classes = [one for one in vars(module).values() if inspect.isclass(one) and one.__module__ == module.__name__]
        for one in [value for owner in (module, *classes) for value in vars(owner).values()]:
            inner = inspect.unwrap(one) if inspect.isfunction(one) else None
            if inner is not None and inner.__module__ == module.__name__ and "jaxtyping" in str(inner.__annotations__):
                stated[f"{inner.__module__}.{inner.__qualname__}"] = inner.__code__
    return stated


def main(folder):
    """Take all walks, and print what came of it as JSON."""
    from jaxtyping import install_import_hook

    install_import_hook("bertnotes", "beartype.beartype")
    modules = [importlib.import_module(f"bertnotes.{name}") for name in MODULES]
    called = set()
    sys.setprofile(lambda frame, event, _: called.add(frame.f_code) if event == "call" else None)
    failures = {name: failure(function, folder) for name, function in WALKS.items()}
    sys.setprofile(None)
    traces = {what: failure(call) or "" for what, call in wrong().items()}
    result = {
        "failed": {name: text for name, text in failures.items() if text},
        "passed by": [name for name, code in state_shapes(modules).items() if code not in called],
        "noticed": [what for what, text in traces.items() if "TypeCheckError" in text],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
