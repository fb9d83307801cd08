"""Do the tests of a room notice small faults? Makes those of ``faults.py`` in a copy of a checkout.

Use: ``python scripts/try_faults.py [--only 3,7] [--room wire] [--checkout folder] [--baseline]``.

The checkout, this one if not named, must be set up (``make setup``). It stays as it is: what git does not
ignore is copied, and packages are used from where they lie. For each fault one place of the copied sources is
changed, the bundle is built again where that is the page's code, and the test files that should notice it run
until the first test fails. A row of a table says which one that was, and how many seconds the tests took.
Ends with 1 if a fault is missed. A test that fails anyway seems to notice everything: ``--baseline`` tells.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from xml.etree import ElementTree

from scripts.faults import FAULTS, Fault

ROOT = Path(__file__).parents[1]
SOURCES, SUFFIXES = ("nsm_widgets", "js/src"), (".py", ".ts", ".css")
TESTS = ("tests", "js/tests")
PACKAGES = ("js/node_modules", "tests/vscode/js/node_modules")
BUILT = {"node_modules", "static"}
# what would lead to another Python than the copy's, or to other packages
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "JUPYTER_PATH", "NODE_PATH", "NODE_OPTIONS")
# as `make test` sets it
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
SHOWN_LINES = 30


class BrokenRunError(Exception):
    """Tests or a build ended otherwise than by passing or failing."""


class Outcome(NamedTuple):
    """What a run of tests came to."""

    failed: str = ""
    """The first test that failed; empty if none did."""
    why: str = ""
    """The first line of what it said."""
    passed: int = 0
    """How many tests passed."""
    seconds: float = 0.0


def files_in(root: Path, folders: Sequence[str]) -> Iterator[Path]:
    """Every file of these folders that nobody built."""
    for folder in folders:
        for parent, names, files in os.walk(root / folder):
            names[:] = sorted(set(names) - BUILT)
            yield from (Path(parent, file) for file in sorted(files))


def place_of(root: Path, code: str) -> Path:
    """The one source file that holds this code, once.

    Raises:
        LookupError: If there is none, or more than one place.
    """
    sources = [path for path in files_in(root, SOURCES) if path.suffix in SUFFIXES]
    counts = {path: count for path in sources if (count := path.read_text("utf-8").count(code))}
    if list(counts.values()) != [1]:
        found = ", ".join(f"{count} in {path.relative_to(root)}" for path, count in counts.items())
        raise LookupError(
            f"a fault's code must stand once in {' and '.join(SOURCES)}, got {found or 'none'}: {code!r}. "
            "Let scripts/faults.py give it as it reads now."
        )
    return next(iter(counts))


def files_of(root: Path, fault: Fault) -> list[Path]:
    """The test files that a fault names, wherever they lie; names that another commit has are passed over.

    Raises:
        LookupError: If there is none of them.
    """
    found = [path for path in files_in(root, TESTS) if path.name in fault.tests]
    if not found:
        raise LookupError(
            f"a fault must name a test file in {' or '.join(TESTS)}, got {', '.join(fault.tests)}. "
            "Let scripts/faults.py name one that is there."
        )
    return found


class Copy:
    """A copy of a checkout, with an environment whose nsm_widgets is the copy's, and all else the checkout's.

    Args:
        checkout: Where to copy from.
        folder: Where to; must be empty.
    """

    def __init__(self, checkout: Path, folder: Path) -> None:
        self.root = folder
        self._report = folder / ".report.xml"
        self._bundled: str | None = None
        """Which code of the page was another one when the bundle was built, if it was built."""
        for name in filter(None, self._run("git", "-C", checkout, *_LISTED).stdout.split("\0")):
            if (checkout / name).is_file():  # else removed there, and not yet committed
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(checkout / name, folder / name)
        for name in PACKAGES:
            (folder / name).symlink_to(checkout / name)
        self._make_venv(checkout / ".venv", folder / ".venv")

    def _make_venv(self, theirs: Path, ours: Path) -> None:
        python = theirs / "bin" / "python"
        if not python.is_file():
            raise FileNotFoundError(f"{theirs} must be there, and is not. Run 'make setup' beside it.")
        self._check(self._run(python, "-m", "venv", "--without-pip", ours))
        (packages,) = theirs.glob("lib/python3*/site-packages")
        lines = [str(self.root), f"import site; site.addsitedir({str(packages)!r})"]
        (ours / packages.relative_to(theirs) / "copy.pth").write_text("\n".join(lines) + "\n", "utf-8")
        (ours / "etc").symlink_to(theirs / "etc")
        # Jupyter's files, but for our extension of JupyterLab, which is built here
        jupyter, extensions = Path("share/jupyter"), Path("share/jupyter/labextensions")
        (ours / extensions).mkdir(parents=True)
        for path in (*(theirs / jupyter).iterdir(), *(theirs / extensions).iterdir()):
            if path.name not in ("labextensions", "nsm_widgets"):
                (ours / path.relative_to(theirs)).symlink_to(path)
        built = self.root / "nsm_widgets" / "widgets" / "static" / "labextension"
        (ours / extensions / "nsm_widgets").symlink_to(built)

    def try_tests(self, files: Sequence[Path], changed: str = "") -> Outcome:
        """Run these test files until one test fails, those of the page's code in node first.

        Args:
            files: Of the copy.
            changed: The code of the page that is another one now; empty where all of it is as it was.

        Raises:
            BrokenRunError: If what ends the run is no test that fails.
        """
        in_node = [path.relative_to(self.root / "js") for path in files if path.suffix == ".ts"]
        others = [path for path in files if path.suffix == ".py"]
        outcome = Outcome()
        if in_node:
            vitest = ("npm", "--prefix", "js", "run", "test", "--", "--bail=1", "--reporter=junit")
            outcome = self._try(outcome, *vitest, f"--outputFile={self._report}", *in_node)
        if others and not outcome.failed:
            if changed != self._bundled:
                self._bundled = None
                self._check(self._run("npm", "--prefix", "js", "run", "build"))
                self._bundled = changed
            pytest = (self.root / ".venv/bin/python", "-m", "pytest", "-xq", "-p", "no:cacheprovider")
            outcome = self._try(outcome, *pytest, f"--junitxml={self._report}", *others)
        return outcome

    def _try(self, before: Outcome, *command: object) -> Outcome:
        self._report.unlink(missing_ok=True)
        started = time.monotonic()
        ended = self._run(*command)
        seconds = before.seconds + time.monotonic() - started
        report = ElementTree.parse(self._report) if self._report.is_file() else ElementTree.ElementTree()
        cases = list(report.iter("testcase")) if report.getroot() is not None else []
        failed, why = first_failed(cases)
        if not cases or ended.returncode != bool(failed):
            raise BrokenRunError(_told(ended))
        return Outcome(failed, why, before.passed + len(cases) - bool(failed), seconds)

    def _run(self, *command: object) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if name not in FOREIGN} | OFFLINE
        words = list(map(str, command))
        return subprocess.run(words, cwd=self.root, env=env, check=False, text=True, capture_output=True)

    def _check(self, ended: subprocess.CompletedProcess[str]) -> None:
        if ended.returncode:
            raise BrokenRunError(_told(ended))


_LISTED = ("ls-files", "--cached", "--others", "--exclude-standard", "-z")


def _told(ended: subprocess.CompletedProcess[str]) -> str:
    last = "\n".join((ended.stdout + ended.stderr).splitlines()[-SHOWN_LINES:])
    return f"{' '.join(ended.args)} ended with {ended.returncode}:\n{last}"


def first_failed(cases: Sequence[ElementTree.Element]) -> tuple[str, str]:
    """The first test of a JUnit report that failed, and the first line of why; both empty if none did."""
    for case in cases:
        for problem in (*case.iter("failure"), *case.iter("error")):
            said = (problem.get("message") or problem.text or "").strip().splitlines()
            name = f"{case.get('classname', '').removeprefix('tests.')} · {case.get('name')}"
            return name, said[0] if said else ""
    return "", ""


@contextmanager
def applied(root: Path, fault: Fault) -> Iterator[Path]:
    """Within the block the sources have the fault; gives the file that it is in."""
    path = place_of(root, fault.code)
    text = path.read_text("utf-8")
    path.write_text(text.replace(fault.code, fault.faulty), "utf-8")
    try:
        yield path
    finally:
        path.write_text(text, "utf-8")


def row(*cells: object) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def try_faults(copy: Copy, faults: dict[int, Fault]) -> int:
    """Try each fault, print a row for it, and give the number of those that no test noticed."""
    files = {number: files_of(copy.root, fault) for number, fault in faults.items()}
    print(row("#", "room", "fault", "noticed by", "s"))
    print(row("--:", "---", "---", "---", "--:"), flush=True)
    missed, seconds = 0, 0.0
    for number, fault in faults.items():
        with applied(copy.root, fault) as path:
            outcome = copy.try_tests(files[number], fault.code if path.suffix != ".py" else "")
        missed += not outcome.failed
        seconds += outcome.seconds
        noticed = outcome.failed or f"**none of {outcome.passed} tests**"
        print(row(number, fault.room, fault.what, noticed, f"{outcome.seconds:.0f}"), flush=True)
        print(f"{number}: {outcome.why[:160]}", file=sys.stderr, flush=True)
    print(f"\n{len(faults) - missed} of {len(faults)} noticed, in {seconds:.0f} s.")
    return missed


def try_without(copy: Copy, faults: dict[int, Fault]) -> bool:
    """Run the same test files without a fault; whether all tests pass."""
    outcome = copy.try_tests(
        sorted({path for fault in faults.values() for path in files_of(copy.root, fault)})
    )
    if outcome.failed:
        print(f"without a fault, {outcome.failed} fails: {outcome.why}")
    else:
        print(f"without a fault, {outcome.passed} tests pass in {outcome.seconds:.0f} s\n", flush=True)
    return not outcome.failed


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="numbers of faults, as 3,7")
    parser.add_argument("--room", default="", choices=sorted({fault.room for fault in FAULTS}))
    parser.add_argument("--checkout", type=Path, default=ROOT)
    parser.add_argument("--baseline", action="store_true", help="first the same test files without a fault")
    options = parser.parse_args()
    only = {int(number) for number in options.only.split(",") if number}
    faults = {
        number: fault
        for number, fault in enumerate(FAULTS, 1)
        if number in (only or {number}) and fault.room in (options.room or fault.room)
    }
    with TemporaryDirectory(prefix="faults-") as folder:
        copy = Copy(options.checkout.resolve(), Path(folder).resolve())
        for fault in faults.values():
            place_of(copy.root, fault.code)  # all of them, before the first takes its time
        if options.baseline and not try_without(copy, faults):
            return 1
        return int(try_faults(copy, faults) > 0)


if __name__ == "__main__":
    sys.exit(main())
