#include "common/wire/conditions.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace kw::wire {
namespace {

using enum Severity;

constexpr std::array rows{
    // Any device: the agent's and the drivers' common ground.
    ConditionRow{"no-reply", fault, Action::maintenance, {"设备无应答", "device does not answer"}},
    ConditionRow{"not-present", fault, Action::maintenance, {"设备未连接", "device not connected"}},
    ConditionRow{"link-noise", warning, Action::reset, {"通信误码", "garbled communication"}},
    ConditionRow{"wrong-device",
                 fault,
                 Action::configuration,
                 {"端口上不是该设备", "another device is on this port"}},
    ConditionRow{"bad-configuration",
                 fault,
                 Action::configuration,
                 {"设备配置有误", "device is configured wrongly"}},
    ConditionRow{"driver-stuck",
                 fault,
                 Action::software_error,
                 {"驱动停止响应", "driver stopped responding"}},
    ConditionRow{
        "flapping", warning, Action::maintenance, {"状态反复变化", "state keeps changing"}},
    ConditionRow{"results-failing",
                 fault,
                 Action::maintenance,
                 {"业务软件使用该设备连续失败", "applications fail with this device repeatedly"}},
    // Printers (PWG 5100.9, RFC 8011 section 5.4.12).
    ConditionRow{"media-empty", fault, Action::clear, {"缺纸", "out of paper"}},
    ConditionRow{"media-low", warning, Action::clear, {"纸将尽", "paper low"}},
    ConditionRow{"media-needed", fault, Action::clear, {"需要装纸", "paper needed"}},
    ConditionRow{"media-jam", fault, Action::clear, {"卡纸", "paper jam"}},
    ConditionRow{"cover-open", fault, Action::clear, {"机盖打开", "cover open"}},
    ConditionRow{"toner-low", warning, Action::clear, {"墨粉不足", "toner low"}},
    ConditionRow{"toner-empty", fault, Action::clear, {"墨粉用尽", "toner empty"}},
    ConditionRow{"paused", fault, Action::reset, {"打印机已暂停", "printer paused"}},
    ConditionRow{"door-open", fault, Action::clear, {"打印机门打开", "printer door open"}},
    ConditionRow{"interlock-open", fault, Action::clear, {"安全联锁断开", "interlock open"}},
    ConditionRow{"input-tray-missing", fault, Action::clear, {"纸盒未装入", "paper tray missing"}},
    ConditionRow{
        "output-tray-missing", fault, Action::clear, {"出纸盘未装入", "output tray missing"}},
    ConditionRow{"output-area-almost-full",
                 warning,
                 Action::clear,
                 {"出纸盘将满", "output tray almost full"}},
    ConditionRow{"output-area-full", fault, Action::clear, {"出纸盘已满", "output tray full"}},
    ConditionRow{"marker-supply-low", warning, Action::clear, {"耗材不足", "supply low"}},
    ConditionRow{"marker-supply-empty", fault, Action::clear, {"耗材用尽", "supply empty"}},
    ConditionRow{"marker-supply-missing", fault, Action::clear, {"耗材未装入", "supply missing"}},
    ConditionRow{"marker-waste-almost-full",
                 warning,
                 Action::clear,
                 {"废粉盒将满", "waste container almost full"}},
    ConditionRow{"marker-waste-full", fault, Action::clear, {"废粉盒已满", "waste container full"}},
    ConditionRow{
        "opc-near-eol", warning, Action::maintenance, {"硒鼓寿命将尽", "drum near its end"}},
    ConditionRow{"opc-life-over", fault, Action::maintenance, {"硒鼓寿命已尽", "drum worn out"}},
    ConditionRow{"developer-low", warning, Action::maintenance, {"显影剂不足", "developer low"}},
    ConditionRow{"developer-empty", fault, Action::maintenance, {"显影剂用尽", "developer empty"}},
    ConditionRow{"fuser-over-temp", fault, Action::maintenance, {"定影器过热", "fuser too hot"}},
    ConditionRow{"fuser-under-temp", fault, Action::maintenance, {"定影器过冷", "fuser too cold"}},
    ConditionRow{
        "spool-area-full", warning, Action::reset, {"打印缓存已满", "printer's spool is full"}},
    ConditionRow{"interpreter-resource-unavailable",
                 warning,
                 Action::configuration,
                 {"打印解释器资源不可用", "printer lacks a resource to print a job"}},
    ConditionRow{"cutter-error", fault, Action::maintenance, {"切刀故障", "cutter error"}},
    ConditionRow{"head-overheated", warning, Action::reset, {"打印头过热", "print head too hot"}},
    ConditionRow{"unrecoverable-error",
                 fault,
                 Action::maintenance,
                 {"不可恢复的硬件故障", "hardware error that needs repair"}},
    ConditionRow{"recoverable-error",
                 warning,
                 Action::reset,
                 {"可自动恢复的故障", "error that clears by itself"}},
    ConditionRow{
        "printer-offline", fault, Action::maintenance, {"打印机脱机", "printer is off-line"}},
    ConditionRow{"output-not-taken", warning, Action::clear, {"票据未取走", "ticket not taken"}},
    // Hosts.
    ConditionRow{
        "disk-almost-full", warning, Action::configuration, {"磁盘空间不足", "disk almost full"}},
    ConditionRow{"disk-full", fault, Action::configuration, {"磁盘已满", "disk full"}},
    ConditionRow{"memory-low", warning, Action::configuration, {"内存不足", "memory low"}},
    // Raised by the collector itself.
    ConditionRow{
        "terminal-silent", fault, Action::maintenance, {"终端离线", "terminal does not report"}},
};

}  // namespace

std::span<const ConditionRow> standard_conditions() { return rows; }

const ConditionRow* find_condition(std::string_view code) {
  const auto it = std::ranges::find(rows, code, &ConditionRow::code);
  return it == rows.end() ? nullptr : &*it;
}

Condition condition(const ConditionRow& row, std::string vendor_code, std::string detail) {
  return {.code = std::string{row.code},
          .severity = row.severity,
          .action = row.action,
          .vendor_code = std::move(vendor_code),
          .detail = std::move(detail)};
}

}  // namespace kw::wire
