// The shop's till: a Wasm program beside the service. It reads its settings, one file each, from
// the folder that its first argument names (a ConfigMap volume, /etc/till when there is none) and
// prints every few seconds what the ledger adds up to. Settings and ledger are read anew each time,
// so a change shows at the next report.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kValueLimitBytes = 256, kLongestPauseSeconds = 3600 };

typedef struct {
  unsigned long orders;
  unsigned long long total_cents;
} Sum;

// Reads the first line of the file `name` in `folder`; `fallback` when there is none.
static void read_setting(const char* folder, const char* name, const char* fallback,
                         char value[kValueLimitBytes]) {
  char path[kValueLimitBytes];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE* file = fopen(path, "r");
  if (file == NULL || fgets(value, kValueLimitBytes, file) == NULL || *value == '\n') {
    snprintf(value, kValueLimitBytes, "%s", fallback);
  }
  if (file != NULL) fclose(file);
  value[strcspn(value, "\r\n")] = 0;
}

// Adds up the ledger's lines "<id> <total in cents>". False when there is no ledger yet.
static bool add_up(const char* path, Sum* sum) {
  FILE* file = fopen(path, "r");
  if (file == NULL) return false;
  unsigned long long cents;
  for (char line[kValueLimitBytes]; fgets(line, sizeof line, file) != NULL;) {
    if (sscanf(line, "%*s %llu", &cents) != 1) continue;
    sum->orders++;
    sum->total_cents += cents;
  }
  fclose(file);
  return true;
}

static void report(const char* folder) {
  char shop[kValueLimitBytes], currency[kValueLimitBytes], ledger[kValueLimitBytes];
  read_setting(folder, "shop", "the shop", shop);
  read_setting(folder, "currency", "EUR", currency);
  read_setting(folder, "ledger", "/data/ledger", ledger);
  Sum sum = {0};
  if (add_up(ledger, &sum)) {
    printf("%s: %lu orders, %llu.%02llu %s\n", shop, sum.orders, sum.total_cents / 100,
           sum.total_cents % 100, currency);
  } else {
    printf("%s: no orders yet (no ledger at %s)\n", shop, ledger);
  }
  fflush(stdout);
}

static long pause_seconds(const char* folder) {
  char value[kValueLimitBytes];
  read_setting(folder, "interval_seconds", "5", value);
  long seconds = atol(value);
  return seconds < 1 || seconds > kLongestPauseSeconds ? 5 : seconds;
}

int main(int argc, char** argv) {
  const char* folder = argc > 1 ? argv[1] : "/etc/till";
  for (;;) {
    report(folder);
    nanosleep(&(struct timespec){.tv_sec = pause_seconds(folder)}, NULL);
  }
}
