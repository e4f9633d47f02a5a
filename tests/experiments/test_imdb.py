"""Full IMDB from its archive or its folder: the official split is kept and nothing is unpacked."""

import hashlib
import http.server
import io
import re
import tarfile
import threading

import pandas as pd
import pytest

from bertnotes.data import load_imdb_data, read_reviews
from bertnotes.experiments import imdb
from bertnotes.experiments.imdb import FINGERPRINTS, fetch_archive, fingerprint, read_original, restore_split, write_splits

FILES = {
    "train/pos/0_9.txt": "Wonderful.<br /><br />Café.",
    "train/pos/10_8.txt": "Good, good.",
    "train/neg/1_1.txt": 'Dull, "dull".',
    "train/unsup/2_0.txt": "A film.",
    "test/pos/0_10.txt": "Great.",
    "test/neg/5_3.txt": "Poor.",
}
OTHER_FILES = {"README": "Large Movie Review Dataset", "train/urls_pos.txt": "http://", "train/pos/notes.txt": "?"}
NOISE = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(255))  # what gzip cannot make small
TRAIN = [
    {"id": "train/neg/1", "review": 'Dull, "dull".', "sentiment": "negative", "rating": 1},
    {"id": "train/pos/0", "review": "Wonderful.<br /><br />Café.", "sentiment": "positive", "rating": 9},
    {"id": "train/pos/10", "review": "Good, good.", "sentiment": "positive", "rating": 8},
]


def make_archive(path, files, links=()):
    """Write a tar.gz with these files, and symbolic links from name to target."""
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return path


@pytest.fixture
def archive(tmp_path):
    """A small archive in the shape of the original, some files of no interest with it."""
    files = {f"aclImdb/{name}": text for name, text in (FILES | OTHER_FILES).items()}
    return make_archive(tmp_path / "aclImdb_v1.tar.gz", files)


def test_reads_the_archive(archive):
    """Each review once, by split, with sentiment and rating; unsup with neither."""
    frames = read_original(archive)
    assert list(frames) == ["train", "test", "unsup"]
    assert frames["train"].to_dict("records") == TRAIN
    assert frames["test"].drop(columns="review").values.tolist() == [
        ["test/neg/5", "negative", 3],
        ["test/pos/0", "positive", 10],
    ]
    assert frames["unsup"].to_dict("records") == [{"id": "train/unsup/2", "review": "A film."}]


@pytest.mark.parametrize("inside", ["aclImdb", "."])
def test_reads_an_unpacked_folder(tmp_path, inside):
    """The folder itself or the one around it; without unsup, as some copies go."""
    for name, text in (FILES | OTHER_FILES).items():
        path = tmp_path / "copy" / inside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert read_original(tmp_path / "copy")["train"].to_dict("records") == TRAIN
    (tmp_path / "copy" / inside / "train/unsup/2_0.txt").unlink()
    assert list(read_original(tmp_path / "copy")) == ["train", "test"]


def test_a_hostile_archive_writes_nothing(tmp_path):
    """Paths that climb out and links are passed over; no file appears anywhere."""
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    files = {**FILES, "../../evil.txt": "evil", "/tmp/evil.txt": "evil"}
    links = [("train/pos/77_9.txt", str(secret)), ("train/pos/78_9.txt", "../../secret.txt")]
    path = make_archive(tmp_path / "evil.tar.gz", files, links)
    before = set(tmp_path.rglob("*"))
    frames = read_original(path)
    assert frames["train"].to_dict("records") == TRAIN
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_archive(tmp_path, share):
    """A download that broke off is no data set, however much of it came."""
    path = make_archive(tmp_path / "half.tar.gz", {**FILES, "train/pos/3_7.txt": NOISE})
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))} is no whole tar archive: .*; fetch it again"):
        read_original(path)


def test_a_damaged_archive(tmp_path):
    """A byte that changed on the way is found, not read over."""
    path = make_archive(tmp_path / "damaged.tar.gz", {**FILES, "train/pos/3_7.txt": NOISE})
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"is no whole tar archive"):
        read_original(path)


@pytest.mark.parametrize("content", [b"", b"<html>404 not found</html>"])
def test_not_an_archive(tmp_path, content):
    """An empty file, or a web page that was saved in its place."""
    path = tmp_path / "aclImdb_v1.tar.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"is no whole tar archive"):
        read_original(path)


def test_not_the_data_set(tmp_path):
    """Another folder, another archive, half the data set, nothing at all: the error says what was expected and met."""
    (tmp_path / "folder/train/pos").mkdir(parents=True)
    (tmp_path / "folder/train/pos/0_9.txt").write_text("Good.")
    with pytest.raises(ValueError, match=r"is not the IMDB data set: expected .*, found 1 reviews of train and 0 of test"):
        read_original(tmp_path / "folder")
    with pytest.raises(ValueError, match=r"found 0 reviews of train and 0 of test"):
        read_original(make_archive(tmp_path / "other.tar.gz", OTHER_FILES))
    with pytest.raises(FileNotFoundError, match=r"no archive and no folder at"):
        read_original(tmp_path / "nowhere")


