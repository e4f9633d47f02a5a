"""A classifier of texts: a pre-trained encoder and one linear layer on its pooled output. It knows its classes and how to read.
Classifiers that others trained are read as they are.

Fine-tuned in page 10. Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
Understanding", section 4.1.
"""

import json
import re
import warnings
from collections import OrderedDict
from pathlib import Path

import torch
from jaxtyping import Float, Int
from safetensors.torch import load_model, save_file, save_model
from torch import Tensor, nn
from torch.utils.data import BatchSampler
from transformers import AutoConfig, AutoModelForSequenceClassification

from bertnotes.batching import check_max_length, check_truncation, longest_first, mean_by_text, most_tokens, token_rows
from bertnotes.checkpoint import check_weights, modern_name, read_weights
from bertnotes.data import clean_review, default_names
from bertnotes.devices import autocast, fast_precision, inference
from bertnotes.dropout import use_drop
from bertnotes.files import whole
from bertnotes.lora import check_base, is_learned, low_rank_layers, save_delta
from bertnotes.models import check_attention, check_pieces, load_encoder, load_pretrained, load_tokenizer
from bertnotes.names import explained, find_model, model_name, quiet
from bertnotes.tables import as_texts, one_by_one

HEAD = ("classifier.weight", "classifier.bias")
NO_CLASSIFIER = "{0} holds an encoder but no classifier; fine-tune it first: bertnotes train --model {0} --out DIR"
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
        check_features(self.bert)
        config = self.bert.config
        config.id2label, config.label2id = dict(enumerate(names)), {name: label for label, name in enumerate(names)}
        config.problem_type, _ = None, vars(config).pop("function_to_apply", None)  # they belonged to the old head
        self.architectures = ["BertForSequenceClassification"] if config.model_type == "bert" else None  # what can read it
        self.dropout = nn.Dropout(getattr(config, "hidden_dropout_prob", 0.1))
        self.classifier = nn.Linear(config.hidden_size, num_classes)
        nn.init.normal_(self.classifier.weight, std=getattr(config, "initializer_range", 0.02))
        nn.init.zeros_(self.classifier.bias)
        use_drop(self)
        self.read_as(min(128, most_tokens(self.bert)))

    def forward(
        self, input_ids: Tokens, attention_mask: Tokens, output_attentions: bool = False, token_type_ids: Tokens | None = None
    ) -> Logits | tuple[Logits, tuple]:
        check_max_length(input_ids.shape[1], most_tokens(self.bert))
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask, "output_attentions": output_attentions}
        if token_type_ids is not None and knows_pairs(self.bert):  # some tokenizers give them to models that have none
            inputs["token_type_ids"] = token_type_ids
        logits, outputs = self.run(inputs)
        return (logits, getattr(outputs, "attentions", None)) if output_attentions else logits

    def run(self, inputs):
        """Logits, and all else that the model gives."""
        outputs = self.bert(**inputs)
        return self.head(pooled(outputs)), outputs

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
        names = self.bert.config.id2label
        return tuple(names[label] for label in sorted(names))

    def read_as(self, max_length, truncation="head", precision="fp32"):
        """From now on read max_length tokens of a text ([CLS] and [SEP] included), of a longer one its "head", "tail" or
        "head+tail", or all of it in "windows", whose logits are averaged; and compute in "fp32" or, where the device is fast at
        it, "bf16". `fit` says how it trained.

        Raises ValueError where the model cannot read so many tokens, or there is no such part or precision.
        """
        check_max_length(max_length, most_tokens(self.bert))
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
        config.architectures = self.architectures
        if low_rank_layers(self.bert):
            config.bertnotes["base_sha256"] = check_base(self.bert, self.base)
            config.save_pretrained(folder)
            return save_delta(folder, self.weights_on_disk(), self.base)
        config.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        with whole(folder / "model.safetensors") as partial:
            self.save_weights(partial)

    def save_weights(self, path):
        """Write the weights to a file."""
        save_file(self.weights_on_disk(), path, metadata={"format": "pt"})

    def weights_on_disk(self):
        """The weights that are saved, by the names that they have on disk."""
        own = self.state_dict()
        return {there: own[here].contiguous() for here, there in self.names_on_disk().items()}

    def names_on_disk(self):
        """What transformers calls the weights that are saved, all or, of low-rank changes, what they learned: a dict from our
        names. An encoder that is no BERT has a name of its own there, such as distilbert."""
        prefix, learned = f"{self.bert.base_model_prefix}.", is_learned if low_rank_layers(self.bert) else None
        return {name: re.sub(r"^bert\.", prefix, name) for name in filter(learned, self.state_dict())}

    def load_weights(self, folder):
        """Put the weights that `save_pretrained` wrote back into this model."""
        saved = read_weights(Path(folder))
        self.load_state_dict({here: saved[there] for here, there in self.names_on_disk().items()}, strict=False)

    def load_head(self, folder):
        """Put the head that lies in a folder, and nothing else, on the encoder. Raises ValueError where that is another one."""
        with explained(folder):
            weights = {modern_name(name): weight for name, weight in read_weights(folder).items()}
        head = {name: weight for name, weight in weights.items() if name in HEAD}
        known = {self.bert.base_model_prefix, "classifier"}
        strange = sorted(name for name in weights if name.split(".")[0] not in known and self.architectures is None)
        if set(head) != set(HEAD):
            raise ValueError(NO_CLASSIFIER.format(folder))
        if strange:
            raise ValueError(f"{folder} has a head of its own, with {strange[0]}: its config.json has to name its architecture")
        check_weights(head, {name: self.get_parameter(name) for name in HEAD}, folder)
        self.load_state_dict(head, strict=False)

    def restore_reading(self, folder, most):
        """Read as the classifier in a folder did: as its config.json says or, of an earlier version, the settings of its run
        that lie beside it; where nothing tells, `most` tokens. Raises ValueError where these are damaged."""
        try:
            run = Path(folder) / "train_config.json"
            told = getattr(self.bert.config, "bertnotes", None) or json.loads(run.read_text(encoding="utf-8"))
            truncation = told.get("truncation", told.get("keep", "head"))  # its first name
            self.read_as(told["max_length"], truncation, told.get("precision", "fp32"))
        except FileNotFoundError:
            self.read_as(most)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"how the model in {folder} reads is damaged ({error!r}); copy or train it again") from None

    @classmethod
    def from_pretrained(cls, folder, attention="bertnotes"):
        """Load what `save_pretrained` wrote, or any other classifier of transformers: (model, tokenizer), the model in
        evaluation mode. One with a head of its own comes as a `WholeClassifier`.

        Raises FileNotFoundError or ValueError where the folder is missing, damaged, or no classifier that names one class.
        """
        folder = find_model(str(folder))
        if not isinstance(folder, Path):
            raise FileNotFoundError(f"no folder {folder}; expected one that `bertnotes train --out` wrote")
        with quiet(), explained(folder):
            config = AutoConfig.from_pretrained(folder)
        check_task(config, folder)
        if config.architectures and config.model_type != "bert":
            model = WholeClassifier.from_folder(folder, attention)
        else:
            names = config.id2label
            model = cls(str(folder), len(names), attention, [names[label] for label in sorted(names)])
            model.load_head(folder)
        tokenizer = load_tokenizer(str(folder))
        check_pieces(tokenizer, model.bert)
        model.restore_reading(folder, most=min(most_tokens(model.bert), tokenizer.model_max_length))
        return model.eval(), tokenizer


