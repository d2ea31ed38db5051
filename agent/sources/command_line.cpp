// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/command_line.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace vmflow {
namespace {

constexpr size_t kUuidLength = 36;

std::string vmm_of(std::string_view program, std::string_view comm) {
  const auto name = std::filesystem::path(program).filename().string();
  if (name.starts_with("qemu-") || name == "kvm" || name == "qemu-kvm") return "qemu";
  for (const auto* known : {"firecracker", "cloud-hypervisor", "crosvm"})
    if (name == known) return known;
  return std::string(comm.empty() ? std::string_view(name) : comm);
}

std::string valid_uuid(std::string_view text) {
  if (text.size() != kUuidLength) return "";
  std::string uuid(text);
  for (size_t i = 0; i < uuid.size(); i++) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? uuid[i] != '-' : std::isxdigit(static_cast<unsigned char>(uuid[i])) == 0) return "";
    uuid[i] = static_cast<char>(std::tolower(static_cast<unsigned char>(uuid[i])));
  }
  return uuid;
}

/// The fields of one QEMU option value: separated by commas, of which a doubled one stands for
/// itself.
std::vector<std::string> option_fields(std::string_view value) {
  std::vector<std::string> fields(1);
  for (size_t i = 0; i < value.size(); i++) {
    if (value[i] != ',') {
      fields.back() += value[i];
    } else if (i + 1 < value.size() && value[i + 1] == ',') {
      fields.back() += ',';
      i++;
    } else {
      fields.emplace_back();
    }
  }
  return fields;
}

std::string field_named(std::string_view value, std::string_view key) {
  for (const auto& field : option_fields(value))
    if (field.size() > key.size() && field.starts_with(key) && field[key.size()] == '=')
      return field.substr(key.size() + 1);
  return "";
}

/// -name guest=NAME,… or, as the first field may stand alone, -name NAME,…
std::string qemu_name(std::string_view value) {
  if (auto named = field_named(value, "guest"); !named.empty()) return named;
  const auto first = option_fields(value).front();
  return first.find('=') == std::string::npos ? first : "";
}

/// The values of every `--option VALUE` and `--option=VALUE`; QEMU takes one dash or two.
std::vector<std::string> values_of(const std::vector<std::string>& arguments,
                                   std::string_view option) {
  std::vector<std::string> found;
  for (size_t i = 1; i < arguments.size(); i++) {
    std::string_view argument = arguments[i];
    const auto dashes = std::min<size_t>(argument.find_first_not_of('-'), 2);
    if (dashes == 0 || dashes > argument.size()) continue;
    argument.remove_prefix(dashes);
    if (argument == option && i + 1 < arguments.size()) {
      found.push_back(arguments[++i]);
    } else if (argument.size() > option.size() && argument.starts_with(option) &&
               argument[option.size()] == '=') {
      found.emplace_back(argument.substr(option.size() + 1));
    }
  }
  return found;
}

/// What `read` makes of the last value from which it makes anything: QEMU merges repeated options.
template <typename Read>
std::string last_of(const std::vector<std::string>& values, Read read) {
  std::string last;
  for (const auto& value : values)
    if (auto text = read(value); !text.empty()) last = std::move(text);
  return last;
}

}  // namespace

std::vector<std::string> split_command_line(std::string_view bytes) {
  std::vector<std::string> arguments;
  while (!bytes.empty()) {
    const auto end = bytes.find('\0');
    arguments.emplace_back(bytes.substr(0, end));
    if (end == std::string_view::npos) break;
    bytes.remove_prefix(end + 1);
  }
  return arguments;
}

CommandLineFacts read_command_line(const std::vector<std::string>& arguments,
                                   std::string_view comm) {
  CommandLineFacts facts;
  facts.vmm = vmm_of(arguments.empty() ? std::string_view() : arguments.front(), comm);
  if (facts.vmm == "firecracker") {
    facts.name = last_of(values_of(arguments, "id"), [](const auto& value) { return value; });
    return facts;
  }
  facts.name = last_of(values_of(arguments, "name"), qemu_name);
  facts.uuid = last_of(values_of(arguments, "uuid"), valid_uuid);
  if (facts.uuid.empty())
    facts.uuid = last_of(values_of(arguments, "smbios"),
                         [](const auto& value) { return valid_uuid(field_named(value, "uuid")); });
  return facts;
}

}  // namespace vmflow
