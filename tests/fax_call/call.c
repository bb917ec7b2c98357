/* One FAX call between two T.30 machines of libspandsp, joined back to back: pages of one TIFF go out, what
 * the other machine received becomes another TIFF. White noise lies on both directions, and clicks of 2 to 12
 * ms hit the direction of the pages. It knows nothing of sheets and tells nothing but what the receiving
 * machine says of the call.
 *
 *   call SENT.tif RECEIVED.tif NOISE_DBM0 CLICKS ECM SEED
 *
 * NOISE_DBM0: level of the noise, the carrier lies at about -14; -99 is silence. CLICKS: how many a minute.
 * ECM: 1 with error correction, 0 without. Prints "pages N bad_rows N longest_bad_run N retries N rate N ecm N". */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

#define SPANDSP_EXPOSE_INTERNAL_STRUCTURES
#include <spandsp.h>

/* Samples of 20 ms at 8 kHz. */
#define CHUNK 160
/* No call is longer than ten minutes. */
#define LONGEST (10 * 60 * 50)

struct end {
    int over;
    int code;
    t30_stats_t stats;
};

static void at_end(t30_state_t *t30, void *user, int code) {
    struct end *end = user;
    end->over = 1;
    end->code = code;
    t30_get_transfer_statistics(t30, &end->stats);
}

static fax_state_t *machine(int calling, struct end *end, int ecm) {
    fax_state_t *fax = fax_init(NULL, calling);
    if (fax == NULL) {
        fprintf(stderr, "no FAX machine\n");
        exit(2);
    }
    t30_state_t *t30 = fax_get_t30_state(fax);
    fax_set_transmit_on_idle(fax, true);
    fax_set_tep_mode(fax, false);
    t30_set_tx_ident(t30, calling ? "81300000199" : "81300000100");
    t30_set_phase_e_handler(t30, at_end, end);
    t30_set_ecm_capability(t30, ecm);
    t30_set_supported_modems(t30, T30_SUPPORT_V27TER | T30_SUPPORT_V29 | T30_SUPPORT_V17);
    t30_set_supported_compressions(t30, T30_SUPPORT_T4_1D_COMPRESSION | T30_SUPPORT_T4_2D_COMPRESSION | T30_SUPPORT_T6_COMPRESSION);
    t30_set_supported_image_sizes(t30, T30_SUPPORT_215MM_WIDTH | T30_SUPPORT_A4_LENGTH | T30_SUPPORT_UNLIMITED_LENGTH);
    t30_set_supported_resolutions(t30, T30_SUPPORT_STANDARD_RESOLUTION | T30_SUPPORT_FINE_RESOLUTION | T30_SUPPORT_SUPERFINE_RESOLUTION);
    return fax;
}

/* A number of the same sequence for the same seed. */
static uint32_t chance(uint64_t *state) {
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t) (*state >> 33);
}

int main(int argc, char **argv) {
    if (argc != 7) {
        fprintf(stderr, "call SENT.tif RECEIVED.tif NOISE_DBM0 CLICKS ECM SEED\n");
        return 2;
    }
    float noise = (float) atof(argv[3]);
    int clicks = atoi(argv[4]);
    int ecm = atoi(argv[5]);
    int seed = atoi(argv[6]);
    uint64_t state = (uint64_t) seed + 1;
    int click_left = 0;
    struct end ends[2];
    memset(ends, 0, sizeof(ends));
    fax_state_t *caller = machine(1, &ends[0], ecm);
    fax_state_t *called = machine(0, &ends[1], ecm);
    t30_set_tx_file(fax_get_t30_state(caller), argv[1], -1, -1);
    t30_set_rx_file(fax_get_t30_state(called), argv[2], -1);
    awgn_state_t *there = awgn_init_dbm0(NULL, seed, noise);
    awgn_state_t *back = awgn_init_dbm0(NULL, seed + 7919, noise);

    for (int chunk = 0; chunk < LONGEST && !(ends[0].over && ends[1].over); chunk++) {
        int16_t from_caller[CHUNK] = {0};
        int16_t from_called[CHUNK] = {0};
        fax_tx(caller, from_caller, CHUNK);
        fax_tx(called, from_called, CHUNK);
        if (noise > -90.0f) {
            for (int i = 0; i < CHUNK; i++) {
                from_caller[i] = saturate16(from_caller[i] + awgn(there));
                from_called[i] = saturate16(from_called[i] + awgn(back));
            }
        }
        for (int i = 0; i < CHUNK && clicks > 0; i++) {
            if (click_left == 0 && chance(&state) % (60 * 8000) < (uint32_t) clicks) {
                click_left = 16 + (int) (chance(&state) % 80);
            }
            if (click_left > 0) {
                click_left--;
                from_caller[i] = saturate16(from_caller[i] + (int32_t) (chance(&state) % 12000) - 6000);
            }
        }
        fax_rx(called, from_caller, CHUNK);
        fax_rx(caller, from_called, CHUNK);
    }
    t30_stats_t *stats = &ends[1].stats;
    printf("pages %d bad_rows %d longest_bad_run %d retries %d rate %d ecm %d\n", stats->pages_rx, stats->bad_rows,
           stats->longest_bad_row_run, stats->error_correcting_mode_retries, stats->bit_rate, stats->error_correcting_mode);
    int received = ends[1].over && stats->pages_rx > 0;
    if (!received) {
        fprintf(stderr, "the call ended with %d and %d\n", ends[0].code, ends[1].code);
    }
    fax_free(caller);
    fax_free(called);
    return received ? 0 : 1;
}
