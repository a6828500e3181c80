/* SPDX-License-Identifier: Apache-2.0 */
/* tocsin.http_route/1 in plain C: takes requests to /v1/sources/NAME/... on the host's one listener.
 *
 *   static void call(void* self, const tocsin_http_call* request) {
 *     char robot[64];
 *     if (tocsin_json_text(tocsin_http_body(request), "robot", robot, sizeof(robot)) <= 0)
 *       tocsin_refuse_http(self, request->call, 400, "\"robot\" is missing");
 *     else
 *       tocsin_answer_http(self, request->call, 200, "{\"seen\":true}");
 *   } */
#ifndef TOCSIN_C_HTTP_ROUTE_H
#define TOCSIN_C_HTTP_ROUTE_H

#include <tocsin/abi/ext/http_route.h>
#include <tocsin/c/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_C_HTTP_ROUTE(CALL) TOCSIN_C_EXTENSION(TOCSIN_EXT_HTTP_ROUTE, tocsin_http_route, CALL)

/* The body as text, such as JSON. Lent like the request. */
static inline tocsin_string tocsin_http_body(const tocsin_http_call* request) {
  tocsin_string body;
  body.data = (const char*)request->body.data;
  body.size = request->body.size;
  return body;
}

/* The first header of this name, which is in lower case; empty: there is none. */
static inline tocsin_string tocsin_http_header(const tocsin_http_call* request, const char* name) {
  const tocsin_string none = {NULL, 0};
  uint64_t index;
  for (index = 0; index < request->header_count; ++index) {
    if (tocsin_equal(request->headers[index].name, name)) return request->headers[index].value;
  }
  return none;
}

/* Answer a request by its token, exactly once, from any thread. content_type "": application/json. */
static inline void tocsin_answer_http_as(void* self, tocsin_token call, uint32_t status, const char* content_type,
                                         tocsin_bytes body) {
  const tocsin_host_http_answer* host = (const tocsin_host_http_answer*)tocsin_find(self, TOCSIN_HOST_HTTP_ANSWER);
  tocsin_http_answer answer;
  if (!TOCSIN_C_OFFERS(tocsin_host_http_answer, host, answer)) return;
  memset(&answer, 0, sizeof(answer));
  answer.struct_size = sizeof(answer);
  answer.status = status;
  answer.content_type = tocsin_text(content_type);
  answer.body = body;
  host->answer(tocsin_context(self), call, &answer);
}

/* The same with JSON; "": no body. */
static inline void tocsin_answer_http(void* self, tocsin_token call, uint32_t status, const char* json) {
  tocsin_answer_http_as(self, call, status, "", tocsin_data(json));
}

/* Say in a sentence why a request was not done, as a problem of RFC 9457. */
static inline void tocsin_refuse_http(void* self, tocsin_token call, uint32_t status, const char* detail) {
  char body[1024];
  tocsin_json json = tocsin_json_begin(body, sizeof(body));
  tocsin_json_add_text(&json, "type", tocsin_text("about:blank"));
  tocsin_json_add_integer(&json, "status", (int64_t)status);
  tocsin_json_add_text(&json, "detail", tocsin_text(detail));
  tocsin_json_end(&json);
  tocsin_answer_http_as(self, call, status, "application/problem+json", tocsin_data(body));
}

#ifdef __cplusplus
}
#endif

#endif