class WholeClassifier(BERTClassifier):
    """A classifier of transformers with the head that its architecture has, DistilBERT's or RoBERTa's say. It is used as any
    other, and its encoder is `bert`; only its last layer cannot be trained alone."""

    def __init__(self, model):
        nn.Module.__init__(self)
        self.model, self.architectures = model, [type(model).__name__]
        self.read_as(min(128, most_tokens(self.bert)))

    @classmethod
    def from_folder(cls, folder, attention):
        """Load it. Raises ValueError where weights are missing, or the attention does not suit its encoder."""
        model, missing = load_pretrained(AutoModelForSequenceClassification, folder, attention)
        if missing and not any(name.startswith(f"{model.base_model_prefix}.") for name in missing):
            raise ValueError(NO_CLASSIFIER.format(folder))
        if missing:
            raise ValueError(f"{folder} is not a whole checkpoint: {len(missing)} weights are missing, such as {missing[0]}")
        check_attention(model.base_model, attention)
        return cls(model)

    @property
    def bert(self):
        """Its encoder."""
        return self.model.base_model

    def run(self, inputs):
        """Logits, and all else that the model gives."""
        outputs = self.model(**inputs)
        return outputs.logits, outputs

    @property
    def base(self):
        """What its last layer, or a low-rank change, would be trained apart from: not to be had, raises ValueError."""
        raise ValueError(
            f"{type(self.model).__name__} has a head of its own and is trained whole; for frozen or lora put a new layer "
            f"on its encoder: BERTClassifier(folder, num_classes)"
        )

    def features(self, input_ids, attention_mask):
        """Not to be had apart from the head: raises ValueError."""
        return self.base

    def save_weights(self, path):
        """Write the weights to a file."""
        save_model(self.model, str(path), metadata={"format": "pt"})

    def load_weights(self, folder):
        """Put the weights that `save_pretrained` wrote back into this model."""
        load_model(self.model, Path(folder) / "model.safetensors")


