#include "connector/builtin.h"

void connectors_register(void) {
}
