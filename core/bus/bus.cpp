// The bus: from a publication to one commit, and from the commit to the dispatcher and the publisher.
#include "core/bus/bus.hpp"

#include "core/bus/event_policy.hpp"
#include "core/delivery/failure_policy.hpp"
#include "core/delivery/message_id.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <utility>

namespace tocsin {
namespace {

// How long (organization, source, id) is remembered.
constexpr std::chrono::milliseconds remember_time = std::chrono::days{7};

// Everything that decides what an event becomes, as of one moment.
struct snapshot {
  settings_ptr settings;
  tocsin::router router;
  event_policy types;

  explicit snapshot(settings_ptr from)
      : settings(std::move(from)), router(settings->routes()), types(settings->event_types()) {}
};
using snapshot_ptr = std::shared_ptr<const snapshot>;
using subscriptions_ptr = std::shared_ptr<const subscription_set>;

fault stopped() {
  return {"BUS_STOPPED", "The host is stopping and takes no more events.", "Publish again when it runs."};
}

fault busy(std::size_t capacity) {
  return {"BUS_BUSY", "More than " + std::to_string(capacity) + " events are on their way to the disk; no more fit.",
          "Wait a little, then publish the same events again."};
}

// What becomes of an event once it is on disk; kept beside the store's copy.
struct plan {
  event_ptr payload;  // null: nothing of it was reserved, and nobody subscribes to it
  std::vector<leased_delivery> reserved;
  std::vector<endpoint_key> waiting;  // once for each that no slot was kept for
  std::uint32_t deliveries = 0;
};

// Finds who wants a copy of each event of one publication.
struct copy_maker {
  const subscription_set& subscribers;
  pending_copies copies;
  std::vector<subscription_set::position> wanted = {};
  std::size_t index = 0;  // of the event that is looked at

  void look_at(const event& value, plan& kept) {
    if (subscribers.empty()) return;
    wanted.clear();
    subscribers.find(value, wanted);
    if (wanted.empty()) return;
    if (!kept.payload) kept.payload = std::make_shared<const event>(value);
    for (const auto who : wanted) copies.add(who, kept.payload, index);
  }
};

fault reserved_source() {
  return {"EVENT_INVALID",
          "The source \"" + std::string(failure_source) + "\" is the host's own: under it, it tells of its failures.",
          "Give the event a source of its publisher's.", at_key("source")};
}

// How many deliveries of a publication each endpoint kept no slot for.
class refusals {
 public:
  void add(const plan& from) {
    for (const auto& key : from.waiting) {
      const auto known =
          std::find_if(counts_.begin(), counts_.end(), [&](const auto& one) { return one.first == key; });
      if (known == counts_.end()) {
        counts_.emplace_back(key, 1);
      } else {
        ++known->second;
      }
    }
  }
  void written(dispatcher& to) const {
    for (const auto& [key, count] : counts_) to.notify(key, count);
  }
  void not_written(dispatcher& to) const {
    for (const auto& [key, count] : counts_) to.forgo(key, count);
  }

 private:
  std::vector<std::pair<endpoint_key, std::uint32_t>> counts_;
};

}  // namespace

// Shared with the store's callbacks, which may come after the bus has gone.
struct bus::impl : std::enable_shared_from_this<bus::impl> {
  explicit impl(bus_parts with) : parts(with) {}

  result<void> enter(const publication& what);
  accept_item item_of(event value, const snapshot& with, time_ms now, plan& kept, copy_maker& copies);
  new_delivery delivery_of(const planned_delivery& planned, const event& value, const snapshot& with, time_ms now);
  void release(const std::vector<plan>& plans);
  void after_commit(std::vector<plan> plans, std::vector<accept_answer>& answers, pending_copies copies,
                    const subscription_set& to);
  void leave(std::size_t events);

