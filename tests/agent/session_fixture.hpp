#pragma once

#include <string>
#include <utility>
#include <vector>

#include "agent/uplink/session.hpp"

namespace kw::agent {

/// A session with a view to start from, and what it did in words: a table of expectations reads
/// like the conversation.
struct Talker {
  static constexpr std::uint64_t old_epoch = 10;
  static constexpr std::uint64_t epoch = 20;

  static OutboxView view(std::uint64_t acked, std::uint64_t last) {
    OutboxView out;
    out.epochs.push_back({epoch, 1, acked, last, "boot", std::nullopt});
    return out;
  }
  static SessionFacts facts() {
    SessionFacts out;
    out.boot_id = "boot";
    out.devices.push_back({"printer", "escpos", "receipt_printer", "tcp://x:1", true});
    return out;
  }

  explicit Talker(const OutboxView& with, Session::Options options = {})
      : session(options, facts(), with) {}

  Seen now() const { return {MonoTime{time}, WallTime{time}}; }

  static pb::Envelope welcome(std::uint64_t mark, std::uint32_t credit = 4'096) {
    pb::Envelope out;
    auto& to = *out.mutable_welcome();
    to.set_version(1);
    to.set_credit(credit);
    auto& high = *to.add_high_water();
    high.set_epoch(epoch);
    high.set_seq(mark);
    return out;
  }
  static pb::Envelope ack(std::uint64_t upto, std::uint32_t credit = 0) {
    pb::Envelope out;
    out.mutable_ack()->set_epoch(epoch);
    out.mutable_ack()->set_upto(upto);
    out.mutable_ack()->set_credit(credit);
    return out;
  }
  static pb::Envelope resend(std::uint64_t from) {
    pb::Envelope out;
    out.mutable_resend()->set_epoch(epoch);
    out.mutable_resend()->set_from(from);
    return out;
  }
  /// first..last of sample events (counted) or state events (free).
  static pb::Batch batch(std::uint64_t first, std::uint64_t last, bool counted = false,
                         std::uint64_t of = epoch) {
    pb::Batch out;
    out.set_epoch(of);
    out.set_first(first);
    out.set_last(last);
    for (auto seq = first; seq <= last; ++seq) {
      auto& event = *out.add_item()->mutable_event();
      if (counted) {
        event.mutable_sample()->set_device("host");
      } else {
        event.mutable_state()->set_device("printer");
      }
    }
    return out;
  }
  static Appended state_at(std::uint64_t seq) {
    Appended out;
    out.at = {epoch, seq};
    pb::Status status;
    status.set_device("printer");
    status.mutable_since()->set_epoch(epoch);
    status.mutable_since()->set_seq(seq);
    out.status = status;
    return out;
  }

  static std::string words(const Action& action) {
    const auto n = [](auto value) { return std::to_string(value); };
    if (const auto* a = std::get_if<act::Send>(&action)) return words(a->envelope);
    if (const auto* a = std::get_if<act::Read>(&action)) {
      return "read " + n(a->epoch) + ">" + n(a->after);
    }
    if (const auto* a = std::get_if<act::Acknowledge>(&action)) {
      return "acknowledge " + n(a->epoch) + ":" + n(a->upto);
    }
    if (const auto* a = std::get_if<act::Rewind>(&action)) {
      return "rewind " + n(a->epoch) + ":" + n(a->upto);
    }
    if (std::holds_alternative<act::ClockOffset>(action)) return "clock";
    if (const auto* a = std::get_if<act::Established>(&action)) {
      return a->quarantined ? "quarantined" : "established";
    }
    if (const auto* a = std::get_if<act::Order>(&action)) return "order " + a->command.verb();
    if (const auto* a = std::get_if<act::Configure>(&action)) {
      return "configure " + a->configuration.body();
    }
    return "close " + n(std::get<act::Close>(action).code);
  }
  static std::string words(const pb::Envelope& envelope) {
    std::string out;
    if (envelope.has_heartbeat()) {
      out = envelope.heartbeat().want_reply() ? "heartbeat? " : "heartbeat ";
    }
    if (envelope.has_hello()) out += "hello";
    if (envelope.has_inventory()) out += "inventory";
    if (envelope.has_snapshot()) {
      const auto& s = envelope.snapshot();
      out += "snapshot@" + std::to_string(s.as_of_seq()) + (s.drained() ? " drained" : "");
      for (const auto& status : s.status()) out += " " + status.device();
      if (s.configured_size() > 0) out += " +" + std::to_string(s.configured_size());
    }
    if (envelope.has_batch()) {
      const auto& b = envelope.batch();
      out += "batch " + std::to_string(b.first()) + "-" + std::to_string(b.last());
    }
    while (out.ends_with(' ')) out.pop_back();
    return out;
  }

  using Words = std::vector<std::string>;
  static Words words(const Actions& actions) {
    Words out;
    for (const auto& action : actions) out.push_back(words(action));
    return out;
  }
  Words start() { return words(session.start(now())); }
  Words hear(const pb::Envelope& envelope) { return words(session.received(envelope, now())); }
  Words read(std::optional<pb::Batch> what) { return words(session.read(std::move(what), now())); }
  Words append(const Appended& what) { return words(session.appended(what, now())); }
  Words tick() { return words(session.tick(now())); }

  Duration time{};
  Session session;
};

}  // namespace kw::agent
