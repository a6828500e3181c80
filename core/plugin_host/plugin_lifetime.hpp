// The steps of a plugin's life: create, start, stop. Each on the control thread.
#pragma once

#include "core/model/fault.hpp"
#include "core/plugin_host/plugin_instance.hpp"

namespace tocsin {

// Checks the entry, makes the plugin and takes its tables. After a fault nothing of it is left.
result<void> create_plugin(plugin_instance& instance, const tocsin_entry* entry);

// After a fault the plugin is destroyed; one that threw is only shut out, since what is left of it cannot be known.
result<void> start_plugin(plugin_instance& instance, service_map required);

// Nothing more may be published; what was is answered first, for as long as answer_limit. When it returns the plugin is
// destroyed, nothing of the host's calls it and what it calls is turned away. Deliveries that it still had are reported
// as uncertain. A fault: a call hangs in the plugin; it was left as it is.
// limit: how long to wait at most for each of its calls and for what is under way.
result<void> stop_plugin(plugin_instance& instance, std::chrono::milliseconds limit);

// For a plugin that was created and does not run; its control thread ends, too.
result<void> destroy_plugin(plugin_instance& instance, std::chrono::milliseconds limit);

// Of an instance that hangs: nothing that waits is handed in any more, and all of it is answered in its place.
void answer_in_its_place(plugin_instance& instance);

// Reports deliveries that the channel had for too long, by the first of them; whoever calls it says what became of
// them.
void report_late(plugin_instance& instance, const std::vector<outstanding_deliveries::entry>& late,
                 std::string_view call, std::string_view when);

// Reports what the channel did not complete, though it should have. call: in or after which; empty: in none.
void report_lost(plugin_instance& instance, const std::vector<outstanding_deliveries::entry>& lost,
                 std::string_view call, std::string_view when);

}  // namespace tocsin
