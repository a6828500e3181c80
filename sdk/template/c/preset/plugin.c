/* A preset: what its data cannot say of a mail provider's settings. Defaults, constraints and replies are in
 * manifest.json. */
#include <tocsin/c/config.h>

static void check(void* self, const tocsin_endpoint* endpoint, const tocsin_finding_report* report) {
  char user[320], from[320];
  (void)self;
  if (tocsin_json_text(endpoint->settings, "username", user, sizeof(user)) <= 0) return;
  if (tocsin_json_text(endpoint->settings, "from_address", from, sizeof(from)) <= 0) return;
  const char* users = strchr(user, '@');
  const char* froms = strchr(from, '@');
  if (users && froms && strcmp(users, froms) == 0) return;
  tocsin_report_warning(report, "from_address", "SETTINGS_INVALID",
                        "This provider refuses senders of another domain than the account's. Set from_address to an "
                        "address of the domain of username.");
}

static const tocsin_c_extension extensions[] = {TOCSIN_C_PRESET(check)};
TOCSIN_C_PLUGIN(extensions, NULL, NULL)
