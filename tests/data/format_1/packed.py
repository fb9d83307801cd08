"""The folders that lie here, packed: ``disk.tar.xz.0``. ``cat disk.tar.xz.* | tar xJ`` unpacks one."""

from __future__ import annotations

import io
import lzma
import tarfile
from pathlib import Path

HERE = Path(__file__).parent
PART_BYTES = 500_000


def pack(folder: Path, name: str) -> None:
    """All that lies in a folder, in order and without dates, in files that are none too large."""

    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.mtime = info.uid = info.gid = 0
        info.uname = info.gname = ""
        return info

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name, filter=plain)
    packed = lzma.compress(buffer.getvalue(), preset=9 | lzma.PRESET_EXTREME)
    for old in HERE.glob(f"{name}.tar.xz.*"):
        old.unlink()
    for number, start in enumerate(range(0, len(packed), PART_BYTES)):
        (HERE / f"{name}.tar.xz.{number}").write_bytes(packed[start : start + PART_BYTES])


def unpack(name: str, folder: Path) -> Path:
    """The folder, as it was packed."""
    packed = b"".join(part.read_bytes() for part in sorted(HERE.glob(f"{name}.tar.xz.*")))
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(packed))) as archive:
        archive.extractall(folder, filter="data")
    return folder
