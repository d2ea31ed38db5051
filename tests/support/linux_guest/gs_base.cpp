// SPDX-License-Identifier: GPL-2.0-only
#include "gs_base.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

#include "guest.h"

namespace vmflow::linux_guest {
namespace {

constexpr unsigned long kHasWrgsbase = 1UL << 1;  // HWCAP2_FSGSBASE

uint64_t address_of(const std::string& symbol) {
  std::ifstream symbols("/proc/kallsyms");
  for (std::string line; std::getline(symbols, line);) {
    std::istringstream words(line);
    uint64_t address = 0;
    std::string type, name;
    if (words >> std::hex >> address >> type >> name && name == symbol) return address;
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

void survive_doubled_interrupts(size_t cpu) {
  if ((getauxval(AT_HWCAP2) & kHasWrgsbase) == 0) return;
  static const uint64_t offsets = address_of("__per_cpu_offset");
  const uint64_t base = kernel_word(offsets + cpu * sizeof(uint64_t));
  asm volatile("wrgsbase %0" : : "r"(base));
}

}  // namespace vmflow::linux_guest
