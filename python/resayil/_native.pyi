from collections.abc import Iterable, Mapping
from typing import Any, Final, final

from typing_extensions import Buffer

from ._exceptions import APIError

_Bytes = bytes | bytearray | memoryview | str | None
_Headers = Mapping[str, str] | Mapping[bytes, bytes] | Iterable[tuple[Any, Any]] | None
