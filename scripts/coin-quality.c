/* A battery of TestU01 on the 32-bit words, little-endian, that come from stdin:
 *
 *     coin-quality small-crush|crush|big-crush [reversed] [TEST] <STREAM
 *
 * `reversed` turns each word's bits round. With the number of a test this one alone runs, ten times,
 * on ten pieces of the stream: to look again at what came out suspect. Prints, after the battery's own report, how many
 * statistics it has and which of their p-values lie outside of [0.001, 0.999]. */
#include "bbattery.h"
#include "unif01.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_WORDS (1 << 16)

/* No battery has more tests than BigCrush. */
#define MAX_TESTS 106

static unsigned int words[N_WORDS];
static size_t n_read, n_taken;

static unsigned int next_word(void)
{
    if (n_taken == n_read) {
        n_read = fread(words, sizeof words[0], N_WORDS, stdin);
        n_taken = 0;
        if (n_read == 0) {
            fputs("the stream ended\n", stderr);
            exit(1);
        }
    }
    return words[n_taken++];
}

static unsigned int next_word_reversed(void)
{
    unsigned int word = next_word();
    word = (word >> 1 & 0x55555555) | (word & 0x55555555) << 1;
    word = (word >> 2 & 0x33333333) | (word & 0x33333333) << 2;
    word = (word >> 4 & 0x0f0f0f0f) | (word & 0x0f0f0f0f) << 4;
    word = (word >> 8 & 0x00ff00ff) | (word & 0x00ff00ff) << 8;
    return word >> 16 | word << 16;
}

int main(int argc, char **argv)
{
    static int n_repeats[1 + MAX_TESTS];
    const char *battery = argc > 1 ? argv[1] : "";
    int is_reversed = argc > 2 && strcmp(argv[2], "reversed") == 0;
    int test = argc > 2 + is_reversed ? atoi(argv[2 + is_reversed]) : 0;
    if (test < 0 || test > MAX_TESTS) {
        fputs("there is no such test\n", stderr);
        return 2;
    }
    n_repeats[test] = 10;
    unif01_Gen *gen = unif01_CreateExternGenBits(
        is_reversed ? "coins, reversed" : "coins", is_reversed ? next_word_reversed : next_word);

    if (strcmp(battery, "small-crush") == 0) {
        test ? bbattery_RepeatSmallCrush(gen, n_repeats) : bbattery_SmallCrush(gen);
    } else if (strcmp(battery, "crush") == 0) {
        test ? bbattery_RepeatCrush(gen, n_repeats) : bbattery_Crush(gen);
    } else if (strcmp(battery, "big-crush") == 0) {
        test ? bbattery_RepeatBigCrush(gen, n_repeats) : bbattery_BigCrush(gen);
    } else {
        fputs("usage: coin-quality small-crush|crush|big-crush [reversed] [TEST] <STREAM\n",
              stderr);
        return 2;
    }
    int n_outside = 0;
    for (int at = 0; at < bbattery_NTests; at++) {
        if (bbattery_pVal[at] < 0.001 || bbattery_pVal[at] > 0.999) {
            n_outside++;
            printf("outside: %s p = %.3g, or 1 - %.3g\n", bbattery_TestNames[at],
                   bbattery_pVal[at], 1 - bbattery_pVal[at]);
        }
    }
    printf("%d statistics, %d outside of [0.001, 0.999]\n", bbattery_NTests, n_outside);
    unif01_DeleteExternGenBits(gen);
    return 0;
}
