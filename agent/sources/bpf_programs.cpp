// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/bpf_programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <thread>
#include <utility>

#include "agent/sources/monotonic_clock.h"
#include "vmflow.skel.h"

namespace vmflow {
namespace {

/// What libbpf complained with, the verifier's log included: it names the cause better than errno.
thread_local std::string complaints;

int remember(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN) return 0;
  va_list again;
  va_copy(again, arguments);
  std::string text(static_cast<size_t>(std::max(0, std::vsnprintf(nullptr, 0, format, again))) + 1,
                   0);
  va_end(again);
  std::vsnprintf(text.data(), text.size(), format, arguments);
  complaints += text.c_str();
  return 0;
}

std::string why(int error) {
  return fmt::format("{}\n{}", std::strerror(error), complaints);
}

size_t whole_pages(size_t bytes) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

template <typename T>
Result<T*> map_array(const bpf_map* map, uint32_t entries, int protection) {
  void* memory =
      mmap(nullptr, whole_pages(sizeof(T) * entries), protection, MAP_SHARED, bpf_map__fd(map), 0);
  if (memory == MAP_FAILED)
    return failure(fmt::format("mapping {} failed: {}", bpf_map__name(map), std::strerror(errno)));
  return static_cast<T*>(memory);
}

template <typename T>
void unmap_array(const T* memory, uint32_t entries) {
  if (memory != nullptr) munmap(const_cast<T*>(memory), whole_pages(sizeof(T) * entries));
}

/// One entry of a per-CPU array, as the kernel hands it out: values padded to 8 bytes.
template <typename T>
std::vector<T> per_cpu(const bpf_map* map, uint32_t key, int cpus) {
  std::vector<T> values(static_cast<size_t>(cpus));
  if (bpf_map_lookup_elem(bpf_map__fd(map), &key, values.data()) != 0) values.clear();
  return values;
}

/// Programs on tracepoints that the kernel does not have.
void leave_out(bpf_object* object, const std::vector<std::string>& tracepoints) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    const std::string_view section = bpf_program__section_name(program);
    for (const auto& tracepoint : tracepoints)
      if (section == "raw_tp/" + tracepoint || section == "tp_btf/" + tracepoint)
        bpf_program__set_autoload(program, false);
  }
}

/// Programs that only an operator's wish loads.
void leave_out_interrupts(vmflow_bpf* object) {
  for (auto* program : {object->progs.on_irq_handler_entry, object->progs.on_irq_handler_exit,
                        object->progs.on_softirq_entry, object->progs.on_softirq_exit})
    bpf_program__set_autoload(program, false);
}

void leave_out_packets(vmflow_bpf* object) {
  for (auto* program : {object->progs.on_packet_sent, object->progs.on_packet_received})
    bpf_program__set_autoload(program, false);
}

/// Is the code read from a structure, and is there a record to hold against it?
bool is_comparable(const flow_config& config) {
  return config.record_code != FLOW_NO_OFFSET &&
         (config.exit_source == FLOW_EXIT_FROM_VMCB || config.exit_source == FLOW_EXIT_FROM_VMX);
}

/// Until every program that runs now has ended: they run within RCU's read side, and this is a
/// grace period. Where CPUs without a tick forbid it, longer than any program takes.
void wait_for_programs() {
  constexpr std::chrono::milliseconds kLongerThanAny{50};
  if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
    std::this_thread::sleep_for(kLongerThanAny);
}

}  // namespace

void BpfPrograms::Destroy::operator()(vmflow_bpf* object) const {
  vmflow_bpf__destroy(object);
}

void BpfPrograms::Detach::operator()(bpf_link* link) const {
  bpf_link__destroy(link);
}

BpfPrograms::BpfPrograms(BpfPrograms&& other) noexcept {
  *this = std::move(other);
}

BpfPrograms& BpfPrograms::operator=(BpfPrograms&& other) noexcept {
  std::swap(object_, other.object_);
  std::swap(code_check_, other.code_check_);
  std::swap(slots_, other.slots_);
  std::swap(vms_, other.vms_);
  std::swap(cpus_, other.cpus_);
  std::swap(ring_, other.ring_);
  std::swap(ring_records_, other.ring_records_);
  std::swap(slot_count_, other.slot_count_);
  std::swap(cpu_count_, other.cpu_count_);
  std::swap(destroy_hook_, other.destroy_hook_);
  std::swap(sees_throttled_bios_, other.sees_throttled_bios_);
  return *this;
}

BpfPrograms::~BpfPrograms() {
  code_check_.reset();
  unmap_array(slots_, slot_count_);
  unmap_array(vms_, slot_count_);
  unmap_array(cpus_, cpu_count_);
  unmap_array(ring_, cpu_count_ * ring_records_);
}

