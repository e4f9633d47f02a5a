"""Exercises on who may see whom: masks, best possible scores, finished texts, and a leak found by swapping words."""

import torch
from torch import Tensor

from bertnotes.exercises.judging import Case, Exercise, Mistake, Number


def looks(name: str, length: int) -> Tensor:
    """A mask (length, length): back, all but the next, a window of one, or drawn by a number, each with its diagonal."""
    rows, columns = torch.arange(length)[:, None], torch.arange(length)
    if name == "drawn":
        return (torch.rand(length, length, generator=torch.Generator().manual_seed(length)) < 0.25) | (rows == columns)
    return {"back": columns <= rows, "next": columns != rows + 1, "window": (rows - columns).abs() <= 1}[name]


def chain(length: int) -> Tensor:
    """Each position may look at itself and at the one before it."""
    rows, columns = torch.arange(length)[:, None], torch.arange(length)
    return (columns == rows) | (columns == rows - 1)


# --- finished texts ---------------------------------------------------------------------------------------------------


def of_sums(texts: Tensor) -> Tensor:
    """A text is the more probable, the nearer the sum of its ids is to 20."""
    return -(texts.sum(dim=1) - 20).abs().float()


def of_neighbours(texts: Tensor) -> Tensor:
    """A text is the more probable, the nearer each id is to twice the one before it, counted round from 11 to 0."""
    steps = (texts[:, 1:] - 2 * texts[:, :-1]) % 12
    return -(steps + 0.01 * texts[:, 1:]).float().sum(dim=1)


def finish(log_probability, texts: Tensor, at: int, words: list[int]) -> Tensor:
    """Of the ids in words the one that makes each text most probable at a position."""
    return torch.tensor(words)[tries(log_probability, texts, at, words).argmax(dim=0)]


def tries(log_probability, texts: Tensor, at: int, words: list[int]) -> Tensor:
    """The logarithm of the probability of each text with each of the words: (word, batch)."""
    return torch.stack([log_probability(texts.index_fill(1, torch.tensor([at]), word)) for word in words])


def finish_cases(seed):
    """Two texts to follow by hand, and drawn ones."""
    drawn = torch.randint(12, (6, 7), generator=torch.Generator().manual_seed(seed))
    small = torch.tensor([[1, 0, 3], [9, 0, 9]])
    return [
        Case({"log_probability": of_sums, "texts": small, "at": 1, "words": [2, 5, 16]}, shown=True),
        Case({"log_probability": of_neighbours, "texts": drawn, "at": 3, "words": [8, 1, 4, 11]}),
        Case({"log_probability": of_neighbours, "texts": drawn, "at": 0, "words": [3, 2, 10]}),
    ]


FINISH = Exercise(
    function="",
    cases=finish_cases,
    right=finish,
    mistakes=(
        Mistake(
            "You return which of the words tried is best, 0, 1, ... Its id is asked for: `torch.tensor(words)[...]`.",
            (lambda log_probability, texts, at, words: tries(log_probability, texts, at, words).argmax(dim=0),),
        ),
        Mistake(
            "You keep the *least* probable text. A logarithm nearer to 0 is the larger one: `argmax`.",
            (
                lambda log_probability, texts, at, words: torch.tensor(words)[
                    tries(log_probability, texts, at, words).argmin(dim=0)
                ],
            ),
        ),
        Mistake(
            "You return how probable the best text is. Asked for is the id that was filled in.",
            (lambda log_probability, texts, at, words: tries(log_probability, texts, at, words).max(dim=0).values,),
        ),
        Mistake(
            "You choose one word for all texts. Each text has its own: `.argmax(dim=0)`, over the words tried.",
            (
                lambda log_probability, texts, at, words: torch.tensor(words)[
                    tries(log_probability, texts, at, words).sum(dim=1).argmax()
                ],
                lambda log_probability, texts, at, words: torch.tensor(words)[
                    tries(log_probability, texts, at, words).sum(dim=1).argmax()
                ].expand(len(texts)),
            ),
        ),
        Mistake(
            "You look for the best text of the batch, for each word. Look for the best word, for each text: `dim=0` of (words, "
            "batch).",
            (lambda log_probability, texts, at, words: tries(log_probability, texts, at, words).argmax(dim=1),),
        ),
        Mistake(
            "You return whole texts. Asked for is the id at the position alone, one for each text.",
            (
                lambda log_probability, texts, at, words: torch.where(
                    torch.arange(texts.shape[1]) == at, finish(log_probability, texts, at, words)[:, None], texts
                ),
            ),
        ),
    ),
    errors={
        "unexpected keyword": "`log_probability` takes the texts and nothing else.",
        "positional argument": "`log_probability` takes the texts and nothing else.",
        "only integer tensors": "`words` is a list. To take several of its numbers at once: `torch.tensor(words)[...]`.",
        "list indices must be": "`words` is a list. To take several of its numbers at once: `torch.tensor(words)[...]`.",
    },
)

