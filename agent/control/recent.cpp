#include "agent/control/recent.hpp"

#include <algorithm>
#include <map>

#include <boost/json/serialize.hpp>

#include "agent/outbox/event_json.hpp"

namespace kw::agent {
namespace {

constexpr std::size_t bytes_most = 56 * 1024;  // a line of the control protocol holds 64 KiB
constexpr std::size_t searched_most = 5'000;   // rows looked through for one device's events

struct Known {
  std::size_t place = 0;  ///< in the order in which epochs were drawn
  std::uint64_t acked = 0;
};

}  // namespace

std::vector<boost::json::object> recent_events(Outbox& outbox, const RecentEvents& wanted) {
  std::map<std::uint64_t, Known> epochs;
  for (const auto& epoch : outbox.view().epochs) {
    epochs.emplace(epoch.epoch, Known{epochs.size(), epoch.acked});
  }
  const auto searched = wanted.device.empty() ? wanted.count : searched_most;
  std::vector<boost::json::object> out;
  std::size_t bytes = 0;
  for (const auto& [epoch, record] : outbox.newest(searched)) {
    if (out.size() == wanted.count) break;
    const auto& known = epochs[epoch];
    if (wanted.after) {
      const auto place = epochs[wanted.after->epoch].place;
      const bool later =
          known.place > place || (epoch == wanted.after->epoch && record.seq > wanted.after->seq);
      if (!later) break;
    }
    auto event = event_json(epoch, record);
    if (!wanted.device.empty()) {
      const auto* of = event.if_contains("device");
      if (of == nullptr || !of->is_string() || of->get_string() != wanted.device) continue;
    }
    event["acknowledged"] = record.end() - 1 <= known.acked;
    bytes += boost::json::serialize(event).size() + 1;
    if (bytes > bytes_most) break;
    out.push_back(std::move(event));
  }
  std::ranges::reverse(out);
  return out;
}

}  // namespace kw::agent
