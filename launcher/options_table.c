/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/options_table.h"

#include <assert.h>
#include <string.h>

#include "launcher/options.h"

#define MEMBER(name) WAX_OPTION_MEMBER(struct wax_options, name)

static const struct wax_choice binds[] = {
		{"auto", WAX_BIND_AUTO},
		{"core", WAX_BIND_CORE},
		{"none", WAX_BIND_NONE},
		{NULL, 0},
};

static const struct wax_choice ios[] = {
		{"auto", WAX_IO_AUTO},
		{"uring", WAX_IO_URING},
		{"posix", WAX_IO_POSIX},
		{NULL, 0},
};

static const struct wax_choice colors[] = {
		{"auto", WAX_OPTION_COLOR_AUTO},
		{"always", WAX_OPTION_COLOR_ALWAYS},
		{"never", WAX_OPTION_COLOR_NEVER},
		{NULL, 0},
};

static const struct wax_choice graphs[] = {
		{"text", WAX_OPTION_GRAPH_TEXT},
		{"mermaid", WAX_OPTION_GRAPH_MERMAID},
		{"json", WAX_OPTION_GRAPH_JSON},
		{NULL, 0},
};

static const char *const groups[] = {
		[WAX_OPTION_GROUP_WORKERS] = "Workers",
		[WAX_OPTION_GROUP_MEMORY] = "Exchange between workers",
		[WAX_OPTION_GROUP_EPOCHS] = "Epochs, state, and the end of the run",
		[WAX_OPTION_GROUP_REPORTS] = "Reports, to standard error",
		[WAX_OPTION_GROUP_OTHER] = "Instead of a run",
		[WAX_OPTION_GROUP_HIDDEN] = "For packagers",
		NULL,
};

static const struct wax_option_example examples[] = {
		{"waxrun wordcount.so -- --in a.txt", "one worker per physical core"},
		{"waxrun -n 4 --json=log flow.so", "four workers, figures as JSON"},
		{"waxrun --graph=mermaid flow.so", "draw the flow, run nothing"},
		{NULL, NULL},
};

