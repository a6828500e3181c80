// SPDX-License-Identifier: Apache-2.0
// The host's body: contexts, states, waiting, and which table a plan gives.
#include "sdk/conformance/src/host.hpp"

#include "sdk/conformance/src/blackbox.hpp"
#include "sdk/conformance/src/host_tables.hpp"
#include "sdk/conformance/src/lent.hpp"

#include <tocsin/abi/version.h>

#include <cstring>

namespace tocsin::conformance {
namespace {

struct registry {
  std::mutex mutex;
  std::set<const void*> hosts;
};

registry& known_hosts() {
  static auto* kept = new registry;
  return *kept;
}

const void* get_extension(void* context, tocsin_string id) {
  kit_host* host = kit_host::enter(context, "tocsin_host.get_extension", laws::context, false);
  return host == nullptr ? nullptr : kit_host::tables::find(*host, id);
}

}  // namespace

kit_host& kit_host::make(host_plan plan, std::string who) { return *new kit_host(std::move(plan), std::move(who)); }

kit_host::kit_host(host_plan plan, std::string who) : plan_(std::move(plan)), who_(std::move(who)) {
  static const char name[] = "tocsin";
  static const char version[] = "1.0.0";
  // A newer host's struct is longer: the plugin's idea of it is a prefix.
  const std::size_t size = sizeof(tocsin_host) + (plan_.newer ? 24 : 0);
  std::string image(size, '\xa5');
  const tocsin_host made{static_cast<std::uint32_t>(size),
                         plan_.newer ? TOCSIN_ABI_VERSION + 5 : TOCSIN_ABI_VERSION,
                         this,
                         {name, sizeof(name) - 1},
                         {version, sizeof(version) - 1},
                         &get_extension};
  std::memcpy(image.data(), &made, sizeof(made));
  sources_[{0, 0}] = {};  // the plugin itself
  raw_ = static_cast<const tocsin_host*>(guarded_copy("tocsin_host", image.data(), size));
  const std::lock_guard lock(known_hosts().mutex);
  known_hosts().hosts.insert(this);
}

const std::vector<std::string>& kit_host::extensions() {
  static const std::vector<std::string> ids = [] {
    std::vector<std::string> all;
    for (const auto& each : host_tables()) all.emplace_back(each.id);
    return all;
  }();
  return ids;
}

const void* kit_host::tables::find(kit_host& host, tocsin_string id) {
  return host.extension(take_text(host, id, "the id of get_extension()"));
}

const void* kit_host::extension(std::string_view id) {
  if (plan_.missing.contains(id)) return nullptr;
  const host_table* found = find_host_table(id);
  if (found == nullptr) return nullptr;
  const bool older = plan_.older.contains(id);
  if (!older && !plan_.newer) return found->table;
  const std::lock_guard lock(mutex_);
  auto& cut = cut_tables_[std::string(id)];
  if (cut == nullptr) {
    constexpr std::size_t header = 8;
    const std::size_t size = older ? header : found->size + 32;
    std::string image(size, '\xa5');
    std::memcpy(image.data(), found->table, older ? header : found->size);
    const auto said = static_cast<std::uint32_t>(size);
    std::memcpy(image.data(), &said, sizeof(said));
    cut = guarded_copy(found->id, image.data(), size);
  }
  return cut;
}

kit_host* kit_host::enter(void* context, const char* function, const law& of, bool needs_active, bool also_created) {
  {
    registry& known = known_hosts();
    const std::lock_guard lock(known.mutex);
    if (!known.hosts.contains(context)) {
      blackbox::breach(laws::context, std::string("it called ") + function + " with another context than the host's");
      return nullptr;
    }
  }
  auto& host = *static_cast<kit_host*>(context);
  ++host.calls_;
  const phase now = host.phase_;
  const bool own_thread = blackbox::current_kind() == TOCSIN_THREAD_OTHER;
  if (now == phase::destroyed || (now == phase::stopped && own_thread)) {
    host.breach(laws::stop, std::string("it called ") + function + " after " +
                                (now == phase::destroyed ? "destroy()" : "stop()") + " had returned");
    return now == phase::destroyed ? nullptr : &host;
  }
  if (needs_active && now != phase::active && !(also_created && now == phase::created)) {
    host.breach(of, std::string("it called ") + function + " while it was " +
                        (now == phase::created ? "created and not started" : "stopped"));
  }
  return &host;
}

void kit_host::breach(const law& broken, const std::string& what) const {
  blackbox::breach(broken, who_.empty() ? what : who_ + ", which serves it: " + what);
}

void kit_host::noticed() {
  // Under the lock, so that a waiter that has just asked its condition does not miss it.
  { const std::lock_guard lock(mutex_); }
  noticed_.notify_all();
}

bool kit_host::wait(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::unique_lock lock(mutex_);
    // Briefly: a condition may depend on more than what is notified.
    noticed_.wait_for(lock, std::chrono::milliseconds(5));
  }
  return true;
}

std::vector<seen_outcome> kit_host::outcomes() const {
  const std::lock_guard lock(mutex_);
  return outcomes_;
}
std::vector<seen_stage> kit_host::stages() const {
  const std::lock_guard lock(mutex_);
  return stages_;
}
std::vector<seen_publication> kit_host::publications() const {
  const std::lock_guard lock(mutex_);
  return publications_;
}
std::vector<std::string> kit_host::log_lines() const {
  const std::lock_guard lock(mutex_);
  return log_;
}
std::set<std::uint64_t> kit_host::timers() const {
  const std::lock_guard lock(mutex_);
  std::set<std::uint64_t> ids;
  for (const auto& one : timers_) ids.insert(one.first);
  return ids;
}
std::uint64_t kit_host::under_way(tocsin_token source) const {
  const std::lock_guard lock(mutex_);
  const auto found = sources_.find({source.index, source.generation});
  return found == sources_.end() ? 0 : found->second.under_way;
}

void kit_host::open_source(tocsin_token source) {
  const std::lock_guard lock(mutex_);
  sources_[{source.index, source.generation}] = {};
}
void kit_host::close_source(tocsin_token source) {
  const std::lock_guard lock(mutex_);
  sources_[{source.index, source.generation}].open = false;
}
void kit_host::set_opening(bool opening) {
  const std::lock_guard lock(mutex_);
  opening_ = opening;
}

void kit_host::advance(std::chrono::milliseconds by) {
  ahead_ms_ += by.count();
  worker.advance(by);
}

std::int64_t kit_host::now_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
             .count() +
         ahead_ms_;
}

}  // namespace tocsin::conformance
