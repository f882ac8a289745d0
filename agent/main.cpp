// kiosk-agent: watches a kiosk's devices and keeps every event until the collector has it.
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "agent/config.hpp"
#include "agent/enroll/enroll.hpp"
#include "agent/help_messages.hpp"
#include "agent/messages.hpp"
#include "agent/run.hpp"
#include "common/identity/random.hpp"
#include "common/log.hpp"
#include "common/platform/files.hpp"
#include "common/platform/folder_lock.hpp"
#include "common/platform/host_facts.hpp"
#include "common/platform/owner.hpp"
#include "common/platform/process.hpp"
#include "common/platform/signals.hpp"

namespace {

using namespace kw;
namespace fs = std::filesystem;

constexpr int exit_failed = 1;
constexpr int exit_waiting = 3;              ///< enroll: not approved yet
constexpr std::size_t log_lines_kept = 500;  // for the support bundle

struct Options {
  fs::path data = platform::default_data();
  fs::path config = platform::default_config();
  std::string server;
  std::string token;
  std::string proxy;
  std::string log_format = "text";
  std::string log_level = "info";
  std::string lang;
  fs::path ca_file;
  std::string ca_sha256;
  bool wait = false;
  bool force = false;
  bool json = false;
};

/// Of help and usage mistakes: --lang before the command line is parsed.
Lang early_language(int argc, char** argv) {
  std::string tag;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg == "--lang" && i + 1 < argc) tag = argv[i + 1];
    if (arg.starts_with("--lang=")) tag = arg.substr(7);
  }
  return lang_from(tag).value_or(lang_of_environment());
}

Lang language(const Options& options) {
  return lang_from(options.lang).value_or(lang_of_environment());
}

void start_log(const Options& options) {
  auto level = log::Level::info;
  if (options.log_level == "debug") level = log::Level::debug;
  if (options.log_level == "warning") level = log::Level::warning;
  if (options.log_level == "error") level = log::Level::error;
  log::start(level, options.log_format == "json" ? log::Format::json : log::Format::text);
}

template <class... Args>
int complain(const Options& options, const Text& text, const Args&... args) {
  const auto line = fmt::format(fmt::runtime(text.in(language(options))), args...);
  fmt::print(stderr, "kiosk-agent: {}\n", line);
  return exit_failed;
}

int run(const Options& options) {
  using namespace agent;
  // Run by hand as root, the service would not be able to read what this leaves behind.
  if (const auto ours = platform::become_owner_of(options.data); !ours) {
    return complain(options, message::folder_failed, options.data.string(), ours.error().text());
  }
  if (const auto made = platform::make_folder(options.data, true); !made) {
    return complain(options, message::folder_failed, options.data.string(), made.error().text());
  }
  const auto lock = platform::FolderLock::take(options.data);
  if (!lock) {
    if (lock.error().code() == Errc::busy) {
      return complain(options, message::folder_busy, options.data.string());
    }
    // A disk that went read-only must not leave the kiosk unwatched: events then live in memory.
    log::error("folder-not-locked", {{"reason", lock.error()}});
  }
  log::keep_last(log_lines_kept);
  return run_agent(options.data, options.config);
}

Task<void> enroll_into(agent::Enrolment wanted, Lang lang,
                       std::optional<Result<agent::IdentityFiles>>& out) {
  auto result = co_await agent::enroll(std::move(wanted), lang);
  out = std::move(result);
}

int enroll(const Options& options) {
  using namespace agent;
  if (const auto ours = platform::become_owner_of(options.data); !ours) {
    return complain(options, message::folder_failed, options.data.string(), ours.error().text());
  }
  if (const auto made = platform::make_folder(options.data, true); !made) {
    return complain(options, message::folder_failed, options.data.string(), made.error().text());
  }
  if (options.token.empty() && options.ca_file.empty() && options.ca_sha256.empty()) {
    return complain(options, message::needs_token_or_ca);
  }
  const auto host = platform::host_facts();
  Enrolment wanted{options.data,  options.server, options.token,
                   options.proxy, host.hostname,  options.force};
  wanted.ca_file = options.ca_file;
  wanted.ca_sha256 = options.ca_sha256;
  wanted.os = host.os;
  wanted.wait = options.wait;
  wanted.jitter = [] { return static_cast<double>(identity::random_u64() >> 11) * 0x1p-53; };
  wanted.waiting = [&options](const std::string& fingerprint) {
    fmt::print(stderr, "kiosk-agent: {}\n",
               fmt::format(fmt::runtime(message::waiting_for_approval.in(language(options))),
                           fingerprint));
  };
  asio::io_context io{1};
  std::optional<Result<IdentityFiles>> result;
  spawn(io, "enroll", enroll_into(std::move(wanted), language(options), result));
  io.run();
  if (!result) return exit_failed;
  boost::json::object out;
  out["ok"] = static_cast<bool>(*result);
  if (!*result) {
    const auto& why = result->error();
    if (options.json) {
      boost::json::object error;
      error["code"] = kw::name(why.code());
      error["message"] = why.text();
      out["error"] = std::move(error);
      fmt::print("{}\n", boost::json::serialize(out));
    } else {
      fmt::print(stderr, "kiosk-agent: {}\n", why.text());
    }
    return why.code() == Errc::busy ? exit_waiting : exit_failed;
  }
  const auto& identity = **result;
  if (options.json) {
    out["terminal"] = identity.terminal;
    out["server"] = identity.server.text();
    fmt::print("{}\n", boost::json::serialize(out));
  } else {
    fmt::print("{}\n", fmt::format(fmt::runtime(message::enrolled.in(language(options))),
                                   identity.terminal, identity.server.text()));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  platform::ignore_sigpipe();
  platform::print_utf8();
  platform::keep_memory_small();
  platform::keep_files_private();
  Options options;
  // Help must already speak the language that is only then parsed.
  const auto lang = early_language(argc, argv);
  const auto help = [lang](const Text& text) { return std::string{text.in(lang)}; };
  namespace message = agent::message;
  CLI::App app{help(message::help_app)};
  app.set_help_flag("-h,--help", help(message::help_help));
  app.set_version_flag("--version", KW_VERSION, help(message::help_version));
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--log-format", options.log_format, help(message::help_log_format))
      ->check(CLI::IsMember({"text", "json"}));
  app.add_option("--log-level", options.log_level, help(message::help_log_level))
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  app.add_option("--lang", options.lang, help(message::help_lang))
      ->check(CLI::IsMember({"zh-CN", "en"}));
  const auto put = [](fs::path& to) {
    return [&to](const std::string& given) { to = platform::path_of(given); };
  };
  app.add_option_function<std::string>("--data", put(options.data), help(message::help_data));
  app.add_flag("--json", options.json, help(message::help_json));
  auto* runs = app.add_subcommand("run", help(message::help_run));
  runs->add_option_function<std::string>("--config", put(options.config),
                                         help(message::help_config));
  auto* enrolls = app.add_subcommand("enroll", help(message::help_enroll));
  enrolls->add_option("--server", options.server, help(message::help_server))->required();
  enrolls->add_option("--token", options.token, help(message::help_token));
  enrolls->add_option("--ca", options.ca_file, help(message::help_ca));
  enrolls->add_option("--ca-sha256", options.ca_sha256, help(message::help_ca_sha256));
  enrolls->add_flag("--wait", options.wait, help(message::help_wait));
  enrolls->add_option("--proxy", options.proxy, help(message::help_proxy));
  enrolls->add_flag("--force", options.force, help(message::help_force));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  start_log(options);
  return enrolls->parsed() ? enroll(options) : run(options);
}
