#!/usr/bin/env python3
"""Times PyTorch eager on a training step of the full-size M1, the peer of BenchmarkStep.

    python3 step_bench.py [threads]

Batch 1, C = 3, K = 2: forward with z from the posterior, focal loss + KL, backward, AMSGrad. Waits for a
line on standard input, makes one step, prints its seconds and the peak memory of this process so far in
bytes, and so on until the input ends. The network is that of internal/nets/testdata/m1_bench.py.
"""
import resource
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "internal/nets/testdata"))
from m1_bench import Eager  # noqa: E402


class Trained(Eager):
    def w(self, name, *shape):
        if name not in self.weights:
            super().w(name, *shape).requires_grad_()
        return self.weights[name]


def loss(m, image, label):
    y = F.one_hot(label, 2).permute(0, 4, 1, 2, 3).float()
    u0, _ = m.unet(image)
    mp, sp = m.latent("prior.", image)
    mq, sq = m.latent("posterior.", torch.cat([image, y[:, 1:]], 1))
    log_p = torch.log_softmax(m.head(u0, mq, sq), 1)
    alpha = torch.tensor([0.75, 0.25]).view(1, 2, 1, 1, 1)
    focal = -(alpha * y * (1 - log_p.exp()) ** 2 * log_p).sum(1).mean()
    q, p = torch.distributions.Normal(mq, sq.exp()), torch.distributions.Normal(mp, sp.exp())
    return focal + torch.distributions.kl_divergence(q, p).sum()


def main():
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    c = dict(size=[20, 160, 160], filters=[32, 64, 128, 256, 512], kernels=[[1, 3, 3]] * 2 + [[3, 3, 3]] * 3,
             strides=[[1, 1, 1], [1, 2, 2], [1, 2, 2], [2, 2, 2], [1, 2, 2]], reduction=8, dropout=0.5, latent=256, head=[64, 16],
             slope=0.1, epsilon=1e-3, channels=3, classes=2)
    m, image, label = Trained(c), torch.randn(1, 3, 20, 160, 160), torch.randint(0, 2, (1, 20, 160, 160))
    optimiser = None
    print(torch.__version__, flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        value = loss(m, image, label)
        if optimiser is None:
            optimiser = torch.optim.Adam(m.weights.values(), lr=1e-4, amsgrad=True)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        optimiser.step()
        del value
        print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, flush=True)


if __name__ == "__main__":
    main()
