// SPDX-License-Identifier: GPL-2.0-only
// Names from a libvirt that the tests make up, which hangs, dies and lies.
#include "agent/sources/libvirt_names.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace vmflow::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

const std::string kWeb = "5bf1a2ab-5f8d-4ba6-9d2c-d37a30fe1b20";
const std::string kDb = "6bf1a2ab-5f8d-4ba6-9d2c-d37a30fe1b20";
constexpr LibvirtTimes kQuick{.interval = 20ms, .deadline = 200ms, .most_pause = 40ms};

void tell(FrameWriter& out, const std::string& uuid, const std::string& title) {
  out.send(FrameKind::kProgress, uuid);
  out.send(FrameKind::kEvents, domain_bytes({uuid, "vm", {.title = title}}));
}

[[noreturn]] void hang() {
  for (;;) pause();
}

/// What libvirt calls a VM whose QEMU has `uuid`.
std::string title_of(const LibvirtNames& names, const std::string& uuid) {
  std::map<VmKey, VmIdentity> identities;
  auto& identity = identities[{100, 1}];
  identity.vmm = "qemu";
  identity.name = "vm";
  identity.uuid = uuid;
  names.add_to(identities);
  return identity.names.title;
}

template <typename Condition>
bool comes(Condition condition) {
  for (const auto limit = Clock::now() + 20s; Clock::now() < limit; usleep(2000))
    if (condition()) return true;
  return false;
}

uint64_t errors(const LibvirtNames& names, LibvirtError kind) {
  const auto flow = names.flow();
  return flow ? flow->errors[static_cast<size_t>(kind)] : 0;
}

/// A file that all processes of a reader see.
class Switch {
 public:
  void turn(bool on) const {
    on ? void(close(creat(path_.c_str(), 0600))) : void(unlink(path_.c_str()));
  }
  bool is_on() const { return access(path_.c_str(), F_OK) == 0; }
  ~Switch() { unlink(path_.c_str()); }

 private:
  std::string path_ = testing::TempDir() + "switch" + std::to_string(getpid());
};

TEST(LibvirtNames, tells_what_was_answered_last) {
  const Switch renamed;
  LibvirtNames names(
      [&](const auto&, FrameWriter& out) {
        for (;;) {
          tell(out, kWeb, renamed.is_on() ? "new" : "old");
          out.send(FrameKind::kDone, uuids_bytes({kWeb}));
          usleep(20000);
        }
      },
      [] { return true; }, kQuick);
  EXPECT_TRUE(comes([&] { return title_of(names, kWeb) == "old"; }));
  EXPECT_EQ(title_of(names, kDb), "");
  renamed.turn(true);
  EXPECT_TRUE(comes([&] { return title_of(names, kWeb) == "new"; }));
  const auto flow = names.flow();
  ASSERT_TRUE(flow);
  EXPECT_TRUE(flow->success);
  EXPECT_EQ(flow->domains, 1u);
  EXPECT_LT(flow->age_seconds, 5.0);
}

TEST(LibvirtNames, a_domain_that_is_gone_is_forgotten) {
  const Switch gone;
  LibvirtNames names(
      [&](const auto&, FrameWriter& out) {
        tell(out, kWeb, "web");
        tell(out, kDb, "db");
        out.send(FrameKind::kDone, uuids_bytes({kWeb, kDb}));
        while (!gone.is_on()) usleep(1000);
        out.send(FrameKind::kDone, uuids_bytes({kDb}));
        hang();
      },
      [] { return true; }, kQuick);
  EXPECT_TRUE(comes([&] { return title_of(names, kWeb) == "web"; }));
  gone.turn(true);
  EXPECT_TRUE(comes([&] { return title_of(names, kWeb).empty(); }));
  EXPECT_EQ(title_of(names, kDb), "db");
}

TEST(LibvirtNames, one_that_hangs_costs_freshness_alone) {
  const Switch frozen;
  LibvirtNames names(
      [&](const auto&, FrameWriter& out) {
        for (;;) {
          out.send(FrameKind::kProgress, "");
          if (frozen.is_on()) hang();
          tell(out, kWeb, "web");
          out.send(FrameKind::kDone, uuids_bytes({kWeb}));
          usleep(20000);
        }
      },
      [] { return true; }, kQuick);
  ASSERT_TRUE(comes([&] { return title_of(names, kWeb) == "web"; }));
  frozen.turn(true);
  ASSERT_TRUE(comes([&] { return errors(names, LibvirtError::kNoAnswer) >= 2; }));
  EXPECT_FALSE(names.flow()->success);
  EXPECT_GT(names.flow()->age_seconds, 0.3);
  const auto began = Clock::now();
  EXPECT_EQ(title_of(names, kWeb), "web");
  EXPECT_LT(Clock::now() - began, 100ms);
  frozen.turn(false);
  EXPECT_TRUE(comes([&] { return names.flow()->success && names.flow()->age_seconds < 0.3; }));
}

