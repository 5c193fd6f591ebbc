/*
 * Timers of a reactor in a pairing heap. A node's prev is its left sibling, for a first child its parent, and
 * for the root itself; so prev tells whether a timer is set.
 */
#include "io/timers.h"

#include <assert.h>

/* Both are roots, or NULL. The later becomes the first child of the earlier, which is returned. */
static struct fc__timer *merge(struct fc__timer *a, struct fc__timer *b) {
  if (a == NULL) return b;
  if (b == NULL) return a;
  if (b->at < a->at) {
    struct fc__timer *swap = a;
    a = b;
    b = swap;
  }
  b->prev = a;
  b->next = a->child;
  if (a->child) a->child->prev = b;
  a->child = b;
  return a;
}

/* Merges a chain of siblings into one heap: in pairs from the left, then the pairs from the right. */
static struct fc__timer *merge_siblings(struct fc__timer *chain) {
  struct fc__timer *pairs = NULL, *root = NULL;
  while (chain) {
    struct fc__timer *a = chain, *b = a->next;
    chain = b ? b->next : NULL;
    a = merge(a, b);
    a->next = pairs;
    pairs = a;
  }
  while (pairs) {
    struct fc__timer *pair = pairs;
    pairs = pair->next;
    root = merge(root, pair);
  }
  return root;
}

static void set_root(struct fc__timers *timers, struct fc__timer *root) {
  timers->first = root;
  if (root == NULL) return;
  root->prev = root;
  root->next = NULL;
}

static void cut(struct fc__timer *t) {
  if (t->prev->child == t) {
    t->prev->child = t->next;
  } else {
    t->prev->next = t->next;
  }
  if (t->next) t->next->prev = t->prev;
}

void fc__timers_stop(struct fc__timers *timers, struct fc__timer *t) {
  if (!fc__timer_is_set(t)) return;
  struct fc__timer *rest = merge_siblings(t->child);
  if (timers->first == t) {
    set_root(timers, rest);
  } else {
    cut(t);
    set_root(timers, merge(timers->first, rest));
  }
  t->child = t->next = t->prev = NULL;
  timers->count--;
}

void fc__timers_set(struct fc__timers *timers, struct fc__timer *t, int64_t at) {
  assert(t->fire != NULL && "a timer without a function would be lost");
  fc__timers_stop(timers, t);
  t->at = at;
  t->child = NULL;
  set_root(timers, merge(timers->first, t));
  timers->count++;
}

void fc__timers_fire(struct fc__timers *timers, int64_t now) {
  for (size_t left = timers->count; left > 0; left--) {
    struct fc__timer *t = timers->first;
    if (t == NULL || t->at > now) return;
    fc__timers_stop(timers, t);
    t->fire(t, now);
  }
}
