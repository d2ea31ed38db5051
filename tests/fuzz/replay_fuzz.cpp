// SPDX-License-Identifier: GPL-2.0-only
// Any bytes are events. Whatever they are, time is conserved, the intervals are those of the
// ledger, and the model can be built.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <utility>

#include "analysis/build_model.h"
#include "analysis/crosscheck.h"
#include "analysis/feature_windows.h"
#include "analysis/flow_replay.h"

namespace vmflow {
namespace {

/// Reads numbers off the input; 0 when it is used up.
class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), left_(size) {}

  bool is_empty() const { return left_ == 0; }
  uint64_t number(size_t bytes) {
    uint64_t value = 0;
    bytes = std::min({bytes, left_, sizeof(value)});
    if (bytes != 0) std::memcpy(&value, data_, bytes);
    data_ += bytes;
    left_ -= bytes;
    return value;
  }
  /// Mostly one of a few, so that events meet; sometimes anything.
  uint32_t small(uint32_t few) {
    const auto byte = static_cast<uint32_t>(number(1));
    return byte == 255 ? static_cast<uint32_t>(number(4)) : byte % few;
  }
  bool flag() { return number(1) & 1; }
  std::optional<uint32_t> id() {
    if (flag()) return {};
    return small(3);
  }

 private:
  const uint8_t* data_;
  size_t left_;
};

uint32_t thread(Bytes& bytes) {
  const uint32_t tid = bytes.small(6);
  return tid < 6 && tid != 0 ? tid + 100 : tid;
}

Comm comm(Bytes& bytes) {
  constexpr const char* kNames[] = {"qemu", "vhost-101", "kworker/0:1", "kvm-pit/101", ""};
  Comm comm{};
  std::strncpy(comm.data(), kNames[bytes.number(1) % 5], comm.size());
  return comm;
}

EventData sched_data(Bytes& bytes, uint32_t kind) {
  switch (kind) {
    case 0:
      return SwitchEvent{.prev_tid = thread(bytes),
                         .next_tid = thread(bytes),
                         .prev_state = static_cast<int64_t>(bytes.number(1)),
                         .preempted = {},
                         .prev_comm = comm(bytes),
                         .next_comm = comm(bytes)};
    case 1:
      return WakingEvent{.tid = thread(bytes), .target_cpu = bytes.small(3), .comm = comm(bytes)};
    case 2:
      return MigrateEvent{
          .tid = thread(bytes), .from_cpu = bytes.small(3), .to_cpu = bytes.small(3)};
    case 3:
      return ThreadExitEvent{.tid = thread(bytes)};
    case 4:
      return IrqEvent{.begins = bytes.flag()};
    case 5:
      return VcpuOutEvent{.state = bytes.small(FLOW_STATES + 2),
                          .block = bytes.small(FLOW_BLOCKS + 1),
                          .throttled = bytes.flag()};
    case 6:
      return VcpuInEvent{.in_kvm_run = bytes.flag(),
                         .disk_pending_ns = bytes.number(8),
                         .net_pending_ns = bytes.number(2)};
    default:
      return WakeEvent{.tid = thread(bytes),
                       .waker = flow_waker(bytes.small(3), bytes.small(FLOW_WAKE_KINDS + 1))};
  }
}

EventData kvm_data(Bytes& bytes, uint32_t kind) {
  constexpr uint32_t kCodes[] = {0x78, 12, 0x400, 48, 0x72, 0x80, 20};
  const uint32_t code = bytes.small(7);
  switch (kind) {
    case 0:
      return EntryEvent{.vcpu_id = bytes.id()};
    case 1:
      return ExitEvent{.code = code < 7 ? kCodes[code] : code,
                       .isa = bytes.small(3),
                       .rip = 0,
                       .vcpu_id = bytes.id()};
    case 2:
      return UserspaceExitEvent{.reason = bytes.small(12),
                                .error = static_cast<int32_t>(bytes.number(1)) - 128};
    case 3:
      return RunEvent{};
    case 4:
      return HaltEndEvent{
          .halt_ns = bytes.number(8),
          .polled_ns = bytes.flag() ? std::optional<uint64_t>(bytes.number(2)) : std::nullopt,
          .waited = bytes.flag(),
          .valid = bytes.flag()};
    case 5:
      return NestedEnterEvent{.vmcb12 = bytes.small(3), .root = bytes.number(1)};
    case 6:
      return NestedExitEvent{};
    case 7:
      return NestedReflectEvent{.code = code < 7 ? kCodes[code] : code};
    case 8:
      return AcceptEvent{.vcpu_id = bytes.small(3), .vector = 0, .delivery = 0};
    case 9:
      return RouteEvent{};
    case 10:
      return PageReadyEvent{};
    case 11:
      return PacketEvent{};
    default:
      return RegistersEvent{};
  }
}

/// Time goes on by little, mostly; sometimes by much, sometimes back.
uint64_t next_ns(Bytes& bytes, uint64_t ns) {
  const uint64_t step = bytes.number(1);
  if (step < 240) return ns + step;
  if (step < 252) return ns + bytes.number(4);
  if (step < 254) return ns - bytes.number(1);
  return bytes.number(8);
}

