"""Things to drag: small pages in which numbers are changed and attention is worked out anew, for a notebook and as one file.

Like the views, each is a page of its own in a sandboxed frame over a picture: no kernel, no network, and where no script may
run the picture is what a reader sees. Their scripts lie in toys/; `toy.html` and `toy.js` are what they share.
"""

import html
import io
import json
from functools import lru_cache
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

from bertnotes.attention import scaled_dot_product_attention
from bertnotes.pictures.attention import attention_heatmap, vector_arrows, weight_bars
from bertnotes.pictures.drawings.page01 import Chase
from bertnotes.pictures.drawings.page02 import Steps
from bertnotes.pictures.drawings.page04 import LEAK_WORDS
from bertnotes.pictures.drawings.page05 import GROWING
from bertnotes.pictures.drawings.page06 import LINE, PIECES
from bertnotes.pictures.drawings.page09 import wilson
from bertnotes.pictures.drawings.page14 import RIGHT, SURE
from bertnotes.pictures.style import DARK, INK, KEY, LIGHT, QUERY, matrix, small_png, vector
from bertnotes.pictures.view import View, script_json

TOYS = Path(__file__).with_name("toys")
MOST_WORDS = 6  # more do not fit a phone
RULES = ("all but the next", "only back", "hidden in the text")
SIZES = [2**power for power in range(1, 11)]
REACH = (
    100  # of the axis of dot products, the same for all, so that they compare; what lies beyond, 1 in 500 at most, is left out
)


def play(name: str, **given) -> View:
    """A thing to drag, by its name, with numbers of your own or those of *cats chase mice*.

    query_and_keys: words, query (2,), keys (word, 2), values (word, 2): drag the query and the keys.
    temperature: words, scores (word,), temperature: what softmax gives at any temperature.
    scaling: nothing: dot products of 2 to 1,024 random numbers, divided by the root and not.
    mask: words, scores (word, word), already divided, values (word, 2), mask (word, word) of bool, True = may look.
    learning_rate: rate: gradient descent on the loss of one number, by steps, at any learning rate.
    heads: size, words: strips of so many numbers for 1 to `size` heads, with their weights for a sentence of so many words.
    leak: words, target, rule: how a word to be named comes to the position that names it, layer by layer. target: its position;
    rule: "all but the next", "only back" or "hidden in the text".
    pieces: pieces, letters, word: a word that is read with a growing list of pieces. pieces: in the order in which they were
    made; letters: how many of them stand at the beginning, the single letters.
    masking: rate: which words of a sentence are chosen and hidden, at any rate, with new random numbers on demand.
    sight: before, after: mini's five best guesses for a gap, by how many words on each side of it may be seen.
    sink: factor: mini's five best guesses for a gap, where the value of [CLS] is multiplied by a factor, 0 to 2, in all heads.
    apart: count, shares: the intervals of two accuracies on so many reviews each, and that of their difference.
    calibration: temperature: how sure mini was on validation reviews and how often right, logits divided by a temperature.
    luck: heads, cases: how often the best of so many coins is right in so many throws, and the average one.
    padding: lengths, size, most: how much of all batches is padding, by reviews in a batch, cut, and whether like meets like.
    cover: covered: how positive a sentence is for mini-imdb, whichever of its words are covered. covered: the first of them.
    threshold: confidence (answer,), right (answer,), at: which answers of a classifier are given, and which go to a person.
    budget: model, size, length: the memory of a training step by texts in a batch and tokens in a text, as page 13 counts it.
    Raises ValueError at a name that there is not, and where numbers and words do not fit.
    """
    if name not in MAKERS:
        raise ValueError(f"there is no {name!r} to play with; there are {', '.join(MAKERS)}")
    title, height, make = MAKERS[name]
    data, draw, alt = make(**given)
    return View(page(name, title, data), picture(draw), height, f"{title}: {alt}")


