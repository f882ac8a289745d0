#include "tests/fleet/events.hpp"

#include <array>
#include <string>
#include <string_view>

#include "common/wire/codec.hpp"
#include "common/wire/conditions.hpp"

namespace kw::fleet {
namespace {

struct Part {
  std::string_view name;
  std::string_view driver;
  std::string_view kind;
  std::string_view trouble;  ///< code of the fault that it has most often; "": it is never ill
};

constexpr std::array parts{
    Part{"id-reader", "sdt", "id_reader", "no-reply"},
    Part{"card", "crt310", "card_reader", "no-reply"},
    Part{"receipt", "escpos", "receipt_printer", "media-empty"},
    Part{"laser", "ipp", "laser_printer", "media-jam"},
    Part{"keypad", "zt588", "keypad", "no-reply"},
    Part{"scanner", "scanner", "scanner", "no-reply"},
    Part{"cabinet", "modbus", "cabinet", "no-reply"},
    Part{"host", "host", "host", ""},
};

// The eleven cities of the Bay Area (GB/T 2260).
constexpr std::array cities{"440100", "440300", "440400", "440600", "440700", "441200",
                            "441300", "441900", "442000", "810000", "820000"};

}  // namespace

const std::vector<agent::ConfiguredDevice>& devices() {
  static const auto all = [] {
    std::vector<agent::ConfiguredDevice> out;
    for (const auto& p : parts) {
      out.push_back({std::string{p.name}, std::string{p.driver}, std::string{p.kind},
                     "fleet:" + std::string{p.name}, true});
    }
    return out;
  }();
  return all;
}

pb::Event state(std::size_t which, bool well) {
  const auto& part = parts[which % parts.size()];
  wire::Status status;
  status.device = wire::DeviceState::online;
  status.evidence = wire::Evidence::protocol_reply;
  if (const auto* row = wire::find_condition(part.trouble); !well && row != nullptr) {
    status.conditions.push_back(wire::condition(*row, "fleet"));
  }
  pb::Event out;
  *out.mutable_state() = wire::to_wire(part.name, status);
  return out;
}

pb::Event boot() {
  pb::Event out;
  out.mutable_power()->set_kind(pb::Power::BOOT);
  return out;
}

pb::Event sample(std::mt19937_64& random) {
  pb::Event out;
  auto& to = *out.mutable_sample();
  to.set_device("host");
  const auto add = [&](const char* name, double value) {
    auto& m = *to.add_measurement();
    m.set_name(name);
    m.set_value(value);
  };
  add("cpu_used_percent", static_cast<double>(random() % 1'000) / 10);
  add("memory_used_percent", static_cast<double>(random() % 1'000) / 10);
  return out;
}

pb::Event transaction(std::uint64_t id, std::mt19937_64& random) {
  pb::Event out;
  auto& to = *out.mutable_transaction();
  to.set_id("fleet-" + std::to_string(id));
  to.set_business("social-security-query");
  to.set_result(random() % 50 == 0 ? pb::Transaction::FAILED : pb::Transaction::SUCCEEDED);
  to.set_handling_city(cities[random() % cities.size()]);
  to.set_duration_ms(20'000 + random() % 100'000);
  return out;
}

}  // namespace kw::fleet