const struct wax_option wax_option_table[] = {
		{
				.name = "procs",
				.letter = 'n',
				.argument = "N|auto",
				.kind = WAX_OPTION_NUMBER,
				.group = WAX_OPTION_GROUP_WORKERS,
				.initial = "auto",
				.word = "auto",
				.word_value = 0,
				.min = 1,
				.max = WAX_OPTION_PROCS_MAX,
				MEMBER(procs),
				.help = "worker processes; auto: one per core",
				.more = "Number of worker processes. "
					"With auto there is one per physical core of the "
					"affinity mask (what taskset, a cpuset or a batch "
					"system grants), fewer if a control group limits the "
					"CPU time.",
		},
		{
				.name = "bind",
				.argument = "auto|core|none",
				.kind = WAX_OPTION_CHOICE,
				.group = WAX_OPTION_GROUP_WORKERS,
				.initial = "auto",
				.choices = binds,
				MEMBER(bind),
				.help = "tie each worker to a CPU",
				.more = "Tie each worker to a CPU: one hardware thread of "
					"every core first, neighbours in number on the same L3 "
					"cache. "
					"With auto workers are bound if there are as many as "
					"cores, and else left to the kernel, because two runs "
					"on one host would otherwise share the first cores. "
					"More workers than CPUs are never bound.",
		},
		{
				.name = "report-bindings",
				.kind = WAX_OPTION_FLAG,
				.group = WAX_OPTION_GROUP_WORKERS,
				MEMBER(report_bindings),
				.help = "say which worker runs on which CPU",
				.more = "Print to standard error which worker runs on which "
					"CPU, and why.",
		},
		{
				.name = "report-partitions",
				.kind = WAX_OPTION_FLAG,
				.group = WAX_OPTION_GROUP_WORKERS,
				MEMBER(report_partitions),
				.help = "say which worker has which partition",
				.more = "Print to standard error which worker has which partition "
					"of each source and sink; with --check too.",
		},
		{
				.name = "io",
				.argument = "auto|uring|posix",
				.kind = WAX_OPTION_CHOICE,
				.group = WAX_OPTION_GROUP_WORKERS,
				.initial = "auto",
				.choices = ios,
				MEMBER(io),
				.help = "how workers wait, read and write",
				.more = "What workers wait, read and write with: io_uring, or "
					"poll, read and write. "
					"With auto io_uring is taken where the kernel allows "
					"it; many containers do not.",
		},
		{
				.name = "spin",
				.argument = "auto|DUR",
				.kind = WAX_OPTION_DURATION,
				.group = WAX_OPTION_GROUP_WORKERS,
				.initial = "auto",
				.word = "auto",
				.word_value = WAX_OPTION_SPIN_AUTO,
				MEMBER(spin_ns),
				.help = "look for work so long before sleeping",
				.more = "How long a worker without work looks for more before "
					"it sleeps. "
					"With auto it is about the time that waking up takes "
					"on this machine, and 0 if workers outnumber cores.",
		},
		{
				.name = "exchange-mem",
				.argument = "SIZE|auto",
				.kind = WAX_OPTION_SIZE,
				.group = WAX_OPTION_GROUP_MEMORY,
				.initial = "auto",
				.word = "auto",
				.word_value = 0,
				.min = 1,
				MEMBER(exchange_mem_bytes),
				.help = "memory of the exchange, all workers",
				.more = "Memory of the whole exchange: what all workers "
					"together may have under way to each other. "
					"It bounds memory, whatever the flow does; a worker "
					"whose share is used up waits for the slower one.",
		},
		{
				.name = "slab",
				.argument = "SIZE|auto",
				.kind = WAX_OPTION_SIZE,
				.group = WAX_OPTION_GROUP_MEMORY,
				.initial = "auto",
				.word = "auto",
				.word_value = 0,
				.min = 512,
				.max = 1024 * 1024,
				.power_of_two = true,
				MEMBER(slab_bytes),
				.help = "a batch on its way; a power of two",
				.more = "Size of one slab, the piece of shared memory that "
					"holds one batch on its way: a power of two from 512 "
					"to 1M, for tuning. "
					"With auto it follows from the memory of the exchange "
					"and the number of workers.",
		},
		{
				.name = "snapshot-interval",
				.letter = 's',
				.argument = "DUR",
				.kind = WAX_OPTION_DURATION,
				.group = WAX_OPTION_GROUP_EPOCHS,
				.initial = "10s",
				MEMBER(snapshot_interval_ns),
				.help = "length of an epoch; 0: no epochs",
				.more = "Length of an epoch, at the end of which every step "
					"takes a snapshot of what changed. "
					"0 means no epochs.",
		},
		{
				.name = "rehearse",
				.kind = WAX_OPTION_FLAG,
				.group = WAX_OPTION_GROUP_EPOCHS,
				MEMBER(rehearse),
				.help = "rebuild state from each snapshot: a test",
				.more = "At the end of each epoch take a snapshot of every key "
					"that changed and go on with what is rebuilt from it. "
					"The results must be the same; where they are not, a "
					"snapshot forgets a field. "
					"For tests: it costs time.",
		},
		{
				.name = "on-error",
				.argument = "[STEP=]POLICY",
				.kind = WAX_OPTION_LIST,
				.group = WAX_OPTION_GROUP_EPOCHS,
				MEMBER(on_error),
				.help = "fail, skip or dlq:PATH for bad items",
				.more = "What becomes of an item at which a callback fails: fail "
					"ends "
					"the run, skip drops and counts the item, dlq:PATH also "
					"writes it to the end of a file as a JSON line. "
					"Without STEP it is for all steps; STEP is the id of a "
					"step, or "
					"of a group of them, and may be given many times. "
					"It goes before what the flow says.",
		},
		{
				.name = "drain-timeout",
				.argument = "DUR",
				.kind = WAX_OPTION_DURATION,
				.group = WAX_OPTION_GROUP_EPOCHS,
				.initial = "30s",
				MEMBER(drain_timeout_ns),
				.help = "time to finish in after SIGTERM",
				.more = "How long the workers may take to finish what they "
					"have begun after SIGTERM or SIGINT. "
					"Then the run is aborted, as it is by a second signal.",
		},
		{
				.name = "timeout",
				.argument = "DUR",
				.kind = WAX_OPTION_DURATION,
				.group = WAX_OPTION_GROUP_EPOCHS,
				MEMBER(timeout_ns),
				.help = "end the whole run then, exit 124",
				.more = "Abort the run when it takes longer, with exit status "
					"124. "
					"Without it, or with 0, a run may take for ever.",
		},
		{
				.name = "recovery",
				.letter = 'r',
				.argument = "DIR",
				.kind = WAX_OPTION_STRING,
				.group = WAX_OPTION_GROUP_EPOCHS,
				MEMBER(recovery_path),
				.help = "keep state in DIR, and go on from it",
				.more = "Save at the end of each epoch the state of all steps and "
					"the "
					"positions of sources and sinks in this directory, and go "
					"on "
					"from what is there. "
					"It is made when it is missing; one run at a time uses it. "
					"A run may go on with any number of workers. "
					"SIGTERM and SIGINT then end the run behind a last epoch, "
					"without the results that the end of the input would give.",
		},
		{
				.name = "from",
				.argument = "latest|EPOCH|none",
				.kind = WAX_OPTION_STRING,
				.group = WAX_OPTION_GROUP_EPOCHS,
				.initial = "latest",
				MEMBER(from_text),
				.help = "epoch to go on from",
				.more = "Which committed epoch of the recovery directory to go on "
					"from: the newest, or an earlier one that is still there; "
					"with none what is there is thrown away and the run begins "
					"anew.",
		},
		{
				.name = "keep",
				.argument = "N",
				.kind = WAX_OPTION_NUMBER,
				.group = WAX_OPTION_GROUP_EPOCHS,
				.initial = "2",
				.min = 1,
				.max = 1000,
				MEMBER(keep_epochs),
				.help = "epochs that can be gone on from",
				.more = "How many of the last epochs stay in the recovery "
					"directory, "
					"for --from.",
		},
		{
				.name = "restart",
				.argument = "never|on-crash",
				.kind = WAX_OPTION_STRING,
				.group = WAX_OPTION_GROUP_EPOCHS,
				.initial = "on-crash:5/min",
				MEMBER(restart_text),
				.help = "go on when a worker was lost",
				.more = "What to do when a worker is killed or ends without a "
					"word: "
					"go on from the last committed epoch, at most 5 times in a "
					"minute (on-crash:N/min for N times), or never. "
					"Without --recovery a run that lost a worker ends. "
					"A record that kills its worker every time is found, and "
					"dropped as the policy of the step says (--on-error).",
		},
		{
				.name = "interval",
				.letter = 'i',
				.argument = "DUR",
				.kind = WAX_OPTION_DURATION,
				.group = WAX_OPTION_GROUP_REPORTS,
				.initial = "1s",
				MEMBER(interval_ns),
				.help = "between progress lines; 0: none",
				.more = "Time between two lines of progress, and between two "
					"objects of --json. "
					"With 0 there is only the summary.",
		},
		{
				.name = "json",
				.argument = "FILE",
				.kind = WAX_OPTION_STRING,
				.group = WAX_OPTION_GROUP_REPORTS,
				.bare = "-",
				MEMBER(json_path),
				.help = "report as JSON lines, to a file if named",
				.more = "Report as JSON, one object a line, the last one being "
					"the summary: to the file, or to standard error "
					"without one (or with -). "
					"Standard output belongs to the flow.",
		},
		{
				.name = "profile",
				.kind = WAX_OPTION_FLAG,
				.group = WAX_OPTION_GROUP_REPORTS,
				MEMBER(profile),
				.help = "say where the workers' time went",
				.more = "Look some 250 times a second what each worker does, "
					"and say in the summary where the time went: by step, "
					"by side of each exchange, by worker. "
					"It costs less than a hundredth.",
		},
		{
				.name = "watchdog",
				.argument = "DUR",
				.kind = WAX_OPTION_DURATION,
				.group = WAX_OPTION_GROUP_REPORTS,
				.initial = "100ms",
				MEMBER(watchdog_ns),
				.help = "report calls that hold a worker longer",
				.more = "Report, with its stack, a call of a callback that holds "
					"its worker for longer than this; 0 for never. "
					"Meanwhile nothing else of that worker runs. "
					"The time that the worker waits for a CPU does not count.",
		},
		{
				.name = "quiet",
				.letter = 'q',
				.kind = WAX_OPTION_FLAG,
				.group = WAX_OPTION_GROUP_REPORTS,
				MEMBER(quiet),
				.help = "print errors only",
		},
		{
				.name = "verbose",
				.letter = 'v',
				.kind = WAX_OPTION_FLAG,
				.group = WAX_OPTION_GROUP_REPORTS,
				MEMBER(verbose),
				.help = "print more, and stacks with errors",
		},
		{
				.name = "color",
				.argument = "auto|always|never",
				.kind = WAX_OPTION_CHOICE,
				.group = WAX_OPTION_GROUP_REPORTS,
				.initial = "auto",
				.choices = colors,
				MEMBER(color),
				.help = "colour; auto: on a terminal",
				.more = "Whether reports are coloured. "
					"With auto they are on a terminal, if TERM is not dumb "
					"and NO_COLOR is not set; CLICOLOR_FORCE colours them "
					"anywhere.",
		},
		{
				.name = "check",
				.kind = WAX_OPTION_FLAG,
				.group = WAX_OPTION_GROUP_OTHER,
				MEMBER(check),
				.help = "build and check the flow only",
				.more = "Build the flow and check it, but run nothing. "
					"The exit status is 0, or 3 for a flow with mistakes.",
		},
		{
				.name = "graph",
				.argument = "FORMAT",
				.kind = WAX_OPTION_CHOICE,
				.group = WAX_OPTION_GROUP_OTHER,
				.bare = "text",
				.choices = graphs,
				MEMBER(graph),
				.help = "print the graph: text, mermaid or json",
				.more = "Print the graph of the flow to standard output as "
					"text (the default), mermaid or json, but run nothing.",
		},
		{
				.name = "sanitize",
				.argument = "SEED",
				.kind = WAX_OPTION_NUMBER,
				.group = WAX_OPTION_GROUP_OTHER,
				.bare = "auto",
				.word = "auto",
				.word_value = WAX_OPTION_SANITIZE_AUTO,
				.min = 1,
				.max = UINT32_MAX,
				.no_variable = true,
				MEMBER(sanitize),
				.help = "do results depend on batches or workers?",
				.more = "Run the flow some ten times: with 1 to 4 workers, batches "
					"cut at random, keys dealt at random, exchanges where "
					"none is needed and state rebuilt from snapshots; and "
					"compare what reaches each output. "
					"Sinks write nothing. "
					"The exit status is 1 where results differ, and the "
					"first difference, what brings it about and a hint "
					"are printed. "
					"The same SEED does the same again.",
		},
		WAX_PROGRAM_ROWS(struct wax_options, WAX_OPTION_GROUP_OTHER,
				WAX_OPTION_GROUP_HIDDEN,
				"Print a summary of the options. "
				"The flow prints its own after \"waxrun FLOW -- --help\"."),
};

