// Providers before those who require them.
#include "core/plugin_host/start_order.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

manifest plugin(std::string id, std::vector<std::string> provides, std::vector<std::string> needs) {
  manifest about;
  about.id = std::move(id);
  about.provides = std::move(provides);
  for (std::string& service : needs) about.requirements.push_back({std::move(service), true});
  return about;
}

class plan {
 public:
  explicit plan(std::vector<manifest> plugins, const std::string& needed = {}) : plugins_(std::move(plugins)) {
    std::vector<const manifest*> known;
    for (const manifest& about : plugins_) known.push_back(&about);
    std::function<bool(const manifest&)> wanted;
    if (!needed.empty()) wanted = [needed](const manifest& about) { return about.id == needed; };
    made_ = plan_start(known, wanted);
  }
  std::vector<std::string> order() const {
    std::vector<std::string> ids;
    for (const std::size_t index : made_.order) ids.push_back(plugins_[index].id);
    return ids;
  }
  std::vector<std::string> impossible() const {
    std::vector<std::string> said;
    for (const auto& [index, why] : made_.impossible) said.push_back(plugins_[index].id + ": " + why.what);
    return said;
  }

 private:
  std::vector<manifest> plugins_;
  start_plan made_;
};

TEST(StartOrder, PutsProvidersFirst) {
  const plan made({plugin("c", {}, {"b/1"}), plugin("b", {"b/1"}, {"a/1"}), plugin("a", {"a/1"}, {})});
  EXPECT_THAT(made.order(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(made.impossible(), IsEmpty());
}

TEST(StartOrder, StartsOnlyWhatIsNeededAndWhatThatRequires) {
  const plan made({plugin("x", {}, {}), plugin("b", {}, {"a/1"}), plugin("a", {"a/1"}, {})}, "b");
  EXPECT_THAT(made.order(), ElementsAre("a", "b"));
}

TEST(StartOrder, TakesTheFirstOfTwoProviders) {
  const plan made({plugin("c", {}, {"a/1"}), plugin("a1", {"a/1"}, {}), plugin("a2", {"a/1"}, {})}, "c");
  EXPECT_THAT(made.order(), ElementsAre("a1", "c"));
}

TEST(StartOrder, NamesAServiceThatNobodyOffers) {
  const plan made({plugin("b", {"b/1"}, {"a/1"}), plugin("x", {}, {})});
  EXPECT_THAT(made.order(), ElementsAre("x"));
  EXPECT_THAT(made.impossible(), ElementsAre(HasSubstr("b: it requires a/1, which no installed plugin offers")));
}

TEST(StartOrder, DoesNotTakeAPluginForItsOwnProvider) {
  const plan made({plugin("a", {"a/1"}, {"a/1"})});
  EXPECT_THAT(made.impossible(), ElementsAre(HasSubstr("no installed plugin offers")));
}

TEST(StartOrder, NamesTheMembersOfARing) {
  const plan made({plugin("a", {"a/1"}, {"b/1"}), plugin("b", {"b/1"}, {"a/1"}), plugin("x", {}, {})});
  EXPECT_THAT(made.order(), ElementsAre("a", "x"));  // a finds at its start that b does not run
  EXPECT_THAT(made.impossible(),
              ElementsAre(HasSubstr("b: the requirements of plugins go round in a ring: a -> b -> a")));
}

}  // namespace
}  // namespace tocsin
