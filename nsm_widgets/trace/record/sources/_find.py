"""What a recorder knows within a model: memories, attention, Hugging Face's models, adapted modules."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.record._boundary import Boundary
from nsm_widgets.trace.record._given_back import GivenBack
from nsm_widgets.trace.record._hooks import Owner, without_numbers
from nsm_widgets.trace.record._listening import Args, Kwargs
from nsm_widgets.trace.record._naming import expect_names
from nsm_widgets.trace.record._replicas import replicating
from nsm_widgets.trace.record._select import Select
from nsm_widgets.trace.record.sources._adapter import Adapter, adapter_of, nearest
from nsm_widgets.trace.record.sources._adapter_source import AdapterSource
from nsm_widgets.trace.record.sources._blocks import place_of
from nsm_widgets.trace.record.sources._dnc import DNC_ADAPTER
from nsm_widgets.trace.record.sources._fused import FusedSource
from nsm_widgets.trace.record.sources._multihead import AttentionSource
from nsm_widgets.trace.record.sources._nsm import COMMUNICATION, MANAGER, PROPAGATOR, ROUTER
from nsm_widgets.trace.record.sources._ntm import MemorySource
from nsm_widgets.trace.record.sources._owned import OwnedSource
from nsm_widgets.trace.record.sources._source import Known, Source
from nsm_widgets.trace.record.sources.hugging_face._cache import CACHES
from nsm_widgets.trace.record.sources.hugging_face._given import is_hugging_face
from nsm_widgets.trace.record.sources.hugging_face._hugging_face import HuggingFaceSource

if TYPE_CHECKING:
    from torch import nn


def own_adapters() -> dict[type, Adapter]:
    """Those of this package's modules, but for the NTM's memory; the models are loaded here."""
    from nsm_widgets.dnc import DNCAccess
    from nsm_widgets.nsm import StateCommunication, StateManager, StatePropagator, TokenToStateRouter

    return {
        DNCAccess: DNC_ADAPTER,
        TokenToStateRouter: ROUTER,
        StateCommunication: COMMUNICATION,
        StatePropagator: PROPAGATOR,
        StateManager: MANAGER,
    }


def find_sources(
    model: nn.Module,
    select: Select,
    adapters: Mapping[type, Adapter],
    repeated: str,
    *,
    tokenizer: object = None,
    recompute: bool = False,
) -> list[Source]:
    """Everything in a model that is known and selected.

    Raises:
        RecordingError: If there is nothing known, or nothing of it is selected.
    """
    modules = _modules(model)
    stepwise = _memories(modules, adapters) + _adapted(modules, adapters)
    attention = _attention(modules, repeated) + _hugging_face(modules, tokenizer, recompute)
    if recompute:
        attention += _fused(modules, repeated)
    found = stepwise + attention
    known = Known(stepwise, attention)
    for source in found:
        source.known = known
    expect_names(known)
    if not found:
        raise RecordingError(
            f"{type(model).__name__} holds nothing that a TraceRecorder knows: it knows nsm_widgets.ntm.NTM, "
            "NTMMemory and MemoryAccess, "
            "nsm_widgets.dnc.DNC, nsm_widgets.nsm.NeuralStateMachine and its parts, "
            "torch.nn.MultiheadAttention, and transformers' models. Attention that calls "
            "scaled_dot_product_attention itself? TraceRecorder(model, recompute=True). For a module of "
            "your own say what a call of it holds: adapters={Type: lambda module, args, kwargs, output: "
            "{'memory': module.memory}}; or pass tensors to Trace.from_arrays or Trace.from_attentions."
        )
    chosen = []
    for source in found:
        source.choose(select)
        if not source.names() or any(source.wants(name) for name in source.names()):
            chosen.append(source)
    if not chosen:
        told = ", ".join(f"{source.path or type(model).__name__}" for source in found)
        raise RecordingError(
            f"select={str(select)!r} matches nothing that is known of {type(model).__name__}: {told}. "
            "Select paths of modules, names of arrays or types of modules."
        )
    led: list[Any] = []
    for index, source in enumerate(chosen):
        source.index = index
        if isinstance(source, OwnedSource) and source.owner is not None:
            source.leads = not any(source.owner.module is module for module in led)
            led.append(source.owner.module)
    return chosen


def _memories(modules: dict[str, Any], adapters: Mapping[type, Adapter]) -> list[Source]:
    """Memories and parts of a machine, with the model around them; of a memory where it has just one."""
    from nsm_widgets.dnc import DNC, DNCAccess
    from nsm_widgets.nsm import NeuralStateMachine
    from nsm_widgets.ntm.access import MemoryAccess
    from nsm_widgets.ntm.model import NTM

    sequences = {NTM: ("input", "output"), DNC: ("input", "output"), NeuralStateMachine: ("output",)}
    owners = {path: _owner(path, modules, sequences) for path in modules}
    memories = Counter(
        owners[path] for path, module in modules.items() if isinstance(module, (MemoryAccess, DNCAccess))
    )
    table = own_adapters()
    sources: list[Source] = []
    for path, module in modules.items():
        adapter = nearest(module, table)
        owner, is_memory = owners[path], isinstance(module, (MemoryAccess, DNCAccess))
        if is_memory and memories[owner] > 1:
            owner = None
        # the one memory of an NTM or a DNC goes by the path of the whole; a machine has more parts
        whole = is_memory and owner is not None and not isinstance(owner.module, NeuralStateMachine)
        told = owner.path if owner is not None and whole else path
        if isinstance(module, MemoryAccess):
            sources.append(MemorySource(told, module, owner))
        elif adapter is not None and adapter_of(module, adapters) is None:
            taken = owner.sequences if owner is not None and is_memory else ()
            sources.append(
                AdapterSource(told, {told: module}, adapter, is_ours=True, owner=owner, sequences=taken)
            )
    return sources


def _adapted(modules: dict[str, Any], adapters: Mapping[type, Adapter]) -> list[Source]:
    """Modules that an adapter speaks for; those of one kind together where their calls are layers."""
    groups: dict[tuple[int, str], tuple[Adapter, dict[str, Any]]] = {}
    for path, module in modules.items():
        adapter = adapter_of(module, adapters)
        if adapter is not None:
            common = without_numbers(path) if adapter.calls == "layer" else path
            groups.setdefault((id(adapter), common), (adapter, {}))[1][path] = module
    return [AdapterSource(path, group, adapter) for (_, path), (adapter, group) in groups.items()]


def _attention(modules: dict[str, Any], repeated: str) -> list[Source]:
    """Attention modules of one list of blocks together, that lie alike in them."""
    from torch import nn

    groups: dict[str, dict[str, Any]] = {}
    for path, module in modules.items():
        if isinstance(module, nn.MultiheadAttention):
            groups.setdefault(place_of(path, modules).stack, {})[path] = module
    layers = [module for module in modules.values() if isinstance(module, nn.TransformerEncoderLayer)]
    encoders = [module for module in modules.values() if isinstance(module, nn.TransformerEncoder)]
    sources: list[Source] = []
    for kind, group in groups.items():
        own = {path: layer for path, part in group.items() for layer in layers if layer.self_attn is part}
        around = [each for each in encoders if any(layer in own.values() for layer in each.layers)]
        sources.append(AttentionSource(kind, group, repeated, layers=own, encoders=around))
    return sources


def _hugging_face(modules: dict[str, Any], tokenizer: object, recompute: bool) -> list[Source]:
    """The outermost ones: what they hand out holds what those within hand to them."""
    return [
        HuggingFaceSource(path, modules[path], tokenizer, recompute=recompute) for path in _outermost(modules)
    ]


def _outermost(modules: dict[str, Any]) -> list[str]:
    paths = [path for path, module in modules.items() if is_hugging_face(module)]
    return [path for path in paths if not any(path != other and _is_within(path, other) for other in paths)]


def _fused(modules: dict[str, Any], repeated: str) -> list[Source]:
    """What may call the fused kernel, but for transformers' models, which see to that themselves.

    Our models do not call it, and a hook within one would shut its faster path.
    """
    theirs = _outermost(modules)
    ours = [path for path, module in modules.items() if _is_of(module, "nsm_widgets")]
    own = {
        path: module
        for path, module in modules.items()
        if not any(_is_within(path, other) for other in theirs)
        and not (_is_of(module, "nsm_widgets", "torch") and any(_is_within(path, other) for other in ours))
    }
    return [FusedSource(own, repeated)] if own else []


def _modules(model: nn.Module) -> dict[str, Any]:
    """Modules by their paths in the model as it was written, without what wraps it."""
    from torch import nn

    while isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        model = model.module
    paths = ((path.split("."), module) for path, module in model.named_modules())
    return {".".join(part for part in path if part != "_orig_mod"): module for path, module in paths}


def _is_within(path: str, other: str) -> bool:
    return not other or f"{path}.".startswith(f"{other}.")


def _is_of(module: object, *packages: str) -> bool:
    return type(module).__module__.partition(".")[0] in packages


def _owner(path: str, modules: dict[str, Any], sequences: Mapping[type, tuple[str, ...]]) -> Owner | None:
    """The nearest model around a module, of the types that have sequences."""
    parts = path.split(".") if path else []
    for length in reversed(range(len(parts))):
        above = ".".join(parts[:length])
        for kind, given in sequences.items():
            if isinstance(modules[above], kind):
                return Owner(above, modules[above], given)
    return None


class _FromNoState:
    """Calls begin an iteration that a function says so of."""

    waits = has_other_state = False

    def __init__(self, begins: Callable[[Args, Kwargs], bool]) -> None:
        self.begins = begins

    def returned(self, args: Args, kwargs: Kwargs, output: object) -> None:
        """Nothing is made of it."""


def boundary_of(model: nn.Module, sources: Sequence[Source]) -> Boundary | None:
    """Which calls of a model begin an iteration: those without a state. ``None`` where no call does.

    Where steps are recorded, calls that are given a state that no former call returned begin one, too.
    """
    from nsm_widgets.dnc import DNCAccess
    from nsm_widgets.ntm.memory import NTMMemory

    if nearest(model, own_adapters()) is not None and not isinstance(model, DNCAccess):
        return None  # a step of what somebody else drives, who gives back no state: all are one iteration
    if isinstance(model, NTMMemory):
        return _FromNoState(lambda args, kwargs: model.is_fresh)
    found = _place_of_state(model)
    if any(source.is_stepwise for source in sources) and (found is None or found[1] == "state"):
        can_tell = all(source.can_tell(model) for source in sources)
        kept = next(filter(None, (source.kept_on(model) for source in sources)), None)
        return GivenBack(model, waits=can_tell and not replicating(model), kept=kept)
    if found is not None:
        place, name = found
        return _FromNoState(
            lambda args, kwargs: _is_none(args[place] if len(args) > place else kwargs.get(name))
        )
    return _FromNoState(lambda args, kwargs: True)


def _is_none(state: object) -> bool:
    """Whether a state is none, or a cache (of transformers) that is still empty."""
    return state is None or (hasattr(state, "get_seq_length") and int(state.get_seq_length()) == 0)


def _place_of_state(model: nn.Module) -> tuple[int, str] | None:
    """Where among the arguments of a model's forward its state stands, and what it is called."""
    inner = getattr(model, "_orig_mod", getattr(model, "module", model))  # compiled, or distributed
    try:
        parameters = list(inspect.signature(inner.forward).parameters)
    except (TypeError, ValueError):
        return None
    return next(((parameters.index(name), name) for name in ("state", *CACHES) if name in parameters), None)
