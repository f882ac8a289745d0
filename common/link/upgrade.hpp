#pragma once

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

#include "common/link/http.hpp"

/// What servers need to make a WebSocket of a request. For sources of link/ that know Beast.
namespace kw::link {

/// The request as Beast's upgrade wants it; an upgrade has no body.
inline boost::beast::http::request<boost::beast::http::empty_body> as_beast(
    const HttpRequest& request) {
  boost::beast::http::request<boost::beast::http::empty_body> message;
  message.version(11);
  message.method_string(request.method);
  message.target(request.target);
  for (const auto& [name, value] : request.headers) message.set(name, value);
  return message;
}

}  // namespace kw::link
