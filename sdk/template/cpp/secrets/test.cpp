// Drives the plugin as a host would.
#include <tocsin/c/test_host.h>

int main(int count, char** arguments) {
  static tocsin_test_host host;
  if (count < 2 || !tocsin_test_load(&host, arguments[1])) return 1;
  FILE* file = fopen("my-plugin-test.txt", "w");
  if (!file || fputs("sesame\n", file) < 0 || fclose(file) != 0) return 1;

  const tocsin_token vault = tocsin_test_open_store(&host, "vault", "{\"folder\":\".\"}");
  tocsin_test_fetch(&host, vault, "my-plugin-test.txt");
  tocsin_test_fetch(&host, vault, "missing.txt");
  tocsin_test_fetch(&host, vault, "../my-plugin-test.txt");
  TOCSIN_TEST(&host, host.answer_count == 3);
  TOCSIN_TEST(&host, host.answers[0].status == TOCSIN_OK && strcmp(host.answers[0].value, "sesame") == 0);
  TOCSIN_TEST(&host, host.answers[1].status == TOCSIN_INVALID && host.answers[2].status == TOCSIN_INVALID);

  tocsin_test_open_store(&host, "vault", "{\"folder\":\"\"}");
  TOCSIN_TEST(&host, strstr(host.error, "folder is empty") != NULL);
  remove("my-plugin-test.txt");
  return tocsin_test_end(&host);
}
