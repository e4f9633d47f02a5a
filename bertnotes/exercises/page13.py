"""Exercises on what training costs: the work of a layer, a rate, memory, softmax from two halves, a LoRA step, a T4.

Each mistake is one that people make.
"""

import torch

from bertnotes.exercises.judging import Case, Exercise, Mistake, Number

# --- the work of a layer ----------------------------------------------------------------------------------------------


def layer_flops(tokens, h):
    """Operations of one layer on one text, forward."""
    return tokens * (24 * h**2 + 4 * tokens * h)


LAYER_FLOPS = Exercise(
    function="",
    cases=lambda seed: [
        Case({"tokens": torch.tensor([2, 5]), "h": 1}, shown=True),
        Case({"tokens": torch.tensor([100 + seed % 50, 7]), "h": 384}),
    ],
    right=layer_flops,
    mistakes=(
        Mistake(
            "That counts multiplications only. Each comes with an addition: twice as many FLOPs.",
            (lambda tokens, h: layer_flops(tokens, h) / 2,),
        ),
        Mistake("That is for one token. The text has `tokens` of them.", (lambda tokens, h: layer_flops(tokens, h) / tokens,)),
        Mistake(
            "That is a training step: forward and backward. Asked is forward only.",
            (lambda tokens, h: 3 * layer_flops(tokens, h),),
        ),
        Mistake(
            "Attention's two products are missing: queries with keys, weights with values.",
            (lambda tokens, h: tokens * 24 * h**2,),
        ),
        Mistake(
            "You counted one of attention's two products. After queries with keys come weights with values.",
            (lambda tokens, h: tokens * (24 * h**2 + 2 * tokens * h),),
        ),
        Mistake(
            "That is attention without feed-forward, which has $8h^2$ of the layer's $12h^2$ weights.",
            (lambda tokens, h: tokens * (8 * h**2 + 4 * tokens * h),),
        ),
        Mistake(
            "A token looks at each of the `tokens` tokens, so attention's part grows with their *square*.",
            (lambda tokens, h: tokens * (24 * h**2 + 4 * h),),
        ),
    ),
)

# --- a rate -----------------------------------------------------------------------------------------------------------


def tokens_per_second(moments, tokens):
    """The rate of all steps but the first."""
    return tokens[1:].sum() / (moments[-1] - moments[0])


def rate_cases(seed):
    """Three steps by hand, and ten drawn ones."""
    generator = torch.Generator().manual_seed(seed)
    hand = {"moments": torch.tensor([5.0, 6.0, 8.0]), "tokens": torch.tensor([100.0, 300.0, 600.0])}
    moments = 2 + (0.5 + torch.rand(10, generator=generator)).cumsum(dim=0)
    drawn = {"moments": moments, "tokens": torch.randint(100, 900, (10,), generator=generator).float()}
    return [Case(hand, shown=True), Case(drawn)]


TOKENS_PER_SECOND = Exercise(
    function="",
    cases=rate_cases,
    right=tokens_per_second,
    mistakes=(
        Mistake(
            "You count the tokens of all steps, but the time of all but the first: too fast.",
            (lambda moments, tokens: tokens.sum() / (moments[-1] - moments[0]),),
        ),
        Mistake(
            "You left out the *last* step. The moments are noted *after* each step, so the first lies before the first moment.",
            (lambda moments, tokens: tokens[:-1].sum() / (moments[-1] - moments[0]),),
        ),
        Mistake(
            "The clock did not start at 0. Subtract the first moment.",
            (lambda moments, tokens: tokens.sum() / moments[-1], lambda moments, tokens: tokens[1:].sum() / moments[-1]),
        ),
        Mistake(
            "That is the mean of the steps' rates, which gives short steps as much say as long ones. Divide sums.",
            (lambda moments, tokens: (tokens[1:] / moments.diff()).mean(),),
        ),
        Mistake(
            "That is tokens a second for each step. Asked is one rate for all.",
            (lambda moments, tokens: tokens[1:] / moments.diff(),),
        ),
        Mistake(
            "That is seconds for a token. Turn it over.",
            (lambda moments, tokens: (moments[-1] - moments[0]) / tokens[1:].sum(),),
        ),
        Mistake(
            "These are tokens of a step for each second: divide the *sum* of the tokens.",
            (lambda moments, tokens: tokens[1:].mean() / (moments[-1] - moments[0]),),
        ),
    ),
)

# --- memory -----------------------------------------------------------------------------------------------------------


def training_bytes(parameters, trained):
    """Bytes of weights, gradients and AdamW's means, in fp32."""
    return 4 * parameters + 12 * trained


