#include "collector/api/api.hpp"

#include <utility>

#include <boost/json/parse.hpp>
#include <boost/url/parse.hpp>
#include <fmt/format.h>

#include "collector/api/json.hpp"
#include "collector/api/metrics.hpp"
#include "collector/api/openapi.hpp"
#include "collector/api/problem.hpp"
#include "collector/api/request.hpp"
#include "collector/orders/desk.hpp"
#include "collector/page/page.hpp"
#include "collector/writer/act.hpp"
#include "common/wire/conditions.hpp"

namespace kw::collector {
namespace {

namespace json = boost::json;

constexpr std::string_view live_path = "/api/v1/live";
constexpr std::size_t note_limit = 2'000;
constexpr auto writer_answers_within = std::chrono::seconds{5};

/// Requests from this machine only, and by this machine's own name: a page of another site that a
/// browser here has open must not be able to act (DNS rebinding, cross-site posts).
bool own_host(std::string_view host) {
  const auto bracket = host.find(']');
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    host = host.substr(0, colon);
  }
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

bool loopback(std::string_view remote) {
  return remote.starts_with("127.") || remote.starts_with("[::1]") || remote.starts_with("::1") ||
         remote.starts_with("[::ffff:127.");
}

Subject subject_of(const link::HttpRequest& request) {
  Subject subject{.from = request.remote};
  if (loopback(request.remote)) subject.kind = Subject::Kind::loopback_administrator;
  return subject;
}

std::optional<link::HttpResponse> refuse_stranger(const link::HttpRequest& request,
                                                  const Subject& subject) {
  auto allowed = authorize(subject, "read", request.target);
  if (!allowed) return problem(403, "not-from-here", allowed.error().text());
  if (own_host(header(request, "host"))) return std::nullopt;
  return problem(403, "wrong-host", "ask by localhost, 127.0.0.1 or [::1]");
}

bool is_day(std::string_view text) {
  if (text.size() != 10) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 4 || i == 7;
    if (dash ? text[i] != '-' : (text[i] < '0' || text[i] > '9')) return false;
  }
  return true;
}

/// What the codes of conditions and faults say; those of one driver alone are not among them.
link::HttpResponse conditions(const std::map<std::string, std::string, std::less<>>& query) {
  auto known = only(query, {});
  if (!known) return problem(known.error());
  json::array items;
  for (const auto& row : wire::standard_conditions()) {
    items.push_back(json::object{{"code", row.code},
                                 {"severity", wire::name(row.severity)},
                                 {"zh", row.text.zh},
                                 {"en", row.text.en}});
  }
  return json_response(json::object{{"items", std::move(items)}});
}

/// What the three verbs of the API are as steps of the order.
std::vector<OrderAction> steps_of(std::string_view verb) {
  if (verb == "accept") return {OrderAction::accept};
  if (verb == "resolve") return {OrderAction::resolve};
  if (verb == "close") return {OrderAction::waive_confirmation, OrderAction::close};
  return {};
}

}  // namespace

Api::Api(Writer& writer, ReaderPool& readers, std::function<GatewayFigures()> gateway,
         IdentityRoutes::Revoked revoked, const BundleFiles& bundles, Worker& files)
    : identities_(writer, readers, std::move(revoked)),
      writer_(writer),
      readers_(readers),
      gateway_(std::move(gateway)),
      remote_(writer, readers, bundles, files) {}

Task<link::HttpResponse> Api::answer(link::HttpRequest request) {
  const auto subject = subject_of(request);
  auto stranger = refuse_stranger(request, subject);
  if (stranger) co_return std::move(*stranger);
  const auto url = boost::urls::parse_origin_form(request.target);
  if (!url) co_return problem(400, "bad-input", "the request target is not a path");
  Parameters query;
  for (const auto& parameter : url->params()) query[parameter.key] = parameter.value;
  const std::string path = url->path();
  if (RemoteApi::serves(path)) {
    co_return co_await remote_.answer(path, std::move(query), std::move(request), subject);
  }
  if (request.method == "GET" || request.method == "HEAD") {
    auto file = page_file(path, request.headers["if-none-match"]);
    if (file) co_return std::move(*file);
    co_return co_await get(path, std::move(query));
  }
  if (request.method == "POST") co_return co_await post(path, std::move(request), subject);
  co_return problem(405, "method-not-allowed", "GET, HEAD and POST only");
}

std::optional<link::HttpResponse> Api::refuse_socket(const link::HttpRequest& request) const {
  if (auto stranger = refuse_stranger(request, subject_of(request))) return stranger;
  if (auto foreign = refuse_foreign_page(request)) return foreign;
  if (request.target == live_path) return std::nullopt;
  return problem(404, "not-found", "the live feed is at " + std::string{live_path});
}

