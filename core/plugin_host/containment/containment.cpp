// Tries out what is not known, and keeps out of the host what would end it.
#include "core/plugin_host/containment/containment.hpp"

#include "core/model/timestamp.hpp"
#include "core/observe/log.hpp"
#include "core/plugin_host/containment/plugin_trial.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <set>
#include <string_view>
#include <thread>

namespace tocsin {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t trials_at_once = 2;
constexpr milliseconds patience{10'000};  // of a host, for a command that starts plugins

plugin_identity identity_of(const verified_file& file) {
  return {file.manifest.id, file.manifest.version, file.build_id};
}

milliseconds trial_limit_for(milliseconds call_limit) { return std::max(call_limit, shortest_trial); }

// A command that is root's must not leave files that the host's user cannot read.
bool is_owner_of(const std::filesystem::path& folder) {
  struct stat seen {};
  return ::stat(folder.c_str(), &seen) == 0 && seen.st_uid == ::geteuid();
}

// Null: notes are not to be written, or cannot be.
std::unique_ptr<start_mark> take_mark(const containment_settings& settings) {
  if (settings.state_dir.empty() || (settings.for_command && !is_owner_of(settings.state_dir))) return nullptr;
  auto mark = std::make_unique<start_mark>(settings.state_dir, settings.for_command ? milliseconds(0) : patience);
  if (mark->is_open()) return mark;
  if (!settings.for_command)
    log::write(log::level::warn, "which plugin is being started cannot be noted", {{"why", mark->why()}});
  return nullptr;
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
      trial_limit_(trial_limit_for(call_limit_)),
      clock_(*services.clock),
      mark_(take_mark(settings_)),
      writes_(mark_ != nullptr || !settings_.for_command),
      memory_(settings_.state_dir, TOCSIN_VERSION) {
  if (settings_.state_dir.empty()) return;
  if (const auto loaded = memory_.load(!writes_); !loaded && writes_)
    log::write(log::level::warn, loaded.error().to_string());
}

containment::~containment() {
  if (mark_) mark_->remove();
}

// How the plugin can come back in.
std::string containment::way_back(const trial_verdict& verdict, bool lasting) const {
  if (!lasting)
    return "This may be the machine's doing and is not remembered: restart the host to have the plugin tried again.";
  if (settings_.state_dir.empty()) return "Install another build of it, or start again to have this one tried again.";
  const std::string by_hand = "take its line out of " + memory_.file().string() + " and restart.";
  if (verdict.end != trial_end::hung) {
    return "Install another build of it: a file with another content is tried again. To have this one tried again, " +
           by_hand;
  }
  const std::string more_time = "give it longer ([plugins] call_limit)";
  if (step_after(&verdict, trial_limit_) == next_step::try_out) {
    return "The machine may have been busy: the next start tries it again, " + std::to_string(most_hung_trials) +
           " times in a row at most. If it needs the time, " + more_time + ".";
  }
  return "Install another build of it, or " + more_time + ". To have this one tried again as it is, " + by_hand;
}

fault containment::quarantined(const plugin_identity& plugin, const trial_verdict& verdict, const std::string& when,
                               bool lasting) const {
  if (verdict.end == trial_end::refused) return {"PLUGIN_REFUSED", verdict.how, verdict.remedy, {}};
  std::string what = describe(verdict) + ": version " + plugin.version;
  if (!plugin.build_id.empty()) what += ", build " + plugin.build_id;
  if (!when.empty()) what += ", " + when;
  if (verdict.end == trial_end::suspected) {
    return {"PLUGIN_QUARANTINED",
            what + ". Nothing says that it was the plugin's doing; this start goes without it.",
            "Restart the host to have it tried again.",
            {}};
  }
  return {"PLUGIN_QUARANTINED", what + ". It was not loaded.", way_back(verdict, lasting), {}};
}

void containment::note(const std::string& sha256, const plugin_identity& plugin, trial_verdict verdict) {
  memory_.remember(sha256, {plugin.id, plugin.version, plugin.build_id, to_rfc3339(clock_.now()), std::move(verdict)});
}

void containment::save() {
  if (!writes_) return;
  if (const auto saved = memory_.save(); !saved) log::write(log::level::error, saved.error().to_string());
}

// now: what becomes of the plugin, for the log.
trial_verdict containment::second_look(const std::vector<admission>& files, std::size_t index, const left_mark& left,
                                       std::string_view& now) {
  if (!left.evidence.empty() || left.times > 1) return {trial_end::ended_host, left.call, left.evidence, {}, {}};
  // Gone without a word: _exit(), or somebody killed the process at this moment. The plugin is tried beside the host.
  trial_verdict suspected{trial_end::suspected, left.call, {}, {}, {}};
  std::vector<const plugin_file*> providers;
  if (index == files.size() || settings_.program.empty() || !add_providers(files, index, providers)) return suspected;
  const auto again = try_plugin(files[index]->verified.file,
                                {settings_.program, trial_depth::start, trial_limit_, std::move(providers)});
  if (!again.verdict) return suspected;
  if (again.verdict->end == trial_end::passed) {
    now = "started again, since it passed a trial";
    return {};
  }
  if (again.verdict->end == trial_end::hung && (again.verdict->stage == "create" || again.verdict->stage == "start")) {
    now = "started again: it hung in a trial, and a host goes on without a plugin that hangs there";
    return {};
  }
  return again.lasting ? counted(left.sha256, *again.verdict) : suspected;
}

// index: of the file, or behind the last where it is not among them.
void containment::judge_left(std::vector<admission>& files, std::size_t index, const left_mark& left) {
  std::string_view now = "left out";
  const trial_verdict verdict = second_look(files, index, left, now);
  log::write(log::level::error, "a host or command before this one ended while it started a plugin",
             {{"plugin", left.plugin.id},
              {"version", left.plugin.version},
              {"build", left.plugin.build_id},
              {"call", left.call},
              {"how", left.evidence.empty() ? "unknown" : left.evidence},
              {"now", std::string(now)}});
  if (index < files.size()) files[index]->times = left.times + 1;
  if (verdict.end == trial_end::passed) return;
  note(left.sha256, left.plugin, verdict);
  if (index < files.size()) files[index] = quarantined(left.plugin, verdict, to_rfc3339(clock_.now()));
}

void containment::take_left_mark(std::vector<admission>& files) {
  const auto left = mark_ ? mark_->left() : std::nullopt;
  if (!left) return;
  const auto of_it = [&left](const admission& file) { return file && file->sha256 == left->sha256; };
  const auto found = std::find_if(files.begin(), files.end(), of_it);
  judge_left(files, static_cast<std::size_t>(found - files.begin()), *left);
  save();  // only once what it says is kept elsewhere
  mark_->clear();
}

void containment::apply_memory(std::vector<admission>& files, std::vector<std::size_t>& unknown) {
  for (std::size_t index = 0; index < files.size(); ++index) {
    admission& file = files[index];
    if (!file || file->times > 1) continue;
    const trial_record* known = memory_.find(file->sha256);
    if (known && known->verdict.end == trial_end::suspected) {
      file->times = 2;
      if (writes_) memory_.forget(file->sha256);
      continue;
    }
    const next_step next = step_after(known ? &known->verdict : nullptr, trial_limit_);
    const bool can_try = !settings_.program.empty();
    if (next == next_step::try_out && can_try) unknown.push_back(index);
    // Where no trial can be held, one that hung has to be given longer before it is loaded.
    const bool hung_as_long = known && next == next_step::try_out && known->verdict.limit >= trial_limit_;
    if (next == next_step::keep_out || (hung_as_long && !can_try))
      file = quarantined({known->plugin, known->version, known->build_id}, known->verdict, known->when);
  }
}

// A trial that hangs counts those before it that hung as long.
trial_verdict containment::counted(const std::string& sha256, trial_verdict verdict) const {
  if (verdict.end != trial_end::hung) return verdict;
  const trial_record* known = memory_.find(sha256);
  const bool again = known && known->verdict.end == trial_end::hung && known->verdict.limit >= verdict.limit;
  verdict.times = (again ? known->verdict.times : 0) + 1;
  return verdict;
}

void containment::try_out(std::vector<admission>& files, const std::vector<std::size_t>& which) {
  std::vector<trial_outcome> outcomes(which.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t at = next++; at < which.size(); at = next++)
      outcomes[at] =
          try_plugin(files[which[at]]->verified.file, {settings_.program, trial_depth::load, trial_limit_, {}});
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
    const plugin_identity about = identity_of(file->verified);
    const trial_verdict verdict = counted(file->sha256, *outcome.verdict);
    if (outcome.lasting) note(file->sha256, about, verdict);
    if (!may_load(verdict)) file = quarantined(about, verdict, to_rfc3339(clock_.now()), outcome.lasting);
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
  save();
  return admitted;
}

void containment::enter(const admitted_plugin& plugin, std::string_view call) {
  if (mark_) mark_->set(plugin.sha256, identity_of(plugin.verified), call, plugin.times);
}

void containment::leave() {
  if (mark_) mark_->clear();
}

void containment::hangs_in_host(const admitted_plugin& plugin) {
  note(plugin.sha256, identity_of(plugin.verified), {trial_end::hung, "load", {}, {}, call_limit_});
  save();
}

noted_call::noted_call(const containment_settings& settings, const std::string& sha256, const plugin_identity& plugin,
                       std::string_view call, std::uint64_t times)
    : mark_(take_mark(settings)) {
  if (mark_ && mark_->left()) mark_.reset();  // of another process that ended meanwhile: it is the next start's
  if (mark_) mark_->set(sha256, plugin, call, times, true);
}

noted_call::~noted_call() {
  if (mark_) mark_->remove();
}

void apply_remembered(std::vector<plugin_info>& plugins, const std::filesystem::path& state_dir,
                      milliseconds call_limit) {
  trial_memory memory(state_dir, TOCSIN_VERSION);
  if (!memory.load(true)) return;  // of another user, or broken: the host reports it
  // Refusals are found in the file itself, too.
  const auto keeps_out = [](const trial_verdict& known) { return !may_load(known) && known.end != trial_end::refused; };
  std::set<std::string> bad;
  for (const auto& [content, record] : memory.all())
    if (keeps_out(record.verdict)) bad.insert(record.plugin);
  for (plugin_info& info : plugins) {
    if (info.state != plugin_state::verified || !bad.contains(info.id)) continue;
    const trial_record* known = memory.find(info.content);
    if (!known || !keeps_out(known->verdict)) continue;
    const bool again = step_after(&known->verdict, trial_limit_for(call_limit)) == next_step::try_out;
    info.state = plugin_state::quarantined;
    info.reason = describe(known->verdict) + ", " + known->when +
                  (again ? "; the host's next start tries it again." : "; the host does not load it.");
  }
}

}  // namespace tocsin
