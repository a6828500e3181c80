// The connections to one server under one account, and the mails that wait for them.
#include "plugins/channels/smtp/pool.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::smtp {
namespace {

// A server that refuses one more connection while others work has its limit there.
constexpr std::chrono::seconds hold_time{30};

}  // namespace

pool::pool(const sdk::host_api& host, stream_service stream, tocsin_token target, const endpoint_settings& settings,
           std::string client_name)
    : host_(host), stream_(stream), target_(target), settings_(settings), client_name_(std::move(client_name)) {}

void pool::push(std::vector<outgoing_ptr> mails) {
  work what;
  {
    const std::lock_guard lock(lock_);
    for (outgoing_ptr& mail : mails) {
      ++unfinished_[mail->endpoint];
      waiting_.push_back(std::move(mail));
    }
    plan(what, 0);
  }
  carry_out(what);
}

std::uint32_t pool::ceiling() const {
  return held_to_ > 0 && host_.monotonic() < held_until_ ? std::min(held_to_, settings_.connections)
                                                         : settings_.connections;
}

// `taken`: how many of the waiting mails somebody takes anyway.
void pool::plan(work& what, std::size_t taken) {
  if (waiting_.size() <= taken || retired_) return;
  std::size_t unserved = waiting_.size() - taken;
  std::size_t opening = 0;
  std::size_t busy_resting = 0;
  // Idle connections first; one mail is enough to wake one, it takes more by itself.
  for (auto& [key, one] : connections_) {
    if (one.leaving) continue;
    opening += one.ready ? 0 : 1;
    if (!one.resting) continue;
    if (!one.in_flight.empty()) {
      ++busy_resting;
      continue;
    }
    if (unserved == 0) continue;
    one.resting = false;
    what.wake.push_back(one.session);
    --unserved;
  }
  if (unserved == 0) return;

  std::size_t depth = pool_depth;
  if (const std::uint64_t limit = settings_.dialogue->messages_per_connection; limit > 0) {
    depth = static_cast<std::size_t>(std::min<std::uint64_t>(depth, limit));
  }
  std::size_t wanted = (unserved + depth - 1) / depth;
  wanted -= std::min(wanted, opening);
  // Until one connection got through (the name, the certificate, the password) there is no sense in trying more at
  // once.
  if (!proven_) wanted = opening > 0 ? 0 : std::min<std::size_t>(wanted, 1);
  const std::size_t limit = ceiling();
  const std::size_t room = limit > connections_.size() ? limit - connections_.size() : 0;
  for (std::size_t i = 0; i < std::min(wanted, room); ++i) {
    auto fresh = std::make_shared<session>(host_, stream_, shared_from_this(), settings_.dialogue, client_name_);
    connections_.emplace(fresh.get(), connection{fresh, false, false, false, {}});
    what.open.push_back(std::move(fresh));
  }
  // No further connection is to be had: one that waits for an answer can take the next envelope behind its data.
  if (wanted <= room || busy_resting == 0) return;
  for (auto& [key, one] : connections_) {
    if (!one.resting) continue;
    one.resting = false;
    what.wake.push_back(one.session);
  }
}

void pool::carry_out(work& what) {
  for (const auto& one : what.wake) one->wake();
  for (const auto& one : what.open) one->connect(target_);
}

outgoing_ptr pool::next(session& from) {
  const std::lock_guard lock(lock_);
  const auto found = connections_.find(&from);
  if (found == connections_.end() || found->second.leaving) return nullptr;
  if (waiting_.empty()) {
    found->second.resting = true;
    return nullptr;
  }
  outgoing_ptr mail = std::move(waiting_.front());
  waiting_.pop_front();
  found->second.resting = false;
  found->second.in_flight.push_back(mail->endpoint);
  return mail;
}

void pool::opened(session& which) {
  work what;
  {
    const std::lock_guard lock(lock_);
    if (const auto found = connections_.find(&which); found != connections_.end() && !found->second.leaving) {
      proven_ = true;
      found->second.ready = true;
    }
    plan(what, pool_depth);  // the one that has just opened takes a connection's worth itself
  }
  carry_out(what);
}

