// Single bits and lost ends in every file that agent and collector keep beside their databases. The
// real loading code must refuse with a reason that names the file, or go on with something that is
// safe; it must never take what has changed for what was written.
#include <fstream>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "agent/configuration/files.hpp"
#include "agent/configuration/rules.hpp"
#include "agent/enroll/identity_files.hpp"
#include "agent/local_api/token.hpp"
#include "collector/accounts/authority_files.hpp"
#include "collector/faults/rules.hpp"
#include "common/identity/authority.hpp"
#include "common/identity/certificate.hpp"
#include "common/identity/keys.hpp"
#include "common/link/ticket_keys.hpp"
#include "common/platform/files.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/torture/chance.hpp"
#include "tests/torture/flips.hpp"
#include "tests/torture/report.hpp"

using namespace kw;
using namespace kw::torture;
namespace fs = std::filesystem;

namespace {

using Verdict = std::optional<std::string>;

/// Beside whatever else is in the folder.
void put(const Image& image, const fs::path& folder) {
  for (const auto& [name, content] : image.files) {
    std::ofstream{folder / name, std::ios::binary} << content;
  }
}

/// Damages the folder `flips` times (KW_TORTURE_TIMES of them) and lets `judge` load from it.
Tally flip(const fs::path& folder, int flips, unsigned own,
           const std::function<Verdict(const Image&)>& judge) {
  const auto whole = image_of(folder);
  REQUIRE_FALSE(whole.files.empty());
  std::mt19937_64 random{torture::seed(own)};
  Tally tally;
  for (int i = 0; i < flips * times(); ++i) {
    const auto image = damaged(whole, random);
    put(image, folder);
    const auto complaint = judge(image);
    tally.add(complaint);
    if (complaint) MESSAGE(image.what, ": ", *complaint);
  }
  put(whole, folder);
  return tally;
}

void done(std::string_view what, const Tally& tally) {
  print(what, tally, "bit_flips");
  CHECK(tally.cuts > 0);
  CHECK_MESSAGE(tally.bad() == 0, tally.first);
}

/// An error must say which file, or which folder, and so what to put right.
Verdict named(const Error& why, std::string_view file) {
  if (why.text().find(file) != std::string::npos) return std::nullopt;
  return "wrong: no file named: " + why.text();
}

/// A collector's data folder with an authority, and a kiosk's identity under it.
struct World {
  World() {
    REQUIRE(collector::AuthorityFiles::create(folder.path(), {"127.0.0.1"}, clock));
    auto loaded = collector::AuthorityFiles::load(folder.path(), clock);
    REQUIRE(loaded);
    authority.emplace(std::move(*loaded));
    identity.server = {"collector.example", 8443};
    identity.terminal = "K1";
    identity.own.key_pem = *identity::make_key();
    const auto csr = identity::make_csr(identity.own.key_pem, "kiosk");
    REQUIRE(csr);
    const auto issued =
        identity::sign_kiosk(authority->issuer(), *csr, "K1", clock.wall(), 90 * identity::day);
    REQUIRE(issued);
    identity.own.chain_pem = issued->certificate_pem + authority->issuer_pem();
    identity.ca_pem = authority->trust_pem();
  }
  SystemClock clock;
  tests::TempFolder folder;
  std::optional<collector::AuthorityFiles> authority;
  agent::IdentityFiles identity;
};

bool same(const agent::IdentityFiles& a, const agent::IdentityFiles& b) {
  return a.server.text() == b.server.text() && a.terminal == b.terminal &&
         a.own.key_pem == b.own.key_pem && a.own.chain_pem == b.own.chain_pem &&
         a.ca_pem == b.ca_pem;
}

/// What a kiosk's identity comes to after damage: the same, or refused with the folder's name.
Verdict judge_identity(const fs::path& data, const agent::IdentityFiles& truth) {
  const auto loaded = agent::load_identity(data);
  if (!loaded) return named(loaded.error(), "identity");
  if (same(*loaded, truth)) return std::nullopt;
  return "wrong: another identity is taken for ours";
}

}  // namespace

TEST_CASE("identity: what has changed is refused, with what to do") {
  const World world;
  const tests::TempFolder data;
  REQUIRE(agent::save_identity(data.path(), world.identity));
  REQUIRE(agent::load_identity(data.path()));
  done("identity-flips", flip(data / "identity", 300, 5, [&](const Image&) {
         return judge_identity(data.path(), world.identity);
       }));
}

TEST_CASE("control: an identity that is altered together with its check is seen") {
  const World world;
  const tests::TempFolder data;
  auto other = world.identity;
  other.terminal = "K2";
  REQUIRE(agent::save_identity(data.path(), other));
  CHECK(judge_identity(data.path(), world.identity));
  fmt::print("{{\"torture\":\"identity-flips-control\",\"caught\":1}}\n");
}