def page(name: str, title: str, data: dict) -> str:
    """The page of a toy, with its style, its script and its data inside. Whatever a word holds, it stays text."""
    script = "\n".join((TOYS / part).read_text(encoding="utf-8") for part in ("toy.js", f"{name}.js"))
    parts = {
        "__TITLE__": html.escape(title),
        "__LIGHT__": colours(LIGHT),
        "__DARK__": colours(DARK),
        "__STYLE__": (TOYS / f"{name}.css").read_text(encoding="utf-8"),
        "__SCRIPT__": script,
        "__DATA__": script_json(data),  # last: what it holds is not looked through
    }
    text = (TOYS / "toy.html").read_text(encoding="utf-8")
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text


def colours(palette: dict) -> str:
    """A palette as variables of CSS."""
    return " ".join(f"--{name}: {color};" for name, color in palette.items())


def picture(draw) -> bytes:
    """What a function draws, as a PNG."""
    draw()
    buffer = io.BytesIO()
    plt.savefig(buffer, format="png", dpi=80)
    plt.close()
    return small_png(buffer.getvalue())


def named(words) -> list[str]:
    """The words as texts. Raises ValueError where there are too few or too many."""
    words = [str(word) for word in words]
    if not 1 <= len(words) <= MOST_WORDS:
        raise ValueError(f"there is room for 1 to {MOST_WORDS} words; got {len(words)}")
    return words


def table(values, rows: int, columns: int, what: str) -> list[list[float]]:
    """Numbers (rows, columns) as lists. Raises ValueError where they are of another shape or not finite."""
    values = matrix(values)
    if values.shape != (rows, columns) or not np.isfinite(values).all():
        raise ValueError(f"{what} must be finite numbers ({rows}, {columns}); got shape {values.shape}")
    return values.tolist()


def _query_and_keys(words=Chase.words, query=Chase.Q[Chase.looks], keys=Chase.K, values=Chase.V):
    words = named(words)
    data = {"words": words, "query": vector(query, ("across", "up")).tolist()}
    data |= {"keys": table(keys, len(words), 2, "keys"), "values": table(values, len(words), 2, "values")}
    reach = max(3, float(np.ceil(np.abs([data["query"], *data["keys"]]).max() + 0.5)))
    _, weights = scaled_dot_product_attention(*(torch.tensor(x) for x in ([data["query"]], data["keys"], data["values"])))

    def draw():
        _, axes = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
        vector_arrows(data["keys"], words, color=KEY, ax=axes[0])
        vector_arrows(
            [data["query"]], ["query"], color=QUERY, ax=axes[0], title="the query (blue) and the keys (orange)", wide=True
        )
        weight_bars(weights[0], words, ax=axes[1], title="weights")

    return data | {"reach": reach}, draw, f"a query, the keys of {', '.join(words)}, and the weights that they get"


def _temperature(words=Chase.words, scores=Chase.scores[Chase.looks], temperature=2**0.5):
    words = named(words)
    data = {"words": words, "scores": vector(scores, words).tolist(), "temperature": float(temperature)}
    if not 0.05 <= data["temperature"] <= 50:
        raise ValueError(f"the slider goes from a temperature of 0.05 to 50; got {temperature}")

    def draw():
        _, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
        for ax, t in zip(axes, (0.2, data["temperature"], 20), strict=True):
            weight_bars((torch.tensor(data["scores"]) / t).softmax(dim=0), words, ax=ax, title=f"T = {t:.2f}")

    return data, draw, f"the weights of {', '.join(words)}, cold, as they are, and hot"


def _scaling():
    data = {"sizes": SIZES, "samples": random_dot_products(), "reach": REACH, "start": 5}

    def draw():
        sample, root = data["samples"][data["start"]], SIZES[data["start"]] ** 0.5
        _, axes = plt.subplots(1, 2, figsize=(11, 3.2), layout="constrained")
        for ax, scale, name in zip(axes, (1, root), ("not divided", "divided by the root"), strict=True):
            weights = (torch.tensor(sample["example"]) / scale).softmax(dim=0)
            weight_bars(weights, [str(key) for key in range(1, 9)], ax=ax, title=f"weights of 8 words, d = 64, {name}")

    return data, draw, "dot products of longer and longer vectors, and the weights of 8 words, divided by the root and not"


