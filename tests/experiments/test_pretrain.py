"""The pre-training run: schedule, optimizers, resuming, several processes, and what it may read."""

import json
import shutil
import subprocess
import sys
from contextlib import suppress
from itertools import count
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from filelock import FileLock
from safetensors.torch import save_file
from torch.testing import assert_close
from trainings import StopAfter, Stopped

from bertnotes.checkpoint import read_checkpoint
from bertnotes.devices import fast_precision
from bertnotes.experiments import costs
from bertnotes.experiments import pretrain as pretraining
from bertnotes.experiments.engine import Team
from bertnotes.experiments.pretrain import (
    Guesser,
    Joined,
    MaskedRows,
    Recipe,
    make_run,
    pretrain,
    pretraining_optimizer,
    read_texts,
    save_masked_language_model,
    starting_model,
    steps_in,
)
from bertnotes.files import read_lines
from bertnotes.masked_lm import pack
from bertnotes.models import load_encoder, load_tokenizer

TINY = {"batch_size": 4, "length": 12, "learning_rate": 1e-2}


@pytest.fixture
def rows(trimmed):
    """Rows of twelve tokens, more than a batch."""
    return pack(trimmed[1], ["bad good film , cast a", "good film is a good story"] * 20, length=12)


def no_dropout(model):
    """The model without dropout, whose draws would hide whether two ways of computing agree."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


@pytest.mark.parametrize(("step", "factor"), [(0, 0), (1, 0.5), (2, 1), (11, 0.5), (20, 0)])
def test_learning_rate_goes_up_and_down_in_lines(masked_model, rows, trimmed, step, factor):
    """A tenth of all steps up, the rest down to 0."""
    recipe = Recipe(steps=20, warmup=0.1, **TINY)
    run = make_run(masked_model, MaskedRows(rows, trimmed[1], recipe, 20), recipe, "cpu", 1)
    for _ in range(step):
        run.optimizer.step()
        run.scheduler.step()
    assert run.optimizer.param_groups[0]["lr"] == pytest.approx(factor * recipe.learning_rate)


def steps_of(loader, epoch, start=0):
    """The batches of a round, as lists."""
    loader.set_epoch(epoch, start)
    assert len(list(loader)) == len(loader)
    return [{name: tensor.tolist() for name, tensor in batch.items()} for batch in loader]


def test_batches_can_be_taken_up_anywhere(rows, trimmed):
    """From any step on they are those of the uninterrupted run, masks and all, in rounds of any length."""
    recipe = Recipe(steps=9, **TINY)
    whole = steps_of(MaskedRows(rows, trimmed[1], recipe, 9), 1)
    assert len(whole) == 9 and len({str(batch) for batch in whole}) == 9
    for start in (0, 2, 3, 7):
        assert steps_of(MaskedRows(rows, trimmed[1], recipe, 9), 1, start) == whole[start:]
    in_rounds = MaskedRows(rows, trimmed[1], recipe, 4)
    assert [batch for number in (1, 2, 3) for batch in steps_of(in_rounds, number)] == whole


def test_each_pass_shows_every_row_once(trimmed):
    """In an order of its own."""
    rows = torch.arange(12).view(6, 2) + 40
    loader = MaskedRows(rows, trimmed[1], Recipe(steps=6, batch_size=2), 6)
    loader.set_epoch(1)
    seen = [torch.where(batch["label"] == -100, batch["input_ids"], batch["label"]) for batch in loader]
    passes = [torch.cat(seen[:3]).tolist(), torch.cat(seen[3:]).tolist()]
    assert sorted(passes[0]) == sorted(passes[1]) == rows.tolist() and passes[0] != passes[1]


def test_batches_larger_than_the_text(trimmed):
    """Else the run would wait for ever."""
    with pytest.raises(ValueError, match="3 rows do not fill one batch of 4"):
        MaskedRows(torch.zeros(3, 2), trimmed[1], Recipe(batch_size=4), 1)


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_each_weight_has_one_optimizer(masked_model, name):
    """Muon takes the layers' matrices, AdamW the rest, and only matrices decay."""
    masked_model.bert.pooler.requires_grad_(False)
    optimizer = pretraining_optimizer(masked_model, Recipe(optimizer=name))
    taken = [id(weight) for group in optimizer.param_groups for weight in group["params"]]
    trained = {id(weight) for weight in masked_model.parameters() if weight.requires_grad}
    assert len(taken) == len(set(taken)) and set(taken) == trained
    by_muon = {id(weight) for group in optimizer.param_groups if "ns_steps" in group for weight in group["params"]}
    matrices = {id(one) for name, one in masked_model.named_parameters() if one.ndim == 2 and ".layer." in name}
    assert by_muon == (matrices if name == "muon" else set())
    for group in optimizer.param_groups:
        assert all((weight.ndim > 1) == (group["weight_decay"] > 0) for weight in group["params"])


