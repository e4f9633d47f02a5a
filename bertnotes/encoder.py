"""BERT from scratch: three embeddings, a stack of layers, a pooler, and the head that guesses masked words.

To be read from top to bottom; page 05 takes it apart. Attention is that of attention.py. The weights of any BERT
checkpoint fit in, and the numbers that come out are those of transformers.

Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding"; Vaswani et al. 2017,
"Attention Is All You Need" (the layer); Hendrycks & Gimpel 2016, "Gaussian Error Linear Units (GELUs)".
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import gelu, linear

from bertnotes.attention import MultiHeadAttention, padding_mask

Ids = Int[Tensor, "batch position"]
Hidden = Float[Tensor, "batch position hidden_size"]
Weights = Float[Tensor, "batch head query_pos key_pos"]


class Embeddings(nn.Module):
    """Three look-ups, added: which word piece, which position, which of two sentences. Then LayerNorm."""

    def __init__(self, config):
        super().__init__()
        self.word = nn.Embedding(config.vocab_size, config.hidden_size)
        self.position = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids: Ids, token_type_ids: Ids) -> Hidden:
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)
        return self.dropout(self.norm(self.word(input_ids) + self.position(positions) + self.token_type(token_type_ids)))


class Layer(nn.Module):
    """Look around (attention), then think (two linear maps with GELU between). Each adds to what was there, then LayerNorm."""

    def __init__(self, config):
        super().__init__()
        size, dropout = config.hidden_size, config.attention_probs_dropout_prob
        self.attention = MultiHeadAttention(size, config.num_attention_heads, dropout)
        self.attention_norm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.expand = nn.Linear(size, config.intermediate_size)
        self.contract = nn.Linear(config.intermediate_size, size)
        self.output_norm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, hidden: Hidden, mask: Bool[Tensor, "..."] | None = None) -> tuple[Hidden, Weights]:
        attended, weights = self.attention(hidden, mask=mask)
        hidden = self.attention_norm(hidden + self.dropout(attended))
        thought = self.contract(gelu(self.expand(hidden)))
        return self.output_norm(hidden + self.dropout(thought)), weights


class MaskedWordHead(nn.Module):
    """Hidden vectors to scores for each word piece: one more linear map, then the dot product with every word embedding."""

    def __init__(self, config):
        super().__init__()
        self.transform = nn.Linear(config.hidden_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(
        self, hidden: Float[Tensor, "*any hidden_size"], word_embedding: Float[Tensor, "vocabulary hidden_size"]
    ) -> Float[Tensor, "*any vocabulary"]:
        return linear(self.norm(gelu(self.transform(hidden))), word_embedding, self.bias)


@dataclass
class EncoderOutput:
    """What BertEncoder returns. The names are those of transformers."""

    last_hidden_state: Hidden
    pooler_output: Float[Tensor, "batch hidden_size"] | None  # None where the checkpoint has no pooler
    hidden_states: tuple[Hidden, ...]  # the embeddings, then one a layer
    attentions: tuple[Weights, ...]  # one a layer, before dropout


class BertEncoder(nn.Module):
    """BERT: embeddings, layers, and on [CLS] a pooler.

    config: transformers' BertConfig, or anything with its fields. pooler, head: whether to have them.
    attention_mask has 1 for a token and 0 for padding. Called with shapes that do not fit, an id that is not in the
    vocabulary, or too long a text, it raises ValueError.
    """

    def __init__(self, config, pooler=True, head=False):
        super().__init__()
        check_config(config)
        self.config = config
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size) if pooler else None
        self.head = MaskedWordHead(config) if head else None

    def forward(self, input_ids: Ids, attention_mask: Ids | None = None, token_type_ids: Ids | None = None) -> EncoderOutput:
        attention_mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        token_type_ids = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        check_input(self.config, input_ids, attention_mask, token_type_ids)
        hidden_states, attentions = [self.embeddings(input_ids, token_type_ids)], []
        for layer in self.layers:
            hidden, weights = layer(hidden_states[-1], padding_mask(attention_mask))
            hidden_states.append(hidden)
            attentions.append(weights)
        pooled = None if self.pooler is None else self.pooler(hidden[:, 0]).tanh()
        return EncoderOutput(hidden, pooled, tuple(hidden_states), tuple(attentions))

    def word_logits(self, hidden: Float[Tensor, "*any hidden_size"]) -> Float[Tensor, "*any vocabulary"]:
        """Scores of every word piece for hidden vectors of the last layer."""
        if self.head is None:
            raise ValueError('this checkpoint was saved without its head for masked words; "mini" has one')
        return self.head(hidden, self.embeddings.word.weight)

    @classmethod
    def from_pretrained(cls, name="mini"):
        """Load any BERT checkpoint: "mini", a folder, or a hub id. In float32, in evaluation mode.

        Pooler and head are there if the checkpoint has them. Raises FileNotFoundError or ValueError as `load_encoder` does,
        and ValueError where a weight is missing, unknown or of another shape, or the architecture is not BERT's.
        """
        from bertnotes.checkpoint import check_weights, read_checkpoint, rename_weights  # they need no encoder

        config, weights = read_checkpoint(name)
        weights = rename_weights(weights, name)
        encoder = cls(config, pooler="pooler.weight" in weights, head="head.bias" in weights)
        check_weights(weights, encoder.state_dict(), name)
        encoder.load_state_dict(weights)
        return encoder.eval()


def check_config(config):
    """Raise ValueError where the architecture is not the one built here."""
    for name, expected in (("model_type", "bert"), ("hidden_act", "gelu"), ("is_decoder", False)):
        if (value := getattr(config, name, expected)) != expected:
            raise ValueError(f"BertEncoder is an encoder with {name}={expected!r}; this configuration has {value!r}")


def check_input(config, input_ids, attention_mask, token_type_ids):
    """Raise ValueError where the input is not three (batch, position) tensors that this BERT can take."""
    shapes = [tuple(tensor.shape) for tensor in (input_ids, attention_mask, token_type_ids)]
    if input_ids.ndim != 2 or len(set(shapes)) > 1:
        raise ValueError(f"ids, mask and token types are each (batch, position), of one shape; got {shapes}")
    if not 0 < input_ids.shape[1] <= config.max_position_embeddings:
        raise ValueError(f"this BERT has {config.max_position_embeddings} positions; got {input_ids.shape[1]} tokens")
    for name, ids, size in (("input_ids", input_ids, config.vocab_size), ("types", token_type_ids, config.type_vocab_size)):
        if ids.numel() and not 0 <= ids.min() <= ids.max() < size:
            raise ValueError(f"{name} run from 0 to {size - 1}; got {ids.min()} to {ids.max()}: another model's tokenizer?")
