//go:build cuda && linux && (amd64 || arm64)

/* The functions of libcuda and libcublas, as jumps through pointers that are filled when the
   program starts. A program linked this way needs neither library to be linked, starts
   where there is neither, and takes whichever version of cuBLAS the machine has. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>

#include "load.h"

#define HIDDEN __attribute__((visibility("hidden")))

/* missing stands for a function that the library lacks: CUDA_ERROR_NOT_FOUND, which is
   no status of cuBLAS and read as "unsupported" there. */
static int missing(void) { return 500; }

#if defined(__x86_64__)
#define JUMP(slot) "jmp *" slot "(%rip)\n"
#else
#define JUMP(slot) "adrp x16, " slot "\nldr x16, [x16, #:lo12:" slot "]\nbr x16\n"
#endif

/* A slot, and a function of the name that jumps to what the slot holds. Names are hidden,
   so that no library meets ours in place of its own. */
#define SLOT(name) HIDDEN void *mflow_slot_##name = (void *)missing;
#define JUMPER(name)                                                            \
    __asm__(".pushsection .text\n.globl " #name "\n.hidden " #name              \
            "\n.type " #name ", %function\n.p2align 4\n" #name ":\n"            \
            JUMP("mflow_slot_" #name) ".size " #name ", .-" #name "\n.popsection");

#define FN(name, version, args) SLOT(name)
#include "include/cuda_functions.h"
#include "include/cublas_functions.h"
#undef FN

#define FN(name, version, args) JUMPER(name)
#include "include/cuda_functions.h"
#include "include/cublas_functions.h"
#undef FN

struct function {
    const char *symbol;
    void **slot;
};

#define FN(name, version, args) {#name #version, &mflow_slot_##name},
static const struct function driver_functions[] = {
#include "include/cuda_functions.h"
    {NULL, NULL}};
static const struct function blas_functions[] = {
#include "include/cublas_functions.h"
    {NULL, NULL}};
#undef FN

static char driver_error[512];
static const char *driver, *blas;
static int init_status;

static void fill(void *library, const struct function *f) {
    for (; f->symbol; f++) {
        void *p = dlsym(library, f->symbol);
        if (p) *f->slot = p;
    }
}

/* cuBLAS of the driver's major version or an older one: a newer one would refuse. */
static void load_blas(void) {
    static const char *const names[] = {"libcublas.so.11", "libcublas.so.12", "libcublas.so.13"};
    int version = 0;
    ((int (*)(int *))mflow_slot_cuDriverGetVersion)(&version);
    int newest = version / 1000 - 11;
    if (newest > 2) newest = 2;
    for (int i = newest; i >= 0; i--) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (library) {
            blas = names[i];
            fill(library, blas_functions);
            return;
        }
    }
}

static int (*driver_init)(unsigned int);

/* Package cu calls cuInit while it is initialized and, on failure, prints to the standard
   output and exits. It is told of success, and package cuda asks for the truth. */
static int init(unsigned int flags) {
    if (driver_init) init_status = driver_init(flags);
    return 0;
}

__attribute__((constructor)) static void load(void) {
    static const char name[] = "libcuda.so.1";
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library) {
        driver = name;
        fill(library, driver_functions);
        driver_init = (int (*)(unsigned int))mflow_slot_cuInit;
        load_blas();
    } else {
        const char *why = dlerror();
        snprintf(driver_error, sizeof driver_error, "%s", why ? why : name);
    }
    mflow_slot_cuInit = (void *)init;
}

const char *mflow_cuda_driver(void) { return driver; }
const char *mflow_cuda_driver_error(void) { return driver_error; }
const char *mflow_cuda_blas(void) { return blas; }
int mflow_cuda_init_status(void) { return init_status; }

const char *mflow_cuda_error(int status) {
    const char *words = NULL;
    ((int (*)(int, const char **))mflow_slot_cuGetErrorString)(status, &words);
    return words;
}