  bus_parts parts;
  mutable std::mutex mutex;
  snapshot_ptr current;
  subscriptions_ptr subscribers = std::make_shared<const subscription_set>(std::vector<subscription_ptr>{});
  std::string message_host;
  bool is_stopped = false;
  std::size_t under_way = 0;  // publications
  std::size_t events_under_way = 0;
  std::function<void()> stop_done;
  std::atomic<std::uint64_t> accepted = 0, duplicates = 0, unrouted = 0, refused = 0, routed = 0;
};

bus::bus(bus_parts parts) : impl_(std::make_shared<impl>(parts)) {}
bus::~bus() = default;

void bus::start(std::string message_host, settings_ptr settings) {
  auto made = std::make_shared<const snapshot>(std::move(settings));
  const std::lock_guard lock(impl_->mutex);
  impl_->message_host = std::move(message_host);
  impl_->current = std::move(made);
}

void bus::settings_changed(settings_ptr settings) {
  auto made = std::make_shared<const snapshot>(std::move(settings));
  const std::lock_guard lock(impl_->mutex);
  impl_->current = std::move(made);
}

void bus::set_subscriptions(std::vector<subscription_ptr> all) {
  auto made = std::make_shared<const subscription_set>(std::move(all));
  const std::lock_guard lock(impl_->mutex);
  impl_->subscribers = std::move(made);
}

result<void> bus::impl::enter(const publication& what) {
  if (!what.of_host && std::any_of(what.events.begin(), what.events.end(), tells_of_failure)) return reserved_source();
  const std::lock_guard lock(mutex);
  if (is_stopped || !current) return stopped();
  // A publication larger than the capacity is taken when nothing else is under way; else it never would be.
  if (events_under_way > 0 && events_under_way + what.events.size() > parts.capacity) return busy(parts.capacity);
  events_under_way += what.events.size();
  ++under_way;
  return {};
}

void bus::impl::leave(std::size_t events) {
  std::function<void()> done;
  {
    const std::lock_guard lock(mutex);
    events_under_way -= events;
    if (--under_way == 0 && is_stopped) done = std::exchange(stop_done, nullptr);
  }
  if (done) done();
}

new_delivery bus::impl::delivery_of(const planned_delivery& planned, const event& value, const snapshot& with,
                                    time_ms now) {
  const auto& channel = planned.channels.front();
  new_delivery made;
  made.id = delivery_id{parts.identifiers->next(now)};
  // A channel that nobody knows: the delivery is written down all the same, and waits until the channel is there.
  const auto settings = with.settings->endpoint(channel, value.organization);
  made.endpoint = settings ? (*settings)->key : endpoint_key{channel, value.organization};
  made.recipient = planned.recipient;
  made.route = planned.route;
  made.template_name = planned.template_name;
  made.language = value.language;
  if (made.language.empty()) made.language = with.settings->organization(value.organization).language;
  if (made.language.empty()) made.language = with.settings->host().language;
  made.message_id = make_message_id(made.id, message_host);
  made.next_channels.assign(planned.channels.begin() + 1, planned.channels.end());
  made.give_up_at = value.expires;
  return made;
}

accept_item bus::impl::item_of(event value, const snapshot& with, time_ms now, plan& kept, copy_maker& copies) {
  accept_item item;
  item.id = event_id{parts.identifiers->next(now)};
  item.accepted = now;
  const auto by_type = with.types.of(value.type);
  if (by_type.time_to_live && !value.expires) value.expires = now + by_type.time_to_live->count();
  item.sensitive = by_type.sensitive;
  for (const auto& planned : with.router.plan(value)) {
    auto made = delivery_of(planned, value, with, now);
    made.leased = parts.dispatcher->reserve(made.endpoint);
    if (made.leased) {
      if (!kept.payload) kept.payload = std::make_shared<const event>(value);
      leased_delivery leased;
      leased.id = made.id;
      leased.event = item.id;
      leased.endpoint = made.endpoint;
      leased.organization = value.organization;
      leased.recipient = made.recipient;
      leased.template_name = made.template_name;
      leased.language = made.language;
      leased.message_id = made.message_id;
      leased.next_channels = made.next_channels;
      leased.created = now;
      leased.expires = made.give_up_at;
      leased.payload = kept.payload;
      leased.route = made.route;
      kept.reserved.push_back(std::move(leased));
    } else {
      kept.waiting.push_back(made.endpoint);
    }
    item.deliveries.push_back(std::move(made));
  }
  kept.deliveries = static_cast<std::uint32_t>(item.deliveries.size());
  if (!item.sensitive) copies.look_at(value, kept);
  item.payload = std::move(value);
  return item;
}

void bus::impl::release(const std::vector<plan>& plans) {
  refusals waiting;
  for (const auto& one : plans) {
    for (const auto& delivery : one.reserved) parts.dispatcher->release(delivery.endpoint);
    waiting.add(one);
  }
  waiting.not_written(*parts.dispatcher);
}

// On the store's thread. The dispatcher first: a publisher that is answered may well look for its delivery.
void bus::impl::after_commit(std::vector<plan> plans, std::vector<accept_answer>& answers, pending_copies copies,
                             const subscription_set& to) {
  std::vector<leased_delivery> leased;
  refusals waiting, unwanted;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    auto& one = plans[i];
    (answers[i].duplicate ? unwanted : waiting).add(one);
    if (answers[i].duplicate) {
      ++duplicates;
      for (const auto& delivery : one.reserved) parts.dispatcher->release(delivery.endpoint);
      continue;
    }
    ++accepted;
    answers[i].deliveries = one.deliveries;
    ++(one.deliveries == 0 ? unrouted : routed);
    std::move(one.reserved.begin(), one.reserved.end(), std::back_inserter(leased));
  }
  if (!leased.empty()) parts.dispatcher->hand_over(std::move(leased));
  unwanted.not_written(*parts.dispatcher);
  waiting.written(*parts.dispatcher);
  if (!copies.empty()) copies.hand_over(to, [&](std::size_t index) { return !answers[index].duplicate; });
}

