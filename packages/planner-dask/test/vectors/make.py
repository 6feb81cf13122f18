"""Makes the test vectors of the ordering with Dask's own: vectors.jsonl, beside this file.

    apt-get install python3-dask        # Debian 12: Dask 2022.12.1
    /usr/bin/python3 packages/planner-dask/test/vectors/make.py

For each graph, one a line: the names, the dependencies of each node as indices, and the priorities that `dask.order.order` gave. Dask
leaves ties of 100 nodes and more (and 1,000 unfinished dependencies and more of one node) in the order of a hash table,
which differs from run to run. So each graph is ordered in several processes with other seeds of the hash; where these
differ, the priorities are left out (`null`): any valid order will do.
"""
import json
import os
import random
import subprocess
import sys

VERSION = "2022.12.1"
SEEDS = ("0", "1", "2", "3")


class Builder:
    def __init__(self):
        self.names = []
        self.dependencies = []
        self.index = {}

    def add(self, name, *dependencies):
        self.index[name] = len(self.names)
        self.names.append(name)
        self.dependencies.append(sorted({self.index[d] for d in dependencies}))
        return name


def graph(build, shuffle=None):
    builder = Builder()
    build(builder)
    names, dependencies = builder.names, builder.dependencies
    if shuffle is not None:
        # Other names for the same graph, so that names do not follow the order of construction.
        letters = [f"{i:x}" for i in range(len(names))]
        random.Random(shuffle).shuffle(letters)
        names = letters
    return {"names": names, "dependencies": dependencies}


def tree(leaves, fan_in):
    def build(g):
        level = [g.add(f"load-{i}") for i in range(leaves)]
        depth = 0
        while len(level) > 1:
            depth += 1
            level = [
                g.add(f"sum-{depth}-{i}", *level[i : i + fan_in])
                for i in range(0, len(level), fan_in)
            ]
    return build


def chain(length):
    def build(g):
        last = g.add("x-0")
        for i in range(1, length):
            last = g.add(f"x-{i}", last)
    return build


def branched_chain(length):
    def build(g):
        last = g.add("x-0")
        for i in range(1, length):
            last = g.add(f"x-{i}", last)
            if i % 3 == 0:
                g.add(f"out-{i}", last)
            if i % 5 == 0:
                side = g.add(f"side-{i}")
                last = g.add(f"join-{i}", last, side)
    return build


def diamonds(count):
    def build(g):
        top = g.add("top-0")
        for i in range(count):
            left = g.add(f"left-{i}", top)
            right = g.add(f"right-{i}", top)
            top = g.add(f"top-{i + 1}", left, right)
    return build


def fan(out, collected):
    def build(g):
        root = g.add("root")
        middle = [g.add(f"m-{i}", root) for i in range(out)]
        if collected:
            g.add("all", *middle)
    return build


def two_level_fan(width, inner):
    def build(g):
        root = g.add("root")
        for i in range(width):
            a = g.add(f"a-{i}", root)
            for j in range(inner):
                g.add(f"b-{i}-{j}", a)
    return build


def map_reduce(maps, reduces):
    def build(g):
        parts = [g.add(f"map-{i}", g.add(f"read-{i}")) for i in range(maps)]
        for j in range(reduces):
            slices = [g.add(f"split-{i}-{j}", parts[i]) for i in range(maps)]
            g.add(f"reduce-{j}", *slices)
    return build


def grid(rows, columns):
    """Wavefront: each cell needs the one above and the one on the left."""
    def build(g):
        for r in range(rows):
            for c in range(columns):
                near = ([f"{r - 1},{c}"] if r else []) + ([f"{r},{c - 1}"] if c else [])
                g.add(f"{r},{c}", *near)
    return build


def stencil(width, steps):
    def build(g):
        for t in range(steps):
            for x in range(width):
                near = [f"s{t - 1}x{y}" for y in range(max(0, x - 1), min(width, x + 2))] if t else []
                g.add(f"s{t}x{x}", *near)
    return build


def gemm(n):
    def build(g):
        a = {(i, k): g.add(f"A-{i}-{k}") for i in range(n) for k in range(n)}
        b = {(k, j): g.add(f"B-{k}-{j}") for k in range(n) for j in range(n)}
        for i in range(n):
            for j in range(n):
                products = [g.add(f"P-{i}-{j}-{k}", a[i, k], b[k, j]) for k in range(n)]
                while len(products) > 1:
                    products = [
                        g.add(f"S-{i}-{j}-{len(products)}-{p}", *products[p : p + 2])
                        for p in range(0, len(products), 2)
                    ]
    return build


