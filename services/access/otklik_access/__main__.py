"""Access alone: `python -m otklik_access serve | work`; settings come from OTKLIK_*."""

from otklik_access.module import MODULE
from otklik_common.runtime import run_alone

if __name__ == "__main__":
    run_alone(MODULE, __doc__)
