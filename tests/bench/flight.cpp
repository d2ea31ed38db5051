// SPDX-License-Identifier: GPL-2.0-only
// flight [EVENT...]: records with LTTng until its stdin ends; says "records" when it does. Without
// arguments: what the agent records.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "agent/trigger/lttng_client.h"
#include "agent/trigger/lttng_names.h"
#include "agent/trigger/lttng_session.h"

namespace {

using namespace vmflow;

void wait_for_the_end() {
  fmt::print("records\n");
  std::fflush(stdout);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
}

int record(const std::vector<std::string>& events) {
  LttngClient client;
  const auto name = lttng_session_name(*own_process_key());
  auto done = client.create(
      {.session = name, .events = events, .sub_buffer_bytes = 256 << 10, .sub_buffers = 16});
  if (done) done = client.start(name);
  if (done) wait_for_the_end();
  if (!done) fmt::print(stderr, "{}\n", done.error().message);
  return client.destroy(name) && done ? 0 : 1;
}

int record_as_the_agent() {
  LttngSession session(std::make_unique<LttngClient>(), {});
  session.tick(std::chrono::steady_clock::now());
  const auto state = session.state();
  if (state.recording) wait_for_the_end();
  if (!state.recording) fmt::print(stderr, "{}\n", state.reason);
  return session.stop() && state.recording ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> events(argv + 1, argv + argc);
  return events.empty() ? record_as_the_agent() : record(events);
}
