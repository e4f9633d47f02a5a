"""A verdict on every row of a table, written beside it: `bertnotes predict --file in.csv --out out.csv`.

A few hundred rows are in memory at a time, and what was stopped goes on where it was.
"""

import csv
from itertools import islice
from pathlib import Path

from bertnotes.batching import FOREIGN, foreign, unreadable
from bertnotes.classifier import predict_probabilities
from bertnotes.data import clean_review


def predict_table(table, column, classifier, tokenizer, out, chunk=512, *, tell=print):
    """Write a table to a CSV, with the class of each text and how probable that is; both are empty where there is no text.

    table: a tables.Table; column: that of the texts; chunk: rows at a time. Rows that the CSV holds already are not
    judged again. tell: is given a sentence where the tokenizer does not know the words of some texts.
    Returns how many rows were judged now. Raises ValueError where the CSV is another one, or a row of the table does not fit.
    """
    out, header = Path(out), [*table.columns, *added(table.columns)]
    done, size = what_is_there(out, header)
    rows, count, strange = islice(table, done, None), 0, 0
    with out.open("a", newline="", encoding="utf-8") as stream:
        stream.truncate(size)  # a row that was being written when the work was stopped
        writer = csv.writer(stream)
        if size == 0:
            writer.writerow(header)
        while some := [row for _, row in islice(rows, chunk)]:
            texts = [clean_review(row[column]) for row in some]
            verdicts = judge(texts, classifier, tokenizer)
            strange += len(foreign(texts, tokenizer))
            writer.writerows([*row.values(), *verdict] for row, verdict in zip(some, verdicts, strict=True))
            stream.flush()
            count += len(some)
    if strange:
        tell(FOREIGN.format(strange))
    return count


def added(columns):
    """The names of the two columns that are added, other than those that are there."""
    return [name if name not in columns else f"predicted_{name}" for name in ("label", "probability")]


def judge(texts, classifier, tokenizer):
    """For each text the name of its class and the probability as text, or two empty texts where there is nothing to read."""
    empty = set(unreadable(texts, tokenizer))
    filled = [text for row, text in enumerate(texts) if row not in empty]
    found = iter(predict_probabilities(filled, classifier, tokenizer) if filled else ())
    rows = [None if row in empty else next(found) for row in range(len(texts))]
    return [("", "") if row is None else (classifier.class_names[row.argmax()], f"{row.max():.4f}") for row in rows]


def what_is_there(path, header):
    """How many whole rows a CSV that was begun holds, and how many bytes they are with the header: (0, 0) where there is none.

    A last row that was not written to its end does not count. Raises ValueError where the CSV is not one that was begun so.
    """
    if not path.exists() or path.stat().st_size == 0:
        return 0, 0
    whole, size, torn = 0, 0, False
    for row, passed, ended in rows_and_bytes(path):
        if torn or (whole == 0 and row != header):
            raise ValueError(f"{path} is there and is another table than the one to be written; give a new file")
        torn = not ended or len(row) != len(header)
        if not torn:
            whole, size = whole + 1, passed
    return max(0, whole - 1), size  # one is the header


def rows_and_bytes(path):
    """For each row of a CSV: the row, how many bytes end with it, and whether its line ends there."""
    passed, line = 0, b""

    def lines():
        nonlocal passed, line
        with path.open("rb") as stream:
            for line in stream:
                passed += len(line)
                yield line.decode("utf-8", "replace")

    for row in csv.reader(lines()):
        yield row, passed, line.endswith(b"\r\n")
