// SPDX-License-Identifier: GPL-2.0-only
// What the guest programs and the VMM agree on: ports, vectors and the parameter page.
// Shared by guest_code.S and C++, hence the macros.
#pragma once

// Ports the guest writes one byte to. None is one that KVM's in-kernel PIC or PIT answers.
#define GUEST_PORT_WORK 0xe0   // one access of the programs pio and mixed
#define GUEST_PORT_DONE 0xe4   // the program has ended
#define GUEST_PORT_FAULT 0xe8  // an exception; the byte is its vector

// Vectors of the guest's interrupts; the timer's may be chosen.
#define GUEST_VECTOR_TIMER 0xec
#define GUEST_VECTOR_IPI 0xed
#define GUEST_VECTOR_DEVICE 0x51

// Byte offsets in the parameter page, which RDI points to; every field is 64 bits wide.
#define GUEST_COUNT 0               // in: rounds
#define GUEST_TIMER_NS 8            // in: period of the LAPIC timer
#define GUEST_SPIN_LOOPS 16         // in: loop turns of one spin of the program mixed
#define GUEST_PEER_PAGE 24          // in: address of the peer's parameter page
#define GUEST_PEER_APIC_ID 32       // in
#define GUEST_STOP 40               // in, at any time: not 0 ends spin and mixed
#define GUEST_READY 48              // out: its LAPIC takes interrupts
#define GUEST_TIMER_VECTOR 56       // in
#define GUEST_TAKES_INTERRUPTS 104  // in: fault runs with interrupts on
#define GUEST_VMCB 112              // in: of the guest that vmrun runs
#define GUEST_HOST_SAVE 120         // in: a page for the CPU to keep vmrun's own state in
#define GUEST_OWN_LOOPS 128         // in: loop turns of vmrun before each VMRUN
#define GUEST_VMRUNS 136            // out

// The VMCB as far as vmrun needs it. Source: AMD64 Architecture Programmer's Manual 2, appendix B.
#define VMCB_EXIT_CODE 0x70
#define VMCB_RIP 0x578

// Where the program fault finds pages that nobody has touched, and how many.
#define GUEST_SLOW_MEMORY 0x200000
#define GUEST_SLOW_PAGES 512
#define GUEST_CPUIDS 64  // out: instructions that exited, counted by the guest
#define GUEST_HLTS 72
#define GUEST_OUTS 80
#define GUEST_MSRS 88
#define GUEST_INTERRUPTS 96  // out: interrupts its handler served

#ifndef __ASSEMBLER__

#include <cstddef>
#include <cstdint>

namespace vmflow::ground_truth {

/// The parameter page of one vCPU. The VMM writes the first half, the guest the second.
/// Units: `timer_ns` is nanoseconds of the LAPIC timer, which KVM runs at 1 GHz; at most 2^32 - 1.
struct GuestParams {
  std::uint64_t count;
  std::uint64_t timer_ns;
  std::uint64_t spin_loops;
  std::uint64_t peer_page;
  std::uint64_t peer_apic_id;
  std::uint64_t stop;
  std::uint64_t ready;
  std::uint64_t timer_vector;
  std::uint64_t cpuids;
  std::uint64_t hlts;
  std::uint64_t outs;
  std::uint64_t msrs;
  std::uint64_t interrupts;
  std::uint64_t takes_interrupts;
  std::uint64_t vmcb;
  std::uint64_t host_save;
  std::uint64_t own_loops;
  std::uint64_t vmruns;
};
static_assert(offsetof(GuestParams, count) == GUEST_COUNT);
static_assert(offsetof(GuestParams, timer_ns) == GUEST_TIMER_NS);
static_assert(offsetof(GuestParams, spin_loops) == GUEST_SPIN_LOOPS);
static_assert(offsetof(GuestParams, peer_page) == GUEST_PEER_PAGE);
static_assert(offsetof(GuestParams, peer_apic_id) == GUEST_PEER_APIC_ID);
static_assert(offsetof(GuestParams, stop) == GUEST_STOP);
static_assert(offsetof(GuestParams, ready) == GUEST_READY);
static_assert(offsetof(GuestParams, timer_vector) == GUEST_TIMER_VECTOR);
static_assert(offsetof(GuestParams, cpuids) == GUEST_CPUIDS);
static_assert(offsetof(GuestParams, hlts) == GUEST_HLTS);
static_assert(offsetof(GuestParams, outs) == GUEST_OUTS);
static_assert(offsetof(GuestParams, msrs) == GUEST_MSRS);
static_assert(offsetof(GuestParams, interrupts) == GUEST_INTERRUPTS);
static_assert(offsetof(GuestParams, takes_interrupts) == GUEST_TAKES_INTERRUPTS);
static_assert(offsetof(GuestParams, vmcb) == GUEST_VMCB);
static_assert(offsetof(GuestParams, host_save) == GUEST_HOST_SAVE);
static_assert(offsetof(GuestParams, own_loops) == GUEST_OWN_LOOPS);
static_assert(offsetof(GuestParams, vmruns) == GUEST_VMRUNS);

/// The guest code between begin and end, position independent, and the entry of each program.
/// Shape: an entry is used as its distance from begin; RDI holds the parameter page, RSP a stack.
extern "C" {
extern const char guest_code_begin[];
extern const char guest_code_end[];
extern const char guest_cpuid[];
extern const char guest_spin[];
extern const char guest_hlt[];
extern const char guest_pio[];
extern const char guest_msr[];
extern const char guest_ipi_first[];
extern const char guest_ipi_second[];
extern const char guest_mixed[];
extern const char guest_irq[];
extern const char guest_fault[];
extern const char guest_vmrun[];
extern const char guest_of_the_guest[];
extern const char guest_interrupt[];
extern const char guest_exceptions[];  // stubs of 8 bytes each for vectors 0 to 31
}

}  // namespace vmflow::ground_truth

#endif
