// Looks after a running host's store: works on a copy, on a thread of its own, one task at a time.
#include "core/app/store_keeper.hpp"

#include <future>
#include <utility>

namespace tocsin::app {
namespace {

fault busy() {
  return {"STORE_UPKEEP_BUSY", "A check or a backup of the store is under way.", "Ask again when it has ended."};
}

}  // namespace

store_keeper::store_keeper(store& of, clock& time, std::filesystem::path state_dir)
    : store_(of), clock_(time), state_dir_(std::move(state_dir)) {}

store_keeper::~store_keeper() {
  cut_short();
  if (thread_.joinable()) thread_.join();
}

template <class Answer>
void store_keeper::begin(std::function<result<Answer>()> work, store::callback<Answer> done) {
  {
    const std::lock_guard lock(mutex_);
    if (!busy_ && !stop_) {
      busy_ = true;
      if (thread_.joinable()) thread_.join();  // the one before has answered, and ends
      thread_ = std::thread([this, work = std::move(work), done = std::move(done)] {
        auto answer = work();
        {
          const std::lock_guard free(mutex_);
          busy_ = false;
        }
        done(std::move(answer));
      });
      return;
    }
  }
  done(busy());
}

result<void> store_keeper::copy(const std::filesystem::path& to) {
  std::promise<result<void>> copied;
  store_.copy_to(to, [&copied](result<void> answer) { copied.set_value(std::move(answer)); });
  return copied.get_future().get();
}

void store_keeper::check(store::callback<store_check> done) {
  begin<store_check>(
      [this]() -> result<store_check> {
        const auto file = copy_beside(state_dir_ / "check");
        auto copied = copy(file);
        auto found = copied ? check_store_file(file, state_dir_ / "store.key", stop_) : copied.error();
        remove_copy(file);
        return found;
      },
      std::move(done));
}

void store_keeper::back_up(std::filesystem::path target, store::callback<store_backup> done) {
  if (auto may = may_back_up_to(target); !may) return done(may.error());
  begin<store_backup>(
      [this, target = std::move(target)]() -> result<store_backup> {
        const auto file = copy_beside(target);
        if (auto copied = copy(file); !copied) {
          remove_copy(file);
          return copied.error();
        }
        return finish_backup(file, target, clock_.now(), stop_);
      },
      std::move(done));
}

}  // namespace tocsin::app
