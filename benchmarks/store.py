"""What a store costs, against a plain Zarr array of one chunk for each step, measured in turns.

Run it as ``python -m benchmarks.store``. The memory is 128 × 20, float32, two batch items, 2,000 steps of
noise, which zstd cannot make smaller. Zarr's array is made by Zarr with its defaults but for the chunks.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import zarr

from nsm_widgets import Trace
from nsm_widgets.trace import StoreWriter

STEPS = 2000


def in_turns(
    ours: Callable[[int], object], peer: Callable[[int], object], repeats: int
) -> tuple[float, float]:
    """Median milliseconds of both, each run once to warm up; the repeat is passed on."""
    times: tuple[list[float], list[float]] = ([], [])
    for repeat in range(repeats + 1):
        for run, taken in zip((ours, peer), times, strict=True):
            start = time.perf_counter()
            run(repeat)
            if repeat:
                taken.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times[0]), statistics.median(times[1])


def appending(folder: Path) -> tuple[float, float]:
    """Microseconds of the caller for one step of four arrays: ``append``, and a list of copies."""
    step = {
        "memory": np.ones((1, 128, 20), np.float32),
        "read_weights": np.ones((1, 1, 128), np.float32),
        "write_weights": np.ones((1, 1, 128), np.float32),
        "read_vectors": np.ones((1, 1, 20), np.float32),
    }
    ours: list[float] = []
    plain: list[float] = []
    kept: list[dict[str, np.ndarray]] = []
    with StoreWriter(folder / "appending", commit_every_s=0.5) as store:
        for _ in range(3000):
            start = time.perf_counter()
            store.append(step)
            middle = time.perf_counter()
            kept.append({name: values.copy() for name, values in step.items()})
            ours.append(middle - start)
            plain.append(time.perf_counter() - middle)
            time.sleep(0.0005)  # the model's own step; a thread that only waits for a core says nothing
    assert store.committed == 3000
    return statistics.median(ours) * 1e6, statistics.median(plain) * 1e6


def verifying(folder: Path, values: np.ndarray) -> list[tuple[str, float, float]]:
    """Milliseconds of opening and reading all, with checksums and with ``verify=False``."""
    big = np.tile(values, (3, 1, 1, 1))
    Trace.from_arrays({"memory": big}).save(folder / "file")
    found = []
    for what, path, options in (
        ("file", folder / "file", {}),
        ("file, mapped", folder / "file", {"mmap": True}),
        ("store", folder / "ours", {}),
    ):

        def read(_: int, verify: bool, path: Path = path, options: dict[str, bool] = options) -> None:
            np.asarray(Trace.open(path, verify=verify, **options)["memory"].values).copy()

        def open_it(_: int, verify: bool, path: Path = path, options: dict[str, bool] = options) -> None:
            Trace.open(path, verify=verify, **options)

        for doing, run in ((f"open the {what}", open_it), (f"read the {what}", read)):
            times = in_turns(partial(run, verify=True), partial(run, verify=False), 7)
            found.append((doing, *times))
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        values = np.random.default_rng(0).standard_normal((STEPS, 2, 128, 20)).astype(np.float32)
        Trace.from_arrays({"memory": values}).to_zarr(folder / "ours")
        plain = zarr.create_array(
            folder / "plain", shape=values.shape, chunks=(1, 2, 128, 20), dtype="f4", compressors="auto"
        )
        plain[:] = values
        peer = zarr.open_array(folder / "plain", mode="r")
        memory = Trace.open(folder / "ours")["memory"]
        view = in_turns(
            lambda turn: memory.isel(time=(turn * 131) % STEPS, batch=0).values,
            lambda turn: peer[(turn * 131) % STEPS, 0],
            40,
        )
        slot = in_turns(lambda turn: memory.isel(batch=0, slot=turn).values, lambda turn: peer[:, 0, turn], 5)
        opened = in_turns(
            lambda _: Trace.open(folder / "ours"), lambda _: zarr.open_array(folder / "plain"), 20
        )
        files = [sum(path.is_file() for path in (folder / which).rglob("*")) for which in ("ours", "plain")]
        print(f"{'':<34}{'ours':>10}{'one chunk a step':>20}{'ratio':>8}")
        for what, (mine, theirs) in (
            ("one step, ms", view),
            ("one slot, 2,000 steps, ms", slot),
            ("open, ms", opened),
        ):
            print(f"{what:<34}{mine:>10.2f}{theirs:>20.2f}{mine / theirs:>8.3f}")
        print(f"{'files':<34}{files[0]:>10}{files[1]:>20}{files[0] / files[1]:>8.3f}")
        for what, mine, theirs in verifying(folder, values):
            print(f"{what + ', ms (verify=False)':<34}{mine:>10.2f}{theirs:>20.2f}{mine / theirs:>8.2f}")
        mine, theirs = appending(folder)
        print(f"{'caller, one step, µs (a copy)':<34}{mine:>10.1f}{theirs:>20.1f}{mine / theirs:>8.2f}")


if __name__ == "__main__":
    main()
