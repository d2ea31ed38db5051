// SPDX-License-Identifier: GPL-2.0-only
// A mapping of YAML whose every key must be asked for, so that none is ignored.
#pragma once

#include <yaml-cpp/yaml.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace vmflow {

/// What is wrong with a file; caught where a file is parsed.
class YamlFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Errors: all throw YamlFault, which names the key and quotes no value.
class YamlFields {
 public:
  /// `path` is what stands before its keys in messages. A null is an empty mapping.
  YamlFields(const YAML::Node& mapping, std::string path);

  std::vector<std::string> names() const;
  std::optional<std::string> text(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  std::optional<uint32_t> whole_number(std::string_view key);
  std::optional<std::vector<std::string>> texts(std::string_view key);
  std::optional<YamlFields> section(std::string_view key);

  /// Fails if a key has not been asked for.
  void end(std::string_view why = "unknown key");
  [[noreturn]] void fail(std::string_view key, std::string_view why) const;

 private:
  std::optional<YAML::Node> take(std::string_view key);
  std::string name_of(std::string_view key) const;

  YAML::Node mapping_;
  std::string path_;
  std::set<std::string, std::less<>> asked_;
};

/// Whether the whole text is one document, or none. The library leaves what comes after the first
/// one unread, and of some texts finds documents without end. Errors: throws YAML::Exception.
bool is_one_document(const std::string& yaml);

/// As Go writes them: 1s, 100ms, 1m30s, 0. Nullopt: it is none, or beyond a day.
std::optional<std::chrono::nanoseconds> read_duration(std::string_view text);

}  // namespace vmflow
