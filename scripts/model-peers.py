"""Spreads on wiki-Vote as independent packages find them, beside kaskade's.

    model-peers.py KASKADE GRAPH.kg ARCS.txt [SIMULATIONS]

Seeds are the 50 nodes of highest out-degree, ties by smaller id. Prints Markdown. A row agrees where
the two means are at most four standard errors of their difference apart; NDlib's threshold is
certain, so there the spreads are equal. Ends with 1 where a row does not.
"""

import json
import math
import random
import subprocess
import sys

import EoN
import networkx as nx
import ndlib.models.ModelConfig as mc
import ndlib.models.epidemics as ep
from cynetdiff.models import LinearThresholdModel

STANDARD_ERRORS = 4.0


def read(path):
    graph = nx.DiGraph()
    with open(path) as lines:
        for line in lines:
            if not line.startswith("#"):
                graph.add_edge(*map(int, line.split()))
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    return graph


def eon_discrete(graph, seeds, contact, count):
    """Infectious for one round each."""
    rng = random.Random(1)

    def passes(_source, _target):
        return rng.random() < contact

    spreads = []
    for _ in range(count):
        removed = EoN.discrete_SIR(graph, passes, (), initial_infecteds=seeds)[3]
        spreads.append(int(removed[-1]))
    return spreads


def eon_percolation(graph, seeds, contact, recovery, count):
    """Infectious for a geometric number of rounds, which all arcs of a node share."""
    rng = random.Random(1)

    def passes(rounds, _susceptibility):
        return rng.random() < 1.0 - (1.0 - contact) ** rounds

    spreads = []
    for _ in range(count):
        rounds = {}
        for node in graph:
            rounds[node] = 1
            while rng.random() >= recovery:
                rounds[node] += 1
        kept = EoN.nonMarkov_directed_percolate_network(graph, rounds, rounds, passes)
        reached = set(seeds)
        for seed in seeds:
            if seed in kept:
                reached |= nx.descendants(kept, seed)
        spreads.append(len(reached))
    return spreads


def ndlib_threshold(graph, seeds, share):
    model = ep.ThresholdModel(graph)
    config = mc.Configuration()
    config.add_model_initial_configuration("Infected", seeds)
    for node in graph:
        config.add_node_configuration("threshold", node, share)
    model.set_initial_status(config)
    infected = -1
    while True:
        counts = model.iteration()["node_count"]
        if counts[1] == infected:
            return [infected]
        infected = counts[1]


def cynetdiff_threshold(graph, seeds, count):
    from array import array

    nodes = sorted(graph)
    place = {node: position for position, node in enumerate(nodes)}
    starts, targets, weights = array("I"), array("I"), array("f")
    for node in nodes:
        starts.append(len(targets))
        for target in sorted(graph.successors(node)):
            targets.append(place[target])
            weights.append(1.0 / graph.in_degree(target))
    model = LinearThresholdModel(starts, targets, influence=weights)
    model.set_rng(1)
    model.set_seeds([place[seed] for seed in seeds])
    spreads = []
    for _ in range(count):
        model.reset_model()
        model.advance_until_completion()
        spreads.append(model.get_num_activated_nodes())
    return spreads


def estimate(spreads):
    mean = sum(spreads) / len(spreads)
    if len(spreads) == 1:
        return mean, 0.0
    variance = sum((spread - mean) ** 2 for spread in spreads) / (len(spreads) - 1)
    return mean, math.sqrt(variance / len(spreads))


def kaskade(binary, graph, seeds, flags, count):
    command = [binary, "run", "--graph", graph, "--json", "--quiet", "--simulations", str(count)]
    command += ["--seeds", "ids:" + ",".join(map(str, seeds)), *flags]
    spread = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["spread"]
    return spread["mean"], spread["standard_error"]


def main():
    binary, directory, arcs, *rest = sys.argv[1:]
    count = int(rest[0]) if rest else 2000
    graph = read(arcs)
    seeds = sorted(graph, key=lambda node: (-graph.out_degree(node), node))[:50]
    sir = lambda contact, recovery: [
        "--model", "sir", "--probability", str(contact), "--recovery", str(recovery)
    ]
    share = lambda value: ["--model", "threshold", "--threshold", str(value)]
    rows = [
        ("SIR, 0.02, recovery 1", "EoN, discrete_SIR", sir(0.02, 1),
         lambda: eon_discrete(graph, seeds, 0.02, count)),
        ("SIR, 0.05, recovery 1", "EoN, discrete_SIR", sir(0.05, 1),
         lambda: eon_discrete(graph, seeds, 0.05, count)),
        ("SIR, 0.01, recovery 0.5", "EoN, directed percolation", sir(0.01, 0.5),
         lambda: eon_percolation(graph, seeds, 0.01, 0.5, count // 4)),
        ("SIR, 0.01, recovery 0.2", "EoN, directed percolation", sir(0.01, 0.2),
         lambda: eon_percolation(graph, seeds, 0.01, 0.2, count // 4)),
        ("threshold 0.2", "NDlib, ThresholdModel", share(0.2),
         lambda: ndlib_threshold(graph, seeds, 0.2)),
        ("threshold 0.4", "NDlib, ThresholdModel", share(0.4),
         lambda: ndlib_threshold(graph, seeds, 0.4)),
        ("threshold 0.6", "NDlib, ThresholdModel", share(0.6),
         lambda: ndlib_threshold(graph, seeds, 0.6)),
        ("linear threshold, 1/in-degree", "CyNetDiff", ["--model", "lt"],
         lambda: cynetdiff_threshold(graph, seeds, 10 * count)),
        ("threshold uniform in [0, 1]", "CyNetDiff, linear threshold", share("uniform:0-1"),
         lambda: cynetdiff_threshold(graph, seeds, 10 * count)),
    ]
    print("| model | package | its mean spread | kaskade's | standard errors apart |")
    print("|---|---|---:|---:|---:|")
    agree = True
    for name, package, flags, run in rows:
        peer_mean, peer_error = estimate(run())
        mean, error = kaskade(binary, directory, seeds, flags, 20_480)
        apart = abs(mean - peer_mean)
        both = math.hypot(error, peer_error)
        is_same = apart <= STANDARD_ERRORS * both
        agree &= is_same
        verdict = f"{apart / both:.1f}" if both else ("equal" if is_same else "not equal:")
        print(
            f"| {name} | {package} | {peer_mean:.2f} ± {peer_error:.2f} "
            f"| {mean:.2f} ± {error:.2f} | {verdict}{'' if is_same else ' DISAGREES'} |",
            flush=True,
        )
    sys.exit(0 if agree else 1)


main()
