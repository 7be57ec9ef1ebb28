#!/usr/bin/env python3
"""Single-precision matrix products in PyTorch (OpenBLAS or oneDNN), timed.

Prints one JSON object a shape: GFLOP/s of the median, least and largest time, and
of the median processor time.
"""
import argparse
import json
import statistics
import time

import torch


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seconds", type=float, default=1)
    p.add_argument("shape", nargs="+", help="NN:m,n,k, NT:… or TN:…")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    for s in a.shape:
        kind, dims = s.split(":")
        m, n, k = map(int, dims.split(","))
        x = torch.randn(k, m).t() if kind == "TN" else torch.randn(m, k)
        y = torch.randn(n, k).t() if kind == "NT" else torch.randn(k, n)
        out = torch.empty(m, n)
        took, cpu, end = [], [], time.time() + a.seconds
        while time.time() < end or len(took) < 5:
            start, busy = time.perf_counter(), time.process_time()
            for _ in range(4):
                torch.mm(x, y, out=out)
            took.append((time.perf_counter() - start) / 4)
            cpu.append((time.process_time() - busy) / 4)
        took, cpu = took[1:], cpu[1:]
        rate = lambda t: 2e-9 * m * n * k / t
        print(json.dumps({"shape": s, "gflops": rate(statistics.median(took)),
                          "min": rate(max(took)), "max": rate(min(took)),
                          "cpu": rate(statistics.median(cpu))}), flush=True)


if __name__ == "__main__":
    main()
