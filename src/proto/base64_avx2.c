/* SPDX-License-Identifier: Apache-2.0
 *
 * Base64 with AVX2. Called by base64.c on a stranger's bytes, after base64_avx2_is_there. Each of the
 * five ranges of the alphabet is found by comparison and shifted to its values; then four values of six
 * bits become three bytes by two multiplications, and the lanes are drawn together. Invariants: no load
 * reaches behind the input; a store reaches at most 8 bytes behind what is written. On processors of
 * another kind the functions say that nothing was done.
 */
#include "proto/base64_avx2.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define WITH_AVX2 __attribute__((target("avx2")))

bool base64_avx2_is_there(void)
{
	return __builtin_cpu_supports("avx2");
}

/* Bytes of a range, as a mask. */
WITH_AVX2 static inline __m256i in_range(__m256i c, char first, char last)
{
	return _mm256_and_si256(_mm256_cmpgt_epi8(c, _mm256_set1_epi8((char)(first - 1))),
				_mm256_cmpgt_epi8(_mm256_set1_epi8((char)(last + 1)), c));
}

WITH_AVX2 static inline __m256i shift_where(__m256i mask, int by)
{
	return _mm256_and_si256(mask, _mm256_set1_epi8((char)by));
}

/* The values of 32 digits; false when one of the bytes is no digit. */
WITH_AVX2 static inline bool values_of(__m256i c, __m256i *ret_values)
{
	__m256i upper = in_range(c, 'A', 'Z'), lower = in_range(c, 'a', 'z'), digit = in_range(c, '0', '9');
	__m256i plus = _mm256_cmpeq_epi8(c, _mm256_set1_epi8('+'));
	__m256i slash = _mm256_cmpeq_epi8(c, _mm256_set1_epi8('/'));
	__m256i all = _mm256_or_si256(_mm256_or_si256(upper, lower),
				      _mm256_or_si256(digit, _mm256_or_si256(plus, slash)));
	__m256i shift = _mm256_or_si256(
		_mm256_or_si256(shift_where(upper, -'A'), shift_where(lower, 26 - 'a')),
		_mm256_or_si256(shift_where(digit, 52 - '0'),
				_mm256_or_si256(shift_where(plus, 62 - '+'), shift_where(slash, 63 - '/'))));

	*ret_values = _mm256_add_epi8(c, shift);
	return _mm256_movemask_epi8(all) == -1;
}

/* 32 values of six bits become 24 bytes, at the start. */
WITH_AVX2 static inline __m256i pack(__m256i values)
{
	const __m256i order = _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1, 2, 1,
					       0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
	__m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
	__m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));

	return _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(fours, order),
					   _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 6, 6));
}

WITH_AVX2 size_t base64_avx2_decode(struct text in, char *out, size_t *ret_read)
{
	size_t i = 0, n = 0;

	for (; in.n - i >= 32; i += 32, n += 24) {
		__m256i values;
		if (!values_of(_mm256_loadu_si256((const __m256i *)(const void *)(in.p + i)), &values))
			break;
		_mm256_storeu_si256((__m256i *)(void *)(out + n), pack(values));
	}
	*ret_read = i;
	return n;
}

WITH_AVX2 size_t base64_avx2_span(struct text in)
{
	size_t i = 0;

	for (; in.n - i >= 32; i += 32) {
		__m256i c = _mm256_loadu_si256((const __m256i *)(const void *)(in.p + i));
		__m256i letter = in_range(_mm256_or_si256(c, _mm256_set1_epi8(0x20)), 'a', 'z');
		__m256i other = in_range(c, '/', '9'); /* '/' stands before '0' */
		__m256i plus = _mm256_cmpeq_epi8(c, _mm256_set1_epi8('+'));
		__m256i end = _mm256_or_si256(_mm256_cmpeq_epi8(c, _mm256_set1_epi8('\n')),
					      _mm256_cmpeq_epi8(c, _mm256_set1_epi8('\r')));
		__m256i all = _mm256_or_si256(_mm256_or_si256(letter, other), _mm256_or_si256(plus, end));
		if (_mm256_movemask_epi8(all) != -1)
			break;
	}
	return i;
}

#else

bool base64_avx2_is_there(void)
{
	return false;
}

size_t base64_avx2_decode(struct text in, char *out, size_t *ret_read)
{
	(void)in;
	(void)out;
	*ret_read = 0;
	return 0;
}

size_t base64_avx2_span(struct text in)
{
	(void)in;
	return 0;
}

#endif
