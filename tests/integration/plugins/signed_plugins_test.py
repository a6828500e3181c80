"""Signing plugins, and what a host makes of signed, unsigned and changed ones, through the real program.

usage: signed_plugins_test.py TOCSIN HOSTILE_PLUGINS SOURCE_FOLDER"""

import json
import os
import pathlib
import re
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from plugin_files import QUICK_CHANNEL, PluginFiles, settings, windows_library  # noqa: E402
from signing import Key, openssl  # noqa: E402
from tocsin import Tocsin, expect, run_tests, wait_until  # noqa: E402

TOCSIN, BUILT, SOURCES = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:4])
TRAILER = 120

DEMAND = """
[plugins]
signed = "{demand}"
trusted_keys = [{keys}]
"""


def demand(word, *keys):
    return DEMAND.format(demand=word, keys=", ".join(f'"{key.public}"' for key in keys))


def tocsin(*arguments, status=0):
    done = subprocess.run([TOCSIN, "plugin", *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "TOCSIN_CONFIG": ""}, cwd="/")
    expect(done.returncode == status, f"plugin {arguments} exited {done.returncode}, not {status}: {done.stdout}{done.stderr}")
    return done


def changed(file, offset):
    content = bytearray(file.read_bytes())
    content[offset] ^= 1
    file.write_bytes(bytes(content))


def by_name(listed):
    return {pathlib.Path(one["file"]).name: one for one in listed}


def sign_keeps_the_mode_and_verify_tells_valid_from_the_rest():
    with PluginFiles(BUILT) as files:
        acme, other = Key(files.root, "acme"), Key(files.root, "other")
        plugin = files.add("quick")
        os.chmod(plugin, 0o754)
        plain = plugin.read_bytes()
        done = tocsin("verify", plugin, "--key", acme.public, status=1)
        expect("is unsigned: it is not signed." in done.stdout, done)

        done = json.loads(tocsin("sign", plugin, "--key", acme.private, "--json").stdout)
        expect(set(done) == {"file", "key_id"} and done["file"] == str(plugin), done)
        key_id = done["key_id"]
        der = openssl("pkey", "-pubin", "-in", acme.public, "-outform", "DER").stdout
        expect(key_id == openssl("dgst", "-sha256", "-r", input=der).stdout.decode().split()[0], key_id)
        signed = plugin.read_bytes()
        expect(signed[:-TRAILER] == plain and len(signed) == len(plain) + TRAILER, "more than a trailer was added")
        expect(plugin.stat().st_mode & 0o7777 == 0o754, f"the mode is {plugin.stat().st_mode:o}")
        expect(sorted(path.name for path in files.folder.iterdir()) == ["quick.so"], "something was left beside it")

        shown = json.loads(tocsin("verify", plugin, "--key", other.public, "--key", acme.public, "--json").stdout)
        expect(shown == {"file": str(plugin), "signature": "valid", "signed_with": str(acme.public), "key_id": key_id,
                         "reason": ""}, shown)
        shown = json.loads(tocsin("verify", plugin, "--key", other.public, "--json", status=1).stdout)
        expect(shown["signature"] == "unknown key" and key_id in shown["reason"], shown)
        changed(plugin, 1000)
        done = tocsin("verify", "--key", acme.public, plugin, status=1)
        expect("is invalid: it was changed after it was signed" in done.stdout, done)

        # Signing again replaces the signature; --output leaves the file as it is.
        plugin.write_bytes(signed)
        copy = files.root / "copy.so"
        tocsin("sign", plugin, "--key", other.private, "--output", copy)
        expect(plugin.read_bytes() == signed and len(copy.read_bytes()) == len(signed), "not one trailer")
        expect(copy.stat().st_mode & 0o7777 == 0o754, "the copy has another mode")
        tocsin("verify", copy, "--key", other.public)
        # A link stays a link, and what it leads to is signed.
        link = files.root / "link.so"
        link.symlink_to(plugin)
        tocsin("sign", link, "--key", other.private)
        expect(link.is_symlink(), "the link was replaced")
        tocsin("verify", plugin, "--key", other.public)