def cholesky(n):
    def build(g):
        tile = {(i, j): g.add(f"A-{i}-{j}") for i in range(n) for j in range(i + 1)}
        for k in range(n):
            tile[k, k] = g.add(f"potrf-{k}", tile[k, k])
            for i in range(k + 1, n):
                tile[i, k] = g.add(f"trsm-{i}-{k}", tile[k, k], tile[i, k])
            for i in range(k + 1, n):
                for j in range(k + 1, i + 1):
                    tile[i, j] = g.add(f"gemm-{i}-{j}-{k}", tile[i, j], tile[i, k], tile[j, k])
    return build


def butterfly(bits):
    def build(g):
        size = 1 << bits
        level = [g.add(f"f-0-{i}") for i in range(size)]
        for s in range(bits):
            level = [g.add(f"f-{s + 1}-{i}", level[i], level[i ^ (1 << s)]) for i in range(size)]
    return build


def layered(seed, layers, width, most):
    def build(g):
        rng = random.Random(seed)
        before, last = [], []
        for layer in range(layers):
            now = []
            for i in range(rng.randint(1, width)):
                near = rng.sample(last, min(len(last), rng.randint(0 if rng.random() < 0.2 else 1, most)))
                far = rng.sample(before, 1) if before and rng.random() < 0.15 else []
                now.append(g.add(f"n{layer}_{i}", *near, *far))
            before, last = before + last, now
    return build


def sparse(seed, size, share):
    """Any earlier node may be needed: many goals, several connected parts."""
    def build(g):
        rng = random.Random(seed)
        for i in range(size):
            near = [f"t{j}" for j in range(max(0, i - 30), i) if rng.random() < share]
            g.add(f"t{i}", *near)
    return build


def small(*edges):
    """`a: b c` is: a needs b and c, which come before."""
    def build(g):
        for edge in edges:
            name, _, needs = edge.partition(":")
            g.add(name, *needs.split())
    return build


def forest(seed, trees):
    def build(g):
        rng = random.Random(seed)
        for t in range(trees):
            level = [g.add(f"{t}-l-{i}") for i in range(rng.randint(1, 9))]
            depth = 0
            while len(level) > 1:
                depth += 1
                fan_in = rng.randint(2, 3)
                level = [g.add(f"{t}-{depth}-{i}", *level[i : i + fan_in]) for i in range(0, len(level), fan_in)]
    return build


def rolling(size):
    """Reads, overlapped with neighbours, normalised by a statistic of all, stored in parts."""
    def build(g):
        read = [g.add(f"read-{i}") for i in range(size)]
        over = [g.add(f"over-{i}", *read[max(0, i - 1) : i + 2]) for i in range(size)]
        part = [g.add(f"part-{i}", over[i]) for i in range(size)]
        mean = g.add("mean", *part)
        for i in range(size):
            g.add(f"store-{i}", g.add(f"norm-{i}", over[i], mean))
    return build


def broadcast(size, shared):
    """Each row's result needs something that all share."""
    def build(g):
        common = [g.add(f"common-{k}") for k in range(shared)]
        for i in range(size):
            a = g.add(f"in-{i}")
            b = g.add(f"mul-{i}", a, *common)
            g.add(f"max-{i}", b)
            g.add(f"min-{i}", b)
    return build


def shuffle_stages(parts, stages):
    def build(g):
        level = [g.add(f"load-{i}") for i in range(parts)]
        for s in range(stages):
            split = [g.add(f"split-{s}-{i}", level[i]) for i in range(parts)]
            get = [[g.add(f"get-{s}-{i}-{j}", split[i]) for j in range(parts)] for i in range(parts)]
            level = [g.add(f"join-{s}-{j}", *(get[i][j] for i in range(parts))) for j in range(parts)]
    return build


