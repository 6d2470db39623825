"""What those may write who speak for some branches alone."""

from otklik_common.callers import Caller
from otklik_common.errors import Unprocessable


class OutOfReach(Unprocessable):
    """The branch is not among those that the caller may write to."""

    code = "branch_out_of_reach"


def check_reach(caller: Caller, branch: str | None) -> None:
    """Return if something of a branch may be written. Raises OutOfReach."""
    if not caller.may_see(branch):
        raise OutOfReach(
            f"branch {branch!r} is out of your reach",
            detail_ru=f"филиал {branch!r} вам недоступен",
        )
