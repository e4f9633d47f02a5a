"""Tables: a file of rows, whichever program wrote it, read a row at a time.

CSV with any usual separator, quotes and encoding, compressed or not, and JSON lines, of which one row is in memory at a time;
Excel and Parquet by way of pandas. Nothing is guessed in silence: what was found out about a file stands in `Table.notes`.
"""

import bz2
import codecs
import csv
import gzip
import io
import itertools
import json
import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
ONE_COLUMN = "\x1f"  # a separator that no text holds
SAMPLE = 500  # lines from which separator and quotes are told
BLOCK = 2**20
PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}  # how a file begins, and what reads it
ZIP = b"PK\x03\x04"
# a RuntimeError is what zipfile raises on a password, or on a way to compress that it does not know
BROKEN = (OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile, zlib.error, RuntimeError)


@dataclass
class Columns:
    """How a table of one's own is read."""

    text_column: str | None = None  # the column of texts, unless well known (review, text, ...) or the only other one
    label_column: str | None = None  # the column of labels, unless well known (sentiment, label, ...) or the only other one
    encoding: str | None = None  # such as cp1252, unless it can be told
    drop_bad_rows: bool = False  # leave out rows that lack a text or a label, and say how many


@dataclass
class Table:
    """The rows of a file: iterating gives (number, {column: text}) for each, counted from 1 behind the header.

    notes: sentences on what was found out and had to be chosen. Iterating raises ValueError, naming the file and the row, where
    a row does not fit the header; with `bad` set to a list, such rows are left out, and (number, problem) is put into it.
    """

    path: Path
    columns: list
    start: object  # begins anew: gives an iterator of lists of texts
    notes: list = field(default_factory=list)
    bad: list | None = None

    def __post_init__(self):
        self.columns = [name.strip() or f"column {number}" for number, name in enumerate(self.columns, start=1)]
        if twice := [name for name in self.columns if self.columns.count(name) > 1]:
            raise ValueError(f"{self.path} has two columns named {twice[0]!r}; give them names of their own")

    def __iter__(self):
        for number, values in enumerate(self.start(), start=1):
            if len(values) == len(self.columns):
                yield number, dict(zip(self.columns, values, strict=True))
            else:
                hint = ": a text that holds the separator stands in quotes" if len(values) > len(self.columns) else ""
                self.complain(number, f"has {len(values)} fields, the header {len(self.columns)}{hint}")

    def complain(self, number, problem):
        """Raise ValueError for a row, or note that it is left out."""
        if self.bad is None:
            raise ValueError(f"{self.path}: row {number} {problem}; mend it, or leave such rows out: --drop-bad-rows")
        self.bad.append((number, problem))

    def left_out(self):
        """How many rows are left out, and how many of them for which reason, with the numbers of the first."""
        reasons = {}
        for number, problem in self.bad:
            reasons.setdefault(problem.replace("has ", "with ", 1), []).append(str(number))
        each = [
            f"{len(rows)} {reason} (row {', '.join(rows[:3])}{', ...' if len(rows) > 3 else ''})"
            for reason, rows in sorted(reasons.items(), key=lambda one: -len(one[1]))
        ]
        more = f"; and {len(each) - 5} other reasons" if len(each) > 5 else ""
        return f"{len(self.bad)} rows left out: {'; '.join(each[:5])}{more}"


