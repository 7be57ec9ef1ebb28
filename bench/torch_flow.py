#!/usr/bin/env python3
"""Density and samples of a Moser flow on the sphere in PyTorch, timed.

Reads a model file of mflow (uniform prior, swish) and does with it what mflow
does, as well as PyTorch can on a CPU: float32, no autograd graphs, tangents
pushed beside the values (forward), or the divergence by one pass of automatic
differentiation per ambient coordinate (published). Batches are of the size that is
fastest among a few. Samples are drawn along the flow's differential equation by
Dormand-Prince to the same tolerance, in three ways: the equation in t with one step
size for the whole batch, as torchdiffeq has; with a step size for every point and
points that have arrived dropped from the batch; and the way of mflow, the path of
the field alone and t found along each step (package sample has the formulas).

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
D = [
    -12715105075 / 11282082432, 0, 87487479700 / 32700410799, -10690763975 / 1880347072,
    701980252875 / 199316789632, -1453857185 / 822651844, 69997945 / 29380423,
]  # fmt: skip
NODES = [0, 0.1726731646460114, 0.5, 0.8273268353539886, 1]
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
        assert meta["manifold"] == "sphere" and meta["prior"]["kind"] == "uniform" and len(meta["nets"]) == 1
        net = meta["nets"][0]
        assert net["activation"] == "swish"
        self.eps = meta["eps"]
        self.nu = 1 / (4 * math.pi)
        self.S, self.c, self.omega = (tensor("net.0.features." + s) for s in ("S", "C", "Omega"))
        self.layers = [(tensor(f"net.0.layers.{i}.W"), tensor(f"net.0.layers.{i}.b")) for i in range(net["layers"])]

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

    def tangent(self, x):
        v = self.field(x)
        return v - (v * x).sum(1, keepdim=True) * x

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


class Curve:
    """Polynomials by their values at the nodes, one a row, in Newton's form."""

    def __init__(self, values):
        c = list(values.unbind(1))
        for j in range(1, len(c)):
            for i in range(len(c) - 1, j - 1, -1):
                c[i] = (c[i] - c[i - 1]) / (NODES[i] - NODES[i - j])
        self.c = c

    def at(self, s):
        y = self.c[-1]
        for j in range(len(self.c) - 2, -1, -1):
            y = y * (s - NODES[j]) + self.c[j]
        return y


class Clock:
    """t along a step; the kink at the floor is not looked for."""

    def __init__(self, eps, h, nu, mu):
        self.eps, self.h, self.nu, self.mu = eps, h, nu, Curve(mu)

    def rate(self, s, t):
        return self.h * ((1 - t) * self.nu + t * self.mu.at(s).clamp(min=self.eps))

    def step(self, a, b, t):
        d, m = b - a, (a + b) / 2
        k1 = self.rate(a, t)
        k2 = self.rate(m, t + d / 2 * k1)
        k3 = self.rate(m, t + d / 2 * k2)
        k4 = self.rate(b, t + d * k3)
        return t + d / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    def run(self, t, parts=6):
        """Where the clock stops, and t there."""
        a, done = torch.zeros_like(t), torch.zeros_like(t, dtype=torch.bool)
        for i in range(parts):
            new = self.step(a, a + 1 / parts, t)
            done = done | (new >= 1)
            a, t = torch.where(done, a, a + 1 / parts), torch.where(done, t, new)
        lo, hi = torch.zeros_like(t), torch.full_like(t, 1 / parts)
        if done.any():
            for _ in range(22):
                mid = (lo + hi) / 2
                late = self.step(a, a + mid, t) >= 1
                lo, hi = torch.where(late, lo, mid), torch.where(late, mid, hi)
        return torch.where(done, a + hi, torch.ones_like(a)), torch.where(done, torch.ones_like(t), t), done


