#pragma once

#include "common/i18n.hpp"

/// What `kiosk-collector backup` and `restore` say.
namespace kw::collector::messages {

inline constexpr Text backup_help{"在线备份数据库（采集服务器无需停止），并记入审计",
                                  "back the database up while the collector runs; kept in the "
                                  "audit"};
inline constexpr Text backup_to_help{
    "备份文件（不得已存在），或已有目录：文件名取备份时间",
    "the backup's file, which must not exist yet, or a folder: then it is named after the time"};
inline constexpr Text backup_keep_help{"备份到目录时，只保留最近这么多份",
                                       "in a folder: keep so many backups and delete older ones"};
inline constexpr Text restore_help{"用备份替换数据库；采集服务器须先停止，终端会补传此后的事件",
                                   "put a backup in the place of the database; the collector must "
                                   "not run, kiosks send again what came after"};
inline constexpr Text restore_file_help{
    "备份文件；演练时也可给目录，取其中最近一份",
    "the backup's file; with --verify also a folder: the newest in it"};
inline constexpr Text verify_help{"只演练：用副本真正恢复并逐项检查，不改动数据库",
                                  "only try: really restore a copy and check it; the database "
                                  "stays as it is"};
inline constexpr Text backup_made{"已备份：{}\n{} 字节，{} 页，用时 {} 毫秒，SHA-256 {}",
                                  "backed up: {}\n{} bytes, {} pages, {} ms, SHA-256 {}"};
inline constexpr Text store_holds{
    "表结构版本 {}；终端 {}，设备 {}，事件 {}，故障 {}，工单 {}；最新事件 {}",
    "schema {}; {} terminals, {} devices, {} events, {} faults, {} orders; newest event {}"};
inline constexpr Text no_event{"无", "none"};
inline constexpr Text backup_is_sound{"备份可用：{}\n{} 字节，用时 {} 毫秒，SHA-256 {}",
                                      "the backup is sound: {}\n{} bytes, {} ms, SHA-256 {}"};
inline constexpr Text backup_is_bad{"备份不可用：{}", "the backup is NOT sound: {}"};
inline constexpr Text in_the_audit{"已记入审计", "recorded in the audit"};
inline constexpr Text not_in_the_audit{"未能记入审计：{}", "not recorded in the audit: {}"};
inline constexpr Text restored{"已恢复：{}", "restored: {}"};
inline constexpr Text store_is_aside{"原数据库已移到 {}；确认无误后可删除",
                                     "what the database was is {} now; delete it when all is well"};
inline constexpr Text was_carried{
    "已从 {} 带入备份之后的记录：审计 {}，终端 {}，证书 {}，命令 {}",
    "carried over from {}, of after the backup: {} audit entries, {} terminals, {} certificates, "
    "{} commands"};
inline constexpr Text was_not_carried{
    "未带入备份之后的任何记录（{}）：备份之后的吊销须重做，此后注册或更换证书的终端须重新注册",
    "nothing of after the backup was carried over ({}): revocations of after it must be done "
    "again, and kiosks that enrolled or renewed since must enrol again"};
inline constexpr Text not_finished{"恢复未完成：{}", "the restore was not finished: {}"};
inline constexpr Text start_it{"请启动采集服务器：终端随即补传备份之后的事件",
                               "now start the collector: kiosks then send what came after the "
                               "backup"};
inline constexpr Text stop_it_first{
    "采集服务器或一次备份正在使用 {}：采集服务器请先停止（systemctl stop kiosk-collector），"
    "备份请等其结束",
    "a collector or a backup uses {}: stop it first (systemctl stop kiosk-collector), a backup "
    "ends by itself"};
inline constexpr Text writes_as{
    "数据目录 {} 属于 {}，本命令以该账户的身份读写：备份的位置须允许其写入",
    "the data folder {} belongs to {}, as whom this command reads and writes: that account must be "
    "allowed to write where the backup goes"};
inline constexpr Text no_room{
    "错误：{} 所在磁盘空间不足：需要 {} 字节，可用 {} 字节；请清理或换到另一磁盘",
    "error: not enough room on the disk of {}: {} bytes are needed, {} are free; make room or use "
    "another disk"};
inline constexpr Text clock_was_ahead{
    "注意：{} 的名称晚于现在（系统时钟曾经偏快，或现在偏慢）：按最旧的处理",
    "note: {} is named after a time that has not come (the clock was ahead, or is behind now): "
    "taken for the oldest"};
inline constexpr Text verify_is_of_backups{
    "错误：{} 就是正在使用的数据库：请先用 kiosk-collector backup 备份，再演练该备份",
    "error: {} is the database itself: make a backup (kiosk-collector backup) and try that"};
inline constexpr Text nothing_changed{"未作任何改动", "nothing was changed"};

}  // namespace kw::collector::messages
