/* What load.c tells the package of the libraries it looked for when the program started. */

const char *mflow_cuda_driver(void);        /* file name of the driver's library, or NULL */
const char *mflow_cuda_driver_error(void);  /* why it is NULL */
const char *mflow_cuda_blas(void);          /* file name of the cuBLAS library, or NULL */
int mflow_cuda_init_status(void);           /* what cuInit returned */
const char *mflow_cuda_error(int status);   /* the driver's words for a status */
