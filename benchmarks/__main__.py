"""Run every comparison: ``python -m benchmarks``, or those named: ``python -m benchmarks mix``."""

from __future__ import annotations

import sys

from benchmarks import dispatch, district, flexibility, loads, mix, pricing

COMPARISONS = {
    "mix": mix.main,
    "loads": loads.main,
    "flexibility": flexibility.main,
    "district": district.main,
    "pricing": pricing.main,
    "dispatch": dispatch.main,
}

if __name__ == "__main__":
    for name in sys.argv[1:] or COMPARISONS:
        COMPARISONS[name]()
