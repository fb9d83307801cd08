"""One toy of each kind."""

from __future__ import annotations

from tests.adding import Toy

VIEW = Toy(
    about="A view",
    new={
        "nsm_widgets/widgets/views/_toy.py": '''"""A view for the tests."""

from __future__ import annotations

from typing import Any

from nsm_widgets.trace import Trace
from nsm_widgets.view import heatmap_layout
from nsm_widgets.widgets._view import View


class ToyView(View):
    """The first array of a trace."""

    def __init__(self, trace: Trace, **options: Any) -> None:
        array = next(iter(trace.values()))
        super().__init__(trace, lambda given: (given, heatmap_layout(array)), **options)
''',
        "tests/widgets/views/test_widgets_toy.py": "",
    },
    inserted={
        "nsm_widgets/widgets/catalog.py": (
            (
                "if TYPE_CHECKING:\n",
                "    from nsm_widgets.widgets.views._toy import ToyView as ToyView\n",
            ),
        ),
        "scripts/gallery.py": (
            (
                "ENTRIES = (\n",
                '    Entry("ToyView(trace)", "a toy", "A toy.", "ToyView(trace)"),\n',
            ),
        ),
    },
    proof="""
import nsm_widgets
from nsm_widgets import Trace
from nsm_widgets.widgets import ToyView, ViewGroup
from scripts.gallery import README, with_table

trace = Trace.from_arrays({"memory": [[0.0, 1.0], [2.0, 3.0]]}, dims={"memory": ("slot", "word")})
view = ToyView(trace)
assert "ToyView" in dir(nsm_widgets.widgets) and nsm_widgets.widgets.ToyView is ToyView
assert view.savefig("view.png").is_file() and "ToyView" in str(view.to_html()) and view.to_csv()
assert "| `ToyView(trace)` | a toy |" in with_table(README.read_text(encoding="utf-8"))
group = ViewGroup(trace, [[lambda **shared: ToyView(trace, **shared)]])
assert len(group.parts) == 1
""",
)

PANEL = Toy(
    about="A kind of panel",
    new={
        "nsm_widgets/export/picture/panels/_toy.py": '''"""A panel of a picture for the tests."""

from __future__ import annotations

from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.canvas._canvas import Canvas
from nsm_widgets.view.panels import ToyPanel


class ToyPicture:
    """One word."""

    left = right = 0

    def __init__(self, panel: ToyPanel, scene: Scene) -> None:
        self.panel = panel

    def fit(self, width: int, left: int, right: int) -> None:
        """Settle its size."""
        self.extent, self.height = width, 40

    def draw(self, canvas: Canvas, left: int, top: int) -> None:
        """Put it on the canvas."""
        canvas.text((left, top + 20), self.panel.word, "ls", canvas.ink.text)
''',
        "js/src/panels/toy/view.ts": """import { element } from "../../page/dom";
import type { ToySpec } from "../../wire/state";
import type { PanelView, Sides } from "../panel";

export class ToyView implements PanelView {
  readonly element: HTMLElement;

  constructor(spec: ToySpec) {
    this.element = element("figure", { class: "nsmw-panel" }, spec.word);
  }

  draw(): void {}
  resize(): void {}
  sides(): Sides {
    return { left: 0, right: 0 };
  }
}
""",
    },
    inserted={
        "nsm_widgets/view/panels.py": (
            ("    | ScalarsPanel\n", "    | ToyPanel\n"),
            (
                "        return False\n\n\n",
                '''@dataclass(frozen=True, slots=True, kw_only=True)
class ToyPanel(PanelBase):
    """One word."""

    word: str

    kind = "toy"


''',
            ),
        ),
        "nsm_widgets/export/picture/_picture.py": (
            ("    ThumbnailsPanel,\n", "    ToyPanel,\n"),
            (
                "import ThumbnailsPicture\n",
                "from nsm_widgets.export.picture.panels._toy import ToyPicture\n",
            ),
            (
                "    match panel:\n",
                "        case ToyPanel():\n            return ToyPicture(panel, scene)\n",
            ),
        ),
        "js/src/wire/state.ts": (
            ("  | ScalarsSpec", "\n  | ToySpec"),
            (
                'export interface ScalarsSpec extends PanelBase {\n  kind: "scalars";\n}\n',
                '\nexport interface ToySpec extends PanelBase {\n  kind: "toy";\n  word: string;\n}\n',
            ),
        ),
        "js/src/view/panels.ts": (
            (
                '/thumbnails/thumbnails";\n',
                'import { ToyView } from "../panels/toy/view";\n',
            ),
            ("follows: () => false },\n", "  toy: { create: (spec) => new ToyView(spec) },\n"),
        ),
    },
    proof="""
from nsm_widgets.trace import Trace
from nsm_widgets.view import ColorDomain, arrays_of
from nsm_widgets.view.panels import PANELS, ToyPanel
from nsm_widgets.widgets import View

trace = Trace.from_arrays({"memory": [[0.0, 1.0], [2.0, 3.0]]}, dims={"memory": ("slot", "word")})
layout = ((ToyPanel("toy", "memory", "slot", "word", "toy", ColorDomain(0, 1), "ink", word="so"),),)
assert PANELS["toy"] is ToyPanel and arrays_of(layout) == ("memory",)
view = View(trace, lambda given: (given, layout))
sent = view.get_state()["_layout"][0][0]
assert (sent["kind"], sent["word"], sent["notes"]) == ("toy", "so", [])
svg = view.savefig("toy.svg").read_text(encoding="utf-8")
assert ">so</text>" in svg and "toy,memory,0,1,1.0" in str(view.to_csv()) and "toy" in str(view.to_html())
""",
    typescript=True,
)

