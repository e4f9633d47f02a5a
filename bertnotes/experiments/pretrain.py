"""Pre-training: a model learns a language by guessing words that were hidden from it, on one processor or several.

A run is a folder: recipe.json, log.jsonl and state.safetensors, from which it goes on after it was stopped. How the shipped
model in data/mini was made; notebook 06.

Devlin et al. 2019, "BERT"; Izsak et al. 2021, "How to Train BERT with an Academic Budget"; Jordan et al. 2024, "Muon".
"""

import copy
import json
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from accelerate.utils import broadcast_object_list
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from bertnotes.checkpoint import read_checkpoint
from bertnotes.data import read_reviews
from bertnotes.devices import autocast, best_device
from bertnotes.experiments.engine import (
    check_same,
    checksum,
    claimed,
    join_processes,
    lines_of,
    load_checkpoint,
    read_lines,
    restore_state,
    save_checkpoint,
    state_of,
)
from bertnotes.experiments.vocabulary import COURSE_WORDS, choose_pieces, count_pieces, trim_encoder, trim_tokenizer
from bertnotes.files import write_whole
from bertnotes.masked_lm import IGNORED, choose_texts, evaluate_guesses, guess, mask_tokens
from bertnotes.models import load_encoder, load_tokenizer


@dataclass
class Recipe:
    """What a pre-training run may choose. The defaults made data/mini, but for the number of steps.

    batch_size: rows a step, over all processes; length: tokens a row; mask_rate: share of tokens hidden; whole_words: hide all
    pieces of a word or none; optimizer: "adamw" or "muon" (on the layers' matrices, AdamW on the rest); learning_rate: the
    peak; warmup: the share of steps on the way up to it; compiled: have torch.compile write the encoder's code, which is faster
    after a minute and needs a C++ compiler on a CPU; precision: "bf16" or "fp32".
    """

    steps: int = 5000
    batch_size: int = 16
    length: int = 128
    mask_rate: float = 0.2
    whole_words: bool = False
    optimizer: str = "adamw"
    learning_rate: float = 3e-4
    warmup: float = 0.03
    seed: int = 0
    compiled: bool = False
    precision: str = "bf16"


# --- texts and a model to train ---------------------------------------------------------------------------------------------


def read_texts(folder, seed=0):
    """Read what to train on from a folder that `bertnotes data` wrote: (texts, held_out_texts), of train and unsup alone.

    The test split is never opened, so that a model can be scored on it later. Raises as `read_reviews` does.
    """
    train, unsup = (read_reviews(Path(folder) / f"{split}.csv.xz", ("review",))["review"] for split in ("train", "unsup"))
    return choose_texts(train, unsup, seed=seed)


def load_head(model, head, source):
    """Put a checkpoint's head for masked words, a dict of tensors, into a model, all of it or nothing.

    The oldest checkpoints, bert-base-uncased among them, call LayerNorm's weight gamma and its bias beta. The decoder may be
    left out: it is the word embedding. Raises ValueError where a weight is missing or unknown.
    """
    names = {
        name: name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias") for name in head
    }
    expected = {name for name in model.state_dict() if name.startswith("cls.predictions.")}
    needed = {name for name in expected if ".decoder." not in name}
    missing, unknown = sorted(needed - set(names.values())), sorted(set(names.values()) - expected)
    if missing or unknown:
        raise ValueError(f"{source} does not hold BERT's head for masked words: missing {missing[:3]}, unknown {unknown[:3]}")
    model.load_state_dict({names[name]: weight.float() for name, weight in head.items()}, strict=False)


