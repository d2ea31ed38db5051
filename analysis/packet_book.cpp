// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/packet_book.h"

namespace vmflow {
namespace {

/// No device hands on more at once. Source: GSO_MAX_SIZE, include/linux/netdevice.h.
constexpr uint32_t kMostPayload = 8 * 65535;

}  // namespace

void PacketBook::add(uint64_t ns, const PacketEvent& packet, uint32_t tid, uint32_t cpu) {
  if (!packet.segment) {
    left_out_.without_segment++;
    return;
  }
  const auto& segment = *packet.segment;
  if (segment.payload_bytes > kMostPayload) {
    left_out_.impossible++;
    return;
  }
  SeenPacket seen{.ns = ns,
                  .tid = tid,
                  .flow = 0,
                  .sequence = segment.sequence,
                  .acknowledgement = segment.acknowledgement,
                  .payload_bytes = segment.payload_bytes,
                  .offset_flags = segment.offset_flags,
                  .device = 0,
                  .cpu = short_cpu(cpu),
                  .sent = packet.sent};
  if (packets_.size() >= limits_.max_packets || !place_flow(segment.flow, seen.flow) ||
      !place_device(packet.device, seen.device))
    left_out_.too_many++;
  else
    packets_.push_back(seen);
}

bool PacketBook::place_flow(const TcpFlow& flow, uint32_t& place) {
  const auto found = flows_.find(flow);
  if (found == flows_.end() && flows_.size() >= limits_.max_flows) return false;
  place = found != flows_.end()
              ? found->second
              : flows_.emplace(flow, static_cast<uint32_t>(flows_.size())).first->second;
  return true;
}

bool PacketBook::place_device(const Comm& name, uint16_t& place) {
  const auto text = text_of(name);
  const auto found = device_places_.find(text);
  if (found != device_places_.end()) {
    place = found->second;
    return true;
  }
  if (devices_.size() >= limits_.max_devices) return false;
  place = static_cast<uint16_t>(devices_.size());
  devices_.emplace_back(text);
  device_places_.emplace(text, place);
  return true;
}

}  // namespace vmflow