SETTING = Toy(
    about="A setting of the toolbar",
    inserted={
        "nsm_widgets/view/settings.py": (
            ("    domain: DomainChoice\n", "    toy: str\n"),
            ('    domain: DomainChoice = "shared"\n', '    toy: str = "plain"\n'),
            ('"scale": COLOR_SCALES, ', '"toy": ("plain", "framed"), '),
            ("SAID = {\n", '    "toy": {"framed": "with a frame"},\n'),
            ('OF_GROUP = ("cmap", ', '"toy", '),
        ),
        "nsm_widgets/widgets/_view.py": (
            (
                '    array = traitlets.Unicode("").tag(sync=True)\n',
                '    toy = traitlets.Unicode("plain").tag(sync=True)\n',
            ),
        ),
        "nsm_widgets/export/picture/panels/_heatmap.py": (
            (
                "        self._cursors(canvas, box)\n",
                """        if self.scene.settings.toy == "framed":
            canvas.frame(box, canvas.ink.accent)
""",
            ),
        ),
        "js/src/wire/settings.ts": (
            ("export interface Settings {\n", "  toy?: string;\n"),
            (
                "export const SETTINGS: Readonly<Record<SettingName, Setting>> = {\n",
                """  toy: {
    grouped: true,
    choice: {
      name: "frame",
      title: "what stands around the cells",
      values: () => ({ "": ["plain", "framed"] }),
      serves: isPainted,
    },
    said: { framed: "with a frame" },
  },
""",
            ),
        ),
        "js/src/panels/heatmap/view.ts": (
            (
                "  draw(): void {\n",
                '    this.element.dataset["toy"] = this.#scene.context.settings().toy ?? "plain";\n',
            ),
        ),
    },
    proof="""
from functools import partial

import numpy as np
import traitlets
from nsm_widgets import Heatmap, Trace
from nsm_widgets.widgets import MemoryView, ViewGroup

view = Heatmap(np.eye(4), dims=("slot", "word"))


def shapes():
    svg = view.savefig("toy.svg").read_text(encoding="utf-8")
    return svg.count("<") - 2 * svg.count("<text"), "with a frame" in svg


count, said = shapes()
view.toy = "framed"
assert shapes()[0] > count and shapes()[1] and not said
assert '"toy": "framed"' in str(view.to_html()) or '"toy":"framed"' in str(view.to_html())
view._on_page_message(view, {"type": "set", "client": "c", "seq": 1, "changes": {"toy": "plain"}}, [])
assert view.toy == "plain"
try:
    view.toy = "round"
except traitlets.TraitError as error:
    assert "toy must be one of plain, framed, got 'round'." in str(error)
else:
    raise AssertionError("what is no choice must be refused")
trace = Trace.from_arrays({"memory": np.ones((3, 1, 4, 2))})
group = ViewGroup(trace, [[partial(MemoryView, trace)], [partial(MemoryView, trace)]])
group.parts[0].toy = "framed"
assert group.parts[1].toy == "framed"
""",
    typescript=True,
)

