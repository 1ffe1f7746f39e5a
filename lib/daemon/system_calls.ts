/**
 * Names of the system calls that bring a process home.
 *
 * For people; x86-64 numbers.
 *
 * @module
 */

const names: Readonly<Record<number, string>> = {
  2: "open of its memory in /proc",
  9: "mmap of shared memory",
  16: "ioctl",
  29: "shmget",
  30: "shmat",
  31: "shmctl",
  40: "sendfile",
  54: "setsockopt",
  55: "getsockopt",
  56: "clone",
  57: "fork",
  58: "vfork",
  59: "execve",
  72: "fcntl",
  101: "ptrace",
  135: "personality",
  139: "sysfs",
  141: "setpriority",
  142: "sched_setparam",
  144: "sched_setscheduler",
  154: "modify_ldt",
  155: "pivot_root",
  157: "prctl",
  161: "chroot",
  165: "mount",
  169: "reboot",
  172: "iopl",
  173: "ioperm",
  175: "init_module",
  179: "quotactl",
  187: "readahead",
  202: "futex",
  203: "sched_setaffinity",
  206: "io_setup",
  207: "io_destroy",
  208: "io_getevents",
  209: "io_submit",
  210: "io_cancel",
  222: "timer_create",
  230: "clock_nanosleep",
  244: "mq_notify",
  246: "kexec_load",
  248: "add_key",
  249: "request_key",
  250: "keyctl",
  256: "migrate_pages",
  257: "openat of its memory in /proc",
  272: "unshare",
  275: "splice",
  279: "move_pages",
  282: "signalfd",
  285: "fallocate",
  289: "signalfd4",
  298: "perf_event_open",
  303: "name_to_handle_at",
  308: "setns",
  310: "process_vm_readv",
  311: "process_vm_writev",
  314: "sched_setattr",
  317: "seccomp",
  320: "kexec_file_load",
  321: "bpf",
  322: "execveat",
  323: "userfaultfd",
  326: "copy_file_range",
  333: "io_pgetevents",
  425: "io_uring_setup",
  426: "io_uring_enter",
  427: "io_uring_register",
  431: "fsconfig",
  435: "clone3",
  437: "openat2 of its memory in /proc",
  440: "process_madvise",
  443: "quotactl_fd",
  444: "landlock_create_ruleset",
  445: "landlock_add_rule",
  446: "landlock_restrict_self",
  447: "memfd_secret",
  453: "map_shadow_stack",
  457: "statmount",
  458: "listmount",
  460: "lsm_set_self_attr",
  463: "setxattrat",
  464: "getxattrat",
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
      return "";
  }
}

/** Name of a system call and of what it asked for, or its number where it has no name here. */
export function systemCallName(number: number, request = 0): string {
  const name = names[number];
  return name === undefined ? `system call ${number}` : `${name}${requestName(number, request)}`;
}
