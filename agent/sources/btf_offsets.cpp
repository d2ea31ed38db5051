// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/btf_offsets.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace vmflow {
namespace {

const btf_type* strip(const btf* types, uint32_t id) {
  const auto* type = btf__type_by_id(types, id);
  while (type != nullptr && (btf_is_mod(type) || btf_is_typedef(type)))
    type = btf__type_by_id(types, type->type);
  return type;
}

/// Bit offset of one member, which may lie in anonymous structures and unions; its type in `*type`.
std::optional<uint32_t> member_bits(const btf* types, const btf_type* owner, std::string_view name,
                                    uint32_t* type) {
  if (owner == nullptr || !btf_is_composite(owner)) return std::nullopt;
  const auto* members = btf_members(owner);
  for (uint32_t i = 0; i < btf_vlen(owner); i++) {
    const auto bits = btf_member_bit_offset(owner, i);
    const std::string_view member = btf__name_by_offset(types, members[i].name_off);
    if (member == name) {
      *type = members[i].type;
      return bits;
    }
    if (!member.empty()) continue;
    if (auto inner = member_bits(types, strip(types, members[i].type), name, type))
      return bits + *inner;
  }
  return std::nullopt;
}

}  // namespace

Result<KernelBtf> KernelBtf::load(const std::vector<std::string>& modules) {
  libbpf_set_print(nullptr);  // one clear line is ours to say
  Btf kernel(btf__load_vmlinux_btf());
  if (!kernel)
    return failure(fmt::format(
        "the kernel has no BTF ({}): vmflow needs a kernel built with CONFIG_DEBUG_INFO_BTF=y",
        std::strerror(errno)));
  KernelBtf loaded;
  for (const auto& module : modules)
    if (Btf layer(btf__load_module_btf(module.c_str(), kernel.get())); layer)
      loaded.layers_.push_back(std::move(layer));
  loaded.layers_.insert(loaded.layers_.begin(), std::move(kernel));
  return loaded;
}

std::optional<KernelBtf::Found> KernelBtf::find(const std::string& name, uint32_t kind) const {
  for (const auto& layer : layers_)
    if (const auto id = btf__find_by_name_kind(layer.get(), name.c_str(), kind); id >= 0)
      return Found{layer.get(), static_cast<uint32_t>(id)};
  return std::nullopt;
}

std::optional<uint32_t> KernelBtf::offset(std::string_view structure, std::string_view path) const {
  const auto found = find(std::string(structure), BTF_KIND_STRUCT);
  if (!found) return std::nullopt;
  const auto* owner = btf__type_by_id(found->types, found->id);
  uint32_t bits = 0;
  while (!path.empty()) {
    const auto dot = path.find('.');
    uint32_t type = 0;
    const auto inner = member_bits(found->types, owner, path.substr(0, dot), &type);
    if (!inner) return std::nullopt;
    bits += *inner;
    owner = strip(found->types, type);
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return bits / 8;
}

std::optional<KernelBtf::Prototype> KernelBtf::prototype(std::string_view tracepoint) const {
  const auto found = find(fmt::format("btf_trace_{}", tracepoint), BTF_KIND_TYPEDEF);
  if (!found) return std::nullopt;
  const auto* pointer = strip(found->types, found->id);
  if (pointer == nullptr || !btf_is_ptr(pointer)) return std::nullopt;
  const auto* function = strip(found->types, pointer->type);
  if (function == nullptr || !btf_is_func_proto(function) || btf_vlen(function) == 0)
    return std::nullopt;
  return Prototype{found->types, function};
}

std::optional<uint32_t> KernelBtf::tracepoint_arguments(std::string_view name) const {
  const auto found = prototype(name);
  if (!found) return std::nullopt;
  return btf_vlen(found->function) - 1;
}

std::optional<bool> KernelBtf::tracepoint_begins_with_pointer(std::string_view name) const {
  const auto found = prototype(name);
  if (!found || btf_vlen(found->function) < 2) return std::nullopt;
  const auto* first = strip(found->types, btf_params(found->function)[1].type);
  return first != nullptr && btf_is_ptr(first);
}

bool KernelBtf::has_function(const std::string& name) const {
  return find(name, BTF_KIND_FUNC).has_value();
}

}  // namespace vmflow
