#include "agent/ctl/drivers_table.hpp"

#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "agent/ctl/print.hpp"
#include "agent/ctl/words.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

constexpr std::string_view preface =
    "# Drivers 驱动一览\n"
    "\n"
    "Written by `kioskctl drivers --markdown > drivers/CATALOGUE.md`; a test compares the two. "
    "由上述命令生成，请勿手工修改。\n"
    "\n"
    "- **Tells 可获知**: the parts of a status that the driver can fill. 驱动能够给出的状态内容。\n"
    "- **Evidence 依据**: what a status rests on at best. `protocolReply`: the device answered in "
    "its own protocol 设备按协议应答; `presenceOnly`: it is plugged in, nothing more "
    "仅知设备已连接; `driverReport`: another program said so 由其他程序报告.\n"
    "- **Maturity 成熟度**: `simulated`: only our own simulated device has spoken to it "
    "仅与自有模拟器对接; `peer`: a third party's program has (named under peers) "
    "已与第三方程序对接; `field`: hardware has 已与真实硬件对接.\n";

/// As it can stand in a cell of a table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out.empty() ? "-" : out;
}

std::string cell(const json::value& value) { return cell(text(value, "")); }

std::string code(const json::value& value) {
  const auto inside = text(value, "");
  return inside.empty() ? "-" : "`" + cell(inside) + "`";
}

std::string joined(const json::array& list) {
  std::string out;
  for (const auto& item : list) out.append(out.empty() ? "" : ", ").append(text(item));
  return cell(out);
}

std::string range(const json::object& setting) {
  const auto type = text(at(setting, "type"));
  if (!setting.contains("least")) return type;
  return fmt::format("{}, {} … {}", type, at(setting, "least").to_number<double>(),
                     at(setting, "most").to_number<double>());
}

}  // namespace

std::string drivers_markdown() {
  const auto english = drivers_json(Lang::en);
  const auto chinese = drivers_json(Lang::zh_cn);
  const auto& drivers = array_at(english, "drivers");
  const auto& in_chinese = array_at(chinese, "drivers");
  std::string out{preface};
  out +=
      "\n| Driver 驱动 | Device 设备 | Kind 类别 | Ports 接口 | Tells 可获知 | Evidence 依据 | "
      "Self-tests 自检 | Maturity 成熟度 | Peers 对接程序 |\n"
      "|---|---|---|---|---|---|---|---|---|\n";
  for (std::size_t i = 0; i < drivers.size(); ++i) {
    const auto& driver = drivers[i].as_object();
    out +=
        fmt::format("| [`{0}`](#{0}) | {1} {2} | `{3}` | {4} | {5} | {6} | {7} | {8} | {9} |\n",
                    text(at(driver, "name")), cell(at(in_chinese[i].as_object(), "title")),
                    cell(at(driver, "title")), text(at(driver, "kind")),
                    joined(array_at(driver, "schemes")), joined(array_at(driver, "capabilities")),
                    code(at(driver, "evidence")), joined(array_at(driver, "self_tests")),
                    code(at(driver, "maturity")), cell(at(driver, "peers")));
  }
  for (std::size_t i = 0; i < drivers.size(); ++i) {
    const auto& driver = drivers[i].as_object();
    const auto& settings = array_at(driver, "settings");
    const auto& settings_zh = array_at(in_chinese[i].as_object(), "settings");
    out += fmt::format("\n## {}\n\n", text(at(driver, "name")));
    if (settings.empty()) {
      out += "No settings. 无设置项。\n";
      continue;
    }
    out += "| Setting 设置 | Value 取值 | Default 默认 | Meaning 含义 |\n|---|---|---|---|\n";
    for (std::size_t s = 0; s < settings.size(); ++s) {
      const auto& setting = settings[s].as_object();
      out += fmt::format("| `{}` | {} | {} | {}<br>{} |\n", text(at(setting, "name")),
                         range(setting), code(at(setting, "default")),
                         cell(at(settings_zh[s].as_object(), "help")), cell(at(setting, "help")));
    }
  }
  return out;
}

}  // namespace kw::agent::ctl
