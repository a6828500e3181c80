// A store in memory that keeps the promises of core/model/store.hpp: order, one answer a call, leases, recovery.
#pragma once

#include "core/model/store.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace tocsin::test {

// What survives a "crash": stores that are opened one after another on the same disk.
struct fake_disk {
  struct row {
    new_delivery delivery;
    event_id event{};
    std::string organization;
    delivery_state state = delivery_state::pending;
    std::uint64_t owner = 0;  // of the lease
    std::uint32_t attempts = 0;
    bool uncertain = false;
    std::uint32_t interrupted = 0;
    time_ms created = 0;
    time_ms next_attempt = 0;
    std::string code, detail, server_reply;
    std::optional<delivery_id> superseded_by;
    std::vector<attempt_record> history;
  };

  std::mutex mutex;
  std::map<event_id, std::shared_ptr<const event>> events;
  bool unreadable = false;  // deliveries are leased without their payload
  std::map<delivery_id, row> deliveries;
  std::map<std::tuple<std::string, std::string, std::string>, event_id> keys;
  std::map<endpoint_key, endpoint_pause> pauses;
  std::map<std::pair<std::string, std::string>, std::string> memory;
  std::map<std::pair<endpoint_key, std::string>, std::uint64_t> turns;  // of organizations, when each was last served
  std::uint64_t last_turn = 0;
  std::int64_t last_identifier = 0;
  std::uint64_t owners = 0;
};

class fake_store : public store {
 public:
  explicit fake_store(std::shared_ptr<fake_disk> disk = std::make_shared<fake_disk>())
      : disk_(std::move(disk)), owner_(++disk_->owners), thread_([this] { run(); }) {}
  ~fake_store() override { close(); }

  fake_disk& disk() { return *disk_; }

  // The next `times` calls of accept, lease or settle fail with this code.
  void fail_accepts(int times, std::string code = "STORE_FULL") { fail(accepts_to_fail_, times, std::move(code)); }
  void fail_leases(int times, std::string code = "STORE_FULL") { fail(leases_to_fail_, times, std::move(code)); }
  void fail_settles(int times, std::string code = "STORE_FULL") { fail(settles_to_fail_, times, std::move(code)); }

  // How many calls were answered so far.
  std::uint64_t answered() const { return answered_; }
  std::uint64_t leases() const { return leases_; }
  std::uint64_t accepts() const { return accepts_; }

  // Everything handed in before has been answered.
  void wait() {
    std::promise<void> reached;
    if (!push([&] { reached.set_value(); })) return;
    reached.get_future().wait();
  }

  // A copy of what is known of a delivery, of all of them.
  fake_disk::row row(delivery_id id) {
    const std::lock_guard lock(disk_->mutex);
    return disk_->deliveries.at(id);
  }
  std::vector<fake_disk::row> rows() {
    const std::lock_guard lock(disk_->mutex);
    std::vector<fake_disk::row> all;
    for (const auto& [id, row] : disk_->deliveries) all.push_back(row);
    return all;
  }
  std::size_t count(delivery_state state) {
    std::size_t n = 0;
    for (const auto& row : rows()) n += row.state == state;
    return n;
  }
  std::optional<endpoint_pause> pause(const endpoint_key& key) {
    const std::lock_guard lock(disk_->mutex);
    const auto found = disk_->pauses.find(key);
    if (found == disk_->pauses.end()) return std::nullopt;
    return found->second;
  }

  void recover(recover_request request, callback<recovery> done) override {
    call<recovery>(std::move(done), [this, request] {
      recovery found;
      for (auto& [id, row] : disk_->deliveries) {
        if (row.state != delivery_state::sending) continue;
        row.state = delivery_state::pending;
        row.uncertain = true;
        if (request.crashed)
          row.interrupted = request.named == id ? row.interrupted + 1 : std::max(row.interrupted, 1u);
        row.next_attempt = request.now;
        ++found.interrupted;
      }
      found.last_identifier = disk_->last_identifier;
      found.message_host = "host.test";
      for (const auto& [key, pause] : disk_->pauses) found.pauses.push_back(pause);
      return found;
    });
  }

  void accept(accept_batch batch, callback<std::vector<accept_answer>> done) override {
    ++accepts_;
    if (auto code = injected(accepts_to_fail_)) return refuse(std::move(done), *code);
    call<std::vector<accept_answer>>(std::move(done), [this, batch = std::move(batch)] {
      std::vector<accept_answer> answers;
      for (const auto& item : batch.items) answers.push_back(accept_one(item));
      for (const auto& write : batch.memory) {
        if (write.value.empty()) {
          disk_->memory.erase({write.source, write.name});
        } else {
          disk_->memory[{write.source, write.name}] = write.value;
        }
      }
      return answers;
    });
  }

