/* files.c - opening, offsets, sizes, holes; and the calls that move data between descriptors. */
#include "conformity.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static void check_open(void)
{
	char longest[5001];
	int fd = open("file", O_RDWR | O_CREAT | O_EXCL, 0666);
	struct stat status;

	show("open of a new file", "descriptor %s", fd >= 3 ? "yes" : "no");
	fstat(fd, &status);
	show("mode under umask 022", "%o", status.st_mode);
	CALL("open O_EXCL of what exists", open("file", O_RDWR | O_CREAT | O_EXCL, 0666));
	CALL("open of what does not exist", open("none", O_RDONLY));
	CALL("open of a folder for writing", open(".", O_WRONLY));
	CALL("open O_DIRECTORY of a file", open("file", O_RDONLY | O_DIRECTORY));
	symlink("file", "link");
	CALL("open O_NOFOLLOW of a link", open("link", O_RDONLY | O_NOFOLLOW));
	symlink("loop", "loop");
	CALL("open of a loop", open("loop", O_RDONLY));
	CALL("open of a path through a file", open("file/x", O_RDONLY));
	CALL("open of an empty path", open("", O_RDONLY));
	memset(longest, 'n', sizeof longest - 1);
	longest[300] = '\0';
	CALL("open of a name of 300 bytes", open(longest, O_RDONLY));
	memset(longest, '/', sizeof longest - 1);
	longest[5000] = '\0';
	CALL("open of a path of 5000 bytes", open(longest, O_RDONLY));
	close(fd);
	CALL("read of a closed descriptor", read(fd, longest, 1));
	fd = open("file", O_RDONLY);
	CALL("write to a file open for reading", write(fd, "x", 1));
	close(fd);
	fd = open("file", O_WRONLY);
	CALL("read of a file open for writing", read(fd, longest, 1));
	close(fd);
	fd = open("file", O_PATH);
	CALL("read of an O_PATH descriptor", read(fd, longest, 1));
	CALL("fstat of an O_PATH descriptor", fstat(fd, &status));
	close(fd);
	fd = open(".", O_RDONLY);
	CALL("read of a folder", read(fd, longest, 1));
	close(fd);
	CALL("open at no descriptor", openat(-1, "file", O_RDONLY));
	CALL("open at a file", openat(fd = open("file", O_RDONLY), "x", O_RDONLY));
	close(fd);
}

static void check_offsets(void)
{
	char text[64] = "";
	int fd = make_file("offsets", "0123456789"), other, copy;

	CALL("read moves the offset", read(fd, text, 4));
	CALL("offset after it", lseek(fd, 0, SEEK_CUR));
	CALL("pread does not", pread(fd, text, 4, 6));
	CALL("offset after that", lseek(fd, 0, SEEK_CUR));
	show("what pread gave", "%.4s", text);
	copy = dup(fd);
	lseek(copy, 2, SEEK_SET);
	CALL("a duplicate shares the offset", lseek(fd, 0, SEEK_CUR));
	other = open("offsets", O_RDONLY);
	CALL("another open file does not", lseek(other, 0, SEEK_CUR));
	CALL("lseek to a negative offset", lseek(fd, -1, SEEK_SET));
	CALL("lseek by something unknown", lseek(fd, 0, 99));
	CALL("lseek from the end", lseek(fd, -3, SEEK_END));
	CALL("lseek behind the end", lseek(fd, 100, SEEK_SET));
	CALL("read there", read(fd, text, 4));
	CALL("write there", write(fd, "end", 3));
	CALL("size after it", lseek(fd, 0, SEEK_END));
	pread(fd, text, 4, 50);
	show("the gap is zero", "%d %d %d %d", text[0], text[1], text[2], text[3]);
	CALL("pwrite at a negative offset", pwrite(fd, "x", 1, -1));
	close(other);
	other = open("offsets", O_WRONLY | O_APPEND);
	CALL("O_APPEND: write", write(other, "A", 1));
	lseek(other, 0, SEEK_SET);
	CALL("O_APPEND: write after lseek", write(other, "B", 1));
	CALL("O_APPEND: offset then", lseek(other, 0, SEEK_CUR));
	CALL("O_APPEND: pwrite appends too", pwrite(other, "C", 1, 0));
	CALL("size at the end", lseek(fd, 0, SEEK_END));
	CALL("read of nothing", read(fd, NULL, 0));
	close(fd);
	close(copy);
	close(other);
}

