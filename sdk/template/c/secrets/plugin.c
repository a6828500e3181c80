/* A secret store: with [secrets.vault], "vault:smtp/password" is the content of the file smtp/password in its folder.
 */
#include <tocsin/c/plugin.h>

#include <stdio.h>

static tocsin_status open_store(void* self, const tocsin_secret_store_config* config, tocsin_token* store,
                                const tocsin_sink* error) {
  char folder[1024];
  if (tocsin_json_text(config->settings, "folder", folder, sizeof(folder)) <= 0)
    return tocsin_fail(error, "folder is empty or too long; name the folder that the secrets are in");
  return tocsin_keep(self, folder, strlen(folder) + 1, store);
}

static void close_store(void* self, tocsin_token store) { tocsin_drop(self, store); }

static void fetch(void* self, tocsin_token store, tocsin_token request, tocsin_string reference) {
  char path[2048], value[4096];
  const char* folder = tocsin_kept(self, store);
  int length = snprintf(path, sizeof(path), "%s/%.*s", folder ? folder : "", TOCSIN_PRINT(reference));
  int good = folder && reference.size > 0 && length < (int)sizeof(path) && !strstr(path + strlen(folder), "..");
  FILE* file = good ? fopen(path, "r") : NULL;
  if (!file) {
    tocsin_answer_secret(self, request, TOCSIN_INVALID, "", "there is no such file in the folder");
    return;
  }
  size_t size = fread(value, 1, sizeof(value) - 1, file);
  int failed = ferror(file) || size == sizeof(value) - 1;
  fclose(file);
  while (size > 0 && value[size - 1] == '\n') --size;
  value[size] = '\0';
  if (failed)
    tocsin_answer_secret(self, request, TOCSIN_FAILED, "", "the file cannot be read, or is longer than 4 KiB");
  else
    tocsin_answer_secret(self, request, TOCSIN_OK, value, "");
}

static const tocsin_c_extension extensions[] = {TOCSIN_C_SECRETS(open_store, close_store, fetch)};
TOCSIN_C_PLUGIN(extensions, NULL, NULL)
