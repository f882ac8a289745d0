#include "collector/api/identity_routes.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "collector/accounts/identity_verbs.hpp"
#include "collector/api/problem.hpp"
#include "collector/writer/act.hpp"

namespace kw::collector {
namespace {

namespace json = boost::json;

struct Route {
  std::string verb;      ///< empty: no such route
  std::string_view key;  ///< the argument that the path names
  std::string value;
};

Route route_of(std::string_view path) {
  const auto first = path.find('/');
  const auto last = path.rfind('/');
  if (first == std::string_view::npos || last == first) return {};
  const auto what = path.substr(0, first);
  const std::string value{path.substr(first + 1, last - first - 1)};
  const auto action = path.substr(last + 1);
  if (what == "terminals" && action == "revoke") return {"revoke", "terminal", value};
  if (what == "provisioning" && (action == "approve" || action == "reject")) {
    return {"provisioning-" + std::string{action}, "id", value};
  }
  return {};
}

Result<json::object> read_body(const std::string& body, std::string_view verb) {
  if (body.empty()) return json::object{};
  boost::system::error_code wrong;
  const auto value = json::parse(body, wrong);
  const auto* object = wrong ? nullptr : value.if_object();
  if (object == nullptr) return Error{Errc::invalid, "the body is not a JSON object"};
  for (const auto& member : *object) {
    const std::string_view key = member.key();
    const bool known = (verb == "revoke" && (key == "serial" || key == "reason")) ||
                       (verb == "provisioning-approve" && key == "terminal");
    if (!known) return Error{Errc::invalid, "the body may not hold " + std::string{key}};
  }
  return *object;
}

}  // namespace

bool IdentityRoutes::takes(std::string_view path) { return !route_of(path).verb.empty(); }

Task<link::HttpResponse> IdentityRoutes::post(std::string path, std::string body, Subject subject) {
  const auto route = route_of(path);
  auto args = read_body(body, route.verb);
  if (!args) co_return problem(args.error());
  (*args)[route.key] = route.value;
  std::function<Result<IdentityDeed>(Work&)> deed = [subject, verb = route.verb,
                                                     given = *args](Work& work) {
    return perform(work, subject, verb, given, {});
  };
  const auto done = co_await act(writer_, std::move(deed));
  if (!done) co_return problem(done.error());
  revoked_(done->certificates);
  co_return json_response(done->answer);
}

Task<link::HttpResponse> IdentityRoutes::list() {
  std::function ask = [](Queries& q) { return q.provisioning(); };
  const auto rows = co_await readers_.read(std::move(ask));
  if (!rows) co_return problem(rows.error());
  json::array items;
  for (const auto& row : *rows) items.push_back(to_json(row));
  json::object out{{"items", std::move(items)}, {"next_cursor", nullptr}};
  co_return json_response(out);
}

}  // namespace kw::collector
