"""Tokens as the text that they stand for: marks of tokenizers become blanks, line ends and whole words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from nsm_widgets._text import one_line

_LINE_END = "¶"
_OF_A_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


def token_texts(tokens: Sequence[str]) -> list[str]:
    r"""What stands in a text for each token, with the blanks before it.

    Of WordPiece ``##`` joins a piece to the one before; of byte-level BPE letters stand for bytes, ``Ġ`` for
    a blank, ``Ċ`` for a line end; of SentencePiece ``▁`` is a blank. Else, where no token has a blank of its
    own, each is a word. A line end is kept, behind a sign that can be seen.

    Example:
        >>> token_texts(["un", "##seen", "words"])
        ['un', 'seen', ' words']
        >>> token_texts(["A", "Ġcat", "Ċ", "sat"])
        ['A', ' cat', '¶\n', 'sat']
    """
    if any(token.startswith("##") for token in tokens):
        texts = [token[2:] if token.startswith("##") and len(token) > 2 else f" {token}" for token in tokens]
    elif any(token.startswith(("Ġ", "Ċ")) for token in tokens):
        texts = [_of_bytes(token) for token in tokens]
    elif any(token.startswith("▁") for token in tokens):
        texts = [_OF_A_BYTE.sub(_byte, token).replace("▁", " ") for token in tokens]
    elif any(token[:1].isspace() for token in tokens):
        texts = list(tokens)
    else:
        texts = [f" {token}" for token in tokens]
    shown = [_shown(text) for text in texts]
    return [shown[0].lstrip(" ") or shown[0], *shown[1:]] if shown else []


def _byte(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def _shown(text: str) -> str:
    """Blanks and line ends stay; what else does not print becomes its escape, and nothing a sign."""
    blank = " " if text.startswith(" ") else ""
    core = text.strip(" \r\n")
    ends = text.count("\n")
    return blank + (one_line(core) if core else "" if ends else "␣") + (_LINE_END + "\n") * ends


def _of_bytes(token: str) -> str:
    letters = _letters()
    if not all(letter in letters for letter in token):
        return token
    return bytes(letters[letter] for letter in token).decode("utf-8", errors="replace")


@cache
def _letters() -> dict[str, int]:
    """The byte that each letter of byte-level BPE stands for (Radford et al. 2019)."""
    printing = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printing]
    return {chr(byte): byte for byte in printing} | {chr(256 + i): byte for i, byte in enumerate(others)}
