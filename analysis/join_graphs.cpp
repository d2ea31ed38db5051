// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/join_graphs.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace vmflow {
namespace {

// From a packet that is put into a queue until its reader is woken: a CPU that is emulated, or that
// its own hypervisor takes away, stands still in between.
constexpr uint64_t kSoonNs = 1'000'000;

using Header = std::tuple<uint32_t, uint32_t, uint32_t, uint32_t, uint16_t>;

/// What a host that forwards a packet leaves as it is.
Header header_of(const SeenPacket& packet) {
  return {packet.flow, packet.sequence, packet.acknowledgement, packet.payload_bytes,
          packet.offset_flags};
}

/// One packet that came from another host. Units: the receiving host's clock.
struct Arrival {
  Header header;
  uint64_t received_ns = 0;
  uint64_t sent_ns = 0;
  uint32_t from = 0;  ///< the host
  uint32_t tid = 0;   ///< in whose time it was sent
};

/// A sleep of a thread that a packet has ended.
struct WokenBy {
  uint32_t worker = 0;
  uint32_t stretch = 0;
  uint32_t packet = 0;  ///< in the host's book
};

/// A wait whose waker is on another host. Units: the waiting host's clock.
struct Crossing {
  uint32_t worker = 0;
  uint32_t stretch = 0;
  uint64_t sent_ns = 0;
  uint32_t from = 0;
  uint32_t tid = 0;
};

class Arrivals {
 public:
  Arrivals(const std::vector<HostGraph>& hosts, std::span<const HostClock> clocks, uint32_t host)
      : hosts_(hosts), clocks_(clocks), host_(host) {}

  void add(const HostMatch& two) {
    if (two.first != host_ && two.second != host_) return;
    const uint32_t from = two.first == host_ ? two.second : two.first;
    if (!is_accurate(from) || !is_accurate(host_)) return;
    for (const auto& link : two.match.links)
      for (const auto& pair : two.first == host_ ? link.b_to_a : link.a_to_b) add(pair, from);
  }

  void sort() {
    std::ranges::sort(all_, {}, [](const Arrival& arrival) {
      return std::tuple(arrival.header, arrival.received_ns, arrival.sent_ns);
    });
  }

  /// The last one with this header that had been received by then; null: there is none.
  const Arrival* before(const Header& header, uint64_t ns) const {
    const auto after = std::ranges::upper_bound(
        all_, std::pair(header, ns), {},
        [](const Arrival& arrival) { return std::pair(arrival.header, arrival.received_ns); });
    if (after == all_.begin() || std::prev(after)->header != header) return nullptr;
    return &*std::prev(after);
  }

 private:
  bool is_accurate(uint32_t host) const {
    return host == 0 || clocks_[host].quality == AlignmentQuality::kAccurate;
  }

  // The two devices of a pair may be no wire: see packet_match.h.
  void add(const PacketPair& pair, uint32_t from) {
    const auto& sent = hosts_[from].packets.packets()[pair.sent];
    const auto& received = hosts_[host_].packets.packets()[pair.received];
    const uint64_t sent_ns = clocks_[host_].map.to_b(clocks_[from].map.to_a(sent.ns));
    const uint64_t off_by_ns = clocks_[host_].accuracy_ns + clocks_[from].accuracy_ns;
    if (sent.tid == 0 || sent_ns > received.ns + off_by_ns) return;
    all_.push_back({header_of(received), received.ns, sent_ns, from, sent.tid});
  }

  const std::vector<HostGraph>& hosts_;
  std::span<const HostClock> clocks_;
  const uint32_t host_;
  std::vector<Arrival> all_;
};

/// Which packets have woken the threads that work for the VMs of a host.
class PacketWakes {
 public:
  explicit PacketWakes(const HostGraph& host) : host_(host) {
    const auto& packets = host.packets.packets();
    for (uint32_t i = 0; i < packets.size(); i++)
      if (packets[i].cpu != kNoCpu) by_cpu_[packets[i].cpu].push_back(i);
    for (auto& [cpu, places] : by_cpu_)
      std::ranges::stable_sort(places, {}, [&](uint32_t i) { return packets[i].ns; });
  }

  std::vector<WokenBy> find() const {
    std::vector<WokenBy> all;
    for (uint32_t worker = 0; worker < host_.graph.workers.size(); worker++) {
      const auto kind = host_.graph.workers[worker].kind;
      if (kind == WorkerKind::kVhost || kind == WorkerKind::kVmm) add(worker, all);
    }
    return all;
  }

 private:
  /// Those at the device that has woken it most often.
  void add(uint32_t worker, std::vector<WokenBy>& all) const {
    std::vector<WokenBy> found;
    std::map<uint16_t, uint64_t> votes;
    const auto& chain = host_.graph.chains[worker];
    for (uint32_t i = 0; i < chain.size(); i++)
      if (const auto packet = waker(chain[i])) {
        found.push_back({worker, i, *packet});
        votes[device_of(*packet)]++;
      }
    const auto most = std::ranges::max_element(
        votes, {}, [](const auto& device_and_votes) { return device_and_votes.second; });
    for (const auto& one : found)
      if (device_of(one.packet) == most->first) all.push_back(one);
  }

