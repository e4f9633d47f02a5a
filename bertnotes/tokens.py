"""Token ids of many reviews, worked out once: they are kept on disk and found again by what the texts and the tokenizer are.

BERTNOTES_CACHE names the folder; the system's cache folder otherwise. Nothing in it is needed: it may be deleted at any time.
"""

import hashlib
import json

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from bertnotes.files import cache_root, whole

MANY = 2000  # fewer are tokenised in a second
KEPT = 12  # files; the oldest goes


def token_ids(texts, tokenizer):
    """Tokenise texts, [CLS] and [SEP] included, not truncated: a list of ids each."""
    if len(texts) < MANY or not hasattr(tokenizer, "backend_tokenizer"):
        return tokenizer(texts, verbose=False)["input_ids"] if texts else []
    path = cache_folder() / f"{content_hash(texts, tokenizer)}.safetensors"
    kept = read_kept(path)
    if kept is None:
        kept = tokenizer(texts, verbose=False)["input_ids"]
        keep(path, kept)
    return kept


def cache_folder():
    """Where ids are kept."""
    return cache_root() / "tokens"


def content_hash(texts, tokenizer):
    """SHA-256 of a tokenizer, all of its settings, and of texts."""
    digest = hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode())
    digest.update(json.dumps(texts).encode())
    return digest.hexdigest()


def read_kept(path):
    """The ids that `keep` wrote, None where there are none or the file is damaged."""
    try:
        tensors = load_file(path)
        return [ids.tolist() for ids in tensors["ids"].split(tensors["lengths"].tolist())]
    except (OSError, SafetensorError, KeyError, RuntimeError):
        return None


def keep(path, ids):
    """Write ids to a file, and drop the oldest files. Where the folder cannot be written to, nothing is kept."""
    lengths = torch.tensor([len(one) for one in ids], dtype=torch.int32)
    flat = torch.tensor([token for one in ids for token in one], dtype=torch.int32)
    try:
        with whole(path) as partial:
            save_file({"ids": flat, "lengths": lengths}, partial)
        for old in sorted(path.parent.glob("*.safetensors"), key=lambda file: file.stat().st_mtime)[:-KEPT]:
            old.unlink(missing_ok=True)
    except (OSError, SafetensorError):
        pass
