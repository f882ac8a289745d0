#include "agent/outbox/epoch_name.hpp"

#include <charconv>

#include <fmt/format.h>

#include "agent/outbox/record.hpp"

namespace kw::agent {
namespace {

std::uint32_t check_of(std::int64_t ordinal, const EpochName& name) {
  return checksum(fmt::format("{} {} {}", ordinal, name.epoch, name.boot_id));
}

}  // namespace

std::string epoch_key(std::int64_t ordinal) { return fmt::format("{}{}", epoch_keys, ordinal); }

std::string write_epoch_name(std::int64_t ordinal, const EpochName& name) {
  return fmt::format("{} {} {}", check_of(ordinal, name), name.epoch, name.boot_id);
}

std::optional<EpochName> read_epoch_name(std::int64_t ordinal, std::string_view text) {
  std::uint32_t check = 0;
  EpochName out;
  const auto* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, check);
  if (first.ptr == end || *first.ptr != ' ') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, out.epoch);
  if (second.ptr == end || *second.ptr != ' ') return std::nullopt;
  out.boot_id.assign(second.ptr + 1, end);
  if (check != check_of(ordinal, out)) return std::nullopt;
  return out;
}

}  // namespace kw::agent
