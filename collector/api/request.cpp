#include "collector/api/request.hpp"

#include <algorithm>
#include <charconv>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "collector/api/problem.hpp"

namespace kw::collector {
namespace {

constexpr std::size_t page_limit = 500;
constexpr std::size_t page_default = 100;

}  // namespace

Result<Page> page_of(const Parameters& query) {
  Page page{.limit = page_default};
  if (const auto it = query.find("limit"); it != query.end()) {
    const auto& text = it->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), page.limit);
    if (error != std::errc{} || end != text.data() + text.size() || page.limit < 1 ||
        page.limit > page_limit) {
      return Error{Errc::invalid, fmt::format("limit: a whole number from 1 to {}", page_limit)};
    }
  }
  if (const auto it = query.find("cursor"); it != query.end()) page.after = it->second;
  return page;
}

Result<void> only(const Parameters& query, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : query) {
    if (std::ranges::find(known, key) != known.end()) continue;
    std::string list;
    for (const auto k : known) list += (list.empty() ? "" : ", ") + std::string{k};
    return Error{Errc::invalid, "unknown parameter " + key + "; known here: " + list};
  }
  return {};
}

std::string value_of(const Parameters& query, std::string_view key) {
  const auto it = query.find(key);
  return it == query.end() ? std::string{} : it->second;
}

std::string header(const link::HttpRequest& request, const std::string& name) {
  const auto it = request.headers.find(name);
  return it == request.headers.end() ? std::string{} : it->second;
}

std::optional<link::HttpResponse> refuse_foreign_page(const link::HttpRequest& request) {
  const auto origin = header(request, "origin");
  const auto site = header(request, "sec-fetch-site");
  const bool own_origin = origin.empty() || origin == "http://" + header(request, "host");
  const bool own_site = site.empty() || site == "same-origin" || site == "none";
  if (own_origin && own_site) return std::nullopt;
  return problem(403, "wrong-origin", "not from a page of another site");
}

Result<boost::json::object> object_of(std::string_view body) {
  if (body.empty()) return boost::json::object{};
  boost::system::error_code error;
  auto value = boost::json::parse(body, error);
  if (error || !value.is_object()) return Error{Errc::invalid, "the body is not a JSON object"};
  return std::move(value.get_object());
}

}  // namespace kw::collector