def open_table(path, encoding=None, wanted=()):
    """Find out how a file is written. Returns a Table, whose rows are read from the file when it is iterated over.

    encoding: such as "cp1252" [default: UTF-8 with or without a mark, UTF-16, else Windows-1252]; wanted: names of columns that
    are looked for, which helps to tell the separator.
    Raises FileNotFoundError where there is no file, and ValueError where it holds no table.
    """
    path, wanted = Path(os.path.expanduser(path)), {name for name in wanted if name}
    if not path.is_file():
        hint = "data/reviews.csv comes with the course, `bertnotes data` fetches full IMDB"
        raise FileNotFoundError(f"no file {path}; {hint}")
    with refusals(path):
        with open_bytes(path) as stream:
            head = stream.read(BLOCK)
        if not head.strip(b"\0 \t\r\n\x0b\x0c\xef\xbb\xbf\xff\xfe"):
            raise ValueError(f"{path} is empty; expected a table with a header")
        if head.startswith(b"PAR1"):
            return frame_table(path, "read_parquet")
        if head.startswith(ZIP):  # a zip within: what Excel writes
            return frame_table(path, "read_excel")
        check_text(path, head)
        if set(path.suffixes) & {".jsonl", ".ndjson", ".json"}:
            return json_table(path, encoding)
        return csv_table(path, encoding, wanted)


@contextmanager
def refusals(path):
    """What libraries raise on damaged files, as one sentence of ours."""
    try:
        yield
    except BROKEN as error:
        raise ValueError(f"{path} is damaged or not whole ({str(error)[:200]}); fetch or save it again") from None


# --- bytes and text ----------------------------------------------------------------------------------------------------------


def open_bytes(path):
    """A stream of the bytes in a file, decompressed if need be, for a `with` block."""
    with path.open("rb") as stream:
        head = stream.read(6)
    for magic, unpack in PACKED.items():
        if head.startswith(magic):
            return unpack(path)
    if head.startswith(ZIP) and (member := only_member(path)):
        with zipfile.ZipFile(path) as archive:
            return archive.open(member)  # which stays open
    return path.open("rb")


