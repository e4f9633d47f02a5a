"""A classifier of texts: a pre-trained encoder and one linear layer on its pooled output. It knows its classes and how to read.

Fine-tuned in page 10. Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
Understanding", section 4.1.
"""

import json
import re
from collections import OrderedDict
from pathlib import Path

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import BatchSampler
from transformers import AutoConfig

from bertnotes.batching import check_max_length, check_truncation, longest_first, token_ids
from bertnotes.checkpoint import check_weights, read_weights
from bertnotes.data import clean_review, default_names
from bertnotes.devices import autocast, fast_precision, inference
from bertnotes.dropout import use_drop
from bertnotes.files import whole
from bertnotes.lora import check_base, is_learned, low_rank_layers, save_delta
from bertnotes.models import check_pieces, load_encoder, load_tokenizer
from bertnotes.names import find_model, model_name
from bertnotes.tables import as_texts, one_by_one

HEAD = ("classifier.weight", "classifier.bias")
Tokens = Int[Tensor, "batch position"]
Features = Float[Tensor, "batch hidden_size"]
Logits = Float[Tensor, "batch num_classes"]


class BERTClassifier(nn.Module):
    """A pre-trained encoder with a classification head.

    bert_model_name: "mini", a checkpoint folder or a hub id; num_classes: how many labels.
    attention: "bertnotes" (`scaled_dot_product_attention`), "blockwise" (the same, faster on a processor), "sdpa" (torch's,
    faster on a GPU) or "eager". options: see `load_encoder`.
    class_names: in the order of the labels [default: negative and positive; LABEL_0, LABEL_1, ... where there are more].
    forward: with output_attentions=True (logits, attentions), one (batch, head, query_pos, key_pos) a layer, before dropout.
    max_length, truncation, precision: how it reads a text; `read_as` says it, and `save_pretrained` keeps it.
    """

    def __init__(self, bert_model_name="mini", num_classes=2, attention="bertnotes", class_names=None, **options):
        super().__init__()
        if num_classes < 2:
            raise ValueError(f"a classifier tells at least 2 classes apart; got num_classes={num_classes}")
        names = (
            default_names(num_classes) if class_names is None else tuple(one_by_one(class_names, "class names", "[name, ...]"))
        )
        if len(set(names)) != num_classes or len(names) != num_classes:
            raise ValueError(f"{num_classes} classes have as many different names; got class_names={names}")
        self.bert = load_encoder(bert_model_name, attention, **options)
        self.base = model_name(bert_model_name)  # a delta says what it is a delta of
        config = self.bert.config
        config.id2label, config.label2id = dict(enumerate(names)), {name: label for label, name in enumerate(names)}
        self.dropout = nn.Dropout(getattr(config, "hidden_dropout_prob", 0.1))
        self.classifier = nn.Linear(config.hidden_size, num_classes)
        nn.init.normal_(self.classifier.weight, std=getattr(config, "initializer_range", 0.02))
        nn.init.zeros_(self.classifier.bias)
        use_drop(self)
        self.read_as(min(128, config.max_position_embeddings))

    def forward(
        self, input_ids: Tokens, attention_mask: Tokens, output_attentions: bool = False, token_type_ids: Tokens | None = None
    ) -> Logits | tuple[Logits, tuple]:
        check_max_length(input_ids.shape[1], self.bert.config.max_position_embeddings)
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}  # not every encoder takes them
        outputs = self.bert(input_ids=input_ids, attention_mask=attention_mask, output_attentions=output_attentions, **types)
        logits = self.head(pooled(outputs))
        return (logits, outputs.attentions) if output_attentions else logits

    def features(self, input_ids: Tokens, attention_mask: Tokens) -> Features:
        """What the encoder makes of each text."""
        return pooled(self.bert(input_ids=input_ids, attention_mask=attention_mask))

    @property
    def head(self) -> nn.Sequential:
        """What makes logits of features: dropout and the linear layer, whose weights have the same names in it as here."""
        return nn.Sequential(OrderedDict(dropout=self.dropout, classifier=self.classifier))

    def train(self, mode=True):
        """As in every module, but an encoder that learns nothing stays in evaluation mode: no dropout, the same features."""
        super().train(mode)
        if not any(weight.requires_grad for weight in self.bert.parameters()):
            self.bert.eval()
        return self

    @property
    def class_names(self):
        """The names of the classes, in the order of the logits."""
        return tuple(self.bert.config.id2label[label] for label in range(self.classifier.out_features))

    def read_as(self, max_length, truncation="head", precision="fp32"):
        """From now on read max_length tokens of a text ([CLS] and [SEP] included), of a longer one its "head", "tail" or
        "head+tail", and compute in "fp32" or, where the device is fast at it, "bf16". `fit` says how it trained.

        Raises ValueError where the model cannot read so many tokens, or there is no such part or precision.
        """
        check_max_length(max_length, self.bert.config.max_position_embeddings)
        check_truncation(truncation)
        autocast("cpu", precision)
        self.max_length, self.truncation, self.precision = max_length, truncation, precision

    def save_pretrained(self, folder, tokenizer):
        """Write config.json, model.safetensors and the tokenizer to a folder, in the layout of transformers; of a model with
        low-rank changes (lora.py) only what they learned, in the layout of peft.

        `from_pretrained` and `load_encoder` (for its attention) read it; of a BERT, transformers'
        AutoModelForSequenceClassification too. Raises ValueError where low-rank changes are not to the weights of the base.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        config = type(self.bert.config)(**self.bert.config.to_diff_dict())
        config.bertnotes = {"max_length": self.max_length, "truncation": self.truncation, "precision": self.precision}
        config.architectures = ["BertForSequenceClassification"] if config.model_type == "bert" else None
        weights = {self.name_on_disk(name): self.state_dict()[name].contiguous() for name in self.names_to_save()}
        if low_rank_layers(self.bert):
            config.bertnotes["base_sha256"] = check_base(self.bert, self.base)
            config.save_pretrained(folder)
            return save_delta(folder, weights, self.base)
        config.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        with whole(folder / "model.safetensors") as partial:
            save_file(weights, partial, metadata={"format": "pt"})

    def load_weights(self, folder):
        """Put the weights that `save_pretrained` wrote back into this model."""
        saved = read_weights(Path(folder))
        self.load_state_dict({name: saved[self.name_on_disk(name)] for name in self.names_to_save()}, strict=False)

    def names_to_save(self):
        """The names of the weights that are saved: of all or, of low-rank changes, of what they learned."""
        learned = is_learned if low_rank_layers(self.bert) else None
        return list(filter(learned, self.state_dict()))

    def restore_reading(self, folder):
        """Read as the classifier in a folder did: as its config.json says or, of an earlier version, the settings of its run
        that lie beside it. Raises ValueError where these are damaged."""
        try:
            run = Path(folder) / "train_config.json"
            told = getattr(self.bert.config, "bertnotes", None) or json.loads(run.read_text(encoding="utf-8"))
            truncation = told.get("truncation", told.get("keep", "head"))  # its first name
            self.read_as(told["max_length"], truncation, told.get("precision", "fp32"))
        except FileNotFoundError:
            pass  # nothing tells
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"how the model in {folder} reads is damaged ({error!r}); copy or train it again") from None

    def name_on_disk(self, name):
        """What transformers calls a weight of ours: an encoder that is no BERT has a name of its own, such as distilbert."""
        return re.sub(r"^bert\.", f"{self.bert.base_model_prefix}.", name)

    @classmethod
    def from_pretrained(cls, folder, attention="bertnotes"):
        """Load what `save_pretrained` wrote: (model, tokenizer), the model in evaluation mode.

        Raises FileNotFoundError or ValueError where the folder is missing, damaged, or no classifier.
        """
        folder = find_model(str(folder))
        if not isinstance(folder, Path):
            raise FileNotFoundError(f"no folder {folder}; expected one that `bertnotes train --out` wrote")
        try:
            head = {name: weight for name, weight in read_weights(folder).items() if name in HEAD}
        except (SafetensorError, OSError) as error:
            raise ValueError(f"the weights in {folder} are missing, truncated or damaged: {error}") from None
        if set(head) != set(HEAD):
            raise ValueError(
                f"{folder} holds an encoder but no classifier; fine-tune it first: bertnotes train --model {folder} --out DIR"
            )
        names = AutoConfig.from_pretrained(folder).id2label
        model = cls(str(folder), len(names), attention, [names[label] for label in sorted(names)])
        model.restore_reading(folder)
        check_weights(head, {name: model.get_parameter(name) for name in HEAD}, folder)
        model.load_state_dict(head, strict=False)
        tokenizer = load_tokenizer(str(folder))
        check_pieces(tokenizer, model.bert)
        return model.eval(), tokenizer


def pooled(outputs) -> Features:
    """The pooled output of an encoder; of one without a pooler, the [CLS] vector as it is."""
    found = getattr(outputs, "pooler_output", None)
    return outputs.last_hidden_state[:, 0] if found is None else found


def read_texts(texts, model, tokenizer, max_length=None, truncation=None):
    """Texts as a classifier reads them, for a verdict or its explanation: cleaned, and cut as in its training unless told
    otherwise. Returns the ids of each text, a list of lists of int."""
    max_length = model.max_length if max_length is None else max_length
    check_max_length(max_length, model.bert.config.max_position_embeddings)
    texts = [clean_review(text) for text in as_texts(texts)]
    return token_ids(texts, tokenizer, max_length, truncation or model.truncation)


def predict_probabilities(
    texts, model, tokenizer, device=None, max_length=None, batch_size=32, truncation=None, precision=None
) -> Float[Tensor, "text num_classes"]:
    """Probability of each class for each text: rows in the order of the texts, on the CPU.

    device: where to compute [default: where the model is; it is there again afterwards]. max_length, truncation, precision: see
    `read_as` [default: as the model was trained, and bf16 only where the device is fast at it].
    """
    ids = read_texts(texts, model, tokenizer, max_length, truncation)
    if not ids:
        raise ValueError("there is no text to predict; expected at least one")
    order = longest_first([len(one) for one in ids])  # texts of like length need little padding
    probabilities = torch.empty(len(ids), model.classifier.out_features)
    with inference(model, device) as device, autocast(device, precision or fast_precision(device, model.precision)):
        for rows in BatchSampler(order, batch_size, drop_last=False):
            batch = tokenizer.pad({"input_ids": [ids[row] for row in rows]}, return_tensors="pt").to(device)
            probabilities[rows] = model(batch["input_ids"], batch["attention_mask"]).float().softmax(-1).cpu()
    return probabilities


def predict_sentiment(text, model, tokenizer, device=None, max_length=None):
    """Name the likeliest class of one text: of a review "positive" or "negative". It is read as the model was trained to."""
    probabilities = predict_probabilities([text], model, tokenizer, device, max_length)
    return model.class_names[probabilities[0].argmax().item()]
