/*
** ground/text.c: UTF-8, and the case of characters.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The definition of valid UTF-8, written the other way round: decode, then ask whether the code
** point may be so written. */
static bool is_valid_character(const unsigned char *bytes, int length) {
  static const uint32_t least[] = {0, 1, 0x80, 0x800, 0x10000};
  static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
  static const unsigned char masks[] = {0, 0x80, 0xe0, 0xf0, 0xf8};
  if ((bytes[0] & masks[length]) != marks[length]) return false;
  uint32_t code = bytes[0] & (unsigned char)~masks[length];
  for (int i = 1; i < length; i++) {
    if ((bytes[i] & 0xc0) != 0x80) return false;
    code = code << 6 | (bytes[i] & 0x3f);
  }
  return code >= least[length] && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
}

/* Every sequence of one and two bytes, and every three and four with bytes at the edges of their
** ranges. */
static void test_validity(void **state) {
  static const unsigned char edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90,
                                        0x9f, 0xa0, 0xbf, 0xc0, 0xff};
  unsigned char bytes[4];
  (void)state;
  for (int first = 0; first < 256; first++) {
    bytes[0] = (unsigned char)first;
    assert_int_equal(text_is_valid_utf8((const char *)bytes, 1), is_valid_character(bytes, 1));
    for (int second = 0; second < 256; second++) {
      bytes[1] = (unsigned char)second;
      bool two = is_valid_character(bytes, 2) ||
                 (is_valid_character(bytes, 1) && is_valid_character(bytes + 1, 1));
      assert_int_equal(text_is_valid_utf8((const char *)bytes, 2), two);
      if (first < 0x80 || second < 0x80) continue;
      for (size_t i = 0; i < sizeof edges; i++) {
        bytes[2] = edges[i];
        bool three = is_valid_character(bytes, 3) ||
                     (is_valid_character(bytes, 2) && is_valid_character(bytes + 2, 1));
        assert_int_equal(text_is_valid_utf8((const char *)bytes, 3), three);
        for (size_t j = 0; j < sizeof edges && first >= 0xf0; j++) {
          bytes[3] = edges[j];
          assert_int_equal(text_is_valid_utf8((const char *)bytes, 4),
                           is_valid_character(bytes, 4));
        }
      }
    }
  }
}

/* One bad byte at every place of texts of every length around the words of eight bytes. */
static void test_validity_places(void **state) {
  (void)state;
  for (size_t length = 1; length <= 40; length++) {
    for (size_t at = 0; at < length; at++) {
      char text[40];
      memset(text, 'a', sizeof text);
      assert_true(text_is_valid_utf8(text, length));
      static const char wrong[] = {'\0', '\x80', '\xc3', '\xff'};
      for (size_t i = 0; i < sizeof wrong; i++) {
        text[at] = wrong[i];
        assert_false(text_is_valid_utf8(text, length));
      }
      if (at + 2 <= length) {
        memcpy(text + at, "\xc3\xa9", 2);
        assert_true(text_is_valid_utf8(text, length));
        assert_int_equal(text_characters(text, length), length - 1);
      }
    }
  }
  assert_true(text_is_valid_utf8("", 0));
}

static void test_check_words(void **state) {
  static const struct {
    const char *text;
    size_t length;
    const char *shown;
  } rows[] = {{"\xff", 1, "0xff"},
              {"a\0b", 3, "0x00"},
              {"\xe3", 1, "0xe3"},
              {"\xe3\x80", 2, "0xe3 0x80"},
              {"x\xe3\x80"
               "AB",
               5, "0xe3 0x80 0x41"},
              {"\xed\xa0\x80", 3, "0xed 0xa0 0x80"},
              {"\xf4\x90\x80\x80", 4, "0xf4 0x90 0x80 0x80"},
              {"\xf8\x80", 2, "0xf8"},
              {"abcdefgh\xc3(", 10, "0xc3 0x28"}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    ledger_error error;
    char expected[100];
    assert_int_equal(text_check(rows[i].text, rows[i].length, &error), LEDGER_BAD_ENCODING);
    sqlite3_snprintf(sizeof expected, expected, "invalid byte sequence for encoding \"UTF8\": %s",
                     rows[i].shown);
    assert_string_equal(error.message, expected);
    assert_string_equal(error.sqlstate, "22021");
  }
}

static void test_every_code_point(void **state) {
  (void)state;
  for (uint32_t code = 1; code <= 0x10ffff; code++) {
    char bytes[4];
    uint32_t back = 0;
    int length = text_encode(code, bytes);
    bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    assert_int_equal(text_decode(bytes, (size_t)length, &back), is_surrogate ? 0 : length);
    if (is_surrogate) continue;
    assert_int_equal(back, code);
    assert_int_equal(text_decode(bytes, (size_t)length - 1, &back), 0);
    assert_int_equal(text_characters(bytes, (size_t)length), 1);
  }
}

static void test_offset(void **state) {
  static const char text[] = "a\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80z";
  static const size_t offsets[] = {0, 1, 3, 6, 10, 11, 11};
  (void)state;
  for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
    assert_int_equal(text_offset(text, sizeof text - 1, i), offsets[i]);
  }
  assert_int_equal(text_characters(text, sizeof text - 1), 5);
  assert_int_equal(text_offset("", 0, 3), 0);
}

static void test_case(void **state) {
  /* code point, lower, upper: as PostgreSQL answers in C.UTF-8 */
  static const uint32_t rows[][3] = {
      {'A', 'a', 'A'},          {'z', 'z', 'Z'},       {'@', '@', '@'},
      {'[', '[', '['},          {0xc9, 0xe9, 0xc9},    {0xdf, 0xdf, 0xdf},
      {0x131, 0x131, 'I'},      {0x130, 'i', 0x130},   {0x1c5, 0x1c6, 0x1c4},
      {0x3c2, 0x3c2, 0x3a3},    {0x212a, 'k', 0x212a}, {0x10400, 0x10428, 0x10400},
      {0x65e5, 0x65e5, 0x65e5}, {0x1e9e, 0xdf, 0x1e9e}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_int_equal(text_lower(rows[i][0]), rows[i][1]);
    assert_int_equal(text_upper(rows[i][0]), rows[i][2]);
  }
  assert_true(text_is_alphanumeric('7') && text_is_alphanumeric(0xe9) &&
              text_is_alphanumeric(0x65e5));
  assert_false(text_is_alphanumeric('_') || text_is_alphanumeric(' ') ||
               text_is_alphanumeric(0x301));
  assert_true(text_is_space(' ') && text_is_space('\t') && text_is_space('\v') &&
              text_is_space('\r'));
  assert_false(text_is_space('\0') || text_is_space('a') || text_is_space('\x85'));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_validity),    cmocka_unit_test(test_validity_places),
      cmocka_unit_test(test_check_words), cmocka_unit_test(test_every_code_point),
      cmocka_unit_test(test_offset),      cmocka_unit_test(test_case),
  };
  return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