def only_member(path):
    """The file in a zip archive, hidden ones aside; None in an Excel file. Raises ValueError where there is not just one."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    if "[Content_Types].xml" in names:
        return None
    names = [name for name in names if not name.startswith("__MACOSX/") and not Path(name).name.startswith(".")]
    if len(names) != 1:
        raise ValueError(f"{path} holds {len(names)} files ({shown(names, most=3)}); give one of them, unpacked")
    return names[0]


def check_text(path, head):
    """Raise ValueError where the first bytes are those of something else than text."""
    if head[257:262] == b"ustar":
        hint = "of IMDB's own, `bertnotes data --from` makes tables; else unpack it, and give a file of it"
        raise ValueError(f"{path} is an archive of many files, not a table; {hint}")
    if head[:4] == b"\xd0\xcf\x11\xe0":
        raise ValueError(f"{path} is in the format of Excel before 2007; save it as .xlsx or CSV")
    if head[:4] == b"%PDF" or head[:15].lower().lstrip().startswith((b"<!doctype", b"<html")):
        raise ValueError(f"{path} is a document, not a table; save the table as CSV")


def find_encoding(path, told=None):
    """How the text in a file is encoded, and a list of sentences on what had to be guessed. told: an encoding that is known."""
    if told:
        return known_encoding(told), []
    with open_bytes(path) as stream:
        head = stream.read(2000)
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32", []
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", []
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):  # every second byte of Western text is 0
        if head[first::2].count(0) > 0.3 * len(head[first::2]) > head[1 - first :: 2].count(0):
            return name, ["read as UTF-16"]
    try:
        with io.TextIOWrapper(open_bytes(path), "utf-8", newline="") as text:
            nuls = sum(block.count("\0") for block in iter(lambda: text.read(BLOCK), ""))
    except UnicodeDecodeError:
        return "cp1252", ["not UTF-8, so read as Windows-1252; where letters look wrong, say in which --encoding it is"]
    return "utf-8-sig", ["NUL characters are left out"] if nuls else []


def known_encoding(name):
    """The name of an encoding; UTF-8 may begin with a mark. Raises ValueError where Python knows none of that name."""
    try:
        "".encode(name)  # which also refuses what encodes no text, such as base64
        return "utf-8-sig" if codecs.lookup(name).name == "utf-8" else name
    except (LookupError, ValueError):
        raise ValueError(f"there is no encoding {name[:40]!r}; usual ones are utf-8, utf-16, cp1252, latin-1") from None


@contextmanager
def open_text(path, encoding):
    """A stream of the lines of a file, without NUL characters."""
    with refusals(path), io.TextIOWrapper(open_bytes(path), encoding, newline="") as lines:
        try:
            yield (line.replace("\0", "") for line in lines)
        except UnicodeDecodeError as error:
            encoding = encoding.removesuffix("-sig")
            raise ValueError(f"{path} is not written in {encoding} ({error.reason}); say in which --encoding it is") from None


# --- CSV ---------------------------------------------------------------------------------------------------------------------


def csv_table(path, encoding, wanted):
    """A file with a separator between fields."""
    csv.field_size_limit(2**31 - 1)  # a review may be long
    encoding, notes = find_encoding(path, encoding)
    with open_text(path, encoding) as lines:
        sample = "".join(itertools.islice(lines, SAMPLE))
    told = re.match(r"sep=(.)\r?\n", sample)  # a line by which Excel knows the separator
    dialect, header = find_dialect(sample[told.end() :], told[1], wanted) if told else find_dialect(sample, None, wanted)
    if not header:
        raise ValueError(f"{path} has no header: a quote in its first line is not closed; mend it, or save the table again")

    def rows():
        with open_text(path, encoding) as lines:
            reader = csv.reader(itertools.islice(lines, 1 if told else 0, None), strict=True, **dialect)
            try:
                next(reader)
                yield from (row for row in reader if row)
            except csv.Error as error:
                raise ValueError(
                    f"{path}: a quote that does not fit near line {reader.line_num} ({error}); a field that holds quotes or "
                    f"line breaks stands in quotes, and a quote in it is doubled"
                ) from None

    if (names := SEPARATORS.get(dialect["delimiter"], "commas")) != "commas":
        notes.append(f"fields are separated by {names}")
    return Table(path, header, rows, notes)


def rows_of(sample, dialect):
    """The rows of the beginning of a CSV, and whether each quote in it fits; at its end one may be open, where it was cut."""
    rows: list[list[str]] = []
    try:
        rows.extend(row for row in csv.reader(io.StringIO(sample, newline=""), strict=True, **dialect) if row)
    except csv.Error as error:
        return rows, "end of data" in str(error)
    return rows, True


def find_dialect(sample, separator, wanted):
    """Tell how fields are separated and quoted: (options of csv.reader, the header). separator: where it is known.

    Taken is what makes most rows as long as the header; where several do so, what finds the columns wanted, or most columns.
    """
    best = None
    for delimiter in [separator] if separator else SEPARATORS:
        for quoting in ({}, {"doublequote": False, "escapechar": "\\"}) if '\\"' in sample else ({},):
            dialect = {"delimiter": delimiter, **quoting}
            rows, whole = rows_of(sample, dialect)
            header = [name.strip() for name in rows[0]] if rows else []
            fitting = sum(len(row) == len(header) for row in rows) / max(1, len(rows))
            score = len(header) > 1, wanted <= set(header), whole, round(fitting, 2), len(header), not quoting
            if best is None or score > best[0]:
                best = score, dialect, header
    score, dialect, header = best
    return (dialect, header) if score[0] else ({"delimiter": ONE_COLUMN}, header[:1])


# --- other formats -----------------------------------------------------------------------------------------------------------


def json_table(path, encoding=None):
    """Lines of JSON, an object each, or one array of objects; what a row lacks is empty."""
    encoding, notes = find_encoding(path, encoding)

    def objects():
        with open_text(path, encoding) as lines:
            first = next(lines)
            if first.lstrip().startswith("["):
                yield from json.loads(first + "".join(lines))
            else:
                yield from map(json.loads, filter(str.strip, itertools.chain([first], lines)))

    def checked():
        try:
            for number, item in enumerate(objects(), start=1):
                if not isinstance(item, dict):
                    raise ValueError(f"row {number} is a {type(item).__name__}, not an object with named fields")
                yield item
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path} is not JSON with an object for each row: {str(error)[:200]}") from None

    columns = list(dict.fromkeys(name for item in checked() for name in item))  # all rows: a field may come late
    return Table(path, columns, lambda: ([as_text(item.get(name)) for name in columns] for item in checked()), notes)


def frame_table(path, reader):
    """A file that pandas reads whole: `read_excel`, whose first sheet is taken, or `read_parquet`."""
    import pandas as pd

    options = {"sheet_name": None, "dtype": object, "keep_default_na": False} if reader == "read_excel" else {}
    try:
        found = getattr(pd, reader)(path, **options)
    except ImportError:
        need = "openpyxl" if reader == "read_excel" else "pyarrow"
        raise ValueError(
            f"to read {path}, install {need} (pip install 'bertnotes[tables]'), or save the table as CSV"
        ) from None
    except Exception as error:  # each engine has errors of its own
        raise ValueError(f"{path} is damaged or not whole ({str(error)[:200]}); fetch or save it again") from None
    notes = []
    if isinstance(found, dict):
        (name, found), *more = found.items()
        notes = [f"read the first sheet, {name!r}, and not the other {len(more)}"] if more else []
    columns = list(map(str, found.columns))
    return Table(path, columns, lambda: (list(map(as_text, row)) for row in found.itertuples(index=False, name=None)), notes)


def as_text(value):
    """A value of a cell as text: nothing is empty, and 3.0 is 3."""
    if isinstance(value, str):
        return well_formed(value)
    value = value.tolist() if hasattr(value, "tolist") else value  # an array, as Parquet has them for lists
    if value is None or value != value:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def shown(names, most=8):
    """Names for a message, not too many."""
    names = [repr(str(name)[:40]) for name in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


# --- texts and labels that are handed over -----------------------------------------------------------------------------------


def well_formed(text):
    """A text with a replacement character for each lone half of a surrogate pair, which no tokenizer can read.

    >>> well_formed("what a film \\ud83d great")
    'what a film \ufffd great'
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def as_texts(texts):
    """Texts in any sequence, such as a list, a Series or an array, as a list of str, each `well_formed`.

    Raises ValueError where it is no sequence of one axis, one text alone, or one of them is empty or no string.
    """
    texts = one_by_one(texts, "texts", "[text]")
    for row, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"text {row} is no review: {text!r:.80}; expected a non-empty string")
    return list(map(well_formed, texts))


