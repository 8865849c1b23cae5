#!/usr/bin/env python3
"""Times PyTorch's Adam(amsgrad=True), the peer of BenchmarkUpdate.

    python3 amsgrad_bench.py [threads]

Prints torch's version; then for each line it reads, the seconds of one update of 2.1 and of 33.4 million
parameters.
"""
import sys
import time

import torch


def optimiser(n):
    w = torch.zeros(n, requires_grad=True)
    w.grad = (torch.arange(n) % 1000) * 1e-5 - 0.005
    return torch.optim.Adam([w], lr=1e-4, weight_decay=2e-4, amsgrad=True)


def main():
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    peers = [optimiser(2_100_000), optimiser(33_400_000)]
    for p in peers:
        p.step()  # the first update makes its state
    print(torch.__version__, flush=True)
    for _ in sys.stdin:
        times = []
        for p in peers:
            start = time.perf_counter()
            p.step()
            times.append(time.perf_counter() - start)
        print(*times, flush=True)


if __name__ == "__main__":
    main()
