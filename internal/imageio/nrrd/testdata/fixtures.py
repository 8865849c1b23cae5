#!/usr/bin/python3
"""Small NRRD files that Teem's own unu wrote (Debian's teem-apps): ./fixtures.py

Voxel (i, j, k) of frame f is 1000f + 100k + 10j + i − 50, on 4 × 3 × 2 voxels; ubyte ones are without the −50. The lattice
is oblique: see HEADER. NAME.nrrd holds what its name says.
"""
import subprocess
import numpy as np

HEADER = """NRRD0005
type: short
dimension: 3
space: {space}
sizes: 4 3 2
space directions: ({x}0.3,{y}0.4,0) ({x}-0.8,{y}0.6,0) (0,0,3)
kinds: domain domain domain
endian: little
encoding: raw
space origin: ({x}10,{y}-20,30)

"""
k, j, i = np.mgrid[0:2, 0:3, 0:4]
volume = (100 * k + 10 * j + i - 50).astype("<i2")


def write(name, header, data):
    with open(name, "wb") as f:
        f.write(header.encode())
        f.write(data.tobytes())


def lps(x="", y="", space="left-posterior-superior"):
    return HEADER.format(space=space, x=x, y=y).replace("--", "")


def unu(*words):
    subprocess.run(["teem-unu", *words], check=True)


write("raw.nrrd", lps(), volume)
write("ras.nrrd", lps("-", "-", "right-anterior-superior"), volume)
write("las.nrrd", lps("", "-", "LAS"), volume)
for name, encoding in (("gzip", "gzip"), ("bzip2", "bzip2"), ("text", "ascii")):
    unu("save", "-f", "nrrd", "-e", encoding, "-i", "raw.nrrd", "-o", name + ".nrrd")
unu("save", "-f", "nrrd", "-e", "raw", "-en", "big", "-i", "raw.nrrd", "-o", "big.nrrd")
unu("save", "-f", "nrrd", "-e", "gzip", "-i", "raw.nrrd", "-o", "detached.nhdr")
unu("convert", "-t", "double", "-i", "raw.nrrd", "-o", "double.nrrd")
for axis, name in ((3, "last"), (0, "first"), (1, "middle")):  # two frames, along an axis of their own
    unu("2op", "+", "raw.nrrd", "1000", "-o", "later.nrrd")
    unu("join", "-i", "raw.nrrd", "later.nrrd", "-a", str(axis), "-incr", "-o", "frames-%s.nrrd" % name)
subprocess.run(["rm", "later.nrrd"], check=True)

# unu drops the space when it joins; the one in the middle gets it back, with "none" for the frames.
data = open("frames-middle.nrrd", "rb").read()
fields = [line for line in lps().split("\n") if line.startswith("space")]
space = "\n".join(fields).replace(",0) (-0.8", ",0) none (-0.8")
open("frames-middle.nrrd", "wb").write(data.replace(b"endian:", space.encode() + b"\nendian:", 1))
