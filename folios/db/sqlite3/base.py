"""Django's SQLite backend with the variable limit that this SQLite really has.

Django 5.2 assumes SQLite's old default of 999 variables a statement and cuts bulk writes to fit, so that the number
of statements grows with the number of rows. The library tells its true limit (32,766 since SQLite 3.32, 250,000 in
Debian's build); Django asks for it from version 6.0 on, and this backend can go then.
"""

import sqlite3
from typing import Any

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A SQLite connection that asks the library for its variable limit."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open the connection and take over its limit. Raises what sqlite3.connect raises.

        Where the database is locked, the first statements on the connection fail and Django forgets it: it is
        closed here, so that nothing holds the file.
        """
        opened: list[sqlite3.Connection] = []

        def kept(*args: Any, **options: Any) -> sqlite3.Connection:
            opened.append(sqlite3.Connection(*args, **options))
            return opened[0]

        try:
            connection = super().get_new_connection({**conn_params, "factory": kept})
        except BaseException:
            for each in opened:
                each.close()
            raise
        limit = connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        self.features.max_query_params = limit  # type: ignore[misc]  # a plain class attribute in 5.2
        return connection
