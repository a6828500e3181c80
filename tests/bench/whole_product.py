#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Events a second from accepted to delivered, beside Postfix as a queue: both write each message down durably before they
acknowledge it, and deliver over 8 connections, in clear, to the same kind of smtp-sink.

    tests/bench/whole_product.py --build build/bench [--rounds 5] [--mails 20000] [--peer-mails 3000]

Ours gets events of 2 kB over 8 HTTP connections in batches of 100 and composes each mail; Postfix gets mails of 2 kB from
smtp-source over 8 sessions and relays them, with the connection cache of its defaults. The time runs from the first byte
sent to the last mail in the sink. Takes root, which Postfix needs. Exits 1 when the ratio is under its goal."""

import statistics
import subprocess
import sys
import time

from measuring import MESSAGE_SIZE, Events, Sink, arguments, environment, fetch, host_for, publish_all, show, verdict
from postfix import Postfix, Unavailable

GOAL = 10.0
CONNECTIONS = 8
BATCH = 100
LONGEST = 600.0  # seconds a round may take


def run_ours(build, root, mails):
    with Sink(root, mails) as sink, host_for(build, sink.port, CONNECTIONS) as host:
        host.start(log_level="warn")
        events = Events()
        bodies = [events.batch(BATCH) for _ in range(mails // BATCH)]
        began = time.monotonic()
        publish_all(host, bodies, CONNECTIONS)
        sink.wait(LONGEST)
        return mails / (time.monotonic() - began)


def run_postfix(root, mails):
    with Sink(root, mails) as sink:
        relay = {
            "relayhost": f"[127.0.0.1]:{sink.port}",
            "mynetworks": "127.0.0.0/8",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "smtpd_recipient_restrictions": "permit_mynetworks, reject",
            "smtp_destination_concurrency_limit": CONNECTIONS,
            "initial_destination_concurrency": CONNECTIONS,
            "smtp_host_lookup": "native",
        }
        with Postfix(auth_required=False, tls_required=False, settings=relay) as server:
            began = time.monotonic()
            sent = subprocess.run(
                [root / "usr/sbin/smtp-source", "-s", str(CONNECTIONS), "-l", str(MESSAGE_SIZE), "-m", str(mails), "-f",
                 "tocsin@bench.test", "-t", "ops@bench.test", f"127.0.0.1:{server.port}"],
                env=environment(root), capture_output=True, text=True)
            if sent.returncode != 0:
                raise RuntimeError(f"smtp-source ended with {sent.returncode}: {sent.stderr.strip()}")
            try:
                sink.wait(LONGEST)
            except subprocess.TimeoutExpired as late:
                raise RuntimeError(f"Postfix did not relay {mails} mails:\n{server.logs()[-2000:]}") from late
            return mails / (time.monotonic() - began)


def main():
    how = arguments(__doc__, mails=20_000, peer_mails=3_000)
    root = fetch()
    ours, theirs = [], []
    for _ in range(how.rounds):
        theirs.append(run_postfix(root, how.peer_mails))
        ours.append(run_ours(how.build, root, how.mails // BATCH * BATCH))
    print(f"accepted to delivered, {how.rounds} rounds: {how.mails} events, {how.peer_mails} mails through Postfix")
    show("Postfix", theirs, "mails/s")
    show("Tocsin", ours, "mails/s")
    return 0 if verdict("ratio", statistics.median(ours) / statistics.median(theirs), GOAL) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, Unavailable) as error:
        sys.exit(f"whole_product.py: {error}")