GRAPHS = {
    "module docstring: b and c need a, d needs c": (small("a", "b: a", "c: a", "d: c"), None),
    "docstring of order: c needs a, d needs b and c": (small("a", "b", "c: a", "d: b c"), None),
    "two goals, one shared": (small("x", "y", "a: x", "b: x y", "c: y", "d: a b", "e: b c"), None),
    "avoid the broker": (small("a", "b: a", "c: b", "d: b", "e: b", "f: c", "g: a", "h: g", "i: h"), None),
    "names beyond the basic plane": (small("\ufb01", "\U0001f600", "a\ufb01", "a\U0001f600", "z: \ufb01 \U0001f600 a\ufb01 a\U0001f600", "\u00e9: \ufb01", "e: \ufb01", "A: \U0001f600"), None),
    "chain": (chain(40), None),
    "branched chain": (branched_chain(120), None),
    "branched chain, names shuffled": (branched_chain(120), 1),
    "diamonds": (diamonds(12), None),
    "300 diamonds: more paths than a double can count": (diamonds(300), 3),
    "binary tree of 64": (tree(64, 2), None),
    "binary tree of 64, names shuffled": (tree(64, 2), 7),
    "tree of 81 with fan-in 3": (tree(81, 3), 2),
    "tree of 499 leaves, 1,000 nodes": (tree(499, 2), None),
    "fan-out of 50": (fan(50, False), None),
    "fan-out of 50, collected": (fan(50, True), 4),
    "fan-out of 150: ties without order": (fan(150, True), None),
    "fan-outs in a fan-out": (two_level_fan(12, 7), 5),
    "fan-out of 120 with leaves each: ties without order": (two_level_fan(120, 2), None),
    "map-reduce 8 by 5": (map_reduce(8, 5), None),
    "map-reduce 20 by 20": (map_reduce(20, 20), 6),
    "grid 12 by 12": (grid(12, 12), None),
    "grid 30 by 30: huge totals": (grid(30, 30), 8),
    "stencil 10 by 8": (stencil(10, 8), None),
    "stencil 25 by 40: 1,000 nodes, huge totals": (stencil(25, 40), 9),
    "gemm 3": (gemm(3), None),
    "gemm 5, names shuffled": (gemm(5), 10),
    "cholesky 6": (cholesky(6), None),
    "cholesky 9": (cholesky(9), 11),
    "butterfly of 32": (butterfly(5), None),
    "forest": (forest(12, 25), None),
    "forest, names shuffled": (forest(13, 40), 13),
    "normalised": (rolling(15), None),
    "normalised, wide": (rolling(60), 14),
    "broadcast": (broadcast(12, 2), None),
    "broadcast, names shuffled": (broadcast(40, 3), 15),
    "shuffles": (shuffle_stages(5, 3), None),
    "shuffles, names shuffled": (shuffle_stages(8, 4), 16),
    **{f"layers, seed {s}": (layered(s, 8, 8, 3), s) for s in range(20, 26)},
    **{f"layers, wide, seed {s}": (layered(s, 12, 30, 4), s if s % 2 else None) for s in range(30, 34)},
    **{f"sparse, seed {s}": (sparse(s, 60, 0.06), s) for s in range(40, 46)},
    **{f"sparse, large, seed {s}": (sparse(s, 400, 0.05), s) for s in range(50, 53)},
}


def priorities(graphs):
    import dask
    from dask.order import order

    assert dask.__version__.split("+")[0] == VERSION, dask.__version__
    result = []
    for one in graphs:
        names = one["names"]
        dsk = {n: (max, *(names[d] for d in ds)) for n, ds in zip(names, one["dependencies"])}
        ordered = order(dsk)
        result.append([ordered[n] for n in names])
    return result


def in_process(seed, graphs):
    return json.loads(
        subprocess.run(
            [sys.executable, __file__, "order"],
            input=json.dumps(graphs),
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )


def main():
    graphs = [{"title": title, **graph(*parts)} for title, parts in GRAPHS.items()]
    runs = [in_process(seed, graphs) for seed in SEEDS]
    for i, one in enumerate(graphs):
        same = all(run[i] == runs[0][i] for run in runs)
        one["priorities"] = runs[0][i] if same else None
        if not same:
            print(f"no order: {one['title']}", file=sys.stderr)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors.jsonl")
    with open(path, "w") as file:
        file.writelines(json.dumps(one, separators=(",", ":")) + "\n" for one in graphs)
    print(f"{len(graphs)} graphs, {sum(len(g['names']) for g in graphs)} nodes", file=sys.stderr)


if __name__ == "__main__":
    if sys.argv[1:] == ["order"]:
        json.dump(priorities(json.load(sys.stdin)), sys.stdout)
    else:
        main()
