// SPDX-License-Identifier: GPL-2.0-only
// attach_programs vmflow|PREFIX: loads and attaches vmflow's programs as vmflowd does where KVM is,
// or the programs of floor.bpf.c whose names begin with PREFIX; says "ready"; keeps them until its
// stdin ends. So vmflow's cost for a host can be measured on a kernel without KVM, too.
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

#include "agent/sources/bpf_programs.h"
#include "agent/sources/kernel_support.h"
#include "floor.skel.h"

namespace {

using namespace vmflow;

constexpr uint32_t kMaxVcpus = 4096;  // --max-vcpus' own

int wait_for_the_end() {
  fmt::print("ready\n");
  std::fflush(stdout);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}

int complain(std::string_view what) {
  fmt::print(stderr, "attach_programs: {}\n", what);
  return 1;
}

int attach_vmflow() {
  const auto support = probe_kernel();
  if (!support) return complain(support.error().message);
  const auto programs = BpfPrograms::load(*support, kMaxVcpus);
  if (!programs) return complain(programs.error().message);
  return wait_for_the_end();
}

int attach_floor(std::string_view prefix) {
  const std::unique_ptr<floor_bpf, decltype(&floor_bpf__destroy)> floor(floor_bpf__open(),
                                                                        floor_bpf__destroy);
  if (!floor) return complain(std::strerror(errno));
  int chosen = 0;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, floor->obj) {
    const bool is_chosen = std::string_view(bpf_program__name(program)).starts_with(prefix);
    bpf_program__set_autoload(program, is_chosen);
    chosen += is_chosen;
  }
  if (chosen == 0) return complain(fmt::format("no program begins with {}", prefix));
  int error = floor_bpf__load(floor.get());
  if (error == 0) error = floor_bpf__attach(floor.get());
  return error == 0 ? wait_for_the_end() : complain(std::strerror(-error));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return complain("one argument is needed: vmflow, or a prefix of floor.bpf.c's");
  const std::string_view what = argv[1];
  return what == "vmflow" ? attach_vmflow() : attach_floor(what);
}
