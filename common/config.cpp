#include "common/config.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "common/filled.hpp"

#define TOML_EXCEPTIONS 0
// toml++ 3.3 asserts what it then reports as a mistake ("[!]" is enough).
#define TOML_ASSERT(expr) static_assert(true)
// toml++ 3.3 believes that no letter from U+00A1 to U+0499 ever reaches its test for white space,
// and tells the compiler so; a key or a stray word with one does. The test's answer there is no.
#include <toml++/impl/forward_declarations.h>
#pragma push_macro("TOML_UNREACHABLE")
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE return false
#include <toml++/impl/unicode.h>
#pragma pop_macro("TOML_UNREACHABLE")
#include <toml++/toml.h>

namespace kw::config {
namespace {

constexpr Text any_scalar{"文字、数字、布尔值、数组或表（不用日期）",
                          "text, number, boolean, array or table (no dates)"};
constexpr Text want_text{"文字，写在引号中", "text in quotes"};
constexpr Text want_boolean{"true 或 false", "true or false"};
constexpr Text want_integer{"{} 至 {} 的整数", "integer from {} to {}"};
constexpr Text want_number{"{} 至 {} 的数", "number from {} to {}"};
constexpr Text want_texts{"文字的数组", "array of text"};
constexpr Text want_table{"表", "table"};
constexpr Text want_tables{"表的数组（[[名称]]）", "array of tables ([[name]])"};
constexpr Text want_scalar{"文字、数字或布尔值", "text, number or boolean"};

constexpr Text kind_text(Problem::Kind kind) {
  switch (kind) {
    case Problem::Kind::syntax:
      return {"TOML 语法错误：{}", "not valid TOML: {}"};
    case Problem::Kind::unreadable:
      return {"无法读取：{}", "cannot be used: {}"};
    case Problem::Kind::unknown_key:
      return {"未知的键；允许：{}", "unknown key; known here: {}"};
    case Problem::Kind::missing_key:
      return {"缺少该键；应为：{}", "missing; expected {}"};
    case Problem::Kind::wrong_type:
      return {"类型不符；应为：{}", "wrong type; expected {}"};
    case Problem::Kind::out_of_range:
      return {"超出范围；应为：{}", "out of range; expected {}"};
    case Problem::Kind::bad_value:
      return {"值无效；应为：{}", "bad value; expected {}"};
    case Problem::Kind::refused_value:
      return {"值无效：{}", "bad value: {}"};
  }
  return {"{}", "{}"};
}

const Table& empty_table() {
  static const Table none;
  return none;
}

struct Importer {
  std::string file;
  std::vector<Problem>& problems;

  Value value(const toml::node& node, const std::string& path) {
    Value out;
    out.line = node.source().begin.line;
    if (const auto* t = node.as_table()) {
      out.data = table(*t, path);
    } else if (const auto* a = node.as_array()) {
      std::vector<Value> items;
      for (std::size_t i = 0; i < a->size(); ++i) {
        items.push_back(value((*a)[i], path + "." + std::to_string(i)));
      }
      out.data = std::move(items);
    } else if (const auto* b = node.as_boolean()) {
      out.data = b->get();
    } else if (const auto* n = node.as_integer()) {
      out.data = n->get();
    } else if (const auto* d = node.as_floating_point()) {
      out.data = d->get();
    } else if (const auto* s = node.as_string()) {
      out.data = s->get();
    } else {
      problems.push_back({Problem::Kind::wrong_type, file, out.line, path, any_scalar});
      out.data = std::string{};
    }
    return out;
  }

