#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "common/filled.hpp"
#include "drivers/ports/usb_list.hpp"

namespace kw::drivers {
namespace {

constexpr std::string_view capabilities[] = {"conditions", "identity"};

constexpr std::array device_kinds{
    Kind{"touch_screen", {"触摸屏", "touch screen"}},
    Kind{"camera", {"摄像头", "camera"}},
    Kind{"fingerprint", {"指纹仪", "fingerprint reader"}},
    Kind{"document_camera", {"高拍仪", "document camera"}},
    Kind{"keypad", {"密码键盘", "keypad"}},
    Kind{"scanner", {"条码扫描器", "barcode scanner"}},
};

constexpr std::array settings_table{
    Setting{"kind",
            SettingType::text,
            "touch_screen",
            {"设备类别：touch_screen camera fingerprint document_camera keypad scanner",
             "what it is: touch_screen camera fingerprint document_camera keypad scanner"}},
};

constexpr std::array own_conditions{
    wire::ConditionRow{"scanner-mode",
                       wire::Severity::fault,
                       wire::Action::configuration,
                       {"扫描器接口模式不对", "scanner is in another interface mode"}},
};

constexpr std::array<std::string_view, 1> port_schemes{"usb-list"};

// ---- Newland scanners: the product id says the mode (usb.ids; reading devices, section 5)
// ---------

constexpr std::uint16_t newland = 0x1eab;

struct Mode {
  std::uint8_t low;  ///< of the product id
  std::string_view name;
};
constexpr std::array modes{Mode{0x03, "keyboard"}, Mode{0x06, "serial"}, Mode{0x10, "hid-pos"}};

const Mode* mode_of(std::uint16_t product) {
  const auto row = std::ranges::find(modes, static_cast<std::uint8_t>(product), &Mode::low);
  return row == modes.end() ? nullptr : &*row;
}

/// Whether `seen` is the wanted model, switched to another mode.
bool in_another_mode(const UsbFacts& seen, const UsbAddress& wanted) {
  return wanted.vendor == newland && seen.vendor == newland &&
         seen.product >> 8 == wanted.product >> 8 && seen.product != wanted.product &&
         mode_of(seen.product) != nullptr && mode_of(wanted.product) != nullptr;
}

// ---- the driver -------------------------------------------------------------------------------

std::string numbers(std::uint16_t vendor, std::uint16_t product) {
  return fmt::format("{:04x}:{:04x}", vendor, product);
}

wire::Identity identity_of(const UsbAttached& device) {
  wire::Identity out;
  out.vendor = device.manufacturer;
  out.model =
      device.product.empty() ? numbers(device.facts.vendor, device.facts.product) : device.product;
  if (device.serials.size() == 1) out.serial = device.serials.front();
  return out;
}

class Presence final : public Driver {
 public:
  explicit Presence(bool scanner) : scanner_(scanner) {}

  Result<void> open(Port& port, MonoTime /*deadline*/) override {
    port_ = dynamic_cast<UsbListPort*>(&port);
    if (port_ != nullptr) return {};
    return Error{Errc::unsupported, "presence: needs a usb-list port"};
  }

  Result<wire::Status> poll(MonoTime /*deadline*/) override {
    if (port_ == nullptr) return Error{Errc::disconnected, "presence: not open"};
    const auto attached = port_->attached();
    if (!attached) return Error{attached.error()}.within("presence");
    const auto& wanted = port_->wanted();
    wire::Status out;
    out.evidence = wire::Evidence::presence_only;
    if (const auto* device = find(*attached, wanted)) {
      out.device = wire::DeviceState::online;
      out.identity = identity_of(*device);
      return out;
    }
    if (const auto* device = scanner_ ? find_in_another_mode(*attached, wanted) : nullptr) {
      const auto product = device->facts.product;
      out.device = wire::DeviceState::online;
      out.identity = identity_of(*device);
      out.conditions.push_back(
          wire::condition(own_conditions.front(), numbers(device->facts.vendor, product),
                          fmt::format("mode {}, wanted {}", mode_of(product)->name,
                                      mode_of(wanted.product)->name)));
      return out;
    }
    out.device = wire::DeviceState::no_device;
    out.conditions.push_back(wire::condition(*wire::find_condition("not-present"), {},
                                             numbers(wanted.vendor, wanted.product)));
    return out;
  }

  void close() noexcept override { port_ = nullptr; }

 private:
  static bool same_place(const UsbAttached& device, const UsbAddress& wanted) {
    return (wanted.path.empty() || device.facts.path == wanted.path) &&
           (wanted.serial.empty() || device.has_serial(wanted.serial));
  }

  static const UsbAttached* find(const std::vector<UsbAttached>& all, const UsbAddress& wanted) {
    const auto it = std::ranges::find_if(all, [&](const UsbAttached& one) {
      return one.facts.vendor == wanted.vendor && one.facts.product == wanted.product &&
             same_place(one, wanted);
    });
    return it == all.end() ? nullptr : &*it;
  }

  static const UsbAttached* find_in_another_mode(const std::vector<UsbAttached>& all,
                                                 const UsbAddress& wanted) {
    const auto it = std::ranges::find_if(all, [&](const UsbAttached& one) {
      return in_another_mode(one.facts, wanted) && same_place(one, wanted);
    });
    return it == all.end() ? nullptr : &*it;
  }

  bool scanner_;
  UsbListPort* port_ = nullptr;
};

constexpr Text no_kind{"kind = \"{}\" 不是 {} 之一", "kind = \"{}\" is not one of {}"};

Checked<std::unique_ptr<Driver>> make(const Settings& settings) {
  const auto& kind = settings.text("kind");
  if (std::ranges::find(device_kinds, kind, &Kind::name) == device_kinds.end()) {
    std::string known;
    for (const auto& row : device_kinds) {
      known += (known.empty() ? "" : ", ") + std::string{row.name};
    }
    return filled(no_kind, kind, known);
  }
  return std::unique_ptr<Driver>{std::make_unique<Presence>(kind == "scanner")};
}

}  // namespace

Card presence_card() {
  return {.name = "presence",
          .kind = "presence",
          .title = {"USB 设备在位检测（仅知在位）", "USB device, presence only"},
          .settings = settings_table,
          .conditions = own_conditions,
          .schemes = port_schemes,
          .self_tests = {},
          .capabilities = capabilities,
          .evidence = wire::Evidence::presence_only,
          .maturity = Maturity::peer,
          .peers = "libusb 1.0.26 on a bus of umockdev 0.17.16",
          .kinds = device_kinds,
          .make = make};
}

}  // namespace kw::drivers
