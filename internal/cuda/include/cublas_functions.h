/* The functions of cuBLAS that gorgonia.org/cu/blas v0.9.6 calls, written as those of
   the driver in cuda_functions.h. Integers are of 32 bits, scalars are passed by pointer. */

/* Handles */
FN(cublasCreate, _v2, (cublasHandle_t *))
FN(cublasDestroy, _v2, (cublasHandle_t))

/* Vectors */
FN(cublasIcamax, _v2, (cublasHandle_t, int, cuComplex *, int, int *))
FN(cublasIdamax, _v2, (cublasHandle_t, int, double *, int, int *))
FN(cublasIsamax, _v2, (cublasHandle_t, int, float *, int, int *))
FN(cublasIzamax, _v2, (cublasHandle_t, int, cuDoubleComplex *, int, int *))
FN(cublasIcamin, _v2, (cublasHandle_t, int, cuComplex *, int, int *))
FN(cublasIdamin, _v2, (cublasHandle_t, int, double *, int, int *))
FN(cublasIsamin, _v2, (cublasHandle_t, int, float *, int, int *))
FN(cublasIzamin, _v2, (cublasHandle_t, int, cuDoubleComplex *, int, int *))
FN(cublasDasum, _v2, (cublasHandle_t, int, double *, int, double *))
FN(cublasDzasum, _v2, (cublasHandle_t, int, cuDoubleComplex *, int, double *))
FN(cublasSasum, _v2, (cublasHandle_t, int, float *, int, float *))
FN(cublasScasum, _v2, (cublasHandle_t, int, cuComplex *, int, float *))
FN(cublasCaxpy, _v2, (cublasHandle_t, int, cuComplex *, cuComplex *, int, cuComplex *, int))
FN(cublasDaxpy, _v2, (cublasHandle_t, int, double *, double *, int, double *, int))
FN(cublasSaxpy, _v2, (cublasHandle_t, int, float *, float *, int, float *, int))
FN(cublasZaxpy, _v2, (cublasHandle_t, int, cuDoubleComplex *, cuDoubleComplex *, int,
    cuDoubleComplex *, int))
FN(cublasCcopy, _v2, (cublasHandle_t, int, cuComplex *, int, cuComplex *, int))
FN(cublasDcopy, _v2, (cublasHandle_t, int, double *, int, double *, int))
FN(cublasScopy, _v2, (cublasHandle_t, int, float *, int, float *, int))
FN(cublasZcopy, _v2, (cublasHandle_t, int, cuDoubleComplex *, int, cuDoubleComplex *, int))
FN(cublasDdot, _v2, (cublasHandle_t, int, double *, int, double *, int, double *))
FN(cublasSdot, _v2, (cublasHandle_t, int, float *, int, float *, int, float *))
FN(cublasCdotc, _v2, (cublasHandle_t, int, cuComplex *, int, cuComplex *, int, cuComplex *))
FN(cublasZdotc, _v2, (cublasHandle_t, int, cuDoubleComplex *, int, cuDoubleComplex *, int,
    cuDoubleComplex *))
FN(cublasCdotu, _v2, (cublasHandle_t, int, cuComplex *, int, cuComplex *, int, cuComplex *))
FN(cublasZdotu, _v2, (cublasHandle_t, int, cuDoubleComplex *, int, cuDoubleComplex *, int,
    cuDoubleComplex *))
FN(cublasDnrm2, _v2, (cublasHandle_t, int, double *, int, double *))
FN(cublasDznrm2, _v2, (cublasHandle_t, int, cuDoubleComplex *, int, double *))
FN(cublasScnrm2, _v2, (cublasHandle_t, int, cuComplex *, int, float *))
FN(cublasSnrm2, _v2, (cublasHandle_t, int, float *, int, float *))
FN(cublasCrot, _v2, (cublasHandle_t, int, cuComplex *, int, cuComplex *, int, float *, cuComplex *))
FN(cublasDrot, _v2, (cublasHandle_t, int, double *, int, double *, int, double *, double *))
FN(cublasSrot, _v2, (cublasHandle_t, int, float *, int, float *, int, float *, float *))
FN(cublasZrot, _v2, (cublasHandle_t, int, cuDoubleComplex *, int, cuDoubleComplex *, int, double *,
    cuDoubleComplex *))
