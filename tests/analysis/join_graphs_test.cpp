// SPDX-License-Identifier: GPL-2.0-only
// Two hosts on paper: a client waits for a server on another host, whose clock is 5 s ahead, and
// that one for its disk.
#include "analysis/join_graphs.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "analysis/path_report.h"
#include "tests/analysis/drawn_graph.h"
#include "tests/analysis/drawn_packets.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kUs = 1000, kAhead = 5'000'000 * kUs, kRound = 10'000 * kUs;
constexpr uint32_t kRounds = 20;

/// One host. Units: microseconds of its own clock, from `ahead` on.
class DrawnJointHost {
 public:
  explicit DrawnJointHost(uint64_t ahead_ns) : ahead_ns_(ahead_ns) {}

  uint32_t worker(std::string_view name, WorkerKind kind, uint32_t tgid, uint32_t tid) {
    const auto place = drawn_.of(name, kind);
    drawn_.graph.workers[place].vm = {.tgid = tgid, .kvm = tgid};
    drawn_.graph.workers[place].tid = tid;
    return place;
  }
  void runs(std::string_view who, uint64_t from, uint64_t to, uint8_t level) {
    drawn_.runs(who, at(from), at(to), level);
  }
  void waits(std::string_view who, uint64_t from, uint64_t to, Doing what, std::string_view by = "",
             uint16_t cpu = kNoCpu) {
    drawn_.waits(who, at(from), at(to), what, by);
    drawn_.graph.chains[drawn_.of(who)].back().wake_cpu = cpu;
  }
  void sees(bool sent, uint64_t when, const TcpSegment& what, std::string_view device, uint32_t tid,
            uint32_t cpu) {
    packets.add(at(when), packet(sent, device, what), tid, cpu);
  }
  HostGraph joint(uint64_t from, uint64_t to) {
    drawn_.graph.begin_ns = at(from);
    drawn_.graph.end_ns = at(to);
    return {.graph = drawn_.graph, .packets = packets};
  }
  PacketBook packets;

 private:
  uint64_t at(uint64_t us) const { return ahead_ns_ + us * kUs; }
  uint64_t ahead_ns_;
  DrawnGraph drawn_;
};

/// What is drawn otherwise than it is by default.
struct Otherwise {
  uint32_t softirq_of = 77;     ///< in whose time the client's host gets packets
  uint64_t earlier_us = 0;      ///< are the answer's packets than whoever waits for them wakes
  bool is_sent_twice = false;   ///< every other answer of the server
  uint32_t other_tap_each = 0;  ///< of so many answers one goes to another tap
};

class TwoHosts {
 public:
  explicit TwoHosts(const Otherwise& otherwise = {}) : otherwise_(otherwise) {
    here.worker("client", WorkerKind::kVcpu, 100, 101);
    here.worker("vhost-100", WorkerKind::kVhost, 100, 110);
    here.worker("backup", WorkerKind::kHostTask, 0, 77);
    there.worker("server", WorkerKind::kVcpu, 100, 101);
    there.worker("vhost-200", WorkerKind::kVhost, 100, 110);
    there.worker("IO disk0", WorkerKind::kVmm, 100, 120);
    for (uint32_t i = 1; i <= kRounds; i++) draw(i, i * kRound / kUs);
  }

  JoinedGraph joined() {
    std::vector<HostGraph> hosts{here.joint(kRound / kUs, end_us()),
                                 there.joint(kRound / kUs, end_us())};
    std::vector<HostMatch> matches{{0, 1, match_packets(hosts[0].packets, hosts[1].packets)}};
    std::vector<HostPair> pairs{align_hosts(matches[0].match, {kRound, end_us() * kUs})};
    pairs[0].first = 0;
    pairs[0].second = 1;
    clocks = chain_clocks(2, pairs);
    return join_graphs(std::move(hosts), clocks, matches);
  }
  static uint64_t end_us() { return (kRounds + 1) * kRound / kUs; }

  DrawnJointHost here{0}, there{kAhead};
  std::vector<HostClock> clocks;

