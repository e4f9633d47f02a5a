"""A smaller vocabulary: a BERT keeps the word pieces that its texts need and forgets the rest.

Two thirds of a small BERT's weights are word embeddings, most of them of words that film reviews never use. The first step
to the shipped model in data/mini; page 06. Wu et al. 2016, "Google's Neural Machine Translation System" (WordPiece).
"""

from collections import Counter

import torch
from tqdm import tqdm
from transformers import BertConfig, BertForMaskedLM, BertTokenizer

# words that the notebooks use and film reviews seldom do; a trimmed vocabulary keeps them whole
COURSE_WORDS = (
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september "
    "october november december spring autumn query deposit engineer transformer neural crane umbrella lemon pear trumpet "
    "projector usher aisle paris rome madrid berlin london france italy spain germany"
).split()


def count_pieces(tokenizer, texts, batch_size=1000):
    """Count how often each id of the tokenizer's vocabulary occurs in the texts. Returns a Counter {id: count}."""
    counts = Counter()
    for start in tqdm(range(0, len(texts), batch_size), desc="counting pieces"):
        for ids in tokenizer(texts[start : start + batch_size], add_special_tokens=False)["input_ids"]:
            counts.update(ids)
    return counts


def choose_pieces(tokenizer, counts, size, keep_words=()):
    """Choose the pieces that a smaller vocabulary keeps: the ids of `size` pieces, ascending.

    Kept whatever their count: special tokens, the printable ASCII characters alone and as continuation (so that any
    English word can still be spelled), every other character that the texts hold, and `keep_words`. The rest goes by
    frequency.
    """
    vocabulary = tokenizer.get_vocab()
    kept = set(tokenizer.all_special_ids) | {vocabulary[word] for word in keep_words if word in vocabulary}
    for piece, piece_id in vocabulary.items():
        character = piece.removeprefix("##")
        if len(character) == 1 and (character.isascii() or counts[piece_id]):
            kept.add(piece_id)
    rest = sorted(counts.keys() - kept, key=lambda piece_id: (-counts[piece_id], piece_id))
    kept.update(rest[: max(0, size - len(kept))])
    if len(kept) != size:
        raise ValueError(f"a vocabulary of {size} pieces was asked for, but the texts and the kept pieces give {len(kept)}")
    return sorted(kept)


def trim_tokenizer(tokenizer, kept):
    """Make the tokenizer whose vocabulary is the pieces with the ids in `kept`, renumbered 0..len(kept)-1 in that order."""
    vocabulary = {piece: new for new, piece in enumerate(tokenizer.convert_ids_to_tokens(kept))}
    settings = ("do_lower_case", "strip_accents", "tokenize_chinese_chars", "model_max_length")
    return BertTokenizer(vocab=vocabulary, **{name: getattr(tokenizer, name) for name in settings})


def trim_encoder(encoder, kept):
    """Make a masked language model from a BertModel whose word embedding keeps only the rows in `kept`.

    Every other weight is taken over as it is. The head is new: its decoder is the word embedding itself (tied), its
    transform starts as the identity, so that before training a guess is already a word near the hidden vector.
    """
    config = BertConfig(**{**encoder.config.to_dict(), "vocab_size": len(kept), "architectures": ["BertForMaskedLM"]})
    model = BertForMaskedLM(config)
    model.bert = type(encoder)(config)  # with its pooler, which BertForMaskedLM leaves out
    weights = encoder.state_dict()
    weights["embeddings.word_embeddings.weight"] = weights["embeddings.word_embeddings.weight"][kept]
    model.bert.load_state_dict(weights)
    model.tie_weights()
    torch.nn.init.eye_(model.cls.predictions.transform.dense.weight)
    return model