/* Often enough that away from home these calls need no answer from there any more. */
static void check_offsets_often(void)
{
	char text[64] = "";
	int fd = make_file("often", "0123456789"), copy;
	struct stat status;

	for (int round = 0; round < 4; round++) {
		CALL("pwrite", pwrite(fd, "abc", 3, 20 * round));
		CALL("pwrite of nothing", pwrite(fd, "abc", 0, 0));
		CALL("pwrite at a negative offset", pwrite(fd, "x", 1, -1));
		CALL("pwrite of memory that is not there", syscall(SYS_pwrite64, fd, 16L, 1L, 0L));
		CALL("offset", lseek(fd, 0, SEEK_CUR));
		CALL("lseek by three", lseek(fd, 3, SEEK_CUR));
		CALL("lseek to a negative offset", lseek(fd, -1, SEEK_SET));
		CALL("lseek before the beginning", lseek(fd, -1000, SEEK_CUR));
		CALL("lseek before the end", lseek(fd, -2, SEEK_END));
		CALL("lseek as far as possible", lseek(fd, INT64_MAX, SEEK_SET));
		CALL("lseek too far", lseek(fd, INT64_MAX, SEEK_CUR));
		CALL("lseek by something unknown", lseek(fd, 0, 99));
		CALL("lseek back", lseek(fd, 5, SEEK_SET));
		CALL("write there", write(fd, "xyz", 3));
		CALL("read behind it", read(fd, text, sizeof text));
		CALL("read at the end", read(fd, text, sizeof text));
		CALL("pread over the end", pread(fd, text, sizeof text, 8));
		show("what it gave", "%.6s", text);
		CALL("pread behind the end", pread(fd, text, 1, 1000));
		CALL("pread at a negative offset", pread(fd, text, 1, -1));
		CALL("pread to memory that is not there", syscall(SYS_pread64, fd, 16L, 1L, 0L));
		CALL("fstat", fstat(fd, &status));
		show("size", "%lld", (long long)status.st_size);
		CALL("fstat to memory that is not there", syscall(SYS_fstat, fd, 16L));
	}
	copy = dup(fd);
	for (int round = 0; round < 3; round++) {
		CALL("lseek", lseek(fd, 4 + round, SEEK_SET));
		CALL("a duplicate's offset", lseek(copy, 1, SEEK_CUR));
		CALL("its own", lseek(fd, 0, SEEK_CUR));
	}
	close(copy);
	close(fd);
	CALL("lseek of a closed descriptor", lseek(fd, 0, SEEK_CUR));
	CALL("fstat of a closed descriptor", fstat(fd, &status));
	CALL("pwrite to a closed descriptor", pwrite(fd, "x", 1, 0));
}

static void check_sizes(void)
{
	int fd = make_file("sizes", "some text"), block;
	struct stat status;
	loff_t room;

	CALL("ftruncate to more", ftruncate(fd, 1 << 20));
	CALL("lseek SEEK_DATA", lseek(fd, 0, SEEK_DATA));
	pwrite(fd, "x", 1, 1 << 20);
	CALL("lseek SEEK_END", lseek(fd, 0, SEEK_END));
	CALL("lseek SEEK_HOLE behind the end", lseek(fd, 2 << 20, SEEK_HOLE));
	CALL("ftruncate to less", ftruncate(fd, 3));
	CALL("size", lseek(fd, 0, SEEK_END));
	CALL("ftruncate to a negative size", ftruncate(fd, -1));
	CALL("truncate", truncate("sizes", 5));
	CALL("truncate of what does not exist", truncate("none", 5));
	CALL("fallocate", fallocate(fd, 0, 0, 10000));
	CALL("size after it", lseek(fd, 0, SEEK_END));
	CALL("fallocate keeping the size", fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 30000));
	fstat(fd, &status);
	show("size after that", "%ld", (long)status.st_size);
	CALL("fallocate of a negative length", fallocate(fd, 0, 0, -1));
	CALL("FIOQSIZE", ioctl(fd, FIOQSIZE, &room));
	CALL("FIGETBSZ", ioctl(fd, FIGETBSZ, &block));
	WORKS("fsync", fsync(fd));
	WORKS("fdatasync", fdatasync(fd));
	WORKS("sync_file_range", sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
	CALL("posix_fadvise", posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM));
	CALL("posix_fadvise of something unknown", posix_fadvise(fd, 0, 0, 99));
	close(fd);
	fd = open("sizes", O_RDONLY);
	CALL("ftruncate of a file open for reading", ftruncate(fd, 0));
	close(fd);
	fd = must("memfd", memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC));
	ftruncate(fd, 100);
	CALL("seal against growing and writing", fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_WRITE));
	CALL("seals", fcntl(fd, F_GET_SEALS));
	CALL("write to what is sealed", write(fd, "x", 1));
	CALL("growth of what is sealed", ftruncate(fd, 200));
	close(fd);
	fd = must("O_TMPFILE", open(".", O_TMPFILE | O_RDWR, 0600));
	fstat(fd, &status);
	show("O_TMPFILE links", "%ld", (long)status.st_nlink);
	close(fd);
}

