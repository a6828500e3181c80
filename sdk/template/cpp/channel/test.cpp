// Drives the plugin as a host would.
#include <tocsin/c/test_host.h>

int main(int count, char** arguments) {
  static tocsin_test_host host;
  if (count < 2 || !tocsin_test_load(&host, arguments[1])) return 1;
  remove("my-plugin-test.txt");

  const tocsin_token good = tocsin_test_open_channel(&host, "{\"path\":\"my-plugin-test.txt\"}");
  tocsin_test_deliver(&host, good, "ops", "Fire", "in the kitchen");
  TOCSIN_TEST(&host, host.outcome_count == 1 && host.outcomes[0].outcome_class == TOCSIN_CLASS_DELIVERED);

  char written[256] = "";
  FILE* file = fopen("my-plugin-test.txt", "r");
  if (file) written[fread(written, 1, sizeof(written) - 1, file)] = '\0', fclose(file);
  TOCSIN_TEST(&host, strcmp(written, "To: ops\nSubject: Fire\n\nin the kitchen\n") == 0);

  const tocsin_token bad = tocsin_test_open_channel(&host, "{\"path\":\"no-such-folder/messages.txt\"}");
  tocsin_test_deliver(&host, bad, "ops", "Fire", "in the kitchen");
  TOCSIN_TEST(&host, host.outcomes[1].outcome_class == TOCSIN_CLASS_TRANSIENT);
  TOCSIN_TEST(&host, strcmp(host.outcomes[1].code, "FILE_NOT_WRITTEN") == 0);

  tocsin_test_open_channel(&host, "{\"path\":\"\"}");
  TOCSIN_TEST(&host, strstr(host.error, "path is empty") != NULL);
  remove("my-plugin-test.txt");
  return tocsin_test_end(&host);
}
