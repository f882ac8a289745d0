#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "common/link/http.hpp"
#include "common/result.hpp"

namespace kw::collector {

/// RFC 9457: `application/problem+json` with a stable `code` that the console translates.
link::HttpResponse problem(int status, std::string_view code, std::string_view detail);
/// The problem that an expected failure is for the person who asked.
link::HttpResponse problem(const Error& error);
link::HttpResponse json_response(const boost::json::value& body);

}  // namespace kw::collector
