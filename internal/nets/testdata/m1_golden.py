#!/usr/bin/env python3
"""Renders M1 in PyTorch from its description, without the Go code, and writes golden values.

    python3 m1_golden.py > m1_golden.json

Needs torch and numpy. Weights, image and noise come from a formula of the tensor's name and the
element's index (see `uniform`), which the Go test repeats. Only sums and a few elements are kept.
"""
import json

import numpy as np
import torch
import torch.nn.functional as F



def uniform(name, shape):
    """splitmix64 of (FNV-1a of the name + index), as a float64 in [0, 1)."""
    h = 0xCBF29CE484222325
    for c in name.encode():
        h = ((h ^ c) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    n = int(np.prod(shape))
    with np.errstate(over="ignore"):
        x = np.arange(n, dtype=np.uint64) + np.uint64(h) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return ((x >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(shape)


def weight(name, *shape):
    u = uniform(name, shape) - 0.5
    kind = name.rsplit(".", 1)[1]
    if kind == "weight":  # uniform with variance 1/(elements per first axis)
        u = u * np.sqrt(12.0 / np.prod(shape[1:]))
    elif kind == "bias":
        u = 0.2 * u
    elif kind == "scale":
        u = 1.0 + 0.8 * u
    elif kind == "shift":
        u = 0.4 * u
    return torch.from_numpy(u.astype(np.float32))


def normal_like(name, shape):
    return torch.from_numpy((np.sqrt(12.0) * (uniform(name, shape) - 0.5)).astype(np.float32))


def same(n, k, s):
    out = -(-n // s)
    total = max((out - 1) * s + k - n, 0)
    return total // 2, total - total // 2


class M1:
    def __init__(self, c):
        self.c = c

    def conv(self, name, x, f, k, s):
        pads = []
        for n, kk, ss in reversed(list(zip(x.shape[2:], k, s))):
            pads += same(n, kk, ss)
        w = weight(name + ".weight", f, x.shape[1], *k)
        return F.conv3d(F.pad(x, pads), w, weight(name + ".bias", f), stride=s)

    def up(self, name, x, f, k, s):
        w = weight(name + ".weight", x.shape[1], f, *k)
        y = F.conv_transpose3d(x, w, None, stride=s)  # uncropped: (n − 1)·s + k
        for axis in range(3):
            n = x.shape[2 + axis] * s[axis]
            lead, _ = same(n, k[axis], s[axis])
            short = lead + n - y.shape[2 + axis]
            if short > 0:
                widen = [0, 0] * (2 - axis) + [0, short] + [0, 0] * axis
                y = F.pad(y, widen)
            y = y.narrow(2 + axis, lead, n)
        return y + weight(name + ".bias", f).view(1, -1, 1, 1, 1)

    def norm(self, name, x):
        c = x.shape[1]
        mean = x.mean(dim=(2, 3, 4), keepdim=True)
        var = ((x - mean) ** 2).mean(dim=(2, 3, 4), keepdim=True)
        view = (1, c, 1, 1, 1)
        return (x - mean) / torch.sqrt(var + self.c["epsilon"]) * weight(name + ".scale", c).view(view) + weight(name + ".shift", c).view(view)

    def act(self, x):
        return torch.where(x > 0, x, self.c["slope"] * x)

    def convnorm(self, name, x, f, k, s):
        return self.norm(name + ".norm", self.conv(name + ".conv", x, f, k, s))

    def block(self, name, x, f, k, s):
        one = (1, 1, 1)
        y = self.act(self.convnorm(name + ".reduce", x, f // 4, k, s))
        y = self.act(self.convnorm(name + ".middle", y, f // 4, (3, 3, 3), one))
        y = self.convnorm(name + ".expand", y, f, one, one)
        e = y.mean(dim=(2, 3, 4), keepdim=True)
        e = self.act(self.conv(name + ".excite.squeeze", e, f // self.c["reduction"], one, one))
        e = torch.sigmoid(self.conv(name + ".excite.gate", e, f, one, one))
        return self.act(y * e + self.convnorm(name + ".shortcut", x, f, k, s))

    def drop(self, name, x, p):
        keep = 1 - p
        mask = torch.from_numpy(uniform("noise." + name, x.shape) < keep)
        return x * mask / keep

    def encoder(self, prefix, x, p):
        f, k, s = self.c["filters"], self.c["kernels"], self.c["strides"]
        x = self.act(self.convnorm(prefix + "stem", x, f[0], k[0], s[0]))
        out = []
        for l in range(1, 5):
            x = self.block(f"{prefix}e{l}", x, f[l], k[l], s[l])
            if p is not None:
                x = self.drop(f"e{l}", x, p)
            out.append(x)
        return out

    def attention(self, name, x, g):
        one, f = (1, 1, 1), x.shape[1]
        theta = self.conv(name + ".theta", x, f, one, one)
        phi = self.conv(name + ".phi", g, f, one, one)
        phi = F.interpolate(phi, size=theta.shape[2:], mode="nearest")
        a = torch.sigmoid(self.conv(name + ".psi", self.act(theta + phi), 1, one, one))
        return self.convnorm(name + ".out", a * x, f, one, one), a

    def latent(self, prefix, x):
        pooled = self.encoder(prefix, x, None)[-1].mean(dim=(2, 3, 4), keepdim=True)
        both = self.conv(prefix + "latent", pooled, 2 * self.c["latent"], (1, 1, 1), (1, 1, 1))
        return both[:, : self.c["latent"]], both[:, self.c["latent"]:].clamp(-10, 10)

    def unet(self, x):
        c = self.c
        f, k, s, p, one = c["filters"], c["kernels"], c["strides"], c["dropout"], (1, 1, 1)
        e1, e2, e3, g = self.encoder("", x, p)
        a3, m3 = self.attention("a3", e3, g)
        a2, m2 = self.attention("a2", e2, g)
        a1, m1 = self.attention("a1", e1, g)
        d3 = self.up("d3", g, f[3], k[4], s[4])
        d3p = self.up("d3p", d3, f[2], k[3], s[3])
        d3pp = self.up("d3pp", d3p, f[1], k[2], s[2])
        u3 = self.drop("u3", self.block("u3", torch.cat([d3, a3], 1), f[3], k[3], one), p)
        d2 = self.up("d2", u3, f[2], k[3], s[3])
        d2p = self.up("d2p", d2, f[1], k[2], s[2])
        u2 = self.drop("u2", self.block("u2", torch.cat([d2, d3p, a2], 1), f[2], k[2], one), p)
        d1 = self.up("d1", u2, f[1], k[2], s[2])
        u1 = self.drop("u1", self.block("u1", torch.cat([d1, d2p, d3pp, a1], 1), f[1], k[1], one), p)
        d0 = self.up("d0", u1, f[0], k[1], s[1])
        u0 = self.drop("u0", self.block("u0", d0, f[0], k[0], one), p / 2)
        return u0, [m3, m2, m1]

    def head(self, u0, mean, logscale):
        k, one = self.c["kernels"][0], (1, 1, 1)
        z = mean + torch.exp(logscale) * normal_like("noise.z", (1, self.c["latent"], 1, 1, 1))
        x = torch.cat([u0, z.expand(-1, -1, *u0.shape[2:])], 1)
        x = self.act(self.convnorm("head.first", x, self.c["head"][0], k, one))
        x = self.act(self.convnorm("head.second", x, self.c["head"][1], k, one))
        return self.conv("head.class", x, self.c["classes"], one, one)


def summary(x):
    """Shape, mean, mean square, and 24 elements spread over the tensor."""
    v = x.detach().double().flatten()
    step = max(1, v.numel() // 23)
    return {"shape": list(x.shape), "mean": float(v.mean()), "meanSquare": float((v**2).mean()), "step": step,
            "values": [float(f"{t:.7g}") for t in v[::step][:24]]}


def render(c):
    m, size = M1(c), c["size"]
    image = normal_like("image", (1, c["channels"], *size))
    u0, maps = m.unet(image)
    mean, logscale = m.latent("prior.", image)
    out = {"probabilities": torch.softmax(m.head(u0, mean, logscale), 1), "prior.mean": mean, "prior.logscale": logscale,
           "attention.3": maps[0], "attention.2": maps[1], "attention.1": maps[2]}
    inference = {k: summary(v) for k, v in out.items()}
    k = c["classes"]
    classes = (uniform("label", (1, *size)) * k).astype(np.int64)
    label = torch.from_numpy(np.stack([classes == i for i in range(1, k)], 1).astype(np.float32))
    post, postscale = m.latent("posterior.", torch.cat([image, label], 1))
    logits = m.head(u0, post, postscale)
    training = {"logits": summary(logits), "posterior.mean": summary(post), "posterior.logscale": summary(postscale)}
    return {"config": c, "inference": inference, "training": training}


def main():
    paper = dict(size=[8, 32, 32], filters=[8, 8, 16, 16, 32], kernels=[[1, 3, 3]] * 2 + [[3, 3, 3]] * 3,
                 strides=[[1, 1, 1], [1, 2, 2], [1, 2, 2], [2, 2, 2], [1, 2, 2]], reduction=8, dropout=0.5, latent=24, head=[16, 8],
                 slope=0.1, epsilon=1e-3)
    cases = {
        "anatomy": dict(paper, channels=1, classes=3),
        "diagnosis": dict(paper, channels=3, classes=2),
        # Odd sizes at the bottleneck, other kernels, strides (also above the kernel), dropout and head.
        "other": dict(paper, channels=2, classes=4, size=[9, 24, 60], filters=[4, 8, 12, 8, 16], reduction=4, dropout=0.3, latent=5, head=[6, 4],
                      kernels=[[3, 3, 1], [1, 3, 5], [3, 3, 3], [3, 1, 3], [3, 3, 3]],
                      strides=[[1, 1, 1], [1, 2, 2], [3, 2, 1], [1, 2, 2], [1, 1, 3]], slope=0.2, epsilon=1e-2),
    }
    print(json.dumps({k: render(v) for k, v in cases.items()}))


if __name__ == "__main__":
    with torch.no_grad():
        main()
