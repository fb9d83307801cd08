"""What a message to a measured page may weigh. The function runs in the page's kernel."""

from __future__ import annotations

MOST_BYTES = 400_000_000
"""A message reaches the page's driver as text in base64, four characters for three bytes, and Node holds no
text of more than 2**29: with a larger one it breaks, a minute later."""


def refuse_large_messages(socket: type, most: int) -> list[int]:
    """From here on, sockets of this class raise where they are to send more bytes, and send nothing.

    Returns:
        A list whose last number is what the largest message had so far.
    """
    send = getattr(socket, "send_multipart")  # noqa: B009 - it is a kernel's, of whatever class
    largest = [0]

    def checked(self: object, parts: list[bytes], *given: object, **named: object) -> object:
        size = sum(memoryview(part).nbytes for part in parts)
        if size > largest[-1]:
            largest.append(size)
        if size > most:
            raise ValueError(
                f"its message has {size / 1e6:,.0f} MB, and the page's driver takes {most / 1e6:,.0f} MB"
            )
        return send(self, parts, *given, **named)

    socket.send_multipart = checked  # type: ignore[attr-defined]
    return largest
