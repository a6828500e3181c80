// The host's own outcome codes, and the table that joins them with those of the plugins' manifests.
#include "core/model/code.hpp"

#include <array>

namespace tocsin {
namespace {

const std::array<code_entry, 16>& host_codes() {
  using enum outcome_class;
  static const std::array<code_entry, 16> codes{{
      {"OK", "", delivered, "It worked.", ""},
      {"RENDER_FAILED", "", permanent, "The message could not be made from the event and its template.",
       "Correct what the detail names, the template or the event, and publish the event again under a new id."},
      {"CHANNEL_UNKNOWN", "settings", config, "No channel of this name is configured, or no plugin serves it.",
       "Configure the channel under [channels.NAME], or correct the name in the route; tocsin plugin list shows what "
       "is "
       "installed."},
      {"SETTINGS_INVALID", "settings", config,
       "The channel's settings cannot work, or a secret or file that they name "
       "cannot be read.",
       "Run tocsin config check, correct the setting that it names and reload; the endpoint's deliveries wait until "
       "then."},
      {"RECIPIENT_INVALID", "", permanent, "The recipient is no address that this channel can deliver to.",
       "Correct the address in the route or in the event, then publish again."},
      {"PLUGIN_CRASHED", "", uncertain, "The host ended several times while the plugin had this delivery.",
       "Look for the host's last line in the log, which names the plugin that ended it, and tell its author; retry the "
       "delivery once that is mended, or at once if it was the power or somebody's kill."},
      {"PLUGIN_HUNG", "", uncertain, "The plugin did not say in time what became of this delivery.",
       "Look for the plugin's report in the log and tell its author; the delivery is tried again."},
      {"QUOTA_EXCEEDED", "", throttled, "The account has sent as many messages as it may in a day.",
       "Nothing is lost: it goes on by itself. If it happens often, raise limits.messages_per_day if the account "
       "allows "
       "more, or send digests."},
      {"EXPIRED", "", permanent, "The event's time to live ran out before it could be delivered.",
       "If it came too late, see the delivery's history for what held it up, or raise time_to_live of its type."},
      {"SILENCED", "", permanent, "A silence covers this event.", "End the silence if the message is wanted."},
      {"INHIBITED", "", permanent, "Another event that explains this one was sent instead.",
       "The event that was sent instead tells the rest."},
      {"QUIET_HOURS", "", permanent, "It fell into the recipient's quiet hours.",
       "Change the quiet hours, or raise the severity from which events pass them."},
      {"RATE_CAPPED", "", permanent, "The recipient has had as many messages as the cap allows.",
       "Raise the cap, or gather such events in a digest."},
      {"MUTED", "", permanent, "The recipient has muted events of this kind.", "Only the recipient can unmute them."},
      {"COMMAND_TIMEOUT", "", transient, "The other side did not answer in time.",
       "Check that the server is up and not overloaded, and that timeouts are long enough; the delivery is tried "
       "again."},
      {"LOOP_GUARD", "", permanent, "It tells of an endpoint's own failure, and is not sent over that endpoint.",
       "Name a further channel in the route of tocsin.channel.* and tocsin.delivery.*."},
  }};
  return codes;
}

}  // namespace

std::string_view to_text(outcome_class value) {
  constexpr std::array<std::string_view, 8> names{"delivered", "permanent", "transient", "throttled",
                                                  "config",    "auth",      "uncertain", "returned"};
  return names.at(static_cast<std::size_t>(value));
}

code_table::code_table() { add(host_codes()); }

void code_table::add(std::span<const code_entry> entries) {
  for (const code_entry& entry : entries) entries_.try_emplace(entry.code, entry);
}

const code_entry& code_table::find(std::string_view code) const {
  static const code_entry unknown{"UNKNOWN", "", outcome_class::transient,
                                  "A code that neither the host nor a plugin's manifest explains.",
                                  "Update the plugin, or ask its author to declare the code in its manifest."};
  const auto found = entries_.find(code);
  return found == entries_.end() ? unknown : found->second;
}

}  // namespace tocsin
