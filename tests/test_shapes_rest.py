"""The shapes that signatures promise, checked at every call on small inputs: by beartype, in a process of its own."""

import subprocess
import sys

SCRIPT = """
import sys
import jaxtyping
jaxtyping.install_import_hook("bertnotes", "beartype.beartype")
import numpy as np
import torch
from bertnotes import attribution, evaluation, heads, masked_lm, readers
from bertnotes.classifier import BERTClassifier
from bertnotes.encoder import BertEncoder
from bertnotes.models import load_encoder, load_tokenizer

folder = sys.argv[1]
tokenizer, encoder = load_tokenizer(folder), load_encoder(folder)
texts = ["the film is not loved , the cast is", "a film", "good , good , good"]
batch = tokenizer(texts, padding=True, return_tensors="pt")

for from_scratch in (BertEncoder.from_pretrained(folder), BertEncoder(encoder.config, pooler=False, head=True)):
    for inputs in (batch, {"input_ids": batch["input_ids"]}):
        hidden = from_scratch(**inputs).last_hidden_state
    if from_scratch.head is not None:
        from_scratch.word_logits(hidden), from_scratch.word_logits(hidden[0, 0])

ids = torch.randint(2, 8, (4, 7))
kinds = {"hidden_size": 12, "num_heads": 3}
for reader in (readers.ElmoReader(9, 12), readers.GptReader(9, **kinds), readers.BertReader(9, 8, **kinds)):
    readers.train_reader(reader, ids, steps=2, batch_size=2)
    reader.guess(ids, 3), reader.guess(ids, 3, "left")
    readers.who_sees_whom(reader.read, reader.embed(ids[:1])[0])

heads.measure_heads(encoder, tokenizer, texts, max_length=16, batch_size=2)
heads.attention_moved(encoder, encoder, tokenizer, texts)
attentions = encoder(**batch, output_attentions=True).attentions
heads.attention_rollout(attentions)
heads.merge_pieces(attentions[0], ["a"] * attentions[0].shape[-1])

rows = masked_lm.pack(tokenizer, texts * 9, length=12)
for whole_words in (False, True):
    masked, labels = masked_lm.mask_tokens(rows.long(), tokenizer, 0.5, whole_words=whole_words)
from transformers import BertForMaskedLM
model = BertForMaskedLM(encoder.config)
masked_lm.guess(model, masked, labels), masked_lm.evaluate_guesses(model, rows, tokenizer)

model = BERTClassifier(folder)
explained = attribution.explain(model, tokenizer, texts[:2])
attribution.area_under(attribution.SHARES, attribution.deletion_curves(model, tokenizer, explained)["random"])
attribution.agreement(explained, "attention", "occlusion")

logits, labels = np.random.default_rng(0).normal(size=(6, 2)), [0, 1] * 3
evaluation.calibration_error(labels, evaluation.probabilities_of(logits, evaluation.best_temperature(labels, logits)))

for call in (
    lambda: heads.attention_rollout([attentions[0][0]]),  # no batch
    lambda: heads.ordinary(batch["input_ids"].float(), tokenizer),
    lambda: attribution.blank(batch["input_ids"], tokenizer),  # more than one text
    lambda: reader.guess(ids[0], 3),
    lambda: from_scratch(batch["input_ids"], batch["attention_mask"][:, 1:]),
    lambda: masked_lm.guess(model, ids, labels),
    lambda: evaluation.probabilities_of(logits[0]),
):
    try:
        call()
    except jaxtyping.TypeCheckError:
        print("refused")
"""


def test_what_goes_in_and_comes_out_has_the_shape_that_is_written(tiny_checkpoint):
    """Encoder, readers, heads, masked words, attribution and evaluation; and what has another shape is seen."""
    run = subprocess.run([sys.executable, "-c", SCRIPT, str(tiny_checkpoint)], capture_output=True, text=True, timeout=280)
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout.split() == ["refused"] * 7