FN(cublasDrotg, _v2, (cublasHandle_t, double *, double *, double *, double *))
FN(cublasSrotg, _v2, (cublasHandle_t, float *, float *, float *, float *))
FN(cublasDrotm, _v2, (cublasHandle_t, int, double *, int, double *, int, double *))
FN(cublasSrotm, _v2, (cublasHandle_t, int, float *, int, float *, int, float *))
FN(cublasDrotmg, _v2, (cublasHandle_t, double *, double *, double *, double *, double *))
FN(cublasSrotmg, _v2, (cublasHandle_t, float *, float *, float *, float *, float *))
FN(cublasCscal, _v2, (cublasHandle_t, int, cuComplex *, cuComplex *, int))
FN(cublasCsscal, _v2, (cublasHandle_t, int, float *, cuComplex *, int))
FN(cublasDscal, _v2, (cublasHandle_t, int, double *, double *, int))
FN(cublasSscal, _v2, (cublasHandle_t, int, float *, float *, int))
FN(cublasZdscal, _v2, (cublasHandle_t, int, double *, cuDoubleComplex *, int))
FN(cublasZscal, _v2, (cublasHandle_t, int, cuDoubleComplex *, cuDoubleComplex *, int))
FN(cublasCswap, _v2, (cublasHandle_t, int, cuComplex *, int, cuComplex *, int))
FN(cublasDswap, _v2, (cublasHandle_t, int, double *, int, double *, int))
FN(cublasSswap, _v2, (cublasHandle_t, int, float *, int, float *, int))
FN(cublasZswap, _v2, (cublasHandle_t, int, cuDoubleComplex *, int, cuDoubleComplex *, int))

/* Matrix and vector */
FN(cublasCgbmv, _v2, (cublasHandle_t, cublasOperation_t, int, int, int, int, cuComplex *,
    cuComplex *, int, cuComplex *, int, cuComplex *, cuComplex *, int))
FN(cublasDgbmv, _v2, (cublasHandle_t, cublasOperation_t, int, int, int, int, double *, double *,
    int, double *, int, double *, double *, int))
FN(cublasSgbmv, _v2, (cublasHandle_t, cublasOperation_t, int, int, int, int, float *, float *, int,
    float *, int, float *, float *, int))
FN(cublasZgbmv, _v2, (cublasHandle_t, cublasOperation_t, int, int, int, int, cuDoubleComplex *,
    cuDoubleComplex *, int, cuDoubleComplex *, int, cuDoubleComplex *, cuDoubleComplex *, int))
FN(cublasCgemv, _v2, (cublasHandle_t, cublasOperation_t, int, int, cuComplex *, cuComplex *, int,
    cuComplex *, int, cuComplex *, cuComplex *, int))
FN(cublasDgemv, _v2, (cublasHandle_t, cublasOperation_t, int, int, double *, double *, int,
    double *, int, double *, double *, int))
FN(cublasSgemv, _v2, (cublasHandle_t, cublasOperation_t, int, int, float *, float *, int, float *,
    int, float *, float *, int))
FN(cublasZgemv, _v2, (cublasHandle_t, cublasOperation_t, int, int, cuDoubleComplex *,
    cuDoubleComplex *, int, cuDoubleComplex *, int, cuDoubleComplex *, cuDoubleComplex *, int))
FN(cublasDger, _v2, (cublasHandle_t, int, int, double *, double *, int, double *, int, double *,
    int))
FN(cublasSger, _v2, (cublasHandle_t, int, int, float *, float *, int, float *, int, float *, int))
FN(cublasCgerc, _v2, (cublasHandle_t, int, int, cuComplex *, cuComplex *, int, cuComplex *, int,
    cuComplex *, int))
FN(cublasZgerc, _v2, (cublasHandle_t, int, int, cuDoubleComplex *, cuDoubleComplex *, int,
    cuDoubleComplex *, int, cuDoubleComplex *, int))