@lru_cache
def random_dot_products(queries: int = 2000, keys: int = 8) -> list[dict]:
    """For each size: 8 scores of a query whose largest weights are near the average, how often each dot product comes, its
    typical size, the largest weight on average; plain and divided by the root. In double precision and rounded, so that it is
    the same on every machine."""
    rng = np.random.default_rng(0)
    products = rng.standard_normal((queries, 1, SIZES[-1])) * rng.standard_normal((queries, keys, SIZES[-1]))
    plain = torch.tensor(np.stack([products[..., :size].sum(axis=-1) for size in SIZES]))  # (size, query, key)
    both = torch.stack(
        [plain, plain / torch.tensor(SIZES).sqrt()[:, None, None]], dim=1
    )  # (size, plain or divided, query, key)
    largest = both.softmax(dim=-1).amax(dim=-1)
    far = (largest - largest.mean(dim=-1, keepdim=True)).abs().amax(dim=(0, 1))
    edges = np.linspace(-REACH, REACH, 62)
    return [
        {
            "example": plain[at, far.argmin()].numpy().round(3).tolist(),
            "counts": np.histogram(both[at, 0], edges)[0].tolist(),
            "divided": np.histogram(both[at, 1], edges)[0].tolist(),
            "typical": [round(float(each.std()), 2) for each in both[at]],
            "largest": [round(float(each.mean()), 3) for each in largest[at]],
        }
        for at in range(len(SIZES))
    ]


def _mask(words=Chase.words, scores=Chase.scaled, values=Chase.V, mask=None):
    words = named(words)
    count = len(words)
    mask = np.ones((count, count), bool) if mask is None else np.asarray(mask)
    if mask.dtype != bool or mask.shape != (count, count):
        raise ValueError(f"the mask must be True and False ({count}, {count}), True = may look; got {mask.dtype} {mask.shape}")
    data = {"words": words, "scores": table(scores, count, count, "scores"), "values": table(values, count, 2, "values")}
    weights = torch.tensor(data["scores"]).masked_fill(~torch.tensor(mask), -torch.inf).softmax(dim=-1).nan_to_num()

    def draw():
        attention_heatmap(weights, words, title="the weights")

    return data | {"mask": mask.tolist()}, draw, f"who of {', '.join(words)} may look at whom, and the weights"


def _learning_rate(rate=Steps.rate):
    data = {"right": Steps.right, "start": Steps.start, "rate": float(rate), "rates": [0.01, 1.2]}
    if not data["rates"][0] <= data["rate"] <= data["rates"][1]:
        raise ValueError(f"the slider goes from a learning rate of 0.01 to 1.2; got {rate}")

    def draw():
        places, (_, ax) = np.linspace(-1, 7, 81), plt.subplots(figsize=(7, 3.4), layout="constrained")
        ax.plot(places, (places - Steps.right) ** 2, color="#8b949e", linewidth=2)
        ax.plot([Steps.start], [(Steps.start - Steps.right) ** 2], "o", color=INK)
        ax.set(xlabel="w", ylabel="loss", title="the loss, and where w starts")

    return data, draw, "the loss over w, a valley with its lowest point at 3, and w, which takes steps from 0"


