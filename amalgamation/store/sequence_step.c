/*
** sequence_step.c: the value that comes next. Apart from sequence.c because the loadable extension has sequences too, and
** no handle.
*/
#include "../internal.h"

LEDGER_PRIVATE int sequence_step(const struct sequence *sequence, int64_t *value,
                                 ledger_error *error) {
  bool up = sequence->increment > 0;
  *value = sequence->last_value;
  if (!sequence->is_called) return LEDGER_OK;
  if (!__builtin_add_overflow(sequence->last_value, sequence->increment, value) &&
      *value <= sequence->maximum && *value >= sequence->minimum) {
    return LEDGER_OK;
  }
  *value = up ? sequence->minimum : sequence->maximum;
  if (sequence->cycle) return LEDGER_OK;
  return error_set(error, LEDGER_SEQUENCE_LIMIT,
                   "nextval: reached %s value of sequence \"%s\" (%lld)",
                   up ? "maximum" : "minimum", sequence->name,
                   (long long)(up ? sequence->maximum : sequence->minimum));
}
