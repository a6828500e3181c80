// The channel: endpoints by token, their pools, and what the host hands over.
#include "plugins/channels/smtp/channel.hpp"

#include "plugins/channels/smtp/doctor.hpp"
#include "plugins/channels/smtp/mime/composer.hpp"
#include "plugins/channels/smtp/protocol/address.hpp"

#include <tocsin/sdk/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tocsin::smtp {
namespace {

// How long close() and stop() wait for answers before they cut connections off.
constexpr std::chrono::seconds close_limit{5};

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 255 && text.find('.') != std::string_view::npos && text.front() != '.' &&
         text.back() != '.' && text.front() != '-' && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
         });
}

// What a pool goes by beyond the server and the account, which the host's name for it covers: endpoints that want other
// limits or timeouts, a reload's among them, share no connections with it.
std::string pool_key(std::string_view name, std::string_view settings) {
  const sdk::json_reader read(settings);
  std::string key(name);
  for (const std::string_view part : {"limits", "timeouts"}) key.append("\n").append(read.raw(part));
  return key;
}

}  // namespace

std::string local_name() {
  std::array<char, 256> buffer{};
  if (gethostname(buffer.data(), buffer.size() - 1) != 0) return {};
  const std::string name = buffer.data();
  return is_name(name) ? name : std::string{};
}

outgoing_ptr make_outgoing(const tocsin_message& message, const open_endpoint& endpoint, std::string& why) {
  const address_result recipient = parse_address(sdk::view(message.recipient));
  if (!recipient) {
    why = recipient.why;
    return nullptr;
  }
  auto mail = std::make_unique<outgoing>();
  mail->delivery = message.delivery;
  mail->endpoint = message.endpoint;
  mail->sender = endpoint.settings.sender_path;
  mail->sender_needs_smtputf8 = endpoint.settings.sender_needs_smtputf8;
  mail->recipient = recipient.value.path();
  mail->recipient_needs_smtputf8 = recipient.value.needs_smtputf8;
  mail_parts parts;
  parts.from_field = endpoint.settings.from_field;
  parts.to = recipient.value.mailbox;
  parts.subject = sdk::view(message.subject);
  parts.message_id = sdk::view(message.message_id);
  parts.created_ms = message.created_ms;
  parts.text = sdk::view(message.text);
  parts.html = sdk::view(message.html);
  mail->data = compose(parts);
  return mail;
}

smtp_channel::smtp_channel(const sdk::host_api& host, stream_service stream, std::string client_name)
    : host_(host), stream_(stream), client_name_(std::move(client_name)) {}

smtp_channel::~smtp_channel() { stop(); }

tocsin_token smtp_channel::open_target(std::string_view json) {
  sdk::string_sink error;
  tocsin_token target{};
  const tocsin_status status = stream_.table->open_target(stream_.self, sdk::to_abi(json), &target, error.get());
  if (status != TOCSIN_OK) {
    throw sdk::failure(status,
                       error.text().empty() ? "the secure connection service refuses these settings" : error.text());
  }
  return target;
}

// Under the lock.
std::shared_ptr<pool> smtp_channel::pool_for(const std::string& key, std::string_view json,
                                             const endpoint_settings& settings) {
  if (const auto found = pools_.find(key); found != pools_.end()) return found->second;
  auto made = std::make_shared<pool>(host_, stream_, open_target(json), settings, client_name_);
  pools_.emplace(key, made);
  return made;
}

sdk::opened_endpoint smtp_channel::open(const sdk::endpoint& given) {
  auto opened = std::make_shared<open_endpoint>();
  opened->settings = read_settings(given.settings(), given.preset());
  opened->pool_key = given.pool().empty() ? std::string{} : pool_key(given.pool(), given.settings());
  const std::lock_guard lock(lock_);
  forget_finished();
  // An endpoint without a pool's name shares with nobody.
  static std::atomic<std::uint64_t> alone{0};
  if (opened->pool_key.empty()) opened->pool_key = "\n" + std::to_string(++alone);
  opened->pool = pool_for(opened->pool_key, given.settings(), opened->settings);
  const std::uint32_t slots = opened->settings.connections * pool_depth;
  return {endpoints_.add(std::move(opened)), slots};
}

