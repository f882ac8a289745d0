// kiosk-agent: watches a kiosk's devices and keeps every event until the collector has it.
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "agent/config.hpp"
#include "agent/enroll/enroll.hpp"
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
  CLI::App app{"Kioskwatch agent"};
  app.set_version_flag("--version", KW_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--log-format", options.log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  app.add_option("--log-level", options.log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  app.add_option("--lang", options.lang, "zh-CN or en")->check(CLI::IsMember({"zh-CN", "en"}));
  const auto put = [](fs::path& to) {
    return [&to](const std::string& given) { to = platform::path_of(given); };
  };
  app.add_option_function<std::string>("--data", put(options.data), "data folder");
  app.add_flag("--json", options.json, "print one JSON object");
  auto* runs = app.add_subcommand("run", "watch the devices of this kiosk");
  runs->add_option_function<std::string>("--config", put(options.config), "agent.toml");
  auto* enrolls = app.add_subcommand("enroll", "get a certificate from the collector");
  enrolls->add_option("--server", options.server, "https://HOST:PORT")->required();
  enrolls->add_option("--token", options.token, "one-time token");
  enrolls->add_option("--ca", options.ca_file,
                      "without a token: PEM file of the collector's CA; an administrator approves");
  enrolls->add_option("--ca-sha256", options.ca_sha256,
                      "the same by fingerprint, as kiosk-collector ca prints it");
  enrolls->add_flag("--wait", options.wait, "wait until approved");
  enrolls->add_option("--proxy", options.proxy, "http://[USER:PASSWORD@]HOST:PORT");
  enrolls->add_flag("--force", options.force, "replace an existing identity");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  start_log(options);
  return enrolls->parsed() ? enroll(options) : run(options);
}
