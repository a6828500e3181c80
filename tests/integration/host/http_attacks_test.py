"""Requests that nobody should send, over raw sockets to a running host: each is refused with a problem or has its connection
closed, none smuggles a second request or an event in, and the host serves the next one.

usage: http_attacks_test.py TOCSIN"""

import json
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from tocsin import Tocsin, expect, run_tests  # noqa: E402

TOCSIN = str(pathlib.Path(sys.argv[1]).resolve())

SETTINGS = """
[host]
state_dir = "state"
[http]
listen = "127.0.0.1:0"
"""

ANSWER_LIMIT = 25.0  # seconds; a bound on a failing test
CLOUDEVENT = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def valid_event(number=0):
    return json.dumps({"specversion": "1.0", "id": f"valid-{number}", "source": "/attacks", "type": "test.attack"}).encode()


SMUGGLED = json.dumps({"specversion": "1.0", "id": "smuggled", "source": "/attacks", "type": "test.attack"}).encode()


class Target:
    def __init__(self, host):
        self.host = host
        address, port = host.address().rsplit(":", 1)
        self.address = (address, int(port))
        self.token = host.token().encode()
        self.accepted = 0

    def connect(self):
        connection = socket.create_connection(self.address, timeout=ANSWER_LIMIT)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def head(self, *lines, method=b"POST", target=b"/v1/events", version=b"HTTP/1.1", content_type=CLOUDEVENT):
        """A request's header, with a good token, Host and content type and these lines."""
        fixed = [method + b" " + target + b" " + version, b"Host: localhost", b"Authorization: Bearer " + self.token,
                 b"Content-Type: " + content_type.encode()]
        return b"\r\n".join(fixed + list(lines)) + b"\r\n\r\n"

    def publication(self, body, content_type=CLOUDEVENT):
        return self.head(b"Content-Length: " + str(len(body)).encode(), content_type=content_type) + body

    def exchange(self, sent, end=True):
        """Sends the bytes; all that came until the host closed the connection. end: nothing more will be sent."""
        got = b""
        with self.connect() as connection:
            try:
                connection.sendall(sent)
                if end:
                    connection.shutdown(socket.SHUT_WR)
                while True:
                    piece = connection.recv(65536)
                    if not piece:
                        return got
                    got += piece
            except (ConnectionError, TimeoutError) as why:
                expect(not isinstance(why, TimeoutError), f"no end within {ANSWER_LIMIT} s; so far came {got[:300]!r}")
                return got

    def still_serves(self):
        self.accepted += 1
        answers = split_answers(self.exchange(self.publication(valid_event(self.accepted))))
        expect([status for status, _, _ in answers] == [202], f"a good request was answered {answers}")


def split_answers(got):
    """(status, headers, body) of each answer in the bytes."""
    answers = []
    while got:
        head, found, rest = got.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        expect(found and lines[0].startswith("HTTP/1."), f"this is no HTTP answer: {got[:200]!r}")
        headers = dict((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:]))
        length = int(headers.get("content-length", 0))
        status = int(lines[0].split()[1])
        if status != 100:
            answers.append((status, headers, rest[:length]))
        got = rest[length:]
    return answers


def expect_refused(target, name, sent, statuses=range(400, 500), end=True):
    """One answer at most, and that one a problem with such a status; then the host serves on."""
    answers = split_answers(target.exchange(sent, end))
    for status, headers, body in answers:
        expect(status in statuses, f"{name}: answered {status} {body[:200]!r}")
        expect(headers.get("content-type") == "application/problem+json", f"{name}: {status} comes as {headers.get('content-type')}")
        problem = json.loads(body)
        expect(problem["status"] == status and problem["code"] and problem["detail"], f"{name}: the problem is {problem}")
    expect(len(answers) <= 1, f"{name}: {len(answers)} answers to one request: {answers}")
    expect(target.host.process.poll() is None, f"{name}: the host has ended")
    target.still_serves()


