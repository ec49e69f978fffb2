// connector/file/file.h - the filesystem connector; README.md beside it tells how it works.
#pragma once

#include "spi/connector.h"

extern const Connector FILE_CONNECTOR;
