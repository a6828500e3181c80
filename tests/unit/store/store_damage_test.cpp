// A store file that holds what nobody wrote: found, set aside and said; all else of it goes on.
#include "core/observe/log.hpp"
#include "tests/unit/store/faulty_disk.hpp"
#include "tests/unit/store/store_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace tocsin::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::size_t page_size = 4096;
constexpr char inner_page = 5;  // as a page of a table begins
constexpr char leaf_page = 13;
constexpr std::int64_t events = 240;

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

class StoreDamage : public Store {
 protected:
  void SetUp() override {
    log::capture([](void* to, std::string_view line) { static_cast<std::string*>(to)->append(line).append("\n"); },
                 &log_);
    Store::SetUp();
  }
  void TearDown() override {
    faulty_disk::full = false;
    store_.reset();
    log::capture(nullptr, nullptr);
  }

  // Delivered, dead and waiting ones, for two organizations.
  void fill() {
    std::vector<accept_item> items;
    std::vector<settlement> settled_ones;
    for (std::int64_t at = 1; at <= events; ++at) {
      auto payload = make_event("e" + std::to_string(at), at % 2 == 0 ? "acme" : "globex");
      payload.data = R"({"text":")" + std::string(150, 't') + std::to_string(at) + R"("})";
      items.push_back(make_item(at, std::move(payload), {make_delivery(at)}));
      items.back().deliveries.front().leased = at % 3 != 0;
      if (at % 3 != 0)
        settled_ones.push_back(
            settled(at, at % 3 == 1 ? delivery_state::delivered : delivery_state::dead, "SENDER_REJECTED"));
    }
    ASSERT_TRUE(calls().accept(make_batch(std::move(items))));
    ASSERT_TRUE(calls().settle(std::move(settled_ones)));
    store_.reset();
    whole_ = bytes_of(file());
  }

