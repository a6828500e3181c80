/* A call of a function that no library has. */
void tocsin_test_nowhere(void);
void tocsin_test_calls_nowhere(void);
void tocsin_test_calls_nowhere(void) { tocsin_test_nowhere(); }