Task<link::HttpResponse> Api::get(std::string path, Parameters query) {
  if (path == "/healthz") co_return co_await health();
  if (path == "/metrics") co_return co_await metrics();
  if (path == live_path) {
    auto upgrade = problem(426, "upgrade-required", "the live feed is a WebSocket");
    upgrade.headers["upgrade"] = "websocket";
    co_return upgrade;
  }
  if (!path.starts_with(api_prefix)) {
    co_return problem(404, "not-found",
                      "the API is under /api/v1/, described by /api/v1/openapi.yaml");
  }
  path.erase(0, api_prefix.size());
  if (path == "openapi.yaml") {
    link::HttpResponse out;
    out.headers["content-type"] = "application/yaml";
    out.body = openapi_yaml();
    co_return out;
  }
  if (path == "provisioning") co_return co_await identities_.list();
  if (path == "conditions") co_return conditions(query);
  if (path == "stats/faults") co_return co_await fault_statistics(std::move(query));
  const auto page = page_of(query);
  if (!page) co_return problem(page.error());
  const std::string terminal = value_of(query, "terminal");

  if (path == "terminals") {
    auto known = only(query, {"limit", "cursor", "state", "q"});
    if (!known) co_return problem(known.error());
    TerminalFilter filter{.state = {}, .text = value_of(query, "q")};
    const auto wanted = value_of(query, "state");
    for (const auto one : all_terminal_states) {
      if (name(one) == wanted) filter.state = one;
    }
    if (!wanted.empty() && !filter.state) {
      co_return problem(400, "bad-input",
                        "state: online, fault, offline, switched_off or maintenance");
    }
    std::function ask = [page = *page, filter](Queries& q) { return q.terminals(page, filter); };
    const auto rows = co_await readers_.read(std::move(ask));
    if (!rows) co_return problem(rows.error());
    co_return json_response(listing(*rows));
  }
  if (path.starts_with("terminals/")) {
    std::function ask = [code = path.substr(10)](Queries& q) { return q.terminal(code); };
    const auto row = co_await readers_.read(std::move(ask));
    if (!row) co_return problem(row.error());
    co_return json_response(to_json(*row));
  }
  if (path == "devices" || path == "consumables") {
    auto known = only(query, {"limit", "cursor", "terminal"});
    if (!known) co_return problem(known.error());
    std::function ask = [page = *page, terminal](Queries& q) { return q.devices(page, terminal); };
    const auto rows = co_await readers_.read(std::move(ask));
    if (!rows) co_return problem(rows.error());
    if (path == "devices") co_return json_response(listing(*rows));
    json::array items;
    for (const auto& row : rows->items) {
      for (auto& one : consumables_json(row)) items.push_back(std::move(one));
    }
    json::object out{
        {"items", std::move(items)},
        {"next_cursor", rows->next.empty() ? json::value(nullptr) : json::value(rows->next)}};
    co_return json_response(out);
  }
  if (path == "faults") {
    auto known = only(query, {"limit", "cursor", "terminal", "code", "state"});
    if (!known) co_return problem(known.error());
    FaultFilter filter{terminal, value_of(query, "code"), std::nullopt};
    const auto wanted = value_of(query, "state");
    if (wanted == "open" || wanted == "cleared") {
      filter.open = wanted == "open";
    } else if (!wanted.empty()) {
      co_return problem(400, "bad-input", "state: open or cleared");
    }
    std::function ask = [page = *page, filter](Queries& q) { return q.faults(page, filter); };
    const auto rows = co_await readers_.read(std::move(ask));
    if (!rows) co_return problem(rows.error());
    co_return json_response(listing(*rows));
  }
  if (path == "orders") {
    auto known = only(query, {"limit", "cursor", "terminal", "state"});
    if (!known) co_return problem(known.error());
    const auto wanted = value_of(query, "state");
    OrderFilter filter{.terminal = terminal, .state = {}, .open = wanted == "open"};
    if (!wanted.empty() && !filter.open) {
      filter.state = order_state_from(wanted);
      if (!filter.state) co_return problem(400, "bad-input", "state: no order state " + wanted);
    }
    std::function ask = [page = *page, filter](Queries& q) { return q.orders(page, filter); };
    const auto rows = co_await readers_.read(std::move(ask));
    if (!rows) co_return problem(rows.error());
    co_return json_response(listing(*rows));
  }
  if (path.starts_with("orders/")) {
    std::function ask = [id = path.substr(7)](Queries& q) { return q.order(id); };
    const auto row = co_await readers_.read(std::move(ask));
    if (!row) co_return problem(row.error());
    co_return json_response(to_json(*row));
  }
  co_return problem(404, "not-found", "no such resource: " + path);
}

Task<link::HttpResponse> Api::fault_statistics(Parameters query) {
  auto known = only(query, {"from", "to"});
  if (!known) co_return problem(known.error());
  const std::string from = query.contains("from") ? query["from"] : "0000-01-01";
  const std::string to = query.contains("to") ? query["to"] : "9999-12-31";
  if (!is_day(from) || !is_day(to)) {
    co_return problem(400, "bad-input", "from and to: a day as YYYY-MM-DD, to is exclusive");
  }
  std::function ask_days = [from, to](Queries& q) { return q.fault_days(from, to); };
  const auto days = co_await readers_.read(std::move(ask_days));
  if (!days) co_return problem(days.error());
  std::function ask_figures = [](Queries& q) { return q.figures(); };
  const auto figures = co_await readers_.read(std::move(ask_figures));
  if (!figures) co_return problem(figures.error());
  json::array by_day;
  for (const auto& day : *days) by_day.push_back(to_json(day));
  json::object out{{"terminals_by_state", to_json(figures->terminals)},
                   {"open_faults", figures->open_faults},
                   {"faults_by_code_and_day", std::move(by_day)}};
  co_return json_response(out);
}

