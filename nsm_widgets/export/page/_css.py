"""Style sheets and declarations of a notebook, made fit to stand in a page: they ask nobody for anything.

A declaration stays if every function in its value is known to fetch nothing, and every address in it is a
part of the page or a picture in the text. The rules of a sheet apply within one element only, so that an
output cannot hide what stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import tinycss2

from nsm_widgets.export.page._allowed import FUNCTIONS

ID_PREFIX = "nb-"
"""Begins every id that a notebook gives: no script reads a global name like that."""

_COMBINATORS = frozenset(">+~|")
_IN_SELECTORS = _COMBINATORS | frozenset("*.:$^=")
_PICTURE = re.compile(r"data:image/", re.IGNORECASE)


def prefixed(name: str) -> str:
    """The id that stands in the page for one of the notebook.

    >>> prefixed("x"), prefixed("nb-x")
    ('nb-x', 'nb-x')
    """
    return name if name.startswith(ID_PREFIX) else ID_PREFIX + name


def clean_value(text: str) -> str | None:
    """A value of CSS, or None where it could ask for something.

    >>> clean_value("url(#a) red"), clean_value("image-set('x' 1x)")
    ('url(#nb-a) red', None)
    """
    return _value(tinycss2.parse_component_value_list(text))


def clean_declarations(text: str | Sequence[Any]) -> str:
    """The declarations of a ``style`` attribute, or of a rule's block, that ask for nothing.

    >>> clean_declarations("color: red; background: url(//x); WIDTH: calc(1px + 2em) !important")
    'color: red; width: calc(1px + 2em) !important'
    """
    kept = []
    for node in tinycss2.parse_declaration_list(text, skip_comments=True, skip_whitespace=True):
        value = _value(node.value) if node.type == "declaration" else None
        if value is not None:
            name = node.name if node.name.startswith("--") else node.lower_name
            kept.append(
                f"{tinycss2.serializer.serialize_identifier(name)}: {value}"
                f"{' !important' if node.important else ''}"
            )
    return "; ".join(kept)


def clean_sheet(text: str, scope: str) -> str:
    """The rules of a style sheet, for the elements within ``scope`` alone; ``@media`` and ``@supports`` stay.

    >>> clean_sheet("@import 'x'; #a, p > b { color: red }", ".s")
    '.s #nb-a, .s p > b { color: red }'
    """
    rules = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
    try:
        # of a tag in a string nothing may be left that would end the style element
        return _rules(rules, scope).replace("<", "\\3c ")
    except RecursionError:  # nested deeper than any sheet is
        return ""


def _rules(rules: Sequence[Any], scope: str) -> str:
    kept = []
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = _selectors(rule.prelude, scope)
            if selectors and (declarations := clean_declarations(rule.content)):
                kept.append(f"{selectors} {{ {declarations} }}")
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports") and rule.content:
            condition = _value(rule.prelude)
            inner = _rules(tinycss2.parse_rule_list(rule.content, True, True), scope)
            if condition is not None and inner:
                kept.append(f"@{rule.lower_at_keyword} {condition} {{ {inner} }}")
    return "\n".join(kept)


def _selectors(prelude: Sequence[Any], scope: str) -> str:
    """Each selector of a list below ``scope``; empty where one begins beside it, or is none."""
    selectors: list[list[Any]] = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            selectors.append([])
        else:
            selectors[-1].append(token)
    texts = []
    for selector in selectors:
        first = next((token for token in selector if token.type != "whitespace"), None)
        if first is None or (first.type == "literal" and first.value in _COMBINATORS):
            return ""
        if not _renamed_ids(selector):
            return ""
        texts.append(f"{scope} {tinycss2.serialize(selector).strip()}")
    return ", ".join(texts)


def _renamed_ids(tokens: Sequence[Any]) -> bool:
    """Write the ids of a selector as they stand in the page. False where it holds what no selector does."""
    for token in tokens:
        if token.type == "hash":
            token.value = prefixed(token.value)
        elif token.type in ("url", "error", "{} block", "at-keyword"):
            return False
        elif token.type == "literal" and token.value not in _IN_SELECTORS:
            return False  # "&" would be the scope itself
        elif token.type == "function" and not _renamed_ids(token.arguments):
            return False
    return True


def _value(tokens: Sequence[Any]) -> str | None:
    """The text of a value whose every part asks for nothing."""
    try:
        checked = _checked(tokens)
        return None if checked is None else str(tinycss2.serialize(checked)).strip()
    except RecursionError:  # nested deeper than any style is
        return None


def _checked(tokens: Sequence[Any]) -> list[Any] | None:
    """The same tokens, addresses as they stand in the page; None where one could ask for something."""
    out = []
    for token in tokens:
        kept = token
        if token.type == "url":
            kept = _address(token.value)
        elif token.type == "function" and token.lower_name == "url":
            given = [argument for argument in token.arguments if argument.type != "whitespace"]
            kept = _address(given[0].value) if [each.type for each in given] == ["string"] else None
        elif token.type == "function":
            token.arguments = _checked(token.arguments) if token.lower_name in FUNCTIONS else None
            kept = token if token.arguments is not None else None
        elif token.type in ("() block", "[] block", "{} block"):
            token.content = _checked(token.content)
            kept = token if token.content is not None else None
        elif token.type in ("error", "at-keyword"):
            kept = None
        if kept is None:
            return None
        out.append(kept)
    return out


def _address(url: str) -> Any:
    if url.startswith("#"):
        text = f"url(#{tinycss2.serializer.serialize_name(prefixed(url[1:]))})"
    elif _PICTURE.match(url):
        text = f'url("{tinycss2.serializer.serialize_string_value(url)}")'
    else:
        return None
    return tinycss2.ast.URLToken(0, 0, url, text)
