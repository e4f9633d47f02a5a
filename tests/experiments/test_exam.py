"""The exam is sat once: what was scored is remembered, other settings are refused, other seeds are not."""

import base64
import json

import pandas as pd
import pytest
from toy import LABELS, TEXTS

from bertnotes.data import LABELS as NAMES
from bertnotes.experiments import exam, imdb
from bertnotes.experiments.exam import check_look, check_unseen, is_exam, ledger, looks, note_look

TEST = ["A film.", "No film.", "Some film."], [1, 0, 1]
SETTINGS = {"model": "mini", "max_length": 256}


def test_the_first_look_is_free_and_remembered():
    check_look(TEST, SETTINGS)
    assert looks(TEST) == [] and note_look(TEST, SETTINGS, 0.91234, seed=3) == 0
    (entry,) = looks(TEST)
    assert entry["accuracy"] == 0.9123 and entry["settings"] == SETTINGS and entry["seed"] == 3 and len(entry["date"]) == 10


def test_another_seed_chooses_nothing():
    note_look(TEST, SETTINGS, 0.9, seed=1)
    check_look(TEST, dict(SETTINGS))
    assert note_look(TEST, SETTINGS, 0.91, seed=2) == 1


def test_other_settings_are_refused_and_named():
    note_look(TEST, SETTINGS, 0.9)
    with pytest.raises(ValueError, match=r"scored before with other settings \(max_length differed.*0\.9000.*--another-look"):
        check_look(TEST, SETTINGS | {"max_length": 512})
    check_look(TEST, SETTINGS | {"max_length": 512}, reason="a row of the table")


def test_a_chain_of_settings_does_not_wash_the_first_away():
    note_look(TEST, SETTINGS, 0.9)
    note_look(TEST, SETTINGS | {"max_length": 512}, 0.92, reason="a row")
    with pytest.raises(ValueError, match="max_length differed"):
        check_look(TEST, SETTINGS)


def test_each_exam_has_its_own_looks():
    note_look(TEST, SETTINGS, 0.9)
    check_look((["A play.", "No play.", "Some play."], TEST[1]), SETTINGS | {"max_length": 512})


# ---- an exam is known by its reviews ----

MANY = [f"film number {number}" for number in range(200)]
OTHERS = [f"play number {number}" for number in range(200)]
SAME = {
    "in another order": MANY[::-1],
    "a sample": MANY[50:60],
    "a small sample among others": [*MANY[:10], *OTHERS[:90]],
    "with all that is around it": [*OTHERS, *MANY],
    "as a web page has it": [text.replace(" ", "<br /><br />") + " \n" for text in MANY],
}
DIFFERENT = {
    "of other reviews": OTHERS,
    "with as many copies as IMDB has": [*MANY[:4], *OTHERS[4:]],
    "a small one with one copy": [MANY[0], *OTHERS[:9]],
    "one copy": MANY[:1],
}


def both_classes(texts):
    return texts, [number % 2 for number in range(len(texts))]


@pytest.mark.parametrize("texts", SAME.values(), ids=SAME)
def test_an_exam_that_was_scored_is_known_by_its_reviews(texts):
    note_look(both_classes(MANY), SETTINGS, 0.9)
    assert is_exam(both_classes(texts)) and len(looks(both_classes(texts))) == 1
    with pytest.raises(ValueError, match="reviews of it, was scored before with other settings"):
        check_look(both_classes(texts), SETTINGS | {"max_length": 512})
    assert note_look(both_classes(texts), SETTINGS, 0.9) == 1
    assert len(looks(both_classes(MANY))) == 2, "and a look at part of it is one at the whole"


@pytest.mark.parametrize("texts", DIFFERENT.values(), ids=DIFFERENT)
def test_an_exam_of_other_reviews_is_another(texts):
    note_look(both_classes(MANY), SETTINGS, 0.9)
    assert not is_exam(both_classes(texts)) and looks(both_classes(texts)) == []