Task<link::HttpResponse> Api::post(std::string path, link::HttpRequest request, Subject subject) {
  const std::string orders = std::string{api_prefix} + "orders/";
  const auto slash = path.rfind('/');
  const bool identity = path.starts_with(api_prefix) &&
                        IdentityRoutes::takes(std::string_view{path}.substr(api_prefix.size()));
  if (!identity && (!path.starts_with(orders) || slash < orders.size())) {
    co_return problem(404, "not-found",
                      "POST goes to what /api/v1/openapi.yaml lists, such as "
                      "/api/v1/orders/{id}/accept, resolve or close");
  }
  // A form of another site cannot send this type without the browser asking us first.
  const auto type = request.headers["content-type"];
  if (!request.body.empty() && !type.starts_with("application/json")) {
    co_return problem(415, "not-json", "send application/json");
  }
  auto foreign = refuse_foreign_page(request);
  if (foreign) co_return std::move(*foreign);
  if (identity) {
    co_return co_await identities_.post(path.substr(api_prefix.size()), std::move(request.body),
                                        subject);
  }
  co_return co_await act_on_order(path.substr(orders.size(), slash - orders.size()),
                                  path.substr(slash + 1), std::move(request.body), subject);
}

Task<link::HttpResponse> Api::act_on_order(std::string order, std::string action, std::string body,
                                           Subject subject) {
  const auto steps = steps_of(action);
  if (steps.empty()) co_return problem(404, "not-found", "an order can accept, resolve or close");
  std::string note;
  if (!body.empty()) {
    boost::system::error_code error;
    const auto value = json::parse(body, error);
    const auto* object = error ? nullptr : value.if_object();
    if (object == nullptr) co_return problem(400, "bad-input", "the body is not a JSON object");
    for (const auto& [key, member] : *object) {
      if (key != "note" || !member.is_string()) {
        co_return problem(400, "bad-input", "the body may hold one text: note");
      }
      note = member.as_string();
    }
  }
  if (note.size() > note_limit) co_return problem(400, "bad-input", "note: at most 2000 bytes");
  std::function<Result<std::string>(Work&)> deed = [=](Work& work) -> Result<std::string> {
    auto& store = work.store();
    auto found = store.find_order(order);
    if (!found) return Error{Errc::refused, {}};
    for (const auto step : steps) {
      auto allowed = authorize(subject, "order." + std::string{name(step)}, found->number);
      if (!allowed) return std::move(allowed).error();
      auto changes =
          collector::act_on_order(*found, step, subject.name(), subject.from, note, work.now());
      if (!changes) return std::move(changes).error();
      work.apply(found->terminal, *changes);
    }
    work.forget(found->terminal);
    return found->id;
  };
  const auto done = co_await act(writer_, std::move(deed));
  if (!done && done.error().text().empty()) {
    co_return problem(404, "not-found", "no order " + order);
  }
  if (!done) co_return problem(done.error());
  std::function ask = [id = *done](Queries& q) { return q.order(id); };
  const auto row = co_await readers_.read(std::move(ask));
  if (!row) co_return problem(row.error());
  co_return json_response(to_json(*row));
}

Task<link::HttpResponse> Api::health() {
  // Healthy means that data moves: a write has to come back committed.
  std::function<Result<bool>(Work&)> pulse = [](Work& work) -> Result<bool> {
    work.store().touch(work.now());
    return true;
  };
  const auto moved = co_await with_deadline(act(writer_, std::move(pulse)), writer_answers_within);
  if (!moved && moved.error().code() != Errc::timeout) {
    co_return problem(
        503, "not-writable",
        "nothing can be stored now, kiosks keep what they have: " + moved.error().text() +
            "; make room on the collector's disk if it is full");
  }
  if (!moved) co_return problem(503, "writer-stands-still", moved.error().text());
  const auto figures = writer_.figures();
  if (figures.failing) {
    co_return problem(503, "events-not-stored",
                      "the last events could not be committed: see the log");
  }
  json::object out{{"status", "ok"},
                   {"last_commit_at", rfc3339(figures.last_commit)},
                   {"queued", figures.queued},
                   {"sessions", gateway_().sessions},
                   {"draining", gateway_().draining}};
  co_return json_response(out);
}

Task<link::HttpResponse> Api::metrics() {
  std::function ask = [](Queries& q) { return q.figures(); };
  const auto store = co_await readers_.read(std::move(ask));
  if (!store) co_return problem(store.error());
  link::HttpResponse out;
  out.headers["content-type"] = "text/plain; version=0.0.4; charset=utf-8";
  out.body = prometheus(writer_.figures(), gateway_(), *store);
  co_return out;
}

}  // namespace kw::collector
