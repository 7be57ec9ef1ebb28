/* A stand-in for libcublas.so.12 that multiplies by the definition, columns first. */

#include "cublas_v2.h"

cublasStatus_t cublasCreate_v2(cublasHandle_t *h) {
    *h = (cublasHandle_t)h;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t h) { return CUBLAS_STATUS_SUCCESS; }

cublasStatus_t cublasSgemm_v2(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m,
    int n, int k, float *alpha, float *a, int lda, float *b, int ldb, float *beta, float *c, int ldc) {
    if (ta || tb) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (lda < m || ldb < k || ldc < m) return CUBLAS_STATUS_INVALID_VALUE;
    for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++) {
            float s = 0;
            for (int l = 0; l < k; l++) s += a[i + l * lda] * b[l + j * ldb];
            c[i + j * ldc] = *alpha * s + (*beta ? *beta * c[i + j * ldc] : 0);
        }
    return CUBLAS_STATUS_SUCCESS;
}
