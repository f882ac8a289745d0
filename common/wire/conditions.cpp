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
    // ID card readers.
    ConditionRow{"sam-self-test",
                 fault,
                 Action::maintenance,
                 {"安全模块自检失败", "security module failed its self-test"}},
    ConditionRow{"sam-unauthorised",
                 fault,
                 Action::configuration,
                 {"安全模块未授权", "security module is not authorised"}},
    // Card readers.
    ConditionRow{"card-length", fault, Action::clear, {"卡片长度异常", "card of a wrong length"}},
    ConditionRow{"card-left", warning, Action::clear, {"卡片遗留在读卡器中", "card left behind"}},
    ConditionRow{"jam", fault, Action::clear, {"卡片卡住", "card jammed"}},
    ConditionRow{"card-stock", warning, Action::clear, {"卡箱缺卡", "card stock low or empty"}},
    ConditionRow{"retain-full", fault, Action::clear, {"回收箱已满", "retain bin full"}},
    ConditionRow{"power", fault, Action::maintenance, {"设备供电异常", "bad supply voltage"}},
    ConditionRow{"not-initialised",
                 warning,
                 Action::reset,
                 {"读卡器未初始化", "card reader not initialised"}},
    ConditionRow{
        "card-mute",
        warning,
        Action::clear,
        {"卡片无应答（可能插反或损坏）", "card does not answer (wrong way round, or broken)"}},
    ConditionRow{"pcsc-service",
                 fault,
                 Action::software_error,
                 {"智能卡服务不可用", "PC/SC service is not available"}},
    // Keypads.
    ConditionRow{"key-missing",
                 fault,
                 Action::configuration,
                 {"密码键盘未灌注主密钥", "keypad has no master key"}},
    ConditionRow{"battery", warning, Action::maintenance, {"电池电量低", "battery is low"}},
    ConditionRow{
        "keypad-locked", fault, Action::maintenance, {"密码键盘已锁定", "keypad is locked"}},
    ConditionRow{
        "keypad-error", fault, Action::maintenance, {"密码键盘报错", "keypad reports an error"}},
    // Cabinets and their power.
    ConditionRow{"cabinet-door-open", fault, Action::clear, {"机柜门打开", "cabinet door open"}},
    ConditionRow{"cabinet-unlocked", warning, Action::clear, {"机柜未上锁", "cabinet not locked"}},
    ConditionRow{
        "cabinet-tampered", fault, Action::maintenance, {"机柜被拆动", "cabinet tampered with"}},
    ConditionRow{"cabinet-tilted",
                 fault,
                 Action::maintenance,
                 {"机柜倾斜或被移动", "cabinet tilted or moved"}},
    ConditionRow{"smoke", fault, Action::maintenance, {"烟雾报警", "smoke detected"}},
    ConditionRow{"water", fault, Action::maintenance, {"浸水报警", "water detected"}},
    ConditionRow{"mains-lost", fault, Action::maintenance, {"市电中断", "mains power lost"}},
    ConditionRow{
        "supply-voltage-low", warning, Action::maintenance, {"供电电压偏低", "supply voltage low"}},
    ConditionRow{
        "temperature-high", warning, Action::maintenance, {"温度偏高", "temperature high"}},
    ConditionRow{"over-temperature", fault, Action::maintenance, {"温度过高", "too hot"}},
    ConditionRow{"under-temperature", warning, Action::maintenance, {"温度过低", "too cold"}},
    ConditionRow{"humidity-high", warning, Action::maintenance, {"湿度过高", "humidity high"}},
    ConditionRow{"fan-stopped", fault, Action::maintenance, {"风扇停转", "fan does not turn"}},
    ConditionRow{"battery-low", fault, Action::maintenance, {"电池电量低", "battery low"}},
    ConditionRow{"battery-replace",
                 fault,
                 Action::maintenance,
                 {"电池需要更换", "battery must be replaced"}},
    // Hosts.
    ConditionRow{
        "disk-almost-full", warning, Action::configuration, {"磁盘空间不足", "disk almost full"}},
    ConditionRow{"disk-full", fault, Action::configuration, {"磁盘已满", "disk full"}},
    ConditionRow{"memory-low", warning, Action::configuration, {"内存不足", "memory low"}},
    // Raised by the collector itself.
    ConditionRow{
        "terminal-silent", fault, Action::maintenance, {"终端离线", "terminal does not report"}},
    ConditionRow{"two-agents",
                 fault,
                 Action::configuration,
                 {"两个代理使用同一身份，须重新注册", "two agents use one identity: enrol again"}},
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
