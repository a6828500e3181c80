// The staged diagnosis of an endpoint: one connection, one step at a time, each reported.
#pragma once

#include "plugins/channels/smtp/session.hpp"

#include <tocsin/sdk/doctor.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

namespace tocsin::smtp {

struct open_endpoint;

class diagnosis_run : public session_owner, public std::enable_shared_from_this<diagnosis_run> {
 public:
  diagnosis_run(const sdk::host_api& host, std::shared_ptr<const open_endpoint> endpoint,
                const sdk::diagnosis& request);

  // Reports the settings' stage and begins the connection.
  void start(stream_service stream, const std::string& client_name);
  // Ends the connection at once. [any]
  void cut_off();
  // Until the last report was made. [any]
  void wait();
  bool is_over() const;

  // session_owner
  outgoing_ptr next(session& from) override;
  void opened(session&) override {}
  void opening_failed(session&, const outcome&) override {}
  void completed(session& which, std::vector<completion>& mails) override;
  void passed(const tocsin_stream_event& event, const std::string& facts) override;
  void reported(const stage_report& stage) override;
  bool wants_stages() const override { return true; }
  std::string password() override;
  void over(session& which) override;

 private:
  void prepare(const sdk::diagnosis& request);
  void report_settings();
  void report(const sdk::stage& what);
  void finish();

  const sdk::host_api host_;
  const std::shared_ptr<const open_endpoint> endpoint_;
  const tocsin_token run_;
  outgoing_ptr mail_;
  std::string recipient_fault_;  // why the recipient's stage fails without being asked
  bool failed_ = false;          // a stage failed: it was the last
  std::string secret_fault_;

  mutable std::mutex lock_;
  std::condition_variable changed_;
  std::shared_ptr<session> session_;
  bool over_ = false;
};

}  // namespace tocsin::smtp
