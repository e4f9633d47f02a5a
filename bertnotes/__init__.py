"""bertnotes: an executable course on BERT. Each module holds one idea; the notebooks import them."""

import importlib
import sys
import types
import warnings

# tqdm falls back to text bars where ipywidgets is not installed, which is what we want: they print and export everywhere
warnings.filterwarnings("ignore", message="IProgress not found")

# Names that readers import from the package itself, and the module that each lives in. They are loaded on first use, so
# that a notebook about attention does not wait for pandas and transformers.
_HOMES = {
    "load_imdb_data": "data",
    "TextClassificationDataset": "batching",
    "BERTClassifier": "classifier",
    "predict_sentiment": "classifier",
    "predict_probabilities": "classifier",
    "train": "training",
    "evaluate": "training",
    "fit": "training",
    "TrainConfig": "training",
    "attention_weights": "attention",
    "scaled_dot_product_attention": "attention",
    "causal_mask": "attention",
    "padding_mask": "attention",
    "MultiHeadAttention": "attention",
    "use_in_transformers": "attention",
    "load_tokenizer": "models",
    "load_encoder": "models",
    "BertEncoder": "encoder",
    "Attention": "attention",
    "attend": "attend",
    "attention_heatmap": "pictures.attention",
    "attention_view": "pictures.view",
    "bertviz_head_view": "pictures.bertviz",
    "bertviz_model_view": "pictures.bertviz",
    "bertviz_neuron_view": "pictures.bertviz",
}
__all__ = list(_HOMES)
__version__ = "0.2.0"


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'bertnotes' has no attribute {name!r}")
    return getattr(importlib.import_module(f"bertnotes.{_HOMES[name]}"), name)


def __dir__():
    return sorted(__all__)


class _Package(types.ModuleType):
    """`bertnotes.attend` is the function, also once the module of that name has been imported, which would take its place."""

    def __setattr__(self, name, value):
        if not (name in _HOMES and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
