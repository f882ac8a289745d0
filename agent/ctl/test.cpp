// kioskctl test: has the agent try a device, between two of its polls.
#include "agent/ctl/commands.hpp"
#include "agent/ctl/messages.hpp"
#include "agent/ctl/table.hpp"
#include "agent/ctl/words.hpp"
#include "common/platform/control_client.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

constexpr auto test_limit = std::chrono::seconds{70};  // the agent itself gives up after 60

std::string test_text(const json::object& result, const View& view) {
  const auto say = [&](const Text& text) { return std::string{text.in(view.lang)}; };
  const bool passed = at(result, "passed") == true;
  std::string attempts;
  for (const auto& took : array_at(result, "attempts_ms")) {
    attempts.append(attempts.empty() ? "" : ", ").append(text(took));
  }
  Table table;
  table.row({say(message::device_name), text(at(result, "device"))});
  table.row({say(message::test_result),
             {say(passed ? message::test_passed : message::test_failed),
              passed ? Colour::good : Colour::bad}});
  table.row({say(message::test_attempts), attempts.empty() ? "-" : attempts});
  table.row({say(message::test_detail), test_detail(text(at(result, "detail")), view.lang)});
  return table.text(view);
}

}  // namespace

int run_test(const Options& options, const TestArgs& args) {
  json::object request;
  request["device"] = args.device;
  request["lang"] = lang_tag(options);
  request["test"] = args.test;
  auto session = platform::ControlSession::open(options.data, "self-test", request, test_limit);
  if (!session) return not_asked(options, session.error());
  auto answer = session->next();
  if (!answer) return not_asked(options, answer.error());
  if (at(*answer, "ok") != true) {
    const auto& error = object_at(*answer, "error");
    const auto code = text(at(error, "code"), "");
    const bool mistyped = code == "missing" || code == "unsupported" || code == "invalid";
    const auto hint = mistyped ? message::test_see_devices : message::test_again;
    return complain(options, mistyped ? usage : fault, text(at(error, "message")),
                    say(options, hint));
  }
  const auto& result = object_at(*answer, "self_test");
  json::object out;
  out["self_test"] = result;
  print(options, out, test_text(result, options.view));
  return at(result, "passed") == true ? well : fault;
}

}  // namespace kw::agent::ctl
