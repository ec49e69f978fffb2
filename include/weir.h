// weir.h - the public face of libweir: Flink SQL inside a host program.
//
// These names, all beginning with weir_ or WEIR_, are the only ones that the library shows.
#ifndef WEIR_H
#define WEIR_H

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_API __attribute__((visibility("default")))

// The version of the library, "0.1.0". Static; any thread.
WEIR_API const char *weir_version(void);

#ifdef __cplusplus
}
#endif
#endif
