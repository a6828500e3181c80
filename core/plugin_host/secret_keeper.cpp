// One entry a secret: its value with its end, the request that is under way, and the timers of both.
#include "core/plugin_host/secret_keeper.hpp"

#include "core/observe/log.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace tocsin {

using std::chrono::milliseconds;

namespace {

constexpr std::chrono::days longest_valid{365};

// What waits for the answers of one ask().
struct round {
  std::size_t open = 0;
  std::function<void()> done;
};

struct entry {
  std::optional<wiped_text> value;
  bool has_end = false;
  std::string why;  // there is no value, or no newer one; empty: nothing failed last
  bool unknown_to_store = false;
  std::uint64_t asking = 0;   // serial of the question under way; 0: none
  std::uint64_t request = 0;  // its number at the store, as soon as it is known
  secret_store_ptr asked;
  std::shared_ptr<round> waits;
  std::uint32_t failures = 0;  // in a row
  clock::timer limit{}, next{}, end{};
};

std::string sentence(std::string words) {
  if (!words.empty() && words.back() != '.' && words.back() != '!' && words.back() != '?') words += '.';
  return words;
}

milliseconds wait_after(std::uint32_t failures) {
  milliseconds wait = secret_keeper::first_wait;
  for (std::uint32_t at = 1; at < failures && wait < secret_keeper::longest_wait; ++at) wait *= 2;
  return std::min<milliseconds>(wait, secret_keeper::longest_wait);
}

}  // namespace

struct secret_keeper::impl : std::enable_shared_from_this<impl> {
  impl(tocsin::clock& with, std::function<void()> tell) : clock(with), changed(std::move(tell)) {}

  // What is done without the mutex, in order.
  using actions = std::vector<std::function<void()>>;
  static void run(const actions& all) {
    for (const auto& one : all) one();
  }

  void ask_one(const stored_secret& key, entry& about, actions& later);
  void answered(const stored_secret& key, std::uint64_t serial, secret_answer answer);
  void take_value(const stored_secret& key, entry& about, secret_answer answer, actions& later);
  void take_failure(const stored_secret& key, entry& about, const secret_answer& answer, actions& later);
  void timed_out(const stored_secret& key, std::uint64_t serial);
  void ask_again(const stored_secret& key);
  void run_out(const stored_secret& key);
  void end_question(entry& about, actions& later);
  void drop(entry& about, actions& later);
  // Others are told, unless somebody waits who will look anyway.
  void tell(const entry& about, actions& later) const {
    if (!about.waits && changed) later.emplace_back(changed);
  }
  void set(clock::timer& timer, milliseconds delay, std::function<void(impl&)> what) {
    clock.cancel(std::exchange(timer, clock.after(delay, [weak = weak_from_this(), what = std::move(what)] {
      if (const auto self = weak.lock()) what(*self);
    })));
  }
  void unset(clock::timer& timer) { clock.cancel(std::exchange(timer, clock::timer::none)); }

  tocsin::clock& clock;
  const std::function<void()> changed;
  mutable std::mutex mutex;
  bool stopped = false;
  std::uint64_t last_serial = 0;
  std::map<std::string, result<secret_store_ptr>> stores;
  std::map<stored_secret, entry> entries;
};

// The mutex is held.
void secret_keeper::impl::ask_one(const stored_secret& key, entry& about, actions& later) {
  unset(about.next);
  const auto store = stores.find(key.store);
  if (store == stores.end() || !store->second) {
    const std::string why = store == stores.end() ? "It is not open." : store->second.error().what;
    take_failure(key, about, secret_answer::none(why), later);
    unset(about.next);  // nothing changes before the settings do
    return end_question(about, later);
  }
  about.asking = ++last_serial;
  about.request = 0;
  about.asked = *store->second;
  set(about.limit, answer_limit, [key, serial = about.asking](impl& self) { self.timed_out(key, serial); });
  later.emplace_back([weak = weak_from_this(), port = about.asked, key, serial = about.asking] {
    const auto request = port->fetch(key.reference, [weak, key, serial](secret_answer answer) {
      if (const auto self = weak.lock()) self->answered(key, serial, std::move(answer));
    });
    const auto self = weak.lock();
    if (!self) return;
    const std::lock_guard lock(self->mutex);
    const auto found = self->entries.find(key);
    if (found != self->entries.end() && found->second.asking == serial) {
      found->second.request = request;
    } else {
      port->give_up(request);  // answered already, or nobody wants it any more
    }
  });
}

