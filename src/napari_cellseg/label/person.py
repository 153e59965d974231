"""Who sits at the computer."""

from __future__ import annotations

import getpass


def person() -> str:
    """Name the person who is logged in, for the record.

    Returns
    -------
    str
        The name of their account; empty where the computer does not tell, as in some containers.
    """
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no name in the environment, and none in the list of users
        return ""
