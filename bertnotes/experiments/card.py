"""The model card of a training: what it learned from, how, how well it does and what it cannot do.

Mitchell et al. 2019, "Model Cards for Model Reporting". Its first lines are those that the Hugging Face hub reads.
"""

from collections import Counter
from pathlib import Path

from bertnotes import __version__
from bertnotes.experiments.records import command_of

CARD = """---
library_name: {library}
pipeline_tag: text-classification
base_model: {base}
---
# A classifier of texts: {classes}

Made with bertnotes {version}:

    {command}

## How to use it
    bertnotes predict --model FOLDER "a text"
{other}
## Data
{data}: {train} texts to train on, {held} to validate on. Of those to train on: {counts}.

## Recipe
{model}, fine-tuned with {recipe}. The epoch that did best on validation was kept: number {epoch}.

## Scores
{scores}
## Limits
- It has seen texts of one kind, those in {data}. On other kinds expect it to do worse, and measure before you rely on it.
- It always names one of its {count} classes, for a text that belongs to none of them too.
- Of a text it reads {max_length} tokens ({truncation}).
- Its probabilities were not calibrated.
"""
PIPELINE = """    from transformers import pipeline
    pipeline("text-classification", "FOLDER")("a text")
"""
MERGE = """This folder holds a change of {base} (LoRA, rank {rank}) and not the model itself. For transformers or onnxruntime:

    bertnotes export --model FOLDER --out WHOLE
"""


def model_card(settings, classifier, training, validation, history, found=None, beside=""):
    """The card as Markdown.

    settings: of `bertnotes train`; training, validation: (texts, labels); found: what `score` gave for a
    test set, if there was one; beside: what others scored on it, in words.
    """
    config, names = settings.config, classifier.class_names
    best = max(history, key=lambda entry: (entry[config.measure], -entry["validation_loss"]))
    counts, lora = Counter(training[1]), config.lora
    base = settings.entry.copy_of or (Path(settings.model).name if Path(settings.model).is_dir() else settings.model)
    return CARD.format(
        library="peft" if lora else "transformers",
        base=base,
        classes=", ".join(names),
        version=__version__,
        command=command_of("train", settings),
        other=MERGE.format(base=base, rank=lora) if lora else PIPELINE,
        data=settings.data.name,
        train=len(training[0]),
        held=len(validation[0]),
        counts=", ".join(f"{name} {counts[label]}" for label, name in enumerate(names)),
        model=base,
        recipe=", ".join(f"{name} {value}" for name, value in vars(config).items() if value is not None),
        epoch=best["epoch"],
        scores=scores_in_words(best, validation, settings.test, found, beside),
        count=len(names),
        max_length=config.max_length,
        truncation=config.truncation,
    )


def scores_in_words(best, validation, test, found, beside):
    """A line for validation and, where there was one, for the test set."""
    line = "- {}, {} texts: accuracy {:.4f}, macro-F1 {:.4f}. {}\n"
    lines = line.format(
        "validation", len(validation[0]), best["accuracy"], best.get("macro_f1", float("nan")), "The epoch was chosen by it."
    )
    if found:
        beside = f"Others on the same texts:\n\n{beside}"
        lines += line.format(f"test ({test.name})", found["test_reviews"], found["accuracy"], found["macro_f1"], beside)
    return lines
