"""Exercises inside BERT: word pieces, LayerNorm, embeddings, the feed-forward network, a layer, names on disk, the encoder.

Each mistake is one that people make.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import layer_norm as torch_layer_norm

from bertnotes.attention import padding_mask
from bertnotes.exercises.judging import Case, Exercise, Mistake
from bertnotes.exercises.page01 import drawn, drawn_mask
from bertnotes.exercises.page03 import ERRORS as MATRICES
from bertnotes.exercises.page03 import NAMES, multi_head

ERRORS = MATRICES | {
    "is not defined": "Does your notebook have it? Functions that passed are kept; `part` stands in the first cell.",
    "must match the size": "Two shapes do not fit to be added: print them.",
    "indices must be": "An index has to be whole numbers, as ids are.",
    "index out of range": "A row is asked for that the table does not have.",
}


# --- word pieces --------------------------------------------------------------------------------------------------------


def word_pieces(word: str, vocabulary: list[str], *, shortest=False, marked=True, back=False, keep=False) -> Tensor:
    """How many letters each piece covers: (piece,); with a part done otherwise, what an answer with that mistake gives."""
    lengths: list[int] = []
    start = 0
    while start < len(word):
        mark = "##" if start and marked else ""
        ends = range(start + 1, len(word) + 1) if shortest else range(len(word), start, -1)
        fitting = [end for end in ends if mark + word[start:end] in vocabulary]
        if back:
            fitting = [end for end in fitting if end == len(word) or rest_fits(word, end, vocabulary)]
        if not fitting:
            return torch.tensor(lengths if keep else [], dtype=torch.long)
        lengths.append(fitting[0] - start)
        start = fitting[0]
    return torch.tensor(lengths, dtype=torch.long)


def rest_fits(word, start, vocabulary):
    """Whether there is any way to cut the rest of a word."""
    ends = [end for end in range(start + 1, len(word) + 1) if "##" + word[start:end] in vocabulary]
    return any(end == len(word) or rest_fits(word, end, vocabulary) for end in ends)


def counted(word, vocabulary):
    """How many pieces there are; empty where the word cannot be cut."""
    found = word_pieces(word, vocabulary)
    return torch.tensor(len(found)) if len(found) else found


LETTERS = [*"abcd", *("##" + letter for letter in "abcd")]


def word_pieces_cases(seed):
    """Words to follow; one that is stuck; random ones, whose letters are all in the list."""
    generator = torch.Generator().manual_seed(seed)
    made = "".join("abcd"[number] for number in torch.randint(4, (12,), generator=generator))
    longer = ["##" + made[2:5], "##" + made[4:6], made[:2], made[:3], "##" + made[7:11], made[5:9]]
    return [
        Case({"word": "unhappy", "vocabulary": ["un", "##h", "##happy", "u", "happy", "##n"]}, shown=True),
        Case({"word": "playeth", "vocabulary": ["play", "##eth", "playe"]}, shown=True),
        Case({"word": "aaaa", "vocabulary": ["a", "aa", "##a", "##aa"]}, shown=True),
        Case({"word": "plots", "vocabulary": ["plot", "s", "##z", "plots"]}, shown=True),
        Case({"word": made, "vocabulary": LETTERS + longer}),
    ]


WORD_PIECES = Exercise(
    function="word_pieces",
    cases=word_pieces_cases,
    right=word_pieces,
    mistakes=(
        Mistake(
            "You take the shortest piece that fits. The rule takes the longest: try the ends from the back.",
            (lambda word, vocabulary: word_pieces(word, vocabulary, shortest=True),),
        ),
        Mistake(
            "A piece that does not begin the word has `##` in front: look for `'##' + word[start:end]` there.",
            (lambda word, vocabulary: word_pieces(word, vocabulary, marked=False),),
        ),
        Mistake(
            "You go back and try a shorter piece where the rest cannot be cut. That would be wiser, but BERT's rule does not.",
            (lambda word, vocabulary: word_pieces(word, vocabulary, back=True),),
        ),
        Mistake(
            "Where the word cannot be cut, the pieces found so far do not count: return an empty tensor.",
            (lambda word, vocabulary: word_pieces(word, vocabulary, keep=True),),
        ),
        Mistake(
            "You return how many pieces there are; asked for is how many letters each covers.",
            (counted,),
        ),
    ),
    errors={"empty": "A list may be empty here: is there a way out where no piece fits?"},
)


# --- LayerNorm ----------------------------------------------------------------------------------------------------------


def layer_norm(hidden, gain, bias, eps=1e-12):
    """Vectors of mean 0 and variance 1, times gain, plus bias."""
    return torch_layer_norm(hidden, gain.shape, gain, bias, eps)


def layer_norm_cases(seed):
    """Numbers to follow; random ones; a large eps; a vector whose numbers are all the same."""
    hidden, gain, bias = drawn(seed, (2, 3, 6), (6,), (6,))
    one, zero = torch.ones(4), torch.zeros(4)
    return [
        Case({"hidden": torch.tensor([[9.0, 3.0, 3.0, 1.0]]), "gain": one, "bias": zero, "eps": 1e-12}, shown=True),
        Case({"hidden": torch.tensor([[1.0, 1, 3, 3], [5, 5, 5, 5]]), "gain": 2 * one, "bias": one, "eps": 1e-5}, shown=True),
        Case({"hidden": 3 * hidden + 1, "gain": gain, "bias": bias, "eps": 1e-12}),
        Case({"hidden": hidden, "gain": gain, "bias": bias, "eps": 0.5}),
    ]


def normed(hidden, gain, bias, eps, correction=0, dim=-1):
    """LayerNorm with the variance of a sample, or along another axis."""
    distance = hidden - hidden.mean(dim=dim, keepdim=True)
    return distance / (hidden.var(dim=dim, keepdim=True, correction=correction) + eps).sqrt() * gain + bias


LAYER_NORM = Exercise(
    function="layer_norm",
    cases=layer_norm_cases,
    right=layer_norm,
    mistakes=(
        Mistake(
            "Your variance divides by one less than the size, as `torch.var` and `torch.std` do unless told otherwise. Here it "
            "is the plain mean of the squared distances: `correction=0`.",
            (lambda hidden, gain, bias, eps: normed(hidden, gain, bias, eps, correction=1),),
        ),
        Mistake(
            "You divide by the variance; it is its root, the standard deviation.",
            (
                lambda hidden, gain, bias, eps: (
                    (hidden - hidden.mean(-1, keepdim=True)) / (hidden.var(-1, keepdim=True, correction=0) + eps) * gain + bias
                ),
            ),
        ),
        Mistake(
            "The mean is not taken off: the results have mean 0 only if you subtract it first.",
            (lambda hidden, gain, bias, eps: hidden / (hidden.var(-1, keepdim=True, correction=0) + eps).sqrt() * gain + bias,),
        ),
        Mistake(
            "`eps` is added to the variance, under the root; you add it to the root.",
            (
                lambda hidden, gain, bias, eps: (
                    (hidden - hidden.mean(-1, keepdim=True)) / (hidden.std(-1, keepdim=True, correction=0) + eps) * gain + bias
                ),
            ),
        ),
        Mistake(
            "The bias is added before the gain: first times `gain`, then plus `bias`.",
            (lambda hidden, gain, bias, eps: (layer_norm(hidden, torch.ones_like(gain), 0 * bias, eps) + bias) * gain,),
        ),
        Mistake(
            "Gain and bias are missing.",
            (lambda hidden, gain, bias, eps: layer_norm(hidden, torch.ones_like(gain), torch.zeros_like(bias), eps),),
        ),
        Mistake(
            "You norm along another axis than the last: each token is normed by its own numbers, `dim=-1`.",
            (lambda hidden, gain, bias, eps: normed(hidden, gain, bias, eps, dim=-2),),
        ),
    ),
    remarks={"layer_norm": "PyTorch's own function does the work. It is right; write it once by hand, too."},
    errors=ERRORS,
)


# --- embeddings ---------------------------------------------------------------------------------------------------------


def embed(input_ids, token_type_ids, weights, *, positions=True, types=True, first_row=False, norm="sum"):
    """Word, position and token type, added and normed; with a part done otherwise, what an answer with that mistake gives."""
    length = input_ids.shape[1]
    place = weights["position.weight"][:1] if first_row else weights["position.weight"][:length]
    gain, bias = weights["norm.weight"], weights["norm.bias"]
    found = [weights["word.weight"][input_ids]]
    found += [place] if positions else []
    found += [weights["token_type.weight"][token_type_ids]] if types else []
    if norm == "each":
        found = [layer_norm(one, gain, bias) for one in found]
    summed = sum(found)
    return layer_norm(summed, gain, bias) if norm == "sum" else summed


def embedding_weights(seed, vocabulary, places, size):
    """Random tables, gain and bias."""
    word, position, kind, gain, bias = drawn(seed, (vocabulary, size), (places, size), (2, size), (size,), (size,))
    return {
        "word.weight": word,
        "position.weight": position,
        "token_type.weight": kind,
        "norm.weight": gain,
        "norm.bias": bias,
    }


def drawn_ids(seed, *shape, vocabulary=9):
    """Random ids."""
    return torch.randint(vocabulary, shape, generator=torch.Generator().manual_seed(seed))


def embed_cases(seed):
    """A text of two parts; a batch; a piece that comes twice."""
    weights = embedding_weights(7, 5, 5, 4)
    types = {"input_ids": torch.tensor([[2, 4, 2]]), "token_type_ids": torch.tensor([[0, 0, 1]])}
    ids = drawn_ids(seed, 2, 5)
    return [
        Case(types | {"weights": weights}, shown=True),
        Case({"input_ids": ids, "token_type_ids": ids % 2, "weights": embedding_weights(seed, 9, 9, 6)}),
        Case({"input_ids": ids[:, :4], "token_type_ids": ids[:, :4] % 2, "weights": embedding_weights(seed + 1, 9, 9, 8)}),
    ]


def embedded(**parts):
    """A formula of the embeddings with a part done otherwise."""
    return lambda input_ids, token_type_ids, weights: embed(input_ids, token_type_ids, weights, **parts)


EMBED = Exercise(
    function="embed",
    cases=embed_cases,
    right=embed,
    mistakes=(
        Mistake("The positions are missing.", (embedded(positions=False),)),
        Mistake("The token types are missing.", (embedded(types=False),)),
        Mistake("Positions and token types are missing.", (embedded(positions=False, types=False),)),
        Mistake(
            "Every token gets the vector of position 0. Take the first rows of the table, as many as there are positions.",
            (embedded(first_row=True),),
        ),
        Mistake("The LayerNorm at the end is missing.", (embedded(norm="no"),)),
        Mistake("You norm each of the three, and then add. It is added first, then normed once.", (embedded(norm="each"),)),
        Mistake(
            "You look up the positions by the ids of the pieces. They go by where a token stands: 0, 1, 2, ...",
            (
                lambda input_ids, token_type_ids, weights: layer_norm(
                    weights["word.weight"][input_ids]
                    + weights["position.weight"][input_ids]
                    + weights["token_type.weight"][token_type_ids],
                    weights["norm.weight"],
                    weights["norm.bias"],
                ),
            ),
        ),
    ),
    errors=ERRORS,
)


# --- feed-forward -------------------------------------------------------------------------------------------------------


def gelu(x: Tensor) -> Tensor:
    """x times the share of a bell curve below x."""
    return torch.nn.functional.gelu(x)


def feed_forward(hidden, weights, *, curve=gelu, last=False, biased=True, turned=True):
    """Expand, GELU, contract; with a part done otherwise, what an answer with that mistake gives."""

    def linear(x, name):
        matrix, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return x @ (matrix.T if turned else matrix) + (bias if biased else 0)

    thought = linear(curve(linear(hidden, "expand")), "contract")
    return curve(thought) if last else thought


def wide_weights(seed, size, inner):
    """Random parameters of a feed-forward network, large enough that the curve matters."""
    expand, contract, first, second = drawn(seed, (inner, size), (size, inner), (inner,), (size,))
    return {"expand.weight": expand, "expand.bias": first, "contract.weight": contract, "contract.bias": second}


def feed_forward_cases(seed):
    """A small network; random ones."""
    return [
        Case({"hidden": drawn(7, (1, 2, 3))[0], "weights": wide_weights(7, 3, 5)}, shown=True),
        Case({"hidden": drawn(seed, (2, 4, 6))[0], "weights": wide_weights(seed, 6, 24)}),
        Case({"hidden": drawn(seed + 1, (3, 2, 4))[0], "weights": wide_weights(seed + 1, 4, 16)}),
    ]


def forward(**parts):
    """A formula of the feed-forward network with a part done otherwise."""
    return lambda hidden, weights: feed_forward(hidden, weights, **parts)


def no_root(x):
    """GELU whose root of 2 is forgotten."""
    return x * (1 + torch.erf(x)) / 2


FEED_FORWARD = Exercise(
    function="feed_forward",
    cases=feed_forward_cases,
    right=feed_forward,
    mistakes=(
        Mistake("There is no curve between the two matrices, so they are as good as one.", (forward(curve=lambda x: x),)),
        Mistake("That is ReLU. GELU is `x * (1 + torch.erf(x / math.sqrt(2))) / 2`.", (forward(curve=torch.relu),)),
        Mistake(
            "Your GELU returns the share of the bell curve alone; `x *` is missing.",
            (forward(curve=lambda x: (1 + torch.erf(x / math.sqrt(2))) / 2),),
        ),
        Mistake("In your GELU the root of 2 is missing: `x / math.sqrt(2)`.", (forward(curve=no_root),)),
        Mistake("Your GELU is not halved: `/ 2` is missing.", (forward(curve=lambda x: 2 * gelu(x)),)),
        Mistake("The biases are missing: `hidden @ weight.T + bias`.", (forward(biased=False),)),
        Mistake("There is a second GELU at the end. It stands between the two matrices only.", (forward(last=True),)),
        Mistake(
            "You add `hidden` here already. That is the layer's job: return only what the network found.",
            (lambda hidden, weights: hidden + feed_forward(hidden, weights),),
        ),
    ),
    remarks={"gelu": "PyTorch's own GELU does the work. It is right; write it once by hand, too."},
    errors=ERRORS,
)


# --- a layer ------------------------------------------------------------------------------------------------------------


def part(weights, prefix):
    """The parameters whose names begin so, without that beginning, and the number of heads."""
    found = {name.removeprefix(prefix): table for name, table in weights.items() if name.startswith(prefix)}
    return found | {"num_heads": weights["num_heads"]}


def layer(
    hidden, weights, mask=None, *, masked=True, first=True, second=True, norms=("attention_norm", "output_norm"), add="seen"
):
    """One layer; with a part done otherwise, what an answer with that mistake gives."""

    def norm(x, name):
        return layer_norm(x, weights[f"{name}.weight"], weights[f"{name}.bias"]) if name else x

    found, _ = multi_head(hidden, part(weights, "attention."), mask if masked else None)
    seen = norm(found + hidden if first else found, norms[0])
    thought = feed_forward(seen, weights)
    kept = {"seen": seen, "hidden": hidden}[add]
    return norm(kept + thought if second else thought, norms[1])


def layer_weights(seed, size, inner, num_heads):
    """Random parameters of one layer."""
    square = drawn(seed, *[(size, size)] * 4, *[(size,)] * 8)
    weights = {f"attention.{name}.weight": one / math.sqrt(size) for name, one in zip(NAMES, square[:4], strict=True)}
    weights |= {f"attention.{name}.bias": one for name, one in zip(NAMES, square[4:8], strict=True)}
    names = ("attention_norm.weight", "attention_norm.bias", "output_norm.weight", "output_norm.bias")
    weights |= dict(zip(names, square[8:], strict=True))
    return weights | wide_weights(seed + 1, size, inner) | {"num_heads": num_heads}


def layer_cases(seed):
    """A text; two with fillers; one head."""
    padding = drawn_mask(seed, 2, 1, 1, 5)
    return [
        Case({"hidden": drawn(7, (1, 3, 4))[0], "weights": layer_weights(7, 4, 6, 2), "mask": None}, shown=True),
        Case({"hidden": drawn(seed, (2, 5, 6))[0], "weights": layer_weights(seed, 6, 10, 3), "mask": padding}),
        Case({"hidden": drawn(seed + 1, (2, 4, 4))[0], "weights": layer_weights(seed + 1, 4, 8, 1), "mask": None}),
    ]


def layered(**parts):
    """A formula of a layer with a part done otherwise."""
    return lambda hidden, weights, mask: layer(hidden, weights, mask, **parts)


def normed_before(hidden, weights, mask):
    """A layer that norms before each sublayer, as GPT-2 does."""

    def norm(x, name):
        return layer_norm(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    seen = hidden + multi_head(norm(hidden, "attention_norm"), part(weights, "attention."), mask)[0]
    return seen + feed_forward(norm(seen, "output_norm"), weights)


LAYER = Exercise(
    function="layer",
    cases=layer_cases,
    right=layer,
    mistakes=(
        Mistake("The first addition is missing: LayerNorm of `hidden + found`.", (layered(first=False),)),
        Mistake("The second addition is missing: LayerNorm of `seen + thought`.", (layered(second=False),)),
        Mistake("Both additions are missing: LayerNorm(x + Sublayer(x)).", (layered(first=False, second=False),)),
        Mistake("The second half adds to `hidden`. It adds to what the first half made.", (layered(add="hidden"),)),
        Mistake("The first LayerNorm is missing.", (layered(norms=("", "output_norm")),)),
        Mistake("The last LayerNorm is missing.", (layered(norms=("attention_norm", "")),)),
        Mistake("The two LayerNorms are swapped.", (layered(norms=("output_norm", "attention_norm")),)),
        Mistake("You use `attention_norm` twice; the second is `output_norm`.", (layered(norms=("attention_norm",) * 2),)),
        Mistake("It pays no attention to the mask: pass it on to `multi_head`.", (layered(masked=False),)),
        Mistake(
            "You norm before each sublayer, as GPT-2 does. BERT norms after the addition.",
            (normed_before,),
        ),
        Mistake(
            "That is the first half. Feed-forward, add, LayerNorm are missing.",
            (
                lambda hidden, weights, mask: layer_norm(
                    hidden + multi_head(hidden, part(weights, "attention."), mask)[0],
                    weights["attention_norm.weight"],
                    weights["attention_norm.bias"],
                ),
            ),
        ),
    ),
    errors=ERRORS | {"'tuple'": "`multi_head` returns two things; you need the first."},
)


# --- names on disk ------------------------------------------------------------------------------------------------------

RENAMED = (
    ("encoder.layer.", "layers."),
    ("attention.self.", "attention."),
    ("attention.output.LayerNorm", "attention_norm"),
    ("attention.output.dense", "attention.output"),
    ("intermediate.dense", "expand"),
    ("output.LayerNorm", "output_norm"),
    ("output.dense", "contract"),
    ("_embeddings.", "."),
    ("embeddings.LayerNorm", "embeddings.norm"),
    ("pooler.dense", "pooler"),
)
ON_DISK = (
    "embeddings.word_embeddings",
    "embeddings.LayerNorm",
    "encoder.layer.0.attention.self.query",
    "encoder.layer.0.attention.output.dense",
    "encoder.layer.0.attention.output.LayerNorm",
    "encoder.layer.0.intermediate.dense",
    "encoder.layer.0.output.dense",
    "encoder.layer.11.output.LayerNorm",
    "pooler.dense",
)


def load_weights(stored, *, prefix=True, head=False, renamed=RENAMED):
    """Tables under our names; with a part done otherwise, what an answer with that mistake gives."""
    found = {}
    for name, table in stored.items():
        if name.startswith("cls.") and not head:
            continue
        short = name.removeprefix("bert.") if prefix else name
        for theirs, ours in renamed:
            short = short.replace(theirs, ours)
        found[short] = table
    return found


def load_weights_cases(seed):
    """Three tables to follow; a whole checkpoint with a head; one whose names have no bert. in front."""
    tables = drawn(seed, *[(2, 2)] * (2 * len(ON_DISK) + 2))
    names = [f"{name}.{kind}" for name in ON_DISK for kind in ("weight", "bias")]
    named = dict(zip(names, tables, strict=False))
    head = {"cls.predictions.bias": tables[-1], "cls.predictions.transform.dense.weight": tables[-2]}
    few = ("bert.encoder.layer.3.output.dense.bias", "cls.predictions.bias", "bert.pooler.dense.bias")
    return [
        Case({"stored": {name: torch.tensor([float(at)]) for at, name in enumerate(few)}}, shown=True),
        Case({"stored": {f"bert.{name}": table for name, table in named.items()} | head}),
        Case({"stored": named}),
    ]


LOAD_WEIGHTS = Exercise(
    function="load_weights",
    cases=load_weights_cases,
    right=load_weights,
    mistakes=(
        Mistake(
            "`bert.` still stands before the names: `name.removeprefix('bert.')`.",
            (lambda stored: load_weights(stored, prefix=False),),
        ),
        Mistake("The tables of the head, `cls.`, are to be left out.", (lambda stored: load_weights(stored, head=True),)),
        Mistake(
            "Nothing is replaced: strings do not change. `name = name.replace(theirs, ours)` keeps what comes out.",
            (lambda stored: load_weights(stored, renamed=()),),
        ),
        Mistake(
            "Only the first replacement is made: after one pair that fits, go on with the others.",
            (lambda stored: {first_only(name): table for name, table in stored.items() if not name.startswith("cls.")},),
        ),
        Mistake("The names are as they were: this is `stored`.", (lambda stored: dict(stored),)),
    ),
    errors={"changed size during iteration": "Do not change `stored` while you go through it: make a new dict."},
)


def first_only(name):
    """A name in which only the first pair that fits is replaced."""
    name = name.removeprefix("bert.")
    return next((name.replace(theirs, ours) for theirs, ours in RENAMED if theirs in name), name)


# --- the encoder --------------------------------------------------------------------------------------------------------


def encoder(input_ids, attention_mask, weights, *, masked=True, most=99, same=False, embedded=True):
    """BERT without its ends; with a part done otherwise, what an answer with that mistake gives."""
    hidden = embed(input_ids, torch.zeros_like(input_ids), part(weights, "embeddings."))
    count = sum(name.startswith("layers.") and name.endswith(".expand.weight") for name in weights)
    for number in range(min(count, most)):
        prefix = f"layers.{0 if same else number}."
        hidden = layer(hidden, part(weights, prefix), padding_mask(attention_mask) if masked else None)
    return hidden


def encoder_weights(seed, count, size=8):
    """Random parameters of a small BERT of so many layers, calm enough that no layer drowns what the ones before found."""
    weights = {f"embeddings.{name}": table for name, table in embedding_weights(seed, 9, 8, size).items()}
    for number in range(count):
        weights |= {f"layers.{number}.{name}": table for name, table in layer_weights(seed + 10 + number, size, 6, 2).items()}
    calm = {name: 1 + 0.1 * table for name, table in weights.items() if name.endswith("norm.weight")}
    calm |= {name: 0.3 * table for name, table in weights.items() if name.endswith(("expand.weight", "contract.weight"))}
    return {name: table for name, table in weights.items() if not name.endswith("num_heads")} | calm | {"num_heads": 2}


def encoder_cases(seed):
    """A text and two layers; two texts with fillers and three; eleven, so that layers.1 is the beginning of layers.10."""
    ids, mask = drawn_ids(seed, 2, 5), torch.tensor([[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]])
    return [
        Case(
            {"input_ids": torch.tensor([[2, 7, 3]]), "attention_mask": mask[:1, :3], "weights": encoder_weights(7, 2)},
            shown=True,
        ),
        Case({"input_ids": ids, "attention_mask": mask, "weights": encoder_weights(seed, 3)}),
        Case({"input_ids": ids, "attention_mask": mask, "weights": encoder_weights(seed + 1, 11)}),
    ]


def encoded(**parts):
    """A formula of the encoder with a part done otherwise."""
    return lambda input_ids, attention_mask, weights: encoder(input_ids, attention_mask, weights, **parts)


ENCODER = Exercise(
    function="encoder",
    cases=encoder_cases,
    right=encoder,
    mistakes=(
        Mistake("These are the embeddings; no layer has worked on them.", (encoded(most=0),)),
        Mistake("Only the first layer is run.", (encoded(most=1),)),
        Mistake(
            "Every layer has the parameters of layer 0. Each has its own: `layers.0.`, `layers.1.`, ...", (encoded(same=True),)
        ),
        Mistake("Two layers are run, however many there are. Go on as long as there are names.", (encoded(most=2),)),
        Mistake(
            "It pays no attention to the mask: the fillers are seen. `padding_mask(attention_mask)`.", (encoded(masked=False),)
        ),
        Mistake("Six layers are run, as in mini. How many there are shows in the names.", (encoded(most=6),)),
        Mistake(
            "Only the vector of [CLS] comes back. Return those of all positions.",
            (lambda input_ids, attention_mask, weights: encoder(input_ids, attention_mask, weights)[:, 0],),
        ),
    ),
    errors=ERRORS,
)

EXERCISES = {
    "word_pieces": WORD_PIECES,
    "layer_norm": LAYER_NORM,
    "embed": EMBED,
    "feed_forward": FEED_FORWARD,
    "layer": LAYER,
    "load_weights": LOAD_WEIGHTS,
    "encoder": ENCODER,
}


@torch.inference_mode()
def with_mini(load_weights, encoder):
    """Let functions of the learner's read two texts with mini's parameters; say how far they are from the library's encoder."""
    from bertnotes.checkpoint import read_checkpoint
    from bertnotes.encoder import BertEncoder
    from bertnotes.models import load_tokenizer

    stored = {name: table.float() for name, table in read_checkpoint()[1].items()}
    batch = load_tokenizer()(["The cast saved a thin plot.", "A gem."], padding=True, return_tensors="pt")
    mine = encoder(batch["input_ids"], batch["attention_mask"], load_weights(stored) | {"num_heads": 12})
    theirs = BertEncoder.from_pretrained()(**batch).last_hidden_state
    real = batch["attention_mask"].bool()  # no one reads what stands at the fillers
    print(f"largest difference to the library's encoder: {(mine - theirs)[real].abs().max():.4f}")