def run_table(rows):
    """rows(target): (name, bytes) or (name, bytes, statuses). Nothing of it may become an event."""
    with Tocsin(TOCSIN, SETTINGS) as host:
        host.start(log_level="warn")
        target = Target(host)
        for name, sent, *statuses in rows(target):
            expect_refused(target, name, sent, *statuses)
        metrics = target.exchange(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").decode()
        counted = next(line.split()[1] for line in metrics.split("\n") if line.startswith("tocsin_events_accepted_total"))
        expect(int(float(counted)) == target.accepted, f"{counted} events were accepted, of {target.accepted} good ones")


def two_lengths_or_a_length_and_chunks_never_make_two_requests_of_one():
    def rows(target):
        inner = target.publication(SMUGGLED)
        outer = valid_event(999_999)
        chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(outer), outer)
        length = b"Content-Length: " + str(len(outer)).encode()
        yield "length and chunked, chunks", target.head(length, b"Transfer-Encoding: chunked") + chunked + inner
        yield "chunked and length, chunks", target.head(b"Transfer-Encoding: chunked", length) + chunked + inner
        yield "length 4 and chunked", target.head(b"Content-Length: 4", b"Transfer-Encoding: chunked") + b"0\r\n\r\n" + inner
        yield "two different lengths", target.head(length, b"Content-Length: 1") + outer + inner
        yield "a list of lengths", target.head(b"Content-Length: %d, 1" % len(outer)) + outer + inner
        yield "a length with a sign", target.head(b"Content-Length: +%d" % len(outer)) + outer + inner
        yield "a negative length", target.head(b"Content-Length: -1") + outer
        yield "a length in hexadecimal", target.head(b"Content-Length: 0x10") + outer
        yield "a length beyond 64 bits", target.head(b"Content-Length: 18446744073709551617") + b"x"
        yield "an empty length", target.head(b"Content-Length: ") + outer
        yield "another transfer coding", target.head(b"Transfer-Encoding: xchunked") + chunked + inner
        yield "chunked is not the last coding", target.head(b"Transfer-Encoding: chunked, identity") + chunked + inner
        yield "chunked twice", target.head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked, chunked") + chunked + inner
        yield "a space before the colon", target.head(b"Transfer-Encoding : chunked", length) + chunked + inner
        yield "a vertical tab before chunked", target.head(b"Transfer-Encoding: \x0bchunked", length) + chunked + inner
        yield "chunks in HTTP/1.0", target.head(b"Transfer-Encoding: chunked", length, version=b"HTTP/1.0") + chunked + inner

    run_table(rows)


def broken_chunks_are_refused():
    def rows(target):
        head = target.head(b"Transfer-Encoding: chunked")
        yield "a size that is no number", head + b"zz\r\nabc\r\n0\r\n\r\n"
        yield "a size beyond 64 bits", head + b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n"
        yield "a negative size", head + b"-1\r\nabc\r\n0\r\n\r\n"
        yield "a chunk longer than it says", head + b"3\r\nabcdef\r\n0\r\n\r\n"
        yield "a chunk without its end", head + b"5\r\nab"
        yield "an endless extension", head + b"3;" + b"x" * 200_000 + b"\r\nabc\r\n0\r\n\r\n"
        yield "chunks beyond the limit", head + b"100000\r\n%s\r\n" % (b"x" * 0x100000) * 9 + b"0\r\n\r\n"
        yield "trailers without end", head + b"0\r\n" + b"X-Trailer: x\r\n" * 20_000

    run_table(rows)


def broken_headers_are_refused():
    def rows(target):
        good = target.publication(valid_event(999_999))
        yield "no Host", good.replace(b"Host: localhost\r\n", b"")
        yield "two Hosts", good.replace(b"Host: localhost\r\n", b"Host: localhost\r\nHost: other\r\n")
        yield "a NUL in a value", good.replace(b"localhost", b"local\0host")
        yield "a bare CR in a value", good.replace(b"localhost", b"local\rhost")
        yield "a name with a space", good.replace(b"Host: ", b"X Y: z\r\nHost: ")
        yield "a line without a colon", good.replace(b"Host: ", b"nothing\r\nHost: ")
        yield "a header of 20 kB", target.head(b"X-Long: " + b"x" * 20_000, b"Content-Length: 2") + b"{}", (431,)
        yield "2,000 lines", target.head(*[b"X-%d: y" % number for number in range(2_000)], b"Content-Length: 2") + b"{}", (431,)
        yield "a request line of 100 kB", b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
        yield "a megabyte without a line", b"x" * (1 << 20)
        yield "HTTP/0.9", b"GET /healthz\r\n\r\n"
        yield "HTTP/2 from the first byte", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        yield "HTTP/3.7", target.head(version=b"HTTP/3.7")
        yield "TLS from the first byte", bytes.fromhex("16030100c8010000c403037b") + b"\0" * 190
        yield "all bytes", bytes(range(256)) * 16
        yield "an empty method", b" /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

    run_table(rows)


