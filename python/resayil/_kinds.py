"""What a value of another package is, in words that type checkers follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import TypeGuard


def is_dict(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether it is a JSON object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether it is a JSON array."""
    return isinstance(value, list)


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether it is a mapping of whatever class."""
    # A dict is known at once; the abstract class is slower to ask.
    return isinstance(value, (dict, Mapping))


def is_iterable(value: object) -> TypeGuard[Iterable[Any]]:
    """Whether it can be gone through."""
    return isinstance(value, (list, tuple, Iterable))