def test_optimizers_that_were_joined_move_as_they_would_alone():
    """Each its own weights, at the rate that one schedule sets for both."""
    ends = []
    for joined in (False, True):
        torch.manual_seed(0)
        matrix, bias = torch.nn.Parameter(torch.randn(3, 3)), torch.nn.Parameter(torch.randn(3))
        parts = [torch.optim.Muon([matrix], lr=0.1), torch.optim.AdamW([bias], lr=0.2)]
        optimizers = [Joined(*parts)] if joined else parts
        schedules = [torch.optim.lr_scheduler.LambdaLR(one, lambda step: 1 / (1 + step)) for one in optimizers]
        for _ in range(3):
            (matrix.square().sum() + bias.square().sum()).backward()
            for one in (*optimizers, *schedules):
                one.step()
            for one in optimizers:
                one.zero_grad()
        ends.append((matrix, bias))
    assert torch.equal(ends[0][0], ends[1][0]) and torch.equal(ends[0][1], ends[1][1])


def test_an_unknown_optimizer(masked_model):
    with pytest.raises(ValueError, match='"adamw" or "muon"; got \'sgd\''):
        pretraining_optimizer(masked_model, Recipe(optimizer="sgd"))


def test_a_gradient_that_is_no_number_stops_before_the_weights(masked_model, trimmed, rows, tmp_path):
    """One clear error, and the weights as they were."""
    with torch.no_grad():
        masked_model.cls.predictions.bias.fill_(float("nan"))
    before = masked_model.bert.embeddings.word_embeddings.weight.clone()
    with pytest.raises(ValueError, match="the loss is nan at batch 0"):
        pretrain(masked_model, trimmed[1], rows, rows[:4], tmp_path, Recipe(mask_rate=0.5, **TINY), device="cpu")
    assert torch.equal(masked_model.bert.embeddings.word_embeddings.weight, before)


def test_muon_and_whole_words_are_taken_up_where_they_were(encoder, trimmed, rows, tmp_path):
    """To the last bit, as AdamW is (test_engine.py): in the middle of a round, with both optimizers' moments."""
    recipe, ends = Recipe(steps=12, optimizer="muon", whole_words=True, **TINY), []
    for name, stops in (("whole", ()), ("cut", (8,))):
        for stop in (*stops, 0):
            torch.manual_seed(0)
            model = pretraining.trim_encoder(encoder, trimmed[0]).eval()
            choice = {"every": 5, "save_every": 0, "device": "cpu", "callbacks": [StopAfter(stop)] if stop else []}
            with suppress(Stopped):
                pretrain(model, trimmed[1], rows, rows[:4], tmp_path / name, recipe, **choice)
        ends.append(dict(model.named_parameters()))
    assert all(torch.equal(weight, ends[1][name]) for name, weight in ends[0].items())
    logs = [read_lines(tmp_path / name / "log.jsonl") for name in ("whole", "cut")]
    assert [entry["held_out_loss"] for entry in logs[0]] == [entry["held_out_loss"] for entry in logs[1]]
    assert [entry["tokens"] for entry in logs[0]] == [0, 240, 480, 576]