def a_body_that_is_too_large_is_refused_by_its_header():
    def rows(target):
        yield "9 MiB announced, none sent", target.head(b"Content-Length: %d" % (9 << 20)), (413,)
        yield "an exabyte announced", target.head(b"Content-Length: 1000000000000000000"), (413,)
        yield "9 MiB sent", target.publication(b"x" * (9 << 20)), (413,)

    run_table(rows)


def json_that_is_no_event_is_refused():
    def rows(target):
        event = {"specversion": "1.0", "id": "1", "source": "/attacks", "type": "test.attack"}
        text = json.dumps(event).encode()

        def with_data(data):
            return target.publication(text[:-1] + b', "data": ' + data + b"}")

        bad = (400,)
        yield "33 deep", with_data(b"[" * 33 + b"]" * 33), bad
        yield "100,000 deep", with_data(b"[" * 100_000), bad
        yield "objects 100,000 deep", with_data(b'{"a":' * 100_000), bad
        yield "an id twice", target.publication(text[:-1] + b', "id": "2"}'), bad
        yield "a key of the data twice", with_data(b'{"a": 1, "a": 2}'), bad
        yield "bytes that are no UTF-8", target.publication(text.replace(b"test.attack", b"test.\xff\xfe")), bad
        yield "UTF-8 that is longer than need be", target.publication(text.replace(b"test.attack", b"test.\xc0\xaf")), bad
        yield "a surrogate in UTF-8", target.publication(text.replace(b"test.attack", b"test.\xed\xa0\x80")), bad
        yield "half a surrogate pair", target.publication(text.replace(b"test.attack", b"test.\\ud800")), bad
        yield "a NUL in the id", target.publication(text.replace(b'"1"', b'"\\u0000"')), bad
        yield "bytes that are no UTF-8 in the data", with_data(b'"\xff"'), bad
        yield "no number", with_data(b"NaN"), bad
        yield "cut off", target.publication(text[:-5]), bad
        yield "more behind it", target.publication(text + b"{}"), bad
        yield "a comment", target.publication(b"/* */" + text), bad
        yield "nothing", target.publication(b""), bad
        yield "only spaces", target.publication(b" " * 1000), bad
        yield "a string", target.publication(b'"text"'), bad
        yield "an array as a single event", target.publication(b"[" + text + b"]"), bad
        yield "an object as a batch", target.publication(text, BATCH), bad
        yield "a batch of numbers", target.publication(b"[1, 2, 3]", BATCH), bad
        yield "an event without id", target.publication(json.dumps({**event, "id": ""}).encode()), bad
        yield "another version", target.publication(json.dumps({**event, "specversion": "0.3"}).encode()), bad
        yield "an id that is an object", target.publication(json.dumps({**event, "id": {}}).encode()), bad
        yield "a time that is none", target.publication(json.dumps({**event, "time": "yesterday"}).encode()), bad
        yield "both kinds of data", target.publication(json.dumps({**event, "data": 1, "data_base64": "AA=="}).encode()), bad
        yield "no base64", target.publication(json.dumps({**event, "data_base64": "***"}).encode()), bad
        yield "an unknown content type", target.publication(text, "text/plain"), (415,)

    run_table(rows)


def an_invalid_event_in_a_batch_refuses_all_of_it_and_is_named():
    with Tocsin(TOCSIN, SETTINGS) as host:
        host.start(log_level="warn")
        target = Target(host)
        batch = json.dumps([json.loads(valid_event(1)), json.loads(valid_event(2)), {"specversion": "1.0"}]).encode()
        (status, _, body), = split_answers(target.exchange(target.publication(batch, BATCH)))
        expect(status == 400 and "2" in json.loads(body)["detail"], f"answered {status} {body!r}")
        (status, _, body), = split_answers(target.exchange(target.publication(valid_event(1))))
        expect(status == 202 and json.loads(body)["duplicates"] == 0, f"an event of the refused batch was kept: {body!r}")


