// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/lttng_calls.h"

#include <fmt/format.h>
#include <lttng/lttng.h>

#include <cstdlib>
#include <cstring>
#include <span>

#include "agent/c_handle.h"

namespace vmflow::lttng_calls {
namespace {

constexpr const char* kChannel = "vmflow";

using Handle = CHandle<lttng_handle, lttng_destroy_handle>;
using Channel = CHandle<lttng_channel, lttng_channel_destroy>;
using Event = CHandle<lttng_event, lttng_event_destroy>;
using Descriptor = CHandle<lttng_session_descriptor, lttng_session_descriptor_destroy>;
using Output = CHandle<lttng_snapshot_output, lttng_snapshot_output_destroy>;
template <typename T>
using List = CHandle<T, std::free>;

/// Some calls return the code, some its negative.
std::string what_to_do(int code) {
  switch (std::abs(code)) {
    case LTTNG_ERR_NO_SESSIOND:
      return "no lttng-sessiond runs for this user; start its service as root (Debian: package "
             "lttng-tools)";
    case LTTNG_ERR_KERN_NA:
    case LTTNG_ERR_NEED_ROOT_SESSIOND:
      return "lttng-sessiond has no kernel tracer; install lttng-modules-dkms for this kernel and "
             "restart lttng-sessiond as root";
    default:
      return lttng_strerror(-std::abs(code));
  }
}

tl::unexpected<Error> failed(std::string_view call, int code) {
  return failure(fmt::format("{}: {}", call, what_to_do(code)));
}
Result<void> checked(std::string_view call, int code) {
  if (code < 0) return failed(call, code);
  return {};
}

lttng_domain kernel_domain() {
  lttng_domain domain{};
  domain.type = LTTNG_DOMAIN_KERNEL;
  domain.buf_type = LTTNG_BUFFER_GLOBAL;
  return domain;
}

/// Empty name: of no session.
Result<Handle> kernel_of(const std::string& session) {
  auto domain = kernel_domain();
  Handle handle(lttng_create_handle(session.empty() ? nullptr : session.c_str(), &domain));
  if (!handle) return failure("lttng_create_handle: out of memory");
  return handle;
}

Result<void> add_channel(lttng_handle* handle, const LttngPlan& plan) {
  auto domain = kernel_domain();
  const Channel channel(lttng_channel_create(&domain));
  if (!channel) return failure("lttng_channel_create: out of memory");
  std::strncpy(channel->name, kChannel, sizeof(channel->name) - 1);
  auto& attributes = channel->attr;
  attributes.overwrite = plan.overflow == Overflow::overwrite ? 1 : 0;
  attributes.subbuf_size = plan.sub_buffer_bytes;
  attributes.num_subbuf = plan.sub_buffers;
  // A timer would end sub-buffers that are nearly empty, and so shorten what the ring holds; saving
  // flushes by itself.
  attributes.switch_timer_interval = 0;
  attributes.read_timer_interval = 0;
  attributes.output = LTTNG_EVENT_MMAP;  // what a snapshot needs
  return checked("adding the channel", lttng_enable_channel(handle, channel.get()));
}

Result<void> add_contexts(lttng_handle* handle) {
  for (const auto type :
       {LTTNG_EVENT_CONTEXT_PID, LTTNG_EVENT_CONTEXT_TID, LTTNG_EVENT_CONTEXT_PROCNAME}) {
    lttng_event_context context{};
    context.ctx = type;
    const int code = lttng_add_context(handle, &context, nullptr, kChannel);
    if (code < 0) return failed("adding a context", code);
  }
  return {};
}

Result<void> add_events(lttng_handle* handle, const std::vector<std::string>& names) {
  for (const auto& name : names) {
    const Event event(lttng_event_create());
    if (!event) return failure("lttng_event_create: out of memory");
    if (name.empty() || name.size() >= sizeof(event->name) ||
        name.find_first_of("*?[\\") != std::string::npos)
      return failure(fmt::format("'{}' is not the exact name of an event", name));
    event->type = LTTNG_EVENT_TRACEPOINT;
    event->loglevel_type = LTTNG_EVENT_LOGLEVEL_ALL;
    name.copy(event->name, sizeof(event->name) - 1);
    const int code = lttng_enable_event(handle, event.get(), kChannel);
    if (code < 0) return failed("enabling " + name, code);
  }
  return {};
}

Result<void> fill(const LttngPlan& plan) {
  const auto handle = kernel_of(plan.session);
  if (!handle) return tl::unexpected(handle.error());
  if (auto added = add_channel(handle->get(), plan); !added) return added;
  if (auto added = add_contexts(handle->get()); !added) return added;
  return add_events(handle->get(), plan.events);
}

Result<void> read_channel(lttng_handle* handle, lttng_channel& channel, LttngReadBack& into) {
  into.channels.emplace_back(channel.name);
  into.sub_buffer_bytes = channel.attr.subbuf_size;
  into.sub_buffers = channel.attr.num_subbuf;
  into.overwrites = channel.attr.overwrite == 1;
  uint64_t count = 0;
  if (lttng_channel_get_discarded_event_count(&channel, &count) == 0)
    into.discarded_events += count;
  if (lttng_channel_get_lost_packet_count(&channel, &count) == 0) into.lost_packets += count;
  lttng_event* listed = nullptr;
  const int number = lttng_list_events(handle, channel.name, &listed);
  if (number < 0) return failed("listing the events", number);
  const List<lttng_event> owner(listed);
  for (const auto& event : std::span(listed, static_cast<size_t>(number)))
    if (event.enabled != 0) into.events.emplace_back(event.name);
  return {};
}

}  // namespace

Result<std::vector<std::string>> tracepoints() {
  const auto handle = kernel_of("");
  if (!handle) return tl::unexpected(handle.error());
  lttng_event* listed = nullptr;
  const int number = lttng_list_tracepoints(handle->get(), &listed);
  if (number < 0) return failed("listing the kernel's tracepoints", number);
  const List<lttng_event> owner(listed);
  std::vector<std::string> names;
  for (const auto& event : std::span(listed, static_cast<size_t>(number)))
    names.emplace_back(event.name);
  return names;
}

Result<std::vector<std::string>> sessions() {
  lttng_session* listed = nullptr;
  const int number = lttng_list_sessions(&listed);
  if (number < 0) return failed("listing the sessions", number);
  const List<lttng_session> owner(listed);
  std::vector<std::string> names;
  for (const auto& session : std::span(listed, static_cast<size_t>(number)))
    names.emplace_back(session.name);
  return names;
}

Result<void> create(const LttngPlan& plan) {
  // A daemon that hangs must find nothing in its queue that changes anything when it wakes up.
  if (auto answered = sessions(); !answered) return tl::unexpected(answered.error());
  const Descriptor descriptor(lttng_session_descriptor_snapshot_create(plan.session.c_str()));
  if (!descriptor) return failure("lttng_session_descriptor_snapshot_create: out of memory");
  if (const auto code = lttng_create_session_ext(descriptor.get()); code != LTTNG_OK)
    return failed("creating session " + plan.session, code);
  auto filled = fill(plan);
  if (!filled) lttng_destroy_session(plan.session.c_str());
  return filled;
}

Result<void> start(const std::string& session) {
  return checked("starting session " + session, lttng_start_tracing(session.c_str()));
}

Result<void> stop(const std::string& session) {
  const int code = lttng_stop_tracing(session.c_str());
  if (code == -LTTNG_ERR_TRACE_ALREADY_STOPPED) return {};
  return checked("stopping session " + session, code);
}

Result<void> destroy(const std::string& session) {
  const int code = lttng_destroy_session(session.c_str());
  if (code == -LTTNG_ERR_SESS_NOT_FOUND) return {};
  return checked("destroying session " + session, code);
}

Result<LttngReadBack> read_back(const std::string& session) {
  LttngReadBack found;
  lttng_session* sessions = nullptr;
  const int number = lttng_list_sessions(&sessions);
  if (number < 0) return failed("listing the sessions", number);
  const List<lttng_session> sessions_owner(sessions);
  for (const auto& listed : std::span(sessions, static_cast<size_t>(number)))
    if (session == listed.name) found.is_active = listed.enabled != 0;
  const auto handle = kernel_of(session);
  if (!handle) return tl::unexpected(handle.error());
  lttng_channel* channels = nullptr;
  const int channel_number = lttng_list_channels(handle->get(), &channels);
  if (channel_number < 0) return failed("listing the channels of " + session, channel_number);
  const List<lttng_channel> channels_owner(channels);
  for (auto& channel : std::span(channels, static_cast<size_t>(channel_number)))
    if (auto read = read_channel(handle->get(), channel, found); !read)
      return tl::unexpected(read.error());
  return found;
}

Result<void> save(const std::string& session, const std::string& folder, uint64_t most_bytes) {
  if (auto answered = sessions(); !answered) return tl::unexpected(answered.error());
  const Output output(lttng_snapshot_output_create());
  if (!output) return failure("lttng_snapshot_output_create: out of memory");
  if (const int code = lttng_snapshot_output_set_local_path(folder.c_str(), output.get()); code < 0)
    return failed("saving to " + folder, code);
  if (const int code = lttng_snapshot_output_set_name("trace", output.get()); code < 0)
    return failed("saving", code);
  if (most_bytes > 0)
    if (const int code = lttng_snapshot_output_set_size(most_bytes, output.get()); code < 0)
      return failed("saving", code);
  constexpr int kWait = 1;
  return checked("saving session " + session,
                 lttng_snapshot_record(session.c_str(), output.get(), kWait));
}

}  // namespace vmflow::lttng_calls
