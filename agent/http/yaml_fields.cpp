// SPDX-License-Identifier: GPL-2.0-only
#include "agent/http/yaml_fields.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <sstream>
#include <utility>

namespace vmflow {
namespace {

constexpr size_t kMostQuoted = 60;

/// Of a key that is a plain word, since what stands in the wrong place may be a secret.
bool may_be_quoted(std::string_view key) {
  return key.size() <= kMostQuoted && std::ranges::all_of(key, [](unsigned char c) {
           return std::isalnum(c) != 0 ||
                  std::string_view("-_.@+").find(static_cast<char>(c)) != std::string_view::npos;
         });
}

class NoEvents : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

}  // namespace

std::string YamlFields::name_of(std::string_view key) const {
  const std::string name(may_be_quoted(key) ? key : "(a key that is no plain word)");
  return path_.empty() ? name : fmt::format("{}.{}", path_, name);
}

void YamlFields::fail(std::string_view key, std::string_view why) const {
  throw YamlFault(fmt::format("{}: {}", name_of(key), why));
}

YamlFields::YamlFields(const YAML::Node& mapping, std::string path)
    : mapping_(mapping), path_(std::move(path)) {
  const auto what = path_.empty() ? "the file" : path_;
  if (mapping_.IsNull() || !mapping_.IsDefined()) return;
  if (!mapping_.IsMap()) throw YamlFault(fmt::format("{}: a mapping is wanted", what));
  std::set<std::string> seen;
  for (const auto& entry : mapping_) {
    if (!entry.first.IsScalar()) throw YamlFault(fmt::format("{}: a key must be a text", what));
    if (!seen.insert(entry.first.Scalar()).second) fail(entry.first.Scalar(), "stands there twice");
  }
}

std::vector<std::string> YamlFields::names() const {
  std::vector<std::string> names;
  if (mapping_.IsMap())
    for (const auto& entry : mapping_) names.push_back(entry.first.Scalar());
  return names;
}

// Looked for by hand: the library's own look-up converts the key and may add it.
std::optional<YAML::Node> YamlFields::take(std::string_view key) {
  asked_.emplace(key);
  if (!mapping_.IsMap()) return std::nullopt;
  for (const auto& entry : mapping_)
    if (entry.first.Scalar() == key) {
      if (entry.second.IsNull()) return std::nullopt;
      return entry.second;
    }
  return std::nullopt;
}

std::optional<std::string> YamlFields::text(std::string_view key) {
  const auto node = take(key);
  if (!node) return std::nullopt;
  if (!node->IsScalar()) fail(key, "a text is wanted");
  if (node->Scalar().find('\0') != std::string::npos) fail(key, "holds a NUL");
  return node->Scalar();
}

std::optional<bool> YamlFields::boolean(std::string_view key) {
  const auto node = take(key);
  if (!node) return std::nullopt;
  bool value = false;
  if (!node->IsScalar() || !YAML::convert<bool>::decode(*node, value))
    fail(key, "true or false is wanted");
  return value;
}

std::optional<uint32_t> YamlFields::whole_number(std::string_view key) {
  const auto digits = text(key);
  if (!digits) return std::nullopt;
  uint32_t value = 0;
  const auto* end = digits->data() + digits->size();
  const auto read = std::from_chars(digits->data(), end, value);
  if (read.ec != std::errc() || read.ptr != end) fail(key, "a whole number is wanted");
  return value;
}

std::optional<std::vector<std::string>> YamlFields::texts(std::string_view key) {
  const auto node = take(key);
  if (!node) return std::nullopt;
  if (!node->IsSequence()) fail(key, "a list is wanted");
  std::vector<std::string> all;
  for (const auto& item : *node) {
    if (!item.IsScalar()) fail(key, "a list of texts is wanted");
    all.push_back(item.Scalar());
  }
  return all;
}

std::optional<YamlFields> YamlFields::section(std::string_view key) {
  const auto node = take(key);
  if (!node) return std::nullopt;
  return YamlFields(*node, name_of(key));
}

void YamlFields::end(std::string_view why) {
  for (const auto& name : names())
    if (!asked_.contains(name)) fail(name, why);
}

bool is_one_document(const std::string& yaml) {
  std::istringstream text(yaml);
  YAML::Parser parser(text);
  NoEvents events;
  return !parser.HandleNextDocument(events) || !parser.HandleNextDocument(events);
}

std::optional<std::chrono::nanoseconds> read_duration(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 6> kUnits = {
      {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
  constexpr double kMostNs = 24 * 3600e9;
  if (text == "0") return std::chrono::nanoseconds(0);
  if (text.empty()) return std::nullopt;
  double sum_ns = 0;
  while (!text.empty()) {
    double count = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), count);
    if (read.ec != std::errc() || !(count >= 0)) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(read.ptr - text.data()));
    const auto unit = text.substr(0, text.find_first_of("0123456789."));
    const auto* known = std::find_if(kUnits.begin(), kUnits.end(),
                                     [&](const auto& row) { return row.first == unit; });
    if (known == kUnits.end()) return std::nullopt;
    text.remove_prefix(unit.size());
    sum_ns += count * known->second;
    if (!(sum_ns <= kMostNs)) return std::nullopt;
  }
  return std::chrono::nanoseconds(static_cast<int64_t>(sum_ns));
}

}  // namespace vmflow
