#include "core/model/cloudevents.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace tocsin {
namespace {

constexpr const char* full = R"({"specversion":"1.0","id":"42","source":"/license","type":"tocsin.license.expiring",
  "subject":"Orchestrator","time":"2026-11-21T23:30:00Z","organization":"acme","severity":"warn",
  "recipient":"ops@example.org","language":"fr","dedupkey":"k","component":"c","folder":"f",
  "expires":"2026-11-22T00:00:00Z","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  "robot":"R-17","attempt":3,"retried":true,"data":{"product":"Orchestrator","days_left":14}})";

TEST(CloudEvents, ReadsEveryAttribute) {
  const auto parsed = parse_cloudevent(full);
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  EXPECT_EQ(parsed->id, "42");
  EXPECT_EQ(parsed->severity, severity::warn);
  EXPECT_EQ(parsed->time, 1'795'303'800'000);
  EXPECT_EQ(parsed->expires, 1'795'305'600'000);
  EXPECT_EQ(parsed->organization, "acme");
  EXPECT_EQ(parsed->attributes.at("robot"), "R-17");
  EXPECT_EQ(parsed->attributes.at("attempt"), "3");
  EXPECT_EQ(parsed->attributes.at("retried"), "true");
  EXPECT_EQ(parsed->data, R"({"product":"Orchestrator","days_left":14})");
}

TEST(CloudEvents, ReadsBackWhatItWrites) {
  const auto parsed = parse_cloudevent(full);
  ASSERT_TRUE(parsed);
  const auto again = parse_cloudevent(to_json(*parsed));
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_EQ(*again, *parsed);
}

TEST(CloudEvents, KeepTextDataOfAnotherType) {
  const auto parsed = parse_cloudevent(
      R"({"data":"a \"b\"","specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"text/plain"})");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->data, "a \"b\"");
  EXPECT_EQ(parse_cloudevent(to_json(*parsed)).value(), *parsed);
}

struct bad_event {
  const char* json;
  const char* key;
};

TEST(CloudEvents, FaultNamesTheAttribute) {
  const bad_event bad[] = {
      {R"({"id":"1","source":"s","type":"t"})", "specversion"},
      {R"({"specversion":"0.3","id":"1","source":"s","type":"t"})", "specversion"},
      {R"({"specversion":"1.0","source":"s","type":"t"})", "id"},
      {R"({"specversion":"1.0","id":"","source":"s","type":"t"})", "id"},
      {R"({"specversion":"1.0","id":"1","source":"s"})", "type"},
      {R"({"specversion":"1.0","id":"1","source":"s","type":"t","severity":"loud"})", "severity"},
      {R"({"specversion":"1.0","id":"1","source":"s","type":"t","time":"today"})", "time"},
      {R"({"specversion":"1.0","id":"1","source":"s","type":"t","Upper":"x"})", "Upper"},
      {R"({"specversion":"1.0","id":"1","source":"s","type":"t","x":{"y":1}})", "x"},
      {R"({"specversion":"1.0","id":"1","source":"s","type":"t","recipient":"a\r\nb"})", "recipient"},
      {R"({"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"AA=="})", "data_base64"},
  };
  for (const auto& [json, key] : bad) {
    const auto parsed = parse_cloudevent(json);
    ASSERT_FALSE(parsed) << json;
    EXPECT_EQ(parsed.error().code, "EVENT_INVALID");
    EXPECT_EQ(parsed.error().place.key, key) << json;
  }
}

TEST(CloudEvents, BatchFaultNamesTheIndex) {
  const auto parsed = parse_cloudevent_batch(
      R"([{"specversion":"1.0","id":"1","source":"s","type":"t"},{"specversion":"1.0","id":"2","type":"t"}])");
  ASSERT_FALSE(parsed);
  EXPECT_TRUE(parsed.error().what.starts_with("event 1: ")) << parsed.error().what;
}

TEST(CloudEvents, EmptyBatchIsABatch) { EXPECT_TRUE(parse_cloudevent_batch("[]").value().empty()); }

TEST(CloudEvents, KeepDataAsItsPublisherWroteIt) {
  const auto parsed = parse_cloudevent(
      R"({"specversion":"1.0","id":"1","source":"s","type":"t",
          "d\u0061ta" : { "price": 19.90, "far": 1e2, "big": 123456789012345678901234567890, "word": "caf\u00e9" } })");
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  const std::string data = R"({"price":19.90,"far":1e2,"big":123456789012345678901234567890,"word":"caf\u00e9"})";
  EXPECT_EQ(parsed->data, data);
  EXPECT_NE(to_json(*parsed).find("\"data\":" + data + "}"), std::string::npos) << to_json(*parsed);
  const auto batch = parse_cloudevent_batch(
      R"([{"specversion":"1.0","id":"1","source":"s","type":"t"},
          {"specversion":"1.0","id":"2","source":"s","type":"t","data":[1.0]}])");
  ASSERT_TRUE(batch) << batch.error().to_string();
  EXPECT_EQ((*batch)[0].data, "");
  EXPECT_EQ((*batch)[1].data, "[1.0]");
}

TEST(CloudEvents, AreRefusedWhereTheirTextIsNotUtf8) {
  event good;
  good.id = "gr\xC3\xBC\xC3\x9F";
  good.source = "s";
  good.type = "t";
  EXPECT_TRUE(validate(good));
  for (std::string event::*member : {&event::id, &event::source, &event::type, &event::subject, &event::recipient,
                                     &event::dedupkey, &event::component, &event::folder}) {
    event bad = good;
    bad.*member = "gr\xFC\xDF";  // Latin-1
    const auto checked = validate(bad);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, "EVENT_INVALID");
    EXPECT_EQ(checked.error().what, "The attribute is not UTF-8.");
  }
  event bad = good;
  bad.attributes["robot"] = "\xFC";
  EXPECT_EQ(validate(bad).error().place.key, "robot");
}

TEST(CloudEvents, AreRefusedWhereTheirDataIsNotWhatItSaysItIs) {
  event value;
  value.id = "1";
  value.source = "s";
  value.type = "t";
  value.data = "plain words";
  EXPECT_EQ(validate(value).error().place.key, "data");
  value.data_content_type = "text/plain";
  EXPECT_TRUE(validate(value));
  value.data = "gr\xFC\xDF";
  EXPECT_EQ(validate(value).error().what, "It is not UTF-8.");
  value.data_content_type = "application/vnd.x+json";
  value.data = "{\"a\":\"\xFC\"}";
  EXPECT_EQ(validate(value).error().place.key, "data");
  value.data = "{\"a\":1}";
  EXPECT_TRUE(validate(value));
}

}  // namespace
}  // namespace tocsin
