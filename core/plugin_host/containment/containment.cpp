// Tries out what is not known, and keeps out of the host what would end it.
#include "core/plugin_host/containment/containment.hpp"

#include "core/model/timestamp.hpp"
#include "core/observe/log.hpp"
#include "core/plugin_host/containment/plugin_trial.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <set>
#include <thread>

namespace tocsin {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds shortest_trial{1000};  // it has a process to itself, which competes with everything else
constexpr std::size_t trials_at_once = 2;

plugin_identity identity_of(const verified_file& file) {
  return {file.manifest.id, file.manifest.version, file.build_id};
}

bool is_bad(const trial_verdict& verdict) { return !may_load(verdict); }

std::string in_trial(const trial_verdict& verdict) {
  return verdict.end == trial_end::ended_host || verdict.end == trial_end::suspected ? "" : ", in a trial process";
}

// What the plugin requires, and they in turn, those first that start first; `files` are in that order. False: something
// that it requires may not be loaded.
bool add_providers(const std::vector<result<admitted_plugin>>& files, std::size_t index,
                   std::vector<const plugin_file*>& into) {
  for (const manifest_requirement& requirement : files[index]->verified.manifest.requirements) {
    const auto provides = [&](const auto& file) {
      return file && file->verified.manifest.provides_extension(requirement.service);
    };
    const auto end = files.begin() + static_cast<std::ptrdiff_t>(index);
    const auto provider = std::find_if(files.begin(), end, provides);
    if (provider == end) return false;
    const plugin_file* const found = &(*provider)->verified.file;
    if (std::find(into.begin(), into.end(), found) != into.end()) continue;
    if (!add_providers(files, static_cast<std::size_t>(provider - files.begin()), into)) return false;
    into.push_back(found);
  }
  return true;
}

}  // namespace

containment::containment(const plugin_host_services& services)
    : settings_(services.containment),
      call_limit_(services.call_limit),
      clock_(*services.clock),
      memory_(settings_.state_dir, TOCSIN_VERSION) {
  if (settings_.state_dir.empty()) return;
  if (const auto loaded = memory_.load(settings_.read_only); !loaded && !settings_.read_only)
    log::write(log::level::warn, loaded.error().to_string());
  if (!settings_.read_only) mark_.emplace(settings_.state_dir);
}

containment::~containment() {
  if (mark_) mark_->remove();
}

milliseconds containment::trial_limit() const { return std::max(call_limit_, shortest_trial); }

fault containment::quarantined(const plugin_identity& plugin, const trial_verdict& verdict,
                               const std::string& when) const {
  if (verdict.end == trial_end::refused) return {"PLUGIN_REFUSED", verdict.how, verdict.remedy, {}};
  std::string what = describe(verdict) + in_trial(verdict) + ": version " + plugin.version;
  if (!plugin.build_id.empty()) what += ", build " + plugin.build_id;
  if (!when.empty()) what += ", " + when;
  if (verdict.end == trial_end::suspected) {
    return {"PLUGIN_QUARANTINED",
            what + ". Nothing says that it was the plugin's doing; this start goes without it.",
            "Restart the host to have it tried again.",
            {}};
  }
  std::string again = settings_.state_dir.empty() ? "Start again to have it tried again."
                                                  : "To have this one tried again, take its line out of " +
                                                        memory_.file().string() + " and restart.";
  return {"PLUGIN_QUARANTINED",
          what + ". It was not loaded.",
          "Install another build of it: a file with another content is tried again. " + std::move(again),
          {}};
}

void containment::note(const admitted_plugin& plugin, trial_verdict verdict) {
  const plugin_identity about = identity_of(plugin.verified);
  memory_.remember(plugin.sha256,
                   {about.id, about.version, about.build_id, to_rfc3339(clock_.now()), std::move(verdict)});
}

trial_verdict containment::second_look(const std::vector<admission>& files, std::size_t index, const left_mark& left) {
  if (!left.evidence.empty() || left.times > 1) return {trial_end::ended_host, left.call, left.evidence, {}, {}};
  // Gone without a word: _exit(), or somebody killed the host at this moment. The plugin is tried beside the host.
  trial_verdict suspected{trial_end::suspected, left.call, {}, {}, {}};
  std::vector<const plugin_file*> providers;
  if (settings_.program.empty() || !add_providers(files, index, providers)) return suspected;
  const auto again = try_plugin(files[index]->verified.file,
                                {settings_.program, trial_depth::start, trial_limit(), std::move(providers)});
  if (!again.verdict) return suspected;
  // One that hangs in create() or start() is one that the host goes on without.
  const bool only_hangs =
      again.verdict->end == trial_end::hung && (again.verdict->stage == "create" || again.verdict->stage == "start");
  if (!again.lasting && !only_hangs && again.verdict->end != trial_end::passed) return suspected;
  return only_hangs ? trial_verdict{} : *again.verdict;
}