def test_only_the_first_process_gets_the_entry(masked_model, trimmed, rows, tmp_path, monkeypatch):
    """Also of a run that is finished: who gets it writes the model, and two would write the same file at once."""
    recipe = Recipe(steps=2, **TINY)
    entry = pretrain(masked_model, trimmed[1], rows, rows[:4], tmp_path, recipe, device="cpu")
    assert entry["tokens"] == 96
    assert pretrain(masked_model, trimmed[1], rows, rows[:4], tmp_path, recipe, device="cpu") == entry

    class Second(Team):
        def __init__(self, *given, **named):
            super().__init__(*given, **named)
            self.rank = 1

    monkeypatch.setattr(pretraining, "Team", Second)
    assert pretrain(masked_model, trimmed[1], rows, rows[:4], tmp_path, recipe, device="cpu") is None


def test_on_a_cpu_the_plain_attention_trains(encoder, trimmed, rows):
    """Whatever the model came with: torch's fused attention is slow in its backward pass there. The result is the same."""
    model = no_dropout(pretraining.trim_encoder(encoder, trimmed[0]))
    model.set_attn_implementation("sdpa")
    fused = Guesser(model)(rows[:4].long(), rows[:4].long())
    make_run(model, MaskedRows(rows, trimmed[1], Recipe(**TINY), 1), Recipe(**TINY), "cpu", 1)
    used = {layer.attention.self.config._attn_implementation for layer in model.bert.encoder.layer}
    assert model.training and used == {"eager"}
    assert_close(Guesser(model)(rows[:4].long(), rows[:4].long()), fused)


def test_minutes_become_steps_once(masked_model, trimmed, rows, tmp_path, monkeypatch):
    """Measured without touching the model: six steps in half a second, 720 a minute. A run that has begun keeps its number."""
    before = {name: weight.clone() for name, weight in masked_model.named_parameters()}
    ticks = count()  # the first step has ended at 0, the seventh ends at 6
    monkeypatch.setattr(costs, "time", SimpleNamespace(perf_counter=lambda: next(ticks) / 12))
    assert steps_in(1, masked_model, trimmed[1], rows, Recipe(**TINY), tmp_path) == 720
    assert all(torch.equal(before[name], weight) for name, weight in masked_model.named_parameters())
    (tmp_path / "recipe.json").write_text('{"steps": 7}')
    assert steps_in(1, masked_model, trimmed[1], rows, Recipe(**TINY), tmp_path) == 7


def test_pretraining_learns_and_its_model_loads(encoder, trimmed, rows, tmp_path):
    """Held-out loss falls; what is saved loads as an encoder and as a start with its head; the model itself stays whole."""
    model = pretraining.trim_encoder(encoder, trimmed[0]).eval()
    entry = pretrain(model, trimmed[1], rows, rows[:4], tmp_path, Recipe(steps=40, **TINY), every=20)
    start = read_lines(tmp_path / "log.jsonl")[0]
    assert entry["held_out_loss"] < 0.7 * start["held_out_loss"] and start["tokens"] == 0
    save_masked_language_model(model, trimmed[1], tmp_path)
    assert (model.dtype == torch.float32 and model.config.hidden_dropout_prob != 0.1) or model.config.hidden_dropout_prob == 0.1
    loaded = load_encoder(tmp_path)
    assert loaded.config.hidden_dropout_prob == 0.1 and loaded.dtype == torch.float32
    assert_close(loaded.get_input_embeddings().weight, model.bert.get_input_embeddings().weight, rtol=1e-3, atol=1e-3)
    again, _ = starting_model(str(tmp_path), [], vocabulary=len(trimmed[1]))
    bias = model.cls.predictions.bias
    assert bias.abs().max() > 0 and torch.allclose(again.cls.predictions.bias, bias, rtol=1e-3, atol=1e-3)


