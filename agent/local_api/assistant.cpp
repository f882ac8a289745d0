#include "agent/local_api/assistant.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "agent/local_api/messages.hpp"
#include "agent/local_api/openapi.hpp"
#include "agent/local_api/token.hpp"
#include "common/log.hpp"

namespace kw::agent {
namespace {

namespace json = boost::json;

constexpr std::size_t body_most = 64 * 1024;
constexpr std::size_t connections_most = 32;
constexpr auto request_within = std::chrono::seconds{5};
constexpr auto idle_most = std::chrono::seconds{10};
constexpr auto look_every = std::chrono::seconds{1};
constexpr auto tell_every = std::chrono::minutes{1};
constexpr const char* retry_not_kept_s = "5";
constexpr std::string_view sessions = "/v1/sessions";
constexpr std::array<std::string_view, 5> posted{"/v1/sessions", "/v1/transactions", "/v1/clicks",
                                                 "/v1/consumable-use", "/v1/device-results"};
constexpr std::array<std::string_view, 2> got{"/v1/status", "/v1/openapi.yaml"};

link::HttpResponse json_response(int status, std::string body) {
  link::HttpResponse out;
  out.status = status;
  out.headers["Content-Type"] = "application/json; charset=utf-8";
  out.headers["Cache-Control"] = "no-store";
  out.body = std::move(body);
  return out;
}

/// The id in "/v1/sessions/ID/end".
std::optional<std::string> ended_session(std::string_view path) {
  constexpr std::string_view tail = "/end";
  if (!path.starts_with(sessions) || !path.ends_with(tail)) return std::nullopt;
  path.remove_prefix(sessions.size());
  path.remove_suffix(tail.size());
  if (path.size() < 2 || path.front() != '/' || path.find('/', 1) != std::string_view::npos) {
    return std::nullopt;
  }
  return std::string{path.substr(1)};
}

/// How much a request weighs against the rate: what it may add to the outbox.
double cost_of(const json::object& body) {
  const auto* clicks = body.if_contains("clicks");
  const auto* list = clicks == nullptr ? nullptr : clicks->if_array();
  return list == nullptr ? 1.0 : std::clamp(static_cast<double>(list->size()), 1.0, 100.0);
}

/// What an application may know of a device: whether to offer what needs it.
json::object shown(const json::object& device) {
  constexpr std::array<std::string_view, 9> keys{
      "name", "kind", "health", "device_state", "media", "evidence", "since", "age_ms", "enabled"};
  json::object out;
  for (const auto key : keys) {
    const auto* value = device.if_contains(key);
    out[key] = value == nullptr ? json::value(nullptr) : *value;
  }
  for (const std::string_view key : {"conditions", "consumables"}) {
    const auto* value = device.if_contains(key);
    out[key] = value == nullptr ? json::value(json::array{}) : *value;
  }
  return out;
}

}  // namespace

Assistant::Assistant(asio::any_io_executor executor, Journal& journal, Serving& serving,
                     const Clock& clock, std::string boot_id, Hands hands)
    : executor_(std::move(executor)),
      journal_(journal),
      serving_(serving),
      clock_(clock),
      hands_(std::move(hands)),
      ledger_(std::make_shared<Ledger>(clock, serving, std::move(boot_id))) {}

void Assistant::use(const AssistantSettings& settings, Lang lang,
                    std::vector<std::string> devices) {
  lang_ = lang;
  devices_ = std::move(devices);
  const bool running = server_ != nullptr;
  if (!stopped_ && !settings.on) {
    journal_.post([ledger = ledger_](Outbox& outbox) { ledger->close(outbox); });
  }
  if (stopped_ || (same(settings, settings_) && running == settings.on)) return;
  settings_ = settings;
  if (server_) server_->stop();
  server_.reset();
  address_.reset();
  problem_.clear();
  if (settings_.on) open();
}

void Assistant::open() {
  // Also when nothing can be served: a session that an earlier run left has to end.
  journal_.post([ledger = ledger_, timeout = settings_.session_timeout](Outbox& outbox) {
    ledger->begin(outbox, timeout);
  });
  auto token = token_in(settings_.token_file, settings_.readers);
  if (!token) return unavailable(token.error().text());
  gate_ = {settings_.origins, std::move(*token)};
  rate_ = Rate{settings_.events_per_s};
  link::HttpLimits limits;
  limits.body = body_most;
  limits.connections = connections_most;
  limits.request = request_within;
  limits.idle = idle_most;
  limits.word = [this](int status, const link::HttpRequest& request, const std::string& why) {
    return worded(status, request, why);
  };
  auto answer_each = [this](link::HttpRequest request) { return answer(std::move(request)); };
  auto server =
      std::make_unique<link::HttpServer>(executor_, std::move(answer_each), std::move(limits));
  const auto at = server->listen(settings_.listen);
  if (!at) return unavailable(at.error().text());
  server_ = std::move(server);
  address_ = *at;
  log::info("assistant-listening", {{"address", at->text()}});
}

void Assistant::unavailable(const std::string& why) {
  problem_ = why;
  log::error("assistant-unavailable", {{"reason", why}});
  journal_.post_note("assistant-unavailable", why);
}

void Assistant::stop() {
  stopped_ = true;
  if (server_) server_->stop();
  address_.reset();
}

Task<void> Assistant::run() {
  while (!stopped_) {
    co_await sleep_for(look_every);
    if (stopped_) co_return;
    // Without a server too: nobody else ends a session that was open when it went.
    journal_.post([ledger = ledger_](Outbox& outbox) { ledger->expire(outbox); });
    const auto now = clock_.mono();
    const bool due = !told_at_ || now - *told_at_ >= tell_every;
    if (counters_.throttled == throttled_told_ || !due) continue;
    const auto more = counters_.throttled - throttled_told_;
    throttled_told_ = counters_.throttled;
    told_at_ = now;
    log::warning("assistant-throttled", {{"requests", more}});
    journal_.post_note("assistant-throttled", fmt::format("requests={}", more));
  }
}

bool Assistant::knows(const std::string& device) const {
  return std::ranges::find(devices_, device) != devices_.end();
}

std::optional<Refusal> Assistant::throttle(double cost) {
  if (rate_.take(cost, clock_.mono())) return std::nullopt;
  return refuse(429, "too-many", {}, message::too_many, settings_.events_per_s, rate_.wait_s(cost));
}

link::HttpResponse Assistant::refused(const Refusal& refusal, Lang lang) {
  auto out = kw::agent::answer(refusal, lang);
  out.headers["Cache-Control"] = "no-store";
  switch (refusal.status) {
    case 401:
      out.headers["WWW-Authenticate"] = "Bearer realm=\"kioskwatch\"";
      [[fallthrough]];
    case 403:
      // Who may not ask takes no seat from those who may.
      out.headers["Connection"] = "close";
      break;
    case 503:
      out.headers["Retry-After"] = retry_not_kept_s;
      ++counters_.not_kept;
      return out;
    case 429:
      ++counters_.throttled;
      return out;
    default:
      break;
  }
  ++counters_.refused;
  return out;
}

/// What the HTTP server refuses before we see it.
link::HttpResponse Assistant::worded(int status, const link::HttpRequest& request,
                                     const std::string& why) const {
  const auto lang = preferred(header(request, "accept-language"), lang_);
  Refusal refusal;
  switch (status) {
    case 413:
      refusal = refuse(status, "too-large", {}, message::too_large, body_most);
      break;
    case 431:
      refusal = refuse(status, "header-too-large", {}, message::header_too_large);
      break;
    case 500:
      refusal = refuse(status, "failed", {}, message::failed);
      break;
    case 503:
      refusal = refuse(status, "busy", {}, message::busy);
      break;
    default:
      refusal = refuse(status, "bad-request", {}, message::broken, why);
      break;
  }
  auto out = kw::agent::answer(refusal, lang);
  if (status == 503) out.headers["Retry-After"] = "1";
  allow_page(out, request, gate_);
  return out;
}

Task<link::HttpResponse> Assistant::answer(link::HttpRequest request) {
  const auto lang = preferred(header(request, "accept-language"), lang_);
  link::HttpResponse out;
  auto stranger = refuse_stranger(request, gate_);
  if (stranger) {
    out = refused(*stranger, lang);
  } else if (is_preflight(request)) {
    out = preflight(request);
  } else {
    out = co_await admitted(request, lang);
  }
  allow_page(out, request, gate_);
  co_return out;
}

Task<link::HttpResponse> Assistant::admitted(link::HttpRequest request, Lang lang) {
  if (auto wrong = refuse_without_token(request, gate_)) co_return refused(*wrong, lang);
  const auto path = request.target.substr(0, request.target.find('?'));
  const bool get = std::ranges::find(got, path) != got.end();
  const bool post_it = std::ranges::find(posted, path) != posted.end() || ended_session(path);
  if (!get && !post_it) {
    co_return refused(refuse(404, "no-such-path", {}, message::no_such_path, path.substr(0, 100)),
                      lang);
  }
  const std::string_view method = get ? "GET" : "POST";
  if (request.method != method) {
    auto out = refused(
        refuse(405, "wrong-method", {}, message::wrong_method, path, std::string{method}), lang);
    out.headers["Allow"] = method;
    co_return out;
  }
  json::object body;
  if (post_it) {
    if (!header(request, "content-type").starts_with("application/json")) {
      co_return refused(refuse(415, "not-json", {}, message::not_json_type), lang);
    }
    auto read = read_body(request.body);
    if (read.wrong) co_return refused(*read.wrong, lang);
    body = std::move(read.value);
  }
  const auto cost = cost_of(body);
  if (auto wrong = throttle(cost)) {
    auto out = refused(*wrong, lang);
    out.headers["Retry-After"] = std::to_string(rate_.wait_s(cost));
    co_return out;
  }
  if (post_it) co_return co_await post(path, std::move(body), lang);
  if (path == "/v1/status") co_return co_await overview();
  link::HttpResponse out;
  out.headers["Content-Type"] = "application/yaml; charset=utf-8";
  out.body = assistant_openapi();
  co_return out;
}

Task<link::HttpResponse> Assistant::post(std::string path, json::object body, Lang lang) {
  std::optional<Refusal> wrong;
  const auto good = [&wrong](auto& read) {
    wrong = std::move(read.wrong);
    return !wrong;
  };
  if (const auto session = ended_session(path)) {
    auto read = read_session_end(body);
    if (!good(read)) co_return refused(*wrong, lang);
    std::function enter_it = [id = *session, reason = read.value](Ledger& ledger, Outbox& outbox) {
      return ledger.end_session(outbox, id, reason);
    };
    co_return co_await enter(std::move(enter_it), *session, 200, lang);
  }
  if (path == sessions) {
    auto read = read_session(body);
    if (!good(read)) co_return refused(*wrong, lang);
    const auto id = read.value.id();
    std::function enter_it = [told = std::move(read.value)](Ledger& ledger, Outbox& outbox) {
      return ledger.begin_session(outbox, told);
    };
    co_return co_await enter(std::move(enter_it), id, 201, lang);
  }
  if (path == "/v1/transactions") {
    auto read = read_transaction(body);
    if (!good(read)) co_return refused(*wrong, lang);
    const auto id = read.value.id();
    std::function enter_it = [told = std::move(read.value)](Ledger& ledger, Outbox& outbox) {
      return ledger.transaction(outbox, told);
    };
    co_return co_await enter(std::move(enter_it), id, 201, lang);
  }
  if (path == "/v1/clicks") {
    auto read = read_clicks(body);
    if (!good(read)) co_return refused(*wrong, lang);
    const auto id = read.value.id();
    std::function enter_it = [told = std::move(read.value)](Ledger& ledger, Outbox& outbox) {
      return ledger.clicks(outbox, told);
    };
    co_return co_await enter(std::move(enter_it), id, 201, lang);
  }
  if (path == "/v1/consumable-use") {
    auto read = read_use(body);
    if (!good(read)) co_return refused(*wrong, lang);
    co_return co_await take_use(std::move(read.value), lang);
  }
  auto read = read_device_result(body);
  if (!good(read)) co_return refused(*wrong, lang);
  co_return co_await take_result(std::move(read.value), lang);
}

Task<link::HttpResponse> Assistant::enter(std::function<Entered(Ledger&, Outbox&)> what,
                                          std::string id, int written, Lang lang) {
  const auto entering = [ledger = ledger_, &what](Outbox& outbox) { return what(*ledger, outbox); };
  auto entered = co_await journal_.ask(entering);
  switch (entered.how) {
    case Entered::How::written:
      ++counters_.taken;
      co_return json_response(written, std::move(entered.body));
    case Entered::How::again: {
      auto out = json_response(written, std::move(entered.body));
      out.headers["Idempotency-Replayed"] = "true";
      co_return out;
    }
    case Entered::How::id_reused:
      co_return refused(refuse(409, "id-reused", "id", message::id_reused, id), lang);
    case Entered::How::no_session:
      co_return refused(refuse(404, "no-such-session", {}, message::no_session, id.substr(0, 100)),
                        lang);
    case Entered::How::session_over:
      co_return refused(refuse(409, "session-over", {}, message::session_over, id, entered.reason),
                        lang);
    case Entered::How::not_kept:
      break;
  }
  co_return refused(refuse(503, "not-kept", {}, message::not_kept), lang);
}

Task<link::HttpResponse> Assistant::take_use(pb::ConsumableUse use, Lang lang) {
  if (!knows(use.device())) {
    co_return refused(
        refuse(400, "unknown-device", "device", message::unknown_device, "device", use.device()),
        lang);
  }
  const auto id = use.id();
  std::function enter_it = [this, lang, told = std::move(use)](Ledger& ledger, Outbox& outbox) {
    auto out = ledger.use(outbox, told);
    if (out.how != Entered::How::written) return out;
    if (const auto counted = hands_.used(told, lang); !counted) {
      // The use stands and is told; only the level that is reckoned here does not know what it is.
      out.body.pop_back();
      out.body += ",\"not_counted\":" + json::serialize(json::value(counted.error().text())) + "}";
    }
    return out;
  };
  co_return co_await enter(std::move(enter_it), id, 201, lang);
}

Task<link::HttpResponse> Assistant::take_result(NamedResult told, Lang lang) {
  if (!knows(told.device)) {
    co_return refused(
        refuse(400, "unknown-device", "device", message::unknown_device, "device", told.device),
        lang);
  }
  const auto writable = [](Outbox& outbox) { return outbox.stats().on_disk; };
  const bool kept = co_await journal_.ask(writable);
  if (!kept) co_return refused(refuse(503, "not-kept", {}, message::not_kept), lang);
  told.result.at = clock_.mono();
  const auto at = clock_.wall();
  const auto taken = hands_.device_result(told.device, std::move(told.result), lang);
  if (!taken) {
    const auto& why = taken.error().text();  // worded in `lang`, whichever of the two is taken
    co_return refused({409, "device-not-watched", "device", why, why}, lang);
  }
  // What it means for the device was queued for the disk just now: this waits behind it.
  co_await journal_.ask(writable);
  ++counters_.taken;
  json::object body;
  body["device"] = told.device;
  body["received_at"] = rfc3339(at);
  co_return json_response(202, json::serialize(body));
}

Task<link::HttpResponse> Assistant::overview() {
  json::object body;
  body["version"] = KW_VERSION;
  const auto open = serving_.open();
  json::value session;
  if (open) session = json::object{{"id", open->session}, {"since", rfc3339(open->since)}};
  body["session"] = std::move(session);
  json::array devices;
  const auto known = co_await hands_.devices();
  for (const auto& device : known) devices.push_back(shown(device.as_object()));
  body["devices"] = std::move(devices);
  co_return json_response(200, json::serialize(body));
}

json::object Assistant::status() const {
  json::object out;
  out["enabled"] = settings_.on;
  out["address"] = address_ ? json::value(address_->text()) : json::value(nullptr);
  out["problem"] = problem_.empty() ? json::value(nullptr) : json::value(problem_);
  out["taken"] = counters_.taken;
  out["refused"] = counters_.refused;
  out["throttled"] = counters_.throttled;
  out["not_kept"] = counters_.not_kept;
  out["session"] = nullptr;
  out["last_session"] = nullptr;
  if (const auto open = serving_.open()) {
    out["session"] = json::object{
        {"id", open->session}, {"application", open->application}, {"since", rfc3339(open->since)}};
  }
  if (const auto ended = serving_.ended()) {
    out["last_session"] = json::object{
        {"id", ended->session}, {"reason", ended->reason}, {"ended", rfc3339(ended->at)}};
  }
  return out;
}

}  // namespace kw::agent