  std::vector<fs::path> set_aside() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(file().parent_path()))
      if (entry.path().filename().string().starts_with("tocsin.db.damaged-")) found.push_back(entry.path());
    std::erase_if(found, [](const fs::path& one) { return one.string().ends_with("-wal"); });
    return found;
  }
  void forget_what_was_set_aside() const {
    for (const auto& one : set_aside()) fs::remove(one);
  }

  // How many of the deliveries are still there. Everything that a host does works.
  std::size_t what_is_left() {
    open();
    std::vector<delivery_record> all;
    delivery_filter filter{.limit = 1'000};
    const auto listed = calls().list(filter);
    EXPECT_TRUE(listed) << listed.error().to_string();
    if (listed) all = *listed;
    EXPECT_TRUE(calls().backlog());
    EXPECT_TRUE(calls().accept(one_of(100'000 + ++accepted_)));
    const auto counted = calls().counts();
    EXPECT_TRUE(counted);
    state_counts by_row{};
    for (const auto& one : *calls().list(filter)) ++by_row[static_cast<std::size_t>(one.state)];
    EXPECT_EQ(by_row, counted ? *counted : state_counts{});
    store_.reset();
    return all.size();
  }

  std::string log_, whole_;
  std::int64_t accepted_ = 0;
};

TEST_F(StoreDamage, EndsTheOneDeliveryWhosePayloadHasChangedAndNoOther) {
  fill();
  auto changed = whole_;
  const auto at = changed.find(std::string(150, 't') + "99\"");
  ASSERT_NE(std::string::npos, at);
  changed[at] = 'T';
  write(file(), changed);
  open();
  std::size_t readable = 0;
  for (const auto& one : lease(1'000)) {
    EXPECT_EQ(one.id != delivery_id{99}, one.payload != nullptr) << to_text(one.id);
    readable += one.payload ? 1 : 0;
  }
  EXPECT_EQ(events / 3 - 1, readable);
  EXPECT_TRUE(set_aside().empty());
}

TEST_F(StoreDamage, SavesWhatStandsOnTheOtherPagesWhicheverPageIsOverwritten) {
  fill();
  const auto pages = whole_.size() / page_size;
  ASSERT_GT(pages, 30u);
  std::size_t healed = 0, hopeless = 0;
  for (std::size_t page = 1; page < pages; ++page) {
    auto damaged = whole_;
    damaged.replace(page * page_size, page_size, page_size, '\xee');
    write(file(), damaged);
    log_.clear();
    const auto left = what_is_left();
    const auto aside = set_aside();
    const bool as_found = aside.size() == 1 && bytes_of(aside.front()) == damaged;
    ASSERT_FALSE(HasFatalFailure()) << "page " << page << "\n" << log_;
    forget_what_was_set_aside();
    if (log_.find("nothing could be read") != std::string::npos) {  // the page told how all others are read
      ++hopeless;
      continue;
    }
    // Without an inner page of a table nothing finds the way to the rows below it.
    EXPECT_TRUE(left > events * 3 / 4 || whole_[page * page_size] == inner_page)
        << "page " << page << ": " << left << "\n"
        << log_;
    if (aside.empty()) continue;  // nothing that a host does touches the page
    ++healed;
    EXPECT_TRUE(as_found) << "what is set aside is as it was found, page " << page;
    EXPECT_THAT(log_, HasSubstr("a damaged store was replaced by what could be read of it"));
  }
  EXPECT_GT(healed, pages / 2);
  EXPECT_LE(hopeless, 2u);
}

TEST_F(StoreDamage, OpensAndTakesEventsWhicheverByteHasChanged) {
  fill();
  for (std::size_t at = page_size; at < whole_.size(); at += 4999) {
    auto damaged = whole_;
    damaged[at] = static_cast<char>(~damaged[at]);
    write(file(), damaged);
    open();
    EXPECT_TRUE(calls().list({.limit = 1'000})) << at;
    EXPECT_TRUE(calls().accept(one_of(100'000 + static_cast<std::int64_t>(at)))) << at << "\n" << log_;
    store_.reset();
  }
}

TEST_F(StoreDamage, GoesOnWithWhatIsLeftOfATruncatedFile) {
  fill();
  write(file(), whole_.substr(0, whole_.size() * 2 / 3));
  const auto left = what_is_left();
  EXPECT_GT(left, 0u) << log_;
  EXPECT_LT(left, static_cast<std::size_t>(events) + 1);
  EXPECT_EQ(1u, set_aside().size());
  EXPECT_EQ(left + 1, what_is_left()) << "the new store is a whole one";
  EXPECT_EQ(1u, set_aside().size());
}

TEST_F(StoreDamage, HandsOutWhatWaitsInWhatIsLeft) {
  fill();
  write(file(), whole_.substr(0, whole_.size() * 3 / 4));
  open();
  EXPECT_EQ(1u, set_aside().size());
  const auto waiting = count_of(*calls().counts(), delivery_state::pending);
  std::size_t handed_out = 0;
  const auto backlog = calls().backlog();
  ASSERT_TRUE(backlog);
  for (const auto& one : *backlog) handed_out += lease(1'000, now + day, one.endpoint).size();
  EXPECT_GT(waiting, 0u);
  EXPECT_EQ(waiting, handed_out);
}

TEST_F(StoreDamage, BeginsAnewWhereNothingCanBeReadAndSaysWhatIsLost) {
  fill();
  for (const auto& [what, bytes] : {std::pair<const char*, std::string>{"empty", ""},
                                    {"no database", std::string(8192, 'x')},
                                    {"no header", std::string(page_size, '\xee') + whole_.substr(page_size)}}) {
    write(file(), bytes);
    log_.clear();
    EXPECT_EQ(0u, what_is_left()) << what;
    EXPECT_THAT(log_, HasSubstr("nothing could be read of the damaged store")) << what;
    EXPECT_THAT(log_, HasSubstr("unless a backup is put in its place")) << what;
    ASSERT_EQ(1u, set_aside().size()) << what;
    EXPECT_TRUE(bytes == bytes_of(set_aside().front())) << what;
    forget_what_was_set_aside();
  }
}

TEST_F(StoreDamage, GoesOnWhileItRuns) {
  fill();
  open();
  auto damaged = bytes_of(file());
  for (std::size_t page = damaged.size() / page_size - 1, hit = 0; hit < 4; --page) {
    if (damaged[page * page_size] != leaf_page) continue;
    damaged.replace(page * page_size, page_size, page_size, '\xee');
    ++hit;
  }
  {
    std::fstream out(file(), std::ios::in | std::ios::out | std::ios::binary);
    out << damaged;
  }
  const auto listed = calls().list({.limit = 1'000});
  ASSERT_TRUE(listed) << listed.error().to_string();
  EXPECT_GT(listed->size(), static_cast<std::size_t>(events) / 4);
  EXPECT_LT(listed->size(), static_cast<std::size_t>(events));
  ASSERT_TRUE(calls().accept(one_of(100'000)));
  EXPECT_EQ(1u, set_aside().size());
  const auto waits = [](const delivery_record& one) { return one.state == delivery_state::pending; };
  EXPECT_EQ(lease(1'000).size(), 1u + static_cast<std::size_t>(std::count_if(listed->begin(), listed->end(), waits)));
  EXPECT_THAT(log_, HasSubstr("lost_rows="));
}

TEST_F(StoreDamage, EndsAnExchangeOfFilesThatWasCutOff) {
  fill();
  fs::rename(file(), file().string() + ".salvaged");
  EXPECT_EQ(static_cast<std::size_t>(events), what_is_left());
  EXPECT_FALSE(fs::exists(file().string() + ".salvaged"));
}

TEST_F(StoreDamage, TakesNoHalfWrittenStoreForAWholeOne) {
  fill();
  write(file().string() + ".salvaging", whole_.substr(0, whole_.size() / 2));
  EXPECT_EQ(static_cast<std::size_t>(events), what_is_left());
  fs::remove(file());
  EXPECT_EQ(0u, what_is_left()) << "whoever put the store away begins with an empty one";
}

TEST_F(StoreDamage, LeavesATokenToTheOrganizationWhoseNameWasLost) {
  token_record token;
  token.name = "ci";
  token.scope = "publish";
  token.hash = std::string(32, 'h');
  token.organization = "initech";
  ASSERT_TRUE(answer_of<bool>([&](auto done) { store_->add_token(token, done); }));
  fill();
  look(file(), "DELETE FROM name WHERE text = 'initech'");
  std::ofstream(file().string() + ".damaged");
  open();
  const auto kept = answer_of<std::vector<token_record>>([&](auto done) { store_->tokens(done); });
  ASSERT_TRUE(kept);
  ASSERT_EQ(1u, kept->size());
  EXPECT_THAT(kept->front().organization.value_or(""), testing::StartsWith("lost-"));
}

TEST_F(StoreDamage, LeavesTheFileAloneWhereThereIsNoRoomForTheNewOne) {
  faulty_disk::install();
  fill();
  auto damaged = whole_;
  damaged.replace(damaged.size() / 2, page_size, page_size, '\xee');
  write(file(), damaged);
  std::ofstream(file().string() + ".damaged");
  faulty_disk::full = true;
  const auto opened = open_sqlite_store(folder_.path() / "state", "mail.example.org");
  ASSERT_FALSE(opened);
  EXPECT_EQ("STORE_FAILED", opened.error().code);
  EXPECT_THAT(opened.error().remedy, HasSubstr("Make room on its disk"));
  EXPECT_TRUE(damaged == bytes_of(file()));
  faulty_disk::full = false;
  EXPECT_GT(what_is_left(), events * 3 / 4);
  EXPECT_FALSE(fs::exists(file().string() + ".damaged"));
}

}  // namespace
}  // namespace tocsin::test
