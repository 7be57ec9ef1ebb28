#!/usr/bin/env python3
"""Density and samples of a Moser flow on the sphere in PyTorch, timed.

Reads a model file of mflow (uniform prior, swish) and does with it what mflow
does, as well as PyTorch can on a CPU: float32, no autograd graphs, tangents
pushed beside the values (forward), or the divergence by one pass of automatic
differentiation per ambient coordinate (published). Batches are of the size that is
fastest among a few. Samples are drawn along the flow's differential equation by
the same method, Dormand-Prince with a step size for every point, points that have
arrived dropped from the batch, the same controller, first step and tolerance; a
step size for the whole batch, as torchdiffeq has, is timed as well.

Prints one JSON object a line: what, and the rate a second. Needs python3-torch.
"""
import argparse
import json
import math
import statistics
import struct
import time

import numpy as np
import torch

A = [
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
]
C = [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1]
E = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40]


class Flow:
    def __init__(self, path):
        raw = open(path, "rb").read()
        n = struct.unpack("<Q", raw[:8])[0]
        head = json.loads(raw[8 : 8 + n])

        def tensor(name):
            t = head[name]
            lo, hi = t["data_offsets"]
            kind = {"F32": np.float32, "F64": np.float64}[t["dtype"]]
            x = np.frombuffer(raw[8 + n + lo : 8 + n + hi], kind).reshape(t["shape"])
            return torch.from_numpy(x.astype(np.float32).copy())

        meta = json.loads(head["__metadata__"]["mflow"])
        assert meta["manifold"] == "sphere" and meta["prior"]["kind"] == "uniform" and meta["field"]["activation"] == "swish"
        self.eps = meta["eps"]
        self.nu = 1 / (4 * math.pi)
        self.S, self.c, self.omega = (tensor("field.features." + s) for s in ("S", "C", "Omega"))
        self.layers = [(tensor(f"field.layers.{i}.W"), tensor(f"field.layers.{i}.b")) for i in range(meta["field"]["layers"])]

    def field(self, x):
        p = x @ self.omega
        a = torch.cat([x @ self.S + self.c, p.sin(), p.cos()], 1)
        for i, (w, b) in enumerate(self.layers):
            a = torch.addmm(b, a, w)
            if i < len(self.layers) - 1:
                a = torch.nn.functional.silu(a)
        return a

    def forward(self, x):
        """u and mu, with two tangents beside the values."""
        b = x.shape[0]
        s = torch.where(x[:, 2] >= 0, 1.0, -1.0)
        a = -1 / (s + x[:, 2])
        c = x[:, 0] * x[:, 1] * a
        e1 = torch.stack([1 + s * x[:, 0] ** 2 * a, s * c, -s * x[:, 0]], 1)
        e2 = torch.stack([c, s + x[:, 1] ** 2 * a, -x[:, 1]], 1)
        jet = torch.cat([x, e1, e2])
        p = jet @ self.omega
        sin, cos = p[:b].sin(), p[:b].cos()
        t = p[b:].view(2, b, -1)
        lin = jet @ self.S
        lin[:b] += self.c
        z = torch.cat([lin, torch.cat([sin, (t * cos).view(2 * b, -1)]), torch.cat([cos, (t * -sin).view(2 * b, -1)])], 1)
        for i, (w, bias) in enumerate(self.layers):
            z = z @ w
            z[:b] += bias
            if i < len(self.layers) - 1:
                v = z[:b]
                g = torch.sigmoid(v)
                y = v * g
                z[b:].view(2, b, -1).mul_(g + y * (1 - g))
                z[:b] = y
        v = z[:b]
        div = (z[b : 2 * b] * e1).sum(1) + (z[2 * b :] * e2).sum(1) - 2 * (v * x).sum(1)
        u = v - (v * x).sum(1, keepdim=True) * x
        return u, self.nu - div

    def published(self, x):
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            y = project(x)  # the field is constant along normals
            v = self.field(y)
            u = v - (v * y).sum(1, keepdim=True) * y
            div = 0
            for i in range(3):
                div = div + torch.autograd.grad(u[:, i].sum(), x, retain_graph=i < 2)[0][:, i]
        return u.detach(), self.nu - div

    def velocity(self, x, t):
        u, mu = self.forward(x)
        m = (1 - t) * self.nu + t * mu.clamp(min=self.eps)
        return u / m.unsqueeze(1)


