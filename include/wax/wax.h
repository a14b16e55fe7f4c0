/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WAX_WAX_H
#define WAX_WAX_H

/* Everything that a flow needs; its test includes <wax/test.h> too. */
#include <wax/base.h>
#include <wax/err.h>
#include <wax/type.h>
#include <wax/batch.h>
#include <wax/flow.h>
#include <wax/operators.h>
#include <wax/stateful.h>
#include <wax/aggregates.h>
#include <wax/key.h>
#include <wax/list.h>
#include <wax/collect.h>
#include <wax/join.h>
#include <wax/enrich.h>
#include <wax/kernel.h>
#include <wax/connector.h>
#include <wax/connectors.h>
#include <wax/run.h>

#endif
