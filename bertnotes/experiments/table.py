"""The command `bertnotes reproduce`: the table of results on full IMDB, row by row; each may be stopped and gone on with."""

import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

BASE = "--epochs 2 --precision auto --validation 2000"
TRAIN = f"{BASE} --learning-rate 1e-4"
ENDS = "--max-length 256 --truncation head+tail"
FEWER = "--precision auto --validation 0.2 --learning-rate 1e-4"
READER = "--random-init --attention sdpa --model {readers}"
ROWS = {  # in the order of what they teach; those of one comparison differ in one thing
    "majority": "majority_class",
    "tfidf": "tfidf_logistic_regression",
    "nbsvm": "nbsvm",
    "mini-256-head+tail": f"{TRAIN} {ENDS}",
    "mini-256": f"{TRAIN} --max-length 256",
    "mini-128": f"{TRAIN} --max-length 128",
    "mini-1000": f"{FEWER} --sample 1000 --epochs 5 {ENDS}",  # the learning curve: each beside TF-IDF on the same reviews
    "mini-4000": f"{FEWER} --sample 4000 --epochs 3 {ENDS}",
    "mini-250": f"{FEWER} --sample 250 --epochs 8 {ENDS}",
    "mini-frozen": f"{BASE} --learning-rate 1e-2 --frozen {ENDS}",
    "mini-random": f"{TRAIN} --random-init {ENDS}",
    "mini-512": f"{TRAIN} --max-length 512",
    "elmo-random": f"{BASE} --learning-rate 1e-3 {READER}/elmo {ENDS}",
    "gpt-random": f"{TRAIN} {READER}/gpt {ENDS}",
    "minilm-256-head+tail": f"{TRAIN} --model {{minilm}} {ENDS}",
    "minilm-512": f"{TRAIN} --model {{minilm}} --max-length 512",
}
NAMES = {"gpt-random": "GPT-style reader of mini's size", "elmo-random": "ELMo-style reader of mini's size"}
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
WHY = "a row of `bertnotes reproduce`, whose table is shown whole"


def reproduce(
    data: Annotated[Path, typer.Option(help="folder that `bertnotes data` wrote")] = Path("data/imdb"),
    rows: Annotated[list[str] | None, typer.Option("--row", help="only this row; again for more [default: all]")] = None,
    seeds: Annotated[int, typer.Option(help="runs of each row that has dice; the first of each row comes first")] = 3,
    out: Annotated[Path, typer.Option(help="folder for the runs")] = Path("runs/table"),
    results: Annotated[Path, typer.Option(help="folder for the records")] = Path("data/results"),
    minilm: Annotated[str, typer.Option(help="the checkpoint that mini was cut from, or a folder with a copy of it")] = MINILM,
    jobs: Annotated[int, typer.Option(min=1, help="runs at a time; one alone does not fill a large GPU")] = 1,
    show: Annotated[bool, typer.Option("--list", help="say what there is to do, and stop")] = False,
):
    """Run the table of results on full IMDB. A row that has its record is left out; one that was stopped goes on."""
    if unknown := [row for row in rows or () if row not in ROWS]:
        raise ValueError(f"there is no row {unknown[0]!r}; the table has {', '.join(ROWS)}")
    missing = [path for path in (data / "train.csv.xz", data / "test.csv.xz") if not path.is_file()]
    if missing and not show:
        raise FileNotFoundError(f"no file {missing[0]}; fetch the reviews first: bertnotes data --out {data}")
    to_train = []
    for row, seed in plan(rows or list(ROWS), seeds):
        record = results / f"imdb-{row}-seed{seed}.json"
        words = train_words(row, seed, data, out, record, minilm) if trains(row) else None
        done, to_do = is_done(record), shlex.join(["bertnotes", *words]) if words else "to do"
        if show or done or words is None:
            typer.echo(f"{row}, seed {seed}: {'done' if done else to_do}")
        if show or done:
            continue
        if words is None:
            score_classical(row, data, record)
            name_row(record, row, minilm)
        else:
            to_train.append((row, seed, words, record))
    if any("{readers}" in ROWS[row] for row, *_ in to_train):
        write_readers(out / "readers")
    run_all([partial(train_row, *one, out, minilm, jobs) for one in to_train], jobs)


def run_all(runs, jobs):
    """Call functions in their order, so many at a time. Where one raises, those at work end, no other begins, and its error is
    raised."""
    stop = Event()

    def begin(run):
        if not stop.is_set():
            try:
                run()
            except BaseException:
                stop.set()  # here, and not where it is waited for: this thread would have begun the next by then
                raise

    with ThreadPoolExecutor(jobs) as pool:
        try:
            list(pool.map(begin, runs))
        finally:
            stop.set()


