/*
** ground: what needs no SQL. Errors, memory, clock, ids, text, decimal, json.
** Private prototypes, seen by every layer.
*/
#ifndef LEDGER_GROUND_H
#define LEDGER_GROUND_H

/* ---- error.c */

/* Fills *error (may be NULL) with the code, its SQLSTATE and the sentence; clears detail, hint and names. Returns code. */
LEDGER_PRIVATE int error_set(ledger_error *error, int code, const char *format, ...) PRINTF_LIKE(3, 4);
LEDGER_PRIVATE int error_detail(ledger_error *error, const char *format, ...) PRINTF_LIKE(2, 3); /* returns error->code */
LEDGER_PRIVATE int error_hint(ledger_error *error, const char *format, ...) PRINTF_LIKE(2, 3);
LEDGER_PRIVATE void error_clear(ledger_error *error);
LEDGER_PRIVATE int error_code_of_sqlstate(const char *sqlstate); /* LEDGER_ERROR if no code has it */
LEDGER_PRIVATE int error_memory(ledger_error *error);
LEDGER_PRIVATE const char *error_sqlstate(int code); /* "00000" for LEDGER_OK; static text */

/* ---- arena.c: memory given back all at once. Values of one row, one statement. */

struct arena {
  struct arena_block *block; /* the current one, linked to those before it */
  size_t used;               /* of the current block */
  int digits_max;            /* before and behind the point of a number that is read into it; 0: as many as a numeric may have */
};
LEDGER_PRIVATE void *arena_alloc(struct arena *arena, size_t bytes); /* 8-byte aligned; NULL when memory is short */
LEDGER_PRIVATE char *arena_copy(struct arena *arena, const char *text, size_t length); /* with a NUL behind it */
LEDGER_PRIVATE char *arena_finish(struct arena *arena, sqlite3_str *built); /* frees it; a copy of its text, NULL: memory */
LEDGER_PRIVATE void arena_reset(struct arena *arena); /* keeps the largest block up to 1 MB for the next round */
LEDGER_PRIVATE void arena_free(struct arena *arena);

/* ---- value.c: a value in its stored form (notes in types.h) */

enum value_kind { VALUE_NULL, VALUE_INTEGER, VALUE_REAL, VALUE_TEXT, VALUE_BLOB };
struct value {
  enum value_kind kind;
  int64_t integer;  /* VALUE_INTEGER */
  double real;      /* VALUE_REAL: real and double precision only, never money */
  const char *text; /* VALUE_TEXT, VALUE_BLOB: borrowed, from the input or an arena */
  size_t length;    /* bytes */
};

/* ---- text.c */

LEDGER_PRIVATE bool text_is_valid_utf8(const char *text,
                                       size_t length); /* no NUL, no surrogates, no overlong form, <= U+10FFFF */
LEDGER_PRIVATE int text_check(const char *text, size_t length,
                              ledger_error *error);                     /* the same; BAD_ENCODING in PostgreSQL's words */
LEDGER_PRIVATE size_t text_characters(const char *text, size_t length); /* code points of valid UTF-8 */
LEDGER_PRIVATE size_t text_offset(const char *text, size_t length,
                                  size_t characters); /* bytes of the first n characters, at most length */
LEDGER_PRIVATE int text_decode(const char *text, size_t length,
                               uint32_t *code_point);             /* bytes taken (1-4), 0 at the end or if invalid */
LEDGER_PRIVATE int text_encode(uint32_t code_point, char out[4]); /* bytes written */
LEDGER_PRIVATE uint32_t text_lower(uint32_t code_point);          /* simple case mapping, as glibc's C.UTF-8 has it */
LEDGER_PRIVATE uint32_t text_upper(uint32_t code_point);
LEDGER_PRIVATE bool text_is_alphanumeric(uint32_t code_point); /* as glibc's C.UTF-8 has it */
LEDGER_PRIVATE bool text_is_space(char c);                     /* C locale isspace, without locale */
LEDGER_PRIVATE void text_hex(const unsigned char *bytes, size_t length, char *out); /* lower case, with a NUL */
LEDGER_PRIVATE bool text_unhex(const char *text, size_t length, unsigned char *out); /* length is that of the bytes */

