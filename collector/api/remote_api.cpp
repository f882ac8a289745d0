#include "collector/api/remote_api.hpp"

#include <functional>
#include <utility>

#include "collector/api/problem.hpp"
#include "collector/api/remote_json.hpp"
#include "collector/remote/acts.hpp"
#include "collector/writer/act.hpp"

namespace kw::collector {
namespace {

struct Route {
  std::string_view key;   ///< a terminal code or a command's id
  std::string_view what;  ///< what of it; empty: itself
};

/// "terminals/K1/commands" after the kind "terminals/".
std::optional<Route> route(std::string_view path, std::string_view kind) {
  if (!path.starts_with(api_prefix)) return std::nullopt;
  path.remove_prefix(api_prefix.size());
  if (!path.starts_with(kind)) return std::nullopt;
  path.remove_prefix(kind.size());
  const auto slash = path.find('/');
  if (slash == std::string_view::npos) return Route{path, {}};
  return Route{path.substr(0, slash), path.substr(slash + 1)};
}

constexpr std::string_view of_terminals = "terminals/";
constexpr std::string_view of_commands = "commands/";

bool is_json(const link::HttpRequest& request) {
  const auto type = request.headers.find("content-type");
  return type != request.headers.end() && type->second.starts_with("application/json");
}

bool is_toml(const link::HttpRequest& request) {
  const auto type = request.headers.find("content-type");
  return type != request.headers.end() &&
         (type->second.starts_with("application/toml") || type->second.starts_with("text/plain"));
}

link::HttpResponse not_allowed(std::string_view methods) {
  auto out = problem(405, "method-not-allowed", std::string{methods} + " only");
  out.headers["allow"] = methods;
  return out;
}

bool reads(const link::HttpRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

}  // namespace

RemoteApi::RemoteApi(Writer& writer, ReaderPool& readers, const BundleFiles& bundles, Worker& files)
    : writer_(writer), readers_(readers), bundles_(bundles), files_(files) {}

bool RemoteApi::serves(std::string_view path) {
  if (route(path, of_commands)) return true;
  const auto terminal = route(path, of_terminals);
  return terminal && (terminal->what == "commands" || terminal->what == "configuration" ||
                      terminal->what == "maintenance");
}

Task<link::HttpResponse> RemoteApi::answer(std::string path, Parameters query,
                                           link::HttpRequest request, Subject subject) {
  auto foreign = reads(request) ? std::nullopt : refuse_foreign_page(request);
  if (foreign) co_return std::move(*foreign);
  if (const auto found = route(path, of_commands)) {
    std::string id{found->key};
    std::string what{found->what};
    co_return co_await of_command(std::move(id), std::move(what), std::move(request));
  }
  const auto found = *route(path, of_terminals);
  std::string terminal{found.key};
  std::string what{found.what};
  co_return co_await of_terminal(std::move(terminal), std::move(what), std::move(query),
                                 std::move(request), std::move(subject));
}

Task<link::HttpResponse> RemoteApi::of_terminal(std::string terminal, std::string what,
                                                Parameters query, link::HttpRequest request,
                                                Subject subject) {
  if (what == "configuration") {
    if (reads(request)) co_return co_await configuration(std::move(terminal));
    if (request.method == "PUT") {
      co_return co_await push(std::move(terminal), std::move(request), std::move(subject));
    }
    if (request.method == "DELETE") {
      co_return co_await take_back(std::move(terminal), std::move(subject));
    }
    co_return not_allowed("GET, PUT, DELETE");
  }
  const bool lists = what == "commands";
  if (lists && reads(request)) co_return co_await commands(std::move(terminal), std::move(query));
  if (request.method != "POST") co_return not_allowed(lists ? "GET, POST" : "POST");
  if (!is_json(request)) co_return problem(415, "not-json", "send application/json");
  if (lists) {
    co_return co_await new_command(std::move(terminal), std::move(request.body),
                                   std::move(subject));
  }
  co_return co_await maintenance(std::move(terminal), std::move(request.body), std::move(subject));
}

Task<link::HttpResponse> RemoteApi::of_command(std::string id, std::string what,
                                               link::HttpRequest request) {
  if (!reads(request)) co_return not_allowed("GET");
  if (what.empty()) co_return co_await command(std::move(id), 200);
  if (what == "bundle") co_return co_await bundle(std::move(id));
  co_return problem(404, "not-found", "a command has one thing under it: bundle");
}

Task<link::HttpResponse> RemoteApi::commands(std::string terminal, Parameters query) {
  auto known = only(query, {"limit", "cursor"});
  if (!known) co_return problem(known.error());
  const auto page = page_of(query);
  if (!page) co_return problem(page.error());
  std::function ask = [page = *page, terminal](Queries& q) { return q.commands(page, terminal); };
  const auto rows = co_await readers_.read(std::move(ask));
  if (!rows) co_return problem(rows.error());
  boost::json::array items;
  for (const auto& row : rows->items) items.push_back(to_json(row));
  boost::json::object out{{"items", std::move(items)},
                          {"next_cursor", rows->next.empty() ? boost::json::value(nullptr)
                                                             : boost::json::value(rows->next)}};
  co_return json_response(out);
}

Task<link::HttpResponse> RemoteApi::new_command(std::string terminal, std::string body,
                                                Subject subject) {
  const auto object = object_of(body);
  if (!object) co_return problem(object.error());
  const auto asked = CommandRequest::read(*object);
  if (!asked) co_return problem(asked.error());
  std::function<Result<Command>(Work&)> deed = [=, request = *asked](Work& work) {
    return make_command(work, subject, terminal, request);
  };
  const auto made = co_await act(writer_, std::move(deed));
  if (!made) co_return problem(made.error());
  co_return co_await command(made->id, 201);
}

Task<link::HttpResponse> RemoteApi::command(std::string id, int status) {
  std::function ask = [id](Queries& q) { return q.command(id); };
  const auto row = co_await readers_.read(std::move(ask));
  if (!row) co_return problem(row.error());
  auto out = json_response(to_json(*row));
  out.status = status;
  if (status == 201) out.headers["location"] = "/api/v1/commands/" + id;
  co_return out;
}

Task<link::HttpResponse> RemoteApi::bundle(std::string id) {
  std::function ask = [id](Queries& q) { return q.command(id); };
  const auto row = co_await readers_.read(std::move(ask));
  if (!row) co_return problem(row.error());
  if (row->command.bundle_sha256.empty()) {
    co_return problem(404, "not-found", "no bundle has come for this command");
  }
  auto load = [this, terminal = row->terminal, id] { return bundles_.load(terminal, id); };
  auto body = co_await files_.run(std::move(load));
  if (!body && body.error().code() == Errc::missing) {
    co_return problem(410, "gone", "the bundle was removed: they are kept for 30 days");
  }
  if (!body) co_return problem(body.error());
  link::HttpResponse out;
  out.headers["content-type"] = "application/json";
  out.headers["content-disposition"] = "attachment; filename=\"" + id + ".json\"";
  out.headers["x-content-type-options"] = "nosniff";
  out.headers["cache-control"] = "no-store";
  out.body = std::move(*body);
  co_return out;
}

Task<link::HttpResponse> RemoteApi::maintenance(std::string terminal, std::string body,
                                                Subject subject) {
  const auto object = object_of(body);
  if (!object) co_return problem(object.error());
  const auto asked = MaintenanceRequest::read(*object);
  if (!asked) co_return problem(asked.error());
  std::function<Result<bool>(Work&)> deed = [=, request = *asked](Work& work) -> Result<bool> {
    auto done = set_maintenance(work, subject, terminal, request);
    if (!done) return std::move(done).error();
    return true;
  };
  const auto done = co_await act(writer_, std::move(deed));
  if (!done) co_return problem(done.error());
  std::function ask = [terminal](Queries& q) { return q.terminal(terminal); };
  const auto row = co_await readers_.read(std::move(ask));
  if (!row) co_return problem(row.error());
  co_return json_response(to_json(*row));
}

Task<link::HttpResponse> RemoteApi::configuration(std::string terminal) {
  std::function ask = [terminal](Queries& q) { return q.configuration(terminal); };
  const auto row = co_await readers_.read(std::move(ask));
  if (!row) co_return problem(row.error());
  co_return json_response(to_json(*row));
}

Task<link::HttpResponse> RemoteApi::push(std::string terminal, link::HttpRequest request,
                                         Subject subject) {
  if (!is_toml(request)) co_return problem(415, "not-toml", "send application/toml or text/plain");
  auto good = check_configuration(request.body);
  if (!good) co_return problem(400, "bad-configuration", good.error().text());
  std::function<Result<bool>(Work&)> deed =
      [=, body = std::move(request.body)](Work& work) -> Result<bool> {
    auto done = push_configuration(work, subject, terminal, body);
    if (!done) return std::move(done).error();
    return true;
  };
  const auto done = co_await act(writer_, std::move(deed));
  if (!done) co_return problem(done.error());
  co_return co_await configuration(std::move(terminal));
}

Task<link::HttpResponse> RemoteApi::take_back(std::string terminal, Subject subject) {
  std::function<Result<bool>(Work&)> deed = [=](Work& work) -> Result<bool> {
    auto done = clear_configuration(work, subject, terminal);
    if (!done) return std::move(done).error();
    return true;
  };
  const auto done = co_await act(writer_, std::move(deed));
  if (!done) co_return problem(done.error());
  co_return co_await configuration(std::move(terminal));
}

}  // namespace kw::collector
