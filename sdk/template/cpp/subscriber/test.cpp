// Drives the plugin as a host would.
#include <tocsin/c/test_host.h>

int main(int count, char** arguments) {
  static tocsin_test_host host;
  if (count < 2 || !tocsin_test_load(&host, arguments[1])) return 1;
  remove("my-plugin-test.txt");

  const tocsin_token audit = tocsin_test_open_subscriber(&host, "audit", "{\"path\":\"my-plugin-test.txt\"}");
  tocsin_test_hand_event(&host, audit, "7", "org.example.tick", 2);

  char written[256] = "";
  FILE* file = fopen("my-plugin-test.txt", "r");
  if (file) written[fread(written, 1, sizeof(written) - 1, file)] = '\0', fclose(file);
  TOCSIN_TEST(&host, strcmp(written, "(2 events were passed over)\norg.example.tick /test 7\n") == 0);

  tocsin_test_open_subscriber(&host, "audit", "{\"path\":\"\"}");
  TOCSIN_TEST(&host, strstr(host.error, "path is empty") != NULL);
  remove("my-plugin-test.txt");
  return tocsin_test_end(&host);
}
