"""Pre-training: a model learns a language by guessing words that were hidden from it.

Holds the steps in the order in which they happen: a vocabulary is cut to what the texts need, texts become rows of
tokens, some tokens are masked, and the model is trained to name them. How the shipped model in data/mini was made.

Sources: Devlin et al. 2019, "BERT" (masking 80/10/10); Wu et al. 2016, "Google's Neural Machine Translation System"
(WordPiece); Izsak et al. 2021, "How to Train BERT with an Academic Budget" (a schedule over time instead of steps).
"""

import json
import os
import random
import time
from collections import Counter
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch.nn import functional
from tqdm import tqdm
from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

IGNORED = -100  # the label of a position that is not to be guessed; torch's cross-entropy passes it over

# words that the notebooks use and film reviews seldom do; a trimmed vocabulary keeps them whole
COURSE_WORDS = (
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september "
    "october november december spring autumn query deposit engineer transformer neural crane umbrella lemon pear trumpet "
    "projector usher aisle paris rome madrid berlin london france italy spain germany"
).split()


# --- vocabulary ------------------------------------------------------------------------------------------------------


def count_pieces(tokenizer, texts, batch_size=1000):
    """Count how often each id of the tokenizer's vocabulary occurs in the texts. Returns a Counter {id: count}."""
    counts = Counter()
    for start in tqdm(range(0, len(texts), batch_size), desc="counting pieces"):
        for ids in tokenizer(texts[start : start + batch_size], add_special_tokens=False)["input_ids"]:
            counts.update(ids)
    return counts


def choose_pieces(tokenizer, counts, size, keep_words=()):
    """Choose the pieces that a smaller vocabulary keeps: the ids of `size` pieces, ascending.

    Kept whatever their count: special tokens, the printable ASCII characters alone and as continuation (so that any
    English word can still be spelled), every other character that the texts hold, and `keep_words`. The rest goes by
    frequency.
    """
    vocabulary = tokenizer.get_vocab()
    ascii_characters = {chr(code) for code in range(33, 127)}
    kept = set(tokenizer.all_special_ids) | {vocabulary[word] for word in keep_words if word in vocabulary}
    for piece, piece_id in vocabulary.items():
        character = piece.removeprefix("##")
        if character in ascii_characters or (len(character) == 1 and counts[piece_id]):
            kept.add(piece_id)
    for piece_id, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if len(kept) >= size:
            break
        kept.add(piece_id)
    if len(kept) != size:
        raise ValueError(f"a vocabulary of {size} pieces was asked for, but the texts and the kept pieces give {len(kept)}")
    return sorted(kept)


def trim_tokenizer(tokenizer, kept):
    """Make the tokenizer whose vocabulary is the pieces with the ids in `kept`, renumbered 0..len(kept)-1 in that order."""
    pieces = tokenizer.convert_ids_to_tokens(kept)
    vocabulary = {piece: new for new, piece in enumerate(pieces)}
    description = json.loads(tokenizer.backend_tokenizer.to_str())
    description["model"]["vocab"] = vocabulary
    for token in description["added_tokens"]:
        token["id"] = vocabulary[token["content"]]
    for token in description["post_processor"]["special_tokens"].values():
        token["ids"] = [vocabulary[piece] for piece in token["tokens"]]
    description["padding"] = description["truncation"] = None
    return BertTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(description)), model_max_length=tokenizer.model_max_length
    )


def trim_encoder(encoder, kept):
    """Make a masked language model from a BertModel whose word embedding keeps only the rows in `kept`.

    Every other weight is taken over as it is. The head is new: its decoder is the word embedding itself (tied), its
    transform starts as the identity, so that before training a guess is already a word near the hidden vector.
    """
    config = BertConfig(**{**encoder.config.to_dict(), "vocab_size": len(kept), "architectures": ["BertForMaskedLM"]})
    model = BertForMaskedLM(config)
    model.bert = type(encoder)(config)  # with its pooler, which BertForMaskedLM leaves out
    weights = encoder.state_dict()
    weights["embeddings.word_embeddings.weight"] = weights["embeddings.word_embeddings.weight"][kept]
    model.bert.load_state_dict(weights)
    model.tie_weights()
    torch.nn.init.eye_(model.cls.predictions.transform.dense.weight)
    return model


# --- texts, rows and masks --------------------------------------------------------------------------------------------------


def choose_texts(labelled, unlabelled, held_out=1000, seed=0):
    """Choose what to train on and what to measure on: (texts, held_out_texts), lists of str, each text once, shuffled.

    Held out are some of the unlabelled texts that are not among the labelled ones as well.
    """
    labelled, unlabelled = list(dict.fromkeys(labelled)), list(dict.fromkeys(unlabelled))
    known = set(labelled)
    unlabelled = [text for text in unlabelled if text not in known]
    if not 0 < held_out < len(unlabelled):
        raise ValueError(f"cannot hold out {held_out} of {len(unlabelled)} distinct unlabelled texts")
    shuffled = random.Random(seed).sample(unlabelled, len(unlabelled))
    texts = labelled + shuffled[held_out:]
    return random.Random(seed).sample(texts, len(texts)), shuffled[:held_out]


