"""Files as they come: what a program wrote is read back exactly or refused in a sentence, and no bytes end in a traceback."""

import bz2
import csv
import gzip
import io
import json
import lzma
import time
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bertnotes.data import read_table
from bertnotes.tables import open_table

LONGEST = 700  # letters of a message, the name of the file among them
SECONDS = 60  # that the long tests go on

LETTERS = st.one_of(st.sampled_from("ab,;|\t\"'\n\r \\#=-é–日😀\x00\x0b\x1f\u2028"), st.characters(blacklist_categories=["Cs"]))
TEXTS = st.one_of(st.text(LETTERS, max_size=12), st.sampled_from(["NA", "nan", "1.0", "01", "True", "=1+1", "a" * 3000]))
LABELS = st.sampled_from(["positive", "negative", "1", "5.0", "True", "so, so", "très", "N/A", 'a "b"'])
DIALECTS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t|"),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
        "lineterminator": st.sampled_from(["\n", "\r\n"]),
    }
)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "cp1252"])
PACKED = {".csv": bytes, ".csv.gz": gzip.compress, ".csv.bz2": bz2.compress, ".csv.xz": lzma.compress}
FILES = {"max_examples": 60, "deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


def written(path, rows, encoding, packed, **dialect):
    """A file with these rows of text and label under a header, as Python's own writer puts them; None where it cannot."""
    stream = io.StringIO()
    csv.writer(stream, **dialect).writerows([("review", "sentiment"), *rows])
    path = path / f"r{packed}"
    path.write_bytes(PACKED[packed](stream.getvalue().encode(encoding, "replace")))
    return path


def refused(function, *arguments, **options):
    """(what a function returns, None), or (None, its message): one sentence that is not long."""
    try:
        return function(*arguments, **options), None
    except (ValueError, FileNotFoundError) as error:
        assert str(arguments[0]) in str(error) and len(str(error)) < LONGEST, error
        return None, str(error)


def is_utf8(rows):
    """Whether rows written in cp1252 are UTF-8 as well, such as Â with a hard space: nobody can tell which was meant."""
    try:
        return bool("\n".join(field for row in rows for field in row).encode("cp1252", "replace").decode("utf-8"))
    except UnicodeDecodeError:
        return False


def check_round_trip(folder, rows, encoding, packed, dialect):
    """What was written is read back, or refused. A letter that the encoding lacks is written as a question mark."""
    if dialect["lineterminator"] == "\n":  # Python's csv then writes a lone \r without quotes, where it ends a row
        rows = [tuple(field.replace("\r", "\n") for field in row) for row in rows]
    path = written(folder, rows, encoding, packed, **dialect)
    read = "utf-8" if encoding == "cp1252" and is_utf8(rows) else encoding
    expected = [tuple(field.encode(encoding, "replace").decode(read) for field in row) for row in rows]
    found, _ = refused(lambda path: [tuple(row.values()) for _, row in open_table(path, wanted=["review"])], path)
    if found is None:
        return
    told = " ".join(open_table(path).notes)
    if any("\0" in field for row in expected for field in row):
        assert "NUL" in told or "UTF-16" in told or encoding in ("utf-16", "utf-32", "cp1252")
    assert found == [tuple(field.replace("\0", "") for field in row) for row in expected], told


ROUND_TRIP = (st.lists(st.tuples(TEXTS, LABELS), min_size=1, max_size=6), ENCODINGS, st.sampled_from(list(PACKED)), DIALECTS)


MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["cut", "put", "drop", "twice"]),
        st.integers(0, 400),
        st.one_of(
            st.binary(max_size=6),
            st.sampled_from([b'"', b"\r", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\x93", b"sep=;\n", b"\\", b",", b"\xf0\x9f"]),
        ),
    ),
    max_size=4,
)
NAMES = st.sampled_from(["r.csv", "r.tsv", "r.txt", "r.json", "r.jsonl", "r.xlsx", "r.parquet", "r.csv.gz", "r.zip", "r"])
BEGINNINGS = [
    b"",
    b"PAR1",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"BZh9",
    b"\xfd7zXZ\x00",
    b"%PDF",
    b"\xd0\xcf\x11\xe0",
    b"[[[[",
    b'{"a": ',
]


def changed(data, mutations):
    """Bytes after some mishaps: cut off, something put into them, dropped from them, a stretch written twice."""
    for kind, place, piece in mutations:
        at = place % (len(data) + 1)
        data = {
            "cut": data[:at],
            "put": data[:at] + piece + data[at:],
            "drop": data[:at] + data[at + len(piece) + 1 :],
            "twice": data[:at] + data[max(0, at - 20) :],
        }[kind]
    return data


