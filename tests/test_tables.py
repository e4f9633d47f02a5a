"""Tables: whatever program wrote a file, its rows come out as they were put in, or one sentence says what is wrong."""

import bz2
import csv
import gzip
import io
import json
import lzma
import tarfile
import zipfile

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertnotes.data import read_table
from bertnotes.tables import as_text, open_table

ROWS = [("So, so; mostly dull", "negative"), ('He said "great", twice', "positive"), ("Two\nlines | and\ta tab", "positive")]


def written(path, text, encoding="utf-8"):
    """The path, with that text in it."""
    path.write_bytes(text.encode(encoding))
    return path


def rows_of(path, **choice):
    """The values of each row."""
    return [tuple(row.values()) for _, row in open_table(path, **choice)]


def as_csv(rows, header=("review", "sentiment"), **options):
    """Rows as Python's own writer puts them."""
    stream = io.StringIO()
    writer = csv.writer(stream, **options)
    writer.writerows([header, *rows])
    return stream.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_usual_separator(tmp_path, delimiter, quoting, end):
    path = written(tmp_path / "r.csv", as_csv(ROWS, delimiter=delimiter, quoting=quoting, lineterminator=end))
    table = open_table(path)
    assert table.columns == ["review", "sentiment"] and rows_of(path) == ROWS
    assert bool(table.notes) == (delimiter != ",")


def test_the_separator_that_excel_names(tmp_path):
    path = written(tmp_path / "r.csv", "sep=;\r\n" + as_csv(ROWS, delimiter=";", lineterminator="\r\n"))
    assert rows_of(path) == ROWS


def test_quotes_by_backslash(tmp_path):
    text = as_csv(ROWS, doublequote=False, escapechar="\\", quoting=csv.QUOTE_ALL)
    assert rows_of(written(tmp_path / "r.csv", text)) == ROWS


def test_a_backslash_at_the_end_of_a_field_is_a_backslash(tmp_path):
    rows = [("C:\\", "negative"), ('a "quoted" word', "positive")]
    assert rows_of(written(tmp_path / "r.csv", as_csv(rows, quoting=csv.QUOTE_ALL))) == rows


