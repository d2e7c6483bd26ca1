/* One of several processes of a fleet that share a quota over a connection of the program's own, here hiredis.
 *
 * fleet PORT LIMIT WINDOW NAME COUNT [TOKENS A MINUTE]; reads RESAYIL_API_KEY and RESAYIL_BASE_URL. Link with -lhiredis. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <hiredis/hiredis.h>
#include "questions.h"

typedef struct {
    int port;
    redisContext *redis;
} connection;

static uint32_t lost(connection *to, char *problem, const char *why) {
    snprintf(problem, RESAYIL_FLEET_PROBLEM_SIZE, "%s", why);
    if (to->redis) redisFree(to->redis);
    to->redis = NULL;
    return RESAYIL_FLEET_LOST;
}

/* Carries one call. A broken connection is made anew with the next one. */
static uint32_t carry(const char *const *words, const size_t *lengths, size_t count, int64_t *numbers, char *problem,
                      void *user) {
    connection *to = user;
    struct timeval connect_limit = {0, 500000}, reply_limit = {0, 150000};
    redisReply *reply;
    uint32_t outcome = RESAYIL_FLEET_ANSWERED;
    if (!to->redis) {
        to->redis = redisConnectWithTimeout("127.0.0.1", to->port, connect_limit);
        if (!to->redis) return lost(to, problem, "no memory");
        if (to->redis->err) return lost(to, problem, to->redis->errstr);
        redisSetTimeout(to->redis, reply_limit);
    }
    reply = redisCommandArgv(to->redis, (int)count, (const char **)words, lengths);
    if (!reply) return lost(to, problem, to->redis->errstr);
    if (reply->type == REDIS_REPLY_ERROR) {
        snprintf(problem, RESAYIL_FLEET_PROBLEM_SIZE, "%s", reply->str);
        outcome = RESAYIL_FLEET_ERROR;
    } else if (reply->type != REDIS_REPLY_ARRAY || reply->elements != RESAYIL_FLEET_NUMBERS) {
        outcome = lost(to, problem, "the answer is not the script's");
    } else {
        for (size_t index = 0; index < reply->elements; index++) numbers[index] = reply->element[index]->integer;
    }
    freeReplyObject(reply);
    return outcome;
}

static void release(void *user) {
    connection *to = user;
    if (to->redis) redisFree(to->redis);
    free(to);
}

int main(int argc, char **argv) {
    resayil_client_builder *builder;
    connection *to = calloc(1, sizeof *to);
    if (argc < 6 || argc > 7 || !to) return 2;
    to->port = atoi(argv[1]);
    if (resayil_client_builder_new(&builder) != RESAYIL_STATUS_OK) return 1;
    resayil_client_builder_quota_window(builder, (uint32_t)atoi(argv[2]), atof(argv[3]));
    if (argc == 7) resayil_client_builder_tokens_per_minute(builder, strtoull(argv[6], NULL, 10));
    resayil_client_builder_fleet_with(builder, carry, release, to);
    return ask(builder, argv[4], atoi(argv[5]));
}
