/* Drives the plugin as a host would. */
#include <tocsin/c/test_host.h>

int main(int count, char** arguments) {
  static tocsin_test_host host;
  if (count < 2 || !tocsin_test_load(&host, arguments[1])) return 1;

  tocsin_test_check_preset(&host, "{\"username\":\"ops@example.org\",\"from_address\":\"alerts@example.org\"}");
  TOCSIN_TEST(&host, host.finding_count == 0);
  tocsin_test_check_preset(&host, "{\"username\":\"ops@example.org\",\"from_address\":\"alerts@example.net\"}");
  TOCSIN_TEST(&host, host.finding_count == 1 && host.findings[0].fatal == 0);
  TOCSIN_TEST(&host, strcmp(host.findings[0].key, "from_address") == 0);
  return tocsin_test_end(&host);
}