TEST(LibvirtNames, one_domain_that_hangs_does_not_hide_the_others) {
  LibvirtNames names(
      [&](const std::set<std::string>& ask_last, FrameWriter& out) {
        for (const auto& uuid :
             ask_last.contains(kWeb) ? std::vector{kDb, kWeb} : std::vector{kWeb, kDb}) {
          out.send(FrameKind::kProgress, uuid);
          if (uuid == kWeb) hang();
          tell(out, uuid, "db");
        }
      },
      [] { return true; }, kQuick);
  EXPECT_TRUE(comes([&] { return title_of(names, kDb) == "db"; }));
  EXPECT_EQ(names.flow()->age_seconds, std::nullopt);
}

TEST(LibvirtNames, every_failure_has_a_reason) {
  const auto counted = [](LibvirtError kind, const DomainReader& reader) {
    LibvirtNames names(
        reader, [] { return true; }, kQuick);
    return comes([&] { return errors(names, kind) >= 2 && !names.flow()->success; });
  };
  const auto told = [](LibvirtError kind) {
    return [kind](const auto&, FrameWriter& out) {
      out.send(FrameKind::kError, failure_bytes({kind, "no\nway"}));
    };
  };
  EXPECT_TRUE(counted(LibvirtError::kLibrary, told(LibvirtError::kLibrary)));
  EXPECT_TRUE(counted(LibvirtError::kConnect, told(LibvirtError::kConnect)));
  EXPECT_TRUE(counted(LibvirtError::kCall, told(LibvirtError::kCall)));
  EXPECT_TRUE(counted(LibvirtError::kNoAnswer, [](const auto&, FrameWriter&) { hang(); }));
  EXPECT_TRUE(counted(LibvirtError::kNoAnswer, [](const auto&, FrameWriter&) { raise(SIGSTOP); }));
  EXPECT_TRUE(counted(LibvirtError::kDied, [](const auto&, FrameWriter&) { raise(SIGKILL); }));
  EXPECT_TRUE(counted(LibvirtError::kDied, [](const auto&, FrameWriter&) { _exit(0); }));
  EXPECT_TRUE(counted(LibvirtError::kDied,
                      [](const auto&, FrameWriter&) { throw std::runtime_error("no"); }));
  const auto lies = [](FrameKind kind, const std::string& lie) {
    return [=](const auto&, FrameWriter& out) { out.send(kind, lie); };
  };
  for (const auto* lie : {"", "{}", "nonsense", "{\"uuid\":1}"})
    for (const auto kind : {FrameKind::kEvents, FrameKind::kDone, FrameKind::kError})
      EXPECT_TRUE(counted(LibvirtError::kDied, lies(kind, lie))) << lie;
}

TEST(LibvirtNames, metadata_that_is_no_xml_is_counted_and_the_rest_goes_on) {
  LibvirtNames names(
      [](const auto&, FrameWriter& out) {
        out.send(FrameKind::kError, failure_bytes({LibvirtError::kXml, "no XML"}));
        tell(out, kDb, "db");
        out.send(FrameKind::kDone, uuids_bytes({kWeb, kDb}));
        hang();
      },
      [] { return true; }, kQuick);
  EXPECT_TRUE(comes([&] { return title_of(names, kDb) == "db" && names.flow()->success; }));
  EXPECT_EQ(errors(names, LibvirtError::kXml), 1u);
}

TEST(LibvirtNames, what_is_not_there_is_not_asked) {
  LibvirtNames names([](const auto&, FrameWriter&) { hang(); }, [] { return false; }, kQuick);
  usleep(100'000);
  EXPECT_EQ(names.flow(), std::nullopt);
}

TEST(LibvirtNames, ends_at_once_whatever_libvirt_does) {
  const LibvirtTimes slow{.interval = 60s, .deadline = 60s, .most_pause = 60s};
  const std::vector<DomainReader> readers = {
      [](const auto&, FrameWriter&) { hang(); },
      [](const auto&, FrameWriter&) { raise(SIGSTOP); },
      [](const auto&, FrameWriter&) { _exit(0); },
      [](const auto&, FrameWriter& out) {
        out.send(FrameKind::kDone, uuids_bytes({}));
        hang();
      },
  };
  for (const auto& reader : readers)
    for (const auto lived : {0ms, 50ms}) {
      auto names = std::make_unique<LibvirtNames>(
          reader, [] { return true; }, slow);
      usleep(static_cast<useconds_t>(std::chrono::microseconds(lived).count()));
      const auto began = Clock::now();
      names.reset();
      EXPECT_LT(Clock::now() - began, 2s);
    }
}

TEST(LibvirtNames, off_is_nobody) {
  EXPECT_EQ(make_libvirt_names("off", 10s), nullptr);
}

}  // namespace
}  // namespace vmflow::test