def pack(tokenizer, texts, length=128):
    """Lay texts end to end and cut them into rows without padding: [CLS] 126 tokens [SEP].

    A [SEP] stands between two texts. What is left over at the end and does not fill a row is dropped.
    Returns ids of shape (rows, length), int32.
    """
    stream = []
    for start in tqdm(range(0, len(texts), 1000), desc="packing"):
        for ids in tokenizer(texts[start : start + 1000], add_special_tokens=False)["input_ids"]:
            stream.extend(ids)
            stream.append(tokenizer.sep_token_id)
    body = length - 2
    count = len(stream) // body
    if count == 0:
        raise ValueError(f"{len(texts)} texts give {len(stream)} tokens: too few for one row of {length}")
    rows = torch.tensor(stream[: count * body], dtype=torch.int32).view(count, body)
    edge = torch.ones(count, 1, dtype=torch.int32)
    return torch.cat([edge * tokenizer.cls_token_id, rows, edge * tokenizer.sep_token_id], dim=1)


def mask_tokens(input_ids, tokenizer, rate=0.15, generator=None):
    """Hide tokens for the model to guess, as BERT does: of the chosen ones 80 % become [MASK], 10 % a random piece, 10 % stay.

    input_ids: (batch, position). Special tokens are never chosen.
    Returns (masked_ids, labels), both (batch, position); labels hold the original id where a token was chosen and
    IGNORED elsewhere.
    """
    if not 0 < rate < 1:
        raise ValueError(f"the masking rate is a share between 0 and 1, such as 0.15; got {rate}")
    special = torch.isin(input_ids, torch.tensor(tokenizer.all_special_ids, device=input_ids.device))
    chance = torch.rand(input_ids.shape, generator=generator, device=input_ids.device)
    chosen = (chance < rate) & ~special
    labels = input_ids.masked_fill(~chosen, IGNORED)
    fate = torch.rand(input_ids.shape, generator=generator, device=input_ids.device)
    random_ids = torch.randint(len(tokenizer), input_ids.shape, generator=generator, device=input_ids.device)
    masked_ids = input_ids.masked_fill(chosen & (fate < 0.8), tokenizer.mask_token_id)
    masked_ids = torch.where(chosen & (fate >= 0.9), random_ids, masked_ids)
    return masked_ids, labels


# --- training --------------------------------------------------------------------------------------------------------


def guess(model, masked_ids, labels):
    """Logits for the chosen positions alone, and what stood there: (chosen, vocabulary), (chosen,).

    The head is as wide as the vocabulary; leaving out the positions that nobody asks about saves most of its work.
    """
    hidden = model.bert(masked_ids).last_hidden_state
    chosen = labels != IGNORED
    return model.cls(hidden[chosen]), labels[chosen]


@torch.inference_mode()
def evaluate_guesses(model, rows, tokenizer, rate=0.15, seed=0, batch_size=32):
    """Score a model on held-out rows, masked the same way on every call.

    Returns (loss, top1): mean cross-entropy in nats and the share of hidden tokens guessed right, over all chosen ones.
    """
    was_training = model.training
    model.eval()
    generator = torch.Generator().manual_seed(seed)
    loss = right = count = 0
    for batch in rows.split(batch_size):
        masked_ids, labels = mask_tokens(batch.long(), tokenizer, rate, generator)
        logits, targets = guess(model, masked_ids.to(model.device), labels.to(model.device))
        loss += functional.cross_entropy(logits.float(), targets, reduction="sum").item()
        right += (logits.argmax(-1) == targets).sum().item()
        count += len(targets)
    model.train(was_training)
    return loss / count, right / count


def learning_rate_factor(progress, warmup=0.03):
    """Share of the peak learning rate at `progress` (0 at the start, 1 at the end): linear up, then linear down to 0."""
    return progress / warmup if progress < warmup else max(0.0, (1 - progress) / (1 - warmup))


def save_state(path, model, optimizer, progress):
    """Write weights, optimizer state and a JSON-able progress record to one safetensors file: whole or not at all."""
    tensors = {"model/" + name: weight.contiguous() for name, weight in model.named_parameters()}
    for name, weight in model.named_parameters():
        for key, value in optimizer.state.get(weight, {}).items():
            tensors[f"optimizer/{key}/{name}"] = value
    partial = path.with_suffix(".partial")
    save_file(tensors, partial, metadata={"progress": json.dumps(progress)})
    os.replace(partial, path)