TRAINING_BYTES = Exercise(
    function="",
    cases=lambda seed: [
        Case({"parameters": torch.tensor([10, 10]), "trained": torch.tensor([10, 2])}, shown=True),
        Case({"parameters": torch.tensor([10_000 + seed % 999, 500]), "trained": torch.tensor([77, 500])}),
    ],
    right=training_bytes,
    mistakes=(
        Mistake("Frozen weights have no gradient and no means.", (lambda parameters, trained: 16 * parameters,)),
        Mistake("The frozen weights need their 4 bytes, too.", (lambda parameters, trained: 16 * trained,)),
        Mistake("AdamW keeps *two* means of each trained weight.", (lambda parameters, trained: 4 * parameters + 8 * trained,)),
        Mistake(
            "The gradients are missing, or one of AdamW's means.", (lambda parameters, trained: 4 * parameters + 4 * trained,)
        ),
        Mistake("That is how many numbers. Each has 4 bytes.", (lambda parameters, trained: parameters + 3 * trained,)),
        Mistake(
            "The trained weights are among the parameters: you count them twice.",
            (lambda parameters, trained: 4 * parameters + 16 * trained,),
        ),
        Mistake("These are bits. A byte has 8.", (lambda parameters, trained: 8 * training_bytes(parameters, trained),)),
    ),
)

# --- two halves of a row ----------------------------------------------------------------------------------------------


def put_together(first, second):
    """(largest, total, mix) of two parts of a row, from those of each."""
    largest = torch.maximum(first[0], second[0])
    one, other = (first[0] - largest).exp(), (second[0] - largest).exp()
    return largest, first[1] * one + second[1] * other, first[2] * one + second[2] * other


def part(scores, values):
    """What the loop of the page keeps of a part of a row."""
    powers = (scores - scores.max()).exp()
    return scores.max(), powers.sum(), powers @ values


def halves_cases(seed):
    """The four scores of the page; the other way round; drawn ones with large scores."""
    generator = torch.Generator().manual_seed(seed)
    first = part(torch.tensor([2.0, 0.0]), torch.tensor([[10.0], [20.0]]))
    second = part(torch.tensor([3.0, 1.0]), torch.tensor([[30.0], [40.0]]))
    drawn = [
        part(3 * torch.randn(count, generator=generator) + 200, torch.randn(count, 4, generator=generator)) for count in (6, 9)
    ]
    return [
        Case({"first": first, "second": second}, shown=True),
        Case({"first": second, "second": first}, shown=True),
        Case({"first": drawn[0], "second": drawn[1]}),
    ]


def mixed(shrinks, mixes=None):
    """A formula with other factors. shrinks, mixes: functions of the two largest scores and the larger, of total and mix."""

    def formula(first, second):
        largest = torch.maximum(first[0], second[0])
        one, other = shrinks(first[0], second[0], largest)
        three, four = (mixes or shrinks)(first[0], second[0], largest)
        return largest, first[1] * one + second[1] * other, first[2] * three + second[2] * four

    return formula


def fitting(a, b, top):
    """The right factors."""
    return (a - top).exp(), (b - top).exp()


def none(a, b, top):
    """No factors."""
    return 1.0, 1.0


PUT_TOGETHER = Exercise(
    function="",
    cases=halves_cases,
    right=put_together,
    parts=("largest", "total", "mix"),
    mistakes=(
        Mistake(
            "You add sums that are relative to different scores. Multiply each by `(its largest - largest).exp()` first.",
            (mixed(none),),
        ),
        Mistake("The total is right. The mix needs the same factors.", (mixed(fitting, none),)),
        Mistake("The mix is right. The total needs the same factors.", (mixed(none, fitting),)),
        Mistake(
            "The factor is turned over: a half whose largest score is *smaller* has to shrink.",
            (mixed(lambda a, b, top: ((top - a).exp(), (top - b).exp())),),
        ),
        Mistake(
            "Only the first half is changed. In the other order the second one has to shrink.",
            (mixed(lambda a, b, top: ((a - top).exp(), 1.0)), mixed(lambda a, b, top: ((a - b).exp(), 1.0))),
        ),
        Mistake(
            "You gave each half the other one's factor.",
            (mixed(lambda a, b, top: ((b - top).exp(), (a - top).exp())),),
        ),
        Mistake(
            "That is mix divided by total already. Return the sum, so that a third part can still be added.",
            (
                lambda first, second: (
                    *put_together(first, second)[:2],
                    put_together(first, second)[2] / put_together(first, second)[1],
                ),
            ),
        ),
    ),
    errors={"overflow": "Powers of large scores overflow. Keep them relative to the largest."},
)

# --- a LoRA step ------------------------------------------------------------------------------------------------------


def lora_step(x, W, A, B, target, rate):  # noqa: N803
    """A and B after a step of gradient descent on half the sum of the squared errors."""
    whole = (x @ (W + B @ A).T - target).T @ x
    return A - rate * B.T @ whole, B - rate * whole @ A.T


