"""Undo a response's compression, in pieces, and stop at a bomb.

A few kilobytes of gzip can say "ten gigabytes of zeros". So output is counted while it is made:
there is a limit on its size and, once it is large enough to matter, on its ratio to the input.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testkit.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["ACCEPTED", "BodyTooLargeError", "InflateLimits", "Inflater"]

ACCEPTED: Final = "gzip, deflate"
"""Value of ``Accept-Encoding``: what the standard library can undo within limits."""

_PIECE: Final = 1 << 16
_GZIP_MAGIC: Final = b"\x1f\x8b\x08"
# Feeds compress 4 to 20 times. A ratio is only judged once this much came out, so that a small and
# very repetitive feed is not mistaken for a bomb.
_RATIO_FROM_BYTES: Final = 1_000_000


class BodyTooLargeError(SourceError):
    """The body is larger than a feed has any reason to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InflateLimits:
    """How much may come out.

    Attributes:
        body_bytes: Most bytes after decompression, > 0.
        ratio: Most bytes out per byte in, dimensionless, > 1; judged from 1 MB of output on.
    """

    body_bytes: int = 20_000_000
    ratio: float = 150.0


class Inflater:
    """Feeds chunks in, yields plain bytes, raises at the limit.

    Also unpacks a body that is itself a gzip file, whatever its header says: static feeds are
    stored that way.

    Args:
        encoding: ``Content-Encoding`` of the response; empty when there was none.
        limits: How much may come out.

    Raises:
        SourceError: The encoding is one that was not asked for.
    """

    def __init__(self, encoding: str, *, limits: InflateLimits) -> None:
        self._limits = limits
        self._steps = [step.strip().lower() for step in encoding.split(",") if step.strip()]
        self._steps = [step for step in self._steps if step != "identity"]
        unknown = [s for s in self._steps if s not in {"gzip", "x-gzip", "deflate"}]
        if unknown or len(self._steps) > 1:
            raise SourceError(
                f"the body is packed as {encoding!r}, which was not asked for",
                hint=f"we ask for {ACCEPTED}",
            )
        self._engine: zlib._Decompress | None = None
        self._started = False
        self._head = b""
        self._bytes_in = 0
        self._bytes_out = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Plain bytes of one chunk as it came over the wire."""
        if not chunk:
            return
        self._bytes_in += len(chunk)
        if not self._started:
            self._head += chunk
            if len(self._head) < len(_GZIP_MAGIC):
                return  # not enough to tell what it is
            chunk, self._head = self._head, b""
            self._started = True
            self._engine = self._choose(chunk)
        if self._engine is None:
            yield from self._counted([chunk])
            return
        try:
            yield from self._counted(self._inflate(chunk))
        except zlib.error as cause:
            raise SourceError(f"the body is damaged: {cause}", retryable=True) from cause

    def finish(self) -> bytes:
        """Say that the input is over.

        Returns:
            What was held back: the whole of a body of one or two bytes.

        Raises:
            SourceError: The compressed data stops in the middle.
        """
        if self._engine is not None and not self._engine.eof:
            raise SourceError("the body stops in the middle", retryable=True)
        return self._head

    def _choose(self, first: bytes) -> zlib._Decompress | None:
        if first.startswith(_GZIP_MAGIC):
            return zlib.decompressobj(zlib.MAX_WBITS | 16)
        if self._steps == ["deflate"]:
            # "deflate" means zlib (RFC 9110, 8.4.1.2), yet some servers send it without its header;
            # a zlib header is a multiple of 31 with method 8.
            header = int.from_bytes(first[:2], "big")
            wrapped = len(first) >= 2 and first[0] & 0x0F == 8 and header % 31 == 0
            return zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        # A server that labels plain text as gzip is forgiven: the text can be read.
        return None

    def _inflate(self, chunk: bytes) -> Iterator[bytes]:
        engine = self._engine
        assert engine is not None
        data = chunk
        while data:
            if engine.eof:  # a gzip file may be several members in a row; anything else is padding
                if not data.startswith(_GZIP_MAGIC):
                    return
                engine = self._engine = zlib.decompressobj(zlib.MAX_WBITS | 16)
            piece = engine.decompress(data, _PIECE)
            if piece:
                yield piece
            data = engine.unused_data if engine.eof else engine.unconsumed_tail

    def _counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._bytes_out += len(piece)
            if self._bytes_out > self._limits.body_bytes:
                raise BodyTooLargeError(
                    f"the body is larger than {self._limits.body_bytes / 1e6:g} MB",
                    hint="a feed should list its newest items only; ask the outlet for a short one",
                )
            if (
                self._bytes_out > _RATIO_FROM_BYTES
                and self._bytes_out > self._limits.ratio * self._bytes_in
            ):
                raise BodyTooLargeError(
                    f"the body unpacks to more than {self._limits.ratio:g} times its size",
                    hint="no honest feed packs that well; it was not read",
                )
            yield piece