FN(cublasCgeru, _v2, (cublasHandle_t, int, int, cuComplex *, cuComplex *, int, cuComplex *, int,
    cuComplex *, int))
FN(cublasZgeru, _v2, (cublasHandle_t, int, int, cuDoubleComplex *, cuDoubleComplex *, int,
    cuDoubleComplex *, int, cuDoubleComplex *, int))
FN(cublasChbmv, _v2, (cublasHandle_t, cublasFillMode_t, int, int, cuComplex *, cuComplex *, int,
    cuComplex *, int, cuComplex *, cuComplex *, int))
FN(cublasZhbmv, _v2, (cublasHandle_t, cublasFillMode_t, int, int, cuDoubleComplex *,
    cuDoubleComplex *, int, cuDoubleComplex *, int, cuDoubleComplex *, cuDoubleComplex *, int))
FN(cublasChemv, _v2, (cublasHandle_t, cublasFillMode_t, int, cuComplex *, cuComplex *, int,
    cuComplex *, int, cuComplex *, cuComplex *, int))
FN(cublasZhemv, _v2, (cublasHandle_t, cublasFillMode_t, int, cuDoubleComplex *, cuDoubleComplex *,
    int, cuDoubleComplex *, int, cuDoubleComplex *, cuDoubleComplex *, int))
FN(cublasCher, _v2, (cublasHandle_t, cublasFillMode_t, int, float *, cuComplex *, int, cuComplex *,
    int))
FN(cublasZher, _v2, (cublasHandle_t, cublasFillMode_t, int, double *, cuDoubleComplex *, int,
    cuDoubleComplex *, int))
FN(cublasCher2, _v2, (cublasHandle_t, cublasFillMode_t, int, cuComplex *, cuComplex *, int,
    cuComplex *, int, cuComplex *, int))
FN(cublasZher2, _v2, (cublasHandle_t, cublasFillMode_t, int, cuDoubleComplex *, cuDoubleComplex *,
    int, cuDoubleComplex *, int, cuDoubleComplex *, int))
FN(cublasChpmv, _v2, (cublasHandle_t, cublasFillMode_t, int, cuComplex *, cuComplex *, cuComplex *,
    int, cuComplex *, cuComplex *, int))
FN(cublasZhpmv, _v2, (cublasHandle_t, cublasFillMode_t, int, cuDoubleComplex *, cuDoubleComplex *,
    cuDoubleComplex *, int, cuDoubleComplex *, cuDoubleComplex *, int))
FN(cublasChpr, _v2, (cublasHandle_t, cublasFillMode_t, int, float *, cuComplex *, int, cuComplex *))
FN(cublasZhpr, _v2, (cublasHandle_t, cublasFillMode_t, int, double *, cuDoubleComplex *, int,
    cuDoubleComplex *))
FN(cublasChpr2, _v2, (cublasHandle_t, cublasFillMode_t, int, cuComplex *, cuComplex *, int,
    cuComplex *, int, cuComplex *))
FN(cublasZhpr2, _v2, (cublasHandle_t, cublasFillMode_t, int, cuDoubleComplex *, cuDoubleComplex *,
    int, cuDoubleComplex *, int, cuDoubleComplex *))
FN(cublasDsbmv, _v2, (cublasHandle_t, cublasFillMode_t, int, int, double *, double *, int, double *,
    int, double *, double *, int))
FN(cublasSsbmv, _v2, (cublasHandle_t, cublasFillMode_t, int, int, float *, float *, int, float *,
    int, float *, float *, int))
FN(cublasDspmv, _v2, (cublasHandle_t, cublasFillMode_t, int, double *, double *, double *, int,
    double *, double *, int))
FN(cublasSspmv, _v2, (cublasHandle_t, cublasFillMode_t, int, float *, float *, float *, int,
    float *, float *, int))
FN(cublasDspr, _v2, (cublasHandle_t, cublasFillMode_t, int, double *, double *, int, double *))
FN(cublasSspr, _v2, (cublasHandle_t, cublasFillMode_t, int, float *, float *, int, float *))
FN(cublasDspr2, _v2, (cublasHandle_t, cublasFillMode_t, int, double *, double *, int, double *, int,
    double *))
