// tocsin.host.thread_check/1: tells a plugin what kind of thread it is on.
#include "core/plugin_host/extensions/host_extensions.hpp"

namespace tocsin {
namespace {

tocsin_thread_kind current(void* context) {
  return host_call(context, allowed::always, "thread_check.current", tocsin_thread_kind{TOCSIN_THREAD_OTHER},
                   [](plugin_instance& instance) -> tocsin_thread_kind {
                     const plugin_call* call = plugin_call::current(instance.identity);
                     if (!call) return TOCSIN_THREAD_OTHER;
                     return call->thread() == call_thread::control ? TOCSIN_THREAD_CONTROL : TOCSIN_THREAD_WORKER;
                   });
}

}  // namespace

const tocsin_host_thread_check host_thread_check_table{sizeof(tocsin_host_thread_check), 0, &current};

}  // namespace tocsin
