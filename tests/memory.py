"""Where the tests put databases: in memory, where the system has files there.

Nobody pulls the plug of a test, and a commit that waits for a disk takes twenty times as long.
"""

import os
import tempfile

_SHARED_MEMORY = "/dev/shm"
DIRECTORY = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else tempfile.gettempdir()