def sign_refuses_keys_and_files_that_it_should_not_take():
    with PluginFiles(BUILT) as files:
        key = Key(files.root, "acme")
        plugin = files.add("quick")
        before = plugin.read_bytes()

        def refused(words, status, *arguments):
            done = tocsin(*arguments, status=status)
            expect(words in done.stderr, f"{words!r} is not in {done.stderr!r}")
            expect(plugin.read_bytes() == before, "the file was touched")

        os.chmod(key.private, 0o640)
        refused("open to others than its owner", 2, "sign", plugin, "--key", key.private)
        os.chmod(key.private, 0o600)
        locked = files.root / "locked.pem"
        openssl("pkey", "-in", key.private, "-aes256", "-passout", "pass:secret", "-out", locked)
        os.chmod(locked, 0o600)
        refused("locked with a passphrase", 2, "sign", plugin, "--key", locked)
        refused("cannot be read: No such file", 2, "sign", plugin, "--key", files.root / "nowhere.pem")
        rsa = files.root / "rsa.pem"
        openssl("genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:1024", "-out", rsa)
        os.chmod(rsa, 0o600)
        refused("of another kind than Ed25519", 2, "sign", plugin, "--key", rsa)
        refused("holds a private key", 2, "verify", plugin, "--key", key.private)
        words = files.root / "words.so"
        words.write_text("not a library")
        refused("words.so is no plugin", 1, "sign", words, "--key", key.private)
        plain = files.add("plain")
        refused("no Tocsin manifest", 1, "sign", plain, "--key", key.private)
        refused("nowhere.so cannot be read", 1, "sign", files.root / "nowhere.so", "--key", key.private)
        refused("nowhere.so cannot be read", 1, "verify", files.root / "nowhere.so", "--key", key.public)
        refused("is no regular file", 1, "sign", files.root, "--key", key.private)
        refused("cannot be written", 1, "sign", plugin, "--key", key.private, "--output", files.root / "no" / "where.so")
        refused("There is no key to verify with", 2, "verify", plugin)
        refused("--key is required", 2, "sign", plugin)


def verify_takes_the_keys_of_the_settings():
    with PluginFiles(BUILT) as files:
        key = Key(files.root, "acme")
        plugin = key.sign(TOCSIN, files.add("quick"))
        with Tocsin(TOCSIN, settings([files.folder], demand("required", key))) as host:
            shown = host.run("plugin", "verify", str(plugin), check=0, json_output=True)
            expect(shown["signed_with"] == str(key.public), shown)
            host.write("tocsin.toml", settings([files.folder], demand("required")))
            done = host.run("plugin", "verify", str(plugin), check=3)
            expect("plugins.signed" in done.stderr, done)


def the_page_of_the_format_verifies_with_openssl_alone():
    page = (pathlib.Path(SOURCES) / "docs" / "formats" / "signature.md").read_text()
    commands = re.search(r"```sh\n(.*?)```", page, re.S).group(1)
    with PluginFiles(BUILT) as files:
        key, other = Key(files.root, "acme"), Key(files.root, "other")
        plugin = key.sign(TOCSIN, files.add("quick"))

        def run(public):
            return subprocess.run(["sh", "-euc", commands], capture_output=True, text=True, cwd=files.root,
                                  env={**os.environ, "PLUGIN": str(plugin), "PUBLIC": str(public)})

        done = run(key.public)
        expect(done.returncode == 0 and "Signature Verified Successfully" in done.stdout, done)
        expect(run(other.public).returncode != 0, "another key verified it")
        changed(plugin, 5000)
        expect(run(key.public).returncode != 0, "a changed file was verified")


def wrong_settings_are_named_with_file_line_and_key():
    with PluginFiles(BUILT) as files:
        files.add("quick")
        with Tocsin(TOCSIN, settings([files.folder], '[plugins]\nsigned = "required"\n')) as host:
            line = 1 + host.config.read_text().split("signed = ")[0].count("\n")
            done = host.run("config", "check", check=3)
            expect(f"tocsin.toml:{line}:" in done.stdout and "plugins.signed" in done.stdout, done)
            host.write("tocsin.toml", settings([files.folder], '[plugins]\nsigned = "warn"\ntrusted_keys = ["no.pem"]\n'))
            done = host.run("config", "check", check=3)
            expect(f"tocsin.toml:{line + 1}:" in done.stdout and f"{host.folder}/no.pem cannot be read" in done.stdout, done)
            done = host.run("serve", check=3)
            expect(f"tocsin.toml:{line + 1}:" in done.stderr, done)


