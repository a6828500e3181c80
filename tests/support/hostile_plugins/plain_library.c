/* A library that is no plugin, and one that a plugin needs and does not find. */
__attribute__((visibility("default"))) int tocsin_test_number(void) { return 7; }