@st.composite
def dirt(draw):
    """(name, bytes) of a file: a table after some mishaps, packed or not, or bytes that are none."""
    rows, encoding = draw(st.lists(st.tuples(TEXTS, LABELS), max_size=5)), draw(ENCODINGS)
    kind = draw(st.sampled_from(["csv", "csv", "csv", "jsonl", "zip", "bytes"]))
    if kind == "bytes":
        return draw(NAMES), draw(st.sampled_from(BEGINNINGS)) + draw(st.binary(max_size=60))
    if kind == "jsonl":
        data = "\n".join(json.dumps({"review": text, "label": label}) for text, label in rows).encode()
        return draw(st.sampled_from(["r.json", "r.jsonl"])), changed(data, draw(MUTATIONS))
    stream = io.StringIO()
    csv.writer(stream, **draw(DIALECTS)).writerows([("review", "sentiment"), *rows])
    data = changed(stream.getvalue().encode(encoding, "replace"), draw(MUTATIONS))
    if kind == "zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))) as archive:
            archive.writestr("r.csv", data)
        return "r.zip", changed(packed.getvalue(), draw(MUTATIONS))
    return draw(NAMES), changed(draw(st.sampled_from(list(PACKED.values())))(data), draw(st.just([]) | MUTATIONS))


def check_library(folder, name, data, drop):
    """Rows that all fit the header, or one sentence."""
    path = folder / name
    path.write_bytes(data)
    found, _ = refused(read_table, path, tell=lambda note: None, drop_bad_rows=drop)
    if found is not None:
        texts, labels, names = found
        assert len(texts) == len(labels) > 0 and all(text.strip() for text in texts) and set(labels) == set(range(len(names)))


def check_command(run, folder, name, data, words):
    """Status 2 and one line: the model is nowhere, so that each call ends after the table was read, if not before. Of a table
    that was read whole, lines before it may say what was found out."""
    path = folder / name
    path.write_bytes(data)
    status, out, err = run(*(str(path) if word == "FILE" else word for word in words))
    lines = [line for line in err.splitlines() if not line.startswith(f"{path.name}: ")]
    assert status == 2 and len(lines) == 1 and lines[0].startswith("bertnotes: ") and len(err) < LONGEST, (err, out)


COMMANDS = [
    ["predict", "--file", "FILE", "--model", "./nowhere"],
    ["predict", "--file", "FILE", "--model", "./nowhere", "--text-column", "sentiment", "--encoding", "latin-1"],
    ["train", "--data", "FILE", "--model", "./nowhere", "--out", "./nothing"],
    ["train", "--data", "FILE", "--model", "./nowhere", "--out", "./nothing", "--drop-bad-rows", "--validation", "0.5"],
    ["train", "--data", "FILE", "--model", "./nowhere", "--out", "./nothing", "--plain"],
    ["data", "--from", "FILE", "--out", "./nothing"],
]


@settings(**FILES)
@given(*ROUND_TRIP)
def test_a_table_is_read_back_exactly_or_refused(tmp_path, rows, encoding, packed, dialect):
    check_round_trip(tmp_path, rows, encoding, packed, dialect)


@settings(**FILES)
@given(dirt(), st.booleans())
def test_dirt_is_refused_in_one_sentence(tmp_path, file, drop):
    check_library(tmp_path, *file, drop)


@settings(**FILES | {"max_examples": 25})
@given(dirt(), st.sampled_from(COMMANDS))
def test_no_dirt_ends_the_command_in_a_traceback(bertnotes, tmp_path, monkeypatch, file, words):
    monkeypatch.chdir(tmp_path)
    check_command(bertnotes, tmp_path, *file, words)


@pytest.mark.long
def test_a_minute_of_dirt(bertnotes, tmp_path, monkeypatch):
    """The same three, as many examples as fit into a minute."""
    monkeypatch.chdir(tmp_path)
    ends = time.monotonic() + SECONDS
    many = settings(**FILES | {"max_examples": 200, "database": None})
    checks = [
        many(
            given(*ROUND_TRIP)(
                lambda rows, encoding, packed, dialect: check_round_trip(tmp_path, rows, encoding, packed, dialect)
            )
        ),
        many(given(dirt(), st.booleans())(lambda file, drop: check_library(tmp_path, *file, drop))),
        many(given(dirt(), st.sampled_from(COMMANDS))(lambda file, words: check_command(bertnotes, tmp_path, *file, words))),
    ]
    while time.monotonic() < ends:
        for check in checks:
            check()