/* ---- clock.c */

/* Microseconds since 1970-01-01 UTC. */
LEDGER_PRIVATE int64_t clock_now_us(void);

/* ---- id.c */

/* A uuid of version 7 (RFC 9562), lower case, 36 characters and a NUL; strictly increasing within the process. */
LEDGER_PRIVATE void id_uuid7(char out[37]);
LEDGER_PRIVATE void id_uuid4(char out[37]);

/* ---- seal.c: the only file that includes sodium.h */

#define SEAL_SHA256_BYTES 32
struct seal_sha256 {
  uint64_t state[16]; /* opaque: holds a crypto_hash_sha256_state */
};
LEDGER_PRIVATE void seal_sha256_init(struct seal_sha256 *hash);
LEDGER_PRIVATE void seal_sha256_update(struct seal_sha256 *hash, const void *bytes, size_t length);
LEDGER_PRIVATE void seal_sha256_final(struct seal_sha256 *hash, unsigned char out[SEAL_SHA256_BYTES]);
#define SEAL_SHA512_BYTES 64
LEDGER_PRIVATE void seal_sha512(const void *bytes, size_t length, unsigned char out[SEAL_SHA512_BYTES]);
LEDGER_PRIVATE void seal_random(void *out, size_t length);
/* BLAKE2b-256 (RFC 7693) */
#define SEAL_BLAKE2B_BYTES 32
struct seal_blake2b {
  uint64_t state[64]; /* opaque: holds a crypto_generichash_state on a multiple of 64, so it is not copied while in use */
};
LEDGER_PRIVATE void seal_blake2b_init(struct seal_blake2b *hash);
LEDGER_PRIVATE void seal_blake2b_update(struct seal_blake2b *hash, const void *bytes, size_t length);
LEDGER_PRIVATE void seal_blake2b_final(struct seal_blake2b *hash, unsigned char out[SEAL_BLAKE2B_BYTES]);
LEDGER_PRIVATE uint64_t seal_short(const void *bytes, size_t length); /* SipHash-2-4 under a fixed key: a fingerprint */
/* Ed25519 (RFC 8032) */
LEDGER_PRIVATE void seal_sign_keypair(unsigned char secret_key[64], unsigned char public_key[32]);
LEDGER_PRIVATE void seal_sign(const unsigned char secret_key[64], const void *bytes, size_t length, unsigned char signature[64]);
LEDGER_PRIVATE bool seal_sign_is_valid(const unsigned char public_key[32], const void *bytes, size_t length,
                                       const unsigned char signature[64]);
LEDGER_PRIVATE void seal_sign_public(const unsigned char secret_key[64], unsigned char public_key[32]);
LEDGER_PRIVATE void seal_wipe(void *bytes, size_t length); /* zeros that no compiler leaves out */
/* The main database's keys: all of one seed, by crypto_kdf. */
struct seal_main {
  unsigned char sign_secret[LEDGER_SECRET_KEY_BYTES];
  unsigned char box_secret[32];
  unsigned char public_key[LEDGER_MAIN_PUBLIC_KEY_BYTES]; /* Ed25519, then X25519 */
};
LEDGER_PRIVATE void seal_main_keys(const unsigned char seed[LEDGER_MAIN_KEY_BYTES], struct seal_main *out);
/* Chunks under XChaCha20-Poly1305 (libsodium's secretstream): none can be altered, left out, moved or added, and the last one says that
** it is. The stream's key is sealed to an X25519 key (crypto_box_seal). `about` is not in a chunk, but it is for no other. */
#define SEAL_STREAM_KEY_BYTES 32
#define SEAL_STREAM_HEADER_BYTES 24
#define SEAL_STREAM_MORE_BYTES 17 /* that a chunk is longer when it is encrypted */
#define SEAL_BOX_KEY_BYTES 80     /* of the sealed key */
struct seal_stream {
  uint64_t state[8]; /* opaque: holds a crypto_secretstream_xchacha20poly1305_state */
};
/* False: the public key is one of the few that seal nothing. */
LEDGER_PRIVATE bool seal_stream_start(struct seal_stream *stream, const unsigned char box_public[32],
                                      unsigned char sealed[SEAL_BOX_KEY_BYTES],
                                      unsigned char header[SEAL_STREAM_HEADER_BYTES]);
