/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_CONNECTORS_H
#define WAX_CONNECTORS_H

#include <wax/connector.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sources and sinks that come with the library. Each call gives something that wax_input or
 * wax_output takes. Paths are copied. A missing file is reported before anything runs. Where a run
 * goes on from an earlier one, sources go on behind what was saved, with any number of workers, and
 * files that are written are cut to what was saved; exceptions are named. */

/**
 * The lines of a text file, without "\n" or "\r\n", as WAX_TEXT. The file is split among all
 * workers by byte range; every line is read once, whole, however long; a last line without a
 * newline is a line. Blank lines are kept.
 *
 * @param path a regular file, read up to the size it has at the start. Only append to it: a run that
 *             goes on reads what was appended, and refuses a file that became shorter.
 */
WAX_API struct wax_source *wax_file_lines(const char *path);

/**
 * The lines of all files in a directory whose name matches a pattern; a file is a partition, read
 * by one worker. Files are not looked for in subdirectories. A run that goes on reads files that are
 * new and what was appended to others; those that were read to their end may be gone.
 *
 * @param glob shell pattern; NULL: "*". Names that begin with a dot only match a dot.
 */
WAX_API struct wax_source *wax_dir_lines(const char *path, const char *glob);

/** The lines of standard input, as WAX_TEXT, read by worker 0. Cannot go on: a later run reads what it
 *  is given as standard input. */
WAX_API struct wax_source *wax_stdin_lines(void);

/**
 * The numbers 0 ... count - 1, as WAX_U64, a contiguous share in each worker.
 *
 * @param count    INT64_MAX: without end
 * @param rate     items per second over all workers; 0: as fast as they are taken
 */
WAX_API struct wax_source *wax_numbers(int64_t count, double rate);

/** The same, all in worker 0: one busy source, as a queue with one partition is. */
WAX_API struct wax_source *wax_numbers_single(int64_t count, double rate);

/**
 * Lines of made-up English-like words, as WAX_TEXT: the same for the same seed, whatever the number
 * of workers.
 *
 * @param lines    how many; INT64_MAX: without end
 * @param words    different words to choose from, in [1, 2^24]; drawn with Zipf's law
 * @param rate     lines per second over all workers; 0: as fast as they are taken
 */
WAX_API struct wax_source *wax_text(int64_t lines, uint32_t words, uint64_t seed, double rate);

/** A source that looks at something now and then: see wax_polling. All but poll may be NULL. */
struct wax_polling_ops {
	size_t size_bytes;   /* sizeof(struct wax_polling_ops) */
	int64_t interval_ns; /* between two polls, at least 1 */
	/** A time of the schedule, ns since the Unix epoch: polls are whole intervals away from it.
	 *  interval_ns itself gives full seconds, minutes, hours. 0: the first poll is at once. */
	int64_t align_to_ns;

	/** Look, and emit what there is; it may be nothing. Must not block.
	 *  @param retry_ns set to more than 0: look again after that time, instead of the next time
	 *                  of the schedule
	 *  @return WAX_IDLE; WAX_END; or a negative errno with a sentence in err: the run ends */
	int (*poll)(void *source, struct wax_out *out, int64_t *retry_ns, struct wax_err *err);
	/** In the worker, before the first poll. @param saved as open of wax_source_ops */
	int (*open)(void *source, struct wax_bytes saved, struct wax_err *err);
	/** As those of wax_source_ops. */
	struct wax_bytes (*position)(void *source);
	void (*close)(void *source);
	void (*free)(void *source);
};

/**
 * Poll something at regular times, in worker 0. A poll that comes late does not move the next ones;
 * times that were missed are left out.
 *
 * @param polling copied
 * @param type    of the items
 * @param source  handed to the callbacks; taken
 * @param label   as for wax_source_make
 */
WAX_API struct wax_source *wax_polling(const struct wax_polling_ops *polling,
		const struct wax_type *type, void *source, const char *label);

/**
 * Write items as text to standard output, a line each; lines of different workers are never mixed.
 *
 * @param format %k is the key, %v the value, each as its type prints it; \t and such are for the
 *               C compiler; %% is a percent sign. A newline is added. NULL: "%v", or "%k\t%v" of
 *               a keyed stream.
 */
WAX_API struct wax_sink *wax_stdout(const char *format);

/** Write items as lines to one file, which is made, or emptied, at the start. Format as above. What
 *  was written to a pipe or device cannot be taken back when a run goes on, nor what was written to
 *  standard output. */
WAX_API struct wax_sink *wax_file(const char *path, const char *format);

/**
 * Write items as lines to files part-00000, part-00001, ... in a directory, which is made if
 * missing.
 *
 * @param parts how many files; items are dealt by key, so a run that goes on needs as many. 0: one
 *              for each worker, which writes what arises there.
 */
WAX_API struct wax_sink *wax_dir(const char *path, uint32_t parts, const char *format);

/** Take everything and keep nothing. */
WAX_API struct wax_sink *wax_null(void);

#ifdef __cplusplus
}
#endif

#endif
