/* guest.c - the guest's process: its start, what it says, and its end. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "action.h"
#include "ending.h"
#include "enter.h"
#include "guest.h"
#include "keeper.h"
#include "lb_state.h"
#include "link.h"
#include "proc_stat.h"
#include "ring.h"

#define FDS_LOW 64u /* where the guest's descriptors go if RLIMIT_NOFILE does not let them lie higher */
#define FDS_COUNT 3u

/* Bounds how long the stream may be silent while the image is read; 0 lifts the bound. */
static void bound_stream(int fd, uint32_t timeout_ms)
{
	struct timeval timeout = { timeout_ms / 1000, (timeout_ms % 1000) * 1000 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout); /* a file has none */
}

bool lb_guest_peek(struct lb_keeper *keeper, int stream_fd)
{
	struct lb_keeper_options *options = &keeper->options;
	struct lb_image_header header;
	ssize_t size;

	if (options->restart)
		size = pread(stream_fd, &header, sizeof header, 0);
	else {
		/* The source's process has yet to hear of its order. */
		bound_stream(stream_fd, options->io_timeout_ms + LB_ORDER_TIMEOUT_MS);
		size = recv(stream_fd, &header, sizeof header, MSG_PEEK | MSG_WAITALL);
		bound_stream(stream_fd, options->io_timeout_ms);
	}
	if (size != (ssize_t)sizeof header || header.magic != LB_IMAGE_MAGIC)
		return false;
	memcpy(keeper->program, header.program, sizeof keeper->program - 1);
	if (options->ticket == 0)
		options->ticket = header.ticket;
	if (options->home_pid == 0)
		options->home_pid = header.home_pid;
	if (options->start_ticks == 0)
		options->start_ticks = header.start_ticks;
	if (options->home_node[0] == '\0')
		memcpy(options->home_node, header.home_node, sizeof options->home_node - 1);
	return true;
}

/* Moves a descriptor to a number of at least `from`. Ends the process if there is none. */
static int move_fd(int fd, unsigned from)
{
	int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD, (int)from);

	if (fd >= 0 && moved < 0)
		_exit(1);
	return moved;
}

/* The child, all signals blocked: nothing but its three descriptors and default actions is left
 * to it. */
static _Noreturn void child_run(const struct lb_keeper *keeper, int stream_fd, int link_fd, int keeper_fd, pid_t parent)
{
	struct lb_guest_start start = { .options = &keeper->options };
	struct rlimit limit;
	unsigned from = FDS_LOW;
	int null_fd;

	/* No guest without a keeper: nobody would tell home how it ended. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	setsid(); /* what our terminal or group gets is not the guest's: its terminal is at home */
	for (int signal = 1; signal <= LB_SIGNALS; signal++)
		lb_signal_default(signal);
	if (chdir("/") < 0)
		_exit(1);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= LB_OWN_DESCRIPTORS_MIN + FDS_COUNT)
		from = LB_OWN_DESCRIPTORS_MIN;
	start.stream_fd = move_fd(stream_fd, from);
	start.link_fd = link_fd == stream_fd ? start.stream_fd : move_fd(link_fd, from);
	start.keeper_fd = move_fd(keeper_fd, from);
	null_fd = open("/dev/null", O_RDWR);
	for (int fd = 0; null_fd >= 0 && fd <= 2; fd++)
		dup2(null_fd, fd);
	syscall(SYS_close_range, 3u, from - 1, 0);
	syscall(SYS_close_range, (unsigned)start.keeper_fd + 1, ~0u, 0);
	lb_guest_enter(&start);
}

int lb_guest_start(struct lb_keeper *keeper, int stream_fd, int link_fd)
{
	pid_t parent = getpid();
	sigset_t all;
	sigset_t before;
	int ends[2];
	int error;
	char state;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	keeper->guest_pid = fork();
	if (keeper->guest_pid == 0)
		child_run(keeper, stream_fd, link_fd, ends[1], parent);
	error = keeper->guest_pid < 0 ? -errno : 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(ends[1]);
	keeper->keeper_fd = ends[0];
	if (error < 0) {
		close(ends[0]);
		return error;
	}
	/* It is our child and not reaped, so its PID cannot have a new owner. */
	keeper->guest_fd = (int)syscall(SYS_pidfd_open, keeper->guest_pid, 0);
	if (keeper->guest_fd < 0) {
		error = -errno;
		lb_guest_kill(keeper);
		waitpid(keeper->guest_pid, NULL, 0);
		close(ends[0]);
		return error;
	}
	lb_proc_stat((uint32_t)keeper->guest_pid, &state, &keeper->guest_start_ticks);
	return 0;
}

void lb_stream_forget(struct lb_keeper *keeper)
{
	/* Not a moment longer than needed: while we hold it, its other end does not see the guest's close. */
	if (keeper->stream_fd >= 0)
		close(keeper->stream_fd);
	keeper->stream_fd = -1;
}

