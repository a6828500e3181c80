// Durable accepts a second: the store through its interface, and bare SQLite writing the same rows in the same batches.
//
// Both write into a folder of their own below the current one: start it on the disk that is meant. Event, dedup index,
// delivery and counters, 2 kB of data, one sync a batch. --benchmark_enable_random_interleaving=true
// --benchmark_repetitions=5 takes turns between them.
#include "core/store/payload_codec.hpp"
#include "core/store/schema.hpp"
#include "core/store/sqlite.hpp"
#include "core/store/sqlite_store.hpp"

#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <future>
#include <string>

namespace {

using namespace tocsin;

constexpr time_ms now = 1'767'600'000'000;

class bench_folder {
 public:
  bench_folder() {
    std::string name = (std::filesystem::current_path() / "store-bench-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~bench_folder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

event make_event(std::int64_t number, const std::string& organization = "acme") {
  event out;
  out.id = "license-" + std::to_string(number);
  out.source = "/license";
  out.type = "tocsin.license.expiring";
  out.organization = organization;
  out.data = "\"" + std::string(2'000, 'd') + "\"";
  return out;
}

accept_batch make_batch(std::int64_t& number, std::int64_t size) {
  accept_batch batch;
  batch.now = now;
  batch.lease_until = now + 3'600'000;
  batch.remember_until = now + 604'800'000;
  for (std::int64_t at = 0; at < size; ++at) {
    accept_item item;
    item.id = event_id{++number};
    item.payload = make_event(number);
    item.accepted = now;
    new_delivery delivery;
    delivery.id = delivery_id{number};
    delivery.endpoint = {"email", ""};
    delivery.recipient = "ops@example.org";
    delivery.route = "operators";
    delivery.template_name = "default";
    delivery.language = "en";
    delivery.message_id = "01JABCDEFGHJK@mail.example.org";
    item.deliveries.push_back(std::move(delivery));
    batch.items.push_back(std::move(item));
  }
  return batch;
}

void through_the_interface(benchmark::State& state) {
  const bench_folder folder;
  auto opened = open_sqlite_store(folder.path() / "state", "mail.example.org");
  if (!opened) return state.SkipWithError(opened.error().to_string().c_str());
  std::int64_t number = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto batch = make_batch(number, state.range(0));
    state.ResumeTiming();
    std::promise<bool> done;
    auto answer = done.get_future();
    (*opened)->accept(std::move(batch), [&done](const auto& answers) { done.set_value(answers.has_value()); });
    if (!answer.get()) return state.SkipWithError("the store refused");
  }
  state.SetItemsProcessed(number);
}

struct bare_database {
  explicit bare_database(const std::filesystem::path& file) : database(file) {
    database.execute(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "PRAGMA wal_autocheckpoint = 2000; PRAGMA cache_size = -8192");
    sqlite::migrate(database);
  }
  sqlite::connection database;
};

void bare_sqlite(benchmark::State& state) {
  const bench_folder folder;
  bare_database bare(folder.path() / "bare.db");
  auto& database = bare.database;
  sqlite::statement begin(database, "BEGIN"), commit(database, "COMMIT");
  sqlite::statement find(database, "SELECT id FROM event WHERE external_id = ?1 AND source = ?2 AND organization = ?3");
  sqlite::statement add_event(database,
                              "INSERT INTO event (id, organization, source, external_id, type, severity, accepted,"
                              " remembered_until, sensitive, payload) VALUES (?1, 1, ?2, ?3, ?4, 0, ?5, ?6, 0, ?7)");
  sqlite::statement add_delivery(
      database,
      "INSERT INTO delivery (id, event, organization, endpoint, state, severity, sensitive, created, due, attempts,"
      " uncertain, recipient, route, template, language, message_id)"
      " VALUES (?1, ?2, 1, 1, 0, 0, 0, ?3, ?3, 0, 0, ?4, 2, 3, 4, ?5)");
  sqlite::statement count(database,
                          "INSERT INTO counter (organization, state, value) VALUES (?1, 0, ?2)"
                          " ON CONFLICT DO UPDATE SET value = value + excluded.value");
  std::int64_t number = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const auto batch = make_batch(number, state.range(0));
    state.ResumeTiming();
    begin.run();
    for (const auto& item : batch.items) {
      const auto payload = encode_payload(item.payload);
      const auto& delivery = item.deliveries.front();
      find.run(item.payload.id, item.payload.source, 1);
      add_event.run(static_cast<std::int64_t>(item.id), item.payload.source, item.payload.id, item.payload.type, now,
                    batch.remember_until,
                    sqlite::bytes(reinterpret_cast<const std::byte*>(payload.data()), payload.size()));
      add_delivery.run(static_cast<std::int64_t>(delivery.id), static_cast<std::int64_t>(item.id), now,
                       delivery.recipient, delivery.message_id);
    }
    count.run(0, state.range(0));
    count.run(1, state.range(0));
    commit.run();
  }
  state.SetItemsProcessed(number);
}

accept_batch make_small_batch(std::int64_t& number, std::int64_t size, std::int64_t organizations) {
  auto batch = make_batch(number, size);
  for (auto& item : batch.items) {
    item.payload.organization = "organization-" + std::to_string(static_cast<std::int64_t>(item.id) % organizations);
    item.payload.data = "{}";
  }
  return batch;
}

template <class Answer, class Start>
Answer wait_for(Start start) {
  std::promise<Answer> promise;
  start([&promise](result<Answer> answer) { promise.set_value(*answer); });
  return promise.get_future().get();
}

std::vector<leased_delivery> lease(store& from, std::uint32_t limit) {
  return wait_for<std::vector<leased_delivery>>([&](auto done) {
    from.lease({{"email", ""}, limit, now, now + 3'600'000}, done);
  });
}

void give_back(store& to, const std::vector<leased_delivery>& leased, time_ms due) {
  std::vector<settlement> written(leased.size());
  for (std::size_t at = 0; at < leased.size(); ++at) {
    written[at].id = leased[at].id;
    written[at].state = delivery_state::pending;
    written[at].record_attempt = false;
    written[at].next_attempt = due;
  }
  std::promise<void> promise;
  to.settle(std::move(written), [&promise](const auto&) { promise.set_value(); });
  promise.get_future().wait();
}

// Eight deliveries taken and given back, where so many wait for so many organizations, and as many again are due later.
void lease_and_give_back(benchmark::State& state) {
  const bench_folder folder;
  auto opened = open_sqlite_store(folder.path() / "state", "mail.example.org");
  if (!opened) return state.SkipWithError(opened.error().to_string().c_str());
  auto& store = **opened;
  std::int64_t number = 0;
  const auto fill = [&] {
    for (std::int64_t left = state.range(0); left > 0; left -= 1'000) {
      wait_for<std::vector<accept_answer>>([&](auto done) {
        store.accept(make_small_batch(number, std::min<std::int64_t>(left, 1'000), state.range(1)), done);
      });
    }
  };
  fill();
  for (auto later = lease(store, 1'000); !later.empty(); later = lease(store, 1'000)) {
    give_back(store, later, now + 3'600'000);
  }
  fill();
  std::int64_t taken = 0;
  for (auto _ : state) {
    const auto leased = lease(store, 8);
    if (leased.size() != 8) return state.SkipWithError("too few were due");
    give_back(store, leased, now);
    taken += 8;
  }
  state.SetItemsProcessed(taken);
}

void accept_of_many_organizations(benchmark::State& state) {
  const bench_folder folder;
  auto opened = open_sqlite_store(folder.path() / "state", "mail.example.org");
  if (!opened) return state.SkipWithError(opened.error().to_string().c_str());
  std::int64_t number = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto batch = make_batch(number, 100);
    for (auto& item : batch.items) {
      item.payload.organization = "organization-" + std::to_string(static_cast<std::int64_t>(item.id) % state.range(0));
    }
    state.ResumeTiming();
    wait_for<std::vector<accept_answer>>([&](auto done) { (*opened)->accept(std::move(batch), done); });
  }
  state.SetItemsProcessed(number);
}

}  // namespace

BENCHMARK(bare_sqlite)->Arg(1)->Arg(10)->Arg(100)->Arg(1'000)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(through_the_interface)->Arg(1)->Arg(10)->Arg(100)->Arg(1'000)->UseRealTime()->Unit(benchmark::kMicrosecond);
// (waiting, organizations)
BENCHMARK(lease_and_give_back)
    ->Args({1'000, 1})
    ->Args({100'000, 1})
    ->Args({100'000, 100})
    ->Args({100'000, 100'000})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(accept_of_many_organizations)->Arg(1)->Arg(10)->Arg(100'000)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK_MAIN();
