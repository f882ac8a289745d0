#include "collector/remote_cli.hpp"

#include <cstdlib>
#include <iostream>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "collector/messages.hpp"
#include "common/platform/control_client.hpp"
#include "common/platform/files.hpp"

namespace kw::collector {
namespace {

namespace json = boost::json;

constexpr auto answer_within = std::chrono::seconds{20};

std::string say(const Text& text, Lang lang) { return std::string{text.in(lang)}; }

int report(const Error& error, Lang lang) {
  const bool absent = error.code() == Errc::missing;
  std::cerr << fmt::format(fmt::runtime(messages::failed.in(lang)),
                           absent ? say(messages::not_running, lang) : error.text())
            << '\n';
  return EXIT_FAILURE;
}

/// A member as people read it: "-" for none.
std::string shown(const json::object& of, std::string_view key) {
  const auto* value = of.if_contains(key);
  if (value == nullptr || value->is_null()) return "-";
  return value->is_string() ? std::string{value->get_string()} : json::serialize(*value);
}

}  // namespace

RemoteCli::RemoteCli(CLI::App& app, std::string& data, Lang lang) : data_(data), lang_(lang) {
  const auto leaf = [&](CLI::App* parent, const char* name, const Text& help) {
    auto* out = parent->add_subcommand(name, say(help, lang));
    out->add_option("--data", data, say(messages::data_help, lang));
    out->add_option("--terminal", terminal_, say(messages::terminal_help, lang))->required();
    return out;
  };
  auto* maintenance = app.add_subcommand("maintenance", say(messages::maintenance_help, lang));
  maintenance->require_subcommand(1);
  on_ = leaf(maintenance, "on", messages::maintenance_on_help);
  on_->add_option("--reason", reason_, say(messages::reason_help, lang))->required();
  on_->add_option("--until", until_, say(messages::until_help, lang));
  off_ = leaf(maintenance, "off", messages::maintenance_off_help);
  off_->add_option("--reason", reason_, say(messages::reason_help, lang));

  command_ = leaf(&app, "command", messages::command_help);
  command_->add_option("verb", verb_, say(messages::verb_help, lang))
      ->required()
      ->check(CLI::IsMember({"refresh", "self-test", "log-bundle"}));
  command_->add_option("--device", device_, say(messages::device_help, lang));
  command_->add_option("--test", test_, say(messages::test_help, lang));
  command_->add_option("--expires-in", expires_in_s_, say(messages::expires_help, lang));
  command_->add_flag("--wait", wait_, say(messages::wait_help, lang));

  auto* config = app.add_subcommand("config", say(messages::config_help, lang));
  config->require_subcommand(1);
  push_ = leaf(config, "push", messages::config_push_help);
  push_->add_option("file", file_, say(messages::config_file_help, lang))->required();
  show_ = leaf(config, "show", messages::config_show_help);
  clear_ = leaf(config, "clear", messages::config_clear_help);
}

std::optional<int> RemoteCli::run() const {
  if (on_->parsed()) return run_maintenance(true);
  if (off_->parsed()) return run_maintenance(false);
  if (command_->parsed()) return run_command();
  if (push_->parsed()) return run_config("config-push");
  if (show_->parsed()) return run_config("config-show");
  if (clear_->parsed()) return run_config("config-clear");
  return std::nullopt;
}

int RemoteCli::run_maintenance(bool on) const {
  json::object args{{"terminal", terminal_}, {"on", on}};
  if (!reason_.empty()) args["reason"] = reason_;
  if (!until_.empty()) args["until"] = until_;
  const auto done = platform::ask_control(data_, "maintenance", args, answer_within);
  if (!done) return report(done.error(), lang_);
  const auto& text = on ? messages::maintenance_is_on : messages::maintenance_is_off;
  std::cout << fmt::format(fmt::runtime(text.in(lang_)), terminal_) << '\n';
  return EXIT_SUCCESS;
}

int RemoteCli::run_command() const {
  json::object of_verb;
  if (!device_.empty()) of_verb["device"] = device_;
  if (!test_.empty()) of_verb["test"] = test_;
  const json::object args{
      {"terminal", terminal_}, {"verb", verb_}, {"args", of_verb}, {"expires_in_s", expires_in_s_}};
  auto answer = platform::ask_control(data_, "command-new", args, answer_within);
  if (!answer) return report(answer.error(), lang_);
  json::object command = answer->at("command").as_object();
  if (!wait_) {
    std::cout << shown(command, "id") << '\n';
    return EXIT_SUCCESS;
  }
  while (!command.at("ended").as_bool()) {
    answer =
        platform::ask_control(data_, "command-wait", {{"id", command.at("id")}}, answer_within);
    if (!answer) return report(answer.error(), lang_);
    command = answer->at("command").as_object();
  }
  std::cout << json::serialize(command) << '\n';
  return command.at("state") == "done" ? EXIT_SUCCESS : EXIT_FAILURE;
}

int RemoteCli::run_config(const std::string& verb) const {
  json::object args{{"terminal", terminal_}};
  if (verb == "config-push") {
    auto body = platform::read_file(file_);
    if (!body) {
      return report(Error{Errc::invalid, file_ + ": " + body.error().text()}, lang_);
    }
    args["body"] = std::move(*body);
  }
  const auto answer = platform::ask_control(data_, verb, args, answer_within);
  if (!answer) return report(answer.error(), lang_);
  const auto& told = answer->at("configuration").as_object();
  const bool local = told.at("local").as_bool();
  std::cout << fmt::format(fmt::runtime(messages::config_state.in(lang_)), terminal_,
                           shown(told, "state"), shown(told, "hash"), shown(told, "in_force"),
                           shown(told, "detail"))
            << '\n';
  if (local) std::cout << messages::config_is_local.in(lang_) << '\n';
  if (verb == "config-show" && told.at("body").is_string()) {
    std::cout << '\n' << shown(told, "body");
  }
  return EXIT_SUCCESS;
}

}  // namespace kw::collector
