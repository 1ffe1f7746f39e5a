/* lb_syscalls.h - the system call table: for each x86-64 call where it runs after a move, and how its
 * arguments travel. Marshalling, the shadow, the tests and docs/LIMITS.md all follow it.
 *
 * Row: X(number, name, where, flags, arguments...). A number without a row brings the process home.
 * where  HOME  executed by the shadow, arguments as the row says
 *        HERE  executed on the node where the guest runs, as it is
 *        OWN   decided by lb_own_<name>() of the preloaded library (c/preload/forward_*.c)
 *        COME  brings the process home and is executed there (listed where a reader would look for it)
 */
#ifndef LB_SYSCALLS_H
#define LB_SYSCALLS_H

/* Kinds of arguments, as 32-bit words: kind in the low byte, then index k of the argument that holds the
 * length (byte 1), then bytes an element or bytes of a fixed struct (upper half; 0: k counts bits). An OUT
 * argument is filled on success, an INOUT one keeps what the kernel does not write. */
enum lb_operand {
	LB_OPERAND_VALUE = 0,
	LB_OPERAND_FD = 1,     /* a descriptor; travels as a value */
	LB_OPERAND_PATH = 2,   /* NUL-terminated, at most PATH_MAX */
	LB_OPERAND_STRING = 3, /* NUL-terminated, not a path: at most PATH_MAX too */
	LB_OPERAND_IN = 4,
	LB_OPERAND_OUT = 5,
	LB_OPERAND_INOUT = 6,
	LB_OPERAND_IOV_IN = 7,  /* iovec array; travels as one buffer, the shadow makes one iovec of it */
	LB_OPERAND_IOV_OUT = 8,
};
#define LB_NO_LENGTH 0xffu
#define LB_LENGTH_BEHIND 0x40u /* with k: argument k points to the length, an unsigned int */
#define LB_OPERAND_OF(kind, k, bytes) ((uint32_t)(kind) | (uint32_t)(k) << 8 | (uint32_t)(bytes) << 16)
#define LB_OPERAND_KIND(word) ((word)&0xffu)
#define LB_OPERAND_LENGTH(word) ((word) >> 8 & 0xffu)
#define LB_OPERAND_BYTES(word) ((word) >> 16)

#define V LB_OPERAND_OF(LB_OPERAND_VALUE, LB_NO_LENGTH, 0)
#define FD LB_OPERAND_OF(LB_OPERAND_FD, LB_NO_LENGTH, 0)
#define PATH LB_OPERAND_OF(LB_OPERAND_PATH, LB_NO_LENGTH, 0)
#define STR LB_OPERAND_OF(LB_OPERAND_STRING, LB_NO_LENGTH, 0)
#define IN(k) LB_OPERAND_OF(LB_OPERAND_IN, k, 1)
#define OUT(k) LB_OPERAND_OF(LB_OPERAND_OUT, k, 1)
#define IN_ARRAY(k, bytes) LB_OPERAND_OF(LB_OPERAND_IN, k, bytes)
#define OUT_ARRAY(k, bytes) LB_OPERAND_OF(LB_OPERAND_OUT, k, bytes)
#define INOUT_ARRAY(k, bytes) LB_OPERAND_OF(LB_OPERAND_INOUT, k, bytes)
#define IN_STRUCT(bytes) LB_OPERAND_OF(LB_OPERAND_IN, LB_NO_LENGTH, bytes)
#define OUT_STRUCT(bytes) LB_OPERAND_OF(LB_OPERAND_OUT, LB_NO_LENGTH, bytes)
#define INOUT_STRUCT(bytes) LB_OPERAND_OF(LB_OPERAND_INOUT, LB_NO_LENGTH, bytes)
#define INOUT_BITS(k) LB_OPERAND_OF(LB_OPERAND_INOUT, k, 0)
#define INOUT_BEHIND(k) LB_OPERAND_OF(LB_OPERAND_INOUT, (k) | LB_LENGTH_BEHIND, 1)
#define IOV_IN(k) LB_OPERAND_OF(LB_OPERAND_IOV_IN, k, 1)
#define IOV_OUT(k) LB_OPERAND_OF(LB_OPERAND_IOV_OUT, k, 1)

enum lb_where { LB_COME = 0, LB_HOME, LB_HERE, LB_OWN };