// The mutex is held. The question that was under way is over, answered or not.
void secret_keeper::impl::end_question(entry& about, actions& later) {
  unset(about.limit);
  if (about.asking != 0 && about.asked && about.request != 0) {
    later.emplace_back([port = about.asked, request = about.request] { port->give_up(request); });
  }
  about.asking = 0;
  about.request = 0;
  about.asked = nullptr;
  if (const auto waits = std::exchange(about.waits, nullptr); waits && --waits->open == 0)
    later.emplace_back(waits->done);
}

void secret_keeper::impl::answered(const stored_secret& key, std::uint64_t serial, secret_answer answer) {
  actions later;
  {
    const std::lock_guard lock(mutex);
    const auto found = entries.find(key);
    if (stopped || found == entries.end() || found->second.asking != serial) return;
    entry& about = found->second;
    about.request = 0;  // which is over
    if (answer.what == secret_answer::kind::value) {
      take_value(key, about, std::move(answer), later);
    } else {
      take_failure(key, about, answer, later);
    }
    end_question(about, later);
  }
  run(later);
}

// The mutex is held.
void secret_keeper::impl::take_value(const stored_secret& key, entry& about, secret_answer answer, actions& later) {
  const bool other = !about.value || about.value->get() != answer.value.get();
  const bool failed_before = !about.why.empty();
  about.value = std::move(answer.value);
  about.why.clear();
  about.failures = 0;
  about.has_end = answer.valid.count() >= 0;
  unset(about.next);
  unset(about.end);
  if (about.has_end) {
    const auto valid = std::clamp<milliseconds>(answer.valid, shortest_valid, longest_valid);
    set(about.end, valid, [key](impl& self) { self.run_out(key); });
    set(about.next, valid - std::min<milliseconds>(valid / 5, longest_lead),
        [key](impl& self) { self.ask_again(key); });
  }
  if (failed_before && changed) {
    later.emplace_back([key] {
      log::write(log::level::info, "secret store has answered", {{"store", key.store}, {"reference", key.reference}});
    });
  }
  if (other) tell(about, later);
}

// The mutex is held. A value that is there is used until its end; one without an end, until its store says that there
// is none.
void secret_keeper::impl::take_failure(const stored_secret& key, entry& about, const secret_answer& answer,
                                       actions& later) {
  const bool unknown = answer.what == secret_answer::kind::no_such_secret;
  const bool other = about.why != answer.reason || about.unknown_to_store != unknown;
  about.why = answer.reason;
  about.unknown_to_store = unknown;
  ++about.failures;
  const bool lost = about.value && !about.has_end && unknown;
  if (lost) about.value.reset();
  const milliseconds wait = unknown ? milliseconds(longest_wait) : wait_after(about.failures);
  set(about.next, wait, [key](impl& self) { self.ask_again(key); });
  if (other && changed) {
    later.emplace_back([key, why = answer.reason] {
      log::write(log::level::warn, "secret store gives no value",
                 {{"store", key.store}, {"reference", key.reference}, {"why", why}});
    });
  }
  if (lost || (other && !about.value)) tell(about, later);
}

void secret_keeper::impl::timed_out(const stored_secret& key, std::uint64_t serial) {
  const auto late = secret_answer::none("It did not answer within " + std::to_string(answer_limit.count()) + " s.");
  actions later;
  {
    const std::lock_guard lock(mutex);
    const auto found = entries.find(key);
    if (stopped || found == entries.end() || found->second.asking != serial) return;
    take_failure(key, found->second, late, later);
    end_question(found->second, later);
  }
  run(later);
}

