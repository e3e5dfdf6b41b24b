"""Who acts, where nobody has signed in."""

import getpass


def os_user() -> str:
    """Return the name of the operating system's user, "command" where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name: KeyError until Python 3.12, OSError since
        return "command"
