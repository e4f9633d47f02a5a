"""What comes along beside mini: what it learned from IMDB's reviews, under the name mini-imdb."""

import json

import pytest
from scipy.special import logit

from bertnotes import attend
from bertnotes.classifier import BERTClassifier, predict_probabilities
from bertnotes.data import load_imdb_data
from bertnotes.experiments.records import read_record, unpack_probabilities
from bertnotes.files import FIRST_REVIEWS, MINI, MINI_IMDB, RESULTS, REVIEWS, hash_of

CLEAR = {
    "A wonderful film, warm and funny, with superb performances. I loved every minute.": "positive",
    "Dull, endless and badly acted: the worst film I have seen this year. Avoid it.": "negative",
}


@pytest.fixture(scope="module")
def shipped():
    """The classifier and its tokenizer."""
    return BERTClassifier.from_pretrained("mini-imdb")


def test_it_is_small_and_rests_on_this_mini():
    """Nothing in it but a change of mini's weights: at most 2 MB, and it names the file that it changes."""
    assert sum(path.stat().st_size for path in MINI_IMDB.iterdir()) < 2e6
    told = json.loads((MINI_IMDB / "config.json").read_text(encoding="utf-8"))["bertnotes"]
    assert told["base_sha256"] == hash_of(MINI / "model.safetensors")
    assert (told["max_length"], told["truncation"]) == (256, "head+tail")
    assert json.loads((MINI_IMDB / "adapter_config.json").read_text(encoding="utf-8"))["base_model_name_or_path"] == "mini"


def test_a_clear_review_gets_its_verdict_by_either_door(shipped):
    """And the same one from `attend` as in a prediction."""
    model, tokenizer = shipped
    for text, verdict in CLEAR.items():
        probabilities = predict_probabilities([text], model, tokenizer)[0]
        assert model.class_names[probabilities.argmax()] == verdict and probabilities.max() > 0.9
        assert attend(text, model="mini-imdb").logits.softmax(-1).tolist() == pytest.approx(probabilities.tolist(), abs=1e-4)


def test_it_judges_reviews_that_it_has_never_seen(shipped):
    """A hundred of the course's own, plain ones: far more often rightly than a coin, whose chance to get 70 is 1 in 25,000."""
    texts, labels = load_imdb_data(REVIEWS, sample=100, seed=0, plain=True)
    verdicts = predict_probabilities(texts, *shipped).argmax(-1).tolist()
    assert sum(verdict == label for verdict, label in zip(verdicts, labels, strict=True)) >= 70


def test_its_stored_verdicts_are_its_own(shipped):
    """What pages show of a fine-tuned model is measured on this one. In fp32 the log-odds hold on any processor."""
    for name in ("verdicts-on-reviews", "attribution-imdb"):
        assert read_record(RESULTS / f"{name}.json")["run"] == "imdb-mini-imdb-seed0.json"
    stored = unpack_probabilities(read_record(RESULTS / "verdicts-on-reviews.json")["positive"])[:50]
    found = predict_probabilities(load_imdb_data(FIRST_REVIEWS)[0][:50], *shipped, precision="fp32")[:, 1].numpy()
    assert logit(found) == pytest.approx(logit(stored), abs=0.02)


def test_its_card_has_the_scores_of_its_record():
    """That of seed 0, which is the one that travels."""
    record, card = read_record(RESULTS / "imdb-mini-imdb-seed0.json"), (MINI_IMDB / "README.md").read_text(encoding="utf-8")
    assert record["mini"] == hash_of(MINI / "model.safetensors") and record["config"]["lora"] == 8
    assert f"test (test.csv.xz), 25000 texts: accuracy {record['accuracy']:.4f}" in card


def test_its_card_shows_how_it_was_chosen():
    """Each setting that was tried, as the record has it after the last epoch; the one that travels has the lowest loss."""
    card, tried = (MINI_IMDB / "README.md").read_text(encoding="utf-8"), read_record(RESULTS / "lora-choice.json")["settings"]
    last = {name: setting["history"][-1] for name, setting in tried.items()}
    for name, setting in tried.items():
        row = next(
            line
            for line in card.splitlines()
            if f"{setting['trained']:,}" in line and f"{last[name]['validation_loss']:.3f}" in line
        )
        assert f"{last[name]['accuracy'] + 1e-9:.3f}" in row and str(setting["learning_rate"]) in row
    assert min(last, key=lambda name: last[name]["validation_loss"]) == "r8-all"