 private:
  // Times in microseconds of the client's host.
  void draw(uint32_t i, uint64_t t) {
    const auto ask = segment(1, 2, i * 10, 10), answer = segment(2, 1, i * 10, 10);
    here.runs("client", t, t + 100, 1);
    here.waits("client", t + 100, t + 9690, Doing::kNet, "vhost-100");
    here.runs("client", t + 9690, t + 10'000, 1);
    here.runs("vhost-100", t + 100, t + 150, 0);
    here.sees(false, t + 110, ask, "tap1", 110, 0);
    here.sees(true, t + 120, ask, "eth0", 110, 0);

    // From the wire in an interrupt of an idle CPU.
    there.sees(false, t + 220, ask, "eth0", 0, 3);
    there.sees(true, t + 230, ask, "tap2", 0, 3);
    there.waits("vhost-200", i == 1 ? t : t - 440, t + 235, Doing::kUnknown, "", 3);
    there.runs("vhost-200", t + 235, t + 280, 0);
    there.waits("server", i == 1 ? t : t - 500, t + 270, Doing::kNet, "vhost-200");
    there.runs("server", t + 270, t + 400, 1);
    there.waits("server", t + 400, t + 9400, Doing::kDisk, "IO disk0");
    there.waits("IO disk0", i == 1 ? t : t - 600, t + 400, Doing::kTask, "server", 2);
    there.runs("IO disk0", t + 400, t + 410, 0);
    there.waits("IO disk0", t + 410, t + 9390, Doing::kUnknown, "", 2);
    there.runs("IO disk0", t + 9390, t + 9400, 0);
    there.runs("server", t + 9400, t + 9500, 1);
    there.waits("vhost-200", t + 280, t + 9500, Doing::kTask, "server", 2);
    there.runs("vhost-200", t + 9500, t + 9560, 0);
    const uint64_t earlier = otherwise_.earlier_us;
    there.sees(false, t + 9520 - earlier, answer, "tap2", 110, 2);
    there.sees(true, t + 9530 - earlier, answer, "eth0", 110, 2);
    if (otherwise_.is_sent_twice && i % 2 == 0) there.sees(true, t + 9540, answer, "eth0", 110, 2);

    // A soft interrupt, on top of whoever runs, whom the scheduler takes for the waker.
    here.sees(false, t + 9630 - earlier, answer, "eth0", otherwise_.softirq_of, 1);
    const bool is_other = otherwise_.other_tap_each != 0 && i % otherwise_.other_tap_each == 0;
    here.sees(true, t + 9640 - earlier, answer, is_other ? "tap9" : "tap1", otherwise_.softirq_of,
              1);
    here.waits("vhost-100", t + 150, t + 9645, Doing::kTask, "backup", 1);
    here.runs("vhost-100", t + 9645, t + 9700, 0);
    here.waits("vhost-100", t + 9700, t + 10'100, Doing::kTask, "client", 0);
  }

  Otherwise otherwise_;
};

/// The sum of what a worker did on a path. Units: nanoseconds.
uint64_t on_path(const CriticalPath& path, const ExecutionGraph& graph, std::string_view who,
                 Doing what) {
  uint64_t ns = 0;
  for (const auto& part : path.parts)
    if (name_in(graph, part.worker) == who && part.doing == what) ns += part.ns;
  return ns;
}

}  // namespace

TEST(JoinGraphs, path_goes_to_the_disk_of_a_server_on_another_host_and_back) {
  TwoHosts hosts;
  const auto joined = hosts.joined();
  EXPECT_EQ(joined.crossings, 2 * kRounds);
  const auto& graph = joined.graph;
  ASSERT_EQ(joined.windows.size(), 2u);
  const auto path = critical_path(graph, 0, joined.windows[0].begin_ns, joined.windows[0].end_ns);
  expect_conserved(path, graph);
  // The clocks are known to what a packet takes; what it took is the wire's, on either side.
  const double off = static_cast<double>(hosts.clocks[1].accuracy_ns);
  EXPECT_LE(off, 110'000);
  const auto each = [&](std::string_view who, Doing what) {
    return static_cast<double>(on_path(path, graph, who, what)) / kRounds;
  };
  // One at a time: while vhost-200 goes to sleep the path is with it, not with the server that it
  // has woken. vhost-100 had sent before it slept: of the wire there, what is left of it then.
  EXPECT_NEAR(each("IO disk0", Doing::kDisk), 8'980e3, 1e3);
  EXPECT_NEAR(each("server", Doing::kRunning), 220e3, 1e3);
  EXPECT_NEAR(each("vhost-200", Doing::kRunning), 75e3, off);
  EXPECT_NEAR(each("client", Doing::kRunning), 410e3, 1);
  EXPECT_NEAR(each("vhost-100", Doing::kNet) + each("vhost-200", Doing::kNet), 200e3, 1e3);
  EXPECT_EQ(graph.workers[path.parts[0].worker].host, 1u);
  EXPECT_EQ(path.not_followed, 0u);
  // Who waits on one host was woken when the other one sent, by the client's clock.
  const uint32_t vhosts[] = {1, 4};
  for (uint32_t host = 0; host < 2; host++)
    for (const auto& wait : graph.chains[vhosts[host]])
      if (wait.by == vhosts[1 - host]) {
        EXPECT_EQ(wait.doing, Doing::kNet);
        EXPECT_LT(wait.wake_ns, joined.windows[0].end_ns);
        EXPECT_NEAR(static_cast<double>(wait.wake_ns % kRound), host == 0 ? 9530e3 : 120e3,
                    off + 1);
      }
  // Its disk's wait lies where it was by the client's clock.
  for (const auto& stretch : path.stretches)
    if (stretch.doing == Doing::kDisk) {
      EXPECT_NEAR(static_cast<double>(stretch.begin_ns % kRound), 410e3, off + 1);
    }
}

TEST(JoinGraphs, names_have_their_host_where_there_are_several) {
  TwoHosts hosts;
  const auto joined = hosts.joined();
  const auto names = joined_names({{.vms = {{{0, 100}, {"uuid-1", "web", "web"}}}},
                                   {.vms = {{{0, 100}, {"uuid-2", "db", "db"}}}}},
                                  {"rack-1", "rack-2"});
  const auto report = report_path(joined.graph, 0, names);
  EXPECT_EQ(report.workers[0].name, "vCPU 0 of web on rack-1");
  EXPECT_NE(report.sentence.find("for db on rack-2's disk"), std::string::npos) << report.sentence;
  EXPECT_EQ(find_worker(joined.graph, names, "db/vcpu0"), 3u);
  EXPECT_EQ(find_worker(joined.graph, names, "web/vcpu0"), 0u);
  EXPECT_EQ(find_worker(joined.graph, names, "db on rack-2/vcpu0"), 3u);
}

TEST(JoinGraphs, a_wake_up_that_is_no_packets_is_not_taken_for_one) {
  // The scheduler names a waker in whose time no packet was handled: only the server's side links.
  EXPECT_EQ(TwoHosts({.softirq_of = 78}).joined().crossings, kRounds);
  // The last packet before was two milliseconds ago.
  EXPECT_EQ(TwoHosts({.earlier_us = 2000}).joined().crossings, kRounds);
}

TEST(JoinGraphs, only_the_device_that_wakes_it_most_is_taken_for_a_threads_own) {
  EXPECT_EQ(TwoHosts({.other_tap_each = 4}).joined().crossings, 2 * kRounds - kRounds / 4);
}

TEST(JoinGraphs, a_packet_that_was_sent_again_links_nothing_and_loops_nowhere) {
  TwoHosts hosts({.is_sent_twice = true});
  const auto joined = hosts.joined();
  EXPECT_EQ(joined.crossings, kRounds + kRounds / 2);
  const auto path =
      critical_path(joined.graph, 0, joined.windows[0].begin_ns, joined.windows[0].end_ns);
  expect_conserved(path, joined.graph);
}

TEST(JoinGraphs, hosts_without_a_common_clock_are_not_joined) {
  TwoHosts hosts;
  std::vector<HostGraph> graphs{hosts.here.joint(0, 1), hosts.there.joint(0, 1)};
  std::vector<HostMatch> matches{{0, 1, match_packets(graphs[0].packets, graphs[1].packets)}};
  std::vector<HostClock> clocks(2);
  clocks[0].quality = AlignmentQuality::kAccurate;
  const auto absent = join_graphs(graphs, clocks, matches);
  EXPECT_EQ(absent.crossings, 0u);
  EXPECT_EQ(absent.graph.workers.size(), 3u);
  EXPECT_EQ(absent.windows[1].end_ns, 0u);
  clocks[1].quality = AlignmentQuality::kApproximate;
  clocks[1].map = {.base_ns = 0, .offset_ns = static_cast<int64_t>(kAhead), .drift = 0};
  const auto approximate = join_graphs(graphs, clocks, matches);
  EXPECT_EQ(approximate.crossings, 0u);
  EXPECT_EQ(approximate.graph.workers.size(), 6u);
  EXPECT_EQ(approximate.windows[1].end_ns, kUs);
}

TEST(JoinGraphs, what_was_received_before_it_was_sent_is_not_linked) {
  TwoHosts hosts;
  std::vector<HostGraph> graphs{hosts.here.joint(0, 1), hosts.there.joint(0, 1)};
  std::vector<HostMatch> matches{{0, 1, match_packets(graphs[0].packets, graphs[1].packets)}};
  // A clock that is a millisecond off: all answers are sent too late by it.
  std::vector<HostClock> clocks(2);
  clocks[1].quality = AlignmentQuality::kAccurate;
  clocks[1].map.offset_ns = static_cast<int64_t>(kAhead - 1000 * kUs);
  EXPECT_EQ(join_graphs(graphs, clocks, matches).crossings, kRounds);
  clocks[1].accuracy_ns = 1000 * kUs;
  EXPECT_EQ(join_graphs(graphs, clocks, matches).crossings, 2 * kRounds);
}

// Whatever packets claim: no crossing, or one that a path gets over.
TEST(JoinGraphs, of_hostile_packets_is_conserved) {
  TwoHosts hosts;
  for (uint32_t i = 0; i < 2000; i++) {
    const auto what = segment(1 + i % 2, 2 - i % 2, i % 37, i % 11);
    hosts.here.sees(i % 3 == 0, i * 37 % 200'000, what, i % 5 == 0 ? "tap1" : "eth0", i % 130,
                    i % 4);
    hosts.there.sees(i % 3 == 1, i * 41 % 200'000, what, i % 5 == 0 ? "tap2" : "eth0", i % 130,
                     i % 4);
  }
  const auto joined = hosts.joined();
  for (uint32_t worker = 0; worker < joined.graph.workers.size(); worker++)
    expect_conserved(
        critical_path(joined.graph, worker, joined.windows[0].begin_ns, joined.windows[0].end_ns),
        joined.graph);
}

}  // namespace vmflow::test
