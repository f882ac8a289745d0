#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/json/object.hpp>

#include "agent/local_api/refusal.hpp"
#include "agent/poll/device_result.hpp"
#include "wire/kioskwatch.pb.h"

// What applications may send, field by field (openapi.yaml). Pure.
namespace kw::agent {

/// What was read, or the first thing wrong with it.
template <class T>
struct Read {
  T value{};
  std::optional<Refusal> wrong = {};
};

/// How a piece of work of a device went, as the application saw it.
struct NamedResult {
  std::string device;
  DeviceResult result;  ///< without its time
};

inline constexpr std::size_t clicks_most = 100;
inline constexpr std::size_t detail_most = 200;

/// Errors name what is wrong: no JSON, not an object.
Read<boost::json::object> read_body(const std::string& body);

Read<pb::ServiceSession> read_session(const boost::json::object& from);
/// "completed", "cancelled", "abandoned", "failed".
Read<std::string> read_session_end(const boost::json::object& from);
Read<pb::Transaction> read_transaction(const boost::json::object& from);
Read<pb::Clicks> read_clicks(const boost::json::object& from);
Read<pb::ConsumableUse> read_use(const boost::json::object& from);
Read<NamedResult> read_device_result(const boost::json::object& from);

}  // namespace kw::agent
