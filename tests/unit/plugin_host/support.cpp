// The plugin host's test support.
#include "support.hpp"

#include "core/observe/log.hpp"
#include "core/plugin_host/plugin_lifetime.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <future>
#include <iterator>
#include <stdexcept>

namespace tocsin::test {

namespace fs = std::filesystem;

fs::path plugin_path(const std::string& name, const std::string& id) {
  return fs::path(TEST_PLUGINS) / name / ((id.empty() ? name : id) + ".so");
}

std::vector<std::byte> read_bytes(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::vector<char> chars{std::istreambuf_iterator<char>(in), {}};
  std::vector<std::byte> bytes(chars.size());
  std::memcpy(bytes.data(), chars.data(), chars.size());
  return bytes;
}

temporary_folder::temporary_folder() {
  std::string name = (fs::temp_directory_path() / "tocsin-plugins-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder can be made");
  path_ = name;
}

temporary_folder::~temporary_folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path temporary_folder::add(const fs::path& plugin, const std::string& as) const {
  const fs::path to = path_ / (as.empty() ? plugin.filename().string() : as);
  fs::copy_file(plugin, to);
  return to;
}

captured_log::captured_log() {
  log::capture(
      [](void* context, std::string_view line) {
        auto& self = *static_cast<captured_log*>(context);
        const std::lock_guard lock(self.mutex_);
        self.lines_.emplace_back(line);
        self.logged_.notify_all();
      },
      this);
}

captured_log::~captured_log() { log::capture(nullptr, nullptr); }

std::vector<std::string> captured_log::lines(std::string_view text) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> found;
  for (const std::string& line : lines_)
    if (line.find(text) != line.npos) found.push_back(line);
  return found;
}

bool captured_log::wait(std::string_view text) {
  std::unique_lock lock(mutex_);
  return logged_.wait_for(lock, std::chrono::seconds(20), [&] {
    return std::any_of(lines_.begin(), lines_.end(),
                       [&](const std::string& line) { return line.find(text) != line.npos; });
  });
}

std::size_t captured_log::count(std::string_view text) const { return lines(text).size(); }

void drain(serial_queue& queue) {
  std::promise<void> reached;
  queue.post([&] { reached.set_value(); });
  reached.get_future().wait();
}

plugin_host_services fake_house::services() {
  plugin_host_services services;
  services.pool = &pool;
  services.clock = &clock;
  services.complete = [this](std::vector<outcome> came) {
    for (outcome& one : came) outcomes.add(std::move(one));
  };
  services.publish = [this](source_publication what, std::function<void(result<publication_result>)> done) {
    publications.add(what);
    if (answer)
      done(answer(what));
    else
      answers.push_back(std::move(done));
  };
  services.recall = [this](std::string source, std::string name, store::callback<std::string> done) {
    const auto found = memory.find(source + "/" + name);
    done({boost::system::in_place_value, found == memory.end() ? "" : found->second});
  };
  services.reveal = [this](std::uint64_t handle) -> result<std::string> {
    const auto found = secrets.find(handle);
    if (found == secrets.end()) return fault{"SETTINGS_INVALID", "no such secret", "", {}};
    return {boost::system::in_place_value, found->second};
  };
  return services;
}

