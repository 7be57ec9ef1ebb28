#!/usr/bin/env python3
"""One training step of a Moser flow in PyTorch, timed.

Two formulations, both of the network n -> H -> ... -> H -> n with swish on B
points, half of them data and half Monte Carlo points:

  published  the divergence by one automatic-differentiation pass per ambient
             coordinate, with a graph for the second pass, as Rozen et al. (2021)
             published it (their code differentiates the projected field)
  forward    tangents pushed through the network beside the values, one
             reverse pass: the formulation of mflow, in PyTorch

Prints one JSON object a line: the case and the median, least and largest
milliseconds of a step (forward, backward, Adam), and of processor time. Needs python3-torch.
"""
import argparse
import json
import math
import statistics
import time

import torch

EPS, LAMBDA = 1e-3, 4.0


def network(n, width, depth):
    sizes = [n] + [width] * depth + [n]
    layers = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layers.append(torch.nn.Linear(a, b))
        if i < depth:
            layers.append(torch.nn.SiLU())
    return torch.nn.Sequential(*layers)


def points(manifold, b):
    """Points, tangent frames (d, B, n) and mean-curvature vectors."""
    if manifold == "sphere":
        x = torch.nn.functional.normalize(torch.randn(b, 3), dim=1)
        s = torch.where(x[:, 2] >= 0, 1.0, -1.0)
        a = -1 / (s + x[:, 2])
        c = x[:, 0] * x[:, 1] * a
        e1 = torch.stack([1 + s * x[:, 0] ** 2 * a, s * c, -s * x[:, 0]], 1)
        e2 = torch.stack([c, s + x[:, 1] ** 2 * a, -x[:, 1]], 1)
        return x, torch.stack([e1, e2]), -2 * x, 1 / (4 * math.pi)
    d = int(manifold.split(":")[1])
    x = torch.rand(b, d) * 2 * math.pi
    e = torch.eye(d).unsqueeze(1).expand(d, b, d).contiguous()
    return x, e, torch.zeros(b, d), (2 * math.pi) ** -d


def loss_of(mu, half):
    fit = torch.log(torch.clamp(mu[:half], min=EPS)).mean()
    pay = torch.clamp(EPS - mu[half:], min=0).mean()
    return LAMBDA * pay - fit


def published(net, batch, half):
    x, _, _, nu = batch
    x = x.detach().requires_grad_(True)
    if x.shape[1] == 3:  # P v(π(x)), constant along normals, is what is differentiated
        y = torch.nn.functional.normalize(x, dim=1)
        v = net(y)
        v = v - (v * y).sum(1, keepdim=True) * y
    else:
        v = net(x)
    div = 0
    for i in range(x.shape[1]):
        div = div + torch.autograd.grad(v[:, i].sum(), x, create_graph=True)[0][:, i]
    return loss_of(nu - div, half)


def forward(net, batch, half):
    x, e, h, nu = batch
    a, t = x, e
    for layer in net:
        if isinstance(layer, torch.nn.Linear):
            a = layer(a)
            t = t @ layer.weight.t()
        else:
            s = torch.sigmoid(a)
            y = a * s
            t = (s + y * (1 - s)) * t
            a = y
    div = (t * e).sum((0, 2)) + (h * a).sum(1)
    return loss_of(nu - div, half)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--manifold", default="sphere", help="sphere, or torus:7")
    p.add_argument("--width", type=int, default=128)
    p.add_argument("--depth", type=int, default=3)
    p.add_argument("--batch", type=int, default=1024)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seconds", type=float, default=3, help="time a formulation for about so long")
    p.add_argument("--formulation", choices=["published", "forward"], action="append")
    a = p.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(a.threads)
    batch = points(a.manifold, a.batch)
    for name in a.formulation or ["published", "forward"]:
        net = network(batch[0].shape[1], a.width, a.depth)
        opt = torch.optim.Adam(net.parameters(), lr=1e-4)
        f = {"published": published, "forward": forward}[name]
        took, cpu, end = [], [], time.time() + a.seconds
        while time.time() < end or len(took) < 6:
            start, busy = time.perf_counter(), time.process_time()
            opt.zero_grad()
            f(net, batch, a.batch // 2).backward()
            opt.step()
            took.append((time.perf_counter() - start) * 1e3)
            cpu.append((time.process_time() - busy) * 1e3)
        took, cpu = took[2:], cpu[2:]
        print(json.dumps({
            "formulation": name, "manifold": a.manifold, "width": a.width, "depth": a.depth,
            "batch": a.batch, "threads": a.threads, "steps": len(took),
            "ms": statistics.median(took), "min": min(took), "max": max(took),
            "cpu": statistics.median(cpu),
        }), flush=True)


if __name__ == "__main__":
    main()
