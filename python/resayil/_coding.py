"""Unpacking an answer while it passes, no further than is allowed."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from typing import Any, Optional


class TooLarge(Exception):
    """What is unpacked is larger than allowed."""


class Coding:
    """Unpacks the bytes of an answer.

    It knows the codings of `Content-Encoding` that the standard library does, and Brotli and
    Zstandard where their packages are there.
    """

    def __init__(self, content_encoding: str, limit: int) -> None:
        names = [name.strip().lower() for name in content_encoding.split(",")]
        names = [name for name in names if name not in ("", "identity")]
        #: False if this cannot be unpacked here.
        self.is_known = len(names) <= 1
        self._left = limit
        self._unpack: Any = None
        name = names[0] if names else None
        if name in ("gzip", "x-gzip", "deflate"):
            self._unpack = _Zlib(gzip=name != "deflate")
        elif name in ("br", "zstd"):
            self._unpack = _of_package(name)
            self.is_known = self.is_known and self._unpack is not None
        elif name is not None:
            self.is_known = False

    @property
    def is_packed(self) -> bool:
        """Whether the bytes are others than what they stand for."""
        return self._unpack is not None

    def feed(self, data: bytes) -> bytes:
        """Unpacks the next bytes. Raises TooLarge, or ValueError for what is garbled."""
        if self._unpack is not None:
            try:
                data = self._unpack(data, self._left + 1)
            except (TooLarge, MemoryError):
                raise TooLarge from None
            except Exception as problem:
                raise ValueError(f"the answer cannot be unpacked: {problem}") from problem
        self._left -= len(data)
        if self._left < 0:
            raise TooLarge
        return data


class _Zlib:
    def __init__(self, gzip: bool) -> None:
        self._gzip = gzip
        self._inner: Any = None
        self._is_over = False

    def __call__(self, data: bytes, limit: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        if self._is_over:
            return b""
        while data:
            if self._inner is None:
                self._inner = zlib.decompressobj(self._form(data))
            part = self._inner.decompress(data, limit - size)
            size += len(part)
            parts.append(part)
            if size >= limit:
                raise TooLarge
            if not self._inner.eof:
                break
            # Another member follows: RFC 1952, section 2.2.
            data, self._inner = self._inner.unused_data.lstrip(b"\0"), None
            if not (self._gzip and data.startswith(b"\x1f")):
                # Nor is what is none.
                self._is_over = True
                break
        return b"".join(parts)

    def _form(self, data: bytes) -> int:
        if self._gzip:
            return 16 + zlib.MAX_WBITS
        # Some send deflate without the wrapper of zlib that RFC 9110 asks for.
        return zlib.MAX_WBITS if data[0] & 0x0F == 8 else -zlib.MAX_WBITS


class _Unlimited:
    """What unpacks all that it is given."""

    def __init__(self, unpack: Callable[[bytes], bytes]) -> None:
        self._unpack = unpack

    def __call__(self, data: bytes, limit: int) -> bytes:
        return self._unpack(data)


def _of_package(name: str) -> Optional[Any]:
    if name == "br":
        for package in ("brotlicffi", "brotli"):
            try:
                inner = importlib.import_module(package).Decompressor()
            except ImportError:
                continue
            method = getattr(inner, "decompress", None) or inner.process
            return _Unlimited(method)
        return None
    for package in ("compression.zstd", "backports.zstd"):
        try:
            zstd = importlib.import_module(package).ZstdDecompressor()
        except ImportError:
            continue
        return zstd.decompress
    try:
        other = importlib.import_module("zstandard").ZstdDecompressor().decompressobj()
    except ImportError:
        return None
    return _Unlimited(other.decompress)
