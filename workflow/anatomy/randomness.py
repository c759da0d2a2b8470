"""Random numbers that depend on what they are for, never on the order of execution."""

import hashlib

import numpy as np


def generator(*purpose: object) -> np.random.Generator:
    """A generator for a purpose, e.g. (seed, network, layer, repeat); another purpose gives independent numbers."""
    key = "|".join(str(part) for part in purpose)
    words = np.frombuffer(hashlib.sha256(key.encode()).digest(), dtype=np.uint32)
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(words.tolist())))
