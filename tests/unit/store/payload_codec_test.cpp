// Payloads come back as they were.
#include "core/store/payload_codec.hpp"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

event full_event() {
  event out;
  out.subject = "Robots";
  out.time = 1'767'600'000'123;
  out.data_content_type = "text/plain";
  out.data = std::string(300, 'd');
  out.recipient = "jos\xc3\xa9@example.org";
  out.language = "fr";
  out.dedupkey = "k";
  out.component = "scheduler";
  out.folder = "Finance/Payroll";
  out.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  out.attributes = {{"a", "1"}, {"empty", ""}, {"nul", std::string("x\0y", 3)}};
  return out;
}

TEST(PayloadCodec, GivesBackEveryMember) {
  event back;
  ASSERT_TRUE(decode_payload(encode_payload(full_event()), back));
  EXPECT_EQ(full_event(), back);
}

TEST(PayloadCodec, GivesBackAnEventWithoutAny) {
  event back;
  ASSERT_TRUE(decode_payload(encode_payload(event{}), back));
  EXPECT_EQ(event{}, back);
  EXPECT_EQ(std::nullopt, back.time);
}

TEST(PayloadCodec, KeepsTimesBefore1970) {
  event before, back;
  before.time = -5;
  ASSERT_TRUE(decode_payload(encode_payload(before), back));
  EXPECT_EQ(-5, back.time);
}

TEST(PayloadCodec, RefusesWhatWasCutOrIsNoPayload) {
  const auto whole = encode_payload(full_event());
  event back;
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_payload(whole.substr(0, size), back)) << size;
  EXPECT_FALSE(decode_payload("\x03", back));
}

TEST(PayloadCodec, RefusesWhatHasChangedByASingleBit) {
  auto whole = encode_payload(full_event());
  event back;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    whole[bit / 8] = static_cast<char>(whole[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(decode_payload(whole, back)) << bit;
    whole[bit / 8] = static_cast<char>(whole[bit / 8] ^ (1 << bit % 8));
  }
  EXPECT_TRUE(decode_payload(whole, back));
}

// Format 1 is format 2 without the sum.
std::string without_sum(const std::string& payload) { return "\x01" + payload.substr(9); }

TEST(PayloadCodec, ReadsWhatWasWrittenBeforeThereWereSums) {
  event back;
  ASSERT_TRUE(decode_payload(without_sum(encode_payload(full_event())), back));
  EXPECT_EQ(full_event(), back);
}

TEST(PayloadCodec, PassesOverMembersOfALaterVersion) {
  event back;
  ASSERT_TRUE(decode_payload(without_sum(encode_payload(full_event())) + std::string("\x7f\x03") + "new", back));
  EXPECT_EQ(full_event(), back);
}

}  // namespace
}  // namespace tocsin
