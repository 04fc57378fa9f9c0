"""Loads a text of arcs into memory with another library; prints seconds, nodes and arcs.

    loaders.py networkit|igraph FILE

FILE has an arc a line, two dense ids from 0, parted by a tab. The import is not counted.
"""

import sys
import time


def networkit(path):
    from networkit.graphio import EdgeListReader

    reader = EdgeListReader("\t", 0, continuous=True, directed=True)
    began = time.perf_counter()
    graph = reader.read(path)
    return time.perf_counter() - began, graph.numberOfNodes(), graph.numberOfEdges()


def igraph(path):
    from igraph import Graph

    began = time.perf_counter()
    graph = Graph.Read_Edgelist(path, directed=True)
    return time.perf_counter() - began, graph.vcount(), graph.ecount()


LOADERS = {"networkit": networkit, "igraph": igraph}

if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in LOADERS:
        sys.exit(__doc__)
    print(*LOADERS[sys.argv[1]](sys.argv[2]))
