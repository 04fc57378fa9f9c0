"""Simulations of CyNetDiff and PyNetIM on a graph, asked for line by line.

    kernel-peers.py FOLDER

FOLDER has `first-arcs`, `targets` and `seeds`: little-endian u32. Reads lines `PEER WORKLOAD
FIRST COUNT`, WORKLOAD being `ic/p=0.01`, `ic/weighted-cascade` or `lt/weighted-cascade`; answers
each with this process's processor seconds and the sum of the spreads, or `-` for what a peer does
not have. Both run their fastest documented call: one that does all simulations in native code, on
one thread, given arrays that are made beforehand and kept from line to line.
"""

import sys
import time
from array import array
from pathlib import Path


class Graph:
    def __init__(self, folder):
        self.first_arcs = read(folder / "first-arcs")
        self.targets = read(folder / "targets")
        self.seeds = list(read(folder / "seeds"))
        self.in_degrees = array("I", bytes(4 * self.n_nodes))
        for target in self.targets:
            self.in_degrees[target] += 1

    @property
    def n_nodes(self):
        return len(self.first_arcs) - 1

    def arcs(self):
        ends = zip(self.first_arcs, self.first_arcs[1:])
        return [
            (source, target)
            for source, (begin, end) in enumerate(ends)
            for target in self.targets[begin:end]
        ]

    def weights(self, workload):
        """A number where all arcs have the same, else one an arc."""
        if "=" in workload:
            return float(workload.split("=")[1])
        return [1.0 / self.in_degrees[target] for target in self.targets]


def read(path):
    elements = array("I")
    elements.frombytes(path.read_bytes())
    if sys.byteorder == "big":
        elements.byteswap()
    return elements


def cynetdiff(graph, workload):
    """`compute_marginal_gains` of no further seeds is the mean spread of many trials."""
    from cynetdiff.models import IndependentCascadeModel, LinearThresholdModel

    # It finds where the last node's arcs end by itself.
    starts = graph.first_arcs[:-1]
    weights = graph.weights(workload)
    if workload.startswith("lt/"):
        model = LinearThresholdModel(starts, graph.targets, influence=array("f", weights))
    elif isinstance(weights, float):
        model = IndependentCascadeModel(starts, graph.targets, activation_prob=weights)
    else:
        probabilities = array("f", weights)
        model = IndependentCascadeModel(
            starts, graph.targets, activation_probs=probabilities
        )

    def run(first, count):
        model.set_rng(first)
        return model.compute_marginal_gains(graph.seeds, [], count)[0] * count

    return run


def pynetim(graph, workload):
    from pynetim import IMGraph, IndependentCascadeModel, LinearThresholdModel

    weights = graph.weights(workload)
    # Nodes are 0 to the greatest that has an arc; any further ones have none.
    native = IMGraph(graph.arcs(), weights=weights, directed=True, renumber=False)
    is_threshold = workload.startswith("lt/")
    kind = LinearThresholdModel if is_threshold else IndependentCascadeModel
    model = kind(native, set(graph.seeds))

    def run(first, count):
        return model.run_monte_carlo_diffusion(count, random_seed=first) * count

    return run


PEERS = {"cynetdiff": cynetdiff, "pynetim": pynetim}


def main(folder):
    graph = Graph(Path(folder))
    prepared = {}
    for line in sys.stdin:
        peer, workload, first, count = line.split()
        if peer not in PEERS:
            print("-", flush=True)
            continue
        key = peer, workload
        if key not in prepared:
            # One graph a peer is enough, and memory is not to grow.
            prepared = {other: run for other, run in prepared.items() if other[0] != peer}
            prepared[key] = PEERS[peer](graph, workload)
        began = time.process_time()
        total = prepared[key](int(first), int(count))
        print(time.process_time() - began, total, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
