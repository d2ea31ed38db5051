// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with --lttng: the recorder's events under what only a real VMM and guest do: MMIO,
// interrupts by pin, disks.
#include "linux_guest.h"
#include "lttng_recorder.h"

namespace vmflow::lab {

TEST(LinuxLttng, proven_events_are_safe_under_a_linux_guest) {
  LttngDaemon daemon;
  const Folder folder("saved");
  ASSERT_EQ(
      run({"modprobe", "null_blk", "nr_devices=1", "irqmode=2", "completion_nsec=2000000"}).status,
      0);
  auto options = lab::options();
  options.first_bytes_per_cpu = 64 << 20;
  Recorder recorder(options);
  recorder.record();
  {
    LinuxGuest guest({.work = "disk,count=200",
                      .qemu = {"-drive", "file=/dev/nullb0,format=raw,if=none,id=disk,cache=none",
                               "-device", "virtio-blk-pci,drive=disk"}});
    EXPECT_EQ(guest.truth().at("reads"), 200);
    guest.stop();
  }
  const auto saved = recorder->snapshot(folder.path(), {});
  ASSERT_TRUE(saved) << saved.error().message;
  figure("{} KiB, {:.1f} s, {} events and {} packets lost", saved->bytes >> 10, seconds_of(*saved),
         saved->lost_events, saved->lost_packets);
  const auto counts = count_names(events_of(folder.path()));
  for (const auto& event : lttng_events())
    figure("{:<36} {}", event.name, counts.contains(event.name) ? counts.at(event.name) : 0);
  for (const auto* name : {"kvm_set_irq", "kvm_msi_set_irq", "block_rq_issue", "block_rq_complete"})
    EXPECT_TRUE(counts.contains(name)) << name;
}

}  // namespace vmflow::lab
