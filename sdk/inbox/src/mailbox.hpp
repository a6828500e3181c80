// SPDX-License-Identifier: Apache-2.0
// What the server's connections share: the mails that came, the record of the dialogue, the accounts. Any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tocsin/inbox/inbox.hpp>
#include <vector>

namespace tocsin::inbox {

class mailbox {
 public:
  // keep_in is created where it is missing; messages are numbered on from what is in it.
  mailbox(bool keep_mails, std::filesystem::path keep_in);

  // Keeps the mail and tells who waits. Returns its number; throws std::runtime_error if it cannot be written to
  // keep_in.
  std::size_t keep(const mail& what);
  std::vector<mail> mails() const;
  std::size_t count() const;
  bool wait_for(std::size_t count, std::chrono::milliseconds limit) const;
  void on_mail(std::function<void(const mail&)> handler);

 private:
  void write(std::size_t number, const std::string& data) const;

  const bool keep_mails_;
  const std::filesystem::path keep_in_;
  std::size_t files_before_ = 0;
  std::atomic<std::size_t> written_ = 0;

  mutable std::mutex mutex_;
  mutable std::condition_variable arrived_;
  std::deque<mail> mails_;
  std::size_t count_ = 0;
  std::shared_ptr<const std::function<void(const mail&)>> handler_;
};

// The lines that were said, the newest 100,000 of them at least.
class transcript {
 public:
  // Lines, each ended by "\n"; one piece, since a string a line is what a fast sink would spend its time on.
  void append(std::string lines);
  std::vector<std::string> lines() const;

 private:
  struct piece {
    std::string text;
    std::size_t lines;
  };
  mutable std::mutex mutex_;
  std::deque<piece> pieces_;
  std::size_t count_ = 0;
};

class account_book {
 public:
  using accounts = std::map<std::string, std::string>;
  void set(accounts what);
  std::shared_ptr<const accounts> get() const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const accounts> accounts_ = std::make_shared<const accounts>();
};

}  // namespace tocsin::inbox
