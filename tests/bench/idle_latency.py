#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Milliseconds from a publisher's first byte to the 250 of the mail server, with nothing else to do and a warm connection.

    tests/bench/idle_latency.py --build build/bench [--rounds 5] [--events 300] [--pause-ms 20]

One event a request over a connection that is kept, one after another, with a pause between them; the event is on disk
before it is acknowledged and before it is sent. The server is a process of its own that does nothing else and notes when its
250 has left. The times of all rounds together make p50 and p99. Exits 1 when one is over its goal."""

import os
import select
import socket
import struct
import sys
import time

from measuring import Events, Publisher, arguments, host_for, verdict

GOAL_P50, GOAL_P99 = 0.6, 3.0  # ms
WARM_UP = 20
LONGEST = 30.0  # seconds that one event may take


class NotingServer:
    """An SMTP server for one connection at a time; .times tells for each mail when the 250 had been sent."""

    def __enter__(self):
        listening = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port = listening.getsockname()[1]
        self.times, told = os.pipe()
        self.process = os.fork()
        if self.process == 0:
            try:
                _serve(listening, told)
            finally:
                os._exit(1)
        os.close(told)
        listening.close()
        return self

    def next_time(self):
        if not select.select([self.times], [], [], LONGEST)[0]:
            raise RuntimeError(f"no mail within {LONGEST} s")
        return struct.unpack("q", os.read(self.times, 8))[0]

    def __exit__(self, *_):
        os.kill(self.process, 15)
        os.waitpid(self.process, 0)
        os.close(self.times)


def _serve(listening, told):
    connections = {}
    while True:
        for ready in select.select([listening, *connections], [], [])[0]:
            if ready is listening:
                connection, _ = listening.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.sendall(b"220 noting\r\n")
                connections[connection] = Dialogue()
                continue
            got = ready.recv(65536)
            answer = connections[ready].take(got) if got else None
            if answer is None:
                del connections[ready]
                ready.close()
                continue
            if answer:
                ready.sendall(answer)
            for _ in range(connections[ready].mails):
                os.write(told, struct.pack("q", time.monotonic_ns()))
            connections[ready].mails = 0


class Dialogue:
    """Bytes in, bytes out; mails counts those whose 250 is in the answer."""

    def __init__(self):
        self.buffer, self.in_data, self.mails = b"", False, 0

    def take(self, got):
        self.buffer += got
        answer = b""
        while True:
            end = b"\r\n.\r\n" if self.in_data else b"\r\n"
            line, found, rest = self.buffer.partition(end)
            if not found:
                return answer
            self.buffer = rest
            if self.in_data:
                self.in_data = False
                self.mails += 1
                answer += b"250 2.0.0 kept\r\n"
            elif line[:4].upper() == b"EHLO":
                answer += b"250-noting\r\n250 PIPELINING\r\n"
            elif line[:4].upper() == b"DATA":
                self.in_data = True
                answer += b"354 go on\r\n"
            elif line[:4].upper() == b"QUIT":
                return None
            else:
                answer += b"250 ok\r\n"


def run(build, events, pause):
    """(ms to the 250, ms to the 202) of each event."""
    times = []
    with NotingServer() as server, host_for(build, server.port, connections=1) as host:
        host.start(log_level="warn")
        made, publisher = Events(), Publisher(host)
        for number in range(WARM_UP + events):
            request = publisher.request(*made.single())
            time.sleep(pause)
            began = time.monotonic_ns()
            publisher.post(request)
            acknowledged = time.monotonic_ns()
            delivered = server.next_time()
            if number >= WARM_UP:
                times.append(((delivered - began) / 1e6, (acknowledged - began) / 1e6))
        publisher.close()
    return times


def main():
    how = arguments(__doc__, events=300, pause_ms=20)
    rounds = [sorted(run(how.build, how.events, how.pause_ms / 1000)) for _ in range(how.rounds)]
    times = sorted(time for one in rounds for time in one)
    print(f"idle event to 250, {len(times)} events in {how.rounds} rounds; p50 of the rounds "
          f"{', '.join(f'{one[len(one) // 2][0]:.2f}' for one in rounds)} ms")
    acknowledged = sorted(time for _, time in times)
    print(f"  its 202: p50 {acknowledged[len(times) // 2]:.2f} ms, p99 {acknowledged[len(times) * 99 // 100]:.2f} ms; the slowest "
          f"250 took {times[-1][0]:.2f} ms, that event's 202 {times[-1][1]:.2f} ms")
    reached = [verdict("p50 ms", times[len(times) // 2][0], GOAL_P50, at_most=True),
               verdict("p99 ms", times[len(times) * 99 // 100][0], GOAL_P99, at_most=True)]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        sys.exit(f"idle_latency.py: {error}")
