"""Metrics alone: `python -m otklik_metrics serve | work`; settings come from OTKLIK_*."""

from otklik_common.runtime import run_alone
from otklik_metrics.module import MODULE

if __name__ == "__main__":
    run_alone(MODULE, __doc__)
