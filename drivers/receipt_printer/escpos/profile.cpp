#include "drivers/receipt_printer/escpos/profile.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "common/config.hpp"
#include "common/filled.hpp"
#include "drivers/profiles.hpp"

namespace kw::drivers::escpos {
namespace {

constexpr std::array conditions{
    wire::ConditionRow{"printer-error",
                       wire::Severity::fault,
                       wire::Action::maintenance,
                       {"打印机报错，未说明原因", "printer reports an error without a cause"}},
};

/// What a profile's bits may mean beside condition codes.
constexpr std::array<std::string_view, 6> state_words{
    "off-line", "error", "feeding", "feed-button", "drawer-high", "waiting-recovery"};

std::uint8_t byte_of(config::Reader& from, std::string_view key) {
  return static_cast<std::uint8_t>(from.integer(key, 0, 0, 255));
}

void read_reply(config::Reader from, ReplyTable& out) {
  out.idle = byte_of(from, "idle");
  out.mask = byte_of(from, "mask");
  for (auto& row : from.sections("bits")) {
    Bit bit;
    bit.byte = static_cast<std::size_t>(row.integer("byte", 0, 0, 5));
    bit.any = byte_of(row, "any");
    bit.means = row.required_text("means");
    bit.detail = row.text("detail", "");
    if (row_of(bit.means) == nullptr &&
        std::ranges::find(state_words, bit.means) == state_words.end()) {
      row.object("means", "a condition's code or a word of generic.toml");
    }
    row.done();
    out.bits.push_back(std::move(bit));
  }
  from.done();
}

void read_profile(const config::Document& document, std::vector<config::Problem>& problems,
                  Model& model) {
  config::Reader top{document, problems};
  if (auto polls = top.texts("polls"); !polls.empty()) model.polls = std::move(polls);
  if (auto identify = top.texts("identify"); !identify.empty())
    model.identify = std::move(identify);
  top.texts("answers");  // the simulated printer's
  model.near_end_metres = top.number("near_end_metres", model.near_end_metres, 0, 100);
  for (const std::string_view reply : {"eot1", "eot2", "eot3", "eot4", "full"}) {
    if (!document.root.contains(reply)) continue;
    ReplyTable table;
    read_reply(top.section(reply), table);
    model.replies.insert_or_assign(std::string{reply}, std::move(table));
  }
  top.done();
}

constexpr Text no_model{"model = \"{}\"：没有这个型号（可用：{}）",
                        "model = \"{}\": unknown model (known: {})"};

}  // namespace

bool Model::can_say(std::string_view means) const {
  return std::ranges::any_of(polls, [&](const std::string& poll) {
    const auto it = replies.find(poll);
    return it != replies.end() &&
           std::ranges::find(it->second.bits, means, &Bit::means) != it->second.bits.end();
  });
}

Checked<Model> model_of(std::string_view name) {
  const auto profiles = profiles_of("escpos");
  const auto wanted = std::ranges::find(profiles, name, &Profile::model);
  if (wanted == profiles.end()) {
    std::string known;
    for (const auto& p : profiles) known += (known.empty() ? "" : ", ") + std::string{p.model};
    return filled(no_model, name, known);
  }
  const auto base = std::ranges::find(profiles, std::string_view{"generic"}, &Profile::model);
  std::vector<config::Problem> problems;
  Model model;
  for (const auto& profile : {*base, *wanted}) {
    const auto document =
        config::parse(profile.text, std::string{profile.model} + ".toml", problems);
    if (document) read_profile(*document, problems, model);
  }
  if (!problems.empty()) {
    const auto& first = problems.front();
    return Bilingual{first.in(Lang::zh_cn), first.in(Lang::en)};
  }
  return model;
}

std::span<const wire::ConditionRow> own_conditions() { return conditions; }

const wire::ConditionRow* row_of(std::string_view code) {
  const auto own = std::ranges::find(conditions, code, &wire::ConditionRow::code);
  return own != conditions.end() ? &*own : wire::find_condition(code);
}

}  // namespace kw::drivers::escpos
