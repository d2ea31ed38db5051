// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/isolated_call.h"

#include <fmt/format.h>

#include "agent/sources/isolated_process.h"

namespace vmflow {
namespace {

constexpr const char* kNoAnswer = "no answer within ";

}  // namespace

Result<std::string> call_isolated(std::chrono::milliseconds deadline,
                                  const std::function<Result<std::string>()>& work) {
  auto process = IsolatedProcess::start({.may_write_files = true}, [&](FrameWriter& out) {
    const auto result = work();
    out.send(result ? FrameKind::kDone : FrameKind::kError,
             result ? *result : result.error().message);
  });
  if (!process) return tl::unexpected(process.error());
  auto frame = process->next(deadline);
  if (!frame)
    return process->is_silent() ? failure(fmt::format("{}{} ms", kNoAnswer, deadline.count()))
                                : failure("the call: " + frame.error().message);
  if (frame->kind != FrameKind::kDone) return failure(frame->bytes);
  return std::move(frame->bytes);
}

bool did_not_answer(const Error& error) {
  return error.message.find(kNoAnswer) != std::string::npos;
}

}  // namespace vmflow
