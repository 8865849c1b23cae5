#!/usr/bin/env python3
"""Makes half_golden.json: conversions between float32 and float16 as NumPy does them.

The digests are of little-endian arrays: "from" of the float32 values of all 65536 float16 bit patterns,
"to" of the float16 values of the float32 bit patterns i * 4099 mod 2**32 for i < 2**20, which visit every
exponent and both signs. "cases" are float32 bits with the float16 bits next to them.
"""
import hashlib
import json
import pathlib
import warnings

import numpy as np

warnings.simplefilter("ignore", RuntimeWarning)  # numbers that overflow are part of the test


def digest(a: np.ndarray) -> str:
    return hashlib.sha256(a.tobytes()).hexdigest()


halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
bits = (np.arange(1 << 20, dtype=np.uint64) * 4099 % (1 << 32)).astype(np.uint32)
edges = np.array([0, -0.0, 1, 1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-11 + 2**-20, 2**-14, 2**-14 - 2**-25, 2**-24, 2**-25,
                  1.5 * 2**-25, 2**-26, 1e-40, 65504, 65519.996, 65520, 1e30, np.inf, -np.inf, np.nan, 0.1, -0.3], np.float32)
golden = {
    "from": digest(halves.astype("<f4")),
    "to": digest(bits.view(np.float32).astype("<f2")),
    "cases": [[int(a), int(b)] for a, b in zip(edges.view(np.uint32), edges.astype(np.float16).view(np.uint16))],
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden, indent=1) + "\n")
