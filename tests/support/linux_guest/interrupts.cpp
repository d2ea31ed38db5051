// SPDX-License-Identifier: GPL-2.0-only
#include "interrupts.h"

#include <cctype>
#include <sstream>

#include "guest.h"

namespace vmflow::linux_guest {

std::map<std::string, int64_t> parse_interrupts(const std::string& text) {
  std::map<std::string, int64_t> counts;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);  // the heads of the columns, one per CPU
  std::istringstream heads(line);
  size_t cpus = 0;
  for (std::string head; heads >> head;) cpus++;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string name, word, last;
    words >> name;
    if (name.empty()) continue;
    name.pop_back();  // its colon
    int64_t sum = 0;
    for (size_t cpu = 0; cpu < cpus; cpu++) {
      int64_t count = 0;
      if (words >> count) sum += count;
    }
    words.clear();
    while (words >> word) last = word;
    const bool is_device = !last.empty() && std::isdigit(static_cast<unsigned char>(name[0]));
    counts[is_device ? last : name] += sum;
  }
  return counts;
}

std::map<std::string, int64_t> interrupts() {
  return parse_interrupts(read_file("/proc/interrupts"));
}

}  // namespace vmflow::linux_guest