def test_the_reviews_of_an_exam_take_six_bytes_each():
    """Sorted, in the line of the ledger, in base64, and of no review more than these."""
    note_look(both_classes(MANY), SETTINGS, 0.9)
    note_look(both_classes(MANY[::-1]), SETTINGS, 0.9)
    (name,) = {json.loads(line)["exam"] for line in ledger().read_text().splitlines()}
    kept = base64.b64decode(name)
    assert kept == b"".join(sorted(exam.mark_of(text) for text in MANY)) and len(kept) == 1200
    assert len(ledger().read_text()) < 2 * 2000


def test_an_exam_of_one_review_is_known_too():
    note_look((["A film.", "A film."], [0, 1]), SETTINGS, 0.5)
    assert is_exam((["A film.", "A film."], [0, 1]))


def test_what_an_earlier_version_noted_is_passed_over():
    """It knew an exam by a SHA-256."""
    old = {"exam": "708da1e21c8b6fa8db13bd75a0000906a10ee939e8c5ad8e1c82ee62658575cf", "date": "2025-01-01"}
    old |= {"settings": SETTINGS, "seed": 1, "weights": None, "accuracy": 0.9, "reason": None}
    ledger().write_text(json.dumps(old) + "\n")
    check_look(TEST, SETTINGS | {"max_length": 512})
    assert not is_exam(TEST) and note_look(TEST, SETTINGS, 0.9) == 0 and len(looks(TEST)) == 1


# ---- a ledger that cannot be written or read ----


@pytest.fixture(params=["no folder", "full disk", "unreadable"])
def no_ledger(request, monkeypatch, tmp_path):
    if request.param == "no folder":
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("BERTNOTES_CACHE", str(tmp_path / "file"))
    if request.param == "full disk":

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(exam, "append_line", full)
    if request.param == "unreadable":
        ledger().mkdir()


def test_a_look_that_cannot_be_noted_costs_a_line(no_ledger, capsys):
    check_look(TEST, SETTINGS)
    assert note_look(TEST, SETTINGS, 0.9) == 0 and looks(TEST) == []
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("this look at the test set could not be noted")


def test_a_ledger_that_is_no_text_is_passed_over():
    ledger().write_bytes(b"\xff\xfe{")
    check_look(TEST, SETTINGS)
    assert note_look(TEST, SETTINGS, 0.9) == 0


def test_the_same_weights_may_be_scored_again():
    note_look(TEST, SETTINGS, 0.9, weights="abc")
    finished = {"weights": "abc", "max_length": 256}
    check_look(TEST, finished)
    for other in (finished | {"weights": "abd"}, finished | {"max_length": 512}):
        with pytest.raises(ValueError, match="scored before"):
            check_look(TEST, other)


def test_a_finished_model_goes_by_the_settings_of_its_training():
    """So that after `evaluate` they may be run with another seed, and the run gone on with."""
    note_look(TEST, SETTINGS, 0.9, weights="abc")
    assert note_look(TEST, {"weights": "abc", "max_length": 256}, 0.9, weights="abc") == 1
    assert [entry["settings"] for entry in looks(TEST)] == [SETTINGS, SETTINGS]
    check_look(TEST, SETTINGS)


def test_looks_without_weights_are_not_of_one_model():
    note_look(TEST, {"row": "tfidf"}, 0.9)
    with pytest.raises(ValueError, match="row differed"):
        check_look(TEST, {"row": "nbsvm"})


def test_a_ledger_that_was_cut_off_still_tells():
    note_look(TEST, SETTINGS, 0.9)
    with ledger().open("a") as file:
        file.write('{"exam": "half')
    assert len(looks(TEST)) == 1 and note_look(TEST, SETTINGS, 0.9) == 1
    assert len(looks(TEST)) == 2, "what is noted after it is not lost"


def test_an_exam_is_known_once_it_was_sat(monkeypatch, tmp_path):
    monkeypatch.setattr(imdb, "FINGERPRINTS", tmp_path / "none")
    assert not is_exam(TEST)
    note_look(TEST, SETTINGS, 0.9)
    assert is_exam(TEST)


