/* queues.c - message queues and semaphores, of System V and of POSIX. */
#include "conformity.h"

#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <time.h>
#include <unistd.h>

static void check_messages(void)
{
	struct {
		long kind;
		char text[16];
	} message = { 5, "in a queue" };
	int queue = msgget(IPC_PRIVATE, 0600);
	struct msqid_ds status;

	show("msgget", "%d", queue >= 0);
	CALL("msgget of nothing", msgget(0x12345678, 0));
	CALL("msgsnd", msgsnd(queue, &message, sizeof message.text, 0));
	CALL("msgctl IPC_STAT", msgctl(queue, IPC_STAT, &status));
	show("it", "%lu %d", (long)status.msg_qnum, status.msg_lspid == getpid());
	message.kind = 0;
	CALL("msgsnd of no kind", msgsnd(queue, &message, sizeof message.text, 0));
	CALL("msgsnd of bad memory", msgsnd(queue, BAD, 4, 0));
	memset(message.text, '.', sizeof message.text);
	CALL("msgrcv into too little", msgrcv(queue, &message, 4, 0, IPC_NOWAIT));
	CALL("msgrcv of another kind", msgrcv(queue, &message, sizeof message.text, 6, IPC_NOWAIT));
	CALL("msgrcv of a part", msgrcv(queue, &message, 6, 0, MSG_NOERROR));
	show("it", "%ld %.16s", message.kind, message.text);
	CALL("msgrcv of none", msgrcv(queue, &message, sizeof message.text, 0, IPC_NOWAIT));
	alarm_in(40, SA_RESTART);
	LASTS("msgrcv that waits", 39, msgrcv(queue, &message, sizeof message.text, 0, 0));
	alarm_in(0, 0);
	CALL("msgctl IPC_RMID", msgctl(queue, IPC_RMID, NULL));
	CALL("msgctl then", msgctl(queue, IPC_STAT, &status));
}

static void check_semaphores(void)
{
	struct sembuf up[2] = { { 0, 2, 0 }, { 1, 1, SEM_UNDO } }, down = { 0, -3, 0 };
	unsigned short values[3] = { 7, 7, 7 };
	int set = semget(IPC_PRIVATE, 3, 0600);
	struct timespec limit = { 0, 40000000 };
	struct semid_ds status;

	show("semget", "%d", set >= 0);
	CALL("semop", semop(set, up, 2));
	CALL("semctl GETVAL", semctl(set, 0, GETVAL));
	CALL("semctl GETALL", semctl(set, 0, GETALL, values));
	show("it", "%d %d %d", values[0], values[1], values[2]);
	values[2] = 9;
	CALL("semctl SETALL", semctl(set, 0, SETALL, values));
	CALL("semctl SETVAL", semctl(set, 1, SETVAL, 4));
	CALL("semctl GETVAL", semctl(set, 1, GETVAL));
	CALL("semctl GETPID", semctl(set, 0, GETPID) == getpid());
	CALL("semctl IPC_STAT", semctl(set, 0, IPC_STAT, &status));
	show("it", "%lu", (long)status.sem_nsems);
	CALL("semop of too many", semop(set, up, 1 << 20));
	LASTS("semtimedop", 39, semtimedop(set, &down, 1, &limit));
	alarm_in(40, SA_RESTART);
	LASTS("semop that waits", 39, semop(set, &down, 1));
	alarm_in(0, 0);
	down.sem_flg = IPC_NOWAIT;
	CALL("semop that does not", semop(set, &down, 1));
	CALL("semctl IPC_RMID", semctl(set, 0, IPC_RMID));
	CALL("semctl then", semctl(set, 0, GETVAL));
}

/* A notice that waits while the process moves is lost (docs/LIMITS.md): then it is asked for once more. */
static void wait_for_notice(mqd_t queue, const struct sigevent *event)
{
	char text[16];

	for (int tries = 0; tries < 5 && caught == 0; tries++) {
		for (int i = 0; i < 100 && caught == 0; i++)
			usleep(10000);
		if (caught > 0)
			return;
		mq_notify(queue, NULL);
		mq_receive(queue, text, sizeof text, NULL);
		mq_notify(queue, event);
		mq_send(queue, "low", 3, 1);
	}
}

static void check_posix(void)
{
	struct mq_attr attributes = { .mq_maxmsg = 2, .mq_msgsize = 16 };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77 };
	struct timespec limit;
	unsigned priority = 0;
	char name[32], text[17] = "";
	mqd_t queue, other;

	snprintf(name, sizeof name, "/lb-conformity-%d", getpid());
	CALL("mq_open of nothing", mq_open(name, O_RDONLY));
	queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
	if (queue < 0) {
		show("no message queues here", "%s", strerrorname_np(errno));
		return;
	}
	catch_signal(SIGUSR1, 0);
	CALL("mq_notify", mq_notify(queue, &event));
	CALL("mq_notify again", mq_notify(queue, &event));
	CALL("mq_send", mq_send(queue, "low", 3, 1));
	wait_for_notice(queue, &event);
	show("its signal", "%d code %d value %d", (int)caught, caught_info.si_code, caught_info.si_value.sival_int);
	default_signal(SIGUSR1);
	CALL("mq_send of more weight", mq_send(queue, "high", 4, 9));
	lasts_from_here();
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += (limit.tv_nsec += 40000000) / 1000000000;
	limit.tv_nsec %= 1000000000;
	/* By the clock of the day; the clock that is looked at lags by what each move takes on its way. */
	LASTS("mq_timedsend to a full queue", 25, mq_timedsend(queue, "x", 1, 0, &limit));
	CALL("mq_send of too much", mq_send(queue, text, 17, 0));
	CALL("mq_receive into too little", mq_receive(queue, text, 15, &priority));
	CALL("mq_receive", mq_receive(queue, text, 16, &priority));
	show("it", "%.4s %u", text, priority);
	CALL("mq_receive of the other", mq_receive(queue, text, 16, NULL));
	attributes.mq_flags = O_NONBLOCK;
	CALL("mq_setattr", mq_setattr(queue, &attributes, NULL));
	CALL("mq_getattr", mq_getattr(queue, &attributes));
	show("it", "%#lx %ld %ld %ld", attributes.mq_flags, attributes.mq_maxmsg, attributes.mq_msgsize,
		attributes.mq_curmsgs);
	CALL("mq_receive of none", mq_receive(queue, text, 16, NULL));
	other = mq_open(name, O_WRONLY);
	CALL("mq_receive of a queue open for writing", mq_receive(other, text, 16, NULL));
	CALL("mq_close", mq_close(other));
	CALL("mq_unlink", mq_unlink(name));
	CALL("mq_unlink again", mq_unlink(name));
	mq_close(queue);
}

static void run_queues(void)
{
	check_messages();
	check_semaphores();
	check_posix();
}

const struct part part_queues = { "queues", run_queues };
