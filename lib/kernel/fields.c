/*
 * Parses the fields of CSV records to values as plain Parquet stores them: the inner loops of text/columns/kernel.ts.
 *
 * find_fields finds the fields of a window of text, then parse_column parses those of one column. Both fail at what is not written
 * plainly, and leave it to the engine: they never read another value than it does.
 */
#include <wasm_simd128.h>
#include "nearest-double.h"

#define EXPORT(name) __attribute__((export_name(#name)))
#define UNUSED __attribute__((unused))

/* The most bytes of text in a window. A field has at least one byte, which is its separator. */
#define WINDOW_BYTES (128 * 1024)
/* Bytes that may be read before and behind the text, and written behind values. */
#define MARGIN 64

static u8 text_with_margins[MARGIN + WINDOW_BYTES + MARGIN];
static u8 *const text = text_with_margins + MARGIN;
/* Where the separator behind each field stands. */
static u32 ends[WINDOW_BYTES];
/* The values of one column. A text takes four bytes more than its own, a number at most eight. */
static u8 values[8 * WINDOW_BYTES + MARGIN];
/* For each row, whether the column has a value. */
static u8 present[WINDOW_BYTES];
static u32 null_row_count;

/* Texts that are null where they stand without quotes. */
#define NULLS_MAX 8
#define NULL_BYTES_MAX 31
static struct { u8 bytes[NULL_BYTES_MAX]; u32 length; } null_texts[NULLS_MAX];
static u32 null_count;
/* A bit for each length that one of them has. */
static u32 null_lengths;

/* What find_fields found. */
static u32 column_count, row_count, has_blank_lines, has_wide_characters;
/* Bytes of the newlines before their \n. */
static u32 cr_bytes;
static i32 quote_byte;

EXPORT(text_at) u8 *text_at(void) { return text; }
EXPORT(values_at) u8 *values_at(void) { return values; }
EXPORT(present_at) u8 *present_at(void) { return present; }
EXPORT(rows_found) u32 rows_found(void) { return row_count; }
/* Rows without a value in the column that was parsed last. */
EXPORT(nulls_found) u32 nulls_found(void) { return null_row_count; }
/* Whether bytes are not ASCII. */
EXPORT(has_wide) u32 has_wide(void) { return has_wide_characters; }

EXPORT(clear_nulls) void clear_nulls(void) { null_count = null_lengths = 0; }

/* Adds a text that is null: the first bytes of `text`. */
EXPORT(add_null)
void add_null(u32 length)
{
	__builtin_memcpy(null_texts[null_count].bytes, text, length);
	null_texts[null_count++].length = length;
	null_lengths |= (u32)1 << length;
}

/* 64 bytes of text. */
struct block { v128_t parts[4]; };

INLINE v128_t is_byte(const struct block *block, u32 part, u8 byte)
{
	return wasm_i8x16_eq(block->parts[part], wasm_u8x16_splat(byte));
}

/* Returns a bit for each byte of the block that is this one. */
INLINE u64 bits_of(const struct block *block, u8 byte)
{
	u64 bits = 0;

	for (u32 part = 0; part < 4; part++)
		bits |= (u64)wasm_i8x16_bitmask(is_byte(block, part, byte)) << 16 * part;
	return bits;
}

INLINE int has_byte(const struct block *block, u8 byte)
{
	v128_t low = wasm_v128_or(is_byte(block, 0, byte), is_byte(block, 1, byte));
	v128_t high = wasm_v128_or(is_byte(block, 2, byte), is_byte(block, 3, byte));

	return wasm_v128_any_true(wasm_v128_or(low, high));
}

/* Sets each bit at which an odd number of bits is set up to it. */
INLINE u64 running_parity(u64 bits)
{
	for (u32 shift = 1; shift < 64; shift *= 2)
		bits ^= bits << shift;
	return bits;
}

/* What a block must know of the one before: bits at its end, moved to the beginning of the next. */
struct carry { u64 inside, separator, closing, cr; };