Result<BpfPrograms> BpfPrograms::load(const KernelSupport& support, uint32_t max_vcpus) {
  auto loaded = load_with(support, max_vcpus);
  if (loaded) return loaded;
  // Some kernels refuse to hook a function; those of modules are only for who has CAP_SYS_ADMIN, by
  // which libbpf finds a module's BTF, and kprobes on some hosts, too. The end of a vCPU is then
  // its thread's. Without a mounted tracefs there is no record to read: the codes are then unknown,
  // and counted as that.
  auto without = support;
  without.destroy_hook = DestroyHook::none;
  if (auto again = load_with(without, max_vcpus)) return again;
  without = support;
  without.sees_throttled_bios = without.sees_netdevs_removed = false;
  if (auto again = load_with(without, max_vcpus)) return again;
  without.destroy_hook = DestroyHook::none;
  for (const auto source : {support.config.exit_source, __u32{FLOW_EXIT_FROM_NOWHERE}}) {
    without.config.exit_source = source;
    if (auto again = load_with(without, max_vcpus)) return again;
    if (source != FLOW_EXIT_FROM_RECORD) break;
  }
  return loaded;
}

Result<BpfPrograms> BpfPrograms::load_with(const KernelSupport& support, uint32_t max_vcpus) {
  libbpf_set_print(remember);
  complaints.clear();
  BpfPrograms loaded;
  loaded.object_.reset(vmflow_bpf__open());
  auto* object = loaded.object_.get();
  if (object == nullptr)
    return failure(fmt::format("opening the BPF object failed: {}", why(errno)));
  loaded.cpu_count_ = static_cast<uint32_t>(libbpf_num_possible_cpus());
  loaded.slot_count_ = max_vcpus + 1;
  bpf_map__set_max_entries(object->maps.slots, loaded.slot_count_);
  bpf_map__set_max_entries(object->maps.free_slots, max_vcpus);
  bpf_map__set_max_entries(object->maps.vcpu_index, max_vcpus);
  bpf_map__set_max_entries(object->maps.vm_skews, loaded.slot_count_);
  bpf_map__set_max_entries(object->maps.free_vms, max_vcpus);
  bpf_map__set_max_entries(object->maps.vm_index, max_vcpus);
  bpf_map__set_max_entries(object->maps.cpus, loaded.cpu_count_);
  std::memcpy(const_cast<flow_config*>(&object->rodata->config), &support.config,
              sizeof(support.config));
  if (support.config.ring_kinds != 0) {
    loaded.ring_records_ = support.config.ring_records;
    bpf_map__set_max_entries(object->maps.ring, loaded.cpu_count_ * loaded.ring_records_);
  }
  const auto hook = loaded.destroy_hook_ = support.destroy_hook;
  loaded.sees_throttled_bios_ = support.sees_throttled_bios;
  const bool recorded = support.config.exit_source == FLOW_EXIT_FROM_RECORD;
  bpf_program__set_autoload(object->progs.on_kvm_exit, !recorded);
  bpf_program__set_autoload(object->progs.on_kvm_exit_record, recorded);
  bpf_program__set_autoload(object->progs.compare_exit_code, is_comparable(support.config));
  bpf_program__set_autoattach(object->progs.compare_exit_code, false);
  leave_out(object->obj, support.missing_tracepoints);
  if (support.config.tell_irq == 0) leave_out_interrupts(object);
  if ((support.config.ring_kinds & 1u << RING_PACKET) == 0) leave_out_packets(object);
  bpf_program__set_autoload(object->progs.on_vcpu_destroy, hook == DestroyHook::kprobe);
  bpf_program__set_autoload(object->progs.on_vcpu_destroy_fentry, hook == DestroyHook::fentry);
  bpf_program__set_autoload(object->progs.on_blk_throtl, support.sees_throttled_bios);
  bpf_program__set_autoload(object->progs.on_netdev_gone, support.sees_netdevs_removed);
  if (const int error = vmflow_bpf__load(object); error != 0)
    return failure(fmt::format("loading the BPF programs failed: {}", why(-error)));
  if (auto mapped = loaded.map_memory(); !mapped) return tl::unexpected(mapped.error());
  // High indices first: a stack gives the lowest one out next, and readers stop at the highest
  // used.
  for (uint32_t index = max_vcpus; index >= 1; index--) {
    bpf_map_update_elem(bpf_map__fd(object->maps.free_slots), nullptr, &index, BPF_ANY);
    bpf_map_update_elem(bpf_map__fd(object->maps.free_vms), nullptr, &index, BPF_ANY);
  }
  if (const int error = vmflow_bpf__attach(object); error != 0)
    return failure(fmt::format("attaching the BPF programs failed: {}", why(-error)));
  object->bss->following = 1;
  return loaded;
}