FN(cublasSspr2, _v2, (cublasHandle_t, cublasFillMode_t, int, float *, float *, int, float *, int,
    float *))
FN(cublasCsymv, _v2, (cublasHandle_t, cublasFillMode_t, int, cuComplex *, cuComplex *, int,
    cuComplex *, int, cuComplex *, cuComplex *, int))
FN(cublasDsymv, _v2, (cublasHandle_t, cublasFillMode_t, int, double *, double *, int, double *, int,
    double *, double *, int))
FN(cublasSsymv, _v2, (cublasHandle_t, cublasFillMode_t, int, float *, float *, int, float *, int,
    float *, float *, int))
FN(cublasZsymv, _v2, (cublasHandle_t, cublasFillMode_t, int, cuDoubleComplex *, cuDoubleComplex *,
    int, cuDoubleComplex *, int, cuDoubleComplex *, cuDoubleComplex *, int))
FN(cublasCsyr, _v2, (cublasHandle_t, cublasFillMode_t, int, cuComplex *, cuComplex *, int,
    cuComplex *, int))
FN(cublasDsyr, _v2, (cublasHandle_t, cublasFillMode_t, int, double *, double *, int, double *, int))
FN(cublasSsyr, _v2, (cublasHandle_t, cublasFillMode_t, int, float *, float *, int, float *, int))
FN(cublasZsyr, _v2, (cublasHandle_t, cublasFillMode_t, int, cuDoubleComplex *, cuDoubleComplex *,
    int, cuDoubleComplex *, int))
FN(cublasCsyr2, _v2, (cublasHandle_t, cublasFillMode_t, int, cuComplex *, cuComplex *, int,
    cuComplex *, int, cuComplex *, int))
FN(cublasDsyr2, _v2, (cublasHandle_t, cublasFillMode_t, int, double *, double *, int, double *, int,
    double *, int))
FN(cublasSsyr2, _v2, (cublasHandle_t, cublasFillMode_t, int, float *, float *, int, float *, int,
    float *, int))
FN(cublasZsyr2, _v2, (cublasHandle_t, cublasFillMode_t, int, cuDoubleComplex *, cuDoubleComplex *,
    int, cuDoubleComplex *, int, cuDoubleComplex *, int))
FN(cublasCtbmv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    int, cuComplex *, int, cuComplex *, int))
FN(cublasDtbmv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    int, double *, int, double *, int))
FN(cublasStbmv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    int, float *, int, float *, int))
FN(cublasZtbmv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    int, cuDoubleComplex *, int, cuDoubleComplex *, int))
FN(cublasCtbsv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    int, cuComplex *, int, cuComplex *, int))
FN(cublasDtbsv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    int, double *, int, double *, int))
FN(cublasStbsv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    int, float *, int, float *, int))
FN(cublasZtbsv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    int, cuDoubleComplex *, int, cuDoubleComplex *, int))
FN(cublasCtpmv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    cuComplex *, cuComplex *, int))
FN(cublasDtpmv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    double *, double *, int))
FN(cublasStpmv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    float *, float *, int))
FN(cublasZtpmv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    cuDoubleComplex *, cuDoubleComplex *, int))
FN(cublasCtpsv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    cuComplex *, cuComplex *, int))
FN(cublasDtpsv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    double *, double *, int))
FN(cublasStpsv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    float *, float *, int))
FN(cublasZtpsv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    cuDoubleComplex *, cuDoubleComplex *, int))
FN(cublasCtrmv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    cuComplex *, int, cuComplex *, int))
FN(cublasDtrmv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    double *, int, double *, int))
FN(cublasStrmv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    float *, int, float *, int))
FN(cublasZtrmv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    cuDoubleComplex *, int, cuDoubleComplex *, int))
FN(cublasCtrsv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    cuComplex *, int, cuComplex *, int))
FN(cublasDtrsv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    double *, int, double *, int))
FN(cublasStrsv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    float *, int, float *, int))
FN(cublasZtrsv, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, cublasDiagType_t, int,
    cuDoubleComplex *, int, cuDoubleComplex *, int))

