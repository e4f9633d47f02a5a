"""Hidden words: texts become rows of tokens, some tokens are masked, and a model is scored on naming them.

The task of pre-training; page 06. Devlin et al. 2019, "BERT" (masking 80/10/10, whole words since its 2019 release); Liu
et al. 2019, "RoBERTa" (packed rows, masks drawn anew); Wettig et al. 2023, "Should You Mask 15% in Masked Language Modeling?".
"""

import random
from functools import lru_cache

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from bertnotes.devices import inference

Ids = Int[Tensor, "batch position"]
IGNORED = -100  # the label of a position that is not to be guessed; torch's cross-entropy passes it over


# --- texts, rows and masks --------------------------------------------------------------------------------------------------


def choose_texts(labelled, unlabelled, held_out=1000, seed=0):
    """Choose what to train on and what to measure on: (texts, held_out_texts), lists of str, each text once, shuffled.

    Held out are some of the unlabelled texts that are not among the labelled ones as well.
    """
    labelled = dict.fromkeys(labelled)  # each text once, in order
    unlabelled = list(dict.fromkeys(text for text in unlabelled if text not in labelled))
    if not 0 < held_out < len(unlabelled):
        raise ValueError(f"cannot hold out {held_out} of {len(unlabelled)} distinct unlabelled texts")
    shuffled = random.Random(seed).sample(unlabelled, len(unlabelled))
    texts = [*labelled, *shuffled[held_out:]]
    return random.Random(seed).sample(texts, len(texts)), shuffled[:held_out]


def pack(tokenizer, texts, length=128) -> Int[Tensor, "row length"]:
    """Lay texts end to end and cut them into rows of ids without padding: [CLS] 126 tokens [SEP].

    A [SEP] stands between two texts. What is left over at the end and does not fill a row is dropped.
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


def mask_tokens(input_ids: Ids, tokenizer, rate=0.15, generator=None, whole_words=False) -> tuple[Ids, Ids]:
    """Hide tokens for the model to guess, as BERT does: of the chosen ones 80 % become [MASK], 10 % a random piece, 10 % stay.

    Special tokens are never chosen. whole_words: a word is chosen with all its pieces or not at all; a row that begins
    inside a word has that rest of it as a word of its own.
    Returns (masked_ids, labels); labels hold the original id where a token was chosen and IGNORED elsewhere.
    """
    if not 0 < rate < 1:
        raise ValueError(f"the masking rate is a share between 0 and 1, such as 0.15; got {rate}")
    special = torch.isin(input_ids, torch.tensor(tokenizer.all_special_ids, device=input_ids.device))
    chance = torch.rand(input_ids.shape, generator=generator, device=input_ids.device)
    if whole_words:
        starts = ~continues_word(tokenizer).to(input_ids.device)[input_ids]
        chance = chance.gather(1, starts.cumsum(1) - starts[:, :1].long())  # one draw a word: its number in the row
    chosen = (chance < rate) & ~special
    labels = input_ids.masked_fill(~chosen, IGNORED)
    fate = torch.rand(input_ids.shape, generator=generator, device=input_ids.device)
    random_ids = torch.randint(len(tokenizer), input_ids.shape, generator=generator, device=input_ids.device)
    masked_ids = input_ids.masked_fill(chosen & (fate < 0.8), tokenizer.mask_token_id)
    masked_ids = torch.where(chosen & (fate >= 0.9), random_ids, masked_ids)
    return masked_ids, labels


@lru_cache(maxsize=4)
def continues_word(tokenizer) -> Bool[Tensor, " vocabulary"]:
    """Which ids of a vocabulary go on with a word instead of beginning one ("##ing")."""
    return torch.tensor([piece.startswith("##") for piece in tokenizer.convert_ids_to_tokens(range(len(tokenizer)))])


# --- guesses ---------------------------------------------------------------------------------------------------------


@torch.inference_mode()
def word_probabilities(text: str, model, tokenizer) -> Float[Tensor, " vocabulary"]:
    """How likely each word piece is for the one [MASK] of a text, by a `BertEncoder`. ValueError where there is not one."""
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    masked = ids == tokenizer.mask_token_id
    if masked.sum() != 1:
        raise ValueError(f"write one {tokenizer.mask_token}, in capitals and square brackets; {text!r} has {int(masked.sum())}")
    return model.word_logits(model(ids).last_hidden_state[masked])[0].softmax(dim=-1)


def guess(model, masked_ids: Ids, labels: Ids) -> tuple[Float[Tensor, "chosen vocabulary"], Int[Tensor, " chosen"]]:
    """Logits for the chosen positions alone, and what stood there.

    The head is as wide as the vocabulary; leaving out the positions that nobody asks about saves most of its work.
    """
    hidden = model.bert(masked_ids).last_hidden_state
    chosen = labels != IGNORED
    return model.cls(hidden[chosen]), labels[chosen]


def evaluate_guesses(
    model, rows: Int[Tensor, "row position"], tokenizer, rate=0.15, seed=0, batch_size=32
) -> tuple[float, float]:
    """Score a model on held-out rows, masked the same way on every call.

    Returns (loss, top1): mean cross-entropy in nats and the share of hidden tokens guessed right, over all chosen ones.
    """
    generator = torch.Generator().manual_seed(seed)
    loss = right = count = 0
    with inference(model) as device:
        for batch in rows.split(batch_size):
            masked_ids, labels = mask_tokens(batch.long(), tokenizer, rate, generator)
            logits, targets = guess(model, masked_ids.to(device), labels.to(device))
            loss += functional.cross_entropy(logits.float(), targets, reduction="sum").item()
            right += (logits.argmax(-1) == targets).sum().item()
            count += len(targets)
    return loss / count, right / count
