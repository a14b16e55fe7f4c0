#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each check passes on the tree, and finds the fault that is planted for it.

# shellcheck source=tests/support/cli.sh
. "$SOURCE/tests/support/cli.sh"

licence='SPDX-License-Identifier: Apache-2.0'

# A clean little tree in $work/tree.
plant_clean() {
	rm -rf "$work/tree"
	mkdir -p "$work/tree/shm" "$work/tree/runtime" "$work/tree/launcher" "$work/tree/include/wax"
	cat >"$work/tree/shm/ring.c" <<-END
		/* $licence */
		#include <stdint.h>
		#include <wax/base.h>
		#include "shm/ring.h"
		/* ring:A. Pairs with the acquire in pop. */
		/*
		 * ring:B. Pairs with the release in pop.
		 */
	END
	cat >"$work/tree/shm/ring.h" <<-END
		/* $licence */
		/* The tail first: ring:A. And the head: ring:B. */
	END
	cat >"$work/tree/runtime/worker.c" <<-END
		/* $licence */
		#include "shm/ring.h"
	END
}

# finds CHECK FILE LINE: append LINE to FILE, and see the check name that place.
finds() {
	plant_clean
	printf '%s\n' "$3" >>"$work/tree/$2"
	line=$(wc -l <"$work/tree/$2")
	expect_exit 1 "$SOURCE/tools/$1" "$work/tree"
	expect_stdout "$2:$line: "
}

for check in check-layers check-pairs check-spdx; do
	plant_clean
	expect_exit 0 "$SOURCE/tools/$check" "$work/tree"
	expect_exit 0 "$SOURCE/tools/$check"
done

finds check-layers shm/ring.h '#include "runtime/worker.h"'
finds check-layers runtime/worker.c '# include <launcher/options.h>'
finds check-layers runtime/worker.c '#include "ring.h"'
finds check-layers include/wax/base.h '#include "shm/ring.h"'
finds check-pairs shm/ring.c '	/* ring:C. Pairs with nothing. */'
finds check-pairs launcher/watch.c '/* ring:A and ring:B, as above. watch:A. Pairs with nothing. */'
finds check-spdx launcher/watch.c 'int no_licence;'
finds check-spdx launcher/watch.sh 'echo no licence'
