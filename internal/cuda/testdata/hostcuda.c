/* A stand-in for libcuda.so.1 whose device is the host's memory. It knows the functions that
   package cuda calls and one kernel, swish; it shows that calls and arguments reach the
   library they are meant for, nothing about any GPU. HOSTCUDA_INIT is what cuInit returns. */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cuda.h"

CUresult cuInit(unsigned int flags) {
    const char *s = getenv("HOSTCUDA_INIT");
    return flags ? CUDA_ERROR_INVALID_VALUE : s ? (CUresult)atoi(s) : CUDA_SUCCESS;
}

CUresult cuGetErrorString(CUresult status, const char **words) {
    *words = status == CUDA_ERROR_NO_DEVICE ? "no CUDA-capable device is detected" : NULL;
    return *words ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuDriverGetVersion(int *v) { return *v = 12040, CUDA_SUCCESS; }
CUresult cuDeviceGetCount(int *n) { return *n = 1, CUDA_SUCCESS; }
CUresult cuDeviceGet(CUdevice *d, int i) { return *d = i, CUDA_SUCCESS; }
CUresult cuDeviceTotalMem_v2(size_t *n, CUdevice d) { return *n = 3ull << 30, CUDA_SUCCESS; }

CUresult cuDeviceGetName(char *name, int n, CUdevice d) {
    snprintf(name, n, "host memory");
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *v, CUdevice_attribute a, CUdevice d) {
    *v = a == 75 ? 8 : a == 76 ? 9 : -1; /* compute capability, major and minor */
    return CUDA_SUCCESS;
}

static int context;

CUresult cuDevicePrimaryCtxRetain(CUcontext *c, CUdevice d) {
    *c = (CUcontext)&context;
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice d) { return CUDA_SUCCESS; }
CUresult cuCtxSynchronize(void) { return CUDA_SUCCESS; }

CUresult cuCtxSetCurrent(CUcontext c) {
    return c == (CUcontext)&context ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

CUresult cuMemAlloc_v2(CUdeviceptr *p, size_t n) {
    *p = (CUdeviceptr)malloc(n);
    return *p ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult cuMemFree_v2(CUdeviceptr p) { return free((void *)p), CUDA_SUCCESS; }

CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t n) {
    return memcpy((void *)to, from, n), CUDA_SUCCESS;
}

CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t n) {
    return memcpy(to, (const void *)from, n), CUDA_SUCCESS;
}

CUresult cuModuleLoadData(CUmodule *m, const void *image) {
    *m = (CUmodule)image;
    return strstr(image, ".entry swish(") ? CUDA_SUCCESS : CUDA_ERROR_INVALID_PTX;
}

CUresult cuModuleGetFunction(CUfunction *f, CUmodule m, const char *name) {
    *f = (CUfunction)&context;
    return strcmp(name, "swish") ? CUDA_ERROR_NOT_FOUND : CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
    unsigned bz, unsigned shared, CUstream stream, void **params, void **extra) {
    if (gy != 1 || gz != 1 || bx != 256 || by != 1 || bz != 1 || shared || stream || extra)
        return CUDA_ERROR_INVALID_VALUE;
    const float *x = *(const float **)params[0];
    float *y = *(float **)params[1];
    size_t n = *(size_t *)params[2];
    for (size_t i = 0; i < (size_t)gx * bx && i < n; i++) y[i] = x[i] / (1 + expf(-x[i]));
    return CUDA_SUCCESS;
}
