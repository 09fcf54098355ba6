/* Exports libdeflate's decompressor to WebAssembly, without its allocations: see scripts/build-inflate.ts. */
#define FREESTANDING 1
#include "lib/deflate_decompress.c"

malloc_func_t libdeflate_default_malloc_func;
free_func_t libdeflate_default_free_func;

static struct libdeflate_decompressor decompressor;

/* Returns 1 if the bytes at `in` are one stream, without any byte after it, whose text has exactly `out_nbytes`; else 0. */
__attribute__((export_name("inflate")))
int inflate(const u8 *in, size_t in_nbytes, u8 *out, size_t out_nbytes)
{
	size_t used;
	enum libdeflate_result result = libdeflate_deflate_decompress_ex(
		&decompressor, in, in_nbytes, out, out_nbytes, &used, NULL);

	return result == LIBDEFLATE_SUCCESS && used == in_nbytes;
}