LEDGER_PRIVATE void seal_stream_push(struct seal_stream *stream, const void *bytes, size_t length,
                                     const unsigned char about[SEAL_BLAKE2B_BYTES], bool is_last, unsigned char *out);
/* False: it was sealed to another key, or altered. */
LEDGER_PRIVATE bool seal_stream_key(const struct seal_main *main_keys, const unsigned char sealed[SEAL_BOX_KEY_BYTES],
                                    unsigned char key[SEAL_STREAM_KEY_BYTES]);
LEDGER_PRIVATE void seal_stream_resume(struct seal_stream *stream, const unsigned char key[SEAL_STREAM_KEY_BYTES],
                                       const unsigned char header[SEAL_STREAM_HEADER_BYTES]);
/* False: not the chunk that stands here, or not the last where it has to be. `length` as encrypted. */
LEDGER_PRIVATE bool seal_stream_pull(struct seal_stream *stream, const void *bytes, size_t length,
                                     const unsigned char about[SEAL_BLAKE2B_BYTES], bool is_last, unsigned char *out);

/* One value under a key: the nonce, which is drawn at random, then the ciphertext and its tag (XChaCha20-Poly1305), SEAL_VALUE_MORE_BYTES
** longer than the value. `about` is not in it, but it opens for no other. */
#define SEAL_VALUE_KEY_BYTES 32
#define SEAL_VALUE_NONCE_BYTES 24
#define SEAL_VALUE_MORE_BYTES 40
LEDGER_PRIVATE void seal_value(const unsigned char key[SEAL_VALUE_KEY_BYTES], const void *bytes, size_t length,
                               const unsigned char about[SEAL_BLAKE2B_BYTES], unsigned char *out);
/* False: another key, another `about`, or altered. `out` has room for length - SEAL_VALUE_MORE_BYTES. */
LEDGER_PRIVATE bool seal_value_open(const unsigned char key[SEAL_VALUE_KEY_BYTES], const unsigned char *bytes, size_t length,
                                    const unsigned char about[SEAL_BLAKE2B_BYTES], void *out);
/* base64url without padding (RFC 4648, 5): digits without the NUL, the text with it, and back. False: it is none, or too long. */
LEDGER_PRIVATE size_t seal_base64_length(size_t length);
LEDGER_PRIVATE void seal_base64(const void *bytes, size_t length, char *out);
LEDGER_PRIVATE bool seal_base64_read(const char *text, size_t length, unsigned char *out, size_t room, size_t *used);

/* HMAC-SHA256 (RFC 2104) under a key of any length. */
LEDGER_PRIVATE void seal_hmac_sha256(const void *key, size_t key_length, const void *bytes, size_t length,
                                     unsigned char out[SEAL_SHA256_BYTES]);
LEDGER_PRIVATE bool seal_equal(const void *a, const void *b, size_t length); /* in the same time wherever they differ */
/* Argon2id (RFC 9106) as its text, $argon2id$v=19$m=...; false: no memory for it. One at a time in a process: see seal.c. */
#define SEAL_PASSWORD_TEXT 128 /* bytes of the text, with a NUL */
LEDGER_PRIVATE bool seal_password(const char *password, size_t length, char out[SEAL_PASSWORD_TEXT]);
/* False also where there is no memory for it, which libsodium does not tell apart. */
LEDGER_PRIVATE bool seal_password_is(const char *text, const char *password, size_t length);
LEDGER_PRIVATE bool seal_password_is_old(const char *text); /* not as seal_password() would make it */

/* ---- deflate.c: compression of chunks (RFC 1951, raw); the only file that includes zlib.h */

