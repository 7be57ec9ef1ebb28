#!/usr/bin/env python3
"""Jamba in PyTorch, for comparing times with the Go benchmarks.

    python3 torch_jamba.py [--threads 1] [--batch 8] [--length 256] [--forward-only] [--json]

The network of bench_test.go, 17,462,352 parameters: hidden 256, 8 layers (attention in
layer 4, mixtures of 8 experts in layers 1, 3, 5, 7), vocabulary 128, tied. The scan is the
loop over tokens that the reference implementation falls back to without CUDA
kernels; with --indexed it reads and writes tensors by index, as that does, which makes
the backward pass quadratic in the length, and without it goes over unbound slices.
Decoding (--json) takes single tokens with the cache of the reference implementation: keys
and values that are concatenated, the last inputs of the convolution, the state of the scan.
Weights and caches are random: this measures time, not meaning.
"""
import argparse
import json
import time

import torch
import torch.nn.functional as F
from torch import nn

H, I, L, V, HEADS, KV, E, K = 256, 512, 8, 128, 8, 4, 8, 2
D, N, R, W = 512, 16, 16, 4


class Norm(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n))

    def forward(self, x):
        return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)


def linear(i, o, bias=False):
    return nn.Linear(i, o, bias=bias)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = linear(H, H), linear(H, KV * H // HEADS), linear(H, KV * H // HEADS), linear(H, H)

    def forward(self, x):
        b, t, _ = x.shape
        hd = H // HEADS
        q = self.q(x).view(b, t, HEADS, hd).transpose(1, 2)
        k = self.k(x).view(b, t, KV, hd).transpose(1, 2).repeat_interleave(HEADS // KV, 1)
        v = self.v(x).view(b, t, KV, hd).transpose(1, 2).repeat_interleave(HEADS // KV, 1)
        s = q @ k.transpose(2, 3) / hd ** 0.5
        s = s + torch.full((t, t), float("-inf")).triu(1)
        return self.o((s.softmax(-1) @ v).transpose(1, 2).reshape(b, t, H))

    def cache(self, context):
        return {"k": torch.randn(1, KV, context, H // HEADS), "v": torch.randn(1, KV, context, H // HEADS)}

    def step(self, x, c):  # one token
        hd = H // HEADS
        q = self.q(x).view(1, 1, HEADS, hd).transpose(1, 2)
        for name, proj in ("k", self.k), ("v", self.v):
            c[name] = torch.cat([c[name], proj(x).view(1, 1, KV, hd).transpose(1, 2)], 2)
        k, v = (c[n].repeat_interleave(HEADS // KV, 1) for n in "kv")
        s = q @ k.transpose(2, 3) / hd ** 0.5
        return self.o((s.softmax(-1) @ v).transpose(1, 2).reshape(1, 1, H))


class Mamba(nn.Module):
    indexed = False

    def __init__(self):
        super().__init__()
        self.inp, self.out = linear(H, 2 * D), linear(D, H)
        self.conv = nn.Conv1d(D, D, W, groups=D, padding=W - 1)
        self.x, self.dt = linear(D, R + 2 * N), linear(R, D, True)
        self.ndt, self.nb, self.nc = Norm(R), Norm(N), Norm(N)
        self.a_log = nn.Parameter(torch.log(torch.arange(1.0, N + 1)).repeat(D, 1))
        self.d = nn.Parameter(torch.ones(D))

    def forward(self, x):
        t = x.shape[1]
        u, z = self.inp(x).transpose(1, 2).chunk(2, 1)
        u = F.silu(self.conv(u)[..., :t])
        dt, b, c = self.x(u.transpose(1, 2)).split([R, N, N], -1)
        delta = F.softplus(self.dt(self.ndt(dt))).transpose(1, 2)  # [B, D, T]
        b, c = self.nb(b), self.nc(c)
        a = torch.exp(delta[..., None] * -torch.exp(self.a_log)[None, :, None, :])  # [B, D, T, N]
        bu = delta[..., None] * b[:, None] * u[..., None]
        h, ys = torch.zeros(x.shape[0], D, N), []
        if self.indexed:
            for i in range(t):
                h = a[:, :, i] * h + bu[:, :, i]
                ys.append((h @ c[:, i, :, None])[..., 0])
        else:
            for ai, bi, ci in zip(a.unbind(2), bu.unbind(2), c.unbind(1)):
                h = ai * h + bi
                ys.append((h @ ci[..., None])[..., 0])
        y = torch.stack(ys, -1) + u * self.d[:, None]
        return self.out((y * F.silu(z)).transpose(1, 2))

    def cache(self, context):
        return {"conv": torch.randn(1, D, W), "h": torch.randn(1, D, N)}

    def step(self, x, c):  # one token
        u, z = self.inp(x).transpose(1, 2).chunk(2, 1)
        c["conv"] = torch.roll(c["conv"], -1, -1)
        c["conv"][:, :, -1] = u[:, :, 0]
        u = F.silu((c["conv"] * self.conv.weight[:, 0]).sum(-1) + self.conv.bias)
        dt, b, cc = self.x(u).split([R, N, N], -1)
        delta = F.softplus(self.dt(self.ndt(dt)))
        a = torch.exp(delta[..., None] * -torch.exp(self.a_log))
        c["h"] = a * c["h"] + delta[..., None] * self.nb(b)[:, None] * u[..., None]
        y = (c["h"] @ self.nc(cc)[..., None])[..., 0] + u * self.d
        return self.out((y[..., None] * F.silu(z)).transpose(1, 2))


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.up, self.down = linear(H, I), linear(H, I), linear(I, H)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class MoE(nn.Module):
    def __init__(self):
        super().__init__()
        self.router = linear(H, E)
        self.experts = nn.ModuleList(MLP() for _ in range(E))

    def forward(self, x):
        shape = x.shape
        x = x.view(-1, H)
        w, idx = self.router(x).softmax(-1).topk(K)
        out = torch.zeros_like(x)
        for e, mlp in enumerate(self.experts):
            row, j = (idx == e).nonzero(as_tuple=True)
            out.index_add_(0, row, mlp(x[row]) * w[row, j, None])
        return out.view(shape)


class Layer(nn.Module):
    def __init__(self, i):
        super().__init__()
        self.n1, self.n2 = Norm(H), Norm(H)
        self.mixer = Attention() if i % 8 == 4 else Mamba()
        self.ff = MoE() if i % 2 == 1 else MLP()

    def forward(self, x):
        x = x + self.mixer(self.n1(x))
        return x + self.ff(self.n2(x))

    def step(self, x, c):
        x = x + self.mixer.step(self.n1(x), c)
        return x + self.ff(self.n2(x))


class Jamba(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(V, H)
        self.layers = nn.Sequential(*(Layer(i) for i in range(L)))
        self.norm = Norm(H)

    def forward(self, ids):
        return self.norm(self.layers(self.embed(ids))) @ self.embed.weight.T

    def step(self, ids, caches):
        x = self.embed(ids)
        for layer, c in zip(self.layers, caches):
            x = layer.step(x, c)
        return self.norm(x) @ self.embed.weight.T


def timed(f):
    """Returns the seconds that f takes, of the clock and of the processor."""
    t, c = time.perf_counter(), time.process_time()
    f()
    return time.perf_counter() - t, time.process_time() - c


def decode(m, context, tokens=100):
    """Returns the seconds of single tokens after a context."""
    caches, out = [l.mixer.cache(context) for l in m.layers], []
    with torch.no_grad():
        for _ in range(tokens):
            ids = torch.randint(1, V, (1, 1))
            out.append(timed(lambda: m.step(ids, caches)))
    return out


def check_step(m):
    """The steps give what the whole sequence gives."""
    ids = torch.randint(1, V, (1, 12))
    caches = [l.mixer.cache(0) for l in m.layers]
    for c in caches:
        for t in c.values():
            t.zero_()
    with torch.no_grad():
        steps = torch.cat([m.step(ids[:, i:i + 1], caches) for i in range(12)], 1)
        assert (steps - m(ids)).abs().max() < 1e-4


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--length", type=int, default=256)
    p.add_argument("--repeat", type=int, default=3)
    p.add_argument("--indexed", action="store_true")
    p.add_argument("--forward-only", action="store_true")
    p.add_argument("--json", action="store_true", help="everything, as lists of seconds")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    Mamba.indexed = a.indexed
    m = Jamba()
    n = sum(x.numel() for x in m.parameters())
    assert n == 17_462_352, n
    ids = torch.randint(1, V, (a.batch, a.length))

    def forward():
        with torch.no_grad():
            m(ids)

    def backward():
        F.cross_entropy(m(ids)[:, :-1].reshape(-1, V), ids[:, 1:].reshape(-1)).backward()

    if a.json:
        check_step(m)
        # Backward first: the allocator then keeps the memory that forward would take anew.
        out = {"backward": [timed(backward) for _ in range(a.repeat)], "forward": [timed(forward) for _ in range(a.repeat)]}
        Mamba.indexed = True
        out["forward indexed"] = [timed(forward) for _ in range(a.repeat)]
        for context in (64, 1 << 10, 4 << 10, 16 << 10):
            out["decode %d" % context] = decode(m, context)
        print(json.dumps({k + of: [x[i] for x in v] for k, v in out.items() for i, of in enumerate(("", " cpu"))}))
        return
    best_f = best_fb = float("inf")
    for _ in range(a.repeat):
        best_f = min(best_f, timed(forward)[0])
        if not a.forward_only:
            best_fb = min(best_fb, timed(backward)[0])
    print(f"torch {torch.__version__}, {a.threads} thread(s), batch {a.batch} x {a.length}: forward {best_f:.2f} s", end="")
    print("" if a.forward_only else f", forward + backward {best_fb:.2f} s")


if __name__ == "__main__":
    main()