@pytest.mark.skipif(not any(map(shutil.which, ("g++", "c++", "clang++", "cl"))), reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch's own, on the first import of its compiler
def test_compiled_it_learns_the_same(encoder, trimmed, rows, tmp_path):
    """torch.compile changes the time, not the curve; what is saved carries no trace of it."""
    logs = []
    for compiled in (False, True):
        model = no_dropout(pretraining.trim_encoder(encoder, trimmed[0]))
        recipe = Recipe(steps=6, compiled=compiled, precision="fp32", **TINY)
        pretrain(model, trimmed[1], rows, rows[:5], tmp_path / str(compiled), recipe, every=3)
        assert bool(model.bert._compiled_call_impl) == compiled
        save_masked_language_model(model, trimmed[1], tmp_path / str(compiled))
        logs.append([entry["held_out_loss"] for entry in read_lines(tmp_path / str(compiled) / "log.jsonl")])
    assert logs[1] == pytest.approx(logs[0], abs=1e-3) and logs[1][-1] < logs[1][0]
    names = [set(read_checkpoint(str(tmp_path / name))[1]) for name in ("False", "True")]
    assert names[0] == names[1]


def test_another_recipe_does_not_go_on_in_the_same_folder(masked_model, trimmed, rows, tmp_path):
    """The error names what differs; nothing is overwritten."""
    pretrain(masked_model, trimmed[1], rows, rows[:4], tmp_path, Recipe(steps=2, **TINY))
    before = (tmp_path / "state.safetensors").read_bytes()
    with pytest.raises(ValueError, match=r"holds another run.*'steps': \(2, 3\)"):
        pretrain(masked_model, trimmed[1], rows, rows[:4], tmp_path, Recipe(steps=3, **TINY))
    assert (tmp_path / "state.safetensors").read_bytes() == before


def test_other_rows_or_another_beginning_do_not_go_on_in_the_same_folder(encoder, trimmed, rows, tmp_path):
    """Rows to train on, rows to measure on, and what the caller says of the model's beginning."""

    def run(rows, held_out, **began_as):
        model = pretraining.trim_encoder(encoder, trimmed[0])
        return pretrain(model, trimmed[1], rows, held_out, tmp_path, Recipe(steps=2, **TINY), began_as=began_as)

    first = run(rows, rows[:4], start="mini", random_init=False)
    before = (tmp_path / "state.safetensors").read_bytes()
    with pytest.raises(ValueError, match=r"holds another run \(there, here\): {'random_init': \(False, True\)}"):
        run(rows, rows[:4], start="mini", random_init=True)
    for other in ((rows[1:], rows[:4]), (rows, rows[:5])):
        with pytest.raises(ValueError, match=r"holds another run.*'rows'"):
            run(*other, start="mini", random_init=False)
    assert run(rows, rows[:4], start="mini", random_init=False) == run(rows, rows[:4]) == first
    assert (tmp_path / "state.safetensors").read_bytes() == before


def test_a_control_does_not_go_on_with_the_run_that_it_is_to_be_held_against(bertnotes, tiny_checkpoint, tmp_path):
    """The command in the wrong folder: one clear error, and the model there stays. The same command again is no other run."""
    for split in ("train", "unsup"):
        reviews = [f"{split} film {number} is good , not bad" for number in range(1100)]
        pd.DataFrame({"review": reviews}).to_csv(tmp_path / f"{split}.csv.xz", index=False)
    words = ["pretrain", "--start", tiny_checkpoint, "--data", tmp_path, "--steps", 2, "--length", 16, "--batch-size", 4]
    words += ["--out", tmp_path / "run"]
    status, told, _ = bertnotes(*words)
    assert status == 0 and "held-out loss" in told
    before = (tmp_path / "run" / "model.safetensors").read_bytes()
    status, _, error = bertnotes(*words, "--random-init")
    assert status == 2 and "'random_init': (False, True)" in error and error.count("bertnotes:") == 1
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == before
    assert bertnotes(*words)[:2] == (0, told)


def test_a_folder_has_one_run_at_a_time(masked_model, trimmed, rows, tmp_path):
    """While another process holds the folder nothing is begun in it."""
    with FileLock(tmp_path / ".lock"), pytest.raises(ValueError, match="another process is training in"):
        pretrain(masked_model, trimmed[1], rows, rows[:4], tmp_path, Recipe(steps=2, **TINY))
    assert [path.name for path in tmp_path.iterdir()] in ([".lock"], [])


# ---- the start ----


def test_a_start_is_trimmed_and_a_control_is_random(tiny_checkpoint):
    """The same architecture, vocabulary and seed; only the weights differ."""
    texts = ["good film , good cast", "a good bad film", "bad bad bad"]
    size = len(pretraining.starting_model(tiny_checkpoint, texts, 28)[1])
    taught, _ = starting_model(str(tiny_checkpoint), texts, 28)
    control, tokenizer = starting_model(str(tiny_checkpoint), texts, 28, random_init=True)
    assert size == len(tokenizer) == 28 == control.config.vocab_size
    assert taught.config.hidden_dropout_prob == control.config.hidden_dropout_prob == 0
    weight = load_encoder(tiny_checkpoint).encoder.layer[0].output.dense.weight
    assert torch.equal(taught.bert.encoder.layer[0].output.dense.weight, weight)
    random = control.bert.encoder.layer[0].output.dense.weight
    assert not torch.equal(random, weight) and abs(random.std().item() - control.config.initializer_range) < 0.05
    embedding = control.bert.embeddings.word_embeddings.weight
    assert control.cls.predictions.decoder.weight is embedding and not taught.bert.pooler.dense.weight.requires_grad


def test_a_pooler_that_was_never_trained_hands_on_what_it_is_given(tiny_checkpoint, tmp_path):
    """Biases of 0 tell: random weights would shrink the vector of [CLS]. One that was trained stays as it is."""
    encoder = load_encoder(tiny_checkpoint)
    assert not encoder.pooler.dense.bias.any()
    model, tokenizer = starting_model(str(tiny_checkpoint), [], 1000)
    assert torch.equal(model.bert.pooler.dense.weight, torch.eye(24))
    torch.nn.init.constant_(encoder.pooler.dense.bias, 0.1)
    encoder.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    trained, _ = starting_model(str(tmp_path), [], 1000)
    assert torch.equal(trained.bert.pooler.dense.weight, encoder.pooler.dense.weight)


@pytest.fixture
def with_head(encoder, tokenizer, tmp_path):
    """A function that writes the tiny checkpoint with a head of its own to a folder; `change` may rename or drop weights."""

    def write(change=lambda head: head):
        model = pretraining.trim_encoder(encoder, list(range(len(tokenizer))))
        head = {f"cls.predictions.{name}": weight for name, weight in model.cls.predictions.named_parameters()}
        head.pop("cls.predictions.decoder.weight", None)
        head = {name: torch.full_like(weight, number) for number, (name, weight) in enumerate(sorted(head.items()), start=2)}
        weights = {f"bert.{name}": weight for name, weight in model.bert.state_dict().items()}
        model.config.save_pretrained(tmp_path)
        tokenizer.save_pretrained(tmp_path)
        save_file({**weights, **change(head)}, tmp_path / "model.safetensors", metadata={"format": "pt"})
        return str(tmp_path), head

    return write


@pytest.mark.parametrize("names", [{}, {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}])
def test_the_head_of_a_start_is_taken_over_whole(with_head, names):
    """Also from the oldest checkpoints, bert-base-uncased among them, which call LayerNorm's weights gamma and beta."""

    def rename(head):
        for ours, theirs in names.items():
            head = {name.replace(ours, theirs): weight for name, weight in head.items()}
        return head

    folder, head = with_head(rename)
    model, _ = starting_model(folder, [], vocabulary=1000)
    assert len(head) == 5
    for name, weight in head.items():
        assert torch.equal(model.get_parameter(name), weight), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda head: {name: head[name] for name in list(head)[1:]}, r"missing \['cls.predictions.bias'\], unknown \[\]"),
        (lambda head: {**head, "cls.predictions.other": torch.ones(1)}, r"missing \[\], unknown \['cls.predictions.other'\]"),
    ],
)
def test_a_head_that_is_not_whole(with_head, change, message):
    """Half of it would leave the model worse than none, and nothing would say so."""
    with pytest.raises(ValueError, match=message):
        starting_model(with_head(change)[0], [], vocabulary=1000)


