#pragma once

#include "common/i18n.hpp"

// What kioskctl discover says; {} is filled in by fmt.
namespace kw::agent::ctl::message {

inline constexpr Text found_usb{"USB 设备 {} 位于 {}", "USB device {} at {}"};
inline constexpr Text found_serial{"串口 {}", "serial port {}"};
inline constexpr Text found_network{"网络 {} 的端口 {}", "network {}, port {}"};
inline constexpr Text found_host{"网络主机 {}", "network host {}"};

inline constexpr Text why_product{"该 VID:PID 属于 {}", "this VID:PID is {}"};
inline constexpr Text why_vendor{"厂商 {}（VID {:04x}）", "made by {} (VID {:04x})"};
inline constexpr Text why_class{"USB 接口类 {:02x}", "USB interface class {:02x}"};
inline constexpr Text why_presence{"{}；只检测是否在位", "{}; watched by its presence alone"};
inline constexpr Text why_serial_scanner{
    "{}；串口模式，只检测是否在位：端口归业务程序使用",
    "{}; in serial mode, watched by its presence alone: the port is the application's"};
inline constexpr Text why_keyboard{"USB 键盘：可能是密码键盘、扫描器或普通键盘",
                                   "a USB keyboard: a keypad, a scanner or a keyboard"};
inline constexpr Text why_printer{"{}；打印机类，是否支持 ESC/POS 用 kioskctl probe 确认",
                                  "{}; printer class; kioskctl probe tells whether it is ESC/POS"};
inline constexpr Text why_laser{"{}；激光打印机接在 USB 上：经 ipp-usb 或网口用 IPP 查询",
                                "{}; a laser printer on USB: asked by IPP through ipp-usb, or over "
                                "its network port"};
inline constexpr Text why_card_reader{"{}；由系统的 PC/SC 服务驱动",
                                      "{}; driven by the system's PC/SC service"};
inline constexpr Text why_answered{"{} 驱动得到了应答", "driver {} got an answer"};
inline constexpr Text why_serial{"串口上的设备不会自己说明是什么：接的是 {} 时用",
                                 "what hangs on a serial port does not say so: if it is {}"};
inline constexpr Text why_port{"端口 {} 有应答：{} 使用该端口", "port {} answers: {} uses it"};
inline constexpr Text why_open{"端口 {} 已开放，未发送任何数据：{} 使用该端口",
                               "port {} is open, nothing was sent to it: {} uses it"};

inline constexpr Text note_bridge{"{}：串口转换器，见其串口 {}",
                                  "{}: a serial adapter; see its serial port {}"};
inline constexpr Text note_bridge_alone{"{}：串口转换器，系统没有给出串口",
                                        "{}: a serial adapter without a serial port"};
inline constexpr Text note_unknown{"不认识", "not known"};
inline constexpr Text note_no_name{"无法解析该名称（{}）", "its name is not resolved ({})"};
inline constexpr Text note_silent{
    "没有应答：IPP（631）、SNMP（161）均未应答，端口 9100、502 未开放",
    "nothing answers: neither IPP (631) nor SNMP (161), and the "
    "ports 9100 and 502 are not open"};
inline constexpr Text note_elsewhere{"用 {} 确认", "{} tells whether it is"};
inline constexpr Text note_no_driver{"此版本没有该驱动或该端口方式：{} {}",
                                     "this build has no such driver, or not on such a port: {} {}"};
inline constexpr Text note_or{"或者：{}", "or: {}"};
inline constexpr Text note_maybe{"若属实，去掉注释符：{}", "if so, remove the comment signs: {}"};
inline constexpr Text discovered_nothing{"没有发现设备", "nothing was found"};

inline constexpr Text kind_sdt{"二代证阅读器", "an ID card reader"};
inline constexpr Text kind_escpos{"凭条打印机", "a receipt printer"};
inline constexpr Text kind_crt310{"CRT-310 读卡器", "a CRT-310 card reader"};
inline constexpr Text kind_f2{"CRT-571/591 发卡机", "a CRT-571/591 card dispenser"};
inline constexpr Text kind_zt588{"ZT588 密码键盘", "a ZT588 keypad"};
inline constexpr Text kind_scanner{"扫描器", "a scanner"};
inline constexpr Text kind_ipp{"激光打印机（IPP）", "a laser printer (IPP)"};
inline constexpr Text kind_snmp{"激光打印机（SNMP）", "a laser printer (SNMP)"};
inline constexpr Text kind_modbus{"机柜控制板（Modbus）", "a cabinet board (Modbus)"};

}  // namespace kw::agent::ctl::message
