// Outcome policy: what a server's reply or a connection's failure means. The only place where codes and classes are
// chosen.
#pragma once

#include "plugins/channels/smtp/protocol/reply.hpp"

#include <tocsin/sdk/outcome.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::smtp {

using outcome_class = sdk::outcome_class;

// Where in the dialogue something happened. Names are those of the manifest's "stages".
enum class stage {
  settings,
  dns,
  tcp,
  greeting,
  ehlo,
  starttls,
  tls,
  certificate,
  revocation,
  auth,
  sender,
  recipient,
  message
};
std::string_view stage_name(stage at);
// stage::tcp for a name that is none.
stage stage_of(std::string_view name);

// What an attempt, or one stage of it, came to.
struct outcome {
  outcome_class result = outcome_class::delivered;
  std::string code = "OK";
  std::int64_t retry_after_ms = -1;  // the other side's wish; -1: none
  std::string detail;                // our words, one line; empty: the code's explanation says all
  std::string server_reply;          // theirs, one line
};

// One entry of a preset's "replies" (docs/formats/manifest.md): what a given server means by a reply.
struct preset_reply {
  int code = 0;             // 0: any
  std::string enhanced;     // empty: any
  std::optional<stage> at;  // none: any
  std::string contains;     // in the reply's text, letter case aside; empty: any
  std::string outcome;
  tocsin::smtp::outcome_class result = tocsin::smtp::outcome_class::transient;
  std::int64_t retry_after_ms = -1;
  std::string remedy;
};

// What a reply that is not the hoped-for one means at this stage: the preset's words first, else by enhanced status
// code (RFC 3463, RFC 5248), else by basic code.
outcome judge_reply(stage at, const reply& said, const std::vector<preset_reply>& preset);

// What the end of a stream means, by the code that tocsin.stream reported. An unknown code is transient.
outcome judge_stream_failure(std::string_view code, std::string_view detail);

// Outcomes that no reply stands behind.
outcome make_outcome(std::string_view code, std::string_view detail = {});

// The same after the final dot was sent and before its answer came: nobody knows.
outcome make_uncertain(outcome why);

// The class that a code has by itself.
outcome_class class_of(std::string_view code);

}  // namespace tocsin::smtp
