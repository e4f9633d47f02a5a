"""A script written for the original tutorial runs with nothing but its imports changed."""

import pandas as pd
import torch

from bertnotes.data import LABELS
from bertnotes.files import MINI

SCRIPT = """
import torch
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader
from transformers import BertTokenizer, get_linear_schedule_with_warmup

from bertnotes import BERTClassifier, TextClassificationDataset, evaluate, load_imdb_data, predict_sentiment, train

data_file = "IMDB Dataset.csv"
texts, labels = load_imdb_data(data_file)

bert_model_name = "bert-base-uncased"
num_classes = 2
max_length = 128
batch_size = 16
num_epochs = 4
learning_rate = 2e-5

train_texts, val_texts, train_labels, val_labels = train_test_split(texts, labels, test_size=0.2, random_state=42)

tokenizer = BertTokenizer.from_pretrained(bert_model_name)
train_dataset = TextClassificationDataset(train_texts, train_labels, tokenizer, max_length)
val_dataset = TextClassificationDataset(val_texts, val_labels, tokenizer, max_length)
train_dataloader = DataLoader(train_dataset, batch_size=batch_size, shuffle=True)
val_dataloader = DataLoader(val_dataset, batch_size=batch_size)

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model = BERTClassifier(bert_model_name, num_classes).to(device)

optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
total_steps = len(train_dataloader) * num_epochs
scheduler = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=0, num_training_steps=total_steps)

for epoch in range(num_epochs):
    print(f"Epoch {epoch + 1}/{num_epochs}")
    train(model, train_dataloader, optimizer, scheduler, device)
    accuracy, report = evaluate(model, val_dataloader, device)
    print(f"Validation Accuracy: {accuracy:.4f}")
    print(report)

torch.save(model.state_dict(), "bert_classifier.pth")

test_text = "The movie was great and I really enjoyed the performances of the actors."
sentiment = predict_sentiment(test_text, model, tokenizer, device, max_length)
print(test_text)
print(f"Predicted sentiment: {sentiment}")

test_text = "The movie was so bad and I would not recommend it to anyone."
sentiment = predict_sentiment(test_text, model, tokenizer, device, max_length)
print(test_text)
print(f"Predicted sentiment: {sentiment}")
"""


def run_original(folder, max_length, epochs):
    """Run the script on a model folder and 24 reviews of the current folder; returns its variables."""
    openings = ["The cast is good, not poor.", "Once more:<br /><br />a film", 'You said "dull", I', "It's a story\nonce;"]
    good, bad = ["I loved it!", "wonderful", "a great ending"], ["I hated it!", "worst", "a dull ending"]
    rows = [(f"{opening} {end}", "positive") for opening in openings for end in good]
    rows += [(f"{opening} {end}", "negative") for opening in openings for end in bad]
    pd.DataFrame(rows, columns=["review", "sentiment"]).to_csv("IMDB Dataset.csv", index=False)
    script = SCRIPT.replace('"bert-base-uncased"', repr(str(folder)))
    script = script.replace("max_length = 128", f"max_length = {max_length}").replace(
        "num_epochs = 4", f"num_epochs = {epochs}"
    )
    variables = {}
    exec(script, variables)
    return variables


def check(variables, printed, epochs):
    """What the script printed is what it always printed, and its weights come back from the file that torch.save wrote."""
    assert printed.count("Epoch ") == printed.count("Validation Accuracy: ") == epochs
    assert printed.count("precision    recall  f1-score   support") == epochs
    predicted = [line.split(": ")[1] for line in printed.splitlines() if line.startswith("Predicted sentiment")]
    assert len(predicted) == 2 and set(predicted) <= set(LABELS)
    model = variables["model"].cpu().eval()
    fresh = type(model)(variables["bert_model_name"], 2).eval()
    fresh.load_state_dict(torch.load("bert_classifier.pth", map_location="cpu", weights_only=True))
    batch = {key: value[None] for key, value in variables["val_dataset"][0].items() if key != "label"}
    with torch.inference_mode():
        assert torch.equal(fresh(**batch), model(**batch))


def test_original_script_on_a_checkpoint_folder(tiny_checkpoint, tmp_path, monkeypatch, capsys):
    """Four epochs on a folder as transformers saves it."""
    monkeypatch.chdir(tmp_path)
    check(run_original(tiny_checkpoint, 32, 4), capsys.readouterr().out, 4)


def test_original_script_on_mini(tmp_path, monkeypatch, capsys):
    """One epoch on the model that lies in the clone."""
    monkeypatch.chdir(tmp_path)
    check(run_original(MINI, 32, 1), capsys.readouterr().out, 1)