/* Matrices */
FN(cublasCdgmm, , (cublasHandle_t, cublasSideMode_t, int, int, cuComplex *, int, cuComplex *, int,
    cuComplex *, int))
FN(cublasDdgmm, , (cublasHandle_t, cublasSideMode_t, int, int, double *, int, double *, int,
    double *, int))
FN(cublasSdgmm, , (cublasHandle_t, cublasSideMode_t, int, int, float *, int, float *, int, float *,
    int))
FN(cublasZdgmm, , (cublasHandle_t, cublasSideMode_t, int, int, cuDoubleComplex *, int,
    cuDoubleComplex *, int, cuDoubleComplex *, int))
FN(cublasCgeam, , (cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, cuComplex *,
    cuComplex *, int, cuComplex *, cuComplex *, int, cuComplex *, int))
FN(cublasDgeam, , (cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, double *,
    double *, int, double *, double *, int, double *, int))
FN(cublasSgeam, , (cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, float *, float *,
    int, float *, float *, int, float *, int))
FN(cublasZgeam, , (cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int,
    cuDoubleComplex *, cuDoubleComplex *, int, cuDoubleComplex *, cuDoubleComplex *, int,
    cuDoubleComplex *, int))
FN(cublasCgemm, _v2, (cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int,
    cuComplex *, cuComplex *, int, cuComplex *, int, cuComplex *, cuComplex *, int))
FN(cublasDgemm, _v2, (cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, double *,
    double *, int, double *, int, double *, double *, int))
FN(cublasSgemm, _v2, (cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, float *,
    float *, int, float *, int, float *, float *, int))
FN(cublasZgemm, _v2, (cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int,
    cuDoubleComplex *, cuDoubleComplex *, int, cuDoubleComplex *, int, cuDoubleComplex *,
    cuDoubleComplex *, int))
FN(cublasCgemm3m, , (cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int,
    cuComplex *, cuComplex *, int, cuComplex *, int, cuComplex *, cuComplex *, int))
FN(cublasZgemm3m, , (cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int,
    cuDoubleComplex *, cuDoubleComplex *, int, cuDoubleComplex *, int, cuDoubleComplex *,
    cuDoubleComplex *, int))
FN(cublasChemm, _v2, (cublasHandle_t, cublasSideMode_t, cublasFillMode_t, int, int, cuComplex *,
    cuComplex *, int, cuComplex *, int, cuComplex *, cuComplex *, int))
FN(cublasZhemm, _v2, (cublasHandle_t, cublasSideMode_t, cublasFillMode_t, int, int,
    cuDoubleComplex *, cuDoubleComplex *, int, cuDoubleComplex *, int, cuDoubleComplex *,
    cuDoubleComplex *, int))
FN(cublasCher2k, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int, cuComplex *,
    cuComplex *, int, cuComplex *, int, float *, cuComplex *, int))
FN(cublasZher2k, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int,
    cuDoubleComplex *, cuDoubleComplex *, int, cuDoubleComplex *, int, double *, cuDoubleComplex *,
    int))
FN(cublasCherk, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int, float *,
    cuComplex *, int, float *, cuComplex *, int))
FN(cublasZherk, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int, double *,
    cuDoubleComplex *, int, double *, cuDoubleComplex *, int))
FN(cublasCherkx, , (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int, cuComplex *,
    cuComplex *, int, cuComplex *, int, float *, cuComplex *, int))
FN(cublasZherkx, , (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int,
    cuDoubleComplex *, cuDoubleComplex *, int, cuDoubleComplex *, int, double *, cuDoubleComplex *,
    int))
FN(cublasCsymm, _v2, (cublasHandle_t, cublasSideMode_t, cublasFillMode_t, int, int, cuComplex *,
    cuComplex *, int, cuComplex *, int, cuComplex *, cuComplex *, int))
FN(cublasDsymm, _v2, (cublasHandle_t, cublasSideMode_t, cublasFillMode_t, int, int, double *,
    double *, int, double *, int, double *, double *, int))