def lora_cases(seed):
    """A layer of 2 x 2 by hand, one that begins with B = 0, drawn ones of other shapes."""
    generator = torch.Generator().manual_seed(seed)
    hand = {"x": [[1.0, 0.0]], "W": [[1.0, 0.0], [0.0, 1.0]], "A": [[1.0, 2.0]], "B": [[1.0], [1.0]], "target": [[0.0, 2.0]]}
    hand = {name: torch.tensor(value) for name, value in hand.items()}
    shapes = {"x": (7, 5), "W": (4, 5), "A": (2, 5), "B": (4, 2), "target": (7, 4)}
    drawn = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    start = drawn | {"B": torch.zeros(4, 2)}
    return [Case(inputs | {"rate": 0.1}, shown=inputs is hand) for inputs in (hand, drawn, start)]


def gradients(x, W, A, B, target):  # noqa: N803
    """The gradients of A and of B."""
    whole = (x @ (W + B @ A).T - target).T @ x
    return B.T @ whole, whole @ A.T


def other_step(of_a=1.0, of_b=1.0):
    """A formula with other multiples of the gradients."""

    def formula(x, W, A, B, target, rate):  # noqa: N803
        down_a, down_b = gradients(x, W, A, B, target)
        return A - rate * of_a * down_a, B - rate * of_b * down_b

    return formula


def one_after_the_other(x, W, A, B, target, rate):  # noqa: N803
    """B first, then A at the new B."""
    new = B - rate * gradients(x, W, A, B, target)[1]
    return A - rate * gradients(x, W, A, new, target)[0], new


def a_first(x, W, A, B, target, rate):  # noqa: N803
    """A first, then B at the new A."""
    new = A - rate * gradients(x, W, A, B, target)[0]
    return new, B - rate * gradients(x, W, new, B, target)[1]


def without_w(x, W, A, B, target, rate):  # noqa: N803
    """As if the layer gave its change alone."""
    return lora_step(x, 0 * W, A, B, target, rate)


def mean_loss(x, W, A, B, target, rate):  # noqa: N803
    """The mean of the squared errors in place of half their sum."""
    return lora_step(x, W, A, B, target, rate * 2 / target.numel())


LORA_STEP = Exercise(
    function="",
    cases=lora_cases,
    right=lora_step,
    parts=("A", "B"),
    mistakes=(
        Mistake("You went uphill. Subtract the gradients.", (other_step(-1, -1),)),
        Mistake("$A$ has not moved. It is trained, too.", (other_step(0, 1),)),
        Mistake("$B$ has not moved. It is trained, too.", (other_step(1, 0),)),
        Mistake(
            "The second gradient was taken after the first had been applied. Take both at the old $A$ and $B$.",
            (one_after_the_other, a_first),
        ),
        Mistake("The layer gives $x(W + BA)^T$. The error is that of the whole layer, with $W$.", (without_w,)),
        Mistake("That is the mean of the squared errors. Asked is half their sum.", (mean_loss,)),
        Mistake("The loss is divided by 2, so the square's factor of 2 goes away.", (other_step(2, 2),)),
        Mistake(
            "You returned the gradients. Asked are the new $A$ and $B$.",
            (lambda x, W, A, B, target, rate: gradients(x, W, A, B, target),),  # noqa: N803
        ),
        Mistake(
            "You returned $B$ first.",
            (lambda x, W, A, B, target, rate: lora_step(x, W, A, B, target, rate)[::-1],),  # noqa: N803
        ),
    ),
)

# --- a T4 -------------------------------------------------------------------------------------------------------------

FLOPS = 3 * 20_000 * 12 * layer_flops(128, 768)
MINUTES_ON_A_T4 = Number(
    right=FLOPS / (0.4 * 8.1e12) / 60,
    tolerance=0.3,
    mistakes={
        FLOPS / (0.4 * 65e12) / 60: "A T4 has no units for bf16, and our code has no fp16: it computes in fp32.",
        FLOPS / 8.1e12 / 60: "That is at the full peak. It reaches 40 %.",
        FLOPS / 3 / (0.4 * 8.1e12) / 60: "That is the forward pass alone. A step is three of them.",
        FLOPS / 2 / (0.4 * 8.1e12) / 60: "That is one epoch, or multiplications without additions.",
        6
        * 110e6
        * 2.56e6
        / (0.4 * 8.1e12)
        / 60: "The embeddings are looked up, not multiplied: 85 of the 110 million weights count.",
        FLOPS / (0.4 * 8.1e12): "These are seconds.",
        FLOPS / (0.4 * 8.1e12) / 3600: "These are hours.",
    },
)

EXERCISES = {
    "layer_flops": LAYER_FLOPS,
    "tokens_per_second": TOKENS_PER_SECOND,
    "training_bytes": TRAINING_BYTES,
    "put_together": PUT_TOGETHER,
    "lora_step": LORA_STEP,
    "minutes_on_a_t4": MINUTES_ON_A_T4,
}
