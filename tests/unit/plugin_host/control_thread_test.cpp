// A plugin's control thread: what it answers for calls that return, throw or hang.
#include "core/plugin_host/calls/control_thread.hpp"

#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace tocsin {
namespace {

using std::chrono::milliseconds;
using ending = control_thread::ending;

constexpr milliseconds patient{20'000};

TEST(ControlThread, MakesEveryCallOnOneThreadOfItsOwn) {
  control_thread control;
  std::thread::id first, second;
  EXPECT_EQ(control.run([&] { first = std::this_thread::get_id(); }, patient), ending::returned);
  EXPECT_EQ(control.run([&] { second = std::this_thread::get_id(); }, patient), ending::returned);
  EXPECT_EQ(first, second);
  EXPECT_NE(first, std::this_thread::get_id());
}

TEST(ControlThread, CatchesWhatACallThrowsAndGoesOn) {
  control_thread control;
  EXPECT_EQ(control.run([] { throw 7; }, patient), ending::threw);
  EXPECT_EQ(control.run([] {}, patient), ending::returned);
}

TEST(ControlThread, IsLostToACallThatHangs) {
  const auto release = std::make_shared<std::promise<void>>();
  const auto returned = std::make_shared<std::promise<void>>();
  {
    control_thread control;
    EXPECT_EQ(control.run(
                  [release, returned] {
                    release->get_future().wait();
                    returned->set_value();
                  },
                  milliseconds(1)),
              ending::hung);
    EXPECT_TRUE(control.is_lost());
    EXPECT_EQ(control.run([] { FAIL() << "made after a call that hangs"; }, patient), ending::lost);
  }  // does not wait for the call
  release->set_value();
  returned->get_future().wait();
}

TEST(ControlThread, MakesNoCallOnceItHasEnded) {
  control_thread control;
  control.end();
  EXPECT_EQ(control.run([] { FAIL() << "made after the end"; }, patient), ending::lost);
}

TEST(ControlThread, MakesACallWithinACallAtOnce) {
  control_thread control;
  auto inner = ending::lost;
  EXPECT_EQ(control.run([&] { inner = control.run([] {}, patient); }, patient), ending::returned);
  EXPECT_EQ(inner, ending::returned);
}

}  // namespace
}  // namespace tocsin
