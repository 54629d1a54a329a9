// Ends with the exit code that its argument names, 0 when there is none.
#include <stdlib.h>

int main(int argc, char** argv) { return argc > 1 ? atoi(argv[1]) : 0; }
