// SPDX-License-Identifier: GPL-2.0-only
// Where a field lies in a structure of the running kernel or of its modules.
#pragma once

#include <bpf/btf.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/result.h"

namespace vmflow {

/// The BTF of the kernel, and of modules on top of it.
/// Threads: not shared. Source: /sys/kernel/btf/vmlinux and /sys/kernel/btf/<module>, both plain
/// files.
class KernelBtf {
 public:
  /// Errors: the kernel has no BTF. A module without BTF of its own (built in, or built without) is
  ///         no error: its types may be the kernel's.
  static Result<KernelBtf> load(const std::vector<std::string>& modules);

  /// Byte offset of a dotted path of members, e.g. ("kvm_vcpu", "arch.mp_state").
  /// Errors: nullopt if the structure or a member does not exist, or is no pointer-free path.
  std::optional<uint32_t> offset(std::string_view structure, std::string_view path) const;

  /// Number of arguments after the data pointer of tracepoint `name`; nullopt if it is unknown.
  std::optional<uint32_t> tracepoint_arguments(std::string_view name) const;

  /// Is the first argument of tracepoint `name` a pointer?
  std::optional<bool> tracepoint_begins_with_pointer(std::string_view name) const;

  /// Is `name` a function that BPF can attach to by BTF?
  bool has_function(const std::string& name) const;

 private:
  struct Free {
    void operator()(btf* b) const { btf__free(b); }
  };
  using Btf = std::unique_ptr<btf, Free>;

  struct Found {
    const btf* types;
    uint32_t id;
  };
  struct Prototype {
    const btf* types;
    const btf_type* function;
  };

  std::optional<Found> find(const std::string& name, uint32_t kind) const;
  std::optional<Prototype> prototype(std::string_view tracepoint) const;

  std::vector<Btf> layers_;  // the kernel, then modules: each knows the kernel's types too
};

}  // namespace vmflow
