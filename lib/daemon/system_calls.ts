/**
 * Names of the system calls that bring a process home, for people; x86-64 numbers.
 *
 * @module
 */

const names: Readonly<Record<number, string>> = {
  9: "mmap of shared memory",
  16: "ioctl",
  29: "shmget",
  30: "shmat",
  56: "clone",
  57: "fork",
  58: "vfork",
  59: "execve",
  101: "ptrace",
  157: "prctl",
  165: "mount",
  187: "readahead",
  206: "io_setup",
  272: "unshare",
  308: "setns",
  310: "process_vm_readv",
  311: "process_vm_writev",
  317: "seccomp",
  321: "bpf",
  322: "execveat",
  323: "userfaultfd",
  425: "io_uring_setup",
  435: "clone3",
};

/** Name of a system call, or its number where it has none here. */
export function systemCallName(number: number): string {
  return names[number] ?? `system call ${number}`;
}
