"""Strings that hurt whoever takes them for more than text, and what to ask of a page that shows them.

``STRINGS`` holds them by id; the first part of an id is its group. Whatever could run as a script sets
:data:`FLAG` on the page. ``tests/data/hostile.json`` holds the same for the tests in JavaScript, each with
the text that the screen must show; ``python -m tests.hostile`` writes it anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from nsm_widgets._text import one_line, replace_surrogates
from nsm_widgets.trace import Trace

FLAG = "__nsmw_pwned"
DATA = Path(__file__).parent / "data" / "hostile.json"

_RUN = f"window.{FLAG}=1"

STRINGS: dict[str, str] = {
    # markup that runs, alone or once something before it is closed
    "script": f"<script>{_RUN}</script>",
    "script-closing": f"</script><script>{_RUN}</script>",
    "script-comment": f"<!--<script>{_RUN}//",
    "script-case": f"</ScRiPt\t><sCrIpT>{_RUN}</sCrIpT>",
    "script-json": f'"}}]}}</script><script>{_RUN}</script>',
    "script-module": f"<script type=module>{_RUN}</script>",
    "script-src": "<script src=https://hostile.invalid/x.js></script>",
    "script-textarea": f"</textarea></title></style></noscript><script>{_RUN}</script>",
    "handler-img": f"<img src=x onerror={_RUN}>",
    "handler-img-closed": f'"><img src=x onerror="{_RUN}">',
    "handler-body": f"<body onload={_RUN}>",
    "handler-details": f"<details open ontoggle={_RUN}>",
    "handler-input": f"<input autofocus onfocus={_RUN}>",
    "attribute-double": f'" autofocus tabindex=1 onfocus="{_RUN}" x="',
    "attribute-single": f"' onmouseover='{_RUN}' x='",
    "attribute-backtick": f"` onmouseover=`{_RUN}`",
    "attribute-bare": f"x onmouseover={_RUN} y",
    "quotes": "\"'`“”«»\\",
    "quote-backslash": '\\"',
    "script-string": f"';{_RUN};//",
    "script-string-double": f'\\";{_RUN};//',
    "script-template-string": f"`;{_RUN};//",
    "url-javascript": f"javascript:{_RUN}",
    "url-link": f'<a href="javascript:{_RUN}">click</a>',
    "url-data": f"data:text/html,<script>{_RUN}</script>",
    "url-remote": "https://hostile.invalid/pixel.gif",
    "svg-onload": f"<svg onload={_RUN}>",
    "svg-script": f"<svg><script>{_RUN}</script></svg>",
    "svg-text-end": f"</text></svg><script>{_RUN}</script>",
    "svg-foreign": f"<svg><foreignObject><img src=x onerror={_RUN}></foreignObject></svg>",
    "svg-animate": f"<svg><animate onbegin={_RUN} attributeName=x dur=1s>",
    "mathml": f"<math><mtext></p><img src=x onerror={_RUN}></math>",
    "style": "<style>*{display:none!important}</style>",
    "style-import": "<style>@import 'https://hostile.invalid/x.css';</style>",
    "style-attribute": '" style="position:fixed;inset:0;background:red" x="',
    "style-value": "red;background:url(https://hostile.invalid/x.png)",
    "iframe": f'<iframe srcdoc="<script>parent.{FLAG}=1</script>"></iframe>',
    "iframe-url": "<iframe src=https://hostile.invalid/></iframe>",
    "object": f'<object data="javascript:{_RUN}"></object>',
    "meta-refresh": "<meta http-equiv=refresh content='0;url=https://hostile.invalid/'>",
    "base": "<base href=https://hostile.invalid/>",
    "form": "<form action=https://hostile.invalid/><button>go</button></form>",
    "comment": "<!-- -->",
    "comment-end": "-->",
    "cdata-end": "]]>",
    "cdata": f"<![CDATA[<script>{_RUN}</script>]]>",
    "processing": "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
    "entity": "&lt;script&gt; &amp; &nbsp; &#60;b&#62; &#x3c;",
    "entity-bare": "&lt",
    "ampersand": "AT&T < 3 > 2",
    # templates and markup languages
    "template-mustache": "{{7*7}}",
    "template-angular": f"{{{{constructor.constructor('{_RUN}')()}}}}",
    "template-dollar": "${7*7}",
    "template-dollar-run": f"${{{_RUN}}}",
    "template-erb": "<%= 7*7 %>",
    "template-jinja": "{% raw %}{{ cycler }}{% endraw %}",
    "template-jinja-comment": "{# #}",
    "template-ruby": "#{7*7}",
    "template-format": "{0} {__class__} {}",
    "template-percent": "%s%n%d %(x)s %",
    "math-dollar": r"$\unicode{x3c}script\unicode{x3e}$",
    "math-display": r"$$\frac{1}{2}$$",
    "math-paren": r"\(\href{javascript:" + _RUN + r"}{x}\)",
    "latex-input": r"\input{/etc/passwd}\write18{id}",
    "markdown": f"[x](javascript:{_RUN}) ![y](https://hostile.invalid/y.png) **b** `c`",
    "markdown-lines": "# head\n- item\n> quote\n***",
    # writing direction, and what cannot be seen
    "direction-override": "user\u202etxt.exe",
    "direction-override-unclosed": "\u202e\u202d\u202b",
    "direction-isolate": "\u2067abc\u2068def",
    "direction-isolate-end": "abc\u2069\u2069\u202cdef",
    "direction-marks": "a\u200fb\u200ec\u061cd",
    "direction-hebrew": "שלום, 12 עולם!",
    "direction-arabic": "مرحبا (3)",
    "hidden-zero-width": "pass\u200bword\u2060\u00ad",
    "hidden-joiners": "a\u200d\u200cb",
    "hidden-bom": "\ufeffid",
    "hidden-tags": "x\U000e0069\U000e0067\U000e006e",
    "hidden-variation": "a\ufe0f\ufe00\U000e0100",
    "hidden-filler": "\u3164\u115f\u2800",
    "homoglyphs": "аdmin ＜script＞ ﹤b﹥",
    "combining-tower": "Z" + "\u0301\u0316\u0489" * 30 + "algo" + "\u0353" * 60,
    "combining-first": "\u0301\u0301",
    # characters that no text should hold
    "control-nul": "a\0b",
    "control-nul-end": "end\0",
    "control-c0": "".join(map(chr, range(1, 32))) + "\x7f",
    "control-c1": "".join(map(chr, range(0x80, 0xA0))),
    "control-ansi": "\x1b[2J\x1b[31mred\x1b]0;title\x07",
    "control-backspace": "safe\b\b\b\bevil",
    "line-separators": f"a\u2028{_RUN}\u2029b",
    "line-feed": "two\nlines",
    "line-crlf": "two\r\nlines\r",
    "line-tabs": "\ta\tb\v\f",
    "line-nel": "a\x85b",
    "surrogate-high": "a\ud83d",
    "surrogate-low": "\ude00b",
    "surrogate-swapped": "\ude00\ud83d",
    "surrogate-pair-apart": "\ud83d\u200d\ude00",
    "surrogate-byte": "caf\udce9",
    "noncharacters": "\ufffe\uffff\U0010ffff\ufdd0",
    "replacement": "\ufffd",
    "private-use": "\ue000\U000f0000",
    # emoji and other scripts
    "emoji": "🙂",
    "emoji-family": "👩\u200d👩\u200d👧\u200d👦",
    "emoji-skin": "👍🏿",
    "emoji-flags": "🇺🇳🇪🇺",
    "emoji-keycap": "1️⃣",
    "emoji-many": "🧠" * 300,
    "script-indic": "क्\u200dष नमस्ते",
    "script-chinese": "记忆\u3000网络",
    "script-tokens": "Ġthe ▁cat ##ing </s> <|endoftext|> [PAD]",
    # what means something to a widget manager
    "model-reference": "IPY_MODEL_" + "0" * 32,
    "model-reference-dashes": "IPY_MODEL_00000000-0000-0000-0000-000000000000",
    "model-widget": "anywidget:" + "0" * 32,
    "model-shared": "nsmw-shared:t0",
    "model-mime": "application/vnd.jupyter.widget-view+json",
    # size
    "long-word": "x" * 10_000,
    "long-words": "word " * 500,
    "long-wide": "﷽" * 400,
    "long-lines": "line\n" * 1_000,
    "empty": "",
    "space": " ",
    "spaces": "a    b  ",
    "no-break-space": "\u00a0\u00a0",
    # what spreadsheets, shells and file systems run or reach
    "formula-equals": "=1+1",
    "formula-command": "=cmd|' /C calc'!A0",
    "formula-link": '=HYPERLINK("https://hostile.invalid/","x")',
    "formula-plus": "+1+1",
    "formula-minus": "-1+1",
    "formula-at": "@SUM(1+1)",
    "formula-tab": "\t=1+1",
    "formula-return": "\r=1+1",
    "formula-space": " =1+1",
    "formula-fullwidth": "＝1+1",
    "csv-separators": 'a,b;c\td"e\nf',
    "csv-quote": '"=1+1"',
    "path-up": "../../etc/passwd",
    "path-windows": "C:\\Windows\\..\\x:stream",
    "path-device": "con",
    "path-root": "/",
    "path-dots": "..",
    "path-url": "file:///etc/passwd",
    "shell": "$(id); `id` | id && id > x",
    "sql": "'; DROP TABLE traces; --",
    # names that objects have of their own, and words that are values elsewhere
    "name-proto": "__proto__",
    "name-constructor": "constructor",
    "name-prototype": "prototype",
    "name-to-string": "toString",
    "name-value-of": "valueOf",
    "name-has-own": "hasOwnProperty",
    "name-define-getter": "__defineGetter__",
    "name-longest": "x" * 128,
    "name-length": "length",
    "name-class": "__class__",
    "value-undefined": "undefined",
    "value-null": "null",
    "value-nan": "NaN",
    "value-true": "true",
    "value-huge": "1e999",
    "value-hex": "0x1f",
    "value-minus-zero": "-0",
    "value-number": "007",
    "value-json": '{"a": [1]}',
}

NAMES = tuple(
    text
    for text in dict.fromkeys(STRINGS.values())
    if 0 < len(text) <= 128 and text.isprintable() and "/" not in text and text.strip(".")
)
"""Those that may name an array: the others are refused with an error."""


def shown(text: str) -> str:
    """What the screen must show of a label: one line, a lone surrogate as U+FFFD."""
    return one_line(replace_surrogates(text))


def hostile_trace() -> Trace:
    """Attention (layer 1, batch 1, head 2, query n, key n) and memory (time 2, batch 1, slot n, word 3).

    Every string labels one query, one key and one slot, in the order of :data:`STRINGS`; some label heads and
    words; all of them are attrs, and joined they describe each array.
    """
    texts = list(STRINGS.values())
    count = len(texts)
    random = np.random.default_rng(0)
    attention = random.dirichlet(np.ones(count), size=(1, 1, 2, count))
    trace = Trace.from_arrays(
        {"attention": attention, "memory": random.normal(size=(2, 1, count, 3))},
        coords={
            "query": texts,
            "key": texts,
            "slot": texts,
            "head": [STRINGS["handler-img"], STRINGS["long-word"]],
            "word": [STRINGS["direction-hebrew"], STRINGS["direction-override"], STRINGS["script-closing"]],
        },
        attrs={text: text for text in texts},
    )
    described = " ".join(texts)
    return trace.assign(
        *(
            type(array)(
                name, array.values, array.dims, array.coords, {**array.attrs, "description": described}
            )
            for name, array in trace.items()
        )
    )


def named_trace() -> Trace:
    """One small array for every string that may be a name, described by it."""
    values = np.arange(6.0).reshape(2, 3)
    return Trace.from_arrays(
        dict.fromkeys(NAMES, values),
        dims=dict.fromkeys(NAMES, ("slot", "word")),
        kinds=dict.fromkeys(NAMES, "content"),
    )


def assert_nothing_ran(page: Any) -> None:
    """No string ran as a script, in the page or in a frame of it, and none changed what objects are."""
    for frame in page.frames:
        ran, polluted = frame.evaluate(
            """flag => [
                window[flag] !== undefined || ({})[flag] !== undefined,
                Object.keys(Object.prototype).concat(Object.keys(Array.prototype)),
            ]""",
            FLAG,
        )
        assert not ran, f"a label ran as a script in {frame.url}"
        assert polluted == []


def assert_no_overflow(page: Any, root: str = ".nsmw-root") -> None:
    """Nothing under the root reaches out of it to the side, and no line of text is higher than a line."""
    found = page.evaluate(
        """root => {
            const views = [...document.querySelectorAll(root)];
            const wide = views.flatMap(view => {
                const { left, right } = view.getBoundingClientRect();
                const own = view.scrollWidth > view.clientWidth + 1 ? [view] : [];
                const out = [...view.querySelectorAll("*")].filter(node => {
                    const box = node.getBoundingClientRect();
                    if (box.width === 0 || node.parentElement.closest("svg")) return false; // clipped
                    return box.right > right + 1 || box.left < left - 1;
                });
                return [...own, ...out].map(node => `${node.tagName}.${node.getAttribute("class")}`);
            });
            const lines = ".nsmw-heading, figcaption, .nsmw-readout, .nsmw-slider, .nsmw-choice";
            const high = views.flatMap(view => [...view.querySelectorAll(lines)])
                .filter(node => node.getBoundingClientRect().height > 30)
                .map(node => `${node.tagName}.${node.getAttribute("class")}`);
            const page = document.documentElement.scrollWidth - innerWidth;
            return { count: views.length, wide, high, page };
        }""",
        root,
    )
    assert found["count"] > 0, f"nothing matches {root}"
    assert (found["wide"], found["high"]) == ([], [])
    assert found["page"] <= 0


def main() -> None:
    """Write the strings for JavaScript: ``[id, text, what the screen shows of it]``."""
    rows = ",\n".join(json.dumps([key, text, one_line(text)]) for key, text in STRINGS.items())
    DATA.write_text(f"[\n{rows}\n]\n", encoding="ascii")


if __name__ == "__main__":
    main()