/*
 * Returns the separators of a block that are not in quotes, and their newlines. Sets `faults` where a quote neither opens a field nor closes
 * one nor is doubled, and where a carriage return belongs to no newline.
 */
INLINE u64 separators_of(const struct block *block, u64 valid, u8 delimiter, struct carry *carry, u64 *newlines, u64 *faults)
{
	u64 ends_record = bits_of(block, '\n') & valid;
	u64 separators = (bits_of(block, delimiter) & valid) | ends_record;
	u64 crs = has_byte(block, '\r') ? bits_of(block, '\r') & valid : 0;
	int may_quote = quote_byte >= 0 && (carry->inside || has_byte(block, quote_byte));
	u64 quotes = may_quote ? bits_of(block, quote_byte) & valid : 0;
	u64 inside = may_quote ? running_parity(quotes) ^ carry->inside : 0;
	u64 opening = quotes & inside, closing = quotes & ~inside;

	*faults |= opening & ~((separators | quotes) << 1 | carry->separator);
	*faults |= (closing << 1 | carry->closing) & valid & ~(separators | quotes | (cr_bytes ? crs : 0));
	carry->separator = (separators | quotes) >> 63;
	carry->closing = closing >> 63;
	carry->inside = (u64)((i64)inside >> 63);

	*newlines = ends_record & ~inside;
	u64 behind_cr = (crs & ~inside) << 1 | carry->cr;
	*faults |= cr_bytes ? (behind_cr ^ *newlines) & valid : crs & ~inside;
	carry->cr = (crs & ~inside) >> 63;
	return separators & ~inside;
}

/* Where the first field of a record begins, behind blank lines. */
static u32 skip_blank_lines(u32 start)
{
	while (text[start] == '\n' || (cr_bytes && text[start] == '\r'))
		start++;
	return start;
}

/* Removes the ends of blank lines. Returns how many fields are left. */
static u32 remove_blank_lines(u32 field_count)
{
	u32 kept = 0, start = 0, is_first = 1;

	for (u32 at = 0; at < field_count; at++) {
		int is_newline = text[ends[at]] == '\n';
		int is_blank = is_first && is_newline && ends[at] == start + cr_bytes;

		start = ends[at] + 1;
		is_first = is_newline;
		if (!is_blank)
			ends[kept++] = ends[at];
	}
	return kept;
}

/* Returns whether each record has all columns. */
static int is_regular(u32 field_count, u32 newline_count)
{
	row_count = field_count / column_count;
	if (row_count != newline_count || row_count * column_count != field_count)
		return 0;
	for (u32 at = column_count - 1; at < field_count; at += column_count)
		if (text[ends[at]] != '\n')
			return 0;
	return 1;
}

/*
 * Finds the fields of the records in the first bytes of the text. Without quotes, `quote` is -1; `has_crlf` says whether records end with \r\n.
 * Returns the bytes of the records that are whole, 0 where none is, and -1 where one is not plain.
 */
EXPORT(find_fields)
i32 find_fields(u32 length, u32 columns, i32 quote, u32 delimiter, u32 has_crlf)
{
	struct carry carry = { 0, 1, 0, 0 };
	u64 newlines, faults = 0;
	u32 field_count = 0, newline_count = 0;
	v128_t all = wasm_i32x4_splat(0);

	column_count = columns;
	quote_byte = quote;
	cr_bytes = has_crlf;
	has_blank_lines = 0;
	/* Bytes behind the text that are no NUL. */
	for (u32 i = 0; i < MARGIN; i++)
		text[length + i] = ' ';
	for (u32 at = 0; at < length; at += 64) {
		struct block block;
		for (u32 part = 0; part < 4; part++) {
			block.parts[part] = wasm_v128_load(text + at + 16 * part);
			all = wasm_v128_or(all, block.parts[part]);
		}
		u64 valid = length - at >= 64 ? ~(u64)0 : ((u64)1 << (length - at)) - 1;
		u64 separators = separators_of(&block, valid, delimiter, &carry, &newlines, &faults);
		if (faults || has_byte(&block, 0))
			return -1;
		newline_count += __builtin_popcountll(newlines);
		for (; separators; separators &= separators - 1)
			ends[field_count++] = at + __builtin_ctzll(separators);
	}
	has_wide_characters = wasm_i8x16_bitmask(all);
	while (field_count > 0 && text[ends[field_count - 1]] != '\n')
		field_count--;
	row_count = 0;
	if (field_count == 0)
		return 0;
	u32 end = ends[field_count - 1] + 1;
	if (is_regular(field_count, newline_count))
		return end;
	u32 kept = remove_blank_lines(field_count);
	has_blank_lines = kept < field_count;
	return columns > 1 && is_regular(kept, newline_count - (field_count - kept)) ? (i32)end : -1;
}