def starting_model(start, texts, vocabulary=10_000, random_init=False, seed=0):
    """Make the masked language model that a run begins with: (model, tokenizer).

    start: a checkpoint; its vocabulary is cut to what the texts need where it is larger than asked for. A head for masked
    words is taken over if the checkpoint has one and its vocabulary stays whole; else the head is that of `trim_encoder`.
    random_init: keep its architecture and vocabulary, but draw all weights at random (the control that shows what a start is
    worth). There is no dropout: one pass over much text does not overfit. Raises ValueError where the head is not whole.
    """
    torch.manual_seed(seed)
    encoder, tokenizer = load_encoder(start, "sdpa"), load_tokenizer(start)
    encoder.config.hidden_dropout_prob = encoder.config.attention_probs_dropout_prob = 0.0
    kept = list(range(len(tokenizer)))
    if len(kept) > vocabulary:
        kept = choose_pieces(tokenizer, count_pieces(tokenizer, texts), vocabulary, COURSE_WORDS)
        tokenizer = trim_tokenizer(tokenizer, kept)
    model = trim_encoder(encoder, kept)
    head = {name: weight for name, weight in read_checkpoint(start)[1].items() if name.startswith("cls.predictions.")}
    if head and len(kept) == encoder.config.vocab_size:
        load_head(model, head, start)
    if random_init:
        model.apply(model._init_weights)
    model.bert.pooler.requires_grad_(False)  # masked words give it no gradient
    if not model.bert.pooler.dense.bias.any():  # nor did it ever get one: then it had better hand on what it is given
        torch.nn.init.eye_(model.bert.pooler.dense.weight)
    return model, tokenizer


# --- training --------------------------------------------------------------------------------------------------------


