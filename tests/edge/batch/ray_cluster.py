"""A Ray cluster of two nodes on 127.0.0.1, as a program: prints its address, and lasts until its stdin is closed."""

from __future__ import annotations

import os
import sys
import tempfile

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from ray.cluster_utils import Cluster

SMALL = {"num_cpus": 1, "object_store_memory": 80 << 20}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ray-") as place:  # what Ray writes for itself
        os.environ["RAY_TMPDIR"] = place
        _last()


def _last() -> None:
    cluster = Cluster(
        initialize_head=True,
        head_node_args={**SMALL, "include_dashboard": False, "node_ip_address": "127.0.0.2"},
    )
    try:
        cluster.add_node(**SMALL, node_ip_address="127.0.0.3")
        cluster.wait_for_nodes()
        sys.stdout.write(f"{cluster.address}\n")
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        cluster.shutdown()


main()
