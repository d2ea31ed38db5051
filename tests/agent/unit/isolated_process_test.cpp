// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/isolated_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <thread>

#include "tests/agent/unit/temporary_folder.h"

namespace vmflow::test {
namespace {

constexpr std::chrono::milliseconds kForever{60'000};
const ChildLimits kLimits{256 << 20, 60, false};

/// What a parent hears of a child that does `body`.
std::string error_of(const std::function<void(FrameWriter&)>& body,
                     std::chrono::milliseconds silence = kForever) {
  auto process = IsolatedProcess::start(kLimits, body);
  EXPECT_TRUE(process);
  const auto frame = process->next(silence);
  if (!frame) return frame.error().message;
  EXPECT_EQ(frame->kind, FrameKind::kError);
  return frame->bytes;
}

}  // namespace

TEST(IsolatedProcess, sends_frames_in_order) {
  const std::string large(3 << 20, 'x');  // more than a pipe holds
  auto process = IsolatedProcess::start(kLimits, [&](FrameWriter& out) {
    out.send(FrameKind::kEvents, "");
    out.send(FrameKind::kEvents, large);
    out.send(FrameKind::kDone, "end");
  });
  ASSERT_TRUE(process);
  EXPECT_EQ(process->next(kForever)->bytes, "");
  EXPECT_EQ(process->next(kForever)->bytes, large);
  EXPECT_EQ(process->next(kForever)->kind, FrameKind::kDone);
  EXPECT_EQ(process->next(kForever).error().message, "it ended with status 0");
}

TEST(IsolatedProcess, that_dies_is_an_error_that_says_how) {
  EXPECT_EQ(error_of([](FrameWriter&) { raise(SIGSEGV); }),
            "it died of signal 11 (Segmentation fault)");
  EXPECT_EQ(error_of([](FrameWriter&) { raise(SIGABRT); }), "it died of signal 6 (Aborted)");
  EXPECT_EQ(error_of([](FrameWriter&) { _exit(3); }), "it ended with status 3");
}

TEST(IsolatedProcess, that_throws_is_an_error_that_says_what) {
  EXPECT_EQ(error_of([](FrameWriter&) { throw std::runtime_error("this"); }), "this");
}

TEST(IsolatedProcess, that_hangs_is_ended) {
  const auto error = error_of(
      [](FrameWriter&) {
        while (true) pause();
      },
      std::chrono::milliseconds(1));
  EXPECT_NE(error.find("it hangs"), std::string::npos) << error;
}

#if !defined(__SANITIZE_ADDRESS__)
TEST(IsolatedProcess, may_not_take_all_memory) {
  EXPECT_EQ(error_of([](FrameWriter&) { std::string(1 << 30, 'x').back(); }),
            "it needs more memory than it may take");
}
#endif

TEST(IsolatedProcess, that_sends_nonsense_is_an_error) {
  EXPECT_EQ(error_of([](FrameWriter&) {
              const std::string bytes = "\x01\xff\xff\xff\xff";
              if (write(3, bytes.data(), bytes.size()) < 0) _exit(1);
              pause();
            }),
            "it sent what is no event");
}

TEST(IsolatedProcess, has_none_of_its_parents_files_and_writes_none) {
  const TemporaryFolder folder;
  const auto path = folder.path() + "/file";
  const int parents = fcntl(0, F_DUPFD, 100);  // above what a child has
  auto process = IsolatedProcess::start(kLimits, [&](FrameWriter& out) {
    signal(SIGXFSZ, SIG_IGN);
    const bool is_closed = fcntl(parents, F_GETFD) < 0;
    const int fd = open(path.c_str(), O_CREAT | O_WRONLY, 0600);
    const bool is_written = write(fd, "x", 1) == 1;
    out.send(FrameKind::kDone, is_closed && !is_written ? "confined" : "free");
  });
  close(parents);
  ASSERT_TRUE(process);
  EXPECT_EQ(process->next(kForever)->bytes, "confined");
}

}  // namespace vmflow::test
