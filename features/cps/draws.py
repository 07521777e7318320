"""Draws that depend on nothing but a seed, a key and a word: the same person gets the same draw in every run."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]
Share = npt.NDArray[np.float64]
_Words = npt.NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_WORD_LENGTH = 0x51ED2701


def _mixed(words: _Words) -> _Words:
    """The output function of SplitMix64 (Steele, Lea and Flood, 2014)."""
    with np.errstate(over="ignore"):
        words = words + _STEP
        words = (words ^ (words >> np.uint64(30))) * _FIRST
        words = (words ^ (words >> np.uint64(27))) * _SECOND
    return words ^ (words >> np.uint64(31))


class Draws:
    """One row per key; every word gives another column of draws."""

    def __init__(self, keys: Whole, seed: int) -> None:
        self._keys = _mixed(keys.astype(np.uint64) ^ _mixed(np.full(len(keys), seed, np.uint64)))

    def share(self, word: str) -> Share:
        """Evenly spread over [0, 1)."""
        salt = np.uint64(int.from_bytes(word.encode()[:8].ljust(8, b"\0"), "little") ^ (len(word) * _WORD_LENGTH))
        drawn = _mixed(self._keys ^ _mixed(np.array([salt], dtype=np.uint64)))
        return (drawn >> np.uint64(11)).astype(np.float64) / 2.0**53

    def below(self, word: str, probability: float) -> Mask:
        """True with this probability."""
        return self.share(word) < probability

    def whole(self, word: str, lowest: int | Whole, highest: int | Whole) -> Whole:
        """A whole number from `lowest` to `highest`, both included."""
        span = np.asarray(highest) - lowest + 1
        return np.floor(lowest + self.share(word) * span).astype(np.int64)
