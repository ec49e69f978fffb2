// model/learner.h - the connector 'model', which learns from what is written to it.
#pragma once

#include "model/columns.h"
#include "spi/connector.h"

extern const Connector LEARNER_CONNECTOR;