  void lease(lease_request request, callback<std::vector<leased_delivery>> done) override {
    ++leases_;
    if (auto code = injected(leases_to_fail_)) return refuse(std::move(done), *code);
    call<std::vector<leased_delivery>>(std::move(done), [this, request] { return lease_now(request); });
  }

  void settle(std::vector<settlement> settlements, callback<void> done) override {
    if (auto code = injected(settles_to_fail_)) return refuse(std::move(done), *code);
    push_or_close(std::move(done), [this, settlements = std::move(settlements)](const callback<void>& answer) {
      {
        const std::lock_guard lock(disk_->mutex);
        for (const auto& one : settlements) settle_one(one);
      }
      answer(result<void>());
    });
  }

  void backlog(callback<std::vector<endpoint_backlog>> done) override {
    call<std::vector<endpoint_backlog>>(std::move(done), [this] {
      std::map<endpoint_key, time_ms> first;
      for (const auto& [id, row] : disk_->deliveries) {
        if (!waits(row)) continue;
        const auto [at, added] = first.emplace(row.delivery.endpoint, row.next_attempt);
        if (!added) at->second = std::min(at->second, row.next_attempt);
      }
      std::vector<endpoint_backlog> all;
      for (const auto& [key, due] : first) all.push_back({key, due});
      return all;
    });
  }

  void save_pause(endpoint_pause pause, callback<void> done) override {
    push_or_close(std::move(done), [this, pause = std::move(pause)](const callback<void>& answer) {
      {
        const std::lock_guard lock(disk_->mutex);
        disk_->pauses[pause.endpoint] = pause;
      }
      answer(result<void>());
    });
  }

  void clear_pause(endpoint_key endpoint, callback<void> done) override {
    push_or_close(std::move(done), [this, endpoint = std::move(endpoint)](const callback<void>& answer) {
      {
        const std::lock_guard lock(disk_->mutex);
        disk_->pauses.erase(endpoint);
      }
      answer(result<void>());
    });
  }

  void recall(std::string source, std::string name, callback<std::string> done) override {
    call<std::string>(std::move(done), [this, source, name] {
      const auto found = disk_->memory.find({source, name});
      return found == disk_->memory.end() ? std::string() : found->second;
    });
  }

  void recall_all(std::string source, callback<std::vector<std::pair<std::string, std::string>>> done) override {
    call<std::vector<std::pair<std::string, std::string>>>(std::move(done), [this, source] {
      std::vector<std::pair<std::string, std::string>> all;
      for (const auto& [key, value] : disk_->memory) {
        if (key.first == source) all.emplace_back(key.second, value);
      }
      return all;
    });
  }

  void list(delivery_filter filter, callback<std::vector<delivery_record>> done) override {
    call<std::vector<delivery_record>>(std::move(done), [this, filter] {
      std::vector<delivery_record> all;
      for (auto at = disk_->deliveries.rbegin(); at != disk_->deliveries.rend() && all.size() < filter.limit; ++at) {
        const auto& row = at->second;
        if (filter.state && row.state != *filter.state) continue;
        if (filter.organization && row.organization != *filter.organization) continue;
        if (filter.recipient && row.delivery.recipient != *filter.recipient) continue;
        if (filter.after && at->first >= *filter.after) continue;
        const auto& about = *disk_->events.at(row.event);
        if (filter.event_id && about.id != *filter.event_id) continue;
        if (filter.source && about.source != *filter.source) continue;
        all.push_back(record(row));
      }
      return all;
    });
  }

  void get(delivery_id id, callback<std::optional<delivery_record>> done) override {
    call<std::optional<delivery_record>>(std::move(done), [this, id]() -> std::optional<delivery_record> {
      const auto found = disk_->deliveries.find(id);
      if (found == disk_->deliveries.end()) return std::nullopt;
      auto made = record(found->second);
      made.history = found->second.history;
      return made;
    });
  }

  void counts(std::optional<std::string> organization, callback<state_counts> done) override {
    call<state_counts>(std::move(done), [this, organization] {
      state_counts all{};
      for (const auto& [id, row] : disk_->deliveries) {
        if (!organization || row.organization == *organization) ++all[static_cast<std::size_t>(row.state)];
      }
      return all;
    });
  }

