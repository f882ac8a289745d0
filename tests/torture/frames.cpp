// Malformed frames, first for the decoder alone, then through live TLS sockets at a real collector
// that serves an honest kiosk meanwhile. Prints one line of JSON; 1 when anything was lost, or the
// collector ended, refused the honest one, or grew.
#include <random>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include "common/log.hpp"
#include "common/platform/signals.hpp"
#include "common/wire/codec.hpp"
#include "tests/fleet/events.hpp"
#include "tests/fleet/kiosk.hpp"
#include "tests/torture/target.hpp"

namespace {

using namespace kw;
using namespace kw::torture;

constexpr int liars = 8;
constexpr long growth_most_kib = 16 * 1024;  // ten times what a few more sessions need
constexpr auto answer_limit = std::chrono::seconds{20};

pb::Envelope hello(std::uint64_t epoch) {
  pb::Envelope out;
  auto& h = *out.mutable_hello();
  h.set_min_version(wire::version);
  h.set_max_version(wire::version);
  h.set_boot_id("boot");
  auto& held = *h.add_epoch();
  held.set_epoch(epoch);
  held.set_boot_id("boot");
  held.set_last(20);
  return out;
}

pb::Envelope snapshot(std::uint64_t epoch) {
  pb::Envelope out;
  out.mutable_snapshot()->set_as_of_epoch(epoch);
  return out;
}

/// A well-formed frame of each kind that an agent sends.
std::vector<std::string> models(std::uint64_t epoch, std::mt19937_64& random) {
  std::vector<pb::Envelope> all{hello(epoch), snapshot(epoch)};
  for (std::size_t d = 0; d < fleet::devices().size(); ++d) {
    *all[1].mutable_snapshot()->add_status() = fleet::state(d, d % 2 == 0).state();
  }
  auto& batch = *all.emplace_back().mutable_batch();
  batch.set_epoch(epoch);
  batch.set_first(1);
  batch.set_last(20);
  for (int i = 0; i < 20; ++i) {
    auto& event = *batch.add_item()->mutable_event();
    event = i % 4 == 0   ? fleet::state(static_cast<std::size_t>(i), i % 8 == 0)
            : i % 4 == 1 ? fleet::sample(random)
            : i % 4 == 2 ? fleet::transaction(static_cast<std::uint64_t>(i), random)
                         : fleet::boot();
    event.set_mono_us(i);
  }
  all.emplace_back().mutable_heartbeat()->set_want_reply(true);
  auto& device = *all.emplace_back().mutable_inventory()->add_device();
  device.set_device("receipt");
  device.set_driver("escpos");
  std::vector<std::string> out;
  out.reserve(all.size());
  for (const auto& envelope : all) out.push_back(wire::encode(envelope));
  return out;
}

/// A frame as a broken memory, a broken program or an enemy may send it.
std::string spoilt(const std::vector<std::string>& of, std::mt19937_64& random) {
  auto frame = of[random() % of.size()];
  const auto& other = of[random() % of.size()];
  const auto at = [&] { return frame.empty() ? 0 : random() % frame.size(); };
  for (auto i = random() % 4 + 1; i > 0; --i) {
    switch (random() % 7) {
      case 0:
        if (!frame.empty()) frame[at()] ^= static_cast<char>(1U << random() % 8);
        break;
      case 1:
        if (!frame.empty()) frame[at()] = static_cast<char>(random());
        break;
      case 2:
        frame.resize(at());
        break;
      case 3:
        frame.insert(at(), random() % 8 + 1, static_cast<char>(random()));
        break;
      case 4:  // the head of one, the tail of another
        frame = frame.substr(0, at()) + other.substr(random() % other.size());
        break;
      case 5:  // a length that promises more than there is
        frame.insert(at(), "\xff\xff\xff\xff\x0f");
        break;
      default:  // a piece again
        if (!frame.empty()) frame += frame.substr(at());
        break;
    }
    if (frame.size() > wire::frame_limit) frame.resize(wire::frame_limit);
  }
  return frame;
}

struct Figures {
  std::uint64_t decoded = 0;
  std::uint64_t live = 0;
  std::uint64_t closed = 0;
  std::uint64_t tolerated = 0;
  std::uint64_t dials_failed = 0;
  std::uint64_t start_failures = 0;
};

void through_decoder(std::uint64_t frames, std::mt19937_64& random, Figures& figures) {
  const auto of = models(5, random);
  for (; figures.decoded < frames; ++figures.decoded) {
    const auto envelope = wire::decode(spoilt(of, random));
    if (!envelope) continue;
    // What it lets pass can be sent on.
    if (!wire::decode(wire::encode(*envelope))) give_up("a decoded frame that cannot be sent on");
  }
}

/// Sends spoilt frames on one connection after the other until `live` were judged.
Task<void> lie(link::Endpoint at, std::shared_ptr<const link::ClientTls> tls, std::uint64_t live,
               std::uint64_t seed, Figures& figures) {
  std::mt19937_64 random{seed};
  pb::Envelope ask;
  ask.mutable_heartbeat()->set_want_reply(true);
  const auto question = wire::encode(ask);
  while (figures.live < live) {
    const auto epoch = random() | 1;
    const auto of = models(epoch, random);
    auto dialled = co_await link::dial(at, tls);
    if (!dialled) {
      if (++figures.dials_failed > live) co_return;
      co_await sleep_for(std::chrono::milliseconds{10});
      continue;
    }
    auto& link = **dialled;
    bool open = true;
    for (const auto& frame : {wire::encode(hello(epoch)), wire::encode(snapshot(epoch))}) {
      const auto sent = co_await link.send(frame);
      open = open && sent;
    }
    while (open && figures.live < live) {
      ++figures.live;
      const auto sent = co_await link.send(spoilt(of, random));
      const auto asked = co_await link.send(question);
      // Either it is answered as if nothing were, or the session is closed.
      for (bool told = false; sent && asked && open && !told;) {
        const auto got = co_await with_deadline(link.receive(), answer_limit);
        if (!got && got.error().code() == Errc::timeout) give_up("neither answered nor closed");
        open = static_cast<bool>(got);
        const auto envelope =
            got ? wire::decode(*got) : Result<pb::Envelope>{Error{Errc::garbled, ""}};
        told = envelope && envelope->has_heartbeat_reply();
      }
      open = open && sent && asked;
      ++(open ? figures.tolerated : figures.closed);
    }
    link.cut();
  }
}

/// Tells something every 20 ms until the liars are through, then says goodbye.
Task<void> be_honest(fleet::Kiosk& kiosk, const int& lying, pid_t collector, std::uint64_t live,
                     const Figures& figures, long& quarter_kib) {
  std::mt19937_64 random{1};
  while (lying > 0) {
    co_await sleep_for(std::chrono::milliseconds{20});
    kiosk.tell(fleet::sample(random));
    if (quarter_kib < 0 && figures.live >= live / 4) quarter_kib = pss_kib(collector);
  }
  kiosk.finish(std::chrono::seconds{30});
}

Task<void> counted(Task<void> task, int& running) {
  co_await std::move(task);
  --running;
}

struct Outcome {
  long growth_kib = 0;
  std::uint64_t acknowledged = 0;
  fleet::Verdict verdict;
};

Outcome through_sockets(std::uint64_t live, std::mt19937_64& random, Figures& figures) {
  Target target{"FRAMES", liars + 1};
  if (!target.up()) {
    ++figures.start_failures;
    return {};
  }
  asio::io_context io{1};
  fleet::Tally tally;
  fleet::Kiosk honest{io.get_executor(), target.clock(), target.honest(liars, random()), tally};
  int lying = liars;
  long quarter_kib = -1;
  for (int i = 0; i < liars; ++i) {
    spawn(io, "liar",
          counted(lie(target.agents(), target.tls(static_cast<std::size_t>(i)), live, random(),
                      figures),
                  lying));
  }
  spawn(io, "honest", honest.run(Duration::zero()));
  spawn(io, "honest-events", be_honest(honest, lying, target.pid(), live, figures, quarter_kib));
  io.run();

  Outcome out;
  out.growth_kib = pss_kib(target.pid()) - quarter_kib;
  out.acknowledged = tally.acknowledged;
  if (target.stop() != 0) ++figures.start_failures;
  // Whatever was not acknowledged within half a minute beside the liars is lost to an operator.
  out.verdict = target.verdict(honest);
  if (tally.lost > 0) give_up("the honest kiosk lost its session");
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  platform::ignore_sigpipe();
  log::start(log::Level::error, log::Format::text);
  std::uint64_t frames = 100'000;
  std::uint64_t live = 2'000;
  std::uint64_t seed = 1;
  CLI::App app{"malformed frames for the decoder and for a live collector", "torture_frames"};
  app.add_option("--frames", frames, "through the decoder")->capture_default_str();
  app.add_option("--live", live, "through live TLS sockets")->capture_default_str();
  app.add_option("--seed", seed, "of all chance")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  std::mt19937_64 random{seed};
  Figures figures;
  through_decoder(frames, random, figures);
  const auto out = through_sockets(live, random, figures);
  const auto& v = out.verdict;
  fmt::print(
      "{{\"torture\":\"frames\",\"frames\":{},\"live\":{},\"closed\":{},\"tolerated\":{},"
      "\"acknowledged\":{},\"lost\":{},\"duplicated\":{},\"out_of_order\":{},\"start_failures\":{},"
      "\"growth_kib\":{}}}\n",
      figures.decoded + figures.live, figures.live, figures.closed, figures.tolerated,
      out.acknowledged, v.lost + v.altered, v.duplicated, v.out_of_order, figures.start_failures,
      out.growth_kib);
  const bool good =
      v.lost + v.altered + v.duplicated + v.out_of_order + figures.start_failures == 0;
  return good && out.growth_kib < growth_most_kib && figures.closed > 0 && figures.live >= live ? 0
                                                                                                : 1;
}
