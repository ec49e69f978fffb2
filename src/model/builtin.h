// model/builtin.h - the one list of model providers.
#pragma once

// Registers all of them; once, before any thread starts.
void models_register(void);
