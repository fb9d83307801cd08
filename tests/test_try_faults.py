"""The list of small faults: each can still be made, and a fault is put in and taken out as it was."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from scripts.faults import FAULTS, Fault
from scripts.try_faults import ROOT, applied, files_of, first_failed, place_of, row

FAULT = Fault("raster", "one too many", "a + 1", "a + 2", ("test_sum.py",))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what.replace(" ", "-"))
def test_each_fault_can_be_made(fault: Fault) -> None:
    """Its code stands once in the sources, becomes other code, and a test file that it names is there."""
    assert fault.code in place_of(ROOT, fault.code).read_text("utf-8")
    assert fault.faulty != fault.code
    assert files_of(ROOT, fault)


def test_there_are_five_in_each_of_six_rooms() -> None:
    """And none twice."""
    assert Counter(fault.room for fault in FAULTS) == dict.fromkeys(
        ("raster", "panels", "wire", "widgets", "export", "trace"), 5
    )
    assert len({fault.code for fault in FAULTS}) == len(FAULTS)


def write(root: Path, *files: str) -> None:
    """Files that all hold the code of the fault."""
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("b = a + 1\n")


def test_a_fault_is_taken_out_again(tmp_path: Path) -> None:
    """Wherever the file lies, and also when the tests break off."""
    write(tmp_path, "js/src/deep/sum.ts", "nsm_widgets/static/sum.py", "tests/sum.py")
    with pytest.raises(KeyboardInterrupt), applied(tmp_path, FAULT) as path:
        assert path == tmp_path / "js/src/deep/sum.ts"
        assert path.read_text() == "b = a + 2\n"
        raise KeyboardInterrupt
    assert path.read_text() == "b = a + 1\n"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ([], "got none: 'a \\+ 1'"),
        (["nsm_widgets/a.py", "js/src/b.ts"], "got 1 in nsm_widgets/a.py, 1 in js/src/b.ts: 'a \\+ 1'"),
    ],
    ids=["nowhere", "twice"],
)
def test_code_that_does_not_stand_once_is_refused(tmp_path: Path, files: list[str], told: str) -> None:
    """With the places, the code and what to do."""
    write(tmp_path, *files)
    with pytest.raises(LookupError, match=f"must stand once .* {told}. Let scripts/faults.py give it"):
        place_of(tmp_path, FAULT.code)


def test_test_files_are_found_in_any_folder(tmp_path: Path) -> None:
    """By their names; that there is none is refused."""
    with pytest.raises(LookupError, match="a fault must name a test file in .*, got test_sum.py"):
        files_of(tmp_path, FAULT)
    write(tmp_path, "tests/browser/deep/test_sum.py", "tests/node_modules/test_sum.py", "tests/test_sums.py")
    assert files_of(tmp_path, FAULT) == [tmp_path / "tests/browser/deep/test_sum.py"]


def test_the_first_failure_of_a_report_is_named() -> None:
    """Failed or broken off; a report of tests that passed names none."""
    passed = '<testcase classname="tests.a" name="one"/>'
    failed = '<testcase classname="tests.a" name="two"><failure message="2 | 3&#10;more"/></testcase>'
    broken = '<testcase classname="tests.a" name="three"><error>\n said \n</error></testcase>'

    def cases(*texts: str) -> list[ElementTree.Element]:
        return list(ElementTree.fromstring(f"<suite>{''.join(texts)}</suite>"))

    assert first_failed(cases(passed, passed)) == ("", "")
    assert first_failed(cases(passed, failed, broken)) == ("a · two", "2 | 3")
    assert first_failed(cases(broken)) == ("a · three", "said")


def test_a_bar_in_a_cell_ends_no_cell() -> None:
    """A row is Markdown."""
    assert row(1, "a | b") == r"| 1 | a \| b |"
