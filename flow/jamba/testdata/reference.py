#!/usr/bin/env python3
"""A second Jamba, in PyTorch float64, written from the specification alone.

    python3 reference.py check DIR...    compares itself with fixtures of Hugging Face
    python3 reference.py make OUT [N]    writes fixtures of other configurations to OUT,
                                         and of N random ones

It has no kernels, no chunks and no caches: decoding is the full forward pass, and the
final caches are read off it. `check` shows that it is the same network as Hugging Face's;
`make` then gives expected values for shapes that the fixtures at hand do not have.
Needs /usr/bin/python3 with torch and numpy (Debian: python3-torch).
"""
import json
import math
import os
import random
import sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I8": np.int8}


# The safetensors format.

def read(path):
    raw = open(path, "rb").read()
    n = int.from_bytes(raw[:8], "little")
    out = {}
    for name, e in json.loads(raw[8:8 + n]).items():
        if name == "__metadata__":
            continue
        lo, hi = e["data_offsets"]
        b = raw[8 + n + lo:8 + n + hi]
        if e["dtype"] == "BF16":
            a = (np.frombuffer(b, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            a = np.frombuffer(b, DTYPES[e["dtype"]])
        out[name] = a.reshape(e["shape"])
    return out


def bf16(x):
    """Rounds float32 to bfloat16, ties to even."""
    u = np.ascontiguousarray(x, np.float32).view(np.uint32).astype(np.uint64)
    return ((u + 0x7FFF + ((u >> 16) & 1)) >> 16).astype(np.uint16)


def write(path, tensors, as_bf16=False):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name in sorted(tensors):
        a = np.ascontiguousarray(tensors[name])
        if as_bf16:
            kind, b = "BF16", bf16(a).tobytes()
        else:
            kind = next(k for k, t in DTYPES.items() if t == a.dtype)
            b = a.tobytes()
        header[name] = {"dtype": kind, "shape": list(a.shape), "data_offsets": [len(data), len(data) + len(b)]}
        data += b
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text + data)


# The network. w is a dictionary of tensors by their Hugging Face names.

def defaults(c):
    d = dict(rms_norm_eps=1e-6, num_experts=16, num_experts_per_tok=2, expert_layer_period=2, expert_layer_offset=1,
             attn_layer_period=8, attn_layer_offset=4, mamba_d_state=16, mamba_d_conv=4, mamba_expand=2,
             mamba_dt_rank="auto", mamba_conv_bias=True, mamba_proj_bias=False, tie_word_embeddings=False,
             router_aux_loss_coef=0.001, pad_token_id=0)
    d.update(c)
    if d["num_key_value_heads"] is None:
        d["num_key_value_heads"] = d["num_attention_heads"]
    if d["mamba_dt_rank"] == "auto":
        d["mamba_dt_rank"] = math.ceil(d["hidden_size"] / 16)
    return d


def is_attention(c, i):
    return i % c["attn_layer_period"] == c["attn_layer_offset"]


def is_moe(c, i):
    return c["num_experts"] > 1 and i % c["expert_layer_period"] == c["expert_layer_offset"]


def rms(c, x, w):
    return w * x / torch.sqrt((x * x).mean(-1, keepdim=True) + c["rms_norm_eps"])


def attention(c, w, p, x, cache):
    T, H = x.shape
    n, kv = c["num_attention_heads"], c["num_key_value_heads"]
    hd = H // n
    q = (x @ w[p + "q_proj.weight"].T).view(T, n, hd)
    k = (x @ w[p + "k_proj.weight"].T).view(T, kv, hd)
    v = (x @ w[p + "v_proj.weight"].T).view(T, kv, hd)
    cache["key"], cache["value"] = k.transpose(0, 1), v.transpose(0, 1)
    out = []
    for h in range(n):
        kh, vh = k[:, h // (n // kv)], v[:, h // (n // kv)]
        s = q[:, h] @ kh.T / math.sqrt(hd)
        s = s.masked_fill(torch.ones(T, T, dtype=torch.bool).triu(1), -math.inf)
        out.append(s.softmax(-1) @ vh)
    return torch.cat(out, -1) @ w[p + "o_proj.weight"].T


def mamba(c, w, p, x, cache):
    T, H = x.shape
    D, N, R, W = c["mamba_expand"] * H, c["mamba_d_state"], c["mamba_dt_rank"], c["mamba_d_conv"]
    uz = x @ w[p + "in_proj.weight"].T
    if c["mamba_proj_bias"]:
        uz = uz + w[p + "in_proj.bias"]
    u, z = uz[:, :D], uz[:, D:]
    before = torch.cat([torch.zeros(W, D), u])  # zero history
    cache["conv_state"] = before[-W:].T
    conv = sum(before[1 + j:1 + j + T] * w[p + "conv1d.weight"][:, 0, j] for j in range(W))
    if c["mamba_conv_bias"]:
        conv = conv + w[p + "conv1d.bias"]
    u = F.silu(conv)
    dt, B, C = (u @ w[p + "x_proj.weight"].T).split([R, N, N], -1)
    dt = rms(c, dt, w[p + "dt_layernorm.weight"])
    B = rms(c, B, w[p + "b_layernorm.weight"])
    C = rms(c, C, w[p + "c_layernorm.weight"])
    delta = F.softplus(dt @ w[p + "dt_proj.weight"].T + w[p + "dt_proj.bias"], threshold=1e9)
    A = -torch.exp(w[p + "A_log"])
    h, y = torch.zeros(D, N), []
    for t in range(T):
        h = torch.exp(delta[t][:, None] * A) * h + (delta[t] * u[t])[:, None] * B[t]
        y.append(h @ C[t])
    cache["ssm_state"] = h
    y = (torch.stack(y) + w[p + "D"] * u) * F.silu(z)
    out = y @ w[p + "out_proj.weight"].T
    return out + w[p + "out_proj.bias"] if c["mamba_proj_bias"] else out


def mlp(w, p, x):
    return (F.silu(x @ w[p + "gate_proj.weight"].T) * (x @ w[p + "up_proj.weight"].T)) @ w[p + "down_proj.weight"].T


def moe(c, w, p, x, router):
    z = x @ w[p + "router.weight"].T
    router.append(z)
    prob, idx = z.softmax(-1).topk(c["num_experts_per_tok"])
    rows = []
    for t in range(x.shape[0]):
        rows.append(sum(prob[t, j] * mlp(w, p + "experts.%d." % idx[t, j], x[t]) for j in range(idx.shape[1])))
    return torch.stack(rows)


def forward(c, w, ids):
    """Returns logits, hidden states, router logits and final caches of one sequence."""
    emb = w["model.embed_tokens.weight"]
    x = F.embedding(ids, emb, padding_idx=c["pad_token_id"])
    hidden, router, caches = [x], [], {}
    for i in range(c["num_hidden_layers"]):
        p, cache = "model.layers.%d." % i, {}
        n = rms(c, x, w[p + "input_layernorm.weight"])
        x = x + (attention(c, w, p + "self_attn.", n, cache) if is_attention(c, i) else mamba(c, w, p + "mamba.", n, cache))
        n = rms(c, x, w[p + "pre_ff_layernorm.weight"])
        x = x + (moe(c, w, p + "feed_forward.", n, router) if is_moe(c, i) else mlp(w, p + "feed_forward.", n))
        hidden.append(x)
        for k, v in cache.items():
            caches["final.%s.%d" % (k, i)] = v
    hidden[-1] = rms(c, x, w["model.final_layernorm.weight"])
    head = emb if c["tie_word_embeddings"] else w["lm_head.weight"]
    return hidden[-1] @ head.T, hidden, router, caches


def aux_loss(c, router):
    z = torch.cat(router)
    E, k = c["num_experts"], c["num_experts_per_tok"]
    prob = z.softmax(-1)
    chosen = F.one_hot(prob.topk(k).indices, E).double().mean(0)  # [k, E], constant in the gradient
    return E * (chosen * prob.mean(0)).sum()


def margin(c, router):
    """The least gap between the k-th and the next probability."""
    if not router:
        return math.inf
    k = c["num_experts_per_tok"]
    if k == c["num_experts"]:
        return math.inf
    top = torch.cat(router).softmax(-1).topk(k + 1).values
    return float((top[:, k - 1] - top[:, k]).min())


def loss_and_grads(c, w, ids, aux):
    w = {k: v.clone().requires_grad_() for k, v in w.items()}
    logits, _, router, _ = forward(c, w, ids)
    loss = F.cross_entropy(logits[:-1], ids[1:])
    a = aux_loss(c, router) if router else None
    if aux and router:
        loss = loss + c["router_aux_loss_coef"] * a
    loss.backward()
    return float(loss), a, {k: v.grad for k, v in w.items()}


def load(dir):
    c = defaults(json.load(open(os.path.join(dir, "config.json"))))
    w = {}
    for f in sorted(os.listdir(dir)):
        if f.startswith("model") and f.endswith(".safetensors"):
            w.update(read(os.path.join(dir, f)))
    return c, {k: torch.tensor(v.astype(np.float64)) for k, v in w.items()}


def check(dir):
    c, w = load(dir)
    worst = {}

    def near(kind, got, want):
        worst[kind] = max(worst.get(kind, 0), float(np.abs(got.detach().numpy() - want).max()))

    e = read(os.path.join(dir, "expected.safetensors"))
    for s in sorted({k.split(".")[0] for k in e}):
        logits, hidden, router, _ = forward(c, w, torch.tensor(e[s + ".input_ids"]))
        near("logits", logits, e[s + ".logits"])
        for j, h in enumerate(hidden):
            near("hidden", h, e["%s.hidden.%d" % (s, j)])
        for m, z in enumerate(router):
            near("router", z, e["%s.router_logits.%d" % (s, m)])
        near("aux", aux_loss(c, router)[None], e[s + ".aux_loss"])
    d = read(os.path.join(dir, "decode.safetensors"))
    logits, _, _, caches = forward(c, w, torch.tensor(d["input_ids"]))
    near("decode", logits, d["logits"])
    for k, v in caches.items():
        near("caches", v, d[k])
    for f, aux in (("grad_ce", False), ("grad_ce_plus_aux", True)):
        path = os.path.join(dir, f + ".safetensors")
        if os.path.exists(path):
            g = read(path)
            loss, _, grads = loss_and_grads(c, w, torch.tensor(g["input_ids"]), aux)
            near("loss", torch.tensor([loss]), g["loss"])
            for k, v in grads.items():
                want = g["grad." + k]
                near("gradients, relative", v / max(np.abs(want).max(), 1e-30), want / max(np.abs(want).max(), 1e-30))
    print(dir, ", ".join("%s %.1e" % kv for kv in worst.items()))
    assert all(v < (1e-6 if "grad" in k else 1e-9) for k, v in worst.items())


# Other configurations.

BASE = dict(model_type="jamba", hidden_act="silu", vocab_size=40, hidden_size=24, intermediate_size=20, num_hidden_layers=5,
            num_attention_heads=4, num_key_value_heads=1, router_aux_loss_coef=0.02, rms_norm_eps=1e-6, pad_token_id=0)
SHAPES = {
    # top-3 of 5, MQA, other periods, all biases the other way round, three taps, bfloat16 in three shards
    "odd": dict(num_experts=5, num_experts_per_tok=3, attn_layer_period=3, attn_layer_offset=1, expert_layer_period=3,
                expert_layer_offset=2, mamba_proj_bias=True, mamba_conv_bias=False, mamba_d_conv=3, mamba_d_state=5,
                mamba_dt_rank=3, pad_token_id=None, bf16=True, shards=3),
    # every layer a mixture with one expert a token; keys and values for every head; automatic rank, all biases, tied
    "switch": dict(num_key_value_heads=None, num_experts=3, num_experts_per_tok=1, attn_layer_period=2, attn_layer_offset=0,
                   expert_layer_period=1, expert_layer_offset=0, mamba_proj_bias=True, mamba_d_state=16,
                   tie_word_embeddings=True, eos_token_id=[2, 3]),
    # no mixture at all, no bias, one tap, channels that fill no vector, float16
    "dense": dict(num_experts=1, num_experts_per_tok=1, attn_layer_period=4, attn_layer_offset=3, mamba_conv_bias=False,
                  mamba_d_conv=1, mamba_expand=1, mamba_d_state=3, mamba_dt_rank=1, f16=True, pad_token_id=7),
    # attention alone, all experts at work
    "attention": dict(attn_layer_period=1, attn_layer_offset=0, num_experts=4, num_experts_per_tok=4, num_key_value_heads=2),
    # Mamba alone
    "mamba": dict(attn_layer_period=9, attn_layer_offset=8, num_experts=6, num_experts_per_tok=2, mamba_expand=3, mamba_d_conv=6),
}


def random_shape(r):
    """A configuration without regard for what makes sense."""
    heads, E, a, e = r.choice([1, 2, 4, 6]), r.choice([1, 2, 3, 5, 8]), r.choice([1, 2, 3, 4, 8]), r.choice([1, 2, 3])
    c = dict(hidden_size=heads * r.choice([6, 8, 10, 16]), num_attention_heads=heads, vocab_size=r.choice([40, 65, 128]),
             num_key_value_heads=r.choice([k for k in range(1, heads + 1) if heads % k == 0] + [None]),
             intermediate_size=r.choice([7, 16, 20, 33, 64]), num_hidden_layers=r.choice([1, 2, 3, 5, 6]),
             num_experts=E, num_experts_per_tok=r.randint(1, E), attn_layer_period=a, attn_layer_offset=r.randrange(a),
             expert_layer_period=e, expert_layer_offset=r.randrange(e), mamba_d_state=r.choice([1, 3, 8, 16]),
             mamba_d_conv=r.choice([1, 2, 4, 5]), mamba_expand=r.choice([1, 2, 3]), mamba_dt_rank=r.choice(["auto", 4, 5, 8]),
             mamba_conv_bias=r.random() < .5, mamba_proj_bias=r.random() < .5, tie_word_embeddings=r.random() < .5,
             pad_token_id=r.choice([0, None, 5]), rms_norm_eps=r.choice([1e-6, 1e-5]))
    return dict(c, bf16=True, shards=r.choice([1, 2, 4])) if r.random() < .4 else c


def weights(c, g):
    def n(*shape, s=None):
        s = 1 / math.sqrt(shape[-1]) if s is None else s
        return g.normal(size=shape) * s

    H, I, V = c["hidden_size"], c["intermediate_size"], c["vocab_size"]
    D, N, R, W = c["mamba_expand"] * H, c["mamba_d_state"], c["mamba_dt_rank"], c["mamba_d_conv"]
    kv = c["num_key_value_heads"] * (H // c["num_attention_heads"])
    w = {"model.embed_tokens.weight": n(V, H, s=.35 if c["tie_word_embeddings"] else 1), "model.final_layernorm.weight": 1 + n(H, s=.2)}
    if not c["tie_word_embeddings"]:
        w["lm_head.weight"] = n(V, H, s=.3)
    for i in range(c["num_hidden_layers"]):
        p = "model.layers.%d." % i
        w[p + "input_layernorm.weight"], w[p + "pre_ff_layernorm.weight"] = 1 + n(H, s=.2), 1 + n(H, s=.2)
        if is_attention(c, i):
            for k, o in (("q", H), ("k", kv), ("v", kv), ("o", H)):
                w[p + "self_attn.%s_proj.weight" % k] = n(o, H, s=1.5 / math.sqrt(H))
        else:
            m = p + "mamba."
            w[m + "in_proj.weight"], w[m + "out_proj.weight"] = n(2 * D, H), n(H, D)
            if c["mamba_proj_bias"]:
                w[m + "in_proj.bias"], w[m + "out_proj.bias"] = n(2 * D, s=.2), n(H, s=.2)
            w[m + "conv1d.weight"] = n(D, 1, W, s=.5)
            if c["mamba_conv_bias"]:
                w[m + "conv1d.bias"] = n(D, s=.2)
            w[m + "x_proj.weight"], w[m + "dt_proj.weight"], w[m + "dt_proj.bias"] = n(R + 2 * N, D), n(D, R), n(D, s=.5) - 1
            w[m + "A_log"] = np.log(np.arange(1, N + 1.)) + n(D, N, s=.2)
            w[m + "D"] = 1 + n(D, s=.2)
            for k, s in (("dt", R), ("b", N), ("c", N)):
                w[m + "%s_layernorm.weight" % k] = 1 + n(s, s=.2)
        f = p + "feed_forward."
        if is_moe(c, i):
            w[f + "router.weight"] = n(c["num_experts"], H, s=2 / math.sqrt(H))
        for e in ["experts.%d." % e for e in range(c["num_experts"])] if is_moe(c, i) else [""]:
            w[f + e + "gate_proj.weight"], w[f + e + "up_proj.weight"], w[f + e + "down_proj.weight"] = n(I, H), n(I, H), n(H, I)
    return w


def quantize(a, round16):
    r = (lambda x: (bf16(x).astype(np.uint32) << 16).view(np.float32)) if round16 else (lambda x: x.astype(np.float32))
    a = r(a.astype(np.float32))
    s = r(np.abs(a).max(1) / np.float32(127))
    q = np.where(s[:, None] > 0, r(a / np.where(s > 0, s, 1)[:, None]), 0)
    return np.clip(np.rint(q), -127, 127).astype(np.int8), s


def make(out, name, seed):
    shape = dict(SHAPES[name])
    store16, f16, shards = shape.pop("bf16", False), shape.pop("f16", False), shape.pop("shards", 1)
    raw = dict(BASE, **shape)
    c, g = defaults(raw), np.random.default_rng(seed)
    w = weights(c, g)
    for k in w:  # what the file holds
        w[k] = np.float16(w[k]) if f16 else np.float32(w[k])
        if store16:
            w[k] = (bf16(w[k]).astype(np.uint32) << 16).view(np.float32)
    t = {k: torch.tensor(v.astype(np.float64)) for k, v in w.items()}
    expected, ids33, gap = {}, None, math.inf
    eight, sixteen, tq = {}, {}, dict(t)
    for k, v in w.items():
        if ".experts." in k:
            q, s = quantize(v, False)
            eight[k + ".int8"], eight[k + ".scale"] = q, s
            tq[k] = torch.tensor(q.astype(np.float64) * s.astype(np.float64)[:, None])
            q, s = quantize(v, True)
            sixteen[k + ".int8"], sixteen[k + ".scale"] = q, s
    with torch.no_grad():
        for n in (1, 7, 33):
            ids = torch.tensor(g.integers(1, c["vocab_size"], n))
            logits, hidden, router, caches = forward(c, t, ids)
            q_logits, _, q_router, _ = forward(c, tq, ids)
            gap = min(gap, margin(c, router), margin(c, q_router))
            s = "seq%d." % n
            expected[s + "input_ids"], expected[s + "logits"] = ids.numpy(), logits.numpy()
            for j, h in enumerate(hidden):
                expected[s + "hidden.%d" % j] = h.numpy()
            for m, z in enumerate(router):
                expected[s + "router_logits.%d" % m] = z.numpy()
            if router:
                expected[s + "aux_loss"] = aux_loss(c, router)[None].numpy()
                eight[s + "logits"] = q_logits.numpy()
        if gap < 1e-3:
            return False  # float32 might route otherwise
        # Nor should it amplify rounding, as an inner norm over two small numbers does: weights that are
        # off by a float32 rounding must not move the logits more than they do in Hugging Face's fixtures.
        for _ in range(4):
            off = {k: v * (1 + 2.0 ** -24 * torch.tensor(g.uniform(-1, 1, v.shape))) for k, v in t.items()}
            if float((forward(c, off, ids)[0] - logits).abs().max()) > 8e-6:
                return False
        dec = {k: v.numpy() for k, v in caches.items()}
        dec.update(input_ids=ids.numpy(), logits=logits.numpy(), prefill_len=np.array([5]))
        # The second sequence is the last 20 tokens of the first.
        short = ids[-20:]
        l2, _, r2, _ = forward(c, t, short)
        pad = {"input_ids": np.stack([ids.numpy(), np.concatenate([np.zeros(13, np.int64), short.numpy()])]),
               "attention_mask": np.stack([np.ones(33, np.int64), np.arange(33, dtype=np.int64) // 13 > 0]).astype(np.int64),
               "logits": np.stack([logits.numpy(), np.concatenate([np.zeros((13, c["vocab_size"])), l2.numpy()])])}
        if router:
            pad["aux_loss"] = aux_loss(c, [torch.cat([a, b]) for a, b in zip(router, r2)])[None].numpy()
            if margin(c, r2) < 1e-3:
                return False
    dir = os.path.join(out, name)
    os.makedirs(dir, exist_ok=True)
    json.dump(dict(raw, torch_dtype="bfloat16" if store16 else "float16" if f16 else "float32"), open(os.path.join(dir, "config.json"), "w"), indent=1)
    names = sorted(w)
    if shards > 1:
        where = {}
        for i in range(shards):
            file, part = "model-%05d-of-%05d.safetensors" % (i + 1, shards), names[i::shards]
            write(os.path.join(dir, file), {k: w[k] for k in part}, store16)
            where.update({k: file for k in part})
        json.dump({"metadata": {}, "weight_map": where}, open(os.path.join(dir, "model.safetensors.index.json"), "w"))
    else:
        write(os.path.join(dir, "model.safetensors"), w, store16)
    write(os.path.join(dir, "expected.safetensors"), expected)
    write(os.path.join(dir, "decode.safetensors"), dec)
    write(os.path.join(dir, "leftpad.safetensors"), pad)
    if eight:
        write(os.path.join(dir, "experts_int8.safetensors"), eight)
        if store16:
            write(os.path.join(dir, "experts_int8_vllm_bf16.safetensors"), sixteen)
    for f, aux in (("grad_ce", False), ("grad_ce_plus_aux", True)):
        loss, a, grads = loss_and_grads(c, t, ids, aux)
        gr = {"grad." + k: (torch.zeros_like(t[k]) if v is None else v).numpy().astype(np.float32) for k, v in grads.items()}
        gr.update(input_ids=ids.numpy(), loss=np.array([loss]))
        if aux and a is not None:
            gr.update(aux_coef=np.array([c["router_aux_loss_coef"]]), aux_loss=a[None].detach().numpy())
        write(os.path.join(dir, f + ".safetensors"), gr)
    print("%s: seed %d, least margin of the router %.4f" % (dir, seed, gap))
    return True


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("check", "make"):
        sys.exit(__doc__)
    if sys.argv[1] == "check":
        for dir in sys.argv[2:]:
            check(dir)
    else:
        for name in SHAPES:
            assert any(make(sys.argv[2], name, seed) for seed in range(1000))
        n, r = 0, random.Random(1)
        while n < int((sys.argv + ["0"])[3]):
            name = "random%02d" % n
            SHAPES[name] = random_shape(r)
            n += any(make(sys.argv[2], name, seed) for seed in range(60))  # some shapes amplify rounding with any weights
