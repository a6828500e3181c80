// SPDX-License-Identifier: Apache-2.0
// Loads the plugin and leads its instances through their life.
#include "sdk/conformance/src/bench.hpp"

#include "sdk/conformance/src/probe.hpp"

#include <dlfcn.h>

#include <algorithm>

namespace tocsin::conformance {
namespace {

// FNV-1a: the same on every machine, so that a seed gives the same run everywhere.
std::uint64_t hash(std::string_view text) {
  std::uint64_t value = 0xcbf29ce484222325u;
  for (const char each : text) value = (value ^ static_cast<unsigned char>(each)) * 0x100000001b3u;
  return value;
}

std::string with_folder(std::string settings, const std::string& folder) {
  static constexpr std::string_view mark = "{tmp}";
  for (auto at = settings.find(mark); at != std::string::npos; at = settings.find(mark, at + folder.size()))
    settings.replace(at, mark.size(), folder);
  return settings;
}

constexpr law loads{"a plugin's library loads with its symbols resolved, and exports tocsin_plugin_entry_v1",
                    "tocsin/abi/entry.h", "tocsin_plugin_entry_v1 [control]"};

}  // namespace

bench::bench(const subject& what, const options& how, std::string_view case_name, std::string private_folder)
    : about(what),
      folder(std::move(private_folder)),
      settings(with_folder(what.settings, folder)),
      limit(how.timeout / 2),
      threads(threads_now()),
      own_process(!how.in_process),
      random(how.seed ^ hash(case_name)) {}

bench::~bench() = default;

bool bench::provides(std::string_view id) const {
  return std::find(about.provides.begin(), about.provides.end(), id) != about.provides.end();
}

void bench::need(std::string_view id) const {
  if (!provides(id)) throw skip_case{"the plugin does not provide " + std::string(id)};
}

const tocsin_entry* bench::load(const library& from) {
  const blackbox::call_mark mark("the library's constructors", TOCSIN_THREAD_CONTROL);
  void* handle = dlopen((from.image.empty() ? from.file : from.image).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* words = dlerror();
    blackbox::breach(loads,
                     std::string("the system cannot load it: ") + (words == nullptr ? "no reason given" : words));
    throw end_case{};
  }
  using entry_function = const tocsin_entry* (*)();
  const auto function = reinterpret_cast<entry_function>(dlsym(handle, TOCSIN_ENTRY_SYMBOL));
  if (function == nullptr) {
    blackbox::breach(loads, "it does not export " TOCSIN_ENTRY_SYMBOL "; build it with tocsin_add_plugin()");
    throw end_case{};
  }
  const tocsin_entry* entry = control(TOCSIN_ENTRY_SYMBOL, [&] { return function(); });
  if (entry == nullptr || !TOCSIN_HAS_FIELD(tocsin_entry, entry, create) || entry->create == nullptr) {
    blackbox::breach(loads, entry == nullptr ? "its entry is a null pointer" : "its entry has no function create");
    throw end_case{};
  }
  return entry;
}

const tocsin_entry* bench::entry() {
  if (entry_ == nullptr) entry_ = load(about);
  return entry_;
}

const tocsin_entry* bench::ask_for_entry_again() { return load(about); }

bool bench::has_all_services() const {
  return std::all_of(about.needs.begin(), about.needs.end(), [&](const std::string& need) {
    return std::any_of(about.with.begin(), about.with.end(), [&](const library& one) {
      return std::find(one.provides.begin(), one.provides.end(), need) != one.provides.end();
    });
  });
}

const std::map<std::string, offered_service, std::less<>>& bench::services() {
  if (services_started_) return services_;
  for (const std::string& need : about.needs) {
    const bool there = std::any_of(about.with.begin(), about.with.end(), [&](const library& one) {
      return std::find(one.provides.begin(), one.provides.end(), need) != one.provides.end();
    });
    if (!there) throw skip_case{"it requires " + need + "; give the plugin that provides it with --with FILE"};
  }
  services_started_ = true;
  for (const library& one : about.with) {
    auto provider = std::make_unique<running>(*this, host_plan{}, one.id);
    provider->host.services = services_;
    if (!provider->create(load(one)) || !provider->start())
      throw skip_case{one.id + ", which is to serve it, does not start: " + provider->why()};
    for (const std::string& id : one.provides)
      if (const void* table = provider->extension(id)) services_[id] = {table, provider->self()};
    providers_.push_back(std::move(provider));
  }
  return services_;
}

void bench::stop_services() {
  while (!providers_.empty()) providers_.pop_back();
  services_.clear();
  services_started_ = false;
}

running::running(bench& bench_of, host_plan plan, std::string who)
    : on(bench_of), host(kit_host::make(std::move(plan), std::move(who))) {}

running::~running() {
  try {
    if (plugin_ == nullptr) return;
    if (host.now() == phase::active) stop();
    destroy();
  } catch (const end_case&) {
    // The breach is written.
  }
}

void check_failure(tocsin_status status, const call_sink& error, const std::string& call) {
  const std::string text = error.text();
  if (status != TOCSIN_OK && text.empty() && !error.refused())
    blackbox::breach(laws::failure_says_why, call + " answered " + std::to_string(status) + " and gave no reason");
}

bool running::create(const tocsin_entry* entry) {
  if (entry == nullptr) entry = on.entry();
  loan lent("create()");
  call_sink error(lent, "the error sink of create()", on.sink_limit);
  const tocsin_plugin* made = nullptr;
  const tocsin_status status = control("create", [&] { return entry->create(host.raw(), &made, error.raw()); });
  check_failure(status, error, "create()");
  why_ = error.text();
  if (status != TOCSIN_OK) return false;
  static constexpr law table_law{"create() makes an instance with a whole table", "tocsin/abi/plugin.h",
                                 "tocsin_plugin"};
  if (!check_struct(host, made, sizeof(tocsin_plugin), "the tocsin_plugin of create()")) throw end_case{};
  if (made->get_extension == nullptr || made->start == nullptr || made->stop == nullptr || made->destroy == nullptr) {
    host.breach(table_law, "a function of its tocsin_plugin is null");
    throw end_case{};
  }
  plugin_ = host.plugin = made;
  return true;
}

bool running::start() {
  loan lent("start()");
  call_sink error(lent, "the error sink of start()", on.sink_limit);
  host.set_phase(phase::active);
  host.worker.open();
  host.starting = true;
  const tocsin_status status = control("start", [&] { return plugin_->start(plugin_->self, error.raw()); });
  host.starting = false;
  check_failure(status, error, "start()");
  why_ = error.text();
  if (status == TOCSIN_OK) return true;
  host.worker.shut();
  host.set_phase(phase::stopped);
  return false;
}

void running::must_create() {
  if (create()) return;
  host.breach(laws::create, "create() fails with a friendly host: " + shown(why_));
  throw end_case{};
}

void running::must_start() {
  if (start()) return;
  host.breach(laws::start, "start() fails with a friendly host: " + shown(why_));
  throw end_case{};
}

void running::stop() {
  host.worker.shut();
  control("stop", [&] { plugin_->stop(plugin_->self); });
  host.set_phase(phase::stopped);
}

void running::destroy() {
  const tocsin_plugin* gone = plugin_;
  plugin_ = nullptr;
  host.worker.shut();
  control("destroy", [&] { gone->destroy(gone->self); });
  host.set_phase(phase::destroyed);
}

// Nothing of the plugin's runs or will be called by itself: it has no thread, no timer and no service, and nothing
// waits for the host's worker.
bool running::is_alone() {
  return on.about.needs.empty() && host.timers().empty() && host.worker.idle() && threads_since(on.threads, {}).empty();
}

std::string running::wait(const std::function<bool()>& condition) {
  constexpr std::chrono::milliseconds step{100};
  const auto end = std::chrono::steady_clock::now() + on.limit;
  while (std::chrono::steady_clock::now() < end) {
    // In this order: what ran may have made it hold at its end.
    const bool alone = is_alone();
    if (host.wait(condition, alone ? std::chrono::milliseconds(0) : std::min(step, on.limit))) return {};
    if (alone) return "nobody is left who could: the plugin has no thread, no timer and no call under way";
  }
  return "waited " + std::to_string(on.limit.count() / 1000) + " s";
}

const void* running::extension(std::string_view id) {
  loan lent("get_extension()");
  const tocsin_string name = lent.text(id);
  return control("get_extension", [&] { return plugin_->get_extension(plugin_->self, name); });
}

std::unique_ptr<running> start_plugin(bench& on, host_plan plan) {
  const auto& services = on.services();
  auto made = std::make_unique<running>(on, std::move(plan));
  made->host.services = services;
  made->must_create();
  made->must_start();
  return made;
}

}  // namespace tocsin::conformance
