/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run a command where io_uring is forbidden, as container runtimes do it: with a seccomp filter
 * that fails io_uring_setup.
 *
 *     no_uring eperm|enosys COMMAND...
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Exit status 77 tells the script that this machine knows no seccomp. */
enum { EXIT_SKIP = 77, EXIT_NOT_STARTED = 126 };

static int forbid(unsigned code)
{
	struct sock_filter filter[] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | code),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: no_uring eperm|enosys COMMAND...\n");
		return 2;
	}
	if (forbid(strcmp(argv[1], "enosys") == 0 ? ENOSYS : EPERM) < 0) {
		perror("no_uring: seccomp");
		return EXIT_SKIP;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return EXIT_NOT_STARTED;
}