static void heard_parked(struct lb_keeper *keeper)
{
	if (keeper->parked)
		return;
	lb_stream_forget(keeper);
	keeper->parked = true;
	keeper->state = LB_GUEST_RUNNING;
	keeper->tell_state = true;
	bound_stream(keeper->link.fd, 0); /* a first move's stream is the link from now on */
}

/* Receives one message, and the ring that may come with it. */
static ssize_t receive(struct lb_keeper *keeper, struct lb_keeper_message *message)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} ancillary;
	struct iovec io = { message, sizeof *message };
	struct msghdr header = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = ancillary.bytes,
		.msg_controllen = sizeof ancillary.bytes };
	ssize_t size = recvmsg(keeper->keeper_fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *rights = size > 0 ? CMSG_FIRSTHDR(&header) : NULL;
	int fd;

	if (rights == NULL || rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS)
		return size;
	memcpy(&fd, CMSG_DATA(rights), sizeof fd);
	lb_ring_attach(keeper, fd);
	return size;
}

void lb_guest_read(struct lb_keeper *keeper)
{
	struct lb_keeper_message message;
	ssize_t size = receive(keeper, &message);

	/* ECONNRESET comes once, before what the guest said last, when it ended without reading all
	 * (unix_release_sock, net/unix/af_unix.c, v6.12). */
	if (size < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNRESET))
		return;
	if (size != (ssize_t)sizeof message) { /* it has closed its end: its end is near */
		close(keeper->keeper_fd);
		keeper->keeper_fd = -1;
		return;
	}
	switch ((enum lb_keeper_message_type)message.type) {
	case LB_KEEPER_PARKED:
	case LB_KEEPER_SERVED:
		heard_parked(keeper);
		break;
	case LB_KEEPER_LOST:
		heard_parked(keeper);
		lb_link_asked(keeper);
		break;
	case LB_KEEPER_LEFT:
		keeper->left = true;
		keeper->link.needed = false;
		keeper->link.need_until = LB_NEVER;
		break;
	case LB_KEEPER_WRITTEN:
		lb_ring_written(keeper);
		break;
	case LB_KEEPER_LINK: /* ours to say */
		break;
	}
}

void lb_guest_reap(struct lb_keeper *keeper)
{
	int status;

	/* Stopped and continued guests do not make a pidfd readable; only the end does. */
	if (waitpid(keeper->guest_pid, &status, WNOHANG) != keeper->guest_pid)
		return;
	while (keeper->keeper_fd >= 0) {
		int fd = keeper->keeper_fd;
		struct lb_keeper_message next;

		/* What it said last may still lie in the socket: LEFT decides what home is told. */
		if (recv(fd, &next, sizeof next, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN)
			break;
		lb_guest_read(keeper);
	}
	close(keeper->guest_fd);
	keeper->guest_fd = -1;
	keeper->wait_status = status;
	keeper->link.needed = false;
	keeper->link.need_until = LB_NEVER;
	keeper->link.lost_at = LB_NEVER;
	keeper->kill_at = LB_NEVER;
	if (keeper->left || keeper->dead || !keeper->parked) {
		keeper->state = keeper->left || keeper->dead ? LB_GUEST_LEFT : LB_GUEST_ENDED;
		/* Home knew of its end before we did: it was no copy of another process. */
		if (keeper->dead && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
			keeper->dead = false;
		keeper->tell_state = true;
		keeper->finished = true; /* told once, by the loop: the daemon also sees us hang up */
		return;
	}
	keeper->state = LB_GUEST_ENDED;
	keeper->flushing = lb_ring_is_owed(keeper);
	if (keeper->flushing)
		lb_link_needed(keeper);
	else
		lb_guest_tell_end(keeper);
}

void lb_guest_kill(const struct lb_keeper *keeper)
{
	kill(keeper->guest_pid, SIGKILL);
}

void lb_guest_forward_signal(const struct lb_keeper *keeper, int fd)
{
	struct signalfd_siginfo info;
	siginfo_t order;

	if (read(fd, &info, sizeof info) != (ssize_t)sizeof info || keeper->guest_fd < 0)
		return;
	if (info.ssi_signo == SIGTSTP) {
		/* Both stop; the shell's SIGCONT to us is read here next. */
		kill(keeper->guest_pid, SIGSTOP);
		raise(SIGSTOP);
		return;
	}
	if (info.ssi_code == SI_QUEUE) {
		memset(&order, 0, sizeof order);
		order.si_code = SI_QUEUE;
		order.si_errno = info.ssi_errno;
		order.si_pid = getpid();
		order.si_uid = getuid();
		order.si_value.sival_ptr = (void *)(uintptr_t)info.ssi_ptr;
		syscall(SYS_rt_tgsigqueueinfo, keeper->guest_pid, keeper->guest_pid, (int)info.ssi_signo, &order);
	} else {
		kill(keeper->guest_pid, (int)info.ssi_signo);
	}
}
