/* ipc.c - Message queues, semaphores and file handles, all at home.
 *
 * System V and POSIX: calls whose memory a row of the table cannot measure.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/ipc.h>
#include <linux/msg.h>
#include <linux/sem.h>
#include <linux/signal.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "calls/forward.h"
#include "calls/own.h"
#include "home_call/request.h"
#include "home_call/table.h"
#include "home_call/user_memory.h"
#include "trap/trap.h"

#define MESSAGE_TYPE_SIZE 8
#define SPLICE_NONBLOCK 2u /* SPLICE_F_NONBLOCK: include/linux/splice.h */
#define SPLICE_FLAGS 15u
#define HANDLE_HEAD_SIZE 8
#define HANDLE_SIZE_MAX 128u /* MAX_HANDLE_SZ */
#define HANDLE_UNIQUE 1u     /* AT_HANDLE_MNT_ID_UNIQUE: another size for the mount's number */

/* How many semaphores a set has: GETALL and SETALL take so many numbers. */
static int64_t count_of(uint64_t set, uint64_t *count)
{
	struct lb_request request = { .number = __NR_semctl };
	struct semid64_ds status;
	int64_t result;

	memset(&status, 0, sizeof(status));
	lb_request_value(&request, 0, set);
	lb_request_value(&request, 1, 0);
	lb_request_value(&request, 2, IPC_STAT);
	lb_request_memory(&request, 3, LB_ARG_OUT, (uint64_t)&status, sizeof(status));
	result = lb_request_run(&request);
	*count = status.sem_nsems;
	return result < 0 ? result : 0;
}

int64_t lb_own_semctl(struct lb_trap *trap)
{
	int64_t result;

	switch ((int)trap->args[2] & ~IPC_64) {
	case IPC_STAT:
	case IPC_SET:
	case SEM_STAT:
	case SEM_STAT_ANY:
		trap->given = sizeof(struct semid64_ds);
		break;
	case IPC_INFO:
	case SEM_INFO:
		trap->given = sizeof(struct seminfo);
		break;
	case GETALL:
	case SETALL:
		result = count_of(trap->args[0], &trap->given);
		if (result < 0)
			return result;
		trap->given *= sizeof(uint16_t);
		break;
	default: /* a number, or nothing */
		break;
	}
	return lb_forward(trap);
}

int64_t lb_own_msgctl(struct lb_trap *trap)
{
	switch ((int)trap->args[1] & ~IPC_64) {
	case IPC_STAT:
	case IPC_SET:
	case MSG_STAT:
	case MSG_STAT_ANY:
		trap->given = sizeof(struct msqid64_ds);
		break;
	case IPC_INFO:
	case MSG_INFO:
		trap->given = sizeof(struct msginfo);
		break;
	default:
		break;
	}
	return lb_forward(trap);
}

static int64_t with_message(struct lb_trap *trap)
{
	if ((int64_t)trap->args[2] < 0)
		return -EINVAL;
	trap->given = MESSAGE_TYPE_SIZE + trap->args[2];
	return lb_forward(trap);
}

int64_t lb_own_msgsnd(struct lb_trap *trap)
{
	return with_message(trap);
}

int64_t lb_own_msgrcv(struct lb_trap *trap)
{
	return with_message(trap);
}

/* A notice by a signal comes to the home PID; one by a thread would need its cookie, and a thread. */
int64_t lb_own_mq_notify(struct lb_trap *trap)
{
	int32_t notify = SIGEV_NONE;

	if (trap->args[1] != 0 &&
		lb_user_read(&notify, trap->args[1] + offsetof(struct sigevent, sigev_notify), sizeof(notify)) < 0)
		return -EFAULT;
	return notify == SIGEV_NONE || notify == SIGEV_SIGNAL ? lb_forward(trap) : LB_NEEDS_HOME;
}

static int64_t with_handle(struct lb_trap *trap, uint64_t handle)
{
	uint32_t size = 0;

	if (lb_user_read(&size, handle, sizeof(size)) < 0)
		return -EFAULT;
	trap->given = HANDLE_HEAD_SIZE + (size < HANDLE_SIZE_MAX ? size : HANDLE_SIZE_MAX);
	return lb_forward(trap);
}

int64_t lb_own_name_to_handle_at(struct lb_trap *trap)
{
	return trap->args[4] & HANDLE_UNIQUE ? LB_NEEDS_HOME : with_handle(trap, trap->args[2]);
}

int64_t lb_own_open_by_handle_at(struct lb_trap *trap)
{
	return with_handle(trap, trap->args[1]);
}

/* vmsplice(2) shares pages between process and pipe; away from home they are copies, which a program cannot tell from
 * the others as long as it does as told and leaves gifts alone. Into a pipe home makes the call itself, as it takes no
 * more than there is room for; from one it is a read. */
int64_t lb_own_vmsplice(struct lb_trap *trap)
{
	static const struct lb_row read_row = { LB_HOME, LB_BLOCKS | LB_RESULT | LB_SPLIT_READ, { FD, IOV_OUT(2), V } };
	int64_t flags = lb_home_values(__NR_fcntl, trap->args[0], F_GETFL, 0, 0);
	uint64_t splice_flags = trap->args[3];

	if (flags < 0)
		return -EBADF;
	if ((flags & O_ACCMODE) != O_RDONLY)
		return lb_forward(trap);
	if (lb_home_values(__NR_fcntl, trap->args[0], F_GETPIPE_SZ, 0, 0) < 0)
		return -EBADF;
	if (splice_flags & ~SPLICE_FLAGS)
		return -EINVAL;
	trap->number = __NR_readv;
	if (splice_flags & SPLICE_NONBLOCK) { /* as a call that may not wait: at the offset, which a pipe has not */
		trap->number = __NR_preadv2;
		trap->args[3] = LB_NO_OFFSET;
		trap->args[4] = LB_NO_OFFSET;
		trap->args[5] = RWF_NOWAIT;
	}
	return trap->number == __NR_readv ? lb_forward_row(trap, &read_row) : lb_forward(trap);
}
