/* A preset: what its data cannot say of a mail provider's settings. Defaults, constraints and replies are in
 * manifest.json. */
#include <tocsin/abi/ext/preset.h>
#include <tocsin/c/plugin.h>

static void check(void* self, const tocsin_endpoint* endpoint, const tocsin_finding_report* report) {
  char user[320], from[320];
  (void)self;
  if (tocsin_json_text(endpoint->settings, "username", user, sizeof(user)) <= 0) return;
  if (tocsin_json_text(endpoint->settings, "from_address", from, sizeof(from)) <= 0) return;
  const char* users = strchr(user, '@');
  const char* froms = strchr(from, '@');
  if (users && froms && strcmp(users, froms) == 0) return;
  tocsin_finding finding = {sizeof(finding), 0, {0}, {0}, {0}};
  finding.key = tocsin_text("from_address");
  finding.code = tocsin_text("SETTINGS_INVALID");
  finding.text = tocsin_text(
      "This provider refuses senders of another domain than the account's. Set from_address to an address of the "
      "domain "
      "of username.");
  report->finding(report->context, &finding);
}

static const tocsin_preset preset = {sizeof(preset), 0, check};
static const tocsin_c_extension extensions[] = {{TOCSIN_EXT_PRESET, &preset}};
TOCSIN_C_PLUGIN(extensions, NULL, NULL)
