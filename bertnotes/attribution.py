"""Which words made the verdict? Five ways to say it, to be held against each other. Page 11.

captum does the work (`pip install captum`). Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks" (integrated
gradients); Simonyan et al. 2014 (gradients); Zeiler & Fergus 2014 (occlusion); Abnar & Zuidema 2020 (attention rollout);
Jain & Wallace 2019 and Wiegreffe & Pinter 2019, on both sides of what attention explains.

Each way gives a number for each token of one text: (position,), on the CPU. [CLS] and [SEP] get 0: they cannot be left out.
"""

from dataclasses import dataclass

import torch
from scipy.stats import kendalltau

from bertnotes.classifier import read_texts
from bertnotes.heads import attention_rollout

SHARES = (0, 0.1, 0.2, 0.3, 0.5)  # of the tokens, hidden one after the other for a deletion curve


def read(model, tokenizer, text, max_length=None, truncation=None):
    """A text as the model reads it (`classifier.read_texts`), in fp32: slopes need the digits. Returns (ids (1, position),
    logits (class,), the class that was named)."""
    ids = torch.tensor(read_texts([text], model, tokenizer, max_length, truncation), device=next(model.parameters()).device)
    model.eval()
    with torch.inference_mode():
        logits = model(ids, torch.ones_like(ids))[0]
    return ids, logits.cpu(), logits.argmax().item()


def blank(ids, tokenizer):
    """The same text with every token hidden: [CLS] [MASK] ... [MASK] [SEP], what all the others are held against."""
    hidden = torch.full_like(ids, tokenizer.mask_token_id)
    hidden[:, [0, -1]] = ids[:, [0, -1]]
    return hidden


def integrated_gradients(model, tokenizer, ids, target, steps=32):
    """How much each token adds to the logit of class `target`, on the way from the text with all tokens hidden to the text.

    The numbers sum to the difference between both logits (completeness), up to the error of so many steps.
    """
    from captum.attr import LayerIntegratedGradients

    method = LayerIntegratedGradients(model, model.bert.get_input_embeddings())
    found = method.attribute(ids, blank(ids, tokenizer), target, torch.ones_like(ids), steps, internal_batch_size=32)
    return ends_to_zero(found.sum(dim=-1)[0])


def gradient_x_input(model, tokenizer, ids, target):
    """The slope of the logit at each token's word vector, times how far that vector is from the one of a hidden token."""
    from captum.attr import LayerGradientXActivation

    layer = model.bert.get_input_embeddings()
    slopes = LayerGradientXActivation(model, layer, multiply_by_inputs=False)
    found = slopes.attribute(ids, target, additional_forward_args=(torch.ones_like(ids),))
    with torch.inference_mode():
        away = layer(ids) - layer(blank(ids, tokenizer))
    return ends_to_zero((found * away).sum(dim=-1)[0])


def occlusion(model, tokenizer, ids, target):
    """How much the logit falls when this one token is hidden."""
    from captum.attr import FeatureAblation

    method = FeatureAblation(lambda ids: model(ids, torch.ones_like(ids)))
    with torch.inference_mode():
        found = method.attribute(ids, blank(ids, tokenizer), target, perturbations_per_eval=32)
    return ends_to_zero(found[0].float())


def attention(model, tokenizer, ids, target):
    """How much [CLS] looks at each token in the last layer, on average over heads. Knows nothing of the class."""
    return ends_to_zero(attentions_of(model, ids)[-1][0, :, 0].mean(dim=0))


def rollout(model, tokenizer, ids, target):
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
def attentions_of(model, ids):
    """The attention weights of a classifier. Raises ValueError where its attention gives none."""
    found = model.bert(ids, torch.ones_like(ids), output_attentions=True).attentions
    if not found or found[0] is None:
        raise ValueError('this classifier gives no attention weights; load it with attention="bertnotes" or "eager"')
    return found


@dataclass
class Explained:
    """A text as the model reads it (ids (1, position)), the class that was named (target), and what each way says of its
    tokens: values, {name: (position,)}."""

    ids: torch.Tensor
    target: int
    values: dict


def explain(model, tokenizer, texts, methods=METHODS, max_length=None, truncation=None, seed=0):
    """Ask each way which tokens made the verdict on each text, read by `read`. Returns an Explained a text; its values have
    "random" too, for numbers that are drawn."""
    generator, found = torch.Generator().manual_seed(seed), []
    for text in texts:
        ids, _, target = read(model, tokenizer, text, max_length, truncation)
        values = {"random": ends_to_zero(torch.rand(ids.shape[1], generator=generator))}
        values |= {name: method(model, tokenizer, ids, target) for name, method in methods.items()}
        found.append(Explained(ids, target, values))
    return found


def deletion_curve(model, tokenizer, one, shares=SHARES):
    """The probability of the verdict on an Explained text when the tokens with the highest values are hidden, a share of all at
    a time. Returns {name: tensor (share,)}, one for each way.

    The faster it falls, the better the values say what the verdict hangs on (Samek et al. 2017; DeYoung et al. 2020,
    "comprehensiveness").
    """
    rows = torch.cat([hidden(one.ids, tokenizer, values, shares) for values in one.values.values()])
    with torch.inference_mode():
        named = model(rows, torch.ones_like(rows)).softmax(dim=-1)[:, one.target].cpu()
    return dict(zip(one.values, named.split(len(shares)), strict=True))


def hidden(ids, tokenizer, values, shares):
    """The text (1, position) with so large a share of its tokens hidden, those with the highest values: (share, position)."""
    inside = torch.arange(1, ids.shape[1] - 1)
    order = inside[values[1:-1].argsort(descending=True, stable=True)]
    rows = ids.repeat(len(shares), 1)
    for row, share in zip(rows, shares, strict=True):
        row[order[: round(share * len(order))]] = tokenizer.mask_token_id
    return rows


def deletion_curves(model, tokenizer, explained, shares=SHARES):
    """The deletion curves of many texts: {name: (text, share)}."""
    found = [deletion_curve(model, tokenizer, one, shares) for one in explained]
    return {name: torch.stack([curves[name] for curves in found]) for name in found[0]}


def agreement(explained, one, other):
    """How alike two ways rank the tokens of each text: Kendall's tau, from -1 to 1, a tensor (text,)."""
    pairs = [(text.values[one][1:-1], text.values[other][1:-1]) for text in explained]
    return torch.tensor([kendalltau(*pair).statistic for pair in pairs])


def area_under(shares, curve):
    """The mean height of deletion curves (..., share), from 0 to 1: the lower, the better the ranking. Returns (...)."""
    shares = torch.tensor(shares)
    return torch.trapezoid(curve, shares) / (shares[-1] - shares[0])


def ends_to_zero(values):
    """Values (position,) as numbers on the CPU, with none for [CLS] and [SEP]."""
    values = values.detach().cpu().clone()
    values[[0, -1]] = 0
    return values
