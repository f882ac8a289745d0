#include "agent/ctl/command.hpp"

#include <cstdio>
#include <cstdlib>

#include <boost/json/serialize.hpp>

#include "agent/ctl/messages.hpp"
#include "agent/ctl/words.hpp"
#include "common/platform/files.hpp"
#include "common/platform/terminal.hpp"

namespace kw::agent::ctl {

namespace json = boost::json;

std::string_view lang_tag(const Options& options) {
  return options.view.lang == Lang::zh_cn ? "zh-CN" : "en";
}

View view_of_terminal(Lang lang) {
  View out;
  out.lang = lang;
  out.now = SystemClock{}.wall();
  const auto terminal = platform::output_terminal();
  if (!terminal) return out;
  const char* forbidden = std::getenv("NO_COLOR");  // no-color.org: any value but an empty one
  const char* kind = std::getenv("TERM");
  const bool dumb = kind != nullptr && std::string_view{kind} == "dumb";
  out.columns = terminal->columns;
  out.colour = (forbidden == nullptr || *forbidden == '\0') && !dumb;
  return out;
}

int complain(const Options& options, Exit code, const std::string& message,
             const std::string& hint) {
  if (options.json) {
    constexpr const char* names[] = {"ok", "fault", "usage", "not_running", "could_not_ask"};
    json::object error;
    error["code"] = names[code];
    error["message"] = message;
    error["hint"] = hint;
    json::object out;
    out["ok"] = false;
    out["error"] = std::move(error);
    fmt::print("{}\n", json::serialize(out));
    return code;
  }
  fmt::print(stderr, "kioskctl: {}\n", message);
  if (!hint.empty()) fmt::print(stderr, "  → {}\n", hint);
  return code;
}

void print(const Options& options, const json::object& object, const std::string& text) {
  if (options.json) {
    fmt::print("{}\n", json::serialize(object));
  } else {
    fmt::print("{}", text);
  }
}

std::filesystem::path own_config(const Options& options, const json::object& status) {
  if (options.config_given) return options.config;
  const auto told = text(at(object_at(status, "configuration"), "local_file"), "");
  return told.empty() ? options.config : platform::path_of(told);
}

int not_asked(const Options& options, const Error& why) {
  switch (why.code()) {
    case Errc::missing:
      return complain(options, not_running,
                      say(options, message::not_running, options.data.string()),
                      say(options, message::start_it));
    case Errc::refused:
      return complain(options, could_not_ask, say(options, message::not_allowed, why.text()),
                      say(options, message::use_sudo));
    default:
      return complain(options, could_not_ask, say(options, message::no_answer, why.text()),
                      say(options, message::restart_it));
  }
}

}  // namespace kw::agent::ctl
