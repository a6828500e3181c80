"""Requests to a source plugin, /v1/sources/NAME/..., before the real program: what reaches the plugin, what the host answers in
its place, and what of the plugin's answers is not passed on.

usage: http_route_test.py TOCSIN HOSTILE_PLUGINS REQUEST_PLUGIN"""

import json
import pathlib
import shutil
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from plugin_files import QUICK_CHANNEL, PluginFiles, settings  # noqa: E402
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

TOCSIN, BUILT, PLUGIN = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:4])
SHORT = '[plugins]\ncall_limit = "400ms"\n'
SOURCE = '[sources.robots]\nplugin = "requests"\n'


class Served:
    """A host with the source "robots" of the test plugin, and a channel that delivers at once."""

    def __init__(self, sections="", host=""):
        self.files = PluginFiles(BUILT)
        self.files.add("quick")
        shutil.copy(PLUGIN, self.files.folder / "requests.so")
        self.host = Tocsin(TOCSIN, settings([self.files.folder], sections + QUICK_CHANNEL + SOURCE, host))

    def __enter__(self):
        self.files.__enter__()
        self.host.__enter__()
        self.host.start()
        return self

    def __exit__(self, kind, value, trace):
        self.host.__exit__(kind, value, trace)
        self.files.__exit__(kind, value, trace)

    def ask(self, method, path, body=None, content_type="application/json", token=None, headers=None, connection=None,
            source="robots"):
        """Returns (status, headers, body as text)."""
        use = connection or self.host.connection()
        sent = {"Authorization": "Bearer " + (self.host.token() if token is None else token), **(headers or {})}
        if not sent["Authorization"].removeprefix("Bearer "):
            del sent["Authorization"]
        if body is not None and content_type:
            sent["Content-Type"] = content_type
        try:
            use.request(method, f"/v1/sources/{source}{path}", body=body, headers=sent)
            answer = use.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            if connection is None:
                use.close()

    def do(self, how, connection=None):
        return self.ask("POST", "/do/it", how, "text/plain", connection=connection)

    def problem(self, status, code, answer):
        """The answer is a problem with this status and code. Returns its members."""
        expect(answer[0] == status, f"not {status}: {answer[0]} {answer[2]}")
        expect(answer[1]["Content-Type"] == "application/problem+json", str(answer[1]))
        shown = json.loads(answer[2])
        expect(shown["code"] == code and shown["status"] == status and shown["detail"], answer[2])
        return shown


def a_request_publishes_an_event_and_is_answered_when_it_is_on_disk():
    with Served() as served:
        status, headers, body = served.ask("POST", "/heartbeat", '{"robot": "R1"}', headers={"X-Id": "beat-1"})
        expect(status == 202 and json.loads(body) == {"accepted": 1}, f"{status} {body}")
        expect(headers["Content-Type"] == "application/json", str(headers))
        wait_until(lambda: [one for one in served.host.deliveries(event_id="beat-1") if one["state"] == "delivered"], 20,
                   "the event is delivered")
        status, _, body = served.ask("POST", "/heartbeat", '{"robot": "R1"}', headers={"X-Id": "beat-1"})
        expect(status == 202 and json.loads(body) == {"accepted": 0}, f"a duplicate: {status} {body}")


def the_plugin_sees_the_request_but_no_credentials():
    with Served() as served:
        status, _, body = served.ask("GET", "/heartbeat?a=1&b=%20", headers={
            "Cookie": "session=secret", "Proxy-Authorization": "Basic secret", "X-Note": "seen"})
        shown = json.loads(body)
        expect(status == 200 and shown["method"] == "GET" and shown["path"] == "/heartbeat", body)
        expect(shown["query"] == "a=1&b=%20" and shown["organization"] == "", body)
        expect("x-note=seen;" in shown["headers"] and "host=" in shown["headers"], body)
        expect("secret" not in body and "authorization" not in body and served.host.token() not in body, body)
        status, _, body = served.ask("GET", "/heart%62eat")
        expect(status == 200 and json.loads(body)["path"] == "/heartbeat", body)
        status, headers, body = served.ask("HEAD", "/heartbeat")
        expect(status == 200 and body == "" and int(headers["Content-Length"]) > 0, f"{status} {headers}")
        status, headers, body = served.ask("DELETE", "/everything")
        expect(status == 204 and body == "" and headers["Content-Length"] is None, f"{status} {headers}")
        status, _, body = served.ask("GET", "/open", token="")
        expect(status == 200 and json.loads(body) == {"open": True}, body)


