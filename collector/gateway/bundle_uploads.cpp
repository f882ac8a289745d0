#include "collector/gateway/bundle_uploads.hpp"

#include <functional>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "collector/model/remote.hpp"
#include "collector/writer/act.hpp"
#include "common/identity/keys.hpp"
#include "common/log.hpp"

namespace kw::collector {
namespace {

namespace json = boost::json;

constexpr std::string_view prefix = "/kioskwatch/v1/bundles/";
constexpr auto upload_within = std::chrono::minutes{2};  // 35 KB/s
constexpr std::string_view try_again_s = "15";

link::HttpResponse problem(int status, std::string_view code, std::string_view detail) {
  link::HttpResponse out;
  out.status = status;
  out.headers["content-type"] = "application/problem+json";
  out.body = json::serialize(json::object{{"type", "about:blank"},
                                          {"status", status},
                                          {"title", code},
                                          {"code", code},
                                          {"detail", detail}});
  return out;
}

link::BodyGrant instead(link::HttpResponse answer) {
  link::BodyGrant out;
  out.instead = std::move(answer);
  return out;
}

/// The command, when it waits for a bundle of this terminal. Another terminal's is as unknown as
/// none.
Result<Command> waiting(Store& store, const std::string& id, TerminalKey terminal, WallTime now) {
  auto command = store.find_command(id);
  if (!command || command->terminal != terminal || command->verb != "log-bundle") {
    return Error{Errc::missing, "no command of this kiosk waits for a bundle under that id"};
  }
  if (!open(command->state) || command->expires_at <= now) {
    return Error{Errc::refused, "the command has ended: " + std::string{name(command->state)}};
  }
  return std::move(*command);
}

link::HttpResponse problem(const Error& why) {
  if (why.code() == Errc::missing) return problem(404, "not-found", why.text());
  if (why.code() == Errc::refused) return problem(409, "not-possible-now", why.text());
  return problem(500, "internal", why.text());
}

}  // namespace

BundleUploads::BundleUploads(Writer& writer, const Registry& registry, const BundleFiles& store,
                             Worker& files, const Clock& clock)
    : writer_(writer), registry_(registry), store_(store), files_(files), clock_(clock) {}

bool BundleUploads::is_upload(std::string_view target) { return target.starts_with(prefix); }

const CertificateRow* BundleUploads::sender(const link::PeerCertificate& peer) const {
  // Asked for each request: a connection outlives the handshake at which it was admitted.
  if (!peer.present || peer.expired || registry_.admit(peer, clock_.wall())) return nullptr;
  return registry_.find(peer.serial);
}

Task<link::BodyGrant> BundleUploads::allow(link::HttpRequest head, link::PeerCertificate peer) {
  if (head.method != "PUT") co_return instead(problem(405, "method-not-allowed", "PUT only"));
  const auto* row = sender(peer);
  if (row == nullptr) {
    co_return instead(problem(403, "no-certificate", "a kiosk's certificate in order is needed"));
  }
  if (*under_way_ >= at_a_time) {
    auto busy = problem(503, "busy", "other kiosks are sending bundles: try again");
    busy.headers["retry-after"] = try_again_s;
    co_return instead(std::move(busy));
  }
  // Counted before the first wait: whoever asks meanwhile sees it.
  ++*under_way_;
  link::BodyGrant grant;
  grant.seat = std::shared_ptr<void>{nullptr, [count = under_way_](void*) { --*count; }};
  std::function<Result<Command>(Work&)> look = [id = head.target.substr(prefix.size()),
                                                terminal = row->terminal](Work& work) {
    return waiting(work.store(), id, terminal, work.now());
  };
  const auto command = co_await act(writer_, std::move(look));
  if (!command) co_return instead(problem(command.error()));
  grant.bytes = body_limit;
  grant.within = upload_within;
  co_return grant;
}

Task<link::HttpResponse> BundleUploads::answer(link::HttpRequest request,
                                               link::PeerCertificate peer) {
  const auto* row = sender(peer);
  if (row == nullptr) co_return problem(403, "no-certificate", "a kiosk's certificate is needed");
  if (request.method != "PUT") co_return problem(405, "method-not-allowed", "PUT only");
  if (request.body.empty()) co_return problem(400, "bad-input", "the bundle is empty");
  const auto terminal = row->terminal;
  const auto terminal_code = row->terminal_code;
  const auto id = request.target.substr(prefix.size());
  // Asked again: the upload took its time, and what is no id of ours must not become a file's name.
  std::function<Result<Command>(Work&)> look = [id, terminal](Work& work) {
    return waiting(work.store(), id, terminal, work.now());
  };
  const auto command = co_await act(writer_, std::move(look));
  if (!command) co_return problem(command.error());
  const auto bytes = request.body.size();
  auto save = [this, terminal_code, id = command->id, body = std::move(request.body),
               now = clock_.wall()]() -> Result<std::string> {
    auto saved = store_.save(terminal_code, id, body, now);
    if (!saved) return std::move(saved).error();
    return identity::sha256_hex(body);
  };
  const auto sha256 = co_await files_.run(std::move(save));
  if (!sha256) {
    log::error("bundle-not-kept", {{"terminal", terminal_code}, {"reason", sha256.error()}});
    co_return problem(500, "not-kept", "the bundle could not be written");
  }
  std::function<Result<bool>(Work&)> note = [id, hash = *sha256, bytes](Work& work) {
    auto known = work.store().find_command(id);
    if (!known) return Result<bool>{Error{Errc::missing, "the command is gone"}};
    known->bundle_sha256 = hash;
    known->bundle_bytes = static_cast<std::int64_t>(bytes);
    work.store().update_command(*known);
    return Result<bool>{true};
  };
  const auto noted = co_await act(writer_, std::move(note));
  if (!noted) co_return problem(noted.error());
  log::info("bundle-kept", {{"terminal", terminal_code}, {"command", id}, {"bytes", bytes}});
  link::HttpResponse out;
  out.headers["content-type"] = "application/json";
  out.body = json::serialize(json::object{{"command", id}, {"sha256", *sha256}, {"bytes", bytes}});
  co_return out;
}

}  // namespace kw::collector