#define DEFLATE_CHUNK_MAX (1 << 20) /* bytes of a chunk, before and after */
struct deflater;
LEDGER_PRIVATE struct deflater *deflate_open(void); /* NULL when memory is short; one serves any number of chunks */
LEDGER_PRIVATE void deflate_close(struct deflater *deflater); /* NULL is allowed */
LEDGER_PRIVATE size_t deflate_room(size_t length); /* that `out` must have for a chunk of that length */
/* Returns the bytes written. */
LEDGER_PRIVATE size_t deflate_chunk(struct deflater *deflater, const void *bytes, size_t length, void *out);
/* Gives back exactly `expected` bytes. ALTERED if it is not that; MEMORY. */
LEDGER_PRIVATE int deflate_restore(const void *bytes, size_t length, void *out, size_t expected);

/* ---- hash.c */

/* What PostgreSQL computes as hashtextextended(text, 0): to find accidents, not enemies. */
LEDGER_PRIVATE uint64_t hash_text(const char *text, size_t length);

/* ---- money.c: amounts as whole numbers of 10^-scale, scale 0 to 18. No floating point. */

#define MONEY_TEXT_MAX 24 /* bytes of the longest text of an amount, with a NUL */
__extension__ typedef __int128 money_wide; /* for sums and products of amounts */
enum money_rounding { MONEY_HALF_UP, MONEY_HALF_EVEN, MONEY_DOWN, MONEY_UP, MONEY_FLOOR, MONEY_CEILING };

/* Reads PostgreSQL's numeric syntax without exponent, NaN, Infinity; the result counts 10^-scale. INVALID_TEXT, WRONG_SCALE when a digit
** other than 0 stands past `digits` (at most scale), AMOUNT_RANGE. `error` may be NULL. */
LEDGER_PRIVATE int money_read(const char *text, size_t length, int scale, int digits, int64_t *out, ledger_error *error);
/* Canonical text with exactly `scale` digits after the point. Returns its length. */
LEDGER_PRIVATE size_t money_text(int64_t amount, int scale, char out[MONEY_TEXT_MAX]);
/* amount * numerator / denominator, rounded once. denominator > 0. AMOUNT_RANGE. */
LEDGER_PRIVATE int money_multiply(int64_t amount, int64_t numerator, int64_t denominator, enum money_rounding rounding,
                                  int64_t *out);
/* From one scale to another; WRONG_SCALE if a digit is lost, AMOUNT_RANGE. */
LEDGER_PRIVATE int money_rescale(int64_t amount, int from_scale, int to_scale, int64_t *out);
/* Minor units of a currency (ISO 4217): 0, 2, 3 or 4; 2 if not listed; 8 for BTC ETH USDT USDC XRP ADA. */
LEDGER_PRIVATE int money_digits(const char *currency);
LEDGER_PRIVATE int64_t money_power(int exponent); /* 10^exponent, 0 to 18 */
/* -1: no such word. The words of ledger.h: half_up, half_even, down, up, floor, ceiling. */
LEDGER_PRIVATE int money_rounding(const char *word);
LEDGER_PRIVATE const char *money_rounding_word(enum money_rounding rounding);

/* ---- decimal.c: exact decimal numbers of any length, PostgreSQL's numeric without NaN and Infinity */

struct decimal {
  bool negative;    /* never for zero */
  int weight;       /* position of digits[0] in base 10^9: value = sum digits[i] * 10^9^(weight - i) */
  int scale;        /* decimal digits after the point that are shown (dscale), 0 to 16383 */
  int count;        /* digits in use; 0 is zero */
  uint32_t *digits; /* base 10^9, most significant first, in an arena */
};
/* Reads PostgreSQL's numeric syntax (sign, digits, point, exponent, white space around). INVALID_TEXT, OUT_OF_RANGE. */
LEDGER_PRIVATE int decimal_parse(struct arena *arena, const char *text, size_t length, struct decimal *out,
                                 ledger_error *error);
