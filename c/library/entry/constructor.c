/* constructor.c - takes the trigger and registers the process when the library is loaded. */
#include <asm/auxvec.h>
#include <linux/fcntl.h>
#include <asm/unistd.h>

#include "fault.h"
#include "mem.h"
#include "syscall.h"
#include "text.h"

#include "entry/control.h"
#include "entry/interpose.h"
#include "entry/neighbours.h"
#include "image/become_shadow.h"
#include "image/vdso.h"
#include "process/actions.h"
#include "process/identity.h"
#include "process/process.h"

#define LIBRARY "/" LB_NAME_LIBRARY
#define CONTROL "/" LB_NAME_CONTROL_LINK

static const char *variable(char **environment, const char *name)
{
	size_t length = strlen(name);
	for (; *environment; environment++)
		if (memcmp(*environment, name, length) == 0 && (*environment)[length] == '=')
			return *environment + length + 1;
	return 0;
}

/* The vdso that the program was started with: AT_SYSINFO_EHDR of the auxiliary vector, which lies behind the
 * environment (elf(5), getauxval(3)); its length is that of the ELF image there. */
static void find_program_vdso(char **environment)
{
	while (*environment)
		environment++;
	for (const uint64_t *entry = (const uint64_t *)(environment + 1); entry[0]; entry += 2)
		if (entry[0] == AT_SYSINFO_EHDR)
			lb_self.program_vdso = entry[1];
	if (lb_self.program_vdso)
		lb_self.program_vdso_size = lb_vdso_size(lb_self.program_vdso);
}

/* An order has descriptors behind the program's (lb_move_up). The kernel's table grows for them and stays so. Later,
 * where threads share it, that would take some 10 ms, until none looks at the old one: expand_fdtable(), fs/file.c,
 * Linux 6.12. */
static int make_descriptor_room(int fd)
{
	lb_fds_begin();
	int moved = lb_move_up(fd);
	lb_fds_end();
	return moved < 0 ? fd : moved;
}

/* Tells the daemon of this process, and hears what the node's config says. */
static void register_process(void)
{
	struct lb_local_register message = { .type = LB_LOCAL_REGISTER, .size = sizeof message };
	struct lb_local_ack ack;
	message.start_ticks = lb_self.start_ticks;
	message.pid = lb_self.local_pid;
	message.abi_version = LB_ABI_VERSION;
	int fd = lb_control_connect();
	if (fd < 0)
		return; /* no daemon: an ordinary program */
	int rv = lb_control_ask(fd, &message, sizeof message, &ack, sizeof ack, 0, 0);
	lb_self.registered = rv >= 0 && ack.type == LB_LOCAL_ACK && ack.code == 0;
	lb_self.threads_move = lb_self.registered && (ack.flags & LB_REGISTRATION_THREADS_MOVE);
	lb_self.stop_by_hand = lb_self.registered && (ack.flags & LB_REGISTRATION_STOP_BY_HAND);
	if (lb_self.registered && (ack.flags & LB_REGISTRATION_SIGWINCH))
		lb_self.order_signal = SIGWINCH;
	if (lb_self.registered)
		fd = make_descriptor_room(fd);
	lb_syscall1(__NR_close, fd);
}

/* In a child that fork(2) of libc has made: it is a process of its own, which may move even though its parent
 * may not. It does not wait for an answer, as a shell forks more often than it computes. */
static void register_child(void)
{
	struct lb_local_register message = { .type = LB_LOCAL_REGISTER, .size = sizeof message };
	lb_become_child();
	message.start_ticks = lb_self.start_ticks;
	message.pid = lb_self.local_pid;
	message.abi_version = LB_ABI_VERSION;
	int fd = lb_control_connect();
	if (fd < 0)
		return;
	lb_control_ask(fd, &message, sizeof message, 0, 0, 0, 0);
	lb_syscall1(__NR_close, fd);
}

/* What pthread_atfork(3) calls; weak, as another C library may not have it. */
extern int lb_register_atfork(void (*)(void), void (*)(void), void (*)(void), void *) __asm__("__register_atfork")
	__attribute__((weak));

/* The node's control socket: where the link `control` leads that lies beside the library as LD_PRELOAD names it
 * (lib/host/library.ts). The program's environment has no other word of ours. False: this is no program of a node.
 */
static bool find_control(char **environment)
{
	const char *at = variable(environment, "LD_PRELOAD"), *end;
	const size_t name = sizeof LIBRARY - 1;
	char link[4096];
	int64_t size = -1;
	for (; at && *at; at = end + (*end != 0)) {
		for (end = at; *end && *end != ':' && *end != ' '; end++)
			;
		if ((size_t)(end - at) < name || memcmp(end - name, LIBRARY, name) != 0 ||
			(size_t)(end - at) >= sizeof link)
			continue;
		memcpy(link, at, (size_t)(end - at) - name);
		memcpy(link + (end - at) - name, CONTROL, sizeof CONTROL);
		size = lb_syscall4(__NR_readlinkat, AT_FDCWD, link, lb_self.control_path, sizeof lb_self.control_path);
	}
	if (size <= 0 || size >= (int64_t)sizeof lb_self.control_path)
		size = 0;
	lb_self.control_path[size] = 0;
	return size > 0;
}

/* Of the C library: one that is not glibc gives a constructor no arguments. */
extern char **lb_environment __asm__("environ") __attribute__((weak));

/* A process that is to be listed, and does not move. */
static void register_only(void)
{
	if (!&lb_environment || !lb_environment || !find_control(lb_environment))
		return;
	lb_self.local_pid = (uint32_t)lb_syscall0(__NR_getpid);
	lb_self.start_ticks = lb_start_ticks();
	register_process();
}

/* Of glibc alone. Another C library gives a constructor no arguments, and has other insides: its programs run as if
 * this library were not there, but for being listed. */
extern const char *lb_gnu_version(void) __asm__("gnu_get_libc_version") __attribute__((weak));

__attribute__((constructor)) static void initialise(int argc, char **argv, char **environment)
{
	(void)argc;
	(void)argv;
	if (!lb_gnu_version)
		return register_only();
	lb_fault_read(&lb_fault_plan, environment);
	lb_neighbours_meet();
	if (!find_control(environment))
		return;
	lb_self.local_pid = (uint32_t)lb_syscall0(__NR_getpid);
	lb_self.home_pid = lb_self.local_pid;
	lb_self.start_ticks = lb_start_ticks();
	lb_self.link_fd = lb_self.keeper_fd = lb_self.stream_fd = -1;
	int64_t size =
		lb_syscall4(__NR_readlinkat, AT_FDCWD, "/proc/thread-self/exe", lb_self.exe, sizeof lb_self.exe - 1);
	lb_self.exe[size > 0 ? size : 0] = 0;
	find_program_vdso(environment);
	if (lb_next.alone) {
		register_process(); /* to be listed, and why it stays */
		return;
	}
	register_process();
	/* No order comes before: a process without its trigger is not chosen. */
	lb_actions_note_ours();
	lb_restorer_learn();
	lb_actions_stand_in_front();
	if (lb_register_atfork)
		lb_register_atfork(0, 0, register_child, 0);
}
