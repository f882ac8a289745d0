// kioskctl bundle: one file that tells support everything, from the agent, or from files when none
// runs.
#include <algorithm>
#include <system_error>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "agent/bundle/mask.hpp"
#include "agent/ctl/commands.hpp"
#include "agent/ctl/doctor.hpp"
#include "agent/ctl/link_report.hpp"
#include "agent/ctl/messages.hpp"
#include "agent/ctl/words.hpp"
#include "common/platform/control_client.hpp"
#include "common/platform/files.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr auto piece_limit = std::chrono::seconds{30};
constexpr auto link_limit = std::chrono::seconds{5};
constexpr std::size_t bundle_most = 16 * 1024 * 1024;

/// What the running agent makes of itself.
Result<json::object> from_agent(const Options& options) {
  auto session = platform::ControlSession::open(options.data, "bundle", {}, piece_limit);
  if (!session) return std::move(session).error();
  std::string document;
  for (;;) {
    const auto line = session->next();
    if (!line) return line.error();
    if (at(*line, "ok") != true) {
      return Error{Errc::unsupported, text(at(object_at(*line, "error"), "message"))};
    }
    if (at(*line, "end") == true) break;
    document += text(at(*line, "chunk"), "");
    if (document.size() > bundle_most) return Error{Errc::garbled, "the bundle is too long"};
  }
  json::error_code wrong;
  auto parsed = json::parse(document, wrong);
  if (wrong || !parsed.is_object()) return Error{Errc::garbled, "the bundle is not JSON"};
  return std::move(parsed.get_object());
}

/// Names, sizes and ages of what lies in the data folder; no contents.
json::array files_in(const fs::path& data) {
  json::array out;
  std::error_code ec;
  for (const auto& entry : fs::recursive_directory_iterator{data, ec}) {
    std::error_code gone;
    if (!entry.is_regular_file(gone)) continue;
    json::object file;
    file["name"] = fs::relative(entry.path(), data, gone).generic_string();
    file["bytes"] = entry.file_size(gone);
    out.push_back(std::move(file));
    if (out.size() == 1'000) break;
  }
  return out;
}

json::value masked_configuration(const fs::path& file) {
  const auto text = platform::read_file(file);
  return text ? json::value(mask_configuration(*text)) : json::value(nullptr);
}

std::string default_name(const json::object& bundle, WallTime now) {
  auto terminal = text(at(object_at(bundle, "status"), "terminal"), "kiosk");
  std::ranges::replace_if(
      terminal,
      [](char c) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                           (c >= 'a' && c <= 'z') || c == '-' || c == '_';
        return !plain;
      },
      '_');
  auto when = rfc3339(now).substr(0, 19);
  std::erase_if(when, [](char c) { return c == '-' || c == ':'; });
  return "kioskwatch-" + terminal + "-" + when + ".json";
}

}  // namespace

int run_bundle(const Options& options, const BundleArgs& args) {
  const SystemClock clock;
  auto told = from_agent(options);
  const bool forbidden = !told && told.error().code() == Errc::refused;
  json::array missing;
  json::object bundle;
  if (told) {
    bundle = std::move(*told);
  } else {
    bundle["bundle"] = "kioskwatch-agent";
    bundle["version"] = 1;
    bundle["made_at"] = rfc3339(clock.wall());
    bundle["agent_error"] = told.error().text();
    for (const char* part : {"status", "devices", "outbox", "log", "events"}) {
      missing.emplace_back(part);
    }
  }
  if (text(at(bundle, "configuration"), "").empty()) {
    bundle["configuration"] =
        masked_configuration(own_config(options, object_at(bundle, "status")));
  }
  if (at(bundle, "configuration").is_null()) missing.emplace_back("configuration");
  bundle["missing"] = missing;
  bundle["kioskctl"] = KW_VERSION;
  bundle["files"] = files_in(options.data);
  bundle["doctor"] = doctor_json(judge_host(examine_host(options, clock), Lang::en));
  bundle["link"] = to_json(examine_link(options, link_limit, clock));

  const auto file = args.file.empty() ? fs::path{default_name(bundle, clock.wall())} : args.file;
  const auto document = json::serialize(bundle) + "\n";
  const auto written = platform::write_file(file, document, true);
  if (!written) {
    return complain(options, could_not_ask,
                    say(options, message::bundle_unwritten, file.string(), written.error().text()));
  }
  json::object out;
  out["file"] = file.string();
  out["bytes"] = document.size();
  out["missing"] = missing;
  auto line =
      say(options, message::bundle_written, file.string(), (document.size() + 1'023) / 1'024);
  if (!missing.empty()) {
    std::string list;
    for (const auto& part : missing) list.append(list.empty() ? "" : ", ").append(text(part));
    line += say(options, forbidden ? message::bundle_no_rights : message::bundle_partly, list);
  }
  print(options, out, line);
  return missing.empty() ? well : fault;
}

}  // namespace kw::agent::ctl
