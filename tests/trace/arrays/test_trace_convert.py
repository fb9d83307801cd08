"""Anything array-like becomes an exact NumPy array of its own, or is refused with a remedy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

from nsm_widgets._errors import DtypeError, ShapeError
from nsm_widgets.trace.arrays._convert import to_numpy, to_readonly

TORCH_DTYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.uint16,
    torch.uint32,
    torch.uint64,
    torch.bool,
]


class JaxLike:
    """Has ``__array__`` and nothing else."""

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return np.arange(3.0)


class Broken:
    """Has an ``__array__`` that fails."""

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        raise RuntimeError("deleted buffer")


@pytest.mark.parametrize("dtype", TORCH_DTYPES, ids=str)
def test_every_real_torch_dtype_is_exact(dtype: torch.dtype) -> None:
    """Each value comes out as torch itself prints it; what NumPy has no type for is widened, and said so."""
    tensor = torch.tensor([[0.0, 1.0, 2.0], [3.0, 0.0, 1.0]]).to(dtype)
    array, source_dtype = to_numpy(tensor, "x")
    assert array.tolist() == tensor.to(torch.float64).tolist()
    widened = dtype in (torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2)
    assert source_dtype == (str(dtype) if widened else None)
    assert str(array.dtype) == ("float32" if widened else str(dtype).removeprefix("torch."))


def test_every_bfloat16_is_exact() -> None:
    """All 65,536 bfloat16 bit patterns keep their value, NaN and infinities included."""
    bits = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16)
    tensor = bits.view(torch.bfloat16)
    array, _ = to_numpy(tensor, "x")
    expected = (bits.to(torch.int32).numpy().astype(np.uint32) << 16).view(np.float32)
    np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**53 + 1], ids=str)
def test_int64_is_not_rounded(number: int) -> None:
    """64-bit integers never pass through a float."""
    assert to_numpy(torch.tensor([number]), "x")[0].tolist() == [number]
    assert to_numpy([number], "x")[0].tolist() == [number]


def test_uint64_is_not_rounded() -> None:
    """The largest unsigned integer stays itself."""
    assert to_numpy(np.array([2**64 - 1], np.uint64), "x")[0].tolist() == [2**64 - 1]


@pytest.mark.parametrize(
    "value",
    [
        torch.arange(6.0).reshape(2, 3),
        torch.arange(6.0, requires_grad=True).reshape(2, 3),
        torch.nn.Parameter(torch.arange(6.0).reshape(2, 3)),
        torch.arange(6.0).reshape(3, 2).T.contiguous().T.T.reshape(2, 3).new_tensor([[0, 1, 2], [3, 4, 5]]),
        torch.arange(12.0).reshape(2, 6)[:, ::2] / 2 + torch.tensor([[0.0], [0.0]]),
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(6, dtype=">f8").reshape(2, 3),
        np.arange(12.0).reshape(2, 6)[:, ::2] / 2,
        [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]],
        ((0, 1, 2), (3, 4, 5)),
        [torch.arange(3.0), torch.arange(3.0, 6.0)],
        (np.arange(3.0), range(3, 6)),
        [[torch.tensor(0.0), 1, 2], np.arange(3.0, 6.0)],
    ],
    ids=[
        "tensor",
        "grad",
        "parameter",
        "new",
        "strided",
        "array",
        "fortran",
        "big-endian",
        "strided-array",
        "list",
        "tuple",
        "list-of-tensors",
        "array-and-range",
        "scalar-tensors",
    ],
)
def test_accepted(value: object) -> None:
    """Every regular form gives the same numbers, C-ordered and native."""
    array, _ = to_numpy(value, "x")
    assert array.shape == (2, 3)
    assert array.flags.c_contiguous
    assert array.dtype.isnative
    expected = np.arange(6.0).reshape(2, 3)
    if isinstance(value, torch.Tensor):
        expected = value.detach().numpy()
    elif isinstance(value, np.ndarray):
        expected = value
    np.testing.assert_array_equal(array, expected)


def test_negative_bit_and_transposed_views() -> None:
    """Lazy negation and strides are resolved."""
    tensor = torch.complex(torch.zeros(2, 3), torch.arange(6.0).reshape(2, 3)).conj().imag.T
    np.testing.assert_array_equal(to_numpy(tensor, "x")[0], -np.arange(6.0).reshape(2, 3).T)


def test_scalars() -> None:
    """Single numbers become arrays without axes."""
    for value in (3, 3.0, np.float32(3), torch.tensor(3.0)):
        array, _ = to_numpy(value, "x")
        assert array.shape == ()
        assert array == 3


def test_array_protocol() -> None:
    """Foreign arrays come in through ``__array__``."""
    assert to_numpy(JaxLike(), "x")[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("make", [np.ones, torch.ones], ids=["numpy", "torch"])
def test_changing_the_source_changes_nothing(make: object) -> None:
    """The array is a copy, also of each item of a list."""
    source = make((2, 2))  # type: ignore[operator]
    array, listed = to_numpy(source, "x")[0], to_numpy([source, source], "x")[0]
    source[:] = 7
    assert array.max() == 1
    assert listed.max() == 1


def test_readonly_takes_only_what_nobody_can_write() -> None:
    """A read-only view of a writeable array is copied; a read-only array is taken as it is."""
    source = np.ones(3)
    view = source.view()
    view.flags.writeable = False
    taken, _ = to_readonly(view, "x")
    source[:] = 7
    assert taken.tolist() == [1, 1, 1]
    assert to_readonly(taken, "x")[0] is taken
    with pytest.raises(ValueError, match="read-only"):
        taken[0] = 2


def _quantized() -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # quantized tensors are deprecated in torch itself
        return torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)


def _nested() -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged)


def _sparse_csr() -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.eye(2).to_sparse_csr()


BAD = {
    "none": (lambda: None, DtypeError, r"x must be an array or a tensor, got None"),
    "text": (lambda: "abc", DtypeError, r"x must be an array or a tensor, got str 'abc'"),
    "dict": (lambda: {"a": 1}, DtypeError, r"x must be an array or a tensor, got dict"),
    "object": (lambda: np.array([None, 1]), DtypeError, r"x must hold numbers, got object"),
    "strings": (
        lambda: np.array(["a"]),
        DtypeError,
        r"x must hold numbers, got <U1\. Labels belong into coords",
    ),
    "string-in-list": (lambda: [1.0, "b"], DtypeError, r"x\[1\] must be an array or a tensor, got str 'b'"),
    "none-in-list": (lambda: [torch.ones(2), None], DtypeError, r"x\[1\] must be .*, got None"),
    "dates": (lambda: np.array(["2020-01-01"], "M8[D]"), DtypeError, r"x must hold numbers, got datetime64"),
    "durations": (lambda: np.array([1], "m8[s]"), DtypeError, r"x must hold numbers, got timedelta64"),
    "masked": (
        lambda: np.ma.array([1.0], mask=[True]),
        DtypeError,
        r"got a masked one.*x\.filled\(np\.nan\)",
    ),
    "complex": (
        lambda: np.ones(2, complex),
        DtypeError,
        r"x must be real, got complex128\. Pass its absolute value",
    ),
    "complex-tensor": (
        lambda: torch.ones(2, dtype=torch.cfloat),
        DtypeError,
        r"x must be real, got torch\.complex64",
    ),
    "longdouble": (lambda: np.ones(2, np.longdouble), DtypeError, r"x must be float16, float32 or float64"),
    "meta": (
        lambda: torch.ones(2, device="meta"),
        DtypeError,
        r"x must hold values, got a tensor on the meta device",
    ),
    "sparse": (
        lambda: torch.eye(2).to_sparse(),
        DtypeError,
        r"x must be a dense tensor.*Pass x\.to_dense\(\)",
    ),
    "sparse-csr": (_sparse_csr, DtypeError, r"got layout sparse_csr\. Pass x\.to_dense\(\)"),
    "quantized": (_quantized, DtypeError, r"got a quantized tensor\. Pass x\.dequantize\(\)"),
    "nested": (_nested, DtypeError, r"got layout nested\. Pass x\.to_padded_tensor"),
    "broken": (Broken, DtypeError, r"got Broken, which does not turn into an array: deleted buffer"),
    "empty-array": (lambda: np.ones((2, 0)), ShapeError, r"x must not be empty, got shape \(2, 0\)"),
    "empty-tensor": (lambda: torch.ones(0, 3), ShapeError, r"x must not be empty, got shape \(0, 3\)"),
    "empty-list": (list, ShapeError, r"x must not be empty, got \[\]"),
    "ragged": (
        lambda: [[1, 2], [3]],
        ShapeError,
        r"x must be regular: x\[0\] has shape \(2,\), x\[1\] has shape \(1,\)",
    ),
    "ragged-tensors": (
        lambda: [torch.ones(2), torch.ones(3)],
        ShapeError,
        r"x\[1\] has shape \(3,\)\. Pad them",
    ),
    "huge-int": (lambda: [2**70], DtypeError, r"x must hold numbers, got object"),
    "lossy-list": (lambda: [2**53 + 1, 0.5], DtypeError, r"x\[0\] must fit into float64 exactly"),
    "lossy-arrays": (
        lambda: [np.array([2**53 + 1]), np.array([0.5])],
        DtypeError,
        r"int64 of x\[0\] does not fit into float64",
    ),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_refused(case: tuple[Any, ...]) -> None:
    """What cannot be recorded exactly is refused, with its name, the rule and a remedy."""
    make, error, message = case
    with pytest.raises(error, match=message):
        to_numpy(make(), "x")


@given(
    hnp.arrays(
        st.one_of(
            hnp.floating_dtypes(sizes=(16, 32, 64)), hnp.integer_dtypes(), hnp.unsigned_integer_dtypes()
        ),
        hnp.array_shapes(max_dims=4, max_side=3),
    )
)
def test_bits_are_kept(array: np.ndarray) -> None:
    """Every bit of every value survives, whatever the byte order, NaN payloads included."""
    copy, source_dtype = to_numpy(array, "x")
    assert source_dtype is None
    assert copy.tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()