static void run_files(void)
{
	check_open();
	check_offsets();
	check_offsets_often();
	check_sizes();
}

static void check_vectors(void)
{
	char a[4] = "", b[8] = "", c[8] = "";
	struct iovec list[3] = { { a, 3 }, { b, 0 }, { c, 5 } };
	struct iovec many[1025];
	int fd = make_file("vectors", "0123456789abcdef");

	CALL("readv", readv(fd, list, 3));
	show("what it gave", "%.3s %.5s", a, c);
	CALL("preadv", preadv(fd, list, 3, 10));
	show("what that gave", "%.3s %.3s", a, c);
	CALL("preadv2 at the offset", preadv2(fd, list, 3, -1, 0));
	show("what preadv2 gave", "%.3s %.5s", a, c);
	CALL("preadv2 with unknown flags", preadv2(fd, list, 3, 0, 0x40000000));
	CALL("writev", writev(fd, list, 3));
	CALL("pwritev", pwritev(fd, list, 2, 1));
	CALL("pwritev2 that appends", pwritev2(fd, list, 3, 0, RWF_APPEND));
	CALL("size after it", lseek(fd, 0, SEEK_END));
	CALL("readv of no pieces", readv(fd, list, 0));
	memset(many, 0, sizeof many);
	CALL("readv of 1025 pieces", readv(fd, many, 1025));
	CALL("writev of 1024 empty ones", writev(fd, many, 1024));
	list[1].iov_len = (size_t)-1;
	CALL("readv of a negative length", readv(fd, list, 3));
	CALL("readv of a negative count", syscall(SYS_readv, fd, list, -1));
	close(fd);
}

/* What takes what there is room for, and waits only where there is none. */
static void check_full_pipe(int *fds)
{
	size_t size = 2u << 20;
	char *data = aligned_alloc(4096, size + 4096);
	struct iovec piece = { data, size }, odd = { data + 1000, 128 << 10 };
	struct iovec list[3] = { { data, 4096 }, { data + 8192, 4096 }, { data + 65536, size - 65536 } };
	int fd = make_file("long", "");

	memset(data, 'p', size);
	must("ftruncate", ftruncate(fd, (off_t)size));
	must("F_SETPIPE_SZ", fcntl(fds[1], F_SETPIPE_SZ, 65536));
	CALL("vmsplice of 2 MiB", vmsplice(fds[1], &piece, 1, 0));
	CALL("vmsplice to a full pipe", vmsplice(fds[1], &piece, 1, SPLICE_F_NONBLOCK));
	CALL("splice to a full pipe", splice(fd, NULL, fds[1], NULL, size, SPLICE_F_NONBLOCK));
	CALL("read of it", read(fds[0], data, size));
	CALL("vmsplice of 128 KiB from within a page", vmsplice(fds[1], &odd, 1, 0));
	CALL("read of that", read(fds[0], data, size));
	CALL("vmsplice of pieces", vmsplice(fds[1], list, 3, SPLICE_F_NONBLOCK));
	CALL("read of those", read(fds[0], data, size));
	CALL("splice of 2 MiB", splice(fd, NULL, fds[1], NULL, size, 0));
	CALL("read of what it moved", read(fds[0], data, size));
	CALL("sendfile of 64 KiB", sendfile(fds[1], fd, NULL, 65536));
	CALL("vmsplice from it", vmsplice(fds[0], list, 2, 0));
	must("F_SETFL", fcntl(fds[1], F_SETFL, O_NONBLOCK));
	CALL("write of 2 MiB", write(fds[1], data, size) > 0);
	CALL("writev to a full pipe", writev(fds[1], list, 3));
	CALL("sendfile to a full pipe", sendfile(fds[1], fd, NULL, size));
	CALL("pwritev2 that may not wait", pwritev2(fds[1], list, 3, -1, RWF_NOWAIT));
	must("F_SETFL", fcntl(fds[0], F_SETFL, O_NONBLOCK));
	while (read(fds[0], data, size) > 0)
		;
	CALL("read of an empty pipe", read(fds[0], data, size));
	must("F_SETFL", fcntl(fds[0], F_SETFL, 0));
	must("F_SETFL", fcntl(fds[1], F_SETFL, 0));
	close(fd);
	free(data);
}