LEDGER_PRIVATE int decimal_from_integer(struct arena *arena, int64_t integer, struct decimal *out);
/* Canonical text: fixed scale, no exponent, no "-0", no "+". In the arena, *length bytes and a NUL. NULL: memory. */
LEDGER_PRIVATE char *decimal_text(struct arena *arena, const struct decimal *number, size_t *length);
/* Rounds half away from zero to `scale` digits after the point (may be negative, as PostgreSQL 15's numeric(2,-3)). */
LEDGER_PRIVATE int decimal_round(struct arena *arena, struct decimal *number, int scale);
LEDGER_PRIVATE int decimal_truncate(struct arena *arena, struct decimal *number, int scale);
LEDGER_PRIVATE int decimal_compare(const struct decimal *a, const struct decimal *b); /* -1, 0, 1; scale does not count */
LEDGER_PRIVATE int decimal_add(struct arena *arena, const struct decimal *a, const struct decimal *b, struct decimal *out);
LEDGER_PRIVATE int decimal_subtract(struct arena *arena, const struct decimal *a, const struct decimal *b, struct decimal *out);
LEDGER_PRIVATE int decimal_multiply(struct arena *arena, const struct decimal *a, const struct decimal *b, struct decimal *out);
/* The exact sum, difference (minus) and product, of any size and scale. *out may be *a or *b, as in all of these. */
LEDGER_PRIVATE int decimal_combine(struct arena *arena, const struct decimal *a, const struct decimal *b, bool minus,
                                   struct decimal *out);
LEDGER_PRIVATE int decimal_product(struct arena *arena, const struct decimal *a, const struct decimal *b, struct decimal *out);
/* PostgreSQL's result scale (select_div_scale). DIVISION_BY_ZERO. */
LEDGER_PRIVATE int decimal_divide(struct arena *arena, const struct decimal *a, const struct decimal *b, struct decimal *out,
                                  ledger_error *error);
LEDGER_PRIVATE int decimal_modulo(struct arena *arena, const struct decimal *a, const struct decimal *b, struct decimal *out,
                                  ledger_error *error);
/* The whole part of the quotient, PostgreSQL's div(). DIVISION_BY_ZERO. */
LEDGER_PRIVATE int decimal_divide_whole(struct arena *arena, const struct decimal *a, const struct decimal *b,
                                        struct decimal *out, ledger_error *error);
/* Where there is no error parameter: OK, MEMORY or OUT_OF_RANGE. decimal_error() turns that into PostgreSQL's words. */
LEDGER_PRIVATE int decimal_error(int code, ledger_error *error);
LEDGER_PRIVATE void decimal_strip(struct decimal *number);      /* takes zero limbs off both ends */
LEDGER_PRIVATE int decimal_check(const struct decimal *number); /* OUT_OF_RANGE: more digits than a numeric can hold */
/* The nearest integer, half away from zero. OUT_OF_RANGE. */
LEDGER_PRIVATE int decimal_to_integer(const struct decimal *number, int64_t *out);
/* The quotient rounded to a scale of the caller's choice; b is not zero. */
LEDGER_PRIVATE int decimal_divide_to(struct arena *arena, const struct decimal *a, const struct decimal *b, int scale,
                                     struct decimal *out);
LEDGER_PRIVATE int decimal_divide_scale(const struct decimal *a, const struct decimal *b); /* that PostgreSQL would choose */
/* The scale of a result whose first digit stands for 10^position: 16 significant digits, at least `scale`, at most 1000. */
LEDGER_PRIVATE int decimal_result_scale(int position, int scale);
LEDGER_PRIVATE int decimal_position(const struct decimal *number); /* power of ten of the first digit; not of zero */
/* The four digits from 10000^weight, counted from the point as PostgreSQL's, over which its rules of scale are defined;
** and the weight of the first group that is not 0. */
LEDGER_PRIVATE int decimal_group(const struct decimal *number, int weight);
LEDGER_PRIVATE int decimal_group_weight(const struct decimal *number);
/* decimal_power.c: with PostgreSQL's scales. INVALID_POWER, INVALID_LOGARITHM, DIVISION_BY_ZERO, OUT_OF_RANGE. */
LEDGER_PRIVATE int decimal_sqrt(struct arena *arena, const struct decimal *a, struct decimal *out, ledger_error *error);
LEDGER_PRIVATE int decimal_sqrt_to(struct arena *arena, const struct decimal *a, int scale,
                                   struct decimal *out); /* of a >= 0 */
LEDGER_PRIVATE int decimal_exp(struct arena *arena, const struct decimal *a, struct decimal *out, ledger_error *error);
LEDGER_PRIVATE int decimal_ln(struct arena *arena, const struct decimal *a, struct decimal *out, ledger_error *error);
LEDGER_PRIVATE int decimal_log(struct arena *arena, const struct decimal *base, const struct decimal *a, struct decimal *out,
                               ledger_error *error);