def project(x):
    return torch.nn.functional.normalize(x, dim=1)


def sphere(n):
    return project(torch.randn(n, 3))


def solve(f, x, tol, each):
    """Dormand-Prince from t = 0 to 1; each: a step size for every point, or one for all."""
    n = x.shape[0]
    out, at = torch.empty_like(x), torch.arange(n)
    t, h = torch.zeros(n), torch.full((n,), 0.02)
    fresh = torch.zeros(n, dtype=torch.bool)  # just refused: no growth
    k = [None] * 7
    k[0] = f.velocity(x, t)
    evals = n
    while at.numel():
        for s, row in enumerate(A):
            y = k[0] * row[0]
            for j in range(1, len(row)):
                if row[j]:
                    y = y.add_(k[j], alpha=row[j])
            y = project(x + h.unsqueeze(1) * y)
            k[s + 1] = f.velocity(y, t + C[s + 1] * h)
        evals += 6 * at.numel()
        e = sum(k[j] * E[j] for j in range(7) if E[j]).mul_(h.unsqueeze(1)).abs_().amax(1)
        if not each:
            e = e.max().expand_as(e)
        grow = (0.9 * (tol / e.clamp(min=1e-30)) ** 0.2).clamp(0.2, 5)
        ok = e <= tol
        x = torch.where(ok.unsqueeze(1), y, x)
        k[0] = torch.where(ok.unsqueeze(1), k[6], k[0])
        t = torch.where(ok, t + h, t)
        grow = torch.where(ok, torch.where(fresh, grow.clamp(max=1), grow), grow.clamp(max=0.9))
        h, fresh = h * grow, ~ok
        left = 1 - t
        h = torch.where(ok & (h > 0.99 * left), left, h)
        done = ok & (left < 1e-6)
        if done.any():
            out[at[done]] = x[done]
            go = ~done
            at, x, t, h, fresh, k[0] = at[go], x[go], t[go], h[go], fresh[go], k[0][go]
    return out, evals / n


def rate(f, n, seconds, least=3):
    """Rates of f, which handles n points, by the clock and by processor time."""
    took, end = [], time.time() + seconds
    while time.time() < end or len(took) < least:
        start, cpu = time.perf_counter(), time.process_time()
        f()
        took.append((time.perf_counter() - start, time.process_time() - cpu))
    wall = sorted(n / w for w, _ in took)
    return {"rate": statistics.median(wall), "min": wall[0], "max": wall[-1], "cpu": statistics.median(n / c for _, c in took)}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seconds", type=float, default=3)
    p.add_argument("--tol", type=float, default=1e-5)
    p.add_argument("--check", help="file of float64 points: print the density at them, nothing else")
    a = p.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(a.threads)
    torch.set_grad_enabled(False)
    f = Flow(a.model)
    if a.check:
        x = torch.from_numpy(np.fromfile(a.check).reshape(-1, 3).astype(np.float32))
        for g in f.forward, f.published:
            print(json.dumps(g(x)[1].tolist()))
        return
    for name, g in ("density, forward", f.forward), ("density, published", f.published):
        best = {"cpu": 0}
        for b in 512, 1024, 4096, 16384:
            x = sphere(b)
            g(x)
            best = max(best, rate(lambda: g(x), b, a.seconds / 4) | {"what": name, "batch": b}, key=lambda v: v["cpu"])
        print(json.dumps(best), flush=True)
    for name, each, sizes in ("samples, every point its step", True, [1024, 4096]), ("samples, one step", False, [256, 1024]):
        solve(f, sphere(32), a.tol, each)
        best = {"cpu": 0}
        for b in sizes:
            evals = []
            v = rate(lambda: evals.append(solve(f, sphere(b), a.tol, each)[1]), b, 0, 1)
            best = max(best, v | {"what": name, "batch": b, "evals": statistics.mean(evals)}, key=lambda v: v["cpu"])
        print(json.dumps(best), flush=True)


if __name__ == "__main__":
    main()