# --- through layers ---------------------------------------------------------------------------------------------------


def reach(mask: Tensor, layers: int) -> Tensor:
    """Where there is a way from the column to the row in so many hops."""
    reached = mask
    for _ in range(layers - 1):
        reached = mask.float() @ reached.float() > 0
    return reached


def reach_cases(seed):
    """The leak, the causal mask, a chain, and a drawn mask."""
    return [
        Case({"mask": looks("next", 4), "layers": 2}, shown=True),
        Case({"mask": chain(5), "layers": 2}, shown=True),
        Case({"mask": chain(5), "layers": 1}, shown=True),
        Case({"mask": looks("back", 5), "layers": 3}, shown=True),
        Case({"mask": chain(8 + seed % 3), "layers": 4}),
        Case({"mask": looks("drawn", 9 + seed % 4), "layers": 2}),
    ]


def ways(mask: Tensor, layers: int) -> Tensor:
    """How many ways there are."""
    return torch.linalg.matrix_power(mask.float(), layers)


ONE_HOP = "This is the mask: who sees whom after *one* layer. Each further layer goes one hop further."
REACH = Exercise(
    function="",
    cases=reach_cases,
    right=reach,
    mistakes=(
        Mistake(ONE_HOP, (lambda mask, layers: mask,)),
        Mistake(
            "You multiply number by number, which gives the mask again. A product of matrices, `@`, sums over the positions "
            "between.",
            (lambda mask, layers: mask.float() ** layers, lambda mask, layers: (mask * mask).float()),
        ),
        Mistake(
            "That is one hop too many: after one layer it is the mask itself, so multiply `layers - 1` times.",
            (lambda mask, layers: reach(mask, layers + 1),),
        ),
        Mistake(
            "That is two hops, whatever `layers` says: repeat the product in a loop.", (lambda mask, layers: reach(mask, 2),)
        ),
        Mistake(
            "It is turned round: a row is the position that looks, a column the one that is seen.",
            (lambda mask, layers: reach(mask, layers).T,),
        ),
        Mistake(
            "These are numbers, how many ways there are. True and False are expected: `> 0`.",
            (ways, lambda mask, layers: reach(mask, layers).float(), lambda mask, layers: reach(mask, layers).long()),
        ),
        Mistake(
            "You ask for exactly one way. Several are as good: `> 0`.",
            (lambda mask, layers: ways(mask, layers) == 1,),
        ),
    ),
    errors={
        "not implemented for 'Bool'": "Truth values cannot be multiplied as matrices: make numbers of them, `mask.float()`.",
        "same dtype": "Make numbers of both sides: `.float()`.",
    },
)

# --- by swapping words ------------------------------------------------------------------------------------------------


def sums_back(ids: Tensor) -> Tensor:
    """Each output is the sum of the ids up to there."""
    return ids.cumsum(dim=0)[:, None].float()


def mirror(ids: Tensor) -> Tensor:
    """Each output has the word itself, and a thousandth of the word as far from the other end."""
    return torch.stack([ids.float(), 0.001 * ids.flip(0)], dim=1)


def two_back(ids: Tensor) -> Tensor:
    """Each output has the word and the one two before it, and of the one before only whether it is word 0 or 1, or another."""
    padded = torch.cat([ids.new_zeros(2), ids])
    return torch.stack([padded[2:], (padded[1:-1] > 1).long(), padded[:-2]], dim=1).float()


def neighbours_only(ids: Tensor) -> Tensor:
    """Each output has the word after it (after the last, the first), never the word itself; its numbers always sum to 0."""
    following = ids.roll(-1).float()
    return torch.stack([following, -following], dim=1)


def sees(read, ids: Tensor, count: int) -> Tensor:
    """Where some other word at the column's position changes the row's output."""
    return swaps(read, ids, range(count)).any(dim=0)


def swaps(read, ids: Tensor, words) -> Tensor:
    """For each of the words: where it changes the row's output, put at the column's position. (word, position, position)."""
    return torch.stack([(moves(read, ids, word) != 0).any(dim=-1) for word in words])


def moves(read, ids: Tensor, word: int) -> Tensor:
    """By how much a word at the column's position changes each number of the row's output: (position, position, size)."""
    swapped = [ids.index_fill(0, torch.tensor([column]), word) for column in range(len(ids))]
    return torch.stack([read(one) - read(ids) for one in swapped], dim=1)


