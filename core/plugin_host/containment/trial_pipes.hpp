// The descriptors that the process of a trial begins with, beside the standard streams.
#pragma once

namespace tocsin::trial_pipes {

inline constexpr int plugin = 3;     // its library in sealed memory
inline constexpr int answers = 4;    // one line a step, see trial_talk.hpp
inline constexpr int providers = 5;  // the first library of those that it requires, the others after it

}  // namespace tocsin::trial_pipes
