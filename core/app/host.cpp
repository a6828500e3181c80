// The embedding interface (tocsin/host.hpp) on the pipeline.
#include "tocsin/host.hpp"

#include "core/app/pipeline.hpp"
#include "core/model/cloudevents.hpp"

namespace tocsin {

struct host::impl {
  std::unique_ptr<pipeline> running;
};

host::host(const std::filesystem::path& settings_file, const std::filesystem::path& tocsin_program)
    : impl_(std::make_unique<impl>()) {
  faults all;
  auto running = pipeline::start(settings_file, all, nullptr, tocsin_program);
  if (!running) {
    if (all.empty()) all.push_back(running.error());
    std::string text;
    for (const auto& why : all) text += (text.empty() ? "" : "\n") + why.to_string();
    throw host_error(text);
  }
  impl_->running = std::move(*running);
}

host::~host() = default;

std::string host::publish(const std::string& cloudevent_json) {
  const auto parsed = parse_cloudevent(cloudevent_json);
  if (!parsed) throw host_error(parsed.error().to_string());
  const auto id = impl_->running->publish(*parsed);
  if (!id) throw host_error(id.error().to_string());
  return *id;
}

std::string host::http_address() const { return impl_->running->http_address(); }
std::string host::admin_token() const { return impl_->running->admin_token(); }
void host::stop() { impl_->running->stop(); }

}  // namespace tocsin
