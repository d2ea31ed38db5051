// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/flow_replay_totals.h"

#include <algorithm>
#include <utility>

#include "analysis/exit_reason.h"

namespace vmflow {
namespace {

const vcpu_identity& identity_of(ReplayBook& book, uint32_t number) {
  return book.vcpu_at(number)->slot.id;
}

std::vector<BlameReading> blames_of(ReplayBook& book) {
  std::map<std::tuple<uint64_t, uint32_t, uint32_t, uint64_t, uint32_t>, BlameReading> rows;
  for (const auto& [pair, value] : book.blames) {
    const vcpu_identity& victim = identity_of(book, pair.victim);
    blame_key key{.kvm = victim.kvm,
                  .tgid = victim.tgid,
                  .culprit = pair.culprit,
                  .culprit_kvm = 0,
                  .culprit_tgid = pair.tgid,
                  .pad = 0};
    if (pair.vcpu != 0) {
      key.culprit_kvm = identity_of(book, pair.vcpu).kvm;
      key.culprit_tgid = identity_of(book, pair.vcpu).tgid;
    }
    auto [row, is_new] =
        rows.try_emplace({key.kvm, key.tgid, key.culprit, key.culprit_kvm, key.culprit_tgid},
                         BlameReading{key, value});
    // A vCPU is named by its VM; without an address of the VM, its threads are in the same row.
    blame& sum = row->second.value;
    if (pair.vcpu != 0 || value.comm[0] == 0) std::ranges::fill(sum.comm, 0);
    if (!is_new) sum.ns += value.ns;
  }
  std::vector<BlameReading> blames;
  for (const auto& [key, row] : rows) blames.push_back(row);
  return blames;
}

// A waker whose id was told only later was kept by its thread.
uint32_t id_of_waker(ReplayBook& book, const vcpu_identity& wakee, uint32_t who) {
  const ReplayVcpu* by = who == FLOW_ANY_VCPU ? nullptr : book.run_by(who);
  if (!by || !by->id_told || by->slot.id.tgid != wakee.tgid) return who;
  const auto same = book.vcpu_by_id.find({wakee.tgid, who, wakee.kvm});
  return same == book.vcpu_by_id.end() ? by->slot.id.vcpu_id : who;
}

std::vector<WakerReading> wakers_of(ReplayBook& book) {
  std::map<std::tuple<uint64_t, uint32_t, uint32_t, uint32_t>, WakerReading> rows;
  for (const auto& [pair, value] : book.wakers) {
    const vcpu_identity& wakee = identity_of(book, pair.vcpu);
    const waker_key key{.kvm = wakee.kvm,
                        .tgid = wakee.tgid,
                        .vcpu = wakee.vcpu_id,
                        .by_vcpu = id_of_waker(book, wakee, pair.by_vcpu_id),
                        .pad = 0};
    auto& row = rows[{key.kvm, key.tgid, key.vcpu, key.by_vcpu}];
    row.key = key;
    row.value.count += value.count;
    row.value.ns += value.ns;
  }
  std::vector<WakerReading> wakers;
  for (const auto& [key, row] : rows) wakers.push_back(row);
  return wakers;
}

void add(nested_record& sum, const nested_record& more) {
  if (more.last_ns >= sum.last_ns) sum.root = more.root;
  if (sum.first_ns == 0 || more.first_ns < sum.first_ns) {
    sum.first_ns = more.first_ns;
    sum.first_root = more.first_root;
  }
  sum.last_ns = std::max(sum.last_ns, more.last_ns);
  sum.l0_ns += more.l0_ns;
  sum.l1_ns += more.l1_ns;
  sum.l2_ns += more.l2_ns;
  sum.entries += more.entries;
  sum.deeper += more.deeper;
  for (uint32_t i = 0; i < FLOW_EXIT_CODES; i++) {
    sum.handled[i] += more.handled[i];
    sum.reflected[i] += more.reflected[i];
  }
}

// A hostile guest may enter one VMCB12 from two vCPUs.
std::vector<NestedReading> nested_of(ReplayBook& book) {
  std::map<std::tuple<uint64_t, uint32_t, uint64_t>, NestedReading> rows;
  for (const auto& [pair, record] : book.nested) {
    const vcpu_identity& id = identity_of(book, pair.vcpu);
    auto& row = rows[{id.kvm, id.tgid, pair.vmcb12}];
    row.key = {.kvm = id.kvm, .vmcb12 = pair.vmcb12, .tgid = id.tgid, .pad = 0};
    add(row.record, record);
  }
  std::vector<NestedReading> nested;
  for (const auto& [key, row] : rows) nested.push_back(row);
  return nested;
}

ReplayedVcpu replayed(ReplayBook& book, ReplayVcpu& vcpu) {
  const vcpu_identity& id = vcpu.slot.id;
  vcpu.timeline.close(vcpu.slot, std::min(book.last_ns, vcpu.stop_ns), vcpu.blamed, book.room);
  ReplayedVcpu result{.vm = {id.tgid, id.kvm},
                      .vcpu_id = id.vcpu_id,
                      .id_told = vcpu.id_told,
                      .tid = id.tid,
                      .intervals = {},
                      .samples = std::move(vcpu.samples),
                      .interrupts = std::move(vcpu.interrupts),
                      .nested = std::move(vcpu.nested_changes),
                      .halt_exit = halt_exit(book.vendor),
                      .left_out = vcpu.timeline.left_out() + vcpu.left_out};
  result.intervals = std::move(vcpu.timeline).take();
  return result;
}

ReplayCounts counts_of(const ReplayVcpu& vcpu, Vendor vendor) {
  ReplayCounts counts{.exits = {}, .preempted = {}, .given = vcpu.given};
  const vcpu_flow& flow = vcpu.slot.flow;
  for (uint32_t i = 0; i < FLOW_EXIT_CODES; i++)
    if (flow.exits[i].count != 0) counts.exits[folded_exit(vendor, i)] += flow.exits[i].count;
  std::copy(std::begin(flow.preempted), std::end(flow.preempted), counts.preempted.begin());
  return counts;
}

}  // namespace

void note_counts(ReplayBook& book) {
  // A window costs something even where there is no vCPU.
  const uint64_t takes = book.vcpus.size() + 1;
  if (takes > book.counts_room) {
    book.counts_left_out = true;
    return;
  }
  book.counts_room -= takes;
  auto& counts = book.counts.emplace_back();
  for (const auto& vcpu : book.vcpus) counts.push_back(counts_of(*vcpu, book.vendor));
}

ReplayResult replay_totals(ReplayBook book) {
  if (book.options.count_every_ns != 0) note_counts(book);
  ReplayResult result;
  result.anomalies = book.anomalies;
  result.vocabulary = book.vocabulary;
  result.events = book.events;
  result.first_ns = book.first_ns;
  result.last_ns = book.last_ns;
  Snapshot& snapshot = result.snapshot;
  snapshot.now_ns = book.last_ns;
  snapshot.host.vendor = book.vendor;
  snapshot.blames = blames_of(book);
  snapshot.wakers = wakers_of(book);
  snapshot.nested = nested_of(book);
  snapshot.exit_histograms = book.exit_histograms;
  snapshot.skews = book.skews;
  for (const auto& vcpu : book.vcpus) {
    result.vcpus.push_back(replayed(book, *vcpu));
    snapshot.slots.push_back({vcpu->number, vcpu->slot});
  }
  result.culprits = std::move(book.culprits);
  result.counts = std::move(book.counts);
  result.counts_left_out = book.counts_left_out;
  return result;
}

std::string_view replay_anomaly_text(ReplayAnomaly anomaly) {
  switch (anomaly) {
    case ReplayAnomaly::kUnknownVcpu:
      return "events of a vCPU that is not known";
    case ReplayAnomaly::kOutOfOrder:
      return "events out of order";
    case ReplayAnomaly::kImpossibleTime:
      return "events at an impossible time";
    case ReplayAnomaly::kImpossibleThread:
      return "events of an impossible thread";
    case ReplayAnomaly::kImpossibleCpu:
      return "events of an impossible CPU";
    case ReplayAnomaly::kImpossibleState:
      return "switches into an impossible state";
    case ReplayAnomaly::kProcessUntold:
      return "vCPUs whose process is not told";
    case ReplayAnomaly::kTooManyVcpus:
      return "events of more vCPUs than are followed";
    case ReplayAnomaly::kTooManyThreads:
      return "threads whose process was not kept";
    case ReplayAnomaly::kTooManyWaiters:
      return "waits for a CPU with too many others";
    case ReplayAnomaly::kTooManyBlames:
      return "waits with too many different culprits";
    case ReplayAnomaly::kTooManyWakers:
      return "wake-ups between too many vCPUs";
    case ReplayAnomaly::kTooManyNested:
      return "entries of too many nested vCPUs";
  }
  return "unknown";
}

}  // namespace vmflow
