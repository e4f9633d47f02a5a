"""Pre-training: a model learns a language by guessing words that were hidden from it.

On the loop and in a folder as fine-tuning has them (training.py, engine.py); a round of so many steps stands for an epoch.
How the shipped model in data/mini was made; page 06.

Devlin et al. 2019, "BERT"; Izsak et al. 2021, "How to Train BERT with an Academic Budget"; Jordan et al. 2024, "Muon".
"""

import copy
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated

import torch
from torch import nn
from transformers import get_linear_schedule_with_warmup
from tyro.conf import arg

from bertnotes.batching import check_max_length, seed_of
from bertnotes.checkpoint import modern_name, read_checkpoint
from bertnotes.data import read_reviews
from bertnotes.devices import best_device
from bertnotes.experiments.costs import seconds_to_train
from bertnotes.experiments.engine import Folder, Team, checksum
from bertnotes.experiments.records import choose_precision
from bertnotes.experiments.vocabulary import COURSE_WORDS, choose_pieces, count_pieces, trim_encoder, trim_tokenizer
from bertnotes.files import IMDB, read_lines
from bertnotes.masked_lm import choose_texts, evaluate_guesses, guess, mask_tokens, pack
from bertnotes.models import load_encoder, load_tokenizer
from bertnotes.names import model_name
from bertnotes.training import Run, decay_groups, repeat


@dataclass
class Recipe:
    """What a pre-training run may choose. The defaults made data/mini, but for the number of steps."""

    steps: int = 5000  # how often the weights move
    batch_size: int = 16  # rows a step, over all processes
    length: int = 128  # tokens a row
    mask_rate: float = 0.2  # share of tokens hidden
    whole_words: bool = False  # hide all pieces of a word or none
    optimizer: str = "adamw"  # adamw, or muon (on the layers' matrices, AdamW on the rest)
    learning_rate: float = 3e-4  # the highest learning rate of the run
    warmup: float = 0.03  # share of the steps on the way up to it
    seed: int = 0  # fixes the order of the rows and what is hidden in them
    # have torch.compile write the encoder's code: faster after a minute; on a CPU it needs a C++ compiler
    compiled: Annotated[bool, arg(name="compile")] = False
    precision: str = "bf16"  # fp32, bf16 or, for the command, auto: bf16 where the device is fast at it


# --- texts and a model to train ---------------------------------------------------------------------------------------------


def read_texts(folder, seed=0):
    """Read what to train on from a folder that `bertnotes data` wrote: (texts, held_out_texts), of train and unsup alone.

    The test split is never opened, so that a model can be scored on it later. Raises as `read_reviews` does.
    """
    train, unsup = (read_reviews(Path(folder) / f"{split}.csv.xz", ("review",))["review"] for split in ("train", "unsup"))
    return choose_texts(train, unsup, seed=seed)


def load_head(model, source):
    """Put a checkpoint's head for masked words into a model, if it has one. The head's decoder may be left out: it is the word
    embedding. Raises ValueError where a weight is missing or unknown."""
    weights = {modern_name(name): weight for name, weight in read_checkpoint(source)[1].items()}
    head = {name: weight for name, weight in weights.items() if name.startswith("cls.predictions.")}
    missing, unknown = model.load_state_dict(head, strict=False)
    missing = [name for name in missing if name.startswith("cls.predictions.") and ".decoder." not in name]
    if head and (missing or unknown):
        raise ValueError(f"{source} does not hold BERT's head for masked words: missing {missing[:3]}, unknown {unknown[:3]}")


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
    if len(kept) == encoder.config.vocab_size:
        load_head(model, start)
    if random_init:
        model.apply(model._init_weights)
    model.bert.pooler.requires_grad_(False)  # masked words give it no gradient
    if not model.bert.pooler.dense.bias.any():  # nor did it ever get one: then it had better hand on what it is given
        torch.nn.init.eye_(model.bert.pooler.dense.weight)
    return model, tokenizer


# --- batches and a loss for the loop ------------------------------------------------------------------------------------------


