#!/usr/bin/env python3
"""Writes noise.json: the dropout masks that inference.Noise must draw, by a second implementation.

Run in this folder:  /usr/bin/python3 noise.py > noise.json
PCG is PCG-DXSM with 128 bits of state (O'Neill 2019), as Go's math/rand/v2 defines it.
"""
import hashlib
import json

M64 = (1 << 64) - 1


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & M64
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & M64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & M64
    return x ^ (x >> 31)


def pcg(hi, lo):
    state = (hi << 64) | lo
    multiplier = (2549297995355413924 << 64) | 4865540595714422341
    increment = (6364136223846793005 << 64) | 1442695040888963407
    while True:
        state = (state * multiplier + increment) & ((1 << 128) - 1)
        h, l = state >> 64, state & M64
        h ^= h >> 32
        h = (h * 0xDA942042E4DD58B5) & M64
        h ^= h >> 48
        yield (h * (l | 1)) & M64


def mask(seed, sample, number, keep, size, block=1 << 16):
    digits = round(keep * (1 << 24))
    out = bytearray()
    for b in range(0, size, block):
        h = mix(seed)
        for part in (sample, number, b // block):
            h = mix(h ^ part)
        words = pcg(h, mix(h))
        n = min(block, size - b)
        part = bytearray()
        while len(part) < n:
            w, seen = 0, False
            for d in range(24):
                bit = digits >> d & 1
                seen = seen or bit == 1
                if seen:
                    w = w | next(words) if bit else w & next(words)
            part += bytes(w >> i & 1 for i in range(64))
        out += part[:n]
    return bytes(out)


cases = []
for seed, sample, number, keep, size in [
    (1, 0, 0, 0.5, 100), (1, 1, 0, 0.5, 100), (1, 0, 1, 0.75, 70), (2**64 - 1, 99, 3, 0.9, 200), (7, 2, 0, 0.5, 70000),
]:
    m = mask(seed, sample, number, keep, size)
    cases.append({"seed": str(seed), "sample": sample, "input": number, "keep": keep, "size": size,
                  "head": "".join(map(str, m[:64])), "sha256": hashlib.sha256(m).hexdigest()})
print(json.dumps(cases, indent=1))
