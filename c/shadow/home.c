/* home.c - the process comes home: this PID becomes the program again.
 *
 * The program's own file is exec'ed with the library preloaded, whose constructor reads the image back, so that
 * /proc/self/exe is right. Whether that will work is tried in a child first: an exec whose loader fails (a
 * library that is gone by now) would end the process. Where it does not work the image is read back from here,
 * and only /proc/self/exe is wrong.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libc_rseq.h"
#include "fault.h"
#include "lb_restorer.h"
#include "control.h"
#include "descriptors.h"
#include "end.h"
#include "grant.h"
#include "home.h"
#include "last_image.h"
#include "links.h"
#include "memory.h"
#include "signals.h"
#include "state.h"
#include "wake.h"

#define ARGUMENTS_MAX 1024

static char preload[64];
static char state_variable[32];
static char fault_variable[48];
static char library_path[4200];

static void keep_open(int fd, bool keep)
{
	if (fd >= 0)
		fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

static void keep_own_open(bool keep)
{
	const struct lb_state *state = &lb_shadow.state;

	keep_open(state->state_fd, keep);
	keep_open(state->shadow_fd, keep);
	keep_open(state->preload_fd, keep);
	keep_open(state->exe_fd, keep);
	keep_open(lb_shadow.live->fd, keep);
}

static void exec_program(void)
{
	static const char *const actions[] = { "", "kill", "hang", "cut", "fail", "pause" };
	char *argv[ARGUMENTS_MAX + 1];
	char *envp[5] = { preload, state_variable };
	const char *path = getenv("LD_LIBRARY_PATH");
	int argc = 0, envc = 2;
	struct lb_state *state = &lb_shadow.state;

	for (uint32_t at = 0; at < state->text_size && argc < ARGUMENTS_MAX; at++) {
		argv[argc++] = state->text + at;
		at += (uint32_t)strlen(state->text + at);
	}
	if (argc == 0)
		argv[argc++] = state->program;
	argv[argc] = NULL;
	snprintf(preload, sizeof preload, "LD_PRELOAD=/proc/self/fd/%d", state->preload_fd);
	if (path != NULL && strlen(path) < sizeof library_path - 20) {
		snprintf(library_path, sizeof library_path, "LD_LIBRARY_PATH=%s", path);
		envp[envc++] = library_path;
	}
	if (lb_fault_plan.number != 0) {
		snprintf(fault_variable, sizeof fault_variable, LB_VARIABLE_FAULT "=%u:%s", lb_fault_plan.number,
			actions[lb_fault_plan.action]);
		envp[envc++] = fault_variable;
	}
	envp[envc] = NULL;
	syscall(SYS_execveat, state->exe_fd, "", argv, envp, AT_EMPTY_PATH);
}

static bool ended_well(long child)
{
	int status = -1;

	if (child < 0)
		return false;
	while (waitpid((pid_t)child, &status, __WALL) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Starts the program's file in a child of a child, whose library ends it at once. Returns whether it got that far.
 * SIGCHLD is the program's: the child ends without one; its own gives one, as execve(2) sees to that. */
static bool try_program(void)
{
	long child;

	if (lb_shadow.state.exe_fd < 0 || lb_shadow.state.preload_fd < 0)
		return false;
	child = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
	if (child == 0) {
		int null_fd;

		lb_own_fds_begin();
		null_fd = open("/dev/null", O_RDWR);
		lb_own_fds_end();
		child = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
		if (child != 0)
			_exit(ended_well(child) ? 0 : 1);
		dup2(null_fd, 1); /* what a loader complains about is not for the user to see */
		dup2(null_fd, 2);
		exec_program();
		_exit(127);
	}
	return ended_well(child);
}

/* Reads the image back from here. Returns only when nothing has changed yet. */
static void enter_directly(struct lb_shadow_link *link)
{
	struct lb_image_header header;
	struct lb_enter_request request = {
		.image_fd = link->fd,
		.handshake = 1,
		.link_fd = -1,
		.keeper_fd = -1,
		.state_fd = lb_shadow.state.state_fd,
		.shadow_fd = lb_shadow.state.is_child ? -1 : lb_shadow.state.shadow_fd,
		.at_home = 1,
		.kept_fd = lb_shadow.state.is_child ? lb_shadow.state.kept_fd : 0,
		.fault = lb_fault_plan,
		.node = lb_shadow.state.home_node,
		.control_path = lb_shadow.state.control_path,
	};

	if (!lb_link_tell(link, LB_LINK_READY, NULL, 0, false))
		return;
	lb_wake_never();
	lb_rseq_of_libc_register(false);
	lb_enter(&request, &header);
	lb_rseq_of_libc_register(true);
}

