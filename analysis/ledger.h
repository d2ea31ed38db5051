// SPDX-License-Identifier: GPL-2.0-only
// The book of vCPUs across snapshots: reads slots in, lets VMs depart, gives out labels.
#pragma once

#include <vector>

#include "analysis/carry.h"
#include "analysis/snapshot.h"

namespace vmflow {

/// Brings the vCPUs of `carry` up to `snapshot`. A slot that is torn keeps its last values; one
/// that has been recycled unasked goes to the retired sums of its VM.
void take_in_slots(Carry& carry, const Snapshot& snapshot);

/// Moves what has ended out of the live sums, each exactly once: VMs that have gone to the departed
/// ones, vCPUs that another slot has taken over to their VM's retired ones.
void depart(Carry& carry, const Snapshot& snapshot);

/// Gives every new VM its label, older processes first.
void label_vms(Carry& carry, const Snapshot& snapshot);

/// The finished slots that are still in `snapshot`.
std::vector<SlotKey> recyclable_slots(const Carry& carry, const Snapshot& snapshot);

}  // namespace vmflow
