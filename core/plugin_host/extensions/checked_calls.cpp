// The tags of the host's functions, and the forms of their arguments.
#include "core/plugin_host/extensions/checked_calls.hpp"

#include "core/plugin_host/abi_values.hpp"

#include <array>
#include <string>

namespace tocsin {
namespace {

enum class caller { any, within_a_call, within_start };
enum class state { always, before_stop, before_destroy };

struct tag {
  std::string_view call;
  caller who;
  state when;
};

// As the headers in abi/ext/ have it. What is not here may be called by anybody in any state.
constexpr std::array tags{
    tag{"services.find", caller::within_start, state::always}, tag{"recall", caller::within_a_call, state::before_stop},
    tag{"publish", caller::any, state::before_stop},           tag{"timer.start", caller::any, state::before_stop},
    tag{"secrets.reveal", caller::any, state::before_stop},    tag{"doctor.stage", caller::any, state::before_stop},
    tag{"doctor.done", caller::any, state::before_stop},       tag{"metrics.series", caller::any, state::before_stop},
    tag{"metrics.record", caller::any, state::before_destroy},
};

// On the plugin's other threads a call may always be overtaken by stop().
bool is_too_late(state latest, std::string_view within) {
  if (latest == state::always) return false;
  return within == "destroy" || (latest == state::before_stop && within == "stop");
}

}  // namespace

void check_caller(plugin_instance& instance, std::string_view call) {
  for (const tag& known : tags) {
    if (known.call != call) continue;
    const plugin_call* within = plugin_call::current(instance.identity);
    const std::string where = within ? "from " + std::string(within->call()) : "from a thread that is not the host's";
    if (known.who == caller::within_start && (!within || within->call() != "start")) {
      instance.misbehaves("it made a call that may be made in start() only", std::string(call) + ", " + where);
    } else if (known.who == caller::within_a_call && !within) {
      instance.misbehaves("it made a call on a wrong thread", std::string(call) + ", " + where);
    } else if (within && is_too_late(known.when, within->call())) {
      instance.misbehaves("it made a call that it may not make any more", std::string(call) + ", " + where);
    }
    return;
  }
}

void argument_check::breach(std::string_view how, std::string_view what) const {
  if (instance_.services.checked) instance_.misbehaves(how, std::string(call_) + ": " + std::string(what));
}

void argument_check::text(std::string_view what, tocsin_string value) const {
  if (!instance_.services.checked || value.size == 0) return;
  if (!value.data) {
    breach("it passed a size without data", what);
  } else if (!abi::is_text(abi::view(value))) {
    breach("it passed text that is not UTF-8 without NUL", what);
  }
}

void argument_check::bytes(std::string_view what, tocsin_bytes value) const {
  if (value.size != 0 && !value.data) breach("it passed a size without data", what);
}

void argument_check::list(std::string_view what, const void* values, std::uint64_t count) const {
  if (count != 0 && !values) breach("it passed a count without a list", what);
}

void argument_check::fields(std::string_view what, const tocsin_field* fields, std::uint64_t count) const {
  if (!instance_.services.checked) return;
  list(what, fields, count);
  for (std::uint64_t index = 0; fields && index < count; ++index) {
    text(what, fields[index].name);
    text(what, fields[index].value);
  }
}

void argument_check::size(std::string_view what, std::uint32_t given, std::size_t least) const {
  if (given < least) breach("it passed a struct whose struct_size is too small", what);
}

}  // namespace tocsin
