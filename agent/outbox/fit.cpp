#include "agent/outbox/fit.hpp"

#include <algorithm>

#include "common/wire/codec.hpp"

namespace kw::agent {
namespace {

constexpr std::size_t name_bytes = 64;
constexpr std::size_t vendor_code_bytes = 128;
constexpr std::size_t detail_bytes = 256;
constexpr std::size_t measurements_per_event = 32;  // 32 of 64-byte names: under 3 KiB

/// Length of the well-formed UTF-8 character at the start of `s`, 0 when there is none.
std::size_t character(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || s.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (first == 0xe0 && byte(1) < 0xa0) return 0;  // overlong
  if (first == 0xed && byte(1) > 0x9f) return 0;  // surrogates
  if (first == 0xf0 && byte(1) < 0x90) return 0;  // overlong
  if (first == 0xf4 && byte(1) > 0x8f) return 0;  // past U+10FFFF
  return length;
}

template <class Repeated>
void shorten(Repeated& list, int most) {
  if (list.size() > most) list.DeleteSubrange(most, list.size() - most);
}

}  // namespace

std::string fitting(std::string_view text, std::size_t most) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = character(text);
    const std::size_t takes = length == 0 ? 1 : length;
    if (out.size() + takes > most) break;
    if (length == 0) {
      out += '?';
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(takes);
  }
  return out;
}

void fit(pb::Status& status) {
  shorten(*status.mutable_component(), wire::parts_per_status);
  shorten(*status.mutable_consumable(), wire::parts_per_status);
  shorten(*status.mutable_condition(), wire::conditions_per_status);
  for (auto& c : *status.mutable_component()) c.set_name(fitting(c.name(), name_bytes));
  for (auto& c : *status.mutable_consumable()) {
    c.set_type(fitting(c.type(), name_bytes));
    c.set_unit(fitting(c.unit(), name_bytes));
  }
  for (auto& c : *status.mutable_condition()) {
    c.set_code(fitting(c.code(), name_bytes));
    c.set_vendor_code(fitting(c.vendor_code(), vendor_code_bytes));
    c.set_detail(fitting(c.detail(), detail_bytes));
  }
}

std::vector<pb::Event> samples_of(const std::string& device,
                                  const std::vector<wire::Measurement>& measurements) {
  std::vector<pb::Event> out;
  for (std::size_t i = 0; i < measurements.size(); ++i) {
    if (i % measurements_per_event == 0) {
      out.emplace_back().mutable_sample()->set_device(device);
    }
    auto& to = *out.back().mutable_sample()->add_measurement();
    to.set_name(fitting(measurements[i].name, name_bytes));
    to.set_value(measurements[i].value);
  }
  return out;
}

}  // namespace kw::agent
