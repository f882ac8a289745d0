#include "collector/backup_cli.hpp"

#include <cstdlib>
#include <iostream>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "collector/backup.hpp"
#include "collector/backup_folder.hpp"
#include "collector/backup_messages.hpp"
#include "collector/messages.hpp"
#include "collector/store/sqlite/opening.hpp"
#include "collector/trial_folder.hpp"
#include "common/platform/files.hpp"
#include "common/platform/owner.hpp"

namespace kw::collector {
namespace {

namespace json = boost::json;

std::string say(const Text& text, Lang lang) { return std::string{text.in(lang)}; }

template <class... Args>
std::string told(const Text& text, Lang lang, const Args&... args) {
  return fmt::format(fmt::runtime(text.in(lang)), args...);
}

int report(const Error& error, Lang lang) {
  std::cerr << told(messages::failed, lang, error.text()) << '\n';
  return EXIT_FAILURE;
}

int report(const Shortage& lacks, Lang lang) {
  std::cerr << told(messages::no_room, lang, lacks.folder.string(), lacks.needed, lacks.available)
            << '\n';
  return EXIT_FAILURE;
}

std::string newest(const StoreFacts& facts, Lang lang) {
  return facts.newest_event ? rfc3339(*facts.newest_event) : say(messages::no_event, lang);
}

std::string holds(const StoreFacts& facts, Lang lang) {
  return told(messages::store_holds, lang, facts.schema, facts.terminals, facts.devices,
              facts.events, facts.faults, facts.orders, newest(facts, lang));
}

json::object figures(const StoreFacts& facts) {
  json::object out{{"schema", facts.schema},       {"terminals", facts.terminals},
                   {"devices", facts.devices},     {"blocks", facts.blocks},
                   {"events", facts.events},       {"faults", facts.faults},
                   {"orders", facts.orders},       {"audit", facts.audits},
                   {"sound", facts.wrong.empty()}, {"newest_event", nullptr}};
  if (facts.newest_event) out["newest_event"] = rfc3339(*facts.newest_event);
  json::array wrong;
  for (const auto& what : facts.wrong) wrong.emplace_back(what);
  out["wrong"] = std::move(wrong);
  return out;
}

/// Beside the answer itself, so that what reads it stays whole.
void tell_record(const Recorded& recorded, Lang lang) {
  if (!recorded.done) {
    std::cerr << told(messages::not_in_the_audit, lang, recorded.why_not) << '\n';
  }
}

void print_verdict(const TrialReport& trial, Lang lang) {
  if (trial.facts.wrong.empty()) {
    std::cout << told(messages::backup_is_sound, lang, trial.file.string(), trial.bytes, trial.ms,
                      trial.sha256)
              << '\n';
  } else {
    std::cout << told(messages::backup_is_bad, lang, trial.file.string()) << '\n';
    for (const auto& what : trial.facts.wrong) std::cout << "- " << what << '\n';
  }
  std::cout << holds(trial.facts, lang) << '\n';
}

json::object as_json(const TrialReport& trial) {
  auto out = figures(trial.facts);
  out["file"] = trial.file.string();
  out["bytes"] = trial.bytes;
  out["ms"] = trial.ms;
  out["sha256"] = trial.sha256;
  out["recorded"] = trial.recorded.done;
  return out;
}

}  // namespace

BackupCli::BackupCli(CLI::App& app, std::string& data, Lang lang) : data_(data), lang_(lang) {
  const auto leaf = [&](const char* name, const Text& help) {
    auto* out = app.add_subcommand(name, say(help, lang));
    out->add_option("--data", data, say(messages::data_help, lang));
    out->add_flag("--json", json_, say(messages::json_help, lang));
    return out;
  };
  backup_ = leaf("backup", messages::backup_help);
  backup_->add_option("--to", to_, say(messages::backup_to_help, lang))->required();
  backup_->add_option("--keep", keep_, say(messages::backup_keep_help, lang))
      ->check(CLI::PositiveNumber);
  restore_ = leaf("restore", messages::restore_help);
  restore_->add_option("file", file_, say(messages::restore_file_help, lang))->required();
  restore_->add_flag("--verify", verify_, say(messages::verify_help, lang));
}

std::optional<int> BackupCli::run(const std::string& who, const Clock& clock) const {
  if (backup_->parsed()) return backup(who, clock);
  if (restore_->parsed()) return verify_ ? verify(who, clock) : restore(who, clock);
  return std::nullopt;
}

int BackupCli::backup(const std::string& who, const Clock& clock) const {
  const auto to = platform::path_of(to_);
  const auto data = platform::path_of(data_);
  std::error_code none;
  const bool forgets = keep_ > 0 && std::filesystem::is_directory(to, none);
  const auto file = backup_file(to, clock);
  const auto needed = room_for_copy(store_file(data));
  // A set that fills the disk would be the last one otherwise, and end acknowledgement.
  if (const auto lacks =
          forgets ? make_room(file, needed) : lacks_room(file.parent_path(), needed)) {
    return report(*lacks, lang_);
  }
  const auto made = make_backup(data, file, who, clock);
  if (!made) {
    const auto now = platform::account_name();
    if (now != who) std::cerr << told(messages::writes_as, lang_, data_, now) << '\n';
    return report(made.error(), lang_);
  }
  if (forgets) {
    for (const auto& later : named_after(file)) {
      std::cerr << told(messages::clock_was_ahead, lang_, later.string()) << '\n';
    }
    forget_old_backups(file, keep_);
  }
  if (json_) {
    auto out = figures(made->facts);
    out["file"] = made->file.string();
    out["bytes"] = made->bytes;
    out["pages"] = made->pages;
    out["ms"] = made->ms;
    out["sha256"] = made->sha256;
    out["recorded"] = made->recorded.done;
    std::cout << json::serialize(out) << '\n';
  } else {
    std::cout << told(messages::backup_made, lang_, made->file.string(), made->bytes, made->pages,
                      made->ms, made->sha256)
              << '\n'
              << holds(made->facts, lang_) << '\n';
    if (made->recorded.done) std::cout << messages::in_the_audit.in(lang_) << '\n';
  }
  tell_record(made->recorded, lang_);
  // A backup without its record is not what was asked for.
  return made->recorded.done ? EXIT_SUCCESS : EXIT_FAILURE;
}

int BackupCli::verify(const std::string& who, const Clock& clock) const {
  const auto file = newest_backup(platform::path_of(file_), clock);
  if (!file) return report(file.error(), lang_);
  const auto data = platform::path_of(data_);
  std::error_code none;
  if (std::filesystem::equivalent(*file, store_file(data), none)) {
    // It changes while it is copied, and the copy would be of no moment.
    std::cerr << told(messages::verify_is_of_backups, lang_, file->string()) << '\n';
    return EXIT_FAILURE;
  }
  if (const auto lacks = lacks_room(trial_place(data), room_for_copy(*file))) {
    return report(*lacks, lang_);
  }
  const auto trial = try_backup(data, *file, who, clock);
  if (!trial) return report(trial.error(), lang_);
  if (json_) {
    std::cout << json::serialize(as_json(*trial)) << '\n';
  } else {
    print_verdict(*trial, lang_);
    if (trial->recorded.done) std::cout << messages::in_the_audit.in(lang_) << '\n';
  }
  tell_record(trial->recorded, lang_);
  return trial->facts.wrong.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}

int BackupCli::restore(const std::string& who, const Clock& clock) const {
  const auto data = platform::path_of(data_);
  const auto file = platform::path_of(file_);
  if (const auto lacks = lacks_room(data, room_for_copy(file))) {
    report(*lacks, lang_);
    std::cerr << messages::nothing_changed.in(lang_) << '\n';
    return EXIT_FAILURE;
  }
  const auto done = restore_backup(data, file, who, clock);
  if (!done) {
    const bool runs = done.error().code() == Errc::busy;
    std::cerr << (runs ? told(messages::stop_it_first, lang_, data_)
                       : told(messages::failed, lang_, done.error().text()))
              << '\n'
              << messages::nothing_changed.in(lang_) << '\n';
    return EXIT_FAILURE;
  }
  const auto& carried = done->carried;
  if (json_) {
    auto out = as_json(done->trial);
    out["aside"] = done->aside.string();
    out["carried"] = {{"from", done->carried_from.string()},
                      {"audit", carried.audits},
                      {"terminals", carried.terminals},
                      {"certificates", carried.certificates},
                      {"commands", carried.commands}};
    out["not_carried"] = done->not_carried;
    out["unfinished"] = done->unfinished;
    std::cout << json::serialize(out) << '\n';
    return done->unfinished.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  if (done->unfinished.empty()) {
    std::cout << told(messages::restored, lang_, done->trial.file.string()) << '\n'
              << holds(done->trial.facts, lang_) << '\n';
  } else {
    std::cerr << told(messages::not_finished, lang_, done->unfinished) << '\n';
  }
  if (!done->aside.empty()) {
    std::cout << told(messages::store_is_aside, lang_, done->aside.string()) << '\n';
  }
  std::cout << (done->not_carried.empty()
                    ? told(messages::was_carried, lang_, done->carried_from.string(),
                           carried.audits, carried.terminals, carried.certificates,
                           carried.commands)
                    : told(messages::was_not_carried, lang_, done->not_carried))
            << '\n';
  if (!done->unfinished.empty()) return EXIT_FAILURE;
  std::cout << messages::start_it.in(lang_) << '\n';
  return EXIT_SUCCESS;
}

}  // namespace kw::collector