/* Flags of a row. */
#define LB_BLOCKS 1u      /* may wait long: executed cancellable */
#define LB_RESULT 2u      /* the result is the number of bytes of the output that are used */
#define LB_SPLIT_READ 4u  /* longer than LB_LINK_DATA_SIZE_MAX: several calls */
#define LB_SPLIT_WRITE 8u
#define LB_OFFSET 16u     /* argument 3 is a file offset that a split call advances */
#define LB_NO_RESTART 32u /* ends with EINTR after any handler, whatever SA_RESTART says: signal(7) */

/* struct sizes of the x86-64 kernel ABI (Linux 6.12, include/uapi) */
#define LB_STAT_SIZE 144
#define LB_STATX_SIZE 256
#define LB_STATFS_SIZE 120
#define LB_TIMESPEC_SIZE 16
#define LB_ITIMERSPEC_SIZE 32
#define LB_RUSAGE_SIZE 144
#define LB_SIGINFO_SIZE 128
#define LB_UTSNAME_SIZE 390
#define LB_SYSINFO_SIZE 112

#define LB_SYSCALL_MAP(X) \
	X(0, read, HOME, LB_BLOCKS | LB_RESULT | LB_SPLIT_READ, FD, OUT(2), V) \
	X(1, write, HOME, LB_BLOCKS | LB_SPLIT_WRITE, FD, IN(2), V) \
	X(2, open, OWN, LB_BLOCKS, PATH, V, V) \
	X(3, close, HOME, 0, FD) \
	X(4, stat, HOME, 0, PATH, OUT_STRUCT(LB_STAT_SIZE)) \
	X(5, fstat, HOME, 0, FD, OUT_STRUCT(LB_STAT_SIZE)) \
	X(6, lstat, HOME, 0, PATH, OUT_STRUCT(LB_STAT_SIZE)) \
	X(7, poll, OWN, LB_BLOCKS | LB_NO_RESTART, INOUT_ARRAY(1, 8), V, V) \
	X(8, lseek, HOME, 0, FD, V, V) \
	X(9, mmap, OWN, 0, V, V, V, V, FD, V) \
	X(10, mprotect, HERE, 0) \
	X(11, munmap, HERE, 0) \
	X(12, brk, HERE, 0) \
	X(13, rt_sigaction, OWN, 0) \
	X(14, rt_sigprocmask, OWN, 0) \
	X(15, rt_sigreturn, OWN, 0) \
	X(16, ioctl, OWN, 0, FD, V, V) \
	X(17, pread64, HOME, LB_RESULT | LB_SPLIT_READ | LB_OFFSET, FD, OUT(2), V, V) \
	X(18, pwrite64, HOME, LB_SPLIT_WRITE | LB_OFFSET, FD, IN(2), V, V) \
	X(19, readv, HOME, LB_BLOCKS | LB_RESULT | LB_SPLIT_READ, FD, IOV_OUT(2), V) \
	X(20, writev, HOME, LB_BLOCKS | LB_SPLIT_WRITE, FD, IOV_IN(2), V) \
	X(21, access, HOME, 0, PATH, V) \
	X(22, pipe, HOME, 0, OUT_STRUCT(8)) \
	X(23, select, HOME, LB_BLOCKS | LB_NO_RESTART, V, INOUT_BITS(0), INOUT_BITS(0), INOUT_BITS(0), \
		INOUT_STRUCT(16)) \
	X(24, sched_yield, HERE, 0) \
	X(25, mremap, HERE, 0) \
	X(26, msync, HERE, 0) \
	X(27, mincore, HERE, 0) \
	X(28, madvise, HERE, 0) \
	X(29, shmget, COME, 0) \
	X(30, shmat, COME, 0) \
	X(31, shmctl, COME, 0) \
	X(32, dup, HOME, 0, FD) \
	X(33, dup2, HOME, 0, FD, FD) \
	X(34, pause, HERE, 0) \
	X(35, nanosleep, OWN, 0) \
	X(36, getitimer, HERE, 0) \
	X(37, alarm, HERE, 0) \
	X(38, setitimer, HERE, 0) \
	X(39, getpid, OWN, 0) \
	X(40, sendfile, HOME, LB_BLOCKS, FD, FD, INOUT_STRUCT(8), V) \
	X(41, socket, HOME, 0, V, V, V) \
	X(42, connect, HOME, LB_BLOCKS, FD, IN(2), V) \
	X(43, accept, HOME, LB_BLOCKS, FD, INOUT_BEHIND(2), INOUT_STRUCT(4)) \
	X(44, sendto, HOME, LB_BLOCKS | LB_SPLIT_WRITE, FD, IN(2), V, V, IN(5), V) \
	X(45, recvfrom, HOME, LB_BLOCKS | LB_RESULT | LB_SPLIT_READ, FD, OUT(2), V, V, INOUT_BEHIND(5), \
		INOUT_STRUCT(4)) \
	X(46, sendmsg, COME, 0) \
	X(47, recvmsg, COME, 0) \
	X(48, shutdown, HOME, 0, FD, V) \
	X(49, bind, HOME, 0, FD, IN(2), V) \
	X(50, listen, HOME, 0, FD, V) \
	X(51, getsockname, HOME, 0, FD, INOUT_BEHIND(2), INOUT_STRUCT(4)) \
	X(52, getpeername, HOME, 0, FD, INOUT_BEHIND(2), INOUT_STRUCT(4)) \
	X(53, socketpair, HOME, 0, V, V, V, OUT_STRUCT(8)) \
	X(54, setsockopt, OWN, 0, FD, V, V, IN(4), V) \
	X(55, getsockopt, OWN, 0, FD, V, V, INOUT_BEHIND(4), INOUT_STRUCT(4)) \
	X(56, clone, OWN, 0) \
	X(57, fork, OWN, 0) \
	X(58, vfork, OWN, 0) \
	X(59, execve, OWN, 0) \
	X(60, exit, OWN, 0) \
	X(61, wait4, HOME, LB_BLOCKS, V, INOUT_STRUCT(4), V, INOUT_STRUCT(LB_RUSAGE_SIZE)) \
	X(62, kill, OWN, LB_BLOCKS, V, V) \
	X(63, uname, HOME, 0, OUT_STRUCT(LB_UTSNAME_SIZE)) \
	X(72, fcntl, OWN, 0, FD, V, V) \
	X(73, flock, HOME, LB_BLOCKS, FD, V) \
	X(74, fsync, HOME, LB_BLOCKS, FD) \
	X(75, fdatasync, HOME, LB_BLOCKS, FD) \
	X(76, truncate, HOME, 0, PATH, V) \
	X(77, ftruncate, HOME, 0, FD, V) \
	X(78, getdents, HOME, LB_RESULT, FD, OUT(2), V) \
	X(79, getcwd, HOME, LB_RESULT, OUT(1), V) \
	X(80, chdir, HOME, 0, PATH) \
	X(81, fchdir, HOME, 0, FD) \
	X(82, rename, HOME, 0, PATH, PATH) \
	X(83, mkdir, HOME, 0, PATH, V) \
	X(84, rmdir, HOME, 0, PATH) \
	X(85, creat, HOME, LB_BLOCKS, PATH, V) \
	X(86, link, HOME, 0, PATH, PATH) \
	X(87, unlink, HOME, 0, PATH) \
	X(88, symlink, HOME, 0, STR, PATH) \
	X(89, readlink, OWN, LB_RESULT, PATH, OUT(2), V) \
	X(90, chmod, HOME, 0, PATH, V) \
	X(91, fchmod, HOME, 0, FD, V) \
	X(92, chown, HOME, 0, PATH, V, V) \
	X(93, fchown, HOME, 0, FD, V, V) \
	X(94, lchown, HOME, 0, PATH, V, V) \
	X(95, umask, HOME, 0, V) \
	X(96, gettimeofday, HERE, 0) \
	X(97, getrlimit, OWN, 0, V, OUT_STRUCT(16)) \
	X(98, getrusage, OWN, 0, V, OUT_STRUCT(LB_RUSAGE_SIZE)) \
	X(99, sysinfo, HOME, 0, OUT_STRUCT(LB_SYSINFO_SIZE)) \
	X(100, times, OWN, 0) \
	X(101, ptrace, COME, 0) \
	X(102, getuid, HOME, 0) \
	X(104, getgid, HOME, 0) \
	X(105, setuid, HOME, 0, V) \
	X(106, setgid, HOME, 0, V) \
	X(107, geteuid, HOME, 0) \
	X(108, getegid, HOME, 0) \
	X(109, setpgid, HOME, 0, V, V) \
	X(110, getppid, HOME, 0) \
	X(111, getpgrp, HOME, 0) \
	X(112, setsid, HOME, 0) \
	X(113, setreuid, HOME, 0, V, V) \
	X(114, setregid, HOME, 0, V, V) \
	X(115, getgroups, HOME, 0, V, INOUT_ARRAY(0, 4)) \
	X(116, setgroups, HOME, 0, V, IN_ARRAY(0, 4)) \
	X(117, setresuid, HOME, 0, V, V, V) \
	X(118, getresuid, HOME, 0, OUT_STRUCT(4), OUT_STRUCT(4), OUT_STRUCT(4)) \
	X(119, setresgid, HOME, 0, V, V, V) \
	X(120, getresgid, HOME, 0, OUT_STRUCT(4), OUT_STRUCT(4), OUT_STRUCT(4)) \
	X(121, getpgid, HOME, 0, V) \
	X(122, setfsuid, HOME, 0, V) \
	X(123, setfsgid, HOME, 0, V) \
	X(124, getsid, HOME, 0, V) \
	X(127, rt_sigpending, HERE, 0) \
	X(128, rt_sigtimedwait, OWN, 0) \
	X(129, rt_sigqueueinfo, OWN, 0, V, V, IN_STRUCT(LB_SIGINFO_SIZE)) \
	X(130, rt_sigsuspend, OWN, 0) \
	X(131, sigaltstack, HERE, 0) \
	X(132, utime, HOME, 0, PATH, IN_STRUCT(16)) \
	X(133, mknod, HOME, 0, PATH, V, V) \
	X(137, statfs, HOME, 0, PATH, OUT_STRUCT(LB_STATFS_SIZE)) \
	X(138, fstatfs, HOME, 0, FD, OUT_STRUCT(LB_STATFS_SIZE)) \
	X(140, getpriority, HOME, 0, V, V) \
	X(141, setpriority, HOME, 0, V, V, V) \
	X(142, sched_setparam, OWN, 0) \
	X(143, sched_getparam, OWN, 0) \
	X(144, sched_setscheduler, OWN, 0) \
	X(145, sched_getscheduler, OWN, 0) \
	X(146, sched_get_priority_max, HERE, 0) \
	X(147, sched_get_priority_min, HERE, 0) \
	X(148, sched_rr_get_interval, OWN, 0) \
	X(149, mlock, HERE, 0) \
	X(150, munlock, HERE, 0) \
	X(151, mlockall, HERE, 0) \
	X(152, munlockall, HERE, 0) \
	X(157, prctl, OWN, 0) \
	X(158, arch_prctl, HERE, 0) \
	X(160, setrlimit, OWN, 0, V, IN_STRUCT(16)) \
	X(162, sync, HOME, LB_BLOCKS) \
	X(186, gettid, OWN, 0) \
	X(187, readahead, HOME, 0, FD, V, V) \
	X(188, setxattr, HOME, 0, PATH, STR, IN(3), V, V) \
	X(189, lsetxattr, HOME, 0, PATH, STR, IN(3), V, V) \
	X(190, fsetxattr, HOME, 0, FD, STR, IN(3), V, V) \
	X(191, getxattr, HOME, LB_RESULT, PATH, STR, OUT(3), V) \
	X(192, lgetxattr, HOME, LB_RESULT, PATH, STR, OUT(3), V) \
	X(193, fgetxattr, HOME, LB_RESULT, FD, STR, OUT(3), V) \
	X(194, listxattr, HOME, LB_RESULT, PATH, OUT(2), V) \
	X(195, llistxattr, HOME, LB_RESULT, PATH, OUT(2), V) \
	X(196, flistxattr, HOME, LB_RESULT, FD, OUT(2), V) \
	X(197, removexattr, HOME, 0, PATH, STR) \
	X(198, lremovexattr, HOME, 0, PATH, STR) \
	X(199, fremovexattr, HOME, 0, FD, STR) \
	X(200, tkill, OWN, LB_BLOCKS, V, V) \
	X(201, time, HERE, 0) \
	X(202, futex, OWN, 0) \
	X(203, sched_setaffinity, OWN, 0) \
	X(204, sched_getaffinity, OWN, 0) \
	X(213, epoll_create, HOME, 0, V) \
	X(217, getdents64, HOME, LB_RESULT, FD, OUT(2), V) \
	X(218, set_tid_address, OWN, 0) \
	X(219, restart_syscall, HERE, 0) \
	X(221, fadvise64, HOME, 0, FD, V, V, V) \
	X(228, clock_gettime, OWN, 0) \
	X(229, clock_getres, HERE, 0) \
	X(230, clock_nanosleep, OWN, 0) \
	X(231, exit_group, OWN, 0) \
	X(232, epoll_wait, OWN, LB_BLOCKS | LB_NO_RESTART, FD, INOUT_ARRAY(2, 12), V, V) \
	X(233, epoll_ctl, HOME, 0, FD, V, FD, IN_STRUCT(12)) \
	X(234, tgkill, OWN, LB_BLOCKS, V, V, V) \
	X(235, utimes, HOME, 0, PATH, IN_STRUCT(32)) \
	X(237, mbind, HERE, 0) \
	X(238, set_mempolicy, HERE, 0) \
	X(239, get_mempolicy, HERE, 0) \
	X(247, waitid, HOME, LB_BLOCKS, V, V, INOUT_STRUCT(LB_SIGINFO_SIZE), V, \
		INOUT_STRUCT(LB_RUSAGE_SIZE)) \
	X(251, ioprio_set, HOME, 0, V, V, V) \
	X(252, ioprio_get, HOME, 0, V, V) \
	X(253, inotify_init, HOME, 0) \
	X(254, inotify_add_watch, HOME, 0, FD, PATH, V) \
	X(255, inotify_rm_watch, HOME, 0, FD, V) \
	X(257, openat, OWN, LB_BLOCKS, FD, PATH, V, V) \
	X(258, mkdirat, HOME, 0, FD, PATH, V) \
	X(259, mknodat, HOME, 0, FD, PATH, V, V) \
	X(260, fchownat, HOME, 0, FD, PATH, V, V, V) \
	X(261, futimesat, HOME, 0, FD, PATH, IN_STRUCT(32)) \
	X(262, newfstatat, HOME, 0, FD, PATH, OUT_STRUCT(LB_STAT_SIZE), V) \
	X(263, unlinkat, HOME, 0, FD, PATH, V) \
	X(264, renameat, HOME, 0, FD, PATH, FD, PATH) \
	X(265, linkat, HOME, 0, FD, PATH, FD, PATH, V) \
	X(266, symlinkat, HOME, 0, STR, FD, PATH) \
	X(267, readlinkat, OWN, LB_RESULT, FD, PATH, OUT(3), V) \
	X(268, fchmodat, HOME, 0, FD, PATH, V) \
	X(269, faccessat, HOME, 0, FD, PATH, V) \
	X(270, pselect6, OWN, LB_BLOCKS | LB_NO_RESTART, V, INOUT_BITS(0), INOUT_BITS(0), INOUT_BITS(0), \
		INOUT_STRUCT(16), V) \
	X(271, ppoll, OWN, LB_BLOCKS | LB_NO_RESTART, INOUT_ARRAY(1, 8), V, INOUT_STRUCT(16), V, V) \
	X(273, set_robust_list, HERE, 0) \
	X(274, get_robust_list, OWN, 0) \
	X(275, splice, HOME, LB_BLOCKS, FD, INOUT_STRUCT(8), FD, INOUT_STRUCT(8), V, V) \
	X(276, tee, HOME, LB_BLOCKS, FD, FD, V, V) \
	X(277, sync_file_range, HOME, LB_BLOCKS, FD, V, V, V) \
	X(280, utimensat, HOME, 0, FD, PATH, IN_STRUCT(32), V) \
	X(281, epoll_pwait, OWN, LB_BLOCKS | LB_NO_RESTART, FD, INOUT_ARRAY(2, 12), V, V, V, V) \
	X(282, signalfd, COME, 0) \
	X(283, timerfd_create, HOME, 0, V, V) \
	X(284, eventfd, HOME, 0, V) \
	X(285, fallocate, HOME, LB_BLOCKS, FD, V, V, V) \
	X(286, timerfd_settime, HOME, 0, FD, V, IN_STRUCT(LB_ITIMERSPEC_SIZE), OUT_STRUCT(LB_ITIMERSPEC_SIZE)) \
	X(287, timerfd_gettime, HOME, 0, FD, OUT_STRUCT(LB_ITIMERSPEC_SIZE)) \
	X(288, accept4, HOME, LB_BLOCKS, FD, INOUT_BEHIND(2), INOUT_STRUCT(4), V) \
	X(289, signalfd4, COME, 0) \
	X(290, eventfd2, HOME, 0, V, V) \
	X(291, epoll_create1, HOME, 0, V) \
	X(292, dup3, HOME, 0, FD, FD, V) \
	X(293, pipe2, HOME, 0, OUT_STRUCT(8), V) \
	X(294, inotify_init1, HOME, 0, V) \
	X(295, preadv, HOME, LB_RESULT | LB_SPLIT_READ | LB_OFFSET, FD, IOV_OUT(2), V, V, V) \
	X(296, pwritev, HOME, LB_SPLIT_WRITE | LB_OFFSET, FD, IOV_IN(2), V, V, V) \
	X(297, rt_tgsigqueueinfo, OWN, 0, V, V, V, IN_STRUCT(LB_SIGINFO_SIZE)) \
	X(302, prlimit64, OWN, 0, V, V, IN_STRUCT(16), OUT_STRUCT(16)) \
	X(306, syncfs, HOME, LB_BLOCKS, FD) \
	X(309, getcpu, HERE, 0) \
	X(310, process_vm_readv, OWN, 0) \
	X(311, process_vm_writev, OWN, 0) \
	X(314, sched_setattr, OWN, 0) \
	X(315, sched_getattr, OWN, 0) \
	X(316, renameat2, HOME, 0, FD, PATH, FD, PATH, V) \
	X(318, getrandom, HERE, 0) \
	X(319, memfd_create, HOME, 0, STR, V) \
	X(322, execveat, OWN, 0) \
	X(324, membarrier, HERE, 0) \
	X(325, mlock2, HERE, 0) \
	X(326, copy_file_range, HOME, LB_BLOCKS, FD, INOUT_STRUCT(8), FD, INOUT_STRUCT(8), V, V) \
	X(327, preadv2, HOME, LB_BLOCKS | LB_RESULT, FD, IOV_OUT(2), V, V, V, V) \
	X(328, pwritev2, HOME, LB_BLOCKS, FD, IOV_IN(2), V, V, V, V) \
	X(329, pkey_mprotect, HERE, 0) \
	X(330, pkey_alloc, HERE, 0) \
	X(331, pkey_free, HERE, 0) \
	X(332, statx, HOME, 0, FD, PATH, V, V, OUT_STRUCT(LB_STATX_SIZE)) \
	X(334, rseq, HERE, 0) \
	X(424, pidfd_send_signal, HOME, 0, FD, V, IN_STRUCT(LB_SIGINFO_SIZE), V) \
	X(434, pidfd_open, HOME, 0, V, V) \
	X(435, clone3, OWN, 0) \
	X(436, close_range, HOME, 0, FD, FD, V) \
	X(437, openat2, OWN, LB_BLOCKS, FD, PATH, IN(3), V) \
	X(439, faccessat2, HOME, 0, FD, PATH, V, V) \
	X(440, process_madvise, COME, 0) \
	X(452, fchmodat2, HOME, 0, FD, PATH, V, V) \
	X(453, map_shadow_stack, COME, 0)

