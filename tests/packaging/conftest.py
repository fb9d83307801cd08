"""Distributions are built once, from a copy of what git would check out and of the built bundle."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
STATIC = Path("nsm_widgets", "widgets", "static")


def tracked_files() -> list[Path]:
    """What a fresh clone would hold, uncommitted changes included, relative to the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [Path(name) for name in listed.split("\0") if name and (REPOSITORY / name).is_file()]


def build(
    source: Path, out: Path, *targets: str, path: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the build front end; ``path`` replaces the search path for programs."""
    environment = os.environ | ({} if path is None else {"PATH": path})
    return subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", *targets, "--outdir", str(out), str(source)],
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the working tree, with the bundle."""
    copy = tmp_path_factory.mktemp("source") / "nsm_widgets"
    for name in tracked_files():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, copy / name)
    shutil.copytree(REPOSITORY / STATIC, copy / STATIC, dirs_exist_ok=True)
    return copy


@pytest.fixture(scope="session")
def sdist(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sdist")
    result = build(source, out, "--sdist")
    assert result.returncode == 0, result.stdout + result.stderr
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="session")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the unpacked sdist, where no Node.js can be found: a user of the sdist needs none."""
    unpacked = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["tar", "-xf", sdist, "-C", unpacked], check=True)
    (folder,) = unpacked.iterdir()
    empty = tmp_path_factory.mktemp("empty-path")
    out = tmp_path_factory.mktemp("wheel")
    result = build(folder, out, "--wheel", path=str(empty))
    assert result.returncode == 0, result.stdout + result.stderr
    (built,) = out.iterdir()
    return built
