/* The intrusive ring. */
#include "base/list.h"

#include "support/check.h"

struct item {
  int value;
  struct fc__node link;
};

static int value_of(struct fc__node *n) { return FC__CONTAINER(n, struct item, link)->value; }

static void nodes_keep_their_order(void **state) {
  (void)state;
  struct fc__node list;
  struct item a = {1, {0}}, b = {2, {0}}, c = {3, {0}};
  fc__node_init(&list);
  fc__node_init(&c.link);
  assert_null(fc__list_first(&list));
  fc__list_push_back(&list, &b.link);
  fc__list_push_back(&list, &c.link);
  fc__list_push_front(&list, &a.link);
  int expected = 1;
  for (struct fc__node *n = list.next; n != &list; n = n->next) {
    assert_int_equal(value_of(n), expected++);
  }
  assert_int_equal(expected, 4);
  assert_int_equal(value_of(fc__list_first(&list)), 1);
}

static void a_removed_node_is_in_no_list(void **state) {
  (void)state;
  struct fc__node list;
  struct item a = {1, {0}}, b = {2, {0}};
  fc__node_init(&list);
  fc__list_push_back(&list, &a.link);
  fc__list_push_back(&list, &b.link);
  assert_true(fc__node_linked(&a.link));
  fc__list_remove(&a.link);
  assert_false(fc__node_linked(&a.link));
  fc__list_remove(&a.link); /* harmless: it points to itself */
  assert_int_equal(value_of(fc__list_first(&list)), 2);
  fc__list_remove(&b.link);
  assert_true(fc__list_empty(&list));
}

static void splicing_moves_all_to_the_end(void **state) {
  (void)state;
  struct fc__node list, from;
  struct item a = {1, {0}}, b = {2, {0}}, c = {3, {0}};
  fc__node_init(&list);
  fc__node_init(&from);
  fc__list_splice_back(&list, &from);
  assert_true(fc__list_empty(&list));
  fc__list_push_back(&list, &a.link);
  fc__list_push_back(&from, &b.link);
  fc__list_push_back(&from, &c.link);
  fc__list_splice_back(&list, &from);
  assert_true(fc__list_empty(&from));
  assert_int_equal(value_of(list.next->next), 2);
  assert_int_equal(value_of(list.prev), 3);
  assert_ptr_equal(list.prev->next, &list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nodes_keep_their_order),
      cmocka_unit_test(a_removed_node_is_in_no_list),
      cmocka_unit_test(splicing_moves_all_to_the_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
