// Opens a plugin's secret store, asks it and closes it.
#include "core/plugin_host/calls/secret_store.hpp"

#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/calls/guarded_call.hpp"

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

constexpr opened_kind store_kind{.thing = "secret store",
                                 .subject = "store",
                                 .remedy = "Correct the store's settings; tocsin plugin list shows what is installed.",
                                 .table = "secrets",
                                 .open = "secrets.open",
                                 .close = "secrets.close"};

tocsin_status open_now(plugin_instance& instance, tocsin_string name, tocsin_string settings, tocsin_token& token,
                       const tocsin_sink* error) {
  tocsin_secret_store_config config{};
  config.struct_size = sizeof(config);
  config.name = name;
  config.settings = settings;
  return instance.tables.secrets->open(instance.plugin->self, &config, &token, error);
}

void close_now(plugin_instance& instance, tocsin_token token) {
  instance.tables.secrets->close(instance.plugin->self, token);
}

class open_store final : public secret_store_port, public std::enable_shared_from_this<open_store> {
 public:
  open_store(plugin_instance& instance, std::string name, tocsin_token token)
      : instance_(instance), name_(std::move(name)), token_(token) {
    gate_.open();
  }

  std::uint64_t fetch(std::string reference, answered done) override {
    const auto request = instance_.secret_requests.add(std::move(done));
    instance_.workers.post([self = shared_from_this(), request, reference = std::move(reference)] {
      self->fetch_now(request, reference);
    });
    return request;
  }

  void give_up(std::uint64_t request) override { instance_.secret_requests.give_up(request); }

  void close() override {
    // A call that does not come back within the limit is reported by the watchdog, and ends all dispatch to the plugin.
    const auto limit = instance_.is_hung() ? std::chrono::milliseconds{0} : instance_.services.call_limit;
    static_cast<void>(gate_.shut(limit));
    close_named(instance_, store_kind, name_, token_, &close_now);
  }

 private:
  void fetch_now(std::uint64_t request, const std::string& reference) {
    const auto inside = gate_.enter();
    const auto pass = instance_.into_plugin.enter();
    if (instance_.is_hung()) return fail(request, "The plugin hangs: " + instance_.hung_reason());
    if (!pass) return fail(request, "The plugin does not run.");
    if (!inside) return fail(request, "The store is closed.");
    const bool ended_well = guarded_call(instance_, "secrets.fetch", {.kind = "store", .name = name_}, [&] {
      instance_.tables.secrets->fetch(instance_.plugin->self, token_, {request, 1}, abi::borrow(reference));
    });
    if (!ended_well) fail(request, "The plugin failed at it; the log says how.");
  }

  void fail(std::uint64_t request, std::string reason) {
    answered done;
    if (instance_.secret_requests.take(request, done) != secret_request_table::found::waiting) return;
    done(secret_answer::none(std::move(reason)));
  }

  plugin_instance& instance_;
  const std::string name_;
  const tocsin_token token_;
  callback_gate gate_;  // open while the store is
};

}  // namespace

secret_answer secret_answer::none(std::string reason) {
  secret_answer answer;
  answer.reason = std::move(reason);
  return answer;
}

std::uint64_t secret_request_table::add(secret_store_port::answered done) {
  const std::lock_guard lock(mutex_);
  waiting_.emplace(++last_, std::move(done));
  return last_;
}

void secret_request_table::give_up(std::uint64_t request) {
  secret_store_port::answered dropped;  // destroyed without the mutex
  const std::lock_guard lock(mutex_);
  const auto at = waiting_.find(request);
  if (at == waiting_.end()) return;
  dropped = std::move(at->second);
  waiting_.erase(at);
  given_up_.push_back(request);
  if (given_up_.size() > remembered) given_up_.pop_front();
}

secret_request_table::found secret_request_table::take(std::uint64_t request, secret_store_port::answered& done) {
  const std::lock_guard lock(mutex_);
  if (const auto at = waiting_.find(request); at != waiting_.end()) {
    done = std::move(at->second);
    waiting_.erase(at);
    return found::waiting;
  }
  const auto late = std::find(given_up_.begin(), given_up_.end(), request);
  if (late == given_up_.end()) return found::unknown;
  given_up_.erase(late);
  return found::given_up;
}

void secret_request_table::fail_all(const std::string& reason) {
  std::map<std::uint64_t, secret_store_port::answered> failed;
  {
    const std::lock_guard lock(mutex_);
    failed.swap(waiting_);
    for (const auto& [request, done] : failed) given_up_.push_back(request);
    while (given_up_.size() > remembered) given_up_.pop_front();
  }
  for (const auto& [request, done] : failed) done(secret_answer::none(reason));
}

result<secret_store_ptr> open_secret_store(plugin_instance* instance, const std::string& plugin,
                                           const table_opening& opening) {
  const std::string named = "The plugin \"" + plugin + "\" ";
  if (!instance) return opening_refused(store_kind, opening.name, named + "does not run.");
  if (!instance->tables.secrets) return opening_refused(store_kind, opening.name, named + "is no secret store.");
  const auto token = open_named(*instance, store_kind, opening, &open_now);
  if (!token) return token.error();
  return secret_store_ptr(std::make_shared<open_store>(*instance, opening.name, *token));
}

}  // namespace tocsin
