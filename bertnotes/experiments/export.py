"""The command `bertnotes export`: a fine-tuned model for use elsewhere, with transformers alone or with onnxruntime."""

import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch

from bertnotes.classifier import BERTClassifier
from bertnotes.names import find_model

CLOSE = 1e-4  # how far logits of the exported model may lie from ours
PROBES = ["A short text.", "A longer one, which fills its row, so that the other row is padded. " * 3]


@dataclass(kw_only=True)
class Export:
    """Write a fine-tuned model, or a delta with its base, as one whole folder that opens without bertnotes.

    With transformers: pipeline("text-classification", FOLDER). On the hub: hf upload NAME/MODEL FOLDER
    """

    model: str  # "mini-imdb", or a folder that `bertnotes train --out` wrote
    out: Path  # new folder to write
    onnx: bool = False  # write model.onnx, for onnxruntime, instead of model.safetensors


def export(settings: Export):
    """Write the folder, and say so. Raises ValueError where it is there, or what was written computes something else."""
    source, out = find_model(settings.model), settings.out
    if out.exists():
        raise ValueError(f"{out} is there already; give the name of a new folder")
    model, tokenizer = BERTClassifier.from_pretrained(settings.model, "eager")
    model.save_pretrained(out, tokenizer)
    if isinstance(source, Path) and (source / "README.md").is_file():
        shutil.copy(source / "README.md", out)
    if settings.onnx:
        write_onnx(model, tokenizer, out / "model.onnx")
        (out / "model.safetensors").unlink()
    print(f"{out}: {', '.join(sorted(path.name for path in out.iterdir()))}")


def write_onnx(model, tokenizer, path):
    """Write a classifier as ONNX, for any batch and length: input_ids and attention_mask, (batch, position), to logits.

    Raises ValueError where onnx is not installed, or its logits differ from the model's by more than 1e-4.
    """
    try:
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401  (torch.onnx writes with it)
    except ImportError as error:
        raise ValueError(f"--onnx needs {error.name}: pip install 'bertnotes[onnx]'") from None
    inputs = tokenizer(PROBES, padding=True, truncation=True, max_length=model.max_length, return_tensors="pt")
    inputs = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("position", max=model.bert.config.max_position_embeddings)}
    with warnings.catch_warnings(action="ignore"):  # torch warns of itself; what it wrote is held against the model
        torch.onnx.export(
            model, kwargs=inputs, f=path, output_names=["logits"], dynamic_shapes=dict.fromkeys(inputs, axes),
            dynamo=True, external_data=False, verbose=False,
        )  # fmt: skip
    check_onnx(path, model, inputs)


def check_onnx(path, model, inputs):
    """Raise ValueError where an ONNX file gives other logits than a model, by more than 1e-4. inputs: tensors by name."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    (logits,) = session.run(["logits"], {name: tensor.numpy() for name, tensor in inputs.items()})
    with torch.inference_mode():
        difference = (torch.from_numpy(logits) - model(**inputs)).abs().max().item()
    if not difference <= CLOSE:
        raise ValueError(f"{path} computes other logits, by up to {difference:.2g}; this form of model cannot be exported")
