// What the kernels need of OpenCL C 1.2, under names that CUDA can give as well.
#pragma OPENCL FP_CONTRACT OFF

typedef uchar u8;
typedef ushort u16;
typedef uint u32;
typedef ulong u64;
typedef long s64;

#define KERNEL __kernel
#define GLOBAL __global
#define LOCAL __local
#define SHARED __local
#define TABLE __constant
#define FUNC static inline
#define SYNC() barrier(CLK_LOCAL_MEM_FENCE)
#define GLOBAL_ID(d) ((int)get_global_id(d))
#define LOCAL_ID(d) ((int)get_local_id(d))
#define GROUP_ID(d) ((int)get_group_id(d))
#define BITS(f) as_uint(f)
#define FLOAT(u) as_float((u32)(u))
#define FUSED(a, b, c) fma(a, b, c)
#define ROOT(x) sqrt(x)
#define CEILING(x) ceil(x)
#define FLOORING(x) floor(x)
#define NEAREST(x) rint(x)
#define HIGH64(a, b) mul_hi((u64)(a), (u64)(b))
#define ZEROS64(x) ((int)clz((u64)(x)))