/* ioctl(2) requests that travel: X(request, flags, operand of argument 2). Others bring the process home,
 * because the size behind the pointer is not known. */
#define LB_IOCTL_MAP(X) \
	X(0x5401, 0, OUT_STRUCT(36)) /* TCGETS: struct termios of the kernel */ \
	X(0x5402, LB_BLOCKS, IN_STRUCT(36)) /* TCSETS: a background process may be stopped */ \
	X(0x5403, LB_BLOCKS, IN_STRUCT(36)) /* TCSETSW */ \
	X(0x5404, LB_BLOCKS, IN_STRUCT(36)) /* TCSETSF */ \
	X(0x5409, LB_BLOCKS, V) /* TCSBRK */ \
	X(0x540a, LB_BLOCKS, V) /* TCXONC */ \
	X(0x540b, LB_BLOCKS, V) /* TCFLSH */ \
	X(0x540c, 0, V) /* TIOCEXCL */ \
	X(0x540d, 0, V) /* TIOCNXCL */ \
	X(0x540e, 0, V) /* TIOCSCTTY */ \
	X(0x540f, 0, OUT_STRUCT(4)) /* TIOCGPGRP */ \
	X(0x5410, LB_BLOCKS, IN_STRUCT(4)) /* TIOCSPGRP */ \
	X(0x5411, 0, OUT_STRUCT(4)) /* TIOCOUTQ */ \
	X(0x5412, 0, IN_STRUCT(1)) /* TIOCSTI */ \
	X(0x5413, 0, OUT_STRUCT(8)) /* TIOCGWINSZ */ \
	X(0x5414, 0, IN_STRUCT(8)) /* TIOCSWINSZ */ \
	X(0x541b, 0, OUT_STRUCT(4)) /* FIONREAD */ \
	X(0x5421, 0, IN_STRUCT(4)) /* FIONBIO */ \
	X(0x5422, 0, V) /* TIOCNOTTY */ \
	X(0x5425, LB_BLOCKS, V) /* TCSBRKP */ \
	X(0x5429, 0, OUT_STRUCT(4)) /* TIOCGSID */ \
	X(0x5430, 0, OUT_STRUCT(4)) /* TIOCGPTN: unsigned int, _IOR('T', 0x30), old form */ \
	X(0x80045430, 0, OUT_STRUCT(4)) /* TIOCGPTN */ \
	X(0x40045431, 0, IN_STRUCT(4)) /* TIOCSPTLCK */ \
	X(0x5441, LB_BLOCKS, V) /* TIOCGPTPEER */ \
	X(0x5450, 0, V) /* FIONCLEX */ \
	X(0x5451, 0, V) /* FIOCLEX */ \
	X(0x5452, 0, IN_STRUCT(4)) /* FIOASYNC */ \
	X(0x802c542a, 0, OUT_STRUCT(44)) /* TCGETS2 */ \
	X(0x402c542b, LB_BLOCKS, IN_STRUCT(44)) /* TCSETS2 */ \
	X(0x402c542c, LB_BLOCKS, IN_STRUCT(44)) /* TCSETSW2 */ \
	X(0x402c542d, LB_BLOCKS, IN_STRUCT(44)) /* TCSETSF2 */ \
	X(0x80086601, 0, OUT_STRUCT(4)) /* FS_IOC_GETFLAGS: the kernel writes an int, ioctl_iflags(2) */ \
	X(0x40049409, LB_BLOCKS, V) /* FICLONE */ \
	X(0x80081272, 0, OUT_STRUCT(8)) /* BLKGETSIZE64 */ \
	X(0x1268, 0, OUT_STRUCT(4)) /* BLKSSZGET */

