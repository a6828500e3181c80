/* Drives the plugin as a host would. */
#include <tocsin/c/test_host.h>

int main(int count, char** arguments) {
  static tocsin_test_host host;
  if (count < 2 || !tocsin_test_load(&host, arguments[1])) return 1;

  tocsin_test_remember(&host, tocsin_text("count"), tocsin_text("41"));
  const tocsin_token source = tocsin_test_open_source(&host, "clock", "{\"interval\":5000}");
  TOCSIN_TEST(&host, host.timer_count == 1 && host.timers[0].delay_ms == 5000);
  tocsin_test_fire_timers(&host);
  tocsin_test_fire_timers(&host);
  TOCSIN_TEST(&host, host.event_count == 2);
  TOCSIN_TEST(&host, strcmp(host.events[0].id, "42") == 0 && strcmp(host.events[1].id, "43") == 0);
  TOCSIN_TEST(&host, strcmp(host.memory[0].value, "43") == 0);

  tocsin_test_close_source(&host, source);
  TOCSIN_TEST(&host, host.timer_count == 0);
  return tocsin_test_end(&host);
}
