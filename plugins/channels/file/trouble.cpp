// What a failed call of the system's means for a delivery: the only place where codes and classes are chosen.
#include "plugins/channels/file/trouble.hpp"

#include <cerrno>
#include <system_error>

namespace tocsin::file {
namespace {

using sdk::outcome_class;

std::string say(int error, const std::string& what) {
  return "cannot " + what + ": " + std::generic_category().message(error);
}

}  // namespace

verdict unsuitable(const std::string& why) { return {outcome_class::config, "PATH_UNSUITABLE", why}; }

verdict judge(int error, const std::string& what) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return {outcome_class::transient, "DISK_FULL", say(error, what)};
    case EACCES:
    case EPERM:
    case EROFS:
      return {outcome_class::config, "PATH_DENIED", say(error, what)};
    case ENOENT:
      return {outcome_class::config, "PATH_NOT_FOUND", say(error, what)};
    case ELOOP:
      return unsuitable(say(error, what) + "; the channel follows no symbolic link at its own path");
    case EISDIR:
      return unsuitable(say(error, what) + "; format = \"jsonl\" wants a file there");
    case ENOTDIR:
      return unsuitable(say(error, what) + "; a folder is wanted there, and no symbolic link to one");
    case ENXIO:
    case ENODEV:
    case ENAMETOOLONG:
    case EINVAL:
      return unsuitable(say(error, what));
    case EWOULDBLOCK:
      return {outcome_class::transient, "FILE_BUSY", say(error, what)};
    default:
      return {outcome_class::transient, "WRITE_FAILED", say(error, what)};
  }
}

}  // namespace tocsin::file
