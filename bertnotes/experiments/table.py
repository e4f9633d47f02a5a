"""The command `bertnotes reproduce`: the table of results on full IMDB, row by row; each may be stopped and gone on with."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated

from tyro.conf import UseAppendAction, arg

from bertnotes import baselines
from bertnotes.data import load_imdb_data
from bertnotes.experiments.exam import looks, note_look
from bertnotes.experiments.finetune import Entry, Finetune, Special, Variant, marks
from bertnotes.experiments.meter import peak_memory
from bertnotes.experiments.reader_model import KINDS, write_reader
from bertnotes.experiments.records import command_of, options_of, pack_probabilities, read_record, write_record
from bertnotes.files import IMDB
from bertnotes.training import TrainConfig

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
WHY = "a row of `bertnotes reproduce`, whose table is shown whole"


@dataclass
class Row:
    """A row of the table: a system, how it is trained, and what the table calls it, unless by its model.

    model: a checkpoint, a reader of page 04 or, where there is no config and so no dice, a function of baselines.py.
    """

    name: str
    model: str = "mini"
    config: TrainConfig | None = None
    sample: int | None = None
    validation: float = 2000
    variant: Variant = field(default_factory=Variant)
    title: str | None = None


HEAD = TrainConfig(epochs=2, max_length=256, precision="auto")
ENDS = replace(HEAD, truncation="head+tail")
READER = Variant(random_init=True, attention="sdpa")
PLAN = (  # in the order of what they teach; those of one comparison differ in one thing
    Row("majority", "majority_class", title="the commonest class"),
    Row("tfidf", "tfidf_logistic_regression", title="TF-IDF + logistic regression"),
    Row("nbsvm", "nbsvm", title="NBSVM"),
    Row("mini-256-head+tail", config=ENDS),
    Row("mini-256", config=HEAD),
    Row("mini-128", config=replace(HEAD, max_length=128)),
    Row("mini-1000", config=replace(ENDS, epochs=5), sample=1000, validation=0.2),  # the learning curve: each beside TF-IDF
    Row("mini-4000", config=replace(ENDS, epochs=3), sample=4000, validation=0.2),
    Row("mini-250", config=replace(ENDS, epochs=8), sample=250, validation=0.2),
    Row("mini-imdb", config=replace(ENDS, learning_rate=1e-3, lora=8), title="mini, by a LoRA delta of rank 8"),
    Row("mini-frozen", config=replace(ENDS, learning_rate=1e-2, frozen=True)),
    Row("mini-random", config=ENDS, variant=Variant(random_init=True)),
    Row("mini-512", config=replace(HEAD, max_length=512)),
    Row("elmo-random", "elmo", replace(ENDS, learning_rate=1e-3), variant=READER, title="ELMo-style reader of mini's size"),
    Row("gpt-random", "gpt", ENDS, variant=READER, title="GPT-style reader of mini's size"),
    Row("minilm-256-head+tail", MINILM, ENDS),
    Row("minilm-512", MINILM, replace(HEAD, max_length=512)),
)
ROWS = {row.name: row for row in PLAN}


@dataclass
class Reproduce:
    """Run the table of results on full IMDB. A row that has its record is left out; one that was stopped goes on."""

    data: Path = IMDB  # folder that `bertnotes data` wrote
    rows: Annotated[UseAppendAction[list[str]], arg(name="row")] = field(default_factory=list)  # only this row; again for more
    seeds: int = 3  # runs of each row that has dice; the first of each row comes first
    out: Path = Path("runs/table")  # folder for the runs
    results: Path = Path("data/results")  # folder for the records
    minilm: str = MINILM  # the checkpoint that mini was cut from, or a folder with a copy of it
    jobs: int = 1  # runs at a time; one alone does not fill a large GPU
    show: Annotated[bool, arg(name="list")] = False  # say what there is to do, and stop


def reproduce(settings: Reproduce):
    """Run what is missing. Raises ValueError where a row is unknown or fails, FileNotFoundError where there are no reviews."""
    check_table(settings)
    to_train = []
    for row, seed in plan([ROWS[name] for name in settings.rows] or ROWS.values(), settings.seeds):
        record = settings.results / f"imdb-{row.name}-seed{seed}.json"
        run, done = row.config and run_of(row, seed, settings, record), is_done(record, row.name)
        if settings.show or done or not run:
            to_do = command_of("train", run) if run else "to do"
            print(f"{row.name}, seed {seed}: {'done' if done else to_do}")
        if settings.show or done:
            continue
        if run:
            if row.model in KINDS:
                write_reader(run.model, row.model)
            to_train.append(partial(train_row, run))
        else:
            score_classical(row, settings.data, record)
    run_all(to_train, settings.jobs)


def check_table(settings):
    """Raise ValueError or FileNotFoundError where the table cannot be run so."""
    if unknown := [name for name in settings.rows if name not in ROWS]:
        raise ValueError(f"there is no row {unknown[0]!r}; the table has {', '.join(ROWS)}")
    if settings.jobs < 1:
        raise ValueError(f"--jobs is at least 1; got {settings.jobs}")
    missing = [path for path in files_of(settings.data).values() if not path.is_file()]
    if missing and not settings.show:
        raise FileNotFoundError(f"no file {missing[0]}; fetch the reviews first: bertnotes data --out {settings.data}")


def files_of(folder):
    """What `bertnotes data` wrote to a folder: {"data": the reviews to train on, "test": those to test on}."""
    return {"data": folder / "train.csv.xz", "test": folder / "test.csv.xz"}


def plan(rows, seeds):
    """(row, seed) in the order of running: a first seed of every row before the second of any; rows without dice once."""
    return [(row, seed) for seed in range(seeds) for row in rows if seed == 0 or row.config]


def is_done(path, name):
    """Whether a record is there, whole, and of this row."""
    try:
        return read_record(path).get("row") == name
    except (FileNotFoundError, ValueError):
        return False


def run_of(row, seed, settings, record):
    """The run that makes a record: the settings of `bertnotes train`."""
    places = {MINILM: settings.minilm, **{kind: str(settings.out / "readers" / kind) for kind in KINDS}}
    model = places.get(row.model, row.model)
    return Finetune(
        **files_of(settings.data),
        out=settings.out / f"{row.name}-seed{seed}",
        model=model,
        sample=row.sample,
        validation=row.validation,
        config=replace(row.config, seed=seed),
        special=Special(record=record, another_look=WHY),
        variant=row.variant,
        entry=Entry(row.name, row.title, MINILM if row.model == MINILM != model else None, settings.jobs),
        resume=True,
    )


def run_all(runs, jobs):
    """Call functions in their order, so many at a time. Where one raises, no other begins, and its error is raised."""
    waiting = iter(runs)

    def work(_):
        try:
            for run in waiting:
                run()
        finally:
            list(waiting)  # where one raised, none is left for another thread to begin

    with ThreadPoolExecutor(jobs) as pool:
        try:
            list(pool.map(work, range(jobs)))
        finally:
            list(waiting)  # where Ctrl-C ended the wait


def train_row(run):
    """Carry out a run in a process of its own, of several at a time with a log of its own. Raises ValueError where it fails."""
    what, shared = f"{run.entry.row}, seed {run.config.seed}", run.entry.jobs > 1
    print(f"{what}: {command_of('train', run)}", flush=True)
    log = run.out.with_name(f"{run.out.name}.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") if shared else nullcontext() as stream:
        streams = {"stdout": stream, "stderr": stream and subprocess.STDOUT}  # None is where ours go
        command = [sys.executable, "-m", "bertnotes", "train", *options_of(run)]
        status = subprocess.run(command, **streams).returncode
    if status != 0:
        where = f"in {log}" if shared else "above"
        raise ValueError(f"{what}, ended with status {status}; what to do stands {where}. Then the same command goes on")


def score_classical(row, data, record):
    """Fit one of the classical systems on all training reviews, score it, and write its record."""
    train, test = (load_imdb_data(path) for path in files_of(data).values())
    started = time.perf_counter()
    model = getattr(baselines, row.model)().fit(*train)
    seconds = time.perf_counter() - started
    predictions = model.predict(test[0])
    positive = model.predict_proba(test[0])[:, 1] if hasattr(model, "predict_proba") else predictions
    found = marks(test[1], predictions)
    print(f"{row.name}: accuracy {found['accuracy']:.4f}, fitted in {seconds:.0f} s")
    write_record(
        record, row=row.name, name=row.title, command=f"bertnotes reproduce --row {row.name}", model=row.name, **found,
        looks=len(looks(test)), train_reviews=len(train[0]), test_reviews=len(test[0]), train_seconds=round(seconds, 1),
        train_peak_memory_mb=peak_memory(), positive=pack_probabilities(positive),
        **({"strongest": baselines.strongest_words(model)} if row.name == "tfidf" else {}),
    )  # fmt: skip
    note_look(test, {"row": row.name}, found["accuracy"], reason=WHY)
