// Says what became of a call that has no answer.
#include "core/plugin_host/calls/bounded_call.hpp"

namespace tocsin {

fault no_answer(plugin_instance& instance, control_thread::ending ended, std::string_view call, std::string about,
                std::chrono::milliseconds limit) {
  if (ended == control_thread::ending::threw) {
    return {"PLUGIN_FAILED",
            "it threw an exception in " + std::string(call) + "().",
            "Tell the plugin's author: no exception may leave a plugin.",
            {}};
  }
  if (ended == control_thread::ending::hung) instance.hangs(call, std::move(about), limit);
  return {"PLUGIN_HUNG", instance.hung_reason(), {}, {}};
}

}  // namespace tocsin
