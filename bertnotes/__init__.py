"""bertnotes: an executable course on BERT. Each module holds one idea; the notebooks import them."""

import warnings

import lazy_loader

__version__ = "0.2.0"

# tqdm falls back to text bars where ipywidgets is not installed, which is what we want: they print and export everywhere
warnings.filterwarnings("ignore", message="IProgress not found")

# What readers import from the package itself, by the module that it lives in. Each is loaded on first use, so that a notebook
# about attention does not wait for pandas and transformers. `bertnotes.attend` is the function, never the module.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "attention": [
            "Attention",
            "MultiHeadAttention",
            "attention_weights",
            "causal_mask",
            "padding_mask",
            "scaled_dot_product_attention",
            "use_in_transformers",
        ],
        "encoder": ["BertEncoder"],
        "models": ["load_encoder", "load_tokenizer"],
        "data": ["load_imdb_data"],
        "batching": ["TextClassificationDataset"],
        "classifier": ["BERTClassifier", "predict_probabilities", "predict_sentiment"],
        "attend": ["attend"],
        "training": ["TrainConfig", "evaluate", "fit", "train"],
        "pictures.attention": ["attention_heatmap"],
        "pictures.view": ["attention_view"],
        "pictures.bertviz": ["bertviz_head_view", "bertviz_model_view", "bertviz_neuron_view"],
    },
)