struct field {
	const u8 *at;
	u32 length;
	int is_quoted;
};

INLINE struct field field_at(u32 index, u32 column)
{
	u32 start = index == 0 ? 0 : ends[index - 1] + 1;
	u32 end = ends[index] - (column == column_count - 1 ? cr_bytes : 0);
	if (has_blank_lines && column == 0)
		start = skip_blank_lines(start);
	struct field field = { text + start, end - start, 0 };

	if (field.length > 0 && *field.at == quote_byte) {
		field.at++;
		field.length -= 2;
		field.is_quoted = 1;
	}
	return field;
}

INLINE int is_null(const struct field *field)
{
	if (field->is_quoted || field->length >= 32 || !(null_lengths >> field->length & 1))
		return 0;
	for (u32 i = 0; i < null_count; i++) {
		u32 same = 0;
		while (same < field->length && null_texts[i].bytes[same] == field->at[same])
			same++;
		if (same == field->length && null_texts[i].length == same)
			return 1;
	}
	return 0;
}

/* Reads one to eight digits. Returns 0 where a byte is none. */
INLINE int read_eight(const u8 *at, u32 length, u64 *value)
{
	const u64 zeros = 0x3030303030303030, high_halves = 0xf0f0f0f0f0f0f0f0;
	u64 digits;

	/* The first digit is the lowest byte: zeros come before shorter texts. */
	__builtin_memcpy(&digits, at + length - 8, 8);
	if (length < 8)
		digits = (digits & ~(u64)0 << (64 - 8 * length)) | zeros >> 8 * length;
	if (((digits & high_halves) ^ zeros) | (((digits + 0x0606060606060606) & high_halves) ^ zeros))
		return 0;
	digits &= 0x0f0f0f0f0f0f0f0f;
	digits = digits * 10 + (digits >> 8);
	u64 pairs = 0x000000ff000000ff;
	*value = ((digits & pairs) * 0x000f424000000064 + (digits >> 16 & pairs) * 0x0000271000000001) >> 32;
	return 1;
}

/* Reads one to 19 digits. */
INLINE int read_digits(const u8 *at, u32 length, u64 *value)
{
	u64 low, middle, high = 0;

	if (length - 1 < 8)
		return read_eight(at, length, value);
	if (length - 1 >= 19 || !read_eight(at + length - 8, 8, &low))
		return 0;
	if (length > 16 && !read_eight(at, length - 16, &high))
		return 0;
	u32 middle_length = length > 16 ? 8 : length - 8;
	if (!read_eight(at + length - 8 - middle_length, middle_length, &middle))
		return 0;
	*value = (high * 100000000 + middle) * 100000000 + low;
	return 1;
}

struct number {
	u64 digits;
	u32 fraction_length;
	int is_negative;
};

/* Reads 12 or 12.5, of at most 19 digits. */
INLINE int read_short_number(const u8 *at, u32 length, struct number *number)
{
	u32 points = wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(at), wasm_u8x16_splat('.')));
	u32 whole_length = points ? __builtin_ctz(points) : 16;
	u64 fraction;

	while (whole_length < length && at[whole_length] != '.')
		whole_length++;
	number->fraction_length = 0;
	if (whole_length >= length)
		return read_digits(at, length, &number->digits);
	u32 fraction_length = length - whole_length - 1;
	if (fraction_length > 18 || !read_digits(at, whole_length, &number->digits))
		return 0;
	if (!read_digits(at + whole_length + 1, fraction_length, &fraction))
		return 0;
	number->fraction_length = fraction_length;
	number->digits = number->digits * powers[fraction_length] + fraction;
	return 1;
}

