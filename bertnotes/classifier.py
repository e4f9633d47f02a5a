"""A sentiment classifier: a pre-trained encoder and one linear layer on its pooled output.

Fine-tuned in page 10. Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
Understanding", section 4.1.
"""

import re
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoConfig

from bertnotes.batching import TextClassificationDataset, check_max_length, evaluation_loader, evaluation_order
from bertnotes.data import LABELS, clean_review
from bertnotes.devices import autocast
from bertnotes.dropout import use_drop
from bertnotes.files import whole
from bertnotes.models import load_encoder, load_tokenizer
from bertnotes.names import find_model

HEAD = ("classifier.weight", "classifier.bias")


class BERTClassifier(nn.Module):
    """A pre-trained encoder with a classification head.

    bert_model_name: "mini", a checkpoint folder or a hub id; num_classes: how many labels.
    attention: "bertnotes" (`scaled_dot_product_attention`), "blockwise" (the same, faster on a processor), "sdpa" (torch's,
    faster on a GPU) or "eager". options: see `load_encoder`.
    forward(input_ids, attention_mask): both (batch, position) -> logits (batch, num_classes); with output_attentions=True
    (logits, attentions), one (batch, head, query_pos, key_pos) a layer, before dropout.
    """

    def __init__(self, bert_model_name="mini", num_classes=2, attention="bertnotes", **options):
        super().__init__()
        if num_classes < 2:
            raise ValueError(f"a classifier tells at least 2 classes apart; got num_classes={num_classes}")
        self.bert = load_encoder(bert_model_name, attention, **options)
        config = self.bert.config
        self.dropout = nn.Dropout(getattr(config, "hidden_dropout_prob", 0.1))
        self.classifier = nn.Linear(config.hidden_size, num_classes)
        nn.init.normal_(self.classifier.weight, std=getattr(config, "initializer_range", 0.02))
        nn.init.zeros_(self.classifier.bias)
        use_drop(self)

    def forward(self, input_ids, attention_mask, output_attentions=False, token_type_ids=None):
        check_max_length(input_ids.shape[1], self.bert.config.max_position_embeddings)
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        if token_type_ids is not None:
            inputs["token_type_ids"] = token_type_ids
        outputs = self.bert(**inputs, output_attentions=output_attentions)
        logits = self.head(pooled(outputs))
        return (logits, outputs.attentions) if output_attentions else logits

    def features(self, input_ids, attention_mask):
        """What the encoder makes of each text: (batch, hidden_size)."""
        return pooled(self.bert(input_ids=input_ids, attention_mask=attention_mask))

    def head(self, features):
        """Logits (batch, num_classes) of what the encoder made of texts."""
        return self.classifier(self.dropout(features))

    def read_as(self, max_length, truncation, precision):
        """Remember how texts are read."""
        self.reading = max_length, truncation, precision
        return self

    @property
    def class_names(self):
        """The names of the classes, in the order of the logits: ("negative", "positive"), or LABEL_0, LABEL_1, ... for more."""
        num_classes = self.classifier.out_features
        return LABELS if num_classes == len(LABELS) else tuple(f"LABEL_{label}" for label in range(num_classes))

    def save_pretrained(self, folder, tokenizer):
        """Write config.json, model.safetensors and the tokenizer to a folder, in the layout of transformers.

        `from_pretrained` and `load_encoder` (for its attention) read it; of a BERT, transformers'
        AutoModelForSequenceClassification too.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        config = type(self.bert.config)(**self.bert.config.to_diff_dict())
        config.id2label = dict(enumerate(self.class_names))
        config.label2id = {name: label for label, name in enumerate(self.class_names)}
        config.architectures = ["BertForSequenceClassification"] if config.model_type == "bert" else None
        config.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        weights = {self.name_on_disk(name): weight.contiguous() for name, weight in self.state_dict().items()}
        with whole(folder / "model.safetensors") as partial:
            save_file(weights, partial, metadata={"format": "pt"})

    def load_weights(self, folder):
        """Put the weights that `save_pretrained` wrote back into this model."""
        saved = load_file(Path(folder) / "model.safetensors")
        self.load_state_dict({name: saved[self.name_on_disk(name)] for name in self.state_dict()})

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
            head = {name: weight for name, weight in load_file(folder / "model.safetensors").items() if name in HEAD}
        except (SafetensorError, OSError) as error:
            raise ValueError(f"the weights in {folder} are missing, truncated or damaged: {error}") from None
        if set(head) != set(HEAD):
            raise ValueError(
                f"{folder} holds an encoder but no classifier; fine-tune it first: bertnotes train --model {folder} --out DIR"
            )
        model = cls(str(folder), AutoConfig.from_pretrained(folder).num_labels, attention)
        with torch.no_grad():
            for name, weight in head.items():
                parameter = model.get_parameter(name)
                if parameter.shape != weight.shape:
                    raise ValueError(f"{folder}: {name} has shape {tuple(weight.shape)}, expected {tuple(parameter.shape)}")
                parameter.copy_(weight)
        return model.eval(), load_tokenizer(str(folder))


def pooled(outputs):
    """The pooled output of an encoder (batch, hidden_size); of one without a pooler, the [CLS] vector as it is."""
    found = getattr(outputs, "pooler_output", None)
    return outputs.last_hidden_state[:, 0] if found is None else found


@torch.inference_mode()
def predict_probabilities(
    texts, model, tokenizer, device="cpu", max_length=128, batch_size=32, truncation="head", precision="fp32"
):
    """Probability of each class for each text: a tensor (text, class), rows in the order of the texts, on the CPU.

    truncation: the part of a text longer than max_length tokens that is read, "head", "tail" or "head+tail". precision: "fp32"
    or "bf16".
    """
    check_max_length(max_length, model.bert.config.max_position_embeddings)
    texts = [clean_review(text) for text in texts]
    if not texts:
        raise ValueError("there is no text to predict; expected at least one")
    dataset = TextClassificationDataset(texts, [0] * len(texts), tokenizer, max_length, truncation)
    model.to(device).eval()
    with autocast(device, precision):
        rows = [
            model(batch["input_ids"].to(device), batch["attention_mask"].to(device)).float().softmax(-1).cpu()
            for batch in evaluation_loader(dataset, batch_size)
        ]
    order = torch.tensor(evaluation_order(dataset))
    return torch.cat(rows)[order.argsort()]


def predict_sentiment(text, model, tokenizer, device, max_length=128):
    """Say whether one review is "positive" or "negative"; of a model with more classes, the name of the likeliest."""
    probabilities = predict_probabilities([text], model, tokenizer, device, max_length)
    return model.class_names[probabilities[0].argmax().item()]
