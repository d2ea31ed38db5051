// SPDX-License-Identifier: GPL-2.0-only
// Label lab: packets of VMs, against the statistics of the tap and delays that are known.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "figure.h"
#include "guest.h"
#include "shared_agent.h"
#include "tap_host.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

void sleep_ms(int ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

double statistic(const char* name) {
  std::ifstream file(fmt::format("/sys/class/net/{}/statistics/{}", kTap, name));
  double value = -1;
  file >> value;
  return value;
}

struct NetSums {
  double received, received_bytes, sent, sent_bytes, waited, waiting, dropped, pending, halted,
      net_interrupts;
};

NetSums net_of(const Guest& guest) {
  const auto page = agent().scrape();
  const std::string vm = page.vm_of(guest.pid());
  const Labels in{{"vm", vm}, {"direction", "receive"}}, out{{"vm", vm}, {"direction", "transmit"}};
  return {page.sum("vmflow_vm_net_packets_total", in),
          page.sum("vmflow_vm_net_bytes_total", in),
          page.sum("vmflow_vm_net_packets_total", out),
          page.sum("vmflow_vm_net_bytes_total", out),
          page.sum("vmflow_vm_net_wait_seconds_total", {{"vm", vm}}),
          page.sum("vmflow_vm_net_packets_waiting", {{"vm", vm}}),
          page.sum("vmflow_vm_net_drops_total", {{"vm", vm}}),
          page.sum("vmflow_vm_halted_io_pending_seconds_total", {{"vm", vm}, {"kind", "net"}}),
          times_of(page, vm).state.at("halted"),
          page.sum("vmflow_vm_interrupts_total", {{"vm", vm}, {"class", "net"}})};
}

/// More interrupts than packets: the guest stays until the test lets it go.
std::vector<std::string> card(std::vector<std::string> more) {
  std::vector<std::string> arguments{"irq", "--count", "100000", "--tap", kTap};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

void expect_equal_to_statistics(const Guest& guest) {
  const auto sums = net_of(guest);
  figure("receive {:.0f} packets, {:.0f} bytes; the tap says {:.0f}, {:.0f}", sums.received,
         sums.received_bytes, statistic("tx_packets"), statistic("tx_bytes"));
  figure("transmit {:.0f} packets, {:.0f} bytes; the tap says {:.0f}, {:.0f}", sums.sent,
         sums.sent_bytes, statistic("rx_packets"), statistic("rx_bytes"));
  EXPECT_EQ(sums.received, statistic("tx_packets"));
  EXPECT_EQ(sums.received_bytes, statistic("tx_bytes"));
  EXPECT_EQ(sums.sent, statistic("rx_packets"));
  EXPECT_EQ(sums.sent_bytes, statistic("rx_bytes"));
  EXPECT_EQ(sums.waiting, 0);
}

class NetFlow : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_EQ(run({"modprobe", "-a", "tun", "vhost_net"}).status, 0); }
};

}  // namespace

TEST_F(NetFlow, is_what_the_tap_says_it_is) {
  const Guest guest(card({"--echo"}));
  const TapHost host;
  host.send(100, 5);
  sleep_ms(100);
  expect_equal_to_statistics(guest);
}

TEST_F(NetFlow, over_vhost_is_what_the_tap_says_it_is) {
  const Guest guest(card({"--echo", "--vhost"}));
  const TapHost host;
  host.send(100, 5);
  sleep_ms(100);
  expect_equal_to_statistics(guest);
  const auto sums = net_of(guest);
  figure("{:.0f} interrupts of class net", sums.net_interrupts);
  EXPECT_NEAR(sums.net_interrupts, sums.received, 0.05 * sums.received);
}

TEST_F(NetFlow, waits_in_the_tap_as_long_as_its_reader_lets_it) {
  const Guest guest(card({"--read-delay-us", "10000"}));
  const TapHost host;
  host.send(5, 30);
  sleep_ms(100);
  const auto before = net_of(guest);
  host.send(60, 30);
  sleep_ms(100);
  const auto after = net_of(guest);
  const double waited = (after.waited - before.waited) / 60,
               pending = after.pending - before.pending;
  figure("60 packets waited {:.2f} ms each; halted {:.3f} s, of it {:.3f} s with one waiting",
         1e3 * waited, after.halted - before.halted, pending);
  EXPECT_NEAR(waited, 0.010, 0.001);
  EXPECT_NEAR(pending, 60 * 0.010, 0.1 * 60 * 0.010);
}

TEST_F(NetFlow, what_a_stopped_vm_does_not_read_waits_and_then_is_dropped) {
  const Guest guest(card({}));
  const TapHost host;
  host.send(3, 20);
  ASSERT_EQ(run({"ip", "link", "set", kTap, "txqueuelen", "20"}).status, 0);
  kill(guest.pid(), SIGSTOP);
  sleep_ms(200);
  const double drops = statistic("tx_dropped");
  const auto before = net_of(guest);
  host.send(30, 1);
  sleep_ms(500);
  const auto stopped = net_of(guest);
  figure("{:.0f} wait; {:.0f} dropped, the tap says {:.0f}", stopped.waiting,
         stopped.dropped - before.dropped, statistic("tx_dropped") - drops);
  EXPECT_EQ(stopped.dropped - before.dropped, statistic("tx_dropped") - drops);
  EXPECT_EQ(stopped.waiting + stopped.dropped - before.dropped, 30);
  EXPECT_GT(stopped.dropped, before.dropped);
  kill(guest.pid(), SIGCONT);
  sleep_ms(300);
  const auto after = net_of(guest);
  figure("waited {:.3f} s in all", after.waited - before.waited);
  EXPECT_EQ(after.waiting, 0);
  EXPECT_GT(after.waited - before.waited, 0.5 * stopped.waiting);
}

TEST_F(NetFlow, waits_no_longer_in_a_tap_that_is_taken_away) {
  const Guest guest(card({}));
  const TapHost host;
  host.send(3, 20);
  kill(guest.pid(), SIGSTOP);
  sleep_ms(200);
  host.send(5, 1);
  EXPECT_EQ(net_of(guest).waiting, 5);
  ASSERT_EQ(run({"ip", "link", "del", kTap}).status, 0);
  EXPECT_EQ(net_of(guest).waiting, 0);
}

TEST_F(NetFlow, of_a_vm_without_a_tap_is_absent) {
  Guest guest({"hlt", "--count", "50", "--period-us", "2000"});
  guest.truth();
  const auto page = agent().scrape();
  EXPECT_FALSE(page.has("vmflow_vm_net_packets_total", {{"vm", page.vm_of(guest.pid())}}));
}

}  // namespace vmflow::lab
