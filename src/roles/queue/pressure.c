/* SPDX-License-Identifier: Apache-2.0
 *
 * When the queue takes no more: what policy is told, and the alarms for people. Called by the turn of the
 * loop and by intake.c. Trusts the spool's word about itself.
 *
 * Invariant: each trouble is told once when it begins, not for every message that it turns away, and
 * once when it is over.
 */
#include "base/clock.h"
#include "base/log.h"
#include "ipc/policy_queue.h"
#include "roles/queue/queue.h"

enum {
	DISK_ASK_MS = 1000,
	CALM_MS = 5000, /* without a failure, until a trouble is over: small messages may still fit */
};

static bool is_disk_low(struct queue *q)
{
	int64_t now = clock_mono_ms();

	if (now - q->disk_asked >= DISK_ASK_MS) {
		q->disk_asked = now;
		q->is_disk_low = spool_free_bytes(q->spool) < queue_conf(q)->queue.min_free;
	}
	return q->is_disk_low;
}

/* Why no new mail can be taken; NULL: it can. */
static const char *why_full(struct queue *q)
{
	const struct conf_queue *conf = &queue_conf(q)->queue;
	struct spool_status status;

	spool_get_status(q->spool, &status);
	if (status.is_corrupt || status.is_broken)
		return "damaged";
	if (status.is_read_only)
		return "read-only";
	if (is_disk_low(q) || (conf->reserve > 0 && !status.has_reserve))
		return "disk-full";
	if (q->spool_bytes > conf->max_size)
		return "max-size";
	return q->items.n >= conf->max_messages ? "max-messages" : NULL;
}

static void send_admission(struct queue *q)
{
	struct policy_queue_admission admission = { .pressure = (enum policy_queue_pressure)q->pressure };

	if (q->policy)
		peer_send(q->policy, POLICY_QUEUE_ADMISSION, &admission);
}

void pressure_tell_again(struct queue *q)
{
	if (q->pressure != POLICY_QUEUE_PRESSURE_OPEN)
		send_admission(q);
}

static void tell(struct queue *q, enum policy_queue_pressure pressure, const char *why)
{
	if (pressure == q->pressure)
		return;
	if (why) {
		log_error("no new mail is taken: %s", why);
		role_audit(q->role, ROLE_AUDIT_KIND_QUEUE_ALARM, "full", "why=%s messages=%zu bytes=%llu",
			   why, q->items.n, (unsigned long long)q->spool_bytes);
	} else if (q->pressure == POLICY_QUEUE_PRESSURE_FULL) {
		log_info("new mail is taken again");
	}
	q->pressure = pressure;
	send_admission(q);
}

void pressure_tell(struct queue *q)
{
	const char *why = q->is_stopping ? NULL : why_full(q);
	enum policy_queue_pressure pressure = POLICY_QUEUE_PRESSURE_OPEN;

	if (q->is_stopping || why)
		pressure = POLICY_QUEUE_PRESSURE_FULL;
	else if (q->files_used > queue_conf(q)->queue.waiting_files / 2)
		pressure = POLICY_QUEUE_PRESSURE_SLOW;
	tell(q, pressure, why);
}

void pressure_tell_store(struct queue *q, enum error e)
{
	int64_t now = clock_mono_ms();
	bool is_old = e == q->store_trouble;

	if (e)
		q->store_failed = now;
	if (is_old || (!e && now - q->store_failed < CALM_MS))
		return;
	q->store_trouble = e;
	if (!e) {
		log_info("messages can be stored again");
		return;
	}
	log_error("messages cannot be stored, so none are taken: %s", error_text(e));
	role_audit(q->role, ROLE_AUDIT_KIND_QUEUE_ALARM, "store", "%s", error_text(e));
}
