// Opens a plugin's secret store, asks it and closes it.
#include "core/plugin_host/calls/secret_store.hpp"

#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/calls/bounded_call.hpp"
#include "core/plugin_host/calls/guarded_call.hpp"

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

fault refused(const secret_store_opening& opening, std::string what) {
  return {"SETTINGS_INVALID", std::move(what),
          "Correct the store's settings; tocsin plugin list shows what is installed.",
          at_key("secrets." + opening.name)};
}

// On the plugin's control thread.
result<tocsin_token> open_now(plugin_instance& instance, const secret_store_opening& opening) {
  tocsin_secret_store_config config{};
  config.struct_size = sizeof(config);
  config.name = abi::borrow(opening.name);
  config.settings = abi::borrow(opening.settings);
  const std::lock_guard control(instance.control);
  abi::gathering_sink reason(instance.late_sink("secrets.open"));
  tocsin_token token{};
  const plugin_call call(instance, "secrets.open", call_thread::control, {.kind = "store", .name = opening.name});
  const auto status = instance.tables.secrets->open(instance.plugin->self, &config, &token, reason.raw());
  if (status != TOCSIN_OK) {
    return refused(opening,
                   reason.words("The plugin \"" + instance.about.id + "\" refuses the settings and gave no reason."));
  }
  if (token.index == 0 && token.generation == 0) {
    instance.misbehaves("it named a secret store {0, 0}, which is no name", opening.name);
    return refused(opening, "The plugin \"" + instance.about.id + "\" gave the store no name.");
  }
  return token;
}

class open_store final : public secret_store_port {
 public:
  open_store(plugin_instance& instance, std::string name, tocsin_token token)
      : instance_(instance), name_(std::move(name)), token_(token) {}

  std::uint64_t fetch(std::string reference, answered done) override {
    const auto request = instance_.secret_requests.add(std::move(done));
    instance_.workers.post(
        [&instance = instance_, token = token_, name = name_, request, reference = std::move(reference)] {
          fetch_now(instance, token, name, request, reference);
        });
    return request;
  }

  void give_up(std::uint64_t request) override { instance_.secret_requests.give_up(request); }

  void close() override {
    static_cast<void>(call_bounded<void>(instance_, "secrets.close", "store " + name_,
                                         [&instance = instance_, token = token_, name = name_]() -> result<void> {
                                           close_now(instance, token, name);
                                           return {};
                                         }));
  }

 private:
  static void fetch_now(plugin_instance& instance, tocsin_token token, const std::string& name, std::uint64_t request,
                        const std::string& reference) {
    const auto fail = [&instance, request](std::string reason) {
      answered done;
      if (instance.secret_requests.take(request, done) != secret_request_table::found::waiting) return;
      secret_answer answer;
      answer.reason = std::move(reason);
      done(std::move(answer));
    };
    const auto pass = instance.into_plugin.enter();
    if (!pass) {
      return fail(instance.is_hung() ? "The plugin hangs: " + instance.hung_reason() : "The plugin does not run.");
    }
    const bool ended_well = guarded_call(instance, "secrets.fetch", {.kind = "store", .name = name}, [&] {
      instance.tables.secrets->fetch(instance.plugin->self, token, {request, 1}, abi::borrow(reference));
    });
    if (!ended_well) fail("The plugin failed at it; the log says how.");
  }

  static void close_now(plugin_instance& instance, tocsin_token token, const std::string& name) {
    const std::lock_guard control(instance.control);
    const auto pass = instance.into_plugin.enter();
    if (!pass) return;  // it was stopped, which closes every store
    const plugin_call call(instance, "secrets.close", call_thread::control, {.kind = "store", .name = name});
    instance.tables.secrets->close(instance.plugin->self, token);
  }

  plugin_instance& instance_;
  const std::string name_;
  const tocsin_token token_;
};

}  // namespace

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
  for (const auto& [request, done] : failed) {
    secret_answer answer;
    answer.reason = reason;
    done(std::move(answer));
  }
}

result<secret_store_ptr> open_secret_store(plugin_instance* instance, const std::string& plugin,
                                           const secret_store_opening& opening) {
  if (!instance) return refused(opening, "The plugin \"" + plugin + "\" does not run.");
  if (!instance->tables.secrets) return refused(opening, "The plugin \"" + plugin + "\" is no secret store.");
  const auto token = call_bounded<tocsin_token>(*instance, "secrets.open", "store " + opening.name,
                                                [instance, opening] { return open_now(*instance, opening); });
  if (token) return secret_store_ptr(std::make_shared<open_store>(*instance, opening.name, *token));
  if (token.error().code == "SETTINGS_INVALID") return token.error();
  return refused(opening, "The plugin \"" + plugin + "\": " + token.error().what);
}

}  // namespace tocsin