def test_the_official_test_split_is_known_at_once(monkeypatch, tmp_path):
    (tmp_path / "marks").write_bytes(b"".join(exam.mark_of(text) for text in TEST[0][:2]))
    monkeypatch.setattr(imdb, "FINGERPRINTS", tmp_path / "marks")
    assert is_exam(TEST) and not is_exam((TEXTS, LABELS))
    assert is_exam((TEST[0][1::-1], [0, 1])) and is_exam(([*TEST[0], *TEXTS], [*TEST[1], *LABELS])), "and any of it"


def test_a_copy_or_two_is_no_leak_and_a_file_scored_on_itself_is():
    many = [f"other {n}" for n in range(98)]
    check_unseen([*many, "a", "b"], [*map(str, range(98)), "a", "b"])
    with pytest.raises(ValueError, match="3 of the 100 test reviews are also among those to train on"):
        check_unseen([*many, "a", "b", "c"], [*map(str, range(97)), "a", "b", "c"])
    with pytest.raises(ValueError, match="1 of the 100 test reviews"):  # all that there is to train on
        check_unseen(["1"], [*map(str, range(100))])


# ---- the command ----


@pytest.fixture
def run(bertnotes, monkeypatch, tmp_path):
    """A function that runs `bertnotes` in a folder with train.csv and test.csv; returns (status, stderr)."""
    monkeypatch.chdir(tmp_path)
    names = [NAMES[label] for label in LABELS]
    pd.DataFrame({"review": TEXTS, "sentiment": names}).to_csv("train.csv", index=False)
    pd.DataFrame({"review": [f"{text} !" for text in TEXTS], "sentiment": names}).to_csv("test.csv", index=False)

    def run(*words):
        status, _, err = bertnotes(*words)
        return status, err

    return run


def train(tiny_checkpoint, out, *words):
    start = ["train", "--data", "train.csv", "--test", "test.csv", "--model", tiny_checkpoint, "--epochs", 1]
    return [*start, "--max-length", 16, "--out", out, *words]


def test_train_sits_the_exam_once(run, tiny_checkpoint, tmp_path):
    assert run(*train(tiny_checkpoint, "a", "--record", "a.json"))[0] == 0
    assert run(*train(tiny_checkpoint, "b", "--seed", 1, "--record", "b.json"))[0] == 0, "another seed"
    status, err = run(*train(tiny_checkpoint, "c", "--learning-rate", 0.001))
    assert status == 2 and "learning_rate differed" in err and not (tmp_path / "c").exists(), "refused before it trains"
    assert run(*train(tiny_checkpoint, "c", "--learning-rate", 0.001, "--another-look", "a row", "--record", "c.json"))[0] == 0
    assert [json.loads((tmp_path / f"{name}.json").read_text())["looks"] for name in "abc"] == [0, 1, 2]
    entries = [json.loads(line) for line in ledger().read_text().splitlines()]
    assert [entry["seed"] for entry in entries] == [42, 1, 42] and entries[2]["reason"] == "a row"


def test_evaluate_knows_an_exam(run, tiny_checkpoint):
    assert run(*train(tiny_checkpoint, "a"))[0] == 0
    assert run("evaluate", "--data", "test.csv", "--model", "a")[0] == 0, "the same weights"
    assert run("evaluate", "--data", "test.csv", "--model", "a", "--max-length", 8)[0] == 2, "but read otherwise"
    assert run(*train(tiny_checkpoint, "a2", "--seed", 1))[0] == 0, "another seed, after it"
    assert run("evaluate", "--data", "train.csv", "--model", "a")[0] == 0, "no exam"
    assert run(*[word for word in train(tiny_checkpoint, "b", "--seed", 9) if word not in ("--test", "test.csv")])[0] == 0
    status, err = run("evaluate", "--data", "test.csv", "--model", "b")
    assert status == 2 and "scored before" in err
    for sample in ([], ["--sample", 20]):
        status, err = run("evaluate", "--data", "test.csv", "--model", "b", *sample)
        assert status == 2 and "scored before" in err
    assert run("evaluate", "--data", "test.csv", "--model", "b", "--another-look", "to see")[0] == 0


