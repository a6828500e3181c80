// What a plugin's C++ code may do to a host that calls it through C.
#include <stdexcept>

extern "C" void throw_now() { throw std::runtime_error("thrown across the interface"); }
