#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "collector/api/json.hpp"
#include "collector/store/queries.hpp"
#include "common/link/http.hpp"
#include "common/result.hpp"

/// What every route reads of a request, and how lists are answered.
namespace kw::collector {

inline constexpr std::string_view api_prefix = "/api/v1/";

/// The query's parameters, decoded.
using Parameters = std::map<std::string, std::string, std::less<>>;

/// `limit` and `cursor`.
Result<Page> page_of(const Parameters& query);
/// Refuses a parameter that the route does not know: a misspelt filter must not look like a result.
Result<void> only(const Parameters& query, std::initializer_list<std::string_view> known);
/// Empty when it is not given.
std::string value_of(const Parameters& query, std::string_view key);
/// Empty when there is none of that name (lower case).
std::string header(const link::HttpRequest& request, const std::string& name);
/// The answer to a request that a page of another site had the browser send: what changes
/// something, or stays open, is not for such pages. Other programs say nothing of where they are.
std::optional<link::HttpResponse> refuse_foreign_page(const link::HttpRequest& request);
/// The body as a JSON object; an empty body is an empty object.
Result<boost::json::object> object_of(std::string_view body);

template <class T>
boost::json::object listing(const Listing<T>& rows) {
  boost::json::array items;
  for (const auto& row : rows.items) items.push_back(to_json(row));
  return {{"items", std::move(items)},
          {"next_cursor",
           rows.next.empty() ? boost::json::value(nullptr) : boost::json::value(rows.next)}};
}

}  // namespace kw::collector
