// Opens and closes stores as the settings say, and waits for their answers.
#include "core/app/secret_stores.hpp"

#include <boost/json.hpp>

#include <algorithm>

#include "core/app/plugin_config.hpp"

namespace tocsin::app {

secret_stores::secret_stores(plugin_host& plugins, clock& clock, std::function<void()> changed)
    : plugins_(plugins),
      keeper_(std::make_shared<secret_keeper>(clock, std::move(changed))),
      patience_(std::make_shared<patience>()) {}

secret_stores::~secret_stores() { close(); }

void secret_stores::open(const settings& wanted) {
  const auto& stores = wanted.secret_stores();
  refused_.clear();
  for (auto at = open_.begin(); at != open_.end();) {
    const bool stays = std::any_of(stores.begin(), stores.end(), [&](const auto& one) {
      return one.name == at->first && one.fingerprint == at->second.fingerprint;
    });
    if (stays) {
      ++at;
      continue;
    }
    keeper_->remove_store(at->first);
    at->second.store->close();
    at = open_.erase(at);
  }
  for (const auto& one : stores) {
    if (open_.contains(one.name)) continue;
    const auto unfit = one.problem ? std::nullopt : problem_of(plugins_, wanted, "secrets", one);
    auto opened = one.problem ? result<secret_store_ptr>(*one.problem)
                  : unfit     ? result<secret_store_ptr>(*unfit)
                              : plugins_.open_secret_store(
                                    one.plugin, {.name = one.name, .settings = boost::json::serialize(one.settings)});
    if (opened) {
      open_[one.name] = {one.fingerprint, *opened};
    } else if (unfit) {
      refused_.push_back(*unfit);
    } else if (!one.problem) {  // which the settings report
      auto why = opened.error();
      const auto origins = wanted.why("secrets." + one.name + ".plugin", "");
      if (!origins.empty()) why.place = origins.front().place;
      why.place.key = "secrets." + one.name;
      refused_.push_back(std::move(why));
    }
    keeper_->set_store(one.name, std::move(opened));
  }
}

settings_ptr secret_stores::bring_up(const settings_ptr& wanted) {
  open(*wanted);
  if (wanted->secret_stores().empty()) return wanted;
  wait_for_answers(wanted->stored_secrets());
  return resolve(wanted);
}

void secret_stores::wait_for_answers(const std::vector<stored_secret>& secrets) {
  const auto answered = std::make_shared<bool>(false);
  keeper_->ask(secrets, [waits = patience_, answered] {
    const std::lock_guard lock(waits->mutex);
    *answered = true;
    waits->changed.notify_all();
  });
  std::unique_lock lock(patience_->mutex);
  patience_->changed.wait(lock, [&] { return *answered || patience_->cut_short; });
}

void secret_stores::cut_short() {
  const std::lock_guard lock(patience_->mutex);
  patience_->cut_short = true;
  patience_->changed.notify_all();
}

bool secret_stores::is_cut_short() const {
  const std::lock_guard lock(patience_->mutex);
  return patience_->cut_short;
}

settings_ptr secret_stores::resolve(const settings_ptr& wanted) const {
  return wanted->with_stores([keeper = keeper_](const stored_secret& secret) { return keeper->value(secret); });
}

void secret_stores::settle(const settings& in_force) { keeper_->keep_only(in_force.stored_secrets()); }

void secret_stores::close() {
  keeper_->stop();
  for (const auto& [name, open] : open_) open.store->close();
  open_.clear();
}

}  // namespace tocsin::app
