/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/pid.h"
#include "tests/support/memory.h"

Test(pid, start_of_oneself_stays_the_same)
{
	uint64_t start = wax_pid_start(getpid());

	cr_assert_neq(start, 0);
	usleep(30000);
	cr_assert_eq(wax_pid_start(getpid()), start);
}

Test(pid, child_started_no_earlier_than_its_parent)
{
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	uint64_t start = wax_pid_start(child);
	cr_assert_geq(start, wax_pid_start(getpid()));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

Test(pid, who_is_gone_has_no_start)
{
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	cr_assert_eq(waitpid(child, NULL, 0), child);
	cr_assert_eq(wax_pid_start(child), 0);
}

Test(pid, who_never_was_has_no_start)
{
	cr_assert_eq(wax_pid_start(-1), 0);
	cr_assert_eq(wax_pid_start(0x7fffffff), 0);
}

Test(pid, blanks_and_parentheses_in_the_name_do_not_matter)
{
	static const char *const names[] = {"a) R 1 2 3", ") ) )", "(((", " ", "a\nb) 7", ""};
	uint64_t start = wax_pid_start(getpid());

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cr_assert_eq(prctl(PR_SET_NAME, names[i]), 0);
		cr_assert_eq(wax_pid_start(getpid()), start, "name '%s'", names[i]);
	}
}

/* Else who has no memory would look as if it had ended, and what it uses would be removed. */
Test(pid, start_is_told_without_memory)
{
	uint64_t start = wax_pid_start(getpid()), again;

	memory_fail(0, true);
	again = wax_pid_start(getpid());
	memory_give();
	cr_assert_eq(again, start);
}