  void alter(alteration what, callback<alteration_result> done) override {
    call<alteration_result>(std::move(done), [this, what = std::move(what)] {
      alteration_result made;
      for (auto& [id, row] : disk_->deliveries) {
        if (what.id ? id != *what.id : !wanted(what, row)) continue;
        ++made.matched;
        const auto& gives_up = row.delivery.give_up_at;
        if (auto why = tocsin::refuse(what.action, {row.state, false, gives_up && *gives_up <= what.now})) {
          ++made.refused[why->code];
          if (!made.refusal) made.refusal = std::move(why);
          continue;
        }
        ++made.changed;
        if (what.action == delivery_action::drop) {
          row.state = delivery_state::dropped;
          continue;
        }
        if (what.action == delivery_action::replay) {
          if (gives_up) row.delivery.give_up_at = what.now + (*gives_up - row.created);
          row.created = what.now;
          row.attempts = 0;
        }
        if (is_final(row.state)) row.state = delivery_state::pending;
        row.next_attempt = what.now;
        if (std::find(made.endpoints.begin(), made.endpoints.end(), row.delivery.endpoint) == made.endpoints.end())
          made.endpoints.push_back(row.delivery.endpoint);
      }
      return made;
    });
  }

  void close() override {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  struct injection {
    int times = 0;
    std::string code;
  };

  void fail(injection& which, int times, std::string code) {
    const std::lock_guard lock(mutex_);
    which = {times, std::move(code)};
  }
  std::optional<std::string> injected(injection& which) {
    const std::lock_guard lock(mutex_);
    if (which.times == 0) return std::nullopt;
    --which.times;
    return which.code;
  }

  bool push(std::function<void()> task) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return false;
      tasks_.push_back(std::move(task));
    }
    wake_.notify_one();
    return true;
  }

  template <class T, class Work>
  void push_or_close(callback<T> done, Work work) {
    const bool taken = push([this, done, work = std::move(work)] {
      work(done);
      ++answered_;
    });
    if (!taken) done(fault{"STORE_CLOSED", "The store is closed."});
  }

  template <class T, class Work>
  void call(callback<T> done, Work work) {
    push_or_close(std::move(done), [this, work = std::move(work)](const callback<T>& answer) {
      std::optional<T> value;
      {
        const std::lock_guard lock(disk_->mutex);
        value = work();
      }
      answer(std::move(*value));
    });
  }

  template <class T>
  void refuse(callback<T> done, const std::string& code) {
    push_or_close(std::move(done), [code](const callback<T>& answer) {
      answer(fault{code, "The store was told to fail."});
    });
  }

  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return closed_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      task = nullptr;
      lock.lock();
    }
  }

  static bool waits(const fake_disk::row& row) {
    return row.state == delivery_state::pending || row.state == delivery_state::deferred;
  }

  accept_answer accept_one(const accept_item& item) {
    const auto& about = item.payload;
    const auto [key, added] = disk_->keys.try_emplace({about.organization, about.source, about.id}, item.id);
    if (!added) return {key->second, true};
    disk_->events[item.id] = std::make_shared<const event>(about);
    disk_->last_identifier = std::max(disk_->last_identifier, static_cast<std::int64_t>(item.id));
    for (const auto& one : item.deliveries) insert(one, item.id, about.organization, item.accepted);
    return {item.id, false};
  }

  void insert(const new_delivery& one, event_id event, const std::string& organization, time_ms at) {
    auto& row = disk_->deliveries[one.id];
    row.delivery = one;
    row.event = event;
    row.organization = organization;
    row.state = one.leased ? delivery_state::sending : delivery_state::pending;
    row.owner = one.leased ? owner_ : 0;
    row.created = at;
    row.next_attempt = at;
    disk_->last_identifier = std::max(disk_->last_identifier, static_cast<std::int64_t>(one.id));
  }

  using due_rows = std::vector<std::pair<delivery_id, fake_disk::row*>>;

  // One after another of the organizations, from where the last lease ended.
  due_rows take_turns(const lease_request& request, due_rows due) {
    due_rows taken;
    for (const auto& [id, row] : due) disk_->turns.try_emplace({request.endpoint, row->organization}, disk_->last_turn);
    while (taken.size() < request.limit && !due.empty()) {
      const auto turn = [&](const auto& one) -> auto& {
        return disk_->turns[{request.endpoint, one.second->organization}];
      };
      const auto next =
          std::min_element(due.begin(), due.end(), [&](const auto& a, const auto& b) { return turn(a) < turn(b); });
      turn(*next) = ++disk_->last_turn;
      taken.push_back(*next);
      due.erase(next);
    }
    return taken;
  }

  std::vector<leased_delivery> lease_now(const lease_request& request) {
    std::vector<std::pair<delivery_id, fake_disk::row*>> due;
    for (auto& [id, row] : disk_->deliveries) {
      if (waits(row) && row.delivery.endpoint == request.endpoint && row.next_attempt <= request.now) {
        due.emplace_back(id, &row);
      }
    }
    std::stable_sort(due.begin(), due.end(), [this](const auto& a, const auto& b) {
      const auto one = disk_->events.at(a.second->event)->severity;
      const auto other = disk_->events.at(b.second->event)->severity;
      return one != other ? one > other : a.second->next_attempt < b.second->next_attempt;
    });
    due = take_turns(request, std::move(due));
    std::vector<leased_delivery> leased;
    for (const auto& [id, row] : due) {
      row->state = delivery_state::sending;
      row->owner = owner_;
      leased_delivery one;
      one.id = id;
      one.event = row->event;
      one.endpoint = row->delivery.endpoint;
      one.organization = row->organization;
      one.recipient = row->delivery.recipient;
      one.template_name = row->delivery.template_name;
      one.language = row->delivery.language;
      one.message_id = row->delivery.message_id;
      one.next_channels = row->delivery.next_channels;
      one.attempts = row->attempts;
      one.uncertain = row->uncertain;
      one.created = row->created;
      one.expires = row->delivery.give_up_at;
      one.last_code = row->code;
      if (!disk_->unreadable) one.payload = disk_->events.at(row->event);
      one.route = row->delivery.route;
      one.interrupted = row->interrupted;
      leased.push_back(std::move(one));
    }
    return leased;
  }

  void settle_one(const settlement& one) {
    const auto found = disk_->deliveries.find(one.id);
    if (found == disk_->deliveries.end()) return;
    auto& row = found->second;
    if (row.state != delivery_state::sending || row.owner != owner_) return;
    row.state = one.state;
    row.attempts = one.attempts;
    row.uncertain = one.uncertain;
    if (!one.code.empty()) {
      row.code = one.code;
      row.detail = one.detail;
      row.server_reply = one.server_reply;
    }
    if (one.record_attempt) row.interrupted = 0;
    if (one.record_attempt) row.history.push_back({one.at, one.code, one.detail, one.server_reply});
    if (one.next_attempt) row.next_attempt = *one.next_attempt;
    if (one.successor) {
      row.superseded_by = one.successor->id;
      insert(*one.successor, row.event, row.organization, one.at);
    }
  }

  bool wanted(const alteration& what, const fake_disk::row& row) const {
    const auto& filter = what.filter;
    const auto usual = usual_states(what.action);
    if (filter.state ? row.state != *filter.state : std::find(usual.begin(), usual.end(), row.state) == usual.end())
      return false;
    const auto& about = *disk_->events.at(row.event);
    return (!filter.organization || row.organization == *filter.organization) &&
           (!filter.recipient || row.delivery.recipient == *filter.recipient) &&
           (!filter.event_id || about.id == *filter.event_id) && (!filter.source || about.source == *filter.source);
  }

  delivery_record record(const fake_disk::row& row) const {
    const auto& about = *disk_->events.at(row.event);
    delivery_record made;
    made.id = row.delivery.id;
    made.event = row.event;
    made.event_source = about.source;
    made.event_external_id = about.id;
    made.event_type = about.type;
    made.organization = row.organization;
    made.endpoint = row.delivery.endpoint;
    made.recipient = row.delivery.recipient;
    made.route = row.delivery.route;
    made.state = row.state;
    made.attempts = row.attempts;
    made.uncertain = row.uncertain;
    made.code = row.code;
    made.detail = row.detail;
    made.server_reply = row.server_reply;
    made.message_id = row.delivery.message_id;
    made.superseded_by = row.superseded_by;
    if (waits(row)) made.next_attempt = row.next_attempt;
    made.created = row.created;
    return made;
  }

  std::shared_ptr<fake_disk> disk_;
  std::uint64_t owner_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  bool closed_ = false;
  injection accepts_to_fail_, leases_to_fail_, settles_to_fail_;
  std::atomic<std::uint64_t> answered_ = 0;
  std::atomic<std::uint64_t> leases_ = 0;
  std::atomic<std::uint64_t> accepts_ = 0;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace tocsin::test
