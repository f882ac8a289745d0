#include "drivers/driver.hpp"

#include <doctest/doctest.h>

#include "drivers/catalogue.hpp"
#include "drivers/ports/usb_list.hpp"
#include "tests/drivers/fake_port.hpp"
#include "tests/drivers/support.hpp"

namespace kw::drivers {
namespace {

/// A device list of the test's own.
class FakeList final : public UsbListPort {
 public:
  explicit FakeList(std::string_view address)
      : UsbListPort(*usb_address(*PortAddress::parse(address)), clock_) {}

  Result<std::vector<UsbAttached>> attached() const override {
    if (broken) return Error{Errc::unsupported, "usb: no list"};
    return devices;
  }

  void plug(std::uint16_t vendor, std::uint16_t product, std::string path = "1-1",
            std::vector<std::string> serials = {}) {
    UsbAttached one;
    one.facts.vendor = vendor;
    one.facts.product = product;
    one.facts.path = std::move(path);
    one.manufacturer = "Maker";
    one.product = "Model";
    one.serials = std::move(serials);
    devices.push_back(std::move(one));
  }

  std::vector<UsbAttached> devices;
  bool broken = false;

 private:
  SystemClock clock_;
};

wire::Status look(FakeList& list, std::string_view kind = "touch_screen") {
  auto driver = make_driver("presence", {{"kind", std::string{kind}}});
  REQUIRE(bool(driver));
  REQUIRE(bool((*driver)->open(list, list.now())));
  auto status = (*driver)->poll(list.now());
  REQUIRE(bool(status));
  return std::move(*status);
}

std::string codes(const wire::Status& status) {
  std::string out;
  for (const auto& one : status.conditions) out += one.code + " ";
  return out;
}

}  // namespace

TEST_CASE("presence: a device in the list is there, and no more is claimed") {
  FakeList list{"usb-list:0eef:0001"};
  list.plug(0x1d6b, 0x0002, "1");
  list.plug(0x0eef, 0x0001);
  const auto status = look(list);
  CHECK(status.device == wire::DeviceState::online);
  CHECK(status.evidence == wire::Evidence::presence_only);
  CHECK(status.conditions.empty());
  CHECK(status.identity.vendor == "Maker");
  CHECK(status.identity.model == "Model");
  CHECK(wire::health_of(status) == wire::Health::ok);
}

TEST_CASE("presence: one that is not in the list is not there") {
  FakeList list{"usb-list:0eef:0001"};
  list.plug(0x0eef, 0x0002);
  list.plug(0x0eee, 0x0001);
  const auto status = look(list);
  CHECK(status.device == wire::DeviceState::no_device);
  CHECK(status.evidence == wire::Evidence::presence_only);
  CHECK(codes(status) == "not-present ");
  CHECK(wire::health_of(status) == wire::Health::fault);
}

TEST_CASE("presence: the serial number and the place tell one from another") {
  FakeList serial{"usb-list:2bdf:0001?serial=B2"};
  serial.plug(0x2bdf, 0x0001, "1-1", {"A1"});
  CHECK(look(serial, "camera").device == wire::DeviceState::no_device);
  serial.plug(0x2bdf, 0x0001, "1-2", {"B2"});
  const auto found = look(serial, "camera");
  CHECK(found.device == wire::DeviceState::online);
  CHECK(found.identity.serial == "B2");
  FakeList place{"usb-list:2bdf:0001?path=1-3.4"};
  place.plug(0x2bdf, 0x0001, "1-3");
  CHECK(look(place, "camera").device == wire::DeviceState::no_device);
  place.plug(0x2bdf, 0x0001, "1-3.4");
  CHECK(look(place, "camera").device == wire::DeviceState::online);
}

TEST_CASE("presence: a Newland scanner in another mode is there, and set wrongly") {
  FakeList list{"usb-list:1eab:0c06"};
  list.plug(0x1eab, 0x0c03);
  const auto status = look(list, "scanner");
  CHECK(status.device == wire::DeviceState::online);
  REQUIRE(codes(status) == "scanner-mode ");
  CHECK(status.conditions[0].action == wire::Action::configuration);
  CHECK(status.conditions[0].detail == "mode keyboard, wanted serial");
  CHECK(status.conditions[0].vendor_code == "1eab:0c03");
  // Another model, another maker, another family: not there.
  FakeList other_model{"usb-list:1eab:0d06"};
  other_model.plug(0x1eab, 0x0c03);
  CHECK(codes(look(other_model, "scanner")) == "not-present ");
  FakeList other_maker{"usb-list:0c2e:0c06"};
  other_maker.plug(0x0c2e, 0x0c03);
  CHECK(codes(look(other_maker, "scanner")) == "not-present ");
  CHECK(codes(look(list, "camera")) == "not-present ");
  // The right one beside it is what was meant.
  list.plug(0x1eab, 0x0c06, "1-2");
  CHECK(codes(look(list, "scanner")).empty());
}

TEST_CASE("presence: no list is no answer, another port and an unknown kind are refused") {
  FakeList list{"usb-list:0eef:0001"};
  list.broken = true;
  auto driver = make_driver("presence");
  REQUIRE(bool(driver));
  REQUIRE(bool((*driver)->open(list, list.now())));
  CHECK_FALSE(bool((*driver)->poll(list.now())));
  FakePort wire;
  CHECK_FALSE(bool((*driver)->open(wire, wire.now())));
  const auto wrong = make_driver("presence", {{"kind", "toaster"}});
  REQUIRE_FALSE(bool(wrong));
  CHECK(wrong.error().code() == Errc::invalid);
}

TEST_CASE("presence: the family is the one that is set") {
  const auto* card = find("presence");
  REQUIRE(card != nullptr);
  std::vector<Error> wrong;
  const auto settings = Settings::read(card->settings, {{"kind", "camera"}}, wrong);
  CHECK(kind_of(*card, settings).name == "camera");
  CHECK(title_of(*card, "camera").zh == "摄像头");
  CHECK(title_of(*card, "?").zh == card->title.zh);
}

}  // namespace kw::drivers
