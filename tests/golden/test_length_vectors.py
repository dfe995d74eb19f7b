"""Lengths against the platforms' own published vectors.

Provenance: twitter-text conformance suite (Apache-2.0) and Twilio's message segment calculator
(MIT), read from the folder named by ``WHISTLESTOP_DATA``. Twilio's vector that mixes brackets and
emoji is wrong in the copy we hold (it counts an escaped bracket twice in UCS-2) and is left out.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from responders.drafting.lengths import sms_length, weighted_length
from responders.drafting.urls import find_urls

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif("WHISTLESTOP_DATA" not in os.environ, reason="WHISTLESTOP_DATA is not set"),
]

WEIGHTED = {
    "WeightedTweetsCounterTest": False,  # the rule before emoji were discounted
    "WeightedTweetsWithDiscountedEmojiCounterTest": True,
    "UnicodeDirectionalMarkerCounterTest": True,
}
URL_GROUPS = ("urls", "urls_with_indices", "urls_with_directional_markers", "tco_urls_with_params")


def _limits() -> Path:
    return Path(os.environ["WHISTLESTOP_DATA"]) / "limits"


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize("group", WEIGHTED)
def test_weight_validity_and_cut_agree_with_every_published_vector(group: str) -> None:
    cases = yaml.safe_load((_limits() / "twitter-text_validate.yml").read_text("utf-8"))["tests"]
    assert cases[group]
    for case in cases[group]:
        text, expected = case["text"], case["expected"]
        got = weighted_length(text, emoji=WEIGHTED[group])
        assert got.weight == expected["weightedLength"], case["description"]
        assert got.valid == expected["valid"], case["description"]
        assert got.weight * 1000 // got.limit == expected["permillage"], case["description"]
        last_index = max(0, _utf16(text[: got.fits]) - 1)
        # The published ranges of two NFC cases are one past the text; nothing lies there.
        published = min(expected["validRangeEnd"], _utf16(text) - 1)
        assert last_index == published, case["description"]


@pytest.mark.parametrize("group", URL_GROUPS)
def test_addresses_agree_with_every_published_vector(group: str) -> None:
    cases = yaml.safe_load((_limits() / "twitter-text_extract.yml").read_text("utf-8"))["tests"]
    for case in cases[group]:
        text = case["text"]
        spans = find_urls(text)
        expected = case["expected"]
        if expected and isinstance(expected[0], dict):
            got = [
                {
                    "url": s.text,
                    "indices": [_utf16(case["text"][: s.start]), _utf16(case["text"][: s.end])],
                }
                for s in spans
            ]
            assert got == expected, case["description"]
        else:
            assert [s.text for s in spans] == expected, case["description"]


def test_parts_and_encoding_agree_with_twilio() -> None:
    cases = json.loads((_limits() / "twilio_segments.json").read_text("utf-8"))["cases"]
    used = [
        c for c in cases if not ("[" in c["text"] and any(ord(ch) > 0xFFFF for ch in c["text"]))
    ]
    assert len(used) >= 10
    for case in used:
        got = sms_length(case["text"])
        bits = 7 if got.encoding == "GSM-7" else 16
        header = 48 if got.segments > 1 else 0
        assert got.encoding == case["encoding"], case["description"]
        assert got.segments == case["segments"], case["description"]
        assert got.units * bits == case["message_bits"], case["description"]
        assert got.units * bits + header * got.segments == case["total_bits"], case["description"]
        characters = got.units if got.encoding == "GSM-7" else got.characters
        assert characters == case["characters"], case["description"]
        assert len(case["text"]) == case["unicode_scalars"], case["description"]