def a_host_that_requires_signatures_runs_the_signed_and_refuses_the_others():
    with PluginFiles(BUILT) as files:
        acme, other = Key(files.root, "acme"), Key(files.root, "other")
        acme.sign(TOCSIN, files.add("quick"))
        unsigned = files.misbehaving(1)
        stranger = files.misbehaving(2)
        other.sign(TOCSIN, files.folder / f"{stranger}.so")
        tampered = files.misbehaving(3)
        changed(acme.sign(TOCSIN, files.folder / f"{tampered}.so"), 3000)
        reasons = {unsigned: ("unsigned", "it is not signed. This host takes signed plugins only"),
                   stranger: ("unknown key", "not among the trusted ones"),
                   tampered: ("invalid", "it was changed after it was signed")}
        marks = files.root / "marks"
        marks.mkdir()

        def check(listed, good):
            shown = by_name(listed)
            quick = shown["quick.so"]
            expect(quick["state"] == good and quick["signature"] == "valid" and quick["signed_with"] == str(acme.public), quick)
            for plugin, (state, words) in reasons.items():
                one = shown[f"{plugin}.so"]
                expect(one["state"] == "refused" and one["signature"] == state and words in one["reason"], one)
                expect(one["id"] == "", f"what {plugin} says of itself is passed on: {one}")
            built_in = shown["smtp.so"]
            expect(built_in["state"] == good and built_in["signature"] == "unsigned" and built_in["signed_with"] == "", built_in)

        with Tocsin(TOCSIN, settings([files.folder], demand("required", acme) + QUICK_CHANNEL)) as host:
            host.environment["TOCSIN_TEST_MARKS"] = str(marks)
            check(host.run("plugin", "list", check=0, json_output=True), "verified")
            host.start()
            check(host.run("plugin", "list", check=0, json_output=True), "active")
            check(host.request("GET", "/v1/plugins")[1]["plugins"], "active")
            host.publish({"id": "1", "source": "/signed", "type": "test.event"})
            wait_until(lambda: [one for one in host.deliveries(event_id="1") if one["state"] == "delivered"], 20,
                       "the signed plugin delivers")
            for plugin in reasons:
                expect(f"/{plugin}.so" in host.log_text(), f"the log does not name {plugin}")
            expect({path.name.split(".")[0] for path in marks.iterdir()} == {"quick"}, sorted(marks.iterdir()))

            table = host.run("plugin", "list", check=0).stdout
            expect("SIGNATURE" in table and "unknown key" in table, table)
            shown = host.run("plugin", "inspect", str(files.folder / "quick.so"), check=0).stdout
            expect(f"signature     valid, with {acme.public}" in shown, shown)
            done = host.run("plugin", "inspect", str(files.folder / f"{unsigned}.so"), check=1, json_output=True)
            expect(done["signature"] == "unsigned", done)

            # What takes a restart is said, and stays as it was until then.
            host.write("tocsin.toml", settings([files.folder], demand("off", acme) + QUICK_CHANNEL))
            host.reload()
            wait_until(lambda: "settings reloaded" in host.log_text(), 20, "the reload")
            expect("plugins.signed, plugins.trusted_keys" in host.log_text(), host.log_text())
            check(host.run("plugin", "list", check=0, json_output=True), "active")


def a_host_that_warns_uses_unsigned_plugins_and_refuses_changed_ones():
    with PluginFiles(BUILT) as files:
        acme = Key(files.root, "acme")
        files.add("quick")
        tampered = files.misbehaving(1)
        changed(acme.sign(TOCSIN, files.folder / f"{tampered}.so"), 3000)
        with Tocsin(TOCSIN, settings([files.folder], demand("warn", acme) + QUICK_CHANNEL)) as host:
            done = host.run("config", "check", check=0)
            expect('The plugin "quick" is used all the same: it is not signed.' in done.stdout, done)
            expect("smtp" not in done.stdout, f"a built-in plugin was warned of: {done.stdout}")
            host.start()
            expect("is used all the same: it is not signed" in host.log_text(), host.log_text())
            shown = by_name(host.run("plugin", "list", check=0, json_output=True))
            expect(shown["quick.so"]["state"] == "active" and shown["quick.so"]["signature"] == "unsigned", shown)
            expect(shown[f"{tampered}.so"]["state"] == "refused", shown)


def inspect_says_which_setting_keeps_it_from_the_keys():
    with PluginFiles(BUILT) as files:
        acme = Key(files.root, "acme")
        plugin = acme.sign(TOCSIN, files.add("quick"))
        with Tocsin(TOCSIN, settings([files.folder], demand("required", acme))) as host:
            shown = host.run("plugin", "inspect", str(plugin), check=0, json_output=True)
            expect(shown["signature"] == "valid" and "signature_unchecked" not in shown, shown)
            os.chmod(acme.public, 0o666)
            shown = host.run("plugin", "inspect", str(plugin), check=0, json_output=True)
            expect(shown["signature"] == "unknown key", shown)
            for words in ("plugins.trusted_keys", str(host.config), "may be written by everybody"):
                expect(words in shown["signature_unchecked"], shown)
            text = host.run("plugin", "inspect", str(plugin), check=0).stdout
            expect("no signature is held against the trusted keys, since the settings are wrong" in text and
                   "plugins.trusted_keys" in text, text)
            done = host.run("config", "check", check=3, json_output=True)
            expect("is not trusted: it may be written by everybody" in done["errors"][0]["what"], done)


