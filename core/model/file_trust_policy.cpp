// The rule that a plugin's file and the folders above it must hold, as the contract of `plugin list` gives it.
#include "core/model/file_trust_policy.hpp"

#include <sys/stat.h>

namespace tocsin {
namespace {

fault refused(std::string what, std::string remedy) {
  return {"PLUGIN_REFUSED", std::move(what), std::move(remedy), {}};
}

bool trusted_owner(const file_facts& facts, std::uint32_t host_user) {
  return facts.owner == 0 || facts.owner == host_user;
}

bool group_may_write(const file_facts& facts) { return (facts.mode & S_IWGRP) != 0 && !facts.private_group; }
bool others_may_write(const file_facts& facts) { return (facts.mode & S_IWOTH) != 0; }

result<void> check_writers(const file_facts& facts, const std::string& name) {
  if (others_may_write(facts))
    return refused(name + " may be written by everybody.", "Take that away: chmod o-w " + facts.path.string());
  if (group_may_write(facts)) {
    return refused(name + " may be written by its group (" + std::to_string(facts.group) + ").",
                   "Take that away: chmod g-w " + facts.path.string());
  }
  return {};
}

}  // namespace

result<void> check_trust(const file_facts& file, std::span<const file_facts> folders, std::uint32_t host_user) {
  if (!S_ISREG(file.mode)) return refused("it is no regular file.", "Put the file itself there.");
  if (!trusted_owner(file, host_user)) {
    return refused("it belongs to user " + std::to_string(file.owner) + ", neither root nor the host's user.",
                   "If it is what it should be: chown root " + file.path.string());
  }
  if (auto writers = check_writers(file, "it"); !writers) return writers.error();
  for (const file_facts& folder : folders) {
    if (folder.owner == 0 && (folder.mode & S_ISVTX) != 0) return {};
    const std::string name = "the folder " + folder.path.string() + " above it";
    if (!trusted_owner(folder, host_user) && !folder.holds_program) {
      return refused(name + " belongs to user " + std::to_string(folder.owner) + ", who could replace it.",
                     "Move it to a folder that only root or the host's user may write.");
    }
    if (auto writers = check_writers(folder, name); !writers) return writers.error();
  }
  return {};
}

}  // namespace tocsin