FN(cublasSsymm, _v2, (cublasHandle_t, cublasSideMode_t, cublasFillMode_t, int, int, float *,
    float *, int, float *, int, float *, float *, int))
FN(cublasZsymm, _v2, (cublasHandle_t, cublasSideMode_t, cublasFillMode_t, int, int,
    cuDoubleComplex *, cuDoubleComplex *, int, cuDoubleComplex *, int, cuDoubleComplex *,
    cuDoubleComplex *, int))
FN(cublasCsyr2k, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int, cuComplex *,
    cuComplex *, int, cuComplex *, int, cuComplex *, cuComplex *, int))
FN(cublasDsyr2k, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int, double *,
    double *, int, double *, int, double *, double *, int))
FN(cublasSsyr2k, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int, float *,
    float *, int, float *, int, float *, float *, int))
FN(cublasZsyr2k, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int,
    cuDoubleComplex *, cuDoubleComplex *, int, cuDoubleComplex *, int, cuDoubleComplex *,
    cuDoubleComplex *, int))
FN(cublasCsyrk, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int, cuComplex *,
    cuComplex *, int, cuComplex *, cuComplex *, int))
FN(cublasDsyrk, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int, double *,
    double *, int, double *, double *, int))
FN(cublasSsyrk, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int, float *,
    float *, int, float *, float *, int))
FN(cublasZsyrk, _v2, (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int,
    cuDoubleComplex *, cuDoubleComplex *, int, cuDoubleComplex *, cuDoubleComplex *, int))
FN(cublasCsyrkx, , (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int, cuComplex *,
    cuComplex *, int, cuComplex *, int, cuComplex *, cuComplex *, int))
FN(cublasDsyrkx, , (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int, double *,
    double *, int, double *, int, double *, double *, int))
FN(cublasSsyrkx, , (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int, float *, float *,
    int, float *, int, float *, float *, int))
FN(cublasZsyrkx, , (cublasHandle_t, cublasFillMode_t, cublasOperation_t, int, int,
    cuDoubleComplex *, cuDoubleComplex *, int, cuDoubleComplex *, int, cuDoubleComplex *,
    cuDoubleComplex *, int))
FN(cublasCtpttr, , (cublasHandle_t, cublasFillMode_t, int, cuComplex *, cuComplex *, int))
FN(cublasDtpttr, , (cublasHandle_t, cublasFillMode_t, int, double *, double *, int))
FN(cublasStpttr, , (cublasHandle_t, cublasFillMode_t, int, float *, float *, int))
FN(cublasZtpttr, , (cublasHandle_t, cublasFillMode_t, int, cuDoubleComplex *, cuDoubleComplex *,
    int))
FN(cublasCtrsm, _v2, (cublasHandle_t, cublasSideMode_t, cublasFillMode_t, cublasOperation_t,
    cublasDiagType_t, int, int, cuComplex *, cuComplex *, int, cuComplex *, int))
FN(cublasDtrsm, _v2, (cublasHandle_t, cublasSideMode_t, cublasFillMode_t, cublasOperation_t,
    cublasDiagType_t, int, int, double *, double *, int, double *, int))
FN(cublasStrsm, _v2, (cublasHandle_t, cublasSideMode_t, cublasFillMode_t, cublasOperation_t,
    cublasDiagType_t, int, int, float *, float *, int, float *, int))
FN(cublasZtrsm, _v2, (cublasHandle_t, cublasSideMode_t, cublasFillMode_t, cublasOperation_t,
    cublasDiagType_t, int, int, cuDoubleComplex *, cuDoubleComplex *, int, cuDoubleComplex *, int))
FN(cublasCtrttp, , (cublasHandle_t, cublasFillMode_t, int, cuComplex *, int, cuComplex *))
FN(cublasDtrttp, , (cublasHandle_t, cublasFillMode_t, int, double *, int, double *))
FN(cublasStrttp, , (cublasHandle_t, cublasFillMode_t, int, float *, int, float *))
FN(cublasZtrttp, , (cublasHandle_t, cublasFillMode_t, int, cuDoubleComplex *, int,
    cuDoubleComplex *))