void secret_keeper::impl::ask_again(const stored_secret& key) {
  actions later;
  {
    const std::lock_guard lock(mutex);
    const auto found = entries.find(key);
    if (stopped || found == entries.end() || found->second.asking != 0) return;
    ask_one(key, found->second, later);
  }
  run(later);
}

void secret_keeper::impl::run_out(const stored_secret& key) {
  actions later;
  {
    const std::lock_guard lock(mutex);
    const auto found = entries.find(key);
    if (stopped || found == entries.end() || !found->second.value) return;
    entry& about = found->second;
    about.value.reset();
    if (about.why.empty()) {
      about.why = "Its value has run out, and a new one has not come yet.";
      about.unknown_to_store = false;
    }
    tell(about, later);
  }
  run(later);
}

// The mutex is held.
void secret_keeper::impl::drop(entry& about, actions& later) {
  end_question(about, later);
  unset(about.next);
  unset(about.end);
}

secret_keeper::secret_keeper(tocsin::clock& clock, std::function<void()> changed)
    : impl_(std::make_shared<impl>(clock, std::move(changed))) {}

secret_keeper::~secret_keeper() { stop(); }

void secret_keeper::set_store(const std::string& name, result<secret_store_ptr> store) {
  const std::lock_guard lock(impl_->mutex);
  impl_->stores.insert_or_assign(name, std::move(store));
}

void secret_keeper::remove_store(const std::string& name) {
  const std::lock_guard lock(impl_->mutex);
  impl_->stores.erase(name);
}

void secret_keeper::ask(const std::vector<stored_secret>& wanted, std::function<void()> done) {
  impl::actions later;
  {
    const std::lock_guard lock(impl_->mutex);
    const auto waits = std::make_shared<round>();
    waits->done = std::move(done);
    waits->open = 1;  // this function's own, so that it does not end before all are asked
    if (!impl_->stopped) {
      for (const auto& key : wanted) {
        entry& about = impl_->entries[key];
        impl_->end_question(about, later);
        about.failures = 0;
        about.waits = waits;
        ++waits->open;
        impl_->ask_one(key, about, later);
      }
    }
    if (--waits->open == 0) later.emplace_back(waits->done);
  }
  impl::run(later);
}

void secret_keeper::keep_only(const std::vector<stored_secret>& wanted) {
  impl::actions later;
  {
    const std::lock_guard lock(impl_->mutex);
    for (auto at = impl_->entries.begin(); at != impl_->entries.end();) {
      if (std::binary_search(wanted.begin(), wanted.end(), at->first)) {
        ++at;
        continue;
      }
      impl_->drop(at->second, later);
      at = impl_->entries.erase(at);
    }
  }
  impl::run(later);
}

result<std::string> secret_keeper::value(const stored_secret& wanted) const {
  const std::string name = "\"" + wanted.store + "\"";
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->entries.find(wanted);
  if (found == impl_->entries.end()) {
    return fault{"SETTINGS_INVALID", "The secret store " + name + " has not been asked for " + wanted.reference + ".",
                 "Load the settings again."};
  }
  const entry& about = found->second;
  if (about.value) return about.value->get();
  if (about.unknown_to_store) {
    return fault{
        "SETTINGS_INVALID", "The secret store " + name + " has no " + wanted.reference + ": " + sentence(about.why),
        "Put it into the store, which is asked again every 5 minutes and at a reload, or correct the reference."};
  }
  return fault{"SETTINGS_INVALID",
               "The secret store " + name + " does not give " + wanted.reference + ": " +
                   sentence(about.why.empty() ? "It has not answered yet" : about.why),
               "Look at the store and at [secrets." + wanted.store + "]; it is asked again by itself."};
}

void secret_keeper::stop() {
  impl::actions later;
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopped) return;
    impl_->stopped = true;
    for (auto& [key, about] : impl_->entries) impl_->drop(about, later);
    impl_->stores.clear();
  }
  impl::run(later);
}

}  // namespace tocsin
