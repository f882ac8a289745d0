#pragma once

#include <string_view>

#include "common/i18n.hpp"

// What devices and their supplies report by code, as people say it. collector/page/words.js has the
// same words of supplies.
namespace kw::agent::ctl {

struct Word {
  std::string_view value;
  Text text;
};

inline constexpr Word device_states[] = {
    {"unknown", {"未知", "unknown"}},
    {"starting", {"启动中", "starting"}},
    {"online", {"在线", "online"}},
    {"offline", {"离线", "offline"}},
    {"powerOff", {"未通电", "powered off"}},
    {"noDevice", {"无设备", "no device"}},
    {"hardwareError", {"硬件故障", "hardware error"}},
    {"userError", {"操作有误", "user error"}},
    {"deviceBusy", {"使用中", "busy"}},
    {"fraudAttempt", {"被做手脚", "fraud attempt"}},
    {"potentialFraud", {"可能被做手脚", "potential fraud"}},
};
inline constexpr Word media_states[] = {
    {"notSupported", {"不适用", "not supported"}},
    {"unknown", {"未知", "unknown"}},
    {"present", {"有介质", "present"}},
    {"notPresent", {"无介质", "not present"}},
    {"jammed", {"卡住", "jammed"}},
    {"entering", {"正在进入", "entering"}},
    {"latched", {"已锁住", "latched"}},
    {"retracted", {"已回收", "retracted"}},
};
inline constexpr Word evidences[] = {
    {"none", {"无", "none"}},
    {"protocolReply", {"设备应答", "the device's reply"}},
    {"presenceOnly", {"仅知设备在位", "presence only"}},
    {"driverReport", {"系统驱动报告", "a driver's report"}},
    {"sharedBusy", {"端口被业务软件占用", "the port is in use by another program"}},
};
inline constexpr Word component_states[] = {
    {"unknown", {"未知", "unknown"}},
    {"ok", {"正常", "ok"}},
    {"inoperable", {"不可用", "inoperable"}},
    {"open", {"打开", "open"}},
    {"closed", {"关闭", "closed"}},
    {"locked", {"已锁", "locked"}},
    {"tampered", {"被撬动", "tampered"}},
    {"on", {"开启", "on"}},
    {"off", {"关闭", "off"}},
    {"fading", {"衰减", "fading"}},
};
/// Names that drivers give; a board's own map may have others, which are told as they are.
inline constexpr Word components[] = {
    {"cover", {"盖", "cover"}},
    {"door", {"门", "door"}},
    {"lock", {"锁", "lock"}},
    {"interlock", {"联锁", "interlock"}},
    {"cutter", {"切刀", "cutter"}},
    {"fuser", {"定影器", "fuser"}},
    {"drum", {"感光鼓", "drum"}},
    {"sam", {"安全模块", "SAM"}},
    {"shutter", {"闸门", "shutter"}},
    {"front_entry", {"前入口", "front entry"}},
    {"rear_entry", {"后入口", "rear entry"}},
    {"chip", {"芯片", "chip"}},
    {"keys", {"按键", "keys"}},
    {"scanner", {"扫描头", "scanner"}},
    {"battery", {"电池", "battery"}},
    {"mains", {"市电", "mains"}},
    {"lamp", {"灯", "lamp"}},
    {"fan", {"风扇", "fan"}},
};
/// Who or what is needed.
inline constexpr Word actions[] = {
    {"none", {"无需处理", "nothing needs doing"}},
    {"reset",
     {"先自动复位；仍有则请维修人员处理",
      "a reset by itself comes first; if it stays, an engineer"}},
    {"clear", {"请现场人员处理", "on-site staff clear it"}},
    {"maintenance", {"请维修人员处理", "an engineer is needed"}},
    {"configuration", {"请软件人员检查配置", "the software team corrects the configuration"}},
    {"softwareError", {"请软件人员处理", "the software team looks into it"}},
    {"suspend",
     {"先自动停用；仍有则请维修人员处理", "it is suspended by itself; if it stays, an engineer"}},
};
inline constexpr Word consumable_types[] = {
    {"receipt_paper", {"凭条纸", "receipt paper"}},
    {"a4_paper", {"A4 纸", "A4 paper"}},
    {"paper", {"纸", "paper"}},
    {"toner", {"墨粉", "toner"}},
    {"waste_toner", {"废粉盒", "waste toner"}},
    {"ink", {"墨水", "ink"}},
    {"waste_ink", {"废墨盒", "waste ink"}},
    {"developer", {"显影剂", "developer"}},
    {"drum", {"感光鼓", "drum"}},
    {"fuser", {"定影器", "fuser"}},
    {"transfer_unit", {"转印组件", "transfer unit"}},
    {"ribbon", {"色带", "ribbon"}},
    {"cleaning_kit", {"清洁组件", "cleaning kit"}},
    {"staples", {"订书钉", "staples"}},
    {"card_stock", {"卡片", "cards"}},
    {"invoice_stock", {"票据", "forms"}},
    {"battery", {"电池", "battery"}},
    {"retain_bin", {"回收箱", "retain bin"}},
    {"other", {"其他耗材", "other supply"}},
};
inline constexpr Word level_sources[] = {
    {"measured", {"设备测得", "measured"}},
    {"flag", {"按设备传感器", "by its sensor"}},
    {"counted", {"按用量计算", "counted"}},
    {"technician", {"维护人员登记", "told by a technician"}},
};
/// The last part of a type: `toner_cyan`.
inline constexpr Word colours[] = {
    {"black", {"黑", "black"}},
    {"cyan", {"青", "cyan"}},
    {"magenta", {"品红", "magenta"}},
    {"yellow", {"黄", "yellow"}},
};
/// The worst first.
inline constexpr Word consumable_states[] = {
    {"out", {"用尽", "out"}},
    {"missing", {"缺失", "missing"}},
    {"inoperative", {"不可用", "inoperative"}},
    {"jammed", {"卡住", "jammed"}},
    {"low", {"将尽", "low"}},
    {"high", {"将满", "nearly full"}},
    {"unknown", {"未知", "unknown"}},
    {"ok", {"充足", "ok"}},
    {"full", {"满", "full"}},
};
inline constexpr Word units[] = {
    {"sheets", {"张", "sheets"}}, {"pages", {"页", "pages"}}, {"count", {"个", "pieces"}},
    {"cards", {"张", "cards"}},   {"g", {"克", "g"}},         {"ml", {"毫升", "ml"}},
    {"hours", {"小时", "hours"}}, {"metres", {"米", "m"}},    {"percent", {"%", "%"}},
};

}  // namespace kw::agent::ctl
