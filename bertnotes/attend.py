"""Where does a model look? From a sentence to its attention weights in one call: tokenise, run, convert.

Pages 00 and 07.
"""

import json
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bertnotes.attention import Attention, check_attentions
from bertnotes.batching import most_tokens
from bertnotes.classifier import BERTClassifier, knows_pairs, read_one
from bertnotes.devices import inference
from bertnotes.encoder import BertEncoder
from bertnotes.models import check_pieces, load_encoder, load_tokenizer
from bertnotes.names import find_model, quiet
from bertnotes.tables import well_formed


def attend(text: str, pair: str | None = None, model: str | Path | nn.Module = "mini", tokenizer=None) -> Attention:
    """Run a model on one text, or on two sentences: where each token looks, in every head of every layer.

    model: a name, as `load_encoder` takes it, such as "mini", or "mini-imdb" for a classifier; an encoder, transformers' or
    ours; or a `BERTClassifier`, whose logits come from the same forward pass; it reads one text as in a prediction: cleaned,
    and cut as in its training; of one that it reads in windows, the first window, with a warning. A model given as an object
    needs its tokenizer, and stays on its device and in its mode.
    Returns an Attention, its tensors in float32 on the CPU.
    Raises ValueError where there is nothing to read, the text has more tokens than the model takes, the tokenizer is missing,
    or the model gives no attention weights; FileNotFoundError or ValueError as `load_encoder` does.
    """
    if isinstance(model, str | Path):
        tokenizer = load_tokenizer(model) if tokenizer is None else tokenizer
        model = load_named(model)
    if tokenizer is None:
        raise ValueError("a model given as an object needs its tokenizer: attend(text, model=model, tokenizer=tokenizer)")
    check_pieces(tokenizer, model.bert if isinstance(model, BERTClassifier) else model)
    inputs, pair_start = encode(text, pair, model, tokenizer)
    tokens = tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
    with inference(model) as device, quiet():  # transformers logs what `check_attentions` says
        logits, attentions = forward(model, inputs.to(device))
    check_attentions(attentions)
    return Attention(torch.cat(attentions).float().cpu(), tokens, pair_start, logits)


def load_named(name):
    """The model of that name: where its config.json says how it reads, as `BERTClassifier.save_pretrained` writes it, with its
    verdict; of any other the encoder."""
    place = find_model(str(name))
    ours = isinstance(place, Path) and "bertnotes" in json.loads((place / "config.json").read_text(encoding="utf-8"))
    return BERTClassifier.from_pretrained(str(name))[0] if ours else load_encoder(name)


def encode(text, pair, model, tokenizer):
    """A text, or two, as inputs of a model, and where the second begins: (BatchEncoding, position or None)."""
    sentences = [well_formed(one) if isinstance(one, str) else one for one in ([text] if pair is None else [text, pair])]
    for sentence in sentences:
        if not isinstance(sentence, str) or not sentence.strip() or not tokenizer.tokenize(sentence, verbose=False):
            met = repr(sentence) if isinstance(sentence, str) else f"a {type(sentence).__name__}"
            raise ValueError(f"there is nothing to read in {met}; give a sentence, or two: attend(text, pair)")
    if isinstance(model, BERTClassifier) and pair is None:  # as a prediction reads it
        return tokenizer.pad({"input_ids": read_one(text, model, tokenizer)}, return_tensors="pt"), None
    encoder = model.bert if isinstance(model, BERTClassifier) else model
    inputs = tokenizer(*sentences, return_tensors="pt", verbose=False)
    count, limit = inputs["input_ids"].shape[1], most_tokens(encoder)
    if count > limit:
        raise ValueError(f"these are {count} tokens, special ones included; the model has {limit} positions: shorten the text")
    pair_start = None if pair is None else inputs.sequence_ids(0).index(1)  # a sentence may hold a [SEP] of its own
    if not knows_pairs(encoder):
        inputs.pop("token_type_ids", None)
    return inputs, pair_start


def forward(model, inputs) -> tuple[Float[Tensor, " num_classes"] | None, tuple | None]:
    """Run a model on one text: logits, where it is a classifier, and attentions."""
    if isinstance(model, BERTClassifier):
        logits, attentions = model(**inputs, output_attentions=True)
        return logits[0].float().cpu(), attentions
    outputs = model(**inputs) if isinstance(model, BertEncoder) else model(**inputs, output_attentions=True)
    return None, getattr(outputs, "attentions", None)
