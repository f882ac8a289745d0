#include "collector/api/problem.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace kw::collector {
namespace {

std::string_view title(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 415:
      return "Unsupported Media Type";
    case 426:
      return "Upgrade Required";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

}  // namespace

link::HttpResponse problem(int status, std::string_view code, std::string_view detail) {
  link::HttpResponse out;
  out.status = status;
  out.headers["content-type"] = "application/problem+json";
  out.headers["cache-control"] = "no-store";
  out.body = boost::json::serialize(boost::json::object{{"type", "about:blank"},
                                                        {"title", title(status)},
                                                        {"status", status},
                                                        {"code", code},
                                                        {"detail", detail}});
  return out;
}

link::HttpResponse problem(const Error& error) {
  switch (error.code()) {
    case Errc::missing:
      return problem(404, "not-found", error.text());
    case Errc::refused:
      return problem(409, "not-possible-now", error.text());
    case Errc::invalid:
      return problem(400, "bad-input", error.text());
    case Errc::timeout:
      return problem(503, "query-too-long", error.text());
    case Errc::disconnected:
      return problem(503, "stopping", error.text());
    default:
      return problem(500, "internal", error.text());
  }
}

link::HttpResponse json_response(const boost::json::value& body) {
  link::HttpResponse out;
  out.headers["content-type"] = "application/json";
  out.headers["cache-control"] = "no-store";
  out.body = boost::json::serialize(body);
  return out;
}

}  // namespace kw::collector