void pool::opening_failed(session& which, const outcome& why) {
  // What passes by itself may leave the other connections alone; what the settings or the account are at fault for does
  // not: each further sign-in would be refused as well, and the host is to pause the endpoint.
  const bool passing = why.result == outcome_class::transient || why.result == outcome_class::throttled;
  bool held = false;
  std::vector<completion> failed;
  std::vector<std::shared_ptr<session>> others;
  {
    const std::lock_guard lock(lock_);
    if (const auto found = connections_.find(&which); found != connections_.end()) found->second.leaving = true;
    if (retired_ || why.result == outcome_class::returned) return;
    std::size_t ready = 0;
    std::size_t opening = 0;
    for (auto& [key, one] : connections_) {
      if (one.leaving) continue;
      ++(one.ready ? ready : opening);
      if (passing) continue;
      one.leaving = true;
      one.resting = false;
      others.push_back(one.session);
    }
    held = passing && ready > 0;
    if (held) {
      held_to_ = static_cast<std::uint32_t>(ready);
      held_until_ = host_.monotonic() + hold_time;
    } else {
      proven_ = false;
      // Others are under way: what they come to counts.
      if (passing && opening > 0) return;
      for (outgoing_ptr& mail : waiting_) failed.push_back({std::move(mail), why, false});
      waiting_.clear();
    }
  }
  if (held) {
    host_.log(sdk::log_level::warn, "a further connection to the mail server failed; the ones that work carry on",
              {sdk::field("host", settings_.dialogue->host), sdk::field("code", why.code),
               sdk::field("detail", why.detail), sdk::field("server_reply", why.server_reply)});
  }
  hand_in(failed, which.dialogue());
  for (const auto& one : others) one->tell(session::order::finish);
}

void pool::leaving(session& which) {
  work what;
  {
    const std::lock_guard lock(lock_);
    const auto found = connections_.find(&which);
    if (found == connections_.end()) return;
    found->second.leaving = true;
    found->second.resting = false;
    plan(what, 0);  // a mail may have come that counted on it
  }
  carry_out(what);
}

void pool::completed(session& which, std::vector<completion>& mails) {
  std::vector<completion> finished;
  {
    const std::lock_guard lock(lock_);
    const auto found = connections_.find(&which);
    // From the last to the first, so that those which go back to the front keep their order.
    for (auto mail = mails.rbegin(); mail != mails.rend(); ++mail) {
      if (found != connections_.end()) {
        auto& in_flight = found->second.in_flight;
        const auto at = std::find_if(in_flight.begin(), in_flight.end(),
                                     [&](const tocsin_token& one) { return sdk::same(one, mail->message->endpoint); });
        if (at != in_flight.end()) in_flight.erase(at);
      }
      if (mail->replaceable && !mail->message->replaced) {
        mail->message->replaced = true;
        if (!retired_ && !is_withdrawing(mail->message->endpoint)) {
          waiting_.push_front(std::move(mail->message));  // over() follows, and opens another connection
          continue;
        }
        mail->came_to.result = outcome_class::returned;
      }
      finished.push_back(std::move(*mail));
    }
  }
  std::reverse(finished.begin(), finished.end());
  mails.clear();
  hand_in(finished, which.dialogue());
}

// Tells the host, and only then forgets: close() must not return while the host is being told.
void pool::hand_in(std::vector<completion>& mails, const std::string& dialogue) {
  if (mails.empty()) return;
  std::vector<tocsin_outcome> outcomes;
  std::vector<const tocsin_outcome*> list;
  outcomes.reserve(mails.size());
  list.reserve(mails.size());
  for (const completion& one : mails) {
    sdk::outcome made;
    made.result = one.came_to.result;
    made.code = one.came_to.code;
    made.detail = one.came_to.detail;
    made.server_reply = one.came_to.server_reply;
    made.retry_after_ms = one.came_to.retry_after_ms;
    if (made.result != outcome_class::delivered && made.result != outcome_class::returned) made.transcript = dialogue;
    outcomes.push_back(sdk::to_abi(one.message->delivery, made));
  }
  for (const tocsin_outcome& one : outcomes) list.push_back(&one);
  host_.complete(list.data(), list.size());
  const std::lock_guard lock(lock_);
  for (const completion& one : mails) {
    const auto found = unfinished_.find(one.message->endpoint);
    if (found != unfinished_.end() && --found->second == 0) unfinished_.erase(found);
  }
  changed_.notify_all();
}

