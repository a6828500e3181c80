// The embedded store: each call of the interface becomes a call on the store's thread.
#include "core/store/sqlite_store.hpp"

#include "core/store/copying.hpp"
#include "core/store/engine.hpp"
#include "core/store/opening.hpp"
#include "core/store/payload_codec.hpp"
#include "core/store/sealing.hpp"
#include "core/store/state_folder.hpp"

#include <atomic>
#include <functional>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace tocsin {
namespace {

// work(tables&) gives the answer of a call that is done in one go.
template <class Answer, class Work>
class simple_call final : public store_call {
 public:
  simple_call(Work work, store::callback<Answer> done) : work_(std::move(work)), done_(std::move(done)) {}

  bool carry_out(tables& in) override {
    if constexpr (std::is_void_v<Answer>) {
      work_(in);
    } else {
      answer_ = work_(in);
    }
    return true;
  }
  void answer() override {
    if constexpr (std::is_void_v<Answer>) {
      done_(result<void>());
    } else {
      done_(std::move(answer_));
    }
  }
  void answer(const fault& why) override { done_(why); }

 private:
  Work work_;
  store::callback<Answer> done_;
  std::conditional_t<std::is_void_v<Answer>, std::monostate, Answer> answer_{};
};

class list_call final : public store_call {
 public:
  list_call(delivery_filter filter, store::callback<std::vector<delivery_record>> done) : done_(std::move(done)) {
    now_.filter = std::move(filter);
    before_ = now_;
  }
  bool carry_out(tables& in) override {
    in.list_some(now_);
    return now_.finished;
  }
  // What was read in a transaction that was rolled back may never have been.
  void rolled_back() override { now_ = before_; }
  void committed_unfinished() override { before_ = now_; }
  void answer() override { done_(std::move(now_.found)); }
  void answer(const fault& why) override { done_(why); }

 private:
  listing before_, now_;
  store::callback<std::vector<delivery_record>> done_;
};

class alter_call final : public store_call {
 public:
  alter_call(alteration what, store::callback<alteration_result> done)
      : now_(tables::begin_altering(std::move(what))), before_(now_), done_(std::move(done)) {
    writes = true;
    weight = 500;
  }
  bool carry_out(tables& in) override { return in.alter_some(now_); }
  void rolled_back() override { now_ = before_; }
  void committed_unfinished() override { before_ = now_; }
  void answer() override { done_(std::move(now_.sum)); }
  // Steps that were committed before stay.
  void answer(const fault& why) override {
    if (before_.sum.matched == 0) return done_(why);
    before_.sum.endpoints.assign(before_.endpoints.begin(), before_.endpoints.end());
    before_.sum.stopped = why;
    done_(std::move(before_.sum));
  }

 private:
  altering now_, before_;
  store::callback<alteration_result> done_;
};

// The copy is made of what is committed; it begins in the first transaction and ends in the last one. A failure is the
// copy's own: the store has lost nothing.
class copy_call final : public store_call {
 public:
  copy_call(std::filesystem::path to, std::shared_ptr<const std::atomic<bool>> closing, store::callback<void> done)
      : to_(std::move(to)), closing_(std::move(closing)), done_(std::move(done)) {}

  bool carry_out(tables& in) override {
    constexpr int pages_a_step = 1'000;
    // It was made of what is committed: a transaction that is carried out anew changes nothing of it.
    if (ended_) return true;
    try {
      if (*closing_) throw sqlite::failure(sqlite::failure_kind::refused, "the host is stopping");
      if (!work_) {
        work_ = std::make_unique<sqlite::copying>(in.database(), to_);
        return false;
      }
      ended_ = work_->step(pages_a_step);
    } catch (const sqlite::failure& why) {
      fail(why.what());
    }
    return ended_;
  }
  void file_closes() override {
    work_.reset();
    if (!ended_) fail("the store turned out to be damaged meanwhile");
  }
  void answer() override {
    work_.reset();
    if (failed_) return done_(*failed_);
    done_(result<void>());
  }
  void answer(const fault& why) override {
    work_.reset();
    done_(why);
  }

