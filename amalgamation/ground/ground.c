/*
** ground.c: the room as one unit, for ledger.c and the extension.
*/
#include "arena.c"
#include "clock.c"
#include "decimal.c"
#include "decimal_power.c"
#include "deflate.c"
#include "error.c"
#include "hash.c"
#include "id.c"
#include "json.c"
#include "money.c"
#include "seal.c"
#include "text.c"