TEST_CASE("configuration: a damaged text is never in force, a damaged mark begins its trial anew") {
  const tests::TempFolder data;
  const agent::ConfigurationFiles files{data.path()};
  const auto text = [](int poll) {
    return fmt::format(
        "[agent]\nlanguage = \"en\"\n[[device]]\nname = \"receipt\"\ndriver = \"escpos\"\n"
        "port = \"tcp://10.0.0.9:9100\"\npoll_ms = {}\n",
        poll);
  };
  const auto before = text(1'000);
  const auto tried = text(2'000);
  const auto folder = data / "configuration";

  // Settled: proved once, in force without a trial.
  REQUIRE(files.try_on(tried, before));
  REQUIRE(files.settle(tried));
  agent::History history;
  history.last = agent::Judgement{identity::sha256(tried), {}, "", "1", 1};
  history.rejected.push_back({identity::sha256("bad"), {}, "no", "1", 1});
  REQUIRE(files.write_history(history));
  auto tally = flip(folder, 200, 6, [&](const Image&) -> Verdict {
    const auto pushed = files.pushed();
    if (pushed != tried && pushed != before && !pushed.empty()) {
      // A check that is gone is no check; then the text shows by its hash that it is another.
      if (!pushed.ends_with(tried)) return "wrong: a changed text is in force";
    }
    const auto trial = files.trial();
    if (trial && trial->hash != identity::sha256(pushed) && !trial->hash.empty()) {
      return "wrong: a trial of nothing";
    }
    const auto kept = files.history();
    if (kept.last && kept.last->hash != history.last->hash) return "wrong: another judgement";
    for (const auto& each : kept.rejected) {
      if (each.hash != history.rejected.front().hash) return "wrong: another rejection";
    }
    return std::nullopt;
  });

  // On trial: whatever falls over, nothing unproved is in force for good.
  REQUIRE(files.try_on(tried, before));
  const auto on_trial = flip(folder, 200, 7, [&](const Image& image) -> Verdict {
    const auto pushed = files.pushed();
    const auto start = agent::at_start(identity::sha256(pushed), files.trial(), false);
    if (pushed == tried && start == agent::AtStart::keep) {
      return "wrong: unproved and kept: " + image.what;
    }
    return std::nullopt;
  });
  tally.cuts += on_trial.cuts;
  tally.wrong += on_trial.wrong;
  if (tally.first.empty()) tally.first = on_trial.first;
  done("configuration-flips", tally);
}

TEST_CASE("own agent.toml: a flipped bit is read or told by its line, never the program's end") {
  const tests::TempFolder data;
  const auto file = data / "agent.toml";
  std::ofstream{file} << "[agent]\nlanguage = \"zh\"\noutbox_mib = 64\n[[device]]\nname = "
                         "\"receipt\"\ndriver = \"escpos\"\nport = \"tcp://10.0.0.9:9100\"\n";
  done("agent-toml-flips", flip(data.path(), 200, 8, [&](const Image&) -> Verdict {
         const auto read = agent::read_own(file);
         if (read.config->readable) return std::nullopt;
         return read.config->problems.empty() ? Verdict{"wrong: unreadable without a reason"}
                                              : std::nullopt;
       }));
}

TEST_CASE("the data assistant's token: another one or an error that names the file") {
  const tests::TempFolder data;
  const auto file = (data / "token").string();
  const auto token = agent::token_in(file, "");
  REQUIRE(token);
  done("token-flips", flip(data.path(), 100, 9, [&](const Image&) -> Verdict {
         const auto read = agent::token_in(file, "");
         // Applications are refused with either, which they say; a token has no check.
         if (read) return read->size() == token->size() ? Verdict{} : "wrong: not a token";
         return named(read.error(), "token");
       }));
}

TEST_CASE("authority: a damaged key, certificate or root is refused by its file's name") {
  const World world;
  const auto judge = [&](const Image& image) -> Verdict {
    const auto loaded = collector::AuthorityFiles::load(world.folder.path(), world.clock);
    if (!loaded) return named(loaded.error(), world.folder.path().string());
    const auto& truth = *world.authority;
    const auto der = [](const std::string& pem) {
      const auto read = identity::Certificate::parse(pem);
      return read ? read->der : std::string{};
    };
    const bool same = loaded->pin() == truth.pin() &&
                      der(loaded->issuer_pem()) == der(truth.issuer_pem()) &&
                      der(loaded->server().chain_pem) == der(truth.server().chain_pem) &&
                      identity::match_key(truth.issuer_pem(), loaded->issuer().key_pem) &&
                      identity::match_key(truth.server().chain_pem, loaded->server().key_pem);
    return same ? Verdict{} : "wrong: another authority: " + image.what;
  };
  auto tally = flip(world.folder.path(), 150, 10, judge);
  const auto inside = flip(world.folder / "ca", 150, 11, judge);
  tally.cuts += inside.cuts;
  tally.wrong += inside.wrong;
  if (tally.first.empty()) tally.first = inside.first;
  done("authority-flips", tally);
}

TEST_CASE("ticket keys: damage costs full handshakes and nothing else") {
  const tests::TempFolder data;
  const SystemClock clock;
  REQUIRE(link::TicketKeys::open(data / "ticket-keys", clock.wall()));
  done("ticket-key-flips", flip(data.path(), 150, 12, [&](const Image&) -> Verdict {
         auto keys = link::TicketKeys::open(data / "ticket-keys", clock.wall());
         if (!keys) return "start: " + keys.error().text();
         const auto& key = keys->current(clock.wall());
         return keys->find(key.name.data(), clock.wall()) != nullptr
                    ? Verdict{}
                    : "wrong: a key that opens nothing";
       }));
}

TEST_CASE("rules: a flipped bit is read or told by file and line") {
  const tests::TempFolder data;
  const auto file = data / "rules.toml";
  std::ofstream{file} << "[defaults]\nhold_s = 30\nclear_s = 10\nsilence_s = 120\n[[rule]]\ncode = "
                         "\"cover-open\"\nlevel = \"urgent\"\n";
  done("rules-flips", flip(data.path(), 200, 13, [&](const Image&) -> Verdict {
         const auto rules = collector::Rules::load(file);
         return rules ? Verdict{} : named(rules.error(), "rules.toml");
       }));
}