/* Reads the same with any number of zeros before the 19 digits. */
static int read_long_number(const u8 *at, u32 length, struct number *number)
{
	u32 digit_count = 0, point = length;

	number->digits = 0;
	for (u32 i = 0; i < length; i++) {
		if (at[i] == '.' && point == length) {
			point = i;
			continue;
		}
		u32 digit = at[i] - '0';
		digit_count += digit_count > 0 || digit > 0;
		if (digit > 9 || digit_count > 19)
			return 0;
		number->digits = number->digits * 10 + digit;
	}
	number->fraction_length = point < length ? length - point - 1 : 0;
	return point > 0 && point != length - 1;
}

/* Reads -12 or -12.5. */
INLINE int read_number(const u8 *at, u32 length, struct number *number)
{
	number->is_negative = length > 0 && *at == '-';
	at += number->is_negative;
	length -= number->is_negative;
	return length <= 20 ? read_short_number(at, length, number) : read_long_number(at, length, number);
}

/* Returns a bit for each of 16 bytes that is a digit. */
INLINE u32 digit_bits(const u8 *at)
{
	v128_t distance = wasm_i8x16_sub(wasm_v128_load(at), wasm_u8x16_splat('0'));

	return wasm_i8x16_bitmask(wasm_u8x16_lt(distance, wasm_u8x16_splat(10)));
}

INLINE u32 two_digits(const u8 *at) { return (at[0] - '0') * 10 + (at[1] - '0'); }

/* Returns the days since 1970-01-01; see H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil. */
INLINE i32 days_since_1970(u32 year, u32 month, u32 day)
{
	year -= month <= 2;
	u32 era = year / 400, year_of_era = year % 400;
	u32 day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	u32 day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return (i32)(era * 146097 + day_of_era) - 719468;
}

/* Reads 2024-01-31, from the year 1 on. `digits` are the bits of its digits. */
INLINE int read_date(const u8 *at, u32 digits, i32 *days)
{
	static const u8 month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if ((digits & 0x3ff) != 0x36f || at[4] != '-' || at[7] != '-')
		return 0;
	u32 year = two_digits(at) * 100 + two_digits(at + 2), month = two_digits(at + 5), day = two_digits(at + 8);
	if (year == 0 || month - 1 >= 12)
		return 0;
	u32 is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	if (day - 1 >= month_days[month - 1] + (month == 2 && is_leap))
		return 0;
	*days = days_since_1970(year, month, day);
	return 1;
}

/* Reads 23:59:59, or 23:59:59.5 with up to six digits behind the point, as microseconds. */
INLINE int read_time(const u8 *at, u32 length, i64 *micros)
{
	u32 digits = digit_bits(at);
	u64 fraction = 0;

	if (length < 8 || (digits & 0xff) != 0xdb || at[2] != ':' || at[5] != ':')
		return 0;
	u32 hour = two_digits(at), minute = two_digits(at + 3), second = two_digits(at + 6);
	if (hour > 23 || minute > 59 || second > 59)
		return 0;
	if (length > 8) {
		if (at[8] != '.' || length < 10 || length > 15 || !read_eight(at + 9, length - 9, &fraction))
			return 0;
		fraction *= powers[15 - length];
	}
	*micros = (i64)(hour * 3600 + minute * 60 + second) * 1000000 + (i64)fraction;
	return 1;
}

enum kind { TEXT, INT32, INT64, DECIMAL, FLOAT32, FLOAT64, BOOLEAN, DATE, TIME, TIMESTAMP };

struct column {
	u32 index;
	int is_required;
	/* Limits of integers; a decimal, as an integer with `scale` digits behind the point, is at most `most` on both sides of zero. */
	i64 least, most;
	u32 scale;
};

