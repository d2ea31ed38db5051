// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/command_line.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <set>

namespace vmflow {
namespace {

constexpr size_t kUuidLength = 36;
constexpr size_t kMostVmidDigits = 9;

bool is_program(std::string_view name, std::string_view known) {
  // Releases are called firecracker-v1.7.0-x86_64, cloud-hypervisor-static.
  return name.starts_with(known) && (name.size() == known.size() || name[known.size()] == '-');
}

std::string vmm_of(std::string_view program, std::string_view comm) {
  const auto name = std::filesystem::path(program).filename().string();
  if (name.starts_with("qemu-") || name == "qemu" || name == "kvm" || name == "qemu-kvm")
    return "qemu";
  for (const auto* known : {"firecracker", "cloud-hypervisor", "crosvm"})
    if (is_program(name, known)) return known;
  return std::string(comm.empty() ? std::string_view(name) : comm);
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

using Values = std::map<std::string_view, std::vector<std::string_view>>;

// QEMU's options that have no value; all others take the next argument, whatever it is.
// Source: qemu-options.hx of QEMU 2.0 to 10.0, and Debian's of 7.2.
const std::set<std::string_view> kQemuSwitches = {
    "S",
    "alt-grab",
    "async-teardown",
    "ctrl-grab",
    "daemonize",
    "enable-fips",
    "enable-hax",
    "enable-kvm",
    "enable-sync-profile",
    "full-screen",
    "h",
    "help",
    "mem-prealloc",
    "mlock",
    "no-acpi",
    "no-fd-bootchk",
    "no-frame",
    "no-hpet",
    "no-kvm",
    "no-kvm-irqchip",
    "no-kvm-pit",
    "no-kvm-pit-reinjection",
    "no-quit",
    "no-reboot",
    "no-shutdown",
    "no-user-config",
    "nodefaults",
    "nodefconfig",
    "nographic",
    "old-param",
    "only-migratable",
    "portrait",
    "preconfig",
    "s",
    "sdl",
    "semihosting",
    "singlestep",
    "snapshot",
    "usb",
    "version",
    "win2k-hack",
    "xen-attach",
    "xen-domid-restrict",
    "xen-create",
};

Values qemu_values(const std::vector<std::string>& arguments) {
  Values values;
  for (size_t i = 1; i < arguments.size(); i++) {
    std::string_view option = arguments[i];
    if (option.size() < 2 || option[0] != '-') continue;  // the image of a disk
    option.remove_prefix(option[1] == '-' ? 2 : 1);
    if (kQemuSwitches.contains(option)) continue;
    if (++i < arguments.size()) values[option].push_back(arguments[i]);
  }
  return values;
}

// What these say is the guest's.
const std::set<std::string_view> kGuestTexts = {"append", "boot-args", "cmdline", "p", "params"};

/// `--option VALUE` and `--option=VALUE`, with one dash or two.
Values other_values(const std::vector<std::string>& arguments) {
  Values values;
  for (size_t i = 1; i < arguments.size(); i++) {
    std::string_view option = arguments[i];
    const auto dashes = std::min<size_t>(option.find_first_not_of('-'), 2);
    if (dashes == 0 || dashes > option.size()) continue;
    option.remove_prefix(dashes);
    if (const auto equals = option.find('='); equals != std::string_view::npos) {
      values[option.substr(0, equals)].push_back(option.substr(equals + 1));
    } else if (i + 1 < arguments.size()) {
      values[option].push_back(arguments[i + 1]);
      if (kGuestTexts.contains(option)) i++;
    }
  }
  return values;
}

/// What `read` makes of the last value from which it makes anything: QEMU merges repeated options.
template <typename Read>
std::string last_of(const Values& values, std::string_view option, Read read) {
  std::string last;
  const auto found = values.find(option);
  if (found == values.end()) return last;
  for (const auto value : found->second)
    if (auto text = read(value); !text.empty()) last = std::move(text);
  return last;
}

}  // namespace

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

std::string valid_vmid(std::string_view text) {
  const bool is_number = !text.empty() && text.size() <= kMostVmidDigits && text[0] != '0' &&
                         text.find_first_not_of("0123456789") == std::string_view::npos;
  return is_number ? std::string(text) : "";
}

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
  const auto as_it_is = [](std::string_view value) { return std::string(value); };
  const auto uuid_field = [](std::string_view value) {
    return valid_uuid(field_named(value, "uuid"));
  };
  const bool is_qemu = facts.vmm == "qemu";
  const auto values = is_qemu ? qemu_values(arguments) : other_values(arguments);
  if (facts.vmm == "firecracker") {
    facts.name = last_of(values, "id", as_it_is);
    return facts;
  }
  // What is not known may have taken over QEMU's options.
  facts.name = facts.vmm == "crosvm" ? last_of(values, "name", as_it_is)
                                     : last_of(values, "name", qemu_name);
  facts.uuid = last_of(values, "uuid", valid_uuid);
  for (const auto* option : {"smbios", "platform"})
    if (facts.uuid.empty()) facts.uuid = last_of(values, option, uuid_field);
  if (is_qemu) facts.vmid = last_of(values, "id", valid_vmid);
  return facts;
}

}  // namespace vmflow