def check_task(config, folder):
    """Raise ValueError where a model was not made to name one of several classes of a text."""
    kinds, names = config.architectures or [], config.id2label
    if kinds and not any(kind.endswith("ForSequenceClassification") for kind in kinds):
        raise ValueError(f"{NO_CLASSIFIER.format(folder)} (it is a {kinds[0]})")
    problem, function = getattr(config, "problem_type", None), getattr(config, "function_to_apply", None)
    if problem == "multi_label_classification" or function == "sigmoid":
        raise ValueError(f"{folder} may give a text several labels at once, or none; bertnotes reads those that give it one")
    if problem == "regression" or len(names) < 2:
        raise ValueError(f"{folder} gives a text a number; bertnotes reads models that name one of at least 2 classes")
    if sorted(names) != list(range(len(names))) or len(set(names.values())) < len(names):
        raise ValueError(f"{folder} does not name its classes 0, 1, ..., each by another name: config.json names them {names}")


@torch.inference_mode()
def check_features(encoder):
    """Raise ValueError where what stands for a text knows nothing of it, as the first vector of a GPT."""
    last = encoder.config.vocab_size - 1
    ids = torch.tensor([[last, last - 1, last - 2], [last, last - 1, last - 3]])
    one, other = pooled(encoder(input_ids=ids, attention_mask=torch.ones_like(ids)))
    if torch.equal(one, other):
        raise ValueError(
            f"{type(encoder).__name__} reads from left to right: its first vector, which a verdict would be made from, knows "
            f"nothing of the text behind it; take an encoder such as BERT"
        )


def knows_pairs(encoder):
    """Whether a model tells a first sentence from a second by token types."""
    return getattr(encoder.config, "type_vocab_size", 0) > 1


def pooled(outputs) -> Features:
    """The pooled output of an encoder; of one without a pooler, the [CLS] vector as it is."""
    found = getattr(outputs, "pooler_output", None)
    return outputs.last_hidden_state[:, 0] if found is None else found


def read_texts(texts, model, tokenizer, max_length=None, truncation=None):
    """Texts as a classifier reads them, for a verdict or its explanation: cleaned, and cut as in its training unless told
    otherwise. Returns (ids, text_of) as `batching.token_rows` does: a row a text, or a window of it."""
    max_length = model.max_length if max_length is None else max_length
    check_max_length(max_length, most_tokens(model.bert))
    texts = [clean_review(text) for text in as_texts(texts)]
    return token_rows(texts, tokenizer, max_length, truncation or model.truncation)


def read_one(text, model, tokenizer, max_length=None, truncation=None) -> Int[Tensor, "1 position"]:
    """One text as a classifier reads it, to look inside: its ids. Of a text that it reads in windows they are those of the
    first window, and a warning says so: attention and attribution stay within one."""
    ids, _ = read_texts([text], model, tokenizer, max_length, truncation)
    if len(ids) > 1:
        warnings.warn(f"the model reads this text in {len(ids)} windows; shown is the first of them alone", stacklevel=3)
    return torch.tensor(ids[:1])


def predict_probabilities(
    texts, model, tokenizer, device=None, max_length=None, batch_size=32, truncation=None, precision=None
) -> Float[Tensor, "text num_classes"]:
    """Probability of each class for each text: rows in the order of the texts, on the CPU.

    device: where to compute [default: where the model is; it is there again afterwards]. max_length, truncation, precision: see
    `read_as` [default: as the model was trained, and bf16 only where the device is fast at it].
    """
    ids, text_of = read_texts(texts, model, tokenizer, max_length, truncation)
    if not ids:
        raise ValueError("there is no text to predict; expected at least one")
    order = longest_first([len(one) for one in ids])  # texts of like length need little padding
    logits = torch.empty(len(ids), len(model.class_names))
    with inference(model, device) as device, autocast(device, precision or fast_precision(device, model.precision)):
        for rows in BatchSampler(order, batch_size, drop_last=False):
            batch = tokenizer.pad({"input_ids": [ids[row] for row in rows]}, return_tensors="pt").to(device)
            logits[rows] = model(batch["input_ids"], batch["attention_mask"]).float().cpu()
    return mean_by_text(logits, torch.tensor(text_of)).softmax(-1)


def predict_sentiment(text, model, tokenizer, device=None, max_length=None):
    """Name the likeliest class of one text: of a review "positive" or "negative". It is read as the model was trained to."""
    probabilities = predict_probabilities([text], model, tokenizer, device, max_length)
    return model.class_names[probabilities[0].argmax().item()]
