/* sockets.c - sockets of this machine, and TCP and UDP on its loopback. */
#include "conformity.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static void check_pair(void)
{
	int fds[2], type;
	char text[32];
	socklen_t size = sizeof type;
	struct ucred peer;

	CALL("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	CALL("send", send(fds[0], "some text", 9, 0));
	CALL("recv MSG_PEEK", recv(fds[1], text, 4, MSG_PEEK));
	CALL("recv", recv(fds[1], text, sizeof text, 0));
	CALL("recv MSG_DONTWAIT of nothing", recv(fds[1], text, sizeof text, MSG_DONTWAIT));
	CALL("getsockopt SO_TYPE", getsockopt(fds[0], SOL_SOCKET, SO_TYPE, &type, &size));
	show("it", "%d %u", type, size);
	size = sizeof peer;
	CALL("getsockopt SO_PEERCRED", getsockopt(fds[0], SOL_SOCKET, SO_PEERCRED, &peer, &size));
	show("is this process", "%d", peer.pid == getpid() && peer.uid == getuid());
	CALL("shutdown", shutdown(fds[0], SHUT_WR));
	CALL("recv then", recv(fds[1], text, sizeof text, 0));
	CALL("send after shutdown", send(fds[0], "x", 1, MSG_NOSIGNAL));
	catch_signal(SIGPIPE, 0);
	CALL("the same with SIGPIPE", send(fds[0], "x", 1, 0));
	show("SIGPIPE", "%d", (int)caught);
	default_signal(SIGPIPE);
	close(fds[0]);
	close(fds[1]);
	CALL("socketpair of a bad family", socketpair(AF_INET, SOCK_STREAM, 0, fds));
	CALL("socketpair of packets", socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds));
	send(fds[0], "0123456789", 10, 0);
	send(fds[0], "next", 4, 0);
	CALL("recv MSG_TRUNC", recv(fds[1], text, 4, MSG_TRUNC));
	CALL("recv of the next", recv(fds[1], text, sizeof text, 0));
	CALL("recv of none", recv(fds[1], text, sizeof text, 0));
	close(fds[0]);
	close(fds[1]);
	CALL("socket of an unknown family", socket(99, SOCK_STREAM, 0));
	CALL("send to a pipe", send(1000, "x", 1, 0));
}

