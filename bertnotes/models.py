"""A model's name (see names.py) becomes a tokenizer and an encoder, ready to show its attention. Used from page 05 on."""

from pathlib import Path

import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer

from bertnotes.attention import use_in_transformers
from bertnotes.blockwise import use_blockwise_in_transformers
from bertnotes.checkpoint import base_of, is_delta, with_delta
from bertnotes.names import explained, find_model, quiet


def load_tokenizer(name="mini"):
    """Load the tokenizer of a model: text to ids in its vocabulary.

    Raises FileNotFoundError where the folder or the hub id is not to be had, ValueError where the folder is damaged.
    """
    source = base_of(find_model(name))
    if isinstance(source, Path) and not any((source / file).is_file() for file in ("tokenizer.json", "vocab.txt")):
        raise ValueError(f"{source} is not a whole checkpoint folder: it holds no tokenizer.json and no vocab.txt")
    with quiet(), explained(source):
        return AutoTokenizer.from_pretrained(source)


def load_encoder(name="mini", attention="eager", attention_dropout=None, random_init=False):
    """Load a pre-trained encoder in float32, in evaluation mode.

    attention: "eager" (transformers' own, gives attention weights), "bertnotes" (ours, gives them too), "blockwise" (ours a
    slice at a time: faster on a processor, gives none) or "sdpa" (torch's fused one: faster on a GPU, gives none). Call it
    with output_attentions=True: `attentions` is a tuple, one (batch, head, query_pos, key_pos) a layer.
    attention_dropout: the share of attention weights dropped in training [default: as the model says].
    random_init: random weights in the model's architecture instead of its own: a control.
    Raises FileNotFoundError where the folder or the hub id is not to be had; ValueError where the folder is no whole
    checkpoint, or the model returns no attention weights although it was asked to.
    """
    if attention not in ("eager", "bertnotes", "blockwise", "sdpa"):
        raise ValueError(f'attention is "eager", "bertnotes", "blockwise" or "sdpa"; got {attention!r}')
    if attention_dropout is not None and not 0 <= attention_dropout < 1:
        raise ValueError(f"attention_dropout is a share, from 0 to below 1; got {attention_dropout}")
    use_in_transformers()
    use_blockwise_in_transformers()
    source = find_model(name)
    fields = () if attention_dropout is None else ("attention_probs_dropout_prob", "attention_dropout")  # BERT's, DistilBERT's
    with quiet(), explained(source):
        config = AutoConfig.from_pretrained(source, **dict.fromkeys(fields, attention_dropout))
        kind = {"config": config, "attn_implementation": attention, "dtype": torch.float32}
        if random_init:
            encoder, report = AutoModel.from_config(**kind).eval(), {"missing_keys": ()}
        else:
            encoder, report = AutoModel.from_pretrained(base_of(source), use_safetensors=True, output_loading_info=True, **kind)
            if is_delta(source):
                encoder.load_state_dict(with_delta(encoder.state_dict(), source), strict=False)  # its head is no encoder's
    missing = sorted(key for key in report["missing_keys"] if not key.startswith("pooler."))  # some come without a pooler
    if missing:
        raise ValueError(f"{source} is not a whole checkpoint: {len(missing)} weights are missing, such as {missing[0]}")
    if attention not in ("blockwise", "sdpa"):
        _check_attentions(encoder, attention)
    return encoder


def check_pieces(tokenizer, encoder):
    """Raise ValueError where a tokenizer knows pieces that an encoder, transformers' or ours, has no vector for."""
    embedding = encoder.get_input_embeddings() if hasattr(encoder, "get_input_embeddings") else encoder.embeddings.word
    last, rows = max(tokenizer.get_vocab().values()), embedding.weight.shape[0]
    if last >= rows:
        raise ValueError(
            f"the tokenizer knows pieces up to id {last}, the model has vectors for {rows}: is it another model's, or "
            f"were pieces added to it (then the model needs resize_token_embeddings)?"
        )


@torch.inference_mode()
def _check_attentions(encoder, attention):
    outputs = encoder(torch.zeros(1, 2, dtype=torch.long), output_attentions=True)
    attentions = getattr(outputs, "attentions", None)
    if not attentions or any(weights is None for weights in attentions):
        raise ValueError(
            f'{type(encoder).__name__} gives no attention weights with attention="{attention}"; try "eager", or "blockwise" '
            f'or "sdpa" where none are needed'
        )