 private:
  void fail(const std::string& why) {
    ended_ = true;
    failed_ = fault{"STORE_COPY_FAILED", "The store could not be copied to " + to_.string() + ": " + why + ".",
                    "Check the folder, and that there is space on its disk."};
  }

  std::filesystem::path to_;
  std::shared_ptr<const std::atomic<bool>> closing_;
  std::unique_ptr<sqlite::copying> work_;
  bool ended_ = false;
  std::optional<fault> failed_;
  store::callback<void> done_;
};

class sqlite_store final : public store {
 public:
  sqlite_store(state_folder_lock lock, sealing_key key, std::filesystem::path file,
               std::unique_ptr<sqlite::connection> database, std::int64_t owner,
               std::function<result<std::unique_ptr<sqlite::connection>>()> save, commit_observer committed)
      : lock_(std::move(lock)),
        key_(std::move(key)),
        engine_(std::move(file), std::move(database), key_, owner, std::move(save), std::move(committed)) {}

  void recover(recover_request request, callback<recovery> done) override {
    write<recovery>([request](tables& in) { return in.recover(request); }, std::move(done));
  }

  void accept(accept_batch batch, callback<std::vector<accept_answer>> done) override;

  void lease(lease_request request, callback<std::vector<leased_delivery>> done) override {
    const std::size_t weight = request.limit;
    write<std::vector<leased_delivery>>([request = std::move(request)](tables& in) { return in.lease(request); },
                                        std::move(done), weight);
  }

  void settle(std::vector<settlement> settlements, callback<void> done) override {
    const std::size_t weight = settlements.size();
    write<void>([settlements = std::move(settlements)](tables& in) { in.settle(settlements); }, std::move(done),
                weight);
  }

  void backlog(callback<std::vector<endpoint_backlog>> done) override {
    read<std::vector<endpoint_backlog>>([](tables& in) { return in.backlog(); }, std::move(done));
  }

  void next_due(endpoint_key endpoint, callback<std::optional<time_ms>> done) override {
    read<std::optional<time_ms>>([endpoint = std::move(endpoint)](tables& in) { return in.next_due(endpoint); },
                                 std::move(done));
  }

  void save_pause(endpoint_pause pause, callback<void> done) override {
    write<void>([pause = std::move(pause)](tables& in) { in.save_pause(pause); }, std::move(done));
  }

  void clear_pause(endpoint_key endpoint, callback<void> done) override {
    write<void>([endpoint = std::move(endpoint)](tables& in) { in.clear_pause(endpoint); }, std::move(done));
  }

  void recall(std::string source, std::string name, callback<std::string> done) override {
    read<std::string>(
        [source = std::move(source), name = std::move(name)](tables& in) { return in.recall(source, name); },
        std::move(done));
  }

  void recall_all(std::string source, callback<std::vector<std::pair<std::string, std::string>>> done) override {
    read<std::vector<std::pair<std::string, std::string>>>(
        [source = std::move(source)](tables& in) { return in.recall_all(source); }, std::move(done));
  }

  void list(delivery_filter filter, callback<std::vector<delivery_record>> done) override {
    engine_.add(std::make_unique<list_call>(std::move(filter), std::move(done)));
  }

  void get(delivery_id id, callback<std::optional<delivery_record>> done) override {
    read<std::optional<delivery_record>>([id](tables& in) { return in.get(id); }, std::move(done));
  }

  void counts(std::optional<std::string> organization, callback<state_counts> done) override {
    read<state_counts>([organization = std::move(organization)](tables& in) { return in.counts(organization); },
                       std::move(done));
  }

  void purge(time_ms now, time_ms before, callback<purge_step> done) override {
    write<purge_step>([now, before](tables& in) { return in.purge(now, before); }, std::move(done));
  }

  void add_token(token_record token, callback<bool> done) override {
    write<bool>([token = std::move(token)](tables& in) { return in.tokens().add(token); }, std::move(done));
  }