class MaskedRows:
    """A loader of masked batches, a round of at most so many steps at a time. What a step sees and how it is masked depends on
    seed and step alone, so that a run can be taken up anywhere. Every row comes once a pass, shuffled anew each time.

    A batch: input_ids, asked and label, all (batch, position); asked is label once more, for the model to see.
    Raises ValueError where there are fewer rows than a batch has.
    """

    def __init__(self, rows, tokenizer, recipe, round_steps):
        self.rows, self.tokenizer, self.recipe, self.round_steps = rows, tokenizer, recipe, round_steps
        self.per_pass = len(rows) // recipe.batch_size
        if self.per_pass == 0:
            raise ValueError(f"{len(rows)} rows do not fill one batch of {recipe.batch_size}; give more text, or a smaller one")
        self.batch_sampler, self.steps = self, range(0)

    def set_epoch(self, epoch, start=0):
        """Choose the round, counted from 1, and how many of its steps to leave out because they are done."""
        first = (epoch - 1) * self.round_steps
        self.steps = range(first + start, min(first + self.round_steps, self.recipe.steps))

    def __len__(self):
        return len(self.steps)

    def __iter__(self):
        for step in self.steps:
            number, place = divmod(step, self.per_pass)
            generator = torch.Generator().manual_seed(seed_of(self.recipe.seed, "order", number))
            order = torch.randperm(len(self.rows), generator=generator)
            rows = self.rows[order[place * self.recipe.batch_size : (place + 1) * self.recipe.batch_size]].long()
            generator.manual_seed(seed_of(self.recipe.seed, "mask", step))
            masked_ids, labels = mask_tokens(rows, self.tokenizer, self.recipe.mask_rate, generator, self.recipe.whole_words)
            yield {"input_ids": masked_ids, "asked": labels, "label": labels}


class Guesser(nn.Module):
    """A masked language model as the loop wants it. forward(input_ids, asked), both (batch, position) -> logits (chosen,
    vocabulary), for the positions alone whose label in asked is not IGNORED."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, asked):
        return guess(self.model, input_ids, asked)[0]


class Joined(torch.optim.Optimizer):
    """Optimizers that move their own weights each, as one: it has the groups and the state of all. parts: the optimizers."""

    def __init__(self, *parts):
        super().__init__([group for part in parts for group in part.param_groups], {})
        self.parts = parts
        for part in parts:
            part.state = self.state  # each finds its own weights in it

    def step(self, closure=None):
        """A step of each."""
        for part in self.parts:
            part.step()


def pretraining_optimizer(model, recipe):
    """AdamW, or Muon on the matrices of the layers and AdamW on the rest, at one learning rate."""
    if recipe.optimizer not in ("adamw", "muon"):
        raise ValueError(f'optimizer is "adamw" or "muon"; got {recipe.optimizer!r}')
    weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    names = [name for name, weight in weights.items() if weight.ndim == 2 and ".layer." in name]
    matrices = [weights.pop(name) for name in names] if recipe.optimizer == "muon" else []
    adamw = torch.optim.AdamW(
        decay_groups(weights.values(), 0.01), lr=recipe.learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=True
    )
    if not matrices:
        return adamw
    # scaled so that a step is as large as AdamW's would be: one learning rate serves both
    choice = {"weight_decay": 0.01, "adjust_lr_fn": "match_rms_adamw"}
    return Joined(torch.optim.Muon(matrices, lr=recipe.learning_rate, **choice), adamw)


# --- a run -------------------------------------------------------------------------------------------------------------------


def pretrain(
    model, tokenizer, rows, held_out, out, recipe=None, every=250,
    began_as=None, device=None, save_every=120.0, callbacks=(),
):  # fmt: skip
    """Train a masked language model on rows for recipe.steps steps; the learning rate falls to 0 on the way.

    rows, held_out: ids from `pack`. out: a folder, as `fit_in` keeps one, with its settings in recipe.json; every so many steps
    it gets a line in log.jsonl: minutes, tokens, train_loss, held_out_loss, held_out_top1. A later call with the same recipe
    goes on there. began_as: what the model is before the first step, a dict that JSON can hold, by which a run is known beside
    its rows. Returns the last of these lines, None in all processes but the first.
    Raises ValueError where `Folder` does not take the folder.
    """
    recipe = recipe or Recipe()
    team = Team(device or best_device())
    origin = {"rows": checksum({"rows": rows, "held_out": held_out}, ""), **(began_as or {})}

    def judge(_):
        with torch.compiler.set_stance("force_eager"):  # other shapes: not worth compiling for
            loss, top1 = evaluate_guesses(model, held_out, tokenizer)
        return {
            "minutes": round((run.seconds + sum(line["seconds"] for line in run.history)) / 60, 2),
            "tokens": run.scheduler.last_epoch * recipe.batch_size * recipe.length,
            "held_out_loss": round(loss, 4),
            "held_out_top1": round(top1, 4),
        }

    with Folder(out, asdict(recipe), origin, True, team, save_every, names=("recipe.json", "log.jsonl")) as folder:
        run = make_run(model, MaskedRows(rows, tokenizer, recipe, every), recipe, team.device, -(-recipe.steps // every))
        if not folder.state.exists():  # how the model does before the first step
            run.history.append({"epoch": 0, "train_loss": None, **judge(model), "seconds": 0.0})
        seed, watching = (recipe.seed, team.rank), [folder, team, *callbacks]
        repeat(run, judge, team.device, recipe.precision, team.backward, seed, watching)
    return run.history[-1] if team.rank == 0 else None


def make_run(model, loader, recipe, device, rounds):
    """Bring a model to its device in the form that trains fastest there, and make a Run of it. On a CPU that form is plain
    attention: of a step with torch's fused one (16 x 128 tokens, two cores) a quarter went into its backward pass alone."""
    model.to(device).train()
    model.set_attn_implementation("eager" if torch.device(device).type == "cpu" else "sdpa")
    if recipe.compiled:
        model.bert.compile(dynamic=False)
    optimizer = pretraining_optimizer(model, recipe)
    warmup = round(recipe.warmup * recipe.steps)
    return Run(Guesser(model), loader, optimizer, get_linear_schedule_with_warmup(optimizer, warmup, recipe.steps), rounds)