static void check_between(void)
{
	int from = make_file("from", "0123456789"), to = make_file("to", ""), pipe_fds[2], other[2];
	off_t at = 2, then = 1;
	char text[32] = "";

	must("pipe", pipe(pipe_fds));
	must("pipe", pipe(other));
	CALL("sendfile", sendfile(to, from, &at, 4));
	show("its offset", "%ld", (long)at);
	CALL("sendfile without an offset", sendfile(to, from, NULL, 3));
	CALL("offset of its source", lseek(from, 0, SEEK_CUR));
	at = 0;
	CALL("copy_file_range", copy_file_range(from, &at, to, &then, 5, 0));
	show("its offsets", "%ld %ld", (long)at, (long)then);
	CALL("copy_file_range with flags", copy_file_range(from, &at, to, &then, 5, 7));
	CALL("copy_file_range to a pipe", copy_file_range(from, &at, pipe_fds[1], NULL, 5, 0));
	at = 4;
	CALL("splice from a file", splice(from, &at, pipe_fds[1], NULL, 6, 0));
	CALL("tee", tee(pipe_fds[0], other[1], 4, 0));
	CALL("splice to a file", splice(pipe_fds[0], NULL, to, NULL, 6, 0));
	CALL("splice between files", splice(from, NULL, to, NULL, 6, 0));
	CALL("splice from an empty pipe", splice(pipe_fds[0], NULL, to, NULL, 6, SPLICE_F_NONBLOCK));
	CALL("read of what tee gave", read(other[0], text, sizeof text));
	show("that", "%s", text);
	show("all of it", "%.*s", (int)pread(to, text, sizeof text, 0), text);
	struct iovec piece = { text, 5 };
	CALL("vmsplice", vmsplice(pipe_fds[1], &piece, 1, 0));
	CALL("read of it", read(pipe_fds[0], text + 8, 8));
	check_full_pipe(pipe_fds);
	CALL("pread of a pipe", pread(pipe_fds[0], text, 1, 0));
	CALL("lseek of a pipe", lseek(pipe_fds[0], 0, SEEK_CUR));
	CALL("fsync of a pipe", fsync(pipe_fds[0]));
	CALL("ftruncate of a pipe", ftruncate(pipe_fds[1], 0));
	CALL("readahead of a pipe", readahead(pipe_fds[0], 0, 1));
	close(from);
	close(to);
	for (int i = 0; i < 2; i++) {
		close(pipe_fds[i]);
		close(other[i]);
	}
}

static void check_large(void)
{
	size_t size = 5u << 20;
	char *data = malloc(size), *back = malloc(size);
	int fd = make_file("large", "");
	struct iovec list[2] = { { data, size / 2 }, { data + size / 2, size - size / 2 } };

	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i * 31 >> 3);
	CALL("write of 5 MiB", write(fd, data, size));
	CALL("pread of it", pread(fd, back, size, 0));
	show("it is the same", "%d", memcmp(data, back, size));
	CALL("writev of 5 MiB", pwritev(fd, list, 2, 7));
	CALL("offset", lseek(fd, 0, SEEK_CUR));
	list[0].iov_base = back;
	list[1].iov_base = back + size / 2;
	memset(back, 0, size);
	CALL("preadv of it", preadv(fd, list, 2, 7));
	show("that is the same too", "%d", memcmp(data, back, size));
	CALL("read of more than there is", pread(fd, back, size, (off_t)size - 3));
	close(fd);
	free(data);
	free(back);
}

static void run_transfer(void)
{
	check_vectors();
	check_between();
	check_large();
}

const struct part part_files = { "files", run_files };
const struct part part_transfer = { "transfer", run_transfer };
