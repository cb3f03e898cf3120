/* SPDX-License-Identifier: Apache-2.0
 *
 * Skeletons of names, by ICU's list of confusable characters. Called by whoever compares domains and names
 * of people, in rooms, with what strangers wrote. ICU reads nothing but its built-in data. The list makes
 * characters alike that look so in any font; the own map adds what is taken for another in haste: "0" for
 * "o", "rn" for "m". Invariants: names are at most LOOKALIKE_MAX bytes; a skeleton's own skeleton is itself
 * for ASCII.
 */
#include "proto/lookalike.h"

#include "base/ensure.h"

#include <idn2.h>
#include <unicode/uspoof.h>
#include <unicode/ustring.h>

#define UNITS_MAX (2 * LOOKALIKE_MAX)

struct lookalike {
	USpoofChecker *skeletons, *mixtures;
};

struct lookalike *lookalike_open(void)
{
	struct lookalike *tool = mem_zalloc(1, sizeof *tool);
	UErrorCode status = U_ZERO_ERROR;

	tool->skeletons = uspoof_open(&status);
	tool->mixtures = uspoof_open(&status);
	if (U_SUCCESS(status)) {
		uspoof_setRestrictionLevel(tool->mixtures, USPOOF_HIGHLY_RESTRICTIVE);
		uspoof_setChecks(tool->mixtures, USPOOF_RESTRICTION_LEVEL, &status);
	}
	if (U_SUCCESS(status))
		return tool;
	lookalike_close(tool);
	return NULL;
}

void lookalike_close(struct lookalike *tool)
{
	if (!tool)
		return;
	if (tool->skeletons)
		uspoof_close(tool->skeletons);
	if (tool->mixtures)
		uspoof_close(tool->mixtures);
	free(tool);
}

/* A domain's A-labels as people read them; any other name as it is. False: not so written. */
static bool to_letters(struct text name, char letters[LOOKALIKE_MAX + 1])
{
	static const struct text mark = TEXT("xn--");
	char *undone = NULL;

	if (name.n > LOOKALIKE_MAX || text_find_byte(name, '\0') != name.n)
		return false;
	if (name.n)
		memcpy(letters, name.p, name.n);
	letters[name.n] = '\0';
	if (text_find_nocase(name, mark) == SIZE_MAX)
		return true;
	if (idn2_to_unicode_8z8z(letters, &undone, 0) == IDN2_OK && strlen(undone) <= LOOKALIKE_MAX)
		memcpy(letters, undone, strlen(undone) + 1);
	idn2_free(undone);
	return true;
}

static bool to_units(const char *letters, UChar units[UNITS_MAX], int32_t *ret_n)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar plain[LOOKALIKE_MAX + 1];
	int32_t n;

	u_strFromUTF8(plain, LOOKALIKE_MAX + 1, &n, letters, -1, &status);
	*ret_n = u_strFoldCase(units, UNITS_MAX, plain, U_SUCCESS(status) ? n : 0, U_FOLD_CASE_DEFAULT,
			       &status);
	return U_SUCCESS(status);
}

/* What is taken for another character in haste, in a skeleton of ICU's. Gives the bytes taken. */
static size_t take_alike(struct text t, char *ret_c)
{
	static const struct {
		struct text written;
		char read;
	} alike[] = {
		{ TEXT("rn"), 'm' }, { TEXT("vv"), 'w' }, { TEXT("0"), 'o' }, { TEXT("1"), 'l' },
		{ TEXT("3"), 'e' },  { TEXT("5"), 's' },  { TEXT("i"), 'l' }, { TEXT("|"), 'l' },
	};

	for (size_t i = 0; i < sizeof alike / sizeof *alike; i++)
		if (text_has_prefix(t, alike[i].written)) {
			*ret_c = alike[i].read;
			return alike[i].written.n;
		}
	*ret_c = text_lower_byte(t.p[0]);
	return 1;
}

static bool copy_alike(struct text t, struct arena *a, struct text *ret_skeleton)
{
	char *out = arena_alloc(a, t.n + 1);
	size_t n = 0;

	if (!out)
		return false;
	while (t.n)
		t = text_skip(t, take_alike(t, &out[n++]));
	*ret_skeleton = text_from_bytes(out, n);
	return true;
}

bool lookalike_skeleton(const struct lookalike *tool, struct text name, struct arena *a,
			struct text *ret_skeleton)
{
	UErrorCode status = U_ZERO_ERROR;
	char letters[LOOKALIKE_MAX + 1], bytes[4 * UNITS_MAX];
	UChar units[UNITS_MAX], skeleton[UNITS_MAX];
	int32_t n, n_bytes = 0;

	if (!to_letters(name, letters) || !to_units(letters, units, &n))
		return false;
	n = uspoof_getSkeleton(tool->skeletons, 0, units, n, skeleton, UNITS_MAX, &status);
	if (U_SUCCESS(status))
		u_strToUTF8(bytes, sizeof bytes, &n_bytes, skeleton, n, &status);
	return U_SUCCESS(status) && copy_alike(text_from_bytes(bytes, (size_t)n_bytes), a, ret_skeleton);
}

static bool is_mixed_label(const struct lookalike *tool, struct text label)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t found;

	if (text_is_ascii(label))
		return false;
	found = uspoof_checkUTF8(tool->mixtures, label.p, (int32_t)label.n, NULL, &status);
	return U_SUCCESS(status) && (found & USPOOF_RESTRICTION_LEVEL);
}

bool lookalike_is_mixed(const struct lookalike *tool, struct text name)
{
	char letters[LOOKALIKE_MAX + 1];
	struct text rest, label;

	if (!to_letters(name, letters))
		return false;
	rest = text_from_cstr(letters);
	while (rest.n) {
		text_cut(rest, '.', &label, &rest);
		if (is_mixed_label(tool, label))
			return true;
	}
	return false;
}
