#ifndef FC_BASE_LIST_H
#define FC_BASE_LIST_H
/* Intrusive doubly linked ring: no allocation, O(1) removal. A node that is in no list points to
 * itself. */
#include <stdbool.h>
#include <stddef.h>

struct fc__node {
  struct fc__node *next, *prev;
};

#define FC__CONTAINER(pointer, type, member)                                                       \
  ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void fc__node_init(struct fc__node *n) { n->next = n->prev = n; }

static inline bool fc__node_linked(const struct fc__node *n) { return n->next != n; }

static inline bool fc__list_empty(const struct fc__node *list) { return list->next == list; }

static inline void fc__list_push_back(struct fc__node *list, struct fc__node *n) {
  n->prev = list->prev;
  n->next = list;
  list->prev->next = n;
  list->prev = n;
}

static inline void fc__list_push_front(struct fc__node *list, struct fc__node *n) {
  fc__list_push_back(list->next, n);
}

static inline void fc__list_remove(struct fc__node *n) {
  n->prev->next = n->next;
  n->next->prev = n->prev;
  fc__node_init(n);
}

/* The first node, or NULL. */
static inline struct fc__node *fc__list_first(struct fc__node *list) {
  return fc__list_empty(list) ? NULL : list->next;
}

/* Moves all nodes of from (left empty) to the end of list. */
static inline void fc__list_splice_back(struct fc__node *list, struct fc__node *from) {
  if (fc__list_empty(from)) return;
  from->next->prev = list->prev;
  list->prev->next = from->next;
  from->prev->next = list;
  list->prev = from->prev;
  fc__node_init(from);
}

#endif
