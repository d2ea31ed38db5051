// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/vm_label.h"

#include <array>

namespace vmflow {
namespace {

// Enough for a day of short-lived VMs; forgetting one only makes a label start again.
constexpr size_t kMostProcesses = 65536;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// First bytes from `first` to `last` begin a character of `length` bytes whose second byte lies in
/// the given range. Source: The Unicode Standard, table 3-7 (well-formed UTF-8 byte sequences).
struct Utf8Row {
  unsigned char first, last;
  size_t length;
  unsigned char second_first, second_last;
};
constexpr std::array<Utf8Row, 9> kUtf8 = {{{0x00, 0x7f, 1, 0, 0},
                                           {0xc2, 0xdf, 2, 0x80, 0xbf},
                                           {0xe0, 0xe0, 3, 0xa0, 0xbf},
                                           {0xe1, 0xec, 3, 0x80, 0xbf},
                                           {0xed, 0xed, 3, 0x80, 0x9f},
                                           {0xee, 0xef, 3, 0x80, 0xbf},
                                           {0xf0, 0xf0, 4, 0x90, 0xbf},
                                           {0xf1, 0xf3, 4, 0x80, 0xbf},
                                           {0xf4, 0xf4, 4, 0x80, 0x8f}}};

/// Bytes of the well-formed character that `text` begins with; 0 if it begins with none.
size_t character_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  for (const auto& row : kUtf8) {
    if (byte(0) < row.first || byte(0) > row.last) continue;
    if (text.size() < row.length) return 0;
    if (row.length > 1 && (byte(1) < row.second_first || byte(1) > row.second_last)) return 0;
    for (size_t i = 2; i < row.length; i++)
      if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
    return row.length;
  }
  return 0;
}

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return (first < 0x20 && first != '\n') || first == 0x7f;
  return first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
}

}  // namespace

std::string sanitise(std::string_view text, size_t most_bytes) {
  std::string clean;
  while (!text.empty()) {
    const auto length = character_length(text);
    const auto character = text.substr(0, length == 0 ? 1 : length);
    const auto shown = length == 0 || is_control(character) ? kReplacement : character;
    if (clean.size() + shown.size() > most_bytes) break;
    clean += shown;
    text.remove_prefix(character.size());
  }
  return clean;
}

std::string LabelBook::numbered(const std::string& base, const Process& process) {
  if (vms_of_.size() >= kMostProcesses && !vms_of_.contains(process))
    vms_of_.erase(vms_of_.begin());
  auto& vms = vms_of_[process];
  std::string label;
  do {
    vms++;
    label = vms == 1 ? base : base + "-" + std::to_string(vms);
  } while (live_.contains(label));
  return label;
}

LabelBook::Given LabelBook::give(const VmKey& vm, const VmIdentity& identity) {
  const Process process{vm.tgid, identity.start_ticks};
  const auto pid = std::to_string(vm.tgid);
  Given given;
  if (identity.uuid.empty()) {
    given.label = numbered(pid + "-" + std::to_string(identity.start_ticks), process);
  } else {
    given.label = sanitise(identity.uuid);
    given.duplicate_uuid = live_.contains(given.label);
    if (given.duplicate_uuid) given.label += "+" + pid;
    if (live_.contains(given.label)) given.label = numbered(given.label, process);
  }
  live_.insert(given.label);
  return given;
}

}  // namespace vmflow
