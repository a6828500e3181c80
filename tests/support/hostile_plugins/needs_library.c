/* Makes the plugin need a library that is not where the system looks. */
int tocsin_test_number(void);
__attribute__((visibility("default"))) int tocsin_test_need(void) { return tocsin_test_number(); }