  uint16_t device_of(uint32_t packet) const { return host_.packets.packets()[packet].device; }

  std::optional<uint32_t> waker(const WorkStretch& wait) const {
    const auto places = by_cpu_.find(wait.wake_cpu);
    if (!is_blocked(wait.doing) || places == by_cpu_.end()) return std::nullopt;
    const auto& packets = host_.packets.packets();
    const auto after = std::ranges::upper_bound(places->second, wait.end_ns, {},
                                                [&](uint32_t i) { return packets[i].ns; });
    if (after == places->second.begin()) return std::nullopt;
    const auto& last = packets[*std::prev(after)];
    if (last.ns < wait.begin_ns || wait.end_ns - last.ns > kSoonNs) return std::nullopt;
    const bool is_of_waker = wait.by == kNoWorker || host_.graph.workers[wait.by].tid == last.tid;
    return is_of_waker ? std::optional(*std::prev(after)) : std::nullopt;
  }

  const HostGraph& host_;
  std::map<uint16_t, std::vector<uint32_t>> by_cpu_;  ///< places in the book, by time
};

std::vector<Crossing> crossings_to(const std::vector<HostGraph>& hosts,
                                   std::span<const HostClock> clocks,
                                   std::span<const HostMatch> matches, uint32_t host) {
  Arrivals arrivals(hosts, clocks, host);
  for (const auto& match : matches) arrivals.add(match);
  arrivals.sort();
  std::vector<Crossing> all;
  for (const auto& woken : PacketWakes(hosts[host]).find()) {
    const auto& packet = hosts[host].packets.packets()[woken.packet];
    if (const auto* arrival = arrivals.before(header_of(packet), packet.ns))
      all.push_back({woken.worker, woken.stretch, arrival->sent_ns, arrival->from, arrival->tid});
  }
  return all;
}

void move_times(ExecutionGraph& graph, const ClockMap& map) {
  const auto move = [&](uint64_t& ns) { ns = map.to_a(ns); };
  for (auto& chain : graph.chains)
    for (auto& stretch : chain) {
      move(stretch.begin_ns);
      move(stretch.end_ns);
      move(stretch.wake_ns);
    }
  move(graph.begin_ns);
  move(graph.end_ns);
}

/// Places in the joined graph, of one host's workers.
struct HostPlaces {
  uint32_t first = 0;
  std::unordered_map<uint32_t, uint32_t> by_tid;
};

HostPlaces places_of(const ExecutionGraph& graph, uint32_t first) {
  HostPlaces places{.first = first, .by_tid = {}};
  for (uint32_t i = 0; i < graph.workers.size(); i++)
    if (graph.workers[i].tid != 0) places.by_tid.try_emplace(graph.workers[i].tid, first + i);
  return places;
}

}  // namespace

JoinedGraph joined_graph(ExecutionGraph graph) {
  const ClockSpan window{graph.begin_ns, graph.end_ns};
  return {.graph = std::move(graph), .windows = {window}};
}

JoinedGraph join_graphs(std::vector<HostGraph> hosts, std::span<const HostClock> clocks,
                        std::span<const HostMatch> matches) {
  std::vector<std::vector<Crossing>> crossings;
  for (uint32_t host = 0; host < hosts.size(); host++)
    crossings.push_back(crossings_to(hosts, clocks, matches, host));
  JoinedGraph joined;
  std::vector<HostPlaces> places;
  for (uint32_t host = 0; host < hosts.size(); host++) {
    auto& graph = hosts[host].graph;
    places.push_back(places_of(graph, static_cast<uint32_t>(joined.graph.workers.size())));
    joined.windows.emplace_back();
    if (host > 0 && clocks[host].quality == AlignmentQuality::kAbsent) continue;
    if (host > 0) move_times(graph, clocks[host].map);
    joined.windows.back() = {graph.begin_ns, graph.end_ns};
    if (host == 0)
      joined.graph = std::move(graph);
    else
      add_host(joined.graph, std::move(graph), host);
  }
  for (uint32_t host = 0; host < hosts.size(); host++)
    for (const auto& crossing : crossings[host]) {
      const auto sender = places[crossing.from].by_tid.find(crossing.tid);
      if (sender == places[crossing.from].by_tid.end()) continue;
      auto& wait = joined.graph.chains[places[host].first + crossing.worker][crossing.stretch];
      wait.by = sender->second;
      wait.wake_ns = host == 0 ? crossing.sent_ns : clocks[host].map.to_a(crossing.sent_ns);
      wait.doing = Doing::kNet;
      joined.crossings++;
    }
  return joined;
}

}  // namespace vmflow