def a_library_for_windows_that_was_changed_is_refused_by_inspect():
    with PluginFiles(BUILT) as files:
        acme = Key(files.root, "acme")
        manifest = json.dumps({"id": "far", "version": "1.0.0", "abi": {"major": 1, "minor": 0}, "title": "Elsewhere",
                               "provides": ["tocsin.channel/1-draft"], "requires": [],
                               "settings": {"type": "object", "properties": {}}}).encode()
        plugin = files.folder / "far.dll"
        plugin.write_bytes(windows_library(manifest))
        os.chmod(plugin, 0o755)
        acme.sign(TOCSIN, plugin)
        with Tocsin(TOCSIN, settings([files.folder], demand("required", acme))) as host:
            shown = host.run("plugin", "inspect", str(plugin), check=0, json_output=True)
            expect((shown["id"], shown["state"], shown["signature"]) == ("far", "discovered", "valid"), shown)
            for offset in (64, plugin.stat().st_size - TRAILER - 70):
                changed(plugin, offset)
                shown = host.run("plugin", "inspect", str(plugin), json_output=True)
                expect(shown["state"] == "refused" and shown["signature"] == "invalid", shown)
                expect("it was changed after it was signed" in shown["reason"] or offset == 64, shown)
                expect(shown["id"] == "", "what was changed is shown as if it were not")
                changed(plugin, offset)


def a_file_that_is_swapped_in_a_loop_never_runs_unverified():
    """One thread renames a signed plugin and an unsigned one, whose constructor leaves a mark, over each other."""
    with PluginFiles(BUILT) as files:
        acme = Key(files.root, "acme")
        good = acme.sign(TOCSIN, files.add("quick")).read_bytes()
        evil_plugin = files.misbehaving(1, folder=files.root, name="evil")
        evil = (files.root / "evil.so").read_bytes()
        marks = files.root / "marks"
        marks.mkdir()
        target, beside = files.folder / "quick.so", files.folder / "beside"
        ended = threading.Event()
        swaps = 0

        def swap():
            nonlocal swaps
            while not ended.is_set():
                for content in (evil, good):
                    beside.write_bytes(content)
                    os.chmod(beside, 0o755)
                    os.replace(beside, target)
                    swaps += 1

        with Tocsin(TOCSIN, settings([files.folder], demand("required", acme))) as host:
            host.environment["TOCSIN_TEST_MARKS"] = str(marks)
            # The marks prove something: without a demand the evil plugin leaves one.
            target.write_bytes(evil)
            host.write("tocsin.toml", settings([files.folder], ""))
            host.start()
            host.terminate()
            expect((marks / f"{evil_plugin}.constructor").exists(), "the evil plugin leaves no mark")
            for mark in marks.iterdir():
                mark.unlink()

            host.write("tocsin.toml", settings([files.folder], demand("required", acme)))
            swapping = threading.Thread(target=swap)
            swapping.start()
            states = []
            try:
                for _ in range(100):
                    listed = host.run("plugin", "list", check=0, json_output=True)
                    states.append(by_name(listed)["quick.so"]["state"])
                for _ in range(10):
                    host.start()
                    host.terminate()
            finally:
                ended.set()
                swapping.join()
            expect(swaps > 100, f"only {swaps} swaps")
            expect(not [mark for mark in marks.iterdir() if mark.name.startswith(evil_plugin)], sorted(marks.iterdir()))
            print(f"      {swaps} swaps; plugin list: {states.count('verified')} verified, {states.count('refused')} refused")


if __name__ == "__main__":
    sys.exit(run_tests([
        sign_keeps_the_mode_and_verify_tells_valid_from_the_rest,
        sign_refuses_keys_and_files_that_it_should_not_take,
        verify_takes_the_keys_of_the_settings,
        the_page_of_the_format_verifies_with_openssl_alone,
        wrong_settings_are_named_with_file_line_and_key,
        a_host_that_requires_signatures_runs_the_signed_and_refuses_the_others,
        a_host_that_warns_uses_unsigned_plugins_and_refuses_changed_ones,
        inspect_says_which_setting_keeps_it_from_the_keys,
        a_library_for_windows_that_was_changed_is_refused_by_inspect,
        a_file_that_is_swapped_in_a_loop_never_runs_unverified,
    ]))
