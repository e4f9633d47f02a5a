"""What a head does, in numbers: where its attention goes, over many texts; and what all heads together pass on.

Pages 03 and 07. Clark et al. 2019, "What Does BERT Look At?" (the measures); Abnar & Zuidema 2020, "Quantifying Attention
Flow in Transformers" (rollout).
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from bertnotes.attention import check_attentions
from bertnotes.batching import check_max_length, most_tokens
from bertnotes.tables import as_texts

PUNCTUATION = set(".,;:!?-'\"()[]/…")
AUXILIARIES = set("am is are was were be been being have has had having get gets got getting".split())
ARTICLES = set("the a an this that these those my your his her its our their".split())
NEGATIONS = set("not no never t nothing without hardly".split())  # "t" is what WordPiece leaves of n't
SMALL_WORDS = (
    AUXILIARIES | ARTICLES | NEGATIONS | set("and or but of in on at to for from with by as it i you he she we they".split())
)


@torch.inference_mode()
def measure_heads(
    encoder, tokenizer, texts, max_length: int = 128, batch_size: int = 16
) -> dict[str, Float[Tensor, "layer head"]]:
    """Measure every head of a model over texts.

    Asked are the ordinary tokens: not [CLS], [SEP] or [PAD]. "entropy" is that of a row, as a share of the highest possible one
    (1 = spread evenly); "distance" how many tokens away it looks, on average. The others are shares of a row that go to
    the places which `relations` names, averaged over the tokens that have such a place. Texts are cut to max_length tokens.
    Raises ValueError where there are no texts, max_length is over the model's, or the model gives no attention weights.
    """
    if not (texts := as_texts(texts)):
        raise ValueError("there are no texts to measure the heads on; give at least one")
    check_max_length(max_length, most_tokens(encoder))
    ids = tokenizer(texts, truncation=True, max_length=max_length)["input_ids"]
    ids.sort(key=len)  # those alike in length together: little padding
    sums = counts = torch.zeros(())
    for start in range(0, len(ids), batch_size):
        batch = tokenizer.pad({"input_ids": ids[start : start + batch_size]}, return_tensors="pt")
        places = relations(batch["input_ids"], tokenizer)
        asked = ordinary(batch["input_ids"], tokenizer)
        attentions = attentions_of(encoder, batch)
        sums = sums + torch.stack([row_sums(layer, places, asked) for layer in attentions])
        has_place = torch.stack([place.any(-1) & asked for place in places.values()], dim=-1).sum((0, 1))
        counts = counts + torch.cat([asked.sum().repeat(2), has_place])
    means = sums / counts.clamp(min=1)
    return {name: means[..., index] for index, name in enumerate(["entropy", "distance", *places])}


@torch.inference_mode()
def attention_moved(before, after, tokenizer, texts, max_length: int = 128) -> Float[Tensor, "layer head"]:
    """Say how much of a row two encoders place differently, head by head: 0 = nothing, 1 = all of it.

    before, after: the same model at two times, say before and after fine-tuning. The measure is the total variation distance,
    half the sum of the absolute differences, averaged over the ordinary tokens of all texts.
    Raises ValueError where the encoders differ in layers or heads.
    """
    shapes = [(model.config.num_hidden_layers, model.config.num_attention_heads) for model in (before, after)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"two times of one model have the same layers and heads; got {shapes[0]} and {shapes[1]}")
    moved, count = 0, 0
    for text in as_texts(texts):
        ids = tokenizer(text, truncation=True, max_length=max_length, return_tensors="pt")
        old, new = (torch.cat(attentions_of(model, ids)) for model in (before, after))
        rows = (new - old).abs().sum(-1)[..., 1:-1] / 2  # (layer, head, query_pos)
        moved, count = moved + rows.sum(-1), count + rows.shape[-1]
    return moved / count


def attentions_of(encoder, batch) -> list[Float[Tensor, "batch head query_pos key_pos"]]:
    """The attention weights of a batch, layer by layer, on the CPU; the ids follow the model to its device.

    Raises ValueError where the model gives none.
    """
    attentions = encoder(**batch.to(next(encoder.parameters()).device), output_attentions=True).attentions
    check_attentions(attentions)
    return [layer.cpu() for layer in attentions]


def row_sums(
    weights: Float[Tensor, "batch head query_pos key_pos"],
    places: dict[str, Bool[Tensor, "batch query_pos key_pos"]],
    asked: Bool[Tensor, "batch query_pos"],
) -> Float[Tensor, "head measure"]:
    """Sum what the rows of asked tokens have of each measure: entropy, distance and each of the places."""
    length = weights.shape[-1]
    seen = asked.sum(-1) + 2  # [CLS], the ordinary tokens, [SEP]: what a row can be spread over
    entropy = torch.special.entr(weights).sum(-1) / seen.log()[:, None, None]
    position = torch.arange(length)
    distance = (position[:, None] - position).abs().expand(len(weights), -1, -1)
    wanted = torch.stack([distance, *places.values()], dim=-1).float() * asked[..., None, None]  # (batch, query, key, place)
    to_places = torch.einsum("bhp,bpm->hm", weights.flatten(-2), wanted.flatten(1, 2))
    return torch.cat([(entropy * asked[:, None]).sum((0, 2))[:, None], to_places], dim=-1)


def relations(ids: Int[Tensor, "batch position"], tokenizer) -> dict[str, Bool[Tensor, "batch query_pos key_pos"]]:
    """Say for each token of a batch where the places are that a head may be looking for.

    By rule, with no parser: neighbours, the token itself, special tokens, punctuation, the same word elsewhere, the other
    pieces of its word, and what stands shortly before it: for a word in -ed, -en or -ing the form of *be*, *have* or *get*, for
    any but the smallest words an article or possessive, and a negation.
    """
    tokens = [tokenizer.convert_ids_to_tokens(row) for row in ids.tolist()]
    length, inside = ids.shape[1], ordinary(ids, tokenizer)
    step = torch.arange(length) - torch.arange(length)[:, None]  # from query to key
    elsewhere = inside[:, :, None] & inside[:, None, :] & (step != 0)
    stops = torch.tensor([[token in PUNCTUATION for token in row] for row in tokens])
    words = torch.tensor([word_numbers(row) for row in tokens])
    return {
        "token before": (step == -1) & inside[:, :, None],
        "token after": (step == 1) & inside[:, :, None],
        "itself": (step == 0) & inside[:, :, None],
        tokenizer.cls_token: (ids == tokenizer.cls_token_id)[:, None, :].expand(-1, length, -1),
        tokenizer.sep_token: (ids == tokenizer.sep_token_id)[:, None, :].expand(-1, length, -1),
        "punctuation": stops[:, None, :] & elsewhere,
        "same word elsewhere": (ids[:, :, None] == ids[:, None, :]) & elsewhere & ~stops[:, None, :],
        "rest of its word": (words[:, :, None] == words[:, None, :]) & elsewhere,
        "its auxiliary": torch.stack([nearest_before(row, is_participle, AUXILIARIES, reach=3) for row in tokens]),
        "its article": torch.stack([nearest_before(row, is_content, ARTICLES, reach=2) for row in tokens]),
        "its negation": torch.stack([nearest_before(row, is_content, NEGATIONS, reach=3) for row in tokens]),
    }


def ordinary(ids: Int[Tensor, "batch position"], tokenizer) -> Bool[Tensor, "batch position"]:
    """True at the tokens that are neither special nor padding."""
    special = torch.tensor([tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id])
    return ~torch.isin(ids, special)


def word_numbers(tokens):
    """The number of the word that each piece belongs to: "great act ##ing" -> 0 1 1."""
    numbers = []
    for token in tokens:
        numbers.append(numbers[-1] + (not token.startswith("##")) if numbers else 0)
    return numbers


def merge_pieces(
    weights: Float[Tensor, "*any query_pos key_pos"], tokens
) -> tuple[Float[Tensor, "*any query_word key_word"], list[str]]:
    """Bring the pieces of words together: (weights between words, words).

    Attention to a word is the sum over its pieces, attention from it their mean, so that rows still sum to 1 (Clark et al.
    2019, section 4.1).

    >>> merge_pieces(torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]]), ["we", "act", "##ed"])
    (tensor([[0.5000, 0.5000],
            [0.5000, 0.5000]]), ['we', 'acted'])
    """
    numbers = word_numbers(tokens)
    member = torch.nn.functional.one_hot(torch.tensor(numbers)).to(weights.dtype)  # (piece, word)
    words = [""] * member.shape[1]
    for number, token in zip(numbers, tokens, strict=True):
        words[number] += token.removeprefix("##") if words[number] else token
    return (member / member.sum(0)).T @ weights @ member, words


def nearest_before(tokens, asks, wanted, reach: int) -> Bool[Tensor, "query_pos key_pos"]:
    """True from each token that asks to the nearest wanted one, at most `reach` places before it.

    asks: a function of a token; wanted: a set of tokens. What is wanted does not ask, and punctuation between them parts them.
    """
    found = torch.zeros(len(tokens), len(tokens), dtype=torch.bool)
    for place, token in enumerate(tokens):
        if not asks(token) or token in wanted:
            continue
        for at in range(place - 1, max(-1, place - 1 - reach), -1):
            if tokens[at] in wanted or tokens[at] in PUNCTUATION:
                found[place, at] = tokens[at] in wanted
                break
    return found


def is_participle(token: str) -> bool:
    """Whether a token ends as a participle does: loved, seen, going; some nouns do, too."""
    return token.endswith(("ed", "en", "ing")) and not token.startswith("##") and token not in AUXILIARIES


def is_content(token: str) -> bool:
    """Whether a token is the beginning of a word, and of none of the smallest."""
    return token.isalpha() and token not in SMALL_WORDS


def attention_rollout(
    attentions: Sequence[Float[Tensor, "batch head query_pos key_pos"]],
) -> Float[Tensor, "layer batch query_pos key_pos"]:
    """Follow attention through all layers: how much of each input token is in each vector after each layer. Rows sum to 1.

    A layer counts as half the mean of its heads, half the residual that passes it by (Abnar & Zuidema 2020, section 3). A
    rough picture: values and feed-forward parts are left out. Raises ValueError where there are no weights.
    """
    check_attentions(attentions)
    reached, flow = [], None
    for layer in attentions:
        step = 0.5 * layer.mean(dim=1) + 0.5 * torch.eye(layer.shape[-1], dtype=layer.dtype, device=layer.device)
        flow = step if flow is None else step @ flow
        reached.append(flow)
    return torch.stack(reached)