def test_a_score_is_told_where_it_cannot_be_noted(bertnotes, run, tiny_checkpoint, monkeypatch, tmp_path):
    """The result first, then a line, and all is well."""
    assert run(*train(tiny_checkpoint, "a"))[0] == 0
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BERTNOTES_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(exam, "is_exam", lambda data: True)
    status, out, err = bertnotes("evaluate", "--data", "test.csv", "--model", "a")
    assert status == 0 and out.startswith("accuracy") and len(err.splitlines()) == 1 and "could not be noted" in err


def test_the_record_comes_first(run, tiny_checkpoint, tmp_path, monkeypatch):
    """A look is noted behind it, and also where the disk does not take the record: the score was printed."""
    from bertnotes.experiments import finetune

    monkeypatch.setattr(finetune, "note_look", lambda *look: looked.append((tmp_path / "a.json").exists()))
    looked = []
    assert run(*train(tiny_checkpoint, "a", "--record", "a.json"))[0] == 0 and looked == [True]

    def full(path, **values):
        raise OSError("No space left on device")

    monkeypatch.setattr(finetune, "write_record", full)
    status, err = run(*train(tiny_checkpoint, "b", "--record", "b.json"))
    assert status == 2 and "No space left" in err and looked == [True, True]


def test_a_rival_without_a_word_costs_no_score(run, tiny_checkpoint, tmp_path):
    """No word stands in two of these texts, of which TF-IDF makes nothing."""
    words = ["awful", "bad", "dull", "poor", "best", "fine", "good", "great", "grand", "nice"]
    rows = [f"{word}{word},{'positive' if number > 3 else 'negative'}" for number, word in enumerate(words)]
    (tmp_path / "train.csv").write_text("\n".join(["review,sentiment", *rows]))
    (tmp_path / "test.csv").write_text("review,sentiment\na,positive\nb,negative\n")
    status, err = run(*train(tiny_checkpoint, "a", "--record", "a.json"))
    assert status == 0 and err.count("\n") == 1 and "whose words the model does not know" in err
    assert json.loads((tmp_path / "a.json").read_text())["tfidf_accuracy"] is None


def test_without_a_home_folder_the_score_stands(monkeypatch, tmp_path, capsys):
    """As in some containers: nothing is written, into no folder that is called ~ either."""
    import pwd

    def nobody(user):
        raise KeyError(user)

    for name in ("HOME", "XDG_CACHE_HOME", "BERTNOTES_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.chdir(tmp_path)
    assert note_look(TEST, SETTINGS, 0.9) == 0 and list(tmp_path.iterdir()) == []
    assert "there is no cache folder" in capsys.readouterr().err


def test_training_on_the_official_test_split_is_told(run, tiny_checkpoint, monkeypatch, tmp_path):
    """With no --test given, as where the one-file copy that mixes both splits is trained on."""
    words = [word for word in train(tiny_checkpoint, "a") if word not in ("--test", "test.csv")]
    assert run(*words) == (0, "")
    (tmp_path / "marks").write_bytes(b"".join(exam.mark_of(text) for text in TEXTS))
    monkeypatch.setattr(imdb, "FINGERPRINTS", tmp_path / "marks")
    status, err = run(*[word if word != "a" else "b" for word in words])
    assert status == 0 and "32 of those to train on belong to IMDB's official test split" in err


def test_reviews_to_train_on_are_no_exam(run, tiny_checkpoint):
    words = [word if word != "test.csv" else "train.csv" for word in train(tiny_checkpoint, "a")]
    status, err = run(*words)
    assert status == 2 and "40 of the 40 test reviews are also among those to train on" in err
