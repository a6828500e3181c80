// Makes a plugin's call of each request, on a thread of the plugin's share.
#include "core/plugin_host/calls/source_requests.hpp"

#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/calls/guarded_call.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace tocsin {
namespace {

fault down(const std::string& name, const std::string& why) {
  return {"SOURCE_DOWN",
          "The source \"" + name + "\" " + why,
          "Send it again later. See `tocsin plugin list` and the log.",
          {}};
}

fault stopping(const std::string& name) { return down(name, "takes no requests any more: it is being closed."); }

// A call that the host makes no more, since the plugin hangs or is stopped.
fault out_of_reach(const plugin_instance& instance, const std::string& name) {
  return instance.is_hung() ? down(name, "is of a plugin that hangs: " + instance.hung_reason()) : stopping(name);
}

// The request as it is lent to the plugin.
class lent_call {
 public:
  lent_call(std::uint64_t number, tocsin_token source, const source_request& request) {
    headers_.reserve(request.headers.size());
    for (const auto& [name, value] : request.headers) headers_.push_back({abi::borrow(name), abi::borrow(value)});
    raw_.struct_size = sizeof(raw_);
    raw_.call = {number, 1};
    raw_.source = source;
    raw_.method = abi::borrow(request.method);
    raw_.path = abi::borrow(request.path);
    raw_.query = abi::borrow(request.query);
    raw_.organization = abi::borrow(request.organization);
    raw_.headers = headers_.data();
    raw_.header_count = headers_.size();
    raw_.body = {reinterpret_cast<const std::uint8_t*>(request.body.data()), request.body.size()};
  }
  lent_call(const lent_call&) = delete;
  lent_call& operator=(const lent_call&) = delete;
  const tocsin_http_call* raw() const { return &raw_; }

 private:
  std::vector<tocsin_field> headers_;
  tocsin_http_call raw_{};
};

}  // namespace

void source_requests::add(const std::string& name, plugin_instance& instance, tocsin_token token) {
  if (!instance.tables.http_route) return;
  auto made = std::shared_ptr<open_source>(new open_source{name, instance, token, {}});
  made->gate.open();
  const std::lock_guard lock(mutex_);
  sources_[name] = std::move(made);
}

void source_requests::remove(const std::string& name) {
  std::shared_ptr<open_source> leaving;
  {
    const std::lock_guard lock(mutex_);
    const auto found = sources_.find(name);
    if (found == sources_.end()) return;
    leaving = std::move(found->second);
    sources_.erase(found);
  }
  plugin_instance& instance = leaving->instance;
  // A call that does not come back within the limit is reported by the watchdog, and ends all dispatch to the plugin.
  const auto limit = instance.is_hung() ? std::chrono::milliseconds{0} : instance.services.call_limit;
  static_cast<void>(leaving->gate.shut(limit));
  instance.http_calls.fail_all_of(name, out_of_reach(instance, name));
}

void source_requests::pass(source_request request, source_answer_handler done) {
  std::shared_ptr<open_source> source;
  bool ended = false;
  {
    const std::lock_guard lock(mutex_);
    ended = ended_;
    if (const auto found = sources_.find(request.source); found != sources_.end()) source = found->second;
  }
  if (ended) return done(down(request.source, "takes no requests any more: the host is stopping."));
  if (!source) return done(down(request.source, "does not run."));
  plugin_instance& instance = source->instance;
  if (instance.is_hung()) return done(out_of_reach(instance, source->name));
  const auto number = instance.http_calls.begin(source->name, done);
  if (!number) return done(number.error());
  instance.workers.post(
      [source, number = *number, request = std::move(request)] { hand_in(*source, number, request); });
  // It may have begun to hang meanwhile; then nobody hands this in.
  if (!instance.is_hung()) return;
  instance.workers.drop_waiting();
  instance.http_calls.fail(*number, out_of_reach(instance, source->name));
}

void source_requests::hand_in(open_source& source, std::uint64_t number, const source_request& request) {
  plugin_instance& instance = source.instance;
  const auto inside = source.gate.enter();
  const auto pass = instance.into_plugin.enter();
  if (!inside || !pass) return instance.http_calls.fail(number, out_of_reach(instance, source.name));
  if (!instance.http_calls.is_open(number)) return;  // its time has run out while it waited
  const lent_call lent(number, source.token, request);
  const bool ended_well = guarded_call(instance, "http_route.call", {.kind = "source", .name = source.name},
                                       [&] { instance.tables.http_route->call(instance.plugin->self, lent.raw()); });
  if (ended_well) return;
  instance.http_calls.fail(number, {"SOURCE_FAILED",
                                    "The source \"" + source.name + "\" failed at this request.",
                                    "See the log. What it was sent may have been taken all the same.",
                                    {}});
}

void source_requests::end(std::chrono::milliseconds limit) {
  std::map<std::string, std::shared_ptr<open_source>> open;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    open = sources_;
  }
  const auto until = std::chrono::steady_clock::now() + limit;
  for (const auto& [name, source] : open) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    source->instance.http_calls.wait_until_none(std::max(left, std::chrono::milliseconds{0}));
    source->instance.http_calls.fail_all_of(name, down(name, "takes no requests any more: the host is stopping."));
  }
}

}  // namespace tocsin
