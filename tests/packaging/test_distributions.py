"""What is published: the files in it, and that it works alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.packaging.conftest import REPOSITORY, STATIC, build

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf8"))["project"]

EMBEDDED = ("embed.js", "embed-controls.css", "embed-icons.css", "embed-page.css")
BUNDLE = ("loader.js", "index.js", "data.js", "style.css", *EMBEDDED, "LICENSES.txt")
NEEDED = {f"nsm_widgets/widgets/static/{name}" for name in BUNDLE} | {
    "nsm_widgets/__init__.py",
    "nsm_widgets/axes.json",
    "nsm_widgets/export/templates/nsm_html/conf.json",
    "nsm_widgets/export/templates/nsm_html/index.html.j2",
    "nsm_widgets/ntm/checkpoints/associative-recall.safetensors",
    "nsm_widgets/ntm/checkpoints/ngrams.safetensors",
    "nsm_widgets/ntm/checkpoints/priority-sort.safetensors",
    "nsm_widgets/ntm/checkpoints/repeat-copy.safetensors",
    "nsm_widgets/dnc/checkpoints/copy.safetensors",
    "nsm_widgets/nsm/checkpoints/marked_copy.safetensors",
    "nsm_widgets/ntm/checkpoints/copy.safetensors",
    "nsm_widgets/py.typed",
    "nsm_widgets/view/colormaps.json",
}
HEAVY = ("torch", "pandas", "matplotlib", "bqplot", "zarr", "xarray", "transformers", "IPython")


def wheel_files(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def sdist_files(sdist: Path) -> set[str]:
    with tarfile.open(sdist) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """Python, bundle, checkpoint, colours, licence; no tests, no sources of the bundle."""
    files = wheel_files(wheel)
    assert files >= NEEDED
    info, data = (f"nsm_widgets-{PROJECT['version']}.{kind}" for kind in ("dist-info", "data"))
    assert f"{info}/licenses/LICENSE" in files
    assert {name.partition("/")[0] for name in files} == {"nsm_widgets", info, data}
    assert wheel.name == f"nsm_widgets-{PROJECT['version']}-py3-none-any.whl"


def test_the_wheel_puts_the_extension_where_jupyterlab_looks(wheel: Path) -> None:
    """Its package.json names a script that is there, and the package does not carry it a second time."""
    place = f"nsm_widgets-{PROJECT['version']}.data/data/share/jupyter/labextensions/nsm_widgets"
    with zipfile.ZipFile(wheel) as archive:
        about = json.loads(archive.read(f"{place}/package.json"))
        script = archive.read(f"{place}/{about['jupyterlab']['_build']['load']}").decode()
    assert (about["name"], about["version"]) == ("nsm_widgets", PROJECT["version"])
    assert "_JUPYTERLAB" in script
    assert not [name for name in wheel_files(wheel) if "static/labextension" in name]


def test_the_wheel_tells_where_its_command_and_exporter_are(wheel: Path) -> None:
    """`nsm-widgets`, and `jupyter nbconvert --to nsm_html`."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        points = archive.read(name).decode()
    assert "nsm-widgets = nsm_widgets.cli:main" in points
    assert "nsm_html = nsm_widgets.export.page._nbconvert:NsmHTMLExporter" in points


def test_every_python_file_is_in_the_wheel(source: Path, wheel: Path) -> None:
    """None is lost, none is stale."""
    written = {str(path.relative_to(source)) for path in source.glob("nsm_widgets/**/*.py")}
    assert {name for name in wheel_files(wheel) if name.endswith(".py")} == written


def test_the_sdist_holds_what_the_wheel_is_made_of(sdist: Path) -> None:
    """Also the TypeScript that the bundle was built from; no tests, nothing installed."""
    files = sdist_files(sdist)
    assert files >= NEEDED | {"LICENSE", "README.md", "pyproject.toml", "hatch_build.py", "js/src/index.ts"}
    assert not [name for name in files if "node_modules" in name or name.startswith(("tests", ".venv"))]


def test_the_metadata_is_that_of_the_project(wheel: Path) -> None:
    """Version, licence and lowest Python come from pyproject.toml."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    assert metadata["Name"] == PROJECT["name"]
    assert metadata["Version"] == PROJECT["version"]
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Requires-Python"] == PROJECT["requires-python"]
    assert set(metadata.get_all("Provides-Extra", [])) == set(PROJECT["optional-dependencies"])


CHECK = """
import json, sys
import nsm_widgets
after_import = sorted(sys.modules)
model = nsm_widgets.load_pretrained("copy")
selection = nsm_widgets.widgets.Selection()
print(json.dumps({
    "version": nsm_widgets.__version__,
    "file": nsm_widgets.__file__,
    "loaded": after_import,
    "code": len(selection._code),
    "slots": model.config.memory_size,
}))
"""


def test_the_installed_wheel_works_alone(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own it imports light, knows its version, finds its checkpoint and bundle."""
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    site = environment / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        str(wheel),
    ]
    subprocess.run(install, check=True)
    # its dependencies are those of the environment that runs the tests: gigabytes need not come twice
    path = f"{site}{os.pathsep}{sysconfig.get_paths()['purelib']}"
    result = subprocess.run(
        [python, "-c", CHECK],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert seen["version"] == PROJECT["version"]
    assert Path(seen["file"]).is_relative_to(site)
    assert not set(HEAVY) & set(seen["loaded"])
    assert seen["code"] > 10_000
    assert seen["slots"] > 1


@pytest.mark.parametrize("missing", ["index.js", "data.js", "style.css", "embed.js", "LICENSES.txt"])
def test_nothing_is_built_without_the_bundle(source: Path, tmp_path: Path, missing: str) -> None:
    """A wheel whose widgets would stay blank is refused, and the message says how to build the bundle."""
    copy = tmp_path / "source"
    shutil.copytree(source, copy)
    (copy / STATIC / missing).unlink()
    result = build(copy, tmp_path / "out", "--wheel")
    assert result.returncode != 0
    assert f"must hold the built bundle, and it lacks {missing}" in result.stdout + result.stderr
    assert "make build" in result.stdout + result.stderr
