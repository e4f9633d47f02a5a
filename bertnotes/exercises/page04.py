"""Exercises on who may see whom: masks, the best possible score, two guesses that are joined, and a leak found by gradients."""

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


# --- joining two guesses ----------------------------------------------------------------------------------------------


def join(left: Tensor, right: Tensor, share: Tensor) -> Tensor:
    """In proportion to left times right divided by share; each row sums to 1."""
    product = left * right / share
    return product / product.sum(dim=-1, keepdim=True)


def shares(values: Tensor) -> Tensor:
    """Each row divided by its sum."""
    return values / values.sum(dim=-1, keepdim=True)


def join_cases(seed):
    """The sum of the page, two rows, and drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    left, right, share = (torch.rand(shape, generator=generator) + 0.05 for shape in ((3, 5), (3, 5), (5,)))
    page = [torch.tensor(values) for values in ([[0.25, 0.75]], [[0.25, 0.75]], [0.625, 0.375])]
    two = [torch.tensor(values) for values in ([[0.5, 0.5], [0.9, 0.1]], [[0.2, 0.8], [0.5, 0.5]], [0.8, 0.2])]
    names = ("left", "right", "share")
    return [
        Case(dict(zip(names, page, strict=True)), shown=True),
        Case(dict(zip(names, two, strict=True)), shown=True),
        Case(dict(zip(names, map(shares, (left, right, share)), strict=True))),
    ]


JOIN = Exercise(
    function="join",
    cases=join_cases,
    right=join,
    mistakes=(
        Mistake(
            "You do not divide by `share`. Each guess has the frequency of the word in it, so it is counted twice.",
            (lambda left, right, share: shares(left * right),),
        ),
        Mistake(
            "You multiply by `share`: then the frequency of a word is counted three times. Divide by it.",
            (lambda left, right, share: shares(left * right * share),),
        ),
        Mistake(
            "The products are right, but a row does not sum to 1 yet: divide by `sum(dim=-1, keepdim=True)`.",
            (lambda left, right, share: left * right / share,),
        ),
        Mistake(
            "This is the average of the two guesses. The product is meant: both must find a word likely.",
            (lambda left, right, share: (left + right) / 2, lambda left, right, share: shares((left + right) / share)),
        ),
        Mistake(
            "You divide by the sum over the whole batch. Each row has to sum to 1: `sum(dim=-1, keepdim=True)`.",
            (lambda left, right, share: (left * right / share) / (left * right / share).sum(),),
        ),
        Mistake(
            "You divide by the sum of a column. Each *row* has to sum to 1: `dim=-1`.",
            (lambda left, right, share: (left * right / share) / (left * right / share).sum(dim=0),),
        ),
        Mistake(
            "This is softmax of the products. They are positive already: divide them by their sum.",
            (lambda left, right, share: (left * right / share).softmax(dim=-1),),
        ),
    ),
    errors={"must match the size of tensor": "An axis was lost: `keepdim=True` keeps it with length 1."},
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

# --- by gradients -----------------------------------------------------------------------------------------------------


def average_back(vectors: Tensor) -> Tensor:
    """Each word adds the average of itself and the words before it."""
    return vectors + vectors.cumsum(dim=0) / torch.arange(1, len(vectors) + 1)[:, None]


def mirror(vectors: Tensor) -> Tensor:
    """Each word takes away something of the word as far from the other end."""
    return vectors - vectors.flip(0).tanh()


def two_hops(vectors: Tensor) -> Tensor:
    """Two layers; in each a word adds something of the word before it."""
    for _ in range(2):
        before = torch.cat([torch.zeros_like(vectors[:1]), vectors[:-1]])
        vectors = vectors + before.tanh()
    return vectors


def centred(vectors: Tensor) -> Tensor:
    """Each word, and the word after it (after the last, the first), less the average of its numbers."""
    both = vectors + vectors.roll(-1, dims=0)
    return both - both.mean(dim=-1, keepdim=True)


def derivatives(read, vectors: Tensor) -> Tensor:
    """Each number of the output by each number of the input: (position, size, position, size)."""
    return torch.autograd.functional.jacobian(read, vectors)


def sees(read, vectors: Tensor) -> Tensor:
    """Where some number of the row's output depends on some number of the column's input."""
    return derivatives(read, vectors).abs().sum(dim=(1, 3)) > 0


def sees_cases(seed):
    """Back only, mirror images, two hops, and derivatives that cancel in a sum (exactly, with four numbers a word)."""
    vectors = torch.randn(7, 4, generator=torch.Generator().manual_seed(seed))
    small = torch.tensor([[0.5, -1.0], [1.0, 0.0], [-0.5, 2.0]])
    return [
        Case({"read": average_back, "vectors": small}, shown=True),
        Case({"read": mirror, "vectors": vectors[:5]}),
        Case({"read": two_hops, "vectors": vectors}),
        Case({"read": centred, "vectors": vectors[:5]}),
    ]


def lower(read, vectors: Tensor) -> Tensor:
    """The causal mask, whatever the reader does."""
    return torch.ones(len(vectors), len(vectors), dtype=torch.bool).tril()


SEES = Exercise(
    function="",
    cases=sees_cases,
    right=sees,
    mistakes=(
        Mistake(
            "This is the causal mask, whatever `read` does. Ask `read`: change its input, or take its derivatives.",
            (lower,),
        ),
        Mistake(
            "It is turned round: the row is the output, the column the input. The Jacobian has (output position, size, input "
            "position, size).",
            (lambda read, vectors: sees(read, vectors).T,),
        ),
        Mistake(
            "You say that everyone sees everyone. Is there `> 0` after the sum, and not `>= 0`?",
            (lambda read, vectors: torch.ones_like(lower(read, vectors)),),
        ),
        Mistake(
            "It is inverted: True where there is *no* dependence. Where the sum is above 0, the output sees the input.",
            (lambda read, vectors: ~sees(read, vectors),),
        ),
        Mistake(
            "You leave the diagonal out. Where a word's output depends on the word itself, it is True as well.",
            (lambda read, vectors: sees(read, vectors) & ~torch.eye(len(vectors), dtype=torch.bool),),
        ),
        Mistake(
            "Derivatives of different sign cancel in your sum, of the output's numbers or of the Jacobian's: take `.abs()` of "
            "each derivative first.",
            (
                lambda read, vectors: derivatives(read, vectors).sum(dim=(1, 3)) != 0,
                lambda read, vectors: (derivatives(read, vectors).sum(dim=1) != 0).any(dim=-1),
                lambda read, vectors: derivatives(read, vectors).sum(dim=(1, 3)).abs() > 1e-6,
                lambda read, vectors: (derivatives(read, vectors).sum(dim=1).abs() > 1e-6).any(dim=-1),
            ),
        ),
        Mistake(
            "You ask whether the sum of the derivatives is above 0. Some are negative: take `.abs()` of each first.",
            (lambda read, vectors: derivatives(read, vectors).sum(dim=(1, 3)) > 0,),
        ),
        Mistake(
            "These are numbers, not yes or no: return True and False, `> 0`.",
            (
                lambda read, vectors: sees(read, vectors).float(),
                lambda read, vectors: derivatives(read, vectors).abs().sum(dim=(1, 3)),
                lambda read, vectors: derivatives(read, vectors).pow(2).sum(dim=(1, 3)).sqrt(),
            ),
        ),
    ),
    errors={
        "does not require grad": "`vectors` needs `requires_grad_()`, or use `torch.autograd.functional.jacobian`.",
        "second time": "The graph is freed after one `backward`: say `retain_graph=True`, or read anew for each output.",
        "grad can be implicitly created only for scalar": "A gradient is of one number: take the Jacobian.",
        "unexpected keyword": "`read` takes the vectors and nothing else.",
        "positional argument": "`read` takes the vectors and nothing else.",
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
    holes.diagonal(1)[:2] = torch.tensor([True, False])
    holes.diagonal(-1)[:2] = torch.tensor([False, True])
    some = torch.tensor([[0.9, 0.4, 0.0], [0.2, 0.8, 0.0], [0.0, 0.1, 0.7]])
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
LOVE = 0.9
SURER = Number(
    right=(LOVE**2 / 0.18) / (LOVE**2 / 0.18 + 0.01 / 0.82),
    tolerance=0.0006,
    mistakes={
        0.9375: "That is the page's number, for three verbs in four. Here it is nine in ten.",
        0.9: "That is one half's guess. The product joins two.",
        0.81 / 0.82: "You did not divide by how frequent *and* and *but* are.",
        4.5: "That is the product for *but*. Make a share of it: divide by the sum of both products.",
        0.81: "That is 0.9 times 0.9. Divide by the share of *but*, 0.18, and do the same for *and*.",
        (0.01 / 0.82) / (4.5 + 0.01 / 0.82): "That is the probability of *and*.",
        99.73: "As a percentage that is right. A probability lies between 0 and 1.",
    },
)

EXERCISES = {
    "whose_mask": WHOSE_MASK,
    "best_possible": BEST_POSSIBLE,
    "surer": SURER,
    "join": JOIN,
    "reach": REACH,
    "sees": SEES,
    "leaks": LEAKS,
}