/* Writes the value of a field. Returns the byte behind it; 0 where the field is not written plainly. */
typedef u8 *write_value(const struct field *field, const struct column *column, u8 *to);

INLINE u8 *write_four(u8 *to, const void *value)
{
	__builtin_memcpy(to, value, 4);
	return to + 4;
}

INLINE u8 *write_eight(u8 *to, const void *value)
{
	__builtin_memcpy(to, value, 8);
	return to + 8;
}

/* Inside quotes a quote stands twice. */
INLINE u8 *write_text(const struct field *field, UNUSED const struct column *column, u8 *to)
{
	v128_t quote = wasm_u8x16_splat(quote_byte);
	u8 *bytes = to + 4;
	u32 at = 0, length = 0;

	while (at < field->length) {
		v128_t next = wasm_v128_load(field->at + at);
		u32 quotes = field->is_quoted ? wasm_i8x16_bitmask(wasm_i8x16_eq(next, quote)) : 0;
		u32 taken = quotes ? __builtin_ctz(quotes) + 1 : 16;
		u32 rest = field->length - at;

		wasm_v128_store(bytes + length, next);
		at += taken + (quotes != 0);
		length += taken < rest ? taken : rest;
	}
	__builtin_memcpy(to, &length, 4);
	return bytes + length;
}

/* Reads an integer that is within the limits of the column. */
INLINE int read_integer(const struct field *field, const struct column *column, u64 *value)
{
	u32 is_negative = field->length > 0 && *field->at == '-';
	u64 digits;

	if (!read_digits(field->at + is_negative, field->length - is_negative, &digits))
		return 0;
	*value = is_negative ? -digits : digits;
	return digits <= (is_negative ? -(u64)column->least : (u64)column->most);
}

INLINE u8 *write_int32(const struct field *field, const struct column *column, u8 *to)
{
	u64 value;

	return read_integer(field, column, &value) ? write_four(to, &value) : 0;
}

INLINE u8 *write_int64(const struct field *field, const struct column *column, u8 *to)
{
	u64 value;

	return read_integer(field, column, &value) ? write_eight(to, &value) : 0;
}

INLINE u8 *write_decimal(const struct field *field, const struct column *column, u8 *to)
{
	struct number number;

	if (!read_number(field->at, field->length, &number) || number.fraction_length > column->scale)
		return 0;
	u64 power = powers[column->scale - number.fraction_length];
	if (number.digits > (u64)column->most / power)
		return 0;
	u64 value = number.is_negative ? -(number.digits * power) : number.digits * power;
	return write_eight(to, &value);
}

/* Reads e-12 or E+5, of at most three digits. */
INLINE int read_exponent(const u8 *at, u32 length, i32 *exponent)
{
	u32 has_sign = length > 1 && (at[1] == '-' || at[1] == '+');
	u32 digit_count = length - 1 - has_sign;
	u64 digits;

	if (length < 2 || digit_count > 3 || !read_digits(at + 1 + has_sign, digit_count, &digits))
		return 0;
	*exponent = at[1] == '-' ? -(i32)digits : (i32)digits;
	return 1;
}

/* Reads a number as read_number does, or one with an exponent behind it. */
INLINE int read_float(const struct field *field, double *value)
{
	const u8 *at = field->at;
	struct number number;
	u32 mantissa_length = 0;
	i32 exponent = 0;

	for (; mantissa_length < field->length; mantissa_length += 16) {
		v128_t lower = wasm_v128_or(wasm_v128_load(at + mantissa_length), wasm_u8x16_splat(0x20));
		u32 found = wasm_i8x16_bitmask(wasm_i8x16_eq(lower, wasm_u8x16_splat('e')));
		if (found) {
			mantissa_length += __builtin_ctz(found);
			break;
		}
	}
	if (mantissa_length < field->length) {
		if (!read_exponent(at + mantissa_length, field->length - mantissa_length, &exponent))
			return 0;
	} else
		mantissa_length = field->length;
	if (!read_number(at, mantissa_length, &number))
		return 0;
	if (!nearest_double(number.digits, exponent - (i32)number.fraction_length, value))
		return 0;
	*value = number.is_negative ? -*value : *value;
	return 1;
}