def is_done(path):
    """Whether a record is there, whole, and names its row, which is the last thing that is done to it."""
    try:
        return "row" in json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False


def train_row(row, seed, words, record, out, minilm, jobs):
    """Run the command that makes a record, and name its row in it. Of several at a time, each speaks to a file of its own.
    Raises ValueError where it fails."""
    typer.echo(f"{row}, seed {seed}: {shlex.join(['bertnotes', *words])}")
    log = out / f"{row}-seed{seed}.log"
    out.mkdir(parents=True, exist_ok=True)
    with log.open("ab") if jobs > 1 else nullcontext() as stream:
        streams = {"stdout": stream, "stderr": stream and subprocess.STDOUT}  # None is where ours go
        command = [sys.executable, "-m", "bertnotes", *words]
        status = subprocess.run(command, env={**memory_settings(), **os.environ}, **streams).returncode
    if status != 0:
        where = f"in {log}" if jobs > 1 else "above"
        raise ValueError(
            f"{row}, seed {seed}, ended with status {status}; what to do stands {where}. Then the same command goes on"
        )
    name_row(record, row, minilm, jobs)


def memory_settings():
    """Environment variables that spare a row at 512 tokens much waiting, where 20 GB are free; otherwise none.

    glibc hands each tensor above 32 MB back to the system, which zeroes it for the next one. Told to keep them (mallopt(3);
    other systems pass over it) the process holds more memory, as the record of mini-512 says.
    """
    import psutil

    if psutil.virtual_memory().available < 20e9:
        return {}
    return {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**34), "MALLOC_TOP_PAD_": str(2**28)}


def trains(row):
    """Whether a row is a run of `bertnotes train`, with dice; the others are classical systems."""
    return "--" in ROWS[row]


def plan(rows, seeds):
    """(row, seed) in the order of running: a first seed of every row before the second of any; rows without dice once."""
    return [(row, seed) for seed in range(seeds) for row in rows if seed == 0 or trains(row)]


def train_words(row, seed, data, out, record, minilm):
    """The words of the `bertnotes` command that makes a record."""
    files = {"data": data / "train.csv.xz", "test": data / "test.csv.xz", "out": out / f"{row}-seed{seed}", "record": record}
    named = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    words = [word.format(minilm=minilm, readers=out / "readers") for word in ROWS[row].split()]
    return ["train", *named, *words, "--seed", str(seed), "--resume", "--another-look", WHY]


def write_readers(folder):
    """Write the readers of page 04, of mini's size, to a folder each."""
    from bertnotes.experiments.reader_model import KINDS, write_reader

    for kind in KINDS:
        write_reader(folder / kind, kind)


def score_classical(row, data, record):
    """Fit one of the classical systems on all training reviews, score it, and write its record."""
    import time

    from bertnotes import baselines
    from bertnotes.data import load_imdb_data
    from bertnotes.evaluation import accuracy
    from bertnotes.experiments.exam import note_look
    from bertnotes.experiments.meter import peak_memory
    from bertnotes.experiments.records import pack_probabilities, write_record

    train, test = (load_imdb_data(data / f"{split}.csv.xz") for split in ("train", "test"))
    started = time.perf_counter()
    model = getattr(baselines, ROWS[row])().fit(*train)
    seconds = time.perf_counter() - started
    predictions = model.predict(test[0])
    positive = model.predict_proba(test[0])[:, 1] if hasattr(model, "predict_proba") else predictions
    found = round(float(accuracy(test[1], predictions)), 4)
    looks = note_look(test, {"row": row}, found, reason=WHY)
    typer.echo(f"{row}: accuracy {found:.4f}, fitted in {seconds:.0f} s")
    write_record(
        record, command=f"bertnotes reproduce --row {row}", model=row, accuracy=found, looks=looks,
        train_reviews=len(train[0]), test_reviews=len(test[0]), train_seconds=round(seconds, 1),
        train_peak_memory_mb=peak_memory(), positive=pack_probabilities(positive),
        **({"strongest": baselines.strongest_words(model)} if row == "tfidf" else {}),
    )  # fmt: skip


def name_row(path, row, minilm, jobs=1):
    """Write into a record which row of the table it belongs to and what that is called; instead of a folder with a copy of
    MiniLM its name; and how many rows trained at a time, where its seconds are not those of a run alone."""
    from bertnotes.files import write_whole

    record = json.loads(path.read_text(encoding="utf-8"))
    if "{minilm}" in ROWS[row]:
        words = [MINILM if word == minilm else word for word in shlex.split(record["command"])]
        record |= {"model": MINILM, "command": shlex.join(words)}
    name = {"name": NAMES[row]} if row in NAMES else {}
    shared = {"jobs": jobs} if jobs > 1 else {}
    write_whole(path, json.dumps({"row": row, **name, **record, **shared}, indent=2) + "\n")
