"""What the configs of all models share: from keywords and back, and errors that name what is wrong."""

from __future__ import annotations

from dataclasses import MISSING, asdict, fields
from typing import Any, ClassVar, Self

from nsm_widgets._errors import UnknownOptionError


class ModelConfig:
    """Base of the frozen dataclasses that hold the sizes of a model."""

    __slots__ = ()

    example: ClassVar[str]
    """How the model is built by keywords, for errors: ``"NTM(input_size=9, ...)"``."""

    @classmethod
    def choose(cls, config: object, keywords: dict[str, Any]) -> Self:
        """The config that a model was given: itself, or the keywords for one.

        Raises:
            UnknownOptionError: If both were given, the config is none of this class, or a keyword is unknown
                or missing.
        """
        model = cls.example.partition("(")[0]
        if config is not None and keywords:
            raise UnknownOptionError(
                f"{model} takes a config or keywords, got both (config and {', '.join(sorted(keywords))}). "
                "Change the config instead: dataclasses.replace(config, ...)."
            )
        if config is None:
            return cls.from_keywords(keywords)
        if not isinstance(config, cls):
            article = "an" if cls.__name__.startswith("N") else "a"
            raise UnknownOptionError(
                f"config must be {article} {cls.__name__}, got {type(config).__name__}. "
                f"Sizes go by keyword: {cls.example}."
            )
        return config

    @classmethod
    def from_keywords(cls, keywords: dict[str, Any]) -> Self:
        """Build a config, and name what is unknown or missing.

        Raises:
            UnknownOptionError: If a keyword is no field of the config, or a required one is missing.
        """
        model = cls.example.partition("(")[0]
        known = {field.name: field.default for field in fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(keywords) - set(known))
        if unknown:
            raise UnknownOptionError(
                f"{model} has no option {', '.join(unknown)}. It knows {', '.join(known)}."
            )
        required = [name for name, default in known.items() if default is MISSING]
        missing = [name for name in required if name not in keywords]
        if missing:
            raise UnknownOptionError(
                f"{model} needs {' and '.join(missing)}, got neither a config nor that keyword."
            )
        return cls(**keywords)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; ``from_keywords`` is the way back."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]
