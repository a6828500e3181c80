/* The robots in the test host: what each helper of tocsin/c does, and what the test host can. */
#include <tocsin/c/test_host.h>

static void takes_requests_and_counts(tocsin_test_host* host) {
  const tocsin_token source = tocsin_test_open_source(host, "hall", "{\"first\":8,\"last\":17}");
  const tocsin_token seen = tocsin_test_request(host, source, "POST", "/heartbeat", "{\"robot\":\"R\\\"2\\u0001\"}");
  TOCSIN_TEST(host, host->event_count == 1 && host->http_answer_count == 0);
  TOCSIN_TEST(host, strcmp(host->events[0].data, "{\"robot\":\"R\\\"2\\u0001\",\"beat\":1,\"alive\":true}") == 0);
  TOCSIN_TEST(host, strcmp(host->events[0].type, "test.heartbeat") == 0);
  TOCSIN_TEST(host, strcmp(host->events[0].origin, "/robots") == 0);
  TOCSIN_TEST(host, strcmp(host->memory[0].value, "R\"2\1") == 0);
  tocsin_test_answer_published(host, source, host->events[0].ticket, TOCSIN_OK, "");
  TOCSIN_TEST(host, host->http_answer_count == 1 && host->http_answers[0].call.index == seen.index);
  TOCSIN_TEST(host, host->http_answers[0].status == 202 && strcmp(host->http_answers[0].body, "{\"seen\":true}") == 0);

  tocsin_test_request(host, source, "POST", "/heartbeat", "{}");
  TOCSIN_TEST(host, host->http_answers[1].status == 400);
  TOCSIN_TEST(host, strcmp(host->http_answers[1].content_type, "application/problem+json") == 0);
  TOCSIN_TEST(host, strstr(host->http_answers[1].body, "\"detail\":\"The body has no \\\"robot\\\".\"") != NULL);

  host->publishing = TOCSIN_UNAVAILABLE;
  tocsin_test_request(host, source, "POST", "/heartbeat", "{\"robot\":\"R3\"}");
  TOCSIN_TEST(host, host->http_answers[2].status == 503 && host->event_count == 1);
  host->publishing = TOCSIN_OK;

  TOCSIN_TEST(host, tocsin_test_metric(host, "heartbeats_total", "result=taken")->value == 1);
  TOCSIN_TEST(host, tocsin_test_metric(host, "heartbeats_total", "result=refused")->value == 2);
  TOCSIN_TEST(host, tocsin_test_metric(host, "robots", "")->value == 1);
  TOCSIN_TEST(host, tocsin_test_metric(host, "request_bytes", "")->records == 3);
  tocsin_test_close_source(host, source);
  TOCSIN_TEST(host, host->timer_count == 0);
}

static void says_how_it_is_when_the_clock_goes_on(tocsin_test_host* host) {
  const tocsin_token source = tocsin_test_open_source(host, "hall", "{\"first\":8,\"last\":17}");
  const int64_t begin_ms = host->now_ms;
  tocsin_test_advance(host, 59999);
  TOCSIN_TEST(host, tocsin_test_check_health(host) == TOCSIN_HEALTH_GOOD && host->error[0] == '\0');
  tocsin_test_advance(host, 1);
  TOCSIN_TEST(host, tocsin_test_check_health(host) == TOCSIN_HEALTH_DEGRADED && host->timer_count == 0);
  TOCSIN_TEST(host, strcmp(host->error, "No robot has called for a minute.") == 0);
  TOCSIN_TEST(host, host->now_ms == begin_ms + 60000);
  tocsin_test_close_source(host, source);
}

static void looks_at_settings(tocsin_test_host* host) {
  char made[64];
  tocsin_test_check_settings(host, "sources", "{\"first\":8,\"last\":17}");
  TOCSIN_TEST(host, host->finding_count == 0);
  tocsin_test_check_settings(host, "sources", "{\"first\":8,\"last\":8}");
  TOCSIN_TEST(host, host->finding_count == 1 && host->findings[0].fatal == 1);
  TOCSIN_TEST(host, strcmp(host->findings[0].key, "first") == 0);
  tocsin_test_check_settings(host, "sources", "{\"first\":0,\"last\":8}");
  TOCSIN_TEST(host, host->finding_count == 1 && host->findings[0].fatal == 0);
  TOCSIN_TEST(host, tocsin_test_migrate_settings(host, "sources", "{\"begin\":7}", made, sizeof(made)));
  TOCSIN_TEST(host, strcmp(made, "{\"first\":7}") == 0 && host->finding_count == 1);
  TOCSIN_TEST(host, !tocsin_test_migrate_settings(host, "sources", "{}", made, sizeof(made)));
}

static void gives_deliveries_back_and_takes_them_on_a_thread(tocsin_test_host* host) {
  tocsin_token endpoint = tocsin_test_open_channel(host, "{}");
  const tocsin_token first = tocsin_test_deliver(host, endpoint, "ops", "wait", "");
  const tocsin_token second = tocsin_test_deliver(host, endpoint, "ops", "wait", "");
  TOCSIN_TEST(host, host->outcome_count == 0);
  tocsin_test_cancel(host, first);
  TOCSIN_TEST(host, host->outcome_count == 1 && tocsin_test_outcome_of(host, second) == NULL);
  TOCSIN_TEST(host, tocsin_test_outcome_of(host, first)->outcome_class == TOCSIN_CLASS_RETURNED);
  tocsin_test_close_channel(host, endpoint);
  TOCSIN_TEST(host, tocsin_test_outcome_of(host, second) != NULL);

  endpoint = tocsin_test_open_channel(host, "{}");
  tocsin_test_deliver(host, endpoint, "ops", "wait", "");
  tocsin_test_deliver(host, endpoint, "ops", "wake up", "");
  TOCSIN_TEST_WAIT(host, host->outcome_count == 4, 20000);
  TOCSIN_TEST(host, host->outcomes[3].outcome_class == TOCSIN_CLASS_DELIVERED);
  TOCSIN_TEST(host, tocsin_test_diagnose(host, endpoint, "") && host->diagnosis_count == 1);
  TOCSIN_TEST(host, host->stage_count == 2 && host->stages[0].ok && !host->stages[1].ok);
  tocsin_test_close_channel(host, endpoint);
}

static void a_wait_that_is_in_vain_fails(tocsin_test_host* host) {
  const int failed = host->failed;
  TOCSIN_TEST_WAIT(host, host->outcome_count == 1000, 1);
  TOCSIN_TEST(host, host->failed == failed + 1);
  host->failed -= host->failed > failed ? 1 : 0;
}

int main(int count, char** arguments) {
  static tocsin_test_host host;
  if (count < 2 || !tocsin_test_load(&host, arguments[1])) return 1;
  takes_requests_and_counts(&host);
  says_how_it_is_when_the_clock_goes_on(&host);
  looks_at_settings(&host);
  gives_deliveries_back_and_takes_them_on_a_thread(&host);
  a_wait_that_is_in_vain_fails(&host);
  return tocsin_test_end(&host);
}