def sees_cases(seed):
    """Back only, a small dependence, one that most swaps do not show, and one that cancels in a sum."""
    ids = torch.randint(2, 6, (7,), generator=torch.Generator().manual_seed(seed))
    return [
        Case({"read": sums_back, "ids": torch.tensor([2, 0, 1]), "count": 3}, shown=True),
        Case({"read": mirror, "ids": ids[:5], "count": 6}),
        Case({"read": two_back, "ids": ids, "count": 6}),
        Case({"read": neighbours_only, "ids": ids[:5], "count": 6}),
    ]


def lower(read, ids: Tensor, count: int) -> Tensor:
    """The causal mask, whatever the reader does."""
    return torch.ones(len(ids), len(ids), dtype=torch.bool).tril()


SEES = Exercise(
    function="",
    cases=sees_cases,
    right=sees,
    mistakes=(
        Mistake("This is the causal mask, whatever `read` does. Ask `read`: change its input, a word at a time.", (lower,)),
        Mistake(
            "It is turned round: the row is the output, the column the position whose word you swap.",
            (lambda read, ids, count: sees(read, ids, count).T,),
        ),
        Mistake(
            "It is inverted: True where *no* swap changes the output. True is to mean that the row sees the column.",
            (lambda read, ids, count: ~sees(read, ids, count),),
        ),
        Mistake(
            "You leave the diagonal out. Where a word's output depends on the word itself, it is True as well.",
            (lambda read, ids, count: sees(read, ids, count) & ~torch.eye(len(ids), dtype=torch.bool),),
        ),
        Mistake(
            "You ask for a large change. However little an output changes, it sees the word: `!=`, with no threshold.",
            (
                lambda read, ids, count: (
                    torch.stack([moves(read, ids, word) for word in range(count)]).abs().amax(dim=(0, -1)) > 0.05
                ),
                lambda read, ids, count: (
                    torch.stack([moves(read, ids, word) for word in range(count)]).abs().amax(dim=(0, -1)) > 0.01
                ),
            ),
        ),
        Mistake(
            "You try one word. In some places it may be the word that is there, or one that changes nothing: try all of them.",
            (
                lambda read, ids, count: swaps(read, ids, [0])[0],
                lambda read, ids, count: swaps(read, ids, [1])[0],
                lambda read, ids, count: swaps(read, ids, [count - 1])[0],
            ),
        ),
        Mistake(
            "You ask that *every* word changes the output. One is enough: join the answers with `|`, or `.any(dim=0)`.",
            (lambda read, ids, count: swaps(read, ids, range(count)).all(dim=0),),
        ),
        Mistake(
            "Numbers of an output that change in different directions cancel in your sum. Ask whether *any* of them changed.",
            (
                lambda read, ids, count: (
                    torch.stack([moves(read, ids, word).sum(dim=-1) for word in range(count)]).ne(0).any(dim=0)
                ),
            ),
        ),
        Mistake(
            "These are numbers, not yes or no: return True and False.",
            (
                lambda read, ids, count: sees(read, ids, count).float(),
                lambda read, ids, count: sees(read, ids, count).long(),
                lambda read, ids, count: swaps(read, ids, range(count)).sum(dim=0),
            ),
        ),
    ),
    errors={
        "require grad": "Ids are whole numbers: there is no derivative by them. Swap words instead.",
        "unexpected keyword": "`read` takes the ids and nothing else.",
        "positional argument": "`read` takes the ids and nothing else.",
    },
)

# --- a leak -----------------------------------------------------------------------------------------------------------


def leaks(table: Tensor) -> Tensor:
    """Whether a cell one right of the diagonal is above 0."""
    return table.diagonal(1) > 0


def leaks_cases(seed):
    """An honest table, a leaky one, a half leaky one."""
    values = torch.rand(7, 7, generator=torch.Generator().manual_seed(seed)) + 0.1
    holes = torch.rand(7, 7, generator=torch.Generator().manual_seed(seed + 500)) < 0.5
    holes.diagonal(1)[:4] = torch.tensor([True, False, False, False])
    holes.diagonal(-1)[:2] = torch.tensor([False, True])
    values.diagonal(1)[1:4] *= torch.tensor([1e-1, 1e-3, 1e-9])
    some = torch.tensor([[0.9, 0.002, 0.0], [0.2, 0.8, 0.0], [0.0, 0.1, 0.7]])
    return [
        Case({"table": some}, shown=True),
        Case({"table": torch.tensor([[1.0, 0.0, 0.3], [0.5, 1.0, 0.0], [0.1, 0.2, 1.0]])}, shown=True),
        Case({"table": values.masked_fill(holes, 0.0)}),
    ]


