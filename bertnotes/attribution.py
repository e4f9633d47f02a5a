"""Which words made the verdict? Five ways to say it, to be held against each other. Page 12.

captum does the work (`pip install captum`). Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks" (integrated
gradients); Simonyan et al. 2014 (gradients); Zeiler & Fergus 2014 (occlusion); Abnar & Zuidema 2020 (attention rollout);
Jain & Wallace 2019 and Wiegreffe & Pinter 2019, on both sides of what attention explains.

Each way gives a number for each token of one text, on the CPU. [CLS] and [SEP] get 0: they cannot be left out.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from scipy.stats import kendalltau
from torch import Tensor

from bertnotes.attention import check_attentions
from bertnotes.classifier import read_one
from bertnotes.heads import attention_rollout
from bertnotes.tables import as_texts

Ids = Int[Tensor, "1 position"]
Values = Float[Tensor, " position"]
SHARES = (0, 0.1, 0.2, 0.3, 0.5)  # of the tokens, hidden one after the other for a deletion curve


def read(model, tokenizer, text, max_length=None, truncation=None) -> tuple[Ids, Float[Tensor, " class"], int]:
    """A text as the model reads it (`classifier.read_one`; of windows the first): ids, logits, named class. In fp32: slopes
    need the digits."""
    ids = read_one(text, model, tokenizer, max_length, truncation).to(next(model.parameters()).device)
    model.eval()
    with torch.inference_mode():
        logits = model(ids, torch.ones_like(ids))[0]
    return ids, logits.cpu(), logits.argmax().item()


def blank(ids: Ids, tokenizer) -> Ids:
    """The same text with every token hidden: [CLS] [MASK] ... [MASK] [SEP], what all the others are held against."""
    hidden = torch.full_like(ids, tokenizer.mask_token_id)
    hidden[:, [0, -1]] = ids[:, [0, -1]]
    return hidden


def integrated_gradients(model, tokenizer, ids: Ids, target, steps=32) -> Values:
    """How much each token adds to the logit of class `target`, on the way from the text with all tokens hidden to the text.

    The numbers sum to the difference between both logits (completeness), up to the error of so many steps.
    """
    from captum.attr import LayerIntegratedGradients

    method = LayerIntegratedGradients(model, model.bert.get_input_embeddings())
    found = method.attribute(ids, blank(ids, tokenizer), target, torch.ones_like(ids), steps, internal_batch_size=32)
    return ends_to_zero(found.sum(dim=-1)[0])


def gradient_x_input(model, tokenizer, ids: Ids, target) -> Values:
    """The slope of the logit at each token's word vector, times how far that vector is from the one of a hidden token."""
    from captum.attr import LayerGradientXActivation

    layer = model.bert.get_input_embeddings()
    slopes = LayerGradientXActivation(model, layer, multiply_by_inputs=False)
    found = slopes.attribute(ids, target, additional_forward_args=(torch.ones_like(ids),))
    with torch.inference_mode():
        away = layer(ids) - layer(blank(ids, tokenizer))
    return ends_to_zero((found * away).sum(dim=-1)[0])


def occlusion(model, tokenizer, ids: Ids, target) -> Values:
    """How much the logit falls when this one token is hidden."""
    from captum.attr import FeatureAblation

    method = FeatureAblation(lambda ids: model(ids, torch.ones_like(ids)))
    with torch.inference_mode():
        found = method.attribute(ids, blank(ids, tokenizer), target, perturbations_per_eval=32)
    return ends_to_zero(found[0].float())


def attention(model, tokenizer, ids: Ids, target) -> Values:
    """How much [CLS] looks at each token in the last layer, on average over heads. Knows nothing of the class."""
    return ends_to_zero(attentions_of(model, ids)[-1][0, :, 0].mean(dim=0))


def rollout(model, tokenizer, ids: Ids, target) -> Values:
    """Attention followed through all layers, from [CLS] back to the tokens (`heads.attention_rollout`)."""
    return ends_to_zero(attention_rollout(attentions_of(model, ids))[-1, 0, 0])


METHODS = {
    "attention": attention,
    "attention rollout": rollout,
    "gradient x input": gradient_x_input,
    "integrated gradients": integrated_gradients,
    "occlusion": occlusion,
}


@torch.inference_mode()
def attentions_of(model, ids: Ids) -> tuple[Float[Tensor, "1 head query_pos key_pos"], ...]:
    """The attention weights of a classifier, layer by layer. Raises ValueError where its attention gives none."""
    _, attentions = model(ids, torch.ones_like(ids), output_attentions=True)
    check_attentions(attentions)
    return attentions


@dataclass
class Explained:
    """A text as the model reads it, the class that was named, and what each way says of its tokens."""

    ids: Ids
    target: int
    values: dict[str, Values]


def explain(model, tokenizer, texts, methods=METHODS, max_length=None) -> list[Explained]:
    """Ask each way which tokens made the verdict on each text, read by `read`. "random" is one more way: numbers that are
    drawn."""
    generator, found = torch.Generator().manual_seed(0), []
    for text in as_texts(texts):
        ids, _, target = read(model, tokenizer, text, max_length)
        values = {"random": ends_to_zero(torch.rand(ids.shape[1], generator=generator))}
        values |= {name: method(model, tokenizer, ids, target) for name, method in methods.items()}
        found.append(Explained(ids, target, values))
    return found


def deletion_curves(model, tokenizer, explained, shares=SHARES) -> dict[str, Float[Tensor, "text share"]]:
    """For each way, the probability of the verdict when the tokens with the highest values are hidden, share by share.

    The faster it falls, the better the values say what the verdict hangs on (Samek et al. 2017; DeYoung et al. 2020,
    "comprehensiveness").
    """
    found = []
    for one in explained:
        rows = torch.cat([hidden(one.ids, tokenizer, values, shares) for values in one.values.values()])
        with torch.inference_mode():
            named = model(rows, torch.ones_like(rows)).softmax(dim=-1)[:, one.target].cpu()
        found.append(named.view(-1, len(shares)))  # (way, share)
    return dict(zip(explained[0].values, torch.stack(found, dim=1), strict=True))


def hidden(ids: Ids, tokenizer, values: Values, shares) -> Int[Tensor, "share position"]:
    """The text with so large a share of its tokens hidden, those with the highest values."""
    inside = torch.arange(1, ids.shape[1] - 1)
    order = inside[values[1:-1].argsort(descending=True, stable=True)]
    rows = ids.repeat(len(shares), 1)
    for row, share in zip(rows, shares, strict=True):
        row[order[: round(share * len(order))]] = tokenizer.mask_token_id
    return rows


def agreement(explained, one, other) -> Float[Tensor, " text"]:
    """How alike two ways rank the tokens of each text: Kendall's tau, from -1 to 1."""
    pairs = [(text.values[one][1:-1], text.values[other][1:-1]) for text in explained]
    return torch.tensor([kendalltau(*pair).statistic for pair in pairs])


def area_under(shares, curve: Float[Tensor, "*text share"]) -> Float[Tensor, "*text"]:
    """The mean height of deletion curves, from 0 to 1: the lower, the better the ranking."""
    shares = torch.tensor(shares)
    return torch.trapezoid(curve, shares) / (shares[-1] - shares[0])


def ends_to_zero(values: Values) -> Values:
    """Values as numbers on the CPU, with none for [CLS] and [SEP]."""
    values = values.detach().cpu().clone()
    values[[0, -1]] = 0
    return values