def addresses_methods_and_tokens_that_are_wrong_are_refused():
    def rows(target):
        body = valid_event(999_999)
        length = b"Content-Length: %d" % len(body)
        for path in (b"/v1/../v1/events", b"//v1/events", b"/v1/%2e%2e/events", b"/v1/events%00", b"/v1/events/", b"/V1/EVENTS",
                     b"/v1/deliveries/../events", b"/v1/sources/../../etc/passwd", b"/v1/deliveries/%ff", b"\\v1\\events", b"*"):
            yield path.decode(), target.head(length, target=path) + body
        for method in (b"TRACE", b"CONNECT", b"PUT", b"DELETE", b"PROPFIND", b"X" * 5000):
            yield method.decode()[:10], target.head(length, method=method) + body
        good = target.publication(body)
        token = b"Authorization: Bearer " + target.token
        for wrong in (b"", b"Authorization: Bearer ", b"Authorization: Bearer " + target.token[:-1], token + b"x",
                      b"Authorization: Basic " + target.token, b"Authorization: " + target.token,
                      b"Authorization: Bearer " + b"x" * 8000, token + b"\r\n" + token.replace(target.token, b"other")):
            yield f"token {wrong[:40]!r}", good.replace(token, wrong or b"X-None: 1"), (400, 401)
        yield "a cursor that is none", target.head(method=b"GET", target=b"/v1/deliveries?cursor=%27%20OR%201=1"), (400,)
        yield "a limit beyond bounds", target.head(method=b"GET", target=b"/v1/deliveries?limit=99999999999999999999"), (400,)
        yield "an escape that is none", target.head(method=b"GET", target=b"/v1/deliveries?source=%zz"), (400,)

    run_table(rows)


def headers_that_never_end_are_cut_off_and_keep_nobody_else_out():
    with Tocsin(TOCSIN, SETTINGS) as host:
        host.start(log_level="warn")
        target = Target(host)
        slow = []
        for _ in range(60):
            connection = target.connect()
            connection.sendall(b"POST /v1/events HTTP/1.1\r\nHost: local")
            slow.append(connection)
        for _ in range(20):
            target.still_serves()
        began = time.monotonic()
        for connection in slow:
            connection.settimeout(ANSWER_LIMIT)
            try:
                got = connection.recv(65536)
            except ConnectionError:
                got = b""
            except TimeoutError:
                expect(False, f"a header that does not end is waited for longer than {ANSWER_LIMIT} s")
            expect(not got or 400 <= split_answers(got)[0][0] < 500, f"answered {got[:100]!r}")
            connection.close()
        expect(time.monotonic() - began < ANSWER_LIMIT, "slow headers are cut off one after another")
        target.still_serves()


def what_is_odd_and_allowed_is_served():
    with Tocsin(TOCSIN, SETTINGS) as host:
        host.start(log_level="warn")
        target = Target(host)
        one, two = valid_event(1), valid_event(2)
        chunked = b"".join(b"%x;note=1\r\n%s\r\n" % (1, one[at:at + 1]) for at in range(len(one))) + b"0\r\nX-Trailer: y\r\n\r\n"
        (status, _, _), = split_answers(target.exchange(target.head(b"Transfer-Encoding: chunked") + chunked))
        expect(status == 202, f"chunks of one byte with extensions and a trailer were answered {status}")
        both = split_answers(target.exchange(target.publication(two) + target.publication(one)))
        expect([status for status, _, _ in both] == [202, 202], f"two requests in one write were answered {both}")
        expect(json.loads(both[1][2])["duplicates"] == 1, f"the second is a duplicate: {both[1][2]!r}")


sys.exit(run_tests([
    two_lengths_or_a_length_and_chunks_never_make_two_requests_of_one,
    broken_chunks_are_refused,
    broken_headers_are_refused,
    a_body_that_is_too_large_is_refused_by_its_header,
    json_that_is_no_event_is_refused,
    an_invalid_event_in_a_batch_refuses_all_of_it_and_is_named,
    addresses_methods_and_tokens_that_are_wrong_are_refused,
    headers_that_never_end_are_cut_off_and_keep_nobody_else_out,
    what_is_odd_and_allowed_is_served,
]))
