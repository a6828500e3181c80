"""The OpenAPI document of a running host: sound in itself, and true of the answers that the host gives.

usage: openapi_test.py TOCSIN TOCSIN_INBOX"""

import json
import pathlib
import re
import sys

import jsonschema

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from inbox import Inbox  # noqa: E402
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

TOCSIN, INBOX = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])

SETTINGS = """
[host]
state_dir = "state"
[http]
listen = "127.0.0.1:0"
[channels.email]
plugin = "smtp"
host = "localhost"
port = {port}
username = "tocsin"
password = "file:password"
from_address = "noreply@example.org"
  [channels.email.tls]
  ca_file = "{ca}"
[[routes]]
name = "all"
types = ["tocsin.*"]
channels = ["email"]
to = ["ops@example.org"]
"""

EVENT = {"specversion": "1.0", "id": "1", "source": "/test", "type": "tocsin.test", "data": {"a": 1}}
CLOUDEVENT = "application/cloudevents+json"


def host_for(inbox, password="right-password\n"):
    return Tocsin(TOCSIN, SETTINGS.format(port=inbox.port, ca=inbox.ca_file), {"password": password}).start()


def inbox_with_account():
    return Inbox(INBOX, "--account", "tocsin:right-password", "--auth-required")


class Described:
    """A host that is asked, and its document, which every answer is held against."""

    def __init__(self, host):
        self.host = host
        status, self.document = host.request("GET", "/v1/openapi.json", token="")
        expect(status == 200, f"the document: {status}")

    def resolve(self, node):
        while "$ref" in node:
            at = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                at = at[part]
            node = at
        return node

    def validator(self, schema):
        whole = {**schema, "components": self.document["components"]}
        return jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())

    def operation(self, method, target):
        path = target.split("?")[0]
        found = []
        for pattern, item in self.document["paths"].items():
            known = re.sub(r"\\\{[a-z]+\\\}", "[^/]+", re.escape(pattern))
            if re.fullmatch(known, path) and method.lower() in item:
                found.append((pattern.count("{"), item[method.lower()]))
        expect(found, f"{method} {path} is not described")
        return min(found, key=lambda one: one[0])[1]

    def ask(self, method, target, body=None, content_type="application/json", status=200, token=None):
        """The answer, which has this status and is as it is described."""
        operation = self.operation(method, target)
        text = None if body is None else json.dumps(body)
        got, answer = self.host.request(method, target, text, content_type if text else None, token=token)
        expect(got == status, f"{method} {target}: {got} {answer}")
        response = operation["responses"].get(str(status))
        expect(response is not None, f"{method} {target}: {status} is not described")
        if body is not None and status < 300:
            described = self.resolve(operation["requestBody"])["content"][content_type]["schema"]
            self.hold(body, described, f"the body of {method} {target}")
        kind = "application/problem+json" if status >= 400 else "application/json"
        self.hold(answer, self.resolve(response)["content"][kind]["schema"], f"{method} {target}")
        return answer

    def hold(self, value, schema, what):
        faults = [f"{'/'.join(map(str, one.absolute_path))}: {one.message}" for one in self.validator(schema).iter_errors(value)]
        expect(not faults, f"{what} is not as described: {faults}\n{json.dumps(value)}")


def the_document_is_sound_in_itself():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        described = Described(host)
        document = described.document
        expect(document["openapi"].startswith("3.1."), document["openapi"])
        for name, schema in document["components"]["schemas"].items():
            jsonschema.Draft202012Validator.check_schema(schema)
            for example in schema.get("examples", []):
                described.hold(example, schema, f"the example of {name}")

        def walk(node):
            if isinstance(node, dict):
                if "$ref" in node:
                    described.resolve(node)
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)

        walk(document)
        for path, item in document["paths"].items():
            for method, operation in item.items():
                named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
                expect(named == set(re.findall(r"\{(\w+)\}", path)), f"{method} {path}: {named}")


def what_a_host_answers_is_what_the_document_says():
    with inbox_with_account() as inbox, host_for(inbox) as host:
        api = Described(host)
        for target in ("/healthz", "/readyz"):
            api.ask("GET", target, token="")
        api.ask("GET", "/v1/queue", status=401, token="nonsense")
        api.ask("POST", "/v1/events", EVENT, CLOUDEVENT, status=202)
        api.ask("POST", "/v1/events", [EVENT, {**EVENT, "id": "2", "severity": "fatal"}], "application/cloudevents-batch+json", status=202)
        api.ask("POST", "/v1/events", {"specversion": "1.0"}, CLOUDEVENT, status=400)
        api.ask("POST", "/v1/events", EVENT, "application/json", status=415)
        wait_until(lambda: host.request("GET", "/v1/queue")[1]["delivered"] == 2, 30, "both are delivered")
        api.ask("GET", "/v1/queue")
        page = api.ask("GET", "/v1/deliveries?limit=1")
        api.ask("GET", "/v1/deliveries?cursor=" + page["next"])
        api.ask("GET", "/v1/deliveries?colour=red", status=400)
        api.ask("GET", "/v1/deliveries/" + page["deliveries"][0]["id"])
        api.ask("GET", "/v1/deliveries/nothing", status=404)
        api.ask("GET", "/v1/plugins")
        token = api.ask("POST", "/v1/tokens", {"name": "acme", "scope": "read", "organization": "acme"}, status=201)["token"]
        api.ask("POST", "/v1/tokens", {"name": "jobs", "scope": "publish", "types": ["tocsin.job.*"]}, status=201)
        api.ask("POST", "/v1/tokens", {"name": "jobs", "scope": "publish"}, status=409)
        api.ask("POST", "/v1/tokens", {"name": "a b", "scope": "publish"}, status=400)
        api.ask("GET", "/v1/tokens", status=403, token=token)
        api.ask("GET", "/v1/plugins", token=token)
        api.ask("GET", "/v1/channels", token=token)
        api.ask("DELETE", "/v1/tokens/acme")
        api.ask("DELETE", "/v1/tokens/acme", status=404)
        api.ask("GET", "/v1/tokens")
        api.ask("GET", "/v1/channels")
        api.ask("POST", "/v1/channels/email/test", {"to": "ops@example.org"})
        api.ask("POST", "/v1/channels/nothing/test", {"to": "ops@example.org"}, status=404)
        api.ask("POST", "/v1/channels/email/doctor", {"to": "ops@example.org", "send": True})
        api.ask("POST", "/v1/reload")
        host.write("tocsin.toml", host.config.read_text() + 'colour = "red"\n')
        api.ask("POST", "/v1/reload", status=422)


def what_waits_and_a_paused_channel_are_as_described():
    with inbox_with_account() as inbox, host_for(inbox, "wrong-password\n") as host:
        api = Described(host)
        api.ask("POST", "/v1/events", EVENT, CLOUDEVENT, status=202)
        wait_until(lambda: api.ask("GET", "/v1/channels")["channels"][0]["state"] == "paused", 30, "the endpoint is paused")
        wait_until(lambda: api.ask("GET", "/v1/deliveries?state=deferred")["deliveries"], 30, "its delivery waits")


sys.exit(run_tests([
    the_document_is_sound_in_itself,
    what_a_host_answers_is_what_the_document_says,
    what_waits_and_a_paused_channel_are_as_described,
]))
