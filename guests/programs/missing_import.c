// Needs a function that no host has, to see what the host says about it.
__attribute__((import_module("nowhere"), import_name("to_be_found"))) extern int to_be_found(int);

int main(int argc, char** argv) {
  (void)argv;
  return to_be_found(argc);
}