namespace {

fake_plugin* current = nullptr;

const tocsin_channel channel_table{
    sizeof(tocsin_channel),
    0,
    [](void*, const tocsin_endpoint* endpoint, tocsin_endpoint_info* info, const tocsin_sink* error) -> tocsin_status {
      if (current->open) return current->open(*endpoint, *info, error);
      info->token = {5, 1};
      info->slots = 8;
      return TOCSIN_OK;
    },
    [](void*, tocsin_token endpoint) { current->close(endpoint); },
    [](void*, const tocsin_message* const* messages, std::uint64_t count) {
      current->deliver({messages, count});
    },
    [](void*, const tocsin_token* deliveries, std::uint64_t count) {
      current->cancel({deliveries, count});
    }};

const tocsin_source source_functions{
    sizeof(tocsin_source), 0,
    [](void*, const tocsin_source_config*, tocsin_token* source, const tocsin_sink*) -> tocsin_status {
      *source = {9, 1};
      return TOCSIN_OK;
    },
    [](void*, tocsin_token) {},
    [](void*, tocsin_token source, std::uint64_t ticket, const tocsin_publish_result* result) {
      current->published(source, ticket, *result);
    }};

const tocsin_timer timer_functions{sizeof(tocsin_timer), 0, [](void*, std::uint64_t id) { current->fired(id); }};

const tocsin_http_route route_functions{sizeof(tocsin_http_route), 0,
                                        [](void*, const tocsin_http_call* call) { current->call(*call); }};

const tocsin_plugin plugin_table{sizeof(tocsin_plugin),
                                 0,
                                 nullptr,
                                 [](void*, tocsin_string id) -> const void* {
                                   const std::string name(id.data, id.size);
                                   for (const std::string& offered : current->provides) {
                                     if (offered != name) continue;
                                     if (name == TOCSIN_EXT_CHANNEL) return &channel_table;
                                     if (name == TOCSIN_EXT_SOURCE) return &source_functions;
                                     if (name == TOCSIN_EXT_TIMER) return &timer_functions;
                                     if (name == TOCSIN_EXT_HTTP_ROUTE) return &route_functions;
                                   }
                                   return nullptr;
                                 },
                                 [](void*, const tocsin_sink* error) { return current->start(error); },
                                 [](void*) { current->stop(); },
                                 [](void*) {}};

const tocsin_entry plugin_entry{
    sizeof(tocsin_entry), TOCSIN_ABI_VERSION, text("fake"), text("1.0.0"),
    [](const tocsin_host* host, const tocsin_plugin** plugin, const tocsin_sink*) -> tocsin_status {
      current->host = host;
      *plugin = &plugin_table;
      return TOCSIN_OK;
    }};

}  // namespace

fake_plugin::fake_plugin() { current = this; }
fake_plugin::~fake_plugin() { current = nullptr; }

manifest fake_plugin::manifest() const {
  tocsin::manifest about;
  about.id = "fake";
  about.version = "1.0.0";
  about.abi_major = 1;
  about.provides = provides;
  about.parts = {"subject", "html"};
  about.codes = codes;
  return about;
}

const tocsin_entry* fake_plugin::entry() { return &plugin_entry; }

void fake_plugin::complete(std::vector<tocsin_outcome> outcomes) const {
  std::vector<const tocsin_outcome*> pointers;
  for (const tocsin_outcome& outcome : outcomes) pointers.push_back(&outcome);
  of_host<tocsin_host_complete>(TOCSIN_HOST_COMPLETE).complete(host->context, pointers.data(), pointers.size());
}

running_plugin::running_plugin(fake_house& house, fake_plugin& plugin)
    : instance_(make_instance(plugin.manifest(), house.services(), codes_)) {
  const auto created = create_plugin(instance_, plugin.entry());
  if (!created) throw std::runtime_error(created.error().to_string());
  const auto started = start_plugin(instance_, {});
  if (!started) throw std::runtime_error(started.error().to_string());
}

result<void> running_plugin::stop() {
  stopped_ = true;
  return stop_plugin(instance_, std::chrono::seconds(5));
}

running_plugin::~running_plugin() {
  if (!stopped_) static_cast<void>(stop());
}

tocsin_outcome outcome_for(tocsin_token delivery, std::uint32_t outcome_class, std::string_view code) {
  tocsin_outcome made{};
  made.struct_size = sizeof(made);
  made.outcome_class = outcome_class;
  made.delivery = delivery;
  made.code = text(code);
  made.retry_after_ms = -1;
  return made;
}

outgoing_message message_to(std::string recipient, std::int64_t delivery, std::uint32_t attempt) {
  outgoing_message message;
  message.delivery = static_cast<delivery_id>(delivery);
  message.attempt = attempt;
  message.endpoint = {5, 1};
  message.recipient = std::move(recipient);
  message.language = "en";
  message.message_id = "left@right";
  message.created = 1000;
  message.parts.subject = "A subject";
  return message;
}

}  // namespace tocsin::test
