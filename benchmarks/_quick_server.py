"""A server of OpenAI's chat completions that answers after a fixed delay with the next tool call: for the overhead.

`python benchmarks/_quick_server.py DELAY_SEC STEPS` prints its port. A conversation gets a file to write until it has
STEPS answers, then `submit`. `GET /busy` tells the share of time, from the first request on to the last, with work.
"""

import asyncio
import json
import sys
import time


class Work:
    """Requests under way, and for how long there was at least one."""

    def __init__(self) -> None:
        self.running = 0
        self.first = self.last = self.since = self.busy = 0.0
        self.total = self.most = 0

    def begin(self) -> None:
        now = time.monotonic()
        self.first = self.first or now
        if not self.running:
            self.since = now
        self.running += 1
        self.total += 1
        self.most = max(self.most, self.running)

    def end(self) -> None:
        self.running -= 1
        self.last = time.monotonic()
        if not self.running:
            self.busy += self.last - self.since

    def report(self) -> dict[str, float]:
        span = max(1e-9, self.last - self.first)
        return {"busy": self.busy / span, "requests": self.total, "most_at_once": self.most, "seconds": span}


def completion(body: dict[str, object], steps: int) -> bytes:
    messages = body["messages"]
    assert isinstance(messages, list)
    said = sum(message["role"] == "assistant" for message in messages)
    name, arguments = ("write", {"path": "a.txt", "content": "a"}) if said + 1 < steps else ("submit", {})
    function = {"name": name, "arguments": json.dumps(arguments)}
    message = {
        "role": "assistant",
        "content": "I go on.",
        "tool_calls": [{"id": f"call_{said}", "type": "function", "function": function}],
    }
    return json.dumps(
        {
            "id": f"{time.monotonic_ns()}",
            "object": "chat.completion",
            "created": 0,
            "model": "quick",
            "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
            "usage": {"prompt_tokens": 500, "completion_tokens": 20, "total_tokens": 520},
        }
    ).encode()


async def main(delay: float, steps: int) -> None:
    work = Work()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
                content = await reader.readexactly(int(headers.get("content-length", 0)))
                if lines[0].startswith("GET"):
                    answer = json.dumps(work.report()).encode()
                else:
                    work.begin()
                    await asyncio.sleep(delay)
                    answer = completion(json.loads(content), steps)
                    work.end()
                told = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
                writer.write(told.encode() + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass  # the client has gone
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=2**24)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), int(sys.argv[2])))
