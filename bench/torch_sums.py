"""Sums w exp(-k t) in PyTorch, float64: prints the nanoseconds of one kernel."""
import argparse
import json
import statistics
import time

import torch

p = argparse.ArgumentParser()
p.add_argument("--seconds", type=float, default=2)
p.add_argument("--threads", type=int, default=1)
a = p.parse_args()
torch.set_num_threads(a.threads)
block, blocks, parts = 8192, 128, 8  # a block stays in the cache
t, w = torch.rand(blocks, block, dtype=torch.float64), torch.rand(blocks, parts, block, dtype=torch.float64)
k = torch.rand(parts, 1, dtype=torch.float64)


def run():
    return sum(float((w[i] * torch.exp(-k * t[i])).sum()) for i in range(blocks))


run()
took, end = [], time.time() + a.seconds
while time.time() < end or len(took) < 5:
    start = time.process_time()
    run()
    took.append(time.process_time() - start)
print(json.dumps({"ns": 1e9 * statistics.median(took) / (block * blocks * parts)}))