def test_a_smaller_vocabulary_has_a_head_of_its_own(with_head):
    """Its transform is the identity."""
    model, _ = starting_model(with_head()[0], ["good film , good cast", "a good bad film", "bad bad bad"], 28)
    assert torch.equal(model.cls.predictions.transform.dense.weight, torch.eye(24)) and not model.cls.predictions.bias.any()


# ---- what may be read ----


def test_no_test_review_is_read(tmp_path, monkeypatch):
    """Train and unsup are all that is opened, even where a test split lies beside them."""
    for split in ("train", "test", "unsup"):
        reviews = [f"{split} review number {number}" for number in range(1200)]
        pd.DataFrame({"review": reviews, "sentiment": "positive"}).to_csv(tmp_path / f"{split}.csv.xz", index=False)
    opened, read = [], pretraining.read_reviews
    monkeypatch.setattr(pretraining, "read_reviews", lambda path, columns: opened.append(path.name) or read(path, columns))
    texts, held_out = read_texts(tmp_path)
    assert opened == ["train.csv.xz", "unsup.csv.xz"]
    assert len(texts) + len(held_out) == 2400 and not any("test" in text for text in texts + held_out)
    (tmp_path / "test.csv.xz").unlink()
    assert read_texts(tmp_path) == (texts, held_out)


