// tocsin.host.secret_answer/1: answers of secret stores, each taken exactly once.
#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/extensions/host_extensions.hpp"

#include "core/observe/log.hpp"

namespace tocsin {
namespace {

constexpr std::uint64_t largest_value = 64 * 1024;

secret_answer read(const tocsin_secret_answer& from) {
  secret_answer to;
  to.valid = std::chrono::milliseconds(from.valid_ms);
  if (from.status == TOCSIN_OK) {
    if (from.value.size == 0 || !from.value.data) return secret_answer::none("The store answered with an empty value.");
    if (from.value.size > largest_value) return secret_answer::none("The store's value is larger than 64 KiB.");
    to.what = secret_answer::kind::value;
    to.value = wiped_text(std::string(reinterpret_cast<const char*>(from.value.data), from.value.size));
    // Before anything can be made of it, a line of the log included.
    log::add_secret(to.value.get());
    return to;
  }
  to.reason = abi::line(from.reason, 1024);
  if (from.status == TOCSIN_INVALID) {
    to.what = secret_answer::kind::no_such_secret;
    if (to.reason.empty()) to.reason = "The store has no such secret.";
  } else if (to.reason.empty()) {
    to.reason = from.status == TOCSIN_UNAVAILABLE ? "The store cannot be asked now, and gave no reason."
                                                  : "The store failed, and gave no reason.";
  }
  return to;
}

void answer(void* context, tocsin_token request, const tocsin_secret_answer* given) {
  host_notice(context, allowed::running, "secret_answer", [&](plugin_instance& instance) {
    using found = secret_request_table::found;
    secret_store_port::answered done;
    const auto which = request.generation == 1 ? instance.secret_requests.take(request.index, done) : found::unknown;
    if (which == found::given_up) return;  // it came too late, and somebody else speaks for it
    if (which == found::unknown) {
      return instance.misbehaves("it answered a request for a secret that was not made, or is answered already",
                                 std::to_string(request.index));
    }
    if (!given || !TOCSIN_HAS_FIELD(tocsin_secret_answer, given, status)) {
      instance.misbehaves("it answered a request for a secret with nothing", std::to_string(request.index));
      return done(secret_answer::none("The store answered with nothing."));
    }
    if (const argument_check check(instance, "secret_answer"); check) {
      check.size("tocsin_secret_answer", given->struct_size, TOCSIN_ENDS_AFTER(tocsin_secret_answer, status));
      const auto known = abi::copy_known(given);
      check.bytes("answer.value", known.value);
      check.text("answer.reason", known.reason);
    }
    done(read(abi::copy_known(given)));
  });
}

}  // namespace

const tocsin_host_secret_answer host_secret_answer_table{sizeof(tocsin_host_secret_answer), 0, &answer};

}  // namespace tocsin