def as_labels(labels, or_names=False):
    """Labels in any sequence, such as a list, a Series, an array or a tensor, as a list of int.

    or_names: also take names of classes, as scikit-learn does, which stay as they are.
    Raises ValueError where it is no sequence of one axis, or one of them is no whole number.
    """
    labels = [label.item() if hasattr(label, "item") else label for label in one_by_one(labels, "labels", "[label]")]
    if or_names and all(isinstance(label, str) for label in labels):
        return labels
    for row, label in enumerate(labels):
        if not isinstance(label, (int, float)) or label % 1 != 0:
            raise ValueError(f"label {row} is {label!r:.80}; a label is a whole number, the place of its class, from 0")
    return list(map(int, labels))


def as_pairs(texts, labels, or_names=False):
    """Texts and their labels as two lists, of str and of int (or_names: see `as_labels`).

    Raises ValueError as `as_texts` and `as_labels` do, and where there are not as many of both.
    """
    texts, labels = as_texts(texts), as_labels(labels, or_names)
    if len(texts) != len(labels):
        raise ValueError(f"each text needs its label; got {len(texts)} texts and {len(labels)} labels")
    return texts, labels


def one_by_one(values, name, example):
    """What a sequence of one axis holds, a list. Raises ValueError for anything else, a string, a table and a dict too."""
    if not isinstance(values, Iterable) or isinstance(values, (str, bytes, Mapping)) or getattr(values, "ndim", 1) != 1:
        met = repr(values)[:40] if isinstance(values, (str, bytes)) else f"a {type(values).__name__}"
        raise ValueError(f"{name} come in a list, or in a Series or an array of one axis; got {met}: give {example}")
    return list(values)
