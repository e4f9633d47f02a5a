"""The readers of page 04 in an encoder's place: of a BERT's size, to be fine-tuned and scored as it is.

transformers learns of them as models of their own, so that all that loads, saves and judges works on them. Their vector for a
text is, of a GPT, what it knows at the last token (Radford et al. 2018, section 3.2); of an ELMo, what both LSTMs know, on
average over the tokens: of a long text, much may be lost in the last state (Howard & Ruder 2018, section 3.3).
"""

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, BertConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

from bertnotes.models import load_tokenizer
from bertnotes.names import find_model
from bertnotes.readers import ElmoReader, GptReader

KINDS = ("elmo", "gpt")
SIZES = (  # what a reader has of a BERT
    "vocab_size hidden_size num_hidden_layers num_attention_heads max_position_embeddings hidden_dropout_prob pad_token_id"
).split()


class ReaderConfig(BertConfig):
    """What a reader is made of: a BERT's configuration, of which it goes by `SIZES`, and its kind, "elmo" or "gpt"."""

    model_type = "bertnotes-reader"

    kind: str = "gpt"


class ReaderModel(PreTrainedModel):
    """A reader without its guesses, and a pooler on what it knows of a text. Raises ValueError where there is no such kind.

    forward(input_ids, attention_mask), both (batch, position), padding behind -> an object with pooler_output (batch,
    hidden_size).
    """

    config_class = ReaderConfig
    base_model_prefix = "bert"  # what a classifier calls its encoder
    _supports_sdpa = True  # it brings its own attention, whichever is asked for

    def __init__(self, config):
        super().__init__(config)
        layers, dropout = config.num_hidden_layers, config.hidden_dropout_prob
        if config.kind == "elmo":  # two layers, as in the paper
            self.reader = ElmoReader(config.vocab_size, config.hidden_size, 2, as_large_as=layers, dropout=dropout)
            self.reader.to_word, width = None, 2 * self.reader.forwards.hidden_size
        elif config.kind == "gpt":
            sizes = (config.hidden_size, layers, config.num_attention_heads, config.max_position_embeddings)
            self.reader, width = GptReader(config.vocab_size, *sizes, dropout), config.hidden_size
        else:
            raise ValueError(f"a reader is one of {', '.join(KINDS)}; got {config.kind!r}")
        self.reader.bias = None  # of its guesses
        self.pooler = nn.Linear(width, config.hidden_size)
        self.post_init()

    def forward(self, input_ids, attention_mask=None, **_):
        attention_mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        read = read_elmo if self.config.kind == "elmo" else read_gpt
        known = read(self.reader, input_ids, attention_mask.sum(dim=1))
        return BaseModelOutputWithPooling(pooler_output=self.pooler(known).tanh())

    def get_input_embeddings(self):
        """The vectors of the pieces, as every model of transformers gives them."""
        return self.reader.word

    def _init_weights(self, module):
        """Leave the readers' weights as they draw them."""


def read_gpt(reader, ids, lengths):
    """What a GPT knows at the last token of each text: (batch, hidden_size). What stands behind it, it never sees."""
    return reader(ids)[torch.arange(len(ids)), lengths - 1]


def read_elmo(reader, ids, lengths):
    """What both LSTMs know, one read from each end, on average over the tokens of each text: (batch, 2 width)."""
    vectors = reader.embed(ids)
    ahead, back = reader.forwards(vectors)[0], reader.backwards(turned(vectors, lengths))[0]
    known = torch.cat([ahead, back], dim=-1)  # back is still turned round, which a mean does not mind
    inside = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
    return (known * inside[..., None]).sum(dim=1) / lengths[:, None]


def turned(vectors, lengths):
    """Vectors (batch, position, size) with the first `length` of each row in reverse order; padding stays behind."""
    places, lengths = torch.arange(vectors.shape[1], device=vectors.device), lengths[:, None]
    order = torch.where(places < lengths, lengths - 1 - places, places)
    return vectors.gather(1, order[..., None].expand_as(vectors))


def write_reader(folder, kind, like="mini"):
    """Write to a folder what `load_encoder(folder, random_init=True)` needs: the configuration of a reader as large as a BERT,
    and that BERT's tokenizer."""
    bert = AutoConfig.from_pretrained(find_model(like))
    ReaderConfig(kind=kind, **{name: getattr(bert, name) for name in SIZES}).save_pretrained(folder)
    load_tokenizer(like).save_pretrained(folder)


AutoConfig.register(ReaderConfig.model_type, ReaderConfig)
AutoModel.register(ReaderConfig, ReaderModel)