def the_host_answers_what_the_manifest_does_not_take():
    with Served() as served:
        problem = served.problem
        problem(404, "NOT_FOUND", served.ask("POST", "/heartbeat", "{}", source="nobody"))
        problem(404, "NOT_FOUND", served.ask("POST", "/nothing", "{}"))
        problem(404, "NOT_FOUND", served.ask("POST", "/heartbeat/", "{}"))
        problem(404, "NOT_FOUND", served.ask("POST", "/do%2Fit", "{}"))
        problem(404, "NOT_FOUND", served.ask("POST", "", "{}"))
        answer = served.ask("PUT", "/heartbeat", "{}")
        problem(405, "METHOD_NOT_ALLOWED", answer)
        expect(answer[1]["Allow"] == "POST, GET, HEAD", str(answer[1]))
        answer = served.ask("POST", "/heartbeat", "{}", token="")
        problem(401, "TOKEN_MISSING", answer)
        expect(answer[1]["WWW-Authenticate"].startswith("Bearer"), str(answer[1]))
        problem(401, "TOKEN_INVALID", served.ask("GET", "/heartbeat", token="wrong"))
        problem(401, "TOKEN_MISSING", served.ask("POST", "/nothing", "{}", token=""))
        problem(401, "TOKEN_MISSING", served.ask("POST", "/open", "{}", token=""))
        problem(415, "CONTENT_TYPE_UNSUPPORTED", served.ask("POST", "/heartbeat", "{}", "text/plain"))
        problem(413, "BODY_TOO_LARGE", served.ask("POST", "/heartbeat", b" " * (9 << 20)))
        problem(413, "BODY_TOO_LARGE", served.ask("GET", "/heartbeat", "{}"))


def what_the_plugin_answers_wrongly_is_500_and_splits_nothing():
    with Served() as served:
        connection = served.host.connection()  # kept: a response that was split would be read as the next one
        for how, said in (("status", "status is 99"), ("split", "x-note"), ("split name", "no name of a header"),
                          ("length", "is the host's"), ("hop", "is the host's"), ("zero", "x-note"), ("type", "content type")):
            shown = served.problem(500, "SOURCE_FAILED", served.do(how, connection))
            expect(said in shown["detail"], f"{how}: {shown}")
            expect("stolen" not in str(shown), f"{how}: {shown}")
        served.problem(500, "SOURCE_FAILED", served.do("throw", connection))
        expect("thrown within the plugin" in served.host.log_text(), "the log does not say what was thrown")
        status, headers, _ = served.do("header", connection)
        expect(status == 200 and headers["Retry-After"] == "7", f"{status} {headers}")
        status, headers, body = served.do("text", connection)
        expect(status == 200 and headers["Content-Type"] == "text/plain; charset=utf-8" and body == "plain", f"{headers} {body}")
        status, _, body = served.do("thread", connection)
        expect(status == 200 and "a thread" in body, body)
        log = served.host.log_text()
        expect(log.count("it answered a request with what is no answer") == 7, log)


def second_answers_and_strangers_are_reported_once_and_passed_over():
    with Served() as served:
        status, _, _ = served.do("twice")
        expect(status == 200, f"{status}")
        status, _, _ = served.do("stranger")
        expect(status == 200, f"{status}")
        wait_until(lambda: served.host.log_text().count("is not, or no longer, its own") == 2, 20, "both reports")


def a_client_that_has_gone_harms_nobody():
    with Served() as served:
        address, port = served.host.address().rsplit(":", 1)
        for how in ("never", "thread"):
            gone = socket.create_connection((address, int(port)))
            gone.sendall((f"POST /v1/sources/robots/do/it HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.host.token()}\r\n"
                          f"Content-Type: text/plain\r\nContent-Length: {len(how)}\r\n\r\n{how}").encode())
            gone.close()
        status, _, _ = served.do("well")
        expect(status == 200, f"{status}")


