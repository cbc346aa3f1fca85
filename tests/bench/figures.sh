# The printing of the benches, sourced: $work/LABEL.times has a line "wall cpu kilobytes" for each run, and what is shown are medians
# and their ratios.

say() { printf '%s\n' "$*"; }

median() { # label field
  awk -v f="$2" '{ print $f }' "$work/$1.times" | sort -g | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# How fast `label` is beside `base`.
ratio() { # label base-label
  awk -v a="$(median "$2" 1)" -v b="$(median "$1" 1)" 'BEGIN { printf "%.2f", a / b }'
}

line() { # title label base-label wanted
  printf '%-52s %8.3f s  %8.3f s cpu  %7.1f MB   %5s of the speed of %s%s\n' "$1" "$(median "$2" 1)" "$(median "$2" 2)" \
    "$(awk -v k="$(median "$2" 3)" 'BEGIN { print k / 1024 }')" "$(ratio "$2" "$3")" "$3" "${4:+ (wanted: $4)}"
}