# ---- several processes ----


def test_two_processes_learn_what_one_learns(tiny_checkpoint, tmp_path):
    """The command under torchrun (on a CPU `accelerate launch` starts one process alone): the same masks, the same loss curve,
    one log."""
    for split in ("train", "unsup"):
        reviews = [
            f"the {word} film is {other} , story {number}" for number in range(1300) for word, other in [("good", "bad")]
        ]
        pd.DataFrame({"review": [f"{split} {review}" for review in reviews]}).to_csv(tmp_path / f"{split}.csv.xz", index=False)
    words = ["pretrain", "--start", str(tiny_checkpoint), "--data", str(tmp_path), "--steps", "6", "--length", "16"]
    words += ["--batch-size", "5", "--learning-rate", "0.01"]
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "--"]
    curves = []
    for name, command in (("one", [sys.executable, "-m"]), ("two", launch)):
        run = subprocess.run([*command, "bertnotes", *words, "--out", str(tmp_path / name)], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr[-2000:]
        curves.append([entry["held_out_loss"] for entry in read_lines(tmp_path / name / "log.jsonl")])
        recipe = json.loads((tmp_path / name / "recipe.json").read_text())
        assert recipe["steps"] == 6 and recipe["precision"] == fast_precision("cpu")
        assert (tmp_path / name / "curve.png").stat().st_size > 5000
        assert load_tokenizer(tmp_path / name) and read_checkpoint(str(tmp_path / name))[1]
    assert len(curves[0]) == len(curves[1]) == 2 and curves[0][1] < curves[0][0]
    assert curves[1] == pytest.approx(curves[0], abs=2e-3)  # bf16 sums in another order