def test_one_column_needs_no_quotes(tmp_path):
    path = written(tmp_path / "r.txt", "review\nGood, great; fine\nBad\n")
    assert rows_of(path) == [("Good, great; fine",), ("Bad",)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings(tmp_path, encoding):
    rows = [("Un café très cher – naïve", "negative"), ("plain", "positive")]
    path = written(tmp_path / "r.csv", as_csv(rows), encoding)
    assert rows_of(path) == rows
    assert bool(open_table(path).notes) == (encoding in ("utf-16-le", "cp1252"))


def test_an_encoding_that_is_told_wins(tmp_path):
    path = written(tmp_path / "r.csv", as_csv([("фильм", "good")]), "cp1251")
    assert rows_of(path, encoding="cp1251") == [("фильм", "good")]
    with pytest.raises(ValueError, match=r"is not written in utf-8 .*say in which --encoding"):
        rows_of(path, encoding="utf-8")
    with pytest.raises(ValueError, match=r"there is no encoding 'utf-9'"):
        rows_of(path, encoding="utf-9")


def test_a_letter_late_in_a_large_file_is_seen(tmp_path):
    rows = [("x" * 1000, "negative")] * 1500 + [("café", "positive")]
    assert rows_of(written(tmp_path / "r.csv", as_csv(rows), "cp1252"))[-1] == ("café", "positive")


def test_nul_characters_cut_nothing(tmp_path):
    path = tmp_path / "r.csv"
    path.write_bytes(b'review,sentiment\nNot bad\x00 but dull,negative\n"quoted \x00 review, too",positive\n')
    assert rows_of(path) == [("Not bad but dull", "negative"), ("quoted  review, too", "positive")]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_whatever_its_name(tmp_path, pack):
    path = tmp_path / "r.csv"
    path.write_bytes(pack(as_csv(ROWS).encode()))
    assert rows_of(path) == ROWS
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(ValueError, match=r"r.csv is damaged or not whole"):
        rows_of(path)


def test_a_large_file_that_breaks_off_late(tmp_path):
    """Behind what is looked at first."""
    path = tmp_path / "r.csv.gz"
    path.write_bytes(gzip.compress(as_csv([("x" * 1000, "negative")] * 2000).encode())[:-12])
    with pytest.raises(ValueError, match=r"r.csv.gz is damaged or not whole"):
        open_table(path)


def test_a_zip_made_on_a_mac(tmp_path):
    path = tmp_path / "r.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("r.csv", as_csv(ROWS))
        archive.writestr("__MACOSX/._r.csv", b"\x00\x05\x16\x07" + bytes(100))
        archive.writestr(".DS_Store", b"Bud1")
    assert rows_of(path) == ROWS
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(500):
            archive.writestr(f"more{number}.csv", "a,b\n")
    with pytest.raises(ValueError, match=r"holds 501 files .*more0.csv") as caught:
        open_table(path)
    assert len(str(caught.value)) < 300


def test_what_is_no_table(tmp_path):
    path = tmp_path / "aclImdb_v1.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("aclImdb/train/pos/0_9.txt")
        info.size = 5
        archive.addfile(info, io.BytesIO(b"a fil"))
    with pytest.raises(ValueError, match=r"archive of many files.*bertnotes data"):
        open_table(path)
    with pytest.raises(ValueError, match=r"save it as .xlsx or CSV"):
        open_table(written(tmp_path / "old.xls", "\xd0\xcf\x11\xe0 and more", "latin-1"))
    with pytest.raises(ValueError, match=r"a document, not a table"):
        open_table(written(tmp_path / "page.csv", "<!DOCTYPE html><p>404"))
    with pytest.raises(ValueError, match=r"is empty"):
        open_table(written(tmp_path / "empty.csv", "\n \n"))
    with pytest.raises(FileNotFoundError, match=r"no file .*nowhere.csv"):
        open_table(tmp_path / "nowhere.csv")


def test_rows_that_do_not_fit(tmp_path):
    path = written(tmp_path / "r.csv", 'a,b\n1,2\n3\n"4","5","6"\n7,8\n')
    with pytest.raises(ValueError, match=r"row 2 has 1 fields, the header 2; mend it"):
        rows_of(path)
    table = open_table(path)
    table.bad = []
    assert [number for number, _ in table] == [1, 4]
    assert table.bad[0] == (2, "has 1 fields, the header 2")
    assert table.bad[1] == (3, "has 3 fields, the header 2: a text that holds the separator stands in quotes")


@pytest.mark.parametrize("text", ['a,b\n"open,2\n3,4\n', 'a,b\n"1"x,2\n'])
def test_quotes_that_do_not_fit(tmp_path, text):
    with pytest.raises(ValueError, match=r"r.csv: a quote that does not fit near line"):
        rows_of(written(tmp_path / "r.csv", text))


def test_json(tmp_path):
    items = [{"review": review, "stars": stars} for review, stars in (("So, so", 2), ("Great", 5.0), ("Line\nbreak", None))]
    wanted = [("So, so", "2"), ("Great", "5"), ("Line\nbreak", "")]
    assert rows_of(written(tmp_path / "r.jsonl", "\n".join(map(json.dumps, items)))) == wanted
    assert rows_of(written(tmp_path / "r.json", json.dumps(items, indent=1))) == wanted
    with pytest.raises(ValueError, match=r"row 2 is a int, not an object"):
        open_table(written(tmp_path / "r.jsonl", '{"a": 1}\n3\n'))
    with pytest.raises(ValueError, match=r"is not JSON"):
        open_table(written(tmp_path / "r.jsonl", '{"a": 1\n'))


def test_excel_and_parquet(tmp_path):
    frame = pandas.DataFrame(ROWS, columns=["review", "sentiment"]).assign(stars=[1.0, 5.0, None])
    wanted = [(*row, stars) for row, stars in zip(ROWS, ("1", "5", ""), strict=True)]
    for name, write in (("r.xlsx", frame.to_excel), ("r.parquet", frame.to_parquet)):
        write(tmp_path / name, index=False)
        assert rows_of(tmp_path / name) == wanted


@pytest.mark.parametrize("kind", ["xlsx", "parquet"])
@pytest.mark.parametrize(
    "labels, names",
    [(["bad", "good"], ("bad", "good")), ([1, 5], ("1", "5")), ([1.0, 4.5], ("1", "4.5")), ([False, True], ("False", "True"))],
)
def test_labels_of_any_kind_in_excel_and_parquet(tmp_path, kind, labels, names):
    """Words, numbers, stars and booleans are the same classes as in a CSV."""
    frame, path = pandas.DataFrame({"text": ["a", "b", "c", "d"], "label": labels * 2}), tmp_path / f"r.{kind}"
    (frame.to_excel if kind == "xlsx" else frame.to_parquet)(path, index=False)
    frame.to_csv(tmp_path / "r.csv", index=False)
    assert read_table(path, tell=print)[1:] == ([0, 1, 0, 1], names)
    if labels != [1.0, 4.5]:  # which pandas writes to a CSV as 1.0
        assert read_table(tmp_path / "r.csv", tell=print)[1:] == ([0, 1, 0, 1], names)


@pytest.mark.parametrize("kind, package", [("xlsx", "openpyxl"), ("parquet", "pyarrow")])
def test_what_to_install_for_a_kind_of_table(tmp_path, monkeypatch, kind, package):
    frame, path = pandas.DataFrame({"text": ["a"], "label": ["x"]}), tmp_path / f"r.{kind}"
    (frame.to_excel if kind == "xlsx" else frame.to_parquet)(path, index=False)

    def missing(*_, **__):
        raise ImportError(f"Missing optional dependency {package!r}.")

    monkeypatch.setattr(pandas, "read_excel" if kind == "xlsx" else "read_parquet", missing)
    with pytest.raises(ValueError, match=rf"install {package} \(pip install 'bertnotes\[tables\]'\), or save the table as CSV"):
        open_table(path)


def test_a_zip_with_a_password(tmp_path):
    path = tmp_path / "r.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("r.csv", as_csv(ROWS))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag of a file that is encrypted, in both places
    path.write_bytes(bytes(data))
    with pytest.raises(ValueError, match=r"r.zip is damaged or not whole \(.*password"):
        open_table(path)


@pytest.mark.parametrize("encoding", ["base64", "rot13", "utf-9", "undefined", "u\0"])
def test_what_encodes_no_text(tmp_path, encoding):
    with pytest.raises(ValueError, match="there is no encoding"):
        open_table(written(tmp_path / "r.csv", as_csv(ROWS)), encoding)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_lines_of_json_in_other_encodings(tmp_path, encoding):
    path = written(tmp_path / "r.jsonl", '{"review": "très 😀", "half": "\\ud83d"}\n', encoding)
    assert rows_of(path) == [("très 😀", "\ufffd")]
    if encoding == "utf-8-sig":
        assert rows_of(path, encoding="UTF8") == [("très 😀", "\ufffd")]


def test_json_in_too_many_brackets(tmp_path):
    with pytest.raises(ValueError, match="is not JSON with an object for each row"):
        open_table(written(tmp_path / "r.json", "[" * 100_000))


def test_nul_characters_are_told(tmp_path):
    assert open_table(written(tmp_path / "r.csv", as_csv([("a\0b", "c")]))).notes == ["NUL characters are left out"]


def test_quotes_by_backslash_where_each_row_would_fit_otherwise(tmp_path):
    rows = [('a " b', "x"), ('c "d" e', "y")]
    text = as_csv(rows, doublequote=False, escapechar="\\", quoting=csv.QUOTE_ALL)
    assert rows_of(written(tmp_path / "r.csv", text)) == rows


def test_a_header_that_does_not_end(tmp_path):
    with pytest.raises(ValueError, match="has no header: a quote in its first line is not closed"):
        open_table(written(tmp_path / "r.csv", '"review,sentiment\na,b\n'))


@pytest.mark.parametrize(
    "value, text", [(None, ""), (float("nan"), ""), (3.0, "3"), (2.5, "2.5"), (True, "True"), ("NA", "NA")]
)
def test_cells_as_text(value, text):
    assert as_text(value) == text


CELLS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r\ufeff"), max_size=30)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8), st.sampled_from(",;\t|"), st.sampled_from(["utf-8", "utf-16"])
)
def test_what_was_written_is_read(tmp_path_factory, rows, delimiter, encoding):
    path = tmp_path_factory.mktemp("table") / "r.csv"
    written(path, as_csv(rows, delimiter=delimiter, quoting=csv.QUOTE_ALL), encoding)
    assert rows_of(path) == rows