def test_no_fingerprints(tmp_path, monkeypatch):
    """As where the package alone was installed: the copy is not taken for one without test reviews."""
    monkeypatch.setattr(imdb, "FINGERPRINTS", tmp_path / "none")
    (tmp_path / "IMDB Dataset.csv").write_text("review,sentiment\nGood.,positive\n")
    with pytest.raises(FileNotFoundError, match=r"no fingerprints of IMDB's test split at .*none; they come with a clone"):
        restore_split(tmp_path / "IMDB Dataset.csv")


def test_write_splits_and_read_them_back(archive, tmp_path):
    """What was written is what load_imdb_data reads, and no partial file stays behind."""
    frames = read_original(archive)
    paths = write_splits(frames, tmp_path / "new/imdb")
    assert paths == {split: tmp_path / f"new/imdb/{split}.csv.xz" for split in frames}
    assert set((tmp_path / "new/imdb").iterdir()) == set(paths.values())
    assert load_imdb_data(paths["train"]) == (['Dull, "dull".', "Wonderful.\n\nCafé.", "Good, good."], [0, 1, 1])
    assert read_reviews(paths["unsup"], ("review",))["review"].tolist() == ["A film."]
    assert pd.read_csv(paths["test"]).to_dict("records") == frames["test"].to_dict("records")


def test_writing_that_fails_leaves_the_earlier_file_whole(archive, tmp_path, monkeypatch):
    """A full disk costs nothing that was there."""
    frames = read_original(archive)
    before = write_splits(frames, tmp_path)["train"].read_bytes()

    def full(self, path, **_):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError, match="No space left"):
        write_splits(frames, tmp_path)
    assert (tmp_path / "train.csv.xz").read_bytes() == before


@pytest.fixture
def server(archive, monkeypatch):
    """A server on this machine that offers the archive in place of the original; counts how often it was asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        asked = 0

        def do_GET(self):
            Handler.asked += 1
            content = archive.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(imdb, "URL", f"http://127.0.0.1:{running.server_port}/aclImdb_v1.tar.gz")
        yield Handler
        running.shutdown()
        thread.join()


def test_fetch_checks_the_hash_and_fetches_once(server, archive, tmp_path, monkeypatch):
    """What has the right SHA-256 stays, and is not fetched again."""
    monkeypatch.setattr(imdb, "SHA256", hashlib.sha256(archive.read_bytes()).hexdigest())
    for _ in range(2):
        path = fetch_archive(tmp_path / "fetched")
        assert path == tmp_path / "fetched/aclImdb_v1.tar.gz" and path.read_bytes() == archive.read_bytes()
    assert server.asked == 1


def test_fetch_refuses_another_file(server, tmp_path):
    """A file with another hash than the pinned one is not kept."""
    with pytest.raises(ValueError, match=r"(?s)hash of downloaded file .* does not match"):
        fetch_archive(tmp_path / "fetched")
    assert not list((tmp_path / "fetched").iterdir())


def test_the_pinned_address_and_hash():
    """The archive of Maas et al. 2011: its address, and a whole SHA-256."""
    assert imdb.URL == "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
    assert imdb.SHA256 == "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe"


@pytest.fixture
def known_test(tmp_path, monkeypatch):
    """A test split of three reviews, one of which stands in train as well."""
    reviews = ["Poor.<br /><br />Really.", "In both.", "Great."]
    monkeypatch.setattr(imdb, "FINGERPRINTS", tmp_path / "fingerprints.bin")
    imdb.FINGERPRINTS.write_bytes(b"".join(map(fingerprint, reviews)))
    return reviews


def test_the_one_file_copy_gets_its_split_back(known_test, tmp_path):
    """Whatever the order; a review that is in both splits goes to each once."""
    rows = [("In both.", "negative"), ("Only train.", "positive"), *[(text, "negative") for text in known_test]]
    pd.DataFrame(rows[::-1], columns=["review", "sentiment"]).to_csv(tmp_path / "IMDB Dataset.csv", index=False)
    frames = restore_split(tmp_path / "IMDB Dataset.csv")
    assert sorted(frames["test"]["review"]) == ["Great.", "In both.", "Poor.\n\nReally."]
    assert sorted(frames["train"]["review"]) == ["In both.", "Only train."]


def test_a_file_without_the_whole_test_split(known_test, tmp_path):
    """Says how much of it is there, and what else may be done with the file."""
    pd.DataFrame([("Great.", "positive")], columns=["review", "sentiment"]).to_csv(tmp_path / "some.csv", index=False)
    with pytest.raises(ValueError, match=r"1 of the 3 reviews .*bertnotes train --data"):
        restore_split(tmp_path / "some.csv")


def test_fingerprints_are_those_of_25000_reviews():
    """As many as the official test split has."""
    assert FINGERPRINTS.stat().st_size == 25_000 * imdb.FINGERPRINT_BYTES
