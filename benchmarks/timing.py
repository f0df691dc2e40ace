"""How comparisons are timed and printed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable

Line = tuple[str, float, str, float]
"""What is ours, its seconds, what it is compared with, its seconds."""


def seconds(call: Callable[[], object], repeats: int = 5) -> float:
    """Return the median time of a call over some repeats, after one that does not count."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def show(title: str, lines: Iterable[Line]) -> None:
    """Print one line a comparison: ours, the other, their ratio."""
    print(title)
    for ours, own, peer, other in lines:
        print(f"{ours:42s} {own * 1e3:12.5f} ms   {peer:36s} {other * 1e3:12.5f} ms   ratio {other / own:10.1f}")
