"""Forty reviews that one word decides, for tests that train."""

OPENINGS = ["film", "a film", "the cast is", "you watch", "i watch it once"]
WORDS = [["bad", "worst", "dull", "poor"], ["good", "great", "best", "wonderful"]]
TOY = [(f"{opening} {word} , {word} , {word} !", label) for opening in OPENINGS for label in (0, 1) for word in WORDS[label]]
TEXTS, LABELS = [text for text, _ in TOY], [label for _, label in TOY]
