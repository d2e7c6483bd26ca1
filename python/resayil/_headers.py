"""The headers of an answer, by name in any case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class Headers(Mapping[str, str]):
    """The headers of an answer: a mapping whose names are found in any case.

    Of several lines of one name `headers[name]` is the first; `get_all` gives them all, and `raw`
    is what came, as bytes. Values may hold secrets, so `repr` shows names only.
    """

    __slots__ = ("raw",)

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self.raw: tuple[tuple[bytes, bytes], ...] = tuple(raw)
        """Names and values as they came, in order."""

    def get_all(self, name: str) -> list[str]:
        """The values of all lines of this name, in order."""
        wanted = name.lower().encode("utf-8", "surrogatepass")
        return [_text(value) for found, value in self.raw if found.lower() == wanted]

    def __getitem__(self, name: str) -> str:
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        return values[0]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(_text(name).lower() for name, _ in self.raw))

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self.raw})

    def __repr__(self) -> str:
        return f"<Headers {', '.join(self)}>"


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
