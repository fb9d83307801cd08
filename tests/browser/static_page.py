"""A view on a page of its own: no notebook, no kernel, nothing allowed but what the page holds."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from importlib.resources import files

from nsm_widgets.widgets import PageArrays, View
from nsm_widgets.widgets._base import SyncedWidget

# The bundle is loaded from a blob, styles are inline, images are data or blobs; all else is refused.
POLICY = (
    "default-src 'none'; script-src 'sha256-{digest}' blob:; style-src 'unsafe-inline'; img-src data: blob:"
)

SCRIPT = """
const read = id => document.getElementById(id).textContent;
const door = async id => {
  const url = URL.createObjectURL(new Blob([JSON.parse(read(id))], { type: "text/javascript" }));
  return (await import(url)).default;
};
const doors = { view: await door("bundle"), data: await door("data") };
const { signal } = new AbortController();
const bytes = text => new DataView(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
const made = {};
for (const [id, state] of Object.entries(JSON.parse(read("states")))) {
  for (const [name, text] of Object.entries(state._buffers ?? {})) state._buffers[name] = bytes(text);
  const model = {
    get: name => state[name],
    set: (name, value) => { state[name] = value; },
    send: () => { throw new Error("no kernel"); },
    on: () => {},
    off: () => {},
  };
  const widget = (doors[id] ?? doors.data)();
  made[id] = { widget, model, exports: widget.initialize({ model, signal }) };
}
const host = { getWidget: async ref => made[ref] };
const { widget, model } = made.view;
await widget.render({ model, el: document.getElementById("view"), host, signal });
"""


def static_page(view: View) -> str:
    """HTML that shows the view."""
    states = {
        "store": {**_state(view.page_arrays), "_buffers": _texts(view.page_arrays)},
        "selection": _state(view.selection),
        "view": {**_state(view), "_store": "store", "_selection": "selection"},
    }
    folder = files("nsm_widgets.widgets").joinpath("static")
    bundle, data, style = (
        folder.joinpath(name).read_text("utf-8") for name in ("index.js", "data.js", "style.css")
    )
    digest = b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return (
        f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
        f'content="{POLICY.format(digest=digest)}"><style>{style}</style><div id="view"></div>'
        f'<script type="application/json" id="bundle">{_safe(bundle)}</script>'
        f'<script type="application/json" id="data">{_safe(data)}</script>'
        f'<script type="application/json" id="states">{_safe(states)}</script>'
        f'<script type="module">{SCRIPT}</script>'
    )


_NOT_SENT = ("_store", "_selection", "_buffers", "layout", "_esm", "_code", "_css")


def _state(widget: SyncedWidget) -> dict[str, object]:
    return {name: value for name, value in widget.get_state().items() if name not in _NOT_SENT}


def _texts(store: PageArrays) -> dict[str, str]:
    return {name: b64encode(content).decode() for name, content in store._buffers.items()}


def _safe(value: object) -> str:
    return json.dumps(value, default=str).replace("<", "\\u003c")