void smtp_channel::close(tocsin_token endpoint) {
  std::shared_ptr<const open_endpoint> closing;
  bool last = true;
  {
    const std::lock_guard lock(lock_);
    auto* found = endpoints_.find(endpoint);
    if (found == nullptr) return;
    closing = *found;
    endpoints_.erase(endpoint);
    endpoints_.for_each([&](tocsin_token, const std::shared_ptr<const open_endpoint>& other) {
      last = last && other->pool != closing->pool;
    });
    if (last) {
      pools_.erase(closing->pool_key);
      retired_.push_back(closing->pool);
    }
  }
  closing->pool->withdraw(endpoint, close_limit);
  if (last) closing->pool->retire();
}

std::shared_ptr<const open_endpoint> smtp_channel::find(tocsin_token endpoint) {
  const std::lock_guard lock(lock_);
  const auto* found = endpoints_.find(endpoint);
  return found == nullptr ? nullptr : *found;
}

void smtp_channel::refuse(tocsin_token delivery, std::string_view code, const std::string& detail) {
  host_.complete(delivery, sdk::outcome::failed(class_of(code), code, detail));
}

void smtp_channel::deliver(const sdk::messages& batch) {
  // Mails of one endpoint come together as a rule: they are handed over together.
  std::shared_ptr<const open_endpoint> endpoint;
  tocsin_token present{};
  std::vector<outgoing_ptr> mails;
  const auto hand_over = [&] {
    if (!mails.empty()) endpoint->pool->push(std::exchange(mails, {}));
  };
  for (const sdk::message message : batch) {
    if (endpoint == nullptr || !sdk::same(present, message.endpoint())) {
      hand_over();
      present = message.endpoint();
      endpoint = find(present);
    }
    if (endpoint == nullptr) {
      host_.log(sdk::log_level::host_misbehaving, "deliver() for an endpoint that is not open");
      host_.complete(message.delivery(),
                     sdk::outcome::failed(outcome_class::returned, "SERVER_CLOSED", "no such endpoint"));
      continue;
    }
    std::string why;
    outgoing_ptr mail = make_outgoing(message.raw(), *endpoint, why);
    if (mail == nullptr) {
      refuse(message.delivery(), "RECIPIENT_INVALID", shown_address(message.recipient()) + ": " + why);
      continue;
    }
    mails.push_back(std::move(mail));
  }
  hand_over();
}

void smtp_channel::cancel(const sdk::tokens& deliveries) {
  std::vector<std::shared_ptr<pool>> all;
  {
    const std::lock_guard lock(lock_);
    for (const auto& [key, one] : pools_) all.push_back(one);
  }
  for (const auto& one : all) one->cancel(deliveries);
}

void smtp_channel::diagnose(const sdk::diagnosis& request) {
  const std::shared_ptr<const open_endpoint> endpoint = find(request.endpoint());
  if (endpoint == nullptr) throw sdk::failure(TOCSIN_INVALID, "the endpoint is not open");
  auto run = std::make_shared<diagnosis_run>(host_, endpoint, request);
  {
    const std::lock_guard lock(lock_);
    forget_finished();
    diagnoses_.push_back(run);
  }
  try {
    run->start(stream_, client_name_);
  } catch (...) {
    // It never began: nobody waits for its end.
    const std::lock_guard lock(lock_);
    std::erase(diagnoses_, run);
    throw;
  }
}

// Under the lock.
void smtp_channel::forget_finished() {
  std::erase_if(retired_, [](const auto& one) { return one->is_over(); });
  std::erase_if(diagnoses_, [](const auto& one) { return one->is_over(); });
}

void smtp_channel::stop() {
  std::vector<std::shared_ptr<pool>> all;
  std::vector<std::shared_ptr<diagnosis_run>> runs;
  {
    const std::lock_guard lock(lock_);
    for (const auto& [key, one] : pools_) all.push_back(one);
    all.insert(all.end(), retired_.begin(), retired_.end());
    pools_.clear();
    retired_.clear();
    runs = std::exchange(diagnoses_, {});
    endpoints_ = {};
  }
  for (const auto& one : runs) one->cut_off();
  for (const auto& one : all) one->retire();  // all at once, so that the waits below overlap
  for (const auto& one : all) one->stop(close_limit);
  for (const auto& one : runs) one->wait();
}

}  // namespace tocsin::smtp
