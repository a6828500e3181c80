"""Plugins built against the headers of older and newer releases, before the real program: each works, or is refused
with a sentence that names what is missing.

usage: other_abi_test.py TOCSIN OTHER_ABI_PLUGINS"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from plugin_files import settings  # noqa: E402
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

TOCSIN, BUILT = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])

WORKS = ["older-outcome", "older-event", "newer-structs"]

# Why it is not run, in words that an operator or an author can act on.
REFUSED = {
    "older-channel": ("tocsin.channel/1-draft", 'no function "cancel"'),
    "older-source": ("tocsin.source/1-draft", 'no function "published"'),
    "older-plugin": ('no function "destroy"',),
    "older-entry": ("too short",),
    "newer-minor": ("plugin ABI 1.1", "this host has 1.0", "Update Tocsin"),
    "newer-service": ("tocsin.telepathy/1",),
}

USE = """
[channels.{id}]
plugin = "{id}"
[sources.{id}]
plugin = "{id}"
[[routes]]
name = "{id}"
types = ["test.{id}"]
channels = ["{id}"]
to = ["somebody"]
"""


def is_delivered(host, plugin):
    found = [one for one in host.deliveries(event_id="1") if one["channel"] == plugin]
    expect(len(found) <= 1, found)
    return found and found[0]["state"] == "delivered" and found[0]["code"] == "OK"


def what_they_have_in_common_works():
    with Tocsin(TOCSIN, settings([BUILT], "".join(USE.format(id=plugin) for plugin in WORKS))) as host:
        host.start()
        for plugin in WORKS:
            wait_until(lambda: is_delivered(host, plugin), 20, f"{plugin} publishes and delivers")
        status, _ = host.terminate()
        expect(status == 0, f"SIGTERM: status {status}")


def what_they_lack_is_named():
    with Tocsin(TOCSIN, settings([BUILT], USE.format(id="newer-structs"))) as host:
        host.start()
        wait_until(lambda: is_delivered(host, "newer-structs"), 20, "a plugin beside them delivers")
        status, listed = host.request("GET", "/v1/plugins")
        expect(status == 200, listed)
        found = {one["id"] or pathlib.Path(one["file"]).stem: one for one in listed["plugins"]}
        for plugin, words in REFUSED.items():
            one = found[plugin]
            expect(one["state"] in ("refused", "failed"), one)
            for word in words:
                expect(word in one["reason"], f"{plugin}: {word!r} is not in {one['reason']!r}")


if __name__ == "__main__":
    sys.exit(run_tests([what_they_have_in_common_works, what_they_lack_is_named]))