static_assert(sizeof(wax_option_table) / sizeof(wax_option_table[0]) <= WAX_OPTION_COUNT_MAX + 1,
		"readers keep a word for each option");

static const struct wax_exit_status exit_statuses[] = {
		{"0",
				"The sources ended, or one SIGINT or SIGTERM stopped them, and "
				"what was "
				"under way is finished."},
		{"1", "The flow failed: a callback said so, or data could not be used."},
		{"2", "Usage: a bad option or argument, or a file that is not there."},
		{"3", "The flow is invalid: no input, no output, a step id given twice."},
		{"5", "A source or sink cannot be reached."},
		{"70", "An internal error of the runtime."},
		{"71", "A resource is lacking: shared memory, locked memory, file descriptors."},
		{"124", "The time of --timeout was over."},
		{"128+n", "A worker died by signal n; of several the highest."},
		{"130, 143", "A second SIGINT or SIGTERM: the run was aborted."},
		{NULL, NULL},
};

static const char synopsis[] = ".Op Ar options\n"
			       ".Ar FLOW\n"
			       ".Op Fl \\- Ar arguments\n";

static const char description[] =
		".Nm\n"
		"loads a dataflow, checks it, and runs it in single-threaded worker\n"
		"processes, one per core, which hand each other batches through shared\n"
		"memory.\n"
		".Pp\n"
		".Ar FLOW\n"
		"is a shared object, or a C source file that is compiled first.\n"
		"What follows\n"
		".Fl \\-\n"
		"are arguments of the flow, which lists them after\n"
		".Ql waxrun FLOW \\-\\- \\-\\-help .\n"
		"Options may stand before or after\n"
		".Ar FLOW .\n"
		"The beginning of a long name will do where no other begins alike,\n"
		"and a flag can be taken back:\n"
		".Fl \\-quiet Ns =no .\n"
		".Pp\n"
		"Standard output belongs to the flow.\n"
		"All reports go to standard error.\n"
		".Pp\n"
		"A duration is a number and its unit, one of ns, us, ms, s, m, h and d:\n"
		"250ms, 1.5s, 2m.\n"
		"A size is a number of bytes, or one with K, M, G or T, multiples of 1024: 64K,\n"
		"512KiB, 4G.\n";

