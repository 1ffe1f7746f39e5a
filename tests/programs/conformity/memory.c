/* memory.c - Mappings and the heap.
 *
 * And what calls say to memory that is not there.
 */
#include "conformity.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void check_files(void)
{
	int fd = make_file("mapped", "text of a file"), reader = open("mapped", O_RDONLY), writer;
	char text[32] = "";
	char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	show("a private mapping", "%.14s %d", memory, memory[100]);
	memory[0] = 'T';
	pread(fd, text, 4, 0);
	show("a write to it stays in it", "%.4s %.4s", memory, text);
	munmap(memory, 8192);
	memory = mmap(NULL, 4096, PROT_READ, MAP_SHARED, reader, 0);
	show("a shared mapping for reading", "%.14s", memory == MAP_FAILED ? "none" : memory);
	munmap(memory, 4096);
	WORKS("mmap shared for writing of a file open for reading",
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0));
	writer = open("mapped", O_WRONLY);
	WORKS("mmap of a file open for writing", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, writer, 0));
	WORKS("mmap of a closed descriptor", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 999, 0));
	WORKS("mmap of nothing", mmap(NULL, 0, PROT_READ, MAP_PRIVATE, fd, 0));
	WORKS("mmap at half a page", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 100));
	WORKS("mmap of no kind", mmap(NULL, 4096, PROT_READ, 0, fd, 0));
	close(writer);
	close(reader);
	close(fd);
	fd = open(".", O_RDONLY);
	WORKS("mmap of a folder", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
	close(fd);
}

/* A disk's file system gives the next file the number of one that is gone: what is mapped is another file. */
static void check_unlinked(void)
{
	int fd = make_file("unlinked", "still here");
	char *memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0), name[16];

	close(fd);
	CALL("unlink what is mapped", unlink("unlinked"));
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof name, "next%d", i);
		fd = make_file(name, "another file, longer than the first one");
		must("ftruncate", ftruncate(fd, i));
		close(fd);
	}
	show("a file without a name", "%.10s", memory);
	munmap(memory, 4096);
}

