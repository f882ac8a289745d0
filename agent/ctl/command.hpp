#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "agent/ctl/table.hpp"
#include "common/platform/process.hpp"
#include "common/result.hpp"

/// What all commands of kioskctl share: options, exit codes, how they print and how they fail.
namespace kw::agent::ctl {

/// Documented in README.md of this folder; scripts depend on them.
enum Exit { well = 0, fault = 1, usage = 2, not_running = 3, could_not_ask = 4 };

struct Options {
  std::filesystem::path data = platform::default_data();
  std::filesystem::path config = platform::default_config();
  bool config_given = false;  ///< on the command line
  bool json = false;
  View view;  ///< its language is the one of every text
};

/// The language of every text, as the agent takes it with a request.
std::string_view lang_tag(const Options& options);

/// The view that suits where the output goes: its width, and colour on a terminal unless NO_COLOR
/// is set.
View view_of_terminal(Lang lang);

/// The last word of a command that could not be carried out: a sentence, or with --json the object
/// `{ok: false, error: {code, message, hint}}`. Returns `code`.
int complain(const Options& options, Exit code, const std::string& message,
             const std::string& hint = {});

template <class... Args>
std::string say(const Options& options, const Text& text, const Args&... args) {
  return fmt::format(fmt::runtime(text.in(options.view.lang)), args...);
}

/// Prints the object with --json, else the text.
void print(const Options& options, const boost::json::object& object, const std::string& text);

/// The kiosk's own agent.toml: the one that was asked for, else the running agent's by its status
/// (empty: it does not say), else where it usually is.
std::filesystem::path own_config(const Options& options, const boost::json::object& status);

/// The agent could not be asked: says why and what to do.
int not_asked(const Options& options, const Error& why);

inline constexpr Duration answer_limit = std::chrono::seconds{10};

}  // namespace kw::agent::ctl
