/* lb_syscalls.h - The system call table.
 *
 * It says of each x86-64 call where it runs after a move, and how its arguments travel. Marshalling, the shadow, the
 * tests and docs/SYSCALLS.md all follow it.
 *
 * Row: X(number, name, where, flags, arguments...), and a note for the reader of docs/SYSCALLS.md.
 * where  HOME     executed by the shadow, arguments as the row says
 *        HERE     executed on the node where the guest runs, as it is
 *        OWN      decided by lb_own_<name>() of the preloaded library (c/library/forward_*.c); its note begins with
 *                 where that is: home, node, both
 *        COME     brings the process home and is executed there
 *        REFUSED  ENOSYS, as every kernel in use answers
 * Every call of Linux 6.18 has a row. A number without one is that of a newer kernel, and brings the process home.
 */
#ifndef LB_SYSCALLS_H
#define LB_SYSCALLS_H

#include "lb_operands.h"

#define LB_SYSCALL_MAP(X) \
	X(0, read, HOME, LB_BLOCKS | LB_RESULT | LB_SPLIT_READ, FD, OUT(2), V) \
	X(1, write, HOME, LB_BLOCKS | LB_SPLIT_WRITE, FD, IN(2), V) \
	X(2, open, OWN, LB_BLOCKS, PATH, V, V) /* home; some files of /proc/self: node */ \
	X(3, close, HOME, 0, FD) \
	X(4, stat, HOME, 0, PATH, OUT_STRUCT(LB_STAT_SIZE)) \
	X(5, fstat, HOME, 0, FD, OUT_STRUCT(LB_STAT_SIZE)) \
	X(6, lstat, HOME, 0, PATH, OUT_STRUCT(LB_STAT_SIZE)) \
	X(7, poll, OWN, LB_BLOCKS | LB_NO_RESTART, INOUT_ARRAY(1, 8), V, V) \
	/* home; the limit goes on across moves */ \
	X(8, lseek, HOME, 0, FD, V, V) \
	X(9, mmap, OWN, 0, V, V, V, V, FD, V) \
	/* node; pages of a file are read from home once, and follow what the process writes; \
		 * to write to shared ones brings it home */ \
	X(10, mprotect, HERE, 0) \
	X(11, munmap, HERE, 0) \
	X(12, brk, HERE, 0) \
	X(13, rt_sigaction, OWN, 0)   /* node, and home is told which signals have handlers */ \
	X(14, rt_sigprocmask, OWN, 0) /* node; SIGSYS and SIGURG only seem blocked */ \
	X(15, rt_sigreturn, OWN, 0)   /* node */ \
	X(16, ioctl, OWN, 0, FD, V, V) \
	/* home, for the requests of LB_IOCTL_MAP; others bring the process home */ \
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
	X(29, shmget, COME, 0) /* memory shared with others */ \
	X(30, shmat, COME, 0)  /* as shmget */ \
	X(31, shmctl, COME, 0) /* as shmget */ \
	X(32, dup, HOME, 0, FD) \
	X(33, dup2, HOME, 0, FD, FD) \
	X(34, pause, HERE, 0)     /* by signals, which come here */ \
	X(35, nanosleep, OWN, 0)  /* node; the limit goes on across moves */ \
	X(36, getitimer, HERE, 0) /* timers move with the process */ \
	X(37, alarm, HERE, 0)     /* timers move with the process */ \
	X(38, setitimer, HERE, 0) /* timers move with the process */ \
	X(39, getpid, OWN, 0)     /* both: it is home's PID */ \
	X(40, sendfile, HOME, LB_BLOCKS, FD, FD, INOUT_STRUCT(8), V) \
	X(41, socket, HOME, 0, V, V, V) \
	X(42, connect, HOME, LB_BLOCKS, FD, IN_INT(2), V) \
	X(43, accept, HOME, LB_BLOCKS, FD, INOUT_BEHIND(2), INOUT_STRUCT(4)) \
	X(44, sendto, HOME, LB_BLOCKS | LB_SPLIT_WRITE, FD, IN(2), V, V, IN_INT(5), V) \
	X(45, recvfrom, HOME, LB_BLOCKS | LB_RESULT | LB_SPLIT_READ, FD, OUT(2), V, V, INOUT_BEHIND(5), \
		INOUT_STRUCT(4)) \
	X(46, sendmsg, OWN, LB_BLOCKS, FD) \
	/* home: name, data and control, descriptors too, as all of them are there */ \
	X(47, recvmsg, OWN, LB_BLOCKS, FD) /* home: as sendmsg */ \
	X(48, shutdown, HOME, 0, FD, V) \
	X(49, bind, HOME, 0, FD, IN_INT(2), V) \
	X(50, listen, HOME, 0, FD, V) \
	X(51, getsockname, HOME, 0, FD, INOUT_BEHIND(2), INOUT_STRUCT(4)) \
	X(52, getpeername, HOME, 0, FD, INOUT_BEHIND(2), INOUT_STRUCT(4)) \
	X(53, socketpair, HOME, 0, V, V, V, OUT_STRUCT(8)) \
	X(54, setsockopt, OWN, 0, FD, V, V, IN_INT(4), V) \
	/* home; options whose value points to more memory bring the process home */ \
	X(55, getsockopt, OWN, 0, FD, V, V, INOUT_BEHIND(4), INOUT_STRUCT(4)) \
	/* home; as setsockopt */ \
	X(56, clone, OWN, 0)  /* home: children are made there; threads at both */ \
	X(57, fork, OWN, 0)   /* home: children are made there */ \
	X(58, vfork, OWN, 0)  /* home: children are made there */ \
	X(59, execve, OWN, 0) /* home, where its next program runs */ \
	X(60, exit, OWN, 0)   /* both */ \
	X(61, wait4, HOME, LB_BLOCKS, V, INOUT_STRUCT(4), V, INOUT_STRUCT(LB_RUSAGE_SIZE)) \
	/* children are at home */ \
	X(62, kill, OWN, LB_BLOCKS, V, V)                  /* node for itself; home for all others */ \
	X(63, uname, HOME, 0, OUT_STRUCT(LB_UTSNAME_SIZE)) /* home's name and kernel */ \
	X(64, semget, HOME, 0, V, V, V) \
	X(65, semop, HOME, LB_BLOCKS | LB_NO_RESTART, V, IN_ARRAY(2, 6), V) \
	/* SEM_UNDO too: the shadow is the same process */ \
	X(66, semctl, OWN, 0, V, V, V, INOUT_GIVEN) \
	/* home: what its fourth argument is depends on the command */ \
	X(67, shmdt, HERE, 0) /* there is nothing to detach: what has such memory stays at home */ \
	X(68, msgget, HOME, 0, V, V) \
	X(69, msgsnd, OWN, LB_BLOCKS | LB_NO_RESTART, V, IN_GIVEN, V, V) \
	/* home: the buffer is 8 bytes longer than its length says */ \
	X(70, msgrcv, OWN, LB_BLOCKS | LB_NO_RESTART, V, INOUT_GIVEN, V, V, V) /* home: as msgsnd */ \
	X(71, msgctl, OWN, 0, V, V, INOUT_GIVEN) \
	/* home: what its third argument is depends on the command */ \
	X(72, fcntl, OWN, 0, FD, V, V) /* home, for pointers those of LB_FCNTL_MAP */ \
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
	X(89, readlink, OWN, LB_RESULT, PATH, OUT(2), V) /* home; /proc/self/exe is the program's */ \
	X(90, chmod, HOME, 0, PATH, V) \
	X(91, fchmod, HOME, 0, FD, V) \
	X(92, chown, HOME, 0, PATH, V, V) \
	X(93, fchown, HOME, 0, FD, V, V) \
	X(94, lchown, HOME, 0, PATH, V, V) \
	X(95, umask, HOME, 0, V) \
	X(96, gettimeofday, HERE, 0) /* the node's clock: keep the nodes' clocks together */ \
	X(97, getrlimit, OWN, 0, V, OUT_STRUCT(16)) \
	/* home for NOFILE, FSIZE, NPROC, LOCKS, MSGQUEUE, NICE; node for all others */ \
	X(98, getrusage, OWN, 0, V, OUT_STRUCT(LB_RUSAGE_SIZE)) \
	/* both: CPU time adds up; of children: home's */ \
	X(99, sysinfo, HOME, 0, OUT_STRUCT(LB_SYSINFO_SIZE)) /* home's */ \
	X(100, times, OWN, 0)                                /* both: CPU time adds up */ \
	X(101, ptrace, COME, 0)                              /* what it traces is at home */ \
	X(102, getuid, HOME, 0) \
	X(103, syslog, HOME, LB_BLOCKS | LB_RESULT, V, OUT(2), V) \
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
	X(115, getgroups, HOME, LB_RESULT, V, OUT_ARRAY(0, 4)) \
	X(116, setgroups, HOME, 0, V, IN_ARRAY(0, 4)) \
	X(117, setresuid, HOME, 0, V, V, V) \
	X(118, getresuid, HOME, 0, OUT_STRUCT(4), OUT_STRUCT(4), OUT_STRUCT(4)) \
	X(119, setresgid, HOME, 0, V, V, V) \
	X(120, getresgid, HOME, 0, OUT_STRUCT(4), OUT_STRUCT(4), OUT_STRUCT(4)) \
	X(121, getpgid, HOME, 0, V) \
	X(122, setfsuid, HOME, 0, V) \
	X(123, setfsgid, HOME, 0, V) \
	X(124, getsid, HOME, 0, V) \
	X(125, capget, OWN, 0, INOUT_STRUCT(8), INOUT_GIVEN) /* home: the version tells the size */ \
	X(126, capset, OWN, 0, INOUT_STRUCT(8), IN_GIVEN)    /* home: as capget */ \
	X(127, rt_sigpending, OWN, 0, OUT(1), V)             /* node; those that wait for a signalfd: home */ \
	X(128, rt_sigtimedwait, OWN, 0)                      /* node; the limit goes on across moves */ \
	X(129, rt_sigqueueinfo, OWN, 0, V, V, IN_STRUCT(LB_SIGINFO_SIZE)) \
	/* node for itself; home for all others */ \
	X(130, rt_sigsuspend, OWN, 0) /* node */ \
	X(131, sigaltstack, HERE, 0) \
	X(132, utime, HOME, 0, PATH, IN_STRUCT(16)) \
	X(133, mknod, HOME, 0, PATH, V, V) \
	X(134, uselib, REFUSED, 0) /* not in Linux any more */ \
	X(135, personality, OWN, 0, V) \
	/* home where it asks; a change brings the process home: it concerns memory */ \
	X(136, ustat, HOME, 0, V, OUT_STRUCT(32)) \
	X(137, statfs, HOME, 0, PATH, OUT_STRUCT(LB_STATFS_SIZE)) \
	X(138, fstatfs, HOME, 0, FD, OUT_STRUCT(LB_STATFS_SIZE)) \
	X(139, sysfs, COME, 0) /* three calls in one, and nobody makes it */ \
	X(140, getpriority, HOME, 0, V, V) \
	X(141, setpriority, OWN, 0, V, V, V)            /* both */ \
	X(142, sched_setparam, OWN, 0, V, IN_STRUCT(4)) /* both */ \
	X(143, sched_getparam, HOME, 0, V, OUT_STRUCT(4)) \
	X(144, sched_setscheduler, OWN, 0, V, V, IN_STRUCT(4)) /* both */ \
	X(145, sched_getscheduler, HOME, 0, V) \
	X(146, sched_get_priority_max, HERE, 0) \
	X(147, sched_get_priority_min, HERE, 0) \
	X(148, sched_rr_get_interval, HOME, 0, V, OUT_STRUCT(LB_TIMESPEC_SIZE)) \
	X(149, mlock, HERE, 0) /* locks move with the process */ \
	X(150, munlock, HERE, 0) \
	X(151, mlockall, OWN, 0) /* node, without the library's memory; locks move with the process */ \
	X(152, munlockall, HERE, 0) \
	X(153, vhangup, HOME, 0) \
	X(154, modify_ldt, COME, 0) /* segments of its own cannot be carried */ \
	X(155, pivot_root, COME, 0) /* the shadow must find its files */ \
	X(156, _sysctl, REFUSED, 0) /* not in Linux any more: 5.5 */ \
	X(157, prctl, OWN, 0) \
	/* by option: names both, memory and timing node, rights home; others bring it home */ \
	X(158, arch_prctl, OWN, 0) \
	/* node: FS and GS bases are registers; cpuid that faults and shadow stacks bring the \
		 * process home */ \
	X(159, adjtimex, HOME, 0, INOUT_STRUCT(208)) /* home's clock is the one to set */ \
	X(160, setrlimit, OWN, 0, V, IN_STRUCT(16))  /* home or node: as getrlimit */ \
	X(161, chroot, COME, 0)                      /* the shadow must find its files */ \
	X(162, sync, HOME, LB_BLOCKS) \
	X(163, acct, HOME, 0, PATH) \
	X(164, settimeofday, HOME, 0, IN_STRUCT(16), IN_STRUCT(8)) \
	/* home's clock is the one to set */ \
	X(165, mount, COME, 0) /* what its data is depends on the file system */ \
	X(166, umount2, HOME, 0, PATH, V) \
	X(167, swapon, HOME, 0, PATH, V) \
	X(168, swapoff, HOME, 0, PATH) \
	X(169, reboot, COME, 0) /* home is what it ends */ \
	X(170, sethostname, HOME, 0, IN(1), V) \
	X(171, setdomainname, HOME, 0, IN(1), V) \
	X(172, iopl, COME, 0)             /* ports are of one machine */ \
	X(173, ioperm, COME, 0)           /* as iopl */ \
	X(174, create_module, REFUSED, 0) /* not in Linux any more: 2.6 */ \
	X(175, init_module, COME, 0)      /* its image may be longer than a message */ \
	X(176, delete_module, HOME, 0, STR, V) \
	X(177, get_kernel_syms, REFUSED, 0) /* not in Linux any more: 2.6 */ \
	X(178, query_module, REFUSED, 0)    /* not in Linux any more: 2.6 */ \
	X(179, quotactl, COME, 0)           /* what its data is depends on the command */ \
	X(180, nfsservctl, REFUSED, 0)      /* not in Linux any more: 3.1 */ \
	X(181, getpmsg, REFUSED, 0)         /* never was in Linux for x86-64 */ \
	X(182, putpmsg, REFUSED, 0)         /* never was in Linux for x86-64 */ \
	X(183, afs_syscall, REFUSED, 0)     /* never was in Linux for x86-64 */ \
	X(184, tuxcall, REFUSED, 0)         /* never was in Linux for x86-64 */ \
	X(185, security, REFUSED, 0)        /* never was in Linux for x86-64 */ \
	X(186, gettid, OWN, 0)              /* both: it is home's TID */ \
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
	X(200, tkill, OWN, LB_BLOCKS, V, V) /* node for itself; home for all others */ \
	X(201, time, HERE, 0) \
	X(202, futex, OWN, 0) \
	/* node; limits that are points in time are translated; PI futexes bring the \
		 * process home */ \
	X(203, sched_setaffinity, OWN, 0, V, V, IN(1)) /* both */ \
	X(204, sched_getaffinity, HOME, LB_RESULT, V, V, OUT(1)) \
	X(205, set_thread_area, REFUSED, 0) /* never was in Linux for x86-64 */ \
	X(206, io_setup, COME, 0)           /* the kernel and the process share a ring in memory */ \
	X(207, io_destroy, COME, 0)         /* the kernel and the process share a ring in memory */ \
	X(208, io_getevents, COME, 0)       /* the kernel and the process share a ring in memory */ \
	X(209, io_submit, COME, 0)          /* the kernel and the process share a ring in memory */ \
	X(210, io_cancel, COME, 0)          /* the kernel and the process share a ring in memory */ \
	X(211, get_thread_area, REFUSED, 0) /* never was in Linux for x86-64 */ \
	X(212, lookup_dcookie, REFUSED, 0)  /* not in Linux any more: 6.8 */ \
	X(213, epoll_create, HOME, 0, V) \
	X(214, epoll_ctl_old, REFUSED, 0)  /* never was in Linux for x86-64 */ \
	X(215, epoll_wait_old, REFUSED, 0) /* never was in Linux for x86-64 */ \
	X(216, remap_file_pages, HERE, 0)  /* for shared mappings only, of which there are none */ \
	X(217, getdents64, HOME, LB_RESULT, FD, OUT(2), V) \
	X(218, set_tid_address, OWN, 0) /* node; answers home's TID */ \
	X(219, restart_syscall, HERE, 0) \
	X(220, semtimedop, OWN, LB_BLOCKS | LB_NO_RESTART, V, IN_ARRAY(2, 6), V, \
		IN_STRUCT(LB_TIMESPEC_SIZE)) /* home; the limit goes on across moves */ \
	X(221, fadvise64, HOME, 0, FD, V, V, V) \
	X(222, timer_create, OWN, 0)     /* node; clocks and thread are translated */ \
	X(223, timer_settime, OWN, 0)    /* node; points in time are translated */ \
	X(224, timer_gettime, OWN, 0)    /* node */ \
	X(225, timer_getoverrun, OWN, 0) /* node */ \
	X(226, timer_delete, OWN, 0)     /* node */ \
	X(227, clock_settime, HOME, 0, V, IN_STRUCT(LB_TIMESPEC_SIZE)) \
	/* home's clock is the one to set */ \
	X(228, clock_gettime, OWN, 0, V, OUT_STRUCT(LB_TIMESPEC_SIZE)) \
	/* node; monotonic clocks go on, CPU time adds up; of other processes: home's */ \
	X(229, clock_getres, OWN, 0, V, OUT_STRUCT(LB_TIMESPEC_SIZE)) \
	/* node; of other processes: home's */ \
	X(230, clock_nanosleep, OWN, 0) /* node; points in time are translated */ \
	X(231, exit_group, OWN, 0)      /* both */ \
	X(232, epoll_wait, OWN, LB_BLOCKS | LB_NO_RESTART | LB_RESULT, FD, OUT_ARRAY(2, 12), V, V) \
	/* home; the limit goes on across moves */ \
	X(233, epoll_ctl, HOME, 0, FD, V, FD, IN_STRUCT(12)) \
	X(234, tgkill, OWN, LB_BLOCKS, V, V, V) /* node for itself; home for all others */ \
	X(235, utimes, HOME, 0, PATH, IN_STRUCT(32)) \
	X(236, vserver, REFUSED, 0) /* never was in Linux for x86-64 */ \
	X(237, mbind, HERE, 0) \
	X(238, set_mempolicy, HERE, 0) \
	X(239, get_mempolicy, HERE, 0) \
	X(240, mq_open, HOME, 0, STR, V, V, IN_STRUCT(64)) \
	X(241, mq_unlink, HOME, 0, STR) \
	X(242, mq_timedsend, HOME, LB_BLOCKS, FD, IN(2), V, V, IN_STRUCT(LB_TIMESPEC_SIZE)) \
	/* its limit is a point in time */ \
	X(243, mq_timedreceive, HOME, LB_BLOCKS, FD, INOUT(2), V, INOUT_STRUCT(4), \
		IN_STRUCT(LB_TIMESPEC_SIZE)) /* its limit is a point in time */ \
	X(244, mq_notify, OWN, 0, FD, IN_STRUCT(64)) \
	/* home, where the signal comes to its PID; by a thread: the process comes home */ \
	X(245, mq_getsetattr, HOME, 0, FD, IN_STRUCT(64), OUT_STRUCT(64)) \
	X(246, kexec_load, COME, 0) /* home is what it replaces */ \
	X(247, waitid, HOME, LB_BLOCKS, V, V, INOUT_STRUCT(LB_SIGINFO_SIZE), V, INOUT_STRUCT(LB_RUSAGE_SIZE)) \
	X(248, add_key, COME, 0) /* its keys are at home */ \
	X(249, request_key, COME, 0) \
	/* its keys are at home */ \
	X(250, keyctl, COME, 0) /* its keys are at home */ \
	X(251, ioprio_set, HOME, 0, V, V, V) \
	X(252, ioprio_get, HOME, 0, V, V) \
	X(253, inotify_init, HOME, 0) \
	X(254, inotify_add_watch, HOME, 0, FD, PATH, V) \
	X(255, inotify_rm_watch, HOME, 0, FD, V) \
	X(256, migrate_pages, OWN, 0) \
	/* node: its own pages; those of another process bring it home */ \
	X(257, openat, OWN, LB_BLOCKS, FD, PATH, V, V) /* home; some files of /proc/self: node */ \
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
	/* home; /proc/self/exe is the program's */ \
	X(268, fchmodat, HOME, 0, FD, PATH, V) \
	X(269, faccessat, HOME, 0, FD, PATH, V) \
	X(270, pselect6, OWN, LB_BLOCKS | LB_NO_RESTART, V, INOUT_BITS(0), INOUT_BITS(0), INOUT_BITS(0), \
		INOUT_STRUCT(16), V) /* home; its mask holds here */ \
	X(271, ppoll, OWN, LB_BLOCKS | LB_NO_RESTART, INOUT_ARRAY(1, 8), V, INOUT_STRUCT(16), V, \
		V)               /* home; its mask holds here */ \
	X(272, unshare, COME, 0) /* the shadow's namespaces are its home's */ \
	X(273, set_robust_list, HERE, 0) \
	X(274, get_robust_list, OWN, 0) /* node for itself */ \
	X(275, splice, HOME, LB_BLOCKS, FD, INOUT_STRUCT(8), FD, INOUT_STRUCT(8), V, V) \
	X(276, tee, HOME, LB_BLOCKS, FD, FD, V, V) \
	X(277, sync_file_range, HOME, LB_BLOCKS, FD, V, V, V) \
	X(278, vmsplice, OWN, LB_BLOCKS, FD, IOV_IN(2), V, V) \
	/* home, without gifts: memory is not shared with the pipe */ \
	X(279, move_pages, OWN, 0) /* node: as migrate_pages */ \
	X(280, utimensat, HOME, 0, FD, PATH, IN_STRUCT(32), V) \
	X(281, epoll_pwait, OWN, LB_BLOCKS | LB_NO_RESTART | LB_RESULT, FD, OUT_ARRAY(2, 12), V, V, V, V) \
	/* home; the limit goes on across moves */ \
	X(282, signalfd, OWN, 0, FD, IN(2), V) /* home, where its signals wait from then on */ \
	X(283, timerfd_create, HOME, 0, V, V)  /* timers at home */ \
	X(284, eventfd, HOME, 0, V) \
	X(285, fallocate, HOME, LB_BLOCKS, FD, V, V, V) \
	X(286, timerfd_settime, HOME, 0, FD, V, IN_STRUCT(LB_ITIMERSPEC_SIZE), OUT_STRUCT(LB_ITIMERSPEC_SIZE)) \
	X(287, timerfd_gettime, HOME, 0, FD, OUT_STRUCT(LB_ITIMERSPEC_SIZE)) \
	X(288, accept4, HOME, LB_BLOCKS, FD, INOUT_BEHIND(2), INOUT_STRUCT(4), V) \
	X(289, signalfd4, OWN, 0, FD, IN(2), V, V) /* home: as signalfd */ \
	X(290, eventfd2, HOME, 0, V, V) \
	X(291, epoll_create1, HOME, 0, V) \
	X(292, dup3, HOME, 0, FD, FD, V) \
	X(293, pipe2, HOME, 0, OUT_STRUCT(8), V) \
	X(294, inotify_init1, HOME, 0, V) \
	X(295, preadv, HOME, LB_RESULT | LB_SPLIT_READ | LB_OFFSET, FD, IOV_OUT(2), V, V, V) \
	X(296, pwritev, HOME, LB_SPLIT_WRITE | LB_OFFSET, FD, IOV_IN(2), V, V, V) \
	X(297, rt_tgsigqueueinfo, OWN, 0, V, V, V, IN_STRUCT(LB_SIGINFO_SIZE)) \
	/* node for itself; home for all others */ \
	X(298, perf_event_open, COME, 0) \
	/* counts the processor where the process runs, by memory that is shared with it */ \
	X(299, recvmmsg, OWN, LB_BLOCKS | LB_NO_RESTART, FD) /* home, message by message */ \
	X(300, fanotify_init, HOME, 0, V, V) \
	X(301, fanotify_mark, HOME, 0, FD, V, V, FD, PATH) \
	X(302, prlimit64, OWN, 0, V, V, IN_STRUCT(16), OUT_STRUCT(16)) \
	/* home or node: as getrlimit; for another process: home */ \
	X(303, name_to_handle_at, OWN, 0, FD, PATH, INOUT_GIVEN, INOUT_STRUCT(4), V) \
	/* home: the handle tells its size */ \
	X(304, open_by_handle_at, OWN, 0, FD, IN_GIVEN, V)   /* home: as name_to_handle_at */ \
	X(305, clock_adjtime, HOME, 0, V, INOUT_STRUCT(208)) /* home's clock is the one to set */ \
	X(306, syncfs, HOME, LB_BLOCKS, FD) \
	X(307, sendmmsg, OWN, LB_BLOCKS, FD) /* home, message by message */ \
	X(308, setns, COME, 0)               /* as unshare */ \
	X(309, getcpu, HERE, 0) \
	X(310, process_vm_readv, OWN, 0)           /* node for itself; another process brings it home */ \
	X(311, process_vm_writev, OWN, 0)          /* node for itself; another process brings it home */ \
	X(312, kcmp, OWN, 0, V, V, V, V, IN_GIVEN) /* home; its kind 7 has a struct */ \
	X(313, finit_module, HOME, LB_BLOCKS, FD, STR, V) \
	X(314, sched_setattr, OWN, 0, V, IN_GIVEN, V) /* both */ \
	X(315, sched_getattr, HOME, 0, V, OUT(2), V, V) \
	X(316, renameat2, HOME, 0, FD, PATH, FD, PATH, V) \
	X(317, seccomp, COME, 0) /* a filter would catch what the shadow does */ \
	X(318, getrandom, HERE, 0) \
	X(319, memfd_create, HOME, 0, STR, V) \
	/* mapped for reading it is a copy; shared and writable it brings the process \
		 * home */ \
	X(320, kexec_file_load, COME, 0) /* as kexec_load */ \
	X(321, bpf, COME, 0)             /* what its data is depends on the command */ \
	X(322, execveat, OWN, 0)         /* home, where its next program runs */ \
	X(323, userfaultfd, COME, 0)     /* memory whose faults a descriptor at home tells */ \
	X(324, membarrier, HERE, 0) \
	X(325, mlock2, HERE, 0) \
	X(326, copy_file_range, HOME, LB_BLOCKS, FD, INOUT_STRUCT(8), FD, INOUT_STRUCT(8), V, V) \
	X(327, preadv2, HOME, LB_BLOCKS | LB_RESULT | LB_SPLIT_READ | LB_OFFSET, FD, IOV_OUT(2), V, V, V, V) \
	X(328, pwritev2, HOME, LB_BLOCKS | LB_SPLIT_WRITE | LB_OFFSET, FD, IOV_IN(2), V, V, V, V) \
	X(329, pkey_mprotect, HERE, 0) \
	X(330, pkey_alloc, HERE, 0) \
	X(331, pkey_free, HERE, 0) \
	X(332, statx, HOME, 0, FD, PATH, V, V, OUT_STRUCT(LB_STATX_SIZE)) \
	X(333, io_pgetevents, COME, 0) /* as io_getevents */ \
	X(334, rseq, OWN, 0)           /* node; what is registered is registered again in the restored process */ \
	X(335, uretprobe, HERE, 0)     /* only the kernel makes it */ \
	X(336, uprobe, HERE, 0)        /* only the kernel makes it */ \
	X(424, pidfd_send_signal, HOME, 0, FD, V, IN_STRUCT(LB_SIGINFO_SIZE), V) \
	X(425, io_uring_setup, COME, 0)    /* the kernel and the process share rings in memory */ \
	X(426, io_uring_enter, COME, 0)    /* the kernel and the process share rings in memory */ \
	X(427, io_uring_register, COME, 0) /* the kernel and the process share rings in memory */ \
	X(428, open_tree, HOME, 0, FD, PATH, V) \
	X(429, move_mount, HOME, 0, FD, PATH, FD, PATH, V) \
	X(430, fsopen, HOME, 0, STR, V) \
	X(431, fsconfig, COME, 0) /* what its value is depends on the command */ \
	X(432, fsmount, HOME, 0, FD, V, V) \
	X(433, fspick, HOME, 0, FD, PATH, V) \
	X(434, pidfd_open, HOME, 0, V, V) \
	X(435, clone3, OWN, 0) /* home: children are made there; threads at both */ \
	X(436, close_range, HOME, 0, FD, FD, V) \
	X(437, openat2, OWN, LB_BLOCKS, FD, PATH, IN(3), V) \
	/* home; some files of /proc/self: node */ \
	X(438, pidfd_getfd, HOME, 0, FD, FD, V) \
	X(439, faccessat2, HOME, 0, FD, PATH, V, V) \
	X(440, process_madvise, COME, 0) /* its pidfd would be the shadow */ \
	X(441, epoll_pwait2, OWN, LB_BLOCKS | LB_NO_RESTART | LB_RESULT, FD, OUT_ARRAY(2, 12), V, \
		IN_STRUCT(LB_TIMESPEC_SIZE), V, V) /* home; the limit goes on across moves */ \
	X(442, mount_setattr, HOME, 0, FD, PATH, V, IN(4), V) \
	X(443, quotactl_fd, COME, 0)             /* as quotactl */ \
	X(444, landlock_create_ruleset, COME, 0) /* its rules would bind the shadow */ \
	X(445, landlock_add_rule, COME, 0)       /* its rules would bind the shadow */ \
	X(446, landlock_restrict_self, COME, 0)  /* its rules would bind the shadow */ \
	X(447, memfd_secret, COME, 0)            /* memory that cannot be read cannot move */ \
	X(448, process_mrelease, HOME, 0, FD, V) \
	X(449, futex_waitv, OWN, 0) /* node; its limit is a point in time */ \
	X(450, set_mempolicy_home_node, HERE, 0) \
	X(451, cachestat, HOME, 0, FD, IN_STRUCT(16), OUT_STRUCT(40), V) \
	X(452, fchmodat2, HOME, 0, FD, PATH, V, V) \
	X(453, map_shadow_stack, COME, 0) /* shadow stacks are of the processor and the kernel */ \
	X(454, futex_wake, HERE, 0) \
	X(455, futex_wait, OWN, 0) /* node; its limit is a point in time */ \
	X(456, futex_requeue, HERE, 0) \
	X(457, statmount, COME, 0) /* its request tells its own size */ \
	X(458, listmount, COME, 0) /* its request tells its own size */ \
	X(459, lsm_get_self_attr, HOME, 0, V, INOUT_BEHIND(2), INOUT_STRUCT(4), V) \
	X(460, lsm_set_self_attr, COME, 0) /* it would bind the shadow */ \
	X(461, lsm_list_modules, HOME, 0, INOUT_BEHIND(1), INOUT_STRUCT(4), V) \
	X(462, mseal, HERE, 0)      /* seals move with the process */ \
	X(463, setxattrat, COME, 0) /* its value lies behind another pointer */ \
	X(464, getxattrat, COME, 0) /* its value lies behind another pointer */ \
	X(465, listxattrat, HOME, LB_RESULT, FD, PATH, V, OUT(4), V) \
	X(466, removexattrat, HOME, 0, FD, PATH, V, STR) \
	X(467, open_tree_attr, HOME, 0, FD, PATH, V, IN(4), V) \
	X(468, file_getattr, HOME, 0, FD, PATH, OUT(3), V, V) \
	X(469, file_setattr, HOME, 0, FD, PATH, IN(3), V, V)

#endif