def steps_in(minutes, model, tokenizer, rows, recipe, out, tries=6):
    """How many steps fit into so many minutes here: measured on a copy of the model, or as the run in `out` has it."""
    if (Path(out) / "recipe.json").exists():
        return json.loads((Path(out) / "recipe.json").read_text(encoding="utf-8"))["steps"]
    team = Team(best_device())
    recipe = replace(recipe, steps=1 + tries)
    probe = make_run(copy.deepcopy(model), MaskedRows(rows, tokenizer, recipe, recipe.steps), recipe, team.device, 1)
    probe.loader.set_epoch(1)
    team.begin(probe)
    work = probe.model, probe.loader, probe.optimizer, probe.scheduler, team.device, recipe.precision, team.backward
    seconds = team.agree(seconds_to_train(*work))  # all processes take the first one's word
    return max(1, round(minutes * 60 * tries / seconds))


def save_masked_language_model(model, tokenizer, folder):
    """Write a model from `starting_model` to a folder in float16, with its tokenizer: what lies in data/mini."""
    model = copy.deepcopy(model).half()
    model.config.hidden_dropout_prob = model.config.attention_probs_dropout_prob = 0.1  # for those who fine-tune it
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


# --- the command -------------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Pretraining:
    """Cut a BERT's vocabulary to what film reviews need and train it further on masked words: how data/mini was made.

    On several GPUs: accelerate launch --num_processes N -m bertnotes pretrain ...
    """

    start: str  # "mini", a checkpoint folder or a hub id to start from
    out: Path  # folder for the model; a run that was stopped goes on from it
    data: Path = IMDB  # folder that `bertnotes data` wrote
    minutes: float | None = None  # instead of --steps: as many as this machine does in so long
    vocabulary: int = 10_000  # how many pieces to keep
    random_init: bool = False  # random weights in the architecture of --start: a control
    recipe: Recipe = field(default_factory=lambda: Recipe(steps=0, precision="auto"))


def pretrain_on_reviews(settings: Pretraining):
    """Pre-train on reviews outside of IMDB's test split, and save the model. Raises ValueError where something does not fit."""
    if (settings.recipe.steps == 0) == (settings.minutes is None):
        raise ValueError("say how long to train, with either --steps or --minutes")
    out = settings.out
    precision = choose_precision(settings.recipe.precision, best_device(), out / "recipe.json")
    recipe = replace(settings.recipe, precision=precision)
    texts, held_out = read_texts(settings.data, recipe.seed)
    origin = {"vocabulary": settings.vocabulary, "random_init": settings.random_init}
    model, tokenizer = starting_model(settings.start, texts, **origin, seed=recipe.seed)
    positions = model.config.max_position_embeddings
    check_max_length(recipe.length, positions)
    rows, held_out = pack(tokenizer, texts, recipe.length), pack(tokenizer, held_out, min(128, positions))[:400]
    if settings.minutes:
        recipe = replace(recipe, steps=steps_in(settings.minutes, model, tokenizer, rows, recipe, out))
    origin = {"start": model_name(settings.start), **origin}
    entry = pretrain(model, tokenizer, rows, held_out, out, recipe, began_as=origin)
    if entry:  # the first of several processes
        from bertnotes.pictures.charts import pretraining_curve

        save_masked_language_model(model, tokenizer, out)
        pretraining_curve(read_lines(out / "log.jsonl")).savefig(out / "curve.png", dpi=150)
        print(f"held-out loss {entry['held_out_loss']}, top-1 {entry['held_out_top1']}; saved to {out}")
