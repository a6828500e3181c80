// The log: one line an outcome, secrets blotted out, written by a thread of its own.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin::log {

enum class level { debug, info, warn, error };
enum class format { text, json };

struct field {
  std::string_view name;
  std::string value;
};

// Writes to standard error from now on. Not thread-safe against itself; call it once, early. Without it nothing is
// logged below `warn`.
void start(format how, level lowest);
// Write out what waits.
void flush();

// "2026-11-21T23:30:00.123Z info delivered delivery=01J... channel=email code=OK": text is a short constant sentence,
// what varies is in fields. [any thread]
void write(level at, std::string_view text, std::initializer_list<field> fields = {});
void write(level at, std::string_view text, std::span<const field> fields);

// From now on value is shown as "***" wherever the log writes it, raw or in base64. Values under 4 bytes are not taken.
void add_secret(std::string_view value);
// Forgets the values that were not added again since the last call of this. For a change of settings: what they still
// name is added whenever it is read. Call it seldom, so that what is under way is over before its secret is forgotten.
void forget_unused_secrets();
// text with every secret blotted out, and where secrets overlap or hold one another all of them: for what is stored or
// shown elsewhere (replies, transcripts).
std::string redact(std::string_view text);

// A test's own sink: every line as it would be written. Null: back to standard error.
void capture(void (*sink)(void* context, std::string_view line), void* context);

}  // namespace tocsin::log
