// Settings of an older version of a plugin: a table that does not hold the plugin's schema is shown to the plugin
// before it is refused.
#pragma once

#include "core/settings/settings_file.hpp"

namespace tocsin {

// Brings up to date, in the document, each table of a plugin whose manifest provides tocsin.config/1 and whose schema
// the table does not hold; each change is a warning at its key. What the plugin does not know, or makes that does not
// hold the schema either, stays as it is. `file` has its site and schemas.
void migrate_tables(setting_node& document, settings_file& file, const settings_migrator& migrate);

}  // namespace tocsin