def load_state(path, model, optimizer):
    """Read what save_state wrote into model and optimizer; returns the progress record."""
    with safe_open(path, "pt") as file, torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(file.get_tensor("model/" + name))
        for name in file.keys():  # noqa: SIM118 (a file, not a dict)
            kind, _, rest = name.partition("/")
            if kind == "optimizer":  # none for a weight that has had no gradient, such as the pooler's
                key, _, weight = rest.partition("/")
                optimizer.state[model.get_parameter(weight)][key] = file.get_tensor(name)
        return json.loads(file.metadata()["progress"])


def pretraining_optimizer(model, learning_rate):
    """AdamW with weight decay on matrices only: biases and LayerNorm keep theirs."""
    matrices = [weight for weight in model.parameters() if weight.ndim > 1]
    vectors = [weight for weight in model.parameters() if weight.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), eps=1e-6)


def training_step(model, optimizer, batch, tokenizer, rate, generator):
    """Mask a batch (batch, position), guess, and follow the gradient one step. Returns the loss, in nats.

    Raises ValueError, before the weights are touched, where the gradient is not a finite number.
    """
    masked_ids, labels = mask_tokens(batch, tokenizer, rate, generator)
    with torch.autocast(model.device.type, torch.bfloat16):
        logits, targets = guess(model, masked_ids.to(model.device), labels.to(model.device))
        loss = functional.cross_entropy(logits.float(), targets)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    if not torch.isfinite(norm):
        raise ValueError(f"the gradient's norm is {norm}; try a lower learning rate. The last checkpoint is whole")
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def batches(rows, batch_size, seed, step=0):
    """Yield (step, batch, generator) without end, from `step` on: every row once a pass, shuffled anew each time.

    What a step sees and how it is masked depends on seed and step alone, so that a run can be taken up anywhere.
    """
    per_pass = len(rows) // batch_size
    while True:
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed + step // per_pass))
        for position in range(step % per_pass, per_pass):
            chosen = order[position * batch_size : (position + 1) * batch_size]
            yield step, rows[chosen].long(), torch.Generator().manual_seed(seed * 1_000_003 + step)
            step += 1


def pretrain(model, tokenizer, rows, held_out, out, minutes, learning_rate=3e-4, rate=0.2, batch_size=16, seed=0, every=5.0):
    """Train a masked language model on rows for so many minutes; the learning rate falls to 0 as the time runs out.

    rows, held_out: ids from `pack`. out: a folder; every so many minutes it gets a line in log.jsonl (minutes, tokens,
    train_loss, held_out_loss, held_out_top1) and state.safetensors, from which a later call with the same folder goes on.
    Returns the last log entry.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    optimizer = pretraining_optimizer(model, learning_rate)
    progress = {"step": 0, "seconds": 0.0, "loss": None}
    if (out / "state.safetensors").exists():
        progress = load_state(out / "state.safetensors", model, optimizer)
    else:
        write_entry(out, model, tokenizer, held_out, progress, batch_size * rows.shape[1])
    budget, next_check = minutes * 60, progress["seconds"] + every * 60
    model.train()
    for step, batch, generator in batches(rows, batch_size, seed, progress["step"]):
        started = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * learning_rate_factor(progress["seconds"] / budget)
        loss = training_step(model, optimizer, batch, tokenizer, rate, generator)
        smooth = loss if progress["loss"] is None else 0.99 * progress["loss"] + 0.01 * loss
        progress = {"step": step + 1, "seconds": progress["seconds"] + time.perf_counter() - started, "loss": smooth}
        if progress["seconds"] >= min(next_check, budget):
            save_state(out / "state.safetensors", model, optimizer, progress)
            entry = write_entry(out, model, tokenizer, held_out, progress, batch_size * rows.shape[1])
            if progress["seconds"] >= budget:
                return entry
            next_check = progress["seconds"] + every * 60


def write_entry(out, model, tokenizer, held_out, progress, tokens_a_step):
    """Measure the model on held-out rows and add a line to log.jsonl; returns it as a dict."""
    loss, top1 = evaluate_guesses(model, held_out, tokenizer)
    entry = {
        "minutes": round(progress["seconds"] / 60, 2),
        "tokens": progress["step"] * tokens_a_step,
        "train_loss": progress["loss"] and round(progress["loss"], 4),
        "held_out_loss": round(loss, 4),
        "held_out_top1": round(top1, 4),
    }
    with open(out / "log.jsonl", "a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")
    return entry


def save_masked_language_model(model, tokenizer, folder):
    """Write a model from `trim_encoder` to a folder in float16, with its tokenizer: what lies in data/mini."""
    model.config.hidden_dropout_prob = model.config.attention_probs_dropout_prob = 0.1  # for those who fine-tune it
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
