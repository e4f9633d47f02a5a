"""Full IMDB: fetch the original archive or take a copy, and keep its official split.

Large Movie Review Dataset v1.0, Maas et al. 2011. Behind `bertnotes data`; page 09 uses what it writes.
"""

import hashlib
import lzma
import re
import tarfile
import zlib
from collections import Counter
from pathlib import Path

import pandas as pd

from bertnotes.data import clean_review, read_reviews
from bertnotes.files import DATA, whole

REVIEWS_A_SPLIT = 25_000  # in train and in test
URL = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
SHA256 = "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe"
SENTIMENTS = {"pos": "positive", "neg": "negative"}
# train/pos/127_9.txt: the number of the review, and its rating
MEMBER = re.compile(r"(?:^|/)(train|test)/(pos|neg|unsup)/(\d+)_(\d+)\.txt$")


def fetch_archive(folder):
    """Download the original archive (84 MB) into a folder, unless it lies there already; check its SHA-256."""
    import pooch

    return Path(pooch.retrieve(URL, known_hash=f"sha256:{SHA256}", fname=Path(URL).name, path=folder, progressbar=True))


def read_original(source):
    """Read the original archive or its unpacked folder. Nothing is unpacked: files are read one by one.

    Returns {"train": frame, "test": frame, "unsup": frame} with the columns id, review, sentiment, rating (unsup: id and
    review), sorted by id. Raises FileNotFoundError or ValueError where the source is not the data set.
    """
    rows = {"train": [], "test": [], "unsup": []}
    for name, content in _files(Path(source)):
        if match := MEMBER.search(name):
            split, kind, number, rating = match.groups()
            row = {"id": f"{split}/{kind}/{number}", "review": content.decode("utf-8")}
            if kind == "unsup":
                rows["unsup"].append(row)
            else:
                rows[split].append({**row, "sentiment": SENTIMENTS[kind], "rating": int(rating)})
    if not rows["train"] or not rows["test"]:
        raise ValueError(
            f"{source} is not the IMDB data set: expected files such as train/pos/0_9.txt and test/neg/0_2.txt in it, "
            f"found {len(rows['train'])} reviews of train and {len(rows['test'])} of test"
        )
    return {split: pd.DataFrame(found).sort_values("id", ignore_index=True) for split, found in rows.items() if found}


FINGERPRINTS = DATA / "imdb_test_fingerprints.bin"
FINGERPRINT_BYTES = 6


def fingerprint(review):
    """A few bytes that stand for a review, whatever became of its white space and its `<br />`."""
    words = " ".join(clean_review(review).split())
    return hashlib.sha256(words.encode("utf-8", "replace")).digest()[:FINGERPRINT_BYTES]


def official_marks():
    """The fingerprint of each review of the official test split, as bytes; none where the file is not there."""
    return unpack_marks(FINGERPRINTS.read_bytes()) if FINGERPRINTS.exists() else []


def unpack_marks(known):
    """The fingerprints in bytes where they stand one behind the other: a list."""
    return [known[at : at + FINGERPRINT_BYTES] for at in range(0, len(known), FINGERPRINT_BYTES)]


def restore_split(csv):
    """Give the one-file copy that circulates as `IMDB Dataset.csv`, train and test shuffled, its official split back.

    The reviews of the official test split are known by their fingerprints. Returns {"train": frame, "test": frame} with the
    columns review and sentiment. Raises ValueError where the file does not hold the whole test split,
    FileNotFoundError where the fingerprints are missing.
    """
    frame = read_reviews(csv)
    wanted = Counter(official_marks())
    if not wanted:
        raise FileNotFoundError(f"no fingerprints of IMDB's test split at {FINGERPRINTS}; they come with a clone of the course")
    marks = frame["review"].map(fingerprint)
    in_test = marks.groupby(marks).cumcount() < marks.map(wanted)  # counted, because some reviews stand in both splits
    if in_test.sum() != wanted.total():
        raise ValueError(
            f"{csv} holds {in_test.sum()} of the {wanted.total()} reviews of IMDB's official test split; expected all of them, "
            f"as in the copy with 50,000 rows. To train on a file of your own, give it to `bertnotes train --data`"
        )
    columns = ["review", "sentiment"]
    return {"train": frame.loc[~in_test, columns], "test": frame.loc[in_test, columns]}


def write_splits(frames, folder):
    """Write each split to folder/<split>.csv.xz; returns the paths."""
    paths = {split: Path(folder) / f"{split}.csv.xz" for split in frames}
    for split, frame in frames.items():
        with whole(paths[split]) as partial:
            frame.to_csv(partial, index=False, encoding="utf-8", compression="xz")
    return paths


def _files(source):
    """Name and content of each file of an archive or a folder."""
    if source.is_dir():
        for path in sorted(source.rglob("*.txt")):
            yield path.relative_to(source).as_posix(), path.read_bytes()
        return
    if not source.is_file():
        raise FileNotFoundError(f"no archive and no folder at {source}")
    try:
        with tarfile.open(source) as archive:
            for member in archive:
                if member.isfile():
                    yield member.name, archive.extractfile(member).read()
            while archive.fileobj.read(2**20):  # to the very end, where the checksum of what was compressed stands
                pass
    except (tarfile.TarError, EOFError, OSError, lzma.LZMAError, zlib.error) as error:
        raise ValueError(f"{source} is no whole tar archive: {error}; fetch it again") from None
