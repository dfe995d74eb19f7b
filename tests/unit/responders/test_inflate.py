"""Decompression within limits."""

from __future__ import annotations

import gzip
import os
import zlib

import pytest

from responders.feeds.inflate import BodyTooLargeError, InflateLimits, Inflater
from testkit.errors import SourceError

TEXT = b"<rss><channel><title>News of the union</title></channel></rss>" * 50


def _inflate(data: bytes, encoding: str, *, step: int = 1000, **limits: float) -> bytes:
    inflater = Inflater(encoding, limits=InflateLimits(**limits))  # type: ignore[arg-type]
    pieces = [
        piece for i in range(0, len(data), step) for piece in inflater.feed(data[i : i + step])
    ]
    return b"".join([*pieces, inflater.finish()])


def _raw_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return engine.compress(data) + engine.flush()


@pytest.mark.parametrize("step", [2, 7, 10_000])
@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        (TEXT, ""),
        (TEXT, "identity"),
        (gzip.compress(TEXT), "gzip"),
        (gzip.compress(TEXT), "X-GZIP"),
        (zlib.compress(TEXT), "deflate"),
        (_raw_deflate(TEXT), "deflate"),
        (gzip.compress(TEXT), ""),
        (TEXT, "gzip"),
    ],
    ids=["plain", "identity", "gzip", "x-gzip", "zlib", "raw", "file.gz", "mislabelled"],
)
def test_every_packing_of_a_text_unpacks_to_it(packed: bytes, encoding: str, step: int) -> None:
    assert _inflate(packed, encoding, step=step) == TEXT


@pytest.mark.parametrize("body", [b"", b"x", b"xy", b"xyz"])
def test_the_shortest_bodies_survive(body: bytes) -> None:
    assert _inflate(body, "", step=1) == body


def test_members_of_a_gzip_file_follow_each_other_and_padding_is_ignored() -> None:
    packed = gzip.compress(b"one ") + gzip.compress(b"two") + b"\x00" * 100
    assert _inflate(packed, "gzip", step=10_000) == b"one two"


def test_a_bomb_is_stopped_by_its_ratio_long_before_its_size() -> None:
    bomb = gzip.compress(b"\x00" * 30_000_000)
    with pytest.raises(BodyTooLargeError, match="times its size"):
        _inflate(bomb, "gzip", step=len(bomb), body_bytes=10**9, ratio=150)


def test_a_bomb_inside_a_bomb_is_not_unpacked_twice() -> None:
    inner = gzip.compress(b"\x00" * 100_000)
    assert _inflate(gzip.compress(inner), "gzip") == inner


def test_honest_size_is_limited_too() -> None:
    noise = os.urandom(50_000)
    with pytest.raises(BodyTooLargeError, match=r"0\.01 MB"):
        _inflate(gzip.compress(noise), "gzip", body_bytes=10_000)
    with pytest.raises(BodyTooLargeError):
        _inflate(noise, "", body_bytes=10_000)


def test_a_small_repetitive_feed_is_no_bomb() -> None:
    text = b"<item/>" * 100_000  # 700 kB, packs more than 500 times
    assert _inflate(gzip.compress(text), "gzip", ratio=150) == text


def test_a_body_that_stops_in_the_middle_is_told() -> None:
    with pytest.raises(SourceError, match="stops in the middle"):
        _inflate(gzip.compress(TEXT)[:-9], "gzip")


def test_a_damaged_body_is_told() -> None:
    damaged = bytearray(gzip.compress(os.urandom(5000)))
    damaged[20:200] = b"\xff" * 180
    with pytest.raises(SourceError, match="damaged"):
        _inflate(bytes(damaged), "gzip")


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
def test_a_packing_that_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(SourceError, match="not asked for"):
        Inflater(encoding, limits=InflateLimits())
