// SPDX-License-Identifier: Apache-2.0
// A sentence of the plugin interface that can be broken, with the place where it stands.
#pragma once

namespace tocsin::conformance {

struct law {
  const char* text;
  const char* header;
  const char* tag;  // function with its thread and states
};

// Laws that more than one case or the host's own checks speak of.
namespace laws {

inline constexpr law text{"text is UTF-8; its pointer may be null only where its size is 0", "tocsin/abi/types.h",
                          "tocsin_string, tocsin_bytes"};
inline constexpr law struct_size{"every struct begins with its own size, which the side that fills it sets",
                                 "tocsin/abi/types.h", "struct_size"};
inline constexpr law lent{"what is lent for a call is not read past its size, nor after the call has returned",
                          "tocsin/abi/types.h", "borrowed for the duration of the call"};
inline constexpr law sink{"a sink is valid for the duration of its call, and one that refused is written to no more",
                          "tocsin/abi/types.h", "tocsin_sink.write"};
inline constexpr law failure_says_why{"a call that fails writes the reason to its error sink", "tocsin/abi/types.h",
                                      "tocsin_status, TOCSIN_FAILED"};
inline constexpr law context{"tocsin_host.context is the first argument of every function of the host's extensions",
                             "tocsin/abi/host.h", "tocsin_host.context"};
inline constexpr law survives{"a plugin never ends or blocks the process that it runs in", "tocsin/abi/types.h",
                              "no exception, longjmp or C++ type crosses"};
inline constexpr law start{"start() answers TOCSIN_OK and the plugin is ready, or says why not and is as it was before",
                           "tocsin/abi/plugin.h", "start [control] created, stopped"};
inline constexpr law stop{"after stop() has returned the plugin calls nothing of the host's and has no thread",
                          "tocsin/abi/plugin.h", "stop [control] active, draining"};
inline constexpr law create{"create() makes one instance and no more: no thread, no file, no network before start()",
                            "tocsin/abi/entry.h", "create [control]"};
inline constexpr law complete{"every delivery is completed exactly once, while the plugin is active or draining",
                              "tocsin/abi/ext/channel.h", "complete [any] active, draining"};
inline constexpr law outcome{"an outcome has a known class, a code of the manifest's, and one line of detail and reply",
                             "tocsin/abi/outcome.h", "tocsin_outcome"};
inline constexpr law channel_open{"open() answers TOCSIN_OK with a token and slots, or writes the reason to error",
                                  "tocsin/abi/ext/channel.h", "open [control] active"};
inline constexpr law log{"the log takes one line of UTF-8 text, with fields", "tocsin/abi/ext/log.h",
                         "write [any] in any state"};
inline constexpr law timer{"timers are started while the plugin is active", "tocsin/abi/ext/clock.h",
                           "start [any] active; cancel [any] active, draining"};
inline constexpr law reveal{"secrets are revealed while the plugin is active, by a handle of its settings",
                            "tocsin/abi/ext/secrets.h", "reveal [any] active"};
inline constexpr law find{"services are looked up in start(), and only those that the manifest's \"requires\" names",
                          "tocsin/abi/ext/services.h", "find [control] in start()"};
inline constexpr law publish{"events are published for an open source, while the plugin is active",
                             "tocsin/abi/ext/source.h", "publish [any] active"};
inline constexpr law recall{"recall() is called within a call of the host's, while the plugin is active",
                            "tocsin/abi/ext/source.h", "recall [control] [worker] active"};
inline constexpr law credits{"a source never has more events under way than credits", "tocsin/abi/ext/source.h",
                             "publish [any] active"};
inline constexpr law event{"an event has an id, a source and a type", "tocsin/abi/event.h", "tocsin_event"};
inline constexpr law stage{
    "stages come in the manifest's order, the first that fails is the last, and done() ends them",
    "tocsin/abi/ext/doctor.h", "stage, done [any] active"};
inline constexpr law metrics{"a metric has a name of [a-z][a-z0-9_]* and a divisor of at least 1",
                             "tocsin/abi/ext/metrics.h", "series [any] created, active"};
inline constexpr law secret_answer{"every fetch() is answered exactly once, while the plugin is active or draining",
                                   "tocsin/abi/ext/secret_store.h", "answer [any] active, draining"};
inline constexpr law http_answer{"every call is answered exactly once, while the plugin is active or draining",
                                 "tocsin/abi/ext/http_route.h", "answer [any] active, draining"};
inline constexpr law finding{"a finding has its size, a code and a text", "tocsin/abi/finding.h", "tocsin_finding"};

}  // namespace laws

}  // namespace tocsin::conformance
