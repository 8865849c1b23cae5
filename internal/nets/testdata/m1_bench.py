#!/usr/bin/env python3
"""Times PyTorch eager on the full-size M1 (one Monte-Carlo sample, C = 3, K = 2), the peer of BenchmarkRewritings and
BenchmarkSampling.

    python3 m1_bench.py [threads]

Waits for a line on standard input, draws one sample, prints its seconds, and so on until the input ends;
the benchmark so takes turns with it, and both see the same machine. It is the network of m1_golden.py with PyTorch's own
layers (instance_norm, leaky_relu, dropout, padded convolutions) and weights drawn once. A line may say

    share          what does not depend on noise is computed once for all samples, as Bayeslice does
    values FILE    weights, image and noise are those of m1_golden.py's formula; the probabilities are written to FILE
"""
import sys
import time

import torch
import torch.nn.functional as F

from m1_golden import M1, normal_like, same, weight


class Eager(M1):
    def __init__(self, c):
        super().__init__(c)
        self.weights = {}
        self.once = None  # where a dict: what was computed before the first noise

    def w(self, name, *shape):
        if name not in self.weights:
            scale = (1.0 / max(1, int(torch.tensor(shape[1:]).prod()))) ** 0.5 if len(shape) > 1 else 0.1
            self.weights[name] = torch.randn(*shape) * scale
        return self.weights[name]

    def conv(self, name, x, f, k, s):
        w, b = self.w(name + ".weight", f, x.shape[1], *k), self.w(name + ".bias", f)
        pads = [same(n, kk, ss) for n, kk, ss in zip(x.shape[2:], k, s)]
        if all(a == z for a, z in pads):
            return F.conv3d(x, w, b, stride=s, padding=[a for a, _ in pads])
        flat = [p for pair in reversed(pads) for p in pair]
        return F.conv3d(F.pad(x, flat), w, b, stride=s)

    def up(self, name, x, f, k, s):
        w, b = self.w(name + ".weight", x.shape[1], f, *k), self.w(name + ".bias", f)
        y = F.conv_transpose3d(x, w, b, stride=s, padding=[same(n * ss, kk, ss)[0] for n, kk, ss in zip(x.shape[2:], k, s)])
        return y[:, :, : x.shape[2] * s[0], : x.shape[3] * s[1], : x.shape[4] * s[2]]

    def norm(self, name, x):
        c = x.shape[1]
        return F.instance_norm(x, weight=self.w(name + ".scale", c), bias=self.w(name + ".shift", c), eps=self.c["epsilon"])

    def act(self, x):
        return F.leaky_relu(x, self.c["slope"])

    def drop(self, name, x, p):
        return F.dropout(x, p, training=True)

    def block(self, name, x, f, k, s):
        if name != "e1" or self.once is None:
            return super().block(name, x, f, k, s)
        if name not in self.once:
            self.once[name] = super().block(name, x, f, k, s)
        return self.once[name]

    def convnorm(self, name, x, f, k, s):
        if name != "stem" or self.once is None:
            return super().convnorm(name, x, f, k, s)
        if name not in self.once:
            self.once[name] = super().convnorm(name, x, f, k, s)
        return self.once[name]

    def latent(self, prefix, x):
        if self.once is None:
            return super().latent(prefix, x)
        if prefix not in self.once:
            self.once[prefix] = super().latent(prefix, x)
        return self.once[prefix]


class Formula(Eager):
    """PyTorch's own layers with the weights and the noise of m1_golden.py."""

    def w(self, name, *shape):
        return weight(name, *shape)

    def drop(self, name, x, p):
        return M1.drop(self, name, x, p)


def sample(m, x):
    u0, _ = m.unet(x)
    mean, logscale = m.latent("prior.", x)
    return torch.softmax(m.head(u0, mean, logscale), 1)


def main():
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    c = dict(size=[20, 160, 160], filters=[32, 64, 128, 256, 512], kernels=[[1, 3, 3]] * 2 + [[3, 3, 3]] * 3,
             strides=[[1, 1, 1], [1, 2, 2], [1, 2, 2], [2, 2, 2], [1, 2, 2]], reduction=8, dropout=0.5, latent=256, head=[64, 16],
             slope=0.1, epsilon=1e-3, channels=3, classes=2)
    m, shared, x = Eager(c), Eager(c), torch.randn(1, 3, 20, 160, 160)
    shared.once, shared.weights = {}, m.weights
    print(torch.__version__, flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        if line.startswith("values "):
            p = sample(Formula(c), normal_like("image", tuple(x.shape)))
            p.numpy().tofile(line.split(maxsplit=1)[1].strip())
        else:
            sample(shared if line.startswith("share") else m, x)
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    with torch.no_grad():
        main()