def _heads(size=24, words=5):
    if not (1 <= size <= 64 and 1 <= words <= 512):
        raise ValueError(f"there is room for 1 to 64 numbers and 1 to 512 words; got {size} and {words}")
    counts = [count for count in range(1, size + 1) if size % count == 0]

    def draw():
        _, axes = plt.subplots(3, 1, figsize=(9, 3.2), layout="constrained")
        shown = [counts[0], counts[len(counts) // 2], counts[-1]]
        for ax, count in zip(axes, shown, strict=True):
            for number in range(size):
                ax.barh(0, 0.9, left=number, color=QUERY, alpha=0.35 + 0.65 * (number * count // size % 2))
            ax.axis("off")
            ax.set_title(f"heads: {count}, numbers each: {size // count}", loc="left", fontsize=12)

    alt = f"a vector of {size} numbers cut into strips, a strip for each head, and what that means for weights and parameters"
    return {"size": size, "words": words, "counts": counts, "start": 0}, draw, alt


def _leak(words=LEAK_WORDS, target=2, rule=RULES[0]):
    words = named(words)
    if rule not in RULES or not 1 <= target < len(words):
        raise ValueError(f"the rule is one of {', '.join(RULES)}, the target 1 to {len(words) - 1}; got {rule!r}, {target}")
    data = {"words": words, "layers": 2, "target": target, "rule": rule}

    def draw():
        rows, columns = np.arange(len(words))[:, None], np.arange(len(words))
        once = (columns != rows + 1).astype(float)
        _, axes = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
        for ax, reached, name in zip(axes, (once, once @ once > 0), ("one layer", "two layers"), strict=True):
            attention_heatmap(reached.astype(float), words, ax=ax, numbers=False, title=f"who has seen whom: {name}")

    return data, draw, f"{', '.join(words)}, two layers over them, and how the word to be named comes to see itself"


def cut(word: str, pieces: set[str]) -> list[str]:
    """A word in pieces: always the longest that fits."""
    found: list[str] = []
    while word:
        mark = "##" if found else ""
        long = next((end for end in range(len(word), 0, -1) if mark + word[:end] in pieces), 0)
        if not long:
            return ["[UNK]"]
        found.append(mark + word[:long])
        word = word[long:]
    return found


def _pieces(pieces=GROWING, letters=22, word="unforgettable"):
    pieces = [str(piece) for piece in pieces]
    if not 1 <= letters < len(pieces) <= 10_000:
        raise ValueError(f"there is room for 10,000 pieces, more than the letters; got {len(pieces)} and {letters} letters")
    sizes = sorted({round(letters * (len(pieces) / letters) ** (step / 24)) for step in range(25)})

    def draw():
        _, ax = plt.subplots(figsize=(10, 2.4), layout="constrained")
        ax.axis("off")
        for row, size in enumerate((sizes[0], sizes[len(sizes) // 2], sizes[-1])):
            told = f"{size:,} pieces:   {'  '.join(cut(str(word), set(pieces[:size])))}"
            ax.text(0, 1 - 0.4 * row, told, fontsize=15, va="center", parse_math=False)

    return {"pieces": pieces, "sizes": sizes, "word": str(word)}, draw, f"{word}, read with a list of pieces that grows"


def _masking(rate=0.15):
    if not 0 <= rate <= 1:
        raise ValueError(f"the rate is a share from 0 to 1, such as 0.15; got {rate}")
    chance, fate = np.random.default_rng(13).random((2, len(LINE))).round(3)
    data = {"words": LINE, "pieces": PIECES, "rate": float(rate), "chance": chance.tolist(), "fate": fate.tolist()}

    def draw():
        _, ax = plt.subplots(figsize=(11, 3.4), layout="constrained")
        ax.bar(range(len(LINE)), chance, color=[KEY if one < rate else "#8b949e" for one in chance])
        ax.axhline(rate, color=KEY)
        ax.set_xticks(range(len(LINE)), LINE, rotation=60)
        ax.set_title("a random number for each token; those below the line are chosen", loc="left")

    return data, draw, "the tokens of a sentence and a random number for each; those below the rate are chosen"


def _sight(before=1, after=0):
    sentences = json.loads((TOYS / "sight.json").read_text(encoding="utf-8"))
    first = sentences[0]
    most = first["gap"], len(first["words"]) - 1 - first["gap"]
    if not (0 <= before <= most[0] and 0 <= after <= most[1]):
        raise ValueError(
            f"of the first sentence 0 to {most[0]} words before and 0 to {most[1]} after may be seen; got {before}, {after}"
        )

    def draw():
        pairs = [first["guesses"][count * (most[1] + 1) + other] for count, other in ((most[0], 0), (1, 1), most)]
        _, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
        for ax, guesses, name in zip(axes, pairs, ("all before", "1 + 1", "all"), strict=True):
            words, percents = zip(*(guess.rsplit(" ", 1) for guess in guesses), strict=True)
            weight_bars([int(percent) / 100 for percent in percents], words, ax=ax, title=name)

    return (
        {"sentences": sentences, "before": before, "after": after},
        draw,
        "a sentence with a gap, and mini's five best guesses for it",
    )


def _sink(factor=1):
    data = json.loads((TOYS / "sink.json").read_text(encoding="utf-8"))
    if factor not in data["factors"]:
        raise ValueError(f"there are guesses for the factors {', '.join(map(str, data['factors']))}; got {factor}")
    first = data["sentences"][0]

    def draw():
        _, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
        told = {"value times 0": 0, "as it is": data["factors"].index(1), "nobody may look": -1}
        for ax, (name, at) in zip(axes, told.items(), strict=True):
            words, percents = zip(*(guess.rsplit(" ", 1) for guess in first["guesses"][at]), strict=True)
            weight_bars([int(percent) / 100 for percent in percents], words, ax=ax, title=name)

    return data | {"at": data["factors"].index(factor)}, draw, "a sentence with a gap, and mini's five best guesses for it"


def _luck(heads=72, cases=16):
    limits = {"heads": [1, 2, 4, 12, 24, 72, 144, 360], "cases": [2, 4, 8, 16, 32, 64]}
    if heads not in limits["heads"] or cases not in limits["cases"]:
        raise ValueError(f"heads is one of {limits['heads']}, cases one of {limits['cases']}; got {heads} and {cases}")
    hits = np.random.default_rng(7).binomial(cases, 0.5, heads).tolist()

    def draw():
        _, ax = plt.subplots(figsize=(10, 3.4), layout="constrained")
        colors = [KEY if one == max(hits) else QUERY for one in range(cases + 1)]
        ax.bar(range(cases + 1), np.bincount(hits, minlength=cases + 1), color=colors)
        ax.set_title(f"{heads} coins, each thrown {cases} times: how many came up heads how often", loc="left")

    return {"heads": heads, "cases": cases, "hits": hits, "limits": limits}, draw, "how often the best of many coins is right"


def _padding(lengths=None, size=16, most=384):
    limits = {"sizes": [1, 2, 4, 8, 16, 32, 64], "mosts": [64, 128, 256, 384]}
    lengths = drawn_lengths() if lengths is None else [int(length) for length in lengths]
    if size not in limits["sizes"] or most not in limits["mosts"] or not 1 <= len(lengths) <= 64 or min(lengths) < 1:
        raise ValueError(f"1 to 64 lengths of at least 1, size and most of {limits}; got {len(lengths)}, {size} and {most}")

    def draw():
        _, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained", sharex=True)
        for ax, name, rows in zip(axes, ("as they come", "like length together"), (lengths, sorted(lengths)), strict=True):
            cut = [min(length, most) for length in rows]
            wide = [max(cut[at - at % size :][:size]) for at in range(len(cut))]
            ax.barh(range(len(cut)), wide, color="#d8d8d8", height=1)
            ax.barh(range(len(cut)), cut, color=QUERY)
            ax.invert_yaxis()
            ax.set_title(f"{name}: {1 - sum(cut) / sum(wide):.0%} is padding", loc="left")

    data = {"lengths": lengths, "size": size, "most": most, "sorted": False} | limits
    return data, draw, "the reviews of each batch, dark what is text and pale what is padding"


def drawn_lengths(count: int = 64) -> list[int]:
    """How many tokens made-up reviews have: most of them few, some many."""
    return np.random.default_rng(3).lognormal(4.6, 0.55, count).clip(30, 384).astype(int).tolist()


BERTS = {"mini": (14_833_538, 6, 384, 12), "BERT-base": (109_483_778, 12, 768, 12), "BERT-large": (335_143_938, 24, 1024, 16)}
WAYS = "attention weights stored", "attention in slices", "each layer computed again"


def activation_bytes(model: str, size: int, length: int) -> list[int]:
    """What a forward pass keeps in each of the three WAYS: vectors of each token, and all attention weights or none."""
    _, layers, hidden, heads = BERTS[model]
    vectors = (18 * layers + 3, 18 * layers + 3, layers + 21)  # the last: one a layer, and all of a single layer
    stored = (12 * layers * heads * length, 0, 0)
    return [size * length * (4 * hidden * count + tables) for count, tables in zip(vectors, stored, strict=True)]


def _budget(model="BERT-base", size=16, length=256):
    limits = {"sizes": [1, 2, 4, 8, 16, 32, 64], "lengths": [64, 128, 256, 512]}
    if model not in BERTS or size not in limits["sizes"] or length not in limits["lengths"]:
        raise ValueError(f"model is one of {list(BERTS)}, size and length of {limits}; got {model!r}, {size} and {length}")
    fixed = 16 * BERTS[model][0] / 1e9

    def draw():
        _, ax = plt.subplots(figsize=(10, 3.4), layout="constrained")
        ax.barh(WAYS, [fixed] * 3, color=KEY, label="weights, gradients, AdamW")
        kept = [held / 1e9 for held in activation_bytes(model, size, length)]
        ax.barh(WAYS, kept, left=fixed, color=QUERY, label="activations")
        ax.axvline(16, color=INK, ls="--")
        ax.invert_yaxis()
        ax.legend(fontsize=12)
        ax.set_title(f"{model}, {size} texts of {length} tokens: GB of a step; dashed: a T4", loc="left")

    chosen = {"model": model, "size": size, "length": length, "way": 1, "lora": False}
    data = chosen | limits | {"models": BERTS, "ways": WAYS, "room": 16e9}
    return data, draw, "the memory of a training step, against that of a T4"


def _apart(count=8_000, shares=(0.92, 0.91)):
    counts = [100, 200, 500, 1_000, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000, 15_000, 25_000, 50_000, 100_000]
    if count not in counts or len(shares) != 2 or not all(0.5 <= share <= 0.99 for share in shares):
        raise ValueError(f"two shares from 0.5 to 0.99, count one of {counts}; got {shares} and {count}")

    def draw():
        _, ax = plt.subplots(figsize=(10, 2.6), layout="constrained")
        for row, share in enumerate(shares):
            low, high = wilson(share, count)
            ax.errorbar([share], [row], xerr=[[share - low], [high - share]], fmt="o", color=(QUERY, KEY)[row], capsize=6)
        ax.set_yticks([0, 1], ["A", "B"], fontsize=16)
        ax.set(ylim=(1.6, -0.6), title=f"two accuracies with their intervals, {count:,} reviews each")

    data = {"counts": counts, "count": count, "shares": list(shares)}
    return data, draw, "two accuracies with their intervals, and the interval of their difference"


def _calibration(temperature=1):
    data = json.loads((TOYS / "calibration.json").read_text(encoding="utf-8"))
    if not 0.5 <= temperature <= 3:
        raise ValueError(f"the slider goes from a temperature of 0.5 to 3; got {temperature}")
    odds, count, right = (np.array(data[name]) for name in ("odds", "count", "right"))

    def draw():
        _, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
        for ax, at in zip(axes, (1, 1.5), strict=True):
            sure = 1 / (1 + np.exp(-odds / at))
            bins = [np.minimum((10 * sure).astype(int), 9) == number for number in range(5, 10)]
            means = [[(count * sure)[inside].sum(), right[inside].sum()] / count[inside].sum() for inside in bins]
            ax.plot([0.5, 1], [0.5, 1], color="#8b949e")
            ax.plot(*np.transpose(means), color=QUERY, marker="o")
            ax.set(title=f"temperature {at}", xlabel="how sure", ylabel="share right")

    return (
        data | {"temperature": float(temperature)},
        draw,
        "how often answers are right by how sure they are, at two temperatures",
    )


def _cover(covered=()):
    sentences = json.loads((TOYS / "cover.json").read_text(encoding="utf-8"))
    words, percents = sentences[0]["words"], sentences[0]["percents"]
    if not set(covered) <= set(range(len(words))):
        raise ValueError(f"covered are positions of words, 0 to {len(words) - 1}; got {covered}")

    def draw():
        _, ax = plt.subplots(figsize=(10, 4.4), layout="constrained")
        sets = {"nothing": 0} | {f"{word} ({at + 1})": 1 << at for at, word in enumerate(words)}
        values = [int(percents[2 * one : 2 * one + 2]) for one in sets.values()]
        ax.barh(list(sets), values, color=[QUERY if value >= 50 else KEY for value in values])
        ax.invert_yaxis()
        ax.set_title("how positive, in percent, with one word covered", loc="left")

    at = sum(1 << one for one in set(covered))
    return {"sentences": sentences, "at": at}, draw, f"{' '.join(words)}, and how positive it is with any of its words covered"


def _threshold(confidence=SURE, right=RIGHT, at=0.5):
    sure, hits = vector(confidence, range(len(right))), [int(bool(one)) for one in right]
    if not (len(hits) and sure.min() >= 0 and sure.max() <= 1 and 0 <= at < 1):
        raise ValueError(f"confidences and the threshold go from 0 to 1; got {confidence} and {at}")
    data = {"confidence": [int(100 * one + 1e-9) for one in sure.tolist()], "right": hits, "at": round(100 * at)}

    def draw():
        _, ax = plt.subplots(figsize=(10, 3.4), layout="constrained")
        groups = [[one for one, good in zip(sure, hits, strict=True) if good == which] for which in (1, 0)]
        ax.hist(groups, bins=20, range=(0, 1), stacked=True, color=[QUERY, KEY], label=["right", "wrong"])
        ax.axvline(at, color=INK, linewidth=3)
        ax.legend(frameon=False)
        ax.set_title("answers by confidence; left of the line they go to a person", loc="left")

    return data, draw, "answers by how sure the model is, right and wrong ones, and a line from which on they are given"


MAKERS = {  # name: title, height in a page, what makes its data, its picture and its alternative text
    "query_and_keys": ("Drag the query and the keys", 545, _query_and_keys),
    "temperature": ("Set the temperature", 410, _temperature),
    "scaling": ("Why divide by the root of d?", 640, _scaling),
    "heads": ("How many heads?", 470, _heads),
    "mask": ("Who may look at whom?", 490, _mask),
    "learning_rate": ("Set the learning rate", 520, _learning_rate),
    "leak": ("How does a word come to see itself?", 620, _leak),
    "pieces": ("Type a word, and let the list of pieces grow", 330, _pieces),
    "masking": ("How many tokens are hidden?", 480, _masking),
    "sight": ("How many words may be seen?", 540, _sight),
    "sink": ("Turn the sink up and down", 560, _sink),
    "apart": ("When are two systems apart?", 520, _apart),
    "calibration": ("Divide the logits by a temperature", 600, _calibration),
    "luck": ("How good is the best of many coins?", 560, _luck),
    "padding": ("How much of a batch is padding?", 560, _padding),
    "budget": ("Does it fit?", 560, _budget),
    "cover": ("Cover words and watch the verdict", 430, _cover),
    "threshold": ("Which answers go to a person?", 490, _threshold),
}
