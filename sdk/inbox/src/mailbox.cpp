// SPDX-License-Identifier: Apache-2.0
// Keeping mails in memory and in a folder.
#include "mailbox.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace tocsin::inbox {
namespace {

constexpr std::size_t longest_transcript = 100'000;

// The highest number among the folder's NNNN.eml.
std::size_t last_number_in(const std::filesystem::path& folder) {
  std::size_t last = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".eml") continue;
    const std::string stem = entry.path().stem().string();
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), number);
    if (error == std::errc() && end == stem.data() + stem.size()) last = std::max(last, number);
  }
  return last;
}

}  // namespace

mailbox::mailbox(bool keep_mails, std::filesystem::path keep_in)
    : keep_mails_(keep_mails), keep_in_(std::move(keep_in)) {
  if (keep_in_.empty()) return;
  std::filesystem::create_directories(keep_in_);
  files_before_ = last_number_in(keep_in_);
}

std::size_t mailbox::keep(const mail& what) {
  if (!keep_in_.empty()) write(files_before_ + ++written_, what.data);
  std::size_t number = 0;
  std::shared_ptr<const std::function<void(const mail&)>> handler;
  {
    const std::lock_guard lock(mutex_);
    number = ++count_;
    handler = handler_;
    if (keep_mails_) mails_.push_back(what);
  }
  arrived_.notify_all();
  if (handler) (*handler)(what);
  return number;
}

void mailbox::write(std::size_t number, const std::string& data) const {
  std::string name = std::to_string(number);
  if (name.size() < 4) name.insert(0, 4 - name.size(), '0');
  const auto path = keep_in_ / (name + ".eml");
  auto unfinished = path;
  unfinished += ".part";
  std::ofstream out(unfinished, std::ios::binary);
  out << data;
  out.close();
  if (!out) throw std::runtime_error("cannot write " + unfinished.string());
  std::filesystem::rename(unfinished, path);
}

std::vector<mail> mailbox::mails() const {
  const std::lock_guard lock(mutex_);
  return {mails_.begin(), mails_.end()};
}

std::size_t mailbox::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

bool mailbox::wait_for(std::size_t count, std::chrono::milliseconds limit) const {
  std::unique_lock lock(mutex_);
  return arrived_.wait_for(lock, limit, [&] { return count_ >= count; });
}

void mailbox::on_mail(std::function<void(const mail&)> handler) {
  const std::lock_guard lock(mutex_);
  handler_ = handler ? std::make_shared<const std::function<void(const mail&)>>(std::move(handler)) : nullptr;
}

void transcript::append(std::string lines) {
  if (lines.empty()) return;
  const auto count = static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
  const std::lock_guard lock(mutex_);
  pieces_.push_back({std::move(lines), count});
  count_ += count;
  while (count_ - pieces_.front().lines >= longest_transcript) {
    count_ -= pieces_.front().lines;
    pieces_.pop_front();
  }
}

std::vector<std::string> transcript::lines() const {
  std::vector<std::string> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [text, count] : pieces_) {
    for (std::size_t at = 0; at < text.size();) {
      const auto end = text.find('\n', at);
      all.push_back(text.substr(at, end - at));
      at = end + 1;
    }
  }
  return all;
}

void account_book::set(accounts what) {
  auto shared = std::make_shared<const accounts>(std::move(what));
  const std::lock_guard lock(mutex_);
  accounts_ = std::move(shared);
}

std::shared_ptr<const account_book::accounts> account_book::get() const {
  const std::lock_guard lock(mutex_);
  return accounts_;
}

}  // namespace tocsin::inbox