static const char environment[] =
		".Ev NO_COLOR ,\n"
		".Ev CLICOLOR_FORCE\n"
		"and\n"
		".Ev TERM\n"
		"decide on colours where\n"
		".Fl \\-color\n"
		"is auto.\n"
		"Variables of batch systems are not read: what they grant shows in the\n"
		"affinity mask.\n";

static const char signals[] = ".Sh SIGNALS\n"
			      "The first\n"
			      ".Dv SIGINT\n"
			      "or\n"
			      ".Dv SIGTERM\n"
			      "stops the sources; what is under way is finished, within\n"
			      ".Fl \\-drain\\-timeout .\n"
			      "The second aborts the run.\n";

const struct wax_program wax_option_program = {
		.name = "waxrun",
		.about = "run a dataflow on the cores of this host",
		.usage = "[OPTIONS] FLOW.so|FLOW.c [-- ARGUMENTS OF THE FLOW]",
		.options = wax_option_table,
		.groups = groups,
		.examples = examples,
		.exit_statuses = exit_statuses,
		.asks = offsetof(struct wax_options, asks),
		.operand = "flow",
		.rest = "arguments of the flow",
		.operand_suffix = "(so|c)",
		.help_end = "DUR is a number and its unit: 250ms, 1.5s, 2m. SIZE: 64K, 512KiB, "
			    "4G.\n"
			    "Each option but the last two can come from the environment: --procs "
			    "from\n"
			    "WAX_PROCS, --drain-timeout from WAX_DRAIN_TIMEOUT. The command line "
			    "goes first.\n"
			    "The flow lists its own arguments: waxrun FLOW.so -- --help\n",
		.synopsis = synopsis,
		.description = description,
		.environment = environment,
		.signals = signals,
};
