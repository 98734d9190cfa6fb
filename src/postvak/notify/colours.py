"""Colours of a look: can they be read? WCAG 2 contrast, and the shades that the dark form of a mail needs."""

DARK_BACKGROUND = "#16191d"
DARK_TEXT = "#e4e7eb"
TEXTS = ("#1d232a", "#f2f4f6")
STARK = ("#000000", "#ffffff")
READABLE = 4.5  # WCAG 2.2, 1.4.3

Rgb = tuple[int, int, int]


def contrast(one: str, other: str) -> float:
    """Between 1 (the same) and 21 (black on white). Colours as "#0a5c5a"."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def text_on(background: str) -> str:
    """Nearly black or nearly white, whichever is easier to read there; quite black or white where it must be."""
    soft = max(TEXTS, key=lambda text: contrast(text, background))
    return soft if contrast(soft, background) >= READABLE else max(STARK, key=lambda text: contrast(text, background))


def readable_on(background: str, colour: str) -> str:
    """The colour, made lighter or darker as far as needed to be read there."""
    towards = text_on(background)
    for step in range(21):
        made = mixed(colour, towards, step / 20)
        if contrast(made, background) >= READABLE:
            return made
    return towards


def mixed(colour: str, other: str, share: float) -> str:
    """`colour` with a share (0 to 1) of the other."""
    pairs = zip(parts(colour), parts(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def luminance(colour: str) -> float:
    red, green, blue = (linear(part / 255) for part in parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(part: float) -> float:
    return part / 12.92 if part <= 0.03928 else float(((part + 0.055) / 1.055) ** 2.4)


def parts(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