Event event_of(Bytes& bytes, uint64_t& ns) {
  ns = next_ns(bytes, ns);
  Event event{.ns = ns,
              .cpu = bytes.small(3),
              .tid = thread(bytes),
              .tgid = bytes.small(2) * 100,
              .kvm = bytes.number(1) % 3,
              .data = {}};
  const auto kind = static_cast<uint32_t>(bytes.number(1)) % 20;
  event.data = kind < 8 ? sched_data(bytes, kind) : kvm_data(bytes, kind - 8);
  return event;
}

void require(bool holds) {
  if (!holds) std::abort();
}

template <typename Values>
uint64_t sum(const Values& values) {
  return std::accumulate(std::begin(values), std::end(values), uint64_t{0});
}

void require_conserved(const vcpu_flow& flow, const ReplayedVcpu& vcpu) {
  require(sum(flow.ns) + flow.held_ns == flow.last_ns - flow.first_ns);
  require(sum(flow.wait_ns) + flow.unsettled_ns == flow.ns[FLOW_HALTED]);
  require(sum(flow.block_ns) == flow.ns[FLOW_VMM_BLOCKED]);
  require(sum(flow.culprit_ns) >= flow.ns[FLOW_READY]);
  uint64_t at_ns = flow.first_ns;
  for (const auto& interval : vcpu.intervals) {
    require(interval.begin_ns < interval.end_ns);
    require(vcpu.left_out != 0 || interval.begin_ns == at_ns);
    require(interval.begin_ns >= at_ns && interval.state <= FLOW_UNKNOWN);
    at_ns = interval.end_ns;
  }
  if (vcpu.left_out != 0 || flow.first_ns == 0) return;
  std::array<uint64_t, FLOW_STATES + 1> drawn{}, booked{};
  for (const auto& interval : vcpu.intervals)
    if (interval.begin_ns < flow.last_ns)
      drawn[interval.state] +=
          std::min<uint64_t>(interval.end_ns, flow.last_ns) - interval.begin_ns;
  std::copy(std::begin(flow.ns), std::end(flow.ns), booked.begin());
  booked[flow.held_state == FLOW_VMM ? FLOW_VMM : FLOW_KVM] += flow.held_ns;
  // Which of the two a halt was held in is written back at its end only.
  if (flow.held_ns != 0) {
    drawn[FLOW_KVM] += std::exchange(drawn[FLOW_VMM], 0);
    booked[FLOW_KVM] += std::exchange(booked[FLOW_VMM], 0);
  }
  require(drawn == booked);
}

constexpr uint64_t kWindowNs = 700;

/// No window has more time than its vCPUs have had in it.
void require_clipped(const ReplayResult& result) {
  for (const auto& window : windowed_sums(result, kWindowNs)) {
    const auto wall_ns = static_cast<double>(window.end_ns - window.begin_ns);
    require(wall_ns > 0 && window.sums.wall_ns == wall_ns);
    require(window.sums.vcpu_ns <= wall_ns * static_cast<double>(result.vcpus.size()));
    for (const double value : feature_values(window.sums)) require(!(value < 0));
  }
}

void play(Bytes bytes) {
  FlowReplay replay({.vendor = Vendor::kNone,
                     .max_intervals = 1000,
                     .max_vcpus = 8,
                     .max_cpus = 16,
                     .max_threads = 16,
                     .count_every_ns = kWindowNs,
                     .max_counts = 500,
                     .outs_told = false});
  uint64_t ns = 1000;
  while (!bytes.is_empty()) replay.step(event_of(bytes, ns));
  const ReplayResult result = std::move(replay).finish();
  require(result.vcpus.size() == result.snapshot.slots.size() && result.vcpus.size() <= 8);
  uint64_t intervals = 0;
  for (size_t i = 0; i < result.vcpus.size(); i++) {
    require_conserved(result.snapshot.slots[i].slot.flow, result.vcpus[i]);
    intervals += result.vcpus[i].intervals.size();
    for (const auto& interval : result.vcpus[i].intervals)
      require(interval.culprit < result.culprits.size());
  }
  require(intervals <= 1000);
  require_clipped(result);
  build_model(result.snapshot, {});
  crosscheck(result.snapshot, result.snapshot, result);
}

/// From where a first part of the input has come to, the rest is played on, as it is after a live
/// look.
void play_seeded(const uint8_t* data, size_t size) {
  FlowReplay before;
  Bytes first(data, size / 2);
  uint64_t ns = 1000;
  while (!first.is_empty()) before.step(event_of(first, ns));
  const Snapshot look = std::move(before).finish().snapshot;
  FlowReplay replay;
  replay.seed(look, look);
  for (const auto& copy : look.slots) replay.seed(copy.slot);
  Bytes rest(data + size / 2, size - size / 2);
  while (!rest.is_empty()) replay.step(event_of(rest, ns));
  const ReplayResult result = std::move(replay).finish();
  for (const auto& copy : result.snapshot.slots) {
    const vcpu_flow& flow = copy.slot.flow;
    require(sum(flow.ns) + flow.held_ns == flow.last_ns - flow.first_ns);
  }
  crosscheck(look, result.snapshot, result);
}

}  // namespace
}  // namespace vmflow

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vmflow::play({data, size});
  vmflow::play_seeded(data, size);
  return 0;
}