void pool::give_back(std::vector<outgoing_ptr>& mails) {
  std::vector<completion> returned;
  for (outgoing_ptr& mail : mails) {
    outcome back = make_outcome("SERVER_CLOSED", "given back before it was begun");
    back.result = outcome_class::returned;
    returned.push_back({std::move(mail), std::move(back), false});
  }
  hand_in(returned, {});
}

std::string pool::password() { return reveal_password(host_, settings_); }

void pool::over(session& which) {
  work what;
  {
    const std::lock_guard lock(lock_);
    connections_.erase(&which);
    if (connections_.empty()) proven_ = false;  // by the next time, the server or the password may be another
    plan(what, 0);
    changed_.notify_all();
  }
  carry_out(what);
}

void pool::cancel(const sdk::tokens& deliveries) {
  std::vector<outgoing_ptr> taken;
  {
    const std::lock_guard lock(lock_);
    const auto wanted = [&](const outgoing_ptr& mail) {
      return std::any_of(deliveries.begin(), deliveries.end(),
                         [&](const tocsin_token& one) { return sdk::same(one, mail->delivery); });
    };
    for (outgoing_ptr& mail : waiting_) {
      if (wanted(mail)) taken.push_back(std::move(mail));
    }
    std::erase(waiting_, nullptr);
  }
  give_back(taken);
}

bool pool::is_withdrawing(tocsin_token endpoint) const {
  return std::any_of(withdrawing_.begin(), withdrawing_.end(),
                     [&](const tocsin_token& one) { return sdk::same(one, endpoint); });
}

bool pool::has_mail_of(tocsin_token endpoint) const { return unfinished_.find(endpoint) != unfinished_.end(); }

void pool::withdraw(tocsin_token endpoint, std::chrono::milliseconds limit) {
  withdraw_mails(endpoint, limit);
  const std::lock_guard lock(lock_);
  std::erase_if(withdrawing_, [&](const tocsin_token& one) { return sdk::same(one, endpoint); });
}

void pool::withdraw_mails(tocsin_token endpoint, std::chrono::milliseconds limit) {
  std::vector<outgoing_ptr> taken;
  {
    const std::lock_guard lock(lock_);
    withdrawing_.push_back(endpoint);
    for (outgoing_ptr& mail : waiting_) {
      if (sdk::same(mail->endpoint, endpoint)) taken.push_back(std::move(mail));
    }
    std::erase(waiting_, nullptr);
  }
  give_back(taken);
  std::vector<std::shared_ptr<session>> stuck;
  {
    std::unique_lock lock(lock_);
    const auto done = [&] { return !has_mail_of(endpoint); };
    if (changed_.wait_for(lock, limit, done)) return;
    for (const auto& [key, one] : connections_) {
      if (std::any_of(one.in_flight.begin(), one.in_flight.end(),
                      [&](const tocsin_token& mail) { return sdk::same(mail, endpoint); })) {
        stuck.push_back(one.session);
      }
    }
  }
  for (const auto& one : stuck) one->tell(session::order::abort);
  std::unique_lock lock(lock_);
  changed_.wait(lock, [&] { return !has_mail_of(endpoint); });
}

std::vector<std::shared_ptr<session>> pool::all_sessions() const {
  std::vector<std::shared_ptr<session>> all;
  for (const auto& [key, one] : connections_) all.push_back(one.session);
  return all;
}

void pool::retire() {
  std::vector<outgoing_ptr> left;
  std::vector<std::shared_ptr<session>> all;
  {
    const std::lock_guard lock(lock_);
    if (std::exchange(retired_, true)) return;
    for (outgoing_ptr& mail : waiting_) left.push_back(std::move(mail));
    waiting_.clear();
    all = all_sessions();
  }
  stream_.table->close_target(stream_.self, target_);  // connections that there are go on to their end
  give_back(left);
  for (const auto& one : all) one->tell(session::order::finish);
}

void pool::stop(std::chrono::milliseconds limit) {
  retire();
  std::vector<std::shared_ptr<session>> all;
  {
    std::unique_lock lock(lock_);
    if (changed_.wait_for(lock, limit, [&] { return connections_.empty(); })) return;
    all = all_sessions();
  }
  for (const auto& one : all) one->tell(session::order::abort);
  std::unique_lock lock(lock_);
  changed_.wait(lock, [&] { return connections_.empty(); });
}

bool pool::is_over() const {
  const std::lock_guard lock(lock_);
  return retired_ && connections_.empty();
}

}  // namespace tocsin::smtp