void containment::judge_left(std::vector<admission>& files, std::size_t index, const left_mark& left) {
  admission& file = files[index];
  const trial_verdict verdict = second_look(files, index, left);
  file->times = left.times + 1;
  log::write(log::level::error, "the host before this one ended while it started a plugin",
             {{"plugin", left.plugin.id},
              {"version", left.plugin.version},
              {"build", left.plugin.build_id},
              {"call", left.call},
              {"how", left.evidence.empty() ? "unknown" : left.evidence},
              {"now", verdict.end == trial_end::passed ? "started again, since it passed a trial" : "left out"}});
  if (verdict.end == trial_end::passed) return;
  note(*file, verdict);
  file = quarantined(left.plugin, verdict, to_rfc3339(clock_.now()));
}

void containment::take_left_mark(std::vector<admission>& files) {
  const auto left = mark_ ? mark_->left() : std::nullopt;
  if (!left) return;
  for (std::size_t index = 0; index < files.size(); ++index)
    if (files[index] && files[index]->sha256 == left->sha256) judge_left(files, index, *left);
  // Only once what it says is kept elsewhere.
  if (const auto saved = memory_.save(); !saved) log::write(log::level::error, saved.error().to_string());
  mark_->clear();
}

void containment::apply_memory(std::vector<admission>& files, std::vector<std::size_t>& unknown) {
  for (std::size_t index = 0; index < files.size(); ++index) {
    admission& file = files[index];
    if (!file || file->times > 1) continue;
    const trial_record* known = memory_.find(file->sha256);
    if (known && known->verdict.end == trial_end::suspected) {
      file->times = 2;
      if (!settings_.read_only) memory_.forget(file->sha256);
      continue;
    }
    const bool had_less_time = known && known->verdict.end == trial_end::hung && known->verdict.limit < trial_limit();
    if (!known || had_less_time) {
      if (!settings_.program.empty()) unknown.push_back(index);
    } else if (is_bad(known->verdict)) {
      file = quarantined({known->plugin, known->version, known->build_id}, known->verdict, known->when);
    }
  }
}

void containment::try_out(std::vector<admission>& files, const std::vector<std::size_t>& which) {
  std::vector<trial_outcome> outcomes(which.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t at = next++; at < which.size(); at = next++)
      outcomes[at] =
          try_plugin(files[which[at]]->verified.file, {settings_.program, trial_depth::load, trial_limit(), {}});
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t count = 1; count < std::min(trials_at_once, which.size()); ++count) helpers.emplace_back(work);
    work();
  }
  for (std::size_t at = 0; at < which.size(); ++at) {
    admission& file = files[which[at]];
    const trial_outcome& outcome = outcomes[at];
    if (!outcome.verdict) {
      log::write(log::level::warn, "a plugin is loaded without a trial",
                 {{"plugin", file->verified.manifest.id}, {"why", outcome.why}});
      continue;
    }
    if (outcome.lasting) note(*file, *outcome.verdict);
    if (is_bad(*outcome.verdict))
      file = quarantined(identity_of(file->verified), *outcome.verdict, to_rfc3339(clock_.now()));
  }
}

std::vector<result<admitted_plugin>> containment::admit(const std::vector<plugin_candidate>& files) {
  const bool kept = !settings_.program.empty() || !settings_.state_dir.empty();
  std::vector<admission> admitted;
  for (const auto& file : files) {
    std::optional<signature_finding> signature;
    auto verified = verify_plugin(file.file, file.policy ? *file.policy : signature_policy(), signature);
    if (!verified) {
      admitted.emplace_back(verified.error());
      continue;
    }
    std::string sha256 = kept ? verified->file.content_hash() : std::string();
    admitted.emplace_back(admitted_plugin{std::move(*verified), std::move(sha256), 1});
  }
  if (!kept) return admitted;
  take_left_mark(admitted);
  std::vector<std::size_t> unknown;
  apply_memory(admitted, unknown);
  try_out(admitted, unknown);
  if (settings_.read_only) return admitted;
  if (const auto saved = memory_.save(); !saved) log::write(log::level::error, saved.error().to_string());
  return admitted;
}

void containment::enter(const admitted_plugin& plugin, std::string_view call) {
  if (mark_) mark_->set(plugin.sha256, identity_of(plugin.verified), call, plugin.times);
}

void containment::leave() {
  if (mark_) mark_->clear();
}

void apply_remembered(std::vector<plugin_info>& plugins, const std::filesystem::path& state_dir) {
  trial_memory memory(state_dir, TOCSIN_VERSION);
  if (!memory.load(true)) return;  // of another user, or broken: the host reports it
  std::set<std::string> bad;
  for (const auto& [content, record] : memory.all())
    if (is_bad(record.verdict) && record.verdict.end != trial_end::refused) bad.insert(record.plugin);
  for (plugin_info& info : plugins) {
    if (info.state != plugin_state::verified || !bad.contains(info.id)) continue;
    const auto file = plugin_file::read(info.file);
    const trial_record* known = file ? memory.find(file->content_hash()) : nullptr;
    if (!known || !is_bad(known->verdict) || known->verdict.end == trial_end::refused) continue;
    info.state = plugin_state::quarantined;
    info.reason =
        describe(known->verdict) + in_trial(known->verdict) + ", " + known->when + "; the host does not load it.";
  }
}

}  // namespace tocsin
