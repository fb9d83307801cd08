"""AttentionView over an image: which weight lies on which patch, in pictures; what is no image."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from nsm_widgets import AttentionView
from nsm_widgets.errors import OptionError, ShapeError
from nsm_widgets.view.panels import ImagePanel

WHITE = np.full((40, 60, 3), 255, dtype=np.uint8)


def weights(keys: int) -> np.ndarray:
    """Rows that sum to 1; query 2 looks at the last key alone."""
    found = np.full((1, keys, keys), 1 / keys)
    found[0, 2] = 0
    found[0, 2, -1] = 1
    return found


def panel_of(view: AttentionView) -> ImagePanel:
    panel = view._layout[0][0]
    assert isinstance(panel, ImagePanel)
    return panel


def test_attention_of_a_vision_model_lies_over_its_image() -> None:
    """A tiny ViT: its class token is no patch."""
    import transformers

    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=24,
        patch_size=8,
    )
    config._attn_implementation = "eager"
    model = transformers.ViTModel(config).eval()
    image = torch.rand(1, 3, 24, 24)
    with torch.no_grad():
        outputs = model(image, output_attentions=True)
    view = AttentionView(outputs, image=image[0].permute(1, 2, 0))
    panel = panel_of(view)
    assert (panel.patch_rows, panel.patch_columns, panel.before) == (3, 3, 1)
    assert view.selection.sizes == {"layer": 2, "batch": 1, "head": 2, "query": 10, "key": 10}
    kept = np.asarray(Image.open(BytesIO(b64decode(panel.image.partition(",")[2]))))
    assert kept.shape == (24, 24, 3)


@pytest.mark.parametrize(
    ("keys", "grid", "expected"),
    [
        (16, None, (4, 4, 0)),
        (17, None, (4, 4, 1)),
        (7, (2, 3), (2, 3, 1)),
        (6, (2, 3), (2, 3, 0)),
        (11, (2, 3), (2, 3, 5)),
    ],
    ids=str,
)
def test_patches_are_the_last_keys(
    keys: int, grid: tuple[int, int] | None, expected: tuple[int, int, int]
) -> None:
    """What stands before them is none."""
    panel = panel_of(AttentionView(weights(keys), image=WHITE, grid=grid))
    assert (panel.patch_rows, panel.patch_columns, panel.before) == expected


@pytest.mark.parametrize(
    "image",
    [
        WHITE,
        WHITE[..., 0],
        WHITE / 255.0,
        Image.fromarray(WHITE),
        torch.ones(40, 60, 3),
        np.ones((40, 60, 4)),
    ],
    ids=["bytes", "gray", "shares", "PIL", "tensor", "with opacity"],
)
def test_every_kind_of_image_is_taken(image: Any) -> None:
    """As the same pixels."""
    url = panel_of(AttentionView(weights(7), image=image, grid=(2, 3))).image
    assert np.asarray(Image.open(BytesIO(b64decode(url.partition(",")[2])))).min() == 255


@pytest.mark.parametrize(
    ("image", "grid", "error", "text"),
    [
        (np.zeros((3, 8, 8)), None, OptionError, "Channels first? image.transpose(1, 2, 0)."),
        (np.full((8, 8), -1.0), None, OptionError, "image must hold shares from 0 to 1, got -1 to -1."),
        (np.full((8, 8), 300), None, OptionError, "image must hold integers from 0 to 255, got 300 to 300."),
        ("cat.png", None, OptionError, "image must be height by width, or by 3 channels, got shape ()"),
        (
            WHITE,
            (3, 3),
            ShapeError,
            "grid must be (rows, columns) of patches, at most 7 as there are keys, got (3, 3).",
        ),
        (WHITE, (2,), ShapeError, "got (2,)."),
        (WHITE, 3, ShapeError, "got 3."),
    ],
    ids=["channels first", "normalised", "too large", "a path", "too many patches", "one number", "no pair"],
)
def test_what_is_no_image_or_grid_is_refused(
    image: Any, grid: Any, error: type[Exception], text: str
) -> None:
    """One error that says what to do."""
    with pytest.raises(error) as info:
        AttentionView(weights(7), image=image, grid=grid)
    assert text in str(info.value)


def test_a_picture_mixes_each_weight_with_the_pixels_of_its_patch(tmp_path: Path) -> None:
    """The last patch is the lower right one; the others are as pale as nothing is."""
    view = AttentionView(weights(7), image=WHITE, grid=(2, 3), cmap=["white", "black"])
    view.selection.query = 2
    svg = view.savefig(tmp_path / "image.svg").read_text(encoding="utf-8")
    assert ">over the image</text>" in svg and ">query 2</text>" in svg
    from nsm_widgets.export.picture._scene import Scene
    from nsm_widgets.export.picture.panels._image import ImagePicture
    from nsm_widgets.view.settings import Settings

    drawn: list[np.ndarray] = []

    class Canvas:
        theme = "light"
        ink = type("Ink", (), {"line": (0, 0, 0), "text": (0, 0, 0), "faint": (0, 0, 0)})

        def cells(self, texels: np.ndarray, box: Any) -> None:
            drawn.append(texels)

        def __getattr__(self, name: str) -> Any:
            return lambda *args, **options: 0

    picture = ImagePicture(panel_of(view), Scene(view.trace, {"query": 2}, Settings(cmap=view.cmap), "light"))
    picture.fit(300, 0, 0)
    picture.draw(Canvas(), 0, 0)  # type: ignore[arg-type]
    (pixels,) = drawn
    height, width, _ = pixels.shape
    assert abs(width / height - 1.5) < 0.02
    patches = [
        [pixels[(2 * r + 1) * height // 4, (2 * c + 1) * width // 6].tolist() for c in range(3)]
        for r in range(2)
    ]
    assert patches == [[[255] * 3] * 3, [[255] * 3, [255] * 3, [102] * 3]]
