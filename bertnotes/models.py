"""A model's name (see names.py) becomes a tokenizer and an encoder, ready to show its attention. Used from page 05 on."""

import re

import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer

from bertnotes.attention import use_in_transformers
from bertnotes.blockwise import use_blockwise_in_transformers
from bertnotes.checkpoint import WRAPPED, base_of, is_delta, with_delta
from bertnotes.names import explained, find_model, quiet

ATTENTIONS = ("eager", "bertnotes", "blockwise", "sdpa")


def load_tokenizer(name="mini"):
    """Load the tokenizer of a model: text to ids in its vocabulary.

    A vocabulary with capitals is read with capitals, also where the folder does not say so: old BERTs come as vocab.txt alone.
    Raises FileNotFoundError where the folder or the hub id is not to be had, ValueError where the folder is damaged.
    """
    source = base_of(find_model(name))
    with quiet(), explained(source):
        tokenizer = AutoTokenizer.from_pretrained(source)
        pieces = tokenizer.get_vocab().keys() - {*tokenizer.all_special_tokens}
        if not pieces:
            raise ValueError("its tokenizer knows no words: tokenizer.json, vocab.txt or the like is missing")
        says = isinstance(source, str) or any((source / file).is_file() for file in ("tokenizer.json", "tokenizer_config.json"))
        if not says and any(re.search("^(##)?[A-Z]", piece) for piece in pieces):
            tokenizer = AutoTokenizer.from_pretrained(source, do_lower_case=False)
    return tokenizer


def load_encoder(name="mini", attention="eager", attention_dropout=None, random_init=False):
    """Load a pre-trained encoder in float32, in evaluation mode.

    attention: "eager" (transformers' own, gives attention weights), "bertnotes" (ours, gives them too), "blockwise" (ours a
    slice at a time: faster on a processor, gives none) or "sdpa" (torch's fused one: faster on a GPU, gives none). Call it
    with output_attentions=True: `attentions` is a tuple, one (batch, head, query_pos, key_pos) a layer.
    attention_dropout: the share of attention weights dropped in training [default: as the model says].
    random_init: random weights in the model's architecture instead of its own: a control.
    Raises FileNotFoundError where the folder or the hub id is not to be had; ValueError where the folder is no whole
    checkpoint, or `check_attention` finds that this attention does not suit the model.
    """
    if attention_dropout is not None and not 0 <= attention_dropout < 1:
        raise ValueError(f"attention_dropout is a share, from 0 to below 1; got {attention_dropout}")
    fields = () if attention_dropout is None else ("attention_probs_dropout_prob", "attention_dropout")  # BERT's, DistilBERT's
    encoder, missing = load_pretrained(AutoModel, name, attention, random_init, **dict.fromkeys(fields, attention_dropout))
    missing = [weight for weight in missing if not weight.startswith("pooler.")]  # some come without a pooler
    if missing:
        raise ValueError(f"{name} is not a whole checkpoint: {len(missing)} weights are missing, such as {missing[0]}")
    check_attention(encoder, attention)
    return encoder


def load_pretrained(kind, name, attention, random_init=False, **fields):
    """Load a model of transformers in float32, in evaluation mode, with the names of the weights that were not found.

    kind: one of its Auto classes; fields: of the configuration, in place of those on disk; the others: see `load_encoder`.
    """
    if attention not in ATTENTIONS:
        raise ValueError(f'attention is "eager", "bertnotes", "blockwise" or "sdpa"; got {attention!r}')
    use_in_transformers()
    use_blockwise_in_transformers()
    source = find_model(name)
    with quiet(), explained(source):
        options = {"config": AutoConfig.from_pretrained(source, **fields), "attn_implementation": attention}
        options["dtype"] = torch.float32
        if random_init:
            return kind.from_config(**options).eval(), []
        found = {"use_safetensors": True, "key_mapping": {WRAPPED: ""}, "output_loading_info": True}
        model, report = kind.from_pretrained(base_of(source), **found, **options)
        if is_delta(source):
            model.load_state_dict(with_delta(model.state_dict(), source), strict=False)  # its head is no encoder's
    return model, sorted(report["missing_keys"])


@torch.inference_mode()
def check_attention(encoder, attention):
    """Raise ValueError unless an encoder computes with an attention what it does with its own, whatever padding stands behind
    a text, and gives the weights where it should. Two short rows show it; transformers takes a form that a model does not
    know in silence."""
    name, config = type(encoder).__name__, encoder.config
    other = 'use attention="eager"' if attention != "eager" else "it cannot be used here"
    pad, wanted = getattr(config, "pad_token_id", None) or 0, attention in ("eager", "bertnotes")
    ids = torch.tensor([token for token in range(getattr(config, "vocab_size", 0)) if token != pad][:7]).repeat(2, 1)
    mask = torch.ones_like(ids)
    ids[1, 3:], mask[1, 3:] = pad, 0
    try:
        found = encoder(input_ids=ids, attention_mask=mask, **({"output_attentions": True} if wanted else {}))
    except (RuntimeError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"{name} does not read texts as an encoder such as BERT does: {error}") from None
    if wanted and (not getattr(found, "attentions", None) or any(weights is None for weights in found.attentions)):
        form = '"eager", or ' if attention != "eager" else ""
        message = f'try {form}"blockwise" or "sdpa" where none are needed'
        raise ValueError(f'{name} gives no attention weights with attention="{attention}"; {message}')
    with quiet():
        encoder.set_attn_implementation("eager")
        if config._attn_implementation != "eager":
            raise ValueError(f'{name} has an attention of its own, which attention="{attention}" does not change: {other}')
        alone = encoder(input_ids=ids[1:, :3], attention_mask=mask[1:, :3])
        encoder.set_attn_implementation(attention)
    one, two = (outputs.get("last_hidden_state", outputs.get("pooler_output"))[-1] for outputs in (found, alone))
    if not torch.allclose(one[: len(two)], two, rtol=0, atol=1e-4 * max(1.0, two.abs().max().item())):
        raise ValueError(f'with attention="{attention}", {name} gives other numbers for a text with padding behind it: {other}')


def load_fast(attention, load):
    """What load(attention) gives or, where that form does not suit the model, load("eager"), which is slower and the same."""
    try:
        return load(attention)
    except ValueError:
        if attention == "eager":
            raise
        return load("eager")


def check_pieces(tokenizer, encoder):
    """Raise ValueError where a tokenizer knows pieces that an encoder, transformers' or ours, has no vector for."""
    embedding = encoder.get_input_embeddings() if hasattr(encoder, "get_input_embeddings") else encoder.embeddings.word
    last, rows = max(tokenizer.get_vocab().values()), embedding.weight.shape[0]
    if last >= rows:
        raise ValueError(
            f"the tokenizer knows pieces up to id {last}, the model has vectors for {rows}: is it another model's, or "
            f"were pieces added to it (then the model needs resize_token_embeddings)?"
        )