/* What travels beside the data: descriptors, and who sends. */
static void check_control(void)
{
	int fds[2], on = 1, passed = -1;
	int file = make_file("passed", "content");
	char text[64] = "", room[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	struct iovec parts[2] = { { "some ", 5 }, { "text", 4 } }, place[2] = { { text, 3 }, { text + 10, 20 } };
	struct msghdr message = {
		.msg_iov = parts, .msg_iovlen = 2, .msg_control = room, .msg_controllen = CMSG_SPACE(sizeof(int))
	};
	struct cmsghdr *control = CMSG_FIRSTHDR(&message);
	struct ucred *from = NULL;

	must("socketpair", socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
	memset(room, 0, sizeof room);
	setsockopt(fds[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
	*control = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(control), &file, sizeof file);
	CALL("sendmsg with a descriptor", sendmsg(fds[0], &message, 0));
	close(file);
	memset(room, 0, sizeof room);
	message = (struct msghdr){
		.msg_iov = place, .msg_iovlen = 2, .msg_control = room, .msg_controllen = sizeof room
	};
	CALL("recvmsg", recvmsg(fds[1], &message, MSG_CMSG_CLOEXEC));
	show("data", "%.3s %.6s, flags %#x", text, text + 10, message.msg_flags & ~MSG_CMSG_CLOEXEC);
	for (control = CMSG_FIRSTHDR(&message); control != NULL; control = CMSG_NXTHDR(&message, control)) {
		if (control->cmsg_type == SCM_RIGHTS)
			memcpy(&passed, CMSG_DATA(control), sizeof passed);
		if (control->cmsg_type == SCM_CREDENTIALS)
			from = (struct ucred *)(void *)CMSG_DATA(control);
	}
	CALL("read of what was passed", pread(passed, text, sizeof text, 0));
	CALL("its flag", fcntl(passed, F_GETFD));
	show("the sender is this process", "%d", from != NULL && from->pid == getpid());
	message.msg_iovlen = 5000;
	CALL("recvmsg of too many pieces", recvmsg(fds[1], &message, MSG_DONTWAIT));
	message = (struct msghdr){ .msg_iov = parts, .msg_iovlen = 2 };
	CALL("sendmsg", sendmsg(fds[0], &message, 0));
	message = (struct msghdr){ .msg_iov = place, .msg_iovlen = 1 };
	CALL("recvmsg into too little", recvmsg(fds[1], &message, 0));
	show("flags", "%#x", message.msg_flags);
	struct mmsghdr several[3] = { 0 };
	for (int i = 0; i < 3; i++)
		several[i].msg_hdr = (struct msghdr){ .msg_iov = parts, .msg_iovlen = 1 + (size_t)i % 2 };
	CALL("sendmmsg", sendmmsg(fds[0], several, 3, 0));
	show("lengths", "%u %u %u", several[0].msg_len, several[1].msg_len, several[2].msg_len);
	for (int i = 0; i < 3; i++)
		several[i].msg_hdr = (struct msghdr){ .msg_iov = place, .msg_iovlen = 2 };
	CALL("recvmmsg", recvmmsg(fds[1], several, 3, MSG_DONTWAIT, NULL));
	show("lengths", "%u %u %u", several[0].msg_len, several[1].msg_len, several[2].msg_len);
	CALL("recvmmsg of none", recvmmsg(fds[1], several, 3, MSG_DONTWAIT, NULL));
	close(passed);
	close(fds[0]);
	close(fds[1]);
}

static void check_local(void)
{
	int server = must("socket", socket(AF_UNIX, SOCK_STREAM, 0)), client, accepted;
	struct sockaddr_un name = { AF_UNIX, "socket" }, back;
	socklen_t size = sizeof back;
	char text[16];

	CALL("connect to nothing", connect(server, (void *)&name, sizeof name));
	CALL("bind", bind(server, (void *)&name, sizeof name));
	CALL("bind again", bind(server, (void *)&name, sizeof name));
	CALL("accept before listen", accept(server, NULL, NULL));
	CALL("listen", listen(server, 1));
	client = must("socket", socket(AF_UNIX, SOCK_STREAM, 0));
	CALL("bind to what exists", bind(client, (void *)&name, sizeof name));
	CALL("connect", connect(client, (void *)&name, sizeof name));
	CALL("connect again", connect(client, (void *)&name, sizeof name));
	accepted = accept4(server, (void *)&back, &size, SOCK_NONBLOCK);
	show("accept4", "%d %u", accepted >= 0, size);
	CALL("write", write(client, "text", 4));
	CALL("read", read(accepted, text, sizeof text));
	CALL("read of no more", read(accepted, text, sizeof text));
	size = 2;
	CALL("getsockname into too little", getsockname(server, (void *)&back, &size));
	show("its size", "%u", size);
	size = sizeof back;
	CALL("getpeername", getpeername(client, (void *)&back, &size));
	show("it", "%s", back.sun_path);
	alarm_in(50, 0);
	LASTS("accept that waits and is interrupted", 49, accept(server, NULL, NULL));
	alarm_in(0, 0);
	struct timeval limit = { 0, 40000 };
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	LASTS("recv with a time limit", 39, recv(client, text, sizeof text, 0));
	close(accepted);
	close(client);
	close(server);
}

static void check_lengths(void)
{
	int fd = must("socket", socket(AF_UNIX, SOCK_STREAM, 0)), plain = make_file("plain", "text"), one = 1;
	struct sockaddr_storage name = { .ss_family = AF_UNIX };
	static const int lengths[] = { -1, INT_MIN, 0, 1, INT_MAX, 200 };
	char text[4] = "abc";

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		socklen_t length = (socklen_t)lengths[i];

		show("length", "%d", lengths[i]);
		CALL("bind", length == 0 || length == 1 ? -1 : bind(fd, (void *)&name, length));
		CALL("connect", connect(fd, (void *)&name, length));
		CALL("sendto", sendto(fd, text, 3, MSG_NOSIGNAL, (void *)&name, length));
		CALL("setsockopt", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, length));
		CALL("bind of a file", bind(plain, (void *)&name, length));
		CALL("bind of no descriptor", bind(-1, (void *)&name, length));
		CALL("setsockopt of no descriptor", setsockopt(-1, SOL_SOCKET, SO_REUSEADDR, &one, length));
		CALL("getsockopt", getsockopt(fd, SOL_SOCKET, SO_TYPE, &one, &length));
		length = (socklen_t)lengths[i];
		CALL("getsockname", getsockname(fd, (void *)&name, &length));
		length = (socklen_t)lengths[i];
		CALL("getpeername", getpeername(fd, (void *)&name, &length));
		CALL("recvfrom", recvfrom(fd, text, 3, MSG_DONTWAIT, (void *)&name, &length));
		CALL("accept", accept(fd, (void *)&name, &length));
		show("the length then", "%d", (int)length);
	}
	close(fd);
	close(plain);
}

static void run_sockets(void)
{
	check_lengths();
	check_pair();
	check_control();
	check_local();
}

static void check_interfaces(void)
{
	int fd = must("socket", socket(AF_INET, SOCK_STREAM, 0)), mark = -1;
	struct ifreq request = { .ifr_name = "lo" };

	CALL("SIOCGIFINDEX", ioctl(fd, SIOCGIFINDEX, &request));
	show("it", "%d", request.ifr_ifindex);
	CALL("SIOCGIFFLAGS", ioctl(fd, SIOCGIFFLAGS, &request));
	show("it", "%d", request.ifr_flags & IFF_LOOPBACK);
	CALL("SIOCGIFNAME of none", ioctl(fd, SIOCGIFNAME, &(struct ifreq){ .ifr_ifindex = 9999 }));
	CALL("SIOCATMARK", ioctl(fd, SIOCATMARK, &mark));
	CALL("FIOGETOWN", ioctl(fd, FIOGETOWN, &mark));
	show("it", "%d", mark);
	close(fd);
}

/* More than fits into one message between guest and shadow. */
static void check_large(void)
{
	static char data[2 << 20], back[2 << 20];
	int fds[2], size = 8 << 20;
	struct iovec parts[3] = { { data, 1 << 20 }, { data + (1 << 20), 7 }, { data + (1 << 20) + 7, (1 << 20) - 7 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 3 };
	size_t sent = 0, got = 0;

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (char)(i * 7 >> 2);
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	for (ssize_t some; sent < sizeof data; sent += (size_t)some) {
		if ((some = sendmsg(fds[0], &message, 0)) < 0)
			break;
		while ((some = recv(fds[1], back + got, sizeof back - got, 0)) > 0)
			got += (size_t)some;
		parts[0] = (struct iovec){ data + got, sizeof data - got };
		message.msg_iovlen = 1;
		some = (ssize_t)(got - sent);
	}
	show("2 MiB by sendmsg", "%lu %lu %d", (long)sent, (long)got, memcmp(data, back, sizeof data));
	close(fds[0]);
	close(fds[1]);
	must("socketpair", socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
	message.msg_iov = &(struct iovec){ data, sizeof data };
	CALL("a datagram of 2 MiB", sendmsg(fds[0], &message, 0));
	close(fds[0]);
	close(fds[1]);
}

static void check_tcp(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, back;
	int server = must("socket", socket(AF_INET, SOCK_STREAM, 0)), on = 1, client, accepted, value;
	socklen_t size = sizeof back;
	char text[16];

	CALL("setsockopt SO_REUSEADDR", setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
	CALL("bind", bind(server, (void *)&name, sizeof name));
	CALL("getsockname", getsockname(server, (void *)&name, &size));
	show("it", "%u %d", size, name.sin_port != 0);
	client = must("socket", socket(AF_INET, SOCK_STREAM, 0));
	CALL("connect to a port without a listener", connect(client, (void *)&name, sizeof name));
	CALL("listen", listen(server, 5));
	CALL("bind to the same port", bind(client, (void *)&name, sizeof name));
	close(client);
	client = must("socket", socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	CALL("connect that does not wait", connect(client, (void *)&name, sizeof name));
	struct pollfd list = { client, POLLOUT, 0 };
	CALL("poll of it", poll(&list, 1, 5000));
	size = sizeof value;
	CALL("getsockopt SO_ERROR", getsockopt(client, SOL_SOCKET, SO_ERROR, &value, &size));
	show("it", "%d", value);
	size = sizeof back;
	accepted = accept(server, (void *)&back, &size);
	show("accept", "%d %u %d", accepted >= 0, size, back.sin_family);
	CALL("setsockopt TCP_NODELAY", setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
	CALL("recv of nothing", recv(client, text, sizeof text, 0));
	CALL("send", send(accepted, "0123456789", 10, 0));
	CALL("poll", poll(&(struct pollfd){ client, POLLIN, 0 }, 1, 5000));
	CALL("recv", recv(client, text, sizeof text, 0));
	CALL("send out of band", send(accepted, "!", 1, MSG_OOB));
	CALL("poll of it", poll(&(struct pollfd){ client, POLLPRI, 0 }, 1, 5000));
	CALL("recv out of band", recv(client, text, 1, MSG_OOB));
	CALL("shutdown", shutdown(accepted, SHUT_RDWR));
	CALL("getpeername of a closed connection", getpeername(server, (void *)&back, &size));
	CALL("setsockopt of something unknown", setsockopt(client, IPPROTO_TCP, 9999, &on, sizeof on));
	close(accepted);
	close(client);
	close(server);
}

static void check_udp(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, back;
	int one = must("socket", socket(AF_INET, SOCK_DGRAM, 0)), two = must("socket", socket(AF_INET, SOCK_DGRAM, 0));
	socklen_t size = sizeof name;
	char text[16];

	bind(one, (void *)&name, sizeof name);
	getsockname(one, (void *)&name, &size);
	CALL("send without an address", send(two, "x", 1, 0));
	CALL("sendto", sendto(two, "datagram", 8, 0, (void *)&name, sizeof name));
	size = sizeof back;
	CALL("recvfrom", recvfrom(one, text, 4, 0, (void *)&back, &size));
	show("its address", "%u %d %d", size, back.sin_family, back.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	CALL("connect", connect(two, (void *)&name, sizeof name));
	CALL("send", send(two, "", 0, 0));
	CALL("recv of an empty datagram", recv(one, text, sizeof text, 0));
	CALL("recv of none", recv(one, text, sizeof text, MSG_DONTWAIT));
	CALL("sendto a bad address", sendto(one, "x", 1, 0, (void *)&name, 3));
	close(one);
	close(two);
}

static void run_internet(void)
{
	check_interfaces();
	check_large();
	check_tcp();
	check_udp();
}

const struct part part_sockets = { "sockets", run_sockets };
const struct part part_internet = { "internet", run_internet };
