#include "format/builtin.h"

void formats_register(void) {
}
