// tocsin.host.complete/1: outcomes of deliveries, each taken exactly once.
#include "core/observe/log.hpp"
#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/extensions/host_extensions.hpp"

#include <algorithm>

namespace tocsin {
namespace {

std::string token_text(tocsin_token token) {
  return std::to_string(token.index) + ", attempt " + std::to_string(token.generation);
}

// The reported class holds. Whether a delivery is uncertain, or was not tried, is a matter of the moment and not of the
// code.
void compare_class(plugin_instance& instance, const outcome& reported) {
  if (reported.outcome_class == outcome_class::uncertain || reported.outcome_class == outcome_class::returned) return;
  const auto& codes = instance.about.codes;
  const auto declared =
      std::find_if(codes.begin(), codes.end(), [&](const code_entry& one) { return one.code == reported.code; });
  if (declared == codes.end() || declared->outcome_class == reported.outcome_class) return;
  if (!instance.is_new_disagreement(reported.code)) return;
  log::write(log::level::warn, "an outcome has another class than the plugin's manifest gives its code",
             {{"plugin", instance.about.id},
              {"version", instance.about.version},
              {"code", reported.code},
              {"manifest", std::string(to_text(declared->outcome_class))},
              {"reported", std::string(to_text(reported.outcome_class))}});
}

// An outcome that the rest of the house can rely on: with a code that somebody explains.
outcome read(plugin_instance& instance, const tocsin_outcome& from) {
  outcome to = abi::read_outcome(from);
  if (to.code.empty() && to.outcome_class == outcome_class::delivered) to.code = "OK";
  if (to.outcome_class != outcome_class::returned && !instance.codes.entries().contains(to.code))
    instance.misbehaves("it reported a code that no manifest explains", to.code);
  compare_class(instance, to);
  return to;
}

// For a checked host.
void check_arguments(plugin_instance& instance, const tocsin_outcome& from) {
  const argument_check check(instance, "complete");
  if (!check) return;
  check.size("tocsin_outcome", from.struct_size, TOCSIN_ENDS_AFTER(tocsin_outcome, code));
  const tocsin_outcome known = abi::copy_known(&from);
  check.text("outcome.code", known.code);
  check.text("outcome.detail", known.detail);
  check.bytes("outcome.server_reply",
              {reinterpret_cast<const std::uint8_t*>(known.server_reply.data), known.server_reply.size});
  check.bytes("outcome.transcript",
              {reinterpret_cast<const std::uint8_t*>(known.transcript.data), known.transcript.size});
}

void complete(void* context, const tocsin_outcome* const* outcomes, std::uint64_t count) {
  host_notice(context, allowed::running, "complete", [&](plugin_instance& instance) {
    std::vector<outcome> taken;
    taken.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t index = 0; outcomes && index < count; ++index) {
      const tocsin_outcome* from = outcomes[index];
      if (!from || !TOCSIN_HAS_FIELD(tocsin_outcome, from, delivery)) {
        instance.misbehaves("it reported an outcome that names no delivery");
        continue;
      }
      if (!instance.deliveries.take(from->delivery)) {
        instance.misbehaves("it completed a delivery that is not, or no longer, its own", token_text(from->delivery));
        continue;
      }
      check_arguments(instance, *from);
      taken.push_back(read(instance, *from));
    }
    if (!taken.empty() && instance.services.complete) instance.services.complete(std::move(taken));
  });
}

}  // namespace

const tocsin_host_complete host_complete_table{sizeof(tocsin_host_complete), 0, &complete};

}  // namespace tocsin
