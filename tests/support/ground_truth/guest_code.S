// SPDX-License-Identifier: GPL-2.0-only
// The guest programs. They are data to the VMM, which copies them into guest memory: everything
// is position independent. Long mode, CPL 0, interrupts off except at HLT.
//
// RDI: the parameter page, all the time. R8: rounds left. A program counts an instruction that
// exits only in memory, which exits nowhere, so that nothing but the named instructions exits.
#include "guest_code.h"

#define MSR_APIC_BASE 0x1b
#define MSR_X2APIC_EOI 0x80b
#define MSR_X2APIC_SPURIOUS 0x80f
#define MSR_X2APIC_ICR 0x830
#define MSR_X2APIC_LVT_TIMER 0x832
#define MSR_X2APIC_TIMER_START 0x838
#define MSR_X2APIC_TIMER_DIVIDE 0x83e

#define MSR_EFER 0xc0000080
#define MSR_VM_HSAVE_PA 0xc0010117
#define EFER_SVME 0x1000
#define SVM_EXIT_CPUID 0x72
#define CPUID_LENGTH 2

#define APIC_ENABLE_SPURIOUS_FF 0x1ff
#define APIC_DIVIDE_BY_1 0xb

.macro program name
  .balign 16
  .globl \name
  .hidden \name
\name:
.endm

// Writes EAX to an x2APIC register whose upper half is 0.
.macro write_apic msr
  mov $\msr, %ecx
  xor %edx, %edx
  wrmsr
.endm

  .section .rodata.guest_code, "a", @progbits
  .code64

program guest_code_begin

// COUNT times: turns of a loop, and CPUID.
program guest_cpuid
  mov GUEST_COUNT(%rdi), %r8
1:
  test %r8, %r8
  jz done
  mov GUEST_OWN_LOOPS(%rdi), %r9
2:
  dec %r9
  jg 2b
  xor %eax, %eax
  xor %ecx, %ecx
  cpuid
  incq GUEST_CPUIDS(%rdi)
  dec %r8
  jmp 1b

// Reads the stop flag until it is set. No PAUSE: pause-loop exiting would make exits of it.
program guest_spin
1:
  cmpq $0, GUEST_STOP(%rdi)
  je 1b
  jmp done

// COUNT times: arms the timer, sleeps in HLT until its interrupt was served.
program guest_hlt
  call enable_apic
  mov GUEST_COUNT(%rdi), %r8
1:
  test %r8, %r8
  jz done
  call timer_sleep
  dec %r8
  jmp 1b

// COUNT times OUT to a port of the VMM.
program guest_pio
  mov GUEST_COUNT(%rdi), %r8
1:
  test %r8, %r8
  jz done
  incq GUEST_OUTS(%rdi)
  out %al, $GUEST_PORT_WORK
  dec %r8
  jmp 1b

// COUNT times RDMSR of IA32_APIC_BASE: no vendor module passes it through to the guest.
program guest_msr
  mov GUEST_COUNT(%rdi), %r8
1:
  test %r8, %r8
  jz done
  mov $MSR_APIC_BASE, %ecx
  rdmsr
  incq GUEST_MSRS(%rdi)
  dec %r8
  jmp 1b

// COUNT times: sleeps by its timer if it has a period, sends the peer an IPI, sleeps until its answer came.
program guest_ipi_first
  call enable_apic
  call meet_peer
  mov GUEST_COUNT(%rdi), %r8
1:
  test %r8, %r8
  jz done
  cmpq $0, GUEST_TIMER_NS(%rdi)
  je 2f
  call timer_sleep
2:
  mov GUEST_INTERRUPTS(%rdi), %r9
  call send_ipi
  call sleep_past_r9
  dec %r8
  jmp 1b

// COUNT times: sleeps until the peer's IPI came, answers it.
// R9, what it has seen, is carried from round to round: the next IPI may come before it looks.
program guest_ipi_second
  call enable_apic
  mov GUEST_INTERRUPTS(%rdi), %r9
  call meet_peer
  mov GUEST_COUNT(%rdi), %r8
1:
  test %r8, %r8
  jz done
  call sleep_past_r9
  inc %r9
  call send_ipi
  dec %r8
  jmp 1b

// Until the stop flag is set: a short spin, a CPUID, an OUT, a timer sleep.
program guest_mixed
  call enable_apic
1:
  cmpq $0, GUEST_STOP(%rdi)
  jne done
  mov GUEST_SPIN_LOOPS(%rdi), %r8
2:
  dec %r8
  jg 2b
  xor %eax, %eax
  xor %ecx, %ecx
  cpuid
  incq GUEST_CPUIDS(%rdi)
  incq GUEST_OUTS(%rdi)
  out %al, $GUEST_PORT_WORK
  call timer_sleep
  jmp 1b

// COUNT times: sleeps until the device's interrupt came. R9 as above.
program guest_irq
  call enable_apic
  mov GUEST_INTERRUPTS(%rdi), %r9
  mov GUEST_COUNT(%rdi), %r8
