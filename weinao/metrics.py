"""Metrics for a person asking how much, served for Prometheus by every process.

Names are `weinao_<room>_<noun>_<base unit>[_total]`. Labels come from short fixed lists; ids of
people, homes or devices are never labels.
"""

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, start_http_server

LATENCY_BUCKETS_S = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600,
)  # fmt: skip

__all__ = ["LATENCY_BUCKETS_S", "Counter", "Gauge", "Histogram", "serve"]


def serve(port: int, address: str = "127.0.0.1") -> int:
    """Serve this process's metrics and return the port; 0 asks for any free one.

    Raises:
        OSError: The port is taken, or none; choose another.
    """
    try:
        server, _ = start_http_server(port, addr=address, registry=REGISTRY)
    except (OSError, OverflowError) as error:
        raise OSError(f"metrics cannot be served on {address}:{port}: {error}") from error
    return int(server.server_port)
