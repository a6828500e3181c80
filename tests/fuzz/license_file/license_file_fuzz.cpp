// Any bytes as a license file: the parser answers with a value or a sentence, and what it accepts survives its own
// rules.
#include "plugins/sources/license_status/license_event.hpp"
#include "plugins/sources/license_status/license_file.hpp"
#include "plugins/sources/license_status/license_policy.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace license_status = tocsin::license_status;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = license_status::parse_license({reinterpret_cast<const char*>(data), size});
  if (!parsed) {
    if (parsed.error().empty()) std::abort();
    return 0;
  }
  // From before the first step to after the end: every announcement has an id, and the policy comes to rest.
  const license_status::policy_settings settings{{180, 90, 30, 14, 7, 1}, std::chrono::seconds(60)};
  std::optional<license_status::knowledge> known;
  for (const std::int64_t days_before : {200, 100, 20, 0, -10}) {
    const std::int64_t now_ms = parsed->expires_ms - days_before * 86'400'000;
    for (int announced = 0;; ++announced) {
      const auto what = decide(settings, known, *parsed, now_ms);
      if (what.remember) known = license_status::from_memory(license_status::to_memory(*what.remember));
      if (!what.announce) break;
      if (!known || announced > 1 || make_event(*what.announce, *parsed, "fuzz").id.empty()) std::abort();
    }
  }
  return 0;
}