Result<void> BpfPrograms::map_memory() {
  auto slots = map_array<vcpu_slot>(object_->maps.slots, slot_count_, PROT_READ | PROT_WRITE);
  if (!slots) return tl::unexpected(slots.error());
  slots_ = *slots;
  auto vms = map_array<vm_skew>(object_->maps.vm_skews, slot_count_, PROT_READ | PROT_WRITE);
  if (!vms) return tl::unexpected(vms.error());
  vms_ = *vms;
  auto cpus = map_array<cpu_record>(object_->maps.cpus, cpu_count_, PROT_READ);
  if (!cpus) return tl::unexpected(cpus.error());
  cpus_ = *cpus;
  if (ring_records_ == 0) return {};
  auto ring = map_array<ring_record>(object_->maps.ring, cpu_count_ * ring_records_, PROT_READ);
  if (!ring) return tl::unexpected(ring.error());
  ring_ = *ring;
  return {};
}

void BpfPrograms::set_recording(bool on) {
  if (on == (recording_since_ns_ != 0)) return;
  __atomic_store_n(&object_->bss->recording, on ? 1u : 0u, __ATOMIC_RELEASE);
  // What was running then may not have seen it yet.
  if (on) wait_for_programs();
  recording_since_ns_ = on ? monotonic_ns() : 0;
}

void BpfPrograms::give_up(uint32_t details) {
  __atomic_store_n(&object_->bss->given_up, details, __ATOMIC_RELAXED);
}

ProgramCosts BpfPrograms::costs() const {
  ProgramCosts costs;
  for (uint32_t i = 0; i < FLOW_PROGS; i++) costs[i] = cost(static_cast<flow_program>(i));
  return costs;
}

program_cost BpfPrograms::cost(flow_program program) const {
  program_cost sum{};
  for (uint32_t cpu = 0; cpu < cpu_count_; cpu++) {
    const auto& cost = cpus_[cpu].cost[program];
    sum.runs += cost.runs;
    sum.timed_runs += cost.timed_runs;
    sum.timed_ns += cost.timed_ns;
  }
  return sum;
}

std::vector<exit_histogram> BpfPrograms::exit_histograms() const {
  std::vector<exit_histogram> sums(FLOW_EXIT_CODES);
  for (uint32_t place = 0; place < cpu_count_ * FLOW_EXIT_CODES; place++) {
    const auto& one = cpus_[place / FLOW_EXIT_CODES].handled[place % FLOW_EXIT_CODES];
    if (one.sum_ns == 0) continue;
    auto& sum = sums[place % FLOW_EXIT_CODES];
    sum.sum_ns += one.sum_ns;
    for (uint32_t i = 0; i < FLOW_EXIT_BUCKETS; i++) sum.bucket[i] += one.bucket[i];
  }
  return sums;
}

uint32_t BpfPrograms::highest_slot() const {
  return __atomic_load_n(&object_->bss->highest_slot, __ATOMIC_ACQUIRE);
}

std::vector<uint64_t> BpfPrograms::losses() const {
  std::vector<uint64_t> sums(FLOW_LOSSES);
  for (uint32_t loss = 0; loss < FLOW_LOSSES; loss++)
    for (auto cpu : per_cpu<uint64_t>(object_->maps.losses, loss, static_cast<int>(cpu_count_)))
      sums[loss] += cpu;
  return sums;
}

std::vector<ProgramInfo> BpfPrograms::programs() const {
  std::vector<ProgramInfo> programs;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_->obj) {
    if (!bpf_program__autoload(program) || !bpf_program__autoattach(program)) continue;
    bpf_prog_info info{};
    uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) != 0) continue;
    programs.push_back({bpf_program__name(program), true, info.recursion_misses});
  }
  return programs;
}

bool BpfPrograms::begin_code_check() {
  if (bpf_program__autoload(object_->progs.compare_exit_code))
    code_check_.reset(bpf_program__attach(object_->progs.compare_exit_code));
  return code_check_ != nullptr;
}

BpfPrograms::CodeCheck BpfPrograms::end_code_check() {
  code_check_.reset();
  return {.equal = __atomic_load_n(&object_->bss->codes_equal, __ATOMIC_RELAXED),
          .differing = __atomic_load_n(&object_->bss->codes_differing, __ATOMIC_RELAXED)};
}

uint64_t BpfPrograms::discover_vcpus() const {
  const int iterator = bpf_iter_create(bpf_link__fd(object_->links.discover_vcpus));
  if (iterator < 0) return 0;
  std::array<uint64_t, 512> ran_ns{};
  uint64_t sum_ns = 0;
  for (ssize_t bytes = 0; (bytes = read(iterator, ran_ns.data(), sizeof(ran_ns))) > 0;)
    sum_ns = std::accumulate(ran_ns.begin(), ran_ns.begin() + bytes / ssize_t{sizeof(ran_ns[0])},
                             sum_ns);
  close(iterator);
  return sum_ns;
}

}  // namespace vmflow
