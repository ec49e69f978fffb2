// engine/host.h - what a host program adds: tables that it feeds, functions that it computes.
#pragma once

#include "catalog/catalog.h"
#include "weir.h"

// 'connector' = 'host': a table whose rows come from the stream that its option 'feed' numbers.
extern const Connector HOST_CONNECTOR;

// Moves [data] into the keeping of the process and gives it a number; the first reader of its table
// takes it. host_feed_drop releases it if nobody took it. Any thread.
uint64_t host_feed_add(struct ArrowArrayStream *data);
void host_feed_drop(uint64_t feed);