def paths(f, x, tol):
    """mflow's way: x by the field alone, t along each step."""
    n = x.shape[0]
    out, at = torch.empty_like(x), torch.arange(n)
    k = [None] * 7
    k[0], mu0 = f.forward(x)
    t, h = torch.zeros(n), torch.full((n,), 0.12 / f.nu)
    fresh = torch.zeros(n, dtype=torch.bool)
    evals = n
    while at.numel():
        for s, row in enumerate(A):
            dx = k[0] * row[0]
            for j in range(1, len(row)):
                if row[j]:
                    dx = dx.add_(k[j], alpha=row[j])
            dx = dx.mul_(h.unsqueeze(1))
            y = project(x + dx)
            if s < 5:
                k[s + 1] = f.tangent(y)
            else:
                k[6], mu1 = f.forward(y)
        evals += 6 * at.numel()
        e = sum(k[j] * E[j] for j in range(7) if E[j]).mul_(h.unsqueeze(1)).abs_().amax(1)
        ok = e <= tol
        g = ok.nonzero().squeeze(1)
        theta, arrived, tt = torch.ones_like(t), torch.zeros_like(ok), t.clone()
        if g.numel():
            hg, x0, d = h[g], x[g], dx[g]
            h1 = hg.unsqueeze(1)
            b = h1 * k[0][g] - d
            r4 = d - h1 * k[6][g] - b
            r5 = h1 * sum(k[j][g] * D[j] for j in range(7) if D[j])
            point = lambda s: project(x0 + s * (d + (1 - s) * (b + s * (r4 + (1 - s) * r5))))
            inner = torch.cat([point(s) for s in NODES[1:-1]])
            evals += inner.shape[0]
            mu = torch.cat([mu0[g].unsqueeze(1), f.forward(inner)[1].view(3, -1).T, mu1[g].unsqueeze(1)], 1)
            clock = Clock(f.eps, hg, f.nu, mu)
            where, now, done = clock.run(t[g])
            m = clock.rate(where, now) / hg
            e[g] = torch.maximum(e[g], 6e-6 * clock.mu.c[-1].abs() * hg / m * k[6][g].abs().amax(1))
            ok = e <= tol
            done = done & ok[g]
            if done.any():
                out[at[g[done]]] = point(where.unsqueeze(1))[done]
            arrived[g[done]] = True
            tt[g] = now
        grow = (0.7 * (tol / e.clamp(min=1e-30)) ** 0.2).clamp(0.2, 5)
        x = torch.where(ok.unsqueeze(1), y, x)
        k[0] = torch.where(ok.unsqueeze(1), k[6], k[0])
        mu0, t = torch.where(ok, mu1, mu0), torch.where(ok, tt, t)
        grow = torch.where(ok, torch.where(fresh, grow.clamp(max=1), grow), grow.clamp(max=0.9))
        h, fresh = h * grow, ~ok
        left = 1.3 * (1 - t) / ((1 - t) * f.nu + t * mu0.clamp(min=f.eps))
        h = torch.where(ok, torch.minimum(h, left), h)
        if arrived.any():
            go = ~arrived
            at, x, t, h, fresh, k[0], mu0 = at[go], x[go], t[go], h[go], fresh[go], k[0][go], mu0[go]
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
        best = {"rate": 0}
        for b in 512, 1024, 4096, 16384:
            x = sphere(b)
            g(x)
            best = max(best, rate(lambda: g(x), b, a.seconds / 4) | {"what": name, "batch": b}, key=lambda v: v["rate"])
        print(json.dumps(best), flush=True)
    ways = (
        ("samples, mflow's way", lambda x: paths(f, x, a.tol), [1024, 4096]),
        ("samples, every point its step", lambda x: solve(f, x, a.tol, True), [1024, 4096]),
        ("samples, one step", lambda x: solve(f, x, a.tol, False), [256]),
    )
    for name, draw, sizes in ways:
        draw(sphere(32))
        best = {"rate": 0}
        for b in sizes:
            evals = []
            v = rate(lambda: evals.append(draw(sphere(b))[1]), b, 0, 1)
            best = max(best, v | {"what": name, "batch": b, "evals": statistics.mean(evals)}, key=lambda v: v["rate"])
        print(json.dumps(best), flush=True)


if __name__ == "__main__":
    main()
