/*
** test_verify_ranges: test_verify with room for few accounts and remainders at once, and every file too large to be checked whole:
** what verify does with a large book must find the same.
*/
#define VERIFY_ACCOUNTS 3
#define VERIFY_REMAINDERS 2
#define VERIFY_WHOLE_PAGES 0

#include "test_verify.c"
