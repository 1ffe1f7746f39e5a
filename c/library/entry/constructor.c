/* constructor.c - registers the process when the library is loaded, or brings one home.
 *
 * A program: takes the trigger, registers with the node's daemon. When the shadow has exec'ed the program for
 * homecoming, this becomes the process that comes home, and the program does not start.
 */
#include <asm/auxvec.h>
#include <linux/fcntl.h>
#include <asm/unistd.h>

#include "fault.h"
#include "lb_restorer.h"
#include "mem.h"
#include "syscall.h"
#include "text.h"

#include "entry/control.h"
#include "entry/interpose.h"
#include "entry/neighbours.h"
#include "image/rseq.h"
#include "image/stream.h"
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
	lb_self.stop_by_hand = lb_self.registered && (ack.flags & LB_REGISTRATION_STOP_BY_HAND);
	if (lb_self.registered && (ack.flags & LB_REGISTRATION_SIGWINCH))
		lb_self.order_signal = SIGWINCH;
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

/* Becomes the process that comes home. Returns only when even the shadow could not be started again. */
static int come_home(int state_fd, char **environment)
{
	static struct lb_state state;
	static struct lb_image_header header;
	uint64_t all = ~0ULL;
	(void)environment;
	lb_syscall4(__NR_rt_sigprocmask, SIG_SETMASK, &all, 0, 8);
	int64_t got = lb_syscall4(__NR_pread64, state_fd, &state, sizeof state, 0);
	if (got != (int64_t)sizeof state || state.magic != LB_STATE_MAGIC)
		return -LB_E_WIRE;
	struct lb_enter_request request = {
		.image_fd = state.link_fd,
		.handshake = 1,
		.link_fd = -1,
		.keeper_fd = -1,
		.state_fd = state_fd,
		.shadow_fd = state.shadow_fd,
		.at_home = 1,
		.fault = lb_fault_plan,
		.node = state.home_node,
		.control_path = state.control_path,
	};
	if (state.is_child) {
		request.shadow_fd = -1;
		request.kept_fd = state.kept_fd;
	}
	lb_stream_timeout(state.link_fd, state.io_timeout_ms);
	int error = lb_stream_send(state.link_fd, LB_LINK_READY, 0, 0);
	if (!error && lb_fault(LB_FAULT_HOME_READY) == LB_FAULT_DO_FAIL)
		error = -LB_E_FAULT;
	lb_rseq_unregister();
	if (!error)
		error = lb_enter(&request, &header);
	if (state.is_child)
		return error;
	/* Still here: the guest stays where it is. The shadow starts without a link, and gets a new one. */
	int32_t none = -1;
	char variable_text[32] = LB_VARIABLE_STATE "=";
	char *argv[2] = { state.program, 0 };
	char *envp[2] = { variable_text, 0 };
	unsigned digits = sizeof LB_VARIABLE_STATE, divisor = 10000;
	for (unsigned value = (unsigned)state_fd; divisor; divisor /= 10)
		if (value >= divisor || divisor == 1)
			variable_text[digits++] = (char)('0' + value / divisor % 10);
	lb_syscall4(__NR_pwrite64, state_fd, &none, sizeof none, offsetof(struct lb_state, link_fd));
	lb_syscall1(__NR_close, state.link_fd);
	lb_syscall5(__NR_execveat, state.shadow_fd, "", argv, envp, AT_EMPTY_PATH);
	return error;
}

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

/* The state that the shadow hands over in a descriptor whose number the environment tells. What makes it ours is what
 * the descriptor is; any other variable of that name is the user's. Returns -1 where there is none.
 */
static int find_state(char **environment)
{
	static const char wanted[] = "/memfd:" LB_NAME_STATE " (deleted)";
	const char *digits = variable(environment, LB_VARIABLE_STATE);
	char path[32] = "/proc/self/fd/", link[sizeof wanted];
	struct {
		uint64_t magic;
		uint32_t abi_version;
	} begin = { 0, 0 };
	size_t at = strlen(path);
	int fd = 0;
	_Static_assert(offsetof(struct lb_state, abi_version) == 8, "what is read at once");
	for (; digits && *digits >= '0' && *digits <= '9' && at < 22; digits++) {
		path[at++] = *digits;
		fd = fd * 10 + (*digits - '0');
	}
	path[at] = 0;
	if (!digits || *digits)
		return -1;
	int64_t size = lb_syscall4(__NR_readlinkat, AT_FDCWD, path, link, sizeof link);
	if (size != (int64_t)sizeof wanted - 1 || memcmp(link, wanted, sizeof wanted - 1) != 0)
		return -1;
	lb_syscall4(__NR_pread64, fd, &begin, sizeof begin, 0);
	return begin.magic == LB_STATE_MAGIC && begin.abi_version == LB_ABI_VERSION ? fd : -1;
}

/* The shadow asks whether this program can be started (c/shadow/home.c). */
static bool is_a_try(int state_fd)
{
	uint32_t trying = 0;
	lb_syscall4(__NR_pread64, state_fd, &trying, sizeof trying, offsetof(struct lb_state, trying));
	return trying != 0;
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
	int state_fd = find_state(environment);
	if (state_fd >= 0) {
		if (is_a_try(state_fd))
			lb_syscall1(__NR_exit_group, 0);
		come_home(state_fd, environment);
		lb_syscall1(__NR_exit_group, 125); /* never the program from its beginning */
	}
	lb_neighbours_meet();
	const char *libraries = variable(environment, "LD_LIBRARY_PATH");
	if (libraries && strlen(libraries) < LB_LIBRARY_PATH_SIZE)
		lb_text_copy(lb_library_path, libraries, sizeof lb_library_path);
	if (!find_control(environment))
		return;
	lb_self.local_pid = (uint32_t)lb_syscall0(__NR_getpid);
	lb_self.home_pid = lb_self.local_pid;
	lb_self.start_ticks = lb_start_ticks();
	lb_self.link_fd = lb_self.keeper_fd = lb_self.stream_fd = -1;
	int64_t size = lb_syscall4(__NR_readlinkat, AT_FDCWD, "/proc/self/exe", lb_self.exe, sizeof lb_self.exe - 1);
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