/* fcntl(2) commands whose argument is a pointer; all others take a value: X(command, flags, operand). */
#define LB_FCNTL_MAP(X) \
	X(5, 0, INOUT_STRUCT(32)) /* F_GETLK: struct flock */ \
	X(6, 0, IN_STRUCT(32)) /* F_SETLK */ \
	X(7, LB_BLOCKS, IN_STRUCT(32)) /* F_SETLKW */ \
	X(15, 0, IN_STRUCT(8)) /* F_SETOWN_EX: struct f_owner_ex */ \
	X(16, 0, OUT_STRUCT(8)) /* F_GETOWN_EX */ \
	X(17, 0, OUT_STRUCT(8)) /* F_GETOWNER_UIDS */ \
	X(36, 0, INOUT_STRUCT(32)) /* F_OFD_GETLK */ \
	X(37, 0, IN_STRUCT(32)) /* F_OFD_SETLK */ \
	X(38, LB_BLOCKS, IN_STRUCT(32)) /* F_OFD_SETLKW */ \
	X(1035, 0, OUT_STRUCT(8)) /* F_GET_RW_HINT */ \
	X(1036, 0, IN_STRUCT(8)) /* F_SET_RW_HINT */ \
	X(1037, 0, OUT_STRUCT(8)) /* F_GET_FILE_RW_HINT */ \
	X(1038, 0, IN_STRUCT(8)) /* F_SET_FILE_RW_HINT */

#endif
