// The store's one thread: takes all calls that wait, carries them out in one transaction, answers after the commit.
#include "core/store/engine.hpp"

#include "core/observe/log.hpp"
#include "core/store/salvage.hpp"

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

// Calls that wait beyond this come into the next transaction: it stays short enough for those who ask meanwhile, and
// its pages stay in the cache.
constexpr std::size_t longest_transaction = 4'000;

// About 8 MB of log: often enough that the log stays small, seldom enough that a page is written back once for many
// changes.
constexpr int frames_before_checkpoint = 2'000;

constexpr std::chrono::seconds full_told_every{10};

fault store_failed(const std::filesystem::path& file, const std::string& why) {
  return fault{"STORE_FAILED",
               "The store " + file.string() + " failed: " + why + ". Nothing more is acknowledged until a restart.",
               "Check the disk, then restart the host.",
               {file.string(), 0, 0, {}}};
}

fault store_full(const std::filesystem::path& file) {
  return fault{"STORE_FULL",
               "There is no space left for the store " + file.string() + ".",
               "Make space on its disk; the host goes on by itself.",
               {file.string(), 0, 0, {}}};
}

fault store_refused(const std::string& why) {
  return fault{"STORE_REFUSED", "The store cannot write this: " + why + ".", "", {}};
}

fault store_closed() {
  return fault{"STORE_CLOSED", "The store is closed: the host is stopping.", "Try again once it runs.", {}};
}

}  // namespace

store_engine::store_engine(std::filesystem::path file, database_ptr database, const sealing_key& key,
                           std::int64_t owner, std::function<result<database_ptr>()> save,
                           std::function<void(std::size_t, std::chrono::nanoseconds)> committed)
    : file_(std::move(file)), committed_(std::move(committed)), key_(key), owner_(owner), save_(std::move(save)) {
  begin_session(std::move(database));
  thread_ = std::thread([this] { run(); });
}

void store_engine::begin_session(database_ptr database) {
  auto& open = *database;
  session_.reset(new session{
      std::move(database), tables(open, key_, owner_), {open, "BEGIN"}, {open, "COMMIT"}, {open, "ROLLBACK"}});
  frames_ = 0;
  open.on_commit([](void* self, int frames) { static_cast<store_engine*>(self)->frames_ = frames; }, this);
}

store_engine::~store_engine() { close(); }

void store_engine::add(std::unique_ptr<store_call> call) {
  bool first = false;
  {
    std::unique_lock lock(mutex_);
    if (closing_) {
      lock.unlock();
      call->answer(store_closed());
      return;
    }
    first = waiting_.empty();
    waiting_.push_back(std::move(call));
  }
  if (first) wake_.notify_one();
}

void store_engine::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  const std::lock_guard lock(closing_mutex_);
  if (thread_.joinable()) {
    thread_.join();
  }
}

void store_engine::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return !waiting_.empty() || !taken_.empty() || closing_; });
      if (waiting_.empty() && taken_.empty()) {
        break;
      }
      std::move(waiting_.begin(), waiting_.end(), std::back_inserter(taken_));
      waiting_.clear();
    }
    std::size_t weight = 0, count = 0;
    while (count < taken_.size() && (count == 0 || weight < longest_transaction)) {
      weight += taken_[count++]->weight;
    }
    run_transaction(std::span(taken_).first(count));
    // Those that go on keep their place before what came later.
    const auto end = std::remove_if(taken_.begin(), taken_.begin() + static_cast<std::ptrdiff_t>(count),
                                    [](const auto& call) { return call->finished_; });
    taken_.erase(end, taken_.begin() + static_cast<std::ptrdiff_t>(count));
    checkpoint();
  }
  end();
}

void store_engine::run_transaction(std::span<const std::unique_ptr<store_call>> batch) {
  healed_ = false;
  while (!broken_ && !try_transaction(batch)) {
  }
  answer_all(batch);
}

// A call that is refused, or all that write where the disk is full, are left out of the next try: what else was in the
// transaction is carried out as if they had not been there.
bool store_engine::try_transaction(std::span<const std::unique_ptr<store_call>> batch) {
  store_call* current = nullptr;
  try {
    session_->begin.run();
    for (const auto& call : batch) {
      if (!call->refused_) {
        current = call.get();
        call->finished_ = call->carry_out(session_->in);
      }
    }
    current = nullptr;
    session_->in.write_counters();
    commit(batch);
    return true;
  } catch (const sqlite::failure& why) {
    return recover_from(why, current, batch);
  } catch (const std::exception& why) {
    return recover_from(sqlite::failure(sqlite::failure_kind::refused, why.what()), current, batch);
  }
}

