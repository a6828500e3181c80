// Stands before the C library's exit(), in the program only: a plugin's call of it is reported before destructors run,
// since one of them may crash or hang and so hide it.
#include <dlfcn.h>

#include <cstdlib>

#include "core/plugin_host/containment/last_words.hpp"

extern "C" __attribute__((visibility("default"))) void exit(int status) noexcept {
  tocsin::report_exit(status);
  const auto of_c_library = reinterpret_cast<void (*)(int)>(::dlsym(RTLD_NEXT, "exit"));
  if (of_c_library != nullptr) of_c_library(status);
  std::_Exit(status);
}