void lb_home(struct lb_shadow_link *link)
{
	uint32_t action = lb_fault(LB_FAULT_HOME_EXEC);

	if (action == LB_FAULT_DO_CUT || action == LB_FAULT_DO_FAIL) {
		lb_link_lost();
		return;
	}
	lb_control_close();
	lb_reserve_drop();
	lb_last_image_forget();
	lb_end_tell_untold(); /* at home nobody remembers it */
	for (int i = 0; i < LB_LINKS; i++) {
		if (lb_shadow.links[i].fd >= 0 && &lb_shadow.links[i] != link)
			lb_link_close(&lb_shadow.links[i]);
	}
	lb_signals_watch(link->fd, false);
	lb_link_lend(link->fd);
	keep_own_open(true);
	lb_cloexec_record();
	lb_shadow.state.keeps_caps = prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 1;
	lb_own_fds_keep();
	snprintf(state_variable, sizeof state_variable, LB_VARIABLE_STATE "=%d", lb_shadow.state.state_fd);
	lb_shadow.state.trying = 1;
	lb_state_save();
	bool tried = try_program();
	lb_shadow.state.trying = 0;
	lb_state_save();
	lb_signals_give_back();
	lb_memory_limit(true);
	if (tried)
		exec_program();
	enter_directly(link);
	/* Still the shadow: as before, over a new link. */
	lb_memory_limit(false);
	lb_own_fds_put_back();
	keep_own_open(false);
	lb_cloexec_restore();
	lb_shadow.retry_ms = 0;
	lb_link_lost();
}

/* ---- a child of the guest begins ---- */

/* A state of its own, in the place of its parent's. Returns false when there is no room for it. */
static bool make_state(void)
{
	struct lb_state *state = &lb_shadow.state;
	struct rlimit limit, none;
	int fd;
	bool made;

	lb_own_fds_begin();
	fd = memfd_create(LB_NAME_STATE, MFD_CLOEXEC);
	fd = fd < 0 ? fd : lb_fd_move_up(fd);
	lb_own_fds_end();
	if (fd < 0)
		return false;
	getrlimit(RLIMIT_FSIZE, &limit);
	none = (struct rlimit){ limit.rlim_max, limit.rlim_max };
	setrlimit(RLIMIT_FSIZE, &none);
	made = ftruncate(fd, sizeof *state) == 0;
	setrlimit(RLIMIT_FSIZE, &limit);
	lb_shadow.saved = made ? mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
	close(state->state_fd);
	state->state_fd = fd;
	return lb_shadow.saved != MAP_FAILED;
}

_Noreturn void lb_home_child(int fd, bool directly)
{
	struct lb_shadow_link *link = lb_shadow.live;

	lb_reserve_drop();
	if (lb_shadow.control_fd >= 0)
		close(lb_shadow.control_fd);
	lb_shadow.control_fd = -1;
	for (int i = 0; i < LB_LINKS; i++) {
		if (lb_shadow.links[i].fd >= 0 && &lb_shadow.links[i] != link)
			lb_link_close(&lb_shadow.links[i]);
	}
	close(link->fd);
	link->fd = fd; /* our image comes over this one */
	if (!make_state())
		_exit(EXIT_FAILURE);
	lb_signals_leave(lb_shadow.state.actions.ignored);
	lb_shadow.state.is_child = 1;
	lb_shadow.state.held = 0; /* nothing is pending in a child */
	lb_shadow.state.order_id = 0;
	lb_link_lend(link->fd);
	lb_shadow.state.kept_fd = lb_last_image.fd < 0 ? 0 : lb_last_image.fd;
	keep_own_open(true);
	keep_open(lb_shadow.state.kept_fd == 0 ? -1 : lb_shadow.state.kept_fd, true);
	lb_cloexec_record();
	lb_shadow.state.keeps_caps = prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 1;
	lb_own_fds_keep();
	lb_state_save();
	snprintf(state_variable, sizeof state_variable, LB_VARIABLE_STATE "=%d", lb_shadow.state.state_fd);
	if (directly)
		enter_directly(link);
	else
		exec_program();
	_exit(EXIT_FAILURE);
}
