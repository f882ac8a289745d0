#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "common/wire/status.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::wire {

// Limits, checked before parsing and again after: PROTOCOL.md, section "Limits".
inline constexpr std::size_t frame_limit = 64 * 1024;
inline constexpr std::size_t device_id_limit = 64;
inline constexpr int items_per_batch = 2'000;
inline constexpr int devices_per_terminal = 64;
inline constexpr int conditions_per_status = 32;
inline constexpr int parts_per_status = 32;  ///< components; consumables likewise
inline constexpr int measurements_per_sample = 256;
inline constexpr int epochs_per_hello = 1'000;
inline constexpr std::size_t text_limit = 1'024;               ///< any one text, in bytes
inline constexpr std::size_t hash_limit = 32;                  ///< SHA-256
inline constexpr std::size_t result_limit = 16 * 1024;         ///< a command result's body
inline constexpr std::size_t configuration_limit = 48 * 1024;  ///< agent.toml that is pushed
inline constexpr std::size_t code_limit = 64;                  ///< of business, results, units
inline constexpr std::size_t item_limit = 128;                 ///< what was clicked, in bytes
inline constexpr int clicks_per_event = 200;
inline constexpr std::uint32_t version = 1;  ///< kioskwatch.v1

/// A frame's bytes. Never longer than `frame_limit` when the caller keeps batches within it.
std::string encode(const pb::Envelope& envelope);

/// Errc::garbled with what broke: too long, not protobuf, a limit, an unknown value, text that is
/// not UTF-8 or a device id that is not printable ASCII.
Result<pb::Envelope> decode(std::string_view frame);

/// The same into one arena, which the returned pointer (and every pointer aliasing it) keeps: a
/// batch of many small messages then costs a handful of allocations. The collector's way.
Result<std::shared_ptr<const pb::Envelope>> decode_shared(std::string_view frame);

/// Whether the batch's items cover first..last exactly, and hold at least one.
Result<void> check_range(const pb::Batch& batch);

/// A device id is its name in the configuration: 1 to 64 of A-Z a-z 0-9 . _ -
bool valid_device_id(std::string_view id);

/// A division code of GB/T 2260: six digits.
bool valid_division(std::string_view code);

/// A terminal code 终端编号: 1 to 64 bytes of printable UTF-8 without spaces, '/', '"' or '\'.
bool valid_terminal_code(std::string_view code);

/// The status as it travels. `since` of conditions is the caller's to fill.
pb::Status to_wire(std::string_view device, const Status& status);
Status from_wire(const pb::Status& status);

Health health_of(const pb::Status& status);

}  // namespace kw::wire