static void check_anonymous(void)
{
	char *memory = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *moved;
	char *end = sbrk(0);
	unsigned char pages[4];
	struct iovec here = { memory, 4 }, there = { memory + 4096, 4 };

	memset(memory, 'm', 16384);
	CALL("mprotect", mprotect(memory, 4096, PROT_READ));
	CALL("mprotect of half a page", mprotect(memory + 1, 4096, PROT_READ));
	CALL("mprotect of what is not there", mprotect(BAD, 4096, PROT_READ));
	CALL("mprotect back", mprotect(memory, 4096, PROT_READ | PROT_WRITE));
	CALL("madvise MADV_DONTNEED", madvise(memory, 4096, MADV_DONTNEED));
	show("it is zero", "%d %c", memory[0], memory[4096]);
	CALL("madvise of something unknown", madvise(memory, 4096, 9999));
	CALL("mincore", mincore(memory, 16384, pages));
	show("pages", "%d %d", pages[1] & 1, pages[3] & 1);
	CALL("msync", msync(memory, 16384, MS_SYNC));
	CALL("mlock", mlock(memory, 4096));
	CALL("mlockall of what is there", mlockall(MCL_CURRENT | MCL_ONFAULT));
	CALL("munlockall", munlockall());
	CALL("mlockall of nothing", mlockall(0));
	CALL("mlockall, flags of no kernel", mlockall(MCL_CURRENT | 64));
	CALL("munlock", munlock(memory, 4096));
	moved = mremap(memory, 16384, 1 << 20, MREMAP_MAYMOVE);
	show("mremap", "%d %c %d", moved != MAP_FAILED, moved[4096], moved[20000]);
	WORKS("mremap that may not move", mremap(moved, 1 << 20, 1l << 46, 0));
	CALL("munmap", munmap(moved, 1 << 20));
	CALL("munmap again", munmap(moved, 1 << 20));
	CALL("munmap of half a page", munmap(moved + 1, 4096));
	WORKS("mmap at the top",
		mmap((void *)~4095ul, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	show("sbrk", "%d", sbrk(1 << 20) == end);
	end[100] = 'x';
	show("the new heap", "%d %d", end[99], end[(1 << 20) - 1]);
	show("sbrk back", "%d", sbrk(-(1 << 20)) == end + (1 << 20));
	memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(memory + 4096, "copy", 4);
	here.iov_base = memory;
	there.iov_base = memory + 4096;
	CALL("process_vm_readv of oneself", process_vm_readv(getpid(), &here, 1, &there, 1, 0));
	show("it", "%.4s", memory);
	CALL("process_vm_writev of oneself", process_vm_writev(getpid(), &here, 1, &there, 1, 0));
	munmap(memory, 8192);
}

static sigjmp_buf beyond;

static void on_bus_error(int number)
{
	(void)number;
	siglongjmp(beyond, 1);
}

/* A byte, or -1: SIGBUS. */
static int byte_at(const volatile char *at)
{
	signal(SIGBUS, on_bus_error);
	int byte = sigsetjmp(beyond, 1) == 0 ? *at : -1;
	signal(SIGBUS, SIG_DFL);
	return byte;
}

static void show_mapped(const char *what, const char *memory)
{
	show(what, "%.6s %d %d %d %d", byte_at(memory) < 0 ? "none" : memory, byte_at(memory + 100),
		byte_at(memory + 4096), byte_at(memory + 8192), byte_at(memory + 3 * 4096));
}

/* What the program writes to a file shows in its mappings, but where they have been written to. */
/* The kernel itself moves bytes to a file that is mapped, and within it. */
static void check_filled(int fd, const char *shared)
{
	int from = make_file("source", "0123456789"), ends[2];
	off_t at = 100, to = 4;
	char punched;

	must("ftruncate", ftruncate(fd, 2 * 4096));
	must("pipe", pipe(ends));
	must("write", write(ends[1], "pipe", 4));
	CALL("lseek", lseek(fd, 50, SEEK_SET));
	CALL("sendfile to it", sendfile(fd, from, NULL, 10));
	CALL("copy_file_range to it", copy_file_range(from, &to, fd, &at, 3, 0));
	CALL("copy_file_range to where its offset is", copy_file_range(from, &to, fd, NULL, 2, 0));
	CALL("splice to it", splice(ends[0], NULL, fd, &(off_t){ 200 }, 4, 0));
	show("filled", "%.12s %.3s %.4s", shared + 50, shared + 100, shared + 200);
	punched = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 200, 2) == 0;
	show("punched", "%d %.2s", punched && shared[200] == 0 && shared[201] == 0, shared + 202);
	CALL("fallocate of more", fallocate(fd, 0, 0, 3 * 4096));
	show("longer", "%.2s %d", shared + 50, shared[2 * 4096 + 5]);
	close(from);
	close(ends[0]);
	close(ends[1]);
}

static void check_mapped(void)
{
	char text[8192];
	int fd = make_file("written", "before"), reader = open("written", O_RDONLY), other;
	struct iovec pieces[2] = { { "vec", 3 }, { "tor", 3 } };

	memset(text, 'w', sizeof text);
	must("ftruncate", ftruncate(fd, 3 * 4096));
	char *memory = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	char *shared = mmap(NULL, 4 * 4096, PROT_READ, MAP_SHARED, reader, 0);
	close(reader);
	memory[4096] = 'p';
	show_mapped("mapped", memory);
	CALL("pwrite to it", pwrite(fd, "after", 5, 0));
	show_mapped("private", memory);
	show_mapped("shared", shared);
	CALL("lseek", lseek(fd, 4096, SEEK_SET));
	CALL("write to it", write(fd, text, 4097));
	show_mapped("private", memory);
	show_mapped("shared", shared);
	CALL("writev to it", writev(fd, pieces, 2));
	show("vector", "%.6s %.6s", memory + 2 * 4096 + 1, shared + 2 * 4096 + 1);
	other = open("written", O_WRONLY | O_APPEND);
	CALL("write to its end", write(other, text, 4096));
	show_mapped("longer", memory);
	CALL("ftruncate", ftruncate(fd, 4096));
	show_mapped("shorter", memory);
	show_mapped("shared", shared);
	CALL("ftruncate back", ftruncate(fd, 2 * 4096 + 10));
	show_mapped("longer", memory);
	CALL("madvise MADV_DONTNEED", madvise(memory, 4096, MADV_DONTNEED));
	show_mapped("anew", memory);
	close(other);
	other = open("written", O_WRONLY | O_TRUNC);
	show_mapped("empty", shared);
	CALL("write to it", write(other, "again", 5));
	show_mapped("again", memory);
	close(other);
	check_filled(fd, shared);
	close(fd);
	munmap(memory, 4 * 4096);
	munmap(shared, 4 * 4096);
}

/* In a child: memory of its parent that was written to, of which it has a copy, is as anonymous as there. */
static void use_inherited(char *memory)
{
	static char data[3 * 4096] = "d";
	char *inside = (char *)(((uintptr_t)data + 4095) & ~4095ul), *end = sbrk(0), *moved;

	unsigned char page;

	show("what was inherited", "%c %c", memory[0], memory[5 * 4096]);
	CALL("mincore of MADV_DONTFORK", mincore(memory + 20 * 4096, 4096, &page));
	show("MADV_WIPEONFORK", "%d %c", memory[24 * 4096], memory[25 * 4096]);
	CALL("madvise MADV_DONTNEED of it", madvise(memory, 4096, MADV_DONTNEED));
	show("it is zero", "%d %c", memory[0], memory[4096]);
	CALL("madvise MADV_DONTNEED of data", madvise(inside, 4096, MADV_DONTNEED));
	show("that is zero", "%d", inside[0]);
	CALL("madvise MADV_FREE", madvise(memory, 4096, MADV_FREE));
	CALL("madvise MADV_WIPEONFORK", madvise(memory, 4096, MADV_WIPEONFORK));
	CALL("madvise MADV_KEEPONFORK", madvise(memory, 4096, MADV_KEEPONFORK));
	moved = mremap(memory, 4 * 4096, 16 * 4096, MREMAP_MAYMOVE);
	show("it grows", "%c %d %d", moved[3 * 4096], moved[4 * 4096], moved[15 * 4096]);
	sbrk(1 << 18);
	show("and the heap", "%d %d", end[0], end[(1 << 18) - 1]);
}

static void check_inherited(void)
{
	char *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status = -1;

	memset(memory, 'x', 1 << 20);
	madvise(memory + 20 * 4096, 4096, MADV_DONTFORK);
	madvise(memory + 24 * 4096, 4096, MADV_WIPEONFORK);
	for (int i = 0; i < 2; i++) { /* of the second only what has changed travels */
		pid_t child = must("fork", fork());
		if (child == 0) {
			use_inherited(memory);
			_exit(i);
		}
		CALL("waitpid", waitpid(child, &status, 0) == child);
		show("status", "%d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	}
	munmap(memory, 1 << 20);
}

static void run_memory(void)
{
	check_files();
	check_mapped();
	check_unlinked();
	check_anonymous();
	check_inherited();
}

static int file_fd, socket_fds[2], epoll_fd, pipe_fds[2];

#define FAULT(name, ...) CALL(#name, syscall(SYS_##name, __VA_ARGS__))

static void check_bad_files(void)
{
	FAULT(read, file_fd, BAD, 10);
	FAULT(write, file_fd, BAD, 10);
	FAULT(pread64, file_fd, BAD, 10, 0);
	FAULT(pwrite64, file_fd, BAD, 10, 0);
	FAULT(readv, file_fd, BAD, 1);
	FAULT(writev, file_fd, BAD, 1);
	FAULT(open, BAD, O_RDONLY);
	FAULT(openat, AT_FDCWD, BAD, O_RDONLY);
	FAULT(stat, BAD, BAD);
	FAULT(stat, ".", BAD);
	FAULT(fstat, file_fd, BAD);
	FAULT(lstat, ".", BAD);
	FAULT(newfstatat, AT_FDCWD, ".", BAD, 0);
	FAULT(statx, AT_FDCWD, ".", 0, 0, BAD);
	FAULT(statfs, ".", BAD);
	FAULT(access, BAD, 0);
	FAULT(chdir, BAD);
	FAULT(mkdir, BAD, 0);
	FAULT(rename, BAD, BAD);
	FAULT(rename, "none", BAD);
	FAULT(link, BAD, "x");
	FAULT(symlink, BAD, "x");
	FAULT(unlink, BAD);
	FAULT(readlink, BAD, BAD, 10);
	FAULT(chmod, BAD, 0);
	FAULT(truncate, BAD, 0);
	FAULT(getcwd, BAD, 4096);
	FAULT(getxattr, BAD, "user.a", NULL, 0);
	FAULT(setxattr, "bad", BAD, "x", 1, 0);
	FAULT(utimensat, AT_FDCWD, "bad", BAD, 0);
	FAULT(utime, "bad", BAD);
	FAULT(getdents64, open(".", O_RDONLY), BAD, 1000);
	FAULT(fcntl, file_fd, F_GETLK, BAD);
	FAULT(fcntl, file_fd, F_SETLK, BAD);
	FAULT(ioctl, pipe_fds[0], 0x541b, BAD);
	FAULT(sendfile, pipe_fds[1], file_fd, BAD, 1);
	FAULT(name_to_handle_at, AT_FDCWD, ".", BAD, BAD, 0);
}

static void check_bad_others(void)
{
	FAULT(pipe, BAD);
	FAULT(poll, BAD, 1, 0);
	FAULT(ppoll, BAD, 1, BAD, NULL, 8);
	FAULT(select, 1, BAD, NULL, NULL, NULL);
	FAULT(select, 0, NULL, NULL, NULL, BAD);
	FAULT(pselect6, 0, NULL, NULL, NULL, NULL, BAD);
	FAULT(epoll_ctl, epoll_fd, EPOLL_CTL_ADD, pipe_fds[0], BAD);
	FAULT(epoll_wait, epoll_fd, BAD, 1, 0);
	FAULT(timerfd_settime, epoll_fd, 0, BAD, NULL);
	FAULT(nanosleep, BAD, NULL);
	FAULT(clock_gettime, CLOCK_MONOTONIC, BAD);
	FAULT(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, BAD, NULL);
	FAULT(gettimeofday, BAD, NULL);
	FAULT(getitimer, ITIMER_REAL, BAD);
	FAULT(setitimer, ITIMER_REAL, BAD, NULL);
	FAULT(times, BAD);
	FAULT(getrusage, RUSAGE_SELF, BAD);
	FAULT(getrlimit, RLIMIT_CORE, BAD);
	FAULT(setrlimit, RLIMIT_NOFILE, BAD);
	FAULT(prlimit64, 0, RLIMIT_NOFILE, BAD, NULL);
	FAULT(uname, BAD);
	FAULT(sysinfo, BAD);
	FAULT(getresuid, BAD, BAD, BAD);
	FAULT(prctl, 15, BAD);
	FAULT(rt_sigaction, SIGUSR1, BAD, NULL, 8);
	FAULT(rt_sigaction, SIGUSR1, NULL, BAD, 8);
	FAULT(rt_sigprocmask, SIG_BLOCK, BAD, NULL, 8);
	FAULT(rt_sigpending, BAD, 8);
	FAULT(rt_sigsuspend, BAD, 8);
	FAULT(rt_sigtimedwait, BAD, NULL, NULL, 8);
	FAULT(rt_sigqueueinfo, getpid(), SIGUSR1, BAD);
	FAULT(sigaltstack, BAD, NULL);
	FAULT(futex, BAD, 0, 0, NULL, NULL, 0);
	FAULT(getrandom, BAD, 8, 0);
	FAULT(sched_getaffinity, 0, 128, BAD);
	FAULT(sched_getparam, 0, BAD);
	FAULT(capget, BAD, BAD);
	FAULT(mincore, BAD, 4096, BAD);
	FAULT(connect, socket_fds[0], BAD, 16);
	FAULT(getsockname, socket_fds[0], BAD, BAD);
	FAULT(getsockopt, socket_fds[0], SOL_SOCKET, SO_TYPE, BAD, BAD);
	FAULT(setsockopt, socket_fds[0], SOL_SOCKET, SO_PASSCRED, BAD, 4);
	FAULT(sendto, socket_fds[0], BAD, 10, 0, NULL, 0);
	FAULT(recvfrom, socket_fds[1], BAD, 10, MSG_DONTWAIT, NULL, NULL);
	FAULT(sendmsg, socket_fds[0], BAD, 0);
	FAULT(recvmsg, socket_fds[1], BAD, MSG_DONTWAIT);
	FAULT(socketpair, AF_UNIX, SOCK_STREAM, 0, BAD);
	FAULT(memfd_create, BAD, 0);
	FAULT(inotify_add_watch, must("inotify", inotify_init()), BAD, 1);
}

static void run_bad_memory(void)
{
	file_fd = make_file("bad", "some text in it");
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, socket_fds));
	must("pipe", pipe(pipe_fds));
	epoll_fd = must("epoll", epoll_create1(0));
	check_bad_files();
	check_bad_others();
	close(file_fd);
	close(epoll_fd);
	for (int i = 0; i < 2; i++) {
		close(socket_fds[i]);
		close(pipe_fds[i]);
	}
}

const struct part part_memory = { "memory", run_memory };
const struct part part_bad_memory = { "bad-memory", run_bad_memory };