class Guesser(nn.Module):
    """A masked language model whose forward pass is the sum of its losses: the form in which processes share gradients."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, masked_ids, labels):
        logits, targets = guess(self.model, masked_ids, labels)
        return functional.cross_entropy(logits.float(), targets, reduction="sum")


def learning_rate_factor(progress, warmup=0.03):
    """Share of the peak learning rate at `progress` (0 at the start, 1 at the end): linear up, then linear down to 0."""
    return progress / warmup if progress < warmup else max(0.0, (1 - progress) / (1 - warmup))


def pretraining_optimizers(model, recipe):
    """The optimizers of a run, one or two. Weight decay is on matrices only: biases and LayerNorm keep theirs."""
    if recipe.optimizer not in ("adamw", "muon"):
        raise ValueError(f'optimizer is "adamw" or "muon"; got {recipe.optimizer!r}')
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    inner = [
        weight for name, weight in trained.items() if weight.ndim == 2 and ".layer." in name and recipe.optimizer == "muon"
    ]
    taken = {id(weight) for weight in inner}
    rest = [weight for weight in trained.values() if id(weight) not in taken]
    groups = [
        {"params": [weight for weight in rest if weight.ndim > 1], "weight_decay": 0.01},
        {"params": [weight for weight in rest if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=True)
    if not inner:
        return [adamw]
    # scaled so that a step is as large as AdamW's would be: one learning rate serves both
    muon = torch.optim.Muon(inner, lr=recipe.learning_rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    return [muon, adamw]


def batches(rows, batch_size, seed, step=0):
    """Yield (step, batch, generator) without end, from `step` on: every row once a pass, shuffled anew each time.

    What a step sees and how it is masked depends on seed and step alone, so that a run can be taken up anywhere.
    Raises ValueError where there are fewer rows than a batch has.
    """
    per_pass = len(rows) // batch_size
    if per_pass == 0:
        raise ValueError(f"{len(rows)} rows do not fill one batch of {batch_size}; give more text or a smaller batch")
    while True:
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed + step // per_pass))
        for position in range(step % per_pass, per_pass):
            chosen = order[position * batch_size : (position + 1) * batch_size]
            yield step, rows[chosen].long(), torch.Generator().manual_seed(seed * 1_000_003 + step)
            step += 1


def training_step(guesser, optimizers, batch, tokenizer, recipe, generator, accelerator):
    """Mask a batch (batch, position), guess this process's share of it, and follow the gradient of all one step.

    Returns the loss of the share, in nats. The whole batch is masked in every process, so that masks do not depend on how
    many there are. Raises ValueError, before the weights are touched, where the gradient is not a finite number.
    """
    masked_ids, labels = mask_tokens(batch, tokenizer, recipe.mask_rate, generator, recipe.whole_words)
    count, processes = (labels != IGNORED).sum().item(), accelerator.num_processes
    share = slice(accelerator.process_index, None, processes)
    with autocast(accelerator.device, recipe.precision):
        total = guesser(masked_ids[share].to(accelerator.device), labels[share].to(accelerator.device))
    accelerator.backward(total * processes / count)  # processes average their gradients
    weights = [weight for optimizer in optimizers for group in optimizer.param_groups for weight in group["params"]]
    norm = nn.utils.clip_grad_norm_(weights, 1.0)
    if not torch.isfinite(norm):
        raise ValueError(f"the gradient's norm is {norm}; try a lower learning rate. The last checkpoint is whole")
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    return total.item() / max(1, (labels[share] != IGNORED).sum().item())


def pretrain(model, tokenizer, rows, held_out, out, recipe=None, accelerator=None, every=250, began_as=None):
    """Train a masked language model on rows for recipe.steps steps; the learning rate falls to 0 on the way.

    rows, held_out: ids from `pack`. out: a folder; every so many steps it gets a line in log.jsonl (minutes, tokens,
    train_loss, held_out_loss, held_out_top1) and state.safetensors, from which a later call with the same folder and the
    same recipe goes on, to the same weights as if it had never stopped. Processes that were launched together share the batch
    (processes.py). began_as: what the model is before the first step, a dict that JSON can hold, by which a run that goes on is
    known beside its rows. Returns the last log entry, None in all processes but the first. Raises ValueError where the folder
    holds a run with another recipe, other rows or another beginning, or another process is at work in it.
    """
    recipe, out = recipe or Recipe(), Path(out)
    origin = {"rows": checksum({"rows": rows, "held_out": held_out}, ""), **(began_as or {})}
    accelerator = accelerator or join_processes(best_device())
    with claimed(out) if accelerator.is_main_process else nullcontext():
        return train_steps(model, tokenizer, rows, held_out, out, recipe, accelerator, every, origin)


def train_steps(model, tokenizer, rows, held_out, out, recipe, accelerator, every, origin):
    """Begin the run in a folder that is held for it, or go on with it; see `pretrain`."""
    make_ready(model, recipe, accelerator.device)
    optimizers = pretraining_optimizers(model, recipe)
    progress = begin_or_resume(out, model, optimizers, recipe, accelerator, origin)
    log = read_log(out)
    accelerator.wait_for_everyone()  # all have read it before the first writes to it, and do the same thing next
    guesser = accelerator.prepare(Guesser(model))
    entry = log[-1] if log and accelerator.is_main_process else None
    if progress["step"] == 0 or not log or log[-1]["tokens"] != tokens_read(progress, recipe):
        # a new run, or one that was killed after its checkpoint and before the line that belongs to it
        entry = write_entry(out, model, tokenizer, held_out, progress, recipe, accelerator)
    hidden = {} if accelerator.is_main_process else {"disable": True}  # one bar for all processes
    bar = tqdm(total=recipe.steps, initial=progress["step"], desc="pre-training", mininterval=1, **hidden)
    for step, batch, generator in batches(rows, recipe.batch_size, recipe.seed, progress["step"]):
        if step >= recipe.steps:
            break
        started = time.perf_counter()
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group["lr"] = recipe.learning_rate * learning_rate_factor((step + 0.5) / recipe.steps, recipe.warmup)
        torch.manual_seed(generator.initial_seed() + accelerator.process_index)  # dropout, too, goes by seed and step
        loss = training_step(guesser, optimizers, batch, tokenizer, recipe, generator, accelerator)
        smooth = loss if progress["loss"] is None else 0.99 * progress["loss"] + 0.01 * loss
        progress = {"step": step + 1, "seconds": progress["seconds"] + time.perf_counter() - started, "loss": smooth}
        bar.update()
        if progress["step"] % every == 0 or progress["step"] == recipe.steps:
            if accelerator.is_main_process:
                save_checkpoint(out / "state.safetensors", state_of(model, optimizers), {**progress, "origin": origin})
            entry = write_entry(out, model, tokenizer, held_out, progress, recipe, accelerator)
    bar.close()
    return entry


def make_ready(model, recipe, device):
    """Bring a model to its device in the form that trains fastest there. On a CPU that is plain attention: of a step with
    torch's fused one (16 x 128 tokens, two cores) a quarter went into its way back alone."""
    model.to(device).train()
    model.set_attn_implementation("eager" if torch.device(device).type == "cpu" else "sdpa")
    if recipe.compiled:
        model.bert.compile(dynamic=False)


