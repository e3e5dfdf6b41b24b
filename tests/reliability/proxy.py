"""A proxy between a client and PostgreSQL that cuts the client's connection around a COMMIT."""

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_SOCKET = ".s.PGSQL.5432"  # the name that clients derive from a directory and the default port


@dataclass
class CuttingProxy:
    """Listens on a Unix socket in `directory`; cuts the first, third, fifth ... COMMIT.

    `when`: "after" the server has answered it, so that it is done and nobody was told; or "before" it gets to the
    server, so that it is not done. In between, the COMMIT of the caller's next attempt passes.
    """

    directory: Path
    server: Path
    when: str
    commits: int = 0
    cuts: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.directory / _SOCKET))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                server.connect(str(self.server / _SOCKET))
                for work in (self._to_server, self._to_client):
                    threading.Thread(target=work, args=(client, server), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while sent := client.recv(65536):
                if self.when == "before" and b"COMMIT\0" in sent and self._cuts_this():
                    break
                server.sendall(sent)
        _hang_up(client, server)

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        """Pass the server's messages on one by one: a letter, the length in four bytes, the rest."""
        waiting = b""
        with suppress(OSError):
            while received := server.recv(65536):
                waiting += received
                while len(waiting) >= 5 and len(waiting) > (size := int.from_bytes(waiting[1:5], "big")):
                    message, waiting = waiting[: size + 1], waiting[size + 1 :]
                    if (
                        self.when == "after"
                        and message[:1] == b"C"
                        and message[5:] == b"COMMIT\0"
                        and self._cuts_this()
                    ):
                        return _hang_up(client, server)
                    client.sendall(message)
        return _hang_up(client, server)

    def _cuts_this(self) -> bool:
        with self._lock:
            self.commits += 1
            cuts = self.commits % 2 == 1
            self.cuts += cuts
            return cuts


def _hang_up(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
