// `tocsin publish --wait`: until every delivery of the event has come to an end, or has to wait.
#include "core/app/publish_wait.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <thread>

namespace tocsin::app {
namespace {

namespace json = boost::json;
using steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds first_look{50}, longest_look{1'000};

std::string_view state_of(const json::value& delivery) { return delivery.at("state").as_string(); }

bool is_one_of(std::string_view state, std::initializer_list<std::string_view> states) {
  return std::find(states.begin(), states.end(), state) != states.end();
}

bool all_settled(const json::array& deliveries) {
  return std::none_of(deliveries.begin(), deliveries.end(), [](const json::value& each) {
    return is_one_of(state_of(each), {"pending", "sending"});
  });
}

}  // namespace

bool has_failed(const json::array& deliveries) {
  return std::any_of(deliveries.begin(), deliveries.end(), [](const json::value& each) {
    return is_one_of(state_of(each), {"deferred", "dead", "dropped", "expired"});
  });
}

boost::system::result<waited, remote_error> wait_for_deliveries(const std::optional<std::filesystem::path>& config,
                                                                const std::string& event,
                                                                std::chrono::milliseconds limit) {
  const auto end = steady::now() + limit;
  auto pause = first_look;
  for (;;) {
    auto trace = call(config, "GET", "/v1/events/" + event + "/trace");
    if (!trace) return trace.error();
    waited now{trace->at("deliveries").as_array(), false};
    if (all_settled(now.deliveries)) return now;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - steady::now());
    if (left.count() <= 0) {
      now.timed_out = true;
      return now;
    }
    std::this_thread::sleep_for(std::min(pause, left));
    pause = std::min(pause * 2, longest_look);
  }
}

}  // namespace tocsin::app
