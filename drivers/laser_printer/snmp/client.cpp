#include "drivers/laser_printer/snmp/client.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace kw::drivers::snmp {
namespace {

/// More than the largest printer needs: an agent that never comes to an end is left.
constexpr int most_requests = 200;

/// A printer's answers fit into one Ethernet frame or a few.
constexpr std::size_t largest_answer = 16 * 1024;

}  // namespace

/// How far a column has been read.
struct Client::Cursor {
  Column column;
  std::size_t rows = 0;
  bool done = false;
};

void Client::attach(SnmpPort& port) {
  port_ = &port;
  // Not the numbers of the port before: positive, and room to count up.
  next_id_ = static_cast<std::int32_t>(micros(port.now()) & 0x3fff'ffff) + 1;
}

Result<Message> Client::ask(Pdu type, std::int32_t repetitions, std::span<const Oid> names,
                            MonoTime deadline) {
  const auto id = next_id_++;
  const auto& speaker = port_->speaker();
  auto* const session = port_->session();
  std::vector<std::uint8_t> request;
  if (session == nullptr) {
    request = encode_request(speaker.version, speaker.community, type, id, repetitions, names);
  }
  port_->discard();
  // A datagram may be lost either way. The second is the same as the first: whichever is answered
  // is answered rightly, and the other answer is late.
  for (const bool again : {false, true}) {
    const auto until = std::min(deadline, port_->now() + patience_);
    auto answer = session != nullptr ? session->ask(type, repetitions, names, until)
                                     : exchange(request, id, until);
    const bool in_vain = !answer && answer.error().code() == Errc::timeout;
    if (!in_vain || again || port_->now() >= deadline) return answer;
  }
  return Error{Errc::timeout, "no answer"};
}

Result<Message> Client::exchange(std::span<const std::uint8_t> request, std::int32_t id,
                                 MonoTime until) {
  auto sent = port_->write(request, until);
  if (!sent) return std::move(sent).error();
  return await(id, until);
}

/// The answer to request `id`; what else comes in is thrown away.
Result<Message> Client::await(std::int32_t id, MonoTime until) {
  std::optional<Error> instead;
  std::array<std::uint8_t, largest_answer> datagram;
  for (;;) {
    const auto got = port_->read(datagram, until);
    if (!got && got.error().code() == Errc::timeout) {
      if (instead) return std::move(*instead);
      return Error{Errc::timeout,
                   "no answer; an agent does not answer to a wrong community or version either"};
    }
    if (!got) return Error{got.error()};
    auto answer = decode(std::span{datagram}.first(*got));
    if (!answer) {
      const bool other = answer.error().code() == Errc::unsupported;
      instead = other ? Error{Errc::refused, answer.error().text()} : answer.error();
      if (port_->now() >= until) return std::move(*instead);
      continue;
    }
    const bool ours = answer->type == Pdu::response && answer->request_id == id;
    if (ours) return answer;
    if (port_->now() >= until) return Error{Errc::timeout, "only answers to other requests"};
  }
}

Result<Message> Client::ask_rows(std::span<Cursor*> chosen, MonoTime deadline) {
  std::vector<Oid> names;
  std::size_t rows = 1;
  for (const auto* cursor : chosen) {
    names.push_back(cursor->column.after);
    rows = std::max(rows, cursor->column.rows - cursor->rows);
  }
  if (port_->speaker().version == 0 || rows == 1) return ask(Pdu::get_next, 0, names, deadline);
  const auto depth = std::min<std::int32_t>(depth_, static_cast<std::int32_t>(rows));
  return ask(Pdu::get_bulk, depth, names, deadline);
}

/// Variable by variable, row after row; an agent may stop anywhere.
void Client::take(const Message& answer, std::span<Cursor*> chosen, Table& into) {
  if (answer.variables.empty()) {
    for (auto* cursor : chosen) cursor->done = true;
  }
  for (std::size_t i = 0; i < answer.variables.size(); ++i) {
    auto& cursor = *chosen[i % chosen.size()];
    const auto& [name, value] = answer.variables[i];
    if (cursor.done) continue;
    // Names must go up: an agent that goes round in circles is not followed.
    if (value.kind == Value::Kind::end_of_mib || !below(name, cursor.column.prefix) ||
        name <= cursor.column.after) {
      cursor.done = true;
      continue;
    }
    into.insert_or_assign(name, value);
    cursor.column.after = name;
    cursor.done = ++cursor.rows >= cursor.column.rows;
  }
}

/// Asks for less at once where there was too much of it, and leaves the column that went wrong.
void Client::refused(const Message& answer, std::span<Cursor*> chosen) {
  const auto wrong = static_cast<std::size_t>(std::max(answer.index, 0));
  const bool named = answer.status != too_big && wrong >= 1 && wrong <= chosen.size();
  if (named) {
    chosen[wrong - 1]->done = true;
  } else if (answer.status == too_big && depth_ > 1) {
    depth_ /= 2;
  } else if (chosen.size() > 1) {
    width_ = std::max<std::size_t>(1, chosen.size() / 2);
  } else {
    chosen.front()->done = true;
  }
}

Result<Table> Client::read(std::vector<Column> columns, MonoTime deadline) {
  std::vector<Cursor> cursors;
  for (auto& column : columns) {
    if (column.after.empty()) column.after = column.prefix;
    cursors.push_back({std::move(column)});
  }
  Table out;
  for (int i = 0; i < most_requests; ++i) {
    std::vector<Cursor*> chosen;
    for (auto& cursor : cursors) {
      if (!cursor.done && chosen.size() < width_) chosen.push_back(&cursor);
    }
    if (chosen.empty()) break;
    const auto answer = ask_rows(chosen, deadline);
    if (!answer) return Error{answer.error()};
    if (answer->status == no_error) {
      take(*answer, chosen, out);
    } else {
      refused(*answer, chosen);
    }
  }
  return out;
}

}  // namespace kw::drivers::snmp
