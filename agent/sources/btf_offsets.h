// SPDX-License-Identifier: GPL-2.0-only
// Where a field lies in a structure of the running kernel or of one of its modules.
#pragma once

#include <bpf/btf.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/result.h"

namespace vmflow {

/// The BTF of the kernel, and of one module on top of it where there is one.
/// Threads: not shared. Source: /sys/kernel/btf/vmlinux and /sys/kernel/btf/<module>, both plain files.
class KernelBtf {
 public:
  /// Errors: the kernel has no BTF. A module without BTF of its own (built in, or built without) is
  ///         no error: its types may be the kernel's.
  static Result<KernelBtf> load(const std::string& module);

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

  explicit KernelBtf(Btf kernel) : kernel_(std::move(kernel)) {}
  const btf* types() const { return module_ ? module_.get() : kernel_.get(); }
  const btf_type* prototype(std::string_view tracepoint) const;

  Btf kernel_;
  Btf module_;
};

}  // namespace vmflow