LEAKS = Exercise(
    function="",
    cases=leaks_cases,
    right=leaks,
    mistakes=(
        Mistake(
            "You ask for a large dependence. A tiny one is a leak, too: only 0 is none.",
            (
                lambda table: table.diagonal(1) > 0.05,
                lambda table: table.diagonal(1) > 0.01,
                lambda table: table.diagonal(1) > 0.1,
                lambda table: table.diagonal(1) > 0.5,
                lambda table: table.diagonal(1) > 1e-6,
            ),
        ),
        Mistake(
            "That is one *left* of the diagonal: the word before, which may be seen. Row i, column i + 1: `diagonal(1)`.",
            (lambda table: table.diagonal(-1) > 0,),
        ),
        Mistake(
            "That is the diagonal: each position sees itself, and may. The word that it has to name stands one to the right, "
            "`diagonal(1)`.",
            (lambda table: table.diagonal() > 0, lambda table: table.diagonal()[:-1] > 0),
        ),
        Mistake(
            "It is inverted: a dependence of 0 is *no* leak. Ask where it is above 0.",
            (lambda table: table.diagonal(1) == 0,),
        ),
        Mistake(
            "These are the numbers of the right cells. True and False are expected: `> 0`.", (lambda table: table.diagonal(1),)
        ),
        Mistake(
            "You look at everything right of the diagonal. Only the next word, column i + 1, has to be named here.",
            (lambda table: (table.triu(1) > 0).any(dim=1)[:-1], lambda table: (table.triu(1) > 0).any(dim=1)),
        ),
        Mistake(
            "This is one answer for the whole reader. Say it for each position but the last.",
            (lambda table: (table.diagonal(1) > 0).any(), lambda table: (table.diagonal(1) > 0).sum()),
        ),
    ),
)

# --- numbers ----------------------------------------------------------------------------------------------------------

WHOSE_MASK = Number(
    right=4231,
    tolerance=0.1,
    mistakes={
        4132: "You have taken B and D for each other. A row is the word that looks: in D the first sees only itself.",
        3241: "You have taken A and C for each other: in A one cell a row is missing.",
        3142: "A and C are swapped, and so are B and D. Look at the first row of each: it is what the first word may see.",
        1234: "That is the example of how to write it. Look at the first row of each picture: what may the first word see?",
        1324: "These are the letters in the order of the readers, it seems. The first digit is for A: who looks like that?",
        2431: "A is not the one that looks forward: its rows have dark cells on both sides.",
        4213: "C and D are swapped: BERT has every cell.",
    },
)
BEST_POSSIBLE = Number(
    right=10 / 12,
    tolerance=0.006,
    mistakes={
        8 / 12: "That is the best from the left alone (or from *cats ___ mice* alone). Here both sides are seen.",
        1.0: "In *cats ___ mice* there are two verbs, so nobody can be right each time.",
        4 / 5: "You counted sentences. Each counts as often as it is written.",
        10.0: "That many are right. The share of all 12 is asked for.",
        0.75: "That is three contexts of four. Count how often each sentence is written.",
        100 * 10 / 12: "As a percentage that is right. A share lies between 0 and 1.",
        2 / 12: "That is the share that must be wrong.",
    },
)
HIDDEN_TOO = Number(
    right=0.64 + 0.32 * 0.75 + 0.04 * 5 / 8,
    tolerance=0.0006,
    mistakes={
        0.64: "That is how often both verbs are in view. With one of them, or none, some links are named as well.",
        0.64 + 0.16 * 0.75 + 0.04 * 5 / 8: "One verb in view: it can be the first or the second, so $2 \\cdot 0.8 \\cdot 0.2$.",
        0.64 + 0.32 * 0.75: "With no verb in view *and* is still named correctly, 5 times in 8.",
        0.8 + 0.2 * 0.75: "There are two verbs, and each is hidden by itself: both, one or none is in view.",
        0.64 * 0.2: "That is how often the link is hidden and both verbs are in view. Suppose that the link is hidden.",
        0.2 * (0.64 + 0.32 * 0.75 + 0.04 * 5 / 8): "You multiply by the chance that the link is hidden. Suppose that it is.",
        0.96: "That is how often at least one verb is in view. With one the link is named only 3 times in 4.",
        0.9: "You rounded to fewer than three digits after the point, or left something out.",
        0.91: "You rounded: three digits after the point are asked for.",
        90.5: "As a percentage that is right. A share lies between 0 and 1.",
    },
)

EXERCISES = {
    "whose_mask": WHOSE_MASK,
    "best_possible": BEST_POSSIBLE,
    "hidden_too": HIDDEN_TOO,
    "finish": FINISH,
    "reach": REACH,
    "sees": SEES,
    "leaks": LEAKS,
}