LEDGER_PRIVATE int decimal_power(struct arena *arena, const struct decimal *base, const struct decimal *exponent,
                                 struct decimal *out, ledger_error *error);
/* Compares two canonical decimal texts without allocation, by value: '10' > '9', '1.0' = '1.00'. Text that is no number sorts bytewise after all numbers. */
LEDGER_PRIVATE int decimal_compare_text(const char *a, size_t a_length, const char *b, size_t b_length);

/* ---- json.c: a strict scanner (RFC 8259) over text; numbers stay text */

enum json_token {
  JSON_END,
  JSON_ERROR,
  JSON_OBJECT,
  JSON_OBJECT_END,
  JSON_ARRAY,
  JSON_ARRAY_END,
  JSON_KEY,
  JSON_STRING,
  JSON_NUMBER,
  JSON_TRUE,
  JSON_FALSE,
  JSON_NULL
};
struct json {
  const char *text; /* the document, valid UTF-8 */
  size_t length;
  size_t position;   /* of the next token */
  const char *token; /* the last token's text: string and key without quotes, still escaped */
  size_t token_length;
  size_t token_start;                         /* offset of the token's first byte, quote included */
  bool token_escaped;                         /* string or key: has a backslash */
  int depth;                                  /* open objects and arrays */
  unsigned char stack[LEDGER_JSON_DEPTH_MAX]; /* '{' or '[' and what is expected next; private to json.c */
  const char *problem; /* after JSON_ERROR: what was wrong, % standing for the token; json_error() fills it in */
  int code;            /* after JSON_ERROR: LEDGER_INVALID_TEXT or LEDGER_TOO_COMPLEX */
};
LEDGER_PRIVATE void json_start(struct json *json, const char *text, size_t length);
/* The next token. Commas and colons are checked and passed over. JSON_END once one whole document and only white space was read. */
LEDGER_PRIVATE enum json_token json_next(struct json *json);
/* After JSON_OBJECT or JSON_ARRAY: moves behind its end; *length receives the bytes from its first to its last. false: error. */
LEDGER_PRIVATE bool json_skip(struct json *json, size_t *length);
/* Decodes the last string or key: `length` bytes without a NUL behind them, of the document itself where nothing is escaped, else in
** the arena. UNTRANSLATABLE for \u0000, INVALID_TEXT for a lone surrogate. */
LEDGER_PRIVATE int json_decode(struct arena *arena, const struct json *json, const char **text, size_t *length,
                               ledger_error *error);
/* After JSON_ERROR: sets "invalid input syntax for type json" with PostgreSQL's detail, or 54001. Returns json->code. */
LEDGER_PRIVATE int json_error(const struct json *json, ledger_error *error);
/* Orders the decoded bytes of the last strings or keys of two scanners, without memory. -1, 0, 1. */
LEDGER_PRIVATE int json_compare(const struct json *a, const struct json *b);
LEDGER_PRIVATE bool json_is(const struct json *json, const char *text); /* the last string or key, as it is written */
/* The last token is a number of digits alone. False: it is not, or has more than 63 bits. */
LEDGER_PRIVATE bool json_whole(const struct json *json, int64_t *out);
/* Appends a JSON string literal, quotes included, escaping as PostgreSQL's escape_json() does. */
LEDGER_PRIVATE void json_quote(sqlite3_str *out, const char *text, size_t length);
/* What a document {"object":{"member":...}} says: the text of a string or a number, or an object as it stands; `object` NULL: the
** document's own member. In the arena with a NUL, NULL where there is none. MEMORY, UNTRANSLATABLE, INVALID_TEXT. */
LEDGER_PRIVATE int json_find(struct arena *arena, const char *document, const char *object, const char *member,
                             const char **out, ledger_error *error);
/* Appends "name":"text" to an object that is being written, with a comma where one is due; NULL: null. */
LEDGER_PRIVATE void json_member(sqlite3_str *out, const char *name, const char *text);

#endif
