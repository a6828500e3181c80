/* A second manifest in one library: which of the two would hold? */
#define MANIFEST "{\"id\": \"two-manifests\", \"version\": \"1.0.0\"}"

__attribute__((section(".note.tocsin"), used, aligned(4))) static const struct {
  unsigned name_size, content_size, type;
  char name[8];
  char content[(sizeof(MANIFEST) + 3) / 4 * 4];
} second = {7, sizeof(MANIFEST) - 1, 1, "Tocsin", MANIFEST};