void store_engine::commit(std::span<const std::unique_ptr<store_call>> batch) {
  const auto writers =
      std::count_if(batch.begin(), batch.end(), [](const auto& call) { return call->writes && !call->refused_; });
  const auto began = std::chrono::steady_clock::now();
  session_->commit.run();
  if (committed_ && writers > 0) {
    committed_(static_cast<std::size_t>(writers), std::chrono::steady_clock::now() - began);
  }
}

bool store_engine::recover_from(const sqlite::failure& why, store_call* culprit,
                                std::span<const std::unique_ptr<store_call>> batch) {
  const bool any_writes =
      std::any_of(batch.begin(), batch.end(), [](const auto& call) { return call->writes && !call->refused_; });
  if (why.kind() == sqlite::failure_kind::refused && culprit != nullptr) {
    culprit->refused_ = store_refused(why.what());
  } else if (why.kind() == sqlite::failure_kind::full && any_writes) {
    for (const auto& call : batch) {
      if (call->writes && !call->refused_) {
        call->refused_ = store_full(file_);
      }
    }
    tell_full();
  } else if (why.kind() == sqlite::failure_kind::damaged && heal(why.what())) {
    for (const auto& call : batch) {
      call->rolled_back();
    }
    return false;
  } else {
    break_down(why.what());
    return true;
  }
  roll_back();
  for (const auto& call : batch) {
    call->rolled_back();
  }
  return false;
}

// Small writes may succeed between large ones that do not, and the log may be on the same disk: seldom, but again.
void store_engine::tell_full() {
  const auto now = std::chrono::steady_clock::now();
  if (full_told_ && now < *full_told_ + full_told_every) return;
  full_told_ = now;
  log::write(log::level::error, "no space left for the store",
             {{"file", file_.string()}, {"remedy", "make space on its disk; the host goes on by itself"}});
}

void store_engine::roll_back() {
  try {
    if (session_->database->in_transaction()) {
      session_->rollback.run();
    }
    session_->in.forget();
  } catch (const sqlite::failure& why) {
    break_down(why.what());
  }
}

// What a failed sync was to keep may be lost, and a second one would call that success: the file is not touched again.
void store_engine::break_down(const std::string& why) {
  broken_ = store_failed(file_, why);
  if (session_) session_->database->leave_log_on_close();
  log::write(log::level::error, "the store failed", {{"file", file_.string()}, {"cause", why}});
}

// Goes on with what can be read of the file. Nothing of the transaction at hand was acknowledged; it is carried out
// anew.
bool store_engine::heal(const std::string& why) {
  if (std::exchange(healed_, true)) return false;
  log::write(log::level::error, "the store is damaged; what can be read of it is saved",
             {{"file", file_.string()}, {"cause", why}});
  sqlite::note_damage(file_);
  for (const auto& call : taken_) call->file_closes();
  session_->database->leave_log_on_close();
  session_.reset();
  try {
    auto saved = save_();
    if (saved) {
      begin_session(std::move(*saved));
      return true;
    }
    log::write(log::level::error, "the damaged store could not be saved",
               {{"why", saved.error().what}, {"remedy", saved.error().remedy}});
  } catch (const sqlite::failure& again) {
    log::write(log::level::error, "the damaged store could not be saved", {{"why", again.what()}});
  }
  return false;
}

void store_engine::answer_all(std::span<const std::unique_ptr<store_call>> batch) {
  for (const auto& call : batch) {
    if (broken_) {
      call->finished_ = true;
      call->answer(*broken_);
    } else if (call->refused_) {
      call->finished_ = true;
      call->answer(*call->refused_);
    } else if (call->finished_) {
      call->answer();
    } else {
      call->committed_unfinished();
    }
  }
}

// By hand and not by SQLite, which would pass over a sync that fails here and try it again later.
void store_engine::checkpoint() {
  if (broken_ || frames_ < frames_before_checkpoint) {
    return;
  }
  try {
    session_->database->checkpoint();
    frames_ = 0;
  } catch (const sqlite::failure& why) {
    if (why.kind() != sqlite::failure_kind::full) {
      break_down(why.what());
    }
    frames_ -= frames_before_checkpoint / 4;  // the log holds all of it; once more a little later
  }
}

void store_engine::end() {
  if (!broken_ && frames_ > 0) {
    frames_ = frames_before_checkpoint;
    checkpoint();
  }
}

}  // namespace tocsin
