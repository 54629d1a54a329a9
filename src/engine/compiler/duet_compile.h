/* The C boundary of the engine crate (compiling side). Rules as in duet_engine.h; all functions are
 * thread-safe. */
#ifndef DUET_COMPILE_H
#define DUET_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/duet_engine.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  uint32_t kind; /* duet::engine::Kind */
  uint8_t* code;
  size_t code_size;
} duet_compiled;

/* Says what a module or component can be used as; it is not validated beyond its outline. */
int32_t duet_inspect(const uint8_t* wasm, size_t size, uint32_t* kind, duet_error* error);

/* Validates, compiles, and checks that all imports exist. With `wagi` a core module's program
 * becomes a handler, and anything else is refused. A handler is compiled for engines made with
 * `checked`, or for those without. */
int32_t duet_compile(const uint8_t* wasm, size_t size, bool wagi, bool checked, duet_compiled* out,
                     duet_error* error);
void duet_compiled_clear(duet_compiled* out);

/* As duet_compatibility_key, and duet_error_clear for errors of this library. */
void duet_compile_key(uint32_t profile, uint8_t key[32]);
void duet_compile_error_clear(duet_error* error);

#ifdef __cplusplus
}
#endif

#endif