def test_columns_without_a_name_get_one_and_two_of_one_name_are_refused(tmp_path):
    """A spreadsheet leaves commas behind; of two columns of one name, one would be lost."""
    path = written(tmp_path / "r.csv", "a,b,,\n1,2,3,4\n")
    assert open_table(path).columns == ["a", "b", "column 3", "column 4"] and rows_of(path) == [("1", "2", "3", "4")]
    with pytest.raises(ValueError, match="has two columns named 'a'"):
        open_table(written(tmp_path / "r.csv", "a,b, a\n1,2,3\n"))


def test_letters_that_only_some_take_for_line_ends(tmp_path):
    """A vertical tab, a form feed and Unicode's separators end no row."""
    for letter in "\x0b\x0c\x1c\x85\u2028\u2029":
        rows = [(f"a,b,c{letter}d,e,{number}", "x") for number in range(3)]  # cut there, commas would seem to separate
        path = written(tmp_path / "r.csv", as_csv(rows, ("text, all", "label, all"), delimiter=";"))
        assert rows_of(path) == rows


def test_a_field_that_comes_late_in_lines_of_json(tmp_path):
    items = [{"text": "a"}] * 600 + [{"text": "b", "note": "late"}]
    found = rows_of(written(tmp_path / "r.jsonl", "\n".join(map(json.dumps, items))))
    assert found[0] == ("a", "") and found[-1] == ("b", "late")