INLINE u8 *write_float64(const struct field *field, UNUSED const struct column *column, u8 *to)
{
	double value;

	return read_float(field, &value) ? write_eight(to, &value) : 0;
}

/*
 * Rounds the nearest double once more, which gives the nearest float unless the double lies in the middle of two. Numbers that are smaller
 * than those of full precision, or larger than all, are left to the engine.
 */
INLINE u8 *write_float32(const struct field *field, UNUSED const struct column *column, u8 *to)
{
	double value;
	u64 bits;

	if (!read_float(field, &value))
		return 0;
	__builtin_memcpy(&bits, &value, 8);
	double size = value < 0 ? -value : value;
	if ((bits & 0x1fffffff) == 0x10000000 || (size != 0 && size < 0x1p-126) || size > 0x1.fffffep127)
		return 0;
	float rounded = (float)value;
	return write_four(to, &rounded);
}

INLINE u8 *write_boolean(const struct field *field, UNUSED const struct column *column, u8 *to)
{
	u32 start;

	__builtin_memcpy(&start, field->at, 4);
	start |= 0x20202020;
	*to = field->length == 4 && start == 0x65757274;
	if (*to)
		return to + 1;
	return field->length == 5 && start == 0x736c6166 && (field->at[4] | 0x20) == 'e' ? to + 1 : 0;
}

INLINE u8 *write_date(const struct field *field, UNUSED const struct column *column, u8 *to)
{
	i32 days;

	if (field->length != 10 || !read_date(field->at, digit_bits(field->at), &days))
		return 0;
	return write_four(to, &days);
}

INLINE u8 *write_time(const struct field *field, UNUSED const struct column *column, u8 *to)
{
	i64 micros;

	return read_time(field->at, field->length, &micros) ? write_eight(to, &micros) : 0;
}

INLINE u8 *write_timestamp(const struct field *field, UNUSED const struct column *column, u8 *to)
{
	const u8 *at = field->at;
	i64 micros = 0;
	i32 days;

	if (field->length < 10 || !read_date(at, digit_bits(at), &days))
		return 0;
	if (field->length > 10) {
		if ((at[10] != ' ' && at[10] != 'T') || !read_time(at + 11, field->length - 11, &micros))
			return 0;
	}
	micros += days * (i64)86400000000;
	return write_eight(to, &micros);
}

INLINE i32 write_all(const struct column *column, write_value *write)
{
	u8 *to = values;
	u32 nulls = 0;

	for (u32 row = 0, index = column->index; row < row_count; row++, index += column_count) {
		struct field field = field_at(index, column->index);
		int has_value = !is_null(&field);

		present[row] = has_value;
		nulls += !has_value;
		if (has_value && !(to = write(&field, column, to)))
			return -1;
	}
	null_row_count = nulls;
	return nulls > 0 && column->is_required ? -1 : to - values;
}

/* Parses a column of the fields that were found. Returns the bytes of its values, or -1 where a field is not written plainly. */
EXPORT(parse_column)
i32 parse_column(u32 index, enum kind kind, int is_required, i64 least, i64 most, u32 scale)
{
	const struct column column = { index, is_required, least, most, scale };

	switch (kind) {
	case TEXT: return write_all(&column, write_text);
	case INT32: return write_all(&column, write_int32);
	case INT64: return write_all(&column, write_int64);
	case DECIMAL: return write_all(&column, write_decimal);
	case FLOAT32: return write_all(&column, write_float32);
	case FLOAT64: return write_all(&column, write_float64);
	case BOOLEAN: return write_all(&column, write_boolean);
	case DATE: return write_all(&column, write_date);
	case TIME: return write_all(&column, write_time);
	case TIMESTAMP: return write_all(&column, write_timestamp);
	}
	return -1;
}
