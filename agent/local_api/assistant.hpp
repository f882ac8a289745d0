#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "agent/local_api/bodies.hpp"
#include "agent/local_api/gate.hpp"
#include "agent/local_api/ledger.hpp"
#include "agent/local_api/rate.hpp"
#include "agent/local_api/settings.hpp"
#include "agent/outbox/journal.hpp"
#include "agent/serving.hpp"
#include "common/i18n.hpp"
#include "common/link/http.hpp"
#include "common/task.hpp"

namespace kw::agent {

/// The data assistant (数据助手): HTTP on a loopback address for the business applications of this
/// kiosk (openapi.yaml). What they tell is answered with 2xx once the outbox has it on disk, never
/// before. io thread only.
class Assistant {
 public:
  /// What the rest of the agent does for it.
  struct Hands {
    /// Every configured device as `kioskctl devices --json` has it.
    std::function<Task<boost::json::array>()> devices;
    /// Takes how a device's work went. Errc::missing: no such device; Errc::refused: why not, in
    /// that language.
    std::function<Result<void>(const std::string& device, DeviceResult result, Lang lang)>
        device_result;
    /// Counts what a job used up, which is in the outbox already; why not, in that language. The
    /// outbox's thread.
    std::function<Result<void>(const pb::ConsumableUse& use, Lang lang)> used;
  };

  Assistant(asio::any_io_executor executor, Journal& journal, Serving& serving, const Clock& clock,
            std::string boot_id, Hands hands);
  Assistant(const Assistant&) = delete;
  Assistant& operator=(const Assistant&) = delete;

  /// Serves as the settings say from now on; switched off, the open session ends; nothing changes
  /// when they are those in force. What keeps it from serving is noted as an event, logged and
  /// shown in `status`.
  void use(const AssistantSettings& settings, Lang lang, std::vector<std::string> devices);
  /// Serves no more. An open session stays open: the agent may be back at once.
  void stop();
  /// Ends sessions that time out and tells of requests that were turned away, until `stop`.
  Task<void> run();

  /// As `kioskctl status` shows it.
  boost::json::object status() const;
  /// Where it serves; for tests, which take a free port.
  const std::optional<link::Endpoint>& address() const { return address_; }

 private:
  struct Counters {
    std::uint64_t taken = 0;      ///< answered 2xx and counted
    std::uint64_t refused = 0;    ///< by 4xx
    std::uint64_t throttled = 0;  ///< by 429
    std::uint64_t not_kept = 0;   ///< by 503
  };

  void open();
  void unavailable(const std::string& why);
  Task<link::HttpResponse> answer(link::HttpRequest request);
  Task<link::HttpResponse> admitted(link::HttpRequest request, Lang lang);
  Task<link::HttpResponse> post(std::string path, boost::json::object body, Lang lang);
  Task<link::HttpResponse> enter(std::function<Entered(Ledger&, Outbox&)> what, std::string id,
                                 int written, Lang lang);
  Task<link::HttpResponse> take_result(NamedResult told, Lang lang);
  Task<link::HttpResponse> take_use(pb::ConsumableUse use, Lang lang);
  Task<link::HttpResponse> overview();
  std::optional<Refusal> throttle(double cost);
  link::HttpResponse refused(const Refusal& refusal, Lang lang);
  bool knows(const std::string& device) const;
  link::HttpResponse worded(int status, const link::HttpRequest& request,
                            const std::string& why) const;

  asio::any_io_executor executor_;
  Journal& journal_;
  Serving& serving_;
  const Clock& clock_;
  Hands hands_;
  std::shared_ptr<Ledger> ledger_;  ///< used on the outbox's thread, shared with what waits there
  AssistantSettings settings_;
  Lang lang_ = Lang::zh_cn;
  std::vector<std::string> devices_;
  Gate gate_;
  Rate rate_{1};
  Counters counters_;
  std::uint64_t throttled_told_ = 0;
  std::optional<MonoTime> told_at_;
  std::unique_ptr<link::HttpServer> server_;
  std::optional<link::Endpoint> address_;
  std::string problem_;
  bool stopped_ = false;
};

}  // namespace kw::agent
