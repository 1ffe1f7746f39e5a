/**
 * Names of the system calls that bring a process home.
 *
 * For people; x86-64 numbers.
 *
 * @module
 */
import { systemCallNames } from "../wire/system_calls.ts";

/** What only some calls of a number come home for. */
const reasons: Readonly<Record<number, string>> = {
  2: " of its memory in /proc",
  9: " of shared memory",
  257: " of its memory in /proc",
  437: " of its memory in /proc",
};

/** Operations of futex(2) that take the kernel's own thread id: include/uapi/linux/futex.h, Linux 6.12. */
const futexes: Readonly<Record<number, string>> = {
  6: "FUTEX_LOCK_PI",
  7: "FUTEX_UNLOCK_PI",
  8: "FUTEX_TRYLOCK_PI",
  11: "FUTEX_WAIT_REQUEUE_PI",
  12: "FUTEX_CMP_REQUEUE_PI",
  13: "FUTEX_LOCK_PI2",
};
/** FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME are no part of the operation. */
const FUTEX_FLAGS = 0x180;

/** Options of prctl(2): include/uapi/linux/prctl.h, Linux 6.12. */
const options: Readonly<Record<number, string>> = {
  6: "PR_SET_FPEMU",
  10: "PR_SET_FPEXC",
  20: "PR_SET_ENDIAN",
  22: "PR_SET_SECCOMP",
  26: "PR_SET_TSC",
  35: "PR_SET_MM",
  59: "PR_SET_SYSCALL_USER_DISPATCH",
  62: "PR_SCHED_CORE",
  65: "PR_SET_MDWE",
  67: "PR_SET_MEMORY_MERGE",
  77: "PR_TIMER_CREATE_RESTORE_IDS",
};

/** What a call asked for, after its name; "": nothing more is to be told. */
function requestName(number: number, request: number): string {
  switch (number) {
    case 16:
    case 72:
      return ` 0x${request.toString(16)}`;
    case 54:
    case 55:
      return ` of level ${Math.floor(request / 2 ** 32)}, option ${request % 2 ** 32}`;
    case 157:
      return ` ${options[request] ?? request}`;
    case 202:
      return ` ${futexes[request & ~FUTEX_FLAGS] ?? request}`;
    default:
      return reasons[number] ?? "";
  }
}

/** Name of a system call and of what it asked for, or its number where Linux has none of it. */
export function systemCallName(number: number, request = 0): string {
  const name = systemCallNames[number];
  return name === undefined ? `system call ${number}` : `${name}${requestName(number, request)}`;
}