1:
  test %r8, %r8
  jz done
  call sleep_past_r9
  inc %r9
  dec %r8
  jmp 1b

// COUNT times: reads a page that nobody has touched. RIP stands still meanwhile: interrupts are on or off throughout.
program guest_fault
  mov GUEST_COUNT(%rdi), %r8
  mov $GUEST_SLOW_MEMORY, %rbx
  cmpq $0, GUEST_TAKES_INTERRUPTS(%rdi)
  je 1f
  sti
1:
  test %r8, %r8
  jz done
  mov (%rbx), %al
  add $4096, %rbx
  dec %r8
  jmp 1b

// COUNT times: spins, then runs a guest of its own by VMRUN until that executes CPUID. Without a guest's own interrupt
// flag in between: the CPU holds interrupts back after an exit from SVM until the next VMRUN.
program guest_vmrun
  mov $MSR_EFER, %ecx
  rdmsr
  or $EFER_SVME, %eax
  wrmsr
  mov $MSR_VM_HSAVE_PA, %ecx
  mov GUEST_HOST_SAVE(%rdi), %eax
  xor %edx, %edx
  wrmsr
  mov GUEST_COUNT(%rdi), %r8
  mov GUEST_VMCB(%rdi), %rbx
1:
  test %r8, %r8
  jz done
  mov GUEST_OWN_LOOPS(%rdi), %r9
2:
  dec %r9
  jg 2b
  incq GUEST_VMRUNS(%rdi)
  mov %rbx, %rax
  vmrun %rax
  cmpq $SVM_EXIT_CPUID, VMCB_EXIT_CODE(%rbx)
  jne unexpected_exit
  incq GUEST_CPUIDS(%rdi)
  addq $CPUID_LENGTH, VMCB_RIP(%rbx)
  dec %r8
  jmp 1b
unexpected_exit:
  mov VMCB_EXIT_CODE(%rbx), %al
  out %al, $GUEST_PORT_FAULT
  ud2

// What it runs: for ever spins and CPUID, which its hypervisor skips. All registers but RAX are shared.
program guest_of_the_guest
1:
  mov GUEST_SPIN_LOOPS(%rdi), %r9
2:
  dec %r9
  jg 2b
  cpuid
  jmp 1b

// The VMM does not enter the guest again after this OUT.
done:
  incq GUEST_OUTS(%rdi)
  out %al, $GUEST_PORT_DONE
  ud2

enable_apic:
  mov $APIC_ENABLE_SPURIOUS_FF, %eax
  write_apic MSR_X2APIC_SPURIOUS
  mov $APIC_DIVIDE_BY_1, %eax
  write_apic MSR_X2APIC_TIMER_DIVIDE
  mov GUEST_TIMER_VECTOR(%rdi), %eax  // mode bits 0: one shot
  write_apic MSR_X2APIC_LVT_TIMER
  ret

timer_sleep:
  mov GUEST_INTERRUPTS(%rdi), %r9
  mov GUEST_TIMER_NS(%rdi), %eax
  write_apic MSR_X2APIC_TIMER_START
  // falls through

// HLT until the interrupt count is not R9 any more. STI holds interrupts off until HLT has executed;
// where an emulated CPU does not keep that, guest_interrupt returns past the HLT, which is not counted.
sleep_past_r9:
  sti
sleep_hlt:
  hlt
  incq GUEST_HLTS(%rdi)
sleep_awake:
  cli
  cmp %r9, GUEST_INTERRUPTS(%rdi)
  je sleep_past_r9
  ret

// An IPI to a LAPIC that is not enabled yet would be lost.
meet_peer:
  movq $1, GUEST_READY(%rdi)
  mov GUEST_PEER_PAGE(%rdi), %r10
1:
  cmpq $0, GUEST_READY(%r10)
  je 1b
  ret

send_ipi:
  mov $MSR_X2APIC_ICR, %ecx
  mov $GUEST_VECTOR_IPI, %eax  // fixed, physical, edge
  mov GUEST_PEER_APIC_ID(%rdi), %edx
  wrmsr
  ret

// All vectors come here.
program guest_interrupt
  push %rax
  push %rcx
  push %rdx
  incq GUEST_INTERRUPTS(%rdi)
  lea sleep_hlt(%rip), %rax
  cmp %rax, 24(%rsp)  // RIP, above the three registers
  jne 1f
  lea sleep_awake(%rip), %rax
  mov %rax, 24(%rsp)
1:
  xor %eax, %eax
  write_apic MSR_X2APIC_EOI
  pop %rdx
  pop %rcx
  pop %rax
  iretq

program guest_exceptions
  vector = 0
  .rept 32
  .balign 8
  mov $vector, %al
  out %al, $GUEST_PORT_FAULT
  ud2
  vector = vector + 1
  .endr

program guest_code_end

  .section .note.GNU-stack, "", @progbits
