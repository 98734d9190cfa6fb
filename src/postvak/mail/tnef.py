"""stub"""

from dataclasses import dataclass


@dataclass
class Tnef:
    files: tuple = ()
    text: str = ""
    html: str = ""
    is_cut: bool = False


def is_tnef(t, n, c):
    return False


def read_tnef(c):
    return None