def too_many_open_requests_are_sent_away():
    with Served() as served:
        address, port = served.host.address().rsplit(":", 1)
        open_ones = []
        for _ in range(256):
            one = socket.create_connection((address, int(port)))
            one.sendall((f"POST /v1/sources/robots/do/it HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.host.token()}\r\n"
                         f"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nnever").encode())
            open_ones.append(one)
        answer = wait_until(lambda: (lambda came: came if came[0] == 503 else None)(served.do("well")), 20, "one is sent away")
        served.problem(503, "SOURCE_BUSY", answer)
        expect(answer[1]["Retry-After"] == "1", str(answer[1]))
        status, _ = served.host.request("GET", "/v1/queue")
        expect(status == 200, "the rest of the API is not held up")
        # The end: all of them are answered.
        status, seconds = served.host.terminate()
        expect(status == 0 and seconds < 10, f"SIGTERM: status {status} after {seconds:.1f} s")
        for one in open_ones:
            came = one.recv(65536).decode()
            expect(came.startswith("HTTP/1.1 503 ") and "SOURCE_DOWN" in came, came)
            one.close()


def a_plugin_that_hangs_is_down_and_its_requests_are_answered():
    with Served(sections=SHORT) as served:
        served.problem(503, "SOURCE_DOWN", served.do("hang"))
        reports = [line for line in served.host.log_text().splitlines() if "plugin hangs" in line]
        expect(len(reports) == 1 and "call=http_route.call " in reports[0] and "about=\"source robots\"" in reports[0], str(reports))
        answer = served.ask("POST", "/heartbeat", "{}")
        served.problem(503, "SOURCE_DOWN", answer)
        expect(answer[1]["Retry-After"] == "10", str(answer[1]))
        served.host.publish({"id": "other", "source": "/other", "type": "test.event"})
        wait_until(lambda: [one for one in served.host.deliveries(event_id="other") if one["state"] == "delivered"], 20,
                   "the others run")
        status, seconds = served.host.terminate()
        expect(status == 0 and seconds < 10, f"SIGTERM: status {status} after {seconds:.1f} s")


def a_source_that_is_not_open_is_down_and_comes_back_with_its_settings():
    with Served() as served:
        text = served.host.config.read_text()
        served.host.write("tocsin.toml", text.replace(SOURCE, SOURCE + 'color = "blue"\n'))
        served.host.reload()
        wait_until(lambda: "color" in served.host.log_text(), 20, "the settings are refused")
        expect(served.do("well")[0] == 200, "the old settings hold")
        served.host.write("tocsin.toml", text.replace(SOURCE, ""))
        served.host.reload()
        wait_until(lambda: served.do("well")[0] == 404, 20, "the source is gone")
        served.host.write("tocsin.toml", text)
        served.host.reload()
        wait_until(lambda: served.do("well")[0] == 200, 20, "the source is back")


def inspect_shows_what_a_plugin_takes():
    with Served() as served:
        shown = served.host.run("plugin", "inspect", "requests", check=0).stdout
        expect("POST /v1/sources/NAME/heartbeat" in shown and "Publishes one event" in shown, shown)
        shown = served.host.run("plugin", "inspect", "requests", check=0, json_output=True)
        expect(shown["codes"] == [], str(shown["codes"]))
        expect(shown["http_routes"][0] == {
            "method": "POST", "path": "/heartbeat", "scope": "publish", "content_types": ["application/json"],
            "summary": "Publishes one event and answers when it is on disk"}, str(shown["http_routes"]))


if __name__ == "__main__":
    sys.exit(run_tests([
        a_request_publishes_an_event_and_is_answered_when_it_is_on_disk,
        the_plugin_sees_the_request_but_no_credentials,
        the_host_answers_what_the_manifest_does_not_take,
        what_the_plugin_answers_wrongly_is_500_and_splits_nothing,
        second_answers_and_strangers_are_reported_once_and_passed_over,
        a_client_that_has_gone_harms_nobody,
        too_many_open_requests_are_sent_away,
        a_plugin_that_hangs_is_down_and_its_requests_are_answered,
        a_source_that_is_not_open_is_down_and_comes_back_with_its_settings,
        inspect_shows_what_a_plugin_takes,
    ]))
