"""Compresses pictures of a formula with OpenJPEG's own opj_compress (Debian's libopenjp2-tools), for openjpeg_test.go.

    python3 pictures.py
"""
import subprocess
import tempfile

import numpy as np

x, y = np.meshgrid(np.arange(40), np.arange(30))
v = (37 * x + 91 * y + 13 * x * y + 500 * (x > 8)) % 4096


def compress(out, array, *options, bits=12, components=1):
    with tempfile.NamedTemporaryFile(suffix=".raw") as f:
        array.astype(">u2" if bits > 8 else "u1").tofile(f)
        f.flush()
        form = f"{array.shape[-1]},{array.shape[-2]},{components},{bits},u"
        subprocess.run(["opj_compress", "-i", f.name, "-o", out, "-F", form, "-n", "3", *options], check=True, stdout=subprocess.DEVNULL)


compress("reversible.j2k", v)
compress("reversible.jp2", v)
compress("tiles.j2k", v, "-t", "16,16", "-p", "RPCL", "-b", "16,16")
compress("modes.j2k", v, "-M", "63", "-SOP", "-EPH", "-p", "CPRL")
compress("colour.j2k", np.stack([v % 256] * 3), bits=8, components=3)

# A slice, smooth with noise, for the benchmark.
rng = np.random.default_rng(1)
i, j = np.meshgrid(np.arange(128), np.arange(128))
s = 600 + 400 * np.sin(i / 40) * np.cos(j / 30) + rng.normal(0, 20, (128, 128))
compress("slice.j2k", np.clip(s, 0, 4095))