def steps_in(minutes, model, tokenizer, rows, recipe, out, tries=6):
    """How many steps fit into so many minutes here: measured on a copy of the model, or as the run in `out` has it."""
    if (Path(out) / "recipe.json").exists():
        return json.loads((Path(out) / "recipe.json").read_text(encoding="utf-8"))["steps"]
    accelerator = join_processes(best_device())
    probe = copy.deepcopy(model)
    make_ready(probe, recipe, accelerator.device)
    guesser, optimizers = accelerator.prepare(Guesser(probe)), pretraining_optimizers(probe, recipe)
    for step, batch, generator in batches(rows, recipe.batch_size, recipe.seed):
        if step == 1:  # the first step only warms up
            started = time.perf_counter()
        training_step(guesser, optimizers, batch, tokenizer, recipe, generator, accelerator)
        if step == tries:
            seconds = broadcast_object_list([time.perf_counter() - started])[0]  # all processes take the first one's word
            return max(1, round(minutes * 60 * tries / seconds))


# --- what a run leaves on disk -----------------------------------------------------------------------------------------------


def begin_or_resume(out, model, optimizers, recipe, accelerator, origin):
    """Take up the run in a folder, or begin one there. Returns its progress: step, seconds, loss.

    Raises ValueError where the folder holds a run with another recipe or of another origin.
    """
    known = out / "recipe.json"
    if known.exists():
        check_same(json.loads(known.read_text(encoding="utf-8")), asdict(recipe), out)
    if (out / "state.safetensors").exists():
        tensors, progress = load_checkpoint(out / "state.safetensors")
        noted = progress.pop("origin", {})  # checkpoints of earlier versions hold none
        check_same(noted, {name: value for name, value in origin.items() if name in noted}, out)
        restore_state(tensors, model, optimizers, out)
        return progress
    if accelerator.is_main_process:
        write_whole(known, json.dumps(asdict(recipe), indent=2) + "\n")
    return {"step": 0, "seconds": 0.0, "loss": None}


def tokens_read(progress, recipe):
    """How many tokens the steps so far have read, over all processes."""
    return progress["step"] * recipe.batch_size * recipe.length


def write_entry(out, model, tokenizer, held_out, progress, recipe, accelerator):
    """Measure the model on held-out rows and add a line to log.jsonl; returns it as a dict. One process does it for all."""
    entry = None
    if accelerator.is_main_process:
        with torch.compiler.set_stance("force_eager"):  # other shapes: not worth compiling for
            loss, top1 = evaluate_guesses(model, held_out, tokenizer)
        entry = {
            "minutes": round(progress["seconds"] / 60, 2),
            "tokens": tokens_read(progress, recipe),
            "train_loss": progress["loss"] and round(progress["loss"], 4),
            "held_out_loss": round(loss, 4),
            "held_out_top1": round(top1, 4),
        }
        kept = [line for line in read_log(out) if line["tokens"] < entry["tokens"]]  # a killed run may have written on
        write_whole(out / "log.jsonl", lines_of([*kept, entry]))
    accelerator.wait_for_everyone()
    return entry


def read_log(out):
    """The entries of a run's log.jsonl, oldest first; none where there is no such file."""
    return read_lines(Path(out) / "log.jsonl")


def save_masked_language_model(model, tokenizer, folder):
    """Write a model from `starting_model` to a folder in float16, with its tokenizer: what lies in data/mini."""
    model = copy.deepcopy(model).half()
    model.config.hidden_dropout_prob = model.config.attention_probs_dropout_prob = 0.1  # for those who fine-tune it
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