AXIS = Toy(
    about="An axis",
    inserted={
        "nsm_widgets/axes.json": (
            (
                "{\n",
                '  "toy": { "means": "toys", "marked": true },\n',
            ),
        ),
    },
    proof="""
import numpy as np
from nsm_widgets import Heatmap
from nsm_widgets.widgets import Selection

assert Selection.class_traits()["toy"].metadata["sync"]
view = Heatmap(np.zeros((2, 3, 4)), dims=("toy", "row", "column"))
view.selection.toy = 1
assert "toy 1 of 0-1" in view._fallbacks("toy")["text/plain"]
""",
    typescript=True,
)

MODEL = Toy(
    about="A model family",
    new={
        "nsm_widgets/toy/__init__.py": '''"""A model for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face

if TYPE_CHECKING:
    from nsm_widgets.toy.model import ToyModel as ToyModel
else:
    __getattr__, __dir__ = lazy_face(__name__)
''',
        "nsm_widgets/toy/model.py": '''"""A memory that adds what comes."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ToyModel(nn.Module):
    """Adds its input to a memory ``(batch, slot, word)``, which it returns."""

    def forward(self, memory: Tensor, word: Tensor) -> Tensor:
        """One step."""
        return memory + word[:, None] + torch.zeros(())
''',
        "nsm_widgets/trace/record/sources/_toy.py": '''"""The adapter of the toy."""

from __future__ import annotations

from typing import Any

from nsm_widgets.trace.record.sources._adapter import Adapter


def _arrays(module: Any, args: Any, kwargs: Any, output: Any) -> dict[str, Any]:
    return {"memory": output}


TOY = Adapter(_arrays, dims={"memory": ("batch", "slot", "word")})
''',
    },
    inserted={
        "nsm_widgets/trace/record/sources/_find.py": (
            (
                "sources._source import Known, Source\n",
                "from nsm_widgets.trace.record.sources._toy import TOY\n",
            ),
            ("TokenToStateRouter\n", "    from nsm_widgets.toy import ToyModel\n"),
            ("        DNCAccess: DNC_ADAPTER,\n", "        ToyModel: TOY,\n"),
        ),
    },
    proof="""
import torch
from nsm_widgets import TraceRecorder
from nsm_widgets.widgets import MemoryView
from nsm_widgets.toy import ToyModel

model, memory = ToyModel(), torch.zeros(1, 4, 2)
with TraceRecorder(model) as recorder:
    for step in range(3):
        memory = model(memory, torch.full((1, 2), float(step)))
trace = recorder.trace
assert trace["memory"].dims == ("time", "batch", "slot", "word")
assert trace["memory"].values[:, 0, 0, 0].tolist() == [0.0, 1.0, 3.0]
assert MemoryView(trace).selection.sizes["time"] == 3
""",
)

TOYS = (VIEW, PANEL, SETTING, AXIS, MODEL)