void bus::publish(publication what, callback done) {
  if (auto entered = impl_->enter(what); !entered) {
    impl_->refused += std::max<std::size_t>(what.events.size(), 1);
    return done(entered.error());
  }
  snapshot_ptr with;
  subscriptions_ptr subscribers;
  {
    const std::lock_guard lock(impl_->mutex);
    with = impl_->current;
    subscribers = impl_->subscribers;
  }
  const auto now = impl_->parts.clock->now();
  const auto events = what.events.size();
  std::vector<plan> plans(events);
  accept_batch batch;
  batch.now = now;
  batch.lease_until = now + dispatcher::lease_time.count();
  batch.remember_until = now + remember_time.count();
  batch.memory = std::move(what.memory);
  batch.items.reserve(events);
  copy_maker copies{*subscribers, {}};
  for (std::size_t i = 0; i < events; ++i) {
    copies.index = i;
    batch.items.push_back(impl_->item_of(std::move(what.events[i]), *with, now, plans[i], copies));
  }
  impl_->parts.store->accept(
      std::move(batch), [self = impl_, events, plans = std::move(plans), copies = std::move(copies.copies), subscribers,
                         done = std::move(done)](result<std::vector<accept_answer>> answers) mutable {
        if (answers) {
          self->after_commit(std::move(plans), *answers, std::move(copies), *subscribers);
        } else {
          self->refused += std::max<std::size_t>(events, 1);
          self->release(plans);
        }
        done(std::move(answers));
        self->leave(events);
      });
}

void bus::stop(std::function<void()> done) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->is_stopped = true;
    if (impl_->under_way > 0) {
      impl_->stop_done = std::move(done);
      return;
    }
  }
  if (done) done();
}

bus::statistics bus::counts() const {
  return {impl_->accepted, impl_->duplicates, impl_->unrouted, impl_->refused, impl_->routed};
}

}  // namespace tocsin
