/* home.c - homecoming: this PID becomes the program's own file again, with the library preloaded; the library's
 * constructor then restores the process from the image that the guest sends (READY is the first it says).
 *
 * Until that exec has worked the guest is frozen and nothing here has changed: it is told FAILED and goes on.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault.h"
#include "shadow.h"

#define ARGUMENTS_MAX 1024u
#define VARIABLE_SIZE 64
#define VARIABLES_MAX 4

static char variables[VARIABLES_MAX][VARIABLE_SIZE];
static char *environment[VARIABLES_MAX + 1];
static char *arguments[ARGUMENTS_MAX + 1];

/* A file system mounted noexec would make the loader skip the library: the program would start anew. */
static bool can_preload(void)
{
	void *page = mmap(NULL, LB_PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, lb_shadow.state.preload_fd, 0);

	if (page == MAP_FAILED)
		return false;
	munmap(page, LB_PAGE);
	return true;
}

static void fill_arguments(void)
{
	struct lb_state *state = &lb_shadow.state;
	unsigned count = 0;
	uint32_t at = 0;

	while (at < state->text_size && at < sizeof state->text && count < ARGUMENTS_MAX) {
		const char *end = memchr(state->text + at, '\0', sizeof state->text - at);

		if (end == NULL)
			break;
		arguments[count++] = state->text + at;
		at = (uint32_t)(end - state->text) + 1;
	}
	if (count == 0)
		arguments[count++] = state->program;
	arguments[count] = NULL;
}

static void fill_environment(void)
{
	const char *fault = getenv("LB_FAULT");
	int count = 0;

	snprintf(variables[count++], VARIABLE_SIZE, "LB_STATE=%d", lb_shadow.state.state_fd);
	snprintf(variables[count++], VARIABLE_SIZE, "LD_PRELOAD=/proc/self/fd/%d",
		 lb_shadow.state.preload_fd);
	if (fault != NULL)
		snprintf(variables[count++], VARIABLE_SIZE, "LB_FAULT=%s", fault);
	for (int i = 0; i < count; i++)
		environment[i] = variables[i];
	environment[count] = NULL;
}

void lb_home(struct lb_shadow_link *link)
{
	const int kept[] = { lb_shadow.state.state_fd, link->fd, lb_shadow.state.shadow_fd,
			     lb_shadow.state.preload_fd, lb_shadow.state.exe_fd };
	bool ready = lb_shadow.state.exe_fd >= 0 && can_preload() &&
		     lb_fault(LB_FAULT_HOME_EXEC) != LB_FAULT_DO_FAIL;

	if (ready) {
		fill_arguments();
		fill_environment();
		lb_cloexec_record();
		lb_state_save();
		for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
			fcntl(kept[i], F_SETFD, 0);
		lb_signals_give_back(); /* pending across the exec; the library takes them with all others */
		syscall(SYS_execveat, lb_shadow.state.exe_fd, "", arguments, environment, AT_EMPTY_PATH);
		for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
			fcntl(kept[i], F_SETFD, FD_CLOEXEC);
		lb_cloexec_restore();
	}
	lb_shadow.bring_home = false;
	if (!lb_link_tell(link, LB_LINK_FAILED, NULL, 0, false))
		lb_link_lost();
}