  Table table(const toml::table& from, const std::string& path) {
    Table out;
    for (const auto& [key, node] : from) {
      const std::string name{key.str()};
      out.emplace(name, value(node, path.empty() ? name : path + "." + name));
    }
    return out;
  }
};

}  // namespace

std::string Problem::in(Lang lang) const {
  std::string where = file;
  if (line != 0) where += ":" + std::to_string(line);
  if (!key.empty()) where += ": " + key;
  return where + ": " + what(lang);
}

std::string Problem::what(Lang lang) const { return filled(kind_text(kind), expected).in(lang); }

std::optional<std::string> Value::scalar_text() const {
  if (const auto* b = std::get_if<bool>(&data)) return *b ? "true" : "false";
  if (const auto* n = std::get_if<std::int64_t>(&data)) return std::to_string(*n);
  if (const auto* d = std::get_if<double>(&data)) return fmt::format("{}", *d);
  if (const auto* s = std::get_if<std::string>(&data)) return *s;
  return std::nullopt;
}

Result<Document> parse(std::string_view text, std::string file, std::vector<Problem>& problems) {
  const auto before = problems.size();
  auto parsed = toml::parse(text, std::string_view{file});
  if (!parsed) {
    const auto& why = parsed.error();
    problems.push_back(
        {Problem::Kind::syntax, file, why.source().begin.line, {}, std::string{why.description()}});
    return Error{Errc::invalid, problems.back().in(Lang::en)};
  }
  Importer importer{file, problems};
  Document out{file, importer.table(parsed.table(), {})};
  if (problems.size() > before) return Error{Errc::invalid, problems.back().in(Lang::en)};
  return out;
}

Result<Document> load(const std::filesystem::path& path, std::vector<Problem>& problems) {
  std::error_code none;
  if (!std::filesystem::exists(path, none)) {
    return Error{Errc::missing, "there is no file " + path.string()};
  }
  std::ifstream in{path, std::ios::binary};
  if (!in || !std::filesystem::is_regular_file(path, none)) {
    return Error{Errc::invalid, "cannot read " + path.string()};
  }
  std::ostringstream text;
  text << in.rdbuf();
  return parse(text.str(), path.string(), problems);
}

Reader::Reader(const Table& table, std::uint32_t line, std::string path, std::string file,
               std::vector<Problem>& problems)
    : table_(&table),
      line_(line),
      path_(std::move(path)),
      file_(std::move(file)),
      problems_(&problems) {}

Reader::Reader(const Document& document, std::vector<Problem>& problems)
    : Reader(document.root, 0, {}, document.file, problems) {}

std::string Reader::path_of(std::string_view key) const {
  return path_.empty() ? std::string{key} : path_ + "." + std::string{key};
}

const Value* Reader::find(std::string_view key) {
  asked_.emplace_back(key);
  const auto it = table_->find(key);
  return it == table_->end() ? nullptr : &it->second;
}

void Reader::report(Problem::Kind kind, const Value* at, std::string_view key, Bilingual expected) {
  problems_->push_back(
      {kind, file_, at != nullptr ? at->line : line_, path_of(key), std::move(expected)});
}

void Reader::object(std::string_view key, Bilingual expected) {
  const auto it = table_->find(key);
  report(Problem::Kind::bad_value, it == table_->end() ? nullptr : &it->second, key,
         std::move(expected));
}

void Reader::refuse(std::string_view key, Bilingual why) {
  const auto it = table_->find(key);
  report(Problem::Kind::refused_value, it == table_->end() ? nullptr : &it->second, key,
         std::move(why));
}

std::string Reader::text(std::string_view key, std::string fallback) {
  const Value* v = find(key);
  if (v == nullptr) return fallback;
  if (const auto* s = std::get_if<std::string>(&v->data)) return *s;
  report(Problem::Kind::wrong_type, v, key, want_text);
  return fallback;
}

std::string Reader::required_text(std::string_view key) {
  const Value* v = find(key);
  const auto* s = v != nullptr ? std::get_if<std::string>(&v->data) : nullptr;
  if (s != nullptr && !s->empty()) return *s;
  report(v == nullptr ? Problem::Kind::missing_key : Problem::Kind::wrong_type, v, key, want_text);
  return {};
}

bool Reader::boolean(std::string_view key, bool fallback) {
  const Value* v = find(key);
  if (v == nullptr) return fallback;
  if (const auto* b = std::get_if<bool>(&v->data)) return *b;
  report(Problem::Kind::wrong_type, v, key, want_boolean);
  return fallback;
}

std::int64_t Reader::integer(std::string_view key, std::int64_t fallback, std::int64_t least,
                             std::int64_t most) {
  const Value* v = find(key);
  if (v == nullptr) return fallback;
  const auto expected = filled(want_integer, least, most);
  const auto* n = std::get_if<std::int64_t>(&v->data);
  if (n == nullptr) {
    report(Problem::Kind::wrong_type, v, key, expected);
    return fallback;
  }
  if (*n < least || *n > most) {
    report(Problem::Kind::out_of_range, v, key, expected);
    return fallback;
  }
  return *n;
}

double Reader::number(std::string_view key, double fallback, double least, double most) {
  const Value* v = find(key);
  if (v == nullptr) return fallback;
  const auto expected = filled(want_number, least, most);
  double n = 0;
  if (const auto* d = std::get_if<double>(&v->data)) {
    n = *d;
  } else if (const auto* i = std::get_if<std::int64_t>(&v->data)) {
    n = static_cast<double>(*i);
  } else {
    report(Problem::Kind::wrong_type, v, key, expected);
    return fallback;
  }
  if (!(n >= least && n <= most)) {
    report(Problem::Kind::out_of_range, v, key, expected);
    return fallback;
  }
  return n;
}

std::vector<std::string> Reader::texts(std::string_view key) {
  const Value* v = find(key);
  if (v == nullptr) return {};
  std::vector<std::string> out;
  if (const auto* items = std::get_if<std::vector<Value>>(&v->data)) {
    for (const auto& item : *items) {
      const auto* s = std::get_if<std::string>(&item.data);
      if (s == nullptr) {
        report(Problem::Kind::wrong_type, &item, key, want_texts);
        return {};
      }
      out.push_back(*s);
    }
    return out;
  }
  report(Problem::Kind::wrong_type, v, key, want_texts);
  return out;
}

Reader Reader::section(std::string_view key) {
  const Value* v = find(key);
  if (v != nullptr) {
    if (const auto* t = std::get_if<Table>(&v->data)) {
      return Reader{*t, v->line, path_of(key), file_, *problems_};
    }
    report(Problem::Kind::wrong_type, v, key, want_table);
  }
  return Reader{empty_table(), line_, path_of(key), file_, *problems_};
}

std::vector<Reader> Reader::sections(std::string_view key) {
  const Value* v = find(key);
  if (v == nullptr) return {};
  std::vector<Reader> out;
  const auto* items = std::get_if<std::vector<Value>>(&v->data);
  if (items == nullptr) {
    report(Problem::Kind::wrong_type, v, key, want_tables);
    return {};
  }
  for (std::size_t i = 0; i < items->size(); ++i) {
    const auto& item = (*items)[i];
    if (const auto* t = std::get_if<Table>(&item.data)) {
      out.emplace_back(*t, item.line, path_of(key) + "." + std::to_string(i), file_, *problems_);
    } else {
      report(Problem::Kind::wrong_type, &item, key, want_tables);
    }
  }
  return out;
}

std::map<std::string, std::string, std::less<>> Reader::scalars(std::string_view key) {
  const Value* v = find(key);
  if (v == nullptr) return {};
  std::map<std::string, std::string, std::less<>> out;
  const auto* t = std::get_if<Table>(&v->data);
  if (t == nullptr) {
    report(Problem::Kind::wrong_type, v, key, want_table);
    return {};
  }
  for (const auto& [name, value] : *t) {
    if (auto text = value.scalar_text()) {
      out.emplace(name, *text);
    } else {
      report(Problem::Kind::wrong_type, &value, std::string{key} + "." + name, want_scalar);
    }
  }
  return out;
}

void Reader::done() {
  for (const auto& [key, value] : *table_) {
    if (std::ranges::find(asked_, key) != asked_.end()) continue;
    std::string known;
    for (const auto& k : asked_) known += (known.empty() ? "" : ", ") + k;
    report(Problem::Kind::unknown_key, &value, key, known);
  }
}

}  // namespace kw::config
