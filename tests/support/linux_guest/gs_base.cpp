// SPDX-License-Identifier: GPL-2.0-only
#include "gs_base.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "guest.h"

namespace vmflow::linux_guest {
namespace {

constexpr unsigned long kHasWrgsbase = 1UL << 1;  // HWCAP2_FSGSBASE

std::vector<uint64_t> bases;  // by CPU

/// "ADDRESS TYPE NAME" in /proc/kallsyms. Most of it is the kernel's work: user mode is where a
/// doubled interrupt still kills.
uint64_t address_of(const std::string& symbol) {
  constexpr size_t kBlock = 1 << 16, kLongestLine = 1 << 10;
  const std::string end_of_line = " " + symbol + "\n";
  const int symbols = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
  if (symbols < 0) fail("/proc/kallsyms");
  std::string text;
  for (std::string block(kBlock, 0);;) {
    const auto got = read(symbols, block.data(), block.size());
    if (got <= 0) break;
    text.append(block, 0, static_cast<size_t>(got));
    if (const auto found = text.find(end_of_line); found != std::string::npos) {
      close(symbols);
      const auto line = text.rfind('\n', found);
      return std::stoull(text.substr(line == std::string::npos ? 0 : line + 1), nullptr, 16);
    }
    if (text.size() > kLongestLine) text.erase(0, text.size() - kLongestLine);
  }
  errno = ENOENT;
  fail(symbol);
}

/// A word of the kernel's memory.
uint64_t kernel_word(uint64_t address) {
  const int memory = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
  Elf64_Ehdr header{};
  if (memory < 0 || pread(memory, &header, sizeof(header), 0) != sizeof(header))
    fail("/proc/kcore");
  uint64_t word = 0;
  for (size_t i = 0; i < header.e_phnum; i++) {
    Elf64_Phdr part{};
    const auto place = static_cast<off_t>(header.e_phoff + i * sizeof(part));
    if (pread(memory, &part, sizeof(part), place) != sizeof(part)) fail("/proc/kcore");
    if (part.p_type != PT_LOAD || address < part.p_vaddr || address - part.p_vaddr >= part.p_memsz)
      continue;
    const auto where = static_cast<off_t>(part.p_offset + (address - part.p_vaddr));
    if (pread(memory, &word, sizeof(word), where) != sizeof(word)) fail("/proc/kcore");
    break;
  }
  close(memory);
  return word;
}

}  // namespace

void prepare_for_doubled_interrupts() {
  if ((getauxval(AT_HWCAP2) & kHasWrgsbase) == 0) return;
  const uint64_t offsets = address_of("__per_cpu_offset");
  const auto cpus = static_cast<size_t>(sysconf(_SC_NPROCESSORS_ONLN));
  for (size_t cpu = 0; cpu < cpus; cpu++)
    bases.push_back(kernel_word(offsets + cpu * sizeof(uint64_t)));
}

void survive_doubled_interrupts(size_t cpu) {
  if (cpu < bases.size()) asm volatile("wrgsbase %0" : : "r"(bases[cpu]));
}

}  // namespace vmflow::linux_guest
