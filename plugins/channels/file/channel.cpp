// The endpoints that are open, and which writer serves each: those of one path share it.
#include "plugins/channels/file/channel.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace tocsin::file {
namespace {

// As many may share one fsync.
constexpr std::uint32_t slots = 128;

std::string_view name_of(format what) { return what == format::maildir ? "maildir" : "jsonl"; }

}  // namespace

// Under the lock.
std::shared_ptr<writer> file_channel::writer_for(const endpoint_settings& settings) {
  std::string key(name_of(settings.format));
  key += " " + std::to_string(settings.mode) + " " + settings.path;
  std::weak_ptr<writer>& known = writers_[key];
  if (auto running = known.lock()) return running;
  auto made = std::make_shared<writer>(
      host_, settings.format == format::maildir ? open_maildir(settings) : open_line_file(settings));
  known = made;
  return made;
}

sdk::opened_endpoint file_channel::open(const sdk::endpoint& given) {
  const endpoint_settings settings = read_settings(given.settings());
  const std::lock_guard lock(lock_);
  return {endpoints_.add({settings, writer_for(settings)}), slots};
}

void file_channel::close(sdk::token endpoint) {
  open_endpoint closing;
  {
    const std::lock_guard lock(lock_);
    auto* found = endpoints_.find(endpoint);
    if (found == nullptr) return;
    closing = std::move(*found);
    endpoints_.erase(endpoint);
  }
  closing.writer->withdraw(endpoint);
  closing.writer.reset();  // the last endpoint's ends its thread
  const std::lock_guard lock(lock_);
  std::erase_if(writers_, [](const auto& one) { return one.second.expired(); });
}

file_channel::open_endpoint file_channel::find(sdk::token endpoint) {
  const std::lock_guard lock(lock_);
  const auto* found = endpoints_.find(endpoint);
  return found == nullptr ? open_endpoint{} : *found;
}

void file_channel::deliver(const sdk::messages& batch) {
  std::vector<std::pair<std::shared_ptr<writer>, std::vector<item>>> groups;
  std::vector<sdk::token> strays;
  for (const sdk::message message : batch) {
    const std::shared_ptr<writer> to = find(message.endpoint()).writer;
    if (to == nullptr) {
      strays.push_back(message.delivery());
      continue;
    }
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& one) { return one.first == to; });
    if (group == groups.end()) group = groups.insert(group, {to, {}});
    group->second.push_back(to->prepare(message));
  }
  // Nothing was begun so far: an exception above has nothing to take back.
  for (auto& [to, items] : groups) to->push(std::move(items));
  for (const sdk::token stray : strays) {
    host_.log(sdk::log_level::host_misbehaving, "deliver() for an endpoint that is not open");
    host_.complete(stray, sdk::outcome::failed(sdk::outcome_class::returned, "CHANNEL_CLOSED", "no such endpoint"));
  }
}

void file_channel::cancel(const sdk::tokens& deliveries) {
  std::vector<std::shared_ptr<writer>> all;
  {
    const std::lock_guard lock(lock_);
    for (const auto& [key, one] : writers_) {
      if (auto running = one.lock()) all.push_back(std::move(running));
    }
  }
  for (const auto& one : all) one->cancel(deliveries);
}

void file_channel::diagnose(const sdk::diagnosis& request) {
  const open_endpoint endpoint = find(request.endpoint());
  if (endpoint.writer == nullptr) throw sdk::failure(TOCSIN_INVALID, "the endpoint is not open");
  examination what;
  what.run = request.run();
  what.endpoint = request.endpoint();
  what.settings = "format " + std::string(name_of(endpoint.settings.format)) + " at " + endpoint.settings.path;
  if (const auto message = request.message()) {
    tocsin_message copy = message->raw();
    if (!request.recipient().empty()) copy.recipient = sdk::to_abi(request.recipient());
    what.message = endpoint.writer->prepare(sdk::message(copy));
  }
  endpoint.writer->examine(std::move(what));
}

}  // namespace tocsin::file