  void revoke_token(std::string name, time_ms at, callback<bool> done) override {
    write<bool>([name = std::move(name), at](tables& in) { return in.tokens().revoke(name, at); }, std::move(done));
  }

  void tokens(callback<std::vector<token_record>> done) override {
    read<std::vector<token_record>>([](tables& in) { return in.tokens().all(); }, std::move(done));
  }

  void alter(alteration what, callback<alteration_result> done) override {
    engine_.add(std::make_unique<alter_call>(std::move(what), std::move(done)));
  }

  void waiting_on(std::vector<endpoint_key> endpoints, std::uint32_t most,
                  callback<std::vector<std::uint32_t>> done) override {
    read<std::vector<std::uint32_t>>(
        [endpoints = std::move(endpoints), most](tables& in) { return in.waiting_on(endpoints, most); },
        std::move(done));
  }

  void find_events(event_query which, callback<std::vector<event_record>> done) override {
    read<std::vector<event_record>>([which = std::move(which)](tables& in) { return in.find_events(which); },
                                    std::move(done));
  }

  void copy_to(std::filesystem::path file, callback<void> done) override {
    engine_.add(std::make_unique<copy_call>(std::move(file), closing_, std::move(done)));
  }

  void close() override {
    *closing_ = true;
    engine_.close();
  }

 private:
  template <class Answer, class Work>
  void read(Work work, callback<Answer> done) {
    engine_.add(std::make_unique<simple_call<Answer, Work>>(std::move(work), std::move(done)));
  }
  template <class Answer, class Work>
  void write(Work work, callback<Answer> done, std::size_t weight = 1) {
    auto call = std::make_unique<simple_call<Answer, Work>>(std::move(work), std::move(done));
    call->writes = true;
    call->weight = weight;
    engine_.add(std::move(call));
  }

  // In this order: the folder is given back when all else is closed.
  state_folder_lock lock_;
  sealing_key key_;
  std::shared_ptr<std::atomic<bool>> closing_ = std::make_shared<std::atomic<bool>>(false);
  store_engine engine_;
};

// Encoding and sealing happen here, on the caller's thread: the store's own has enough to do.
void sqlite_store::accept(accept_batch batch, callback<std::vector<accept_answer>> done) {
  encoded_batch encoded;
  encoded.items.reserve(batch.items.size());
  for (auto& item : batch.items) {
    std::string payload = encode_payload(item.payload);
    if (item.sensitive) {
      auto sealed = key_.seal(payload, static_cast<std::int64_t>(item.id));
      if (!sealed) {
        return done(sealed.error());
      }
      payload = std::move(*sealed);
    }
    item.payload.data = {};
    encoded.items.push_back({std::move(item), std::move(payload)});
  }
  encoded.memory = std::move(batch.memory);
  encoded.now = batch.now;
  encoded.lease_until = batch.lease_until;
  encoded.remember_until = batch.remember_until;
  const std::size_t weight = encoded.items.size() + encoded.memory.size();
  write<std::vector<accept_answer>>([encoded = std::move(encoded)](tables& in) { return in.accept(encoded); },
                                    std::move(done), weight);
}

}  // namespace

result<std::unique_ptr<store>> open_sqlite_store(const std::filesystem::path& state_dir,
                                                 const std::string& message_host, commit_observer committed) {
  auto lock = state_folder_lock::take(state_dir);
  if (!lock) {
    return lock.error();
  }
  auto key = sealing_key::load(state_dir / "store.key");
  if (!key) {
    return key.error();
  }
  const auto file = state_dir / "tocsin.db";
  auto opened = open_store_file(file, *key, message_host);
  if (!opened) return opened.error();
  try {
    return std::unique_ptr<store>(std::make_unique<sqlite_store>(
        std::move(*lock), std::move(**key), file, std::move(opened->database), opened->owner,
        [file] { return save_store_file(file); }, std::move(committed)));
  } catch (const sqlite::failure& why) {
    return cannot_open_store(file, why);
  }
}

}  // namespace tocsin
